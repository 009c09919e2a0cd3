import type { CommandResult } from "../command.ts";
import { quote } from "../core/text.ts";
import { rejectBreakingOrWarnOfKeyChange } from "./key-change-checks.ts";
import { KID } from "./key-flags.ts";
import { keySetResult, keysWithoutSecretsToShow, type NamedSet } from "./key-results.ts";
import { removeKeyOrPair } from "./remove-key-or-pair.ts";
import { NEW_ALG } from "./rotate-flags.ts";
import { isTokenSigningSet, nextKeyAlgorithmAndUse, predictGeneratedKeys } from "./signing-state.ts";
import { confirmStep, type RotationContext, readSetToRotate, takeAndProveStep } from "./take-and-prove-step.ts";
import { unwrittenKeyProblem } from "./unwritten-key.ts";

/** Rotates in one step: the server generates a key, which signs immediately. */
export async function rotateAtOnce(context: RotationContext, set: string): Promise<CommandResult> {
  const { values, host, note } = context;
  const rotation = await readSetToRotate(context, set);
  const { shape, state, keys: before } = rotation;
  const { alg: usual, use } = nextKeyAlgorithmAndUse(set, state, before);
  const alg = values.text(NEW_ALG) ?? usual;
  const given = values.text(KID);
  const kid = given ?? host.uuid();
  const after = [...predictGeneratedKeys(shape, { kid, alg, use }), ...before];
  rejectBreakingOrWarnOfKeyChange(context, { set, shape, before, after });
  if (shape === "single" && isTokenSigningSet(set))
    note("Verifiers that have cached the key set reject tokens of the new key; --publish and --activate avoid that");
  await confirmStep(context, `Generate a key in set ${quote(set)} that signs immediately?`);
  const named = shape === "pair" ? `public:${kid}` : kid;
  const created: NamedSet[] = [];
  await takeAndProveStep(context, rotation, {
    kid,
    change: async (api) => {
      const keys = await api.create(set, { kid, alg, use, isOwnId: given === undefined });
      created.push({ set, keys: keysWithoutSecretsToShow(context, keys) });
    },
    undo: (api) => removeKeyOrPair(api, set, kid),
    expected: named,
  });
  const result = keySetResult(context, created);
  return { ...result, undelivered: async (_, reason) => unwrittenKeyProblem(set, kid, reason) };
}

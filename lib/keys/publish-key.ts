import { hasRecipientFlags } from "../clients/secrets/secret-source.ts";
import type { CommandResult, Context } from "../command.ts";
import { isSymmetric, type JsonWebKey, publicPart } from "../core/jwk/json-web-key.ts";
import { keyTypeAndCurveFor } from "../core/jwk/key-algorithms.ts";
import { hasKidOrPrefixedKid } from "../core/jwk/key-pair-halves.ts";
import { CLEANUP_AFTER_DEADLINE_MS } from "../core/network.ts";
import { commandWord, quotedOperandAndFlagText } from "../core/output/shell-quote.ts";
import { Problem, safeErrorReason, usageError, usageErrorIf } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { deliverKeys } from "./deliver-keys.ts";
import { rejectBreakingKeyChange } from "./key-change-checks.ts";
import { KID, PRIVATE_KEY_OUT } from "./key-flags.ts";
import { NEW_ALG } from "./rotate-flags.ts";
import type { SetToRotate } from "./rotation-step.ts";
import { nextKeyAlgorithmAndUse, predictGeneratedKeys } from "./signing-state.ts";
import { awaitUnlessAborted, type RotationContext, readSetToRotate, takeAndProveStep } from "./take-and-prove-step.ts";

function withoutPublicHalfProblem(): Problem {
  return usageError("--publish needs a key with a public half", "choose another --alg", "key-algorithm");
}

/** The problems of the flags about the private key, which waits until it is activated. */
export function publishFlagProblems({ values }: Pick<Context, "values">): readonly Problem[] {
  return [
    ...usageErrorIf(
      !values.isSet(PRIVATE_KEY_OUT) && !hasRecipientFlags({ values }),
      "--publish has no destination for the private key",
      "add --key-out FILE, or a recipient to encrypt it to",
      "key-without-out",
    ),
    ...(values.text(NEW_ALG)?.startsWith("HS") === true ? [withoutPublicHalfProblem()] : []),
  ];
}

/** Hydra 1.x pairs the newest public key with the newest private one, so that a public key by itself ends all logins. */
function rejectPublishingOnHydra1({ set, shape }: SetToRotate): void {
  if (shape === "single") return;
  throw new Problem(
    `Cannot publish a key in set ${quote(set)}: on Hydra 1.x, every login fails while the newest public key has no private half`,
    {
      code: "signing-set",
      exit: "usage",
      hint: `rotate in one step: hydra keys rotate ${quotedOperandAndFlagText(set)}`,
    },
  );
}

/** Rejects the ID of a key that exists, whose place the new public key would take. */
function rejectKnownId({ set, keys }: SetToRotate, kid: string | undefined): void {
  if (kid === undefined || !keys.some((key) => hasKidOrPrefixedKid(key, kid))) return;
  throw new Problem(`Cannot publish key ${quote(kid)}: key set ${quote(set)} has a key with this ID`, {
    code: "conflict",
    exit: "conflict",
    hint: "choose another key ID, or leave it out",
  });
}

/** Removes a published key whose private half could not be delivered, and returns the problem. */
async function removeUndeliveredAndExplain(
  { admin }: Pick<Context, "admin">,
  set: string,
  kid: string,
  reason: unknown,
): Promise<Problem> {
  const start = `Cannot deliver the private key: ${safeErrorReason(reason)}`;
  const details = { code: "undelivered", cause: reason } as const;
  try {
    const api = await admin.withDeadline(CLEANUP_AFTER_DEADLINE_MS).keySets();
    await api.remove(set, kid);
    return new Problem(`${start}; the public key was removed again`, { ...details, hint: "run the command again" });
  } catch {
    const hint = `remove it: hydra keys delete ${quotedOperandAndFlagText(set, "--kid", commandWord(kid))}`;
    return new Problem(`${start}; its public key ${quote(kid)} is still published`, { ...details, hint });
  }
}

/** What generating and publishing a key needs of a command's context. */
type PublicationContext = RotationContext &
  Pick<Context, "encryption" | "localKeys" | "openTarget" | "outputContainsValue" | "recovery">;

/** Adds the public half of a new key to a set; the private half goes to a file or to recipients. */
export async function generateAndPublishKey(context: PublicationContext, set: string): Promise<CommandResult> {
  const { values, localKeys, note } = context;
  const rotation = await readSetToRotate(context, set);
  rejectPublishingOnHydra1(rotation);
  const { state, keys: before, shape } = rotation;
  const { alg: usual, use } = nextKeyAlgorithmAndUse(set, state, before);
  const alg = values.text(NEW_ALG) ?? usual;
  if (isSymmetric(keyTypeAndCurveFor(alg))) throw withoutPublicHalfProblem();
  // The change that --activate will make.
  const after = [...predictGeneratedKeys(shape, { kid: "", alg, use }), ...before];
  rejectBreakingKeyChange(context, { set, shape, before, after });
  rejectKnownId(rotation, values.text(KID));
  const generated = await awaitUnlessAborted(context.signal, localKeys.generate(alg, use));
  const kid = values.text(KID) ?? generated.kid ?? "";
  const key: JsonWebKey = { ...generated, kid };
  let isPublished = false;
  const publish = async () => {
    await takeAndProveStep(context, rotation, {
      kid,
      change: async (api) => {
        await api.put(set, { ...publicPart(key), kid });
        isPublished = true;
      },
      undo: async (api) => {
        await api.remove(set, kid);
        isPublished = false;
      },
    });
    return [{ set, keys: [key] }];
  };
  const action = `Cannot publish a key in set ${quote(set)}`;
  try {
    const result = await deliverKeys(context, action, PRIVATE_KEY_OUT, publish);
    note(
      `Key ${quote(kid)} is published, and nothing is signed with it. Once verifiers have fetched the key set again: hydra keys rotate ${quotedOperandAndFlagText(set, "--activate --key FILE")}`,
    );
    if (values.isSet(PRIVATE_KEY_OUT)) return result;
    return { ...result, undelivered: (_, reason) => removeUndeliveredAndExplain(context, set, kid, reason) };
  } catch (error) {
    if (isPublished) throw await removeUndeliveredAndExplain(context, set, kid, error);
    throw error;
  }
}

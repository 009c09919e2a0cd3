import type { CommandResult } from "../command.ts";
import { keyOfEachPairWithoutSecrets, kidWithoutPrefix } from "../core/jwk/key-pair-halves.ts";
import { quotedOperandAndFlagText } from "../core/output/shell-quote.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { rejectBreakingKeyChange } from "./key-change-checks.ts";
import { findKeyOrPair } from "./key-pair-storage.ts";
import { keySetResult, keysWithoutSecretsToShow } from "./key-results.ts";
import { noSuchKeyProblem } from "./no-such-key.ts";
import { removeKeyOrPair } from "./remove-key-or-pair.ts";
import type { SetToRotate } from "./rotation-step.ts";
import { confirmStep, type RotationContext, readSetToRotate, takeAndProveStep } from "./take-and-prove-step.ts";
import { undoKeyChange } from "./undo-key-change.ts";

/**
 * The key to retire, by its ID, with its place among the keys of the set, the newest first; throws if the key signs or
 * is missing.
 */
function requireRetirableKey(
  { set, keys, state, shape }: SetToRotate,
  kid: string,
): { readonly place: number; readonly count: number; readonly id: string } {
  const ids = keyOfEachPairWithoutSecrets(keys).map((key) => key.kid ?? "");
  const exact = ids.indexOf(kid);
  const place = exact < 0 ? ids.findIndex((id) => kidWithoutPrefix(id) === kidWithoutPrefix(kid)) : exact;
  const id = ids[place];
  if (id === undefined) throw noSuchKeyProblem(set, kid);
  const signing = state.kind === "signs" ? state.kid : ids[0];
  if (id !== signing) return { place, count: ids.length, id };
  throw new Problem(`Cannot retire key ${quote(kid)}: it is the newest one, which signs`, {
    code: "still-signing",
    exit: "usage",
    hint: `rotate first: hydra keys rotate ${quotedOperandAndFlagText(set, ...(shape === "single" ? ["--publish --key-out FILE"] : []))}`,
  });
}

/** Deletes a key that no longer signs. */
export async function retireKey(context: RotationContext, set: string, named: string): Promise<CommandResult> {
  const rotation = await readSetToRotate(context, set);
  const { keys, state, shape } = rotation;
  const { place, count, id } = requireRetirableKey(rotation, named);
  // Both halves of a pair.
  const kid = shape === "pair" ? kidWithoutPrefix(id) : id;
  const leaving = findKeyOrPair(keys, kid, shape);
  const after = keys.filter((key) => !leaving.includes(key));
  rejectBreakingKeyChange(context, { set, shape, before: keys, after });
  const signing = state.kind === "signs" ? state.kid : "";
  const retired = keysWithoutSecretsToShow(context, leaving);
  context.note(
    `Key ${quote(kid)} is number ${place + 1} of ${count}, the newest first${signing === "" ? "" : `; ${quote(signing)} signs`}`,
  );
  await confirmStep(context, `Delete key ${quote(kid)}? Tokens that it signed can no longer be verified.`);
  await takeAndProveStep(context, rotation, {
    kid,
    change: (api) => removeKeyOrPair(api, set, kid),
    undo: (api) => undoKeyChange(api, set, keys, kid),
  });
  return keySetResult(context, [{ set, keys: retired }]);
}

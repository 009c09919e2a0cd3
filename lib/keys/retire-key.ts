import type { Context, Result } from "../command.ts";
import { hasKid, kidWithoutPrefix, publicKeyOfEachPair } from "../core/jwk/key-pair-halves.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { rejectBreakingKeyChange } from "./key-change-checks.ts";
import { keySetResult } from "./key-results.ts";
import { noSuchKeyProblem } from "./no-such-key.ts";
import { removeKeyOrPair } from "./remove-key.ts";
import { restoreKey } from "./restore-keys.ts";
import { confirmStep, readRotation, takeStep } from "./rotation.ts";
import type { SetToRotate } from "./rotation-step.ts";

/** The place of a key among the keys of a set, the newest first; the key must not be the one that signs. */
function retirablePlace(
  { set, keys, state, shape }: SetToRotate,
  kid: string,
): { readonly place: number; readonly count: number } {
  const ids = publicKeyOfEachPair(keys).map((key) => key.kid ?? "");
  const place = ids.findIndex((id) => id === kid || kidWithoutPrefix(id) === kidWithoutPrefix(kid));
  if (place < 0) throw noSuchKeyProblem(set, kid);
  const signing = state.kind === "signs" ? state.kid : ids[0];
  if (ids[place] !== signing) return { place, count: ids.length };
  throw new Problem(`Cannot retire key ${quote(kid)}: it is the newest one, which signs`, {
    code: "still-signing",
    exit: "usage",
    hint: `rotate first: hydra keys rotate ${set}${shape === "single" ? " --publish --key-out FILE" : ""}`,
  });
}

/** Deletes a key that no longer signs. */
export async function retireKey(context: Context, set: string, named: string): Promise<Result> {
  const rotation = await readRotation(context, set);
  // Both halves of a pair.
  const kid = rotation.shape === "pair" ? kidWithoutPrefix(named) : named;
  const { keys, state, shape } = rotation;
  const { place, count } = retirablePlace(rotation, kid);
  rejectBreakingKeyChange(context, { set, shape, before: keys, after: keys.filter((key) => !hasKid(key, kid)) });
  const signing = state.kind === "signs" ? state.kid : "";
  const retired = publicKeyOfEachPair(keys.filter((key) => hasKid(key, kid)));
  context.note(
    `Key ${quote(kid)} is number ${place + 1} of ${count}, the newest first${signing === "" ? "" : `; ${quote(signing)} signs`}`,
  );
  await confirmStep(context, `Delete key ${quote(kid)}? Tokens that it signed can't be verified any more.`);
  await takeStep(context, rotation, {
    kid,
    change: (api) => removeKeyOrPair(api, set, kid),
    undo: (api) => restoreKey(api, set, keys, kid),
  });
  return keySetResult(context, [{ set, keys: retired }]);
}

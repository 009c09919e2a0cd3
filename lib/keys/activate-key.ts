import type { CommandResult } from "../command.ts";
import { isSameKeyIgnoringKid, publicPart } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { commandWord, quotedOperandAndFlagText } from "../core/output/shell-quote.ts";
import { Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { rejectBreakingOrWarnOfKeyChange } from "./key-change-checks.ts";
import { keySetResult } from "./key-results.ts";
import type { KeyWithKid } from "./read-key-files.ts";
import type { SetToRotate } from "./rotation-step.ts";
import { confirmStep, type RotationContext, readSetToRotate, takeAndProveStep } from "./take-and-prove-step.ts";
import { undoKeyChange } from "./undo-key-change.ts";

/** The problems of the key to activate. */
export function activationKeyProblems(keys: readonly KeyWithKid[], file: string | undefined): readonly Problem[] {
  if (file === undefined)
    return [
      usageError("--activate needs the private key", "add --key FILE, or --key - for standard input", "rotation-steps"),
    ];
  const [key, ...others] = keys;
  if (others.length > 0)
    return [usageError(`There are ${keys.length} keys in ${quote(file)}`, "give the one to activate", "bad-key")];
  if (key !== undefined && !hasPrivateMembers(key))
    return [usageError(`The key in ${quote(file)} is a public key`, "give its private half", "bad-key")];
  return [];
}

/** The key of the set whose private half is activated. */
function requirePublishedKey({ set, keys, shape }: SetToRotate, key: KeyWithKid): KeyWithKid {
  const published = keys.find((candidate) => isSameKeyIgnoringKid(candidate, key));
  if (shape === "single" && published?.kid !== undefined) return { ...published, kid: published.kid };
  throw new Problem(`Cannot activate key ${quote(key.kid)}: it is not published in key set ${quote(set)}`, {
    code: "not-published",
    exit: "usage",
    hint:
      shape === "single"
        ? `publish a key first: hydra keys rotate ${quotedOperandAndFlagText(set, "--publish --key-out FILE")}`
        : `Hydra 1.x rotates in one step: hydra keys rotate ${quotedOperandAndFlagText(set)}`,
  });
}

/** Makes a published key sign, by adding its private half under the same ID. */
export async function activateKey(
  context: RotationContext,
  set: string,
  key: KeyWithKid | undefined,
): Promise<CommandResult> {
  if (key === undefined) throw new TypeError("a key to activate is missing");
  const rotation = await readSetToRotate(context, set);
  const published = requirePublishedKey(rotation, key);
  const { kid, alg, use } = published;
  const result = keySetResult(context, [{ set, keys: [publicPart(published)] }]);
  if (rotation.state.kind === "signs" && rotation.state.kid === kid) {
    context.note(`Key ${quote(kid)} is already the signing key; nothing was changed`);
    return result;
  }
  const { keys, shape } = rotation;
  const stored = { ...key, kid, ...(alg === undefined ? {} : { alg }), ...(use === undefined ? {} : { use }) };
  const others = keys.filter((other) => other.kid !== kid);
  rejectBreakingOrWarnOfKeyChange(context, { set, shape, before: keys, after: [stored, ...others] });
  await confirmStep(context, `Sign with key ${quote(kid)} from now on?`);
  await takeAndProveStep(context, rotation, {
    kid,
    change: (api) => api.put(set, stored),
    undo: (api) => undoKeyChange(api, set, keys, kid),
    expected: kid,
  });
  const old = rotation.state.kind === "signs" ? rotation.state.kid : undefined;
  if (old !== undefined)
    context.note(
      `Key ${quote(kid)} signs. Once no token of key ${quote(old)} is left: hydra keys rotate ${quotedOperandAndFlagText(set, "--retire", commandWord(old))}`,
    );
  return result;
}

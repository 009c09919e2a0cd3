import type { Context } from "../command.ts";
import type { JsonWebKey } from "../core/jwk/json-web-key.ts";
import { publicKeyOfEachPair } from "../core/jwk/key-pair-halves.ts";
import { quotedOperandAndFlagText } from "../core/output/shell-quote.ts";
import { Problem, safeErrorReason } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import type { RotationStep, SetToRotate } from "./rotation-step.ts";
import { isTokenSigningSet, signingState } from "./signing-state.ts";
import { isKeyChangeUndone, keysChangedByOthers } from "./undo-key-change.ts";

/** Milliseconds that undoing a step may take. */
const UNDO_MS = 15_000;

/** Why a step ends: how the message begins, and the code of the problem. */
interface StepFailure {
  readonly start: string;
  readonly code: "interrupted" | "wrong-signing-key";
  /** What to check if the change could be undone. */
  readonly hint: string;
}

/** The failure that a login has shown. */
export function loginFailure({ set }: Pick<SetToRotate, "set">, reason: string): StepFailure {
  return {
    start: `Cannot rotate key set ${quote(set)}: ${reason}`,
    code: "wrong-signing-key",
    hint: "check the server's log, and that all its instances use this database",
  };
}

/** The failure that a signal means. */
export function interruptionFailure({ set }: Pick<SetToRotate, "set">): StepFailure {
  return {
    start: `Interrupted while key set ${quote(set)} was rotated`,
    code: "interrupted",
    hint: "run the command again",
  };
}

/** The problem of a rotation that a signal ended before anything was sent. */
export function interruptedBeforeChangeProblem(set: string): Problem {
  return new Problem(`Interrupted; nothing was changed in key set ${quote(set)}`, {
    code: "interrupted",
    hint: "run the command again",
  });
}

/** Which key of a set signs, as the end of a sentence. */
function signingKeyText({ set, shape }: SetToRotate, keys: readonly JsonWebKey[]): string {
  const state = signingState(shape, keys);
  if (state.kind === "signs")
    return isTokenSigningSet(set)
      ? `key ${quote(state.kid)} signs`
      : `key ${quote(state.kid)} is the newest private key`;
  if (!isTokenSigningSet(set)) return "the set has no key that can sign";
  return state.kind === "fails" ? "no key of the set can sign, so logins fail" : "no private key is left to sign with";
}

function inspectHint(set: string): string {
  return `check the key set and fix it: hydra keys get ${quotedOperandAndFlagText(set)}`;
}

/** Undoes a step, reads the set again, and returns the problem that ends the command. */
export async function undoStepAndExplain(
  { admin }: Pick<Context, "admin">,
  rotation: SetToRotate,
  step: RotationStep,
  { start, code, hint }: StepFailure,
): Promise<Problem> {
  const { set, keys: before } = rotation;
  const details = { code, hint: inspectHint(set) } as const;
  const api = await admin.withDeadline(UNDO_MS).keySets();
  const failed = await step.undo(api).then(
    () => "",
    (error: unknown) => `: ${safeErrorReason(error)}`,
  );
  let now: readonly JsonWebKey[];
  try {
    now = (await api.find(set)) ?? [];
  } catch (error) {
    if (failed !== "") return new Problem(`${start}; the change could not be undone${failed}`, details);
    const unread = `but the set can't be read again: ${safeErrorReason(error)}`;
    return new Problem(`${start}; the change was undone, ${unread}`, details);
  }
  const signs = signingKeyText(rotation, now);
  if (!isKeyChangeUndone(before, now, step.kid))
    return new Problem(`${start}; the change was not undone${failed}; ${signs}`, details);
  const isAlone = keysChangedByOthers(before, now, step.kid).length === 0;
  return new Problem(`${start}; the change was undone, and ${signs}${lostTokensText(rotation, step, now)}`, {
    ...details,
    hint: isAlone ? hint : "someone else changed the key set meanwhile: run the command again when they are done",
  });
}

/** What is lost with a key that signed between the change and its end. */
function lostTokensText({ set }: SetToRotate, { expected }: RotationStep, now: readonly JsonWebKey[]): string {
  const isLost =
    isTokenSigningSet(set) && expected !== undefined && !publicKeyOfEachPair(now).some(({ kid }) => kid === expected);
  return isLost ? "; tokens that were signed meanwhile can't be verified" : "";
}

/** What a signal during a change has left: nothing, or a change that is undone. */
export async function undoInterruptedAndExplain(
  context: Pick<Context, "admin">,
  rotation: SetToRotate,
  step: RotationStep,
  error: unknown,
): Promise<Problem> {
  const { set, keys: before } = rotation;
  const api = await context.admin.withDeadline(UNDO_MS).keySets();
  const failure = interruptionFailure(rotation);
  const details = { code: failure.code, hint: inspectHint(set) } as const;
  let now: readonly JsonWebKey[];
  try {
    now = (await api.find(set)) ?? [];
  } catch (reason) {
    return new Problem(`${failure.start}, and the set can't be read again: ${safeErrorReason(reason)}`, details);
  }
  if (!isKeyChangeUndone(before, now, step.kid)) return undoStepAndExplain(context, rotation, step, failure);
  if (!(error instanceof Problem && error.ambiguous)) return interruptedBeforeChangeProblem(set);
  const message = `${failure.start}; it is not changed, but the server may still carry out the request`;
  return new Problem(message, details);
}

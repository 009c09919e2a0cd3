import { adminWithFreshDeadline, createAdminWithDeadlineFactory } from "../clients/admin-deadlines.ts";
import { requireConfirmation } from "../clients/confirm.ts";
import type { Context } from "../command.ts";
import { canPrompt } from "../core/environment/interactive.ts";
import { readPublicUrlWithoutAdminPath } from "../core/flags/connection.ts";
import { NO_INPUT } from "../core/flags/shared-flags.ts";
import { publicKeyOfEachPair } from "../core/jwk/key-pair-halves.ts";
import { Problem, safeErrorReason, withMessage } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { KEYS_YES, PROOF_URL } from "./key-flags.ts";
import { logInAndGetSigner, type SignedLogin, type SigningProofContext } from "./prove-signing-key.ts";
import type { RotationStep, SetToRotate } from "./rotation-step.ts";
import { isServerKeySetOfAnyVersion, isTokenSigningSet, signingState } from "./signing-state.ts";
import { removeOldTemporaryClients } from "./temporary-client.ts";
import { isKeySetUnchanged } from "./undo-key-change.ts";
import {
  interruptedBeforeChangeProblem,
  interruptionFailure,
  loginFailure,
  undoInterruptedAndExplain,
  undoStepAndExplain,
} from "./undo-step.ts";

/** What moving a set from one state to the next needs of a command's context. */
export type RotationContext = SigningProofContext &
  Pick<Context, "values" | "note" | "format" | "syntax" | "oauth" | "uninterruptible">;

/** Reads a set. Those that the server signs with need not exist: it makes their keys when it first needs them. */
export async function readSetToRotate({ admin }: Pick<Context, "admin">, set: string): Promise<SetToRotate> {
  const api = await admin.keySets();
  const keys = isServerKeySetOfAnyVersion(set) ? ((await api.find(set)) ?? []) : await api.get(set);
  const { keyShape: shape } = await api.family(set);
  return { set, shape, keys, state: signingState(shape, keys) };
}

/** Asks before a step on a terminal; a script is not asked. */
export async function confirmStep(
  { host, values, signal }: Pick<Context, "host" | "values" | "signal">,
  text: string,
): Promise<void> {
  if (values.bool(KEYS_YES) || !canPrompt(host, values.bool(NO_INPUT))) return;
  const declined = "The key set was not changed";
  await awaitUnlessAborted(signal, requireConfirmation({ host }, { text, declined, from: "stdin" }));
}

/** Stops waiting for work that ignores signals. */
export async function awaitUnlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Does a rotation; a signal before its first change is reported as such. */
export async function runWithInterruptionReport<T>(
  { signal }: Pick<Context, "signal">,
  set: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw signal.aborted && error === signal.reason ? interruptedBeforeChangeProblem(set) : error;
  }
}

/**
 * Takes a step. With `--public-url`, a login before and after it proves which key signs; the wrong one undoes the step. So
 * does a signal, after which the request that is under way gets some seconds to finish.
 */
export async function takeAndProveStep(
  context: RotationContext,
  rotation: SetToRotate,
  step: RotationStep,
): Promise<void> {
  await context.uninterruptible(async () => {
    const expected = await prepareLoginProof(context, rotation, step);
    context.signal.throwIfAborted();
    await requireUnchangedKeySet(context, rotation);
    try {
      await step.change(await createAdminWithDeadlineFactory(context)().keySets());
    } catch (error) {
      if (!context.signal.aborted) throw error;
      throw await undoInterruptedAndExplain(context, rotation, step, error);
    }
    const failure = expected === undefined ? undefined : await logInAndFindFailure(context, rotation, expected);
    if (context.signal.aborted) throw await undoStepAndExplain(context, rotation, step, interruptionFailure(rotation));
    if (failure !== undefined) throw await undoStepAndExplain(context, rotation, step, loginFailure(rotation, failure));
    if (expected !== undefined) context.note(`Proved by a login: key ${quote(expected.kid)} signs`);
  });
}

/** Rejects a step whose set was changed since it was read: what was checked and asked about may not hold any more. */
async function requireUnchangedKeySet(
  context: Pick<Context, "admin" | "values" | "signal">,
  { set, keys }: SetToRotate,
): Promise<void> {
  const api = await adminWithFreshDeadline(context).keySets();
  if (isKeySetUnchanged((await api.find(set)) ?? [], keys)) return;
  throw new Problem(`Key set ${quote(set)} was changed by someone else meanwhile, so this step changed nothing`, {
    code: "changed-meanwhile",
    exit: "conflict",
    hint: "run the command again; it looks at the set as it is now",
  });
}

/** How a login proves a step. */
interface ExpectedProof {
  readonly publicUrl: string;
  readonly kid: string;
}

/** Logs in before a step: a proof that cannot work must not undo a step that did. Undefined if no login proves it. */
async function prepareLoginProof(
  context: RotationContext,
  { set }: SetToRotate,
  step: RotationStep,
): Promise<ExpectedProof | undefined> {
  const publicUrl = isTokenSigningSet(set) ? readPublicUrlWithoutAdminPath(context.values, context.warn) : undefined;
  if (publicUrl === undefined) return undefined;
  await removeOldTemporaryClients(context);
  const before = await logInBeforeStep(context, publicUrl, set);
  if (before !== undefined) return { publicUrl, kid: step.expected ?? before.kid };
  context.warn(`the server's tokens for key set ${quote(set)} are opaque, so no login can prove the step`);
  return undefined;
}

/** How often a login is tried if the network fails: a lost response says nothing about the keys. */
const LOGIN_ATTEMPTS = 3;

async function logInWithRetries(
  context: SigningProofContext & Pick<Context, "values">,
  publicUrl: string,
  set: string,
): Promise<SignedLogin | undefined> {
  const { openFlows, host, warn, signal } = context;
  const admin = adminWithFreshDeadline(context);
  for (let attempt = 1; ; attempt++) {
    try {
      return await logInAndGetSigner({ admin, openFlows, host, warn, signal }, publicUrl, set);
    } catch (error) {
      if (!(error instanceof Problem) || error.exit !== "unreachable" || attempt === LOGIN_ATTEMPTS) throw error;
    }
  }
}

/** Logs in before a step; nothing is changed if that fails. */
async function logInBeforeStep(
  context: Pick<RotationContext, "values"> & SigningProofContext,
  publicUrl: string,
  set: string,
): Promise<SignedLogin | undefined> {
  try {
    return await logInWithRetries(context, publicUrl, set);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof Problem)) throw error;
    const message = `Cannot prove a rotation of key set ${quote(set)}, so nothing was changed: ${error.message}`;
    const { name } = context.values.origin(PROOF_URL);
    const hint = `${error.hint ?? "check the public URL"}; without ${name}, the step is not proved`;
    throw withMessage(error, message, { hint });
  }
}

/** Logs in after a step, and says what that shows to be wrong; undefined if nothing. */
async function logInAndFindFailure(
  context: RotationContext,
  { set }: Pick<SetToRotate, "set">,
  { publicUrl, kid }: ExpectedProof,
): Promise<string | undefined> {
  try {
    const login = await logInWithRetries(context, publicUrl, set);
    if (login?.kid !== kid) return `the login was signed with key ${quote(login?.kid ?? "")} instead of ${quote(kid)}`;
    const api = await adminWithFreshDeadline(context).keySets();
    const stored = { keys: publicKeyOfEachPair(await api.get(set)) };
    return (await context.oauth.isSignedBy(login.token, stored)) ? undefined : "no key of the set signed the login";
  } catch (error) {
    return `the login failed: ${safeErrorReason(error)}`;
  }
}

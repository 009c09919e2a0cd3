import type { KeySets } from "../adapters/admin/key-sets.ts";
import { requireConfirmation } from "../clients/confirm.ts";
import { safeReason } from "../clients/delivery.ts";
import type { Context } from "../command.ts";
import type { JsonWebKey } from "../core/jwk/json-web-key.ts";
import { publicKeys } from "../core/jwk/key-pair-ids.ts";
import { Problem, withMessage } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { KEYS_YES, PROOF_URL } from "./key-flags.ts";
import { type ProofContext, proveLogin, type SignedLogin } from "./prove-login.ts";
import { type SigningState, signingState, signsTokens } from "./signing-state.ts";
import type { TargetSet } from "./stored-keys.ts";

type RotationContext = ProofContext &
  Pick<Context, "values" | "note" | "format" | "syntax" | "oauth" | "uninterruptible">;

/** A set that is rotated, as it was before. */
export interface Rotation extends TargetSet {
  readonly api: KeySets;
  /** Its keys, the newest first. */
  readonly keys: readonly JsonWebKey[];
  readonly state: SigningState;
}

/** Reads a set, whether or not it exists. */
export async function readRotation({ admin }: Pick<Context, "admin">, set: string): Promise<Rotation> {
  const api = await admin.keySets();
  const keys = (await api.find(set)) ?? [];
  const { keyShape: shape } = await api.family(set);
  return { set, shape, api, keys, state: signingState(shape, keys) };
}

/** Asks before a step on a terminal; a script is not asked. */
export async function confirmStep({ host, values }: Pick<Context, "host" | "values">, text: string): Promise<void> {
  if (values.bool(KEYS_YES) || !host.stdinIsTerminal || !host.stderr.isTerminal) return;
  await requireConfirmation({ host }, { text, declined: "The key set was not changed", from: "stdin" });
}

/** One change of a set, how it is undone, and which key signs afterwards. */
interface RotationStep {
  readonly change: () => Promise<void>;
  readonly undo: (api: KeySets) => Promise<void>;
  /** The key that must sign a login after the change, as tokens name it; the same as before if undefined. */
  readonly expected?: string;
}

/** Milliseconds that undoing a step may take. */
const UNDO_MS = 15_000;

/** Takes a step. With `--public-url`, a login before and after it proves which key signs; the wrong one undoes the step. */
export async function takeStep(context: RotationContext, rotation: Rotation, step: RotationStep): Promise<void> {
  const publicUrl = context.values.text(PROOF_URL);
  if (publicUrl === undefined || !signsTokens(rotation.set)) return step.change();
  // Before anything is changed: a proof that cannot work must not undo a step that did.
  const before = await proveStart(context, publicUrl, rotation.set);
  if (before === undefined) {
    context.warn(`the server's tokens for key set ${quote(rotation.set)} are opaque, so no login can prove the step`);
    return step.change();
  }
  const expected = step.expected ?? before.kid;
  await context.uninterruptible(async () => {
    context.signal.throwIfAborted();
    await step.change();
    const failure = await findFailure(context, rotation, expected, publicUrl);
    if (failure !== undefined) throw await undoStep(context, rotation, step, failure);
  });
  context.note(`Proved by a login: key ${quote(expected)} signs`);
}

/** Logins that are tried where the network fails: a lost answer says nothing about the keys. */
const LOGIN_ATTEMPTS = 3;

async function proveLoginPersistently(
  context: ProofContext,
  publicUrl: string,
  set: string,
): Promise<SignedLogin | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await proveLogin(context, publicUrl, set);
    } catch (error) {
      if (!(error instanceof Problem) || error.exit !== "unreachable" || attempt === LOGIN_ATTEMPTS) throw error;
    }
  }
}

/** The login before a step; nothing is changed if it fails. */
async function proveStart(context: ProofContext, publicUrl: string, set: string): Promise<SignedLogin | undefined> {
  try {
    return await proveLoginPersistently(context, publicUrl, set);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw withMessage(
      error,
      `Cannot prove a rotation of key set ${quote(set)}, so nothing was changed: ${error.message}`,
      {
        hint: `${error.hint ?? "check the public URL"}; without --public-url, the step is not proved`,
      },
    );
  }
}

/** What a login after a step shows to be wrong, or undefined. */
async function findFailure(
  context: RotationContext,
  { set, api }: Rotation,
  expected: string,
  publicUrl: string,
): Promise<string | undefined> {
  let login: SignedLogin | undefined;
  try {
    login = await proveLoginPersistently(context, publicUrl, set);
  } catch (error) {
    return `the login failed: ${safeReason(error)}`;
  }
  if (login?.kid !== expected)
    return `the login was signed with key ${quote(login?.kid ?? "")} instead of ${quote(expected)}`;
  const stored = { keys: publicKeys(await api.get(set)) };
  return (await context.oauth.isSignedBy(login.token, stored)) ? undefined : "no key of the set signed the login";
}

/** Undoes a step; returns the problem that ends the command. */
async function undoStep(
  { admin }: Pick<Context, "admin">,
  { set }: Rotation,
  step: RotationStep,
  failure: string,
): Promise<Problem> {
  const lost = "tokens that were signed meanwhile can't be verified";
  const start = `Cannot rotate key set ${quote(set)}: ${failure}`;
  try {
    await step.undo(await admin.withDeadline(UNDO_MS).keySets());
  } catch (error) {
    return new Problem(`${start}; the change could not be undone: ${safeReason(error)}`, {
      code: "wrong-signing-key",
      exit: "failed",
      hint: `look at the set, and put it right: hydra keys get ${set}`,
      cause: error,
    });
  }
  return new Problem(`${start}; the change was undone, and ${lost}`, {
    code: "wrong-signing-key",
    exit: "failed",
    hint: "check the server's log, and that all its instances use this database",
  });
}

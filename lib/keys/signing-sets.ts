import type { KeySets } from "../adapters/admin/key-sets.ts";
import type { Context } from "../command.ts";
import { isSameKey, type JsonWebKey } from "../core/jwk/json-web-key.ts";
import { hasKid } from "../core/jwk/key-pair-ids.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import type { KeyShape } from "../servers/family.ts";
import { KEYS_YES } from "./key-flags.ts";
import {
  ACCESS_TOKEN_SET,
  isSigningSet,
  maySign,
  type SigningState,
  signingState,
  signsTokens,
  stateWithNewKey,
} from "./signing-state.ts";

type GuardContext = Pick<Context, "values" | "warn">;

/** A change of a set that a server signs with. */
interface SigningChange {
  readonly set: string;
  readonly shape: KeyShape;
  readonly before: SigningState;
  readonly after: SigningState;
  /** Whether no key is left, not even a public one. */
  readonly isEmpty?: boolean;
}

function failureText(shape: KeyShape): string {
  return shape === "pair"
    ? "every login fails until the newest keys of the set are a private RSA key and its public half (measured on Hydra 1.8 and 1.11)"
    : "tokens are signed with a shared secret at once, so that no client can verify them (measured on Hydra 26.2)";
}

function generationText(isEmpty: boolean): string {
  return isEmpty
    ? "the server generates another key at the next login, and no token issued so far can be verified (measured on Hydra 2.1 to 26.2)"
    : "no private key is left, so the server generates another one at the next login (measured on Hydra 2.1 to 26.2)";
}

type Signing = Extract<SigningState, { readonly kind: "signs" }>;

/** What breaks because another algorithm signs, or another key with the same ID. */
function otherSignatureText(before: SigningState, after: Signing): string | undefined {
  // What a server generates by itself is for RS256.
  const alg = before.kind === "signs" ? before.alg : "RS256";
  if (after.alg !== alg)
    return `tokens are signed with ${after.alg} at once, although the discovery document still says ${alg}, so that clients reject them (measured on Hydra 2.1 to 26.2)`;
  if (before.kind !== "signs" || before.key === undefined || after.key === undefined) return undefined;
  return after.kid === before.kid && !isSameKey(before.key, after.key)
    ? `key ${quote(before.kid)} gets other contents, and no token issued so far can be verified`
    : undefined;
}

/** What happens after a change that stops or breaks logins; undefined for any other change. */
function consequenceOf({ set, shape, before, after, isEmpty = false }: SigningChange): string | undefined {
  if (!signsTokens(set))
    return after.kind === "fails" ? "the server presents another TLS certificate after its next start" : undefined;
  if (after.kind === "fails") return failureText(shape);
  if (after.kind === "signs") return otherSignatureText(before, after);
  return before.kind === "signs" ? generationText(isEmpty) : undefined;
}

/** Rejects a change that stops or breaks logins, unless `--yes` goes on. */
function checkSigningChange({ values, warn }: GuardContext, change: SigningChange): void {
  const consequence = consequenceOf(change);
  if (consequence === undefined) return;
  if (!values.bool(KEYS_YES))
    throw new Problem(`Cannot change key set ${quote(change.set)}: ${consequence}`, {
      code: "signing-set",
      exit: "usage",
      hint: "to replace its key, see hydra keys rotate; --yes goes on anyway",
    });
  warn(`key set ${quote(change.set)}: ${consequence}`);
}

/** The sessions that break when another key signs (ory/hydra#3573). */
function brokenSessionsText(set: string, shape: KeyShape): string {
  const tokens =
    set === ACCESS_TOKEN_SET
      ? "JWT access tokens that they get by refreshing do not verify (measured on Hydra 2.3 and 26.2)"
      : "ID tokens that they get by refreshing do not verify (measured on Hydra 1.8 to 26.2)";
  const proof = shape === "pair" ? "" : "; new logins are not affected";
  return `sessions that began before keep the old key's ID: ${tokens} until those sessions end (ory/hydra#3573)${proof}`;
}

/** Warns where another key will sign from now on. */
function warnOfRotation({ warn }: GuardContext, { set, shape, before, after }: SigningChange): void {
  if (!signsTokens(set) || before.kind !== "signs" || after.kind !== "signs" || after.kid === before.kid) return;
  warn(`a new key signs at once: ${brokenSessionsText(set, shape)}`);
}

/** A set with its keys, as a guard looks at it. */
interface GuardedSet {
  readonly set: string;
  readonly shape: KeyShape;
  readonly state: SigningState;
}

function changeByNewKey({ set, shape, state }: GuardedSet, alg: string): SigningChange {
  return { set, shape, before: state, after: stateWithNewKey(shape, alg) };
}

/** Checks the algorithm of a key that will sign later. */
export function checkNewAlgorithm(context: GuardContext, guarded: GuardedSet, alg: string): void {
  if (isSigningSet(guarded.set, guarded.shape)) checkSigningChange(context, changeByNewKey(guarded, alg));
}

/** Checks a key that the server will generate, and that will sign at once. */
export function guardGeneratedKey(context: GuardContext, guarded: GuardedSet, alg: string): void {
  checkNewAlgorithm(context, guarded, alg);
  warnOfRotation(context, changeByNewKey(guarded, alg));
}

/** The same for a set that is not read yet. Sets that nothing is signed with are not looked at. */
export async function guardNewKey(context: GuardContext, api: KeySets, set: string, alg: string): Promise<void> {
  if (!maySign(set)) return;
  const keys = (await api.find(set)) ?? [];
  const { keyShape: shape } = await api.family(set);
  guardGeneratedKey(context, { set, shape, state: signingState(shape, keys) }, alg);
}

/** Checks the keys that a set will have, the newest first. */
export function guardNewKeys(
  context: GuardContext,
  { set, shape }: { readonly set: string; readonly shape: KeyShape },
  before: readonly JsonWebKey[],
  after: readonly JsonWebKey[],
): void {
  if (!isSigningSet(set, shape)) return;
  const states = { before: signingState(shape, before), after: signingState(shape, after) };
  const change = { set, shape, ...states, isEmpty: after.length === 0 };
  checkSigningChange(context, change);
  warnOfRotation(context, change);
}

/** Checks the deletion of a set, or of one of its keys. */
export async function guardDeletion(
  context: GuardContext,
  api: KeySets,
  set: string,
  kid: string | undefined,
): Promise<void> {
  if (!maySign(set)) return;
  const before = (await api.find(set)) ?? [];
  const { keyShape: shape } = await api.family(set);
  const after = kid === undefined ? [] : before.filter((key) => !hasKid(key, kid));
  if (after.length < before.length) guardNewKeys(context, { set, shape }, before, after);
}

import type { KeySetsApi } from "../adapters/admin/key-sets.ts";
import type { Context } from "../command.ts";
import { isSameKeyIgnoringKid, isSymmetric, type JsonWebKey } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { kidWithoutPrefix, publicKeyOfEachPair } from "../core/jwk/key-pair-halves.ts";
import { Problem } from "../core/problem.ts";
import { joinWords, quote } from "../core/text.ts";
import type { KeyPairStorage } from "../servers/family.ts";
import { KEYS_YES } from "./key-flags.ts";
import type { SetAndKeyPairStorage } from "./key-pair-storage.ts";
import {
  ACCESS_TOKEN_SET,
  isServerKeySet,
  isServerKeySetOfAnyVersion,
  isTokenSigningSet,
  type KeyChangeConsequence,
  type SigningState,
  signingAlgorithmOf,
  signingState,
} from "./signing-state.ts";

type KeyChangeCheckContext = Pick<Context, "values" | "warn">;

/** A change of a set, as its keys before and after it, the newest first. */
interface KeyChange extends SetAndKeyPairStorage {
  readonly before: readonly JsonWebKey[];
  readonly after: readonly JsonWebKey[];
  /** Whether a backup, or the set of another server, takes the place of the whole set: a warning names the lost keys. */
  readonly isMove?: boolean;
}

/** The keys that may have signed tokens, under the IDs by which tokens name them. */
function possiblePastSignersByTokenKid(
  shape: KeyPairStorage,
  keys: readonly JsonWebKey[],
): readonly (JsonWebKey & { readonly kid: string })[] {
  const own = keys.filter((key) => hasPrivateMembers(key) && !isSymmetric(key));
  return own.map((key) => {
    const { kid = "" } = key;
    return { ...key, kid: shape === "pair" ? `public:${kidWithoutPrefix(kid)}` : kid };
  });
}

/** The IDs, as tokens name them, of the keys that no token can be verified with any more. */
function unverifiableTokenKeyIds({ shape, before, after }: KeyChange): readonly string[] {
  const left = publicKeyOfEachPair(after);
  const isLeft = (key: JsonWebKey): boolean =>
    left.some((other) => other.kid === key.kid && isSameKeyIgnoringKid(other, key));
  return possiblePastSignersByTokenKid(shape, before).flatMap((key) => (isLeft(key) ? [] : [key.kid]));
}

type ActiveSigningState = Extract<SigningState, { readonly kind: "signs" }>;

/** What breaks if another algorithm signs after a change; undefined if it is the same. */
function findAlgorithmChangeConsequence(
  before: SigningState,
  after: ActiveSigningState,
): KeyChangeConsequence | undefined {
  const alg = signingAlgorithmOf(before);
  if (after.alg === alg) return undefined;
  return {
    text: `tokens are signed with ${after.alg} immediately, and clients that expect ${alg} reject them (measured on Hydra 2.1 to 26.2)`,
    hint: `keep the algorithm of the set, ${alg}`,
  };
}

function keyGenerationText({ after }: KeyChange): string {
  return after.length === 0
    ? "the server generates another key at the next login, and no token issued so far can be verified (measured on Hydra 2.1 to 26.2)"
    : "no private key is left, so the server generates another one at the next login (measured on Hydra 2.1 to 26.2)";
}

/** What happens if the key that signs leaves the set; undefined if it stays, or if the set is moved. */
function findSignerLossConsequence(
  change: KeyChange,
  before: ActiveSigningState,
  after: SigningState,
): KeyChangeConsequence | undefined {
  const hint = `to replace its key, see hydra keys rotate`;
  if (after.kind === "generates") return { text: keyGenerationText(change), hint };
  if (before.fault !== undefined || change.isMove === true || !unverifiableTokenKeyIds(change).includes(before.kid))
    return undefined;
  const isReplaced = publicKeyOfEachPair(change.after).some(({ kid }) => kid === before.kid);
  const what = isReplaced
    ? `key ${quote(before.kid)}, which signs, gets other contents`
    : `key ${quote(before.kid)} signs`;
  return { text: `${what}, and tokens that it signed can no longer be verified`, hint };
}

/**
 * What happens if a change gives Hydra 1.x another TLS certificate, which belongs to the newest key of its set;
 * undefined if it doesn't.
 */
function findCertificateChangeConsequence({ before, after, shape }: KeyChange): KeyChangeConsequence | undefined {
  const [old, next] = [before.find(hasPrivateMembers), after.find(hasPrivateMembers)];
  const fails = signingState(shape, after).kind === "fails" && signingState(shape, before).kind !== "fails";
  const isOther = old !== undefined && (next === undefined || !isSameKeyIgnoringKid(old, next));
  if (!fails && !isOther) return undefined;
  return {
    text: "the server presents another TLS certificate after its next start",
    hint: "make sure that its clients will trust that",
  };
}

/** What stops or breaks logins after a change; undefined for any other change. */
function findKeyChangeConsequence(change: KeyChange): KeyChangeConsequence | undefined {
  if (!isTokenSigningSet(change.set)) return findCertificateChangeConsequence(change);
  const [before, after] = [signingState(change.shape, change.before), signingState(change.shape, change.after)];
  if (after.kind === "fails") return after.fault;
  const broken = after.kind === "signs" ? (after.fault ?? findAlgorithmChangeConsequence(before, after)) : undefined;
  return broken ?? (before.kind === "signs" ? findSignerLossConsequence(change, before, after) : undefined);
}

/** The sessions that break when another key signs (ory/hydra#3573). */
function brokenSessionsText({ set, shape }: SetAndKeyPairStorage): string {
  const tokens =
    set === ACCESS_TOKEN_SET
      ? "JWT access tokens that they get by refreshing do not verify (measured on Hydra 2.3 and 26.2)"
      : "ID tokens that they get by refreshing do not verify (measured on Hydra 1.8 to 26.2)";
  const proof = shape === "pair" ? "" : "; new logins are not affected";
  return `sessions that began before keep the old key's ID: ${tokens} until those sessions end (ory/hydra#3573)${proof}`;
}

/** Warns if another key will sign from now on. */
function warnOfSigningKeyChange({ warn }: Pick<KeyChangeCheckContext, "warn">, change: KeyChange): void {
  const [before, after] = [signingState(change.shape, change.before), signingState(change.shape, change.after)];
  if (before.kind !== "signs" || after.kind !== "signs" || after.kid === before.kid) return;
  const isOlder = possiblePastSignersByTokenKid(change.shape, change.before).some(({ kid }) => kid === after.kid);
  const what = isOlder ? `the older key ${quote(after.kid)} signs` : "a new key signs";
  warn(`${what} immediately: ${brokenSessionsText(change)}`);
}

/** Rejects a change that stops or breaks logins; with `--yes`, warns of it. */
export function rejectBreakingKeyChange({ values, warn }: KeyChangeCheckContext, change: KeyChange): void {
  if (!isServerKeySet(change.set, change.shape)) return;
  const consequence = findKeyChangeConsequence(change);
  if (consequence === undefined) return;
  if (!values.bool(KEYS_YES))
    throw new Problem(`Cannot change key set ${quote(change.set)}: ${consequence.text}`, {
      code: "signing-set",
      exit: "usage",
      hint: `${consequence.hint}; --yes continues anyway`,
    });
  warn(`key set ${quote(change.set)}: ${consequence.text}`);
}

/** The same, and warns of what an accepted change does to sessions and to tokens that were issued. */
export function rejectBreakingOrWarnOfKeyChange(context: KeyChangeCheckContext, change: KeyChange): void {
  rejectBreakingKeyChange(context, change);
  if (!isTokenSigningSet(change.set)) return;
  warnOfSigningKeyChange(context, change);
  const signing = signingState(change.shape, change.before);
  // What becomes of the tokens of the key that signs was said already.
  const named = signing.kind === "signs" && change.isMove !== true ? signing.kid : undefined;
  const lost = unverifiableTokenKeyIds(change).filter((kid) => kid !== named);
  if (lost.length > 0) context.warn(`tokens signed with key ${joinWords(lost.map(quote))} can no longer be verified`);
}

/** Guards the change of a set that is not read yet. Sets that nothing is signed with are not looked at. */
export async function readSetAndCheckKeyChange(
  context: KeyChangeCheckContext,
  api: KeySetsApi,
  set: string,
  afterwards: (before: readonly JsonWebKey[], shape: KeyPairStorage) => readonly JsonWebKey[],
): Promise<void> {
  if (!isServerKeySetOfAnyVersion(set)) return;
  const before = (await api.find(set)) ?? [];
  const { keyShape: shape } = await api.family(set);
  rejectBreakingOrWarnOfKeyChange(context, { set, shape, before, after: afterwards(before, shape) });
}

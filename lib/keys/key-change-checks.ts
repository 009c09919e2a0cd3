import type { KeySetsApi } from "../adapters/admin/key-sets.ts";
import type { Context } from "../command.ts";
import { isSameKeyIgnoringKid, isSymmetric, type JsonWebKey } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { kidWithoutPrefix, publicKeyOfEachPair } from "../core/jwk/key-pair-halves.ts";
import { Problem } from "../core/problem.ts";
import { joinWords, quote } from "../core/text.ts";
import type { KeyPairStorage } from "../servers/family.ts";
import { KEYS_YES } from "./key-flags.ts";
import {
  ACCESS_TOKEN_SET,
  algorithmOf,
  isServerKeySet,
  isServerKeySetOfAnyVersion,
  isTokenSigningSet,
  type KeyChangeConsequence,
  type SigningState,
  signingState,
} from "./signing-state.ts";
import type { SetAndKeyPairStorage } from "./stored-keys.ts";

type GuardContext = Pick<Context, "values" | "warn">;

/** A change of a set, as its keys before and after it, the newest first. */
interface KeyChange extends SetAndKeyPairStorage {
  readonly before: readonly JsonWebKey[];
  readonly after: readonly JsonWebKey[];
  /** Whether a backup, or the set of another server, takes the place of the whole set: a warning names the lost keys. */
  readonly isMove?: boolean;
}

/** How tokens name the keys that may have signed some, and their contents. */
function signers(
  shape: KeyPairStorage,
  keys: readonly JsonWebKey[],
): readonly (JsonWebKey & { readonly kid: string })[] {
  const own = keys.filter((key) => hasPrivateMembers(key) && !isSymmetric(key));
  return own.map((key) => {
    const { kid = "" } = key;
    return { ...key, kid: shape === "pair" ? `public:${kidWithoutPrefix(kid)}` : kid };
  });
}

/** The keys that no token can be verified with any more, as tokens name them. */
function lostKeys({ shape, before, after }: KeyChange): readonly string[] {
  const left = publicKeyOfEachPair(after);
  const isLeft = (key: JsonWebKey): boolean =>
    left.some((other) => other.kid === key.kid && isSameKeyIgnoringKid(other, key));
  return signers(shape, before).flatMap((key) => (isLeft(key) ? [] : [key.kid]));
}

type Signing = Extract<SigningState, { readonly kind: "signs" }>;

/** What breaks because another algorithm signs. */
function otherAlgorithm(before: SigningState, after: Signing): KeyChangeConsequence | undefined {
  const alg = algorithmOf(before);
  if (after.alg === alg) return undefined;
  return {
    text: `tokens are signed with ${after.alg} immediately, and clients that expect ${alg} reject them (measured on Hydra 2.1 to 26.2)`,
    hint: `keep the algorithm of the set, ${alg}`,
  };
}

function generation({ after }: KeyChange): string {
  return after.length === 0
    ? "the server generates another key at the next login, and no token issued so far can be verified (measured on Hydra 2.1 to 26.2)"
    : "no private key is left, so the server generates another one at the next login (measured on Hydra 2.1 to 26.2)";
}

/** What happens because the key that signs leaves the set. */
function lossOfSigner(change: KeyChange, before: Signing, after: SigningState): KeyChangeConsequence | undefined {
  const hint = `to replace its key, see hydra keys rotate`;
  if (after.kind === "generates") return { text: generation(change), hint };
  if (before.fault !== undefined || change.isMove === true || !lostKeys(change).includes(before.kid)) return undefined;
  const isReplaced = publicKeyOfEachPair(change.after).some(({ kid }) => kid === before.kid);
  const what = isReplaced
    ? `key ${quote(before.kid)}, which signs, gets other contents`
    : `key ${quote(before.kid)} signs`;
  return { text: `${what}, and tokens that it signed can no longer be verified`, hint };
}

/** What happens to the TLS certificate that Hydra 1.x generates for the newest key of its set. */
function otherCertificate({ before, after, shape }: KeyChange): KeyChangeConsequence | undefined {
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
function consequenceOf(change: KeyChange): KeyChangeConsequence | undefined {
  if (!isTokenSigningSet(change.set)) return otherCertificate(change);
  const [before, after] = [signingState(change.shape, change.before), signingState(change.shape, change.after)];
  if (after.kind === "fails") return after.fault;
  const broken = after.kind === "signs" ? (after.fault ?? otherAlgorithm(before, after)) : undefined;
  return broken ?? (before.kind === "signs" ? lossOfSigner(change, before, after) : undefined);
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

/** Warns where another key will sign from now on. */
function warnOfRotation({ warn }: Pick<GuardContext, "warn">, change: KeyChange): void {
  const [before, after] = [signingState(change.shape, change.before), signingState(change.shape, change.after)];
  if (before.kind !== "signs" || after.kind !== "signs" || after.kid === before.kid) return;
  const isOlder = signers(change.shape, change.before).some(({ kid }) => kid === after.kid);
  const what = isOlder ? `the older key ${quote(after.kid)} signs` : "a new key signs";
  warn(`${what} immediately: ${brokenSessionsText(change)}`);
}

/** Rejects a change that stops or breaks logins, unless `--yes` goes on. */
export function rejectBreakingKeyChange({ values, warn }: GuardContext, change: KeyChange): void {
  if (!isServerKeySet(change.set, change.shape)) return;
  const consequence = consequenceOf(change);
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
export function rejectBreakingOrWarnOfKeyChange(context: GuardContext, change: KeyChange): void {
  rejectBreakingKeyChange(context, change);
  if (!isTokenSigningSet(change.set)) return;
  warnOfRotation(context, change);
  const signing = signingState(change.shape, change.before);
  // What becomes of the tokens of the key that signs was said already.
  const named = signing.kind === "signs" && change.isMove !== true ? signing.kid : undefined;
  const lost = lostKeys(change).filter((kid) => kid !== named);
  if (lost.length > 0) context.warn(`tokens signed with key ${joinWords(lost.map(quote))} can no longer be verified`);
}

/** Guards the change of a set that is not read yet. Sets that nothing is signed with are not looked at. */
export async function readSetAndCheckKeyChange(
  context: GuardContext,
  api: KeySetsApi,
  set: string,
  afterwards: (before: readonly JsonWebKey[], shape: KeyPairStorage) => readonly JsonWebKey[],
): Promise<void> {
  if (!isServerKeySetOfAnyVersion(set)) return;
  const before = (await api.find(set)) ?? [];
  const { keyShape: shape } = await api.family(set);
  rejectBreakingOrWarnOfKeyChange(context, { set, shape, before, after: afterwards(before, shape) });
}

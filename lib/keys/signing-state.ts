import { isSymmetric, type JsonWebKey } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { isSigningAlgorithm, keyTypeAndCurveFor, signingAndEncryptionAlgorithms } from "../core/jwk/key-algorithms.ts";
import { kidWithoutPrefix } from "../core/jwk/key-pair-halves.ts";
import { LEAST_RSA_BITS, modulusBits } from "../core/jwk/rsa-parameters.ts";
import { quote } from "../core/text.ts";
import type { KeyPairStorage } from "../servers/family.ts";

/** The set that ID tokens are signed with. */
const ID_TOKEN_SET = "hydra.openid.id-token";

/** The set that JWT access tokens are signed with. */
export const ACCESS_TOKEN_SET = "hydra.jwt.access-token";

/** The set of the TLS certificate that Hydra 1.x generates for itself. */
const TLS_SET = "hydra.https-tls";

/** The algorithm of the keys that servers generate by themselves, and the only one that discovery documents name. */
const USUAL_ALG = "RS256";

/** The algorithm that a set signs with, or that its next key is expected to have. */
export function signingAlgorithmOf(state: SigningState): string {
  return state.kind === "signs" ? state.alg : USUAL_ALG;
}

/**
 * The algorithm and the use of the next key of a set: in one that the server does not sign with, those of its newest
 * private key, or of its newest key if all are public.
 */
export function nextKeyAlgorithmAndUse(
  set: string,
  state: SigningState,
  keys: readonly JsonWebKey[],
): { readonly alg: string; readonly use: "sig" | "enc" } {
  const newest = keys.find(hasPrivateMembers) ?? keys[0];
  if (isServerKeySetOfAnyVersion(set) || newest === undefined) return { alg: signingAlgorithmOf(state), use: "sig" };
  const [usual = USUAL_ALG] = signingAndEncryptionAlgorithms(newest);
  const { alg = usual, use } = newest;
  // No server generates keys for algorithms that encrypt.
  return { alg: isSigningAlgorithm(alg) ? alg : usual, use: use === "enc" ? "enc" : "sig" };
}

/** What stops or breaks logins, and what to do instead. */
export interface KeyChangeConsequence {
  readonly text: string;
  readonly hint: string;
}

/** What a server does with a set that it signs with. */
export type SigningState =
  /** Its newest key signs; `kid` is how tokens name it. With a fault, no client can verify these tokens. */
  | {
      readonly kind: "signs";
      readonly kid: string;
      readonly alg: string;
      readonly fault: KeyChangeConsequence | undefined;
    }
  /** It generates a key when it next needs one. */
  | { readonly kind: "generates" }
  /** It cannot sign. */
  | { readonly kind: "fails"; readonly fault: KeyChangeConsequence };

/** Whether a server uses a set to sign tokens. */
export function isTokenSigningSet(set: string): boolean {
  return set === ID_TOKEN_SET || set === ACCESS_TOKEN_SET;
}

/** Whether a change of a set can stop or break logins, or the server's own TLS. */
export function isServerKeySet(set: string, shape: KeyPairStorage): boolean {
  return isTokenSigningSet(set) || (shape === "pair" && set === TLS_SET);
}

/** Whether a set may be one that a server signs with, whatever its version: those with pairs have all that the others have. */
export function isServerKeySetOfAnyVersion(set: string): boolean {
  return isServerKeySet(set, "pair");
}

/** What a server does with a set of these keys, the newest first. */
export function signingState(shape: KeyPairStorage, keys: readonly JsonWebKey[]): SigningState {
  return shape === "pair" ? stateOfPairs(keys) : stateOfPrivateKeys(keys);
}

const OTHER_KEY_HINT = `use a private key for ${USUAL_ALG}`;

const NO_PAIR_CONSEQUENCE: KeyChangeConsequence = {
  text: "every login fails until the newest keys of the set are a private RSA key and its public half (measured on Hydra 1.8 and 1.11)",
  hint: OTHER_KEY_HINT,
};

const SHARED_SECRET_CONSEQUENCE: KeyChangeConsequence = {
  text: "the server can't publish its keys while the set has a shared secret, so that no client can verify a token (measured on Hydra 2.1 to 26.2)",
  hint: OTHER_KEY_HINT,
};

/** Why no client can verify the tokens of a published key, which a server signs with an algorithm. */
function findVerificationFault(key: JsonWebKey, alg: string): KeyChangeConsequence | undefined {
  const { use = "sig", alg: named = alg } = key;
  const bits = modulusBits(key) ?? LEAST_RSA_BITS;
  const measured = "so that no client can verify its tokens (measured on Hydra 1.8 to 26.2)";
  if (use !== "sig")
    return {
      text: `a key with "use": ${quote(use)} signs immediately, ${measured}`,
      hint: 'the keys of this set need "use": "sig"',
    };
  if (named !== alg)
    return {
      text: `tokens are signed with ${alg}, and their key says ${named}, so that no client can verify them (measured on Hydra 1.8 and 1.11)`,
      hint: OTHER_KEY_HINT,
    };
  if (bits >= LEAST_RSA_BITS) return undefined;
  return {
    text: `an RSA key of ${bits} bits signs immediately, ${measured}`,
    hint: `use a key of ${LEAST_RSA_BITS} bits or more (RFC 7518, 3.3)`,
  };
}

/** Hydra 1.x signs with the newest private and the newest public key, which must be a pair of RSA keys. */
function stateOfPairs(keys: readonly JsonWebKey[]): SigningState {
  const privateKey = keys.find(hasPrivateMembers);
  const publicKey = keys.find((key) => !hasPrivateMembers(key));
  if (privateKey?.kid === undefined || publicKey?.kid === undefined)
    return { kind: "fails", fault: NO_PAIR_CONSEQUENCE };
  const isPair =
    privateKey.kid.startsWith("private:") &&
    publicKey.kid.startsWith("public:") &&
    kidWithoutPrefix(privateKey.kid) === kidWithoutPrefix(publicKey.kid) &&
    privateKey["n"] === publicKey["n"];
  if (!isPair || privateKey.kty !== "RSA") return { kind: "fails", fault: NO_PAIR_CONSEQUENCE };
  const fault = findVerificationFault(publicKey, USUAL_ALG);
  return { kind: "signs", kid: publicKey.kid, alg: USUAL_ALG, fault };
}

/** From Hydra 2.0 on, the newest private key signs, with the algorithm that it names. */
function stateOfPrivateKeys(keys: readonly JsonWebKey[]): SigningState {
  const key = keys.find(hasPrivateMembers);
  if (key === undefined) return { kind: "generates" };
  if (keys.some(isSymmetric)) return { kind: "fails", fault: SHARED_SECRET_CONSEQUENCE };
  const { alg = "", kid = "" } = key;
  if (isSigningAlgorithm(alg) && signingAndEncryptionAlgorithms(key).includes(alg))
    return { kind: "signs", kid, alg, fault: findVerificationFault(key, alg) };
  const what = alg === "" ? "without an algorithm" : `with "alg": ${quote(alg)}`;
  const text = `every login fails while the newest private key is one ${what} (measured on Hydra 2.1 to 26.2)`;
  return { kind: "fails", fault: { text, hint: OTHER_KEY_HINT } };
}

/** What a server will store when it generates a key: one key or a pair, without the contents. */
export function predictGeneratedKeys(
  shape: KeyPairStorage,
  { kid, alg, use }: { readonly kid: string; readonly alg: string; readonly use: string },
): readonly JsonWebKey[] {
  const key = { ...keyTypeAndCurveFor(alg), kid, alg, use };
  if (isSymmetric(key)) return [{ ...key, k: "" }];
  if (shape === "single") return [{ ...key, d: "" }];
  return [
    { ...key, kid: `private:${kid}`, d: "" },
    { ...key, kid: `public:${kid}` },
  ];
}

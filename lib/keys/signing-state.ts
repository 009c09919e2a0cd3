import { isSymmetric, type JsonWebKey, publicPart } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { possibleAlgorithms } from "../core/jwk/key-algorithms.ts";
import { kidWithoutPrefix } from "../core/jwk/key-pair-ids.ts";
import type { KeyShape } from "../servers/family.ts";

/** The set that ID tokens are signed with. */
const ID_TOKEN_SET = "hydra.openid.id-token";

/** The set that JWT access tokens are signed with. */
export const ACCESS_TOKEN_SET = "hydra.jwt.access-token";

/** The set of the TLS certificate that Hydra 1.x generates for itself. */
const TLS_SET = "hydra.https-tls";

/** What a server does with a set that it signs with. */
export type SigningState =
  /** Its newest key signs; `kid` is how tokens name it. */
  | { readonly kind: "signs"; readonly kid: string; readonly alg: string; readonly key: JsonWebKey | undefined }
  /** It generates a key when it next needs one. */
  | { readonly kind: "generates" }
  /** It cannot sign. */
  | { readonly kind: "fails" };

/** Whether a server uses a set to sign tokens. */
export function signsTokens(set: string): boolean {
  return set === ID_TOKEN_SET || set === ACCESS_TOKEN_SET;
}

/** Whether a change of a set can stop or break logins, or the server's own TLS. */
export function isSigningSet(set: string, shape: KeyShape): boolean {
  return signsTokens(set) || (shape === "pair" && set === TLS_SET);
}

/** Whether a set may be one that a server signs with, whatever its version. */
export function maySign(set: string): boolean {
  return isSigningSet(set, "pair");
}

/** What a server does with a set of these keys, the newest first. */
export function signingState(shape: KeyShape, keys: readonly JsonWebKey[]): SigningState {
  return shape === "pair" ? stateOfPairs(keys) : stateOfPrivateKeys(keys);
}

/** Hydra 1.x signs with the newest private and the newest public key, which must be a pair of RSA keys. */
function stateOfPairs(keys: readonly JsonWebKey[]): SigningState {
  const privateKey = keys.find(hasPrivateMembers);
  const publicKey = keys.find((key) => !hasPrivateMembers(key));
  if (privateKey?.kid === undefined || publicKey?.kid === undefined) return { kind: "fails" };
  const isPair =
    privateKey.kid.startsWith("private:") &&
    publicKey.kid.startsWith("public:") &&
    kidWithoutPrefix(privateKey.kid) === kidWithoutPrefix(publicKey.kid) &&
    privateKey["n"] === publicKey["n"];
  if (!isPair || privateKey.kty !== "RSA") return { kind: "fails" };
  return { kind: "signs", kid: publicKey.kid, alg: "RS256", key: publicKey };
}

/** From Hydra 2.0 on, the newest private key signs. */
function stateOfPrivateKeys(keys: readonly JsonWebKey[]): SigningState {
  const key = keys.find(hasPrivateMembers);
  if (key === undefined) return { kind: "generates" };
  if (isSymmetric(key)) return { kind: "fails" };
  const alg = key.alg ?? possibleAlgorithms(key)[0] ?? "";
  return { kind: "signs", kid: key.kid ?? "", alg, key: publicPart(key) };
}

/** The state after the server has generated a key for an algorithm. */
export function stateWithNewKey(shape: KeyShape, alg: string): SigningState {
  if (alg.startsWith("HS") || (shape === "pair" && alg !== "RS256")) return { kind: "fails" };
  return { kind: "signs", kid: "", alg, key: undefined };
}

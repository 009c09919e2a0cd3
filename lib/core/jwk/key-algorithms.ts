import { isSymmetric, type JsonWebKey } from "./json-web-key.ts";
import { modulusBits } from "./rsa-parameters.ts";

/** The algorithm of each curve that servers take: those that can sign (RFC 7518, 3.4; RFC 8037, 3.1). */
const CURVE_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["P-256", "ES256"],
  ["P-384", "ES384"],
  ["P-521", "ES512"],
  ["Ed25519", "EdDSA"],
]);

/** The algorithms that a key can be used with, the default first: what its type and curve allow. */
export function signingAndEncryptionAlgorithms(key: JsonWebKey): readonly string[] {
  const { kty, crv = "" } = key;
  if (kty === "RSA")
    return [
      ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
      ...["RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512", "RSA1_5"],
    ];
  if (isSymmetric(key)) return ["HS256", "HS384", "HS512", "dir", "A128KW", "A192KW", "A256KW"];
  const signing = CURVE_ALGORITHMS.get(crv);
  if (signing === undefined) return [];
  const agreement = crv === "Ed25519" ? [] : ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"];
  return [signing, ...agreement];
}

/** The members of each type of key that are numbers in base64url (RFC 7518, 6). */
const NUMBERS: Readonly<Record<string, readonly string[]>> = { RSA: ["n", "e"], EC: ["x", "y"], OKP: ["x"] };

/** Whether servers accept a key: its type and curve, and public members that can be read. */
export function isKeySupportedByServers(key: JsonWebKey): boolean {
  if (isSymmetric(key)) return true;
  const isText = (name: string): boolean => /^[A-Za-z0-9_-]+$/.test(String(key[name] ?? ""));
  // No program makes a modulus shorter than 512 bits.
  if (key.kty === "RSA" && (modulusBits(key) ?? 0) < 512) return false;
  return signingAndEncryptionAlgorithms(key).length > 0 && (NUMBERS[key.kty] ?? []).every(isText);
}

/** Whether an algorithm signs (RFC 7518, 3.1; RFC 8037, 3.1); others encrypt. */
export function isSigningAlgorithm(alg: string): boolean {
  return /^(?:[RPEH]S\d|EdDSA$)/.test(alg);
}

/** The type and the curve of the keys that an algorithm for signatures needs. */
export function keyTypeAndCurveFor(alg: string): Pick<JsonWebKey, "kty" | "crv"> {
  if (alg.startsWith("HS")) return { kty: "oct" };
  const [crv] = [...CURVE_ALGORITHMS].find(([, of]) => of === alg) ?? [];
  if (crv === undefined) return { kty: "RSA" };
  return { kty: crv === "Ed25519" ? "OKP" : "EC", crv };
}

/** A key as messages describe it: `EC P-256`, `RSA`. */
export function keyTypeAndCurveName({ kty, crv }: JsonWebKey): string {
  if (kty === "oct") return "symmetric";
  return crv === undefined ? kty : `${kty} ${crv}`;
}

import { Buffer } from "node:buffer";
import { createPublicKey } from "node:crypto";
import { isJsonObject, type JsonObject } from "../core/json/json.ts";
import { findRsaInconsistency, type RsaInconsistency } from "../core/jwk/rsa-parameters.ts";
import { InputFault, rejectJsonType } from "./input-fault.ts";
import { stringMemberOrEmpty } from "./json-members.ts";

/** A set of keys as a server stores it (RFC 7517 section 5). */
interface KeySet {
  readonly keys?: readonly JsonObject[] | null;
}

/** The members of a key that are stored, in the order in which they are returned. */
const MEMBERS = [
  "use",
  "kty",
  "kid",
  "crv",
  "alg",
  "k",
  "x",
  "y",
  "n",
  "e",
  "d",
  "p",
  "q",
  "dp",
  "dq",
  "qi",
  "x5c",
  "x5u",
  "x5t",
  "x5t#S256",
];

/** The known curves and the size of a coordinate in bytes (RFC 7518 section 6.2.1.2). */
const CURVES: ReadonlyMap<string, number> = new Map([
  ["P-256", 32],
  ["P-384", 48],
  ["P-521", 66],
]);

/** How many bytes a base64url text has; 0 for anything but text. */
function base64UrlByteLength(value: unknown): number {
  return typeof value === "string" ? Buffer.from(value, "base64url").length : 0;
}

/** Whether the public members of a key on a curve are a key: a point on it. */
function isPointOnCurve({ kty, crv, x, y }: JsonObject): boolean {
  const point = { kty: String(kty), crv: String(crv), x: String(x), ...(typeof y === "string" ? { y } : {}) };
  try {
    createPublicKey({ key: point, format: "jwk" });
    return true;
  } catch {
    return false;
  }
}

/** What is wrong with a key, by its type. */
const FAULTS = new Map(
  Object.entries<(key: JsonObject) => string | undefined>({
    EC: (key) => {
      const curve = stringMemberOrEmpty(key, "crv");
      const size = CURVES.get(curve);
      if (size === undefined) return `unsupported elliptic curve '${curve}'`;
      if (key["x"] === undefined || key["y"] === undefined) return "invalid EC key, missing x/y values";
      const odd = ["x", "y"].find((name) => base64UrlByteLength(key[name]) !== size);
      if (odd !== undefined) return `invalid EC public key, wrong length for ${odd}`;
      return isPointOnCurve(key) ? undefined : "invalid EC key, X/Y are not on declared curve";
    },
    RSA: ({ n, e }) => (n === undefined || e === undefined ? "invalid RSA key, missing n/e values" : undefined),
    oct: ({ k }) => (k === undefined ? "invalid OCT (symmetric) key, missing k value" : undefined),
    OKP: (key) => {
      const curve = stringMemberOrEmpty(key, "crv");
      if (curve !== "Ed25519") return `unknown curve '${curve}'`;
      if (key["x"] === undefined) return "invalid Ed key, missing x value";
      return isPointOnCurve(key) ? undefined : "invalid Ed key, wrong length for x";
    },
  }),
);

/** What is wrong with a key, by its type, or undefined. */
function findKeyFault(key: JsonObject): string | undefined {
  const type = stringMemberOrEmpty(key, "kty");
  const fault = FAULTS.get(type);
  return fault === undefined ? `unknown json web key type '${type}'` : fault(key);
}

/** Decodes a key set; throws what is wrong with its first invalid key, in the words of the library. */
export function decodeKeySet(value: JsonObject, library: string): KeySet {
  const given = value["keys"];
  if (given === undefined) return {};
  if (given === null) return { keys: null };
  if (!Array.isArray(given))
    return rejectJsonType(given, "struct field JoseJSONWebKeySet.jwks.JSONWebKeySet.keys of type []jose.JSONWebKey");
  return { keys: given.map((key) => decodeKey(key, library)) };
}

/** How Go since 1.24, and before that, which looks at neither CRT value, reports members that don't belong together. */
const RSA_FAULTS: Readonly<
  Record<Exclude<RsaInconsistency, "missing">, readonly [text: string, older: string | undefined]>
> = {
  modulus: ["p * q != n", "invalid modulus"],
  exponent: ["d does not match dP", "invalid exponents"],
  "crt-exponent": ["invalid CRT exponent", undefined],
  "crt-coefficient": ["invalid CRT coefficient", undefined],
};

/** What is wrong with a private RSA key, in the words of the server's library, or undefined. */
function findRsaPrivateKeyFault(key: JsonObject, library: string): string | undefined {
  const fault = findRsaInconsistency(key);
  if (fault === undefined) return undefined;
  if (fault === "missing") return `${library}: invalid RSA private key, missing P value(s)`;
  const [text, older] = RSA_FAULTS[fault];
  const shown = library.startsWith("square/") ? older : text;
  return shown === undefined ? undefined : `crypto/rsa: ${shown}`;
}

/** Decodes one key; throws what is wrong with it. */
export function decodeKey(value: unknown, library: string): JsonObject {
  if (!isJsonObject(value)) return rejectJsonType(value, "value of type jose.rawJSONWebKey");
  const rsaFault = findRsaPrivateKeyFault(value, library);
  if (rsaFault !== undefined) throw new InputFault(rsaFault);
  const fault = findKeyFault(value);
  if (fault !== undefined) throw new InputFault(`${library}: ${fault}`);
  return storedMembers(value);
}

/** The members of a key that servers store, in their order. */
export function storedMembers(key: JsonObject): JsonObject {
  return Object.fromEntries(MEMBERS.filter((name) => Object.hasOwn(key, name)).map((name) => [name, key[name]]));
}

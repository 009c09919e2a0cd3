import { createHash, createPrivateKey, type JsonWebKey, type KeyObject, webcrypto } from "node:crypto";
import { isJsonObject, type JsonObject, parseJsonOrUndefined } from "../../core/json/json.ts";
import { hasPrivateMembers } from "../../core/jwk/jwk-members.ts";
import { signingAndEncryptionAlgorithms } from "../../core/jwk/key-algorithms.ts";
import { findUnsupportedKeyFormat } from "../../core/jwk/unsupported-key-format.ts";
import { errorMessage, type Problem, usageError } from "../../core/problem.ts";
import {
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
} from "./oauth4webapi.ts";

/** A private key of a client. */
interface ClientKey {
  /** PEM, or a JSON Web Key (RFC 7517). */
  readonly text: string;
  /** How it signs; by default what the key says, else RS256, ES256, ES384 or ES512 by its type. */
  readonly algorithm?: string;
  /** Its ID at the server; by default what the key says, else its thumbprint (RFC 7638). */
  readonly kid?: string;
}

/** How a client authenticates (RFC 6749, 2.3; RFC 7523). */
export type ClientAuthentication =
  | { readonly method: "client_secret_basic" | "client_secret_post"; readonly secret: string }
  | { readonly method: "private_key_jwt"; readonly key: ClientKey }
  | { readonly method: "none" };

const HINT = "a client key is a private key in PEM or a JSON Web Key: RSA, or EC on P-256, P-384 or P-521";

/** Why a text can't be a client key, as far as its headers say; the runtime names only the part of the encoding. */
function findUnsuitableKeyProblem(text: string, jwk: JsonObject | undefined): Problem | undefined {
  const start = "Cannot read the client key: it is";
  if (/-----BEGIN ENCRYPTED|^Proc-Type: *4,ENCRYPTED/m.test(text))
    return usageError(`${start} encrypted`, "decrypt it first: openssl pkey -in FILE -out key.pem");
  const isPublicJwk = jwk !== undefined && typeof jwk["kty"] === "string" && !hasPrivateMembers(jwk);
  if (isPublicJwk || /-----BEGIN (?:[A-Z0-9]+ )?PUBLIC KEY-----/.test(text))
    return usageError(`${start} a public key`, "give its private half");
  if (text.includes("-----BEGIN CERTIFICATE-----"))
    return usageError(`${start} a certificate`, "give the private key of the certificate");
  const foreign = findUnsupportedKeyFormat(text, "FILE");
  if (foreign !== undefined) return usageError(`Cannot read the client key: ${foreign.reason}`, foreign.hint);
  return jwk === undefined && !text.includes("-----BEGIN ") ? usageError(`${start} not a key`, HINT) : undefined;
}

function parsePrivateKeyObject(text: string, jwk: JsonObject | undefined): KeyObject {
  const hasPrivateKey = /-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----/.test(text) && !/ENCRYPTED|OPENSSH/.test(text);
  const unsuitable = hasPrivateKey ? undefined : findUnsuitableKeyProblem(text, jwk);
  if (unsuitable !== undefined) throw unsuitable;
  try {
    if (jwk === undefined) return createPrivateKey(text);
    const members = Object.entries(jwk).filter((entry): entry is [string, string] => typeof entry[1] === "string");
    return createPrivateKey({ key: Object.fromEntries(members), format: "jwk" });
  } catch (error) {
    // The runtime's message says which part is wrong, and never holds the key.
    throw usageError(`Cannot read the client key: ${errorMessage(error)}`, HINT);
  }
}

/** The ID that a key has by its content (RFC 7638). */
function thumbprint({ kty, e, n, crv, x, y }: JsonWebKey): string {
  const members = kty === "RSA" ? { e, kty, n } : { crv, kty, x, y };
  return createHash("sha256").update(JSON.stringify(members)).digest("base64url");
}

/** The parameters that WebCrypto imports a key with. */
function importParameters(
  algorithm: string,
  { crv = "" }: JsonWebKey,
): { name: string; hash: string } | { name: string; namedCurve: string } {
  const hash = `SHA-${algorithm.slice(2)}`;
  if (algorithm.startsWith("RS")) return { name: "RSASSA-PKCS1-v1_5", hash };
  return algorithm.startsWith("PS") ? { name: "RSA-PSS", hash } : { name: "ECDSA", namedCurve: crv };
}

async function signingKey(key: ClientKey): Promise<{ key: webcrypto.CryptoKey; kid: string }> {
  const value = parseJsonOrUndefined(key.text)?.value;
  const jwk = isJsonObject(value) ? value : undefined;
  const exported = parsePrivateKeyObject(key.text, jwk).export({ format: "jwk" });
  const own = (name: string): string | undefined => (typeof jwk?.[name] === "string" ? jwk[name] : undefined);
  const [defaultAlgorithm] = signingAndEncryptionAlgorithms({ ...exported, kty: exported.kty ?? "" });
  const algorithm = key.algorithm ?? own("alg") ?? defaultAlgorithm;
  if (algorithm === undefined || !/^(?:RS|PS|ES)(?:256|384|512)$/.test(algorithm)) {
    throw usageError("Cannot use the client key: its type or algorithm isn't supported", HINT);
  }
  try {
    const imported = await webcrypto.subtle.importKey("jwk", exported, importParameters(algorithm, exported), false, [
      "sign",
    ]);
    return { key: imported, kid: key.kid ?? own("kid") ?? thumbprint(exported) };
  } catch {
    const type = exported.crv ?? exported.kty ?? "";
    throw usageError(
      `Cannot use the client key: a key of type ${type} doesn't sign with ${algorithm}`,
      `give the private key of the client for ${algorithm}`,
    );
  }
}

/** An authentication as the library performs it. All Hydra versions accept only the token endpoint as an assertion's audience. */
export async function toLibraryAuth(authentication: ClientAuthentication, tokenEndpoint: string): Promise<ClientAuth> {
  switch (authentication.method) {
    case "client_secret_basic":
      return ClientSecretBasic(authentication.secret);
    case "client_secret_post":
      return ClientSecretPost(authentication.secret);
    case "private_key_jwt":
      return PrivateKeyJwt(await signingKey(authentication.key), {
        [modifyAssertion]: (_header, payload) => {
          payload["aud"] = tokenEndpoint;
        },
      });
    case "none":
      return None();
  }
}

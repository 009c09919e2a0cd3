import { isJsonObject, type JsonObject } from "../core/json/json.ts";
import type { GeneratedKeyAlgorithm } from "../core/jwk/assertion-algorithms.ts";
import { keysOfSet } from "../core/jwk/json-web-key.ts";

/** A locally generated key pair of a client. */
export interface ClientKeyPair {
  readonly algorithm: GeneratedKeyAlgorithm;
  /** The key ID: its thumbprint (RFC 7638). */
  readonly kid: string;
  /** The public key as a JSON Web Key (RFC 7517). */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** The private key as a JSON Web Key. */
  readonly privateJwk: Readonly<Record<string, unknown>>;
  /** The private key in PEM (PKCS #8). */
  readonly pem: string;
}

/** Generates a key pair: P-256 for ES256, 3072 bits for the RSA algorithms. */
export async function generateClientKeyPair(algorithm: GeneratedKeyAlgorithm): Promise<ClientKeyPair> {
  const { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair } = await import("jose");
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 3072 });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const metadata = { kid, use: "sig", alg: algorithm };
  return {
    algorithm,
    kid,
    publicJwk: { ...jwk, ...metadata },
    privateJwk: { ...(await exportJWK(privateKey)), ...metadata },
    pem: await exportPKCS8(privateKey),
  };
}

/** A signed client assertion (RFC 7523, 3) for one audience, valid for a minute. */
export async function signClientAssertion(
  keys: ClientKeyPair,
  clientId: string,
  audience: string,
  now: number,
  jti: string,
): Promise<string> {
  const { importPKCS8, SignJWT } = await import("jose");
  const seconds = Math.floor(now / 1000);
  return new SignJWT({})
    .setProtectedHeader({ alg: keys.algorithm, kid: keys.kid })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(jti)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + 60)
    .sign(await importPKCS8(keys.pem, keys.algorithm));
}

/** The members of a JSON Web Key that a public key consists of; a shared secret has none of them. */
const PUBLIC_MEMBERS = ["kty", "n", "e", "crv", "x", "y"];

/** Whether a key of a public JSON Web Key Set signed a token (RFC 7515). The token's key ID chooses it, if it has one. */
export async function isSignedByKeyOfSet(token: string, keySet: JsonObject): Promise<boolean> {
  const { compactVerify, decodeProtectedHeader, importJWK } = await import("jose");
  const { alg, kid } = decodeProtectedHeader(token);
  for (const key of keysOfSet(keySet).filter(isJsonObject)) {
    if (kid !== undefined && key["kid"] !== kid) continue;
    const members = Object.entries(key).filter(
      (entry): entry is [string, string] => PUBLIC_MEMBERS.includes(entry[0]) && typeof entry[1] === "string",
    );
    try {
      await compactVerify(token, await importJWK(Object.fromEntries(members), alg));
      return true;
    } catch {
      // Another key, or one for another algorithm.
    }
  }
  return false;
}

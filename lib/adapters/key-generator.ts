import type { JsonObject } from "../core/json.ts";
import type { KeyAlgorithm } from "../core/keys/key-algorithm.ts";

/** A key pair of a client, made on this machine. */
export interface KeyPair {
  readonly algorithm: KeyAlgorithm;
  /** The key's id: its thumbprint (RFC 7638). */
  readonly kid: string;
  /** The public key as a JSON Web Key (RFC 7517). */
  readonly publicJwk: JsonObject;
  /** The private key as a JSON Web Key. */
  readonly privateJwk: JsonObject;
  /** The private key in PEM (PKCS #8). */
  readonly pem: string;
}

/** Makes a key pair: P-256 for ES256, 3072 bits for the RSA algorithms. */
export async function generateKeys(algorithm: KeyAlgorithm): Promise<KeyPair> {
  const { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair } = await import("jose");
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 3072 });
  const bare = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(bare);
  const more = { kid, use: "sig", alg: algorithm };
  return {
    algorithm,
    kid,
    publicJwk: { ...bare, ...more },
    privateJwk: { ...(await exportJWK(privateKey)), ...more },
    pem: await exportPKCS8(privateKey),
  };
}

/** A client assertion (RFC 7523, 3): signed, for one audience, good for a minute. */
export async function clientAssertion(
  keys: KeyPair,
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

/** The algorithms for key pairs: those that all supported servers accept for private_key_jwt. */
type KeyAlgorithm = "ES256" | "RS256" | "PS256";

/** A locally generated key pair of a client. */
export interface KeyPair {
  readonly algorithm: KeyAlgorithm;
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
export async function generateKeys(algorithm: KeyAlgorithm): Promise<KeyPair> {
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

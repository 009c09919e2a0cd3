import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../core/json.ts";

/** Which of a server's keys signs. */
type KeyUse = "id-token" | "access-token";

/** The signing keys of a sandbox. They are generated when they are first needed, because that takes time. */
export interface SigningKeys {
  /** The public keys, as `/.well-known/jwks.json` shows them. */
  readonly published: () => readonly JsonObject[];
  /** A JSON Web Token with these claims, signed with RS256. */
  readonly sign: (use: KeyUse, claims: JsonObject) => string;
  /** The claims of a JSON Web Token that was signed with this key; undefined for any other text. */
  readonly verify: (use: KeyUse, token: string) => JsonObject | undefined;
}

interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly publicJwk: JsonObject;
}

function generateKey(kidPrefix: string): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const kid = `${kidPrefix}${randomUUID()}`;
  const publicJwk = { use: "sig", kid, alg: "RS256", ...publicKey.export({ format: "jwk" }) };
  return { kid, privateKey, publicKey, publicJwk };
}

/** Claims in the order of their names, as the servers write them. */
export function sortedClaims(claims: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function part(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function claimsIn(body: string): JsonObject | undefined {
  const value: unknown = JSON.parse(Buffer.from(body, "base64url").toString());
  return isJsonObject(value) ? value : undefined;
}

/** Creates the keys of a sandbox: one for ID tokens, and one for access tokens where a version signs them. */
export function createSigningKeys(kidPrefix: string, signsAccessTokens: boolean): SigningKeys {
  const keys = new Map<KeyUse, SigningKey>();
  function keyFor(use: KeyUse): SigningKey {
    const key = keys.get(use) ?? generateKey(kidPrefix);
    keys.set(use, key);
    return key;
  }
  return {
    published: () => {
      const uses: readonly KeyUse[] = signsAccessTokens ? ["id-token", "access-token"] : ["id-token"];
      return uses.map((use) => keyFor(use).publicJwk);
    },
    sign: (use, claims) => {
      const { kid, privateKey } = keyFor(use);
      const signed = `${part({ alg: "RS256", kid, typ: "JWT" })}.${part(sortedClaims(claims))}`;
      return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), privateKey).toString("base64url")}`;
    },
    verify: (use, token) => {
      const [head = "", body = "", signature = ""] = token.split(".");
      const { publicKey } = keyFor(use);
      const isSigned = verify(
        "RSA-SHA256",
        Buffer.from(`${head}.${body}`),
        publicKey,
        Buffer.from(signature, "base64url"),
      );
      return isSigned ? claimsIn(body) : undefined;
    },
  };
}

/** The hash that binds an access token or a code to an ID token (OpenID Connect Core, 3.1.3.6). */
export function idTokenHash(value: string): string {
  return createHash("sha256").update(value).digest().subarray(0, 16).toString("base64url");
}

import { Buffer } from "node:buffer";
import {
  constants,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  randomUUID,
  type SignKeyObjectInput,
  sign,
  verify,
} from "node:crypto";
import { isJsonObject, type JsonObject } from "../../core/json/json.ts";
import { asJsonWebKey, isSymmetric, type JsonWebKey, publicPart } from "../../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../../core/jwk/jwk-members.ts";
import { isSigningAlgorithm, signingAndEncryptionAlgorithms } from "../../core/jwk/key-algorithms.ts";
import { withCrtMembersFromPrimes } from "../../core/jwk/rsa-parameters.ts";
import { withSortedMembers } from "../json-members.ts";
import { storedMembers } from "../key-set.ts";
import { type KeyStore, SIGNING_SETS } from "../key-store.ts";
import type { Behaviour } from "../versions.ts";
import { ExpiringMap } from "./expiring-map.ts";

/** Which tokens a key signs. */
type SignedTokenKind = keyof typeof SIGNING_SETS;

/** There is no key that the server can sign with. */
export class NoSigningKeyError extends Error {}

interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateJwk: JsonWebKey;
}

/** A header or claims as a part of a JSON Web Token. */
function encodeJwtPart(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function keysOf(store: KeyStore, set: string): readonly JsonWebKey[] {
  return (store.get(set) ?? []).flatMap((key) => asJsonWebKey(key) ?? []);
}

/**
 * The newest private key; throws unless it and the newest public key are an RSA pair, as a server then ends every
 * login.
 */
function requirePairedSigningKey(store: KeyStore, { keys: { findsBy } }: Behaviour, set: string): SigningKey {
  const keys = keysOf(store, set);
  const isKind = (key: JsonWebKey, kind: "private" | "public"): boolean =>
    findsBy === "prefix" ? key.kid?.startsWith(`${kind}:`) === true : hasPrivateMembers(key) === (kind === "private");
  const privateJwk = keys.find((key) => isKind(key, "private"));
  const publicJwk = keys.find((key) => isKind(key, "public"));
  if (privateJwk === undefined || publicJwk === undefined) throw new NoSigningKeyError("a key is missing");
  const [privateId = "", publicId = ""] = [privateJwk.kid, publicJwk.kid];
  const isPair = privateId.replace("private:", "") === publicId.replace("public:", "");
  if (!isPair || privateJwk.kty !== "RSA" || privateJwk["n"] !== publicJwk["n"])
    throw new NoSigningKeyError("the newest keys are no RSA pair");
  return { kid: publicId, alg: "RS256", privateJwk };
}

function canSign(key: JsonWebKey, alg: string): boolean {
  return isSigningAlgorithm(alg) && signingAndEncryptionAlgorithms(key).includes(alg);
}

/** The newest private key; a new one is generated if there is none. */
function findOrGenerateNewestPrivateKey(store: KeyStore, set: string): JsonWebKey {
  const find = (): JsonWebKey | undefined => keysOf(store, set).find(hasPrivateMembers);
  if (find() === undefined) store.generate(set, { kid: randomUUID(), alg: "RS256", use: "sig" });
  const privateJwk = find();
  if (privateJwk === undefined) throw new NoSigningKeyError("a key is missing");
  return privateJwk;
}

/** The newest private key, generated if there is none; throws if it has no algorithm that signs. */
function chooseOrGenerateSigningKey(store: KeyStore, set: string): SigningKey {
  const privateJwk = findOrGenerateNewestPrivateKey(store, set);
  const { alg = "", kid = "" } = privateJwk;
  if (!canSign(privateJwk, alg)) throw new NoSigningKeyError("the newest private key has no algorithm that signs");
  // Its tokens name no key.
  return { kid: isSymmetric(privateJwk) ? "" : kid, alg, privateJwk };
}

/** A key as the runtime takes it. */
function keyInput(key: JsonWebKey): { readonly key: Record<string, string>; readonly format: "jwk" } {
  const members = Object.entries(withCrtMembersFromPrimes(key)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return { key: Object.fromEntries(members), format: "jwk" };
}

/** The digest of a signing algorithm, as the runtime names it; null for EdDSA, which has its own. */
function digestAlgorithmName(alg: string): string | null {
  return alg === "EdDSA" ? null : `sha${alg.slice(2)}`;
}

/** How signatures of an algorithm are encoded and padded (RFC 7518, 3). */
function signatureEncodingAndPadding(alg: string): Pick<SignKeyObjectInput, "dsaEncoding" | "padding" | "saltLength"> {
  if (alg.startsWith("ES")) return { dsaEncoding: "ieee-p1363" };
  if (!alg.startsWith("PS")) return {};
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

/**
 * Signs a text.
 *
 * @throws {NoSigningKeyError} for a stored key that isn't one: not all of them are checked.
 */
function signText(text: string, { alg, privateJwk }: SigningKey): string {
  try {
    if (isSymmetric(privateJwk)) {
      const secret = Buffer.from(String(privateJwk["k"]), "base64url");
      return createHmac(digestAlgorithmName(alg) ?? "", secret)
        .update(text)
        .digest("base64url");
    }
    const input = { key: createPrivateKey(keyInput(privateJwk)), ...signatureEncodingAndPadding(alg) };
    return sign(digestAlgorithmName(alg), Buffer.from(text), input).toString("base64url");
  } catch (error) {
    throw new NoSigningKeyError("the newest private key can't sign", { cause: error });
  }
}

/** Whether a text was signed with the private half of a public key. */
export function isValidSignature(text: string, signed: string, alg: string, publicKey: JsonWebKey): boolean {
  try {
    const input = { key: createPublicKey(keyInput(publicKey)), ...signatureEncodingAndPadding(alg) };
    return verify(digestAlgorithmName(alg), Buffer.from(text), input, Buffer.from(signed, "base64url"));
  } catch {
    // A stored key that isn't one, or is of another type than the algorithm.
    return false;
  }
}

/** The same for a stored key, with its own algorithm. */
function isSignedWithStoredKey(text: string, signed: string, key: JsonWebKey): boolean {
  const alg = key.alg ?? signingAndEncryptionAlgorithms(key)[0] ?? "";
  return canSign(key, alg) && isValidSignature(text, signed, alg, publicPart(key));
}

/** The claims of a JSON Web Token, from its part of the token. */
function decodeJwtClaims(body: string): JsonObject | undefined {
  const value: unknown = JSON.parse(Buffer.from(body, "base64url").toString());
  return isJsonObject(value) ? value : undefined;
}

/** The names of the sets whose keys are published. */
function publishedSetNames(signsAccessTokens: boolean): readonly string[] {
  return signsAccessTokens ? [SIGNING_SETS["id-token"], SIGNING_SETS["access-token"]] : [SIGNING_SETS["id-token"]];
}

/** The keys that a sandbox signs tokens with: those of its signing sets. */
export type TokenSigner = ReturnType<typeof createTokenSigner>;

/** Creates access to the signing keys in a store. */
export function createTokenSigner(
  store: KeyStore,
  behaviour: Behaviour,
  signsAccessTokens: boolean,
  now: () => number,
) {
  const { pairs, findsBy, namesOldAccessKey } = behaviour.keys;
  /** The key IDs that sessions began with. */
  const firstKeys = new ExpiringMap<string>({ now });

  function isPublished(key: JsonWebKey): boolean {
    if (!pairs) return key.kty !== "oct";
    return findsBy === "prefix" ? key.kid?.startsWith("public:") === true : !hasPrivateMembers(key);
  }

  /** The key ID in a token: that of the session's first token, which the servers keep. */
  function namedKey(use: SignedTokenKind, kid: string, session: string | undefined): string {
    if (session === undefined || (use === "access-token" && !namesOldAccessKey)) return kid;
    const name = `${use} ${session}`;
    const first = firstKeys.get(name) ?? kid;
    firstKeys.set(name, first, Number.POSITIVE_INFINITY);
    return first;
  }

  return {
    /** The public keys, as `/.well-known/jwks.json` shows them. */
    published: (): readonly JsonObject[] =>
      publishedSetNames(signsAccessTokens).flatMap((set) => {
        if (!pairs) findOrGenerateNewestPrivateKey(store, set);
        if (!pairs && keysOf(store, set).some(isSymmetric))
          throw new NoSigningKeyError("a shared secret can't be published");
        const keys = keysOf(store, set).filter(isPublished);
        return keys.map((key) => storedMembers(publicPart(key)));
      }),
    /** The algorithm of ID tokens, as the discovery document shows it: empty if no public key has it. */
    idTokenAlgorithm: (): string => {
      if (pairs) return "RS256";
      const key = findOrGenerateNewestPrivateKey(store, SIGNING_SETS["id-token"]);
      return isSymmetric(key) ? "" : (key.alg ?? "");
    },
    /**
     * A JSON Web Token with these claims, signed with the newest key.
     *
     * @param session what the token belongs to: a later token of the same session names the key of its first one, as the
     * servers do, although the newest key signs it (ory/hydra#3573).
     * @throws {NoSigningKeyError} if the server has no key to sign with.
     */
    sign: (use: SignedTokenKind, claims: JsonObject, session?: string): string => {
      const set = SIGNING_SETS[use];
      const key = pairs ? requirePairedSigningKey(store, behaviour, set) : chooseOrGenerateSigningKey(store, set);
      const header = { alg: key.alg, kid: namedKey(use, key.kid, session), typ: "JWT" };
      const signed = `${encodeJwtPart(header)}.${encodeJwtPart(withSortedMembers(claims))}`;
      return `${signed}.${signText(signed, key)}`;
    },
    /** The claims of a JSON Web Token that was signed with a published key; undefined for any other text. */
    verify: (use: SignedTokenKind, token: string): JsonObject | undefined => {
      const [head = "", body = "", signed = ""] = token.split(".");
      const keys = keysOf(store, SIGNING_SETS[use]).filter(isPublished);
      return keys.some((key) => isSignedWithStoredKey(`${head}.${body}`, signed, key))
        ? decodeJwtClaims(body)
        : undefined;
    },
  };
}

/** The hash that binds an access token or a code to an ID token (OpenID Connect Core, 3.1.3.6). */
export function tokenOrCodeHash(value: string): string {
  return createHash("sha256").update(value).digest().subarray(0, 16).toString("base64url");
}

import { Buffer } from "node:buffer";
import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import type { ApiError } from "../api-errors.ts";
import type { StoredClient } from "../client-store.ts";
import { authMethodOf, textField } from "./client-settings.ts";
import { unrecognizedError } from "./oauth-answers.ts";
import { type PublicContext, tokenEndpointOf, versionedError } from "./public-context.ts";

interface Assertion {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signed: string;
  readonly signature: Uint8Array;
}

function objectIn(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function parseAssertion(text: string): Assertion | undefined {
  const [head = "", body = "", signature, ...more] = text.split(".");
  const header = objectIn(head);
  const claims = objectIn(body);
  if (header === undefined || claims === undefined || signature === undefined || more.length > 0) return undefined;
  return { header, claims, signed: `${head}.${body}`, signature: Buffer.from(signature, "base64url") };
}

/** The members of a JSON Web Key that a public key consists of. */
function keyObject(jwk: JsonObject): KeyObject | undefined {
  const members = ["kty", "n", "e", "crv", "x", "y"].flatMap((name) => {
    const value = jwk[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  try {
    return createPublicKey({ key: Object.fromEntries(members), format: "jwk" });
  } catch {
    return undefined;
  }
}

function isSignedBy({ signed, signature }: Assertion, alg: string, jwk: JsonObject): boolean {
  const key = keyObject(jwk);
  const digest = /^(?:RS|PS|ES)(256|384|512)$/.exec(alg)?.[1];
  if (key === undefined || digest === undefined) return false;
  const ways = {
    RS: { key, padding: constants.RSA_PKCS1_PADDING },
    PS: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
    ES: { key, dsaEncoding: "ieee-p1363" },
  } as const;
  const way = alg.startsWith("RS") ? ways.RS : alg.startsWith("PS") ? ways.PS : ways.ES;
  try {
    return verify(`sha${digest}`, Buffer.from(signed), way, signature);
  } catch {
    // The key is of another type than the algorithm.
    return false;
  }
}

/** The registered keys of a client that an assertion may be signed with, or why there are none. */
function candidateKeys(engine: PublicContext, client: StoredClient, kid: unknown): readonly JsonObject[] | ApiError {
  const set = client.view["jwks"];
  const all = isJsonObject(set) && Array.isArray(set["keys"]) ? set["keys"].filter(isJsonObject) : [];
  if (typeof kid !== "string" || kid === "") {
    if (!engine.traits.lenientAssertions) return all;
    return versionedError(engine, "invalid_request", "The JSON Web Token must contain a kid header value but did not.");
  }
  const named = all.filter((key) => key["kid"] === kid);
  if (named.length > 0) return named;
  return versionedError(
    engine,
    "invalid_request",
    `The JSON Web Token uses signing key with kid "${kid}", which could not be found.`,
  );
}

const UNVERIFIABLE = 'Unable to verify the integrity of the "client_assertion" value.';

/** Why the signature or the times of an assertion are wrong, or undefined. */
function badSignature(engine: PublicContext, client: StoredClient, assertion: Assertion): ApiError | undefined {
  const { header, claims } = assertion;
  const alg = typeof header["alg"] === "string" ? header["alg"] : "";
  const enforced = textField(client, "token_endpoint_auth_signing_alg") || "RS256";
  if (alg !== enforced) {
    const hint = `The "client_assertion" uses signing algorithm "${alg}" but the requested OAuth 2.0 Client enforces signing algorithm "${enforced}".`;
    return versionedError(engine, "invalid_client", hint);
  }
  const keys = candidateKeys(engine, client, header["kid"]);
  if ("status" in keys) return keys;
  if (!keys.some((key) => isSignedBy(assertion, alg, key))) {
    if (engine.traits.lenientAssertions) return unrecognizedError(engine.behaviour);
    return versionedError(engine, "invalid_client", UNVERIFIABLE);
  }
  const { exp, nbf } = claims;
  const isOutdated = typeof exp === "number" && exp < engine.now();
  const isEarly = typeof nbf === "number" && nbf > engine.now();
  return isOutdated || isEarly ? unrecognizedError(engine.behaviour) : undefined;
}

/** Why the claims of an assertion are wrong, or undefined; its identifier counts as used then. */
function badClaims(engine: PublicContext, client: StoredClient, { claims }: Assertion): ApiError | undefined {
  const { exp, iss, aud, jti } = claims;
  if (typeof exp !== "number") {
    const hint =
      "Unable to type assert the expiry time from claims. This should not happen as we validate the expiry time already earlier with token.Claims.Valid()";
    return versionedError(engine, "invalid_client", hint);
  }
  if (iss !== client.id) {
    const hint = `Claim "iss" from "client_assertion" must match the "client_id" of the OAuth 2.0 Client.`;
    return versionedError(engine, "invalid_client", hint);
  }
  const endpoint = tokenEndpointOf(engine);
  if (aud !== endpoint && !(Array.isArray(aud) && aud.includes(endpoint))) {
    const hint = `Claim "audience" from "client_assertion" must match the authorization server's token endpoint "${endpoint}".`;
    return versionedError(engine, "invalid_client", hint);
  }
  if (typeof jti !== "string" || jti === "") {
    return versionedError(engine, "invalid_client", `Claim "jti" from "client_assertion" must be set but is not.`);
  }
  if (engine.assertionIds.has(jti)) {
    return versionedError(engine, "jti_known", `Claim "jti" from "client_assertion" MUST only be used once.`);
  }
  engine.assertionIds.set(jti, jti, exp);
  return undefined;
}

/** The client that a signed assertion authenticates (RFC 7523, 3), or why it doesn't. */
export function authenticateByAssertion(engine: PublicContext, text: string): StoredClient | ApiError {
  const assertion = parseAssertion(text);
  if (assertion === undefined) return versionedError(engine, "invalid_client", UNVERIFIABLE);
  const { sub } = assertion.claims;
  const client = typeof sub === "string" ? engine.client(sub) : undefined;
  if (client === undefined) return versionedError(engine, "invalid_client");
  const method = authMethodOf(client);
  if (method !== "private_key_jwt") {
    const hint = `This requested OAuth 2.0 client only supports client authentication method "${method}", however "private_key_jwt" was requested.`;
    return versionedError(engine, "invalid_client", hint);
  }
  return badSignature(engine, client, assertion) ?? badClaims(engine, client, assertion) ?? client;
}

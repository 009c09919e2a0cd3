import { Buffer } from "node:buffer";
import { isJsonObject, type JsonObject } from "../../core/json/json.ts";
import { hasPrivateMembers } from "../../core/jwk/jwk-members.ts";
import { unexpectedServerError } from "../api-errors.ts";
import type { StoredClient } from "../client-store.ts";
import { stringMemberOrEmpty } from "../json-members.ts";
import { authMethodOf } from "./client-settings.ts";
import { versionedError } from "./oauth-answers.ts";
import type { PublicContext } from "./public-context.ts";
import { isValidSignature } from "./signing.ts";

/** The value of `client_assertion_type` for a JSON Web Token (RFC 7523, 2.2). */
export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

interface Assertion {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signed: string;
  readonly signature: string;
}

/** The header or the claims of an assertion; undefined if that isn't an object. */
function decodeAssertionPart(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function parseAssertion(text: string): Assertion | undefined {
  const [head = "", body = "", signature, ...more] = text.split(".");
  const header = decodeAssertionPart(head);
  const claims = decodeAssertionPart(body);
  if (header === undefined || claims === undefined || signature === undefined || more.length > 0) return undefined;
  return { header, claims, signed: `${head}.${body}`, signature };
}

/** The registered key that an assertion must be signed with: the first that fits. */
function requireAssertionKey(engine: PublicContext, client: StoredClient, kid: unknown, kty: "RSA" | "EC"): JsonObject {
  const set = client.view["jwks"];
  const all = isJsonObject(set) && Array.isArray(set["keys"]) ? set["keys"].filter(isJsonObject) : [];
  const isNamed = typeof kid === "string" && kid !== "";
  if (!isNamed && engine.traits.lenientAssertions) {
    throw versionedError(engine, "invalid_request", "The JSON Web Token must contain a kid header value but did not.");
  }
  const name = isNamed ? kid : "";
  const named = isNamed ? all.filter((key) => key["kid"] === kid) : all;
  if (named.length === 0) {
    const hint = `The JSON Web Token uses signing key with kid "${name}", which could not be found.`;
    throw versionedError(engine, "invalid_request", hint);
  }
  const isExpected = (key: JsonObject): boolean =>
    key["use"] === "sig" && key["kty"] === kty && !hasPrivateMembers(key);
  const kind = kty === "RSA" ? "RSA" : "ECDSA";
  const hint = `Unable to find ${kind} public key with use="sig" for kid "${name}" in JSON Web Key Set.`;
  const key = named.find(isExpected);
  if (key === undefined) throw versionedError(engine, "invalid_request", hint);
  return key;
}

const UNVERIFIABLE = 'Unable to verify the integrity of the "client_assertion" value.';

function requireValidSignature(engine: PublicContext, client: StoredClient, assertion: Assertion): void {
  const { header } = assertion;
  const alg = typeof header["alg"] === "string" ? header["alg"] : "";
  const enforced = stringMemberOrEmpty(client.view, "token_endpoint_auth_signing_alg") || "RS256";
  if (alg !== enforced) {
    const hint = `The "client_assertion" uses signing algorithm "${alg}" but the requested OAuth 2.0 Client enforces signing algorithm "${enforced}".`;
    throw versionedError(engine, "invalid_client", hint);
  }
  if (!/^(?:RS|PS|ES)(?:256|384|512)$/.test(alg)) {
    const hint = `The "client_assertion" request parameter uses unsupported signing algorithm "${alg}".`;
    throw versionedError(engine, "invalid_client", hint);
  }
  const kty = alg.startsWith("ES") ? "EC" : "RSA";
  const key = requireAssertionKey(engine, client, header["kid"], kty);
  if (isValidSignature(assertion.signed, assertion.signature, alg, { ...key, kty })) return;
  if (engine.traits.lenientAssertions) throw unexpectedServerError(engine.behaviour);
  throw versionedError(engine, "invalid_client", UNVERIFIABLE);
}

/** Whether an assertion has expired, or is from the future. */
function isExpiredOrNotYetValid({ exp, nbf, iat }: JsonObject, now: number): boolean {
  const isLater = (time: unknown): boolean => typeof time === "number" && time > now;
  return (typeof exp === "number" && exp < now) || isLater(nbf) || isLater(iat);
}

/** Remembers the `jti` of an assertion as used, and throws if its claims are wrong. */
function useJtiAndRequireValidClaims(engine: PublicContext, client: StoredClient, { claims }: Assertion): void {
  const { exp, aud, jti } = claims;
  const invalid = (hint: string): Error => versionedError(engine, "invalid_client", hint);
  const other = ["iss", "sub"].find((name) => claims[name] !== client.id);
  if (other !== undefined) {
    throw invalid(`Claim "${other}" from "client_assertion" must match the "client_id" of the OAuth 2.0 Client.`);
  }
  if (typeof jti !== "string" || jti === "")
    throw invalid(`Claim "jti" from "client_assertion" must be set but is not.`);
  if (engine.assertionIds.has(jti)) {
    throw versionedError(engine, "jti_known", `Claim "jti" from "client_assertion" MUST only be used once.`);
  }
  if (typeof exp !== "number") {
    throw invalid(
      "Unable to type assert the expiry time from claims. This should not happen as we validate the expiry time already earlier with token.Claims.Valid()",
    );
  }
  // The identifier counts as used even if the audience is wrong.
  engine.assertionIds.set(jti, jti, exp);
  const endpoint = `${engine.publicUrl()}/oauth2/token`;
  if (aud === endpoint || (Array.isArray(aud) && aud.includes(endpoint))) return;
  throw invalid(
    `Claim "audience" from "client_assertion" must match the authorization server's token endpoint "${endpoint}".`,
  );
}

/** Why a client can't authenticate with an assertion, or undefined. */
function findAssertionMethodFault(method: string): string | undefined {
  if (method === "private_key_jwt") return undefined;
  const supported =
    method === "none"
      ? "does not support client authentication"
      : `only supports client authentication method "${method}"`;
  return `This requested OAuth 2.0 client ${supported}, however "client_assertion" was provided in the request.`;
}

/** The client that a signed assertion authenticates (RFC 7523, 3). */
export function authenticateByAssertion(engine: PublicContext, form: URLSearchParams): StoredClient {
  const text = form.get("client_assertion") ?? "";
  if (text === "") {
    const hint = `The client_assertion request parameter must be set when using client_assertion_type of "${ASSERTION_TYPE}".`;
    throw versionedError(engine, "invalid_request", hint);
  }
  const assertion = parseAssertion(text);
  if (assertion === undefined) throw versionedError(engine, "invalid_client", UNVERIFIABLE);
  const { sub } = assertion.claims;
  const id = form.get("client_id") || sub;
  if (typeof id !== "string") {
    const hint = 'The claim "sub" from the client_assertion JSON Web Token is undefined.';
    throw versionedError(engine, "invalid_client", hint);
  }
  const client = engine.client(id);
  if (client === undefined) throw versionedError(engine, "invalid_client");
  const fault = findAssertionMethodFault(authMethodOf(client));
  if (fault !== undefined) throw versionedError(engine, "invalid_client", fault);
  requireValidSignature(engine, client, assertion);
  if (isExpiredOrNotYetValid(assertion.claims, engine.now())) throw unexpectedServerError(engine.behaviour);
  useJtiAndRequireValidClaims(engine, client, assertion);
  return client;
}

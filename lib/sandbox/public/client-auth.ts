import { Buffer } from "node:buffer";
import { detailsOrRethrow, UNSPECIFIC_HINT } from "../api-errors.ts";
import type { StoredClient } from "../client-store.ts";
import { ASSERTION_TYPE, authenticateByAssertion } from "./assertion.ts";
import { authMethodOf } from "./client-settings.ts";
import { versionedError } from "./oauth-answers.ts";
import type { PublicContext } from "./public-context.ts";

/** An ID and a secret, of Basic credentials or of a form; the secret may be empty. */
interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/** Decodes a form-encoded value; throws if it isn't one. */
function decodeFormValue(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

/** Basic credentials, whose parts are form-encoded (RFC 6749, 2.3.1). */
function parseBasicCredentials(authorization: string): Credentials | "undecodable" | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, "base64").toString();
  const colon = pair.indexOf(":");
  if (colon === -1) return undefined;
  try {
    return { id: decodeFormValue(pair.slice(0, colon)), secret: decodeFormValue(pair.slice(colon + 1)) };
  } catch {
    return "undecodable";
  }
}

/** The method that a request uses and its client isn't registered with, or undefined; a wrong secret shows later. */
function findUnregisteredAuthMethod(
  { traits }: PublicContext,
  registered: string,
  posted: Credentials,
  basic: Credentials | undefined,
): string | undefined {
  if (posted.id !== "" && posted.secret !== "" && registered !== "client_secret_post") return "client_secret_post";
  const isBasic = basic !== undefined && (basic.secret !== "" || traits.refusesEmptyBasicSecret);
  return isBasic && registered !== "client_secret_basic" ? "client_secret_basic" : undefined;
}

/** The client that an ID and a secret authenticate (RFC 6749, 2.3.1). */
function authenticateBySecret(engine: PublicContext, form: URLSearchParams, authorization: string): StoredClient {
  const basic = parseBasicCredentials(authorization);
  if (basic === "undecodable") {
    const hint =
      'The client credentials in the HTTP authorization header could not be decoded from "application/x-www-form-urlencoded".';
    throw versionedError(engine, "invalid_request", hint);
  }
  const posted = { id: form.get("client_id") ?? "", secret: form.get("client_secret") ?? "" };
  const { id, secret } = basic ?? posted;
  if (basic === undefined && id === "") {
    const hint = "Client credentials missing or malformed in both HTTP Authorization header and HTTP POST body.";
    throw versionedError(engine, "invalid_request", hint);
  }
  const client = engine.client(id);
  if (client === undefined) throw versionedError(engine, "invalid_client");
  const registered = authMethodOf(client);
  const method = findUnregisteredAuthMethod(engine, registered, posted, basic);
  if (method !== undefined) {
    const hint = `The OAuth 2.0 Client supports client authentication method "${registered}", but method "${method}" was requested. You must configure the OAuth 2.0 client's "token_endpoint_auth_method" value to accept "${method}".`;
    throw versionedError(engine, "invalid_client", hint);
  }
  if (registered === "none") return client;
  if (registered !== "private_key_jwt" && client.secrets.includes(secret)) return client;
  throw versionedError(engine, "invalid_client");
}

/** The client that a request authenticates as (RFC 6749, 2.3). */
export function authenticateClient(engine: PublicContext, form: URLSearchParams, authorization: string): StoredClient {
  const assertionType = form.get("client_assertion_type") ?? "";
  if (assertionType === ASSERTION_TYPE) return authenticateByAssertion(engine, form);
  if (assertionType === "") return authenticateBySecret(engine, form, authorization);
  throw versionedError(engine, "invalid_request", `Unknown client_assertion_type "${assertionType}".`);
}

/**
 * The same at the revocation endpoint, which doesn't explain itself. Undefined for errors that it doesn't know, which count
 * as success there: Hydra 1.8 accepts assertions with a wrong signature, and all versions accept an assertion that was used before.
 */
export function authenticateForRevocation(
  engine: PublicContext,
  form: URLSearchParams,
  authorization: string,
): StoredClient | undefined {
  try {
    return authenticateClient(engine, form, authorization);
  } catch (failure) {
    const { error } = detailsOrRethrow(failure);
    if (error === "invalid_request") throw versionedError(engine, "invalid_request", UNSPECIFIC_HINT);
    if (error === "invalid_client") throw versionedError(engine, "invalid_client");
    return undefined;
  }
}

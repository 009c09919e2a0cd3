import { Buffer } from "node:buffer";
import { type ApiError, isApiError } from "../api-errors.ts";
import type { StoredClient } from "../client-store.ts";
import { authenticateByAssertion } from "./assertion.ts";
import { authMethodOf } from "./client-settings.ts";
import { UNSPECIFIC_HINT } from "./oauth-answers.ts";
import { type PublicContext, versionedError } from "./public-context.ts";

/** How a request authenticates its client. */
interface Presented {
  readonly method: "client_secret_basic" | "client_secret_post" | "none";
  readonly id: string;
  readonly secret: string;
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

/** Basic credentials, whose parts are form-encoded (RFC 6749, 2.3.1). */
function basicCredentials(authorization: string): Presented | "malformed" | undefined {
  const encoded = /^basic +(\S+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, "base64").toString();
  const colon = pair.indexOf(":");
  if (colon === -1) return "malformed";
  try {
    const [id, secret] = [formDecoded(pair.slice(0, colon)), formDecoded(pair.slice(colon + 1))];
    return { method: "client_secret_basic", id, secret };
  } catch {
    return "malformed";
  }
}

function presentedIn(form: URLSearchParams, authorization: string): Presented | undefined {
  const basic = basicCredentials(authorization);
  if (basic !== undefined) return basic === "malformed" ? undefined : basic;
  const id = form.get("client_id") ?? "";
  const secret = form.get("client_secret") ?? "";
  if (id === "") return undefined;
  return { method: secret === "" ? "none" : "client_secret_post", id, secret };
}

/** Whether the method that a request uses is the one that the client is registered with; a missing secret shows later. */
function otherMethod(engine: PublicContext, { method }: Presented, registered: string): ApiError | undefined {
  const matches = method === registered || (method === "none" && registered !== "none");
  if (matches) return undefined;
  return versionedError(
    engine,
    "invalid_client",
    `The OAuth 2.0 Client supports client authentication method "${registered}", but method "${method}" was requested. You must configure the OAuth 2.0 client's "token_endpoint_auth_method" value to accept "${method}".`,
  );
}

/** The client that a request authenticates as, or why it doesn't (RFC 6749, 2.3). */
export function authenticateClient(
  engine: PublicContext,
  form: URLSearchParams,
  authorization: string,
): StoredClient | ApiError {
  if (form.get("client_assertion_type") === ASSERTION_TYPE)
    return authenticateByAssertion(engine, form.get("client_assertion") ?? "");
  const presented = presentedIn(form, authorization);
  if (presented === undefined) {
    const hint = "Client credentials missing or malformed in both HTTP Authorization header and HTTP POST body.";
    return versionedError(engine, "invalid_request", hint);
  }
  const client = engine.client(presented.id);
  if (client === undefined) return versionedError(engine, "invalid_client");
  const registered = authMethodOf(client);
  const refusal = otherMethod(engine, presented, registered);
  if (refusal !== undefined) return refusal;
  if (registered === "none") return client;
  const isSecret = registered !== "private_key_jwt" && client.secrets.includes(presented.secret);
  return isSecret ? client : versionedError(engine, "invalid_client");
}

/**
 * The same at the revocation endpoint, which doesn't explain itself. Errors that it doesn't know count as success there:
 * Hydra 1.8 accepts assertions with a wrong signature, and all versions accept an assertion that was used before.
 */
export function authenticateForRevocation(
  engine: PublicContext,
  form: URLSearchParams,
  authorization: string,
): StoredClient | ApiError | "ignored" {
  const client = authenticateClient(engine, form, authorization);
  if (!isApiError(client)) return client;
  if (client.error === "invalid_request") return versionedError(engine, "invalid_request", UNSPECIFIC_HINT);
  return client.error === "invalid_client" ? versionedError(engine, "invalid_client") : "ignored";
}

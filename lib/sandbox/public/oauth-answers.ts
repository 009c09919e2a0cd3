import {
  ApiError,
  type ApiErrorDetails,
  detailsOrRethrow,
  errorMembers,
  INVALID_REQUEST_DESCRIPTION,
} from "../api-errors.ts";
import type { Answer } from "../response.ts";
import type { Behaviour } from "../versions.ts";
import { parseFormBody, type RequestWithHeaders } from "./requests-and-pages.ts";

/** Status and description of each OAuth 2.0 error (RFC 6749, 5.2), without the period that later versions add. */
const ERRORS = {
  access_denied: [403, "The resource owner or authorization server denied the request"],
  authorization_pending: [
    400,
    "The authorization request is still pending as the end user hasn't yet completed the user-interaction steps",
  ],
  expired_token: [
    400,
    "The device_code has expired, and the device authorization session has concluded. The client MAY commence a new device authorization request but SHOULD wait for user interaction before restarting to avoid unnecessary polling",
  ],
  invalid_client: [
    401,
    "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method)",
  ],
  invalid_grant: [
    400,
    "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client",
  ],
  invalid_request: [400, INVALID_REQUEST_DESCRIPTION],
  invalid_scope: [400, "The requested scope is invalid, unknown, or malformed"],
  invalid_state: [400, "The state is missing or does not have enough characters and is therefore considered too weak"],
  jti_known: [400, "The jti was already used"],
  login_required: [400, "The Authorization Server requires End-User authentication"],
  request_forbidden: [403, "The request is not allowed"],
  request_unauthorized: [401, "The request could not be authorized"],
  token_inactive: [401, "Token is inactive because it is malformed, expired or otherwise invalid"],
  unauthorized_client: [400, "The client is not authorized to request a token using this method"],
  unsupported_response_mode: [
    400,
    "The authorization server does not support obtaining a response using this response mode",
  ],
  unsupported_response_type: [400, "The authorization server does not support obtaining a token using this method"],
} as const;

/** An error in the words of a version; hints are written with double quotes, which later versions turn into single ones. */
export function versionedError(
  { behaviour }: { readonly behaviour: Behaviour },
  name: keyof typeof ERRORS,
  hint?: string,
): ApiError {
  const [status, description] = ERRORS[name];
  const end = behaviour.errors === "verbose" ? "" : ".";
  return new ApiError({ status, error: name, description: `${description}${end}`, hint });
}

/** Headers of every answer of the token endpoint (RFC 6749, 5.1). */
export const NO_STORE = { "cache-control": "no-store", pragma: "no-cache" } as const;

const FORM_JSON = "application/json;charset=UTF-8";

/** A successful answer of the OAuth 2.0 endpoints. */
export function oauthSuccessAnswer(value: unknown, headers: Readonly<Record<string, string>> = NO_STORE): Answer {
  return { status: 200, headers: { "content-type": FORM_JSON, ...headers }, body: JSON.stringify(value) };
}

/** An error of the OAuth 2.0 endpoints. */
export function oauthErrorAnswer(behaviour: Behaviour, refusal: ApiErrorDetails): Answer {
  const headers = { "content-type": FORM_JSON, ...NO_STORE };
  return { status: refusal.status, headers, body: JSON.stringify(errorMembers(behaviour, refusal)) };
}

/** A handler of an OAuth 2.0 endpoint that answers with the errors which another one throws. */
export function withOAuthErrorAnswers(
  { behaviour }: { readonly behaviour: Behaviour },
  handler: (request: RequestWithHeaders) => Answer,
): (request: RequestWithHeaders) => Answer {
  return (request) => {
    try {
      return handler(request);
    } catch (error) {
      return oauthErrorAnswer(behaviour, detailsOrRethrow(error));
    }
  };
}

/** The fields of a form body; throws if there are none. */
export function requireFormBody(
  engine: { readonly behaviour: Behaviour },
  request: RequestWithHeaders,
  hint = "The POST body can not be empty.",
): URLSearchParams {
  const form = parseFormBody(request);
  if (form.size === 0) throw versionedError(engine, "invalid_request", hint);
  return form;
}

import type { JsonObject } from "../core/json/json.ts";
import type { Behaviour } from "./versions.ts";

/** What an error of the API says, before it gets the wording and members of a version. */
export interface ApiErrorDetails {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  readonly hint?: string | undefined;
  /** Only reported by 1.8. */
  readonly debug?: string | undefined;
}

/** An error of the API, which handlers throw. */
export class ApiError extends Error {
  readonly details: ApiErrorDetails;
  constructor(details: ApiErrorDetails) {
    super(details.error);
    this.details = details;
  }
}

/** What an error that was caught says; throws any other error again. */
export function detailsOrRethrow(error: unknown): ApiErrorDetails {
  if (error instanceof ApiError) return error.details;
  throw error;
}

/** The description of `invalid_request` (RFC 6749, 5.2), without the period that later versions add. */
export const INVALID_REQUEST_DESCRIPTION =
  "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed";

const METADATA_ERROR_DESCRIPTIONS: Readonly<Record<Behaviour["wording"]["metadataError"], string>> = {
  invalid_request: INVALID_REQUEST_DESCRIPTION,
  invalid_client_metadata:
    "The value of one of the Client Metadata fields is invalid and the server has rejected this request. Note that an Authorization Server MAY choose to substitute a valid value for any requested parameter of a Client's Metadata.",
};

/** What a server adds to `invalid_request` when it has nothing more specific to say. */
export const UNSPECIFIC_HINT =
  "Make sure that the various parameters are correct, be aware of case sensitivity and trim your parameters. Make sure that the client you are using has exactly whitelisted the redirect_uri you specified.";

/** A field breaks a rule (RFC 7591 section 3.2.2, `invalid_client_metadata`). */
export function invalidMetadataError({ wording }: Behaviour, hint?: string, debug?: string): ApiError {
  const error = wording.metadataError;
  const shownHint = hint ?? (error === "invalid_request" ? UNSPECIFIC_HINT : undefined);
  return new ApiError({ status: 400, error, description: METADATA_ERROR_DESCRIPTIONS[error], hint: shownHint, debug });
}

/** A redirect URI breaks a rule (RFC 7591 section 3.2.2, `invalid_redirect_uri`); 1.8 has no such error. */
export function invalidRedirectMetadataError(behaviour: Behaviour, hint: string): ApiError {
  if (behaviour.wording.metadataError === "invalid_request") return invalidMetadataError(behaviour, hint);
  return new ApiError({
    status: 400,
    error: "invalid_redirect_uri",
    description: "The value of one or more redirect_uris is invalid.",
    hint,
  });
}

/** An invalid request, with the reason. */
export function malformedRequestError(reason: string): ApiError {
  return new ApiError({
    status: 400,
    error: "The request was malformed or contained invalid parameters",
    description: reason,
  });
}

/** An error that the server did not expect; only 1.8 reports the reason, if there is one. */
export function unexpectedServerError({ errors }: Behaviour, reason?: string): ApiError {
  const error = { status: 500, error: "error", description: "The error is unrecognizable" };
  if (errors !== "verbose") return new ApiError(error);
  return new ApiError({ ...error, description: `${error.description}.`, debug: reason });
}

/** A body that cannot be decoded. */
export function undecodableBodyError(
  behaviour: Behaviour,
  report: Behaviour["badCreateBody"],
  reason: string,
): ApiError {
  return report === "explained"
    ? malformedRequestError(`Unable to decode the request body: ${reason}`)
    : unexpectedServerError(behaviour, reason);
}

/** A resource other than a client that doesn't exist, in the words of a version. */
export function noSuchResourceError({ errors }: Behaviour): ApiError {
  const verb = errors === "verbose" ? "located" : "locate";
  return new ApiError({ status: 404, error: "Not Found", description: `Unable to ${verb} the requested resource` });
}

export const NOT_FOUND = new ApiError({ status: 404, error: "Unable to locate the resource", description: "" });

export const CONFLICT = new ApiError({
  status: 409,
  error: "Unable to insert or update resource because a resource with that value exists already",
  description: "",
});

export const UNKNOWN_OR_UNAUTHORIZED = new ApiError({
  status: 401,
  error: "The request could not be authorized",
  description: "The requested OAuth 2.0 client does not exist or you did not provide the necessary credentials",
});

/** The members of an error body in a version. */
export function errorMembers({ errors }: Behaviour, details: ApiErrorDetails): JsonObject {
  const { error, description, hint, debug, status } = details;
  if (errors === "verbose") {
    return {
      error,
      error_verbose: description,
      error_description: [description, hint, debug].filter((part) => part !== undefined && part !== "").join("\n\n"),
      error_hint: hint,
      status_code: status,
      error_debug: debug,
    };
  }
  const text = hint === undefined ? description : `${description} ${hint}`;
  return { error, error_description: text.replaceAll('"', "'") };
}

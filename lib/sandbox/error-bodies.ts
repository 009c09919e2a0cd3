import type { JsonObject } from "../core/json.ts";
import type { Behaviour } from "./versions.ts";

/** An error as a server tells it, before it is put into the words and members of its version. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  readonly hint?: string;
  /** Told by 1.8 alone. */
  readonly debug?: string;
}

/** Whether a result is a refusal. */
export function isRefusal(value: object): value is Refusal {
  return "status" in value && "error" in value && "description" in value;
}

const METADATA: Readonly<Record<Behaviour["wording"]["metadataError"], string>> = {
  invalid_request:
    "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed",
  invalid_client_metadata:
    "The value of one of the Client Metadata fields is invalid and the server has rejected this request. Note that an Authorization Server MAY choose to substitute a valid value for any requested parameter of a Client's Metadata.",
};

/** What 1.8 adds where a rule says nothing by itself. */
const HINT =
  "Make sure that the various parameters are correct, be aware of case sensitivity and trim your parameters. Make sure that the client you are using has exactly whitelisted the redirect_uri you specified.";

/** A field breaks a rule (RFC 7591 section 3.2.2, `invalid_client_metadata`). */
export function badMetadata({ wording }: Behaviour, hint?: string, debug?: string): Refusal {
  const error = wording.metadataError;
  const told = hint ?? (error === "invalid_request" ? HINT : undefined);
  return {
    status: 400,
    error,
    description: METADATA[error],
    ...(told === undefined ? {} : { hint: told }),
    ...(debug === undefined ? {} : { debug }),
  };
}

/** A redirect address breaks a rule (RFC 7591 section 3.2.2, `invalid_redirect_uri`); 1.8 has no error of its own for it. */
export function badRedirect(behaviour: Behaviour, hint: string): Refusal {
  if (behaviour.wording.metadataError === "invalid_request") return badMetadata(behaviour, hint);
  return {
    status: 400,
    error: "invalid_redirect_uri",
    description: "The value of one or more redirect_uris is invalid.",
    hint,
  };
}

/** A request that does not fit, told with the reason. */
export function malformed(reason: string): Refusal {
  return {
    status: 400,
    error: "The request was malformed or contained invalid parameters",
    description: reason,
  };
}

/** What a server says when it did not foresee an error; 1.8 tells the reason all the same. */
export function unforeseen({ errors }: Behaviour, reason: string): Refusal {
  return errors === "verbose"
    ? { status: 500, error: "error", description: "The error is unrecognizable.", debug: reason }
    : { status: 500, error: "error", description: "The error is unrecognizable" };
}

/** A body that cannot be read as what it should be. */
export function misfit(behaviour: Behaviour, told: Behaviour["createMisfit"], reason: string): Refusal {
  return told === "explained"
    ? malformed(`Unable to decode the request body: ${reason}`)
    : unforeseen(behaviour, reason);
}

export const NOT_FOUND: Refusal = { status: 404, error: "Unable to locate the resource", description: "" };

export const CONFLICT: Refusal = {
  status: 409,
  error: "Unable to insert or update resource because a resource with that value exists already",
  description: "",
};

export const UNKNOWN_OR_UNAUTHORISED: Refusal = {
  status: 401,
  error: "The request could not be authorized",
  description: "The requested OAuth 2.0 client does not exist or you did not provide the necessary credentials",
};

/** The members of an error body, as the version writes them. */
export function refusalBody({ errors }: Behaviour, refusal: Refusal): JsonObject {
  const { error, description, hint, debug, status } = refusal;
  if (errors === "verbose") {
    return {
      error,
      error_verbose: description,
      error_description: [description, hint, debug].filter((part) => part !== undefined && part !== "").join("\n\n"),
      ...(hint === undefined ? {} : { error_hint: hint }),
      status_code: status,
      ...(debug === undefined ? {} : { error_debug: debug }),
    };
  }
  const text = hint === undefined ? description : `${description} ${hint}`;
  return { error, error_description: text.replaceAll('"', "'") };
}

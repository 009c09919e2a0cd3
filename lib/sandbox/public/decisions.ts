import { isJsonObject, type JsonObject } from "../../core/json/json.ts";
import { type ApiError, malformedRequestError, unexpectedServerError } from "../api-errors.ts";
import { parseFirstJson } from "../decode-body.ts";
import { listIn, textIn } from "../members.ts";
import type { ConsentDecision, FlowRefusal, LoginDecision } from "./flows.ts";
import { versionedError } from "./oauth-answers.ts";
import type { PublicContext } from "./public-context.ts";

function object(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The object of a request body, or why there is none. */
export function parseObjectBody(body: string): JsonObject | ApiError {
  const parsed = parseFirstJson(body === "" ? "{}" : body);
  if ("fault" in parsed) return malformedRequestError(`Unable to decode the request body: ${parsed.fault}`);
  return isJsonObject(parsed.value)
    ? parsed.value
    : malformedRequestError("Unable to decode the request body: not an object");
}

/** Reads what a login application accepts. */
export function readLoginDecision(engine: PublicContext, body: JsonObject): LoginDecision | ApiError {
  const subject = textIn(body, "subject");
  if (subject === "") {
    return engine.behaviour.errors === "verbose"
      ? unexpectedServerError(engine.behaviour, "Subject from payload can not be empty")
      : versionedError(engine, "invalid_request", 'Field "subject" must not be empty.');
  }
  const at = Math.floor(engine.now());
  return { subject, acr: textIn(body, "acr"), amr: listIn(body, "amr"), context: body["context"] ?? null, at };
}

/** Reads what a consent application accepts. */
export function readConsentDecision(body: JsonObject): ConsentDecision {
  const session = object(body["session"]);
  return {
    scopes: listIn(body, "grant_scope"),
    audience: listIn(body, "grant_access_token_audience"),
    accessTokenClaims: object(session["access_token"]),
    idTokenClaims: object(session["id_token"]),
  };
}

/** Reads why a login or consent application rejects. */
export function readRefusal(body: JsonObject): FlowRefusal {
  const hint = textIn(body, "error_hint");
  const description = textIn(body, "error_description");
  return {
    error: textIn(body, "error") || "request_denied",
    description: hint === "" ? description : `${description} ${hint}`,
  };
}

import { isJsonObject, type JsonObject } from "../../core/json/json.ts";
import { malformedRequestError, unexpectedServerError } from "../api-errors.ts";
import { parseFirstJson } from "../decode-body.ts";
import { InputFault } from "../input-fault.ts";
import { stringListMemberOrEmpty, stringMemberOrEmpty } from "../json-members.ts";
import type { AcceptedConsent, AcceptedLogin, FlowRefusal } from "./flows.ts";
import { versionedError } from "./oauth-answers.ts";
import type { PublicContext } from "./public-context.ts";

/** An object as it is, and an empty one for any other value. */
function jsonObjectOrEmpty(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The object of a request body. */
export function parseObjectBody(body: string): JsonObject {
  try {
    const value = parseFirstJson(body === "" ? "{}" : body);
    if (isJsonObject(value)) return value;
    throw new InputFault("not an object");
  } catch (error) {
    throw error instanceof InputFault
      ? malformedRequestError(`Unable to decode the request body: ${error.message}`)
      : error;
  }
}

/** Reads what a login application accepts. */
export function readLoginDecision(engine: PublicContext, body: JsonObject): AcceptedLogin {
  const subject = stringMemberOrEmpty(body, "subject");
  if (subject === "") {
    throw engine.behaviour.errors === "verbose"
      ? unexpectedServerError(engine.behaviour, "Subject from payload can not be empty")
      : versionedError(engine, "invalid_request", 'Field "subject" must not be empty.');
  }
  const at = Math.floor(engine.now());
  return {
    subject,
    acr: stringMemberOrEmpty(body, "acr"),
    amr: stringListMemberOrEmpty(body, "amr"),
    context: body["context"] ?? null,
    at,
  };
}

/** Reads what a consent application accepts. */
export function readConsentDecision(body: JsonObject): AcceptedConsent {
  const session = jsonObjectOrEmpty(body["session"]);
  return {
    scopes: stringListMemberOrEmpty(body, "grant_scope"),
    audience: stringListMemberOrEmpty(body, "grant_access_token_audience"),
    accessTokenClaims: jsonObjectOrEmpty(session["access_token"]),
    idTokenClaims: jsonObjectOrEmpty(session["id_token"]),
  };
}

/** Reads why a login or consent application rejects. */
export function readRefusal(body: JsonObject): FlowRefusal {
  const hint = stringMemberOrEmpty(body, "error_hint");
  const description = stringMemberOrEmpty(body, "error_description");
  return {
    error: stringMemberOrEmpty(body, "error") || "request_denied",
    description: hint === "" ? description : `${description} ${hint}`,
  };
}

import { parseBody } from "../decode.ts";
import { malformed, type Refusal, unforeseen } from "../error-bodies.ts";
import { isObject, isTextList, type JsonObject } from "../json-value.ts";
import { type Engine, rejected } from "./engine.ts";
import type { ConsentDecision, Declined, LoginDecision } from "./flows.ts";

function text(body: JsonObject, name: string): string {
  const value = body[name];
  return typeof value === "string" ? value : "";
}

function list(body: JsonObject, name: string): readonly string[] {
  const value = body[name];
  return isTextList(value) ? value : [];
}

function object(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The object of a request body, or why there is none. */
export function objectBody(body: string): JsonObject | Refusal {
  const parsed = parseBody(body === "" ? "{}" : body);
  if ("misfit" in parsed) return malformed(`Unable to decode the request body: ${parsed.misfit}`);
  return isObject(parsed.value) ? parsed.value : malformed("Unable to decode the request body: not an object");
}

/** Reads what a login application accepts. */
export function loginDecision(engine: Engine, body: JsonObject): LoginDecision | Refusal {
  const subject = text(body, "subject");
  if (subject === "") {
    return engine.behaviour.errors === "verbose"
      ? unforeseen(engine.behaviour, "Subject from payload can not be empty")
      : rejected(engine, "invalid_request", 'Field "subject" must not be empty.');
  }
  const at = Math.floor(engine.now());
  return { subject, acr: text(body, "acr"), amr: list(body, "amr"), context: body["context"] ?? null, at };
}

/** Reads what a consent application accepts. */
export function consentDecision(body: JsonObject): ConsentDecision {
  const session = object(body["session"]);
  return {
    scopes: list(body, "grant_scope"),
    audience: list(body, "grant_access_token_audience"),
    accessTokenClaims: object(session["access_token"]),
    idTokenClaims: object(session["id_token"]),
  };
}

/** Reads why a login or consent application rejects. */
export function declined(body: JsonObject): Declined {
  const hint = text(body, "error_hint");
  const description = text(body, "error_description");
  return {
    error: text(body, "error") || "request_denied",
    description: hint === "" ? description : `${description} ${hint}`,
  };
}

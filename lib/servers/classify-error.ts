import { parseJson, textField } from "../core/client/client.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { trimmedEnd } from "../core/text.ts";
import type { Answer, ServerError, ServerFamily } from "./family.ts";

/** Sentences that servers put before the reason itself; they say nothing about the request at hand. */
const BOILERPLATE = [
  /^The value of one of the Client Metadata fields is invalid and the server has rejected this request\.\s*(Note that an Authorization Server MAY choose to substitute a valid value for any requested parameter of a Client's Metadata\.)?\s*/,
  /^The value of one or more redirect_uris is invalid\.\s*/,
  /^The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed\.?\s*/,
  /^The request was malformed or contained invalid parameters\.?\s*/,
];

/** The error texts of a body in any of the shapes that the servers use, or undefined for a body that is none of theirs. */
export function errorText(body: unknown): string | undefined {
  if (!isJsonObject(body)) return undefined;
  const { error } = body;
  if (typeof error === "string") return sentences(error, detailOf(body));
  return isJsonObject(error) ? sentences(textField(error, "message"), textField(error, "reason")) : undefined;
}

function sentences(...texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text !== "").join(": ");
}

/** What a flat error says beside its name. */
function detailOf(body: JsonObject): string | undefined {
  return textField(body, "error_hint") ?? textField(body, "error_description");
}

/** The reason alone, as a person wants to read it. */
function reasonText(body: unknown): string | undefined {
  const raw =
    isJsonObject(body) && typeof body["error"] === "string" ? detailOf(body) || body["error"] : errorText(body);
  if (raw === undefined) return undefined;
  const stripped = BOILERPLATE.reduce((text, sentence) => text.replace(sentence, ""), raw).trim();
  const reason = trimmedEnd(stripped === "" ? raw : stripped, ". \t\r\n");
  return reason === "" ? undefined : reason;
}

/** The body of an answer as JSON, or undefined when it is none. */
export function jsonOf(text: string): unknown {
  return parseJson(text)?.value;
}

/** What an answer other than success means. */
export function classifyError(
  answer: Answer,
  family: ServerFamily,
  names: "one client" | "the collection",
): ServerError {
  const body = jsonOf(answer.text);
  const reason = reasonText(body);
  const { status } = answer;
  if (status >= 300 && status < 400) return { kind: "moved", reason: undefined };
  if (isMissingRoute(answer, body, names)) return { kind: "missing-route", reason };
  if (names === "one client" && family.isUnknownClient(answer, body)) return { kind: "not-found", reason };
  if (status === 401 || status === 403) return { kind: "unauthorised", reason };
  if (status === 404) return { kind: "not-found", reason };
  if (status === 409) return { kind: "conflict", reason };
  if (status === 400 && /no longer possible to set an OAuth2 Client ID/i.test(reason ?? ""))
    return { kind: "id-refused", reason };
  if (status === 429) return { kind: "busy", reason };
  if (status === 400 || status === 422) return { kind: "invalid", reason };
  return { kind: status >= 500 ? "broken" : "refused", reason };
}

/**
 * Whether an answer says that the path itself is unknown: 404 in words of a router, or of no Hydra at all. A client that
 * does not exist has its own words in every version.
 */
function isMissingRoute(answer: Answer, body: unknown, names: "one client" | "the collection"): boolean {
  if (answer.status === 405) return names === "the collection";
  if (answer.status !== 404) return false;
  if (names === "the collection") return true;
  const text = errorText(body);
  return text === undefined || /requested route does not exist|^Error 404/i.test(text);
}

/** Whether a 500 carries the server's own words, which makes it final. */
export function hasOwnError(answer: Answer): boolean {
  return errorText(jsonOf(answer.text)) !== undefined;
}

/** A query with its question mark, values that are undefined left out. */
export function parametersOf(values: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, value);
  return `?${query.toString()}`;
}

/** The parameters of the link with a relation (RFC 8288); its host and path are never looked at. */
export function linkTo(relation: string, header: string): URLSearchParams | undefined {
  const wanted = new RegExp(`rel="?${relation}"?`);
  for (const link of header.split("<").slice(1)) {
    const end = link.indexOf(">");
    const parameters = link.slice(end + 1).trimStart();
    if (end < 0 || !parameters.startsWith(";") || !wanted.test(parameters)) continue;
    const target = link.slice(0, end);
    const question = target.indexOf("?");
    return new URLSearchParams(question < 0 ? "" : target.slice(question + 1));
  }
  return undefined;
}

import { getTextField } from "../core/client/client.ts";
import { isJsonObject, parseJsonOrUndefined } from "../core/json/json.ts";
import { trimCharactersAtEnd } from "../core/text.ts";
import type { ClassifiedError, ItemOrCollection, ServerAnswer, ServerFamily } from "./family.ts";

/** Sentences that servers put before the actual reason; they say nothing about the request. */
const BOILERPLATE = [
  /^The value of one of the Client Metadata fields is invalid and the server has rejected this request\.\s*(Note that an Authorization Server MAY choose to substitute a valid value for any requested parameter of a Client's Metadata\.)?\s*/,
  /^The value of one or more redirect_uris is invalid\.\s*/,
  /^The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed\.?\s*/,
  /^The request was malformed or contained invalid parameters\.?\s*/,
];

/** The error texts of a body in any format that the servers use; undefined for any other body. */
export function findErrorText(body: unknown): string | undefined {
  if (!isJsonObject(body)) return undefined;
  const { error } = body;
  if (typeof error === "string") return joinSentences(error, findErrorDetail(body));
  return isJsonObject(error) ? joinSentences(getTextField(error, "message"), getTextField(error, "reason")) : undefined;
}

function joinSentences(...texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text !== "").join(": ");
}

/** The detail in an error that is a flat object. */
function findErrorDetail(body: Readonly<Record<string, unknown>>): string | undefined {
  return getTextField(body, "error_hint") ?? getTextField(body, "error_description");
}

/** Only the reason, without boilerplate. */
function findErrorReason(body: unknown): string | undefined {
  const raw =
    isJsonObject(body) && typeof body["error"] === "string"
      ? findErrorDetail(body) || body["error"]
      : findErrorText(body);
  if (raw === undefined) return undefined;
  const stripped = BOILERPLATE.reduce((text, sentence) => text.replace(sentence, ""), raw).trim();
  const reason = trimCharactersAtEnd(stripped === "" ? raw : stripped, ". \t\r\n");
  return reason === "" ? undefined : reason;
}

/** The body of a response parsed as JSON, or undefined if it isn't JSON. */
export function parseJsonBody(text: string): unknown {
  return parseJsonOrUndefined(text)?.value;
}

/** The longest plain text that is shown as the reason of an error. */
const LONGEST_PLAIN_REASON = 300;

/** The reason in an error without a JSON body: one short line of plain text, as routers, proxies and Go's servers write it. */
function findPlainTextReason({ contentType, text }: ServerAnswer): string | undefined {
  if (contentType !== "" && !/^text\/plain\b/i.test(contentType)) return undefined;
  const line = text.trim();
  if (line === "" || line.length > LONGEST_PLAIN_REASON || /[\n<\0\ufffd]/.test(line)) return undefined;
  return trimCharactersAtEnd(line, ". ") || undefined;
}

/** What a response other than a success means. */
export function classifyErrorAnswer(
  answer: ServerAnswer,
  family: ServerFamily,
  target: ItemOrCollection,
): ClassifiedError {
  const body = parseJsonBody(answer.text);
  if (answer.status >= 300 && answer.status < 400) return { kind: "moved", reason: undefined };
  const reason = body === undefined ? findPlainTextReason(answer) : findErrorReason(body);
  if (isMissingRoute(answer, body, target)) return { kind: "missing-route", reason };
  if (target === "item" && family.isUnknownClient(answer, body)) return { kind: "not-found", reason };
  return { kind: isConcurrentUpdate(answer) ? "busy" : errorKindForStatus(answer.status, reason), reason };
}

/**
 * Whether the database rolled the request back because of another one at the same time, so that it can be sent again:
 * PostgreSQL and CockroachDB do so (`sqlcon.ErrConcurrentUpdate` of Hydra).
 */
export function isConcurrentUpdate({ status, text }: Pick<ServerAnswer, "status" | "text">): boolean {
  return (
    status === 400 && /\bserialize access due to a concurrent update\b/i.test(findErrorText(parseJsonBody(text)) ?? "")
  );
}

const KINDS: ReadonlyMap<number, ClassifiedError["kind"]> = new Map([
  [400, "invalid"],
  [401, "unauthorised"],
  [403, "unauthorised"],
  [404, "not-found"],
  [409, "conflict"],
  [422, "invalid"],
  [429, "busy"],
]);

function errorKindForStatus(status: number, reason: string | undefined): ClassifiedError["kind"] {
  // Hydra 2.0 and 2.1.
  if (status === 400 && /no longer possible to set an OAuth2 Client ID/i.test(reason ?? "")) return "id-refused";
  return KINDS.get(status) ?? (status >= 500 ? "broken" : "refused");
}

/**
 * Whether the response means that the path itself is unknown: a 404 with a router's message, or one that no Hydra sends.
 * For a client that doesn't exist, every version has a message of its own.
 */
function isMissingRoute(answer: ServerAnswer, body: unknown, target: ItemOrCollection): boolean {
  if (answer.status === 405) return target === "collection";
  if (answer.status !== 404) return false;
  if (target === "collection") return true;
  const text = findErrorText(body);
  return text === undefined || !/\bunable to locate/i.test(text);
}

/** Whether a 500 has an error body of the server itself, which makes it final. */
export function hasErrorBody(answer: ServerAnswer): boolean {
  return findErrorText(parseJsonBody(answer.text)) !== undefined;
}

/** What servers answer to plain http on a port for TLS: those of Go, Tomcat and Jetty as text, nginx and Apache as a page. */
const TLS_PORT_MESSAGE_PATTERN =
  /HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL-enabled|combination of host and port requires TLS/i;

/** Whether a response means that the request should have been sent with TLS. */
export function requiresTls({ status, text }: Pick<ServerAnswer, "status" | "text">): boolean {
  return status === 400 && TLS_PORT_MESSAGE_PATTERN.test(text.slice(0, 4096));
}

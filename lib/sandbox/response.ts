import { type ApiErrorDetails, errorMembers } from "./api-errors.ts";
import type { Behaviour } from "./versions.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const JSON_TYPE = "application/json; charset=utf-8";

const TEXT_TYPE = "text/plain; charset=utf-8";

const HTML_TYPE = "text/html; charset=utf-8";

/** An answer that no cache may keep (RFC 9111 section 5.2.2). */
export function withNoStore(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, "cache-control": "private, no-cache, no-store, must-revalidate" } };
}

const NO_ROUTE = "The requested route does not exist. Make sure you are using the right path, domain, and port.";

/** A value as JSON, with a trailing newline like Go's encoder. */
export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": JSON_TYPE, ...headers }, body: `${JSON.stringify(value)}\n` };
}

export function plainAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": TEXT_TYPE, ...headers }, body };
}

export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers, body: "" };
}

/** An error of the clients endpoints. */
export function errorAnswer(behaviour: Behaviour, error: ApiErrorDetails): Answer {
  const body = `${JSON.stringify(errorMembers(behaviour, error))}\n`;
  return { status: error.status, headers: { "content-type": "application/json" }, body };
}

/** The answer for a route that doesn't exist, in a type that the client accepts. */
function negotiatedNoRouteAnswer(accept: string): Answer {
  if (accept.includes("application/json")) {
    return jsonAnswer(404, { error: { code: 404, message: "Not Found", reason: NO_ROUTE } });
  }
  if (accept.includes("text/plain")) return plainAnswer(404, `Error 404 - ${NO_ROUTE}`);
  const body = `<!DOCTYPE html>\n<html lang="en"><title>404 - Route not found</title><h1>Error 404</h1><p>${NO_ROUTE}</p></html>\n`;
  return { status: 404, headers: { "content-type": HTML_TYPE }, body };
}

/** How each kind of router answers for a route that doesn't exist. */
const MISSING: Readonly<Record<Behaviour["missing"], (accept: string) => Answer>> = {
  "plain-json": () => plainAnswer(404, JSON.stringify({ error: `Error 404 - ${NO_ROUTE}` })),
  negotiated: negotiatedNoRouteAnswer,
  plain: () => plainAnswer(404, "404 page not found\n", { "x-content-type-options": "nosniff" }),
};

/** The route doesn't exist. */
export function noRouteAnswer(kind: Behaviour["missing"], accept: string): Answer {
  return MISSING[kind](accept);
}

/** The route doesn't support the method (RFC 9110 section 15.5.6). */
export function wrongMethodAnswer(allowed: readonly string[]): Answer {
  const headers = { allow: allowed.join(", "), "x-content-type-options": "nosniff" };
  return plainAnswer(405, "Method Not Allowed\n", headers);
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  301: "Moved Permanently",
  307: "Temporary Redirect",
};

/** A redirect like Go's: with a line of HTML only for reads. */
export function goRedirectAnswer(status: 301 | 307, method: string, location: string): Answer {
  if (method !== "GET" && method !== "HEAD") return emptyAnswer(status, { location });
  const shown = location.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&#34;");
  const body = method === "HEAD" ? "" : `<a href="${shown}">${STATUS_TEXT[status]}</a>.\n\n`;
  return { status, headers: { location, "content-type": HTML_TYPE }, body };
}

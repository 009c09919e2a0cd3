import { capitalize, type Problem, usageErrorIf } from "./problem.ts";
import { urlWithoutSecrets } from "./redact.ts";
import { quote } from "./text.ts";

/** A text as an http or https URL; undefined for others. The slashes are required: a URL parser takes `http:host` as well. */
export function parseHttpUrl(text: string): URL | undefined {
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** Host names of this machine (RFC 6761 section 6.3). */
const LOCALHOST_NAME_PATTERN = /^(?:[a-z0-9-]+\.)*localhost\.?$/i;

/** An address of 127.0.0.0/8 as URL parsers return it. */
const LOOPBACK_V4_PATTERN = /^127\.(?:\d{1,3})\.(?:\d{1,3})\.(?:\d{1,3})$/;

/**
 * Whether the host of a URL is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `::1`.
 *
 * `hostname` comes from a URL parser, which has normalized every notation of an IPv4 address to dotted decimal. A name
 * that only starts like an address (`127.example.org`) doesn't count.
 */
export function isLoopbackHost(hostname: string): boolean {
  if (hostname === "[::1]" || hostname === "::1") return true;
  if (LOCALHOST_NAME_PATTERN.test(hostname)) return true;
  return LOOPBACK_V4_PATTERN.test(hostname) && hostname.split(".").every((part) => Number(part) <= 255);
}

/**
 * Whether a key may be fetched from a URL: with https, or with http from this machine, or with http from anywhere if the
 * fingerprint of the key is known (`pinned`).
 */
export function mayFetchPgpKeyFrom(url: URL, pinned: boolean): boolean {
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && (pinned || isLoopbackHost(url.hostname));
}

/** Parts that not every URL may have. */
type UrlPart = "user" | "query" | "fragment";

function urlProblems(name: string, text: string, hint: string, refused: readonly UrlPart[]): readonly Problem[] {
  const url = parseHttpUrl(text.trim());
  const part = /\s/.test(text) ? "space" : refused.find((each) => url !== undefined && hasPart(url, each));
  const reason = part === undefined ? "is not an http or https URL" : `has a ${part}`;
  const message = `${capitalize(name)} ${quote(urlWithoutSecrets(text))} ${reason}`;
  return usageErrorIf(url === undefined || part !== undefined, message, hint, "bad-address");
}

function hasPart({ username, password, search, hash }: URL, part: UrlPart): boolean {
  return { user: username + password, query: search, fragment: hash }[part] !== "";
}

/**
 * What is wrong with the URL of a server's endpoint, such as `--token-url`; `name` is where it came from. It may have a query
 * (RFC 6749, 3.2), but no user: what a client proves itself with goes into the same header.
 */
export function endpointUrlProblems(name: string, text: string): readonly Problem[] {
  return urlProblems(name, text, "write the URL of the endpoint: https://host/oauth2/token", ["user", "fragment"]);
}

/** What is wrong with the public URL of a server, which paths are added to; `name` is where it came from. */
export function publicUrlProblems(name: string, text: string): readonly Problem[] {
  return urlProblems(name, text, "write http://host:4444 or https://host", ["user", "query", "fragment"]);
}

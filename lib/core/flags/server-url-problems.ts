import { capitalize, type Problem, usageErrorIf } from "../problem.ts";
import { urlWithoutSecrets } from "../redact.ts";
import { quote } from "../text.ts";
import { parseHttpUrl } from "../url-checks.ts";

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

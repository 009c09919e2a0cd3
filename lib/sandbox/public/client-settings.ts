import { parseMilliseconds } from "../../core/duration.ts";
import type { StoredClient } from "../client-store.ts";
import { stringListMemberOrEmpty, stringMemberOrEmpty } from "../json-members.ts";

/** Whether a client may use a grant type. */
export function allowsGrant(client: StoredClient, grantType: string): boolean {
  return stringListMemberOrEmpty(client.view, "grant_types").includes(grantType);
}

/** How a client authenticates at the token endpoint. */
export function authMethodOf(client: StoredClient): string {
  return stringMemberOrEmpty(client.view, "token_endpoint_auth_method") || "client_secret_basic";
}

const DEFAULT_TOKEN_LIFESPANS_SECONDS = { access: 3_600, id: 3_600, refresh: 2_592_000 } as const;

/** Grants as the names of lifespan fields spell them. */
export type LifespanGrantName =
  | "authorization_code"
  | "client_credentials"
  | "implicit"
  | "refresh_token"
  | "device_authorization";

/** Seconds that a token of a client is valid for. */
export function lifespanSecondsOf(
  client: StoredClient,
  grant: LifespanGrantName,
  token: keyof typeof DEFAULT_TOKEN_LIFESPANS_SECONDS,
): number {
  const chosen = parseMilliseconds(stringMemberOrEmpty(client.view, `${grant}_grant_${token}_token_lifespan`));
  return chosen === undefined ? DEFAULT_TOKEN_LIFESPANS_SECONDS[token] : chosen / 1000;
}

/** Whether a scope matches a pattern in which `*` matches one part, or at the end all parts that follow. */
function matchesScopePattern(pattern: string, scope: string): boolean {
  const wanted = pattern.split(".");
  const parts = scope.split(".");
  if (wanted.length > parts.length) return false;
  if (wanted.length < parts.length && wanted.at(-1) !== "*") return false;
  return wanted.every((part, i) => (part === "*" ? parts[i] !== "" : part === parts[i]));
}

/** The first requested scope that a client may not have. */
export function findForbiddenScope(client: StoredClient, requested: readonly string[]): string | undefined {
  const allowed = new Set(splitWords(stringMemberOrEmpty(client.view, "scope")));
  const patterns = [...allowed].filter((each) => each.includes("*"));
  return requested.find(
    (scope) =>
      (!allowed.has(scope) || scope.includes("*")) && !patterns.some((each) => matchesScopePattern(each, scope)),
  );
}

/** The paths above one that have one of the lengths. */
function parentPathsWithLengths(path: string, lengths: ReadonlySet<number>): readonly string[] {
  const parents: string[] = [];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    if (lengths.has(at)) parents.push(path.slice(0, at));
  }
  return parents;
}

/** The first requested audience that a client may not have. */
export function findForbiddenAudience(client: StoredClient, requested: readonly string[]): string | undefined {
  const allowed = new Set(stringListMemberOrEmpty(client.view, "audience"));
  const lengths = new Set([...allowed].map(({ length }) => length));
  return requested.find(
    (audience) =>
      !allowed.has(audience) && !parentPathsWithLengths(audience, lengths).some((each) => allowed.has(each)),
  );
}

/** The words of a text that spaces separate, as scopes are written. */
export function splitWords(text: string): readonly string[] {
  return text.split(" ").filter((word) => word !== "");
}

import type { StoredClient } from "../client-store.ts";
import { allowsGrant, findForbiddenAudience, findForbiddenScope, splitWords } from "./client-settings.ts";
import { versionedError } from "./oauth-answers.ts";
import type { PublicContext } from "./public-context.ts";

/** The requested audiences: repeated, or separated by spaces. */
export function audiencesIn(form: URLSearchParams): readonly string[] {
  return form.getAll("audience").flatMap(splitWords);
}

/** Throws unless a client may ask for these scopes and audiences. */
export function requireAllowedScopesAndAudience(
  engine: PublicContext,
  client: StoredClient,
  scopes: readonly string[],
  audience: readonly string[],
): void {
  const scope = findForbiddenScope(client, scopes);
  if (scope !== undefined) {
    throw versionedError(engine, "invalid_scope", `The OAuth 2.0 Client is not allowed to request scope "${scope}".`);
  }
  const other = findForbiddenAudience(client, audience);
  if (other === undefined) return;
  const hint = `Requested audience "${other}" has not been whitelisted by the OAuth 2.0 Client.`;
  throw versionedError(engine, "invalid_request", hint);
}

/** Throws unless a client may use a grant type at the token endpoint. */
export function requireAllowedGrantType(engine: PublicContext, client: StoredClient, grantType: string): void {
  if (allowsGrant(client, grantType)) return;
  const hint = `The OAuth 2.0 Client is not allowed to use authorization grant "${grantType}".`;
  throw versionedError(engine, "unauthorized_client", hint);
}

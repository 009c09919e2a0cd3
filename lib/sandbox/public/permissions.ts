import type { ApiError } from "../api-errors.ts";
import type { StoredClient } from "../client-store.ts";
import { allowsGrant, findForbiddenAudience, findForbiddenScope, splitWords } from "./client-settings.ts";
import { versionedError } from "./oauth-answers.ts";
import type { PublicContext } from "./public-context.ts";

/** The requested audiences: repeated, or separated by spaces. */
export function audiencesIn(form: URLSearchParams): readonly string[] {
  return form.getAll("audience").flatMap(splitWords);
}

/** Why a client may not ask for these scopes and audiences, or undefined. */
export function findScopeOrAudienceError(
  engine: PublicContext,
  client: StoredClient,
  scopes: readonly string[],
  audience: readonly string[],
): ApiError | undefined {
  const scope = findForbiddenScope(client, scopes);
  if (scope !== undefined) {
    return versionedError(engine, "invalid_scope", `The OAuth 2.0 Client is not allowed to request scope "${scope}".`);
  }
  const other = findForbiddenAudience(client, audience);
  if (other === undefined) return undefined;
  const hint = `Requested audience "${other}" has not been whitelisted by the OAuth 2.0 Client.`;
  return versionedError(engine, "invalid_request", hint);
}

/** Why a client may not use a grant type at the token endpoint, or undefined. */
export function findForbiddenGrantTypeError(
  engine: PublicContext,
  client: StoredClient,
  grantType: string,
): ApiError | undefined {
  if (allowsGrant(client, grantType)) return undefined;
  const hint = `The OAuth 2.0 Client is not allowed to use authorization grant "${grantType}".`;
  return versionedError(engine, "unauthorized_client", hint);
}

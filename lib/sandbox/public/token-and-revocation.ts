import { createHash, randomUUID } from "node:crypto";
import { DEVICE_GRANT } from "../../core/client/fields.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { type ApiError, UNSPECIFIC_HINT } from "../api-errors.ts";
import type { StoredClient } from "../client-store.ts";
import type { Answer } from "../response.ts";
import { authenticateClient, authenticateForRevocation } from "./client-auth.ts";
import { authMethodOf, splitWords } from "./client-settings.ts";
import type { DeviceGrantService } from "./device-grant.ts";
import { issueTokens } from "./issue-tokens.ts";
import {
  NO_STORE,
  oauthSuccessAnswer,
  requireFormBody,
  versionedError,
  withOAuthErrorAnswers,
} from "./oauth-answers.ts";
import { audiencesIn, requireAllowedGrantType, requireAllowedScopesAndAudience } from "./permissions.ts";
import type { PublicContext } from "./public-context.ts";
import type { RequestWithHeaders } from "./requests-and-pages.ts";
import type { AuthorizationCode, Grant } from "./token-store.ts";

type GrantHandler = (client: StoredClient, form: URLSearchParams) => JsonObject;

/** The grant type `client_credentials` (RFC 6749, 4.4.2). */
function createClientCredentialsHandler(engine: PublicContext): GrantHandler {
  return (client, form) => {
    const scopes = splitWords(form.get("scope") ?? "");
    const audience = audiencesIn(form);
    requireAllowedScopesAndAudience(engine, client, scopes, audience);
    if (authMethodOf(client) === "none") {
      const hint =
        'The OAuth 2.0 Client is marked as public and is thus not allowed to use authorization grant "client_credentials".';
      throw versionedError(engine, "invalid_grant", hint);
    }
    requireAllowedGrantType(engine, client, "client_credentials");
    const grant = { id: randomUUID(), clientId: client.id, subject: client.id, scopes, audience, user: undefined };
    return issueTokens(engine, { client, grant, by: "client_credentials" });
  };
}

/** What is wrong with a code verifier (RFC 7636, 4.1 and 4.6), or undefined. */
function findCodeVerifierFault({ traits }: PublicContext, challenge: string, verifier: string): string | undefined {
  if (challenge === "" && verifier === "") return undefined;
  if (challenge === "" && traits.unaskedVerifier === "unknown") {
    return "Unable to find initial PKCE data tied to this request";
  }
  if (verifier.length < 43) return "The PKCE code verifier must be at least 43 characters.";
  if (verifier.length > 128) return "The PKCE code verifier can not be longer than 128 characters.";
  if (/[^\w.~-]/.test(verifier)) return traits.verifierCharacters;
  if (createHash("sha256").update(verifier).digest("base64url") === challenge) return undefined;
  return "The PKCE code challenge did not match the code verifier.";
}

/** Throws unless a code can be exchanged (RFC 6749, 4.1.3). */
function requireExchangeable(
  engine: PublicContext,
  code: AuthorizationCode,
  client: StoredClient,
  form: URLSearchParams,
): void {
  if (code.expiresAt <= engine.now()) throw versionedError(engine, "invalid_grant");
  if (code.grant.clientId !== client.id) {
    const hint = "The OAuth 2.0 Client ID from this request does not match the one from the authorize request.";
    throw versionedError(engine, "invalid_grant", hint);
  }
  if (code.redirectUriRequested && form.get("redirect_uri") !== code.redirectUri) {
    const hint = 'The "redirect_uri" from this request does not match the one from the authorize request.';
    throw versionedError(engine, "invalid_grant", hint);
  }
  const fault = findCodeVerifierFault(engine, code.challenge, form.get("code_verifier") ?? "");
  if (fault !== undefined) throw versionedError(engine, "invalid_grant", fault);
}

/** The grant type `authorization_code` (RFC 6749, 4.1.3). */
function createAuthorizationCodeHandler(engine: PublicContext): GrantHandler {
  return (client, form) => {
    requireAllowedGrantType(engine, client, "authorization_code");
    const value = form.get("code") ?? "";
    const used = engine.tokens.usedCode(value);
    if (used !== undefined) {
      // The second sender may be the rightful one, so the first one's tokens end (RFC 6749, 4.1.2).
      engine.tokens.endGrant(used.id);
      throw versionedError(engine, "invalid_grant", "The authorization code has already been used.");
    }
    const code = engine.tokens.code(value);
    if (code === undefined) throw versionedError(engine, "invalid_grant");
    requireExchangeable(engine, code, client, form);
    engine.tokens.useCode(value);
    return issueTokens(engine, { client, grant: code.grant, by: "authorization_code" });
  };
}

/** The error for a refresh token that was exchanged or revoked before; all tokens of its grant end, except on 1.8. */
function handleRefreshTokenReuse(engine: PublicContext, grant: Grant): ApiError {
  const { refreshReuse } = engine.traits;
  if (refreshReuse === "plain") return versionedError(engine, "invalid_grant");
  engine.tokens.endGrant(grant.id);
  return refreshReuse === "inactive"
    ? versionedError(engine, "token_inactive", "Token validation failed.")
    : versionedError(engine, "invalid_grant", "The refresh token was already used.");
}

/** The grant type `refresh_token` (RFC 6749, 6). */
function createRefreshTokenHandler(engine: PublicContext): GrantHandler {
  return (client, form) => {
    requireAllowedGrantType(engine, client, "refresh_token");
    const value = form.get("refresh_token") ?? "";
    const reused = engine.tokens.usedRefresh(value);
    if (reused !== undefined) throw handleRefreshTokenReuse(engine, reused);
    const token = engine.tokens.active(value);
    if (token === undefined || token.use !== "refresh_token") {
      const isExplained = engine.traits.refreshReuse === "explained";
      const hint = "The refresh token is malformed or not valid.";
      throw versionedError(engine, "invalid_grant", isExplained ? hint : undefined);
    }
    if (token.grant.clientId !== client.id) {
      const hint = "The OAuth 2.0 Client ID from this request does not match the ID during the initial token issuance.";
      throw versionedError(engine, "invalid_grant", hint);
    }
    // The client may have lost some of them since the login.
    requireAllowedScopesAndAudience(engine, client, token.grant.scopes, token.grant.audience);
    engine.tokens.endGrant(token.grant.id);
    return issueTokens(engine, { client, grant: token.grant, by: "refresh_token" });
  };
}

/** The token endpoint (RFC 6749, 3.2). */
export function createTokenEndpoint(
  engine: PublicContext,
  devices: Pick<DeviceGrantService, "exchange">,
): (request: RequestWithHeaders) => Answer {
  const grants = new Map<string, GrantHandler>([
    ["client_credentials", createClientCredentialsHandler(engine)],
    ["authorization_code", createAuthorizationCodeHandler(engine)],
    ["refresh_token", createRefreshTokenHandler(engine)],
  ]);
  if (engine.traits.device) grants.set(DEVICE_GRANT, (client, form) => devices.exchange(client, form));

  return withOAuthErrorAnswers(engine, (request) => {
    const form = requireFormBody(engine, request);
    const grantType = form.get("grant_type") ?? "";
    if (grantType === "") throw versionedError(engine, "invalid_request", engine.traits.grantTypeMissing);
    const client = authenticateClient(engine, form, request.authorization);
    const handler = grants.get(grantType);
    if (handler === undefined) throw versionedError(engine, "invalid_request", UNSPECIFIC_HINT);
    return oauthSuccessAnswer(handler(client, form));
  });
}

/** The revocation endpoint (RFC 7009): a token of another client, or none at all, is answered with success too. */
export function createRevocationEndpoint(engine: PublicContext): (request: RequestWithHeaders) => Answer {
  return withOAuthErrorAnswers(engine, (request) => {
    const form = requireFormBody(engine, request, UNSPECIFIC_HINT);
    const client = authenticateForRevocation(engine, form, request.authorization);
    const token = engine.tokens.active(form.get("token") ?? "");
    if (token !== undefined && token.grant.clientId === client?.id) engine.tokens.endGrant(token.grant.id);
    return { status: 200, headers: NO_STORE, body: "" };
  });
}

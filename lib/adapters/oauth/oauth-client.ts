import type { JsonObject } from "../../core/json/json.ts";
import {
  type AuthorizationRequest,
  beginAuthorization,
  exchangeRedirectCode,
  type PendingAuthorization,
  requireValidRedirectParameters,
} from "./authorization.ts";
import {
  beginDeviceFlow,
  type DeviceWaitOptions,
  type PendingDeviceFlow,
  pollDeviceTokensOnce,
  waitForDeviceTokens,
} from "./device-flow.ts";
import { requireEndpoint } from "./discovery.ts";
import { withGuessedAuthMethod } from "./expected-auth-method.ts";
import {
  processRevocationResponse,
  processUserInfoResponse,
  revocationRequest,
  skipSubjectCheck,
  userInfoRequest,
  validateApplicationLevelSignature,
} from "./oauth4webapi.ts";
import { runLibraryStep } from "./send-oauth-requests.ts";
import {
  type LibraryClient,
  type OAuthClientOptions,
  prepareLibraryClient,
  type RequestedAccess,
  refreshTokens,
  requestClientCredentialsTokens,
  secretHidingErrorContext,
} from "./token-requests.ts";

/** An OAuth 2.0 client of one server. Every failure is a Problem. */
export type OAuthClient = ReturnType<typeof createOAuthClient>;

async function revoke(session: LibraryClient, token: string, action = "Cannot revoke the token"): Promise<void> {
  const { as, client, server } = session;
  const step = secretHidingErrorContext(session, action, [token]);
  requireEndpoint(server, "revocation_endpoint", step.action);
  const auth = await session.auth(step.action);
  await runLibraryStep(session, step, async (request) =>
    processRevocationResponse(await revocationRequest(as, client, auth, token, request)),
  ).catch((error: unknown) => {
    throw withGuessedAuthMethod(session.authentication, error);
  });
}

async function requestUserinfo(
  session: LibraryClient,
  accessToken: string,
  subject: string | undefined,
): Promise<JsonObject> {
  const { as, client, server } = session;
  const step = secretHidingErrorContext(session, "Cannot read the user's claims", [accessToken]);
  requireEndpoint(server, "userinfo_endpoint", step.action);
  const { value } = await runLibraryStep(session, step, async (request) => {
    const response = await userInfoRequest(as, client, accessToken, request);
    const isSigned = /^application\/jwt\b/i.test(response.headers.get("content-type") ?? "");
    const claims = await processUserInfoResponse(as, client, subject ?? skipSubjectCheck, response);
    if (isSigned) await validateApplicationLevelSignature(as, response, request);
    return claims;
  });
  return { ...value };
}

/** Creates a client; nothing is sent yet. */
export function createOAuthClient(options: OAuthClientOptions) {
  const session = prepareLibraryClient(options);
  return {
    clientCredentials: (request: RequestedAccess = {}) => requestClientCredentialsTokens(session, request),
    beginAuthorization: (request: AuthorizationRequest) => beginAuthorization(session, request),
    /** Checks the URL that the browser was sent back to: state, issuer and error. Sends nothing. */
    checkRedirect: (pending: PendingAuthorization, redirected: string): void => {
      requireValidRedirectParameters(session, pending, redirected);
    },
    /** Checks the URL and exchanges its code. */
    exchangeCode: (pending: PendingAuthorization, redirected: string) =>
      exchangeRedirectCode(session, pending, redirected),
    /** The subject, if it is known, must be that of the new ID token. */
    refresh: (refreshToken: string, subject?: string) => refreshTokens(session, refreshToken, subject),
    /** Revokes a token, and the others of its grant (RFC 7009); `action` begins the message of a failure. */
    revoke: (token: string, action?: string) => revoke(session, token, action),
    beginDevice: (request: RequestedAccess = {}) => beginDeviceFlow(session, request),
    pollDevice: (pending: PendingDeviceFlow) => pollDeviceTokensOnce(session, pending),
    waitForDevice: (pending: PendingDeviceFlow, poll: DeviceWaitOptions) => waitForDeviceTokens(session, pending, poll),
    /** The claims about the user, who must be the subject if one is given. */
    userinfo: (accessToken: string, subject?: string) => requestUserinfo(session, accessToken, subject),
  };
}

import type { JsonObject } from "../../core/json/json.ts";
import {
  type AuthorizationRequest,
  beginAuthorization,
  checkedRedirectParameters,
  exchangeRedirectCode,
  type PendingAuthorization,
} from "./authorization.ts";
import {
  beginDeviceFlow,
  type DeviceWaitOptions,
  type PendingDeviceFlow,
  type PollOutcome,
  pollDeviceTokensOnce,
  waitForDeviceTokens,
} from "./device-flow.ts";
import { requireEndpoint } from "./discovery.ts";
import { withOtherWay } from "./expected-auth-method.ts";
import { runStep } from "./oauth-steps.ts";
import {
  processRevocationResponse,
  processUserInfoResponse,
  revocationRequest,
  skipSubjectCheck,
  userInfoRequest,
  validateApplicationLevelSignature,
} from "./oauth4webapi.ts";
import {
  type LibraryClient,
  type OAuthClientOptions,
  prepareLibraryClient,
  type RequestedAccess,
  refreshTokens,
  requestClientCredentialsTokens,
  secretHidingErrorContext,
  type TokenSet,
} from "./token-requests.ts";

/** An OAuth 2.0 client of one server. Every failure is a Problem. */
export interface OAuthClient {
  readonly clientCredentials: (request?: RequestedAccess) => Promise<TokenSet>;
  readonly beginAuthorization: (request: AuthorizationRequest) => Promise<PendingAuthorization>;
  /** Checks the URL that the browser was sent back to: state, issuer and error. Sends nothing. */
  readonly checkRedirect: (pending: PendingAuthorization, redirected: string) => void;
  /** Checks the URL and exchanges its code. */
  readonly exchangeCode: (pending: PendingAuthorization, redirected: string) => Promise<TokenSet>;
  /** The subject, where it is known, must be that of the new ID token. */
  readonly refresh: (refreshToken: string, subject?: string) => Promise<TokenSet>;
  /** Revokes a token, and the others of its grant (RFC 7009); `action` begins the message of a failure. */
  readonly revoke: (token: string, action?: string) => Promise<void>;
  readonly beginDevice: (request?: RequestedAccess) => Promise<PendingDeviceFlow>;
  readonly pollDevice: (pending: PendingDeviceFlow) => Promise<PollOutcome>;
  readonly waitForDevice: (pending: PendingDeviceFlow, options: DeviceWaitOptions) => Promise<TokenSet>;
  /** The claims about the user, who must be the subject where one is given. */
  readonly userinfo: (accessToken: string, subject?: string) => Promise<JsonObject>;
}

async function revoke(session: LibraryClient, token: string, action = "Cannot revoke the token"): Promise<void> {
  const { as, client, server } = session;
  const step = secretHidingErrorContext(session, action, [token]);
  requireEndpoint(server, "revocation_endpoint", step.action);
  const auth = await session.auth(step.action);
  await runStep(session, step, async (request) =>
    processRevocationResponse(await revocationRequest(as, client, auth, token, request)),
  ).catch((error: unknown) => {
    throw withOtherWay(session.authentication, error);
  });
}

async function userinfo(session: LibraryClient, accessToken: string, subject: string | undefined): Promise<JsonObject> {
  const { as, client, server } = session;
  const step = secretHidingErrorContext(session, "Cannot read the user's claims", [accessToken]);
  requireEndpoint(server, "userinfo_endpoint", step.action);
  const { value } = await runStep(session, step, async (request) => {
    const response = await userInfoRequest(as, client, accessToken, request);
    const isSigned = /^application\/jwt\b/i.test(response.headers.get("content-type") ?? "");
    const claims = await processUserInfoResponse(as, client, subject ?? skipSubjectCheck, response);
    if (isSigned) await validateApplicationLevelSignature(as, response, request);
    return claims;
  });
  return { ...value };
}

/** Creates a client; nothing is sent yet. */
export function createOAuthClient(options: OAuthClientOptions): OAuthClient {
  const session = prepareLibraryClient(options);
  return {
    clientCredentials: (request = {}) => requestClientCredentialsTokens(session, request),
    beginAuthorization: (request) => beginAuthorization(session, request),
    checkRedirect: (pending, redirected) => {
      checkedRedirectParameters(session, pending, redirected);
    },
    exchangeCode: (pending, redirected) => exchangeRedirectCode(session, pending, redirected),
    refresh: (refreshToken, subject) => refreshTokens(session, refreshToken, subject),
    revoke: (token, action) => revoke(session, token, action),
    beginDevice: (request = {}) => beginDeviceFlow(session, request),
    pollDevice: (pending) => pollDeviceTokensOnce(session, pending),
    waitForDevice: (pending, poll) => waitForDeviceTokens(session, pending, poll),
    userinfo: (accessToken, subject) => userinfo(session, accessToken, subject),
  };
}

import type { JsonObject } from "../../core/json.ts";
import {
  type AuthorizationRequest,
  beginAuthorization,
  checkedRedirect,
  exchangeCode,
  type PendingAuthorization,
} from "./authorization.ts";
import {
  beginDevice,
  type PendingDevice,
  type Polled,
  type PollOptions,
  pollDevice,
  waitForDevice,
} from "./device-flow.ts";
import { endpointOf } from "./discovery.ts";
import {
  processRevocationResponse,
  processUserInfoResponse,
  revocationRequest,
  skipSubjectCheck,
  userInfoRequest,
  validateApplicationLevelSignature,
} from "./library.ts";
import { runStep } from "./library-session.ts";
import {
  type ClientSession,
  clientCredentials,
  type OAuthClientOptions,
  openSession,
  refresh,
  stepOf,
  type TokenRequest,
  type Tokens,
} from "./token-requests.ts";

/** An OAuth 2.0 client of one server. Every failure is a Problem. */
export interface OAuthClient {
  readonly clientCredentials: (request?: TokenRequest) => Promise<Tokens>;
  readonly beginAuthorization: (request: AuthorizationRequest) => Promise<PendingAuthorization>;
  /** Checks the URL that the browser was sent back to: state, issuer and error. Sends nothing. */
  readonly checkRedirect: (pending: PendingAuthorization, redirected: string) => void;
  /** Checks the URL and exchanges its code. */
  readonly exchangeCode: (pending: PendingAuthorization, redirected: string) => Promise<Tokens>;
  /** The subject, where it is known, must be that of the new ID token. */
  readonly refresh: (refreshToken: string, subject?: string) => Promise<Tokens>;
  /** Revokes a token, and the others of its grant (RFC 7009). */
  readonly revoke: (token: string) => Promise<void>;
  readonly beginDevice: (request?: TokenRequest) => Promise<PendingDevice>;
  readonly pollDevice: (pending: PendingDevice) => Promise<Polled>;
  readonly waitForDevice: (pending: PendingDevice, options: PollOptions) => Promise<Tokens>;
  /** The claims about the user, who must be the subject where one is given. */
  readonly userinfo: (accessToken: string, subject?: string) => Promise<JsonObject>;
}

async function revoke(session: ClientSession, token: string): Promise<void> {
  const { as, client, server } = session;
  const step = stepOf(session, "Cannot revoke the token", [token]);
  endpointOf(server, "revocation_endpoint", step.action);
  const auth = await session.auth(step.action);
  await runStep(session, step, async (request) =>
    processRevocationResponse(await revocationRequest(as, client, auth, token, request)),
  );
}

async function userinfo(session: ClientSession, accessToken: string, subject: string | undefined): Promise<JsonObject> {
  const { as, client, server } = session;
  const step = stepOf(session, "Cannot read the user's claims", [accessToken]);
  endpointOf(server, "userinfo_endpoint", step.action);
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
  const session = openSession(options);
  return {
    clientCredentials: (request = {}) => clientCredentials(session, request),
    beginAuthorization: (request) => beginAuthorization(session, request),
    checkRedirect: (pending, redirected) => {
      checkedRedirect(session, pending, redirected);
    },
    exchangeCode: (pending, redirected) => exchangeCode(session, pending, redirected),
    refresh: (refreshToken, subject) => refresh(session, refreshToken, subject),
    revoke: (token) => revoke(session, token),
    beginDevice: (request = {}) => beginDevice(session, request),
    pollDevice: (pending) => pollDevice(session, pending),
    waitForDevice: (pending, poll) => waitForDevice(session, pending, poll),
    userinfo: (accessToken, subject) => userinfo(session, accessToken, subject),
  };
}

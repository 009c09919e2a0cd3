import type { FlowDriver, RequestTimeLimits } from "../../adapters/oauth/index.ts";
import { getListField } from "../../core/client/client.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { parseKeySet } from "../../core/jwk/json-web-key.ts";
import { Problem } from "../../core/problem.ts";
import { urlWithoutSecrets } from "../../core/redact.ts";
import { parseJwt } from "../jwt.ts";
import {
  accessTokenDescription,
  idTokenDetails,
  rememberTokens,
  requestedScopesDetail,
  requireIdTokenSubject,
  tokenSetDetails,
  wrongIdTokenProblem,
} from "./obtained-tokens.ts";
import { passedOutcome, type StepOutcome } from "./step-result.ts";
import { connectClient, requireServer, type TestSession } from "./test-session.ts";
import { implicitResponseType } from "./tested-client.ts";

function requireRedirectUri({ client }: TestSession): string {
  if (client.redirectUri !== undefined) return client.redirectUri;
  throw new Problem("Login failed: the client has no redirect URI", { code: "no-callback" });
}

/** Logs the user in, and remembers the login page; returns the URL at which the login ends. */
async function logIn(
  session: TestSession,
  limits: RequestTimeLimits,
  login: Omit<Parameters<FlowDriver["login"]>[1], "clientId" | "subject">,
): Promise<string> {
  const { flow, client, subject } = session;
  const { redirected, loginPage } = await flow.login(limits, { ...login, clientId: client.id, subject });
  session.loginPage ??= loginPage;
  return redirected;
}

function redirectUriDetail(uri: string): string {
  return `redirect_uri ${urlWithoutSecrets(uri)}`;
}

/** Logs the user in up to the redirect URI, which is never requested. */
export async function authorizeUser(session: TestSession): Promise<StepOutcome> {
  const { flow, client, limits } = session;
  const redirectUri = requireRedirectUri(session);
  const { scopes } = client;
  // Nothing of this step needs the credentials.
  const anonymous = flow.connect(requireServer(session), limits.ordinary, client.id, { method: "none" });
  const pending = await anonymous.beginAuthorization({ redirectUri, scopes });
  const redirected = await logIn(session, limits.ordinary, { url: pending.url, redirectUri });
  anonymous.checkRedirect(pending, redirected);
  session.reached = { pending, redirected };
  return passedOutcome([redirectUriDetail(redirectUri), ...requestedScopesDetail(scopes), "PKCE S256"].join(", "));
}

/** Exchanges the code of the login. */
export async function exchangeCode(session: TestSession): Promise<StepOutcome> {
  const { reached } = session;
  if (reached === undefined) throw new TypeError("an exchange without a code");
  const tokens = await connectClient(session).exchangeCode(reached.pending, reached.redirected);
  rememberTokens(session, tokens, session.subject);
  requireIdTokenSubject(session, tokens.idTokenClaims);
  const nonce = tokens.idToken === undefined ? [] : ["nonce agrees"];
  return passedOutcome([...tokenSetDetails(tokens), ...nonce].join(", "));
}

/** Goes through the device flow (RFC 8628): the user code is accepted over the admin API. */
export async function runDeviceFlow(session: TestSession): Promise<StepOutcome> {
  const { client, limits, subject, host } = session;
  const device = connectClient(session);
  const pending = await device.beginDevice({ scopes: client.scopes });
  const { userCode, verificationUri, verificationUriComplete: url = verificationUri } = pending;
  await logIn(session, limits.ordinary, { url, userCode });
  const polled = await device.pollDevice(pending);
  const sleep = async (milliseconds: number): Promise<void> => {
    const left = limits.ordinary.timeLeft();
    await host.sleep(Math.min(milliseconds, left), limits.ordinary.signal);
    if (milliseconds < left) return;
    throw new Problem("Cannot get a token for the device: the server didn't issue one in time", {
      code: "timeout",
      exit: "unreachable",
      hint: "--fail-after sets the limit",
    });
  };
  const tokens = typeof polled === "string" ? await device.waitForDevice(pending, { sleep }) : polled;
  rememberTokens(session, tokens, subject);
  requireIdTokenSubject(session, tokens.idTokenClaims);
  return passedOutcome(["user code accepted", ...tokenSetDetails(tokens)].join(", "));
}

async function fetchKeySet(session: TestSession): Promise<JsonObject> {
  const { jwks_uri: url } = requireServer(session).endpoints;
  if (url === undefined) throw new Problem("Login failed: the server has no jwks_uri", { code: "missing-endpoint" });
  const { text } = await session.flow.openPage(session.limits.ordinary, "Cannot read the server's keys", url);
  return parseKeySet(text) ?? { keys: [] };
}

/** Verifies an ID token that came through the browser (OpenID Connect Core, 3.2.2.11). */
async function requireValidIdToken(session: TestSession, idToken: string, nonce: string): Promise<void> {
  const { payload } = parseJwt(idToken);
  const { iss, aud, exp } = payload;
  const audience = typeof aud === "string" ? [aud] : getListField(payload, "aud");
  if (payload["nonce"] !== nonce) throw wrongIdTokenProblem("has an unexpected nonce");
  if (iss !== requireServer(session).issuer) throw wrongIdTokenProblem("has an unexpected iss");
  if (!audience.includes(session.client.id)) throw wrongIdTokenProblem("has an unexpected aud");
  if (typeof exp !== "number" || exp * 1000 <= session.host.now()) throw wrongIdTokenProblem("has expired");
  if (await session.isSignedBy(idToken, await fetchKeySet(session))) return;
  throw new Problem("Login failed: the ID token can't be verified: no published key signed it", {
    code: "id-token-signature",
    hint: "don't use the token",
  });
}

/** Gets tokens in the fragment of the redirect (RFC 6749, 4.2). */
export async function runImplicitFlow(session: TestSession): Promise<StepOutcome> {
  const { flow, client, limits, subject } = session;
  const redirectUri = requireRedirectUri(session);
  const { id: clientId, scopes } = client;
  const responseType = implicitResponseType(client) ?? "token";
  const pending = flow.beginImplicit(requireServer(session), { clientId, redirectUri, responseType, scopes });
  // The last redirect has the tokens, so a signal must not cut it off.
  const redirected = await logIn(session, limits.patient, { url: pending.url, redirectUri });
  const { accessToken, idToken, expiresIn } = flow.readImplicit(pending, redirected);
  if (accessToken !== undefined) session.obtained.push({ value: accessToken, subject });
  if (idToken !== undefined) {
    await requireValidIdToken(session, idToken, pending.nonce);
    requireIdTokenSubject(session, parseJwt(idToken).payload);
    session.idToken ??= idToken;
  }
  if (accessToken === undefined && idToken === undefined) {
    throw new Problem("Login failed: the answer has no token", { code: "unreadable-redirect" });
  }
  const access = accessToken === undefined ? [] : [accessTokenDescription(accessToken, expiresIn)];
  return passedOutcome([redirectUriDetail(redirectUri), ...access, ...idTokenDetails(idToken)].join(", "));
}

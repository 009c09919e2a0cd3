import { Problem } from "../../core/problem.ts";
import type { ProblemCode } from "../../core/problem-codes.ts";
import { requireEndpoint } from "./discovery.ts";
import { idTokenMismatchProblem, type OAuthErrorContext, toOAuthProblem } from "./oauth-problems.ts";
import {
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  processAuthorizationCodeResponse,
  validateAuthResponse,
} from "./oauth4webapi.ts";
import {
  CLOCK_TOLERANCE_SECONDS,
  type LibraryClient,
  type RequestedAccess,
  requestTokens,
  scopeAndAudienceForm,
  secretHidingErrorContext,
  type TokenSet,
} from "./token-requests.ts";

/** What a user is asked to grant. */
export interface AuthorizationRequest extends RequestedAccess {
  readonly redirectUri: string;
  readonly prompt?: string | undefined;
  /** Seconds. */
  readonly maxAge?: number | undefined;
  /** How the answer comes; by default in the query of the redirect URI. */
  readonly responseMode?: "form_post" | undefined;
  /** Chosen by the user; by default 256 random bits. */
  readonly state?: string | undefined;
}

/** A login that has begun: what is needed to check its outcome. Kept in memory only. */
export interface PendingAuthorization {
  /** Where the browser goes. */
  readonly url: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly isOpenId: boolean;
  /** The oldest login that the request allows, in seconds since 1970. */
  readonly oldestLogin: number | undefined;
}

/** Prepares a login: the URL for the browser, with PKCE (RFC 7636), state and nonce. */
export async function beginAuthorization(
  { server, clientId, now }: LibraryClient,
  request: AuthorizationRequest,
): Promise<PendingAuthorization> {
  const url = new URL(requireEndpoint(server, "authorization_endpoint", "Cannot log in"));
  const codeVerifier = generateRandomCodeVerifier();
  const state = request.state ?? generateRandomState();
  const nonce = generateRandomNonce();
  const { redirectUri, prompt, maxAge, responseMode, scopes = [] } = request;
  const parameters = {
    client_id: clientId,
    response_type: "code",
    redirect_uri: redirectUri,
    ...Object.fromEntries(scopeAndAudienceForm(request)),
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
    ...(prompt === undefined ? {} : { prompt }),
    ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    ...(responseMode === undefined ? {} : { response_mode: responseMode }),
  };
  const oldestLogin = maxAge === undefined ? undefined : Math.floor(now() / 1000) - maxAge;
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, redirectUri, state, nonce, codeVerifier, isOpenId: scopes.includes("openid"), oldestLogin };
}

function failedLoginProblem(reason: string, code: ProblemCode, hint: string): Problem {
  return new Problem(`Login failed: ${reason}`, { code, hint });
}

const DISTRUST_HINT = "start again, and don't trust the link that led here";

/** The problem of a redirect that the library rejects. */
function rejectedRedirectProblem(step: OAuthErrorContext, error: unknown): unknown {
  const known = toOAuthProblem(step, error, "", undefined);
  if (known instanceof Problem && known.code !== "unreadable-answer") return known;
  return failedLoginProblem(
    "the answer is of another issuer, or isn't an answer to an authorization request",
    "unreadable-redirect",
    DISTRUST_HINT,
  );
}

/** Checks state, issuer and error of a redirect to the client (RFC 9207), and returns its parameters. */
export function requireValidRedirectParameters(
  session: LibraryClient,
  { codeVerifier, nonce, state }: PendingAuthorization,
  redirected: string,
): URLSearchParams {
  const url = URL.canParse(redirected) ? new URL(redirected) : undefined;
  if (url === undefined) {
    const hint = "paste the whole URL that the browser was sent to";
    throw failedLoginProblem("this isn't a URL", "unreadable-redirect", hint);
  }
  const states = url.searchParams.getAll("state");
  if (states.length !== 1 || states[0] !== state) {
    const reason = "the state doesn't match, so the answer belongs to another login";
    throw failedLoginProblem(reason, "state-mismatch", DISTRUST_HINT);
  }
  let parameters: URLSearchParams;
  try {
    parameters = validateAuthResponse(session.as, session.client, url, state);
  } catch (error) {
    throw rejectedRedirectProblem(
      secretHidingErrorContext(session, "Login failed", [
        codeVerifier,
        nonce,
        state,
        ...url.searchParams.getAll("code"),
      ]),
      error,
    );
  }
  const codes = parameters.getAll("code").length;
  if (codes === 1) return parameters;
  throw failedLoginProblem(
    `the answer has ${codes === 0 ? "no code" : "several codes"}`,
    "unreadable-redirect",
    DISTRUST_HINT,
  );
}

function missingIdTokenProblem({ action }: OAuthErrorContext): Problem {
  return new Problem(`${action}: the server granted openid and sent no ID token`, {
    code: "no-id-token",
    hint: "check the server's log, and that it has a signing key",
  });
}

/** Checks that the user has logged in as recently as the request demands (OpenID Connect Core, 3.1.2.1, `max_age`). */
function requireRecentLogin(
  step: OAuthErrorContext,
  { oldestLogin }: PendingAuthorization,
  { idTokenClaims }: Pick<TokenSet, "idTokenClaims">,
): void {
  if (oldestLogin === undefined || idTokenClaims === undefined) return;
  const at = idTokenClaims["auth_time"];
  if (typeof at === "number" && at + CLOCK_TOLERANCE_SECONDS >= oldestLogin) return;
  const reason = `the ID token ${typeof at === "number" ? "is from an earlier login" : "has no auth_time"}`;
  throw idTokenMismatchProblem(step, reason, "the server ignored max_age: check its login application");
}

/** Checks a redirect to the client and exchanges its code (RFC 6749, 4.1.3). */
export async function exchangeRedirectCode(
  session: LibraryClient,
  pending: PendingAuthorization,
  redirected: string,
): Promise<TokenSet> {
  const { as, client } = session;
  const { redirectUri, codeVerifier, nonce, isOpenId } = pending;
  const parameters = requireValidRedirectParameters(session, pending, redirected);
  const step = secretHidingErrorContext(session, "Cannot exchange the code", [
    parameters.get("code") ?? "",
    codeVerifier,
    nonce,
  ]);
  const tokens = await requestTokens(
    session,
    step,
    (auth, request) => authorizationCodeGrantRequest(as, client, auth, parameters, redirectUri, codeVerifier, request),
    (response, raw) => {
      // A user may have withheld openid; without it there is no ID token to check.
      const granted = typeof raw["scope"] === "string" ? raw["scope"].split(" ").includes("openid") : isOpenId;
      const hasIdToken = raw["id_token"] !== undefined;
      if (response.ok && granted && !hasIdToken) throw missingIdTokenProblem(step);
      const expected = hasIdToken ? { expectedNonce: nonce, requireIdToken: true } : {};
      return processAuthorizationCodeResponse(as, client, response, expected);
    },
  );
  requireRecentLogin(step, pending, tokens);
  return tokens;
}

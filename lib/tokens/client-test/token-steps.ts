import { getListField, getTextField } from "../../core/client/client.ts";
import { Problem } from "../../core/problem.ts";
import { urlWithoutSecrets } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import { listFieldAdditionCommandLine } from "../client-update-command-line.ts";
import { idTokenDetails, rememberTokens, requestedScopesDetail, tokenSetDetails } from "./obtained-tokens.ts";
import { passedOutcome, type StepOutcome, skippedOutcome, warningOutcome } from "./step-result.ts";
import { connectClient, requireServer, type TestSession } from "./test-session.ts";

/** Gets a token for the client itself (RFC 6749, 4.4). */
export async function getClientToken(session: TestSession): Promise<StepOutcome> {
  const { scopes, id } = session.client;
  const tokens = await connectClient(session).clientCredentials({ scopes });
  session.obtained.push({ value: tokens.accessToken, subject: id });
  return passedOutcome([...tokenSetDetails(tokens), ...requestedScopesDetail(scopes)].join(", "));
}

/** Exchanges the refresh token (RFC 6749, 6). */
export async function refreshTestedTokens(session: TestSession): Promise<StepOutcome> {
  const { refreshable, client, subject, obtained } = session;
  if (refreshable?.refreshToken === undefined) {
    const isRegistered = client.registeredScopes.includes("offline");
    const hint = isRegistered ? undefined : listFieldAdditionCommandLine(client, "scope", "offline");
    return warningOutcome("no refresh token was issued", hint);
  }
  const sub = getTextField(refreshable.idTokenClaims ?? {}, "sub");
  const tokens = await connectClient(session).refresh(refreshable.refreshToken, sub);
  const old = obtained.findIndex(({ value }) => value === refreshable.accessToken);
  if (old >= 0) obtained.splice(old, 1);
  session.refreshable = undefined;
  rememberTokens(session, tokens, subject);
  return passedOutcome(["new tokens", ...idTokenDetails(tokens.idToken)].join(", "));
}

function introspectionMismatchProblem(reason: string): Problem {
  return new Problem(`Introspection disagrees: ${reason}`, {
    code: "introspection-mismatch",
    hint: "check that the endpoint and the public URL belong to the same server",
  });
}

/** Asks the admin API about every access token that must be active. */
export async function introspectTokens({ flow, limits, obtained, client }: TestSession): Promise<StepOutcome> {
  if (obtained.length === 0) return skippedOutcome("no token was issued");
  const admin = flow.adminTokens(limits.ordinary);
  for (const { value, subject } of obtained) {
    const { active, raw } = await admin.introspect(value);
    if (!active) throw introspectionMismatchProblem("a new access token is inactive");
    if (raw["client_id"] !== client.id) throw introspectionMismatchProblem("the token belongs to a different client");
    if (raw["sub"] !== subject) throw introspectionMismatchProblem("the token belongs to a different subject");
  }
  const subjects = [...new Set(obtained.map(({ subject }) => `sub ${subject}`))];
  return passedOutcome(["active", ...subjects, `client ${client.id}`].join(", "));
}

/**
 * Revokes all tokens that are left, the newest first: a refresh token takes the others of its grant with it. A failure
 * doesn't stop it; the first one is thrown at the end.
 */
async function revokeRemainingTokens(session: TestSession): Promise<number> {
  const { flow, revoked, limits } = session;
  const left = flow.issuedTokens().filter((token) => !revoked.has(token));
  if (left.length === 0) return 0;
  const client = connectClient(session, limits.cleanup);
  const failures: unknown[] = [];
  for (const token of left.toReversed()) {
    await client.revoke(token).then(
      () => revoked.add(token),
      (error: unknown) => failures.push(error),
    );
  }
  if (failures.length > 0) throw failures[0];
  return left.length;
}

/** Revokes all tokens of the test, and checks that none is active after it. */
export async function revokeAndIntrospectTokens(session: TestSession): Promise<StepOutcome> {
  const { flow, limits } = session;
  const count = await revokeRemainingTokens(session);
  if (count === 0) return skippedOutcome("no token was issued");
  const admin = flow.adminTokens(limits.cleanup);
  for (const token of flow.issuedTokens()) {
    const { active } = await admin.introspect(token);
    if (active) throw introspectionMismatchProblem("a revoked token is still active");
  }
  return passedOutcome(`${count} ${count === 1 ? "token" : "tokens"} revoked and inactive`);
}

/** Revokes what a test that didn't end well has left; returns the problem if that failed. */
export async function cleanUpTokens(session: TestSession): Promise<Problem | undefined> {
  if (session.authentication === undefined || session.server === undefined) return undefined;
  try {
    await revokeRemainingTokens(session);
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** Whether a URL is the registered one, with or without the answer of the server added. */
function isSameUrlIgnoringQuery(registered: string, url: URL): boolean {
  if (!URL.canParse(registered)) return false;
  const expected = new URL(registered);
  return url.protocol === expected.protocol && url.host === expected.host && url.pathname === expected.pathname;
}

/** Logs out at the server (OpenID Connect RP-Initiated Logout 1.0). The session isn't remembered, so it ends nobody's. */
export async function logOut(session: TestSession): Promise<StepOutcome> {
  const { flow, limits, client, idToken } = session;
  const [registered = ""] = getListField(client.registered, "post_logout_redirect_uris");
  const { end_session_endpoint: endpoint } = requireServer(session).endpoints;
  if (idToken === undefined || endpoint === undefined) return skippedOutcome("there is no ID token to log out with");
  // In a body and not in the URL, which ends up in logs.
  const form = { id_token_hint: idToken, post_logout_redirect_uri: registered };
  const { status, headers } = await flow.openPage(limits.ordinary, "Cannot log out", endpoint, form);
  const location = headers.get("location") ?? "";
  const next = URL.canParse(location, endpoint) ? new URL(location, endpoint) : undefined;
  if (next !== undefined && isSameUrlIgnoringQuery(registered, next))
    return passedOutcome(`returns to ${urlWithoutSecrets(registered)}`);
  if (next?.searchParams.has("logout_challenge")) return passedOutcome("the server asks the logout page first");
  const error = next?.searchParams.get("error") ?? undefined;
  const answer =
    next === undefined ? `answered ${status}` : `sends the browser to ${quote(urlWithoutSecrets(next.href))}`;
  throw new Problem(`Cannot log out: the server ${answer}${error === undefined ? "" : ` (${error})`}`, {
    code: "no-logout",
    hint: `check that the server accepts ${urlWithoutSecrets(registered)} as a post-logout redirect URI`,
  });
}

import { formatMilliseconds } from "../../core/duration.ts";
import { Problem } from "../../core/problem.ts";
import { urlWithoutSecrets } from "../../core/redact.ts";
import { passedOutcome, type StepOutcome, skippedOutcome, warningOutcome } from "./step-result.ts";
import { connectClient, requireServer, type TestSession } from "./test-session.ts";

/** Seconds that the clocks may differ: the Date header has no fractions, and the answer takes time. */
const CLOCK_WARNING_SECONDS = 5;

/** The difference of the clocks; a second is the precision of the Date header. */
function clockText(offset: number): string {
  if (Math.abs(offset) <= 1) return "clock in sync";
  return `clock ${offset < 0 ? "-" : "+"}${formatMilliseconds(Math.abs(offset) * 1_000)}`;
}

/** Reads the discovery document. */
export async function discoverTestedServer(session: TestSession): Promise<StepOutcome> {
  const server = await session.flow.discover(session.limits.ordinary);
  session.server = server;
  const { issuer, clockOffset } = server;
  const found = `${urlWithoutSecrets(issuer)}, issuer matches`;
  if (clockOffset === undefined) return passedOutcome(`${found}, clock unknown`);
  const detail = `${found}, ${clockText(clockOffset)}`;
  return Math.abs(clockOffset) <= CLOCK_WARNING_SECONDS
    ? passedOutcome(detail)
    : warningOutcome(
        detail,
        "synchronize the clocks of this machine and the server: tokens may be rejected as expired or not yet valid",
      );
}

/** Whether the revocation endpoint rejects a secret that is certainly wrong, so that it proves something. */
async function rejectsWrongSecret(session: TestSession): Promise<boolean> {
  const { authentication, host, flow, client, limits } = session;
  if (authentication === undefined || !("secret" in authentication)) return true;
  const wrong = { ...authentication, secret: host.uuid() };
  try {
    await flow.connect(requireServer(session), limits.ordinary, client.id, wrong).revoke("none");
    return false;
  } catch (error) {
    if (error instanceof Problem && error.code === "invalid-client") return true;
    throw error;
  }
}

/**
 * Proves the credentials by revoking a token that doesn't exist, which issues nothing (RFC 7009, 2.1 and 2.2). A wrong
 * secret is sent first: the real one is never sent to an endpoint that accepts any.
 */
export async function proveTestedCredentials(session: TestSession): Promise<StepOutcome> {
  const { authentication } = session;
  if (authentication === undefined) throw new TypeError("a proof without credentials");
  const { method } = authentication;
  if (!(await rejectsWrongSecret(session))) {
    return warningOutcome(
      "the revocation endpoint also accepts a wrong secret, so it proves nothing",
      "check --public-url",
    );
  }
  await connectClient(session).revoke("none", "Cannot verify the credentials");
  // Hydra 1.8 accepts assertions by any key there.
  const proof = method === "private_key_jwt" ? "not rejected by" : "accepted by";
  return passedOutcome(`${method} ${proof} the revocation endpoint, no token issued`);
}

/** Statuses of a page that isn't where the server sends people. */
const MISSING_PAGE_STATUSES = [404, 410];

const PAGE_HINT = "check the server's setting urls.login (URLS_LOGIN)";

/**
 * Requests the configured login page, without a login request. That it can't be reached is a warning, because only the
 * server has to be reachable from this machine.
 */
export async function checkLoginPageAnswers({ flow, limits, loginPage }: TestSession): Promise<StepOutcome> {
  if (loginPage === undefined) return skippedOutcome("the server did not send the browser to it");
  const shown = urlWithoutSecrets(loginPage);
  try {
    const { status, text } = await flow.openPage(limits.ordinary, "Cannot reach the login page", loginPage);
    // Hydra's own page for servers without the setting answers 200 in some versions.
    if (text.includes("<code>urls.login</code>")) return warningOutcome("the server has no login page", PAGE_HINT);
    const detail = `${shown} answers ${status}`;
    return status >= 500 || MISSING_PAGE_STATUSES.includes(status)
      ? warningOutcome(detail, PAGE_HINT)
      : passedOutcome(detail);
  } catch (error) {
    if (!(error instanceof Problem) || error.exit !== "unreachable") throw error;
    return warningOutcome(error.message, `this machine may not be allowed to reach it; otherwise ${PAGE_HINT}`);
  }
}

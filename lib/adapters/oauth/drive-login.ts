import { urlWithoutSecrets } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import type { AdminApiConnection } from "./admin-token-endpoints.ts";
import {
  CHALLENGE_KINDS,
  type Challenge,
  type ClientAndSubject,
  createChallengeAcceptor,
} from "./challenge-acceptor.ts";
import { type OAuthErrorContext, oauthProblem } from "./oauth-problems.ts";
import {
  createSimulatedBrowser,
  type SimulatedBrowserOptions,
  unexpectedLoginAnswerProblem,
} from "./simulated-browser.ts";

/** A login that is driven without a browser and without the login and consent application. */
export interface LoginToDrive extends ClientAndSubject {
  /** Where the browser starts. */
  readonly url: string;
  /** Where it ends; undefined for the login of a device, which ends at a page of the server. */
  readonly redirectUri?: string;
  /** The code that a device shows. */
  readonly userCode?: string;
}

/** What a driven login led to. */
export interface DrivenLogin {
  /** Where the browser would go at the end. It isn't requested. */
  readonly redirected: string;
  /** The login page without the challenge; it wasn't requested either. */
  readonly loginPage: string | undefined;
}

/** How the server and its admin API are reached. */
interface DriveOptions {
  readonly browser: SimulatedBrowserOptions;
  readonly admin: AdminApiConnection;
}

/** A server sends a browser on fewer times than this. */
const MAX_HOPS = 12;

function challengeIn(url: URL): Challenge | undefined {
  for (const name of CHALLENGE_KINDS) {
    const value = url.searchParams.get(`${name}_challenge`);
    if (value !== null && value !== "") return { name, value };
  }
  return undefined;
}

/** Whether a URL is a redirect URI with the answer to the client added. */
function isAnswerTo(redirectUri: string | undefined, url: URL): boolean {
  if (redirectUri === undefined || !URL.canParse(redirectUri)) return false;
  const expected = new URL(redirectUri);
  return url.protocol === expected.protocol && url.host === expected.host && url.pathname === expected.pathname;
}

function urlWithoutChallenge(url: URL, { name }: Challenge): string {
  const page = new URL(url);
  page.searchParams.delete(`${name}_challenge`);
  return page.href;
}

/** The error that the server's own error page would show. */
function rejectErrorPage(step: OAuthErrorContext, { searchParams }: URL): void {
  const error = searchParams.get("error");
  if (error === null || error === "") return;
  // Hydra 1.x says the part that helps apart from the rest.
  const parts = ["error_description", "error_hint"].flatMap((name) => searchParams.get(name) ?? []);
  const [description = "", hint = ""] = parts;
  throw oauthProblem(step, { error, description: description.includes(hint) ? description : parts.join(": ") });
}

/**
 * Goes through a login and consent as a browser does, accepting both over the admin API with `remember: false`. Only the
 * server itself is asked: neither the login page nor the redirect URI is requested.
 *
 * @throws {Problem} when the server declines, or sends the browser somewhere unexpected.
 */
export async function driveLogin(
  { browser, admin }: DriveOptions,
  step: OAuthErrorContext,
  { url, redirectUri, userCode = "", clientId, subject }: LoginToDrive,
): Promise<DrivenLogin> {
  const open = createSimulatedBrowser(browser, step);
  const accept = createChallengeAcceptor(admin, { clientId, subject }, step);
  const pages = new Map<Challenge["name"], string>();
  const ended = (next: URL): DrivenLogin => ({ redirected: next.href, loginPage: pages.get("login") });
  let at = new URL(url);
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    const next = await open(at);
    if (isAnswerTo(redirectUri, next)) return ended(next);
    const challenge = challengeIn(next);
    if (challenge !== undefined && !pages.has(challenge.name)) {
      pages.set(challenge.name, urlWithoutChallenge(next, challenge));
      at = await accept(challenge, userCode);
      continue;
    }
    rejectErrorPage(step, next);
    if (redirectUri === undefined && pages.has("consent")) return ended(next);
    if (next.origin !== browser.origin) {
      const missing = pages.has("login") ? "consent" : "login";
      const shown = quote(urlWithoutSecrets(next.href));
      throw unexpectedLoginAnswerProblem(
        step,
        `the server sends the browser to ${shown} without a new ${missing}_challenge`,
      );
    }
    at = next;
  }
  throw unexpectedLoginAnswerProblem(step, "the server redirects in circles");
}

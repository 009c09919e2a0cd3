import type { SendHttp } from "../../core/network.ts";
import { Problem } from "../../core/problem.ts";
import { urlWithoutSecrets } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import { parseOAuthError } from "../../servers/oauth-error.ts";
import { CookieJar } from "./cookie-jar.ts";
import { type OAuthErrorContext, oauthProblem } from "./oauth-problems.ts";
import { sendWithoutLibrary } from "./send-oauth-requests.ts";

/** What a browser needs. */
export interface SimulatedBrowserOptions {
  readonly http: SendHttp;
  /** The only origin that is asked, and that gets cookies. */
  readonly origin: string;
  readonly timeLeft: () => number;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The problem of a redirect that isn't what the flow needs. */
export function unexpectedLoginAnswerProblem(
  { action }: OAuthErrorContext,
  reason: string,
  hint = "check that the endpoint and the public URL belong to the same server",
): Problem {
  return new Problem(`${action}: ${reason}`, { code: "unreadable-redirect", hint });
}

const SECURE_HINT =
  "the server marks its cookies Secure, and browsers don't send those over http: use the https URL as the public URL";

/**
 * Creates a browser without a window, for one server, that has no cookies yet: a function that gives where the server sends
 * the browser from one of its own URLs.
 */
export function createSimulatedBrowser(
  { http, origin, timeLeft, signal, now }: SimulatedBrowserOptions,
  step: OAuthErrorContext,
): (url: URL) => Promise<URL> {
  const jar = new CookieJar(now);
  return async (url) => {
    const shown = quote(urlWithoutSecrets(url.href));
    if (url.origin !== origin) {
      throw unexpectedLoginAnswerProblem(
        step,
        `the server sends the browser on to ${shown}, which isn't at the public URL`,
      );
    }
    const headers = { accept: "text/html", ...jar.headersFor(url) };
    const isWithheld = jar.withholds(url);
    const answer = await sendWithoutLibrary(http, step, {
      method: "GET",
      url: url.href,
      headers,
      timeout: timeLeft(),
      signal,
    });
    jar.keep(url, answer.headers);
    const location = answer.headers.get("location") ?? "";
    const isRedirect = answer.status >= 300 && answer.status < 400 && URL.canParse(location, url.href);
    if (isRedirect) return new URL(location, url.href);
    const error = parseOAuthError(answer.text);
    if (error !== undefined) throw oauthProblem(step, error, answer.status);
    throw unexpectedLoginAnswerProblem(
      step,
      `${shown} answered ${answer.status} instead of a redirect`,
      isWithheld ? SECURE_HINT : undefined,
    );
  };
}

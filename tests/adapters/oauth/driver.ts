import { type OAuthErrorContext, oauthProblem } from "../../../lib/adapters/oauth/oauth-problems.ts";
import { sendWithoutLibrary } from "../../../lib/adapters/oauth/send-oauth-requests.ts";
import { isJsonObject, type JsonObject, parseJsonOrUndefined } from "../../../lib/core/json/json.ts";
import type { HttpAnswer, SendHttp } from "../../../lib/core/network.ts";
import { Problem } from "../../../lib/core/problem.ts";
import { secretsInHeaders, urlWithoutSecrets } from "../../../lib/core/redact.ts";
import { quote, trimCharactersAtEnd } from "../../../lib/core/text.ts";
import { parseOAuthError } from "../../../lib/servers/oauth-error.ts";

/** How a login is driven through the admin API, in the place of the login and consent application. */
export interface DriverOptions {
  readonly http: SendHttp;
  readonly publicUrl: string;
  /** The admin API's URL without `/admin`. */
  readonly adminUrl: string;
  /** Headers of every request to the admin API. */
  readonly adminHeaders: Readonly<Record<string, string>>;
  /** The user to log in as. */
  readonly subject: string;
  /** The code that a device shows; needed where the driven URL is one for devices. */
  readonly userCode?: string;
  readonly timeLeft: () => number;
  readonly signal?: AbortSignal;
}

/** What a driven login led to. */
export interface Driven {
  /** Where the browser would go at the end. It isn't requested. */
  readonly redirected: string;
  /** The login and consent application's pages, which weren't requested either. */
  readonly loginPage: string | undefined;
  readonly consentPage: string | undefined;
}

/** A server sends a browser on fewer times than this. */
const MAX_HOPS = 12;

const STEPS = ["login", "consent", "device"] as const;

type StepName = (typeof STEPS)[number];

/** The challenge that a URL hands to an application. */
interface Challenge {
  readonly step: StepName;
  readonly value: string;
}

function challengeIn(url: URL): Challenge | undefined {
  for (const step of STEPS) {
    const value = url.searchParams.get(`${step}_challenge`);
    if (value !== null) return { step, value };
  }
  return undefined;
}

/** The cookies of one driven browser. Secure ones are sent in the clear too: the only server is the one that set them. */
class CookieJar {
  readonly #cookies = new Map<string, string>();

  take(answer: HttpAnswer): void {
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      if (at > 0) this.#cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
    }
  }

  header(): Readonly<Record<string, string>> {
    const pairs = [...this.#cookies].map(([name, value]) => `${name}=${value}`);
    return pairs.length === 0 ? {} : { cookie: pairs.join("; ") };
  }
}

/** What the parts of a driven login share. */
interface Drive extends DriverOptions {
  readonly step: OAuthErrorContext;
  readonly origin: string;
  readonly jar: CookieJar;
}

function limitsOf({ timeLeft, signal }: DriverOptions): { timeout: number; signal?: AbortSignal } {
  return { timeout: timeLeft(), ...(signal === undefined ? {} : { signal }) };
}

function unexpected({ step }: Drive, reason: string): Problem {
  return new Problem(`${step.action}: ${reason}`, {
    code: "unreadable-redirect",
    exit: "failed",
    hint: "check that the endpoint and the public URL belong to the same server",
  });
}

/** Asks the admin API about a challenge, at the path of whichever family the server is of. */
async function askAdmin(
  drive: Drive,
  { step: name, value }: Challenge,
  request: { readonly method: "GET" | "PUT"; readonly path: string; readonly body?: unknown },
): Promise<JsonObject> {
  const { http, step, adminHeaders } = drive;
  const { method, path, body } = request;
  const query = new URLSearchParams({ [`${name}_challenge`]: value });
  let answer: HttpAnswer | undefined;
  for (const prefix of ["/admin", ""]) {
    answer = await sendWithoutLibrary(http, step, {
      method,
      url: `${trimCharactersAtEnd(drive.adminUrl, "/")}${prefix}/oauth2/auth/requests/${path}?${query}`,
      headers: { accept: "application/json", ...adminHeaders },
      ...(body === undefined ? {} : { json: body }),
      ...limitsOf(drive),
    });
    if (answer.status !== 404) break;
  }
  const read = parseJsonOrUndefined(answer?.text ?? "")?.value;
  if (answer?.status === 200 && isJsonObject(read)) return read;
  const error = parseOAuthError(answer?.text ?? "");
  if (error !== undefined) throw oauthProblem(step, error, answer?.status);
  throw unexpected(drive, `the admin API answered ${answer?.status ?? 0}`);
}

/** What the application answers a challenge with. */
async function acceptance(drive: Drive, challenge: Challenge): Promise<unknown> {
  if (challenge.step === "login") return { subject: drive.subject, remember: false };
  if (challenge.step === "device") return { user_code: drive.userCode ?? "" };
  const request = await askAdmin(drive, challenge, { method: "GET", path: "consent" });
  const { requested_scope: scopes, requested_access_token_audience: audience } = request;
  return { grant_scope: scopes ?? [], grant_access_token_audience: audience ?? [], remember: false };
}

/** Accepts a challenge and gives the URL where the browser goes on. */
async function accept(drive: Drive, challenge: Challenge): Promise<URL> {
  const body = await acceptance(drive, challenge);
  const path = `${challenge.step}/accept`;
  const { redirect_to: next } = await askAdmin(drive, challenge, { method: "PUT", path, body });
  const url = typeof next === "string" && URL.canParse(next) ? new URL(next) : undefined;
  if (url?.origin === drive.origin) return url;
  throw unexpected(drive, "the admin API sends the browser to another server than the public URL");
}

/** Where the server sends the browser from one of its own URLs. */
async function follow(drive: Drive, url: URL): Promise<URL> {
  const { http, step, jar } = drive;
  const headers = { accept: "text/html", ...jar.header() };
  const answer = await sendWithoutLibrary(http, step, { method: "GET", url: url.href, headers, ...limitsOf(drive) });
  jar.take(answer);
  const { status } = answer;
  const location = answer.headers.get("location") ?? "";
  const isRedirect = status >= 300 && status < 400 && location !== "" && URL.canParse(location, url.href);
  if (isRedirect) return new URL(location, url.href);
  const error = parseOAuthError(answer.text);
  if (error !== undefined) throw oauthProblem(step, error, status);
  throw unexpected(drive, `${quote(urlWithoutSecrets(url.href))} answered ${status} instead of a redirect`);
}

/** Throws when the server sends the browser to its own error page instead of back to the client. */
function checkErrorPage({ origin, step }: Drive, url: URL): void {
  const error = url.searchParams.get("error");
  if (url.origin !== origin || error === null || !url.pathname.endsWith("/error")) return;
  throw oauthProblem(step, { error, description: url.searchParams.get("error_description") ?? undefined });
}

/**
 * Goes through a login and consent as a browser does, accepting both over the admin API with `remember: false`. Only the
 * server itself is asked: neither the login page nor the redirect URI is requested.
 *
 * @throws {Problem} when the server declines, or sends the browser somewhere unexpected.
 */
export async function driveLogin(options: DriverOptions, startUrl: string): Promise<Driven> {
  const drive: Drive = {
    ...options,
    step: { action: "Cannot drive the login", hidden: secretsInHeaders(options.adminHeaders) },
    origin: new URL(options.publicUrl).origin,
    jar: new CookieJar(),
  };
  const pages: Partial<Record<StepName, string>> = {};
  let at = new URL(startUrl);
  let isConsented = false;
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    const next = await follow(drive, at);
    const challenge: Challenge | undefined = isConsented ? undefined : challengeIn(next);
    if (challenge === undefined) {
      checkErrorPage(drive, next);
      return { redirected: next.href, loginPage: pages.login, consentPage: pages.consent };
    }
    pages[challenge.step] = `${next.origin}${next.pathname}`;
    isConsented = challenge.step === "consent";
    at = await accept(drive, challenge);
  }
  throw unexpected(drive, "the server redirects in circles");
}

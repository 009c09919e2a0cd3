import type { CallbackListener } from "../adapters/callback-listener.ts";
import type { PendingAuthorization } from "../adapters/oauth/index.ts";
import type { Context, OAuthClientSession } from "../command.ts";
import { formatMilliseconds } from "../core/duration.ts";
import { canPrompt } from "../core/environment/interactive.ts";
import { NO_INPUT } from "../core/flags/shared-flags.ts";
import { MAX_TIMER_MS } from "../core/network.ts";
import { Problem } from "../core/problem.ts";
import { listFieldAdditionCommandLine } from "./client-update-command-line.ts";
import { LOGIN_TIMEOUT, NO_OPEN } from "./login-flags.ts";

/** A login that waits for its browser. */
interface WaitingLogin {
  readonly session: OAuthClientSession;
  readonly clientId: string;
  readonly pending: PendingAuthorization;
  /** Undefined if the URL has to be pasted. */
  readonly listener: CallbackListener | undefined;
  readonly responseMode: "query" | "form_post";
  /** The redirect URI, if nobody has checked that the client has it. */
  readonly unchecked: string | undefined;
  /** The command that logs in on another device; undefined if the client is known not to be allowed to. */
  readonly deviceCommand: string | undefined;
}

type LoginContext = Pick<Context, "browser" | "host" | "signal" | "syntax" | "tell" | "values" | "warn">;

/** Shows the URL of the login, and opens it if there is a browser for it. */
async function showAndOpenLoginUrl(
  { browser, tell, values }: Pick<LoginContext, "browser" | "tell" | "values">,
  { session, pending, deviceCommand }: WaitingLogin,
): Promise<void> {
  const obstacle = values.bool(NO_OPEN) ? "" : await browser.obstacle();
  if (obstacle === undefined) {
    tell("Opening the login in your browser. If that doesn't work, open this URL:");
    tell(pending.url);
    return browser.open(pending.url, () => tell("The browser could not be opened; open the URL yourself"));
  }
  tell(
    obstacle === "" ? "Open this URL in a browser:" : `Open this URL in a browser (not opened, because ${obstacle}):`,
  );
  tell(pending.url);
  if (deviceCommand !== undefined && session.server.endpoints.device_authorization_endpoint !== undefined)
    tell(`To log in on another device: ${deviceCommand}`);
}

/** Whether a person can paste the URL that the browser was redirected to. */
export function canPasteRedirectUrl(
  { host, values }: Pick<LoginContext, "host" | "values">,
  responseMode: WaitingLogin["responseMode"],
): boolean {
  // A form is in no URL.
  return responseMode === "query" && canPrompt(host, values.bool(NO_INPUT));
}

/** Waits for the answer in the listener; reports the first one that is rejected, so that a flood isn't one of messages. */
async function awaitListenerRedirect(
  { warn }: Pick<LoginContext, "warn">,
  listener: CallbackListener,
  { pending, responseMode }: WaitingLogin,
): Promise<string> {
  const reported = new Set<string>();
  const messages = {
    state: "an answer with a wrong state was rejected: it belongs to another login, or someone else sent it",
    repeated: "a second answer to this login was ignored; if you didn't reload the page, don't trust this login",
  };
  const parameters = await listener.expect({
    state: pending.state,
    method: responseMode === "query" ? "GET" : "POST",
    onRejected: (reason) => {
      if (!reported.has(reason)) warn(messages[reason]);
      reported.add(reason);
    },
  });
  return `${pending.redirectUri.replace(/\?.*$/s, "")}?${parameters}`;
}

/** Asks until a pasted URL is an answer to this login; waits forever if the input ends. */
async function askForPastedRedirect(
  { host, warn }: Pick<LoginContext, "host" | "warn">,
  { session, pending, listener }: WaitingLogin,
  signal: AbortSignal,
): Promise<string> {
  const question = `${listener === undefined ? "Paste" : "Waiting for the browser. You can also paste"} the URL that it ends at: `;
  for (;;) {
    const text = (await host.ask(question, false, signal))?.trim();
    if (text === undefined || signal.aborted) return new Promise(() => {});
    if (text === "") continue;
    const mistake = await session.attempt(async (client) => {
      try {
        client.checkRedirect(pending, text);
        return undefined;
      } catch (error) {
        // An error of the server is an answer too.
        return error instanceof Problem && WRONG_PASTE.includes(error.code) ? error : undefined;
      }
    });
    if (mistake === undefined) return text;
    warn(`${mistake.message}; ${mistake.hint ?? ""}`);
  }
}

/** What a person can correct by pasting another URL. */
const WRONG_PASTE: readonly string[] = ["unreadable-redirect", "state-mismatch"];

/** Rejects when the time for the login is over, or at a signal. */
async function rejectAtDeadline(
  { host, syntax, values }: Pick<LoginContext, "host" | "syntax" | "values">,
  { clientId, unchecked }: WaitingLogin,
  signal: AbortSignal,
): Promise<never> {
  const limit = values.number(LOGIN_TIMEOUT);
  await host.sleep(limit === 0 ? MAX_TIMER_MS : Math.min(MAX_TIMER_MS, limit), signal);
  const limitHint = "run the command again; --timeout sets the limit";
  throw new Problem(`Login failed: the browser didn't come back within ${formatMilliseconds(limit)}`, {
    code: "timeout",
    exit: "unreachable",
    hint:
      unchecked === undefined
        ? limitHint
        : `${limitHint}; if the browser shows an error about the redirect URI: ${listFieldAdditionCommandLine({ id: clientId, syntax }, "redirect_uris", unchecked)}`,
  });
}

/**
 * Sends the person to the login and waits for the URL that the browser is sent back to, by the listener or pasted.
 *
 * @throws {Problem} if the time is over, or at a signal.
 */
export async function openLoginAndAwaitRedirect(context: LoginContext, login: WaitingLogin): Promise<string> {
  const { host, signal } = context;
  const { listener, responseMode } = login;
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const answer = listener === undefined ? [] : [awaitListenerRedirect(context, listener, login)];
  return host.waitForPerson(async () => {
    try {
      await showAndOpenLoginUrl(context, login);
      const paste = canPasteRedirectUrl(context, responseMode) ? [askForPastedRedirect(context, login, stop)] : [];
      return await Promise.race([...answer, ...paste, rejectAtDeadline(context, login, stop)]);
    } finally {
      ended.abort();
    }
  });
}

import { requireOpenOutput } from "../../clients/secrets/unwritten-result.ts";
import { sendClientChanges } from "../../clients/update/send-change.ts";
import { type ChosenEndpoints, type CommandResult, type Context, defineLeaf, singleResult } from "../../command.ts";
import { type ClientRecord, getListField } from "../../core/client/client.ts";
import { PAIRED_ADMIN_URL } from "../../core/flags/connection-flags.ts";
import { Problem, usageError } from "../../core/problem.ts";
import { canPasteRedirectUrl, openLoginAndAwaitRedirect } from "../../tokens/browser-login.ts";
import { readChosenEndpoints } from "../../tokens/chosen-endpoints.ts";
import { runWithClientUpdateHint } from "../../tokens/client-update-hint.ts";
import { InputProblemCollector } from "../../tokens/input-problem-collector.ts";
import { createLoginClientResolver, type LoginClientResolver } from "../../tokens/login-client.ts";
import {
  AUTH_URL,
  LOGIN_SCOPE,
  LOGIN_TIMEOUT,
  MAX_AGE,
  NO_OPEN,
  PORT,
  PROMPT,
  REDIRECT,
  REJECTED_LOGIN_FLAGS,
  RESPONSE_MODE,
  STATE,
} from "../../tokens/login-flags.ts";
import { chooseScopesAndNoteOmitted } from "../../tokens/login-scopes.ts";
import { chooseRedirect, type RedirectTarget, requireValidRedirectFlag, withPort } from "../../tokens/redirect-uri.ts";
import {
  findDeviceLoginCommandLine,
  requireGrantType,
  requireRedirectOrOfferToAdd,
} from "../../tokens/registered-client.ts";
import { AUDIENCE, CREDENTIAL_FLAGS, PUBLIC_COMMAND_FLAGS, TOKEN_URL } from "../../tokens/token-flags.ts";
import { LOGIN_VIEW, toTokenItem } from "../../tokens/token-views.ts";
import { createUndeliveredTokensHandler } from "../../tokens/undelivered-tokens.ts";

function readPort({ values }: Pick<Context, "values">): number | undefined {
  const port = values.number(PORT);
  if (port === undefined || port <= 65_535) return port;
  throw usageError("--port is not a TCP port", "give a number up to 65535; 0 is a free port", "bad-value");
}

/** What the command line asks of the login, checked. */
interface LoginWishes {
  readonly redirect: string | undefined;
  readonly port: number | undefined;
  /** Seconds; undefined for no limit. */
  readonly maxAge: number | undefined;
  readonly endpoints: ChosenEndpoints;
}

async function readWishes(context: Pick<Context, "values">, checks: InputProblemCollector): Promise<LoginWishes> {
  const redirect = context.values.text(REDIRECT);
  const maxAge = context.values.number(MAX_AGE);
  await checks.read(() => requireValidRedirectFlag(redirect));
  return {
    redirect,
    port: await checks.read(() => readPort(context)),
    maxAge: maxAge === -1 ? undefined : maxAge,
    endpoints: await readChosenEndpoints(context, checks),
  };
}

/** Chooses the redirect URI, and makes sure that the client has it if that can be checked; on a terminal, offers to add it. */
async function chooseAndEnsureRedirect(
  context: Pick<Context, "host" | "note" | "pairedAdmin" | "syntax" | "values">,
  wishes: LoginWishes,
  client: ClientRecord | undefined,
): Promise<RedirectTarget> {
  const registered = client === undefined ? undefined : getListField(client, "redirect_uris");
  const target = chooseRedirect(wishes, registered);
  if (target.listen === undefined && !canPasteRedirectUrl(context, context.values.text(RESPONSE_MODE)))
    throw new Problem(`Cannot log in: this program can't receive the redirect to ${target.uri}`, {
      code: "no-terminal",
      hint: "run it on a terminal to paste the URL that the browser was redirected to, or use a redirect URI such as http://127.0.0.1/callback",
    });
  const { pairedAdmin } = context;
  if (client === undefined || pairedAdmin === undefined) return target;
  const { uri } = target;
  await requireRedirectOrOfferToAdd(context, client, uri, async () => {
    // Read again: the question may have waited for long, and others may have changed the client meanwhile.
    const now = await pairedAdmin.admin.get(client.client_id);
    const before = getListField(now, "redirect_uris");
    if (before.includes(uri)) return;
    await sendClientChanges(pairedAdmin.admin, client.client_id, now, [
      { field: "redirect_uris", before, after: [...before, uri] },
    ]);
  });
  return target;
}

/** What the authorization endpoint is asked for, apart from scopes and audience. */
function authorizationParameters({ values }: Pick<Context, "values">, { maxAge }: LoginWishes) {
  const responseMode = values.text(RESPONSE_MODE);
  const prompt = values.list(PROMPT).join(" ");
  const state = values.text(STATE) ?? "";
  return {
    prompt: prompt || undefined,
    maxAge,
    responseMode: responseMode === "query" ? undefined : responseMode,
    state: state || undefined,
  };
}

async function run(context: Context, resolve: LoginClientResolver, wishes: LoginWishes): Promise<CommandResult> {
  requireOpenOutput(context, "Cannot log in", "the token");
  const { client, credentials } = await resolve();
  requireGrantType(context, client, "authorization_code");
  const session = await context.oauth.openSession(credentials, wishes.endpoints);
  const target = await chooseAndEnsureRedirect(context, wishes, client);
  const request = { scopes: chooseScopesAndNoteOmitted(context, client), audience: context.values.list(AUDIENCE) };
  const asked = { login: credentials, syntax: context.syntax, grantType: "authorization_code", ...request };
  return runWithClientUpdateHint(asked, async () => {
    await using listener = target.listen === undefined ? undefined : await context.browser.listen(target.listen);
    const isFree = listener !== undefined && target.listen?.port === 0;
    const redirectUri = isFree ? withPort(target.uri, listener.port) : target.uri;
    const parameters = { redirectUri, ...request, ...authorizationParameters(context, wishes) };
    const pending = await session.attempt((oauthClient) => oauthClient.beginAuthorization(parameters));
    const redirected = await openLoginAndAwaitRedirect(context, {
      session,
      clientId: credentials.clientId,
      pending,
      listener,
      responseMode: context.values.text(RESPONSE_MODE),
      unchecked: client === undefined ? target.uri : undefined,
      deviceCommand: findDeviceLoginCommandLine(client, credentials),
    });
    const exchange = session
      .attempt((oauthClient) => oauthClient.exchangeCode(pending, redirected))
      // The browser gets its page, however the exchange ends.
      .finally(() => listener?.finished());
    const tokens = await context.uninterruptible(() => exchange);
    return singleResult(LOGIN_VIEW, toTokenItem(context, tokens), createUndeliveredTokensHandler(session.takeBack));
  });
}

/** `token user` and `perform authorization-code`: logs a user in with a browser (RFC 6749, 4.1; RFC 8252). */
export default defineLeaf({
  name: "user",
  summary: "Log a user in with a browser, and get their tokens",
  about: [
    "Opens the login in the browser and waits for the redirect on a loopback port. Uses PKCE, and verifies state, nonce, issuer and the ID token's signature. Prints the tokens; -q prints only the access token.",
    "Without a browser on this machine, it prints the URL of the login; the URL that the browser is redirected to can be pasted.",
    "With the admin API (--admin-url), it offers to add a missing redirect URI, and needs no secret for a public client.",
  ],
  flags: [
    LOGIN_SCOPE,
    AUDIENCE,
    REDIRECT,
    PORT,
    NO_OPEN,
    PROMPT,
    MAX_AGE,
    RESPONSE_MODE,
    STATE,
    LOGIN_TIMEOUT,
    ...REJECTED_LOGIN_FLAGS.map(({ flag }) => flag),
    ...CREDENTIAL_FLAGS,
    AUTH_URL,
    TOKEN_URL,
    PAIRED_ADMIN_URL,
    ...PUBLIC_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      [
        "token user --credentials web.env --endpoint http://127.0.0.1:4444",
        "With the file that create --secret-out wrote",
      ],
      [
        "token user --client-id spa --auth-method none --scope openid,email -q --endpoint http://127.0.0.1:4444",
        "A public client; only the access token",
      ],
    ],
    "2.x": [
      [
        "perform authorization-code --credentials web.env --no-open --format json --endpoint http://127.0.0.1:4444",
        "On a machine without a browser; the whole response",
      ],
    ],
  },
  server: "public",
  async prepare(context) {
    const checks = new InputProblemCollector();
    for (const { flag, reason, hint } of REJECTED_LOGIN_FLAGS)
      if (context.values.bool(flag))
        checks.problems.push(usageError(`Cannot use --${flag.name}: ${reason}`, hint, "unsupported-flag"));
    const wishes = await readWishes(context, checks);
    const login = await checks.read(() => createLoginClientResolver(context, checks));
    return checks.command(login, (resolve) => run(context, resolve, wishes));
  },
});

import type { PendingDeviceFlow } from "../../adapters/oauth/index.ts";
import { requireOpenOutput } from "../../clients/secrets/unwritten-result.ts";
import { type ChosenEndpoints, type CommandResult, type Context, defineLeaf, singleResult } from "../../command.ts";
import { DEVICE_GRANT } from "../../core/client/fields.ts";
import { formatMilliseconds } from "../../core/duration.ts";
import { FAIL_AFTER, PAIRED_ADMIN_URL } from "../../core/flags/connection-flags.ts";
import { Problem } from "../../core/problem.ts";
import { readChosenEndpoints } from "../../tokens/chosen-endpoints.ts";
import { runWithClientUpdateHint } from "../../tokens/client-update-hint.ts";
import { InputProblemCollector } from "../../tokens/input-problem-collector.ts";
import { createLoginClientResolver, type LoginClientResolver } from "../../tokens/login-client.ts";
import { DEVICE_AUTH_URL, DEVICE_TIMEOUT, LOGIN_SCOPE } from "../../tokens/login-flags.ts";
import { chooseScopesAndNoteOmitted } from "../../tokens/login-scopes.ts";
import { requireGrantType } from "../../tokens/registered-client.ts";
import { AUDIENCE, CREDENTIAL_FLAGS, PUBLIC_COMMAND_FLAGS, TOKEN_URL } from "../../tokens/token-flags.ts";
import { LOGIN_VIEW, toTokenItem } from "../../tokens/token-views.ts";
import { createUndeliveredTokensHandler } from "../../tokens/undelivered-tokens.ts";

/** Shows the code, set apart from everything else. */
function showUserCode(
  { host, tell }: Pick<Context, "host" | "tell">,
  { userCode, verificationUri, verificationUriComplete, expiresAt }: PendingDeviceFlow,
): void {
  tell(`Open ${verificationUri} on any device, and enter this code:`);
  tell("");
  tell(`    ${userCode}`);
  tell("");
  if (verificationUriComplete !== undefined)
    tell(`Or open this URL, which contains the code: ${verificationUriComplete}`);
  const left = Math.max(0, Math.round((expiresAt - host.now()) / 1000));
  tell(`The code expires in ${formatMilliseconds(left * 1000)}. Waiting for the login; Ctrl-C stops.`);
}

/**
 * Makes a function that waits between two polls, the last time until the time limit, and throws after it. A request that
 * has begun goes on, because its answer may be the token.
 */
function createLimitedSleep(
  { host, signal }: Pick<Context, "host" | "signal">,
  limit: number,
): (milliseconds: number) => Promise<void> {
  const end = limit === 0 ? Number.POSITIVE_INFINITY : host.monotonic() + limit;
  let isOver = false;
  return async (milliseconds) => {
    const left = Math.max(0, end - host.monotonic());
    const wasOver = isOver;
    isOver = milliseconds >= left;
    if (!wasOver) return host.sleep(Math.min(milliseconds, left), signal);
    throw new Problem(`Login failed: the user didn't log in within ${formatMilliseconds(limit)}`, {
      code: "timeout",
      exit: "unreachable",
      hint: "run the command again; --timeout sets the limit",
    });
  };
}

async function run(context: Context, resolve: LoginClientResolver, endpoints: ChosenEndpoints): Promise<CommandResult> {
  const { host, values } = context;
  requireOpenOutput(context, "Cannot log in", "the token");
  const { credentials, client } = await resolve();
  requireGrantType(context, client, DEVICE_GRANT);
  const session = await context.oauth.openSession(credentials, endpoints);
  const request = { scopes: chooseScopesAndNoteOmitted(context, client), audience: values.list(AUDIENCE) };
  const asked = { login: credentials, syntax: context.syntax, grantType: DEVICE_GRANT, ...request };
  const pending = await runWithClientUpdateHint(asked, () => session.attempt((client) => client.beginDevice(request)));
  showUserCode(context, pending);
  const patience = values.number(FAIL_AFTER);
  const sleep = createLimitedSleep(context, values.number(DEVICE_TIMEOUT));
  const tokens = await host.waitForPerson(() =>
    session.attempt((client) => client.waitForDevice(pending, { sleep, patience })),
  );
  return singleResult(LOGIN_VIEW, toTokenItem(context, tokens), createUndeliveredTokensHandler(session.takeBack));
}

/** `token device` and `perform device-code`: logs a user in on another device (RFC 8628). */
export default defineLeaf({
  name: "device",
  summary: "Log a user in on another device, and get their tokens",
  about: [
    "Shows a code and a URL to enter it at, on any device with a browser, and waits until the user has logged in. Prints the tokens; -q prints only the access token.",
    "Needs Hydra 25.4 or later, and a client with the grant type urn:ietf:params:oauth:grant-type:device_code.",
  ],
  flags: [
    LOGIN_SCOPE,
    AUDIENCE,
    DEVICE_TIMEOUT,
    ...CREDENTIAL_FLAGS,
    DEVICE_AUTH_URL,
    TOKEN_URL,
    PAIRED_ADMIN_URL,
    ...PUBLIC_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [["token device --client-id tv --auth-method none --endpoint http://127.0.0.1:4444", "A public client"]],
    "2.x": [
      ["perform device-code --credentials tv.env --format json --endpoint http://127.0.0.1:4444", "The whole response"],
    ],
  },
  server: "public",
  async prepare(context) {
    const checks = new InputProblemCollector();
    const endpoints = await readChosenEndpoints(context, checks);
    const login = await checks.read(() => createLoginClientResolver(context, checks));
    return checks.command(login, (resolve) => run(context, resolve, endpoints));
  },
});

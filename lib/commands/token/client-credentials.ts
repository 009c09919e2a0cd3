import { requireOpenOutput } from "../../clients/secrets/unwritten-result.ts";
import {
  type ChosenEndpoints,
  type ClientLogin,
  type CommandResult,
  type Context,
  defineLeaf,
  singleResult,
} from "../../command.ts";
import { readChosenEndpoints } from "../../tokens/chosen-endpoints.ts";
import { runWithClientUpdateHint } from "../../tokens/client-update-hint.ts";
import { InputProblemCollector } from "../../tokens/input-problem-collector.ts";
import { readClientLogin } from "../../tokens/read-credentials.ts";
import { AUDIENCE, CREDENTIAL_FLAGS, PUBLIC_COMMAND_FLAGS, SCOPE, TOKEN_URL } from "../../tokens/token-flags.ts";
import { TOKEN_VIEW, toTokenItem } from "../../tokens/token-views.ts";
import { createUndeliveredTokensHandler } from "../../tokens/undelivered-tokens.ts";

async function run(
  context: Pick<Context, "values" | "oauth" | "host" | "warn" | "syntax">,
  login: ClientLogin,
  endpoints: ChosenEndpoints,
): Promise<CommandResult> {
  const { values, oauth, syntax } = context;
  requireOpenOutput(context, "Cannot get a token", "the token");
  const request = { scopes: values.list(SCOPE), audience: values.list(AUDIENCE) };
  const asked = { login, syntax, grantType: "client_credentials", ...request };
  return runWithClientUpdateHint(asked, async () => {
    const session = await oauth.openSession(login, endpoints);
    const tokens = await session.attempt((client) => client.clientCredentials(request));
    return singleResult(TOKEN_VIEW, toTokenItem(context, tokens), createUndeliveredTokensHandler(session.takeBack));
  });
}

/** `token client` and `perform client-credentials`: gets a token for the client itself (RFC 6749, 4.4). */
export default defineLeaf({
  name: "client",
  summary: "Get a token with the client credentials grant",
  about: [
    "Prints only the access token in the 1.x syntax; --format json prints the server's whole response, and when the token expires.",
    "The secret comes from --credentials, --client-secret-file, OAUTH2_CLIENT_SECRET or, on a terminal, a prompt.",
  ],
  flags: [SCOPE, AUDIENCE, ...CREDENTIAL_FLAGS, TOKEN_URL, ...PUBLIC_COMMAND_FLAGS],
  examples: {
    "1.x": [
      [
        "token client --credentials app.env --endpoint http://127.0.0.1:4444",
        "With the file that create --secret-out wrote",
      ],
      [
        "token client --client-id app --client-key key.pem --scope read,write --endpoint http://127.0.0.1:4444",
        "With a private key",
      ],
    ],
    "2.x": [
      [
        "perform client-credentials --client-id app --client-secret-file app.secret --format json --endpoint http://127.0.0.1:4444",
        "The whole response",
      ],
    ],
  },
  server: "public",
  async prepare(context) {
    const checks = new InputProblemCollector();
    const endpoints = await readChosenEndpoints(context, checks);
    const login = await checks.read(() => readClientLogin(context, checks));
    return checks.command(login, (credentials) => run(context, credentials, endpoints));
  },
});

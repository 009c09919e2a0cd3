import {
  type ClientLogin,
  type CommandResult,
  type Context,
  defineLeaf,
  singleResult,
  unwrittenResultHandler,
} from "../../command.ts";
import { getTextField } from "../../core/client/client.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { ResultView } from "../../core/output/render.ts";
import { InputProblemCollector } from "../../tokens/input-problem-collector.ts";
import { readClientLogin } from "../../tokens/read-credentials.ts";
import { readTokenArgument, TOKEN_OPERAND } from "../../tokens/token-argument.ts";
import { CREDENTIAL_FLAGS, PUBLIC_COMMAND_FLAGS } from "../../tokens/token-flags.ts";
import { shortenedToken } from "../../tokens/token-views.ts";

function tokenText(item: JsonObject): string {
  return getTextField(item, "token") ?? "";
}

const VIEW: ResultView<JsonObject> = {
  columns: [{ label: "ID", value: tokenText }],
  text: (item) => [`Revoked OAuth 2.0 Access Token: ${tokenText(item)}`],
  id: tokenText,
};

async function run({ oauth }: Pick<Context, "oauth">, login: ClientLogin, token: string): Promise<CommandResult> {
  const session = await oauth.openSession(login);
  await session.attempt((client) => client.revoke(token));
  const unwritten = unwrittenResultHandler("the token was revoked anyway", "check where standard output goes");
  return singleResult(VIEW, { token: shortenedToken(token) }, unwritten);
}

/** `token revoke` and `revoke token`: revokes a token of the client (RFC 7009). */
export default defineLeaf({
  name: "revoke",
  summary: "Revoke a token of a client",
  about: [
    "Revokes an access or refresh token, and the other tokens of the same grant. Servers report success for unknown tokens too.",
    "The output shows only the start of the token.",
  ],
  operands: TOKEN_OPERAND,
  flags: [...CREDENTIAL_FLAGS, ...PUBLIC_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["token revoke --credentials app.env --endpoint http://127.0.0.1:4444 - < token.txt", "The token in a file"],
    ],
    "2.x": [
      ["revoke token --credentials app.env --endpoint http://127.0.0.1:4444 - < token.txt", "The token in a file"],
    ],
  },
  server: "public",
  async prepare(context) {
    const checks = new InputProblemCollector();
    const token = (await checks.read(() => readTokenArgument(context))) ?? "";
    const login = await checks.read(() => readClientLogin(context, checks));
    return checks.command(login, (credentials) => run(context, credentials, token));
  },
});

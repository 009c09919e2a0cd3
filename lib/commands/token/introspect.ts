import { type CommandResult, type Context, defineLeaf, singleResult } from "../../command.ts";
import type { ListFlag, TextFlag } from "../../core/flags/flag.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { readTokenArgument, TOKEN_OPERAND } from "../../tokens/token-argument.ts";
import { REQUIRE_ACTIVE } from "../../tokens/token-flags.ts";
import { INTROSPECTION_VIEW } from "../../tokens/token-views.ts";

const REQUIRED_SCOPE_FLAG: ListFlag = {
  kind: "list",
  name: "scope",
  value: "SCOPE",
  group: "input",
  help: "Scopes that the token must have to count as active",
};

/** Flags of Hydra's 1.x CLI that have no effect there either. */
const IGNORED: readonly TextFlag[] = ["client-id", "client-secret"].map((name) => ({
  kind: "text",
  name,
  value: "TEXT",
  group: "input",
  secret: true,
  help: "Has no effect; accepted because Hydra's 1.x CLI has it",
}));

async function run({ values, oauth }: Pick<Context, "values" | "oauth">, token: string): Promise<CommandResult> {
  const { active, raw } = await (await oauth.admin()).introspect(token, values.list(REQUIRED_SCOPE_FLAG));
  const isMissed = !active && values.bool(REQUIRE_ACTIVE);
  return singleResult(INTROSPECTION_VIEW, raw, { exit: () => (isMissed ? "notFound" : "done") });
}

/** `token introspect` and `introspect token`: asks the admin API about a token (RFC 7662). */
export default defineLeaf({
  name: "introspect",
  summary: "Show whether a token is active, and what it is for",
  about: [
    "Asks the admin API. A token that is expired, revoked or unknown is inactive. With --active, the exit code is then 4.",
  ],
  operands: TOKEN_OPERAND,
  flags: [REQUIRED_SCOPE_FLAG, REQUIRE_ACTIVE, ...IGNORED, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [["token introspect --active - < token.txt", "Exit with 4 if the token in a file is inactive"]],
    "2.x": [["introspect token ory_at_example --format json-pretty", "The full server response"]],
  },
  server: true,
  format: { "1.x": "json-pretty", "2.x": "table" },
  async prepare(context) {
    const token = await readTokenArgument(context);
    return { problems: [], run: () => run(context, token) };
  },
});

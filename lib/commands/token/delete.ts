import { adminWithFreshDeadline } from "../../clients/admin-deadlines.ts";
import { BatchRun, deletionResult } from "../../clients/batch.ts";
import { type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { idOf } from "../../core/client/client.ts";
import type { RepeatFlag } from "../../core/flags/flag.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { clientIdProblems } from "../../core/id-problems.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { ResultView } from "../../core/output/render.ts";
import { usageErrorIf } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";

const OF_CLIENT_FLAG: RepeatFlag = {
  // Not a text, of which the last one counts: the tokens of the other clients would stay.
  kind: "each",
  name: "client-id",
  value: "ID",
  group: "input",
  env: ["OAUTH2_CLIENT_ID"],
  help: "Client ID, instead of the argument ID; repeatable; the variable is read only in 1.x syntax and without ID",
};

/** The clients that the command line names, else the one of the environment, as in Hydra's 1.x CLI. */
function readClientIds({
  values,
  operands,
  syntax,
}: Pick<Context, "values" | "operands" | "syntax">): readonly string[] {
  const isFlag = values.origin(OF_CLIENT_FLAG).from === "flag";
  const isUsed = isFlag || (syntax === "1.x" && operands.length === 0);
  return [...new Set([...(isUsed ? values.list(OF_CLIENT_FLAG) : []), ...operands])];
}

const VIEW: ResultView<JsonObject> = {
  columns: [{ label: "ID", value: idOf, whole: true }],
  text: (client) => [`Successfully deleted access tokens for client ${idOf(client)}`],
  id: idOf,
};

async function run(context: Context, ids: readonly string[]): Promise<CommandResult> {
  const batch = new BatchRun(context, ids.length);
  const items = batch.inOrder(context, ids, async (id): Promise<JsonObject> => {
    const admin = adminWithFreshDeadline(context);
    // Servers report success for an unknown client too.
    await admin.get(id);
    await (await context.oauth.admin(admin.remaining)).deleteTokens(id);
    return { client_id: id };
  });
  const describe = (item: JsonObject): string => `the tokens of client ${quote(idOf(item))}`;
  return deletionResult(batch, { view: VIEW, isList: ids.length > 1, items }, describe);
}

/** `token delete` and `delete access-tokens`: deletes all access tokens of clients. */
export default defineLeaf({
  name: "delete",
  summary: "Delete all access tokens of one or more clients",
  about: [
    "The clients and their refresh tokens stay. Exits with 4 if there is no such client.",
    "--fail-after limits the time for each client, not for the whole command.",
  ],
  operands: { name: "ID", completes: "client-id", least: 0, most: Number.POSITIVE_INFINITY, help: "Client ID" },
  flags: [OF_CLIENT_FLAG, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [["token delete --client-id my-app", "The tokens of one client"]],
    "2.x": [["delete access-tokens my-app old-app", "The tokens of two clients"]],
  },
  server: true,
  prepare(context) {
    const ids = readClientIds(context);
    const hint = "give the IDs of clients, or --client-id";
    const missing = usageErrorIf(ids.length === 0, "There is no client ID", hint, "missing-argument");
    return { problems: [...clientIdProblems(ids), ...missing], run: () => run(context, ids) };
  },
});

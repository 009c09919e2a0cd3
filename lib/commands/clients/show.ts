import { BatchRun } from "../../clients/batch.ts";
import { clientDescriptionLines } from "../../clients/client-description.ts";
import { terminalColumns } from "../../clients/terminal-columns.ts";
import { CLIENT_WITHOUT_SECRET_VIEW } from "../../clients/views.ts";
import { type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { clientIdProblems } from "../../core/id-problems.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { ResultView } from "../../core/output/render.ts";
import { withoutCredentialFields } from "../../core/redact.ts";

/** Clients as pages of text, with an empty line between two. */
function clientDescriptionView({ stdout, now }: Pick<Context["host"], "stdout" | "now">): ResultView<JsonObject> {
  const columns = terminalColumns(stdout);
  let count = 0;
  return {
    ...CLIENT_WITHOUT_SECRET_VIEW,
    text: (client) => [...(count++ === 0 ? [] : [""]), ...clientDescriptionLines(client, now(), columns)],
  };
}

async function run(context: Context): Promise<CommandResult> {
  const { admin, host, operands } = context;
  const batch = new BatchRun(context, operands.length);
  async function* items(): AsyncGenerator<JsonObject> {
    for (const id of operands) {
      const record = await batch.attempt(() => admin.get(id));
      if (record !== undefined) yield withoutCredentialFields(record);
    }
  }
  return {
    view: clientDescriptionView(host),
    isList: operands.length > 1,
    items: items(),
    isPaged: true,
    exit: () => batch.exit(),
  };
}

/** `clients show` and `show oauth2-client`: clients for people to read. */
export default defineLeaf({
  name: "show",
  summary: "Show a readable summary of clients",
  about: [
    "Shows redirect URIs, tokens, keys and age without default values, and what the rules find (hydra help rules). For programs use get, which shows every field.",
  ],
  operands: { name: "ID", completes: "client-id", least: 1, most: Number.POSITIVE_INFINITY, help: "Client ID" },
  flags: [...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [["clients show my-app", "What is registered for a client, and what is wrong with it"]],
    "2.x": [["show oauth2-client my-app", "What is registered for a client, and what is wrong with it"]],
  },
  server: true,
  credentials: "ids",
  format: "text",
  prepare: (context) => ({
    problems: clientIdProblems(context.operands),
    run: () => run(context),
  }),
});

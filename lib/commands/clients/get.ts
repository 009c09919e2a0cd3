import { BatchRun } from "../../clients/batch.ts";
import { CLIENT_WITHOUT_SECRET_VIEW } from "../../clients/views.ts";
import { type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { clientIdProblems } from "../../core/id-problems.ts";
import { type JsonObject, TOO_DEEP_CODE } from "../../core/json/json.ts";
import { Problem } from "../../core/problem.ts";
import { withoutCredentialFields } from "../../core/redact.ts";

/** The client, or only its ID if nothing else is asked for and the rest nests too deep. */
async function readClientOrId({ admin, format }: Pick<Context, "admin" | "format">, id: string): Promise<JsonObject> {
  try {
    return await admin.get(id);
  } catch (error) {
    if (format.kind === "id" && error instanceof Problem && error.code === TOO_DEEP_CODE) return { client_id: id };
    throw error;
  }
}

async function run(context: Context): Promise<CommandResult> {
  const { operands } = context;
  const batch = new BatchRun(context, operands.length);
  async function* items(): AsyncGenerator<JsonObject> {
    for (const id of operands) {
      const record = await batch.attempt(() => readClientOrId(context, id));
      if (record !== undefined) yield withoutCredentialFields(record);
    }
  }
  return { view: CLIENT_WITHOUT_SECRET_VIEW, isList: operands.length > 1, items: items(), exit: () => batch.exit() };
}

/** `clients get` and `get oauth2-client`: shows clients by their IDs. */
export default defineLeaf({
  name: "get",
  summary: "Show one or more clients",
  about: ["Shows each client as the server returns it. Hydra never returns a secret after creation."],
  operands: { name: "ID", completes: "client-id", least: 1, most: Number.POSITIVE_INFINITY, help: "Client ID" },
  flags: [...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["clients get my-app", "One client as JSON"],
      ["clients get my-app --format raw=redirect_uris.0", "One value of it, for a script"],
    ],
    "2.x": [["get oauth2-client my-app --format json-pretty", "One client as JSON"]],
  },
  server: true,
  credentials: "ids",
  format: { "1.x": "json-pretty", "2.x": "table" },
  prepare: (context) => ({
    problems: clientIdProblems(context.operands),
    run: () => run(context),
  }),
});

import { Batch } from "../../clients/batch.ts";
import { safeReason } from "../../clients/delivery.ts";
import { dryRun, isDryRun } from "../../clients/dry-run.ts";
import { idOf } from "../../clients/views.ts";
import { type Context, command, type PreparedCommand, type Result } from "../../command.ts";
import { badId } from "../../core/client/id.ts";
import { DRY_RUN, FAIL_AFTER, SERVER_COMMAND_FLAGS } from "../../core/flags/flag-table.ts";
import type { BoolFlag } from "../../core/flags/parse.ts";
import type { JsonObject } from "../../core/json.ts";
import type { View } from "../../core/output/render.ts";
import { Problem, usageError } from "../../core/problem.ts";
import { joined, quote } from "../../core/text.ts";

const YES: BoolFlag = { kind: "switch", name: "yes", short: "y", group: "input", help: "Do not ask before deleting" };

const VIEW: View<JsonObject> = {
  columns: [{ label: "ID", value: idOf, whole: true }],
  text: (client) => [`OAuth 2.0 Client deleted: ${idOf(client)}`],
  id: idOf,
};

/** The lines of standard input, an id each as it stands there: an id may hold blanks. */
async function readIds(context: Context): Promise<readonly string[]> {
  const { text } = await context.readFile("-", "delete");
  return text
    .split("\n")
    .map((line) => line.replace(/\r$/, ""))
    .filter((line) => line.trim() !== "");
}

async function idsOf(context: Context): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const operand of context.operands) ids.push(...(operand === "-" ? await readIds(context) : [operand]));
  return [...new Set(ids)];
}

async function confirmed(context: Context, ids: readonly string[]): Promise<void> {
  if (context.values.bool(YES) || !context.host.stdinIsTerminal || context.operands.includes("-")) return;
  const notAsked = context.host.stderr.isTerminal
    ? undefined
    : "standard error, where the question would be, is no terminal";
  if (notAsked !== undefined) throw notConfirmed(notAsked, "add --yes");
  const shown =
    ids.length > 5 ? `${ids.length} clients` : `${ids.length === 1 ? "client" : "clients"} ${joined(ids.map(quote))}`;
  const answer = await context.host.ask(`Delete ${shown}? Their tokens stop working. [y/N] `, false);
  if (/^y(es)?$/i.test((answer ?? "").trim())) return;
  throw notConfirmed("the question was not answered with y", "answer y, or add --yes");
}

function notConfirmed(why: string, hint: string): Problem {
  return new Problem(`Nothing was deleted: ${why}`, { code: "not-confirmed", exit: "failed", hint });
}

async function run(context: Context, ids: readonly string[]): Promise<Result> {
  if (isDryRun(context)) {
    return dryRun(
      context,
      ids.map((id) => ({ method: "DELETE", url: `${context.clientsPath}/${encodeURIComponent(id)}` })),
    );
  }
  await confirmed(context, ids);
  const many = new Batch(context, ids.length);
  const failAfter = context.values.number(FAIL_AFTER) ?? 60_000;
  let begun = 0;
  async function* items(): AsyncGenerator<JsonObject> {
    for (const id of ids) {
      // The first finds out the family of the server, and has the time of one as it is.
      const admin = begun++ === 0 ? context.admin : context.admin.withDeadline(failAfter, context.signal);
      const done = await many.attempt(async () => {
        const problem = badId(id);
        if (problem !== undefined) throw problem;
        await admin.remove(id);
        return true;
      });
      if (done === true) yield { client_id: id };
    }
  }
  return {
    view: VIEW,
    isList: ids.length > 1,
    items: items(),
    exit: () => many.exit(),
    unbuffered: true,
    undelivered: async (lost, reason) => {
      const gone = lost.map(({ item }) => quote(idOf(item)));
      const left = ids.length - begun;
      return new Problem(
        `Cannot write the result: ${safeReason(reason)}; deleted all the same: ${joined(gone)}${left === 0 ? "" : `; not begun: ${left}`}`,
        { code: "unwritable", exit: "failed", hint: "run it again for the rest, with a place that takes the result" },
      );
    },
  };
}

/** `clients delete` and `delete oauth2-client`: deletes clients by their ids. */
export const remove = command({
  name: "delete",
  summary: "Delete one or more clients",
  about: [
    "Deletes each client and goes on after one that fails. On a terminal it asks before; - reads ids from standard input, one a line.",
    "--fail-after bounds each client, not all together.",
  ],
  operands: {
    name: "ID",
    least: 1,
    most: Number.POSITIVE_INFINITY,
    help: "The id of a client, or - for ids on standard input",
  },
  flags: [YES, DRY_RUN, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["clients delete my-app old-app", "Two clients"],
      ["clients delete --yes - < ids.txt", "Clients whose ids stand in a file"],
    ],
    "2.x": [["delete oauth2-client my-app", "One client"]],
  },
  server: true,
  credentials: "ids",
  format: { "1.x": "text", "2.x": "table" },
  async prepare(context): Promise<PreparedCommand> {
    const ids = context.operands.length === 0 ? [] : await idsOf(context);
    // What stands on the command line can be mended there; in a list of others it fails alone.
    const problems = ids
      .filter((id) => context.operands.includes(id))
      .map(badId)
      .filter((problem) => problem !== undefined);
    if (context.operands.length > 0 && ids.length === 0)
      problems.push(usageError("There is no id on standard input", "write one id a line", "missing-argument"));
    return { problems, run: () => run(context, ids) };
  },
});

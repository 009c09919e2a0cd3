import type { SwitchFlag } from "../core/flags.ts";
import type { View } from "../core/output.ts";
import { Problem, usage } from "../core/problem.ts";
import { DRY_RUN, SERVER_COMMAND_FLAGS } from "../core/rows.ts";
import { joined, quoted } from "../core/text.ts";
import { type Context, command, type Result, type Shown, type Start } from "./command.ts";
import { dryRun, isDryRun } from "./dryrun.ts";
import { Many } from "./many.ts";
import { idOf } from "./views.ts";

const YES: SwitchFlag = { kind: "switch", name: "yes", short: "y", group: "input", help: "Do not ask before deleting" };

const VIEW: View<Shown> = {
  columns: [{ label: "ID", value: idOf, whole: true }],
  text: (client) => [`OAuth 2.0 Client deleted: ${idOf(client)}`],
  id: idOf,
};

async function idsOf(context: Context): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const operand of context.operands) {
    if (operand === "-") {
      const { text } = await context.readFile("-", "delete");
      ids.push(...text.split(/\s+/).filter((id) => id !== ""));
    } else {
      ids.push(operand);
    }
  }
  return [...new Set(ids)];
}

async function confirmed(context: Context, ids: readonly string[]): Promise<void> {
  if (context.values.on(YES) || !context.host.stdinIsTerminal || context.operands.includes("-")) return;
  const shown =
    ids.length > 5 ? `${ids.length} clients` : `${ids.length === 1 ? "client" : "clients"} ${joined(ids.map(quoted))}`;
  const answer = await context.host.ask(`Delete ${shown}? Their tokens stop working. [y/N] `, false);
  if (/^y(es)?$/i.test((answer ?? "").trim())) return;
  throw new Problem("Nothing was deleted: the question was not answered with y", {
    code: "not-confirmed",
    exit: "failed",
    hint: "answer y, or add --yes",
  });
}

async function run(context: Context, ids: readonly string[]): Promise<Result> {
  if (isDryRun(context)) {
    return dryRun(
      context,
      ids.map((id) => ({ method: "DELETE", url: `${context.clientsPath}/${encodeURIComponent(id)}` })),
    );
  }
  await confirmed(context, ids);
  const many = new Many(context, ids.length);
  async function* items(): AsyncGenerator<Shown> {
    for (const id of ids) {
      const done = await many.attempt(async () => {
        await context.admin.remove(id);
        return true;
      });
      if (done === true) yield { client_id: id };
    }
  }
  return { view: VIEW, many: ids.length > 1, items: items(), exit: () => many.exit(), live: true };
}

/** `clients delete` and `delete oauth2-client`: deletes clients by their ids. */
export const remove = command({
  name: "delete",
  summary: "Delete one or more clients",
  about: [
    "Deletes each client and goes on after one that fails. On a terminal it asks before; - reads ids from standard input.",
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
  async start(context): Promise<Start> {
    const ids = context.operands.length === 0 ? [] : await idsOf(context);
    const bad = ids.filter((id) => id === "" || id === "." || id === "..");
    const problems = bad.map((id) =>
      usage(`${quoted(id)} is no id of a client`, "hydra clients list -q shows the ids", "bad-id"),
    );
    if (context.operands.length > 0 && ids.length === 0)
      problems.push(usage("There is no id on standard input", "write one id a line", "missing-argument"));
    return { problems, run: () => run(context, ids) };
  },
});

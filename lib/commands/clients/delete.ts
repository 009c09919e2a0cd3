import { adminWithFreshDeadline } from "../../clients/admin-deadlines.ts";
import { BatchRun, deletionResult } from "../../clients/batch.ts";
import { confirmationFlag, notConfirmedProblem, requireConfirmation } from "../../clients/confirm.ts";
import { dryRunResult } from "../../clients/dry-run.ts";
import { isDryRun } from "../../clients/is-dry-run.ts";
import {
  type EarlierRecoveryCopies,
  findEarlierCopies,
  markCopiesVoidByClientId,
} from "../../clients/secrets/void-recovery-copies.ts";
import { type CheckedCommand, type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { idOf } from "../../core/client/client.ts";
import { allowsQuestions } from "../../core/environment/interactive.ts";
import { RESCUE_DIR } from "../../core/flags/credential-flags.ts";
import { DRY_RUN, NO_INPUT, SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { clientIdProblems, findClientIdProblem } from "../../core/id-problems.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { ResultView } from "../../core/output/render.ts";
import { usageErrorIf } from "../../core/problem.ts";
import { joinWords, quote } from "../../core/text.ts";

const YES = confirmationFlag("Delete without asking for confirmation");

const RECOVERY_COPIES = {
  ...RESCUE_DIR,
  group: "input",
  help: "Directory of recovery copies to mark as void (default: see hydra help secrets)",
} as const;

const VIEW: ResultView<JsonObject> = {
  columns: [{ label: "ID", value: idOf, whole: true }],
  text: (client) => [`OAuth 2.0 Client deleted: ${idOf(client)}`],
  id: idOf,
};

/** Reads the IDs of the command line, and those on standard input, one per line; they may contain spaces. */
async function readIdOperands({
  operands,
  readFile,
}: Pick<Context, "operands" | "readFile">): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const operand of operands) {
    if (operand === "-") {
      const lines = (await readFile("-", "delete")).text.split("\n").map((line) => line.replace(/\r$/, ""));
      ids.push(...lines.filter((line) => line.trim() !== ""));
    } else ids.push(operand);
  }
  return [...new Set(ids)];
}

/** Asks once for the whole run if there is a terminal to ask on; throws unless the answer is yes. */
async function confirmDeletion(
  { values, host, operands }: Pick<Context, "values" | "host" | "operands">,
  ids: readonly string[],
): Promise<void> {
  const readsIds = operands.includes("-");
  const answersOnStdin = host.stdinIsTerminal && !readsIds;
  if (values.bool(YES) || !allowsQuestions(host, values.bool(NO_INPUT))) return;
  // One ID with redirected input is a script, as is everything without a terminal.
  if (!answersOnStdin && ((ids.length === 1 && !readsIds) || !host.stderr.isTerminal)) return;
  if (!host.stderr.isTerminal)
    throw notConfirmedProblem("Nothing was deleted: cannot ask, since standard error is not a terminal", "use --yes");
  const names = ids.length > 5 ? `${ids.length} clients` : joinWords(ids.map(quote));
  const text =
    ids.length === 1
      ? `Delete client ${names}? Its tokens stop working immediately.`
      : `Delete ${ids.length > 5 ? names : `clients ${names}`}? Their tokens stop working immediately.`;
  const from = answersOnStdin ? "stdin" : "terminal";
  await requireConfirmation({ host }, { text, declined: "Nothing was deleted", from });
}

async function run(context: Context, ids: readonly string[]): Promise<CommandResult> {
  if (isDryRun(context)) {
    const { paths } = context.plannedFamily;
    const requests = ids.map((id) => ({ method: "DELETE" as const, url: paths.client(id) }));
    return dryRunResult(context, requests);
  }
  await confirmDeletion(context, ids);
  const batch = new BatchRun(context, ids.length);
  let started = 0;
  let earlier: EarlierRecoveryCopies | undefined;
  const items = batch.inOrder(context, ids, async (id): Promise<JsonObject> => {
    // The first one also detects the server's version; its deadline is that of the command.
    const admin = started++ === 0 ? context.admin : adminWithFreshDeadline(context);
    const bad = findClientIdProblem(id);
    if (bad !== undefined) throw bad;
    await admin.remove(id);
    // A client that is created again with this ID has another secret.
    earlier ??= await findEarlierCopies(context);
    markCopiesVoidByClientId(context, earlier, id);
    return { client_id: id };
  });
  return deletionResult(batch, { view: VIEW, isList: ids.length > 1, items }, (item) => quote(idOf(item)));
}

/** `clients delete` and `delete oauth2-client`: deletes clients by their IDs. */
export default defineLeaf({
  name: "delete",
  summary: "Delete one or more clients",
  about: [
    "Asks for confirmation on a terminal, once for all clients, even if the IDs come from standard input. If a client fails, the others are still deleted. Use - to read IDs from standard input, one per line.",
    "--fail-after limits the time for each client, not for the whole command.",
  ],
  operands: {
    name: "ID",
    completes: "client-id",
    least: 1,
    most: Number.POSITIVE_INFINITY,
    help: "Client ID, or - for IDs on standard input",
  },
  flags: [YES, RECOVERY_COPIES, DRY_RUN, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["clients delete my-app old-app", "Two clients"],
      ["clients delete --yes - < ids.txt", "Clients whose IDs are in a file"],
    ],
    "2.x": [["delete oauth2-client my-app", "One client"]],
  },
  server: true,
  credentials: "ids",
  async prepare(context): Promise<CheckedCommand> {
    const ids = context.operands.length === 0 ? [] : await readIdOperands(context);
    // An invalid ID among others on standard input fails by itself; on the command line it is a usage error.
    const problems = [
      ...clientIdProblems(ids.filter((id) => context.operands.includes(id))),
      ...usageErrorIf(
        context.operands.length > 0 && ids.length === 0,
        "There are no IDs on standard input",
        "write one ID per line",
        "missing-argument",
      ),
      ...(await context.secretTargetProblems([])),
    ];
    return { problems, run: () => run(context, ids) };
  },
});

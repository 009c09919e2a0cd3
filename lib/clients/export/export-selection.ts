import type { Context } from "../../command.ts";
import { type ClientRecord, getTextField } from "../../core/client/client.ts";
import { parseManifestOwner } from "../../core/client/manifest-name.ts";
import type { BoolFlag, TextFlag } from "../../core/flags/flag.ts";
import { STACK } from "../../core/flags/state-flags.ts";
import { hasWildcard, matchesGlob } from "../../core/glob.ts";
import { clientIdProblems } from "../../core/id-problems.ts";
import { type Problem, usageErrorIf } from "../../core/problem.ts";
import { readStackMark } from "../../core/state/stack-mark.ts";
import { quote } from "../../core/text.ts";
import type { BatchRun } from "../batch.ts";
import { ALL_CLIENTS_PAGE_SIZE, readClientPages } from "../list/client-pages.ts";

const { default: _, ...STACK_WITHOUT_DEFAULT } = STACK;

export const STACK_FILTER_FLAG: TextFlag = {
  ...STACK_WITHOUT_DEFAULT,
  help: "Only clients that hydra apply keeps in this stack",
};

export const UNMARKED_FILTER_FLAG: BoolFlag = {
  kind: "switch",
  name: "unmarked",
  group: "input",
  help: "Only clients that no stack contains, without those of hydra-maester",
};

/** Which clients to export. */
export interface ExportSelection {
  readonly ids: readonly string[];
  readonly globs: readonly string[];
  readonly stack: string | undefined;
  readonly isUnmarked: boolean;
}

/** The selection of a command line. A stack from the environment counts only if the line selects nothing itself. */
export function readExportSelection({ values, operands }: Pick<Context, "values" | "operands">): ExportSelection {
  const isUnmarked = values.bool(UNMARKED_FILTER_FLAG);
  const isGiven = values.origin(STACK_FILTER_FLAG).from === "flag" || (operands.length === 0 && !isUnmarked);
  return {
    ids: [...new Set(operands.filter((word) => !hasWildcard(word)))],
    globs: operands.filter(hasWildcard),
    stack: isGiven ? values.text(STACK_FILTER_FLAG) : undefined,
    isUnmarked,
  };
}

export function exportSelectionProblems({ ids, globs, stack, isUnmarked }: ExportSelection): readonly Problem[] {
  return [
    ...clientIdProblems(ids),
    ...usageErrorIf(
      stack !== undefined && isUnmarked,
      "--stack excludes --unmarked",
      "use one of the two",
      "bad-value",
    ),
    ...usageErrorIf(
      ids.length + globs.length === 0 && stack === undefined && !isUnmarked,
      "No clients selected",
      "give --stack NAME, --unmarked, client IDs, or '*' for all clients",
      "nothing-selected",
    ),
  ];
}

/** What selecting clients needs of a command's context. */
type SelectionContext = Pick<Context, "admin" | "host" | "note" | "warn">;

/** The selected clients as the server returns them. Those that can't be read are reported. */
export async function* readSelectedClients(
  context: SelectionContext,
  batch: BatchRun,
  selection: ExportSelection,
): AsyncGenerator<ClientRecord> {
  const { ids, globs } = selection;
  for (const id of ids) {
    const client = await batch.attempt(() => context.admin.get(id));
    if (client !== undefined && matchesStackSelection(client, selection)) yield client;
    else if (client !== undefined) context.warn(leftOutText(client, selection));
  }
  if (ids.length === 0 || globs.length > 0) yield* listAndSelectClients(context, batch, selection);
}

function leftOutText({ client_id }: ClientRecord, { stack }: ExportSelection): string {
  const why = stack === undefined ? "is in a stack" : `is not in stack ${quote(stack)}`;
  return `client ${quote(client_id)} ${why} and is left out`;
}

/** Lists all clients of the server, and yields those that the selection asks for by more than their IDs. */
async function* listAndSelectClients(
  context: SelectionContext,
  batch: BatchRun,
  selection: ExportSelection,
): AsyncGenerator<ClientRecord> {
  const { ids, isUnmarked } = selection;
  let leftOut = 0;
  for await (const { clients, unreadable } of readClientPages(context, { size: ALL_CLIENTS_PAGE_SIZE })) {
    const selected = clients.filter((client) => !ids.includes(client.client_id) && isSelected(client, selection));
    const own = selected.filter((client) => !(isUnmarked && isOfMaester(client)));
    leftOut += selected.length - own.length;
    for (const client of own) {
      const problem = unreadable.get(client);
      if (problem === undefined) yield client;
      else batch.fail(problem);
    }
  }
  if (leftOut > 0)
    context.note(
      `${leftOut} client${leftOut === 1 ? "" : "s"} of hydra-maester left out (the owner is NAME/NAMESPACE); name them by their IDs to export them`,
    );
}

function isSelected(client: ClientRecord, selection: ExportSelection): boolean {
  const { globs } = selection;
  const isNamed = globs.length === 0 || globs.some((glob) => matchesGlob(glob, client.client_id));
  return isNamed && matchesStackSelection(client, selection);
}

function matchesStackSelection(client: ClientRecord, { stack, isUnmarked }: ExportSelection): boolean {
  const mark = readStackMark(client);
  if (isUnmarked) return mark === undefined;
  return stack === undefined || mark?.stack === stack;
}

/** Whether hydra-maester keeps a client: it writes its own key into the owner. */
function isOfMaester(client: ClientRecord): boolean {
  return parseManifestOwner(getTextField(client, "owner")) !== undefined;
}

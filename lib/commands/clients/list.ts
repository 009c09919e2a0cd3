import { BatchRun } from "../../clients/batch.ts";
import { ClientListFieldCatalog } from "../../clients/list/client-list-fields.ts";
import {
  columnsFlagProblems,
  type ListSelection,
  readListSelection,
  SELECTION_FLAGS,
} from "../../clients/list/list-selection.ts";
import { type ListedClients, listClients, PAGE_FLAGS, pageFlagProblems } from "../../clients/list/listed-clients.ts";
import { CLIENT_LIST_VIEW } from "../../clients/views.ts";
import { type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { FORMAT, SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { Column, ResultView } from "../../core/output/render.ts";
import { commandWord } from "../../core/output/shell-quote.ts";

/** Whether the list is for a person at a terminal, who gets a layout of its own. */
function isForPeople({
  values,
  syntax,
  host,
  format,
}: Pick<Context, "values" | "syntax" | "host" | "format">): boolean {
  const named = values.text(FORMAT);
  const isTable = format.kind === "text" || format.kind === "table";
  return host.stdout.isTerminal && isTable && (named === "auto" || (named === undefined && syntax === "1.x"));
}

/** How many clients the table has, and how many there are as far as that is known. */
function countNote(count: number, list: ListedClients): string {
  const total = list.total();
  const clients = (n: number): string => `${n} client${n === 1 ? "" : "s"}`;
  if (!list.isCut()) return clients(count);
  const token = list.next();
  const more =
    total === undefined || total <= count ? `${clients(count)}, more exist` : `${count} of ${clients(total)}`;
  return `${more}${token === "" ? "" : `; next page: --page-token ${commandWord(token)}`}`;
}

/** The list for people: one line a client, and below it how many there are and what is hidden. */
function resultForPeople(
  { host, note }: Pick<Context, "host" | "note">,
  list: ListedClients,
  selection: ListSelection,
  batch: BatchRun,
): Partial<CommandResult> {
  let count = 0;
  let hidden: readonly string[] = [];
  async function* items(): AsyncGenerator<JsonObject> {
    for await (const client of list.items) {
      count++;
      yield client;
    }
  }
  return {
    items: items(),
    view: {
      ...listViewWithColumns(selection.columns ?? new ClientListFieldCatalog(host.now()).standard()),
      onHidden: (labels) => {
        hidden = labels;
      },
    },
    format: { kind: "table" },
    isPaged: true,
    exit() {
      note(countNote(count, list));
      if (hidden.length > 0)
        note(`Hidden: ${hidden.join(", ")}; choose with --columns, or use a wider terminal or --format json`);
      return batch.exit();
    },
  };
}

async function run(context: Context, selection: ListSelection): Promise<CommandResult> {
  const batch = new BatchRun(context, Number.POSITIVE_INFINITY);
  const list = await listClients(context, batch, selection);
  const result: CommandResult = {
    view: selection.columns === undefined ? CLIENT_LIST_VIEW : listViewWithColumns(selection.columns),
    isList: true,
    items: list.items,
    stopsUnread: true,
    exit() {
      if (list.isCut()) context.note(list.moreNote());
      return batch.exit();
    },
    envelope: () => ({ next_page_token: list.next(), is_last_page: !list.isCut() }),
  };
  return isForPeople(context) ? { ...result, ...resultForPeople(context, list, selection, batch) } : result;
}

/**
 * The view of the list with other columns, without borders and without the last rows of Hydra's CLI in every format
 * that is a table.
 */
function listViewWithColumns(columns: readonly Column<JsonObject>[]): ResultView<JsonObject> {
  const { listColumns: _, tableEnd: __, ...view } = CLIENT_LIST_VIEW;
  return { ...view, columns };
}

/** `clients list` and `list oauth2-clients`: all clients, or a part of them. */
export default defineLeaf({
  name: "list",
  summary: "List all clients",
  about: [
    "Fetches every page; rows appear while later pages are being fetched. On a terminal, each client is one line, and columns that don't fit are left out. In a pipe, the table is that of Hydra's own CLI.",
  ],
  flags: [...PAGE_FLAGS, ...SELECTION_FLAGS, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["clients list", "All clients as a table"],
      ["clients list --format ndjson", "One JSON object per line"],
      ["clients list --owner ops -q", "The IDs of one owner's clients"],
      ["clients list --filter grants=implicit --sort -age --columns name,redirects", "Old clients to review"],
    ],
    "2.x": [["list oauth2-clients --format json", "All clients as JSON"]],
  },
  server: true,
  credentials: "ids",
  prepare(context) {
    const selection = readListSelection(context);
    const problems = [...pageFlagProblems(context), ...selection.problems, ...columnsFlagProblems(context)];
    return { problems, run: () => run(context, selection) };
  },
});

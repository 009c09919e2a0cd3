import type { ListPage } from "../../adapters/admin/admin.ts";
import { PAGE_OF_ALL, readPages } from "../../clients/all-clients.ts";
import { Batch } from "../../clients/batch.ts";
import {
  type ClientField,
  ClientFields,
  columnOf,
  compareByField,
  matchesValue,
} from "../../clients/client-columns.ts";
import { LIST_VIEW } from "../../clients/views.ts";
import { type Context, defineLeaf, type Result } from "../../command.ts";
import type { ClientRecord } from "../../core/client/client.ts";
import type { IntFlag, ListFlag, RepeatFlag, TextFlag } from "../../core/flags/flag.ts";
import { FORMAT, LIMIT, SERVER_COMMAND_FLAGS } from "../../core/flags/flag-table.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Column, ResultView } from "../../core/output/render.ts";
import { Problem, usageError } from "../../core/problem.ts";
import { withoutCredentials } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import type { PageRequest } from "../../servers/index.ts";

const PAGE: IntFlag = {
  kind: "count",
  name: "page",
  value: "N",
  group: "input",
  help: "Page number, from 1; needs --limit, the page size",
};

const PAGE_SIZE: IntFlag = {
  kind: "count",
  name: "page-size",
  value: "N",
  group: "input",
  help: "Number of clients in a single page, as in Hydra's own CLI 2.x",
};

const PAGE_TOKEN: TextFlag = {
  kind: "text",
  name: "page-token",
  value: "TOKEN",
  group: "input",
  help: "Start of the page: next_page_token of the previous page",
};

const OWNER: TextFlag = {
  kind: "text",
  name: "owner",
  value: "TEXT",
  group: "input",
  help: "Only clients with this owner",
};

const NAMED: TextFlag = {
  kind: "text",
  name: "name",
  value: "TEXT",
  group: "input",
  help: "Only clients with this name",
};

const COLUMNS: ListFlag = {
  kind: "list",
  name: "columns",
  value: "LIST",
  group: "output",
  help: "Columns of the table: ID, NAME, GRANTS, OWNER, AGE, any client field, or metadata.KEY",
};

const SORT: TextFlag = {
  kind: "text",
  name: "sort",
  value: "COLUMN",
  group: "output",
  help: "Sort by a column; -COLUMN sorts the other way. All clients are read first",
};

const FILTER: RepeatFlag = {
  kind: "each",
  name: "filter",
  value: "FIELD=VALUE",
  group: "input",
  help: "Only clients with this value; of a list one item is enough. Repeatable, all must match",
};

/** The largest page that every server returns. */
const LARGEST_PART = 500;

/** What the flags ask for, as far as it is about the clients and not about pages. */
interface Selection {
  readonly matches: (client: JsonObject) => boolean;
  /** Whether only some clients match. */
  readonly isFiltered: boolean;
  /** What the server can filter by itself. */
  readonly query: Pick<PageRequest, "owner" | "name">;
  readonly compare: ((one: JsonObject, other: JsonObject) => number) | undefined;
  /** The columns of `--columns`. */
  readonly columns: readonly Column<JsonObject>[] | undefined;
  readonly problems: readonly Problem[];
}

interface Filter {
  readonly field: ClientField;
  readonly value: string;
}

function filtersOf(words: readonly string[], fields: ClientFields, problems: Problem[]): readonly Filter[] {
  return words.flatMap((word) => {
    const equals = word.indexOf("=");
    if (equals < 1) {
      problems.push(
        usageError(`--filter ${quote(word)} is not FIELD=VALUE`, "for example: --filter owner=ops", "bad-value"),
      );
      return [];
    }
    const field = fields.find(word.slice(0, equals), "--filter");
    if (field instanceof Problem) problems.push(field);
    return field instanceof Problem ? [] : [{ field, value: word.slice(equals + 1) }];
  });
}

function readSelection({ values, host }: Pick<Context, "values" | "host">): Selection {
  const problems: Problem[] = [];
  const fields = new ClientFields(host.now());
  const filters = filtersOf(values.list(FILTER), fields, problems);
  const owner = values.text(OWNER);
  const name = values.text(NAMED);
  const found = (word: string, flag: string): readonly ClientField[] => {
    const field = fields.find(word, flag);
    if (!(field instanceof Problem)) return [field];
    problems.push(field);
    return [];
  };
  const sort = values.text(SORT) ?? "";
  const [key] = sort === "" ? [] : found(sort.replace(/^-/, ""), "--sort");
  const columns = values.isSet(COLUMNS) ? values.list(COLUMNS).flatMap((word) => found(word, "--columns")) : undefined;
  return {
    // Hydra 1.8 ignores the filters of the query, so they are applied here too.
    matches: (client) =>
      (owner === undefined || client["owner"] === owner) &&
      (name === undefined || client["client_name"] === name) &&
      filters.every(({ field, value }) => matchesValue(field, client, value)),
    isFiltered: owner !== undefined || name !== undefined || filters.length > 0,
    query: { ...(owner === undefined ? {} : { owner }), ...(name === undefined ? {} : { name }) },
    compare: key === undefined ? undefined : compareByField(key, sort.startsWith("-")),
    columns: columns?.map(columnOf),
    problems,
  };
}

/** A client of a page as a result. One that can't be read is reported instead, unless only its ID is asked for. */
function shown(
  { format }: Pick<Context, "format">,
  batch: Batch,
  page: ListPage,
  client: ClientRecord,
): readonly JsonObject[] {
  const problem = page.unreadable.get(client);
  if (problem === undefined || format.kind === "id") return [withoutCredentials(client)];
  batch.fail(problem);
  return [];
}

/** What listing needs of the context. */
type ListContext = Pick<Context, "values" | "admin" | "host" | "format" | "note">;

async function* all(context: ListContext, batch: Batch, { matches, query }: Selection): AsyncGenerator<JsonObject> {
  for await (const page of readPages(context, { size: PAGE_OF_ALL, ...query }))
    for (const client of page.clients) if (matches(client)) yield* shown(context, batch, page, client);
}

/** A part of all clients. */
interface Part {
  readonly limit: number;
  /** How many clients come before it. */
  readonly skip: number;
}

/** The clients of a part in the order of `--sort`, for which all of them are read. */
async function* sorted(
  clients: AsyncIterable<JsonObject>,
  compare: NonNullable<Selection["compare"]>,
  part: Part | undefined,
  onCut: (total: number | undefined) => void,
): AsyncGenerator<JsonObject> {
  const read: JsonObject[] = [];
  for await (const client of clients) read.push(client);
  const { skip, limit } = part ?? { skip: 0, limit: read.length };
  yield* read.toSorted(compare).slice(skip, skip + limit);
  if (read.length > skip + limit) onCut(read.length);
}

/** The request of the first page for a part, and how many clients the server skips. */
async function partRequest(
  context: Pick<Context, "admin">,
  { limit, skip }: Part,
  { isFiltered, query }: Selection,
): Promise<{ readonly request: PageRequest; readonly skipped: number }> {
  const whole = !isFiltered && limit <= LARGEST_PART;
  // Only 1.x can be asked for a part that isn't the first.
  const direct = whole && (skip === 0 || (await context.admin.family()).paging === "offset");
  if (direct) return { request: { size: limit, ...query, offset: skip }, skipped: skip };
  return { request: { size: Math.min(PAGE_OF_ALL, limit + skip + 1), ...query }, skipped: 0 };
}

/** The clients of a part; `onCut` is called if there are more. */
async function* partOfAll(
  context: ListContext,
  batch: Batch,
  part: Part,
  selection: Selection,
  onCut: (total: number | undefined) => void,
): AsyncGenerator<JsonObject> {
  const { isFiltered, matches } = selection;
  const { request, skipped } = await partRequest(context, part, selection);
  let skip = part.skip - skipped;
  let left = part.limit;
  for await (const page of readPages(context, request)) {
    const matching = page.clients.filter(matches);
    const rest = matching.slice(skip);
    skip = Math.max(0, skip - matching.length);
    const taken = rest.slice(0, left);
    left -= taken.length;
    for (const client of taken) yield* shown(context, batch, page, client);
    const more = rest.length > taken.length || (!isFiltered && page.next !== undefined);
    if (left > 0 || (isFiltered && !more)) continue;
    if (more) onCut(page.total);
    return;
  }
}

/** The clients to list. */
interface Listing {
  readonly items: AsyncIterable<JsonObject> | Iterable<JsonObject>;
  /** The token of the page after these; empty where there is none. Asked for after the last item. */
  readonly next: () => string;
  /** Whether there are more clients. Asked for after the last item. */
  readonly isCut: () => boolean;
  /** The number of clients that match, where it is known though only some are listed. */
  readonly total: () => number | undefined;
  /** The note about further clients. */
  readonly moreNote: () => string;
}

async function onePage(
  context: ListContext,
  batch: Batch,
  { matches, query, isFiltered }: Selection,
): Promise<Listing> {
  const token = context.values.text(PAGE_TOKEN) ?? "";
  const family = await context.admin.family();
  const size = Math.min(family.largestPage, context.values.number(PAGE_SIZE) ?? 100);
  const start = family.pageStart(token);
  if (start === undefined)
    throw usageError(
      `--page-token ${quote(token)} is not a page of ${family.label}`,
      "leave it out for the first page; each page reports the token of the next",
      "bad-value",
    );
  const page = await context.admin.page({ size, ...query, ...start });
  const { clients, next } = page;
  const following = next?.token ?? (next?.offset === undefined ? "" : String(next.offset));
  return {
    items: clients.filter(matches).flatMap((client) => shown(context, batch, page, client)),
    next: () => following,
    isCut: () => following !== "",
    total: () => (isFiltered ? undefined : page.total),
    moreNote: () => `More clients exist: --page-token ${following}`,
  };
}

function listing(context: ListContext, batch: Batch, selection: Selection): Promise<Listing> | Listing {
  const { values } = context;
  if (values.isSet(PAGE_SIZE) || values.isSet(PAGE_TOKEN)) return onePage(context, batch, selection);
  let isCut = false;
  let total: number | undefined;
  const onCut = (known: number | undefined): void => {
    isCut = true;
    // A server counts clients, and not those that a filter of ours leaves.
    if (!selection.isFiltered || selection.compare !== undefined) total = known;
  };
  const limit = values.number(LIMIT);
  const part = limit === undefined ? undefined : { limit, skip: ((values.number(PAGE) ?? 1) - 1) * limit };
  const items =
    selection.compare !== undefined
      ? sorted(all(context, batch, selection), selection.compare, part, onCut)
      : part === undefined
        ? all(context, batch, selection)
        : partOfAll(context, batch, part, selection, onCut);
  return {
    items,
    next: () => "",
    isCut: () => isCut,
    total: () => total,
    moreNote: () => `More clients exist; showing ${limit ?? 0} (--limit)`,
  };
}

/** The problems of the flags that choose a part of the list. */
function pageProblems({ values }: Pick<Context, "values">): readonly Problem[] {
  const problems: Problem[] = [];
  const limit = values.number(LIMIT);
  const page = values.number(PAGE);
  const paged = values.isSet(PAGE_SIZE) || values.isSet(PAGE_TOKEN);
  if (paged && (limit !== undefined || page !== undefined))
    problems.push(
      usageError(
        "--page-size and --page-token exclude --limit and --page",
        "use one pair or the other",
        "two-paginations",
      ),
    );
  if (page === 0)
    problems.push(usageError("--page 0 does not exist: pages count from 1", "write --page 1", "bad-value"));
  if (limit === 0) problems.push(usageError("--limit 0 lists nothing", "leave it out for all clients", "bad-value"));
  if (values.number(PAGE_SIZE) === 0)
    problems.push(usageError("--page-size 0 lists nothing", "leave it out for 100 clients", "bad-value"));
  if (page !== undefined && limit === undefined)
    problems.push(usageError("--page needs --limit, the size of a page", "add --limit 20", "page-without-limit"));
  return problems;
}

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
function countNote(count: number, list: Listing): string {
  const total = list.total();
  const clients = (n: number): string => `${n} client${n === 1 ? "" : "s"}`;
  if (!list.isCut()) return clients(count);
  const token = list.next();
  const more =
    total === undefined || total <= count ? `${clients(count)}, more exist` : `${count} of ${clients(total)}`;
  return `${more}${token === "" ? "" : `; next page: --page-token ${token}`}`;
}

/** The list for people: one line a client, and below it how many there are and what is hidden. */
function peopleResult(
  { host, note }: Pick<Context, "host" | "note">,
  list: Listing,
  selection: Selection,
): Partial<Result> {
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
      ...tableOf(selection.columns ?? new ClientFields(host.now()).standard()),
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
      return "done";
    },
  };
}

async function run(context: Context, selection: Selection): Promise<Result> {
  const batch = new Batch(context, Number.POSITIVE_INFINITY);
  const list = await listing(context, batch, selection);
  const result: Result = {
    view: selection.columns === undefined ? LIST_VIEW : tableOf(selection.columns),
    isList: true,
    items: list.items,
    exit() {
      if (list.isCut()) context.note(list.moreNote());
      return batch.exit();
    },
    envelope: () => ({ next_page_token: list.next(), is_last_page: !list.isCut() }),
  };
  if (!isForPeople(context)) return result;
  const people = peopleResult(context, list, selection);
  return {
    ...result,
    ...people,
    exit() {
      people.exit?.();
      return batch.exit();
    },
  };
}

/** A list with columns of its own, without borders and without the last rows of Hydra's CLI in every format that is a table. */
function tableOf(columns: readonly Column<JsonObject>[]): ResultView<JsonObject> {
  const { listColumns: _, tableEnd: __, ...view } = LIST_VIEW;
  return { ...view, columns };
}

/** The formats that have columns. */
const WITH_COLUMNS: ReadonlySet<string> = new Set(["text", "table", "tsv", "csv", "markdown"]);

function selectionProblems({ values, format }: Pick<Context, "values" | "format">): readonly Problem[] {
  const problems: Problem[] = [];
  if (values.isSet(COLUMNS) && !WITH_COLUMNS.has(format.kind))
    problems.push(
      usageError(
        `--columns has no effect with --format ${format.kind}`,
        "use it with table, tsv or csv; select fields of JSON with --format jsonpath=EXPR",
        "bad-value",
      ),
    );
  if (values.isSet(SORT) && (values.isSet(PAGE_SIZE) || values.isSet(PAGE_TOKEN)))
    problems.push(
      usageError(
        "--sort excludes --page-size and --page-token: sorting needs all clients",
        "use --limit to show only some of them",
        "two-paginations",
      ),
    );
  return problems;
}

/** `clients list` and `list oauth2-clients`: all clients, or a part of them. */
export const list = defineLeaf({
  name: "list",
  summary: "List all clients",
  about: [
    "Lists all clients, fetching every page; rows appear while later pages are being fetched. On a terminal each client is one line, and columns that don't fit are left out; in a pipe the table has all of them.",
  ],
  flags: [LIMIT, PAGE, PAGE_SIZE, PAGE_TOKEN, OWNER, NAMED, FILTER, SORT, COLUMNS, ...SERVER_COMMAND_FLAGS],
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
  format: { "1.x": "text", "2.x": "table" },
  prepare(context) {
    const selection = readSelection(context);
    const problems = [...pageProblems(context), ...selection.problems, ...selectionProblems(context)];
    return { problems, run: () => run(context, selection) };
  },
});

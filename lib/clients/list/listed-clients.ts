import type { ClientPage } from "../../adapters/admin/admin.ts";
import type { Context } from "../../command.ts";
import type { ClientRecord } from "../../core/client/client.ts";
import type { Flag, IntFlag, TextFlag, WithDefault } from "../../core/flags/flag.ts";
import { LIMIT } from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { commandWord } from "../../core/output/shell-quote.ts";
import { type Problem, usageError, usageErrorIf } from "../../core/problem.ts";
import { withoutCredentialFields } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import type { PageRequest } from "../../servers/index.ts";
import type { BatchRun } from "../batch.ts";
import { ALL_CLIENTS_PAGE_SIZE, readClientPages } from "./client-pages.ts";
import { type ListSelection, SORT_FLAG } from "./list-selection.ts";

const PAGE_FLAG: IntFlag = {
  kind: "count",
  name: "page",
  value: "N",
  group: "input",
  help: "Page number, from 1; needs --limit, the page size",
};

const PAGE_SIZE_FLAG: WithDefault<IntFlag> = {
  kind: "count",
  name: "page-size",
  value: "N",
  default: 100,
  group: "input",
  help: "Number of clients in a single page, as in Hydra's own CLI 2.x",
};

const PAGE_TOKEN_FLAG: TextFlag = {
  kind: "text",
  name: "page-token",
  value: "TOKEN",
  group: "input",
  help: "Start of the page: next_page_token of the previous page",
};

/** The flags that choose a part of the list. */
export const PAGE_FLAGS: readonly Flag[] = [LIMIT, PAGE_FLAG, PAGE_SIZE_FLAG, PAGE_TOKEN_FLAG];

/** The largest page that every server returns. */
const LARGEST_PART = 500;

/** A client of a page as a result. One that can't be read is reported instead, unless only its ID is asked for. */
function toItemOrReportUnreadable(
  { format }: Pick<Context, "format">,
  batch: BatchRun,
  page: ClientPage,
  client: ClientRecord,
): readonly JsonObject[] {
  const problem = page.unreadable.get(client);
  if (problem === undefined || format.kind === "id") return [withoutCredentialFields(client)];
  batch.fail(problem);
  return [];
}

/** What listing needs of the context. */
type ListContext = Pick<Context, "values" | "admin" | "host" | "format" | "note">;

/** Reads all pages; yields the clients that match. */
async function* readMatchingClients(
  context: ListContext,
  batch: BatchRun,
  { matches, query }: ListSelection,
): AsyncGenerator<JsonObject> {
  for await (const page of readClientPages(context, { size: ALL_CLIENTS_PAGE_SIZE, ...query }))
    for (const client of page.clients)
      if (matches(client)) yield* toItemOrReportUnreadable(context, batch, page, client);
}

/** Which part of all clients is listed. */
interface LimitAndSkip {
  readonly limit: number;
  /** How many clients come before it. */
  readonly skip: number;
}

/** The clients of a part in the order of `--sort`, for which all of them are read. */
async function* sortAndCutClients(
  clients: AsyncIterable<JsonObject>,
  compare: NonNullable<ListSelection["compare"]>,
  part: LimitAndSkip | undefined,
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
  { limit, skip }: LimitAndSkip,
  { isFiltered, query }: ListSelection,
): Promise<{ readonly request: PageRequest; readonly skipped: number }> {
  const whole = !isFiltered && limit <= LARGEST_PART;
  // Only 1.x can be asked for a part that isn't the first.
  const direct = whole && (skip === 0 || (await context.admin.family()).paging === "offset");
  if (direct) return { request: { size: limit, ...query, offset: skip }, skipped: skip };
  return { request: { size: Math.min(ALL_CLIENTS_PAGE_SIZE, limit + skip + 1), ...query }, skipped: 0 };
}

/** Reads the pages of a part, and yields its clients; `onCut` is called if there are more. */
async function* readUnsortedPart(
  context: ListContext,
  batch: BatchRun,
  part: LimitAndSkip,
  selection: ListSelection,
  onCut: (total: number | undefined) => void,
): AsyncGenerator<JsonObject> {
  const { isFiltered, matches } = selection;
  const { request, skipped } = await partRequest(context, part, selection);
  let skip = part.skip - skipped;
  let left = part.limit;
  for await (const page of readClientPages(context, request)) {
    const matching = page.clients.filter(matches);
    const rest = matching.slice(skip);
    skip = Math.max(0, skip - matching.length);
    const taken = rest.slice(0, left);
    left -= taken.length;
    for (const client of taken) yield* toItemOrReportUnreadable(context, batch, page, client);
    const more = rest.length > taken.length || (!isFiltered && page.next !== undefined);
    if (left > 0 || (isFiltered && !more)) continue;
    if (more) onCut(page.total);
    return;
  }
}

/** The clients to list. */
export interface ListedClients {
  readonly items: AsyncIterable<JsonObject> | Iterable<JsonObject>;
  /** The token of the page after these; empty if there is none. Asked for after the last item. */
  readonly next: () => string;
  /** Whether there are more clients. Asked for after the last item. */
  readonly isCut: () => boolean;
  /** The number of clients that match, if it is known although only some are listed. */
  readonly total: () => number | undefined;
  /** The note about further clients. */
  readonly moreNote: () => string;
}

async function readSinglePage(
  context: ListContext,
  batch: BatchRun,
  { matches, query, isFiltered }: ListSelection,
): Promise<ListedClients> {
  const token = context.values.text(PAGE_TOKEN_FLAG) ?? "";
  const family = await context.admin.family();
  const size = Math.min(family.largestPage, context.values.number(PAGE_SIZE_FLAG));
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
    items: clients.filter(matches).flatMap((client) => toItemOrReportUnreadable(context, batch, page, client)),
    next: () => following,
    isCut: () => following !== "",
    total: () => (isFiltered ? undefined : page.total),
    moreNote: () => `More clients exist: --page-token ${commandWord(following)}`,
  };
}

/** The clients that the flags ask for, read as they are taken. */
export function listClients(
  context: ListContext,
  batch: BatchRun,
  selection: ListSelection,
): Promise<ListedClients> | ListedClients {
  const { values } = context;
  if (values.isSet(PAGE_SIZE_FLAG) || values.isSet(PAGE_TOKEN_FLAG)) return readSinglePage(context, batch, selection);
  let isCut = false;
  let total: number | undefined;
  const onCut = (known: number | undefined): void => {
    isCut = true;
    // A server counts clients, and not those that a filter of ours leaves.
    if (!selection.isFiltered || selection.compare !== undefined) total = known;
  };
  const limit = values.number(LIMIT);
  const part = limit === undefined ? undefined : { limit, skip: ((values.number(PAGE_FLAG) ?? 1) - 1) * limit };
  const items =
    selection.compare !== undefined
      ? sortAndCutClients(readMatchingClients(context, batch, selection), selection.compare, part, onCut)
      : part === undefined
        ? readMatchingClients(context, batch, selection)
        : readUnsortedPart(context, batch, part, selection, onCut);
  return {
    items,
    next: () => "",
    isCut: () => isCut,
    total: () => total,
    moreNote: () => `More clients exist; showing ${limit ?? 0} (--limit)`,
  };
}

/** The problems of the flags that choose a part of the list. */
export function pageFlagProblems({ values }: Pick<Context, "values">): readonly Problem[] {
  const limit = values.number(LIMIT);
  const page = values.number(PAGE_FLAG);
  const paged = values.isSet(PAGE_SIZE_FLAG) || values.isSet(PAGE_TOKEN_FLAG);
  return [
    ...usageErrorIf(
      paged && (limit !== undefined || page !== undefined),
      "--page-size and --page-token exclude --limit and --page",
      "use one pair or the other",
      "two-paginations",
    ),
    ...usageErrorIf(
      paged && values.isSet(SORT_FLAG),
      "--sort excludes --page-size and --page-token: sorting needs all clients",
      "use --limit to show only some of them",
      "two-paginations",
    ),
    ...usageErrorIf(page === 0, "--page 0 does not exist: pages count from 1", "write --page 1", "bad-value"),
    ...usageErrorIf(limit === 0, "--limit 0 lists nothing", "leave it out for all clients", "bad-value"),
    ...usageErrorIf(
      values.number(PAGE_SIZE_FLAG) === 0,
      "--page-size 0 lists nothing",
      "leave it out for 100 clients",
      "bad-value",
    ),
    ...usageErrorIf(
      page !== undefined && limit === undefined,
      "--page needs --limit, the size of a page",
      "add --limit 20",
      "page-without-limit",
    ),
  ];
}

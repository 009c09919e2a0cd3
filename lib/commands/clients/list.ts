import type { Page } from "../../adapters/admin/admin.ts";
import { Batch } from "../../clients/batch.ts";
import { LIST_VIEW } from "../../clients/views.ts";
import { type Context, command, type Result } from "../../command.ts";
import type { ClientRecord } from "../../core/client/client.ts";
import type { IntFlag, TextFlag } from "../../core/flags/flag.ts";
import { LIMIT, SERVER_COMMAND_FLAGS } from "../../core/flags/flag-table.ts";
import type { JsonObject } from "../../core/json.ts";
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

/** The page size when all clients are listed: larger pages save few requests and cost memory. */
const PAGE_OF_ALL = 200;

/** The largest page that every server returns. */
const LARGEST_PART = 500;

function endless(): Problem {
  return new Problem("Cannot list clients: the server's pages repeat endlessly", {
    code: "endless-pages",
    exit: "failed",
    hint: "list a single page with --page-size, and check proxies in front of the server",
  });
}

function filterOf({ values }: Pick<Context, "values">): (client: JsonObject) => boolean {
  const owner = values.text(OWNER);
  const name = values.text(NAMED);
  // Hydra 1.8 ignores the filters of the query, so they are applied here too.
  return (client) =>
    (owner === undefined || client["owner"] === owner) && (name === undefined || client["client_name"] === name);
}

function pageRequest({ values }: Pick<Context, "values">, size: number): PageRequest {
  const owner = values.text(OWNER);
  const name = values.text(NAMED);
  return { size, ...(owner === undefined ? {} : { owner }), ...(name === undefined ? {} : { name }) };
}

/** The pages from one on; each is fetched once the previous one has been used. */
async function* pages({ admin, host }: Pick<Context, "admin" | "host">, start: PageRequest): AsyncGenerator<Page> {
  const seen = new Set<string>();
  for (let request: PageRequest | undefined = start; request !== undefined; ) {
    const page: Page = await admin.page(request);
    yield page;
    request = page.next;
    const position = `${request?.token ?? ""} ${request?.offset ?? ""}`;
    if (request !== undefined && seen.has(position)) throw endless();
    if (seen.size === 1) host.enableJit();
    seen.add(position);
  }
}

/** A client of a page as a result. One that can't be read is reported instead, unless only its ID is asked for. */
function shown(
  { format }: Pick<Context, "format">,
  batch: Batch,
  page: Page,
  client: ClientRecord,
): readonly JsonObject[] {
  const problem = page.unreadable.get(client);
  if (problem === undefined || format.kind === "id") return [withoutCredentials(client)];
  batch.fail(problem);
  return [];
}

/** What listing needs of the context. */
type ListContext = Pick<Context, "values" | "admin" | "host" | "format" | "note">;

async function* all(context: ListContext, batch: Batch): AsyncGenerator<JsonObject> {
  const matches = filterOf(context);
  for await (const page of pages(context, pageRequest(context, PAGE_OF_ALL)))
    for (const client of page.clients) if (matches(client)) yield* shown(context, batch, page, client);
}

/** A part of all clients. */
interface Part {
  readonly limit: number;
  /** How many clients come before it. */
  readonly skip: number;
}

/** The request of the first page for a part, and how many clients the server skips. */
async function partRequest(
  context: Pick<Context, "values" | "admin">,
  { limit, skip }: Part,
  filtered: boolean,
): Promise<{ readonly request: PageRequest; readonly skipped: number }> {
  const whole = !filtered && limit <= LARGEST_PART;
  // Only 1.x can be asked for a part that isn't the first.
  const direct = whole && (skip === 0 || (await context.admin.family()).paging === "offset");
  if (direct) return { request: { ...pageRequest(context, limit), offset: skip }, skipped: skip };
  return { request: pageRequest(context, Math.min(PAGE_OF_ALL, limit + skip + 1)), skipped: 0 };
}

/** The clients of a part; `onCut` is called if there are more. */
async function* partOfAll(
  context: ListContext,
  batch: Batch,
  part: Part,
  onCut: () => void,
): AsyncGenerator<JsonObject> {
  const filtered = context.values.isSet(OWNER) || context.values.isSet(NAMED);
  const { request, skipped } = await partRequest(context, part, filtered);
  const matches = filterOf(context);
  let skip = part.skip - skipped;
  let left = part.limit;
  for await (const page of pages(context, request)) {
    const matching = page.clients.filter(matches);
    const rest = matching.slice(skip);
    skip = Math.max(0, skip - matching.length);
    const taken = rest.slice(0, left);
    left -= taken.length;
    for (const client of taken) yield* shown(context, batch, page, client);
    const more = rest.length > taken.length || (!filtered && page.next !== undefined);
    if (left > 0 || (filtered && !more)) continue;
    if (!more) return;
    onCut();
    context.note(`More clients exist; showing ${part.limit} (--limit)`);
    return;
  }
}

async function onePage(context: ListContext, batch: Batch): Promise<Result> {
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
  const page = await context.admin.page({ ...pageRequest(context, size), ...start });
  const { clients, next } = page;
  const following = next?.token ?? (next?.offset === undefined ? "" : String(next.offset));
  if (following !== "") context.note(`More clients exist: --page-token ${following}`);
  const matches = filterOf(context);
  return {
    view: LIST_VIEW,
    isList: true,
    items: clients.filter(matches).flatMap((client) => shown(context, batch, page, client)),
    exit: () => batch.exit(),
    envelope: () => ({ next_page_token: following, is_last_page: following === "" }),
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

async function run(context: Context): Promise<Result> {
  const { values } = context;
  const batch = new Batch(context, Number.POSITIVE_INFINITY);
  if (values.isSet(PAGE_SIZE) || values.isSet(PAGE_TOKEN)) return onePage(context, batch);
  const result = { view: LIST_VIEW, isList: true, exit: () => batch.exit() };
  const limit = values.number(LIMIT);
  if (limit === undefined) return { ...result, items: all(context, batch) };
  const skip = ((values.number(PAGE) ?? 1) - 1) * limit;
  let isLast = true;
  const items = partOfAll(context, batch, { limit, skip }, () => {
    isLast = false;
  });
  return { ...result, items, envelope: () => ({ next_page_token: "", is_last_page: isLast }) };
}

/** `clients list` and `list oauth2-clients`: all clients, or a part of them. */
export const list = command({
  name: "list",
  summary: "List all clients",
  about: ["Lists all clients, fetching every page; rows appear while later pages are being fetched."],
  flags: [LIMIT, PAGE, PAGE_SIZE, PAGE_TOKEN, OWNER, NAMED, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["clients list", "All clients as a table"],
      ["clients list --format ndjson", "One JSON object per line"],
      ["clients list --owner ops -q", "The IDs of one owner's clients"],
    ],
    "2.x": [["list oauth2-clients --format json", "All clients as JSON"]],
  },
  server: true,
  credentials: "ids",
  format: { "1.x": "text", "2.x": "table" },
  prepare: (context) => ({ problems: pageProblems(context), run: () => run(context) }),
});

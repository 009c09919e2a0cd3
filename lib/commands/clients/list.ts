import type { Page } from "../../adapters/admin/admin.ts";
import { Batch } from "../../clients/batch.ts";
import { LIST_VIEW } from "../../clients/views.ts";
import { type Context, command, type Result } from "../../command.ts";
import type { ClientRecord } from "../../core/client/client.ts";
import { LIMIT, SERVER_COMMAND_FLAGS } from "../../core/flags/flag-table.ts";
import type { IntFlag, TextFlag } from "../../core/flags/parse.ts";
import type { JsonObject } from "../../core/json.ts";
import { type ExitName, Problem, usageError } from "../../core/problem.ts";
import { withoutCredentials } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import type { PageRequest } from "../../servers/index.ts";

const PAGE: IntFlag = {
  kind: "count",
  name: "page",
  value: "N",
  group: "input",
  help: "With --limit: which page of that many clients, from 1",
};

const PAGE_SIZE: IntFlag = {
  kind: "count",
  name: "page-size",
  value: "N",
  group: "input",
  help: "Ask for one page of this many clients, as the 2.x command does",
};

const PAGE_TOKEN: TextFlag = {
  kind: "text",
  name: "page-token",
  value: "TOKEN",
  group: "input",
  help: "Where the page starts: next_page_token of the page before",
};

const OWNER: TextFlag = {
  kind: "text",
  name: "owner",
  value: "TEXT",
  group: "input",
  help: "Only clients of this owner",
};

const NAMED: TextFlag = {
  kind: "text",
  name: "name",
  value: "TEXT",
  group: "input",
  help: "Only clients of this name",
};

/** Clients of one request when all are listed: larger pages save few requests and cost memory. */
const PAGE_OF_ALL = 200;

/** The most clients that every server gives in one page. */
const LARGEST_PART = 500;

function endless(): Problem {
  return new Problem("Cannot list clients: the server's pages do not end", {
    code: "endless-pages",
    exit: "failed",
    hint: "look at a single page with --page-size, and at what stands between here and the server",
  });
}

function wanted(context: Context): (client: JsonObject) => boolean {
  const owner = context.values.text(OWNER);
  const name = context.values.text(NAMED);
  // Hydra 1.8 ignores the filters of the query, so they are applied here as well.
  return (client) =>
    (owner === undefined || client["owner"] === owner) && (name === undefined || client["client_name"] === name);
}

function first(context: Context, size: number): PageRequest {
  const owner = context.values.text(OWNER);
  const name = context.values.text(NAMED);
  return { size, ...(owner === undefined ? {} : { owner }), ...(name === undefined ? {} : { name }) };
}

/** The pages from one on; each is fetched when the one before has been taken. */
async function* pages(context: Context, start: PageRequest): AsyncGenerator<Page> {
  const seen = new Set<string>();
  for (let request: PageRequest | undefined = start; request !== undefined; ) {
    const page: Page = await context.admin.page(request);
    yield page;
    request = page.next;
    const mark = `${request?.token ?? ""} ${request?.offset ?? ""}`;
    if (request !== undefined && seen.has(mark)) throw endless();
    if (seen.size === 1) context.host.enableJit();
    seen.add(mark);
  }
}

/** A client of a page as a result. One that cannot be read is told instead, unless only its id is asked for. */
function shown(context: Context, many: Batch, page: Page, client: ClientRecord): readonly JsonObject[] {
  const problem = page.unreadable.get(client);
  if (problem === undefined || context.format.kind === "id") return [withoutCredentials(client)];
  many.fail(problem);
  return [];
}

async function* all(context: Context, many: Batch): AsyncGenerator<JsonObject> {
  const matches = wanted(context);
  for await (const page of pages(context, first(context, PAGE_OF_ALL)))
    for (const client of page.clients) if (matches(client)) yield* shown(context, many, page, client);
}

/** The clients from `skip` on, at most `limit`; tells when there would have been more. */
async function* some(
  context: Context,
  many: Batch,
  limit: number,
  skip: number,
  cut: () => void,
): AsyncGenerator<JsonObject> {
  const filtered = context.values.isSet(OWNER) || context.values.isSet(NAMED);
  const whole = !filtered && limit <= LARGEST_PART;
  // Only a server that pages by offset can start a list in the middle.
  const direct = whole && (skip === 0 || (await context.admin.family()).paging === "offset");
  const size = direct ? limit : Math.min(PAGE_OF_ALL, limit + skip + 1);
  const matches = wanted(context);
  let passed = direct ? skip : 0;
  let given = 0;
  for await (const page of pages(context, {
    ...first(context, size),
    ...(direct ? { offset: skip } : {}),
  })) {
    const { clients, next } = page;
    let more = !filtered && next !== undefined;
    for (const client of clients) {
      if (!matches(client) || passed++ < skip) continue;
      if (given === limit) {
        more = true;
        break;
      }
      given++;
      yield* shown(context, many, page, client);
    }
    if (given < limit || (filtered && !more)) continue;
    if (!more) return;
    cut();
    context.note(`There are more clients; --limit ${limit} cuts the list here`);
    return;
  }
}

async function onePage(context: Context, many: Batch): Promise<Result> {
  const token = context.values.text(PAGE_TOKEN) ?? "";
  const family = await context.admin.family();
  const size = Math.min(family.largestPage, context.values.number(PAGE_SIZE) ?? 100);
  const start = family.pageStart(token);
  if (start === undefined)
    throw usageError(
      `--page-token ${quote(token)} is not a valid page token for ${family.label}`,
      "leave it out for the first page; each page tells where the next one starts",
      "bad-value",
    );
  const page = await context.admin.page({ ...first(context, size), ...start });
  const { clients, next } = page;
  const following = next?.token ?? (next?.offset === undefined ? "" : String(next.offset));
  if (following !== "") context.note(`There are more clients: --page-token ${following}`);
  const matches = wanted(context);
  return {
    view: LIST_VIEW,
    isList: true,
    items: clients.filter(matches).flatMap((client) => shown(context, many, page, client)),
    exit: () => many.exit(),
    envelope: () => ({ next_page_token: following, is_last_page: following === "" }),
  };
}

/** `clients list` and `list oauth2-clients`: all clients, or a part of them. */
export const list = command({
  name: "list",
  summary: "List all clients",
  about: ["Lists every client, through all pages of the server; rows appear while later pages are still to come."],
  flags: [LIMIT, PAGE, PAGE_SIZE, PAGE_TOKEN, OWNER, NAMED, ...SERVER_COMMAND_FLAGS],
  examples: {
    "1.x": [
      ["clients list", "All clients as a table"],
      ["clients list --format ndjson", "One JSON object a line"],
      ["clients list --owner ops -q", "The ids of one owner's clients"],
    ],
    "2.x": [["list oauth2-clients --format json", "All clients as JSON"]],
  },
  server: true,
  credentials: "ids",
  format: { "1.x": "text", "2.x": "table" },
  prepare(context) {
    const { values } = context;
    const problems = [];
    const limit = values.number(LIMIT);
    const page = values.number(PAGE);
    const paged = values.isSet(PAGE_SIZE) || values.isSet(PAGE_TOKEN);
    if (paged && (limit !== undefined || page !== undefined))
      problems.push(
        usageError(
          "--page-size and --page-token exclude --limit and --page",
          "use one pair of them",
          "two-paginations",
        ),
      );
    if (page === 0) problems.push(usageError("--page 0 is no page: the first is 1", "write --page 1", "bad-value"));
    if (limit === 0) problems.push(usageError("--limit 0 lists nothing", "leave it out for all clients", "bad-value"));
    if (values.number(PAGE_SIZE) === 0)
      problems.push(usageError("--page-size 0 lists nothing", "leave it out for 100 clients", "bad-value"));
    if (page !== undefined && limit === undefined)
      problems.push(usageError("--page needs --limit, the size of a page", "add --limit 20", "page-without-limit"));
    return {
      problems,
      run: async () => {
        const many = new Batch(context, Number.POSITIVE_INFINITY);
        const exit = (): ExitName => many.exit();
        if (paged) return onePage(context, many);
        if (limit === undefined) return { view: LIST_VIEW, isList: true, items: all(context, many), exit };
        let last = true;
        const items = some(context, many, limit, ((page ?? 1) - 1) * limit, () => {
          last = false;
        });
        return {
          view: LIST_VIEW,
          isList: true,
          items,
          exit,
          envelope: () => ({ next_page_token: "", is_last_page: last }),
        };
      },
    };
  },
});

import type { CountFlag, TextFlag } from "../core/flags.ts";
import { Problem, usage } from "../core/problem.ts";
import { LIMIT, SERVER_COMMAND_FLAGS } from "../core/rows.ts";
import { withoutCredentials } from "../core/secret.ts";
import type { PageRequest } from "../servers/index.ts";
import { type Context, command, type Result, type Shown } from "./command.ts";
import { LIST_VIEW } from "./views.ts";

const PAGE: CountFlag = {
  kind: "count",
  name: "page",
  value: "N",
  group: "input",
  help: "With --limit: which page of that many clients, from 1",
};
const PAGE_SIZE: CountFlag = {
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

/** Pages without a client that are taken for a server that never ends. */
const EMPTY_PAGES = 3;

function endless(): Problem {
  return new Problem("Cannot list clients: the server's pages do not end", {
    code: "endless-pages",
    exit: "failed",
    hint: "look at a single page with --page-size, and at what stands between here and the server",
  });
}

function wanted(context: Context): (client: Shown) => boolean {
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

/** Every client, page by page; each page is fetched when the one before has been taken. */
async function* all(context: Context, size: number): AsyncGenerator<Shown> {
  const matches = wanted(context);
  const seen = new Set<string>();
  let empty = 0;
  for (let request: PageRequest | undefined = first(context, size); request !== undefined; ) {
    const page = await context.admin.page(request);
    for (const client of page.clients) if (matches(client)) yield withoutCredentials(client);
    request = page.next;
    const mark = `${request?.token ?? ""} ${request?.offset ?? ""}`;
    empty = page.clients.length === 0 ? empty + 1 : 0;
    if (request !== undefined && (seen.has(mark) || empty === EMPTY_PAGES)) throw endless();
    seen.add(mark);
  }
}

/** The clients from `skip` on, at most `limit`; tells when there would have been more. */
async function* some(context: Context, limit: number, skip: number): AsyncGenerator<Shown> {
  let at = 0;
  for await (const client of all(context, Math.max(1, Math.min(PAGE_OF_ALL, limit + skip + 1)))) {
    at++;
    if (at <= skip) continue;
    if (at > skip + limit) {
      context.note(`There are more clients; --limit ${limit} cuts the list here`);
      return;
    }
    yield client;
  }
}

async function onePage(context: Context): Promise<Result> {
  const token = context.values.text(PAGE_TOKEN) ?? "";
  const family = await context.admin.family();
  const size = Math.max(1, Math.min(family.largestPage, context.values.number(PAGE_SIZE) ?? 100));
  const start = token === "" ? {} : family.update === "patch" ? { token } : { offset: Number(token) || 0 };
  const { clients, next } = await context.admin.page({ ...first(context, size), ...start });
  const following = next?.token ?? (next?.offset === undefined ? "" : String(next.offset));
  if (following !== "") context.note(`There are more clients: --page-token ${following}`);
  const matches = wanted(context);
  return {
    view: LIST_VIEW,
    many: true,
    items: clients.filter(matches).map(withoutCredentials),
    rest: () => ({ next_page_token: following, is_last_page: following === "" }),
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
  format: { "1.x": "text", "2.x": "table" },
  start(context) {
    const { values } = context;
    const problems = [];
    const limit = values.number(LIMIT);
    const page = values.number(PAGE);
    const paged = values.given(PAGE_SIZE) || values.given(PAGE_TOKEN);
    if (paged && (limit !== undefined || page !== undefined))
      problems.push(
        usage("--page-size and --page-token exclude --limit and --page", "use one pair of them", "two-paginations"),
      );
    if (page === 0) problems.push(usage("--page 0 is no page: the first is 1", "write --page 1", "bad-value"));
    if (limit === 0) problems.push(usage("--limit 0 lists nothing", "leave it out for all clients", "bad-value"));
    if (page !== undefined && limit === undefined)
      problems.push(usage("--page needs --limit, the size of a page", "add --limit 20", "page-without-limit"));
    return {
      problems,
      run: async () => {
        if (paged) return onePage(context);
        const items = limit === undefined ? all(context, PAGE_OF_ALL) : some(context, limit, ((page ?? 1) - 1) * limit);
        return { view: LIST_VIEW, many: true, items };
      },
    };
  },
});

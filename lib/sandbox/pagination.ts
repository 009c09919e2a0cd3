import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { malformed, type Refusal } from "./error-bodies.ts";
import type { ClientStore, StoredClient } from "./store.ts";
import type { Behaviour } from "./versions.ts";

/** One page of a list with its headers. */
export interface Page {
  readonly clients: readonly StoredClient[];
  readonly headers: Readonly<Record<string, string>>;
}

/** What a list is asked with. */
export interface ListRequest {
  /** The path of the list, as the links of the answer name it. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly filters: boolean;
}

/** A page, a refusal, or undefined where the server gives no answer at all. */
export type PageAnswer = Page | Refusal | undefined;

type Paging = (store: ClientStore, request: ListRequest) => PageAnswer;

/** A query as Go writes it: sorted by name, with its own set of characters left as they are. */
function goQuery(query: URLSearchParams, changes: readonly (readonly [string, string])[]): string {
  const copy = new URLSearchParams(query);
  for (const [name, value] of changes) copy.set(name, value);
  copy.sort();
  return copy.toString().replaceAll("%7E", "~").replaceAll("*", "%2A");
}

function link({ path, query }: ListRequest, rel: string, changes: readonly (readonly [string, string])[]): string {
  return `<${path}?${goQuery(query, changes)}>; rel="${rel}"`;
}

/** A number of the query as Go reads one, or undefined where it is none. */
function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? "";
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

/** The clients from one position to another among those that the request selects. */
function selected(
  store: ClientStore,
  { query, filters }: ListRequest,
  from: number,
  to: number,
): readonly StoredClient[] {
  const name = query.get("client_name") ?? "";
  const owner = query.get("owner") ?? "";
  if (!filters || (name === "" && owner === "")) return store.slice(from, to);
  return store
    .all()
    .filter((client) => (name === "" || client.name === name) && (owner === "" || client.owner === owner))
    .slice(from, to);
}

/** Writes one link of a list that is counted. */
type Links = (rel: string, size: number, offset: number) => string;

/** How a page that holds exactly all clients is linked: to the first page alone, or to a page before it as well. */
type FullPage = "first" | "previous";

/** The links of a list that is counted: which of first, next, prev and last there are, and where they point. */
function countedLinks(total: number, page: number, size: number, full: FullPage, to: Links): string {
  const offset = page * size;
  const last = total % size === 0 ? total - size : Math.floor(total / size) * size;
  const next = (Math.floor(offset / size) + 1) * size;
  const previous = (Math.floor(offset / size) - 1) * size;
  if (offset >= last) {
    if (total === 0) return [to("first", size, 0), to("next", size, next), to("prev", size, previous)].join(",");
    if (total < size || (total === size && full === "first")) return to("first", total, 0);
    return [to("first", size, 0), to("prev", size, last - size)].join(",");
  }
  if (offset < size) return [to("next", size, size), to("last", size, last)].join(",");
  return [to("first", size, 0), to("next", size, next), to("prev", size, previous), to("last", size, last)].join(",");
}

function counted(
  total: number,
  page: number,
  size: number,
  full: FullPage,
  to: Links,
): Readonly<Record<string, string>> {
  return { link: countedLinks(total, page, size, full, to), "x-total-count": String(total) };
}

/** Limit and offset: 100 clients unless told otherwise, never more than 500. */
function limitAndOffset({ query }: ListRequest): { readonly limit: number; readonly offset: number } {
  const limit = Math.max(0, Math.min(500, integer(query, "limit") ?? 100));
  return { limit, offset: Math.max(0, integer(query, "offset") ?? 0) };
}

function offsetLinks(request: ListRequest): Links {
  return (rel, size, offset) =>
    link(request, rel, [
      ["limit", String(size)],
      ["offset", String(offset)],
    ]);
}

function byOffset(store: ClientStore, request: ListRequest): PageAnswer {
  const { limit, offset } = limitAndOffset(request);
  const size = Math.max(1, limit);
  return {
    clients: selected(store, request, offset, offset + limit),
    headers: counted(store.size(), Math.floor(offset / size), size, "previous", offsetLinks(request)),
  };
}

/** As {@link byOffset}, but an offset inside a page is taken back to the start of that page. */
function byPage(store: ClientStore, request: ListRequest): PageAnswer {
  const { limit, offset } = limitAndOffset(request);
  if (limit === 0) return undefined;
  const page = Math.floor(offset / limit);
  return {
    clients: selected(store, request, page * limit, (page + 1) * limit),
    headers: counted(store.size(), page, limit, "previous", offsetLinks(request)),
  };
}

function offsetToken(offset: number): string {
  return Buffer.from(`{"offset":"${offset}","v":2}`).toString("base64url");
}

/** The offset that a page token stands for; anything that is no token stands for the start. */
function tokenOffset(token: string): number {
  const found = /"offset":\s*"?(-?\d+)/.exec(Buffer.from(token, "base64url").toString());
  return Math.max(0, Number(found?.[1] ?? 0));
}

function byToken(store: ClientStore, request: ListRequest): PageAnswer {
  const size = Math.max(1, Math.min(1000, integer(request.query, "page_size") ?? 250));
  const page = Math.floor(tokenOffset(request.query.get("page_token") ?? "") / size);
  return {
    clients: selected(store, request, page * size, (page + 1) * size),
    headers: counted(store.size(), page, size, "first", (rel, pageSize, offset) =>
      link(request, rel, [
        ["page_size", String(pageSize)],
        ["page_token", offsetToken(offset)],
      ]),
    ),
  };
}

/** Bytes before the id in a page token that show who made it; what is shorter cannot be opened at all. */
const MARK = 24;

/** Position of the first character that makes a text no padded base64url, or -1. */
function strayCharacter(text: string): number {
  const stray = text.search(/[^A-Za-z0-9_-]/);
  const valid = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/.test(text);
  if (valid) return -1;
  return stray === -1 ? text.length - (text.length % 4) : stray;
}

type Opened = { readonly id: string } | { readonly stray: string } | "closes";

/** Page tokens that only the sandbox that made them can read: the id after which the page begins, sealed. */
function cursorTokens(): { readonly seal: (id: string) => string; readonly open: (token: string) => Opened } {
  const key = randomBytes(32);
  const mark = (id: Uint8Array) => createHmac("sha256", key).update(id).digest().subarray(0, MARK);
  return {
    seal: (id) => {
      const bytes = Buffer.from(id);
      const text = Buffer.concat([mark(bytes), bytes]).toString("base64url");
      return text.padEnd(text.length + ((4 - (text.length % 4)) % 4), "=");
    },
    open: (token) => {
      if (token === "") return { id: "" };
      const at = strayCharacter(token);
      if (at !== -1) return { stray: `decode token: illegal base64 data at input byte ${at}` };
      const bytes = Buffer.from(token, "base64url");
      if (bytes.length < MARK) return "closes";
      const id = bytes.subarray(MARK);
      if (!timingSafeEqual(bytes.subarray(0, MARK), mark(id))) return { stray: "decrypt token: %!w(<nil>)" };
      return { id: id.toString() };
    },
  };
}

/** The clients after an id, one more than a page holds, so that it is known whether another page follows. */
function following(store: ClientStore, { query, filters }: ListRequest, id: string, count: number): StoredClient[] {
  const from = store.after(id);
  const name = filters ? (query.get("client_name") ?? "") : "";
  const owner = filters ? (query.get("owner") ?? "") : "";
  if (name === "" && owner === "") return [...store.slice(from, from + count)];
  return store
    .slice(from, store.size())
    .filter((client) => (name === "" || client.name === name) && (owner === "" || client.owner === owner))
    .slice(0, count);
}

function badPage(reason: string): Refusal {
  return malformed(`Unable to parse pagination parameters: ${reason}`);
}

function byCursor(stray: Behaviour["strayToken"]): Paging {
  const { seal, open } = cursorTokens();
  return (store, request) => {
    const opened = open(request.query.get("page_token") ?? "");
    if (opened === "closes" && stray === "closes") return undefined;
    if (opened === "closes" || "stray" in opened) {
      return badPage(stray === "told" || opened === "closes" ? "invalid pagination token" : opened.stray);
    }
    const asked = request.query.get("page_size") ?? "";
    const given = asked === "" ? 0 : integer(request.query, "page_size");
    if (given === undefined) return badPage(`strconv.Atoi: parsing "${asked}": invalid syntax`);
    const size = given <= 0 ? 100 : Math.min(500, given);
    const found = following(store, request, opened.id, size + 1);
    const clients = found.slice(0, size);
    const to = (rel: string, id: string) =>
      link(request, rel, [
        ["page_size", String(size)],
        ["page_token", seal(id)],
      ]);
    const last = clients.at(-1);
    const links = [to("first", ""), ...(found.length > size && last !== undefined ? [to("next", last.id)] : [])];
    return { clients, headers: { link: links.join(",") } };
  };
}

const PAGINGS: Readonly<Record<Behaviour["paging"], (behaviour: Behaviour) => Paging>> = {
  offset: () => byOffset,
  page: () => byPage,
  token: () => byToken,
  cursor: ({ strayToken }) => byCursor(strayToken),
};

/** The way in which a version cuts a list into pages. */
export function pagingOf(behaviour: Behaviour): Paging {
  return PAGINGS[behaviour.paging](behaviour);
}

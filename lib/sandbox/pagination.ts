import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { type ApiError, malformedRequestError } from "./api-errors.ts";
import type { ClientStore, StoredClient } from "./client-store.ts";
import type { Behaviour } from "./versions.ts";

/** A page of a list with its headers. */
interface Page {
  readonly clients: readonly StoredClient[];
  readonly headers: Readonly<Record<string, string>>;
}

/** The parameters of a list. */
interface ListRequest {
  /** The path of the list in links. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly filters: boolean;
}

/** A page, an error, or undefined where the server closes the connection. */
type PageAnswer = Page | ApiError | undefined;

type Paging = (store: ClientStore, request: ListRequest) => PageAnswer;

/** A query as Go encodes it: sorted by name, with its own set of unescaped characters. */
function goQuery(query: URLSearchParams, changes: Readonly<Record<string, string>>): string {
  const copy = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) copy.set(name, value);
  copy.sort();
  return copy.toString().replaceAll("%7E", "~").replaceAll("*", "%2A");
}

function link({ path, query }: ListRequest, rel: string, changes: Readonly<Record<string, string>>): string {
  return `<${path}?${goQuery(query, changes)}>; rel="${rel}"`;
}

/** A number in the query as Go parses it, or undefined if it isn't one. */
function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? "";
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

/** The clients from one position to another, counted from `start`, among those that the request filters for. */
function selected(
  store: ClientStore,
  { query, filters }: ListRequest,
  { start = 0, from, to }: { readonly start?: number; readonly from: number; readonly to: number },
): readonly StoredClient[] {
  const name = filters ? (query.get("client_name") ?? "") : "";
  const owner = filters ? (query.get("owner") ?? "") : "";
  if (name === "" && owner === "") return store.slice(start + from, start + to);
  return store
    .slice(start, store.size())
    .filter(({ view }) => (name === "" || view["client_name"] === name) && (owner === "" || view["owner"] === owner))
    .slice(from, to);
}

/** Formats a link of a list with a total count. */
type Links = (rel: string, size: number, offset: number) => string;

/** The links of a page that holds exactly all clients: only to the first page, or also to a previous one. */
type FullPage = "first" | "previous";

/** The links first, next, prev and last of a list with a total count. */
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

/** Limit and offset: 100 clients by default, never more than 500. */
function limitAndOffset({ query }: ListRequest): { readonly limit: number; readonly offset: number } {
  const limit = Math.max(0, Math.min(500, integer(query, "limit") ?? 100));
  return { limit, offset: Math.max(0, integer(query, "offset") ?? 0) };
}

function offsetLinks(request: ListRequest): Links {
  return (rel, size, offset) => link(request, rel, { limit: String(size), offset: String(offset) });
}

function byOffset(store: ClientStore, request: ListRequest): PageAnswer {
  const { limit, offset } = limitAndOffset(request);
  const size = Math.max(1, limit);
  return {
    clients: selected(store, request, { from: offset, to: offset + limit }),
    headers: counted(store.size(), Math.floor(offset / size), size, "previous", offsetLinks(request)),
  };
}

/** Like {@link byOffset}, but an offset inside a page is rounded down to the start of that page. */
function byPage(store: ClientStore, request: ListRequest): PageAnswer {
  const { limit, offset } = limitAndOffset(request);
  if (limit === 0) return undefined;
  const page = Math.floor(offset / limit);
  return {
    clients: selected(store, request, { from: page * limit, to: (page + 1) * limit }),
    headers: counted(store.size(), page, limit, "previous", offsetLinks(request)),
  };
}

function offsetToken(offset: number): string {
  return Buffer.from(`{"offset":"${offset}","v":2}`).toString("base64url");
}

/** The offset in a page token; an invalid token means the start. */
function tokenOffset(token: string): number {
  const found = /"offset":\s*"?(-?\d+)/.exec(Buffer.from(token, "base64url").toString());
  return Math.max(0, Number(found?.[1] ?? 0));
}

function byToken(store: ClientStore, request: ListRequest): PageAnswer {
  const size = Math.max(1, Math.min(1000, integer(request.query, "page_size") ?? 250));
  const page = Math.floor(tokenOffset(request.query.get("page_token") ?? "") / size);
  return {
    clients: selected(store, request, { from: page * size, to: (page + 1) * size }),
    headers: counted(store.size(), page, size, "first", (rel, pageSize, offset) =>
      link(request, rel, { page_size: String(pageSize), page_token: offsetToken(offset) }),
    ),
  };
}

/** Bytes before the ID in a page token that authenticate it; a shorter token cannot be opened at all. */
const MAC_BYTES = 24;

/** The position of the first character that makes a text invalid as padded base64url, or -1. */
function invalidCharacter(text: string): number {
  const valid = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/.test(text);
  if (valid) return -1;
  const at = text.search(/[^A-Za-z0-9_-]/);
  return at === -1 ? text.length - (text.length % 4) : at;
}

/** An opened page token, or why it is invalid, without a reason for one that is too short. */
type Opened = { readonly id: string } | { readonly invalid: string | undefined };

/** Page tokens that only their own sandbox can read: the ID after which the page begins, authenticated. */
function cursorTokens() {
  const key = randomBytes(32);
  const mac = (id: Uint8Array) => createHmac("sha256", key).update(id).digest().subarray(0, MAC_BYTES);
  return {
    seal: (id: string): string => {
      const bytes = Buffer.from(id);
      const text = Buffer.concat([mac(bytes), bytes]).toString("base64url");
      return text.padEnd(text.length + ((4 - (text.length % 4)) % 4), "=");
    },
    open: (token: string): Opened => {
      if (token === "") return { id: "" };
      const at = invalidCharacter(token);
      if (at !== -1) return { invalid: `decode token: illegal base64 data at input byte ${at}` };
      const bytes = Buffer.from(token, "base64url");
      if (bytes.length < MAC_BYTES) return { invalid: undefined };
      const id = bytes.subarray(MAC_BYTES);
      if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(id))) return { invalid: "decrypt token: %!w(<nil>)" };
      return { id: id.toString() };
    },
  };
}

function badPage(reason: string): ApiError {
  return malformedRequestError(`Unable to parse pagination parameters: ${reason}`);
}

/** The size of a page, or the error for one that is not a number. */
function cursorPageSize(query: URLSearchParams): number | ApiError {
  const given = query.get("page_size") ?? "";
  const size = given === "" ? 0 : integer(query, "page_size");
  if (size === undefined) return badPage(`strconv.Atoi: parsing "${given}": invalid syntax`);
  return size <= 0 ? 100 : Math.min(500, size);
}

function invalidPage(reason: string | undefined, invalidToken: Behaviour["invalidToken"]): PageAnswer {
  if (invalidToken === "rejected") return badPage("invalid pagination token");
  return reason === undefined ? undefined : badPage(reason);
}

function byCursor(invalidToken: Behaviour["invalidToken"]): Paging {
  const { seal, open } = cursorTokens();
  return (store, request) => {
    const opened = open(request.query.get("page_token") ?? "");
    if ("invalid" in opened) return invalidPage(opened.invalid, invalidToken);
    const size = cursorPageSize(request.query);
    if (typeof size !== "number") return size;
    // One more than a page holds shows whether another page follows.
    const found = selected(store, request, { start: store.after(opened.id), from: 0, to: size + 1 });
    const clients = found.slice(0, size);
    const to = (rel: string, id: string) => link(request, rel, { page_size: String(size), page_token: seal(id) });
    const last = clients.at(-1);
    const links = [to("first", ""), ...(found.length > size && last !== undefined ? [to("next", last.id)] : [])];
    return { clients, headers: { link: links.join(",") } };
  };
}

const PAGINGS: Readonly<Record<Behaviour["paging"], (behaviour: Behaviour) => Paging>> = {
  offset: () => byOffset,
  page: () => byPage,
  token: () => byToken,
  cursor: ({ invalidToken }) => byCursor(invalidToken),
};

/** How a version splits a list into pages. */
export function createClientPaginator(behaviour: Behaviour): Paging {
  return PAGINGS[behaviour.paging](behaviour);
}

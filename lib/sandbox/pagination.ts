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

/** Gives the page of a list that a request asks for; undefined if the server closes the connection. */
type ClientPaginator = (store: ClientStore, request: ListRequest) => Page | undefined;

/** A query as Go encodes it: sorted by name, with its own set of unescaped characters. */
function formatGoQueryWithChanges(query: URLSearchParams, changes: Readonly<Record<string, string>>): string {
  const copy = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) copy.set(name, value);
  copy.sort();
  return copy.toString().replaceAll("%7E", "~").replaceAll("*", "%2A");
}

/** One link of a Link header (RFC 8288), with changed query parameters. */
function formatPageLink({ path, query }: ListRequest, rel: string, changes: Readonly<Record<string, string>>): string {
  return `<${path}?${formatGoQueryWithChanges(query, changes)}>; rel="${rel}"`;
}

/** A number in the query as Go parses it, or undefined if it isn't one. */
function parseQueryInteger(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? "";
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

/** The clients from one position to another, counted from `start`, among those that the request filters for. */
function filterAndSliceClients(
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
type PageLinkFormatter = (rel: string, size: number, offset: number) => string;

/** The links of a page that holds exactly all clients: only to the first page, or also to a previous one. */
type SoleFullPageLinks = "first" | "previous";

/** The links first, next, prev and last of a page, by the total count. */
function linkHeaderFromTotal(
  total: number,
  page: number,
  size: number,
  full: SoleFullPageLinks,
  to: PageLinkFormatter,
): string {
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

/** The headers `Link` and `X-Total-Count` of a page. */
function linkAndTotalCountHeaders(
  total: number,
  page: number,
  size: number,
  full: SoleFullPageLinks,
  to: PageLinkFormatter,
): Readonly<Record<string, string>> {
  return { link: linkHeaderFromTotal(total, page, size, full, to), "x-total-count": String(total) };
}

/** Limit and offset: 100 clients by default, never more than 500. */
function limitAndOffset({ query }: ListRequest): { readonly limit: number; readonly offset: number } {
  const limit = Math.max(0, Math.min(500, parseQueryInteger(query, "limit") ?? 100));
  return { limit, offset: Math.max(0, parseQueryInteger(query, "offset") ?? 0) };
}

function createOffsetLinkFormatter(request: ListRequest): PageLinkFormatter {
  return (rel, size, offset) => formatPageLink(request, rel, { limit: String(size), offset: String(offset) });
}

function paginateByOffset(store: ClientStore, request: ListRequest): Page {
  const { limit, offset } = limitAndOffset(request);
  const size = Math.max(1, limit);
  return {
    clients: filterAndSliceClients(store, request, { from: offset, to: offset + limit }),
    headers: linkAndTotalCountHeaders(
      store.size(),
      Math.floor(offset / size),
      size,
      "previous",
      createOffsetLinkFormatter(request),
    ),
  };
}

/** Like {@link paginateByOffset}, but an offset inside a page is rounded down to the start of that page. */
function paginateByPage(store: ClientStore, request: ListRequest): Page | undefined {
  const { limit, offset } = limitAndOffset(request);
  if (limit === 0) return undefined;
  const page = Math.floor(offset / limit);
  return {
    clients: filterAndSliceClients(store, request, { from: page * limit, to: (page + 1) * limit }),
    headers: linkAndTotalCountHeaders(store.size(), page, limit, "previous", createOffsetLinkFormatter(request)),
  };
}

/** A page token with an offset. */
function encodeOffsetToken(offset: number): string {
  return Buffer.from(`{"offset":"${offset}","v":2}`).toString("base64url");
}

/** The offset in a page token; an invalid token means the start. */
function decodeOffsetToken(token: string): number {
  const found = /"offset":\s*"?(-?\d+)/.exec(Buffer.from(token, "base64url").toString());
  return Math.max(0, Number(found?.[1] ?? 0));
}

function paginateByToken(store: ClientStore, request: ListRequest): Page {
  const size = Math.max(1, Math.min(1000, parseQueryInteger(request.query, "page_size") ?? 250));
  const page = Math.floor(decodeOffsetToken(request.query.get("page_token") ?? "") / size);
  return {
    clients: filterAndSliceClients(store, request, { from: page * size, to: (page + 1) * size }),
    headers: linkAndTotalCountHeaders(store.size(), page, size, "first", (rel, pageSize, offset) =>
      formatPageLink(request, rel, { page_size: String(pageSize), page_token: encodeOffsetToken(offset) }),
    ),
  };
}

/** Bytes before the ID in a page token that authenticate it; a shorter token cannot be opened at all. */
const MAC_BYTES = 24;

/** The position of the first character that makes a text invalid as padded base64url, or -1. */
function findInvalidBase64Position(text: string): number {
  const valid = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/.test(text);
  if (valid) return -1;
  const at = text.search(/[^A-Za-z0-9_-]/);
  return at === -1 ? text.length - (text.length % 4) : at;
}

/** An opened page token, or why it is invalid, without a reason for one that is too short: the server then hangs up. */
type OpenedPageToken = { readonly id: string } | { readonly invalid: string | undefined };

/** Page tokens that only their own sandbox can read: the ID after which the page begins, authenticated. */
function createPageTokenSealer() {
  const key = randomBytes(32);
  const mac = (id: Uint8Array) => createHmac("sha256", key).update(id).digest().subarray(0, MAC_BYTES);
  return {
    seal: (id: string): string => {
      const bytes = Buffer.from(id);
      const text = Buffer.concat([mac(bytes), bytes]).toString("base64url");
      return text.padEnd(text.length + ((4 - (text.length % 4)) % 4), "=");
    },
    open: (token: string): OpenedPageToken => {
      if (token === "") return { id: "" };
      const at = findInvalidBase64Position(token);
      if (at !== -1) return { invalid: `decode token: illegal base64 data at input byte ${at}` };
      const bytes = Buffer.from(token, "base64url");
      if (bytes.length < MAC_BYTES) return { invalid: undefined };
      const id = bytes.subarray(MAC_BYTES);
      if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(id))) return { invalid: "decrypt token: %!w(<nil>)" };
      return { id: id.toString() };
    },
  };
}

/** A parameter of a list is invalid. */
function invalidPaginationError(reason: string): ApiError {
  return malformedRequestError(`Unable to parse pagination parameters: ${reason}`);
}

/** The size of a page. */
function cursorPageSize(query: URLSearchParams): number {
  const given = query.get("page_size") ?? "";
  const size = given === "" ? 0 : parseQueryInteger(query, "page_size");
  if (size === undefined) throw invalidPaginationError(`strconv.Atoi: parsing "${given}": invalid syntax`);
  return size <= 0 ? 100 : Math.min(500, size);
}

function createCursorPaginator(invalidToken: Behaviour["invalidToken"]): ClientPaginator {
  const { seal, open } = createPageTokenSealer();
  return (store, request) => {
    const opened = open(request.query.get("page_token") ?? "");
    if ("invalid" in opened) {
      const reason = invalidToken === "rejected" ? "invalid pagination token" : opened.invalid;
      if (reason === undefined) return undefined;
      throw invalidPaginationError(reason);
    }
    const size = cursorPageSize(request.query);
    // One more than a page holds shows whether another page follows.
    const found = filterAndSliceClients(store, request, { start: store.after(opened.id), from: 0, to: size + 1 });
    const clients = found.slice(0, size);
    const to = (rel: string, id: string) =>
      formatPageLink(request, rel, { page_size: String(size), page_token: seal(id) });
    const last = clients.at(-1);
    const links = [to("first", ""), ...(found.length > size && last !== undefined ? [to("next", last.id)] : [])];
    return { clients, headers: { link: links.join(",") } };
  };
}

const PAGINGS: Readonly<Record<Behaviour["paging"], (behaviour: Behaviour) => ClientPaginator>> = {
  offset: () => paginateByOffset,
  page: () => paginateByPage,
  token: () => paginateByToken,
  cursor: ({ invalidToken }) => createCursorPaginator(invalidToken),
};

/** How a version splits a list into pages. */
export function createClientPaginator(behaviour: Behaviour): ClientPaginator {
  return PAGINGS[behaviour.paging](behaviour);
}

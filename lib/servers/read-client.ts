import type { ClientRecord } from "../core/client/client.ts";
import { endOfString, isJsonObject, JsonDepthError, MAX_DEPTH, nestsDeeper, partsOf, readJson } from "../core/json.ts";

/** A client in an answer, and the names of its fields that nest too deep to be read, which are null in it. */
export interface ReadClient {
  readonly record: ClientRecord;
  readonly unread: readonly string[];
}

/** The clients of a list, and for those that were not read as a whole the fields that nest too deep. */
export interface ReadClients {
  readonly records: readonly ClientRecord[];
  readonly unread: ReadonlyMap<ClientRecord, readonly string[]>;
}

/** The fields that this program relies on; all others are kept as they are, and nothing is copied, as lists are long. */
export function isClientRecord(value: unknown): value is ClientRecord {
  if (!isJsonObject(value)) return false;
  const { client_id: id, client_secret: secret } = value;
  return typeof id === "string" && id !== "" && (secret === undefined || secret === null || typeof secret === "string");
}

/** What stands for JSON that nests too deep to be given. */
const DEEP = Symbol("deep");

/** The client that an answer is; undefined where it is something else. */
export function clientIn(text: string): ReadClient | undefined {
  const read = readDeep(text, MAX_DEPTH);
  if (read === DEEP) return fieldByField(text);
  return isClientRecord(read) ? { record: read, unread: [] } : undefined;
}

/** The clients of an answer that is a list; undefined where it is something else. */
export function clientsIn(text: string): ReadClients | undefined {
  const read = readDeep(text, MAX_DEPTH + 1);
  if (read !== DEEP)
    return Array.isArray(read) && read.every(isClientRecord) ? { records: read, unread: new Map() } : undefined;
  if (!begins(text, "[")) return undefined;
  const records: ClientRecord[] = [];
  const unread = new Map<ClientRecord, readonly string[]>();
  for (const part of partsOf(text)) {
    const client = nestsDeeper(part, MAX_DEPTH) ? fieldByField(part) : clientIn(part);
    if (client === undefined) return undefined;
    records.push(client.record);
    if (client.unread.length > 0) unread.set(client.record, client.unread);
  }
  return { records, unread };
}

/** Reads what can be read of a client that is JSON and nests too deep. */
function fieldByField(text: string): ReadClient | undefined {
  if (!begins(text, "{")) return undefined;
  const unread: string[] = [];
  const members = partsOf(text).map((part): readonly [string, unknown] => {
    const quote = part.indexOf('"');
    const end = endOfString(part, quote) + 1;
    const field = String(readJson(part.slice(quote, end)));
    const value = part.slice(part.indexOf(":", end) + 1);
    if (!nestsDeeper(value, MAX_DEPTH - 1)) return [field, readJson(value)];
    unread.push(field);
    return [field, null];
  });
  const record: unknown = Object.fromEntries(members);
  return isClientRecord(record) ? { record, unread } : undefined;
}

function begins(text: string, bracket: string): boolean {
  return text.trimStart().startsWith(bracket);
}

/** Reads JSON, or says that it is JSON and nests deeper; undefined for what is none. */
function readDeep(text: string, depth: number): unknown {
  try {
    return readJson(text, depth);
  } catch (error) {
    return error instanceof JsonDepthError ? DEEP : undefined;
  }
}

/** Whether a text is JSON, however deep. */
export function isJson(text: string): boolean {
  return readDeep(text, MAX_DEPTH) !== undefined;
}

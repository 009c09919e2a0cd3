import { isRecord, parseJson } from "../core/client.ts";
import { endOfString, MAX_DEPTH, partsOf } from "../core/json.ts";

/** A client as a server tells it: fields that this program does not know are kept. */
export type ClientRecord = Readonly<Record<string, unknown>> & { readonly client_id: string };

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
  if (!isRecord(value)) return false;
  const { client_id: id, client_secret: secret } = value;
  return typeof id === "string" && id !== "" && (secret === undefined || secret === null || typeof secret === "string");
}

/** The client that an answer is; undefined where it is something else. */
export function clientIn(text: string): ReadClient | undefined {
  const whole = parseJson(text);
  if (whole !== undefined) return isClientRecord(whole.value) ? { record: whole.value, unread: [] } : undefined;
  return begins(text, "{") && isJson(text) ? fieldByField(text) : undefined;
}

/** The clients of an answer that is a list; undefined where it is something else. */
export function clientsIn(text: string): ReadClients | undefined {
  const whole = parseJson(text, MAX_DEPTH + 1);
  if (whole !== undefined) {
    const { value } = whole;
    return Array.isArray(value) && value.every(isClientRecord) ? { records: value, unread: new Map() } : undefined;
  }
  if (!begins(text, "[") || !isJson(text)) return undefined;
  const records: ClientRecord[] = [];
  const unread = new Map<ClientRecord, readonly string[]>();
  for (const part of partsOf(text)) {
    const read = clientIn(part);
    if (read === undefined) return undefined;
    records.push(read.record);
    if (read.unread.length > 0) unread.set(read.record, read.unread);
  }
  return { records, unread };
}

/** Reads what can be read of a client that nests too deep. */
function fieldByField(text: string): ReadClient | undefined {
  const unread: string[] = [];
  const members = partsOf(text).flatMap((part): readonly (readonly [string, unknown])[] => {
    const member = parseJson(`{${part}}`)?.value;
    if (isRecord(member)) return Object.entries(member);
    const name = part.slice(part.indexOf('"'), endOfString(part, part.indexOf('"')) + 1);
    const field = String(parseJson(name)?.value);
    unread.push(field);
    return [[field, null]];
  });
  const record: unknown = Object.fromEntries(members);
  return isClientRecord(record) ? { record, unread } : undefined;
}

function begins(text: string, bracket: string): boolean {
  return text.trimStart().startsWith(bracket);
}

/** Whether a text is JSON, however deep. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

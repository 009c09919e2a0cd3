import * as v from "valibot";
import type { ClientRecord } from "../core/client/client.ts";
import {
  closingQuoteOffset,
  isJsonObject,
  JsonDepthError,
  MAX_DEPTH,
  parseJsonExactly,
  splitMemberTexts,
  textNestsDeeper,
} from "../core/json/json.ts";

/** A client in a response, and the names of its fields that are nested too deep to be read; they are null in it. */
export interface ClientWithUnreadFields {
  readonly record: ClientRecord;
  readonly unread: readonly string[];
}

/** The clients of a list, and the fields that are nested too deep for those that could only be read in part. */
interface ClientListWithUnreadFields {
  readonly records: readonly ClientRecord[];
  readonly unread: ReadonlyMap<ClientRecord, readonly string[]>;
}

/** The fields that this program relies on. Other fields stay as they are, and nothing is copied, since lists are long. */
const EssentialClientFields = v.object({
  client_id: v.pipe(v.string(), v.nonEmpty()),
  client_secret: v.nullish(v.string()),
});

function isClientRecord(value: unknown): value is ClientRecord {
  return isJsonObject(value) && v.is(EssentialClientFields, value);
}

/** In place of JSON that is nested too deep. */
const TOO_DEEP_SIGNAL = Symbol("too deep");

/** The client in a response; undefined if it is something else. */
export function parseClient(text: string): ClientWithUnreadFields | undefined {
  const read = parseJsonOrTooDeep(text, MAX_DEPTH);
  if (read === TOO_DEEP_SIGNAL) return parseClientFieldByField(text);
  return isClientRecord(read) ? { record: read, unread: [] } : undefined;
}

/** The clients in a response with a list; undefined if it is something else. */
export function parseClientList(text: string): ClientListWithUnreadFields | undefined {
  const read = parseJsonOrTooDeep(text, MAX_DEPTH + 1);
  if (read !== TOO_DEEP_SIGNAL)
    return Array.isArray(read) && read.every(isClientRecord) ? { records: read, unread: new Map() } : undefined;
  if (!startsWithBracket(text, "[")) return undefined;
  const records: ClientRecord[] = [];
  const unread = new Map<ClientRecord, readonly string[]>();
  for (const part of splitMemberTexts(text)) {
    const client = textNestsDeeper(part, MAX_DEPTH) ? parseClientFieldByField(part) : parseClient(part);
    if (client === undefined) return undefined;
    records.push(client.record);
    if (client.unread.length > 0) unread.set(client.record, client.unread);
  }
  return { records, unread };
}

/** Reads the fields that can be read of a client that is nested too deep. */
function parseClientFieldByField(text: string): ClientWithUnreadFields | undefined {
  if (!startsWithBracket(text, "{")) return undefined;
  const unread: string[] = [];
  const members = splitMemberTexts(text).map((part): readonly [string, unknown] => {
    const quote = part.indexOf('"');
    const end = closingQuoteOffset(part, quote) + 1;
    const field = String(parseJsonExactly(part.slice(quote, end)));
    const value = part.slice(part.indexOf(":", end) + 1);
    if (!textNestsDeeper(value, MAX_DEPTH - 1)) return [field, parseJsonExactly(value)];
    unread.push(field);
    return [field, null];
  });
  const record: unknown = Object.fromEntries(members);
  return isClientRecord(record) ? { record, unread } : undefined;
}

function startsWithBracket(text: string, bracket: string): boolean {
  return text.trimStart().startsWith(bracket);
}

/** Reads JSON; {@link TOO_DEEP_SIGNAL} if it is nested deeper, undefined if it isn't JSON. */
function parseJsonOrTooDeep(text: string, depth: number): unknown {
  try {
    return parseJsonExactly(text, depth);
  } catch (error) {
    return error instanceof JsonDepthError ? TOO_DEEP_SIGNAL : undefined;
  }
}

/** Whether a text is JSON, at any depth. */
export function isJsonText(text: string): boolean {
  return parseJsonOrTooDeep(text, MAX_DEPTH) !== undefined;
}

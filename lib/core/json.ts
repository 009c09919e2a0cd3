import { trimmedEnd, trimmedStart } from "./text.ts";

/** A JSON object, or anything that has members. */
export type JsonObject = Readonly<Record<string, unknown>>;

declare global {
  /** What TypeScript's library does not declare yet: the source text of numbers, and numbers written as their text. */
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
    rawJSON(text: string): object;
    isRawJSON(value: unknown): value is object;
  }
}

/** A text in which a number may stand that the runtime cannot hold; most texts have none and are read the fast way. */
const LONG_NUMBER = /(?:^|[:,[\s])-?\d(?:[\d.]{15}|[\d.]*[eE])/;

/** The most objects and lists within each other that a client may have; beyond it readers and writers would need a stack of their own. */
export const MAX_DEPTH = 500;

/** How deep a file of clients may nest: a list of them may stand in the envelope of a list. */
export const FILE_DEPTH = MAX_DEPTH + 2;

/** The code of the problem of a client that nests deeper. */
export const TOO_DEEP_CODE = "too-deep";

/** JSON that nests deeper than it may. */
export class JsonDepthError extends Error {
  override readonly name = "JsonDepthError";
}

/** Whether a value is a JSON object: not an array, not null, not a number that keeps its text. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

/** Whether a JSON value has more than `most` objects and lists within each other; looks level by level, without recursion. */
export function isTooDeep(value: unknown, most = MAX_DEPTH): boolean {
  let level: readonly unknown[] = [value].filter(isContainer);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > most) return true;
    const below: unknown[] = [];
    for (const container of level) {
      if (!isContainer(container)) continue;
      for (const member of Array.isArray(container) ? container : Object.values(container))
        if (isContainer(member)) below.push(member);
    }
    level = below;
  }
  return false;
}

const utf8 = new TextEncoder();

/**
 * Whether a JSON value is larger than `most` bytes when it is written, give or take its punctuation. Stops counting there: a
 * value of which parts are the same object, as YAML aliases make them, may be far larger than the memory.
 */
export function isLargerThan(value: unknown, most: number): boolean {
  const rest: unknown[] = [value];
  let left = most;
  const take = (text: string): void => {
    left -= 3 * text.length <= left ? text.length : utf8.encode(text).length;
  };
  while (rest.length > 0 && left >= 0) {
    const member = rest.pop();
    if (typeof member === "string") take(member);
    else if (!isContainer(member)) take(numberText(member) ?? String(member));
    else {
      const list = Array.isArray(member);
      for (const [key, item] of Object.entries(member)) {
        left--;
        if (!list) take(key);
        if (left < 0) break;
        rest.push(item);
      }
    }
  }
  return left < 0;
}

function isContainer(value: unknown): value is readonly unknown[] | JsonObject {
  return typeof value === "object" && value !== null && !JSON.isRawJSON(value);
}

/**
 * Reads JSON as `JSON.parse` does, and throws as it does, or a {@link JsonDepthError}; a number that the runtime cannot
 * hold, such as an id of 64 bits in a client's metadata, keeps its text and is written back as it came.
 */
export function readJson(text: string, most = MAX_DEPTH): unknown {
  const value: unknown = JSON.parse(text);
  // Before the reviver, which calls itself for every level.
  if (isTooDeep(value, most)) throw new JsonDepthError(`JSON nests more than ${most} levels deep`);
  if (!LONG_NUMBER.test(text)) return value;
  return JSON.parse(text, (_, member, { source }) =>
    typeof member === "number" && source !== undefined && !isKept(member, source) ? JSON.rawJSON(source) : member,
  );
}

function isKept(value: number, source: string): boolean {
  return Number.isFinite(value) && canonical(source) === canonical(String(value));
}

/** A decimal number as its digits and their exponent, the same for all spellings of one value. */
function canonical(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`;
  const rest = trimmedStart(digits, "0");
  const short = trimmedEnd(rest, "0");
  return short === "" ? "0" : `${sign}${short}e${Number(exponent) - fraction.length + rest.length - short.length}`;
}

/** The offset of the quote that ends a string in a JSON text, from that of the one that begins it; else the end of the text. */
export function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
  return at;
}

/** Whether a JSON text nests deeper than that; looks no further than it has to. */
export function nestsDeeper(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charAt(at);
    if (c === '"') at = endOfString(text, at);
    else if (c === "{" || c === "[") {
      if (++depth > most) return true;
    } else if (c === "}" || c === "]") depth--;
  }
  return false;
}

/** The members of the object or list that a text is, which has to be JSON, each as its text; without recursion. */
export function partsOf(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charAt(at);
    if (c === '"') at = endOfString(text, at);
    else if (c === "{" || c === "[") {
      if (depth++ === 0) start = at + 1;
    } else if (c === "}" || c === "]") {
      if (--depth === 0) parts.push(text.slice(start, at));
    } else if (c === "," && depth === 1) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return parts.filter((part) => part.trim() !== "");
}

/** A whole number of any size as a JSON value. */
export function wholeNumber(value: bigint): unknown {
  return readJson(String(value));
}

/** The text of a number that {@link readJson} kept as it came; undefined for every other value. */
export function numberText(value: unknown): string | undefined {
  return JSON.isRawJSON(value) ? JSON.stringify(value) : undefined;
}

/** Escapes what JSON leaves raw and a terminal could act on; such characters stand only inside strings. */
const RAW_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A value as JSON text, with `indent` spaces a level, harmless on a terminal; what JSON cannot hold is null. */
export function toJson(value: unknown, indent = 0): string {
  const text: string | undefined = JSON.stringify(value, null, indent);
  return (text ?? "null").replace(RAW_IN_JSON, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

import { trimCharactersAtEnd, trimCharactersAtStart } from "../text.ts";

/** A JSON object, or anything that has members. */
export type JsonObject = Readonly<Record<string, unknown>>;

declare global {
  /** Not in TypeScript's library yet: the source text of numbers, and numbers that are written as given. */
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
    rawJSON(text: string): object;
    isRawJSON(value: unknown): value is object;
  }
}

/** Matches a text that may contain a number beyond JavaScript's precision; most texts have none and are parsed the fast way. */
const LONG_NUMBER_PATTERN = /(?:^|[:,[\s])-?\d(?:[\d.]{15}|[\d.]*[eE])/;

/** How many levels of objects and lists a client may have; reading and writing deeper ones could overflow the stack. */
export const MAX_DEPTH = 500;

/** How many levels a file of clients may have: the clients may be in the envelope of a list. */
export const FILE_DEPTH = MAX_DEPTH + 2;

/** The problem code for a client that nests deeper. */
export const TOO_DEEP_CODE = "too-deep";

/** JSON that exceeds the allowed depth. */
export class JsonDepthError extends Error {
  override readonly name = "JsonDepthError";
}

/** Whether a value is a JSON object: not an array, not null, not a number that keeps its text. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

/** An object as it is, and an empty one for any other value. */
export function objectOrEmpty(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

type Container = readonly unknown[] | JsonObject;

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null && !JSON.isRawJSON(value);
}

function childValues(container: Container): readonly unknown[] {
  return Array.isArray(container) ? container : Object.values(container);
}

function innerContainers(level: readonly Container[]): readonly Container[] {
  const inner: Container[] = [];
  for (const container of level)
    for (const member of childValues(container)) if (isContainer(member)) inner.push(member);
  return inner;
}

/** Whether a JSON value has more than `most` levels of objects and lists; goes level by level, without recursion. */
export function isTooDeep(value: unknown, most = MAX_DEPTH): boolean {
  let level: readonly Container[] = [value].filter(isContainer);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > most) return true;
    level = innerContainers(level);
  }
  return false;
}

const utf8 = new TextEncoder();

/**
 * Whether a JSON value takes more than about `most` bytes when it is written. Counting stops there: a value that contains
 * the same object many times, as YAML aliases can, may be far larger than the memory.
 */
export function takesMoreBytesThan(value: unknown, most: number): boolean {
  const pending: unknown[] = [value];
  let left = most;
  const count = (text: string): void => {
    // Exact only near the limit; a character takes at most three bytes a code unit.
    left -= 3 * text.length <= left ? text.length : utf8.encode(text).length;
  };
  while (pending.length > 0 && left >= 0) {
    const next = pending.pop();
    if (!isContainer(next)) {
      count(typeof next === "string" ? next : (preservedNumberText(next) ?? String(next)));
      continue;
    }
    const members = childValues(next);
    left -= members.length;
    if (!Array.isArray(next)) for (const key of Object.keys(next)) count(key);
    for (const member of members) pending.push(member);
  }
  return left < 0;
}

/**
 * Parses JSON like `JSON.parse`, and also throws a {@link JsonDepthError}. A number that JavaScript can't represent, such
 * as a 64-bit ID in a client's metadata, keeps its text and is written back unchanged.
 */
export function parseJsonExactly(text: string, most = MAX_DEPTH): unknown {
  const value: unknown = JSON.parse(text);
  // Before the reviver, which recurses into every level.
  if (isTooDeep(value, most)) throw new JsonDepthError(`JSON nests more than ${most} levels deep`);
  if (!LONG_NUMBER_PATTERN.test(text)) return value;
  return JSON.parse(text, (_, member, { source }) =>
    typeof member === "number" && source !== undefined && !isExactNumber(member, source)
      ? JSON.rawJSON(source)
      : member,
  );
}

function isExactNumber(value: number, source: string): boolean {
  return Number.isFinite(value) && canonicalDecimal(source) === canonicalDecimal(String(value));
}

/**
 * A decimal number as digits and exponent, the same for all spellings of one value; the text itself if the exponent is too
 * large for that.
 */
function canonicalDecimal(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`;
  const rest = trimCharactersAtStart(digits, "0");
  const short = trimCharactersAtEnd(rest, "0");
  if (short === "") return "0";
  const power = Number(exponent) - fraction.length + rest.length - short.length;
  return Number.isSafeInteger(power) ? `${sign}${short}e${power}` : text;
}

/** The offset of the closing quote of a JSON string, or the length of the text if there is none. */
export function closingQuoteOffset(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
  return at;
}

/**
 * Yields the brackets and commas of a JSON text, without those in strings, and the depth of the object or list of each.
 */
function* scanBracketsAndCommas(text: string): Generator<{ readonly at: number; readonly depth: number }> {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charAt(at);
    if (c === '"') at = closingQuoteOffset(text, at);
    else if (c === "{" || c === "[") yield { at, depth: ++depth };
    else if (c === "}" || c === "]") yield { at, depth: depth-- };
    else if (c === ",") yield { at, depth };
  }
}

/** Whether a JSON text nests deeper than `most` levels; reads no further than necessary. */
export function textNestsDeeper(text: string, most: number): boolean {
  for (const { depth } of scanBracketsAndCommas(text)) if (depth > most) return true;
  return false;
}

/** The members of the object or list in a JSON text, each as its text; without recursion. */
export function splitMemberTexts(text: string): readonly string[] {
  const parts: string[] = [];
  let start: number | undefined;
  for (const { at, depth } of scanBracketsAndCommas(text)) {
    if (depth !== 1) continue;
    if (start !== undefined) parts.push(text.slice(start, at));
    start = at + 1;
  }
  return parts.filter((part) => part.trim() !== "");
}

/** The object or list that a text begins with, without what follows it; undefined if it has no end. */
export function leadingContainerText(text: string): string | undefined {
  for (const { at, depth } of scanBracketsAndCommas(text))
    if (depth === 1 && "]}".includes(text.charAt(at))) return text.slice(0, at + 1);
  return undefined;
}

/** The text of a number that {@link parseJsonExactly} preserved; undefined for any other value. */
export function preservedNumberText(value: unknown): string | undefined {
  return JSON.isRawJSON(value) ? JSON.stringify(value) : undefined;
}

/** What JSON leaves unescaped but a terminal could interpret; these characters only occur inside strings. */
const UNESCAPED_IN_JSON_PATTERN = /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A value as JSON text that is safe to print on a terminal; what JSON can't represent becomes null. */
export function toTerminalSafeJson(value: unknown, indent = 0): string {
  const text: string | undefined = JSON.stringify(value, null, indent);
  return (text ?? "null").replace(
    UNESCAPED_IN_JSON_PATTERN,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Whether two values are one number that {@link parseJsonExactly} preserved, in any spelling. */
function isSamePreservedNumber(a: unknown, b: unknown): boolean {
  const [one, other] = [preservedNumberText(a), preservedNumberText(b)];
  return one !== undefined && other !== undefined && canonicalDecimal(one) === canonicalDecimal(other);
}

/** Whether two JSON values are equal; the order matters in a list, not in an object. */
export function isSameJson(a: unknown, b: unknown): boolean {
  // Not Object.is(): a -0 is written as 0.
  if (a === b) return true;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isSameJson(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return isSamePreservedNumber(a, b);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSameJson(a[key], b[key]))
  );
}

/** Parses JSON without throwing; undefined for a text that isn't JSON or that nests deeper. */
export function parseJsonOrUndefined(text: string, depth = MAX_DEPTH): { readonly value: unknown } | undefined {
  try {
    return { value: parseJsonExactly(text, depth) };
  } catch {
    return undefined;
  }
}

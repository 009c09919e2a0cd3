import { type Problem, usageError } from "../problem.ts";
import type { TextRange } from "../redact.ts";
import { escapeControls, quote } from "../text.ts";
import { isTooDeep, MAX_DEPTH, parseJsonExactly } from "./json.ts";

/** A syntax error. The reason quotes no value of the text, which may be a secret. */
interface JsonFault {
  readonly offset: number;
  readonly reason: string;
  /** Where a name that occurs twice is for the first time. */
  readonly first?: number;
}

/** An unclosed object or list; an object with its names so far. */
interface OpenContainer {
  readonly closer: "}" | "]";
  /** With their offsets. */
  readonly names: Map<string, number> | undefined;
}

class JsonScanError extends Error {
  readonly offset: number;
  readonly first: number | undefined;

  constructor(offset: number, reason: string, first?: number) {
    super(reason);
    this.offset = offset;
    this.first = first;
  }
}

const WHITE_SPACE = " \t\r\n";

const NUMBER_PATTERN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

const ESCAPE_PATTERN = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

const LITERALS = ["true", "false", "null"];

/**
 * Scans JSON (RFC 8259) in which comments are allowed wherever white space is, and duplicate names are not. Runs without
 * recursion and in linear time.
 */
class JsonScanner {
  readonly comments: TextRange[] = [];
  readonly #text: string;
  readonly #depth: number;
  readonly #open: OpenContainer[] = [];
  #at = 0;

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  /** The values in the text, of which there may be several. */
  values(): readonly TextRange[] {
    const found: TextRange[] = [];
    for (this.#skip(); this.#at < this.#text.length; this.#skip()) {
      const start = this.#at;
      this.#value();
      found.push({ start, end: this.#at });
    }
    return found;
  }

  /** Skips a value with everything in it. */
  #value(): void {
    do {
      this.#skip();
      const begun = this.#opens();
      if (begun === "filled") continue;
      if (begun === undefined) this.#scalar();
      while (this.#open.length > 0 && this.#closes());
    } while (this.#open.length > 0);
  }

  /** Skips the bracket that opens an object or list, up to its first value or its end; undefined if there is none. */
  #opens(): "filled" | "empty" | undefined {
    const c = this.#char();
    if (c !== "{" && c !== "[") return undefined;
    if (this.#open.length === this.#depth) throw this.#fault(`it nests more than ${this.#depth} levels deep`);
    this.#open.push(c === "{" ? { closer: "}", names: new Map() } : { closer: "]", names: undefined });
    this.#at++;
    this.#skip();
    if (this.#char() === this.#open.at(-1)?.closer) return "empty";
    this.#name();
    return "filled";
  }

  /** After a value, skips the bracket that closes its object or list, or the comma before the next value. */
  #closes(): boolean {
    this.#skip();
    const c = this.#char();
    const closer = this.#open.at(-1)?.closer;
    if (c === closer) {
      this.#at++;
      this.#open.pop();
      return true;
    }
    if (c !== ",") throw this.#fault(`a comma or ${closer} is missing`);
    const comma = this.#at++;
    this.#skip();
    if (this.#char() === closer) throw new JsonScanError(comma, `a trailing comma before ${closer}`);
    this.#name();
    return false;
  }

  /** In an object, skips the name of the next member and its colon. */
  #name(): void {
    const names = this.#open.at(-1)?.names;
    if (names === undefined) return;
    const start = this.#at;
    if (this.#char() !== '"') throw this.#fault("a name in double quotes is expected");
    this.#string();
    const written = this.#text.slice(start, this.#at);
    const name = written.includes("\\") ? String(JSON.parse(written)) : written.slice(1, -1);
    const first = names.get(name);
    if (first !== undefined) throw new JsonScanError(start, `name ${quote(name)} occurs twice in an object`, first);
    names.set(name, start);
    this.#skip();
    if (this.#char() !== ":") throw this.#fault("a colon is missing after a name");
    this.#at++;
  }

  #scalar(): void {
    const c = this.#char();
    if (c === '"') {
      this.#string();
      return;
    }
    const literal = LITERALS.find((word) => this.#text.startsWith(word, this.#at));
    if (literal !== undefined) {
      this.#at += literal.length;
      return;
    }
    if (!this.#pass(NUMBER_PATTERN))
      throw this.#fault(c === "'" ? "a string needs double quotes" : "a value is missing");
  }

  #string(): void {
    const start = this.#at++;
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charCodeAt(this.#at);
      if (c === 0x22) {
        this.#at++;
        return;
      }
      if (c < 0x20) throw this.#fault("a string holds a line break or another control character");
      if (c !== 0x5c) continue;
      if (!this.#pass(ESCAPE_PATTERN)) throw this.#fault("a string has an unknown escape");
      this.#at--;
    }
    throw new JsonScanError(start, "a string has no closing quote");
  }

  /** Skips white space and comments. */
  #skip(): void {
    for (;;) {
      while (this.#at < this.#text.length && WHITE_SPACE.includes(this.#char())) this.#at++;
      if (this.#char() !== "/") return;
      const start = this.#at;
      if (this.#text.startsWith("//", start)) this.#at = this.#after("\n", this.#text.length);
      else if (this.#text.startsWith("/*", start)) this.#at = this.#after("*/", undefined);
      else return;
      this.comments.push({ start, end: this.#at });
    }
  }

  /** The offset after the next mark in a comment; without a mark `otherwise`, or a fault. */
  #after(mark: string, otherwise: number | undefined): number {
    const at = this.#text.indexOf(mark, this.#at + 2);
    if (at >= 0) return at + mark.length;
    if (otherwise === undefined) throw this.#fault("a comment does not end");
    return otherwise;
  }

  #char(): string {
    return this.#text.charAt(this.#at);
  }

  #pass(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #fault(reason: string): JsonScanError {
    const ends = this.#at >= this.#text.length;
    return new JsonScanError(this.#at, ends ? "the text ends in the middle of a value" : reason);
  }
}

/** A part of a text with a space for each comment, so that it is plain JSON. */
function replaceCommentsWithSpaces(text: string, { start, end }: TextRange, comments: readonly TextRange[]): string {
  const pieces: string[] = [];
  let at = start;
  for (const comment of comments) {
    if (comment.start < start || comment.end > end) continue;
    pieces.push(text.slice(at, comment.start));
    at = comment.end;
  }
  return [...pieces, text.slice(at, end)].join(" ");
}

/**
 * The values of a text in which every line is JSON as `JSON.stringify` writes it, or undefined. Such a text has no comment,
 * no duplicate name and no number that loses digits, so the runtime's own parser is enough, which is many times faster.
 */
function parseCompactLines(text: string, depth: number): readonly unknown[] | undefined {
  try {
    const lines = text.split("\n").filter((line) => line !== "");
    const values: unknown[] = [];
    for (const line of lines) {
      const value: unknown = JSON.parse(line);
      // The depth first: writing a value takes long if it nests deeply.
      if (isTooDeep(value, depth) || JSON.stringify(value) !== line) return undefined;
      values.push(value);
    }
    return values;
  } catch {
    return undefined;
  }
}

/**
 * Parses JSON with comments: one or more values, on separate lines or not. A trailing comma, a duplicate name and nesting
 * beyond `depth` are faults.
 */
export function parseJsonValuesOrFault(text: string, depth = MAX_DEPTH): readonly unknown[] | JsonFault {
  const compact = parseCompactLines(text, depth);
  if (compact !== undefined) return compact;
  const scanner = new JsonScanner(text, depth);
  try {
    const spans = scanner.values();
    const { comments } = scanner;
    if (comments.length === 0) return spans.map(({ start, end }) => parseJsonExactly(text.slice(start, end), depth));
    let next = 0;
    return spans.map((span) => {
      const from = next;
      while (next < comments.length && (comments[next]?.end ?? 0) <= span.end) next++;
      return parseJsonExactly(replaceCommentsWithSpaces(text, span, comments.slice(from, next)), depth);
    });
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error;
    const { offset, message: reason, first } = error;
    return { offset, reason, ...(first === undefined ? {} : { first }) };
  }
}

/** Parses exactly one JSON value like {@link parseJsonValuesOrFault}. */
export function parseJsonOrFault(text: string): { readonly value: unknown } | JsonFault {
  const read = parseJsonValuesOrFault(text);
  if (isJsonFault(read)) return read;
  const [value, ...others] = read;
  if (read.length === 1) return { value };
  return { offset: text.length, reason: others.length === 0 ? "a value is missing" : "there is more than one value" };
}

/** Whether a result of {@link parseJsonValuesOrFault} is a fault. */
export function isJsonFault(read: readonly unknown[] | JsonFault): read is JsonFault {
  return "offset" in read;
}

/** The line and column of an offset, both counted from 1; `line` is the first line of the text in its file. */
function lineAndColumnText(text: string, offset: number, line = 1): string {
  // What is missing at the end is missing after the last character that isn't white space.
  const before = text.slice(0, Math.min(offset, text.trimEnd().length));
  return `line ${before.split("\n").length - 1 + line}, column ${before.length - before.lastIndexOf("\n")}`;
}

/** What is wrong, with the first place of a name that occurs twice. */
function jsonFaultReason(text: string, { reason, first }: JsonFault, line = 1): string {
  return first === undefined ? reason : `${reason}, first at ${lineAndColumnText(text, first, line)}`;
}

/** What is wrong with a text and where, for the end of a message. */
export function jsonFaultText(text: string, fault: JsonFault): string {
  return `${jsonFaultReason(text, fault)} (${lineAndColumnText(text, fault.offset)})`;
}

/** Whether a file is JSON: it begins like JSON, and its name doesn't end like that of a YAML file. */
export function looksLikeJsonFile(text: string, name: string): boolean {
  if (/\.ya?ml$/i.test(name)) return false;
  return /^\s*(?:[{[]|\/[/*])/.test(text);
}

/**
 * Parses a JSON file like {@link parseJsonValuesOrFault}; throws a usage Problem with the line and column of a fault. In a file with
 * one value per line that is the first invalid line, even if the scanner only detects the fault further down.
 */
export function parseJsonFileValues(text: string, name: string, depth = MAX_DEPTH): readonly unknown[] {
  const read = parseJsonValuesOrFault(text, depth);
  if (!isJsonFault(read)) return read;
  throw findInvalidLineProblem(text, name, depth) ?? malformedJsonProblem(text, name, read);
}

const KEEP_ONE = "keep one of the two";

/** The problem of the first invalid line of a file that has one value per line, as most of its lines show. */
function findInvalidLineProblem(text: string, name: string, depth: number): Problem | undefined {
  const lines = text.split("\n");
  const parsed = lines.flatMap((line, at) =>
    line.trim() === "" ? [] : [{ at, read: parseJsonValuesOrFault(line, depth) }],
  );
  const broken = parsed.filter((line) => isJsonFault(line.read));
  const [first] = broken;
  if (first === undefined || !isJsonFault(first.read) || 2 * broken.length >= parsed.length) return undefined;
  const line = lines[first.at] ?? "";
  return usageError(
    `Cannot read ${escapeControls(name)}, ${lineAndColumnText(line, first.read.offset, first.at + 1)}: it is not JSON: ${jsonFaultReason(line, first.read, first.at + 1)}`,
    first.read.first === undefined ? "write one complete object per line; this line may be cut off" : KEEP_ONE,
    "bad-json",
  );
}

function malformedJsonProblem(text: string, name: string, fault: JsonFault): Problem {
  return usageError(
    `Cannot read ${escapeControls(name)}, ${lineAndColumnText(text, fault.offset)}: ${jsonFaultReason(text, fault)}`,
    fault.first === undefined
      ? "use JSON, optionally with comments; files named .yaml or .yml are read as YAML"
      : KEEP_ONE,
    "bad-json",
  );
}

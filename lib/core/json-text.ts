import { MAX_DEPTH, readJson } from "./json.ts";
import { type Problem, usageError } from "./problem.ts";
import { escapeControls } from "./text.ts";

/** A part of a text, by the offsets of its first character and of the one after its last. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** What is wrong with a text, and where. The reason never quotes the text, which may hold a secret. */
interface JsonFault {
  readonly offset: number;
  readonly reason: string;
}

/** An object or list that has begun; an object remembers its names. */
interface Open {
  readonly closer: "}" | "]";
  readonly names: Set<string> | undefined;
}

class Fault extends Error {
  readonly offset: number;

  constructor(offset: number, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

const BLANK = " \t\r\n";

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

const LITERALS = ["true", "false", "null"];

/**
 * Walks through JSON as a person writes it: strict (RFC 8259), except that comments may stand wherever blanks may, and that
 * an object has each name once. It needs no recursion and takes linear time, whatever the text.
 */
class JsonWalk {
  readonly comments: Span[] = [];
  readonly #text: string;
  readonly #depth: number;
  readonly #open: Open[] = [];
  #at = 0;

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  /** The values that follow each other in the text. */
  values(): readonly Span[] {
    const found: Span[] = [];
    for (this.#skip(); this.#at < this.#text.length; this.#skip()) {
      const start = this.#at;
      this.#value();
      found.push({ start, end: this.#at });
    }
    return found;
  }

  /** Passes one value with everything in it. */
  #value(): void {
    do {
      this.#skip();
      const begun = this.#opens();
      if (begun === "filled") continue;
      if (begun === undefined) this.#scalar();
      while (this.#open.length > 0 && this.#closes());
    } while (this.#open.length > 0);
  }

  /** Passes the bracket that begins an object or list, up to its first value or its end; undefined where none begins. */
  #opens(): "filled" | "empty" | undefined {
    const c = this.#char();
    if (c !== "{" && c !== "[") return undefined;
    if (this.#open.length === this.#depth) throw this.#fault(`it nests more than ${this.#depth} levels deep`);
    this.#open.push(c === "{" ? { closer: "}", names: new Set() } : { closer: "]", names: undefined });
    this.#at++;
    this.#skip();
    if (this.#char() === this.#open.at(-1)?.closer) return "empty";
    this.#name();
    return "filled";
  }

  /** After a value: passes the bracket that ends the object or list around it, or the comma before the next value. */
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
    if (this.#char() === closer) throw new Fault(comma, `a comma stands before ${closer}`);
    this.#name();
    return false;
  }

  /** In an object, passes the name of the next member and its colon. */
  #name(): void {
    const names = this.#open.at(-1)?.names;
    if (names === undefined) return;
    const start = this.#at;
    if (this.#char() !== '"') throw this.#fault("a name in double quotes is missing");
    this.#string();
    const written = this.#text.slice(start, this.#at);
    const name = written.includes("\\") ? String(JSON.parse(written)) : written.slice(1, -1);
    if (names.has(name)) throw new Fault(start, "a name is there twice in one object");
    names.add(name);
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
    if (!this.#pass(NUMBER)) throw this.#fault(c === "'" ? "a string needs double quotes" : "a value is missing");
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
      if (!this.#pass(ESCAPE)) throw this.#fault("a string has an unknown escape");
      this.#at--;
    }
    throw new Fault(start, "a string has no closing quote");
  }

  /** Passes blanks and comments. */
  #skip(): void {
    for (;;) {
      while (this.#at < this.#text.length && BLANK.includes(this.#char())) this.#at++;
      if (this.#char() !== "/") return;
      const start = this.#at;
      if (this.#text.startsWith("//", start)) this.#at = this.#after("\n", this.#text.length);
      else if (this.#text.startsWith("/*", start)) this.#at = this.#after("*/", undefined);
      else return;
      this.comments.push({ start, end: this.#at });
    }
  }

  /** The offset behind the next mark in a comment; without a mark the end, or a fault. */
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

  #fault(reason: string): Fault {
    const ends = this.#at >= this.#text.length;
    return new Fault(this.#at, ends ? "the text ends in the middle of a value" : reason);
  }
}

/** A part of a text with a blank in the place of each comment, so that it is plain JSON. */
function uncommented(text: string, { start, end }: Span, comments: readonly Span[]): string {
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
 * Reads JSON that a person wrote, with comments: the values that follow each other in a text, on lines of their own or
 * not. A comma before a closing bracket, a name that an object has twice and nesting beyond `depth` are faults.
 */
export function readJsonText(text: string, depth = MAX_DEPTH): readonly unknown[] | JsonFault {
  const walk = new JsonWalk(text, depth);
  try {
    const spans = walk.values();
    const { comments } = walk;
    if (comments.length === 0) return spans.map(({ start, end }) => readJson(text.slice(start, end), depth));
    let next = 0;
    return spans.map((span) => {
      const from = next;
      while (next < comments.length && (comments[next]?.end ?? 0) <= span.end) next++;
      return readJson(uncommented(text, span, comments.slice(from, next)), depth);
    });
  } catch (error) {
    if (error instanceof Fault) return { offset: error.offset, reason: error.message };
    throw error;
  }
}

/** Reads a text that has to be one JSON value, as {@link readJsonText} does. */
export function readOneJson(text: string): { readonly value: unknown } | JsonFault {
  const read = readJsonText(text);
  if (isFault(read)) return read;
  const [value, ...others] = read;
  if (read.length === 1) return { value };
  return { offset: text.length, reason: others.length === 0 ? "a value is missing" : "there are several values" };
}

/** Whether what {@link readJsonText} gave is a fault. */
export function isFault(read: readonly unknown[] | JsonFault): read is JsonFault {
  return "offset" in read;
}

/** The line and the column of a fault, both counted from 1, as messages have them. */
function placeOf(text: string, { offset }: JsonFault): string {
  // What is missing at the end is missing behind the last thing that is there.
  const before = text.slice(0, Math.min(offset, text.trimEnd().length));
  return `line ${before.split("\n").length}, column ${before.length - before.lastIndexOf("\n")}`;
}

/** What is wrong with a text, and where, for the end of a message. */
export function faultText(text: string, fault: JsonFault): string {
  return `${fault.reason} (${placeOf(text, fault)})`;
}

/** Whether a file is to be read as JSON: its text begins as JSON does, and its name does not say that it is YAML. */
export function isJsonText(text: string, name: string): boolean {
  if (/\.ya?ml$/i.test(name)) return false;
  return /^\s*(?:[{[]|\/[/*])/.test(text);
}

/**
 * Reads a file of JSON as {@link readJsonText} does; a usage Problem has the line and the column of a fault. In a file of
 * one value a line that is the first broken line, though the fault may show only further down.
 */
export function readJsonFile(text: string, name: string, depth = MAX_DEPTH): readonly unknown[] {
  const read = readJsonText(text, depth);
  if (!isFault(read)) return read;
  throw brokenLine(text, name, depth) ?? jsonProblem(text, name, read);
}

/** The problem of the first broken line of a file that has one value a line, as most of its lines show. */
function brokenLine(text: string, name: string, depth: number): Problem | undefined {
  const lines = text
    .split("\n")
    .flatMap((line, at) => (line.trim() === "" ? [] : [{ at, read: readJsonText(line, depth) }]));
  const broken = lines.filter((line) => isFault(line.read));
  const [first] = broken;
  if (first === undefined || !isFault(first.read) || 2 * broken.length >= lines.length) return undefined;
  return usageError(
    `Cannot read ${escapeControls(name)}, line ${first.at + 1}: it is not JSON: ${first.read.reason}`,
    "write one whole object a line; a line that was cut off ends so",
    "bad-json",
  );
}

function jsonProblem(text: string, name: string, fault: JsonFault): Problem {
  return usageError(
    `Cannot read ${escapeControls(name)}, ${placeOf(text, fault)}: ${fault.reason}`,
    "it must be JSON, which may have comments; a file whose name ends in .yaml or .yml is read as YAML",
    "bad-json",
  );
}

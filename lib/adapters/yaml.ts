import type { Alias, Document, ErrorCode, Node, Scalar, ScalarTag } from "yaml";
import { isTooDeep, MAX_DEPTH, numberText, parseJsonExactly } from "../core/json.ts";
import { type Problem, usageError } from "../core/problem.ts";
import { POSITION_DEPTH, type PositionNode } from "../core/state/positions.ts";
import { escapeControls, trimCharactersAtStart } from "../core/text.ts";

/** YAML 1.2 with only the core schema, without custom tags. We look for duplicate keys ourselves: the library compares each key with all others. */
const PARSE_OPTIONS = {
  version: "1.2",
  schema: "core",
  uniqueKeys: false,
  merge: false,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

/** How often aliases may repeat one value, also through other aliases; more could fill the memory. */
const MAX_ALIASES = 1000;

const TOO_DEEP = `it nests more than ${MAX_DEPTH} levels deep`;

const DUPLICATE_KEY = "a key is used twice";

/** Our own messages, because the library's quote the text, which may be a secret. */
const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: "an alias has a tag or an anchor of its own",
  BAD_ALIAS: "an alias has no anchor before it, or a bad name",
  BAD_COLLECTION_TYPE: "a tag does not match the value",
  BAD_DIRECTIVE: "unknown directive",
  BAD_DQ_ESCAPE: "a string in double quotes has an unknown escape",
  BAD_INDENT: "wrong indentation, or a bracket is not closed",
  BAD_PROP_ORDER: "a tag or an anchor is in the wrong place",
  BAD_SCALAR_START: "a value starts with a character that requires quotes",
  BLOCK_AS_IMPLICIT_KEY: "a nested mapping is on the line of its key",
  BLOCK_IN_FLOW: "a block is inside brackets or braces",
  DUPLICATE_KEY,
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a colon, comma, quote or bracket is missing",
  MULTILINE_IMPLICIT_KEY: "a key spans several lines, or its colon is missing",
  MULTIPLE_ANCHORS: "a value has several anchors",
  MULTIPLE_DOCS: "it contains several documents, but only one is allowed",
  MULTIPLE_TAGS: "a value has several tags",
  RESOURCE_EXHAUSTION: TOO_DEEP,
  TAB_AS_INDENT: "indentation requires spaces, not tabs",
  TAG_RESOLVE_FAILED: "unknown tag",
};

function rejected(name: string, where: string, reason: string): Problem {
  return usageError(
    `Cannot read ${escapeControls(name)}${where}: ${reason}`,
    "use YAML 1.2 or JSON without custom tags",
    "yaml",
  );
}

/** The limit for the stack of the library's parser, which contains more than the collections of a text. */
const PARSER_DEPTH = 2 * MAX_DEPTH;

/** The longest octal or hexadecimal number: converting its digits takes more than linear time. */
const LONGEST_PREFIXED_NUMBER = 1000;

/** How a document is read. */
interface Reading {
  readonly name: string;
  /** With `texts`, numbers and booleans remain as written, for callers with types of their own. */
  readonly as: "values" | "texts";
  readonly at: (offset: number) => string;
}

/**
 * Parses a stream of YAML documents (YAML 1.2.2, core schema; JSON is a subset), loading the library at the first use.
 *
 * Returns the value of each document, none for an empty stream. `name` is what was read, for messages. Rejects with a usage
 * Problem that has the line and column of the first error: wrong syntax, a duplicate key, a tag, or too many aliases. With
 * `texts`, numbers and booleans remain as written, for callers with types of their own.
 */
export async function parseYamlDocuments(
  text: string,
  name: string,
  as: "values" | "texts" = "values",
  depth = MAX_DEPTH,
): Promise<readonly unknown[]> {
  const read = await documentReader(name, as, depth);
  return Array.from(await composeDocuments(text, name), read);
}

/** A document of a YAML stream, with the positions of its values. */
export interface PositionedDocument {
  readonly value: unknown;
  readonly positions: PositionNode;
}

/** Parses a stream of YAML documents like {@link parseYamlDocuments}, and records where their values are. */
export async function parseYamlWithPositions(
  text: string,
  name: string,
  depth = MAX_DEPTH,
): Promise<readonly PositionedDocument[]> {
  const read = await documentReader(name, "values", depth);
  const positionsOf = await positionReader();
  return Array.from(await composeDocuments(text, name), (composed) => ({
    value: read(composed),
    positions: positionsOf(composed.document),
  }));
}

/** A document, and how messages call a place in it. */
interface ComposedDocument {
  readonly document: Document.Parsed;
  readonly at: (offset: number) => string;
}

async function composeDocuments(text: string, name: string): Promise<Iterable<ComposedDocument>> {
  const { Composer, Lexer, LineCounter, Parser } = await import("yaml");
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `, line ${line}, column ${col}`;
  };
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    // Before the tokens are composed, which the library does recursively.
    if (parser.stack.length > PARSER_DEPTH) throw rejected(name, at(parser.offset), TOO_DEEP);
  }
  tokens.push(...parser.end());
  return composed(new Composer(PARSE_OPTIONS).compose(tokens), at);
}

function* composed(documents: Iterable<Document.Parsed>, at: ComposedDocument["at"]): Generator<ComposedDocument> {
  for (const document of documents) yield { document, at };
}

/** Loads the reader of positions. */
async function positionReader(): Promise<(document: Document.Parsed) => PositionNode> {
  const { isMap, isScalar, isSeq } = await import("yaml");
  // Aliases are not followed: they could repeat a value more often than there is memory.
  const nodeAt = (node: unknown, depth: number): PositionNode => {
    const offset = offsetOf(node);
    if (depth > POSITION_DEPTH) return { offset };
    if (isSeq(node)) return { offset, items: node.items.map((item) => nodeAt(item, depth + 1)) };
    if (!isMap(node)) return { offset };
    const members = node.items.flatMap(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : undefined;
      const member = { nameOffset: offsetOf(key), value: nodeAt(value ?? key, depth + 1) };
      return name === undefined ? [] : [[name, member] as const];
    });
    return { offset, members: new Map(members) };
  };
  return (document) => nodeAt(document.contents, 1);
}

function offsetOf(node: unknown): number {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  const first: unknown = Array.isArray(range) ? range[0] : undefined;
  return typeof first === "number" ? first : 0;
}

/** Loads the reader of one document. */
async function documentReader(
  name: string,
  as: Reading["as"],
  depth: number,
): Promise<(composed: ComposedDocument) => unknown> {
  const check = await documentCheck();
  return ({ document, at }) => {
    const error = document.errors[0] ?? document.warnings[0];
    if (error !== undefined) {
      throw rejected(name, at(error.pos[0]), REASONS[error.code] ?? "unexpected text");
    }
    check(document, { name, as, at });
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      if (error instanceof ReferenceError) throw rejected(name, "", "it has too many aliases");
      throw error instanceof RangeError ? rejected(name, "", TOO_DEEP) : error;
    }
    if (isTooDeep(value, depth)) throw rejected(name, "", TOO_DEEP);
    return value;
  };
}

type Collection = Extract<Node, { items: unknown[] }>;

/** A node of a document and its position. */
interface Visit {
  readonly node: unknown;
  readonly isKey: boolean;
  /** The collections around it, from the outermost to the innermost. */
  readonly around: readonly Collection[];
}

/**
 * Loads a walk through all nodes of a document, each collection before its items. The library's own walk copies the path
 * for every collection, which takes quadratic time.
 */
async function nodeWalk(): Promise<(document: Document<Node>, visit: (visit: Visit) => void) => void> {
  const { isCollection, isPair } = await import("yaml");
  return (document, visit) => {
    const around: Collection[] = [];
    const walk = (node: unknown, isKey: boolean): void => {
      visit({ node, isKey, around });
      if (!isCollection(node)) return;
      around.push(node);
      for (const item of node.items) {
        if (isPair(item)) {
          walk(item.key, true);
          walk(item.value, false);
        } else walk(item, false);
      }
      around.pop();
    };
    walk(document.contents, false);
  };
}

/** Loads the check of a document: it rejects bad aliases, keys and numbers, and keeps all digits of numbers. */
async function documentCheck(): Promise<(document: Document.Parsed, reading: Reading) => void> {
  const { isAlias, isMap, isNode, isScalar } = await import("yaml");
  const walk = await nodeWalk();
  return (document, reading) => {
    const anchors = new Set<string>();
    walk(document, ({ node, isKey, around }) => {
      if (isAlias(node)) checkAlias(node, anchors, around, reading);
      else if (isNode(node) && node.anchor !== undefined) anchors.add(node.anchor);
      if (isMap(node))
        checkKeys(
          node.items.map(({ key }) => key).filter((key) => isScalar(key)),
          reading,
        );
      if (isScalar(node)) node.value = exactValue(node, isKey, reading);
    });
  };
}

function positionOf(node: { readonly range?: readonly number[] | null }, { at }: Reading): string {
  return at(node.range?.[0] ?? 0);
}

/** Rejects an alias without an anchor before it, or inside the value that it repeats. */
function checkAlias(alias: Alias, anchors: ReadonlySet<string>, around: readonly Collection[], reading: Reading): void {
  const isNested = around.some(({ anchor }) => anchor === alias.source);
  if (!isNested && anchors.has(alias.source)) return;
  const reason = isNested ? "an alias is inside its own value" : "an alias has no anchor before it";
  throw rejected(reading.name, positionOf(alias, reading), reason);
}

/** Rejects duplicate keys of a mapping. */
function checkKeys(keys: readonly Scalar[], reading: Reading): void {
  const seen = new Set<string>();
  for (const key of keys) {
    const text = key.value === null ? "" : String(key.value);
    if (seen.has(text)) throw rejected(reading.name, positionOf(key, reading), DUPLICATE_KEY);
    seen.add(text);
  }
}

/** The value of a scalar: its source text if texts are requested, and numbers with all digits. */
function exactValue(scalar: Scalar, isKey: boolean, reading: Reading): unknown {
  const { value, source } = scalar;
  if (reading.as === "texts" && source !== undefined && value !== null) return source;
  return typeof value === "number" ? exactNumber(value, source ?? "", isKey, scalar, reading) : value;
}

/** A number with all of its digits; as text if it is a key. */
function exactNumber(value: number, source: string, isKey: boolean, scalar: Scalar, reading: Reading): unknown {
  const hasPrefix = /^0[ox]/.test(source);
  if (hasPrefix && source.length > LONGEST_PREFIXED_NUMBER)
    throw rejected(reading.name, positionOf(scalar, reading), "the number is too long");
  if (!hasPrefix && !/^[-+]?\d+$/.test(source)) {
    if (!Number.isFinite(value)) throw rejected(reading.name, positionOf(scalar, reading), "the number is not finite");
    return value;
  }
  const digits = hasPrefix ? String(BigInt(source)) : trimCharactersAtStart(source.replace(/^[-+]/, ""), "0") || "0";
  const integer = `${source.startsWith("-") && digits !== "0" ? "-" : ""}${digits}`;
  return isKey ? integer : parseJsonExactly(integer);
}

/** Parses one YAML document like {@link parseYamlDocuments}: null for empty text, a usage Problem for a second document. */
export async function parseYaml(text: string, name: string, as: "values" | "texts" = "values"): Promise<unknown> {
  const documents = await parseYamlDocuments(text, name, as);
  if (documents.length > 1) throw rejected(name, "", "it contains several documents, but only one is allowed");
  return documents[0] ?? null;
}

/** Characters that a terminal could interpret; text with them is written in double quotes with escapes. */
const UNSAFE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;

/** Texts with a special meaning in YAML 1.1 that the library doesn't quote: the default value and the merge key. */
const SPECIAL: readonly string[] = ["=", "<<"];

/** Text with significant whitespace; in a block, parsers would take some of it for indentation. */
const SIGNIFICANT_WHITESPACE = /^\s|\n |\n\n$/;

/** The depth from which collections are written in brackets: blocks cost time and space for the indentation of every line. */
const BLOCK_DEPTH = 100;

/** An integer of any length, which is written unchanged. */
class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const DIGITS_TAG: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  identify: (value) => value instanceof Digits,
  resolve: (text) => new Digits(text),
  stringify: ({ value }) => (value instanceof Digits ? value.text : String(value)),
};

/** Turns an exact number into a value that the library can write; returns other values unchanged. */
function writableNumber(member: unknown): unknown {
  const text = numberText(member);
  if (text === undefined) return member;
  if (/^-?\d+$/.test(text)) return new Digits(text);
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/**
 * Loads the YAML writer, which turns a JSON value into one document with a final line feed.
 *
 * Keys keep their order. The text means the same in YAML 1.1 and 1.2, and is harmless on a terminal.
 */
export async function loadYamlWriter(): Promise<(value: unknown) => string> {
  const { Document, isCollection, isScalar, Scalar } = await import("yaml");
  const walk = await nodeWalk();
  const unsafe = new RegExp(UNSAFE, "g");
  return (value) => {
    const document = new Document(value, (_, member) => writableNumber(member), {
      version: "1.2",
      schema: "core",
      compat: "yaml-1.1",
      aliasDuplicateObjects: false,
      customTags: [DIGITS_TAG],
    });
    walk(document, ({ node, around }) => {
      if (isCollection(node) && around.length >= BLOCK_DEPTH) node.flow = true;
      if (!isScalar(node) || typeof node.value !== "string") return;
      const { value: text } = node;
      if (UNSAFE.test(text) || SIGNIFICANT_WHITESPACE.test(text) || SPECIAL.includes(text))
        node.type = Scalar.QUOTE_DOUBLE;
    });
    return document
      .toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
      .replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  };
}

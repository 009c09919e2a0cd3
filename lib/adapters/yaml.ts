import type { Document, ErrorCode, Node, Scalar, ScalarTag, YAMLMap } from "yaml";
import { isTooDeep, MAX_DEPTH, numberText, readJson } from "../core/json.ts";
import { type Problem, usageError } from "../core/problem.ts";
import { escapeControls, trimmedStart } from "../core/text.ts";

/** YAML 1.2 with the core schema and nothing beyond it: no custom tags. Duplicate keys are found here, not by the library, which compares each with all others. */
const READING = {
  version: "1.2",
  schema: "core",
  uniqueKeys: false,
  merge: false,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

/** How often aliases may repeat one value, counted through each other: beyond it the values could fill the memory. */
const ALIASES = 1000;

const TOO_DEEP = `it nests more than ${MAX_DEPTH} levels deep`;

const TWICE = "a key is there twice";

/** Our own words, because the library's quote the text, which may be a secret. */
const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: "an alias has a tag or an anchor of its own",
  BAD_ALIAS: "an alias has no anchor before it, or a bad name",
  BAD_COLLECTION_TYPE: "a tag does not fit the value",
  BAD_DIRECTIVE: "a directive is not known",
  BAD_DQ_ESCAPE: "a string in double quotes has an unknown escape",
  BAD_INDENT: "the indentation does not fit, or a bracket is not closed",
  BAD_PROP_ORDER: "a tag or an anchor stands in the wrong place",
  BAD_SCALAR_START: "a value begins with a character that needs quotes",
  BLOCK_AS_IMPLICIT_KEY: "a nested mapping stands on the line of its key",
  BLOCK_IN_FLOW: "a block stands inside brackets or braces",
  DUPLICATE_KEY: TWICE,
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a colon, comma, quote or bracket is missing",
  MULTILINE_IMPLICIT_KEY: "a key goes over several lines, or its colon is missing",
  MULTIPLE_ANCHORS: "a value has several anchors",
  MULTIPLE_DOCS: "there are several documents where one is meant",
  MULTIPLE_TAGS: "a value has several tags",
  RESOURCE_EXHAUSTION: TOO_DEEP,
  TAB_AS_INDENT: "a tab indents the line, which takes spaces",
  TAG_RESOLVE_FAILED: "a tag is not known",
};

function refused(name: string, where: string, reason: string): Problem {
  return usageError(
    `Cannot read ${escapeControls(name)}${where}: ${reason}`,
    "it must be YAML 1.2 or JSON without tags of its own",
    "yaml",
  );
}

/** The deepest that the library's parser may go, whose stack has more than the collections of a text. */
const PARSER_DEPTH = 2 * MAX_DEPTH;

/** The longest number in another base than ten, whose digits take more than linear time to change. */
const LONGEST_OTHER_BASE = 1000;

/** How a document is read. */
interface Reading {
  readonly name: string;
  /** As `texts`, numbers and truth values are what was written, for readers that have types of their own. */
  readonly as: "values" | "texts";
  /** The most levels that a value may nest. */
  readonly depth: number;
  readonly at: (offset: number) => string;
}

/**
 * Reads a stream of YAML documents, which JSON is too (YAML 1.2.2, core schema), loading the library at the first use.
 *
 * Gives the value of each document, none for an empty stream. `name` says what was read. Rejects with a usage Problem
 * that has the line and the column of the first fault: broken syntax, a duplicate key, a tag, or too many aliases.
 * As `texts`, numbers and truth values are what was written, for readers that have types of their own.
 */
export async function parseDocuments(
  text: string,
  name: string,
  as: "values" | "texts" = "values",
  depth = MAX_DEPTH,
): Promise<readonly unknown[]> {
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
    // Before the tokens are put together, which the library does by calling itself for every level.
    if (parser.stack.length > PARSER_DEPTH) throw refused(name, at(parser.offset), TOO_DEEP);
  }
  tokens.push(...parser.end());
  const read = await documentReader({ name, as, depth, at });
  return Array.from(new Composer(READING).compose(tokens), read);
}

/** Loads the reader of one document. */
async function documentReader(reading: Reading): Promise<(document: Document.Parsed) => unknown> {
  const { name, at } = reading;
  const check = await documentCheck(reading);
  return (document) => {
    const fault = document.errors[0] ?? document.warnings[0];
    if (fault !== undefined) {
      throw refused(name, at(fault.pos[0]), REASONS[fault.code] ?? "the text does not fit here");
    }
    check(document);
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: ALIASES });
    } catch (error) {
      if (error instanceof ReferenceError) throw refused(name, "", "it has too many aliases");
      throw error instanceof RangeError ? refused(name, "", TOO_DEEP) : error;
    }
    if (isTooDeep(value, reading.depth)) throw refused(name, "", TOO_DEEP);
    return value;
  };
}

type Collection = Extract<Node, { items: unknown[] }>;

/** A node of a document, and where it is. */
interface Visit {
  readonly node: unknown;
  readonly isKey: boolean;
  /** The collections around it, from the outermost one on. */
  readonly around: readonly Collection[];
}

/**
 * Loads the way through all nodes of a document, a collection before what is in it. The library has one too, which copies
 * the path for every collection and so takes quadratic time.
 */
async function nodeWalk(): Promise<(document: Document<Node>, look: (visit: Visit) => void) => void> {
  const { isCollection, isPair } = await import("yaml");
  return (document, look) => {
    const around: Collection[] = [];
    const walk = (node: unknown, isKey: boolean): void => {
      look({ node, isKey, around });
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

/** Loads what refuses a document for its aliases, keys or numbers, and gives its numbers the values that JSON has. */
async function documentCheck({ name, as, at }: Reading): Promise<(document: Document.Parsed) => void> {
  const { isAlias, isMap, isNode, isScalar } = await import("yaml");
  const walk = await nodeWalk();
  const placeOf = (node: { readonly range?: readonly number[] | null }): string => at(node.range?.[0] ?? 0);
  const checkKeys = ({ items }: YAMLMap): void => {
    const keys = new Set<string>();
    for (const { key } of items) {
      if (!isScalar(key)) continue;
      const text = key.value === null ? "" : String(key.value);
      if (keys.has(text)) throw refused(name, placeOf(key), TWICE);
      keys.add(text);
    }
  };
  return (document) => {
    const anchors = new Set<string>();
    walk(document, ({ node, isKey, around }) => {
      if (isAlias(node)) {
        const inside = around.some(({ anchor }) => anchor === node.source);
        if (inside || !anchors.has(node.source)) {
          const reason = inside ? "an alias stands inside its own value" : "an alias has no anchor before it";
          throw refused(name, placeOf(node), reason);
        }
      } else if (isNode(node) && node.anchor !== undefined) {
        anchors.add(node.anchor);
      }
      if (isMap(node)) checkKeys(node);
      if (!isScalar(node)) return;
      if (as === "texts" && node.source !== undefined && node.value !== null) node.value = node.source;
      if (typeof node.value === "number") node.value = numberOf(node, isKey, name, placeOf(node));
    });
  };
}

/** A number with all of its digits; as a key, the text of it. */
function numberOf({ value, source = "" }: Scalar, isKey: boolean, name: string, where: string): unknown {
  const based = /^0[ox]/.test(source);
  if (based && source.length > LONGEST_OTHER_BASE) throw refused(name, where, "the number is too long");
  if (!based && !/^[-+]?\d+$/.test(source)) {
    if (!Number.isFinite(value)) throw refused(name, where, "the number is not finite");
    return value;
  }
  const digits = based ? String(BigInt(source)) : trimmedStart(source.replace(/^[-+]/, ""), "0") || "0";
  const whole = `${source.startsWith("-") && digits !== "0" ? "-" : ""}${digits}`;
  return isKey ? whole : readJson(whole);
}

/** Reads one YAML document as {@link parseDocuments} does; an empty text is null, a second document a usage Problem. */
export async function parseYaml(text: string, name: string, as: "values" | "texts" = "values"): Promise<unknown> {
  const documents = await parseDocuments(text, name, as);
  if (documents.length > 1) throw refused(name, "", "there are several documents where one is meant");
  return documents[0] ?? null;
}

/** What a terminal could act on; such text is written in double quotes with escapes. */
const UNSAFE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;

/** Texts that the library writes without quotes and that mean something else to readers of YAML 1.1: the default value and the merge key. */
const SPECIAL: readonly string[] = ["=", "<<"];

/** Lines whose blanks tell as much as their text; written as a block, readers take the indentation for some of them. */
const BLANKS = /^\s|\n |\n\n$/;

/** How deep in a document blocks end and brackets begin: a block takes time and room for its indentation in every line. */
const BLOCK_DEPTH = 100;

/** A whole number of any length, which is written as it came. */
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

/** What the library can write for a number that was kept as it came; all other values as they are. */
function keptNumber(member: unknown): unknown {
  const text = numberText(member);
  if (text === undefined) return member;
  if (/^-?\d+$/.test(text)) return new Digits(text);
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/**
 * Loads the writer of YAML: a JSON value becomes one document that ends in a line feed.
 *
 * Keys keep their order. The text means the same to readers of YAML 1.1 and 1.2, and is harmless on a terminal.
 */
export async function yamlWriter(): Promise<(value: unknown) => string> {
  const { Document, isCollection, isScalar, Scalar } = await import("yaml");
  const walk = await nodeWalk();
  const unsafe = new RegExp(UNSAFE, "g");
  return (value) => {
    const document = new Document(value, (_, member) => keptNumber(member), {
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
      if (UNSAFE.test(text) || BLANKS.test(text) || SPECIAL.includes(text)) node.type = Scalar.QUOTE_DOUBLE;
    });
    return document
      .toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
      .replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  };
}

import type { Alias, CST, Document, Node, Scalar, YAMLMap } from "yaml";
import { isTooDeep, MAX_DEPTH, preservedNumberText } from "../core/json/json.ts";
import type { OffsetNode } from "../core/state/positions.ts";
import { quote } from "../core/text.ts";
import type { CreateNode, YamlChange } from "./yaml/edit-documents.ts";
import { parseNumberOrFault, toVerbatimIfNumber, VERBATIM_TAG, Verbatim } from "./yaml/numbers.ts";
import {
  faultOfCode,
  SEVERAL_DOCUMENTS,
  TOO_DEEP,
  type YamlReasonAndHint,
  yamlProblem,
} from "./yaml/syntax-problem.ts";

export type { YamlChange } from "./yaml/edit-documents.ts";

/** YAML 1.2 with only the core schema, without custom tags. We look for duplicate keys ourselves: the library compares each key with all others. */
const READ_ONLY_DOCUMENT_OPTIONS = {
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

const TOO_MANY_ALIASES: YamlReasonAndHint = { reason: "it has too many aliases", hint: "write the values out instead" };

const UNKNOWN_ALIAS: YamlReasonAndHint = {
  reason: "an alias has no anchor before it",
  hint: "define the anchor with &NAME first, or put a string that begins with * in quotes",
};

const NESTED_ALIAS: YamlReasonAndHint = {
  reason: "an alias is inside its own value",
  hint: "write the value out; no value can contain itself",
};

const MERGE_KEY: YamlReasonAndHint = {
  reason: "merge keys (<<) are not supported",
  hint: "write the merged keys out; an alias may be a whole value, as in metadata: *NAME",
};

const KEY_NOT_TEXT: YamlReasonAndHint = {
  reason: "a key is an alias, a list or a mapping",
  hint: "write every key as text, and put a value that begins with { or * in quotes",
};

/** The limit for the stack of the library's parser, which contains more than the collections of a text. */
const PARSER_DEPTH = 2 * MAX_DEPTH;

/** The library, which is loaded at the first use. */
type Library = typeof import("yaml");

/** How a document is read. */
interface YamlReadOptions {
  readonly name: string;
  /** With `texts`, numbers and booleans remain as written, for callers with types of their own. */
  readonly as: "values" | "texts";
  /** How deep a value may be nested. */
  readonly depth: number;
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
  const library = await import("yaml");
  const { tokens, at } = parseTokens(library, text, name);
  return Array.from(new library.Composer(READ_ONLY_DOCUMENT_OPTIONS).compose(tokens), (document) =>
    readDocument(library, document, { name, as, depth, at }),
  );
}

/** A document of a YAML stream, with the positions of its values. */
export interface PositionedDocument {
  readonly value: unknown;
  readonly positions: OffsetNode;
}

/** Parses a stream of YAML documents like {@link parseYamlDocuments}, and records where their values are. */
export async function parseYamlWithOffsets(
  text: string,
  name: string,
  depth = MAX_DEPTH,
): Promise<readonly PositionedDocument[]> {
  const library = await import("yaml");
  const { createOffsetTreeReader } = await import("./yaml/offset-tree-reader.ts");
  const { tokens, at } = parseTokens(library, text, name);
  const positionsOf = createOffsetTreeReader(library);
  return Array.from(new library.Composer(READ_ONLY_DOCUMENT_OPTIONS).compose(tokens), (document) => ({
    value: readDocument(library, document, { name, as: "values", depth, at }),
    positions: positionsOf(document),
  }));
}

/** Parses the tokens of a text, and finds the line and column of an offset. */
function parseTokens(
  { Lexer, LineCounter, Parser }: Library,
  text: string,
  name: string,
): { readonly tokens: readonly CST.Token[]; readonly at: YamlReadOptions["at"] } {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `, line ${line}, column ${col}`;
  };
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    // Before the tokens are composed, which the library does recursively.
    if (parser.stack.length > PARSER_DEPTH) throw yamlProblem(name, at(parser.offset), TOO_DEEP);
  }
  tokens.push(...parser.end());
  return { tokens, at };
}

/** Checks a document and gives its value. */
function readDocument(library: Library, document: Document.Parsed, reading: YamlReadOptions): unknown {
  const { name, at } = reading;
  const error = document.errors[0] ?? document.warnings[0];
  if (error !== undefined) {
    throw yamlProblem(name, at(error.pos[0]), faultOfCode(error.code));
  }
  checkAndNormalizeNodes(library, document, reading);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (error instanceof ReferenceError) throw yamlProblem(name, "", TOO_MANY_ALIASES);
    throw error instanceof RangeError ? yamlProblem(name, "", TOO_DEEP) : error;
  }
  if (isTooDeep(value, reading.depth)) throw yamlProblem(name, "", TOO_DEEP);
  return value;
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
 * Walks through all nodes from one on, each collection before its items. The library's own walk copies the path for every
 * collection, which takes quadratic time.
 */
function walkNodes({ isCollection, isPair }: Library, root: unknown, visit: (visit: Visit) => void): void {
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
  walk(root, false);
}

/** Rejects bad aliases, keys and numbers of a document, and keeps all digits of numbers. */
function checkAndNormalizeNodes(library: Library, document: Document.Parsed, reading: YamlReadOptions): void {
  const { isAlias, isMap, isNode, isScalar } = library;
  const anchors = new Set<string>();
  walkNodes(library, document.contents, ({ node, isKey, around }) => {
    if (isAlias(node)) rejectBadAlias(node, anchors, around, reading);
    else if (isNode(node) && node.anchor !== undefined) anchors.add(node.anchor);
    if (isMap(node)) rejectBadMappingKeys(node, library, reading);
    if (isScalar(node)) node.value = isKey ? keyText(node, reading) : readScalarValue(node, reading);
  });
}

function nodePositionText(node: { readonly range?: readonly number[] | null }, { at }: YamlReadOptions): string {
  return at(node.range?.[0] ?? 0);
}

/** Rejects an alias without an anchor before it, or inside the value that it repeats. */
function rejectBadAlias(
  alias: Alias,
  anchors: ReadonlySet<string>,
  around: readonly Collection[],
  reading: YamlReadOptions,
): void {
  const isNested = around.some(({ anchor }) => anchor === alias.source);
  if (!isNested && anchors.has(alias.source)) return;
  throw yamlProblem(reading.name, nodePositionText(alias, reading), isNested ? NESTED_ALIAS : UNKNOWN_ALIAS);
}

/**
 * Rejects duplicate keys of a mapping, and keys that could only be compared after they have replaced others: aliases, lists
 * and mappings. Also rejects merge keys, which YAML 1.2 doesn't have: they would be sent as plain keys.
 */
function rejectBadMappingKeys({ items }: YAMLMap, { isNode, isScalar }: Library, reading: YamlReadOptions): void {
  const seen = new Map<string, Scalar>();
  for (const { key } of items) {
    if (!isNode(key)) continue;
    if (!isScalar(key)) throw yamlProblem(reading.name, nodePositionText(key, reading), KEY_NOT_TEXT);
    const text = keyText(key, reading);
    const first = seen.get(text);
    if (first !== undefined) {
      const reason = `key ${quote(text)} is used twice, first at ${nodePositionText(first, reading).slice(2)}`;
      throw yamlProblem(reading.name, nodePositionText(key, reading), { reason, hint: "keep one of the two" });
    }
    if (text === "<<" && key.type === "PLAIN")
      throw yamlProblem(reading.name, nodePositionText(key, reading), MERGE_KEY);
    seen.set(text, key);
  }
}

/** The value of a scalar: its source text if texts are requested, and numbers with all digits. */
function readScalarValue(scalar: Scalar, reading: YamlReadOptions): unknown {
  const { value, source } = scalar;
  if (reading.as === "texts" && source !== undefined && value !== null) return source;
  if (typeof value !== "number") return value;
  const read = parseNumberOrFault(value, source ?? "");
  if ("number" in read) return read.number;
  throw yamlProblem(reading.name, nodePositionText(scalar, reading), read);
}

/** The text of a key. */
function keyText(key: Scalar, reading: YamlReadOptions): string {
  const value = key.value === null ? "" : readScalarValue(key, reading);
  return preservedNumberText(value) ?? String(value);
}

/** Parses one YAML document like {@link parseYamlDocuments}: null for empty text, a usage Problem for a second document. */
export async function parseYaml(text: string, name: string, as: "values" | "texts" = "values"): Promise<unknown> {
  const documents = await parseYamlDocuments(text, name, as);
  if (documents.length > 1) throw yamlProblem(name, "", SEVERAL_DOCUMENTS);
  return documents[0] ?? null;
}

/** Characters that a terminal could interpret; text with them is written in double quotes with escapes. */
const UNSAFE_EXCEPT_LINE_FEED_PATTERN =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;

/** A text in quotes with these characters as escapes. */
function escapeUnsafeCharacters(quoted: string): string {
  return quoted.replace(
    new RegExp(UNSAFE_EXCEPT_LINE_FEED_PATTERN, "g"),
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Texts with a special meaning in YAML 1.1 that the library doesn't quote: the default value and the merge key. */
const SPECIAL_YAML_1_1_TEXTS: readonly string[] = ["=", "<<"];

/** Text with significant whitespace; in a block, parsers would take some of it for indentation. */
const SIGNIFICANT_WHITESPACE_PATTERN = /^\s|\n |\n\n$/;

/** The depth from which collections are written in brackets: blocks cost time and space for the indentation of every line. */
const BLOCK_DEPTH = 100;

/** How documents are written, so that they mean the same in YAML 1.1 and 1.2. */
const WRITABLE_DOCUMENT_OPTIONS = {
  version: "1.2",
  schema: "core",
  compat: "yaml-1.1",
  customTags: [VERBATIM_TAG],
} as const;

/** How the text of a document looks. */
const STRINGIFY_OPTIONS = { lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER } as const;

/**
 * Loads the YAML writer, which turns a JSON value into one document with a final line feed.
 *
 * Keys keep their order. The text means the same in YAML 1.1 and 1.2, and is harmless on a terminal.
 */
export async function loadYamlWriter(): Promise<(value: unknown) => string> {
  const library = await import("yaml");
  const { Document, isCollection, isScalar, Scalar } = library;
  return (value) => {
    const document = new Document(value, (_, member) => toVerbatimIfNumber(member), {
      ...WRITABLE_DOCUMENT_OPTIONS,
      customTags: [...WRITABLE_DOCUMENT_OPTIONS.customTags],
      aliasDuplicateObjects: false,
    });
    walkNodes(library, document.contents, ({ node, around }) => {
      if (isCollection(node) && around.length >= BLOCK_DEPTH) node.flow = true;
      if (!isScalar(node) || typeof node.value !== "string") return;
      const { value: text } = node;
      if (
        UNSAFE_EXCEPT_LINE_FEED_PATTERN.test(text) ||
        SIGNIFICANT_WHITESPACE_PATTERN.test(text) ||
        SPECIAL_YAML_1_1_TEXTS.includes(text)
      )
        node.type = Scalar.QUOTE_DOUBLE;
    });
    return escapeUnsafeCharacters(document.toString(STRINGIFY_OPTIONS));
  };
}

/** The maker of new nodes for documents that people have written. */
function nodeMaker(library: Library, write: (value: unknown) => string): CreateNode {
  const { isCollection, isScalar } = library;
  // In brackets some characters have a meaning, and a multi-line string would need the indentation of its place.
  const written = (text: string): string => {
    if (/[\n,[\]{}]/.test(text)) return escapeUnsafeCharacters(JSON.stringify(text));
    const own = write(text).trimEnd();
    // A document of its own has a block for a text such as "...", which would end it.
    return own.includes("\n") ? escapeUnsafeCharacters(JSON.stringify(text)) : own;
  };
  return (document, value) => {
    const node = document.createNode(value, (_, member: unknown) => toVerbatimIfNumber(member), {
      aliasDuplicateObjects: false,
    });
    walkNodes(library, node, ({ node: part, around }) => {
      if (isCollection(part) && around.length >= BLOCK_DEPTH) part.flow = true;
      if (!isScalar(part) || typeof part.value !== "string") return;
      part.source = part.value;
      part.value = new Verbatim(written(part.value));
    });
    return node;
  };
}

/** The values and the comments of a text, as a text by which it is compared with another. */
function comparableValuesAndComments({ Lexer, parseAllDocuments }: Library, text: string): string {
  const documents = parseAllDocuments(text, READ_ONLY_DOCUMENT_OPTIONS);
  const isValid = documents.length === 1 && documents.every(({ errors }) => errors.length === 0);
  const value = isValid ? JSON.stringify(documents[0]?.toJS({ maxAliasCount: MAX_ALIASES })) : text;
  const comments = [...new Lexer().lex(text)].filter((lexeme) => lexeme.startsWith("#")).sort();
  return JSON.stringify([value, ...comments]);
}

/** Whether a scalar is plain text on one line, which may stay exactly as it is. */
function isPlainOneLineScalar(scalar: Scalar): scalar is Scalar & { readonly source: string } {
  const { type, value, source } = scalar;
  const isKept = typeof value === "number" || (typeof value === "string" && type === "PLAIN");
  return isKept && source !== undefined && !source.includes("\n");
}

/**
 * Edits a stream of YAML documents. Documents that don't change keep their text, and changed ones their comments, order and
 * quotes. `appended` are further documents.
 */
export async function editYamlDocuments(
  text: string,
  name: string,
  changes: readonly YamlChange[],
  appended: readonly unknown[],
): Promise<string> {
  const library = await import("yaml");
  const { DocumentEditor, detectIndentation } = await import("./yaml/edit-documents.ts");
  const { ChangedPairsRenderer } = await import("./yaml/render-changed-pairs.ts");
  const { tokens } = parseTokens(library, text, name);
  const options = {
    ...READ_ONLY_DOCUMENT_OPTIONS,
    ...WRITABLE_DOCUMENT_OPTIONS,
    customTags: [...WRITABLE_DOCUMENT_OPTIONS.customTags],
  };
  const documents = Array.from(new library.Composer(options).compose(tokens));
  const write = await loadYamlWriter();
  const editor = new DocumentEditor(library, nodeMaker(library, write));
  let start = 0;
  const parts = documents.map((document, at) => {
    const own = changes.filter((change) => change.document === at);
    const offset = start;
    start = at === documents.length - 1 ? text.length : document.range[2];
    const source = text.slice(offset, start);
    if (own.length === 0) return source;
    const { contents } = document;
    const splice =
      library.isMap(contents) && contents.flow !== true
        ? new ChangedPairsRenderer(source, offset, contents)
        : undefined;
    walkNodes(library, contents, ({ node }) => {
      if (library.isScalar(node) && isPlainOneLineScalar(node)) node.value = new Verbatim(node.source);
    });
    for (const change of own) editor.change(document, change);
    const layout = { ...STRINGIFY_OPTIONS, ...detectIndentation(source), flowCollectionPadding: false };
    const whole = document.toString(layout);
    if (splice === undefined || !library.isMap(contents)) return whole;
    const names = new Set(
      own.flatMap(({ path, edits }) => (path[0] === undefined ? edits?.map((edit) => edit.path[0]) : [path[0]])),
    );
    const spliced = splice.render(
      document,
      contents,
      ({ key }) => library.isScalar(key) && names.has(String(key.source)),
      () => document.toString(layout),
    );
    const isSame =
      spliced !== undefined &&
      comparableValuesAndComments(library, spliced) === comparableValuesAndComments(library, whole);
    return isSame ? spliced : whole;
  });
  const isEmpty = documents.every(
    ({ contents }) => contents === null || (library.isScalar(contents) && contents.value === null),
  );
  // A text without documents may have comments.
  const kept = documents.length === 0 ? [text] : parts;
  return [...kept, ...appended.map(write)].reduce((before, part, at) => {
    const needsMark = at >= kept.length && !(at === kept.length && isEmpty);
    return `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${needsMark ? "---\n" : ""}${part}`;
  }, "");
}

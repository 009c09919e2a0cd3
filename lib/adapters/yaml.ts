import type { Document, ErrorCode } from "yaml";
import { numberText, wholeNumber } from "../core/json.ts";
import { type Problem, usage } from "../core/problem.ts";
import { printable } from "../core/text.ts";

/** YAML 1.2 with the core schema and nothing beyond it: no custom tags, no duplicate keys. */
const READING = {
  version: "1.2",
  schema: "core",
  uniqueKeys: true,
  merge: false,
  intAsBigInt: true,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

/** How often aliases may repeat one value, counted through each other: beyond it the values could fill the memory. */
const ALIASES = 1000;

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
  DUPLICATE_KEY: "a key is there twice",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a colon, comma, quote or bracket is missing",
  MULTILINE_IMPLICIT_KEY: "a key goes over several lines, or its colon is missing",
  MULTIPLE_ANCHORS: "a value has several anchors",
  MULTIPLE_DOCS: "there are several documents where one is meant",
  MULTIPLE_TAGS: "a value has several tags",
  RESOURCE_EXHAUSTION: "the nesting is too deep",
  TAB_AS_INDENT: "a tab indents the line, which takes spaces",
  TAG_RESOLVE_FAILED: "a tag is not known",
};

function refused(name: string, where: string, reason: string): Problem {
  return usage(
    `Cannot read ${printable(name)}${where}: ${reason}`,
    "it must be YAML 1.2 or JSON without tags of its own",
    "yaml",
  );
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
  reading: "values" | "texts" = "values",
): Promise<readonly unknown[]> {
  const { LineCounter, isAlias, isCollection, isNode, isScalar, parseAllDocuments, visit } = await import("yaml");
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `, line ${line}, column ${col}`;
  };
  const read = (document: Document.Parsed): unknown => {
    const fault = document.errors[0] ?? document.warnings[0];
    if (fault !== undefined) {
      throw refused(name, at(fault.pos[0]), REASONS[fault.code] ?? "the text does not fit here");
    }
    const anchors = new Set<string>();
    visit(document, (_, node, path) => {
      if (isAlias(node)) {
        const around = path.some((parent) => isCollection(parent) && parent.anchor === node.source);
        if (around || !anchors.has(node.source)) {
          const reason = around ? "an alias stands inside its own value" : "an alias has no anchor before it";
          throw refused(name, at(node.range?.[0] ?? 0), reason);
        }
      } else if (isNode(node) && node.anchor !== undefined) {
        anchors.add(node.anchor);
      }
      if (reading === "texts" && isScalar(node) && node.source !== undefined && node.value !== null) {
        node.value = node.source;
      }
      if (isScalar(node) && typeof node.value === "number" && !Number.isFinite(node.value)) {
        throw refused(name, at(node.range?.[0] ?? 0), "the number is not finite");
      }
    });
    try {
      return document.toJS({
        maxAliasCount: ALIASES,
        reviver: (_, value) => (typeof value === "bigint" ? wholeNumber(value) : value),
      });
    } catch (error) {
      throw error instanceof ReferenceError ? refused(name, "", "it has too many aliases") : error;
    }
  };
  try {
    const documents = parseAllDocuments(text, { ...READING, lineCounter: lines });
    return Array.isArray(documents) ? documents.map(read) : [];
  } catch (error) {
    throw error instanceof RangeError ? refused(name, "", "the nesting is too deep") : error;
  }
}

/** Reads one YAML document as {@link parseDocuments} does; an empty text is null, a second document a usage Problem. */
export async function parseYaml(text: string, name: string, reading: "values" | "texts" = "values"): Promise<unknown> {
  const documents = await parseDocuments(text, name, reading);
  if (documents.length > 1) throw refused(name, "", "there are several documents where one is meant");
  return documents[0] ?? null;
}

/** What a terminal could act on; such text is written in double quotes with escapes. */
const UNSAFE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;

/** Lines whose blanks tell as much as their text; written as a block, readers take the indentation for some of them. */
const BLANKS = /^\s|\n |\n\n$/;

/**
 * Loads the writer of YAML: a JSON value becomes one document that ends in a line feed.
 *
 * Keys keep their order. The text means the same to readers of YAML 1.1 and 1.2, and is harmless on a terminal.
 */
export async function yamlWriter(): Promise<(value: unknown) => string> {
  const { Document, Scalar, visit } = await import("yaml");
  const unsafe = new RegExp(UNSAFE, "g");
  return (value) => {
    const number = (_: unknown, member: unknown): unknown => {
      const text = numberText(member);
      if (text === undefined) return member;
      if (/^-?\d+$/.test(text)) return BigInt(text);
      return Number.isFinite(Number(text)) ? Number(text) : text;
    };
    const document = new Document(value, number, {
      version: "1.2",
      schema: "core",
      compat: "yaml-1.1",
      aliasDuplicateObjects: false,
    });
    visit(document, {
      Scalar(_, node) {
        const { value: text } = node;
        if (typeof text === "string" && (UNSAFE.test(text) || BLANKS.test(text))) node.type = Scalar.QUOTE_DOUBLE;
      },
    });
    return document
      .toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
      .replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  };
}

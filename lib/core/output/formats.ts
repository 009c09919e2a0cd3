import { toTerminalSafeJson } from "../json/json.ts";
import { capitalize, type Problem, usageError } from "../problem.ts";
import { quote, suggestWord } from "../text.ts";
import { parseJsonPathOrDottedPath, parsePointerQuery, type SelectorOrJsonPath } from "./query.ts";

/** The formats without an expression. */
const KINDS_WITHOUT_EXPRESSION = [
  "text",
  "table",
  "json",
  "json-pretty",
  "yaml",
  "ndjson",
  "tsv",
  "csv",
  "markdown",
  "env",
  "id",
  "k8s-secret",
  "pem",
] as const;

/** The formats with an expression: `NAME=EXPRESSION`. */
const QUERIES = ["jsonpath", "jsonpointer", "raw"] as const;

export type FormatKind = (typeof KINDS_WITHOUT_EXPRESSION)[number] | (typeof QUERIES)[number];

export type Format =
  | { readonly kind: (typeof KINDS_WITHOUT_EXPRESSION)[number] }
  | { readonly kind: (typeof QUERIES)[number]; readonly query: SelectorOrJsonPath };

/** Every format as typed. */
export const FORMAT_USAGES: readonly string[] = [
  ...KINDS_WITHOUT_EXPRESSION,
  "jsonpath=EXPR",
  "jsonpointer=PTR",
  "raw=EXPR",
];

/** What `--format` accepts, for help, completion and messages; `auto` is the default format of a command. */
export const FORMAT_CHOICES: readonly string[] = ["auto", ...FORMAT_USAGES];

/** The names of formats in Hydra's own CLI that differ. */
const OTHER_NAMES: ReadonlyMap<string, FormatKind> = new Map([["quiet", "id"]]);

const EXAMPLES = {
  jsonpath: "jsonpath=client_id or jsonpath='$.redirect_uris[*]'",
  jsonpointer: "jsonpointer=/client_id",
  raw: "raw=client_id or raw='$.redirect_uris[*]'",
} as const;

/**
 * Parses the value of `--format`.
 *
 * `jsonpath` and `raw` accept RFC 9535, beginning with `$`, or a dotted path as in Hydra's own CLI; `jsonpointer` accepts
 * RFC 6901.
 * `from` is the source of the value. Throws a usage Problem for an unknown name, a missing or unexpected expression, and
 * a malformed pointer or path; RFC 9535 is checked by `loadFormatLibraries`.
 */
export function parseFormat(text: string, from = "--format"): Format {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const expression = equals < 0 ? undefined : text.slice(equals + 1);
  const query = QUERIES.find((known) => known === name);
  if (query !== undefined) return { kind: query, query: parseExpression(query, expression, text, from) };
  const kind = KINDS_WITHOUT_EXPRESSION.find((known) => known === (OTHER_NAMES.get(name) ?? name));
  if (kind === undefined) throw unknownFormatProblem(name, text, from);
  if (expression !== undefined)
    throw usageError(
      `Cannot use ${from} ${quote(text)}: ${name} does not accept an expression`,
      `try: --format ${kind}`,
    );
  return { kind };
}

function parseExpression(
  kind: (typeof QUERIES)[number],
  expression: string | undefined,
  text: string,
  from: string,
): SelectorOrJsonPath {
  const hint = `for example: --format ${EXAMPLES[kind]}`;
  if (expression === undefined || (expression === "" && kind !== "jsonpointer"))
    throw usageError(`Cannot use ${from} ${kind}: it requires an expression`, hint);
  const query = kind === "jsonpointer" ? parsePointerQuery(expression) : parseJsonPathOrDottedPath(expression);
  if ("error" in query) throw usageError(`Cannot use ${from} ${quote(text)}: ${query.error}`, hint);
  return query;
}

function unknownFormatProblem(name: string, text: string, from: string): Problem {
  const near = suggestWord(name, ["auto", ...KINDS_WITHOUT_EXPRESSION, ...QUERIES]);
  return usageError(
    from === "--format" ? `Unknown format ${quote(text)}` : `${capitalize(from)} ${quote(text)} is not a known format`,
    `${near === undefined ? "" : `did you mean ${near}? `}formats: ${FORMAT_CHOICES.join(", ")}`,
  );
}

const JSON_KINDS: ReadonlySet<FormatKind> = new Set(["json", "json-pretty", "ndjson", "jsonpath", "jsonpointer"]);

/** Whether a format is JSON, so that errors are JSON too. */
export function isJsonFormat(format: Format): boolean {
  return JSON_KINDS.has(format.kind);
}

const HUMAN_KINDS: ReadonlySet<FormatKind> = new Set(["text", "table"]);

/** Whether programs, and not people, read a format. */
export function isForPrograms(format: Format): boolean {
  return !HUMAN_KINDS.has(format.kind);
}

const WHOLE_KINDS: ReadonlySet<FormatKind> = new Set(["json", "json-pretty", "ndjson", "yaml"]);

/** Where the parts of a selection end: at the quotes of JSON and at the ends of lines. */
const PART_END_PATTERN = /["\n]/;

/** Splits what an expression has selected into parts, so that many texts are found in it in linear time. */
export function splitSelection(selection: string): ReadonlySet<string> {
  return new Set(selection.split(PART_END_PATTERN));
}

/** Whether the parts of a selection contain those of a text, as it is or as JSON has it. */
export function isInSelection(selected: ReadonlySet<string>, text: string): boolean {
  return [text, toTerminalSafeJson(text).slice(1, -1)].some((form) =>
    form.split(PART_END_PATTERN).every((part) => selected.has(part)),
  );
}

/** Whether a format writes every field of a value. */
export function writesEveryField(format: Format): boolean {
  return WHOLE_KINDS.has(format.kind);
}

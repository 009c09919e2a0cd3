import { usageError } from "../problem.ts";
import { quote, suggest } from "../text.ts";
import { parsePointerQuery, parseQuery, type Query } from "./query.ts";

/** The formats that are asked for by their bare name. */
const PLAIN = ["text", "table", "json", "json-pretty", "yaml", "ndjson", "env", "id", "k8s-secret"] as const;

/** The formats that need an expression: `NAME=EXPRESSION`. */
const QUERIES = ["jsonpath", "jsonpointer", "raw"] as const;

/** The name of a format. */
export type FormatKind = (typeof PLAIN)[number] | (typeof QUERIES)[number];

/** An output format as the user asked for it. */
export type Format =
  | { readonly kind: (typeof PLAIN)[number] }
  | { readonly kind: (typeof QUERIES)[number]; readonly query: Query };

/** Every format as it is typed, for help, completion and messages. */
export const FORMATS: readonly string[] = [...PLAIN, "jsonpath=EXPR", "jsonpointer=PTR", "raw=EXPR"];

/** What the reference calls a format, where it differs. */
const OTHER_NAMES: ReadonlyMap<string, FormatKind> = new Map([["quiet", "id"]]);

const EXAMPLES = {
  jsonpath: "jsonpath=client_id or jsonpath='$.redirect_uris[*]'",
  jsonpointer: "jsonpointer=/client_id",
  raw: "raw=client_id or raw='$.redirect_uris[*]'",
} as const;

/**
 * Reads the value of `--format`.
 *
 * `jsonpath` and `raw` take RFC 9535 text from `$`, or the reference's dotted path; `jsonpointer` takes RFC 6901.
 * `from` names where the value came from. Throws a usage Problem for an unknown name (with the nearest one), a missing
 * or needless expression, and a malformed pointer or path; RFC 9535 text is judged by {@link toolsFor}.
 */
export function parseFormat(text: string, from = "--format"): Format {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const expression = equals < 0 ? undefined : text.slice(equals + 1);
  const query = QUERIES.find((known) => known === name);
  if (query !== undefined) {
    if (expression === undefined || (expression === "" && query !== "jsonpointer")) {
      throw usageError(
        `Cannot use ${from} ${query}: it needs an expression`,
        `for example: --format ${EXAMPLES[query]}`,
      );
    }
    const parsed = query === "jsonpointer" ? parsePointerQuery(expression) : parseQuery(expression);
    if ("error" in parsed) {
      throw usageError(
        `Cannot use ${from} ${quote(text)}: ${parsed.error}`,
        `for example: --format ${EXAMPLES[query]}`,
      );
    }
    return { kind: query, query: parsed };
  }
  const kind = PLAIN.find((known) => known === (OTHER_NAMES.get(name) ?? name));
  if (kind === undefined) {
    const near = suggest(name, [...PLAIN, ...QUERIES]);
    throw usageError(
      `Cannot use ${from} ${quote(text)}: there is no such format`,
      `${near === undefined ? "" : `did you mean ${near}? `}formats: ${FORMATS.join(", ")}`,
    );
  }
  if (expression !== undefined) {
    throw usageError(`Cannot use ${from} ${quote(text)}: ${name} takes no expression`, `try: --format ${kind}`);
  }
  return { kind };
}

const JSON_KINDS: ReadonlySet<FormatKind> = new Set(["json", "json-pretty", "ndjson", "jsonpath", "jsonpointer"]);

/** Whether a format is for programs that read JSON, which then get errors as JSON too. */
export function isJson(format: Format): boolean {
  return JSON_KINDS.has(format.kind);
}

const WHOLE_KINDS: ReadonlySet<FormatKind> = new Set(["json", "json-pretty", "ndjson", "yaml"]);

/** Whether a format writes every field of a value. */
export function writesAll(format: Format): boolean {
  return WHOLE_KINDS.has(format.kind);
}

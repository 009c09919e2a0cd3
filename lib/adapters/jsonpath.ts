import type { JSONPathQuery } from "json-p3";
import { isJsonObject, preservedNumberText } from "../core/json/json.ts";
import { resolvePointer } from "../core/json/json-pointer.ts";
import type { Selector } from "../core/output/query.ts";
import { errorMessage, Problem, usageError } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";

/** The JSON values that the library accepts. */
type SearchableJson = Parameters<JSONPathQuery["query"]>[0];

/** The limit for `..`: far deeper than any real response, and well within the stack. */
const MAX_DEPTH = 1000;

function isSearchableJson(value: unknown): value is SearchableJson {
  if (typeof value !== "object" || value === null) {
    return value === undefined || value === null || ["string", "number", "boolean"].includes(typeof value);
  }
  return Object.values(value).every(isSearchableJson);
}

/** A document with long numbers replaced by plain ones, so that they can be compared; the same one if it has none. */
function withPlainNumbers(value: unknown): unknown {
  const text = preservedNumberText(value);
  if (text !== undefined) return Number(text);
  if (Array.isArray(value)) {
    const items = value.map(withPlainNumbers);
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([key, member]) => [key, withPlainNumbers(member)] as const);
  return members.some(([key, member]) => member !== value[key]) ? Object.fromEntries(members) : value;
}

/** Messages in terms of the library's parser, and what they mean for the expression. */
const REWORDED: ReadonlyMap<string, string> = new Map([
  ["can't backup beyond start", "a name or a selector is missing"],
  ["unexpected token 'TOKEN_ERROR'", "unexpected text"],
]);

/** The library's reason without the copy of the expression at its end. */
function errorReasonText(error: unknown): string {
  const whole = errorMessage(error);
  const copy = /':\d+\)$/.test(whole) ? whole.indexOf(" ('") : -1;
  const reason = escapeControls(copy < 0 ? whole : whole.slice(0, copy));
  return REWORDED.get(reason) ?? reason;
}

/** The position of an error in the expression, counted from 1, if the library says it. */
function errorPositionText(error: unknown): string {
  if (typeof error !== "object" || error === null || !("token" in error)) return "";
  const { token } = error;
  if (typeof token !== "object" || token === null || !("index" in token)) return "";
  return typeof token.index === "number" ? ` at position ${token.index + 1}` : "";
}

/**
 * Compiles a JSONPath expression (strictly by RFC 9535), loading the library at the first use.
 *
 * A singular query (RFC 9535, 2.3.5.1) selects at most one value, any other query a list. Rejects with a usage Problem for
 * an invalid expression; the result throws a Problem for a document that is nested too deep to be searched.
 */
export async function compileJsonPath(text: string): Promise<Selector> {
  const { JSONPathEnvironment } = await import("json-p3");
  let query: JSONPathQuery;
  try {
    query = new JSONPathEnvironment({ maxRecursionDepth: MAX_DEPTH }).compile(text);
  } catch (error) {
    throw usageError(
      `Invalid JSONPath ${quote(text)}: ${errorReasonText(error)}${errorPositionText(error)}`,
      "examples: $.client_id, $.redirect_uris[*] or $.items[?@.owner=='ops'].client_id",
    );
  }
  const single = query.singularQuery();
  return (document) => {
    try {
      const searched = withPlainNumbers(document);
      if (!isSearchableJson(searched)) throw new TypeError("the value is not JSON");
      const found = query.query(searched);
      const values =
        searched === document
          ? found.values()
          : found.nodes.map(({ location }) => resolvePointer(document, location.map(String)));
      return { values: values.filter((value) => value !== undefined), single };
    } catch (error) {
      throw new Problem(`Cannot apply JSONPath ${quote(text)}: ${errorReasonText(error)}`, {
        code: "jsonpath",
        hint: "use --format json to see the whole result",
        cause: error,
      });
    }
  };
}

import { getChild, type JsonPointer, parsePointerOrError, resolvePointer } from "../json/json-pointer.ts";
import { quote } from "../text.ts";

/** What an expression selects in a document: at most one value if `single`, otherwise any number. */
export interface Selection {
  readonly values: readonly unknown[];
  readonly single: boolean;
}

export type Selector = (document: unknown) => Selection;

/** A parsed expression, or RFC 9535 text that the JSONPath adapter compiles. */
export type SelectorOrJsonPath =
  | { readonly language: "rfc9535"; readonly text: string }
  | { readonly select: Selector };

/** A step of a dotted path: a member or element by its name, or each element of an array. */
type DottedPathStep = { readonly name: string } | "each";

/** Characters with a special meaning in the paths of Hydra's own CLI; a backslash escapes them. */
const RESERVED_CHARACTER_PATTERN = /[*?|@[\]{}()!]/;

function singleSelection(value: unknown): Selection {
  return { values: value === undefined ? [] : [value], single: true };
}

function parseDottedPathSteps(text: string): readonly DottedPathStep[] | { readonly error: string } {
  const steps: DottedPathStep[] = [];
  let name = "";
  let escaped = false;
  const end = () => {
    steps.push(name === "#" && !escaped ? "each" : { name });
    name = "";
    escaped = false;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === "\\" && i + 1 < text.length) {
      escaped = true;
      name += text.charAt(++i);
    } else if (c === ".") {
      if (name === "") return { error: `missing name before the dot at position ${i + 1}` };
      end();
    } else if (RESERVED_CHARACTER_PATTERN.test(c)) {
      return { error: `${quote(c)} at position ${i + 1} is not supported in a dotted path` };
    } else {
      name += c;
    }
  }
  if (name === "") return { error: "missing name at the end" };
  end();
  return steps;
}

function selectByDottedPath(value: unknown, steps: readonly DottedPathStep[]): Selection {
  let at = value;
  for (const [i, step] of steps.entries()) {
    if (step !== "each") {
      at = getChild(at, step.name);
      continue;
    }
    if (!Array.isArray(at)) return singleSelection(undefined);
    const elements: readonly unknown[] = at;
    const rest = steps.slice(i + 1);
    if (rest.length === 0) return singleSelection(elements.length);
    return {
      values: elements.flatMap((element) => wrapMultipleValues(selectByDottedPath(element, rest))),
      single: false,
    };
  }
  return singleSelection(at);
}

function wrapMultipleValues(selection: Selection): readonly unknown[] {
  return selection.single ? selection.values : [selection.values];
}

/**
 * Parses an expression: RFC 9535 if it begins with `$`, otherwise a dotted path as in Hydra's own CLI.
 *
 * A dotted path is names and array positions joined by dots (`items.0.client_id`); `#` at the end counts an array's
 * elements and `#` before a name applies the rest of the path to each of them; a backslash escapes the next character.
 * Returns `{ error }` with the reason if the path is invalid; RFC 9535 is checked by the adapter.
 */
export function parseJsonPathOrDottedPath(text: string): SelectorOrJsonPath | { readonly error: string } {
  if (text.startsWith("$")) return { language: "rfc9535", text };
  const steps = parseDottedPathSteps(text);
  return "error" in steps ? steps : { select: (document) => selectByDottedPath(document, steps) };
}

/** Parses a JSON Pointer as an expression (RFC 6901); returns `{ error }` with the reason if it is invalid. */
export function parsePointerQuery(text: string): SelectorOrJsonPath | { readonly error: string } {
  const pointer: JsonPointer | { readonly error: string } = parsePointerOrError(text);
  return "error" in pointer ? pointer : { select: (document) => singleSelection(resolvePointer(document, pointer)) };
}

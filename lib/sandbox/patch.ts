import { isDeepStrictEqual } from "node:util";
import { isJsonObject, isLargerThan, isTooDeep, type JsonObject, MAX_DEPTH } from "../core/json.ts";
import { unescapeToken } from "../core/json-pointer.ts";
import { BODY_LIMIT, TOO_DEEP } from "./decode.ts";

/** How a server reads a JSON Patch: each release line has a reader of its own. */
export interface PatchDialect {
  /** The operations of RFC 6902 that are taken. */
  readonly operations: readonly string[];
  /** Makes what is missing on the way of an `add`, and takes a `replace` of a missing member for one. */
  readonly lenient: boolean;
  /** Whether an operation may lack its value, which then counts as null. */
  readonly valueless: boolean;
  /** Whether the whole document may be replaced, by an empty path. */
  readonly whole: boolean;
  /** The path `/id` is refused: as it stands, or in whatever letters. */
  readonly denied: RegExp;
  /** Whether a field that a patch took away keeps its value all the same. */
  readonly keeps: boolean;
  /** Whether the members of the patched document are read in the order of their names. */
  readonly sorts: boolean;
}

const ALL = ["add", "remove", "replace", "move", "copy", "test"];

/** The dialect of 1.11. */
export const STANDARD: PatchDialect = {
  operations: ALL,
  lenient: false,
  valueless: true,
  whole: false,
  denied: /^\/id$/,
  keeps: true,
  sorts: true,
};

/** The dialect of 2.1: three operations are left. */
export const REDUCED: PatchDialect = { ...STANDARD, operations: ALL.slice(0, 3) };

/** The dialect of 2.3. */
export const LENIENT: PatchDialect = { ...REDUCED, lenient: true, sorts: false };

/** The dialect of 26. */
export const CHECKED: PatchDialect = { ...LENIENT, valueless: false, whole: true, denied: /^\/id$/i, keeps: false };

type Patched = { readonly value: unknown } | { readonly decodeError: string };

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from: string;
  readonly value: unknown;
}

/** Changes a container at one of its members or elements. */
type Edit = (container: readonly unknown[] | JsonObject, token: string) => Patched;

function missing(path: string): { readonly decodeError: string } {
  return { decodeError: `the document is missing the path ${path}` };
}

/** The position that a token names in a list of a length, counted from the end when negative. */
function position(token: string, length: number): number | undefined {
  if (!/^[+-]?\d+$/.test(token)) return undefined;
  const at = Number(token) < 0 ? Number(token) + length : Number(token);
  return at >= 0 && at < length ? at : undefined;
}

function childOf(container: readonly unknown[] | JsonObject, token: string): unknown {
  if (!isJsonObject(container)) {
    const at = position(token, container.length);
    return at === undefined ? undefined : container[at];
  }
  return Object.hasOwn(container, token) ? container[token] : undefined;
}

function withMember(object: JsonObject, token: string, value: unknown): JsonObject {
  return Object.fromEntries([...Object.entries(object).filter(([name]) => name !== token), [token, value]]);
}

function adding(value: unknown): Edit {
  return (container, token) => {
    if (isJsonObject(container)) return { value: withMember(container, token, value) };
    if (token === "-") return { value: [...container, value] };
    const at = position(token, container.length + 1);
    return at === undefined ? missing(token) : { value: container.toSpliced(at, 0, value) };
  };
}

const removing: Edit = (container, token) => {
  if (isJsonObject(container)) {
    if (!Object.hasOwn(container, token)) return missing(token);
    return { value: Object.fromEntries(Object.entries(container).filter(([name]) => name !== token)) };
  }
  const at = position(token, container.length);
  return at === undefined ? missing(token) : { value: container.toSpliced(at, 1) };
};

function replacing(value: unknown): Edit {
  return (container, token) => {
    if (isJsonObject(container)) return { value: withMember(container, token, value) };
    const at = position(token, container.length);
    return at === undefined ? missing(token) : { value: container.with(at, value) };
  };
}

function testing(wanted: unknown): Edit {
  return (container, token) =>
    isDeepStrictEqual(childOf(container, token) ?? null, wanted)
      ? { value: container }
      : { decodeError: `testing value ${token} failed` };
}

function isElement(token: string): boolean {
  return token === "-" || /^[+-]?\d+$/.test(token);
}

function isContainer(value: unknown): value is readonly unknown[] | JsonObject {
  return Array.isArray(value) || isJsonObject(value);
}

/** Applies an edit at the end of a path. */
function edited(target: unknown, tokens: readonly string[], makes: boolean, edit: Edit): Patched {
  const [token = "", ...rest] = tokens;
  const absent = target === undefined || target === null;
  const container = absent && makes ? (isElement(token) ? [] : {}) : target;
  if (!isContainer(container)) return missing(token);
  if (rest.length === 0) return edit(container, token);
  const inner = edited(childOf(container, token), rest, makes, edit);
  if ("decodeError" in inner) return inner;
  const known = childOf(container, token) !== undefined;
  return (known ? replacing : adding)(inner.value)(container, token);
}

/** The tokens of a path; unlike in RFC 6901, a tilde that is not an escape is taken literally. */
function tokensOf(path: string): readonly string[] | undefined {
  if (!path.startsWith("/")) return undefined;
  return path.slice(1).split("/").map(unescapeToken);
}

function found(document: unknown, tokens: readonly string[]): unknown {
  return tokens.reduce<unknown>((at, token) => (isContainer(at) ? childOf(at, token) : undefined), document);
}

type Step = (document: unknown, tokens: readonly string[], operation: Operation, dialect: PatchDialect) => Patched;

/** Takes the value at `from`, away from there or not, and adds it at the path. */
function transfer(takeAway: boolean): Step {
  return (document, tokens, { from }) => {
    const source = tokensOf(from);
    if (source !== undefined && source.length > MAX_DEPTH) return TOO_DEEP;
    const value = source === undefined ? undefined : found(document, source);
    if (source === undefined || value === undefined) return missing(from);
    const rest = takeAway ? edited(document, source, false, removing) : { value: document };
    return "decodeError" in rest ? rest : edited(rest.value, tokens, false, adding(value));
  };
}

const STEPS: ReadonlyMap<string, Step> = new Map<string, Step>([
  ["add", (document, tokens, { value }, { lenient }) => edited(document, tokens, lenient, adding(value))],
  ["remove", (document, tokens) => edited(document, tokens, false, removing)],
  [
    "replace",
    (document, tokens, { value }, { lenient }) => {
      const tolerant = lenient && !isElement(tokens.at(-1) ?? "");
      return edited(document, tokens, tolerant, tolerant ? adding(value) : replacing(value));
    },
  ],
  ["move", transfer(true)],
  ["copy", transfer(false)],
  ["test", (document, tokens, { value }) => edited(document, tokens, false, testing(value))],
]);

function readOperation(given: unknown, { valueless }: PatchDialect): Operation | { readonly decodeError: string } {
  if (!isJsonObject(given)) return { decodeError: "an operation is no object" };
  const { op, path, from = "", value } = given;
  if (typeof op !== "string" || typeof path !== "string" || typeof from !== "string") {
    return { decodeError: "error parsing patch operations: operation missing path field" };
  }
  const needsValue = op === "add" || op === "replace";
  if (needsValue && value === undefined && !valueless) return { decodeError: "failed to decode value: missing value" };
  return { op, path, from, value: value ?? null };
}

function apply(document: unknown, given: unknown, dialect: PatchDialect): Patched {
  const operation = readOperation(given, dialect);
  if ("decodeError" in operation) return operation;
  const { op, path, value } = operation;
  const step = dialect.operations.includes(op) ? STEPS.get(op) : undefined;
  if (step === undefined) return { decodeError: `unsupported operation: ${op}` };
  if (dialect.denied.test(path)) return { decodeError: `patch includes denied path: ${path}` };
  if (path === "" && dialect.whole && op !== "remove") return { value };
  const tokens = tokensOf(path);
  if (tokens === undefined) return missing(path);
  return tokens.length > MAX_DEPTH ? TOO_DEEP : step(document, tokens, operation, dialect);
}

/** Applies a JSON Patch (RFC 6902) in the dialect of a server; the document itself is left as it was. */
export function applyPatch(document: unknown, patch: unknown, dialect: PatchDialect): Patched {
  if (patch !== null && !Array.isArray(patch)) return { decodeError: "the patch is no list of operations" };
  const operations: readonly unknown[] = patch ?? [];
  let value = document;
  for (const operation of operations) {
    const patched = apply(value, operation, dialect);
    if ("decodeError" in patched) return patched;
    value = patched.value;
    // Moves and copies make more of what is there than a request could bring.
    if (isLargerThan(value, BODY_LIMIT)) return { decodeError: "the patched document is too large" };
    if (isTooDeep(value)) return TOO_DEEP;
  }
  if (dialect.sorts && isJsonObject(value))
    return { value: Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) };
  return { value };
}

import { isDeepStrictEqual } from "node:util";
import { isJsonObject, isTooDeep, type JsonObject, MAX_DEPTH, takesMoreBytesThan } from "../core/json/json.ts";
import { unescapePointerToken } from "../core/json/json-pointer.ts";
import { BODY_LIMIT, TOO_DEEP_FAULT } from "./limits.ts";

/** How a server reads a JSON Patch: each release line has its own reader. */
export interface PatchDialect {
  /** The supported operations of RFC 6902. */
  readonly operations: readonly string[];
  /** Whether `add` creates missing parents, and `replace` adds a missing member. */
  readonly createsParents: boolean;
  /** Whether an operation may lack its value, which then is null. */
  readonly allowsNoValue: boolean;
  /** Whether an empty path replaces the whole document. */
  readonly replacesRoot: boolean;
  /** The rejected path `/id`, with or without regard to case. */
  readonly deniedPath: RegExp;
  /** Whether a field that a patch removed keeps its value. */
  readonly keepsRemoved: boolean;
  /** Whether the members of the patched document are decoded in the order of their names. */
  readonly sortsMembers: boolean;
}

const ALL = ["add", "remove", "replace", "move", "copy", "test"];

/** The dialect of 1.11. */
export const PATCH_OF_1_11: PatchDialect = {
  operations: ALL,
  createsParents: false,
  allowsNoValue: true,
  replacesRoot: false,
  deniedPath: /^\/id$/,
  keepsRemoved: true,
  sortsMembers: true,
};

/** The dialect of 2.1, with only three operations. */
export const PATCH_OF_2_1: PatchDialect = { ...PATCH_OF_1_11, operations: ALL.slice(0, 3) };

/** The dialect of 2.3. */
export const PATCH_OF_2_3: PatchDialect = { ...PATCH_OF_2_1, createsParents: true, sortsMembers: false };

/** The dialect of 26. */
export const PATCH_OF_26: PatchDialect = {
  ...PATCH_OF_2_3,
  allowsNoValue: false,
  replacesRoot: true,
  deniedPath: /^\/id$/i,
  keepsRemoved: false,
};

/** The largest patch: each operation takes the time of the whole document. A real server has no limit. */
const MAX_OPERATIONS = 1_000;

type Patched = { readonly value: unknown } | { readonly fault: string };

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from: string;
  readonly value: unknown;
}

/** Changes a container at one of its members or elements. */
type Edit = (container: readonly unknown[] | JsonObject, token: string) => Patched;

function missing(path: string): { readonly fault: string } {
  return { fault: `the document is missing the path ${path}` };
}

/** The index that a token means in a list, counted from the end when negative. */
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
      : { fault: `testing value ${token} failed` };
}

function isElement(token: string): boolean {
  return token === "-" || /^[+-]?\d+$/.test(token);
}

function isContainer(value: unknown): value is readonly unknown[] | JsonObject {
  return Array.isArray(value) || isJsonObject(value);
}

/** Applies an edit at the end of a path. */
function edited(target: unknown, tokens: readonly string[], createsParents: boolean, edit: Edit): Patched {
  const [token = "", ...rest] = tokens;
  const absent = target === undefined || target === null;
  const container = absent && createsParents ? (isElement(token) ? [] : {}) : target;
  if (!isContainer(container)) return missing(token);
  if (rest.length === 0) return edit(container, token);
  const inner = edited(childOf(container, token), rest, createsParents, edit);
  if ("fault" in inner) return inner;
  const known = childOf(container, token) !== undefined;
  return (known ? replacing : adding)(inner.value)(container, token);
}

/** The tokens of a path; unlike in RFC 6901, a tilde that is not an escape is taken literally. */
function tokensOf(path: string): readonly string[] | undefined {
  if (!path.startsWith("/")) return undefined;
  return path.slice(1).split("/").map(unescapePointerToken);
}

function found(document: unknown, tokens: readonly string[]): unknown {
  return tokens.reduce<unknown>((at, token) => (isContainer(at) ? childOf(at, token) : undefined), document);
}

type Step = (document: unknown, tokens: readonly string[], operation: Operation, dialect: PatchDialect) => Patched;

/** Moves or copies the value at `from` to the path. */
function transfer(removes: boolean): Step {
  return (document, tokens, { from }) => {
    const source = tokensOf(from);
    if (source !== undefined && source.length > MAX_DEPTH) return TOO_DEEP_FAULT;
    const value = source === undefined ? undefined : found(document, source);
    if (source === undefined || value === undefined) return missing(from);
    const rest = removes ? edited(document, source, false, removing) : { value: document };
    return "fault" in rest ? rest : edited(rest.value, tokens, false, adding(value));
  };
}

const STEPS = new Map(
  Object.entries<Step>({
    add: (document, tokens, { value }, { createsParents }) => edited(document, tokens, createsParents, adding(value)),
    remove: (document, tokens) => edited(document, tokens, false, removing),
    replace: (document, tokens, { value }, { createsParents }) => {
      const tolerant = createsParents && !isElement(tokens.at(-1) ?? "");
      return edited(document, tokens, tolerant, tolerant ? adding(value) : replacing(value));
    },
    move: transfer(true),
    copy: transfer(false),
    test: (document, tokens, { value }) => edited(document, tokens, false, testing(value)),
  }),
);

function readOperation(given: unknown, { allowsNoValue }: PatchDialect): Operation | { readonly fault: string } {
  if (!isJsonObject(given)) return { fault: "an operation is not an object" };
  const { op, path, from = "", value } = given;
  if (typeof op !== "string" || typeof path !== "string" || typeof from !== "string") {
    return { fault: "error parsing patch operations: operation missing path field" };
  }
  const needsValue = op === "add" || op === "replace";
  if (needsValue && value === undefined && !allowsNoValue) return { fault: "failed to decode value: missing value" };
  return { op, path, from, value: value ?? null };
}

function apply(document: unknown, given: unknown, dialect: PatchDialect): Patched {
  const operation = readOperation(given, dialect);
  if ("fault" in operation) return operation;
  const { op, path, value } = operation;
  const step = dialect.operations.includes(op) ? STEPS.get(op) : undefined;
  if (step === undefined) return { fault: `unsupported operation: ${op}` };
  if (dialect.deniedPath.test(path)) return { fault: `patch includes denied path: ${path}` };
  if (path === "" && dialect.replacesRoot && op !== "remove") return { value };
  const tokens = tokensOf(path);
  if (tokens === undefined) return missing(path);
  return tokens.length > MAX_DEPTH ? TOO_DEEP_FAULT : step(document, tokens, operation, dialect);
}

/** Applies a JSON Patch (RFC 6902) in the dialect of a server; the document itself is not changed. */
export function applyPatch(document: unknown, patch: unknown, dialect: PatchDialect): Patched {
  if (patch !== null && !Array.isArray(patch)) return { fault: "the patch is not a list of operations" };
  const operations: readonly unknown[] = patch ?? [];
  if (operations.length > MAX_OPERATIONS) return { fault: `the patch has more than ${MAX_OPERATIONS} operations` };
  let value = document;
  for (const operation of operations) {
    const patched = apply(value, operation, dialect);
    if ("fault" in patched) return patched;
    value = patched.value;
    // Copies can grow the document beyond the size of a request.
    if (takesMoreBytesThan(value, BODY_LIMIT)) return { fault: "the patched document is too large" };
    if (isTooDeep(value)) return TOO_DEEP_FAULT;
  }
  if (dialect.sortsMembers && isJsonObject(value))
    return { value: Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) };
  return { value };
}

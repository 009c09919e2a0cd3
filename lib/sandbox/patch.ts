import { isDeepStrictEqual } from "node:util";
import { isJsonObject, isTooDeep, type JsonObject, MAX_DEPTH, takesMoreBytesThan } from "../core/json/json.ts";
import { unescapePointerToken } from "../core/json/json-pointer.ts";
import { InputFault, rejectTooDeep } from "./input-fault.ts";
import { withSortedMembers } from "./json-members.ts";
import { BODY_LIMIT } from "./limits.ts";

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
export const PATCH_DIALECT_OF_1_11: PatchDialect = {
  operations: ALL,
  createsParents: false,
  allowsNoValue: true,
  replacesRoot: false,
  deniedPath: /^\/id$/,
  keepsRemoved: true,
  sortsMembers: true,
};

/** The dialect of 2.1, with only three operations. */
export const PATCH_DIALECT_OF_2_1: PatchDialect = { ...PATCH_DIALECT_OF_1_11, operations: ALL.slice(0, 3) };

/** The dialect of 2.3. */
export const PATCH_DIALECT_OF_2_3: PatchDialect = {
  ...PATCH_DIALECT_OF_2_1,
  createsParents: true,
  sortsMembers: false,
};

/** The dialect of 26. */
export const PATCH_DIALECT_OF_26: PatchDialect = {
  ...PATCH_DIALECT_OF_2_3,
  allowsNoValue: false,
  replacesRoot: true,
  deniedPath: /^\/id$/i,
  keepsRemoved: false,
};

/** The largest patch: each operation takes the time of the whole document. A real server has no limit. */
const MAX_OPERATIONS = 1_000;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from: string;
  readonly value: unknown;
}

/** Returns a container that is changed at one of its members or elements. */
type ContainerEdit = (container: readonly unknown[] | JsonObject, token: string) => unknown;

/** Throws that the document has no value at a path. */
function rejectMissingPath(path: string): never {
  throw new InputFault(`the document is missing the path ${path}`);
}

/** The index that a token means in a list, counted from the end when negative. */
function parseListIndex(token: string, length: number): number | undefined {
  if (!/^[+-]?\d+$/.test(token)) return undefined;
  const at = Number(token) < 0 ? Number(token) + length : Number(token);
  return at >= 0 && at < length ? at : undefined;
}

/** A member of an object or an element of a list, or undefined. */
function findChild(container: readonly unknown[] | JsonObject, token: string): unknown {
  if (!isJsonObject(container)) {
    const at = parseListIndex(token, container.length);
    return at === undefined ? undefined : container[at];
  }
  return Object.hasOwn(container, token) ? container[token] : undefined;
}

function withMember(object: JsonObject, token: string, value: unknown): JsonObject {
  return Object.fromEntries([...Object.entries(object).filter(([name]) => name !== token), [token, value]]);
}

/** Adds a member, or inserts an element. */
function editThatAdds(value: unknown): ContainerEdit {
  return (container, token) => {
    if (isJsonObject(container)) return withMember(container, token, value);
    if (token === "-") return [...container, value];
    const at = parseListIndex(token, container.length + 1);
    return at === undefined ? rejectMissingPath(token) : container.toSpliced(at, 0, value);
  };
}

/** Removes a member or an element. */
const editThatRemoves: ContainerEdit = (container, token) => {
  if (isJsonObject(container)) {
    if (!Object.hasOwn(container, token)) return rejectMissingPath(token);
    return Object.fromEntries(Object.entries(container).filter(([name]) => name !== token));
  }
  const at = parseListIndex(token, container.length);
  return at === undefined ? rejectMissingPath(token) : container.toSpliced(at, 1);
};

/** Sets a member, or replaces an element. */
function editThatReplaces(value: unknown): ContainerEdit {
  return (container, token) => {
    if (isJsonObject(container)) return withMember(container, token, value);
    const at = parseListIndex(token, container.length);
    return at === undefined ? rejectMissingPath(token) : container.with(at, value);
  };
}

/** Changes nothing, but fails unless the value is the wanted one. */
function editThatTests(wanted: unknown): ContainerEdit {
  return (container, token) => {
    if (isDeepStrictEqual(findChild(container, token) ?? null, wanted)) return container;
    throw new InputFault(`testing value ${token} failed`);
  };
}

/** Whether a token could be an index of a list, or the place after its end. */
function isListIndexToken(token: string): boolean {
  return token === "-" || /^[+-]?\d+$/.test(token);
}

function isContainer(value: unknown): value is readonly unknown[] | JsonObject {
  return Array.isArray(value) || isJsonObject(value);
}

/** Applies an edit at the end of a path. */
function applyEditAtPath(
  target: unknown,
  tokens: readonly string[],
  createsParents: boolean,
  edit: ContainerEdit,
): unknown {
  const [token = "", ...rest] = tokens;
  const absent = target === undefined || target === null;
  const container = absent && createsParents ? (isListIndexToken(token) ? [] : {}) : target;
  if (!isContainer(container)) return rejectMissingPath(token);
  if (rest.length === 0) return edit(container, token);
  const inner = applyEditAtPath(findChild(container, token), rest, createsParents, edit);
  const known = findChild(container, token) !== undefined;
  return (known ? editThatReplaces : editThatAdds)(inner)(container, token);
}

/** The tokens of a path; unlike in RFC 6901, a tilde that is not an escape is taken literally. */
function parsePathTokens(path: string): readonly string[] {
  if (!path.startsWith("/")) return rejectMissingPath(path);
  const tokens = path.slice(1).split("/").map(unescapePointerToken);
  return tokens.length > MAX_DEPTH ? rejectTooDeep() : tokens;
}

/** The value at a path of the document, or undefined. */
function findValueAtPath(document: unknown, tokens: readonly string[]): unknown {
  return tokens.reduce<unknown>((at, token) => (isContainer(at) ? findChild(at, token) : undefined), document);
}

/** Applies one kind of operation to a document. */
type PatchOperationHandler = (
  document: unknown,
  tokens: readonly string[],
  operation: Operation,
  dialect: PatchDialect,
) => unknown;

/** The handler of `move`, which removes the value at `from`, or of `copy`. */
function moveOrCopyHandler(removes: boolean): PatchOperationHandler {
  return (document, tokens, { from }) => {
    const source = parsePathTokens(from);
    const value = findValueAtPath(document, source);
    if (value === undefined) return rejectMissingPath(from);
    const rest = removes ? applyEditAtPath(document, source, false, editThatRemoves) : document;
    return applyEditAtPath(rest, tokens, false, editThatAdds(value));
  };
}

const OPERATION_HANDLERS = new Map(
  Object.entries<PatchOperationHandler>({
    add: (document, tokens, { value }, { createsParents }) =>
      applyEditAtPath(document, tokens, createsParents, editThatAdds(value)),
    remove: (document, tokens) => applyEditAtPath(document, tokens, false, editThatRemoves),
    replace: (document, tokens, { value }, { createsParents }) => {
      const tolerant = createsParents && !isListIndexToken(tokens.at(-1) ?? "");
      return applyEditAtPath(document, tokens, tolerant, tolerant ? editThatAdds(value) : editThatReplaces(value));
    },
    move: moveOrCopyHandler(true),
    copy: moveOrCopyHandler(false),
    test: (document, tokens, { value }) => applyEditAtPath(document, tokens, false, editThatTests(value)),
  }),
);

function readOperation(given: unknown, { allowsNoValue }: PatchDialect): Operation {
  if (!isJsonObject(given)) throw new InputFault("an operation is not an object");
  const { op, path, from = "", value } = given;
  if (typeof op !== "string" || typeof path !== "string" || typeof from !== "string")
    throw new InputFault("error parsing patch operations: operation missing path field");
  const needsValue = op === "add" || op === "replace";
  if (needsValue && value === undefined && !allowsNoValue)
    throw new InputFault("failed to decode value: missing value");
  return { op, path, from, value: value ?? null };
}

/** Reads one operation of a patch, checks that the dialect allows it, and applies it. */
function applyOperation(document: unknown, given: unknown, dialect: PatchDialect): unknown {
  const operation = readOperation(given, dialect);
  const { op, path, value } = operation;
  const step = dialect.operations.includes(op) ? OPERATION_HANDLERS.get(op) : undefined;
  if (step === undefined) throw new InputFault(`unsupported operation: ${op}`);
  if (dialect.deniedPath.test(path)) throw new InputFault(`patch includes denied path: ${path}`);
  if (path === "" && dialect.replacesRoot && op !== "remove") return value;
  return step(document, parsePathTokens(path), operation, dialect);
}

/** Applies a JSON Patch (RFC 6902) in the dialect of a server; throws why it fails. The document itself is not changed. */
export function applyPatch(document: unknown, patch: unknown, dialect: PatchDialect): unknown {
  if (patch !== null && !Array.isArray(patch)) throw new InputFault("the patch is not a list of operations");
  const operations: readonly unknown[] = patch ?? [];
  if (operations.length > MAX_OPERATIONS) throw new InputFault(`the patch has more than ${MAX_OPERATIONS} operations`);
  let value = document;
  for (const operation of operations) {
    value = applyOperation(value, operation, dialect);
    // Copies can grow the document beyond the size of a request.
    if (takesMoreBytesThan(value, BODY_LIMIT)) throw new InputFault("the patched document is too large");
    if (isTooDeep(value)) rejectTooDeep();
  }
  return dialect.sortsMembers && isJsonObject(value) ? withSortedMembers(value) : value;
}

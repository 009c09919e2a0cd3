import { type Pointer, parsePointer } from "../core/jsonpointer.ts";
import { isObject, type JsonObject } from "./json.ts";

type Patched = { readonly value: unknown } | { readonly misfit: string };

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value: unknown;
}

/** The operations that the servers take; the other three of RFC 6902 are refused by them. */
const KNOWN = ["add", "remove", "replace"];

function readOperation(value: unknown): Operation | undefined {
  if (!isObject(value)) return undefined;
  const { op, path } = value;
  return typeof op === "string" && typeof path === "string" ? { op, path, value: value["value"] ?? null } : undefined;
}

function isElement(token: string | undefined): boolean {
  return token === "-" || /^[+-]?\d+$/.test(token ?? "");
}

function withElement(list: readonly unknown[], token: string, { op, value }: Operation): Patched {
  if (op === "add" && token === "-") return { value: [...list, value] };
  if (!/^(?:0|[1-9]\d*)$/.test(token)) return { misfit: `${op} operation does not apply: ${token} is no index` };
  const at = Number(token);
  if (at > list.length || (op !== "add" && at === list.length)) {
    return { misfit: `${op} operation does not apply: unable to access invalid index: ${at}` };
  }
  return { value: op === "remove" ? list.toSpliced(at, 1) : list.toSpliced(at, op === "add" ? 0 : 1, value) };
}

function withMember(object: JsonObject, token: string, { op, path, value }: Operation): Patched {
  const others = Object.entries(object).filter(([name]) => name !== token);
  if (op !== "remove") return { value: Object.fromEntries([...others, [token, value]]) };
  if (!Object.hasOwn(object, token)) return { misfit: `remove operation does not apply: doc is missing path: ${path}` };
  return { value: Object.fromEntries(others) };
}

/** Applies one operation below a value; what is missing on the way of an `add` is made. */
function within(target: unknown, pointer: Pointer, operation: Operation): Patched {
  const [token, ...rest] = pointer;
  if (token === undefined) return operation.op === "remove" ? { value: undefined } : { value: operation.value };
  const missing = target === undefined || target === null;
  const container: unknown = missing && operation.op === "add" ? (isElement(token) ? [] : {}) : target;
  if (Array.isArray(container)) {
    const list: readonly unknown[] = container;
    if (rest.length === 0) return withElement(list, token, operation);
    const inner = within(list[Number(token)], rest, operation);
    return "misfit" in inner ? inner : { value: list.toSpliced(Number(token), 1, inner.value) };
  }
  if (!isObject(container))
    return { misfit: `${operation.op} operation does not apply: doc is missing path: ${operation.path}` };
  if (rest.length === 0) return withMember(container, token, operation);
  const inner = within(Object.hasOwn(container, token) ? container[token] : undefined, rest, operation);
  return "misfit" in inner ? inner : withMember(container, token, { ...operation, op: "add", value: inner.value });
}

/**
 * Applies a JSON Patch to a document as the servers do (RFC 6902 with three of its operations).
 *
 * A `replace` of a member that is not there adds it, the path of an `add` is made where it is missing, and the path `/id`
 * is refused; the document itself is left as it was.
 */
export function applyPatch(document: unknown, patch: unknown): Patched {
  if (!Array.isArray(patch))
    return { misfit: "json: cannot unmarshal the patch into Go value of type jsonpatch.Patch" };
  const operations: readonly unknown[] = patch;
  let value = document;
  for (const given of operations) {
    const operation = readOperation(given);
    if (operation === undefined) return { misfit: "error parsing patch operations: operation missing path field" };
    const { op, path } = operation;
    if (!KNOWN.includes(op)) return { misfit: `unsupported operation: ${op}` };
    if (path.toLowerCase() === "/id") return { misfit: `patch includes denied path: ${path}` };
    const pointer = parsePointer(path);
    if ("error" in pointer) return { misfit: `${op} operation does not apply: ${pointer.error}` };
    const tolerant = op === "replace" && !isElement(pointer.at(-1)) ? { ...operation, op: "add" } : operation;
    const patched = within(value, pointer, tolerant);
    if ("misfit" in patched) return patched;
    value = patched.value;
  }
  return { value };
}

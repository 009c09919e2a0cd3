/** What is wrong with a body, a key or a patch, in the words of the server's decoder. */
export class InputFault extends Error {}

/** What the servers' error messages call the type of a JSON value. */
export function jsonKindName(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** Throws that a value can't be decoded into a Go type. */
export function rejectJsonType(value: unknown, type: string): never {
  throw new InputFault(`json: cannot unmarshal ${jsonKindName(value)} into Go ${type}`);
}

/** Throws that a body nests too deep; a real server accepts more levels. */
export function rejectTooDeep(): never {
  throw new InputFault("exceeded max depth");
}

/** What the servers' error messages call the type of a JSON value. */
export function jsonKindName(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

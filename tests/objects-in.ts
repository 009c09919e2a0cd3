import { isJsonObject, type JsonObject } from "../lib/core/json/json.ts";

/** The objects inside a value, from the outermost. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn);
  return isJsonObject(value) ? [value, ...Object.values(value).flatMap(objectsIn)] : [];
}

import { isStringList, type JsonObject } from "../core/json/json.ts";

/** A text member of an object; empty if it is missing or something else. */
export function stringMemberOrEmpty(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

/** An object with its members in the order of their names, as Go writes a map. */
export function withSortedMembers(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A member of an object that is a list of strings; empty if it is missing or something else. */
export function stringListMemberOrEmpty(object: JsonObject, name: string): readonly string[] {
  const value = object[name];
  return isStringList(value) ? value : [];
}

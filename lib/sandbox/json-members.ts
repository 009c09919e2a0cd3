import { isStringList, type JsonObject } from "../core/json/json.ts";

/** A text member of an object; empty if it is missing or something else. */
export function stringMemberOrEmpty(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

/** A member of an object that is a list of strings; empty if it is missing or something else. */
export function stringListMemberOrEmpty(object: JsonObject, name: string): readonly string[] {
  const value = object[name];
  return isStringList(value) ? value : [];
}

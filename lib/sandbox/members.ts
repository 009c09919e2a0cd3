import { isStringList, type JsonObject } from "../core/json/json.ts";

/** A text member of an object; empty where it is missing or something else. */
export function textIn(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

/** A list member of an object; empty where it is missing or something else. */
export function listIn(object: JsonObject, name: string): readonly string[] {
  const value = object[name];
  return isStringList(value) ? value : [];
}

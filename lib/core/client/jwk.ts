import type { JsonObject } from "../json.ts";
/** The members of a JSON Web Key that are not for others to see (RFC 7518, 6.2.2, 6.3.2 and 6.4.1). */
export const PRIVATE_MEMBERS: readonly string[] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** Whether an object is a JSON Web Key (RFC 7517, section 4). */
export function isKey(value: JsonObject): boolean {
  return typeof value["kty"] === "string";
}

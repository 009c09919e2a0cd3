import type { JsonObject } from "../json/json.ts";

/** The members of a JSON Web Key that hold private or symmetric key material (RFC 7518, 6.2.2, 6.3.2 and 6.4.1). */
export const PRIVATE_JWK_MEMBERS: readonly string[] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** Whether an object is a JSON Web Key (RFC 7517, section 4). */
export function isJwk(value: JsonObject): boolean {
  return typeof value["kty"] === "string";
}

/** Whether a key has private or symmetric key material. */
export function hasPrivateMembers(key: JsonObject): boolean {
  return PRIVATE_JWK_MEMBERS.some((name) => key[name] !== undefined && key[name] !== null);
}

/** A key without its private members. */
export function withoutPrivateMembers(key: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(key).filter(([name]) => !PRIVATE_JWK_MEMBERS.includes(name)));
}

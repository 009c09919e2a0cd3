import { isJsonObject, isSameJson, type JsonObject } from "../json/json.ts";
import { escapePointerToken } from "../json/json-pointer.ts";
import { CLIENT_CREDENTIAL_FIELDS } from "../redact.ts";
import { suggestWord } from "../text.ts";
import { isAbsentOrEmpty } from "./client.ts";
import { defaultListOfField, type FieldChange, isEmptyOrFalse } from "./equality.ts";
import { CLIENT_FIELDS, type ClientField, FIELD_BY_NAME } from "./fields.ts";

/** One step of a JSON Patch (RFC 6902). */
export interface PatchStep {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

function appendToPointer(path: string, key: string): string {
  return `${path}/${escapePointerToken(key)}`;
}

/** The steps that turn `before` into `after`: object members one by one, lists as a whole. */
export function diffAsPatch(before: JsonObject, after: JsonObject, path = ""): readonly PatchStep[] {
  const steps: PatchStep[] = [];
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) steps.push({ op: "remove", path: appendToPointer(path, key) });
  }
  for (const [key, value] of Object.entries(after)) {
    const at = appendToPointer(path, key);
    if (!Object.hasOwn(before, key)) {
      steps.push({ op: "add", path: at, value });
      continue;
    }
    const old = before[key];
    if (isSameJson(old, value)) continue;
    if (isJsonObject(old) && isJsonObject(value)) steps.push(...diffAsPatch(old, value, at));
    else steps.push({ op: "replace", path: at, value });
  }
  return steps;
}

/** Finds a field by its JSON or flag name, or suggests one. */
export function findFieldOrSuggestion(name: string): { readonly field?: ClientField; readonly meant?: string } {
  const plain = name.replace(/^--/, "");
  const field = CLIENT_FIELDS.find(
    ({ name: json, flag }) => [json, flag.name, flag.v2].includes(plain) || json === plain.replaceAll("-", "_"),
  );
  if (field !== undefined) return { field };
  const meant = suggestWord(plain, FIELD_BY_NAME.keys());
  return meant === undefined ? {} : { meant };
}

/**
 * The JSON Patch for changes to a client. A member of an object, such as the metadata, gets its own step. Nothing is
 * removed at the top level, because Hydra keeps what a patch leaves out.
 */
export function buildPatch(current: JsonObject, wanted: readonly FieldChange[]): readonly PatchStep[] {
  const after = Object.fromEntries(wanted.map((change) => [change.field, change.after]));
  // Hydra 1.11 to 2.3 return an absent key set as {}, which then conflicts with a jwks_uri and makes any patch fail.
  const keys = { ...current, ...after };
  const patchFails =
    Object.hasOwn(current, "jwks") &&
    !Object.hasOwn(after, "jwks") &&
    isEmptyOrFalse(keys["jwks"]) &&
    !isEmptyOrFalse(keys["jwks_uri"]);
  return [
    ...(patchFails ? [{ op: "replace", path: "/jwks", value: null } as const] : []),
    ...patchStepsForChanges(current, wanted),
  ];
}

function patchStepsForChanges(current: JsonObject, wanted: readonly FieldChange[]): readonly PatchStep[] {
  return wanted.flatMap(({ field, after }) => {
    const at = appendToPointer("", field);
    const before = current[field];
    if (isJsonObject(before) && isJsonObject(after) && Object.keys(before).length > 0 && Object.keys(after).length > 0)
      return diffAsPatch(before, after, at);
    return [{ op: Object.hasOwn(current, field) ? "replace" : "add", path: at, value: after } satisfies PatchStep];
  });
}

/** The whole client for a PUT: its current fields with the changes, without those that the server sets itself. */
export function buildReplacement(current: JsonObject, wanted: readonly FieldChange[]): JsonObject {
  const setByServer = new Set([
    ...CLIENT_CREDENTIAL_FIELDS,
    "registration_client_uri",
    "updated_at",
    "client_secret_expires_at",
  ]);
  const kept = Object.entries(current).filter(
    ([field, value]) => !setByServer.has(field) && !(field === "jwks" && isEmptyOrFalse(value)),
  );
  return Object.fromEntries([...kept, ...wanted.map(({ field, after }) => [field, after] as const)]);
}

/** How changes to a client are sent. */
export type PatchOrPutRequest =
  | { readonly method: "PATCH"; readonly body: readonly PatchStep[] }
  | { readonly method: "PUT"; readonly body: JsonObject };

/** The request for the changes, by what the server family supports. */
export function createUpdateRequest(
  method: "patch" | "put",
  current: JsonObject,
  wanted: readonly FieldChange[],
): PatchOrPutRequest {
  // Hydra 2.0 to 2.3 ignore a patch that sets a lifespan to null.
  const clearsLifespan = wanted.some(
    ({ field, after }) => after === null && FIELD_BY_NAME.get(field)?.shape === "duration",
  );
  return method === "patch" && !clearsLifespan
    ? { method: "PATCH", body: buildPatch(current, wanted) }
    : { method: "PUT", body: buildReplacement(current, wanted) };
}

/** A value and the path inside a client that it is assigned to. */
export interface PathAssignment {
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Assigns a value at a path in a copy of a client. Missing objects on the way are created, and so is the list of a list
 * field. In a list, a part of the path is an index, or `-` to append. Undefined if the path doesn't exist.
 */
export function withValueAtPath(client: JsonObject, { path, value }: PathAssignment): JsonObject | undefined {
  const [top = ""] = path;
  const needsList = path.length > 1 && FIELD_BY_NAME.get(top)?.shape === "list" && isAbsentOrEmpty(client[top]);
  // An item that is added comes to what the empty list means.
  const list = path[1] === "-" ? defaultListOfField(top) : [];
  const assigned = withAssignedValue(needsList ? { ...client, [top]: list } : client, path, value);
  return isJsonObject(assigned) ? assigned : undefined;
}

function withAssignedValue(target: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(target)) return withAssignedItem(target, key, rest, value);
  if (target !== undefined && target !== null && !isJsonObject(target)) return undefined;
  const members = target ?? {};
  const member = withAssignedValue(Object.hasOwn(members, key) ? members[key] : undefined, rest, value);
  return member === undefined ? undefined : Object.fromEntries([...Object.entries(members), [key, member]]);
}

function withAssignedItem(list: readonly unknown[], key: string, rest: readonly string[], value: unknown): unknown {
  const at = key === "-" ? list.length : /^\d+$/.test(key) ? Number(key) : -1;
  if (at < 0 || at > list.length) return undefined;
  const item = withAssignedValue(list[at], rest, value);
  return item === undefined ? undefined : [...list.slice(0, at), item, ...list.slice(at + 1)];
}

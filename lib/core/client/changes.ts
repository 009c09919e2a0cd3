import { isJsonObject, type JsonObject } from "../json.ts";
import { CREDENTIAL_FIELDS } from "../redact.ts";
import { suggest } from "../text.ts";
import { isEmpty, sameJson } from "./client.ts";
import { type Change, isNothing } from "./equality.ts";
import { FIELDS, type Field } from "./fields.ts";

/** One step of a JSON Patch (RFC 6902). */
export interface PatchStep {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

function pointer(path: string, key: string): string {
  return `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The steps that make `after` of `before`: members of objects one by one, lists as a whole. */
export function diff(before: JsonObject, after: JsonObject, path = ""): readonly PatchStep[] {
  const steps: PatchStep[] = [];
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) steps.push({ op: "remove", path: pointer(path, key) });
  }
  for (const [key, value] of Object.entries(after)) {
    const at = pointer(path, key);
    if (!Object.hasOwn(before, key)) {
      steps.push({ op: "add", path: at, value });
      continue;
    }
    const old = before[key];
    if (sameJson(old, value)) continue;
    if (isJsonObject(old) && isJsonObject(value)) steps.push(...diff(old, value, at));
    else steps.push({ op: "replace", path: at, value });
  }
  return steps;
}

/** Applies what {@link diff} gave. */
export function apply(steps: readonly PatchStep[], to: JsonObject): JsonObject {
  return steps.reduce<JsonObject>(
    (client, step) => applied(client, step.path.split("/").slice(1).map(unescaped), step),
    to,
  );
}

function unescaped(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function applied(to: JsonObject, path: readonly string[], step: PatchStep): JsonObject {
  const [key = "", ...rest] = path;
  const entries = Object.entries(to);
  if (rest.length > 0) {
    return record(
      entries.map(([name, value]) => [name, name === key && isJsonObject(value) ? applied(value, rest, step) : value]),
    );
  }
  if (step.op === "remove") return record(entries.filter(([name]) => name !== key));
  const known = Object.hasOwn(to, key);
  return record(
    known ? entries.map(([name, value]) => [name, name === key ? step.value : value]) : [...entries, [key, step.value]],
  );
}

/** An object of these members; `__proto__` is a member like any other. */
function record(entries: readonly (readonly [string, unknown])[]): JsonObject {
  return Object.fromEntries(entries);
}

const SETTABLE: readonly string[] = FIELDS.map(({ name }) => name);

/** Finds a field by its JSON name or its flag's, with what was likely meant when there is none. */
export function fieldNamed(name: string): { readonly field?: Field; readonly meant?: string } {
  const plain = name.replace(/^--/, "");
  const field = FIELDS.find(
    ({ name: json, flag }) => [json, flag.name, flag.v2].includes(plain) || json === plain.replaceAll("-", "_"),
  );
  if (field !== undefined) return { field };
  const meant = suggest(plain, SETTABLE);
  return meant === undefined ? {} : { meant };
}

const LIFESPANS: ReadonlySet<string> = new Set(
  FIELDS.filter(({ shape }) => shape === "duration").map(({ name }) => name),
);

/**
 * The JSON Patch for some changes of a client. A member inside an object (of the metadata, say) is a step of its own; on
 * the top level nothing is removed, because Hydra keeps what a patch leaves out.
 */
export function patchFor(current: JsonObject, wanted: readonly Change[]): readonly PatchStep[] {
  const after = Object.fromEntries(wanted.map((change) => [change.field, change.after]));
  // Hydra 1.11 to 2.3 tell an absent key set as {} and then take it for one beside the address, which forbids any patch.
  const keys = { ...current, ...after };
  const blocked =
    Object.hasOwn(current, "jwks") &&
    !Object.hasOwn(after, "jwks") &&
    isNothing(keys["jwks"]) &&
    !isNothing(keys["jwks_uri"]);
  return [...(blocked ? [{ op: "replace", path: "/jwks", value: null } as const] : []), ...stepsFor(current, wanted)];
}

function stepsFor(current: JsonObject, wanted: readonly Change[]): readonly PatchStep[] {
  return wanted.flatMap(({ field, after }) => {
    const at = pointer("", field);
    const before = current[field];
    if (isJsonObject(before) && isJsonObject(after) && Object.keys(before).length > 0 && Object.keys(after).length > 0)
      return diff(before, after, at);
    return [{ op: Object.hasOwn(current, field) ? "replace" : "add", path: at, value: after } satisfies PatchStep];
  });
}

/** The whole client that a 1.x server is sent: what it has, with the changes, and without what it sets by itself. */
export function replacementFor(current: JsonObject, wanted: readonly Change[]): JsonObject {
  const own = new Set([...CREDENTIAL_FIELDS, "registration_client_uri", "updated_at", "client_secret_expires_at"]);
  const kept = Object.entries(current).filter(
    ([field, value]) => !own.has(field) && !(field === "jwks" && isNothing(value)),
  );
  return Object.fromEntries([...kept, ...wanted.map(({ field, after }) => [field, after] as const)]);
}

/** How some changes of a client are sent. */
export type ChangeRequest =
  | { readonly method: "PATCH"; readonly body: readonly PatchStep[] }
  | { readonly method: "PUT"; readonly body: JsonObject };

/** The request that makes the changes on a server, by what its family takes. */
export function changeRequest(way: "patch" | "put", current: JsonObject, wanted: readonly Change[]): ChangeRequest {
  // Hydra 2.0 to 2.3 keep a lifespan that a patch sets to null.
  const emptiesLifespan = wanted.some(({ field, after }) => after === null && LIFESPANS.has(field));
  return way === "patch" && !emptiesLifespan
    ? { method: "PATCH", body: patchFor(current, wanted) }
    : { method: "PUT", body: replacementFor(current, wanted) };
}

/** A value and the place inside a client that it goes to. */
export interface PathAssignment {
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Puts a value at a path into a copy of a client. Objects on the way are made, and the list of a field that holds one; in
 * a list a part of the path is a position, or `-` for the place behind the last. Undefined where there is no such place.
 */
export function setPath(client: JsonObject, { path, value }: PathAssignment): JsonObject | undefined {
  const [top = ""] = path;
  const list = path.length > 1 && LISTS.has(top) && isEmpty(client[top]);
  const placed = placedIn(list ? { ...client, [top]: [] } : client, path, value);
  return isJsonObject(placed) ? placed : undefined;
}

const LISTS: ReadonlySet<string> = new Set(FIELDS.filter(({ shape }) => shape === "list").map(({ name }) => name));

function placedIn(target: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(target)) {
    const at = key === "-" ? target.length : /^\d+$/.test(key) ? Number(key) : -1;
    if (at < 0 || at > target.length) return undefined;
    const item = placedIn(target[at], rest, value);
    return item === undefined ? undefined : [...target.slice(0, at), item, ...target.slice(at + 1)];
  }
  if (target !== undefined && target !== null && !isJsonObject(target)) return undefined;
  const members = target ?? {};
  const member = placedIn(Object.hasOwn(members, key) ? members[key] : undefined, rest, value);
  return member === undefined ? undefined : Object.fromEntries([...Object.entries(members), [key, member]]);
}

import { type Change, canonicalValue, isEmptyOrFalse } from "../client/equality.ts";
import { isSetField } from "../client/fields.ts";
import { isJsonObject, isSameJson, isStringList, type JsonObject, objectOrEmpty } from "../json/json.ts";
import { redactJson } from "../json/redact-json.ts";
import { withoutPrivateMembers } from "../jwk/jwk-members.ts";
import { MARK_MEMBER, metadataWithoutMark } from "./mark.ts";

/** The change of a field, or of a member of the metadata, as people see it; a value that is not set is undefined. */
export interface ShownChange extends Change {
  /** The items that a list gets and loses. */
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
}

/** A value as people see it: what is not set has the server's default, where that is known, and no private key is shown. */
function shownValue(field: string, value: unknown): unknown {
  if (isEmptyOrFalse(value)) return canonicalValue(field, value);
  return field === "jwks" ? withoutPrivateKeys(value) : value;
}

function withoutPrivateKeys(value: unknown): unknown {
  if (!isJsonObject(value) || !Array.isArray(value["keys"])) return value;
  const keys = value["keys"].map((key: unknown) => (isJsonObject(key) ? withoutPrivateMembers(key) : key));
  return { ...value, keys };
}

/** The items of a list or a scope, without doubles; undefined for another field or value. */
function itemsOf(field: string, value: unknown): readonly string[] | undefined {
  if (!isSetField(field)) return undefined;
  const items = isEmptyOrFalse(value) ? (canonicalValue(field, value) ?? []) : canonicalValue(field, value);
  return isStringList(items) ? items : undefined;
}

function describeField(field: string, before: unknown, after: unknown): ShownChange {
  const change = { field, before: shownValue(field, before), after: shownValue(field, after) };
  const old = itemsOf(field, before);
  const next = itemsOf(field, after);
  if (old === undefined || next === undefined) return change;
  return {
    ...change,
    added: next.filter((item) => !old.includes(item)),
    removed: old.filter((item) => !next.includes(item)),
  };
}

/** What changes in the mark of a client that has one. */
function describeMark(before: unknown, after: unknown): readonly ShownChange[] {
  const old = isJsonObject(before) ? before[MARK_MEMBER] : undefined;
  const next = isJsonObject(after) ? after[MARK_MEMBER] : undefined;
  if (!isJsonObject(old) || !isJsonObject(next)) return [];
  return ["key", "protect"].flatMap((name) =>
    isSameJson(old[name], next[name]) ? [] : [{ field: `x-hydra.${name}`, before: old[name], after: next[name] }],
  );
}

function describeMetadata(before: unknown, after: unknown): readonly ShownChange[] {
  const old = metadataWithoutMark(before);
  const next = metadataWithoutMark(after);
  const marks = describeMark(before, after);
  if (old === undefined || next === undefined) return [{ field: "metadata", before, after: next }, ...marks];
  const names = [...new Set([...Object.keys(old), ...Object.keys(next)])];
  // A credential is recognized by its name and by the members next to it, so before the members are separated.
  const [shownOld, shownNext] = [objectOrEmpty(redactJson(old)), objectOrEmpty(redactJson(next))];
  const members = names
    .filter((name) => !isSameJson(old[name], next[name]))
    .map((name) => ({ field: `metadata.${name}`, before: shownOld[name], after: shownNext[name] }));
  return [...members, ...marks];
}

/** Changes as people see them. */
export function toShownChanges(changes: readonly Change[]): readonly ShownChange[] {
  return changes.flatMap(({ field, before, after }) =>
    field === "metadata" ? describeMetadata(before, after) : [describeField(field, before, after)],
  );
}

/** The fields of a new client. */
export function changesOfNewClient(client: JsonObject): readonly ShownChange[] {
  return Object.entries(client)
    .filter(([, value]) => !isEmptyOrFalse(value))
    .map(([field, value]) => ({ field, before: undefined, after: shownValue(field, value) }));
}

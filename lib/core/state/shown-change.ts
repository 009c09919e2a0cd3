import { canonicalValue, type FieldChange, isEmptyOrFalse } from "../client/equality.ts";
import { hasUnorderedValues } from "../client/fields.ts";
import { isJsonObject, isSameJson, isStringList, type JsonObject, objectOrEmpty } from "../json/json.ts";
import { redactJson } from "../json/redact-json.ts";
import { withoutPrivateMembers } from "../jwk/jwk-members.ts";
import { metadataWithoutStackMark, STACK_MARK_MEMBER } from "./stack-mark.ts";

/** The change of a field, or of a member of the metadata, as people see it; a value that is not set is undefined. */
export interface ShownChange extends FieldChange {
  /** The items that a list gets and loses. */
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
}

/** A value as people see it: what is not set has the server's default, if that is known, and no private key is shown. */
function displayedFieldValue(field: string, value: unknown): unknown {
  if (isEmptyOrFalse(value)) return canonicalValue(field, value);
  return field === "jwks" ? withoutPrivateKeys(value) : value;
}

function withoutPrivateKeys(value: unknown): unknown {
  if (!isJsonObject(value) || !Array.isArray(value["keys"])) return value;
  const keys = value["keys"].map((key: unknown) => (isJsonObject(key) ? withoutPrivateMembers(key) : key));
  return { ...value, keys };
}

/** The items of a list or a scope, without doubles; undefined for another field or value. */
function canonicalListItems(field: string, value: unknown): readonly string[] | undefined {
  if (!hasUnorderedValues(field)) return undefined;
  const items = isEmptyOrFalse(value) ? (canonicalValue(field, value) ?? []) : canonicalValue(field, value);
  return isStringList(items) ? items : undefined;
}

function toShownFieldChange(field: string, before: unknown, after: unknown): ShownChange {
  const change = { field, before: displayedFieldValue(field, before), after: displayedFieldValue(field, after) };
  const old = canonicalListItems(field, before);
  const next = canonicalListItems(field, after);
  if (old === undefined || next === undefined) return change;
  return {
    ...change,
    added: next.filter((item) => !old.includes(item)),
    removed: old.filter((item) => !next.includes(item)),
  };
}

/** What changes in the mark of a client that has one. */
function toShownMarkChanges(before: unknown, after: unknown): readonly ShownChange[] {
  const old = isJsonObject(before) ? before[STACK_MARK_MEMBER] : undefined;
  const next = isJsonObject(after) ? after[STACK_MARK_MEMBER] : undefined;
  if (!isJsonObject(old) || !isJsonObject(next)) return [];
  return ["key", "protect"].flatMap((name) =>
    isSameJson(old[name], next[name]) ? [] : [{ field: `x-hydra.${name}`, before: old[name], after: next[name] }],
  );
}

function toShownMetadataChanges(before: unknown, after: unknown): readonly ShownChange[] {
  const old = metadataWithoutStackMark(before);
  const next = metadataWithoutStackMark(after);
  const marks = toShownMarkChanges(before, after);
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
export function toShownChanges(changes: readonly FieldChange[]): readonly ShownChange[] {
  return changes.flatMap(({ field, before, after }) =>
    field === "metadata" ? toShownMetadataChanges(before, after) : [toShownFieldChange(field, before, after)],
  );
}

/** The fields of a new client. */
export function changesOfNewClient(client: JsonObject): readonly ShownChange[] {
  return Object.entries(client)
    .filter(([, value]) => !isEmptyOrFalse(value))
    .map(([field, value]) => ({ field, before: undefined, after: displayedFieldValue(field, value) }));
}

import { canonicalValue, isEmptyOrFalse } from "../client/equality.ts";
import { CLIENT_FIELDS, FIELD_NAMES } from "../client/fields.ts";
import { lintClient } from "../client/rules.ts";
import { isJsonObject, isSameJson, type JsonObject } from "../json/json.ts";
import { hasPrivateMembers, withoutPrivateMembers } from "../jwk/jwk-members.ts";
import { escapeControls, joinWords } from "../text.ts";
import { placeholderNames } from "./placeholder-values.ts";
import { readStackMark, STACK_MARK_MEMBER, xHydraSettingsOfMark } from "./stack-mark.ts";
import { X_HYDRA_MEMBER } from "./x-hydra-member.ts";

/**
 * A client of a server as a file describes it: the fields in their usual order, without what only the server sets, without
 * secrets and private keys, and with the mark as {@link X_HYDRA_MEMBER}. The notes say what a file can't say about it.
 *
 * @param keepsDefaults whether fields that have the server's default are written too.
 */
export function buildExportedClient(
  record: JsonObject,
  keepsDefaults: boolean,
): { readonly client: JsonObject; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const shown: JsonObject = {
    ...record,
    metadata: exportUnmarkedMetadata(record, notes),
    jwks: exportPublicKeySet(record["jwks"], notes),
  };
  const unknown = Object.keys(record).filter((name) => !FIELD_NAMES.includes(name) && !isEmptyOrFalse(record[name]));
  if (unknown.length > 0)
    notes.push(`fields that this program does not know are left out: ${joinWords(unknown.map(escapeControls))}`);
  const fields = CLIENT_FIELDS.flatMap(({ name }) => {
    const value = exportedValue(name, shown[name], keepsDefaults);
    return value === undefined ? [] : [[name, value] as const];
  });
  const client = Object.fromEntries([["client_id", record["client_id"]], ...fields]);
  const names = placeholderNames(client);
  if (names.length > 0)
    notes.push(`its values contain placeholders, which applying the file would replace: ${joinWords(names)}`);
  const settings = { ...xHydraSettingsOfMark(readStackMark(record)), ...brokenRulesAsIgnoreSetting(client) };
  return { client: Object.keys(settings).length === 0 ? client : { ...client, [X_HYDRA_MEMBER]: settings }, notes };
}

/**
 * The setting that ignores the rules which a client of a server breaks: as errors in its file they would keep it from
 * being compared at all.
 */
function brokenRulesAsIgnoreSetting(client: JsonObject): JsonObject {
  const broken = lintClient(client, (field) => field).filter(
    ({ rule, severity }) => severity === "error" && !rule.startsWith("client-id-"),
  );
  return broken.length === 0 ? {} : { ignore: [...new Set(broken.map(({ rule }) => rule))] };
}

function exportedValue(field: string, value: unknown, keepsDefaults: boolean): unknown {
  const unset = canonicalValue(field, undefined);
  // Servers before 25 reject an empty key set together with a jwks_uri.
  if (!keepsDefaults || field === "jwks") return isSameJson(canonicalValue(field, value), unset) ? undefined : value;
  return isEmptyOrFalse(value) ? (unset ?? value ?? undefined) : value;
}

function exportUnmarkedMetadata(record: JsonObject, notes: string[]): unknown {
  const { metadata } = record;
  if (!isJsonObject(metadata) || !Object.hasOwn(metadata, STACK_MARK_MEMBER)) return metadata;
  if (readStackMark(record) === undefined)
    notes.push(`the member "${STACK_MARK_MEMBER}" of its metadata is not a valid mark`);
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== STACK_MARK_MEMBER));
}

/** A key set without private keys, which must not get into files. */
function exportPublicKeySet(value: unknown, notes: string[]): unknown {
  if (!isJsonObject(value) || !Array.isArray(value["keys"])) return value;
  const keys: readonly unknown[] = value["keys"];
  if (!keys.some((key) => isJsonObject(key) && hasPrivateMembers(key))) return value;
  notes.push("private keys in its jwks are left out, and applying the file removes them from the server");
  const shown = keys.flatMap((key): readonly unknown[] => {
    if (!isJsonObject(key)) return [key];
    // A shared secret has no public part.
    return key["kty"] === "oct" ? [] : [withoutPrivateMembers(key)];
  });
  return { ...value, keys: shown };
}

import { isSameValue } from "../client/equality.ts";
import { SPEC_FIELDS, scopeOfSpec } from "../client/maester.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { Edit } from "./client-edits.ts";

/** What a manifest says to the controller and not about the client. */
const CONTROLLER_KEYS: ReadonlySet<string> = new Set(["secretName", "hydraAdmin", "deletionPolicy"]);

const SCOPE_KEYS: ReadonlySet<string> = new Set(["scope", "scopeArray"]);

function memberOf(value: JsonObject, name: string): JsonObject {
  const member = value[name];
  return isJsonObject(member) ? member : {};
}

/** The edits after which a manifest of a file describes the client of another one. */
export function planManifestEdits(written: JsonObject, wanted: JsonObject): readonly Edit[] {
  const [before, after] = [memberOf(written, "spec"), memberOf(wanted, "spec")];
  const keys = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  const edits = keys
    .filter((key) => !CONTROLLER_KEYS.has(key) && !SCOPE_KEYS.has(key))
    .flatMap((key) =>
      key === "tokenLifespans"
        ? planFields(["spec", key], memberOf(before, key), memberOf(after, key), (name) => name)
        : planFields(["spec"], { [key]: before[key] }, { [key]: after[key] }, (name) => SPEC_FIELDS.get(name)),
    );
  return [...edits, ...planScope(before, after), ...planDeletionPolicy(before, after)];
}

function planFields(
  path: readonly string[],
  before: JsonObject,
  after: JsonObject,
  fieldOf: (key: string) => string | undefined,
): readonly Edit[] {
  return [...new Set([...Object.keys(after), ...Object.keys(before)])]
    .filter((key) => !isSameValue(fieldOf(key) ?? key, before[key], after[key]))
    .map((key) => ({ path: [...path, key], value: after[key], after: [] }));
}

function planScope(before: JsonObject, after: JsonObject): readonly Edit[] {
  if (isSameValue("scope", scopeOfSpec(before), scopeOfSpec(after))) return [];
  const edits = Object.hasOwn(before, "scope") ? [{ path: ["spec", "scope"], value: undefined, after: [] }] : [];
  return [...edits, { path: ["spec", "scopeArray"], value: after["scopeArray"], after: [] }];
}

function planDeletionPolicy(before: JsonObject, after: JsonObject): readonly Edit[] {
  const policy = after["deletionPolicy"];
  if (policy === undefined || policy === before["deletionPolicy"]) return [];
  return [{ path: ["spec", "deletionPolicy"], value: policy, after: [] }];
}

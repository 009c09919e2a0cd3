import { isSameValue } from "../client/equality.ts";
import { CLIENT_FIELD_BY_SPEC_KEY, scopeOfSpec } from "../client/translate-manifests.ts";
import { type JsonObject, objectOrEmpty } from "../json/json.ts";
import { type MemberEdit, planObjectMemberEdits } from "./client-edits.ts";
import { possibleReplacedValues, replaceKnownPlaceholders, type VariableLookup } from "./placeholder-values.ts";

/** What a manifest says to the controller and not about the client. */
const CONTROLLER_KEYS: ReadonlySet<string> = new Set(["secretName", "hydraAdmin", "deletionPolicy"]);

const SCOPE_KEYS: ReadonlySet<string> = new Set(["scope", "scopeArray"]);

/**
 * The edits after which a manifest of a file describes the client of another one. Values that mean the same to a server
 * stay as they are written, also with placeholders.
 */
export function planManifestEdits(
  written: JsonObject,
  wanted: JsonObject,
  variables: VariableLookup,
): readonly MemberEdit[] {
  const [before, after] = [objectOrEmpty(written["spec"]), objectOrEmpty(wanted["spec"])];
  const keys = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  const edits = keys
    .filter((key) => !CONTROLLER_KEYS.has(key) && !SCOPE_KEYS.has(key))
    .flatMap((key) => {
      const values = [before[key], after[key]] as const;
      if (key !== "tokenLifespans")
        return planFieldEdits(["spec", key], CLIENT_FIELD_BY_SPEC_KEY.get(key) ?? key, values, variables);
      const [old, next] = [objectOrEmpty(before[key]), objectOrEmpty(after[key])];
      return Object.keys({ ...next, ...old }).flatMap((name) =>
        planFieldEdits(["spec", key, name], name, [old[name], next[name]], variables),
      );
    });
  return [...edits, ...planScopeEdits(before, after, variables), ...planDeletionPolicyEdits(before, after, variables)];
}

function planFieldEdits(
  path: readonly string[],
  field: string,
  [before, after]: readonly [before: unknown, after: unknown],
  variables: VariableLookup,
): readonly MemberEdit[] {
  if (possibleReplacedValues(before, variables).some((value) => isSameValue(field, value, after))) return [];
  return field === "metadata"
    ? planObjectMemberEdits(path, before, after, variables)
    : [{ path, value: after, after: [] }];
}

function planScopeEdits(before: JsonObject, after: JsonObject, variables: VariableLookup): readonly MemberEdit[] {
  const scope = replaceKnownPlaceholders(before["scope"], variables);
  const wanted = scopeOfSpec(after);
  const isSame = possibleReplacedValues(before["scopeArray"], variables).some((scopeArray) =>
    isSameValue("scope", scopeOfSpec({ scope, scopeArray }), wanted),
  );
  if (isSame) return [];
  const edits = Object.hasOwn(before, "scope") ? [{ path: ["spec", "scope"], value: undefined, after: [] }] : [];
  return [...edits, { path: ["spec", "scopeArray"], value: after["scopeArray"], after: [] }];
}

function planDeletionPolicyEdits(
  before: JsonObject,
  after: JsonObject,
  variables: VariableLookup,
): readonly MemberEdit[] {
  const policy = after["deletionPolicy"];
  if (policy === undefined || possibleReplacedValues(before["deletionPolicy"], variables).includes(policy)) return [];
  return [{ path: ["spec", "deletionPolicy"], value: policy, after: [] }];
}

import { getListField } from "../client/client.ts";
import { canonicalValue, isSameValue } from "../client/equality.ts";
import { FIELD_BY_NAME, hasUnorderedValues } from "../client/fields.ts";
import { isJsonObject, isSameJson, isStringList, type JsonObject, objectOrEmpty } from "../json/json.ts";
import { possibleReplacedValues, replaceKnownPlaceholders, type VariableLookup } from "./placeholder-values.ts";
import { X_HYDRA_MEMBER } from "./x-hydra-member.ts";

/** A change of one value in a file. */
export interface MemberEdit {
  /** The keys that lead to the value. */
  readonly path: readonly string[];
  /** The new value; undefined removes the key. */
  readonly value: unknown;
  /** The keys after which a new key is inserted; at the end if none of them exists. */
  readonly after: readonly string[];
}

/** The fields of a client in a file in their order. */
const ORDER: readonly string[] = ["client_id", ...FIELD_BY_NAME.keys()];

/** A client of a file, as it is written there. */
interface FileClient {
  readonly written: JsonObject;
  /** The name of the client inside its stack. */
  readonly key: string;
}

/**
 * The edits after which a client of a file describes an exported one. Values that mean the same to a server stay as they
 * are written, also with placeholders, and the items of lists keep their order.
 */
export function planClientEdits(
  { written, key }: FileClient,
  exported: JsonObject,
  variables: VariableLookup,
): readonly MemberEdit[] {
  const edits = ORDER.slice(1).flatMap((field, at): readonly MemberEdit[] => {
    const wanted = exported[field];
    const isWritten = Object.hasOwn(written, field);
    if (!isWritten && wanted === undefined) return [];
    if (isWritten && hasSameMeaning(field, written[field], wanted, variables)) return [];
    const after = ORDER.slice(0, at + 1);
    if (field === "metadata") return planObjectMemberEdits([field], written[field], wanted, variables, after);
    return [{ path: [field], value: mergeFieldValue(field, written[field], wanted, variables), after }];
  });
  return [...edits, ...planXHydraEdits({ written: written[X_HYDRA_MEMBER], key }, exported[X_HYDRA_MEMBER], variables)];
}

/** Whether a value of a file means the same to a server as another one. */
function hasSameMeaning(field: string, written: unknown, wanted: unknown, variables: VariableLookup): boolean {
  return possibleReplacedValues(written, variables).some((value) =>
    isSameValue(field, field === "scope" && isStringList(value) ? value.join(" ") : value, wanted),
  );
}

function mergeFieldValue(field: string, written: unknown, wanted: unknown, variables: VariableLookup): unknown {
  if (wanted === undefined || !hasUnorderedValues(field) || !Array.isArray(written)) return wanted;
  if (field === "scope" && typeof wanted === "string")
    return mergeItems(
      field,
      written,
      wanted.split(" ").filter((word) => word !== ""),
      variables,
    );
  return Array.isArray(wanted) ? mergeItems(field, written, wanted, variables) : wanted;
}

/** The items of a list that are still wanted, as they are written, and then the new ones: order has no meaning. */
function mergeItems(
  field: string,
  written: readonly unknown[],
  wanted: readonly unknown[],
  variables: VariableLookup,
): readonly unknown[] {
  const form = (item: unknown): string =>
    JSON.stringify(canonicalValue(field === "scope" ? "" : field, [item]) ?? null);
  const missing = new Map(wanted.map((item) => [form(item), item]));
  const isWanted = new Set(missing.keys());
  const kept = written.filter((item) => {
    const own = form(replaceKnownPlaceholders(item, variables));
    missing.delete(own);
    return isWanted.has(own);
  });
  return [...kept, ...missing.values()];
}

/** The edits of an object of any JSON, member by member. */
export function planObjectMemberEdits(
  path: readonly string[],
  written: unknown,
  wanted: unknown,
  variables: VariableLookup,
  after: readonly string[] = [],
): readonly MemberEdit[] {
  if (possibleReplacedValues(written, variables).some((value) => isSameJson(value, wanted))) return [];
  if (!isJsonObject(written) || !isJsonObject(wanted)) return [{ path, value: wanted, after }];
  return [...new Set([...Object.keys(written), ...Object.keys(wanted)])].flatMap((name) => {
    const inner = [...path, name];
    if (!Object.hasOwn(wanted, name)) return [{ path: inner, value: undefined, after: [] }];
    if (!Object.hasOwn(written, name)) return [{ path: inner, value: wanted[name], after: [] }];
    return planObjectMemberEdits(inner, written[name], wanted[name], variables);
  });
}

/** The edits of the settings: those that a mark holds, and the rules that the client breaks. A client without a mark keeps those of its file. */
function planXHydraEdits(
  { written, key }: { readonly written: unknown; readonly key: string },
  wanted: unknown,
  variables: VariableLookup,
): readonly MemberEdit[] {
  if (!isJsonObject(wanted)) return [];
  const isMarked = wanted["key"] !== undefined;
  if (!isJsonObject(written)) {
    const { key: wantedKey, ...rest } = wanted;
    const differs = (isMarked && wantedKey !== key) || Object.keys(rest).length > 0;
    return differs ? [{ path: [X_HYDRA_MEMBER], value: wanted, after: [] }] : [];
  }
  const edits: MemberEdit[] = [];
  const edit = (name: string, value: unknown): void => {
    edits.push({ path: [X_HYDRA_MEMBER, name], value, after: [] });
  };
  if (isMarked && wanted["key"] !== key) edit("key", wanted["key"]);
  const isProtected = possibleReplacedValues(written["protect"], variables).includes(true);
  if (isMarked && (wanted["protect"] === true) !== isProtected) edit("protect", wanted["protect"]);
  const { ignore } = written;
  const ignored = possibleReplacedValues(ignore, variables).find(isStringList) ?? [];
  const broken = getListField(wanted, "ignore").filter((rule) => !ignored.includes(rule));
  if (broken.length > 0) edit("ignore", [...(isStringList(ignore) ? ignore : ignored), ...broken]);
  return edits;
}

/** An object with a change of one of its members, which keeps its place among them. */
function withMember(object: JsonObject, { path, value, after }: MemberEdit): JsonObject {
  const [name = "", ...inner] = path;
  const before = object[name];
  const changed = inner.length === 0 ? value : withMember(objectOrEmpty(before), { path: inner, value, after });
  const entries = Object.entries(object);
  const at = entries.findIndex(([key]) => key === name);
  if (changed === undefined) return Object.fromEntries(entries.filter(([key]) => key !== name));
  if (at >= 0) return Object.fromEntries(entries.with(at, [name, changed]));
  const last = inner.length > 0 ? -1 : entries.findLastIndex(([key]) => after.includes(key));
  return Object.fromEntries(entries.toSpliced(last < 0 ? entries.length : last + 1, 0, [name, changed]));
}

/** An object after its edits. */
export function withMemberEdits(object: JsonObject, edits: readonly MemberEdit[]): JsonObject {
  return edits.reduce(withMember, object);
}

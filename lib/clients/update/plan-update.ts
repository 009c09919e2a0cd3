import type { Context } from "../../command.ts";
import {
  createUpdateRequest,
  type PatchOrPutRequest,
  type PathAssignment,
  withValueAtPath,
} from "../../core/client/changes.ts";
import {
  createFieldLabeler,
  type FieldLabeler,
  getListField,
  getTextField,
  isPublic,
} from "../../core/client/client.ts";
import {
  defaultListOfField,
  type FieldChange,
  findChanges,
  findIncomparableChanges,
  isSameValue,
} from "../../core/client/equality.ts";
import type { ClientField } from "../../core/client/fields.ts";
import { LIST_EDIT_FLAGS } from "../../core/client/list-edit-flags.ts";
import { lintClient } from "../../core/client/rules.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { combineProblems, Problem } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import { warnAndReturnErrors } from "../draft/client-draft.ts";
import { invalidSetPathProblem } from "../draft/set-values.ts";
import { warnOfLeavingStack } from "./leaving-stack.ts";

/** What a command line asks for, as far as it is known without the client. */
export interface RequestedUpdate {
  readonly id: string;
  /** Fields with their new values. */
  readonly set: JsonObject;
  /** Values inside other fields. */
  readonly nested: readonly PathAssignment[];
  /** Lists that get or lose single values. */
  readonly editedLists: readonly ClientField[];
  readonly secret: string | undefined;
  readonly label: FieldLabeler;
  readonly replace: boolean;
}

/** An update of a client that is known. */
export interface PlannedUpdate extends RequestedUpdate {
  readonly current: JsonObject;
  /** The fields that change, with their new values. */
  readonly wanted: JsonObject;
  /** The client as it will be. */
  readonly merged: JsonObject;
  readonly differing: readonly FieldChange[];
}

/** Compares an update with the client; throws what the rules find wrong with the client as it would be. */
export function planAndCheckUpdate(
  context: Pick<Context, "values" | "warn">,
  update: RequestedUpdate,
  current: JsonObject,
): PlannedUpdate {
  const { id, set, nested, editedLists, secret, replace } = update;
  const base = replace ? set : { ...current, ...set };
  const edits = Object.fromEntries(
    editedLists.map((field) => [field.name, applyEditFlagsToList(context, field, base)]),
  );
  const wanted: JsonObject = { ...set, ...fieldsWithNestedChanges(current, nested), ...edits };
  const merged = { ...(replace ? {} : current), ...wanted, ...(secret === undefined ? {} : { client_secret: secret }) };
  const wrong = combineProblems(replace ? [] : warnAndReturnMergedClientErrors(context, merged, update, current));
  if (wrong !== undefined) throw wrong;
  if (secret !== undefined && isPublic(merged))
    throw new Problem(`Client ${quote(id)} takes no secret: its auth method is none`, {
      code: "public-client-secret",
      exit: "usage",
      hint: "leave the secret out, or choose another --token-endpoint-auth-method",
    });
  warnOfLeavingStack(context, id, current, merged);
  return {
    ...update,
    current,
    wanted,
    merged,
    differing: [...findChanges(current, wanted), ...findIncomparableChanges(current, wanted)],
  };
}

/** The list in a field of a client, with the values that flags add and without those that they remove. */
export function applyEditFlagsToList(
  { values, warn }: Pick<Context, "values" | "warn">,
  field: ClientField,
  client: JsonObject,
): unknown {
  const isText = field.shape === "space-separated";
  const wordsIn = (text: string): readonly string[] => text.split(" ").filter((word) => word !== "");
  const listed = isText ? wordsIn(getTextField(client, field.name) ?? "") : getListField(client, field.name);
  const edits = LIST_EDIT_FLAGS.filter((edit) => edit.field === field);
  const valuesOf = (way: "add" | "remove"): readonly string[] =>
    edits
      .filter((edit) => edit.way === way)
      .flatMap((edit) => values.list(edit.flag))
      .flatMap((value) => (isText ? wordsIn(value) : value));
  const removed = valuesOf("remove");
  const isIn = (list: readonly string[], value: string): boolean =>
    list.some((item) => item === value || (!isText && isSameValue(field.name, [item], [value])));
  // What is added comes to what the empty list means, or the client would lose that.
  const current = listed.length === 0 && valuesOf("add").length > 0 ? defaultListOfField(field.name) : listed;
  for (const value of removed)
    if (!isIn(current, value))
      warn(`--remove-${field.singular ?? field.name} ${quote(value)} is not in ${field.name}`, "advice");
  const added = [...new Set(valuesOf("add"))].filter((value) => !isIn(current, value));
  const after = [...current, ...added].filter((value) => !isIn(removed, value));
  return isText ? after.join(" ") : after;
}

/** The fields that change inside, with their new values. */
function fieldsWithNestedChanges(current: JsonObject, nested: readonly PathAssignment[]): JsonObject {
  let client = current;
  for (const assignment of nested) {
    const set = withValueAtPath(client, assignment);
    if (set === undefined) throw invalidSetPathProblem(assignment.path);
    client = set;
  }
  return Object.fromEntries(nested.map(({ path: [top = ""] }) => [top, client[top]]));
}

/** Checks the client as it would be; only what the update causes is shown as a warning or returned as an error. */
function warnAndReturnMergedClientErrors(
  context: Pick<Context, "values" | "warn">,
  merged: JsonObject,
  update: RequestedUpdate,
  before: JsonObject,
): readonly Problem[] {
  const isChanged = (field: string): boolean => Object.hasOwn(update.set, field) || field === "client_secret";
  const label = createFieldLabeler(
    (field) => (isChanged(field) ? update.label(field) : `the client's ${field}`),
    (field) => (isChanged(field) ? update.label.sourceOf?.(field) : { kind: "registered client" }),
    update.label.syntax,
  );
  const known = new Set(lintClient(before, label).map(({ rule, message }) => `${rule} ${message}`));
  const caused = lintClient(merged, label).filter(({ rule, message }) => !known.has(`${rule} ${message}`));
  return warnAndReturnErrors(context, caused);
}

/** The request of an update; undefined if the client is up to date. */
export function updateRequestOfPlan(
  { id, replace, current, wanted, differing, secret }: PlannedUpdate,
  method: Parameters<typeof createUpdateRequest>[0],
): PatchOrPutRequest | undefined {
  const withSecret = secret === undefined ? {} : { client_secret: secret };
  if (replace) return { method: "PUT", body: { client_id: id, ...wanted, ...withSecret } };
  const all = [
    ...differing,
    ...(secret === undefined ? [] : [{ field: "client_secret", before: undefined, after: secret }]),
  ];
  return all.length === 0 ? undefined : createUpdateRequest(method, current, all);
}

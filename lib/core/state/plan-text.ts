import { withoutServerFields } from "../client/client.ts";
import { isStringList, type JsonObject, toJson } from "../json.ts";
import type { TextRole } from "../output/colors.ts";
import { redactBody } from "../output/curl.ts";
import { formatSource } from "./desired.ts";
import { describeNewClient, type FieldChange, withoutMark } from "./field-change.ts";
import { type Action, countActions, type Plan, type Step } from "./plan.ts";

/** A line of text, and the color that it has on a terminal. */
interface StyledLine {
  readonly text: string;
  readonly role?: TextRole;
}

/** The sign of an action, as in a diff. */
export const SIGNS: Readonly<Record<Action, string>> = {
  create: "+",
  change: "~",
  adopt: "~",
  unchanged: "=",
  delete: "-",
  refused: "!",
};

const ROLES: Readonly<Partial<Record<Action, TextRole>>> = {
  create: "added",
  change: "changed",
  adopt: "changed",
  delete: "removed",
  refused: "error",
};

/** The longest value that is shown. */
const LONGEST_VALUE = 200;

/** The column after the key of a client. */
const KEY_WIDTH = 30;

/** A value of a field on one line. */
export function formatValue(field: string, value: unknown): string {
  if (value === undefined || value === null) return "(not set)";
  const words = field === "scope" && typeof value === "string" ? value : undefined;
  const text = words ?? (isStringList(value) ? value.join(" ") : toJson(redactBody(value)));
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

/** Where the secrets that are generated go: `encrypted to 2 recipients`. */
export type SecretPlaceText = string | undefined;

/** What happens to the secret of a client; undefined if there is nothing to say. */
export function describeSecret({ action, secret, desired }: Step, place: SecretPlaceText): string | undefined {
  if (action === "delete" || action === "refused" || action === "unchanged") return undefined;
  switch (secret) {
    case "none":
      return undefined;
    case "unchanged":
      return "unchanged";
    case "generated":
      return place === undefined ? "generated" : `generated, ${place}`;
    case "given":
      return `set from ${desired?.secretOrigin ?? "the file"}`;
    case "mismatched":
      return `does not match; set from ${desired?.secretOrigin ?? "the file"}`;
  }
}

/** The changes of a step, and of a client that is deleted what it has. */
export function changesOf({ action, shown, current }: Step): readonly FieldChange[] {
  if (action !== "delete" || current === undefined) return shown;
  const { client_id: _, ...fields } = withoutMark(withoutServerFields(current));
  return describeNewClient(fields).map(({ field, after }) => ({ field, before: after, after: undefined }));
}

/** The text after the key of a client. */
function remark(step: Step, stack: string): string {
  const { action, desired, refusal, clientId } = step;
  const shownId = clientId === undefined ? "  its ID is chosen by the server" : `  ID ${clientId}`;
  const id = clientId === step.key || (action === "create" && clientId !== undefined) ? "" : shownId;
  if (refusal !== undefined) return `refused: ${refusal.reason}${id}`;
  if (action === "delete") return `in stack ${stack}, not in any file${id}`;
  const from = desired === undefined ? "" : formatSource(desired.source);
  return `${from}${action === "adopt" ? "  taken over: it belongs to no stack" : ""}${id}`;
}

function fieldLines({ field, before, after, added, removed }: FieldChange, width: number): readonly StyledLine[] {
  const name = `    ${field.padEnd(width)}  `;
  const rest = " ".repeat(name.length);
  if (before === undefined && added === undefined)
    return [{ text: `${name}${formatValue(field, after)}`, role: "added" }];
  if (added === undefined || removed === undefined)
    return [{ text: `${name}${formatValue(field, before)} → ${formatValue(field, after)}`, role: "changed" }];
  const items = [
    ...added.map((item) => ({ sign: "+", item, role: "added" as const })),
    ...removed.map((item) => ({ sign: "-", item, role: "removed" as const })),
  ];
  return items.map(({ sign, item, role }, at) => ({ text: `${at === 0 ? name : rest}${sign} ${item}`, role }));
}

function stepLines(step: Step, stack: string, place: SecretPlaceText): readonly StyledLine[] {
  const { action, key, notes } = step;
  const asNotes = notes.map((note): StyledLine => ({ text: `! ${key.padEnd(KEY_WIDTH)}${note}`, role: "warning" }));
  if (action === "unchanged") return asNotes;
  const role = ROLES[action];
  const title = { text: `${SIGNS[action]} ${key.padEnd(KEY_WIDTH - 1)} ${remark(step, stack)}` };
  const secret = describeSecret(step, place);
  const shown = action === "delete" ? [] : changesOf(step);
  const width = Math.max(...shown.map(({ field }) => field.length), "secret".length);
  return [
    role === undefined ? title : { ...title, role },
    ...shown.flatMap((change) => fieldLines(change, width)),
    ...(secret === undefined ? [] : [{ text: `    ${"secret".padEnd(width)}  ${secret}` }]),
    ...asNotes,
  ];
}

/** The words of the summary, in their order. */
const WORDS: readonly (readonly [Action, string])[] = [
  ["create", "to create"],
  ["change", "to change"],
  ["adopt", "to adopt"],
  ["delete", "to delete"],
  ["refused", "refused"],
  ["unchanged", "unchanged"],
];

/** `1 to create, 41 unchanged, 1 note` */
export function summarizePlan(plan: Plan): string {
  const counts = countActions(plan);
  const notes = countNotes(plan);
  const parts = WORDS.flatMap(([action, words]) => (counts[action] === 0 ? [] : [`${counts[action]} ${words}`]));
  const all = notes === 0 ? parts : [...parts, notes === 1 ? "1 note" : `${notes} notes`];
  return all.length === 0 ? "No clients" : all.join(", ");
}

/** The number of notes. */
function countNotes({ steps, notes }: Plan): number {
  return steps.reduce((sum, step) => sum + step.notes.length, notes.length);
}

/** A plan for people. */
export function planLines(plan: Plan, place?: SecretPlaceText): readonly StyledLine[] {
  return [
    ...plan.steps.flatMap((step) => stepLines(step, plan.stack, place)),
    ...plan.notes.map((note): StyledLine => ({ text: `! ${note}`, role: "warning" })),
    { text: summarizePlan(plan), role: "heading" },
  ];
}

/** A plan as JSON; unchanged clients are only counted, unless there is a note about them. */
export function planDocument(plan: Plan, endpoint: string): JsonObject {
  const { create, change, adopt, delete: deleted, refused, unchanged } = countActions(plan);
  return {
    stack: plan.stack,
    endpoint,
    tier: plan.release ?? null,
    summary: { create, change, adopt, delete: deleted, refused, unchanged, notes: countNotes(plan) },
    notes: plan.notes,
    clients: plan.steps.filter(({ action, notes }) => action !== "unchanged" || notes.length > 0).map(stepDocument),
  };
}

function stepDocument(step: Step): JsonObject {
  const { action, key, clientId, desired, secret, notes, refusal } = step;
  const changes = changesOf(step).map(({ field, before, after, added, removed }) => ({
    field,
    before: redactBody(before) ?? null,
    after: redactBody(after) ?? null,
    ...(added === undefined ? {} : { added, removed }),
  }));
  return {
    action,
    key,
    client_id: clientId ?? null,
    source: desired === undefined ? null : { file: desired.source.file, line: desired.source.line },
    changes,
    secret,
    notes,
    ...(refusal === undefined ? {} : { reason: refusal.reason }),
  };
}

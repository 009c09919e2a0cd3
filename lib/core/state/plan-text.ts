import { withoutUnsendableFields } from "../client/client.ts";
import { isStringList, toTerminalSafeJson } from "../json/json.ts";
import { redactJson } from "../json/redact-json.ts";
import type { StyledLine, TextRole } from "../output/colors.ts";
import { type LabelledValue, labelledLines } from "../output/labelled-lines.ts";
import { quote } from "../text.ts";
import { formatFileLine } from "./desired-client.ts";
import type { StackPlan, StackPlanStep, StepAction } from "./plan.ts";
import { changesOfNewClient, type ShownChange } from "./shown-change.ts";
import { readStackMark, withoutStackMark } from "./stack-mark.ts";

/** How plans display an action. */
interface ActionDisplay {
  /** As in a diff. */
  readonly sign: string;
  readonly role?: TextRole;
  readonly summary: string;
}

/** The actions in the order of the summary. */
export const ACTION_DISPLAYS: Readonly<Record<StepAction, ActionDisplay>> = {
  create: { sign: "+", role: "added", summary: "to create" },
  change: { sign: "~", role: "changed", summary: "to change" },
  adopt: { sign: "~", role: "changed", summary: "to adopt" },
  delete: { sign: "-", role: "removed", summary: "to delete" },
  refused: { sign: "!", role: "error", summary: "refused" },
  unchanged: { sign: "=", summary: "unchanged" },
};

/** The longest value that is shown. */
const LONGEST_VALUE = 200;

/** The column after the key of a client. */
const KEY_WIDTH = 30;

/** A value of a field on one line. */
export function formatFieldValue(field: string, value: unknown): string {
  if (value === undefined || value === null) return "(not set)";
  const words = field === "scope" && typeof value === "string" ? value : undefined;
  const text = words ?? (isStringList(value) ? value.join(" ") : toTerminalSafeJson(redactJson(value)));
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

/** Where the secrets that are generated go: `encrypted to 2 recipients`. */
export type SecretDestinationText = string | undefined;

/** What happens to the secret of a client; undefined if there is nothing to say. */
export function describeSecretAction(
  { action, secret, desired }: StackPlanStep,
  place: SecretDestinationText,
): string | undefined {
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
export function shownChangesOf({ action, shown, current }: StackPlanStep): readonly ShownChange[] {
  if (action !== "delete" || current === undefined) return shown;
  const { client_id: _, ...fields } = withoutStackMark(withoutUnsendableFields(current));
  return changesOfNewClient(fields).map(({ field, after }) => ({ field, before: after, after: undefined }));
}

/** The text after the key of a client. */
function remark(step: StackPlanStep, stack: string): string {
  const { action, desired, refusal, clientId } = step;
  const shownId = clientId === undefined ? "  its ID is chosen by the server" : `  ID ${clientId}`;
  const id = clientId === step.key || (action === "create" && clientId !== undefined) ? "" : shownId;
  if (refusal !== undefined) return `refused: ${refusal.reason}${id}`;
  if (action === "delete") return `in stack ${stack}, not in any file${id}`;
  const from = desired === undefined ? "" : formatFileLine(desired.source);
  return `${from}${action === "adopt" ? `  taken over${adoptionSourceText(step)}` : ""}${id}`;
}

/** Where a client is taken over from. */
function adoptionSourceText({ current }: StackPlanStep): string {
  const mark = current === undefined ? undefined : readStackMark(current);
  return mark === undefined ? ": it belongs to no stack" : ` from stack ${quote(mark.stack)}`;
}

/** How a plan is shown to people. */
interface PlanLayout {
  readonly place?: SecretDestinationText;
  /** The width of the terminal; undefined breaks no line. */
  readonly columns: number | undefined;
}

function fieldRows({ field, before, after, added, removed }: ShownChange, width: number): readonly LabelledValue[] {
  const label = `    ${field.padEnd(width)}  `;
  if (before === undefined && added === undefined)
    return [{ label, value: formatFieldValue(field, after), role: "added" }];
  if (added === undefined || removed === undefined)
    return [
      { label, value: `${formatFieldValue(field, before)} → ${formatFieldValue(field, after)}`, role: "changed" },
    ];
  const items = [
    ...added.map((value) => ({ sign: "+ ", value, role: "added" as const })),
    ...removed.map((value) => ({ sign: "- ", value, role: "removed" as const })),
  ];
  const rest = " ".repeat(label.length);
  return items.map((item, at) => ({ ...item, label: at === 0 ? label : rest }));
}

function stepAsStyledLines(step: StackPlanStep, stack: string, { place, columns }: PlanLayout): readonly StyledLine[] {
  const { action, key, notes } = step;
  const noteLines = notes.flatMap((note) =>
    labelledLines([{ label: `! ${key.padEnd(KEY_WIDTH)}`, value: note, role: "warning" }], columns),
  );
  if (action === "unchanged") return noteLines;
  const { sign, role } = ACTION_DISPLAYS[action];
  const label = `${sign} ${key.padEnd(KEY_WIDTH - 1)} `;
  const secret = describeSecretAction(step, place);
  const shown = action === "delete" ? [] : shownChangesOf(step);
  const width = Math.max(...shown.map(({ field }) => field.length), "secret".length);
  const secretRow = { label: `    ${"secret".padEnd(width)}  `, value: secret ?? "" };
  return [
    ...labelledLines([{ label, value: remark(step, stack), role }], columns),
    ...shown.flatMap((change) => labelledLines(fieldRows(change, width), columns)),
    ...(secret === undefined ? [] : labelledLines([secretRow], columns)),
    ...noteLines,
  ];
}

/** `1 to create, 41 unchanged, 1 note` */
export function summarizePlan(plan: StackPlan): string {
  const notes = countNotes(plan);
  const parts = Object.entries(ACTION_DISPLAYS).flatMap(([name, { summary }]) => {
    const count = plan.steps.filter(({ action }) => action === name).length;
    return count === 0 ? [] : [`${count} ${summary}`];
  });
  const all = notes === 0 ? parts : [...parts, notes === 1 ? "1 note" : `${notes} notes`];
  return all.length === 0 ? "No clients" : all.join(", ");
}

export function countNotes({ steps, notes }: StackPlan): number {
  return steps.reduce((sum, step) => sum + step.notes.length, notes.length);
}

/** A plan for people. */
export function planAsStyledLines(plan: StackPlan, layout: PlanLayout): readonly StyledLine[] {
  const { columns } = layout;
  return [
    ...plan.steps.flatMap((step) => stepAsStyledLines(step, plan.stack, layout)),
    ...plan.notes.flatMap((note) => labelledLines([{ label: "! ", value: note, role: "warning" }], columns)),
    ...labelledLines([{ label: "", value: summarizePlan(plan), role: "heading" }], columns),
  ];
}

import { escapeMarkdown } from "../output/tsv-csv-markdown.ts";
import { escapeControls } from "../text.ts";
import { formatFileLine } from "./desired-client.ts";
import type { StackPlan, StackPlanStep } from "./plan.ts";
import { ACTION_DISPLAYS, describeSecretAction, formatFieldValue, shownChangesOf, summarizePlan } from "./plan-text.ts";
import type { ShownChange } from "./shown-change.ts";

/** GitHub accepts 65,536 characters in a comment; this leaves room for text around the plan. */
const LONGEST_MARKDOWN = 60_000;

/** Room for the lines about what is left out. */
const RESERVED = 300;

const utf8 = new TextEncoder();

function diffLinesOfChange({ field, before, after, added, removed }: ShownChange): readonly string[] {
  if (added !== undefined && removed !== undefined && before !== undefined)
    return [...removed.map((item) => `- ${field}: ${item}`), ...added.map((item) => `+ ${field}: ${item}`)];
  return [
    ...(before === undefined || before === null ? [] : [`- ${field}: ${formatFieldValue(field, before)}`]),
    ...(after === undefined || after === null ? [] : [`+ ${field}: ${formatFieldValue(field, after)}`]),
  ];
}

function stepTableRow(step: StackPlanStep): string {
  const { action, key, desired, notes, refusal } = step;
  const fields = shownChangesOf(step).map(({ field }) => field);
  const what = action === "delete" ? "not in any file" : fields.join(", ");
  const remarks = [...(refusal === undefined ? [] : [refusal.reason]), ...notes].map(escapeMarkdown);
  const cells = [
    action === "delete" || action === "refused" ? `**${action}**` : action,
    escapeMarkdown(key),
    desired === undefined ? "" : escapeMarkdown(formatFileLine(desired.source)),
    [...(what === "" || action === "create" ? [] : [escapeMarkdown(what)]), ...remarks].join("<br>"),
  ];
  return `| ${cells.join(" | ")} |\n`;
}

function stepDetailsBlock(step: StackPlanStep): string {
  const secret = describeSecretAction(step, undefined);
  const lines = [
    ...shownChangesOf(step).flatMap(diffLinesOfChange),
    ...(secret === undefined ? [] : [`  secret: ${secret}`]),
  ].map(escapeControls);
  if (lines.length === 0) return "";
  const title = `${escapeMarkdown(ACTION_DISPLAYS[step.action].sign)} ${escapeMarkdown(step.key)}`;
  return `<details><summary>${title}</summary>\n\n\`\`\`diff\n${lines.join("\n")}\n\`\`\`\n\n</details>\n\n`;
}

/** Adds texts while there is room; returns how many are left out. */
function addTextsWhileRoom(parts: string[], texts: readonly string[], room: { left: number }): number {
  for (const [at, text] of texts.entries()) {
    const size = utf8.encode(text).length;
    if (size > room.left) return texts.length - at;
    room.left -= size;
    parts.push(text);
  }
  return 0;
}

/** A plan as Markdown that fits into a comment on a pull request. */
export function planAsMarkdown(plan: StackPlan): string {
  const shown = plan.steps.filter(({ action, notes }) => action !== "unchanged" || notes.length > 0);
  const head = `### OAuth 2.0 clients of stack ${escapeMarkdown(plan.stack)}\n\n${summarizePlan(plan)}\n\n`;
  const parts = [head];
  const room = { left: LONGEST_MARKDOWN - RESERVED - utf8.encode(head).length };
  addTextsWhileRoom(
    parts,
    plan.notes.map((note) => `> ${escapeMarkdown(note)}\n\n`),
    room,
  );
  if (shown.length === 0) return parts.join("");
  parts.push("| | client | file | changes |\n|---|---|---|---|\n");
  const rows = addTextsWhileRoom(parts, shown.map(stepTableRow), room);
  parts.push(rows === 0 ? "\n" : `\n${rows} more clients are not listed.\n\n`);
  const left = addTextsWhileRoom(parts, shown.map(stepDetailsBlock), room);
  if (left > 0) parts.push(`The details of ${left} more clients are not shown.\n`);
  return parts.join("");
}

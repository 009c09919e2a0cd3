import { quoteCsvField } from "../flags/csv.ts";
import { longFlag } from "../flags/flag.ts";
import { toTerminalSafeJson } from "../json/json.ts";
import { commandWord } from "../output/shell-quote.ts";
import type { FieldLabeler } from "./client.ts";
import { FIELD_BY_NAME } from "./fields.ts";
import type { ClientRule, LintFinding, RuleFinding } from "./rule-types.ts";

/** The longest corrected value that a hint shows. */
const LONGEST_SHOWN = 500;

/**
 * The flag that a field's value came from, given or as its default, or the one that changes it in a client that is
 * updated; undefined for a value in a file.
 */
function findSourceFlag(field: string, label: FieldLabeler): string | undefined {
  const source = label.sourceOf?.(field);
  if (source?.kind !== "registered client") return source?.name;
  return fieldFlag(field, label);
}

function fieldFlag(field: string, { syntax = "1.x" }: FieldLabeler): string | undefined {
  const flag = FIELD_BY_NAME.get(field)?.flag;
  return flag === undefined ? undefined : longFlag(flag, syntax);
}

/**
 * How to name a field that is to be set: by its flag if `given`, the field that shows the mistake, comes from the command
 * line or from the client that an update changes; otherwise by its name in a file.
 */
export function flagOrFieldName(field: string, label: FieldLabeler, given: string): string {
  const isOnCommandLine = label.sourceOf?.(given) !== undefined;
  return (isOnCommandLine ? fieldFlag(field, label) : undefined) ?? field;
}

/** The advice to write a value, as it would be typed where the old one came from: after a flag, or in a file. */
export function replacementHint(
  field: string,
  label: FieldLabeler,
  values: readonly string[],
  form: "list" | "words" = "list",
): string {
  const flag = findSourceFlag(field, label);
  const distinct = [...new Set(values)];
  const value =
    form === "list"
      ? `[${distinct.map((text) => toTerminalSafeJson(text)).join(", ")}]`
      : toTerminalSafeJson(distinct.join(" "));
  const text =
    flag === undefined ? `"${field}": ${value}` : `${flag} ${commandWord(distinct.map(quoteCsvField).join(","))}`;
  return text.length > LONGEST_SHOWN ? `correct ${label(field)}` : `write ${text}`;
}

/** A finding with its message, in which `label` names the field. */
export function createLintFinding(rule: ClientRule, found: RuleFinding, label: (field: string) => string): LintFinding {
  const { field, text, hint = rule.hint, severity = rule.severity } = found;
  return { rule: rule.name, severity, field, hint, message: field === undefined ? text : `${label(field)} ${text}` };
}

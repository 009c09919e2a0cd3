import { toTerminalSafeJson } from "../json/json.ts";
import { escapeControls } from "../text.ts";
import type { FieldLabeler } from "./client.ts";
import { FIELD_BY_NAME } from "./fields.ts";
import type { LintFinding } from "./lint-finding.ts";

/** One thing that a rule found. The hint has the corrected value where there is one. */
export interface ValueFinding {
  readonly message: string;
  /** That of the rule if missing. */
  readonly hint?: string;
  /** Where it differs from that of the rule, because it depends on the server. */
  readonly severity?: LintFinding["severity"];
}

/** What a rule found: nothing, one thing, or several. */
export type ValueFindings = ValueFinding | readonly ValueFinding[];

/** The longest corrected value that a hint shows. */
const LONGEST_SHOWN = 500;

/** The flag that a field's value came from, given or as its default; undefined for one in a file. */
function flagOf(field: string, label: FieldLabeler): string | undefined {
  const source = label.sourceOf?.(field);
  return source?.kind === "flag" ? source.name : undefined;
}

/**
 * How to name a field that is to be set: its flag where `given`, the field that shows the mistake, came from the command
 * line or from the client that an update changes, and the field itself in a file.
 */
export function flagOrFieldName(field: string, label: FieldLabeler, given: string): string {
  const isOnCommandLine = label.sourceOf?.(given) !== undefined;
  const flag = FIELD_BY_NAME.get(field)?.flag.name;
  return isOnCommandLine && flag !== undefined ? `--${flag}` : field;
}

/** The advice to write a value, as it would be typed where the old one came from: after a flag, or in a file. */
export function replacementHint(
  field: string,
  label: FieldLabeler,
  values: readonly string[],
  form: "list" | "words" = "list",
): string {
  const flag = flagOf(field, label);
  const distinct = [...new Set(values)];
  const value =
    form === "list"
      ? `[${distinct.map((text) => toTerminalSafeJson(text)).join(", ")}]`
      : toTerminalSafeJson(distinct.join(" "));
  const text = flag === undefined ? `"${field}": ${value}` : `${flag} ${escapeControls(distinct.join(","))}`;
  return text.length > LONGEST_SHOWN ? `correct ${label(field)}` : `write ${text}`;
}

import { type FieldChange, isEmptyOrFalse } from "../../core/client/equality.ts";
import { toTerminalSafeJson } from "../../core/json/json.ts";
import { redactJson } from "../../core/json/redact-json.ts";
import { CLIENT_CREDENTIAL_FIELDS, REDACTED } from "../../core/redact.ts";

/** A value in a message about a change, without credentials. */
export function shortRedactedValue(value: unknown): string {
  const text = value === undefined || value === null ? "(nothing)" : toTerminalSafeJson(redactJson(value));
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

/** The sides of each change, as the lines of a diff. */
export function changesAsDiffLines(changes: readonly FieldChange[]): readonly string[] {
  return changes.flatMap(({ field, before, after }) => {
    if (CLIENT_CREDENTIAL_FIELDS.includes(field)) return [`  + ${field}: ${REDACTED}`];
    const sides = [
      ["-", before],
      ["+", after],
    ] as const;
    return sides.flatMap(([sign, value]) =>
      isEmptyOrFalse(value) ? [] : [`  ${sign} ${field}: ${shortRedactedValue(value)}`],
    );
  });
}

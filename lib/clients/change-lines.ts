import { type Change, isUnset } from "../core/client/equality.ts";
import { toJson } from "../core/json.ts";
import { CREDENTIAL_FIELDS, REDACTED } from "../core/redact.ts";
import { redactJson } from "../core/redact-json.ts";

/** A value in a message about a change, without credentials. */
export function shortRedactedValue(value: unknown): string {
  const text = value === undefined || value === null ? "(nothing)" : toJson(redactJson(value));
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

/** The sides of a field's change, as in a diff. */
export function diffLines(changes: readonly Change[]): readonly string[] {
  return changes.flatMap(({ field, before, after }) => {
    if (CREDENTIAL_FIELDS.includes(field)) return [`  + ${field}: ${REDACTED}`];
    const sides = [
      ["-", before],
      ["+", after],
    ] as const;
    return sides.flatMap(([sign, value]) =>
      isUnset(value) ? [] : [`  ${sign} ${field}: ${shortRedactedValue(value)}`],
    );
  });
}

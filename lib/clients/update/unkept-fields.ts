import type { Context } from "../../command.ts";
import { isSameValue } from "../../core/client/equality.ts";
import { FIELD_NAMES } from "../../core/client/fields.ts";
import type { JsonObject } from "../../core/json/json.ts";

/** Fields that a server may set itself: the ID if it rejects chosen ones, the secret if it generates one. */
const SET_BY_SERVER: ReadonlySet<string> = new Set(["client_id", "client_secret"]);

/** The fields that were sent and that the answer has with another value, or not at all. */
function findUnkeptFields(sent: JsonObject, answer: JsonObject): readonly string[] {
  return Object.entries(sent).flatMap(([field, value]) =>
    SET_BY_SERVER.has(field) || isSameValue(field, answer[field], value) ? [] : [field],
  );
}

/** Warns about the fields of one client that the server didn't keep. */
export function warnOfUnkeptFields({ warn }: Pick<Context, "warn">, sent: JsonObject, answer: JsonObject): void {
  for (const field of findUnkeptFields(sent, answer)) {
    const kept = answer[field] === undefined ? "this server does not keep the field" : "the server keeps another value";
    warn(`${field}: ${kept}`);
  }
}

/** The known fields of a client that the server didn't keep; unknown ones have been reported when the file was read. */
export function findUnkeptKnownFields(sent: JsonObject, answer: JsonObject): readonly string[] {
  return findUnkeptFields(sent, answer).filter((field) => FIELD_NAMES.includes(field));
}

/** The fields that a server didn't keep, over many clients: one warning a field instead of one a client. */
export class UnkeptFieldsReport {
  readonly #seen = new Map<string, { count: number; readonly first: string }>();

  record(location: string, fields: readonly string[]): void {
    for (const field of fields) {
      const seen = this.#seen.get(field);
      if (seen === undefined) this.#seen.set(field, { count: 1, first: location });
      else seen.count++;
    }
  }

  report({ warn }: Pick<Context, "warn">): void {
    for (const [field, { count, first }] of this.#seen)
      warn(
        `${field}: the server did not keep the value of ${count === 1 ? first : `${count} clients, the first ${first}`}`,
      );
  }
}

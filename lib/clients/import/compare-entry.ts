import { getTextField, isPublic } from "../../core/client/client.ts";
import { type FieldChange, findChanges } from "../../core/client/equality.ts";
import type { JsonObject } from "../../core/json/json.ts";

/** How an entry differs from the client that the server has. */
interface EntryDifference {
  readonly wanted: JsonObject;
  /** The secret that the entry gives; the server doesn't return its own, so it always counts as different. */
  readonly secret: string | undefined;
  readonly differing: readonly FieldChange[];
}

/** Compares a client of an import with the one that the server has. */
export function compareEntryWithClient(payload: JsonObject, current: JsonObject): EntryDifference {
  const { client_secret: _, ...wanted } = payload;
  const secret = isPublic(payload) ? undefined : getTextField(payload, "client_secret") || undefined;
  return {
    wanted,
    secret,
    differing: [
      ...findChanges(current, wanted),
      ...(secret === undefined ? [] : [{ field: "client_secret", before: undefined, after: secret }]),
    ],
  };
}

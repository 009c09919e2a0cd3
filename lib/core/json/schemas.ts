import * as v from "valibot";
import { isJsonObject, type JsonObject } from "./json.ts";

/** Any JSON object. The object schemas of valibot accept lists too, and numbers that keep their text. */
export const AnyJsonObject = v.custom<JsonObject>(isJsonObject);

/** A JSON object; anything else counts as one without members. */
export const JsonObjectOrEmpty = v.fallback(AnyJsonObject, {});

/** Text that is not empty; anything else counts as missing. */
export const TextOrMissing = v.fallback(v.optional(v.pipe(v.string(), v.nonEmpty())), undefined);

/** A JSON object with these members; its other members are left out. */
export function jsonObjectSchema<const Entries extends v.ObjectEntries>(
  entries: Entries,
): v.SchemaWithPipe<readonly [typeof AnyJsonObject, v.ObjectSchema<Entries, undefined>]> {
  return v.pipe(AnyJsonObject, v.object(entries));
}

/** What a schema makes of a value, or what `reject` makes of one that it doesn't accept: it gets the first wrong member. */
export function parseOrReject<T, R>(
  schema: v.GenericSchema<unknown, T>,
  value: unknown,
  reject: (member: string) => R,
): T | R {
  const read = v.safeParse(schema, value);
  return read.success ? read.output : reject(String(read.issues[0].path?.[0]?.key ?? ""));
}

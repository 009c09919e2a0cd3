import * as v from "valibot";
import { CLIENT_FIELDS, type FieldShape } from "../core/client/fields.ts";

type FieldSchema = v.GenericSchema;

/** Fields that only a server sets, whose types aren't checked when a response is read. */
const SERVER_SET: readonly (readonly [field: string, shape: FieldShape | "number"])[] = [
  ["client_secret_expires_at", "number"],
  ["created_at", "text"],
  ["updated_at", "text"],
  ["registration_access_token", "text"],
  ["registration_client_uri", "text"],
];

let schemas: ReadonlyMap<string, FieldSchema> | undefined;

/** The schema of each field, built at the first use: none of them is needed to deliver a client's credentials. */
export function fieldSchemasByName(): ReadonlyMap<string, FieldSchema> {
  if (schemas !== undefined) return schemas;
  const text = v.nullable(v.string());
  const json = v.unknown();
  // One for all fields of a shape. Servers write `null` for no value.
  const byShape: Readonly<Record<FieldShape | "number", FieldSchema>> = {
    text,
    list: v.nullable(v.array(v.string())),
    "space-separated": text,
    boolean: v.nullable(v.boolean()),
    number: v.nullable(v.number()),
    json,
    "json-or-file": json,
    duration: text,
  };
  const shapes = [...CLIENT_FIELDS.map(({ name, shape }) => [name, shape] as const), ...SERVER_SET];
  schemas = new Map(shapes.map(([name, shape]) => [name, byShape[shape]]));
  return schemas;
}

/** The fields whose values have a type that this program doesn't expect, as a later release of a server could send. */
export function fieldsWithUnexpectedTypes(record: Readonly<Record<string, unknown>>): readonly string[] {
  const known = fieldSchemasByName();
  return Object.entries(record).flatMap(([field, value]) => {
    const schema = known.get(field);
    return schema === undefined || v.is(schema, value) ? [] : [field];
  });
}

import * as v from "valibot";
import { FIELDS, type FieldShape } from "../core/client/fields.ts";

type Schema = v.GenericSchema;

/** The JSON types of a field by its shape in the field table; servers write `null` for a field without a value. */
const SHAPES: Readonly<Record<FieldShape, () => Schema>> = {
  text: () => v.nullable(v.string()),
  list: () => v.nullable(v.array(v.string())),
  "space-separated": () => v.nullable(v.string()),
  boolean: () => v.nullable(v.boolean()),
  json: () => v.unknown(),
  "json-or-file": () => v.unknown(),
  duration: () => v.nullable(v.string()),
};

/** Fields that only a server sets and that aren't checked when a response is read. */
const SERVER_SET: readonly (readonly [field: string, schema: () => Schema])[] = [
  ["client_secret_expires_at", () => v.nullable(v.number())],
  ["created_at", () => v.nullable(v.string())],
  ["updated_at", () => v.nullable(v.string())],
  ["registration_access_token", () => v.nullable(v.string())],
  ["registration_client_uri", () => v.nullable(v.string())],
];

let schemas: ReadonlyMap<string, Schema> | undefined;

/** The schema of each field, built at the first use: none of them is needed to deliver a client's credentials. */
export function fieldSchemas(): ReadonlyMap<string, Schema> {
  schemas ??= new Map([
    ...FIELDS.map(({ name, shape }) => [name, SHAPES[shape]()] as const),
    ...SERVER_SET.map(([name, schema]) => [name, schema()] as const),
  ]);
  return schemas;
}

/** The fields whose values have a type that this program doesn't expect, as a later release of a server could send. */
export function unexpectedTypes(record: Readonly<Record<string, unknown>>): readonly string[] {
  const known = fieldSchemas();
  return Object.entries(record).flatMap(([field, value]) => {
    const schema = known.get(field);
    return schema === undefined || v.is(schema, value) ? [] : [field];
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { parseJsonExactly } from "../../../lib/core/json/json.ts";
import { JsonObjectOrEmpty, jsonObjectSchema, parseOrReject, TextOrMissing } from "../../../lib/core/json/schemas.ts";

/** What is not an object, although valibot takes some of it for one. */
const NO_OBJECTS: readonly unknown[] = [[], ["a"], parseJsonExactly("12345678901234567890"), null, "a", 5, undefined];

test("a schema of an object accepts neither a list nor a number that keeps its text", () => {
  const schema = jsonObjectSchema({ rawJSON: v.optional(v.unknown()), length: v.optional(v.unknown()) });
  for (const value of NO_OBJECTS) {
    assert.equal(v.is(schema, value), false);
    assert.deepEqual(v.parse(JsonObjectOrEmpty, value), {});
  }
  assert.deepEqual(v.parse(schema, { length: 1, other: 2 }), { length: 1 });
});

test("a text that is missing, empty or of another type is missing", () => {
  assert.equal(v.parse(TextOrMissing, "a"), "a");
  for (const value of ["", null, undefined, 5, ["a"], {}]) assert.equal(v.parse(TextOrMissing, value), undefined);
});

test("a rejected value is reported with its first wrong member", () => {
  const schema = jsonObjectSchema({ a: v.string(), b: v.string() });
  const read = (value: unknown): unknown => parseOrReject(schema, value, (member) => `wrong: ${member}`);
  assert.deepEqual(read({ a: "1", b: "2" }), { a: "1", b: "2" });
  assert.equal(read({ a: "1", b: 2 }), "wrong: b");
  assert.equal(read({ b: 2 }), "wrong: a");
  assert.equal(read([]), "wrong: ");
});

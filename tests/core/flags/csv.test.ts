import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { splitCsvOrFault } from "../../../lib/core/flags/csv.ts";
import { randomRuns } from "../../thorough.ts";
import { csvField } from "./csv-field.ts";

/** What Go's encoding/csv makes of one line: its fields, or undefined where it refuses the line. */
const LINES: readonly (readonly [text: string, fields: readonly string[] | undefined])[] = [
  ["", []],
  ["a", ["a"]],
  ["a,b", ["a", "b"]],
  ["a, b", ["a", " b"]],
  [" a ,b ", [" a ", "b "]],
  [",", ["", ""]],
  ["a,", ["a", ""]],
  [",a", ["", "a"]],
  ["a,,b", ["a", "", "b"]],
  ['""', [""]],
  ['"a,b",c', ["a,b", "c"]],
  ['c,"a,b"', ["c", "a,b"]],
  ['"a ""b"" c"', ['a "b" c']],
  ['""""', ['"']],
  ['"a\nb",c', ["a\nb", "c"]],
  ['"a",', ["a", ""]],
  ["http://a.example/cb?x=1,http://b.example/cb", ["http://a.example/cb?x=1", "http://b.example/cb"]],
  ["é,漢字,🔑", ["é", "漢字", "🔑"]],
  ["constructor,__proto__", ["constructor", "__proto__"]],
  ['a"b', undefined],
  ['a,b"', undefined],
  ['"a', undefined],
  ['"a""', undefined],
  ['"', undefined],
  ['"a"b', undefined],
  ['"a" ,b', undefined],
  [' "a,b"', undefined],
];

for (const [text, fields] of LINES) {
  test(`splitCsvOrFault() of ${JSON.stringify(text)}`, () => {
    const line = splitCsvOrFault(text);
    if (fields === undefined) {
      assert.ok("fault" in line, "the line must be refused");
      assert.match(line.fault, /\bdouble quote\b/);
    } else {
      assert.deepEqual(line, { fields });
    }
  });
}

test("splitCsvOrFault() rejects a bare line break, after which Hydra's own CLI silently drops the rest", () => {
  for (const text of ["a\nb", "a\r\nb", "a\rb", "\n", "a,b\n"]) {
    const line = splitCsvOrFault(text);
    assert.ok("fault" in line && /line break/.test(line.fault), JSON.stringify(text));
  }
});

test("splitCsvOrFault() never throws, and returns fields or a fault for any text", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom('"', ",", "a", "\n", "\r", " ") }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const line = splitCsvOrFault(text);
      assert.ok("fault" in line ? line.fault !== "" : line.fields.every((field) => typeof field === "string"));
    }),
    { numRuns: randomRuns(500) },
  );
});

test("splitCsv() reads what csvField() writes as one field", () => {
  const values = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom('"', ",", "a", "\n", "\r", " ") }),
  );
  fc.assert(
    fc.property(values, (value) => {
      assert.deepEqual(splitCsvOrFault(csvField(value)), { fields: [value] });
    }),
    { numRuns: randomRuns(500) },
  );
});

test("csvField() values joined by commas are read back as the same list, and plain words stay unquoted", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (values) => {
      assert.deepEqual(splitCsvOrFault(values.map(csvField).join(",")), { fields: values });
    }),
  );
  assert.equal(csvField("openid"), "openid");
  assert.equal(csvField("a,b"), '"a,b"');
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseJsonExactly } from "../../../lib/core/json/json.ts";
import {
  parseJsonEntries,
  readManifestEntries,
  withJsonEntriesAdded,
} from "../../../lib/core/output/existing-credential-entries.ts";

describe("a JSON file with credentials", () => {
  test("has the entries of objects with a client ID, whatever their names", () => {
    assert.deepEqual(parseJsonEntries(" \n"), new Map());
    const text = '{"a":{"client_id":"x","more":[1]},"__proto__":{"client_id":"y"}}';
    const found = parseJsonEntries(text) ?? assert.fail();
    assert.deepEqual(
      [...found],
      [
        ["a", '{"client_id":"x","more":[1]}'],
        ["__proto__", '{"client_id":"y"}'],
      ],
    );
    assert.match(withJsonEntriesAdded(text, { b: { client_id: "z" } }), /"__proto__": \{\n {4}"client_id": "y"/);
  });

  test("is something else with any other entry", () => {
    for (const entry of [
      "{}",
      "null",
      "5",
      '"x"',
      "12345678901234567890",
      '["client_id"]',
      '{"client_id":5}',
      '{"client_id":["x"]}',
      '{"__proto__":{"client_id":"x"}}',
    ])
      assert.equal(parseJsonEntries(`{"a":{"client_id":"x"},"b":${entry}}`), undefined, entry);
    for (const text of ["[]", '[{"client_id":"x"}]', "5", "12345678901234567890", "{", "null", "// a\n{}"])
      assert.equal(parseJsonEntries(text), undefined, text);
    assert.equal(parseJsonEntries(`{"a":${"[".repeat(600)}${"]".repeat(600)}}`), undefined);
  });
});

describe("a file of Kubernetes Secrets", () => {
  const secret = (metadata: string, kind = '"Secret"'): unknown =>
    parseJsonExactly(`{"kind":${kind},"metadata":${metadata}}`);

  test("has them by name and namespace, and may have empty documents", () => {
    const found = readManifestEntries([null, secret('{"name":"a"}'), secret('{"name":"b","namespace":"n"}')]);
    assert.deepEqual(
      [...(found ?? [])].map(([name]) => name),
      ["a", "n/b"],
    );
    assert.equal(found?.get("a"), '{"kind":"Secret","metadata":{"name":"a"}}');
    // Kubernetes rejects the file, which may not be lost for that.
    assert.deepEqual([...(readManifestEntries([secret('{"name":"a","namespace":5}')]) ?? [])].length, 1);
  });

  test("is something else with any other document", () => {
    for (const document of [
      ...[
        "null",
        "{}",
        "5",
        '"a"',
        '["a"]',
        "12345678901234567890",
        '{"name":5}',
        '{"name":["a"]}',
        '{"name":null}',
      ].map((metadata) => secret(metadata)),
      ...['"Role"', '["Secret"]', "null"].map((kind) => secret('{"name":"a"}', kind)),
      parseJsonExactly('{"__proto__":{"kind":"Secret","metadata":{"name":"a"}}}'),
      ...[[], ["Secret"], "Secret", 5],
    ])
      assert.equal(readManifestEntries([secret('{"name":"a"}'), document]), undefined, JSON.stringify(document));
  });
});

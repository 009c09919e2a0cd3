import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonText, parseClient, parseClientList } from "../../lib/servers/index.ts";

function nested(depth: number): string {
  return `${"[".repeat(depth)}${"]".repeat(depth)}`;
}

test("clientIn() returns a client unchanged, also with numbers that the runtime can't represent", () => {
  const text = `{"client_id":"a","metadata":{"n":12345678901234567890,"x":${nested(498)}}}`;
  const read = parseClient(text);
  assert.equal(JSON.stringify(read?.record), text);
  assert.deepEqual(read?.unread, []);
});

test("clientIn() reads a client that is nested too deep field by field", () => {
  for (const depth of [500, 9_000, 1_000_000]) {
    const text = ` { "n" : 12345678901234567890, "deep" : ${nested(depth)} , "client_id":"a" , "s":"[{,\\"}" ,
      "od\\u0064" :{"x":${nested(depth)}},"client_secret":"s3cret", "last":{"x":[1,{}]} } `;
    const read = parseClient(text);
    assert.equal(
      JSON.stringify(read?.record),
      '{"n":12345678901234567890,"deep":null,"client_id":"a","s":"[{,\\"}","odd":null,"client_secret":"s3cret","last":{"x":[1,{}]}}',
    );
    assert.deepEqual(read?.unread, ["deep", "odd"]);
  }
});

test("parseClientList() reads the clients of a list one by one if one is nested too deep", () => {
  const read = parseClientList(
    `[{"client_id":"a","n":1e400},{"client_id":"b","x":${nested(501)}},\n{"client_id":"c"} ]`,
  );
  assert.equal(
    JSON.stringify(read?.records),
    '[{"client_id":"a","n":1e400},{"client_id":"b","x":null},{"client_id":"c"}]',
  );
  assert.deepEqual(
    Array.from(read?.unread ?? [], ([{ client_id: id }, fields]) => [id, fields]),
    [["b", ["x"]]],
  );
  assert.deepEqual(parseClientList("[]"), { records: [], unread: new Map() });
  // 500 levels of a client are 501 of its list.
  assert.equal(parseClientList(`[{"client_id":"a","x":${nested(499)}}]`)?.unread.size, 0);
  assert.equal(parseClientList(`[{"client_id":"a","x":${nested(500)}}]`)?.unread.size, 1);
});

test("other JSON is neither a client nor a list of clients, at any depth", () => {
  const deep = nested(10_000);
  for (const text of [
    "",
    "null",
    "[]",
    "{}",
    '{"client_id":5}',
    deep,
    `{"client_id":${deep}}`,
    `{"client_id":"a","x":${deep}`,
  ])
    assert.equal(parseClient(text), undefined, text.slice(0, 40));
  for (const text of [
    "",
    "null",
    "{}",
    "[null]",
    '[{"client_id":"a"},5]',
    deep,
    `[{"client_id":"a"},${deep}]`,
    `[{"x":${deep}}`,
  ])
    assert.equal(parseClientList(text), undefined, text.slice(0, 40));
});

test("isJsonText() accepts JSON of any depth", () => {
  assert.equal(isJsonText(nested(1_000_000)), true);
  assert.equal(isJsonText("[".repeat(1_000_000)), false);
});

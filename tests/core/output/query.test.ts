import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePointerOrError, resolvePointer } from "../../../lib/core/json/json-pointer.ts";
import { parseJsonPathOrDottedPath, parsePointerQuery, type Selection } from "../../../lib/core/output/query.ts";

/** The document of RFC 6901, section 5. */
const RFC6901 = {
  foo: ["bar", "baz"],
  "": 0,
  "a/b": 1,
  "c%d": 2,
  "e^f": 3,
  "g|h": 4,
  "i\\j": 5,
  'k"l': 6,
  " ": 7,
  "m~n": 8,
};

for (const [pointer, value] of [
  ["", RFC6901],
  ["/foo", ["bar", "baz"]],
  ["/foo/0", "bar"],
  ["/", 0],
  ["/a~1b", 1],
  ["/c%d", 2],
  ["/e^f", 3],
  ["/g|h", 4],
  ["/i\\j", 5],
  ['/k"l', 6],
  ["/ ", 7],
  ["/m~0n", 8],
  ["/~01", undefined],
  ["/foo/2", undefined],
  ["/foo/-", undefined],
  ["/foo/00", undefined],
  ["/foo/length", undefined],
  ["/constructor", undefined],
  ["/__proto__", undefined],
  ["/m~0n/x", undefined],
] as const) {
  test(`the pointer ${JSON.stringify(pointer)} refers to ${JSON.stringify(value)?.slice(0, 20)}`, () => {
    assert.deepEqual(selectionOf(parsePointerQuery(pointer), RFC6901), {
      values: value === undefined ? [] : [value],
      single: true,
    });
  });
}

test("a pointer made from any path refers to the value at that path", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom("~", "/", "0", "1", "a", "é") }), { maxLength: 5 }),
      (path) => {
        const document = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), "here");
        const text = path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
        const pointer = parsePointerOrError(text);
        assert.deepEqual(pointer, path);
        assert.equal(resolvePointer(document, path), "here");
      },
    ),
  );
});

for (const [text, error] of [
  ["foo", "a JSON Pointer starts with a slash"],
  ["#/foo", "a JSON Pointer starts with a slash"],
  ["/a~", '"~" is not an escape: write ~0 for a tilde and ~1 for a slash'],
  ["/a~b", '"~b" is not an escape: write ~0 for a tilde and ~1 for a slash'],
] as const) {
  test(`${text} is not a JSON pointer`, () => {
    assert.deepEqual(parsePointerOrError(text), { error });
  });
}

function selectionOf(query: ReturnType<typeof parseJsonPathOrDottedPath>, document: unknown): Selection {
  assert.ok("select" in query, JSON.stringify(query));
  return query.select(document);
}

const DOCUMENT = {
  client_id: "a",
  "dotted.name": 1,
  "0": "zero",
  "#": "hash",
  contacts: ["x", "y"],
  items: [{ client_id: "a", redirect_uris: ["p", "q"] }, { client_id: "b" }, { name: "c", redirect_uris: [] }],
  none: null,
};

for (const [path, values, single] of [
  ["client_id", ["a"], true],
  ["items.1.client_id", ["b"], true],
  ["items.#", [3], true],
  ["contacts.#", [2], true],
  ["contacts", [["x", "y"]], true],
  ["items.#.client_id", ["a", "b"], false],
  ["items.#.redirect_uris.#", [2, 0], false],
  ["items.#.redirect_uris.0", ["p"], false],
  ["dotted\\.name", [1], true],
  ["0", ["zero"], true],
  ["\\#", ["hash"], true],
  ["none", [null], true],
  ["none.deeper", [], true],
  ["missing", [], true],
  ["items.3", [], true],
  ["items.-1", [], true],
  ["client_id.#", [], true],
  ["client_id.length", [], true],
  ["constructor", [], true],
  ["contacts.length", [], true],
] as const) {
  test(`the dotted path ${path} selects ${JSON.stringify(values)}`, () => {
    assert.deepEqual(selectionOf(parseJsonPathOrDottedPath(path), DOCUMENT), { values, single });
  });
}

test("nested # returns a list for each element", () => {
  const document = [{ a: [{ b: 1 }, { b: 2 }] }, { a: [{ b: 3 }] }];
  assert.deepEqual(selectionOf(parseJsonPathOrDottedPath("#.a.#.b"), document), {
    values: [[1, 2], [3]],
    single: false,
  });
});

for (const [path, error] of [
  ["", "missing name at the end"],
  [".a", "missing name before the dot at position 1"],
  ["a.", "missing name at the end"],
  ["a..b", "missing name before the dot at position 3"],
  ["a.*", '"*" at position 3 is not supported in a dotted path'],
  ["a.#(b==1)", '"(" at position 4 is not supported in a dotted path'],
  ["a|@reverse", '"|" at position 2 is not supported in a dotted path'],
  ["a[0]", '"[" at position 2 is not supported in a dotted path'],
] as const) {
  test(`${JSON.stringify(path)} is not a dotted path`, () => {
    assert.deepEqual(parseJsonPathOrDottedPath(path), { error });
  });
}

test("a name is found by its dotted path, however it is escaped", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, unit: "binary-ascii" }), { minLength: 1, maxLength: 4 }),
      (names) => {
        const document = names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), "here");
        const path = names.map((name) => name.replace(/[\s\S]/gu, "\\$&")).join(".");
        assert.deepEqual(selectionOf(parseJsonPathOrDottedPath(path), document), { values: ["here"], single: true });
      },
    ),
  );
});

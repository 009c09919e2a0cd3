import assert from "node:assert/strict";
import { test } from "node:test";
import { compileJsonPath } from "../../lib/adapters/jsonpath.ts";
import { parseFormat } from "../../lib/core/output/formats.ts";
import { createStreamRenderer, loadFormatLibraries } from "../../lib/core/output/render.ts";
import { Problem } from "../../lib/core/problem.ts";

const STORE = {
  items: [
    { client_id: "a", owner: "ops", redirect_uris: ["p", "q"] },
    { client_id: "b", owner: "dev" },
  ],
  "odd.name": 1,
  none: null,
};

for (const [text, values, single] of [
  ["$", [STORE], true],
  ["$.items[1].client_id", ["b"], true],
  ["$.items[-1]['client_id']", ["b"], true],
  ["$['odd.name']", [1], true],
  ["$.none", [null], true],
  ["$.missing", [], true],
  ["$.constructor", [], true],
  ["$.items[*].client_id", ["a", "b"], false],
  ["$..redirect_uris[0]", ["p"], false],
  ["$.items[0:1].owner", ["ops"], false],
  ["$.items[?@.owner=='dev'].client_id", ["b"], false],
  ["$.items[?length(@.redirect_uris)==2].client_id", ["a"], false],
  ["$.items[?match(@.owner, 'o.s')].client_id", ["a"], false],
  ["$.missing[*]", [], false],
] as const) {
  test(`${text} selects ${JSON.stringify(values).slice(0, 30)}`, async () => {
    const select = await compileJsonPath(text);
    assert.deepEqual(select(STORE), { values, single });
  });
}

for (const [text, reason] of [
  ["$.", "a name or a selector is missing at position 3"],
  ["$a", "expected '.', '..' or a bracketed selection, found 'a' at position 2"],
  ["$.a ", "unexpected text at position 5"],
  ["$[", "unclosed bracketed selection at position 3"],
  ["$[?nope(@)]", "no such function 'nope' at position 4"],
  ["$[~'a']", "unexpected token '~' in bracketed selection at position 3"],
  ["$[99999999999999999999]", "index out of range at position 3"],
] as const) {
  test(`${text} is rejected with reason and position`, async () => {
    await assert.rejects(compileJsonPath(text), {
      name: "Problem",
      exit: "usage",
      message: `Invalid JSONPath "${text}": ${reason}`,
    });
  });
}

test("an expression with control characters is rejected without printing them", async () => {
  await assert.rejects(
    compileJsonPath("$\u001b[2J ('x':1)"),
    (error) => error instanceof Problem && !error.message.includes("\u001b"),
  );
});

test("hostile nesting in an expression or a document is a problem, not a crash", async () => {
  await assert.rejects(compileJsonPath(`$[?${"(".repeat(20_000)}`), Problem);
  const select = await compileJsonPath("$..a");
  const deep = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);
  assert.equal(select(deep(500)).values.length, 500);
  assert.throws(() => select(deep(5000)), { name: "Problem", exit: "failed" });
});

test("jsonpath prints a value for a singular query and an array for any other", async () => {
  const terminal = { isTerminal: false, color: false };
  const shown = async (text: string, many: boolean) => {
    const format = parseFormat(text);
    const yaml = () => Promise.reject(new Error("yaml was loaded"));
    const tools = await loadFormatLibraries(format, { yaml, jsonpath: compileJsonPath });
    const renderer = createStreamRenderer<unknown>(
      format,
      { columns: [], id: String },
      { terminal, isList: many, tools },
    );
    return STORE.items.map((item) => renderer.item(item)).join("") + renderer.end();
  };
  assert.equal(await shown("jsonpath=$.client_id", false), '"a"\n"b"\n');
  assert.equal(await shown("jsonpath=$.redirect_uris", false), '[\n  "p",\n  "q"\n]\nnull\n');
  assert.equal(await shown("jsonpath=$[*].client_id", true), '[\n  "a",\n  "b"\n]\n');
  assert.equal(await shown("jsonpath=$[*].nope", true), "[]\n");
  assert.equal(await shown("raw=$[*].client_id", true), "a\nb\n");
  assert.equal(await shown("raw=$[*].nope", true), "");
  await assert.rejects(shown("raw=$[", true), { exit: "usage" });
});

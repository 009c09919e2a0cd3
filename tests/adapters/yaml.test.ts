import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { loadYamlWriter, parseYaml, parseYamlDocuments } from "../../lib/adapters/yaml.ts";
import { isSameJson, parseJsonExactly } from "../../lib/core/json/json.ts";
import { parseFormat } from "../../lib/core/output/formats.ts";
import { createStreamRenderer, type ResultView } from "../../lib/core/output/render.ts";
import { Problem } from "../../lib/core/problem.ts";
import { randomRuns } from "../thorough.ts";

const write = await loadYamlWriter();

const anything = fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)));

const lines = fc.string({
  unit: fc.constantFrom("\n", " ", "a", "#", ":", "-", "|", "'", '"', "\t", "\r", "é", "\u2028"),
  maxLength: 15,
});

const record = fc.dictionary(fc.oneof(fc.string({ unit: "binary", maxLength: 8 }), lines), fc.oneof(anything, lines), {
  noNullPrototype: true,
});

function assertHarmless(text: string): void {
  const found = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.exec(
    text,
  );
  assert.equal(found, null, JSON.stringify(text));
}

function assertSame(got: unknown, wanted: unknown): void {
  assert.equal(JSON.stringify(got), JSON.stringify(wanted));
}

for (const [text, value] of [
  ["", null],
  ["# nothing\n", null],
  ["a: 1\nb: [x, 'y']\n", { a: 1, b: ["x", "y"] }],
  ['{"a": {"b": null}}', { a: { b: null } }],
  ["a: yes\nb: 0o17\nc: 2026-01-01\nd: ~", { a: "yes", b: 15, c: "2026-01-01", d: null }],
  ["a: &x [1]\nb: *x", { a: [1], b: [1] }],
  ['"<<": 1\na: <<', { "<<": 1, a: "<<" }],
  ["a: &x 1\nb: *x\nc: &x 2\nd: *x", { a: 1, b: 1, c: 2, d: 2 }],
  ["a: |\n  one\n  two\n", { a: "one\ntwo\n" }],
] as const) {
  test(`parseYaml() reads ${JSON.stringify(text)}`, async () => {
    assert.deepEqual(await parseYaml(text, "a file"), value);
  });
}

test("parseYaml() returns numbers and booleans as written if texts are requested", async () => {
  const text =
    "a: 0012345678901234567890\nb: [0x1F, 1e3, .inf, True]\nc: null\nd:\ne: &x 1_0\nf: *x\ng: &y 007\nh: *y\n";
  assert.deepEqual(await parseYaml(text, "a file", "texts"), {
    a: "0012345678901234567890",
    b: ["0x1F", "1e3", ".inf", "True"],
    c: null,
    d: null,
    e: "1_0",
    f: "1_0",
    g: "007",
    h: "007",
  });
});

test("parseYaml() keeps a key of an object's prototype as a plain member", async () => {
  const value = await parseYaml("__proto__: {polluted: true}", "a file");
  assert.equal(JSON.stringify(value), '{"__proto__":{"polluted":true}}');
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

for (const [text, where] of [
  ["a: [1", ", line 1, column 6: wrong indentation, or a bracket is not closed"],
  ["a: 1\nb: 2\na: 3", ', line 3, column 1: key "a" is used twice, first at line 1, column 1'],
  ["a: &m {b: 1}\nc:\n  <<: *m", ", line 3, column 3: merge keys (<<) are not supported"],
  ["a: 1\nb: !secret x", ", line 2, column 4: unknown tag"],
  ["a: !!binary aGk=", ", line 1, column 4: unknown tag"],
  ["a: *b", ", line 1, column 4: an alias has no anchor before it"],
  ["a: *b\nb: &b 1", ", line 1, column 4: an alias has no anchor before it"],
  ["a: &a [*a]", ", line 1, column 8: an alias is inside its own value"],
  ['a: "x\\qy"', ", line 1, column 6: a string in double quotes has an unknown escape"],
  ["a: b: c", ", line 1, column 4: a nested mapping is on the line of its key"],
  ["a:\n\tb: 1", ", line 2, column 1: indentation requires spaces, not tabs"],
  ["a: 'x", ", line 1, column 6: a colon, comma, quote or bracket is missing"],
  ["a: .inf", ", line 1, column 4: the number is not finite"],
  ["a: -1.5e+400", ", line 1, column 4: the number is not finite"],
  [
    '{"9007199254740993": one, 9007199254740993: two}',
    ', line 1, column 27: key "9007199254740993" is used twice, first at line 1, column 2',
  ],
  ["1.5: a\n15e-1: b", ', line 2, column 1: key "1.5" is used twice, first at line 1, column 1'],
  ["&a k: 1\n*a : 2", ", line 2, column 1: a key is an alias, a list or a mapping"],
  ['[a]: 1\n"[ a ]": 2', ", line 1, column 1: a key is an alias, a list or a mapping"],
  ["a: {{ name }}", ", line 1, column 5: a key is an alias, a list or a mapping"],
  ["a: 1\n---\nb: 2", ": it contains several documents, but only one is allowed"],
] as const) {
  test(`parseYaml() rejects ${JSON.stringify(text)} with its location`, async () => {
    await assert.rejects(parseYaml(text, "a file"), {
      name: "Problem",
      exit: "usage",
      code: "yaml",
      message: `Cannot read a file${where}`,
    });
  });
}

test("parseYaml() never quotes what it read", async () => {
  for (const text of [
    's: "s3cr3t\\q"',
    "s: s3cr3t: x",
    "s3cr3t\nk: v",
    "- s3cr3t\ns3cr3t",
    "s: !s3cr3t s3cr3t",
    "s: *s3cr3t",
    "s: 'x' s3cr3t",
  ]) {
    await assert.rejects(
      parseYaml(text, "a file"),
      (error) => error instanceof Problem && !`${error.message}${error.hint}${error.details.join()}`.includes("s3cr3t"),
    );
  }
});

test("parseYaml() rejects an alias bomb and hostile nesting instead of filling the memory", async () => {
  const level = (name: string, of: string) => `${name}: &${name} [${Array(20).fill(of).join(", ")}]\n`;
  const bomb = `${level("a", "1")}${level("b", "*a")}${level("c", "*b")}${level("d", "*c")}`;
  await assert.rejects(parseYaml(bomb, "a file"), { message: "Cannot read a file: it has too many aliases" });
  await assert.rejects(
    parseYaml("[".repeat(20_000), "a file"),
    /, line 1, column \d+: it nests more than 500 levels deep/,
  );
  const honest = `a: &a [x]\nb: [${Array(900).fill("*a").join(", ")}]`;
  assert.deepEqual(await parseYaml(honest, "a file"), { a: ["x"], b: Array(900).fill(["x"]) });
});

test("parseYaml() accepts 500 levels and no more, in any notation", async () => {
  const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  assert.equal(JSON.stringify(await parseYaml(nested(500), "a file")), nested(500));
  const deep = /it nests more than 500 levels deep/;
  for (const text of [nested(501), nested(200_000), "- ".repeat(200_000), "{a: ".repeat(200_000), "? ".repeat(200_000)])
    await assert.rejects(parseYaml(text, "a file"), deep);
  // Each level is shallow by itself; what the aliases make of them is not.
  const links = Array.from({ length: 600 }, (_, i) => `- &a${i + 1} [*a${i}]\n`);
  await assert.rejects(parseYaml(`- &a0 []\n${links.join("")}`, "a file"), deep);
});

test("parseYaml() needs linear time for many keys and for long numbers", async () => {
  const keys = Array.from({ length: 50_000 }, (_, i) => `k${i}: 1\n`).join("");
  await assert.rejects(
    parseYaml(`${keys}k0: 1`, "a file"),
    /line 50001, column 1: key "k0" is used twice, first at line 1, column 1/,
  );
  const digits = "12".repeat(500_000);
  assert.equal(JSON.stringify(await parseYaml(digits, "a file")) === digits, true);
  await assert.rejects(parseYaml(`0x${"f".repeat(1_000_000)}`, "a file"), /the number is too long/);
});

test("parseYaml() keeps integers of any length and base, as values and as keys", async () => {
  const text = "{n: [-12345678901234567890, +007, -0, 0x10, 0o17, 1.5], 12345678901234567890: a, 0x10: b}";
  const keys = '"16":"b","n":[-12345678901234567890,7,0,16,15,1.5],"12345678901234567890":"a"';
  assert.equal(JSON.stringify(await parseYaml(text, "a file")), `{${keys}}`);
});

test("parseYaml() takes keys of different digits for different keys", async () => {
  const text = "{9007199254740993: 1, 9007199254740992: 2, 0.1234567890123456789: 3, 0.12345678901234567891: 4}";
  assert.equal(
    JSON.stringify(await parseYaml(text, "a file")),
    '{"9007199254740993":1,"9007199254740992":2,"0.1234567890123456789":3,"0.12345678901234567891":4}',
  );
});

test("parseYaml() keeps all digits of numbers with a point or an exponent", async () => {
  const text =
    "[0.1234567890123456789, +.12345678901234567890, -001.e-400, 12345678901234567890.50, 1.e3, -0.0, 1e0400]";
  await assert.rejects(parseYaml(text, "a file"), /line 1, column 98: the number is not finite/);
  assert.equal(
    JSON.stringify(await parseYaml(text.replace("1e0400", "1e-0400"), "a file")),
    "[0.1234567890123456789,0.12345678901234567890,-1e-400,12345678901234567890.50,1000,0,1e-0400]",
  );
});

test("the writer uses brackets for deep nesting, so that depth costs no indentation", async () => {
  let value: unknown = { "a, b": ["=", "x: y", "]"] };
  for (let i = 0; i < 490; i++) value = i % 2 === 0 ? [value, i] : { a: value };
  const text = write(value);
  assert.ok(text.length < 50_000, `${text.length}`);
  assert.deepEqual(await parseYaml(text, "it"), value);
});

test("the writer keeps long numbers, in linear time", () => {
  const digits = "12".repeat(1_000_000);
  assert.equal(write({ id: parseJsonExactly(digits) }) === `id: ${digits}\n`, true);
});

for (const [number, text] of [
  ["0.1234567890123456789", "0.1234567890123456789"],
  ["-12345678901234567890.5", "-12345678901234567890.5"],
  ["1e-400", "1.0e-400"],
  ["1.23456789012345678901E5", "1.23456789012345678901e+5"],
  ["12345678901234567890e-3", "12345678901234567890.0e-3"],
  ["1e21", "1.0e+21"],
  ["2.5e-9", "2.5e-9"],
] as const)
  test(`the writer keeps the number ${number}, also for YAML 1.1`, async () => {
    const value = { id: parseJsonExactly(number) };
    assert.equal(write(value), `id: ${text}\n`);
    assert.equal(parse(write(value), { version: "1.1" }).id, Number(number));
    assert.ok(isSameJson(await parseYaml(write(value), "it"), value));
  });

test("the writer rejects a number that other programs would read as infinite", () => {
  for (const number of ["1e400", "-1.5e+400", `${"9".repeat(400)}.5`])
    assert.throws(() => write({ n: [parseJsonExactly(number)] }), {
      name: "Problem",
      code: "unwritable",
      message: "Cannot write the result: YAML cannot hold one of its numbers",
    });
});

test("the writer quotes the default value and the merge key of YAML 1.1", () => {
  for (const text of ["=", "<<"])
    assert.equal(write({ [text]: text, a: [text] }), `"${text}": "${text}"\na:\n  - "${text}"\n`);
  assert.equal(write({ a: "a=b" }), "a: a=b\n");
});

test("parseYamlDocuments() parses a stream of documents, and locates an error in the whole text", async () => {
  assert.deepEqual(await parseYamlDocuments("a: 1\n---\n- b\n---\n{}\n", "a file"), [{ a: 1 }, ["b"], {}]);
  assert.deepEqual(await parseYamlDocuments("", "a file"), []);
  await assert.rejects(
    parseYamlDocuments("a: 1\n---\nb: 1\nb: 2", "a file"),
    /line 4, column 1: key "b" is used twice, first at line 3, column 1/,
  );
});

test("the writer keeps the order, and its output means the same in YAML 1.1 and 1.2", () => {
  const value = {
    z: "yes",
    a: "0o17",
    n: "012",
    d: "2026-01-01",
    on: "off",
    e: "",
    t: "~",
    list: [],
    deep: { k: ["v"] },
  };
  const text = write(value);
  assert.deepEqual(
    Object.keys(value),
    [...text.matchAll(/^"?(\w+)"?:/gm)].map(([, key]) => key),
  );
  assertSame(parse(text, { version: "1.1" }), value);
  assertSame(parse(text, { version: "1.2" }), value);
});

test("the writer keeps lines without significant whitespace as a block", () => {
  assert.equal(write({ pem: "-----BEGIN-----\n\nabc\n" }), "pem: |\n  -----BEGIN-----\n\n  abc\n");
  assert.equal(write({ odd: "a\n b\n\n" }), 'odd: "a\\n b\\n\\n"\n');
});

test("the writer omits undefined values and repeats shared ones instead of using anchors", () => {
  const shared = ["x"];
  assert.equal(write({ a: undefined, b: shared, c: shared }), "b:\n  - x\nc:\n  - x\n");
});

test("everything that is written can be read back, and is harmless on a terminal", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(anything, record), async (value) => {
      const text = write(value);
      assert.ok(text.endsWith("\n"));
      assertHarmless(text);
      assertSame(await parseYaml(text, "it"), value);
    }),
    { numRuns: randomRuns(200) },
  );
});

const view: ResultView<Readonly<Record<string, unknown>>> = { columns: [], id: () => "" };

const wrapped = { ...view, envelope: { items: "the items", rest: { next: "", last: true } } };

test("yaml of many comes record by record and reads back as one document", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 4 }), async (items) => {
      const options = { terminal: { isTerminal: false, color: false }, isList: true, tools: { yaml: write } };
      const shown = (as: typeof view) => {
        const renderer = createStreamRenderer(parseFormat("yaml"), as, options);
        return items.map((item) => renderer.item(item)).join("") + renderer.end();
      };
      assertSame(await parseYaml(shown(view), "it"), items);
      assertSame(await parseYaml(shown(wrapped), "it"), { "the items": items, next: "", last: true });
    }),
    { numRuns: randomRuns(200) },
  );
});

test("yaml shows a record as soon as it arrives", () => {
  const options = { terminal: { isTerminal: false, color: false }, isList: true, tools: { yaml: write } };
  const renderer = createStreamRenderer(parseFormat("yaml"), wrapped, options);
  assert.equal(renderer.item({ id: "a", uris: ["u"] }), "the items:\n  - id: a\n    uris:\n      - u\n");
  assert.equal(renderer.item({ id: "b" }), "  - id: b\n");
  assert.equal(renderer.end({ next: "p2" }), "next: p2\n");
});

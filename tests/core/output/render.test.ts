import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type JsonObject, toTerminalSafeJson } from "../../../lib/core/json/json.ts";
import {
  FORMAT_CHOICES,
  FORMAT_USAGES,
  type Format,
  isJsonFormat,
  parseFormat,
} from "../../../lib/core/output/formats.ts";
import {
  createStreamRenderer,
  type FormatLibraryLoaders,
  loadFormatLibraries,
  type RenderOptions,
  type ResultView,
} from "../../../lib/core/output/render.ts";
import { Problem } from "../../../lib/core/problem.ts";

type Item = Readonly<Record<string, unknown>>;

const view: ResultView<Item> = {
  columns: [
    { label: "ID", value: (item) => String(item["id"] ?? "") },
    { label: "SECRET", value: (item) => String(item["secret"] ?? ""), whole: true },
    { label: "TAGS", value: (item) => (Array.isArray(item["tags"]) ? item["tags"].map(String) : []) },
  ],
  text: (item) => [`Thing: ${item["id"]}`, `Secret: ${item["secret"]}`],
  id: (item) => String(item["id"]),
};

const wrapped: ResultView<Item> = { ...view, envelope: { items: "items", rest: { next: "", last: true } } };

const pipe: RenderOptions = { terminal: { isTerminal: false, color: false }, isList: false, tools: {} };

const list: RenderOptions = { ...pipe, isList: true };

const none: FormatLibraryLoaders = {
  yaml: () => Promise.reject(new Error("yaml was loaded")),
  jsonpath: () => Promise.reject(new Error("jsonpath was loaded")),
};

async function rendered(
  format: string,
  options: RenderOptions,
  items: readonly Item[],
  shownAs: ResultView<Item> = view,
): Promise<string> {
  const parsed = parseFormat(format);
  const renderer = createStreamRenderer(parsed, shownAs, {
    ...options,
    tools: await loadFormatLibraries(parsed, none),
  });
  return items.map((item) => renderer.item(item)).join("") + renderer.end();
}

/** Nothing that a terminal would act on; line feeds are the text's own. */
function assertHarmless(text: string): void {
  const found = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.exec(
    text,
  );
  assert.equal(found, null, JSON.stringify(text));
}

const anything = fc.dictionary(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }),
);

function refusal(text: string): Problem {
  try {
    parseFormat(text);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  return assert.fail(`${text} was taken`);
}

test("parseFormat() accepts every format that it lists", () => {
  for (const format of FORMAT_USAGES) {
    const text = format.replace("EXPR", "client_id").replace("PTR", "/client_id");
    assert.equal(parseFormat(text).kind, text.replace(/=.*/, ""));
  }
});

test("parseFormat() accepts the name that Hydra's own CLI has for IDs", () => {
  assert.deepEqual(parseFormat("quiet"), { kind: "id" });
});

test("parseFormat() keeps everything after the first equals sign as the expression", () => {
  const format = parseFormat("jsonpath=$[?@.a=='b=c']");
  assert.deepEqual(format, { kind: "jsonpath", query: { language: "rfc9535", text: "$[?@.a=='b=c']" } });
});

test("parseFormat() accepts the empty pointer, which selects the whole document", async () => {
  assert.equal(await rendered("jsonpointer=", pipe, [{ id: "a" }]), '{\n  "id": "a"\n}\n');
});

test("parseFormat() rejects an unknown format, with a suggestion and the list of formats", () => {
  const problem = refusal("jsn");
  assert.equal(problem.exit, "usage");
  assert.equal(problem.message, 'Unknown format "jsn"');
  assert.equal(problem.hint, `did you mean json? formats: ${FORMAT_CHOICES.join(", ")}`);
});

for (const [text, message] of [
  ["", 'Unknown format ""'],
  ["toString", 'Unknown format "toString"'],
  ["JSON", 'Unknown format "JSON"'],
  ["json\u001b[2J", 'Unknown format "json\\x1b[2J"'],
  ["json=client_id", 'Cannot use --format "json=client_id": json does not accept an expression'],
  ["jsonpath", "Cannot use --format jsonpath: it requires an expression"],
  ["jsonpath=", "Cannot use --format jsonpath: it requires an expression"],
  ["raw=", "Cannot use --format raw: it requires an expression"],
  ["jsonpointer", "Cannot use --format jsonpointer: it requires an expression"],
  ["jsonpointer=client_id", 'Cannot use --format "jsonpointer=client_id": a JSON Pointer starts with a slash'],
  [
    "jsonpointer=/a~2",
    'Cannot use --format "jsonpointer=/a~2": "~2" is not an escape: write ~0 for a tilde and ~1 for a slash',
  ],
  ["raw=a..b", 'Cannot use --format "raw=a..b": missing name before the dot at position 3'],
] as const) {
  test(`parseFormat() rejects ${JSON.stringify(text)}`, () => {
    const problem = refusal(text);
    assert.equal(problem.message, message);
    assert.equal(problem.exit, "usage");
    assert.equal(typeof problem.hint, "string");
  });
}

test("parseFormat() names the source of the value", () => {
  assert.throws(
    () => parseFormat("x", "format in ~/.hydra.yaml"),
    /^Problem: Format in ~\/\.hydra\.yaml "x" is not a known format$/,
  );
});

test("isJsonFormat() is true for exactly the formats that print JSON", () => {
  const json = FORMAT_USAGES.filter((format) => isJsonFormat(parseFormat(format.replace("PTR", "/a"))));
  assert.deepEqual(json, ["json", "json-pretty", "ndjson", "jsonpath=EXPR", "jsonpointer=PTR"]);
});

test("loadFormatLibraries() loads only what the format needs", async () => {
  const loaded: string[] = [];
  const load: FormatLibraryLoaders = {
    yaml: async () => {
      loaded.push("yaml");
      return String;
    },
    jsonpath: async (text) => {
      loaded.push(text);
      return () => ({ values: [], single: true });
    },
  };
  for (const format of ["json", "text", "env", "jsonpath=a.b", "jsonpointer=/a"])
    await loadFormatLibraries(parseFormat(format), load);
  assert.deepEqual(loaded, []);
  await loadFormatLibraries(parseFormat("yaml"), load);
  await loadFormatLibraries(parseFormat("raw=$.a"), load);
  assert.deepEqual(loaded, ["yaml", "$.a"]);
});

const A = { id: "a", secret: "s", tags: ["x", "y"] };

const B = { id: "b" };

for (const [format, one, two, inEnvelope] of [
  [
    "json",
    '{"id":"a","secret":"s","tags":["x","y"]}\n',
    '[{"id":"a","secret":"s","tags":["x","y"]},{"id":"b"}]\n',
    '{"items":[{"id":"a","secret":"s","tags":["x","y"]},{"id":"b"}],"next":"","last":true}\n',
  ],
  [
    "ndjson",
    '{"id":"a","secret":"s","tags":["x","y"]}\n',
    '{"id":"a","secret":"s","tags":["x","y"]}\n{"id":"b"}\n',
    '{"id":"a","secret":"s","tags":["x","y"]}\n{"id":"b"}\n',
  ],
  ["id", "a\n", "a\nb\n", "a\nb\n"],
  [
    "text",
    "Thing: a\nSecret: s\n",
    "Thing: a\nSecret: s\nThing: b\nSecret: undefined\n",
    "Thing: a\nSecret: s\nThing: b\nSecret: undefined\n",
  ],
  ["env", "CLIENT_ID=a\n", "CLIENT_ID=a\n\nCLIENT_ID=b\n", "CLIENT_ID=a\n\nCLIENT_ID=b\n"],
  ["raw=id", "a\n", "", ""],
  ["raw=tags", '["x","y"]\n', "", ""],
  ["raw=#.id", "", "a\nb\n", ""],
  ["raw=items.#.id", "", "", "a\nb\n"],
  ["jsonpath=id", '"a"\n', "null\n", "null\n"],
  ["jsonpath=1.id", "null\n", '"b"\n', "null\n"],
  ["jsonpath=items.1.id", "null\n", "null\n", '"b"\n'],
  ["jsonpath=items.#.id", "null\n", "null\n", '[\n  "a",\n  "b"\n]\n'],
  ["jsonpath=last", "null\n", "null\n", "true\n"],
  ["jsonpointer=/tags/1", '"y"\n', "null\n", "null\n"],
  ["jsonpointer=/items/0/secret", "null\n", "null\n", '"s"\n'],
] as const) {
  test(`${format} renders one value, several, and several in an envelope`, async () => {
    assert.equal(await rendered(format, pipe, [A]), one);
    assert.equal(await rendered(format, list, [A, B]), two);
    assert.equal(await rendered(format, list, [A, B], wrapped), inEnvelope);
  });
}

for (const [format, bare, inEnvelope] of [
  ["json", "[]\n", '{"items":[],"next":"","last":true}\n'],
  ["json-pretty", "[]\n", '{\n  "items": [],\n  "next": "",\n  "last": true\n}\n'],
  ["ndjson", "", ""],
  ["id", "", ""],
  ["text", "", ""],
  ["table", "ID\tSECRET\tTAGS\n", "ID\tSECRET\tTAGS\n"],
  ["env", "", ""],
  ["raw=#", "0\n", ""],
  ["raw=items.#", "", "0\n"],
] as const) {
  test(`${format} renders an empty list`, async () => {
    assert.equal(await rendered(format, list, []), bare);
    assert.equal(await rendered(format, list, [], wrapped), inEnvelope);
  });
}

test("json-pretty of several values matches JSON.stringify", async () => {
  assert.equal(await rendered("json-pretty", pipe, [A]), `${JSON.stringify(A, null, 2)}\n`);
  assert.equal(await rendered("json-pretty", list, [A, B]), `${JSON.stringify([A, B], null, 2)}\n`);
  const whole = { items: [A, B], next: "", last: true };
  assert.equal(await rendered("json-pretty", list, [A, B], wrapped), `${JSON.stringify(whole, null, 2)}\n`);
});

test("json and json-pretty parse back, for one value or several", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anything, { maxLength: 4 }),
      fc.constantFrom("json", "json-pretty"),
      async (items, format) => {
        const text = await rendered(format, list, items, wrapped);
        assert.equal(JSON.stringify(JSON.parse(text)), JSON.stringify({ items, next: "", last: true }));
        assertHarmless(text);
        for (const item of items.slice(0, 1)) {
          assert.equal(JSON.stringify(JSON.parse(await rendered(format, pipe, [item]))), JSON.stringify(item));
        }
      },
    ),
  );
});

test("ndjson has one line per value, which parses back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { maxLength: 5 }), async (items) => {
      const text = await rendered("ndjson", list, items);
      const rows = text.split("\n").slice(0, -1);
      assert.deepEqual(
        rows.map((row) => JSON.stringify(JSON.parse(row))),
        items.map((item) => JSON.stringify(item)),
      );
      assertHarmless(text);
    }),
  );
});

test("values are written unchanged", () => {
  const json = createStreamRenderer(parseFormat("json"), wrapped, list);
  assert.equal(json.item(B), '{"items":[{"id":"b"}');
  assert.equal(json.item(B), ',{"id":"b"}');
  assert.equal(json.end({ next: "p2", last: false }), '],"next":"p2","last":false}\n');
  const pretty = createStreamRenderer(parseFormat("json-pretty"), view, list);
  assert.equal(pretty.item(B), '[\n  {\n    "id": "b"\n  }');
  const table = createStreamRenderer(parseFormat("table"), view, { ...list, settleAfter: 2 });
  assert.equal(table.item(B), "");
  assert.equal(table.item(B), "ID\tSECRET\tTAGS\nb\nb\n");
  assert.equal(table.item({ id: "c", tags: ["t"] }), "c\t\tt\n");
  assert.equal(table.end(), "");
});

test("expressions also select members of the envelope", async () => {
  const format = parseFormat("raw=next");
  const renderer = createStreamRenderer(format, wrapped, { ...list, tools: await loadFormatLibraries(format, none) });
  assert.equal(renderer.item(A), "");
  assert.equal(renderer.end({ next: "p2" }), "p2\n");
});

test("keeps the server's order of keys and exact strings", () => {
  assert.equal(toTerminalSafeJson({ z: 1, a: 2, é: "ü <&> 漢" }), '{"z":1,"a":2,"é":"ü <&> 漢"}');
});

test("toTerminalSafeJson() escapes control characters", () => {
  assert.equal(toTerminalSafeJson("\u001b\u0085\u202e\u2028\u007f"), '"\\u001b\\u0085\\u202e\\u2028\\u007f"');
  assert.equal(toTerminalSafeJson(undefined), "null");
});

test("the table of a list ends with the rows of its view, which count for the widths", () => {
  const paged = { ...view, tableEnd: (rest: JsonObject) => [[], ["A LONG LABEL", String(rest["last"])]] };
  const end = (rest?: JsonObject) => createStreamRenderer(parseFormat("table"), paged, list).end(rest);
  assert.equal(end({ last: true }), "ID\t\tSECRET\tTAGS\n\nA LONG LABEL\ttrue\n");
  assert.equal(createStreamRenderer(parseFormat("text"), paged, { ...list, isList: false }).end(), "");
});

test("formats for people never contain control characters, even in a pipe; `-q` and `raw` do only there", async () => {
  const evil = { id: "a\nb\u001b[2J\u202e", secret: "x\ty\r\u009b", tags: ["\u0000", "\u2028"] };
  for (const format of ["text", "table", "id", "raw=id"]) {
    for (const options of [pipe, list]) {
      const isTerminal = format === "raw=id" || format === "id";
      const text = await rendered(format, { ...options, terminal: { isTerminal, color: false } }, [evil]);
      assertHarmless(text.replaceAll("\t", " "));
    }
  }
  assert.equal(await rendered("id", pipe, [evil]), "a\\nb\\x1b[2J\\u202e\n");
  assert.equal(await rendered("id", pipe, [{ id: "b\u001b[2J\u202e" }]), "b\u001b[2J\u202e\n");
  assert.equal(await rendered("table", list, [evil]).then((text) => text.split("\n").length), 3);
});

test("raw is exact if the output is not a terminal", async () => {
  const evil = { id: "a\nb\u001b[2J" };
  assert.equal(await rendered("raw=id", pipe, [evil]), "a\nb\u001b[2J\n");
  const seen = await rendered("raw=id", { ...pipe, terminal: { isTerminal: true, color: true } }, [evil]);
  assert.equal(seen, "a\\nb\\x1b[2J\n");
});

test("raw prints null, numbers and objects as JSON, and nothing for absent values", async () => {
  const item = { id: "a", n: 1.5, o: { k: ["v"] }, z: null };
  assert.equal(await rendered("raw=n", pipe, [item]), "1.5\n");
  assert.equal(await rendered("raw=o", pipe, [item]), '{"k":["v"]}\n');
  assert.equal(await rendered("raw=z", pipe, [item]), "null\n");
  assert.equal(await rendered("raw=missing", pipe, [item]), "");
});

test("text is a table if a view has no lines of its own", async () => {
  const { text: _text, ...tabular } = view;
  assert.equal(await rendered("text", pipe, [A], tabular), await rendered("table", pipe, [A], tabular));
});

test("rendering a format without its library throws at once", () => {
  const yaml: Format = { kind: "yaml" };
  assert.throws(() => createStreamRenderer(yaml, view, pipe), TypeError);
  assert.throws(() => createStreamRenderer(parseFormat("raw=a"), view, pipe), TypeError);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseYamlWithOffsets } from "../../../lib/adapters/yaml.ts";
import {
  createOffsetToPosition,
  findOffset,
  jsonOffsetTrees,
  type OffsetNode,
} from "../../../lib/core/state/positions.ts";

function position(text: string, root: OffsetNode | undefined, path: readonly (string | number)[]): string {
  assert.ok(root !== undefined);
  const { line, column } = createOffsetToPosition(text)(findOffset(root, path));
  return `${line}:${column}`;
}

const JSON_TEXT = `// clients
[ {"client_id": "a", /* { */ "metadata": {"x": [1, {"y": "}"}]}},
  {"client_name": "b \\" ]",
   "redirect_uris": ["https://a", "https://b"]}
]
{"z": null}`;

test("positions in JSON with comments are those of names and items", () => {
  const [list, single] = jsonOffsetTrees(JSON_TEXT);
  assert.equal(position(JSON_TEXT, list, []), "2:1");
  assert.equal(position(JSON_TEXT, list, [0, "client_id"]), "2:4");
  assert.equal(position(JSON_TEXT, list, [0, "metadata", "x", 1, "y"]), "2:53");
  assert.equal(position(JSON_TEXT, list, [1]), "3:3");
  assert.equal(position(JSON_TEXT, list, [1, "redirect_uris", 1]), "4:35");
  assert.equal(position(JSON_TEXT, list, [1, "nothing", "there"]), "3:3");
  assert.equal(position(JSON_TEXT, single, ["z"]), "6:2");
});

test("positions in YAML are those of names and items, in each document", async () => {
  const text = "a: 1\nb:\n  - x\n  - {c: 2, 'd': 3}\n---\ne: &A [1]\nf: *A\n";
  const [first, second] = await parseYamlWithOffsets(text, "x.yaml");
  assert.equal(position(text, first?.positions, ["b", 1, "d"]), "4:12");
  assert.equal(position(text, first?.positions, ["b", 0]), "3:5");
  assert.equal(position(text, second?.positions, []), "6:1");
  assert.equal(position(text, second?.positions, ["f", 0]), "7:1");
});

test("in any JSON text, a recorded offset is where the value begins", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 4 }), fc.constantFrom(0, 2), (values, indent) => {
      const text = values.map((value) => JSON.stringify(value, null, indent)).join("\n");
      const roots = jsonOffsetTrees(text);
      assert.equal(roots.length, values.length);
      const check = (value: unknown, node: OffsetNode): void => {
        const rest = text.slice(node.offset);
        if (Array.isArray(value)) {
          assert.ok(rest.startsWith("["));
          assert.equal(node.items?.length, value.length);
          for (const [at, item] of value.entries()) check(item, node.items?.[at] ?? { offset: -1 });
        } else if (typeof value === "object" && value !== null) {
          assert.ok(rest.startsWith("{"));
          for (const [name, member] of Object.entries(value)) {
            const found = node.members?.get(name);
            assert.ok(found !== undefined && text.slice(found.nameOffset).startsWith(JSON.stringify(name)));
            check(member, found.value);
          }
        } else assert.ok(rest.startsWith(JSON.stringify(value)));
      };
      for (const [at, value] of values.entries()) check(value, roots[at] ?? { offset: -1 });
    }),
  );
});

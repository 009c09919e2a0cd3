import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { editYamlDocuments, parseYamlDocuments, type YamlChange } from "../../lib/adapters/yaml.ts";
import { isJsonObject } from "../../lib/core/json/json.ts";
import { type MemberEdit, withMemberEdits } from "../../lib/core/state/client-edits.ts";
import { randomRuns } from "../thorough.ts";

const SOURCE = `# The clients of the shop

# the web app
client_id: web   # stays
client_name: 'Web'
redirect_uris:
- https://app.example.com/cb   # production
- "https://old.example.com/cb"
grant_types: [authorization_code, refresh_token]
frontchannel_logout_uri: >-
  https://app.example.com/
  out
metadata:
  size: 0x1F
  ratio: 1.50
  team: shop # owner
---
# untouched:   odd   spacing
{client_id:   other,
   scope:  "a  b" }
`;

function edit(path: readonly string[], value: unknown, after: readonly string[] = []): MemberEdit {
  return { path, value, after };
}

function editFirst(text: string, ...edits: readonly MemberEdit[]): Promise<string> {
  return editYamlDocuments(text, "clients.yaml", [{ document: 0, path: [], edits }], []);
}

describe("editing YAML", () => {
  test("keeps comments, order, quotes, numbers and the other documents", async () => {
    const edited = await editFirst(
      SOURCE,
      edit(["client_name"], "Web app"),
      edit(["redirect_uris"], ["https://app.example.com/cb", "https://new.example.com/cb"]),
      edit(["owner"], "payments", ["client_id", "client_name", "redirect_uris", "grant_types"]),
      edit(["grant_types"], ["authorization_code"]),
      edit(["metadata", "team"], "web"),
      edit(["metadata", "big"], JSON.rawJSON("10000000000000000001")),
    );
    assert.equal(
      edited,
      SOURCE.replace("'Web'", "'Web app'")
        .replace('- "https://old.example.com/cb"', "- https://new.example.com/cb")
        .replace("[authorization_code, refresh_token]", "[authorization_code]\nowner: payments")
        .replace("/cb   # production", "/cb # production")
        .replace("team: shop # owner\n", "team: web # owner\n  big: 10000000000000000001\n"),
    );
  });

  test("writes only the changed keys of a client again", async () => {
    const source = [
      "# head",
      "---",
      "a:    1   # one",
      "",
      "# before b",
      "b: # about the list",
      "- x   # first",
      "#- y",
      "- z",
      "c: {  k:   v }",
      "# end",
      "",
    ].join("\n");
    assert.equal(
      await editFirst(source, edit(["c"], "new"), edit(["owner"], "ops", ["a"])),
      source.replace("{  k:   v }", "new").replace("# one\n", "# one\nowner: ops\n"),
    );
    assert.equal(await editFirst(source, edit(["a"], undefined)), source.replace("a:    1   # one\n", ""));
    // The comment about a removed key goes with it.
    assert.doesNotMatch(await editFirst(source, edit(["b"], undefined)), /before b|first/);
  });

  test("keeps the indentation of a text", async () => {
    for (const source of [
      "a:\n    b: 1\nl:\n    - x\n",
      "a:\n   # d\n   b: 1\nl:\n   - x\n",
      "# l:\n#   - x\nl:\n\n- x\na:\n  b: 1\n",
      "l: [x] # y:\na:\n    b: 1\n",
    ])
      assert.equal(await editFirst(source, edit(["a", "b"], 2)), source.replace("b: 1", "b: 2"));
  });

  test("returns the same text where nothing changes", async () => {
    assert.equal(await editYamlDocuments(SOURCE, "x", [], []), SOURCE);
  });

  test("removes keys", async () => {
    assert.equal(await editFirst("a: 1\nb: 2 # two\nc: 3\n", edit(["b"], undefined)), "a: 1\nc: 3\n");
  });

  test("keeps the comment at the start of a file whose first key is removed", async () => {
    const schema = "# yaml-language-server: $schema=client-file.schema.json\n";
    assert.equal(await editFirst(`${schema}a: 1 # one\nb: 2\n`, edit(["a"], undefined)), `${schema}b: 2\n`);
  });

  test("appends documents, also to an empty file, to comments and to a text without a final line feed", async () => {
    const append = (text: string): Promise<string> => editYamlDocuments(text, "x", [], [{ a: 1 }, { b: [] }]);
    assert.equal(await append(""), "a: 1\n---\nb: []\n");
    assert.equal(await append("# clients\n"), "# clients\na: 1\n---\nb: []\n");
    assert.equal(await append("z: 1"), "z: 1\n---\na: 1\n---\nb: []\n");
    assert.equal(await append("---\nz: 1\n"), "---\nz: 1\n---\na: 1\n---\nb: []\n");
  });

  test("appends to a list in its own style", async () => {
    const change = { document: 0, path: ["clients"], added: [{ client_id: "b", scope: "x" }] };
    assert.equal(
      await editYamlDocuments("# all\nclients:\n- client_id: a # first\n", "x", [change], []),
      "# all\nclients:\n- client_id: a # first\n- client_id: b\n  scope: x\n",
    );
    assert.equal(
      await editYamlDocuments("clients: [{client_id: a}]\n", "x", [change], []),
      "clients: [{client_id: a}, {client_id: b, scope: x}]\n",
    );
  });

  test("writes texts that mean the same in YAML 1.1 and 1.2 and are harmless on a terminal", async () => {
    for (const text of [
      "no",
      "1_000",
      "~",
      "a: b",
      "a #b",
      "x, y",
      "[x]",
      "\u001b[2J",
      "a\nb",
      " a",
      "=",
      "\u202ex",
      "",
      "...",
      "--- a",
    ]) {
      for (const source of ["a: x\n", "{a: x}\n", "a: 'x'\n", 'a: "x"\n', "a: |\n  x\n"]) {
        const edited = await editFirst(source, edit(["a"], text));
        assert.deepEqual(await parseYamlDocuments(edited, "x"), [{ a: text }], edited);
        const named = await editFirst(source, edit(["a"], { b: { [text]: 1 } }));
        assert.deepEqual(await parseYamlDocuments(named, "x"), [{ a: { b: { [text]: 1 } } }], named);
        assert.doesNotMatch(edited, /[\u0000-\u0009\u000b-\u001f\u202e]/);
      }
    }
  });

  test("gives what editing the values gives, for any JSON", async () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const name = fc.constantFrom("a", "b", "yes", "x-hydra", "with space", "n1");
    const object = fc.dictionary(name, value, { maxKeys: 4 });
    const anyEdit = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 2 }),
      value: fc.option(value, { nil: undefined }),
      after: fc.array(name, { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(object, fc.array(anyEdit, { maxLength: 3 }), async (start, edits) => {
        const source = await editYamlDocuments("", "x", [], [start]);
        const changes: readonly YamlChange[] = [{ document: 0, path: [], edits }];
        const [read] = await parseYamlDocuments(await editYamlDocuments(source, "x", changes, []), "x");
        assert.ok(isJsonObject(read));
        // A JSON value has no -0.
        assert.deepEqual(JSON.stringify(read), JSON.stringify(withMemberEdits(start, edits)));
      }),
      { numRuns: randomRuns(300) },
    );
  });
});

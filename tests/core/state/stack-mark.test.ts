import assert from "node:assert/strict";
import { test } from "node:test";
import { readStackMark, STACK_MARK_MEMBER, withStackMark } from "../../../lib/core/state/stack-mark.ts";

test("a mark is read back from the metadata that contains it, and other members are kept", () => {
  const mark = { stack: "prod", key: "billing", secret: 2, protect: true } as const;
  const client = withStackMark({ client_id: "x", metadata: { team: "a" } }, mark);
  assert.deepEqual(client, { client_id: "x", metadata: { team: "a", [STACK_MARK_MEMBER]: mark } });
  assert.deepEqual(readStackMark(client), mark);
  assert.deepEqual(readStackMark(withStackMark({}, { stack: "s", key: "k" })), { stack: "s", key: "k" });
});

test("metadata that apply never writes does not count as a mark", () => {
  const values: readonly unknown[] = [
    null,
    "text",
    [],
    {},
    { stack: "s" },
    { stack: "", key: "k" },
    { stack: "s", key: 1 },
    { stack: "s", key: "k", secret: -1 },
    { stack: "s", key: "k", secret: 1.5 },
    { stack: "s", key: "k", protect: false },
  ];
  for (const value of values) assert.equal(readStackMark({ metadata: { [STACK_MARK_MEMBER]: value } }), undefined);
  for (const metadata of [undefined, null, "x", 1, [STACK_MARK_MEMBER]])
    assert.equal(readStackMark({ metadata }), undefined);
});

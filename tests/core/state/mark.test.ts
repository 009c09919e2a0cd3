import assert from "node:assert/strict";
import { test } from "node:test";
import { MARK_MEMBER, readMark, withMark } from "../../../lib/core/state/mark.ts";

test("a mark is read back from the metadata that contains it, and other members are kept", () => {
  const mark = { stack: "prod", key: "billing", secret: 2, protect: true } as const;
  const client = withMark({ client_id: "x", metadata: { team: "a" } }, mark);
  assert.deepEqual(client, { client_id: "x", metadata: { team: "a", [MARK_MEMBER]: mark } });
  assert.deepEqual(readMark(client), mark);
  assert.deepEqual(readMark(withMark({}, { stack: "s", key: "k" })), { stack: "s", key: "k" });
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
  for (const value of values) assert.equal(readMark({ metadata: { [MARK_MEMBER]: value } }), undefined);
  for (const metadata of [undefined, null, "x", 1, [MARK_MEMBER]]) assert.equal(readMark({ metadata }), undefined);
});

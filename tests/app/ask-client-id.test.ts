import assert from "node:assert/strict";
import { test } from "node:test";
import { askClientId } from "../../lib/app/ask-client-id.ts";

/** Lets a person answer; returns the chosen ID and the lines that were shown. */
async function ask(
  ids: readonly string[],
  answer: string,
): Promise<{ readonly id: string | undefined; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const id = await askClientId({
    admin: {
      page: async () => ({
        clients: ids.map((id) => ({ client_id: id, client_name: "Name" })),
        next: undefined,
        unreadable: new Map(),
        total: undefined,
      }),
    },
    host: { ask: async () => answer },
    tell: (line) => {
      lines.push(line);
    },
  });
  return { id, lines };
}

test("a number chooses an offered client, and anything else is an ID", async () => {
  const ids = ["one", "two", "3", "1e0"];
  for (const [answer, id] of [
    ["2", "two"],
    [" 2 ", "two"],
    // An offered ID counts before its number.
    ["3", "3"],
    ["1e0", "1e0"],
    ["0x2", "0x2"],
    ["+1", "+1"],
    ["0", "0"],
    ["9", "9"],
    ["other", "other"],
    ["", undefined],
  ] as const)
    assert.equal((await ask(ids, answer)).id, id, answer);
});

test("names are in one column, also after wide characters and without control characters of the server", async () => {
  const { lines } = await ask(["日本", "abcdef", "a\u001b[31m"], "");
  assert.deepEqual(lines, ["  1) 日本       Name", "  2) abcdef     Name", "  3) a\\x1b[31m  Name"]);
});

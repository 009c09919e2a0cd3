/** How many pieces a result is written in. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { play } from "./in-process.ts";

/** What a run writes to standard output, in order. */
async function piecesOf(seed: number, args: readonly string[], stdin = ""): Promise<readonly string[]> {
  const server = await startSandbox({ as: "26", listen: "127.0.0.1:0", seed });
  const pieces: string[] = [];
  try {
    const onStdout = (text: string): void => void pieces.push(text);
    const played = await play([...args, "--endpoint", server.url], { stdin, onStdout });
    assert.equal(played.status, 0, played.stderr);
    assert.equal(pieces.join(""), played.stdout);
  } finally {
    await server.close();
  }
  return pieces;
}

describe("a list of 1000 clients", () => {
  for (const format of ["ndjson", "id", "csv", "table", "json"])
    test(`is written in few pieces, the first one immediately: ${format}`, async () => {
      const pieces = await piecesOf(1000, ["clients", "list", "--format", format]);
      const length = pieces.join("").length;
      assert.ok(pieces.length >= 2, `${pieces.length} pieces`);
      assert.ok(pieces.length <= 12 + length / 8_192, `${pieces.length} pieces for ${length} characters`);
      if (format === "ndjson" || format === "id") assert.match(pieces[0] ?? "", /^[^\n]+\n$/);
    });
});

test("an import writes each client immediately, because it may be the last one", async () => {
  const clients = Array.from({ length: 50 }, (_, at) => ({ client_id: `c${at}`, grant_types: ["client_credentials"] }));
  const pieces = await piecesOf(0, ["clients", "import", "-", "--format", "ndjson"], JSON.stringify(clients));
  assert.equal(pieces.length, 50);
});

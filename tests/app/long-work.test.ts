import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { play } from "./in-process.ts";

describe("the JIT compiler starts early", () => {
  /** How often a command announced much work, on a server with so many clients. */
  async function said(seed: number, args: readonly string[], stdin = ""): Promise<number> {
    const server = await startSandbox({ as: "26", listen: "127.0.0.1:0", seed });
    let times = 0;
    try {
      const played = await play([...args, "--endpoint", server.url], { stdin, onLongWork: () => times++ });
      assert.equal(played.status, 0, played.stderr);
    } finally {
      await server.close();
    }
    return times;
  }

  const clients = (count: number): string =>
    JSON.stringify(Array.from({ length: count }, (_, at) => ({ client_id: `c${at}`, grant_types: ["implicit"] })));

  test("for a list of several pages, once", async () => assert.equal(await said(900, ["clients", "list", "-q"]), 1));
  test("but not for one page", async () => assert.equal(await said(20, ["clients", "list", "-q"]), 0));
  test("for an import of many clients", async () =>
    assert.equal(await said(0, ["clients", "import", "-"], clients(101)), 1));
  test("but not for a few", async () => assert.equal(await said(0, ["clients", "import", "-"], clients(100)), 0));
  test("and not for a create", async () =>
    assert.equal(await said(0, ["clients", "create", "-g", "client_credentials"]), 0));
});

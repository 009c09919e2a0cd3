import assert from "node:assert/strict";
import { test } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { instead, openFaultProxy } from "../e2e/fault-proxy.ts";
import { play } from "./in-process.ts";

test("a delete of several clients allows each one the time of --fail-after", async () => {
  const sandbox = await startSandbox({ as: "1.11", listen: "127.0.0.1:0" });
  const refused = new Set<string>();
  const busy = instead({ status: 503, headers: { "retry-after": "60" } });
  const proxy = await openFaultProxy(sandbox.url, ({ method, target }) => {
    if (method !== "DELETE" || target.startsWith("/admin/") || refused.has(target)) return undefined;
    refused.add(target);
    return busy;
  });
  try {
    const ids = ["a", "b", "c", "d"];
    for (const client_id of ids) {
      const body = JSON.stringify({ client_id, token_endpoint_auth_method: "none" });
      await fetch(`${sandbox.url}/clients`, { method: "POST", body });
    }
    // The clock moves only when the program sleeps: four minutes in all, one for each client.
    const played = await play(["clients", "delete", ...ids, "--endpoint", proxy.url, "--fail-after", "150s"]);
    assert.equal(played.status, 0, played.stderr);
    assert.deepEqual(sandbox.clients(), []);
    // The API version is detected once.
    assert.equal(proxy.seen.filter(({ target }) => target.startsWith("/admin/")).length, 1);
  } finally {
    await proxy.close();
    await sandbox.close();
  }
});

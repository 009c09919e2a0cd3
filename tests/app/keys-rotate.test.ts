/** `keys rotate` when time passes: the clock of this run moves only when the test says so. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { instead, openFaultProxy } from "../e2e/fault-proxy.ts";
import { play } from "./in-process.ts";

/** Much longer than `--fail-after`. */
const HOURS = 10_000_000;

test("a login may take longer than --fail-after: it neither stops the step that it proves nor undoes it", async () => {
  let logins = 0;
  const sandbox = await startSandbox({
    as: "26",
    listen: "127.0.0.1:0",
    publicListen: "127.0.0.1:0",
    onRequest(line) {
      if (/^POST \S*\/oauth2\/token /.test(line)) logins++;
    },
  });
  // After each login, a busy server: a request without time left isn't repeated.
  const busy = new Set<string>();
  const proxy = await openFaultProxy(sandbox.url, ({ method, target }) => {
    const name = `${method} ${target} after login ${logins}`;
    const isRetried = method !== "DELETE" && /^\/admin\/(keys|clients)/.test(target);
    if (logins === 0 || !isRetried || busy.has(name)) return undefined;
    busy.add(name);
    return instead({ status: 503, body: "busy" });
  });
  try {
    const args = ["keys", "rotate", "hydra.openid.id-token", "--endpoint", proxy.url];
    const played = await play([...args, "--public-url", sandbox.publicUrl ?? ""], { late: () => logins * HOURS });
    assert.equal(played.status, 0, played.stderr);
    assert.match(played.stderr, /Proved by a login/);
    assert.equal(logins, 2);
    for (const name of ["GET /admin/keys/hydra.openid.id-token after login 1", "POST /admin/clients after login 1"])
      assert.ok(busy.has(name), [...busy].join("\n"));
    assert.ok(busy.has("GET /admin/keys/hydra.openid.id-token after login 2"), [...busy].join("\n"));
  } finally {
    await proxy.close();
    await sandbox.close();
  }
});

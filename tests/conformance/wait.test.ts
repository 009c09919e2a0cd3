/** `wait` on every server. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, onEveryServer } from "./servers.ts";

onEveryServer("wait and version", ordinaryTraits, (server) => {
  test("waits for a server that is ready", async () => {
    const ended = await server().run(["wait", "--for", "20s"]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, `Ready: ${server().url}\n`);
    assert.equal(ended.stderr, "");
    const json = await server().run(["wait", "--format", "json"]);
    assert.deepEqual(JSON.parse(json.stdout), { endpoint: server().url, status: "ready" });
  });

  test("prints the server's version and API version", async () => {
    const { body } = await server().ask("GET", "/version");
    const ended = await server().run(["version", "--server", "--format", "json"]);
    assert.equal(ended.status, 0, ended.stderr);
    const told = asJson(JSON.parse(ended.stdout));
    assert.equal(told["server"], asJson(body)["version"]);
    assert.equal(told["api"], server().family);
    const text = await server().run(["version", "--server"]);
    assert.match(text.stdout, /^Version: .*\nGit Hash: .*\nBuild Time: .*\nServer: .* \(API v[12]\)\n$/);
    const own = await server().run(["version"]);
    assert.match(own.stdout, /^Version: .*\nGit Hash: .*\nBuild Time: .*\n$/);
  });
});

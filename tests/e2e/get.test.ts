/** `clients get`. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Fault, instead, type Plan, stallBefore, swapped } from "./fault-proxy.ts";
import { assertExit, assertFails, describeRun, openScenario, SLOW } from "./scenario.ts";

/** Meets every read of one client with the same. */
function reads(fault: Fault): Plan {
  return ({ method, target }) => (method === "GET" && /\/clients\/./.test(target) ? fault : undefined);
}

const JSON_TYPE = { "content-type": "application/json" };

describe("clients get", () => {
  it("sends one request per client, in the order of the command line", async () => {
    await using scenario = await openScenario();
    for (const id of ["b", "a"])
      assertExit(await scenario.run(["clients", "create", "--id", id, "-c", "http://localhost/"]), 0);
    const before = scenario.proxy.seen.length;
    const ended = await scenario.run(["clients", "get", "b", "a", "b", "--format", "id"]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, "b\na\nb\n");
    assert.deepEqual(
      scenario.proxy.seen.slice(before).map(({ method, target }) => `${method} ${target}`),
      ["GET /admin/clients/b", "GET /admin/clients/a", "GET /admin/clients/b"],
    );
    assert.equal(ended.stderr, "");
  });

  it("shows no credential, even one that a server sends", async () => {
    const leaky = { client_id: "x", client_secret: "hush-hush", registration_access_token: "hush-token", owner: "me" };
    for (const format of ["json", "json-pretty", "yaml", "ndjson", "table", "text", "env", "raw=client_secret"]) {
      await using scenario = await openScenario(
        "26",
        reads(instead({ status: 200, headers: JSON_TYPE, body: JSON.stringify(leaky) })),
      );
      const ended = await scenario.run(["clients", "get", "x", "--format", format]);
      assert.doesNotMatch(ended.stdout + ended.stderr, /hush/, format);
    }
  });

  it("distinguishes a rejected caller from an unknown client, on 1.8 too", SLOW, async () => {
    for (const as of ["1.8", "26"] as const) {
      await using scenario = await openScenario(as);
      assertFails(await scenario.run(["clients", "get", "nope"]), 4, /client "nope" not found/);
    }
    for (const [status, body] of [
      [401, '{"error":"The request could not be authorized"}'],
      [401, "<html>Sign in</html>"],
      [403, "forbidden"],
    ] as const) {
      await using scenario = await openScenario("1.8", reads(instead({ status, headers: JSON_TYPE, body })));
      assertFails(await scenario.run(["clients", "get", "nope", "--api", "v1"]), 3, new RegExp(`${status}`));
    }
  });

  it("retries a read after a temporary failure, and reports that once", async () => {
    let left = 2;
    await using scenario = await openScenario(
      "26",
      reads((exchange) => {
        if (left-- > 0) return instead({ status: 503, body: "busy" })(exchange);
        return exchange.pass().then(exchange.reply);
      }),
    );
    assertExit(await scenario.run(["clients", "create", "--id", "x", "-c", "http://localhost/"]), 0);
    const ended = await scenario.run(["clients", "get", "x", "-q"]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, "x\n");
    assert.match(ended.stderr, /^Warning: Cannot get client "x" yet: server answered 503 .*\n$/);
  });

  it("never shows a web page", async () => {
    for (const status of [200, 400, 404, 500, 502]) {
      const page = "<!DOCTYPE html><html><body><h1>Oops</h1></body></html>";
      await using scenario = await openScenario(
        "26",
        reads(instead({ status, headers: { "content-type": "text/html" }, body: page })),
      );
      const ended = await scenario.run(["clients", "get", "x", "--fail-after", "0", "--api", "v2"]);
      assert.notEqual(ended.status, 0, describeRun(ended));
      assert.doesNotMatch(ended.stdout + ended.stderr, /Oops|<h1>/);
      assertFails(ended, ended.status ?? 0, /web page|not a Hydra admin port|404/);
    }
  });

  it("rejects what isn't a client", SLOW, async () => {
    for (const body of [
      "",
      "null",
      "[]",
      '"x"',
      "42",
      "{}",
      '{"client_id":5}',
      '{"client_id":""}',
      '{"client_id":"x"',
      "{]",
    ]) {
      await using scenario = await openScenario("26", reads(instead({ status: 200, headers: JSON_TYPE, body })));
      assertFails(
        await scenario.run(["clients", "get", "x"]),
        1,
        /server answered 200 with something else instead of a client/,
      );
    }
  });

  it("keeps unknown fields, and the server's order", async () => {
    const odd = '{"zeta":{"__proto__":{"a":1}},"client_id":"x","constructor":"c","n":1.5,"alpha":null}';
    await using scenario = await openScenario("26", reads(instead({ status: 200, headers: JSON_TYPE, body: odd })));
    const ended = await scenario.run(["clients", "get", "x", "--format", "json"]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, `${odd}\n`);
  });

  it("gives up on a server that doesn't answer at its deadline", async () => {
    await using scenario = await openScenario("26", reads(stallBefore));
    assertFails(await scenario.run(["clients", "get", "x", "--fail-after", "300ms"]), 6, /no answer from/);
  });

  it("follows no redirect, and reports where it pointed", async () => {
    await using elsewhere = await openScenario();
    const moved = swapped(() => ({
      status: 307,
      headers: { location: `${elsewhere.url}/admin/clients/x?token=hush` },
    }));
    await using scenario = await openScenario("26", reads(moved));
    const ended = await scenario.run(["clients", "get", "x"]);
    assertFails(ended, 1, /redirects to "http:\/\/127\.0\.0\.1:\d+\/admin\/clients\/x/);
    assert.doesNotMatch(ended.stderr, /hush/);
    assert.equal(elsewhere.proxy.seen.length, 0);
  });
});

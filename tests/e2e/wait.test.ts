/** `wait` and `version`. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { runBinary, startBinary, temporaryFolder } from "./binary.ts";
import { type Fault, instead, type Plan } from "./fault-proxy.ts";
import { assertExit, assertFails, openScenario, SLOW } from "./scenario.ts";

function asked(fault: Fault | undefined): Plan {
  return ({ target }) => (target === "/health/ready" ? fault : undefined);
}

describe("wait", () => {
  it("polls until the server is ready, whatever it answers before", SLOW, async () => {
    let before: readonly Fault[] = [
      instead({
        status: 503,
        headers: { "content-type": "application/json" },
        body: '{"errors":{"database":"connecting"}}',
      }),
      instead({ status: 500, body: "starting" }),
      ({ socket }) => {
        socket.destroy();
      },
      instead({ status: 502, headers: { "content-type": "text/html" }, body: "<html>" }),
    ];
    await using scenario = await openScenario("26", ({ target }) => {
      if (target !== "/health/ready") return undefined;
      const [fault, ...others] = before;
      before = others;
      return fault;
    });
    const ended = await scenario.run(["wait", "--for", "50s"]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, `Ready: ${scenario.url}\n`);
    // One more request proves that this is not the public port.
    assert.deepEqual(
      scenario.proxy.seen.map(({ target }) => target),
      [...Array.from({ length: 5 }, () => "/health/ready"), "/.well-known/openid-configuration"],
    );
  });

  it("waits for a server that is not there yet", SLOW, async () => {
    using folder = temporaryFolder();
    const listen = `unix://${folder.path}/hydra.sock`;
    await using running = startBinary(["wait", "--for", "50s", "--endpoint", listen, "-v"]);
    await running.seen("stderr", /the socket does not exist/);
    const sandbox = await startSandbox({ as: "1.8", listen });
    try {
      const ended = await running.ended;
      assertExit(ended, 0);
      assert.equal(ended.stdout, `Ready: ${listen}\n`);
    } finally {
      await sandbox.close();
    }
  });

  it("gives up after its time, or after --fail-after where only that is given", async () => {
    await using scenario = await openScenario("26", asked(instead({ status: 503, body: "no" })));
    const ended = await scenario.run(["wait", "--for", "3s", "--fail-after", "1h"]);
    assertFails(ended, 6, /Cannot wait for the server: server answered 503/);
    const env = { HYDRA_ADMIN_URL: "http://127.0.0.1:1" };
    assertFails(await scenario.run(["wait", "--for", "300ms"], { env }), 6, /connection refused \(tried for 300ms\)/);
    assertFails(await scenario.run(["wait", "--for", "0"], { env }), 6, /connection refused/);
    const limited = await scenario.run(["wait", "--fail-after", "300ms"], { env });
    assertFails(limited, 6, /connection refused \(tried for 300ms\)/);
  });

  it("keeps waiting while a gateway answers 404, and says so at the end", SLOW, async () => {
    let missing = 3;
    const gateway = instead({
      status: 404,
      headers: { "content-type": "text/plain" },
      body: "default backend - 404\n",
    });
    await using scenario = await openScenario("26", () => (missing-- > 0 ? gateway : undefined));
    const ended = await scenario.run(["wait", "--for", "50s"]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, `Ready: ${scenario.url}\n`);
    await using gone = await openScenario("26", () => gateway);
    assertFails(
      await gone.run(["wait", "--for", "1s"]),
      6,
      /^Error: Cannot wait for the server: server answered 404: default backend - 404 \(tried for 1s\)$/,
    );
  });

  it("fails at once on the public port, and only there", SLOW, async () => {
    const configuration = JSON.stringify({ issuer: "http://127.0.0.1:4444/" });
    const openId = instead({ status: 200, headers: { "content-type": "application/json" }, body: configuration });
    const isDiscovery = (target: string): boolean => target === "/.well-known/openid-configuration";
    const missing = instead({ status: 404, body: "404 page not found" });
    for (const health of [undefined, missing]) {
      await using port = await openScenario("26", ({ target }) =>
        isDiscovery(target) ? openId : target === "/health/ready" ? health : missing,
      );
      const ended = await port.run(["wait"]);
      assertFails(
        ended,
        1,
        /^Error: Cannot wait for the server: http:\S+ \(.*HYDRA_ADMIN_URL\) is the public port of Hydra, /,
      );
      assert.match(ended.stderr, /^Hint: .*admin port.*4445 by default/m);
    }
    // One origin for both ports.
    await using both = await openScenario("26", ({ target }) => (isDiscovery(target) ? openId : undefined));
    assertExit(await both.run(["wait"]), 0);
    // Without an answer that proves it.
    await using page = await openScenario("26", ({ target }) =>
      isDiscovery(target) ? instead({ status: 200, body: "<html>" }) : target === "/health/ready" ? undefined : missing,
    );
    assertExit(await page.run(["wait"]), 0);
  });

  it("fails at once if waiting cannot help", async () => {
    await using guarded = await openScenario("26", asked(instead({ status: 401, body: "who" })));
    assertFails(await guarded.run(["wait"]), 3, /401/);
    const login = { headers: { "content-type": "text/html" }, body: "<html><title>Sign in</title></html>" };
    await using page = await openScenario("26", asked(instead({ status: 200, ...login })));
    assertFails(await page.run(["wait"]), 1, /server answered 200 with the web page "Sign in" instead of its health/);
  });

  it("ends at a signal", async () => {
    await using scenario = await openScenario("26", asked(instead({ status: 503, body: "no" })));
    for (const [signal, status] of [
      ["SIGTERM", 143],
      ["SIGINT", 130],
    ] as const) {
      await using running = scenario.start(["wait", "--for", "1h", "-v"]);
      await running.seen("stderr", /< 503/);
      running.kill(signal);
      const ended = await running.ended;
      assertExit(ended, status);
      assert.equal(ended.stdout, "");
    }
  });

  it("needs an endpoint and a duration", async () => {
    assertFails(await runBinary(["wait"]), 2, /endpoint/i);
    assertFails(await runBinary(["wait", "--for", "soon", "--endpoint", "http://127.0.0.1:1"]), 2, /--for/);
  });
});

describe("version", () => {
  it("contacts no server unless requested", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run(["version", "--format", "json"]);
    assertExit(ended, 0);
    const { version, commit, date, ...others } = JSON.parse(ended.stdout);
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.match(commit, /^([0-9a-f]{40}(-dirty)?|unknown)$/);
    assert.ok(date !== undefined);
    assert.deepEqual(others, {});
    assert.equal((await scenario.run(["--version"])).stdout, (await scenario.run(["version"])).stdout);
    assert.equal(scenario.proxy.seen.length, 0);
    assertFails(await runBinary(["version", "--server"]), 2, /--server needs the URL of a server/);
  });

  it("prints what a server reports about itself, harmlessly", async () => {
    await using scenario = await openScenario("26", ({ target }) =>
      target === "/version"
        ? instead({ status: 200, headers: { "content-type": "application/json" }, body: '{"version":"v1\\u001b[31m"}' })
        : undefined,
    );
    const ended = await scenario.run(["version", "--server"]);
    assertExit(ended, 0);
    assert.match(ended.stdout, /^Server: v1\\x1b\[31m \(API v2\)$/m);
    await using odd = await openScenario("26", ({ target }) =>
      target === "/version" ? instead({ status: 200, body: "v1" }) : undefined,
    );
    assertFails(await odd.run(["version", "--server"]), 1, /instead of a version/);
  });
});

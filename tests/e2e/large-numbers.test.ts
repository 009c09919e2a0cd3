/** Numbers beyond the precision of JavaScript pass through unchanged. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { assertExit, openScenario, type Scenario, SLOW } from "./scenario.ts";

/** Numbers that a double cannot hold, such as an ID of 64 bits. */
const METADATA = '{"tenant":12345678901234567890,"ratio":0.12345678901234567890,"small":-5}';

async function withClient(as: SandboxVersion): Promise<Scenario> {
  const scenario = await openScenario(as);
  const path = as.startsWith("1.") ? "/clients" : "/admin/clients";
  const body = `{"client_name":"a","metadata":${METADATA}}`;
  assert.equal((await fetch(`${scenario.sandbox.url}${path}`, { method: "POST", body })).status, 201);
  return scenario;
}

async function idOf(scenario: Scenario): Promise<string> {
  const ended = await scenario.run(["clients", "list", "-q"]);
  assertExit(ended, 0);
  return ended.stdout.trim();
}

/** The metadata of the only client, as the server writes it. */
async function stored(scenario: Scenario, as: SandboxVersion): Promise<string> {
  const path = as.startsWith("1.") ? "/clients" : "/admin/clients";
  const text = await (await fetch(`${scenario.sandbox.url}${path}`)).text();
  return /"metadata":(\{[^}]*\})/.exec(text)?.[1] ?? text;
}

describe("numbers that the runtime cannot hold", () => {
  it("are kept by a change of other fields", SLOW, async () => {
    for (const as of ["1.8", "1.11", "2.1", "2.3", "26"] as const) {
      await using scenario = await withClient(as);
      const id = await idOf(scenario);
      const ended = await scenario.run([
        "clients",
        "update",
        id,
        "-n",
        "b",
        "--unset",
        "jwt-bearer-grant-access-token-lifespan",
      ]);
      assertExit(ended, 0);
      assert.doesNotMatch(ended.stderr, /metadata/);
      assertExit(await scenario.run(["clients", "update", id, "--set", "metadata.small=-6"]), 0);
      assert.equal(await stored(scenario, as), METADATA.replace("-5", "-6"), as);
    }
  });

  it("are shown as they are, in every format that shows them", async () => {
    await using scenario = await withClient("26");
    const id = await idOf(scenario);
    for (const [format, wanted] of [
      ["json", '"tenant":12345678901234567890'],
      ["json-pretty", '"tenant": 12345678901234567890'],
      ["ndjson", '"ratio":0.12345678901234567890'],
      ["yaml", "tenant: 12345678901234567890\n  ratio: 0.12345678901234567890\n"],
      ["raw=metadata.tenant", "12345678901234567890\n"],
      ["jsonpointer=/metadata/tenant", "12345678901234567890\n"],
      ["jsonpath=$.metadata.tenant", "12345678901234567890\n"],
      ["raw=$.metadata[?@>1000]", "12345678901234567890\n"],
      ["raw=$[?@.tenant==12345678901234567890].tenant", "12345678901234567890\n"],
    ] as const) {
      const { stdout } = await scenario.run(["clients", "get", id, "--format", format]);
      assert.ok(stdout.includes(wanted), `${format}: ${stdout}`);
    }
  });

  it("are the same in an exported file, in any spelling of the server", SLOW, async () => {
    await using scenario = await openScenario("26");
    const body = '{"client_id":"a","scope":"x","metadata":{"ratio":0.12345678901234567890,"tiny":-12e-0400}}';
    assert.equal((await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body })).status, 201);
    const exported = await scenario.run(["export", "a"]);
    assertExit(exported, 0);
    assert.match(exported.stdout, /\n {2}ratio: 0\.12345678901234567890\n {2}tiny: -12\.0e-0400\n/);
    for (const stdin of [exported.stdout, exported.stdout.replace("-12.0e-0400", "-1.2e-399")]) {
      const ended = await scenario.run(["diff", "-", "--stack", "s", "--format", "json"], { stdin });
      assertExit(ended, 0);
      assert.match(ended.stdout, /"action":"adopt","key":"a",.*"changes":\[\]/);
    }
  });

  it("that YAML cannot hold are an error in this format, and no text", async () => {
    await using scenario = await openScenario("26");
    const body = '{"client_id":"big","scope":"x","metadata":{"n":1e400}}';
    assert.equal((await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body })).status, 201);
    for (const args of [
      ["export", "big"],
      ["get", "client", "big", "--format", "yaml"],
      ["list", "clients", "--format", "yaml"],
    ]) {
      const ended = await scenario.run(args);
      assertExit(ended, 1);
      assert.equal(ended.stdout, "");
      assert.match(ended.stderr, /^Error: Cannot write the result: YAML cannot hold one of its numbers$/m);
    }
    assert.match((await scenario.run(["export", "big", "--format", "json"])).stdout, /"n":1e400/);
  });

  it("are accepted from flags, files and imports", SLOW, async () => {
    await using scenario = await openScenario();
    const yaml = join(scenario.home, "client.yaml");
    const json = join(scenario.home, "clients.json");
    writeFileSync(yaml, "client_name: y\ngrant_types: [client_credentials]\nmetadata:\n  n: 12345678901234567890\n");
    writeFileSync(json, '[{"client_name":"j","metadata":{"n":12345678901234567890}}]');
    for (const args of [
      ["create", "-g", "client_credentials", "--metadata", '{"n":12345678901234567890}'],
      ["create", "-g", "client_credentials", "--set", "metadata.n=12345678901234567890"],
      ["create", "--file", yaml],
      ["import", yaml, json],
    ]) {
      const ended = await scenario.run(["clients", ...args]);
      assertExit(ended, 0);
      assert.doesNotMatch(ended.stderr, /keep/);
    }
    const bodies = scenario.proxy.seen.filter(({ method }) => method === "POST").map(({ body }) => body);
    assert.equal(bodies.length, 5);
    for (const body of bodies) assert.ok(body.includes('"metadata":{"n":12345678901234567890}'), body);
  });
});

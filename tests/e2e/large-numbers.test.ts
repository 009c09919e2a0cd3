/** Numbers beyond the precision of JavaScript pass through unchanged. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { ends, openScene, type Scene, SLOW } from "./scenario.ts";

/** Numbers that a double cannot hold, as an id of 64 bits is one. */
const METADATA = '{"tenant":12345678901234567890,"ratio":0.12345678901234567890,"small":-5}';

async function withClient(as: SandboxVersion): Promise<Scene> {
  const scene = await openScene(as);
  const path = as.startsWith("1.") ? "/clients" : "/admin/clients";
  const body = `{"client_name":"a","metadata":${METADATA}}`;
  assert.equal((await fetch(`${scene.sandbox.url}${path}`, { method: "POST", body })).status, 201);
  return scene;
}

async function idOf(scene: Scene): Promise<string> {
  const ended = await scene.run(["clients", "list", "-q"]);
  ends(ended, 0);
  return ended.stdout.trim();
}

/** The metadata of the only client, as the server writes it. */
async function stored(scene: Scene, as: SandboxVersion): Promise<string> {
  const path = as.startsWith("1.") ? "/clients" : "/admin/clients";
  const text = await (await fetch(`${scene.sandbox.url}${path}`)).text();
  return /"metadata":(\{[^}]*\})/.exec(text)?.[1] ?? text;
}

describe("numbers that the runtime cannot hold", () => {
  it("stay as they are in a change that has nothing to do with them", SLOW, async () => {
    for (const as of ["1.8", "1.11", "2.1", "2.3", "26"] as const) {
      await using scene = await withClient(as);
      const id = await idOf(scene);
      const ended = await scene.run([
        "clients",
        "update",
        id,
        "-n",
        "b",
        "--unset",
        "jwt-bearer-grant-access-token-lifespan",
      ]);
      ends(ended, 0);
      assert.doesNotMatch(ended.stderr, /metadata/);
      ends(await scene.run(["clients", "update", id, "--set", "metadata.small=-6"]), 0);
      assert.equal(await stored(scene, as), METADATA.replace("-5", "-6"), as);
    }
  });

  it("are shown as they are, in every format that shows them", async () => {
    await using scene = await withClient("26");
    const id = await idOf(scene);
    for (const [format, wanted] of [
      ["json", '"tenant":12345678901234567890'],
      ["json-pretty", '"tenant": 12345678901234567890'],
      ["ndjson", '"ratio":0.12345678901234567890'],
      ["yaml", "tenant: 12345678901234567890\n"],
      ["raw=metadata.tenant", "12345678901234567890\n"],
      ["jsonpointer=/metadata/tenant", "12345678901234567890\n"],
      ["jsonpath=$.metadata.tenant", "12345678901234567890\n"],
      ["raw=$.metadata[?@>1000]", "12345678901234567890\n"],
      ["raw=$[?@.tenant==12345678901234567890].tenant", "12345678901234567890\n"],
    ] as const) {
      const { stdout } = await scene.run(["clients", "get", id, "--format", format]);
      assert.ok(stdout.includes(wanted), `${format}: ${stdout}`);
    }
  });

  it("come in by flags, files and imports", SLOW, async () => {
    await using scene = await openScene();
    const yaml = join(scene.home, "client.yaml");
    const json = join(scene.home, "clients.json");
    writeFileSync(yaml, "client_name: y\ngrant_types: [client_credentials]\nmetadata:\n  n: 12345678901234567890\n");
    writeFileSync(json, '[{"client_name":"j","metadata":{"n":12345678901234567890}}]');
    for (const args of [
      ["create", "-g", "client_credentials", "--metadata", '{"n":12345678901234567890}'],
      ["create", "-g", "client_credentials", "--set", "metadata.n=12345678901234567890"],
      ["create", "--file", yaml],
      ["import", yaml, json],
    ]) {
      const ended = await scene.run(["clients", ...args]);
      ends(ended, 0);
      assert.doesNotMatch(ended.stderr, /keep/);
    }
    const bodies = scene.proxy.seen.filter(({ method }) => method === "POST").map(({ body }) => body);
    assert.equal(bodies.length, 5);
    for (const body of bodies) assert.ok(body.includes('"metadata":{"n":12345678901234567890}'), body);
  });
});

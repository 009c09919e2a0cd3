/** `keys create`: what can't be delivered isn't created. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { codesOf } from "./in-process.ts";
import { withStateSetup } from "./state-setup.ts";

test("a shared secret that would be written as PEM is rejected before it is created", () =>
  withStateSetup("1.11", async (bench) => {
    const out = (name: string): readonly string[] => ["--key-out", join(bench.folder, name)];
    const create = ["keys", "create", "set", "--alg", "HS256"];
    for (const more of [
      out("k.pem"),
      out("k.key"),
      [...out("k.json"), "--format", "pem"],
      ["--private", "--format", "pem"],
    ]) {
      const played = await bench.run([...create, ...more]);
      assert.equal(played.status, 2, `${more.join(" ")}: ${played.stderr}`);
      assert.match(played.stderr, /Cannot write an HS256 key as PEM: it is a shared secret/);
    }
    assert.deepEqual(codesOf(await bench.run([...create, ...out("k.pem"), "--format", "json"])), ["key-without-pem"]);
    assert.deepEqual(bench.writes(), []);
    assert.equal((await bench.run([...create, ...out("k.json")])).status, 0);
    assert.equal((await bench.run(["keys", "create", "set", "--alg", "ES512", ...out("k.pem")])).status, 0);
  }));

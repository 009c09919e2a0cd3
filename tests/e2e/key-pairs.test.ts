/** What an ID means in a set, and what a rotation adds to a set that no token is signed with. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { asJson, type Json } from "../conformance/servers.ts";
import { runBinary, withSandbox } from "./binary.ts";

const Keys = v.array(v.record(v.string(), v.unknown()));

function keysIn(text: string): readonly Json[] {
  return v.parse(Keys, asJson(JSON.parse(text))["keys"]);
}

test("an ID that keys get prints names both halves of a pair of Hydra 1.x", async () => {
  await using sandbox = await withSandbox("1.11");
  const run = (...args: readonly string[]) => runBinary(["keys", ...args, "--endpoint", sandbox.url]);
  for (const kid of ["one", "two"]) assert.equal((await run("create", "own", kid)).status, 0);
  assert.equal((await run("get", "own", "-q")).stdout, "public:two\npublic:one\n");
  const backup = await run("get", "own", "--kid", "public:one", "--private");
  assert.deepEqual(
    keysIn(backup.stdout)
      .map(({ kid, d }) => `${kid} ${typeof d}`)
      .sort(),
    ["private:one string", "public:one undefined"],
  );
  assert.equal((await run("delete", "own", "--kid", "private:two")).status, 0);
  assert.equal((await run("get", "own", "-q")).stdout, "public:two\npublic:one\n");
  assert.equal((await run("delete", "own", "--kid", "public:one")).status, 0);
  const rest = await run("get", "own", "--private");
  assert.deepEqual(
    keysIn(rest.stdout).map(({ kid }) => kid),
    ["public:two"],
  );
});

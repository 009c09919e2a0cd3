/** What an ID means in a set, and what a rotation adds to a set that no token is signed with. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
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

/** Sets whose newest key is not what servers generate by default: how it is made, and the algorithm and use of the next. */
const ROTATED: readonly (readonly [string, readonly string[], string])[] = [
  ["1.11", ["create", "own", "old", "--alg", "ES256"], "EC sig"],
  ["1.11", ["create", "own", "old", "--alg", "HS256"], "oct sig HS256"],
  ["26", ["create", "own", "old", "--alg", "PS384", "--use", "enc"], "RSA enc PS384"],
  ["26", ["import", "own", "-"], "RSA enc RS256"],
];

for (const [version, words, expected] of ROTATED)
  test(`a rotation keeps what the key of a set is for: ${words.join(" ")} on ${version}`, async () => {
    await using sandbox = await withSandbox(version === "26" ? "26" : "1.11");
    const run = (args: readonly string[], input = "") =>
      runBinary(["keys", ...args, "--endpoint", sandbox.url], { stdin: input });
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const encryption = { ...privateKey.export({ format: "jwk" }), alg: "RSA-OAEP" };
    assert.equal((await run(words, JSON.stringify(encryption))).status, 0);
    assert.equal((await run(["rotate", "own", "--kid", "next"])).status, 0);
    const all = keysIn((await run(["get", "own", "--private"])).stdout);
    const [next] = all.filter(({ kid }) => kid === "next" || kid === "public:next" || kid === "private:next");
    assert.equal(
      [next?.["kty"], next?.["use"], next?.["alg"]].filter((part) => part !== undefined).join(" "),
      expected,
    );
  });

test("a set that does not exist is not rotated, unless the server makes it", async () => {
  await using sandbox = await withSandbox("26");
  const run = (...args: readonly string[]) => runBinary(["keys", ...args, "--endpoint", sandbox.url]);
  for (const step of [["--publish", "--key-out", "unused.json"], ["--retire", "x"], []]) {
    const ended = await run("rotate", "hydra.openid.id-tokn", ...step);
    assert.equal(ended.status, 4, ended.stderr);
    assert.match(ended.stderr, /key set "hydra\.openid\.id-tokn" (?:not found|does not exist)/i);
  }
  assert.equal((await run("get", "hydra.openid.id-tokn")).status, 4);
  assert.equal((await run("rotate", "hydra.jwt.access-token")).status, 0);
});

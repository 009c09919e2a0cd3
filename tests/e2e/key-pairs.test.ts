/** What an ID means in a set, what a rotation adds to a set that no token is signed with, and imports. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import { asJson, type Json } from "../conformance/servers.ts";
import { runBinary, temporaryFolder, withSandbox } from "./binary.ts";
import { instead, openFaultProxy } from "./fault-proxy.ts";

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

for (const steps of [[], ["--publish", "--key-out", "next.json"]])
  test(`a rotation keeps the algorithm of a set of public keys only: rotate ${steps.join(" ")}`, async () => {
    await using sandbox = await withSandbox("26");
    using folder = temporaryFolder();
    const run = (args: readonly string[], stdin = "") =>
      runBinary(["keys", ...args, "--endpoint", sandbox.url], { cwd: folder.path, stdin });
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    assert.equal((await run(["import", "own", "-"], JSON.stringify(publicKey.export({ format: "jwk" })))).status, 0);
    const ended = await run(["rotate", "own", "--kid", "next", ...steps]);
    assert.equal(ended.status, 0, ended.stderr);
    const next = keysIn((await run(["get", "own"])).stdout).find(({ kid }) => kid === "next");
    assert.equal(next?.["alg"], "ES384");
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

test("an import that a server stops names the keys that it has taken", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const files = ["a", "b", "c"].map((kid) => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const file = join(folder.path, `${kid}.json`);
    writeFileSync(file, JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid }));
    return file;
  });
  const proxy = await openFaultProxy(sandbox.url, ({ method, target }) =>
    method === "PUT" && target.endsWith("/c") ? instead({ status: 400, body: "no" }) : undefined,
  );
  try {
    const ended = await runBinary(["keys", "import", "own", ...files, "--endpoint", proxy.url]);
    assert.equal(ended.status, 1, ended.stderr);
    assert.match(ended.stderr, /server answered 400.*; before that, "a" and "b" were imported$/m);
  } finally {
    await proxy.close();
  }
});

test("a key set in UTF-16, as PowerShell redirects it, is read", async () => {
  await using sandbox = await withSandbox("26");
  const run = (args: readonly string[], stdin?: Uint8Array) =>
    runBinary(["keys", ...args, "--endpoint", sandbox.url], stdin === undefined ? {} : { stdin });
  assert.equal((await run(["create", "own", "one"])).status, 0);
  for (const format of ["json", "pem"]) {
    const { stdout } = await run(["get", "own", "--private", "--format", format]);
    const ended = await run(["import", `${format}-copy`, "-"], Buffer.from(`\ufeff${stdout}`, "utf16le"));
    assert.equal(ended.status, 0, ended.stderr);
  }
});

test("the commands in hints can be typed as they are, whatever the names", async () => {
  await using sandbox = await withSandbox("26");
  const run = (...args: readonly string[]) => runBinary([...args, "--endpoint", sandbox.url]);
  assert.equal((await run("keys", "create", "my set", "a key; b")).status, 0);
  const missing = await run("keys", "get", "my set", "--kid", "none");
  assert.match(missing.stderr, /: hydra keys get 'my set' --quiet$/m);
  const signing = await run("keys", "rotate", "my set", "--retire", "a key; b");
  assert.match(signing.stderr, /: hydra keys rotate 'my set' --publish --key-out FILE$/m);
  const method = ["--token-endpoint-auth-method", "private_key_jwt", "--jwks-uri", "https://a.example/keys"];
  assert.equal((await run("clients", "create", "--id", "my app", "-g", "client_credentials", ...method)).status, 0);
  assert.match(
    (await run("clients", "rotate-secret", "my app")).stderr,
    /: hydra clients update 'my app' --jwks FILE$/m,
  );
  const changed = await run("clients", "update", "my app", "--token-endpoint-auth-method", "client_secret_basic");
  assert.match(changed.stderr, /no secret of it was delivered; generate one: hydra clients rotate-secret 'my app'$/m);
  assert.doesNotMatch(changed.stderr, /unchanged/);
});

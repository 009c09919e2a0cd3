/** Key IDs that a URL can't have, and servers that answer with other keys than those that were sent. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import { adminPathsFromClientsPath } from "../../lib/servers/paths-and-queries.ts";
import { asJson, type Json } from "../conformance/servers.ts";
import { BINARY, type RunningSandbox, runBinary, start, temporaryFolder, withSandbox } from "./binary.ts";
import { instead, openFaultProxy } from "./fault-proxy.ts";

const SET = "hydra.openid.id-token";

const Keys = v.array(v.record(v.string(), v.unknown()));

async function storedKeys({ url }: Pick<RunningSandbox, "url">, set = SET): Promise<readonly Json[]> {
  const response = await fetch(`${url}/admin/keys/${set}`);
  return response.ok ? v.parse(Keys, asJson(await response.json())["keys"]) : [];
}

function newKey(): Json {
  return asJson(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }));
}

const BAD_KIDS = ["", ".", ".."];

test("a key ID that would mean the whole set is rejected before anything is sent", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const file = join(folder.path, "key.json");
  const named = join(folder.path, "named.json");
  writeFileSync(file, JSON.stringify(newKey()));
  const before = await storedKeys(sandbox);
  const sent: string[] = [];
  const proxy = await openFaultProxy(sandbox.url, ({ method, target }) => {
    sent.push(`${method} ${target}`);
    return undefined;
  });
  try {
    for (const kid of BAD_KIDS) {
      writeFileSync(named, JSON.stringify({ ...newKey(), kid }));
      for (const line of [
        ["keys", "delete", SET, "--yes", "--kid", kid],
        ["delete", "jwk", SET, "--kid", kid],
        ["keys", "create", SET, "--yes", "--kid", kid],
        ["create", "jwk", SET, kid, "--yes"],
        ["keys", "import", SET, file, "--yes", "--kid", kid],
        ["keys", "import", SET, named, "--yes"],
        ["import", "jwk", SET, named, "--yes", "--replace"],
        ["keys", "rotate", SET, "--yes", "--kid", kid],
        ["keys", "rotate", SET, "--yes", "--retire", kid],
        ["keys", "rotate", SET, "--yes", "--publish", "--key-out", join(folder.path, "out.json"), "--kid", kid],
      ]) {
        const ended = await runBinary([...line, "--endpoint", proxy.url]);
        assert.equal(ended.status, 2, `${line.join(" ")}\n${ended.stderr}`);
        if (kid !== "") assert.match(ended.stderr, /"\.{1,2}" is not a valid key ID/, line.join(" "));
      }
    }
  } finally {
    await proxy.close();
  }
  assert.deepEqual(sent, []);
  assert.deepEqual(await storedKeys(sandbox), before);
});

test("a key with half of a surrogate pair as its ID is rejected, and another ID may be chosen for it", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const file = join(folder.path, "key.json");
  for (const kid of ['"\\ud800"', '"."']) {
    writeFileSync(file, JSON.stringify({ ...newKey(), kid: "KID" }).replace('"KID"', kid));
    const args = ["keys", "import", "own", file, "--endpoint", sandbox.url];
    const ended = await runBinary(args);
    assert.equal(ended.status, 2, ended.stderr);
    assert.match(ended.stderr, /Cannot use the key in ".*key\.json": ".*" is not a valid key ID/);
    const chosen = await runBinary([...args, "--kid", "chosen", "--yes"]);
    assert.equal(chosen.status, 0, chosen.stderr);
    assert.deepEqual(
      (await storedKeys(sandbox, "own")).map((key) => key["kid"]),
      ["chosen"],
    );
  }
});

test("no path is built from an ID or a name that would mean more than one thing", () => {
  for (const clients of ["/clients", "/admin/clients"]) {
    const paths = adminPathsFromClientsPath(clients);
    for (const text of [...BAD_KIDS, "\ud800"]) {
      assert.throws(() => paths.client(text), /is not a valid client ID/);
      assert.throws(() => paths.rotateSecret(text), /is not a valid client ID/);
      assert.throws(() => paths.keySet(text), /is not a valid name for a key set/);
      assert.throws(() => paths.key("set", text), /is not a valid key ID/);
      assert.throws(() => paths.key(text, "key"), /is not a valid name for a key set/);
    }
    assert.ok(paths.key("a", "...").endsWith("/keys/a/..."));
  }
});

test("an answer without the key that was created or imported is an error", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const file = join(folder.path, "key.json");
  writeFileSync(file, JSON.stringify({ ...newKey(), kid: "mine" }));
  for (const body of ['{"keys":[]}', JSON.stringify({ keys: [{ ...newKey(), kid: "other" }] })]) {
    const proxy = await openFaultProxy(sandbox.url, ({ method }) =>
      method === "GET" ? undefined : instead({ status: 200, headers: { "content-type": "application/json" }, body }),
    );
    try {
      for (const line of [
        ["keys", "import", "own", file],
        ["keys", "import", "own", file, "--replace"],
        ["keys", "create", "own", "--kid", "mine"],
      ]) {
        const ended = await runBinary([...line, "--endpoint", proxy.url]);
        assert.equal(ended.status, 1, `${line.join(" ")}\n${ended.stderr}`);
        assert.match(
          ended.stderr,
          /server answered 200 with (?:other keys instead of key "mine"|an empty set instead of a key)/,
        );
        assert.equal(ended.stdout, "");
      }
    } finally {
      await proxy.close();
    }
  }
});

function newRsaKey(): Json {
  return asJson(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }));
}

test("a private key whose members don't belong together is rejected, here and by every server", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "key.json");
  const other = newRsaKey();
  const good = { ...newRsaKey(), kid: "mine", use: "sig", alg: "RS256" };
  const faults = ["d", "p", "dp", "qi"] as const;
  // As measured; older versions look at neither value of the Chinese remainder theorem.
  for (const [version, statuses] of [
    ["1.8", [500, 500, 404, 404]],
    ["2.3", [400, 400, 400, 400]],
    ["26", [400, 400, 400, 400]],
  ] as const) {
    await using sandbox = await withSandbox(version);
    const path = version === "1.8" ? "/keys/own/mine" : "/admin/keys/own/mine";
    const headers = { "content-type": "application/json" };
    for (const [at, name] of faults.entries()) {
      const body = JSON.stringify({ ...good, [name]: other[name] });
      const { status } = await fetch(`${sandbox.url}${path}`, { method: "PUT", headers, body });
      assert.equal(status, statuses[at], `${version} ${name}`);
      writeFileSync(file, body);
      const ended = await runBinary(["keys", "import", "own", file, "--endpoint", sandbox.url]);
      assert.equal(ended.status, 2, `${name}: ${ended.stderr}`);
      assert.match(ended.stderr, /its members don't belong together/);
    }
    writeFileSync(file, JSON.stringify(good));
    const ended = await runBinary(["keys", "import", "own", file, "--endpoint", sandbox.url]);
    assert.equal(ended.status, 0, ended.stderr);
  }
});

test("keys with the same ID are rejected with the names of their files", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const [a, b, both, halves] = ["a", "b", "both", "halves"].map((name) => join(folder.path, `${name}.json`));
  assert.ok(a !== undefined && b !== undefined && both !== undefined && halves !== undefined);
  const [first, second] = [newKey(), newKey()];
  writeFileSync(a, JSON.stringify({ ...first, kid: "mine" }));
  writeFileSync(b, JSON.stringify({ ...second, kid: "mine" }));
  writeFileSync(both, JSON.stringify({ keys: [first, second].map((key) => ({ ...key, kid: "mine" })) }));
  writeFileSync(
    halves,
    JSON.stringify({
      keys: [
        { ...first, kid: "private:mine" },
        { ...second, kid: "public:mine" },
      ],
    }),
  );
  for (const [files, message] of [
    [[a, b], /Keys in ".*a\.json" and ".*b\.json" have the ID "mine"/],
    [[a, a], /Two keys in ".*a\.json" have the ID "mine"/],
    [[both], /Two keys in ".*both\.json" have the ID "mine"/],
    [[halves], /Two keys would have the ID "public:mine" on this server/],
  ] as const) {
    const ended = await runBinary(["keys", "import", "own", ...files, "--endpoint", sandbox.url]);
    assert.equal(ended.status, 2, ended.stderr);
    assert.match(ended.stderr, message);
  }
  assert.deepEqual(await storedKeys(sandbox, "own"), []);
});

test("a key that was created is named if its output cannot be written", async () => {
  await using sandbox = await withSandbox("26");
  for (const words of ["create own --kid mine --private", "create own --kid mine-too", `rotate ${SET} --kid next`]) {
    const env = { HYDRA: BINARY, HYDRA_ADMIN_URL: sandbox.url };
    const ended = await start("sh", ["-c", `"$HYDRA" keys ${words} > /dev/full`], { env }).ended;
    assert.equal(ended.status, 1, ended.stderr);
    assert.match(ended.stderr, /Cannot write key "(?:mine|mine-too|next)", which was created in set ".*": /);
  }
});

test("keys that were printed in a format for reading are rejected, with the one that can be imported", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const keys = (...args: readonly string[]) => runBinary(["keys", ...args, "--endpoint", sandbox.url]);
  for (const kid of ["a", "b"]) assert.equal((await keys("create", "own", "--kid", kid)).status, 0);
  for (const [format, reason] of [
    ["yaml", "it is YAML"],
    ["ndjson", "it has several JSON values, one on each line"],
    ["json", undefined],
  ] as const) {
    const file = join(folder.path, `keys.${format}`);
    writeFileSync(file, (await keys("get", "own", "--private", "--format", format)).stdout);
    const ended = await keys("import", "other", file);
    assert.equal(ended.status, reason === undefined ? 0 : 2, ended.stderr);
    if (reason === undefined) continue;
    assert.equal(
      ended.stderr,
      `Error: Cannot read the key in "${file}": ${reason}\nHint: save the keys as JSON: hydra keys get SET --private --format json\n`,
    );
  }
});

test("shared secrets have rows with their IDs, and are not in public key sets", async () => {
  await using sandbox = await withSandbox("1.8");
  const run = async (...words: readonly string[]): Promise<string> => {
    const ended = await runBinary(["keys", ...words, "--endpoint", sandbox.url]);
    assert.equal(ended.status, 0, ended.stderr);
    return ended.stdout;
  };
  assert.equal(await run("create", "own", "--alg", "HS256", "--kid", "first", "-q"), "first\n");
  const second = await run("rotate", "own", "-q");
  assert.equal(await run("get", "own", "-q"), `${second}first\n`);
  assert.match(await run("get", "own", "--format", "table"), /^own\tfirst\t+HS256\t+sig$/m);
  assert.deepEqual(JSON.parse(await run("get", "own")), { keys: [] });
  assert.equal(await run("rotate", "own", "--retire", "first", "-q"), "first\n");
  assert.equal(await run("get", "own", "-q"), second);
  using folder = temporaryFolder();
  const file = join(folder.path, "secrets.json");
  writeFileSync(file, JSON.stringify(["AyM1SysPpbyDfgZld3umj1qzKObwVMko", "BBBB"].map((k) => ({ kty: "oct", k }))));
  await run("import", "given", file);
  // The SHA-256 of {"k":"…","kty":"oct"} (RFC 7638, 3.2).
  const [first, other] = (await run("get", "given", "-q")).split("\n");
  assert.equal(first, "2Oa30I9lIOTDD70T_5y9GUkCdrXFi5A8cJJcxpgYgkM");
  assert.notEqual(other, first);
});

test("messages about keys fit the request", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const file = join(folder.path, "key.json");
  writeFileSync(file, JSON.stringify({ ...newKey(), kid: "mine" }));
  const slash = join(folder.path, "slash.json");
  writeFileSync(slash, JSON.stringify({ ...newKey(), kid: "a/b" }));
  const cut = join(folder.path, "cut.json");
  writeFileSync(cut, JSON.stringify({ ...newKey(), kid: "mine" }).slice(0, 40));
  const truncated = await runBinary(["keys", "import", "own", cut, "--endpoint", sandbox.url]);
  assert.equal(truncated.status, 2);
  assert.match(truncated.stderr, /Cannot read the key in ".*cut\.json": it is not complete JSON/);
  for (const [line, status, message] of [
    [["import", "own", file], 400, /server answered 400(?![\s\S]*algorithms)/],
    [["create", "own", "--kid", "mine"], 400, /see which algorithms each server generates: hydra help keys\n/],
    [["create", "own", "--alg", "ES256"], 400, /see which algorithms .*: hydra help keys; all .* --alg RS256\n/],
    [["import", "own", slash], 404, /this key ID can't be used in a URL with this server version/],
    [["import", "own", slash], 301, /this key ID can't be used in a URL with this server version/],
  ] as const) {
    const headers = { "content-type": "text/plain", ...(status === 301 ? { location: "/admin/keys/own/a/b" } : {}) };
    const proxy = await openFaultProxy(sandbox.url, ({ method }) =>
      method === "GET" ? undefined : instead({ status, headers, body: `${status} page not found` }),
    );
    try {
      const ended = await runBinary(["keys", ...line, "--endpoint", proxy.url]);
      assert.equal(ended.status, 1, ended.stderr);
      assert.match(ended.stderr, message);
    } finally {
      await proxy.close();
    }
  }
});

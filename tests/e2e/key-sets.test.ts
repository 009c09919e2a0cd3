/** Key sets through the compiled program: backups, moves between servers, terminals, and rotations that go wrong. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { type Gpg, openGpg } from "../adapters/gpg.ts";
import { asJson, exchange, type Json, type Server } from "../conformance/servers.ts";
import { logIn, registerLoginClient, signedToken } from "../conformance/signed-login.ts";
import {
  BINARY,
  type Ended,
  type RunningSandbox,
  runBinary,
  start,
  startBinary,
  temporaryFolder,
  withSandbox,
} from "./binary.ts";
import { dropAfter, inOrder, instead, openFaultProxy } from "./fault-proxy.ts";
import { mostlyInThisProcess } from "./in-this-process.ts";
import { openTerminal } from "./terminal.ts";

const SET = "hydra.openid.id-token";

const Keys = v.array(v.record(v.string(), v.unknown()));

const program = mostlyInThisProcess(4);

const home = temporaryFolder();
after(() => home[Symbol.dispose]());

/** The part of a server that logins need. */
function serverOf({ url, publicUrl }: RunningSandbox, as: SandboxVersion): Server {
  const family = as.startsWith("1.") ? "v1" : "v2";
  const path = family === "v2" ? "/admin/clients" : "/clients";
  const headers = { accept: "application/json", "content-type": "application/json" };
  const ask = (method: string, at: string, body?: Json) =>
    exchange(method, `${url}${at}`, headers, body === undefined ? undefined : JSON.stringify(body));
  const none = (): never => assert.fail("not needed here");
  const compiled = (args: readonly string[]) => runBinary(args, { env: { HYDRA_ADMIN_URL: url } });
  const run = program({ url, home: home.path, run: compiled });
  return {
    url,
    publicUrl,
    path,
    family,
    takesIds: true,
    overlaps: false,
    ask,
    run,
    post: (client) => ask("POST", path, client),
    create: none,
    stored: none,
    has: none,
    track: none,
  };
}

function assertDone(ended: Ended): Ended {
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

async function storedKeys(server: Server, set = SET): Promise<readonly Json[]> {
  const { status, body } = await server.ask("GET", `${server.path.replace("clients", "keys")}/${set}`);
  return status === 200 ? v.parse(Keys, asJson(body)["keys"]) : [];
}

async function signingKey(server: Server, clientId: string): Promise<string> {
  const tokens = await logIn(server, clientId);
  assert.ok(tokens !== "failed", "the login failed");
  assert.ok(tokens.idToken.verifies);
  return tokens.idToken.kid;
}

const bareKid = (kid: string): string => kid.replace(/^(?:private|public):/, "");

describe("a set moves", () => {
  const moves = [
    ["1.8", "26"],
    ["1.11", "2.1"],
    ["2.3", "1.8"],
    ["26", "1.11"],
    ["1.8", "1.11"],
    ["2.1", "26"],
  ] as const;
  for (const [from, to] of moves)
    test(`from ${from} to ${to}, and the same key signs`, async () => {
      await using oldSandbox = await withSandbox(from);
      await using newSandbox = await withSandbox(to);
      const [oldServer, newServer] = [serverOf(oldSandbox, from), serverOf(newSandbox, to)];
      const oldClient = await registerLoginClient(oldServer);
      await signingKey(oldServer, oldClient);
      assertDone(await oldServer.run(["keys", "rotate", SET]));
      const kid = await signingKey(oldServer, oldClient);
      const session = await tokenOf(oldServer, oldClient);
      const { stdout } = assertDone(await oldServer.run(["keys", "get", SET, "--private"]));
      const ended = await runBinary(["keys", "import", SET, "-", "--replace", "--endpoint", newServer.url], {
        stdin: stdout,
      });
      assertDone(ended);
      const moved = await signingKey(newServer, await registerLoginClient(newServer));
      const isNamed = newServer.family === "v1" || oldServer.family === "v1";
      assert.equal(moved, isNamed ? `public:${bareKid(kid)}` : kid);
      assert.deepEqual(
        new Set((await storedKeys(newServer)).map((key) => bareKid(String(key["kid"])))),
        new Set((await storedKeys(oldServer)).map((key) => bareKid(String(key["kid"])))),
      );
      // Tokens of the old server verify at the new one, unless that is a Hydra 1.x and cannot have their key ID.
      const verifies = (await signedToken(newServer, session))?.verifies;
      assert.equal(verifies, oldServer.family === "v1" || newServer.family === "v2");
      if (verifies === false) assert.match(ended.stderr, /Hydra 1\.x names keys public:KID/);
    });
});

async function tokenOf(server: Server, clientId: string): Promise<string> {
  const tokens = await logIn(server, clientId);
  assert.ok(tokens !== "failed");
  return tokens.rawIdToken;
}

describe("a backup", () => {
  let gpg: Gpg;
  let sandbox: RunningSandbox;
  before(async () => {
    gpg = openGpg();
    gpg.quick("ops@example.org", "future-default");
    sandbox = await withSandbox("26");
  });
  after(async () => {
    gpg.close();
    await sandbox.stop();
  });

  test("is encrypted as a whole, and restored by gpg and import", async () => {
    using own = temporaryFolder();
    const server = serverOf(sandbox, "26");
    const clientId = await registerLoginClient(server);
    await signingKey(server, clientId);
    assertDone(await server.run(["keys", "rotate", SET]));
    const kid = await signingKey(server, clientId);
    const before = await storedKeys(server);
    const asc = join(own.path, "ops.asc");
    writeFileSync(asc, gpg.exported("ops@example.org").armored);
    const ended = assertDone(await server.run(["keys", "get", SET, "--pgp-key", `@${asc}`]));
    assert.match(ended.stdout, /^-----BEGIN PGP MESSAGE-----\n[\s\S]*-----END PGP MESSAGE-----\n$/);
    const file = join(own.path, "backup.asc");
    const written = await server.run(["get", "jwk", SET, "--pgp-key", `@${asc}`, "--out", file, "--format", "json"]);
    assertDone(written);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    for (const part of before.flatMap(({ d, p, q }) => [d, p, q]))
      assert.ok(typeof part === "string" && !`${written.stdout}${written.stderr}${ended.stderr}`.includes(part));
    for (const message of [ended.stdout, readFileSync(file, "utf8")]) {
      const plain = gpg.decrypt(message);
      assert.deepEqual(asJson(JSON.parse(plain))["keys"], before);
      assertDone(await server.run(["keys", "delete", SET, "--yes"]));
      const args = ["keys", "import", SET, "-", "--replace", "--endpoint", sandbox.url];
      assertDone(await runBinary(args, { stdin: plain }));
      assert.deepEqual(await storedKeys(server), before);
      assert.equal(await signingKey(server, clientId), kid);
    }
  });

  test("of a new key is encrypted too, and nothing is created for a recipient that cannot be used", async () => {
    using own = temporaryFolder();
    const server = serverOf(sandbox, "26");
    const asc = join(own.path, "ops.asc");
    writeFileSync(asc, gpg.exported("ops@example.org").armored);
    const ended = assertDone(await server.run(["keys", "create", "own", "--alg", "ES256", "--pgp-key", `@${asc}`]));
    assert.deepEqual(asJson(JSON.parse(gpg.decrypt(ended.stdout)))["keys"], await storedKeys(server, "own"));
    const refused = await server.run([
      "keys",
      "create",
      "none",
      "--pgp-key",
      `@${asc}`,
      "--pgp-fingerprint",
      "0".repeat(40),
    ]);
    assert.equal(refused.status, 7, refused.stderr);
    assert.deepEqual(await storedKeys(server, "none"), []);
    const json = assertDone(await server.run(["keys", "get", "own", "--pgp-key", `@${asc}`, "--format", "json"]));
    const message = v.parse(v.looseObject({ encrypted_keys: v.string() }), JSON.parse(json.stdout)).encrypted_keys;
    assert.deepEqual(asJson(JSON.parse(gpg.decrypt(message)))["keys"], await storedKeys(server, "own"));
    const plain = assertDone(
      await server.run(["keys", "get", "own", "--pgp-key", `@${asc}`, "--encrypted-format", "base64"]),
    );
    assert.deepEqual(
      asJson(JSON.parse(gpg.decrypt(Buffer.from(plain.stdout, "base64"))))["keys"],
      await storedKeys(server, "own"),
    );
  });

  test("is written in every format, also in those that have no place for it", async () => {
    using own = temporaryFolder();
    const server = serverOf(sandbox, "26");
    const asc = join(own.path, "ops.asc");
    writeFileSync(asc, gpg.exported("ops@example.org").armored);
    assertDone(await server.run(["keys", "create", "formats", "--alg", "ES256"]));
    for (const format of ["table", "csv", "markdown", "id", "text", "pem", "raw=set", "raw=encrypted_keys"]) {
      const args = ["keys", "rotate", "formats", "--publish", "--pgp-key", `@${asc}`, "--format", format];
      const { stdout } = assertDone(await server.run(args));
      assert.match(stdout, /^-----BEGIN PGP MESSAGE-----\n[\s\S]*-----END PGP MESSAGE-----\n+$/, format);
    }
    for (const format of ["json", "ndjson", "jsonpointer=/encrypted_keys"]) {
      const { stdout } = assertDone(
        await server.run(["keys", "get", "formats", "--pgp-key", `@${asc}`, "--format", format]),
      );
      assert.match(stdout, /^[{"].*BEGIN PGP MESSAGE/, format);
    }
  });

  test("of the next key waits encrypted between publication and activation", async () => {
    using own = temporaryFolder();
    const server = serverOf(sandbox, "26");
    const clientId = await registerLoginClient(server);
    const old = await signingKey(server, clientId);
    const asc = join(own.path, "ops.asc");
    writeFileSync(asc, gpg.exported("ops@example.org").armored);
    const published = assertDone(await server.run(["rotate", "jwk", SET, "--publish", "--pgp-key", `@${asc}`]));
    assert.equal(await signingKey(server, clientId), old);
    const plain = gpg.decrypt(published.stdout);
    const args = ["rotate", "jwk", SET, "--activate", "--key", "-", "--endpoint", sandbox.url];
    const ended = assertDone(await runBinary(args, { stdin: plain }));
    const [next = {}] = v.parse(Keys, asJson(JSON.parse(plain))["keys"]);
    assert.equal(await signingKey(server, clientId), next["kid"]);
    assert.ok(!ended.stderr.includes(String(next["d"])) && !ended.stdout.includes(String(next["d"])));
  });
});

/**
 * Publishes the key with the ID `next` as --publish does, and writes its private half to a file: a command would generate a
 * key of 4096 bits, which takes a second.
 */
async function publishNext(server: Server, file: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const about = { kid: "next", alg: "RS256", use: "sig" };
  writeFileSync(file, JSON.stringify({ ...privateKey.export({ format: "jwk" }), ...about }), { mode: 0o600 });
  // The last key of a list becomes the newest.
  const keys = [{ ...publicKey.export({ format: "jwk" }), ...about }, ...(await storedKeys(server)).toReversed()];
  assert.equal((await server.ask("PUT", `/admin/keys/${SET}`, { keys })).status, 200);
}

describe("a rotation that goes wrong", () => {
  test("is undone if another key signs, which a login detects", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    const clientId = await registerLoginClient(server);
    const old = await signingKey(server, clientId);
    using folder = temporaryFolder();
    const file = join(folder.path, "next.json");
    await publishNext(server, file);
    const before = await storedKeys(server);
    let isSwallowed = false;
    // The server says that it has stored the private key, and has not.
    const proxy = await openFaultProxy(sandbox.url, ({ method, target, body }) => {
      if (method !== "PUT" || !target.includes("/keys/") || isSwallowed) return undefined;
      isSwallowed = true;
      return instead({ status: 200, headers: { "content-type": "application/json" }, body });
    });
    try {
      const args = ["keys", "rotate", SET, "--activate", "--key", file, "--public-url", sandbox.publicUrl];
      const ended = await runBinary([...args, "--endpoint", proxy.url]);
      assert.equal(ended.status, 1, ended.stderr);
      assert.match(
        ended.stderr,
        new RegExp(
          `the login was signed with key "[^"]+" instead of "[^"]+"; the change was undone, and key "${old}" signs\n`,
        ),
      );
      assert.equal(await signingKey(server, clientId), old);
      assert.deepEqual(await storedKeys(server), before);
      const { body } = await server.ask("GET", "/admin/clients");
      assert.equal(v.parse(Keys, body).length, 1, "the temporary client is still there");
    } finally {
      await proxy.close();
    }
  });

  test("is undone if another instance rotates at the same time: the key is published as before", async () => {
    await using sandbox = await withSandbox("2.3");
    const server = serverOf(sandbox, "2.3");
    await signingKey(server, await registerLoginClient(server));
    using folder = temporaryFolder();
    const file = join(folder.path, "next.json");
    await publishNext(server, file);
    let isDone = false;
    const proxy = await openFaultProxy(sandbox.url, ({ method, target }) => {
      if (method !== "PUT" || !target.includes("/keys/") || isDone) return undefined;
      isDone = true;
      return async ({ pass, reply }) => {
        const answer = await pass();
        await server.ask("POST", `/admin/keys/${SET}`, { alg: "RS256", kid: "other", use: "sig" });
        reply(answer);
      };
    });
    try {
      const args = ["keys", "rotate", SET, "--activate", "--key", file, "--public-url", sandbox.publicUrl];
      const ended = await runBinary([...args, "--endpoint", proxy.url]);
      assert.equal(ended.status, 1, ended.stderr);
      assert.match(ended.stderr, /signed with key "other" instead of "next"; the change was undone/);
      assert.match(ended.stderr, /^Hint: someone else changed the key set meanwhile: run the command again/m);
      const [next] = (await storedKeys(server)).filter(({ kid }) => kid === "next");
      assert.ok(next !== undefined && next["d"] === undefined, "the private key is still there");
    } finally {
      await proxy.close();
    }
  });

  test("changes nothing if another key has got the same ID meanwhile", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    await signingKey(server, await registerLoginClient(server));
    for (const kid of ["second", "third"]) assertDone(await server.run(["keys", "rotate", SET, "--kid", kid]));
    const other = assertDone(await server.run(["keys", "create", "others", "--kid", "second", "--private"]));
    const [key] = v.parse(Keys, asJson(JSON.parse(other.stdout))["keys"] ?? [asJson(JSON.parse(other.stdout))]);
    let reads = 0;
    const proxy = await openFaultProxy(sandbox.url, ({ method, target }) => {
      if (method !== "GET" || !target.endsWith(`/keys/${SET}`) || ++reads !== 2) return undefined;
      return async ({ pass, reply }) => {
        const keys = (await storedKeys(server)).map((stored) => (stored["kid"] === "second" ? key : stored));
        // The last key of a list becomes the newest.
        await server.ask("PUT", `/admin/keys/${SET}`, { keys: keys.toReversed() });
        reply(await pass());
      };
    });
    try {
      const ended = await runBinary(["keys", "rotate", SET, "--retire", "second", "--endpoint", proxy.url]);
      assert.equal(ended.status, 5, ended.stderr);
      assert.match(ended.stderr, /was changed by someone else meanwhile, so this step changed nothing/);
      assert.ok((await storedKeys(server)).some(({ n }) => n === key?.["n"]));
    } finally {
      await proxy.close();
    }
  });

  test("puts a retired key back in its place if another key signs afterwards", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    await signingKey(server, await registerLoginClient(server));
    for (const kid of ["second", "third", "fourth"])
      assertDone(await server.run(["keys", "rotate", SET, "--kid", kid]));
    const before = await storedKeys(server);
    let isDone = false;
    const proxy = await openFaultProxy(sandbox.url, ({ method, target }) => {
      if (method !== "DELETE" || !target.includes("/keys/") || isDone) return undefined;
      isDone = true;
      return async ({ pass, reply }) => {
        const answer = await pass();
        await server.ask("POST", `/admin/keys/${SET}`, { alg: "RS256", kid: "other", use: "sig" });
        reply(answer);
      };
    });
    try {
      const args = ["keys", "rotate", SET, "--retire", "third", "--public-url", sandbox.publicUrl];
      const ended = await runBinary([...args, "--endpoint", proxy.url]);
      assert.equal(ended.status, 1, ended.stderr);
      assert.match(ended.stderr, /signed with key "other" instead of "fourth"; the change was undone/);
      const [other, ...rest] = await storedKeys(server);
      assert.equal(other?.["kid"], "other");
      assert.deepEqual(rest, before);
    } finally {
      await proxy.close();
    }
  });

  test("is undone in one step if the login fails", async () => {
    await using sandbox = await withSandbox("1.11");
    const server = serverOf(sandbox, "1.11");
    const clientId = await registerLoginClient(server);
    const old = await signingKey(server, clientId);
    const before = await storedKeys(server);
    let isCreated = false;
    // Another instance writes a public key into the set at the same time.
    const proxy = await openFaultProxy(sandbox.url, ({ method, target }) => {
      if (method !== "POST" || !target.includes("/keys/") || isCreated) return undefined;
      isCreated = true;
      return async ({ pass, reply }) => {
        const answer = await pass();
        const keys = await storedKeys(server);
        const stray = { kty: "RSA", n: before[0]?.["n"], e: "AQAB", kid: "public:stray", use: "sig", alg: "RS256" };
        await server.ask("PUT", `/keys/${SET}`, { keys: [...keys.toReversed(), stray] });
        reply(answer);
      };
    });
    try {
      const ended = await runBinary([
        "keys",
        "rotate",
        SET,
        "--public-url",
        sandbox.publicUrl,
        "--endpoint",
        proxy.url,
      ]);
      assert.equal(ended.status, 1, ended.stderr);
      assert.match(ended.stderr, /the login failed: .*; the change was undone/);
      assertDone(await server.run(["keys", "delete", SET, "--kid", "public:stray"]));
      assert.equal(await signingKey(server, clientId), old);
    } finally {
      await proxy.close();
    }
  });

  test("changes nothing if the proof cannot work, and removes a key that could not be delivered", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    const clientId = await registerLoginClient(server);
    await signingKey(server, clientId);
    const before = await storedKeys(server);
    const wrong = await server.run(["keys", "rotate", SET, "--public-url", "http://127.0.0.1:9"]);
    assert.equal(wrong.status, 6, wrong.stderr);
    assert.match(wrong.stderr, /so nothing was changed: /);
    assert.deepEqual(await storedKeys(server), before);
    const full = await runBinary(["keys", "rotate", SET, "--publish", "--key-out", "fd:9", "--endpoint", sandbox.url]);
    assert.equal(full.status, 2, full.stderr);
    assert.deepEqual(await storedKeys(server), before);
    const none = await server.run(["keys", "rotate", SET, "--publish"]);
    assert.equal(none.status, 2);
    assert.match(none.stderr, /--publish has no destination for the private key/);
    const both = await server.run(["keys", "rotate", SET, "--publish", "--activate"]);
    assert.match(both.stderr, /Steps --publish and --activate cannot be used together/);
    assert.equal(both.status, 2);
    assert.deepEqual(await storedKeys(server), before);
  });

  test("rejects a key to activate that is not published", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    using folder = temporaryFolder();
    execFileSync("openssl", ["genpkey", "-algorithm", "RSA", "-out", join(folder.path, "key.pem")], { stdio: "pipe" });
    const before = await storedKeys(server);
    const ended = await server.run(["keys", "rotate", SET, "--activate", "--key", join(folder.path, "key.pem")]);
    assert.equal(ended.status, 2);
    assert.match(ended.stderr, /it is not published in key set/);
    assert.deepEqual(await storedKeys(server), before);
  });
});

describe("on a terminal", () => {
  test("private keys are shown after a yes only", async () => {
    await using sandbox = await withSandbox("26");
    assertDone(await runBinary(["keys", "create", "own", "--alg", "ES256", "--endpoint", sandbox.url]));
    for (const [answer, isShown] of [
      ["n", false],
      ["y", true],
    ] as const) {
      await using terminal = await openTerminal(["keys", "get", "own", "--private", "--endpoint", sandbox.url], {
        columns: 200,
      });
      await terminal.seen(/Show private keys on this terminal\? \[y\/N\]/);
      terminal.type(answer, "Enter");
      assert.equal(await terminal.ended(), isShown ? 0 : 1);
      assert.equal(/"d":/.test(terminal.written()), isShown);
    }
    await using terminal = await openTerminal(["keys", "get", "own", "--private", "--yes", "--endpoint", sandbox.url]);
    assert.equal(await terminal.ended(), 0);
    assert.match(terminal.written(), /"d":/);
  });

  test("the passphrase of a key is asked for and not shown", async () => {
    await using sandbox = await withSandbox("26");
    using folder = temporaryFolder();
    const file = join(folder.path, "key.pem");
    const make = ["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:hidden-words", "-out", file];
    execFileSync("openssl", make, { stdio: "pipe" });
    const args = ["keys", "import", "own", file, "--endpoint", sandbox.url];
    await using terminal = await openTerminal(args, { columns: 200 });
    await terminal.seen(/Passphrase for ".*key\.pem": /);
    terminal.type("hidden-words", "Enter");
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.ok(!terminal.written().includes("hidden"));
    const alone = await runBinary(args);
    assert.equal(alone.status, 2);
    assert.match(alone.stderr, /is encrypted, and there is no passphrase\nHint: add --passphrase-file FILE/);
    writeFileSync(join(folder.path, "pass"), "hidden-words\n");
    assertDone(await runBinary([...args, "--passphrase-file", join(folder.path, "pass")]));
    writeFileSync(join(folder.path, "pass"), "wrong-words\n");
    const wrong = await runBinary([...args, "--passphrase-file", join(folder.path, "pass")]);
    assert.equal(wrong.status, 2);
    assert.ok(!wrong.stderr.includes("wrong-words"));
  });

  test("a rotation names the sessions that break before it asks", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    const clientId = await registerLoginClient(server);
    const old = await signingKey(server, clientId);
    await using terminal = await openTerminal(["keys", "rotate", SET, "--endpoint", sandbox.url], { columns: 300 });
    const screen = await terminal.seen(/signs immediately\? \[y\/N\]/);
    assert.match(screen, /sessions that began before keep the old key's ID.*ory\/hydra#3573/);
    terminal.type("n", "Enter");
    assert.equal(await terminal.ended(), 1);
    assert.equal(await signingKey(server, clientId), old);
  });
});

describe("a key that was moved from Hydra 1.x", () => {
  const ecKey = (kid: string): Json => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return { ...asJson(privateKey.export({ format: "jwk" })), kid, alg: "ES256", use: "sig" };
  };

  test("is deleted by its ID there, unless another key has that ID", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    const kids = async (): Promise<readonly unknown[]> => (await storedKeys(server, "moved")).map((key) => key["kid"]);
    const put = (...keys: readonly Json[]) => server.ask("PUT", "/admin/keys/moved", { keys });
    await put(ecKey("other"), ecKey("public:X"));
    assertDone(await server.run(["keys", "delete", "moved", "--kid", "X"]));
    assert.deepEqual(await kids(), ["other"]);
    await put(ecKey("public:X"), ecKey("X"));
    assertDone(await server.run(["keys", "delete", "moved", "--kid", "X"]));
    assert.deepEqual(await kids(), ["public:X"]);
    assert.equal((await server.run(["keys", "delete", "moved", "--kid", "Y"])).status, 4);
  });

  for (const named of ["X", "private:X", "public:X"])
    test(`is retired as ${named}`, async () => {
      await using sandbox = await withSandbox("26");
      const server = serverOf(sandbox, "26");
      const [key] = await storedKeys(server);
      await server.ask("PUT", `/admin/keys/${SET}`, { keys: [{ ...key, kid: "public:X" }] });
      assertDone(await server.run(["keys", "rotate", SET, "--kid", "next"]));
      const ended = assertDone(await server.run(["keys", "rotate", SET, "--retire", named]));
      assert.match(ended.stdout, /public:X/);
      assert.deepEqual(
        (await storedKeys(server)).map((key) => key["kid"]),
        ["next"],
      );
    });
});

test("a step changes nothing once someone else has changed the set that was checked", async () => {
  await using sandbox = await withSandbox("26");
  const server = serverOf(sandbox, "26");
  const [first] = await storedKeys(server);
  assertDone(await server.run(["keys", "rotate", SET]));
  const both = await storedKeys(server);
  let isRead = false;
  const proxy = await openFaultProxy(sandbox.url, ({ method, target }) => {
    if (method !== "GET" || !target.includes("/keys/") || isRead) return undefined;
    isRead = true;
    return async (exchange) => {
      const read = await exchange.pass();
      // Now no other private key is left.
      await server.ask("PUT", `/admin/keys/${SET}`, { keys: [first ?? {}] });
      exchange.reply(read);
    };
  });
  try {
    const args = ["keys", "rotate", SET, "--retire", String(first?.["kid"]), "--endpoint", proxy.url];
    const ended = await runBinary(args);
    assert.equal(ended.status, 5, ended.stderr);
    assert.match(ended.stderr, /was changed by someone else meanwhile, so this step changed nothing\n/);
    assert.deepEqual(await storedKeys(server), [first]);
    assert.equal(both.length, 2);
  } finally {
    await proxy.close();
  }
});

describe("an answer that is lost", () => {
  test("creates no second key, and a chosen ID is a conflict", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    for (const [set, more, status] of [
      ["generated", [], 0],
      ["chosen", ["mine"], 5],
    ] as const) {
      const proxy = await openFaultProxy(sandbox.url, inOrder(dropAfter));
      try {
        const args = ["keys", "create", set, ...more, "--alg", "ES256", "--format", "json", "--endpoint", proxy.url];
        const ended = await runBinary(args);
        assert.equal(ended.status, status, ended.stderr);
        const mayBeMade =
          /whose response was lost, may have made the change.*look at the set first: hydra keys get chosen/;
        if (status === 5) assert.match(ended.stderr, mayBeMade);
        const [stored, ...others] = await storedKeys(server, set);
        assert.deepEqual(others, []);
        if (status === 0) assert.ok(ended.stdout.includes(String(stored?.["kid"])));
      } finally {
        await proxy.close();
      }
    }
  });

  test("of a published key whose private half reaches nobody removes it again", async () => {
    await using sandbox = await withSandbox("26");
    const server = serverOf(sandbox, "26");
    assertDone(await server.run(["keys", "create", "own", "--alg", "ES256"]));
    const before = await storedKeys(server, "own");
    using folder = temporaryFolder();
    const gpg = openGpg();
    try {
      gpg.quick("ops@example.org", "future-default");
      writeFileSync(join(folder.path, "ops.asc"), gpg.exported("ops@example.org").armored);
    } finally {
      gpg.close();
    }
    const line = '"$HYDRA" keys rotate own --publish --alg ES256 --pgp-key @ops.asc > /dev/full';
    const env = { HYDRA: BINARY, HYDRA_ADMIN_URL: sandbox.url };
    const ended = await start("sh", ["-c", line], { env, cwd: folder.path }).ended;
    assert.equal(ended.status, 1, ended.stderr);
    assert.match(ended.stderr, /Cannot deliver the private key: .*; the public key was removed again/);
    assert.deepEqual(await storedKeys(server, "own"), before);
  });
});

test("the key of Hydra 1.x's own TLS certificate is protected too", async () => {
  await using sandbox = await withSandbox("1.8");
  const server = serverOf(sandbox, "1.8");
  const set = "hydra.https-tls";
  assertDone(await server.run(["keys", "create", set]));
  const ended = await server.run(["keys", "delete", set]);
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /the server presents another TLS certificate after its next start/);
  assert.equal((await storedKeys(server, set)).length, 2);
  assertDone(await server.run(["keys", "delete", set, "--yes"]));
  assert.deepEqual(await storedKeys(server, set), []);
});

test("no message shows a private key or a passphrase, not even of a server that repeats the request", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const file = join(folder.path, "key.json");
  execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", join(folder.path, "key.pem")], {
    stdio: "pipe",
  });
  assertDone(await runBinary(["keys", "import", "own", join(folder.path, "key.pem"), "--endpoint", sandbox.url]));
  writeFileSync(
    file,
    assertDone(await runBinary(["keys", "get", "own", "--private", "--endpoint", sandbox.url])).stdout,
  );
  const { d } = v.parse(Keys, asJson(JSON.parse(readFileSync(file, "utf8")))["keys"])[0] ?? {};
  assert.ok(typeof d === "string");
  const proxy = await openFaultProxy(sandbox.url, ({ method, body }) =>
    method === "PUT"
      ? instead({
          status: 400,
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ error: "invalid", error_description: `rejected: ${body}` }),
        })
      : undefined,
  );
  try {
    for (const more of [[], ["--replace"]]) {
      const ended = await runBinary(["keys", "import", "own", file, "-v", ...more, "--endpoint", proxy.url]);
      assert.equal(ended.status, 1);
      assert.ok(!ended.stderr.includes(d), ended.stderr);
      assert.match(ended.stderr, /\(redacted\)/);
    }
  } finally {
    await proxy.close();
  }
  await using program = startBinary(["keys", "get", "own", "--endpoint", sandbox.url]);
  assert.ok(!(await program.ended).stdout.includes(d));
});

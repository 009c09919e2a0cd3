/** What the guard of the keys that sign says, and what it leaves alone. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { type Ended, runBinary, temporaryFolder, withSandbox } from "./binary.ts";

const SET = "hydra.openid.id-token";

function rsaFile(folder: string, bits: number): string {
  const file = join(folder, `${bits}.pem`);
  execFileSync("openssl", ["genrsa", "-out", file, String(bits)], { stdio: "pipe" });
  return file;
}

/** Runs commands about keys against a new sandbox. */
async function withKeys(
  as: SandboxVersion,
  work: (keys: (...args: readonly string[]) => Promise<Ended>, folder: string) => Promise<void>,
): Promise<void> {
  await using sandbox = await withSandbox(as);
  using folder = temporaryFolder();
  await work((...args) => runBinary(["keys", ...args, "--endpoint", sandbox.url]), folder.path);
}

function assertDone(ended: Ended): Ended {
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

describe("the messages about the keys that sign", () => {
  for (const as of ["1.11", "26"] as const) {
    test(`name the older key that signs after a deletion (${as})`, () =>
      withKeys(as, async (keys) => {
        assertDone(await keys("rotate", SET, "--kid", "first"));
        assertDone(await keys("rotate", SET, "--kid", "second"));
        const [first, second] = as === "26" ? ["first", "second"] : ["public:first", "public:second"];
        const rejected = await keys("delete", SET, "--kid", "second");
        assert.equal(rejected.status, 2);
        const reason = `key "${second}" signs, and tokens that it signed can no longer be verified`;
        assert.ok(rejected.stderr.includes(reason), rejected.stderr);
        const { stderr } = assertDone(await keys("delete", SET, "--kid", "second", "--yes"));
        assert.ok(stderr.includes(`the older key "${first}" signs immediately: `), stderr);
        assert.ok(!stderr.includes("a new key"), stderr);
      }));

    test(`do not point from keys rotate to keys rotate (${as})`, () =>
      withKeys(as, async (keys) => {
        const { status, stderr } = await keys("rotate", SET, "--alg", "ES512");
        assert.equal(status, 2);
        assert.match(stderr, /^Hint: (?:keep the algorithm of the set, RS256|use a private key for RS256); --yes/m);
        assert.ok(!stderr.includes("see hydra keys rotate"), stderr);
      }));

    test(`name the variable that asks for a proof which cannot work (${as})`, async () => {
      await using sandbox = await withSandbox(as);
      const env = { HYDRA_ADMIN_URL: sandbox.url, HYDRA_PUBLIC_URL: sandbox.publicUrl };
      assertDone(await runBinary(["keys", "create", SET, "--use", "enc", "--yes"], { env }));
      const { status, stderr } = await runBinary(["keys", "rotate", SET], { env });
      assert.equal(status, 1);
      assert.match(stderr, /so nothing was changed: .*no published key fits it/);
      assert.match(stderr, /; without environment variable HYDRA_PUBLIC_URL, the step is not proved$/m);
      assert.ok(!stderr.includes("log in again"), stderr);
      assertDone(await runBinary(["keys", "rotate", SET], { env: { HYDRA_ADMIN_URL: sandbox.url } }));
    });

    test(`name the lost keys of a moved set, and reject another key (${as})`, () =>
      withKeys(as, async (keys, folder) => {
        assertDone(await keys("rotate", SET, "--kid", "old"));
        const old = as === "26" ? "old" : "public:old";
        const file = rsaFile(folder, 2048);
        const rejected = await keys("import", SET, file, "--replace");
        assert.equal(rejected.status, 2);
        assert.ok(rejected.stderr.includes(`key "${old}" signs, and tokens that it signed`), rejected.stderr);
        assertDone(await keys("import", "other", file, "--kid", "moved"));
        const { stdout } = assertDone(await keys("get", "other", "--private"));
        await withKeys(as, async (here) => {
          assertDone(await here("rotate", SET, "--kid", "old"));
          const moved = join(folder, "moved.json");
          execFileSync("sh", ["-c", 'cat > "$1"', "sh", moved], { input: stdout });
          const { stderr } = assertDone(await here("import", SET, moved, "--replace"));
          assert.match(stderr, new RegExp(`tokens signed with key .*"${old}".* can no longer be verified`));
        });
      }));

    test(`warn of short RSA keys in sets that nothing is signed with (${as})`, () =>
      withKeys(as, async (keys, folder) => {
        const short = assertDone(await keys("import", "own", rsaFile(folder, 1024), "--kid", "short"));
        assert.match(short.stderr, /"(?:public:)?short" of key set "own" has 1024 bits; RSA keys need 2048 or more/);
        assert.ok(!assertDone(await keys("import", "own", rsaFile(folder, 2048))).stderr.includes("bits"));
      }));
  }

  test("cover every change of the key of Hydra 1.x's TLS certificate", () =>
    withKeys("1.11", async (keys, folder) => {
      const set = "hydra.https-tls";
      assertDone(await keys("create", set, "first"));
      const file = rsaFile(folder, 2048);
      for (const args of [
        ["create", set],
        ["rotate", set],
        ["import", set, file],
        ["import", set, file, "--replace"],
        ["delete", set, "--kid", "first"],
      ]) {
        const { status, stderr } = await keys(...args);
        assert.equal(status, 2, `${args}: ${stderr}`);
        assert.match(stderr, /the server presents another TLS certificate after its next start/);
      }
      assert.match(assertDone(await keys("rotate", set, "--yes")).stderr, /another TLS certificate/);
      assertDone(await keys("delete", set, "--kid", "first"));
    }));
});

test("the use and the algorithm of an imported key fit each other", async () => {
  await using sandbox = await withSandbox("26");
  using folder = temporaryFolder();
  const file = (name: string, make: string): string => {
    execFileSync("openssl", [...make.split(" "), "-out", join(folder.path, name)], { stdio: "pipe" });
    return join(folder.path, name);
  };
  const rsa = rsaFile(folder.path, 2048);
  const ec = file("ec.pem", "ecparam -name prime256v1 -genkey -noout");
  const ed = file("ed.pem", "genpkey -algorithm ed25519");
  const run = (...args: readonly string[]): Promise<Ended> =>
    runBinary(["keys", "import", "own", ...args, "--replace", "--format", "json", "--endpoint", sandbox.url]);
  for (const [args, alg, use] of [
    [[rsa], "RS256", "sig"],
    [[rsa, "--use", "enc"], "RSA-OAEP", "enc"],
    [[rsa, "--alg", "RSA-OAEP-256"], "RSA-OAEP-256", "enc"],
    [[ec, "--use", "enc"], "ECDH-ES", "enc"],
    [[ed], "EdDSA", "sig"],
  ] as const) {
    const { stdout } = assertDone(await run(...args));
    assert.ok(stdout.includes(`"alg":"${alg}"`) && stdout.includes(`"use":"${use}"`), `${args}: ${stdout}`);
  }
  for (const [args, message] of [
    [[ec, "--alg", "ES256", "--use", "enc"], /The algorithm ES256 .* contradicts its use, enc/],
    [[rsa, "--alg", "RSA-OAEP", "--use", "sig"], /The algorithm RSA-OAEP .* contradicts its use, sig/],
    [[ed, "--use", "enc"], /--use enc does not fit the key .*: no algorithm of OKP Ed25519 keys is for encryption/],
  ] as const) {
    const { status, stderr } = await run(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, message);
  }
});

test("flags of other versions and negative durations get a hint that fits", async () => {
  for (const [args, hint] of [
    [["keys", "import", "own", "key.pem", "--default-key-id", "mine"], "did you mean --kid?"],
    [["token", "flush", "--min-age", "-1h"], "write it without the minus sign"],
    [["token", "user", "--timeout", "-1s"], "write 0 for no limit"],
    [["clients", "list", "--fail-after", "-1s"], "write 0 for a single try"],
  ] as const) {
    const { status, stderr } = await runBinary(args, { env: { HYDRA_ADMIN_URL: "http://127.0.0.1:9" } });
    assert.equal(status, 2);
    assert.ok(stderr.includes(`Hint: ${hint}\n`), stderr);
  }
});

/** The programs for arm64, run by QEMU in the root folders that `.ci/run --all` creates. */

import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import { TARGETS } from "../../.ci/release/targets.ts";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { type Gpg, openGpg } from "../adapters/gpg.ts";
import { copyRoot, place, type Root, type RootOptions } from "../e2e/bare-root.ts";
import { type Ended, runBinary } from "../e2e/binary.ts";
import { instead, openFaultProxy } from "../e2e/fault-proxy.ts";
import { assertExit, assertFails, describeRun, printed, printedEncrypted, SEED, SLOW } from "../e2e/scenario.ts";
import { makeCertificates } from "../e2e/tls.ts";
import { IMAGES, ROOT } from "./tools.ts";

const ROOTS = process.env["TEST_ARM64_ROOTS"] ?? assert.fail("TEST_ARM64_ROOTS is not set; .ci/run --all creates them");

/** The machine of an ELF file for arm64 (EM_AARCH64). */
const AARCH64 = 183;

const IMPORTED = v.array(v.object({ client_id: v.string(), client_secret: v.string() }));

const targets = TARGETS.filter(({ name }) => name.startsWith("linux-arm64"));

assert.equal(targets.length, 2);

for (const { name, image = "" } of targets) {
  describe(`the program for ${name}`, () => {
    const root: Root = copyRoot(resolve(ROOT, ROOTS, name), "/usr/bin/qemu-aarch64-static");
    const certificates = makeCertificates();
    let gpg: Gpg;
    let sandbox: Sandbox;
    let secure: Sandbox;
    before(async () => {
      gpg = openGpg();
      sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
      secure = await startSandbox({ as: "26", listen: "127.0.0.1:0", tls: certificates.good });
    });
    after(async () => {
      root[Symbol.dispose]();
      gpg.close();
      await sandbox.close();
      await secure.close();
    });

    /** Runs the program to its end, with a /tmp, and with the sandbox of this machine unless another URL is given. */
    function run(args: readonly string[], env: RootOptions["env"] = {}): Promise<Ended> {
      return root.start(args, { env: { HYDRA_ADMIN_URL: sandbox.url, ...env }, tmp: 1 << 20 }).ended;
    }

    /** Creates a client, and checks that the server has the secret that was printed. */
    async function create(...flags: readonly string[]): Promise<{ readonly id: string; readonly secret: string }> {
      const ended = await run([...SEED, ...flags]);
      assertExit(ended, 0);
      const client = printed(ended);
      assert.equal(sandbox.secretOf(client.id), client.secret);
      assert.equal(ended.stderr, "");
      return client;
    }

    test("is the program of the image, for arm64", SLOW, async () => {
      const program = readFileSync(join(root.path, "usr/local/bin/hydra"));
      assert.equal(program.readUInt16LE(18), AARCH64);
      assert.ok(program.equals(readFileSync(join(IMAGES, image, "hydra"))), "another program");
      const ended = await run(["version"]);
      assertExit(ended, 0);
      assert.match(ended.stdout, /^Version: \d/);
    });

    test("creates, lists, updates and deletes clients", SLOW, async () => {
      const { id } = await create();
      const listed = await run(["list", "oauth2-clients", "--format", "id"]);
      assertExit(listed, 0);
      assert.ok(listed.stdout.split("\n").includes(id), describeRun(listed));
      assertExit(await run(["clients", "update", id, "--name", "größer ☃"]), 0);
      const shown = await run(["clients", "get", id, "--format", "raw=client_name"]);
      assertExit(shown, 0);
      assert.equal(shown.stdout.trim(), "größer ☃");
      assertExit(await run(["clients", "delete", id]), 0);
      assert.equal(sandbox.secretOf(id), undefined);
    });

    test("encrypts secrets that GnuPG decrypts, for RSA, Curve25519 and NIST keys", SLOW, async () => {
      for (const [signing, encrypting] of [
        ["rsa3072", "rsa3072"],
        ["ed25519", "cv25519"],
        ["nistp256", "nistp256"],
      ] as const) {
        const fingerprint = gpg.quick(`${encrypting}@example.com`, signing, "sign");
        gpg.addSubkey(fingerprint, encrypting, "encr");
        place(root, `${encrypting}.asc`, gpg.exported(fingerprint).armored);
        const ended = await run([...SEED, "--pgp-key", `@/${encrypting}.asc`]);
        assertExit(ended, 0);
        const { id, message } = printedEncrypted(ended);
        const secret = sandbox.secretOf(id) ?? assert.fail(describeRun(ended));
        assert.equal(gpg.decrypt(Buffer.from(message, "base64")), secret);
        assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret));
      }
    });

    test("connects by name and by https, and trusts only the authority of --ca-file", SLOW, async () => {
      place(root, "authority.pem", certificates.authority.cert);
      const { port } = new URL(secure.url);
      assertExit(await run(SEED, { HYDRA_ADMIN_URL: `http://localhost:${new URL(sandbox.url).port}` }), 0);
      for (const url of [`https://127.0.0.1:${port}`, `https://localhost:${port}`]) {
        const env = { HYDRA_ADMIN_URL: url };
        assertFails(await run([...SEED, "--fail-after", "0"], env), 6, /certificate/i);
        const ended = await run([...SEED, "--ca-file", "/authority.pem"], env);
        assertExit(ended, 0);
        const { id, secret } = printed(ended);
        assert.equal(secure.secretOf(id), secret);
      }
    });

    test("rotates a secret, and verifies the new one", SLOW, async () => {
      const { id, secret: old } = await create();
      const ended = await run(["clients", "rotate-secret", id, "--verify", "--public-url", sandbox.publicUrl ?? ""]);
      assertExit(ended, 0);
      const { secret } = printed(ended);
      assert.notEqual(secret, old);
      assert.equal(sandbox.secretOf(id), secret);
    });

    test("generates a signing key whose client gets a token", SLOW, async () => {
      const flags = ["-g", "client_credentials", "--token-endpoint-auth-method", "private_key_jwt"];
      mkdirSync(join(root.path, "keys"));
      // For the user in the root, who is another one.
      chmodSync(join(root.path, "keys"), 0o777);
      for (const algorithm of ["ES256", "RS256"]) {
        const file = `keys/${algorithm}.pem`;
        const key = ["--generate-key", algorithm, "--key-out", `/${file}`];
        const verify = ["--verify", "--public-url", sandbox.publicUrl ?? ""];
        const ended = await run(["clients", "create", ...flags, ...key, ...verify]);
        assertExit(ended, 0);
        const type = createPrivateKey(readFileSync(join(root.path, file))).asymmetricKeyType;
        assert.equal(type, algorithm === "ES256" ? "ec" : "rsa");
      }
    });

    test("imports clients from JSON lines and YAML, and reports those that fail", SLOW, async () => {
      const ids = (kind: string): readonly string[] => Array.from({ length: 20 }, (_, at) => `${kind}-${at}`);
      const files = {
        "clients.ndjson": ids("line").map((id) => `{"client_id":"${id}"}\n`),
        "clients.yaml": ids("item").map((id) => `- client_id: ${id}\n`),
      };
      for (const [file, lines] of Object.entries(files)) place(root, file, lines.join(""));
      const paths = Object.keys(files).map((file) => `/${file}`);
      const ended = await run(["clients", "import", ...paths, "--format", "json"]);
      assertExit(ended, 0);
      const expected = [...ids("line"), ...ids("item")].map((id) => ({ id, secret: sandbox.secretOf(id) }));
      assert.deepEqual(
        v.parse(IMPORTED, JSON.parse(ended.stdout)).map((made) => ({ id: made.client_id, secret: made.client_secret })),
        expected,
      );
      assertExit(await run(["clients", "import", ...paths]), 8);
    });

    test("prints the completion scripts and the help that the program of this machine prints", SLOW, async () => {
      const shells = ["bash", "zsh", "fish", "powershell"].map((shell) => ["completion", shell]);
      for (const args of [...shells, ["help"], ["clients", "create", "--help=all"]]) {
        const [ended, here] = [await run(args), await runBinary(args)];
        assertExit(ended, 0);
        assert.ok(here.stdout !== "" && ended.stdout === here.stdout, describeRun(ended));
      }
    });

    test("exits with the code of each failure", SLOW, async () => {
      const { id } = await create("--id", "exists");
      const guard = await openFaultProxy(sandbox.url, ({ method }) =>
        instead({ status: method === "POST" ? 400 : 401 }),
      );
      place(root, "missing.json", '{"client_id":"missing"}');
      try {
        for (const [args, code, error] of [
          [[...SEED, "--endpoint", guard.url, "--api", "v2"], 1, /400/],
          [["clients", "create", "--nonsense"], 2, /--nonsense/],
          [["clients", "list", "--endpoint", guard.url], 3, /401/],
          [["clients", "get", "unknown"], 4, /unknown/],
          [["clients", "create", "-g", "client_credentials", "--id", id], 5, /exists/],
          [["clients", "list", "--endpoint", "http://127.0.0.1:1", "--fail-after", "0"], 6, /127\.0\.0\.1:1/],
          [[...SEED, "--pgp-key", "bm8ga2V5"], 7, /key/],
        ] as const) {
          assertFails(await run(args), code, error);
        }
        assertExit(await run(["diff", "/missing.json", "--exit-code"]), 9);
      } finally {
        await guard.close();
      }
    });

    test("serves its own sandbox, and exits with the code of the signal that ends it", SLOW, async () => {
      await using own = root.start(["sandbox", "--listen", "127.0.0.1:0"]);
      const [, url = ""] = /^HYDRA_ADMIN_URL=(\S+)\n/.exec(await own.seen("stdout", "\n")) ?? [];
      assertExit(await run(SEED, { HYDRA_ADMIN_URL: url }), 0);
      assertExit(await runBinary(SEED, { env: { HYDRA_ADMIN_URL: url } }), 0);
      root.signal(own, "SIGTERM");
      assertExit(await own.ended, 0);

      const asked = Promise.withResolvers<void>();
      const silent = createServer(() => asked.resolve());
      await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
      try {
        const address = silent.address();
        assert.ok(address !== null && typeof address === "object");
        const env = { HYDRA_ADMIN_URL: `http://127.0.0.1:${address.port}` };
        await using running = root.start(["clients", "list"], { env });
        await Promise.race([asked.promise, running.ended.then((ended) => assert.fail(describeRun(ended)))]);
        root.signal(running, "SIGTERM");
        assertExit(await running.ended, 143);
      } finally {
        silent.closeAllConnections();
        silent.close();
      }
    });
  });
}

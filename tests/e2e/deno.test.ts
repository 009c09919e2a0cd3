/** The same source under deno: one smoke test of everything. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { openGpg } from "../adapters/gpg.ts";
import { type Ended, type Running, type RunOptions, start, temporaryFolder } from "./binary.ts";
import { cutInside, dropAfter, dropBefore, inOrder, instead, stallBefore } from "./fault-proxy.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  isStored,
  openScenario,
  printed,
  printedEncrypted,
  SEED,
  SLOW,
} from "./scenario.ts";
import { type Certificates, makeCertificates } from "./tls.ts";

const ROOT = join(import.meta.dirname, "../..");

const DENO = join(ROOT, "node_modules/.bin/deno");

describe("the source under deno", () => {
  let cache: ReturnType<typeof temporaryFolder>;
  let made: Certificates;

  before(() => {
    cache = temporaryFolder();
    made = makeCertificates();
  });

  after(() => {
    cache[Symbol.dispose]();
  });

  function startSource(args: readonly string[], options: RunOptions = {}): Running {
    const env = { DENO_DIR: cache.path, DENO_NO_UPDATE_CHECK: "1", ...options.env };
    return start(DENO, ["run", "-A", "--no-prompt", join(ROOT, "cli.ts"), ...args], { ...options, env });
  }

  const run = (args: readonly string[], options?: RunOptions): Promise<Ended> => startSource(args, options).ended;

  it("creates a client over TCP, on every version", SLOW, async () => {
    for (const as of ["1.8", "1.11", "2.1", "2.3", "26"] as const) {
      await using scenario = await openScenario(as);
      const ended = await run([...SEED, "--endpoint", scenario.url, "-H", "X-Url: http://a:1"]);
      isStored(scenario, ended);
      assert.equal(ended.stderr, "");
      assert.equal(scenario.proxy.posts()[0]?.headers["x-url"], "http://a:1");
    }
  });

  it("creates a client over a unix socket", SLOW, async () => {
    using folder = temporaryFolder();
    const listen = `unix://${join(folder.path, "hydra.sock")}`;
    const sandbox = await startSandbox({ as: "1.8", listen });
    try {
      const ended = await run([...SEED, "--endpoint", listen]);
      assertExit(ended, 0);
      assert.equal(sandbox.secretOf(printed(ended).id), printed(ended).secret);
    } finally {
      await sandbox.close();
    }
    assertFails(await run([...SEED, "--endpoint", listen, "--fail-after", "0"]), 6, /the socket does not exist/);
  });

  it("creates a client over TLS that --ca-file trusts or that isn't verified, and over no other", SLOW, async () => {
    using folder = temporaryFolder();
    const caFile = join(folder.path, "ca.pem");
    writeFileSync(caFile, made.authority.cert);
    const selfFile = join(folder.path, "self.pem");
    writeFileSync(selfFile, made.selfSigned.cert);
    const cases = [
      [made.good, ["--ca-file", caFile], undefined],
      [made.selfSigned, ["--ca-file", selfFile], undefined],
      [made.selfSigned, ["--skip-tls-verify"], undefined],
      [made.elsewhere, ["--skip-tls-verify"], undefined],
      [made.good, [], /certificate/],
      [made.selfSigned, ["--ca-file", caFile], /certificate/],
      [made.elsewhere, ["--ca-file", caFile], /certificate/],
      [made.expired, ["--ca-file", caFile], /certificate/],
    ] as const;
    for (const [identity, more, refused] of cases) {
      const tls = { key: identity.key, cert: identity.cert };
      const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0", tls });
      try {
        const ended = await run([...SEED, "--endpoint", sandbox.url, ...more]);
        if (refused === undefined) {
          assertExit(ended, 0);
          assert.equal(sandbox.secretOf(printed(ended).id), printed(ended).secret);
          assert.equal(/^Warning: .*not verified/.test(ended.stderr), more[0] === "--skip-tls-verify");
        } else {
          assertFails(ended, 6, refused);
          assert.doesNotMatch(ended.stderr, /retrying|secret/);
          assert.equal(sandbox.clients().length, 0);
        }
      } finally {
        await sandbox.close();
      }
    }
  });

  it("creates one client in spite of lost responses", SLOW, async () => {
    for (const fault of [dropBefore, dropAfter, cutInside, instead({ status: 503 })]) {
      await using scenario = await openScenario("26", inOrder(fault));
      const ended = await run([...SEED, "--endpoint", scenario.url]);
      isStored(scenario, ended);
      assert.equal(scenario.proxy.posts().length, 2);
      assert.match(ended.stderr, /^Warning: .*retrying/);
    }
  });

  it("encrypts a secret that gpg can decrypt", SLOW, async () => {
    const gpg = openGpg();
    try {
      const key = gpg.exported(gpg.quick("alice@example.com", "future-default"));
      await using scenario = await openScenario();
      const pgp = ["--pgp-key", Buffer.from(key.binary).toString("base64")];
      const ended = await run([...SEED, "--endpoint", scenario.url, ...pgp]);
      assertExit(ended, 0);
      const { id, message } = printedEncrypted(ended);
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), scenario.sandbox.secretOf(id));
    } finally {
      gpg.close();
    }
  });

  it("reads a config file and writes every kind of output", SLOW, async () => {
    await using scenario = await openScenario();
    writeFileSync(join(scenario.home, ".hydra.yaml"), `endpoint: ${scenario.url}\nformat: yaml\n`);
    const env = { HOME: scenario.home };
    const yaml = await run(SEED, { env });
    assertExit(yaml, 0);
    assert.match(yaml.stdout, /^client_name: my app$/m);
    const json = await run([...SEED, "--format", "json"], { env });
    const shown = JSON.parse(json.stdout);
    assert.equal(scenario.sandbox.secretOf(shown.client_id), shown.client_secret);
  });

  it("ends as the binary does, by status and by signal", SLOW, async () => {
    await using scenario = await openScenario("26", inOrder(stallBefore));
    assertFails(await run([...SEED, "--endpoint", scenario.url, "--nmae", "x"]), 2, /--nmae/);
    assertFails(await run([...SEED, "--endpoint", "http://127.0.0.1:1", "--fail-after", "0"]), 6, /connection refused/);
    await using running = startSource([...SEED, "--endpoint", scenario.url], { env: { HOME: scenario.home } });
    await scenario.proxy.arrived(1);
    // The wrapper of the package hands no signal on, so the runtime itself gets it.
    const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, "latin1").trim();
    process.kill(children === "" ? running.pid : Number(children.split(" ")[0]), "SIGTERM");
    const ended = await running.ended;
    assertExit(ended, 143);
    assert.equal(scenario.recoveryCopies()[0]?.record.state, "unverified", describeRun(ended));
  });
});

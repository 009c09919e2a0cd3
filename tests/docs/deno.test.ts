import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { type Ended, start, temporaryFolder } from "../e2e/binary.ts";

const ROOT = join(import.meta.dirname, "../..");

const PAGE = readFileSync(join(ROOT, "docs/deno.md"), "utf8");

const LONG = { timeout: 120_000 };

/** The shell commands of the page. */
const BLOCKS = [...PAGE.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);

/** A port that nobody listens on, below those that the system assigns when a program asks for any: those may be taken at once. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const server = createServer();
    const free = await new Promise<boolean>((settle) => {
      server.once("error", () => settle(false)).listen(port, "127.0.0.1", () => settle(true));
    });
    if (!free) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
}

/** Where `deno` is on the path, and keeps what it has compiled: only the first test needs that. */
const cache = temporaryFolder();

// The package's launcher does not forward signals, so the runtime is called directly.
symlinkSync(join(ROOT, globSync("node_modules/@deno/*/deno", { cwd: ROOT })[0] ?? ""), join(cache.path, "deno"));

after(() => cache[Symbol.dispose]());

/** Runs shell commands with the pinned `deno`, in a directory that looks like this checkout. */
async function shell(lines: string, env: Readonly<Record<string, string>> = {}, folder?: string): Promise<Ended> {
  using own = temporaryFolder();
  // Commands must not write into the checkout, so the directory only links to it.
  const prepare = 'for name in cli.ts lib node_modules package.json; do ln -sfn "$CHECKOUT/$name" "$name"; done';
  return await start("bash", ["-euo", "pipefail", "-c", `${prepare}\n${lines}`], {
    cwd: folder ?? own.path,
    timeout: 110_000,
    env: {
      PATH: `${cache.path}:${process.env["PATH"] ?? ""}`,
      CHECKOUT: ROOT,
      DENO_DIR: cache.path,
      DENO_NO_UPDATE_CHECK: "1",
      DENO_NO_PROMPT: "1",
      ...env,
    },
  }).ended;
}

describe("docs/deno.md", () => {
  it("has commands to run", () => assert.equal(BLOCKS.length, 3));

  it("shows the version, a topic and help", LONG, async () => {
    const ended = await shell(BLOCKS[0] ?? "");
    assert.equal(ended.stderr, "");
    assert.equal(ended.status, 0);
    for (const text of ["Version: source", "Output formats", "hydra clients create [flags]"]) {
      assert.ok(ended.stdout.includes(text), ended.stdout);
    }
  });

  it("starts a server and creates a client on it", LONG, async () => {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "hydra-test-"));
    try {
      const lines = (BLOCKS[1] ?? "").replaceAll(":4445", `:${port}`);
      assert.match(lines, /app\.env/);
      const ended = await shell(lines, {}, folder);
      assert.equal(ended.status, 0, ended.stderr);
      assert.match(ended.stdout, /^Ready: http:\/\/127\.0\.0\.1:\d+$/m);
      assert.match(ended.stdout, /^\| \S+ +\| my app \|/m);
      assert.match(readFileSync(join(folder, "app.env"), "utf8"), /^CLIENT_ID=\S+\nCLIENT_SECRET=\S+\n$/);
      assert.equal(statSync(join(folder, "app.env")).mode & 0o777, 0o600);
      assert.doesNotMatch(ended.stderr, /Error|NotCapable/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("uses a unix socket", LONG, async () => {
    const ended = await shell(BLOCKS[2] ?? "");
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, /^Ready: unix:\/\/\S+\/hydra\.sock$/m);
  });
});

describe("the differences in docs/deno.md", () => {
  const run = (args: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    shell(`deno run ${args}`, env);
  const CREATE = "cli.ts clients create -g client_credentials --id app";

  it("proxies are not used", LONG, async () => {
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    try {
      const ended = await run("-A cli.ts clients list --endpoint http://hydra.invalid:4445 --fail-after 0", {
        HTTP_PROXY: sandbox.url,
      });
      assert.equal(ended.status, 6);
      assert.match(ended.stderr, /cannot be resolved/);
    } finally {
      await sandbox.close();
    }
  });

  it("a closed standard output is not detected, and an inherited descriptor is rejected", LONG, async () => {
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    try {
      const env = { HYDRA_ADMIN_URL: sandbox.url };
      const refused = await run(`-A ${CREATE} --secret-out fd:3 3>out`, env);
      assert.equal(refused.status, 2, refused.stderr);
      assert.match(refused.stderr, /fd:3 is not open/);
      assert.equal(sandbox.clients().length, 0);
      const closed = await run(`-A ${CREATE} >&-`, env);
      assert.equal(closed.status, 0, closed.stderr);
      assert.equal(sandbox.clients().length, 1);
    } finally {
      await sandbox.close();
    }
  });

  it("without write permission, create warns and rotate-secret is rejected", LONG, async () => {
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    try {
      const env = { HYDRA_ADMIN_URL: sandbox.url };
      const allowed = `--no-prompt --allow-env --allow-read --allow-net=${sandbox.url.replace("http://", "")}`;
      const made = await run(`${allowed} ${CREATE}`, env);
      assert.equal(made.status, 0, made.stderr);
      assert.match(made.stderr, /^Warning: no directory is writable/);
      const secret = sandbox.secretOf("app");
      assert.equal((await run(`${allowed} cli.ts clients rotate-secret app`, env)).status, 1);
      assert.equal(sandbox.secretOf("app"), secret);
      const elsewhere = await run(
        "--no-prompt --allow-env --allow-read --allow-net=127.0.0.1:1 cli.ts clients list --fail-after 0",
        env,
      );
      assert.equal(elsewhere.status, 6);
      assert.match(elsewhere.stderr, /the connection failed/);
    } finally {
      await sandbox.close();
    }
  });

  it("https requires access to the system's certificates", LONG, async () => {
    const line = "cli.ts clients list --endpoint https://127.0.0.1:1 --fail-after 0";
    const allowed = "--no-prompt --allow-env --allow-read --allow-net=127.0.0.1:1";
    assert.match((await run(`${allowed} ${line}`)).stderr, /NotCapable/);
    assert.match((await run(`${allowed} --allow-sys=ca ${line}`)).stderr, /connection refused/);
  });
});

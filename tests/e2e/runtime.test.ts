/** Environment variables that configure the runtime, and machines that lack resources. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { RUNS_EVERYTHING } from "../thorough.ts";
import { BINARY, type Ended, runBinary, temporaryFolder } from "./binary.ts";
import { assertExit, assertFails, describeRun, openScenario, SEED, SLOW } from "./scenario.ts";
import { makeCertificates } from "./tls.ts";

const SECRET = "a-secret-nobody-may-see";

const TOKEN = "a-token-nobody-may-see";

/** What a run does that can be seen from outside. */
interface Seen {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly requests: readonly string[];
}

/** A server over TLS, and the program that creates the same client on it each time. */
interface Bench extends AsyncDisposable {
  run(env: Readonly<Record<string, string>>): Promise<Seen>;
}

async function openBench(folder: string): Promise<Bench> {
  const { authority, good } = makeCertificates();
  let requests: string[] = [];
  const server = createServer({ key: good.key, cert: good.cert }, (request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += String(part);
    });
    request.on("end", () => {
      const headers = Object.entries(request.headers).filter(([name]) => name !== "host");
      requests.push(`${request.method} ${request.url} HTTP/${request.httpVersion} ${JSON.stringify(headers)} ${body}`);
      // The time is for BUN_FEATURE_FLAG_LAST_MODIFIED_PRETEND_304.
      response.writeHead(201, { "content-type": "application/json", "last-modified": "Wed, 21 Oct 2015 07:28:00 GMT" });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const caFile = join(folder, `ca-${address.port}.pem`);
  writeFileSync(caFile, authority.cert);
  const args = [
    ...[...SEED, "--id", "app", "--secret-file", join(folder, "secret"), "--access-token-file", join(folder, "token")],
    ...["--endpoint", `https://127.0.0.1:${address.port}`, "--ca-file", caFile],
  ];
  return {
    async run(env) {
      requests = [];
      const { status, stdout, stderr } = await runBinary(args, { env });
      return { status, stdout, stderr, requests };
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The variables of Bun's own that the runtime in the program knows, without those of its families. */
function variablesOfBun(): readonly string[] {
  const names = readFileSync(BINARY, "latin1").match(/\bBUN_[A-Z][A-Z0-9_]*(?<!_)\b/g) ?? [];
  return [...new Set(names)].filter((name) => !name.startsWith("BUN_JSC_")).sort();
}

/** Variables that steer the runtime before the program's first line, as SECURITY.md says, or are refused. */
const APART: ReadonlySet<string> = new Set(["BUN_BE_BUN", "BUN_INSPECT", "BUN_OPTIONS"]);

/** Values with which a variable of Bun has its effect, where `1` is not one. */
const VALUES: readonly (readonly [name: string, value: string])[] = [
  ["BUN_CONFIG_VERBOSE_FETCH", "curl"],
  ["BUN_CONFIG_VERBOSE_FETCH", "true"],
  ["BUN_GARBAGE_COLLECTOR_LEVEL", "2"],
  ["BUN_INSPECT_CONNECT_TO", "127.0.0.1:9"],
  ["BUN_INSPECT_NOTIFY", "unix:///nowhere/x.sock"],
  ["BUN_INSPECT_PRELOAD", "/nowhere/x.js"],
  ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", "0"],
  ["BUN_INSPECT", ""],
];

const OF_NODE: readonly (readonly [name: string, value: string])[] = [
  ["NODE_CHANNEL_FD", "1"],
  ["NODE_CHANNEL_FD", "3"],
  ["NODE_CHANNEL_SERIALIZATION_MODE", "advanced"],
  ["NODE_CLUSTER_SCHED_POLICY", "rr"],
  ["NODE_COMPILE_CACHE", "cache"],
  ["NODE_COMPILE_CACHE_PORTABLE", "1"],
  ["NODE_DEBUG", "fetch,fs,http,https,net,tls"],
  ["NODE_DEBUG_NATIVE", "http"],
  ["NODE_DISABLE_COLORS", "1"],
  ["NODE_DISABLE_COMPILE_CACHE", "1"],
  ["NODE_ENV", "development"],
  ["NODE_ENV", "test"],
  ["NODE_ICU_DATA", "/nowhere"],
  ["NODE_NO_WARNINGS", "1"],
  ["NODE_OPTIONS", "--require=/nowhere/x.js --inspect"],
  ["NODE_PATH", "/nowhere"],
  ["NODE_PENDING_DEPRECATION", "1"],
  ["NODE_PRESERVE_SYMLINKS", "1"],
  ["NODE_PRESERVE_SYMLINKS_MAIN", "1"],
  ["NODE_REDIRECT_WARNINGS", "warnings"],
  ["NODE_REPL_EXTERNAL_MODULE", "/nowhere/x.js"],
  ["NODE_REPL_HISTORY", "history"],
  ["NODE_TEST_CONTEXT", "child-v8"],
  ["NODE_TEST_WORKER_ID", "1"],
  ["NODE_TLS_REJECT_UNAUTHORIZED", "0"],
  ["NODE_UNIQUE_ID", "1"],
  ["NODE_USE_ENV_PROXY", "1"],
  ["NODE_USE_SYSTEM_CA", "1"],
  ["NODE_V8_COVERAGE", "coverage"],
];

/** Inputs of the system: this machine is asked directly and its certificate comes from --ca-file, whatever they say. */
const OF_SYSTEM: readonly (readonly [name: string, value: string])[] = [
  ...["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].map(
    (name) => [name, "http://127.0.0.1:9"] as const,
  ),
  ["NO_PROXY", "*"],
  ["no_proxy", "example.com"],
  ["SSL_CERT_FILE", "/nowhere/x.pem"],
  ["SSL_CERT_DIR", "/nowhere"],
  ["SSLKEYLOGFILE", "keys.log"],
  ["OPENSSL_CONF", "/nowhere/x.cnf"],
  ["DO_NOT_TRACK", "1"],
  ["DEBUG", "*"],
  ["FORCE_COLOR", "1"],
];

/** Unlimited families, each represented by three: they tune the runtime, and write to stderr at most. */
const FAMILIES: readonly (readonly [name: string, value: string])[] = [
  ["BUN_JSC_useJIT", "0"],
  ["BUN_JSC_logGC", "1"],
  ["BUN_JSC_dumpOptions", "1"],
  ["MIMALLOC_VERBOSE", "1"],
  ["MIMALLOC_SHOW_STATS", "1"],
  ["MIMALLOC_ARENA_EAGER_COMMIT", "0"],
];

describe("a variable that configures the runtime", () => {
  let folder: ReturnType<typeof temporaryFolder>;

  before(() => {
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "secret"), SECRET, { mode: 0o600 });
    writeFileSync(join(folder.path, "token"), TOKEN, { mode: 0o600 });
  });

  after(() => folder[Symbol.dispose]());

  /**
   * Runs with some variables at a time, four runs at once, and calls back with what was seen without and with them. One
   * variable never has two values in a run.
   */
  async function eachOf(
    variables: readonly (readonly [name: string, value: string])[],
    atATime: number,
    compare: (usual: Seen, seen: Seen, variables: string) => void,
  ): Promise<void> {
    const queue: Record<string, string>[] = [];
    for (const [name, value] of variables) {
      const group = queue.find((some) => Object.keys(some).length < atATime && !Object.hasOwn(some, name));
      if (group === undefined) queue.push({ [name]: value });
      else group[name] = value;
    }
    const work = async (): Promise<void> => {
      await using bench = await openBench(folder.path);
      const usual = await bench.run({});
      assert.equal(usual.status, 0, usual.stderr);
      assert.match(usual.requests.join("\n"), new RegExp(`^POST /admin/clients .*${TOKEN}.*${SECRET}`));
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        compare(usual, await bench.run(next), JSON.stringify(next));
      }
    };
    await Promise.all(Array.from({ length: 4 }, work));
  }

  it("of Bun, Node.js or the system changes nothing: no output, no request", SLOW, async () => {
    const known = variablesOfBun();
    for (const name of APART) assert.ok(known.includes(name), name);
    assert.ok(known.length > 60, String(known));
    const ofBun = known.filter((name) => !APART.has(name)).map((name) => [name, "1"] as const);
    // One that cannot be read makes the runtime warn on stderr.
    const extra = ["NODE_EXTRA_CA_CERTS", join(folder.path, "extra.pem")] as const;
    writeFileSync(extra[1], makeCertificates().authority.cert);
    await eachOf([["BUN_OPTIONS", "--smol"]], 1, (usual, seen) => assert.deepEqual(seen, usual));
    const all = [...ofBun, ...VALUES, ...OF_NODE, extra, ...OF_SYSTEM];
    await eachOf(all, RUNS_EVERYTHING ? 1 : 5, (usual, seen, variables) => {
      assert.deepEqual({ variables, ...seen }, { variables, ...usual });
    });
  });

  it("that tunes the runtime may add output to stderr, but never a secret", SLOW, async () => {
    await eachOf(FAMILIES, 1, (usual, seen, variables) => {
      const { stderr, ...rest } = seen;
      const { stderr: own, ...same } = usual;
      assert.deepEqual({ variables, ...rest }, { variables, ...same });
      assert.ok(stderr.includes(own), stderr);
      assert.ok(!stderr.includes(SECRET) && !stderr.includes(TOKEN), stderr);
    });
  });

  it("that opens the process to others is rejected by name, before anything is read or sent", SLOW, async () => {
    writeFileSync(join(folder.path, "loaded.js"), "");
    for (const [name, value, more = {}] of [
      ["BUN_INSPECT_PRELOAD", join(folder.path, "loaded.js"), { BUN_OPTIONS: "--smol" }],
      ["BUN_INSPECT", "ws://127.0.0.1:0/x"],
      ["BUN_OPTIONS", "--inspect"],
      ["BUN_OPTIONS", `--preload ${join(folder.path, "loaded.js")}`],
      ["BUN_OPTIONS", `--require=${join(folder.path, "loaded.js")}`],
      ["BUN_OPTIONS", `--import ${join(folder.path, "loaded.js")}`],
      ["BUN_OPTIONS", `-r ${join(folder.path, "loaded.js")}`],
      ["BUN_OPTIONS", "--heap-prof --heap-prof-dir=profile"],
    ] as const) {
      await using scenario = await openScenario();
      for (const args of [
        [...SEED, "--secret-file", "/nowhere/secret", "--config", "/nowhere/config"],
        ["version"],
        ["--help"],
        ["__complete", "bash", "--", "hydra", "get", ""],
      ]) {
        const ended = await scenario.run(args, { env: { [name]: value, ...more } });
        assertFails(ended, 2, new RegExp(`^Error: Refusing to start with ${name} set: `));
        assert.doesNotMatch(ended.stderr, /nowhere/);
      }
      assert.deepEqual(scenario.proxy.seen, []);
    }
  });
});

/** Run before the program: makes each request come with words on the console, as a library might write them. */
const TALKER = `
delete process.env.BUN_OPTIONS; // The program refuses to start with it; code that runs before can hide it.
const send = globalThis.fetch;
globalThis.fetch = (...args) => {
  console.log("to %s", "stdout", { secret: "hush" });
  console.error(new Error("to stderr"));
  console.table([["a table"]]);
  return send(...args);
};`;

describe("the console of libraries", () => {
  it("goes nowhere, or to stderr under -v, and never to stdout", SLOW, async () => {
    await using scenario = await openScenario();
    const talker = join(scenario.home, "talker.cjs");
    writeFileSync(talker, TALKER);
    const env = { BUN_OPTIONS: `--preload ${talker}` };
    const args = ["clients", "list", "--format", "json"];
    const quiet = await scenario.run(args, { env });
    assert.deepEqual([quiet.status, JSON.parse(quiet.stdout).items, quiet.stderr], [0, [], ""], describeRun(quiet));
    const verbose = await scenario.run([...args, "-v"], { env });
    assert.deepEqual([verbose.status, verbose.stdout], [0, quiet.stdout], describeRun(verbose));
    assert.match(verbose.stderr, /^to %s stdout \[object Object\]\nto stderr\n\[object Array\]\n/m);
    assert.doesNotMatch(verbose.stderr, /hush|\n\s+at /);
  });
});

describe("a machine that lacks resources", () => {
  /** Runs the program under limits that a shell sets. */
  function under(limits: string, args: readonly string[]): Ended {
    using home = temporaryFolder();
    const { status, stdout, stderr } = spawnSync("bash", ["-c", `${limits}; exec "$0" "$@"`, BINARY, ...args], {
      encoding: "utf8",
      env: { HOME: home.path, PATH: "/usr/bin:/bin" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { status, signal: null, stdout, stderr };
  }

  it("such as file descriptors, gets a specific error", SLOW, () => {
    const args = ["clients", "list", "--endpoint", "http://127.0.0.1:9", "--fail-after", "0"];
    for (const files of [5, 6]) {
      const ended = under(`ulimit -n ${files}`, args);
      assertFails(ended, 6, /too many open files in this process \(ulimit -n\)$/);
      assert.match(ended.stderr, /^Hint: .*raise the limit, for example with ulimit -n/m);
      assert.equal(ended.stderr.split("\n").length, 3, describeRun(ended));
    }
  });

  it("and without a body that decompresses, too", SLOW, async () => {
    for (const coding of ["gzip", "deflate", "br", "zstd"]) {
      await using scenario = await openScenario("26", () => ({ reply }) => {
        reply({ status: 200, headers: { "content-encoding": coding }, body: "these are plain words" });
      });
      const ended = await scenario.run(["clients", "list"]);
      assertFails(ended, 6, /the response does not match its Content-Encoding/);
      assert.equal(ended.stderr.split("\n").length, 3, describeRun(ended));
    }
  });

  it("and with a core limit of zero, runs as ever", () => {
    assertExit(under("ulimit -c 0", ["version"]), 0);
  });
});

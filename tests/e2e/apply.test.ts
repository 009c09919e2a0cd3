/** `hydra apply` that is interrupted, and files that are wrong. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { isJsonObject, type JsonObject } from "../../lib/core/json/json.ts";
import { SANDBOX_VERSIONS, startSandbox } from "../../lib/sandbox/index.ts";
import { openGpg } from "../adapters/gpg.ts";
import { RUNS_EVERYTHING } from "../thorough.ts";
import { BINARY, type Ended, type Running, runBinary, start, startBinary, temporaryFolder } from "./binary.ts";
import { openFaultProxy } from "./fault-proxy.ts";
import { runInThisProcess } from "./in-this-process.ts";
import { openRandom } from "./random.ts";

/** How many runs are interrupted, each time at other requests: two of each version; more before a release. */
const KILLS = Number(process.env["TEST_KILLS"] ?? 12);

const KEYS = ["k0", "k1", "k2", "k3", "k4", "k5"];

const BASE = { grant_types: ["client_credentials"], scope: "a" };

/** The credentials in a text: of dotenv files and JSON. */
function credentialsOf(text: string): readonly (readonly [id: string, secret: string])[] {
  const dotenv = [...text.matchAll(/CLIENT_ID='?([^\s']+)'?\n\S*CLIENT_SECRET='?([^\s']+)/g)];
  const json = [...text.matchAll(/(?:"client_id": ?"([^"]+)",\s*)?"client_secret": ?"([^"]+)"/g)];
  return [...dotenv, ...json].map(([, id = "", secret = ""]) => [id, secret] as const);
}

/** The credentials that an apply has delivered to a folder or a file: not those in drafts. */
function credentialsIn(path: string): readonly (readonly [id: string, secret: string])[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return credentialsOf(readFileSync(path, "utf8"));
  const names = readdirSync(path).filter((name) => !name.startsWith("."));
  return names.flatMap((name) => credentialsOf(readFileSync(join(path, name), "utf8")));
}

interface Scene {
  readonly folder: string;
  readonly state: string;
  readonly url: string;
  readonly publicUrl: string;
}

function args(scene: Scene, out: string, endpoint = scene.url): readonly string[] {
  const files = join(scene.folder, "clients");
  return ["apply", files, "--stack", "s", "--prune", "--secret-out", join(scene.folder, out), "--endpoint", endpoint];
}

function environment({ state }: Scene): Readonly<Record<string, string>> {
  return { XDG_STATE_HOME: state };
}

async function clientsOf({ url }: Scene, prefix: string): Promise<readonly JsonObject[]> {
  const answer = await fetch(`${url}${prefix}`);
  const clients: unknown = await answer.json();
  assert.ok(Array.isArray(clients));
  return clients.filter(isJsonObject);
}

async function works({ publicUrl }: Scene, id: string, secret: string): Promise<boolean> {
  const authorization = `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`;
  const answer = await fetch(`${publicUrl}/oauth2/token`, {
    method: "POST",
    headers: { authorization, "content-type": "application/x-www-form-urlencoded" },
    body: "grant_type=client_credentials",
  });
  return answer.status === 200;
}

function writeClients({ folder }: Scene, clients: Readonly<Record<string, JsonObject>>): void {
  const text = Object.entries(clients).map(([key, client]) => `${JSON.stringify({ ...client, "x-hydra": { key } })}\n`);
  writeFileSync(join(folder, "clients/all.json"), text.join(""));
}

/** When a run is interrupted: at which of its requests, before or after the server has seen it. */
interface Interruption {
  readonly signal: "SIGKILL" | "SIGTERM";
  readonly request: number;
  readonly isAfter: boolean;
}

/** Two runs through one proxy, so that both have the same endpoint; the first one is interrupted. */
async function interruptedAndRepeated(
  scene: Scene,
  out: string,
  { signal, request, isAfter }: Interruption,
): Promise<readonly [Ended, Ended]> {
  let count = 0;
  let running: Running | undefined;
  const proxy = await openFaultProxy(scene.url, () => {
    if (++count !== request) return undefined;
    return async (exchange) => {
      if (isAfter) await exchange.pass();
      running?.kill(signal);
      exchange.socket.destroy();
    };
  });
  try {
    running = startBinary(args(scene, out, proxy.url), { env: environment(scene) });
    const ended = await running.ended;
    return [ended, await runBinary(args(scene, out, proxy.url), { env: environment(scene) })];
  } finally {
    await proxy.close();
  }
}

describe("an apply that is interrupted", () => {
  const random = openRandom("apply");
  for (let n = 0; n < KILLS; n++) {
    const as = SANDBOX_VERSIONS[n % SANDBOX_VERSIONS.length] ?? "26";
    const signal = random.chance(0.7) ? "SIGKILL" : "SIGTERM";
    const interruption: Interruption = { signal, request: 2 + random.below(12), isAfter: random.chance(0.5) };
    const shared = random.chance(0.4);
    const title = `${interruption.signal} ${interruption.isAfter ? "after" : "at"} request ${interruption.request}`;
    test(`converges in the next run and loses no secret: ${n + 1}, ${as}, ${title}`, async () => {
      using folder = temporaryFolder();
      const sandbox = await startSandbox({ as, listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
      const { url, publicUrl = "" } = sandbox;
      const scene = { folder: folder.path, state: join(folder.path, "state"), url, publicUrl };
      try {
        for (const name of ["clients", "state"]) mkdirSync(join(folder.path, name));
        writeClients(scene, { k0: BASE, k1: BASE, gone: BASE });
        const before = await runInThisProcess(args(scene, "before"), { env: environment(scene) });
        assert.equal(before.status, 0, before.stderr);
        writeClients(scene, Object.fromEntries(KEYS.map((key) => [key, { ...BASE, client_name: key }])));
        const out = shared ? "one.json" : "one";
        const [ended, again] = await interruptedAndRepeated(scene, out, interruption);
        assert.equal(again.status, 0, `${ended.stderr}\n${again.stderr}`);
        const diff = ["diff", ...args(scene, "x").slice(1, 5), "--exit-code", "--endpoint", url];
        const clean = await runInThisProcess(diff, { env: environment(scene) });
        assert.equal(clean.status, 0, clean.stdout + clean.stderr);
        const clients = await clientsOf(scene, as.startsWith("1.") ? "/clients" : "/admin/clients");
        assert.deepEqual(clients.map((client) => client["client_name"]).sort(), KEYS);
        // Every secret is in its place, and works.
        const secrets = [...credentialsIn(join(folder.path, "before")), ...credentialsIn(join(folder.path, out))];
        for (const { client_id: id, client_name: name } of clients) {
          const own = secrets.filter(([owner]) => owner === id);
          const proven = await Promise.all(own.map(([, secret]) => works(scene, String(id), secret)));
          assert.ok(
            proven.includes(true),
            `${as} ${String(name)} ${String(id)} has ${own.length} secrets, none of which works\n${ended.stderr}\n${again.stderr}`,
          );
        }
      } finally {
        await sandbox.close();
      }
    });
  }
});

describe("a descriptor for the secrets of an earlier run and of this one", () => {
  /** A client that exists, whose secret a killed run has left, and another one that doesn't exist yet. */
  async function withSecretsOfTwoRuns(
    work: (run: (format: string) => Promise<Ended>, written: () => string) => Promise<void>,
  ): Promise<void> {
    using folder = temporaryFolder();
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    const { url } = sandbox;
    const scene = { folder: folder.path, state: join(folder.path, "state"), url, publicUrl: "" };
    const out = join(folder.path, "out");
    try {
      for (const name of ["clients", "state"]) mkdirSync(join(folder.path, name));
      writeClients(scene, { first: BASE });
      assert.equal((await runBinary(args(scene, "lost"), { env: environment(scene) })).status, 0);
      const [client] = await clientsOf(scene, "/admin/clients");
      const [[id, secret] = []] = credentialsIn(join(folder.path, "lost"));
      const due = { state: "made", stack: "s", key: "first", delivery: "due", client_id: id, client_secret: secret };
      const record = { ...due, reason: "r", time: new Date().toISOString(), endpoint: url };
      const copy = JSON.stringify({ ...record, updated_at: client?.["updated_at"] });
      writeFileSync(join(scene.state, "hydra-rescue-import-0.ndjson"), `${copy}\n`);
      writeClients(scene, { first: BASE, second: BASE });
      const line = ["apply", join(folder.path, "clients"), "--stack", "s", "--secret-out", "fd:3", "--endpoint", url];
      const run = (format: string): Promise<Ended> =>
        start("/bin/sh", ["-c", 'exec "$0" "$@" 3>"$OUT"', BINARY, ...line, "--secret-format", format], {
          env: { ...environment(scene), OUT: out },
        }).ended;
      await work(run, () => readFileSync(out, "utf8"));
    } finally {
      await sandbox.close();
    }
  }

  test("gets one YAML document per client", () =>
    withSecretsOfTwoRuns(async (run, written) => {
      const ended = await run("k8s");
      assert.equal(ended.status, 0, ended.stderr);
      const documents = written().split(/^---\n/m);
      assert.deepEqual(
        documents.map((text) => [...text.matchAll(/^ {2}"?name"?: "?(\w+)/gm)].map(([, name]) => name)),
        [[], ["first"], ["second"]],
      );
    }));

  test("gets one JSON object per run", () =>
    withSecretsOfTwoRuns(async (run, written) => {
      const first = await run("json");
      assert.equal(first.status, 1, first.stderr);
      assert.match(first.stderr, /^Hint: run the command again for the rest/m);
      assert.deepEqual(Object.keys(JSON.parse(written())), ["first"]);
      const second = await run("json");
      assert.equal(second.status, 0, second.stderr);
      assert.deepEqual(Object.keys(JSON.parse(written())), ["second"]);
    }));
});

describe("an apply with recipients", () => {
  const gpg = openGpg();
  after(() => gpg.close());
  gpg.quick("Team <team@example.com>", "future-default");

  async function withOneClient(
    work: (
      scene: Scene,
      flags: readonly string[],
      secretOf: (id: string) => string | undefined,
      count: () => number,
    ) => Promise<void>,
  ): Promise<void> {
    using folder = temporaryFolder();
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    const { url } = sandbox;
    const scene = { folder: folder.path, state: join(folder.path, "state"), url, publicUrl: "" };
    for (const name of ["clients", "state"]) mkdirSync(join(folder.path, name));
    writeFileSync(join(folder.path, "team.asc"), gpg.exported("team@example.com").armored);
    writeClients(scene, { k0: { ...BASE, client_id: "k0" } });
    const flags = [
      "apply",
      join(folder.path, "clients"),
      "--pgp-key",
      `@${join(folder.path, "team.asc")}`,
      "--endpoint",
      url,
    ];
    try {
      await work(scene, flags, sandbox.secretOf, () => sandbox.clients().length);
    } finally {
      await sandbox.close();
    }
  }

  test("prints the encrypted secret, and nothing of the plain one", () =>
    withOneClient(async (scene, flags, secretOf) => {
      const ended = await runBinary([...flags, "--format", "ndjson"], { env: environment(scene) });
      assert.equal(ended.status, 0, ended.stderr);
      const result: unknown = JSON.parse(ended.stdout);
      assert.ok(isJsonObject(result) && typeof result["client_secret_encrypted"] === "string");
      const secret = secretOf("k0") ?? "none";
      assert.equal(gpg.decrypt(Buffer.from(result["client_secret_encrypted"], "base64")), secret);
      assert.ok(!ended.stdout.includes(secret) && !ended.stderr.includes(secret));
      assert.deepEqual(readdirSync(scene.state), []);
    }));

  test("deletes the client again if the encrypted secret can't be printed", () =>
    withOneClient(async (scene, flags, _, count) => {
      const line = `"$0" "$@" > /dev/full`;
      const ended = await start("bash", ["-c", line, BINARY, ...flags, "--format", "ndjson"], {
        env: environment(scene),
      }).ended;
      assert.equal(ended.status, 1, ended.stderr);
      assert.match(ended.stderr, /client \\"k0\\" was deleted again/);
      assert.equal(count(), 0);
      assert.deepEqual(readdirSync(scene.state), []);
    }));

  test("creates nothing if the output format omits the encrypted secret, in every run", () =>
    withOneClient(async (scene, flags, _, count) => {
      // The expression selects in one result, and not in the list of all.
      for (const format of ["id", "id", "raw=client_secret_encrypted"]) {
        const ended = await runBinary([...flags, "--format", format], { env: environment(scene) });
        assert.equal(ended.status, 2, ended.stderr);
        assert.match(ended.stderr, /^Error: This output format omits the encrypted secrets$/m);
        assert.match(ended.stderr, /^Hint: use --format json, or add --secret-out; nothing was changed$/m);
        assert.equal(count(), 0);
        assert.deepEqual(readdirSync(scene.state), []);
      }
      const shown = await runBinary([...flags, "--format", "ndjson"], { env: environment(scene) });
      assert.equal(shown.status, 0, shown.stderr);
      assert.equal((await runBinary([...flags, "-q"], { env: environment(scene) })).status, 0);
    }));
});

/** The most memory that a run has held, in KiB, while it waits for its last page of clients. */
async function peakOfDiff(scene: Scene, pages: number): Promise<number> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let seen = (): void => {};
  const reached = new Promise<void>((resolve) => {
    seen = resolve;
  });
  let count = 0;
  const proxy = await openFaultProxy(scene.url, () => {
    if (++count < pages) return undefined;
    return async (exchange) => {
      seen();
      await released;
      exchange.reply(await exchange.pass());
    };
  });
  try {
    await using running = startBinary(
      ["diff", join(scene.folder, "clients"), "--stack", "s", "--no-warnings", "--exit-code", "--endpoint", proxy.url],
      { env: environment(scene) },
    );
    await reached;
    const [, most = ""] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${running.pid}/status`, "latin1")) ?? [];
    release();
    const ended = await running.ended;
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, /^\d+ unchanged$/m);
    return Number(most);
  } finally {
    await proxy.close();
  }
}

test("many clients are applied, then have no differences, with little more memory than 50", {
  timeout: 120_000,
}, async () => {
  using folder = temporaryFolder();
  const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
  const { url } = sandbox;
  const scene = { folder: folder.path, state: join(folder.path, "state"), url, publicUrl: "" };
  try {
    for (const name of ["clients", "state"]) mkdirSync(join(folder.path, name));
    const client = { scope: "a", token_endpoint_auth_method: "none", redirect_uris: ["http://127.0.0.1/cb"] };
    const peaks: number[] = [];
    const most = RUNS_EVERYTHING ? 5000 : 2000;
    for (const count of [50, most]) {
      const clients = Array.from({ length: count }, (_, n) => [`k${n}`, { ...client, client_name: `Client ${n}` }]);
      writeClients(scene, Object.fromEntries(clients));
      const applied = await runBinary([...args(scene, "out"), "-q", "--no-warnings"], { env: environment(scene) });
      assert.equal(applied.status, 0, applied.stderr);
      assert.equal(sandbox.clients().length, count);
      peaks.push(await peakOfDiff(scene, Math.ceil(count / 500)));
    }
    const [few = 0, many = 0] = peaks;
    // It keeps the plan of every client, but not the pages.
    assert.ok(few > 0 && many - few <= 12 * 1024 + 22 * most, `${many} KiB against ${few} KiB`);
  } finally {
    await sandbox.close();
  }
});

/** The promise that no credentials are lost: many random runs through signals, bad servers and full disks. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createRecoveryStore } from "../../lib/adapters/recovery-store.ts";
import { RecordSaveFailure } from "../../lib/core/recovery-record.ts";
import { type Sandbox, type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { RUNS_EVERYTHING } from "../thorough.ts";
import { BINARY, type Ended, type Running, start, temporaryFolder } from "./binary.ts";
import {
  type Delivered,
  inRecoveryCopies,
  inResult,
  inSecretFile,
  openReader,
  READ_FORMATS,
  type Reader,
  type RecoveryRecord,
  reconcile,
} from "./delivered.ts";
import { type Disk, openDisk } from "./disk.ts";
import {
  cutInside,
  dropAfter,
  dropBefore,
  type Exchange,
  type Fault,
  inOrder,
  instead,
  openFaultProxy,
  type Reply,
  stallAfter,
  stallBefore,
  stallInside,
  swapped,
} from "./fault-proxy.ts";
import { openFifo } from "./fifo.ts";
import { hasConnectionTo, waitUntilIdle } from "./process-state.ts";
import { openRandom, type RandomSource } from "./random.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  EXIT_CODES_BY_SIGNAL,
  openScenario,
  printed,
  recoveryCopiesIn,
  type Scenario,
  SLOW,
  waitForAnswers,
} from "./scenario.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What the program is to do. */
type Operation = "create" | "create with an id" | "create with a key" | "import" | "rotate" | "update";

/** How the server answers the request that creates or changes a client. */
const SERVER_BEHAVIORS = {
  "as it should": undefined,
  "no connection": dropBefore,
  "a lost answer": dropAfter,
  "no answer": stallBefore,
  "no answer to what was done": stallAfter,
  "a stalled answer": stallInside,
  "half an answer": cutInside,
  "a gateway's 502 after it was done": swapped(() => ({ status: 502, body: "<html>bad gateway</html>" })),
  "a 500 without words after it was done": swapped(() => ({ status: 500, body: "" })),
  "a 500 with its own error after it was done": swapped(() => ({ status: 500, body: '{"error":"commit failed"}' })),
  "a web page": swapped(() => ({ status: 200, headers: { "content-type": "text/html" }, body: "<html>hello</html>" })),
  "an object without an id": swapped(() => ({ status: 201, body: '{"client_name":"x"}' })),
  "an id that is a number": swapped((reply) => ({ ...reply, body: JSON.stringify({ client_id: 5 }) })),
  "another status": swapped((reply) => ({ ...reply, status: 203 })),
  "another client": swapped((reply) => ({ ...reply, body: JSON.stringify({ client_id: "someone-else" }) })),
  "a broken body": swapped((reply) => ({ ...reply, body: reply.body.slice(0, -1) })),
  "a refusal": instead({ status: 400, body: '{"error":"invalid_request"}' }),
  "another secret": undefined,
} satisfies Readonly<Record<string, Fault | undefined>>;

type ServerBehavior = keyof typeof SERVER_BEHAVIORS;

/** Where the result goes. */
type Output =
  | "a pipe"
  | "nowhere"
  | "a full device"
  | "a full disk"
  | "a reader who leaves"
  | "a file"
  | "a file that is taken meanwhile"
  | "a full descriptor";

/** How the server answers the request that deletes a client again. */
const TAKING_BACK = {
  "is done": undefined,
  "loses its answer": dropAfter,
  "is refused": instead({ status: 403, body: '{"error":"forbidden"}' }),
  "is not answered": stallAfter,
} satisfies Readonly<Record<string, Fault | undefined>>;

interface Trial {
  readonly operation: Operation;
  readonly version: SandboxVersion;
  readonly server: ServerBehavior;
  /** Whether the server behaves like this for the first request only. */
  readonly once: boolean;
  readonly output: Output;
  readonly format: string;
  readonly encrypted: boolean;
  readonly takingBack: keyof typeof TAKING_BACK;
  readonly signal?: {
    readonly name: (typeof SIGNALS)[number] | "SIGKILL";
    readonly at: "the start" | "the request" | "the change" | "the answer";
    readonly delay: number;
  };
}

/** How a trial ended, and where its credentials are. */
interface TrialResult {
  readonly ended: Ended;
  readonly trial: Trial;
  readonly delivered: readonly Delivered[];
  readonly kept: readonly RecoveryRecord[];
  readonly lost: readonly string[];
  readonly unfounded: readonly Delivered[];
  /** The IDs of the clients that the server has. */
  readonly clients: readonly string[];
  readonly takenBack: number;
}

let reader: Reader;

let full: Disk;

before(async () => {
  reader = await openReader();
  full = openDisk(65_536);
  full.fill();
});

after(() => full[Symbol.dispose]());

const OLD = "old-secret-0123456789";

const GIVEN = "given-secret-0123456789";

/** The clients of an import: with and without IDs and secrets of their own. */
const IMPORTED = [
  { client_id: "first", redirect_uris: ["http://localhost/cb"] },
  { redirect_uris: ["http://localhost/cb"] },
  { client_id: "third", client_secret: GIVEN, redirect_uris: ["http://localhost/cb"] },
  { redirect_uris: ["http://localhost/cb"], client_name: "fourth" },
];

const GRANT = ["-g", "client_credentials", "-r", "token"];

function commandOf({ operation, output, encrypted }: Trial, cwd: string): readonly string[] {
  const key = operation === "create with a key";
  const target = output.startsWith("a file")
    ? join(cwd, "out.json")
    : output === "a full descriptor"
      ? "fd:3"
      : undefined;
  const out = target === undefined ? [] : [key ? "--key-out" : "--secret-out", target];
  const to = encrypted ? ["--pgp-key", reader.key] : [];
  switch (operation) {
    case "create":
      return ["clients", "create", ...GRANT, ...out, ...to];
    case "create with an id":
      return ["clients", "create", "--id", "chosen", ...GRANT, ...out, ...to];
    case "create with a key":
      return [
        ...[
          "clients",
          "create",
          ...GRANT,
          "--token-endpoint-auth-method",
          "private_key_jwt",
          "--generate-key",
          "ES256",
        ],
        ...(out.length === 0 && !encrypted ? ["--key-out", join(cwd, "out.json")] : out),
        ...to,
      ];
    case "import":
      return ["clients", "import", "clients.ndjson", ...to];
    case "rotate":
      return ["clients", "rotate-secret", "old", ...out, ...to];
    case "update":
      return ["clients", "update", "old", "--secret-file", "given", ...out, ...to];
  }
}

/** The shell redirection for the output of a trial. */
function redirection(output: Output): string {
  if (output === "nowhere") return ">&-";
  if (output === "a full device") return ">/dev/full";
  if (output === "a full disk") return '>"$FULL/out"';
  if (output === "a reader who leaves") return ">pipe";
  return output === "a full descriptor" ? "3>/dev/full" : "";
}

/** Whether a request makes or changes a client. */
function isChange({ method, target }: Exchange, version: SandboxVersion): boolean {
  if (method === "POST") return !target.endsWith("/secrets/rotate") || version === "next";
  return method === "PUT" || method === "PATCH";
}

/** Forwards a request with another secret, as a server does that generates its own. */
async function withAnotherSecret(exchange: Exchange, server: string): Promise<Reply> {
  const secret = "made-by-the-server-012345";
  const body = exchange.body.replace(/("client_secret":|"\/client_secret","value":)"[^"]*"/, `$1"${secret}"`);
  const { "content-length": _, connection: __, ...headers } = exchange.headers;
  const answer = await fetch(`${server}${exchange.target}`, { method: exchange.method, headers, body });
  const text = await answer.text();
  if (!answer.ok) return { status: answer.status, body: text };
  return { status: answer.status, body: JSON.stringify({ ...JSON.parse(text), client_secret: secret }) };
}

async function runTrial(trial: Trial): Promise<TrialResult> {
  const { operation, version, server, signal } = trial;
  using home = temporaryFolder();
  using cwd = temporaryFolder();
  const sandbox = await startSandbox({ as: version, listen: "127.0.0.1:0" });
  let running: Running | undefined;
  // Closing a descriptor takes effect at once, unlike closing a stream.
  let pipe: number | undefined;
  let met = false;
  let answered = 0;
  const taken: string[] = [];
  const sendSignal = (at: NonNullable<Trial["signal"]>["at"]): void => {
    if (signal?.at === at) setTimeout(() => running?.kill(signal.name), signal.delay);
  };
  const change: Fault = async (exchange) => {
    sendSignal("the request");
    if (pipe !== undefined) closeSync(pipe);
    pipe = undefined;
    if (trial.output === "a file that is taken meanwhile") writeFileSync(join(cwd.path, "out.json"), "");
    const watched: Exchange = {
      ...exchange,
      async pass() {
        const reply = await exchange.pass();
        sendSignal("the change");
        return reply;
      },
      reply(reply) {
        if (reply.status === 201) answered++;
        exchange.reply(reply);
        sendSignal("the answer");
      },
    };
    const fault = trial.once && met ? undefined : SERVER_BEHAVIORS[server];
    met = true;
    // A rotation by the server's own endpoint sends no secret that could be replaced.
    if (server === "another secret" && exchange.body.includes("client_secret"))
      watched.reply(await withAnotherSecret(exchange, sandbox.url));
    else if (fault === undefined) watched.reply(await watched.pass());
    else await fault(watched);
  };
  const proxy = await openFaultProxy(sandbox.url, (exchange) => {
    if (isChange(exchange, version)) return change;
    if (exchange.method !== "DELETE") return undefined;
    const first = !taken.includes(exchange.target);
    taken.push(exchange.target);
    return trial.takingBack === "loses its answer" && !first ? undefined : TAKING_BACK[trial.takingBack];
  });
  try {
    const known = new Map<string, readonly string[]>([["third", [GIVEN]]]);
    if (operation === "rotate" || operation === "update") await createOldClient(sandbox, version, known);
    writeFileSync(join(cwd.path, "given"), GIVEN);
    writeFileSync(join(cwd.path, "clients.ndjson"), IMPORTED.map((client) => `${JSON.stringify(client)}\n`).join(""));
    if (trial.output === "a reader who leaves") {
      execFileSync("mkfifo", [join(cwd.path, "pipe")]);
      pipe = openSync(join(cwd.path, "pipe"), constants.O_RDONLY | constants.O_NONBLOCK);
    }
    const inputs = readdirSync(cwd.path);
    // The whole time passes only where the server never answers.
    const patience = /no answer|stalled/.test(server)
      ? "250ms"
      : /^(as it should|another secret)$/.test(server)
        ? "20s"
        : "1s";
    const args = [...commandOf(trial, cwd.path), "--format", trial.format, "--fail-after", patience];
    running = start("/bin/sh", ["-c", `exec "$0" "$@" ${redirection(trial.output)}`, BINARY, ...args], {
      env: { HYDRA_ADMIN_URL: proxy.url, HOME: home.path, FULL: full.path },
      cwd: cwd.path,
      timeout: 40_000,
    });
    sendSignal("the start");
    const ended = await running.ended;
    const ids = sandbox.clients().map((client) => String(client["client_id"]));
    const sink = join(cwd.path, "out.json");
    const keyOf = operation === "create with a key" ? (ids[0] ?? "") : undefined;
    const kept = await inRecoveryCopies(home.path, reader);
    // A program that is killed leaves its secret file as a draft.
    const drafts = readdirSync(cwd.path).filter((name) => name.startsWith(".out.json."));
    const drafted = await Promise.all(drafts.map((name) => inSecretFile(join(cwd.path, name), reader, keyOf)));
    const delivered = [
      ...drafted.flat().map((one) => ({ ...one, state: "unverified" as const })),
      ...(await inResult(ended.stdout, reader, trial.format)),
      ...(await inSecretFile(sink, reader, keyOf)),
      ...kept.flatMap(({ delivered }) => (delivered === undefined ? [] : [delivered])),
    ];
    const result = {
      ended,
      trial,
      delivered,
      kept,
      clients: ids,
      takenBack: taken.length,
      ...reconcile(sandbox, version === "2.1" ? delivered.map(withoutChosenId) : delivered, known),
    };
    assertExplained(result, sandbox, { home: home.path, cwd: cwd.path, inputs, answered });
    return result;
  } finally {
    if (pipe !== undefined) closeSync(pipe);
    await running?.[Symbol.asyncDispose]();
    await proxy.close();
    await sandbox.close();
    rmSync(join(full.path, "out"), { force: true });
  }
}

/** Hydra 2.1 chooses the ID, so what was saved before its answer is found by the secret alone. */
function withoutChosenId(delivered: Delivered): Delivered {
  return delivered.state === "unverified" ? { ...delivered, id: undefined } : delivered;
}

async function createOldClient(
  sandbox: Sandbox,
  version: SandboxVersion,
  known: Map<string, readonly string[]>,
): Promise<void> {
  const path = version.startsWith("1.") ? "/clients" : "/admin/clients";
  const client = { client_id: "old", client_secret: OLD, grant_types: ["client_credentials"], response_types: [] };
  const answer = await fetch(`${sandbox.url}${path}`, { method: "POST", body: JSON.stringify(client) });
  assert.equal(answer.status, 201);
  known.set("old", [OLD, GIVEN]);
}

interface Surroundings {
  readonly home: string;
  readonly cwd: string;
  /** The files that were in the working folder before. */
  readonly inputs: readonly string[];
  /** How many creates were answered with 201. */
  readonly answered: number;
}

/** Asserts what must be true of every run, whatever happened to the client. */
function assertExplained(result: TrialResult, sandbox: Sandbox, around: Surroundings): void {
  const { trial, ended, kept, takenBack } = result;
  const { signal, operation } = trial;
  const story = `${JSON.stringify(trial)}\n${describeRun(ended)}\nkept: ${kept.map(({ text }) => text).join()}`;
  if (signal?.name === "SIGKILL") {
    for (const { mode } of kept) assert.equal(mode, 0o600, story);
    assertNoSecretShown(result, sandbox, story);
    return;
  }
  if (ended.signal !== null) {
    // Before its handlers are installed, a signal kills the program as the system does.
    assert.equal(ended.signal, signal?.name, story);
    assert.equal(signal?.at, "the start", story);
    assert.deepEqual([kept, result.delivered, takenBack], [[], [], 0], story);
  } else if (signal !== undefined && ended.status !== 0) {
    assert.ok([EXIT_CODES_BY_SIGNAL[signal.name], 1, 2, 5, 6, 8].includes(ended.status ?? 0), story);
  }
  for (const { path, mode, delivered } of kept) {
    assert.equal(mode, 0o600, story);
    assert.ok(ended.stderr.includes(path), `a rescue file is not named: ${path}\n${story}`);
    assert.ok(delivered !== undefined, `a rescue file holds nothing: ${path}\n${story}`);
  }
  const changes = operation === "rotate" || operation === "update";
  // A recovery copy remains only for what the format leaves out.
  const hidden = /^Warning: this output format omits the (secret|private key) of client /m.test(ended.stderr);
  if (changes && ended.status === 0 && !hidden) assert.deepEqual(kept, [], story);
  // No other files remain.
  const left = readdirSync(around.cwd).filter((name) => !around.inputs.includes(name) && name !== "out.json");
  assert.deepEqual(left, [], story);
  const files = readdirSync(around.home).filter((name) => !name.startsWith("hydra-rescue-"));
  assert.deepEqual(files, [], story);
  // A client is taken back only after this run's own 201, when nothing of the secret has left, and never after a change.
  if (takenBack > 0) {
    assert.ok(!changes, story);
    assert.ok(around.answered > 0, story);
  }
  assertNoSecretShown(result, sandbox, story);
}

/** Asserts that no secret is on standard error, and where secrets are encrypted none is in the clear anywhere. */
function assertNoSecretShown({ trial, ended, kept }: TrialResult, sandbox: Sandbox, story: string): void {
  const secrets = [
    ...sandbox.clients().map((client) => sandbox.secretOf(String(client["client_id"])) ?? ""),
    GIVEN,
    OLD,
  ];
  const texts = [ended.stderr, ...(trial.encrypted ? [ended.stdout, ...kept.map(({ text }) => text)] : [])];
  for (const secret of secrets) {
    for (const text of texts)
      assert.ok(secret === "" || !text.includes(secret), `a secret is shown: ${secret}\n${story}`);
  }
}

const VERSIONS: Readonly<Record<Operation, readonly [SandboxVersion, ...SandboxVersion[]]>> = {
  create: ["26", "1.8", "2.1"],
  "create with an id": ["26", "1.8"],
  "create with a key": ["26", "1.8", "2.1"],
  import: ["26", "1.8", "2.1"],
  rotate: ["next", "26", "1.8"],
  update: ["26", "1.8"],
};

const OPERATIONS = ["create", "create with an id", "create with a key", "import", "rotate", "update"] as const;

/** Output that a command has: an import writes to standard output alone. */
const OUTPUTS = {
  any: ["a pipe", "nowhere", "a full device", "a full disk", "a reader who leaves"],
  sinks: ["a file", "a file that is taken meanwhile", "a full descriptor"],
} as const;

function formatFor(operation: Operation, random: RandomSource): string {
  return operation === "import" ? random.pick(["ndjson", "ndjson", "text", "id"]) : random.pick(READ_FORMATS);
}

function outputFor(operation: Operation, random: RandomSource): Output {
  const sinks = operation !== "import" && random.chance(0.4);
  return sinks ? random.pick(OUTPUTS.sinks) : random.pick(OUTPUTS.any);
}

/** Runs many trials, several at a time. */
async function runTrials(trials: readonly Trial[]): Promise<readonly TrialResult[]> {
  const results: TrialResult[] = [];
  const queue = [...trials];
  const work = async (): Promise<void> => {
    for (let trial = queue.shift(); trial !== undefined; trial = queue.shift()) results.push(await runTrial(trial));
  };
  await Promise.all(Array.from({ length: 8 }, work));
  assert.equal(results.length, trials.length);
  return results;
}

/** Asserts that no credentials are lost or unfounded, and counts what happened to those of the runs. */
function tally(results: readonly TrialResult[]): {
  readonly delivered: number;
  readonly kept: number;
  readonly gone: number;
} {
  const lost = results.filter((one) => one.lost.length > 0);
  const unfounded = results.filter((one) => one.unfounded.length > 0);
  total += results.length;
  const stories = [...lost, ...unfounded].map(
    (one) =>
      `${JSON.stringify(one.trial)}\nlost ${one.lost.join()} unfounded ${JSON.stringify(one.unfounded)}\n${describeRun(one.ended)}\nkept: ${one.kept.map(({ text }) => text).join()}`,
  );
  assert.deepEqual([lost.length, unfounded.length], [0, 0], stories.join("\n\n"));
  return {
    delivered: results.filter((one) => one.delivered.some(({ where }) => where !== "recovery copy")).length,
    kept: results.filter((one) => one.kept.length > 0).length,
    gone: results.filter((one) => one.takenBack > 0).length,
  };
}

/** How many runs were tally. */
let total = 0;

const WELL_BEHAVED = { server: "as it should", once: true, output: "a pipe", takingBack: "is done" } as const;

// Each operation meets each moment, output and server behaviour; what else a trial has is random, but the same in every
// run. With TEST_ALL=1 there are more trials.
describe("no credentials are lost, and none belong to a client that does not exist", () => {
  const random = openRandom("never lost");

  it("when everything works", SLOW, async () => {
    const trials = OPERATIONS.flatMap((operation) =>
      VERSIONS[operation].flatMap((version) =>
        [true, false].map(
          (encrypted): Trial => ({
            ...WELL_BEHAVED,
            operation,
            version,
            format: operation === "import" ? "ndjson" : "json",
            encrypted,
          }),
        ),
      ),
    );
    const results = await runTrials(trials);
    tally(results);
    for (const { ended, kept, delivered, trial } of results) {
      const ids = trial.version === "2.1" && trial.operation === "import";
      assert.equal(ended.status, ids ? 8 : 0, describeRun(ended));
      assert.deepEqual(kept, []);
      assert.equal(delivered.length > 0, trial.operation !== "update" || trial.encrypted, describeRun(ended));
    }
  });

  it("when a signal arrives at any moment", SLOW, async () => {
    const moments = ["the start", "the request", "the change", "the answer"] as const;
    const trials = Array.from({ length: RUNS_EVERYTHING ? 144 : 48 }, (_, n): Trial => {
      const operation = OPERATIONS[n % OPERATIONS.length] ?? "create";
      const at = moments[Math.floor(n / OPERATIONS.length) % moments.length] ?? "the start";
      return {
        operation,
        version: random.pick(VERSIONS[operation]),
        server: random.pick(["as it should", "as it should", "no answer to what was done", "a stalled answer"]),
        once: true,
        output: random.chance(0.6) ? "a pipe" : outputFor(operation, random),
        format: formatFor(operation, random),
        encrypted: random.chance(0.3),
        takingBack: random.pick(["is done", "is done", "loses its answer"]),
        signal: { name: random.pick(SIGNALS), at, delay: random.below(at === "the start" ? 60 : 6) },
      };
    });
    const { delivered, kept } = tally(await runTrials(trials));
    assert.ok(delivered > 0 && kept > 0, `delivered ${delivered}, kept ${kept}`);
  });

  it("when the program is killed at any moment", SLOW, async () => {
    const moments = ["the request", "the change", "the answer"] as const;
    const trials = Array.from({ length: RUNS_EVERYTHING ? 90 : 36 }, (_, n): Trial => {
      const operation = OPERATIONS[n % OPERATIONS.length] ?? "create";
      const at = moments[Math.floor(n / OPERATIONS.length) % moments.length] ?? "the request";
      return {
        operation,
        version: random.pick(VERSIONS[operation]),
        server: random.pick(["as it should", "as it should", "a lost answer", "no answer to what was done"]),
        once: true,
        output: operation === "import" ? "a pipe" : random.pick(["a pipe", "a pipe", "a file", "a full descriptor"]),
        format: formatFor(operation, random),
        encrypted: random.chance(0.4),
        takingBack: "is done",
        signal: { name: "SIGKILL", at, delay: random.below(6) },
      };
    });
    const results = await runTrials(trials);
    const { kept } = tally(results);
    const killed = results.filter(({ ended }) => ended.signal === "SIGKILL").length;
    assert.ok(kept > 0 && killed > trials.length / 2, `kept ${kept}, killed ${killed}`);
  });

  it("when the output cannot be written", SLOW, async () => {
    const trials = Array.from({ length: RUNS_EVERYTHING ? 84 : 48 }, (_, n): Trial => {
      const operation = OPERATIONS[n % OPERATIONS.length] ?? "create";
      const some = operation === "import" ? OUTPUTS.any : [...OUTPUTS.any, ...OUTPUTS.sinks];
      return {
        operation,
        version: random.pick(VERSIONS[operation]),
        server: random.pick(["as it should", "as it should", "a lost answer", "another secret"]),
        once: true,
        output: some[Math.floor(n / OPERATIONS.length) % some.length] ?? "a pipe",
        format: formatFor(operation, random),
        encrypted: random.chance(0.4),
        takingBack: random.pick(["is done", "is done", "loses its answer", "is refused"]),
      };
    });
    const { kept, gone } = tally(await runTrials(trials));
    assert.ok(kept > 0 && gone > 0, `kept ${kept}, taken back ${gone}`);
  });

  it("whatever the server answers, or when it doesn't", SLOW, async () => {
    const behaviors = Object.keys(SERVER_BEHAVIORS).filter((name): name is ServerBehavior => name in SERVER_BEHAVIORS);
    const trials = OPERATIONS.flatMap((operation) =>
      behaviors.map(
        (server): Trial => ({
          operation,
          version: random.pick(VERSIONS[operation]),
          server,
          once: server !== "another secret" && random.chance(0.6),
          output: random.chance(0.7) ? "a pipe" : outputFor(operation, random),
          format: formatFor(operation, random),
          encrypted: random.chance(0.4),
          takingBack: random.pick(["is done", "loses its answer", "is refused"]),
        }),
      ),
    );
    const { delivered, kept } = tally(await runTrials(trials));
    assert.ok(delivered > 0 && kept > 0, `delivered ${delivered}, kept ${kept}`);
  });

  it("when the deletion of a client isn't answered either", SLOW, async () => {
    const trials = (["create", "import", "create with a key"] as const).map(
      (operation): Trial => ({
        operation,
        version: random.pick(VERSIONS[operation]),
        server: "as it should",
        once: true,
        output: "a full device",
        format: operation === "import" ? "ndjson" : "json",
        encrypted: true,
        takingBack: "is not answered",
      }),
    );
    const { kept, gone } = tally(await runTrials(trials));
    assert.deepEqual([kept, gone], [trials.length, trials.length]);
  });

  it("in at least two hundred runs", () => {
    assert.ok(total >= 200, `${total} runs`);
  });
});

describe("a recovery copy", () => {
  const CREATE = ["clients", "create", ...GRANT];
  /** Surroundings in which no file can be made: nobody can make one below /proc. */
  const NOWHERE = { cwd: "/proc", env: { HOME: "/proc/missing", TMPDIR: "/proc/missing" } };

  it("that has no folder causes a warning in a create, and stops what cannot be undone", SLOW, async () => {
    await using scenario = await openScenario();
    const made = await scenario.run([...CREATE, "--id", "app"], NOWHERE);
    assertExit(made, 0);
    assert.match(made.stderr, /^Warning: no directory is writable .*--rescue-dir/m);
    const secret = scenario.sandbox.secretOf("app") ?? assert.fail("no client");
    const key = ["--token-endpoint-auth-method", "private_key_jwt", "--generate-key", "ES256", "--pgp-key", reader.key];
    const keyed = await scenario.run([...CREATE, "--id", "keyed", ...key], NOWHERE);
    assertExit(keyed, 0);
    assert.match(keyed.stderr, /^Warning: no directory is writable/m);
    const before = scenario.proxy.seen.length;
    for (const args of [
      ["rotate-secret", "app"],
      ["update", "app", "--secret", GIVEN],
    ]) {
      const ended = await scenario.run(["clients", ...args], NOWHERE);
      assertFails(ended, 1, /no directory is writable for a recovery copy/);
    }
    assert.ok(scenario.proxy.seen.slice(before).every(({ method }) => method === "GET"));
    assert.equal(scenario.sandbox.secretOf("app"), secret);
    const hidden = await scenario.run([...CREATE, "--id", "hidden", "-q"], NOWHERE);
    assertFails(hidden, 2, /omits the secret/);
    assert.equal(scenario.sandbox.secretOf("hidden"), undefined);
  });

  it("is written to the given folder, or else to the first writable one", SLOW, async () => {
    using folders = temporaryFolder();
    const [named = "", state = "", own = "", temporary = ""] = ["named", "state", "own", "temporary"].map((name) => {
      const path = join(folders.path, name);
      mkdirSync(path);
      return path;
    });
    const all = { XDG_STATE_HOME: state, HOME: own, TMPDIR: temporary };
    const cases: readonly (readonly [
      env: Record<string, string | undefined>,
      more: readonly string[],
      place: string,
    ])[] = [
      [all, ["--rescue-dir", named], named],
      [all, [], state],
      [{ ...all, XDG_STATE_HOME: undefined }, [], own],
      [{ ...all, XDG_STATE_HOME: join(folders.path, "missing") }, [], own],
      [{ ...all, XDG_STATE_HOME: "/proc", HOME: "/proc" }, [], temporary],
      [{ ...all, XDG_STATE_HOME: "", HOME: "" }, [], temporary],
    ];
    await using scenario = await openScenario();
    for (const [n, [env, more, place]] of cases.entries()) {
      const ended = await scenario.run([...CREATE, "--id", `c${n}`, "-q", ...more], { env, cwd: "/proc" });
      assertExit(ended, 0);
      const [kept, ...others] = recoveryCopiesIn(place);
      assert.deepEqual(others, []);
      assert.equal(kept?.record.client_secret, scenario.sandbox.secretOf(`c${n}`));
      assert.ok(ended.stderr.includes(kept?.path ?? "nothing"), describeRun(ended));
      rmSync(kept?.path ?? "");
      for (const folder of [named, state, own, temporary]) assert.deepEqual(readdirSync(folder), []);
    }
  });

  it("is a new file, for the owner only, and follows no symbolic link", async () => {
    using folder = temporaryFolder();
    const elsewhere = join(folder.path, "elsewhere");
    const random = (count: number): Uint8Array => new Uint8Array(count);
    const record = { state: "made", reason: "r", time: "t", endpoint: "e", client_id: "app" } as const;
    const options = { folders: [folder.path], random };
    const store = createRecoveryStore(options);
    const keep = (more: { readonly client_id: string }): string =>
      store.saveDurably({ ...record, ...more, client_secret: GIVEN }, "preferred directories").path;
    symlinkSync(elsewhere, join(folder.path, "hydra-rescue-app-0000000000000000.json"));
    assert.throws(() => keep({ client_id: "app" }), RecordSaveFailure);
    assert.ok(!existsSync(elsewhere));
    writeFileSync(join(folder.path, "hydra-rescue-web-0000000000000000.json"), "mine");
    assert.throws(() => keep({ client_id: "web" }), RecordSaveFailure);
    assert.equal(readFileSync(join(folder.path, "hydra-rescue-web-0000000000000000.json"), "utf8"), "mine");
    const path = keep({ client_id: "a/../b" });
    assert.equal(dirname(path), folder.path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    symlinkSync(elsewhere, join(folder.path, ".hydra-rescue-0000000000000000"));
    assert.equal(store.probe(), undefined);
    assert.ok(!existsSync(elsewhere));
  });

  it("holds the secret before a change is sent, and disappears once it is delivered", SLOW, async () => {
    for (const encrypted of [false, true]) {
      const during: string[] = [];
      await using scenario = await openScenario("26", (exchange) =>
        exchange.method === "PATCH"
          ? async () => {
              during.push(...scenario.recoveryCopies().map(({ path }) => readFileSync(path, "utf8")));
              exchange.reply(await exchange.pass());
            }
          : undefined,
      );
      assertExit(await scenario.run([...CREATE, "--id", "old"]), 0);
      const to = encrypted ? ["--pgp-key", reader.key] : [];
      for (const args of [
        ["rotate-secret", "old"],
        ["update", "old", "--secret", GIVEN],
      ]) {
        const ended = await scenario.run(["clients", ...args, ...to]);
        assertExit(ended, 0);
        const kept = during.pop() ?? assert.fail("no secret was kept");
        const secret = scenario.sandbox.secretOf("old") ?? "";
        assert.deepEqual(during, []);
        assert.equal(kept.includes(secret), !encrypted);
        assert.match(kept, encrypted ? /"client_secret_encrypted": "/ : /"client_secret": "/);
        assert.match(kept, /"state": "unverified"/);
        assert.deepEqual(scenario.recoveryCopies(), []);
      }
    }
  });

  it("isn't written if the disk is full, and the change isn't sent", SLOW, async () => {
    using disk = openDisk(65_536);
    await using scenario = await openScenario("26", (exchange) =>
      exchange.target.endsWith("/secrets/rotate")
        ? async () => {
            disk.fill();
            exchange.reply(await exchange.pass());
          }
        : undefined,
    );
    assertExit(await scenario.run([...CREATE, "--id", "old"]), 0);
    const secret = scenario.sandbox.secretOf("old");
    using folder = temporaryFolder();
    const out = ["--secret-out", join(folder.path, "out.env")];
    const ended = await scenario.run(["clients", "rotate-secret", "old", "--rescue-dir", disk.path, ...out]);
    assertFails(ended, 1, /cannot write a recovery copy to .*no space left/);
    assert.equal(scenario.sandbox.secretOf("old"), secret);
    assert.deepEqual([readdirSync(folder.path), readdirSync(disk.path)], [[], ["ballast"]]);
  });

  it("that a server-side rotation has no room for doesn't withhold the secret", SLOW, async () => {
    using disk = openDisk(65_536);
    await using scenario = await openScenario("next", (exchange) =>
      exchange.target.endsWith("/secrets/rotate")
        ? async () => {
            disk.fill();
            exchange.reply(await exchange.pass());
          }
        : undefined,
    );
    assertExit(await scenario.run([...CREATE, "--id", "old"]), 0);
    const rotate = ["clients", "rotate-secret", "old", "--rescue-dir", disk.path];
    const ended = await scenario.run(rotate, NOWHERE);
    assertExit(ended, 0);
    assert.equal(printed(ended).secret, scenario.sandbox.secretOf("old"));
    assert.match(ended.stderr, /^Warning: cannot write a recovery copy of the new secret of client "old"/m);
    // Where another folder has room, it is kept there meanwhile.
    rmSync(join(disk.path, "ballast"));
    const elsewhere = await scenario.run(rotate);
    assertExit(elsewhere, 0);
    assert.doesNotMatch(elsewhere.stderr, /^Warning/m);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("follows in a log after one that the disk had no room for", () => {
    using disk = openDisk(65_536);
    const random = (count: number): Uint8Array => new Uint8Array(count);
    const log = createRecoveryStore({ folders: [disk.path], random }).openSharedFile() ?? assert.fail("no log");
    const record = { state: "unverified", reason: "r", time: "t", endpoint: "e" } as const;
    log.save({ ...record, client_id: "first" });
    disk.fill(0);
    assert.throws(() => log.save({ ...record, client_id: "cut", client_secret: "x".repeat(10_000) }), /ENOSPC/);
    rmSync(join(disk.path, "ballast"));
    log.save({ ...record, client_id: "next" });
    const lines = readFileSync(log.path, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).client_id),
      ["first", "next"],
    );
    log.close();
  });

  it("goes elsewhere when its folder is gone or full at the moment it is needed", SLOW, async () => {
    using disk = openDisk(65_536);
    using folders = temporaryFolder();
    const state = join(folders.path, "state");
    mkdirSync(state);
    const cases = [
      { spoil: () => rmSync(state, { recursive: true }), env: { XDG_STATE_HOME: state }, more: [] },
      { spoil: () => disk.fill(), env: {}, more: ["--rescue-dir", disk.path] },
    ];
    for (const { spoil, env, more } of cases) {
      const spoiling: Fault = async (exchange) => {
        spoil();
        await dropAfter(exchange);
      };
      await using scenario = await openScenario("26", inOrder(spoiling));
      const ended = await scenario.run([...CREATE, "--id", "app", "--fail-after", "0", ...more], {
        env: { ...env, HOME: scenario.home },
      });
      assertExit(ended, 6);
      const [kept, ...others] = scenario.recoveryCopies();
      assert.deepEqual(others, []);
      assert.equal(kept?.record.client_secret, scenario.sandbox.secretOf("app"), describeRun(ended));
      assert.ok(ended.stderr.includes(`; its secret is in "${kept?.path}"`), describeRun(ended));
    }
  });
});

describe("a client whose secret cannot be delivered", () => {
  const CREATE = ["clients", "create", "--id", "app", ...GRANT];
  const deletions = (scenario: Scenario): number =>
    scenario.proxy.seen.filter(({ method }) => method === "DELETE").length;

  it("is deleted when nothing of it was delivered, and only then", SLOW, async () => {
    using disk = openDisk(65_536);
    disk.fill(4096);
    const out = join(disk.path, "out");
    for (const room of [0, 70]) {
      // A page of memory is taken whole, so only what is left of a page can be written in part.
      writeFileSync(out, "x".repeat(4096 - room));
      await using scenario = await openScenario();
      await using running = start("/bin/sh", ["-c", `exec "$0" "$@" >>"$OUT"`, BINARY, ...CREATE], {
        env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, OUT: out },
      });
      const ended = await running.ended;
      assertExit(ended, 1);
      const written = readFileSync(out, "utf8").replace(/^x+/, "");
      assert.equal(written.length, room);
      assert.equal(deletions(scenario), room === 0 ? 1 : 0);
      const secret = scenario.sandbox.secretOf("app");
      const [kept] = scenario.recoveryCopies();
      if (room === 0) {
        assert.equal(secret, undefined);
        assert.equal(kept, undefined);
        assert.match(ended.stderr, /^Error: .*the disk is full; client "app" was deleted again$/m);
      } else {
        assert.ok(secret?.startsWith(written.split("Client Secret: ")[1] ?? "nothing"), written);
        assert.equal(kept?.record.client_secret, secret);
        assert.equal(kept?.record.state, "made");
        assert.ok(
          ended.stderr.includes(`client "app" was created; its secret is in "${kept?.path}"`),
          describeRun(ended),
        );
      }
    }
  });

  it("is deleted at the moment that a file cannot be written after all, and stays after a change", SLOW, async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "out.env");
    await using scenario = await openScenario("26", ({ method, pass, reply }) =>
      method === "POST" || method === "PATCH"
        ? async () => {
            writeFileSync(out, "mine");
            reply(await pass());
          }
        : undefined,
    );
    const ended = await scenario.run([...CREATE, "--secret-out", out]);
    assertFails(ended, 1, /: another program has created ".*" meanwhile; client "app" was deleted again/);
    // The next run finds out whether the destination is the problem.
    assert.match(
      ended.stderr,
      /^Hint: run the command again, with another destination if this one cannot be written$/m,
    );
    assert.deepEqual(
      [scenario.sandbox.clients().length, deletions(scenario), readFileSync(out, "utf8")],
      [0, 1, "mine"],
    );
    assert.deepEqual([scenario.recoveryCopies(), readdirSync(folder.path)], [[], ["out.env"]]);
    assertExit(await scenario.run(CREATE), 0);
    for (const args of [
      ["rotate-secret", "app"],
      ["update", "app", "--secret", GIVEN],
    ]) {
      rmSync(out);
      const ended = await scenario.run(["clients", ...args, "--secret-out", out]);
      assertFails(ended, 1, /Cannot deliver the new secret of client "app"/);
      const [kept, ...others] = scenario.recoveryCopies();
      assert.deepEqual(others, []);
      assert.equal(kept?.record.client_secret, scenario.sandbox.secretOf("app"));
      rmSync(kept?.path ?? "");
    }
    assert.equal(deletions(scenario), 1);
  });

  it("stays after an apply, and the server's secret is saved if it answered with another one", SLOW, async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "out");
    await using scenario = await openScenario("26", (exchange) =>
      exchange.method === "PATCH"
        ? async () => {
            writeFileSync(join(out, "app.env"), "mine");
            exchange.reply(await withAnotherSecret(exchange, scenario.sandbox.url));
          }
        : undefined,
    );
    const apply = (method: string): Promise<Ended> => {
      const client = { client_id: "app", grant_types: ["client_credentials"], token_endpoint_auth_method: method };
      writeFileSync(join(folder.path, "app.json"), JSON.stringify(client));
      return scenario.run(["apply", join(folder.path, "app.json"), "--stack", "s", "--secret-out", out]);
    };
    assertExit(await apply("none"), 0);
    const ended = await apply("client_secret_basic");
    assertFails(ended, 1, /Cannot deliver the new secret of client "app"/);
    const [kept, ...others] = scenario.recoveryCopies();
    assert.deepEqual(others, []);
    assert.equal(kept?.record.client_secret, "made-by-the-server-012345");
    assert.equal(kept?.record["request"], "change");
    assert.equal(kept?.record.client_secret, scenario.sandbox.secretOf("app"));
  });

  it("stays, with its secret saved, when it's uncertain that this run created it", SLOW, async () => {
    for (const doubt of [dropAfter, swapped((reply) => ({ ...reply, status: 200 })), cutInside]) {
      await using scenario = await openScenario("26", inOrder(doubt));
      await using running = start(
        "/bin/sh",
        ["-c", 'exec "$0" "$@" >/dev/full', BINARY, "clients", "create", ...GRANT],
        {
          env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home },
        },
      );
      const ended = await running.ended;
      assertExit(ended, 1);
      assert.equal(deletions(scenario), 0);
      const [kept] = scenario.recoveryCopies();
      assert.equal(
        kept?.record.client_secret,
        scenario.sandbox.secretOf(kept?.record.client_id ?? ""),
        describeRun(ended),
      );
      assert.equal(scenario.sandbox.clients().length, 1);
    }
  });
});

describe("an answer nested too deeply to print", () => {
  const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  const deeply = (depth: number): Fault =>
    swapped((reply) => ({ ...reply, body: `${reply.body.trimEnd().slice(0, -1)},"deep":${deep(depth)}}` }));
  const KEY = ["--token-endpoint-auth-method", "private_key_jwt", "--generate-key", "ES256"];
  const TOO_DEEP = /^Warning: the server's answer about client "app" has .*"?deep"?.*; it is shown as null$/m;

  it("delivers the credentials of a new client all the same", SLOW, async () => {
    for (const [depth, format] of [
      [12_000, "yaml"],
      [1_000_000, "json"],
    ] as const) {
      for (const more of [[], ["--pgp-key", reader.key], [...KEY, "--pgp-key", reader.key]]) {
        await using scenario = await openScenario("26", inOrder(deeply(depth)));
        const ended = await scenario.run(["clients", "create", ...GRANT, ...more, "--id", "app", "--format", format]);
        assertExit(ended, 0);
        assert.match(ended.stderr, TOO_DEEP);
        const delivered = await inResult(ended.stdout, reader, format);
        assert.deepEqual(reconcile(scenario.sandbox, delivered), { lost: [], unfounded: [] }, describeRun(ended));
        assert.deepEqual(scenario.recoveryCopies(), []);
      }
    }
  });

  it("delivers a key to its file", SLOW, async () => {
    using folder = temporaryFolder();
    await using scenario = await openScenario("26", inOrder(deeply(12_000)));
    const out = join(folder.path, "key.json");
    const args = ["clients", "create", ...GRANT, ...KEY, "--id", "app", "--key-out", out, "--format", "yaml"];
    const ended = await scenario.run(args);
    assertExit(ended, 0);
    assert.match(ended.stderr, TOO_DEEP);
    assert.deepEqual(reconcile(scenario.sandbox, await inSecretFile(out, reader, "app")), { lost: [], unfounded: [] });
  });

  it("does not stop an import", SLOW, async () => {
    const deepest = deeply(12_000);
    await using scenario = await openScenario("26", ({ method, body }) =>
      method === "POST" && body.includes("fourth") ? deepest : undefined,
    );
    const input = IMPORTED.map((client) => JSON.stringify(client)).join("\n");
    const ended = await scenario.run(["clients", "import", "--format", "ndjson"], { stdin: input });
    assertExit(ended, 0);
    const delivered = await inResult(ended.stdout, reader, "ndjson");
    const known = new Map([["third", [GIVEN]]]);
    assert.deepEqual(reconcile(scenario.sandbox, delivered, known), { lost: [], unfounded: [] }, describeRun(ended));
    assert.equal(scenario.sandbox.clients().length, 4);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("delivers a new secret that a change has set", SLOW, async () => {
    for (const version of ["26", "next"] as const) {
      for (const args of [
        ["rotate-secret", "app"],
        ["update", "app", "--secret", GIVEN, "--pgp-key", reader.key],
        ["create", "--id", "app", "--if-exists", "update", "--secret", GIVEN, "--pgp-key", reader.key, ...GRANT],
      ]) {
        await using scenario = await openScenario(version, ({ method, target }) =>
          method === "PATCH" || target.endsWith("/secrets/rotate") ? deeply(12_000) : undefined,
        );
        assertExit(await scenario.run(["clients", "create", ...GRANT, "--id", "app"]), 0);
        const ended = await scenario.run(["clients", ...args, "--format", "yaml"]);
        assertExit(ended, 0);
        assert.match(ended.stderr, TOO_DEEP);
        const [delivered] = await inResult(ended.stdout, reader, "yaml");
        assert.equal(delivered?.secret, scenario.sandbox.secretOf("app"), describeRun(ended));
        assert.deepEqual(scenario.recoveryCopies(), []);
      }
    }
  });
});

describe("the end of a run", () => {
  it("comes at most five seconds after its time when nothing is answered any more", SLOW, async () => {
    const runs = (["1s", "0"] as const).flatMap((patience) =>
      (["SIGTERM", undefined] as const).map(async (signal) => {
        await using scenario = await openScenario("26", () => stallBefore);
        const args = ["clients", "create", ...GRANT, "--api", "v2", "--fail-after", patience];
        // The program is killed, and the test fails, when the wait that must be cut short is not.
        await using running = scenario.start(args, { timeout: 50_000 });
        await scenario.proxy.arrived(1);
        // A single try has a minute of its own, which only a signal cuts short.
        if (patience === "0" && signal === undefined) return;
        if (signal !== undefined) running.kill(signal);
        const ended = await running.ended;
        assertExit(ended, signal === undefined ? 6 : 143);
        assert.equal(scenario.recoveryCopies()[0]?.record.state, "unverified");
        assert.ok(ended.stderr.includes(scenario.recoveryCopies()[0]?.path ?? "nothing"), describeRun(ended));
      }),
    );
    await Promise.all(runs);
  });

  it("by a signal doesn't wait for a stalled reader, and loses nothing", SLOW, async () => {
    using folder = temporaryFolder();
    using fifo = openFifo(folder.path);
    await using scenario = await openScenario();
    const clients = Array.from({ length: 300 }, (_, n) => ({ client_id: `c${n}`, ...IMPORTED[1] }));
    await using running = start(
      "/bin/sh",
      ["-c", `exec "$0" "$@" >"$PIPE"`, BINARY, "clients", "import", "--format", "ndjson"],
      {
        env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, PIPE: fifo.path },
        stdin: clients.map((client) => JSON.stringify(client)).join("\n"),
      },
    );
    // A pipe holds 64 KiB, which these results exceed; then the program waits, and sends no more.
    await waitForAnswers(scenario, running, 60);
    running.kill("SIGTERM");
    const ended = await running.ended;
    const kept = await inRecoveryCopies(scenario.home, reader);
    const delivered = [
      ...(await inResult(fifo.read(), reader)),
      ...kept.flatMap(({ delivered }) => (delivered === undefined ? [] : [delivered])),
    ];
    const { lost, unfounded } = reconcile(scenario.sandbox, delivered);
    assert.deepEqual([lost, unfounded], [[], []], describeRun(ended));
    assert.ok(kept.length > 0, describeRun(ended));
    assert.ok(scenario.sandbox.clients().length < clients.length);
  });

  it("by a signal waits neither for input nor for the reader of a list", SLOW, async () => {
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0", seed: 500 });
    const proxy = await openFaultProxy(sandbox.url, () => undefined);
    using folder = temporaryFolder();
    const [input, output] = ["in", "out"].map((name) => {
      execFileSync("mkfifo", [join(folder.path, name)]);
      return openSync(join(folder.path, name), constants.O_RDWR);
    });
    try {
      for (const [line, ...args] of [
        ["<in", "clients", "create", "--secret-file", "-"],
        [">out", "clients", "list", "--format", "json"],
      ]) {
        await using waiting = start("/bin/sh", ["-c", `exec "$0" "$@" ${line}`, BINARY, ...args], {
          env: { HYDRA_ADMIN_URL: proxy.url },
          cwd: folder.path,
        });
        const asks = args[1] === "list";
        await waitUntilIdle(waiting.pid, () => proxy.seen.length > 0 === asks && !hasConnectionTo(proxy.url));
        waiting.kill("SIGINT");
        const ended = await waiting.ended;
        assertExit(ended, 130);
        assert.match(ended.stderr, /Interrupted/);
      }
      assert.equal(sandbox.clients().length, 500);
    } finally {
      closeSync(input ?? 0);
      closeSync(output ?? 0);
      await proxy.close();
      await sandbox.close();
    }
  });
});

/** Signals at any moment of a create. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { RUNS_EVERYTHING } from "../thorough.ts";
import { namespaces } from "./bare-root.ts";
import { BINARY, type Ended, type Running, start, temporaryFolder } from "./binary.ts";
import { type Exchange, type Fault, inOrder, stallBefore } from "./fault-proxy.ts";
import { hasConnectionTo, waitUntilIdle } from "./process-state.ts";
import { openRandom } from "./random.ts";
import {
  assertExit,
  describeRun,
  ENDING_SIGNALS,
  EXIT_CODES_BY_SIGNAL,
  openScenario,
  printed,
  type Scenario,
  SEED,
  SLOW,
} from "./scenario.ts";

type Name = keyof typeof EXIT_CODES_BY_SIGNAL;

/** A door that opens once, from outside. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

/** A server that takes a request and says so, and never answers. */
async function silentServer(): Promise<{ url: string; asked: Promise<void> } & AsyncDisposable> {
  const { passed, open } = gate();
  const server = createServer(open);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked: passed,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A way to start the program, and the process that gets the signals. */
interface Way {
  readonly name: string;
  start(scenario: Scenario, args: readonly string[], env?: Readonly<Record<string, string>>): Running;
  signal(running: Running, name: Name): void;
}

const ORDINARY: Way = {
  name: "as any process",
  start: (scenario, args, env = {}) => scenario.start(args, { env }),
  signal: (running, name) => running.kill(name),
};

const FIRST: Way = {
  name: "as PID 1",
  start: (scenario, args, env = {}) =>
    start("unshare", [...namespaces().options, "--pid", "--fork", "--mount-proc", BINARY, ...args], {
      env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, ...env },
    }),
  signal(running, name) {
    const [child] = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, "latin1").trim().split(" ");
    assert.match(readFileSync(`/proc/${child}/status`, "latin1"), /^NSpid:\s+\d+\s+1$/m);
    process.kill(Number(child), name);
  },
};

for (const way of [ORDINARY, FIRST]) {
  describe(`a signal to the program ${way.name}`, () => {
    it("before the request ends the program, and nothing is created", SLOW, async () => {
      for (const name of ENDING_SIGNALS) {
        await using scenario = await openScenario();
        await using keybase = await silentServer();
        await using running = way.start(scenario, [...SEED, "--keybase", "alice"], { HYDRA_KEYBASE_URL: keybase.url });
        await keybase.asked;
        way.signal(running, name);
        const ended = await running.ended;
        assertExit(ended, EXIT_CODES_BY_SIGNAL[name]);
        assert.equal(ended.stdout, "");
        assert.match(ended.stderr, /^Error: Interrupted/);
        assert.equal(scenario.proxy.seen.length, 0);
        assert.deepEqual(scenario.recoveryCopies(), []);
      }
    });

    it("during a request that the server has not read keeps the secret, unverified", SLOW, async () => {
      for (const name of ENDING_SIGNALS) {
        await using scenario = await openScenario("26", inOrder(stallBefore));
        await using running = way.start(scenario, SEED);
        await scenario.proxy.arrived(1);
        way.signal(running, name);
        const ended = await running.ended;
        assertExit(ended, EXIT_CODES_BY_SIGNAL[name]);
        assert.equal(ended.stdout, "");
        assert.equal(scenario.sandbox.clients().length, 0);
        const [kept] = scenario.recoveryCopies();
        assert.equal(kept?.record.state, "unverified");
        assert.equal(kept?.mode, 0o600);
        assert.ok(ended.stderr.includes(kept?.path ?? "nothing"), describeRun(ended));
        assert.equal(JSON.parse(scenario.proxy.posts()[0]?.body ?? "").client_secret, kept?.record.client_secret);
      }
    });

    it("during a request that the server has carried out loses no secret", SLOW, async () => {
      for (const name of ENDING_SIGNALS) {
        const made = gate();
        const carriedOut: Fault = async ({ pass }: Exchange) => {
          await pass();
          made.open();
        };
        await using scenario = await openScenario("26", inOrder(carriedOut));
        await using running = way.start(scenario, SEED);
        await made.passed;
        way.signal(running, name);
        const ended = await running.ended;
        assert.equal(accounted(scenario, ended), "kept", describeRun(ended));
        assert.equal(scenario.proxy.posts().length, 1);
      }
    });

    it("while the API version is being detected loses no secret", SLOW, async () => {
      await using scenario = await openScenario("26", ({ method }) => (method === "DELETE" ? undefined : stallBefore));
      await using running = way.start(scenario, SEED);
      await scenario.proxy.arrived(1);
      way.signal(running, "SIGTERM");
      // The look for the client stalls too; impatience does not make it forget the secret.
      await seen(scenario, "GET");
      way.signal(running, "SIGTERM");
      way.signal(running, "SIGINT");
      const ended = await running.ended;
      assertExit(ended, 143);
      assert.equal(scenario.recoveryCopies()[0]?.record.state, "unverified");
      assert.equal(scenario.sandbox.clients().length, 0);
    });
  });
}

/** Resolves once a request of a method has come in. */
async function seen(scenario: Scenario, method: string): Promise<void> {
  while (!scenario.proxy.seen.some((exchange) => exchange.method === method)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What became of the client of a run: it is not there, or its secret is; anything else is a fault. */
function accounted(scenario: Scenario, ended: Ended): "nothing" | "kept" {
  const shown = ended.stdout === "" ? undefined : printed(ended);
  const rescued = scenario.recoveryCopies();
  for (const { client_id: id } of scenario.sandbox.clients()) {
    const secret = scenario.sandbox.secretOf(String(id));
    const kept = rescued.find(({ record }) => record.client_id === id);
    const delivered = shown?.id === id && shown?.secret === secret;
    assert.ok(delivered || kept?.record.client_secret === secret, `a secret is lost: ${describeRun(ended)}`);
    if (!delivered) assert.ok(ended.stderr.includes(kept?.path ?? "nothing"), describeRun(ended));
  }
  if (shown !== undefined)
    assert.ok(scenario.sandbox.secretOf(shown.id) !== undefined, `no such client: ${describeRun(ended)}`);
  for (const { record } of rescued) {
    if (record.state === "made") assert.ok(scenario.sandbox.secretOf(record.client_id ?? "") !== undefined);
  }
  return scenario.sandbox.clients().length === 0 ? "nothing" : "kept";
}

describe("standard error that nobody reads", () => {
  it("does not keep the program from ending at a signal", SLOW, async () => {
    using folder = temporaryFolder();
    const pipe = join(folder.path, "pipe");
    execFileSync("mkfifo", [pipe]);
    const fd = openSync(pipe, constants.O_RDWR);
    try {
      writeSync(fd, new Uint8Array(65_536));
      await using scenario = await openScenario();
      let asked = 0;
      for (const args of [["--bogus"], [...SEED, "-v"], ["clients", "get", "nobody"]]) {
        await using running = start("/bin/sh", ["-c", 'exec "$0" "$@" 2>"$PIPE" >/dev/null', BINARY, ...args], {
          env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, PIPE: pipe },
        });
        // It has done its work and waits only for its reader.
        const asks = args[0] === "--bogus" ? 0 : asked + 1;
        await waitUntilIdle(running.pid, () => scenario.proxy.seen.length === asks && !hasConnectionTo(scenario.url));
        asked = asks;
        running.kill("SIGTERM");
        const ended = await running.ended;
        assertExit(ended, 143);
      }
      assert.equal(scenario.sandbox.clients().length, 1);
    } finally {
      closeSync(fd);
    }
  });
});

describe("a signal at any moment", () => {
  it("loses no secret, and delivers none of a client that doesn't exist", SLOW, async () => {
    const random = openRandom("a signal at any moment");
    const outcomes = { nothing: 0, kept: 0 };
    async function once(n: number): Promise<void> {
      await using scenario = await openScenario("26");
      await using running = scenario.start(SEED);
      const name = ENDING_SIGNALS[n % ENDING_SIGNALS.length] ?? "SIGTERM";
      await new Promise((resolve) => setTimeout(resolve, random.below(70)));
      running.kill(name);
      const ended = await running.ended;
      // Before its handlers are set, a signal ends the program in the system's way.
      assert.ok(
        ended.signal === name || ended.status === 0 || ended.status === EXIT_CODES_BY_SIGNAL[name],
        `after ${name}: ${describeRun(ended)}`,
      );
      outcomes[accounted(scenario, ended)]++;
    }
    const runs = RUNS_EVERYTHING ? 200 : 80;
    for (let n = 0; n < runs; n += 4) await Promise.all([0, 1, 2, 3].map((more) => once(n + more)));
    assert.equal(outcomes.nothing + outcomes.kept, runs);
  });

  it("may be the moment of the answer", SLOW, async () => {
    for (let n = 0; n < (RUNS_EVERYTHING ? 40 : 10); n++) {
      let stop = (): void => {};
      const answered: Fault = async (exchange) => {
        const reply = await exchange.pass();
        if (n % 2 === 0) stop();
        exchange.reply(reply);
        if (n % 2 === 1) stop();
      };
      await using scenario = await openScenario("26", inOrder(answered));
      await using running = scenario.start(SEED);
      stop = () => running.kill("SIGTERM");
      const ended = await running.ended;
      assert.equal(accounted(scenario, ended), "kept");
    }
  });
});

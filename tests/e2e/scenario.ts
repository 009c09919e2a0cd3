/** A server, a proxy and a home folder for one test, and assertions about how runs end. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { type Sandbox, type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { type Ended, type Running, type RunOptions, startBinary, temporaryFolder } from "./binary.ts";
import { type FaultProxy, openFaultProxy, type Plan } from "./fault-proxy.ts";
import { hasConnectionTo, waitUntilIdle } from "./process-state.ts";

/** The seed's own example, without the program's name. */
export const SEED = [
  ...["clients", "create", "-n", "my app", "-c", "http://localhost/cb"],
  ...["-g", "authorization_code", "-r", "code", "-a", "core,foobar"],
];

/** How long a test may take that runs the program several times, or waits for its deadlines; a busy machine needs more. */
export const SLOW = { timeout: 300_000 };

/** Every signal that ends the program, with the exit code that it then has. */
export const EXIT_CODES_BY_SIGNAL = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGQUIT: 131,
  SIGUSR1: 138,
  SIGUSR2: 140,
  SIGALRM: 142,
  SIGTERM: 143,
  SIGXCPU: 152,
  SIGVTALRM: 154,
  SIGPROF: 155,
  SIGIO: 157,
} as const;

function isEnding(name: string): name is keyof typeof EXIT_CODES_BY_SIGNAL {
  return name in EXIT_CODES_BY_SIGNAL;
}

/** Their names. */
export const ENDING_SIGNALS = Object.keys(EXIT_CODES_BY_SIGNAL).filter(isEnding);

const Rescue = v.looseObject({
  state: v.picklist(["made", "unverified"]),
  reason: v.string(),
  time: v.string(),
  endpoint: v.string(),
  client_id: v.optional(v.string()),
  client_secret: v.optional(v.string()),
  client_secret_encrypted: v.optional(v.string()),
});

/** A recovery copy that was found. */
export interface RecoveryCopy {
  readonly path: string;
  /** Its permission bits. */
  readonly mode: number;
  readonly record: v.InferOutput<typeof Rescue>;
}

/** The recovery copies in a folder. */
export function recoveryCopiesIn(folder: string): readonly RecoveryCopy[] {
  return readdirSync(folder)
    .filter((name) => name.includes("hydra-rescue"))
    .flatMap((name) => {
      const path = join(folder, name);
      const mode = statSync(path).mode & 0o777;
      return recordTexts(path).map((text) => ({ path, mode, record: v.parse(Rescue, JSON.parse(text)) }));
    });
}

/** The texts of the records in a recovery copy: one, or in the file of an import one per client. */
export function recordTexts(path: string): readonly string[] {
  const text = readFileSync(path, "utf8");
  return path.endsWith(".ndjson") ? text.split("\n").filter((line) => line !== "") : [text];
}

/** A server, a home folder, and the program between them. */
export interface Scenario extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** The proxy before the sandbox. */
  readonly proxy: FaultProxy;
  /** Where the program is sent: the proxy. */
  readonly url: string;
  /** The home folder of every run, where recovery copies go. */
  readonly home: string;
  /** Starts the program; the endpoint and the home are added. */
  start(args: readonly string[], options?: RunOptions): Running;
  /** Runs the program to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  recoveryCopies(): readonly RecoveryCopy[];
}

/** Starts a sandbox behind a proxy that does what the plan says, or nothing. */
export async function openScenario(as: SandboxVersion = "26", plan: Plan = () => undefined): Promise<Scenario> {
  const sandbox = await startSandbox({ as, listen: "127.0.0.1:0" });
  const proxy = await openFaultProxy(sandbox.url, plan);
  const home = temporaryFolder();
  const start: Scenario["start"] = (args, options = {}) =>
    startBinary(args, { ...options, env: { HYDRA_ADMIN_URL: proxy.url, HOME: home.path, ...options.env } });
  return {
    sandbox,
    proxy,
    url: proxy.url,
    home: home.path,
    start,
    run: (args, options) => start(args, options).ended,
    recoveryCopies: () => recoveryCopiesIn(home.path),
    [Symbol.asyncDispose]: async () => {
      await proxy.close();
      await sandbox.close();
      home[Symbol.dispose]();
    },
  };
}

/** Resolves once that many creates have been sent, all answers have been read, and the program waits for something else. */
export async function waitForAnswers({ proxy }: Scenario, { pid }: Running, posts: number): Promise<void> {
  await proxy.arrived(posts);
  await waitUntilIdle(pid, () => !hasConnectionTo(proxy.url));
}

/** The ID and the secret that the text format printed, which must be all of its output. */
export function printed(ended: Ended): { readonly id: string; readonly secret: string } {
  const [all, id = "", secret = ""] =
    /^OAuth 2\.0 Client ID: (\S+)\nOAuth 2\.0 Client Secret: (\S+)\n$/.exec(ended.stdout) ?? [];
  assert.ok(all !== undefined, `not an id and a secret: ${describeRun(ended)}`);
  return { id, secret };
}

/** The ID and the encrypted secret that the text format printed, which must be all of its output. */
export function printedEncrypted(ended: Ended): { readonly id: string; readonly message: string } {
  const [all, id = "", message = ""] =
    /^OAuth 2\.0 Client ID: (\S+)\nOAuth 2\.0 Encrypted Client Secret: (\S+)\n$/.exec(ended.stdout) ?? [];
  assert.ok(all !== undefined, `not an id and an encrypted secret: ${describeRun(ended)}`);
  return { id, message };
}

/** What a run said, for the message of an assertion. */
export function describeRun(ended: Ended): string {
  return `exit ${ended.status}${ended.signal === null ? "" : ` by ${ended.signal}`}\nstdout: ${ended.stdout}\nstderr: ${ended.stderr}`;
}

/** Asserts an exit code. */
export function assertExit(ended: Ended, status: number): void {
  assert.equal(ended.status, status, describeRun(ended));
}

/** Asserts an error as it must be: a status, nothing on stdout, one error line that matches, one line of hint. */
export function assertFails(ended: Ended, status: number, message: RegExp): void {
  assertExit(ended, status);
  assert.equal(ended.stdout, "", describeRun(ended));
  const lines = ended.stderr.split("\n");
  const errors = lines.filter((line) => line.startsWith("Error: "));
  assert.equal(errors.length, 1, describeRun(ended));
  assert.match(errors[0] ?? "", message);
  assert.equal(lines.filter((line) => line.startsWith("Hint: ")).length, 1, describeRun(ended));
  assert.doesNotMatch(ended.stderr, /\n\s+at |<html|\[object|undefined/, describeRun(ended));
}

/** Asserts that there is one client, and that what was printed is what the server stored. */
export function isStored(scenario: Scenario, ended: Ended): void {
  assertExit(ended, 0);
  const { id, secret } = printed(ended);
  assert.equal(scenario.sandbox.clients().length, 1);
  assert.equal(scenario.sandbox.secretOf(id), secret);
  assert.deepEqual(scenario.recoveryCopies(), []);
}

/**
 * `npm test`: runs the checks, the unit tests and the tests of the compiled program, and prints `N passed, N failed` as
 * its last line. Arguments select steps by any part of their names; `checks` selects format, lint and types.
 * `TEST_DOWNLOADS=1` adds the tests whose tools `.ci/run --all` downloads.
 */

import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { RUNS_EVERYTHING } from "../tests/thorough.ts";
import { execute, killGroups } from "./process-group.ts";
import { evaluate, type Verdict } from "./test-report.ts";
import { isKeptVariable, selectSteps } from "./test-selection.ts";

/** Milliseconds after which a step counts as hanging. A busy machine needs many times what an idle one does. */
const LIMIT = 20 * 60_000;

/** Milliseconds after which one test counts as hanging, so that the report names it. */
const TEST_LIMIT = 8 * 60_000;

/** Milliseconds that the output of a runner that has ended may stay open. */
const CLOSE_LIMIT = 10_000;

const root = join(import.meta.dirname, "..");

const bin = join(root, "node_modules/.bin");

const scratch = mkdtempSync(join(tmpdir(), "hydra-run-"));

interface Done extends Verdict {
  readonly output: string;
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<Done>;
  /** The test file, where it shares a process with others that are selected. */
  readonly shared?: string;
}

/** The environment of every step: no colours, and nothing that would configure the program under test. */
function environment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => isKeptVariable(name));
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...extra };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    killGroups();
    rmSync(scratch, { recursive: true, force: true });
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}

/** Runs the program of a step. */
function executeStep(
  command: readonly string[],
  extra: Readonly<Record<string, string>> = {},
): ReturnType<typeof execute> {
  return execute(command, { cwd: root, env: environment(extra), limit: LIMIT, closeLimit: CLOSE_LIMIT });
}

/** A step that passes where a command exits with 0. */
function check(name: string, ...command: readonly string[]): Step {
  return {
    name: `check ${name}`,
    run: async () => {
      const { status, output } = await executeStep(command);
      return status === 0
        ? { passed: 1, failed: [], output }
        : { passed: 0, failed: [`exit code ${status ?? "none"}`], output };
    },
  };
}

/** The test files that take longest, which start first: a long step that starts last leaves the other workers idle. */
const LONG =
  /\/(contributing|deno|faults|formats|install-script|json-web-key-tools|never-lost|pgp|redaction|release|secrets|shells|signals)\.test\.ts$/;

/**
 * The test files that mostly wait for deadlines and whose tests share nothing, each having its own servers and folders:
 * their tests run several at a time. bun then fails the file rather than the test: its output names the assertion.
 */
const CONCURRENT =
  /^tests\/e2e\/(create|faults|hostile-server|rotate|rotation-signals|shells|signals|update|wait)\.test\.ts$/;

/**
 * The unit tests that also run under deno: those whose code touches the system, the network or cryptography, where runtimes
 * differ. The rest is plain computing, which `deno check` covers, and tests/e2e/deno.test.ts runs the whole program under
 * deno.
 */
const ALSO_UNDER_DENO =
  /^tests\/(app\/(main|platforms|state-files)|adapters\/(?!edit-yaml|host\/|jsonpath|oauth\/(cookie|expected)|yaml))/;

/** Mostly waits for GnuPG; without it, tests/e2e/deno.test.ts encrypts under deno, and GnuPG decrypts. */
const SLOW_UNDER_DENO = /^tests\/adapters\/pgp\.test\.ts$/;

/** The test files that also run on the servers of HYDRA_TEST_ENDPOINTS. */
const ON_REAL_SERVERS = /^tests\/(conformance\/|e2e\/keys\.test\.ts$)/;

/** The unit tests that share one process: they only compute, and most take less time than loading and compiling the code. */
const SHARED = "tests/core/";

type Runtime = "bun" | "deno";

/** The command that runs test files and writes a JUnit report. */
function runnerCommand(runtime: Runtime, files: readonly string[], report: string): readonly string[] {
  const paths = files.map((file) => `./${file}`);
  if (runtime === "deno") {
    const options = ["--allow-all", "--no-check", "--no-lock", "--preload=.ci/uncaught.ts"];
    return [join(bin, "deno"), "test", ...options, `--junit-path=${report}`, ...paths];
  }
  const concurrent = files.every((file) => CONCURRENT.test(file)) ? ["--concurrent", "--max-concurrency=4"] : [];
  const options = [`--timeout=${TEST_LIMIT}`, "--reporter=junit", `--reporter-outfile=${report}`];
  return [join(bin, "bun"), "test", ...options, ...concurrent, ...paths];
}

let reports = 0;

/** A step that runs test files in one process, after the build where there is one to wait for. */
function testStep(runtime: Runtime, files: readonly string[], built?: () => Promise<Done>): Step {
  const [only = "", ...others] = files;
  const isShared = runtime === "bun" && only.startsWith(SHARED);
  return {
    name: `${runtime} ${others.length === 0 ? only : `${SHARED} (${files.length} files)`}`,
    ...(isShared ? { shared: only } : {}),
    run: async () => {
      const build = await built?.();
      if (build !== undefined && build.failed.length > 0) {
        return { passed: 0, failed: ["not run, because the build failed"], output: "" };
      }
      const report = join(scratch, `${reports++}.xml`);
      const uncaught = `${report}.uncaught`;
      const { status, output } = await executeStep(runnerCommand(runtime, files, report), { TEST_UNCAUGHT: uncaught });
      const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
      const end = { status, report: read(report), uncaught: read(uncaught) ?? "" };
      return { ...evaluate(end, others.length === 0 ? [] : files), output };
    },
  };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

/** Steps that run one after the other: on a real server, a suite would see the clients of another. */
function oneByOne(steps: readonly Step[]): readonly Step[] {
  let before: Promise<unknown> = Promise.resolve();
  return steps.map(({ name, run }) => ({
    name,
    run: () => {
      const done = before.then(run);
      before = done;
      return done;
    },
  }));
}

/** The checks that need no test runner. */
function checks(): readonly Step[] {
  return [
    check("types", join(bin, "tsc"), "--project", "."),
    check("format and lint", join(bin, "biome"), "ci", "--colors=off", "--error-on-warnings", "."),
    check("exports", join(bin, "bun"), ".ci/check-exports.ts"),
    check("types under deno", join(bin, "deno"), "check", "--no-lock", "cli.ts"),
    check("GnuPG is installed (gnupg)", "gpg", "--version"),
    check("Sequoia is installed (sq)", "sq", "decrypt", "--help"),
    check("RNP is installed (rnp)", "rnp", "--version"),
  ];
}

/** A step that fails where a kind of test has no files, so that a wrong pattern doesn't pass as success. */
function presence(kind: string, files: readonly string[]): readonly Step[] {
  if (files.length > 0) return [];
  return [{ name: kind, run: async () => ({ passed: 0, failed: ["no such tests were found"], output: "" }) }];
}

/** All steps in the order in which they start: the build that others wait for, and what takes longest, first. */
function allSteps(): readonly Step[] {
  const build = check("build", join(bin, "bun"), "build.ts");
  const built = once(build.run);
  const files = globSync("tests/**/*.test.ts", { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => process.env["TEST_DOWNLOADS"] === "1" || !file.startsWith("tests/downloads/"))
    .sort();
  files.sort((a, b) => Number(LONG.test(b)) - Number(LONG.test(a)));
  const conformance = files.filter((file) => file.startsWith("tests/conformance/"));
  const endToEnd = files.filter((file) => file.startsWith("tests/e2e/"));
  const downloads = files.filter((file) => file.startsWith("tests/downloads/"));
  const units = files.filter((file) => ![conformance, endToEnd, downloads].some((others) => others.includes(file)));
  const realServerSteps = files
    .filter((file) => ON_REAL_SERVERS.test(file))
    .map((file) => testStep("bun", [file], built));
  const alsoUnderDeno = units.filter(
    (file) => ALSO_UNDER_DENO.test(file) && (RUNS_EVERYTHING || !SLOW_UNDER_DENO.test(file)),
  );
  return [
    { name: build.name, run: built },
    ...checks(),
    ...(process.env["HYDRA_TEST_ENDPOINTS"] ? oneByOne(realServerSteps) : realServerSteps),
    ...[...endToEnd, ...downloads]
      .filter((file) => !ON_REAL_SERVERS.test(file))
      .map((file) => testStep("bun", [file], built)),
    // The shortest steps last, so that the workers end together.
    ...alsoUnderDeno.map((file) => testStep("deno", [file])),
    ...units.map((file) => testStep("bun", [file])),
    ...presence("conformance tests", conformance),
    ...presence("end-to-end tests", endToEnd),
    ...presence("unit tests", units),
    ...presence("tests under deno", alsoUnderDeno),
  ];
}

/** The same steps, with those that share a process as one, which takes long and so comes before the rest. */
function withSharedProcess(steps: readonly Step[]): readonly Step[] {
  const files = steps.flatMap(({ shared }) => (shared === undefined ? [] : [shared]));
  const others = steps.filter(({ shared }) => shared === undefined);
  const first = others.findIndex(({ name }) => name.startsWith("bun tests/e2e/"));
  return files.length === 0 ? steps : others.toSpliced(Math.max(first, 0), 0, testStep("bun", files));
}

interface Totals {
  passed: number;
  readonly failures: string[];
}

/** Runs one step, prints how it ended, and counts it. */
async function runStep({ name, run }: Step, totals: Totals): Promise<void> {
  const started = performance.now();
  const { passed, failed, output } = await run();
  totals.passed += passed;
  totals.failures.push(...failed.map((failure) => `${name}: ${failure}`));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = failed.length === 0 ? "ok    " : "FAILED";
  process.stdout.write(`${verdict} ${name}: ${passed} passed, ${failed.length} failed (${seconds} s)\n`);
  if (failed.length > 0) process.stdout.write(`${output.trimEnd().replace(/^/gm, "    ")}\n`);
}

/** The recovery copies in the root of the repository: a test leaves one there where it lacks a HOME of its own. */
function recoveryCopies(): readonly string[] {
  return readdirSync(root).filter((name) => name.startsWith("hydra-rescue-"));
}

async function main(): Promise<number> {
  const { steps: chosen, unmatched } = selectSteps(allSteps(), process.argv.slice(2));
  const steps = withSharedProcess(chosen);
  const totals: Totals = { passed: 0, failures: [] };
  const started = performance.now();
  const before = recoveryCopies();
  const queue = [...steps];
  const work = async (): Promise<void> => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) await runStep(step, totals);
  };
  // Two workers more than processors: many steps wait for deadlines and answers.
  await Promise.all(Array.from({ length: availableParallelism() + 2 }, work));
  const { passed, failures } = totals;
  failures.push(...unmatched.map((word) => `no step has "${word}" in its name`));
  const added = recoveryCopies().filter((name) => !before.includes(name));
  failures.push(...added.map((name) => `a test left ${name} in the root of the repository`));
  const total = ((performance.now() - started) / 1000).toFixed(0);
  const list = failures.length === 0 ? "" : `\nFailed:\n${failures.map((failure) => `  ${failure}\n`).join("")}`;
  process.stdout.write(`${list}\n${steps.length} steps in ${total} s\n${passed} passed, ${failures.length} failed\n`);
  return failures.length === 0 && passed > 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/**
 * The one gate: `npm test`. Runs the checks, the unit tests and the tests of the compiled program, and prints
 * `N passed, N failed` as its last line. `checks` alone, or any part of a step's name, selects steps.
 */

import { spawn } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { judge, type Verdict } from "./test-report.ts";

/** Milliseconds after which a step has failed: it hangs. A busy machine needs many times what an idle one does. */
const LIMIT = 20 * 60_000;

const root = join(import.meta.dirname, "..");

const bin = join(root, "node_modules/.bin");

const scratch = mkdtempSync(join(tmpdir(), "hydra-run-"));

interface Done extends Verdict {
  readonly output: string;
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<Done>;
}

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** The environment of every step: nothing that would steer the program under test, and no colours. */
function environment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => name === "HYDRA_TEST_ENDPOINTS" || !/^(HYDRA_|OAUTH2_|ORY_|FORCE_COLOR$)/.test(name),
  );
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...extra };
}

const groups = new Set<number>();

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of the group has ended by itself.
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const pid of groups) killGroup(pid);
    rmSync(scratch, { recursive: true, force: true });
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}

/** Runs a program in a process group of its own, of which nothing is left when it has ended. */
function execute(command: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const [file = "", ...args] = command;
  return new Promise((settle) => {
    const child = spawn(file, args, {
      cwd: root,
      env: environment(extra),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const clear = (): void => {
      clearTimeout(timer);
      if (pid === undefined) return;
      killGroup(pid);
      groups.delete(pid);
    };
    const timer = setTimeout(() => {
      output += `\nDid not end within ${LIMIT / 60_000} minutes\n`;
      clear();
    }, LIMIT);
    // What a test leaves running holds the pipes open, so it goes as soon as its runner has ended.
    child.once("exit", clear);
    child.once("error", (error) => {
      clear();
      settle({ status: null, output: `${output}${error.message}\n` });
    });
    child.once("close", (status) => settle({ status, output }));
  });
}

function check(name: string, ...command: readonly string[]): Step {
  return {
    name: `check ${name}`,
    run: async () => {
      const { status, output } = await execute(command);
      return status === 0
        ? { passed: 1, failed: [], output }
        : { passed: 0, failed: [`exit status ${status ?? "none"}`], output };
    },
  };
}

const CONFORMANCE = "tests/conformance/";

/** The tests that take longest. */
const LONG = /\/(contributing|faults|formats|never-lost|redaction|release|secrets|shells|signals)\.test\.ts$/;

/**
 * The unit tests that also run under deno: those whose code touches the system or the network, where runtimes differ. The
 * rest is plain computing, which `deno check` covers, and tests/e2e/deno.test.ts runs the whole program under deno.
 */
const ALSO_UNDER_DENO = /^tests\/(adapters|app)\//;

let reports = 0;

function testStep(runtime: "bun" | "deno", file: string, built?: () => Promise<Done>): Step {
  return {
    name: `${runtime} ${file}`,
    run: async () => {
      const build = await built?.();
      if (build !== undefined && build.failed.length > 0) {
        return { passed: 0, failed: ["not run, as the build failed"], output: "" };
      }
      const report = join(scratch, `${reports++}.xml`);
      const uncaught = `${report}.uncaught`;
      const command = {
        bun: [join(bin, "bun"), "test", `--timeout=${LIMIT}`, "--reporter=junit", `--reporter-outfile=${report}`],
        deno: [
          join(bin, "deno"),
          ...["test", "--allow-all", "--no-check", "--no-lock", "--preload=.ci/uncaught.ts"],
          `--junit-path=${report}`,
        ],
      }[runtime];
      const { status, output } = await execute([...command, `./${file}`], { TEST_UNCAUGHT: uncaught });
      const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
      return { ...judge({ status, report: read(report), uncaught: read(uncaught) ?? "" }), output };
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

/** Steps that must not meet each other: on real servers one suite would see the clients of another. */
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

/** All steps, in the order in which they are started: what others wait for, and what takes longest, first. */
function allSteps(): readonly Step[] {
  const build = check("build", join(bin, "bun"), "build.ts");
  const built = once(build.run);
  const files = globSync("tests/**/*.test.ts", { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
  // A long step that begins last would leave the other processors idle.
  files.sort((a, b) => Number(LONG.test(b)) - Number(LONG.test(a)));
  const ofBinary = files.filter((file) => /^tests\/(e2e|conformance)\//.test(file));
  const units = files.filter((file) => !ofBinary.includes(file));
  const conformance = ofBinary
    .filter((file) => file.startsWith(CONFORMANCE))
    .map((file) => testStep("bun", file, built));
  const none = (what: string, found: readonly string[]): readonly Step[] =>
    found.length > 0
      ? []
      : [{ name: what, run: async () => ({ passed: 0, failed: ["there are no such tests"], output: "" }) }];
  return [
    { name: build.name, run: built },
    check("types", join(bin, "tsc"), "--project", "."),
    check("format and lint", join(bin, "biome"), "ci", "--colors=off", "--error-on-warnings", "."),
    check("exports", join(bin, "bun"), ".ci/check-exports.ts"),
    check("types under deno", join(bin, "deno"), "check", "--no-lock", "cli.ts"),
    check("GnuPG is installed (gnupg)", "gpg", "--version"),
    check("Sequoia is installed (sq)", "sq", "decrypt", "--help"),
    check("RNP is installed (rnp)", "rnp", "--version"),
    ...(process.env["HYDRA_TEST_ENDPOINTS"] ? oneByOne(conformance) : conformance),
    ...ofBinary.filter((file) => !file.startsWith(CONFORMANCE)).map((file) => testStep("bun", file, built)),
    ...units.map((file) => testStep("bun", file)),
    ...units.filter((file) => ALSO_UNDER_DENO.test(file)).map((file) => testStep("deno", file)),
    ...none("tests of the compiled program", ofBinary),
    ...none("unit tests", units),
  ];
}

function selected(steps: readonly Step[], words: readonly string[]): readonly Step[] {
  if (words.length === 0) return steps;
  return steps.filter(({ name }) =>
    words.some((word) => (word === "checks" ? /^check (types|format)/.test(name) : name.includes(word))),
  );
}

async function main(): Promise<number> {
  const steps = selected(allSteps(), process.argv.slice(2));
  const failures: string[] = [];
  let passed = 0;
  const started = performance.now();
  const queue = [...steps];
  async function work(): Promise<void> {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      const { name } = step;
      const begun = performance.now();
      const done = await step.run();
      passed += done.passed;
      failures.push(...done.failed.map((failure) => `${name}: ${failure}`));
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      const verdict = done.failed.length === 0 ? "ok    " : "FAILED";
      process.stdout.write(`${verdict} ${name}: ${done.passed} passed, ${done.failed.length} failed (${seconds} s)\n`);
      if (done.failed.length > 0) process.stdout.write(`${done.output.trimEnd().replace(/^/gm, "    ")}\n`);
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
  if (steps.length === 0) failures.push("nothing to run");
  const total = ((performance.now() - started) / 1000).toFixed(0);
  const list = failures.length === 0 ? "" : `\nFailed:\n${failures.map((failure) => `  ${failure}\n`).join("")}`;
  process.stdout.write(`${list}\n${steps.length} steps in ${total} s\n${passed} passed, ${failures.length} failed\n`);
  return failures.length === 0 && passed > 0 ? 0 : 1;
}

main()
  .finally(() => rmSync(scratch, { recursive: true, force: true }))
  .then((status) => {
    process.exitCode = status;
  });

import type { Host } from "../adapters/host.ts";
import { EXIT_CODES, type ExitName, Problem, SIGINT, SIGNAL_EXIT_BASE } from "../core/problem.ts";
import { formatProblems, toProblems } from "./combined-problems.ts";
import { dispatchCommandLine } from "./dispatch.ts";
import { ProgressBar } from "./progress.ts";
import type { RunState } from "./run-state.ts";
import { stderrStyle } from "./terminal-style.ts";

/** Milliseconds that pending output gets when a signal ends the program. A busy machine may take a second for a few lines. */
const EXIT_FLUSH_MS = 2_000;

/**
 * Milliseconds that work which handles the signal itself gets to end with its own message. It needs a few; a busy machine may
 * take longer.
 */
const OWN_END_MS = 500;

/** Runs one command line and returns the exit code. Every error is caught and written here, and nowhere else. */
export async function main(host: Host): Promise<number> {
  const ending = new AbortController();
  let signalExit: number | undefined;
  let ended = false;
  const endBySignal = (signal: number): void => {
    signalExit ??= SIGNAL_EXIT_BASE + signal;
    if (!ending.signal.aborted) ending.abort(new Problem("Interrupted", { code: "interrupted" }));
    // Output that nobody reads can keep the process alive after its end.
    if (ended) void flushAndExit(host, signalExit);
  };
  const run: RunState = {
    host,
    ending,
    critical: 0,
    json: false,
    syntax: "1.x",
    untilSignal: false,
    isPaging: false,
    endBySignal,
    abandoned: false,
    bar: new ProgressBar(host),
  };
  host.onEnding((signal) => {
    if (signal !== SIGINT || !run.isPaging) endBySignal(signal);
  });
  let exit: number;
  try {
    exit = EXIT_CODES[await raceSignal(run, dispatchCommandLine(run))];
    if (signalExit !== undefined && !run.untilSignal) exit = signalExit;
  } catch (error) {
    exit = EXIT_CODES[await reportProblems(run, error)];
    if (signalExit !== undefined && !(error instanceof Problem && error.code === "undelivered")) exit = signalExit;
  }
  ended = true;
  // Pending reads and writes must not delay the end.
  if (signalExit !== undefined || run.abandoned) await flushAndExit(host, exit);
  return exit;
}

/** Ends the process, after a moment for pending output. */
async function flushAndExit(host: Pick<Host, "stdout" | "stderr" | "sleep" | "exit">, exit: number): Promise<void> {
  const written = Promise.allSettled([host.stdout.write(""), host.stderr.write("")]);
  await Promise.race([written, host.sleep(EXIT_FLUSH_MS)]);
  host.exit(exit);
}

/** Stops waiting for work at a signal, unless the work must not be interrupted. */
function raceSignal<T>(run: RunState, work: Promise<T>): Promise<T> {
  const { signal } = run.ending;
  return new Promise((resolve, reject) => {
    work.then(resolve, reject);
    onAbort(signal, () => {
      setTimeout(() => {
        if (run.critical === 0) reject(signal.reason);
      }, OWN_END_MS);
    });
  });
}

/** Writes what went wrong to stderr and returns the exit code for it. */
async function reportProblems(run: RunState, error: unknown): Promise<ExitName> {
  const { host, ending, bar } = run;
  const problems = toProblems(error, host);
  const written = host.stderr.write(`${bar.away()}${formatProblems(problems, run, stderrStyle(host))}`).catch(() => {});
  // A signal limits the wait for a reader of stderr that doesn't read.
  const hurried = new Promise<void>((resolve) => {
    onAbort(ending.signal, () => {
      host.sleep(EXIT_FLUSH_MS).then(resolve, resolve);
    });
  });
  await Promise.race([written, hurried]);
  return problems[0]?.exit ?? "failed";
}

/** Calls back once a signal is aborted; immediately if it already is. */
function onAbort(signal: AbortSignal, callback: () => void): void {
  if (signal.aborted) callback();
  else signal.addEventListener("abort", callback, { once: true });
}

import type { Host } from "../adapters/host.ts";
import { BY_SIGNAL, EXIT, type ExitName, Problem } from "../core/problem.ts";
import { progressBar } from "./progress.ts";
import { Problems, problemsText, unexpected } from "./report.ts";
import { perform } from "./run.ts";
import type { Run } from "./run-state.ts";

/** Milliseconds that text on its way gets at an end by a signal. */
const EXIT_FLUSH_MS = 500;

/** Runs one command line to its end and gives the exit status; the one place that catches and writes. */
export async function main(host: Host): Promise<number> {
  const ending = new AbortController();
  let signalled: number | undefined;
  let over = false;
  host.onEnding((number) => {
    signalled ??= BY_SIGNAL + number;
    if (!ending.signal.aborted) ending.abort(new Problem("Interrupted", { code: "interrupted", exit: "failed" }));
    // Text that nobody reads may still be on its way then, and keeps the process.
    if (over) void flushAndExit(host, signalled);
  });
  const run: Run = { host, ending, critical: 0, json: false, stays: false, stuck: false, bar: progressBar(host) };
  let exit: number;
  try {
    exit = EXIT[await raceSignal(run, perform(run))];
    if (signalled !== undefined && !run.stays) exit = signalled;
  } catch (error) {
    exit = EXIT[await reportProblems(run, error)];
    if (signalled !== undefined && !(error instanceof Problem && error.code === "undelivered")) exit = signalled;
  }
  over = true;
  // Nothing that still waits (for standard input, or for a reader that stands still) may hold the end up.
  if (signalled !== undefined || run.stuck) await flushAndExit(host, exit);
  return exit;
}

/** Ends the process, with a moment for what is still on its way. */
async function flushAndExit(host: Host, exit: number): Promise<void> {
  const written = Promise.allSettled([host.stdout.write(""), host.stderr.write("")]);
  await Promise.race([written, host.sleep(EXIT_FLUSH_MS)]);
  host.exit(exit);
}

/** Gives up waiting for work at a signal, unless a client may be half made. */
function raceSignal<T>(run: Run, work: Promise<T>): Promise<T> {
  const { signal } = run.ending;
  return new Promise((resolve, reject) => {
    work.then(resolve, reject);
    const stop = (): void => {
      // Work that heard the signal itself gets a moment to end in its own words.
      setTimeout(() => {
        if (run.critical === 0) reject(signal.reason);
      }, 50);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** Tells what went wrong on stderr and gives the exit status for it. */
async function reportProblems(run: Run, error: unknown): Promise<ExitName> {
  const all = error instanceof Problems ? error.all : [error instanceof Problem ? error : unexpected(run.host, error)];
  const text = problemsText(run, all);
  const { host, ending } = run;
  const written = host.stderr.write(`${run.bar.away()}${text}`).catch(() => {});
  // A signal ends the wait for someone who does not read standard error.
  const hurried = new Promise<void>((resolve) => {
    const wait = (): void => {
      host.sleep(EXIT_FLUSH_MS).then(resolve, resolve);
    };
    if (ending.signal.aborted) wait();
    else ending.signal.addEventListener("abort", wait, { once: true });
  });
  await Promise.race([written, hurried]);
  const [first] = all;
  return first?.exit ?? "failed";
}

import { fstatSync, readFileSync, readlinkSync } from "node:fs";
import { errorCode } from "../core/problem.ts";
import { captureConsole } from "./host/capture-console.ts";
import { createOutput, type Output } from "./host/descriptor-output.ts";
import type { FilesBelowFolder } from "./host/list-files-below.ts";
import { createPausableClock } from "./host/pausable-clock.ts";
import { type InputFile, readDescriptorToEnd, readFileToEnd } from "./host/read-to-end.ts";
import { isTerminal } from "./host/terminal.ts";

export { type Output, WriteFailure } from "./host/descriptor-output.ts";
export type { InputFile } from "./host/read-to-end.ts";

/** Web Crypto, which every runtime has. `deno check` doesn't include the global of `@types/node`. */
declare const crypto: {
  getRandomValues(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  randomUUID(): string;
};

/**
 * The signals that terminate a program by default and don't report a fault. The others keep their meaning: SIGPIPE and
 * SIGXFSZ are failed writes, the runtime uses SIGPWR, and crashes (also SIGSYS) remain crashes.
 */
const TERMINATING_SIGNALS = [
  ...(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM"] as const),
  ...(["SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGIO", "SIGSTKFLT"] as const),
];

/** Everything outside the program except the network; tests pass their own. */
export interface Host {
  readonly args: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdinIsTerminal: boolean;
  /** Whether standard output was closed before the start, if the system shows that. */
  stdoutWasClosed(): boolean;
  /** Whether standard output and standard error are the same file, pipe or terminal. */
  streamsAreOne(): boolean;
  environment(name: string): string | undefined;
  /** The operating system, as Node names it. */
  readonly platform: string;
  /** The effective user ID, if the system has one. */
  uid(): number | undefined;
  /** Reads a file to its end; rejects with `InputTooLarge` once it is longer than `limit` bytes. */
  readFile(path: string, limit: number): Promise<InputFile>;
  /** The wanted files in a folder and its subfolders, following links; undefined for a path that isn't a folder. */
  listFolder(path: string, isWanted: (name: string) => boolean): Promise<FilesBelowFolder | undefined>;
  /** Reads standard input to its end, with the same limit. */
  readStdin(limit: number): Promise<Uint8Array>;
  /** Asks a question, and reads the answer from standard input; `hidden` doesn't echo the answer. Undefined at the end of input, and if the signal takes the question back. */
  ask(question: string, hidden: boolean, signal?: AbortSignal): Promise<string | undefined>;
  /** Asks a question and reads the answer from the controlling terminal, whatever standard input is. */
  askOnControllingTerminal(question: string): Promise<string | "no-terminal" | undefined>;
  random(count: number): Uint8Array;
  uuid(): string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds of a monotonic clock, which stops while the program waits for a person. */
  monotonic(): number;
  /** Does work that waits for a person, which uses up no time limit. */
  waitForPerson<T>(work: () => Promise<T>): Promise<T>;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Lets the runtime compile hot code from now on, which only pays off in a long run. */
  enableJit(): void;
  /** Sets the listener for what libraries write to the console; without one, it is dropped. */
  onConsole(listener: (line: string) => void): void;
  /** Ends the process immediately: after a signal, pending input would otherwise keep it alive. */
  exit(code: number): void;
  /** Calls back with the number of each terminating signal. */
  onEnding(listener: (signal: number) => void): void;
}

/**
 * Bun opens /dev/null in place of a descriptor that is closed at the start, so every write succeeds. Bun's descriptor has
 * the close-on-exec flag, which an inherited one can't have.
 */
function stdoutWasClosed(): boolean {
  try {
    if (readlinkSync("/proc/self/fd/1") !== "/dev/null") return false;
    const flags = /flags:\s*(\d+)/.exec(readFileSync("/proc/self/fdinfo/1", "latin1"))?.[1] ?? "0";
    return (Number.parseInt(flags, 8) & 0o2000000) !== 0;
  } catch (error) {
    return errorCode(error) === "EBADF";
  }
}

function streamsAreOne(): boolean {
  try {
    const [out, err] = [fstatSync(1, { bigint: true }), fstatSync(2, { bigint: true })];
    return out.dev === err.dev && out.ino === err.ino && out.rdev === err.rdev;
  } catch {
    return false;
  }
}

/** Undoes the build's `--compile-jit-policy` in the compiled program. */
function enableJit(): void {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (typeof bun !== "object" || bun === null || !("unsafe" in bun)) return;
  const { unsafe } = bun;
  if (typeof unsafe !== "object" || unsafe === null || !("setJITPolicy" in unsafe)) return;
  if (typeof unsafe.setJITPolicy === "function") unsafe.setJITPolicy(1);
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function onTerminatingSignal(listener: (signal: number) => void): void {
  // The numbers differ between systems; looked up late, since the module costs start-up time.
  const number = (signal: NodeJS.Signals): number => process.getBuiltinModule("node:os").constants.signals[signal];
  for (const signal of TERMINATING_SIGNALS) process.on(signal, () => listener(number(signal)));
}

/** Creates the real host. Libraries can't write to the console, and their debug mode, which would, is off. */
export function createSystemHost(): Host {
  const onConsole = captureConsole();
  const clock = createPausableClock(() => performance.now());
  // A build for Bun defines this; with Deno it would depend on the environment.
  Object.assign(process.env, { NODE_ENV: "production" });
  const stderr = createOutput(2);
  let prompter: Promise<Host["ask"]> | undefined;
  const ask: Host["ask"] = async (question, hidden, signal) => {
    prompter ??= import("./host/stdin-prompter.ts").then(({ createStdinPrompter }) => createStdinPrompter(stderr));
    return (await prompter)(question, hidden, signal);
  };
  return {
    onConsole,
    args: process.argv.slice(2),
    stdout: createOutput(1),
    stderr,
    get stdinIsTerminal(): boolean {
      return isTerminal(0);
    },
    stdoutWasClosed,
    streamsAreOne,
    environment: (name) => process.env[name],
    platform: process.platform,
    uid: () => process.geteuid?.(),
    readFile: readFileToEnd,
    listFolder: async (path, isWanted) => (await import("./host/list-files-below.ts")).listFilesBelow(path, isWanted),
    readStdin: (limit) => readDescriptorToEnd(0, limit),
    ask: (question, hidden, signal) => clock.paused(() => ask(question, hidden, signal)),
    askOnControllingTerminal: async (question) => {
      const { askOnControllingTerminal } = await import("./host/controlling-terminal-prompter.ts");
      return clock.paused(() => askOnControllingTerminal(question));
    },
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
    uuid: () => crypto.randomUUID(),
    now: () => Date.now(),
    monotonic: clock.now,
    waitForPerson: clock.paused,
    sleep,
    enableJit,
    exit: (code) => process.exit(code),
    onEnding: onTerminatingSignal,
  };
}

import {
  closeSync,
  constants,
  fstatSync,
  open,
  openSync,
  read,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  write,
  writeSync,
} from "node:fs";
import process from "node:process";
import { InputTooLarge } from "../core/input-limits.ts";
import { errorCode, errorMessage, usageError } from "../core/problem.ts";

/** The console, which is looked at as an object and never written to; `deno check` leaves it out, as it does the next. */
declare const console: object;

/** Web Crypto, which every runtime has; `deno check` leaves it out of what `@types/node` declares. */
declare const crypto: {
  getRandomValues(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  randomUUID(): string;
};

/** Where text goes: standard output or standard error. */
export interface Output {
  readonly isTerminal: boolean;
  /** Columns of the terminal, where there is one. */
  readonly columns: number | undefined;
  /** Resolves once the text has left the process; rejects with a {@link WriteFailure} when it cannot. */
  write(text: string): Promise<void>;
}

/**
 * The signals that end a program which doesn't handle them, and which don't report a fault. Those left out keep their
 * meaning: a write fails instead of SIGPIPE and SIGXFSZ, the runtime uses SIGPWR, and crashes (SIGSYS too) stay crashes.
 */
const ENDINGS = [
  ...(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM"] as const),
  ...(["SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGIO", "SIGSTKFLT"] as const),
];

/** A file as it was read: its bytes, its permission bits and its owner, all of the same open file. */
export interface InputFile {
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly uid: number;
}

/** Everything outside the program that is not the network; tests hand in a twin. */
export interface Host {
  readonly args: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdinIsTerminal: boolean;
  /** Whether standard output was closed before the start, where the system lets that be seen. */
  stdoutWasClosed(): boolean;
  environment(name: string): string | undefined;
  /** The user that the program runs as, where the system has users with numbers. */
  uid(): number | undefined;
  /** Reads a file to its end; rejects with an `InputTooLarge` once it is longer than so many bytes. */
  readFile(path: string, limit: number): Promise<InputFile>;
  /** Reads standard input to its end, with a limit as a file. */
  readStdin(limit: number): Promise<Uint8Array>;
  /** Asks on the terminal; `hidden` shows nothing of what is typed. Undefined at the end of input. */
  ask(question: string, hidden: boolean): Promise<string | undefined>;
  random(count: number): Uint8Array;
  uuid(): string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds of a clock that never goes back. */
  monotonic(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Says that much work lies ahead: code is compiled as soon as usual from then on, which a short run does not repay. */
  enableJit(): void;
  /** Hands over what libraries write to the console from now on; without a listener it goes nowhere. */
  onConsole(listener: (line: string) => void): void;
  /** Ends the process at once; for an end by a signal, when something such as standard input would keep it alive. */
  exit(status: number): void;
  /** Calls back with the number of each ending signal from now on. */
  onEnding(listener: (signal: number) => void): void;
}

/** A text that did not leave the process as a whole. */
export class WriteFailure extends Error {
  override readonly name = "WriteFailure";
  /** How many bytes of it had left before. */
  readonly written: number;

  constructor(cause: unknown, written: number) {
    super(writeReason(cause), { cause });
    this.written = written;
  }
}

function writeReason(cause: unknown): string {
  const code = errorCode(cause);
  if (code === "EPIPE") return "the reader of standard output is gone";
  if (code === "ENOSPC") return "the disk is full";
  if (code === "EBADF") return "standard output is closed";
  return errorMessage(cause);
}

/** Milliseconds between two tries to write to a pipe that is full and does not block. */
const FULL_PIPE = 5;

/**
 * A descriptor for writes that never wait, which spare a start the runtime's workers: the same one where nothing waits, a
 * twin of a pipe that does not block, or none. While a write waits for a reader, the program must still hear signals.
 */
function unwaitingOf(fd: number): number | undefined {
  try {
    const at = fstatSync(fd);
    if (at.isFile() || (at.isCharacterDevice() && at.rdev >>> 8 === 1)) return fd;
    // A pipe that is opened anew has flags of its own, so that whoever shares this one sees nothing of it.
    const path = `/proc/self/fd/${fd}`;
    return "Bun" in globalThis && at.isFIFO() ? openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) : undefined;
  } catch {
    return undefined;
  }
}

async function writeAll(fd: number, bytes: Uint8Array, nonBlockingFd: number | undefined): Promise<void> {
  let written = 0;
  try {
    if (nonBlockingFd !== undefined) while (written < bytes.length) written += writeSync(nonBlockingFd, bytes, written);
  } catch (error) {
    if (errorCode(error) !== "EAGAIN") throw new WriteFailure(error, written);
  }
  while (written < bytes.length) {
    try {
      written += await new Promise<number>((resolve, reject) => {
        write(fd, bytes, written, bytes.length - written, null, (error, count) =>
          error === null || error === undefined ? resolve(count) : reject(error),
        );
      });
    } catch (error) {
      if (errorCode(error) !== "EAGAIN") throw new WriteFailure(error, written);
      await new Promise((resolve) => setTimeout(resolve, FULL_PIPE));
    }
  }
}

/** Whether a descriptor is a terminal; the runtime's own streams cost a third of a start and are left alone till then. */
function isTerminal(fd: number): boolean {
  try {
    const { rdev } = fstatSync(fd);
    // Files and pipes have no device, and major 1 on Linux is /dev/null and its kind.
    return rdev !== 0 && rdev >>> 8 !== 1 && isatty(fd);
  } catch {
    return false;
  }
}

function isatty(fd: number): boolean {
  return (fd === 0 ? process.stdin : fd === 1 ? process.stdout : process.stderr).isTTY === true;
}

/** Writes to a descriptor; texts that come while one is on its way go together behind it, in order. */
function output(fd: 1 | 2): Output {
  let waiting: { text: string; resolve: () => void; reject: (reason: unknown) => void }[] = [];
  let busy = false;
  let broken: WriteFailure | undefined;
  let unwaiting: { readonly fd: number | undefined } | undefined;
  let terminal: boolean | undefined;

  async function flush(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const parts = batch.map(({ text }) => encoder.encode(text));
      const sizes = parts.map((part) => part.length);
      try {
        // Behind a text that did not leave, another one would stand in its place.
        if (broken !== undefined) throw new WriteFailure(broken.cause, 0);
        unwaiting ??= { fd: unwaitingOf(fd) };
        await writeAll(fd, joinedBytes(parts), unwaiting.fd);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        if (error instanceof WriteFailure) broken = error;
        let left = error instanceof WriteFailure ? error.written : 0;
        for (const [i, { resolve, reject }] of batch.entries()) {
          const size = sizes[i] ?? 0;
          if (left >= size && size > 0) resolve();
          else reject(error instanceof WriteFailure ? new WriteFailure(error.cause, Math.max(0, left)) : error);
          left -= size;
        }
      }
    }
    busy = false;
  }

  return {
    get isTerminal(): boolean {
      terminal ??= isTerminal(fd);
      return terminal;
    },
    get columns(): number | undefined {
      return this.isTerminal ? (fd === 1 ? process.stdout : process.stderr).columns : undefined;
    },
    write(text: string): Promise<void> {
      return new Promise((resolve, reject) => {
        waiting.push({ text, resolve, reject });
        if (!busy) void flush();
      });
    },
  };
}

const encoder = new TextEncoder();

/** Several pieces as one; a single piece is not copied. */
function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Bytes that are read at a time; a file that is smaller is read without the runtime's workers. */
const SMALL = 65_536;

const BLOCK = 1_048_576;

/** Milliseconds between two attempts to read a pipe that is empty and doesn't block. */
const EMPTY_PIPE = 5;

/** The whole of a file, or an {@link InputTooLarge} once it is longer than `limit` bytes. */
export async function readFileWithin(path: string, limit: number): Promise<InputFile> {
  // A file that doesn't exist, as the config file mostly, costs no turn of the runtime's workers.
  const regular = statSync(path).isFile();
  // Opening a FIFO waits for its writer, and must not keep the program from hearing signals.
  const fd = regular ? openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) : await opened(path);
  try {
    const { mode, uid } = fstatSync(fd);
    return { bytes: await readWithin(fd, limit), mode: mode & 0o777, uid };
  } finally {
    closeSync(fd);
  }
}

function opened(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, "r", (error, fd) => (error === null || error === undefined ? resolve(fd) : reject(error)));
  });
}

/**
 * All bytes of a descriptor up to its end, or an {@link InputTooLarge} once there are more than `limit`.
 *
 * The limit decides and not the kind of file: a device, a pipe, a socket or a terminal is read like a file. Waiting for
 * input happens in the runtime's workers, so that signals are heard meanwhile, and no more than the limit is held.
 */
export async function readWithin(fd: number, limit: number): Promise<Uint8Array> {
  const { size } = fstatSync(fd);
  const small = size > 0 && size < SMALL;
  const blocks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const block = new Uint8Array(Math.min(blocks.length === 0 ? Math.max(size + 1, SMALL) : BLOCK, limit + 1 - total));
    const filled = await fill(fd, block, small);
    total += filled;
    if (total > limit) throw new InputTooLarge();
    blocks.push(block.subarray(0, filled));
    if (filled < block.length) return joinedBytes(blocks);
  }
}

/** Reads until a block is full or the input ends, and gives the number of bytes. */
async function fill(fd: number, block: Uint8Array, small: boolean): Promise<number> {
  let filled = 0;
  while (filled < block.length) {
    const free = block.subarray(filled);
    const count = small ? readSync(fd, free) : await readSome(fd, free);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

async function readSome(fd: number, into: Uint8Array): Promise<number> {
  for (;;) {
    try {
      return await new Promise<number>((resolve, reject) => {
        read(fd, into, 0, into.length, null, (error, count) =>
          error === null || error === undefined ? resolve(count) : reject(error),
        );
      });
    } catch (error) {
      // Windows reports the end of a pipe as an error.
      if (errorCode(error) === "EOF") return 0;
      if (errorCode(error) !== "EAGAIN") throw error;
      await new Promise((resolve) => setTimeout(resolve, EMPTY_PIPE));
    }
  }
}

/**
 * Bun opens /dev/null in place of a descriptor that is closed at the start, which makes every write succeed. Such a
 * descriptor is marked to be closed at exec, which one that came from the caller can never be.
 */
function stdoutWasClosed(): boolean {
  try {
    const flags = /flags:\s*(\d+)/.exec(readFileSync("/proc/self/fdinfo/1", "latin1"))?.[1] ?? "0";
    return readlinkSync("/proc/self/fd/1") === "/dev/null" && (Number.parseInt(flags, 8) & 0o2000000) !== 0;
  } catch (error) {
    return errorCode(error) === "EBADF";
  }
}

/** What a terminal sends for a key that is no letter (ECMA-48, 5.4), as far as it came in one piece. */
const SEQUENCE = /\u001b(?:\[[\u0020-\u003f]*[\u0040-\u007e]|O[\u0040-\u007e])/g;

/** The longest answer to a question, in characters: more than any secret has. */
const LONGEST_ANSWER = 4_096;

/** What a terminal that handles no keys itself sends for those that otherwise send a signal. */
const SIGNAL_KEYS: ReadonlyMap<string, NodeJS.Signals> = new Map([
  ["\u0003", "SIGINT"],
  ["\u001c", "SIGQUIT"],
]);

const UNSEEN = /[\u0000-\u001f\u0080-\u009f]/;

/** Asks for lines on the terminal of standard input, the questions on standard error. */
function prompter(): Host["ask"] {
  // What was typed or pasted behind the line that was asked for answers the next question.
  let typeAhead = "";
  return (question, hidden) => {
    const { stdin, stderr } = process;
    const raw = hidden && stdin.isTTY === true;
    // Before the question is shown, so that nothing is echoed of an answer that comes at once.
    if (raw) stdin.setRawMode(true);
    stderr.write(question);
    return new Promise((resolve, reject) => {
      const decoder = new TextDecoder();
      let line = "";
      const leave = (): void => {
        if (raw) {
          stdin.setRawMode(false);
          stderr.write("\n");
        }
        stdin.off("data", take);
        stdin.off("end", gone);
        stdin.pause();
      };
      const end = (answer: string | undefined): void => {
        leave();
        resolve(answer);
      };
      const gone = (): void => end(line === "" ? undefined : line);
      const take = (chunk: Uint8Array): void => {
        read(decoder.decode(chunk, { stream: true }));
      };
      /** Takes what was typed; false once the line is over. */
      const read = (typed: string): boolean => {
        // Keys such as arrows, and the marks around what is pasted, are sequences that are no part of a secret.
        const letters = [...(raw ? typed.replace(SEQUENCE, "") : typed)];
        for (const [at, letter] of letters.entries()) {
          if (letter === "\n" || letter === "\r") {
            typeAhead = letters
              .slice(at + 1)
              .join("")
              .replace(/^\n/, letter === "\r" ? "" : "\n");
            end(line);
            return false;
          }
          if (letter === "\u0004" && raw) {
            gone();
            return false;
          }
          const signal = raw ? SIGNAL_KEYS.get(letter) : undefined;
          if (signal !== undefined) {
            // The signal is the answer: what waits for a line is given up with everything else.
            leave();
            process.kill(process.pid, signal);
            // Something must be waited for, or the program ends before it hears its own signal.
            setTimeout(() => resolve(undefined), 1_000);
            return false;
          }
          if (raw && letter === "\u0015") line = "";
          else if (raw && (letter === "\u007f" || letter === "\b")) line = [...line].slice(0, -1).join("");
          // What cannot be seen cannot be typed on purpose, and would be a part of the secret for good.
          else if (!raw || !UNSEEN.test(letter)) line += letter;
          if (line.length > LONGEST_ANSWER) {
            leave();
            reject(usageError(`The answer is longer than ${LONGEST_ANSWER} characters`, undefined, "input-too-large"));
            return false;
          }
        }
        return true;
      };
      const before = typeAhead;
      typeAhead = "";
      if (!read(before)) return;
      if (stdin.readableEnded) {
        gone();
        return;
      }
      stdin.on("data", take);
      stdin.on("end", gone);
      stdin.resume();
    });
  };
}

/** Takes back what the build asks of the compiled program's runtime (`--compile-jit-policy`); nothing elsewhere. */
function usualCompiling(): void {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (typeof bun !== "object" || bun === null || !("unsafe" in bun)) return;
  const { unsafe } = bun;
  if (typeof unsafe !== "object" || unsafe === null || !("setJITPolicy" in unsafe)) return;
  if (typeof unsafe.setJITPolicy === "function") unsafe.setJITPolicy(1);
}

/**
 * Takes the console away from the libraries: what they write goes to the listener that is set last, and nowhere without
 * one. Only the result writer may reach standard output, or a library's remark would become part of a result.
 */
function captureConsole(): Host["onConsole"] {
  let listener = (_line: string): void => {};
  const take = (...parts: readonly unknown[]): void => {
    for (const line of parts.map(shown).join(" ").split("\n")) listener(line);
  };
  for (const name of Object.getOwnPropertyNames(console)) {
    // Others are no methods: looking at `_stdout` alone would open the runtime's own stream, which makes pipes non-blocking.
    if (!/^[a-z]/.test(name) || typeof Reflect.get(console, name) !== "function") continue;
    Object.defineProperty(console, name, { value: take, writable: true, configurable: true, enumerable: true });
  }
  return (next) => {
    listener = next;
  };
}

/** A part of a console line without the contents of objects, which nobody has checked for secrets. */
function shown(part: unknown): string {
  if (part instanceof Error) return part.message;
  return typeof part === "object" && part !== null ? Object.prototype.toString.call(part) : String(part);
}

/** The real host. Libraries lose the console with it, and their debug mode, which writes to it. */
export function systemHost(): Host {
  const onConsole = captureConsole();
  // A build for Bun defines this; Deno has no such step, and leaves it to whoever sets the environment.
  Object.assign(process.env, { NODE_ENV: "production" });
  return {
    onConsole,
    args: process.argv.slice(2),
    stdout: output(1),
    stderr: output(2),
    get stdinIsTerminal(): boolean {
      return isTerminal(0);
    },
    stdoutWasClosed,
    environment: (name) => process.env[name],
    uid: () => process.geteuid?.(),
    readFile: readFileWithin,
    readStdin: (limit) => readWithin(0, limit),
    ask: prompter(),
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
    uuid: () => crypto.randomUUID(),
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
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
      }),
    enableJit: usualCompiling,
    exit: (status) => process.exit(status),
    onEnding: (listener) => {
      // The numbers differ between systems; they are looked up late to keep them out of the start.
      const number = (signal: NodeJS.Signals): number => process.getBuiltinModule("node:os").constants.signals[signal];
      for (const signal of ENDINGS) process.on(signal, () => listener(number(signal)));
    },
  };
}

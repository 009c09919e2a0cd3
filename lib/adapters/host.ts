import { constants, fstatSync, openSync, readFileSync, readlinkSync, statSync, write, writeSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import process from "node:process";
import { reasonOf, systemCode } from "../core/problem.ts";

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

/** A signal that ends the program. */
export type Ending = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Everything outside the program that is not the network; tests hand in a twin. */
export interface Host {
  readonly args: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdinIsTerminal: boolean;
  /** Whether standard output was closed before the start, where the system lets that be seen. */
  stdoutWasClosed(): boolean;
  environment(name: string): string | undefined;
  readFile(path: string): Promise<Uint8Array>;
  /** The permission bits and the owner of a file. */
  permissions(path: string): Promise<{ readonly mode: number; readonly uid: number }>;
  stdin(): AsyncIterable<Uint8Array>;
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
  longWork(): void;
  /** Ends the process at once; for an end by a signal, when something such as standard input would keep it alive. */
  exit(status: number): void;
  /** Calls back at each ending signal from now on. */
  onEnding(listener: (signal: Ending) => void): void;
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
  const code = systemCode(cause);
  if (code === "EPIPE") return "the reader of standard output is gone";
  if (code === "ENOSPC") return "the disk is full";
  if (code === "EBADF") return "standard output is closed";
  return reasonOf(cause);
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

async function writeAll(fd: number, bytes: Uint8Array, unwaiting: number | undefined): Promise<void> {
  let written = 0;
  try {
    if (unwaiting !== undefined) while (written < bytes.length) written += writeSync(unwaiting, bytes, written);
  } catch (error) {
    if (systemCode(error) !== "EAGAIN") throw new WriteFailure(error, written);
  }
  while (written < bytes.length) {
    try {
      written += await new Promise<number>((resolve, reject) => {
        write(fd, bytes, written, bytes.length - written, null, (error, count) =>
          error === null || error === undefined ? resolve(count) : reject(error),
        );
      });
    } catch (error) {
      if (systemCode(error) !== "EAGAIN") throw new WriteFailure(error, written);
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

/**
 * Bun opens /dev/null in place of a descriptor that is closed at the start, which makes every write succeed. Such a
 * descriptor is marked to be closed at exec, which one that came from the caller can never be.
 */
function stdoutWasClosed(): boolean {
  try {
    const flags = /flags:\s*(\d+)/.exec(readFileSync("/proc/self/fdinfo/1", "latin1"))?.[1] ?? "0";
    return readlinkSync("/proc/self/fd/1") === "/dev/null" && (Number.parseInt(flags, 8) & 0o2000000) !== 0;
  } catch (error) {
    return systemCode(error) === "EBADF";
  }
}

/** What a terminal sends for a key that is no letter (ECMA-48, 5.4), as far as it came in one piece. */
const SEQUENCE = /\u001b(?:\[[\u0020-\u003f]*[\u0040-\u007e]|O[\u0040-\u007e])/g;

const UNSEEN = /[\u0000-\u001f\u0080-\u009f]/;

/** Asks for lines on the terminal of standard input, the questions on standard error. */
function asker(): Host["ask"] {
  // What was typed or pasted behind the line that was asked for answers the next question.
  let ahead = "";
  return (question, hidden) => {
    const { stdin, stderr } = process;
    const raw = hidden && stdin.isTTY === true;
    // Before the question is shown, so that nothing is echoed of an answer that comes at once.
    if (raw) stdin.setRawMode(true);
    stderr.write(question);
    return new Promise((resolve) => {
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
            ahead = letters
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
          if (letter === "\u0003" && raw) {
            // The signal is the answer: what waits for a line is given up with everything else.
            leave();
            process.kill(process.pid, "SIGINT");
            // Something must be waited for, or the program ends before it hears its own signal.
            setTimeout(() => resolve(undefined), 1_000);
            return false;
          }
          if (raw && letter === "\u0015") line = "";
          else if (raw && (letter === "\u007f" || letter === "\b")) line = [...line].slice(0, -1).join("");
          // What cannot be seen cannot be typed on purpose, and would be a part of the secret for good.
          else if (!raw || !UNSEEN.test(letter)) line += letter;
        }
        return true;
      };
      const before = ahead;
      ahead = "";
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

/** The real host. */
export function systemHost(): Host {
  return {
    args: process.argv.slice(2),
    stdout: output(1),
    stderr: output(2),
    get stdinIsTerminal(): boolean {
      return isTerminal(0);
    },
    stdoutWasClosed,
    environment: (name) => process.env[name],
    readFile: async (path) => {
      // A file that is not there, as the config file mostly, is found out without a turn of the runtime's workers.
      statSync(path);
      return new Uint8Array(await readFile(path));
    },
    permissions: async (path) => {
      const { mode, uid } = await stat(path);
      return { mode: mode & 0o777, uid };
    },
    stdin: () => process.stdin,
    ask: asker(),
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
    longWork: usualCompiling,
    exit: (status) => process.exit(status),
    onEnding: (listener) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => listener(signal));
    },
  };
}

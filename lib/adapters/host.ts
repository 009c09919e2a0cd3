import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import process from "node:process";
import { systemCode } from "../core/problem.ts";

/** Where text goes: standard output or standard error. */
export interface Output {
  readonly isTerminal: boolean;
  /** Columns of the terminal, where there is one. */
  readonly columns: number | undefined;
  /** Resolves once the text has left the process; rejects when the reader is gone. */
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
  /** Calls back at each ending signal from now on. */
  onEnding(listener: (signal: Ending) => void): void;
}

function output(stream: () => NodeJS.WriteStream): Output {
  let listening = false;
  return {
    get isTerminal(): boolean {
      return stream().isTTY === true;
    },
    get columns(): number | undefined {
      const to = stream();
      return to.isTTY === true ? to.columns : undefined;
    },
    write(text: string): Promise<void> {
      const to = stream();
      if (!listening) {
        // A closed pipe arrives as an event too; the callback below is where it is dealt with.
        to.on("error", () => {});
        listening = true;
      }
      return new Promise((resolve, reject) => {
        to.write(text, (error) => (error === null || error === undefined ? resolve() : reject(error)));
      });
    },
  };
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

/** Reads one line from the terminal of standard input, its question on standard error. */
function ask(question: string, hidden: boolean): Promise<string | undefined> {
  const { stdin, stderr } = process;
  stderr.write(question);
  return new Promise((resolve) => {
    let line = "";
    const raw = hidden && stdin.isTTY === true;
    if (raw) stdin.setRawMode(true);
    const end = (answer: string | undefined): void => {
      if (raw) {
        stdin.setRawMode(false);
        stderr.write("\n");
      }
      stdin.off("data", take);
      stdin.off("end", gone);
      stdin.pause();
      resolve(answer);
    };
    const gone = (): void => end(line === "" ? undefined : line);
    const take = (chunk: Uint8Array): void => {
      for (const letter of new TextDecoder().decode(chunk)) {
        if (letter === "\n" || letter === "\r") {
          end(line);
          return;
        }
        if (letter === "\u0004" && raw) {
          gone();
          return;
        }
        if (letter === "\u0003" && raw) {
          end(undefined);
          process.kill(process.pid, "SIGINT");
          return;
        }
        if (raw && (letter === "\u007f" || letter === "\b")) line = [...line].slice(0, -1).join("");
        else line += letter;
      }
    };
    stdin.on("data", take);
    stdin.on("end", gone);
    stdin.resume();
  });
}

/** The real host. */
export function systemHost(): Host {
  return {
    args: process.argv.slice(2),
    stdout: output(() => process.stdout),
    stderr: output(() => process.stderr),
    get stdinIsTerminal(): boolean {
      return process.stdin.isTTY === true;
    },
    stdoutWasClosed,
    environment: (name) => process.env[name],
    readFile: async (path) => new Uint8Array(await readFile(path)),
    permissions: async (path) => {
      const { mode, uid } = await stat(path);
      return { mode: mode & 0o777, uid };
    },
    stdin: () => process.stdin,
    ask,
    random: (count) => new Uint8Array(randomBytes(count)),
    uuid: () => randomUUID(),
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
    onEnding: (listener) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => listener(signal));
    },
  };
}

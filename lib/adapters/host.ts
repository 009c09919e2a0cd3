import { randomBytes, randomUUID } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import process from "node:process";

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
  environment(name: string): string | undefined;
  readFile(path: string): Promise<Uint8Array>;
  /** The permission bits and the owner of a file. */
  permissions(path: string): Promise<{ readonly mode: number; readonly uid: number }>;
  stdin(): AsyncIterable<Uint8Array>;
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

/** The real host. */
export function systemHost(): Host {
  return {
    args: process.argv.slice(2),
    stdout: output(() => process.stdout),
    stderr: output(() => process.stderr),
    get stdinIsTerminal(): boolean {
      return process.stdin.isTTY === true;
    },
    environment: (name) => process.env[name],
    readFile: async (path) => new Uint8Array(await readFile(path)),
    permissions: async (path) => {
      const { mode, uid } = await stat(path);
      return { mode: mode & 0o777, uid };
    },
    stdin: () => process.stdin,
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

/** Runs the compiled program in a clean environment. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";

/** Path of the compiled program that the tests run; `HYDRA_BINARY` names another one. */
export const BINARY = resolve(process.env["HYDRA_BINARY"] ?? join(import.meta.dirname, "../../dist/hydra"));

/** How the program is started. */
export interface RunOptions {
  /** Added to an environment that holds only PATH and a HOME of its own; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Its working folder; an empty one of its own if absent. */
  readonly cwd?: string;
  /** What it reads from standard input; nothing if absent. */
  readonly stdin?: string | Uint8Array;
  /** Milliseconds after which it is killed and the run fails, 60000 if absent. */
  readonly timeout?: number;
}

/** How a run of the program ended. */
export interface Ended {
  /** Its exit code, or null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** Sends a signal, SIGTERM if absent. */
  kill(signal?: NodeJS.Signals): void;
  /** Resolves with the text of a stream once it holds what is looked for; rejects when the program ends before. */
  seen(stream: "stdout" | "stderr", what: string | RegExp): Promise<string>;
  /** Resolves when it has ended and all its output is read; rejects after the timeout. */
  readonly ended: Promise<Ended>;
}

/** Removes a folder, also while a program that is about to end still puts a file into it. */
function removeFolder(path: string): void {
  for (let tries = 1; ; tries++) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries === 40) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}

/** A folder of its own, removed with all that is in it when the scope ends. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "hydra-test-"));
  return { path, [Symbol.dispose]: () => removeFolder(path) };
}

function environmentOf(home: string, extra: RunOptions["env"]): Record<string, string> {
  const all: Record<string, string | undefined> = {
    PATH: process.env["PATH"],
    TMPDIR: process.env["TMPDIR"],
    HOME: home,
    ...extra,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

const running = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts any program in the environment of {@link RunOptions}. */
export function start(file: string, args: readonly string[], options: RunOptions = {}): Running {
  const { timeout = 60_000 } = options;
  const home = temporaryFolder();
  const child = spawn(file, args, {
    env: environmentOf(home.path, options.env),
    cwd: options.cwd ?? home.path,
    stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  running.add(child);
  const chunks = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  const tell = (): void => {
    for (const look of waiting) look();
  };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      chunks[name] += text;
      tell();
    });
  }
  if (options.stdin !== undefined) {
    // A program that ends without reading its input is checked by its exit code, not by the broken pipe.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.stdin);
  }
  const shown = [file, ...args].join(" ");
  let over = false;
  const ended = new Promise<Ended>((settle, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(
        new Error(`${shown} did not end within ${timeout} ms\nstdout: ${chunks.stdout}\nstderr: ${chunks.stderr}`),
      );
    }, timeout);
    child.once("error", reject);
    child.once("close", (status, signal) => {
      clearTimeout(timer);
      settle({ status, signal, ...chunks });
    });
  });
  const closed = ended
    .catch(() => {})
    .finally(() => {
      over = true;
      running.delete(child);
      home[Symbol.dispose]();
      tell();
    });
  return {
    pid: child.pid ?? 0,
    kill: (signal = "SIGTERM") => {
      child.kill(signal);
    },
    seen: (stream, what) =>
      new Promise((found, reject) => {
        const look = (): void => {
          const text = chunks[stream];
          if (typeof what === "string" ? text.includes(what) : what.test(text)) found(text);
          else if (over)
            reject(
              new Error(
                `${shown} ended before ${what} was on its ${stream}\nstdout: ${chunks.stdout}\nstderr: ${chunks.stderr}`,
              ),
            );
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** Starts the compiled program; the caller ends it, or the end of an `await using` scope does. */
export function startBinary(args: readonly string[], options?: RunOptions): Running {
  return start(BINARY, args, options);
}

/** Runs the compiled program to its end, in a clean environment: a HOME of its own, no `HYDRA_*`, no proxies. */
export function runBinary(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return startBinary(args, options).ended;
}

/** A sandbox on free ports. */
export interface RunningSandbox extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, for `--endpoint`. */
  readonly url: string;
  /** Where it issues tokens. */
  readonly publicUrl: string;
  stop(): Promise<void>;
}

/**
 * Starts a sandbox in this process: `await using sandbox = await withSandbox("26")`. Unlike programs, the sandboxes of a
 * process share the keys that they begin with, which take longer to generate than the rest of a start.
 */
export async function withSandbox(as: SandboxVersion = "26"): Promise<RunningSandbox> {
  // Most files that run the program need no sandbox of this process.
  const { startSandbox } = await import("../../lib/sandbox/index.ts");
  const sandbox = await startSandbox({ as, listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
  const { url, publicUrl = "" } = sandbox;
  const stop = (): Promise<void> => sandbox.close();
  return { url, publicUrl, stop, [Symbol.asyncDispose]: stop };
}

/** A sandbox of the compiled program, on free ports. */
export interface CompiledSandbox extends Omit<RunningSandbox, "stop"> {
  /** Ends it as a service manager does and resolves with how it went. */
  stop(): Promise<Ended>;
}

/** Starts the compiled program's own sandbox. */
export async function withCompiledSandbox(as: SandboxVersion): Promise<CompiledSandbox> {
  const program = startBinary(["sandbox", "--listen", "127.0.0.1:0", "--as", as], { timeout: 600_000 });
  try {
    const lines = /^HYDRA_ADMIN_URL=(\S+)\nHYDRA_PUBLIC_URL=(\S+)\n/m;
    const [, url = "", publicUrl = ""] = lines.exec(await program.seen("stdout", lines)) ?? [];
    const stop = (): Promise<Ended> => {
      program.kill("SIGTERM");
      return program.ended;
    };
    return {
      url,
      publicUrl,
      stop,
      [Symbol.asyncDispose]: async () => {
        await stop();
      },
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** Runs a program on a real terminal, a pane of tmux. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { BINARY, temporaryFolder } from "./binary.ts";

/** How a program is run on a terminal. */
export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The line of a shell that is run, where `"$HYDRA"` is the program; arguments without a line run without a shell. */
  readonly line?: string;
}

/** A program on a real terminal: a pane of tmux. */
export interface Terminal extends AsyncDisposable {
  /** What the screen shows, without its empty lines at the end. */
  screen(): string;
  /** The bytes that were written to the terminal; all of them after {@link ended}. */
  written(): string;
  /** Types keys, in the names of tmux: `y`, `Enter`, `C-c`. */
  type(...keys: readonly string[]): void;
  /** Resolves with the screen once it shows what is looked for. */
  seen(what: RegExp): Promise<string>;
  /** Resolves once the terminal has got what is looked for, which may be overwritten by then, as by a spinner. */
  received(what: RegExp): Promise<void>;
  /** Resolves with the exit code of the line, once all that it wrote is on the screen and in {@link written}. */
  ended(): Promise<number>;
}

/** The time after which a terminal that does not show what is expected has failed, in milliseconds. */
const LIMIT = 30_000;

/** Written after the program's last byte: a control sequence that terminals ignore. */
const END = "\u001b]7777;end\u0007";

async function until<T>(look: () => T | undefined, failed: () => string): Promise<T> {
  const end = performance.now() + LIMIT;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(failed());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A word of a POSIX shell. */
function word(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Starts the compiled program on a terminal of its own, in a clean environment. */
export async function openTerminal(args: readonly string[], options: TerminalOptions = {}): Promise<Terminal> {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const env = { HOME: folder.path, PATH: process.env["PATH"] ?? "", TERM: "screen", LANG: "C.UTF-8", ...options.env };
  const run = (...words: readonly string[]): string =>
    execFileSync("tmux", ["-u", "-S", at("socket"), "-f", "/dev/null", ...words], { env, encoding: "utf8" });
  const line = options.line ?? `"$HYDRA" ${args.map(word).join(" ")}`;
  const variables = Object.entries({ ...env, HYDRA: BINARY }).map(([name, value]) => `${name}=${word(value)}`);
  writeFileSync(
    at("line.sh"),
    [
      // Ctrl-C is only for the program: the shells wait for its end.
      "trap : INT",
      `while [ ! -e ${word(at("go"))} ]; do sleep 0.02; done`,
      `env -i ${variables.join(" ")} sh -c ${word(`trap : INT; ${line}`)}`,
      `echo $? > ${word(at("status.new"))}`,
      `printf %s ${word(END)}`,
      `mv ${word(at("status.new"))} ${word(at("status"))}`,
      "exec sleep 600",
    ].join("\n"),
  );
  const size = ["-x", String(options.columns ?? 80), "-y", String(options.rows ?? 40)];
  run("new-session", "-d", ...size, "sh", at("line.sh"));
  run("pipe-pane", `cat > ${word(at("written"))}`);
  writeFileSync(at("go"), "");
  const screen = (): string => run("capture-pane", "-p", "-J").replace(/\n+$/, "\n");
  const log = (): string => (existsSync(at("written")) ? readFileSync(at("written"), "utf8") : "");
  const shown = (): string => `the terminal shows:\n${screen()}`;
  return {
    screen,
    written: () => log().replace(END, ""),
    type: (...keys) => {
      run("send-keys", ...keys);
    },
    seen: (what) =>
      until(
        () => (what.test(screen()) ? screen() : undefined),
        () => `${what} is not there; ${shown()}`,
      ),
    received: async (what) => {
      await until(
        () => (what.test(log()) ? true : undefined),
        () => `${what} did not come; ${shown()}`,
      );
    },
    ended: () =>
      until(
        // The log passes through another process: it is complete when it contains the end mark.
        () =>
          existsSync(at("status")) && log().includes(END) ? Number(readFileSync(at("status"), "utf8")) : undefined,
        () => `the program does not end; ${shown()}`,
      ),
    [Symbol.asyncDispose]: async () => {
      run("kill-server");
      folder[Symbol.dispose]();
    },
  };
}

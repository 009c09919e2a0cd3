import { after } from "node:test";
import { createSystemHost, type Host, type Output } from "../../lib/adapters/host.ts";
import { main } from "../../lib/app/main.ts";
import { temporaryFolder } from "../e2e/binary.ts";

/** Secrets that cannot be delivered are kept in real files, which are deleted with the tests. */
let state: ReturnType<typeof temporaryFolder> | undefined;

after(() => state?.[Symbol.dispose]());

function stateFolder(): string {
  state ??= temporaryFolder();
  return state.path;
}

/** The surroundings of one run of the program. */
export interface Scene {
  /** The operating system whose conventions count, Linux without it. */
  readonly platform?: string;
  /** Besides a folder for secrets that cannot be delivered; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Files by path; every other path is not there. */
  readonly files?: Readonly<Record<string, string>>;
  /** The permission bits of the files, 0600 without it. */
  readonly mode?: number;
  /** Files and folders are the real ones. */
  readonly realFiles?: true;
  readonly stdin?: string | Uint8Array;
  /** What a person types on a terminal that is standard input. */
  readonly answer?: string;
  /** Columns of a terminal on standard output and standard error; without it both are pipes. */
  readonly columns?: number;
  /** Whether standard output and standard error are one stream. */
  readonly streamsAreOne?: boolean;
  /** What standard output says instead of taking a text. */
  readonly stdoutFails?: Error;
  /** Called with each text that standard output gets. */
  readonly onStdout?: (text: string) => void;
  /** Milliseconds that have passed besides those that were slept. */
  readonly late?: () => number;
  /** Generates IDs in place of the system. */
  readonly uuid?: () => string;
  /** Called when a command expects much work. */
  readonly onLongWork?: () => void;
  /** Called once the program listens, with the way to send it a signal. */
  readonly onListening?: (send: (signal: number) => void) => void;
}

/** What one run came to. */
export interface Played {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function noSuchFile(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: "ENOENT" });
}

/**
 * Runs the program in this process on a host of the test's own: no real streams, files or environment, and a clock that
 * only sleeping moves. The network is the real one.
 */
export async function play(args: readonly string[], scene: Scene = {}): Promise<Played> {
  const written = { stdout: "", stderr: "" };
  const output = (to: "stdout" | "stderr"): Output => ({
    isTerminal: scene.columns !== undefined,
    columns: scene.columns,
    async write(text) {
      if (to === "stdout" && scene.stdoutFails !== undefined) throw scene.stdoutFails;
      written[to] += text;
      if (to === "stdout") scene.onStdout?.(text);
    },
  });
  const environment: Readonly<Record<string, string | undefined>> = {
    XDG_STATE_HOME: stateFolder(),
    ...scene.environment,
  };
  const read = (path: string): string => {
    const { files = {} } = scene;
    const text = Object.hasOwn(files, path) ? files[path] : undefined;
    if (text === undefined) throw noSuchFile(path);
    return text;
  };
  let slept = 0;
  const host: Host = {
    ...createSystemHost(),
    args,
    stdout: output("stdout"),
    stderr: output("stderr"),
    stdinIsTerminal: scene.answer !== undefined,
    stdoutWasClosed: () => false,
    streamsAreOne: () => scene.streamsAreOne === true,
    environment: (name) => (Object.hasOwn(environment, name) ? environment[name] : undefined),
    platform: scene.platform ?? "linux",
    uid: () => (scene.platform === "win32" ? undefined : 0),
    ...(scene.realFiles === true
      ? {}
      : {
          readFile: async (path) => ({
            bytes: new TextEncoder().encode(read(path)),
            mode: scene.mode ?? 0o600,
            uid: 0,
          }),
          listFolder: async () => undefined,
        }),
    readStdin: async () => {
      const { stdin = "" } = scene;
      return typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
    },
    ask: async (question) => {
      written.stderr += question;
      return scene.answer;
    },
    askOnControllingTerminal: async () => "no-terminal",
    ...(scene.uuid === undefined ? {} : { uuid: scene.uuid }),
    monotonic: () => slept + (scene.late?.() ?? 0),
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      slept += milliseconds;
      await new Promise((resolve) => setImmediate(resolve));
    },
    enableJit: () => scene.onLongWork?.(),
    onEnding: (listener) => scene.onListening?.(listener),
    exit: () => {},
  };
  const status = await main(host);
  return { status, ...written };
}

/** The codes of the problems that a run printed as JSON, in their order. */
export function codesOf({ stderr }: Played): readonly string[] {
  return stderr.split("\n").flatMap((line) => {
    if (!line.startsWith("{")) return [];
    const told: unknown = JSON.parse(line);
    return codesIn(told);
  });
}

function codesIn(told: unknown): readonly string[] {
  if (typeof told !== "object" || told === null || !("error" in told) || typeof told.error !== "string") return [];
  const more = "more" in told && Array.isArray(told.more) ? told.more : [];
  return [told.error, ...more.flatMap(codesIn)];
}

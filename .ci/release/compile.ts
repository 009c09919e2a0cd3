import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import * as v from "valibot";
import { signAdHoc } from "./macho.ts";
import { compiler, hostTarget, writeRuntime } from "./runtimes.ts";
import type { Target } from "./targets.ts";

/** What a build is stamped with. */
export interface Stamp {
  readonly version: string;
  /** The commit's full hash, with `-dirty` if tracked files differ from it, or `unknown` outside a git checkout. */
  readonly commit: string;
  /** The commit's date (RFC 3339), or `unknown`. */
  readonly date: string;
  /** The commit's date in seconds since 1970: the time of every file that is packed. */
  readonly seconds: number;
}

/** 1980-01-01, the earliest time that a zip archive can hold, in seconds since 1970. */
const EARLIEST = 315_532_800;

/** Reads the stamp of a checkout. */
export function readStamp(root: string): Stamp {
  const git = (...args: readonly string[]): string | undefined => {
    try {
      return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      return undefined;
    }
  };
  const { version } = v.parse(
    v.object({ version: v.string() }),
    JSON.parse(readFileSync(join(root, "package.json"), "utf8")),
  );
  // The source may be unpacked inside a checkout of another project, whose commits say nothing about it.
  const checkout = git("rev-parse", "--show-toplevel");
  const isOwn = checkout !== undefined && realpathSync(checkout) === realpathSync(root);
  const head = isOwn ? git("rev-parse", "HEAD") : undefined;
  if (head === undefined) {
    const seconds = Number(process.env["SOURCE_DATE_EPOCH"] ?? EARLIEST);
    return { version, commit: "unknown", date: "unknown", seconds: Math.max(seconds || 0, EARLIEST) };
  }
  const changes = git("--no-optional-locks", "status", "--porcelain", "--untracked-files=no");
  return {
    version,
    commit: changes === "" ? head : `${head}-dirty`,
    date: git("show", "--no-patch", "--format=%cI", "HEAD") ?? "unknown",
    seconds: Math.max(Number(git("show", "--no-patch", "--format=%ct", "HEAD")), EARLIEST),
  };
}

/** A folder for intermediate files, next to the result so that a rename can put it in place. */
export function scratchFolder(beside: string): Disposable & { readonly path: string } {
  mkdirSync(beside, { recursive: true });
  const path = mkdtempSync(join(beside, ".build-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A checkout that is ready to be compiled for any target. */
export interface Prepared {
  readonly root: string;
  readonly stamp: Stamp;
  /** Which bytecode a typical run reads, and in what order. */
  readonly order: string;
  /** Files that went into the program, from the root. */
  readonly inputs: readonly string[];
}

const METAFILE = v.object({ inputs: v.record(v.string(), v.unknown()) });

/**
 * Compiles for this machine and runs the result once, to learn what a start reads.
 *
 * The profile lays the bytecode of every target out so that a start from a cold disk reads about a tenth less of the
 * file. The run that is recorded sends nothing and meets no clock, so that the profile is the same each time.
 */
export function prepare(root: string, scratch: string): Prepared {
  const stamp = readStamp(root);
  const program = join(scratch, "trained", process.platform === "win32" ? "hydra.exe" : "hydra");
  const metafile = join(scratch, "inputs.json");
  const order = join(scratch, "start.order");
  bundle(root, stamp, program, [`--metafile=${metafile}`]);
  execFileSync(
    program,
    ["clients", "create", "--dry-run=json", "--endpoint=http://127.0.0.1:4445", "-nname", "-chttp://localhost/cb"],
    { cwd: scratch, env: { ...bare(scratch), BUN_BYTECODE_ORDER_OUT: order }, stdio: ["ignore", "ignore", "pipe"] },
  );
  const { inputs } = v.parse(METAFILE, JSON.parse(readFileSync(metafile, "utf8")));
  return { root, stamp, order, inputs: Object.keys(inputs) };
}

/** Compiles for one target, and puts the result in place at once. */
export function compile(prepared: Prepared, target: Target, scratch: string, to: string): void {
  const { root, stamp, order } = prepared;
  const folder = join(scratch, target.name);
  mkdirSync(folder, { recursive: true });
  const made = join(folder, target.executable);
  const options = [`--bytecode-order=${order}`];
  if (hostTarget(root)?.name !== target.name) {
    const runtime = join(folder, "runtime");
    writeRuntime(root, target, runtime);
    options.push(`--target=${target.bun}`, `--compile-executable-path=${runtime}`);
  }
  bundle(root, stamp, made, options);
  if (target.resign === true) writeFileSync(made, signAdHoc(readFileSync(made), "hydra"));
  mkdirSync(dirname(to), { recursive: true });
  renameSync(made, to);
}

/** How every program is compiled; the benchmark compiles its floor in the same way. */
export const COMPILE_OPTIONS: readonly string[] = [
  "--compile",
  "--minify",
  "--bytecode",
  // Modules that load on use are read on use, and little is compiled for so short a life: both spare a start time and memory.
  "--splitting",
  "--format=esm",
  "--compile-jit-policy=10",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

/**
 * Runs the bundler. The name of the file is part of the result, so it is always `hydra`; the address of a module would
 * be too, and with it the folder of the checkout, so it is a fixed one. The program must not read a `.env` or
 * `bunfig.toml` of the folder that it is started in.
 */
function bundle(root: string, stamp: Stamp, to: string, options: readonly string[]): void {
  const folder = dirname(to);
  mkdirSync(folder, { recursive: true });
  execFileSync(
    compiler(root),
    [
      "build",
      "cli.ts",
      ...COMPILE_OPTIONS,
      ...definitions(stamp),
      '--define=import.meta.url="file:///hydra"',
      ...options,
      `--outfile=${to}`,
    ],
    { cwd: root, env: bare(folder), stdio: ["ignore", "ignore", "inherit"] },
  );
}

/** The constants of the source that a build fills in. */
export function definitions(stamp: Stamp): readonly string[] {
  const values = {
    HYDRA_VERSION: stamp.version,
    HYDRA_COMMIT: stamp.commit,
    HYDRA_DATE: stamp.date,
    // Else libraries run in their debug mode: OpenPGP.js writes what it skips to standard output.
    "process.env.NODE_ENV": "production",
  };
  return Object.entries(values).map(([name, value]) => `--define=${name}=${JSON.stringify(value)}`);
}

/** An environment in which nothing of this machine or user steers the result. */
export function bare(home: string): Record<string, string> {
  const kept = ["PATH", "SystemRoot", "TEMP", "TMP", "TMPDIR"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), HOME: home };
}

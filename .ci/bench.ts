/**
 * `npm run bench`: times and memory of whole processes of the compiled program on its sandbox, as medians, and of
 * another program where one is given.
 *
 * `HYDRA_REFERENCE='hydra create oauth2-client --endpoint {endpoint} --name x'` names a command line that creates a
 * client; its first word with `--help` and with `version`, and the command line with `--pgp-key`, are measured as well.
 * Both take turns, and each ratio is the median of the ratios of the pairs. `BENCH_ROUNDS` is the number of pairs.
 * Rows with "other: floor" compare with programs of the same runtime that only send one request, or only print.
 * Lists and imports of many clients follow; `HYDRA_REFERENCE_SERVER` and `HYDRA_REFERENCE_IMPORT='hydra import
 * oauth2-client {file} --endpoint {endpoint}'` measure the reference's own server and import as well. With `--write` the
 * figures go into `docs/bench.md` and `docs/bench.svg`; `BENCH_OTHER` is what that page calls the other program.
 * Nothing passes or fails here: compare only figures from the same run.
 */

import { spawnSync } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { cpus } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { generateKey } from "openpgp";
import { BINARY, start } from "../tests/e2e/binary.ts";
import { bulkRows } from "./bench/bulk.ts";
import { buildFloor, type FloorPrograms } from "./bench/floor.ts";
import { median } from "./bench/median.ts";
import { type Bar, chart, page } from "./bench/report.ts";

/** Programs in memory as a download or a copy leaves them. */
const FRESH = "warm, ms";

/** Programs in memory as starts from a disk leave them. */
const READ_IN = "warm, read from disk before, ms";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 31);

const COLD_ROUNDS = Math.min(ROUNDS, 9);

const MEMORY_ROUNDS = Math.min(ROUNDS, 5);

const DROP_CACHES = "/proc/sys/vm/drop_caches";

const GNU_TIME = "/usr/bin/time";

type Words = readonly string[];

interface Task {
  readonly name: string;
  readonly ours: Words;
  readonly reference: Words | undefined;
}

interface Figures {
  readonly ours: number;
  readonly reference?: number;
  readonly ratio?: number;
}

/** A command line as words; quotes keep spaces. */
function words(line: string): Words {
  return [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}

function found(program: string): string {
  if (program.includes("/")) return program;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file)) ?? program;
}

function isElf(file: string): boolean {
  const descriptor = openSync(file, "r");
  const start = Buffer.alloc(4);
  readSync(descriptor, start, 0, 4, 0);
  closeSync(descriptor);
  return start.toString("latin1") === "\u007fELF";
}

/** A copy that nothing else runs: pages that a running program has mapped stay in memory when the cache is dropped. */
function copied(program: string, folder: string, name: string): string {
  const file = found(program);
  if (!isElf(file)) return file;
  const copy = join(folder, name);
  copyFileSync(file, copy);
  return copy;
}

function runsWell(command: Words, environment: NodeJS.ProcessEnv): boolean {
  const [file = "", ...args] = command;
  const { status, stderr } = spawnSync(file, args, { env: environment, encoding: "utf8" });
  if (status === 0) return true;
  process.stderr.write(
    `Left out, because it exits with ${status}: ${command.join(" ").slice(0, 200)}\n${stderr.slice(0, 400)}\n`,
  );
  return false;
}

function milliseconds(command: Words, environment: NodeJS.ProcessEnv): number {
  const [file = "", ...args] = command;
  const started = performance.now();
  const { status } = spawnSync(file, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const took = performance.now() - started;
  if (status !== 0) throw new Error(`${command.join(" ")} exited with ${status}`);
  return took;
}

/**
 * Peak memory in MiB. The kernel counts what the parent held when it started a program, so the parent must be small:
 * GNU time is.
 */
function mebibytes(command: Words, environment: NodeJS.ProcessEnv, folder: string): number {
  const file = join(folder, "memory");
  const { status } = spawnSync(GNU_TIME, ["-f", "%M", "-o", file, ...command], { env: environment });
  if (status !== 0) throw new Error(`${command.join(" ")} exited with ${status}`);
  return Number(readFileSync(file, "utf8").trim()) / 1024;
}

/** Measures both programs in turns; which one starts alternates with each round. */
function figures(task: Task, rounds: number, measure: (command: Words) => number): Figures {
  const ours: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (task.reference !== undefined && round % 2 === 1) reference.push(measure(task.reference));
    ours.push(measure(task.ours));
    if (task.reference !== undefined && round % 2 === 0) reference.push(measure(task.reference));
  }
  if (reference.length === 0) return { ours: median(ours) };
  const ratios = ours.map((value, round) => value / (reference[round] ?? Number.NaN));
  return { ours: median(ours), reference: median(reference), ratio: median(ratios) };
}

function canDropCaches(): boolean {
  try {
    accessSync(DROP_CACHES, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function dropCaches(): void {
  spawnSync("sync");
  writeFileSync(DROP_CACHES, "3");
}

/** How many KiB the disk's driver reads ahead, which decides how long a cold start takes. */
function readAhead(folder: string): string {
  const { dev } = statSync(folder);
  const disk = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
  try {
    return readFileSync(`/sys/class/bdi/${disk}/read_ahead_kb`, "utf8").trim();
  } catch {
    return "an unknown number of";
  }
}

function table(rows: readonly Words[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

function shown(value: number | undefined, digits: number): string {
  return value === undefined ? "-" : value.toFixed(digits);
}

/** The bars of the chart. */
function barsOf([, ...rows]: readonly Words[]): readonly Bar[] {
  return rows.flatMap(([name = "", what = "", ours = "", other = ""]) => {
    if (what === READ_IN || name.endsWith("floor")) return [];
    const kind = what === FRESH ? "" : what.startsWith("peak") ? ", memory" : ", cold";
    const unit = what.endsWith("MiB") ? "MiB" : "ms";
    return [{ name: `${name}${kind}`, unit, ours: Number(ours), other: other === "-" ? undefined : Number(other) }];
  });
}

/** What one run of the benchmark has: the programs, how they are started, and what the machine lets it measure. */
interface Setup {
  readonly folder: string;
  readonly program: string;
  /** The other program; undefined where none is given. */
  readonly reference: string | undefined;
  readonly tasks: readonly Task[];
  readonly environment: NodeJS.ProcessEnv;
  /** Whether the page cache can be dropped. */
  readonly cold: boolean;
  /** Whether GNU time is installed, which measures memory. */
  readonly memory: boolean;
}

/** An RSA public key for `--pgp-key`, as base64. */
async function recipientKey(): Promise<string> {
  const userIDs = [{ name: "bench" }];
  const { publicKey } = await generateKey({ type: "rsa", rsaBits: 3072, userIDs, format: "armored" });
  return Buffer.from(publicKey).toString("base64");
}

/** The command lines that are measured, each with that of the other program where it has one that works. */
function tasksOf(
  program: string,
  endpoint: string,
  key: string,
  other: { readonly create: Words; readonly command: (args: Words) => Words | undefined },
  floor: FloorPrograms,
): readonly Task[] {
  const create = [
    ...["clients", "create", "--endpoint", endpoint, "-n", "my app", "-c", "http://localhost/cb"],
    ...["-g", "authorization_code", "-r", "code", "-a", "core,foobar"],
  ];
  const encrypt = ["--pgp-key", key];
  return [
    { name: "create", ours: [program, ...create], reference: other.command(other.create) },
    {
      name: "create encrypted",
      ours: [program, ...create, ...encrypt],
      reference: other.command([...other.create, ...encrypt]),
    },
    { name: "help", ours: [program, "--help"], reference: other.command(["--help"]) },
    { name: "version", ours: [program, "version"], reference: other.command(["version"]) },
    { name: "create, other: floor", ours: [program, ...create], reference: [floor.post, endpoint] },
    { name: "help, other: floor", ours: [program, "--help"], reference: [floor.print] },
    { name: "version, other: floor", ours: [program, "version"], reference: [floor.print] },
  ];
}

async function setUp(folder: string, endpoint: string): Promise<Setup> {
  const program = copied(BINARY, folder, "hydra");
  const environment = { PATH: process.env["PATH"], HOME: folder };
  const [name, ...create] = words((process.env["HYDRA_REFERENCE"] ?? "").replaceAll("{endpoint}", endpoint));
  const reference = name === undefined ? undefined : copied(name, folder, "reference");
  const command = (args: Words): Words | undefined => {
    if (reference === undefined) return undefined;
    const whole = [reference, ...args];
    return runsWell(whole, environment) ? whole : undefined;
  };
  const floor = buildFloor(join(import.meta.dirname, ".."), folder);
  const tasks = tasksOf(program, endpoint, await recipientKey(), { create, command }, floor);
  return { folder, program, reference, tasks, environment, cold: canDropCaches(), memory: existsSync(GNU_TIME) };
}

function rowOf(name: string, what: string, { ours, reference, ratio }: Figures, rounds: number): Words {
  return [name, what, shown(ours, 1), shown(reference, 1), shown(ratio, 2), String(rounds)];
}

/** Measures every command line: warm starts, warm starts after a read from disk, memory, cold starts. */
function measureTasks({ tasks, environment, folder, cold, memory }: Setup): readonly Words[] {
  const timed = (command: Words): number => milliseconds(command, environment);
  const warm = (what: string): readonly Words[] =>
    tasks.map((task) => {
      figures(task, 3, timed);
      return rowOf(task.name, what, figures(task, ROUNDS, timed), ROUNDS);
    });
  const rows = [["command", "measured", "this", "other", "ratio", "rounds"], ...warm(FRESH)];
  // How a file came into memory decides how fast it starts, and how much of it counts as held: here by running only.
  if (cold) {
    dropCaches();
    rows.push(...warm(READ_IN));
  }
  for (const task of memory ? tasks : []) {
    const measure = (command: Words): number => mebibytes(command, environment, folder);
    rows.push(rowOf(task.name, "peak memory, MiB", figures(task, MEMORY_ROUNDS, measure), MEMORY_ROUNDS));
  }
  for (const task of cold ? tasks : []) {
    const measure = (command: Words): number => {
      dropCaches();
      return timed(command);
    };
    rows.push(rowOf(task.name, "page cache dropped, ms", figures(task, COLD_ROUNDS, measure), COLD_ROUNDS));
  }
  return rows;
}

/** Writes the figures into the documentation. */
function writePages(
  machine: string,
  reference: string | undefined,
  rows: readonly Words[],
  bulk: readonly Words[],
): void {
  const docs = join(import.meta.dirname, "../docs");
  const other = reference === undefined ? "no other program" : (process.env["BENCH_OTHER"] ?? "another program");
  const date = new Date().toISOString().slice(0, 10);
  const size = statSync(BINARY).size / 1024 / 1024;
  writeFileSync(join(docs, "bench.md"), page({ date, machine, other, size, rows, bulk }));
  writeFileSync(join(docs, "bench.svg"), chart(barsOf(rows), other));
}

async function bench(folder: string): Promise<void> {
  // The sandbox runs from a copy too, or its pages would stay in memory when the cache is dropped.
  const server = copied(BINARY, folder, "sandbox");
  await using sandbox = start(server, ["sandbox", "--listen", "127.0.0.1:0"], { timeout: 3_600_000 });
  const [, endpoint = ""] = /HYDRA_ADMIN_URL=(\S+)\n/.exec(await sandbox.seen("stdout", "\n")) ?? [];
  const setup = await setUp(folder, endpoint);
  const rows = measureTasks(setup);
  const machine = `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, ${process.platform} ${process.arch}`;
  process.stdout.write(`${machine}\n\n${table(rows)}`);
  const bulk: readonly Words[] = [
    ["command", "measured", "this", "other", "ratio"],
    ...(await bulkRows(setup.program, folder)).map((row) => [row.name, row.what, row.ours, row.other, row.ratio]),
  ];
  process.stdout.write(`\n${table(bulk)}`);
  if (process.argv.includes("--write")) writePages(machine, setup.reference, rows, bulk);
  if (setup.cold) process.stdout.write(`\nThe disk reads ${readAhead(folder)} KiB ahead\n`);
  if (!setup.memory) process.stdout.write(`\nMemory needs ${GNU_TIME} (GNU time)\n`);
  if (!setup.cold) process.stdout.write(`\nCold starts need a writable ${DROP_CACHES}\n`);
}

const parent = join(import.meta.dirname, "../dist");

mkdirSync(parent, { recursive: true });

const scratch = mkdtempSync(join(parent, "bench-"));

bench(scratch).then(
  () => rmSync(scratch, { recursive: true, force: true }),
  (error: unknown) => {
    rmSync(scratch, { recursive: true, force: true });
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);

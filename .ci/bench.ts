/**
 * `npm run bench`: whole processes of the compiled program on its sandbox, as medians, and beside any other program.
 *
 * `HYDRA_REFERENCE='hydra create oauth2-client --endpoint {endpoint} --name x'` names a command line that creates a
 * client; its first word with `--help` and with `version`, and the command line with `--pgp-key`, are measured as well.
 * Both run by turns, and each ratio is the median of the ratios of the pairs. `BENCH_ROUNDS` is the number of pairs.
 * Lists and imports of many clients follow; `HYDRA_REFERENCE_SERVER` and `HYDRA_REFERENCE_IMPORT='hydra import
 * oauth2-client {file} --endpoint {endpoint}'` set the reference's own server and import beside them. With `--write` the
 * figures go into `docs/bench.md` and `docs/bench.svg`; `BENCH_OTHER` is what that page calls the other program.
 * Nothing is judged here: a figure says something only beside another one of the same run.
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** A command line as words; quotes keep blanks together. */
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
    `Left out, as it ends with status ${status}: ${command.join(" ").slice(0, 200)}\n${stderr.slice(0, 400)}\n`,
  );
  return false;
}

function milliseconds(command: Words, environment: NodeJS.ProcessEnv): number {
  const [file = "", ...args] = command;
  const begun = performance.now();
  const { status } = spawnSync(file, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const took = performance.now() - begun;
  if (status !== 0) throw new Error(`${command.join(" ")} ended with status ${status}`);
  return took;
}

/**
 * Peak memory in MiB. The kernel counts what the parent held when it started a program, so the parent must be small:
 * GNU time is.
 */
function mebibytes(command: Words, environment: NodeJS.ProcessEnv, folder: string): number {
  const file = join(folder, "memory");
  const { status } = spawnSync(GNU_TIME, ["-f", "%M", "-o", file, ...command], { env: environment });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with status ${status}`);
  return Number(readFileSync(file, "utf8").trim()) / 1024;
}

/** Measures both programs by turns, the one that begins changing with each round. */
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

/** How much of a file the disk's driver reads beyond what is asked for, in KiB: what decides a start from a cold disk. */
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

/** The bars of the chart: every row that has a unit of its own. */
function barsOf([, ...rows]: readonly Words[]): readonly Bar[] {
  return rows.flatMap(([name = "", what = "", ours = "", other = ""]) => {
    if (what === READ_IN) return [];
    const kind = what === FRESH ? "" : what.startsWith("peak") ? ", memory" : ", cold";
    const unit = what.endsWith("MiB") ? "MiB" : "ms";
    return [{ name: `${name}${kind}`, unit, ours: Number(ours), other: other === "-" ? undefined : Number(other) }];
  });
}

async function bench(folder: string): Promise<void> {
  // The sandbox runs from a copy too, or its pages would stay in memory when the cache is dropped.
  const server = copied(BINARY, folder, "sandbox");
  const program = copied(BINARY, folder, "hydra");
  await using sandbox = start(server, ["sandbox", "--listen", "127.0.0.1:0"], { timeout: 3_600_000 });
  const [, endpoint = ""] = /HYDRA_ADMIN_URL=(\S+)\n/.exec(await sandbox.seen("stdout", "\n")) ?? [];
  const { publicKey } = await generateKey({
    type: "rsa",
    rsaBits: 3072,
    userIDs: [{ name: "bench" }],
    format: "armored",
  });
  const key = Buffer.from(publicKey).toString("base64");
  const environment = { PATH: process.env["PATH"], HOME: folder };
  const [other, ...rest] = words((process.env["HYDRA_REFERENCE"] ?? "").replaceAll("{endpoint}", endpoint));
  const reference = other === undefined ? undefined : copied(other, folder, "reference");
  const beside = (args: Words): Words | undefined => {
    if (reference === undefined) return undefined;
    const command = [reference, ...args];
    return runsWell(command, environment) ? command : undefined;
  };
  const create = [
    ...["clients", "create", "--endpoint", endpoint, "-n", "my app", "-c", "http://localhost/cb"],
    ...["-g", "authorization_code", "-r", "code", "-a", "core,foobar"],
  ];
  const tasks: readonly Task[] = [
    { name: "create", ours: [program, ...create], reference: beside(rest) },
    {
      name: "create encrypted",
      ours: [program, ...create, "--pgp-key", key],
      reference: beside([...rest, "--pgp-key", key]),
    },
    { name: "help", ours: [program, "--help"], reference: beside(["--help"]) },
    { name: "version", ours: [program, "version"], reference: beside(["version"]) },
  ];
  const rows: Words[] = [["command", "measured", "this", "other", "ratio", "rounds"]];
  const row = (
    name: string,
    what: string,
    { ours, reference: theirs, ratio }: Figures,
    digits: number,
    rounds: number,
  ) => {
    rows.push([name, what, shown(ours, digits), shown(theirs, digits), shown(ratio, 2), String(rounds)]);
  };
  const timed = (command: Words): number => milliseconds(command, environment);
  const cold = canDropCaches();
  const memory = existsSync(GNU_TIME);
  const warm = (what: string): void => {
    for (const task of tasks) {
      figures(task, 3, timed);
      row(task.name, what, figures(task, ROUNDS, timed), 1, ROUNDS);
    }
  };
  warm(FRESH);
  // How a file came into memory decides how fast it starts, and how much of it counts as held: here by running alone.
  if (cold) {
    dropCaches();
    warm(READ_IN);
  }
  for (const task of memory ? tasks : []) {
    const measure = (command: Words): number => mebibytes(command, environment, folder);
    row(task.name, "peak memory, MiB", figures(task, MEMORY_ROUNDS, measure), 1, MEMORY_ROUNDS);
  }
  for (const task of cold ? tasks : []) {
    const measure = (command: Words): number => {
      dropCaches();
      return timed(command);
    };
    row(task.name, "page cache dropped, ms", figures(task, COLD_ROUNDS, measure), 1, COLD_ROUNDS);
  }
  const machine = `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, ${process.platform} ${process.arch}`;
  process.stdout.write(`${machine}\n\n`);
  process.stdout.write(table(rows));
  const bulk: readonly Words[] = [
    ["command", "measured", "this", "other", "ratio"],
    ...(await bulkRows(program, folder)).map((row) => [row.name, row.what, row.ours, row.other, row.ratio]),
  ];
  process.stdout.write(`\n${table(bulk)}`);
  if (process.argv.includes("--write")) {
    const docs = join(import.meta.dirname, "../docs");
    const other = reference === undefined ? "no other program" : (process.env["BENCH_OTHER"] ?? "another program");
    const date = new Date().toISOString().slice(0, 10);
    const size = statSync(BINARY).size / 1024 / 1024;
    writeFileSync(join(docs, "bench.md"), page({ date, machine, other, size, rows, bulk }));
    writeFileSync(join(docs, "bench.svg"), chart(barsOf(rows), other));
  }
  if (cold) process.stdout.write(`\nThe disk reads ${readAhead(folder)} KiB ahead\n`);
  if (!memory) process.stdout.write(`\nMemory needs ${GNU_TIME} (GNU time)\n`);
  if (!cold) process.stdout.write(`\nCold starts need a ${DROP_CACHES} that can be written\n`);
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

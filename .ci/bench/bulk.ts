import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { median } from "./median.ts";

/** One measured figure of many clients. */
interface BulkRow {
  readonly name: string;
  readonly what: string;
  readonly ours: string;
  readonly other: string;
  readonly ratio: string;
}

interface Measured {
  readonly seconds: number;
  /** Peak memory in MiB, where it could be seen. */
  readonly memory: number | undefined;
  /** The most connections to the server that were open at once. */
  readonly open: number;
}

const GNU_TIME = "/usr/bin/time";

const MANY = 100_000;

const IMPORTED = 10_000;

const CONCURRENCY = 8;

/** The program that only requests the pages of a list. */
const LIST_PAGES = join(import.meta.dirname, "list-pages.ts");

/** How often an import, a list and what they are compared with run by turns. */
const ROUNDS = 3;

/** Starts the sandbox with so many clients; closing its standard input ends it. */
async function server(clients: number): Promise<{ readonly url: string; readonly process: ChildProcess }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "server.ts"), String(clients)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (text: Buffer) => resolve(text.toString("utf8").trim()));
    child.once("exit", (status) => reject(new Error(`the sandbox ended with status ${status}`)));
  });
  return { url, process: child };
}

/** The number of established connections to a local port, as Linux reports them. */
function openConnections(port: number): number {
  if (!existsSync("/proc/net/tcp")) return 0;
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "latin1")
    .split("\n")
    .filter((line) => {
      const [, , remote, state] = line.trim().split(/\s+/);
      return remote?.endsWith(wanted) === true && state === "01";
    }).length;
}

/** Runs a command line to its end, and looks now and then at how many connections it holds. */
async function measured(command: readonly string[], endpoint: string, folder: string): Promise<Measured> {
  const port = Number(new URL(endpoint).port);
  const file = join(folder, "memory");
  const timed = existsSync(GNU_TIME);
  const [program = "", ...args] = timed ? [GNU_TIME, "-f", "%M", "-o", file, ...command] : command;
  const begun = performance.now();
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"], HOME: folder },
  });
  let errors = "";
  child.stderr.on("data", (text: Buffer) => {
    errors += text.toString("utf8");
  });
  // Connections that this process itself keeps open from the plain load do not count.
  const before = openConnections(port);
  let open = 0;
  const look = setInterval(() => {
    open = Math.max(open, openConnections(port) - before);
  }, 20);
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearInterval(look);
  if (status !== 0) throw new Error(`${command.join(" ")} ended with status ${status}: ${errors.slice(0, 400)}`);
  const seconds = (performance.now() - begun) / 1000;
  return { seconds, open, memory: timed ? Number(readFileSync(file, "utf8").trim()) / 1024 : undefined };
}

function clientOf(prefix: string, at: number): string {
  return JSON.stringify({
    client_id: `${prefix}-${at}`,
    client_name: `client ${at}`,
    redirect_uris: ["https://app.example.com/cb"],
    grant_types: ["authorization_code"],
    client_secret: "a-secret-of-26-characters-x",
  });
}

/** What a server takes from plain requests, as many at once as the import has under way, in clients a second. */
async function plainLoad(endpoint: string, prefix: string, count: number): Promise<number> {
  let next = 0;
  const begun = performance.now();
  async function worker(): Promise<void> {
    for (let at = next++; at < count; at = next++) {
      const answer = await fetch(`${endpoint}/admin/clients`, { method: "POST", body: clientOf(prefix, at) });
      await answer.arrayBuffer();
      if (answer.status !== 201) throw new Error(`the server answered ${answer.status}`);
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return count / ((performance.now() - begun) / 1000);
}

/** Measures lists and imports on the sandbox, compared with another CLI on its own server if one is named. */
export async function bulkRows(binary: string, folder: string): Promise<readonly BulkRow[]> {
  const rows: BulkRow[] = [];
  const row = (name: string, what: string, ours: string, other = "-", ratio = "-"): void => {
    rows.push({ name, what, ours, other, ratio });
  };
  const list = (url: string): readonly string[] => [binary, "clients", "list", "--endpoint", url, "--format", "ndjson"];
  const few = await server(100);
  const small = await measured(list(few.url), few.url, folder);
  few.process.stdin?.end();
  const many = await server(MANY);
  const runs: Measured[] = [];
  const loops: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    runs.push(await measured(list(many.url), many.url, folder));
    loops.push(await measured([process.execPath, LIST_PAGES, many.url], many.url, folder));
  }
  many.process.stdin?.end();
  const seconds = (all: readonly Measured[]): string => median(all.map((one) => one.seconds)).toFixed(2);
  const ratios = runs.map((run, at) => run.seconds / (loops[at]?.seconds ?? Number.NaN));
  row(
    "list 100,000",
    "s (other: a bare loop over the pages)",
    seconds(runs),
    seconds(loops),
    median(ratios).toFixed(2),
  );
  const [large] = runs;
  if (large?.memory !== undefined && small.memory !== undefined) {
    row("list 100,000", "peak memory, MiB (other: list of 100)", large.memory.toFixed(1), small.memory.toFixed(1));
  }
  const own = await server(0);
  await importRows(row, "import 10,000", binary, own.url, folder, IMPORTED, undefined);
  own.process.stdin?.end();
  const reference = process.env["HYDRA_REFERENCE_IMPORT"];
  const endpoint = process.env["HYDRA_REFERENCE_SERVER"];
  if (reference !== undefined && endpoint !== undefined) {
    await importRows(row, "import 1,000, real server", binary, endpoint, folder, 1_000, reference);
  }
  return rows;
}

async function importRows(
  row: (name: string, what: string, ours: string, other?: string, ratio?: string) => void,
  name: string,
  binary: string,
  endpoint: string,
  folder: string,
  count: number,
  reference: string | undefined,
): Promise<void> {
  const run = `bench${process.pid}`;
  const prefixes: string[] = [];
  /** A name for the IDs of one load, noted so that the clients can be deleted. */
  const load = (name: string): string => {
    const prefix = `${run}-${name}-${prefixes.length}`;
    prefixes.push(prefix);
    return prefix;
  };
  const file = (prefix: string): string => {
    const path = join(folder, `${prefix}.json`);
    const clients = Array.from({ length: count }, (_, at) => clientOf(prefix, at));
    writeFileSync(path, `[${clients.join(",")}]\n`);
    return path;
  };
  const imports = [binary, "clients", "import"];
  const runs: Measured[] = [];
  const ours = async (): Promise<number> => {
    const command = [...imports, file(load("ours")), "--endpoint", endpoint, "--format", "ndjson"];
    const done = await measured(command, endpoint, folder);
    runs.push(done);
    return count / done.seconds;
  };
  const theirs = async (line: string): Promise<number> => {
    const command = line.replaceAll("{endpoint}", endpoint).replaceAll("{file}", file(load("reference")));
    return count / (await measured(command.split(" "), endpoint, folder)).seconds;
  };
  const beside = async (what: string, other: () => Promise<number>): Promise<void> => {
    // By turns, since a server slows down with what it holds.
    const rates: (readonly [ours: number, other: number])[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const first = round % 2 === 0 ? await other() : await ours();
      const second = round % 2 === 0 ? await ours() : await other();
      rates.push(round % 2 === 0 ? [second, first] : [first, second]);
    }
    const [rate, their, ratio] = [
      rates.map(([own]) => own),
      rates.map(([, it]) => it),
      rates.map(([own, it]) => own / it),
    ];
    row(name, what, median(rate).toFixed(0), median(their).toFixed(0), median(ratio).toFixed(2));
  };
  await beside("clients/s (other: plain load)", () => plainLoad(endpoint, load("plain"), count));
  const [last] = runs.slice(-1);
  row(name, "peak memory, MiB", last?.memory?.toFixed(1) ?? "-");
  row(name, "open connections, idle ones too, at most", String(Math.max(...runs.map(({ open }) => open))));
  if (reference !== undefined) {
    await beside("clients/s (other: reference)", () => theirs(reference));
    for (const prefix of prefixes) {
      const ids = join(folder, "ids");
      writeFileSync(ids, Array.from({ length: count }, (_, at) => `${prefix}-${at}`).join("\n"));
      await measured(
        ["sh", "-c", `"${binary}" clients delete --yes --fail-after 10m --endpoint "${endpoint}" - < "${ids}"`],
        endpoint,
        folder,
      );
    }
  }
}

/**
 * Compiles the binary: `bun build.ts` for this machine.
 *
 * The compiled program must not read a `.env` or `bunfig.toml` of the folder that it is started in, so both are switched off.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import * as v from "valibot";

const root = import.meta.dirname;
const { version } = v.parse(
  v.object({ version: v.string() }),
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")),
);

function git(...args: string[]): string | undefined {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

const commit = git("rev-parse", "HEAD") ?? "unknown";
const date = git("show", "--no-patch", "--format=%cI", "HEAD") ?? "unknown";

const bun = join(dirname(createRequire(import.meta.url).resolve("bun/package.json")), "bin", "bun.exe");
const folder = join(root, "dist");
const file = join(folder, "hydra");
mkdirSync(folder, { recursive: true });
execFileSync(
  bun,
  [
    "build",
    "cli.ts",
    "--compile",
    "--minify",
    "--bytecode",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    `--define=HYDRA_VERSION=${JSON.stringify(version)}`,
    `--define=HYDRA_COMMIT=${JSON.stringify(commit)}`,
    `--define=HYDRA_DATE=${JSON.stringify(date)}`,
    `--outfile=${file}.new`,
  ],
  { cwd: root, stdio: ["ignore", "ignore", "inherit"] },
);
rmSync(file, { force: true });
renameSync(`${file}.new`, file);
process.stdout.write(`dist/hydra ${version} (${(statSync(file).size / 1024 / 1024).toFixed(1)} MiB)\n`);

// Installs the pinned packages when node_modules is missing or older than the lockfile, so that every npm script works
// from a clean clone with no other step.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function time(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Runs a program with its output on stderr, and ends this one when it fails. */
function run(file, args, options = {}) {
  const { status, error } = spawnSync(file, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (status === 0) return;
  process.stderr.write(`${[file, ...args].join(" ")} failed: ${error?.message ?? `status ${status}`}\n`);
  process.exit(1);
}

const installed = time("node_modules/.package-lock.json");
if (installed === 0 || installed < time("package-lock.json")) {
  // On Windows, npm is a script that only a shell can start.
  run("npm", ["ci"], { shell: process.platform === "win32" });
}

// Where npm runs no install scripts, bun's launcher is a stub until its own script has put the binary in place.
const bun = spawnSync(join(root, "node_modules/.bin/bun"), ["--version"], { stdio: "ignore" });
if (bun.status !== 0) run(process.execPath, [join(root, "node_modules/bun/install.js")]);

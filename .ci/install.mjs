// Installs the pinned packages when node_modules is missing or older than the lockfile, so that every npm script works
// from a clean clone with no other step.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";

const time = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const installed = time("node_modules/.package-lock.json");
if (installed === 0 || installed < time("package-lock.json")) {
  const { status } = spawnSync("npm", ["ci"], { stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  process.exitCode = status ?? 1;
}

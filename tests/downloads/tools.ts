/** Starts the tools that `.ci/run --all` downloads; a missing one fails the test. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import process from "node:process";

export const ROOT = join(import.meta.dirname, "../..");

/** The folder with the release to test. */
export const RELEASE = resolve(ROOT, process.env["TEST_RELEASE"] ?? "dist/release");

/** The folder with the files that images are built from. */
export const IMAGES = join(RELEASE, "../images");

/** Runs a program, fails with its output unless it exits with 0, and returns its standard output. */
export function runTool(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, error, stdout, stderr } = spawnSync(file, args, { cwd: ROOT, encoding: "utf8", env });
  assert.equal(error, undefined, `${file} is missing; .ci/run --all installs it`);
  assert.equal(status, 0, `${file} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

/** The files of the repository that have one of these endings. */
export function trackedFiles(...endings: readonly string[]): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return listed.split("\n").filter((file) => endings.some((ending) => file.endsWith(ending)));
}

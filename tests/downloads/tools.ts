/** Starts the tools that `.ci/run --all` downloads; a missing one fails the test. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
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

const ALPINE_TOOLS = {
  apk: "add --no-cache libstdc++",
  addgroup: "-S -g 65532 nonroot",
  adduser: "-S -D -H -u 65532 -G nonroot nonroot",
};

/** Writes a shell into a root, and what the Dockerfile for Alpine calls: each accepts only the arguments that it has there. */
export function writeAlpineTools(root: string): void {
  const bin = join(root, "bin");
  mkdirSync(bin, { recursive: true });
  copyFileSync(runTool("sh", ["-c", "command -v busybox"]).trim(), join(bin, "busybox"));
  symlinkSync("busybox", join(bin, "sh"));
  for (const [name, args] of Object.entries(ALPINE_TOOLS))
    writeFileSync(join(bin, name), `#!/bin/sh\n[ "$*" = "${args}" ]\n`, { mode: 0o755 });
}

/** The files of the repository that have one of these endings. */
export function trackedFiles(...endings: readonly string[]): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return listed.split("\n").filter((file) => endings.some((ending) => file.endsWith(ending)));
}

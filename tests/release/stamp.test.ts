/** What a build is stamped with, and which options it rejects before it starts. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { readStamp } from "../../.ci/release/compile.ts";
import { temporaryFolder } from "../e2e/binary.ts";

const ROOT = join(import.meta.dirname, "../..");

function git(cwd: string, ...args: readonly string[]): void {
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  execFileSync("git", [...identity, ...args], { cwd, stdio: "ignore" });
}

function writeSource(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"version": "1.2.3"}');
}

describe("the stamp", () => {
  test("is the commit, marked if tracked files differ from it", () => {
    using folder = temporaryFolder();
    writeSource(folder.path);
    git(folder.path, "init");
    git(folder.path, "add", ".");
    git(folder.path, "commit", "-m", "one");
    const clean = readStamp(folder.path);
    assert.match(clean.commit, /^[0-9a-f]{40}$/);
    writeFileSync(join(folder.path, "untracked"), "");
    assert.deepEqual(readStamp(folder.path), clean);
    writeFileSync(join(folder.path, "package.json"), '{"version": "1.2.4"}');
    assert.deepEqual(readStamp(folder.path), { ...clean, version: "1.2.4", commit: `${clean.commit}-dirty` });
  });

  test("is not that of a checkout around it", () => {
    using folder = temporaryFolder();
    const inner = join(folder.path, "source");
    writeSource(inner);
    git(folder.path, "init");
    git(folder.path, "add", ".");
    git(folder.path, "commit", "-m", "one");
    const { version, commit, date } = readStamp(inner);
    assert.deepEqual([version, commit, date], ["1.2.3", "unknown", "unknown"]);
  });

  test("has a time that every archive can hold", () => {
    using folder = temporaryFolder();
    writeSource(folder.path);
    const before = process.env["SOURCE_DATE_EPOCH"];
    try {
      for (const [given, seconds] of [
        ["0", 315_532_800],
        ["soon", 315_532_800],
        ["1700000000", 1_700_000_000],
      ] as const) {
        process.env["SOURCE_DATE_EPOCH"] = given;
        assert.equal(readStamp(folder.path).seconds, seconds, given);
      }
    } finally {
      if (before === undefined) delete process.env["SOURCE_DATE_EPOCH"];
      else process.env["SOURCE_DATE_EPOCH"] = before;
    }
  });
});

describe("build.ts", () => {
  const build = (...args: readonly string[]): string => {
    const options = { cwd: ROOT, encoding: "utf8", timeout: 60_000 } as const;
    const { status, stderr } = spawnSync(join(ROOT, "node_modules/.bin/bun"), ["build.ts", ...args], options);
    assert.equal(status, 1);
    return stderr;
  };

  test("rejects options that would have no effect, or half of one", () => {
    assert.match(build("--packages"), /--packages needs --all or --target/);
    assert.match(build("--sizes", "--target", "linux-x64"), /--sizes needs --all/);
    assert.match(build("--target", "linux-x46"), /There is no target linux-x46/);
  });

  test("deletes nothing in a folder that no build wrote", () => {
    using folder = temporaryFolder();
    const mine = join(folder.path, "images");
    mkdirSync(mine);
    assert.match(build("--target", "linux-x64", "--out", folder.path), /images is not from a build: remove it, or/);
    assert.ok(existsSync(mine));
  });
});

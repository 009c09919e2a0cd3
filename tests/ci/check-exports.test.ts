import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");

const MODULES: Readonly<Record<string, string>> = {
  "lib/a.ts": [
    "export const used = 1;",
    "export type Unused = string;",
    "/** unused */ // unused",
    "export function unused(): void {}",
    "export const tested = 2;",
    "export function seam(): void {}",
    "export const caller = seam;",
    "export async function lazy(): Promise<void> {}",
    "export interface Named {}",
  ].join("\n"),
  "lib/index.ts": 'export { used, type Named as Public } from "./a.ts";\n',
  "cli.ts": [
    'import { type Public, used } from "./lib/index.ts";',
    'import { caller } from "./lib/a.ts";',
    'const { lazy } = await import("./lib/a.ts");',
  ].join("\n"),
  "tests/a.test.ts": 'import { seam, tested } from "../lib/a.ts";\n',
};

test("the check of exports finds unused ones and those that only tests use, and fixes the former", () => {
  const folder = mkdtempSync(join(tmpdir(), "hydra-exports-"));
  try {
    for (const [path, text] of Object.entries(MODULES)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const check = (...args: readonly string[]) =>
      spawnSync(join(ROOT, "node_modules/.bin/bun"), [join(ROOT, ".ci/check-exports.ts"), ...args], {
        cwd: folder,
        encoding: "utf8",
      });
    const unused = "lib/a.ts: Unused: no other module imports it\nlib/a.ts: unused: no other module imports it\n";
    const tested = "lib/a.ts: tested: only tests use it\n";
    const found = check();
    assert.equal(found.stdout, unused + tested, found.stderr);
    assert.equal(found.status, 1);
    check("--fix");
    const fixed = readFileSync(join(folder, "lib/a.ts"), "utf8");
    assert.match(fixed, /^type Unused/m);
    assert.match(fixed, /^function unused/m);
    const rest = check();
    assert.equal(rest.stdout, tested);
    assert.equal(rest.status, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

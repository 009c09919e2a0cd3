import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CLIENT_RULES } from "../../lib/core/client/rules.ts";
import { PROBLEM_CODES_BY_HEADING } from "../../lib/core/problem-codes.ts";

const ROOT = join(import.meta.dirname, "../..");

const ROWS = Object.values(PROBLEM_CODES_BY_HEADING).flatMap((rows) => Object.entries<string>(rows));

test("every code of the error catalog is used, listed once and documented in one line", () => {
  const source = globSync("lib/**/*.ts", { cwd: ROOT })
    .filter((file) => !file.endsWith("problem-codes.ts"))
    .map((file) => readFileSync(join(ROOT, file), "utf8"))
    .join("\n");
  const codes = ROWS.map(([code]) => code);
  assert.equal(new Set(codes).size, codes.length);
  for (const [code, meaning] of ROWS) {
    assert.match(source, new RegExp(`"${code}"|[[{,(\\s]${code}: `), `${code} is used nowhere`);
    assert.match(meaning, /^(?:[A-Z]|--|jwks|private_key_jwt).*[^.]$/, code);
  }
});

test("every client rule has a code under its own heading", () => {
  assert.deepEqual(
    Object.keys(PROBLEM_CODES_BY_HEADING["Client rules"]).sort(),
    CLIENT_RULES.map(({ name }) => name).sort(),
  );
});

test("the error catalog in docs/reference lists every code with its meaning", () => {
  const page = readFileSync(join(ROOT, "docs/reference/errors.md"), "utf8").replaceAll("\\", "");
  for (const [code, meaning] of ROWS) assert.ok(page.includes(`- \`${code}\`: ${meaning}\n`), code);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { findUnsafeRuntimeProblem } from "../../../lib/core/environment/unsafe-runtime-options.ts";

const problemOf = (variables: Readonly<Record<string, string>>) => findUnsafeRuntimeProblem((name) => variables[name]);

test("variables of the runtime that give others its memory or control are rejected by name", () => {
  for (const [name, value] of [
    ["BUN_INSPECT", "ws://127.0.0.1:1/x"],
    ["BUN_INSPECT", "0"],
    ["BUN_OPTIONS", "--inspect"],
    ["BUN_OPTIONS", "--inspect-brk=1234"],
    ["BUN_OPTIONS", "--smol --preload ./x.js"],
    ["BUN_OPTIONS", "--require=./x.js"],
    ["BUN_OPTIONS", "-r ./x.js"],
    ["BUN_OPTIONS", "-r./x.js"],
    ["BUN_OPTIONS", "--import ./x.js"],
    ["BUN_OPTIONS", "\"--pre\"'load' ./x.js"],
    ["BUN_OPTIONS", "--con\\fig=bunfig.toml"],
    ["BUN_OPTIONS", "--heap-prof-dir=/tmp --heap-prof"],
  ] as const) {
    const problem = problemOf({ [name]: value });
    assert.equal(problem?.code, "unsafe-runtime", value);
    assert.equal(problem?.exit, "usage");
    assert.ok(problem?.message.includes(name) && problem.hint?.includes(name), problem?.message);
    assert.ok(!problem?.message.includes("x.js"));
  }
});

test("a file to load is rejected with any options, because they make the runtime load it", () => {
  const file = { BUN_INSPECT_PRELOAD: "./x.js" };
  assert.match(problemOf({ ...file, BUN_OPTIONS: "--smol" })?.message ?? "", /with BUN_INSPECT_PRELOAD set: /);
  assert.equal(problemOf(file), undefined);
});

test("variables that only tune the runtime, and empty ones, are allowed", () => {
  for (const variables of [
    {},
    { BUN_INSPECT: "", BUN_OPTIONS: "" },
    { BUN_OPTIONS: "--smol --user-agent=preload --no-addons" },
    { BUN_CONFIG_VERBOSE_FETCH: "curl", BUN_JSC_useJIT: "0", NODE_OPTIONS: "--require x", BUN_INSPECT_NOTIFY: "x" },
  ]) {
    assert.equal(problemOf(variables), undefined, JSON.stringify(variables));
  }
});

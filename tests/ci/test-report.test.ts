/** How `npm test` evaluates the report of a test runner. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { execute } from "../../.ci/process-group.ts";
import { evaluate, type Verdict } from "../../.ci/test-report.ts";
import { isKeptVariable, selectSteps } from "../../.ci/test-selection.ts";

const ROOT = join(import.meta.dirname, "../..");

function suites(tests: number, ...cases: readonly string[]): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="runner" tests="${tests}" failures="0" time="0.01">`,
    '  <testsuite name="a.test.ts" tests="1">',
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

const PASSED = '<testcase name="a &lt;b&gt; &#x26; c" classname="" time="0.001" file="a.test.ts" />';

const PASSED_OPEN = '<testcase name="other" classname="./a.test.ts" line="3" col="1">\n</testcase>';

const FAILED =
  '<testcase name="bad">\n<failure message="1 !== 2">at &quot;&lt;testcase&gt;&quot;</failure>\n</testcase>';

const CANCELLED = '<testcase name="gone">\n<error message="Cancelled"/>\n</testcase>';

const SKIPPED = '<testcase name="later" time="0">\n<skipped />\n</testcase>';

function judged(report: string | undefined, status: number | null = 0, uncaught = ""): unknown {
  return evaluate({ status, report, uncaught });
}

describe("evaluate()", () => {
  test("counts each test of a report", () => {
    assert.deepEqual(judged(suites(2, PASSED, PASSED_OPEN)), { passed: 2, failed: [] });
  });

  test("names what failed, was cancelled or was skipped", () => {
    assert.deepEqual(judged(suites(4, PASSED, FAILED, CANCELLED, SKIPPED), 1), {
      passed: 1,
      failed: ["bad", "gone", "later (skipped)"],
    });
  });

  test("does not trust an exit code of 0", () => {
    assert.deepEqual(judged(suites(1, FAILED)), { passed: 0, failed: ["bad"] });
    assert.deepEqual(judged(suites(1, PASSED), 0, "Error: thrown late\n    at x\n"), {
      passed: 1,
      failed: ["uncaught: Error: thrown late"],
    });
  });

  test("fails a run that did not end well, although all its tests passed", () => {
    assert.deepEqual(judged(suites(1, PASSED), 3), { passed: 1, failed: ["exit code 3"] });
    assert.deepEqual(judged(suites(1, PASSED), null), { passed: 1, failed: ["exit code none"] });
  });

  test("fails a run that executed no test", () => {
    assert.deepEqual(judged(suites(0)), { passed: 0, failed: ["no test was executed"] });
    assert.deepEqual(judged('<testsuites name="runner" tests="0"/>'), {
      passed: 0,
      failed: ["no readable report, exit code 0"],
    });
  });

  test("fails a run in which a file has no test", () => {
    const end = { status: 0, report: suites(1, PASSED), uncaught: "" };
    assert.deepEqual(evaluate(end, ["a.test.ts"]), { passed: 1, failed: [] });
    assert.deepEqual(evaluate(end, ["a.test.ts", "b.test.ts"]), {
      passed: 1,
      failed: ["b.test.ts: no test was executed"],
    });
  });

  test("fails a run without a complete report", () => {
    const whole = suites(2, PASSED, PASSED_OPEN);
    for (const report of [
      undefined,
      "",
      "2 pass\n0 fail\n",
      whole.replace("</testsuites>", ""),
      whole.slice(whole.indexOf("\n") + 30),
      suites(3, PASSED, PASSED_OPEN),
      suites(2, PASSED, '<testcase name="half">'),
      suites(1, "<testcase />"),
    ]) {
      assert.deepEqual(judged(report), { passed: 0, failed: ["no readable report, exit code 0"] }, report);
    }
  });

  test("counts the members of a group and not the group", () => {
    const named = (name: string, inner = ""): string => `<testcase name="${name}">${inner}</testcase>`;
    const broken = '<failure message="x">x</failure>';
    assert.deepEqual(judged(suites(4, named("g"), named("g &gt; a"), named("g &gt; b"), named("g &gt; b &gt; c"))), {
      passed: 2,
      failed: [],
    });
    assert.deepEqual(judged(suites(3, named("g", broken), named("g &gt; a", broken), named("g &gt; b")), 1), {
      passed: 1,
      failed: ["g > a"],
    });
    assert.deepEqual(judged(suites(2, named("g", broken), named("g &gt; a")), 1), { passed: 1, failed: ["g"] });
  });

  test("is not misled by what a test printed", () => {
    const printed = '<system-out><![CDATA[<testcase name="fake"/></testsuites>]]></system-out>';
    assert.deepEqual(judged(suites(1, `<testcase name="real">${printed}</testcase>`)), { passed: 1, failed: [] });
  });
});

describe("selectSteps()", () => {
  const steps = ["check types", "check format and lint", "bun tests/conformance/create.test.ts"].map((name) => ({
    name,
  }));

  test("selects by any part of a name, and everything without a word", () => {
    assert.deepEqual(selectSteps(steps, []), { steps, unmatched: [] });
    assert.deepEqual(selectSteps(steps, ["create", "lint"]), { steps: steps.slice(1), unmatched: [] });
    assert.deepEqual(selectSteps(steps, ["checks"]), { steps: steps.slice(0, 2), unmatched: [] });
  });

  test("reports every word that selects nothing", () => {
    assert.deepEqual(selectSteps(steps, ["create", "conformnace"]), {
      steps: steps.slice(2),
      unmatched: ["conformnace"],
    });
    const { status, stdout } = spawnSync(join(ROOT, "node_modules/.bin/bun"), [".ci/test.ts", "conformnace"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    assert.match(stdout, /no step has "conformnace" in its name[\s\S]*\n0 passed, 1 failed\n$/);
    assert.equal(status, 1);
  });
});

test("a runner has ended even if a process that left its group keeps its output open", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hydra-group-"));
  try {
    const script = "setsid sh -c 'echo $$ >pid; exec sleep 600' & until [ -s pid ]; do :; done; echo done; exit 3";
    const limits = { limit: 600_000, closeLimit: 1 };
    const { status, output } = await execute(["sh", "-c", script], { cwd: folder, env: process.env, ...limits });
    assert.deepEqual([status, output], [3, "done\n"]);
    process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGKILL");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the steps see the variables of tests, and none that configure the program", () => {
  for (const name of ["HYDRA_BINARY", "HYDRA_TEST_ENDPOINTS", "PATH", "TEST_ALL"])
    assert.ok(isKeptVariable(name), name);
  for (const name of ["HYDRA_ADMIN_URL", "HYDRA_BINARY_PATH", "OAUTH2_ACCESS_TOKEN", "ORY_SDK_URL", "FORCE_COLOR"])
    assert.ok(!isKeptVariable(name), name);
});

test("a failure among concurrent tests fails the run, even if bun assigns it to no test", () => {
  const folder = mkdtempSync(join(tmpdir(), "hydra-report-"));
  try {
    const run = (...body: readonly string[]): Verdict => {
      const report = join(folder, "report.xml");
      rmSync(report, { force: true });
      const file = join(folder, "some.test.ts");
      const waits = "await new Promise((resolve) => setTimeout(resolve, 5));";
      const tests = ["", ...body].map((line, n) => `it("test ${n}", async () => { ${waits} ${line} });`);
      writeFileSync(file, ['import { it } from "node:test";', ...tests].join("\n"));
      const options = ["--concurrent", "--max-concurrency=4", "--reporter=junit", `--reporter-outfile=${report}`];
      const { status } = spawnSync(join(ROOT, "node_modules/.bin/bun"), ["test", ...options, file], { cwd: folder });
      return evaluate({ status, report: readFileSync(report, "utf8"), uncaught: "" });
    };
    assert.deepEqual(run(""), { passed: 2, failed: [] });
    for (const failure of [
      'throw new Error("now");',
      'await Promise.reject(new Error("later"));',
      'setTimeout(() => { throw new Error("uncaught"); }); await new Promise((resolve) => setTimeout(resolve, 50));',
    ])
      assert.notDeepEqual(run(failure).failed, [], failure);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  capitalize,
  ErrorWithUserMessage,
  EXIT_CODES,
  errorCode,
  errorMessage,
  Problem,
  safeErrorReason,
  usageError,
  withMessage,
} from "../../lib/core/problem.ts";

test("the exit codes match the manual", () => {
  assert.deepEqual(EXIT_CODES, {
    done: 0,
    failed: 1,
    usage: 2,
    unauthorised: 3,
    notFound: 4,
    conflict: 5,
    unreachable: 6,
    noUsableKey: 7,
    someFailed: 8,
    differs: 9,
  });
});

test("a Problem has the given members, and empty ones otherwise", () => {
  const cause = new Error("inner");
  const problem = new Problem("Cannot create client", {
    code: "conflict",
    exit: "conflict",
    hint: "choose another --id",
    status: 409,
    request: { method: "POST", url: "http://a.example/clients" },
    details: ["one more"],
    cause,
  });
  assert.ok(problem instanceof Error);
  const { name, message, code, exit, hint, status, request, details: also } = problem;
  assert.deepEqual(
    { name, message, code, exit, hint, status, request, also, cause: problem.cause },
    {
      name: "Problem",
      message: "Cannot create client",
      code: "conflict",
      exit: "conflict",
      hint: "choose another --id",
      status: 409,
      request: { method: "POST", url: "http://a.example/clients" },
      also: ["one more"],
      cause,
    },
  );
  const bare = new Problem("Failed", { code: "unexpected", exit: "failed" });
  assert.deepEqual([bare.hint, bare.status, bare.request, bare.details], [undefined, undefined, undefined, []]);
  assert.equal("cause" in bare, false);
});

test("usage() creates a problem of a command line", () => {
  const problem = usageError("Unknown flag --x", "did you mean --y?", "unknown-flag");
  assert.deepEqual([problem.exit, problem.code, problem.hint], ["usage", "unknown-flag", "did you mean --y?"]);
  assert.deepEqual([usageError("X").code, usageError("X").hint], ["usage", undefined]);
});

test("withMessage() replaces the message and the given members, and keeps the rest and the cause", () => {
  const problem = new Problem("Old", {
    code: "timeout",
    exit: "unreachable",
    hint: "wait",
    status: 503,
    request: { method: "GET", url: "u" },
    details: ["a"],
  });
  const other = withMessage(problem, "New", { exit: "failed" });
  assert.deepEqual(
    [other.message, other.code, other.exit, other.hint, other.status, other.request, other.details, other.cause],
    ["New", "timeout", "failed", "wait", 503, { method: "GET", url: "u" }, ["a"], problem],
  );
});

test("sentence() capitalizes the first letter, if there is one", () => {
  assert.equal(capitalize("environment variable X"), "Environment variable X");
  assert.equal(capitalize("--callbacks"), "--callbacks");
  assert.equal(capitalize('"endpoint" in x'), '"endpoint" in x');
  assert.equal(capitalize(""), "");
});

test("errorMessage() returns the text of anything thrown", () => {
  assert.equal(errorMessage(new TypeError("why")), "why");
  assert.equal(errorMessage("text"), "text");
  assert.equal(errorMessage(undefined), "undefined");
});

test("errorCode() finds the code along the causes, and stops at a cycle", () => {
  const inner = Object.assign(new Error("inner"), { code: "ECONNREFUSED" });
  assert.equal(errorCode(new Error("outer", { cause: new Error("middle", { cause: inner }) })), "ECONNREFUSED");
  assert.equal(errorCode(inner), "ECONNREFUSED");
  assert.equal(errorCode(Object.assign(new Error("x"), { code: 5 })), undefined);
  assert.equal(errorCode({ code: "ENOENT" }), undefined);
  const ring = new Error("ring");
  ring.cause = ring;
  assert.equal(errorCode(ring), undefined);
});

test("safeErrorReason() shows a message that is written for people, whatever the name of the error is", () => {
  class Explained extends ErrorWithUserMessage {
    override readonly name = "Explained";
  }
  class Unexplained extends Error {
    override readonly name = "WriteFailure";
  }
  assert.equal(safeErrorReason(new Explained("the disk is full")), "the disk is full");
  assert.equal(safeErrorReason(new Unexplained("x is not a function")), "unexpected failure (WriteFailure)");
});

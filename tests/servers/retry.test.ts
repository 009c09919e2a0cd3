import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FailureKind, NetworkFailure } from "../../lib/core/network.ts";
import { type AttemptOutcome, decideRetry, type RetryState } from "../../lib/servers/retry.ts";

const BUDGET: RetryState = {
  retries: true,
  remaining: 10_000,
  backoff: 200,
  repeatable: true,
  ambiguous: false,
  bare500s: 0,
};

const FINAL = { kind: "stop", exceeds: undefined };

const AGAIN = { kind: "retry", wait: 200, again: true };

function answered(status: number, retryAfter = 0, text = ""): AttemptOutcome {
  return { kind: "answered", answer: { status, contentType: "", link: "", location: "", text }, retryAfter };
}

function failed(kind: FailureKind): AttemptOutcome {
  return { kind: "failed", failure: new NetworkFailure(kind, "x") };
}

describe("decideRetry()", () => {
  it("retries the statuses that can change, and no others", () => {
    for (const status of [429, 502, 503, 504])
      assert.deepEqual(decideRetry(answered(status), BUDGET), AGAIN, `${status}`);
    for (const status of [200, 201, 307, 400, 401, 404, 409, 501, 505])
      assert.deepEqual(decideRetry(answered(status), BUDGET), FINAL, `${status}`);
  });

  it("retries a 500 without an error body once, and one with an error body never", () => {
    assert.deepEqual(decideRetry(answered(500), { ...BUDGET, bare500s: 1 }), AGAIN);
    assert.deepEqual(decideRetry(answered(500), { ...BUDGET, bare500s: 2 }), FINAL);
    assert.deepEqual(decideRetry(answered(500, 0, '{"error":"e"}'), { ...BUDGET, bare500s: 1 }), FINAL);
  });

  it("retries what the database rolled back, in both forms of an error", () => {
    const sentence = "Unable to serialize access due to a concurrent update in another session";
    for (const error of [{ code: 400, message: sentence }, { message: "x", reason: sentence }, sentence]) {
      const outcome = answered(400, 0, JSON.stringify({ error }));
      assert.deepEqual(decideRetry(outcome, { ...BUDGET, repeatable: false }), AGAIN);
    }
    const other = JSON.stringify({ error: "invalid_client_metadata", error_description: "serialize access" });
    assert.deepEqual(decideRetry(answered(400, 0, other), BUDGET), FINAL);
    assert.deepEqual(decideRetry(answered(409, 0, JSON.stringify({ error: sentence })), BUDGET), FINAL);
  });

  it("retries connections that failed, and lost ones only if a repeat does no harm", () => {
    for (const kind of ["refused", "unresolved", "lost", "timeout"] as const)
      assert.deepEqual(decideRetry(failed(kind), BUDGET), AGAIN, kind);
    for (const kind of ["certificate", "handshake", "protocol", "proxy", "exhausted", "too-large"] as const)
      assert.deepEqual(decideRetry(failed(kind), BUDGET), FINAL, kind);
    const once = { ...BUDGET, repeatable: false };
    assert.deepEqual(decideRetry(failed("lost"), once), FINAL);
    assert.deepEqual(decideRetry(failed("refused"), once), AGAIN);
    assert.deepEqual(decideRetry(answered(503), { ...once, ambiguous: true }), FINAL);
    assert.deepEqual(decideRetry(answered(429), once), AGAIN);
  });

  it("waits as long as the server asks, but never less than the backoff", () => {
    assert.deepEqual(decideRetry(answered(429, 3_000), BUDGET), { kind: "retry", wait: 3_000, again: true });
    assert.deepEqual(decideRetry(answered(429, 1), BUDGET), AGAIN);
  });

  it("stops when there is no time for another attempt, and says why", () => {
    assert.deepEqual(decideRetry(answered(429, 10_001), BUDGET), { kind: "stop", exceeds: "pause" });
    assert.deepEqual(decideRetry(answered(503), { ...BUDGET, remaining: 100 }), { kind: "stop", exceeds: "attempt" });
    assert.deepEqual(decideRetry(failed("refused"), { ...BUDGET, remaining: 0 }), { kind: "stop", exceeds: "attempt" });
    const last = { kind: "retry", wait: 220, again: false };
    assert.deepEqual(decideRetry(failed("refused"), { ...BUDGET, remaining: 220 }), last);
    assert.deepEqual(decideRetry(answered(503), { ...BUDGET, retries: false }), FINAL);
  });
});

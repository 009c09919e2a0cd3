import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatMillisecondsBriefly, formatProgressLine } from "../../lib/app/progress.ts";

describe("formatProgressLine()", () => {
  const line = (total: number, done: number, failures = 0, elapsed = 0, columns = 80): string =>
    formatProgressLine({ total, done, failures, elapsed }, columns);

  test("shows how much is done, failures, rate and time left", () => {
    assert.equal(line(8, 2), "[######..................] 2/8");
    assert.equal(line(8, 2, 1), "[######..................] 2/8  1 failed");
    assert.equal(line(400, 100, 0, 2_000), "[######..................] 100/400  50/s  6s left");
    assert.equal(line(40, 10, 3, 4_000), "[######..................] 10/40  3 failed  2.5/s  12s left");
    assert.equal(line(8, 8, 0, 2_000), "[########################] 8/8  4.0/s");
  });

  test("estimates nothing too early", () => {
    assert.equal(line(8, 0, 0, 5_000), "[........................] 0/8");
    assert.equal(line(400, 100, 0, 999), "[######..................] 100/400");
  });

  test("leaves out what does not fit a narrow terminal", () => {
    assert.equal(line(40, 10, 3, 4_000, 60), "[######..................] 10/40  3 failed  2.5/s  12s left");
    assert.equal(line(40, 10, 3, 4_000, 50), "[######..................] 10/40  3 failed  2.5/s");
    assert.equal(line(40, 10, 3, 4_000, 45), "[######..................] 10/40  3 failed");
    assert.equal(line(40, 10, 3, 4_000, 20), "[######............");
  });
});

test("formatShortDuration() rounds up to a unit that people use", () => {
  for (const [milliseconds, text] of [
    [0, "0s"],
    [1, "1s"],
    [59_000, "59s"],
    [59_001, "1m00s"],
    [125_000, "2m05s"],
    [3_720_000, "1h02m"],
  ] as const)
    assert.equal(formatMillisecondsBriefly(milliseconds), text);
});

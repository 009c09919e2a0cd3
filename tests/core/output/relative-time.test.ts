import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { relativeTime, shortAge } from "../../../lib/core/output/relative-time.ts";

const NOW = Date.UTC(2026, 10, 26, 12, 0, 0);

function ago(milliseconds: number): string {
  return new Date(NOW - milliseconds).toISOString();
}

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000] as const;

describe("relative times", () => {
  for (const [milliseconds, long, short] of [
    [0, "just now", "0s"],
    [SECOND - 1, "just now", "0s"],
    [SECOND, "1 second ago", "1s"],
    [59 * SECOND, "59 seconds ago", "59s"],
    [MINUTE, "1 minute ago", "1m"],
    [59 * MINUTE, "59 minutes ago", "59m"],
    [HOUR, "1 hour ago", "1h"],
    [23 * HOUR, "23 hours ago", "23h"],
    [DAY, "1 day ago", "1d"],
    [3 * DAY + 5 * HOUR, "3 days ago", "3d"],
    [30 * DAY, "30 days ago", "30d"],
    [31 * DAY, "1 month ago", "1mo"],
    [364 * DAY, "11 months ago", "11mo"],
    [366 * DAY, "1 year ago", "1y"],
    [10 * 366 * DAY, "10 years ago", "10y"],
    [-30 * SECOND, "just now", "0s"],
    [-MINUTE, "in 1 minute", "-1m"],
    [-2 * DAY, "in 2 days", "-2d"],
  ] as const)
    test(`${milliseconds} ms ago is ${long}`, () => {
      assert.equal(relativeTime(ago(milliseconds), NOW), long);
      assert.equal(shortAge(ago(milliseconds), NOW), short);
    });

  test("are read in any time zone, and with more digits", () => {
    assert.equal(relativeTime("2026-11-26T13:00:00+02:00", NOW), "1 hour ago");
    assert.equal(shortAge("2026-11-26T11:00:00.123456789Z", NOW), "59m");
  });

  for (const text of ["", "yesterday-ish", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z"])
    test(`${JSON.stringify(text)} is not a time`, () => {
      assert.equal(relativeTime(text, NOW), undefined);
      assert.equal(shortAge(text, NOW), undefined);
    });

  test("are a few characters long", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(1), max: new Date(4_102_444_800_000), noInvalidDate: true }), (then) => {
        assert.match(relativeTime(then.toISOString(), NOW) ?? "", /^(?:just now|\d+ [a-z]+ ago|in \d+ [a-z]+)$/);
        assert.match(shortAge(then.toISOString(), NOW) ?? "", /^-?\d+(?:s|m|h|d|mo|y)$/);
      }),
    );
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatMilliseconds, parseMilliseconds } from "../../lib/core/duration.ts";
import { randomRuns } from "../thorough.ts";

/** What Go's time.ParseDuration makes of a text, in milliseconds; undefined where it refuses it. */
const TEXTS: readonly (readonly [text: string, milliseconds: number | undefined])[] = [
  ["0", 0],
  ["+0", 0],
  ["-0", 0],
  ["0s", 0],
  ["5s", 5_000],
  ["30s", 30_000],
  ["1478s", 1_478_000],
  ["-5s", -5_000],
  ["+5s", 5_000],
  ["5.0s", 5_000],
  ["5.6s", 5_600],
  ["5.s", 5_000],
  [".5s", 500],
  ["1.0s", 1_000],
  ["1.001s", 1_001],
  ["1.00s", 1_000],
  ["1.004s", 1_004],
  ["100.00100s", 100_001],
  ["4.35s", 4_350],
  ["0.1s", 100],
  ["10ns", 0.000_01],
  ["11us", 0.011],
  ["12µs", 0.012],
  ["12μs", 0.012],
  ["13ms", 13],
  ["14s", 14_000],
  ["15m", 900_000],
  ["16h", 57_600_000],
  ["1m0s", 60_000],
  ["3h30m", 12_600_000],
  ["10.5s4m", 250_500],
  ["-2m3.4s", -123_400],
  ["1h2m3s4ms", 3_723_004],
  ["39h9m14.425s", 140_954_425],
  ["52763797000ns", 52_763.797],
  ["0.3333333333333333333h", 1_200_000],
  ["0.100000000000000000000h", 360_000],
  ["2562047h47m16.854775807s", 9_223_372_036_854.775],
  ["", undefined],
  ["3", undefined],
  ["-", undefined],
  ["+", undefined],
  ["s", undefined],
  [".", undefined],
  ["-.", undefined],
  [".s", undefined],
  ["+.s", undefined],
  ["1", undefined],
  ["00", undefined],
  ["1d", undefined],
  ["1S", undefined],
  ["1 s", undefined],
  [" 1s", undefined],
  ["1s ", undefined],
  ["1s\n", undefined],
  ["1e3s", undefined],
  ["0x1s", undefined],
  ["1_000s", undefined],
  ["1,5s", undefined],
  ["1.2.3s", undefined],
  ["1m-1s", undefined],
  ["--1s", undefined],
  ["+-1s", undefined],
  ["soon", undefined],
  ["Infinitys", undefined],
  ["NaN", undefined],
  ["٣s", undefined],
  ["3000000h", undefined],
  ["2562048h", undefined],
  ["9999999999999999999999s", undefined],
];

for (const [text, milliseconds] of TEXTS) {
  test(`parseMilliseconds() of ${JSON.stringify(text)}`, () => {
    assert.equal(parseMilliseconds(text), milliseconds);
  });
}

/** How Go's Duration.String writes a duration. */
const LENGTHS: readonly (readonly [milliseconds: number, text: string])[] = [
  [0, "0s"],
  [0.000_001, "1ns"],
  [0.000_999, "999ns"],
  [0.001_1, "1.1µs"],
  [2.2, "2.2ms"],
  [3_300, "3.3s"],
  [60_000, "1m0s"],
  [245_000, "4m5s"],
  [245_001, "4m5.001s"],
  [18_367_001, "5h6m7.001s"],
  [480_000.000_001, "8m0.000000001s"],
  [60_000.000_1, "1m0.0000001s"],
  [1_234.567_891, "1.234567891s"],
  [3_600_000, "1h0m0s"],
  [3_600_001, "1h0m0.001s"],
  [86_400_000, "24h0m0s"],
  [-1_500, "-1.5s"],
  [-60_000, "-1m0s"],
];

for (const [milliseconds, text] of LENGTHS) {
  test(`formatMilliseconds() of ${milliseconds} ms is ${text}`, () => {
    assert.equal(formatMilliseconds(milliseconds), text);
  });
}

test("parseMilliseconds() reads back what formatMilliseconds() writes, to the millisecond over Go's whole range", () => {
  fc.assert(
    fc.property(fc.integer({ min: -9_223_372_036_854, max: 9_223_372_036_854 }), (milliseconds) => {
      assert.equal(parseMilliseconds(formatMilliseconds(milliseconds)), milliseconds);
    }),
    { numRuns: randomRuns(1000) },
  );
});

test("parseMilliseconds() reads back what formatMilliseconds() writes, to the nanosecond over an hour", () => {
  fc.assert(
    fc.property(fc.integer({ min: -3_600_000_000_000, max: 3_600_000_000_000 }), (nanoseconds) => {
      const read = parseMilliseconds(formatMilliseconds(nanoseconds / 1e6));
      assert.equal(Math.round((read ?? Number.NaN) * 1e6), nanoseconds);
    }),
    { numRuns: randomRuns(1000) },
  );
});

test("parseMilliseconds() adds whole parts exactly, in any order", () => {
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
  const part = fc.record({ count: fc.nat(9_999), unit: fc.constantFrom("ms", "s", "m", "h") });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const expected = parts.reduce((sum, { count, unit }) => sum + count * units[unit], 0);
      assert.equal(parseMilliseconds(parts.map(({ count, unit }) => `${count}${unit}`).join("")), expected);
    }),
  );
});

test("parseMilliseconds() never throws, and returns a finite number or undefined", () => {
  const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789.+-nuµmsh ") }));
  fc.assert(
    fc.property(texts, (text) => {
      const read = parseMilliseconds(text);
      assert.ok(read === undefined || Number.isFinite(read));
    }),
    { numRuns: randomRuns(1000) },
  );
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  isSameJson,
  isTooDeep,
  JsonDepthError,
  MAX_DEPTH,
  parseJsonExactly,
  preservedNumberText,
  toTerminalSafeJson,
} from "../../../lib/core/json/json.ts";

describe("parseJsonExactly()", () => {
  test("accepts and rejects what JSON.parse does", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        assert.deepEqual(parseJsonExactly(text), JSON.parse(text));
      }),
    );
    for (const text of ["", "{", "[1,]", "nul", "1e", '{"a":12345678901234567890'])
      assert.throws(() => parseJsonExactly(text));
  });

  test("keeps the text of every number that a double cannot hold, at any place", () => {
    for (const number of [
      ...["12345678901234567890", "-9007199254740993", "0.12345678901234567890", "1e400", "123456789012345.678901"],
      ...["-1E-999999", "9007199254740993.0"],
    ]) {
      for (const text of [number, `[${number}]`, `[1,${number}]`, `{"a":${number}}`, `{"a":\n ${number}}`])
        assert.equal(JSON.stringify(parseJsonExactly(text)), text.replace(/\s/g, ""), text);
      assert.equal(preservedNumberText(parseJsonExactly(number)), number);
    }
  });

  test("returns numbers that a double can hold as numbers", () => {
    for (const [text, value] of [
      ["9007199254740991", Number.MAX_SAFE_INTEGER],
      ["1.0", 1],
      ["1e3", 1000],
      ["0.1", 0.1],
      ["-5", -5],
      ["-0", -0],
      ["9007199254740992", 2 ** 53],
      ["12345678901234567000", 12345678901234567000],
      ["0.000000000000000000000010", 1e-23],
      ["1.7976931348623157E+308", Number.MAX_VALUE],
      ["1.7976931348623157e308", Number.MAX_VALUE],
    ] as const) {
      assert.equal(parseJsonExactly(text), value);
      assert.equal(preservedNumberText(parseJsonExactly(text)), undefined);
    }
  });

  test("returns whole numbers exactly", () => {
    fc.assert(
      fc.property(fc.bigInt(), (number) => {
        assert.equal(JSON.stringify(parseJsonExactly(String(number))), String(number));
      }),
    );
  });

  test("reads values of 500 levels, with numbers of any length, and rejects deeper ones", () => {
    for (const number of ["1", "12345678901234567890"]) {
      const most = nested(MAX_DEPTH, number);
      assert.equal(JSON.stringify(parseJsonExactly(most)), most);
      for (const depth of [MAX_DEPTH + 1, 9_000, 1_000_000])
        assert.throws(() => parseJsonExactly(nested(depth, number)), JsonDepthError);
    }
  });

  test("compares long numbers in linear time: quadratic time would be minutes", () => {
    const zeros = "0".repeat(4_000_000);
    for (const number of [`1.1${zeros}1`, `1${zeros}1`, `-0.${zeros}1${zeros}`, `1.${zeros}1e5`])
      assert.equal(preservedNumberText(parseJsonExactly(number)) === number, true);
    assert.equal(parseJsonExactly(`1.${zeros}`), 1);
  });
});

/** Lists within each other, a number in the innermost. */
function nested(depth: number, number: string): string {
  return `${"[".repeat(depth)}${number}${"]".repeat(depth)}`;
}

test("isSameJson() compares the values of long numbers, not their text", () => {
  const same = (a: string, b: string): boolean => isSameJson(parseJsonExactly(a), parseJsonExactly(b));
  assert.ok(same("[0.12345678901234567890]", "[12345678901234567.89e-17]"));
  assert.ok(same("-1e400", "-10.0E+399"));
  for (const [a, b] of [
    ["12345678901234567890", "12345678901234567891"],
    ["1e400", "1e401"],
    ["1e400", "-1e400"],
    ["1e-400", "0"],
    ["1e99999999999999999998", "1e99999999999999999999"],
    ["12345678901234567890", '"12345678901234567890"'],
  ] as const)
    assert.equal(same(a, b), false, `${a} ${b}`);
});

test("isTooDeep() counts nested objects and lists, and no preserved numbers", () => {
  for (const [text, depth] of [
    ["1", 0],
    ["null", 0],
    ["12345678901234567890", 0],
    ["[]", 1],
    ['{"a":[12345678901234567890]}', 2],
    ['[[],{"a":{"b":[]}},[]]', 4],
  ] as const) {
    const value = parseJsonExactly(text);
    assert.equal(isTooDeep(value, depth), false, text);
    if (depth > 0) assert.equal(isTooDeep(value, depth - 1), true, text);
  }
});

test("toTerminalSafeJson() escapes control characters, and is read back unchanged", () => {
  const odd = "a\u009b31m\u202eb\u2066c\ufeff\u007f\u0000";
  assert.equal(toTerminalSafeJson({ [odd]: odd }), `{${toTerminalSafeJson(odd)}:${toTerminalSafeJson(odd)}}`);
  assert.match(toTerminalSafeJson(odd), /^[\x20-\x7e]*$/);
  assert.equal(JSON.parse(toTerminalSafeJson(odd)), odd);
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { numberText, readJson, wholeNumber } from "../../lib/core/json.ts";

describe("readJson()", () => {
  test("reads what JSON.parse reads, and refuses what it refuses", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        assert.deepEqual(readJson(text), JSON.parse(text));
      }),
    );
    for (const text of ["", "{", "[1,]", "nul", "1e", '{"a":12345678901234567890']) assert.throws(() => readJson(text));
  });

  test("keeps the text of every number that it cannot hold, wherever it stands", () => {
    for (const number of [
      ...["12345678901234567890", "-9007199254740993", "0.12345678901234567890", "1e400", "123456789012345.678901"],
      ...["-1E-999999", "9007199254740993.0"],
    ]) {
      for (const text of [number, `[${number}]`, `[1,${number}]`, `{"a":${number}}`, `{"a":\n ${number}}`])
        assert.equal(JSON.stringify(readJson(text)), text.replace(/\s/g, ""), text);
      assert.equal(numberText(readJson(number)), number);
    }
  });

  test("gives numbers that it can hold as numbers", () => {
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
      assert.equal(readJson(text), value);
      assert.equal(numberText(readJson(text)), undefined);
    }
  });

  test("gives whole numbers back that were written from any", () => {
    fc.assert(
      fc.property(fc.bigInt(), (number) => {
        assert.equal(JSON.stringify(readJson(JSON.stringify(wholeNumber(number)))), String(number));
      }),
    );
  });

  test("takes digits within texts for no number, so that deep answers with ids in them are read as all others", () => {
    const deep = `{"client_id":"1e5f2e11-0000-4000-8000-123456789012345678","a":${"[".repeat(9000)}${"]".repeat(9000)}}`;
    assert.equal(typeof readJson(deep), "object");
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hasWildcard, matchesGlob } from "../../lib/core/glob.ts";

const MATCHES: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ["*", "", true],
  ["*", "a\nb", true],
  ["?", "ä", true],
  ["?", "😀", true],
  ["?", "", false],
  ["a*", "a", true],
  ["a*", "ba", false],
  ["*a", "ba", true],
  ["a*b*c", "aXbYbZc", true],
  ["a*b*c", "aXbY", false],
  ["a.c", "abc", false],
  ["a?c*", "abcd", true],
  ["[a]", "[a]", true],
  ["[a]*", "a", false],
  ["A*", "abc", false],
];

describe("patterns for client IDs", () => {
  for (const [pattern, text, matches] of MATCHES)
    test(`${JSON.stringify(pattern)} ${matches ? "matches" : "does not match"} ${JSON.stringify(text)}`, () => {
      assert.equal(matchesGlob(pattern, text), matches);
    });

  test("match like the equivalent regular expression", () => {
    const part = fc.constantFrom("a", "b", "*", "?");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.constantFrom("a", "b"), { maxLength: 8 }), (p, t) => {
        const [pattern, text] = [p.join(""), t.join("")];
        const expression = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        assert.equal(matchesGlob(pattern, text), expression.test(text), `${pattern} ${text}`);
      }),
    );
  });

  test("contain a wildcard", () => {
    assert.deepEqual(["a", "a*", "?", "[a]"].map(hasWildcard), [false, true, true, false]);
  });
});

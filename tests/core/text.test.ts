import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { escapeControls, joinWords, quote, suggestWord } from "../../lib/core/text.ts";
import { randomRuns } from "../thorough.ts";

const HARMFUL = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

describe("escapeControls()", () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ["plain é 漢 🔑", "plain é 漢 🔑"],
    ["a\nb\tc\rd", "a\\nb\\tc\\rd"],
    ["\u001b[2J", "\\x1b[2J"],
    ["\u0000\u007f\u0085\u009b", "\\x00\\x7f\\x85\\x9b"],
    ["\u202eevil\u2066", "\\u202eevil\\u2066"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["\ufeffbom", "\\ufeffbom"],
    ["\\x1b", "\\x1b"],
  ];
  for (const [text, shown] of cases) {
    test(JSON.stringify(text), () => {
      assert.equal(escapeControls(text), shown);
    });
  }

  test("removes whatever acts on a terminal, and keeps the rest", () => {
    const unit = fc.oneof(
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      fc.integer({ min: 0, max: 0x20ff }).map((code) => String.fromCharCode(code)),
    );
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const shown = escapeControls(text);
        assert.doesNotMatch(shown, HARMFUL);
        assert.equal(escapeControls(shown), shown);
        if (!HARMFUL.test(text)) assert.equal(shown, text);
      }),
      { numRuns: randomRuns(1000) },
    );
  });
});

test("quote() puts text in quotes and cuts it after 120 characters", () => {
  assert.equal(quote("a"), '"a"');
  assert.equal(quote(""), '""');
  assert.equal(quote("http://user:hush@host/a@b http://hush@c"), '"http://…@host/a@b http://…@c"');
  assert.equal(quote(`http://${"hush".repeat(100)}@host`), '"http://…@host"');
  assert.equal(quote("http://host/?a@b"), '"http://host/?a@b"');
  for (const password of ["pa/ss", "p#ss", "p?ss", "p ss", "p\\ss"])
    assert.equal(quote(`https://user:${password}@host/a`), '"https://…@host/a"', password);
  assert.equal(quote("https:/user:hush@host //user:hush@host"), '"https:/…@host //user:hush@host"');
  assert.equal(quote("//user:hush@host"), '"//…@host"');
  assert.equal(quote("http:user:hush@host"), '"http:…@host"');
  for (const harmless of [
    "http://[::1]:4/a@b",
    "http://host:80/a@b#c@d",
    "/home/a:b@c",
    "mailto:a@b",
    "unix:///run/a@1/b",
  ])
    assert.equal(quote(harmless), `"${harmless}"`);
  assert.equal(quote("\u001b"), '"\\x1b"');
  assert.equal(quote("a".repeat(120)), `"${"a".repeat(120)}"`);
  assert.equal(quote("a".repeat(121)), `"${"a".repeat(119)}…"`);
});

test("joinWords() makes a list for a sentence", () => {
  assert.equal(joinWords([]), "");
  assert.equal(joinWords(["a"]), "a");
  assert.equal(joinWords(["a", "b"]), "a and b");
  assert.equal(joinWords(["a", "b", "c"]), "a, b and c");
  assert.equal(joinWords(["a", "b", "c"], "or"), "a, b or c");
});

describe("suggestWord()", () => {
  const NAMES = ["callbacks", "grant-types", "name", "scope", "clients", "create", "list", "id"];
  const cases: readonly (readonly [word: string, meant: string | undefined])[] = [
    ["callback", "callbacks"],
    ["calbacks", "callbacks"],
    ["clalbacks", "callbacks"],
    ["Callbacks", "callbacks"],
    ["grant", "grant-types"],
    ["nmae", "name"],
    ["scopes", "scope"],
    ["craete", "create"],
    ["lst", "list"],
    ["ids", "id"],
    ["constructor", undefined],
    ["toString", undefined],
    ["__proto__", undefined],
    ["x", undefined],
    ["", undefined],
    ["entirely-else", undefined],
  ];
  for (const [word, meant] of cases) {
    test(`${JSON.stringify(word)} means ${meant ?? "nothing"}`, () => {
      assert.equal(suggestWord(word, NAMES), meant);
    });
  }

  test("chooses the first of several equally near words", () => {
    assert.equal(suggestWord("cat", ["cut", "cot"]), "cut");
  });

  test("finds an exact word, and returns only candidates", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.array(fc.string({ maxLength: 12 })), (word, names) => {
        const meant = suggestWord(word, names);
        assert.ok(meant === undefined || names.includes(meant));
        assert.equal(suggestWord(word.toLowerCase(), [...names, word.toLowerCase()]) !== undefined, true);
      }),
    );
  });
});

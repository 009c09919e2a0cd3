import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyTyped, type LineState, MAX_LINE_LENGTH } from "../../../lib/adapters/host/line-editor.ts";

function editing(line: string, unfinished = ""): LineState {
  return { kind: "editing", line, unfinished };
}

describe("applyTyped()", () => {
  it("collects what is typed until a line ends, and keeps the rest for the next question", () => {
    assert.deepEqual(applyTyped("a", "b", false), editing("ab"));
    assert.deepEqual(applyTyped("a", "b\nnext\n", false), { kind: "entered", line: "ab", typeAhead: "next\n" });
    assert.deepEqual(applyTyped("", "a\r\n\nb", true), { kind: "entered", line: "a", typeAhead: "\nb" });
  });

  it("handles the keys of a terminal in raw mode", () => {
    const lines = [
      ["abc\u007f\b", "a"],
      ["é\u{1f600}\u007f", "é"],
      ["abc\u0015d", "d"],
      ["a\u001b[Db\u001bOPc\u001b[200~d\u001b[201~", "abcd"],
      ["a\u0000\u0007\u0085b", "ab"],
      ["a\u001bbc\u001b\u00e9d\u001b\u001b[Ae", "acde"],
    ];
    for (const [typed = "", line = ""] of lines) {
      assert.deepEqual(applyTyped("", typed, true), editing(line), JSON.stringify(typed));
    }
  });

  it("handles a key whose sequence the terminal delivers in several pieces", () => {
    for (const sequence of ["\u001b[D", "\u001b[1;5D", "\u001bOP", "\u001b[200~", "\u001b", "\u001b\u001b"]) {
      const pieces = ["ab", ...sequence, "c"];
      let line = "";
      let unfinished = "";
      for (const piece of pieces) {
        const edited = applyTyped(line, piece, true, unfinished);
        assert.ok(edited.kind === "editing");
        ({ line, unfinished } = edited);
      }
      assert.deepEqual([line, unfinished], ["abc", ""], JSON.stringify(sequence));
    }
    assert.deepEqual(applyTyped("", "secret", true, "\u001b"), editing("secret"));
    assert.deepEqual(applyTyped("a", "b\u001b[1", true), editing("ab", "\u001b[1"));
    assert.deepEqual(applyTyped("a", "\u001b\r", true), { kind: "entered", line: "a", typeAhead: "" });
    assert.deepEqual(applyTyped("a", "\rb\u001b[", true), { kind: "entered", line: "a", typeAhead: "b\u001b[" });
    assert.deepEqual(applyTyped("a", "\u001b\u0003", true), { kind: "signal", signal: "SIGINT" });
    assert.deepEqual(applyTyped("", `\u001b[${"0".repeat(MAX_LINE_LENGTH)}`, true), { kind: "too-long" });
  });

  it("ends at the end of input, and reports the keys that mean signals", () => {
    assert.deepEqual(applyTyped("", "ab\u0004c", true), { kind: "ended", line: "ab" });
    assert.deepEqual(applyTyped("", "ab\u0003c", true), { kind: "signal", signal: "SIGINT" });
    assert.deepEqual(applyTyped("", "ab\u001cc", true), { kind: "signal", signal: "SIGQUIT" });
  });

  it("leaves every character to the terminal outside of raw mode", () => {
    const typed = "a\u0003\u0004\u0015\u007f\u001b[D";
    assert.deepEqual(applyTyped("", typed, false), editing(typed));
  });

  it("rejects a line that is too long", () => {
    const longest = "x".repeat(MAX_LINE_LENGTH);
    assert.deepEqual(applyTyped("", longest, true), editing(longest));
    assert.deepEqual(applyTyped(longest, "x\n", true), { kind: "too-long" });
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { editLine, MAX_LINE_LENGTH } from "../../../lib/adapters/host/line-editor.ts";

describe("editLine()", () => {
  it("collects what is typed until a line ends, and keeps the rest for the next question", () => {
    assert.deepEqual(editLine("a", "b", false), { kind: "editing", line: "ab" });
    assert.deepEqual(editLine("a", "b\nnext\n", false), { kind: "entered", line: "ab", typeAhead: "next\n" });
    assert.deepEqual(editLine("", "a\r\n\nb", true), { kind: "entered", line: "a", typeAhead: "\nb" });
  });

  it("handles the keys of a terminal in raw mode", () => {
    const lines = [
      ["abc\u007f\b", "a"],
      ["é\u{1f600}\u007f", "é"],
      ["abc\u0015d", "d"],
      ["a\u001b[Db\u001bOPc\u001b[200~d\u001b[201~", "abcd"],
      ["a\u0000\u0007\u0085b", "ab"],
    ];
    for (const [typed = "", line = ""] of lines) {
      assert.deepEqual(editLine("", typed, true), { kind: "editing", line }, JSON.stringify(typed));
    }
  });

  it("ends at the end of input, and reports the keys that mean signals", () => {
    assert.deepEqual(editLine("", "ab\u0004c", true), { kind: "ended", line: "ab" });
    assert.deepEqual(editLine("", "ab\u0003c", true), { kind: "signal", signal: "SIGINT" });
    assert.deepEqual(editLine("", "ab\u001cc", true), { kind: "signal", signal: "SIGQUIT" });
  });

  it("leaves every character to the terminal outside of raw mode", () => {
    const typed = "a\u0003\u0004\u0015\u007f\u001b[D";
    assert.deepEqual(editLine("", typed, false), { kind: "editing", line: typed });
  });

  it("rejects a line that is too long", () => {
    const longest = "x".repeat(MAX_LINE_LENGTH);
    assert.deepEqual(editLine("", longest, true), { kind: "editing", line: longest });
    assert.deepEqual(editLine(longest, "x\n", true), { kind: "too-long" });
  });
});

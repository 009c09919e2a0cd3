import assert from "node:assert/strict";
import { test } from "node:test";
import { displayWidth } from "../../../lib/core/output/width.ts";

/** The runtime that runs this test has its own table of widths. */
declare const Bun: { readonly stringWidth: (text: string) => number };

/** Every assigned character that is shown by itself: marks, formats and flags depend on their neighbors. */
function characters(): readonly string[] {
  const all: string[] = [];
  for (let code = 0x20; code <= 0x10ffff; code++) {
    const char = String.fromCodePoint(code);
    if (!/[\p{C}\p{M}\p{Regional_Indicator}]/u.test(char)) all.push(char);
  }
  return all;
}

test("the runtime agrees which characters are two columns wide", () => {
  const different = characters().filter((char) => (displayWidth(char) === 2) !== (Bun.stringWidth(char) === 2));
  assert.deepEqual(
    different.map((char) => `U+${char.codePointAt(0)?.toString(16)}`),
    [],
  );
});

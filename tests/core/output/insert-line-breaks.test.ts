import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createPainter, withoutColors } from "../../../lib/core/output/colors.ts";
import { insertLineBreaks } from "../../../lib/core/output/insert-line-breaks.ts";
import { displayWidth } from "../../../lib/core/output/width.ts";

describe("insertLineBreaks()", () => {
  const text = "Hint: use https, or give the key itself with --pgp-key @FILE";

  test("breaks lines at spaces, and indents continuation lines", () => {
    assert.equal(insertLineBreaks(text, 30), "Hint: use https, or give the\nkey itself with --pgp-key\n@FILE");
    assert.equal(
      insertLineBreaks(text, 30, "      "),
      "Hint: use https, or give the\n      key itself with\n      --pgp-key @FILE",
    );
  });

  test("leaves text that fits unchanged", () => {
    assert.equal(insertLineBreaks(text, 60), text);
    assert.equal(insertLineBreaks("  a  b\n\n   c", 40), "  a  b\n\n   c");
    assert.equal(insertLineBreaks("", 40), "");
    assert.equal(insertLineBreaks("    four spaces and more words", 24), "    four spaces and more\nwords");
  });

  test("keeps a long word in one piece", () => {
    const url = `https://a.example/${"x".repeat(50)}`;
    assert.equal(insertLineBreaks(`open ${url} now`, 30), `open\n${url}\nnow`);
    assert.equal(insertLineBreaks(url, 30), url);
  });

  test("keeps a command line in one piece, because a shell would run a part of it", () => {
    const command = "hydra clients update web --add-redirect-uri http://127.0.0.1:5555/cb";
    const paint = createPainter(true);
    for (const hint of ["Hint:", paint("note", "Hint:"), "Hint: add it:"])
      for (const shown of [command, command.replace("hydra clients update", (words) => paint("command", words))])
        assert.equal(insertLineBreaks(`${hint} ${shown}`, 40, "  "), `${hint}\n  ${shown}`);
    assert.equal(insertLineBreaks(`${command}, and run it again`, 70), `${command},\nand run it again`);
    assert.equal(insertLineBreaks(`show it: ${command}; then go on`, 40), `show it:\n${command};\nthen go on`);
    const decrypt = "printf '%s' 'ENCRYPTED' | base64 -d | gpg --decrypt";
    assert.equal(insertLineBreaks(`Decrypt with: ${decrypt}`, 40, "  "), `Decrypt with:\n  ${decrypt}`);
    const renew = "gpg --quick-set-expire ABCDEF 1y && gpg --quick-set-expire ABCDEF 1y '*'";
    assert.equal(insertLineBreaks(`ask its owner to extend it: ${renew}`, 60), `ask its owner to extend it:\n${renew}`);
    const prose = "this is like hydra diff with more words";
    assert.equal(insertLineBreaks(prose, 25), "this is like hydra diff\nwith more words");
  });

  test("counts columns, not characters or color codes", () => {
    assert.equal(insertLineBreaks("漢字漢字 漢字漢字 漢字漢字", 20), "漢字漢字 漢字漢字\n漢字漢字");
    const paint = createPainter(true);
    const red = paint("error", "Error:");
    assert.equal(insertLineBreaks(`${red} cannot open the file`, 20), `${red} cannot open\nthe file`);
  });

  test("does nothing if the terminal is too narrow to be readable", () => {
    assert.equal(insertLineBreaks(text, 19), text);
    assert.equal(insertLineBreaks(text, 24, "      "), text);
    assert.equal(insertLineBreaks(text, 0), text);
  });

  test("loses no word, and stays within the width", () => {
    const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom("a", "é", "漢", "-") });
    fc.assert(
      fc.property(fc.array(word), fc.integer({ min: 26, max: 80 }), (words, columns) => {
        const wrapped = insertLineBreaks(words.join(" "), columns, "  ");
        assert.deepEqual(wrapped.split(/\s+/).filter(Boolean), words);
        for (const line of wrapped.split("\n")) assert.ok(displayWidth(withoutColors(line)) <= columns, line);
      }),
    );
  });

  test("takes linear time", () => {
    for (const long of [" ".repeat(300_000), "a ".repeat(300_000), "\u001b[".repeat(300_000)])
      insertLineBreaks(long, 40);
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { csvLine, tsvLine } from "../../../lib/core/output/tsv-csv-markdown.ts";
import { randomRuns } from "../../thorough.ts";

const field = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom("a", "\t", "\n", "\r", "\\", '"', ",", "t", "é") }),
);

describe("tsvLine()", () => {
  test("escapes tabs, line breaks and backslashes, and joins lists", () => {
    assert.equal(tsvLine(["id", "na\tme", ["a", "b"], ""]), "id\tna\\tme\ta,b\t\n");
    assert.equal(tsvLine(["a\nb\r\\n"]), "a\\nb\\r\\\\n\n");
    assert.equal(tsvLine([]), "\n");
  });

  test("keeps other control characters in a file, but not on a terminal", () => {
    assert.equal(tsvLine(["\u001b[2J\u202e"]), "\u001b[2J\u202e\n");
    assert.equal(tsvLine(["\u001b[2J\u202e\t\\"], true), "\\x1b[2J\\u202e\\t\\\\\n");
  });

  test("can be read back, one line per record", () => {
    const back = (line: string): readonly string[] =>
      line
        .slice(0, -1)
        .split("\t")
        .map((text) => text.replace(/\\(.)/g, (_, char: string) => ({ t: "\t", n: "\n", r: "\r" })[char] ?? char));
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (cells) => {
        const line = tsvLine(cells);
        assert.equal(line.indexOf("\n"), line.length - 1);
        assert.deepEqual(back(line), cells);
      }),
      { numRuns: randomRuns(500) },
    );
  });
});

/** The fields of one record, by the syntax of RFC 4180. */
function parsed(record: string): readonly string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const quoted = /"(?:[^"]|"")*"/y;
    const plain = /[^",\r\n]*/y;
    quoted.lastIndex = at;
    plain.lastIndex = at;
    const whole = quoted.exec(record)?.[0];
    const text = whole ?? plain.exec(record)?.[0] ?? "";
    fields.push(whole === undefined ? text : whole.slice(1, -1).replaceAll('""', '"'));
    at += text.length;
    if (record.slice(at) === "\r\n") return fields;
    assert.equal(record[at], ",", JSON.stringify(record));
    at++;
  }
}

describe("csvLine()", () => {
  test("quotes as RFC 4180 requires, and joins lists", () => {
    assert.equal(csvLine(["id", 'say "hi"', ["a", "b"], "x y", ""]), 'id,"say ""hi""","a,b",x y,\r\n');
    assert.equal(csvLine(["a\nb", "c\r\nd"]), '"a\nb","c\r\nd"\r\n');
    assert.equal(csvLine([""]), '""\r\n');
    assert.equal(csvLine(["", ""]), ",\r\n");
  });

  test("writes no control characters to a terminal", () => {
    assert.equal(csvLine(["\u001b[2J\n,"], true), '"\\x1b[2J\\n,"\r\n');
  });

  test("can be read back", () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (cells) => {
        assert.deepEqual(parsed(csvLine(cells)), cells);
      }),
      { numRuns: randomRuns(500) },
    );
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseJsonExactly, preservedNumberText } from "../../../lib/core/json/json.ts";
import {
  isJsonFault,
  looksLikeJsonFile,
  parseJsonFileValues,
  parseJsonValuesOrFault,
} from "../../../lib/core/json/json-with-comments.ts";
import { randomRuns } from "../../thorough.ts";

describe("parseJsonValuesOrFault()", () => {
  test("reads whatever JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.deepEqual(parseJsonValuesOrFault(text), [JSON.parse(text)]);
      }),
    );
  });

  test("ignores comments in lines that JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ noUnicodeString: false }), { minLength: 1 }), (values) => {
        const lines = values.map((value) => JSON.stringify(value));
        const expected = lines.map((line) => JSON.parse(line));
        assert.deepEqual(parseJsonValuesOrFault(lines.join("\n")), expected);
        assert.deepEqual(parseJsonValuesOrFault(`${lines.join("\n")}\n// a comment`), expected);
      }),
    );
    for (const line of ['{"a":1,"a":1}', '{"a":1,"a":2}', '{"a":1,}'])
      assert.ok(isJsonFault(parseJsonValuesOrFault(`{"a":1}\n${line}\n{"a":1}\n`)), line);
    const [, long] = parseJsonFileValues("1\n10000000000000000001\n", "numbers.json");
    assert.equal(preservedNumberText(long), "10000000000000000001");
  });

  test("rejects whatever JSON.parse rejects, in texts one change away from JSON", () => {
    const change = fc.record({ at: fc.nat(), put: fc.constantFrom("", ...'{}[],:"\\ 0.-e+tnx\n\t') });
    fc.assert(
      fc.property(fc.jsonValue(), change, (value, { at, put }) => {
        const whole = JSON.stringify([value]);
        const place = at % whole.length;
        const text = whole.slice(0, place) + put + whole.slice(place + 1);
        const read = parseJsonValuesOrFault(text);
        const values = isJsonFault(read) ? undefined : read;
        const known = parsed(text);
        if (known === undefined) assert.notEqual(values?.length, 1, text);
        else if (values !== undefined)
          assert.equal(JSON.stringify(values), JSON.stringify([parseJsonExactly(text)]), text);
      }),
      { numRuns: randomRuns(2000) },
    );
  });

  test("allows comments wherever whitespace is allowed, and none inside strings", () => {
    const text = `// first
      /* { */ { /**/ "a" /* b */ : // "c"
      [ 1 /* , 2 */ , /* ] */ "// no, /* this is text" ] /***/ } // end`;
    assert.deepEqual(parseJsonValuesOrFault(text), [{ a: [1, "// no, /* this is text"] }]);
    assert.deepEqual(parseJsonValuesOrFault("{}/**/{}//x\n[1]"), [{}, {}, [1]]);
    assert.deepEqual(parseJsonValuesOrFault("[/*a*/]"), [[]]);
  });

  test("keeps the digits of long numbers", () => {
    const read = parseJsonValuesOrFault("[12345678901234567890]");
    const [list] = isJsonFault(read) ? [] : read;
    assert.equal(Array.isArray(list) ? preservedNumberText(list[0]) : undefined, "12345678901234567890");
  });

  for (const [text, offset, reason, first] of [
    ["[]]", 2, "a value is missing", undefined],
    ['{"a":1,}', 6, "a trailing comma before }"],
    ["[1, // more\n]", 2, "a trailing comma before ]"],
    ['{"a":1,"b":2,"a":3}', 13, 'name "a" occurs twice in an object', 1],
    ['{"a":1,"\\u0061":2}', 7, 'name "a" occurs twice in an object', 1],
    ['{"a":1 "b":2}', 7, "a comma or } is missing"],
    ["[1 2]", 3, "a comma or ] is missing"],
    ["[01]", 2, "a comma or ] is missing"],
    ['{"a"}', 4, "a colon is missing after a name"],
    ['{"a":}', 5, "a value is missing"],
    ["{a:1}", 1, "a name in double quotes is expected"],
    ["['a']", 1, "a string needs double quotes"],
    ['["a\nb"]', 3, "a string holds a line break or another control character"],
    ['["\\x"]', 2, "a string has an unknown escape"],
    ['["a]', 1, "a string has no closing quote"],
    ["[1", 2, "the text ends in the middle of a value"],
    ["[1 /* ]", 3, "a comment does not end"],
    ["{},{}", 2, "a value is missing"],
  ] as const) {
    test(`explains what is wrong with ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseJsonValuesOrFault(text), { offset, reason, ...(first === undefined ? {} : { first }) });
    });
  }

  test("allows the same name in different objects, also names that a prototype has", () => {
    const text = '{"a":{"a":1},"b":[{"a":1},{"a":1}],"__proto__":1,"constructor":2}';
    assert.equal(JSON.stringify(parseJsonValuesOrFault(text)), `[${text}]`);
  });

  test("reads up to 500 levels, in linear time even for texts that need minutes in quadratic time", () => {
    const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    assert.equal(JSON.stringify(parseJsonValuesOrFault(nested(500))), `[${nested(500)}]`);
    assert.deepEqual(parseJsonValuesOrFault(nested(501)), {
      offset: 500,
      reason: "it nests more than 500 levels deep",
    });
    const many = 2_000_000;
    for (const text of ["[", '{"a":', '"\\"', "/**/", "//\n", "/*", '{"a":"\\"', "[],", "1"])
      assert.ok(isJsonFault(parseJsonValuesOrFault(`[${text.repeat(many)}`)), text);
  });
});

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

test("parseJsonFileValues() reports the file, the line and the column, and quotes no value", () => {
  for (const [text, where] of [
    ['{\n  "client_secret": "s3cr3t",\n}\n', "line 2, column 28: a trailing comma before }"],
    [
      '{"client_secret": "s3cr3t",\n "client_secret": "s3cr3t"}',
      'line 2, column 2: name "client_secret" occurs twice in an object, first at line 1, column 2',
    ],
    ['{"a": 1}\n{"client_secret": "s3cr3t"\n\n', "line 2, column 27: the text ends in the middle of a value"],
  ] as const)
    assert.throws(() => parseJsonFileValues(text, "a\u009b.json"), {
      name: "Problem",
      exit: "usage",
      code: "bad-json",
      message: `Cannot read a\\x9b.json, ${where}`,
    });
});

test("looksLikeJsonFile() looks at the beginning of the text, unless the file name says YAML", () => {
  for (const text of ["{}", " \n[", "// x\n{}", "/* x */ []"]) {
    assert.equal(looksLikeJsonFile(text, "client.json"), true, text);
    assert.equal(looksLikeJsonFile(text, "standard input"), true, text);
    assert.equal(looksLikeJsonFile(text, "client.yaml"), false, text);
    assert.equal(looksLikeJsonFile(text, "CLIENT.YML"), false, text);
  }
  for (const text of ["", "client_id: x", "- a", "--- {}", '"a": 1', "/x: y", "1"])
    assert.equal(looksLikeJsonFile(text, "client.json"), false, text);
});

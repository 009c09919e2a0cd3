import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FIELD_FLAGS } from "../../../lib/core/client/fields.ts";
import {
  API,
  type ApiVersion,
  CONNECTION_FLAGS,
  ENDPOINT,
  FAIL_AFTER,
} from "../../../lib/core/flags/connection-flags.ts";
import {
  ENCRYPTION_FLAGS,
  KEYBASE,
  KUBERNETES_SECRET_NAME,
  KUBERNETES_SECRET_NAMESPACE,
  PGP_KEY,
  SECRET,
  SECRET_FORMAT,
  SECRET_LENGTH,
} from "../../../lib/core/flags/credential-flags.ts";
import {
  type BoolFlag,
  type DurationFlag,
  type Flag,
  type IntFlag,
  indexFlags,
  type ListFlag,
  longNames,
  type RepeatFlag,
  type TextFlag,
} from "../../../lib/core/flags/flag.ts";
import {
  asksForHelp,
  NO_VALUE_SOURCES,
  type ParsedLine,
  parseFlagsWithFallbacks,
  type ValueSources,
} from "../../../lib/core/flags/parse.ts";
import type { FlagValues } from "../../../lib/core/flags/parsed-flag-values.ts";
import {
  FORMAT,
  GENERAL_FLAGS,
  HELP,
  LIMIT as LIMIT_ROW,
  QUIET,
  STRICT,
} from "../../../lib/core/flags/shared-flags.ts";
import { splitFlagsBeforeCommand } from "../../../lib/core/flags/split-command-line.ts";
import type { Problem } from "../../../lib/core/problem.ts";
import { quoteVisiblePart } from "../../../lib/core/redact.ts";
import { randomRuns } from "../../thorough.ts";
import { csvField } from "./csv-field.ts";

const shared = { group: "client", help: "A flag of this test" } as const;

const NAME: TextFlag = { ...shared, kind: "text", name: "name", short: "n", value: "TEXT" };

const KIND: TextFlag = {
  ...shared,
  kind: "text",
  name: "kind",
  value: "KIND",
  default: "a",
  choices: ["a", "bee", ""],
};

const DRY: TextFlag = {
  ...shared,
  kind: "text",
  name: "dry-run",
  value: "WAY",
  implicitValue: "json",
  choices: ["json", "curl"],
};

const TOKEN: TextFlag = { ...shared, kind: "text", name: "token", short: "t", value: "TOKEN", secret: true };

const CALLBACKS: ListFlag = {
  ...shared,
  kind: "list",
  name: "callbacks",
  v2: "redirect-uri",
  aliases: ["cb"],
  short: "c",
  value: "LIST",
};

const GRANTS: ListFlag = { ...shared, kind: "list", name: "grant-types", short: "g", value: "LIST", default: ["code"] };

const LETTERS: ListFlag = { ...shared, kind: "list", name: "letters", value: "LIST", choices: ["x", "y"] };

const HEADER: RepeatFlag = { ...shared, kind: "each", name: "header", short: "H", value: "'NAME: VALUE'" };

const AFTER: DurationFlag = {
  ...shared,
  kind: "duration",
  name: "fail-after",
  value: "DURATION",
  default: 60_000,
  zero: "a single try",
};

const LIMIT: IntFlag = { ...shared, kind: "count", name: "limit", value: "N", default: 7 };

const AGE: IntFlag = { ...shared, kind: "count", name: "age", value: "N", minusOne: "no limit" };

const LOUD: BoolFlag = { ...shared, kind: "switch", name: "loud", short: "l" };

const QUICK: BoolFlag = { ...shared, kind: "switch", name: "quick", short: "q" };

const ROWS: readonly Flag[] = [
  NAME,
  KIND,
  DRY,
  TOKEN,
  CALLBACKS,
  GRANTS,
  LETTERS,
  HEADER,
  AFTER,
  LIMIT,
  AGE,
  LOUD,
  QUICK,
];

const NOTHING: ValueSources = { environment: () => undefined, file: () => undefined };

function parse(words: readonly string[], surroundings: ValueSources = NOTHING): ParsedLine {
  return parseFlagsWithFallbacks(words, ROWS, "clients create", surroundings);
}

function heldBy(values: FlagValues, flag: Flag): unknown {
  switch (flag.kind) {
    case "switch":
      return values.bool(flag);
    case "text":
      return values.text(flag);
    case "list":
    case "each":
      return values.list(flag);
    default:
      return values.number(flag);
  }
}

/** What was given, by the name of its flag. */
function given({ values }: ParsedLine): Record<string, unknown> {
  return Object.fromEntries(
    ROWS.filter((row) => values.isSet(row)).map((row) => [row.name, heldBy(values, row)] as const),
  );
}

function told(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, message, hint }) => `${code}: ${message} | ${hint}`);
}

/** Command lines and what pflag reads from them: the values, and the words that are no flags. */
const LINES: readonly (readonly [
  words: readonly string[],
  values: Readonly<Record<string, unknown>>,
  operands?: readonly string[],
])[] = [
  [[], {}],
  // One text, in each spelling.
  [["--name", "my app"], { name: "my app" }],
  [["--name=my app"], { name: "my app" }],
  [["-n", "my app"], { name: "my app" }],
  [["-nmy app"], { name: "my app" }],
  [["-n=my app"], { name: "my app" }],
  [["--name="], { name: "" }],
  [["--name", ""], { name: "" }],
  [["-n", ""], { name: "" }],
  [["--name=a=b"], { name: "a=b" }],
  [["-n=a=b"], { name: "a=b" }],
  [["-n==b"], { name: "=b" }],
  // A value may begin with a dash, and may look like a flag.
  [["--name", "-x"], { name: "-x" }],
  [["--name", "--"], { name: "--" }],
  [["--name", "--loud"], { name: "--loud" }],
  [["-n", "-n"], { name: "-n" }],
  [["-n-x"], { name: "-x" }],
  [["--name=-x"], { name: "-x" }],
  // The last of several counts.
  [["--name", "a", "-n", "b"], { name: "b" }],
  [["-n", "b", "--name="], { name: "" }],
  // An optional value is accepted only after an equals sign.
  [["--dry-run"], { "dry-run": "json" }],
  [["--dry-run=curl"], { "dry-run": "curl" }],
  [["--dry-run", "curl"], { "dry-run": "json" }, ["curl"]],
  // Choices, the empty one too.
  [["--kind", "bee"], { kind: "bee" }],
  [["--kind="], { kind: "" }],
  // Lists: commas, quotes, repeats, under each name.
  [["-c", "a"], { callbacks: ["a"] }],
  [["-ca,b"], { callbacks: ["a", "b"] }],
  [["-c=a,b"], { callbacks: ["a", "b"] }],
  [["--callbacks", "a,b"], { callbacks: ["a", "b"] }],
  [["--callbacks=a,b"], { callbacks: ["a", "b"] }],
  [["--redirect-uri", "a"], { callbacks: ["a"] }],
  [["--redirect-uri=a", "--callbacks", "b,c", "-c", "d", "--cb", "e"], { callbacks: ["a", "b", "c", "d", "e"] }],
  [["-c", '"a,b",c'], { callbacks: ["a,b", "c"] }],
  [["-c", '"http://a.example/cb?x=1,2"'], { callbacks: ["http://a.example/cb?x=1,2"] }],
  [["-c", ""], { callbacks: [] }],
  [["-c="], { callbacks: [] }],
  [["-c", "a", "-c", ""], { callbacks: ["a"] }],
  [["-c", " a , b"], { callbacks: [" a ", " b"] }],
  // A default is replaced, not added to.
  [["-g", "implicit", "-g", "refresh_token"], { "grant-types": ["implicit", "refresh_token"] }],
  [["-g", ""], { "grant-types": [] }],
  // Whole values: neither commas nor colons nor quotes mean anything.
  [["-H", "X-A: 1,2", "--header=X-B: http://b", '-HX-C: "c'], { header: ["X-A: 1,2", "X-B: http://b", 'X-C: "c'] }],
  [["-H", ""], { header: [""] }],
  // Switches.
  [["--loud"], { loud: true }],
  [["--loud=false"], { loud: false }],
  [["--loud", "false"], { loud: true }, ["false"]],
  [["-l"], { loud: true }],
  [["-l=0"], { loud: false }],
  [["-lq"], { loud: true, quick: true }],
  [["-lq=F"], { loud: true, quick: false }],
  [["-ln", "x"], { loud: true, name: "x" }],
  [["-lnx"], { loud: true, name: "x" }],
  [["-lqc=a,b"], { loud: true, quick: true, callbacks: ["a", "b"] }],
  [["--loud", "--loud=false"], { loud: false }],
  // Numbers.
  [["--fail-after", "1m30s"], { "fail-after": 90_000 }],
  [["--fail-after=0"], { "fail-after": 0 }],
  [["--limit", "0"], { limit: 0 }],
  [["--limit", "007"], { limit: 7 }],
  [["--age", "-1"], { age: -1 }],
  [["--age=-1"], { age: -1 }],
  // Operands may be anywhere; two dashes end the flags.
  [["a", "--loud", "b"], { loud: true }, ["a", "b"]],
  [["--loud", "--", "--name", "-x"], { loud: true }, ["--name", "-x"]],
  [["--", "--"], {}, ["--"]],
  [["-", "--loud"], { loud: true }, ["-"]],
  [["", "a b"], {}, ["", "a b"]],
];

describe("parseFlagsWithFallbacks() reads a command line as pflag does", () => {
  for (const [words, values, operands = []] of LINES) {
    test(JSON.stringify(words), () => {
      const line = parse(words);
      assert.deepEqual(told(line.problems), []);
      assert.deepEqual(given(line), values);
      assert.deepEqual(line.operands, operands);
    });
  }
});

describe("a switch accepts the spellings of Go's ParseBool and no others", () => {
  const on = ["1", "t", "T", "TRUE", "true", "True"];
  const off = ["0", "f", "F", "FALSE", "false", "False"];
  for (const word of [...on, ...off]) {
    test(`--loud=${word} and -l=${word}`, () => {
      for (const spelled of [`--loud=${word}`, `-l=${word}`]) {
        const line = parse([spelled]);
        assert.deepEqual(told(line.problems), []);
        assert.equal(line.values.bool(LOUD), on.includes(word));
        assert.equal(line.values.isSet(LOUD), true);
      }
    });
  }
  for (const word of ["", "yes", "no", "on", "off", "tRUE", "TrUe", "2", "-1", " true"]) {
    test(`--loud=${word} is rejected`, () => {
      assert.deepEqual(told(parse([`--loud=${word}`]).problems), [
        `bad-value: --loud ${JSON.stringify(word)} is neither true nor false | write --loud or --loud=false`,
      ]);
    });
  }
});

/** Lines that are rejected, with all that is reported: code, message and hint. */
const REFUSED: readonly (readonly [words: readonly string[], problems: readonly string[]])[] = [
  [["--name"], ["missing-value: --name needs a value | write --name TEXT; hydra help clients create shows it"]],
  [["-n"], ["missing-value: -n needs a value | write -n TEXT; hydra help clients create shows it"]],
  [["-ln"], ["missing-value: -n needs a value | write -n TEXT; hydra help clients create shows it"]],
  [["-H"], ["missing-value: -H needs a value | write -H 'NAME: VALUE'; hydra help clients create shows it"]],
  [["--nmae", "x"], ["unknown-flag: Unknown flag --nmae | did you mean --name?"]],
  [["--nmae=x"], ["unknown-flag: Unknown flag --nmae | did you mean --name?"]],
  [["--callback", "x"], ["unknown-flag: Unknown flag --callback | did you mean --callbacks?"]],
  [["--redirect-url", "x"], ["unknown-flag: Unknown flag --redirect-url | did you mean --redirect-uri?"]],
  [["--grant"], ["unknown-flag: Unknown flag --grant | did you mean --grant-types?"]],
  ...["--token hunter2", "--token:hunter2", "--token\thunter2", "--token＝hunter2"].map(
    (word) =>
      [
        [word],
        ["unknown-flag: --token and its value are one word | write --token=VALUE, or the value as a word of its own"],
      ] as const,
  ),
  [["--tokn hunter2"], ["unknown-flag: Unknown flag --tokn | did you mean --token?"]],
  [["--Name=x"], ["unknown-flag: Unknown flag --Name | did you mean --name?"]],
  [["--bogus"], ["unknown-flag: Unknown flag --bogus | hydra help clients create lists the flags"]],
  [["--constructor"], ["unknown-flag: Unknown flag --constructor | hydra help clients create lists the flags"]],
  [["--constructor=x"], ["unknown-flag: Unknown flag --constructor | hydra help clients create lists the flags"]],
  [["--__proto__", "x"], ["unknown-flag: Unknown flag --__proto__ | hydra help clients create lists the flags"]],
  [["--toString"], ["unknown-flag: Unknown flag --toString | hydra help clients create lists the flags"]],
  [["--hasOwnProperty"], ["unknown-flag: Unknown flag --hasOwnProperty | hydra help clients create lists the flags"]],
  [["-x"], ["unknown-flag: Unknown flag -x | hydra help clients create lists the flags"]],
  [["-lx"], ["unknown-flag: Unknown flag -x | hydra help clients create lists the flags"]],
  [["-name", "app"], []],
  [["---name=x"], ["unknown-flag: Unknown flag ---name | did you mean --name?"]],
  [["--=x"], ["unknown-flag: Unknown flag -- | hydra help clients create lists the flags"]],
  [["-=x"], ["unknown-flag: Unknown flag -= | hydra help clients create lists the flags"]],
  [["--no-loud"], ["unknown-flag: Unknown flag --no-loud | hydra help clients create lists the flags"]],
  [["--kind", "c"], ['bad-value: --kind "c" is not one of a or bee | did you mean a?']],
  [["--kind", "be"], ['bad-value: --kind "be" is not one of a or bee | did you mean bee?']],
  [["--kind", "zzzzzz"], ['bad-value: --kind "zzzzzz" is not one of a or bee | for example: --kind a']],
  [["--kind", "constructor"], ['bad-value: --kind "constructor" is not one of a or bee | for example: --kind a']],
  [["--dry-run="], ['bad-value: --dry-run "" is not one of json or curl | for example: --dry-run=json']],
  [["--letters", "x,z"], ['bad-value: --letters "z" is not one of x or y | did you mean x?']],
  [
    ["-c", 'a"b'],
    [
      `bad-value: -c "a"b" is not a list: an unquoted value contains a double quote | quote a value that contains a comma: -c '"a,b",c'`,
    ],
  ],
  [
    ["--fail-after", "soon"],
    ['bad-value: --fail-after "soon" is not a duration | write a number with a unit, such as 30s, 1m30s or 500ms'],
  ],
  [
    ["--fail-after", "30"],
    ['bad-value: --fail-after "30" is not a duration | write a number with a unit, such as 30s, 1m30s or 500ms'],
  ],
  [
    ["--fail-after="],
    ['bad-value: --fail-after "" is not a duration | write a number with a unit, such as 30s, 1m30s or 500ms'],
  ],
  [["--fail-after", "-1s"], ['bad-value: --fail-after "-1s" is a negative duration | write 0 for a single try']],
  [["--limit", "many"], ['bad-value: --limit "many" is not a whole number | for example: --limit 7']],
  [["--limit", "-1"], ['bad-value: --limit "-1" is not a whole number | for example: --limit 7']],
  [["--age", "-2"], ['bad-value: --age "-2" is not a whole number | for example: --age 10; -1 is no limit']],
  [["--limit", "1.5"], ['bad-value: --limit "1.5" is not a whole number | for example: --limit 7']],
  [["--limit="], ['bad-value: --limit "" is not a whole number | for example: --limit 7']],
  // An overridden value is refused too, as pflag does.
  [
    ["--fail-after", "soon", "--fail-after", "1s"],
    ['bad-value: --fail-after "soon" is not a duration | write a number with a unit, such as 30s, 1m30s or 500ms'],
  ],
  [["--loud=maybe", "--loud"], ['bad-value: --loud "maybe" is neither true nor false | write --loud or --loud=false']],
  // All at once.
  [
    ["--limit", "x", "--bogus", "--kind=c", "--name"],
    [
      "unknown-flag: Unknown flag --bogus | hydra help clients create lists the flags",
      "missing-value: --name needs a value | write --name TEXT; hydra help clients create shows it",
      'bad-value: --kind "c" is not one of a or bee | did you mean a?',
      'bad-value: --limit "x" is not a whole number | for example: --limit 7',
    ],
  ],
];

describe("parseFlagsWithFallbacks() rejects", () => {
  for (const [words, problems] of REFUSED) {
    test(JSON.stringify(words), () => {
      const line = parse(words);
      assert.deepEqual(told(line.problems), problems);
      assert.ok(line.problems.every(({ exit }) => exit === "usage"));
    });
  }
});

test("a flag that needs a value rejects an empty one, also if it takes free text", () => {
  const rows = [KUBERNETES_SECRET_NAMESPACE, KUBERNETES_SECRET_NAME, PGP_KEY, KEYBASE];
  const problems = rows.flatMap(
    (row) => parseFlagsWithFallbacks([`--${row.name}`, ""], [row], "clients create", NO_VALUE_SOURCES).problems,
  );
  assert.deepEqual(
    told(problems).map((line) => line.replace(/ \|.*/, "")),
    rows.map(({ name }) => `bad-value: --${name} "" is empty`),
  );
});

test("an invalid value that is overridden leaves the flag without a value", () => {
  const { values } = parse(["--fail-after", "soon", "--fail-after", "1s"]);
  assert.equal(values.isSet(AFTER), false);
  assert.equal(values.number(AFTER), 60_000);
});

test("a long name after one dash is read as a cluster, as pflag does", () => {
  const line = parse(["-name", "app"]);
  assert.deepEqual(given(line), { name: "ame" });
  assert.deepEqual(line.operands, ["app"]);
});

test("the word after an unknown flag counts as its value, unless it is a flag", () => {
  assert.deepEqual(parse(["--bogus", "value", "--loud"]).operands, []);
  assert.deepEqual(parse(["--bogus=x", "value"]).operands, ["value"]);
  const line = parse(["--bogus", "--loud"]);
  assert.equal(line.values.bool(LOUD), true);
});

test("without a command name, the hint points to the general help", () => {
  const { problems } = parseFlagsWithFallbacks(["--bogus", "--name"], [NAME], "", NOTHING);
  assert.deepEqual(
    problems.map(({ hint }) => hint),
    ["hydra help COMMAND lists the flags", "write --name TEXT; hydra help COMMAND shows it"],
  );
});

test("a known flag used as a value is reported, without its own value or a credential", () => {
  assert.deepEqual(parse(["--name", "--loud"]).warnings, ['--name took "--loud" as its value']);
  assert.deepEqual(parse(["--name", "--token=hunter2"]).warnings, ['--name took "--token=…" as its value']);
  assert.deepEqual(parse(["--token", "--name"]).warnings, ["--token took the flag after it as its value"]);
  assert.deepEqual(parse(["--name", "--bogus"]).warnings, []);
  assert.deepEqual(parse(["--name=--loud"]).warnings, []);
});

test("operands after the value of a credential are marked, because a space may have split it", () => {
  assert.deepEqual([...parse(["--token", "Bearer", "hunter2", "x", "--loud", "y"]).maybeSecret], ["hunter2", "x"]);
  assert.deepEqual([...parse(["-tBearer", "hunter2"]).maybeSecret], ["hunter2"]);
  assert.deepEqual([...parse(["--name", "--token", "hunter2"]).maybeSecret], ["hunter2"]);
  assert.deepEqual([...parse(["--name", "-t", "hunter2"]).maybeSecret], ["hunter2"]);
  assert.deepEqual([...parse(["--", "a", "--token", "hunter2"]).maybeSecret], ["hunter2"]);
  for (const dash of ["\u2013", "\u2014", "\u2010", "\u2013-", "/", ""])
    for (const words of [[`${dash}token`, "hunter2"], [`${dash}token=hunter2`]])
      assert.deepEqual([...parse(words).maybeSecret], words.slice(-1));
  assert.deepEqual([...parse(["a", "--name", "b", "c", "--token", "x", "--loud", "d", "--", "e"]).maybeSecret], []);
});

test("quoteVisiblePart() leaves out the value of a flag, and what may be a credential", () => {
  assert.equal(quoteVisiblePart("plain"), '"plain"');
  assert.equal(quoteVisiblePart("--token=hunter2"), '"--token=…"');
  assert.equal(quoteVisiblePart("-thunter2"), '"-t…"');
  assert.equal(quoteVisiblePart("-t"), '"-t"');
  assert.equal(quoteVisiblePart("--token"), '"--token"');
  assert.equal(quoteVisiblePart("-5s"), '"-5s"');
  assert.equal(quoteVisiblePart("a=b"), '"a=b"');
  assert.equal(quoteVisiblePart("a\u001b[31m"), '"a\\x1b[31m"');
  assert.equal(quoteVisiblePart("hunter2", TOKEN.secret), "(not shown)");
  assert.equal(quoteVisiblePart("--token=hunter2", NAME.secret), '"--token=…"');
  assert.equal(quoteVisiblePart("http://a:hunter2@b:1"), '"http://b:1/"');
  assert.equal(quoteVisiblePart("http://b:1"), '"http://b:1"');
  assert.equal(quoteVisiblePart("https://b/?token=hunter2"), '"https://b/?…"');
  assert.equal(
    quoteVisiblePart("urn:ietf:params:oauth:grant-type:jwt-bearer"),
    '"urn:ietf:params:oauth:grant-type:jwt-bearer"',
  );
  for (const word of CREDENTIALS) assert.equal(quoteVisiblePart(word), "(not shown)", word);
});

/** Words that may be credentials as a whole. */
const CREDENTIALS = [
  "a:hunter2@b",
  "http://a,http://b:hunter2@c",
  "b?key=hunter2",
  "client_secret=hunter2",
  "Authorization: Bearer hunter2",
  "-----BEGIN PRIVATE KEY-----",
  "ory_at_hunter2",
  `${"x".repeat(43)}.${"y".repeat(43)}`,
  "eyJhbGciOiJSUzI1NiJ9",
];

describe("a value comes from the flag, the environment, the file or the default, in this order", () => {
  const NAMED: TextFlag = { ...NAME, env: ["FIRST", "SECOND"], file: "name", default: "own" };
  const LISTED: ListFlag = { ...CALLBACKS, env: ["LIST"], file: "callbacks" };
  const SWITCHED: BoolFlag = { ...LOUD, env: ["LOUD"], file: "loud" };
  const TIMED: DurationFlag = { ...AFTER, env: ["AFTER"], file: "after" };

  function around(
    environment: Readonly<Record<string, string>>,
    file: Readonly<Record<string, readonly string[]>> = {},
  ): ValueSources {
    return {
      environment: (name) => environment[name],
      file: (key) => {
        const texts = file[key];
        return texts === undefined ? undefined : { texts, name: `"${key}" in hydra.yaml` };
      },
    };
  }

  function read(words: readonly string[], surroundings: ValueSources): ParsedLine {
    return parseFlagsWithFallbacks(words, [NAMED, LISTED, SWITCHED, TIMED], "x", surroundings);
  }

  const all = around({ FIRST: "env", SECOND: "env2" }, { name: ["filed"] });
  const CASES: readonly (readonly [
    title: string,
    words: readonly string[],
    surroundings: ValueSources,
    text: string,
    from: string,
    name: string,
  ])[] = [
    ["a flag before all", ["-n", "flag"], all, "flag", "flag", "-n"],
    ["an empty flag before all", ["--name="], all, "", "flag", "--name"],
    ["the first variable", [], all, "env", "environment", "environment variable FIRST"],
    ["the second", [], around({ SECOND: "env2" }), "env2", "environment", "environment variable SECOND"],
    [
      "an empty variable is none",
      [],
      around({ FIRST: "", SECOND: "2" }),
      "2",
      "environment",
      "environment variable SECOND",
    ],
    ["the file", [], around({ FIRST: "" }, { name: ["filed"] }), "filed", "file", '"name" in hydra.yaml'],
    ["the default", [], around({}), "own", "default", "the default of --name"],
  ];
  for (const [title, words, surroundings, text, from, name] of CASES) {
    test(title, () => {
      const { values } = read(words, surroundings);
      assert.equal(values.text(NAMED), text);
      assert.deepEqual(values.origin(NAMED), { from, name });
      assert.equal(values.isSet(NAMED), from !== "default");
    });
  }

  test("what a file or a shell leaves around a variable is ignored; spaces of a credential stay", () => {
    const secret: TextFlag = { ...NAMED, secret: true };
    for (const set of ["x\r", "x\r\n", " x "]) {
      assert.equal(read([], around({ FIRST: set })).values.text(NAMED), "x", JSON.stringify(set));
    }
    for (const [set, text] of [
      ["x\r", "x"],
      ["x\r\n", "x"],
      [" x ", " x "],
    ] as const) {
      const { values } = parseFlagsWithFallbacks([], [secret], "x", around({ FIRST: set }));
      assert.equal(values.text(secret), text, JSON.stringify(set));
    }
    assert.equal(read([], around({ FIRST: "\r", SECOND: "2" })).values.text(NAMED), "2");
  });

  test("a list in a variable is CSV, and one in the file has one value per item", () => {
    assert.deepEqual(read([], around({ LIST: 'a,"b,c"' })).values.list(LISTED), ["a", "b,c"]);
    assert.deepEqual(read([], around({}, { callbacks: ["a", "b,c"] })).values.list(LISTED), ["a", "b", "c"]);
    assert.deepEqual(read(["-c", "x"], around({ LIST: "a" })).values.list(LISTED), ["x"]);
  });

  test("a flag can turn off what the environment turns on", () => {
    assert.equal(read(["--loud=false"], around({ LOUD: "true" })).values.bool(SWITCHED), false);
    assert.equal(read([], around({ LOUD: "T" })).values.bool(SWITCHED), true);
  });

  test("the error about an invalid value names the variable or the file, and begins with a capital letter", () => {
    const { problems } = read([], around({ LOUD: "perhaps" }, { after: ["later"] }));
    assert.deepEqual(told(problems), [
      'bad-value: Environment variable LOUD "perhaps" is neither true nor false | write true or false',
      'bad-value: "after" in hydra.yaml "later" is not a duration | write a number with a unit, such as 30s, 1m30s or 500ms',
    ]);
  });

  test("the hint for a value from the environment or the file suggests no flag", () => {
    const ways = { from: "file", name: '"kind" in hydra.yaml' } as const;
    const rows: readonly Flag[] = [{ ...KIND, file: "kind", choices: ["long", "short"] }];
    const { problems } = parseFlagsWithFallbacks([], rows, "", around({}, { kind: ["x"] }));
    assert.deepEqual(told(problems), [`bad-value: ${ways.name} "x" is not one of long or short | for example: long`]);
  });

  test("an invalid value in the environment is ignored if the flag is set", () => {
    assert.deepEqual(told(read(["--fail-after", "1s"], around({ AFTER: "later" })).problems), []);
  });
});

test("leading and trailing spaces in list values are kept, and reported once per flag", () => {
  const line = parse(["-c", "a, b", "-c", " c", "--callbacks", "d"]);
  assert.deepEqual(line.values.list(CALLBACKS), ["a", " b", " c", "d"]);
  assert.deepEqual(line.warnings, ['--callbacks: the space around " b" is part of the value']);
  assert.deepEqual(parse(["-c", "a b,c"]).warnings, []);
});

test("the hint for an invalid number suggests a valid one", () => {
  const { problems } = parseFlagsWithFallbacks(["--secret-length", "abc"], [SECRET_LENGTH], "", NOTHING);
  assert.deepEqual(
    problems.map(({ hint }) => hint),
    ["for example: --secret-length 26"],
  );
});

test("a default is used if nothing is set, and does not count as set", () => {
  const { values } = parse([]);
  assert.equal(values.text(KIND), "a");
  assert.equal(values.text(NAME), undefined);
  assert.deepEqual(values.list(GRANTS), ["code"]);
  assert.deepEqual(values.list(CALLBACKS), []);
  assert.equal(values.number(AFTER), 60_000);
  assert.equal(values.number(LIMIT), 7);
  assert.equal(values.bool(LOUD), false);
  assert.ok(ROWS.every((row) => !values.isSet(row)));
});

test("longNames() begins with the name in the current syntax", () => {
  assert.deepEqual(longNames(CALLBACKS), ["callbacks", "redirect-uri", "cb"]);
  assert.deepEqual(longNames(CALLBACKS, "2.x"), ["redirect-uri", "callbacks", "cb"]);
  assert.deepEqual(longNames(NAME, "2.x"), ["name"]);
});

/** Words before a command: which are flags, what is the command, what is left. */
const BEFORE: readonly (readonly [
  words: readonly string[],
  flags: readonly string[],
  command: string | undefined,
  rest: readonly string[],
])[] = [
  [[], [], undefined, []],
  [["clients", "create"], [], "clients", ["create"]],
  [["--name", "x", "clients"], ["--name", "x"], "clients", []],
  [["--name=x", "clients"], ["--name=x"], "clients", []],
  [["-n", "x", "clients"], ["-n", "x"], "clients", []],
  [["-nx", "clients"], ["-nx"], "clients", []],
  [["-n=x", "clients"], ["-n=x"], "clients", []],
  [["-l", "clients"], ["-l"], "clients", []],
  [["--loud", "clients"], ["--loud"], "clients", []],
  [["--dry-run", "clients"], ["--dry-run"], "clients", []],
  [["-ln", "x", "clients"], ["-ln", "x"], "clients", []],
  [["-lnx", "clients"], ["-lnx"], "clients", []],
  [["-ln=x", "clients"], ["-ln=x"], "clients", []],
  [["-lz", "clients"], ["-lz"], "clients", []],
  [["--bogus", "clients"], ["--bogus"], "clients", []],
  [["--name"], ["--name"], undefined, []],
  [["-", "x"], [], "-", ["x"]],
  [["--loud", "--", "clients"], ["--loud", "--", "clients"], undefined, []],
];

for (const [words, flags, command, rest] of BEFORE) {
  test(`splitFlagsBeforeCommand() of ${JSON.stringify(words)}`, () => {
    assert.deepEqual(splitFlagsBeforeCommand(words, indexFlags(ROWS)), { flags, command, rest });
  });
}

/** True where two types are the same. */
type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

test("defaults and choices are part of the type of a flag's value", () => {
  const { values } = parseFlagsWithFallbacks(["--fail-after", "5s", "--api", "v1"], REAL, "", NOTHING);
  const number = values.number(FAIL_AFTER);
  const withoutDefault = values.number(LIMIT_ROW);
  const choice = values.text(API);
  const choiceWithoutDefault = values.text(SECRET_FORMAT);
  const text = values.text(ENDPOINT);
  const same: [
    Equals<typeof number, number>,
    Equals<typeof withoutDefault, number | undefined>,
    Equals<typeof choice, "auto" | ApiVersion>,
    Equals<typeof choiceWithoutDefault, "dotenv" | "json" | "k8s" | undefined>,
    Equals<typeof text, string | undefined>,
  ] = [true, true, true, true, true];
  assert.equal(same.length, 5);
  assert.deepEqual(
    [number, withoutDefault, choice, choiceWithoutDefault, text],
    [5000, undefined, "v1", undefined, undefined],
  );
});

test("asksForHelp() detects help wherever a flag may be, and nowhere else", () => {
  const rows = [...ROWS, HELP];
  for (const words of [
    ["--help"],
    ["-h"],
    ["x", "--help=T"],
    ["--help=all"],
    ["--name", "y", "-lh"],
    ["--bogus", "--help"],
  ])
    assert.equal(asksForHelp(words, rows, HELP), true, words.join(" "));
  for (const words of [[], ["--", "--help"], ["--name", "--help"], ["-n", "-h"], ["--help=false"], ["help"]])
    assert.equal(asksForHelp(words, rows, HELP), false, words.join(" "));
});

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("-", "=", ",", '"', "n", "c", " ", "\n") }),
);

/** The ways to hand one value to a flag, as words. */
function spellings(flag: Flag, value: string): readonly (readonly string[])[] {
  const long = longNames(flag).flatMap((name) => [[`--${name}`, value], [`--${name}=${value}`]]);
  if (flag.short === undefined) return long;
  const glued = value === "" || value.startsWith("=") ? [] : [[`-${flag.short}${value}`]];
  return [...long, [`-${flag.short}`, value], [`-${flag.short}=${value}`], ...glued];
}

function spelledList(flag: ListFlag | RepeatFlag): fc.Arbitrary<{ words: string[]; values: string[] }> {
  const piece =
    flag.kind === "each"
      ? anyText.map((value) => ({ text: value, values: [value] }))
      : fc.array(anyText, { maxLength: 4 }).map((values) => ({ text: values.map(csvField).join(","), values }));
  const spelled = fc.tuple(piece, fc.nat(20)).map(([{ text, values }, way]) => {
    const all = spellings(flag, text);
    return { words: all[way % all.length] ?? [], values };
  });
  return fc.array(spelled, { minLength: 1, maxLength: 4 }).map((pieces) => ({
    words: pieces.flatMap(({ words }) => [...words]),
    values: pieces.flatMap(({ values }) => values),
  }));
}

for (const flag of [CALLBACKS, GRANTS, HEADER]) {
  test(`any list of values is read back unchanged, whichever spellings of --${flag.name} pass it`, () => {
    fc.assert(
      fc.property(spelledList(flag), ({ words, values }) => {
        const line = parse(words);
        assert.deepEqual(told(line.problems), []);
        assert.deepEqual(line.values.list(flag), values);
        assert.deepEqual(line.operands, []);
      }),
      { numRuns: randomRuns(500) },
    );
  });
}

test("any text is read back unchanged, whichever spelling passes it", () => {
  fc.assert(
    fc.property(anyText, fc.nat(20), (value, way) => {
      const all = spellings(NAME, value);
      const line = parse(all[way % all.length] ?? []);
      assert.deepEqual(given(line), { name: value });
    }),
    { numRuns: randomRuns(500) },
  );
});

/** The flags of a command that takes nearly all there are. */
const REAL: readonly Flag[] = [
  ...FIELD_FLAGS,
  SECRET,
  ...ENCRYPTION_FLAGS,
  STRICT,
  FORMAT,
  QUIET,
  ...CONNECTION_FLAGS,
  ...GENERAL_FLAGS,
];

/** Words as a person may write or mistype them: flags in all spellings, values, bits of both. */
const anyWord = fc.oneof(
  anyText,
  fc.constantFrom(
    ...REAL.flatMap((row) => [
      ...longNames(row).flatMap((name) => [`--${name}`, `--${name}=`, `--${name}=x`, `--${name.slice(1)}`]),
      ...(row.short === undefined ? [] : [`-${row.short}`, `-${row.short}=`, `-${row.short}x`]),
    ]),
    "--",
    "-",
    "--constructor",
    "--__proto__=x",
    "-H",
  ),
);

test("no command line makes the parser throw", () => {
  const surroundings = fc.record({
    env: fc.option(anyText, { nil: undefined }),
    file: fc.option(fc.array(anyText), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(anyWord, { maxLength: 8 }), surroundings, (words, { env, file }) => {
      const line = parseFlagsWithFallbacks(words, REAL, "clients create", {
        environment: () => env,
        file: () => (file === undefined ? undefined : { texts: file, name: "file" }),
      });
      for (const row of REAL) {
        heldBy(line.values, row);
        line.values.origin(row);
      }
      splitFlagsBeforeCommand(words, indexFlags(REAL));
      assert.ok(line.problems.every(({ exit, message }) => exit === "usage" && message !== ""));
    }),
    { numRuns: randomRuns(2000) },
  );
});

test("no message, hint or warning contains the value of a credential, wherever it is on the line", () => {
  const CREDENTIAL = "Zq9xhunter2xq9Z";
  const credentials = REAL.filter(({ secret }) => secret === true);
  assert.deepEqual(
    credentials.map(({ name }) => name),
    ["secret", "access-token", "header"],
  );
  const carried = fc.constantFrom(...credentials.flatMap((flag) => spellings(flag, CREDENTIAL)));
  const other = anyWord.filter((word) => !word.startsWith("-") || word.length > 2);
  fc.assert(
    fc.property(
      fc.array(other, { maxLength: 3 }),
      carried,
      fc.array(anyWord, { maxLength: 3 }),
      (before, words, after) => {
        const line = parseFlagsWithFallbacks([...before, ...words, ...after], REAL, "clients create", NOTHING);
        const all = [
          ...line.problems.flatMap(({ message, hint, details: also }) => [message, hint ?? "", ...also]),
          ...line.warnings,
          ...line.operands.filter((word) => !line.maybeSecret.has(word)).map((word) => quoteVisiblePart(word)),
        ];
        for (const text of all) assert.ok(!text.includes(CREDENTIAL), text);
      },
    ),
    { numRuns: randomRuns(3000) },
  );
});

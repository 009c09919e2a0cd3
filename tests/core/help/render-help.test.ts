import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import APPLY from "../../../lib/commands/clients/apply.ts";
import CREATE from "../../../lib/commands/clients/create.ts";
import UPDATE from "../../../lib/commands/clients/update.ts";
import { FIELD_FLAGS } from "../../../lib/core/client/fields.ts";
import { CONNECTION_FLAGS } from "../../../lib/core/flags/connection-flags.ts";
import { ENCRYPTION_FLAGS, SECRET } from "../../../lib/core/flags/credential-flags.ts";
import {
  type BoolFlag,
  type DurationFlag,
  type Flag,
  type ListFlag,
  longNames,
  type SyntaxVersion,
  type TextFlag,
} from "../../../lib/core/flags/flag.ts";
import { FORMAT, GENERAL_FLAGS } from "../../../lib/core/flags/shared-flags.ts";
import {
  flagDefaultText,
  flagNotes,
  flagUsage,
  type HelpPage,
  renderHelp,
  wrapIntoLines,
} from "../../../lib/core/help/render-help.ts";

const shared = { group: "client", help: "Does a thing" } as const;

const KIND: TextFlag = {
  ...shared,
  kind: "text",
  name: "kind",
  short: "k",
  value: "KIND",
  default: "a",
  choices: ["a", "b", ""],
};

const DRY: TextFlag = { ...shared, kind: "text", name: "dry-run", value: "json|curl", implicitValue: "json" };

const URIS: ListFlag = {
  ...shared,
  kind: "list",
  name: "callbacks",
  v2: "redirect-uri",
  aliases: ["cb"],
  short: "c",
  value: "LIST",
  default: ["x", "y"],
};

const AFTER: DurationFlag = {
  ...shared,
  group: "connection",
  kind: "duration",
  name: "after",
  value: "DURATION",
  default: 60_000,
};

const LOUD: BoolFlag = { ...shared, group: "general", kind: "switch", name: "loud", short: "l" };

const TOKEN: TextFlag = {
  ...shared,
  group: "connection",
  kind: "text",
  name: "token",
  value: "TOKEN",
  env: ["FIRST", "SECOND"],
  secret: true,
};

const FLAGS: readonly Flag[] = [KIND, DRY, URIS, AFTER, LOUD, TOKEN];

const PAGE: HelpPage = {
  path: "hydra things make",
  summary: "Make a thing",
  about: ["Makes one thing, and tells of it."],
  operands: "ID…",
  grammar: "1.x",
  flags: FLAGS,
  examples: [["things make -k a", "A thing"]],
  commands: [],
  more: ["There is more."],
};

test("renderHelp() renders a whole page", () => {
  assert.equal(
    renderHelp(PAGE, { width: 100, color: false, all: true }),
    `Make a thing.

Makes one thing, and tells of it.

Usage:
  hydra things make ID… [flags]

Examples:
  # A thing
  hydra things make -k a

Client:
  -k, --kind KIND            Does a thing (one of: a, b; default: a)
      --dry-run[=json|curl]  Does a thing
  -c, --callbacks LIST       Does a thing (default: x,y; also: --redirect-uri, --cb)

Connection:
      --after DURATION  Does a thing (default: 1m0s)
      --token TOKEN     Does a thing (environment: FIRST, SECOND)

General:
  -l, --loud  Does a thing

There is more.
`,
  );
});

test("renderHelp() renders a group of commands", () => {
  const page = {
    ...PAGE,
    about: [],
    operands: "",
    flags: [LOUD],
    examples: [],
    commands: [
      ["make", "Make a thing"],
      ["unmake", "Take one apart"],
    ],
    more: [],
  } as const;
  assert.equal(
    renderHelp(page, { width: 100, color: false, all: true }),
    `Make a thing.

Usage:
  hydra things make COMMAND [flags]

Commands:
  make    Make a thing
  unmake  Take one apart

General:
  -l, --loud  Does a thing
`,
  );
});

test("in the 2.x syntax, a flag has the name of that syntax", () => {
  assert.equal(flagUsage(URIS, "2.x"), "-c, --redirect-uri LIST");
  assert.deepEqual(flagNotes(URIS, "2.x"), ["default: x,y", "also: --callbacks, --cb"]);
  assert.match(
    renderHelp({ ...PAGE, grammar: "2.x" }, { width: 100, color: false, all: true }),
    /-c, --redirect-uri LIST/,
  );
});

test("flagDefaultText() is the default as it would be typed", () => {
  assert.equal(flagDefaultText(KIND), "a");
  assert.equal(flagDefaultText(URIS), "x,y");
  assert.equal(flagDefaultText(AFTER), "1m0s");
  assert.equal(flagDefaultText(LOUD), undefined);
  assert.equal(flagDefaultText({ ...shared, kind: "count", name: "n", value: "N", default: 5 }), "5");
  assert.equal(flagDefaultText({ ...shared, kind: "each", name: "e", value: "E" }), undefined);
});

test("only headings and names are bold", () => {
  const plain = renderHelp(PAGE, { width: 100, color: false, all: true });
  const colored = renderHelp(PAGE, { width: 100, color: true, all: true });
  assert.ok(!plain.includes("\u001b"));
  assert.equal(colored.replaceAll(/\u001b\[(?:1|22)m/g, ""), plain);
  assert.ok(colored.includes("\u001b[1mClient\u001b[22m:"));
  assert.ok(colored.includes("\u001b[1m-k, --kind KIND\u001b[22m"));
});

test("wrap() keeps every word, and no line exceeds the width unless a word does", () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 1, maxLength: 15 }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(words, fc.integer({ min: 5, max: 40 }), (all, width) => {
      const lines = wrapIntoLines(all.join(" "), width);
      assert.deepEqual(lines.join(" ").split(" "), all);
      for (const line of lines) assert.ok(line.length <= width || !line.includes(" "), line);
    }),
  );
  assert.deepEqual(wrapIntoLines("", 10), [""]);
});

const REAL: readonly Flag[] = [
  ...FIELD_FLAGS,
  SECRET,
  ...ENCRYPTION_FLAGS,
  FORMAT,
  ...CONNECTION_FLAGS,
  ...GENERAL_FLAGS,
];

describe("the help of the real flags", () => {
  for (const grammar of ["1.x", "2.x"] as const satisfies readonly SyntaxVersion[]) {
    for (const width of [40, 60, 80, 120]) {
      test(`${grammar} at ${width} columns shows each flag once, within the width`, () => {
        const text = renderHelp({ ...PAGE, grammar, flags: REAL }, { width: width, color: false, all: true });
        const names = new Set(REAL.map((flag) => `  ${flagUsage(flag, grammar)}`));
        for (const flag of REAL) assert.equal(text.split(`  ${flagUsage(flag, grammar)}`).length, 2, flag.name);
        for (const line of text.split("\n")) {
          // The name of a flag is never broken, nor is a word.
          const unbroken = names.has(line) || !line.trim().includes(" ");
          assert.ok(line.length <= width || unbroken, line);
        }
      });
    }
  }

  test("is one sentence without a period, and never shows the value of a variable", () => {
    for (const flag of REAL) {
      assert.match(flag.help, /^[A-Z].*[^.\s]$/, flag.name);
      for (const note of flagNotes(flag, "1.x")) assert.match(note, /^(one of|default|environment|also): \S/);
    }
  });
});

describe("the page of a command with many flags", () => {
  for (const [flags, grammar] of [
    [CREATE.spec.flags, "1.x"],
    [CREATE.spec.flags, "2.x"],
    [UPDATE.spec.flags, "1.x"],
  ] as const satisfies readonly (readonly [readonly Flag[], SyntaxVersion])[]) {
    const { about, examples, summary } = flags === CREATE.spec.flags ? CREATE.spec : UPDATE.spec;
    const page: HelpPage = {
      ...PAGE,
      path: "hydra clients create",
      summary,
      about: about ?? [],
      examples: examples[grammar] ?? [],
      more: [],
      flags,
      grammar,
    };

    test(`has at most 70 lines at 80 columns and names every flag: ${summary}, ${grammar}`, () => {
      const text = renderHelp(page, { width: 80, color: false, all: false });
      const lines = text.trimEnd().split("\n");
      // A longer line, which only examples have, takes two on the terminal.
      const taken = lines.reduce((sum, line) => sum + Math.ceil(Math.max(1, line.length) / 80), 0);
      assert.ok(taken <= 70, `${taken} lines`);
      for (const flag of flags) {
        if (/-token-lifespan$|^(?:add|remove)-/.test(flag.name)) continue;
        const [name = ""] = longNames(flag, grammar);
        assert.match(text, new RegExp(`--${name}(?![\\w-])`), name);
      }
      assert.match(text, /--GRANT-grant-TOKEN-token-lifespan/);
      assert.match(text, /--help=all explains them/);
    });

    test(`describes every flag with --help=all: ${summary}, ${grammar}`, () => {
      const text = renderHelp(page, { width: 80, color: false, all: true });
      for (const flag of flags) assert.ok(text.includes(`  ${flagUsage(flag, grammar)}`), flag.name);
    });
  }

  test("claims no default of a client for an update, which keeps what is not given", () => {
    const client = /--(?:grant-types|response-types|token-endpoint-auth-method|subject-type) [A-Z]+\s+.*/g;
    for (const [flags, count] of [
      [CREATE.spec.flags, 4],
      [UPDATE.spec.flags, 0],
    ] as const) {
      for (const all of [true, false]) {
        const described = renderHelp({ ...PAGE, flags }, { width: 400, color: false, all }).match(client) ?? [];
        // The short page only names --subject-type.
        const expected = all ? count : Math.max(0, count - 1);
        assert.equal(described.filter((text) => text.includes("default")).length, expected, described.join("\n"));
      }
    }
  });

  test("describes the flags of apply for apply", () => {
    const text = renderHelp({ ...PAGE, flags: APPLY.spec.flags }, { width: 80, color: false, all: false });
    const [common = "", more = ""] = text.split("More flags");
    assert.match(common, /--dry-run +Show what would be changed, like hydra diff\n/);
    assert.match(common, /--secret-out DIR\|FILE\|fd:N +Write new credentials into a directory/);
    for (const name of ["stack", "prune", "adopt", "merge", "yes"]) {
      assert.match(common, new RegExp(`--${name}\\b`));
      assert.doesNotMatch(more, new RegExp(`--${name}(?![\\w-])`));
    }
  });
});

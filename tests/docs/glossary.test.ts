import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CLIENT_FIELDS } from "../../lib/core/client/fields.ts";
import { LIST_EDIT_FLAGS } from "../../lib/core/client/list-edit-flags.ts";
import * as CONNECTION_FLAGS from "../../lib/core/flags/connection-flags.ts";
import * as CREDENTIAL_FLAGS from "../../lib/core/flags/credential-flags.ts";
import * as SHARED_FLAGS from "../../lib/core/flags/shared-flags.ts";
import { TOPICS } from "../../lib/core/help/topics.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Words that a native reader stumbles over, each with what to write instead. */
const WORDS: readonly (readonly [found: RegExp, instead: string])[] = [
  [/\b(?:tells?|telling|told)\b/i, "report, print, show, say"],
  [/\bstand(?:s|ing)?\b(?!-ins?\b)/i, "is, means, represents"],
  [/\bmend(?:s|ed|ing)?\b/i, "fix"],
  [/\balone\b(?<!\b(?:leaves?|left) (?:\w+ )*alone)/i, "only"],
  [/\bbeside\b/i, "next to, in addition to, compared with"],
  [/\bbehind\b(?!\s+(?:an?|the)\s+(?:[\w-]+\s+)*(?:proxy|gateway)\b)/i, "after"],
  [/\bmade\s+(?:here|up)\b/i, "generated"],
  [/\bas\s+good\s+as\b/i, "the same as"],
  [/\bat\s+hand\b/i, "available"],
  [/\bsave\s+for\b/i, "except"],
  [/\bso\s+already\b/i, "already up to date"],
  [/\ball\s+the\s+same\b/i, "still, anyway"],
  [/\b(?:is|are|was|were)\s+there\b(?!\s+(?:an?|any|no)\b)/i, "exists"],
  [/(?<!\bthere\s+)\bis\s+no\s+(?!longer\b|such\b)\w+/i, "is not a valid …, is not a …"],
  [/\b(?:lies?|lying)\b/i, "is"],
  [/\brescue\s+files?\b/i, "recovery copy"],
  [/\b[Ee]xit\s+status(?:es)?\b/, "exit code"],
  [/\bgrammars?\b/i, "syntax"],
  [/\bhand(?:s|ed|ing)?[\s-]+over\b/i, "deliver"],
  [/\bjudg(?:e|es|ed|ing|ement|ment)\b/i, "validate, check"],
  [/\bwhoever\b/i, "the person who, anyone who"],
  [/\bblanks?\b/i, "space"],
  [/\b(?:find|finds|found)\s+out\b/i, "detect"],
  [/\bas\s+the\s+reference\b|\breference(?:'s)?\s+(?:CLI|does|prints|spells)\b/i, "Hydra's own CLI"],
  [/(?<![-\w"'`=./:$([{])(?<!--format )(?:id|ids)(?![-\w"'`=/:(\]}]|\.\w|, k8s)/, "ID, IDs"],
];

/** Words that a text must not contain, one line for each: where it is, the word and its replacement. */
function offendersIn(place: string, text: string): readonly string[] {
  return WORDS.flatMap(([pattern, instead]) =>
    [...text.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))].map(({ 0: word, index }) => {
      const line = text.slice(0, index).split("\n").length;
      const around = text.slice(Math.max(0, index - 30), index + word.length + 30).replace(/\s+/g, " ");
      return `${place}:${line} "${word}" (${instead}): …${around.trim()}…`;
    }),
  );
}

/** The same text with everything between line breaks replaced by a space, so that lines keep their numbers. */
function blanked(text: string): string {
  return text.replace(/[^\n]+/g, " ");
}

/** The prose of a page in Markdown. */
function proseOf(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```/gm, blanked).replace(/`[^`\n]*`/g, blanked);
}

/** Where a literal of a module is, and its text with placeholders and code left out. */
interface Literal {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The string and template literals of a module. */
function literalsIn(source: string): readonly Literal[] {
  const found: Literal[] = [];
  let at = 0;

  function skip(pattern: RegExp): boolean {
    pattern.lastIndex = at;
    const [match] = pattern.exec(source) ?? [];
    at += match?.length ?? 0;
    return match !== undefined;
  }

  function template(): void {
    const start = ++at;
    let text = "";
    while (source[at] !== "`") {
      assert.ok(at < source.length, "a template is not closed");
      const from = at;
      if (skip(/\$\{/y)) {
        code();
        text += blanked(source.slice(from, at));
      } else {
        skip(/\\[\s\S]|[\s\S]/y);
        text += source.slice(from, at);
      }
    }
    at++;
    found.push({ start, end: at - 1, text });
  }

  /** Reads code up to the end of the source, or to the brace that closes a placeholder. */
  function code(): void {
    for (let depth = 0; at < source.length; ) {
      const from = at;
      const mark = source[at];
      if (skip(/\/\/.*|\/\*[\s\S]*?\*\//y)) continue;
      if (skip(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/y))
        found.push({ start: from + 1, end: at - 1, text: source.slice(from + 1, at - 1) });
      else if (mark === "`") template();
      else if (skip(/(?<=[(,=:?[&|!]\s*|return )\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//y)) continue;
      else {
        at++;
        if (mark === "{") depth++;
        if (mark === "}" && depth-- === 0) return;
      }
    }
  }

  code();
  return found;
}

const COMMENT_OR_LITERAL =
  /\/\*[\s\S]*?\*\/|(?<![:\w"'`\\])\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;

/** The comments of a module and the titles of its tests, at their places in the source. */
function commentsAndTitlesOf(source: string): string {
  let prose = "";
  let end = 0;
  for (const { 0: found, index } of source.matchAll(COMMENT_OR_LITERAL)) {
    const isTitle = /(?:^|\n)\s*(?:test|it|describe)\($/.test(source.slice(Math.max(0, index - 60), index));
    if (!found.startsWith("/") && !isTitle) continue;
    const text = isTitle
      ? ` ${found.slice(1, -1).replace(/\$\{[^}]*\}/g, blanked)} `
      : found.replace(/`[^`\n]*`/g, blanked);
    prose += blanked(source.slice(end, index)) + text;
    end = index + found.length;
  }
  return prose;
}

/** The literals of a module that are prose, at their places in the source. */
function stringsOf(source: string): string {
  let prose = "";
  let last = 0;
  for (const { start, end, text } of literalsIn(source).toSorted((a, b) => a.start - b.start)) {
    // A single word is a name for programs, not prose. What is in a placeholder belongs to its template.
    if (start < last || !text.trim().includes(" ")) continue;
    prose += blanked(source.slice(last, start)) + text.replace(/`[^`\n]*`/g, blanked);
    last = end;
  }
  return prose;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

test("the glossary finds words in prose, and not in code", () => {
  const found = (text: string): number => offendersIn("", text).length;
  assert.equal(found('"x" is no field, so mend it'), 2);
  assert.equal(found("it stands\nat\nhand"), 2);
  assert.equal(found("standard, understand, there is no client, --id, id_token, client IDs"), 0);
  assert.equal(found("the client's id; two ids."), 2);
  assert.equal(found(proseOf("a `grammar`\n```\nalone\n```\nbeside")), 1);
  const source =
    'const grammar = "grammar"; // alone\n/** beside */\nf(x !== \'"\' && !/["`]/, "it is told", `by %{f({ a: `%{grammar} x` })} alone`);'.replace(
      "%",
      "$",
    );
  assert.deepEqual(
    offendersIn("x.ts", stringsOf(source)).map((line) => line.split(" ", 2).join(" ")),
    ['x.ts:3 "told"', 'x.ts:3 "alone"'],
  );
  const test = '// It stands at `grammar`.\ntest("is no id", () => told("alone"));\nconst url = "http://beside";';
  assert.deepEqual(
    offendersIn("x.ts", commentsAndTitlesOf(test)).map((line) => line.split(" ", 2).join(" ")),
    ['x.ts:1 "stands"', 'x.ts:2 "is', 'x.ts:2 "id"'],
  );
  assert.equal(found("a stand-in behind a TLS proxy is left alone"), 0);
});

describe("plain English", () => {
  for (const page of [...globSync("*.md", { cwd: ROOT }), ...globSync("docs/*.md", { cwd: ROOT })].sort()) {
    test(`is used in ${page}`, () => assert.deepEqual(offendersIn(page, proseOf(read(page))), []));
  }

  for (const topic of TOPICS) {
    test(`is used in hydra help ${topic.name}`, () => {
      const parts = topic.parts.flatMap((part) => {
        if (part.kind === "lines") return [];
        // The hints of the rules are messages.
        if (part.kind === "rows") return topic.name === "rules" ? [] : part.rows.map(([, meaning]) => meaning);
        return [part.text];
      });
      assert.deepEqual(offendersIn(topic.name, proseOf([topic.title, ...parts].join("\n"))), []);
    });
  }

  test("is used in the help of flags", () => {
    const flags = [
      ...Object.values({ ...CONNECTION_FLAGS, ...CREDENTIAL_FLAGS, ...SHARED_FLAGS }).flatMap((value) =>
        typeof value === "object" && "help" in value ? [value] : [],
      ),
      ...[...CLIENT_FIELDS, ...LIST_EDIT_FLAGS].map(({ flag }) => flag),
    ];
    assert.ok(flags.length > 80);
    for (const { name, help } of flags) assert.deepEqual(offendersIn(`--${name}`, help), []);
  });

  // The manual is made of these texts too.
  for (const module of [
    ...globSync("lib/**/*.ts", { cwd: ROOT }),
    ".ci/docs/manual.ts",
    ".ci/bench/report.ts",
  ].sort()) {
    test(`is used in the texts of ${module}`, () => assert.deepEqual(offendersIn(module, stringsOf(read(module))), []));
  }

  test("is used in comments and in the titles of tests", () => {
    const modules = globSync("{cli,build}.ts,{lib,.ci,tests}/**/*.{ts,mjs}".split(/,(?![^{]*\})/), { cwd: ROOT });
    assert.ok(modules.length > 700);
    const offenders = modules
      .filter((module) => module !== "tests/docs/glossary.test.ts")
      .flatMap((module) => offendersIn(module, commentsAndTitlesOf(read(module))));
    assert.deepEqual(offenders, []);
  });
});

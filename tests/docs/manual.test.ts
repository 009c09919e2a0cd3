import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { everyCommand, manual, manualFiles } from "../../.ci/docs.ts";
import { isLeaf } from "../../lib/command.ts";
import { longNames } from "../../lib/core/flags/flag.ts";
import { TOPICS } from "../../lib/core/help/topics.ts";

const ROOT = join(import.meta.dirname, "../..");

const MAKE = "run: npm run docs";

/** The standard output of a program that must not print to standard error. */
function silent(file: string, args: readonly string[]): string {
  const env = { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", MANWIDTH: "80", MAN_KEEP_FORMATTING: "" };
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd: ROOT, env, encoding: "utf8" });
  assert.equal(error, undefined, `${file} must be installed`);
  assert.equal(stderr, "", `${file} ${args[0]}`);
  assert.equal(status, 0, `${file}: ${stdout}`);
  return stdout;
}

function pagesFor(section: 1 | 7): readonly string[] {
  return manualFiles().filter((file) => file.startsWith("docs/man/") && file.endsWith(`.${section}`));
}

describe("the manual", () => {
  test("is up to date", async () => {
    const files = await manual();
    assert.deepEqual(manualFiles(), [...files.keys()].sort(), MAKE);
    for (const [file, text] of files)
      assert.equal(readFileSync(join(ROOT, file), "utf8"), text, `${file} is stale; ${MAKE}`);
  });

  test("has a page for every command and topic", async () => {
    const commands = await everyCommand();
    assert.ok(commands.length > 25);
    for (const { path, command } of commands) {
      assert.ok(existsSync(join(ROOT, `docs/man/${path.join("-")}.1`)), path.join(" "));
      const name = path.length === 1 ? "README" : path.slice(1).join("-");
      if (isLeaf(command)) assert.ok(existsSync(join(ROOT, `docs/reference/${name}.md`)), name);
    }
    assert.equal(pagesFor(7).length, TOPICS.length);
  });

  test("has every flag of a command with its names in both syntaxes", async () => {
    for (const { path, command } of await everyCommand()) {
      if (!isLeaf(command)) continue;
      const roff = readFileSync(join(ROOT, `docs/man/${path.join("-")}.1`), "utf8")
        .replaceAll("\\-", "-")
        .replaceAll("\n", " ");
      const markdown = readFileSync(join(ROOT, `docs/reference/${path.slice(1).join("-")}.md`), "utf8");
      for (const name of command.spec.flags.flatMap((flag) => longNames(flag))) {
        for (const text of [roff, markdown])
          assert.ok(new RegExp(`--${name}(?![\\w-])`).test(text), `${path.join(" ")} --${name}`);
      }
    }
  });
});

describe("the man pages", () => {
  test("pass mandoc's linter", () =>
    assert.equal(silent("mandoc", ["-T", "lint", ...pagesFor(1), ...pagesFor(7)]), ""));

  test("render with man without a warning", () => {
    const files = [...pagesFor(1), ...pagesFor(7)];
    // The programs that man runs for each page, which can take all of them at once.
    const pages = silent("groff", [
      "-k",
      "-t",
      "-mtty-char",
      "-mandoc",
      "-wmac",
      "-Tutf8",
      "-P-cbou",
      "-rLL=80n",
      ...files,
    ]);
    assert.equal([...pages.matchAll(/^NAME\n {7}hydra/gm)].length, files.length);
    assert.deepEqual(
      pages.split("\n").filter((line) => /\\f|\\\(|\\\[|`/.test(line)),
      [],
    );
    assert.match(silent("man", ["--warnings", "-P", "cat", "-l", files[0] ?? ""]), /^NAME\n {7}hydra/m);
  });

  test("have a name and a summary for whatis", () => {
    const found = silent("lexgrog", [...pagesFor(1), ...pagesFor(7)])
      .trimEnd()
      .split("\n");
    assert.equal(found.length, pagesFor(1).length + pagesFor(7).length);
    for (const line of found) assert.match(line, /^docs\/man\/(\S+)\.[17]: "\1 - \S.*"$/);
  });

  test("do not change flags and commands", () => {
    const page = silent("man", ["-P", "cat", "-l", "docs/man/hydra-clients-create.1"]);
    for (const text of [
      "--token-endpoint-auth-method METHOD",
      "-n, --name TEXT",
      "--dry-run[=json|curl]",
      `-H, --header 'NAME: VALUE'`,
    ]) {
      assert.ok(page.includes(text), text);
    }
    const rules = silent("man", ["-P", "cat", "-l", "docs/man/hydra-encryption.7"]);
    assert.ok(rules.includes("printf '%s' 'ENCRYPTED' | base64 -d | gpg --decrypt"), rules);
  });

  test("refer to pages that exist", () => {
    for (const file of [...pagesFor(1), ...pagesFor(7)]) {
      const text = readFileSync(join(ROOT, file), "utf8").replaceAll("\\-", "-");
      for (const [, name, section] of text.matchAll(/^\.BR (\S+) \((\d)\)/gm)) {
        assert.ok(existsSync(join(ROOT, `docs/man/${name}.${section}`)), `${file}: ${name}(${section})`);
      }
    }
  });
});

describe("Markdown", () => {
  const files = [...globSync("docs/**/*.md", { cwd: ROOT }), ...globSync("*.md", { cwd: ROOT })].sort();

  /** The links of a page, without code. */
  function linksIn(text: string): readonly string[] {
    const prose = text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`(?!\])/g, "");
    return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  }

  for (const file of files) {
    test(`${file} has no broken links`, () => {
      for (const target of linksIn(readFileSync(join(ROOT, file), "utf8"))) {
        if (/^(?:https?:|mailto:|#)/.test(target)) continue;
        assert.ok(existsSync(join(ROOT, dirname(file), target.replace(/#.*/, ""))), target);
      }
    });
  }

  test("the index of the reference links to every page", () => {
    const targets = linksIn(readFileSync(join(ROOT, "docs/reference/README.md"), "utf8"));
    const pages = manualFiles().filter((file) => file.startsWith("docs/reference/") && !file.endsWith("README.md"));
    assert.deepEqual([...targets].sort(), pages.map((file) => file.replace("docs/reference/", "")).sort());
  });
});

/** Every dependency in the program has its licence text, and nothing else is named. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import * as v from "valibot";
import { BUN_PARTS, bunNotices, licencesIn, textOf } from "../../.ci/release/bun-parts.ts";
import { type Shipped, shippedPackages } from "../../.ci/release/licences.ts";
import { compiler, pinned, readLock } from "../../.ci/release/runtimes.ts";
import { TARGETS } from "../../.ci/release/targets.ts";

const root = join(import.meta.dirname, "../..");

/** Licences under which code may be in the program; each asks for no more than THIRD-PARTY.md and the texts give. */
const ALLOWED = ["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD", "LGPL-3.0-or-later"];

/** Words by which the text of a licence is known; those of GNU have theirs in common. */
const WORDS: Readonly<Record<string, RegExp>> = {
  "BSD-2-Clause": /^BSD 2-Clause License\n[\s\S]*\n2\. Redistributions in binary form/,
  "BSD-3-Clause": /^BSD 3-Clause License\n[\s\S]*\n3\. Neither the name/,
  "LLVM-exception": /embedded into an Object form/,
  "Unicode-3.0": /^UNICODE LICENSE V3\n/,
  IJG: /based in part on the work of\s+the Independent JPEG Group/,
  MIT: /Permission is hereby granted, free of charge/,
  Zlib: /altered from any source distribution\.\n$/,
  blessing: /May you do good and not evil/,
  bun: /^Notices of what is in Bun \d/,
};

const RANGES = v.optional(v.record(v.string(), v.string()), {});

const MANIFEST = v.looseObject({ license: v.string(), dependencies: RANGES, devDependencies: RANGES });

const manifest = v.parse(MANIFEST, JSON.parse(readFileSync(join(root, "package.json"), "utf8")));

const packages = readLock(root);

const notice = readFileSync(join(root, "THIRD-PARTY.md"), "utf8");

/** The packages that the bundler puts into the program. */
function shipped(): readonly Shipped[] {
  const folder = mkdtempSync(join(tmpdir(), "hydra-licences-"));
  try {
    const metafile = join(folder, "inputs.json");
    execFileSync(compiler(root), ["build", "cli.ts", "--target=bun", `--outdir=${folder}`, `--metafile=${metafile}`], {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const { inputs } = v.parse(
      v.object({ inputs: v.record(v.string(), v.unknown()) }),
      JSON.parse(readFileSync(metafile, "utf8")),
    );
    return shippedPackages(root, Object.keys(inputs));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const all = shipped();

describe("licenses", () => {
  test("every package in the program has a permitted one", () => {
    assert.ok(all.length > 0);
    for (const { name, licence } of all) assert.ok(ALLOWED.includes(licence), `${name} is under ${licence}`);
  });

  test("every package in the program is listed with its text", () => {
    for (const { name, text } of all) {
      assert.match(text, /copyright|lesser general public license/i, name);
      assert.ok(text.length > 500, `the licence of ${name} is whole`);
    }
  });

  test("the notice lists the packages in the program, and no others", () => {
    const rows = notice.split("\n").flatMap((line) => {
      const [, name, version, licence] = /^\| (\S+) \| (\d\S+) \| (\S+) \| <https:\S+> \|$/.exec(line) ?? [];
      return name === undefined ? [] : [{ name, version, licence }];
    });
    assert.deepEqual(
      rows,
      all.map(({ name, version, licence }) => ({ name, version, licence })),
    );
  });

  test("the notice says where the LGPL sources are, and how to build with other ones", () => {
    for (const { name, version, licence } of all.filter((one) => one.licence.startsWith("LGPL"))) {
      assert.match(notice, new RegExp(`tag \`v${version}\``), `${name} ${licence}`);
      assert.match(notice, new RegExp(`in the place of \`node_modules/${name}\``));
    }
    const bun = pinned(root, "bun").version;
    assert.match(notice, new RegExp(`tag \`bun-v${bun}\``));
    assert.match(notice, new RegExp(`@oven/bun-…@${bun}\``));
  });

  test("the texts that the notice names exist, each under its package's name", () => {
    const named = new Set([...notice.matchAll(/`licenses\/([^`]+)\.txt`/g)].map(([, name]) => name ?? ""));
    assert.ok(named.size >= 13);
    for (const name of named) {
      const text =
        name === "bun"
          ? bunNotices(pinned(root, "bun").version)
          : (all.find((one) => one.name === name)?.text ??
            readFileSync(join(root, `docs/licenses/${name}.txt`), "utf8"));
      assert.match(text, WORDS[name] ?? /GNU (LESSER |LIBRARY )?GENERAL PUBLIC LICENSE/, name);
    }
    const kept = globSync("docs/licenses/*.txt", { cwd: root }).map((file) => basename(file, ".txt"));
    for (const name of kept) assert.ok(named.has(name), `${name} is in no list`);
  });

  test("the notice lists what Bun contains, each part with its text and copyright", () => {
    const rows = notice
      .split("\n")
      .filter((line) => /^\| .* \| .* \| <https:\S+> \|$/.test(line) && !/ \d+\.\d+\.\d+ /.test(line));
    assert.deepEqual(
      rows,
      BUN_PARTS.map(({ name, licence, source, only }) => {
        const where = only === undefined ? "" : ` (on ${only})`;
        return `| ${name}${where} | ${licence} | <${source}> |`;
      }),
    );
    const text = bunNotices(pinned(root, "bun").version);
    for (const { name, licence, notice: lines } of BUN_PARTS) {
      for (const file of licencesIn(licence).map(textOf)) {
        assert.ok(existsSync(join(root, file.replace(/^licenses/, "docs/licenses"))), `${name}: ${file}`);
        assert.ok(text.includes(file));
      }
      // Licences that ask for their own notice in what is handed on as a binary.
      if (/^(MIT|BSD|Zlib|IJG|Unicode)/.test(licence) && name !== "packages for compatibility with Node.js") {
        assert.match(lines.join("\n"), /copyright|\(C\)/i, name);
      }
      for (const line of lines) assert.ok(text.includes(`  ${line}\n`), line);
    }
    // Condition 2 of the licence of libjpeg.
    for (const one of [text, notice.replaceAll("\n", " ")]) {
      assert.match(one, /software is based in part on the work of the Independent JPEG Group/);
    }
  });

  test("the program itself is under the Apache License 2.0", () => {
    assert.equal(manifest.license, "Apache-2.0");
    assert.match(readFileSync(join(root, "LICENSE"), "utf8"), /^\s+Apache License\n\s+Version 2\.0, January 2004\n/);
  });
});

describe("dependencies", () => {
  test("each is pinned to one version", () => {
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(range, /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, name);
      assert.equal(pinned(root, name).version, range, `the lockfile has another ${name}`);
    }
  });

  test("each package of the lockfile has the hash of its content", () => {
    for (const [name, { integrity }] of Object.entries(packages).filter(([path]) => path !== "")) {
      assert.match(integrity ?? "", /^sha512-[A-Za-z0-9+/]{86}==$/, name);
    }
  });

  test("the runtime of every target is pinned to the version of the compiler", () => {
    for (const { runtime } of TARGETS) assert.equal(pinned(root, runtime).version, pinned(root, "bun").version);
  });

  test("no development dependency is in the program", () => {
    for (const { name } of all) assert.equal(packages[`node_modules/${name}`]?.dev, false, name);
  });
});

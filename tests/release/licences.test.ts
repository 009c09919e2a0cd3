import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as v from "valibot";
import { type Shipped, shippedPackages } from "../../.ci/release/licences.ts";
import { compiler, pinned, readLock } from "../../.ci/release/runtimes.ts";
import { TARGETS } from "../../.ci/release/targets.ts";

const root = join(import.meta.dirname, "../..");

/** Licences under which code may be in the program; each asks for no more than THIRD-PARTY.md and the texts give. */
const ALLOWED = ["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD", "LGPL-3.0+"];

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

describe("licences", () => {
  test("every package in the program may be there", () => {
    assert.ok(all.length > 0);
    for (const { name, licence } of all) assert.ok(ALLOWED.includes(licence), `${name} is under ${licence}`);
  });

  test("every package in the program comes with its text", () => {
    for (const { name, text } of all) {
      assert.match(text, /copyright|lesser general public license/i, name);
      assert.ok(text.length > 500, `the licence of ${name} is whole`);
    }
  });

  test("the notice lists the packages in the program, and no other", () => {
    const rows = notice.split("\n").flatMap((line) => {
      const [, name, version, licence] = /^\| (\S+) \| (\d\S+) \| (\S+) \| <https:\S+> \|$/.exec(line) ?? [];
      return name === undefined ? [] : [{ name, version, licence }];
    });
    assert.deepEqual(
      rows,
      all.map(({ name, version, licence }) => ({ name, version, licence })),
    );
  });

  test("the notice says where the source of what is under the LGPL is, and how to build with another", () => {
    for (const { name, version, licence } of all.filter((one) => one.licence.startsWith("LGPL"))) {
      assert.match(notice, new RegExp(`tag \`v${version}\``), `${name} ${licence}`);
      assert.match(notice, new RegExp(`in the place of \`node_modules/${name}\``));
    }
    const bun = pinned(root, "bun").version;
    assert.match(notice, new RegExp(`tag \`bun-v${bun}\``));
    assert.match(notice, new RegExp(`@oven/bun-…@${bun}\``));
  });

  test("the texts that the notice names are there", () => {
    const named = [...notice.matchAll(/`licenses\/([^`]+)\.txt`/g)].map(([, name]) => name ?? "");
    assert.ok(named.length >= 4);
    for (const name of named) {
      const text =
        all.find((one) => one.name === name)?.text ?? readFileSync(join(root, `docs/licenses/${name}.txt`), "utf8");
      assert.match(text, /GNU (LESSER |LIBRARY )?GENERAL PUBLIC LICENSE/, name);
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

  test("nothing in the program is a development dependency", () => {
    for (const { name } of all) assert.equal(packages[`node_modules/${name}`]?.dev, false, name);
  });
});

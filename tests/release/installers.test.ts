/** The files for Homebrew and Scoop, and the repository that all installers download from. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as v from "valibot";
import { homebrewFormula, installScripts, type ReleaseFacts, scoopManifest } from "../../.ci/release/installers.ts";
import { archiveName } from "../../.ci/release/pack.ts";
import { repositoryPage } from "../../.ci/release/repository.ts";
import { packageKinds } from "../../.ci/release/system-packages.ts";
import { TARGETS } from "../../.ci/release/targets.ts";
import { temporaryFolder } from "../e2e/binary.ts";

const ROOT = join(import.meta.dirname, "../..");

const PAGE = "https://github.com/owner/repository";

const release: ReleaseFacts = {
  version: "1.2.3",
  page: PAGE,
  description: "One line",
  sums: new Map(TARGETS.map((target, index) => [target, String(index).repeat(64)])),
};

describe("the repository", () => {
  const pageIn = (manifest: unknown): string | undefined => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "package.json"), JSON.stringify(manifest));
    return repositoryPage(folder.path);
  };

  test("is that of package.json, or a placeholder", () => {
    assert.equal(pageIn({}), undefined);
    for (const url of [`git+${PAGE}.git`, `${PAGE}.git`, PAGE])
      assert.equal(pageIn({ repository: { type: "git", url } }), PAGE, url);
    for (const url of ["https://example.com/owner/repository", `${PAGE}/tree/main`, `${PAGE}';rm`])
      assert.throws(() => pageIn({ repository: { type: "git", url } }), /not one of GitHub/, url);
  });

  test("is named in no file other than package.json", () => {
    const page = repositoryPage(ROOT);
    const files = [".ci/install/install.sh", ".ci/install/install.ps1", ".ci/release/installers.ts", "docs/install.md"];
    for (const file of files)
      assert.ok(page === undefined || !readFileSync(join(ROOT, file), "utf8").includes(page), file);
  });
});

describe("the install scripts", () => {
  test("contain the repository and the version of the release, and differ in nothing else", () => {
    const [plain, filled] = [undefined, PAGE].map((page) => installScripts(ROOT, { page, version: "1.2.3" }));
    assert.deepEqual(
      filled?.map(({ name }) => name),
      ["install.sh", "install.ps1"],
    );
    for (const { name, text } of plain ?? []) assert.equal(text, readFileSync(join(ROOT, ".ci/install", name), "utf8"));
    for (const [index, { text }] of (filled ?? []).entries()) {
      const before = plain?.[index]?.text.split("\n") ?? [];
      const changed = text.split("\n").filter((line, at) => line !== before[at]);
      const sh = [`repository='${PAGE}'`, "version='1.2.3'"];
      const powershell = [`$Repository = '${PAGE}'`, "$Version = '1.2.3'"];
      assert.deepEqual(changed, index === 0 ? sh : powershell);
    }
    assert.throws(() => installScripts(ROOT, { page: `${PAGE}'`, version: "1.2.3" }), /not a value for a script/);
  });
});

describe("the installation on Windows", () => {
  const script = readFileSync(join(ROOT, ".ci/install/install.ps1"), "utf8");

  test("keeps variables in the user's PATH", () => {
    for (const text of [script, readFileSync(join(ROOT, "docs/install.md"), "utf8")])
      assert.doesNotMatch(text, /[GS]etEnvironmentVariable\('Path'/i);
    assert.match(script, /GetValue\('Path', '', 'DoNotExpandEnvironmentNames'\)/);
    assert.match(script, /Set-ItemProperty \$key -Name Path .* -Type ExpandString$/m);
  });

  test("reports why it failed even if it can't clean up", () => {
    const removals = script.match(/Remove-Item (?!"Env:).*/g) ?? [];
    assert.equal(removals.length, 2);
    for (const line of removals) assert.match(line, /^Remove-Item -LiteralPath .* -ErrorAction SilentlyContinue$/);
  });
});

describe("the Homebrew formula", () => {
  test("has the archives of macOS and of Linux with glibc, each with its checksum", () => {
    const formula = homebrewFormula(release);
    const found = [...formula.matchAll(/url "(\S+)"\n +sha256 "(\d+)"/g)].map(([, url, sum]) => [url, sum]);
    const wanted = TARGETS.filter(({ name }) => /^(?:darwin|linux)-[^-]+$/.test(name)).map((target) => [
      `${PAGE}/releases/download/v1.2.3/${archiveName(target)}.tar.gz`,
      release.sums.get(target),
    ]);
    assert.deepEqual(found.sort(), wanted.sort());
  });

  test("closes every block, and nests each archive in its system and processor", () => {
    const lines = homebrewFormula(release).split("\n");
    const depth = lines.filter((line) => /(?: do$|^class |^ +def )/.test(line)).length;
    assert.equal(lines.filter((line) => line.trim() === "end").length, depth);
    const order = lines.flatMap(
      (line) => /^ +(on_\w+) do$/.exec(line)?.[1] ?? /hydra-[a-z0-9-]+(?=\.tar)/.exec(line)?.[0] ?? [],
    );
    assert.deepEqual(order, [
      ...["on_macos", "on_arm", "hydra-darwin-arm64", "on_intel", "hydra-darwin-x64"],
      ...["on_linux", "on_arm", "hydra-linux-arm64", "on_intel", "hydra-linux-x64"],
    ]);
  });
});

describe("the Scoop manifest", () => {
  test("has the archive for Windows, and finds later ones", () => {
    const entry = v.strictObject({
      url: v.string(),
      hash: v.optional(v.string()),
      extract_dir: v.optional(v.string()),
    });
    const manifest = v.parse(
      v.looseObject({
        version: v.string(),
        bin: v.array(v.string()),
        architecture: v.record(v.string(), entry),
        autoupdate: v.object({ architecture: v.record(v.string(), entry), hash: v.object({ url: v.string() }) }),
      }),
      JSON.parse(scoopManifest(release)),
    );
    const windows = TARGETS.filter(({ name }) => name.startsWith("windows"));
    const [target = assert.fail("there is no target for Windows")] = windows;
    const url = (version: string) => `${PAGE}/releases/download/v${version}/hydra-windows-x64.zip`;
    assert.deepEqual(manifest.architecture, {
      "64bit": { url: url("1.2.3"), hash: release.sums.get(target), extract_dir: "hydra-windows-x64" },
    });
    assert.deepEqual(manifest.autoupdate.architecture, { "64bit": { url: url("$version") } });
    assert.deepEqual(manifest.bin, ["hydra.exe"]);
  });
});

describe("the table of targets", () => {
  test("gives every Linux target packages, by its C library", () => {
    const kinds = TARGETS.map((target) => [target.name, packageKinds(target)]);
    assert.deepEqual(Object.fromEntries(kinds), {
      "linux-x64": ["deb", "rpm"],
      "linux-arm64": ["deb", "rpm"],
      "linux-x64-musl": ["apk"],
      "linux-arm64-musl": ["apk"],
      "darwin-x64": [],
      "darwin-arm64": [],
      "windows-x64": [],
    });
  });
});

/** The packages for package managers: the .deb is installed into a root, the others are listed. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { everyCommand } from "../../.ci/docs.ts";
import { hostTarget } from "../../.ci/release/runtimes.ts";
import { PACKAGE_NAME, packageFile, packageKinds } from "../../.ci/release/system-packages.ts";
import { TARGETS } from "../../.ci/release/targets.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { RELEASE, ROOT, runTool } from "./tools.ts";

const { version } = v.parse(
  v.object({ version: v.string() }),
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")),
);

/** What every package installs, next to the completion of zsh. */
const INSTALLED = [
  "usr/bin/hydra",
  "usr/share/bash-completion/completions/hydra",
  "usr/share/fish/vendor_completions.d/hydra.fish",
  "usr/share/man/man1/hydra.1.gz",
  "usr/share/man/man7/hydra-exit-codes.7.gz",
  `usr/share/doc/${PACKAGE_NAME}/licenses/bun.txt`,
  `usr/share/doc/${PACKAGE_NAME}/THIRD-PARTY.md`,
];

const ZSH = { site: "usr/share/zsh/site-functions/_hydra", debian: "usr/share/zsh/vendor-completions/_hydra" };

describe("the system packages", () => {
  const host = hostTarget(ROOT);
  for (const target of TARGETS.filter(({ name }) => name === host?.name)) {
    test("the .deb installs into an empty root, runs there, and can be removed", () => {
      using folder = temporaryFolder();
      const [root, admin] = [join(folder.path, "root"), join(folder.path, "root/var/lib/dpkg")];
      for (const path of ["info", "updates", "triggers"]) mkdirSync(join(admin, path), { recursive: true });
      for (const path of ["status", "available"]) writeFileSync(join(admin, path), "");
      const dpkg = (...args: readonly string[]): string =>
        runTool("dpkg", [`--root=${root}`, "--force-not-root", "--force-depends", `--log=${folder.path}/log`, ...args]);
      dpkg("--install", join(RELEASE, packageFile(target, "deb")));
      for (const path of [...INSTALLED, ZSH.debian]) assert.ok(existsSync(join(root, path)), path);
      const page = gunzipSync(readFileSync(join(root, "usr/share/man/man1/hydra.1.gz")));
      assert.ok(page.equals(readFileSync(join(ROOT, "docs/man/hydra.1"))));
      assert.match(runTool(join(root, "usr/bin/hydra"), ["version"]), new RegExp(`^Version: ${version}\n`));
      assert.match(
        runTool("dpkg-query", [`--admindir=${admin}`, "--show"]),
        new RegExp(`^${PACKAGE_NAME}\t${version}-1`),
      );
      dpkg("--remove", PACKAGE_NAME);
      assert.ok(!existsSync(join(root, "usr/bin/hydra")));
    });

    test("lintian accepts the .deb, except for the named exceptions", () => {
      const tags = ["--fail-on=error,warning", "--allow-root", "--no-cfg"];
      runTool("lintian", [...tags, join(RELEASE, packageFile(target, "deb"))]);
    });
  }

  for (const target of TARGETS) {
    for (const kind of packageKinds(target)) {
      test(`the .${kind} for ${target.name} has the program, the manual and the completions`, async () => {
        const file = join(RELEASE, packageFile(target, kind));
        const list = {
          deb: () => runTool("dpkg-deb", ["--contents", file]),
          rpm: () => runTool("rpm", ["--query", "--package", "--list", file]),
          apk: () => runTool("tar", ["--list", "--ignore-zeros", "--gzip", `--file=${file}`]),
        }[kind]();
        const files = list.split("\n").map((line) => line.replace(/^.* /, "").replace(/^\.?\//, ""));
        for (const path of [...INSTALLED, kind === "deb" ? ZSH.debian : ZSH.site])
          assert.ok(files.includes(path), path);
        for (const { path } of await everyCommand()) {
          if (path.length > 1) assert.ok(files.includes(`usr/share/man/man1/${path.join("-")}.1.gz`), path.join(" "));
        }
        const facts = {
          deb: () => runTool("dpkg-deb", ["--field", file]),
          rpm: () => runTool("rpm", ["--query", "--package", "--info", "--requires", "--conflicts", file]),
          apk: () =>
            runTool("tar", ["--extract", "--ignore-zeros", "--gzip", "--to-stdout", `--file=${file}`, ".PKGINFO"]),
        }[kind]();
        const [deb, rpm] = target.name.includes("arm64") ? ["arm64", "aarch64"] : ["amd64", "x86_64"];
        const expected = {
          deb: [`Version: ${version}-1`, `Architecture: ${deb}`, "Depends: libc6 (>= 2.17)", "Conflicts: hydra"],
          rpm: [`Architecture: ${rpm}`, "glibc >= 2.17", "License     : Apache-2.0", "\nhydra\n"],
          apk: [`pkgver = ${version}-r1`, `arch = ${rpm}`, "depend = libstdc++", "depend = !hydra"],
        }[kind];
        for (const fact of expected) assert.ok(facts.includes(fact), `${fact}\n${facts}`);
      });
    }
  }
});

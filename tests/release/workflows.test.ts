/** The GitHub workflows and the pages about installation and releases. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import * as v from "valibot";
import { parse } from "yaml";
import { everyCommand } from "../../.ci/docs.ts";
import { newestRelease, sectionsOf } from "../../.ci/release/changelog.ts";
import { OLDEST_NODE } from "../../.ci/release/node-package.ts";
import { packageKinds } from "../../.ci/release/system-packages.ts";
import { TARGETS } from "../../.ci/release/targets.ts";
import { isLeaf } from "../../lib/command.ts";
import { TOPICS } from "../../lib/core/help/topics.ts";
import { SANDBOX_VERSIONS } from "../../lib/sandbox/index.ts";
import { temporaryFolder } from "../e2e/binary.ts";

const root = join(import.meta.dirname, "../..");

const read = (path: string): string => readFileSync(join(root, path), "utf8");

const STEP = v.looseObject({
  uses: v.optional(v.string()),
  run: v.optional(v.string()),
  with: v.optional(v.record(v.string(), v.unknown())),
});

const PERMISSIONS = v.record(v.string(), v.string());

/** A machine on which a release is tried. */
const MACHINE = v.object({ runner: v.string(), target: v.string(), image: v.optional(v.string()) });

const WORKFLOW = v.looseObject({
  permissions: PERMISSIONS,
  jobs: v.record(
    v.string(),
    v.pipe(
      v.looseObject({
        /** The workflow that the job is, in the place of steps. */
        uses: v.optional(v.string()),
        "timeout-minutes": v.optional(v.number()),
        needs: v.optional(v.union([v.string(), v.array(v.string())]), []),
        permissions: v.optional(PERMISSIONS, {}),
        steps: v.optional(v.array(STEP), []),
      }),
      v.check(({ uses, steps, "timeout-minutes": limit }) =>
        uses === undefined ? steps.length > 0 && limit !== undefined : uses === "./.github/workflows/smoke.yml",
      ),
    ),
  ),
});

const files = globSync(".github/workflows/*.yml", { cwd: root }).sort();

const workflows = files.map((file) => ({ file, text: read(file), workflow: v.parse(WORKFLOW, parse(read(file))) }));

const jobsOf = (name: string) => workflows.find(({ file }) => file.endsWith(`/${name}.yml`))?.workflow.jobs ?? {};

const commands = (file: string): string =>
  workflows
    .filter((one) => one.file.endsWith(file))
    .flatMap(({ workflow }) => Object.values(workflow.jobs).flatMap(({ steps }) => steps.map(({ run = "" }) => run)))
    .join("\n");

/** The jobs that may write, with what they may write. */
const WRITERS: Readonly<Record<string, readonly string[]>> = {
  attest: ["id-token", "attestations"],
  publish: ["contents"],
  "publish-images": ["packages"],
  "publish-npm": ["id-token"],
};

const PUBLISH = `npm publish "release/hydra-clients-\${GITHUB_REF_NAME#v}.tgz" --ignore-scripts --provenance --access public --tag "$NPM_TAG"`;

describe("the workflows", () => {
  test("are one for a push, one for a release, and the one that both use", () => {
    assert.deepEqual(
      files,
      ["release", "smoke", "test"].map((name) => `.github/workflows/${name}.yml`),
    );
  });

  test("pin every action by the hash of a commit, the same one everywhere, and name its version", () => {
    const pins = workflows.flatMap(({ file, text }) =>
      [...text.matchAll(/uses: (?!\.\/)(.*)/g)].map(([, use = ""]) => {
        assert.match(use, /^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${file}: ${use}`);
        return use;
      }),
    );
    assert.ok(pins.length > 0);
    const actions = new Set(pins.map((use) => use.replace(/@.*/, "")));
    assert.equal(new Set(pins).size, actions.size, "an action has two versions");
  });

  test("can write only what a job names", () => {
    for (const { file, workflow } of workflows) {
      assert.deepEqual(workflow.permissions, { contents: "read" }, file);
      for (const [name, job] of Object.entries(workflow.jobs)) {
        const writes = Object.entries(job.permissions).flatMap(([what, how]) => (how === "write" ? [what] : []));
        const allowed = WRITERS[name] ?? [];
        assert.deepEqual(writes, file.endsWith("release.yml") ? allowed : [], `${file}: ${name}`);
      }
    }
  });

  test("put no outside input into a command", () => {
    for (const { file } of workflows) assert.doesNotMatch(commands(file), /\$\{\{/, file);
  });

  test("run scripts and tests that exist", () => {
    const all = files.map(commands).join("\n");
    const named = [...all.matchAll(/(?<=\s)(?:\.\/)?(?:\.github|\.ci|tests)\/[\w./-]+\.(?:sh|txt|test\.ts)/g)];
    assert.ok(named.length > 4);
    for (const [path] of named) assert.ok(existsSync(join(root, path)), path);
  });

  test("start every target's program on a machine of its kind, and those for musl in an image that has it", () => {
    const matrix = v.object({ strategy: v.object({ matrix: v.object({ include: v.array(MACHINE) }) }) });
    const machines = v.parse(matrix, jobsOf("smoke")["smoke"]).strategy.matrix.include;
    assert.deepEqual(machines.map(({ target }) => target).sort(), TARGETS.map(({ name }) => name).sort());
    for (const { target, runner, image } of machines) {
      assert.equal(/^alpine:\d/.test(image ?? ""), target.endsWith("-musl"), target);
      if (target.startsWith("linux")) assert.equal(runner.endsWith("-arm"), target.includes("arm64"), target);
      else assert.ok(runner.startsWith(target.startsWith("darwin") ? "macos-" : "windows-"), target);
    }
    assert.equal(commands("smoke.yml").match(/sh \.github\/smoke\.sh /g)?.length, 2);
    // The script itself checks for the archive, and fails without it.
    assert.doesNotMatch(commands("smoke.yml"), /-[ef] "\$archive"/);
  });

  test("return root's files to the user before a step without root writes", () => {
    const steps = jobsOf("release")["test"]?.steps ?? [];
    const lines = steps.map(({ run = "" }) => run);
    const rooted = lines.findIndex((line) => line.includes("sudo env"));
    assert.ok(rooted > 0);
    assert.match(lines[rooted + 1] ?? "", /^sudo chown -R "\$\(id -u\):\$\(id -g\)" \.$/);
  });

  test("build, test, attest, publish and verify a release in this order", () => {
    const jobs = jobsOf("release");
    const needs = Object.entries(jobs).map(([name, job]) => [name, [job.needs].flat()]);
    const published = ["publish", "publish-images", "publish-npm"];
    assert.deepEqual(Object.fromEntries(needs), {
      build: [],
      test: ["build"],
      smoke: ["build"],
      attest: ["build", "test", "smoke"],
      ...Object.fromEntries(published.map((name) => [name, ["build", "attest"]])),
      verify: published,
      "verify-installers": published,
    });
    assert.deepEqual(jobs["verify"]?.["with"], { tag: `\${{ github.ref_name }}` });
  });

  test("run nothing but actions and system tools in a job that can sign or publish", () => {
    const jobs = Object.entries(jobsOf("release"));
    const writing = jobs.filter(([, { permissions }]) => Object.values(permissions).includes("write"));
    assert.deepEqual(writing.map(([name]) => name).sort(), Object.keys(WRITERS).sort());
    for (const [name, { steps }] of writing) {
      for (const { uses = "", run = "" } of steps) {
        if (uses !== "" && name === "attest") assert.match(uses, /^actions\/(?:download-artifact|attest)@/);
        assert.doesNotMatch(run.replace(PUBLISH, ""), /\b(?:npm|npx|node|bun|deno|bash|sh|pip|python3) /, name);
      }
    }
    assert.ok(jobsOf("release")["publish-npm"]?.steps.some(({ run }) => run === PUBLISH));
  });

  test("check what they publish against the attested checksums", () => {
    for (const name of ["attest", "publish", "publish-npm"]) {
      const lines = jobsOf("release")[name]?.steps.map(({ run = "" }) => run) ?? [];
      assert.ok(lines.includes("sha256sum --check --strict SHA256SUMS"), name);
    }
    assert.match(commands("release.yml"), /skopeo copy --quiet --all --preserve-digests "oci-archive:images\//);
  });

  test("upload what is released before tests could change it, from a job without install scripts", () => {
    const { steps = [] } = jobsOf("release")["build"] ?? {};
    const uploads = steps.filter(({ uses = "" }) => uses.startsWith("actions/upload-artifact@"));
    assert.deepEqual(
      uploads.map((step) => step.with?.["name"]),
      ["release", "images"],
    );
    for (const { run = "" } of steps) assert.doesNotMatch(run, /\bnpm test\b|\.ci\/run|npm ci(?! --ignore-scripts)/);
    const elsewhere = Object.entries(jobsOf("release")).filter(([name]) => name !== "build");
    for (const [name, job] of elsewhere)
      assert.ok(!job.steps.some(({ uses = "" }) => uses.startsWith("actions/upload-artifact@")), name);
  });

  test("audit, build twice, attest and compute checksums before a release", () => {
    const wanted = ["npm audit --omit=dev", "npm run build -- --all --packages", "deno-compile.sh", ".ci/run --all"];
    for (const command of wanted) assert.ok(commands("release.yml").includes(command), command);
    const attested = (jobsOf("release")["attest"]?.steps ?? [])
      .filter(({ uses = "" }) => uses.startsWith("actions/attest@"))
      .map((step) => step.with);
    assert.deepEqual(attested, [
      { "subject-checksums": "release/SHA256SUMS" },
      // The checksums are no part of what they list.
      { "subject-path": "release/SHA256SUMS" },
      { "subject-checksums": "release/SHA256SUMS", "sbom-path": "release/hydra.cdx.json" },
      { "subject-checksums": "images/SHA256SUMS" },
      { "subject-checksums": "images/SHA256SUMS", "sbom-path": "release/hydra.cdx.json" },
    ]);
  });

  test("release only versions, and let only the newest one become the latest", () => {
    const [tags = ""] = /tags: .*/.exec(read(".github/workflows/release.yml")) ?? [];
    assert.equal(tags, 'tags: ["v[0-9]+.[0-9]+.[0-9]+"]');
    const { steps = [] } = jobsOf("release")["build"] ?? {};
    const script = steps.find((step) => step["id"] === "newest")?.run ?? "";
    using folder = temporaryFolder();
    const latest = (tag: string, ...released: readonly string[]): string => {
      const gh = `#!/bin/sh\nprintf '${released.map((name) => `${name}\\n`).join("")}'\n`;
      writeFileSync(join(folder.path, "gh"), gh, { mode: 0o755 });
      const output = join(folder.path, "output");
      writeFileSync(output, "");
      const env = { PATH: `${folder.path}:${process.env["PATH"]}`, GITHUB_REF_NAME: tag, GITHUB_OUTPUT: output };
      execFileSync("bash", ["-e", "-c", script], { env });
      return readFileSync(output, "utf8");
    };
    assert.equal(latest("v0.1.0"), "latest=true\n");
    assert.equal(latest("v1.10.0", "v1.9.0", "v1.2.0"), "latest=true\n");
    assert.equal(latest("v1.9.1", "v1.10.0", "v1.9.0"), "latest=false\n");
    for (const use of ['--latest="$LATEST"', '[ "$LATEST" = true ]', '--tag "$NPM_TAG"'])
      assert.ok(commands("release.yml").includes(use), use);
  });

  test("verify what was published on every platform, and by every way to install it", () => {
    const verified = commands("smoke.yml") + commands("release.yml");
    for (const command of ["gh attestation verify", "install.ps1", "install.sh", "npx --yes", "docker run"])
      assert.ok(verified.includes(command), command);
  });
});

describe("the documentation", () => {
  test("names the archive and the packages of every target", () => {
    for (const target of TARGETS) {
      const { name, archive } = target;
      for (const kind of [archive, ...packageKinds(target)])
        assert.ok(read("docs/install.md").includes(`\`hydra-${name}.${kind}\``), `hydra-${name}.${kind}`);
      assert.match(read("docs/sizes.md"), new RegExp(`^\\| ${name} +\\| +\\d+\\.\\d \\| +\\d+\\.\\d \\|$`, "m"));
    }
  });

  test("has a command for each way to install, in the README and with details", () => {
    const [, section = ""] = read("README.md").split(/^## Install$/m);
    const [install = ""] = section.split(/^## /m);
    for (const word of [
      "install.sh | sh",
      "install.ps1 | iex",
      "npx hydra-clients",
      "docker run",
      ".deb",
      "scoop install",
    ]) {
      assert.ok(install.includes(word), word);
      assert.ok(read("docs/install.md").includes(word.replace(" install", "")), word);
    }
    const page = "https://github.com/OWNER/REPOSITORY/releases/latest/download";
    for (const [, file = ""] of install.matchAll(/apt install \.\/(\S+)/g))
      assert.ok(install.includes(`curl -fsSLO ${page}/${file} && sudo apt install`), `the line downloads ${file}`);
    assert.ok(read("docs/install.md").includes(`Node ${OLDEST_NODE.replace(/\.0$/, "")} or newer`));
    assert.ok(install.includes(`Node ${OLDEST_NODE.replace(/\.0$/, "")} or newer`));
  });

  test("states the Node version of package.json", () => {
    const { engines } = v.parse(
      v.object({ engines: v.object({ node: v.string() }) }),
      JSON.parse(read("package.json")),
    );
    const oldest = engines.node.replace(">=", "");
    assert.ok(read("README.md").includes(`with Node ${oldest} or newer and npm`));
    assert.ok(read("docs/install.md").includes(`needs Node ${oldest} or newer`));
    assert.ok(read(".github/workflows/test.yml").includes(`node: ["${oldest}", `));
  });

  test("has a changelog whose first section is for unreleased changes or for this version", () => {
    const text = read("CHANGELOG.md");
    assert.match(text, /^# Changelog\n/);
    const { version } = v.parse(v.object({ version: v.string() }), JSON.parse(read("package.json")));
    judgeChangelog(text, version);
    const changelog = (...headings: readonly string[]): string =>
      `# Changelog\n\n${headings.map((heading) => `## ${heading}\n\n`).join("- More.\n\n")}`;
    const good = [
      changelog("[Unreleased]"),
      changelog("[1.2.0] - 2026-01-02", "[1.1.0] - 2026-01-01"),
      changelog("[Unreleased]", "[1.2.0] - 2026-01-02"),
      "## [Unreleased]\n\n## [1.2.0] - 2026-01-02\n\n- More.\n",
    ];
    for (const one of good) judgeChangelog(`${one}- More.\n`, "1.2.0");
    const bad = [
      changelog("[1.1.0] - 2026-01-01"),
      changelog("[1.2.0]"),
      changelog("[1.2.0] - 2026-01-02", "[1.1.0] - 2026-01-03"),
      changelog("[1.2.0] - 2026-01-02", "[Unreleased]"),
      changelog("[1.2.0] - 2026-01-02", "[1.2.0] - 2026-01-02"),
    ];
    for (const one of bad) assert.throws(() => judgeChangelog(`${one}- More.\n`, "1.2.0"), one);
    assert.throws(() => judgeChangelog("## [1.2.0] - 2026-01-02\n", "1.2.0"), "a release that tells nothing");
    assert.equal(newestRelease(changelog("[Unreleased]", "[1.2.0] - 2026-01-02")), "2026-01-02");
    assert.equal(newestRelease(changelog("[Unreleased]")), undefined);
  });

  test("mentions every command and every sandbox version in the changelog", async () => {
    const text = read("CHANGELOG.md");
    for (const { path, syntax, command } of await everyCommand()) {
      if (isLeaf(command) && syntax === "1.x") assert.ok(text.includes(`\`${path.slice(1).join(" ")}`), path.join(" "));
    }
    for (const version of SANDBOX_VERSIONS) {
      for (const page of ["CHANGELOG.md", "README.md"])
        assert.match(read(page), new RegExp(`[\\s\`]${version.replace(".", "\\.")}[\`,\\s]`), page);
    }
  });

  test("lists every help topic in the README", () => {
    for (const { name } of TOPICS) assert.match(read("README.md"), new RegExp(`\`(?:hydra help )?${name}\``), name);
  });

  test("states the speed that was measured", () => {
    const rows = [
      ...read("docs/bench.md").matchAll(
        /^\| ([a-z ]+) \| (warm|warm, read from disk before|page cache dropped), ms \|.*\| (\d\.\d+) \| \d+ \|$/gm,
      ),
    ];
    const ratios = rows.map(([, command, how, ratio]) => ({
      command,
      warm: how !== "page cache dropped",
      ratio: Number(ratio),
    }));
    const fast = ratios.filter(({ command, warm }) => warm && command !== "create encrypted");
    const even = ratios.filter((one) => !fast.includes(one));
    assert.ok(fast.length >= 6 && even.length >= 5);
    assert.match(
      read("README.md"),
      /Warm starts take about half as long as[^.]* or less\. Cold starts and encrypting creates take 0\.9 to 1\.4 times as\s+long/,
    );
    for (const { command, ratio } of fast) assert.ok(ratio <= 0.55, `${command}: ${ratio}`);
    for (const { command, ratio } of even) assert.ok(ratio >= 0.9 && ratio <= 1.4, `${command}: ${ratio}`);
  });

  test("has install commands for each system, with a check of the checksum", () => {
    const parts = read("docs/install.md").split(/^### /m);
    for (const system of ["Linux", "Alpine", "macOS", "Windows"]) {
      const part = parts.find((text) => text.startsWith(`${system}\n`)) ?? "";
      assert.match(part, /SHA256SUMS/, system);
      assert.match(part, /hydra-(linux|darwin|windows)-[a-z0-9-]+/, system);
    }
    assert.ok(parts.some((text) => text.startsWith("Containers\n")));
  });

  test("describes how to make a release as the workflow does it", () => {
    const page = read("CONTRIBUTING.md");
    for (const word of ["## [Unreleased]", "npm run docs", "npm run build -- --all --sizes", "git tag"]) {
      assert.ok(page.includes(word), word);
    }
    assert.ok(commands("release.yml").includes('grep -qF "## [$version]" CHANGELOG.md'));
  });
});

/** Refuses a changelog that the version it belongs to could not be released with, and could not grow towards one. */
function judgeChangelog(text: string, version: string): void {
  const sections = sectionsOf(text);
  const released = sections.filter((section) => section.version !== "Unreleased");
  assert.ok(released.length >= sections.length - 1);
  if (released.length < sections.length) assert.equal(sections[0]?.version, "Unreleased");
  else assert.equal(sections[0]?.version, version);
  assert.equal(new Set(sections.map((section) => section.version)).size, sections.length);
  const days = released.map(({ date }) => date ?? "");
  for (const day of days) assert.match(day, /^\d{4}-\d{2}-\d{2}$/);
  assert.deepEqual(days, days.toSorted().reverse());
  for (const section of released) assert.match(section.text, /^- /m, `${section.version} tells nothing`);
}

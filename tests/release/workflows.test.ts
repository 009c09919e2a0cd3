import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as v from "valibot";
import { parse } from "yaml";
import { TARGETS } from "../../.ci/release/targets.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const STEP = v.looseObject({ uses: v.optional(v.string()), run: v.optional(v.string()) });
const PERMISSIONS = v.record(v.string(), v.string());
const WORKFLOW = v.looseObject({
  permissions: PERMISSIONS,
  jobs: v.record(
    v.string(),
    v.looseObject({ "timeout-minutes": v.number(), permissions: v.optional(PERMISSIONS, {}), steps: v.array(STEP) }),
  ),
});

const files = globSync(".github/workflows/*.yml", { cwd: root }).sort();
const workflows = files.map((file) => ({ file, text: read(file), workflow: v.parse(WORKFLOW, parse(read(file))) }));
const commands = (file: string): string =>
  workflows
    .filter((one) => one.file.endsWith(file))
    .flatMap(({ workflow }) => Object.values(workflow.jobs).flatMap(({ steps }) => steps.map(({ run = "" }) => run)))
    .join("\n");

describe("the workflows", () => {
  test("are those for a push and for a release", () => {
    assert.deepEqual(files, [".github/workflows/release.yml", ".github/workflows/test.yml"]);
  });

  test("pin every action by the hash of a commit, the same one everywhere, and name its version", () => {
    const pins = workflows.flatMap(({ file, text }) =>
      [...text.matchAll(/uses: (.*)/g)].map(([, use = ""]) => {
        assert.match(use, /^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${file}: ${use}`);
        return use;
      }),
    );
    assert.ok(pins.length > 0);
    const actions = new Set(pins.map((use) => use.replace(/@.*/, "")));
    assert.equal(new Set(pins).size, actions.size, "an action has two versions");
  });

  test("may write nothing but what a job names", () => {
    for (const { file, workflow } of workflows) {
      assert.deepEqual(workflow.permissions, { contents: "read" }, file);
      for (const [name, job] of Object.entries(workflow.jobs)) {
        const writes = Object.entries(job.permissions).flatMap(([what, how]) => (how === "write" ? [what] : []));
        const allowed = { build: ["id-token", "attestations"], publish: ["contents"] }[name] ?? [];
        assert.deepEqual(writes, file.endsWith("release.yml") ? allowed : [], `${file}: ${name}`);
      }
    }
  });

  test("put nothing that others choose into a command", () => {
    assert.doesNotMatch(commands("test.yml") + commands("release.yml"), /\$\{\{/);
  });

  test("run scripts and tests that are there", () => {
    const named = [...`${commands("test.yml")}\n${commands("release.yml")}`.matchAll(/[\w./-]+\.(?:sh|test\.ts)/g)];
    assert.ok(named.length > 0);
    for (const [path] of named) assert.ok(existsSync(join(root, path)), path);
  });

  test("start every target's program on a machine of its own, or in its image", () => {
    const text = read(".github/workflows/test.yml");
    const images = read("Dockerfile") + read("Dockerfile.alpine");
    for (const { name } of TARGETS) {
      assert.ok(text.includes(`target: ${name}\n`) || images.includes(`dist/programs/${name}/`), name);
    }
  });

  test("audit, build twice, attest and sum before a release", () => {
    const wanted = ["npm audit --omit=dev", "npm run build -- --all", "deno-compile.sh", "sha256sum --check --strict"];
    for (const command of wanted) assert.ok(commands("release.yml").includes(command), command);
    const text = read(".github/workflows/release.yml");
    assert.match(
      text,
      /uses: actions\/attest@\S+ # \S+\n\s+with:\n\s+subject-checksums: dist\/release\/SHA256SUMS\n\s+- /,
    );
    assert.match(text, /sbom-path: dist\/release\/hydra\.cdx\.json/);
  });
});

describe("the documentation", () => {
  test("names the archive of every target", () => {
    for (const { name, archive } of TARGETS) {
      for (const page of ["README.md", "docs/install.md"]) {
        assert.ok(
          read(page).includes(`\`hydra-${name}.${archive}\``),
          `${page} does not name hydra-${name}.${archive}`,
        );
      }
      assert.match(read("docs/sizes.md"), new RegExp(`^\\| ${name} +\\| +\\d+\\.\\d \\| +\\d+\\.\\d \\|$`, "m"));
    }
  });

  test("keeps a changelog", () => {
    assert.match(read("CHANGELOG.md"), /^# Changelog\n[\s\S]*\n## \[Unreleased\]\n\n### Added\n/);
  });
});

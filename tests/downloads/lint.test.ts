/** Scripts, workflows and Dockerfiles pass the checkers of their kinds. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { homebrewFormula } from "../../.ci/release/installers.ts";
import { TARGETS } from "../../.ci/release/targets.ts";
import { BINARY, temporaryFolder } from "../e2e/binary.ts";
import { RELEASE, runTool, trackedFiles } from "./tools.ts";

const PARSE = ".ci/tools/parse-powershell.py";

describe("linters", () => {
  test("shellcheck accepts the shell scripts", () => {
    const scripts = [...trackedFiles(".sh"), ".ci/run"];
    assert.ok(scripts.includes(".ci/install/install.sh"));
    runTool("shellcheck", ["--enable=all", "--exclude=SC2250,SC2310,SC2311,SC2312", ...scripts]);
    runTool("shellcheck", ["--shell=sh", join(RELEASE, "install.sh")]);
  });

  test("actionlint accepts the workflows, with shellcheck for their commands", () => {
    runTool("shellcheck", ["--version"]);
    runTool("actionlint", ["-color=false"]);
  });

  test("zizmor finds nothing in the workflows", () => {
    runTool("zizmor", ["--offline", "--no-progress", ".github/workflows"]);
  });

  test("hadolint accepts the Dockerfiles", () => {
    runTool("hadolint", ["Dockerfile", "Dockerfile.alpine"]);
  });

  test("ruby accepts the Homebrew formula", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "hydra-clients.rb");
    const sums = new Map(TARGETS.map((target) => [target, "0".repeat(64)]));
    const page = "https://github.com/owner/repository";
    writeFileSync(file, homebrewFormula({ version: "1.2.3", page, description: "One line", sums }));
    assert.match(runTool("ruby", ["-wc", file]), /^Syntax OK$/m);
  });

  test("the PowerShell scripts parse", () => {
    using folder = temporaryFolder();
    const completion = join(folder.path, "completion.ps1");
    writeFileSync(completion, runTool(BINARY, ["completion", "powershell"]));
    runTool("python3", [PARSE, ".ci/install/install.ps1", join(RELEASE, "install.ps1"), completion]);
    const broken = join(folder.path, "broken.ps1");
    writeFileSync(broken, "function x { if ($a -eq }\n");
    assert.throws(() => runTool("python3", [PARSE, broken]), /broken\.ps1:1:14: syntax error/);
  });
});

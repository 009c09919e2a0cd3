/** Both images, built by BuildKit on substitutes for their bases and run by a Docker daemon of the test's own. */

import assert from "node:assert/strict";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { openGlibcRoot } from "../e2e/bare-root.ts";
import { type Running, start, temporaryFolder } from "../e2e/binary.ts";
import { ROOT, runTool, writeAlpineTools } from "./tools.ts";

const folder = temporaryFolder();

const at = (name: string): string => join(folder.path, name);

const DOCKER = { ...process.env, DOCKER_HOST: `unix://${at("socket")}`, DOCKER_BUILDKIT: "1" };

/** Debian's client: others on the PATH may lack the build command. */
const docker = (...args: readonly string[]): string => runTool("/usr/bin/docker", args, DOCKER);

/** Builds an image of a folder. */
function importRoot(root: string, tag: string): void {
  writeFileSync(join(root, "Dockerfile"), "FROM scratch\nCOPY . /\nENV PATH=/bin\n");
  docker("build", "--quiet", "--tag", tag, root);
}

/** The root of the Alpine image with a shell, and what its Dockerfile calls. */
function writeAlpineRoot(): string {
  const musl = process.env["TEST_MUSL_ROOT"] ?? assert.fail("TEST_MUSL_ROOT is not set; .ci/run --all makes it");
  const root = at("alpine");
  cpSync(resolve(ROOT, musl), root, { recursive: true });
  rmSync(join(root, "usr/local/bin/hydra"));
  writeAlpineTools(root);
  return root;
}

describe("the images, built with BuildKit", () => {
  let daemon: Running;
  const glibc = openGlibcRoot();
  before(async () => {
    const places = [`--data-root=${at("data")}`, `--exec-root=${at("exec")}`, `--pidfile=${at("pid")}`];
    const network = ["--iptables=false", "--ip6tables=false", "--bridge=none"];
    const args = [...places, ...network, "--storage-driver=vfs", `--host=${DOCKER.DOCKER_HOST}`];
    daemon = start("dockerd", args, { timeout: 900_000 });
    await daemon.seen("stderr", "API listen on");
  });
  after(async () => {
    daemon.kill("SIGTERM");
    await daemon.ended;
    glibc[Symbol.dispose]();
    folder[Symbol.dispose]();
  });

  for (const [dockerfile, base] of [
    ["Dockerfile", () => glibc.path],
    ["Dockerfile.alpine", writeAlpineRoot],
  ] as const) {
    test(`${dockerfile} runs as an unprivileged user without a writable file`, { timeout: 600_000 }, () => {
      const tag = `test-${dockerfile.toLowerCase()}`;
      importRoot(base(), `base-${tag}`);
      const how = ["--quiet", "--network=none", "--build-arg", `BASE=base-${tag}`, "--tag", tag];
      docker("build", ...how, "--file", join(ROOT, dockerfile), ROOT);
      const limits = ["--read-only", "--cap-drop=ALL", "--user=12345:12345", "--network=none"];
      assert.match(docker("run", "--rm", ...limits, tag, "version"), /^Version: \d/);
      // Docker gives a new volume the owner of the directory that it is mounted on.
      const container = docker("create", tag).trim();
      const uid = docker("cp", `${container}:/rescue`, "-").slice(108, 116);
      assert.equal(Number.parseInt(uid, 8), 65532, "/rescue does not belong to the image's user");
    });
  }
});

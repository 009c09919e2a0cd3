/** Both Dockerfiles, built with buildah on stand-ins for their bases. */

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import { temporaryFolder } from "../e2e/binary.ts";
import { IMAGES, ROOT, runTool, writeAlpineTools } from "./tools.ts";

const folder = temporaryFolder();

const STORE = ["--root", join(folder.path, "root"), "--runroot", join(folder.path, "run"), "--storage-driver", "vfs"];

const buildah = (...args: readonly string[]): string => runTool("buildah", [...STORE, ...args]);

/** Builds an image; a Dockerfile's own base can't be fetched here. */
function build(tag: string, dockerfile: string, base: string, processor: string): void {
  const how = [`--build-arg=BASE=${base}`, `--platform=linux/${processor}`, "--isolation=chroot", "--format=oci"];
  buildah("bud", "--quiet", ...how, "--file", join(ROOT, dockerfile), "--tag", tag, ROOT);
}

const IMAGE = v.object({
  OCIv1: v.object({
    architecture: v.string(),
    config: v.object({
      User: v.string(),
      Entrypoint: v.array(v.string()),
      Env: v.array(v.string()),
      Labels: v.record(v.string(), v.string()),
    }),
  }),
});

function configOf(tag: string): v.InferOutput<typeof IMAGE>["OCIv1"] {
  return v.parse(IMAGE, JSON.parse(buildah("inspect", "--type", "image", tag))).OCIv1;
}

/** An image with a shell and what the Dockerfile for Alpine calls. */
function buildAlpineStandIn(): void {
  const at = join(folder.path, "alpine");
  writeAlpineTools(at);
  writeFileSync(join(at, "Dockerfile"), "FROM scratch\nCOPY bin /bin\nENV PATH=/bin\n");
  buildah("bud", "--quiet", "--isolation=chroot", "--tag", "localhost/alpine-standin", at);
}

describe("the images, built with buildah", () => {
  before(() => buildAlpineStandIn());
  after(() => folder[Symbol.dispose]());

  for (const [dockerfile, base, processor, program] of [
    ["Dockerfile", "scratch", "amd64", "amd64"],
    ["Dockerfile", "scratch", "arm64", "arm64"],
    ["Dockerfile.alpine", "localhost/alpine-standin", "amd64", "amd64-musl"],
  ] as const) {
    test(`${dockerfile} for ${processor} has the program, the licenses, the labels and the user`, {
      timeout: 600_000,
    }, () => {
      const tag = `localhost/${program}`;
      build(tag, dockerfile, base, processor);
      const { architecture, config } = configOf(tag);
      assert.equal(architecture, processor);
      assert.deepEqual([config.User, config.Entrypoint], ["65532:65532", ["/usr/local/bin/hydra"]]);
      for (const name of ["BUN_BE_BUN", "BUN_OPTIONS", "LD_PRELOAD"]) assert.ok(config.Env.includes(`${name}=`), name);
      assert.equal(config.Labels["org.opencontainers.image.title"], "hydra-clients");
      const container = buildah("from", "--pull-never", tag).trim();
      const root = buildah("mount", container).trim();
      assert.equal(statSync(join(root, "rescue")).uid, 65532);
      const installed = join(root, "usr/local/bin/hydra");
      assert.equal(statSync(installed).mode & 0o777, 0o755);
      assert.ok(readFileSync(installed).equals(readFileSync(join(IMAGES, program, "hydra"))), "another program");
      for (const name of ["LICENSE", "THIRD-PARTY.md", "licenses/bun.txt", "licenses/openpgp.txt"])
        assert.ok(statSync(join(root, "usr/local/share/doc/hydra", name)).size > 0, name);
      buildah("rm", container);
    });
  }
});

/** The images of a release, built by its script on substitutes for their bases from a registry on this machine. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import * as v from "valibot";
import { start, temporaryFolder } from "../e2e/binary.ts";
import { ROOT, runTool, writeAlpineTools } from "./tools.ts";

const INDEX = v.object({
  manifests: v.array(
    v.object({ digest: v.string(), platform: v.object({ os: v.string(), architecture: v.string() }) }),
  ),
});

const CONFIG = v.object({ config: v.object({ Labels: v.record(v.string(), v.string()) }) });

/** A folder with an image of a shell and what the Dockerfile for Alpine calls, whose programs run on this machine. */
function writeBase(at: string): void {
  writeAlpineTools(at);
  writeFileSync(join(at, "Dockerfile"), "FROM scratch\nCOPY bin /bin\nENV PATH=/bin\n");
}

test("the images of a release are for both processors and name their origin", { timeout: 900_000 }, async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  await using registry = start("crane", ["registry", "serve", "--address", "127.0.0.1:0"], { timeout: 900_000 });
  const [, port = ""] =
    /serving on (?:port |\S+:)(\d+)/.exec(await registry.seen("stderr", /serving on \S+.*\n/)) ?? [];
  const places = { "gcr.io/distroless": "distroless", "docker.io/library": "library" };
  const mirrors = Object.entries(places).map(
    ([prefix, place]) =>
      `[[registry]]\nprefix = "${prefix}"\nlocation = "127.0.0.1:${port}/${place}"\ninsecure = true\n`,
  );
  writeFileSync(at("registries.conf"), mirrors.join(""));
  writeFileSync(
    at("storage.conf"),
    `[storage]\ndriver = "vfs"\ngraphroot = "${at("root")}"\nrunroot = "${at("run")}"\n`,
  );
  const env = {
    ...process.env,
    BUILDAH_ISOLATION: "chroot",
    CONTAINERS_STORAGE_CONF: at("storage.conf"),
  };
  writeBase(at("base"));
  const platforms = "linux/amd64,linux/arm64";
  runTool("buildah", ["bud", "--quiet", "--platform", platforms, "--manifest", "base", at("base")], env);
  for (const name of ["distroless/base-nossl-debian13:nonroot", "library/alpine:3.24"]) {
    const to = `docker://127.0.0.1:${port}/${name}`;
    runTool("buildah", ["manifest", "push", "--quiet", "--tls-verify=false", "--all", "base", to], env);
  }
  const facts = ["1.2.3", "0123abc", "2026-01-02T03:04:05+00:00", "https://github.com/owner/repository"];
  // skopeo reads only this file; the namespace keeps it as it is for the rest of this machine.
  const script = 'mount --bind "$1" /etc/containers/registries.conf && shift && exec bash "$@"';
  const args = ["sh", at("registries.conf"), join(ROOT, ".github/images.sh"), at("out"), ...facts];
  runTool("unshare", ["--mount", "sh", "-c", script, ...args], env);
  assert.deepEqual(readdirSync(at("out")).sort(), ["hydra-clients-alpine.tar", "hydra-clients.tar"]);
  for (const [file, base] of [
    ["hydra-clients.tar", "gcr.io/distroless/base-nossl-debian13:nonroot"],
    ["hydra-clients-alpine.tar", "docker.io/library/alpine:3.24"],
  ] as const) {
    const archive = `oci-archive:${at("out")}/${file}`;
    const { manifests } = v.parse(INDEX, JSON.parse(runTool("skopeo", ["inspect", "--raw", archive], env)));
    assert.deepEqual(manifests.map(({ platform }) => platform.architecture).sort(), ["amd64", "arm64"]);
    for (const processor of ["amd64", "arm64"]) {
      const shown = runTool("skopeo", ["inspect", "--config", "--override-arch", processor, archive], env);
      const { Labels } = v.parse(CONFIG, JSON.parse(shown)).config;
      const label = (name: string): string | undefined => Labels[`org.opencontainers.image.${name}`];
      assert.deepEqual(["version", "revision", "created", "source"].map(label), facts);
      assert.equal(label("base.name"), base);
      assert.match(label("base.digest") ?? "", /^sha256:[0-9a-f]{64}$/);
      assert.equal(label("title"), "hydra-clients");
    }
  }
  assert.ok(readFileSync(join(ROOT, ".github/workflows/release.yml"), "utf8").includes("bash .github/images.sh"));
});

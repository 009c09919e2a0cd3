/** The smoke test that the workflows run on every platform, with the archive for this machine. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { archiveName } from "../../.ci/release/pack.ts";
import { hostTarget } from "../../.ci/release/runtimes.ts";
import { start, temporaryFolder } from "../e2e/binary.ts";
import { assertExit } from "../e2e/scenario.ts";
import { RELEASE, ROOT } from "./tools.ts";

test("the smoke test connects by localhost, https and a name with two addresses", { timeout: 300_000 }, async () => {
  const target = hostTarget(ROOT);
  assert.ok(target !== undefined);
  using folder = temporaryFolder();
  const hosts = join(folder.path, "hosts");
  writeFileSync(hosts, "127.0.0.1 localhost\n::1 localhost\n::1 smoke.test\n127.0.0.1 smoke.test\n");
  // In a mount namespace of its own, so that this machine keeps its names.
  const script = 'mount --bind "$1" /etc/hosts && shift && exec sh "$@"';
  const args = [join(ROOT, ".github/smoke.sh"), join(RELEASE, `${archiveName(target)}.tar.gz`)];
  const ended = await start("unshare", ["--map-root-user", "--mount", "sh", "-c", script, "sh", hosts, ...args], {
    env: { SMOKE_NAME: "smoke.test" },
    cwd: folder.path,
    timeout: 300_000,
  }).ended;
  assertExit(ended, 0);
  const urls = ended.stdout.match(/^https?:\/\/.*$/gm)?.map((url) => url.replace(/\d+$/, "PORT"));
  assert.deepEqual(urls, [
    ...["http://localhost:PORT", "https://127.0.0.1:PORT", "https://localhost:PORT"],
    ...["http://smoke.test:PORT", "https://smoke.test:PORT"],
  ]);
});

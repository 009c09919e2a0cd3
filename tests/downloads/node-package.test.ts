/** The npm package under the oldest and a newer Node, both from the npm registry. */

import assert from "node:assert/strict";
import { globSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { OLDEST_NODE } from "../../.ci/release/node-package.ts";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { start, temporaryFolder } from "../e2e/binary.ts";
import { assertExit, assertFails, printed, printedEncrypted } from "../e2e/scenario.ts";
import { makeCertificates } from "../e2e/tls.ts";
import { RELEASE, runTool } from "./tools.ts";

const folder = temporaryFolder();

/** The path of the Node of a version. */
function fetchNode(version: string): string {
  const to = join(folder.path, version);
  mkdirSync(to);
  runTool("npm", ["pack", "--silent", "--pack-destination", to, `node-linux-${process.arch}@${version}`]);
  const [archive = assert.fail("npm packed nothing")] = globSync("*.tgz", { cwd: to });
  runTool("tar", ["-xzf", join(to, archive), "-C", to, "--strip-components=1"]);
  return join(to, "bin/node");
}

describe("the npm package", () => {
  const prefix = join(folder.path, "prefix");
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    const [archive = assert.fail("there is no npm package")] = globSync("hydra-clients-*.tgz", { cwd: RELEASE });
    runTool("npm", ["install", "--silent", "--ignore-scripts", "--global", "--prefix", prefix, join(RELEASE, archive)]);
  });
  after(async () => {
    await sandbox.close();
    folder[Symbol.dispose]();
  });

  for (const version of [OLDEST_NODE, "24.0.0"]) {
    test(`works under Node ${version}`, { timeout: 300_000 }, async () => {
      const node = fetchNode(version);
      const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
        start(node, [join(prefix, "bin/hydra"), ...args], { env: { HYDRA_ADMIN_URL: sandbox.url, ...env } }).ended;
      const shown = await run(["version"]);
      assertExit(shown, 0);
      assert.equal(shown.stderr, "");
      const { id, secret } = printed(await run(["clients", "create", "-c", "http://localhost/cb"]));
      assert.equal(sandbox.secretOf(id), secret);
      const key = readFileSync(join(import.meta.dirname, "../../docs/install.md")).toString("base64");
      assertFails(await run(["clients", "create", "-c", "http://localhost/cb", "--pgp-key", key]), 7, /key/);
      const { generateKey } = await import("openpgp");
      const { publicKey } = await generateKey({ userIDs: [{ name: "Ops" }], format: "armored" });
      const armored = Buffer.from(publicKey).toString("base64");
      printedEncrypted(await run(["clients", "create", "-c", "http://localhost/cb", "--pgp-key", armored]));
      const { good } = makeCertificates();
      const secure = await startSandbox({ as: "26", listen: "127.0.0.1:0", tls: good });
      try {
        const refused = await run(["clients", "list", "--fail-after", "0"], { HYDRA_ADMIN_URL: secure.url });
        assertFails(refused, 6, /certificate/i);
      } finally {
        await secure.close();
      }
    });
  }

  test("has its manual pages where npm puts those of a global package", () => {
    assert.ok(globSync("share/man/man1/hydra*.1", { cwd: prefix }).length > 10);
  });
});

/** A proxy in front of the admin API that masks the secrets in responses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import type { SandboxVersion } from "../../lib/sandbox/versions.ts";
import { openFaultProxy, swapped } from "../e2e/fault-proxy.ts";
import { play } from "./in-process.ts";

/** A sandbox with both ports, behind a proxy that puts a mask, as JSON has it, in place of every secret. */
async function startMaskedSandbox(as: SandboxVersion, mask: string) {
  const sandbox = await startSandbox({ as, listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
  const proxy = await openFaultProxy(sandbox.url, () =>
    swapped((reply) => ({
      ...reply,
      body: reply.body.replace(/"client_secret":"[^"]*"/, `"client_secret":"${mask}"`),
    })),
  );
  return {
    sandbox,
    url: proxy.url,
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await sandbox.close();
    },
  };
}

for (const mask of ["********", "abcd***", "[REDACTED]", "\\u2022\\u2022"])
  test(`a secret that a proxy masks as ${mask} doesn't replace the one that was sent`, async () => {
    await using masked = await startMaskedSandbox("26", mask);
    const { sandbox, url } = masked;
    for (const line of ["clients create --id app -g client_credentials", "clients rotate-secret app --yes"]) {
      const played = await play([...line.split(" "), "--endpoint", url]);
      assert.equal(played.status, 0, played.stderr);
      const secret = sandbox.secretOf("app") ?? assert.fail("no secret");
      assert.equal(played.stdout, `OAuth 2.0 Client ID: app\nOAuth 2.0 Client Secret: ${secret}\n`);
      assert.match(played.stderr, /^Warning: the response only has a masked secret; the one that was sent is used$/m);
    }
  });

test("the secret that was sent is verified, and not the mask of a proxy", async () => {
  await using masked = await startMaskedSandbox("26", "********");
  const verify = ["--verify", "--public-url", masked.sandbox.publicUrl ?? assert.fail("no public port")];
  for (const line of ["clients create --id app -g client_credentials", "clients rotate-secret app --yes"]) {
    const played = await play([...line.split(" "), ...verify, "--endpoint", masked.url]);
    assert.equal(played.status, 0, played.stderr);
    assert.match(played.stderr, /^Verified: the revocation endpoint accepted the secret of client "app"/m);
  }
});

test("an update says that the client has the secret that was given, and not the mask of a proxy", async () => {
  await using masked = await startMaskedSandbox("26", "********");
  await play(["clients", "create", "--id", "app", "-g", "client_credentials", "--endpoint", masked.url]);
  const stdin = "a-given-secret-0123456789";
  const played = await play(["clients", "update", "app", "--secret-file", "-", "--endpoint", masked.url], { stdin });
  assert.equal(masked.sandbox.secretOf("app"), stdin);
  assert.match(played.stderr, /^Secret of client "app" is the one given; the old one no longer works$/m);
});

test("a mask is not delivered as the secret that a server has generated", async () => {
  await using masked = await startMaskedSandbox("next", "********");
  await play(["clients", "create", "--id", "app", "-g", "client_credentials", "--endpoint", masked.url]);
  const played = await play(["clients", "rotate-secret", "app", "--yes", "--endpoint", masked.url]);
  assert.equal(played.status, 1, played.stdout);
  assert.equal(played.stdout, "");
  assert.match(played.stderr, /^Error: Cannot rotate the secret of client "app": the server's answer has no secret$/m);
});

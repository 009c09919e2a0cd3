/** A proxy in front of the admin API that masks the secrets in responses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startSandbox } from "../../lib/sandbox/index.ts";
import { openFaultProxy, swapped } from "../e2e/fault-proxy.ts";
import { play } from "./in-process.ts";

// As JSON has it.
for (const mask of ["********", "abcd***", "[REDACTED]", "\\u2022\\u2022"])
  test(`a secret that a proxy masks as ${mask} doesn't replace the one that was sent`, async () => {
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    const proxy = await openFaultProxy(sandbox.url, () =>
      swapped((reply) => ({
        ...reply,
        body: reply.body.replace(/"client_secret":"[^"]*"/, `"client_secret":"${mask}"`),
      })),
    );
    try {
      for (const line of ["clients create --id app -g client_credentials", "clients rotate-secret app --yes"]) {
        const played = await play([...line.split(" "), "--endpoint", proxy.url]);
        assert.equal(played.status, 0, played.stderr);
        const secret = sandbox.secretOf("app") ?? assert.fail("no secret");
        assert.equal(played.stdout, `OAuth 2.0 Client ID: app\nOAuth 2.0 Client Secret: ${secret}\n`);
        assert.match(played.stderr, /^Warning: the response only has a masked secret; the one that was sent is used$/m);
      }
    } finally {
      await proxy.close();
      await sandbox.close();
    }
  });

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { BINARY, runBinary, start, startBinary, temporaryFolder, withCompiledSandbox } from "./binary.ts";

describe("hydra sandbox", () => {
  test("prints both of its URLs as lines for a shell, and issues tokens on the second", async () => {
    await using sandbox = await withCompiledSandbox("26");
    const { port: adminPort } = new URL(sandbox.url);
    const { port: publicPort } = new URL(sandbox.publicUrl);
    assert.notEqual(adminPort, publicPort);
    const created = await runBinary(["clients", "create", "-g", "client_credentials", "--format", "json"], {
      env: { HYDRA_ADMIN_URL: sandbox.url },
    });
    assert.equal(created.status, 0, created.stderr);
    const client: unknown = JSON.parse(created.stdout);
    assert.ok(typeof client === "object" && client !== null && "client_id" in client && "client_secret" in client);
    const answer = await fetch(`${sandbox.publicUrl}/oauth2/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /"access_token":"ory_at_/);
    const stopped = await sandbox.stop();
    assert.equal(stopped.stdout, `HYDRA_ADMIN_URL=${sandbox.url}\nHYDRA_PUBLIC_URL=${sandbox.publicUrl}\n`);
  });

  test("prints a socket's path as a word for a shell", async () => {
    using folder = temporaryFolder();
    const socket = join(folder.path, "it's a $(socket).sock");
    await using running = startBinary(["sandbox", "--listen", `unix://${socket}`, "--public-listen", "none"]);
    const line = await running.seen("stdout", /\n/);
    const { stdout } = await start("sh", ["-c", `${line}printf %s "$HYDRA_ADMIN_URL"`]).ended;
    assert.equal(stdout, `unix://${socket}`);
  });

  test("stops where its URLs can't be written, and removes its socket", {
    skip: !existsSync("/dev/full"),
  }, async () => {
    using folder = temporaryFolder();
    const socket = join(folder.path, "a.sock");
    const command = `exec '${BINARY}' sandbox --listen 'unix://${socket}' > /dev/full`;
    await using running = start("sh", ["-c", command]);
    const { status, stderr } = await running.ended;
    assert.equal(status, 1, stderr);
    assert.match(stderr, /Cannot write the result/);
    assert.equal(existsSync(socket), false);
  });

  test("listens publicly on this machine only, and not on a port that is in use", async () => {
    const startOn = (address: string): ReturnType<typeof runBinary> =>
      runBinary(["sandbox", "--listen", "127.0.0.1:0", "--public-listen", address]);
    assert.equal((await startOn("0.0.0.0:0")).status, 2);
    await using sandbox = await withCompiledSandbox("26");
    const taken = await startOn(new URL(sandbox.publicUrl).host);
    assert.equal(taken.status, 1);
    assert.match(taken.stderr, /in use/);
    assert.equal(taken.stdout, "");
  });
});

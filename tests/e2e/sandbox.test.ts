import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runBinary, startBinary, temporaryFolder, withSandbox } from "./binary.ts";

describe("hydra sandbox", () => {
  test("prints both of its URLs as lines for a shell, and issues tokens on the second", async () => {
    await using sandbox = await withSandbox("26");
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

  test("quotes a URL for the shell", async () => {
    using folder = temporaryFolder();
    const socket = join(folder.path, "a b.sock");
    await using program = startBinary(["sandbox", "--public-listen", "none", "--listen", `unix://${socket}`]);
    await program.seen("stdout", "\n");
    program.kill("SIGTERM");
    assert.equal((await program.ended).stdout, `HYDRA_ADMIN_URL='unix://${socket}'\n`);
  });

  test("listens publicly on this machine only, and not on a port that is in use", async () => {
    const start = (address: string): ReturnType<typeof runBinary> =>
      runBinary(["sandbox", "--listen", "127.0.0.1:0", "--public-listen", address]);
    assert.equal((await start("0.0.0.0:0")).status, 2);
    await using sandbox = await withSandbox("26");
    const taken = await start(new URL(sandbox.publicUrl).host);
    assert.equal(taken.status, 1);
    assert.match(taken.stderr, /in use/);
    assert.equal(taken.stdout, "");
  });
});

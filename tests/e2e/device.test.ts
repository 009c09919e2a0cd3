/** `token device` through the compiled program. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type RogueServer, rogueServer, sendJson } from "../adapters/oauth/support.ts";
import {
  type Ended,
  type Running,
  type RunningSandbox,
  runBinary,
  startBinary,
  temporaryFolder,
  withSandbox,
} from "./binary.ts";
import { browse } from "./browser.ts";

const DEVICE = ["-g", "urn:ietf:params:oauth:grant-type:device_code,refresh_token", "-a", "openid,offline"];

function assertFails({ status, stdout, stderr }: Ended, expected: number, message: RegExp): void {
  assert.match(stderr, message);
  assert.equal(status, expected);
  assert.equal(stdout, "");
}

describe("token device", () => {
  const folder = temporaryFolder();
  let server: RunningSandbox;

  before(async () => {
    server = await withSandbox("26");
    const env = { HYDRA_ADMIN_URL: server.url };
    const secret = ["--token-endpoint-auth-method", "client_secret_post", "--secret-out", join(folder.path, "tv.env")];
    for (const args of [
      ["--id", "tv", ...secret],
      ["--id", "public-tv", "--token-endpoint-auth-method", "none"],
    ]) {
      const { status, stderr } = await runBinary(["clients", "create", ...args, ...DEVICE], { env });
      assert.equal(status, 0, stderr);
    }
  });

  after(async () => {
    await server.stop();
    folder[Symbol.dispose]();
  });

  /** What the program shows a person. */
  async function shown(
    running: Running,
  ): Promise<{ readonly code: string; readonly url: string; readonly complete: string }> {
    const text = await running.seen("stderr", /Ctrl-C stops/);
    const [, url = "", code = "", complete = ""] =
      /^Open (\S+) on any device, and enter this code:\n\n {4}(\S+)\n\nOr open this URL, which contains the code: (\S+)\nThe code expires in \S+\. Waiting/.exec(
        text,
      ) ?? assert.fail(text);
    return { code, url, complete };
  }

  test("shows the code, the URLs and the expiry, and prints the tokens after the login", async () => {
    const args = ["token", "device", "--credentials", join(folder.path, "tv.env")];
    await using running = startBinary(args, { env: { HYDRA_PUBLIC_URL: server.publicUrl } });
    const { code, url, complete } = await shown(running);
    assert.ok(url.startsWith(server.publicUrl));
    assert.equal(new URL(complete).searchParams.get("user_code"), code);
    await browse(complete);
    const { status, stdout, stderr } = await running.ended;
    assert.equal(status, 0, stderr);
    const labels = /^Access Token:\n\t(\S+)\nRefresh Token:\n\t(\S+)\nExpires in:\n\t\S+Z\nID Token:\n\t(\S+)\n$/;
    for (const token of labels.exec(stdout)?.slice(1) ?? assert.fail(stdout)) assert.ok(!stderr.includes(token));
  });

  test("needs no secret for a public client, and prints the full response in 2.x syntax", async () => {
    const args = ["perform", "device-code", "--client-id", "public-tv", "--format", "json", "--scope", "openid"];
    const env = { HYDRA_PUBLIC_URL: server.publicUrl, HYDRA_ADMIN_URL: server.url };
    await using running = startBinary(args, { env });
    await browse((await shown(running)).complete);
    const { status, stdout, stderr } = await running.ended;
    assert.equal(status, 0, stderr);
    const names = ["access_token", "expires_at", "expires_in", "expiry", "id_token", "scope", "token_type"];
    assert.deepEqual(Object.keys(JSON.parse(stdout)).toSorted(), names);
  });

  test("ends with 130 after Ctrl-C", async () => {
    const args = ["token", "device", "--client-id", "public-tv", "--auth-method", "none"];
    await using running = startBinary(args, { env: { HYDRA_PUBLIC_URL: server.publicUrl } });
    await shown(running);
    running.kill("SIGINT");
    assertFails(await running.ended, 130, /^Error: Interrupted/m);
  });

  test("fails with 3 for a wrong secret, and with 1 for a scope that the client doesn't have", async () => {
    const wrong = { OAUTH2_CLIENT_SECRET: "certainly~not_the.secret", HYDRA_PUBLIC_URL: server.publicUrl };
    const args = ["token", "device", "--client-id", "tv", "--auth-method", "post"];
    assertFails(
      await runBinary(args, { env: wrong }),
      3,
      /the server rejected the client's credentials \(invalid_client\)\nHint: check the client ID, and the secret or key; .*\n$/,
    );
    const scope = ["token", "device", "--credentials", join(folder.path, "tv.env"), "--scope", "admin"];
    assertFails(await runBinary(scope, { env: { HYDRA_PUBLIC_URL: server.publicUrl } }), 1, /\(invalid_scope\)/);
  });

  test("says which servers support the flow if this one doesn't", async () => {
    await using old = await withSandbox("2.3");
    const args = ["token", "device", "--client-id", "tv", "--auth-method", "none"];
    const ended = await runBinary(args, { env: { HYDRA_PUBLIC_URL: old.publicUrl } });
    assertFails(
      ended,
      1,
      /Cannot start the device flow: the server doesn't support it\nHint: Hydra has it from 25\.4 on/,
    );
  });
});

describe("token device with a rogue server", () => {
  /** A server whose polls are answered with these errors, one after the other. */
  function deviceServer(errors: readonly string[], more: Readonly<Record<string, unknown>> = {}): Promise<RogueServer> {
    let polls = 0;
    return rogueServer(({ path }, response, url) => {
      if (path.startsWith("/.well-known/"))
        sendJson(response, 200, {
          issuer: url,
          token_endpoint: `${url}/token`,
          device_authorization_endpoint: `${url}/device`,
        });
      else if (path === "/device")
        sendJson(response, 200, {
          ...{ device_code: "device-code-of-mine", user_code: "ABCD-EFGH", verification_uri: `${url}/verify` },
          ...{ expires_in: 60, interval: 0.01, ...more },
        });
      else sendJson(response, 400, { error: errors[polls++] ?? "access_denied" });
    });
  }

  const ARGS = ["token", "device", "--client-id", "tv", "--auth-method", "none", "--public-url"];

  test("whose URLs are no web pages is an error, and none of them is shown", async () => {
    for (const name of ["verification_uri", "verification_uri_complete"])
      for (const url of ["javascript:alert(1)", "file:///etc/passwd", "https://", "vnc://x/verify", ""]) {
        if (name === "verification_uri" && url === "") continue;
        await using rogue = await deviceServer([], { [name]: url });
        const ended = await runBinary([...ARGS, rogue.url]);
        assertFails(ended, 1, /^Error: Cannot start the device flow: /);
        assert.ok(url === "" || !ended.stderr.includes(url), ended.stderr);
        assert.equal(rogue.asked.filter(({ path }) => path === "/token").length, 0);
      }
  });

  test("whose code never expires is waited for a day at most, and until --timeout", async () => {
    await using rogue = await deviceServer(["authorization_pending"], { expires_in: 1e300, interval: 1e300 });
    const ended = await runBinary([...ARGS, rogue.url, "--timeout", "100ms"]);
    assertFails(
      ended,
      6,
      /The code expires in 24h0m0s\.[\s\S]*^Error: Login failed: the user didn't log in within 100ms\nHint: .*--timeout sets the limit$/m,
    );
    assert.equal(rogue.asked.filter(({ path }) => path === "/token").length, 1);
  });

  test("that declines, or whose code expires, is an error without the device code", async () => {
    for (const [errors, message] of [
      [["authorization_pending", "access_denied"], /access_denied.*\nHint: the user, or the login/],
      [["authorization_pending", "expired_token"], /expired_token.*\nHint: start again/],
    ] as const) {
      await using rogue = await deviceServer(errors);
      const args = ["token", "device", "--client-id", "tv", "--auth-method", "none", "--public-url", rogue.url];
      const ended = await runBinary(args);
      assertFails(ended, 1, message);
      assert.ok(!ended.stderr.includes("device-code-of-mine"));
      assert.equal(rogue.asked.filter(({ path }) => path === "/token").length, errors.length);
    }
  });
});

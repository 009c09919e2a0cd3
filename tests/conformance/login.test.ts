/** Logins of users through the compiled program, with the login and consent accepted over the admin API. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createHttp } from "../../lib/adapters/http.ts";
import { collectTrustedCertificates, createRuntimeFetch } from "../../lib/adapters/transport.ts";
import { driveLogin } from "../adapters/oauth/driver.ts";
import { type Running, startBinary } from "../e2e/binary.ts";
import { browse, unusedPort, visit } from "../e2e/browser.ts";
import { ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, exchange, type Json, onEveryServer, type Server, textOf } from "./servers.ts";

const http = createHttp({
  transport: createRuntimeFetch,
  authorities: () => collectTrustedCertificates([]),
  monotonic: () => 0,
});

const SECRET = "a-secret~of.mine_1";

const LOGIN = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  scope: "openid offline",
  client_secret: SECRET,
};

const PUBLIC = { client_secret: undefined, token_endpoint_auth_method: "none" };

async function registered(server: Server, client: Json): Promise<string> {
  const { status, body } = await server.post(client);
  assert.equal(status, 201, JSON.stringify(body));
  return textOf(asJson(body), "client_id");
}

function start({ url, publicUrl = "" }: Server, args: readonly string[], secret = SECRET): Running {
  const env = { HYDRA_ADMIN_URL: url, HYDRA_PUBLIC_URL: publicUrl, OAUTH2_CLIENT_SECRET: secret };
  return startBinary([...args, "--format", "json"], { env });
}

/** Accepts login and consent; gives where the browser goes then. */
async function accept({ url, publicUrl = "" }: Server, from: string, userCode = ""): Promise<string> {
  const timeLeft = (): number => 60_000;
  const options = { http, publicUrl, adminUrl: url, adminHeaders: {}, subject: "user-1", userCode, timeLeft };
  return (await driveLogin(options, from)).redirected;
}

/** Logs in with the program, and gives its result. */
async function logIn(server: Server, args: readonly string[], secret?: string): Promise<Json> {
  await using running = start(server, args, secret);
  const shown = await running.seen("stderr", /^http\S+\n/m);
  const redirected = await accept(server, /^http\S+$/m.exec(shown)?.[0] ?? "");
  const page = await visit(redirected);
  assert.equal(page.status, 303, `${redirected}: ${page.text}`);
  assert.equal((await visit(new URL("/done", redirected).href)).status, 200);
  const { status, stdout, stderr } = await running.ended;
  assert.equal(status, 0, stderr);
  return asJson(JSON.parse(stdout));
}

async function isActive({ url, family }: Server, token: string): Promise<boolean> {
  const path = family === "v2" ? "/admin/oauth2/introspect" : "/oauth2/introspect";
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const { body } = await exchange("POST", `${url}${path}`, headers, new URLSearchParams({ token }).toString());
  return asJson(body)["active"] === true;
}

onEveryServer("a login with the program", ordinaryTraits, (server) => {
  for (const uri of ["http://127.0.0.1/callback", "http://127.0.0.1:4446/a/b?c=d"])
    test(`gets tokens at a free port of ${uri}, which are revoked again`, async () => {
      const id = await registered(server(), { ...LOGIN, redirect_uris: ["http://[::1]/callback", uri] });
      const tokens = await logIn(server(), ["token", "user", "--client-id", id]);
      assert.deepEqual(textOf(tokens, "scope").split(" ").toSorted(), ["offline", "openid"]);
      assert.match(textOf(tokens, "expires_at"), /^\d{4}-.*Z$/);
      const access = textOf(tokens, "access_token");
      const { publicUrl = "" } = server();
      const userinfo = await exchange("GET", `${publicUrl}/userinfo`, { authorization: `Bearer ${access}` });
      assert.equal(asJson(userinfo.body)["sub"], "user-1");
      const env = { HYDRA_PUBLIC_URL: publicUrl, OAUTH2_CLIENT_ID: id, OAUTH2_CLIENT_SECRET: SECRET };
      const revoked = await server().run(["token", "revoke", "-"], { env, stdin: textOf(tokens, "refresh_token") });
      assert.equal(revoked.status, 0, revoked.stderr);
      assert.equal(await isActive(server(), access), false);
    });

  test("works at a free port of [::1], which only 1.8 rejects", async () => {
    const id = await registered(server(), { ...LOGIN, redirect_uris: ["http://[::1]:4446/callback"] });
    const args = ["token", "user", "--client-id", id];
    // Only 1.8 answers so for an unknown client.
    const isOld = (await server().ask("GET", `${server().path}/nobody`)).status === 401;
    if (!isOld) return void (await logIn(server(), args));
    await using running = start(server(), args);
    const shown = await running.seen("stderr", /^http\S+\n/m);
    await browse(await accept(server(), /^http\S+$/m.exec(shown)?.[0] ?? ""));
    const { status, stdout, stderr } = await running.ended;
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /Redirect URL is using an insecure protocol/);
  });

  test("works for a client that must send its secret as a form field, and for one without a secret", async () => {
    const redirect = { redirect_uris: ["http://127.0.0.1/callback"] };
    const post = { ...LOGIN, ...redirect, token_endpoint_auth_method: "client_secret_post" };
    await logIn(server(), ["perform", "authorization-code", "--client-id", await registered(server(), post)]);
    const open = await registered(server(), { ...LOGIN, ...redirect, ...PUBLIC });
    await logIn(server(), ["token", "user", "--client-id", open], "");
  });

  test("works with a fixed port of localhost", async () => {
    const redirect = { redirect_uris: [`http://localhost:${await unusedPort()}/cb`] };
    await logIn(server(), ["token", "user", "--client-id", await registered(server(), { ...LOGIN, ...redirect })]);
  });

  test("verifies the age of the login, and sends the audience", async () => {
    const id = await registered(server(), {
      ...LOGIN,
      redirect_uris: ["http://127.0.0.1/callback"],
      audience: ["https://api.example.com"],
    });
    const flags = ["--max-age", "60", "--prompt", "login", "--audience", "https://api.example.com"];
    await logIn(server(), ["token", "user", "--client-id", id, ...flags]);
  });

  test("works on another device if the server supports it", async () => {
    const { publicUrl = "" } = server();
    const discovery = asJson((await exchange("GET", `${publicUrl}/.well-known/openid-configuration`)).body);
    const id = await registered(server(), {
      ...LOGIN,
      ...PUBLIC,
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      response_types: [],
    });
    await using running = start(server(), ["token", "device", "--client-id", id], "");
    if (discovery["device_authorization_endpoint"] === undefined) {
      const { status, stderr } = await running.ended;
      assert.equal(status, 1);
      assert.match(stderr, /"missing-endpoint"/);
      return;
    }
    const shown = await running.seen("stderr", /Ctrl-C stops/);
    const [, code = ""] = /^ {4}(\S+)$/m.exec(shown) ?? [];
    await accept(server(), /contains the code: (\S+)$/m.exec(shown)?.[1] ?? "", code);
    const { status, stdout, stderr } = await running.ended;
    assert.equal(status, 0, stderr);
    assert.ok(await isActive(server(), textOf(asJson(JSON.parse(stdout)), "access_token")));
  });
});

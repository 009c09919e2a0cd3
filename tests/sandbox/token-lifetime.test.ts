import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { type Answered, type RawServer, rawServer, WEB_CLIENT } from "./raw-login.ts";

async function tokensOf(server: RawServer, parameters?: Readonly<Record<string, string>>): Promise<Answered["body"]> {
  const ended = await server.loggedIn(parameters);
  const { status, body } = await server.exchanged(ended.get("code") ?? "");
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

function refreshed(server: RawServer, token: unknown): Promise<Answered> {
  return server.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: String(token) });
}

const VERSIONS: readonly SandboxVersion[] = ["1.8", "1.11", "2.1", "2.3", "26"];

for (const as of VERSIONS) {
  describe(`the tokens of a client of Hydra ${as}`, () => {
    test("end by DELETE /oauth2/tokens, except for refresh tokens", async () => {
      await using server = await rawServer(as);
      const { access_token, refresh_token } = await tokensOf(server);
      assert.equal((await server.admin("DELETE", `/oauth2/tokens?client_id=${server.id}`)).status, 204);
      assert.equal(await server.isActive(access_token), false);
      assert.equal(await server.isActive(refresh_token), true);
      assert.equal((await refreshed(server, refresh_token)).status, 200);
    });

    test("aren't refreshed with scopes and audiences that the client has no longer", async () => {
      await using server = await rawServer(as);
      const api = { audience: "https://api.example" };
      const narrowed = async (change: Readonly<Record<string, unknown>>): Promise<void> => {
        const replaced = { ...WEB_CLIENT, client_secret: "", ...change };
        assert.equal((await server.admin("PUT", `/clients/${server.id}`, replaced)).status, 200);
      };
      const { refresh_token } = await tokensOf(server, api);
      await narrowed({ scope: "openid offline" });
      assert.equal((await refreshed(server, refresh_token)).body["error"], "invalid_scope");
      await narrowed({ audience: [] });
      const { body } = await refreshed(server, refresh_token);
      assert.equal(body["error"], "invalid_request");
      assert.match(JSON.stringify(body), /https:\/\/api\.example/);
      await narrowed({});
      // What was refused was not used up.
      assert.equal((await refreshed(server, refresh_token)).status, 200);
    });

    test("are gone with the client, and don't come back with another one of its ID", async () => {
      await using server = await rawServer(as);
      const { access_token, refresh_token } = await tokensOf(server);
      const ended = await server.loggedIn();
      const begun = await fetch(server.authorizationUrl(), { redirect: "manual" });
      const challenge = new URL(begun.headers.get("location") ?? "").searchParams.get("login_challenge") ?? "";
      assert.equal((await server.admin("DELETE", `/clients/${server.id}`)).status, 204);
      assert.equal(await server.isActive(access_token), false);
      assert.equal(await server.isActive(refresh_token), false);
      assert.equal(
        (await server.post("/userinfo", {}, { authorization: `Bearer ${String(access_token)}` })).status,
        401,
      );
      const login = `/oauth2/auth/requests/login?login_challenge=${encodeURIComponent(challenge)}`;
      assert.equal((await server.admin("GET", login)).status, 404);
      if (as === "2.1") return;
      await server.register({ ...WEB_CLIENT, client_id: server.id });
      assert.equal((await refreshed(server, refresh_token)).body["error"], "invalid_grant");
      assert.equal((await server.exchanged(ended.get("code") ?? "")).body["error"], "invalid_grant");
    });
  });
}

describe("the device codes of a client", () => {
  test("are gone with it", async () => {
    const grant = "urn:ietf:params:oauth:grant-type:device_code";
    const client = { ...WEB_CLIENT, grant_types: [grant] };
    await using server = await rawServer("26", client);
    const { body } = await server.post("/oauth2/device/auth", { scope: "openid" });
    await server.admin("DELETE", `/clients/${server.id}`);
    await server.register({ ...client, client_id: server.id });
    const answer = await server.post("/oauth2/token", { grant_type: grant, device_code: String(body["device_code"]) });
    assert.equal(answer.body["error"], "invalid_grant");
    const page = await fetch(String(body["verification_uri_complete"]), { redirect: "follow" });
    assert.match(await page.text(), /This code is wrong or has expired/);
  });
});

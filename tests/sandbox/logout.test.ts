import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SANDBOX_VERSIONS } from "../../lib/sandbox/index.ts";
import { REDIRECT_URI, type TestServer, testServer } from "../adapters/oauth/support.ts";

const AFTER = "http://127.0.0.1/bye";

/** What a client may register, and what no URL parser keeps as it is. */
const ODD = ["http://127.0.0.1/Bye/../x?a=b", "http://localhost:99999/bye?a=b"] as const;

const CLIENT = {
  grant_types: ["authorization_code"],
  response_types: ["code"],
  scope: "openid",
  redirect_uris: [REDIRECT_URI, ...ODD],
  post_logout_redirect_uris: [AFTER, ...ODD],
  token_endpoint_auth_method: "none",
};

async function idTokenOf(server: TestServer): Promise<string> {
  const client = await server.client(await server.register(CLIENT), { method: "none" });
  const pending = await client.beginAuthorization({ redirectUri: REDIRECT_URI, scopes: ["openid"] });
  const { redirected } = await server.login(pending.url);
  return (await client.exchangeCode(pending, redirected)).idToken ?? assert.fail("no ID token");
}

type Parameters = Readonly<Record<string, string>>;

/** Where a browser is sent after a logout; both methods must agree. */
async function loggedOut({ publicUrl }: TestServer, parameters: Parameters): Promise<string> {
  const body = new URLSearchParams(parameters);
  const url = `${publicUrl}/oauth2/sessions/logout`;
  const [get, post] = await Promise.all([
    fetch(`${url}?${body}`, { redirect: "manual" }),
    fetch(url, { method: "POST", body, redirect: "manual" }),
  ]);
  assert.deepEqual([get.status, post.status], [302, 302]);
  assert.equal(get.headers.get("location"), post.headers.get("location"));
  return get.headers.get("location") ?? "";
}

for (const as of SANDBOX_VERSIONS) {
  describe(`the end session endpoint of Hydra ${as}`, () => {
    test("returns to a registered URL, and to no other", async () => {
      await using server = await testServer(as);
      const hint = await idTokenOf(server);
      const redirect = { post_logout_redirect_uri: AFTER };
      assert.equal(await loggedOut(server, { id_token_hint: hint, ...redirect }), AFTER);
      assert.equal(await loggedOut(server, { id_token_hint: hint, ...redirect, state: "s 1" }), `${AFTER}?state=s+1`);
      for (const uri of ODD) {
        const location = await loggedOut(server, { id_token_hint: hint, post_logout_redirect_uri: uri, state: "s&1" });
        assert.equal(location, `${uri}&state=s%261`);
      }
      const done = `${server.publicUrl}/oauth2/fallbacks/logout/callback`;
      assert.equal(await loggedOut(server, {}), done);
      assert.equal(await loggedOut(server, { id_token_hint: hint }), done);
      assert.equal((await fetch(done)).status, 200);
      const changed = `${hint.slice(0, -8)}AAAAAAAA`;
      for (const [parameters, reason] of [
        [{ id_token_hint: hint, post_logout_redirect_uri: "https://evil.example/" }, /not a whitelisted/],
        [redirect, /id_token_hint is missing/],
        [{ id_token_hint: "nonsense", ...redirect }, /not an ID token of this server/],
        [{ id_token_hint: changed, ...redirect }, /not an ID token of this server/],
      ] as const) {
        const location = new URL(await loggedOut(server, parameters));
        assert.equal(`${location.origin}${location.pathname}`, `${server.publicUrl}/oauth2/fallbacks/error`);
        assert.equal(location.searchParams.get("error"), "invalid_request");
        assert.match(location.search.replaceAll("+", " "), reason);
      }
    });
  });
}

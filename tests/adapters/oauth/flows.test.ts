import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import {
  type ClientAuthentication,
  createAdminTokenEndpoints,
  type TokenSet,
} from "../../../lib/adapters/oauth/index.ts";
import type { SandboxVersion } from "../../../lib/sandbox/index.ts";
import type { FamilyDetection } from "../../../lib/servers/index.ts";
import { ordinaryTraits, versionsFor } from "../../sandbox-versions.ts";
import { failsWith, http, REDIRECT_URI, SECRET, type TestServer, testServer } from "./support.ts";

const BASIC: ClientAuthentication = { method: "client_secret_basic", secret: SECRET };

const WEB = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  scope: "openid offline profile",
  redirect_uris: [REDIRECT_URI],
  client_secret: SECRET,
};

const MACHINE = { grant_types: ["client_credentials"], scope: "read write", client_secret: SECRET };

function adminOf({ sandbox }: TestServer): ReturnType<typeof createAdminTokenEndpoints> {
  return createAdminTokenEndpoints({
    http,
    detected: { family: undefined },
    adminUrl: sandbox.url,
    headers: {},
    timeLeft: () => 60_000,
  });
}

test("the endpoints for tokens detect the family of the server once, for all that share it", async () => {
  for (const [as, asked] of [
    ["1.8", ["/admin/oauth2/introspect", "/oauth2/introspect", "/oauth2/tokens"]],
    ["26", ["/admin/oauth2/introspect", "/admin/oauth2/tokens"]],
  ] as const) {
    await using server = await testServer(as);
    const detected: FamilyDetection = { family: undefined };
    const seen: string[] = [];
    const admin = createAdminTokenEndpoints({
      http: (request) => {
        seen.push(new URL(request.url).pathname);
        return http(request);
      },
      detected,
      adminUrl: server.sandbox.url,
      headers: {},
      timeLeft: () => 60_000,
    });
    await admin.introspect("token");
    assert.equal(detected.family?.api, as === "26" ? "v2" : "v1");
    await admin.deleteTokens("app");
    assert.deepEqual(seen, asked);
  }
});

async function loggedIn(
  server: TestServer,
  id: string,
  authentication: ClientAuthentication = BASIC,
  scopes: readonly string[] = ["openid", "offline"],
): Promise<TokenSet> {
  const client = await server.client(id, authentication);
  const pending = await client.beginAuthorization({ redirectUri: REDIRECT_URI, scopes });
  const { redirected } = await server.login(pending.url);
  return client.exchangeCode(pending, redirected);
}

for (const as of versionsFor(ordinaryTraits)) {
  describe(`the OAuth client with Hydra ${as}`, () => {
    test("gets a token by client credentials, with each method of authentication", async () => {
      await using server = await testServer(as);
      for (const method of ["client_secret_basic", "client_secret_post"] as const) {
        const id = await server.register({ ...MACHINE, token_endpoint_auth_method: method });
        const client = await server.client(id, { method, secret: SECRET });
        const tokens = await client.clientCredentials({ scopes: ["read"] });
        assert.equal(tokens.scope, "read");
        assert.equal(tokens.raw["access_token"], tokens.accessToken);
        const { active, raw } = await adminOf(server).introspect(tokens.accessToken, ["read"]);
        assert.equal(active, true);
        assert.equal(raw["client_id"], id);
        assert.equal((await adminOf(server).introspect(tokens.accessToken, ["write"])).active, false);
        await client.revoke(tokens.accessToken);
        assert.equal((await adminOf(server).introspect(tokens.accessToken)).active, false);
      }
    });

    test("logs in with PKCE, refreshes, reads userinfo and revokes", async () => {
      await using server = await testServer(as);
      const id = await server.register(WEB);
      const client = await server.client(id, BASIC);
      const first = await loggedIn(server, id);
      assert.equal(first.idTokenClaims?.["sub"], "user-1");
      assert.equal(first.scope, "openid offline");
      assert.equal((await client.userinfo(first.accessToken, "user-1"))["sub"], "user-1");
      const second = await client.refresh(first.refreshToken ?? "", "user-1");
      assert.notEqual(second.accessToken, first.accessToken);
      assert.equal(second.idTokenClaims?.["sub"], "user-1");
      const admin = adminOf(server);
      assert.equal((await admin.introspect(first.accessToken)).active, false);
      assert.equal((await admin.introspect(second.accessToken)).active, true);
      await client.revoke(second.refreshToken ?? "");
      assert.equal((await admin.introspect(second.accessToken)).active, false);
      await failsWith(client.refresh(second.refreshToken ?? ""), {
        code: as === "1.11" || as === "2.1" ? "token-inactive" : "invalid-grant",
        exit: "failed",
        secrets: [second.refreshToken ?? ""],
      });
    });

    test("says which tokens don't verify: refreshed ones after a key rotation, or those of an unsuitable key", async () => {
      await using server = await testServer(as);
      const id = await server.register(WEB);
      const client = await server.client(id, BASIC);
      const first = await loggedIn(server, id);
      const prefix = as.startsWith("1.") ? "" : "/admin";
      const createKey = async (use: string): Promise<void> => {
        const body = JSON.stringify({ kid: use, alg: "RS256", use });
        const headers = { "content-type": "application/json" };
        const url = `${server.sandbox.url}${prefix}/keys/hydra.openid.id-token`;
        assert.equal((await fetch(url, { method: "POST", headers, body })).status, 201);
      };
      await createKey("sig");
      const code = "id-token-signature";
      await failsWith(client.refresh(first.refreshToken ?? "", "user-1"), { code, hint: /log in again/ });
      await createKey("enc");
      await failsWith(loggedIn(server, id), { code, hint: /^look at the keys that sign: / });
    });

    test("logs a public client in", async () => {
      await using server = await testServer(as);
      const id = await server.register({ ...WEB, client_secret: undefined, token_endpoint_auth_method: "none" });
      assert.equal((await loggedIn(server, id, { method: "none" })).idTokenClaims?.["aud"]?.toString(), id);
    });

    test("deletes the tokens of a client", async () => {
      await using server = await testServer(as);
      const id = await server.register(MACHINE);
      const { accessToken } = await (await server.client(id, BASIC)).clientCredentials();
      const admin = adminOf(server);
      await admin.deleteTokens(id);
      assert.equal((await admin.introspect(accessToken)).active, false);
    });
  });
}

describe("private_key_jwt", () => {
  const pairs = {
    RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    PS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  };

  const forms = {
    pem: (alg: keyof typeof pairs) => String(pairs[alg].privateKey.export({ type: "pkcs8", format: "pem" })),
    jwk: (alg: keyof typeof pairs) =>
      JSON.stringify({ ...pairs[alg].privateKey.export({ format: "jwk" }), kid: "k1", alg, use: "sig" }),
  };

  async function keyed(server: TestServer, alg: keyof typeof pairs): Promise<string> {
    const jwk = { ...pairs[alg].publicKey.export({ format: "jwk" }), kid: "k1", alg, use: "sig" };
    return server.register({
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [jwk] },
    });
  }

  for (const as of ["1.8", "1.11", "26"] as const) {
    for (const alg of ["RS256", "PS256", "ES256"] as const) {
      test(`signs with ${alg}, for Hydra ${as}`, async () => {
        await using server = await testServer(as);
        const id = await keyed(server, alg);
        for (const form of [forms.pem, forms.jwk]) {
          const key = { text: form(alg), kid: "k1", algorithm: alg };
          const client = await server.client(id, { method: "private_key_jwt", key });
          assert.ok((await client.clientCredentials()).accessToken !== "");
          await client.revoke("none");
        }
      });
    }
  }

  test("is rejected for another key, and for one that can't be read", async () => {
    await using server = await testServer("26");
    const id = await keyed(server, "RS256");
    const wrong = { text: forms.pem("PS256"), kid: "k1" };
    const client = await server.client(id, { method: "private_key_jwt", key: wrong });
    await failsWith(client.clientCredentials(), { code: "invalid-client", exit: "unauthorised" });
    for (const text of [
      "",
      "{}",
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
      '{"kty":"oct","k":"AAAA"}',
    ]) {
      const broken = await server.client(id, { method: "private_key_jwt", key: { text } });
      await failsWith(broken.clientCredentials(), { code: "usage", exit: "usage" });
    }
  });
});

describe("JWT access tokens", () => {
  for (const as of ["2.1", "2.3", "26"] satisfies SandboxVersion[]) {
    test(`are issued to clients that chose them, by Hydra ${as}`, async () => {
      await using server = await testServer(as);
      const id = await server.register({ ...MACHINE, access_token_strategy: "jwt" });
      const { accessToken } = await (await server.client(id, BASIC)).clientCredentials({ scopes: ["read"] });
      assert.match(accessToken, /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
      assert.equal((await adminOf(server).introspect(accessToken)).active, true);
    });
  }
});

describe("lifespans", () => {
  test("of a client decide when its tokens expire", async () => {
    let clock = Date.now();
    await using server = await testServer("26", { now: () => clock });
    const id = await server.register({ ...MACHINE, client_credentials_grant_access_token_lifespan: "10m" });
    const { accessToken, raw } = await (await server.client(id, BASIC)).clientCredentials();
    assert.equal(raw["expires_in"], 600);
    const admin = adminOf(server);
    clock += 599_000;
    assert.equal((await admin.introspect(accessToken)).active, true);
    clock += 2_000;
    assert.equal((await admin.introspect(accessToken)).active, false);
  });
});

describe("the device flow", () => {
  const DEVICE = {
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    response_types: [],
    scope: "openid offline",
    token_endpoint_auth_method: "none",
  };

  test("gets tokens once the user has entered the code", async () => {
    await using server = await testServer("26");
    const id = await server.register(DEVICE);
    const client = await server.client(id, { method: "none" });
    const pending = await client.beginDevice({ scopes: ["openid", "offline"] });
    assert.match(pending.userCode, /^\w{8}$/);
    assert.equal(await client.pollDevice(pending), "pending");
    const sleeps: number[] = [];
    const tokens = await client.waitForDevice(pending, {
      sleep: async (milliseconds) => {
        sleeps.push(milliseconds);
        if (sleeps.length === 3) await server.login(pending.verificationUriComplete ?? "", pending.userCode);
      },
    });
    assert.deepEqual(sleeps, [5_000, 5_000, 5_000]);
    assert.equal(tokens.idTokenClaims?.["sub"], "user-1");
    assert.ok(tokens.refreshToken !== undefined);
    await failsWith(client.waitForDevice(pending, { sleep: async () => {} }), {
      code: "invalid-grant",
      secrets: [pending.deviceCode],
    });
  });

  test("isn't offered by older versions", async () => {
    await using server = await testServer("2.3");
    const id = await server.register({ ...DEVICE, grant_types: ["authorization_code"], redirect_uris: [REDIRECT_URI] });
    const client = await server.client(id, { method: "none" });
    await failsWith(client.beginDevice(), { code: "missing-endpoint", exit: "failed" });
  });
});

describe("flushing", () => {
  test("works with 1.x, and says what replaced it in 2.x", async () => {
    await using old = await testServer("1.11");
    await adminOf(old).flush();
    await using recent = await testServer("26");
    await failsWith(adminOf(recent).flush(), { code: "no-flush", exit: "failed", hint: /janitor/ });
  });
});

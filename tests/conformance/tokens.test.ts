import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { createHttp } from "../../lib/adapters/http.ts";
import {
  type AdminTokenEndpoints,
  type ClientAuthentication,
  createAdminTokenEndpoints,
  createOAuthClient,
  discoverServer,
  type OAuthClient,
} from "../../lib/adapters/oauth/index.ts";
import { collectTrustedCertificates, createRuntimeFetch } from "../../lib/adapters/transport.ts";
import { Problem } from "../../lib/core/problem.ts";
import { driveLogin } from "../adapters/oauth/driver.ts";
import { ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, type Server, textOf } from "./servers.ts";

const http = createHttp({
  transport: createRuntimeFetch,
  authorities: () => collectTrustedCertificates([]),
  monotonic: () => 0,
});

const SECRET = "a-secret~of.mine_1";

const BASIC: ClientAuthentication = { method: "client_secret_basic", secret: SECRET };

const timeLeft = (): number => 60_000;

const REDIRECT_URI = "http://127.0.0.1/callback";

const WEB = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  scope: "openid offline",
  redirect_uris: [REDIRECT_URI],
  client_secret: SECRET,
};

const MACHINE = { grant_types: ["client_credentials"], scope: "read", client_secret: SECRET };

function admin({ url }: Server): AdminTokenEndpoints {
  return createAdminTokenEndpoints({ http, detected: { family: undefined }, adminUrl: url, headers: {}, timeLeft });
}

async function registered(server: Server, client: Json): Promise<string> {
  const { status, body } = await server.post(client);
  assert.equal(status, 201, JSON.stringify(body));
  return textOf(asJson(body), "client_id");
}

async function clientOf(
  { publicUrl }: Server,
  clientId: string,
  authentication: ClientAuthentication,
): Promise<OAuthClient> {
  assert.ok(publicUrl !== undefined);
  const found = await discoverServer({ http, publicUrl, timeout: timeLeft(), now: Date.now });
  return createOAuthClient({ http, server: found, clientId, authentication, timeLeft, now: Date.now });
}

async function login({ url, publicUrl = "" }: Server, start: string, userCode = ""): Promise<string> {
  const options = { http, publicUrl, adminUrl: url, adminHeaders: {}, subject: "user-1", userCode, timeLeft };
  return (await driveLogin(options, start)).redirected;
}

function failed(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) => error instanceof Problem && codes.includes(error.code);
}

onEveryServer("tokens", ordinaryTraits, (server) => {
  for (const method of ["client_secret_basic", "client_secret_post"] as const) {
    test(`are issued for client credentials with ${method}`, async () => {
      const id = await registered(server(), { ...MACHINE, token_endpoint_auth_method: method });
      const client = await clientOf(server(), id, { method, secret: SECRET });
      const { accessToken } = await client.clientCredentials({ scopes: ["read"] });
      assert.equal((await admin(server()).introspect(accessToken)).raw["client_id"], id);
      await client.revoke(accessToken);
      assert.equal((await admin(server()).introspect(accessToken)).active, false);
      const wrong = await clientOf(server(), id, { method, secret: `${SECRET}x` });
      await assert.rejects(wrong.clientCredentials(), failed("invalid-client"));
      await assert.rejects(client.clientCredentials({ scopes: ["write"] }), failed("invalid-scope"));
      const otherMethod = method === "client_secret_basic" ? "client_secret_post" : "client_secret_basic";
      const other = await clientOf(server(), id, { method: otherMethod, secret: SECRET });
      const flag = `--auth-method ${method === "client_secret_basic" ? "basic" : "post"}`;
      const named = (error: unknown): boolean =>
        error instanceof Problem && (error.hint ?? "").endsWith(`with ${method}: use ${flag}`);
      await assert.rejects(other.clientCredentials(), named);
    });
  }

  test("are issued for client credentials with private_key_jwt", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "RS256", use: "sig" };
    const id = await registered(server(), {
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [jwk] },
    });
    const text = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    const client = await clientOf(server(), id, { method: "private_key_jwt", key: { text, kid: "k1" } });
    assert.ok((await client.clientCredentials()).accessToken !== "");
    await client.revoke("none");
  });

  for (const method of ["client_secret_basic", "none"] as const) {
    test(`are issued for a login, refreshed and revoked, with ${method}`, async () => {
      const isPublic = method === "none";
      const id = await registered(server(), {
        ...WEB,
        ...(isPublic ? { client_secret: undefined, token_endpoint_auth_method: "none" } : {}),
      });
      const client = await clientOf(server(), id, isPublic ? { method: "none" } : BASIC);
      const pending = await client.beginAuthorization({ redirectUri: REDIRECT_URI, scopes: ["openid", "offline"] });
      const first = await client.exchangeCode(pending, await login(server(), pending.url));
      assert.equal(first.idTokenClaims?.["sub"], "user-1");
      assert.equal((await client.userinfo(first.accessToken, "user-1"))["sub"], "user-1");
      const second = await client.refresh(first.refreshToken ?? "", "user-1");
      assert.equal((await admin(server()).introspect(second.accessToken)).active, true);
      await client.revoke(second.refreshToken ?? "");
      assert.equal((await admin(server()).introspect(second.accessToken)).active, false);
      await assert.rejects(client.refresh(second.refreshToken ?? ""), failed("invalid-grant", "token-inactive"));
      await assert.rejects(client.userinfo(second.accessToken), failed("request-unauthorized"));
    });
  }

  test("are issued to a device, if the server supports it", async () => {
    const { publicUrl = "" } = server();
    const { endpoints } = await discoverServer({ http, publicUrl, timeout: timeLeft(), now: Date.now });
    if (endpoints.device_authorization_endpoint === undefined) return;
    const id = await registered(server(), {
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      response_types: [],
      scope: "openid offline",
      token_endpoint_auth_method: "none",
    });
    const client = await clientOf(server(), id, { method: "none" });
    const pending = await client.beginDevice({ scopes: ["openid", "offline"] });
    assert.equal(await client.pollDevice(pending), "pending");
    await login(server(), pending.verificationUriComplete ?? "", pending.userCode);
    const tokens = await client.waitForDevice(pending, { sleep: async () => {} });
    assert.equal(tokens.idTokenClaims?.["sub"], "user-1");
  });

  test("of a client are deleted", async () => {
    const id = await registered(server(), MACHINE);
    const { accessToken } = await (await clientOf(server(), id, BASIC)).clientCredentials();
    await admin(server()).deleteTokens(id);
    assert.equal((await admin(server()).introspect(accessToken)).active, false);
  });

  test("that have expired are flushed only by 1.x", async () => {
    const flushed = admin(server()).flush();
    if (server().family === "v1") await flushed;
    else await assert.rejects(flushed, failed("no-flush"));
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PendingAuthorization } from "../../../lib/adapters/oauth/authorization.ts";
import {
  type ClientAuthentication,
  createAdminTokenEndpoints,
  createOAuthClient,
  discoverServer,
  type OAuthClient,
  overrideEndpoints,
} from "../../../lib/adapters/oauth/index.ts";
import { driveLogin } from "./driver.ts";
import { RogueIssuer } from "./rogue-issuer.ts";
import {
  failsWith,
  http,
  REDIRECT_URI,
  type RogueServer,
  rogueServer,
  SECRET,
  sendJson,
  type TestServer,
  testServer,
} from "./support.ts";

const BASIC: ClientAuthentication = { method: "client_secret_basic", secret: SECRET };

const MACHINE = {
  grant_types: ["client_credentials"],
  scope: "read",
  audience: ["https://api"],
  client_secret: SECRET,
};

const WEB = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  scope: "openid offline",
  redirect_uris: [REDIRECT_URI],
  client_secret: SECRET,
};

function discovering(publicUrl: string): ReturnType<typeof discoverServer> {
  return discoverServer({ http, publicUrl, timeout: 60_000, now: Date.now });
}

for (const as of ["1.8", "1.11", "2.1", "26"] as const) {
  describe(`Hydra ${as} rejects`, () => {
    test("a wrong secret and an unknown client, with the possible causes as a hint", async () => {
      await using server = await testServer(as);
      const id = await server.register(MACHINE);
      for (const [clientId, secret] of [
        [id, "wrong-secret-of-mine"],
        ["nobody", SECRET],
      ] as const) {
        const client = await server.client(clientId, { method: "client_secret_basic", secret });
        const expected = {
          code: "invalid-client",
          exit: "unauthorised",
          message: /^[^:]+: the server rejected the client's credentials \(invalid_client\)$/,
          hint: /^check the client ID, and the secret or key; hydra clients show ID /,
          secrets: [secret],
        } as const;
        await failsWith(client.clientCredentials(), expected);
        await failsWith(client.revoke("none"), { ...expected });
      }
    });

    test("another authentication method than the registered one, and says which that is", async () => {
      await using server = await testServer(as);
      const id = await server.register(MACHINE);
      const client = await server.client(id, { method: "client_secret_post", secret: SECRET });
      await failsWith(client.clientCredentials(), {
        code: "invalid-client",
        exit: "unauthorised",
        hint: /with client_secret_basic: use --auth-method basic$/,
      });
    });

    test("a scope, an audience and a grant type that the client doesn't have", async () => {
      await using server = await testServer(as);
      const client = await server.client(await server.register(MACHINE), BASIC);
      await failsWith(client.clientCredentials({ scopes: ["write"] }), {
        code: "invalid-scope",
        exit: "failed",
        message: /malformed[.:] The .*write/,
      });
      await failsWith(client.clientCredentials({ audience: ["https://other"] }), {
        code: "invalid-request",
        message: /other/,
      });
      const web = await server.client(await server.register(WEB), BASIC);
      await failsWith(web.clientCredentials(), { code: "unauthorized-client", hint: /grant type/ });
    });

    test("a redirect URI that isn't registered, on its own page", async () => {
      await using server = await testServer(as);
      const client = await server.client(await server.register(WEB), BASIC);
      const pending = await client.beginAuthorization({ redirectUri: "https://evil.example/", scopes: ["openid"] });
      await failsWith(server.login(pending.url), { code: "invalid-request", exit: "failed" });
    });

    test("a code that is used twice, or without its verifier", async () => {
      await using server = await testServer(as);
      const client = await server.client(await server.register(WEB), BASIC);
      const pending = await client.beginAuthorization({ redirectUri: REDIRECT_URI, scopes: ["openid"] });
      const { redirected } = await server.login(pending.url);
      const code = new URL(redirected).searchParams.get("code") ?? "";
      const other = { ...pending, codeVerifier: "x".repeat(43) };
      const expected = { code: "invalid-grant", exit: "failed", secrets: [code, pending.codeVerifier] } as const;
      await failsWith(client.exchangeCode(other, redirected), expected);
      const { accessToken } = await client.exchangeCode(pending, redirected);
      await failsWith(client.exchangeCode(pending, redirected), expected);
      await failsWith(client.userinfo(accessToken), {
        code: "request-unauthorized",
        exit: "unauthorised",
        secrets: [accessToken],
      });
    });
  });
}

describe("a redirect back to the client", () => {
  async function begun(server: TestServer): Promise<{ client: OAuthClient; pending: PendingAuthorization }> {
    const client = await server.client(await server.register(WEB), BASIC);
    return { client, pending: await client.beginAuthorization({ redirectUri: REDIRECT_URI, scopes: ["openid"] }) };
  }

  test("must have the state, once", async () => {
    await using server = await testServer("26");
    const { client, pending } = await begun(server);
    const { state } = pending;
    assert.ok(state.length >= 43);
    for (const query of ["code=c", "code=c&state=", "code=c&state=other", `code=c&state=${state}&state=${state}`]) {
      const redirected = `${REDIRECT_URI}?${query}`;
      await failsWith(client.exchangeCode(pending, redirected), {
        code: "state-mismatch",
        exit: "failed",
        secrets: [state],
      });
    }
    await failsWith(client.exchangeCode(pending, "not a URL"), { code: "unreadable-redirect" });
    await failsWith(
      client.exchangeCode(pending, `${REDIRECT_URI}?state=${state}&code=c&iss=https%3A%2F%2Fevil.example`),
      {
        code: "unreadable-redirect",
        exit: "failed",
      },
    );
    client.checkRedirect(pending, `${REDIRECT_URI}?state=${state}&code=c`);
  });

  test("reports why a login failed, with control characters escaped", async () => {
    await using server = await testServer("26");
    const { client, pending } = await begun(server);
    const query = new URLSearchParams({
      error: "access_denied",
      error_description: "no\u001b[31m",
      state: pending.state,
    });
    await failsWith(client.exchangeCode(pending, `${REDIRECT_URI}?${query}`), {
      code: "access-denied",
      exit: "failed",
      message: /^[^\u001b]*no\\x1b\[31m \(access_denied\)$/,
    });
    const unknown = new URLSearchParams({ error: "server_on_fire", state: pending.state });
    await failsWith(client.exchangeCode(pending, `${REDIRECT_URI}?${unknown}`), {
      code: "oauth-error",
      message: /: server_on_fire$/,
    });
  });

  test("is needed at all: a code is sent nowhere without its check", async () => {
    await using server = await testServer("26");
    const { client, pending } = await begun(server);
    await failsWith(client.exchangeCode(pending, `${REDIRECT_URI}?state=${pending.state}`), {
      code: "unreadable-redirect",
    });
  });
});

describe("discovery", () => {
  test("rejects the document of another issuer", async () => {
    await using server = await rogueServer((_, response) =>
      sendJson(response, 200, { issuer: "https://other.example/" }),
    );
    await failsWith(discovering(server.url), { code: "issuer-mismatch", exit: "failed", message: /other\.example/ });
  });

  test("sends nothing to endpoints of another origin, unless the user names them", async () => {
    await using rogue = await rogueServer((_, response) =>
      sendJson(response, 200, { access_token: "t", token_type: "bearer" }),
    );
    await using server = await rogueServer((_, response, url) =>
      sendJson(response, 200, { issuer: url, token_endpoint: `${rogue.url}/token` }),
    );
    const found = await discovering(server.url);
    const options = { http, clientId: "c", authentication: BASIC, timeLeft: () => 60_000, now: Date.now };
    const client = createOAuthClient({ ...options, server: found });
    await failsWith(client.clientCredentials(), { code: "foreign-endpoint", exit: "failed" });
    assert.deepEqual(rogue.asked, []);
    const chosen = overrideEndpoints(found, { token_endpoint: `${rogue.url}/token` });
    assert.equal((await createOAuthClient({ ...options, server: chosen }).clientCredentials()).accessToken, "t");
  });

  test("recognizes a redirect to https, and a port that requires it", async () => {
    await using moved = await rogueServer((_, response) =>
      response.writeHead(301, { location: "https://auth.example.com/.well-known/openid-configuration" }).end(),
    );
    await failsWith(discovering(moved.url), {
      code: "unreadable-answer",
      exit: "failed",
      message: /redirects to "https:\/\/auth\.example\.com\//,
      hint: /https instead of http$/,
    });
    await using secure = await rogueServer((_, response) =>
      response.writeHead(400).end("Client sent an HTTP request to an HTTPS server.\n"),
    );
    await failsWith(discovering(secure.url), { code: "https-required", exit: "failed", hint: /^use https in/ });
  });

  test("recognizes an admin port, and an address where nothing listens", async () => {
    await using server = await testServer("26");
    await failsWith(discovering(server.sandbox.url), { code: "admin-port", exit: "failed", hint: /public port/ });
    for (const status of [200, 403, 500]) {
      await using broken = await rogueServer(({ path }, response) =>
        sendJson(response, path === "/health/alive" ? 200 : status, { status: "ok" }),
      );
      await failsWith(discovering(broken.url), { code: "no-discovery", exit: "failed" });
    }
    await using other = await rogueServer((_, response) => sendJson(response, 404, {}));
    await failsWith(discovering(other.url), { code: "no-discovery", exit: "failed" });
    const gone = other.url;
    await other[Symbol.asyncDispose]();
    await failsWith(discovering(gone), { code: "unreachable", exit: "unreachable" });
  });

  test("shows no userinfo of a URL", async () => {
    await failsWith(discovering("http://user:hunter2hunter2@127.0.0.1:1"), {
      code: "unreachable",
      secrets: ["hunter2hunter2"],
    });
  });

  test("measures the server's clock", async () => {
    await using server = await rogueServer((_, response, url) => {
      response.setHeader("date", new Date(Date.now() + 90_000).toUTCString());
      sendJson(response, 200, { issuer: url });
    });
    const { clockOffset = Number.NaN } = await discovering(server.url);
    assert.ok(clockOffset > 60 && clockOffset <= 90, String(clockOffset));
  });
});

describe("an admin endpoint", () => {
  test("that doesn't answer is reported as the admin port", async () => {
    const admin = createAdminTokenEndpoints({
      http,
      adminUrl: "http://127.0.0.1:1",
      detected: { family: undefined },
      headers: {},
      timeLeft: () => 60_000,
    });
    const expected = { code: "unreachable", exit: "unreachable", hint: /the endpoint is its admin port$/ } as const;
    await failsWith(admin.introspect("token"), expected);
    await failsWith(admin.deleteTokens("app"), expected);
    await failsWith(admin.flush(), expected);
  });

  test("on the public port is recognized", async () => {
    await using server = await testServer("26");
    const admin = createAdminTokenEndpoints({
      http,
      detected: { family: undefined },
      adminUrl: server.publicUrl,
      headers: {},
      timeLeft: () => 60_000,
    });
    await failsWith(admin.introspect("token-to-look-at"), { code: "not-an-admin-api", secrets: ["token-to-look-at"] });
  });

  test("behind a proxy that wants credentials is exit 3, without the headers", async () => {
    await using server = await rogueServer((_, response) =>
      sendJson(response, 401, { error: "Bearer top-secret-token" }),
    );
    const headers = { authorization: "Bearer top-secret-token" };
    const admin = createAdminTokenEndpoints({
      http,
      detected: { family: undefined },
      adminUrl: server.url,
      headers,
      timeLeft: () => 60_000,
    });
    await failsWith(admin.introspect("t"), {
      code: "unauthorised",
      exit: "unauthorised",
      secrets: ["top-secret-token"],
    });
  });
});

async function rogueClient(issuer: RogueIssuer): Promise<{ server: RogueServer; client: OAuthClient }> {
  const server = await rogueServer((asked, response, url) => issuer.respond(asked, response, url));
  const options = { http, clientId: "client", authentication: BASIC, timeLeft: () => 60_000, now: Date.now };
  return { server, client: createOAuthClient({ ...options, server: await discovering(server.url) }) };
}

describe("an ID token", () => {
  async function login(issuer: RogueIssuer, change?: (pending: PendingAuthorization) => void): Promise<unknown> {
    const { server, client } = await rogueClient(issuer);
    await using _ = server;
    const pending = await client.beginAuthorization({ redirectUri: REDIRECT_URI, scopes: ["openid"] });
    issuer.claims = { nonce: pending.nonce, ...issuer.claims };
    change?.(pending);
    return await client.exchangeCode(pending, `${REDIRECT_URI}?state=${pending.state}&code=code-of-mine`);
  }

  const now = Math.floor(Date.now() / 1000);

  test("that is right is accepted", async () => {
    assert.ok((await login(new RogueIssuer())) !== undefined);
  });

  const wrong: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ["of another issuer", { iss: "https://evil.example" }, "id-token-mismatch"],
    ["for another client", { aud: "other" }, "id-token-mismatch"],
    ["with a swapped nonce", { nonce: "of-another-login" }, "id-token-mismatch"],
    ["that has expired", { iat: now - 7200, exp: now - 3600 }, "id-token-expired"],
    ["that isn't valid yet", { nbf: now + 3600 }, "id-token-not-yet-valid"],
    ["issued in the future", { iat: now + 3600, exp: now + 7200 }, "id-token-not-yet-valid"],
  ];
  for (const [what, claims, code] of wrong) {
    test(`${what} is rejected`, async () => {
      const issuer = new RogueIssuer();
      issuer.claims = claims;
      await failsWith(login(issuer), { code, exit: "failed", secrets: ["access-token-1", "code-of-mine"] });
    });
  }

  test("signed with an algorithm that the server doesn't list is rejected, as is an unsigned one", async () => {
    for (const algorithm of ["PS256", "HS256", "none"]) {
      const issuer = new RogueIssuer();
      issuer.algorithm = algorithm;
      await failsWith(login(issuer), { code: "id-token-mismatch", exit: "failed", message: new RegExp(algorithm) });
    }
  });

  test("without a nonce is rejected", async () => {
    const issuer = new RogueIssuer();
    await failsWith(
      login(issuer, () => {
        issuer.claims = {};
      }),
      { code: "id-token-mismatch", exit: "failed", message: /lacks a claim/ },
    );
  });

  test("whose key ID is the published one, but whose signature isn't, is rejected with what causes it", async () => {
    const issuer = new RogueIssuer();
    issuer.signsWithOther = true;
    await failsWith(login(issuer), {
      code: "id-token-signature",
      exit: "failed",
      message: /signature/,
      hint: /hydra keys get hydra\.openid\.id-token/,
    });
    issuer.claims = {};
    issuer.kid = "k2";
    await failsWith(login(issuer), { code: "id-token-signature", message: /no published key/ });
  });

  test("that is missing although openid was granted is an error", async () => {
    const issuer = new RogueIssuer();
    issuer.answer = { id_token: undefined };
    await failsWith(login(issuer), { code: "no-id-token", exit: "failed" });
    issuer.claims = {};
    issuer.answer = { id_token: undefined, scope: "offline" };
    assert.ok((await login(issuer)) !== undefined);
  });

  test("of another user after a refresh is rejected", async () => {
    const issuer = new RogueIssuer();
    const { server, client } = await rogueClient(issuer);
    await using _ = server;
    await failsWith(client.refresh("refresh-token-1", "user-2"), {
      code: "id-token-mismatch",
      secrets: ["refresh-token-1"],
    });
  });
});

describe("userinfo", () => {
  test("of another user is rejected", async () => {
    await using server = await testServer("26");
    const client = await server.client(await server.register(WEB), BASIC);
    const pending = await client.beginAuthorization({ redirectUri: REDIRECT_URI, scopes: ["openid"] });
    const { accessToken } = await client.exchangeCode(pending, (await server.login(pending.url)).redirected);
    await failsWith(client.userinfo(accessToken, "user-2"), {
      code: "id-token-mismatch",
      exit: "failed",
      secrets: [accessToken],
    });
  });
});

describe("an error of a server", () => {
  test("is read whatever its headers and status are, and repeats no secret", async () => {
    const issuer = new RogueIssuer();
    issuer.status = 401;
    issuer.challenge = 'Basic realm="x", error="invalid_client"';
    issuer.answer = { error: "invalid_client" };
    const { server, client } = await rogueClient(issuer);
    await using _ = server;
    await failsWith(client.clientCredentials(), {
      code: "invalid-client",
      exit: "unauthorised",
      hint: /^check the client ID/,
    });
    issuer.challenge = undefined;
    issuer.status = 500;
    issuer.answer = { error: "error", error_description: `your secret ${SECRET} is ${encodeURIComponent(SECRET)}` };
    await failsWith(client.clientCredentials(), { code: "oauth-error", exit: "failed", message: /redacted/ });
    issuer.status = 302;
    await failsWith(client.clientCredentials(), {
      code: "unreadable-answer",
      message: /redirects to "http.*", which is not followed/,
    });
  });

  test("of a gateway that wants credentials of its own is reported as such", async () => {
    for (const [status, challenge] of [
      [401, 'Key realm="kong"'],
      [403, 'Basic realm="x"'],
      [401, undefined],
    ] as const) {
      const issuer = new RogueIssuer();
      issuer.status = status;
      issuer.challenge = challenge;
      issuer.answer = { message: "No API key found in request" };
      const { server, client } = await rogueClient(issuer);
      await using _ = server;
      const expected = { code: "unauthorised", exit: "unauthorised", hint: /in front of the server/ } as const;
      await failsWith(client.clientCredentials(), expected);
      await failsWith(client.revoke("a-token"), expected);
    }
  });

  test("that isn't OAuth is named with its status", async () => {
    const issuer = new RogueIssuer();
    issuer.status = 404;
    const { server, client } = await rogueClient(issuer);
    await using _ = server;
    await failsWith(client.clientCredentials(), { code: "unreadable-answer", message: /404/, hint: /public port/ });
    issuer.status = 200;
    issuer.answer = { access_token: 1 };
    await failsWith(client.clientCredentials(), { code: "unreadable-answer" });
  });
});

describe("polling for a device", () => {
  test("slows down when asked to, and ends with the code", async () => {
    const issuer = new RogueIssuer();
    const { server, client } = await rogueClient(issuer);
    await using _ = server;
    issuer.answer = {
      device_code: "device-code-1",
      user_code: "ABCD",
      verification_uri: `${server.url}/device`,
      expires_in: 600,
      interval: 2,
    };
    const pending = await client.beginDevice({ scopes: ["openid"] });
    assert.equal(pending.interval, 2);
    const answers = [{ error: "slow_down" }, { error: "authorization_pending" }, { error: "access_denied" }];
    issuer.status = 400;
    const sleeps: number[] = [];
    const waiting = client.waitForDevice(pending, {
      sleep: async (milliseconds) => {
        sleeps.push(milliseconds);
        issuer.answer = answers[sleeps.length - 1] ?? {};
      },
    });
    await failsWith(waiting, { code: "access-denied", exit: "failed", secrets: ["device-code-1"] });
    assert.deepEqual(sleeps, [2_000, 7_000, 7_000]);
    issuer.status = 200;
    issuer.answer = {
      device_code: "device-code-1",
      user_code: "ABCD",
      verification_uri: `${server.url}/device`,
      ...{ expires_in: 1e300, interval: 1e300 },
    };
    const began = Date.now();
    const bounded = await client.beginDevice({});
    assert.equal(bounded.interval, 300);
    assert.ok(bounded.expiresAt >= began + 86_400_000 && bounded.expiresAt <= Date.now() + 86_400_000);
    issuer.status = 400;
    const expired = client.waitForDevice({ ...pending, expiresAt: Date.now() - 1 }, { sleep: async () => {} });
    await failsWith(expired, { code: "expired-token", exit: "failed" });
  });
});

describe("driving a login", () => {
  test("follows a server nowhere but to itself", async () => {
    await using rogue = await rogueServer((_, response) =>
      sendJson(response, 200, { redirect_to: "https://evil.example/" }),
    );
    await using server = await rogueServer((_, response, url) =>
      response.writeHead(302, { location: `${url}/login?login_challenge=c` }).end(),
    );
    const drive = { http, adminUrl: rogue.url, adminHeaders: {}, subject: "u", timeLeft: () => 60_000 };
    await failsWith(driveLogin({ ...drive, publicUrl: server.url }, `${server.url}/auth`), {
      code: "unreadable-redirect",
    });
    await using circle = await rogueServer((_, response) => {
      const body = { redirect_to: `${server.url}/again`, requested_scope: [] };
      sendJson(response, 200, body);
    });
    await failsWith(driveLogin({ ...drive, adminUrl: circle.url, publicUrl: server.url }, `${server.url}/auth`), {
      code: "unreadable-redirect",
      message: /circles/,
    });
  });
});

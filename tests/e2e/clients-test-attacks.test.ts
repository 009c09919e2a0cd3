/** `clients test` against servers that attack it, and when it is interrupted. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as v from "valibot";
import { type Ended, type Running, runBinary, startBinary } from "./binary.ts";
import { PROVIDER_SECRET, type Provider, redirect, sendJson, startProvider } from "./rogue-provider.ts";

const Report = v.object({
  client_id: v.string(),
  ok: v.boolean(),
  steps: v.array(
    v.object({
      name: v.string(),
      status: v.picklist(["passed", "failed", "skipped", "warning"]),
      detail: v.string(),
      hint: v.optional(v.string()),
      error: v.optional(v.string()),
    }),
  ),
});

type Step = v.InferOutput<typeof Report>["steps"][number];

const ARGS = ["clients", "test", "web", "--format", "json"];

function environmentOf({ url }: Provider): Record<string, string> {
  return { HYDRA_ADMIN_URL: url, HYDRA_PUBLIC_URL: url, OAUTH2_CLIENT_SECRET: PROVIDER_SECRET };
}

/** Checks what must be so however a test ends: nothing secret in the output, and every token revoked. */
function checkSafety(provider: Provider, { stdout, stderr }: Ended): void {
  for (const secret of [...provider.secrets, PROVIDER_SECRET])
    assert.ok(!`${stdout}${stderr}`.includes(secret), "a secret is in the output");
  assert.deepEqual(
    [...provider.issued].filter((token) => !provider.revoked.has(token)),
    [],
    "tokens are left",
  );
}

async function testClient(provider: Provider, ...flags: readonly string[]): Promise<readonly Step[]> {
  const ended = await runBinary([...ARGS, ...flags], { env: environmentOf(provider) });
  checkSafety(provider, ended);
  const { ok, steps } = v.parse(Report, JSON.parse(ended.stdout), { message: ended.stderr });
  assert.equal(
    ok,
    steps.every(({ status }) => status !== "failed"),
  );
  assert.equal(ended.status, ok ? 0 : 1);
  return steps;
}

function step(steps: readonly Step[], name: string): Step {
  return steps.find((each) => each.name === name) ?? assert.fail(`there is no step ${name}`);
}

function failed(steps: readonly Step[], name: string, error: string, detail: RegExp): void {
  const found = step(steps, name);
  assert.equal(found.status, "failed", found.detail);
  assert.equal(found.error, error, found.detail);
  assert.match(found.detail, detail);
}

describe("clients test with a provider", () => {
  test("that behaves passes, and tokens are revoked", async () => {
    await using provider = await startProvider();
    const steps = await testClient(provider);
    assert.deepEqual(
      steps.map(({ name, status }) => `${name} ${status}`),
      ["discovery", "credentials", "authorization", "tokens", "refresh", "introspection", "revocation"]
        .map((name) => `${name} passed`)
        .concat("logout skipped", "login-page passed"),
    );
    assert.equal(provider.issued.size, 4);
    const cookies = provider.requests.filter(({ cookie }) => cookie !== "").map(({ url }) => url.pathname);
    assert.deepEqual(cookies, ["/oauth2/auth", "/oauth2/auth"], "cookies go to the authorization endpoint only");
    const page = provider.requests.filter(({ url }) => url.pathname === "/login-page");
    assert.deepEqual(
      page.map(({ url, cookie }) => `${url.search}${cookie}`),
      [""],
    );
  });

  test("is asked for nothing that affects a real user, and -v shows nothing secret", async () => {
    await using provider = await startProvider();
    const { stdout, stderr } = await runBinary([...ARGS, "-v"], { env: environmentOf(provider) });
    checkSafety(provider, { stdout, stderr, status: 0, signal: null });
    assert.match(stderr, /> PUT http:\/\/127\.0\.0\.1:\d+\/admin\/oauth2\/auth\/requests\/login\/accept\?…\n/);
    assert.deepEqual([...new Set(provider.requests.map(({ method }) => method))].toSorted(), ["GET", "POST", "PUT"]);
    const accepted = provider.requests.filter(({ method }) => method === "PUT").map(({ body }) => body);
    const uuid = /hydra-test-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
    assert.deepEqual(
      accepted.map((body) => body.replace(uuid, "hydra-test-UUID")),
      [
        '{"subject":"hydra-test-UUID","remember":false}',
        '{"grant_scope":["openid","offline"],"grant_access_token_audience":[],"remember":false}',
      ],
    );
    const revoked = provider.requests.filter(({ url }) => url.pathname === "/oauth2/revoke");
    const known = new Set([...provider.issued, "none"]);
    assert.ok(revoked.every(({ form }) => known.has(form.get("token") ?? "")));
  });

  test("that sends the browser to another host fails, and that host gets nothing", async () => {
    await using other = await startProvider();
    await using provider = await startProvider(
      ({ url }, response) => url.pathname === "/oauth2/auth" && redirect(response, `${other.url}/oauth2/auth?x=1`),
    );
    failed(await testClient(provider), "authorization", "unreadable-redirect", /without a new login_challenge$/);
    await using accepting = await startProvider(
      ({ url }, response) =>
        url.pathname.endsWith("/login/accept") && sendJson(response, 200, { redirect_to: `${other.url}/oauth2/auth` }),
    );
    const steps = await testClient(accepting);
    failed(steps, "authorization", "unreadable-redirect", /isn't at the public URL$/);
    assert.equal(step(steps, "tokens").detail, "needs the step authorization");
    assert.deepEqual(other.requests, []);
  });

  test("that repeats the credentials in an error fails, and no report shows a part of them", async () => {
    for (const path of ["/oauth2/token", "/oauth2/revoke"]) {
      let sent = "";
      await using provider = await startProvider(({ url, authorization, form }, response) => {
        if (url.pathname !== path || (path === "/oauth2/revoke" && form.get("token") !== "none")) return false;
        sent = authorization;
        return sendJson(response, 400, {
          error: `refused ${sent}`,
          error_description: `${"x ".repeat(150)}${sent} ${sent.slice(0, -3)} ${form}`,
        });
      });
      const { stdout, stderr } = await runBinary(ARGS, { env: environmentOf(provider) });
      checkSafety(provider, { stdout, stderr, status: 1, signal: null });
      assert.match(stdout, /"status":"failed"/);
      assert.ok(sent.length > 30);
      for (let at = 6; at + 10 < sent.length; at++)
        assert.ok(
          !`${stdout}${stderr}`.includes(sent.slice(at, at + 10)),
          "a part of the credentials is in the output",
        );
    }
  });

  test("that never issues the token of a device is given up when the time of --fail-after is over", async () => {
    const grant = "urn:ietf:params:oauth:grant-type:device_code";
    await using provider = await startProvider(({ url, method }, response, { url: own }) => {
      const endpoints = { token_endpoint: `${own}/oauth2/token`, device_authorization_endpoint: `${own}/device` };
      const codes = { device_code: "device-code-1", user_code: "ABCD", verification_uri: `${own}/verify` };
      switch (url.pathname) {
        case "/admin/clients/web":
          return sendJson(response, 200, {
            client_id: "web",
            grant_types: [grant],
            token_endpoint_auth_method: "none",
          });
        case "/.well-known/openid-configuration":
          return sendJson(response, 200, { issuer: own, ...endpoints, authorization_endpoint: `${own}/oauth2/auth` });
        case "/device":
          return sendJson(response, 200, { ...codes, expires_in: 1e300, interval: 0.01 });
        case "/verify":
          return redirect(response, `${own}/device-page?device_challenge=challenge`);
        case "/admin/oauth2/auth/requests/device/accept":
          return method === "PUT" && sendJson(response, 200, { redirect_to: `${own}/oauth2/auth` });
        case "/oauth2/auth":
          return url.searchParams.has("consent_verifier") && redirect(response, `${own}/done`);
        case "/oauth2/token":
          return sendJson(response, 400, { error: "authorization_pending" });
        default:
          return false;
      }
    });
    const steps = await testClient(provider, "--fail-after", "1s");
    failed(steps, "device", "timeout", /the server didn't issue one in time$/);
  });

  test("that redirects forever fails", async () => {
    await using provider = await startProvider(
      ({ url }, response, { url: own }) => url.pathname === "/oauth2/auth" && redirect(response, `${own}/oauth2/auth`),
    );
    failed(await testClient(provider), "authorization", "unreadable-redirect", /redirects in circles$/);
    assert.ok(provider.requests.length < 30);
    await using asking = await startProvider(
      ({ url }, response, { url: own }) =>
        url.pathname === "/oauth2/auth" && redirect(response, `${own}/login-page?login_challenge=${"c".repeat(20)}`),
    );
    failed(await testClient(asking), "authorization", "unreadable-redirect", /answered 200 instead of a redirect$/);
  });

  test("that floods the browser with cookies gets no huge ones back", async () => {
    for (const [count, isRead] of [
      [20, true],
      [500, false],
    ] as const) {
      const flood = Array.from({ length: count }, (_, i) => `c${i}=${"x".repeat(400)}`);
      const cookies = [...flood, `huge=${"h".repeat(5_000)}`, "gone=1", "gone=1; Max-Age=0"];
      await using provider = await startProvider(
        ({ url }, response, { url: own }) =>
          url.searchParams.has("login_verifier") &&
          redirect(response, `${own}/consent-page?consent_challenge=${"c".repeat(20)}`, cookies),
      );
      const found = step(await testClient(provider), "authorization");
      assert.equal(found.status, isRead ? "passed" : "failed", found.detail);
      const sent = provider.requests.filter(({ url }) => url.searchParams.has("consent_verifier"));
      assert.equal(sent.length, isRead ? 1 : 0);
      for (const { cookie } of sent) {
        assert.match(cookie, /c19=x{400}$/);
        assert.doesNotMatch(cookie, /huge|gone/);
      }
      if (!isRead) assert.match(found.detail, /no answer from .*\/oauth2\/auth/);
    }
  });

  test("that asks for no consent, or has one of another user, fails", async () => {
    await using without = await startProvider(
      ({ url }, response) =>
        url.searchParams.has("login_verifier") && redirect(response, "https://consent.example/?x=1"),
    );
    failed(await testClient(without), "authorization", "unreadable-redirect", /without a new consent_challenge$/);
    for (const [request, reason] of [
      [{ client: { client_id: "web" }, subject: "a-real-user" }, /consent request belongs to a different user$/],
      [{ client: { client_id: "other" }, subject: "a-real-user" }, /consent request belongs to a different client$/],
    ] as const) {
      await using other = await startProvider(
        ({ url, method }, response) =>
          method === "GET" && url.pathname.endsWith("/requests/consent") && sendJson(response, 200, request),
      );
      failed(await testClient(other), "authorization", "unreadable-redirect", reason);
      const accepted = other.requests.filter(({ url }) => url.pathname.endsWith("/consent/accept"));
      assert.deepEqual(accepted, [], "a consent of somebody else was accepted");
    }
  });

  test("that knows the user already isn't used to log in", async () => {
    await using provider = await startProvider(
      ({ url, method }, response) =>
        method === "GET" &&
        url.pathname.endsWith("/requests/login") &&
        sendJson(response, 200, { client: { client_id: "web" }, skip: true, subject: "a-real-user" }),
    );
    failed(
      await testClient(provider),
      "authorization",
      "unreadable-redirect",
      /login request belongs to a different user$/,
    );
    assert.ok(provider.requests.every(({ method }) => method !== "PUT"));
  });

  test("whose clock is wrong is a warning", async () => {
    await using provider = await startProvider(({ url }, response) => {
      const at = Date.now() + 3_600_000;
      if (url.pathname.endsWith("/openid-configuration")) response.setHeader("date", new Date(at).toUTCString());
      return false;
    });
    const { status, detail, hint } = step(await testClient(provider), "discovery");
    assert.equal(status, "warning");
    assert.match(detail, /, issuer matches, clock \+(?:1h0m0s|59m59s)$/);
    assert.match(hint ?? "", /^synchronize the clocks/);
  });

  test("of another issuer fails before anything else is done", async () => {
    await using provider = await startProvider(
      ({ url }, response) =>
        url.pathname.endsWith("/openid-configuration") && sendJson(response, 200, { issuer: "https://other.example" }),
    );
    const steps = await testClient(provider);
    failed(steps, "discovery", "issuer-mismatch", /its issuer is "https:\/\/other\.example/);
    assert.ok(steps.slice(1).every(({ status }) => status === "skipped"));
    assert.equal(provider.requests.length, 2);
  });

  test("that swaps the nonce fails, and the tokens that it issued are revoked", async () => {
    await using provider = await startProvider(({ url }, response, { url: iss, sign, issue }) => {
      if (url.pathname !== "/oauth2/token") return false;
      const at = Math.floor(Date.now() / 1000);
      const id_token = sign({ iss, aud: "web", sub: "x", nonce: "n".repeat(43), iat: at, exp: at + 600 });
      const answer = { access_token: issue(), refresh_token: issue(), id_token, token_type: "bearer", scope: "openid" };
      return sendJson(response, 200, answer);
    });
    failed(await testClient(provider), "tokens", "id-token-mismatch", /an unexpected nonce$/);
    assert.equal(provider.issued.size, 2);
  });

  test("that changes the state, or the user of the ID token, fails", async () => {
    await using state = await startProvider(
      ({ url }, response) =>
        url.searchParams.has("consent_verifier") &&
        redirect(response, "https://app.example.com/cb?code=abcdefghij&state=another-one"),
    );
    failed(await testClient(state), "authorization", "state-mismatch", /belongs to another login$/);
    let nonce = "";
    await using user = await startProvider(({ url }, response, { url: iss, sign }) => {
      nonce = url.searchParams.get("nonce") ?? nonce;
      if (url.pathname !== "/oauth2/token") return false;
      const at = Math.floor(Date.now() / 1000);
      const id_token = sign({ iss, aud: "web", sub: "somebody-else", nonce, iat: at, exp: at + 600 });
      return sendJson(response, 200, { access_token: "t", id_token, token_type: "bearer", scope: "openid" });
    });
    failed(await testClient(user), "tokens", "id-token-mismatch", /the ID token belongs to a different user$/);
  });

  test("that never answers is given up when the time of --fail-after is over", async () => {
    await using provider = await startProvider(({ url }) => url.pathname === "/oauth2/token");
    const steps = await testClient(provider, "--fail-after", "1s");
    failed(steps, "tokens", "timeout", /no answer from .*: no complete response in time$/);
    assert.equal(step(steps, "refresh").detail, "needs the step tokens");
  });

  test("that repeats codes and cookies in an error shows them to nobody", async () => {
    await using provider = await startProvider(
      ({ url, form }, response) =>
        url.pathname === "/oauth2/token" &&
        sendJson(response, 400, { error: "invalid_grant", error_description: `code ${form.get("code")} \u001b[31m` }),
    );
    failed(await testClient(provider), "tokens", "invalid-grant", /code \(redacted\)/);
    await using other = await startProvider(({ url, cookie }, response) => {
      const verifier = url.searchParams.get("login_verifier");
      const error_description = `${cookie} ${verifier}`;
      const query = new URLSearchParams({ error: "access_denied", error_description });
      return verifier !== null && redirect(response, `https://error.example.com/?${query}`);
    });
    const detail = /^Login failed: login=\(redacted\) \(redacted\) \(access_denied\)$/;
    failed(await testClient(other), "authorization", "access-denied", detail);
  });

  test("whose revocation endpoint accepts any secret proves nothing, and gets no secret for it", async () => {
    await using provider = await startProvider(({ url }, response) => {
      if (url.pathname !== "/oauth2/revoke") return false;
      response.writeHead(200).end();
      return true;
    });
    const ended = await runBinary(ARGS, { env: environmentOf(provider) });
    const { steps } = v.parse(Report, JSON.parse(ended.stdout));
    assert.equal(step(steps, "credentials").status, "warning");
    failed(steps, "revocation", "introspection-mismatch", /still active$/);
    assert.equal(ended.status, 1);
  });

  test("that can't revoke one token still gets to revoke the others, and the rest is reported", async () => {
    await using provider = await startProvider(({ url, form }, response, { issued }) => {
      const isNewest = form.get("token") === [...issued].at(-1);
      return url.pathname === "/oauth2/revoke" && isNewest && sendJson(response, 500, { error: "server_error" });
    });
    const { status, stdout, stderr } = await runBinary(ARGS, { env: environmentOf(provider) });
    assert.equal(status, 1);
    failed(
      v.parse(Report, JSON.parse(stdout)).steps,
      "revocation",
      "oauth-error",
      /^Cannot revoke the token: server_error/,
    );
    assert.match(stderr, /^Warning: tokens of this test stay valid until they expire: Cannot revoke the token/);
    const left = [...provider.issued].filter((token) => !provider.revoked.has(token));
    assert.equal(left.length, 1);
  });

  test("whose admin API doesn't know the login request names the likely reason", async () => {
    await using provider = await startProvider(
      ({ url }, response) => url.pathname.endsWith("/requests/login") && sendJson(response, 404, {}),
    );
    const steps = await testClient(provider);
    failed(steps, "authorization", "unreadable-redirect", /the admin API doesn't know this login request$/);
    assert.match(step(steps, "authorization").hint ?? "", /the endpoint and the public URL belong to the same server/);
  });
});

describe("an interrupted clients test", () => {
  /** Interrupts the program while a request of it waits for its answer, which it then gets. */
  async function interruptAt(path: string): Promise<{ provider: Provider; ended: Ended }> {
    let program: Running | undefined;
    const provider = await startProvider(({ url }) => {
      if (url.pathname === path) program?.kill("SIGINT");
      return false;
    });
    program = startBinary(ARGS, { env: environmentOf(provider) });
    return { provider, ended: await program.ended };
  }

  for (const path of ["/oauth2/auth", "/oauth2/token", "/admin/oauth2/introspect", "/login-page"])
    test(`at ${path} revokes what it got, and exits with 130`, async () => {
      const { provider, ended } = await interruptAt(path);
      await using _ = provider;
      assert.equal(ended.status, 130, ended.stderr);
      assert.equal(ended.stdout, "");
      assert.match(ended.stderr, /Interrupted/);
      checkSafety(provider, ended);
      if (path === "/oauth2/token" || path === "/admin/oauth2/introspect") assert.ok(provider.issued.size >= 2);
    });
});

/** Token commands on a server that is out of reach or too busy for a while, or for good. The clock moves only by sleeping. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { createOAuthClient, createRetryingHttp, discoverServer } from "../../lib/adapters/oauth/index.ts";
import { Problem } from "../../lib/core/problem.ts";
import { http, type RogueServer, rogueServer, sendJson } from "../adapters/oauth/support.ts";
import { PROVIDER_SECRET, type Provider, sendJson as sendJsonAndStop, startProvider } from "../e2e/rogue-provider.ts";
import { type Played, play, type Scene } from "./in-process.ts";

/** How a request fails: a status, or a connection that ends without an answer. */
type Fault = number | "drop";

/** A server with both sides, which fails the requests to a path in these ways first. */
function faultyServer(faults: Readonly<Record<string, readonly Fault[]>>): Promise<RogueServer> {
  const left = new Map(Object.entries(faults).map(([path, list]) => [path, [...list]]));
  return rogueServer(({ path }, response, url) => {
    const fault = left.get(path)?.shift();
    if (fault === "drop") response.destroy();
    else if (fault === undefined) reply(path, response, url);
    else response.writeHead(fault, { "retry-after": "1", "content-type": "text/plain" }).end("busy");
  });
}

function reply(path: string, response: ServerResponse, url: string): void {
  const names = ["authorization", "token", "revocation", "device_authorization"];
  const endpoints = Object.fromEntries(names.map((name) => [`${name}_endpoint`, `${url}/${name}`]));
  const answers: Readonly<Record<string, unknown>> = {
    "/.well-known/openid-configuration": { issuer: url, jwks_uri: `${url}/jwks`, ...endpoints },
    "/token": { access_token: "the-access-token", token_type: "bearer" },
    "/revocation": {},
    "/device_authorization": {
      device_code: "the-device-code",
      user_code: "ABCD",
      verification_uri: `${url}/device`,
      expires_in: 600,
      interval: 1,
    },
    "/admin/oauth2/introspect": { active: true },
    ...Object.fromEntries(["a", "b", "c", "d"].map((id) => [`/admin/clients/${id}`, { client_id: id }])),
  };
  sendJson(response, path in answers ? 200 : 404, answers[path] ?? {});
}

const DISCOVERY = "/.well-known/openid-configuration";

function count({ asked }: RogueServer, path: string): number {
  return asked.filter((one) => one.path === path).length;
}

function hydra(line: string, url: string, files: Readonly<Record<string, string>> = {}): Promise<Played> {
  const environment = { HYDRA_ADMIN_URL: url, HYDRA_PUBLIC_URL: url, OAUTH2_CLIENT_SECRET: "a-secret_of.the~client" };
  return play(line.split(" "), { environment, files });
}

describe("a token command", () => {
  for (const status of [429, 502, 503, 504])
    test(`repeats a request after status ${status}, and reports that`, async () => {
      await using server = await faultyServer({
        [DISCOVERY]: [status, status],
        "/token": [status],
        "/revocation": [status],
        "/admin/oauth2/introspect": [status],
      });
      for (const line of ["token client --client-id app", "token revoke --client-id app x", "token introspect x"]) {
        const played = await hydra(line, server.url);
        assert.equal(played.status, 0, played.stderr);
        assert.match(played.stderr, new RegExp(`yet: server answered ${status} \\(http.*; retrying for up to 1m0s`));
      }
      const counts = [DISCOVERY, "/token", "/revocation", "/admin/oauth2/introspect"].map((path) =>
        count(server, path),
      );
      assert.deepEqual(counts, [4, 2, 2, 2]);
    });

  test("sends a new assertion with each attempt", async () => {
    const pem = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" });
    await using server = await faultyServer({ "/token": [503, "drop"] });
    const played = await hydra("token client --client-id app --client-key /key.pem", server.url, {
      "/key.pem": String(pem),
    });
    assert.equal(played.status, 0, played.stderr);
    const assertions = server.asked.flatMap(({ form }) => form.get("client_assertion") ?? []);
    assert.equal(new Set(assertions).size, 3);
  });

  test("exits with 6 when the time is over", async () => {
    await using server = await faultyServer({ "/token": Array<Fault>(99).fill(503) });
    const busy = await hydra("token client --client-id app --fail-after 3s", server.url);
    assert.equal(busy.status, 6, busy.stderr);
    assert.match(busy.stderr, /answered 503 \(tried for 3s\)\nHint: try again later, or raise --fail-after/);
    assert.ok(count(server, "/token") > 1);
    for (const line of ["token client --client-id app", "token revoke --client-id app x", "token introspect x"]) {
      const refused = await hydra(`${line} --fail-after 3s`, "http://127.0.0.1:1");
      assert.equal(refused.status, 6, refused.stderr);
      assert.match(refused.stderr, /\(tried for 3s\)/);
    }
  });

  test("gives each client the whole time, and names the one whose tokens it can't delete", async () => {
    const path = (id: string): string => `/admin/oauth2/tokens?client_id=${id}`;
    const faults = { a: [503, 204], b: [503, 204], c: [503, 204], d: [400] };
    await using server = await faultyServer(
      Object.fromEntries(Object.entries(faults).map(([id, list]) => [path(id), list])),
    );
    const played = await hydra("token delete a b c d --fail-after 2s", server.url);
    assert.equal(played.status, 8, played.stderr);
    assert.equal(count(server, path("c")), 2, played.stderr);
    assert.match(played.stderr, /Error: Cannot delete the tokens of client "d": the server answered 400\n/);
  });

  test("sends everything once with --fail-after 0", async () => {
    await using server = await faultyServer({ [DISCOVERY]: [503] });
    assert.equal((await hydra("token client --client-id app --fail-after 0", server.url)).status, 6);
    assert.equal(count(server, DISCOVERY), 1);
    const path = "/admin/clients/app";
    await using busy = await faultyServer({ [path]: [503, 503] });
    const played = await hydra("token device --client-id app --scope a --fail-after 0", busy.url);
    assert.equal(played.status, 0, played.stderr);
    assert.match(played.stderr, /the client's settings at the admin API are not checked: .*answered 503: busy\n/);
    assert.equal(count(busy, path), 1);
  });

  test("polls for a device once more when the time for the login is over", async () => {
    await using server = await faultyServer({ "/token": [400, 400] });
    const line = "token device --client-id app --scope a --timeout";
    assert.equal((await hydra(`${line} 1s`, server.url)).status, 1);
    assert.equal((await hydra(`${line} 500ms`, server.url)).status, 1);
    assert.equal(count(server, "/token"), 2);
  });

  test("continues polling for a device if the server is too busy", async () => {
    await using server = await faultyServer({ "/token": [503, "drop", 429] });
    const played = await hydra("token device --client-id app --scope a", server.url);
    assert.equal(played.status, 0, played.stderr);
    assert.equal(count(server, "/token"), 4);
  });
});

/** A provider with the device flow, which does something when it is asked for its keys. */
function deviceProvider(onKeys: (response: ServerResponse) => void): Promise<Provider> {
  return startProvider(({ url: { pathname } }, response, { url, issue, sign }) => {
    const at = Math.floor(Date.now() / 1000);
    const claims = { iss: url, aud: "web", sub: "user", iat: at, exp: at + 600 };
    if (pathname === "/device")
      return sendJsonAndStop(response, 200, {
        device_code: "the-device-code",
        user_code: "ABCD",
        verification_uri: url,
        expires_in: 600,
        interval: 1,
      });
    if (pathname === "/oauth2/token")
      return sendJsonAndStop(response, 200, { access_token: issue(), token_type: "bearer", id_token: sign(claims) });
    if (pathname === "/jwks.json") onKeys(response);
    return pathname === "/jwks.json";
  });
}

describe("a token whose ID token can't be verified is revoked", () => {
  async function logIn(provider: Provider, scene: Scene): Promise<Played> {
    const environment = { HYDRA_PUBLIC_URL: provider.url, OAUTH2_CLIENT_SECRET: PROVIDER_SECRET };
    const line = `token device --client-id web --scope openid --device-auth-url ${provider.url}/device`;
    const played = await play(line.split(" "), { environment, ...scene });
    assert.equal(provider.issued.size, 1);
    assert.deepEqual(provider.revoked, provider.issued, played.stderr);
    return played;
  }

  test("after the time of the command", async () => {
    let late = 0;
    await using provider = await deviceProvider((response) => {
      late = 60_000;
      response.destroy();
    });
    const played = await logIn(provider, { late: () => late });
    assert.equal(played.status, 6, played.stderr);
    assert.match(played.stderr, /jwks\.json: .*; the tokens were revoked\n/);
  });

  test("after a signal, which the message is about", async () => {
    const interrupts: ((signal: number) => void)[] = [];
    await using provider = await deviceProvider(() => interrupts[0]?.(2));
    const played = await logIn(provider, { onListening: (send) => void interrupts.push(send) });
    assert.equal(played.status, 130, played.stderr);
    assert.match(played.stderr, /^Error: Interrupted; the tokens were revoked\n/m);
  });
});

describe("a request that works only once", () => {
  /** How often a refresh token is sent whose first request fails. */
  async function countRequests(fault: Fault): Promise<number> {
    await using server = await faultyServer({ "/token": [fault] });
    const access = {
      http: createRetryingHttp(http, {
        failAfter: 60_000,
        remaining: () => 60_000,
        now: Date.now,
        sleep: async () => {},
        random: (size) => new Uint8Array(size),
        warn: () => {},
        signal: new AbortController().signal,
      }),
      now: Date.now,
    };
    const found = await discoverServer({ ...access, publicUrl: server.url, timeout: 60_000 });
    const authentication = { method: "none" } as const;
    const timeLeft = (): number => 60_000;
    const client = createOAuthClient({ ...access, server: found, clientId: "app", authentication, timeLeft });
    await client.refresh("the-refresh-token").catch((error: unknown) => assert.ok(error instanceof Problem));
    return server.asked.filter(({ form }) => form.get("grant_type") === "refresh_token").length;
  }

  test("is not repeated if the server may have processed the first one", async () => {
    for (const fault of [502, 503, 504, "drop"] as const) assert.equal(await countRequests(fault), 1, String(fault));
  });

  test("is repeated if the server was too busy to process it", async () => {
    assert.equal(await countRequests(429), 2);
  });
});

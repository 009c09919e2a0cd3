import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { describe, test } from "node:test";
import { SANDBOX_VERSIONS, type SandboxOptions, type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { isRecord } from "./settled.ts";

const FORM = "application/x-www-form-urlencoded";

const SECRET = "secret-of-the-client";

const MACHINE = { client_id: "machine", grant_types: ["client_credentials"], scope: "a b.*", client_secret: SECRET };

const WEB = {
  client_id: "web",
  grant_types: ["authorization_code", "implicit"],
  response_types: ["code", "token", "id_token token"],
  scope: "openid a",
  redirect_uris: ["http://127.0.0.1:4446/callback", "https://app.example.com/cb?x=1"],
  client_secret: SECRET,
};

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Server {
  readonly adminUrl: string;
  readonly publicUrl: string;
  readonly lines: readonly string[];
  readonly post: (
    path: string,
    form: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answered>;
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answered>;
  readonly admin: (
    method: string,
    path: string,
    body?: string,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answered>;
}

async function answered(answer: Response): Promise<Answered> {
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get("content-type") ?? "");
  const body: unknown = isJson ? JSON.parse(text) : {};
  return { status: answer.status, headers: answer.headers, text, body: isRecord(body) ? body : {} };
}

/** Starts a sandbox with both ports and the clients of this file, for one test. */
async function using(
  as: SandboxVersion,
  run: (server: Server) => Promise<void>,
  options: Partial<SandboxOptions> = {},
): Promise<void> {
  const lines: string[] = [];
  const onRequest = (line: string): void => {
    lines.push(line);
  };
  const listen = "127.0.0.1:0";
  const sandbox = await startSandbox({ as, listen, publicListen: listen, onRequest, ...options });
  const { url: adminUrl, publicUrl = assert.fail("no public port") } = sandbox;
  const prefix = as.startsWith("1.") ? "" : "/admin";
  const call = async (url: string, init: RequestInit): Promise<Answered> =>
    answered(await fetch(url, { redirect: "manual", ...init }));
  const server: Server = {
    adminUrl,
    publicUrl,
    lines,
    get: (path, headers = {}) => call(`${publicUrl}${path}`, { headers }),
    post: (path, form, headers = {}) =>
      call(`${publicUrl}${path}`, {
        method: "POST",
        headers: { "content-type": FORM, ...headers },
        body: new URLSearchParams(form).toString(),
      }),
    admin: (method, path, body, headers = {}) =>
      call(`${adminUrl}${prefix}${path}`, { method, headers, ...(body === undefined ? {} : { body }) }),
  };
  try {
    if (as !== "2.1") {
      for (const client of [MACHINE, WEB]) {
        assert.equal((await server.admin("POST", "/clients", JSON.stringify(client))).status, 201);
      }
    }
    await run(server);
  } finally {
    await sandbox.close();
  }
}

function basic(id = "machine", secret = SECRET): Readonly<Record<string, string>> {
  return { authorization: `Basic ${btoa(`${id}:${secret}`)}` };
}

const AUTH = `/oauth2/auth?${new URLSearchParams({
  client_id: "web",
  response_type: "code",
  scope: "openid a",
  redirect_uri: "http://127.0.0.1:4446/callback",
  state: "state-of-the-test",
  nonce: "nonce-of-the-test",
})}`;

describe("the public port", () => {
  for (const as of SANDBOX_VERSIONS) {
    test(`describes itself as Hydra ${as} does`, () =>
      using(as, async ({ get, publicUrl }) => {
        const { status, body, headers } = await get("/.well-known/openid-configuration");
        assert.equal(status, 200);
        assert.equal(body["issuer"], as.startsWith("1.") ? `${publicUrl}/` : publicUrl);
        assert.equal("device_authorization_endpoint" in body, as === "26" || as === "next");
        assert.equal(headers.has("cache-control"), !as.startsWith("1."));
        const keys = (await get("/.well-known/jwks.json")).body["keys"];
        assert.ok(Array.isArray(keys) && keys.length === (as.startsWith("1.") ? 1 : 2));
        for (const key of keys) assert.ok(isRecord(key) && key["alg"] === "RS256" && !("d" in key));
      }));
  }

  for (const as of ["1.11", "2.3", "26"] as const) {
    test(`of Hydra ${as} is where a client's registration URI points`, () =>
      using(as, async ({ admin, publicUrl }) => {
        const { body } = await admin("POST", "/clients", '{"client_name":"x"}');
        assert.equal(new URL(String(body["registration_client_uri"])).origin, publicUrl);
      }));
  }

  test("has no clients, and the admin port has no tokens", () =>
    using("26", async ({ get, adminUrl }) => {
      assert.equal((await get("/admin/clients")).status, 404);
      assert.equal((await fetch(`${adminUrl}/oauth2/token`, { method: "POST" })).status, 404);
    }));

  test("exists only on request, and never on a socket", async () => {
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    assert.equal(sandbox.publicUrl, undefined);
    await sandbox.close();
    const started = startSandbox({ as: "26", listen: "127.0.0.1:0", publicListen: "unix:///tmp/x.sock" });
    await assert.rejects(started, /can't reach a socket/);
  });

  test("is released with the admin port when it can't be had", async () => {
    const first = await startSandbox({ as: "26", listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
    const { host } = new URL(first.publicUrl ?? "");
    await assert.rejects(startSandbox({ as: "26", listen: "127.0.0.1:0", publicListen: host }), /in use/);
    await first.close();
  });

  test("writes no query into its log", () =>
    using("26", async ({ get, lines }) => {
      await get(AUTH);
      assert.ok(lines.includes("GET /oauth2/auth 302"), lines.join("\n"));
      assert.ok(!lines.join("\n").includes("state-of-the-test"));
    }));
});

describe("the token endpoint", () => {
  test("grants scopes by the client's patterns", () =>
    using("26", async ({ post }) => {
      const ask = async (scope: string): Promise<unknown> => {
        const { status, body } = await post("/oauth2/token", { grant_type: "client_credentials", scope }, basic());
        return status === 200 ? body["scope"] : body["error"];
      };
      for (const scope of ["a", "b.c", "b.c.d", "a b.c", ""]) assert.equal(await ask(scope), scope);
      for (const scope of ["c", "b", "a.b", "b."]) assert.equal(await ask(scope), "invalid_scope", scope);
    }));

  test("answers malformed requests as the servers do", () =>
    using("26", async ({ post, publicUrl }) => {
      const cases: readonly (readonly [
        Readonly<Record<string, string>>,
        Readonly<Record<string, string>>,
        number,
        string,
      ])[] = [
        [{}, basic(), 400, "invalid_request"],
        [{ scope: "a" }, basic(), 400, "invalid_request"],
        [{ grant_type: "password" }, basic(), 400, "invalid_request"],
        [{ grant_type: "client_credentials" }, {}, 400, "invalid_request"],
        [{ grant_type: "client_credentials" }, { authorization: "Basic !!!" }, 400, "invalid_request"],
        [{ grant_type: "client_credentials" }, { authorization: `Basic ${btoa("%:%")}` }, 400, "invalid_request"],
        [{ grant_type: "client_credentials" }, basic("machine", "wrong"), 401, "invalid_client"],
        [{ grant_type: "client_credentials", client_id: "machine" }, {}, 401, "invalid_client"],
        [{ grant_type: "authorization_code", code: "x" }, basic(), 400, "unauthorized_client"],
      ];
      for (const [form, headers, status, error] of cases) {
        const answer = await post("/oauth2/token", form, headers);
        assert.equal(answer.status, status, JSON.stringify(form));
        assert.equal(answer.body["error"], error);
        assert.equal(answer.headers.get("cache-control"), "no-store");
      }
      const json = await fetch(`${publicUrl}/oauth2/token`, { method: "POST", headers: basic(), body: "{}" });
      assert.equal(json.status, 400);
    }));

  test("explains errors in the words of 1.8 there", () =>
    using("1.8", async ({ post }) => {
      const { body } = await post("/oauth2/token", { grant_type: "client_credentials", scope: "zz" }, basic());
      assert.equal(body["error_hint"], 'The OAuth 2.0 Client is not allowed to request scope "zz".');
      assert.equal(body["status_code"], 400);
    }));
});

describe("the revocation endpoint", () => {
  for (const as of ["1.8", "1.11", "26"] as const) {
    test(`of Hydra ${as} proves a secret without a token`, () =>
      using(as, async ({ post, admin }) => {
        assert.equal((await post("/oauth2/revoke", { token: "none" }, basic())).status, 200);
        assert.equal((await post("/oauth2/revoke", { token: "none" }, basic("machine", "wrong"))).status, 401);
        assert.equal((await post("/oauth2/revoke", { token: "none" }, basic("nobody"))).status, 401);
        const byPost = { client_id: "poster", token_endpoint_auth_method: "client_secret_post", client_secret: SECRET };
        await admin("POST", "/clients", JSON.stringify(byPost));
        assert.equal((await post("/oauth2/revoke", { token: "none" }, basic("poster"))).status, 401);
        const credentials = { client_id: "poster", client_secret: SECRET };
        assert.equal((await post("/oauth2/revoke", { token: "none", ...credentials })).status, 200);
      }));
  }

  test("leaves the tokens of other clients unchanged", () =>
    using("26", async ({ post, admin }) => {
      const { body } = await post("/oauth2/token", { grant_type: "client_credentials" }, basic());
      const token = String(body["access_token"]);
      const isActive = async (): Promise<unknown> => {
        const form = new URLSearchParams({ token }).toString();
        return (await admin("POST", "/oauth2/introspect", form, { "content-type": FORM })).body["active"];
      };
      assert.equal((await post("/oauth2/revoke", { token }, basic("web"))).status, 200);
      assert.equal(await isActive(), true);
      assert.equal((await post("/oauth2/revoke", { token }, basic())).status, 200);
      assert.equal(await isActive(), false);
    }));
});

describe("the authorization endpoint", () => {
  test("never sends an error to a redirect URI that isn't registered", () =>
    using("26", async ({ get, publicUrl }) => {
      for (const uri of [
        "http://127.0.0.1:4446/other",
        "http://localhost:4446/callback",
        "http://127.0.0.1.evil.example/callback",
        "https://app.example.com/cb",
        "https://app.example.com:444/cb?x=1",
        "javascript:alert(1)",
      ]) {
        const target = new URL(AUTH, publicUrl);
        target.searchParams.set("redirect_uri", uri);
        const { headers } = await get(`${target.pathname}${target.search}`);
        assert.match(headers.get("location") ?? "", /\/oauth2\/fallbacks\/error\?error=invalid_request&/, uri);
      }
    }));

  test("takes any port of a loopback address", () =>
    using("26", async ({ get }) => {
      const { headers } = await get(AUTH.replace("4446", "50123"));
      assert.match(headers.get("location") ?? "", /login_challenge=/);
    }));

  test("shows an error page that runs nothing of the request", () =>
    using("26", async ({ get }) => {
      const { status, text, headers } = await get(
        "/oauth2/fallbacks/error?error=%3Cscript%3E&error_description=%22%3E",
      );
      assert.equal(status, 500);
      assert.ok(!text.includes("<script>") && text.includes("Test server"));
      assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
    }));

  test("ties a login to the browser that began it, and lets it happen once", () =>
    using("26", async ({ get, admin }) => {
      const start = await get(AUTH);
      const [cookie = ""] = (start.headers.get("set-cookie") ?? "").split(";");
      const challenge = new URL(start.headers.get("location") ?? "").searchParams.get("login_challenge") ?? "";
      const path = `/oauth2/auth/requests/login/accept?${new URLSearchParams({ login_challenge: challenge })}`;
      const next = async (): Promise<string> => {
        const { body } = await admin("PUT", path, '{"subject":"s"}');
        const url = new URL(String(body["redirect_to"]));
        return `${url.pathname}${url.search}`;
      };
      const foreign = await get(await next());
      assert.match(
        foreign.headers.get("location") ?? "",
        /^http:\/\/127\.0\.0\.1:4446\/callback\?error=request_forbidden&/,
      );
      const other = ((await get(AUTH)).headers.get("set-cookie") ?? "").split(";")[0] ?? "";
      assert.notEqual(other, cookie);
      const stolen = await get(await next(), { cookie: other });
      assert.match(stolen.headers.get("location") ?? "", /\?error=request_forbidden&/);
      const right = await next();
      assert.match((await get(right, { cookie })).headers.get("location") ?? "", /consent_challenge=/);
      assert.match((await get(right, { cookie })).headers.get("location") ?? "", /\?error=access_denied&/);
    }));
});

describe("the built-in login", () => {
  for (const as of ["1.8", "26"] as const) {
    test(`of Hydra ${as} accepts by itself, and says that it is a test server`, () =>
      using(as, async ({ get, publicUrl, post }) => {
        const start = await get(AUTH);
        const cookies = [start.headers.get("set-cookie")?.split(";")[0] ?? ""];
        const path = (location: string | null): string => {
          const url = new URL(location ?? assert.fail("no location"));
          assert.equal(url.origin, publicUrl);
          return `${url.pathname}${url.search}`;
        };
        const login = await get(path(start.headers.get("location")));
        assert.equal(login.status, 200);
        assert.match(login.text, /Test server: this is hydra sandbox/);
        const [, link = ""] = /<a href="([^"]+)">Continue/.exec(login.text) ?? [];
        const decoded = link.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
        assert.ok(login.text.includes(`content="2;url=${link}"`));
        const consent = await get(path(decoded), { cookie: cookies.join("; ") });
        cookies.push(consent.headers.get("set-cookie")?.split(";")[0] ?? "");
        const accepted = await get(path(consent.headers.get("location")));
        const done = await get(path(accepted.headers.get("location")), { cookie: cookies.join("; ") });
        const redirected = new URL(done.headers.get("location") ?? "");
        assert.equal(redirected.searchParams.get("state"), "state-of-the-test");
        const code = redirected.searchParams.get("code") ?? "";
        const form = { grant_type: "authorization_code", code, redirect_uri: "http://127.0.0.1:4446/callback" };
        const { status, body } = await post("/oauth2/token", form, basic("web"));
        assert.equal(status, 200);
        assert.equal(body["scope"], "openid a");
      }));
  }

  test("isn't used if a login application is configured", () =>
    using(
      "26",
      async ({ get }) => {
        const { headers } = await get(AUTH);
        assert.match(headers.get("location") ?? "", /^https:\/\/login\.example\.com\/\?a=b&login_challenge=/);
      },
      { loginUrl: "https://login.example.com/?a=b" },
    ));
});

describe("a request that a web page could send to the public port", () => {
  function status(
    url: string,
    path: string,
    method: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<number> {
    const { port } = new URL(url);
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: "127.0.0.1", port, path, method, headers, agent: false },
        (answer: IncomingMessage) => {
          answer.resume();
          answer.on("end", () => resolve(answer.statusCode ?? 0));
        },
      );
      sent.on("error", reject);
      sent.end();
    });
  }

  test("is rejected if its Host isn't this machine", () =>
    using("26", async ({ publicUrl }) => {
      const headers = { host: "evil.example" };
      for (const path of ["/oauth2/auth", "/oauth2/token", "/.well-known/jwks.json", "/oauth2/fallbacks/login"]) {
        assert.equal(await status(publicUrl, path, "GET", headers), 403, path);
      }
    }));

  test("is rejected if its Origin is another, except where a browser navigates", () =>
    using("26", async ({ publicUrl }) => {
      const { host } = new URL(publicUrl);
      const headers = { host, origin: "https://evil.example" };
      for (const path of ["/oauth2/token", "/oauth2/revoke", "/oauth2/device/auth", "/userinfo"]) {
        assert.equal(await status(publicUrl, path, "POST", headers), 403, path);
      }
      assert.equal(await status(publicUrl, "/oauth2/auth", "POST", headers), 302);
      assert.equal(await status(publicUrl, "/oauth2/device/verify", "GET", headers), 302);
      assert.equal(await status(publicUrl, "/oauth2/fallbacks/error", "GET", headers), 500);
    }));
});

describe("the admin port", () => {
  for (const as of SANDBOX_VERSIONS) {
    test(`of Hydra ${as} has introspection and deletion if its version has them`, () =>
      using(as, async ({ adminUrl, admin }) => {
        const body = "token=none";
        const headers = { "content-type": FORM };
        const introspected = await admin("POST", "/oauth2/introspect", body, headers);
        assert.deepEqual([introspected.status, introspected.body], [200, { active: false }]);
        assert.equal((await admin("GET", "/oauth2/introspect")).status, 405);
        assert.equal((await admin("DELETE", "/oauth2/tokens")).status, 400);
        assert.equal((await admin("DELETE", "/oauth2/tokens?client_id=nobody")).status, 204);
        assert.equal((await admin("POST", "/oauth2/flush", "{}")).status, as.startsWith("1.") ? 204 : 404);
        const bare = await fetch(`${adminUrl}/oauth2/introspect`, {
          method: "POST",
          body,
          headers,
          redirect: "manual",
        });
        assert.equal(bare.status, as === "2.1" || as === "2.3" ? 307 : 200);
      }));

    test(`of Hydra ${as} knows no challenge that it didn't give out`, () =>
      using(as, async ({ admin }) => {
        for (const step of ["login", "consent"]) {
          const path = `/oauth2/auth/requests/${step}`;
          assert.equal((await admin("GET", path)).status, 400);
          assert.equal((await admin("GET", `${path}?${step}_challenge=x`)).status, 404);
          assert.equal((await admin("PUT", `${path}/accept?${step}_challenge=x`, "{}")).status, 404);
          assert.equal((await admin("PUT", `${path}/reject?${step}_challenge=x`, "{}")).status, 404);
        }
      }));
  }
});

/** `clients test` for clients that work, and for those that are wrong in one way. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { type Ended, runBinary, temporaryFolder } from "./binary.ts";
import { makeCertificates } from "./tls.ts";

const WRONG = "certainly~not_the.secret";

const REDIRECT = "https://app.example.com/cb";

const Report = v.object({
  client_id: v.string(),
  ok: v.boolean(),
  steps: v.array(
    v.strictObject({
      name: v.string(),
      status: v.picklist(["passed", "failed", "skipped", "warning"]),
      detail: v.string(),
      hint: v.optional(v.string()),
      error: v.optional(v.string()),
    }),
  ),
});

type Step = v.InferOutput<typeof Report>["steps"][number];

/** Forwards plain http to an https server, as a sidecar does. */
async function openForwarder(target: string): Promise<AsyncDisposable & { readonly url: string }> {
  const { port } = new URL(target);
  const server = createServer((incoming, response) => {
    const { method, url: path, headers } = incoming;
    const options = { host: "127.0.0.1", port, method, path, headers, rejectUnauthorized: false };
    const outgoing = request(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe("clients test", () => {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  let server: Sandbox;

  function hydra(args: readonly string[], more: Readonly<Record<string, string | undefined>> = {}): Promise<Ended> {
    const { url, publicUrl } = server;
    return runBinary(args, { env: { HYDRA_ADMIN_URL: url, HYDRA_PUBLIC_URL: publicUrl, ...more } });
  }

  /** A new client, with its secret in ID.env. */
  async function create(id: string, ...flags: readonly string[]): Promise<void> {
    const out = flags.includes("none") ? [] : ["--secret-out", path(`${id}.env`)];
    const { status, stderr } = await hydra(["clients", "create", "--id", id, ...flags, ...out]);
    assert.equal(status, 0, stderr);
  }

  const own = (id: string): readonly string[] => ["--credentials", path(`${id}.env`)];

  /** Tests a client and gives the steps, checking that the exit code says the same. */
  async function steps(
    args: readonly string[],
    more: Readonly<Record<string, string | undefined>> = {},
  ): Promise<readonly Step[]> {
    const { status, stdout, stderr } = await hydra(["clients", "test", ...args, "--format", "json"], more);
    const report = v.parse(Report, JSON.parse(stdout), { message: stderr });
    assert.equal(report.client_id, args[0]);
    assert.equal(status, report.ok ? 0 : 1, stderr);
    assert.equal(
      report.ok,
      report.steps.every((step) => step.status !== "failed"),
    );
    for (const secret of [
      WRONG,
      ...server.clients().flatMap((client) => server.secretOf(String(client["client_id"])) ?? []),
    ])
      assert.ok(!stdout.includes(secret) && !stderr.includes(secret));
    return report.steps;
  }

  async function step(name: string, args: readonly string[], more = {}): Promise<Step> {
    const all = await steps(args, more);
    return all.find((each) => each.name === name) ?? assert.fail(`there is no step ${name}`);
  }

  before(async () => {
    server = await startSandbox({ as: "26", listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
    const web = ["-g", "authorization_code,refresh_token", "-a", "openid,offline", "-c", REDIRECT];
    await create("web", ...web, "--post-logout-callbacks", "https://app.example.com/bye");
    await create("spa", ...web, "--token-endpoint-auth-method", "none");
    await create("machine", "-g", "client_credentials", "-a", "read");
    await create("odd", "-g", "client_credentials", "--set", 'token_endpoint_auth_method="client_secret"');
  });

  after(async () => {
    await server.close();
    folder[Symbol.dispose]();
  });

  test("prints one line per step and a summary", async () => {
    const { status, stdout, stderr } = await hydra(["clients", "test", "web", ...own("web")], { LANG: "C.UTF-8" });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
    const uuid = "[0-9a-f]{8}-[0-9a-f-]{27}";
    const expected = [
      `✓ discovery      ${server.publicUrl}/, issuer matches, clock in sync`,
      "✓ credentials    client_secret_basic accepted by the revocation endpoint, no token issued",
      `✓ authorization  redirect_uri ${REDIRECT}, scope openid offline, PKCE S256`,
      "✓ tokens         access token (opaque, 1h0m0s), refresh token, ID token RS256 kid UUID verified, nonce agrees",
      "✓ refresh        new tokens, ID token RS256 kid UUID verified",
      "✓ introspection  active, sub hydra-test-UUID, client web",
      "✓ revocation     4 tokens revoked and inactive",
      "✓ logout         returns to https://app.example.com/bye",
      `✓ login page     ${server.publicUrl}/oauth2/fallbacks/login answers 200`,
      "9 passed",
    ];
    assert.deepEqual(stdout.replaceAll(new RegExp(uuid, "g"), "UUID").trimEnd().split("\n"), expected);
  });

  test("marks steps in ASCII if the locale isn't UTF-8, and in color if colors are wanted", async () => {
    const args = ["clients", "test", "spa"];
    const [ascii, color, both] = await Promise.all([
      hydra(args, { LC_ALL: "C", LANG: "C.UTF-8" }),
      hydra([...args, "--color", "always"], { LANG: "en_US.utf8" }),
      hydra([...args, "--color", "always"]),
    ]);
    assert.match(ascii.stdout, /^\+ discovery .*\n- credentials .* skipped: the client is public and has none\n/);
    assert.doesNotMatch(ascii.stdout, /[^\u0000-\u007f]/);
    assert.match(color.stdout, /^\u001b\[32m✓\u001b\[39m discovery .*\n\u001b\[2m–\u001b\[22m credentials /);
    assert.match(both.stdout, /^\u001b\[32m\+\u001b\[39m discovery /);
  });

  test("is a table in formats with columns, and complete in yaml and ndjson", async () => {
    const [csv, yaml, ndjson, quiet] = await Promise.all(
      [["--format", "csv"], ["--format", "yaml"], ["--format", "ndjson"], ["-q"]].map((flags) =>
        hydra(["test", "oauth2-client", "machine", ...own("machine"), ...flags]),
      ),
    );
    const names = '"discovery,credentials,client-credentials,introspection,revocation"';
    assert.equal(csv?.stdout, `CLIENT ID,OK,PASSED,FAILED,WARNING,SKIPPED\r\nmachine,true,${names},,,\r\n`);
    assert.match(yaml?.stdout ?? "", /^client_id: machine\nok: true\nsteps:\n {2}- name: discovery\n/);
    assert.deepEqual(v.parse(Report, JSON.parse(ndjson?.stdout ?? "")).steps.length, 5);
    assert.equal(quiet?.stdout, "machine\n");
  });

  test("logs in as a user only with --subject, and says so", async () => {
    const args = ["clients", "test", "spa", "--subject", "alice", "--format", "json", "--no-warnings"];
    const { stdout, stderr } = await hydra(args);
    assert.equal(stderr, 'Warning: this test logs in as user "alice" at client "spa"\n');
    const introspection = v.parse(Report, JSON.parse(stdout)).steps.find(({ name }) => name === "introspection");
    assert.equal(introspection?.detail, "active, sub alice, client spa");
  });

  test("fails for a wrong secret, and names the possible causes", async () => {
    const all = await steps(["web"], { OAUTH2_CLIENT_SECRET: WRONG });
    assert.deepEqual(
      all.find(({ name }) => name === "credentials"),
      {
        name: "credentials",
        status: "failed",
        detail: "Cannot verify the credentials: the server rejected the client's credentials (invalid_client)",
        hint: "check the client ID, and the secret or key; hydra clients show ID shows how the client has to authenticate",
        error: "invalid-client",
      },
    );
    const blocked = all.filter(({ detail }) => detail === "needs the step credentials").map(({ name }) => name);
    assert.deepEqual(blocked, ["tokens", "refresh"]);
    const second = await hydra(["test", "client", "web", "--format", "json"], { OAUTH2_CLIENT_SECRET: WRONG });
    assert.match(second.stdout, /hydra show oauth2-client ID shows/);
    // The registered method is known.
    const named = await step("credentials", ["web", ...own("web"), "--auth-method", "post"]);
    assert.equal(named.hint, "the client is registered with client_secret_basic: leave out --auth-method");
  });

  test("doesn't use the credentials of a public client, and says so", async () => {
    const args = ["clients", "test", "spa", "--client-secret-file", path("web.env"), "--format", "json"];
    const { status, stderr } = await hydra(args);
    assert.equal(status, 0);
    assert.equal(stderr, 'Warning: client "spa" is public: its credentials are not used\n');
  });

  test("names the setting to change", async () => {
    await create("grantless", "-g", "client_credentials", "-c", REDIRECT, "-a", "openid");
    await create("typeless", "-g", "authorization_code", "-r", "token", "-c", REDIRECT, "-a", "openid");
    await create("urlless", "-g", "authorization_code", "-a", "openid");
    await create("once", "-g", "authorization_code", "-a", "openid,offline", "-c", REDIRECT);
    await create("never", "-g", "authorization_code,refresh_token", "-a", "openid", "-c", REDIRECT);
    await create("open", "-g", "client_credentials", "--token-endpoint-auth-method", "none");
    for (const [name, error, args, hint] of [
      ["tokens", "unauthorized-client", ["grantless", ...own("grantless")], "--add-grant-type authorization_code"],
      ["authorization", "unsupported-response-type", ["typeless"], "--add-response-type code"],
      ["authorization", "no-callback", ["urlless"], "--add-callback https://app.example.com/callback"],
      ["authorization", "invalid-scope", ["web", "--scope", "openid,write,admin"], "--add-scope write,admin"],
      ["client-credentials", "invalid-scope", ["machine", ...own("machine"), "--scope", "write"], "--add-scope write"],
      [
        "authorization",
        "invalid-request",
        ["web", "--redirect-uri", "https://other.example/a,b"],
        `--add-callback '"https://other.example/a,b"'`,
      ],
      ["client-credentials", "invalid-grant", ["open"], "--token-endpoint-auth-method client_secret_basic"],
    ] as const) {
      const found = await step(name, args);
      assert.equal(found.status, "failed", `${args[0]}: ${found.detail}`);
      assert.equal(found.error, error);
      assert.equal(found.hint, `hydra clients update ${args[0]} ${hint}`);
    }
    for (const [id, flag] of [
      ["once", "--add-grant-type refresh_token"],
      ["never", "--add-scope offline"],
    ] as const) {
      const { status, hint } = await step("refresh", [id, ...own(id)]);
      assert.deepEqual([status, hint], ["skipped", `to get refresh tokens: hydra clients update ${id} ${flag}`]);
    }
    const { stdout } = await hydra(["test", "oauth2-client", "typeless"]);
    assert.match(stdout, /\n {17}hydra update oauth2-client typeless --add-response-type code\n/);
  });

  test("skips the steps that need a failed one", async () => {
    const all = await steps(["web", ...own("web"), "--scope", "openid,offline,write"]);
    assert.deepEqual(
      all.map(({ name, status, detail }) => (status === "skipped" ? `${name}: ${detail}` : `${name} ${status}`)),
      [
        "discovery passed",
        "credentials passed",
        "authorization failed",
        "tokens: needs the step authorization",
        "refresh: needs the step tokens",
        "introspection: no token was issued",
        "revocation: no token was issued",
        "logout: there is no ID token to log out with",
        "login-page: the server did not send the browser to it",
      ],
    );
  });

  test("follows its own hint: the client works after it", async () => {
    const failed = await step("authorization", ["spa", "--scope", "openid,profile"]);
    const [program, ...words] = (failed.hint ?? "").split(" ");
    assert.equal(program, "hydra");
    assert.equal((await hydra(words)).status, 0);
    assert.equal((await step("authorization", ["spa", "--scope", "openid,profile"])).status, "passed");
  });

  test("warns of a login page that can't be reached or isn't found, without failing", async () => {
    for (const [loginUrl, detail] of [
      [
        "http://127.0.0.1:9/login?tenant=1",
        /^Cannot reach the login page: no answer from http:\/\/127\.0\.0\.1:9\/login/,
      ],
      [`${server.publicUrl}/nowhere`, /\/nowhere answers 404$/],
    ] as const) {
      const other = await startSandbox({ as: "26", listen: "127.0.0.1:0", publicListen: "127.0.0.1:0", loginUrl });
      const env = { HYDRA_ADMIN_URL: other.url, HYDRA_PUBLIC_URL: other.publicUrl };
      try {
        const { stderr } = await hydra(
          ["clients", "create", "--id", "spa", "-c", REDIRECT, "--token-endpoint-auth-method", "none"],
          env,
        );
        assert.equal((await hydra(["clients", "test", "spa"], env)).status, 0, stderr);
        const page = await step("login-page", ["spa"], env);
        assert.equal(page.status, "warning");
        assert.match(page.detail, detail);
        assert.match(page.hint ?? "", /urls\.login/);
      } finally {
        await other.close();
      }
    }
  });

  test("verifies the certificate of the public side with --ca-file, also if the admin API is plain http", async () => {
    const { authority, good } = makeCertificates();
    writeFileSync(path("ca.pem"), authority.cert);
    const secure = await startSandbox({ as: "26", listen: "127.0.0.1:0", publicListen: "127.0.0.1:0", tls: good });
    await using plain = await openForwarder(secure.url);
    const env = { HYDRA_ADMIN_URL: plain.url, HYDRA_PUBLIC_URL: secure.publicUrl };
    try {
      const create = ["clients", "create", "--id", "spa", "-c", REDIRECT, "--token-endpoint-auth-method", "none"];
      assert.equal((await hydra(create, env)).status, 0);
      const untrusted = await step("discovery", ["spa"], env);
      assert.equal(untrusted.error, "certificate");
      for (const trust of [["--ca-file", path("ca.pem")], ["--skip-tls-verify"]]) {
        const all = await steps(["spa", ...trust], env);
        assert.ok(
          all.every(({ status }) => status === "passed" || status === "skipped"),
          JSON.stringify(all),
        );
      }
    } finally {
      await secure.close();
    }
  });

  test("fails at once for a wrong public URL", async () => {
    const admin = await steps(["web"], { HYDRA_PUBLIC_URL: server.url });
    assert.equal(admin[0]?.error, "admin-port");
    assert.ok(admin.slice(1).every(({ status, detail }) => status === "skipped" && detail !== ""));
    const nobody = await step("discovery", ["web", "--public-url", "http://127.0.0.1:9"]);
    assert.equal(nobody.error, "unreachable");
  });

  test("exits with the code of the admin API's failure", async () => {
    const [missing, unreachable, wrongPort] = await Promise.all([
      hydra(["clients", "test", "nobody"]),
      hydra(["clients", "test", "web", "--fail-after", "0"], { HYDRA_ADMIN_URL: "http://127.0.0.1:9" }),
      hydra(["clients", "test", "web"], { HYDRA_ADMIN_URL: server.publicUrl }),
    ]);
    assert.deepEqual([missing.status, missing.stdout], [4, ""]);
    assert.deepEqual([unreachable.status, unreachable.stdout], [6, ""]);
    assert.deepEqual([wrongPort.status, wrongPort.stdout], [1, ""]);
  });

  test("rejects a wrong command line before anything is sent", async () => {
    writeFileSync(path("other.env"), readFileSync(path("web.env")));
    writeFileSync(path("no.pem"), "no key");
    for (const [args, message, more] of [
      [[], /Missing ID after hydra clients test/],
      [["web", "spa"], /Unexpected argument/],
      [["web"], /No public URL/, { HYDRA_PUBLIC_URL: undefined }],
      [["web", "--public-url", "127.0.0.1:4444"], /is not an http or https URL/],
      [["web", "--public-url", "http://u:p@127.0.0.1:4444"], /has a user\n/],
      [["web", "--subject", ""], /--subject "" is empty/],
      [["spa", "--credentials", path("other.env")], /The credentials are of client "web", not of client "spa"/],
      [["web", "--client-secret-file", "-", "--credentials", path("web.env")], /cannot be used together/],
      [["web", "--client-key", path("no.pem")], /Client "web" is registered with client_secret_basic/],
      [
        ["odd", "--credentials", path("odd.env")],
        /Hint: Hydra doesn't support it: hydra clients update odd --token-endpoint-auth-method client_secret_basic\n/,
      ],
      [["web", "--client-key", path("no.pem"), "--auth-method", "private_key_jwt"], /Cannot read the client key/],
    ] as const) {
      const { status, stdout, stderr } = await hydra(["clients", "test", ...args], more);
      assert.equal(status, 2, `${args.join(" ")}: ${stdout}${stderr}`);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /u:p/);
    }
  });

  test("ignores a secret in the environment that belongs to another client", async () => {
    const env = { OAUTH2_CLIENT_ID: "machine", OAUTH2_CLIENT_SECRET: WRONG };
    const found = await step("credentials", ["web"], env);
    assert.deepEqual([found.status, found.detail], ["skipped", "none were given"]);
  });
});

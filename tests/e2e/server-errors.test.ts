/** What the program says when a server, or something in front of it, answers with an error. */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { runBinary } from "./binary.ts";
import { instead, type Plan, type Reply } from "./fault-proxy.ts";
import { assertFails, openScenario, SEED, SLOW } from "./scenario.ts";

/** A server that answers every connection with the same bytes. */
async function answering(bytes: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe("http to a port for TLS", () => {
  const ANSWERS = {
    Go: "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    nginx:
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
    Tomcat:
      "HTTP/1.1 400 \r\nContent-Type: text/plain;charset=UTF-8\r\nConnection: close\r\n\r\nBad Request\r\nThis combination of host and port requires TLS.\r\n",
  };
  const LINES = [
    [["clients", "create", "-g", "client_credentials"], "Cannot create client"],
    [["clients", "list"], "Cannot list clients"],
    [["clients", "get", "a"], 'Cannot get client "a"'],
    [["clients", "delete", "a"], 'Cannot delete client "a"'],
    [["wait"], "Cannot wait for the server"],
  ] as const;

  for (const [server, bytes] of Object.entries(ANSWERS)) {
    it(`is named, as ${server} answers it`, SLOW, async () => {
      await using port = await answering(bytes);
      for (const [args, action] of LINES) {
        const ended = await runBinary([...args, "--endpoint", port.url, "--fail-after", "3s"]);
        assertFails(ended, 1, new RegExp(`^Error: ${action}: ${port.url} uses TLS: the server requires https$`));
        const https = port.url.replace("http:", "https:");
        assert.ok(
          ended.stderr.includes(`Hint: use ${https} (with --ca-file, or for tests --skip-tls-verify)\n`),
          ended.stderr,
        );
      }
    });
  }
});

describe("http to the public port of a server with TLS", () => {
  it("is named by --verify, before anything is created", SLOW, async () => {
    await using port = await answering(
      "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    );
    await using scenario = await openScenario();
    const ended = await scenario.run([...SEED, "--verify", "--public-url", port.url]);
    assertFails(
      ended,
      1,
      new RegExp(`^Error: Cannot find the token endpoint: ${port.url} uses TLS: the server requires https$`),
    );
    assert.deepEqual(scenario.sandbox.clients(), []);
  });
});

const HTML = { "content-type": "text/html; charset=utf-8" };

const TOKEN = { OAUTH2_ACCESS_TOKEN: "hush-hush-token" };

/** An answer to each request, and the lines that the program writes about it. */
const MISTAKES: readonly {
  readonly name: string;
  readonly reply: Reply;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly error: RegExp;
  readonly hint?: RegExp;
}[] = [
  {
    name: "one line of plain text",
    reply: { status: 400, headers: { "content-type": "text/plain; charset=utf-8" }, body: "tenant is missing\n" },
    status: 1,
    error: /: server answered 400: tenant is missing$/,
  },
  {
    name: "one line without a type",
    reply: { status: 418, body: "upstream says no." },
    status: 1,
    error: /: server answered 418: upstream says no$/,
  },
  {
    name: "a long text",
    reply: { status: 400, headers: { "content-type": "text/plain" }, body: "x".repeat(5000) },
    status: 1,
    error: /: server answered 400$/,
  },
  {
    name: "several lines",
    reply: { status: 400, headers: { "content-type": "text/plain" }, body: "a trace\n  at b\n  at c\n" },
    status: 1,
    error: /: server answered 400$/,
  },
  {
    name: "text that moves the cursor",
    reply: { status: 400, headers: { "content-type": "text/plain" }, body: "no\u001b[2Jway" },
    status: 1,
    error: /: server answered 400: no\\x1b\[2Jway$/,
  },
  {
    name: "text that repeats the token",
    reply: { status: 400, headers: { "content-type": "text/plain" }, body: "bad: hush-hush-token" },
    env: TOKEN,
    status: 1,
    error: /: server answered 400: bad: \(redacted\)$/,
  },
  {
    name: "a token of the environment that was not accepted",
    reply: {
      status: 401,
      headers: {
        "content-type": "application/json",
        "www-authenticate":
          'Bearer realm="admin", error="invalid_token", error_description="token hush-hush-token expired"',
        "x-request-id": "req-42",
      },
      body: '{"error":"invalid_token","error_description":"The token has expired"}',
    },
    env: TOKEN,
    status: 3,
    error:
      /^Error: Cannot list clients: server answered 401: The token has expired; the token of environment variable OAUTH2_ACCESS_TOKEN was not accepted \(GET http:\S+\/admin\/clients; WWW-Authenticate: Bearer realm="admin", error="invalid_token", error_description="token \(redacted\) expired"; request ID req-42\)$/,
    hint: /^Hint: check the token of environment variable OAUTH2_ACCESS_TOKEN: it may have expired, or be for another server$/m,
  },
  {
    name: "a token of a flag, with the request ID in the body",
    reply: { status: 401, body: '{"error":{"code":401,"request":"body-7","message":"Unauthorized"}}' },
    args: ["--access-token", "hush-hush-token"],
    status: 3,
    error: /Unauthorized; the token of --access-token was not accepted \(GET \S+; request ID body-7\)$/,
  },
  {
    name: "a header that was not accepted",
    reply: { status: 403, headers: { "content-type": "text/plain" }, body: "RBAC: access denied" },
    args: ["-H", "X-Api-Key: hush-hush"],
    status: 3,
    error: /403: RBAC: access denied; the header of -H was not accepted \(GET \S+\)$/,
    hint: /^Hint: check the header of -H: it may lack a permission$/m,
  },
  {
    name: "no credential",
    reply: { status: 401, headers: { "www-authenticate": "Basic realm=x" } },
    status: 3,
    error: /answered 401; no credential was sent \(GET \S+; WWW-Authenticate: Basic realm=x\)$/,
    hint: /--access-token or OAUTH2_ACCESS_TOKEN/,
  },
  {
    name: "a web page with a title",
    reply: { status: 403, headers: HTML, body: "<!doctype html><head><title>\n Attention &amp; stop\n</title></head>" },
    status: 3,
    error: /server answered 403 with the web page "Attention & stop"; no credential was sent/,
  },
  {
    name: "a page of success with a title",
    reply: { status: 200, headers: HTML, body: "<html><TITLE lang=en>Sign in to Example</TITLE>" },
    status: 1,
    error: /server answered 200 with the web page "Sign in to Example" instead of a list of clients$/,
    hint: /^Hint: a proxy in front of the server asks people to sign in/m,
  },
  {
    name: "a page without a title or a type",
    reply: { status: 400, body: "<html><body>no</body></html>" },
    status: 1,
    error: /server answered 400 with a web page$/,
  },
  {
    name: "a redirect to a sign-in page",
    reply: { status: 302, headers: { location: "https://sso.example.com/login?next=%2Fadmin&key=hush" } },
    status: 1,
    error: /server redirects to a sign-in page, "https:\/\/sso\.example\.com\/login\?…" \(status 302\)$/,
    hint: /^Hint: a proxy in front of the server asks people to sign in/m,
  },
  {
    name: "a redirect to the sign-in page of the same host",
    reply: { status: 302, headers: { location: "/oauth2/start?rd=x" } },
    status: 1,
    error: /server redirects to a sign-in page, "\/oauth2\/start" \(status 302\)$/,
  },
  {
    name: "a redirect to the same path of a host that is called auth",
    reply: { status: 301, headers: { location: "https://auth.example.com/admin/clients/" } },
    status: 1,
    error:
      /server redirects to "https:\/\/auth\.example\.com\/admin\/clients\/" \(status 301\), which is not followed$/,
  },
];

describe("an error of the server", () => {
  for (const { name, reply, args = [], env = {}, status, error, hint = /^Hint: /m } of MISTAKES) {
    it(`is shown: ${name}`, SLOW, async () => {
      await using scenario = await openScenario("26", () => instead(reply));
      const ended = await scenario.run(["clients", "list", "--fail-after", "0", ...args], { env });
      assertFails(ended, status, error);
      assert.match(ended.stderr, hint);
      assert.doesNotMatch(ended.stderr, /hush-hush|\u001b/);
    });
  }

  it("of a deployment that expects a TLS proxy names --fake-tls-termination", SLOW, async () => {
    const body = '{"error":{"message":"can not serve request over insecure http"}}';
    await using scenario = await openScenario("26", () => instead({ status: 502, body }));
    const ended = await scenario.run(["clients", "list", "--fail-after", "0"]);
    assertFails(ended, 6, /502: can not serve request over insecure http$/);
    assert.match(ended.stderr, /^Hint: .*--fake-tls-termination$/m);
  });
});

describe("the public port", () => {
  const openId: Plan = ({ target }) =>
    target === "/.well-known/openid-configuration"
      ? instead({ status: 200, body: '{"issuer":"http://127.0.0.1:4444/"}' })
      : instead({ status: 404, body: "404 page not found" });

  it("is detected, and the error names the setting it came from", SLOW, async () => {
    await using scenario = await openScenario("26", openId);
    for (const args of [["clients", "list"], SEED, ["clients", "get", "a"]]) {
      assertFails(
        await scenario.run(args),
        1,
        /\(environment variable HYDRA_ADMIN_URL\) is the public port of Hydra, not a Hydra/,
      );
    }
    const ended = await runBinary(["clients", "list", "--endpoint", scenario.url]);
    assertFails(ended, 1, /\(--endpoint\) is the public port of Hydra/);
    assert.match(ended.stderr, /^Hint: use the URL of the admin port, which is another one: 4445 by default$/m);
  });
});

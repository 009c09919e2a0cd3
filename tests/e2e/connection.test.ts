/** Ways to reach the admin API: unix sockets, TLS, headers, and the path of the endpoint. */

import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { runBinary, temporaryFolder } from "./binary.ts";
import { dropAfter, inOrder, instead, openFaultProxy } from "./fault-proxy.ts";
import { assertExit, assertFails, isStored, openScenario, printed, SEED, SLOW } from "./scenario.ts";
import { type Certificates, type Identity, makeCertificates } from "./tls.ts";

const DATES = /^Hint: renew the server's certificate, or correct the clock of this machine; /m;

describe("over a unix socket", () => {
  it("creates a client, on every version", SLOW, async () => {
    using folder = temporaryFolder();
    for (const as of ["1.8", "2.1", "26"] as const) {
      const listen = `unix://${join(folder.path, "a b.sock")}`;
      const sandbox = await startSandbox({ as, listen });
      try {
        const ended = await runBinary([...SEED, "--endpoint", listen]);
        assertExit(ended, 0);
        const { id, secret } = printed(ended);
        assert.equal(sandbox.secretOf(id), secret);
        assert.equal(ended.stderr, "");
      } finally {
        await sandbox.close();
      }
    }
  });

  it("carries every header and is retried like TCP, without a proxy", async () => {
    using folder = temporaryFolder();
    const socket = join(folder.path, "hydra.sock");
    await using scenario = await openScenario();
    await using spoiled = await proxyOn(scenario.sandbox.url, socket);
    const ended = await runBinary(
      [
        ...[...SEED, "--endpoint", `unix://${socket}`, "--access-token", "tok", "--fake-tls-termination"],
        ...["-H", "X-Url: http://a:1", "-H", "X-List: a", "-H", "x-list: b", "--skip-tls-verify"],
      ],
      { env: { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" } },
    );
    isStored(scenario, ended);
    assert.equal(spoiled.posts().length, 3);
    for (const { headers } of spoiled.posts()) {
      assert.equal(headers["authorization"], "Bearer tok");
      assert.equal(headers["x-forwarded-proto"], "https");
      assert.equal(headers["x-url"], "http://a:1");
      assert.equal(headers["x-list"], "a, b");
      assert.equal(headers["host"], "localhost");
    }
  });

  it("reports what is wrong with a socket", async () => {
    using folder = temporaryFolder();
    const at = (name: string): string[] => [
      ...[...SEED, "--fail-after", "0", "--endpoint", `unix://${join(folder.path, name)}`],
    ];
    assertFails(await runBinary(at("missing.sock")), 6, /missing\.sock: the socket does not exist/);
    writeFileSync(join(folder.path, "file"), "");
    assertFails(await runBinary(at("file")), 6, /file: (connection refused|not a socket)/);
    const left = createServer();
    await new Promise<void>((resolve) => left.listen(join(folder.path, "left.sock"), resolve));
    await new Promise<void>((resolve) => left.close(() => resolve()));
    assertFails(await runBinary(at("left.sock")), 6, /left\.sock: /);
  });

  it("names the socket that a request about a token can't reach, and not only localhost", async () => {
    using folder = temporaryFolder();
    const endpoint = ["--fail-after", "0", "--endpoint", `unix://${join(folder.path, "missing.sock")}`];
    assertFails(await runBinary(["token", "introspect", "x", ...endpoint]), 6, /through unix:\/\/.*\/missing\.sock/);
  });

  it("says that a socket below a file does not exist", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "file"), "");
    const endpoint = ["--fail-after", "0", "--endpoint", `unix://${join(folder.path, "file")}/a.sock`];
    assertFails(await runBinary(["clients", "list", ...endpoint]), 6, /a\.sock: the socket does not exist/);
  });
});

/** A proxy on a unix socket that answers 503 first, loses the next answer, and lets the rest through. */
async function proxyOn(server: string, socket: string) {
  const proxy = await openFaultProxy(server, inOrder(instead({ status: 503 }), dropAfter), socket);
  return { posts: proxy.posts, [Symbol.asyncDispose]: proxy.close };
}

describe("over TLS", () => {
  let made: Certificates;
  let folder: ReturnType<typeof temporaryFolder>;
  let caFile: string;

  before(() => {
    made = makeCertificates();
    folder = temporaryFolder();
    caFile = join(folder.path, "ca.pem");
    writeFileSync(caFile, `a comment\n${made.authority.cert}`);
  });

  after(() => {
    folder[Symbol.dispose]();
  });

  async function serving(identity: Identity): Promise<Sandbox & AsyncDisposable> {
    const tls = { key: identity.key, cert: identity.cert };
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0", tls });
    return { ...sandbox, [Symbol.asyncDispose]: sandbox.close };
  }

  it("trusts an authority given by --ca-file, for a host name and for an address", async () => {
    await using sandbox = await serving(made.good);
    for (const url of [sandbox.url, sandbox.url.replace("127.0.0.1", "localhost")]) {
      const ended = await runBinary([...SEED, "--endpoint", url, "--ca-file", caFile]);
      assertExit(ended, 0);
      assert.equal(sandbox.secretOf(printed(ended).id), printed(ended).secret);
      assert.equal(ended.stderr, "");
    }
  });

  it("rejects untrusted certificates at once, and creates nothing", SLOW, async () => {
    const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
    const cases: readonly (readonly [identity: Identity, more: readonly string[], reason: RegExp, hint?: RegExp])[] = [
      [made.good, [], /certificate's authority is not trusted/],
      [made.selfSigned, [], /certificate is self-signed and not trusted/],
      [made.selfSigned, ["--ca-file", caFile], /certificate is self-signed and not trusted/],
      [
        made.elsewhere,
        ["--ca-file", caFile],
        /certificate is for another host name: it is for hydra\.example, not 127\.0\.0\.1$/,
        /^Hint: use a host name that the certificate is for, /m,
      ],
      [
        made.expired,
        ["--ca-file", caFile],
        new RegExp(`certificate has expired: it was valid until ${ago(1)}$`),
        DATES,
      ],
      [
        made.early,
        ["--ca-file", caFile],
        new RegExp(`certificate is not valid yet: it is valid from ${ago(-1)}$`),
        DATES,
      ],
    ];
    for (const [identity, more, reason, hint] of cases) {
      await using sandbox = await serving(identity);
      using home = temporaryFolder();
      const ended = await runBinary([...SEED, "--endpoint", sandbox.url, ...more], { env: { HOME: home.path } });
      assertFails(ended, 6, reason);
      assert.match(ended.stderr, hint ?? /^Hint: .*--ca-file FILE or SSL_CERT_FILE=FILE/m);
      if (hint !== undefined) assert.doesNotMatch(ended.stderr, /^Hint: .*--ca-file/m);
      assert.doesNotMatch(ended.stderr, /trying again|rescue|recovery|secret/);
      assert.equal(sandbox.clients().length, 0);
    }
  });

  it(
    "names the variables of other programs that name authorities, where a certificate is not trusted",
    SLOW,
    async () => {
      await using sandbox = await serving(made.good);
      const args = ["clients", "list", "--endpoint", sandbox.url];
      for (const [env, hint] of [
        [{}, /^Hint: trust .* for testing only$/m],
        [{ NODE_EXTRA_CA_CERTS: caFile }, /^Hint: .*SSL_CERT_FILE.*; NODE_EXTRA_CA_CERTS is set but not read$/m],
        [{ CURL_CA_BUNDLE: caFile }, /; CURL_CA_BUNDLE is set but not read$/m],
        [{ SSL_CERT_FILE: `${caFile}.none` }, /; SSL_CERT_FILE is set: check the certificates there$/m],
        [
          { NODE_EXTRA_CA_CERTS: caFile, CURL_CA_BUNDLE: caFile },
          /; NODE_EXTRA_CA_CERTS and CURL_CA_BUNDLE are set but not read$/m,
        ],
      ] as const) {
        const ended = await runBinary(args, { env });
        assertFails(ended, 6, /certificate's authority is not trusted$/);
        assert.match(ended.stderr, hint);
        assertExit(await runBinary([...args, "--ca-file", caFile], { env }), 0);
        assertExit(await runBinary(args, { env: { ...env, SSL_CERT_FILE: caFile } }), 0);
      }
      const url = sandbox.url.replace("https:", "http:");
      assertFails(await runBinary([...args.slice(0, 3), url, "--ca-file", `${caFile}.none`]), 2, /ca\.pem\.none/);
    },
  );

  it("says in token commands which flag trusts a certificate, and names none that they don't have", async () => {
    await using untrusted = await serving(made.good);
    await using elsewhere = await serving(made.elsewhere);
    const get = ["token", "client", "--client-id", "a", "--public-url", untrusted.url];
    const got = await runBinary(get, { env: { OAUTH2_CLIENT_SECRET: "secret" } });
    assertFails(got, 6, /certificate's authority is not trusted$/);
    assert.match(got.stderr, /^Hint: trust the server's CA with --ca-file FILE or SSL_CERT_FILE=FILE$/m);
    for (const { url } of [untrusted, elsewhere]) {
      const decoded = await runBinary(["token", "decode", "e30.e30.AA", "--verify", "--public-url", url]);
      assertFails(decoded, 6, /certificate/);
      assert.doesNotMatch(decoded.stderr, /--skip-tls-verify|admin API/);
    }
  });

  it("trusts a self-signed certificate given by --ca-file", async () => {
    await using sandbox = await serving(made.selfSigned);
    const file = join(folder.path, "self.pem");
    writeFileSync(file, made.selfSigned.cert);
    const ended = await runBinary([...SEED, "--endpoint", sandbox.url, "--ca-file", file]);
    assertExit(ended, 0);
    assert.equal(sandbox.secretOf(printed(ended).id), printed(ended).secret);
  });

  it("skips the check with a warning", SLOW, async () => {
    for (const identity of [made.selfSigned, made.elsewhere, made.expired]) {
      await using sandbox = await serving(identity);
      const ended = await runBinary([...SEED, "--endpoint", sandbox.url, "--skip-tls-verify"]);
      assertExit(ended, 0);
      assert.equal(sandbox.secretOf(printed(ended).id), printed(ended).secret);
      assert.match(ended.stderr, /^Warning: .*certificate is not verified \(--skip-tls-verify\)/);
    }
  });

  it("checks --ca-file before anything is sent, also for http", async () => {
    await using scenario = await openScenario();
    assertFails(await scenario.run([...SEED, "--ca-file", "/nothing/there"]), 2, /the file does not exist/);
    assert.equal(scenario.proxy.seen.length, 0);
    isStored(scenario, await scenario.run([...SEED, "--ca-file", caFile]));
    await using sandbox = await serving(made.good);
    const empty = join(folder.path, "empty.pem");
    const broken = join(folder.path, "broken.pem");
    writeFileSync(empty, "nothing\n");
    writeFileSync(broken, made.good.cert.replace(/^M.{20}/m, "A".repeat(20)));
    for (const [file, reason] of [
      ["/nothing/there", /the file does not exist/],
      [folder.path, /directory/],
      [empty, /no certificate/],
      [broken, /cannot be read/],
    ] as const) {
      const ended = await runBinary([...SEED, "--endpoint", sandbox.url, "--ca-file", file]);
      assertFails(ended, 2, reason);
      assert.match(ended.stderr, /--ca-file/);
    }
    assert.equal(sandbox.clients().length, 0);
  });

  it("reports a port that doesn't speak TLS, and isn't retried", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([...SEED, "--endpoint", scenario.sandbox.url.replace("http", "https")]);
    assertFails(ended, 6, /the TLS handshake failed: this port may not speak TLS, or require a client certificate/);
    assert.doesNotMatch(ended.stderr, /retrying/);
    assert.equal(scenario.sandbox.clients().length, 0);
  });
});

describe("the headers", () => {
  it("are sent unchanged with every request", async () => {
    await using scenario = await openScenario("1.8");
    const ended = await scenario.run([
      ...[...SEED, "-H", "X-Url: http://a:1", "--header", "X-Comma: a,b", "--http-header", "X-Blank:"],
      ...["--fake-tls-termination"],
    ]);
    isStored(scenario, ended);
    assert.equal(scenario.proxy.posts().length, 2);
    for (const { headers } of scenario.proxy.seen) {
      assert.equal(headers["x-url"], "http://a:1");
      assert.equal(headers["x-comma"], "a,b");
      assert.equal(headers["x-blank"], "");
      assert.equal(headers["x-forwarded-proto"], "https");
      assert.equal(headers["authorization"], undefined);
      assert.equal(headers["content-type"], "application/json");
    }
  });

  it("hold the token of the flag, else of the environment, else of the file", SLOW, async () => {
    await using scenario = await openScenario();
    const file = join(scenario.home, "config.yaml");
    writeFileSync(file, `endpoint: ${scenario.url}\naccess_token: from-file\n`);
    chmodSync(file, 0o600);
    const config = ["--config", file];
    const env = { OAUTH2_ACCESS_TOKEN: "from-environment" };
    const sent = async (...[args, options]: Parameters<typeof scenario.run>): Promise<string | undefined> => {
      assertExit(await scenario.run(args, options), 0);
      return scenario.proxy.seen.at(-1)?.headers["authorization"];
    };
    assert.equal(await sent([...SEED, ...config, "--access-token", "from-flag"], { env }), "Bearer from-flag");
    assert.equal(await sent([...SEED, ...config], { env }), "Bearer from-environment");
    assert.equal(await sent([...SEED, ...config]), "Bearer from-file");
    assert.equal(await sent([...SEED, ...config, "-H", "Authorization: Basic eDp5"]), "Basic eDp5");
    assert.equal(await sent(SEED), undefined);
    const withUser = scenario.url.replace("http://", "http://user:p%40ss@");
    const basic = `Basic ${Buffer.from("user:p@ss").toString("base64")}`;
    assert.equal(await sent([...SEED, "--endpoint", withUser]), basic);
    assert.equal(await sent([...SEED, "--endpoint", withUser, "--access-token", "t"]), "Bearer t");
  });

  it("never show the userinfo of a URL", async () => {
    await using scenario = await openScenario("26", inOrder(instead({ status: 401 })));
    const ended = await scenario.run([
      ...SEED,
      "-v",
      "--endpoint",
      scenario.url.replace("http://", "http://user:hush@"),
    ]);
    assertFails(ended, 3, /401/);
    assert.doesNotMatch(ended.stderr, /hush|user:/);
  });

  it("are rejected when they cannot be sent or contradict each other", async () => {
    await using scenario = await openScenario();
    const bad = ["X\r\nY: 1", "X: a\nb: c", ": value", "X Y: 1", "Content-Length: 3", "X: \u{1f600}"];
    for (const header of bad) assertFails(await scenario.run([...SEED, "-H", header]), 2, /-H/);
    const two = await scenario.run([...SEED, "--header", "authorization: hush", "--access-token", "hush"]);
    assertFails(two, 2, /--access-token and --header/);
    assert.doesNotMatch(two.stderr, /hush/);
    assertFails(await scenario.run([...SEED, "--access-token", "a b"]), 2, /--access-token/);
    assert.equal(scenario.proxy.seen.length, 0);
  });
});

describe("the path of the endpoint", () => {
  it("may end with a slash, and /admin is removed with a note", async () => {
    for (const as of ["1.8", "26"] as const) {
      await using scenario = await openScenario(as);
      const ended = await scenario.run([...SEED, "--endpoint", `${scenario.url}/admin/`]);
      isStored(scenario, ended);
      assert.match(ended.stderr, /^Warning: \/admin at the end of --endpoint is ignored/);
    }
    await using scenario = await openScenario();
    isStored(scenario, await scenario.run([...SEED, "--endpoint", `${scenario.url}/`]));
  });

  it("is kept before the paths of the API", async () => {
    await using scenario = await openScenario("26", ({ method }) =>
      method === "POST" ? instead({ status: 401 }) : undefined,
    );
    assertFails(await scenario.run([...SEED, "--endpoint", `${scenario.url}/hydra/one`]), 3, /401/);
    assert.equal(scenario.proxy.posts()[0]?.target, "/hydra/one/admin/clients");
  });

  it("is used only in the API version that --api selects", async () => {
    await using old = await openScenario("1.8");
    isStored(old, await old.run([...SEED, "--api", "v1"]));
    assert.deepEqual(
      old.proxy.seen.map(({ target }) => target),
      ["/clients"],
    );
    assertFails(await old.run([...SEED, "--api", "v2"]), 1, /has no \/admin\/clients/);
  });
});

/** `token user` through the compiled program: the login in a browser, the listener, and what can go wrong. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { RogueIssuer } from "../adapters/oauth/rogue-issuer.ts";
import { type RogueServer, rogueServer, sendJson } from "../adapters/oauth/support.ts";
import { dotenvValue } from "../dotenv-value.ts";
import {
  type Ended,
  type Running,
  type RunningSandbox,
  runBinary,
  startBinary,
  temporaryFolder,
  withSandbox,
} from "./binary.ts";
import { browse, submittedForm, unusedPort, type Visited, visit } from "./browser.ts";
import { openTerminal } from "./terminal.ts";

const folder = temporaryFolder();

let server: RunningSandbox;

const LOGIN = ["-g", "authorization_code,refresh_token", "-r", "code", "-a", "openid,offline"];

function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { HYDRA_PUBLIC_URL: server.publicUrl, HOME: folder.path, ...more };
}

const credentials = (id: string): readonly string[] => ["--credentials", join(folder.path, `${id}.env`)];

/** Registers a client with its credentials in a file. */
async function register(id: string, ...flags: readonly string[]): Promise<void> {
  const args = ["clients", "create", "--id", id, ...LOGIN, ...flags, "--secret-out", join(folder.path, `${id}.env`)];
  const { status, stderr } = await runBinary(args, { env: { HYDRA_ADMIN_URL: server.url } });
  assert.equal(status, 0, stderr);
}

before(async () => {
  server = await withSandbox("26");
  await register("web", "-c", "http://127.0.0.1/callback");
});

after(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

/** The URL of the login that a program has printed. */
async function loginUrl(running: Running): Promise<URL> {
  const text = await running.seen("stderr", /^https?:\/\/\S+\n/m);
  return new URL(/^https?:\/\/\S+$/m.exec(text)?.[0] ?? "");
}

function parameter(url: URL, name: string): string {
  return url.searchParams.get(name) ?? assert.fail(`${url} has no ${name}`);
}

function startLogin(flags: readonly string[] = [], more: Readonly<Record<string, string>> = {}): Running {
  return startBinary(["token", "user", ...credentials("web"), ...flags], { env: environment(more) });
}

/** A whole login. */
async function logIn(
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: URL; readonly pages: readonly Visited[]; readonly ended: Ended }> {
  await using running = startBinary(args, { env: environment(more) });
  const url = await loginUrl(running);
  const { pages } = await browse(url.href);
  return { url, pages, ended: await running.ended };
}

/** Sends the answer to a login as a browser does, which then gets the page after it; gives that page. */
async function answerLogin(url: URL, query: string): Promise<Visited> {
  const redirectUri = parameter(url, "redirect_uri");
  const page = await visit(`${redirectUri}?state=${parameter(url, "state")}&${query}`);
  assert.equal(page.status, 303);
  return visit(new URL("/done", redirectUri).href);
}

function assertFails({ status, stdout, stderr }: Ended, expected: number, message: RegExp): void {
  assert.match(stderr, message);
  assert.equal(status, expected);
  assert.equal(stdout, "");
}

/** The page of a listener that is not the answer to a login. */
async function assertNothing(page: Promise<Visited>, status = 404): Promise<void> {
  const got = await page;
  assert.equal(got.status, status, got.text);
  assertPrivate(got);
}

function assertPrivate({ headers }: Visited): void {
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.match(String(headers["content-security-policy"]), /^default-src 'none'/);
}

describe("token user", () => {
  test("logs a user in with PKCE, state and nonce, and prints the tokens with the labels of Hydra's 1.x CLI", async () => {
    const { url, pages, ended } = await logIn(["token", "user", ...credentials("web"), "-v"]);
    assert.equal(ended.status, 0, ended.stderr);
    const labels = /^Access Token:\n\t(\S+)\nRefresh Token:\n\t(\S+)\nExpires in:\n\t\S+Z\nID Token:\n\t(\S+)\n$/;
    const [, ...tokens] = labels.exec(ended.stdout) ?? assert.fail(ended.stdout);
    assert.equal(parameter(url, "code_challenge_method"), "S256");
    assert.equal(parameter(url, "scope"), "offline openid");
    assert.ok(parameter(url, "state").length >= 43 && parameter(url, "nonce").length >= 43);
    for (const [name, value] of url.searchParams) assert.notEqual(value, "", name);
    const redirectUri = parameter(url, "redirect_uri");
    assert.match(redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);

    const [callback, done] = pages.slice(-2);
    assert.ok(callback !== undefined && done !== undefined);
    assert.equal(callback.status, 303);
    assert.equal(done.url, new URL("/done", redirectUri).href);
    assert.equal(done.status, 200);
    const code = new URL(callback.url).searchParams.get("code") ?? assert.fail("no code");
    for (const page of [callback, done]) {
      assertPrivate(page);
      for (const secret of [code, ...tokens])
        assert.ok(!`${page.text}${JSON.stringify(page.headers)}`.includes(secret));
    }
    for (const secret of [code, ...tokens]) assert.ok(!ended.stderr.includes(secret));
    await assert.rejects(visit(redirectUri), /ECONNREFUSED/);
  });

  test("prints the whole answer as JSON, the access token with -q, and a table in 2.x syntax", async () => {
    const json = (await logIn(["token", "user", ...credentials("web"), "--format", "json"])).ended;
    const answer: unknown = JSON.parse(json.stdout);
    assert.ok(typeof answer === "object" && answer !== null);
    const names = [
      "access_token",
      "expires_at",
      "expires_in",
      "expiry",
      "id_token",
      "refresh_token",
      "scope",
      "token_type",
    ];
    assert.deepEqual(Object.keys(answer).toSorted(), names);
    const bare = (await logIn(["token", "user", ...credentials("web"), "-q", "--scope", "openid"])).ended;
    assert.match(bare.stdout, /^ory_at_\S+\n$/);
    const table = (await logIn(["perform", "authorization-code", ...credentials("web")])).ended;
    assert.match(
      table.stdout,
      /^ACCESS TOKEN\tory_at_\S+\nREFRESH TOKEN\tory_rt_\S+\nID TOKEN\t+eyJ\S+\nEXPIRY\t+\S+Z\n$/,
    );
  });

  test("sends the flags that are given, and nothing else", async () => {
    await using running = startLogin([
      ...["--prompt", "login,consent", "--max-age", "600", "--audience", "https://api", "--state", "a-fixed-state"],
      ...["--redirect", "http://[::1]/other?x=1", "--scope", "openid", "--response-mode", "form_post"],
    ]);
    const url = await loginUrl(running);
    assert.equal(parameter(url, "prompt"), "login consent");
    assert.equal(parameter(url, "max_age"), "600");
    assert.equal(parameter(url, "audience"), "https://api");
    assert.equal(parameter(url, "state"), "a-fixed-state");
    assert.equal(parameter(url, "response_mode"), "form_post");
    assert.match(parameter(url, "redirect_uri"), /^http:\/\/\[::1\]:\d+\/other\?x=1$/);
    await using plain = startLogin(["--max-age=-1", "--prompt", ""]);
    const names = ["client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri"];
    assert.deepEqual([...(await loginUrl(plain)).searchParams.keys()].toSorted(), [
      ...names,
      "response_type",
      "scope",
      "state",
    ]);
  });

  test("gets the response as a form if --response-mode requests it", async () => {
    await using running = startLogin(["--response-mode", "form_post"]);
    const url = await loginUrl(running);
    const redirectUri = parameter(url, "redirect_uri");
    const { pages } = await browse(url.href);
    const { action, body } = submittedForm(pages.at(-1)?.text ?? "");
    assert.equal(action, redirectUri);
    await assertNothing(visit(`${redirectUri}?${body}`));
    const page = await visit(redirectUri, { method: "POST", body: String(body) });
    assert.equal(page.status, 303);
    await visit(new URL("/done", redirectUri).href);
    assert.equal((await running.ended).status, 0);
  });

  test("asks the admin API which redirect URI fits, and whether the client has a secret", async () => {
    const uri = `http://localhost:${await unusedPort()}/app/cb`;
    await register("native", "-c", `https://app.example.com/cb,${uri}`, "--token-endpoint-auth-method", "none");
    const args = ["token", "user", "--client-id", "native", "--admin-url", server.url];
    const { url, ended } = await logIn(args);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(parameter(url, "redirect_uri"), uri);
  });

  test("asks by default only for scopes that the client has, if the admin API knows them", async () => {
    for (const [id, edit, asked] of [
      ["plain", ["--remove-scope", "offline"], "openid"],
      ["wild", ["--remove-scope", "offline", "--add-scope", "off*"], "offline openid"],
    ] as const) {
      await register(id, "-c", "http://127.0.0.1/callback", "--token-endpoint-auth-method", "none");
      const { status, stderr } = await runBinary(["clients", "update", id, ...edit, "--endpoint", server.url]);
      assert.equal(status, 0, stderr);
      const { url } = await logIn(["token", "user", "--client-id", id, "--admin-url", server.url]);
      assert.equal(parameter(url, "scope"), asked);
    }
  });

  test("sends X-Forwarded-Proto to both sides of a server behind a TLS-terminating proxy", async () => {
    const args = ["token", "user", ...credentials("web"), "--admin-url", server.url, "--fake-tls-termination", "-v"];
    const { ended } = await logIn(args);
    assert.equal(ended.status, 0, ended.stderr);
    for (const start of [`GET ${server.url}/admin/clients/web`, `POST ${server.publicUrl}/oauth2/token`]) {
      const [, headers = ""] = ended.stderr.split(`> ${start}\n`);
      assert.match(headers, /^(?:> .*\n)*> x-forwarded-proto: https\n/, start);
    }
  });

  test("reports a redirect URI that isn't registered with the command that adds it, which works", async () => {
    await register("remote", "-c", "https://app.example.com/cb");
    const more = { HYDRA_ADMIN_URL: server.url };
    const args = ["token", "user", ...credentials("remote")];
    const failed = await runBinary(args, { env: environment(more) });
    const message = /is not a redirect URI of client "remote"\nHint: hydra (clients update .*)\n$/;
    assertFails(failed, 1, message);
    const [, line = ""] = message.exec(failed.stderr) ?? [];
    assert.equal(line, "clients update remote --add-callback http://127.0.0.1/callback");
    assert.equal((await runBinary(line.split(" "), { env: more })).status, 0);
    assert.equal((await logIn(args, more)).ended.status, 0);
  });

  test("continues without an admin API that doesn't answer, unless the command line names it", async () => {
    const closed = "http://127.0.0.1:9";
    const { ended } = await logIn(["token", "user", ...credentials("web")], { HYDRA_ADMIN_URL: closed });
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stderr, /the client's settings at the admin API are not checked/);
    const args = ["token", "user", ...credentials("web"), "--admin-url", server.publicUrl];
    assertFails(await runBinary(args, { env: environment() }), 1, /admin/);
  });
});

describe("the listener of token user", () => {
  test("answers nothing but the redirect, and continues waiting after a wrong state", async () => {
    await using running = startLogin();
    const url = await loginUrl(running);
    const redirectUri = parameter(url, "redirect_uri");
    const at = (path: string): string => `${new URL(redirectUri).origin}${path}`;
    const state = parameter(url, "state");
    for (const path of ["/", "/done", "/callback/", "/callbackx", "//callback", "/favicon.ico"])
      await assertNothing(visit(at(`${path}?state=${state}&code=x`)));
    for (const method of ["POST", "HEAD", "PUT"])
      await assertNothing(visit(`${redirectUri}?state=${state}&code=x`, { method }));
    for (const query of ["", "?code=x", "?state=", `?state=${state}x&code=x`, `?state=${state}&state=${state}&code=x`])
      await assertNothing(visit(`${redirectUri}${query}`), 400);
    const flood = Array.from({ length: 300 }, (_, index) => visit(`${redirectUri}?code=c${index}&state=guess${index}`));
    for (const page of await Promise.all(flood)) assert.equal(page.status, 400);
    await browse(url.href);
    const ended = await running.ended;
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stderr.match(/an answer with a wrong state was rejected/g)?.length, 1);
  });

  test("answers only requests for the host and port of the redirect URI", async () => {
    await using running = startLogin();
    const url = await loginUrl(running);
    const { port, href } = new URL(parameter(url, "redirect_uri"));
    const answer = `${href}?state=${parameter(url, "state")}&code=stolen`;
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1",
      `127.0.0.1.evil.example:${port}`,
      "127.0.0.1:1",
    ])
      await assertNothing(visit(answer, { headers: { host } }));
    const { status } = await visit(answer, { headers: { host: `LOCALHOST:${port}` } });
    assert.equal(status, 303);
    await running.ended;
  });

  test("is reached through a proxy or a tunnel by the host of the redirect URI", async () => {
    for (const [redirect, host] of [
      ["https://app.example.com/cb", "app.example.com"],
      ["http://localhost:8080/cb", "localhost:8080"],
    ] as const) {
      const port = String(await unusedPort());
      await using running = startLogin(["--redirect", redirect, "--port", port]);
      const answer = `http://127.0.0.1:${port}/cb?state=${parameter(await loginUrl(running), "state")}&code=none`;
      await assertNothing(visit(answer, { headers: { host: "evil.example" } }));
      assert.equal((await visit(answer, { headers: { host } })).status, 303);
      await running.ended;
    }
  });

  test("accepts one response, and then serves one page", async () => {
    await using running = startLogin();
    const url = await loginUrl(running);
    const { end } = await browse(url.href, ({ pathname }) => pathname === "/callback");
    assert.equal((await visit(end)).status, 303);
    await assertNothing(visit(end));
    await assertNothing(visit(end.replace(/code=[^&]+/, "code=another")));
    const done = new URL("/done", end).href;
    assert.equal((await visit(done)).status, 200);
    const ended = await running.ended;
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stderr.match(/a second answer to this login was ignored/g)?.length, 1);
    await assert.rejects(visit(done), /ECONNREFUSED/);
  });

  test("doesn't wait long for a browser that never asks for the page", async () => {
    await using running = startLogin();
    const url = await loginUrl(running);
    const { end } = await browse(url.href, ({ pathname }) => pathname === "/callback");
    assert.equal((await visit(end)).status, 303);
    assert.equal((await running.ended).status, 0);
  });

  test("is on the loopback address of the redirect URI only", async () => {
    await using running = startLogin();
    const { port } = new URL(parameter(await loginUrl(running), "redirect_uri"));
    const hex = Number(port).toString(16).toUpperCase().padStart(4, "0");
    const listening = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local = "", , state]) => local.endsWith(`:${hex}`) && state === "0A")
        .map(([, local = ""]) => local),
    );
    assert.deepEqual(listening, [`0100007F:${hex}`]);
  });

  test("doesn't take a port that is in use, on either address of localhost", async () => {
    for (const host of ["127.0.0.1", "::1"]) {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, host, resolve));
      try {
        const address = taken.address();
        assert.ok(typeof address === "object" && address !== null);
        const redirect = `http://localhost:${address.port}/callback`;
        const args = ["token", "user", ...credentials("web"), "--redirect", redirect];
        const ended = await runBinary(args, { env: environment() });
        assertFails(
          ended,
          1,
          /Cannot listen on \S+ for the redirect of the login: the port is in use\nHint: stop what/,
        );
      } finally {
        taken.close();
      }
    }
  });
});

describe("the browser of token user", () => {
  let browsers = 0;

  /** A program in the place of xdg-open that notes how it was called. */
  function fakeBrowser(run: (log: string) => string): {
    readonly env: Readonly<Record<string, string>>;
    readonly log: string;
  } {
    const bin = join(folder.path, `browser-${browsers++}`);
    const log = join(bin, "log");
    mkdirSync(bin);
    writeFileSync(log, "");
    writeFileSync(join(bin, "xdg-open"), `#!/bin/sh\n${run(log)}\n`, { mode: 0o755 });
    return { env: { PATH: `${bin}:${process.env["PATH"]}`, DISPLAY: ":99" }, log };
  }

  const noting = (log: string): string =>
    `printf '%s\\n' "$#" "$@" "own=$(env | grep -E '^(HYDRA|OAUTH2|ORY)_')" > '${log}.new'; mv '${log}.new' '${log}'`;

  /** What a browser has noted, which may come after the end of the program that started it. */
  async function notes(log: string): Promise<string> {
    for (;;) {
      const text = readFileSync(log, "utf8");
      if (text !== "") return text;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  test("is started with the URL as its only argument, and without the credentials in the environment", async () => {
    const { env, log } = fakeBrowser(noting);
    const secret = dotenvValue(join(folder.path, "web.env"), "CLIENT_SECRET");
    const more = { ...env, OAUTH2_CLIENT_ID: "web", OAUTH2_CLIENT_SECRET: secret, ORY_SDK_URL: "http://u:p@127.0.0.1" };
    await using running = startBinary(["token", "user"], { env: environment(more) });
    const url = await loginUrl(running);
    await browse(url.href);
    assert.equal((await running.ended).status, 0);
    assert.equal(await notes(log), `1\n${url.href}\nown=\n`);
  });

  test("may run for longer than the program", async () => {
    const closed = join(folder.path, "closed");
    const { env } = fakeBrowser(() => `while [ ! -e '${closed}' ]; do sleep 0.05; done`);
    try {
      await using running = startLogin([], env);
      await browse((await loginUrl(running)).href);
      assert.equal((await running.ended).status, 0);
    } finally {
      writeFileSync(closed, "");
    }
  });

  test("that can't be started is reported, and the login continues", async () => {
    for (const env of [fakeBrowser(() => "exit 3").env, { PATH: folder.path, DISPLAY: ":99" }]) {
      await using running = startLogin([], env);
      await running.seen("stderr", "The browser could not be opened; open the URL yourself");
      await browse((await loginUrl(running)).href);
      assert.equal((await running.ended).status, 0);
    }
  });

  test("isn't started with --no-open, in CI, over SSH or without a display; the device flow is offered", async () => {
    const { env, log } = fakeBrowser(noting);
    const ways: readonly (readonly [readonly string[], Readonly<Record<string, string>>, RegExp])[] = [
      [["--no-open"], env, /^Open this URL in a browser:$/m],
      [[], { ...env, CI: "true" }, /not opened, because this is a CI job/],
      [[], { ...env, SSH_CONNECTION: "192.0.2.1 1 192.0.2.2 22" }, /not opened, because this is an SSH session/],
      [[], { ...env, DISPLAY: "" }, /not opened, because there is no display/],
    ];
    for (const [flags, more, reason] of ways) {
      await using running = startLogin(flags, more);
      await running.seen("stderr", "hydra token device --client-id web");
      await browse((await loginUrl(running)).href);
      const { status, stderr } = await running.ended;
      assert.equal(status, 0);
      assert.match(stderr, reason);
    }
    assert.equal(readFileSync(log, "utf8"), "");
  });

  test("that never comes back ends the command at the time limit", async () => {
    const args = ["token", "user", ...credentials("web"), "--timeout", "10ms"];
    const ended = await runBinary(args, { env: environment() });
    assertFails(ended, 6, /^Error: Login failed: the browser didn't come back within 10ms$/m);
    assert.match(ended.stderr, /hydra clients update web --add-callback http:\/\/127\.0\.0\.1\/callback\n$/);
  });

  test("is no longer waited for after Ctrl-C", async () => {
    await using running = startLogin();
    const redirectUri = parameter(await loginUrl(running), "redirect_uri");
    running.kill("SIGINT");
    assertFails(await running.ended, 130, /^Error: Interrupted/m);
    await assert.rejects(visit(redirectUri), /ECONNREFUSED/);
  });
});

describe("token user on a terminal", () => {
  const url = (screen: string): string => /^http\S+$/m.exec(screen)?.[0] ?? assert.fail(screen);

  test("accepts the URL that the browser was redirected to, and asks again after another one", async () => {
    await register("pasted", "-c", "https://app.example.com/cb");
    const args = ["token", "user", ...credentials("pasted"), "--redirect", "https://app.example.com/cb"];
    await using terminal = await openTerminal(args, { columns: 1000, env: environment() });
    const { end } = await browse(
      url(await terminal.seen(/Paste the URL that it ends at: ?$/m)),
      ({ host }) => host === "app.example.com",
    );
    for (const [typed, warning] of [
      ["nonsense", /this isn't a URL/],
      ["https://app.example.com/cb?code=x&state=other", /the state doesn't match/],
    ] as const) {
      terminal.type("-l", typed);
      terminal.type("Enter");
      await terminal.seen(warning);
    }
    terminal.type("-l", end);
    terminal.type("Enter");
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.match(terminal.screen(), /^Access Token:\n\s+ory_at_\S+$/m);
  });

  test("removes the question when the browser returns", async () => {
    const args = ["token", "user", ...credentials("web"), "-q"];
    await using terminal = await openTerminal(args, { columns: 1000, env: environment() });
    const screen = await terminal.seen(/You can also paste the URL that it ends at: ?$/m);
    await browse(url(screen));
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.match(terminal.screen(), /ends at: *\nory_at_\S+$/m);
  });

  test("ends with 130 after Ctrl-C", async () => {
    await using terminal = await openTerminal(["token", "user", ...credentials("web")], {
      columns: 1000,
      env: environment(),
    });
    await terminal.seen(/ends at: ?$/m);
    terminal.type("C-c");
    assert.equal(await terminal.ended(), 130);
  });

  test("adds the redirect URI only after a yes", async () => {
    await register("asked", "-c", "https://app.example.com/cb");
    const args = ["token", "user", ...credentials("asked")];
    const env = environment({ HYDRA_ADMIN_URL: server.url });
    const callbacks = async (): Promise<string> =>
      (await runBinary(["clients", "get", "asked", "--format", "jsonpath=$.redirect_uris"], { env })).stdout;
    await using declined = await openTerminal(args, { columns: 1000, env });
    await declined.seen(/is not a redirect URI of client "asked"\. Add it at http\S+\? \[y\/N\] ?$/m);
    declined.type("Enter");
    assert.equal(await declined.ended(), 1);
    assert.match(declined.screen(), /hydra clients update asked --add-callback/);
    assert.ok(!(await callbacks()).includes("127.0.0.1"));

    await using accepted = await openTerminal(args, { columns: 1000, env });
    await accepted.seen(/\[y\/N\] ?$/m);
    // What others change while the question waits is kept.
    const [gone, added] = ["https://app.example.com/cb", "https://new.example.com/cb"];
    const edit = ["clients", "update", "asked", "--remove-callback", gone, "--add-callback", added];
    assert.equal((await runBinary(edit, { env })).status, 0);
    accepted.type("y", "Enter");
    await browse(url(await accepted.seen(/ends at: ?$/m)));
    assert.equal(await accepted.ended(), 0, accepted.screen());
    assert.ok((await callbacks()).includes(added) && !(await callbacks()).includes(gone), await callbacks());
    assert.match(accepted.screen(), /Added http:\/\/127\.0\.0\.1\/callback to the redirect URIs of client "asked"/);
    assert.ok((await callbacks()).includes("http://127.0.0.1/callback"));
  });
});

describe("token user fails", () => {
  test("with 1 for an answer with an error, and prints no token", async () => {
    await using running = startLogin(["--format", "json"]);
    const url = await loginUrl(running);
    const done = await answerLogin(url, "error=access_denied&error_description=not%20today");
    assert.match(done.text, /The login was not completed/);
    assert.ok(!done.text.includes("not today"));
    assertFails(await running.ended, 1, /"error":\s*"access-denied"/);
    const scope = await logIn(["token", "user", ...credentials("web"), "--scope", "openid,admin"]);
    assertFails(
      scope.ended,
      1,
      /Login failed: .*\(invalid_scope\)\nHint: ask for fewer scopes, .*: hydra clients update web --add-scope admin\n/,
    );
  });

  test("with 3 for a wrong secret", async () => {
    const more = { OAUTH2_CLIENT_ID: "web", OAUTH2_CLIENT_SECRET: "certainly~not_the.secret" };
    const { ended } = await logIn(["token", "user"], more);
    assertFails(
      ended,
      3,
      /Error: Cannot exchange the code: the server rejected the client's credentials \(invalid_client\)\nHint: check the client ID, and the secret or key; .*\n$/,
    );
    assert.ok(!ended.stderr.includes(more.OAUTH2_CLIENT_SECRET));
  });

  test("with 1 for the admin port", async () => {
    const args = ["token", "user", ...credentials("web"), "--public-url", server.url];
    assertFails(await runBinary(args), 1, /this looks like Hydra's admin port\nHint: give the public port/);
  });

  test("with 2 for flags that aren't supported, each with its reason, before it asks for anything", async () => {
    const flags = ["--https", "--no-shutdown", "--skip"];
    const ended = await runBinary(["perform", "authorization-code", ...credentials("web"), ...flags], {
      env: environment(),
    });
    for (const reason of [/Cannot use --https: a self-signed/, /Cannot use --no-shutdown: the listener is closed/])
      assertFails(ended, 2, reason);
    assert.match(ended.stderr, /Cannot use --skip: only a login and consent application/);
    const off = await logIn(["token", "user", ...credentials("web"), "--https=false", "--skip=false"]);
    assert.equal(off.ended.status, 0);
  });

  test("with 2 for values that can't be right", async () => {
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [["--redirect", "not a uri"], /--redirect "not a uri" is not a redirect URI/],
      [["--redirect", "http://127.0.0.1/cb#x"], /is not a redirect URI/],
      [["--port", "70000"], /--port is not a TCP port/],
      [
        ["--max-age", "soon"],
        /--max-age "soon" is not a whole number\nHint: for example: --max-age 10; -1 is no limit\n/,
      ],
      [["--auth-url", "file:///etc/passwd"], /--auth-url .* is not an http or https URL/],
      [["--token-url", "auth.example.com"], /--token-url .* is not an http or https URL/],
      [["--response-mode", "fragment"], /--response-mode/],
    ];
    for (const [flags, message] of wrong)
      assertFails(
        await runBinary(["token", "user", ...credentials("web"), ...flags], { env: environment() }),
        2,
        message,
      );
  });

  test("with 1 if the redirect goes elsewhere and there is no terminal to paste on", async () => {
    const args = ["token", "user", ...credentials("web"), "--redirect", "https://app.example.com/cb"];
    const ended = await runBinary(args, { env: environment() });
    assertFails(
      ended,
      1,
      /this program can't receive the redirect to https:\/\/app\.example\.com\/cb\nHint: run it on a terminal/,
    );
  });
});

describe("token user with a rogue server", () => {
  /** A login at a server that signs whatever a test wants, with an answer of the test's own. */
  async function rogueLogin(
    issuer: RogueIssuer,
    change: {
      readonly query?: (server: RogueServer) => string;
      readonly claims?: Readonly<Record<string, unknown>>;
      readonly rejectsRevocation?: true;
    } = {},
  ): Promise<Ended> {
    await using rogue = await rogueServer((asked, response, url) => {
      const isRejected = change.rejectsRevocation === true && asked.path === "/revocation";
      if (isRejected) sendJson(response, 400, { error: "invalid_request" });
      else issuer.respond(asked, response, url);
    });
    const more = {
      OAUTH2_CLIENT_ID: "client",
      OAUTH2_CLIENT_SECRET: "secret-of-the-client",
      HYDRA_PUBLIC_URL: rogue.url,
    };
    await using running = startBinary(["token", "user", "--scope", "openid"], { env: environment(more) });
    const url = await loginUrl(running);
    issuer.claims = { nonce: parameter(url, "nonce"), ...change.claims };
    await answerLogin(url, `code=code-of-mine${change.query?.(rogue) ?? ""}`);
    const ended = await running.ended;
    const verifiers = rogue.asked.flatMap(({ form }) => form.get("code_verifier") ?? []);
    for (const secret of ["code-of-mine", "access-token-1", "refresh-token-1", "secret-of-the-client", ...verifiers])
      assert.ok(!ended.stderr.includes(secret));
    const revoked = rogue.asked.flatMap(({ path, form }) => (path === "/revocation" ? [form.get("token")] : []));
    const wasIssued = rogue.asked.some(({ path }) => path === "/token");
    const issued = change.rejectsRevocation === true ? ["access-token-1"] : ["access-token-1", "refresh-token-1"];
    assert.deepEqual(revoked, wasIssued && ended.status !== 0 ? issued : []);
    return ended;
  }

  /** A server that also issues a refresh token. */
  function offlineIssuer(): RogueIssuer {
    const issuer = new RogueIssuer();
    issuer.answer = { refresh_token: "refresh-token-1" };
    return issuer;
  }

  test("that behaves succeeds", async () => {
    const ended = await rogueLogin(offlineIssuer(), { query: ({ url }) => `&iss=${encodeURIComponent(url)}` });
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, /access-token-1/);
  });

  const now = Math.floor(Date.now() / 1000);

  const attacks: readonly (readonly [string, Parameters<typeof rogueLogin>[1], RegExp])[] = [
    [
      "an answer of another issuer",
      { query: () => "&iss=https%3A%2F%2Fevil.example" },
      /the answer is of another issuer/,
    ],
    ["two codes", { query: () => "&code=another" }, /the answer has several codes\nHint: start again/],
    ["a swapped nonce", { claims: { nonce: "of-another-login" } }, /the ID token has an unexpected nonce/],
    ["an ID token for another client", { claims: { aud: "other" } }, /the ID token has an unexpected aud/],
    [
      "an ID token of another issuer",
      { claims: { iss: "https://evil.example" } },
      /the ID token has an unexpected iss/,
    ],
    [
      "an expired ID token",
      { claims: { iat: now - 7200, exp: now - 3600 } },
      /the ID token has expired; the tokens were revoked\nHint: compare the clocks/,
    ],
    ["an ID token from the future", { claims: { iat: now + 3600, exp: now + 7200 } }, /isn't valid yet/],
  ];
  for (const [what, change, message] of attacks)
    test(`that sends ${what} fails without a token`, async () => {
      assertFails(await rogueLogin(offlineIssuer(), change), 1, message);
    });

  test("that signs with another key fails without a token", async () => {
    const issuer = offlineIssuer();
    issuer.signsWithOther = true;
    const message = /the ID token can't be verified: its signature is wrong.*; the tokens were revoked$/m;
    assertFails(await rogueLogin(issuer), 1, message);
  });

  test("whose tokens can't be revoked says that they stay valid", async () => {
    const change = { claims: { aud: "other" }, rejectsRevocation: true } as const;
    const message =
      /unexpected aud; the tokens stay valid until they expire, because they can't be revoked: Cannot revoke/;
    assertFails(await rogueLogin(offlineIssuer(), change), 1, message);
  });

  test("that ignores --max-age fails without a token", async () => {
    const issuer = new RogueIssuer();
    await using rogue = await rogueServer((asked, response, url) => issuer.respond(asked, response, url));
    const more = {
      OAUTH2_CLIENT_ID: "client",
      OAUTH2_CLIENT_SECRET: "secret-of-the-client",
      HYDRA_PUBLIC_URL: rogue.url,
    };
    for (const [authTime, expected] of [
      [undefined, /has no auth_time/],
      [now - 86_400, /is from an earlier login/],
    ] as const) {
      await using running = startBinary(["token", "user", "--max-age", "0"], { env: environment(more) });
      const url = await loginUrl(running);
      issuer.claims = { nonce: parameter(url, "nonce"), ...(authTime === undefined ? {} : { auth_time: authTime }) };
      await answerLogin(url, "code=code-of-mine");
      assertFails(await running.ended, 1, expected);
    }
  });

  test("whose token endpoint sends its body slowly is given up at the time limit, or at Ctrl-C", async () => {
    const issuer = new RogueIssuer();
    const slow = Promise.withResolvers<void>();
    await using rogue = await rogueServer((asked, response, url) => {
      if (asked.path !== "/token") return issuer.respond(asked, response, url);
      response.writeHead(200, { "content-type": "application/json" }).write('{"access_token":');
      slow.resolve();
    });
    const more = {
      OAUTH2_CLIENT_ID: "client",
      OAUTH2_CLIENT_SECRET: "secret-of-the-client",
      HYDRA_PUBLIC_URL: rogue.url,
    };
    const start = async (...flags: readonly string[]): Promise<Running> => {
      const running = startBinary(["token", "user", ...flags], { env: environment(more) });
      const url = await loginUrl(running);
      await answerLogin(url, "code=code-of-mine");
      return running;
    };
    await using interrupted = await start();
    await slow.promise;
    interrupted.kill("SIGINT");
    assertFails(await interrupted.ended, 130, /Interrupted/);
    await using late = await start("--fail-after", "3s");
    assertFails(await late.ended, 6, /Cannot exchange the code: no answer from/);
  });

  test("with the discovery document of another issuer fails before the browser opens", async () => {
    await using rogue = await rogueServer((_asked, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end('{"issuer":"https://evil.example/"}');
    });
    const ended = await runBinary(["token", "user", ...credentials("web"), "--public-url", rogue.url]);
    assertFails(ended, 1, /its issuer is "https:\/\/evil\.example\/"/);
    assert.ok(!ended.stderr.includes("Open this URL"));
  });
});

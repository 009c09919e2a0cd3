/** What token commands say about a wrong port, a wrong key and a proxy, and what to type next. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { rogueServer, sendJson } from "../adapters/oauth/support.ts";
import { type Played, play } from "./in-process.ts";

function pem(): string {
  return String(
    generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }),
  );
}

describe("a token command", () => {
  let server: Sandbox;

  before(async () => {
    server = await startSandbox({ as: "1.11", listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
  });

  after(() => server.close());

  function hydra(line: string, files: Readonly<Record<string, string>> = {}): Promise<Played> {
    const environment = { HYDRA_ADMIN_URL: server.url, HYDRA_PUBLIC_URL: server.publicUrl ?? "" };
    return play(line.split(" "), { environment, files });
  }

  test("names the public port if it needs the admin port, and nothing else", async () => {
    const wrong = await hydra(`token flush -e ${server.publicUrl}`);
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /isn't a Hydra admin port\nHint: give the admin port/);
    assert.equal((await hydra("token flush")).status, 0);
  });

  test("exits with 3 for a private key that isn't the client's", async () => {
    const create = "clients create --id keyed -g client_credentials --token-endpoint-auth-method private_key_jwt";
    const keys = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
    const set = JSON.stringify({ keys: [{ ...keys, kid: "own", use: "sig", alg: "RS256" }] });
    const created = await hydra(`${create} --jwks /keys.json`, { "/keys.json": set });
    assert.equal(created.status, 0, created.stderr);
    const { status, stderr } = await hydra("token client --client-id keyed --client-key /other.pem", {
      "/other.pem": pem(),
    });
    assert.equal(status, 3, stderr);
    assert.match(stderr, /Hint: give the private key of a public key that is registered for the client/);
    assert.match(stderr, /a JSON Web Key with its kid\n/);
  });

  test("says what a wrong key may have to do with the error that Hydra 1.8 doesn't explain", async () => {
    const old = await startSandbox({ as: "1.8", listen: "127.0.0.1:0", publicListen: "127.0.0.1:0" });
    after(() => old.close());
    const environment = { HYDRA_ADMIN_URL: old.url, HYDRA_PUBLIC_URL: old.publicUrl ?? "" };
    const key = (half: "publicKey" | "privateKey") => ({
      ...generateKeyPairSync("rsa", { modulusLength: 2048 })[half].export({ format: "jwk" }),
      ...{ kid: "own", use: "sig", alg: "RS256" },
    });
    const files = {
      "/keys.json": JSON.stringify({ keys: [key("publicKey")] }),
      "/k": JSON.stringify(key("privateKey")),
    };
    const create = "clients create --id keyed -g client_credentials --token-endpoint-auth-method private_key_jwt";
    const created = await play(`${create} --jwks /keys.json`.split(" "), { environment, files });
    assert.equal(created.status, 0, created.stderr);
    const { status, stderr } = await play("token client --client-id keyed --client-key /k".split(" "), {
      environment,
      files,
    });
    assert.equal(status, 1, stderr);
    assert.match(
      stderr,
      /unrecognizable.*\nHint: Hydra 1\.8 answers this to a client assertion that the wrong key signed/,
    );
  });

  test("prints with -q whether a token is active, as Hydra's own CLI does", async () => {
    assert.equal((await hydra("introspect token nonsense -q")).stdout, "false\n");
  });

  test("rejects the output of a command in place of its token: servers report the revocation of anything as done", async () => {
    for (const token of ["Access Token:\n\tory_at_x", '{"access_token":"ory_at_x"}', '"ory_at_x"', "törk", "a\\b"])
      for (const command of ["token revoke --client-id app --auth-method none", "token introspect", "token decode"]) {
        const { status, stdout, stderr } = await play([...command.split(" "), token], {
          environment: { HYDRA_ADMIN_URL: server.url, HYDRA_PUBLIC_URL: server.publicUrl ?? "" },
        });
        assert.deepEqual([status, stdout], [2, ""], token);
        assert.match(stderr, /^Error: This is not only a token: it contains /);
        assert.ok(!stderr.includes("ory_at_x"));
      }
  });

  test("names the credentials file and its missing field", async () => {
    const files = {
      "/id.json": '{"client_id":"app"}',
      "/secret.env": "CLIENT_SECRET=x\nCLIENT_ID=\n",
      "/app.env": "A=app\nB=",
    };
    for (const [flags, message] of [
      ["--credentials /id.json", 'no client secret in "/id.json": it has no value for client_secret'],
      ["--credentials /secret.env", 'no client ID in "/secret.env": it has no value for CLIENT_ID'],
      ["--credentials /app.env --id-field A --secret-field B", 'no client secret in "/app.env": it has no value for B'],
    ] as const) {
      const { status, stderr } = await hydra(`token client ${flags}`, files);
      assert.equal(status, 2);
      assert.ok(stderr.includes(`Error: There is ${message}\n`), stderr);
    }
  });

  test("suggests the command that allows what the client may not do, and the command works", async () => {
    const secret = "correct-horse-battery";
    const files = { "/s": secret };
    const create = async (words: string): Promise<void> => {
      const { status, stderr } = await hydra(`clients create ${words} --secret ${secret}`);
      assert.equal(status, 0, stderr);
    };
    await create("--id narrow -g authorization_code -r code -c https://app.example.com/cb");
    const get =
      "token client --client-id narrow --client-secret-file /s --scope openid,nope --audience https://a,https://b";
    const said: string[] = [];
    for (let played = await hydra(get, files); played.status !== 0; played = await hydra(get, files)) {
      const [, fix = assert.fail(played.stderr)] = /^Hint: .*: hydra (clients update .*)\n/m.exec(played.stderr) ?? [];
      said.push(fix);
      assert.ok(said.length < 8, said.join("\n"));
      assert.equal((await hydra(fix)).status, 0);
    }
    assert.deepEqual(said, [
      "clients update narrow --add-scope nope",
      "clients update narrow --add-audience https://a",
      "clients update narrow --add-audience https://b",
      "clients update narrow --add-grant-type client_credentials",
    ]);
    await create("--id posted -g client_credentials --token-endpoint-auth-method client_secret_post");
    const { stderr } = await hydra(
      "token client --client-id posted --client-secret-file /s --auth-method basic",
      files,
    );
    assert.match(stderr, /authenticate with client_secret_post: use --auth-method post\n/);
    const typed = `perform client-credentials --client-id narrow --client-secret-file /s --scope x`;
    assert.match((await hydra(typed, files)).stderr, /: hydra update oauth2-client narrow --add-scope x\n/);
  });

  test("suggests the command that adds the redirect URI of a login, and the command works", async () => {
    const created = await hydra("clients create --id strict -g authorization_code -r code -c https://a.example/cb");
    assert.equal(created.status, 0, created.stderr);
    const uri = "http://127.0.0.1/cb?a=1,2";
    const login = `--client-id strict --auth-method none --redirect ${uri} --no-open --timeout 1ms`;
    for (const [command, update] of [
      ["perform authorization-code", "update oauth2-client strict --add-redirect-uri"],
      ["token user", "clients update strict --add-callback"],
    ] as const) {
      const { stderr } = await hydra(`${command} ${login}`);
      assert.ok(stderr.endsWith(`Hint: hydra ${update} '"${uri}"'\n`), stderr);
      const unchecked = await play(`${command} ${login}`.split(" "), {
        environment: { HYDRA_PUBLIC_URL: server.publicUrl ?? "" },
      });
      assert.ok(unchecked.stderr.endsWith(`the redirect URI: hydra ${update} '"${uri}"'\n`), unchecked.stderr);
    }
    const { status, stderr } = await hydra(`clients update strict --add-callback "${uri}"`);
    assert.equal(status, 0, stderr);
  });

  test("advice names commands in the syntax of the command", async () => {
    for (const [line, hint] of [
      ["get client nope", "list clients: hydra list oauth2-client"],
      ["clients get nope", "list clients: hydra clients list"],
      [
        "delete jwk hydra.openid.id-token --kid nope",
        "show the IDs of its keys: hydra get jwk hydra.openid.id-token --quiet",
      ],
    ] as const) {
      assert.ok((await hydra(line)).stderr.endsWith(`\nHint: ${hint}\n`), line);
      assert.equal(JSON.parse((await hydra(`${line} --format json`)).stderr).hint, hint);
    }
    const next = await startSandbox({ as: "next", listen: "127.0.0.1:0" });
    await play(["create", "client", "--id", "app", "-e", next.url]);
    const { stderr } = await play(["rotate-secret", "client", "app", "-e", next.url]);
    await next.close();
    assert.match(stderr, /dropped: hydra rotate-secret oauth2-client app --drop-old-secrets\n/);
  });

  test("stops at once if the admin API doesn't know the client of a login", async () => {
    for (const [line, list] of [
      ["token user --client-id nobody --auth-method none", "hydra clients list"],
      ["perform device-code --client-id nobody --auth-method none", "hydra list oauth2-client"],
    ] as const) {
      const { status, stdout, stderr } = await hydra(line);
      assert.equal(status, 3, stderr);
      assert.equal(stdout, "");
      assert.ok(stderr.startsWith(`Error: Cannot log in: there is no client "nobody" at ${server.url}\n`), stderr);
      assert.ok(stderr.endsWith(`: ${list} -q --endpoint ${server.url}\n`), stderr);
    }
  });

  test("reports all problems of its line together", async () => {
    for (const [line, messages] of [
      [
        "token user --client-id web --auth-method none --https --port 70000 --redirect x --max-age abc --auth-url a --token-url b",
        [
          /--https/,
          /--port is/,
          /--redirect "x"/,
          /--max-age "abc" is not a whole number/,
          /--auth-url "a"/,
          /--token-url "b"/,
        ],
      ],
      ["token user --skip --port 70000", [/--skip/, /--port is/, /no client ID/]],
      ["token device --device-auth-url a --token-url b", [/--device-auth-url "a"/, /--token-url "b"/, /no client ID/]],
      ["token client --token-url b", [/--token-url "b"/, /no client ID/]],
      ["token revoke -", [/token is empty/, /no client ID/]],
      ["token decode - --verify --jwks f", [/token is empty/, /cannot be used together/]],
      ["clients test web --client-key k --auth-method basic --public-url x", [/--client-key/, /is not an http/]],
    ] as const) {
      const { status, stderr } = await hydra(line);
      assert.equal(status, 2, stderr);
      for (const message of messages) assert.match(stderr, message, line);
      assert.equal(stderr.match(/^Error: /gm)?.length, messages.length, stderr);
    }
  });

  test("suggests --access-token if a proxy requires credentials", async () => {
    await using proxy = await rogueServer((_, response) => sendJson(response, 401, {}));
    const { status, stderr } = await hydra(`token introspect x -e ${proxy.url}`);
    assert.equal(status, 3);
    assert.match(stderr, /Hint: .*--header or --access-token/);
  });

  test("names a redirect to a login page, and any other", async () => {
    let location = "";
    let status = 302;
    await using proxy = await rogueServer((_, response) => response.writeHead(status, { location }).end());
    for (const [line, action] of [
      ["token introspect a-token-of-mine", "introspect the token"],
      ["token flush", "flush expired tokens"],
    ] as const) {
      const say = async (): Promise<string> => (await hydra(`${line} -e ${proxy.url}`)).stderr;
      location = "https://sso.example.com/login?rd=a-token-of-mine";
      for (status of [302, 307]) {
        const page = await say();
        const message = `Cannot ${action}: the server redirects to a sign-in page, "https://sso.example.com/login?…" (status ${status})`;
        assert.ok(page.startsWith(`Error: ${message}\nHint: a proxy in front of the server asks people`), page);
        assert.match(page, /--header or --access-token/);
      }
      location = "/elsewhere?a-token-of-mine";
      for (status of [301, 307])
        assert.match(
          await say(),
          new RegExp(`the server redirects to "/elsewhere" \\(status ${status}\\), which is not followed\n`),
        );
    }
    status = 404;
    const wrong = await hydra(`token introspect x --api v2 -e ${proxy.url}`);
    assert.match(wrong.stderr, /isn't a Hydra admin port\nHint: .*, or leave out --api/);
    status = 307;
    location = "/a-token-of-mine/login";
    const { stderr } = await hydra(`token introspect a-token-of-mine -e ${proxy.url}`);
    assert.match(stderr, /redirects to a sign-in page/);
    assert.doesNotMatch(stderr, /a-token-of-mine/);
  });

  test("suggests the flag for an endpoint at another origin, if there is one", async () => {
    await using foreign = await rogueServer((_, response, url) => {
      const elsewhere = "https://elsewhere.example";
      const endpoints = { token_endpoint: `${elsewhere}/t`, revocation_endpoint: `${elsewhere}/r` };
      sendJson(response, 200, { issuer: url, ...endpoints });
    });
    const credentials = `--client-id a --auth-method none --public-url ${foreign.url}`;
    assert.match((await hydra(`token client ${credentials}`)).stderr, /Hint: .*with --token-url/);
    assert.match((await hydra(`token revoke ${credentials} x`)).stderr, /Hint: use the public URL at whose origin/);
  });
});

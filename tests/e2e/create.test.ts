/** `clients create`: examples, flags and exit codes. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CLIENT_FIELDS } from "../../lib/core/client/fields.ts";
import { type Exported, type Gpg, openGpg } from "../adapters/gpg.ts";
import { always, instead } from "./fault-proxy.ts";
import { type KeybaseServer, openKeybase } from "./keybase-server.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  isStored,
  openScenario,
  printed,
  printedEncrypted,
  SEED,
  SLOW,
} from "./scenario.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("the examples", () => {
  let gpg: Gpg;
  let alice: Exported;
  let keybase: KeybaseServer;

  before(async () => {
    gpg = openGpg();
    alice = gpg.exported(gpg.quick("alice@example.com", "future-default"));
    keybase = await openKeybase({ username: "Alice", key: alice });
  });

  after(async () => {
    await keybase.close();
    gpg.close();
  });

  it("creates the client of the first, on every version", SLOW, async () => {
    for (const as of ["1.8", "1.11", "2.1", "2.3", "26"] as const) {
      await using scenario = await openScenario(as);
      const ended = await scenario.run(SEED);
      isStored(scenario, ended);
      assert.equal(ended.stderr, "");
      const { id, secret } = printed(ended);
      assert.match(id, UUID);
      assert.match(secret, /^[A-Za-z0-9._~-]{26}$/);
      const [client] = scenario.sandbox.clients();
      assert.equal(client?.["client_name"], "my app");
      assert.deepEqual(client?.["redirect_uris"], ["http://localhost/cb"]);
      assert.deepEqual(client?.["grant_types"], ["authorization_code"]);
      assert.deepEqual(client?.["response_types"], ["code"]);
      assert.equal(client?.["scope"], "core foobar");
      assert.equal(client?.["subject_type"], "public");
      assert.equal(client?.["token_endpoint_auth_method"], "client_secret_basic");
    }
  });

  it("creates the same client in the other syntax, as JSON", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([
      ...["create", "oauth2-client", "--name", "my app", "--redirect-uri", "http://localhost/cb"],
      ...["--scope", "core,foobar", "--format", "json"],
    ]);
    assertExit(ended, 0);
    const shown = JSON.parse(ended.stdout);
    assert.equal(ended.stdout.trimEnd().split("\n").length, 1);
    assert.equal(shown.client_secret, scenario.sandbox.secretOf(shown.client_id));
    assert.equal(shown.client_name, "my app");
    assert.equal(shown.scope, "core foobar");
    assert.deepEqual(shown.redirect_uris, ["http://localhost/cb"]);
  });

  it("encrypts the secret of the second to a Keybase user, and gpg decrypts it", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run(
      ["clients", "create", "-g", "client_credentials", "-r", "token", "-a", "core,foobar", "--keybase", "alice"],
      { env: { HYDRA_KEYBASE_URL: keybase.url, OAUTH2_ACCESS_TOKEN: "admin-token" } },
    );
    assertExit(ended, 0);
    const { id, message } = printedEncrypted(ended);
    const secret = scenario.sandbox.secretOf(id) ?? "";
    assert.match(message, /^[A-Za-z0-9+/]+=*$/);
    assert.equal(gpg.decrypt(Buffer.from(message, "base64")), secret);
    assert.ok(!ended.stdout.includes(secret) && !ended.stderr.includes(secret));
    assert.match(ended.stderr, new RegExp(alice.fingerprint));
    assert.match(ended.stderr, /Decrypt with: .*gpg/);
    const [client] = scenario.sandbox.clients();
    assert.deepEqual(client?.["grant_types"], ["client_credentials"]);
    assert.deepEqual(client?.["response_types"], ["token"]);
    const [asked] = keybase.asked;
    assert.equal(asked?.target, "/_/api/1.0/user/lookup.json?usernames=alice&fields=basics%2Cpublic_keys");
    assert.equal(asked?.headers["authorization"], undefined);
  });
});

const JWKS = { keys: [{ kty: "RSA", kid: "1", use: "sig", alg: "RS256", n: "u1W_tHRVMeG9lR4e1Y", e: "AQAB" }] };

/** Every flag that sets a field: what follows its name, and the value that the server then has. */
const FLAGS: Readonly<Record<string, readonly [given: readonly string[], stored: unknown]>> = {
  name: [["the name"], "the name"],
  callbacks: [["https://a.example/cb,https://b.example/cb"], ["https://a.example/cb", "https://b.example/cb"]],
  "grant-types": [
    ["authorization_code", "refresh_token"],
    ["authorization_code", "refresh_token"],
  ],
  "response-types": [["code,id_token"], ["code", "id_token"]],
  scope: [["openid", "offline"], "openid offline"],
  audience: [["https://api.example"], ["https://api.example"]],
  "token-endpoint-auth-method": [["client_secret_post"], "client_secret_post"],
  "token-endpoint-auth-signing-alg": [["RS256"], "RS256"],
  "subject-type": [["pairwise"], "pairwise"],
  "sector-identifier-uri": [["https://a.example/sector"], "https://a.example/sector"],
  "post-logout-callbacks": [["https://a.example/out"], ["https://a.example/out"]],
  "allowed-cors-origins": [["https://a.example"], ["https://a.example"]],
  "client-uri": [["https://a.example/"], "https://a.example/"],
  "logo-uri": [["https://a.example/logo.png"], "https://a.example/logo.png"],
  "policy-uri": [["https://a.example/policy"], "https://a.example/policy"],
  "tos-uri": [["https://a.example/tos"], "https://a.example/tos"],
  owner: [["team a"], "team a"],
  contact: [
    ["a@example.com", "b@example.com"],
    ["a@example.com", "b@example.com"],
  ],
  "jwks-uri": [["https://a.example/jwks"], "https://a.example/jwks"],
  jwks: [[JSON.stringify(JWKS)], JWKS],
  "request-uri": [["https://a.example/request"], ["https://a.example/request"]],
  "request-object-signing-alg": [["RS256"], "RS256"],
  "userinfo-signed-response-alg": [["RS256"], "RS256"],
  "frontchannel-logout-callback": [["https://a.example/front"], "https://a.example/front"],
  "frontchannel-logout-session-required": [[], true],
  "backchannel-logout-callback": [["https://a.example/back"], "https://a.example/back"],
  "backchannel-logout-session-required": [[], true],
  metadata: [['{"team":{"name":"a"},"n":1}'], { team: { name: "a" }, n: 1 }],
  "skip-consent": [[], true],
  "skip-logout-consent": [[], true],
  "access-token-strategy": [["jwt"], "jwt"],
};

/** Flags that only a server of 1.x knows. */
const OLD = /^password-grant-/;

describe("the flags", () => {
  it("set each field", SLOW, async () => {
    await using one = await openScenario();
    await using other = await openScenario("1.11");
    const fields = CLIENT_FIELDS.map((field) => [field.name, field.flag.name] as const);
    const sample = (flag: string): (typeof FLAGS)[string] => FLAGS[flag] ?? [["1h30m"], "1h30m0s"];
    const names = fields.map(([, flag]) => flag).filter((flag) => !OLD.test(flag));
    assert.deepEqual(
      names.filter((flag) => FLAGS[flag] === undefined && !flag.endsWith("-lifespan")),
      [],
      "a flag without a sample",
    );
    const written = (flag: string): readonly string[] =>
      sample(flag)[0].length === 0 ? [`--${flag}`] : sample(flag)[0].flatMap((value) => [`--${flag}`, value]);
    for (const [scenario, left, chosen] of [
      // Of each of two pairs that cannot be used together, one at a time.
      [one, ["jwks", "subject-type"], names],
      [one, ["jwks-uri", "access-token-strategy"], names],
      [other, [""], ["callbacks", ...fields.map(([, flag]) => flag).filter((flag) => OLD.test(flag))]],
    ] as const) {
      const flags = chosen.filter((flag) => !left.some((each) => each === flag));
      const ended = await scenario.run(["clients", "create", ...flags.flatMap(written)]);
      assertExit(ended, 0);
      const client = scenario.sandbox.clients().find(({ client_id: id }) => id === printed(ended).id);
      for (const [field, flag] of fields) {
        if (flags.includes(flag)) assert.deepEqual(client?.[field], sample(flag)[1], flag);
      }
    }
  });

  it("take lists and values in every spelling, before and after the command", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([
      ...["--endpoint", scenario.url, "clients", "create", "-chttps://a.example/1", "-c=https://a.example/2"],
      ...["--redirect-uri", '"https://a.example/?x=1,2",https://a.example/3', "--callbacks=https://a.example/4"],
      ...["-a", "a,b", "-a", "c", "--skip-consent=F", "-n", "-dash"],
    ]);
    assertExit(ended, 0);
    const [client] = scenario.sandbox.clients();
    assert.deepEqual(client?.["redirect_uris"], [
      "https://a.example/1",
      "https://a.example/2",
      "https://a.example/?x=1,2",
      "https://a.example/3",
      "https://a.example/4",
    ]);
    assert.equal(client?.["scope"], "a b c");
    assert.equal(client?.["skip_consent"], false);
    assert.equal(client?.["client_name"], "-dash");
  });

  it("read a key set from a file", async () => {
    await using scenario = await openScenario();
    const file = join(scenario.home, "keys.json");
    writeFileSync(file, JSON.stringify(JWKS));
    assertExit(await scenario.run([...SEED, "--token-endpoint-auth-method", "private_key_jwt", "--jwks", file]), 0);
    assert.deepEqual(scenario.sandbox.clients()[0]?.["jwks"], JWKS);
    const missing = await scenario.run([...SEED, "--jwks", join(scenario.home, "nothing.json")]);
    assertFails(missing, 2, /--jwks/);
    assert.equal(scenario.sandbox.clients().length, 1);
  });

  it("use the requested ID", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([...SEED, "--id", "my-own id/1"]);
    assert.equal(scenario.sandbox.clients()[0]?.["client_id"], "my-own id/1", describeRun(ended));
    assertExit(ended, 0);
  });

  it("send a given secret and never show it", async () => {
    await using scenario = await openScenario();
    const secret = "given-secret-0123456789";
    for (const more of [[], ["--format", "json"], ["-v"], ["--format", "yaml"], ["--format", "env"]]) {
      const ended = await scenario.run([
        ...SEED,
        "--secret",
        secret,
        "--id",
        `c${scenario.proxy.seen.length}`,
        ...more,
      ]);
      assertExit(ended, 0);
      assert.ok(!ended.stdout.includes(secret) && !ended.stderr.includes(secret), describeRun(ended));
    }
    assert.deepEqual(
      scenario.sandbox.clients().map(({ client_id: id }) => scenario.sandbox.secretOf(String(id))),
      Array.from({ length: 5 }, () => secret),
    );
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("create a public client without a secret", async () => {
    await using scenario = await openScenario();
    const args = [...SEED, "--token-endpoint-auth-method", "none"];
    const ended = await scenario.run(args);
    assertExit(ended, 0);
    const id = String(scenario.sandbox.clients()[0]?.["client_id"]);
    assert.equal(ended.stdout, `OAuth 2.0 Client ID: ${id}\nThis OAuth 2.0 Client has no secret\n`);
    assert.equal(scenario.proxy.posts()[0]?.body.includes('client_secret"'), false);
    const given = await scenario.run([...args, "--secret", "given-secret-0123456789"]);
    assertExit(given, 0);
    assert.match(given.stderr, /^Warning: .*--secret/m);
    assert.equal(scenario.proxy.posts()[1]?.body.includes("given-secret"), false);
  });

  it("show the secret of a private_key_jwt client, as Hydra's own CLI does", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([
      ...[...SEED, "--token-endpoint-auth-method", "private_key_jwt", "--jwks-uri", "https://a.example/jwks"],
    ]);
    isStored(scenario, ended);
  });

  it("write every format, each with the stored secret if it shows one", SLOW, async () => {
    await using scenario = await openScenario();
    for (const format of ["text", "table", "json", "json-pretty", "yaml", "ndjson", "env", "k8s-secret"]) {
      const id = `in-${format}`;
      const ended = await scenario.run([...SEED, "--id", id, "--format", format]);
      assertExit(ended, 0);
      const secret = scenario.sandbox.secretOf(id) ?? assert.fail("no client");
      const shown = format === "k8s-secret" ? Buffer.from(secret).toString("base64") : secret;
      assert.ok(ended.stdout.includes(id) && ended.stdout.includes(shown), describeRun(ended));
      assert.equal(ended.stderr, "");
    }
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("keep a secret that the format leaves out", async () => {
    await using scenario = await openScenario();
    for (const [n, more] of [["--quiet"], ["--format", "jsonpath=$.client_id"]].entries()) {
      const ended = await scenario.run([...SEED, "--id", `kept-${n}`, ...more]);
      assertExit(ended, 0);
      assert.equal(ended.stdout.trim().replaceAll('"', ""), `kept-${n}`);
      const kept = scenario.recoveryCopies().find(({ record }) => record.client_id === `kept-${n}`);
      assert.equal(kept?.record.client_secret, scenario.sandbox.secretOf(`kept-${n}`));
      assert.equal(kept?.record.state, "made");
      assert.equal(kept?.mode, 0o600);
      assert.ok(ended.stderr.includes(kept.path), describeRun(ended));
    }
  });

  it("report each request under -v, without credentials", async () => {
    await using scenario = await openScenario("1.8");
    const ended = await scenario.run([...SEED, "-v", "-H", "X-Key: hush-hush", "--access-token", "tok-tok-tok"]);
    isStored(scenario, ended);
    assert.match(ended.stderr, /^> POST http:\/\/127\.0\.0\.1:\d+\/admin\/clients$/m);
    assert.match(ended.stderr, /^< 404 \(\d+ bytes, \d+ ms\)$/m);
    assert.match(ended.stderr, /^> POST http:\/\/127\.0\.0\.1:\d+\/clients$/m);
    assert.match(ended.stderr, /^< 201 \(\d+ bytes, \d+ ms\)$/m);
    assert.doesNotMatch(ended.stderr, /hush-hush|tok-tok-tok/);
    assert.ok(!ended.stderr.includes(printed(ended).secret));
  });

  it("show help and send nothing", async () => {
    await using scenario = await openScenario();
    for (const args of [
      [...SEED, "--help"],
      [...SEED, "-h"],
      ["help", "clients", "create"],
    ]) {
      const ended = await scenario.run(args);
      assertExit(ended, 0);
      assert.match(ended.stdout, /--token-endpoint-auth-method/);
      assert.equal(ended.stderr, "");
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });
});

describe("the exit code", () => {
  it("is 1 if the server rejects the request", async () => {
    await using scenario = await openScenario("2.1");
    assertFails(
      await scenario.run([...SEED, "--id", "mine"]),
      1,
      /does not accept a chosen client ID \(--id "mine"\)$/,
    );
    const read = await scenario.run(["clients", "create", "--file", "-"], { stdin: '{"client_id":"mine"}' });
    assertFails(read, 1, /does not accept a chosen client ID \("client_id" in standard input "mine"\)$/);
    assert.equal(scenario.sandbox.clients().length, 0);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("is 2 for a usage error, with nothing sent", SLOW, async () => {
    await using scenario = await openScenario();
    const cases: readonly (readonly [args: readonly string[], message: RegExp, hint: RegExp])[] = [
      [["clients", "create", "--calbacks", "x"], /--calbacks/, /--callbacks/],
      [["clients", "craete"], /"craete"/, /clients create/],
      [["clients", "constructor"], /"constructor"/, /./],
      [["clients", "toString"], /"toString"/, /./],
      [["clients", "create", "stray"], /Unexpected argument "stray"/, /./],
      [["clients", "create", "--name"], /--name/, /./],
      [["clients", "create", "--version"], /--version/, /./],
      [["clients", "create", "--subject-type", "secret"], /--subject-type "secret".*public or pairwise/, /./],
      [["clients", "create", "--fail-after", "soon"], /--fail-after.*"soon"/, /./],
      [["clients", "create", "--skip-consent=maybe"], /--skip-consent/, /./],
      [["clients", "create", "--secret", "short"], /--secret.*6/, /./],
      [["clients", "create", "-c", "http://a.example/#x"], /-c .*#x/, /./],
      [["clients", "create", "--endpoint", "localhost:4445"], /--endpoint "localhost:4445"/, /http:\/\/localhost:4445/],
      [["clients", "create", "--endpoint", "unix://relative.sock"], /--endpoint/, /unix:\/\//],
      [["clients", "create", "--ca-file", "/nothing", "--endpoint", "https://localhost"], /--ca-file/, /./],
      [["clients", "create", "-H", "no colon"], /-H/, /Name: value/],
      [["clients", "create", "--format", "xml"], /Unknown format "xml"/, /./],
      [["clients", "-v"], /Missing command/, /--help/],
    ];
    for (const [args, message, hint] of cases) {
      const ended = await scenario.run(args);
      assertFails(ended, 2, message);
      assert.match(/^Hint: .*$/m.exec(ended.stderr)?.[0] ?? "", hint, describeRun(ended));
      assert.doesNotMatch(ended.stderr, /"short"/);
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("is 2 with all problems reported at once", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([
      "clients",
      "create",
      "--nmae",
      "x",
      "--subject-type",
      "y",
      "-c",
      "http://a/#b",
      "z",
    ]);
    assertExit(ended, 2);
    assert.equal(ended.stderr.match(/^Error: /gm)?.length, 4, describeRun(ended));
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("is 2 without an endpoint", async () => {
    await using scenario = await openScenario();
    assertFails(await scenario.run(SEED, { env: { HYDRA_ADMIN_URL: undefined } }), 2, /endpoint/i);
    assertFails(await scenario.run(SEED, { env: { HYDRA_ADMIN_URL: "" } }), 2, /endpoint/i);
    assertExit(await scenario.run(SEED, { env: { HYDRA_ADMIN_URL: undefined, ORY_SDK_URL: scenario.url } }), 0);
  });

  it("is 3 if the server rejects the caller's credentials", async () => {
    for (const status of [401, 403]) {
      await using scenario = await openScenario("26", always(instead({ status, body: "who?" })));
      assertFails(await scenario.run(SEED), 3, new RegExp(`${status}`));
      assert.equal(scenario.proxy.posts().length, 1);
      assert.deepEqual(scenario.recoveryCopies(), []);
    }
  });

  it("is 4 for an unknown client", async () => {
    await using scenario = await openScenario();
    assertFails(await scenario.run(["clients", "get", "nobody"]), 4, /"nobody"/);
  });

  it("is 5 for an ID that is taken, and the other client stays unchanged", async () => {
    await using scenario = await openScenario();
    const first = await scenario.run([...SEED, "--id", "taken"]);
    const second = await scenario.run([...SEED, "--id", "taken", "-n", "another"]);
    assertFails(second, 5, /"taken" already/);
    isStored(scenario, first);
    assert.equal(scenario.sandbox.clients()[0]?.["client_name"], "my app");
  });

  it("is 6 if nothing answers", SLOW, async () => {
    await using scenario = await openScenario();
    // A port that was just given back may be another program's a moment later; nobody listens on port 1.
    const env = { HYDRA_ADMIN_URL: "http://127.0.0.1:1" };
    assertFails(await scenario.run([...SEED, "--fail-after", "0"], { env }), 6, /connection refused/);
    const tried = await scenario.run([...SEED, "--fail-after", "3s"], { env });
    assertFails(tried, 6, /connection refused \(tried for 3s\)/);
    assert.match(tried.stderr, /^Warning: Cannot create client yet: connection refused/);
    assertFails(await scenario.run([...SEED, "--endpoint", "http://nowhere.invalid", "--fail-after", "0"]), 6, /name/);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("is 7 without a usable key, and nothing is created", async () => {
    await using scenario = await openScenario();
    assertFails(await scenario.run([...SEED, "--pgp-key", Buffer.from("no key").toString("base64")]), 7, /--pgp-key/);
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("comes with the error as JSON if the format is JSON", async () => {
    await using scenario = await openScenario();
    assertExit(await scenario.run([...SEED, "--id", "taken"]), 0);
    const ended = await scenario.run([...SEED, "--id", "taken", "--format", "json"]);
    assertExit(ended, 5);
    assert.equal(ended.stdout, "");
    const error = JSON.parse(ended.stderr);
    assert.equal(error.error, "conflict");
    assert.equal(error.status, 409);
    assert.deepEqual(error.request, { method: "POST", url: `${scenario.url}/admin/clients` });
    const usage = await scenario.run([...SEED, "--format", "json", "--nmae", "x", "stray"]);
    assertExit(usage, 2);
    const wrong = JSON.parse(usage.stderr);
    assert.match(wrong.message, /--nmae/);
    assert.equal(wrong.more.length, 1);
  });

  it("is 1 for a URL that isn't an admin port, which the error says", async () => {
    await using scenario = await openScenario("26", () => instead({ status: 404, body: "404 page not found" }));
    assertFails(await scenario.run(SEED), 1, /not a Hydra admin port/);
    assert.equal(scenario.proxy.posts().length, 2);
  });
});

/** `clients update`. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { dropAfter, type Exchange, type Fault, instead, type Plan, stallAfter, swapped } from "./fault-proxy.ts";
import { assertExit, assertFails, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";

const VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26"] as const;

const SECRET = "first-secret-0123456789";

const CLIENT = {
  client_name: "before",
  redirect_uris: ["https://a.example/cb"],
  grant_types: ["authorization_code"],
  response_types: ["code"],
  scope: "core foobar",
  owner: "team",
  logo_uri: "https://a.example/logo.png",
  metadata: { team: { name: "a", size: 3 }, keep: [1] },
  client_secret: SECRET,
};

/** A server with one client, and the client's ID. */
async function withClient(as: SandboxVersion, plan?: Plan): Promise<Scenario & { readonly id: string }> {
  const scenario = await openScenario(as, plan);
  const path = as.startsWith("1.") ? "/clients" : "/admin/clients";
  const answer = await fetch(`${scenario.sandbox.url}${path}`, { method: "POST", body: JSON.stringify(CLIENT) });
  assert.equal(answer.status, 201);
  const [{ client_id: id } = assert.fail()] = scenario.sandbox.clients();
  return { ...scenario, id: String(id), [Symbol.asyncDispose]: () => scenario[Symbol.asyncDispose]() };
}

function writes({ proxy }: Scenario): readonly Exchange[] {
  return proxy.seen.filter(({ method }) => method !== "GET");
}

/** Meets the requests that change something. */
function changing(fault: Fault): Plan {
  return ({ method }) => (method === "PATCH" || method === "PUT" ? fault : undefined);
}

describe("clients update of a client without grant types and response types", () => {
  it("adds to what the empty lists mean", SLOW, async () => {
    await using scenario = await openScenario();
    const { redirect_uris, scope } = CLIENT;
    const body = JSON.stringify({ client_id: "bare", redirect_uris, scope, grant_types: [], response_types: [] });
    assert.equal((await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body })).status, 201);
    for (const [flags, path, value] of [
      [["--add-grant-type", "refresh_token"], "/grant_types", ["authorization_code", "refresh_token"]],
      [["--set", 'grant_types.-="refresh_token"'], "/grant_types", ["authorization_code", "refresh_token"]],
      [["--add-response-type", "code id_token"], "/response_types", ["code", "code id_token"]],
      [
        ["--add-grant-type", "client_credentials", "--remove-grant-type", "authorization_code"],
        ...(["/grant_types", ["client_credentials"]] as const),
      ],
    ] as const) {
      const ended = await scenario.run(["clients", "update", "bare", ...flags, "--dry-run=json"]);
      assertExit(ended, 0);
      const sent = JSON.stringify(JSON.parse(ended.stdout));
      assert.ok(sent.includes(JSON.stringify({ op: "replace", path, value })), sent);
    }
  });
});

describe("clients update by a file with --add-…", () => {
  const fileOf = (scenario: Scenario, client: object): string => {
    const file = join(scenario.home, "app.json");
    writeFileSync(file, JSON.stringify(client));
    return file;
  };

  it("checks the client with the additions, before it is sent", SLOW, async () => {
    await using scenario = await withClient("26");
    const whole = { client_name: "x", redirect_uris: ["https://a.example/cb"] };
    const run = (client: object, ...more: readonly string[]) =>
      scenario.run(["update", "oauth2-client", scenario.id, "--file", fileOf(scenario, client), ...more]);
    const plain = await run(whole, "--strict", "--add-redirect-uri", "http://remote.example.com/cb");
    assertFails(plain, 2, /remote\.example\.com/);
    assertFails(await run(whole, "--add-redirect-uri", "https://a.example/cb#x"), 2, /fragment/);
    assert.deepEqual(writes(scenario), []);
    const logout = { ...whole, post_logout_redirect_uris: ["https://b.example/out"] };
    assertExit(await run(logout, "--strict", "--add-redirect-uri", "https://b.example/cb"), 0);
    const none = await run({ client_name: "x" }, "--strict", "--add-redirect-uri", "https://a.example/cb");
    assertExit(none, 0);
    assert.deepEqual(scenario.sandbox.clients()[0]?.["redirect_uris"], ["https://a.example/cb"]);
  });
});

describe("create --if-exists update of a public client", () => {
  it("says that the client has no secret yet if it needs one from then on", SLOW, async () => {
    await using scenario = await openScenario();
    const create = ["clients", "create", "--id", "web", "-c", "https://a.example/cb"];
    assertExit(await scenario.run([...create, "--token-endpoint-auth-method", "none"]), 0);
    const ended = await scenario.run([...create, "--if-exists", "update"]);
    assertExit(ended, 0);
    assert.match(ended.stderr, /client "web" has no secret yet; generate one: hydra clients rotate-secret web\n/);
    assert.doesNotMatch(ended.stderr, /its secret is unchanged/);
  });
});

describe("clients update", () => {
  it("reads the client and sends only the change, on every version", SLOW, async () => {
    for (const as of VERSIONS) {
      await using scenario = await withClient(as);
      const args = [
        "--name",
        "after",
        "--add-scope",
        "offline",
        "--set",
        "metadata.team.size=4",
        "--unset",
        "logo-uri",
      ];
      const ended = await scenario.run(["clients", "update", scenario.id, ...args]);
      assertExit(ended, 0);
      const reads = scenario.proxy.seen.filter(({ method }) => method === "GET").map(({ target }) => target);
      const [write, ...others] = writes(scenario);
      assert.equal(others.length, 0);
      const body = JSON.parse(write?.body ?? "");
      if (as.startsWith("1.")) {
        assert.deepEqual(reads, [`/admin/clients/${scenario.id}`, `/clients/${scenario.id}`]);
        assert.equal(write?.method, "PUT");
        for (const name of ["client_secret", "registration_access_token", "updated_at"])
          assert.ok(!(name in body), name);
        assert.deepEqual(body.metadata, { team: { name: "a", size: 4 }, keep: [1] });
        assert.equal(body.owner, "team");
      } else {
        assert.deepEqual(reads, [`/admin/clients/${scenario.id}`]);
        assert.equal(write?.method, "PATCH");
        assert.equal(write.headers["content-type"], "application/json-patch+json");
        assert.deepEqual(body, [
          { op: "replace", path: "/client_name", value: "after" },
          { op: "replace", path: "/logo_uri", value: "" },
          { op: "replace", path: "/metadata/team/size", value: 4 },
          { op: "replace", path: "/scope", value: "core foobar offline" },
        ]);
      }
      const [client] = scenario.sandbox.clients();
      assert.equal(client?.["client_name"], "after");
      assert.equal(client?.["scope"], "core foobar offline");
      assert.deepEqual(client?.["metadata"], { team: { name: "a", size: 4 }, keep: [1] });
      assert.equal(client?.["owner"], "team");
      assert.equal(scenario.sandbox.secretOf(scenario.id), SECRET);
    }
  });

  it("reports what changed, old and new, and the state of the secret", async () => {
    await using scenario = await withClient("26");
    const ended = await scenario.run([
      "clients",
      "update",
      scenario.id,
      "-n",
      "af\u001bter",
      "--unset",
      "owner",
      "--contact",
      "a@example.com",
    ]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, `${scenario.id} OAuth 2.0 Client updated\n`);
    assert.deepEqual(ended.stderr.split("\n").toSorted(), [
      "",
      `Secret of client "${scenario.id}" unchanged`,
      'Warning: -n "af\\x1bter" contains a line break or another control character [control-character]: remove it; scripts with CRLF line ends add a carriage return to the last argument of a line',
      'client_name: "before" → "af\\u001bter"',
      'contacts: [] → ["a@example.com"]',
      'owner: "team" → ""',
    ]);
  });

  it("moves a client from inline keys to a key set URL, on every version", SLOW, async () => {
    for (const as of VERSIONS) {
      await using scenario = await withClient(as);
      const keys = JSON.stringify({
        keys: [
          {
            kty: "EC",
            crv: "P-256",
            kid: "a",
            x: "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            y: "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
          },
        ],
      });
      const change = (...args: string[]) => scenario.run(["clients", "update", scenario.id, ...args]);
      assertExit(await change("--jwks", keys, "--token-endpoint-auth-method", "private_key_jwt"), 0);
      assertExit(await change("--unset", "jwks", "--jwks-uri", "https://k.example/jwks"), 0);
      assert.equal(scenario.sandbox.clients()[0]?.["jwks_uri"], "https://k.example/jwks", as);
      assertExit(await change("--unset", "jwks-uri", "--jwks", keys), 0);
    }
  });

  it("starts a list that the client doesn't have yet, on every version", SLOW, async () => {
    for (const as of VERSIONS) {
      await using scenario = await withClient(as);
      assertExit(await scenario.run(["clients", "update", scenario.id, "--set", 'contacts.-="a@example.com"']), 0);
      assertExit(
        await scenario.run(["clients", "update", scenario.id, "--set", 'request_uris.0="https://a.example/r"']),
        0,
      );
      const [client] = scenario.sandbox.clients();
      assert.deepEqual(client?.["contacts"], ["a@example.com"], as);
      assert.deepEqual(client?.["request_uris"], ["https://a.example/r"], as);
      assertFails(
        await scenario.run(["clients", "update", scenario.id, "--set", 'scope.-="x"']),
        2,
        /"scope.-" does not exist in the client/,
      );
    }
  });

  it("rejects values of the wrong type, whether or not the server would", async () => {
    await using scenario = await withClient("26");
    for (const [value, message] of [
      ['redirect_uris="https://b.example/cb"', /redirect_uris must be a list of strings/],
      ["client_name=5", /client_name must be a string/],
      ['skip_consent="yes"', /skip_consent must be true or false/],
      ['jwt_bearer_grant_access_token_lifespan="1d"', /must be a duration/],
    ] as const)
      assertFails(await scenario.run(["clients", "update", scenario.id, "--set", value]), 2, message);
    assert.equal(writes(scenario).length, 0);
  });

  it("rejects dots as an ID, which would change the path of a request", async () => {
    await using scenario = await withClient("26");
    for (const id of [".", "..", ""])
      assertFails(await scenario.run(["clients", "update", id, "-n", "x"]), 2, /is not a valid client ID/);
    assertFails(
      await scenario.run(["clients", "create", "--id", "..", "-g", "client_credentials"]),
      2,
      /is not a valid client ID/,
    );
    assert.deepEqual(scenario.proxy.seen, []);
  });

  it("applies edit flags to the client of a file", async () => {
    await using scenario = await withClient("26");
    const file = join(scenario.home, "client.json");
    writeFileSync(file, JSON.stringify({ client_name: "file", scope: "one two", owner: "file" }));
    const args = ["--file", file, "--unset", "client-name", "--add-scope", "three", "--remove-scope", "one"];
    assertExit(await scenario.run(["clients", "update", scenario.id, ...args]), 0);
    const [client] = scenario.sandbox.clients();
    assert.deepEqual([client?.["client_name"], client?.["scope"], client?.["owner"]], ["", "two three", "file"]);
    assertFails(
      await scenario.run(["clients", "update", scenario.id, "-a", "x", "--add-scope", "y"]),
      2,
      /set and changed/,
    );
  });

  it("adds no value that the list has in another spelling, and removes it in any", async () => {
    await using scenario = await withClient("26");
    const edit = ["clients", "update", scenario.id];
    assertExit(
      await scenario.run([...edit, "--add-response-type", "id_token code", "--add-allowed-cors-origin", "https://a.b"]),
      0,
    );
    const same = ["response-type", "code id_token", "allowed-cors-origin", "HTTPS://a.b/"] as const;
    const flags = (way: string): readonly string[] => [`--${way}-${same[0]}`, same[1], `--${way}-${same[2]}`, same[3]];
    assertExit(await scenario.run([...edit, "-n", "other", ...flags("add")]), 0);
    const stored = (): unknown => {
      const [client] = scenario.sandbox.clients();
      return [client?.["response_types"], client?.["allowed_cors_origins"]];
    };
    assert.deepEqual(stored(), [["code", "id_token code"], ["https://a.b"]]);
    const removed = await scenario.run([...edit, ...flags("remove")]);
    assertExit(removed, 0);
    assert.doesNotMatch(removed.stderr, /is not in/);
    assert.deepEqual(stored(), [["code"], []]);
  });

  it("takes several scopes in one value, separated by spaces, as --scope does", async () => {
    await using scenario = await withClient("26");
    const edit = ["clients", "update", scenario.id, "--remove-scope", "core foobar", "--add-scope", "three four"];
    const ended = await scenario.run([...edit, "--add-scope", "three five"]);
    assertExit(ended, 0);
    assert.doesNotMatch(ended.stderr, /Warning/);
    assert.equal(scenario.sandbox.clients()[0]?.["scope"], "three four five");
  });

  it("shows a field that --replace gave a value for the first time", async () => {
    await using scenario = await withClient("2.3");
    const ended = await scenario.run([
      ...["clients", "update", scenario.id, "--replace", "-c", "https://a.example/cb"],
      ...["--access-token-strategy", "jwt"],
    ]);
    assertExit(ended, 0);
    assert.match(ended.stderr, /^access_token_strategy: \(nothing\) → "jwt"$/m);
  });

  it("keeps repeated list values when an existing value is added", async () => {
    await using scenario = await withClient("26");
    assertExit(await scenario.run(["clients", "update", scenario.id, "--audience", "a,a,b"]), 0);
    const ended = await scenario.run(["clients", "update", scenario.id, "--add-audience", "b"]);
    assertExit(ended, 0);
    assert.match(ended.stderr, /is already up to date/);
  });

  it("reports the state of the secret if a client becomes public, or stops being so", async () => {
    await using scenario = await withClient("26");
    const method = (way: string, ...more: string[]) =>
      scenario.run(["clients", "update", scenario.id, "--token-endpoint-auth-method", way, ...more]);
    assert.match((await method("none")).stderr, /^Client "\S+" no longer has a secret: its auth method is none$/m);
    assert.match(
      (await scenario.run(["clients", "update", scenario.id, "-n", "b"])).stderr,
      /^Client "\S+" has no secret:/m,
    );
    assertFails(await method("none", "--secret", "not-to-be-sent"), 2, /takes no secret/);
    assert.ok(!JSON.stringify(scenario.proxy.seen).includes("not-to-be-sent"));
    assert.match(
      (await method("client_secret_basic")).stderr,
      /^Warning: client "\S+" has no secret yet; generate one: hydra clients rotate-secret \S+$/m,
    );
  });

  it("shows no private part of a key that a client has", async () => {
    await using scenario = await withClient("26");
    const jwks = {
      keys: [
        {
          kty: "EC",
          crv: "P-256",
          kid: "a",
          x: "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
          y: "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
          d: "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
        },
      ],
    };
    const url = `${scenario.sandbox.url}/admin/clients/${scenario.id}`;
    const put = await fetch(url, { method: "PUT", body: JSON.stringify({ ...CLIENT, jwks }) });
    assert.equal(put.status, 200, await put.text());
    const ended = await scenario.run(["clients", "update", scenario.id, "--unset", "jwks"]);
    assertExit(ended, 0);
    assert.match(ended.stderr, /^jwks: .*"d":"\(redacted\)".* → \{\}$/m);
    assert.ok(!ended.stderr.includes("0_NxaRP"));
  });

  it("empties metadata and keys by an empty value, as it does other fields", async () => {
    await using scenario = await withClient("26");
    const ended = await scenario.run(["clients", "update", scenario.id, "--metadata", ""]);
    assertExit(ended, 0);
    assert.match(ended.stderr, /^metadata: .* → /m);
  });

  it("sends nothing if nothing would change, on every version", SLOW, async () => {
    for (const as of VERSIONS) {
      await using scenario = await withClient(as);
      const ended = await scenario.run([
        ...[
          "clients",
          "update",
          scenario.id,
          "-n",
          "before",
          "-a",
          "core,foobar",
          "--add-callback",
          "https://a.example/cb",
        ],
        ...["--unset", "jwks,policy-uri", "--set", "metadata.team.size=3", "--remove-contact", "gone"],
      ]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, `${scenario.id} OAuth 2.0 Client unchanged\n`);
      assert.match(ended.stderr, /^Warning: --remove-contact "gone" is not in contacts$/m);
      assert.match(ended.stderr, /is already up to date\n$/);
      assert.deepEqual(writes(scenario), []);
    }
  });

  it("reports which fields a server dropped, and doesn't claim that they changed", async () => {
    await using scenario = await withClient("1.8");
    const lifespan = "client_credentials_grant_access_token_lifespan";
    const ended = await scenario.run([
      "clients",
      "update",
      scenario.id,
      "-n",
      "after",
      `--${lifespan.replaceAll("_", "-")}`,
      "1h",
    ]);
    assertExit(ended, 0);
    assert.match(ended.stderr, new RegExp(`^Warning: ${lifespan}: this server does not keep the field$`, "m"));
    assert.doesNotMatch(ended.stderr, new RegExp(`^${lifespan}: `, "m"));
    assert.match(ended.stderr, /^client_name: "before" → "after"$/m);
  });

  it("sends nothing for a field that the server doesn't store, and reports it each time", SLOW, async () => {
    for (const [as, flag, field] of [
      ["1.8", "--implicit-grant-id-token-lifespan=1h", "implicit_grant_id_token_lifespan"],
      ["2.1", "--skip-logout-consent", "skip_logout_consent"],
      ["2.3", "--device-authorization-grant-id-token-lifespan=1h", "device_authorization_grant_id_token_lifespan"],
    ] as const) {
      await using scenario = await withClient(as);
      const update = await scenario.run(["clients", "update", scenario.id, flag]);
      const create = [
        "clients",
        "create",
        "--id",
        scenario.id,
        "--if-exists",
        "update",
        "-a",
        "core,foobar",
        "-n",
        "before",
      ];
      const again = await scenario.run([...create, "-c", "https://a.example/cb", flag]);
      for (const ended of [update, again]) {
        assertExit(ended, 0);
        assert.match(ended.stderr, new RegExp(`^Warning: ${field}: this server does not keep the field$`, "m"));
      }
      assert.deepEqual(writes(scenario), []);
    }
  });

  it("asks for the server's default scope each time, and sends fields that a newer server may have", async () => {
    await using scenario = await withClient("26");
    const reset = ["clients", "update", scenario.id, "--unset", "scope"];
    for (const args of [reset, reset, ["clients", "update", scenario.id, "--set", "later_field=1"]])
      assertExit(await scenario.run(args), 0);
    assert.deepEqual(
      writes(scenario).map(({ body }) => JSON.parse(body)),
      [
        [{ op: "replace", path: "/scope", value: "" }],
        [{ op: "replace", path: "/scope", value: "" }],
        [{ op: "add", path: "/later_field", value: 1 }],
      ],
    );
    assert.equal(scenario.sandbox.clients()[0]?.["scope"], "openid offline");
  });

  it("reports which fields the API version doesn't have, before it writes", async () => {
    await using scenario = await withClient("1.11");
    const args = ["clients", "update", scenario.id, "-n", "after", "--skip-consent", "--access-token-strategy", "jwt"];
    for (const more of [[], ["--dry-run"]]) {
      const ended = await scenario.run([...args, ...more]);
      assertExit(ended, 2);
      assert.match(ended.stderr, /^Error: --(skip-consent|access-token-strategy): Hydra 1\.x has no field /);
      assert.match(ended.stderr, /^ {2}--(skip-consent|access-token-strategy): Hydra 1\.x has no field /m);
    }
    assert.deepEqual(writes(scenario), []);
    await using newer = await withClient("26");
    const old = await newer.run(["clients", "update", newer.id, "--password-grant-access-token-lifespan", "1h"]);
    assertFails(old, 2, /Hydra 2\.x has no field password_grant_access_token_lifespan/);
    assert.deepEqual(writes(newer), []);
  });

  it("applies a file, then flags, then --set", async () => {
    await using scenario = await withClient("26");
    const file = join(scenario.home, "client.yaml");
    writeFileSync(file, "client_name: filed\nscope: a b\nmetadata:\n  whole: true\nowner: filed\n");
    const ended = await scenario.run([
      ...["clients", "update", scenario.id, "--file", file, "--owner", "flagged", "--set", "metadata.more=1"],
    ]);
    assertExit(ended, 0);
    const [client] = scenario.sandbox.clients();
    assert.equal(client?.["client_name"], "filed");
    assert.equal(client?.["owner"], "flagged");
    assert.equal(client?.["scope"], "a b");
    assert.deepEqual(client?.["metadata"], { whole: true, more: 1 });
    assert.equal(client?.["logo_uri"], CLIENT.logo_uri);
  });

  it("rejects contradictions, all at once, and sends nothing", SLOW, async () => {
    await using scenario = await withClient("26");
    const file = join(scenario.home, "other.json");
    writeFileSync(file, '{"client_id":"another"}');
    const cases: readonly (readonly [args: readonly string[], message: RegExp, hint: RegExp])[] = [
      [[], /No changes given for client ".*"/, /--name/],
      [["--unset", "owner", "--owner", "x"], /owner is both set and changed by another flag/, /once/],
      [["--unset", "metadata", "--set", "metadata.x=1"], /metadata is both set and changed by another flag/, /once/],
      [["-n", "a", "--set", 'client_name="b"'], /-n and --set client_name cannot be used together/, /in one way/],
      [["--add-scope", "x", "-a", "y"], /scope is both set and changed by another flag/, /once/],
      [["--unset", "logo_ur"], /--unset "logo_ur" is not a field/, /did you mean logo_uri\?/],
      [["--unset", "client_secret"], /"client_secret" is not a field to clear/, /: hydra clients rotate-secret \S+$/m],
      [
        ["--unset", "client_id"],
        /"client_id" is not a field to clear/,
        /^Hint: show the fields: hydra clients get \S+$/m,
      ],
      [["--replace", "--add-scope", "x", "-c", "http://localhost/"], /--replace excludes --add-/, /--replace/],
      [["--file", file], /"another" is not the client to update/, /"another" after update/],
      [["--set", "metadata.x"], /--set "metadata\.x" has no path before an equals sign/, /--set metadata/],
      [["--set", "metadata.x=nope"], /The value of --set "metadata.x" is not JSON/, /='"x"'/],
      [["--set", "metadata..x=1"], /has no path/, /./],
      [["--set", 'redirect_uris.3="https://b.example"'], /"redirect_uris\.3" does not exist in the client/, /0/],
      [["--metadata", "{nope"], /--metadata .* is not JSON/, /single quotes/],
      [["--keybase", "alice"], /There is no new secret to encrypt/, /rotate-secret/],
      [["-c", "https://a.example/#x"], /has a fragment/, /#/],
      [["--implicit-grant-id-token-lifespan", "1 day"], /is not a valid duration/, /1h30m/],
      [["--secret", "abc"], /--secret is shorter than 6/, /./],
      [["--nmae", "x"], /--nmae/, /--name/],
    ];
    for (const [args, message, hint] of cases) {
      const ended = await scenario.run(["clients", "update", scenario.id, ...args]);
      assertExit(ended, 2);
      assert.match(ended.stderr, message, describeRun(ended));
      assert.match(ended.stderr.match(/^Hint: .*$/gm)?.join("\n") ?? "", hint, describeRun(ended));
      assert.equal(ended.stdout, "");
    }
    assert.deepEqual(writes(scenario), []);
    const many = await scenario.run([
      "clients",
      "update",
      scenario.id,
      "--unset",
      "logo_ur",
      "--set",
      "x",
      "--nmae",
      "x",
      "stray",
    ]);
    assertExit(many, 2);
    assert.equal(many.stderr.match(/^Error: /gm)?.length, 4, describeRun(many));
  });

  it("checks the client as it would become, and reports only what the change affects", async () => {
    await using scenario = await withClient("26");
    const risky = ["clients", "update", scenario.id, "--add-callback", "http://public.example/cb"];
    const strict = await scenario.run([...risky, "--strict", "--format", "json"]);
    assertExit(strict, 2);
    assert.equal(JSON.parse(strict.stderr).error, "redirect-uri-plain-http");
    assert.deepEqual(writes(scenario), []);
    const warned = await scenario.run(risky);
    assertExit(warned, 0);
    assert.match(warned.stderr, /^Warning: .*uses http to a remote host \[redirect-uri-plain-http\]: /m);
    const unrelated = await scenario.run(["clients", "update", scenario.id, "-n", "x", "--strict"]);
    assertExit(unrelated, 0);
    assert.doesNotMatch(unrelated.stderr, /Warning/);
    const broken = await scenario.run([
      ...[
        "clients",
        "update",
        scenario.id,
        "--jwks-uri",
        "https://a.example/keys",
        "--jwks",
        '{"keys":[{"kty":"RSA"}]}',
      ],
      ...["--post-logout-callbacks", "https://elsewhere.example/"],
    ]);
    assertExit(broken, 2);
    assert.match(broken.stderr, /^Error: .*are mutually exclusive$/m);
    assert.match(broken.stderr, /^ {2}.*does not share its origin with any redirect URI$/m);
  });

  it("rejects misspelled fields of --set, accepts them with --lenient, and unknown ones unless --strict", async () => {
    await using scenario = await withClient("26");
    const set = (assignment: string, ...more: readonly string[]) =>
      scenario.run(["clients", "update", scenario.id, "--set", assignment, ...more]);
    const requests = scenario.proxy.seen.length;
    for (const assignment of ['clinet_name="x"', 'metadat.team="x"']) {
      const misspelled = await set(assignment);
      assertFails(misspelled, 2, /^Error: --set (clinet_name|metadat\.team) is not a client field$/m);
      assert.match(misspelled.stderr, /^Hint: did you mean (client_name|metadata)\? --lenient accepts it$/m);
    }
    assertFails(await set("x_team=1", "--strict"), 2, /--set x_team is not a client field/);
    assert.equal(scenario.proxy.seen.length, requests);
    assert.match(
      (await set('clinet_name="x"', "--lenient")).stderr,
      /^Warning: --set clinet_name is not a client field; did you mean client_name\?$/m,
    );
    assert.match((await set("x_team=1")).stderr, /^Warning: --set x_team is not a client field$/m);
  });

  it("replaces everything if that is requested", async () => {
    await using scenario = await withClient("26");
    const ended = await scenario.run([
      "update",
      "client",
      scenario.id,
      "--replace",
      "--name",
      "after",
      "--format",
      "json",
    ]);
    assertExit(ended, 0);
    const [put] = writes(scenario);
    assert.equal(put?.method, "PUT");
    const [client] = scenario.sandbox.clients();
    assert.equal(client?.["owner"], "");
    assert.deepEqual(client?.["redirect_uris"], []);
    assert.equal(scenario.sandbox.secretOf(scenario.id), SECRET);
    assert.match(ended.stderr, /^owner: "team" → /m);
  });

  it("retries a change whose answer was lost, and reports when the outcome is unknown", async () => {
    let first = true;
    await using scenario = await withClient(
      "26",
      changing(async (exchange) => {
        if (!first) return exchange.reply(await exchange.pass());
        first = false;
        await dropAfter(exchange);
      }),
    );
    assertExit(await scenario.run(["clients", "update", scenario.id, "-n", "after"]), 0);
    assert.equal(writes(scenario).length, 2);
    await using lost = await withClient("26", changing(dropAfter));
    const ended = await lost.run(["clients", "update", lost.id, "-n", "after", "--fail-after", "0"]);
    assertFails(ended, 6, /the change may have been made anyway/);
    await using refused = await withClient(
      "26",
      changing(
        instead({
          status: 400,
          headers: { "content-type": "application/json" },
          body: '{"error":"x","error_description":"no"}',
        }),
      ),
    );
    const not = await refused.run(["clients", "update", refused.id, "-n", "after"]);
    assertFails(not, 1, /server answered 400: no$/);
  });
});

describe("clients update with a secret", () => {
  const args = (scenario: { readonly id: string }): readonly string[] => [
    "clients",
    "update",
    scenario.id,
    "--secret-file",
    "-",
  ];
  const stdin = "second-secret-0123456789\n";

  it("changes it, prints it nowhere and leaves no file, on every version", SLOW, async () => {
    for (const as of VERSIONS) {
      await using scenario = await withClient(as);
      for (const format of ["text", "json", "yaml", "env"]) {
        const ended = await scenario.run([...args(scenario), "--format", format], { stdin });
        assertExit(ended, 0);
        assert.doesNotMatch(ended.stdout + ended.stderr, /second-secret/);
        assert.match(ended.stderr, /is the one given; the old one no longer works/);
      }
      assert.equal(scenario.sandbox.secretOf(scenario.id), stdin.trim());
      assert.equal(scenario.sandbox.clients()[0]?.["owner"], "team");
      assert.deepEqual(scenario.recoveryCopies(), []);
    }
  });

  it("is saved if it is unknown whether the server accepted it", SLOW, async () => {
    const unsure = async (fault: Fault): Promise<void> => {
      await using scenario = await withClient("26", changing(fault));
      const ended = await scenario.run([...args(scenario), "--fail-after", "5s"], { stdin });
      assert.notEqual(ended.status, 0, describeRun(ended));
      const [kept] = scenario.recoveryCopies();
      assert.equal(kept?.record.client_secret, stdin.trim());
      assert.equal(kept?.record.state, "unverified");
      assert.equal(kept?.record.client_id, scenario.id);
      assert.ok(ended.stderr.includes(kept?.path ?? "nothing"), describeRun(ended));
      assert.doesNotMatch(ended.stderr, /second-secret/);
    };
    await Promise.all([dropAfter, stallAfter, swapped(() => ({ status: 200, body: "<html>" }))].map(unsure));
  });

  it("saves nothing if the server rejected it", async () => {
    await using scenario = await withClient("26", changing(instead({ status: 403, body: "no" })));
    assertFails(await scenario.run(args(scenario), { stdin }), 3, /403/);
    assert.deepEqual(scenario.recoveryCopies(), []);
    assert.equal(scenario.sandbox.secretOf(scenario.id), SECRET);
  });

  it("keeps it from a signal in the middle", async () => {
    let arrived = (): void => {};
    const there = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await using scenario = await withClient(
      "26",
      changing(async ({ pass }) => {
        await pass();
        arrived();
      }),
    );
    await using running = scenario.start(args(scenario), { stdin });
    await there;
    running.kill("SIGTERM");
    const ended = await running.ended;
    assertExit(ended, 143);
    const [kept] = scenario.recoveryCopies();
    assert.equal(kept?.record.client_secret, scenario.sandbox.secretOf(scenario.id));
    assert.ok(ended.stderr.includes(kept?.path ?? "nothing"), describeRun(ended));
  });
});

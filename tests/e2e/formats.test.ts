/** Every output format of every command. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { CLIENT_RULES } from "../../lib/core/client/rules.ts";
import { isTested } from "../thorough.ts";
import { BINARY, type Ended, start } from "./binary.ts";
import { instead } from "./fault-proxy.ts";
import { mostlyInThisProcess } from "./in-this-process.ts";
import { assertExit, assertFails, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";

/** Every format that an argument names, with an expression where it needs one. */
const FORMATS = [
  ...["text", "table", "json", "json-pretty", "yaml", "ndjson", "env", "id", "quiet", "k8s-secret"],
  ...["jsonpath=client_id", "jsonpath=$..client_id", "jsonpointer=/client_id", "raw=client_id", "raw=$..client_id"],
];

/** The formats that a command has: one without a secret has no manifest of it, and one without clients no variables. */
function formatsOf(what: "secrets" | "clients" | "others"): readonly string[] {
  const without: readonly string[] = { secrets: [], clients: ["k8s-secret"], others: ["k8s-secret", "env"] }[what];
  return FORMATS.filter((format) => !without.includes(format));
}

const JSON_FORMATS = ["json", "json-pretty", "ndjson", "jsonpath=client_id", "jsonpointer=/client_id"];

const HARD = {
  client_name: 'it\'s "one" $(x) ☃\nline',
  redirect_uris: ["https://a.example/cb"],
  metadata: { k: [1, null] },
};

type Json = Readonly<Record<string, unknown>>;

async function fill(scenario: Scenario, ...clients: readonly Json[]): Promise<void> {
  for (const client of clients) {
    const body = JSON.stringify({ client_secret: "stored-secret-0123", ...client });
    const answer = await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body });
    assert.equal(answer.status, 201);
  }
}

/** Runs one command in one format, which must work, and gives what it wrote. */
async function written(run: Scenario["run"], args: readonly string[], format: string, stdin = ""): Promise<string> {
  const ended = await run([...args, "--format", format], { stdin });
  assertExit(ended, 0);
  return ended.stdout;
}

function lines(text: string): readonly string[] {
  return text.split("\n").slice(0, -1);
}

describe("one client", () => {
  it("is the same in every format", SLOW, async () => {
    await using scenario = await openScenario();
    const program = mostlyInThisProcess(7)(scenario);
    await fill(scenario, { client_id: "a", ...HARD });
    const [client] = scenario.sandbox.clients();
    for (const grammar of [
      ["clients", "get"],
      ["get", "oauth2-client"],
    ]) {
      const get = (format: string): Promise<string> => written(program, [...grammar, "a"], format);
      const compact = await get("json");
      assert.deepEqual(JSON.parse(compact), client);
      assert.equal(lines(compact).length, 1);
      const pretty = await get("json-pretty");
      assert.deepEqual(JSON.parse(pretty), client);
      assert.match(pretty, /^\{\n {2}"client_id": "a",\n/);
      assert.deepEqual(parse(await get("yaml")), client);
      assert.equal(await get("ndjson"), compact);
      assert.equal(await get("id"), "a\n");
      assert.equal(await get("quiet"), "a\n");
      assert.equal(await get("env"), "CLIENT_ID=a\n");
      assert.equal(await get("jsonpath=client_id"), '"a"\n');
      assert.equal(await get("jsonpath=redirect_uris.0"), '"https://a.example/cb"\n');
      assert.equal(await get("jsonpath=no.such.thing"), "null\n");
      assert.deepEqual(JSON.parse(await get("jsonpath=$.metadata.k[*]")), [1, null]);
      assert.deepEqual(JSON.parse(await get("jsonpointer=/metadata/k/0")), 1);
      assert.deepEqual(JSON.parse(await get("jsonpointer=")), client);
      assert.equal(await get("raw=client_name"), `${HARD.client_name}\n`);
      assert.equal(await get("raw=metadata"), '{"k":[1,null]}\n');
      assert.equal(await get("raw=$.metadata.k[*]"), "1\nnull\n");
      assert.equal(await get("raw=nothing"), "");
      for (const format of ["text", "table"])
        assert.match(await get(format), /^CLIENT ID\ta\n(.*\n)*REDIRECT URIS\thttps:\/\/a\.example\/cb\n$/);
      assert.equal(lines(await get("table")).length, 7);
    }
  });
});

describe("several clients", () => {
  it("are the same in every format", SLOW, async () => {
    await using scenario = await openScenario();
    const program = mostlyInThisProcess(5)(scenario);
    await fill(scenario, { client_id: "a", ...HARD }, { client_id: "b", client_name: "b" });
    const clients = scenario.sandbox.clients();
    for (const [args, wrapped] of [
      [["clients", "get", "a", "b"], false],
      [["clients", "list"], true],
    ] as const) {
      const run = (format: string): Promise<string> => written(program, args, format);
      const whole = wrapped ? { items: clients, next_page_token: "", is_last_page: true } : clients;
      for (const format of ["json", "json-pretty", "jsonpointer="])
        assert.deepEqual(JSON.parse(await run(format)), whole);
      assert.equal(lines(await run("json")).length, 1);
      assert.deepEqual(parse(await run("yaml")), whole);
      assert.deepEqual(
        lines(await run("ndjson")).map((line): unknown => JSON.parse(line)),
        clients,
      );
      assert.equal(await run("id"), "a\nb\n");
      assert.equal(await run("env"), "CLIENT_ID=a\n\nCLIENT_ID=b\n");
      const at = wrapped ? "items.1.client_id" : "1.client_id";
      assert.equal(await run(`jsonpath=${at}`), '"b"\n');
      assert.equal(await run(`raw=${at}`), "b\n");
      assert.deepEqual(JSON.parse(await run("jsonpath=$..client_id")), ["a", "b"]);
      assert.equal(await run("raw=$..client_id"), "a\nb\n");
      assert.equal(await run(`jsonpointer=/${at.replaceAll(".", "/")}`), '"b"\n');
      const end = wrapped ? "\nNEXT PAGE TOKEN\nIS LAST PAGE\ttrue\n" : "";
      assert.match(await run("table"), new RegExp(`^CLIENT ID\t.*\na\t.*\nb\t.*\n${end}$`));
    }
    assert.match(await written(scenario.run, ["clients", "list"], "text"), /^\|.*\n\|-.*\n\| a .*\n\| b .*\n$/);
  });
});

describe("every command", () => {
  it("accepts every format", SLOW, async () => {
    await using scenario = await openScenario();
    const program = mostlyInThisProcess(7)(scenario);
    const input = (n: number): string => JSON.stringify([{ client_id: `i-${n}` }, { client_id: `j-${n}` }]);
    let n = 0;
    for (const format of FORMATS) {
      n++;
      await fill(scenario, { client_id: "a" }, { client_id: "b" });
      for (const [args, ids] of [
        [["clients", "update", "a", "-n", `x ${n}`], ["a"]],
        [["clients", "update", "a", "-n", `x ${n}`], ["a"]],
        [["clients", "rotate-secret", "a"], ["a"]],
        [["clients", "create", "--id", `c-${n}`, "-c", "http://localhost/"], [`c-${n}`]],
        [
          ["clients", "import"],
          [`i-${n}`, `j-${n}`],
        ],
        [
          ["clients", "delete", "a", "b"],
          ["a", "b"],
        ],
        [["clients", "delete", `c-${n}`], [`c-${n}`]],
        [
          ["clients", "import", "--if-exists", "skip"],
          [`i-${n}`, `j-${n}`],
        ],
      ] as const) {
        const refused = args[1] === "delete" && format === "k8s-secret";
        const stdout = await written(program, args, refused ? "json" : format, input(n));
        if (refused) continue;
        const many = args[1] === "import" || (args.length > 3 && args[1] === "delete");
        const shown = format.startsWith("k8s") ? ids.map((id) => Buffer.from(id).toString("base64")) : ids;
        // An expression about one client finds nothing in several.
        if (many && /=\/?client_id$/.test(format)) assert.equal(stdout, format.startsWith("raw") ? "" : "null\n");
        // A client whose secret stays where it is has no manifest, which would take it out of a cluster.
        else if (format === "k8s-secret" && (args[1] === "update" || args[3] === "skip")) assert.equal(stdout, "");
        else for (const id of shown) assert.ok(stdout.includes(id), `${format}: ${args.join(" ")}\n${stdout}`);
        if (/^json/.test(format)) JSON.parse(stdout);
        if (format === "ndjson")
          assert.deepEqual(
            lines(stdout).map((line) => JSON.parse(line).client_id),
            ids,
          );
        if (format === "id" || format === "quiet") assert.equal(stdout, ids.map((id) => `${id}\n`).join(""));
        if (format === "yaml")
          assert.deepEqual(
            [parse(stdout)].flat().map((client) => client.client_id),
            ids,
          );
      }
      if (!formatsOf("others").includes(format)) continue;
      for (const args of [["wait"], ["version"], ["version", "--server"]]) {
        const stdout = await written(program, args, format);
        if (/^json|ndjson/.test(format)) JSON.parse(stdout);
        if (!format.includes("=")) assert.notEqual(stdout, "");
      }
    }
  });

  it("rejects a credential format if there are no credentials, and sends nothing", SLOW, async () => {
    await using scenario = await openScenario();
    const program = mostlyInThisProcess(5)(scenario);
    const ids = [
      ["clients", "get", "a"],
      ["list", "clients"],
      ["clients", "delete", "a"],
    ];
    const create = ["clients", "create", "-c", "http://localhost/"];
    const others = [
      ["wait"],
      ["version"],
      ["version", "--server"],
      ["pgp", "inspect", "x"],
      [...create, "--dry-run"],
      ["clients", "update", "a", "-n", "x", "--dry-run"],
    ];
    for (const args of [...ids, ...others]) {
      const ended = await program([...args, "--format", "k8s-secret"]);
      assertFails(ended, 2, /^Error: Cannot use --format k8s-secret .*: there is no secret to write$/);
      assert.match(ended.stderr, /^Hint: create, rotate-secret, update and import deliver secrets/m);
    }
    for (const args of others)
      assertFails(
        await program([...args, "--format", "env"]),
        2,
        /^Error: Cannot use --format env .*: there is no client/,
      );
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("rejects an unknown format with a suggestion, and sends nothing", SLOW, async () => {
    await using scenario = await openScenario();
    const program = mostlyInThisProcess(5)(scenario);
    const commands = [
      ["clients", "get", "a"],
      ["clients", "list"],
      ["clients", "update", "a", "-n", "x"],
      ["clients", "delete", "a"],
      ["clients", "import", "missing.json"],
      ["clients", "rotate-secret", "a"],
      ["wait"],
      ["version", "--server"],
    ];
    for (const [at, args] of commands.entries()) {
      const unknown = [
        ["jsn", /did you mean json\?/],
        ["", /formats: /],
        ["json=x", /try: --format json/],
        ["jsonpath", /jsonpath=/],
        ["jsonpath=$.[", /./],
        ["jsonpointer=client_id", /./],
        ["raw=", /raw=/],
        ["__proto__", /formats: /],
      ] as const;
      for (const [format, hint] of unknown.filter((_, n) => isTested(at + n, 2))) {
        const ended = await program([...args, "--format", format]);
        assertExit(ended, 2);
        assert.equal(ended.stdout, "");
        const text = format.startsWith("jsonpath=") || format.startsWith("jsonpointer=") ? ended.stderr : "";
        if (text === "") assert.match(ended.stderr, hint, describeRun(ended));
      }
    }
    assertFails(await scenario.run(["clients", "list", "-q", "--format", "jsn"]), 2, /Unknown format "jsn"/);
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("has the format of its syntax unless one is given", async () => {
    await using scenario = await openScenario();
    await fill(scenario, { client_id: "a", client_name: "x" });
    const run = async (...args: readonly string[]): Promise<string> => {
      const ended = await scenario.run(args);
      assertExit(ended, 0);
      return ended.stdout;
    };
    assert.equal(JSON.parse(await run("clients", "get", "a")).client_id, "a");
    assert.match(await run("get", "client", "a"), /^CLIENT ID\ta\n/);
    assert.match(await run("clients", "list"), /^\| +CLIENT ID/);
    assert.match(await run("list", "clients"), /^CLIENT ID\t/);
    assert.equal(await run("clients", "update", "a", "-n", "y"), "a OAuth 2.0 Client updated\n");
    assert.match(await run("update", "client", "a", "--name", "z"), /^CLIENT ID\ta\n/);
    assert.equal(await run("clients", "delete", "a"), "OAuth 2.0 Client deleted: a\n");
    await fill(scenario, { client_id: "a" }, { client_id: "b" });
    assert.equal(await run("delete", "clients", "a", "b"), "ID\na\nb\n");
  });

  it("reports errors as JSON if its format is JSON, and as lines elsewhere", SLOW, async () => {
    await using scenario = await openScenario();
    const program = mostlyInThisProcess(5)(scenario);
    const file = join(scenario.home, "nothing.json");
    for (const [at, format] of FORMATS.entries()) {
      const errors = [
        [["clients", "get", "missing"], 4, "not-found"],
        [["clients", "update", "missing", "-n", "x"], 4, "not-found"],
        [["clients", "update", "missing"], 2, "nothing-named"],
        [["clients", "delete", "missing"], 4, "not-found"],
        [["clients", "rotate-secret", "missing"], 4, "not-found"],
        [["clients", "import", file], 2, "unreadable-file"],
        [["clients", "list", "--page", "2"], 2, "page-without-limit"],
        [["clients", "get", "a", "--endpoint", "nonsense"], 2, "bad-endpoint"],
        [["clients", "get"], 2, "missing-argument"],
        [["clients", "list", "--bogus"], 2, "unknown-flag"],
      ] as const;
      for (const [args, status, error] of errors.filter((_, n) => isTested(at + n, 3))) {
        const read = args[1] === "get" || args[1] === "list" || args[1] === "delete";
        if (!formatsOf(read ? "clients" : "secrets").includes(format)) continue;
        const ended = await program([...args, "--format", format]);
        assertExit(ended, status);
        assert.equal(ended.stdout, "");
        if (JSON_FORMATS.includes(format) || format.startsWith("json")) {
          const problem = JSON.parse(ended.stderr);
          assert.equal(problem.error, error, describeRun(ended));
          assert.equal(typeof problem.message, "string");
          assert.equal(typeof problem.hint, "string");
        } else assertFails(ended, status, /./);
      }
    }
  });

  it("names status and request in an error as JSON", async () => {
    const refuse = instead({
      status: 400,
      headers: { "content-type": "application/json" },
      body: '{"error":"e","error_description":"no way"}',
    });
    await using scenario = await openScenario("26", () => refuse);
    const url = `${scenario.url}/admin/clients`;
    for (const [args, method, target] of [
      [["clients", "get", "a b"], "GET", `${url}/a%20b`],
      [["clients", "list", "--owner", "hush"], "GET", `${url}?…`],
      [["clients", "delete", "a"], "DELETE", `${url}/a`],
      [["clients", "create", "-c", "http://localhost/"], "POST", url],
    ] as const) {
      const ended: Ended = await scenario.run([...args, "--format", "json"]);
      assertExit(ended, 1);
      const { error, message, hint, status, request, ...others } = JSON.parse(ended.stderr);
      assert.equal(error, "invalid");
      assert.match(message, /server answered 400: no way$/);
      assert.equal(typeof hint, "string");
      assert.equal(status, 400);
      assert.deepEqual(request, { method, url: target });
      assert.deepEqual(others, {});
    }
  });
});

describe("the env format", () => {
  it("sets exactly the ID and the secret in a shell", async () => {
    await using scenario = await openScenario();
    const script = 'set -eu; eval "$("$0" "$@")"; printf "%s\\n%s" "$CLIENT_ID" "$CLIENT_SECRET"';
    const id = 'it\'s "$(id)" & `x` \\ ☃';
    const args = ["clients", "create", "--id", id, "-c", "http://localhost/", "--format", "env"];
    const env = { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home };
    const ended = await start("/bin/sh", ["-c", script, BINARY, ...args], { env }).ended;
    assertExit(ended, 0);
    assert.equal(ended.stdout, `${id}\n${scenario.sandbox.secretOf(id)}`);
    const rotated = await start("/bin/sh", ["-c", script, BINARY, "clients", "rotate-secret", id, "--format", "env"], {
      env,
    }).ended;
    assertExit(rotated, 0);
    assert.equal(rotated.stdout, `${id}\n${scenario.sandbox.secretOf(id)}`);
  });
});

/** A client that breaks each rule, and no other rule. */
const BROKEN: Readonly<Record<string, Json>> = {
  "field-type": { client_name: 5 },
  "client-id-dots": { client_id: ".." },
  "client-id-slash": { client_id: "team/app" },
  "auth-method-unknown": { token_endpoint_auth_method: "client_secret" },
  "grant-type-unknown": { grant_types: ["authorization_code", "client-credentials"] },
  "response-type-unknown": { response_types: ["code", "authorization_code"] },
  "response-type-unused": { response_types: ["code", "id_token"] },
  "response-type-missing": { response_types: ["none"] },
  "offline-without-refresh-token": { scope: "openid offline_access" },
  "refresh-token-without-offline": { grant_types: ["authorization_code", "refresh_token"], scope: "openid" },
  "scope-misspelt": { scope: "open_id" },
  "scope-commas": { scope: "read,write" },
  "uri-without-scheme": { logo_uri: "localhost:3000/logo.png" },
  "redirect-uri-several": { redirect_uris: ["https://a.example/1 https://a.example/2"] },
  "redirect-uri-localhost": { token_endpoint_auth_method: "none", redirect_uris: ["http://localhost/cb"] },
  "pairwise-without-sector": { subject_type: "pairwise", redirect_uris: ["https://a.example/", "https://b.example/"] },
  "pairwise-with-jwt": { subject_type: "pairwise", access_token_strategy: "jwt" },
  "credential-outer-space": { client_id: "a\n" },
  "control-character": { client_name: "a\r" },
  "client-id-not-unicode": { client_id: "\ud800" },
  placeholder: { client_id: "$CLIENT_ID" },
  "placeholder-in-uri": { redirect_uris: ["https://$PUBLIC_HOST/cb"] },
  "secret-empty": { client_secret: "" },
  "secret-too-short": { client_secret: "short" },
  "jwks-and-jwks-uri": { jwks: { keys: [{ kty: "RSA" }] }, jwks_uri: "https://a.example/keys" },
  "jwks-private-key": { jwks: { keys: [{ kty: "EC", d: "private" }] } },
  "private-key-jwt-without-keys": { token_endpoint_auth_method: "private_key_jwt" },
  "assertion-algorithm": {
    ...{ token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://a.example/keys" },
    token_endpoint_auth_signing_alg: "EdDSA",
  },
  "userinfo-algorithm": { userinfo_signed_response_alg: "ES256" },
  "redirect-uri-fragment": { redirect_uris: ["https://a.example/#x"] },
  "post-logout-uri-mismatch": { post_logout_redirect_uris: ["https://b.example/"] },
  "cors-origin": { allowed_cors_origins: ["https://a.example/path"] },
  "sector-identifier-uri-https": { sector_identifier_uri: "http://a.example/" },
  "no-callback": { redirect_uris: [] },
  "redirect-uri-not-an-address": { redirect_uris: ["https://a.example/", "localhost/cb"] },
  "redirect-uri-script": { redirect_uris: ["https://a.example/", "javascript:alert(1)"] },
  "redirect-uri-relative": { redirect_uris: ["https://a.example/", "/cb"] },
  "redirect-uri-plain-http": { redirect_uris: ["http://public.example/cb"] },
  "redirect-uri-wildcard": { redirect_uris: ["https://a.example/*"] },
  "implicit-grant": { grant_types: ["implicit"] },
  "public-client-credentials": { token_endpoint_auth_method: "none", grant_types: ["client_credentials"] },
  "cors-origin-wildcard": { allowed_cors_origins: ["https://*.example"] },
  "not-an-address": { logo_uri: "not an address" },
  "secret-too-long": { client_secret: "x".repeat(73) },
  "secret-characters": { client_secret: "with spaces and %" },
};

describe("the rules", () => {
  const sound = {
    redirect_uris: ["https://a.example/cb"],
    grant_types: ["authorization_code"],
    response_types: ["code"],
  };

  it("are all tested", () => {
    assert.deepEqual(Object.keys(BROKEN).toSorted(), CLIENT_RULES.map(({ name }) => name).toSorted());
  });

  it(
    "have their stable names through create, update and import, as errors, as warnings, and as errors under --strict",
    SLOW,
    async () => {
      await using scenario = await openScenario();
      const program = mostlyInThisProcess(5)(scenario);
      // Whether a slash is an error depends on the server: see below.
      const rules = CLIENT_RULES.filter(({ name }) => name !== "client-id-slash");
      for (const [at, { name: rule, severity }] of rules.entries()) {
        const client = { ...sound, ...BROKEN[rule] };
        const file = join(scenario.home, `${rule}.json`);
        writeFileSync(file, JSON.stringify(client));
        const commands = [
          ["clients", "create", "--file", file],
          ["clients", "import", file],
        ];
        for (const args of commands.filter((_, n) => isTested(at + n, 2))) {
          const before = scenario.proxy.seen.length;
          const strict = await program([...args, "--strict", "--format", "json"]);
          assertExit(strict, 2);
          assert.equal(JSON.parse(strict.stderr).error, rule, describeRun(strict));
          assert.equal(scenario.proxy.seen.length, before);
          const plain = await program([...args, "--format", "json"]);
          if (severity === "error") {
            assertExit(plain, 2);
            assert.equal(JSON.parse(plain.stderr).error, rule);
            assert.equal(scenario.proxy.seen.length, before);
          } else {
            assert.match(plain.stderr, new RegExp(`^Warning: .* \\[${rule}\\]`, "m"));
            assert.ok(scenario.proxy.posts().length > 0);
          }
        }
      }
    },
  );

  it("report an ID with a slash if the server could not look it up, before anything is created", SLOW, async () => {
    for (const version of ["1.8", "1.11", "2.1", "2.3", "26"] as const) {
      await using scenario = await openScenario(version);
      const program = mostlyInThisProcess(4)(scenario);
      const file = join(scenario.home, "slash.json");
      writeFileSync(file, JSON.stringify({ ...sound, client_id: "https://app.example/client.json" }));
      for (const args of [
        ["clients", "create", "--file", file],
        ["clients", "create", "--id", "team/app", "-g", "client_credentials"],
        ["clients", "import", file],
      ]) {
        const planned = await program([...args, "--dry-run", "--if-exists", "skip"]);
        // The dry run of an import reads the clients, so it fails as the import would.
        const isRefused = args[1] === "import" && version !== "26";
        assertExit(planned, isRefused ? 2 : 0);
        assert.equal(/^Error: .* contains a slash, which this server cannot look up$/m.test(planned.stderr), isRefused);
        const isAsked = args[1] === "import";
        assert.equal(/^Warning: .* contains a slash \[client-id-slash\]: /m.test(planned.stderr), !isAsked);
        if (isRefused) {
          assert.deepEqual(scenario.proxy.posts(), []);
          // The name of the file as it is.
          assert.ok(planned.stderr.startsWith(`Error: ${file}: client_id "https://`), planned.stderr);
        }
        if (isAsked)
          assertExit(await program([...args, "--dry-run", "--strict", "--if-exists", "skip"]), isRefused ? 2 : 0);
        const ended = await program([...args, "--strict", "--format", "json", "--if-exists", "skip"]);
        if (version === "26") {
          assertExit(ended, 0);
          assert.doesNotMatch(ended.stderr, /Warning/);
        } else {
          assertExit(ended, 2);
          assert.equal(JSON.parse(ended.stderr).error, "client-id-slash");
          assert.match(JSON.parse(ended.stderr).message, /contains a slash, which this server cannot look up$/);
          assert.deepEqual(scenario.proxy.posts(), []);
        }
      }
    }
  });

  it("are checked together, each once", async () => {
    await using scenario = await openScenario();
    const file = join(scenario.home, "all.json");
    writeFileSync(
      file,
      JSON.stringify({
        ...sound,
        ...BROKEN["jwks-and-jwks-uri"],
        ...BROKEN["cors-origin"],
        ...BROKEN["redirect-uri-fragment"],
      }),
    );
    const ended = await scenario.run(["clients", "create", "--file", file, "--format", "json"]);
    assertExit(ended, 2);
    const { error, more } = JSON.parse(ended.stderr);
    assert.deepEqual([error, ...more.map((each: { error: string }) => each.error)].toSorted(), [
      "cors-origin",
      "jwks-and-jwks-uri",
      "redirect-uri-fragment",
    ]);
    assert.equal(scenario.proxy.seen.length, 0);
  });
});

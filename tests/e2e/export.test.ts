/** `hydra export`: clients as files. */

import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { RUNS_EVERYTHING } from "../thorough.ts";
import { BINARY, type Ended, runBinary, start } from "./binary.ts";
import { mostlyInThisProcess } from "./in-this-process.ts";
import { assertExit, assertFails, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";

const program = mostlyInThisProcess(5);

const WEB = {
  client_id: "web",
  client_name: "Web",
  redirect_uris: ["https://app.example.com/cb", "https://b.example.com/cb"],
  grant_types: ["refresh_token", "authorization_code"],
  scope: "openid offline",
};

const MARKED = {
  client_id: "billing",
  client_name: "Billing",
  grant_types: ["client_credentials"],
  scope: "invoices:read",
  metadata: { team: "money", "hydra.apply": { stack: "prod", key: "bill", secret: 2, protect: true } },
};

async function post({ sandbox }: Scenario, client: object): Promise<void> {
  const body = JSON.stringify(client);
  for (const path of ["/admin/clients", "/clients"]) {
    const { status } = await fetch(`${sandbox.url}${path}`, { method: "POST", body });
    if (status === 201) return;
    assert.ok(status === 404 || status === 405, `${path} answered ${status}`);
  }
  assert.fail("the client was not created");
}

/** A server with some clients, and a folder for files. */
async function filled(clients: readonly object[], as: SandboxVersion = "26"): Promise<Scenario> {
  const scenario = await openScenario(as);
  for (const client of clients) await post(scenario, client);
  return scenario;
}

/** Runs an export in the home folder of the scenario, so that its paths are relative. */
function exportIn(scenario: Scenario, ...args: readonly string[]): Promise<Ended> {
  return program(scenario)(["export", ...args], { cwd: scenario.home });
}

/** Writes a file into the home folder. */
function put({ home }: Scenario, name: string, text: string): string {
  const path = join(home, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function read({ home }: Scenario, name: string): string {
  return readFileSync(join(home, name), "utf8");
}

const WEB_YAML = `client_id: web
client_name: Web
redirect_uris:
  - https://app.example.com/cb
  - https://b.example.com/cb
grant_types:
  - refresh_token
  - authorization_code
scope: openid offline
`;

const BILLING_YAML = `client_id: billing
client_name: Billing
grant_types:
  - client_credentials
scope: invoices:read
metadata:
  team: money
x-hydra:
  key: bill
  protect: true
`;

describe("export to standard output", () => {
  for (const as of ["1.8", "1.11", "2.3", "26", "next"] as const)
    it(`is YAML without defaults, secrets and what the server sets, of a server as ${as}`, async () => {
      await using scenario = await filled([WEB, MARKED], as);
      const ended = await program(scenario)(["export", "billing", "web"]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, `${BILLING_YAML}---\n${WEB_YAML}`);
    });

  it("has the same clients as get, if the server chooses the IDs", async () => {
    const { client_id: _, ...client } = WEB;
    await using scenario = await filled([client], "2.1");
    const { stdout: id } = await scenario.run(["clients", "list", "-q"]);
    const ended = await program(scenario)(["export", "*"]);
    assert.equal(ended.stdout, WEB_YAML.replace("client_id: web", `client_id: ${id.trim()}`));
  });

  it("works in both syntaxes and with every alias", async () => {
    await using scenario = await filled([WEB]);
    for (const line of ["export", "clients export", "export oauth2-clients", "export oauth2-client", "client export"]) {
      const ended = await program(scenario)([...line.split(" "), "web"]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, WEB_YAML, line);
    }
  });

  it("selects by ID, pattern, stack and the absence of a mark", async () => {
    await using scenario = await filled([
      WEB,
      MARKED,
      { client_id: "wet", owner: "ops" },
      { client_id: "maester-made", owner: "app/prod" },
      { client_id: "broken", metadata: { "hydra.apply": "prod" } },
    ]);
    const selected = async (args: readonly string[], env: Record<string, string> = {}): Promise<readonly string[]> => {
      const ended = await program(scenario)(["export", ...args, "-q"], { env });
      assertExit(ended, 0);
      return ended.stdout
        .split("\n")
        .filter((line) => line !== "")
        .sort();
    };
    assert.deepEqual(await selected(["we?"]), ["web", "wet"]);
    assert.deepEqual(await selected(["*"]), ["billing", "broken", "maester-made", "web", "wet"]);
    assert.deepEqual(await selected(["web", "b*", "web"]), ["billing", "broken", "web"]);
    assert.deepEqual(await selected(["--stack", "prod"]), ["billing"]);
    assert.deepEqual(await selected([], { HYDRA_STACK: "prod" }), ["billing"]);
    assert.deepEqual(await selected(["web"], { HYDRA_STACK: "prod" }), ["web"]);
    assert.deepEqual(await selected(["web", "billing", "--stack", "prod"]), ["billing"]);
    assert.deepEqual(await selected(["--unmarked"]), ["broken", "web", "wet"]);
    assert.deepEqual(await selected(["--unmarked"], { HYDRA_STACK: "prod" }), ["broken", "web", "wet"]);
    assert.deepEqual(await selected(["maester-made", "--unmarked"]), ["maester-made"]);
    const unmarked = await program(scenario)(["export", "--unmarked"]);
    assert.match(unmarked.stderr, /1 client of hydra-maester left out/);
    const none = await program(scenario)(["export", "--stack", "nosuch"]);
    assertExit(none, 0);
    assert.deepEqual([none.stdout, none.stderr], ["", "No clients are selected\n"]);
  });

  it("writes the formats of other commands", async () => {
    await using scenario = await filled([WEB, MARKED]);
    const stdout = async (format: string): Promise<string> => {
      const ended = await program(scenario)(["export", "*", "--format", format]);
      assertExit(ended, 0);
      return ended.stdout;
    };
    const [billing] = JSON.parse(await stdout("json"));
    assert.deepEqual(billing, {
      client_id: "billing",
      client_name: "Billing",
      grant_types: ["client_credentials"],
      scope: "invoices:read",
      metadata: { team: "money" },
      "x-hydra": { key: "bill", protect: true },
    });
    assert.equal((await stdout("ndjson")).split("\n").length, 3);
    assert.equal(await stdout("env"), "BILL_CLIENT_ID=billing\n\nCLIENT_ID=web\n");
    assert.equal(await stdout("tsv"), await (await scenario.run(["list", "clients", "--format", "tsv"])).stdout);
  });

  it("writes defaults with --defaults", async () => {
    await using scenario = await filled([{ client_id: "a", scope: "x", skip_consent: false, metadata: {} }]);
    const ended = await program(scenario)(["export", "a", "--defaults", "--format", "json"]);
    const [client] = JSON.parse(ended.stdout);
    assert.deepEqual(client.grant_types, ["authorization_code"]);
    assert.equal(client.subject_type, "public");
    assert.equal(client.skip_consent, false);
    assert.deepEqual(client.metadata, {});
    assert.ok(!("created_at" in client) && !("client_secret_expires_at" in client) && !("jwks" in client));
  });

  it("never writes a private key or a secret, and says so", async () => {
    const ec = { kty: "EC", crv: "P-256", x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4" };
    const key = { ...ec, y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", kid: "a" };
    const keys = [{ ...key, d: "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE" }];
    await using scenario = await filled([
      { client_id: "a", client_secret: "given-secret-0001", scope: "x", jwks: { keys } },
    ]);
    const ended = await program(scenario)(["export", "a", "--format", "json"]);
    assertExit(ended, 0);
    assert.deepEqual(JSON.parse(ended.stdout)[0].jwks, { keys: [key] });
    assert.match(ended.stderr, /client "a": private keys in its jwks are left out/);
    assert.doesNotMatch(ended.stdout + ended.stderr, /given-secret|870MB6/);
  });

  it("ignores the rules that a client breaks, so that its file can be compared", async () => {
    await using scenario = await filled([{ client_id: "$APP", scope: "x" }]);
    const ended = await exportIn(scenario, "$APP");
    assert.equal(ended.stdout, "client_id: $APP\nscope: x\nx-hydra:\n  ignore:\n    - placeholder\n");
    put(scenario, "c.yaml", "client_id: $APP\nx-hydra: {protect: true, ignore: [implicit-grant]}\n");
    assertExit(await exportIn(scenario, "$APP", "--into", "c.yaml"), 0);
    assert.match(read(scenario, "c.yaml"), /^x-hydra: \{protect: true, ignore: \[implicit-grant, placeholder\]\}$/m);
  });

  it("warns of values that look like placeholders of files", async () => {
    await using scenario = await filled([{ client_id: "a", scope: "x", client_name: `My \${{ app }}` }]);
    const ended = await program(scenario)(["export", "a"]);
    assertExit(ended, 0);
    assert.match(
      ended.stderr,
      /client "a": its values contain placeholders, which applying the file would replace: app/,
    );
  });

  it("warns of invalid marks and of several stacks", async () => {
    await using scenario = await filled([
      MARKED,
      { client_id: "x", metadata: { "hydra.apply": { stack: "test", key: "x" } } },
      { client_id: "y", metadata: { "hydra.apply": { stack: 1 } }, scope: "s" },
    ]);
    const ended = await program(scenario)(["export", "*"]);
    assertExit(ended, 0);
    assert.match(ended.stderr, /client "y": the member "hydra.apply" of its metadata is not a valid mark/);
    assert.match(ended.stderr, /the stacks "prod" and "test"; export each with --stack/);
    assert.doesNotMatch(ended.stdout, /hydra\.apply/);
  });

  it("reports clients that don't exist", async () => {
    await using scenario = await filled([WEB]);
    assertFails(await program(scenario)(["export", "nosuch"]), 4, /"nosuch" not found/);
    const ended = await program(scenario)(["export", "nosuch", "web"]);
    assertExit(ended, 8);
    assert.equal(ended.stdout, WEB_YAML);
  });

  it("exports many clients, page by page", SLOW, async () => {
    const clients = Array.from({ length: 450 }, (_, i) => ({ client_id: `c-${i}`, scope: "x" }));
    await using scenario = await filled(clients);
    const ended = await program(scenario)(["export", "*", "-q"]);
    assert.equal(ended.stdout.split("\n").length, 451);
  });
});

describe("export into a folder", () => {
  it("writes a file for each client, and nothing on a second run", async () => {
    await using scenario = await filled([WEB, MARKED]);
    const first = await exportIn(scenario, "*", "--into", "out/clients/");
    assertExit(first, 0);
    assert.equal(
      first.stdout,
      "Added client billing: out/clients/billing.yaml\nAdded client web: out/clients/web.yaml\n",
    );
    assert.equal(read(scenario, "out/clients/web.yaml"), WEB_YAML);
    assert.equal(read(scenario, "out/clients/billing.yaml"), BILLING_YAML);
    const written = statSync(join(scenario.home, "out/clients/web.yaml"), { bigint: true });
    const again = await exportIn(scenario, "*", "--into", "out/clients/");
    assert.equal(again.stdout, first.stdout.replaceAll("Added", "Unchanged"));
    assert.deepEqual(statSync(join(scenario.home, "out/clients/web.yaml"), { bigint: true }).ino, written.ino);
    assert.deepEqual(readdirSync(join(scenario.home, "out/clients")).sort(), ["billing.yaml", "web.yaml"]);
  });

  it("finds clients in the files that describe them, whatever their names", async () => {
    await using scenario = await filled([WEB, MARKED]);
    put(scenario, "c/team/all.yml", "# ours\nclient_name: Old  # old\nx-hydra: {key: bill}\n---\nclient_id: other\n");
    put(scenario, "c/.hidden/web.yaml", "client_id: web\n");
    put(scenario, "c/node_modules/x/web.yaml", "client_id: web\n");
    put(scenario, "c/kustomization.yaml", "resources: [a.yaml]\n");
    put(scenario, "c/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n");
    const ended = await exportIn(scenario, "*", "--into", "c");
    assertExit(ended, 0);
    assert.equal(ended.stdout, "Changed client billing: c/team/all.yml\nAdded client web: c/web.yaml\n");
    assert.equal(
      read(scenario, "c/team/all.yml"),
      `# ours
client_name: Billing # old
grant_types:
  - client_credentials
scope: invoices:read
metadata:
  team: money
x-hydra: {key: bill, protect: true}
---
client_id: other
`,
    );
  });

  it("never writes two clients into one entry, such as those of two stacks with one key", async () => {
    const marked = (client_id: string, stack: string, key: string): object => ({
      client_id,
      client_name: client_id,
      scope: "x",
      metadata: { "hydra.apply": { stack, key } },
    });
    await using scenario = await filled([
      marked("web-test", "test", "web"),
      marked("web-prod", "prod", "web"),
      marked("api-1", "prod", "api"),
      marked("api-2", "prod", "api"),
      marked("api-3", "prod", "api"),
    ]);
    const files = {
      "c/api.yaml": "client_name: API\nscope: x\n",
      "c/web.yaml": "client_name: Web\nscope: x\nx-hydra: {key: web}\n",
    };
    for (const [name, text] of Object.entries(files)) put(scenario, name, text);
    const ended = await exportIn(scenario, "*", "--into", "c");
    assertFails(ended, 2, /Clients "api-1", "api-2" and "api-3" share one entry of "c\/api.yaml"/);
    assert.match(ended.stderr, /Clients "web-prod" and "web-test" share one entry of "c\/web.yaml"/);
    for (const [name, text] of Object.entries(files)) assert.equal(read(scenario, name), text);
    assert.deepEqual(readdirSync(join(scenario.home, "c")).sort(), ["api.yaml", "web.yaml"]);
    put(scenario, "c/api.yaml", "client_id: api-1\n---\nclient_id: api-2\n---\nx-hydra: {key: other}\n");
    const separate = await exportIn(scenario, "web-prod", "api-1", "api-2", "--into", "c");
    assertExit(separate, 0);
    assert.match(read(scenario, "c/web.yaml"), /^client_name: web-prod\n/);
  });

  it("writes nothing outside of the folder for hostile IDs", async () => {
    const ids = [
      "../x",
      "..%2fx",
      "/etc/x",
      "a\\b",
      ".hidden",
      "con",
      "App",
      "app",
      "APP",
      "a\u0001\u202eb",
      "ä",
      "*",
      "-rf",
    ];
    await using scenario = await filled(ids.map((id) => ({ client_id: id, scope: "x" })));
    const ended = await exportIn(scenario, "*", "--into", "in/here");
    assertExit(ended, 0);
    assert.deepEqual(readdirSync(join(scenario.home, "in")), ["here"]);
    const files = readdirSync(join(scenario.home, "in/here"));
    assert.equal(files.length, ids.length);
    assert.equal(new Set(files.map((file) => file.toLowerCase())).size, ids.length);
    for (const file of files) assert.match(file, /^[A-Za-z0-9_%-][A-Za-z0-9_.%-]*\.yaml$/);
    assert.doesNotMatch(ended.stdout, /[\u0001\u202e]/);
    const again = await exportIn(scenario, "*", "--into", "in/here");
    assert.doesNotMatch(again.stdout, /Added|Changed/);
  });

  it("keeps hostile values exactly", async () => {
    let deep: unknown = "end";
    for (let level = 0; level < 490; level++) deep = level % 2 === 0 ? [deep] : { "a: #": deep };
    const name = "\u001b]0;x\u0007\u202e no\t- [x]: {#&*!|>'\"%@`\u0085\u2028\ufeff\n---\n...\r\n ";
    await using scenario = await filled([{ client_id: "a", client_name: name, scope: "x" }]);
    const metadata = `{"deep":${JSON.stringify(deep)},"n":123456789012345678901234567890,"-0":-0,"__proto__":{"x":"${"<<"}"}}`;
    const body = `{"client_id":"b","scope":"x","client_name":"=","metadata":${metadata}}`;
    assert.equal((await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body })).status, 201);
    assertExit(await exportIn(scenario, "*", "--into", "c"), 0);
    assert.doesNotMatch(
      read(scenario, "c/a.yaml") + read(scenario, "c/b.yaml"),
      /[\u0000-\u0009\u000b-\u001f\u202e\u2028]/,
    );
    const stored = (id: string): Promise<Ended> => program(scenario)(["export", id, "--format", "ndjson"]);
    for (const id of ["a", "b"]) {
      const { stdout } = await stored(id);
      assertExit(await program(scenario)(["delete", "client", id, "--yes"]), 0);
      assertExit(await program(scenario)(["import", "clients", join(scenario.home, `c/${id}.yaml`), "-q"]), 0);
      assert.equal((await stored(id)).stdout, stdout);
    }
  });

  it("says which file can't hold a number beyond the range of YAML", async () => {
    await using scenario = await filled([WEB]);
    const body = '{"client_id":"big","scope":"x","metadata":{"n":1e400}}';
    assert.equal((await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body })).status, 201);
    assertFails(
      await exportIn(scenario, "*", "--into", "c"),
      2,
      /Cannot write "c\/big.yaml": YAML cannot hold a value/,
    );
    assert.ok(!existsSync(join(scenario.home, "c")));
    assertExit(await exportIn(scenario, "*", "--into", "c.json"), 0);
    assert.match(read(scenario, "c.json"), /"n": 1e400\n/);
  });

  it("reports every file in the way, and writes nothing", async () => {
    await using scenario = await filled([WEB, MARKED, { client_id: "x".repeat(255), scope: "x" }]);
    put(scenario, "c/web.yaml", "resources: []\n");
    put(scenario, "c/a.yaml", "client_id: billing\n");
    put(scenario, "c/b.yaml", "client_id: billing\n");
    const ended = await exportIn(scenario, "*", "--into", "c");
    assertFails(ended, 2, /"billing" is described more than once, in "c\/a.yaml" and "c\/b.yaml"/);
    assert.match(ended.stderr, /Cannot write "c\/web.yaml": it holds something else/);
    assert.match(ended.stderr, /its name is too long/);
    assert.deepEqual(readdirSync(join(scenario.home, "c")).sort(), ["a.yaml", "b.yaml", "web.yaml"]);
    assert.equal(read(scenario, "c/web.yaml"), "resources: []\n");
  });

  it("leaves whole files if it is killed", SLOW, async () => {
    const clients = Array.from({ length: 120 }, (_, i) => ({
      client_id: `c-${i}`,
      client_name: "n".repeat(2000),
      scope: "x",
    }));
    await using scenario = await filled(clients);
    assertExit(await exportIn(scenario, "*", "--into", "whole"), 0);
    for (let round = 0; round < (RUNS_EVERYTHING ? 8 : 4); round++) {
      await using running = scenario.start(["export", "*", "--into", "c"], { cwd: scenario.home });
      await running.seen("stdout", `client c-${round + 1}:`).catch(() => {});
      running.kill("SIGKILL");
      await running.ended;
      for (const name of readdirSync(join(scenario.home, "c")).filter((file) => file.endsWith(".yaml")))
        assert.equal(read(scenario, `c/${name}`), read(scenario, `whole/${name}`));
    }
    assertExit(await exportIn(scenario, "*", "--into", "c"), 0);
    assert.equal(readdirSync(join(scenario.home, "c")).filter((file) => file.endsWith(".yaml")).length, 120);
  });

  it("finds clients through links to files and folders, and keeps the links", async () => {
    await using scenario = await filled([WEB, MARKED]);
    const { home } = scenario;
    put(scenario, "outside.yaml", "client_id: web\nclient_name: Old # ours\n");
    put(scenario, "shared/billing.yaml", "client_id: billing\nclient_name: Old\nx-hydra: {key: bill}\n");
    mkdirSync(join(home, "c"));
    symlinkSync("../outside.yaml", join(home, "c/a.yaml"));
    symlinkSync("../shared", join(home, "c/team"));
    const { stdout } = await exportIn(scenario, "*", "--into", "c");
    assert.equal(stdout, "Changed client billing: c/team/billing.yaml\nChanged client web: c/a.yaml\n");
    assert.deepEqual(readdirSync(join(home, "c")).sort(), ["a.yaml", "team"]);
    for (const name of ["c/a.yaml", "c/team"]) assert.ok(lstatSync(join(home, name)).isSymbolicLink());
    assert.match(read(scenario, "outside.yaml"), /^client_name: Web # ours$/m);
    assert.match(read(scenario, "shared/billing.yaml"), /^client_name: Billing$/m);
    assertExit(await scenario.run(["diff", "c", "--stack", "prod", "--exit-code"], { cwd: home }), 9);
    assert.match((await exportIn(scenario, "*", "--into", "c")).stdout, /^Unchanged.*\nUnchanged.*\n$/);
  });

  it("writes nothing if a symbolic link is broken", async () => {
    await using scenario = await filled([WEB]);
    mkdirSync(join(scenario.home, "c"));
    symlinkSync("nowhere", join(scenario.home, "c/web.yaml"));
    assertFails(
      await exportIn(scenario, "*", "--into", "c"),
      2,
      /"c\/web.yaml" for export: the symbolic link is broken/,
    );
    assert.deepEqual(readdirSync(join(scenario.home, "c")), ["web.yaml"]);
  });

  it("and diff name a subfolder that can't be read", async () => {
    await using scenario = await filled([WEB]);
    const folder = join(scenario.home, "c");
    put(scenario, "c/b.yaml", "client_id: b\nscope: x\n");
    mkdirSync(join(folder, "private"), { mode: 0 });
    const caps = "-dac_override,-dac_read_search";
    for (const args of [
      ["export", "web", "--into", folder],
      ["diff", folder],
    ]) {
      const line = [...args, "-e", scenario.url];
      // Root reads everything, unless it gives that up.
      const ended =
        process.getuid?.() === 0
          ? await start("setpriv", [`--inh-caps=${caps}`, `--bounding-set=${caps}`, BINARY, ...line]).ended
          : await runBinary(line);
      assertFails(
        ended,
        2,
        new RegExp(`^Error: Cannot read "${folder}/private" for ${args[0]}: permission denied$`, "m"),
      );
    }
  });
});

describe("export into a file", () => {
  it("changes what differs, and keeps comments, order, quotes and spelling", async () => {
    await using scenario = await filled([
      {
        ...WEB,
        client_name: "Web app",
        audience: ["api"],
        authorization_code_grant_access_token_lifespan: "1h",
        metadata: { team: "web", n: 2 },
      },
      MARKED,
    ]);
    const before = `# Clients of the shop
client_id: web # never change
scope: [offline, openid] # a list
redirect_uris:
- "https://b.example.com/cb" # b
- https://gone.example.com/cb # gone
- 'https://app.example.com/cb'

client_name: "Web" # its name
authorization_code_grant_access_token_lifespan: 60m
response_types: [code]
owner: nobody
grant_types: [authorization_code, refresh_token]
metadata: {n: 2.0, team: 'shop', old: true}
x-hydra:
  secret: {env: WEB_SECRET, version: 3}
`;
    const path = put(scenario, "clients.yaml", before);
    chmodSync(path, 0o640);
    const ended = await exportIn(scenario, "*", "--into", "clients.yaml");
    assertExit(ended, 0);
    assert.equal(ended.stdout, "Added client billing: clients.yaml\nChanged client web: clients.yaml\n");
    assert.equal(
      read(scenario, "clients.yaml"),
      `${before
        .replace("- https://gone.example.com/cb # gone\n", "")
        .replace('"Web"', '"Web app"')
        .replace("owner: nobody\n", "")
        .replace("refresh_token]\n", "refresh_token]\naudience:\n- api\n")
        .replace("'shop', old: true", "'web'")}---\n${BILLING_YAML}`,
    );
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.equal((await exportIn(scenario, "*", "--into", "clients.yaml")).stdout.match(/Unchanged/g)?.length, 2);
  });

  it("keeps placeholders whose variable has the server's value", async () => {
    await using scenario = await filled([{ ...WEB, skip_consent: true, metadata: { team: "shop", size: 3 } }]);
    const before = `client_id: web
client_name: \${{ name }}
redirect_uris: ["https://\${{ host }}/cb", "https://b.example.com/cb"]
grant_types: \${{ grants }}
scope: openid offline
skip_consent: \${{ skip }}
metadata: {team: "\${{ team }}", size: "\${{ size }}"}
`;
    put(scenario, "c.yaml", before);
    const variables = {
      HYDRA_VAR_host: "app.example.com",
      HYDRA_VAR_name: "Old",
      HYDRA_VAR_grants: '["authorization_code","refresh_token"]',
      HYDRA_VAR_skip: "true",
      HYDRA_VAR_size: "3",
      HYDRA_VAR_team: "shop",
    };
    const run = (args: readonly string[], env: Record<string, string>): Promise<Ended> =>
      program(scenario)(["export", "web", "--into", "c.yaml", ...args], { cwd: scenario.home, env });
    const missing = await run([], { HYDRA_VAR_host: "x" });
    assertFails(missing, 2, /Variables grants, name, size, skip and team of the files are not set/);
    assert.equal(read(scenario, "c.yaml"), before);
    assert.match((await run(["--var", "name=Web"], variables)).stdout, /^Unchanged/);
    assert.equal(read(scenario, "c.yaml"), before);
    assertExit(await run([], { ...variables, HYDRA_VAR_host: "old.example.com" }), 0);
    assert.equal(
      read(scenario, "c.yaml"),
      before
        .replace(`\${{ name }}`, "Web")
        .replace(
          `"https://\${{ host }}/cb", "https://b.example.com/cb"`,
          '"https://b.example.com/cb", https://app.example.com/cb',
        ),
    );
    const wrong = await run(["--var", "=s3cret"], variables);
    assertFails(wrong, 2, /--var "=…" is not NAME=VALUE/);
    assert.doesNotMatch(wrong.stderr, /s3cret/);
  });

  it("finds clients whose ID or key is a placeholder", async () => {
    await using scenario = await filled([WEB, MARKED]);
    const before = `client_id: \${{ id }}
client_name: Old
---
client_name: Old
x-hydra: {key: "\${{ key }}", protect: true}
`;
    put(scenario, "c.yaml", before);
    const args = ["export", "*", "--into", "c.yaml", "--var", "id=web"];
    const missing = await program(scenario)(args, { cwd: scenario.home });
    assertFails(missing, 2, /Variable key of the files is not set/);
    const ended = await program(scenario)([...args, "--var", "key=bill"], { cwd: scenario.home });
    assertExit(ended, 0);
    assert.equal(ended.stdout, "Changed client billing: c.yaml\nChanged client web: c.yaml\n");
    assert.match(
      read(scenario, "c.yaml"),
      /^client_id: \$\{\{ id \}\}\nclient_name: Web\n[\s\S]*x-hydra: \{key: "\$\{\{ key \}\}", protect: true\}\n$/,
    );
  });

  it("keeps JSON in its order with two spaces, and NDJSON on its lines", async () => {
    await using scenario = await filled([WEB, MARKED]);
    put(scenario, "one.json", '{"client_name":"Old","scope":"offline openid","client_id":"web"}');
    assertExit(await exportIn(scenario, "web", "--into", "one.json"), 0);
    const web = {
      client_name: "Web",
      scope: "offline openid",
      client_id: "web",
      redirect_uris: WEB.redirect_uris,
      grant_types: WEB.grant_types,
    };
    assert.equal(read(scenario, "one.json"), `${JSON.stringify(web, undefined, 2)}\n`);
    assertExit(await exportIn(scenario, "*", "--into", "one.json"), 0);
    const [first, second] = JSON.parse(read(scenario, "one.json"));
    assert.deepEqual([first, second.client_id], [web, "billing"]);
    put(scenario, "lines.json", '{"client_id":"web"}\n{"client_id":"other"}\n');
    assertExit(await exportIn(scenario, "*", "--into", "lines.json"), 0);
    assert.deepEqual(
      read(scenario, "lines.json")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).client_id),
      ["web", "other", "billing"],
    );
    put(scenario, "list.json", '{"items":[{"client_id":"web"}],"is_last_page":true}');
    assertExit(await exportIn(scenario, "*", "--into", "list.json"), 0);
    const list = JSON.parse(read(scenario, "list.json"));
    assert.deepEqual([list.items.length, list.is_last_page], [2, true]);
    assertExit(await exportIn(scenario, "web", "--into", "new.json"), 0);
    assert.equal(JSON.parse(read(scenario, "new.json")).client_id, "web");
  });

  it("keeps CRLF line breaks and a link to the file", async () => {
    await using scenario = await filled([WEB]);
    const real = put(scenario, "real.yaml", "client_id: web\r\nclient_name: Old # x\r\n");
    symlinkSync(real, join(scenario.home, "link.yaml"));
    assertExit(await exportIn(scenario, "web", "--into", "link.yaml"), 0);
    assert.ok(lstatSync(join(scenario.home, "link.yaml")).isSymbolicLink());
    assert.match(read(scenario, "real.yaml"), /^client_id: web\r\nclient_name: Web # x\r\nredirect_uris:\r\n/);
    assert.doesNotMatch(read(scenario, "real.yaml"), /[^\r]\n/);
    put(scenario, "c.json", '{\r\n  "client_id": "web"\r\n}\r\n');
    assertExit(await exportIn(scenario, "web", "--into", "c.json"), 0);
    assert.match(read(scenario, "c.json"), /^\{\r\n {2}"client_id": "web",\r\n {2}"client_name": "Web"/);
    assert.doesNotMatch(read(scenario, "c.json"), /[^\r]\n/);
  });

  it("fills an empty file that is named .json with JSON", async () => {
    await using scenario = await filled([WEB]);
    put(scenario, "c.json", "\n");
    assertExit(await exportIn(scenario, "web", "--into", "c.json"), 0);
    assert.equal(JSON.parse(read(scenario, "c.json")).client_id, "web");
  });

  it("starts with an empty file, a list, or only comments", async () => {
    await using scenario = await filled([WEB]);
    for (const [before, after] of [
      ["", WEB_YAML],
      ["# ours\n", `# ours\n${WEB_YAML}`],
      ["---\n", `---\n${WEB_YAML}`],
      ["clients: []\n", `clients: [{${"client_id: web"}`],
    ] as const) {
      put(scenario, "c.yaml", before);
      assertExit(await exportIn(scenario, "web", "--into", "c.yaml"), 0);
      assert.ok(read(scenario, "c.yaml").startsWith(after), read(scenario, "c.yaml"));
      assert.match((await exportIn(scenario, "web", "--into", "c.yaml")).stdout, /^Unchanged/);
    }
  });

  /** Files that must not be written, the error, and its hint. */
  const REJECTED: readonly (readonly [name: string, text: string, error: RegExp, hint?: RegExp])[] = [
    ["c.yaml", "a: [\n", /Cannot read c.yaml, line 2/],
    ["c.yaml", "resources: [a]\n", /holds something other than clients/],
    ["c.yaml", "just text\n", /holds something other than clients/],
    ["c.json", "[1, 2]", /holds something other than clients/],
    ["c.json", '{"client_id":"web" /* ours */}', /its comments would be lost/, /^Hint: remove the comments/m],
    ["c.yaml", "x: &a {team: a}\nclient_id: web\nmetadata: *a\n---\nclient_id: b\nmetadata: !x {}\n", /unknown tag/],
    [
      "c.yaml",
      "- client_id: web\n  metadata: &m {team: a}\n- client_id: b\n  metadata: *m\n",
      /anchors/,
      /^Hint: write each value/m,
    ],
    ["c.yaml", "client_id: web\nclient_id: web\n", /key "client_id" is used twice, first at line 1, column 1/],
    ["c.yaml", "\u0000", /holds something other than clients/],
  ];

  for (const [name, text, error, hint = /^Hint: /m] of REJECTED)
    it(`does not change a file with ${JSON.stringify(text)}`, async () => {
      await using scenario = await filled([{ ...WEB, metadata: { team: "b" } }]);
      const path = put(scenario, name, text);
      const ended = await exportIn(scenario, "web", "--into", name);
      assertFails(ended, 2, error);
      assert.match(ended.stderr, hint);
      assert.equal(readFileSync(path, "utf8"), text);
    });

  it("does not change a file that isn't UTF-8, or a folder", async () => {
    await using scenario = await filled([WEB]);
    const path = join(scenario.home, "c.yaml");
    writeFileSync(path, Buffer.from([0x61, 0x3a, 0x20, 0xff]));
    assertFails(await exportIn(scenario, "web", "--into", "c.yaml"), 2, /not UTF-8/);
    assert.deepEqual([...readFileSync(path)], [0x61, 0x3a, 0x20, 0xff]);
    mkdirSync(join(scenario.home, "d.yaml"));
    assertFails(await exportIn(scenario, "web", "--into", "d.yaml"), 2, /it is not a file/);
    assertFails(await exportIn(scenario, "web", "--into", "c.yaml/x"), 2, /not a directory|Cannot read/);
    put(scenario, "plain", "x");
    assertFails(await exportIn(scenario, "web", "--into", "plain"), 2, /it is not a directory/);
    assert.equal(read(scenario, "plain"), "x");
  });

  it("reports a file that cannot be written, and leaves no draft", async () => {
    await using scenario = await filled([WEB, MARKED]);
    put(scenario, "in", "x");
    const ended = await exportIn(scenario, "*", "--into", "in/x.yaml");
    assert.notEqual(ended.status, 0, describeRun(ended));
    assert.deepEqual(
      readdirSync(scenario.home).filter((name) => name.includes("x.yaml")),
      [],
    );
    assert.ok(!existsSync(join(scenario.home, "in/x.yaml")));
  });
});

describe("export as manifests of hydra-maester", () => {
  it("writes what fits, lists the rest, and exits with 8", async () => {
    await using scenario = await filled([
      { ...WEB, owner: "shop/prod", metadata: { team: "a" } },
      { client_id: "device", grant_types: ["urn:ietf:params:oauth:grant-type:device_code"], scope: "x" },
      {
        client_id: "Odd ID",
        owner: "ops",
        grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
        device_authorization_grant_access_token_lifespan: "1h",
        scope: "x",
      },
    ]);
    const ended = await exportIn(scenario, "*", "--as", "maester", "--into", "m");
    assertExit(ended, 8);
    assert.match(ended.stdout, /Added client web: m\/web.yaml/);
    assert.equal(
      read(scenario, "m/web.yaml"),
      `apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata:
  name: shop
  namespace: prod
spec:
  grantTypes:
    - refresh_token
    - authorization_code
  clientName: Web
  redirectUris:
    - https://app.example.com/cb
    - https://b.example.com/cb
  scopeArray:
    - openid
    - offline
  metadata:
    team: a
  secretName: shop
`,
    );
    const stderr = ended.stderr.replace(/\s+/g, " ");
    assert.match(stderr, /client "Odd ID": a manifest cannot hold owner "ops"/);
    assert.match(stderr, /client "Odd ID": a manifest cannot hold device_authorization_grant_access_token_lifespan/);
    assert.match(stderr, /client "Odd ID": a manifest cannot hold grant_types "urn:ietf/);
    assert.match(stderr, /client "device" is left out/);
    assert.match(stderr, /hydra-maester takes over an existing client only with/);
    assert.equal(
      (await exportIn(scenario, "web", "--as", "maester", "--into", "m")).stdout,
      "Unchanged client web: m/web.yaml\n",
    );
  });

  it("reports manifests that have the same name, and writes none of them into files", async () => {
    await using scenario = await filled([
      { ...WEB, owner: "shop/prod" },
      { ...WEB, owner: "shop/prod", client_id: "copy" },
    ]);
    const printed = await program(scenario)(["export", "*", "--as", "maester"]);
    assertExit(printed, 8);
    assert.match(
      printed.stderr.replace(/\s+/g, " "),
      /client "(?:copy|web)": its manifest has the same name as that of client "(?:copy|web)"; rename one of them/,
    );
    for (const into of ["m", "m.yaml"])
      assertFails(
        await exportIn(scenario, "*", "--as", "maester", "--into", into),
        2,
        /Clients "copy" and "web" share one entry/,
      );
    assert.ok(!existsSync(join(scenario.home, "m")));
    put(
      scenario,
      "m.yaml",
      "apiVersion: hydra.ory.sh/v1alpha1\nkind: OAuth2Client\nmetadata: {name: shop, namespace: prod}\n",
    );
    assertFails(await exportIn(scenario, "*", "--as", "maester", "--into", "m.yaml"), 2, /share one entry of "m.yaml"/);
  });

  it("changes manifests in place, and keeps what is about the controller", async () => {
    await using scenario = await filled([{ ...WEB, owner: "shop/prod" }]);
    const before = `apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata: {name: shop, namespace: prod, labels: {a: b}}
spec:
  secretName: my-secret # ours
  hydraAdmin: {url: http://hydra}
  grantTypes: [authorization_code, refresh_token]
  scope: offline openid # a text
  redirectUris: [https://b.example.com/cb, https://app.example.com/cb]
  skipConsent: false
  clientName: Old
`;
    put(scenario, "m.yaml", before);
    const ended = await exportIn(scenario, "web", "--as", "maester", "--into", "m.yaml");
    assertExit(ended, 0);
    assert.equal(read(scenario, "m.yaml"), before.replace("Old", "Web"));
  });
});

describe("export, wrong command lines", () => {
  const WRONG: readonly (readonly [args: string, error: RegExp])[] = [
    ["", /No clients selected/],
    ["--stack prod --unmarked", /--stack excludes --unmarked/],
    [".. x", /".." is not a valid client ID/],
    ["x --into -", /--into - is not a file/],
    ["x --as helm", /--as "helm"/],
    ["x --format k8s-secret", /k8s-secret/],
  ];

  for (const [args, error] of WRONG)
    it(`rejects export ${args}`, async () => {
      await using scenario = await openScenario();
      assertFails(await program(scenario)(["export", ...args.split(" ").filter((word) => word !== "")]), 2, error);
      assert.deepEqual(scenario.proxy.seen, []);
    });
});

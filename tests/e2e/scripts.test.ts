/** What public scripts and people write. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as v from "valibot";
import { BINARY, runBinary, start, temporaryFolder } from "./binary.ts";
import { assertExit, assertFails, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";

const GIVEN = "given-secret-0001";

/** Mistakes: the command line, and the first two lines of standard error. */
const MISTAKES: readonly (readonly [line: string, error: string, hint: string])[] = [
  ...["serve all", "migrate sql", "janitor", "connect"].map((line) => oryCommand(line, `hydra ${line.split(" ")[0]}`)),
  ["keys lst x", 'Unknown command "lst" after hydra keys', "hydra keys --help lists the commands"],
  ["list keys", 'Unknown command "keys" after hydra list', "hydra list --help lists the commands"],
  oryCommand("help serve", "hydra serve"),
  ["dump", 'Unknown command "dump" after hydra', "did you mean hydra export '*'?"],
  ["clients backup", 'Unknown command "backup" after hydra clients', "did you mean hydra export '*'?"],
  ["clients exprt", 'Unknown command "exprt" after hydra clients', "did you mean hydra clients export?"],
  ["clients describe a", 'Unknown command "describe" after hydra clients', "did you mean hydra clients get?"],
  ["clients remove a", 'Unknown command "remove" after hydra clients', "did you mean hydra clients delete?"],
  ["clients imprt", 'Unknown command "imprt" after hydra clients', "did you mean hydra clients import?"],
  ["clients list -o json", "Unknown flag -o", "write: hydra clients list --format json"],
  ["clients get a -oyaml", "Unknown flag -o", "write: hydra clients get a --format yaml"],
  ["list clients --output=json", "Unknown flag --output", "write: hydra list clients --format json"],
  ["ls clients --json", "Unknown flag --json", "write: hydra ls clients --format json"],
  ["-o json clients list", "Unknown flag -o", "write --format json"],
  [
    "clients create -n a --secret s3cret-word tail --json -e http://u:p4ss@h",
    "Unknown flag --json",
    "write: hydra clients create -n a --secret … … --format json -e …",
  ],
  ...["--public", "--is-public"].map(
    (flag) =>
      [
        `clients create ${flag}`,
        `Unknown flag ${flag}`,
        "write --token-endpoint-auth-method none for a public client",
      ] as const,
  ),
  ...["--pkce", "--pkce-enforced"].map(
    (flag) =>
      [
        `create client ${flag}`,
        `Unknown flag ${flag}`,
        "PKCE is a setting of the server (oauth2.pkce), not of a client",
      ] as const,
  ),
  ["clients create --allowed-scopes a", "Unknown flag --allowed-scopes", "did you mean --scope?"],
  ["clients create --client-id a", "Unknown flag --client-id", "did you mean --id?"],
  ["clients create -f a.json", "Unknown flag -f", "did you mean --file?"],
  ["clients delete a -f", "Unknown flag -f", "did you mean --yes?"],
  ["apply -f x.yaml", "Unknown flag -f", "give the file without a flag: hydra apply FILE"],
  ["apply --filename x.yaml", "Unknown flag --filename", "give the file without a flag: hydra apply FILE"],
  ["diff -f x.yaml", "Unknown flag -f", "give the file without a flag: hydra diff FILE"],
  ["clients import --file x.yaml", "Unknown flag --file", "give the file without a flag: hydra clients import FILE"],
  ...["--secret", "--secret-file", "--client-secret"].map(
    (flag) =>
      [
        `clients import ${flag} x a.json`,
        `Unknown flag ${flag}`,
        "write each secret as client_secret of its client in the file",
      ] as const,
  ),
  // Not --allowed-cors-origin, which would replace the whole list.
  [
    "clients update a --add-cors-origin https://x",
    "Unknown flag --add-cors-origin",
    "hydra help clients update lists the flags",
  ],
  ["clients update a --remove-scopes x", "Unknown flag --remove-scopes", "did you mean --remove-scope?"],
  ["clients test a --secret x", "Unknown flag --secret", "did you mean --client-secret-file?"],
  ["token client --secret-file x", "Unknown flag --secret-file", "did you mean --client-secret-file?"],
  ["keys import --file x.yaml", "Unknown flag --file", "give the file without a flag: hydra keys import SET FILE"],
  ["rotate-secret client a -f", "Unknown flag -f", "hydra help rotate-secret client lists the flags"],
  // The word may be meant as an ID.
  [
    "clients get -abc",
    "Unknown flag -a",
    "hydra help clients get lists the flags; ID goes after -- if it begins with a hyphen",
  ],
  [
    "clients get -qxyz",
    "Unknown flag -x",
    "hydra help clients get lists the flags; ID goes after -- if it begins with a hyphen",
  ],
  ["clients list -abc", "Unknown flag -a", "hydra help clients list lists the flags"],
  ["clients get --id a", "Unknown flag --id", "give the client ID without a flag: hydra clients get ID"],
  [
    "token introspect --token s3cret",
    "Unknown flag --token",
    "give the token without a flag: hydra token introspect TOKEN",
  ],
  ["keys get a -o k.pem", "Unknown flag -o", "did you mean --out?"],
  ["keys create a --output k.pem", "Unknown flag --output", "did you mean --out?"],
  ["keys get a -o json", "Unknown flag -o", "write: hydra keys get a --format json"],
  [
    "clients create -o app.env",
    "Unknown flag -o",
    "--format chooses the output format, --secret-out writes the credentials to a file",
  ],
  ["clients list -o app.txt", "Unknown flag -o", "did you mean --format?"],
  ["clients list --insecure", "Unknown flag --insecure", "did you mean --skip-tls-verify?"],
  // A command without the flag that is meant gets no hint about it.
  ["clients list --public", "Unknown flag --public", "hydra help clients list lists the flags"],
];

function oryCommand(line: string, name: string): readonly [string, string, string] {
  return [
    line,
    `${name} belongs to Ory Hydra's own CLI`,
    "use the program that comes with the server; this one manages OAuth 2.0 clients",
  ];
}

describe("what people write by mistake", () => {
  it("gets a hint with what they meant", SLOW, async () => {
    for (const [line, error, hint] of MISTAKES) {
      const ended = await runBinary(line.split(" "));
      assert.equal(ended.status, 2, describeRun(ended));
      assert.deepEqual(ended.stderr.split("\n").slice(0, 2), [`Error: ${error}`, `Hint: ${hint}`], line);
      assert.doesNotMatch(ended.stdout + ended.stderr, /s3cret|p4ss|tail/);
    }
  });
});

describe("what scripts for Hydra's own CLI rely on", () => {
  it("HYDRA_URL is the endpoint if nothing else names one", async () => {
    await using scenario = await openScenario();
    const dead = "http://127.0.0.1:1";
    assertExit(await runBinary(["clients", "create", "--id", "a"], { env: { HYDRA_URL: scenario.url } }), 0);
    assertExit(await runBinary(["list", "clients"], { env: { HYDRA_URL: dead, HYDRA_ADMIN_URL: scenario.url } }), 0);
    assertExit(await runBinary(["list", "clients"], { env: { HYDRA_URL: dead, ORY_SDK_URL: scenario.url } }), 0);
    assertFails(await runBinary(["list", "clients"], { env: { HYDRA_URL: "localhost" } }), 2, /variable HYDRA_URL/);
  });

  it("--quiet wins over --format", async () => {
    await using scenario = await openScenario();
    const created = await scenario.run(["create", "client", "--id", "q1", "--format", "json", "--quiet"]);
    assertExit(created, 0);
    assert.equal(created.stdout, "q1\n");
    for (const format of ["table", "yaml", "raw=client_name", "id"]) {
      const ended = await scenario.run(["get", "client", "q1", "-q", "--format", format]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, "q1\n");
    }
    assertFails(await scenario.run(["get", "client", "q1", "-q", "--format", "jsno"]), 2, /Unknown format "jsno"/);
  });

  it("ls, rm and new are names of list, delete and create", async () => {
    await using scenario = await openScenario();
    assertExit(await scenario.run(["new", "oauth2-client", "--id", "a"]), 0);
    assertExit(await scenario.run(["clients", "new", "--id", "b"]), 0);
    for (const line of [
      ["ls", "oauth2-clients"],
      ["clients", "ls"],
    ])
      assert.equal((await scenario.run([...line, "-q"])).stdout, "a\nb\n");
    assertExit(await scenario.run(["rm", "oauth2-client", "a"]), 0);
    assertExit(await scenario.run(["clients", "rm", "b"]), 0);
    assert.deepEqual(scenario.sandbox.clients(), []);
  });

  it("a group of commands by itself shows its help", SLOW, async () => {
    for (const group of ["clients", "client", "pgp", "create", "list", "ls"]) {
      const ended = await runBinary([group]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, (await runBinary([group, "--help"])).stdout);
      assert.match(ended.stdout, new RegExp(`^ {2}hydra ${group} COMMAND`, "m"));
    }
    assertFails(await runBinary(["clients", "-e", "http://127.0.0.1:1"]), 2, /Missing command after hydra clients/);
  });

  it("the 2.x tables have the columns of Hydra's own CLI, and its two rows about pages", SLOW, async () => {
    const head = "CLIENT ID\tCLIENT SECRET\tGRANT TYPES\tRESPONSE TYPES\tSCOPE\tAUDIENCE\tREDIRECT URIS\n";
    await using scenario = await openScenario();
    const run = async (...args: readonly string[]): Promise<string> => {
      const ended = await scenario.run(args);
      assertExit(ended, 0);
      return ended.stdout;
    };
    const last = "\nNEXT PAGE TOKEN\nIS LAST PAGE\ttrue\n";
    assert.equal(await run("list", "clients"), head + last);
    assert.equal(await run("clients", "list", "--format", "table"), head + last);
    for (const id of ["a", "b"]) await run("create", "client", "--id", id, "--redirect-uri", "https://a.example/cb");
    assert.match(await run("get", "client", "a"), /^CLIENT ID\ta\nCLIENT SECRET\nGRANT TYPES\tauthorization_code\n/);
    assert.match(await run("get", "client", "a", "b"), /^CLIENT ID\tCLIENT SECRET\t.*\na\t\t\t.*\nb\t\t\t.*\n$/);
    assert.match(await run("update", "client", "a", "--name", "x"), /^CLIENT ID\ta\nCLIENT SECRET\n/);
    const page = await run("list", "clients", "--page-size", "1");
    const [, token = ""] = /\n\nNEXT PAGE TOKEN\t(\S+)\nIS LAST PAGE\tfalse\n$/.exec(page) ?? [];
    const next = await run("list", "clients", "--page-size", "1", "--page-token", token);
    assert.match(next, /\nb\t[\s\S]*\nNEXT PAGE TOKEN\nIS LAST PAGE\ttrue\n$/);
  });

  it("a secret of --secret or --file is printed in the 2.x syntax", SLOW, async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    const file = join(folder.path, "client.json");
    writeFileSync(file, JSON.stringify({ client_secret: GIVEN }));
    assertExit(await scenario.run(["create", "client", "--id", "x"]), 0);
    for (const verb of [["create", "client"] as const, ["update", "client", "x"] as const])
      for (const source of [
        ["--secret", GIVEN],
        ["--file", file],
        ["--set", `client_secret="${GIVEN}"`],
      ])
        for (const format of ["json", "json-pretty", "yaml", "table", "jsonpath=client_secret"]) {
          const ended = await scenario.run([...verb, ...source, "--format", format]);
          assertExit(ended, 0);
          assert.ok(ended.stdout.includes(GIVEN), `${verb[0]} ${source[0]} ${format}: ${ended.stdout}`);
          assert.ok(!ended.stderr.includes(GIVEN));
        }
  });

  it(
    "a secret that was kept off the command line, or is encrypted or written elsewhere, doesn't come back",
    SLOW,
    async () => {
      await using scenario = await openScenario();
      using folder = temporaryFolder();
      const secret = join(folder.path, "secret");
      writeFileSync(secret, GIVEN);
      const out = join(folder.path, "out");
      for (const [args, env] of [
        [["create", "client", "--secret-file", secret], {}],
        [["create", "client"], { HYDRA_CLIENT_SECRET: GIVEN }],
        [["create", "client", "--secret", GIVEN, "--secret-out", out], {}],
        [["clients", "create", "--secret", GIVEN], {}],
      ] as const) {
        const ended = await scenario.run([...args, "--format", "json"], { env });
        assertExit(ended, 0);
        assert.ok(!(ended.stdout + ended.stderr).includes(GIVEN), args.join(" "));
      }
    },
  );

  it("update --file replaces the whole client in the 2.x syntax, and keeps the secret", SLOW, async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    const [first, second] = [join(folder.path, "1.json"), join(folder.path, "2.json")];
    const client = {
      client_id: "sync-app",
      client_name: "Sync",
      grant_types: ["authorization_code"],
      scope: "openid",
      redirect_uris: ["https://a.example.com/cb"],
    };
    writeFileSync(first, JSON.stringify({ ...client, client_secret: GIVEN, logo_uri: "https://a.example.com/l.png" }));
    writeFileSync(second, JSON.stringify(client));
    assertExit(await scenario.run(["create", "client", "--file", first]), 0);
    const kept = await scenario.run(["clients", "update", "sync-app", "--file", second]);
    assertExit(kept, 0);
    assert.equal(scenario.sandbox.clients()[0]?.["logo_uri"], "https://a.example.com/l.png");

    const update = ["update", "oauth2-client", "sync-app", "--file", second];
    const before = scenario.proxy.seen.length;
    const replaced = await scenario.run([...update, "--owner", "ops", "--add-scope", "offline", "--format", "json"]);
    assertExit(replaced, 0);
    const sent = scenario.proxy.seen.slice(before).filter(({ method }) => method !== "GET");
    assert.deepEqual(
      sent.map(({ method, target }) => `${method} ${target}`),
      ["PUT /admin/clients/sync-app"],
    );
    assert.match(replaced.stderr, /^logo_uri: "https:\/\/a\.example\.com\/l\.png" → /m);
    assert.match(replaced.stderr, /^Secret of client "sync-app" unchanged$/m);
    assert.equal(JSON.parse(replaced.stdout).client_secret, undefined);
    const [now] = scenario.sandbox.clients();
    assert.deepEqual([now?.["logo_uri"] ?? "", now?.["owner"], now?.["scope"]], ["", "ops", "openid offline"]);
    assert.equal(scenario.sandbox.secretOf("sync-app"), GIVEN);
    assertFails(
      await scenario.run(["update", "client", "sync-app", "--replace", "--add-scope", "a"]),
      2,
      /--replace excludes/,
    );
  });

  it("a conflict names --if-exists", async () => {
    await using scenario = await openScenario();
    const stdin = '{"client_id":"a"}';
    const hint = /^Hint: --if-exists skip leaves that client as it is, --if-exists update changes it$/m;
    assertExit(await scenario.run(["clients", "import"], { stdin }), 0);
    assert.match((await scenario.run(["clients", "import"], { stdin })).stderr, hint);
    assert.match((await scenario.run(["create", "client", "--id", "a"])).stderr, hint);
    assert.match((await scenario.run(["create", "client", "--file", "-"], { stdin })).stderr, hint);
  });
});

/** Runs a command line with both streams in one pipe, as `2>&1` in a script. */
async function merged(scenario: Scenario, args: readonly string[], env = {}): Promise<string> {
  const words = [BINARY, ...args].map((word) => `'${word}'`).join(" ");
  const ended = await start("sh", ["-c", `${words} 2>&1`], { env: { HYDRA_ADMIN_URL: scenario.url, ...env } }).ended;
  assertExit(ended, 0);
  return ended.stdout;
}

describe("advice", () => {
  /** A client that the rules warn about, with a secret that others can see. */
  const RISKY = ["--secret", GIVEN, "--redirect-uri", "http://app.example.com/cb"];

  it("is left out if a result for programs and stderr are one stream", SLOW, async () => {
    await using scenario = await openScenario();
    const created = JSON.parse(await merged(scenario, ["create", "client", ...RISKY, "--format", "json"]));
    assert.equal(created.client_secret, GIVEN);
    const id = created.client_id;
    const named = ["--name", "x", "--format", "json"];
    assert.equal(JSON.parse(await merged(scenario, ["update", "client", id, ...named])).client_name, "x");
    assert.equal(await merged(scenario, ["clients", "create", "--id", "b", ...RISKY, "-q"]), "b\n");
    const page = ["list", "clients", "--page-size", "1", "--format", "json"];
    assert.equal(JSON.parse(await merged(scenario, page)).items.length, 1);
    // People get it, and so does everyone whose streams are apart.
    assert.match(
      await merged(scenario, ["clients", "create", "--id", "c", ...RISKY]),
      /^Warning: --secret is visible/m,
    );
    const apart = await scenario.run(["create", "client", ...RISKY, "--format", "json"]);
    assert.match(apart.stderr, /^Warning: --secret is visible.*\nWarning: .*http:\/\/app\.example\.com/m);
  });

  it("is left out on a terminal that both streams share", SLOW, async () => {
    await using scenario = await openScenario();
    const shared = async (...args: readonly string[]): Promise<unknown> => {
      const words = [BINARY, ...args, "--format", "json"].map((word) => `'${word}'`).join(" ");
      const env = { HYDRA_ADMIN_URL: scenario.url };
      const ended = await start("script", ["-qec", words, "/dev/null"], { env }).ended;
      assertExit(ended, 0);
      return JSON.parse(ended.stdout);
    };
    const created = v.parse(v.looseObject({ client_secret: v.string() }), await shared("create", "client", ...RISKY));
    assert.equal(created.client_secret, GIVEN);
    // So is the progress of an import.
    const file = join(scenario.home, "clients.json");
    writeFileSync(file, '[{"client_id":"a"},{"client_id":"b"}]');
    assert.equal(v.parse(v.array(v.unknown()), await shared("clients", "import", file)).length, 2);
  });

  it("is left out on request, by flag and by variable", async () => {
    await using scenario = await openScenario();
    for (const [id, flags, env] of [
      ["a", ["--no-warnings"], {}],
      ["b", [], { HYDRA_NO_WARNINGS: "1" }],
    ] as const) {
      const ended = await scenario.run(["clients", "create", "--id", id, ...RISKY, ...flags], { env });
      assertExit(ended, 0);
      assert.equal(ended.stderr, "");
    }
    const off = { HYDRA_NO_WARNINGS: "false" };
    assert.match((await scenario.run(["create", "client", ...RISKY], { env: off })).stderr, /^Warning: --secret is/);
  });

  it("is not what reports a lost field, a recovery copy or a certificate that isn't verified", SLOW, async () => {
    await using scenario = await openScenario("26");
    const file = '{"client_id":"a","no_such_field":1}';
    const args = ["clients", "create", "--file", "-", "--no-warnings", "-q"];
    const ended = await scenario.run(args, { stdin: file });
    assertExit(ended, 0);
    assert.match(ended.stderr, /no_such_field: this server does not keep the field/);
    assert.match(ended.stderr, /this output format omits the secret of client "a".*hydra-rescue/);
    const unsafe = ["clients", "list", "-e", "https://127.0.0.1:1", "--skip-tls-verify", "--fail-after", "0"];
    assert.match((await scenario.run([...unsafe, "--no-warnings"])).stderr, /certificate is not verified/);
  });
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of others are among the values
/** What people really feed in: manifests, files of other programs, misspelled keys, and values that make dead clients. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertExit, describeRun, openScenario, type Scenario, SEED, SLOW } from "./scenario.ts";

/** An input, the exit code, and the beginning of stderr. */
type Row = readonly [input: string, status: number, first: string];

/** Runs an import and a create of each input, which must end alike; FILE is the name that messages have. */
async function feed(scenario: Scenario, [input, status, first]: Row, more: readonly string[] = []): Promise<void> {
  const file = join(scenario.home, "input.yaml");
  writeFileSync(file, input);
  const before = scenario.proxy.seen.length;
  for (const args of [
    ["clients", "import", file],
    ["clients", "create", "--file", file],
  ]) {
    const ended = await scenario.run([...args, ...more]);
    assertExit(ended, status);
    // A create names the key before the file, and an option before its file.
    const told = ended.stderr
      .split("\n")
      .map((line) =>
        line
          .replace(`--file "${file}"`, "FILE")
          .replace(/^(Error|Warning): (".*") in \S+input\.yaml(.*) is not/, "$1: FILE$3: $2 is not")
          .replaceAll(file, "FILE"),
      )
      .join("\n");
    assert.ok(told.includes(first), `${args[1]}: ${first}\n${told}`);
    if (status === 2) {
      assert.equal(ended.stdout, "");
      assert.equal(scenario.proxy.seen.length, before, "nothing is sent");
    }
  }
}

const MANIFEST = `apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata: {name: my-internal-app, namespace: ory}
spec:
  clientName: My Internal App
  grantTypes: [authorization_code, refresh_token]
  responseTypes: [code]
  scopeArray: [openid, profile]
  scope: offline
  redirectUris: ["https://my-app.example.com/auth/callback"]
  secretName: my-internal-app-credentials
  tokenEndpointAuthMethod: client_secret_basic
`;

const CREDENTIALS = `apiVersion: v1
kind: Secret
metadata: {name: my-internal-app-credentials, namespace: ory}
data: {client_id: Z3JhZmFuYQ==, client_secret: MTIzNDU2Nzg=}
`;

const DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n";

describe("hydra-maester manifests", () => {
  const expected = {
    client_id: "grafana",
    client_name: "My Internal App",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    scope: "openid profile offline",
    redirect_uris: ["https://my-app.example.com/auth/callback"],
    owner: "my-internal-app/ory",
    metadata: {},
  };

  it("become clients, with the credentials of their Secret, and other kinds are skipped", SLOW, async () => {
    await using scenario = await openScenario();
    const file = join(scenario.home, "all.yaml");
    writeFileSync(file, [DEPLOYMENT, CREDENTIALS, MANIFEST].join("---\n"));
    for (const args of [
      ["clients", "import", file],
      ["clients", "create", "--file", file],
    ]) {
      const ended = await scenario.run(args);
      assertExit(ended, 0);
      assert.match(ended.stderr, /^.*all\.yaml: skipped Kubernetes objects of other kinds \(1 Deployment\)$/m);
      assert.doesNotMatch(ended.stderr, /Warning/, describeRun(ended));
      const [client] = scenario.sandbox.clients();
      assert.equal(scenario.sandbox.clients().length, 1);
      for (const [field, value] of Object.entries(expected)) assert.deepEqual(client?.[field], value, field);
      assert.equal(scenario.sandbox.secretOf("grafana"), "12345678");
      const updated = await scenario.run(["clients", "update", "grafana", "--file", file, "-n", "Renamed"]);
      assertExit(updated, 0);
      assert.equal(scenario.sandbox.clients()[0]?.["client_name"], "Renamed");
      assertExit(await scenario.run(["clients", "delete", "grafana"]), 0);
    }
  });

  it("may have their Secret in another file of an import, or be in a Kubernetes list", async () => {
    await using scenario = await openScenario();
    const [app, secret, list] = ["app.yaml", "secret.yaml", "list.json"].map((name) => join(scenario.home, name));
    assert.ok(app !== undefined && secret !== undefined && list !== undefined);
    writeFileSync(app, MANIFEST);
    writeFileSync(secret, CREDENTIALS);
    assertExit(await scenario.run(["clients", "import", app, secret]), 0);
    assert.equal(scenario.sandbox.secretOf("grafana"), "12345678");
    const item = { kind: "OAuth2Client", metadata: { name: "job" }, spec: { grantTypes: ["client_credentials"] } };
    writeFileSync(list, JSON.stringify({ kind: "List", apiVersion: "v1", items: [item] }));
    assertExit(await scenario.run(["clients", "create", "--file", list, "--id", "job"]), 0);
    assert.deepEqual(scenario.sandbox.clients().find(({ client_id: id }) => id === "job")?.["owner"], "job/default");
  });

  it("with mistakes, and other Kubernetes objects, send nothing", SLOW, async () => {
    await using scenario = await openScenario();
    const rows: readonly Row[] = [
      [DEPLOYMENT, 2, "Error: FILE holds Kubernetes objects but no OAuth2Client (1 Deployment)\n"],
      [CREDENTIALS, 2, "Error: FILE holds Kubernetes objects but no OAuth2Client (1 Secret)\n"],
      [
        MANIFEST.replace("grantTypes", "grant_types"),
        2,
        'OAuth2Client ory/my-internal-app: "spec.grant_types" is not a client field\nHint: did you mean spec.grantTypes?',
      ],
      [MANIFEST.replace("spec:", "specs:"), 2, "Error: FILE, OAuth2Client ory/my-internal-app has no spec\n"],
      [
        [MANIFEST, CREDENTIALS.replace("MTIzNDU2Nzg=", '"!"')].join("---\n"),
        2,
        'Error: FILE, Secret ory/my-internal-app-credentials has an unreadable value under "client_secret"\n',
      ],
    ];
    for (const row of rows) await feed(scenario, row);
  });
});

describe("keys of files", () => {
  it(
    "that are misspelled or have a wrong name are errors with the right field, and are accepted with --lenient",
    SLOW,
    async () => {
      await using scenario = await openScenario();
      for (const [key, hint] of [
        ["grant_typs", "did you mean grant_types?"],
        ["redirect_uri", "did you mean redirect_uris?"],
        ["redirectUris", "did you mean redirect_uris?"],
        ["clientName", "did you mean client_name?"],
        ["id", "write client_id"],
        ["name", "write client_name"],
        ["scopes", "write scope"],
        ["allowed_scopes", "write scope"],
        ["granted_scopes", "write scope"],
        ["callback_urls", "write redirect_uris"],
        ["public", "token_endpoint_auth_method none makes a client public, any other method makes it confidential"],
        ["pkce", "PKCE is a setting of the server (oauth2.pkce), not of a client"],
      ] as const) {
        const input = JSON.stringify({ owner: "team", [key]: "x" });
        const mistake = `FILE: "${key}" is not a client field`;
        const lenient = hint.endsWith("?") ? `${hint} ` : `${hint}; `;
        await feed(scenario, [input, 2, `Error: ${mistake}\nHint: ${lenient}--lenient accepts it\n`]);
        await feed(scenario, [input, 0, `Warning: ${mistake}; ${hint}\n`], ["--lenient", "--dry-run"]);
      }
    },
  );

  it("that are extensions are warnings without a suggestion, registered or not", SLOW, async () => {
    await using scenario = await openScenario();
    for (const key of ["id_token_signed_response_alg", "software_id", "application_type", "x_team"]) {
      const input = JSON.stringify({ owner: "team", [key]: "x" });
      await feed(scenario, [input, 0, `Warning: FILE: "${key}" is not a client field\n`], ["--dry-run"]);
    }
  });

  it("without any client field are an error, and an empty object is fine with flags", async () => {
    await using scenario = await openScenario();
    for (const input of ['{"foo": 1}', '{"$schema": "x", "version": 2}', '{"apps": [{"client_id": "a"}]}'])
      await feed(scenario, [input, 2, "Error: FILE has no client field\n"]);
    await feed(scenario, ['{"name": "x"}', 2, "Error: FILE has no client field\n"], ["--lenient"]);
    const ended = await scenario.run(["clients", "create", "--file", "-", "-g", "client_credentials"], { stdin: "{}" });
    assertExit(ended, 0);
    assert.equal(scenario.sandbox.clients().length, 1);
  });
});

describe("other shapes of files", () => {
  it("are read: scope as a list or a block, lists under clients or items, and comments in JSON", SLOW, async () => {
    await using scenario = await openScenario();
    const client = { grant_types: ["client_credentials"], scope: ["a", "b"] };
    for (const [input, id] of [
      [JSON.stringify({ ...client, client_id: "one" }), "one"],
      ["client_id: two\ngrant_types: [client_credentials]\nscope: [a, b]\n", "two"],
      [JSON.stringify({ clients: [{ ...client, client_id: "three" }] }), "three"],
      [JSON.stringify({ items: [{ ...client, client_id: "four" }] }), "four"],
      ["clients:\n  - client_id: five\n    grant_types: [client_credentials]\n    scope: a b\n", "five"],
      ["client_id: folded\ngrant_types: [client_credentials]\nscope: >\n  a\n  b\n", "folded"],
      ["client_id: block\ngrant_types: [client_credentials]\nscope: |\n  a\n  b\n", "block"],
      ['{ // the ID\n"client_id": "six", /* rights */ "scope": "a b", "grant_types": ["client_credentials"]}', "six"],
    ] as const) {
      const ended = await scenario.run(["clients", "import"], { stdin: input });
      assertExit(ended, 0);
      assert.equal(ended.stderr, "Import: 1 created\n");
      const stored = scenario.sandbox.clients().find(({ client_id: own }) => own === id);
      assert.equal(stored?.["scope"], "a b", id);
      const alone = input.includes("clients:") || /"(?:clients|items)"/.test(input);
      const planned = await scenario.run(["clients", "create", "--file", "-", "--dry-run"], { stdin: input });
      assertExit(planned, alone ? 2 : 0);
      if (!alone) assert.equal(JSON.parse(planned.stdout).body.scope, "a b");
    }
  });
});

describe("values that make a client unusable", () => {
  const CREATE = ["clients", "create"];
  const REDIRECT = ["-c", "https://a.example/cb"];

  /** Command lines with what is warned of, the hint included. */
  const ROWS: readonly (readonly [args: readonly string[], line: string])[] = [
    [
      [...CREATE, ...REDIRECT, "-g", "authorize_code,refresh_token"],
      '-g "authorize_code" isn\'t a grant type [grant-type-unknown]: write -g authorization_code,refresh_token',
    ],
    [
      [
        "create",
        "client",
        "--grant-type",
        "client_credentials authorization_code",
        "--redirect-uri",
        "https://a.example/",
      ],
      '--grant-type "client_credentials authorization_code" is one value, not several [grant-type-unknown]: write --grant-type client_credentials,authorization_code',
    ],
    [
      [...CREATE, ...REDIRECT, "-g", "authorization_code", "-r", "authorization_code"],
      '-r "authorization_code" isn\'t a response type [response-type-unknown]: write -r code',
    ],
    [
      [...CREATE, "-g", "client_credentials", "-r", "token"],
      '-r "token" needs the implicit grant [response-type-unused]: remove "token": the grants of this client use no response type',
    ],
    [
      [...CREATE, ...REDIRECT, "-g", "authorization_code", "-a", "openid,offline"],
      '-a "offline" has no effect without the refresh_token grant [offline-without-refresh-token]: write -g authorization_code,refresh_token, or remove "offline"',
    ],
    [
      [...CREATE, ...REDIRECT, "-g", "authorization_code,refresh_token", "-a", "openid"],
      '-g "refresh_token" has no effect without the scope offline or offline_access [refresh-token-without-offline]: write -a openid,offline_access, or remove the grant',
    ],
    [
      [...CREATE, ...REDIRECT, "-a", "open_id"],
      '-a "open_id" isn\'t the standard scope openid [scope-misspelt]: did you mean openid?',
    ],
    [
      [...CREATE, "-c", "localhost:3000/cb"],
      '-c "localhost:3000/cb" doesn\'t begin with http:// or https:// [uri-without-scheme]: write "http://localhost:3000/cb"',
    ],
    [
      [...CREATE, "-c", "http://localhost/cb", "--token-endpoint-auth-method", "none"],
      '-c "http://localhost/cb" allows only port 80 [redirect-uri-localhost]: write "http://127.0.0.1/cb", which allows any port (RFC 8252, section 7.3), or add the port',
    ],
    [
      [...CREATE, "-c", "https://a.example/,https://b.example/", "--subject-type", "pairwise"],
      '--subject-type "pairwise" needs a sector identifier: the redirect URIs have 2 hosts [pairwise-without-sector]: add --sector-identifier-uri, the https URL of a JSON list of these redirect URIs (OpenID Connect Core, section 8.1)',
    ],
    [
      [...CREATE, "-g", "client_credentials", "--secret", ""],
      "--secret is empty, so it's ignored [secret-empty]: check that the variable is set, or leave it out to generate a secret",
    ],
    [
      [...CREATE, "-c", "https://$PUBLIC_HOST/cb"],
      '-c "https://$PUBLIC_HOST/cb" contains the placeholder "$PUBLIC_HOST" [placeholder-in-uri]: replace "$PUBLIC_HOST" with its value before the client is sent',
    ],
  ];

  it("are warned of with the corrected value, and rejected under --strict", SLOW, async () => {
    await using scenario = await openScenario();
    for (const [args, line] of ROWS) {
      const ended = await scenario.run(args);
      assertExit(ended, 0);
      assert.ok(ended.stderr.split("\n").includes(`Warning: ${line}`), `${line}\n${describeRun(ended)}`);
      const before = scenario.proxy.seen.length;
      assertExit(await scenario.run([...args, "--strict"]), 2);
      assert.equal(scenario.proxy.seen.length, before);
    }
  });

  it(
    "are errors where the secret or the ID is wholly a placeholder, or the server would reject them",
    SLOW,
    async () => {
      await using scenario = await openScenario();
      for (const [args, line] of [
        [["--secret", "$CLIENT_SECRET"], "--secret is a placeholder that nothing replaced"],
        [["--secret", "${CLIENT_SECRET}"], "--secret is a placeholder that nothing replaced"],
        [["--secret", "$(env:CLIENT_SECRET)"], "--secret is a placeholder that nothing replaced"],
        [["--id", "{{ .Values.id }}"], '--id "{{ .Values.id }}" is a placeholder that nothing replaced'],
        [
          ["--subject-type", "pairwise", "--access-token-strategy", "jwt"],
          '--subject-type "pairwise" can\'t be combined with JWT access tokens',
        ],
      ] as const) {
        const ended = await scenario.run([...CREATE, "-g", "client_credentials", ...args]);
        assertExit(ended, 2);
        assert.ok(ended.stderr.includes(`Error: ${line}\n`), describeRun(ended));
      }
      assert.deepEqual(scenario.proxy.seen, []);
    },
  );

  it("are not reported for a usual client, nor in names and metadata", async () => {
    await using scenario = await openScenario();
    for (const args of [SEED, [...CREATE, ...REDIRECT, "-n", "${role_x}", "--metadata", '{"a":"$B"}']]) {
      const ended = await scenario.run([...args, "--strict"]);
      assertExit(ended, 0);
      assert.equal(ended.stderr, "");
    }
  });
});

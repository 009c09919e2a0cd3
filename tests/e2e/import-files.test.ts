/** `clients import --secret-out`: a file or a Kubernetes Secret for each client. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { openGpg } from "../adapters/gpg.ts";
import { dropAfter, type Fault, instead } from "./fault-proxy.ts";
import { assertExit, assertFails, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";

function ndjson(clients: readonly Readonly<Record<string, unknown>>[]): string {
  return clients.map((client) => `${JSON.stringify(client)}\n`).join("");
}

/** A scenario with an empty folder for the files. */
async function openFiles(
  ...options: Parameters<typeof openScenario>
): Promise<Scenario & { readonly folder: string; read(name: string): string; names(): readonly string[] }> {
  const scenario = await openScenario(...options);
  const folder = join(scenario.home, "secrets");
  mkdirSync(folder);
  return {
    ...scenario,
    folder,
    read: (name) => readFileSync(join(folder, name), "utf8"),
    names: () => readdirSync(folder).sort(),
    [Symbol.asyncDispose]: () => scenario[Symbol.asyncDispose](),
  };
}

describe("clients import --secret-out", () => {
  it("writes a file for each client, with a safe name and mode 0600, and no secret to standard output", async () => {
    await using scenario = await openFiles();
    const stdin = ndjson([
      { client_id: "web" },
      { client_id: "team app" },
      { client_id: "brought", client_secret: "brought-secret-0123" },
      { client_id: "spa", token_endpoint_auth_method: "none" },
      { client_name: "generated" },
    ]);
    const out = join(scenario.folder, "{id}.env");
    const ended = await scenario.run(["clients", "import", "--secret-out", out, "--format", "ndjson"], { stdin });
    assertExit(ended, 0);
    assert.equal(ended.stderr, `The credentials of 4 clients are in ${out}\nImport: 5 created\n`);
    const shown = ended.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const generated = shown[4].client_id;
    const names = ["brought.env", "team%20app.env", "web.env", `${generated}.env`].sort();
    assert.deepEqual(scenario.names(), names);
    for (const name of names) assert.equal(statSync(join(scenario.folder, name)).mode & 0o777, 0o600);
    for (const [id, name] of [
      ["web", "web.env"],
      ["team app", "team%20app.env"],
      ["brought", "brought.env"],
      [generated, `${generated}.env`],
    ] as const) {
      const secret = scenario.sandbox.secretOf(id) ?? "";
      const [idLine = "", secretLine = "", ...end] = scenario.read(name).split("\n");
      assert.equal(idLine, `CLIENT_ID=${id.includes(" ") ? `'${id}'` : id}`);
      // A random secret that begins with ~ is quoted.
      assert.equal(secretLine.replaceAll("'", ""), `CLIENT_SECRET=${secret}`);
      assert.deepEqual(end, [""]);
      assert.ok(!ended.stdout.includes(secret), "a secret on standard output");
    }
    assert.deepEqual(
      shown.map(({ secret_file: file }) => file),
      ["web.env", "team%20app.env", "brought.env", undefined, `${generated}.env`].map((name) =>
        name === undefined ? undefined : join(scenario.folder, name),
      ),
    );
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("writes Kubernetes Secrets with a namespace, labels and a name template", async () => {
    await using scenario = await openFiles();
    const args = [
      "--secret-out",
      join(scenario.folder, "{id}.yaml"),
      "--namespace",
      "auth",
      "--secret-name",
      "{id}-oauth",
    ];
    const labels = ["--label", "app.kubernetes.io/part-of=web", "--label", "tier="];
    const ended = await scenario.run(["clients", "import", ...args, ...labels], {
      stdin: ndjson([{ client_id: "web" }, { client_id: "Team App" }]),
    });
    assertExit(ended, 0);
    assert.match(ended.stdout, /^Imported OAuth 2\.0 Client web from: standard input$/m);
    const web: unknown = parse(scenario.read("web.yaml"));
    assert.deepEqual(web, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: "web-oauth",
        namespace: "auth",
        labels: { "app.kubernetes.io/part-of": "web", tier: "" },
      },
      type: "Opaque",
      data: {
        CLIENT_ID: Buffer.from("web").toString("base64"),
        CLIENT_SECRET: Buffer.from(scenario.sandbox.secretOf("web") ?? "").toString("base64"),
      },
    });
    assert.match(scenario.read("Team%20App.yaml"), /^ {2}name: "team-app-[0-9a-f]{8}-oauth"$/m);
  });

  it("gives the metadata to k8s-secret output too", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run([
      "clients",
      "create",
      "--id",
      "web",
      "--format",
      "k8s-secret",
      "--namespace",
      "auth",
      "--secret-name",
      "oauth",
    ]);
    assertExit(ended, 0);
    assert.match(ended.stdout, /^metadata:\n {2}name: "oauth"\n {2}namespace: "auth"\ntype: Opaque\n/m);
  });

  it("rejects templates, names and files that cannot be used before anything is sent", SLOW, async () => {
    await using scenario = await openFiles();
    writeFileSync(join(scenario.folder, "taken.env"), "");
    const at = (name: string): string => join(scenario.folder, name);
    const k8s = ["--secret-out", at("{id}.yaml")];
    const web = { client_id: "web" };
    const cases: readonly (readonly [args: readonly string[], clients: readonly object[], message: RegExp])[] = [
      [["--secret-out", at("all.env")], [web], /^Error: --secret-out ".*" has no \{id\}, so all clients/],
      [["--secret-out", "fd:3"], [web], /^Error: --secret-out "fd:3" has no \{id\}/],
      [["--secret-out", at("{name}.env")], [web], /^Error: Invalid --secret-out ".*": unknown placeholder "\{name\}"/],
      [
        ["--secret-out", at("{id}/x.env")],
        [web],
        /^Error: Invalid --secret-out ".*": \{id\} is in the name of a directory/,
      ],
      [
        ["--secret-out", at("no/{id}.env")],
        [web, { client_id: "b" }],
        /^Error: Cannot write --secret-out ".*no\/web.env"/,
      ],
      [["--secret-out", at("no/{id}.env")], [{ client_name: "x" }], /^Error: Cannot write --secret-out ".*no\//],
      [["--secret-out", at("{id}.env")], [{ client_id: "taken" }], /^Error: --secret-out ".*taken.env" already exists/],
      [
        ["--secret-out", at("{id}.env")],
        [web, { client_id: "Web" }],
        /^Error: Client IDs "web" and "Web" have the same file ".*web.env"/,
      ],
      [
        ["--secret-out", at("{id}.env")],
        [{ client_id: "x".repeat(252) }],
        /^Error: Client ID "x+…?" is too long for a file name of --secret-out/,
      ],
      [["--secret-format", "k8s"], [web], /^Error: --secret-format has no file to write/],
      [["--namespace", "auth"], [web], /^Error: Cannot use --namespace: it is only for Kubernetes Secrets/],
      [[...k8s, "--namespace", "Auth"], [web], /^Error: --namespace "Auth" is not a Kubernetes namespace/],
      [[...k8s, "--label", "app"], [web], /^Error: --label "app" is not a Kubernetes label/],
      [[...k8s, "--label", "a b=c"], [web], /^Error: --label "a b=c" is not a Kubernetes label/],
      [
        [...k8s, "--secret-name", "{ID}"],
        [web],
        /^Error: --secret-name "\{ID\}" is not a name for a Kubernetes Secret/,
      ],
      [
        [...k8s, "--secret-name", "one"],
        [web, { client_id: "b" }],
        /^Error: Client IDs "web" and "b" have the same Kubernetes Secret "one"/,
      ],
      [
        [...k8s, "--secret-name", `{id}-${"x".repeat(240)}`],
        [{ client_id: "a".repeat(20) }],
        /^Error: Client ID "a+…?" is too/,
      ],
    ];
    for (const [args, clients, message] of cases) {
      const stdin = clients.map((client) => `${JSON.stringify(client)}\n`).join("");
      assertFails(await scenario.run(["clients", "import", ...args], { stdin }), 2, message);
    }
    assert.equal(scenario.proxy.seen.length, 0);
    assert.deepEqual(scenario.names(), ["taken.env"]);
  });

  it("encodes an ID that looks like a path", async () => {
    await using scenario = await openFiles("26");
    const ended = await scenario.run(["clients", "import", "--secret-out", join(scenario.folder, "{id}.json")], {
      stdin: ndjson([{ client_id: "..\\..\\x" }]),
    });
    assertExit(ended, 0);
    assert.deepEqual(scenario.names(), ["%2E.%5C..%5Cx.json"]);
  });

  it("names the file after the ID that the server chose", async () => {
    await using scenario = await openFiles("2.1");
    const ended = await scenario.run(["clients", "import", "-q", "--secret-out", join(scenario.folder, "{id}.env")], {
      stdin: ndjson([{ client_name: "a" }, { client_name: "b" }]),
    });
    assertExit(ended, 0);
    const ids = ended.stdout.trimEnd().split("\n");
    assert.deepEqual(scenario.names(), ids.map((id) => `${id}.env`).sort());
    for (const id of ids) {
      // A random secret that begins with ~ is quoted, so a shell reads the file, as a person's script would.
      const source = '. "$0"; printf "%s %s" "$CLIENT_ID" "$CLIENT_SECRET"';
      const read = execFileSync("sh", ["-c", source, join(scenario.folder, `${id}.env`)], { encoding: "utf8" });
      assert.equal(read, `${id} ${scenario.sandbox.secretOf(id)}`);
    }
  });

  it("keeps the files of clients that exist when it is run again", async () => {
    await using scenario = await openFiles();
    const args = ["clients", "import", "--secret-out", join(scenario.folder, "{id}.env"), "--if-exists"];
    assertExit(await scenario.run([...args, "skip"], { stdin: ndjson([{ client_id: "a" }]) }), 0);
    const first = scenario.read("a.env");
    const again = await scenario.run([...args, "skip"], { stdin: ndjson([{ client_id: "a" }, { client_id: "b" }]) });
    assertExit(again, 0);
    assert.match(again.stderr, /^Import: 1 created, 1 skipped$/m);
    assert.equal(scenario.read("a.env"), first);
    assert.deepEqual(scenario.names(), ["a.env", "b.env"]);
    const updated = await scenario.run([...args, "update"], {
      stdin: ndjson([{ client_id: "a", client_name: "A" }, { client_id: "c" }]),
    });
    assertExit(updated, 0);
    assert.match(updated.stderr, /^Import: 1 created, 1 updated$/m);
    assert.equal(scenario.read("a.env"), first);
  });

  it("says nothing of the files if it wrote none", async () => {
    await using scenario = await openFiles();
    const args = ["clients", "import", "--secret-out", join(scenario.folder, "{id}.env")];
    assert.equal((await scenario.run(args, { stdin: "" })).stderr, "Import: nothing to do\n");
  });

  it("writes a secret that an update sets", async () => {
    await using scenario = await openFiles();
    assertExit(await scenario.run(["clients", "import", "-q"], { stdin: ndjson([{ client_id: "a" }]) }), 0);
    const args = ["clients", "import", "--secret-out", join(scenario.folder, "{id}.env"), "--if-exists", "update"];
    assertExit(
      await scenario.run(args, { stdin: ndjson([{ client_id: "a", client_secret: "brought-secret-0123" }]) }),
      0,
    );
    assert.equal(scenario.read("a.env"), "CLIENT_ID=a\nCLIENT_SECRET=brought-secret-0123\n");
  });

  it("can be run again with the secrets that are in the files already", async () => {
    await using scenario = await openFiles();
    const args = ["clients", "import", "--secret-out", join(scenario.folder, "{id}.env"), "--if-exists", "update"];
    const stdin = ndjson([{ client_id: "a", client_secret: "brought-secret-0123" }]);
    assertExit(await scenario.run(args, { stdin }), 0);
    const first = scenario.read("a.env");
    const again = await scenario.run([...args, "--format", "ndjson"], { stdin });
    assertExit(again, 0);
    assert.match(again.stderr, /^Import: 1 updated$/m);
    assert.equal(JSON.parse(again.stdout).secret_file, join(scenario.folder, "a.env"));
    assert.equal(scenario.read("a.env"), first);
    assert.deepEqual(scenario.names(), ["a.env"]);
    const dryRun = await scenario.run([...args, "--dry-run"], { stdin });
    assertExit(dryRun, 0);
    assert.match(dryRun.stderr, /^Import: 1 would be updated$/m);
  });

  it("says in a dry run too that a file has another secret", async () => {
    await using scenario = await openFiles();
    const args = ["clients", "import", "--secret-out", join(scenario.folder, "{id}.env"), "--if-exists", "update"];
    const of = (secret: string): string => ndjson([{ client_id: "a", client_secret: secret }]);
    assertExit(await scenario.run(args, { stdin: of("brought-secret-0123") }), 0);
    const first = scenario.read("a.env");
    for (const more of [[], ["--dry-run"]]) {
      const ended = await scenario.run([...args, ...more], { stdin: of("another-secret-0123") });
      assertExit(ended, 2);
      assert.match(ended.stderr, /a\.env" already exists and is not overwritten/);
      assert.equal(scenario.sandbox.secretOf("a"), "brought-secret-0123");
      assert.equal(scenario.read("a.env"), first);
    }
  });

  it("says in a dry run too that a file of a client to be created exists", async () => {
    await using scenario = await openFiles();
    writeFileSync(join(scenario.folder, "gone.env"), "");
    const args = ["clients", "import", "--secret-out", join(scenario.folder, "{id}.env"), "--if-exists", "skip"];
    const stdin = ndjson([{ client_id: "gone" }, { client_id: "spa", token_endpoint_auth_method: "none" }]);
    writeFileSync(join(scenario.folder, "spa.env"), "");
    const planned = await scenario.run([...args, "--dry-run"], { stdin });
    assertExit(planned, 8);
    assert.match(planned.stderr, /^Error: .*gone\.env" already exists and is not overwritten$/m);
    assert.match(planned.stderr, /^Import: 1 would be created, 1 would fail$/m);
    const ended = await scenario.run(args, { stdin });
    assertExit(ended, 8);
    assert.match(ended.stderr, /^Import: 1 created, 1 failed$/m);
  });

  it("warns that it has no secret for a client that appears meanwhile, such as by a proxy that sends the create twice", async () => {
    const twice: Fault = async ({ pass, reply }) => {
      await pass();
      reply(await pass());
    };
    await using scenario = await openFiles("26", ({ method }) => (method === "POST" ? twice : undefined));
    const args = ["clients", "import", "--secret-out", join(scenario.folder, "{id}.env"), "--if-exists", "update"];
    const ended = await scenario.run(args, { stdin: ndjson([{ client_id: "a" }]) });
    assertExit(ended, 0);
    assert.match(
      ended.stderr,
      /^Warning: client "a" was created by someone else meanwhile; its secret was not delivered here\. If no other run has delivered it, set another one: hydra clients rotate-secret a$/m,
    );
    assert.deepEqual(scenario.names(), []);
  });

  it("leaves no file of a client that the server rejects", async () => {
    const no = instead({ status: 400, headers: { "content-type": "application/json" }, body: '{"error":"e"}' });
    await using scenario = await openFiles("26", ({ method, body }) =>
      method === "POST" && body.includes('"bad"') ? no : undefined,
    );
    const ended = await scenario.run(["clients", "import", "--secret-out", join(scenario.folder, "{id}.env")], {
      stdin: ndjson([{ client_id: "bad" }, { client_id: "good" }]),
    });
    assertExit(ended, 8);
    assert.deepEqual(scenario.names(), ["good.env"]);
  });

  it("has the secret on the disk before the request, in the folder of its file", async () => {
    const saved: string[] = [];
    let folder = "";
    await using scenario = await openFiles("26", ({ method }) => {
      if (method !== "POST") return undefined;
      return async (exchange) => {
        const secret = JSON.parse(exchange.body).client_secret;
        const [draft = ""] = readdirSync(folder).filter((name) => name.startsWith(".a.env."));
        if (readFileSync(join(folder, draft), "utf8").includes(secret)) saved.push(draft);
        exchange.reply(await exchange.pass());
      };
    });
    ({ folder } = scenario);
    assertExit(
      await scenario.run(["clients", "import", "--secret-out", join(folder, "{id}.env")], {
        stdin: ndjson([{ client_id: "a" }]),
      }),
      0,
    );
    assert.equal(saved.length, 1);
    assert.deepEqual(scenario.names(), ["a.env"]);
  });

  it("keeps the secret of a client whose answer never came, and of one whose file cannot get its name", async () => {
    await using lost = await openFiles("26", ({ method }) =>
      method === "POST" ? dropAfter : instead({ status: 500, headers: {}, body: "" }),
    );
    const args = (folder: string): readonly string[] => ["clients", "import", "--secret-out", join(folder, "{id}.env")];
    const unknown = await lost.run([...args(lost.folder), "--fail-after", "0"], {
      stdin: ndjson([{ client_id: "a" }]),
    });
    assert.notEqual(unknown.status, 0, describeRun(unknown));
    assert.equal(lost.recoveryCopies()[0]?.record.client_secret, lost.sandbox.secretOf("a"));

    let folder = "";
    await using taken = await openFiles("26", ({ method }) => {
      if (method !== "POST") return undefined;
      return async (exchange) => {
        const answer = await exchange.pass();
        writeFileSync(join(folder, "a.env"), "another");
        exchange.reply(answer);
      };
    });
    ({ folder } = taken);
    const ended = await taken.run(args(folder), { stdin: ndjson([{ client_id: "a" }]) });
    assertExit(ended, 1);
    assert.match(ended.stderr, /client "a" was deleted again/);
    assert.equal(taken.read("a.env"), "another");
    assert.deepEqual(taken.names(), ["a.env"]);
    assert.equal(taken.sandbox.clients().length, 0);
  });

  it("writes encrypted secrets only", async () => {
    await using scenario = await openFiles();
    const gpg = openGpg();
    try {
      const { armored } = gpg.exported(gpg.quick("alice@example.com", "future-default"));
      const out = join(scenario.folder, "{id}.json");
      const ended = await scenario.run(["clients", "import", "--secret-out", out, "--pgp-key", armored], {
        stdin: ndjson([{ client_id: "a" }]),
      });
      assertExit(ended, 0);
      const { client_secret_encrypted: message, ...rest } = JSON.parse(scenario.read("a.json"));
      assert.deepEqual(rest, { client_id: "a" });
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), scenario.sandbox.secretOf("a"));
    } finally {
      gpg.close();
    }
  });
});

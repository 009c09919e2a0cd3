/** What `diff` and `apply` do to a server, and what they leave alone. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isJsonObject } from "../../lib/core/json/json.ts";
import { STACK_MARK_MEMBER } from "../../lib/core/state/stack-mark.ts";
import type { Played } from "./in-process.ts";
import { jsonLines, jsonObject, type StateSetup, withStateSetup } from "./state-setup.ts";

const SECRET = "given-secret-1234567890-abcdef";

function yaml(id: string, more = ""): string {
  return `client_id: ${id}\nscope: a\ngrant_types: [client_credentials]\n${more}`;
}

const PUBLIC = "scope: a\ngrant_types: [client_credentials]\ntoken_endpoint_auth_method: none\n";

/** Applies the folder `clients`; secrets go to the folder `secrets`. */
function apply(bench: StateSetup, ...flags: readonly string[]): Promise<Played> {
  const out = flags.some((flag) => flag.startsWith("--secret-out"))
    ? []
    : ["--secret-out", join(bench.folder, `secrets-${secrets++}`)];
  return bench.run(["apply", join(bench.folder, "clients"), "--stack", "prod", ...out, ...flags]);
}

let secrets = 0;

function diff(bench: StateSetup, ...flags: readonly string[]): Promise<Played> {
  return bench.run(["diff", join(bench.folder, "clients"), "--stack", "prod", ...flags]);
}

async function assertDone(played: Promise<Played>): Promise<Played> {
  const result = await played;
  assert.equal(result.status, 0, result.stderr);
  return result;
}

async function idsOf(bench: StateSetup): Promise<readonly unknown[]> {
  const { items } = await bench.ask("GET", "");
  assert.ok(Array.isArray(items));
  return items
    .map((client: unknown) =>
      typeof client === "object" && client !== null && "client_id" in client ? client.client_id : "",
    )
    .sort();
}

describe("clients of others", () => {
  test("a client without a mark is changed only with --adopt, and diff shows it as an adoption", () =>
    withStateSetup("26", async (bench) => {
      await bench.ask("POST", "", { client_id: "one", client_name: "By hand", owner: "me" });
      await bench.ask("POST", "", { client_id: "two" });
      bench.write({ "clients/a.yaml": yaml("one"), "clients/b.yaml": yaml("two"), "clients/c.yaml": yaml("three") });
      bench.writes();
      const refused = await apply(bench);
      assert.equal(refused.status, 5);
      assert.match(refused.stderr, /client "one" exists and belongs to no stack\n {2}client "two" exists/);
      assert.deepEqual(bench.writes(), []);
      const shown = jsonObject((await assertDone(diff(bench, "--format", "json"))).stdout);
      assert.deepEqual(shown["summary"], {
        create: 1,
        change: 0,
        adopt: 2,
        delete: 0,
        refused: 0,
        unchanged: 0,
        notes: 0,
      });
      assert.equal((await diff(bench, "--exit-code")).status, 9);
      const text = (await diff(bench)).stdout;
      assert.match(text, /client_name +"By hand" → \(not set\)\n/);
      await assertDone(apply(bench, "--adopt"));
      const client = await bench.ask("GET", "one");
      assert.deepEqual(client["metadata"], { [STACK_MARK_MEMBER]: { stack: "prod", key: "one" } });
      assert.equal(client["client_name"], "");
      assert.equal((await diff(bench, "--exit-code")).status, 0);
    }));

  test("with --merge, an adoption keeps what the file doesn't name, metadata included", () =>
    withStateSetup("1.11", async (bench) => {
      await bench.ask("POST", "", { client_id: "one", client_name: "By hand", metadata: { team: "x" }, scope: "old" });
      bench.write({ "clients/a.yaml": "client_id: one\nowner: me\n" });
      await assertDone(apply(bench, "--adopt", "--merge"));
      const client = await bench.ask("GET", "one");
      assert.equal(client["client_name"], "By hand");
      assert.equal(client["owner"], "me");
      assert.equal(client["scope"], "old");
      assert.deepEqual(client["metadata"], { team: "x", [STACK_MARK_MEMBER]: { stack: "prod", key: "one" } });
    }));

  test("clients of another stack and of hydra-maester are rejected, with or without --adopt", () =>
    withStateSetup("26", async (bench) => {
      await bench.ask("POST", "", {
        client_id: "one",
        metadata: { [STACK_MARK_MEMBER]: { stack: "test", key: "one" } },
      });
      await bench.ask("POST", "", { client_id: "two", owner: "web/auth" });
      bench.write({ "clients/a.yaml": yaml("one"), "clients/b.yaml": yaml("two") });
      bench.writes();
      for (const played of [await apply(bench, "--adopt"), await diff(bench)]) {
        assert.equal(played.status, 5, played.stderr);
        assert.match(played.stderr, /it belongs to stack "test"\n.*it belongs to hydra-maester \(owner "web\/auth"\)/);
      }
      assert.deepEqual(bench.writes(), []);
    }));

  const MANIFEST = `apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata: {name: web, namespace: prod}
spec: {grantTypes: [client_credentials], scope: a b, secretName: web}
`;

  /** A client as hydra-maester keeps it for the manifest. */
  const MAESTERS = {
    client_id: "maesters-id",
    owner: "web/prod",
    grant_types: ["client_credentials"],
    scope: "a b",
    client_secret: SECRET,
  };

  test("a manifest is rejected if hydra-maester manages its client, which has another ID", () =>
    withStateSetup("26", async (bench) => {
      await bench.ask("POST", "", MAESTERS);
      bench.write({ "clients/web.yaml": MANIFEST });
      bench.writes();
      for (const played of [await diff(bench), await apply(bench), await apply(bench, "--adopt")]) {
        assert.equal(played.status, 5, played.stderr);
        assert.match(played.stderr, /client "maesters-id": it belongs to hydra-maester \(owner "web\/prod"\)/);
      }
      assert.deepEqual(bench.writes(), []);
      assert.deepEqual(await idsOf(bench), ["maesters-id"]);
    }));

  test("a client of hydra-maester is taken over by the steps in docs/state.md, with its ID", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/state.md"), "utf8");
    const section = page.slice(page.indexOf("## Coming from hydra-maester"), page.indexOf("## Limits"));
    const lines = [...section.matchAll(/^\d\. `hydra ([^`]+)`/gm)].map(([, line = ""]) => line);
    assert.deepEqual(
      lines.map((line) => line.split(" ")[0]),
      ["clients", "export", "apply"],
    );
    for (const withSecret of [false, true])
      await withStateSetup("26", async (bench) => {
        await bench.ask("POST", "", MAESTERS);
        bench.write({ "clients/web.yaml": MANIFEST });
        for (const line of lines) {
          if (withSecret && line.startsWith("export")) {
            const text = JSON.stringify({ CLIENT_ID: "maesters-id", CLIENT_SECRET: SECRET });
            bench.write({
              "clients/s.yaml": `{apiVersion: v1, kind: Secret, metadata: {name: web}, stringData: ${text}}\n`,
            });
            continue;
          }
          const place = join(bench.folder, "clients/");
          const args = line
            .split(" ")
            .map((word) => (word === "clients/" ? place : word.replace(/^ID$/, "maesters-id")));
          await assertDone(bench.run(args));
          if (line.startsWith("export")) rmSync(join(bench.folder, "clients/web.yaml"));
        }
        await assertDone(diff(bench, "--exit-code"));
        assert.deepEqual(await idsOf(bench), ["maesters-id"]);
        const owner = (await bench.ask("GET", "maesters-id"))["owner"];
        assert.equal(owner, withSecret ? "web/prod" : "");
      });
  });

  test("a client with our mark is ours, whatever its owner field says", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one", "owner: web/auth\n") });
      await assertDone(apply(bench));
      bench.write({ "clients/a.yaml": yaml("one", "owner: web/auth\nclient_name: New\n") });
      await assertDone(apply(bench));
      assert.equal((await bench.ask("GET", "one"))["client_name"], "New");
    }));
});

describe("what get, list and --prune print", () => {
  const KEPT = "x-hydra: {key: k, protect: true}\n";
  const read = (bench: StateSetup, path: string, ...flags: readonly string[]): Promise<Played> =>
    bench.run([...flags, join(bench.folder, path)]);

  test("is accepted as files without a difference, with the key and the protection of its mark", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one", KEPT), "clients/b.yaml": yaml("two", "x-hydra: {key: l}\n") });
      await assertDone(apply(bench));
      const got = await assertDone(bench.run(["get", "client", "one", "--format", "json"]));
      const listed = await assertDone(bench.run(["clients", "list", "--format", "json"]));
      bench.write({ "one.json": got.stdout, "all.json": listed.stdout });
      bench.writes();
      for (const path of ["one.json", "all.json"])
        for (const command of ["diff", "apply"]) {
          const flags = command === "diff" ? ["--exit-code"] : [];
          const played = await read(bench, path, command, "--stack", "prod", ...flags);
          assert.equal(played.status, 0, played.stdout + played.stderr);
        }
      assert.deepEqual(bench.writes(), []);
      // Settings of the file win.
      bench.write({ "one.json": JSON.stringify({ ...jsonObject(got.stdout), "x-hydra": { protect: false } }) });
      const changed = await read(bench, "one.json", "diff", "--stack", "prod");
      assert.match(changed.stdout, /x-hydra\.protect +true → \(not set\)/);
      assert.doesNotMatch(changed.stdout, /x-hydra\.key/);
    }));

  test("creates a deleted client again under its key", () =>
    withStateSetup("1.8", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one", "x-hydra: {key: k}\n"), "clients/b.yaml": yaml("two") });
      await assertDone(apply(bench));
      const { stdout } = await assertDone(bench.run(["clients", "get", "one", "--format", "json"]));
      await bench.ask("DELETE", "one");
      bench.write({ "one.json": stdout });
      await assertDone(
        read(bench, "one.json", "apply", "--stack", "prod", "--secret-out", join(bench.folder, "again")),
      );
      assert.equal((await assertDone(diff(bench, "--exit-code"))).status, 0);
    }));

  test("is rejected by another stack, and never gets another key", () =>
    withStateSetup("26", async (bench) => {
      const metadata = { [STACK_MARK_MEMBER]: { stack: "test", key: "k" } };
      bench.write({ "one.json": JSON.stringify([{ scope: "a", client_id: "one", metadata }], undefined, 1) });
      for (const command of ["diff", "apply"]) {
        const played = await read(bench, "one.json", command, "--stack", "prod");
        assert.equal(played.status, 2, played.stderr);
        assert.match(
          played.stderr,
          /one\.json:6:4: the client has the mark of stack "test", and this is stack "prod"\nHint: use --stack "test", or remove "hydra.apply" from its metadata/,
        );
      }
      assert.deepEqual(bench.writes(), []);
    }));
});

describe("--prune", () => {
  const three = { "clients/a.yaml": yaml("one"), "clients/b.yaml": yaml("two"), "clients/c.yaml": yaml("three") };

  async function withClients(work: (bench: StateSetup) => Promise<void>): Promise<void> {
    await withStateSetup("26", async (bench) => {
      bench.write(three);
      await assertDone(apply(bench));
      await bench.ask("POST", "", { client_id: "foreign" });
      await bench.ask("POST", "", {
        client_id: "other",
        metadata: { [STACK_MARK_MEMBER]: { stack: "test", key: "k" } },
      });
      bench.writes();
      await work(bench);
    });
  }

  test("deletes what is in no file, last, and prints it whole; without the flag it deletes nothing", () =>
    withClients(async (bench) => {
      bench.write({ "clients/b.yaml": "", "clients/c.yaml": yaml("three", "client_name: C\n") });
      const without = await diff(bench);
      assert.match(without.stdout, /1 client of stack "prod" is in no file; --prune would delete it\n/);
      assert.equal((await diff(bench, "--exit-code")).status, 9);
      assert.match((await diff(bench, "--prune")).stdout, /^- two +in stack prod, not in any file$/m);
      const played = await assertDone(apply(bench, "--prune", "--format", "ndjson"));
      const last = jsonLines(played.stdout).at(-1);
      assert.equal(last?.["outcome"], "deleted");
      assert.equal(JSON.stringify(last?.["client"]).includes('"scope":"a"'), true);
      assert.match(bench.writes().at(-1) ?? "", /^DELETE/);
      assert.deepEqual(await idsOf(bench), ["foreign", "one", "other", "three"]);
    }));

  test("needs an explicit stack", () =>
    withClients(async (bench) => {
      for (const command of ["diff", "apply"]) {
        const played = await bench.run([command, join(bench.folder, "clients"), "--prune"]);
        assert.equal(played.status, 2);
        assert.match(played.stderr, /--prune needs --stack NAME/);
        const named = await bench.run([command, join(bench.folder, "clients"), "--prune"], {
          environment: { HYDRA_STACK: "prod" },
        });
        assert.equal(named.status, 0, named.stderr);
      }
    }));

  test("does nothing if the files have no clients, without --allow-empty", () =>
    withClients(async (bench) => {
      bench.write({ "clients/a.yaml": "", "clients/b.yaml": "", "clients/c.yaml": "" });
      const played = await apply(bench, "--prune");
      assert.equal(played.status, 2);
      assert.match(played.stderr, /No client is in the 3 files, and --prune would delete all clients of stack "prod"/);
      assert.deepEqual(bench.writes(), []);
      await assertDone(apply(bench, "--prune", "--allow-empty"));
      assert.deepEqual(await idsOf(bench), ["foreign", "other"]);
    }));

  test("does nothing if it would delete more than --max-deletes", () =>
    withClients(async (bench) => {
      bench.write({ "clients/b.yaml": "", "clients/c.yaml": yaml("new") });
      const played = await apply(bench, "--prune", "--max-deletes", "1");
      assert.equal(played.status, 2);
      assert.match(
        played.stderr,
        /would delete 2 clients, more than --max-deletes 1\n {2}(two|three)\n {2}(two|three)\n/,
      );
      assert.deepEqual(bench.writes(), []);
    }));

  test("keeps a protected client until its file changes that", () =>
    withClients(async (bench) => {
      bench.write({ "clients/b.yaml": yaml("two", "x-hydra: {protect: true}\n") });
      assert.match((await diff(bench)).stdout, /x-hydra.protect +true\n/);
      await assertDone(apply(bench));
      bench.write({ "clients/b.yaml": "" });
      const played = await assertDone(apply(bench, "--prune"));
      assert.match(played.stderr, /client "two" is in no file, and is kept because it is protected/);
      bench.write({ "clients/b.yaml": yaml("two") });
      await assertDone(apply(bench));
      bench.write({ "clients/b.yaml": "" });
      await assertDone(apply(bench, "--prune"));
      assert.equal((await idsOf(bench)).includes("two"), false);
    }));

  test("does not start if another client failed", () =>
    withClients(async (bench) => {
      bench.write({
        "clients/b.yaml": "",
        "clients/c.yaml": yaml("three", "client_uri: ftp://a.example\nx-hydra: {ignore: [not-an-address]}\n"),
      });
      const played = await apply(bench, "--prune");
      assert.equal(played.status, 8, played.stderr);
      assert.match(played.stderr, /1 clients? (?:was|were) not deleted, because not everything else succeeded/);
      assert.equal((await idsOf(bench)).includes("two"), true);
    }));
});

describe("identity", () => {
  test("without a client_id, a second run finds the client, on every version", async () => {
    for (const as of ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const)
      await withStateSetup(as, async (bench) => {
        bench.write({ "clients/web.yaml": "scope: a\n", "clients/api.yaml": "scope: b\n" });
        const first = await assertDone(apply(bench, "--format", "ndjson"));
        assert.deepEqual(
          jsonLines(first.stdout).map(({ key, outcome }) => [key, outcome]),
          [
            ["api", "created"],
            ["web", "created"],
          ],
        );
        bench.writes();
        const again = await assertDone(apply(bench, "--format", "ndjson"));
        assert.deepEqual(
          jsonLines(again.stdout).map(({ client_id: id }) => id),
          jsonLines(first.stdout).map(({ client_id: id }) => id),
        );
        assert.deepEqual(bench.writes(), []);
      });
  });

  test("a server that chooses IDs can't use the one in a file", () =>
    withStateSetup("2.1", async (bench) => {
      bench.write({ "clients/web.yaml": yaml("web") });
      const played = await apply(bench);
      assert.equal(played.status, 1);
      assert.match(played.stderr, /does not accept a chosen client ID/);
    }));

  test("if the server is known to choose IDs, the plan rejects the one in a file, and nothing is changed", () =>
    withStateSetup("2.1", async (bench) => {
      bench.write({ "clients/api.yaml": "scope: a\n" });
      await assertDone(apply(bench));
      bench.write({ "clients/other.yaml": "scope: a\n", "clients/web.yaml": yaml("web-id") });
      bench.writes();
      const reason = "this server does not accept custom client IDs (it behaves like Hydra 2.1)";
      for (const played of [await diff(bench), await apply(bench), await apply(bench, "--dry-run")]) {
        assert.equal(played.status, 2, played.stderr);
        const file = join(bench.folder, "clients/web.yaml");
        const message = `Nothing was changed: ${file}:1:1: client "web-id": ${reason}\n`;
        assert.ok(played.stderr.includes(message), played.stderr);
        assert.match(played.stderr, /Hint: remove client_id from the file: the client is then found by its mark/);
      }
      assert.deepEqual(bench.writes(), []);
      const shown = await diff(bench, "--exit-code");
      assert.ok(shown.stdout.includes(`refused: ${reason}\n1 to create, 1 refused, 1 unchanged`), shown.stdout);
      assert.equal(shown.status, 2);
      assert.equal(jsonObject((await apply(bench, "--format", "json")).stderr)["error"], "id-refused");
      const clients = jsonObject((await diff(bench, "--format", "json")).stdout)["clients"];
      assert.ok(Array.isArray(clients));
      const [refused] = clients.filter(isJsonObject).filter(({ action }) => action === "refused");
      assert.deepEqual([refused?.["client_id"], refused?.["reason"], refused?.["changes"]], ["web-id", reason, []]);
    }));

  test("of two clients with the same mark, the older one is kept and the other one pruned", () =>
    withStateSetup("2.1", async (bench) => {
      bench.write({ "clients/web.yaml": "scope: a\n" });
      await assertDone(apply(bench));
      const [id] = await idsOf(bench);
      const client = await bench.ask("GET", String(id));
      await bench.ask("POST", "", { scope: "a", metadata: client["metadata"] });
      const shown = await diff(bench, "--prune", "--format", "json");
      const summary = jsonObject(shown.stdout)["summary"];
      assert.deepEqual(summary, { create: 0, change: 0, adopt: 0, delete: 1, refused: 0, unchanged: 1, notes: 0 });
    }));

  test("a key that moves to another client_id creates that client, and the old one is pruned", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/web.yaml": yaml("old", "x-hydra: {key: web}\n") });
      await assertDone(apply(bench));
      bench.write({ "clients/web.yaml": yaml("new", "x-hydra: {key: web}\n") });
      await assertDone(apply(bench, "--prune"));
      assert.deepEqual(await idsOf(bench), ["new"]);
    }));
});

describe("secrets", () => {
  test("nothing is created without a destination for the generated secrets", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one"), "clients/b.yaml": yaml("two") });
      const played = await bench.run(["apply", join(bench.folder, "clients")]);
      assert.equal(played.status, 2);
      assert.match(played.stderr, /2 clients need a destination for their generated secret\n {2}one\n {2}two\n/);
      assert.deepEqual(bench.writes(), []);
    }));

  test("public clients and clients with private keys need no destination", () =>
    withStateSetup("26", async (bench) => {
      bench.write({
        "clients/a.yaml":
          "client_id: a\nscope: a\ntoken_endpoint_auth_method: none\nredirect_uris: [http://127.0.0.1/cb]\n",
        "clients/b.yaml": yaml("b", "token_endpoint_auth_method: private_key_jwt\njwks_uri: https://a.example/jwks\n"),
      });
      const played = await assertDone(bench.run(["apply", join(bench.folder, "clients"), "--format", "ndjson"]));
      assert.doesNotMatch(played.stdout, /secret/);
    }));

  test("a folder gets one private file for each new client, and a rerun opens nothing", () =>
    withStateSetup("26", async (bench) => {
      bench.write({
        "clients/a.yaml": yaml("one"),
        "clients/b.yaml": yaml("b/2", "x-hydra: {key: two}\n").replace("b/2", "b-2"),
      });
      const out = join(bench.folder, "deep", "secrets");
      await assertDone(apply(bench, "--secret-out", out));
      assert.deepEqual(readdirSync(out).sort(), ["one.env", "two.env"]);
      assert.equal(statSync(out).mode & 0o777, 0o700);
      assert.equal(statSync(join(out, "one.env")).mode & 0o777, 0o600);
      assert.match(readFileSync(join(out, "two.env"), "utf8"), /^CLIENT_ID=b-2\nCLIENT_SECRET='?\S{26}'?\n$/);
      await assertDone(apply(bench, "--secret-out", out));
      bench.write({ "clients/c.yaml": yaml("one2", "x-hydra: {key: One}\n") });
      await assertDone(apply(bench, "--secret-out", out));
      bench.write({ "clients/d.yaml": yaml("d") });
      bench.write({ "deep/secrets/d.env": "" });
      const taken = await apply(bench, "--secret-out", out);
      assert.equal(taken.status, 2);
      assert.match(taken.stderr, /already exists and is not overwritten/);
      assert.equal((await idsOf(bench)).includes("d"), false);
    }));

  test("one file has all secrets, in its format", () =>
    withStateSetup("26", async (bench) => {
      const files = { "clients/a.yaml": yaml("one"), "clients/b.yaml": yaml("2-x") };
      bench.write(files);
      const read = async (name: string): Promise<string> => {
        const out = join(bench.folder, name);
        await assertDone(apply(bench, "--secret-out", out));
        bench.write({ "clients/a.yaml": "", "clients/b.yaml": "" });
        await assertDone(apply(bench, "--prune", "--allow-empty"));
        bench.write(files);
        return readFileSync(out, "utf8");
      };
      assert.match(
        await read("s.env"),
        /^ONE_CLIENT_ID=one\nONE_CLIENT_SECRET=\S+\n_2_X_CLIENT_ID=2-x\n_2_X_CLIENT_SECRET=\S+\n$/,
      );
      const json = jsonObject(await read("s.json"));
      assert.deepEqual(Object.keys(json), ["one", "2-x"]);
      assert.equal((await read("s.yaml")).split("---\n").length, 2);
    }));

  test("secrets of the environment and of files are set once, and again when their version is raised", () =>
    withStateSetup("26", async (bench) => {
      const file = (version: number): string => yaml("one", `x-hydra: {secret: {env: ONE, version: ${version}}}\n`);
      bench.write({
        "clients/a.yaml": file(1),
        "clients/b.yaml": yaml("two", "x-hydra: {secret: {file: two.txt}}\n"),
        "clients/two.txt": `${SECRET}-two\n`,
      });
      const environment = { ONE: SECRET };
      const run = (...flags: readonly string[]): Promise<Played> =>
        bench.run(
          ["apply", join(bench.folder, "clients"), "--stack", "prod", "--verify", "--format", "ndjson", ...flags],
          { environment },
        );
      const first = await assertDone(run());
      assert.doesNotMatch(first.stdout + first.stderr, new RegExp(SECRET));
      assert.match(first.stderr, /accepted the secret of client "one"/);
      bench.writes();
      assert.deepEqual(
        jsonLines((await assertDone(run())).stdout).map(({ outcome }) => outcome),
        ["unchanged", "unchanged"],
      );
      bench.write({ "clients/a.yaml": file(2) });
      environment.ONE = `${SECRET}-v2`;
      // The secret of version 2 does not work yet, so --verify finds the drift even if the version stays.
      const raised = await assertDone(run());
      assert.match(raised.stderr, /accepted the secret of client "one"/);
      assert.deepEqual((await bench.ask("GET", "one"))["metadata"], {
        [STACK_MARK_MEMBER]: { stack: "prod", key: "one", secret: 2 },
      });
      assert.deepEqual(
        jsonLines((await assertDone(run())).stdout).map(({ outcome }) => outcome),
        ["unchanged", "unchanged"],
      );
    }));

  test("--verify shows a secret that someone changed, and apply sets it again", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one", "x-hydra: {secret: {env: ONE}}\n") });
      const environment = { ONE: SECRET };
      const run = (command: string, ...flags: readonly string[]): Promise<Played> =>
        bench.run([command, join(bench.folder, "clients"), "--stack", "prod", "--verify", ...flags], { environment });
      await assertDone(run("apply"));
      assert.equal((await run("diff", "--exit-code")).status, 0);
      // As a file with Windows line ends leaves it.
      environment.ONE = `${SECRET}\r`;
      assert.equal((await run("diff", "--exit-code")).status, 0);
      await bench.ask("PATCH", "one", [{ op: "replace", path: "/client_secret", value: "another-secret-1234567890" }]);
      const shown = await run("diff", "--exit-code");
      assert.equal(shown.status, 9, shown.stderr);
      assert.match(shown.stdout, /secret +does not match; set from environment variable ONE/);
      assert.equal((await diff(bench, "--exit-code")).status, 0);
      await assertDone(run("apply"));
      assert.equal((await run("diff", "--exit-code")).status, 0);
    }));

  test("one failure among several clients is exit code 8, also if the others are unchanged", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one") });
      await assertDone(apply(bench));
      const rejected = "policy_uri: ftp://one.example/\n";
      bench.write({ "clients/b.yaml": yaml("two", rejected) });
      const played = await apply(bench);
      assert.equal(played.status, 8, played.stderr);
      assert.match(played.stderr, /Apply: 1 unchanged, 1 failed/);
    }));

  test("a secret that will not be set is not needed, except to be verified", () =>
    withStateSetup("26", async (bench) => {
      const write = (scope: string): void =>
        bench.write({ "clients/a.yaml": yaml("one", "x-hydra: {secret: {env: ONE}}\n").replace("scope: a", scope) });
      write("scope: a");
      const out = ["--secret-out", join(bench.folder, "first")];
      const first = ["apply", join(bench.folder, "clients"), "--stack", "prod", ...out];
      await assertDone(bench.run(first, { environment: { ONE: "first-secret-0123" } }));
      bench.writes();
      await assertDone(apply(bench));
      write("scope: b");
      await assertDone(apply(bench));
      assert.equal(bench.writes().length, 1);
      for (const command of [apply, diff]) {
        const checked = await command(bench, "--verify");
        assert.equal(checked.status, 2);
        assert.match(checked.stderr, /a\.yaml:4:20: environment variable "ONE" is not set/);
      }
    }));

  test("a missing secret is an error before the first change, but not for diff", () =>
    withStateSetup("26", async (bench) => {
      bench.write({
        "clients/a.yaml": yaml("one", "x-hydra: {secret: {env: ONE}}\n"),
        "clients/b.yaml": yaml("two", "x-hydra: {secret: {file: none.txt}}\n"),
      });
      const played = await apply(bench);
      assert.equal(played.status, 2);
      assert.match(played.stderr, /a\.yaml:4:20: environment variable "ONE" is not set/);
      assert.match(played.stderr, /b\.yaml:4:20: Cannot read .*none\.txt/);
      await assertDone(diff(bench));
      assert.deepEqual(bench.writes(), []);
    }));

  test("a client that becomes confidential gets a secret", () =>
    withStateSetup("26", async (bench) => {
      const client = (method: string): string =>
        `client_id: one\nscope: a\nredirect_uris: [https://a.example/cb]\ntoken_endpoint_auth_method: ${method}\n`;
      bench.write({ "clients/a.yaml": client("none") });
      await assertDone(bench.run(["apply", join(bench.folder, "clients"), "--stack", "prod"]));
      bench.write({ "clients/a.yaml": client("client_secret_basic") });
      assert.equal((await bench.run(["apply", join(bench.folder, "clients"), "--stack", "prod"])).status, 2);
      const out = join(bench.folder, "s");
      const played = await assertDone(apply(bench, "--secret-out", out, "--verify"));
      assert.match(played.stderr, /accepted the secret/);
      assert.deepEqual(readdirSync(out), ["one.env"]);
    }));

  test("no recovery copy is left behind", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one") });
      const state = join(bench.folder, "state");
      bench.write({ "state/keep": "" });
      await assertDone(
        bench.run(["apply", join(bench.folder, "clients"), "--secret-out", join(bench.folder, "x.json")], {
          environment: { XDG_STATE_HOME: state },
        }),
      );
      assert.deepEqual(readdirSync(state), ["keep"]);
    }));
});

/** A server in front of another one, which does something before it passes a request on. */
async function withProxy(
  url: string,
  before: (method: string, path: string) => Promise<void>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const server: Server = createServer((request, response) => {
    const pass = async (): Promise<void> => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method = "GET", url: path = "/" } = request;
      await before(method, path);
      const body = Buffer.concat(chunks);
      const answer = await fetch(`${url}${path}`, {
        method,
        redirect: "manual",
        headers: { "content-type": String(request.headers["content-type"] ?? "application/json") },
        ...(body.length === 0 ? {} : { body }),
      });
      response.writeHead(answer.status, {
        "content-type": answer.headers.get("content-type") ?? "text/plain",
        link: answer.headers.get("link") ?? "",
      });
      response.end(await answer.text());
    };
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? (address satisfies AddressInfo).port : 0;
  try {
    await work(`http://127.0.0.1:${port}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("an editor between the plan and the write", () => {
  /** Applies while someone else does something right before the client is read again. */
  async function applyWhile(
    bench: StateSetup,
    edit: () => Promise<unknown>,
    ...flags: readonly string[]
  ): Promise<Played> {
    let played: Played | undefined;
    let edited = false;
    const before = async (method: string, path: string): Promise<void> => {
      if (edited || method !== "GET" || !/clients\/one$/.test(path)) return;
      edited = true;
      await edit();
    };
    await withProxy(bench.url, before, async (url) => {
      played = await apply(bench, "--endpoint", url, "--format", "ndjson", ...flags);
    });
    assert.ok(played !== undefined && edited);
    return played;
  }

  for (const as of ["1.11", "26"] as const)
    test(`a change by someone else leads to a new plan, on ${as}`, () =>
      withStateSetup(as, async (bench) => {
        bench.write({ "clients/a.yaml": yaml("one") });
        await assertDone(apply(bench));
        bench.write({ "clients/a.yaml": yaml("one", "client_name: Mine\n") });
        const client = await bench.ask("GET", "one");
        const played = await applyWhile(bench, () =>
          bench.ask("PUT", "one", { ...client, owner: "them", client_uri: "https://x.example" }),
        );
        assert.equal(played.status, 0, played.stderr);
        assert.match(played.stderr, /client "one" was changed by someone else meanwhile; planned again/);
        const now = await bench.ask("GET", "one");
        assert.deepEqual([now["client_name"], now["owner"], now["client_uri"]], ["Mine", "", ""]);
      }));

  test("a client that another stack has taken meanwhile is not changed", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one") });
      await assertDone(apply(bench));
      bench.write({ "clients/a.yaml": yaml("one", "client_name: Mine\n") });
      const client = await bench.ask("GET", "one");
      const mark = { metadata: { [STACK_MARK_MEMBER]: { stack: "theirs", key: "one" } } };
      const played = await applyWhile(bench, () => bench.ask("PUT", "one", { ...client, ...mark }));
      assert.equal(played.status, 5);
      assert.equal((await bench.ask("GET", "one"))["client_name"], "");
      bench.write({ "clients/a.yaml": "" });
    }));

  test("a client that another stack has taken meanwhile is not pruned", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one"), "clients/b.yaml": yaml("two") });
      await assertDone(apply(bench));
      bench.write({ "clients/a.yaml": "" });
      const client = await bench.ask("GET", "one");
      const mark = { metadata: { [STACK_MARK_MEMBER]: { stack: "theirs", key: "one" } } };
      const played = await applyWhile(bench, () => bench.ask("PUT", "one", { ...client, ...mark }), "--prune");
      assert.equal(played.status, 8, played.stderr);
      assert.match(played.stderr, /is not deleted: its mark was changed by someone else meanwhile/);
      assert.deepEqual(await idsOf(bench), ["one", "two"]);
    }));

  test("two runs at once set one secret, and the slower one does not replace what the other has delivered", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": `${PUBLIC}client_id: one\n` });
      await assertDone(apply(bench));
      bench.write({ "clients/a.yaml": yaml("one") });
      bench.writes();
      const out = join(bench.folder, "slower");
      const slower = await applyWhile(bench, () => assertDone(apply(bench)), `--secret-out=${out}`);
      assert.equal(slower.status, 0, slower.stderr);
      assert.match(
        slower.stderr,
        /client "one" got a secret from someone else meanwhile, which was not delivered here/,
      );
      assert.equal(existsSync(join(out, "one.env")), false);
      assert.equal(bench.writes().length, 1);
    }));

  for (const [how, before, method, path] of [
    ["created", "", "POST", ""],
    ["changed", `${PUBLIC}client_id: one\n`, "PUT", "one"],
  ] as const)
    test(`a client that was ${how} meanwhile with the secret of a killed run fails until that is delivered`, () =>
      withStateSetup("26", async (bench) => {
        bench.write({ "clients/a.yaml": before });
        await assertDone(apply(bench));
        bench.write({ "clients/a.yaml": yaml("one") });
        const metadata = { [STACK_MARK_MEMBER]: { stack: "prod", key: "one" } };
        const client = { client_id: "one", grant_types: ["client_credentials"], scope: "a", metadata };
        const writeCopy = (endpoint: string, state: string, updatedAt?: unknown): void => {
          const owner = { stack: "prod", key: "one", delivery: "due" };
          const times = { time: new Date().toISOString(), updated_at: updatedAt };
          const record = { state, reason: "r", endpoint, ...owner, ...times, client_id: "one", client_secret: SECRET };
          bench.write({ "copies/hydra-rescue-one.json": JSON.stringify(record) });
        };
        let updatedAt: unknown;
        const lateRequest = async (nextMethod: string, nextPath: string): Promise<void> => {
          const isNow = method === "POST" ? nextMethod === method : nextPath.endsWith("/one");
          if (isNow && updatedAt === undefined) ({ updated_at: updatedAt } = await bench.ask(method, path, client));
        };
        const out = `--secret-out=${join(bench.folder, "out.json")}`;
        const copies = ["--rescue-dir", join(bench.folder, "copies")];
        await withProxy(bench.url, lateRequest, async (url) => {
          writeCopy(url, "unverified");
          const failed = await apply(bench, "--endpoint", url, out, ...copies);
          assert.equal(failed.status, 1, failed.stderr);
          assert.match(failed.stderr, /run the command again; its secret is in ".*hydra-rescue-one\.json"/);
          writeCopy(url, "made", updatedAt);
          assert.match((await assertDone(apply(bench, "--endpoint", url, out, ...copies))).stderr, /1 delivered/);
        });
        assert.match(readFileSync(join(bench.folder, "out.json"), "utf8"), new RegExp(SECRET));
      }));

  test("if a client is deleted between two pages of the list, no other one is created twice", () =>
    withStateSetup("2.1", async (bench) => {
      for (let n = 0; n < 501; n++) await bench.ask("POST", "", { client_name: String(n), scope: "a" });
      const items: unknown = await (await fetch(`${bench.url}/admin/clients?page_size=1000`)).json();
      assert.ok(Array.isArray(items));
      const [first, last] = [items[0], items[500]].map((client: unknown) => (isJsonObject(client) ? client : {}));
      const mark = { [STACK_MARK_MEMBER]: { stack: "prod", key: "one" } };
      await bench.ask("PUT", String(last?.["client_id"]), { ...last, metadata: mark });
      bench.write({ "clients/one.yaml": "scope: a\ngrant_types: [client_credentials]\n" });
      bench.writes();
      let pages = 0;
      const beforeSecondPage = async (method: string, path: string): Promise<void> => {
        if (method === "GET" && path.includes("page_size=500") && ++pages === 2)
          await bench.ask("DELETE", String(first?.["client_id"]));
      };
      await withProxy(bench.url, beforeSecondPage, async (url) => {
        await assertDone(apply(bench, "--endpoint", url));
      });
      assert.deepEqual(
        bench.writes().map((line) => line.replace(/ .*/, "")),
        ["DELETE", "PATCH"],
      );
    }));

  test("of two runs at once, one creates the client and the other one says so", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/one.yaml": "scope: a\n" });
      let other: Played | undefined;
      const before = async (method: string): Promise<void> => {
        if (method === "POST" && other === undefined) {
          other = { status: -1, stdout: "", stderr: "" };
          other = await apply(bench);
        }
      };
      await withProxy(bench.url, before, async (url) => {
        const played = await apply(bench, "--endpoint", url);
        assert.equal(played.status, 0, played.stderr);
        const warning =
          /client "(\S+)" was created by someone else meanwhile; its secret was not delivered here\. If no other run has delivered it, set another one: hydra clients rotate-secret \1$/m;
        assert.match(played.stderr, warning);
      });
      assert.equal(other?.status, 0);
      assert.equal((await idsOf(bench)).length, 1);
    }));
});

test("a client that someone creates and deletes meanwhile is reported with what to do next", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "clients/one.yaml": yaml("one") });
    let isCreated = false;
    const before = async (method: string, path: string): Promise<void> => {
      if (method === "POST" && !isCreated) {
        isCreated = true;
        await bench.ask("POST", "", { client_id: "one", scope: "b" });
      } else if (method === "GET" && path.endsWith("/one")) await bench.ask("DELETE", "one");
    };
    await withProxy(bench.url, before, async (url) => {
      const { status, stderr } = await apply(bench, "--endpoint", url);
      assert.notEqual(status, 0);
      assert.match(
        stderr,
        /Client "one" was deleted by someone else meanwhile\nHint: run the command again to create it/,
      );
    });
    await assertDone(apply(bench));
    assert.deepEqual(await idsOf(bench), ["one"]);
  }));

test("a public client that someone creates meanwhile and --adopt takes over gets a secret, as its file says", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "clients/one.yaml": yaml("one") });
    let isCreated = false;
    const before = async (method: string): Promise<void> => {
      if (method !== "POST" || isCreated) return;
      isCreated = true;
      await bench.ask("POST", "", { client_id: "one", scope: "b", token_endpoint_auth_method: "none" });
    };
    const out = join(bench.folder, "out");
    await withProxy(bench.url, before, async (url) => {
      const { stdout, stderr } = await assertDone(apply(bench, "--endpoint", url, "--adopt", `--secret-out=${out}`));
      assert.match(stderr, /client "one" was created by someone else meanwhile$/m);
      assert.match(stdout, /^Took over OAuth 2\.0 Client one/m);
    });
    assert.match(readFileSync(join(out, "one.env"), "utf8"), /CLIENT_SECRET=\S{26}/);
    assert.equal((await bench.ask("GET", "one"))["token_endpoint_auth_method"], "client_secret_basic");
  }));

test("two runs at once with one folder for recovery copies create one client, and the secret that the faster one delivered is no failure", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "clients/one.yaml": yaml("one"), "copies/keep": "" });
    const faster = Promise.withResolvers<Played>();
    const slowerHasCopies = Promise.withResolvers<void>();
    const slower = Promise.withResolvers<Played>();
    let posts = 0;
    const run = (url: string, out: string): Promise<Played> =>
      apply(
        bench,
        `--secret-out=${join(bench.folder, out)}`,
        ...["--endpoint", url, "--rescue-dir", join(bench.folder, "copies")],
      );
    let start = (): void => {};
    const before = async (method: string): Promise<void> => {
      if (method !== "POST") return;
      if (posts++ === 0) {
        start();
        await slowerHasCopies.promise;
      } else {
        slowerHasCopies.resolve();
        await faster.promise;
      }
    };
    await withProxy(bench.url, before, async (url) => {
      start = () => void run(url, "slower").then(slower.resolve, slower.reject);
      faster.resolve(await run(url, "faster"));
      assert.equal((await faster.promise).status, 0, (await faster.promise).stderr);
      const { status, stderr } = await slower.promise;
      assert.equal(status, 0, stderr);
      assert.match(stderr, /was created by someone else meanwhile; its secret was not delivered here/);
    });
    assert.ok(existsSync(join(bench.folder, "faster/one.env")));
    assert.ok(!existsSync(join(bench.folder, "slower/one.env")));
  }));

describe("on a terminal", () => {
  test("apply shows the plan and asks, and changes nothing without a yes", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one") });
      const args = ["apply", join(bench.folder, "clients"), "--secret-out", join(bench.folder, "s")];
      const declined = await bench.run(args, { answer: "n", columns: 300 });
      assert.equal(declined.status, 1);
      assert.match(declined.stderr, /\+ one +.*a\.yaml:1/);
      assert.match(declined.stderr, /secret +generated, written to/);
      assert.match(declined.stderr, /Apply to http:\/\/127\.0\.0\.1:\d+\? \[y\/N\]/);
      assert.deepEqual(bench.writes(), []);
      assert.equal(existsSync(join(bench.folder, "s")), false);
      await assertDone(bench.run(args, { answer: "y", columns: 300 }));
      const nothing = await assertDone(bench.run(args, { answer: "n", columns: 300 }));
      assert.doesNotMatch(nothing.stderr, /\[y\/N\]/);
    }));

  test("diff and apply break lines at words, below their values; in a pipe no line is broken", () =>
    withStateSetup("26", async (bench) => {
      const words = Array.from({ length: 9 }, (_, at) => `scope-${at}`);
      bench.write({ "clients/a.yaml": `client_id: one\nscope: ${words.join(" ")}\n` });
      const args = [join(bench.folder, "clients"), "--stack", "prod", "--color", "never"];
      for (const [columns, perLine] of [
        [40, 3],
        [80, 8],
      ] as const) {
        const lines = [0, 1, 2].map((at) => words.slice(at * perLine, (at + 1) * perLine).join(" "));
        const broken = `\n    scope   ${lines.filter((line) => line !== "").join("\n            ")}\n`;
        const shown = await assertDone(bench.run(["diff", ...args], { columns }));
        assert.ok(shown.stdout.includes(broken), shown.stdout);
        const asked = await bench.run(["apply", ...args, "--secret-out", join(bench.folder, "s")], {
          columns,
          answer: "n",
        });
        assert.ok(asked.stderr.includes(broken), asked.stderr);
      }
      assert.ok((await diff(bench)).stdout.includes(`scope   ${words.join(" ")}\n`));
      assert.deepEqual(bench.writes(), []);
    }));

  test("--dry-run shows the plan and changes nothing", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one") });
      const played = await assertDone(apply(bench, "--dry-run"));
      assert.match(played.stdout, /^\+ one /);
      assert.deepEqual(bench.writes(), []);
    }));

  test("with --merge, a secret for a client that is public on the server is refused, not ignored", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one", "token_endpoint_auth_method: none\n") });
      await assertDone(apply(bench));
      bench.writes();
      const path = join(bench.folder, "clients/a.yaml");
      for (const [secret, status] of [
        ["x-hydra: {secret: {env: ONE_SECRET, version: 2}}\n", 2],
        ["x-hydra: {protect: true}\n", 0],
      ] as const) {
        bench.write({ "clients/a.yaml": `client_id: one\n${secret}` });
        const played = await apply(bench, "--merge");
        assert.equal(played.status, status, played.stderr);
        if (status !== 0)
          assert.ok(
            played.stderr.startsWith(
              `Error: Nothing was changed: ${path}:1:1: client "one": its file has a secret, and the client on the server uses none (token_endpoint_auth_method none)\n`,
            ),
            played.stderr,
          );
        assert.equal(bench.writes().length, status === 0 ? 1 : 0);
      }
    }));

  test("--dry-run shows the plan and fails where the run itself would stop", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one"), "clients/b.yaml": yaml("two") });
      await assertDone(apply(bench));
      bench.writes();
      bench.write({
        "clients/a.yaml": "",
        "clients/b.yaml": "",
        "clients/c.yaml": yaml("three", "token_endpoint_auth_method: client_secret_basic\n"),
      });
      const run = (...flags: readonly string[]) =>
        bench.run(["apply", join(bench.folder, "clients"), "--stack", "prod", ...flags]);
      for (const [flags, message] of [
        [["--prune", "--max-deletes", "1"], /would delete 2 clients, more than --max-deletes 1\n {2}(one|two)\n/],
        [[], /1 client needs a destination for its generated secret\n {2}three\n/],
      ] as const) {
        const planned = await run("--dry-run", ...flags);
        const stopped = await run(...flags);
        assert.match(planned.stdout, /^\+ three /m);
        assert.match(planned.stderr, message);
        assert.deepEqual([planned.stderr, planned.status], [stopped.stderr, stopped.status]);
      }
      assert.deepEqual(bench.writes(), []);
    }));

  test("--dry-run fails for secret files that the run could not write, and makes no directory", () =>
    withStateSetup("26", async (bench) => {
      bench.write({
        "clients/a.yaml": yaml("one", "token_endpoint_auth_method: client_secret_basic\n"),
        "there/one.env": "",
        "there/file": "",
        "there/other.json": "[]",
      });
      const run = (out: string, ...flags: readonly string[]) =>
        bench.run(["apply", join(bench.folder, "clients"), "--secret-out", join(bench.folder, out), ...flags]);
      for (const out of ["there", "there/file", "there/file/below", "there/other.json", "missing/all.env"]) {
        const planned = await run(out, "--dry-run");
        const stopped = await run(out);
        assert.equal(planned.status, 2, out);
        assert.match(planned.stdout, /^\+ one /m);
        assert.deepEqual([planned.stderr, planned.status], [stopped.stderr, stopped.status]);
      }
      await assertDone(run("new/folder", "--dry-run"));
      assert.equal(existsSync(join(bench.folder, "new")), false);
      assert.deepEqual(bench.writes(), []);
    }));
});

describe("what the server does not keep", () => {
  test("is a note and not a difference, and an error with --strict", () =>
    withStateSetup("1.8", async (bench) => {
      bench.write({ "clients/a.yaml": yaml("one", "skip_consent: true\n") });
      await assertDone(apply(bench));
      const shown = await diff(bench, "--exit-code");
      assert.equal(shown.status, 0);
      assert.match(shown.stdout, /^! one +skip_consent is not kept by this server \(it answers as Hydra 1\.8\)$/m);
      assert.equal((await diff(bench, "--strict")).status, 2);
      assert.equal((await apply(bench, "--strict")).status, 2);
    }));
});

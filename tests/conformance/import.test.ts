/** `clients import` on every server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../e2e/binary.ts";
import { familyTraits, ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, comparable, type Json, onEveryServer, proveSecret, type Server, textOf } from "./servers.ts";

/** Ids for clients, which a server that makes them itself is not given. */
function ids(server: Server, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => (server.takesIds ? `import-${n}-${randomUUID()}` : ""));
}

function withId(id: string, client: Json): Json {
  return id === "" ? client : { client_id: id, ...client };
}

function results(stdout: string): readonly Json[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => asJson(JSON.parse(line)));
}

async function works(server: Server, id: string, secret: string): Promise<void> {
  await proveSecret(server, { id, secret, ended: { status: 0, signal: null, stdout: "", stderr: "" } });
}

onEveryServer("clients import", ordinaryTraits, (server, testsFor) => {
  testsFor(({ prefix, ownId }) => [prefix, ownId])(
    "registers the clients of every input format, in order, with working secrets",
    async () => {
      using folder = temporaryFolder();
      const clients = ids(server(), 5).map((id, n) =>
        withId(id, { client_name: `c${n} ☃`, grant_types: ["client_credentials"] }),
      );
      const yaml = (client: Json): string =>
        Object.entries(client)
          .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
          .join("");
      const forms: Readonly<Record<string, string>> = {
        "array.json": JSON.stringify(clients, null, 2),
        "lines.ndjson": clients.map((client) => `${JSON.stringify(client)}\n`).join(""),
        "documents.yaml": clients.map(yaml).join("---\n"),
        "list.yaml": clients.map((client) => `- ${yaml(client).trimEnd().replaceAll("\n", "\n  ")}\n`).join(""),
        "envelope.json": JSON.stringify({ items: clients, next_page_token: "", is_last_page: true }),
      };
      for (const [name, text] of Object.entries(forms)) {
        const file = join(folder.path, name);
        writeFileSync(file, text);
        const ended = await server().run(["clients", "import", file, "--format", "ndjson"]);
        assert.equal(ended.status, 0, `${name}: ${ended.stderr}`);
        assert.equal(ended.stderr, "Import: 5 created\n");
        const found = results(ended.stdout);
        assert.deepEqual(
          found.map((client) => client["client_name"]),
          clients.map((client) => client["client_name"]),
        );
        for (const client of found) {
          assert.equal(client["outcome"], "created");
          assert.equal(client["from"], file);
          const id = textOf(client, "client_id");
          await works(server(), id, textOf(client, "client_secret"));
          assert.deepEqual((await server().stored(id))["grant_types"], ["client_credentials"]);
          if (server().takesIds) assert.ok(clients.some((wanted) => wanted["client_id"] === id));
          assert.equal((await server().ask("DELETE", `${server().path}/${id}`)).status, 204);
        }
      }
    },
  );

  testsFor(familyTraits)("prints the same lines as the 1.x CLI, from a file and from standard input", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "one.json");
    writeFileSync(file, JSON.stringify({ grant_types: ["client_credentials"], response_types: ["token"] }));
    const ended = await server().run(["clients", "import", file]);
    assert.equal(ended.status, 0, ended.stderr);
    const [, id = "", secret = ""] =
      /^Imported OAuth 2\.0 Client (\S+?):(\S+) from: (.+)\n$/.exec(ended.stdout) ?? assert.fail(ended.stdout);
    server().track(id);
    await works(server(), id, secret);
    const given = { client_secret: `given-${randomUUID()}`, grant_types: ["client_credentials"] };
    const piped = await server().run(["clients", "import"], { stdin: JSON.stringify(given) });
    assert.equal(piped.status, 0, piped.stderr);
    const [, other = ""] =
      /^Imported OAuth 2\.0 Client (\S+) from: standard input\n$/.exec(piped.stdout) ?? assert.fail(piped.stdout);
    server().track(other);
    await works(server(), other, given.client_secret);
  });

  for (const format of ["json", "json-pretty", "ndjson", "yaml"])
    (format === "json" ? test : testsFor(familyTraits))(`accepts the output of list as ${format}`, async () => {
      const owner = `export ${randomUUID()}`;
      const client = {
        ...{ client_name: "exported", owner, redirect_uris: ["https://app.example.com/cb"], scope: "openid" },
        ...{ grant_types: ["authorization_code"], response_types: ["code"], subject_type: "public" },
        ...{ token_endpoint_auth_method: "client_secret_basic", metadata: { a: [1] } },
        client_secret: "its-own-secret-0",
      };
      const posted = await server().post(client);
      const id = textOf(asJson(posted.body), "client_id");
      const stored = await server().stored(id);
      const listed = await server().run(["clients", "list", "--owner", owner, "--format", format]);
      assert.equal(listed.status, 0, listed.stderr);
      await server().ask("DELETE", `${server().path}/${id}`);
      const ended = await server().run(["clients", "import", "--format", "ndjson"], { stdin: listed.stdout });
      if (!server().takesIds) {
        assert.equal(ended.status, 1, ended.stderr);
        assert.match(ended.stderr, /does not accept a chosen client ID/);
        return;
      }
      assert.equal(ended.status, 0, ended.stderr);
      assert.deepEqual(comparable(await server().stored(id)), comparable(stored));
    });

  test("fails for, skips or updates an existing client, as requested", async () => {
    if (!server().takesIds) return;
    const [there = "", fresh = "", last = ""] = ids(server(), 3);
    const secret = `first-${randomUUID()}`;
    await server().post({
      ...{ client_id: there, client_name: "before", client_secret: secret, scope: "core" },
      ...{ grant_types: ["client_credentials"], response_types: ["token"], logo_uri: "https://app.example.com/l.png" },
    });
    const stored = await server().stored(there);
    const input = (names: readonly string[]): string =>
      names.map((id) => `${JSON.stringify({ client_id: id, client_name: "after" })}\n`).join("");
    const failing = await server().run(["clients", "import", "--format", "ndjson"], { stdin: input([there, fresh]) });
    assert.equal(failing.status, 8, failing.stderr);
    assert.deepEqual(
      results(failing.stdout).map(({ outcome }) => outcome),
      ["failed", "created"],
    );
    assert.match(failing.stderr, /^\{"error":"conflict"/m);
    assert.match(failing.stderr, /^Import: 1 created, 1 failed$/m);
    assert.deepEqual(await server().stored(there), stored);
    const skipping = await server().run(["clients", "import", "--if-exists", "skip", "--format", "ndjson"], {
      stdin: input([there, fresh, last]),
    });
    assert.equal(skipping.status, 0, skipping.stderr);
    assert.deepEqual(
      results(skipping.stdout).map(({ outcome }) => outcome),
      ["skipped", "skipped", "created"],
    );
    assert.deepEqual(await server().stored(there), stored);
    // One by one: a server whose database is in memory may lock it against a reader while it writes.
    const updating = await server().run(
      ["clients", "import", "--if-exists", "update", "--format", "ndjson", "--concurrency", "1"],
      { stdin: input([there, last]) },
    );
    assert.equal(updating.status, 0, updating.stderr);
    assert.deepEqual(
      results(updating.stdout).map(({ outcome }) => outcome),
      ["updated", "unchanged"],
    );
    assert.deepEqual(comparable(await server().stored(there)), comparable({ ...stored, client_name: "after" }));
    assert.doesNotMatch(updating.stdout, /client_secret"/);
    await works(server(), there, secret);
  });

  testsFor(({ ownId }) => [ownId])("skips and updates clients whose IDs the server may have generated", async () => {
    const answer = asJson((await server().post({ client_name: "before" })).body);
    const id = textOf(answer, "client_id");
    for (const [name, policy, outcome] of [
      ["after", "skip", "skipped"],
      ["after", "update", "updated"],
      ["after", "update", "unchanged"],
    ] as const) {
      const stdin = JSON.stringify({ client_id: id, client_name: name });
      const args = ["clients", "import", "--if-exists", policy, "--format", "ndjson"];
      const ended = await server().run(args, { stdin });
      assert.equal(ended.status, 0, ended.stderr);
      assert.equal(results(ended.stdout)[0]?.["outcome"], outcome);
    }
    assert.equal((await server().stored(id))["client_name"], "after");
  });

  test("continues after clients that the server rejects, and exits with 8", async () => {
    const clients = [
      { client_name: "good 0" },
      { client_name: "bad", redirect_uris: ["http://localhost/%zz"] },
      { client_name: "good 1" },
    ];
    const ended = await server().run(["clients", "import", "--format", "ndjson", "--concurrency", "1"], {
      stdin: JSON.stringify(clients),
    });
    assert.equal(ended.status, 8, ended.stderr);
    const [first, second, third] = results(ended.stdout);
    assert.deepEqual([first?.["outcome"], second?.["outcome"], third?.["outcome"]], ["created", "failed", "created"]);
    const error = asJson(second?.["error"]);
    assert.equal(error["status"], 400);
    assert.match(textOf(error, "message"), /client 2: .*redirect URL/);
    const told = asJson(JSON.parse(ended.stderr.split("\n")[0] ?? ""));
    assert.equal(told["status"], 400);
  });

  testsFor(familyTraits)("registers nothing if one client breaks a rule", async () => {
    const owner = `broken ${randomUUID()}`;
    const clients = [{ owner }, { owner, redirect_uris: ["https://a.example/#x"] }];
    const ended = await server().run(["clients", "import"], { stdin: JSON.stringify(clients) });
    assert.equal(ended.status, 2, ended.stderr);
    assert.match(ended.stderr, /client 2.*fragment/);
    const listed = await server().run(["clients", "list", "--owner", owner, "-q"]);
    assert.equal(listed.stdout, "");
  });
});

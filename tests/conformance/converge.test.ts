/** A second run with the same input writes nothing. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { lintClient } from "../../lib/core/client/rules.ts";
import { HYDRA_1 } from "../../lib/servers/hydra1.ts";
import { HYDRA_2 } from "../../lib/servers/hydra2.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { anyClient } from "../random-client.ts";
import { ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, type Server, textOf } from "./servers.ts";

/** What people write in ways that servers store in another. */
const SPELLINGS: readonly Json[] = [
  { allowed_cors_origins: ["https://app.example.com/", "HTTPS://b.example"] },
  { scope: "  b a  b", audience: ["b", "a", "b"], contacts: ["z", "a"] },
  { response_types: ["token code", "code"], grant_types: ["implicit", "authorization_code"] },
  { client_name: null, metadata: null, subject_type: "", userinfo_signed_response_alg: "", response_types: [] },
  { metadata: { b: [1.5, { z: null, a: -0 }], a: "10000000000000000001" }, not_a_field: 1 },
  { client_credentials_grant_access_token_lifespan: "90m", implicit_grant_id_token_lifespan: "0s" },
];

/** Clients that no rule refuses, with fields that a family of servers has; the same ones in every run. */
function clientsFor({ family }: Server, seed: number): readonly Json[] {
  const { unknownFields } = family === "v1" ? HYDRA_1 : HYDRA_2;
  return [...SPELLINGS, ...fc.sample(anyClient, { numRuns: 60, seed })]
    .map((client) => Object.fromEntries(Object.entries(client).filter(([field]) => !unknownFields.has(field))))
    .filter((client) => lintClient(client, (field) => field).every(({ severity }) => severity !== "error"))
    .slice(0, 14);
}

/** A client with an ID, if the server accepts one. */
function withId(server: Server, client: Json): Json {
  return server.takesIds ? { ...client, client_id: `again-${randomUUID()}` } : client;
}

onEveryServer("a second run", ordinaryTraits, (server, testsFor) => {
  // A create compares and changes one client as an import does many. Where the import can't run, it is given more.
  testsFor(({ prefix, ownId }) => [prefix, ownId])("of a create with --if-exists update writes nothing", async () => {
    using folder = temporaryFolder();
    const before = clientsFor(server(), 1);
    const clients = clientsFor(server(), 2).slice(0, server().takesIds ? 8 : 14);
    let compared = 0;
    for (const [n, client] of clients.entries()) {
      const made = await server().post(withId(server(), before[n] ?? {}));
      // Real servers refuse some on their own, such as pairwise subjects where these are not configured.
      if (made.status !== 201) continue;
      const id = textOf(asJson(made.body), "client_id");
      const file = join(folder.path, `${n}.json`);
      writeFileSync(file, JSON.stringify({ ...client, client_id: id }));
      const args = ["clients", "create", "--file", file, "--if-exists", "update", "--format", "json"];
      const first = await server().run(args);
      if (first.status === 1) continue;
      assert.equal(first.status, 0, first.stderr);
      const stored = await server().stored(id);
      const again = await server().run(args);
      assert.equal(again.status, 0, again.stderr);
      assert.equal(
        asJson(JSON.parse(again.stdout))["outcome"],
        "unchanged",
        `${JSON.stringify(client)} ${again.stderr}`,
      );
      assert.deepEqual(await server().stored(id), stored);
      compared++;
    }
    assert.ok(compared * 2 >= clients.length, `only ${compared} clients were taken`);
  });

  test("of an import with --if-exists update writes nothing", async () => {
    if (!server().takesIds) return;
    using folder = temporaryFolder();
    const file = join(folder.path, "clients.ndjson");
    const updated: Json[] = [];
    const before = clientsFor(server(), 1);
    for (const [n, client] of clientsFor(server(), 2).entries()) {
      // Real servers refuse some on their own, such as pairwise subjects where these are not configured.
      let made = await server().post(withId(server(), before[n] ?? {}));
      if (made.status !== 201) made = await server().post(withId(server(), { client_name: "before", scope: "x" }));
      updated.push({ ...client, client_id: textOf(asJson(made.body), "client_id") });
    }
    const fresh = clientsFor(server(), 3).map((client) => withId(server(), client));
    const clients = [...updated, ...fresh];
    writeFileSync(file, clients.map((client) => `${JSON.stringify(client)}\n`).join(""));
    // In memory, Hydra 1.11 loses its tables when many requests come at once.
    const args = ["clients", "import", file, "--if-exists", "update", "--format", "ndjson", "--concurrency", "1"];
    const outcomes = async (): Promise<ReadonlyMap<string, string>> => {
      const { stdout } = await server().run(args);
      const results = stdout.split("\n").filter((line) => line !== "");
      return new Map(
        results.map((line) => {
          const result = asJson(JSON.parse(line));
          return [textOf(result, "client_id"), textOf(result, "outcome")];
        }),
      );
    };
    const first = await outcomes();
    const taken = [...first].flatMap(([id, outcome]) => (outcome === "failed" ? [] : [id]));
    for (const id of taken) server().track(id);
    const count = (outcome: string): number => [...first.values()].filter((one) => one === outcome).length;
    // Those of SPELLINGS are the same before and after; real servers refuse two or three of the others.
    assert.ok(count("updated") >= 5, `only ${count("updated")} clients were updated`);
    assert.ok(count("created") >= 7, `only ${count("created")} clients were taken`);
    const stored = await Promise.all(taken.map((id) => server().stored(id)));
    const again = await outcomes();
    for (const id of taken)
      assert.equal(again.get(id), "unchanged", JSON.stringify(clients.find((one) => one["client_id"] === id)));
    assert.deepEqual(await Promise.all(taken.map((id) => server().stored(id))), stored);
  });

  test("of an update with the same flags writes nothing", async () => {
    const made = await server().post(withId(server(), { scope: "x" }));
    const id = textOf(asJson(made.body), "client_id");
    const args = [
      ...["clients", "update", id, "--scope", "b,a,b", "--allowed-cors-origins", "https://app.example.com/"],
      ...[
        "--audience",
        "z,a",
        "--callbacks",
        "https://b.example/cb,https://a.example/cb",
        "--set",
        "client_secret_expires_at=7",
      ],
    ];
    const first = await server().run(args);
    assert.equal(first.status, 0, first.stderr);
    assert.equal(first.stdout, `${id} OAuth 2.0 Client updated\n`);
    const stored = await server().stored(id);
    const again = await server().run([...args, "--scope", "a,b", "--audience", "a,z"]);
    assert.equal(again.status, 0, again.stderr);
    assert.equal(again.stdout, `${id} OAuth 2.0 Client unchanged\n`);
    assert.deepEqual(await server().stored(id), stored);
  });
});

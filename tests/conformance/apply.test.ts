/** `diff` and `apply` on every server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { lintClient } from "../../lib/core/client/rules.ts";
import { STACK_MARK_MEMBER } from "../../lib/core/state/stack-mark.ts";
import { dotenvValue } from "../dotenv-value.ts";
import type { Ended } from "../e2e/binary.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { anyClient } from "../random-client.ts";
import { familyTraits, ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, proveSecret, type Server, textOf } from "./servers.ts";

/** Random clients that no rule rejects, the same in every run. */
function drawClients(seed: number, count: number): readonly Json[] {
  return fc
    .sample(anyClient, { numRuns: 60, seed })
    .map((client) => Object.fromEntries(Object.entries(client).filter(([field]) => field !== "not_a_field")))
    .filter((client) => lintClient(client, (field) => field).every(({ severity }) => severity !== "error"))
    .slice(0, count);
}

const APPLIED = { before: drawClients(11, 24), after: drawClients(12, 24) };

const ADOPTED = { before: drawClients(13, 16), after: drawClients(14, 16) };

function resultsIn(stdout: string): readonly Json[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => asJson(JSON.parse(line)));
}

/** Files of a stack that no other run on this server has. */
class Stack {
  readonly name = `test-${randomUUID()}`;
  readonly #server: Server;
  readonly #folder: string;
  #runs = 0;

  constructor(server: Server, folder: string) {
    this.#server = server;
    this.#folder = folder;
    mkdirSync(join(folder, "clients"), { recursive: true });
  }

  write(clients: ReadonlyMap<string, Json>): void {
    const text = [...clients].map(([key, client]) => `${JSON.stringify({ ...client, "x-hydra": { key } })}\n`);
    writeFileSync(join(this.#folder, "clients/all.json"), text.join(""));
  }

  run(command: string, ...flags: readonly string[]): Promise<Ended> {
    const files = join(this.#folder, "clients");
    // In memory, Hydra 1.11 loses its tables when many requests come at once.
    const gently = command === "apply" ? ["--concurrency", "1"] : [];
    return this.#server.run([command, files, "--stack", this.name, "--no-warnings", ...gently, ...flags]);
  }

  /** Applies the files and returns the results by key. */
  async apply(...flags: readonly string[]): Promise<ReadonlyMap<string, Json>> {
    const out = join(this.#folder, `out${this.#runs++}`);
    const ended = await this.run("apply", "--secret-out", out, "--format", "ndjson", ...flags);
    assert.ok([0, 1, 8].includes(ended.status ?? -1), ended.stderr);
    const results = resultsIn(ended.stdout);
    for (const result of results) if (typeof result["client_id"] === "string") this.#server.track(result["client_id"]);
    return new Map(results.map((result) => [textOf(result, "key"), result]));
  }

  async assertNoDifferences(...flags: readonly string[]): Promise<void> {
    const ended = await this.run("diff", "--exit-code", ...flags);
    assert.equal(ended.status, 0, ended.stdout + ended.stderr);
  }
}

onEveryServer("clients in files", ordinaryTraits, (server, testsFor) => {
  for (const flags of [[], ["--merge"]]) {
    const define = flags.length === 0 ? test : testsFor(familyTraits);
    define(`have no differences after apply ${flags.join(" ")}, and a second apply changes nothing`, async () => {
      using folder = temporaryFolder();
      const stack = new Stack(server(), folder.path);
      const { before, after } = APPLIED;
      const named = (clients: readonly Json[]): Map<string, Json> =>
        new Map(clients.map((client, at) => [`k${at}`, client]));
      stack.write(named(before));
      await stack.apply(...flags);
      stack.write(named(after));
      const results = await stack.apply(...flags);
      // Real servers refuse some on their own, such as pairwise subjects where these are not configured.
      const kept = new Map([...named(after)].filter(([key]) => results.get(key)?.["outcome"] !== "failed"));
      assert.ok(kept.size >= 12, `only ${kept.size} clients were taken`);
      stack.write(kept);
      await stack.assertNoDifferences(...flags);
      const ids = [...kept.keys()].map((key) => textOf(results.get(key) ?? {}, "client_id"));
      const stored = await Promise.all(ids.map((id) => server().stored(id)));
      const again = await stack.apply(...flags);
      for (const [key, { outcome }] of again) assert.equal(outcome, "unchanged", JSON.stringify(kept.get(key)));
      assert.deepEqual(await Promise.all(ids.map((id) => server().stored(id))), stored);
    });
  }

  testsFor(familyTraits)("are adopted if they were created by hand", async () => {
    using folder = temporaryFolder();
    const stack = new Stack(server(), folder.path);
    const wanted = new Map<string, Json>();
    for (const [at, client] of ADOPTED.before.entries()) {
      const { status, body } = await server().post(client);
      if (status !== 201) continue;
      wanted.set(`k${at}`, { ...ADOPTED.after[at], client_id: textOf(asJson(body), "client_id") });
    }
    stack.write(wanted);
    assert.equal((await stack.run("apply")).status, 5);
    const results = await stack.apply("--adopt");
    const kept = new Map([...wanted].filter(([key]) => results.get(key)?.["outcome"] === "adopted"));
    assert.ok(kept.size >= 6, `only ${kept.size} clients were taken`);
    stack.write(kept);
    await stack.assertNoDifferences();
  });

  testsFor(({ prefix, ownId }) => [prefix, ownId])(
    "are created with working secrets, found again by their mark, and pruned",
    async () => {
      using folder = temporaryFolder();
      const stack = new Stack(server(), folder.path);
      const client = { grant_types: ["client_credentials"], scope: "a b", metadata: { team: "x" } };
      stack.write(
        new Map([
          ["one", client],
          ["two", client],
        ]),
      );
      const results = await stack.apply();
      const ids = ["one", "two"].map((key) => textOf(results.get(key) ?? {}, "client_id"));
      const [one = "", two = ""] = ids;
      assert.deepEqual((await server().stored(one))["metadata"], {
        team: "x",
        [STACK_MARK_MEMBER]: { stack: stack.name, key: "one" },
      });
      const out = join(folder.path, "out0");
      assert.deepEqual(readdirSync(out).sort(), ["one.env", "two.env"]);
      const id = dotenvValue(join(out, "one.env"), "CLIENT_ID");
      const secret = dotenvValue(join(out, "one.env"), "CLIENT_SECRET");
      assert.equal(id, one);
      await proveSecret(server(), { id, secret, ended: { status: 0, signal: null, stdout: "", stderr: "" } });
      // An update keeps the secret, the scope and the mark.
      stack.write(new Map([["one", { grant_types: ["client_credentials"], client_name: "One" }]]));
      const pruned = await stack.apply("--prune");
      assert.equal(pruned.get("one")?.["outcome"], "changed");
      assert.equal(pruned.get("two")?.["outcome"], "deleted");
      assert.equal(await server().has(two), false);
      const stored = await server().stored(one);
      assert.equal(stored["scope"], "a b");
      assert.deepEqual(stored["metadata"], { [STACK_MARK_MEMBER]: { stack: stack.name, key: "one" } });
      await proveSecret(server(), { id, secret, ended: { status: 0, signal: null, stdout: "", stderr: "" } });
      await stack.assertNoDifferences("--prune");
    },
  );
});

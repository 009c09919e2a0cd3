/** For random clients, `apply` brings a server to what the files say, and then `diff` and a second `apply` find nothing to do. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { lintClient } from "../../lib/core/client/rules.ts";
import { isJsonObject, type JsonObject } from "../../lib/core/json/json.ts";
import { type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { anyClient } from "../random-client.ts";
import { ordinaryTraits, versionsFor } from "../sandbox-versions.ts";
import { RUNS_EVERYTHING } from "../thorough.ts";
import { play } from "./in-process.ts";

/** Clients without what no server accepts. */
const wantedClient = anyClient
  .map((client) => Object.fromEntries(Object.entries(client).filter(([field]) => field !== "not_a_field")))
  .filter((client) => lintClient(client, (field) => field).every(({ severity }) => severity !== "error"));

/** The same clients before and after someone edits their files. */
const edits = fc.array(fc.tuple(wantedClient, wantedClient), { minLength: 1, maxLength: 3 });

function fileOf(clients: readonly JsonObject[], ids: readonly (string | undefined)[] = []): string {
  return clients
    .map((client, at) => {
      const id = ids[at];
      return `${JSON.stringify({ ...client, ...(id === undefined ? {} : { client_id: id }), "x-hydra": { key: `k${at}` } })}\n`;
    })
    .join("");
}

function linesOf(stdout: string): readonly JsonObject[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const value: unknown = JSON.parse(line);
      assert.ok(isJsonObject(value));
      return value;
    });
}

interface Bench extends Disposable {
  readonly url: string;
  /** The requests that changed something since the last call. */
  writes(): readonly string[];
  apply(file: string, ...flags: readonly string[]): Promise<readonly JsonObject[]>;
  differences(file: string, ...flags: readonly string[]): Promise<unknown>;
}

async function withBench(as: SandboxVersion, work: (bench: Bench) => Promise<void>): Promise<void> {
  let requests: string[] = [];
  const sandbox = await startSandbox({ as, listen: "127.0.0.1:0", onRequest: (line) => requests.push(line) });
  using folder = temporaryFolder();
  let runs = 0;
  const run = (command: string, file: string, flags: readonly string[]): ReturnType<typeof play> =>
    play([command, "f.ndjson", "--stack", "p", "-e", sandbox.url, ...flags], { files: { "f.ndjson": file } });
  try {
    await work({
      url: sandbox.url,
      writes: () => {
        const found = requests.filter((line) => !/\bGET\b/.test(line));
        requests = [];
        return found;
      },
      apply: async (file, ...flags) => {
        const out = join(folder.path, `run${runs++}`);
        const ended = await run("apply", file, ["--format", "ndjson", "--secret-out", out, ...flags]);
        assert.ok([0, 1, 8].includes(ended.status), `exit ${ended.status}\n${ended.stderr}\n${file}`);
        return linesOf(ended.stdout);
      },
      differences: async (file, ...flags) => {
        const ended = await run("diff", file, ["--format", "json", "--exit-code", ...flags]);
        assert.ok([0, 9].includes(ended.status), `exit ${ended.status}\n${ended.stderr}\n${file}`);
        const document: unknown = JSON.parse(ended.stdout);
        assert.ok(isJsonObject(document) && Array.isArray(document["clients"]));
        const changed = document["clients"].filter(
          (each: unknown) => isJsonObject(each) && each["action"] !== "unchanged",
        );
        assert.equal(ended.status, changed.length === 0 ? 0 : 9);
        return changed;
      },
      [Symbol.dispose]: () => {},
    });
  } finally {
    await sandbox.close();
  }
}

const RUNS = { numRuns: RUNS_EVERYTHING ? 15 : 5 };

/** How many clients were wanted, and how many of them a server took: it may refuse some on its own. */
class Tally {
  wanted = 0;
  taken = 0;

  /** Fails where so few were taken that nothing is proven. */
  check(): void {
    assert.ok(this.taken > this.wanted / 2, `only ${this.taken} of ${this.wanted} clients were taken`);
  }
}

for (const as of versionsFor(ordinaryTraits)) {
  describe(`a server of version ${as}`, () => {
    for (const flags of [[], ["--merge"]]) {
      test(`has no differences after apply ${flags.join(" ")}, and a second apply sends no write`, async () => {
        const tally = new Tally();
        await fc.assert(
          fc.asyncProperty(edits, (pairs) =>
            withBench(as, async (bench) => {
              const before = pairs.map(([client]) => client);
              await bench.apply(fileOf(before), ...flags);
              const results = await bench.apply(fileOf(pairs.map(([, client]) => client)), ...flags);
              // What the server refuses is left out.
              const kept = pairs.flatMap(([, client], at) =>
                results.find(({ key }) => key === `k${at}`)?.["outcome"] === "failed" ? [] : [[client, at] as const],
              );
              const file = kept
                .map(([client, at]) => `${JSON.stringify({ ...client, "x-hydra": { key: `k${at}` } })}\n`)
                .join("");
              tally.wanted += pairs.length;
              tally.taken += kept.length;
              if (file === "") return;
              assert.deepEqual(await bench.differences(file, ...flags), [], file);
              bench.writes();
              for (const { outcome } of await bench.apply(file, ...flags)) assert.equal(outcome, "unchanged");
              assert.deepEqual(bench.writes(), []);
            }),
          ),
          RUNS,
        );
        tally.check();
      });
    }

    test("has no differences after clients of others were adopted", async () => {
      const tally = new Tally();
      await fc.assert(
        fc.asyncProperty(edits, (pairs) =>
          withBench(as, async (bench) => {
            const ids: (string | undefined)[] = [];
            for (const [client] of pairs) {
              const path = as.startsWith("1.") ? "/clients" : "/admin/clients";
              const answer = await fetch(`${bench.url}${path}`, { method: "POST", body: JSON.stringify(client) });
              const created: unknown = await answer.json();
              ids.push(isJsonObject(created) && answer.status === 201 ? String(created["client_id"]) : undefined);
            }
            const known = pairs.flatMap(([, client], at) => (ids[at] === undefined ? [] : [{ client, id: ids[at] }]));
            if (known.length === 0) return;
            const all = fileOf(
              known.map(({ client }) => client),
              known.map(({ id }) => id),
            );
            const results = await bench.apply(all, "--adopt");
            assert.ok(
              results.every(({ outcome }) => outcome === "adopted" || outcome === "failed"),
              JSON.stringify(results),
            );
            const done = known.filter((_, at) => results.find(({ key }) => key === `k${at}`)?.["outcome"] !== "failed");
            const indices = known.map((each, at) => (done.includes(each) ? at : -1)).filter((at) => at >= 0);
            const file = indices
              .map(
                (at) =>
                  `${JSON.stringify({ ...known[at]?.client, client_id: known[at]?.id, "x-hydra": { key: `k${at}` } })}\n`,
              )
              .join("");
            tally.wanted += known.length;
            tally.taken += done.length;
            if (file !== "") assert.deepEqual(await bench.differences(file), [], file);
          }),
        ),
        RUNS,
      );
      tally.check();
    });
  });
}

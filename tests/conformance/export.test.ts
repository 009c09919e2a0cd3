/** Exported clients are those of the server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { loadYamlWriter, parseYamlDocuments } from "../../lib/adapters/yaml.ts";
import { detectReleaseByFields, findChanges, isSameValue } from "../../lib/core/client/equality.ts";
import { CLIENT_FIELDS, FIELD_NAMES } from "../../lib/core/client/fields.ts";
import { lintClient } from "../../lib/core/client/rules.ts";
import { isJsonObject, type JsonObject } from "../../lib/core/json/json.ts";
import { withStackMark } from "../../lib/core/state/stack-mark.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { anyClient } from "../random-client.ts";
import { familyTraits, ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, onEveryServer, type Server, textOf } from "./servers.ts";

const drawn = new Map<number, readonly JsonObject[]>();

/** Random clients, drawn once for all servers. */
function drawOnce(seed: number): readonly JsonObject[] {
  const clients = drawn.get(seed) ?? fc.sample(anyClient, { numRuns: 60, seed });
  drawn.set(seed, clients);
  return clients;
}

/** Random clients that the server takes, by their IDs. */
async function register(server: Server, seed: number): Promise<ReadonlyMap<string, JsonObject>> {
  const found = new Map<string, JsonObject>();
  for (const [n, random] of drawOnce(seed).entries()) {
    const { not_a_field: _, ...fields } = random;
    if (found.size >= 12 || lintClient(fields, (field) => field).some(({ severity }) => severity === "error")) continue;
    const marked = n % 2 === 0 ? withStackMark(fields, { stack: "prod", key: `k${n}`, protect: true }) : fields;
    const made = await server.post(
      server.takesIds ? { ...marked, client_id: `ex-${n}-${randomUUID()}` } : { ...marked },
    );
    // Real servers refuse some on their own, such as pairwise subjects where these are not configured.
    if (made.status !== 201) continue;
    const id = textOf(asJson(made.body), "client_id");
    found.set(id, await server.stored(id));
  }
  assert.ok(found.size >= 6, `only ${found.size} clients were taken`);
  return found;
}

/** The stored client without its mark. */
function unmarked(client: JsonObject): JsonObject {
  const { metadata } = client;
  if (!isJsonObject(metadata)) return client;
  const { "hydra.apply": _, ...rest } = metadata;
  return { ...client, metadata: rest };
}

function assertSame(file: unknown, stored: JsonObject): void {
  assert.ok(isJsonObject(file));
  const tier = detectReleaseByFields(stored);
  const server = unmarked(stored);
  for (const { name } of CLIENT_FIELDS)
    assert.ok(
      isSameValue(name, file[name], server[name], tier),
      `${name}: ${JSON.stringify([file[name], server[name]])}`,
    );
  assert.deepEqual(
    findChanges(server, Object.fromEntries(Object.entries(file).filter(([name]) => name !== "x-hydra"))),
    [],
  );
}

onEveryServer("export", ordinaryTraits, (server, testsFor) => {
  test("writes the server's clients", async () => {
    const clients = await register(server(), 11);
    const { stdout, status, stderr } = await server().run(["export", ...clients.keys()]);
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /does not know/);
    const documents = await parseYamlDocuments(stdout, "stdout");
    assert.equal(documents.length, clients.size);
    for (const [at, [id, stored]] of [...clients].entries()) {
      const document = documents[at];
      assert.ok(isJsonObject(document));
      assert.equal(document["client_id"], id);
      assertSame(document, stored);
      const fields = Object.keys(document);
      assert.deepEqual(
        fields.filter((name) => !FIELD_NAMES.includes(name) && name !== "x-hydra"),
        [],
      );
      assert.deepEqual(
        fields.filter((name) => /secret$|_at$|^registration/.test(name)),
        [],
      );
      const isMarked = JSON.stringify(stored["metadata"] ?? {}).includes("hydra.apply");
      assert.equal(Object.hasOwn(document, "x-hydra"), isMarked);
    }
  });

  test("edits files of other clients until they describe the server's", async () => {
    using folder = temporaryFolder();
    const clients = await register(server(), 12);
    const write = await loadYamlWriter();
    const before = drawOnce(13);
    const file = join(folder.path, "clients.yaml");
    const texts = [...clients.keys()].map((id, at) => write({ ...before[at], client_id: id }));
    writeFileSync(file, texts.join("---\n"));
    const ended = await server().run(["export", ...clients.keys(), "--into", file]);
    assert.equal(ended.status, 0, ended.stderr);
    const documents = await parseYamlDocuments(readFileSync(file, "utf8"), file);
    for (const [at, [, stored]] of [...clients].entries()) {
      const document = documents[at];
      assert.ok(isJsonObject(document));
      const { not_a_field: _, ...fields } = document;
      assertSame(fields, stored);
    }
    const again = await server().run(["export", ...clients.keys(), "--into", file]);
    assert.doesNotMatch(again.stdout, /Changed|Added/);
  });

  testsFor(familyTraits)("selects by stack, without a stack, and by pattern", async () => {
    const clients = await register(server(), 14);
    const isMarked = (client: JsonObject): boolean => JSON.stringify(client["metadata"] ?? {}).includes("hydra.apply");
    const selected = async (...args: readonly string[]): Promise<readonly string[]> => {
      const { stdout, status, stderr } = await server().run(["export", "-q", ...args]);
      assert.equal(status, 0, stderr);
      // A real server may have other clients.
      return stdout
        .split("\n")
        .filter((id) => clients.has(id))
        .sort();
    };
    const ids = (wanted: (client: JsonObject) => boolean): readonly string[] =>
      [...clients].flatMap(([id, client]) => (wanted(client) ? [id] : [])).sort();
    assert.deepEqual(await selected("--stack", "prod"), ids(isMarked));
    assert.deepEqual(
      await selected("--unmarked"),
      ids((client) => !isMarked(client)),
    );
    assert.deepEqual(
      await selected("*-*"),
      ids(() => true),
    );
  });
});

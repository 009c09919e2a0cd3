import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { CLIENT_SCHEMA_FILE } from "../../.ci/docs/client-schema.ts";
import { loadYamlWriter, parseYamlDocuments } from "../../lib/adapters/yaml.ts";
import { CLIENT_FIELDS } from "../../lib/core/client/fields.ts";
import { lintClient } from "../../lib/core/client/rules.ts";
import type { JsonObject } from "../../lib/core/json/json.ts";
import { buildExportedClient } from "../../lib/core/state/exported-client.ts";
import { withStackMark } from "../../lib/core/state/stack-mark.ts";
import { anyClient } from "../random-client.ts";

const ROOT = join(import.meta.dirname, "../..");

const SCHEMA = JSON.parse(readFileSync(join(ROOT, CLIENT_SCHEMA_FILE), "utf8"));

const validate = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false }).compile(
  SCHEMA,
);

/** What the schema finds in a value; empty if nothing. */
function faultsIn(value: unknown): readonly string[] {
  return validate(value)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message = "" }) => `${instancePath} ${message}`);
}

/** YAML in the documentation that describes clients and isn't a manifest. */
async function documentedClients(): Promise<readonly (readonly [file: string, value: unknown])[]> {
  const found: (readonly [string, unknown])[] = [];
  for (const file of [...globSync("*.md", { cwd: ROOT }), ...globSync("docs/**/*.md", { cwd: ROOT })]) {
    const text = readFileSync(join(ROOT, file), "utf8");
    for (const [, block = ""] of text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)) {
      if (!/^(?:- )?(?:client_id|client_name|grant_types|clients):/m.test(block) || /^kind:/m.test(block)) continue;
      for (const value of await parseYamlDocuments(block, file)) found.push([file, value]);
    }
  }
  return found;
}

/** A manifest of hydra-maester. */
const MANIFEST = {
  apiVersion: "hydra.ory.sh/v1alpha1",
  kind: "OAuth2Client",
  metadata: { name: "a" },
  spec: {
    grantTypes: ["client_credentials"],
    scope: "a",
    secretName: "s",
    frontChannelLogoutURI: "https://a.example/",
  },
};

/** Values that an editor must reject, and the place of the fault. */
const WRONG: readonly (readonly [value: unknown, place: string])[] = [
  [{ client_id: "a", grant_typs: ["x"] }, ""],
  [{ client_id: "a", client_secret: "x" }, ""],
  [{ client_id: 1 }, "/client_id"],
  [{ client_name: ["a"] }, "/client_name"],
  [{ redirect_uris: "https://a.example" }, "/redirect_uris"],
  [{ redirect_uris: [1] }, "/redirect_uris/0"],
  [{ scope: 1 }, "/scope"],
  [{ skip_consent: "yes" }, "/skip_consent"],
  [{ metadata: ["a"] }, "/metadata"],
  [{ implicit_grant_id_token_lifespan: "1 hour" }, "/implicit_grant_id_token_lifespan"],
  [{ implicit_grant_id_token_lifespan: 3600 }, "/implicit_grant_id_token_lifespan"],
  [{ jwks: { keys: [{ kid: "a" }] } }, "/jwks"],
  [{ jwks: { keys: [{ kty: "EC", d: "x" }] } }, "/jwks"],
  [{ client_id: "a", "x-hydra": { protekt: true } }, "/x-hydra"],
  [{ client_id: "a", "x-hydra": { secret: { version: 2 } } }, "/x-hydra/secret"],
  [{ client_id: "a", "x-hydra": { secret: { env: "A", file: "b" } } }, "/x-hydra/secret"],
  [{ client_id: "a", "x-hydra": { ignore: ["no-such-rule"] } }, "/x-hydra/ignore/0"],
  [[{ client_id: "a" }, { x: 1 }], "/1"],
  [{ clients: [{ x: 1 }] }, "/clients/0"],
  [{ items: [{ x: 1 }], is_last_page: true }, "/items/0"],
  [{ clients: [], items: [] }, ""],
  [{ items: [], client_id: "a" }, ""],
  [{ clients: [], foo: 1 }, ""],
  [{ clients: [], "x-hydra": { protect: true } }, ""],
  [{ ...MANIFEST, spec: { grant_types: [] } }, "/spec"],
  [{ ...MANIFEST, metadata: {} }, "/metadata"],
  [[{ ...MANIFEST, spec: { grantTypes: "a" } }], "/0/spec/grantTypes"],
  [{ apiVersion: "v1", kind: "List", items: [MANIFEST], clients: [] }, ""],
  [{}, ""],
  ["text", ""],
  [null, ""],
];

/** Values that are right. */
const RIGHT: readonly unknown[] = [
  { client_id: "a" },
  { client_id: "a", scope: ["a", "b"], client_name: null },
  { "x-hydra": { secret: { env: "A", version: `\${{ v }}` }, ignore: `\${{ rules }}`, protect: `\${{ protect }}` } },
  { client_id: "a", skip_consent: `\${{ skip }}`, redirect_uris: `\${{ uris }}`, metadata: `\${{ all }}` },
  { client_id: "a", created_at: "2026-01-01T00:00:00Z", registration_client_uri: "x" },
  { client_id: "a", "x-hydra": { key: "b", protect: true, secret: { env: "A", version: 1 }, ignore: ["scope-unset"] } },
  [],
  [{ client_id: "a" }],
  { clients: [{ client_id: "a" }] },
  { items: [{ client_id: "a" }], next_page_token: "" },
  { clients: [], apiVersion: "v1", metadata: { a: 1 }, "x-ours": 1, $schema: "a.json" },
  { client_id: "a", access_token_strategy: "JWT" },
  MANIFEST,
  [MANIFEST, { client_id: "a" }],
  { items: [MANIFEST] },
  { apiVersion: "v1", kind: "List", metadata: {}, items: [MANIFEST] },
  { apiVersion: "v1", kind: "Secret", metadata: { name: "a" }, stringData: { a: "b" } },
];

describe("the JSON Schema of client files", () => {
  test("has every field", () => {
    const properties: JsonObject = SCHEMA.$defs.client.properties;
    assert.deepEqual(
      CLIENT_FIELDS.map(({ name }) => name).filter((name) => !Object.hasOwn(properties, name)),
      [],
    );
  });

  for (const [value, place] of WRONG)
    test(`rejects ${JSON.stringify(value)}`, () => {
      const faults = faultsIn(value);
      assert.ok(
        faults.some((fault) => fault.startsWith(`${place} `)),
        faults.join("\n"),
      );
    });

  for (const value of RIGHT)
    test(`accepts ${JSON.stringify(value)}`, () => {
      assert.deepEqual(faultsIn(value), []);
    });

  test("accepts every example of the documentation", async () => {
    const examples = await documentedClients();
    assert.ok(examples.length > 0, "there are examples");
    for (const [file, value] of examples) assert.deepEqual(faultsIn(value), [], file);
  });

  test("accepts every export of a client that the rules accept", async () => {
    const write = await loadYamlWriter();
    let checked = 0;
    await fc.assert(
      fc.asyncProperty(anyClient, fc.boolean(), fc.boolean(), async (client, isMarked, keepsDefaults) => {
        if (lintClient(client, (field) => field).some(({ severity }) => severity === "error")) return;
        const record = { ...client, client_id: "a", created_at: "2026-01-01T00:00:00Z" };
        const stored = isMarked ? withStackMark(record, { stack: "prod", key: "b", secret: 1, protect: true }) : record;
        const [value] = await parseYamlDocuments(write(buildExportedClient(stored, keepsDefaults).client), "x");
        assert.deepEqual(faultsIn(value), []);
        checked++;
      }),
      { numRuns: 500 },
    );
    assert.ok(checked > 50, `only ${checked} clients`);
  });
});

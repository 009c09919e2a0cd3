import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { loadYamlWriter, parseYamlDocuments } from "../../../lib/adapters/yaml.ts";
import { buildMaesterManifest } from "../../../lib/core/client/build-maester-manifest.ts";
import { isSameValue } from "../../../lib/core/client/equality.ts";
import { CLIENT_FIELDS } from "../../../lib/core/client/fields.ts";
import { lintClient } from "../../../lib/core/client/rules.ts";
import { translateManifests } from "../../../lib/core/client/translate-manifests.ts";
import { isJsonObject, type JsonObject } from "../../../lib/core/json/json.ts";
import { buildExportedClient } from "../../../lib/core/state/exported-client.ts";
import { anyClient } from "../../random-client.ts";

const CRD = readFileSync(join(import.meta.dirname, "../../contract/hydra-maester/crd.yaml"), "utf8");

/** A schema of Kubernetes that rejects unknown members, which the API server would silently drop. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (!isJsonObject(schema)) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isClosed = isJsonObject(schema["properties"]);
  return isClosed ? { ...all, additionalProperties: false } : all;
}

/** What the schema of the CRD finds in a manifest. */
async function crdCheck(): Promise<(manifest: unknown) => readonly string[]> {
  const [crd] = await parseYamlDocuments(CRD, "crd.yaml");
  const version = isJsonObject(crd) && isJsonObject(crd["spec"]) ? crd["spec"]["versions"] : undefined;
  const [first]: readonly unknown[] = Array.isArray(version) ? version : [];
  const schema = isJsonObject(first) && isJsonObject(first["schema"]) ? first["schema"]["openAPIV3Schema"] : undefined;
  const open = closed(schema);
  assert.ok(isJsonObject(open));
  const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, unicodeRegExp: false });
  const validate = ajv.compile(open);
  // The metadata of the object itself is checked by the API server.
  return (manifest) =>
    validate(isJsonObject(manifest) ? { ...manifest, metadata: {} } : manifest)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message = "" }) => `${instancePath} ${message}`);
}

const CRD_CHECK = crdCheck();

/** Fields that never fit. */
const NEVER = /^(?:owner|jwks|not_a_field|device_authorization_grant_.*|password_grant_.*)$/;

/** The client that a manifest describes, read like any file. */
function clientIn(manifest: JsonObject): JsonObject {
  const { entries, problems, unknownKeys } = translateManifests([{ name: "x.yaml", values: [manifest] }]);
  assert.deepEqual([problems, unknownKeys], [[], []]);
  const [entry] = entries;
  assert.ok(isJsonObject(entry?.value));
  return entry.value;
}

function differences(client: JsonObject, other: JsonObject): readonly string[] {
  return CLIENT_FIELDS.map(({ name }) => name).filter((name) => !isSameValue(name, client[name], other[name]));
}

/** Clients and what a manifest can't hold of them. */
const UNFIT: readonly (readonly [client: JsonObject, unfit: readonly string[]])[] = [
  [{ client_id: "a", scope: "x" }, []],
  [{ client_id: "a", owner: "web/prod" }, []],
  [{ client_id: "a", owner: "a/default" }, []],
  [{ client_id: "a", owner: "ops" }, ['owner "ops", because hydra-maester writes NAME/NAMESPACE there']],
  [{ client_id: "a", owner: "A/B" }, ['owner "A/B", because hydra-maester writes NAME/NAMESPACE there']],
  [{ client_id: "a", jwks: { keys: [] } }, []],
  [{ client_id: "a", jwks: { keys: [{ kty: "EC" }] } }, ["jwks"]],
  [{ client_id: "a", metadata: ["x"] }, ["metadata"]],
  [{ client_id: "a", client_uri: "app:/x" }, ['client_uri "app:/x"']],
  [{ client_id: "a", access_token_strategy: "JWT" }, []],
  [{ client_id: "a", subject_type: "other" }, ['subject_type "other"']],
  [{ client_id: "a", redirect_uris: ["app:/cb", "no uri"] }, ['redirect_uris "no uri"']],
  [
    { client_id: "a", response_types: ["token code", "none", "id_token token code", "id_token", "token", "code"] },
    ['response_types "none", "token", "code"'],
  ],
  [
    { client_id: "a", grant_types: ["implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"] },
    ['grant_types "urn:ietf:params:oauth:grant-type:jwt-bearer"'],
  ],
  [
    { client_id: "a", device_authorization_grant_access_token_lifespan: "1h0m0s" },
    ['device_authorization_grant_access_token_lifespan "1h0m0s"'],
  ],
  [{ client_id: "a", implicit_grant_id_token_lifespan: "1µs" }, []],
];

describe("a manifest of hydra-maester", () => {
  for (const [client, unfit] of UNFIT)
    test(`of ${JSON.stringify(client)} is accepted by its CRD`, async () => {
      const written = buildMaesterManifest(client, false);
      assert.deepEqual(written.unfit, unfit);
      assert.ok(written.manifest !== undefined);
      assert.deepEqual((await CRD_CHECK)(written.manifest), []);
      if (unfit.length > 0) return;
      const { owner: _, ...rest } = clientIn(written.manifest);
      assert.deepEqual(differences({ ...client, owner: undefined }, rest), []);
    });

  test("cannot be written for a client without a grant type of the CRD", () => {
    const { manifest, unfit } = buildMaesterManifest(
      { client_id: "a", grant_types: ["urn:ietf:params:oauth:grant-type:device_code"] },
      false,
    );
    assert.equal(manifest, undefined);
    assert.equal(unfit.length, 1);
  });

  test("keeps a protected client on the server", () => {
    const { manifest } = buildMaesterManifest({ client_id: "a" }, true);
    assert.deepEqual(manifest?.["spec"], {
      grantTypes: ["authorization_code"],
      deletionPolicy: "orphan",
      secretName: "a",
    });
  });

  test("has a name that Kubernetes accepts", () => {
    const nameOf = (client: JsonObject): unknown => buildMaesterManifest(client, false).manifest?.["metadata"];
    assert.deepEqual(nameOf({ client_id: "My App" }), { name: "my-app-357e6fb8" });
    assert.deepEqual(nameOf({ client_id: "a", owner: "web/prod" }), { name: "web", namespace: "prod" });
    assert.deepEqual(nameOf({ client_id: "a", owner: "-/prod" }), { name: "a" });
    assert.deepEqual(nameOf({ client_id: "a", owner: "web/-" }), { name: "a" });
  });

  test("of any client is accepted by the CRD, and is read back as the same client except for what is listed", async () => {
    const check = await CRD_CHECK;
    const write = await loadYamlWriter();
    let whole = 0;
    await fc.assert(
      fc.asyncProperty(anyClient, fc.boolean(), async (any, isPlain) => {
        const random = Object.fromEntries(Object.entries(any).filter(([field]) => !(isPlain && NEVER.test(field))));
        if (lintClient(random, (field) => field).some(({ rule }) => rule === "field-type")) return;
        const { client } = buildExportedClient({ ...random, client_id: "a" }, false);
        const { manifest, unfit } = buildMaesterManifest(client, false);
        if (manifest === undefined) {
          assert.notDeepEqual(unfit, []);
          return;
        }
        const [read] = await parseYamlDocuments(write(manifest), "x");
        assert.deepEqual(check(read), []);
        assert.ok(isJsonObject(read));
        const different = differences({ ...client, owner: "a/default" }, clientIn(read));
        const listed = unfit.map((text) => text.split(" ")[0]);
        assert.deepEqual(
          different.filter((field) => !listed.includes(field)),
          [],
          JSON.stringify(manifest),
        );
        if (unfit.length === 0) whole++;
      }),
      { numRuns: 300 },
    );
    assert.ok(whole > 10, `only ${whole} fit`);
  });

  test("that breaks the schema is rejected, so the checks above mean something", async () => {
    const check = await CRD_CHECK;
    const { manifest } = buildMaesterManifest({ client_id: "a" }, false);
    for (const [key, value] of [
      ["grantTypes", ["password"]],
      ["clientUri", "app:/x"],
      ["unknown", 1],
      ["tokenLifespans", { device_authorization_grant_access_token_lifespan: "1h" }],
    ] as const) {
      const spec = isJsonObject(manifest?.["spec"]) ? { ...manifest["spec"], [key]: value } : {};
      assert.notDeepEqual(check({ ...manifest, spec }), [], key);
    }
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { loadYamlWriter, parseYamlDocuments } from "../../../lib/adapters/yaml.ts";
import { canonicalValue, isSameValue } from "../../../lib/core/client/equality.ts";
import { CLIENT_FIELDS } from "../../../lib/core/client/fields.ts";
import { isJsonObject, type JsonObject } from "../../../lib/core/json/json.ts";
import { planClientEdits, withMemberEdits } from "../../../lib/core/state/client-edits.ts";
import { buildExportedClient } from "../../../lib/core/state/exported-client.ts";
import { planManifestEdits } from "../../../lib/core/state/manifest-edits.ts";
import { possibleReplacedValues, replaceKnownPlaceholders } from "../../../lib/core/state/placeholder-values.ts";
import { readStackMark, STACK_MARK_MEMBER, withStackMark } from "../../../lib/core/state/stack-mark.ts";
import { anyClient, EC_KEY } from "../../random-client.ts";
import { randomRuns } from "../../thorough.ts";

const FIELDS = CLIENT_FIELDS.map(({ name }) => name);

const NO_VARIABLES = (): undefined => undefined;

/** The fields in which two clients differ to a server; without a scope a file doesn't say anything about it. */
function differences(file: JsonObject, server: JsonObject): readonly string[] {
  return FIELDS.filter((field) => !isSameValue(field, file[field], server[field]));
}

describe("an exported client", () => {
  test("has its fields in the order of the help, whatever their order on the server", () => {
    const record = { scope: "x", owner: "o", client_name: "n", client_id: "a", created_at: "2026", client_secret: "s" };
    assert.deepEqual(Object.entries(buildExportedClient(record, false).client), [
      ["client_id", "a"],
      ["client_name", "n"],
      ["scope", "x"],
      ["owner", "o"],
    ]);
  });

  test("leaves out defaults, in any spelling", () => {
    const record = {
      client_id: "a",
      grant_types: [],
      response_types: ["code"],
      subject_type: "public",
      token_endpoint_auth_method: "",
      jwks: { keys: [] },
      metadata: {},
      skip_consent: false,
      implicit_grant_id_token_lifespan: null,
      contacts: null,
    };
    assert.deepEqual(buildExportedClient(record, false).client, { client_id: "a" });
    assert.deepEqual(buildExportedClient(record, true).client, {
      client_id: "a",
      grant_types: ["authorization_code"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
      subject_type: "public",
      userinfo_signed_response_alg: "none",
      metadata: {},
      skip_consent: false,
    });
  });

  test("contains no private key and no symmetric key", () => {
    const keys = [{ ...EC_KEY, d: "d1" }, { kty: "oct", k: "k1" }, EC_KEY, null];
    const { client, notes } = buildExportedClient({ client_id: "a", jwks: { keys } }, false);
    assert.deepEqual(client["jwks"], { keys: [EC_KEY, EC_KEY, null] });
    assert.equal(notes.length, 1);
  });

  test("leaves out unknown fields, and reports them", () => {
    const record = { client_id: "a", new_field: 1, "x-hydra": { key: "b" }, empty: "", "\u001b": true };
    const { client, notes } = buildExportedClient(record, false);
    assert.deepEqual(client, { client_id: "a" });
    assert.deepEqual(notes, ["fields that this program does not know are left out: new_field, x-hydra and \\x1b"]);
  });

  test("of any client is read from YAML as the same client", async () => {
    const write = await loadYamlWriter();
    await fc.assert(
      fc.asyncProperty(anyClient, fc.boolean(), async (random, keepsDefaults) => {
        const record = { ...random, client_id: "a" };
        const { client } = buildExportedClient(record, keepsDefaults);
        const [read] = await parseYamlDocuments(write(client), "x");
        assert.ok(isJsonObject(read));
        assert.deepEqual(differences(read, record), []);
        if (keepsDefaults) return;
        for (const [field, value] of Object.entries(client).slice(1))
          assert.notDeepEqual(canonicalValue(field, value), canonicalValue(field, undefined), field);
      }),
      { numRuns: randomRuns(500) },
    );
  });
});

describe("the edits of a client in a file", () => {
  test("turn any client into the exported one, and then there is nothing left to edit", () => {
    fc.assert(
      fc.property(anyClient, anyClient, fc.boolean(), (written, random, isMarked) => {
        const record = { ...random, client_id: "a" };
        const marked = isMarked ? withStackMark(record, { stack: "s", key: "k", protect: true }) : record;
        const { client } = buildExportedClient(marked, false);
        const file = { client_id: "a", ...written };
        const edited = withMemberEdits(file, planClientEdits({ written: file, key: "a" }, client, NO_VARIABLES));
        assert.deepEqual(differences(edited, client), []);
        assert.deepEqual(edited["x-hydra"], client["x-hydra"]);
        assert.deepEqual(planClientEdits({ written: edited, key: isMarked ? "k" : "a" }, client, NO_VARIABLES), []);
      }),
      { numRuns: randomRuns(1000) },
    );
  });

  test("keep other spellings of the same client, for any client", () => {
    fc.assert(
      fc.property(anyClient, (random) => {
        const file = { client_id: "a", ...random };
        const { client } = buildExportedClient(file, false);
        const edits = planClientEdits({ written: file, key: "a" }, client, NO_VARIABLES);
        // Only the rules that the client breaks are new.
        assert.deepEqual(withMemberEdits(file, edits), {
          ...file,
          ...("x-hydra" in client ? { "x-hydra": client["x-hydra"] } : {}),
        });
      }),
      { numRuns: randomRuns(1000) },
    );
  });

  test("ignore the rules that the client breaks, in addition to those that the file ignores", () => {
    const written = { client_id: "a", "x-hydra": { ignore: ["implicit-grant"], key: "k" } };
    const { client } = buildExportedClient({ client_id: "a", redirect_uris: ["https://a.example/#b"] }, false);
    assert.deepEqual(client["x-hydra"], { ignore: ["redirect-uri-fragment"] });
    const edits = planClientEdits({ written, key: "k" }, client, NO_VARIABLES);
    assert.deepEqual(withMemberEdits(written, edits)["x-hydra"], {
      ignore: ["implicit-grant", "redirect-uri-fragment"],
      key: "k",
    });
  });

  test("change only settings that a mark has", () => {
    const plan = (settings: unknown, mark: JsonObject): unknown =>
      withMemberEdits(
        { client_id: "a", "x-hydra": settings },
        planClientEdits(
          { written: { client_id: "a", "x-hydra": settings }, key: "a" },
          { "x-hydra": mark },
          NO_VARIABLES,
        ),
      )["x-hydra"];
    const secret = { env: "A", version: 2 };
    assert.deepEqual(plan({ secret, ignore: ["x"] }, { key: "a" }), { secret, ignore: ["x"] });
    assert.deepEqual(plan({ secret, protect: true }, { key: "b" }), { secret, key: "b" });
    assert.deepEqual(plan({ secret, protect: false }, { key: "a", protect: true }), { secret, protect: true });
    assert.deepEqual(plan(undefined, { key: "a" }), undefined);
    assert.deepEqual(plan(null, { key: "b" }), { key: "b" });
  });

  test("keep placeholders in settings that already have the wanted value", () => {
    const values: Record<string, string> = {
      yes: "true",
      no: "false",
      rule: "implicit-grant",
      rules: '["placeholder"]',
    };
    const plan = (settings: JsonObject, wanted: JsonObject): unknown => {
      const written = { client_id: "a", "x-hydra": settings };
      const edits = planClientEdits({ written, key: "a" }, { "x-hydra": wanted }, (name) => values[name]);
      return withMemberEdits(written, edits)["x-hydra"];
    };
    const [yes, no, rule, rules] = ["yes", "no", "rule", "rules"].map((name) => `\${{ ${name} }}`);
    assert.deepEqual(plan({ protect: yes }, { key: "a", protect: true }), { protect: yes });
    assert.deepEqual(plan({ protect: no }, { key: "a" }), { protect: no });
    assert.deepEqual(plan({ protect: no }, { key: "a", protect: true }), { protect: true });
    assert.deepEqual(plan({ protect: yes }, { key: "a" }), {});
    assert.deepEqual(plan({ ignore: [rule] }, { ignore: ["implicit-grant"] }), { ignore: [rule] });
    assert.deepEqual(plan({ ignore: [rule] }, { ignore: ["placeholder"] }), { ignore: [rule, "placeholder"] });
    assert.deepEqual(plan({ ignore: rules }, { ignore: ["placeholder"] }), { ignore: rules });
    assert.deepEqual(plan({ ignore: rules }, { ignore: ["implicit-grant"] }), {
      ignore: ["placeholder", "implicit-grant"],
    });
  });

  test("keep placeholders in a manifest that already has the wanted value", () => {
    const values: Record<string, string> = {
      name: "Web",
      grants: '["client_credentials"]',
      words: '["a","b"]',
      n: "3",
    };
    const spec = {
      clientName: `\${{ name }}`,
      grantTypes: `\${{ grants }}`,
      scopeArray: `\${{ words }}`,
      tokenLifespans: { client_credentials_grant_access_token_lifespan: `\${{ n }}h` },
      metadata: { n: `\${{ n }}`, team: "a" },
      deletionPolicy: `\${{ n }}`,
    };
    const wanted = {
      clientName: "Web",
      grantTypes: ["client_credentials"],
      scopeArray: ["a", "b"],
      tokenLifespans: { client_credentials_grant_access_token_lifespan: "3h" },
      metadata: { n: 3, team: "a" },
      deletionPolicy: "3",
    };
    const plan = (after: JsonObject): unknown => planManifestEdits({ spec }, { spec: after }, (name) => values[name]);
    assert.deepEqual(plan(wanted), []);
    assert.deepEqual(plan({ ...wanted, clientName: "New", metadata: { n: 3, team: "b" } }), [
      { path: ["spec", "clientName"], value: "New", after: [] },
      { path: ["spec", "metadata", "team"], value: "b", after: [] },
    ]);
  });
});

describe("the mark of a client", () => {
  test("is part of its metadata", () => {
    const mark = { stack: "prod", key: "billing", secret: 2, protect: true } as const;
    assert.equal(STACK_MARK_MEMBER, "hydra.apply");
    const client = withStackMark({ client_id: "a", metadata: { team: "x" } }, mark);
    assert.deepEqual(client, { client_id: "a", metadata: { team: "x", "hydra.apply": mark } });
    assert.deepEqual(readStackMark(client), mark);
  });

  for (const value of [
    undefined,
    null,
    "prod",
    [],
    {},
    { stack: "a" },
    { stack: "", key: "a" },
    { stack: 1, key: "a" },
  ])
    test(`cannot be ${JSON.stringify(value)}`, () => {
      assert.equal(readStackMark({ metadata: { "hydra.apply": value } }), undefined);
      assert.equal(readStackMark({ metadata: value }), undefined);
    });

  for (const more of [{ secret: -1 }, { secret: 1.5 }, { secret: "1" }, { protect: false }, { protect: 1 }])
    test(`is malformed with ${JSON.stringify(more)}`, () => {
      assert.equal(readStackMark({ metadata: { "hydra.apply": { stack: "a", key: "b", ...more } } }), undefined);
    });
});

describe("placeholders", () => {
  const variables = (name: string): string | undefined =>
    ({ host: "a.example", list: '["x"]', yes: "true", text: "x" })[name];

  test("are replaced only inside strings", () => {
    const value = { a: [`https://\${{host}}/\${{ text }}`, 1], [`\${{ host }}`]: `\${{ nosuch }} \${ host }` };
    assert.deepEqual(replaceKnownPlaceholders(value, variables), {
      a: ["https://a.example/x", 1],
      [`\${{ host }}`]: `\${{ nosuch }} \${ host }`,
    });
  });

  test("that are the whole string can also represent JSON", () => {
    assert.deepEqual(possibleReplacedValues(`\${{ list }}`, variables), ['["x"]', ["x"]]);
    assert.deepEqual(possibleReplacedValues(` \${{ yes }} `, variables), [" true ", true]);
    assert.deepEqual(possibleReplacedValues(`\${{ text }}`, variables), ["x"]);
    assert.deepEqual(possibleReplacedValues(`a\${{ list }}`, variables), ['a["x"]']);
  });
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are what this file is about

import assert from "node:assert/strict";
import { test } from "node:test";
import { replacePlaceholdersAndFindFaults } from "../../../lib/core/state/placeholders.ts";

const lookup =
  (values: Readonly<Record<string, string>>) =>
  (name: string): string | undefined =>
    Object.hasOwn(values, name) ? values[name] : undefined;

function replaced(value: unknown, values: Readonly<Record<string, string>>): unknown {
  const { value: result, missing } = replacePlaceholdersAndFindFaults(value, lookup(values));
  assert.deepEqual(missing, []);
  return result;
}

test("a placeholder is replaced anywhere in a string, and placeholders in its value are not", () => {
  const values = { host: "a.example", x: "${{ host }}" };
  assert.deepEqual(replaced({ redirect_uris: ["https://${{host}}/${{ x }}"] }, values), {
    redirect_uris: ["https://a.example/${{ host }}"],
  });
});

test("a string that is only a placeholder gets the type of its field", () => {
  const values = { list: '["a","b"]', yes: "true", n: "12", text: "plain", object: '{"a":1}' };
  assert.deepEqual(
    replaced(
      {
        redirect_uris: "${{ list }}",
        audience: ["${{ list }}"],
        scope: "${{ list }}",
        skip_consent: " ${{ yes }} ",
        client_name: "${{ yes }}",
        client_id: "${{ n }}",
        owner: "${{ n }}",
        metadata: { a: "${{ n }}", b: "${{ list }}", c: "${{ text }}", d: "${{ object }}" },
        "x-hydra": { secret: { env: "E", version: "${{ n }}" }, protect: "${{ yes }}" },
        client_credentials_grant_access_token_lifespan: "${{ n }}",
      },
      values,
    ),
    {
      redirect_uris: ["a", "b"],
      audience: ['["a","b"]'],
      scope: ["a", "b"],
      skip_consent: true,
      client_name: "true",
      client_id: "12",
      owner: "12",
      metadata: { a: 12, b: ["a", "b"], c: "plain", d: '{"a":1}' },
      "x-hydra": { secret: { env: "E", version: 12 }, protect: true },
      client_credentials_grant_access_token_lifespan: "12",
    },
  );
});

test("in a manifest, the fields of its spec determine the types", () => {
  const spec = { redirectUris: "${{ list }}", skipConsent: "${{ yes }}", clientName: "${{ yes }}" };
  assert.deepEqual(replaced({ spec }, { list: '["a"]', yes: "true" }), {
    spec: { redirectUris: ["a"], skipConsent: true, clientName: "true" },
  });
});

test("names, and what a Secret contains, stay texts", () => {
  const n = "${{ n }}";
  const manifest = { apiVersion: "v1", kind: "Secret", metadata: { name: n, namespace: n }, stringData: { a: n } };
  const cases = [
    { client_id: n, "x-hydra": { key: n, secret: { env: n, file: n } } },
    manifest,
    { kind: "OAuth2Client", metadata: { name: n }, spec: { secretName: n } },
  ];
  for (const value of cases)
    assert.deepEqual(replaced(value, { n: "12" }), JSON.parse(JSON.stringify(value).replaceAll(n, "12")));
});

test("every placeholder without a value is reported with its path, and other braces are text", () => {
  const { value, missing } = replacePlaceholdersAndFindFaults(
    { a: ["x ${{ one }}"], b: "${{ two }}", c: "${{ s.x }} ${{ }}" },
    lookup({}),
  );
  assert.deepEqual(missing, [
    { name: "one", path: ["a", 0] },
    { name: "two", path: ["b"] },
  ]);
  assert.deepEqual(value, { a: ["x "], b: "", c: "${{ s.x }} ${{ }}" });
});

test("names of object members cannot contain placeholders", () => {
  assert.deepEqual(replaced({ "${{ x }}": 1 }, {}), { "${{ x }}": 1 });
});

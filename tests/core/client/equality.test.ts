import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createUpdateRequest } from "../../../lib/core/client/changes.ts";
import {
  canonicalValue,
  clearingValue,
  detectReleaseByFields,
  type FieldChange,
  findChanges,
  findIncomparableChanges,
  isSameValue,
  type ReleaseLine,
  serverStoresField,
} from "../../../lib/core/client/equality.ts";
import { CLIENT_FIELDS } from "../../../lib/core/client/fields.ts";
import { isJsonObject, type JsonObject, parseJsonExactly } from "../../../lib/core/json/json.ts";
import { createAdminApi } from "../../../lib/sandbox/admin-api.ts";
import type { SandboxVersion } from "../../../lib/sandbox/index.ts";
import { anyClient, EC_KEY } from "../../random-client.ts";
import { RUNS_EVERYTHING } from "../../thorough.ts";

const LIFESPAN = "jwt_bearer_grant_access_token_lifespan";

/** Values of a field that are one, and one that is not. */
const SPELLINGS: readonly (readonly [field: string, alike: readonly unknown[], other: unknown])[] = [
  ["client_name", [undefined, null, ""], "x"],
  ["client_name", ["a\ud800", "a\ufffd"], "a"],
  ["skip_consent", [undefined, null, false], true],
  ["skip_logout_consent", [undefined, null, false], true],
  ["metadata", [undefined, null, {}], { a: null }],
  [
    "metadata",
    [{ a: 1, b: [1, 2] }, { b: [1, 2], a: 1.0 }, parseJsonExactly('{"b":[1.0,2e0],"a":10e-1}')],
    { a: 1, b: [2, 1] },
  ],
  ["metadata", [{ a: "" }], { a: null }],
  ["metadata", [{ a: 0 }, { a: -0 }], { a: null }],
  ["metadata", [parseJsonExactly('{"a":10000000000000000001}')], parseJsonExactly('{"a":10000000000000000002}')],
  ["grant_types", [undefined, null, [], ["authorization_code"]], ["implicit"]],
  [
    "grant_types",
    [
      ["implicit", "authorization_code"],
      ["authorization_code", "implicit", "implicit"],
    ],
    ["implicit"],
  ],
  ["response_types", [undefined, [], ["code"]], ["token"]],
  [
    "response_types",
    [
      ["code id_token", "code"],
      ["code", "id_token  code"],
    ],
    ["code id_token"],
  ],
  ["subject_type", [undefined, "", "public"], "pairwise"],
  ["token_endpoint_auth_method", [undefined, "", "client_secret_basic"], "client_secret_post"],
  ["userinfo_signed_response_alg", [undefined, "", "none"], "RS256"],
  ["scope", ["a b", "b a", " a  b a "], "a b c"],
  ["scope", [undefined, null, ""], "openid offline"],
  [
    "redirect_uris",
    [
      ["https://a.example/", "https://b.example"],
      ["https://b.example", "https://a.example/"],
    ],
    ["https://a.example", "https://b.example"],
  ],
  [
    "audience",
    [
      ["b", "a", "b"],
      ["a", "b"],
    ],
    ["A", "b"],
  ],
  ["audience", [undefined, null, []], [""]],
  [
    "contacts",
    [
      ["b", "a"],
      ["a", "b"],
    ],
    ["a"],
  ],
  [
    "request_uris",
    [
      ["b", "a"],
      ["a", "b"],
    ],
    ["a"],
  ],
  [
    "post_logout_redirect_uris",
    [
      ["b", "a"],
      ["a", "b"],
    ],
    ["a"],
  ],
  [
    "allowed_cors_origins",
    [["https://a.example/"], ["https://a.example"], ["HTTPS://a.example"]],
    ["https://A.example"],
  ],
  ["allowed_cors_origins", [["https://a.example:443"]], ["https://a.example"]],
  ["access_token_strategy", ["jwt", "JWT"], "opaque"],
  ["access_token_strategy", [undefined, ""], "opaque"],
  [LIFESPAN, ["1h", "60m", "1h0m0s", "3600s", "1.0h"], "59m"],
  [LIFESPAN, ["0s", "0", "0h0m"], undefined],
  [LIFESPAN, [undefined, null, ""], "1ns"],
  [LIFESPAN, ["2000000h1ns", "2000000h0m0.000000001s"], "2000000h2ns"],
  ["jwks", [undefined, null, {}, { keys: [] }, { keys: null }], { keys: [EC_KEY] }],
  [
    "jwks",
    [{ keys: [EC_KEY] }, { keys: [{ ...EC_KEY, key_ops: ["verify"], more: 1, use: "" }] }],
    { keys: [{ ...EC_KEY, kid: "k" }] },
  ],
  ["jwks", [{ keys: [EC_KEY] }], { keys: [{ ...EC_KEY, d: "AAAA" }] }],
  [
    "jwks",
    [{ keys: [EC_KEY, { ...EC_KEY, kid: "k" }] }, { keys: [{ kid: "k", ...EC_KEY }, EC_KEY] }],
    { keys: [EC_KEY] },
  ],
  // Texts that only look like one of the above.
  ["client_name", ["1h"], "60m"],
  ["owner", ["a b"], "b a"],
  ["client_uri", ["https://a.example/"], "https://a.example"],
];

describe("isSameValue()", () => {
  for (const [field, alike, other] of SPELLINGS) {
    it(`treats all spellings of one ${field} as equal, and no others: ${JSON.stringify(alike).slice(0, 60)}`, () => {
      for (const a of alike) {
        for (const b of alike) assert.ok(isSameValue(field, a, b), JSON.stringify([a, b]));
        assert.ok(!isSameValue(field, a, other), JSON.stringify([a, other]));
        assert.ok(!isSameValue(field, other, a), JSON.stringify([other, a]));
      }
    });
  }

  it("splits items at vertical bars if the server does", () => {
    for (const tier of ["1.8", "1.11"] as const) {
      assert.ok(isSameValue("audience", ["a|b", ""], ["b", "a"], tier));
      assert.ok(isSameValue("grant_types", ["|"], ["authorization_code"], tier));
    }
    for (const tier of ["2.1", "2.3", "26", undefined] as const)
      assert.ok(!isSameValue("audience", ["a|b"], ["b", "a"], tier));
  });

  it("takes linear time for any text", () => {
    const long = "/".repeat(2_000_000);
    for (const [field, value] of [
      ["allowed_cors_origins", [`https:${long}x`]],
      ["scope", " ".repeat(2_000_000)],
      [LIFESPAN, "1".repeat(2_000_000)],
      [LIFESPAN, `0.${"0".repeat(2_000_000)}`],
    ] as const)
      assert.ok(canonicalValue(field, value) !== undefined || field === "scope");
  });

  it("treats empty values like absent ones", () => {
    for (const field of CLIENT_FIELDS) assert.ok(isSameValue(field.name, clearingValue(field), undefined), field.name);
  });
});

/** The keys of a response that reveal a release line. */
const ANSWERS: readonly (readonly [ReleaseLine | undefined, readonly string[]])[] = [
  ["1.8", []],
  ["1.11", [LIFESPAN, "password_grant_access_token_lifespan"]],
  ["2.1", [LIFESPAN, "skip_consent"]],
  ["2.3", [LIFESPAN, "skip_consent", "skip_logout_consent"]],
  ["26", [LIFESPAN, "skip_consent", "skip_logout_consent", "device_authorization_grant_id_token_lifespan"]],
  [undefined, ["skip_consent"]],
  [undefined, [LIFESPAN]],
];

/** The fields that a release line drops, as they were measured. */
const DROPPED: Readonly<Record<ReleaseLine, RegExp>> = {
  "1.8": /^skip_|^access_token_strategy$|_lifespan$/,
  "1.11": /^skip_|^access_token_strategy$|^device_/,
  "2.1": /^skip_logout_consent$|^password_|^device_/,
  "2.3": /^password_|^device_/,
  "26": /^password_/,
};

/** An answer with keys that hold nothing. */
function answerOf(keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, null]));
}

describe("detectReleaseByFields() and serverStoresField()", () => {
  it("detect the release line from a client, and which fields it drops", () => {
    for (const [tier, keys] of ANSWERS) {
      const answer = answerOf(keys);
      assert.equal(detectReleaseByFields(answer), tier);
      for (const { name } of CLIENT_FIELDS) {
        const dropped = tier !== undefined && DROPPED[tier].test(name);
        assert.equal(serverStoresField(answer, name), !dropped, `${tier} ${name}`);
      }
    }
  });

  it("count a field as stored if the response has it", () => {
    assert.ok(serverStoresField({ skip_consent: true }, "skip_consent"));
    assert.ok(serverStoresField({ later: 1 }, "later"));
    assert.ok(!serverStoresField({}, "later"));
  });
});

describe("findChanges()", () => {
  const modern = answerOf(ANSWERS.find(([tier]) => tier === "26")?.[1] ?? []);

  it("is empty if the client already has the wanted values, in any spelling", () => {
    for (const [field, alike] of SPELLINGS)
      for (const before of alike)
        for (const after of alike)
          assert.deepEqual(findChanges({ ...modern, [field]: before }, { [field]: after }), [], field);
  });

  it("returns the fields that differ, with the wanted values", () => {
    for (const [field, [value], other] of SPELLINGS) {
      if (isSameValue(field, value, undefined) || isSameValue(field, other, undefined)) continue;
      const expected: readonly FieldChange[] = [{ field, before: other, after: value }];
      assert.deepEqual(findChanges({ ...modern, [field]: other }, { [field]: value }), expected);
    }
  });

  it("clears a field with the value that servers use, whichever empty value the file has", () => {
    const full: JsonObject = {
      ...{
        ...modern,
        client_name: "x",
        audience: ["a"],
        metadata: { a: 1 },
        jwks: { keys: [EC_KEY] },
        skip_consent: true,
      },
      [LIFESPAN]: "1h0m0s",
    };
    const nothing = { client_name: null, audience: null, metadata: null, jwks: { keys: [] }, skip_consent: null };
    assert.deepEqual(
      findChanges(full, { ...nothing, [LIFESPAN]: "" }).map(({ field, after }) => [field, after]),
      [
        ["client_name", ""],
        ["audience", []],
        ["metadata", {}],
        ["jwks", null],
        ["skip_consent", false],
        [LIFESPAN, null],
      ],
    );
  });

  it("never contains IDs, credentials or fields that the server sets itself", () => {
    const wanted = {
      ...{ client_id: "b", client_secret: "s", registration_access_token: "t", registration_client_uri: "u" },
      ...{
        created_at: "2026-01-01T00:00:00Z",
        updated_at: "2026-01-01T00:00:00Z",
        client_secret_expires_at: 7,
        owner: "o",
      },
    };
    assert.deepEqual(findChanges({ client_id: "a" }, wanted), [{ field: "owner", before: undefined, after: "o" }]);
  });

  it("leaves out what a response cannot show, which incomparable() returns", () => {
    const current = { ...modern, scope: "openid offline" };
    assert.deepEqual(findChanges(current, { scope: "", later: 1 }), []);
    assert.deepEqual(findIncomparableChanges(current, { scope: "", later: 1, owner: "o" }), [
      { field: "scope", before: "openid offline", after: "" },
      { field: "later", before: undefined, after: 1 },
    ]);
    assert.deepEqual(findIncomparableChanges(current, { scope: "offline openid" }), []);
    assert.deepEqual(findChanges({ ...current, later: 2 }, { later: 1 }), [{ field: "later", before: 2, after: 1 }]);
  });
});

/** An admin API in memory, asked as a server is. */
function serverOf(version: SandboxVersion): (method: string, path: string, body?: unknown) => JsonObject | undefined {
  const { answer, behaviour } = createAdminApi(version);
  return (method, path, body) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const target = `${behaviour.prefix}/clients${path}`;
    const told = answer({ method, target, accept: "application/json", body: text });
    if (told === undefined || told.status >= 300) return undefined;
    const read = parseJsonExactly(told.body);
    assert.ok(isJsonObject(read));
    return read;
  };
}

describe("a second run", () => {
  for (const version of ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const) {
    it(`changes nothing after a create or a change, as ${version} stores clients`, () => {
      const runs = RUNS_EVERYTHING ? 1000 : 200;
      let created = 0;
      let changed = 0;
      fc.assert(
        fc.property(anyClient, anyClient, (before, wanted) => {
          const ask = serverOf(version);
          const made = ask("POST", "", before);
          if (made === undefined) return;
          created++;
          const path = `/${String(made["client_id"])}`;
          const current = ask("GET", path) ?? assert.fail("the client is gone");
          assert.deepEqual(findChanges(made, before), []);
          assert.deepEqual(findChanges(current, before), []);
          const found = findChanges(current, wanted);
          if (found.length === 0) return;
          const { method, body } = createUpdateRequest(version.startsWith("1.") ? "put" : "patch", current, found);
          const answered = ask(method, path, body);
          if (answered === undefined) return;
          changed++;
          assert.deepEqual(findChanges(answered, wanted), []);
          assert.deepEqual(findChanges(ask("GET", path) ?? {}, wanted), []);
        }),
        { numRuns: runs },
      );
      assert.ok(created > runs / 2 && changed > runs / 4, `only ${created} were created and ${changed} changed`);
    });
  }
});

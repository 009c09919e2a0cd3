import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type ClientDraft,
  draftClient,
  getListField,
  getTextField,
  isAbsentOrEmpty,
  isPublic,
} from "../../../lib/core/client/client.ts";
import { CLIENT_FIELDS, FIELD_FLAGS, FIELD_NAMES } from "../../../lib/core/client/fields.ts";
import { longNames, type SyntaxVersion } from "../../../lib/core/flags/flag.ts";
import { parseFlagsWithFallbacks } from "../../../lib/core/flags/parse.ts";
import { isJsonObject, isSameJson, type JsonObject, parseJsonOrUndefined } from "../../../lib/core/json/json.ts";

interface Given {
  readonly grammar?: SyntaxVersion;
  readonly defaults?: boolean;
  readonly base?: JsonObject;
  readonly files?: Readonly<Record<string, string>>;
}

function draft(words: readonly string[], given: Given = {}): ClientDraft {
  const line = parseFlagsWithFallbacks(words, FIELD_FLAGS, "clients create", {
    environment: () => undefined,
    file: () => undefined,
  });
  assert.deepEqual(line.problems, []);
  const { base, files } = given;
  return draftClient({
    values: line.values,
    grammar: given.grammar ?? "1.x",
    defaults: given.defaults ?? true,
    ...(base === undefined ? {} : { base: { client: base, name: "c.json" } }),
    ...(files === undefined ? {} : { files: new Map(Object.entries(files)) }),
  });
}

function clientOf(words: readonly string[], given: Given = {}): JsonObject {
  const { client, problems } = draft(words, given);
  assert.deepEqual(problems, []);
  return client;
}

const DEFAULTS = {
  grant_types: ["authorization_code"],
  response_types: ["code"],
  token_endpoint_auth_method: "client_secret_basic",
  subject_type: "public",
};

test("draftClient() without flags has the defaults of Hydra's own CLI", () => {
  assert.deepEqual(clientOf([]), DEFAULTS);
  assert.deepEqual(clientOf([], { grammar: "2.x" }), { ...DEFAULTS, request_object_signing_alg: "RS256" });
  assert.deepEqual(clientOf([], { defaults: false }), {});
});

/** Words, and the one field that they set in addition to the defaults. */
const SET: readonly (readonly [words: readonly string[], field: string, value: unknown])[] = [
  [["-n", "my app"], "client_name", "my app"],
  [["-c", "https://a.example/1,https://a.example/2"], "redirect_uris", ["https://a.example/1", "https://a.example/2"]],
  [["--redirect-uri", "https://a.example/1"], "redirect_uris", ["https://a.example/1"]],
  [["-g", "implicit"], "grant_types", ["implicit"]],
  [["-r", "token"], "response_types", ["token"]],
  [["-a", "core,foobar"], "scope", "core foobar"],
  [["-a", "a b, c"], "scope", "a b  c"],
  [["-a", '"a,b",c'], "scope", "a,b c"],
  [["--audience", "x", "--audience", "y"], "audience", ["x", "y"]],
  [["--token-endpoint-auth-method", "none"], "token_endpoint_auth_method", "none"],
  [["--subject-type=pairwise"], "subject_type", "pairwise"],
  [["--skip-consent"], "skip_consent", true],
  [["--skip-consent=F"], "skip_consent", false],
  [["--metadata", '{"a":{"b":[1,null]}}'], "metadata", { a: { b: [1, null] } }],
  [["--metadata", "{}"], "metadata", {}],
  [["--metadata", "0"], "metadata", 0],
  [["--jwks", '{"keys":[]}'], "jwks", { keys: [] }],
  [["--implicit-grant-access-token-lifespan", "1h30m"], "implicit_grant_access_token_lifespan", "1h30m"],
];

describe("draftClient() sets", () => {
  for (const [words, field, value] of SET) {
    test(words.join(" "), () => {
      assert.deepEqual(clientOf(words), { ...DEFAULTS, [field]: value });
      assert.deepEqual(clientOf(words, { defaults: false }), { [field]: value });
    });
  }

  test("every field, by every name of its flag", () => {
    for (const { name, flag, shape } of CLIENT_FIELDS) {
      const value =
        flag.kind === "text" && flag.choices !== undefined
          ? (flag.choices[0] ?? "")
          : shape === "duration"
            ? "1h"
            : shape.startsWith("json")
              ? '{"a":1}'
              : "https://a.example";
      for (const long of longNames(flag)) {
        const words = flag.kind === "switch" ? [`--${long}`] : [`--${long}`, value];
        assert.ok(Object.hasOwn(clientOf(words, { defaults: false }), name), long);
      }
    }
  });
});

test("empty values are left out of a create, and clear the field in an update", () => {
  const words = ["-n", "", "-c", "", "-g", "", "-a", "", "--subject-type", "public", "--owner="];
  const { grant_types: _, ...rest } = DEFAULTS;
  assert.deepEqual(clientOf(words), rest);
  assert.deepEqual(clientOf(words, { defaults: false }), {
    client_name: "",
    redirect_uris: [],
    grant_types: [],
    scope: "",
    subject_type: "public",
    owner: "",
  });
});

test("flags override a base, defaults do not", () => {
  const base = { client_name: "from file", grant_types: ["implicit"], redirect_uris: ["https://i.example"], x_own: 1 };
  assert.deepEqual(clientOf([], { base }), base);
  assert.deepEqual(clientOf(["-n", "flag", "-c", ""], { base }), { ...base, client_name: "flag", redirect_uris: [] });
  assert.deepEqual(base.redirect_uris, ["https://i.example"]);
});

test("labels name the flag as it was typed, the key in the file, or the field", () => {
  const { label } = draft(["--redirect-uri", "x"], { base: { client_name: "y" } });
  assert.equal(label("redirect_uris"), "--redirect-uri");
  assert.equal(label("client_name"), '"client_name" in c.json');
  assert.equal(draft(["-c", "x"]).label("redirect_uris"), "-c");
  assert.equal(draft([]).label("grant_types"), "the default of --grant-types");
  assert.deepEqual(draft([]).label.sourceOf?.("grant_types"), { kind: "flag", name: "--grant-types" });
  const inNewSyntax = draft([], { grammar: "2.x" }).label;
  assert.equal(inNewSyntax("grant_types"), "the default of --grant-type");
  assert.deepEqual(inNewSyntax.sourceOf?.("grant_types"), { kind: "flag", name: "--grant-type" });
  assert.equal(draft([]).label.sourceOf?.("redirect_uris"), undefined);
  assert.equal(draft([]).label("owner"), "owner");
});

test("--jwks uses the content of the file", () => {
  assert.deepEqual(clientOf(["--jwks", "keys.json"], { defaults: false, files: { "keys.json": '{"keys":[1]}' } }), {
    jwks: { keys: [1] },
  });
});

describe("draftClient() rejects", () => {
  const cases: readonly (readonly [words: readonly string[], files: Given["files"], message: string])[] = [
    [
      ["--metadata", "{nope"],
      undefined,
      '--metadata "{nope" is not JSON: a name in double quotes is expected (line 1, column 2)',
    ],
    [["--metadata", "a b"], undefined, '--metadata "a b" is not JSON: a value is missing (line 1, column 1)'],
    [["--jwks", "[1"], undefined, '--jwks "[1" is not JSON: the text ends in the middle of a value (line 1, column 3)'],
    [
      ["--jwks", "k.json"],
      { "k.json": "s3cret" },
      '--jwks "k.json" names a file that is not JSON: a value is missing (line 1, column 1)',
    ],
    ...["1", "1.5h", "-1h", "soon", "1h 30m", "1µs", "1d"].map(
      (text) =>
        [
          ["--implicit-grant-id-token-lifespan", text],
          undefined,
          `--implicit-grant-id-token-lifespan "${text}" is not a valid duration`,
        ] as const,
    ),
  ];
  for (const [words, files, message] of cases) {
    test(words.join(" "), () => {
      const { problems, client } = draft(words, { defaults: false, ...(files === undefined ? {} : { files }) });
      assert.deepEqual(
        problems.map((problem) => problem.message),
        [message],
      );
      assert.ok(problems.every(({ exit, hint }) => exit === "usage" && hint !== undefined));
      assert.deepEqual(client, {});
    });
  }

  test("all invalid values at once", () => {
    const { problems } = draft(["--metadata", "{", "--jwks", "[", "--implicit-grant-id-token-lifespan", "x"]);
    assert.equal(problems.length, 3);
  });
});

test("an empty lifespan clears that of the client", () => {
  assert.deepEqual(clientOf(["--password-grant-access-token-lifespan="], { defaults: false }), {
    password_grant_access_token_lifespan: null,
  });
});

test("field names are unique, and so are their flags", () => {
  assert.equal(new Set(FIELD_NAMES).size, FIELD_NAMES.length);
  const longs = CLIENT_FIELDS.flatMap(({ flag }) => longNames(flag));
  assert.equal(new Set(longs).size, longs.length);
  const shorts = CLIENT_FIELDS.flatMap(({ flag }) => flag.short ?? []);
  assert.equal(new Set(shorts).size, shorts.length);
});

test("isAbsentOrEmpty(), textField(), listField(), isPublic(), isJsonObject()", () => {
  for (const value of [undefined, null, "", []]) assert.equal(isAbsentOrEmpty(value), true);
  for (const value of [0, false, " ", {}, [""], "a"]) assert.equal(isAbsentOrEmpty(value), false);
  const client = { a: "x", b: ["y", 1, null], c: 5, d: null };
  assert.equal(getTextField(client, "a"), "x");
  for (const name of ["b", "c", "d", "e", "toString"]) assert.equal(getTextField(client, name), undefined);
  assert.deepEqual(getListField(client, "b"), ["y"]);
  for (const name of ["a", "d", "e", "constructor"]) assert.deepEqual(getListField(client, name), []);
  assert.equal(isPublic({ token_endpoint_auth_method: "none" }), true);
  for (const method of ["None", "", undefined, null]) {
    assert.equal(isPublic({ token_endpoint_auth_method: method }), false);
  }
  for (const value of [null, [], "x", 1, undefined]) assert.equal(isJsonObject(value), false);
  assert.equal(isJsonObject({}), true);
});

test("parseJsonOrUndefined() returns undefined for text that is not JSON", () => {
  assert.deepEqual(parseJsonOrUndefined("null"), { value: null });
  assert.deepEqual(parseJsonOrUndefined(' {"a":[1]} '), { value: { a: [1] } });
  for (const text of ["", "{", "undefined", "{'a':1}", "1 2"]) assert.equal(parseJsonOrUndefined(text), undefined);
});

describe("isSameJson()", () => {
  test("ignores the order of keys, but not that of list items", () => {
    assert.equal(isSameJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }), true);
    assert.equal(isSameJson([1, 2], [2, 1]), false);
  });
  const different: readonly (readonly [a: unknown, b: unknown])[] = [
    [{}, []],
    [{}, null],
    [[], null],
    ["1", 1],
    [{ a: undefined }, {}],
    [{ a: 1 }, { b: 1 }],
    [[1], [1, 1]],
    [null, undefined],
    [0, false],
    [{ toString: 1 }, {}],
    [{ a: 1 }, Object.create({ a: 1 })],
  ];
  for (const [a, b] of different) {
    test(`distinguishes ${JSON.stringify(a)} from ${JSON.stringify(b)}`, () => {
      assert.equal(isSameJson(a, b), false);
      assert.equal(isSameJson(b, a), false);
    });
  }
  test("is true for a copy, and false for any changed copy", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy: unknown = JSON.parse(JSON.stringify(value));
        assert.equal(isSameJson(copy, JSON.parse(JSON.stringify(value))), true);
        assert.equal(isSameJson([copy, 1], [copy, 2]), false);
        assert.equal(isSameJson({ a: copy }, { b: copy }), false);
      }),
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  buildPatch,
  buildReplacement,
  createUpdateRequest,
  diffAsPatch,
  findFieldOrSuggestion,
  type PatchStep,
  withValueAtPath,
} from "../../../lib/core/client/changes.ts";
import { type FieldChange, findChanges, isSameValue } from "../../../lib/core/client/equality.ts";
import { CLIENT_FIELDS } from "../../../lib/core/client/fields.ts";
import { LIST_EDIT_FLAGS } from "../../../lib/core/client/list-edit-flags.ts";
import { isJsonObject, isSameJson, type JsonObject } from "../../../lib/core/json/json.ts";
import { unescapePointerToken } from "../../../lib/core/json/json-pointer.ts";
import {
  applyPatch,
  PATCH_DIALECT_OF_1_11,
  PATCH_DIALECT_OF_2_1,
  PATCH_DIALECT_OF_2_3,
  PATCH_DIALECT_OF_26,
  type PatchDialect,
} from "../../../lib/sandbox/patch.ts";
import { randomRuns } from "../../thorough.ts";

/** Names that a careless merge trips over. */
const HARD_NAMES = ["__proto__", "constructor", "toString", "a/b", "m~n", "~1", "", "0", "-", "ä ☃", "a.b"];

const name = fc.oneof(fc.constantFrom(...HARD_NAMES), fc.string({ maxLength: 4 }), fc.constantFrom("a", "b", "c"));

/** Any JSON value, with objects of few names so that two of them share some. */
const { json } = fc.letrec<{ json: unknown; object: JsonObject }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, "", 0, "x", "1h"),
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.array(tie("json"), { maxLength: 3 }),
    tie("object"),
  ),
  object: record(tie("json")),
}));

function record(values: fc.Arbitrary<unknown>): fc.Arbitrary<JsonObject> {
  return fc.array(fc.tuple(name, values), { maxLength: 5 }).map((entries) => Object.fromEntries(entries));
}

const object: fc.Arbitrary<JsonObject> = record(json);

/** A value that a field may have. */
function valueFor(shape: (typeof CLIENT_FIELDS)[number]["shape"]): fc.Arbitrary<unknown> {
  switch (shape) {
    case "list":
      return fc.array(fc.constantFrom("a", "b", "https://a.example/cb"), { maxLength: 3 });
    case "boolean":
      return fc.boolean();
    case "json":
    case "json-or-file":
      return object;
    case "duration":
      return fc.constantFrom(null, "1h", "60m", "1h0m0s", "2h");
    default:
      return fc.constantFrom("", "x", "1h", "60m");
  }
}

/** A client, of which some fields are set. */
const client: fc.Arbitrary<JsonObject> = fc
  .tuple(
    ...CLIENT_FIELDS.map((field) =>
      fc.option(fc.tuple(fc.constant(field.name), valueFor(field.shape)), { nil: undefined }),
    ),
  )
  .map((entries) => Object.fromEntries(entries.filter((entry) => entry !== undefined)));

/** A patch carried out as a server does. */
function patched(document: unknown, steps: readonly PatchStep[], dialect: PatchDialect): unknown {
  return applyPatch(document, JSON.parse(JSON.stringify(steps)), dialect);
}

function same(actual: unknown, wanted: unknown): void {
  assert.ok(isSameJson(actual, wanted), `${JSON.stringify(actual)} is not ${JSON.stringify(wanted)}`);
}

/** An empty key set is represented in several ways, which mean the same. */
function plain(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([field, member]) => !isSameValue(field, member, undefined)));
}

/** Applies the steps of {@link diffAsPatch}. */
function apply(steps: readonly PatchStep[], to: JsonObject): JsonObject {
  return steps.reduce<JsonObject>(
    (client, step) => applied(client, step.path.split("/").slice(1).map(unescapePointerToken), step),
    to,
  );
}

function applied(to: JsonObject, path: readonly string[], step: PatchStep): JsonObject {
  const [key = "", ...rest] = path;
  const entries = Object.entries(to);
  if (rest.length > 0) {
    return Object.fromEntries(
      entries.map(([name, value]) => [name, name === key && isJsonObject(value) ? applied(value, rest, step) : value]),
    );
  }
  if (step.op === "remove") return Object.fromEntries(entries.filter(([name]) => name !== key));
  const known = Object.hasOwn(to, key);
  return Object.fromEntries(
    known ? entries.map(([name, value]) => [name, name === key ? step.value : value]) : [...entries, [key, step.value]],
  );
}

describe("diffAsPatch()", () => {
  it("the steps turn any object into any other", () => {
    fc.assert(
      fc.property(object, object, (a, b) => {
        same(apply(diffAsPatch(a, b), a), b);
      }),
      { numRuns: randomRuns(2000) },
    );
  });

  it("returns no steps for equal objects, whatever the order of their members", () => {
    fc.assert(
      fc.property(object, (a) => {
        assert.deepEqual(diffAsPatch(a, a), []);
        assert.deepEqual(diffAsPatch(a, Object.fromEntries(Object.entries(a).reverse())), []);
      }),
    );
  });

  it("does not change its arguments", () => {
    fc.assert(
      fc.property(object, object, (a, b) => {
        const before = JSON.stringify([a, b]);
        apply(diffAsPatch(a, b), a);
        assert.equal(JSON.stringify([a, b]), before);
      }),
    );
  });

  it("another RFC 6902 implementation gets the same result from the steps", () => {
    fc.assert(
      fc.property(object, object, (a, b) => {
        // The RFC itself denies no path, as Hydra does with /id.
        same(patched(a, diffAsPatch(a, b), { ...PATCH_DIALECT_OF_1_11, deniedPath: /(?!)/ }), b);
      }),
      { numRuns: randomRuns(1000) },
    );
  });

  it("changes members of objects one by one, and lists as a whole", () => {
    const before = { keep: 1, "a/b": { "m~n": 1, gone: 2 }, list: [1, 2], kind: {} };
    const after = { keep: 1, "a/b": { "m~n": 2, fresh: null }, list: [1], kind: [], more: "x" };
    assert.deepEqual(diffAsPatch(before, after), [
      { op: "remove", path: "/a~1b/gone" },
      { op: "replace", path: "/a~1b/m~0n", value: 2 },
      { op: "add", path: "/a~1b/fresh", value: null },
      { op: "replace", path: "/list", value: [1] },
      { op: "replace", path: "/kind", value: [] },
      { op: "add", path: "/more", value: "x" },
    ]);
  });
});

describe("buildPatch()", () => {
  for (const [version, dialect] of [
    ["1.11", PATCH_DIALECT_OF_1_11],
    ["2.1", PATCH_DIALECT_OF_2_1],
    ["2.3", PATCH_DIALECT_OF_2_3],
    ["26", PATCH_DIALECT_OF_26],
  ] as const) {
    it(`changes only the given fields, as ${version} applies it`, () => {
      fc.assert(
        fc.property(client, client, (current, wanted) => {
          const after = patched(current, buildPatch(current, findChanges(current, wanted)), dialect);
          assert.ok(isJsonObject(after));
          assert.deepEqual(findChanges(after, wanted), []);
          const others = (value: JsonObject): JsonObject =>
            plain(Object.fromEntries(Object.entries(value).filter(([field]) => !Object.hasOwn(wanted, field))));
          same(others(after), others(current));
        }),
        { numRuns: randomRuns(500) },
      );
    });
  }

  it("is empty if nothing changes", () => {
    fc.assert(
      fc.property(client, (current) => {
        const { jwks: _, ...rest } = current;
        assert.deepEqual(buildPatch(rest, findChanges(rest, rest)), []);
      }),
    );
  });

  it("removes no top-level field, because servers would keep it", () => {
    fc.assert(
      fc.property(client, client, (current, wanted) => {
        for (const { op, path } of buildPatch(current, findChanges(current, wanted)))
          if (op === "remove") assert.ok(path.split("/").length > 2, path);
      }),
    );
  });

  it("clears an empty key set that rules out a jwks_uri", () => {
    const current = { jwks: {}, jwks_uri: "https://a.example/keys", client_name: "a" };
    const named: readonly FieldChange[] = [{ field: "client_name", before: "a", after: "b" }];
    assert.deepEqual(buildPatch(current, named), [
      { op: "replace", path: "/jwks", value: null },
      { op: "replace", path: "/client_name", value: "b" },
    ]);
    assert.deepEqual(buildPatch({ jwks: {}, client_name: "a" }, named), [
      { op: "replace", path: "/client_name", value: "b" },
    ]);
  });
});

describe("buildReplacement()", () => {
  it("keeps all other fields, and leaves out what the server sets itself", () => {
    const own = {
      ...{ client_secret: "s", registration_access_token: "t", registration_client_uri: "https://a.example" },
      ...{ updated_at: "2026-01-01T00:00:00Z", client_secret_expires_at: 0 },
    };
    fc.assert(
      fc.property(client, client, (current, wanted) => {
        const stored = { ...current, client_id: "id", created_at: "2026-01-01T00:00:00Z", ...own };
        const named = findChanges(stored, wanted);
        const whole = buildReplacement(stored, named);
        assert.deepEqual(findChanges(whole, wanted), []);
        for (const field of Object.keys(own)) assert.ok(!Object.hasOwn(whole, field), field);
        const after = Object.fromEntries(named.map((change) => [change.field, change.after]));
        same(plain(whole), plain({ ...stored, ...after, ...withheld(own) }));
      }),
    );
  });

  it("contains a secret only if it is a new one", () => {
    const secret = { field: "client_secret", before: undefined, after: "new" };
    assert.deepEqual(buildReplacement({ client_id: "a", client_secret: "old" }, [secret]), {
      client_id: "a",
      client_secret: "new",
    });
  });
});

/** The same names without values. */
function withheld(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.keys(fields).map((field) => [field, undefined]));
}

describe("createUpdateRequest()", () => {
  it("patches if the server family can, and otherwise replaces", () => {
    const current = { client_id: "a", client_name: "x", owner: "o" };
    const named = findChanges(current, { client_name: "y" });
    assert.deepEqual(createUpdateRequest("patch", current, named), {
      method: "PATCH",
      body: buildPatch(current, named),
    });
    assert.deepEqual(createUpdateRequest("put", current, named), {
      method: "PUT",
      body: { client_id: "a", client_name: "y", owner: "o" },
    });
  });

  it("replaces the client to clear a lifespan, which a patch cannot do", () => {
    const current = { client_id: "a", owner: "o", jwt_bearer_grant_access_token_lifespan: "1h0m0s" };
    const emptied = findChanges(current, { jwt_bearer_grant_access_token_lifespan: null });
    assert.deepEqual(createUpdateRequest("patch", current, emptied), {
      method: "PUT",
      body: { client_id: "a", owner: "o", jwt_bearer_grant_access_token_lifespan: null },
    });
    const owner = findChanges({ owner: "o" }, { owner: null });
    assert.equal(createUpdateRequest("patch", { owner: "o" }, owner).method, "PATCH");
  });
});

describe("withValueAtPath()", () => {
  const segment = fc.oneof(fc.constantFrom(...HARD_NAMES), fc.string({ minLength: 1, maxLength: 3 }));

  /** The value at a path. */
  function at(value: unknown, path: readonly string[]): unknown {
    return path.reduce<unknown>(
      (inner, key) => (isJsonObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined),
      value,
    );
  }

  it("sets the value there, and keeps everything outside the path", () => {
    fc.assert(
      fc.property(object, fc.array(segment, { minLength: 1, maxLength: 4 }), json, (whole, path, value) => {
        const set = withValueAtPath(whole, { path, value });
        if (set === undefined) return;
        const before = JSON.stringify(whole);
        const [top = ""] = path;
        for (const [key, member] of Object.entries(whole)) if (key !== top) same(set[key], member);
        assert.equal(Object.keys(set).length, Object.keys(whole).length + (Object.hasOwn(whole, top) ? 0 : 1));
        if (path.every((_, n) => !Array.isArray(at(whole, path.slice(0, n))))) same(at(set, path), value);
        assert.equal(JSON.stringify(whole), before);
      }),
      { numRuns: randomRuns(1000) },
    );
  });

  it("creates missing objects, and counts list items from 0", () => {
    assert.deepEqual(withValueAtPath({ a: { b: 1 } }, { path: ["a", "c", "d"], value: 2 }), {
      a: { b: 1, c: { d: 2 } },
    });
    assert.deepEqual(withValueAtPath({ a: null }, { path: ["a", "b"], value: 1 }), { a: { b: 1 } });
    assert.equal(withValueAtPath({ a: "x" }, { path: ["a", "b"], value: 1 }), undefined);
    const list = { a: ["x", { b: 1 }] };
    assert.deepEqual(withValueAtPath(list, { path: ["a", "0"], value: "y" }), { a: ["y", { b: 1 }] });
    assert.deepEqual(withValueAtPath(list, { path: ["a", "1", "c"], value: 2 }), { a: ["x", { b: 1, c: 2 }] });
    assert.deepEqual(withValueAtPath(list, { path: ["a", "2"], value: "z" }), { a: ["x", { b: 1 }, "z"] });
    assert.deepEqual(withValueAtPath(list, { path: ["a", "-"], value: "z" }), { a: ["x", { b: 1 }, "z"] });
    assert.equal(withValueAtPath(list, { path: ["a", "3"], value: "z" }), undefined);
    assert.equal(withValueAtPath(list, { path: ["a", "b"], value: "z" }), undefined);
    assert.equal(withValueAtPath(list, { path: ["a", "-1"], value: "z" }), undefined);
  });

  it("starts the list of a list field", () => {
    for (const audience of [undefined, null, []])
      assert.deepEqual(withValueAtPath({ audience }, { path: ["audience", "-"], value: "a" }), { audience: ["a"] });
    assert.equal(withValueAtPath({ scope: "a b" }, { path: ["scope", "-"], value: "c" }), undefined);
  });

  it("never changes a prototype", () => {
    const set = withValueAtPath({}, { path: ["__proto__", "polluted"], value: true });
    assert.deepEqual(Object.keys(set ?? {}), ["__proto__"]);
    assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
  });
});

describe("findFieldOrSuggestion()", () => {
  it("finds a field by each of its names", () => {
    for (const field of CLIENT_FIELDS) {
      for (const known of [field.name, field.flag.name, `--${field.flag.name}`, field.flag.v2 ?? field.name])
        assert.equal(findFieldOrSuggestion(known).field?.name, field.name, known);
    }
    assert.equal(findFieldOrSuggestion("logo-uri").field?.name, "logo_uri");
  });

  it("suggests the field that was meant, except fields that cannot be cleared", () => {
    assert.deepEqual(findFieldOrSuggestion("logo_ur"), { meant: "logo_uri" });
    assert.deepEqual(findFieldOrSuggestion("constructor"), {});
    assert.equal(findFieldOrSuggestion("client_id").field, undefined);
    assert.equal(findFieldOrSuggestion("client_secret").field, undefined);
  });
});

describe("the flags that change single values of lists", () => {
  it("exist for each list, under the names of both syntaxes", () => {
    const names = LIST_EDIT_FLAGS.map(({ flag }) => flag.name);
    assert.equal(new Set(names).size, names.length);
    const lists = CLIENT_FIELDS.filter(({ shape }) => shape === "list" || shape === "space-separated");
    assert.equal(LIST_EDIT_FLAGS.length, lists.length * 2);
    for (const wanted of ["add-callback", "remove-callback", "add-scope", "remove-contact", "add-grant-type"])
      assert.ok(names.includes(wanted), wanted);
    assert.equal(LIST_EDIT_FLAGS.find(({ flag }) => flag.name === "add-callback")?.flag.v2, "add-redirect-uri");
  });
});

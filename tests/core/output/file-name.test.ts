import assert from "node:assert/strict";
import { basename, join, normalize } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  clientFileNameProblems,
  fileNameOfIdOrKey,
  fillTemplate,
  findTemplateProblem,
  isPathTemplate,
} from "../../../lib/core/output/file-name.ts";
import { randomRuns } from "../../thorough.ts";

const TEMPLATE = "secrets/{id}.env";

describe("fileNameOfIdOrKey()", () => {
  for (const [id, name] of [
    ["web", "web"],
    ["team-app_1.2", "team-app_1.2"],
    ["c0ffee00-1111-4222-8333-444455556666", "c0ffee00-1111-4222-8333-444455556666"],
    ["../../x", "%2E.%2F..%2Fx"],
    ["/etc/passwd", "%2Fetc%2Fpasswd"],
    ["..\\..\\x", "%2E.%5C..%5Cx"],
    ["C:\\x", "C%3A%5Cx"],
    [".", "%2E"],
    ["..", "%2E%2E"],
    [".hidden", "%2Ehidden"],
    ["end.", "end%2E"],
    ["a b", "a%20b"],
    ["50%", "50%25"],
    ["%2E", "%252E"],
    ["https://app.example/oauth/meta", "https%3A%2F%2Fapp.example%2Foauth%2Fmeta"],
    ["é", "%C3%A9"],
    ["e\u0301", "e%CC%81"],
    ["🔑", "%F0%9F%94%91"],
    ["a\u0000b\n", "a%00b%0A"],
    ["\ud83d", "%uD83D"],
    ["\udd11x", "%uDD11x"],
    ["con", "%63on"],
    ["NUL.txt", "%4EUL.txt"],
    ["com1", "%63om1"],
    ["console", "console"],
    ["-rf", "-rf"],
    ["{id}", "%7Bid%7D"],
    ["$&", "%24%26"],
    ["", ""],
  ] as const)
    test(`${JSON.stringify(id)} is ${name}`, () => {
      assert.equal(fileNameOfIdOrKey(id), name);
    });

  const id = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.string({ unit: "binary", minLength: 1 }),
    fc.string({
      unit: fc.constantFrom(".", "/", "\\", "%", "2", "E", "u", "D", "8", "\ud83d", "\udd11", "c", "o", "n"),
      minLength: 1,
    }),
  );

  test("is one safe name for any ID, and differs for different IDs", () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        const name = fileNameOfIdOrKey(a);
        assert.match(name, /^[A-Za-z0-9_%-](?:[A-Za-z0-9_.%-]*[A-Za-z0-9_%-])?$/);
        assert.equal(basename(normalize(join("secrets", name))), name);
        assert.doesNotMatch(name, /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i);
        assert.equal(name === fileNameOfIdOrKey(b), a === b);
      }),
      { numRuns: randomRuns(2000) },
    );
  });
});

describe("a path template", () => {
  test("contains {id} once or more", () => {
    assert.equal(isPathTemplate(TEMPLATE), true);
    assert.equal(isPathTemplate("{id}"), true);
    assert.equal(isPathTemplate("secrets.env"), false);
    assert.equal(isPathTemplate("fd:3"), false);
    assert.equal(fillTemplate(TEMPLATE, "../x"), "secrets/%2E.%2Fx.env");
    assert.equal(fillTemplate("{id}/{id}.json", "a"), "a/a.json");
    assert.equal(fillTemplate(TEMPLATE, "$&{id}"), "secrets/%24%26%7Bid%7D.env");
  });

  test("with another placeholder is rejected", () => {
    const problem = findTemplateProblem("secrets/{name}.env", "--secret-out");
    assert.equal(problem?.message, 'Invalid --secret-out "secrets/{name}.env": unknown placeholder "{name}"');
    assert.equal(problem?.hint, "use {id}, the client ID as a file name, such as secrets/{id}.env");
    assert.equal(problem?.exit, "usage");
    assert.equal(findTemplateProblem("{id}/{other}", "--secret-out")?.code, "bad-template");
    for (const path of ["{id}/x.env", "{id}/{id}", "a\\{id}\\x"])
      assert.equal(
        findTemplateProblem(path, "--secret-out")?.hint,
        "use {id} in the file name only, such as secrets/{id}.env",
        path,
      );
    for (const path of [TEMPLATE, "secrets.env", "a{1}", "{}", "{id}-{id}"])
      assert.equal(findTemplateProblem(path, "--secret-out"), undefined, path);
  });
});

describe("clientFileNameProblems()", () => {
  const messages = (ids: readonly string[], template = TEMPLATE): readonly string[] =>
    clientFileNameProblems(template, ids, "--secret-out").map(({ message }) => message);

  test("gives each client its own path", () => {
    assert.deepEqual(messages(["web", "a/b", "web"]), []);
    assert.deepEqual(
      ["web", "a/b"].map((each) => fillTemplate(TEMPLATE, each)),
      ["secrets/web.env", "secrets/a%2Fb.env"],
    );
  });

  test("reports IDs that differ only in case, once for all of them", () => {
    assert.deepEqual(messages(["web", "Web", "other", "WEB"]), [
      'Client IDs "web", "Web" and "WEB" have the same file "secrets/web.env"',
    ]);
    assert.deepEqual(messages(["é", "É"]), []);
    const many = ["aaa", "aaA", "aAa", "aAA", "Aaa", "AaA", "AAa"];
    assert.deepEqual(messages(many), [
      'Client IDs "aaa", "aaA", "aAa", "aAA", "Aaa" and 2 more have the same file "secrets/aaa.env"',
    ]);
  });

  test("reports IDs that are too long for a file name", () => {
    assert.deepEqual(messages(["x".repeat(251)]), []);
    assert.deepEqual(messages(["x".repeat(252)]).length, 1);
    assert.deepEqual(messages(["é".repeat(42)]), [
      `Client ID "${"é".repeat(42)}" is too long for a file name of --secret-out`,
    ]);
    assert.deepEqual(messages(["x".repeat(200)], "a/".repeat(100) + TEMPLATE), []);
  });
});

/** Whatever reads outside text takes linear time: a quadratic reader would take minutes here. */

import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createLeftoverCopyStore } from "../lib/adapters/leftover-recovery-copies.ts";
import { inspectKeys } from "../lib/adapters/pgp.ts";
import { extractCertificates } from "../lib/adapters/transport.ts";
import { fromBase64 } from "../lib/core/bytes.ts";
import { countRawLettersOfText } from "../lib/core/completion/tokenize.ts";
import { type JsonObject, splitMemberTexts, takesMoreBytesThan } from "../lib/core/json/json.ts";
import { isInSelection, splitSelection } from "../lib/core/output/formats.ts";
import { parsePgpKeys } from "../lib/core/pgp/key-material.ts";
import { looksLikeWebPage } from "../lib/core/pgp/keyless-answer.ts";
import { quoteVisiblePart, redactServerText, urlWithoutSecrets } from "../lib/core/redact.ts";
import { quote, suggestWord, trimCharactersAtEnd, trimCharactersAtStart } from "../lib/core/text.ts";
import { createAdminApi } from "../lib/sandbox/admin-api.ts";
import type { StoredClient } from "../lib/sandbox/client-store.ts";
import { parseFirstJson } from "../lib/sandbox/decode-body.ts";
import { parseGoUrl } from "../lib/sandbox/go-url.ts";
import { InputFault } from "../lib/sandbox/input-fault.ts";
import { applyPatch, PATCH_DIALECT_OF_26 } from "../lib/sandbox/patch.ts";
import { findForbiddenAudience, findForbiddenScope } from "../lib/sandbox/public/client-settings.ts";
import { classifyErrorAnswer, FAMILIES, parseClientList } from "../lib/servers/index.ts";
import { findLinkQuery } from "../lib/servers/paths-and-queries.ts";
import { copiesWithForeignSignatures, copiesWithUserIds, newPrimaryKey } from "./adapters/key-packets.ts";
import { temporaryFolder } from "./e2e/binary.ts";

const MANY = 1_000_000;

/** What reads text of others, and a text for which quadratic time would be minutes. */
const READERS: readonly (readonly [name: string, read: () => unknown])[] = [
  ["a number's zeros", () => trimCharactersAtEnd(`${"0".repeat(MANY)}1`, "0")],
  [
    "the words of an error",
    () => classifyErrorAnswer(answer(400, { error: `a${" .".repeat(MANY)}a` }), FAMILIES[0], "item"),
  ],
  ["a Link header", () => findLinkQuery("next", "<".repeat(MANY))],
  ["a Link header with ends", () => findLinkQuery("next", `${"<".repeat(MANY)}${"> ".repeat(MANY)}`)],
  ["base64", () => fromBase64(`${"=".repeat(MANY)}!`)],
  ["a key that looks like an address", () => thrown(() => parsePgpKeys(`a@${"b.".repeat(MANY)}@`, "it"))],
  ["a key with many beginnings", () => thrown(() => parsePgpKeys("-----BEGIN ".repeat(MANY / 10), "it"))],
  ["a key of fingerprints", () => thrown(() => parsePgpKeys(`${"0123 ".repeat(MANY)}!`, "it"))],
  ["armor without an end", () => thrown(() => parsePgpKeys("-----BEGIN PGP MESSAGE-----".repeat(MANY / 10), "it"))],
  [
    "copies of a key with signatures of others",
    async () => inspectKeys(copiesWithForeignSignatures(await newPrimaryKey(), MANY / 100), "it", new Date()),
  ],
  [
    "copies of a key with other user IDs",
    async () =>
      assert.rejects(inspectKeys(copiesWithUserIds(await newPrimaryKey(), MANY / 100), "it", new Date()), {
        code: "pgp-key-unsupported",
      }),
  ],
  [
    "secrets in what an expression selects",
    () => {
      const secrets = Array.from({ length: MANY / 10 }, (_, at) => `secret-${at}`);
      const selected = splitSelection(JSON.stringify(secrets));
      assert.ok(secrets.every((secret) => isInSelection(selected, secret)));
    },
  ],
  ["certificates without an end", () => extractCertificates("-----BEGIN CERTIFICATE-----".repeat(MANY / 10))],
  ["an address", () => parseGoUrl(`https://${"@".repeat(MANY)}:a`)],
  ["a URL", () => urlWithoutSecrets(`a${"@".repeat(MANY)}`)],
  ...[":", "?", "token", "bearer", "ory_", "x", "eyJ"].map(
    (piece) => [`a word of ${piece}`, () => quoteVisiblePart(piece.repeat(MANY))] as const,
  ),
  [
    "a text with a secret",
    () => redactServerText("%".repeat(MANY / 10) + "41".repeat(MANY / 10), ["%4".repeat(MANY / 10)]),
  ],
  ["a text like a secret", () => redactServerText("a".repeat(MANY / 10), [`${"a".repeat(MANY / 10)}b`])],
  ["a web page", () => looksLikeWebPage(" ".repeat(MANY))],
  ["a body that does not end", () => thrown(() => parseFirstJson(`{"${'\\"'.repeat(MANY)}`), InputFault)],
  ["a body with more behind it", () => parseFirstJson(`{"a":"${'\\"'.repeat(MANY)}"} x`)],
  ["a deep body", () => thrown(() => parseFirstJson(`{"a":${"[".repeat(MANY)}${"]".repeat(MANY)}}`), InputFault)],
  ["a deep list", () => parseClientList(`[{"client_id":"a","x":${"[".repeat(MANY)}${"]".repeat(MANY)}}]`)],
  ["a list of deep clients", () => parseClientList(`[${Array(200).fill(deepClient()).join(",")}]`)],
  [
    "a patch of many operations",
    () => {
      const patch = Array(MANY / 10).fill(ADDITION);
      thrown(() => applyPatch({ a: Array(MANY / 10).fill({}) }, patch, PATCH_DIALECT_OF_26), InputFault);
    },
  ],
  [
    "the keys of a set",
    () => replaceKeys(Array.from({ length: MANY / 10 }, (_, i) => ({ kty: "oct", k: "a", kid: `${i}` }))),
  ],
  ["scopes", () => findForbiddenScope(clientWith(manyWords()), manyWords())],
  ["audiences", () => findForbiddenAudience(clientWith(manyWords()), manyWords())],
  ["an audience of many parts", () => findForbiddenAudience(clientWith(manyWords()), ["/".repeat(MANY)])],
  ["members", () => splitMemberTexts(`[${"[],".repeat(MANY)}[]]`)],
  [
    "the recovery copies of many clients",
    () =>
      assert.equal(
        copiesFound((line) => `k${line}`),
        MANY / 20,
      ),
  ],
  [
    "the recovery copies of one client",
    () =>
      assert.equal(
        copiesFound(() => "k"),
        1,
      ),
  ],
  [
    "a word that is completed",
    () => {
      assert.equal(countRawLettersOfText(`'${"a".repeat(MANY)}' b`, `${"a".repeat(MANY)} b`), MANY + 4);
      countRawLettersOfText(`"${"\\a,".repeat(MANY)}`, "b".repeat(MANY));
    },
  ],
  ["a quoted word", () => [quote("a@".repeat(MANY)), quote("://".repeat(MANY)), quote(`://${"a".repeat(MANY)}`)]],
  ["a long word", () => suggestWord("x".repeat(MANY), Array(100).fill("redirect_uris"))],
];

/** How many recovery copies are found in a file of many lines. */
function copiesFound(key: (line: number) => string): number {
  using folder = temporaryFolder();
  const lines = Array.from({ length: MANY / 20 }, (_, line) =>
    JSON.stringify({ endpoint: "e", stack: "s", key: key(line) }),
  );
  writeFileSync(join(folder.path, "hydra-rescue-a.ndjson"), lines.join("\n"));
  return createLeftoverCopyStore([folder.path]).find("e").copies.length;
}

function answer(status: number, body: unknown): Parameters<typeof classifyErrorAnswer>[0] {
  return { status, contentType: "application/json", link: "", location: "", text: JSON.stringify(body) };
}

function deepClient(): string {
  return `{"client_id":"a","x":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
}

const ADDITION = { op: "add", path: "/scope", value: "x" };

/** Words that an allow list holds in the opposite order. */
function manyWords(): readonly string[] {
  return Array.from({ length: MANY / 5 }, (_, i) => `word-${i}`);
}

function clientWith(words: readonly string[]): StoredClient {
  const allowed = words.toReversed();
  return { id: "", view: { scope: allowed.join(" "), audience: allowed }, secrets: [] };
}

function replaceKeys(keys: readonly JsonObject[]): unknown {
  const { answer } = createAdminApi("26");
  return answer({ method: "PUT", target: "/admin/keys/set", accept: "", body: JSON.stringify({ keys }) });
}

function thrown(work: () => unknown, error: object | (new () => Error) = { code: "pgp-not-a-key" }): void {
  assert.throws(work, error);
}

describe("linear time suffices for", () => {
  for (const [name, read] of READERS) test(name, async () => void (await read()));
});

test("no regular expression trims a run at the end of a string, which takes quadratic time for runs inside it", () => {
  const root = join(import.meta.dirname, "..");
  for (const file of globSync("lib/**/*.ts", { cwd: root })) {
    const found = /\.replace\(\/(?!\^)[^/\n]*(?<![\\.])[+*]\$\//.exec(readFileSync(join(root, file), "utf8"));
    assert.equal(found?.[0], undefined, file);
  }
});

test("trimCharactersAtEnd() and trimCharactersAtStart() remove the characters of a set only at the ends", () => {
  assert.equal(trimCharactersAtEnd("0a00b000", "0"), "0a00b");
  assert.equal(trimCharactersAtStart("000a00b0", "0"), "a00b0");
  assert.equal(trimCharactersAtEnd("a. .", ". "), "a");
  for (const trim of [trimCharactersAtEnd, trimCharactersAtStart]) {
    assert.equal(trim("000", "0"), "");
    assert.equal(trim("", "0"), "");
  }
});

test("suggestWord() finds the intended names, long ones also by their beginnings", () => {
  for (const [word, meant] of [
    ["redirect_uri", "redirect_uris"],
    ["redirct_uris", "redirect_uris"],
    ["token_endpoint_auth", "token_endpoint_auth_method"],
    ["scop", "scope"],
    ["nothing_like_it", undefined],
  ] as const)
    assert.equal(suggestWord(word, ["redirect_uris", "scope", "token_endpoint_auth_method"]), meant, word);
});

test("takesMoreBytesThan() counts bytes, and stops early for a value that shares parts exponentially", () => {
  assert.equal(takesMoreBytesThan("x".repeat(1000), 1000), false);
  assert.equal(takesMoreBytesThan("x".repeat(1001), 1000), true);
  assert.equal(takesMoreBytesThan("é".repeat(500), 1000), false);
  assert.equal(takesMoreBytesThan("é".repeat(501), 1000), true);
  assert.equal(takesMoreBytesThan({ a: ["x".repeat(500), { b: "x".repeat(600) }] }, 1000), true);
  assert.equal(takesMoreBytesThan({ ["x".repeat(1001)]: 1 }, 1000), true);
  assert.equal(takesMoreBytesThan(Array(1001).fill([]), 1000), true);
  let bomb: unknown = "x";
  for (let i = 0; i < 400; i++) bomb = [bomb, bomb];
  assert.equal(takesMoreBytesThan(bomb, 1024 * 1024), true);
});

/** Every message is a sentence. A runtime changes nothing about that. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { everyCommand } from "../../.ci/docs.ts";
import { isLeaf } from "../../lib/command.ts";
import { isTested } from "../thorough.ts";
import { play, type Scene } from "./in-process.ts";

describe("the wording of messages", () => {
  /** A message is a sentence in sentence case: it begins with a capital, or with a flag, a quote or a name of a field. */
  function assertSentence(text: string): void {
    assert.match(text, /^([A-Z"]|-{1,2}[a-zA-Z]|[a-z]+(_[a-z]+)+ |[\w./~-]+:)/, text);
    assert.doesNotMatch(text, /[.\s]$/, text);
    assert.doesNotMatch(text, /\n/, text);
  }

  function assertHint(text: string): void {
    assert.doesNotMatch(text, /[.\s]$/, text);
    assert.doesNotMatch(text, /\n| {2}/, text);
    assert.match(text, /^[^A-Z]|^OAUTH2_|^Hydra /, text);
  }

  function assertWords(told: unknown): void {
    assert.ok(typeof told === "object" && told !== null && "message" in told && typeof told.message === "string");
    assertSentence(told.message);
    assert.ok("hint" in told && typeof told.hint === "string", `no hint: ${told.message}`);
    assertHint(told.hint);
    const more = "more" in told && Array.isArray(told.more) ? told.more : [];
    for (const other of more) assertWords(other);
  }

  /** Faults that nearly every command can have, added to its own words. */
  const FAULTS: readonly (readonly [words: readonly string[], scene?: Scene])[] = [
    [["--bogus"]],
    [["-Z"]],
    [["--name", "x", "--nmae"]],
    [["--endpoint"]],
    [["--endpoint", "x"]],
    [["--endpoint", "unix:x"]],
    [["--endpoint", "http://a?b"]],
    [[], { environment: { HYDRA_ADMIN_URL: "x" } }],
    [[], { environment: { HYDRA_ADMIN_URL: "http://a?b", OAUTH2_ACCESS_TOKEN: "a b" } }],
    [[], { environment: { HYDRA_ADMIN_URL: "unix:x" } }],
    [["--access-token", "a", "-H", "Authorization: b"]],
    [["--access-token-file", "/nowhere"]],
    [["--access-token", "a", "--access-token-file", "/there"], { files: { "/there": "t" } }],
    [["-H", "x"]],
    [["-H", "X: \u0001"]],
    [["-H", "Accept: x"]],
    [["--fail-after", "x", "--api", "x", "--fake-tls-termination=x"]],
    [["--fail-after", "-1s"]],
    [["--ca-file", "/nowhere", "--endpoint", "https://a"]],
    [["--ca-file", "/there", "--endpoint", "https://a"], { files: { "/there": "nothing" } }],
    [["--config", "/nowhere"]],
    [["--config", "/there"], { files: { "/there": "- 1" } }],
    [["--config", "/there"], { files: { "/there": "a: [" } }],
    [["--config", "/there"], { files: { "/there": "headers: [1]\n" } }],
    [["--config", "/there"], { files: { "/there": "endpoint: http://a\naccess_token: x\n" } }],
    [["--format", "x"]],
    [["--format", "jsonpath=["]],
    [["--format", "jsonpointer=x"]],
    [["--format", "json", "-q"]],
    [["--limit", "x", "--page-size=x", "--for", "x", "--listen", "x"]],
    [["--page", "1"]],
    [["--secret", "a", "--secret-file", "/nowhere", "--secret-length", "5"]],
    [["--secret-format", "x", "--if-exists", "x", "--dry-run=x", "--encrypted-format", "x"]],
    [["--if-exists", "skip"]],
    [["--file", "/nowhere", "--set", "x", "--set", "a.b=x", "--jwks", "/nowhere", "--metadata", "{"]],
    [["--file", "/there"], { files: { "/there": "[1,2]" } }],
    [["--implicit-grant-access-token-lifespan", "x"]],
    [["--token-endpoint-auth-method", "none", "--pgp-key", "x"]],
    [["--pgp-fingerprint", "x"]],
    [["--strict", "-g", "implicit,client_credentials", "-c", "http://a.example/*#x,/y", "--logo-uri", "x"]],
    [["--allowed-cors-origins", "x,*", "--post-logout-callbacks", "x", "--sector-identifier-uri", "x", "--strict"]],
    [["--secret-out", "/nowhere/x"]],
    [["--secret-out", "fd:77"]],
    [["--id-field", "=", "--secret-field", "="]],
    [["", ""]],
    [["a/b", "c d", "constructor"]],
  ];

  test("every problem of every command is a sentence without a period, with a hint", async () => {
    let told = 0;
    for (const [at, { path: whole, command }] of (await everyCommand()).entries()) {
      if (!isLeaf(command)) continue;
      const path = whole.slice(1);
      // A command that runs until it is stopped is skipped if its line is valid.
      const stays = path.join(" ") === "sandbox" ? ["--as", "x"] : [];
      for (const [words, scene] of FAULTS.filter((_, number) => isTested(at + number, 3))) {
        const operands = command.spec.operands === undefined ? [] : ["x"];
        const args = ["--format=json", ...path, ...operands, ...stays, ...words];
        const { stderr } = await play(args, {
          ...scene,
          environment: { HYDRA_ADMIN_URL: "http://127.0.0.1:1", ...scene?.environment },
        });
        for (const line of stderr.split("\n")) {
          if (line.startsWith("{")) {
            told++;
            assertWords(JSON.parse(line));
          } else if (line.startsWith("Error: ")) {
            told++;
            assertSentence(line.slice("Error: ".length));
          } else if (line.startsWith("Hint: ")) {
            assertHint(line.slice("Hint: ".length));
          } else if (line.startsWith("Warning: ")) {
            assert.doesNotMatch(line, /[.\s]$/, line);
          }
        }
      }
    }
    assert.ok(told > FAULTS.length * 5);
  });

  test("every message in the source begins with a capital letter and has no period at the end", () => {
    const lib = new URL("../../lib/", import.meta.url);
    const names = readdirSync(lib, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    let found = 0;
    for (const name of names) {
      const source = readFileSync(new URL(name, lib), "utf8");
      for (const [, quote, text = ""] of source.matchAll(
        /\b(?:usageError|new Problem)\(\s*(["`'])((?:\\.|(?!\1)[^\\])*)\1/g,
      )) {
        found++;
        assert.match(text, /^([A-Z]|\$\{|--?[a-z]|\\?")/, `${name}: ${text}`);
        if (quote === '"') assert.doesNotMatch(text, /[.\s]$/, `${name}: ${text}`);
      }
    }
    assert.ok(found > 50);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { ID_FLAG } from "../../../lib/core/client/fields.ts";
import { lineWithFormatFlag } from "../../../lib/core/flags/corrected-command-line.ts";
import { SECRET } from "../../../lib/core/flags/credential-flags.ts";
import { indexFlags } from "../../../lib/core/flags/flag.ts";
import { SERVER_COMMAND_FLAGS, SET } from "../../../lib/core/flags/shared-flags.ts";

const INDEX = indexFlags([ID_FLAG, SECRET, SET, ...SERVER_COMMAND_FLAGS]);

/** Command lines without the command, and what is suggested. */
const LINES: readonly (readonly [words: readonly string[], corrected: string])[] = [
  [["-o", "json"], "--format json"],
  [["a", "-o=yaml", "b"], "a --format yaml b"],
  [["-v", "--json", "my app"], "-v --format json 'my app'"],
  [["--output", "jsonpath=$.a"], "--format 'jsonpath=$.a'"],
  [["--out", "wide"], "--format table"],
  [["-o", "jsonpath={.a[*].b}"], "--format 'raw=$.a[*].b'"],
  [["-ojson", "--fail-after=3s"], "--format json --fail-after=3s"],
  [["--id", "refresh_token", "--yaml"], "--id refresh_token --format yaml"],
];

/** Lines with `hush` where a credential can be. */
const SECRET_LINES: readonly (readonly string[])[] = [
  ["--secret", "hush", "--json"],
  ["--secret=hush", "--json"],
  ["--secret", "not", "hush", "--json"],
  ["--id", "--secret", "hush", "--json"],
  ["--json", "--", "--secret", "hush"],
  ["-H", "Authorization: hush", "--json"],
  ["-HX-Token:hush", "--json"],
  ["--access-token", "hush", "-o", "json"],
  ["-e", "http://user:hush@host/", "--json"],
  ["--endpoint=http://host/?token=hush", "--json"],
  ["--set", 'client_secret="hush"', "--json"],
  ["--client-secret", "hush", "--json"],
  ["--client-secret=hush", "--json"],
  ["client_secret=hush", "--json"],
  ["ory_at_hush", "--json"],
  [`hush.${"x".repeat(43)}.${"y".repeat(43)}`, "--json"],
];

test("the format flag of other tools becomes --format, and everything else stays", () => {
  for (const [words, corrected] of LINES)
    assert.equal(lineWithFormatFlag("clients get", words, INDEX), `hydra clients get ${corrected}`);
});

test("an operand that is a credential is not shown", () => {
  assert.equal(
    lineWithFormatFlag("token introspect", ["hush", "-o", "json"], INDEX, true),
    "hydra token introspect … --format json",
  );
});

test("credentials are left out", () => {
  for (const words of SECRET_LINES)
    assert.doesNotMatch(lineWithFormatFlag("clients get", words, INDEX), /hush/, words.join(" "));
});

/** Mistakes that people make, as data: what they type and set, the exit code, and the first line on stderr. */

import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runBinary } from "./binary.ts";
import { assertExit, assertFails, openScenario, SLOW } from "./scenario.ts";

const CLIENT = { client_id: "web", client_name: "My app", grant_types: ["client_credentials"] };

/** Expressions that select nothing or something, what stdout holds, and the whole of stderr. */
const EXPRESSIONS: readonly (readonly [line: string, stdout: string, stderr: string])[] = [
  [
    "clients get web --format raw=client_nam",
    "",
    'Nothing is selected by "client_nam": there is no "client_nam"; did you mean "client_name"?\n',
  ],
  [
    "clients get web --format jsonpath=$.grant_type[0]",
    "null\n",
    'Nothing is selected by "$.grant_type[0]": there is no "grant_type"; did you mean "grant_types"?\n',
  ],
  [
    "clients get web --format jsonpath=$['redirect_url'][*]",
    "[]\n",
    `Nothing is selected by "$['redirect_url'][*]": there is no "redirect_url"; did you mean "redirect_uris"?\n`,
  ],
  [
    "clients get web --format jsonpointer=/clientname",
    "null\n",
    'Nothing is selected by "/clientname": there is no "clientname"; did you mean "client_name"?\n',
  ],
  [
    "clients get web --format raw=backchannel_logout_uri",
    "",
    'Nothing is selected by "backchannel_logout_uri": there is no "backchannel_logout_uri"\n',
  ],
  [
    "clients get web --format raw=grant_types.7",
    "",
    'Nothing is selected by "grant_types.7": there is no value at this path\n',
  ],
  [
    "clients list --format raw=client_id",
    "",
    'Nothing is selected by "client_id": there is no value at this path; in a list use items.#.client_id\n',
  ],
  [
    "clients list --format raw=$.items[?@.owner=='ops'].client_id",
    "",
    `Nothing is selected by "$.items[?@.owner=='ops'].client_id": there is no value at this path\n`,
  ],
  ["clients list --format raw=items.#.client_id", '["web"]\n', ""],
  ["clients get web --format raw=client_name", "My app\n", ""],
];

describe("an expression that selects nothing", () => {
  it("is explained on stderr, and changes neither stdout nor the exit code", SLOW, async () => {
    await using scenario = await openScenario();
    const body = JSON.stringify(CLIENT);
    assert.equal((await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body })).status, 201);
    for (const [line, stdout, stderr] of EXPRESSIONS) {
      const ended = await scenario.run(line.split(" "));
      assertExit(ended, 0);
      assert.equal(ended.stderr, stderr, line);
      if (!line.includes("items.#")) assert.equal(ended.stdout, stdout, line);
    }
  });
});

/** Config files without an endpoint, and the error. */
const CONFIGS: readonly (readonly [text: string, error: RegExp, hint: RegExp])[] = [
  ["endpont: http://a", /: "endpont" in \S+\/\.hydra\.yaml is not a setting$/, /rename "endpont" to endpoint in \S+$/m],
  ["ENDPOINT: http://a", /: "ENDPOINT" in /, /rename "ENDPOINT" to endpoint/],
  ["admin_url: http://a", /: "admin_url" in /, /rename "admin_url" to endpoint/],
  ["hydra-admin-url: http://a", /: "hydra-admin-url" in /, /rename/],
  ["url: http://a", /: "url" in /, /rename/],
  ["serve: {}", /the URL of the admin API is not known$/, /--endpoint/],
];

/** Values of variables that keep their quotes, as in the env files of Docker. */
const QUOTED: readonly (readonly [env: Readonly<Record<string, string>>, error: RegExp, hint: RegExp])[] = [
  [
    { HYDRA_ADMIN_URL: '"http://127.0.0.1:1"' },
    /^Error: Environment variable HYDRA_ADMIN_URL has quotes around its value: "http:\/\/127\.0\.0\.1:1"$/,
    /^Hint: set it to http:\/\/127\.0\.0\.1:1, without the quotes$/m,
  ],
  [{ HYDRA_ADMIN_URL: "'http://127.0.0.1:1'" }, /has quotes/, /set it to http:/],
  [{ HYDRA_ADMIN_URL: " 'unix:///x' " }, /has quotes/, /set it to unix:\/\/\/x, /],
  [
    { HYDRA_ADMIN_URL: "'http://me:hush-hush@127.0.0.1:1'" },
    /HYDRA_ADMIN_URL has quotes/,
    /set it without the quotes$/m,
  ],
  [{ HYDRA_ADMIN_URL: "http://127.0.0.1:1", OAUTH2_ACCESS_TOKEN: '"hush-hush"' }, /TOKEN has quotes/, /set it without/],
];

describe("a setting with a mistake", () => {
  it("in the config file is named in place of a missing endpoint", SLOW, async () => {
    await using scenario = await openScenario();
    const path = join(scenario.home, ".hydra.yaml");
    for (const [text, error, hint] of CONFIGS) {
      writeFileSync(path, `${text}\n`);
      chmodSync(path, 0o600);
      const ended = await scenario.run(["clients", "list"], { env: { HYDRA_ADMIN_URL: undefined } });
      assertFails(ended, 2, error);
      assert.match(ended.stderr, hint);
    }
  });

  it("in a variable, a value in quotes, is an error with the value without them", SLOW, async () => {
    await using scenario = await openScenario();
    for (const [env, error, hint] of QUOTED) {
      const ended = await scenario.run(["clients", "list"], { env });
      assertFails(ended, 2, error);
      assert.match(ended.stderr, hint);
      assert.doesNotMatch(ended.stderr, /hush-hush/);
    }
  });
});

it("a secret is not shown if a dash or a look-alike replaced the hyphens of its flag", SLOW, async () => {
  const secret = "MistypedSecretOfAClient";
  for (const hyphens of ["\u2013", "\u2014", "\u2212", "\uff0d\uff0d", "/", ""])
    for (const words of [[`${hyphens}secret`, secret], [`${hyphens}secret=${secret}`]]) {
      const ended = await runBinary(["create", "oauth2-client", "--endpoint", "http://127.0.0.1:1", ...words]);
      assert.equal(ended.status, 2, ended.stderr);
      assert.equal(ended.stdout, "");
      assert.match(ended.stderr, /Unexpected argument \(not shown\)/);
      assert.doesNotMatch(ended.stderr, /Mistyped|OfAClient/);
    }
});

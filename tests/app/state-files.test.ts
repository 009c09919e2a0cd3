// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of client files are written that way

/** Which files `diff` and `apply` read, and what they say about wrong ones. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CLIENT_RULES } from "../../lib/core/client/rules.ts";
import { isJsonObject, type JsonObject } from "../../lib/core/json/json.ts";
import { codesOf, type Played, play } from "./in-process.ts";
import { jsonLines, jsonObject, type StateSetup, withStateSetup } from "./state-setup.ts";

/** A port on which nothing listens: wrong files are reported before the first request. */
const NOWHERE = "http://127.0.0.1:9";

/** What a file leads to: the beginning of each line about it, in order. */
const WRONG: readonly (readonly [name: string, text: string, ...errors: string[]])[] = [
  ["a.yaml", "client_id: a\nscope: [a\n", "Cannot read a.yaml, line "],
  ["b.json", '{"client_id": "a",}', "Cannot read b.json, line 1, column 18: a trailing comma before }"],
  [
    "c.json",
    '{"client_id": "a", "client_id": "b"}',
    'Cannot read c.json, line 1, column 20: name "client_id" occurs twice in an object, first at line 1, column 2 | keep one',
  ],
  [
    "d.yaml",
    "scope: a\nscope: b\n",
    'Cannot read d.yaml, line 2, column 1: key "scope" is used twice, first at line 1, column 1 | keep one',
  ],
  [
    "d2.yaml",
    "scope: a\nmetadata:\n  one: &m {a: 1}\n  two:\n    <<: *m\n",
    "Cannot read d2.yaml, line 5, column 5: merge keys (<<) are not supported | write the merged keys out",
  ],
  ["d3.yaml", "scope: a\nmetadata:\n\ta: 1\n", "Cannot read d3.yaml, line 3, column 1: indentation | replace the tabs"],
  ["d4.yaml", "scope: *a\n", "Cannot read d4.yaml, line 1, column 8: an alias | define the anchor with &NAME"],
  ["d5.yaml", "redirect_uris: [a\nscope: b\n", "Cannot read d5.yaml, line 2, column 1: | close all brackets"],
  ["d6.yaml", `a: ${"[".repeat(600)}${"]".repeat(600)}`, "Cannot read d6.yaml: it nests more than | use fewer levels"],
  [
    "d7.json",
    '{"scope": "a"}\n{"scope": "b", "scope": "c"}\n{"scope": "d"}\n',
    'Cannot read d7.json, line 2, column 16: it is not JSON: name "scope" occurs twice in an object, first at line 2, column 2 | keep one',
  ],
  ["e.yaml", "scope: !secret x\n", "Cannot read e.yaml, line 1, column 8: unknown tag"],
  ["f.yaml", "- client_id: a\n  scope: x\n- text\n", "f.yaml:3:3: this is not an object"],
  [
    "g.yaml",
    "scope: a\ngrant_typs: [x]\n",
    'g.yaml:2:1: "grant_typs" is not a client field | did you mean grant_types?',
  ],
  [
    "h.json",
    '[\n  {"scope": "a", "redirectURIs": []}]',
    'h.json:2:18: "redirectURIs" is not a client field | did you mean redirect_uris?',
  ],
  ["i.yaml", "scope: a\nsoftware_id: x\n", 'i.yaml:2:1: "software_id" is not a client field | remove it'],
  [
    "j.yaml",
    "scope: a\nclient_secret: abcdefgh\n",
    "j.yaml:2:1: a secret does not belong in a client file | use x-hydra",
  ],
  ["j2.yaml", 'client_id: ""\nscope: a\n', "j2.yaml:1:1: client_id is empty | give an ID, or remove the field"],
  ["k.yaml", "scope: a\nmetadata: text\n", "k.yaml:2:1: metadata is not an object"],
  [
    "l.yaml",
    "client_id: a\nscope: a\nx-hydra: {key: k}\n---\nclient_id: a\nscope: a\nx-hydra: {key: l}\n",
    'l.yaml:5:1: client_id "a" is also at l.yaml:1:1',
  ],
  [
    "m.yaml",
    "client_id: a\nscope: a\n---\nclient_id: b\nscope: a\nx-hydra:\n  key: a\n",
    'm.yaml:7:3: key "a" is also at m.yaml:1:1',
  ],
  [
    "m2.yaml",
    "client_id: a\nscope: a\nx-hydra:\n  key: web\n---\nclient_id: web\nscope: a\n",
    'm2.yaml:6:1: key "web" is also at m2.yaml:4:3 | give one of them another x-hydra.key',
  ],
  [
    "m3.yaml",
    "scope: a\nx-hydra: {key: web}\n---\nclient_id: web\nscope: a\n",
    'm3.yaml:4:1: key "web" is also at m3.yaml:2:11',
  ],
  [
    "n.yaml",
    "scope: a\n---\nscope: b\n",
    'n.yaml:3:1: key "n" is also at n.yaml:1:1 | give one of them another x-hydra.key',
  ],
  ["o.yaml", "scope: a\nx-hydra: text\n", "o.yaml:2:1: x-hydra is not an object"],
  ["p.yaml", "scope: a\nx-hydra: {keey: a}\n", 'p.yaml:2:11: "x-hydra.keey" is not a setting | did you mean key?'],
  ["q.yaml", "scope: a\nx-hydra: {key: ''}\n", "q.yaml:2:11: x-hydra.key is not a name"],
  ["r.yaml", "scope: a\nx-hydra: {secret: abc}\n", "r.yaml:2:11: x-hydra.secret is not an object"],
  [
    "s.yaml",
    "scope: a\nx-hydra: {secret: {env: A, file: b}}\n",
    "s.yaml:2:11: x-hydra.secret needs either env or file",
  ],
  [
    "t.yaml",
    "scope: a\nx-hydra: {secret: {env: PATH, version: 0}}\n",
    "t.yaml:2:31: x-hydra.secret.version is not a positive whole number",
  ],
  [
    "u.yaml",
    "scope: a\nx-hydra: {secret: {environment: A}}\n",
    'u.yaml:2:20: "x-hydra.secret.environment" is not a setting',
    "u.yaml:2:11: x-hydra.secret needs either env or file",
  ],
  ["v.yaml", "scope: a\nx-hydra: {protect: yes}\n", "v.yaml:2:11: x-hydra.protect is not true or false"],
  ["w.yaml", "scope: a\nx-hydra: {ignore: implicit-grant}\n", "w.yaml:2:11: x-hydra.ignore is not a list"],
  [
    "x.yaml",
    "scope: a\nx-hydra:\n  ignore: [implicit-grant, scope-unsett]\n",
    "x.yaml:3:28: x-hydra.ignore names an unknown rule | did you mean scope-unset?",
  ],
  ["y.yaml", "scope: a\ngrant_types: client_credentials\n", "y.yaml:2:1: grant_types must be a list of strings"],
  ["z.yaml", "scope: a\nredirect_uris: [https://a.example/#x]\n", "z.yaml:2:1: redirect_uris "],
  [
    "aa.yaml",
    "scope: a\ntoken_endpoint_auth_method: none\nredirect_uris: [http://127.0.0.1/]\nx-hydra: {secret: {env: A}}\n",
    "aa.yaml:4:11: a public client has no secret",
  ],
  [
    "ab.yaml",
    "scope: ${{ one }}\nclient_name: ${{ two }} ${{ one }}\n",
    'ab.yaml:1:1: variable "one" is not defined | add --var one=VALUE, or set HYDRA_VAR_one',
    'ab.yaml:2:1: variable "two" is not defined',
  ],
  [
    "ab2.yaml",
    'scope: a\nclient_name: "${{ secrets.NAME }}"\ncontacts: ["${{ a-b }} ${{}}", "${{ open"]\n',
    "ab2.yaml:2:1: a placeholder has no valid name or no end | write ${{ NAME }}",
    "ab2.yaml:3:12: a placeholder",
    "ab2.yaml:3:32: a placeholder",
  ],
  [
    "ac.yaml",
    "apiVersion: hydra.ory.sh/v1alpha1\nkind: OAuth2Client\nmetadata: {name: a}\nspec:\n  grantTypes: [client_credentials]\n  scope: a\n  redirect_uris: []\n",
    'ac.yaml:7:3: "spec.redirect_uris" is not a key of an OAuth2Client | did you mean spec.redirectUris?',
  ],
  [
    "ad.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    "ad.yaml holds Kubernetes objects but no OAuth2Client",
  ],
  ["ae.yaml", "{}\n", "ae.yaml:1:1: the client has no field"],
  ["af.json", '[[[{\n  "scope": "a", "nme": 1}]]]', 'af.json:2:17: "nme" is not a client field'],
  [
    "ah.yaml",
    "clients:\n  - client_id: a\n    scope: a\nitems:\n  - client_id: b\n",
    'ah.yaml:1:1: "clients" is not allowed next to a list of items | keep all clients in items',
  ],
  [
    "ai.yaml",
    "client_id: a\nitem: []\nredirect_uri: x\nfoo: 1\nx-hydra: {protect: true}\nclients: []\n",
    'ai.yaml:1:1: "client_id" is not allowed | move it into the clients in clients',
    'ai.yaml:2:1: "item" is not allowed | did you mean items?',
    'ai.yaml:3:1: "redirect_uri" is not allowed | did you mean redirect_uris? It belongs in the clients under clients',
    'ai.yaml:4:1: "foo" is not allowed | remove it; only apiVersion',
    'ai.yaml:5:1: "x-hydra" is not allowed | move it into the clients in clients',
  ],
  [
    "aj.json",
    '[{"items": [{"clients": [],\n "clint_id": "a"}]}]',
    'aj.json:2:2: "clint_id" is not allowed | did you mean client_id? It belongs in the clients under clients',
  ],
  [
    "ak.yaml",
    "apiVersion: v1\nkind: List\nmetadata: {}\nitems: []\nclients: []\n",
    'ak.yaml:5:1: "clients" is not allowed next to a list of items',
  ],
  ["ag.yaml", "clients:\n  - client_id: a\n    scope: a\n  - client_id: .\n    scope: a\n", "ag.yaml:4:5: client_id "],
];

function run(files: Readonly<Record<string, string>>, ...flags: readonly string[]): Promise<Played> {
  return play(["diff", ...Object.keys(files), "-e", NOWHERE, "--no-warnings", ...flags], { files });
}

/** The errors on standard error, each with its hint. */
function errorsIn({ stderr }: Played): readonly string[] {
  return stderr.split("Error: ").slice(1);
}

/** A client that needs no secret. */
const PUBLIC = (id: string): string =>
  `client_id: ${id}\nscope: a\ntoken_endpoint_auth_method: none\ngrant_types: [refresh_token]\n`;

describe("invalid files are reported with their place, before the first request", () => {
  for (const [name, text, ...errors] of WRONG)
    test(name, async () => {
      const played = await run({ [name]: text });
      assert.equal(played.status, 2, played.stderr);
      const found = errorsIn(played);
      assert.equal(found.length, errors.length, played.stderr);
      for (const [at, error] of errors.entries()) {
        const [message = "", hint = ""] = error.split(" | ");
        const shown = found[at] ?? "";
        assert.ok(
          shown.startsWith(message.replace(/ names an unknown rule$/, "")),
          `${shown} does not begin with ${message}`,
        );
        assert.ok(shown.includes(hint), `${shown} has no ${hint}`);
      }
    });

  test("all of them together", async () => {
    const played = await run(Object.fromEntries(WRONG.map(([name, text]) => [name, text])));
    assert.equal(played.status, 2);
    const expected = WRONG.flatMap(([, , ...errors]) => errors);
    for (const error of expected)
      assert.ok(played.stderr.includes(error.split(/ \| | names an| is also at/)[0] ?? ""), `${error} is missing`);
  });

  test("a file that does not exist, and one that is given twice", async () => {
    const played = await run({ "a.yaml": "scope: a\n" }, "none.yaml", "a.yaml");
    assert.equal(played.status, 2);
    assert.match(played.stderr, /Cannot read "none\.yaml" for diff: the file does not exist/);
    assert.match(played.stderr, /"a\.yaml" is given twice/);
  });

  test("a folder without client files, which may be a wrong path, except with --allow-empty", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "c/README.md": "# text\n" });
      for (const command of ["diff", "apply"]) {
        const args = [command, join(bench.folder, "c"), "--stack", "s"];
        const played = await bench.run(args);
        assert.equal(played.status, 2, played.stderr);
        assert.match(played.stderr, /^Error: No file in directory ".*" ends in \.yaml, \.yml or \.json$/m);
        assert.equal((await bench.run([...args, "--allow-empty"])).status, 0);
      }
    }));

  test("unreadable entries of a folder, so that --prune deletes no client that may be in them", () =>
    withStateSetup("26", async (bench) => {
      bench.write({ "ext/two.yaml": PUBLIC("two"), "c/one.yaml": PUBLIC("one") });
      const at = (name: string): string => join(bench.folder, name);
      const apply = (...flags: readonly string[]): Promise<Played> => bench.run(["apply", ...flags, "--stack", "s"]);
      assert.equal((await apply(at("c"), at("ext"))).status, 0);
      bench.writes();
      symlinkSync("nowhere", at("c/two.yaml"));
      mkdirSync(at("c/dir.yaml"));
      execFileSync("mkfifo", [at("c/pipe.json")]);
      for (const [command, ...flags] of [
        ["apply", at("c"), "--prune"],
        ["export", "one", "--into", at("c")],
      ] as const) {
        const played = await bench.run([command, ...flags, ...(command === "apply" ? ["--stack", "s"] : [])]);
        assert.equal(played.status, 2, played.stderr);
        for (const [name, why] of [
          ["dir.yaml", "it is a directory"],
          ["pipe.json", "it is not a regular file"],
          ["two.yaml", "the symbolic link is broken"],
        ])
          assert.ok(played.stderr.includes(`Cannot read "${at(`c/${name}`)}" for ${command}: ${why}`), played.stderr);
      }
      assert.deepEqual(bench.writes(), []);
      for (const name of ["c/two.yaml", "c/dir.yaml", "c/pipe.json"]) rmSync(at(name), { recursive: true });
      symlinkSync("../ext", at("c/shared"));
      symlinkSync(".", at("c/loop"));
      const pruned = await apply(at("c"), "--prune");
      assert.equal(pruned.status, 0, pruned.stderr);
      assert.deepEqual(bench.writes(), []);
    }));

  test("--var that is not NAME=VALUE", async () => {
    const played = await run({ "a.yaml": "scope: a\n" }, "--var", "x", "--var", "1=hush-value");
    assert.equal(errorsIn(played).length, 2, played.stderr);
    assert.ok(!played.stderr.includes("hush"), played.stderr);
  });
});

/** A client for each rule that it breaks, as YAML. */
const BREAKING: Readonly<Record<string, string>> = {
  "field-type": "grant_types: x",
  "client-id-dots": "client_id: '..'",
  "secret-too-short": "x-hydra: {secret: {env: SHORT}}",
  "jwks-and-jwks-uri": "{jwks: {keys: [{kty: EC}]}, jwks_uri: 'https://a.example/'}",
  "jwks-private-key": "jwks: {keys: [{kty: EC, d: x}]}",
  "private-key-jwt-without-keys": "token_endpoint_auth_method: private_key_jwt",
  "assertion-algorithm": "{token_endpoint_auth_method: private_key_jwt, token_endpoint_auth_signing_alg: HS256}",
  "userinfo-algorithm": "userinfo_signed_response_alg: HS256",
  "redirect-uri-fragment": "redirect_uris: ['https://a.example/#x']",
  "post-logout-uri-mismatch": "post_logout_redirect_uris: ['https://a.example/']",
  "cors-origin": "allowed_cors_origins: [a]",
  "sector-identifier-uri-https": "sector_identifier_uri: http://a.example/",
  "redirect-uri-not-an-address": "redirect_uris: ['a b']",
  "no-callback": "grant_types: [authorization_code]",
  "redirect-uri-relative": "redirect_uris: [/cb]",
  "redirect-uri-plain-http": "redirect_uris: ['http://a.example/']",
  "redirect-uri-script": "redirect_uris: ['javascript:x']",
  "redirect-uri-wildcard": "redirect_uris: ['https://*.example/']",
  "implicit-grant": "grant_types: [implicit]",
  "public-client-credentials": "{token_endpoint_auth_method: none, grant_types: [client_credentials]}",
  "cors-origin-wildcard": "allowed_cors_origins: ['https://*.example']",
  "not-an-address": "logo_uri: x",
  "secret-too-long": "x-hydra: {secret: {env: LONG}}",
  "secret-characters": "x-hydra: {secret: {env: ODD}}",
  "grant-type-unknown": "grant_types: [client-credentials]",
  "auth-method-unknown": "token_endpoint_auth_method: client_secret",
  "response-type-unknown": "response_types: [codes]",
  "response-type-unused": "{response_types: [code, token], redirect_uris: ['https://a.example/']}",
  "response-type-missing": "response_types: [id_token]",
  "offline-without-refresh-token": "scope: offline",
  "refresh-token-without-offline": `{grant_types: [refresh_token], scope: '${"scope ".repeat(150)}'}`,
  "scope-misspelt": "scope: opendi",
  "scope-commas": "scope: 'a,b'",
  "uri-without-scheme": "redirect_uris: ['localhost:3000/cb']",
  "redirect-uri-several": "redirect_uris: ['https://a.example/,https://b.example/']",
  "redirect-uri-localhost": "{redirect_uris: ['http://localhost/'], token_endpoint_auth_method: none}",
  "pairwise-without-sector": "{subject_type: pairwise, redirect_uris: ['https://a.example/', 'https://b.example/']}",
  "pairwise-with-jwt": "{subject_type: pairwise, access_token_strategy: jwt}",
  "client-id-slash": "client_id: a/b",
  "client-id-not-unicode": "",
  "credential-outer-space": "client_id: ' a'",
  "control-character": 'owner: "a\\n"',
  placeholder: "client_id: '<id>'",
  "placeholder-in-uri": "redirect_uris: ['https://<host>/cb']",
  "secret-empty": "",
};

test("the hints of all rules mention fields of the file, and no flags that apply doesn't have", async () => {
  assert.deepEqual(Object.keys(BREAKING).sort(), CLIENT_RULES.map(({ name }) => name).sort());
  const environment = { SHORT: "abc", LONG: "a".repeat(80), ODD: "with a blank here" };
  const found = new Set<string>();
  for (const [rule, text] of Object.entries(BREAKING)) {
    // Strings of files become valid Unicode, and there an empty secret counts as none.
    if (text === "") continue;
    const args = ["apply", "a.yaml", "--dry-run", "--strict", "-e", NOWHERE];
    const played = await play(args, { files: { "a.yaml": `${text}\n` }, environment });
    assert.equal(played.status, 2, `${rule}: ${played.stderr}`);
    for (const hint of played.stderr.split("\n").filter((line) => line.startsWith("Hint: ")))
      assert.doesNotMatch(hint, /--[a-z]|\p{Cc}/u);
    for (const code of codesOf(await play([...args, "--format", "json"], { files: { "a.yaml": text }, environment })))
      found.add(code);
  }
  assert.deepEqual(
    Object.keys(BREAKING).filter((rule) => BREAKING[rule] !== "" && !found.has(rule)),
    [],
  );
});

test("with --lenient, unknown fields are sent, and a note says that they can't be compared", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "a.yaml": "client_id: a\nscope: a\nsoftware_id: x\n" });
    const out = join(bench.folder, "out");
    const flags = [join(bench.folder, "a.yaml"), "--lenient"];
    assert.equal((await bench.run(["apply", ...flags, "--secret-out", out])).status, 0);
    const shown = await bench.run(["diff", ...flags, "--exit-code"]);
    assert.equal(shown.status, 0);
    assert.match(shown.stderr, /"software_id" is not a client field/);
    assert.match(shown.stdout, /software_id is not in the server's answers, so it is not compared/);
  }));

test("the examples in docs/state.md are right", () =>
  withStateSetup("26", async (bench) => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/state.md"), "utf8");
    const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
    assert.equal(examples.length, 2);
    for (const [at, text] of examples.entries()) bench.write({ [`c/${at}.yaml`]: text });
    const flags = ["--strict", "--var", 'redirect_uris=["https://app.example.com/cb"]'];
    const played = await bench.run(["diff", join(bench.folder, "c"), ...flags]);
    assert.equal(played.status, 0, played.stderr);
    assert.match(played.stdout, /^2 to create$/m);
  }));

test("import and export also reject a file with more than a list of clients, and 'JWT' is a strategy", () =>
  withStateSetup("26", async (bench) => {
    bench.write({
      "a.yaml": "client_id: a\nscope: a\nitems: [{client_id: b, scope: a}]\n",
      "l.yaml":
        "$schema: x\nx-team: a\nmetadata: {a: b}\nclients:\n  - client_id: c\n    scope: a\n    access_token_strategy: JWT\n",
    });
    const [wrong, right] = [join(bench.folder, "a.yaml"), join(bench.folder, "l.yaml")];
    const imported = await bench.run(["clients", "import", right, "--format", "id"]);
    assert.equal(imported.status, 0, imported.stderr);
    assert.equal((await bench.run(["diff", right])).stdout.includes("access_token_strategy"), false);
    for (const args of [
      ["clients", "import", wrong],
      ["clients", "create", "--file", wrong],
      ["export", "c", "--into", wrong],
    ]) {
      const played = await bench.run(args);
      assert.equal(played.status, 2, args.join(" "));
      assert.match(played.stderr, /"client_id" is not allowed next to a list of items/);
    }
  }));

test("import ignores x-hydra, and reports that", () =>
  withStateSetup("26", async (bench) => {
    bench.write({ "a.yaml": "client_id: a\nscope: a\nx-hydra: {key: other}\n" });
    const played = await bench.run(["clients", "import", join(bench.folder, "a.yaml"), "--format", "id"]);
    assert.equal(played.status, 0, played.stderr);
    assert.match(played.stderr, /^Warning: x-hydra of a client is ignored: only hydra apply reads it$/m);
    assert.equal("x-hydra" in (await bench.ask("GET", "a")), false);
  }));

/** The clients that a plan for files creates, by key. */
async function planned(
  bench: StateSetup,
  args: readonly string[],
  stdin?: string,
): Promise<ReadonlyMap<unknown, JsonObject>> {
  const played = await bench.run(["diff", ...args, "--format", "json"], stdin === undefined ? {} : { stdin });
  assert.equal(played.status, 0, played.stderr);
  const { clients } = jsonObject(played.stdout);
  assert.ok(Array.isArray(clients));
  return new Map(clients.filter(isJsonObject).map((client) => [client["key"], client]));
}

function sourcesOf(clients: ReadonlyMap<unknown, JsonObject>, folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...clients].map(([key, { source }]) => {
      assert.ok(isJsonObject(source));
      return [String(key), `${String(source["file"]).replace(`${folder}/`, "")}:${String(source["line"])}`];
    }),
  );
}

describe("files", () => {
  test("of a folder are read recursively in order; hidden ones, packages and other kinds are skipped", () =>
    withStateSetup("26", async (bench) => {
      bench.write({
        "c/web.yaml": "scope: a\n",
        "c/b/api.json": '{"client_id": "api", "scope": ["a", "b"]}',
        "c/b/two.yml": "---\nclient_id: x\nscope: a\n---\n---\nclient_id: y\nscope: a\n",
        "c/list.json": '{"items": [{"client_id": "i", "scope": "a", "created_at": "2020-01-01T00:00:00Z"}]}',
        "c/lines.json": '{"client_id": "l1", "scope": "a"}\n{"client_id": "l2", "scope": "a"}\n',
        "c/.hidden/x.yaml": "nothing: good\n",
        "c/.x.yaml": "nothing: good\n",
        "c/node_modules/x.json": "{}",
        "c/kustomization.yaml": "resources: [web.yaml]\n",
        "c/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
        "c/README.md": "# text\n",
      });
      const clients = await planned(bench, [join(bench.folder, "c")]);
      assert.deepEqual(sourcesOf(clients, bench.folder), {
        api: "c/b/api.json:1",
        x: "c/b/two.yml:2",
        y: "c/b/two.yml:6",
        l1: "c/lines.json:1",
        l2: "c/lines.json:2",
        i: "c/list.json:1",
        web: "c/web.yaml:1",
      });
    }));

  test("of hydra-maester become clients with its owner and the Secret that it names", () =>
    withStateSetup("26", async (bench) => {
      bench.write({
        "m/all.yaml": `apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata: {name: web, namespace: auth}
spec:
  grantTypes: [client_credentials]
  scopeArray: [a, b]
  secretName: web-credentials
  deletionPolicy: orphan
`,
      });
      const out = join(bench.folder, "s.yaml");
      const files = join(bench.folder, "m");
      const played = await bench.run(["apply", files, "--secret-out", out, "--format", "ndjson"]);
      assert.equal(played.status, 0, played.stderr);
      const [created] = jsonLines(played.stdout);
      assert.equal(created?.["key"], "auth/web");
      const client = await bench.ask("GET", String(created?.["client_id"]));
      assert.equal(client["owner"], "web/auth");
      assert.equal(client["scope"], "a b");
      assert.deepEqual(client["metadata"], { "hydra.apply": { stack: "default", key: "auth/web", protect: true } });
      assert.match(readFileSync(out, "utf8"), /name: "web-credentials"\n {2}namespace: "auth"\n/);
      assert.equal((await bench.run(["diff", files, "--exit-code"])).status, 0);
    }));

  test("of hydra-maester without a namespace, or with an empty one, are in default", () =>
    withStateSetup("26", async (bench) => {
      const manifest = (metadata: string): string =>
        `apiVersion: hydra.ory.sh/v1alpha1\nkind: OAuth2Client\nmetadata: ${metadata}\nspec: {grantTypes: [client_credentials], scope: a, secretName: s}\n`;
      const files = join(bench.folder, "m.yaml");
      bench.write({ "m.yaml": manifest('{name: web, namespace: ""}') });
      const secrets = join(bench.folder, "s.yaml");
      const played = await bench.run(["apply", files, "--secret-out", secrets, "--format", "ndjson"]);
      assert.equal(played.status, 0, played.stderr);
      assert.equal(jsonLines(played.stdout)[0]?.["key"], "default/web");
      assert.doesNotMatch(readFileSync(secrets, "utf8"), /namespace/);
      for (const metadata of ["{name: web}", "{name: web, namespace: default}"]) {
        bench.write({ "m.yaml": manifest(metadata) });
        assert.equal((await bench.run(["diff", files, "--exit-code"])).status, 0, metadata);
      }
    }));

  test("that only contain other Kubernetes objects are skipped in a folder, and wrong where they are named", () =>
    withStateSetup("26", async (bench) => {
      const other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
      bench.write({
        "m/a.yaml": `apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata: {name: "a: skipped b"}
spec: {grantTypes: [client_credentials], scope: a, secretName: s, hydraAdmin: {url: "http://hydra"}}
---
${other}`,
        "m/b.yaml": other,
        "m/b.yaml copy": other,
      });
      const folder = join(bench.folder, "m");
      const played = await bench.run(["diff", folder]);
      assert.equal(played.status, 0, played.stderr);
      assert.match(played.stderr, /spec\.hydraAdmin is ignored/);
      assert.match(played.stderr, /Skipped Kubernetes objects of other kinds in 2 files/);
      // Its name begins with that of a file of the folder.
      const named = await bench.run(["diff", folder, join(folder, "b.yaml copy")]);
      assert.equal(named.status, 2, named.stderr);
      assert.match(named.stderr, /b\.yaml copy holds Kubernetes objects but no OAuth2Client/);
    }));

  test("with the Secret of a manifest give the ID and the secret", () =>
    withStateSetup("26", async (bench) => {
      bench.write({
        "m/a.yaml":
          "apiVersion: hydra.ory.sh/v1alpha1\nkind: OAuth2Client\nmetadata: {name: web}\nspec: {grantTypes: [client_credentials], scope: a, secretName: s}\n",
        "m/b.yaml":
          "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {CLIENT_ID: the-id, CLIENT_SECRET: given-secret-1234567890-abcdef}\n",
      });
      const files = join(bench.folder, "m");
      const played = await bench.run(["apply", files, "--verify", "--format", "ndjson"]);
      assert.equal(played.status, 0, played.stderr);
      assert.match(played.stderr, /accepted the secret of client "the-id"/);
      assert.doesNotMatch(played.stdout + played.stderr, /given-secret/);
    }));

  test("from standard input need a key or an ID", () =>
    withStateSetup("26", async (bench) => {
      const clients = await planned(
        bench,
        ["-"],
        '{"client_id": "a", "scope": "x"}\n{"scope": "x", "x-hydra": {"key": "b"}}',
      );
      assert.deepEqual([...clients.keys()], ["a", "b"]);
      const played = await bench.run(["diff", "-"], { stdin: '{"scope": "x"}' });
      assert.equal(played.status, 2);
      assert.match(played.stderr, /standard input:1:1: the client has neither a client_id nor a key/);
    }));

  test("take variables from --var and HYDRA_VAR_…, and no others from the environment", () =>
    withStateSetup("26", async (bench) => {
      bench.write({
        "a.yaml": "client_id: ${{ id }}\nscope: ${{ scopes }}\nredirect_uris: ['https://${{ host }}/cb']\n",
      });
      const played = await bench.run(
        [
          "diff",
          join(bench.folder, "a.yaml"),
          "--var",
          "host=a.example",
          "--var",
          'scopes=["x","y"]',
          "--format",
          "json",
        ],
        { environment: { HYDRA_VAR_id: "from-env", HYDRA_VAR_host: "b.example", id: "wrong" } },
      );
      assert.equal(played.status, 0, played.stderr);
      assert.match(played.stdout, /"client_id":"from-env"/);
      assert.match(played.stdout, /"after":"x y"/);
      assert.match(played.stdout, /https:\/\/a\.example\/cb/);
    }));

  test("printed by list are applied as they are", () =>
    withStateSetup("2.3", async (bench) => {
      await bench.ask("POST", "", {
        client_id: "a",
        scope: "x",
        metadata: { team: 1 },
        redirect_uris: ["https://a.example/cb"],
      });
      const listed = await bench.run(["clients", "list", "--format", "json"]);
      const shown = await bench.run(["diff", "-", "--format", "json"], { stdin: listed.stdout });
      assert.equal(shown.status, 0, shown.stderr);
      const { clients } = jsonObject(shown.stdout);
      assert.ok(Array.isArray(clients) && clients.length === 1 && isJsonObject(clients[0]));
      assert.equal(clients[0]["action"], "adopt");
      assert.deepEqual(clients[0]["changes"], []);
    }));
});

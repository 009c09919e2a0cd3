/** The commands about keys, on sets that nothing is signed with. */

import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import * as v from "valibot";
import { type Ended, temporaryFolder } from "../e2e/binary.ts";
import { openRandom, type RandomSource } from "../e2e/random.ts";
import type { Dependencies } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, textOf } from "./servers.ts";

const Keys = v.array(v.record(v.string(), v.unknown()));

const random = openRandom("keys");

const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "k"];

function keysIn(text: string): readonly Json[] {
  return v.parse(Keys, asJson(JSON.parse(text))["keys"]);
}

function assertDone(ended: Ended): Ended {
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

function assertPublic(text: string, keys: readonly Json[]): void {
  for (const key of keys)
    for (const name of PRIVATE) {
      const part = key[name];
      if (typeof part === "string") assert.ok(!text.includes(part), `${name} is shown`);
    }
}

type Kind = "rsa" | "P-256" | "P-521" | "ed25519";

function privateJwk(kind: Kind): Json {
  const pair =
    kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : kind === "ed25519"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ec", { namedCurve: kind });
  return asJson(pair.privateKey.export({ format: "jwk" }));
}

/** What the routes of keys depend on. */
const keyRouteTraits: Dependencies = ({
  prefix,
  errors,
  missing,
  router,
  keys: { namesOldAccessKey: _, ...keys },
}) => ({
  ...{ prefix, errors, missing, router },
  ...keys,
});

onEveryServer("key sets", keyRouteTraits, (server, testsFor) => {
  const made = new Set<string>();
  const newSet = (): string => {
    const set = `test-${randomUUID()}`;
    made.add(set);
    return set;
  };
  const pathOf = (set: string): string => `${server().family === "v2" ? "/admin" : ""}/keys/${set}`;
  const stored = async (set: string): Promise<readonly Json[]> => {
    const { status, body } = await server().ask("GET", pathOf(set));
    return status === 200 ? v.parse(Keys, asJson(body)["keys"]) : [];
  };
  const run = (...args: readonly string[]): Promise<Ended> => server().run(args);
  after(async () => {
    for (const set of made) await server().ask("DELETE", pathOf(set));
  });

  test("are created, shown and deleted in both syntaxes, without their private parts", async () => {
    const set = newSet();
    const first = assertDone(await run("keys", "create", set, "--alg", "ES512"));
    const second = assertDone(await run("create", "jwk", set, "second", "--alg", "RS256", "--format", "json"));
    const keys = await stored(set);
    assertPublic(`${first.stdout}${first.stderr}${second.stdout}${second.stderr}`, keys);
    const isPair = server().family === "v1";
    assert.equal(keys.length, isPair ? 4 : 2);
    assert.equal(asJson(JSON.parse(second.stdout))["set"], set);
    assert.equal(textOf(keysIn(second.stdout)[0] ?? {}, "kid"), isPair ? "public:second" : "second");
    const shown = assertDone(await run("keys", "get", set));
    assertPublic(shown.stdout, keys);
    assert.equal(keysIn(shown.stdout).length, 2);
    assert.match(shown.stderr, /Private parts are left out/);
    const [newest] = keysIn(shown.stdout);
    assert.equal(newest?.["alg"], "RS256");
    const one = assertDone(await run("get", "jwks", set, "--kid", "second", "-q"));
    assert.equal(one.stdout, isPair ? "public:second\n" : "second\n");
    assert.equal((await run("keys", "get", set, "--kid", "third")).status, 4);
    const conflict = await run("keys", "create", set, "second");
    assert.equal(conflict.status, 5, conflict.stderr);
    const unknown = await run("keys", "delete", set, "--kid", "third");
    assert.equal(unknown.status, 4, unknown.stderr);
    assert.match(unknown.stderr, /Key "third" is not in key set/);
    assert.equal(unknown.stdout, "");
    assert.deepEqual(await stored(set), keys);
    const line = assertDone(await run("keys", "delete", set, "--kid", "second"));
    assert.equal(line.stdout, `JSON Web Key deleted: second of set ${set}\n`);
    assert.equal((await stored(set)).length, isPair ? 2 : 1);
    assert.equal(assertDone(await run("keys", "delete", set)).stdout, `JSON Web Key Set deleted: ${set}\n`);
    assert.equal((await run("keys", "get", set)).status, 4);
    const missing = await run("keys", "delete", set);
    assert.equal(missing.status, 4, missing.stderr);
    assert.match(missing.stderr, /key set ".*" not found/);
    assert.equal(missing.stdout, "");
  });

  testsFor(({ prefix, errors }) => [prefix, errors])(
    "are shown several at a time in the 2.x syntax, and one at a time in the 1.x syntax",
    async () => {
      const [a, b] = [newSet(), newSet()];
      for (const set of [a, b]) assertDone(await run("keys", "create", set, "--alg", "ES512"));
      const table = assertDone(await run("get", "jwk", a, b));
      assert.match(table.stdout, /^SET ID\s+KEY ID\s+ALGORITHM\s+USE\s*\n/);
      assert.ok(table.stdout.includes(a) && table.stdout.includes(b));
      const both: unknown = JSON.parse(assertDone(await run("get", "jwk", a, b, "--format", "json")).stdout);
      assert.deepEqual(
        v.parse(Keys, both).map(({ set }) => set),
        [a, b],
      );
      for (const verb of ["get", "delete"]) {
        const refused = await run("keys", verb, a, b);
        assert.equal(refused.status, 2);
        assert.match(refused.stderr, /for one key of the set, use --kid/);
      }
      const some = await run("delete", "jwk", a, newSet(), b);
      assert.equal(some.status, 8, some.stderr);
      assert.match(some.stderr, /key set ".*" not found/);
      assert.deepEqual([await stored(a), await stored(b)], [[], []]);
    },
  );

  test("include private parts with --private, and in a new file that only the owner can read", async () => {
    const set = newSet();
    using folder = temporaryFolder();
    const file = join(folder.path, "new.json");
    const created = assertDone(await run("keys", "create", set, "--alg", "ES512", "--key-out", file));
    const keys = await stored(set);
    assertPublic(`${created.stdout}${created.stderr}`, keys);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(new Set(keysIn(readFileSync(file, "utf8")).map(({ d }) => d)), new Set(keys.map(({ d }) => d)));
    const shown = assertDone(await run("keys", "get", set, "--private", "--format", "json"));
    assert.deepEqual(keysIn(shown.stdout), keys);
    assert.deepEqual(keysIn(assertDone(await run("get", "jwk", set, "--private")).stdout), keys);
    const pem = join(folder.path, "key.pem");
    assertDone(await run("keys", "get", set, "--private", "--out", pem));
    assert.match(readFileSync(pem, "utf8"), /^-----BEGIN PRIVATE KEY-----\n[\s\S]*-----END PRIVATE KEY-----\n$/);
    assert.equal((await run("keys", "get", set, "--private", "--out", pem)).status, 2);
    assert.equal((await run("keys", "get", set, "--private", "--public")).status, 2);
    const open = assertDone(await run("keys", "get", set, "--format", "pem"));
    assert.match(open.stdout, /^-----BEGIN PUBLIC KEY-----\n[\s\S]*-----END PUBLIC KEY-----\n$/);
  });

  test("are imported from files, with IDs by RFC 7638 and the algorithm of the key", async () => {
    const set = newSet();
    using folder = temporaryFolder();
    const file = join(folder.path, "key.json");
    // The example of RFC 7638, section 3.1.
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    writeFileSync(file, JSON.stringify({ kty: "RSA", n, e: "AQAB" }));
    const ended = assertDone(await run("import", "jwk", set, file, "--format", "json"));
    const [key = {}] = keysIn(ended.stdout);
    assert.equal(key["kid"], "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert.deepEqual([key["alg"], key["use"]], ["RS256", "sig"]);
    const contradiction = await run("import", "jwk", set, file, "--alg", "ES256");
    assert.equal(contradiction.status, 2);
    assert.match(contradiction.stderr, /--alg ES256 does not fit the key in ".*": its type is RSA/);
    assert.equal((await stored(set)).length, 1);
    writeFileSync(file, JSON.stringify({ Payload: { keys: [privateJwk("P-521")] } }));
    const wrapped = assertDone(await run("keys", "import", set, file, "--kid", "chosen"));
    assert.equal(wrapped.stdout, "JSON Web Key Set successfully imported!\n");
    const isPair = server().family === "v1";
    const ids = (await stored(set)).map(({ kid }) => kid);
    for (const kid of isPair ? ["private:chosen", "public:chosen"] : ["chosen"]) assert.ok(ids.includes(kid), kid);
    // A public key doesn't take the place of its private half, nor another key that of one with the same ID.
    const publicOnly = join(folder.path, "pub.json");
    writeFileSync(publicOnly, assertDone(await run("keys", "get", set, "--kid", "chosen")).stdout);
    assertDone(await run("keys", "import", set, publicOnly));
    const left = await stored(set);
    assert.deepEqual(new Set(left.map(({ kid }) => kid)), new Set(ids));
    assert.equal(left.filter(({ d }) => d !== undefined).length, 1);
    writeFileSync(file, JSON.stringify(privateJwk("P-521")));
    assert.equal((await run("keys", "import", set, file, "--kid", "chosen")).status, 5);
  });

  for (const round of [1, 2, 3]) {
    const define = round === 1 ? test : testsFor(({ keys: { pairs } }) => pairs);
    define(`are restored from a backup with IDs, order and contents (${round})`, async () => {
      const [set, copy] = [newSet(), newSet()];
      using folder = temporaryFolder();
      const files = drawFiles(random, folder.path);
      assertDone(await run("keys", "import", set, ...files));
      const before = await stored(set);
      const backup = join(folder.path, "backup.json");
      writeFileSync(backup, assertDone(await run("keys", "get", set, "--private", "--format", "json")).stdout);
      assertDone(await run("keys", "import", copy, backup));
      assert.deepEqual(await stored(copy), before);
      assertDone(await run("keys", "create", copy, "--alg", "ES512"));
      assertDone(await run("keys", "import", copy, backup, "--replace"));
      assert.deepEqual(await stored(copy), before);
    });
  }

  // The program rejects it by itself.
  testsFor(() => "any")("are not changed if the input is invalid", async () => {
    const set = newSet();
    using folder = temporaryFolder();
    const file = join(folder.path, "bad");
    for (const [text, problem] of [
      ["", /it is empty/],
      ["{}", /neither a key nor a key set/],
      ['{"keys":[]}', /There is no key to import/],
      ['{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}', /it is incomplete/],
      [
        '{"kty":"EC","crv":"P-256","alg":"RS256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}',
        /it says "alg": "RS256", but its type is EC P-256/,
      ],
      ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", /it is damaged/],
      ["-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", /ssh-keygen -p -m PKCS8 -f/],
      ["-----BEGIN PGP MESSAGE-----\n", /gpg --decrypt/],
      ["\u0030\u0000 no key", /its format is not supported|damaged/],
    ] as const) {
      writeFileSync(file, text);
      const ended = await run("keys", "import", set, file);
      assert.equal(ended.status, 2, text);
      assert.match(ended.stderr, problem);
    }
    for (const name of ["a/b", "..", "."]) assert.equal((await run("keys", "get", name)).status, 2);
    assert.deepEqual(await stored(set), []);
    assert.ok(!existsSync(join(folder.path, "out")));
  });
});

const rsaKeys: Json[] = [];

/** The RSA key with a number, the same for every draw: to generate one takes longer than everything else. */
function rsaJwk(number: number): Json {
  const key = rsaKeys[number] ?? privateJwk("rsa");
  rsaKeys[number] = key;
  return key;
}

/** One to three files with one to three keys each: JSON Web Keys or sets, with and without IDs. */
function drawFiles(random: RandomSource, folder: string): readonly string[] {
  let drawn = 0;
  return Array.from({ length: 1 + random.below(3) }, (_, at) => {
    const file = join(folder, `${at}.json`);
    const keys = Array.from({ length: 1 + random.below(3) }, (_key, n): Json => {
      const kind = random.pick<Kind>(["P-256", "P-521", "ed25519", "rsa"]);
      const key = kind === "rsa" ? rsaJwk(drawn++) : privateJwk(kind);
      return { ...key, ...(random.chance(0.5) ? { kid: `key-${at}-${n}` } : {}) };
    });
    writeFileSync(file, JSON.stringify(keys.length === 1 ? keys[0] : { keys }));
    return file;
  });
}

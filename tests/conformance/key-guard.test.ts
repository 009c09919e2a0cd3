/**
 * Every command that changes the keys that sign, with every kind of key: a change is rejected if, and only if, it harms
 * logins. A login with `--yes` shows whether it does.
 */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import * as v from "valibot";
import { type Ended, temporaryFolder } from "../e2e/binary.ts";
import { signingTraits } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, type Server, textOf } from "./servers.ts";
import { logIn, publishedKeys, registerLoginClient } from "./signed-login.ts";

const SET = "hydra.openid.id-token";

const Keys = v.array(v.record(v.string(), v.unknown()));

const Jwk = v.record(v.string(), v.string());

function rsa(bits = 2048): Json {
  return v.parse(Jwk, generateKeyPairSync("rsa", { modulusLength: bits }).privateKey.export({ format: "jwk" }));
}

function ec(): Json {
  return v.parse(Jwk, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }));
}

function publicOf(key: Json): Json {
  const names = ["kty", "crv", "n", "e", "x", "y", "kid", "use", "alg"];
  return Object.fromEntries(Object.entries(key).filter(([name]) => names.includes(name)));
}

/** A key as a server stores it, the newer half last. */
function storedAs({ family }: Server, key: Json): readonly Json[] {
  const kid = textOf(key, "kid");
  if (family === "v2") return [key];
  return [
    { ...key, kid: `private:${kid}` },
    { ...publicOf(key), kid: `public:${kid}` },
  ];
}

const USUAL = { alg: "RS256", use: "sig" };
const OLD: Json = { ...rsa(), ...USUAL, kid: "old" };
const SIGNING: Json = { ...rsa(), ...USUAL, kid: "signing" };

/** One key for all that are put into a set; no case has two of them. */
const NEXT = rsa();

/** Keys that people put into a signing set. */
const NEW_KEYS: Readonly<Record<string, Json>> = {
  "an RSA key": { ...NEXT, ...USUAL },
  "an RSA key for encryption": { ...NEXT, ...USUAL, use: "enc" },
  "an RSA key for RS512": { ...NEXT, ...USUAL, alg: "RS512" },
  "an RSA key for PS256": { ...NEXT, ...USUAL, alg: "PS256" },
  "an RSA key for RSA-OAEP": { ...NEXT, alg: "RSA-OAEP" },
  "a short RSA key": { ...rsa(1024), ...USUAL },
  "an EC key": { ...ec(), alg: "ES256", use: "sig" },
  "a shared secret": { kty: "oct", k: "AyM1SysPpbyDfgZld3umj1qzKObwVMko", alg: "HS256", use: "sig" },
  "a public key": publicOf({ ...NEXT, ...USUAL }),
};

/** One change: the command line, what is in the file `FILE`, and the public key that is in the set before. */
interface Case {
  readonly args: readonly string[];
  readonly file?: Json;
  readonly published?: Json;
}

function importCases(): readonly (readonly [string, Case])[] {
  return Object.entries(NEW_KEYS).flatMap(([name, file]): readonly (readonly [string, Case])[] => [
    [`import of ${name}`, { args: ["import", SET, "FILE", "--kid", "next"], file }],
    [`replacement by ${name}`, { args: ["import", SET, "FILE", "--kid", "next", "--replace"], file }],
    [`other contents: ${name}`, { args: ["import", SET, "FILE", "--kid", "signing", "--replace"], file }],
  ]);
}

const FLAG_CASES: readonly (readonly [string, Case])[] = [
  ["import --use enc", { args: ["import", SET, "FILE", "--use", "enc"], file: { ...NEXT, kid: "next" } }],
  ["import --alg RS512", { args: ["import", SET, "FILE", "--alg", "RS512"], file: { ...NEXT, kid: "next" } }],
  ["an older backup", { args: ["import", SET, "FILE", "--replace"], file: OLD }],
  ["the same set", { args: ["import", SET, "FILE", "--replace"], file: { keys: [SIGNING, OLD] } }],
  ["the set in another order", { args: ["import", SET, "FILE", "--replace"], file: { keys: [OLD, SIGNING] } }],
  ["create", { args: ["create", SET] }],
  ["create --use enc", { args: ["create", SET, "--use", "enc"] }],
  ["create --alg ES512", { args: ["create", SET, "--alg", "ES512"] }],
  ["delete of the set", { args: ["delete", SET] }],
  ["delete of the key that signs", { args: ["delete", SET, "--kid", "signing"] }],
  ["delete of an older key", { args: ["delete", SET, "--kid", "old"] }],
  ["rotate", { args: ["rotate", SET] }],
  ["rotate --alg ES512", { args: ["rotate", SET, "--alg", "ES512"] }],
  ["rotate --retire", { args: ["rotate", SET, "--retire", "old"] }],
];

const PAIR_CASES: readonly (readonly [string, Case])[] = [
  ["create --alg HS256", { args: ["create", SET, "--alg", "HS256"] }],
  ["rotate --alg HS256", { args: ["rotate", SET, "--alg", "HS256"] }],
  ["delete of the private half", { args: ["delete", SET, "--kid", "private:signing"] }],
  ["delete of the public half", { args: ["delete", SET, "--kid", "public:signing"] }],
];

/** Hydra 1.x rotates in one step only. */
function activationCases(): readonly (readonly [string, Case])[] {
  const privateKeys = Object.entries(NEW_KEYS).filter(([, { d }]) => d !== undefined);
  return privateKeys.map(([name, key]) => {
    const published = publicOf({ ...key, kid: "next" });
    const { use: _, alg: __, ...file } = key;
    return [`activation of ${name}`, { args: ["rotate", SET, "--activate", "--key", "FILE"], file, published }];
  });
}

onEveryServer("a change of the keys that sign", signingTraits, (server, testsFor) => {
  let clientId = "";
  let original: readonly Json[] = [];
  /** A token that the usual keys signed. */
  let usual: string | undefined;
  const folder = temporaryFolder();
  // One import of each new key and some of each kind, and the rest.
  const isSome = (at: number): boolean => at % 3 === Math.floor(at / 3) % 3;
  const someImports = importCases().filter((_, at) => isSome(at));
  const otherImports = importCases().filter((_, at) => !isSome(at));
  const path = (): string => `${server().family === "v2" ? "/admin" : ""}/keys/${SET}`;

  async function stored(): Promise<readonly Json[]> {
    const { status, body } = await server().ask("GET", path());
    return status === 200 ? v.parse(Keys, asJson(body)["keys"]) : [];
  }
  /** The last key of a list becomes the newest. */
  async function put(keys: readonly Json[]): Promise<void> {
    assert.equal((await server().ask("PUT", path(), { keys })).status, 200);
  }
  async function verifies(token: string): Promise<boolean> {
    try {
      const keys = await publishedKeys(server());
      await jwtVerify(token, createLocalJWKSet({ keys: keys.map((key) => ({ ...key, kty: textOf(key, "kty") })) }));
      return true;
    } catch {
      return false;
    }
  }
  /** The ID token of a login; undefined if the login fails. */
  async function idToken(): Promise<string | undefined> {
    const tokens = await logIn(server(), clientId);
    return tokens === "failed" ? undefined : tokens.rawIdToken;
  }
  /** Whether a login fails, gives a token that clients reject, or an issued token can no longer be verified. */
  async function isHarmed(issued: string): Promise<boolean> {
    const token = await idToken();
    if (token === undefined) return true;
    const { alg } = v.parse(v.looseObject({ alg: v.string() }), JSON.parse(atob(token.split(".")[0] ?? "")));
    return alg !== "RS256" || !(await verifies(token)) || !(await verifies(issued));
  }
  async function run({ args, file }: Case, ...more: readonly string[]): Promise<Ended> {
    const name = join(folder.path, "key.json");
    if (file !== undefined) writeFileSync(name, JSON.stringify(file));
    return server().run(["keys", ...args.map((word) => (word === "FILE" ? name : word)), ...more]);
  }

  before(async () => {
    clientId = await registerLoginClient(server());
    await logIn(server(), clientId);
    original = await stored();
  });
  after(async () => {
    folder[Symbol.dispose]();
    await put(original.toReversed());
  });

  /** Puts the keys into the set that a case begins with, and returns a token that they signed. */
  async function begin(published: readonly Json[]): Promise<string> {
    await put([...published, ...[OLD, SIGNING].flatMap((key) => storedAs(server(), key))]);
    const token = (published.length === 0 ? usual : undefined) ?? (await idToken());
    if (published.length === 0) usual = token;
    assert.ok(token !== undefined && (await verifies(token)), "the keys before the change don't sign");
    return token;
  }

  async function check(name: string, given: Case): Promise<void> {
    const issued = await begin(given.published === undefined ? [] : [given.published]);
    const unchanged = await stored();
    const guarded = await run(given);
    if (guarded.status === 0)
      return assert.equal(await isHarmed(issued), false, `${name} does harm: ${guarded.stderr}`);
    assert.equal(guarded.status, 2, `${name}: ${guarded.stderr}`);
    assert.match(guarded.stderr, /^Error: Cannot change key set .*\nHint: .*; --yes continues anyway$/m, name);
    assert.deepEqual(await stored(), unchanged, name);
    const ended = await run(given, "--yes");
    assert.equal(ended.status, 0, `${name}: ${ended.stderr}`);
    // Hydra 1.8 finds keys by the prefix of their IDs, so that a shared secret without one harms only 1.11.
    if (server().family === "v1" && /shared secret|HS256/.test(name)) return;
    assert.equal(await isHarmed(issued), true, `${name} does no harm: ${guarded.stderr}`);
  }

  test("is rejected if it harms logins, and only then", async () => {
    const own = server().family === "v1" ? PAIR_CASES : activationCases();
    for (const [name, given] of [...someImports, ...FLAG_CASES, ...own]) await check(name, given);
  });

  testsFor(({ keys: { pairs } }) => pairs)("is rejected if it harms logins: every import of every key", async () => {
    for (const [name, given] of otherImports) await check(name, given);
  });
});

import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import {
  asJsonWebKey,
  type JsonWebKey,
  jsonWebKeysIn,
  keysOfSet,
  publicPart,
} from "../../../lib/core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../../../lib/core/jwk/jwk-members.ts";
import { signingAndEncryptionAlgorithms } from "../../../lib/core/jwk/key-algorithms.ts";
import {
  hasKidOrPrefixedKid,
  includesKeyOrPrivateHalf,
  kidWithoutPrefix,
  publicKeyOfEachPair,
  withoutRedundantPublicHalves,
} from "../../../lib/core/jwk/key-pair-halves.ts";
import { withCrtMembersFromPrimes } from "../../../lib/core/jwk/rsa-parameters.ts";
import { RUNS_EVERYTHING } from "../../thorough.ts";

function key(members: Readonly<Record<string, unknown>>): JsonWebKey {
  return asJsonWebKey(members) ?? assert.fail("it is not a key");
}

function rsaKey(): JsonWebKey {
  return key(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }));
}

const EC = { kty: "EC", crv: "P-256", x: "eA", y: "eQ" };

describe("jsonWebKeysIn()", () => {
  test("reads a key, a set, the wrapper of Hydra's CLI 1.8, and lists of them", () => {
    const one = key({ ...EC, kid: "a" });
    const two = key({ ...EC, kid: "b" });
    const read: readonly (readonly [unknown, readonly JsonWebKey[] | undefined])[] = [
      [one, [one]],
      [{ keys: [one, two] }, [one, two]],
      [{ set: "s", keys: [one] }, [one]],
      [{ Payload: { keys: [two] } }, [two]],
      [
        [{ keys: [one] }, two],
        [one, two],
      ],
      [{ keys: [] }, []],
      [{ keys: [{}] }, undefined],
      [{}, undefined],
      ["text", undefined],
      [{ ...EC, x: 5 }, undefined],
    ];
    for (const [value, keys] of read) assert.deepEqual(jsonWebKeysIn(value), keys, JSON.stringify(value));
  });

  test("leaves out members that are null, as 1.x servers send them", () => {
    assert.deepEqual(jsonWebKeysIn({ ...EC, alg: null, other: null }), [EC]);
  });
});

test("publicPart() removes all private members, and hasPrivateMembers() detects each of them", () => {
  for (const name of ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]) {
    const secret = { ...EC, [name]: name === "oth" ? [] : "c2VjcmV0" };
    assert.ok(hasPrivateMembers(secret), name);
    assert.deepEqual(publicPart(key(secret)), EC);
  }
  assert.ok(!hasPrivateMembers(EC));
});

test("withCrtMembersFromPrimes() computes the members that Hydra 1.8 leaves out", () => {
  for (let round = 0; round < (RUNS_EVERYTHING ? 3 : 1); round++) {
    const whole = rsaKey();
    const { dp: _, dq: __, qi: ___, ...short } = whole;
    const completed = withCrtMembersFromPrimes(key(short));
    const members = Object.entries(completed).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
    const read = createPrivateKey({ key: Object.fromEntries(members), format: "jwk" });
    assert.deepEqual(read.export({ format: "jwk" }), whole);
  }
  for (const other of [
    key(EC),
    key({ kty: "RSA", n: "AA", e: "AQAB" }),
    key({ kty: "RSA", d: "AQ", p: "AQ", q: "AQ" }),
  ])
    assert.equal(withCrtMembersFromPrimes(other), other);
});

describe("key pairs of Hydra 1.x", () => {
  const privateKey = key({ ...EC, d: "ZA", kid: "private:a" });
  const publicKey = key({ ...EC, kid: "public:a" });
  const other = key({ ...EC, x: "eg", kid: "public:b" });
  const secret = key({ kty: "oct", k: "aw", kid: "s" });

  test("count as one public key or one private key", () => {
    const all = [publicKey, privateKey, other, secret];
    assert.deepEqual(publicKeyOfEachPair(all), [publicKey, other]);
    assert.deepEqual(withoutRedundantPublicHalves(all), [privateKey, other, secret]);
    assert.deepEqual(publicKeyOfEachPair([privateKey]), [{ ...EC, kid: "private:a" }]);
  });

  test("are matched by their IDs and halves", () => {
    assert.ok(includesKeyOrPrivateHalf([privateKey], publicKey));
    assert.ok(includesKeyOrPrivateHalf([privateKey], key({ ...EC, kid: "a" })));
    assert.ok(includesKeyOrPrivateHalf([publicKey], publicKey));
    assert.ok(!includesKeyOrPrivateHalf([publicKey], privateKey));
    assert.ok(!includesKeyOrPrivateHalf([privateKey], other));
    assert.equal(kidWithoutPrefix("private:public:x"), "public:x");
    assert.ok(
      hasKidOrPrefixedKid(privateKey, "a") &&
        hasKidOrPrefixedKid(privateKey, "private:a") &&
        !hasKidOrPrefixedKid(privateKey, "public:a"),
    );
  });
});

test("signingAndEncryptionAlgorithms() begins with the common algorithm of each key type", () => {
  const usual = (members: Readonly<Record<string, unknown>>) => signingAndEncryptionAlgorithms(key(members))[0];
  assert.equal(usual({ kty: "RSA" }), "RS256");
  assert.deepEqual(
    ["P-256", "P-384", "P-521", "Ed25519"].map((crv) => usual({ kty: crv === "Ed25519" ? "OKP" : "EC", crv })),
    ["ES256", "ES384", "ES512", "EdDSA"],
  );
  assert.equal(usual({ kty: "oct" }), "HS256");
  assert.ok(!signingAndEncryptionAlgorithms(key(EC)).includes("RS256"));
});

test("keysOfSet() gives the keys of a set, of any kind, and none of anything else", () => {
  assert.deepEqual(keysOfSet({ keys: [EC, "x", null] }), [EC, "x", null]);
  for (const value of [undefined, null, "keys", [], [EC], EC, {}, { keys: {} }, { keys: "x" }, { keys: null }])
    assert.deepEqual(keysOfSet(value), [], JSON.stringify(value));
});

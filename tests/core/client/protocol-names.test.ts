import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GRANT_TYPES } from "../../../lib/core/client/fields.ts";
import {
  isResponseType,
  nearestGrantType,
  nearestResponseType,
  nearestScope,
} from "../../../lib/core/client/protocol-names.ts";
import { isWithinOneEdit } from "../../../lib/core/text.ts";
import { randomRuns } from "../../thorough.ts";

const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

test("nearestGrantType() finds the grant type that was meant", () => {
  for (const [name, meant] of [
    ["authorize_code", "authorization_code"],
    ["authorization-code", "authorization_code"],
    ["authorizationCode", "authorization_code"],
    ["authorisation_code", "authorization_code"],
    ["auth_code", "authorization_code"],
    ["code", "authorization_code"],
    ["client-credentials", "client_credentials"],
    ["client_credential", "client_credentials"],
    ["CLIENT_CREDENTIALS", "client_credentials"],
    ["clientcredentials", "client_credentials"],
    ["refresh", "refresh_token"],
    ["refresh-token", "refresh_token"],
    ["refresh_tokens", "refresh_token"],
    ["implicit_grant", "implicit"],
    ["token", "implicit"],
    ["device_code", DEVICE_CODE],
    ["device-code", DEVICE_CODE],
    ["urn:ietf:params:oauth:grant-type:device-code", DEVICE_CODE],
    ["jwt-bearer", JWT_BEARER],
    ["urn:ietf:params:oauth:grant-type:jwt_bearer", JWT_BEARER],
    ["foo", undefined],
    ["urn:example:custom", undefined],
    ["", undefined],
    ["constructor", undefined],
    ["x".repeat(1_000_000), undefined],
  ] as const)
    assert.equal(nearestGrantType(name), meant, name.slice(0, 50));
  for (const name of GRANT_TYPES) assert.equal(nearestGrantType(name), name);
});

test("response types are accepted in any order, and corrected word by word", () => {
  for (const name of ["code", "token", "id_token", "none", "code id_token", "id_token code", "id_token token code"])
    assert.equal(isResponseType(name), true, name);
  for (const [name, meant] of [
    ["authorization_code", "code"],
    ["access_token", "token"],
    ["idtoken", "id_token"],
    ["id-token", "id_token"],
    ["code,id_token", "code id_token"],
    ["Code Token", "code token"],
    ["code  token", "code token"],
    ["foo", undefined],
    ["code foo", undefined],
    ["", undefined],
    ["code ".repeat(200_000), undefined],
  ] as const) {
    assert.equal(isResponseType(name), false, name.slice(0, 50));
    assert.equal(nearestResponseType(name), meant, name.slice(0, 50));
  }
  assert.equal(isResponseType("code code"), false);
});

test("nearestScope() corrects near misses, but no scope that another program may define", () => {
  for (const [word, meant] of [
    ["open_id", "openid"],
    ["open-id", "openid"],
    ["OpenID", "openid"],
    ["opneid", "openid"],
    ["opendid", "openid"],
    ["offline-access", "offline_access"],
    ["offlineaccess", "offline_access"],
    ["ofline_access", "offline_access"],
    ["ofline", "offline"],
    ["emial", "email"],
    ["e-mail", "email"],
    ["profil", "profile"],
    ["adress", "address"],
    ["phon", "phone"],
  ] as const)
    assert.equal(nearestScope(word), meant, word);
  for (const word of [
    "openid",
    "offline_access",
    "profile",
    "core",
    "foobar",
    "mail",
    "emails",
    "profiles",
    "phones",
    "online",
    "online_access",
    "open",
    "off",
    "access",
    "read",
    "profile:read",
    "email.read",
    "api",
    "",
    "*",
    "x".repeat(1_000_000),
  ])
    assert.equal(nearestScope(word), undefined, word.slice(0, 50));
});

test("isWithinOneEdit() is true for one changed, added, removed or swapped character, and no more", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
  const letters = ["a", "b", "c"];
  const edits = (text: string): ReadonlySet<string> => {
    const all = new Set([text]);
    for (let i = 0; i <= text.length; i++) {
      for (const letter of letters) {
        all.add(text.slice(0, i) + letter + text.slice(i));
        if (i < text.length) all.add(text.slice(0, i) + letter + text.slice(i + 1));
      }
      all.add(text.slice(0, i) + text.slice(i + 1));
      all.add(text.slice(0, i) + text.charAt(i + 1) + text.charAt(i) + text.slice(i + 2));
    }
    return all;
  };
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(isWithinOneEdit(a, b), edits(a).has(b), `${a} ${b}`);
      assert.equal(isWithinOneEdit(a, b), isWithinOneEdit(b, a));
    }),
    { numRuns: randomRuns(2000) },
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseKeySet } from "../../../lib/core/jwk/json-web-key.ts";
import { keyIdOfToken } from "../../../lib/core/jwk/json-web-token.ts";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

test("the key ID of a token is that of its header, if it has one", () => {
  assert.equal(keyIdOfToken(`${part({ alg: "RS256", kid: "key-1" })}.${part({})}.signature`), "key-1");
  for (const header of [{ alg: "RS256" }, { kid: 1 }, ["kid"], null])
    assert.equal(keyIdOfToken(`${part(header)}.${part({})}.signature`), undefined);
  for (const token of ["", "ory_at_opaque", "not base64.x.y"]) assert.equal(keyIdOfToken(token), undefined);
});

test("a key set is an object with a list of keys, of whatever kind", () => {
  assert.deepEqual(parseKeySet('{"keys":[{"kty":"NEW"},1],"more":true}'), { keys: [{ kty: "NEW" }, 1], more: true });
  for (const text of ["", "[]", "null", "{}", '{"keys":{}}']) assert.equal(parseKeySet(text), undefined, text);
});

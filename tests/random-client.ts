/** Random clients for property tests. */

import fc from "fast-check";
import { CLIENT_FIELDS } from "../lib/core/client/fields.ts";
import type { JsonObject } from "../lib/core/json/json.ts";

/** A public key that every server takes. */
export const EC_KEY = {
  kty: "EC",
  crv: "P-256",
  x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
  y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
};

/** Some of a few values, repeated and in any order. */
function some(...values: readonly string[]): fc.Arbitrary<readonly string[]> {
  return fc.array(fc.constantFrom(...values), { maxLength: 4 });
}

const key = fc
  .tuple(
    fc.constantFrom({}, { kid: "a" }, { kid: "b", use: "sig" }, { alg: "ES256" }),
    fc.constantFrom({}, { key_ops: ["verify"] }, { "x-own": 1 }),
  )
  .map(([kept, dropped]) => ({ ...dropped, ...EC_KEY, ...kept }));

const LIFESPANS = ["1h", "60m", "1h0m0s", "1.5h", "90m", "0s", "0", "1ms", "1000000h0.000000001s", "-1s"] as const;

/** Values of the fields whose spelling or default a server changes, or could; the rest is any text. */
const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  redirect_uris: some("https://a.example/cb", "https://b.example/", "https://b.example", "app:/cb"),
  post_logout_redirect_uris: some("https://a.example/out", "https://b.example/"),
  grant_types: some("authorization_code", "implicit", "client_credentials", "refresh_token"),
  response_types: some("code", "id_token code", "code id_token", "token"),
  scope: fc.constantFrom("", "a b", "b a", " a  b ", "openid offline", "a"),
  allowed_cors_origins: some("https://a.example/", "https://a.example", "HTTPS://a.example", "http://b.example:80//"),
  request_uris: some("https://a.example/r1", "https://a.example/r2"),
  token_endpoint_auth_method: fc.constantFrom("", "client_secret_basic", "client_secret_post", "none"),
  token_endpoint_auth_signing_alg: fc.constantFrom("", "RS256", "ES256"),
  subject_type: fc.constantFrom("", "public", "pairwise"),
  userinfo_signed_response_alg: fc.constantFrom("", "none", "RS256"),
  access_token_strategy: fc.constantFrom("", "jwt", "opaque", "JWT"),
  sector_identifier_uri: fc.constantFrom(""),
  jwks_uri: fc.constantFrom("", "https://a.example/keys"),
  jwks: fc.oneof(
    fc.constantFrom({}, { keys: [] }, { keys: null }),
    fc.array(key, { minLength: 1, maxLength: 2 }).map((keys) => ({ keys })),
  ),
  metadata: fc.dictionary(fc.constantFrom("a", "b/~c"), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 2 }),
  ...Object.fromEntries(
    ["client_uri", "logo_uri", "policy_uri", "tos_uri"].map((name) => [
      name,
      fc.constantFrom("", "https://a.example", "https://a.example/"),
    ]),
  ),
};

function valueFor({ name, shape }: (typeof CLIENT_FIELDS)[number]): fc.Arbitrary<unknown> {
  const own = VALUES[name];
  if (own !== undefined) return own;
  if (shape === "list") return some("a", "b", "a|b", "", "c d", "ä\ud800");
  if (shape === "boolean") return fc.boolean();
  if (shape === "duration") return fc.constantFrom(...LIFESPANS);
  return fc.constantFrom("", "x", "x ", "1h", "X", "ä ☃", "a\ud800");
}

/** A client as people write them: some fields are named, some of those with a null, and one may be no field at all. */
export const anyClient: fc.Arbitrary<JsonObject> = fc
  .tuple(
    ...CLIENT_FIELDS.map((field) =>
      fc.option(fc.tuple(fc.constant(field.name), fc.option(valueFor(field), { freq: 8 })), {
        nil: undefined,
        freq: 2,
      }),
    ),
    fc.constantFrom<undefined | readonly [string, unknown]>(undefined, undefined, ["not_a_field", 1]),
  )
  .map((entries) => Object.fromEntries(entries.filter((entry) => entry !== undefined)));

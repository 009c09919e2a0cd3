import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createFieldLabeler, type FieldLabeler } from "../../../lib/core/client/client.ts";
import { CLIENT_RULES, lintClient, lintFindingProblem } from "../../../lib/core/client/rules.ts";
import { USABILITY_RULES } from "../../../lib/core/client/usability-rules.ts";
import type { JsonObject } from "../../../lib/core/json/json.ts";
import { quote } from "../../../lib/core/text.ts";
import { randomRuns } from "../../thorough.ts";

interface Row {
  readonly severity: "error" | "warning";
  /** Clients that break the rule, each with its messages. */
  readonly broken: readonly (readonly [client: JsonObject, messages: readonly string[]])[];
  /** Similar clients that follow it. */
  readonly fine: readonly JsonObject[];
}

const LONG_URI = "https://a.example/cb";

const KEYS = { keys: [{ kty: "EC" }] };

/** Each rule by its name, which scripts rely on: a renamed rule breaks them. */
const RULES: Readonly<Record<string, Row>> = {
  "field-type": {
    severity: "error",
    broken: [
      [{ client_id: 20240101 }, ["client_id must be a string"]],
      [{ client_secret: 123456789 }, ["client_secret must be a string"]],
      [
        { client_name: 5, redirect_uris: LONG_URI },
        ["client_name must be a string", "redirect_uris must be a list of strings"],
      ],
      [{ grant_types: ["implicit", 1] }, ["grant_types must be a list of strings"]],
      [{ scope: ["a", "b"] }, ["scope must be a string"]],
      [{ skip_consent: "yes" }, ["skip_consent must be true or false"]],
      [{ jwks: [] }, ["jwks must be an object"]],
      [{ jwks: { kty: "EC", d: "x" } }, ['jwks must be a set of public keys, {"keys": [KEY]}, not a single key']],
      [
        { jwt_bearer_grant_access_token_lifespan: "1d" },
        ["jwt_bearer_grant_access_token_lifespan must be a duration such as 1h30m"],
      ],
      [
        { jwt_bearer_grant_access_token_lifespan: 60 },
        ["jwt_bearer_grant_access_token_lifespan must be a duration such as 1h30m"],
      ],
      [{ subject_type: "private" }, ["subject_type must be one of public, pairwise"]],
      [{ access_token_strategy: "paseto" }, ["access_token_strategy must be one of opaque, jwt"]],
    ],
    fine: [
      { client_id: null, client_name: null, redirect_uris: null, skip_logout_consent: null, jwks: null, metadata: [1] },
      { jwt_bearer_grant_access_token_lifespan: "1.5h", implicit_grant_id_token_lifespan: null },
      { access_token_strategy: "", subject_type: "", token_endpoint_auth_method: "tls_client_auth", metadata: "x" },
      { of_a_newer_server: 5 },
    ],
  },
  "client-id-dots": {
    severity: "error",
    broken: [".", ".."].map((id) => [{ client_id: id }, [`client_id "${id}" is not a valid client ID`]]),
    fine: [{}, { client_id: "..." }, { client_id: "a.b" }, { client_id: "" }],
  },
  "secret-too-short": {
    severity: "error",
    broken: [
      [{ client_secret: "abc" }, ["client_secret is shorter than 6 characters"]],
      [{ client_secret: "abcde" }, ["client_secret is shorter than 6 characters"]],
      [{ client_secret: "🔑🔑🔑" }, ["client_secret is shorter than 6 characters"]],
    ],
    fine: [{}, { client_secret: "abcdef" }, { client_secret: "" }, { client_secret: null }],
  },
  "jwks-and-jwks-uri": {
    severity: "error",
    broken: [
      [{ jwks: KEYS, jwks_uri: "https://a.example/k" }, ["jwks and jwks_uri are mutually exclusive"]],
      [{ jwks: { keys: [] }, jwks_uri: "https://a.example/k" }, ["jwks and jwks_uri are mutually exclusive"]],
    ],
    fine: [
      { jwks: KEYS },
      { jwks: KEYS, jwks_uri: "" },
      { jwks: KEYS, jwks_uri: null },
      { jwks_uri: "https://a.example/k" },
      { jwks: {}, jwks_uri: "https://a.example/k" },
      { jwks: null, jwks_uri: "https://a.example/k" },
    ],
  },
  "jwks-private-key": {
    severity: "error",
    broken: [
      [{ jwks: { keys: [{ kty: "EC", x: "a", d: "b" }] } }, ["jwks contains the private part of key 1 (d)"]],
      [
        { jwks: { keys: [{ kty: "EC" }, { kty: "RSA", n: "a", d: "b", p: "c", q: "d" }, { kty: "oct", k: "e" }] } },
        ["jwks contains the private part of key 2 (d, p, q)", "jwks contains the private part of key 3 (k)"],
      ],
    ],
    fine: [{}, { jwks: KEYS }, { jwks: { keys: "d" } }, { jwks: { keys: [null, "d"] } }, { metadata: { d: "x" } }],
  },
  "private-key-jwt-without-keys": {
    severity: "error",
    broken: [
      [
        { token_endpoint_auth_method: "private_key_jwt" },
        ['token_endpoint_auth_method "private_key_jwt" requires public keys'],
      ],
      [
        { token_endpoint_auth_method: "private_key_jwt", jwks: {}, jwks_uri: "" },
        ['token_endpoint_auth_method "private_key_jwt" requires public keys'],
      ],
    ],
    fine: [
      { token_endpoint_auth_method: "private_key_jwt", jwks: KEYS },
      { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://a.example/k" },
      { token_endpoint_auth_method: "client_secret_post" },
      {},
    ],
  },
  "assertion-algorithm": {
    severity: "error",
    broken: ["EdDSA", "HS256", "none"].map((algorithm) => [
      { token_endpoint_auth_method: "private_key_jwt", jwks: KEYS, token_endpoint_auth_signing_alg: algorithm },
      [`token_endpoint_auth_signing_alg "${algorithm}" is not supported by Hydra for client assertions`],
    ]),
    fine: [
      { token_endpoint_auth_method: "private_key_jwt", jwks: KEYS },
      { token_endpoint_auth_method: "private_key_jwt", jwks: KEYS, token_endpoint_auth_signing_alg: "ES256" },
      { token_endpoint_auth_method: "private_key_jwt", jwks: KEYS, token_endpoint_auth_signing_alg: "PS512" },
      { token_endpoint_auth_method: "client_secret_basic", token_endpoint_auth_signing_alg: "EdDSA" },
    ],
  },
  "userinfo-algorithm": {
    severity: "error",
    broken: ["ES256", "rs256"].map((algorithm) => [
      { userinfo_signed_response_alg: algorithm },
      [`userinfo_signed_response_alg "${algorithm}" is not supported by Hydra for userinfo responses`],
    ]),
    fine: [
      {},
      { userinfo_signed_response_alg: "" },
      { userinfo_signed_response_alg: "none" },
      { userinfo_signed_response_alg: "RS256" },
    ],
  },
  "redirect-uri-fragment": {
    severity: "error",
    broken: [
      [{ redirect_uris: [`${LONG_URI}#frag`] }, [`redirect_uris "${LONG_URI}#frag" has a fragment`]],
      [{ redirect_uris: ["https://b.example", `${LONG_URI}#`] }, [`redirect_uris "${LONG_URI}#" has a fragment`]],
      [
        { redirect_uris: ["https://b.example#1", "https://b.example#2"] },
        ['redirect_uris "https://b.example#1" has a fragment', 'redirect_uris "https://b.example#2" has a fragment'],
      ],
    ],
    fine: [{}, { redirect_uris: [LONG_URI, `${LONG_URI}?a=%23`] }, { redirect_uris: null }],
  },
  "post-logout-uri-mismatch": {
    severity: "error",
    broken: [
      [
        { redirect_uris: [LONG_URI], post_logout_redirect_uris: ["https://b.example/bye"] },
        ['post_logout_redirect_uris "https://b.example/bye" does not share its origin with any redirect URI'],
      ],
      [
        { redirect_uris: [LONG_URI], post_logout_redirect_uris: ["http://a.example/bye"] },
        ['post_logout_redirect_uris "http://a.example/bye" does not share its origin with any redirect URI'],
      ],
      [
        { redirect_uris: [LONG_URI], post_logout_redirect_uris: ["https://a.example:8443/bye"] },
        ['post_logout_redirect_uris "https://a.example:8443/bye" does not share its origin with any redirect URI'],
      ],
      [
        { redirect_uris: ["https://a.example:443/cb"], post_logout_redirect_uris: ["https://a.example/bye"] },
        ['post_logout_redirect_uris "https://a.example/bye" does not share its origin with any redirect URI'],
      ],
      [
        { redirect_uris: ["https://A.example/cb"], post_logout_redirect_uris: ["https://a.example/bye"] },
        ['post_logout_redirect_uris "https://a.example/bye" does not share its origin with any redirect URI'],
      ],
      [
        { redirect_uris: ["app://cb"], post_logout_redirect_uris: ["app://bye"] },
        ['post_logout_redirect_uris "app://bye" does not share its origin with any redirect URI'],
      ],
      [
        { post_logout_redirect_uris: ["https://a.example/bye"] },
        ['post_logout_redirect_uris "https://a.example/bye" does not share its origin with any redirect URI'],
      ],
      [
        { redirect_uris: [LONG_URI], post_logout_redirect_uris: ["/bye"] },
        ['post_logout_redirect_uris "/bye" does not share its origin with any redirect URI'],
      ],
    ],
    fine: [
      {},
      { redirect_uris: [LONG_URI] },
      { redirect_uris: ["https://b.example", LONG_URI], post_logout_redirect_uris: ["https://a.example/bye?x=1"] },
      { redirect_uris: ["app://cb/x"], post_logout_redirect_uris: ["app://cb/bye"] },
      { redirect_uris: ["com.app:/cb"], post_logout_redirect_uris: ["COM.app:/bye"] },
      { redirect_uris: ["https://u@a.example/cb"], post_logout_redirect_uris: ["https://a.example/bye"] },
    ],
  },
  "cors-origin": {
    severity: "error",
    broken: [
      "*",
      "*.a.example",
      "https://*.a.example/x",
      "https://a.example/x",
      "a.example",
      "https://a.example?x",
      "https://a.example#x",
      "https://u@a.example",
      "ftp://a.example",
      "null",
    ].map((origin) => [{ allowed_cors_origins: [origin] }, [`allowed_cors_origins ${quote(origin)} is not an origin`]]),
    fine: [
      {},
      { allowed_cors_origins: ["https://a.example", "http://localhost:3000", "https://[::1]:8443"] },
      { allowed_cors_origins: ["https://a.example/", "https://*.a.example"] },
    ],
  },
  "sector-identifier-uri-https": {
    severity: "error",
    broken: ["http://a.example/s.json", "a.example", "not an address"].map((uri) => [
      { sector_identifier_uri: uri },
      [`sector_identifier_uri "${uri}" is not an https URL`],
    ]),
    fine: [{}, { sector_identifier_uri: "https://a.example/s.json" }, { sector_identifier_uri: "" }],
  },
  "redirect-uri-not-an-address": {
    severity: "error",
    broken: ["localhost", "localhost/cb", "", "https://exa mple/cb"].map((uri) => [
      { redirect_uris: [uri] },
      [`redirect_uris "${uri}" is not a URL`],
    ]),
    fine: [
      {},
      {
        redirect_uris: [
          "/cb",
          "https://",
          "urn:ietf:wg:oauth:2.0:oob",
          "com.app:/cb",
          "app://cb",
          "https://a.example/c b",
        ],
      },
    ],
  },
  "no-callback": {
    severity: "warning",
    broken: [
      [{ grant_types: ["authorization_code"] }, ["the client uses a browser grant but has no redirect URI"]],
      [{ grant_types: ["implicit"], redirect_uris: [] }, ["the client uses a browser grant but has no redirect URI"]],
    ],
    fine: [
      {},
      { grant_types: ["client_credentials", "refresh_token"] },
      { grant_types: ["authorization_code"], redirect_uris: [LONG_URI] },
    ],
  },
  "redirect-uri-relative": {
    severity: "warning",
    broken: ["/cb", "https://", "http://a.example:99999/cb"].map((uri) => [
      { redirect_uris: [uri] },
      [`redirect_uris "${uri}" is not an absolute URL, so no login can match it`],
    ]),
    fine: [{}, { redirect_uris: [LONG_URI, "com.example.app:/cb", "app://cb"] }],
  },
  "redirect-uri-plain-http": {
    severity: "warning",
    broken: ["http://a.example/cb", "http://192.168.0.1/cb", "http://127.example.org/cb", "HTTP://A.example"].map(
      (uri) => [{ redirect_uris: [uri] }, [`redirect_uris "${uri}" uses http to a remote host`]],
    ),
    fine: [
      {},
      { redirect_uris: [LONG_URI, "http://localhost/cb", "http://127.0.0.1:8080/cb", "http://[::1]/cb", "app:/cb"] },
    ],
  },
  "redirect-uri-script": {
    severity: "warning",
    broken: ["javascript:alert(1)", "DATA:text/html,x"].map((uri) => [
      { redirect_uris: [uri] },
      [`redirect_uris "${uri}" runs as code in a browser`],
    ]),
    fine: [{}, { redirect_uris: [LONG_URI, "javascripts:/cb"] }],
  },
  "redirect-uri-wildcard": {
    severity: "warning",
    broken: [
      [
        { redirect_uris: ["https://*.a.example/cb"] },
        ['redirect_uris "https://*.a.example/cb" contains "*", but wildcards are not supported'],
      ],
    ],
    fine: [{}, { redirect_uris: [LONG_URI] }],
  },
  "implicit-grant": {
    severity: "warning",
    broken: [[{ grant_types: ["implicit"] }, [`grant_types "implicit" exposes tokens in the browser's URL`]]],
    fine: [{}, { grant_types: ["authorization_code"] }],
  },
  "public-client-credentials": {
    severity: "warning",
    broken: [
      [
        { token_endpoint_auth_method: "none", grant_types: ["client_credentials"] },
        ["a client without a secret cannot use the client_credentials grant"],
      ],
    ],
    fine: [
      { token_endpoint_auth_method: "none", grant_types: ["authorization_code"] },
      { grant_types: ["client_credentials"] },
    ],
  },
  "cors-origin-wildcard": {
    severity: "warning",
    broken: ["*", "https://*.a.example"].map((origin) => [
      { allowed_cors_origins: [origin] },
      [`allowed_cors_origins "${origin}" lets any matching website call the token endpoint`],
    ]),
    fine: [{}, { allowed_cors_origins: ["https://a.example"] }],
  },
  "not-an-address": {
    severity: "warning",
    broken: [
      "client_uri",
      "logo_uri",
      "policy_uri",
      "tos_uri",
      "jwks_uri",
      "frontchannel_logout_uri",
      "backchannel_logout_uri",
    ].map((field) => [{ [field]: "not a url" }, [`${field} "not a url" is not a URL`]]),
    fine: [{}, { logo_uri: "https://a.example/l.png", tos_uri: "" }],
  },
  "secret-too-long": {
    severity: "warning",
    broken: [
      [{ client_secret: "a".repeat(73) }, ["client_secret is longer than 72 bytes"]],
      [{ client_secret: "é".repeat(37) }, ["client_secret is longer than 72 bytes"]],
    ],
    fine: [{}, { client_secret: "a".repeat(72) }, { client_secret: "é".repeat(36) }],
  },
  "secret-characters": {
    severity: "warning",
    broken: ["with%percent", "with+plus", "with blank", "with:colon", "umlaut-ü"].map((secret) => [
      { client_secret: secret },
      ["client_secret contains characters that need encoding"],
    ]),
    fine: [{}, { client_secret: "Az09-._~abc" }],
  },
};

test("a hint names the field for a file, and the flag for a command line or an update", () => {
  const hintsOf = (client: JsonObject, label: FieldLabeler): readonly string[] =>
    lintClient(client, label).map(({ hint }) => hint);
  const cases: readonly (readonly [JsonObject, hint: string, ...names: (readonly [field: string, flag: string])[]])[] =
    [
      [
        { token_endpoint_auth_method: "private_key_jwt" },
        "set the client's public keys with 1 or 2",
        ["jwks", "--jwks"],
        ["jwks_uri", "--jwks-uri"],
      ],
      [
        { grant_types: ["authorization_code"] },
        "add 1, or nobody can log in with this client",
        ["redirect_uris", "--callbacks"],
      ],
      [
        { grant_types: ["client_credentials"], token_endpoint_auth_method: "none" },
        "use another 1 for client_credentials",
        ["token_endpoint_auth_method", "--token-endpoint-auth-method"],
      ],
      [
        { subject_type: "pairwise", access_token_strategy: "jwt" },
        "set 1 to opaque, or 2 to public",
        ["access_token_strategy", "--access-token-strategy"],
        ["subject_type", "--subject-type"],
      ],
    ];
  const flag = (field: string): string => `--${field.replaceAll("_", "-")}`;
  for (const [client, hint, ...names] of cases) {
    const filled = (at: 0 | 1): string => hint.replace(/[12]/g, (n) => names[Number(n) - 1]?.[at] ?? "");
    // What a label looks like decides nothing.
    for (const label of [own, (field: string) => `"${field}" in client.json`, flag])
      assert.deepEqual(hintsOf(client, label), [filled(0)]);
    for (const label of [
      createFieldLabeler(own, (field) => ({ kind: "flag", name: flag(field) })),
      createFieldLabeler(own, () => ({ kind: "registered client" })),
    ])
      assert.deepEqual(hintsOf(client, label), [filled(1)]);
  }
});

test("hints name flags as the syntax of the command does", () => {
  for (const [syntax, flag] of [
    ["1.x", "--callbacks"],
    ["2.x", "--redirect-uri"],
  ] as const) {
    const label = createFieldLabeler(own, () => ({ kind: "registered client" }), syntax);
    const hints = lintClient({ grant_types: ["authorization_code"] }, label).map(({ hint }) => hint);
    assert.ok(hints.includes(`add ${flag}, or nobody can log in with this client`), hints.join("\n"));
  }
});

test("no hint for a file, and none in the manual, mentions a flag", () => {
  for (const { broken } of Object.values(RULES))
    for (const [client] of broken)
      for (const { hint } of lintClient(client, own)) assert.doesNotMatch(hint, /--[a-z]|\p{Cc}/u);
  for (const { hint } of CLIENT_RULES) assert.doesNotMatch(hint, /--[a-z]/);
});

test("the hint about a single key says how to make a set of it", () => {
  const [found] = lintClient({ jwks: { kty: "EC", d: "x" } }, own);
  assert.match(found?.hint ?? "", /^put the key into a set, without its private members \(d, /);
});

test("the rules, their severity and their order match the table", () => {
  assert.deepEqual(
    CLIENT_RULES.map(({ name, severity }) => [name, severity]),
    [
      ...Object.entries(RULES).map(([name, { severity }]) => [name, severity]),
      ...USABILITY_RULES.map(({ name, severity = "warning" }) => [name, severity]),
    ],
  );
  assert.equal(new Set(CLIENT_RULES.map(({ name }) => name)).size, CLIENT_RULES.length);
  for (const { name, hint } of CLIENT_RULES) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.match(hint, /^[a-z].*[^.\s]$/);
  }
});

const own = (field: string): string => field;

for (const [rule, { severity, broken, fine }] of Object.entries(RULES)) {
  describe(rule, () => {
    for (const [client, messages] of broken) {
      test(`reports problems of ${JSON.stringify(client)}`, () => {
        const found = lintClient(client, own).filter((finding) => finding.rule === rule);
        assert.deepEqual(
          found.map(({ message }) => message),
          messages,
        );
        assert.ok(found.every((finding) => finding.severity === severity));
      });
    }
    for (const client of fine) {
      test(`accepts ${JSON.stringify(client)}`, () => {
        assert.deepEqual(
          lintClient(client, own).filter((finding) => finding.rule === rule),
          [],
        );
      });
    }
  });
}

test("all problems are reported at once, in the order of the rules", () => {
  const client = {
    client_secret: "a b",
    jwks: KEYS,
    jwks_uri: "nowhere",
    redirect_uris: ["/cb#x", "http://a.example/*"],
    post_logout_redirect_uris: ["https://b.example"],
    allowed_cors_origins: ["x", "*"],
    sector_identifier_uri: "http://a.example",
    grant_types: ["implicit", "client_credentials"],
    token_endpoint_auth_method: "none",
  };
  assert.deepEqual(
    lintClient(client, own).map(({ rule }) => rule),
    [
      "secret-too-short",
      "jwks-and-jwks-uri",
      "redirect-uri-fragment",
      "post-logout-uri-mismatch",
      "cors-origin",
      "cors-origin",
      "sector-identifier-uri-https",
      "redirect-uri-relative",
      "redirect-uri-plain-http",
      "redirect-uri-wildcard",
      "implicit-grant",
      "public-client-credentials",
      "cors-origin-wildcard",
      "not-an-address",
      "secret-characters",
    ],
  );
});

test("with the defaults of Hydra's own CLI, a client lacks only a redirect URI", () => {
  const client = {
    client_name: "my app",
    grant_types: ["authorization_code"],
    response_types: ["code"],
    scope: "core foobar",
    subject_type: "public",
    token_endpoint_auth_method: "client_secret_basic",
  };
  assert.deepEqual(
    lintClient(client, own).map(({ rule }) => rule),
    ["no-callback"],
  );
  assert.deepEqual(lintClient({ ...client, redirect_uris: ["http://localhost/cb"] }, own), []);
});

test("messages name the source of a value, and problems begin with a capital letter", () => {
  const label = (field: string): string => (field === "redirect_uris" ? "environment variable X" : `--${field}`);
  const [finding] = lintClient({ redirect_uris: ["https://a.example#\u001b[2J"] }, label);
  assert.ok(finding !== undefined);
  const problem = lintFindingProblem(finding);
  assert.equal(problem.message, 'Environment variable X "https://a.example#\\x1b[2J" has a fragment');
  assert.equal(problem.code, "redirect-uri-fragment");
  assert.equal(problem.exit, "usage");
  assert.equal(problem.hint, "remove the # and everything after it (RFC 6749, 3.1.2)");
});

test("no client makes a rule throw, and no message contains the secret", () => {
  const value = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom("*", "http:", "//", "#"))),
    fc.jsonValue(),
  );
  const fields = [
    "jwks",
    "jwks_uri",
    "redirect_uris",
    "post_logout_redirect_uris",
    "allowed_cors_origins",
    "sector_identifier_uri",
    "grant_types",
    "token_endpoint_auth_method",
    "logo_uri",
  ];
  const client = fc.dictionary(fc.constantFrom(...fields), value);
  fc.assert(
    fc.property(client, fc.constantFrom("", "!"), (some, tail) => {
      const secret = `Zq9 ${tail}Zq9`.slice(0, tail === "" ? 5 : 9);
      for (const { message, hint } of lintClient({ ...some, client_secret: secret }, own)) {
        assert.ok(!message.includes(secret) && !hint.includes(secret), message);
        assert.match(message, /[^.\s]$/);
      }
    }),
    { numRuns: randomRuns(500) },
  );
});

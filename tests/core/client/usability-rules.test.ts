// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of others are among the values
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createFieldLabeler, type FieldLabeler } from "../../../lib/core/client/client.ts";
import type { LintFinding } from "../../../lib/core/client/rule-types.ts";
import { CLIENT_RULES, lintClient } from "../../../lib/core/client/rules.ts";
import { createEmptySecretFinding, USABILITY_RULES } from "../../../lib/core/client/usability-rules.ts";
import type { JsonObject } from "../../../lib/core/json/json.ts";
import { randomRuns } from "../../thorough.ts";

const USABILITY_NAMES: ReadonlySet<string> = new Set(USABILITY_RULES.map(({ name }) => name));

/** What the usability rules find. */
function lintUsability(client: JsonObject, label: FieldLabeler): readonly LintFinding[] {
  return lintClient(client, label).filter(({ rule }) => USABILITY_NAMES.has(rule));
}

/** The label of a client in a file. */
const own = (field: string): string => field;

/** The label of a client on a command line. */
const flags = (field: string): string =>
  ({
    grant_types: "--grant-types",
    response_types: "--response-types",
    scope: "--scope",
    redirect_uris: "--callbacks",
  })[field] ?? `--${field.replaceAll("_", "-")}`;

type Found = readonly [message: string, hint: string];

interface Row {
  readonly severity: "error" | "warning";
  /** Clients that break the rule, with what is said in a file. */
  readonly broken: readonly (readonly [client: JsonObject, ...found: readonly Found[]])[];
  /** Clients that look alike and keep it. */
  readonly fine: readonly JsonObject[];
}

const WEB = { redirect_uris: ["https://a.example/cb"] };

/** Each rule by its name, which scripts rely on: a renamed rule breaks them. */
const RULES: Readonly<Record<string, Row>> = {
  "grant-type-unknown": {
    severity: "warning",
    broken: [
      [
        { grant_types: ["authorize_code", "refresh_token"] },
        [
          'grant_types "authorize_code" isn\'t a grant type',
          'write "grant_types": ["authorization_code", "refresh_token"]',
        ],
      ],
      [
        { grant_types: ["client-credentials"] },
        ['grant_types "client-credentials" isn\'t a grant type', 'write "grant_types": ["client_credentials"]'],
      ],
      [
        { grant_types: ["client_credentials authorization_code refresh_token"] },
        [
          'grant_types "client_credentials authorization_code refresh_token" is one value, not several',
          'write "grant_types": ["client_credentials", "authorization_code", "refresh_token"]',
        ],
      ],
      [
        { grant_types: ["authorization_code,refresh-token"] },
        [
          'grant_types "authorization_code,refresh-token" is one value, not several',
          'write "grant_types": ["authorization_code", "refresh_token"]',
        ],
      ],
      [
        { grant_types: [" implicit"] },
        ['grant_types " implicit" isn\'t a grant type', 'write "grant_types": ["implicit"]'],
      ],
      [
        { grant_types: ["foo", "implicit"] },
        [
          'grant_types "foo" isn\'t a grant type',
          "Hydra supports authorization_code, refresh_token, implicit, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer",
        ],
      ],
      [
        { grant_types: ["password"] },
        [
          'grant_types "password" isn\'t supported by Hydra',
          "use authorization_code, or client_credentials for a service",
        ],
      ],
    ],
    fine: [
      {},
      { grant_types: [] },
      { grant_types: null },
      {
        grant_types: [
          "authorization_code",
          "refresh_token",
          "implicit",
          "client_credentials",
          "urn:ietf:params:oauth:grant-type:device_code",
          "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ],
      },
    ],
  },
  "auth-method-unknown": {
    severity: "warning",
    broken: [
      [
        { token_endpoint_auth_method: "client_secret" },
        [
          'token_endpoint_auth_method "client_secret" isn\'t supported by Hydra, so the client cannot authenticate',
          "did you mean client_secret_basic?",
        ],
      ],
      [
        { token_endpoint_auth_method: "tls_client_auth" },
        [
          'token_endpoint_auth_method "tls_client_auth" isn\'t supported by Hydra, so the client cannot authenticate',
          "use client_secret_basic, client_secret_post, private_key_jwt or none",
        ],
      ],
    ],
    fine: [
      {},
      { token_endpoint_auth_method: "" },
      { token_endpoint_auth_method: null },
      { token_endpoint_auth_method: "client_secret_post" },
    ],
  },
  "response-type-unknown": {
    severity: "warning",
    broken: [
      [
        { response_types: ["authorization_code"] },
        ['response_types "authorization_code" isn\'t a response type', 'write "response_types": ["code"]'],
      ],
      [
        { response_types: ["code,id_token", "code"] },
        ['response_types "code,id_token" isn\'t a response type', 'write "response_types": ["code id_token", "code"]'],
      ],
      [
        { response_types: ["foo"] },
        [
          'response_types "foo" isn\'t a response type',
          "Hydra supports code, token, id_token, and combinations such as code id_token",
        ],
      ],
    ],
    fine: [{}, { response_types: ["code", "id_token code", "token", "none"] }],
  },
  "response-type-unused": {
    severity: "warning",
    broken: [
      [
        { response_types: ["code", "id_token"] },
        [
          'response_types "id_token" needs the implicit grant',
          'remove "id_token", or write "grant_types": ["authorization_code", "implicit"]',
        ],
      ],
      [
        { grant_types: ["implicit"], response_types: ["code"] },
        [
          'response_types "code" needs the authorization_code grant',
          'remove "code", or write "grant_types": ["implicit", "authorization_code"]',
        ],
      ],
      [
        { grant_types: ["authorization_code"], response_types: ["code token", "code token"] },
        [
          'response_types "code token" needs the implicit grant',
          'remove "code token", or write "grant_types": ["authorization_code", "implicit"]',
        ],
      ],
      [
        { grant_types: ["client_credentials"], response_types: ["token"] },
        [
          'response_types "token" needs the implicit grant',
          'remove "token": the grants of this client use no response type',
        ],
      ],
      [
        { grant_types: ["refresh_token"], response_types: ["code token"] },
        [
          'response_types "code token" needs the authorization_code and implicit grant',
          'remove "code token": the grants of this client use no response type',
        ],
      ],
    ],
    fine: [
      {},
      { response_types: ["code"] },
      { grant_types: ["client_credentials"], response_types: ["code"] },
      { grant_types: ["client_credentials"] },
      { grant_types: ["authorization_code"], response_types: ["code", "code id_token", "none"] },
      { grant_types: ["implicit"], response_types: ["token", "id_token", "id_token token"] },
      { grant_types: ["authorization_code", "implicit"], response_types: ["code id_token token"] },
    ],
  },
  "response-type-missing": {
    severity: "warning",
    broken: [
      [
        { grant_types: ["authorization_code", "implicit"], response_types: ["token"] },
        [
          "response_types has no response type for the authorization_code grant",
          'write "response_types": ["token", "code"], or remove the grant',
        ],
      ],
      [
        { grant_types: ["authorization_code", "implicit"], response_types: ["code"] },
        [
          "response_types has no response type for the implicit grant",
          'write "response_types": ["code", "token"], or remove the grant',
        ],
      ],
      [
        { response_types: ["none"] },
        [
          "response_types has no response type for the authorization_code grant",
          'write "response_types": ["none", "code"], or remove the grant',
        ],
      ],
    ],
    fine: [
      {},
      { grant_types: ["implicit"], response_types: [] },
      { grant_types: ["implicit"], response_types: ["id_token"] },
      { grant_types: ["authorization_code", "implicit"], response_types: ["code token"] },
      { grant_types: ["client_credentials"], response_types: ["token"] },
      { response_types: ["foo"] },
    ],
  },
  "offline-without-refresh-token": {
    severity: "warning",
    broken: [
      [
        { scope: "openid offline_access" },
        [
          'scope "offline_access" has no effect without the refresh_token grant',
          'write "grant_types": ["authorization_code", "refresh_token"], or remove "offline_access"',
        ],
      ],
      [
        { scope: "offline offline_access", grant_types: ["implicit"] },
        [
          'scope "offline" has no effect without the refresh_token grant',
          'write "grant_types": ["implicit", "refresh_token"], or remove "offline"',
        ],
      ],
    ],
    fine: [
      {},
      { scope: "openid" },
      { scope: "offline", grant_types: ["authorization_code", "refresh_token"] },
      { scope: "offline.read" },
    ],
  },
  "refresh-token-without-offline": {
    severity: "warning",
    broken: [
      [
        { grant_types: ["authorization_code", "refresh_token"], scope: "openid" },
        [
          'grant_types "refresh_token" has no effect without the scope offline or offline_access',
          'write "scope": "openid offline_access", or remove the grant',
        ],
      ],
    ],
    fine: [
      {},
      { grant_types: ["refresh_token"] },
      { grant_types: ["refresh_token"], scope: "" },
      { grant_types: ["refresh_token"], scope: "a offline" },
      { grant_types: ["refresh_token"], scope: "offline_access" },
      { grant_types: ["refresh_token"], scope: "*" },
      { grant_types: ["authorization_code"], scope: "openid" },
    ],
  },
  "scope-misspelt": {
    severity: "warning",
    broken: [
      [
        { scope: "open_id emial core" },
        ['scope "open_id" isn\'t the standard scope openid', "did you mean openid?"],
        ['scope "emial" isn\'t the standard scope email', "did you mean email?"],
      ],
    ],
    fine: [{}, { scope: "openid email profile core foobar read:users" }, { scope: 5 }],
  },
  "scope-commas": {
    severity: "warning",
    broken: [[{ scope: "openid,core, b" }, ["scope separates scopes with commas", 'write "scope": "openid core b"']]],
    fine: [{}, { scope: "openid core" }],
  },
  "uri-without-scheme": {
    severity: "warning",
    broken: [
      [
        { redirect_uris: ["localhost:3000/cb", "app.example.com:8443/cb", "127.0.0.1:80"] },
        [
          'redirect_uris "localhost:3000/cb" doesn\'t begin with http:// or https://',
          'write "http://localhost:3000/cb"',
        ],
        [
          'redirect_uris "app.example.com:8443/cb" doesn\'t begin with http:// or https://',
          'write "https://app.example.com:8443/cb"',
        ],
        ['redirect_uris "127.0.0.1:80" doesn\'t begin with http:// or https://', 'write "http://127.0.0.1:80"'],
      ],
      ...(
        [
          ["htps://a.example/cb", "https://a.example/cb"],
          ["htpp://localhost/cb", "http://localhost/cb"],
          ["ttps://a.example/cb", "https://a.example/cb"],
          ["httpss://a.example/cb", "https://a.example/cb"],
          ["https:/a.example/cb", "https://a.example/cb"],
          ["http:localhost/cb", "http://localhost/cb"],
        ] as const
      ).map(
        ([url, right]) =>
          [
            { redirect_uris: [url] },
            [`redirect_uris "${url}" doesn't begin with http:// or https://`, `write "${right}"`],
          ] as const,
      ),
      [
        { backchannel_logout_uri: "localhost:3000/out" },
        [
          'backchannel_logout_uri "localhost:3000/out" doesn\'t begin with http:// or https://',
          'write "http://localhost:3000/out"',
        ],
      ],
    ],
    fine: [
      {},
      { redirect_uris: ["http://localhost:3000/cb", "HTTPS://a.example/cb", "com.example.app:/cb", "myapp://cb"] },
      {
        redirect_uris: ["urn:ietf:wg:oauth:2.0:oob", "/cb", "*", "", "http:", "https://", "app:cb", "ftp://a.example"],
      },
      { allowed_cors_origins: ["localhost:3000"] },
    ],
  },
  "redirect-uri-several": {
    severity: "warning",
    broken: [
      [
        { redirect_uris: ["https://a.example/cb http://localhost/cb"] },
        [
          'redirect_uris "https://a.example/cb http://localhost/cb" is one value, not several',
          'write "redirect_uris": ["https://a.example/cb", "http://localhost/cb"]',
        ],
      ],
      [
        { redirect_uris: ["https://a.example/cb,app:/cb"] },
        [
          'redirect_uris "https://a.example/cb,app:/cb" is one value, not several',
          'write "redirect_uris": ["https://a.example/cb", "app:/cb"]',
        ],
      ],
      [
        { redirect_uris: ["https://a.example/my cb"] },
        ['redirect_uris "https://a.example/my cb" contains a space', "write %20 for a space, or remove it"],
      ],
    ],
    fine: [{}, { redirect_uris: ["https://a.example/cb?a=1,2", "https://a.example/b,c"] }],
  },
  "redirect-uri-localhost": {
    severity: "warning",
    broken: [
      [
        { token_endpoint_auth_method: "none", redirect_uris: ["http://localhost/cb", "http://LOCALHOST"] },
        [
          'redirect_uris "http://localhost/cb" allows only port 80',
          'write "http://127.0.0.1/cb", which allows any port (RFC 8252, section 7.3), or add the port',
        ],
        [
          'redirect_uris "http://LOCALHOST" allows only port 80',
          'write "http://127.0.0.1", which allows any port (RFC 8252, section 7.3), or add the port',
        ],
      ],
    ],
    fine: [
      { redirect_uris: ["http://localhost/cb"] },
      {
        token_endpoint_auth_method: "none",
        redirect_uris: [
          "http://localhost:3000/cb",
          "http://127.0.0.1/cb",
          "http://[::1]/cb",
          "http://localhost.example/cb",
        ],
      },
    ],
  },
  "pairwise-without-sector": {
    severity: "warning",
    broken: [
      [
        { subject_type: "pairwise", redirect_uris: ["https://a.example/1", "https://b.example/2"] },
        [
          'subject_type "pairwise" needs a sector identifier: the redirect URIs have 2 hosts',
          "add sector_identifier_uri, the https URL of a JSON list of these redirect URIs (OpenID Connect Core, section 8.1)",
        ],
      ],
    ],
    fine: [
      { subject_type: "pairwise" },
      { subject_type: "pairwise", redirect_uris: ["https://a.example/1", "https://a.example/2"] },
      {
        subject_type: "pairwise",
        redirect_uris: ["https://a.example/1", "https://b.example/2"],
        sector_identifier_uri: "https://a.example/s",
      },
      { subject_type: "public", redirect_uris: ["https://a.example/1", "https://b.example/2"] },
    ],
  },
  "pairwise-with-jwt": {
    severity: "error",
    broken: [
      [
        { subject_type: "pairwise", access_token_strategy: "JWT" },
        [
          'subject_type "pairwise" can\'t be combined with JWT access tokens',
          "set access_token_strategy to opaque, or subject_type to public",
        ],
      ],
    ],
    fine: [
      { subject_type: "pairwise", access_token_strategy: "opaque" },
      { subject_type: "public", access_token_strategy: "jwt" },
      { subject_type: "pairwise" },
      { access_token_strategy: "jwt" },
    ],
  },
  "client-id-slash": {
    severity: "warning",
    broken: [
      [
        { client_id: "https://app.example/oauth/meta" },
        [
          'client_id "https://app.example/oauth/meta" contains a slash',
          'choose an ID without a slash, such as "app.example-oauth-meta": Hydra up to 2.3 creates such a client and never finds it again',
        ],
      ],
    ],
    fine: [{}, { client_id: "team-app" }, { client_id: "a%2Fb" }],
  },
  "client-id-not-unicode": {
    severity: "error",
    broken: [
      [{ client_id: "a\ud800" }, ["client_id isn't valid Unicode text", "choose an ID of letters, digits and dashes"]],
    ],
    fine: [{}, { client_id: "é🔑" }],
  },
  "credential-outer-space": {
    severity: "warning",
    broken: [
      [
        { client_id: "a\n", client_secret: "abcdef " },
        [
          'client_id "a\\n" begins or ends with a space or a line break',
          "remove it; for a Kubernetes Secret, use printf instead of echo before base64",
        ],
        [
          "client_secret begins or ends with a space or a line break",
          "remove it; for a Kubernetes Secret, use printf instead of echo before base64",
        ],
      ],
    ],
    fine: [{}, { client_id: "my app", client_secret: "abc def" }],
  },
  "control-character": {
    severity: "warning",
    broken: [
      [
        { client_name: "My app\r", owner: "o", scope: "a b\n", audience: ["a", "b\u0007"], contacts: ["c\u0080"] },
        ...['client_name "My app\\r"', 'scope "a b\\n"', 'audience "b\\x07"', 'contacts "c\\x80"'].map(
          (what): readonly [string, string] => [
            `${what} contains a line break or another control character`,
            "remove it; scripts with CRLF line ends add a carriage return to the last argument of a line",
          ],
        ),
      ],
    ],
    fine: [{}, { client_name: "é 🔑", metadata: { a: "b\n" } }],
  },
  placeholder: {
    severity: "error",
    broken: [
      [
        { client_id: "${CLIENT_ID}", client_secret: "$DEBTORS_SUPERVISOR_CLIENT_SECRET" },
        [
          'client_id "${CLIENT_ID}" is a placeholder that nothing replaced',
          "set the variable, or run the file through the program that replaces it",
        ],
        [
          "client_secret is a placeholder that nothing replaced",
          "set the variable, or run the file through the program that replaces it",
        ],
      ],
    ],
    fine: [
      {},
      { client_id: "web", client_secret: "pa$$WORD" },
      { client_name: "${role_x}", metadata: { a: "$A_B" }, scope: "{{ scope }}" },
    ],
  },
  "placeholder-in-uri": {
    severity: "warning",
    broken: [
      [
        { redirect_uris: ["https://$PUBLIC_HOST/cb"], logo_uri: "{{ base }}/logo" },
        [
          'redirect_uris "https://$PUBLIC_HOST/cb" contains the placeholder "$PUBLIC_HOST"',
          'replace "$PUBLIC_HOST" with its value before the client is sent',
        ],
        [
          'logo_uri "{{ base }}/logo" contains the placeholder "{{ base }}"',
          'replace "{{ base }}" with its value before the client is sent',
        ],
      ],
    ],
    fine: [{}, WEB, { client_name: "https://$HOST" }],
  },
  "secret-empty": {
    severity: "warning",
    broken: [
      [
        { client_secret: "" },
        [
          "client_secret is empty, so it's ignored",
          "check that the variable is set, or leave it out to generate a secret",
        ],
      ],
    ],
    fine: [
      {},
      { client_secret: null },
      { client_secret: "secret" },
      { client_secret: "", token_endpoint_auth_method: "none" },
    ],
  },
};

describe("the rules about values", () => {
  test("are listed in order, with a hint and what servers do", () => {
    assert.deepEqual(
      USABILITY_RULES.map(({ name }) => name),
      Object.keys(RULES),
    );
    for (const { hint, servers } of CLIENT_RULES) assert.ok(hint !== "" && servers !== "");
    assert.deepEqual(
      CLIENT_RULES.slice(-USABILITY_RULES.length).map(({ name }) => name),
      Object.keys(RULES),
    );
  });

  for (const [rule, { severity, broken, fine }] of Object.entries(RULES)) {
    test(rule, () => {
      for (const [client, ...expected] of broken) {
        const found = lintUsability(client, own).filter((finding) => finding.rule === rule);
        assert.deepEqual(
          found,
          expected.map(([message, hint]) => ({ rule, severity, field: message.split(" ", 1)[0], message, hint })),
        );
      }
      for (const client of fine)
        assert.deepEqual(
          lintUsability(client, own).filter((finding) => finding.rule === rule),
          [],
          JSON.stringify(client),
        );
    });
  }

  test("accept the examples of Hydra's documentation", () => {
    for (const client of [
      {
        client_name: "my app",
        redirect_uris: ["http://localhost/cb"],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        scope: "core foobar",
        subject_type: "public",
        token_endpoint_auth_method: "client_secret_basic",
      },
      { grant_types: ["client_credentials"], response_types: ["code"], scope: "core" },
      {
        ...WEB,
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code", "code id_token"],
        scope: "openid offline",
      },
      { client_secret: "abcdef" },
      {},
    ])
      assert.deepEqual(lintUsability(client, own), [], JSON.stringify(client));
  });

  test("print the corrected value as it is typed on a command line", () => {
    const fromFlags = createFieldLabeler(flags, (field) => ({ kind: "flag", name: flags(field) }));
    const hints = (client: JsonObject, label: FieldLabeler = fromFlags): readonly string[] =>
      lintUsability(client, label).map(({ hint }) => hint);
    assert.deepEqual(hints({ grant_types: ["client-credentials", "refresh"] }), [
      "write --grant-types client_credentials,refresh_token",
      "write --grant-types client_credentials,refresh_token",
    ]);
    assert.deepEqual(hints({ scope: "a offline" }), [
      'write --grant-types authorization_code,refresh_token, or remove "offline"',
    ]);
    assert.deepEqual(hints({ grant_types: ["authorization_code", "refresh_token"], scope: "a" }), [
      "write --scope a,offline_access, or remove the grant",
    ]);
    assert.deepEqual(
      hints(
        { grant_types: ["client-credentials"] },
        createFieldLabeler(own, () => ({ kind: "flag", name: "-g" })),
      ),
      ["write -g client_credentials"],
    );
    assert.deepEqual(hints({ grant_types: ["implicit", "authorization_code"], response_types: ["code"] }), [
      "write --response-types code,token, or remove the grant",
    ]);
    assert.deepEqual(
      hints({ response_types: ["code", "token id-token"], grant_types: ["authorization_code", "implicit"] }),
      ["write --response-types 'code,token id_token'"],
    );
    assert.deepEqual(hints({ grant_types: [], redirect_uris: ["https://a/cb?x=1,2&y=3 https://b/cb"] }), [
      `write --callbacks '"https://a/cb?x=1,2&y=3",https://b/cb'`,
    ]);
    const ofUpdate = createFieldLabeler(own, () => ({ kind: "registered client" }));
    assert.deepEqual(hints({ scope: "a offline" }, ofUpdate), [
      'write --grant-types authorization_code,refresh_token, or remove "offline"',
    ]);
  });

  test("never shorten a corrected value, and leave out one that is too long to read", () => {
    const long = Array.from({ length: 20 }, (_, i) => `scope-number-${i}`);
    const client = (words: readonly string[]) => ({ grant_types: ["refresh_token"], scope: words.join(" ") });
    const [found] = lintUsability(client(long), own);
    assert.equal(found?.hint, `write "scope": "${long.join(" ")} offline_access", or remove the grant`);
    const [longer] = lintUsability(client([...long, "x".repeat(500)]), own);
    assert.equal(longer?.hint, "correct scope, or remove the grant");
  });
});

test("createEmptySecretFinding() names the flag", () => {
  assert.equal(createEmptySecretFinding("--secret").message, "--secret is empty, so it's ignored");
});

test("never throw, and never put the secret into a message or a hint", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.webUrl(),
    fc.constantFrom(
      "code",
      "offline",
      "localhost:1/",
      "http:",
      "refresh_token",
      "pairwise",
      "jwt",
      "none",
      "a b",
      "a,b",
    ),
  );
  const value = fc.oneof(text, fc.array(text), fc.jsonValue());
  const fields = [
    "client_id",
    "grant_types",
    "response_types",
    "scope",
    "redirect_uris",
    "subject_type",
    "access_token_strategy",
    "token_endpoint_auth_method",
    "logo_uri",
  ];
  const secrets = fc.constantFrom("${Zq9_SECRET}", "Zq9_SECRET", "__ZQ9_SECRET__");
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...fields), value), secrets, (some, secret) => {
      for (const { message, hint } of lintUsability({ ...some, client_secret: secret }, own)) {
        assert.ok(!message.includes(secret) && !hint.includes(secret), message);
        assert.doesNotMatch(message + hint, /[\p{Cc}\u202e]/u);
        assert.match(message, /[^.\s]$/);
      }
    }),
    { numRuns: randomRuns(500) },
  );
});

test("take linear time", () => {
  const many = 200_000;
  const list = (item: string) => Array.from({ length: many / 10 }, (_, i) => `${item}${i}`);
  for (const client of [
    { grant_types: list("x"), response_types: list("y") },
    { grant_types: list("x"), response_types: Array(many).fill("id_token") },
    { redirect_uris: ["a:".repeat(many), "a,".repeat(many), ",a".repeat(many), "http:/".repeat(many)] },
    { redirect_uris: list("https://a.example/"), subject_type: "pairwise" },
    { scope: "a,".repeat(many) },
    { scope: "open_id ".repeat(many / 10) },
    { client_id: "/".repeat(many) },
  ])
    lintUsability(client, own);
});

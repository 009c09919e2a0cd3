import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseYamlDocuments } from "../../../lib/adapters/yaml.ts";
import { FIELD_NAMES } from "../../../lib/core/client/fields.ts";
import { isKubernetesObject } from "../../../lib/core/client/kubernetes-object.ts";
import { lintClient } from "../../../lib/core/client/rules.ts";
import {
  type KubernetesSecretKeyNames,
  skippedObjectsNote,
  type TranslatedManifests,
  translateManifests,
} from "../../../lib/core/client/translate-manifests.ts";
import { parseJsonExactly } from "../../../lib/core/json/json.ts";

/** Reads YAML files, one by name or several. */
async function read(
  files: string | Readonly<Record<string, string>>,
  keys?: KubernetesSecretKeyNames,
): Promise<TranslatedManifests> {
  const named = typeof files === "string" ? { "app.yaml": files } : files;
  const parsed = Object.entries(named).map(async ([name, text]) => ({
    name,
    values: await parseYamlDocuments(text, name),
  }));
  return translateManifests(await Promise.all(parsed), keys);
}

function clientsOf({ entries }: TranslatedManifests): readonly unknown[] {
  return entries.map(({ value }) => value);
}

function messagesOf({ problems }: TranslatedManifests): readonly string[] {
  return problems.map(({ message }) => message);
}

const WEB = `
apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata:
  name: my-internal-app
  namespace: ory
spec:
  clientName: My Internal App
  grantTypes: ["authorization_code", "refresh_token"]
  responseTypes: ["code", "id_token"]
  scope: "openid profile email offline"
  redirectUris:
    - "https://my-app.example.com/auth/callback"
  secretName: my-internal-app-credentials
  tokenEndpointAuthMethod: "client_secret_basic"
  skipConsent: true
`;

const GRAFANA = `
apiVersion: hydra.ory.sh/v1alpha1
kind: OAuth2Client
metadata: {name: grafana-oauth2-client, namespace: hydra}
spec:
  grantTypes: [client_credentials, authorization_code, refresh_token]
  scope: "grafana"
  secretName: grafana-oauth2-secret
`;

/** A Secret with these lines below its name, such as `data: {…}`. */
function secret(lines: string, name = "grafana-oauth2-secret", namespace = "hydra"): string {
  return `\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: ${name}, namespace: ${namespace}}\n${lines}\n`;
}

/** A client of this name with these lines in its spec. */
function manifest(spec: string, name = "a"): string {
  return `\n---\napiVersion: hydra.ory.sh/v1alpha1\nkind: OAuth2Client\nmetadata: {name: ${name}}\nspec:\n  ${spec.replaceAll("\n", "\n  ")}\n`;
}

describe("translateManifests()", () => {
  test("produces the client that hydra-maester registers", async () => {
    const found = await read(WEB);
    const entries = found.entries.map(({ source: _, ...entry }) => entry);
    assert.deepEqual(entries, [
      {
        file: "app.yaml",
        location: "app.yaml, OAuth2Client ory/my-internal-app",
        value: {
          client_name: "My Internal App",
          grant_types: ["authorization_code", "refresh_token"],
          response_types: ["code", "id_token"],
          redirect_uris: ["https://my-app.example.com/auth/callback"],
          token_endpoint_auth_method: "client_secret_basic",
          skip_consent: true,
          scope: "openid profile email offline",
          owner: "my-internal-app/ory",
        },
      },
    ]);
    assert.deepEqual([found.notes, found.problems, found.unknownKeys], [[], [], []]);
  });

  test("uses the ID and the secret of the Secret in spec.secretName, before or after the client", async () => {
    const data = secret("data: {client_id: Z3JhZmFuYQ==, client_secret: MTIzNDU2Nzg=}");
    for (const text of [`${data}---\n${GRAFANA}`, `${GRAFANA}${data}`]) {
      const found = await read(text);
      assert.deepEqual(clientsOf(found), [
        {
          client_id: "grafana",
          client_secret: "12345678",
          grant_types: ["client_credentials", "authorization_code", "refresh_token"],
          scope: "grafana",
          owner: "grafana-oauth2-client/hydra",
        },
      ]);
      assert.deepEqual([found.notes, messagesOf(found)], [[], []]);
    }
  });

  test("knows every field of every version of the CRD", async () => {
    const spec = `
clientName: n
grantTypes: [implicit]
responseTypes: [code token]
redirectUris: [https://a.example/cb]
requestUris: [https://a.example/r]
postLogoutRedirectUris: [https://a.example/out]
allowedCorsOrigins: [https://a.example]
audience: [api]
scopeArray: [a, b]
scope: c d
secretName: s
skipConsent: true
skipLogoutConsent: false
hydraAdmin: {}
tokenEndpointAuthMethod: private_key_jwt
tokenEndpointAuthSigningAlg: ES256
metadata: {team: {x: 1}}
jwksUri: https://a.example/jwks
frontChannelLogoutURI: https://a.example/f
frontChannelLogoutSessionRequired: true
backChannelLogoutURI: https://a.example/b
backChannelLogoutSessionRequired: false
deletionPolicy: orphan
logoUri: https://a.example/l
clientUri: https://a.example/c
policyUri: https://a.example/p
tosUri: https://a.example/t
contacts: [ops@a.example]
accessTokenStrategy: jwt
clientSecretExpiresAt: 0
requestObjectSigningAlg: RS256
sectorIdentifierUri: https://a.example/s
subjectType: pairwise
userinfoSignedResponseAlg: none
tokenLifespans:
  authorization_code_grant_access_token_lifespan: 1h
  authorization_code_grant_id_token_lifespan: 2h
  authorization_code_grant_refresh_token_lifespan: 3h
  client_credentials_grant_access_token_lifespan: 4h
  implicit_grant_access_token_lifespan: 5h
  implicit_grant_id_token_lifespan: 6h
  jwt_bearer_grant_access_token_lifespan: 7h
  refresh_token_grant_access_token_lifespan: 8h
  refresh_token_grant_id_token_lifespan: 9h
  refresh_token_grant_refresh_token_lifespan: ""`.slice(1);
    const found = await read(manifest(spec));
    assert.deepEqual([found.unknownKeys, messagesOf(found), found.notes], [[], [], []]);
    const [client] = clientsOf(found);
    assert.deepEqual(client, {
      client_name: "n",
      grant_types: ["implicit"],
      response_types: ["code token"],
      redirect_uris: ["https://a.example/cb"],
      request_uris: ["https://a.example/r"],
      post_logout_redirect_uris: ["https://a.example/out"],
      allowed_cors_origins: ["https://a.example"],
      audience: ["api"],
      skip_consent: true,
      skip_logout_consent: false,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      metadata: { team: { x: 1 } },
      jwks_uri: "https://a.example/jwks",
      frontchannel_logout_uri: "https://a.example/f",
      frontchannel_logout_session_required: true,
      backchannel_logout_uri: "https://a.example/b",
      backchannel_logout_session_required: false,
      logo_uri: "https://a.example/l",
      client_uri: "https://a.example/c",
      policy_uri: "https://a.example/p",
      tos_uri: "https://a.example/t",
      contacts: ["ops@a.example"],
      access_token_strategy: "jwt",
      client_secret_expires_at: 0,
      request_object_signing_alg: "RS256",
      sector_identifier_uri: "https://a.example/s",
      subject_type: "pairwise",
      userinfo_signed_response_alg: "none",
      scope: "a b c d",
      owner: "a/default",
      authorization_code_grant_access_token_lifespan: "1h",
      authorization_code_grant_id_token_lifespan: "2h",
      authorization_code_grant_refresh_token_lifespan: "3h",
      client_credentials_grant_access_token_lifespan: "4h",
      implicit_grant_access_token_lifespan: "5h",
      implicit_grant_id_token_lifespan: "6h",
      jwt_bearer_grant_access_token_lifespan: "7h",
      refresh_token_grant_access_token_lifespan: "8h",
      refresh_token_grant_id_token_lifespan: "9h",
    });
    for (const field of Object.keys(client ?? {})) assert.ok(FIELD_NAMES.includes(field), field);
  });

  test("accepts client fields that a later CRD may have", async () => {
    const found = await read(manifest("jwks: {keys: []}\nbackchannelLogoutUri: https://a.example/b"));
    assert.deepEqual(clientsOf(found), [
      { jwks: { keys: [] }, backchannel_logout_uri: "https://a.example/b", owner: "a/default" },
    ]);
  });

  for (const [spec, scope] of [
    ["scopeArray: [read, write]", "read write"],
    ["scopeArray: []\nscope: read", "read"],
    ["scope: [read, write]", "read write"],
    ['scope: ""', undefined],
    ["clientName: x", undefined],
    ["scope: null", undefined],
  ] as const) {
    test(`composes the scope of ${JSON.stringify(spec)}`, async () => {
      const [client] = clientsOf(await read(manifest(spec)));
      assert.equal(Object.getOwnPropertyDescriptor(client, "scope")?.value, scope);
    });
  }

  test("leaves values of a wrong type to the rules", async () => {
    const [client] = clientsOf(await read(manifest("scope: 5\nredirectUris: https://a.example/cb")));
    assert.deepEqual(client, { scope: 5, redirect_uris: "https://a.example/cb", owner: "a/default" });
    assert.ok(typeof client === "object" && client !== null);
    assert.deepEqual(
      lintClient({ ...client }, (field) => field).flatMap(({ rule }) => (rule === "field-type" ? [rule] : [])),
      ["field-type", "field-type"],
    );
  });

  test("reads Kubernetes lists and arrays of objects, in order", async () => {
    const item = (name: string) => ({
      apiVersion: "hydra.ory.sh/v1alpha1",
      kind: "OAuth2Client",
      metadata: { name },
      spec: {},
    });
    const list = { apiVersion: "v1", kind: "List", items: [item("a"), { ...item("b") }] };
    const own = { apiVersion: "hydra.ory.sh/v1alpha1", kind: "OAuth2ClientList", items: [item("d")] };
    const found = translateManifests([{ name: "f.json", values: [[list, item("c")], own] }]);
    assert.deepEqual(
      clientsOf(found),
      ["a", "b", "c", "d"].map((name) => ({ owner: `${name}/default` })),
    );
  });

  test("returns values that are not Kubernetes objects unchanged", () => {
    const values = [{ client_id: "a" }, [{ client_id: "b" }], { items: [{ client_id: "c" }] }, null, 5, "kind"];
    const found = translateManifests([{ name: "f.json", values }]);
    assert.deepEqual(clientsOf(found), values);
    assert.deepEqual(
      found.entries.map(({ location }) => location),
      values.map(() => undefined),
    );
    assert.deepEqual([found.notes, found.problems], [[], []]);
  });

  test("reports the other kinds of a file with a client", async () => {
    const others = `---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: y}\n`;
    const found = await read(`${WEB}${others}${secret("data: {}", "another")}`);
    assert.equal(found.entries.length, 1);
    assert.deepEqual(found.skipped.map(skippedObjectsNote), [
      "app.yaml: skipped Kubernetes objects of other kinds (2 Deployment, 1 Service, 1 Secret)",
    ]);
    assert.deepEqual([found.notes, found.problems, found.filesWithoutClient], [[], [], []]);
  });

  test("reports a file with Kubernetes objects but no client", async () => {
    const openshift =
      "apiVersion: other.example/v1\nkind: OAuth2Client\nmetadata: {name: x}\n---\nkind: Role\nspec: {}";
    const found = await read({ "web.yaml": WEB, "other.yaml": openshift });
    assert.equal(found.entries.length, 1);
    assert.deepEqual(
      found.filesWithoutClient.map(({ file, problem: { message, code, exit } }) => [file, message, code, exit]),
      [
        [
          "other.yaml",
          "other.yaml holds Kubernetes objects but no OAuth2Client (1 OAuth2Client of other.example/v1, 1 Role)",
          "no-client",
          "usage",
        ],
      ],
    );
    assert.deepEqual([found.problems, found.skipped], [[], []]);
  });

  test("accepts a file that has only the Secret of a client in another file", async () => {
    const data = secret("data: {CLIENT_ID: Z3JhZmFuYQ==, CLIENT_SECRET: MTIzNDU2Nzg=}");
    const found = await read({ "client.yaml": GRAFANA, "secret.yaml": data });
    assert.deepEqual([found.notes, messagesOf(found), found.entries.length], [[], [], 1]);
    assert.equal(Object.getOwnPropertyDescriptor(clientsOf(found)[0], "client_id")?.value, "grafana");
  });

  test("reports keys that hydra-maester ignores, and suggests the right one", async () => {
    const spec =
      "client_name: x\nredirectUrls: []\nredirect_uris: []\nclientId: x\nclient_secret: x\nsomething: 1\ntokenLifespans: {authorizationCodeGrantAccessTokenLifespan: 1h, other: 1h}";
    const found = await read(manifest(spec));
    assert.deepEqual(
      found.unknownKeys.map(({ location, key, meant }) => [location, key, meant]),
      [
        ["spec.client_name", "spec.clientName"],
        ["spec.redirectUrls", "spec.redirectUris"],
        ["spec.redirect_uris", "spec.redirectUris"],
        ["spec.clientId", "spec.secretName"],
        ["spec.client_secret", "spec.secretName"],
        ["spec.something", undefined],
        [
          "spec.tokenLifespans.authorizationCodeGrantAccessTokenLifespan",
          "spec.tokenLifespans.authorization_code_grant_access_token_lifespan",
        ],
        ["spec.tokenLifespans.other", undefined],
      ].map(([key, meant]) => ["app.yaml, OAuth2Client default/a", key, meant]),
    );
    assert.deepEqual(clientsOf(found), [{ owner: "a/default" }]);
  });

  test("reports a manifest without a name or a spec, and returns no client for it", async () => {
    const found = await read(
      "apiVersion: hydra.ory.sh/v1alpha1\nkind: OAuth2Client\nmetadata: {}\nspec: {}\n---\napiVersion: hydra.ory.sh/v1alpha1\nkind: OAuth2Client\nmetadata: {name: b}\n",
    );
    assert.deepEqual(clientsOf(found), []);
    assert.deepEqual(messagesOf(found), [
      "app.yaml, OAuth2Client default/? has no metadata.name",
      "app.yaml, OAuth2Client default/b has no spec",
    ]);
  });

  test("notes that spec.hydraAdmin does not select the server", async () => {
    const found = await read(manifest("hydraAdmin: {url: http://hydra, port: 4445}"));
    assert.deepEqual(found.notes, [
      "app.yaml, OAuth2Client default/a: spec.hydraAdmin is ignored; --endpoint chooses the server",
    ]);
  });
});

describe("the Secret of a client", () => {
  const credentials = async (
    lines: string,
    keys?: KubernetesSecretKeyNames,
    spec = "secretName: s",
  ): Promise<unknown> => {
    const found = await read(`${manifest(spec)}${secret(lines, "s", "default")}`, keys);
    const [client] = clientsOf(found);
    assert.ok(typeof client === "object" && client !== null);
    const { client_id: id, client_secret: text } = { client_id: undefined, client_secret: undefined, ...client };
    return [id, text, messagesOf(found)];
  };

  test("is read by the keys that hydra-maester writes, in data or stringData", async () => {
    const plain = "stringData: {CLIENT_ID: web, CLIENT_SECRET: secret-1}";
    assert.deepEqual(await credentials(plain), ["web", "secret-1", []]);
    assert.deepEqual(await credentials(`data: {CLIENT_ID: eA==, CLIENT_SECRET: eA==}\n${plain}`), [
      "web",
      "secret-1",
      [],
    ]);
    const both = "data: {CLIENT_ID: d2Vi, client_id: eA==}\nstringData: {CLIENT_SECRET: secret-1}";
    assert.deepEqual(await credentials(both), ["web", "secret-1", []]);
    assert.deepEqual(await credentials('data: {CLIENT_ID: "w6k=", CLIENT_SECRET: "8J+UkQ=="}'), ["é", "🔑", []]);
  });

  test("may have other keys, which are then the only ones used", async () => {
    const keys = { id: "ID", secret: "KEY" };
    assert.deepEqual(await credentials("stringData: {ID: web, KEY: secret-1, CLIENT_ID: other}", keys), [
      "web",
      "secret-1",
      [],
    ]);
    assert.deepEqual(await credentials("stringData: {CLIENT_ID: web, CLIENT_SECRET: s}", keys), [
      undefined,
      undefined,
      ['app.yaml, Secret default/s has no key "ID"', 'app.yaml, Secret default/s has no key "KEY"'],
    ]);
  });

  test("needs a secret only if the client uses one", async () => {
    const lines = "stringData: {CLIENT_ID: web}";
    assert.deepEqual(await credentials(lines), [
      "web",
      undefined,
      ['app.yaml, Secret default/s has no key "CLIENT_SECRET"'],
    ]);
    for (const method of ["none", "private_key_jwt"])
      assert.deepEqual(await credentials(lines, undefined, `secretName: s\ntokenEndpointAuthMethod: ${method}`), [
        "web",
        undefined,
        [],
      ]);
  });

  test("with values that are not base64 text is reported without showing them", async () => {
    for (const value of ["hunter22!", "gICA", "5"]) {
      assert.deepEqual(await credentials(`data: {CLIENT_ID: d2Vi, CLIENT_SECRET: ${value}}`), [
        "web",
        undefined,
        ['app.yaml, Secret default/s has an unreadable value under "CLIENT_SECRET"'],
      ]);
    }
    assert.deepEqual(await credentials("stringData: {CLIENT_ID: [1], CLIENT_SECRET: s}"), [
      undefined,
      "s",
      ['app.yaml, Secret default/s has an unreadable value under "CLIENT_ID"'],
    ]);
  });

  test("has the client's namespace, or none", async () => {
    const data = (id: string) => `stringData: {CLIENT_ID: ${id}, CLIENT_SECRET: secret-1}`;
    const idOf = async (text: string): Promise<unknown> =>
      Object.getOwnPropertyDescriptor(clientsOf(await read(text))[0], "client_id")?.value;
    const name = "grafana-oauth2-secret";
    assert.equal(await idOf(`${GRAFANA}${secret(data("other"), name, "x")}${secret(data("own"))}`), "own");
    assert.equal(await idOf(`${GRAFANA}${secret(data("other"), name, "x")}`), undefined);
    assert.equal(await idOf(`${GRAFANA}${secret(data("bare"), name, '""')}`), "bare");
    assert.equal(await idOf(`${GRAFANA}${secret(data("another"), "another")}`), undefined);
  });
});

describe("a manifest with hostile members", () => {
  const MAESTER = '"apiVersion":"hydra.ory.sh/v1alpha1","kind":"OAuth2Client"';

  const parsed = (text: string): TranslatedManifests =>
    translateManifests([{ name: "f.json", values: [parseJsonExactly(text)] }]);

  test("has no name and no spec in a list, a long number or another prototype", () => {
    for (const [members, missing] of [
      ['"metadata":["a"],"spec":{}', "default/? has no metadata.name"],
      ['"metadata":{"name":["a"]},"spec":{}', "default/? has no metadata.name"],
      ['"__proto__":{"metadata":{"name":"a"}},"spec":{}', "default/? has no metadata.name"],
      ['"metadata":{"name":"a"},"spec":["x"]', "default/a has no spec"],
      ['"metadata":{"name":"a"},"spec":12345678901234567890', "default/a has no spec"],
      ['"metadata":{"name":"a"},"__proto__":{"spec":{}}', "default/a has no spec"],
    ] as const) {
      const found = parsed(`{${MAESTER},${members}}`);
      assert.deepEqual([clientsOf(found), messagesOf(found)], [[], [`f.json, OAuth2Client ${missing}`]]);
    }
  });

  test("has nothing for the controller in values of another type", () => {
    const spec =
      '{"secretName":["s"],"hydraAdmin":["u"],"tokenLifespans":["1h"],"__proto__":{"secretName":"s"},"constructor":1}';
    const found = parsed(`{${MAESTER},"metadata":{"name":"a"},"spec":${spec}}`);
    assert.deepEqual([clientsOf(found), found.notes], [[{ owner: "a/default" }], []]);
    assert.deepEqual(
      found.unknownKeys.map(({ key }) => key),
      ["spec.__proto__", "spec.constructor"],
    );
  });

  test("reads only the own keys of its Secret, and no list or long number in place of them", () => {
    const read = (data: string, key: string): TranslatedManifests =>
      translateManifests(
        [
          {
            name: "f.json",
            values: [
              parseJsonExactly(`{${MAESTER},"metadata":{"name":"a"},"spec":{"secretName":"s"}}`),
              parseJsonExactly(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},${data}}`),
            ],
          },
        ],
        { id: key, secret: key },
      );
    for (const [data, key] of [
      ['"data":["d2Vi"]', "0"],
      ['"stringData":["web"]', "0"],
      ['"data":12345678901234567890', "rawJSON"],
      ['"data":{}', "constructor"],
      ['"stringData":{}', "__proto__"],
    ] as const)
      assert.deepEqual(
        messagesOf(read(data, key)),
        Array(2).fill(`f.json, Secret default/s has no key "${key}"`),
        data,
      );
    const own = read('"stringData":{"__proto__":"web"}', "__proto__");
    assert.deepEqual(clientsOf(own), [{ client_id: "web", client_secret: "web", owner: "a/default" }]);
  });

  test("is counted once where a file repeats it, and has its own items even at great depth", () => {
    const role = { apiVersion: "v1", kind: "Role" };
    const repeated = translateManifests([{ name: "f.yaml", values: [[role, role]] }]);
    assert.match(repeated.filesWithoutClient[0]?.problem.message ?? "", /\(1 Role\)$/);
    const items = (inner: string): string => `{"apiVersion":"v1","kind":"List","items":[${inner}]}`;
    let text = `{${MAESTER},"metadata":{"name":"a"},"spec":{}}`;
    for (let depth = 0; depth < 200; depth++) text = items(text);
    assert.deepEqual(clientsOf(parsed(text)), [{ owner: "a/default" }]);
  });
});

test("isKubernetesObject() accepts what kubectl accepts, and no client", () => {
  assert.ok(isKubernetesObject({ apiVersion: "v1", kind: "Secret" }));
  assert.ok(isKubernetesObject({ kind: "OAuth2Client", spec: {} }));
  assert.ok(isKubernetesObject({ kind: "Role", metadata: { name: "x" } }));
  for (const value of [
    ...[null, [], "Secret", {}, { kind: "x" }, { client_id: "a", metadata: { kind: "x" } }],
    ...[
      { kind: ["Role"], spec: {} },
      { kind: "", spec: {} },
      { kind: "x", spec: [] },
      { kind: "x", apiVersion: 1 },
    ],
    ...[
      { kind: "x", metadata: ["name"] },
      { kind: "x", metadata: { name: "" } },
    ],
    ...[{ kind: "x", spec: parseJsonExactly("12345678901234567890") }],
  ])
    assert.equal(isKubernetesObject(value), false, JSON.stringify(value));
});

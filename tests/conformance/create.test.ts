/** `clients create` on every server. */

import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { test } from "node:test";
import { CLIENT_FIELDS } from "../../lib/core/client/fields.ts";
import type { Ended } from "../e2e/binary.ts";
import { familyTraits, ordinaryTraits, storageTraits } from "../sandbox-versions.ts";
import {
  asJson,
  askToken,
  comparable,
  exchange,
  type Json,
  onEveryServer,
  proveSecret,
  type Server,
  textOf,
} from "./servers.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const GENERATED = /^[A-Za-z0-9._~-]{26,}$/;

/** The payload of `clients create` without any flag. */
const DEFAULTS = {
  grant_types: ["authorization_code"],
  response_types: ["code"],
  token_endpoint_auth_method: "client_secret_basic",
  subject_type: "public",
};

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const KEY_SET = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "a", use: "sig", alg: "RS256" }] };

interface Row {
  readonly title: string;
  readonly args: readonly string[];
  /** What the arguments add to the payload with defaults. */
  readonly fields: Json;
  /** Whether every version of Hydra since 1.8 keeps the fields as they are given. */
  readonly everywhere?: boolean;
}

const ROWS: readonly Row[] = [
  {
    title: "name, owner and contacts",
    args: ["-n", 'Ünï ☃ "app" <&>', "--owner", "team", "--contact", "a@example.com,b@example.com"],
    fields: { client_name: 'Ünï ☃ "app" <&>', owner: "team", contacts: ["a@example.com", "b@example.com"] },
    everywhere: true,
  },
  {
    title: "callbacks, repeated and with a comma",
    args: ["-c", "http://localhost/a,https://app.example.com/b", "--callbacks", '"https://app.example.com/c?x=1,2"'],
    fields: { redirect_uris: ["http://localhost/a", "https://app.example.com/b", "https://app.example.com/c?x=1,2"] },
    everywhere: true,
  },
  {
    title: "grant types, response types, scope and audience",
    args: [
      ...["-g", "client_credentials,refresh_token", "-g=authorization_code", "-r", "code", "--response-types=id_token"],
      ...[
        "-a",
        "core,foobar",
        "--scope",
        "offline",
        "--audience",
        "https://api.example.com,urn:x",
        "-chttp://localhost/cb",
      ],
    ],
    fields: {
      grant_types: ["client_credentials", "refresh_token", "authorization_code"],
      response_types: ["code", "id_token"],
      scope: "core foobar offline",
      audience: ["https://api.example.com", "urn:x"],
      redirect_uris: ["http://localhost/cb"],
    },
    everywhere: true,
  },
  {
    title: "the addresses of its pages",
    args: [
      ...["--client-uri", "https://app.example.com/", "--logo-uri", "https://app.example.com/logo.png"],
      ...["--policy-uri", "https://app.example.com/policy", "--tos-uri", "https://app.example.com/tos"],
    ],
    fields: {
      client_uri: "https://app.example.com/",
      logo_uri: "https://app.example.com/logo.png",
      policy_uri: "https://app.example.com/policy",
      tos_uri: "https://app.example.com/tos",
    },
    everywhere: true,
  },
  {
    title: "logout and CORS",
    args: [
      ...[
        "-c",
        "https://app.example.com/cb",
        "--post-logout-callbacks",
        "https://app.example.com/bye,https://app.example.com/",
      ],
      ...["--allowed-cors-origins", "https://app.example.com,http://localhost:3000"],
      ...["--frontchannel-logout-callback", "https://app.example.com/front", "--frontchannel-logout-session-required"],
      ...["--backchannel-logout-callback", "https://app.example.com/back", "--backchannel-logout-session-required=T"],
    ],
    fields: {
      redirect_uris: ["https://app.example.com/cb"],
      post_logout_redirect_uris: ["https://app.example.com/bye", "https://app.example.com/"],
      allowed_cors_origins: ["https://app.example.com", "http://localhost:3000"],
      frontchannel_logout_uri: "https://app.example.com/front",
      frontchannel_logout_session_required: true,
      backchannel_logout_uri: "https://app.example.com/back",
      backchannel_logout_session_required: true,
    },
    everywhere: true,
  },
  {
    title: "request objects and signed answers",
    args: [
      ...["--request-uri", "https://app.example.com/r", "--request-object-signing-alg", "RS256"],
      ...["--userinfo-signed-response-alg", "RS256"],
    ],
    fields: {
      request_uris: ["https://app.example.com/r"],
      request_object_signing_alg: "RS256",
      userinfo_signed_response_alg: "RS256",
    },
    everywhere: true,
  },
  {
    title: "subject type",
    args: ["--subject-type", "public"],
    fields: { subject_type: "public" },
    everywhere: true,
  },
  {
    title: "a subject type and a sector that this server may not have",
    args: ["--subject-type", "pairwise", "--sector-identifier-uri", "https://127.0.0.1:9/sector.json"],
    fields: { subject_type: "pairwise", sector_identifier_uri: "https://127.0.0.1:9/sector.json" },
  },
  {
    title: "metadata",
    args: ["--metadata", '{"team":"a","nested":{"n":[1,2.5,null,true]}}'],
    fields: { metadata: { team: "a", nested: { n: [1, 2.5, null, true] } } },
  },
  {
    title: "skip_consent",
    args: ["--skip-consent"],
    fields: { skip_consent: true },
  },
  {
    title: "skip_logout_consent",
    args: ["--skip-logout-consent=true"],
    fields: { skip_logout_consent: true },
  },
  {
    title: "access_token_strategy",
    args: ["--access-token-strategy", "jwt"],
    fields: { access_token_strategy: "jwt" },
  },
  {
    title: "client_secret_post",
    args: ["--token-endpoint-auth-method", "client_secret_post"],
    fields: { token_endpoint_auth_method: "client_secret_post" },
    everywhere: true,
  },
  {
    title: "private_key_jwt with the address of its keys",
    args: [
      ...["--token-endpoint-auth-method", "private_key_jwt", "--jwks-uri", "https://app.example.com/keys"],
      ...["--token-endpoint-auth-signing-alg", "ES256"],
    ],
    fields: {
      token_endpoint_auth_method: "private_key_jwt",
      jwks_uri: "https://app.example.com/keys",
      token_endpoint_auth_signing_alg: "ES256",
    },
    everywhere: true,
  },
  {
    title: "private_key_jwt with its keys",
    args: ["--token-endpoint-auth-method", "private_key_jwt", "--jwks", JSON.stringify(KEY_SET)],
    fields: { token_endpoint_auth_method: "private_key_jwt", jwks: KEY_SET },
    everywhere: true,
  },
];

const LIFESPANS = CLIENT_FIELDS.filter(({ shape }) => shape === "duration");

/** A signed assertion by which a client proves itself (RFC 7523, 3). */
function assertion(id: string, audience: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: id, sub: id, aud: audience, jti: randomUUID(), iat: now, exp: now + 60 };
  const signed = `${part({ alg: "RS256", typ: "JWT", kid: "a" })}.${part(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

async function proveKey(server: Server, id: string): Promise<void> {
  if (server.publicUrl === undefined) return;
  const discovery = await exchange("GET", `${server.publicUrl}/.well-known/openid-configuration`);
  const answer = await askToken(server, undefined, {
    client_id: id,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion(id, textOf(asJson(discovery.body), "token_endpoint")),
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}

async function stored(server: Server, id: string): Promise<Json> {
  return comparable(await server.stored(id));
}

test("the rows set every field of a client", () => {
  const set = new Set([...ROWS.flatMap(({ fields }) => Object.keys(fields)), ...LIFESPANS.map(({ name }) => name)]);
  assert.deepEqual(
    CLIENT_FIELDS.map(({ name }) => name).filter((name) => !set.has(name)),
    [],
  );
});

onEveryServer("clients create", ordinaryTraits, (server, testsFor) => {
  const testPerFamily = testsFor(familyTraits);
  const testPerStorage = testsFor(storageTraits);

  test("registers the client of the first example", async () => {
    const { id, secret, ended } = await server().create([
      ...["clients", "create", "-n", "my app", "-c", "http://localhost/cb"],
      ...["-g", "authorization_code", "-r", "code", "-a", "core,foobar"],
    ]);
    assert.match(id, UUID);
    assert.match(secret ?? "", GENERATED);
    assert.equal(ended.stderr, "");
    const stored = await server().stored(id);
    assert.equal(stored["client_id"], id);
    assert.equal(stored["client_name"], "my app");
    assert.deepEqual(stored["redirect_uris"], ["http://localhost/cb"]);
    assert.deepEqual(stored["grant_types"], ["authorization_code"]);
    assert.deepEqual(stored["response_types"], ["code"]);
    assert.equal(stored["scope"], "core foobar");
    assert.equal(stored["token_endpoint_auth_method"], "client_secret_basic");
    assert.equal(stored["subject_type"], "public");
  });

  testPerStorage("registers the same client in the 2.x syntax", async () => {
    const ended = await server().run([
      ...["create", "oauth2-client", "--name", "my app", "--redirect-uri", "http://localhost/cb"],
      ...["--grant-type", "authorization_code", "--response-type", "code", "--scope", "core,foobar"],
      ...["--request-object-signing-alg", "none", "--format", "json"],
    ]);
    assert.equal(ended.status, 0, ended.stderr);
    const printed = asJson(JSON.parse(ended.stdout));
    assert.match(textOf(printed, "client_secret"), GENERATED);
    const first = await server().create([
      ...["clients", "create", "-n", "my app", "-c", "http://localhost/cb", "-a", "core,foobar"],
      ...["--request-object-signing-alg", "none"],
    ]);
    assert.deepEqual(
      comparable(await server().stored(textOf(printed, "client_id"))),
      comparable(await server().stored(first.id)),
    );
  });

  for (const { title, args, fields, everywhere } of ROWS) {
    (everywhere ? testPerStorage : test)(`stores what is given: ${title}`, async () => {
      const posted = await server().post({ ...DEFAULTS, ...fields, client_secret: "a-secret-of-its-own" });
      const wanted = posted.status === 201 ? await stored(server(), textOf(asJson(posted.body), "client_id")) : {};
      const kept = Object.keys(fields).filter((name) => wanted[name] !== undefined);
      const ended = await server().run(["clients", "create", ...args]);
      if (ended.status !== 0) {
        assert.equal(everywhere, undefined, ended.stderr);
        assert.equal(ended.stdout, "");
        assert.equal(ended.status, posted.status === 201 ? 2 : 1, ended.stderr);
        assert.deepEqual(kept, []);
        return;
      }
      assert.equal(posted.status, 201, JSON.stringify(posted));
      const [, id = ""] = /^OAuth 2\.0 Client ID: (\S+)\n/.exec(ended.stdout) ?? [];
      const found = await stored(server(), id);
      assert.deepEqual(found, wanted);
      if (everywhere === true) {
        assert.deepEqual(Object.fromEntries(Object.keys(fields).map((name) => [name, found[name]])), fields);
      }
    });
  }

  test("stores the lifespans that the API version has, and reports those that it lacks", async () => {
    const create = (fields: typeof LIFESPANS): Promise<Ended> => {
      const flags = fields.map(({ flag, name }) => `--${flag.name}=${lifespans[name]}`);
      return server().run(["clients", "create", "-c", "http://localhost/cb", ...flags]);
    };
    const lifespans: Readonly<Record<string, string>> = Object.fromEntries(
      LIFESPANS.map(({ name }, index) => [name, `${index + 1}h0m0s`]),
    );
    const posted = await server().post({ ...DEFAULTS, redirect_uris: ["http://localhost/cb"], ...lifespans });
    assert.equal(posted.status, 201, JSON.stringify(posted));
    const wanted = await stored(server(), textOf(asJson(posted.body), "client_id"));

    const refused = await create(LIFESPANS);
    assert.equal(refused.status, 2, refused.stderr);
    assert.equal(refused.stdout, "");
    const unknown = LIFESPANS.filter(({ name }) => refused.stderr.includes(`has no field ${name}\n`));
    assert.deepEqual(
      unknown.filter(({ name }) => wanted[name] !== undefined),
      [],
    );
    const family = server().family === "v1" ? "Hydra 1.x" : "Hydra 2.x";
    const faults = unknown.map(({ flag, name }) => `--${flag.name}: ${family} has no field ${name}\n`);
    assert.equal(refused.stderr, `Error: ${faults.join("  ")}Hint: leave it out for this server\n`);

    const known = LIFESPANS.filter((field) => !unknown.includes(field));
    const ended = await create(known);
    assert.equal(ended.status, 0, ended.stderr);
    const [, id = ""] = /^OAuth 2\.0 Client ID: (\S+)\n/.exec(ended.stdout) ?? [];
    assert.deepEqual(await stored(server(), id), wanted);
    const lost = known.filter(({ name }) => wanted[name] === undefined);
    const warnings = lost.map(({ name }) => `Warning: ${name}: this server does not keep the field\n`);
    assert.equal(ended.stderr, warnings.join(""));
  });

  testPerStorage("prints a secret that works", async () => {
    const made = await server().create(["clients", "create", "-g", "client_credentials", "-r", "token"]);
    await proveSecret(server(), made);
  });

  testPerFamily("accepts a given secret, and doesn't print it", async () => {
    const secret = `given-${randomUUID()}`;
    const made = await server().create(["clients", "create", "-g", "client_credentials", "--secret", secret]);
    assert.equal(made.secret, undefined);
    assert.ok(!made.ended.stdout.includes(secret) && !made.ended.stderr.includes(secret), made.ended.stderr);
    await proveSecret(server(), { ...made, secret });
    const json = await server().run(["clients", "create", "--format", "json"], {
      env: { HYDRA_CLIENT_SECRET: secret },
    });
    assert.equal(json.status, 0, json.stderr);
    assert.ok(!json.stdout.includes(secret), json.stdout);
  });

  testPerStorage("registers a public client, without a secret", async () => {
    const { id, secret, ended } = await server().create([
      ...["clients", "create", "--token-endpoint-auth-method", "none", "-c", "https://app.example.com/cb"],
    ]);
    assert.equal(secret, undefined);
    assert.ok(ended.stdout.endsWith("\nThis OAuth 2.0 Client has no secret\n"), ended.stdout);
    const stored = await server().stored(id);
    assert.equal(stored["token_endpoint_auth_method"], "none");
    assert.deepEqual(stored["redirect_uris"], ["https://app.example.com/cb"]);
  });

  testsFor(({ prefix, checksKeys }) => [prefix, checksKeys])(
    "registers a client that authenticates with a key, which also gets a secret",
    async () => {
      const { id, secret } = await server().create([
        ...["clients", "create", "-g", "client_credentials", "--token-endpoint-auth-method", "private_key_jwt"],
        ...["--jwks", JSON.stringify(KEY_SET)],
      ]);
      assert.match(secret ?? "", GENERATED);
      await proveKey(server(), id);
    },
  );

  testsFor(({ prefix, ownId, errors }) => [prefix, ownId, errors])(
    "accepts a chosen ID, or reports why it cannot",
    async () => {
      const id = `conformance-${randomUUID()}`;
      const ended = await server().run(["clients", "create", "--id", id, "-n", "first", "-c", "http://localhost/cb"]);
      if (server().takesIds) {
        assert.equal(ended.status, 0, ended.stderr);
        assert.ok(ended.stdout.startsWith(`OAuth 2.0 Client ID: ${id}\n`), ended.stdout);
        assert.equal((await server().stored(id))["client_name"], "first");
      } else {
        assert.equal(ended.status, 1);
        assert.equal(ended.stdout, "");
        assert.match(ended.stderr, /^Error: .*\bid\b.*\nHint: .*--id.*\n$/);
        assert.ok(ended.stderr.includes(id), ended.stderr);
        assert.equal(await server().has(id), false);
      }
    },
  );

  testsFor(({ prefix, ownId, errors }) => [prefix, ownId, errors])(
    "leaves another client with the chosen ID unchanged",
    async () => {
      const id = `conformance-${randomUUID()}`;
      const posted = await server().post({ client_id: id, client_name: "first", client_secret: "first-secret-of-it" });
      const ended = await server().run(["clients", "create", "--id", id, "-n", "second", "-c", "http://localhost/cb"]);
      assert.equal(ended.stdout, "");
      assert.ok(ended.stderr.includes(id), ended.stderr);
      assert.match(ended.stderr, /^Error: .*\nHint: .*\n$/);
      if (posted.status === 201) {
        assert.equal(ended.status, 5, ended.stderr);
        assert.equal((await server().stored(id))["client_name"], "first");
      } else assert.equal(ended.status, 1, ended.stderr);
    },
  );

  test("sends what only the server can reject", async () => {
    const args = ["clients", "create", "-c", "http://localhost/%zz"];
    const ended = await server().run(args);
    assert.equal(ended.status, 1);
    assert.equal(ended.stdout, "");
    assert.match(ended.stderr, /^Error: .*\b400\b.*redirect URL.*\nHint: .*\n$/);
    const json = await server().run([...args, "--format", "json"]);
    assert.equal(json.status, 1);
    assert.equal(json.stdout, "");
    const told = asJson(JSON.parse(json.stderr));
    assert.equal(told["status"], 400);
    assert.match(textOf(told, "message"), /redirect URL/);
  });

  testPerFamily("rejects what every server would reject", async () => {
    const ended = await server().run(["clients", "create", "--secret", "short", "-c", "http://localhost/cb#f", "-v"]);
    assert.equal(ended.status, 2);
    assert.equal(ended.stdout, "");
    assert.ok(!ended.stderr.includes("POST"), ended.stderr);
    const posted = await server().post({ client_secret: "short" });
    assert.equal(posted.status, 400);
  });

  test("detects the API version, and uses the given one", async () => {
    const { family, path, url } = server();
    const found = await server().create(["clients", "create", "-c", "http://localhost/cb", "-v"]);
    assert.match(found.ended.stderr, new RegExp(`POST ${url}${path}\\n`));
    const told = await server().create(["clients", "create", "-c", "http://localhost/cb", "--api", family, "-v"]);
    assert.equal(await server().has(told.id), true);
    const other = family === "v1" ? "v2" : "v1";
    assert.ok(told.ended.stderr.includes(`POST ${url}${path}\n`), told.ended.stderr);
    const wrong = await server().run(["clients", "create", "-c", "http://localhost/cb", "--api", other, "-v"]);
    const right = other === "v2" ? "/clients" : "/admin/clients";
    assert.ok(!wrong.stderr.includes(`POST ${url}${right}\n`), wrong.stderr);
    // Since 25 the old paths work as well; elsewhere the wrong family is an error that says so.
    const works = (await server().ask("GET", other === "v1" ? "/clients" : "/admin/clients")).status === 200;
    assert.equal(wrong.status, works ? 0 : 1, wrong.stderr);
    if (!works) assert.match(wrong.stderr, /^Hint: .+$/m);
  });

  testPerFamily("removes /admin from the endpoint", async () => {
    const { id, ended } = await server().create(["clients", "create", "-c", "http://localhost/cb"], {
      env: { HYDRA_ADMIN_URL: `${server().url}/admin/` },
    });
    assert.match(ended.stderr, /^Warning: .*\/admin.*\n$/);
    assert.equal(await server().has(id), true);
  });

  test("detects a port that isn't the admin port", async () => {
    const { publicUrl, url } = server();
    const ended = await server().run(["clients", "create", "-c", "http://localhost/cb"], {
      env: { HYDRA_ADMIN_URL: publicUrl ?? `${url}/elsewhere` },
    });
    assert.equal(ended.status, 1);
    assert.equal(ended.stdout, "");
    assert.match(ended.stderr, /^Error: .*not a Hydra admin port\nHint: .*\n$/);
  });
});

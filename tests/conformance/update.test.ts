/** `clients update` on every server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { CLIENT_FIELDS } from "../../lib/core/client/fields.ts";
import type { Ended } from "../e2e/binary.ts";
import { type Dependencies, familyTraits, ordinaryTraits, storageTraits } from "../sandbox-versions.ts";
import { asJson, comparable, type Json, onEveryServer, proveSecret, type Server, textOf } from "./servers.ts";

/** A client with something in every field that an update could wipe, on every version. */
const FULL = {
  client_name: "before",
  redirect_uris: ["https://app.example.com/cb", "https://app.example.com/other"],
  grant_types: ["client_credentials", "authorization_code"],
  response_types: ["code", "token"],
  scope: "core foobar",
  audience: ["https://api.example.com"],
  owner: "team",
  contacts: ["a@example.com"],
  client_uri: "https://app.example.com/",
  logo_uri: "https://app.example.com/logo.png",
  policy_uri: "https://app.example.com/policy",
  tos_uri: "https://app.example.com/tos",
  allowed_cors_origins: ["https://app.example.com"],
  post_logout_redirect_uris: ["https://app.example.com/bye"],
  frontchannel_logout_uri: "https://app.example.com/front",
  frontchannel_logout_session_required: true,
  backchannel_logout_uri: "https://app.example.com/back",
  backchannel_logout_session_required: true,
  request_uris: ["https://app.example.com/r"],
  request_object_signing_alg: "RS256",
  userinfo_signed_response_alg: "RS256",
  subject_type: "public",
  token_endpoint_auth_method: "client_secret_basic",
  metadata: { team: "a", nested: { n: [1, 2.5, null], keep: true } },
};

const KEY_SET = {
  keys: [
    {
      ...{ kty: "EC", kid: "a", use: "sig", alg: "ES256", crv: "P-256" },
      ...{ x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" },
    },
  ],
};

interface Made {
  readonly id: string;
  readonly secret: string;
  readonly stored: Json;
}

/** Registers a client without the program. */
async function made(server: Server, client: Json = FULL): Promise<Made> {
  const secret = `secret-${randomUUID()}`;
  const answer = await server.post({ ...client, client_secret: secret });
  assert.equal(answer.status, 201, JSON.stringify(answer));
  const id = textOf(asJson(answer.body), "client_id");
  return { id, secret, stored: await server.stored(id) };
}

/** A client without the one field that every change touches. */
function apart(client: Json): Json {
  const { updated_at: _, ...rest } = client;
  return rest;
}

async function works(server: Server, { id, secret }: Made): Promise<void> {
  const ended = { status: 0, signal: null, stdout: "", stderr: "" };
  await proveSecret(server, { id, secret, ended });
}

interface Row {
  readonly title: string;
  readonly args: readonly string[];
  readonly changes: Json;
  /** Whether it depends on how a server reads a patch, more than the replacement of a field does. */
  readonly patches?: true;
}

/** Changes that every version since 1.8 carries out. */
const ROWS: readonly Row[] = [
  { title: "a name", args: ["-n", "after ☃"], changes: { client_name: "after ☃" } },
  {
    title: "a whole list",
    args: ["--callbacks", "https://app.example.com/new"],
    changes: { redirect_uris: ["https://app.example.com/new"] },
  },
  {
    title: "one value more of a list, and one less",
    args: ["--add-callback", "https://app.example.com/new", "--remove-callback", "https://app.example.com/other"],
    changes: { redirect_uris: ["https://app.example.com/cb", "https://app.example.com/new"] },
  },
  {
    title: "scopes, one more and one less",
    args: ["--add-scope", "profile", "--remove-scope", "core"],
    changes: { scope: "foobar profile" },
  },
  { title: "an emptied text", args: ["--unset", "logo-uri"], changes: { logo_uri: "" }, patches: true },
  { title: "an emptied list", args: ["--unset", "allowed_cors_origins,contacts"], changes: {}, patches: true },
  {
    title: "a switch turned off",
    args: ["--backchannel-logout-session-required=false"],
    changes: { backchannel_logout_session_required: undefined },
    patches: true,
  },
  {
    title: "a member inside the metadata",
    args: ["--set", 'metadata.nested.more="x"', "--set", "/metadata/team=null"],
    changes: { metadata: { team: null, nested: { n: [1, 2.5, null], keep: true, more: "x" } } },
    patches: true,
  },
  {
    title: "a place in a list",
    args: ["--set", 'redirect_uris.1="https://app.example.com/new"'],
    changes: { redirect_uris: ["https://app.example.com/cb", "https://app.example.com/new"] },
  },
  {
    title: "the whole metadata",
    args: ["--metadata", '{"only":1}'],
    changes: { metadata: { only: 1 } },
    patches: true,
  },
  {
    title: "keys, given whole",
    args: ["--jwks", JSON.stringify(KEY_SET)],
    changes: { jwks: KEY_SET },
    patches: true,
  },
  {
    title: "the authentication method",
    args: ["--token-endpoint-auth-method", "client_secret_post"],
    changes: { token_endpoint_auth_method: "client_secret_post" },
  },
  {
    title: "algorithms",
    args: ["--request-object-signing-alg", "ES256", "--userinfo-signed-response-alg", "none"],
    changes: { request_object_signing_alg: "ES256", userinfo_signed_response_alg: "none" },
  },
];

/** The fields that only some 2.x versions have. */
const LATE_FIELDS: readonly (readonly [flag: string, name: string, value: unknown])[] = [
  ["--skip-consent", "skip_consent", true],
  ["--skip-logout-consent", "skip_logout_consent", true],
  ["--access-token-strategy=jwt", "access_token_strategy", "jwt"],
];

const lateFieldTraits: Dependencies = ({ prefix, fields }) => ({
  prefix,
  known: LATE_FIELDS.map(([, name]) => fields.some((field) => field.name === name)),
});

const LIFESPANS = CLIENT_FIELDS.filter(({ shape }) => shape === "duration");

onEveryServer("clients update", ordinaryTraits, (server, testsFor) => {
  const testPerFamily = testsFor(familyTraits);
  const testPerStorage = testsFor(storageTraits);

  for (const { title, args, changes, patches } of ROWS) {
    (patches ? test : testPerStorage)(`changes only what is given: ${title}`, async () => {
      const client = await made(server());
      const before = client.stored;
      const ended = await server().run(["clients", "update", client.id, ...args]);
      assert.equal(ended.status, 0, ended.stderr);
      assert.equal(ended.stdout, `${client.id} OAuth 2.0 Client updated\n`);
      assert.match(ended.stderr, new RegExp(`^Secret of client "${client.id}" unchanged$`, "m"));
      assert.doesNotMatch(ended.stderr, /^Warning/m);
      const after = await server().stored(client.id);
      // On 1.8 the metadata of a client is a member of it like any other; some fields are unknown there.
      const known = Object.fromEntries(Object.entries(changes).filter(([name]) => name in before || name === "jwks"));
      const emptied = title === "an emptied list" ? { allowed_cors_origins: [], contacts: [] } : {};
      const { jwks: _, ...kept } = apart(before);
      const { jwks: __, ...found } = apart(after);
      assert.deepEqual(comparable(after), comparable({ ...before, ...known, ...emptied }));
      for (const name of ["client_id", "created_at"]) assert.deepEqual(found[name], kept[name], name);
      if (!args.includes("--token-endpoint-auth-method")) await works(server(), client);
      for (const [field, value] of Object.entries({ ...known, ...emptied })) {
        const line = ended.stderr.split("\n").find((text) => text.startsWith(`${field}: `));
        assert.ok(line?.includes(" → "), `${field} → ${JSON.stringify(value)} is not told: ${ended.stderr}`);
      }
    });
  }

  test("sets the lifespans that the API version has, and reports those that it lacks", async () => {
    const client = await made(server());
    const lifespanOf = (name: string): string => `${LIFESPANS.findIndex((field) => field.name === name) + 1}h0m0s`;
    const update = (fields: typeof LIFESPANS): Promise<Ended> =>
      server().run([
        "clients",
        "update",
        client.id,
        ...fields.map(({ flag, name }) => `--${flag.name}=${lifespanOf(name)}`),
      ]);
    const refused = await update(LIFESPANS);
    assert.equal(refused.status, 2, refused.stderr);
    const unknown = LIFESPANS.filter(({ name }) => refused.stderr.includes(`has no field ${name}\n`));
    const other = server().family === "v1" ? "Hydra 1.x" : "Hydra 2.x";
    const faults = unknown.map(({ flag, name }) => `--${flag.name}: ${other} has no field ${name}\n`);
    assert.equal(refused.stderr, `Error: ${faults.join("  ")}Hint: leave it out for this server\n`);
    assert.deepEqual(await server().stored(client.id), client.stored);

    const ended = await update(LIFESPANS.filter((field) => !unknown.includes(field)));
    assert.equal(ended.status, 0, ended.stderr);
    const after = await server().stored(client.id);
    const kept = LIFESPANS.filter(({ name }) => after[name] !== undefined && after[name] !== null);
    const set = Object.fromEntries(kept.map(({ name }) => [name, lifespanOf(name)]));
    assert.deepEqual(comparable(after), comparable({ ...client.stored, ...set }));
    for (const field of LIFESPANS) {
      const { name } = field;
      const lines = ended.stderr.split("\n").filter((line) => line.includes(`${name}:`));
      const told = kept.includes(field)
        ? [`${name}: (nothing) → "${lifespanOf(name)}"`]
        : [`Warning: ${name}: this server does not keep the field`];
      assert.deepEqual(lines, unknown.includes(field) ? [] : told);
      if (!kept.includes(field)) assert.equal(client.stored[name], undefined);
    }

    const [first] = kept;
    if (first !== undefined) {
      const one = await server().run(["clients", "update", client.id, `--${first.flag.name}`, "77h"]);
      assert.equal(one.status, 0, one.stderr);
      const changed = comparable({ ...client.stored, ...set, [first.name]: "77h0m0s" });
      assert.deepEqual(comparable(await server().stored(client.id)), changed);
      const names = kept.map(({ name }) => name).join();
      const undone = await server().run(["clients", "update", client.id, "--unset", names]);
      assert.equal(undone.status, 0, undone.stderr);
      assert.deepEqual(comparable(await server().stored(client.id)), comparable(client.stored));
    }
    await works(server(), client);
  });

  for (const [flag, name, value] of LATE_FIELDS) {
    testsFor(lateFieldTraits)(`sets ${name}, or reports that the API version lacks it`, async () => {
      const client = await made(server());
      const ended = await server().run(["clients", "update", client.id, flag]);
      const after = await server().stored(client.id);
      if (server().family === "v1") {
        assert.equal(ended.status, 2, ended.stderr);
        assert.equal(
          ended.stderr,
          `Error: ${flag.split("=")[0]}: Hydra 1.x has no field ${name}\nHint: leave it out for this server\n`,
        );
        assert.deepEqual(after, client.stored);
      } else {
        assert.equal(ended.status, 0, ended.stderr);
        if (after[name] === undefined)
          assert.match(ended.stderr, new RegExp(`^Warning: ${name}: this server does not keep the field$`, "m"));
        else assert.equal(after[name], value);
        assert.deepEqual(comparable(after), comparable({ ...client.stored, [name]: after[name] }));
      }
      await works(server(), client);
    });
  }

  testPerStorage("sends nothing if nothing would change", async () => {
    const client = await made(server());
    const ended = await server().run([
      ...["clients", "update", client.id, "-n", "before", "--add-scope", "core", "--unset", "jwks"],
      ...["--set", "metadata.nested.keep=true", "-v"],
    ]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, `${client.id} OAuth 2.0 Client unchanged\n`);
    assert.match(ended.stderr, /is already up to date/);
    assert.doesNotMatch(ended.stderr, /^> (PUT|PATCH|POST)/m);
    assert.deepEqual(await server().stored(client.id), client.stored);
  });

  testPerStorage("merges the fields of a file", async () => {
    const client = await made(server());
    const file = JSON.stringify({ client_id: client.id, client_name: "filed", scope: "openid" });
    const ended = await server().run(["clients", "update", client.id, "--file", "-", "--owner", "other"], {
      stdin: file,
    });
    assert.equal(ended.status, 0, ended.stderr);
    const after = await server().stored(client.id);
    assert.deepEqual(
      comparable(after),
      comparable({ ...client.stored, client_name: "filed", scope: "openid", owner: "other" }),
    );
    await works(server(), client);
  });

  test("accepts the output of get", async () => {
    const client = await made(server());
    const got = await server().run(["clients", "get", client.id]);
    const ended = await server().run(["clients", "update", client.id, "--file", "-"], { stdin: got.stdout });
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, `${client.id} OAuth 2.0 Client unchanged\n`);
    const replaced = await server().run(["clients", "update", client.id, "--replace", "--file", "-"], {
      stdin: got.stdout,
    });
    assert.equal(replaced.status, 0, replaced.stderr);
    assert.deepEqual(comparable(await server().stored(client.id)), comparable(client.stored));
    await works(server(), client);
  });

  testPerStorage("sets the given secret, and doesn't print it", async () => {
    const client = await made(server());
    const secret = `next-${randomUUID()}`;
    const ended = await server().run(["clients", "update", client.id, "-n", "after", "--secret-file", "-"], {
      stdin: secret,
    });
    assert.equal(ended.status, 0, ended.stderr);
    assert.ok(!ended.stdout.includes(secret) && !ended.stderr.includes(secret), ended.stderr);
    assert.match(ended.stderr, /is the one given; the old one no longer works/);
    assert.deepEqual(
      comparable(await server().stored(client.id)),
      comparable({ ...client.stored, client_name: "after" }),
    );
    await works(server(), { ...client, secret });
  });

  testPerStorage("replaces the whole client if requested, as Hydra's own CLI does", async () => {
    const client = await made(server());
    const ended = await server().run([
      ...["clients", "update", client.id, "--replace", "-n", "Renamed", "-c", "https://c.example/cb", "-a", "openid"],
      ...["-g", "client_credentials"],
    ]);
    assert.equal(ended.status, 0, ended.stderr);
    const bare = await made(server(), {
      ...{ client_name: "Renamed", redirect_uris: ["https://c.example/cb"], scope: "openid" },
      ...{ grant_types: ["client_credentials"], response_types: ["code"], subject_type: "public" },
      token_endpoint_auth_method: "client_secret_basic",
    });
    assert.deepEqual(comparable(await server().stored(client.id)), comparable(bare.stored));
    assert.match(ended.stderr, /^owner: "team" → /m);
    await works(server(), client);
  });

  testPerFamily("rejects what would make the client invalid, before sending it", async () => {
    const client = await made(server());
    for (const [args, rule] of [
      [["--remove-callback", "https://app.example.com/cb,https://app.example.com/other"], "post-logout-uri-mismatch"],
      [["--token-endpoint-auth-method", "private_key_jwt"], "private-key-jwt-without-keys"],
      [["--add-callback", "https://app.example.com/#x"], "redirect-uri-fragment"],
      [["--secret", "short"], "secret-too-short"],
    ] as const) {
      const ended = await server().run(["clients", "update", client.id, ...args, "--format", "json", "-v"]);
      assert.equal(ended.status, 2, ended.stderr);
      assert.doesNotMatch(ended.stderr, /^> (PUT|PATCH)/m);
      const last = ended.stderr.trimEnd().split("\n").at(-1) ?? "";
      assert.equal(asJson(JSON.parse(last))["error"], rule);
    }
    assert.deepEqual(await server().stored(client.id), client.stored);
  });

  test("reports what only the server rejects, and changes nothing", async () => {
    const client = await made(server());
    const ended = await server().run(["clients", "update", client.id, "--add-callback", "http://localhost/%zz"]);
    assert.equal(ended.status, 1, ended.stderr);
    assert.match(ended.stderr, /^Error: Cannot update client .*redirect URL/m);
    assert.deepEqual(apart(await server().stored(client.id)), apart(client.stored));
  });

  testsFor(({ prefix, errors, unknownOnGet }) => [prefix, errors, unknownOnGet])(
    "exits with 4 for an unknown client",
    async () => {
      for (const more of [[], ["--replace"]]) {
        const ended = await server().run([
          "clients",
          "update",
          randomUUID(),
          "-n",
          "x",
          "-g",
          "refresh_token",
          ...more,
        ]);
        assert.equal(ended.status, 4, ended.stderr);
        assert.equal(ended.stdout, "");
        assert.match(ended.stderr, /^Error: .*client .* not found\nHint: .*\n$/);
      }
    },
  );

  testPerFamily("shows the client in the other syntax", async () => {
    const client = await made(server());
    const ended = await server().run(["update", "oauth2-client", client.id, "--name", "two", "--format", "json"]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.deepEqual(
      comparable(asJson(JSON.parse(ended.stdout))),
      comparable({ ...client.stored, client_name: "two" }),
    );
  });
});

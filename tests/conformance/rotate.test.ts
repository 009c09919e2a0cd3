/** `clients rotate-secret` on every server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../e2e/binary.ts";
import { allTraits } from "../sandbox-versions.ts";
import { asJson, askToken, comparable, type Json, onEveryServer, proveSecret, type Server, textOf } from "./servers.ts";

const FULL = {
  client_name: "rotating ☃",
  redirect_uris: ["https://app.example.com/cb"],
  grant_types: ["client_credentials", "authorization_code"],
  response_types: ["code", "token"],
  scope: "core foobar",
  audience: ["https://api.example.com"],
  owner: "team",
  logo_uri: "https://app.example.com/logo.png",
  post_logout_redirect_uris: ["https://app.example.com/bye"],
  backchannel_logout_uri: "https://app.example.com/back",
  backchannel_logout_session_required: true,
  request_object_signing_alg: "RS256",
  metadata: { team: { name: "a" } },
};

interface Made {
  readonly id: string;
  readonly secret: string;
  readonly stored: Json;
}

async function made(server: Server, more: Json = {}): Promise<Made> {
  const secret = `secret-${randomUUID()}`;
  const answer = await server.post({ ...FULL, client_secret: secret, ...more });
  assert.equal(answer.status, 201, JSON.stringify(answer));
  const id = textOf(asJson(answer.body), "client_id");
  return { id, secret, stored: await server.stored(id) };
}

/** The secret after a label of the 1.x text, which must be all that is printed except the ID. */
function printed(id: string, stdout: string): string {
  const [, secret] =
    new RegExp(`^OAuth 2\\.0 Client ID: ${id}\nOAuth 2\\.0 Client Secret: (\\S+)\n$`).exec(stdout) ?? [];
  assert.ok(secret !== undefined, JSON.stringify(stdout));
  return secret;
}

/** That the new secret works, and that the old one does or does not. */
async function proveChange(
  server: Server,
  { id, secret: old }: Made,
  secret: string,
  oldWorks = server.overlaps,
): Promise<void> {
  const ended = { status: 0, signal: null, stdout: "", stderr: "" };
  await proveSecret(server, { id, secret, ended });
  if (server.publicUrl === undefined) return;
  assert.equal((await askToken(server, { id, secret: old, ended })).status, oldWorks ? 200 : 401);
}

onEveryServer("clients rotate-secret", allTraits, (server) => {
  test("sets a new secret that works, and changes nothing else", async () => {
    const client = await made(server());
    const ended = await server().run(["clients", "rotate-secret", client.id]);
    assert.equal(ended.status, 0, ended.stderr);
    const secret = printed(client.id, ended.stdout);
    assert.match(secret, /^[A-Za-z0-9._~-]{26,}$/);
    assert.match(
      ended.stderr,
      server().overlaps
        ? /the old one works until it is dropped: hydra \S+ \S+ \S+ --drop-old-secrets\n$/
        : /the old one no longer works\n$/,
    );
    assert.deepEqual(comparable(await server().stored(client.id)), comparable(client.stored));
    await proveChange(server(), client, secret);
  });

  test("works repeatedly, and in the 2.x syntax", async () => {
    let client = await made(server());
    for (let n = 0; n < 3; n++) {
      const ended = await server().run(["rotate-secret", "oauth2-client", client.id, "--format", "json"]);
      assert.equal(ended.status, 0, ended.stderr);
      const secret = textOf(asJson(JSON.parse(ended.stdout)), "client_secret");
      await proveChange(server(), client, secret);
      client = { ...client, secret };
    }
    assert.deepEqual(comparable(await server().stored(client.id)), comparable(client.stored));
  });

  test("accepts a given secret, and doesn't print it", async () => {
    const client = await made(server());
    const secret = `given-${randomUUID()}`;
    const ended = await server().run(["clients", "rotate-secret", client.id, "--secret-file", "-"], {
      stdin: `${secret}\n`,
    });
    assert.equal(ended.status, 0, ended.stderr);
    assert.ok(!ended.stdout.includes(secret) && !ended.stderr.includes(secret));
    // The server generates secrets itself when it rotates, so a given one replaces the current ones.
    await proveChange(server(), client, secret, false);
  });

  test("writes the secret to a file", async () => {
    using folder = temporaryFolder();
    const client = await made(server());
    const file = join(folder.path, "new.json");
    const ended = await server().run(["clients", "rotate-secret", client.id, "--secret-out", file]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const secret = textOf(asJson(JSON.parse(readFileSync(file, "utf8"))), "client_secret");
    assert.ok(secret.length >= 26 && !ended.stdout.includes(secret) && !ended.stderr.includes(secret), ended.stdout);
    await proveChange(server(), client, secret);
  });

  test("verifies the secret if requested", async () => {
    const { publicUrl } = server();
    if (publicUrl === undefined) return;
    const client = await made(server());
    const ended = await server().run(["clients", "rotate-secret", client.id, "--verify", "--public-url", publicUrl]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stderr, /^Verified: the revocation endpoint accepted the secret of client /m);
    await proveChange(server(), client, printed(client.id, ended.stdout));
    const post = await made(server(), { token_endpoint_auth_method: "client_secret_post" });
    const other = await server().run(["clients", "rotate-secret", post.id, "--verify", "--public-url", publicUrl]);
    assert.equal(other.status, 0, other.stderr);
    assert.match(other.stderr, /^Verified: the revocation endpoint accepted the secret of client /m);
  });

  test("leaves a client without a secret unchanged", async () => {
    const client = await made(server(), { token_endpoint_auth_method: "none", grant_types: ["authorization_code"] });
    const ended = await server().run(["clients", "rotate-secret", client.id]);
    assert.equal(ended.status, 1, ended.stderr);
    assert.equal(ended.stdout, "");
    assert.match(ended.stderr, /^Error: .*public client without a secret\nHint: .*\n$/);
    assert.deepEqual(await server().stored(client.id), client.stored);
  });

  test("exits with 4 for an unknown client", async () => {
    const ended = await server().run(["clients", "rotate-secret", randomUUID()]);
    assert.equal(ended.status, 4, ended.stderr);
    assert.equal(ended.stdout, "");
  });

  test("drops the old secrets, or says that the server keeps none", async () => {
    const client = await made(server());
    if (server().overlaps) {
      const rotated = await server().run(["clients", "rotate-secret", client.id]);
      const secret = printed(client.id, rotated.stdout);
      const finished = await server().run(["clients", "rotate-secret", client.id, "--drop-old-secrets"]);
      assert.equal(finished.status, 0, finished.stderr);
      assert.ok(!`${finished.stdout}${finished.stderr}`.includes(secret));
      await proveChange(server(), client, secret, false);
      return;
    }
    const ended = await server().run(["clients", "rotate-secret", client.id, "--drop-old-secrets"]);
    assert.equal(ended.status, 1, ended.stderr);
    assert.match(ended.stderr, /^Error: .*this server never keeps them\nHint: .*\n$/);
    assert.deepEqual(await server().stored(client.id), client.stored);
  });
});

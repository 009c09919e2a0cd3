/** `clients get` on every server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, type Server, textOf } from "./servers.ts";

const CREDENTIALS = ["client_secret", "registration_access_token"];

/** Registers a client without the program and returns its ID. */
async function made(server: Server, client: Json = {}): Promise<string> {
  const answer = await server.post({ client_secret: "a-secret-of-its-own", ...client });
  assert.equal(answer.status, 201, JSON.stringify(answer));
  return textOf(asJson(answer.body), "client_id");
}

/** The stored client as it may be shown. */
async function shown(server: Server, id: string): Promise<Json> {
  const stored = await server.stored(id);
  return Object.fromEntries(Object.entries(stored).filter(([name]) => !CREDENTIALS.includes(name)));
}

onEveryServer("clients get", ordinaryTraits, (server) => {
  test("shows what the server has, as JSON, without credentials", async () => {
    const id = await made(server(), {
      client_name: "Ünï ☃ <&>",
      redirect_uris: ["https://a.example.com/cb"],
      metadata: { deep: [{ n: 1 }, null] },
      owner: "team",
    });
    const ended = await server().run(["clients", "get", id]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stderr, "");
    assert.deepEqual(JSON.parse(ended.stdout), await shown(server(), id));
    assert.ok(ended.stdout.includes("\n  "), ended.stdout);
    for (const name of CREDENTIALS) assert.ok(!ended.stdout.includes(`"${name}"`), ended.stdout);
  });

  test("shows the same in the 2.x syntax, under all of its names", async () => {
    const id = await made(server(), { client_name: "one" });
    for (const noun of ["oauth2-client", "client", "clients", "oauth2-clients"]) {
      const ended = await server().run(["get", noun, id, "--format", "json"]);
      assert.equal(ended.status, 0, ended.stderr);
      assert.deepEqual(JSON.parse(ended.stdout), await shown(server(), id));
    }
  });

  test("exits with 4 for an unknown client, with a hint", async () => {
    const id = randomUUID();
    const ended = await server().run(["clients", "get", id]);
    assert.equal(ended.status, 4, ended.stderr);
    assert.equal(ended.stdout, "");
    assert.equal(
      ended.stderr,
      `Error: Cannot get client "${id}": client "${id}" not found\nHint: list clients: hydra clients list\n`,
    );
    const json = await server().run(["clients", "get", id, "--format", "json"]);
    assert.equal(json.status, 4);
    assert.deepEqual(asJson(JSON.parse(json.stderr))["error"], "not-found");
  });

  test("continues after an unknown client, and exits with 8", async () => {
    const first = await made(server(), { client_name: "first" });
    const second = await made(server(), { client_name: "second" });
    const ended = await server().run(["clients", "get", first, randomUUID(), second, "--format", "json"]);
    assert.equal(ended.status, 8, ended.stderr);
    assert.deepEqual(JSON.parse(ended.stdout), [await shown(server(), first), await shown(server(), second)]);
    assert.equal(asJson(JSON.parse(ended.stderr))["error"], "not-found");
    const quiet = await server().run(["get", "clients", "-q", first, second]);
    assert.equal(quiet.stdout, `${first}\n${second}\n`);
  });

  test("finds a client whose ID contains a slash, or reports that the server cannot", async () => {
    if (!server().takesIds) return;
    const id = `a/b ${randomUUID()}`;
    const found = (await server().ask("GET", `${server().path}/${encodeURIComponent(id)}`)).body;
    const told = JSON.stringify(found ?? "");
    const ended = await server().run(["clients", "get", id]);
    // A server that can look for it says in its own words that it is not there.
    const looks = told.includes("Unable to locate the resource");
    assert.equal(ended.status, looks ? 4 : 1, ended.stderr);
    if (!looks)
      assert.match(
        ended.stderr,
        /^Error: .*does not support a slash in a client ID, .*\nHint: .*Hydra up to 2\.3.*\n$/,
      );
  });

  test("finds a client whose ID needs escaping", async () => {
    if (!server().takesIds) return;
    for (const part of ["a b", "ü☃", "100%25", "q?x=1&y", "hash#1", "plus+1", "semi;1:2@3"]) {
      const id = `${part} ${randomUUID()}`;
      await made(server(), { client_id: id });
      const ended = await server().run(["clients", "get", id, "--format", "raw=client_id"]);
      assert.equal(ended.status, 0, ended.stderr);
      assert.equal(ended.stdout, `${id}\n`);
    }
  });
});

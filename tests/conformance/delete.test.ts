/** `clients delete` on every server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { ordinaryTraits } from "../sandbox-versions.ts";
import { asJson, onEveryServer, type Server, textOf } from "./servers.ts";

async function made(server: Server): Promise<string> {
  const answer = await server.post({ token_endpoint_auth_method: "none" });
  assert.equal(answer.status, 201, JSON.stringify(answer));
  return textOf(asJson(answer.body), "client_id");
}

onEveryServer("clients delete", ordinaryTraits, (server) => {
  test("deletes each of several clients, and reports it", async () => {
    const ids = [await made(server()), await made(server()), await made(server())];
    const ended = await server().run(["clients", "delete", ...ids]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, ids.map((id) => `OAuth 2.0 Client deleted: ${id}\n`).join(""));
    assert.equal(ended.stderr, "");
    for (const id of ids) assert.equal(await server().has(id), false);
  });

  test("reads IDs from standard input, each once", async () => {
    const ids = [await made(server()), await made(server())];
    const ended = await server().run(["delete", "oauth2-clients", "-", "-q"], {
      stdin: `\n${ids.join("\r\n")}\n${ids[0]}\r\n`,
    });
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, ids.map((id) => `${id}\n`).join(""));
    for (const id of ids) assert.equal(await server().has(id), false);
  });

  test("continues after an unknown client, if the server reports it", async () => {
    const ids = [await made(server()), await made(server())];
    const missing = randomUUID();
    const tells = (await server().ask("DELETE", `${server().path}/${randomUUID()}`)).status !== 204;
    const ended = await server().run(["clients", "delete", ids[0] ?? "", missing, ids[1] ?? "", "--format", "ndjson"]);
    const gone = ended.stdout
      .trimEnd()
      .split("\n")
      .map((line) => textOf(asJson(JSON.parse(line)), "client_id"));
    for (const id of ids) assert.equal(await server().has(id), false);
    if (tells) {
      assert.equal(ended.status, 8, ended.stderr);
      assert.deepEqual(gone, ids);
      const told = asJson(JSON.parse(ended.stderr));
      assert.equal(told["error"], "not-found");
      assert.ok(textOf(told, "message").includes(missing));
    } else {
      // Hydra 1.8 answers for any ID as if it had been deleted.
      assert.equal(ended.status, 0, ended.stderr);
      assert.deepEqual(gone, [ids[0], missing, ids[1]]);
    }
    const alone = await server().run(["clients", "delete", missing]);
    assert.equal(alone.status, tells ? 4 : 0, alone.stderr);
    if (tells) assert.match(alone.stderr, /^Error: .*client .* not found\nHint: .*\n$/);
  });

  test("deletes a client whose ID needs escaping, and no other", async () => {
    if (!server().takesIds) return;
    const other = await made(server());
    for (const part of ["a b", "ü☃", "100%25", "q?x=1&y", "hash#1", "plus+1"]) {
      const id = `${part} ${randomUUID()}`;
      await server().post({ client_id: id, token_endpoint_auth_method: "none" });
      const ended = await server().run(["clients", "delete", "--yes", id]);
      assert.equal(ended.status, 0, ended.stderr);
      assert.equal(await server().has(id), false);
    }
    assert.equal(await server().has(other), true);
  });
});

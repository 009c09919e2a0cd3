/** `clients list` on every server. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Dependencies } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, type Server, textOf } from "./servers.ts";

/** More clients than one request of a whole list asks for. */
const MANY = 207;

/** Registers clients of an owner of their own without the program, several at a time; the IDs in no order. */
async function made(server: Server, owner: string, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let n = next++; n < count; n = next++) {
      // A client without a secret costs the server nothing.
      const answer = await server.post({ client_name: `n${n}`, owner, token_endpoint_auth_method: "none" });
      assert.equal(answer.status, 201, JSON.stringify(answer));
      ids.push(textOf(asJson(answer.body), "client_id"));
    }
  }
  await Promise.all(Array.from({ length: 8 }, work));
  return ids.sort();
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

function itemsOf(text: string): readonly Json[] {
  const { items } = asJson(JSON.parse(text));
  assert.ok(Array.isArray(items), text);
  return items.map(asJson);
}

/** How a server pages, filters and names clients. */
const listTraits: Dependencies = ({ prefix, paging, order, filters, tokenPrefix }) => ({
  ...{ prefix, paging, order, filters, tokenPrefix },
});

onEveryServer("clients list", listTraits, (server, testsFor) => {
  const owner = `owner ${randomUUID()}`;
  let ids: readonly string[] = [];

  test("lists all clients through all pages, each once", async () => {
    ids = await made(server(), owner, MANY);
    const ended = await server().run(["clients", "list", "-q"]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stderr, "");
    const found = lines(ended.stdout);
    assert.equal(new Set(found).size, found.length);
    assert.deepEqual(
      ids.filter((id) => !found.includes(id)),
      [],
    );
  });

  test("filters by owner and by name, even if the server cannot", async () => {
    const all = await server().run(["clients", "list", "--owner", owner, "--format", "ndjson"]);
    assert.equal(all.status, 0, all.stderr);
    const found = lines(all.stdout).map((line) => asJson(JSON.parse(line)));
    assert.deepEqual(found.map((client) => textOf(client, "client_id")).sort(), ids);
    for (const client of found) assert.equal(client["owner"], owner);
    const one = await server().run([...["list", "clients", "--owner", owner, "--name", "n42", "--format", "json"]]);
    const [client, ...others] = itemsOf(one.stdout);
    assert.equal(client?.["client_name"], "n42");
    assert.equal(others.length, 0);
    const none = await server().run(["clients", "list", "--owner", `no ${owner}`, "-q"]);
    assert.equal(none.status, 0);
    assert.equal(none.stdout, "");
  });

  test("lists nothing if there is nothing to list", async () => {
    const none = ["--owner", `no ${owner}`];
    for (const more of [[], ["--limit", "3"], ["--limit", "3", "--page", "2"], ["--page-size", "3"]]) {
      const json = await server().run(["clients", "list", ...none, ...more, "--format", "json"]);
      assert.equal(json.status, 0, json.stderr);
      assert.deepEqual(itemsOf(json.stdout), []);
    }
    const table = await server().run(["clients", "list", ...none]);
    assert.equal(table.stdout.split("\n").length, 3, table.stdout);
  });

  test("returns a page as the 1.x command does", async () => {
    const all = lines((await server().run(["clients", "list", "-q"])).stdout);
    const page = await server().run(["clients", "list", "--limit", "3", "--page", "2", "-q"]);
    assert.equal(page.status, 0, page.stderr);
    assert.match(page.stderr, /^More clients exist; showing 3 \(--limit\)\n$/);
    assert.equal(lines(page.stdout).length, 3);
    // Others may add to the same server meanwhile, so that the parts are taken from one more of its lists.
    const first = await server().run(["clients", "list", "--limit", "6", "-q"]);
    assert.deepEqual(lines(first.stdout).slice(3), lines(page.stdout));
    assert.ok(all.length >= MANY);
    const beyond = await server().run(["clients", "list", "--limit", "3", "--page", "100000", "-q"]);
    assert.equal(beyond.status, 0);
    assert.equal(beyond.stdout + beyond.stderr, "");
  });

  test("returns pages as the 2.x command does, and reports how to continue", async () => {
    const found: string[] = [];
    let token = "";
    for (let pages = 0; pages < 500; pages++) {
      const ended = await server().run([
        ...["list", "oauth2-clients", "--page-size", "80", "--format", "json", "--page-token", token],
      ]);
      assert.equal(ended.status, 0, ended.stderr);
      const page = asJson(JSON.parse(ended.stdout));
      const items = itemsOf(ended.stdout);
      assert.ok(items.length <= 80);
      found.push(...items.map((client) => textOf(client, "client_id")));
      token = textOf(page, "next_page_token");
      assert.equal(page["is_last_page"], token === "");
      if (token === "") {
        assert.equal(ended.stderr, "");
        break;
      }
      assert.equal(ended.stderr, `More clients exist: --page-token ${token}\n`);
    }
    assert.equal(new Set(found).size, found.length);
    assert.deepEqual(
      ids.filter((id) => !found.includes(id)),
      [],
    );
  });

  testsFor(({ prefix, tokenPrefix }) => [prefix, tokenPrefix])(
    "shows no credentials, and the columns of Hydra's own CLI",
    async () => {
      const grid = await server().run(["clients", "list", "--limit", "2"]);
      assert.match(
        grid.stdout,
        /^\| +CLIENT ID +\| +NAME +\| +RESPONSE TYPES +\| +SCOPE +\| +REDIRECT URIS +\| +GRANT TYPES +\| +TOKEN ENDPOINT AUTH METHOD +\|\n\|-+\|/,
      );
      const table = await server().run(["list", "oauth2-clients", "--limit", "2"]);
      assert.match(
        table.stdout,
        /^CLIENT ID\t+CLIENT SECRET\t+GRANT TYPES\t+RESPONSE TYPES\t+SCOPE\t+AUDIENCE\t+REDIRECT URIS\n/,
      );
      assert.match(table.stdout, /\n\nNEXT PAGE TOKEN\nIS LAST PAGE\t+(true|false)\n$/);
      const json = await server().run(["clients", "list", "--format", "json"]);
      assert.doesNotMatch(json.stdout, /"(client_secret|registration_access_token)"/);
    },
  );
});

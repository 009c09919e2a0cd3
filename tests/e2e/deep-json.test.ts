/** JSON that is nested too deeply, in answers, in input and in the sandbox. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Ended, runBinary } from "./binary.ts";
import { assertExit, assertFails, describeRun, openScenario, SLOW } from "./scenario.ts";

/** Lists within each other. */
function nested(depth: number): string {
  return `${"[".repeat(depth)}${"]".repeat(depth)}`;
}

/** A fraction that takes minutes in quadratic time. */
const ZEROS = `1.1${"0".repeat(2_000_000)}1`;

interface Hydra extends AsyncDisposable {
  readonly seen: readonly string[];
  run(args: readonly string[]): Promise<Ended>;
}

/** A server of 2.x that has these clients, each as the text of its JSON, by ID. */
async function openHydra(clients: Readonly<Record<string, string>>): Promise<Hydra> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    seen.push(`${request.method} ${pathname}`);
    request.resume();
    const json = { "content-type": "application/json" };
    if (pathname === "/admin/clients") {
      response.writeHead(200, json).end(`[${Object.values(clients).join(",")}]`);
      return;
    }
    const client = clients[pathname.replace("/admin/clients/", "")];
    const status = client === undefined ? 404 : request.method === "DELETE" ? 204 : 200;
    response.writeHead(status, json).end(status === 200 ? client : status === 404 ? '{"error":"Not Found"}' : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const url = `http://127.0.0.1:${address.port}`;
  return {
    seen,
    run: (args) => runBinary(args, { env: { HYDRA_ADMIN_URL: url } }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const CLIENTS = {
  a: '{"client_id":"a","owner":"x","metadata":{"n":12345678901234567890}}',
  deep: `{"client_id":"deep","client_secret":"","owner":"x","metadata":${nested(9_000)}}`,
  c: '{"client_id":"c","owner":"x"}',
};

describe("a client in a list, nested too deeply", () => {
  for (const format of ["text", "table", "json", "json-pretty", "ndjson", "yaml", "env", "raw=items.#.client_id"])
    it(`is a separate error next to the others as ${format}`, SLOW, async () => {
      await using server = await openHydra(CLIENTS);
      const ended = await server.run(["clients", "list", "--format", format]);
      assertExit(ended, 8);
      assert.match(ended.stdout, /\ba\b.*\bc\b/s);
      assert.doesNotMatch(ended.stdout, /deep/);
      assert.match(ended.stderr, /Cannot show client \\?"deep\\?": it has metadata nested more than 500 levels deep/);
      assert.equal(ended.stderr.match(/Cannot show/g)?.length, 1);
    });

  it("is listed by its ID, selected by its fields, and counted by --limit", SLOW, async () => {
    await using server = await openHydra(CLIENTS);
    for (const args of [["-q"], ["--format", "id"], ["-q", "--owner", "x"], ["-q", "--page-size", "5"]]) {
      const ended = await server.run(["clients", "list", ...args]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, "a\ndeep\nc\n");
    }
    const limited = await server.run(["clients", "list", "--limit", "2", "--format", "ndjson"]);
    assertExit(limited, 8);
    assert.equal(limited.stdout, `${CLIENTS.a}\n`);
    assertExit(await server.run(["clients", "list", "--page-size", "5"]), 8);
  });

  it("cannot be shown or updated, but can be deleted", SLOW, async () => {
    await using server = await openHydra(CLIENTS);
    const deep = /"deep": it has metadata nested more than 500 levels deep/;
    assertFails(await server.run(["clients", "get", "deep"]), 1, deep);
    assertFails(await server.run(["clients", "update", "deep", "-n", "x"]), 1, deep);
    assert.deepEqual(
      server.seen.filter((line) => !line.startsWith("GET ")),
      [],
    );
    const got = await server.run(["clients", "get", "-q", "a", "deep"]);
    assertExit(got, 0);
    assert.equal(got.stdout, "a\ndeep\n");
    const several = await server.run(["clients", "get", "a", "deep", "c", "--format", "id"]);
    assertExit(several, 0);
    const deleted = await server.run(["clients", "delete", "deep"]);
    assertExit(deleted, 0);
    assert.equal(server.seen.at(-1), "DELETE /admin/clients/deep");
  });

  it("is harmless even with 100,000 levels or endless numbers", SLOW, async () => {
    await using server = await openHydra({
      ...{ a: CLIENTS.a, deep: `{"client_id":"deep","x":${nested(100_000)}}` },
      ...{ zeros: `{"client_id":"zeros","metadata":{"n":${ZEROS}}}` },
    });
    const ids = await server.run(["clients", "list", "-q"]);
    assertExit(ids, 0);
    assert.equal(ids.stdout, "a\ndeep\nzeros\n");
    for (const format of ["yaml", "json"]) {
      const ended = await server.run(["clients", "list", "--format", format]);
      assertExit(ended, 8);
      assert.match(ended.stderr, /client \\?"deep\\?": it has x nested/);
    }
    const number = await server.run(["clients", "get", "zeros", "--format", "raw=metadata.n"]);
    assertExit(number, 0);
    assert.equal(number.stdout === `${ZEROS}\n`, true);
  });
});

describe("an answer about one client", () => {
  it("that is nested too deeply after a change is a success with a warning", SLOW, async () => {
    let gets = 0;
    const deep = `{"client_id":"a","client_name":"x","metadata":${nested(9_000)}}`;
    await using server = await openAnswers((method) => (method === "GET" && gets++ >= 0 ? '{"client_id":"a"}' : deep));
    for (const args of [
      ["update", "a", "-n", "x"],
      ["update", "a", "-n", "x", "--replace"],
    ]) {
      const ended = await server.run(["clients", ...args, "--format", "json"]);
      assertExit(ended, 0);
      assert.match(
        ended.stderr,
        /Warning: the server's answer about client "a" has metadata nested more than 500 levels/,
      );
      assert.deepEqual(JSON.parse(ended.stdout), { client_id: "a", client_name: "x", metadata: null });
    }
  });

  it("is rejected above 4 MiB, unlike lists", SLOW, async () => {
    const client = `{"client_id":"a","x":"${"x".repeat(4 * 1024 * 1024)}"}`;
    await using server = await openHydra({ a: client });
    assertFails(await server.run(["clients", "get", "a"]), 6, /larger than 4 MiB/);
    assertExit(await server.run(["clients", "list", "-q"]), 0);
  });
});

/** A server whose responses depend only on the method. */
async function openAnswers(answer: (method: string) => string): Promise<Hydra> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(200, { "content-type": "application/json" }).end(answer(request.method ?? ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    seen,
    run: (args) => runBinary(args, { env: { HYDRA_ADMIN_URL: `http://127.0.0.1:${address.port}` } }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

describe("input from a user", () => {
  it("is rejected before anything is sent if it is nested too deeply or too large", SLOW, async () => {
    await using scenario = await openScenario();
    const file = (name: string, text: string): string => {
      const path = join(scenario.home, name);
      writeFileSync(path, text);
      return path;
    };
    const deep = `{"client_id":"d","metadata":${nested(100_000)}}`;
    const large = JSON.stringify({ client_id: "l", metadata: { x: "x".repeat(1024 * 1024) } });
    const levels = /more than 50[02] levels deep/;
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [["create", "--file", file("deep.json", deep)], levels],
      [["create", "--file", file("deep.yaml", deep)], levels],
      [["update", "d", "--file", file("deep.json", deep)], levels],
      [["import", file("deep.json", deep)], levels],
      [
        ["import", file("list.json", `[{"client_id":"a"},{"client_id":"d","metadata":${nested(500)}}]`)],
        /client 2 nests more than 500 levels deep/,
      ],
      [["create", "--metadata", nested(501)], levels],
      [["create", "--jwks", `{"keys":${nested(500)}}`], levels],
      [["create", "--jwks", file("keys.json", `{"keys":${nested(500)}}`)], levels],
      [["create", "--set", `metadata.x=${nested(501)}`], levels],
      [["create", "--set", `${"a.".repeat(600)}a=1`], /more than 500 parts/],
      [["create", "--set", `metadata.a.b=${nested(498)}`], levels],
      [["create", "--file", file("large.json", large)], /larger than 1 MiB/],
      [["create", "--jwks", file("large.json", large)], /larger than 1 MiB/],
      [["import", file("large.json", `[{"client_id":"a"},${large}]`)], /client 2 is larger than 1 MiB/],
      [
        ["import", file("aliases.yaml", `a: &a [${"x".repeat(400_000)}]\nmetadata: [*a, *a, *a]\nclient_id: x\n`)],
        /larger than 1 MiB/,
      ],
    ];
    for (const [args, message] of cases) assertFails(await scenario.run(["clients", ...args]), 2, message);
    assert.deepEqual(scenario.proxy.seen, []);
  });

  it("may nest 500 levels and hold numbers without end", SLOW, async () => {
    await using scenario = await openScenario();
    const path = join(scenario.home, "client.json");
    const body = `{"client_id":"m","metadata":{"x":${nested(498)},"n":1.1${"0".repeat(500_000)}1}}`;
    writeFileSync(path, body);
    assertExit(await scenario.run(["clients", "create", "--file", path]), 0);
    const got = await scenario.run(["clients", "get", "m", "--format", "json"]);
    assertExit(got, 0);
    assert.ok(got.stdout.includes(nested(498)), describeRun(got).slice(0, 2_000));
  });

  it(
    "is read as JSON if it begins as JSON: comments are allowed, other errors are reported with their place",
    SLOW,
    async () => {
      await using scenario = await openScenario();
      const path = (name: string, text: string): string => {
        writeFileSync(join(scenario.home, name), text);
        return join(scenario.home, name);
      };
      const commented = (id: string): string => `// a client
{
  // id
  "client_id": "${id}", /* the secret */ "client_secret": "${id}-secret",
  "grant_types": ["client_credentials"] // m2m
}
`;
      assertExit(await scenario.run(["clients", "create", "--file", path("a.json", commented("one"))]), 0);
      assertExit(
        await scenario.run(["clients", "import", path("b.json", `[${commented("two")}, ${commented("three")}]`)]),
        0,
      );
      assertExit(await scenario.run(["clients", "import", "-"], { stdin: commented("four") + commented("five") }), 0);
      assertExit(
        await scenario.run(["clients", "update", "one", "--file", path("c.json", '{"client_name":"x" /* y */}')]),
        0,
      );
      for (const id of ["one", "two", "three", "four", "five"])
        assert.equal(scenario.sandbox.secretOf(id), `${id}-secret`, id);
      const before = scenario.proxy.seen.length;
      for (const [text, message] of [
        ['{\n "client_id": "t",\n}\n', /line 2, column 18: a trailing comma before }/],
        ['{"client_id": "t",\n "client_id": "u"}', /line 2, column 2: name "client_id" occurs twice in an object/],
        ["[{'client_id': 't'}]", /line 1, column 3: a name in double quotes is expected/],
        ['{"client_id": "t"', /line 1, column 18: the text ends in the middle of a value/],
      ] as const) {
        for (const args of [["create", "--file"], ["update", "t", "--file"], ["import"]])
          assertFails(await scenario.run(["clients", ...args, path("broken.json", text)]), 2, message);
        assertFails(await scenario.run(["clients", "import", "-"], { stdin: text }), 2, message);
      }
      assert.equal(scenario.proxy.seen.length, before);
      // A file that says so is YAML, of which JSON is a part.
      assertExit(await scenario.run(["clients", "create", "--file", path("y.yaml", '{client_id: "six",}')]), 0);
    },
  );

  it("is read the same from the config file", SLOW, async () => {
    await using scenario = await openScenario();
    const config = join(scenario.home, "config.json");
    const env = { HYDRA_ADMIN_URL: "" };
    writeFileSync(config, `{ // the server\n "endpoint": "${scenario.url}" }`);
    assertExit(await scenario.run(["clients", "list", "-q", "--config", config], { env }), 0);
    writeFileSync(config, `{\n "endpoint": "${scenario.url}", }`);
    assertFails(
      await scenario.run(["clients", "list", "-q", "--config", config], { env }),
      2,
      /config\.json, line 2, column \d+: a trailing comma/,
    );
    writeFileSync(config, `endpoint: ${nested(100_000)}`);
    assertFails(
      await scenario.run(["clients", "list", "-q", "--config", config], { env }),
      2,
      /more than 500 levels deep/,
    );
  });
});

describe("the sandbox", () => {
  it("rejects bodies that are nested too deeply, and patches that would make them so", SLOW, async () => {
    await using scenario = await openScenario();
    const url = `${scenario.sandbox.url}/admin/clients`;
    const send = (method: string, path: string, body: string): Promise<Response> =>
      fetch(`${url}${path}`, { method, body, headers: { "content-type": "application/json" } });
    assert.equal((await send("POST", "", `{"client_id":"d","metadata":${nested(100_000)}}`)).status >= 400, true);
    assert.equal((await send("POST", "", `{"client_id":"s","metadata":{"n":${ZEROS},"a":{}}}`)).status, 201);
    const add = (path: string, value: string): string => `[{"op":"add","path":"${path}","value":${value}}]`;
    assert.equal((await send("PATCH", "/s", add("/metadata/a", nested(400)))).status, 200);
    assert.equal((await send("PATCH", "/s", add(`/metadata/a${"/0".repeat(399)}/0`, nested(400)))).status >= 400, true);
    assert.equal((await send("PATCH", "/s", add(`/metadata${"/a".repeat(100_000)}`, "1"))).status >= 400, true);
    assert.equal((await fetch(url)).status, 200);
  });
});

/** Answers and names that try to harm the program or its terminal. */

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { type Ended, type RunOptions, runBinary } from "./binary.ts";
import { assertExit, assertFails, describeRun, openScenario, SLOW } from "./scenario.ts";

/** What could move a cursor, hide a line or turn the direction of text. */
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;

const HARD_NAMES = [
  "\u001b[2J\u001b[H\u001b]0;title\u0007",
  "line\nError: faked\r\nHint: faked",
  "tab\there\u0000nul\u007f\u009b31m",
  "\u202Egnp.exe\u2066\u200f",
  "--help",
  "'; touch /tmp/x; '",
  "$(id)`id`",
  '{"client_id":"other"}',
  "- yaml: [",
  "\ud800 alone",
  "#anchor &a *a !!js/function",
];

interface Answering extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly string[];
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
}

/** A server that answers as its plan says, without any manners. */
async function openAnswering(
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void,
): Promise<Answering> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.on("error", () => {});
    answer(request, response, seen.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    seen,
    run: (args, options = {}) => runBinary(args, { ...options, env: { HYDRA_ADMIN_URL: url, ...options.env } }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function page(clients: readonly unknown[], next?: string): readonly [Readonly<Record<string, string>>, string] {
  const link = next === undefined ? {} : { link: `<${next}>; rel="next"` };
  return [{ "content-type": "application/json", ...link }, JSON.stringify(clients)];
}

function send(response: ServerResponse, [headers, body]: ReturnType<typeof page>, status = 200): void {
  response.writeHead(status, { ...headers }).end(body);
}

describe("names that could control a terminal", () => {
  const clients = HARD_NAMES.map((name, n) => ({
    ...{ client_id: `c${n}`, client_name: name, owner: name, scope: name, redirect_uris: [name, "x"] },
    ...{ grant_types: [name], response_types: [name], [name]: name, metadata: { [name]: [name] } },
  }));

  it("are harmless in every format of a list, which keeps its shape", SLOW, async () => {
    await using server = await openAnswering((_, response) => send(response, page(clients)));
    for (const format of [
      "text",
      "table",
      "json",
      "json-pretty",
      "ndjson",
      "yaml",
      "id",
      "env",
      "jsonpath=$.items[*].client_name",
    ]) {
      const ended = await server.run(["clients", "list", "--format", format]);
      assertExit(ended, 0);
      assert.doesNotMatch(ended.stdout.replaceAll("\t", ""), UNSAFE, format);
      const count = ended.stdout.trimEnd().split("\n").length;
      if (format === "text") assert.equal(count, 2 + 2 * clients.length);
      // The two rows about the page follow after an empty line.
      if (format === "table") assert.equal(count, 1 + clients.length + 3);
      if (format === "ndjson" || format === "id" || format === "env") assert.ok(count >= clients.length);
      if (format === "json") assert.deepEqual(JSON.parse(ended.stdout).items, JSON.parse(JSON.stringify(clients)));
      if (format === "ndjson")
        assert.deepEqual(
          ended.stdout
            .trimEnd()
            .split("\n")
            .map((line): unknown => JSON.parse(line)),
          JSON.parse(JSON.stringify(clients)),
        );
    }
  });

  it("are harmless in get, in the delete prompt and in every message", SLOW, async () => {
    await using scenario = await openScenario();
    const check = async (name: string, n: number): Promise<void> => {
      const id = `${n}${name}`.replaceAll("\u0000", "").replaceAll("\ud800", "");
      const body = JSON.stringify({ client_id: id, client_name: name, token_endpoint_auth_method: "none" });
      const made = await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body });
      assert.equal(made.status, 201);
      for (const args of [
        ["get", id],
        ["get", id, "--format", "table"],
        ["get", `${id}x`],
        ["update", id, "--owner", name.replaceAll("\u0000", "")],
        ["update", `${id}x`, "-n", "x"],
        ["delete", `${id}x`, `${id}y`],
        ["delete", id],
      ]) {
        const ended = await scenario.run(["clients", ...args]);
        assert.doesNotMatch(ended.stdout.replaceAll("\t", "") + ended.stderr, UNSAFE, describeRun(ended));
        for (const line of ended.stderr.split("\n")) assert.doesNotMatch(line, /^(Error|Hint): faked/);
      }
    };
    await Promise.all(HARD_NAMES.map(check));
    assert.deepEqual(scenario.sandbox.clients(), []);
  });

  it("are harmless in a server's error message", async () => {
    for (const name of HARD_NAMES) {
      await using server = await openAnswering((_, response) =>
        send(
          response,
          [{ "content-type": "application/json" }, JSON.stringify({ error: name, error_description: name })],
          400,
        ),
      );
      for (const format of ["text", "json"]) {
        const ended = await server.run(["clients", "list", "--format", format]);
        assertExit(ended, 1);
        assert.doesNotMatch(ended.stderr, UNSAFE, describeRun(ended));
        if (format === "json") assert.equal(JSON.parse(ended.stderr).status, 400);
        else assertFails(ended, 1, /server answered 400/);
      }
    }
  });
});

describe("links of a list", () => {
  it("are never followed to another host", async () => {
    await using elsewhere = await openAnswering((_, response) => send(response, page([{ client_id: "stolen" }])));
    for (const target of [
      `${elsewhere.url}/admin/clients?page_token=t2`,
      `//${elsewhere.url.replace("http://", "")}/admin/clients?page_token=t2`,
      `http://user:pass@${elsewhere.url.replace("http://", "")}/other?page_token=t2`,
      "file:///etc/passwd?page_token=t2",
      "javascript:alert(1)?page_token=t2",
    ]) {
      await using server = await openAnswering((_, response, nth) =>
        send(response, nth === 1 ? page([{ client_id: "a" }], target) : page([{ client_id: "b" }])),
      );
      const ended = await server.run(["clients", "list", "-q", "--access-token", "hush"]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, "a\nb\n");
      assert.deepEqual(server.seen, [
        "GET /admin/clients?page_size=200",
        "GET /admin/clients?page_size=200&page_token=t2",
      ]);
    }
    assert.deepEqual(elsewhere.seen, []);
  });

  it("that form a cycle end with an error", async () => {
    for (const tokens of [["t"], ["t", "u", "v"]]) {
      await using server = await openAnswering((_, response, nth) =>
        send(
          response,
          page([{ client_id: `c${nth}` }], `/admin/clients?page_token=${tokens[(nth - 1) % tokens.length]}`),
        ),
      );
      const ended = await server.run(["clients", "list", "-q"]);
      assertExit(ended, 1);
      assert.match(
        ended.stderr,
        /^Error: Cannot list clients: the server's pages repeat endlessly\nHint: .*--page-size/,
      );
      assert.ok(server.seen.length <= tokens.length + 2);
    }
    // 1.x: a next link that leads back is the end of the list, as are pages without anything in them.
    await using back = await openAnswering((_, response) =>
      send(response, page([{ client_id: "a" }], "/clients?limit=200&offset=0")),
    );
    assert.equal((await back.run(["clients", "list", "-q", "--api", "v1"])).stdout, "a\n");
    await using empty = await openAnswering((_, response, nth) =>
      send(response, page([], `/admin/clients?page_token=${nth}`)),
    );
    assertExit(await empty.run(["clients", "list"]), 0);
    assert.equal(empty.seen.length, 1);
  });

  it("that never end are ended by --fail-after, with the rows so far", async () => {
    await using server = await openAnswering((_, response, nth) => {
      const next = page([{ client_id: `c${nth}` }], `/admin/clients?page_token=${nth}`);
      // The pauses only spare the processor.
      setTimeout(() => send(response, next), nth > 2 ? 100 : 0);
    });
    const ended = await server.run(["clients", "list", "-q", "--fail-after", "4s"]);
    assertExit(ended, 6);
    assert.match(ended.stdout, /^c1\nc2\n/);
    assert.match(ended.stderr, /^Error: Cannot list clients: /m);
  });

  it("that are invalid end the list", async () => {
    for (const link of [
      "garbage",
      "<>; rel=next",
      "<?page_token=>; rel=next",
      `<${"x".repeat(7000)}>; rel="next"`,
      ", , ,;;;",
    ]) {
      await using server = await openAnswering((_, response) =>
        response.writeHead(200, { "content-type": "application/json", link }).end('[{"client_id":"a"}]'),
      );
      const ended = await server.run(["clients", "list", "-q"]);
      assertExit(ended, 0);
      assert.equal(ended.stdout, "a\n");
      assert.equal(server.seen.length, 1);
    }
  });
});

/** Writes a body of so many MiB piece by piece. */
function pour(response: ServerResponse, status: number, start: string, mebibytes: number, end: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.write(start);
  const piece = "x".repeat(1024 * 1024);
  let left = mebibytes;
  const go = (): void => {
    while (left > 0) {
      left--;
      if (!response.write(piece)) {
        response.once("drain", go);
        return;
      }
    }
    response.end(end);
  };
  go();
}

describe("bodies of 50 MB", () => {
  it("are listed if they are clients", SLOW, async () => {
    await using server = await openAnswering((_, response) =>
      pour(response, 200, '[{"client_id":"a","client_name":"', 50, '"}]'),
    );
    const listed = await server.run(["clients", "list", "-q"]);
    assertExit(listed, 0);
    assert.equal(listed.stdout, "a\n");
  });

  it("are summarized if they are errors", SLOW, async () => {
    await using server = await openAnswering((_, response) =>
      pour(response, 400, '{"error":"e","error_description":"', 50, '"}'),
    );
    const ended = await server.run(["clients", "list"]);
    assertFails(ended, 1, /server answered 400: x+…$/);
    assertFails(await server.run(["clients", "get", "a"]), 6, /larger than 4 MiB/);
    assert.ok(ended.stderr.length < 1_000);
  });

  it("are rejected if they are even larger", SLOW, async () => {
    await using server = await openAnswering((_, response) => pour(response, 200, '[{"client_id":"', 70, '"}]'));
    const ended = await server.run(["clients", "list"]);
    assertFails(ended, 6, /larger than 64 MiB/);
    await using junk = await openAnswering((_, response) => pour(response, 200, "", 50, ""));
    assertFails(await junk.run(["clients", "list"]), 1, /instead of a list of clients/);
  });
});

describe("invalid answers", () => {
  const nested = (depth: number): string => `[{"client_id":"a","x":${"[".repeat(depth)}${"]".repeat(depth)}}]`;

  it("end with one error, never with a stack trace", SLOW, async () => {
    for (const body of [
      ...[
        "",
        "null",
        "{}",
        "[null]",
        "[[]]",
        '["a"]',
        '[{"client_id":null}]',
        '[{"client_name":"a"}]',
        '[{"client_id":"a"},5]',
      ],
      ...[
        '{"items":[]}',
        '[{"client_id":"a"}',
        "<html>",
        "\u0000\u0001",
        "NaN",
        '[{"client_id":"a","client_secret":5}]',
      ],
    ]) {
      await using server = await openAnswering((_, response) =>
        send(response, [{ "content-type": "application/json" }, body]),
      );
      assertFails(await server.run(["clients", "list"]), 1, /instead of a list of clients/);
    }
  });

  it("are shown even if they are deep or unusual", SLOW, async () => {
    for (const depth of [10, 499]) {
      await using server = await openAnswering((_, response) =>
        send(response, [{ "content-type": "application/json" }, nested(depth)]),
      );
      for (const format of ["json", "ndjson", "id", "text", "yaml", "json-pretty"])
        assertExit(await server.run(["clients", "list", "--format", format]), 0);
    }
    await using deep = await openAnswering((_, response) =>
      send(response, [{ "content-type": "application/json" }, nested(200_000)]),
    );
    const ended = await deep.run(["clients", "list", "--format", "json"]);
    assertExit(ended, 8);
    assert.equal(ended.stdout, '{"items":[],"next_page_token":"","is_last_page":true}\n');
    assert.doesNotMatch(ended.stderr, /\n\s+at /);
  });

  it("do not reach the prototypes of this program", async () => {
    const body = '[{"client_id":"a","__proto__":{"owner":"x","client_name":"x"},"constructor":{"prototype":{"y":1}}}]';
    await using server = await openAnswering((_, response) =>
      send(response, [{ "content-type": "application/json" }, body]),
    );
    const ended = await server.run(["clients", "list", "--format", "json"]);
    assertExit(ended, 0);
    assert.ok(ended.stdout.includes(body.slice(1, -1)), ended.stdout);
    assert.equal((await server.run(["clients", "list", "--owner", "x", "-q"])).stdout, "");
    const raw = await server.run(["clients", "list", "--format", "raw=items.0.owner"]);
    assert.equal(raw.stdout, "");
  });

  it("about another client are not accepted for the requested one", async () => {
    await using server = await openAnswering((_, response) =>
      send(response, [{ "content-type": "application/json" }, '{"client_id":"other","client_name":"x"}']),
    );
    const ended = await server.run(["clients", "update", "mine", "-n", "y"]);
    assert.notEqual(ended.status, 0, describeRun(ended));
    assert.deepEqual(
      server.seen.filter((line) => !line.startsWith("GET ")),
      [],
    );
  });
});

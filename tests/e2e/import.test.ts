/** `clients import`: input, order, interruptions, readers that go away, recipients. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as v from "valibot";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { type Exported, type Gpg, openGpg } from "../adapters/gpg.ts";
import { isTested, RUNS_EVERYTHING } from "../thorough.ts";
import { BINARY, runBinary, start, temporaryFolder } from "./binary.ts";
import { dropAfter, type Exchange, type Fault, instead, type Plan } from "./fault-proxy.ts";
import { openFifo } from "./fifo.ts";
import { mostlyInThisProcess } from "./in-this-process.ts";
import { waitUntilIdle } from "./process-state.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  ENDING_SIGNALS,
  EXIT_CODES_BY_SIGNAL,
  openScenario,
  type Scenario,
  SLOW,
} from "./scenario.ts";

const program = mostlyInThisProcess(5);

type Json = Readonly<Record<string, unknown>>;

const Result = v.looseObject({
  client_id: v.optional(v.string()),
  client_secret: v.optional(v.string()),
  client_name: v.optional(v.string()),
  outcome: v.picklist(["created", "updated", "unchanged", "skipped", "failed"]),
  from: v.string(),
});

function results(stdout: string): readonly v.InferOutput<typeof Result>[] {
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => v.parse(Result, JSON.parse(line)));
}

function ids(scenario: Scenario): readonly string[] {
  return scenario.sandbox.clients().map(({ client_id: id }) => String(id));
}

/** So many clients, with IDs in an order that is not alphabetical. */
function clientsOf(count: number): readonly Json[] {
  return Array.from({ length: count }, (_, n) => ({ client_id: `c-${(n * 37) % count}`, client_name: `name ${n}` }));
}

function ndjson(clients: readonly Json[]): string {
  return clients.map((client) => `${JSON.stringify(client)}\n`).join("");
}

function idIn({ body }: Exchange): string {
  return v.parse(v.looseObject({ client_id: v.string() }), JSON.parse(body)).client_id;
}

/** Meets the create of one client. */
function creating(id: string, fault: Fault): Plan {
  return (exchange) => (exchange.method === "POST" && idIn(exchange) === id ? fault : undefined);
}

/** A door that lets creates through one by one, in the order in which they are named. */
function gates(): {
  readonly plan: Plan;
  open(id: string): Promise<void>;
  /** Lets through all that wait, and all that come. */
  release(): void;
  arrived(count: number): Promise<void>;
  waiting(): number;
} {
  const held = new Map<string, () => void>();
  let released = false;
  const watchers: (() => void)[] = [];
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (done()) resolve();
      };
      watchers.push(look);
      look();
    });
  return {
    plan: (exchange) => {
      if (exchange.method !== "POST") return undefined;
      return async () => {
        await new Promise<void>((resolve) => {
          if (released) resolve();
          else held.set(idIn(exchange), resolve);
          for (const look of watchers) look();
        });
        exchange.reply(await exchange.pass());
      };
    },
    async open(id) {
      await until(() => held.has(id));
      held.get(id)?.();
      held.delete(id);
    },
    release: () => {
      released = true;
      for (const open of held.values()) open();
    },
    arrived: (count) => until(() => held.size >= count),
    waiting: () => held.size,
  };
}

const INPUT: readonly Json[] = [
  { client_id: "c-1", client_name: 'it\'s "1" ☃', redirect_uris: ["https://a.example/cb"], metadata: { k: [1, null] } },
  { client_id: "c-2", scope: "a b" },
  { client_id: "c-3", owner: "o", client_secret: "given-secret-0123" },
];

const YAML_CLIENTS = [
  'client_id: c-1\nclient_name: "it\'s \\"1\\" ☃"\nredirect_uris:\n  - https://a.example/cb\nmetadata:\n  k: [1, null]\n',
  "client_id: c-2\nscope: a b\n",
  "client_id: c-3\nowner: o\nclient_secret: given-secret-0123\n",
];

/** Every form of the same clients. */
const FORMS: Readonly<Record<string, string>> = {
  "an array": JSON.stringify(INPUT),
  "an array over many lines": JSON.stringify(INPUT, null, "\t"),
  "one object a line": ndjson(INPUT),
  "one object a line, from Windows": `\ufeff${ndjson(INPUT).replaceAll("\n", "\r\n\r\n")}`,
  "one object a line, without an end": ndjson(INPUT).trimEnd(),
  "objects over many lines, one after the other": INPUT.map((client) => `${JSON.stringify(client, null, 2)}\n`).join(
    "",
  ),
  "what a list writes": JSON.stringify({ items: INPUT, next_page_token: "", is_last_page: true }),
  "arrays one after the other": `${JSON.stringify(INPUT.slice(0, 1))}\n${JSON.stringify(INPUT.slice(1))}\n`,
  "YAML documents": `# clients\n---\n${YAML_CLIENTS.join("---\n")}---\n`,
  "a YAML list": YAML_CLIENTS.map((client) => `- ${client.trimEnd().replaceAll("\n", "\n  ")}\n`).join(""),
  "what a list writes as YAML": `items:\n${YAML_CLIENTS.map((client) => `  - ${client.trimEnd().replaceAll("\n", "\n    ")}\n`).join("")}is_last_page: true\n`,
};

describe("clients import", () => {
  for (const [title, text] of Object.entries(FORMS)) {
    it(`accepts ${title}, from a file and from standard input`, async () => {
      for (const piped of [false, true]) {
        await using scenario = await openScenario();
        const file = join(scenario.home, "input");
        writeFileSync(file, text);
        const ended = await program(scenario)(["clients", "import", ...(piped ? [] : [file]), "--format", "ndjson"], {
          stdin: piped ? text : "",
        });
        assertExit(ended, 0);
        assert.equal(ended.stderr, "Import: 3 created\n");
        const found = results(ended.stdout);
        assert.deepEqual(
          found.map(({ client_id: id }) => id),
          ["c-1", "c-2", "c-3"],
        );
        for (const { client_id: id = "", client_secret: secret, outcome, from } of found) {
          assert.equal(outcome, "created");
          assert.equal(from, piped ? "standard input" : file);
          if (id === "c-3") assert.equal(secret, undefined);
          else assert.equal(secret, scenario.sandbox.secretOf(id));
        }
        assert.equal(scenario.sandbox.secretOf("c-3"), "given-secret-0123");
        const [first, second, third] = scenario.sandbox.clients();
        assert.equal(first?.["client_name"], 'it\'s "1" ☃');
        assert.deepEqual(first["metadata"], { k: [1, null] });
        assert.equal(second?.["scope"], "a b");
        assert.equal(third?.["owner"], "o");
        assert.deepEqual(scenario.recoveryCopies(), []);
      }
    });
  }

  it("reads several files and standard input, in order", async () => {
    await using scenario = await openScenario();
    const [a, b] = [join(scenario.home, "a.json"), join(scenario.home, "b.yaml")];
    writeFileSync(a, JSON.stringify({ client_id: "z" }));
    writeFileSync(b, "client_id: a\n");
    const ended = await scenario.run(["import", "oauth2-clients", a, "-", b, "--format", "ndjson"], {
      stdin: '[{"client_id":"m"}]',
    });
    assertExit(ended, 0);
    assert.deepEqual(
      results(ended.stdout).map(({ client_id: id, from }) => [id, from]),
      [
        ["z", a],
        ["m", "standard input"],
        ["a", b],
      ],
    );
  });

  it("accepts empty input as nothing to do", async () => {
    await using scenario = await openScenario();
    for (const stdin of ["", "[]", "\n\n", "---\n", '{"items":[]}']) {
      const ended = await program(scenario)(["clients", "import", "--format", "json"], { stdin });
      assertExit(ended, 0);
      assert.equal(ended.stderr, "Import: nothing to do\n");
      assert.deepEqual(JSON.parse(ended.stdout), []);
    }
    assert.equal(scenario.proxy.posts().length, 0);
  });

  it("generates missing IDs and secrets, and sends none for a public client", async () => {
    await using scenario = await openScenario();
    const stdin = ndjson([
      { client_name: "0", client_id: null, client_secret: "" },
      { client_name: "1", client_id: "", token_endpoint_auth_method: "none" },
    ]);
    const ended = await scenario.run(["clients", "import", "--format", "ndjson", "--secret-length", "40"], { stdin });
    assertExit(ended, 0);
    const [first, second] = results(ended.stdout);
    assert.match(first?.client_id ?? "", /^[0-9a-f-]{36}$/);
    assert.match(first?.client_secret ?? "", /^[A-Za-z0-9._~-]{40}$/);
    assert.equal(first?.client_secret, scenario.sandbox.secretOf(first?.client_id ?? ""));
    assert.equal(second?.client_secret, undefined);
    const post = scenario.proxy.posts().find(({ body }) => body.includes('"none"'));
    assert.ok(!("client_secret" in JSON.parse(post?.body ?? "")));
  });

  it("warns that a client which was public has no secret yet, unless it gets one", async () => {
    await using scenario = await openScenario();
    const open = ["a", "b", "c"].map((id) => ({ client_id: id, token_endpoint_auth_method: "none" }));
    assertExit(await scenario.run(["clients", "import"], { stdin: ndjson(open) }), 0);
    const stdin = ndjson([
      { client_id: "a", token_endpoint_auth_method: "client_secret_post" },
      { client_id: "b", token_endpoint_auth_method: "client_secret_post", client_secret: "a-secret-0123456789" },
      { client_id: "c", token_endpoint_auth_method: "none", client_name: "still public" },
    ]);
    const ended = await scenario.run(["clients", "import", "--if-exists", "update"], { stdin });
    assertExit(ended, 0);
    assert.match(ended.stderr, /^Warning: client "a" has no secret yet; generate one: hydra clients rotate-secret a$/m);
    assert.equal(ended.stderr.match(/has no secret yet/g)?.length, 1, describeRun(ended));
  });

  it("leaves out what a server sets by itself, and null", async () => {
    await using scenario = await openScenario();
    const stdin = JSON.stringify({
      ...{ client_id: "a", created_at: "2020-01-01T00:00:00Z", updated_at: "2020-01-01T00:00:00Z" },
      ...{ client_secret_expires_at: 0, registration_access_token: "hush", registration_client_uri: "https://x/" },
      ...{ contacts: null, jwks: {}, implicit_grant_id_token_lifespan: null, owner: "o" },
    });
    const ended = await scenario.run(["clients", "import"], { stdin });
    assertExit(ended, 0);
    assert.doesNotMatch(ended.stderr, /Warning/);
    const { client_secret: _, ...body } = JSON.parse(scenario.proxy.posts()[0]?.body ?? "");
    assert.deepEqual(body, { client_id: "a", owner: "o" });
  });

  it("checks everything before anything is sent, and reports all of it", SLOW, async () => {
    await using scenario = await openScenario();
    const good = { client_id: "good" };
    const cases: readonly (readonly [input: string, message: RegExp])[] = [
      [JSON.stringify([good, 5]), /standard input, client 2 is not an object/],
      [JSON.stringify([good, null]), /standard input, client 2 is not an object/],
      [JSON.stringify([good, { client_id: 5 }]), /client 2: client_id must be a string/],
      [JSON.stringify([good, { client_id: "x" }, good]), /client 3 has the same client_id "good" as .*client 1/],
      [
        JSON.stringify([good, { redirect_uris: ["https://a.example/#x"] }]),
        /client 2: redirect_uris .* has a fragment/,
      ],
      [JSON.stringify([good, { client_secret: "short" }]), /client 2: client_secret is shorter than 6/],
      ['{"client_id":"a"}\n{"client_id":\n{"client_id":"c"}\n', /Cannot read standard input, line 2/],
      ["[", /Cannot read standard input/],
      ["- a: [\n", /Cannot read standard input/],
      ['"text"', /standard input is not an object/],
    ];
    for (const [stdin, message] of cases) {
      const ended = await program(scenario)(["clients", "import"], { stdin });
      assertFails(ended, 2, message);
    }
    const missing = await program(scenario)(["clients", "import", join(scenario.home, "missing"), scenario.home, "-"], {
      stdin: '[{"client_secret":"x"}]',
    });
    assertExit(missing, 2);
    assert.equal(missing.stderr.match(/^Error: /gm)?.length, 3, describeRun(missing));
    const many = await program(scenario)(["clients", "import"], {
      stdin: ndjson(Array.from({ length: 50 }, () => ({ client_secret: "x" }))),
    });
    assertExit(many, 2);
    assert.match(many.stderr, /^Error: 30 more problems are not shown$/m);
    assertFails(
      await program(scenario)(["clients", "import", "--concurrency", "0"], { stdin: "[]" }),
      2,
      /--concurrency 0/,
    );
    assertFails(
      await program(scenario)(["clients", "import", "--if-exists", "replace"], { stdin: "[]" }),
      2,
      /--if-exists "replace"/,
    );
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("rejects misspelled keys with the right one, warns of them with --lenient, and of unknown keys unless --strict", async () => {
    await using scenario = await openScenario();
    const stdin = ndjson([
      { client_id: "a", scopes: "x" },
      { owner: "o", "response:types": ["code"], Client_Name: "x", xyzzy: 1 },
    ]);
    const strict = await program(scenario)(["clients", "import", "--strict"], { stdin });
    assertExit(strict, 2);
    assert.equal(strict.stderr.match(/^Error: /gm)?.length, 4, describeRun(strict));
    assert.equal(scenario.proxy.seen.length, 0);
    const rejected = await program(scenario)(["clients", "import"], { stdin });
    assertExit(rejected, 2);
    assert.equal(
      rejected.stderr,
      [
        'Warning: standard input, client 2: "xyzzy" is not a client field',
        'Error: standard input, client 1: "scopes" is not a client field',
        "Hint: write scope; --lenient accepts it",
        'Error: standard input, client 2: "response:types" is not a client field',
        "Hint: did you mean response_types? --lenient accepts it",
        'Error: standard input, client 2: "Client_Name" is not a client field',
        "Hint: did you mean client_name? --lenient accepts it",
        "",
      ].join("\n"),
    );
    assert.equal(scenario.proxy.seen.length, 0);
    const ended = await program(scenario)(["clients", "import", "--lenient"], { stdin });
    assertExit(ended, 0);
    for (const line of [
      /^Warning: standard input, client 1: "scopes" is not a client field; write scope$/m,
      /^Warning: .*client 2: "response:types" is not a client field; did you mean response_types\?$/m,
      /^Warning: .*client 2: "Client_Name" is not a client field; did you mean client_name\?$/m,
      /^Warning: .*client 2: "xyzzy" is not a client field$/m,
    ])
      assert.match(ended.stderr, line);
    const flood = await program(scenario)(["clients", "import"], {
      stdin: ndjson(Array.from({ length: 30 }, () => ({ client_name: "x", xyzzy: 1 }))),
    });
    assert.equal(flood.stderr.match(/^Warning: .*xyzzy/gm)?.length, 20, describeRun(flood));
    assert.match(flood.stderr, /^Warning: 10 more warnings of this kind are not shown$/m);
  });

  it("rejects fields that the API version doesn't have, and reports those that a server dropped", async () => {
    await using old = await openScenario("1.8");
    const refused = await program(old)(["clients", "import"], {
      stdin: ndjson([
        { client_id: "a", skip_consent: false },
        { client_id: "b", skip_consent: true },
        { client_id: "c", access_token_strategy: "jwt" },
      ]),
    });
    assertExit(refused, 2);
    assert.match(refused.stderr, /^Error: standard input, client 2: Hydra 1\.x has no field skip_consent$/m);
    assert.match(refused.stderr, /^ {2}standard input, client 3: Hydra 1\.x has no field access_token_strategy$/m);
    assert.equal(old.proxy.posts().length, 0);
    const lifespan = "implicit_grant_id_token_lifespan";
    const dropped = await program(old)(["clients", "import"], {
      stdin: ndjson([{ client_id: "a" }, { client_id: "b", [lifespan]: "1h" }, { client_id: "c", [lifespan]: "2h" }]),
    });
    assertExit(dropped, 0);
    assert.match(
      dropped.stderr,
      new RegExp(
        `^Warning: ${lifespan}: the server did not keep the value of 2 clients, the first standard input, client 2$`,
        "m",
      ),
    );
    await using newer = await openScenario("26");
    const kept = await program(newer)(["clients", "import"], {
      stdin: ndjson([{ [lifespan]: "1h" }, { skip_consent: true }]),
    });
    assert.equal(kept.stderr, "Import: 2 created\n");
  });

  it("fails for, skips or updates existing clients, and reports which", async () => {
    await using scenario = await openScenario();
    const first = ndjson([
      { client_id: "a", client_name: "before", owner: "o" },
      { client_id: "b", client_name: "same" },
    ]);
    assertExit(await program(scenario)(["clients", "import"], { stdin: first }), 0);
    const secrets = [scenario.sandbox.secretOf("a"), scenario.sandbox.secretOf("b")];
    const stdin = ndjson([
      { client_id: "a", client_name: "after" },
      { client_id: "b", client_name: "same" },
      { client_id: "c" },
    ]);
    async function run(way: string): Promise<readonly string[]> {
      const ended = await program(scenario)(["clients", "import", "--if-exists", way, "--format", "ndjson"], { stdin });
      assertExit(ended, way === "fail" ? 8 : 0);
      return [...results(ended.stdout).map(({ outcome }) => outcome), ended.stderr.trimEnd().split("\n").at(-1) ?? ""];
    }
    assert.deepEqual(await run("fail"), ["failed", "failed", "created", "Import: 1 created, 2 failed"]);
    assert.deepEqual(await run("skip"), ["skipped", "skipped", "skipped", "Import: 3 skipped"]);
    assert.equal(scenario.sandbox.clients()[0]?.["client_name"], "before");
    assert.deepEqual(await run("update"), ["updated", "unchanged", "unchanged", "Import: 1 updated, 2 unchanged"]);
    assert.equal(scenario.sandbox.clients()[0]?.["client_name"], "after");
    assert.equal(scenario.sandbox.clients()[0]?.["owner"], "o");
    assert.deepEqual([scenario.sandbox.secretOf("a"), scenario.sandbox.secretOf("b")], secrets);
    const secret = "brought-secret-0123";
    const given = await program(scenario)(["clients", "import", "--if-exists", "update"], {
      stdin: ndjson([{ client_id: "a", client_secret: secret }]),
    });
    assertExit(given, 0);
    assert.equal(given.stdout, "Updated OAuth 2.0 Client a from: standard input\n");
    assert.equal(scenario.sandbox.secretOf("a"), secret);
  });

  it("says that an existing client was deleted meanwhile, as create does", async () => {
    const conflict = instead({ status: 409, headers: { "content-type": "application/json" }, body: "{}" });
    await using scenario = await openScenario("26", creating("a", conflict));
    const imported = await scenario.run(["clients", "import", "--if-exists", "update"], { stdin: '{"client_id":"a"}' });
    const created = await scenario.run(["clients", "create", "--id", "a", "--if-exists", "skip"]);
    for (const ended of [imported, created]) {
      assertFails(ended, 4, /Client "a" was deleted by someone else meanwhile$/);
      assert.match(ended.stderr, /^Hint: run the command again to create it$/m);
    }
  });

  it("continues after one that fails, keeps the order, and exits with 8", async () => {
    const no = instead({
      status: 400,
      headers: { "content-type": "application/json" },
      body: '{"error":"e","error_description":"not this one"}',
    });
    await using scenario = await openScenario("26", creating("c-5", no));
    const clients = clientsOf(12);
    const ended = await scenario.run(["clients", "import", "--format", "ndjson"], { stdin: ndjson(clients) });
    assertExit(ended, 8);
    const found = results(ended.stdout);
    assert.deepEqual(
      found.map(({ client_id: id }) => id),
      clients.map(({ client_id: id }) => id),
    );
    for (const { client_id: id, outcome } of found) assert.equal(outcome, id === "c-5" ? "failed" : "created");
    const lost = found.find(({ outcome }) => outcome === "failed");
    const place = clients.findIndex(({ client_id: id }) => id === "c-5") + 1;
    const message = `standard input, client ${place}: Cannot create client: server answered 400: not this one`;
    assert.deepEqual(lost, {
      ...{ client_id: "c-5", outcome: "failed", from: "standard input" },
      error: {
        error: "invalid",
        message,
        hint: "fix the value that the server rejects, then run the command again",
        status: 400,
      },
    });
    assert.equal(JSON.parse(ended.stderr.split("\n")[0] ?? "").message, message);
    assert.match(ended.stderr, /^Import: 11 created, 1 failed$/m);
    const text = await scenario.run(["clients", "import"], {
      stdin: ndjson([{ client_id: "c-5" }, { client_id: "d" }]),
    });
    assertExit(text, 8);
    assert.match(text.stdout, /^Imported OAuth 2\.0 Client d:\S+ from: standard input\n$/);
    assert.match(text.stderr, /^Error: standard input, client 1: .*not this one$/m);
    const only = await scenario.run(["clients", "import"], { stdin: '{"client_id":"c-5"}' });
    assertFails(only, 1, /^Error: standard input: Cannot create client: server answered 400: not this one$/);
  });

  it("sends at most the requested number of requests at a time", SLOW, async () => {
    for (const [flag, count] of [
      [[], 8],
      [["--concurrency", "3"], 3],
      [["--concurrency", "1"], 1],
      [["--concurrency", "32"], 32],
    ] as const) {
      let now = 0;
      let most = 0;
      const full = Promise.withResolvers<void>();
      await using scenario = await openScenario("26", ({ method }) => {
        if (method !== "POST") return undefined;
        return async (exchange) => {
          most = Math.max(most, ++now);
          if (now === count) full.resolve();
          // All wait until as many have arrived as allowed, so that fewer would never end.
          await full.promise;
          const answer = await exchange.pass();
          now--;
          exchange.reply(answer);
        };
      });
      const ended = await scenario.run(["clients", "import", ...flag, "-q", "--rescue-dir", scenario.home], {
        stdin: ndjson(clientsOf(70)),
      });
      assertExit(ended, 0);
      assert.equal(most, count);
      assert.equal(scenario.sandbox.clients().length, 70);
    }
  });

  it("writes each result as soon as the ones before it are written", SLOW, async () => {
    const { plan, open, arrived } = gates();
    await using scenario = await openScenario("26", plan);
    const clients = ["a", "b", "c", "d", "e"].map((id) => ({ client_id: id }));
    await using running = scenario.start(["clients", "import", "--format", "ndjson"], { stdin: ndjson(clients) });
    await arrived(5);
    const shown = async (count: number): Promise<readonly (string | undefined)[]> => {
      const text = await running.seen("stdout", new RegExp(`^(?:.*\n){${count}}`));
      return results(text).map(({ client_id: id }) => id);
    };
    // The second and third are done, and wait for the first.
    await open("c");
    await open("b");
    await open("a");
    assert.deepEqual(await shown(3), ["a", "b", "c"]);
    await open("e");
    await open("d");
    const ended = await running.ended;
    assertExit(ended, 0);
    assert.deepEqual(
      results(ended.stdout).map(({ client_id: id }) => id),
      ["a", "b", "c", "d", "e"],
    );
  });

  it("retries what can be retried without creating two clients", async () => {
    let left = 3;
    await using scenario = await openScenario("26", ({ method }) =>
      method === "POST" && left-- > 0 ? dropAfter : undefined,
    );
    const ended = await scenario.run(["clients", "import", "--format", "ndjson"], {
      stdin: ndjson(Array.from({ length: 6 }, (_, n) => ({ client_name: `${n}` }))),
    });
    assertExit(ended, 0);
    assert.equal(scenario.sandbox.clients().length, 6);
    for (const { client_id: id = "", client_secret: secret } of results(ended.stdout))
      assert.equal(secret, scenario.sandbox.secretOf(id));
  });

  it("imports many clients, and prints exactly the stored secrets", SLOW, async () => {
    await using scenario = await openScenario();
    const count = RUNS_EVERYTHING ? 1_000 : 250;
    const clients = clientsOf(count);
    const file = join(scenario.home, "clients.ndjson");
    writeFileSync(file, ndjson(clients));
    const ended = await scenario.run(["clients", "import", file, "--format", "ndjson"]);
    assertExit(ended, 0);
    assert.equal(ended.stderr, `Import: ${count} created\n`);
    const found = results(ended.stdout);
    assert.deepEqual(
      found.map(({ client_id: id }) => id),
      clients.map(({ client_id: id }) => id),
    );
    for (const { client_id: id = "", client_secret: secret } of found)
      assert.equal(secret, scenario.sandbox.secretOf(id));
    assert.equal(new Set(found.map(({ client_secret: secret }) => secret)).size, count);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });
});

describe("a file that Hydra's own CLI exported", () => {
  const cases: readonly (readonly [version: string, name: string, as: SandboxVersion])[] = [
    ["1.8.5", "get", "1.8"],
    ["1.11.10", "get", "1.11"],
    ["1.8.5", "get", "26"],
    ["1.11.10", "get", "26"],
    ["26.2.0", "get", "26"],
    ["26.2.0", "get two", "26"],
    ["26.2.0", "list", "26"],
    ["2.3.0", "list", "26"],
    ["2.1.2", "list", "2.3"],
  ];
  const Case = v.looseObject({ name: v.string(), stdout: v.string() });

  for (const [version, name, as] of cases) {
    it(`by ${name} of ${version} goes into ${as}`, async () => {
      const recorded = readFileSync(join(import.meta.dirname, `../contract/cli-${version}.json`), "utf8");
      const { stdout } =
        v.parse(v.array(Case), JSON.parse(recorded)).find((each) => each.name === name) ?? assert.fail(name);
      const value: unknown = JSON.parse(stdout);
      const Items = v.looseObject({ items: v.array(v.looseObject({ client_id: v.string() })) });
      const listed = v.safeParse(Items, value);
      const exported = listed.success
        ? listed.output.items
        : v.parse(v.array(v.looseObject({ client_id: v.string() })), [value].flat());
      await using scenario = await openScenario(as);
      const ended = await program(scenario)(["clients", "import", "--format", "ndjson"], { stdin: stdout });
      // One of the recorded clients has no keys for its method, and one an address that no server takes since.
      const made = results(ended.stdout).filter(({ outcome }) => outcome === "created");
      assert.ok(made.length > 0, describeRun(ended));
      for (const client of exported) {
        const stored = scenario.sandbox.clients().find(({ client_id: id }) => id === client.client_id);
        assert.ok(stored !== undefined, describeRun(ended));
        for (const field of [
          "client_name",
          "redirect_uris",
          "grant_types",
          "response_types",
          "scope",
          "owner",
          "metadata",
        ]) {
          const wanted = client[field];
          if (wanted !== undefined && JSON.stringify(wanted).length > 2) assert.deepEqual(stored[field], wanted, field);
        }
      }
    });
  }
});

describe("an interrupted import", () => {
  it("by a signal finishes open requests, and a second run completes it", SLOW, async () => {
    // Each signal is sent to a create in signals.test.ts.
    for (const signal of ENDING_SIGNALS.filter((_, n) => isTested(n, 3))) {
      const { plan, open, arrived, waiting } = gates();
      let closed = false;
      await using scenario = await openScenario("26", (exchange) => (closed ? undefined : plan(exchange)));
      const clients = clientsOf(30);
      const names = clients.map(({ client_id: id }) => String(id));
      await using running = scenario.start(["clients", "import", "--concurrency", "4", "--format", "ndjson"], {
        stdin: ndjson(clients),
      });
      await arrived(4);
      for (const id of names.slice(0, 3)) await open(id);
      await running.seen("stdout", /^(?:.*\n){3}/);
      await arrived(4);
      running.kill(signal);
      // It has handled the signal. No request is begun after that, while those under way are answered one by one.
      await waitUntilIdle(running.pid);
      assert.equal(waiting(), 4);
      for (const id of names.slice(3, 7)) await open(id);
      const ended = await running.ended;
      assertExit(ended, EXIT_CODES_BY_SIGNAL[signal]);
      const found = results(ended.stdout);
      assert.deepEqual(
        found.map(({ client_id: id }) => id),
        names.slice(0, 7),
      );
      assert.deepEqual(ids(scenario).toSorted(), names.slice(0, 7).toSorted());
      for (const { client_id: id = "", client_secret: secret } of found)
        assert.equal(secret, scenario.sandbox.secretOf(id));
      assert.match(ended.stderr, /Import: 7 created, 23 not started/);
      assert.deepEqual(scenario.recoveryCopies(), []);
      closed = true;
      const rest = await scenario.run(["clients", "import", "--if-exists", "skip", "--format", "ndjson"], {
        stdin: ndjson(clients),
      });
      assertExit(rest, 0);
      assert.match(rest.stderr, /^Import: 23 created, 7 skipped$/m);
      assert.equal(scenario.sandbox.clients().length, 30);
      for (const { client_id: id = "", client_secret: secret, outcome } of results(rest.stdout))
        assert.equal(secret, outcome === "created" ? scenario.sandbox.secretOf(id) : undefined);
    }
  });

  it("because its reader goes away loses no secret", SLOW, async () => {
    for (const format of ["ndjson", "text", "json", "env"]) {
      const { plan, open, arrived, release } = gates();
      await using scenario = await openScenario("26", plan);
      const clients = clientsOf(40);
      const names = clients.map(({ client_id: id }) => String(id));
      using folder = temporaryFolder();
      using reader = openFifo(folder.path);
      const line = 'exec "$0" clients import --concurrency 4 --format "$1" >"$2"';
      await using running = start("/bin/sh", ["-c", line, BINARY, format, reader.path], {
        env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home },
        stdin: ndjson(clients),
      });
      await arrived(4);
      await open(names[0] ?? "");
      await arrived(4);
      // Now the program waits for answers, and writes nothing between this read and the close.
      await waitUntilIdle(running.pid);
      const before = reader.read();
      assert.ok(before.includes(names[0] ?? ""), before);
      reader.close();
      release();
      const ended = await running.ended;
      assertExit(ended, 1);
      const rescued = scenario.recoveryCopies();
      for (const id of ids(scenario)) {
        const secret = scenario.sandbox.secretOf(id) ?? "none";
        const kept = rescued.find(({ record }) => record.client_id === id);
        assert.ok(
          before.includes(secret) || kept?.record.client_secret === secret,
          `${format}: the secret of ${id} is lost\n${describeRun(ended)}`,
        );
        if (kept !== undefined) assert.ok(ended.stderr.includes(kept.path), describeRun(ended));
      }
      assert.ok(scenario.proxy.posts().length < 40, `${scenario.proxy.posts().length} creates`);
    }
  });

  it("because of head, in a shell, loses no secret either", SLOW, async () => {
    for (let n = 0; n < 5; n++) {
      await using scenario = await openScenario();
      const file = join(scenario.home, "clients.ndjson");
      writeFileSync(file, ndjson(clientsOf(300)));
      const script = '{ "$0" "$@"; echo "status $?" >&2; } | head -n 2';
      const ended = await start("/bin/sh", ["-c", script, BINARY, "clients", "import", file, "--format", "ndjson"], {
        env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home },
      }).ended;
      const shown = results(ended.stdout);
      assert.equal(shown.length, 2, describeRun(ended));
      const rescued = scenario.recoveryCopies();
      // What left the program and was not read belongs to the reader; everything else must exist.
      const status = Number(/^status (\d+)$/m.exec(ended.stderr)?.[1]);
      if (status !== 0) assert.equal(status, 1, describeRun(ended));
      for (const { record } of rescued)
        assert.equal(record.client_secret, scenario.sandbox.secretOf(record.client_id ?? ""));
    }
  });
});

describe("an import with recipients", () => {
  let gpg: Gpg;
  let alice: Exported;
  before(() => {
    gpg = openGpg();
    alice = gpg.exported(gpg.quick("alice@example.com", "future-default"));
  });
  after(() => gpg.close());

  it("encrypts each secret, shows none, and no other credential", SLOW, async () => {
    await using scenario = await openScenario();
    const key = join(scenario.home, "alice.asc");
    writeFileSync(key, alice.armored);
    const stdin = ndjson([
      { client_id: "a" },
      { client_id: "b", client_secret: "given-secret-0123" },
      { client_id: "c", token_endpoint_auth_method: "none" },
    ]);
    const ended = await scenario.run(["clients", "import", "--pgp-key", `@${key}`, "--format", "ndjson"], { stdin });
    assertExit(ended, 0);
    const [first, second, third] = results(ended.stdout);
    for (const client of [first, second]) {
      const message = v.parse(v.string(), client?.["client_secret_encrypted"]);
      const secret = scenario.sandbox.secretOf(client?.client_id ?? "") ?? "none";
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), secret);
      assert.ok(!(ended.stdout + ended.stderr).includes(secret));
    }
    assert.equal(third?.["client_secret_encrypted"], undefined);
    assert.doesNotMatch(ended.stdout, /registration_access_token|"client_secret"/);
    const bad = await scenario.run(["clients", "import", "--pgp-key", Buffer.from("nonsense").toString("base64")], {
      stdin: '{"client_id":"d"}',
    });
    assertFails(bad, 7, /--pgp-key/);
    assert.equal(scenario.sandbox.clients().length, 3);
  });
});

describe("an import with recipients and ASCII armor", () => {
  it("prints the message over several lines as text, so that it can be decrypted", async () => {
    await using scenario = await openScenario();
    const gpg = openGpg();
    try {
      const { armored } = gpg.exported(gpg.quick("alice@example.com", "future-default"));
      const args = ["clients", "import", "--pgp-key", armored, "--encrypted-format", "armor"];
      const ended = await scenario.run(args, { stdin: ndjson([{ client_id: "a" }]) });
      assertExit(ended, 0);
      const [, message = ""] =
        /^Imported OAuth 2\.0 Client a:(-----BEGIN .*-----) from: standard input\n$/s.exec(ended.stdout) ?? [];
      assert.equal(gpg.decrypt(Buffer.from(message)), scenario.sandbox.secretOf("a"));
    } finally {
      gpg.close();
    }
  });
});

describe("an import that updates clients with recipients", () => {
  it("delivers the encrypted secret that it set", async () => {
    await using scenario = await openScenario();
    const gpg = openGpg();
    try {
      const { armored } = gpg.exported(gpg.quick("alice@example.com", "future-default"));
      const entry = { client_id: "a", client_secret: "given-secret-0123" };
      assertExit(await scenario.run(["clients", "import", "-q"], { stdin: ndjson([entry]) }), 0);
      const args = ["clients", "import", "--if-exists", "update", "--pgp-key", armored, "--format", "ndjson"];
      const ended = await scenario.run(args, { stdin: ndjson([{ ...entry, client_secret: "other-secret-0123" }]) });
      assertExit(ended, 0);
      const [client] = results(ended.stdout);
      assert.equal(client?.["outcome"], "updated");
      const message = v.parse(v.string(), client?.["client_secret_encrypted"]);
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), "other-secret-0123");
      assert.doesNotMatch(ended.stdout + ended.stderr, /other-secret|registration_access_token|"client_secret"/);
    } finally {
      gpg.close();
    }
  });
});

describe("an import whose server is gone", () => {
  it("starts no more clients after eight that could not reach it", async () => {
    const stdin = ndjson(Array.from({ length: 60 }, (_, n) => ({ client_id: `c${n}`, grant_types: ["implicit"] })));
    const ended = await runBinary(
      ["clients", "import", "-e", "http://127.0.0.1:9", "--api", "v2", "--fail-after", "0"],
      { stdin },
    );
    assert.equal(ended.status, 8, describeRun(ended));
    const [, failed, rest] = /^Import: (\d+) failed, (\d+) not started$/m.exec(ended.stderr) ?? [];
    assert.equal(Number(failed) + Number(rest), 60, ended.stderr);
    assert.ok(Number(failed) >= 8 && Number(failed) < 60, ended.stderr);
  });
});

describe("an import of unexpected input", () => {
  it("names the line of a stream that was cut off", async () => {
    await using scenario = await openScenario();
    const lines = Array.from({ length: 5 }, (_, n) => JSON.stringify({ client_id: `nd${n}` }));
    const ended = await scenario.run(["clients", "import"], { stdin: `${lines.join("\n")}\n{"client_id":"nd6","cli` });
    assertFails(ended, 2, /Cannot read standard input, line 6, column \d+: it is not JSON/);
    assert.deepEqual(scenario.proxy.seen, []);
  });

  it("names the client in every warning, and in every error of --strict", async () => {
    await using scenario = await openScenario();
    const lonely = { grant_types: ["client_credentials"], token_endpoint_auth_method: "none" };
    const stdin = ndjson([lonely, { grant_types: ["authorization_code"] }]);
    const strict = await program(scenario)(["clients", "import", "--strict"], { stdin });
    assertExit(strict, 2);
    for (const [stderr, word] of [
      [strict.stderr, "Error"],
      [(await program(scenario)(["clients", "import"], { stdin })).stderr, "Warning"],
    ] as const) {
      assert.match(stderr, new RegExp(`^${word}: standard input, client 1: a client without a secret`, "m"));
      assert.match(stderr, new RegExp(`^${word}: standard input, client 2: the client uses a browser grant`, "m"));
    }
  });

  it("rejects a file in another encoding, whose characters would be lost", async () => {
    await using scenario = await openScenario();
    const stdin = Buffer.from('{"client_name":"caf\xe9"}', "latin1");
    assertFails(
      await program(scenario)(["clients", "import"], { stdin }),
      2,
      /standard input for import: it is not UTF-8 text/,
    );
    const created = await program(scenario)(["clients", "create", "--file", "-"], { stdin });
    assertFails(created, 2, /for --file: it is not UTF-8 text/);
    // Nothing follows from the fields of a client that could not be read.
    assert.doesNotMatch(created.stderr, /Warning/);
    assert.deepEqual(scenario.proxy.seen, []);
  });

  it("rejects an object without any client field", async () => {
    await using scenario = await openScenario();
    const ended = await scenario.run(["clients", "import"], { stdin: '{"apps":[{"client_id":"c1"}]}' });
    assertFails(ended, 2, /standard input has no client field/);
    assert.deepEqual(scenario.proxy.seen, []);
  });

  it("rejects IDs and secrets that aren't strings, and private keys", async () => {
    await using scenario = await openScenario();
    const stdin = "- client_id: 20240101\n- client_secret: 123456789\n- jwks: { keys: [{ kty: oct, k: c2VjcmV0 }] }\n";
    const ended = await scenario.run(["clients", "import"], { stdin });
    assertExit(ended, 2);
    assert.match(ended.stderr, /client 1: client_id must be a string\n/);
    assert.match(ended.stderr, /client 2: client_secret must be a string\n/);
    assert.match(ended.stderr, /client 3: jwks contains the private part of key 1 \(k\)\n/);
    assert.ok(!ended.stderr.includes("c2VjcmV0"));
    assert.deepEqual(scenario.proxy.seen, []);
  });
});

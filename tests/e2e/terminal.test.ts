/** Output on a real terminal: width, colour, progress and prompts. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { displayWidth } from "../../lib/core/output/width.ts";
import { temporaryFolder } from "./binary.ts";
import { instead, type Plan } from "./fault-proxy.ts";
import { openScenario, type Scenario, SLOW } from "./scenario.ts";
import { openTerminal, type Terminal, type TerminalOptions } from "./terminal.ts";

const WIDE = [
  "日本語のクライアント",
  "한국어 클라이언트",
  "👩‍👩‍👧‍👦 family 🇩🇪",
  "e\u0301a\u0308 combining",
  "ｆｕｌｌｗｉｄｔｈ",
  "plain",
];

async function fill(scenario: Scenario, clients: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
  for (const client of clients) {
    const body = JSON.stringify({ token_endpoint_auth_method: "none", ...client });
    assert.equal((await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body })).status, 201);
  }
}

/** Runs the program on a terminal to its end, which must be good. */
async function shown(scenario: Scenario, args: readonly string[], options: TerminalOptions = {}): Promise<Terminal> {
  const env = { HYDRA_ADMIN_URL: scenario.url, ...options.env };
  const terminal = await openTerminal(args, { ...options, env });
  assert.equal(await terminal.ended(), 0, terminal.screen());
  return terminal;
}

const LONG = {
  scope: "openid offline profile email address phone a-very-long-scope another-very-long-scope",
  redirect_uris: [
    "https://application.example.com/a/rather/long/path/to/the/callback?with=a&query=too",
    "https://b.example/cb",
  ],
  grant_types: ["authorization_code", "refresh_token", "client_credentials"],
  response_types: ["code", "id_token", "token"],
};

describe("a table on a terminal", () => {
  it("fits its width, keeps IDs whole and marks what it cuts", SLOW, async () => {
    await using scenario = await openScenario();
    const id = (n: number): string => `0000000${n}-aaaa-4bbb-8ccc-dddddddddddd`;
    await fill(
      scenario,
      WIDE.map((name, n) => ({ client_id: id(n), client_name: name, ...LONG })),
    );
    for (const columns of [50, 80, 132, 200, 500]) {
      for (const format of ["text", "table"]) {
        await using terminal = await shown(scenario, ["clients", "list", "--format", format], { columns, rows: 40 });
        const rows = terminal.screen().split("\n").slice(0, -1);
        // A row that did not fit would take two lines of the screen.
        const expected = format === "table" ? 1 + WIDE.length + 3 : 2 + 3 * WIDE.length;
        assert.ok(rows.length <= expected, terminal.screen());
        for (const row of rows) assert.ok(displayWidth(row) <= columns, `${displayWidth(row)} in ${columns}: ${row}`);
        for (const [n] of WIDE.entries())
          assert.ok(
            rows.some((row) => row.includes(id(n))),
            terminal.screen(),
          );
        if (format === "text") assert.equal(new Set(rows.map(displayWidth)).size, 1, terminal.screen());
        assert.equal(terminal.screen().includes("…"), columns < 500, terminal.screen());
      }
    }
  });

  it("never breaks a line, however wide its characters are", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(
      scenario,
      WIDE.map((name, n) => ({ client_id: `c${n}`, client_name: `${name} ${name} ${name} ${name} ${name}` })),
    );
    for (const columns of [60, 61, 62, 63]) {
      await using terminal = await shown(scenario, ["clients", "list", "--format", "text"], { columns });
      // The terminal itself says how many lines it took.
      assert.equal(terminal.screen().split("\n").length - 1, 2 + WIDE.length, terminal.screen());
      await using people = await shown(scenario, ["clients", "list"], { columns });
      assert.equal(people.screen().split("\n").length - 1, 2 + WIDE.length, people.screen());
    }
  });

  it("is cut on a terminal only: a pipe gets everything", async () => {
    await using scenario = await openScenario();
    await fill(scenario, [{ client_id: "a", client_name: "x".repeat(300) }]);
    await using piped = await shown(scenario, [], { line: '"$HYDRA" clients list | cat', columns: 80 });
    assert.ok(piped.screen().replaceAll("\n", "").includes("x".repeat(300)));
    const { stdout } = await scenario.run(["clients", "list"]);
    assert.ok(stdout.includes("x".repeat(300)) && !stdout.includes("…"));
  });

  it("shows one client in full", async () => {
    await using scenario = await openScenario();
    await fill(scenario, [{ client_id: "a", ...LONG }]);
    await using terminal = await shown(scenario, ["get", "client", "a"], { columns: 50 });
    const text = terminal.screen().replaceAll("\n", "");
    for (const value of [LONG.scope, ...LONG.redirect_uris]) assert.ok(text.includes(value), terminal.screen());
    assert.doesNotMatch(text, /…/);
  });

  it("never lets a name control the terminal", async () => {
    await using scenario = await openScenario();
    const evil = "\u001b[2J\u001b]0;owned\u0007\u001b[31mred";
    await fill(scenario, [{ client_id: "a", client_name: evil, owner: evil }]);
    for (const args of [
      ["clients", "list"],
      ["clients", "get", "a"],
      ["clients", "get", "a", "--format", "raw=client_name"],
      ["clients", "get", "a", "--format", "yaml"],
    ]) {
      await using terminal = await shown(scenario, args, { columns: 200, env: { NO_COLOR: "1" } });
      assert.ok(!terminal.written().includes("\u001b"), JSON.stringify(terminal.written()));
      assert.match(terminal.screen(), /red/);
    }
  });
});

const BILLING = {
  client_id: "0f8fad5b-d9cb-469f-a165-70867728950e",
  client_name: "Billing portal",
  grant_types: ["authorization_code", "refresh_token"],
  redirect_uris: ["https://billing.example.com/cb"],
  owner: "payments",
};

const SHOP = { client_id: "shop", client_name: "Web shop", redirect_uris: ["https://shop.example.com/cb"] };

const JOB = { client_id: "job", grant_types: ["client_credentials"], owner: "ops", metadata: { team: "blue" } };

describe("clients list for people", () => {
  const NARROW: readonly (readonly [columns: number, heading: RegExp, hidden: string])[] = [
    [40, /^ID$/m, "NAME, GRANTS, OWNER, AGE"],
    [60, /^ID {36}NAME +AGE$/m, "GRANTS, OWNER"],
    [80, /^ID {36}NAME +GRANTS +AGE$/m, "OWNER"],
    [120, /^ID {36}NAME +GRANTS +OWNER +AGE$/m, ""],
  ];

  for (const [columns, heading, hidden] of NARROW) {
    it(`takes a line a client at ${columns} columns, and says what it hides`, SLOW, async () => {
      await using scenario = await openScenario();
      await fill(scenario, [BILLING, SHOP, JOB]);
      await using terminal = await shown(scenario, ["clients", "list"], { columns, env: { NO_COLOR: "1" } });
      const screen = terminal.screen();
      assert.match(screen, heading);
      for (const { client_id: id } of [BILLING, SHOP, JOB])
        assert.equal(screen.split("\n").filter((line) => line.startsWith(id)).length, 1, screen);
      assert.match(screen, /^3 clients$/m);
      assert.equal(/Hidden: ([A-Z, ]+)/.exec(screen)?.[1] ?? "", hidden, screen);
      if (columns === 120) assert.match(screen, /^\S{36} {2}Billing portal {2}code,refresh +payments {2}\d+s$/m);
    });
  }

  it("counts, and says if there are more", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, [BILLING, SHOP, JOB]);
    for (const [args, count] of [
      [["--limit", "2"], /^2 clients, more exist$/m],
      [["--limit", "3"], /^3 clients$/m],
      [["--filter", "owner=ops"], /^1 client$/m],
      [["--page-size", "1"], /^1 client, more exist; next page: --page-token\s+\S/m],
      [["--sort", "-name", "--limit", "1"], /^1 of 3 clients$/m],
    ] as const) {
      await using terminal = await shown(scenario, ["clients", "list", ...args], { columns: 120 });
      assert.match(terminal.screen(), count);
    }
  });

  it("knows the total if the server sends it", SLOW, async () => {
    await using scenario = await openScenario("1.11");
    for (const { client_id } of [BILLING, SHOP, JOB])
      await fetch(`${scenario.sandbox.url}/clients`, { method: "POST", body: JSON.stringify({ client_id }) });
    await using terminal = await shown(scenario, ["clients", "list", "--limit", "2"], { columns: 120 });
    assert.match(terminal.screen(), /^2 of 3 clients$/m);
    await using filtered = await shown(scenario, ["clients", "list", "--filter", "owner=", "--limit", "2"], {
      columns: 120,
    });
    assert.match(filtered.screen(), /^2 clients, more exist$/m);
  });

  it("is what --format auto shows in the 2.x syntax, and no other format", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, [SHOP]);
    for (const [args, people] of [
      [["list", "clients", "--format", "auto"], true],
      [["list", "clients"], false],
      [["clients", "list", "--format", "text"], false],
      [["clients", "list", "--format", "table"], false],
    ] as const) {
      await using terminal = await shown(scenario, args, { columns: 200 });
      assert.equal(/^1 client$/m.test(terminal.screen()), people, terminal.screen());
    }
  });
});

describe("color", () => {
  const bold = "\u001b[1m";

  it("is used on a terminal only, not with NO_COLOR, not on a dumb one and not into a pipe", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, [{ client_id: "a" }]);
    const list = '"$HYDRA" clients list';
    for (const [line, env, coloured] of [
      [list, {}, true],
      [list, { NO_COLOR: "" }, true],
      [list, { NO_COLOR: "1" }, false],
      [list, { NO_COLOR: "anything" }, false],
      [list, { TERM: "dumb" }, false],
      [`${list} | cat`, {}, false],
      ['"$HYDRA" clients create --help', {}, true],
      ['"$HYDRA" clients create --help', { NO_COLOR: "1" }, false],
      ['"$HYDRA" clients create --help | cat', {}, false],
      ['"$HYDRA" clients create --help | cat', { FORCE_COLOR: "1" }, true],
      ['"$HYDRA" clients create --help | cat', { CLICOLOR_FORCE: "1" }, true],
      ['"$HYDRA" clients create --help --color=always | cat', { NO_COLOR: "1" }, true],
      [`${list} --color never`, { FORCE_COLOR: "1" }, false],
      [list, { CLICOLOR: "0" }, false],
      // A result is the same text in a pipe, whatever the environment says.
      [`${list} 2>/dev/null | cat`, { FORCE_COLOR: "1" }, false],
    ] as const) {
      await using terminal = await shown(scenario, [], { line, env, rows: 200, columns: 120 });
      assert.equal(terminal.written().includes(bold), coloured, `${line} ${JSON.stringify(env)}\n${terminal.screen()}`);
      if (!coloured) assert.ok(!terminal.written().includes("\u001b"), line);
    }
  });
});

describe("messages on a terminal", () => {
  it("have colors and break at words", SLOW, async () => {
    await using scenario = await openScenario();
    const args = ["clients", "get", "no-such-client-with-a-long-name"];
    const env = { HYDRA_ADMIN_URL: scenario.url };
    await using terminal = await openTerminal(args, { columns: 40, env });
    assert.equal(await terminal.ended(), 4);
    const written = terminal.written();
    assert.match(written, /\u001b\[1m\u001b\[31mError:\u001b/);
    assert.match(written, /\u001b\[36mhydra clients list\u001b/);
    for (const line of terminal.screen().split("\n")) assert.ok(displayWidth(line) <= 40, line);
    assert.match(terminal.screen(), /^Error: Cannot get client\n {2}"no-such/m);
    const { stderr } = await scenario.run(args);
    assert.match(stderr, /^Error: Cannot get client "no-such-client-with-a-long-name": .*\nHint: .*\n$/);
  });
});

describe("the changes of an update", () => {
  it("are red and green on a terminal", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, [SHOP]);
    const args = ["clients", "update", "shop", "--name", "New name"];
    await using terminal = await shown(scenario, args, { columns: 120 });
    assert.match(
      terminal.written(),
      /client_name: \u001b\[31m"Web shop"\u001b\[39m → \u001b\[32m"New name"\u001b\[39m/,
    );
    const { stderr } = await scenario.run(["clients", "update", "shop", "--name", "Other"]);
    assert.match(stderr, /^client_name: "New name" → "Other"$/m);
  });
});

describe("help on a terminal", () => {
  it("fits its width", SLOW, async () => {
    await using scenario = await openScenario();
    for (const columns of [60, 80, 100]) {
      for (const command of ["", "clients update", "clients import", "clients list", "wait"]) {
        await using terminal = await shown(scenario, [], { line: `"$HYDRA" ${command} --help`, columns, rows: 400 });
        // A command line of an example is one line, however long, and so is the name of a flag.
        const rows = terminal
          .screen()
          .split("\n")
          .filter((row) => !/^ +(hydra |--\S+ \S+$)/.test(row));
        for (const row of rows) assert.ok(displayWidth(row) <= columns, `${columns}: ${row}`);
      }
    }
  });
});

/** A server that answers one create for each call of `next`. */
function stepping(): { readonly plan: Plan; next(): Promise<void>; release(): void } {
  const waiting: (() => void)[] = [];
  const wishes: (() => void)[] = [];
  let released = false;
  const meet = (): void => {
    while (waiting.length > 0 && (released || wishes.length > 0)) {
      waiting.shift()?.();
      wishes.shift()?.();
    }
  };
  return {
    plan: ({ method }) => {
      if (method !== "POST") return undefined;
      return async (exchange) => {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          meet();
        });
        exchange.reply(await exchange.pass());
      };
    },
    next: () =>
      new Promise((resolve) => {
        wishes.push(resolve);
        meet();
      }),
    release: () => {
      released = true;
      meet();
    },
  };
}

/**
 * Waits after something was seen on the terminal until the bar may be drawn again: it is drawn at most twenty times a
 * second. A machine that takes longer does no harm.
 */
function nextDrawing(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

describe("the progress of an import", () => {
  const clients = Array.from({ length: 8 }, (_, n) => `{"client_id":"c-${n}"}\n`).join("");

  it("is a bar on a terminal's stderr, which goes away and leaves the results whole", SLOW, async () => {
    const { plan, next, release } = stepping();
    await using scenario = await openScenario("26", plan);
    const file = join(scenario.home, "clients.ndjson");
    const results = join(scenario.home, "results");
    writeFileSync(file, clients);
    const line = `"$HYDRA" clients import '${file}' --concurrency 1 --format ndjson > '${results}'`;
    await using terminal = await openTerminal([], { line, columns: 200, env: { HYDRA_ADMIN_URL: scenario.url } });
    for (let done = 1; done < 8; done++) {
      await next();
      await terminal.seen(new RegExp(`^\\[#{${3 * done}}\\.{${24 - 3 * done}}\\] ${done}/8(?:  .*)?$`, "m"));
      await nextDrawing();
    }
    release();
    assert.equal(await terminal.ended(), 0, terminal.screen());
    await terminal.seen(/^Import: 8 created\n$/);
    const text = readFileSync(results, "utf8");
    assert.deepEqual(
      text
        .trimEnd()
        .split("\n")
        .map((each) => JSON.parse(each).client_id),
      ["c-0", "c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7"],
    );
  });

  it("makes room for messages, which are on their own lines", SLOW, async () => {
    const no = instead({
      status: 400,
      headers: { "content-type": "application/json" },
      body: '{"error":"e","error_description":"no"}',
    });
    const { plan, next, release } = stepping();
    await using scenario = await openScenario("26", (exchange) =>
      exchange.body.includes('"c-1"') ? no : plan(exchange),
    );
    const file = join(scenario.home, "clients.ndjson");
    writeFileSync(file, clients);
    const line = `"$HYDRA" clients import '${file}' --concurrency 1 > /dev/null`;
    await using terminal = await openTerminal([], { line, columns: 200, env: { HYDRA_ADMIN_URL: scenario.url } });
    await next();
    const told = /^Error: .*client 2: Cannot create client: server answered 400: no\nHint: .*$/m;
    await terminal.seen(told);
    await nextDrawing();
    await next();
    assert.match(await terminal.seen(/^\[#{9}\.{15}\] 3\/8 {2}1 failed(?: .*)?$/m), told);
    release();
    assert.equal(await terminal.ended(), 8, terminal.screen());
    const screen = await terminal.seen(/^Import: 7 created, 1 failed$/m);
    assert.doesNotMatch(screen, /\[#/);
  });

  it("leaves the results whole if they go to the same terminal", async () => {
    await using scenario = await openScenario();
    const file = join(scenario.home, "clients.ndjson");
    writeFileSync(file, clients);
    await using terminal = await shown(scenario, ["clients", "import", file], { columns: 200, env: { NO_COLOR: "1" } });
    assert.match(terminal.screen(), /^(Imported OAuth 2\.0 Client c-\d:\S+ from: .*\n){8}Import: 8 created\n$/);
  });

  it("gives way to a spinner while a single request takes long, which disappears", SLOW, async () => {
    const answer = Promise.withResolvers<void>();
    await using scenario = await openScenario("26", ({ method }) =>
      method !== "GET"
        ? undefined
        : async (exchange) => {
            await answer.promise;
            exchange.reply(await exchange.pass());
          },
    );
    const args = ["clients", "list"];
    await using terminal = await openTerminal(args, { env: { HYDRA_ADMIN_URL: scenario.url } });
    await terminal.seen(/^[-|/\\] Waiting for http:\/\/127\.0\.0\.1:\d+\/? {2}\d+s$/m);
    answer.resolve();
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.doesNotMatch(terminal.screen(), /Waiting/);
    assert.match(terminal.screen(), /^0 clients$/m);
  });

  it("is a spinner for wait", SLOW, async () => {
    let isReady = false;
    await using scenario = await openScenario("26", () =>
      isReady ? undefined : instead({ status: 503, headers: {}, body: "" }),
    );
    await using terminal = await openTerminal(["wait"], { env: { HYDRA_ADMIN_URL: scenario.url } });
    await terminal.seen(/^[-|/\\] Waiting for http/m);
    isReady = true;
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.match(terminal.screen(), /^Ready: http:\/\/127\.0\.0\.1:\d+\n$/);
  });

  it("isn't shown if stderr is not a terminal", async () => {
    await using scenario = await openScenario();
    const file = join(scenario.home, "clients.ndjson");
    const errors = join(scenario.home, "errors");
    writeFileSync(file, clients);
    await using terminal = await shown(scenario, [], {
      line: `"$HYDRA" clients import '${file}' -q --rescue-dir '${scenario.home}' 2> '${errors}'`,
    });
    assert.match(terminal.screen(), /^c-0\n(c-\d\n){7}$/);
    assert.doesNotMatch(readFileSync(errors, "utf8"), /[\r\u001b]|\[#/);
  });

  it("disappears at Ctrl-C, with a report of what was done", SLOW, async () => {
    const { plan, next, release } = stepping();
    await using scenario = await openScenario("26", plan);
    const file = join(scenario.home, "clients.ndjson");
    writeFileSync(file, clients);
    const results = join(scenario.home, "results");
    const line = `"$HYDRA" clients import '${file}' --concurrency 1 > '${results}'`;
    await using terminal = await openTerminal([], {
      line,
      columns: 120,
      env: { HYDRA_ADMIN_URL: scenario.url },
    });
    await next();
    await terminal.seen(/\] 1\/8/);
    terminal.type("C-c");
    // Keys take a moment to arrive, and the terminal shows this one after it has sent the signal.
    await terminal.received(/\^C/);
    release();
    assert.equal(await terminal.ended(), 130, terminal.screen());
    const screen = await terminal.seen(/^Import: \d created(, \d not started)?$/m);
    assert.doesNotMatch(screen, /\[#/);
    const [, created = ""] = /Import: (\d) created/.exec(screen) ?? [];
    const text = readFileSync(results, "utf8");
    assert.equal(text.split("\n").length - 1, Number(created));
    assert.equal(scenario.sandbox.clients().length, Number(created));
    for (const { client_id: id } of scenario.sandbox.clients())
      assert.ok(text.includes(`Imported OAuth 2.0 Client ${id}:${scenario.sandbox.secretOf(String(id))} from:`), text);
  });
});

describe("a command on a terminal that reads", () => {
  it("doesn't wait for an import that nobody types", async () => {
    await using scenario = await openScenario();
    await using terminal = await openTerminal(["clients", "import"], { env: { HYDRA_ADMIN_URL: scenario.url } });
    assert.equal(await terminal.ended(), 2);
    await terminal.seen(/Nothing to import: no file was given and standard input is a terminal/);
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("shows nothing of a typed secret, and asks for it twice", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, [{ client_id: "a", token_endpoint_auth_method: "client_secret_basic" }]);
    const args = ["clients", "update", "a", "--secret-prompt"];
    const env = { HYDRA_ADMIN_URL: scenario.url };
    {
      await using terminal = await openTerminal(args, { env });
      await terminal.seen(/Client secret: $/m);
      terminal.type("-l", "typed-secret-01234x");
      terminal.type("BSpace", "Enter");
      await terminal.seen(/Once more: $/m);
      terminal.type("-l", "typed-secret-01234");
      terminal.type("Enter");
      assert.equal(await terminal.ended(), 0, terminal.screen());
      assert.doesNotMatch(terminal.written(), /typed-secret/);
      assert.equal(scenario.sandbox.secretOf("a"), "typed-secret-01234");
    }
    await using terminal = await openTerminal(args, { env });
    await terminal.seen(/Client secret: $/m);
    terminal.type("-l", "one-secret-01234");
    terminal.type("Enter");
    await terminal.seen(/Once more: $/m);
    terminal.type("-l", "two-secret-01234");
    terminal.type("Enter");
    assert.equal(await terminal.ended(), 2, terminal.screen());
    await terminal.seen(/The two secrets differ/);
    assert.doesNotMatch(terminal.written(), /(one|two)-secret/);
    assert.equal(scenario.sandbox.secretOf("a"), "typed-secret-01234");
  });
});

describe("a pager", () => {
  const PAGER = "sed 's/^/paged: /'";

  it("is used only if a variable names it, on a terminal and without --format", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, [SHOP]);
    const list = '"$HYDRA" clients list';
    for (const [line, env, paged] of [
      [list, {}, false],
      [list, { PAGER }, true],
      [list, { HYDRA_PAGER: PAGER, PAGER: "false" }, true],
      [list, { HYDRA_PAGER: "", PAGER }, false],
      [`${list} --format table`, { PAGER }, false],
      [`${list} --format auto`, { PAGER }, false],
      [`${list} -q`, { PAGER }, false],
      [`${list} | cat`, { PAGER }, false],
      ['"$HYDRA" clients show shop', { PAGER }, true],
      ['"$HYDRA" clients get shop', { PAGER }, false],
    ] as const) {
      await using terminal = await shown(scenario, [], { line, env: { ...env, NO_COLOR: "1" } });
      assert.equal(/^paged: .*shop/m.test(terminal.screen()), paged, `${line}\n${terminal.screen()}`);
    }
  });

  it("may be left early, and what comes after the list waits for it", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(
      scenario,
      Array.from({ length: 60 }, (_, n) => ({ client_id: `c${n}` })),
    );
    const env = { HYDRA_ADMIN_URL: scenario.url, NO_COLOR: "1", PAGER: "less" };
    await using terminal = await openTerminal(["clients", "list"], { env, rows: 20 });
    await terminal.seen(/^:$/m);
    assert.doesNotMatch(terminal.screen(), /60 clients/);
    terminal.type("q");
    assert.equal(await terminal.ended(), 0);
    assert.match(terminal.screen(), /^60 clients$/m);
  });

  /**
   * A list whose second page comes once it is released, and a pager that gets each line at once. By default no shell waits
   * for the program, which Ctrl-C would end.
   */
  async function openLongList(
    pager: string,
    line = 'exec "$HYDRA" clients list',
  ): Promise<AsyncDisposable & { readonly terminal: Terminal; release(): void }> {
    const { promise, resolve: release } = Promise.withResolvers<void>();
    const scenario = await openScenario("26", ({ target }) =>
      target.includes("page_token=")
        ? async ({ pass, reply }) => {
            await promise;
            reply(await pass());
          }
        : undefined,
    );
    await fill(
      scenario,
      Array.from({ length: 210 }, (_, n) => ({ client_id: `c${String(n).padStart(3, "0")}` })),
    );
    const env = { HYDRA_ADMIN_URL: scenario.url, NO_COLOR: "1", PAGER: pager };
    const terminal = await openTerminal([], { line, env });
    await terminal.seen(/^paged: .*c1/m);
    return {
      terminal,
      release,
      async [Symbol.asyncDispose]() {
        release();
        await terminal[Symbol.asyncDispose]();
        await scenario[Symbol.asyncDispose]();
      },
    };
  }

  const IGNORING = `trap '' INT; sed -u 's/^/paged: /'`;

  it("gets Ctrl-C for itself, and the list continues", SLOW, async () => {
    await using list = await openLongList(IGNORING);
    list.terminal.type("C-c");
    // The terminal's own echo; the spinner of the list may overwrite it at once.
    await list.terminal.received(/\^C/);
    list.release();
    assert.equal(await list.terminal.ended(), 0, list.terminal.screen());
    assert.match(list.terminal.screen(), /^paged: .*c209/m);
    assert.match(list.terminal.screen(), /^210 clients$/m);
    assert.doesNotMatch(list.terminal.written(), /stalled|Error/);
  });

  it("that Ctrl-C ends leaves no list that waits for the server", SLOW, async () => {
    using folder = temporaryFolder();
    const pid = join(folder.path, "pid");
    const interrupts: readonly ((terminal: Terminal) => void)[] = [
      (terminal) => terminal.type("C-c"),
      // Whichever of the two gets the signal first: here the program itself gets none.
      () => process.kill(Number(readFileSync(pid, "utf8")), "SIGINT"),
    ];
    for (const interrupt of interrupts) {
      await using list = await openLongList(`echo $$ > '${pid}'; exec sed -u 's/^/paged: /'`);
      interrupt(list.terminal);
      assert.equal(await list.terminal.ended(), 130, list.terminal.screen());
      assert.doesNotMatch(list.terminal.written(), /stalled/);
    }
  });

  for (const [name, exit] of [
    ["TERM", 143],
    ["HUP", 129],
  ] as const)
    it(`does not keep SIG${name} from ending the program`, SLOW, async () => {
      using folder = temporaryFolder();
      const pid = join(folder.path, "pid");
      await using list = await openLongList(IGNORING, `"$HYDRA" clients list & echo $! > '${pid}'; wait $!`);
      process.kill(Number(readFileSync(pid, "utf8")), `SIG${name}`);
      assert.equal(await list.terminal.ended(), exit, list.terminal.screen());
    });

  it("that ends at once is not a failure", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, [SHOP]);
    await using terminal = await shown(scenario, ["clients", "list"], { env: { PAGER: "true" } });
    assert.match(terminal.screen(), /^1 client$/m);
    assert.doesNotMatch(terminal.screen(), /Warning/);
  });

  it("that can't be started doesn't keep the list from being shown", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, [SHOP]);
    for (const pager of ["/no/such/pager", "/dev/null", "exit 127"]) {
      await using terminal = await shown(scenario, ["clients", "list"], { env: { PAGER: pager } });
      const screen = terminal.screen();
      assert.ok(screen.includes(`the pager "${pager}" cannot be started`), screen);
      assert.equal(screen.match(/^\W*shop\b/gm)?.length, 1, screen);
      assert.match(screen, /^1 client$/m);
    }
  });
});

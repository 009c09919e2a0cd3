/** The questions of `clients create` without flags and of commands without a client ID, on a real terminal. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertExit, openScenario, type Scenario, SLOW } from "./scenario.ts";
import { openTerminal, type Terminal, type TerminalOptions } from "./terminal.ts";

function open(scenario: Scenario, args: readonly string[], options: TerminalOptions = {}): Promise<Terminal> {
  return openTerminal(args, { columns: 200, ...options, env: { HYDRA_ADMIN_URL: scenario.url, ...options.env } });
}

/** Types the answers to questions, each once its question is on the screen. */
async function answer(terminal: Terminal, answers: readonly (readonly [question: RegExp, text: string])[]) {
  for (const [question, text] of answers) {
    await terminal.seen(question);
    if (text !== "") terminal.type("-l", text);
    terminal.type("Enter");
  }
}

describe("clients create without flags that describe a client", () => {
  it("asks on a terminal, shows the equivalent command line, and creates what that line would", SLOW, async () => {
    const kinds = [
      {
        kind: "1",
        args: ["clients", "create"],
        auth: "client_secret_basic",
        grants: ["authorization_code", "refresh_token"],
      },
      { kind: "2", args: ["create", "oauth2-client"], auth: "none", grants: ["authorization_code", "refresh_token"] },
      { kind: "4", args: ["clients", "create"], auth: "client_secret_basic", grants: ["client_credentials"] },
    ];
    for (const { kind, args, auth, grants } of kinds) {
      await using scenario = await openScenario();
      await using terminal = await open(scenario, args);
      await terminal.seen(/^ {2}5\) Device /m);
      await answer(terminal, [
        [/Kind of client \[1\]: ?$/m, kind],
        [/Name: ?$/m, "it's mine"],
      ]);
      if (kind !== "4")
        await answer(terminal, [[/Redirect URIs, .*: ?$/m, "https://app.example.com/cb https://b.example.com/x,y"]]);
      await answer(terminal, [
        [/Scopes, .*: ?$/m, ""],
        [/Create this client\? \[Y\/n\] ?$/m, ""],
      ]);
      assert.equal(await terminal.ended(), 0, terminal.screen());
      const [client = {}] = scenario.sandbox.clients();
      assert.equal(client["client_name"], "it's mine");
      assert.equal(client["token_endpoint_auth_method"], auth);
      assert.deepEqual(client["grant_types"], grants);
      assert.doesNotMatch(terminal.screen(), /Warning/);
      const [, line = ""] = /^The same without questions: hydra (.*)$/m.exec(terminal.screen()) ?? [];
      assert.ok(line.startsWith(args.join(" ")), line);
      await using again = await open(scenario, [], { line: `"$HYDRA" ${line}` });
      assert.equal(await again.ended(), 0, again.screen());
      const [one, two] = scenario.sandbox.clients().map((each) => {
        const fields = Object.entries(each).filter(([name]) => !/^client_id$|_at$|_uri$|secret|token$/.test(name));
        return Object.fromEntries(fields);
      });
      assert.deepEqual(two, one);
    }
  });

  it("asks again after an answer that cannot be used, and creates nothing without consent", SLOW, async () => {
    await using scenario = await openScenario();
    await using terminal = await open(scenario, ["clients", "create", "--secret-length", "30"]);
    await answer(terminal, [
      [/Kind of client \[1\]: ?$/m, "9"],
      [/Type a number from 1 to 5\nKind of client \[1\]: ?$/m, "3"],
      [/Name: ?$/m, ""],
      [/Redirect URIs, .*: ?$/m, ""],
      [/needs at least one redirect URI\nRedirect URIs, .*: ?$/m, "https://a.example/#x"],
      [/fragment.*\nRedirect URIs, .*: ?$/m, "http://127.0.0.1/cb"],
      [/Scopes, .*: ?$/m, "openid"],
      [/Create this client\? \[Y\/n\] ?$/m, "n"],
    ]);
    assert.equal(await terminal.ended(), 1, terminal.screen());
    assert.match(terminal.screen(), /^The same without questions \(add your other flags\): hydra clients create /m);
    assert.match(terminal.screen(), /^Error: Nothing was created$/m);
    assert.deepEqual(scenario.sandbox.clients(), []);
    await using ended = await open(scenario, ["clients", "create"]);
    await ended.seen(/Kind of client \[1\]: ?$/m);
    ended.type("C-d");
    assert.equal(await ended.ended(), 1, ended.screen());
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("never asks with --no-input, in CI, or if a stream is not a terminal", SLOW, async () => {
    await using scenario = await openScenario();
    const silent: readonly (readonly [string, TerminalOptions])[] = [
      ["clients create --no-input", {}],
      ["clients create", { env: { CI: "true" } }],
      ["clients create < /dev/null", {}],
      ["clients create | cat", {}],
      ["clients create 2> /dev/null", {}],
      ["clients create -g client_credentials", {}],
      ["clients get --no-input", {}],
      ["clients get | cat", {}],
      ["clients delete web --no-input", {}],
      ["clients delete web", { env: { CI: "true" } }],
      ["clients create --secret-prompt", { env: { CI: "true" } }],
    ];
    for (const [words, options] of silent) {
      await using terminal = await open(scenario, [], { ...options, line: `"$HYDRA" ${words}` });
      await terminal.ended();
      assert.doesNotMatch(terminal.screen(), /Kind of client|number or ID|\[y\/N\]|Client secret:/, words);
    }
  });
});

describe("a command without its client ID", () => {
  it("offers the clients by number on a terminal", SLOW, async () => {
    await using scenario = await openScenario();
    const stdin = '{"client_id":"web","client_name":"My app"}\n{"client_id":"api"}\n';
    assertExit(await scenario.run(["clients", "import", "-q"], { stdin }), 0);
    for (const text of ["1", "2", "web"]) {
      await using terminal = await open(scenario, ["clients", "get", "-q"]);
      const offer = await terminal.seen(/Client \(number or ID\): ?$/m);
      const [, id = ""] = new RegExp(`^ {2}${text === "web" ? "\\d" : text}\\) (\\S+)`, "m").exec(offer) ?? [];
      assert.match(offer, /^ {2}\d\) web {2}My app$/m);
      terminal.type("-l", text);
      terminal.type("Enter");
      assert.equal(await terminal.ended(), 0, terminal.screen());
      assert.match(terminal.screen(), new RegExp(`^${text === "web" ? "web" : id}$`, "m"));
    }
    await using none = await open(scenario, ["clients", "get"]);
    await none.seen(/Client \(number or ID\): ?$/m);
    none.type("Enter");
    assert.equal(await none.ended(), 2, none.screen());
    assert.match(none.screen(), /^Error: Missing ID after hydra clients get$/m);
  });
});

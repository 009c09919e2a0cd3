/** `clients import --dry-run`, and what an import shows on a terminal. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertExit, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";
import { openTerminal } from "./terminal.ts";

/** A server with the clients `same` and `old`, and a file that changes `old` and adds two. */
async function openChanges(...options: Parameters<typeof openScenario>): Promise<Scenario & { readonly file: string }> {
  const scenario = await openScenario(...options);
  const same = { client_id: "same", client_name: "Same" };
  const before = [same, { client_id: "old", client_name: "Old", scope: "a b", contacts: ["x@example.com"] }];
  assertExit(await scenario.run(["clients", "import", "-q"], { stdin: JSON.stringify(before) }), 0);
  const file = join(scenario.home, "clients.json");
  const after = [
    same,
    { client_id: "old", client_name: "Old", scope: "a c", owner: "me" },
    { client_id: "new" },
    { client_name: "generated" },
  ];
  writeFileSync(file, JSON.stringify(after));
  return { ...scenario, file, [Symbol.asyncDispose]: () => scenario[Symbol.asyncDispose]() };
}

describe("clients import --dry-run", () => {
  it("shows what would really be created, changed and left unchanged, and sends no change", SLOW, async () => {
    for (const [as, method] of [
      ["26", "PATCH"],
      ["1.8", "PUT"],
    ] as const) {
      await using scenario = await openChanges(as);
      const seen = scenario.proxy.seen.length;
      const before = JSON.stringify(scenario.sandbox.clients());
      const args = ["clients", "import", scenario.file, "--dry-run"];
      const ended = await scenario.run([...args, "--if-exists", "update", "--format", "json"]);
      assertExit(ended, 0);
      const requests: readonly Readonly<Record<string, unknown>>[] = JSON.parse(ended.stdout);
      const path = as === "26" ? "/admin/clients" : "/clients";
      assert.deepEqual(
        requests.map((request) => [request["method"], request["url"]]),
        [
          [method, `${scenario.url}${path}/old`],
          ["POST", `${scenario.url}${path}`],
          ["POST", `${scenario.url}${path}`],
        ],
      );
      assert.equal(
        ended.stderr,
        [
          `Warning: ${scenario.file}, client 4 has no client_id, so --if-exists update cannot find it: every run creates it again`,
          'Would update client "old"',
          '  - scope: "a b"',
          '  + scope: "a c"',
          '  + owner: "me"',
          "Dry run: the clients were read, nothing was changed",
          "Import: 2 would be created, 1 would be updated, 1 unchanged",
          "",
        ].join("\n"),
      );
      const skipped = await scenario.run([...args, "--if-exists", "skip"]);
      assertExit(skipped, 0);
      assert.match(skipped.stderr, /^Import: 2 would be created, 2 would be skipped$/m);
      const failed = await scenario.run(args);
      assertExit(failed, 8);
      assert.match(failed.stderr, /^Error: .*clients\.json, client 1: Client "same" already exists$/m);
      assert.match(failed.stderr, /^Import: 2 would be created, 2 would fail$/m);
      assert.ok(
        scenario.proxy.seen.slice(seen).every((exchange) => exchange.method === "GET"),
        describeRun(ended),
      );
      assert.equal(JSON.stringify(scenario.sandbox.clients()), before);
    }
  });

  it("plans what the import then does", async () => {
    await using scenario = await openChanges();
    const args = ["clients", "import", scenario.file, "--if-exists", "update"];
    assertExit(await scenario.run(args), 0);
    const again = await scenario.run([...args, "--dry-run"]);
    assertExit(again, 0);
    assert.match(again.stderr, /^Import: 1 would be created, 3 unchanged$/m);
  });

  it("warns that clients without an ID are created again, however --if-exists is set", async () => {
    await using scenario = await openScenario();
    const stdin = '[{"client_name":"a"},{"client_id":"b"},{"client_name":"c"},{"client_id":"","client_name":"d"}]';
    const warning =
      /^Warning: standard input, client 1 and 2 more have no client_id, so --if-exists skip cannot find them: every run/m;
    for (const more of [[], ["--dry-run"]]) {
      const ended = await scenario.run(["clients", "import", "-q", "--if-exists", "skip", ...more], { stdin });
      assertExit(ended, 0);
      assert.match(ended.stderr, warning);
    }
    const plain = await scenario.run(["clients", "import", "-q", "--dry-run"], { stdin: '{"client_name":"a"}' });
    assert.doesNotMatch(plain.stderr, /client_id/);
  });

  it("shows a given secret as a change, without the secret", async () => {
    await using scenario = await openChanges();
    const ended = await scenario.run(["clients", "import", "--dry-run", "--if-exists", "update"], {
      stdin: '{"client_id":"same","client_secret":"brought-secret-0123"}',
    });
    assertExit(ended, 0);
    assert.match(ended.stderr, /^ {2}\+ client_secret: \(redacted\)$/m);
    assert.doesNotMatch(ended.stdout + ended.stderr, /brought/);
  });

  it("stops at the first request if the server cannot be reached", async () => {
    await using scenario = await openChanges();
    const nowhere = ["--endpoint", "http://127.0.0.1:9", "--fail-after", "0"];
    const ended = await scenario.run(["clients", "import", scenario.file, "--dry-run", ...nowhere]);
    assertExit(ended, 6);
    assert.equal(ended.stderr.match(/^Error: /gm)?.length, 1, describeRun(ended));
  });
});

describe("clients import on a terminal", () => {
  it("prints changes and failures, with the fields of updates, and only counts the others", SLOW, async () => {
    await using scenario = await openChanges();
    const args = ["clients", "import", scenario.file, "--if-exists", "update", "--endpoint", scenario.url];
    await using planned = await openTerminal([...args, "--dry-run"], { columns: 100 });
    assert.equal(await planned.ended(), 0);
    const plan = planned.screen();
    assert.match(plan, /^Would update client old\n {2}- scope: "a b"\n {2}\+ scope: "a c"\n {2}\+ owner: "me"$/m);
    assert.match(plan, /^Would create client new from: .*clients\.json, client 3$/m);
    assert.match(plan, /^Would create client with a generated ID from: /m);
    assert.match(plan, /^Import: 2 would be created, 1 would be updated, 1 unchanged$/m);
    assert.doesNotMatch(plan, /same|"method"/);
    assert.ok(planned.written().includes('\u001b[31m  - scope: "a b"\u001b[39m'));

    await using done = await openTerminal(args, { columns: 100, env: { NO_COLOR: "1" } });
    assert.equal(await done.ended(), 0);
    const screen = done.screen();
    assert.match(screen, /^Updated OAuth 2\.0 Client old from: .*\n {2}- scope: "a b"\n {2}\+ scope: "a c"$/m);
    assert.match(screen, /^Imported OAuth 2\.0 Client new:\S+ from: /m);
    assert.match(screen, /^Import: 2 created, 1 updated, 1 unchanged$/m);
    assert.doesNotMatch(screen, /same/);
    assert.doesNotMatch(done.written(), /\u001b\[3[12]m/);

    await using explicit = await openTerminal([...args, "--format", "text"], { columns: 100 });
    assert.equal(await explicit.ended(), 0);
    assert.match(explicit.screen(), /^Unchanged OAuth 2\.0 Client same from: /m);
  });
});

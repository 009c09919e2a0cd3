/** `clients delete`, with and without a terminal. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dropAfter, dropBefore, instead, type Plan } from "./fault-proxy.ts";
import { assertExit, assertFails, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";
import { openTerminal } from "./terminal.ts";

/** Registers clients without the program. */
async function fill(scenario: Scenario, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const body = JSON.stringify({ client_id: id, token_endpoint_auth_method: "none" });
    const answer = await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body });
    assert.equal(answer.status, 201);
  }
}

function left({ sandbox }: Scenario): readonly unknown[] {
  return sandbox.clients().map(({ client_id: id }) => id);
}

function sent({ proxy }: Scenario): readonly string[] {
  return proxy.seen.map(({ method, target }) => `${method} ${target}`);
}

function deleting(id: string, fault: ReturnType<Plan>): Plan {
  return ({ method, target }) => (method === "DELETE" && target.endsWith(`/${id}`) ? fault : undefined);
}

describe("clients delete", () => {
  it("stops once the server is gone for eight clients in a row, and says how many are left", async () => {
    await using scenario = await openScenario("26", ({ target }) => (target.endsWith("/b") ? undefined : dropBefore));
    const ids = Array.from({ length: 20 }, (_, at) => `c${at}`);
    await fill(scenario, ["b"]);
    const args = ["clients", "delete", ...ids.slice(0, 5), "b", ...ids.slice(5), "--fail-after", "0"];
    const ended = await scenario.run(args);
    assertExit(ended, 8);
    assert.equal(ended.stdout, "OAuth 2.0 Client deleted: b\n");
    assert.match(ended.stderr, /^Warning: the server can't be reached, so 7 of 21 were not started$/m);
    assert.equal(scenario.proxy.seen.length, 14);
  });

  it("deletes each in order, with one request for each", async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a", "b", "c", "d"]);
    const ended = await scenario.run(["clients", "delete", "c", "a", "c"]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, "OAuth 2.0 Client deleted: c\nOAuth 2.0 Client deleted: a\n");
    assert.equal(ended.stderr, "");
    assert.deepEqual(sent(scenario), ["DELETE /admin/clients/c", "DELETE /admin/clients/a"]);
    assert.deepEqual(left(scenario), ["b", "d"]);
  });

  it("continues after failures, reports each, and exits with 8", async () => {
    const refuse = instead({
      status: 500,
      headers: { "content-type": "application/json" },
      body: '{"error":"e","error_description":"no disk"}',
    });
    await using scenario = await openScenario("26", deleting("b", refuse));
    await fill(scenario, ["a", "b", "c"]);
    const ended = await scenario.run(["clients", "delete", "missing", "a", "b", "c"]);
    assertExit(ended, 8);
    assert.equal(ended.stdout, "OAuth 2.0 Client deleted: a\nOAuth 2.0 Client deleted: c\n");
    assert.deepEqual(left(scenario), ["b"]);
    assert.match(ended.stderr, /^Error: Cannot delete client "missing": client "missing" not found$/m);
    assert.match(ended.stderr, /^Error: Cannot delete client "b": server answered 500: no disk$/m);
    assert.equal(ended.stderr.match(/^Hint: /gm)?.length, 2);
    const json = await scenario.run(["clients", "delete", "x", "y", "--format", "json"]);
    assertExit(json, 8);
    assert.deepEqual(JSON.parse(json.stdout), []);
    for (const line of json.stderr.trimEnd().split("\n")) assert.equal(JSON.parse(line).error, "not-found");
  });

  it("exits with the code of its only failure", async () => {
    await using scenario = await openScenario("26", deleting("guarded", instead({ status: 403, body: "no" })));
    assertFails(await scenario.run(["clients", "delete", "missing"]), 4, /client "missing" not found/);
    assertFails(await scenario.run(["clients", "delete", "guarded"]), 3, /403/);
    const env = { HYDRA_ADMIN_URL: "http://127.0.0.1:1" };
    assertFails(await scenario.run(["clients", "delete", "a", "--fail-after", "0"], { env }), 6, /refused/);
  });

  it("treats a deletion whose response was lost as done", async () => {
    let first = true;
    await using scenario = await openScenario("26", ({ method }) => {
      if (method !== "DELETE" || !first) return undefined;
      first = false;
      return dropAfter;
    });
    await fill(scenario, ["a"]);
    const ended = await scenario.run(["clients", "delete", "a"]);
    assertExit(ended, 0);
    assert.equal(ended.stdout, "OAuth 2.0 Client deleted: a\n");
    assert.deepEqual(sent(scenario), ["DELETE /admin/clients/a", "DELETE /admin/clients/a"]);
  });

  it("reads IDs from standard input, from what list -q writes", async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a", "b", "c"]);
    const listed = await scenario.run(["clients", "list", "-q"]);
    const ended = await scenario.run(["delete", "clients", "-", "c", "--format", "ndjson"], { stdin: listed.stdout });
    assertExit(ended, 0);
    assert.equal(ended.stdout, '{"client_id":"a"}\n{"client_id":"b"}\n{"client_id":"c"}\n');
    assert.deepEqual(left(scenario), []);
  });

  it("treats each line of standard input as an ID, spaces included", async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["prod app", "prod", "app", " x", "last"]);
    const ended = await scenario.run(["clients", "delete", "-"], { stdin: "prod app\r\n\n x\n\r\nlast" });
    assertExit(ended, 0);
    assert.deepEqual([...left(scenario)].sort(), ["app", "prod"]);
  });

  it("continues after an invalid ID on standard input", async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a", "b"]);
    const ended = await scenario.run(["clients", "delete", "-"], { stdin: "a\n..\nb\n" });
    assertExit(ended, 8);
    assert.match(ended.stderr, /^Error: "\.\." is not a valid client ID$/m);
    assert.deepEqual(left(scenario), []);
    assertFails(
      await scenario.run(["clients", "delete", "-"], { stdin: ".." }),
      2,
      /^Error: "\.\." is not a valid client ID$/,
    );
  });

  it("rejects an invalid ID before anything is deleted", async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a"]);
    for (const [args, stdin] of [
      [["a", ""], ""],
      [["a", "."], ""],
      [["..", "a"], ""],
      [["-"], "\n \n"],
      [[], ""],
      [["a", "--all"], ""],
    ] as const) {
      const ended = await scenario.run(["clients", "delete", ...args], { stdin });
      assertFails(ended, 2, /./);
    }
    assert.deepEqual(sent(scenario), []);
    assert.deepEqual(left(scenario), ["a"]);
  });

  it("stops at a signal, and reports what it did by then", async () => {
    let there = (): void => {};
    const second = new Promise<void>((resolve) => {
      there = resolve;
    });
    await using scenario = await openScenario(
      "26",
      deleting("b", () => there()),
    );
    await fill(scenario, ["a", "b", "c"]);
    await using running = scenario.start(["clients", "delete", "a", "b", "c"]);
    await second;
    running.kill("SIGINT");
    const ended = await running.ended;
    assertExit(ended, 130);
    assert.equal(ended.stdout, "OAuth 2.0 Client deleted: a\n");
    assert.deepEqual(left(scenario), ["b", "c"]);
  });

  it("doesn't prompt if nobody could answer", async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a"]);
    assertExit(await scenario.run(["clients", "delete", "a"], { stdin: "n\n" }), 0);
    assert.deepEqual(left(scenario), []);
  });
});

describe("clients delete on a terminal", () => {
  async function asked(scenario: Scenario, args: readonly string[]) {
    return openTerminal(["clients", "delete", ...args], { env: { HYDRA_ADMIN_URL: scenario.url } });
  }

  it("prompts, and deletes after a yes", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a", "b", "c"]);
    for (const [id, answer] of [
      ["a", "y"],
      ["b", "YES"],
    ] as const) {
      await using terminal = await asked(scenario, [id]);
      await terminal.seen(new RegExp(`Delete client "${id}"\\? Its tokens stop working immediately\\. \\[y/N\\]`));
      assert.deepEqual(
        sent(scenario).filter((line) => line.endsWith(id)),
        [],
      );
      terminal.type(answer, "Enter");
      assert.equal(await terminal.ended(), 0);
      await terminal.seen(new RegExp(`OAuth 2\\.0 Client deleted: ${id}`));
    }
    assert.deepEqual(left(scenario), ["c"]);
  });

  it("deletes nothing after another answer, at the end of input or at Ctrl-C", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a", "b"]);
    for (const [keys, status] of [
      [["n", "Enter"], 1],
      [["Enter"], 1],
      [["y", "o", "Enter"], 1],
      [["C-d"], 1],
      [["C-c"], 130],
    ] as const) {
      await using terminal = await asked(scenario, ["a", "b"]);
      await terminal.seen(/Delete clients "a" and "b"\?/);
      terminal.type(...keys);
      assert.equal(await terminal.ended(), status, `${keys.join(" ")}\n${terminal.screen()}`);
      await terminal.seen(status === 1 ? /Nothing was deleted/ : /Interrupted/);
    }
    assert.deepEqual(sent(scenario), []);
    assert.deepEqual(left(scenario), ["a", "b"]);
  });

  it("treats a prompt that nobody sees as unanswered", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a"]);
    const env = { HYDRA_ADMIN_URL: scenario.url };
    const line = '"$HYDRA" clients delete a 2>"$HOME/errors"; code=$?; cat "$HOME/errors"; exit $code';
    await using terminal = await openTerminal([], { env, line, columns: 200 });
    assert.equal(await terminal.ended(), 1);
    await terminal.seen(/^Error: Nothing was deleted: .* standard error .*\nHint: use --yes$/m);
    assert.deepEqual(left(scenario), ["a"]);
  });

  it("prompts once on the terminal if standard input is something else", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a", "b", "c", "d", "e"]);
    const open = (line: string) => openTerminal([], { env: { HYDRA_ADMIN_URL: scenario.url }, line, columns: 200 });
    for (const [line, question] of [
      ['echo a | "$HYDRA" clients delete -', /Delete client "a"\? .*\[y\/N\]/],
      ['printf "a\\nb\\n" | "$HYDRA" clients delete -', /Delete clients "a" and "b"\? .*\[y\/N\]/],
      ['"$HYDRA" clients delete a b </dev/null', /Delete clients "a" and "b"\? .*\[y\/N\]/],
      ['"$HYDRA" delete oauth2-client a b </dev/null', /Delete clients "a" and "b"\? .*\[y\/N\]/],
      ['"$HYDRA" clients delete a b </dev/null >"$HOME/out"', /Delete clients "a" and "b"\? .*\[y\/N\]/],
    ] as const) {
      for (const [keys, status] of [
        [["n", "Enter"], 1],
        [["C-d"], 1],
        [["C-c"], 130],
      ] as const) {
        await using terminal = await open(line);
        await terminal.seen(question);
        terminal.type(...keys);
        assert.equal(await terminal.ended(), status, `${line} ${keys.join(" ")}\n${terminal.screen()}`);
        assert.equal(terminal.screen().match(/\[y\/N\]/g)?.length, 1);
      }
    }
    assert.deepEqual(sent(scenario), []);
    {
      await using terminal = await open('printf "a\\nb\\n" | "$HYDRA" clients delete - c');
      await terminal.seen(/Delete clients "a", "b" and "c"\?/);
      terminal.type("y", "Enter");
      assert.equal(await terminal.ended(), 0);
    }
    assert.deepEqual(left(scenario), ["d", "e"]);
    // One ID of a script, and nothing that a person could see.
    for (const line of ['"$HYDRA" clients delete d </dev/null', 'echo e | "$HYDRA" clients delete - 2>"$HOME/err"']) {
      await using terminal = await open(line);
      assert.equal(await terminal.ended(), 0);
      assert.doesNotMatch(terminal.screen(), /\[y\/N\]/);
    }
    assert.deepEqual(left(scenario), []);
  });

  it("deletes nothing if there is no controlling terminal to ask on", SLOW, async () => {
    await using scenario = await openScenario();
    await fill(scenario, ["a", "b"]);
    const line = 'setsid -w "$HYDRA" clients delete a b </dev/null';
    await using terminal = await openTerminal([], { env: { HYDRA_ADMIN_URL: scenario.url }, line, columns: 200 });
    assert.equal(await terminal.ended(), 1);
    await terminal.seen(/^Error: Nothing was deleted: there is no terminal to ask on\nHint: use --yes$/m);
    assert.deepEqual(left(scenario), ["a", "b"]);
  });

  it("doesn't prompt with --yes, and counts the clients", SLOW, async () => {
    await using scenario = await openScenario();
    const ids = ["a", "b", "c", "d", "e", "f"];
    await fill(scenario, [...ids, "g", "h"]);
    {
      await using terminal = await asked(scenario, ["--yes", "g"]);
      assert.equal(await terminal.ended(), 0);
    }
    {
      await using terminal = await openTerminal([], {
        env: { HYDRA_ADMIN_URL: scenario.url },
        line: 'echo h | "$HYDRA" clients delete --yes -',
      });
      assert.equal(await terminal.ended(), 0);
    }
    assert.deepEqual(left(scenario), ids);
    await using terminal = await asked(scenario, ids);
    await terminal.seen(/Delete 6 clients\?/);
    terminal.type("n", "Enter");
    assert.equal(
      await terminal.ended(),
      1,
      describeRun({ status: null, signal: null, stdout: terminal.screen(), stderr: "" }),
    );
  });
});

/** Standard output that is closed, full or without a reader. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { BINARY, type Ended, start } from "./binary.ts";
import { dropAfter, type Exchange, type Fault, inOrder, instead, type Plan } from "./fault-proxy.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  isStored,
  openScenario,
  recoveryCopiesIn,
  type Scenario,
  SEED,
  SLOW,
} from "./scenario.ts";

/** Runs the program in a shell, its arguments after `"$0" "$@"`. */
function shell(
  scenario: Scenario,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const all = { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, ...env };
  return start("/bin/sh", ["-c", script, BINARY, ...args], { env: all }).ended;
}

/** Runs the program with a standard output whose reader is gone before the server answers. */
async function readerGone(scenario: Scenario, open: () => void, args: readonly string[]): Promise<Ended> {
  const script = '{ "$0" "$@"; echo "status $?" >&2; } | { exec 0<&-; echo "reader gone" >&2; }';
  const env = { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home };
  await using running = start("/bin/sh", ["-c", script, BINARY, ...args], { env });
  await scenario.proxy.arrived(1);
  await running.seen("stderr", "reader gone\n");
  open();
  const ended = await running.ended;
  const status = Number(/^status (\d+)$/m.exec(ended.stderr)?.[1]);
  return { ...ended, status, stderr: ended.stderr.replace(/^(reader gone|status \d+)\n/gm, "") };
}

/** A plan that holds the first create back until `open` is called. */
function held(others: Plan = () => undefined): { readonly plan: Plan; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const hold: Fault = async (exchange: Exchange) => {
    await promise;
    exchange.reply(await exchange.pass());
  };
  const first = inOrder(hold);
  return { plan: (exchange) => first(exchange) ?? others(exchange), open: resolve };
}

describe("standard output that is closed before the start", () => {
  it("creates nothing", SLOW, async () => {
    await using scenario = await openScenario();
    for (const script of ['"$0" "$@" >&-', '"$0" "$@" >&- <&-']) {
      const ended = await shell(scenario, script, SEED);
      assertFails(ended, 1, /standard output is closed/);
    }
    assertExit(await shell(scenario, '"$0" "$@" >&- 2>&-', SEED), 1);
    const key = await shell(scenario, '"$0" "$@" >&-', ["keys", "create", "my-set", "--private"]);
    assertFails(key, 1, /standard output is closed/);
    assert.match(key.stderr, /^Hint: run the command with standard output open, or use --key-out$/m);
    assert.equal(scenario.proxy.seen.length, 0);
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("is distinguished from output that is discarded on purpose", async () => {
    await using scenario = await openScenario();
    const ended = await shell(scenario, '"$0" "$@" >/dev/null', SEED);
    assertExit(ended, 0);
    assert.equal(scenario.sandbox.clients().length, 1);
  });

  it("creates nothing either if there is no secret to show, because nobody would get the ID", async () => {
    await using scenario = await openScenario();
    for (const more of [
      ["--token-endpoint-auth-method", "none"],
      ["--secret", "given-secret-0123456789"],
    ]) {
      const ended = await shell(scenario, '"$0" "$@" >&-', [...SEED, ...more]);
      assertFails(ended, 1, /standard output is closed, so (its ID|the secret) would be lost/);
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("doesn't touch a closed standard error", async () => {
    await using scenario = await openScenario();
    isStored(scenario, await shell(scenario, '"$0" "$@" 2>&-', SEED));
    const refused = await shell(scenario, '"$0" "$@" 2>&-', ["clients", "create", "--nmae"]);
    assertExit(refused, 2);
  });
});

describe("a pipe without a reader", () => {
  it("deletes the client", async () => {
    const { plan, open } = held();
    await using scenario = await openScenario("26", plan);
    const ended = await readerGone(scenario, open, SEED);
    assertFails(
      ended,
      1,
      /Cannot deliver the credentials: the reader of standard output is gone; client .* was deleted again/,
    );
    assert.equal(scenario.sandbox.clients().length, 0);
    assert.equal(scenario.proxy.seen.at(-1)?.method, "DELETE");
    assert.deepEqual(scenario.recoveryCopies(), []);
  });

  it("keeps the secret if the client cannot be taken back", SLOW, async () => {
    const refuses = instead({ status: 403, body: "no" });
    const { plan, open } = held(({ method }) => (method === "DELETE" ? refuses : undefined));
    await using scenario = await openScenario("26", plan);
    const ended = await readerGone(scenario, open, SEED);
    assertFails(ended, 1, /was created; its secret is in ".*hydra-rescue-/);
    const [{ record, mode, path } = assert.fail("nothing is kept")] = scenario.recoveryCopies();
    assert.equal(record.state, "made");
    assert.equal(mode, 0o600);
    assert.equal(record.client_secret, scenario.sandbox.secretOf(record.client_id ?? ""));
    assert.ok(record.endpoint.startsWith(scenario.url));
    assert.ok(ended.stderr.includes(path));
    assert.ok(!ended.stderr.includes(record.client_secret ?? ""));
  });

  it("loses no secret in a longer format, and reports the error in it", SLOW, async () => {
    for (const format of ["json", "json-pretty", "yaml", "table", "k8s-secret"]) {
      const { plan, open } = held();
      await using scenario = await openScenario("26", plan);
      const ended = await readerGone(scenario, open, [...SEED, "--format", format]);
      assertExit(ended, 1);
      if (format.startsWith("json")) assert.equal(JSON.parse(ended.stderr).error, "undelivered");
      const [client] = scenario.sandbox.clients();
      const [kept] = scenario.recoveryCopies();
      assert.equal(kept?.record.client_id, client?.["client_id"]);
      if (kept !== undefined)
        assert.equal(kept.record.client_secret, scenario.sandbox.secretOf(kept.record.client_id ?? ""));
    }
  });

  it("loses nothing in a shell pipe either", SLOW, async () => {
    for (let n = 0; n < 10; n++) {
      await using scenario = await openScenario();
      const script = '{ "$0" "$@"; echo "status $?" >&2; } | true';
      const ended = await shell(scenario, script, SEED);
      const status = Number(/^status (\d+)$/m.exec(ended.stderr)?.[1]);
      // The reader may go after the result is in the pipe: then it was delivered.
      assert.ok(status === 0 || status === 1, describeRun(ended));
      assert.equal(scenario.sandbox.clients().length, status === 0 ? 1 : 0, describeRun(ended));
      assert.deepEqual(scenario.recoveryCopies(), []);
    }
  });

  it("reports the ID of a client that has no secret", SLOW, async () => {
    for (const more of [
      ["--token-endpoint-auth-method", "none"],
      ["--secret", "given-secret-0123456789"],
    ]) {
      const { plan, open } = held();
      await using scenario = await openScenario("26", plan);
      for (const ended of [
        await readerGone(scenario, open, [...SEED, ...more]),
        await shell(scenario, '"$0" "$@" >/dev/full', [...SEED, ...more]),
      ]) {
        assertFails(ended, 1, /^Error: Cannot write the result: .*; client "[0-9a-f-]{36}" was created$/);
        const ids = scenario.sandbox.clients().map((client) => String(client["client_id"]));
        assert.ok(ids.includes(/client "(\S+)" was created/.exec(ended.stderr)?.[1] ?? "none"), describeRun(ended));
      }
      assert.equal(scenario.sandbox.clients().length, 2);
      assert.deepEqual(scenario.recoveryCopies(), []);
    }
  });

  it("does not hide what an update, an import or a deletion did", SLOW, async () => {
    await using scenario = await openScenario();
    const none = ["--token-endpoint-auth-method", "none"];
    for (const id of ["a", "b"]) assertExit(await scenario.run([...SEED, "--id", id, ...none]), 0);
    const full = '"$0" "$@" >/dev/full';
    const updated = await shell(scenario, full, ["clients", "update", "a", "-n", "x"]);
    assertFails(updated, 1, /^Error: Cannot write the result: .*; client "a" was updated$/);
    const again = await shell(scenario, full, [
      ...SEED,
      "--id",
      "b",
      ...none,
      "--if-exists",
      "update",
      "--owner",
      "me",
    ]);
    assertFails(again, 1, /; client "b" was updated$/);
    const file = join(scenario.home, "clients.json");
    writeFileSync(file, '[{"client_id":"c","token_endpoint_auth_method":"none"}]');
    const imported = await shell(scenario, full, ["clients", "import", file]);
    assertExit(imported, 1);
    assert.match(imported.stderr, /^Error: Cannot write the result: .*\n {2}client "c" was created$/m);
    const deleted = await shell(scenario, full, ["clients", "delete", "a", "b", "c"]);
    assertExit(deleted, 1);
    const there = scenario.sandbox.clients().map((client) => client["client_id"]);
    for (const id of ["a", "b", "c"])
      assert.equal(there.includes(id), !deleted.stderr.includes(`"${id}"`), describeRun(deleted));
    const list = await shell(scenario, '"$0" "$@" | true', ["clients", "list"]);
    assert.equal(list.stderr, "");
  });
});

describe("standard output on a full disk", () => {
  it("deletes the client or saves its secret", SLOW, async () => {
    for (const format of ["text", "json", "table", "yaml", "env"]) {
      await using scenario = await openScenario();
      const ended = await shell(scenario, '"$0" "$@" >/dev/full', [...SEED, "--format", format]);
      assertExit(ended, 1);
      assert.match(ended.stderr, /Cannot deliver the credentials: the disk is full/, describeRun(ended));
      const [client] = scenario.sandbox.clients();
      const [kept] = scenario.recoveryCopies();
      if (client === undefined) assert.equal(kept, undefined);
      else assert.equal(kept?.record.client_secret, scenario.sandbox.secretOf(String(client["client_id"])));
    }
  });

  it("ends a help page with an error", async () => {
    await using scenario = await openScenario();
    const ended = await shell(scenario, '"$0" "$@" >/dev/full', ["clients", "create", "--help"]);
    assert.notEqual(ended.status, 0, describeRun(ended));
  });
});

describe("a recovery log that can't be rewritten when an import ends", () => {
  it("hides neither the reason nor the files with the secrets", SLOW, async () => {
    let home = "";
    const block: Fault = async (exchange) => {
      for (const name of readdirSync(home))
        if (/^hydra-rescue-.*\.ndjson$/.test(name)) mkdirSync(join(home, `${name}.new`), { recursive: true });
      exchange.reply(await exchange.pass());
    };
    const refuses = instead({ status: 403, body: "no" });
    const plan: Plan = ({ method }) => (method === "DELETE" ? refuses : method === "POST" ? block : undefined);
    await using scenario = await openScenario("26", plan);
    ({ home } = scenario);
    const file = join(home, "clients.json");
    writeFileSync(file, '[{"client_id":"c"}]');
    const ended = await shell(scenario, '"$0" "$@" >/dev/full', ["clients", "import", file, "--rescue-dir", home]);
    assertExit(ended, 1);
    assert.match(
      ended.stderr,
      /^Error: Cannot deliver the credentials.*"c" was created; its secret is in ".*ndjson"$/m,
    );
    const secret = scenario.sandbox.secretOf("c") ?? assert.fail(describeRun(ended));
    const log = readdirSync(home).find((name) => name.endsWith(".ndjson")) ?? assert.fail("nothing is kept");
    assert.ok(readFileSync(join(home, log), "utf8").includes(secret));
  });
});

describe("the folder for recovery copies", () => {
  /** Ends a create with a secret that must be kept. */
  async function kept(args: readonly string[], env: Readonly<Record<string, string | undefined>>, cwd: string) {
    await using scenario = await openScenario("26", inOrder(dropAfter));
    const options = { env: { HOME: scenario.home, ...env }, cwd };
    const ended = await scenario.run([...SEED, "--id", "mine", "--fail-after", "0", ...args], options);
    const secret = scenario.sandbox.secretOf("mine") ?? assert.fail(describeRun(ended));
    return { ended, secret };
  }

  it(
    "is the one that is named, else the state folder, the home, the working folder, the temporary one",
    SLOW,
    async () => {
      await using scenario = await openScenario();
      const folder = (name: string): string => {
        const path = join(scenario.home, name);
        mkdirSync(path);
        return path;
      };
      const [named, state, home, here, temporary] = ["named", "state", "home", "here", "temporary"].map(folder);
      assert.ok(named && state && home && here && temporary);
      const missing = join(scenario.home, "missing");
      const file = join(scenario.home, "file");
      writeFileSync(file, "");
      const cases = [
        [named, ["--rescue-dir", named], { XDG_STATE_HOME: state, HOME: home }],
        [state, [], { XDG_STATE_HOME: state, HOME: home }],
        [home, [], { XDG_STATE_HOME: missing, HOME: home }],
        [home, [], { HOME: home }],
        [here, [], { XDG_STATE_HOME: file, HOME: missing }],
        [temporary, [], { HOME: undefined, TMPDIR: temporary }],
      ] as const;
      for (const [where, args, env] of cases) {
        const before = recoveryCopiesIn(where).length;
        const { ended, secret } = await kept(args, env, where === temporary ? "/proc" : here);
        assert.equal(recoveryCopiesIn(where).length, before + 1, `${where}: ${describeRun(ended)}`);
        const found = recoveryCopiesIn(where).find(({ record }) => record.client_secret === secret);
        assert.equal(found?.record.client_id, "mine");
        assert.equal(found?.mode, 0o600);
        assert.ok(ended.stderr.includes(found?.path ?? "nothing"), describeRun(ended));
      }
    },
  );

  it("must be usable if it is given", SLOW, async () => {
    await using scenario = await openScenario();
    const file = join(scenario.home, "file");
    writeFileSync(file, "");
    const cases = [
      [join(scenario.home, "missing"), "the directory does not exist"],
      [file, "not a directory"],
      [join(file, "in"), "not a directory"],
      ["", "not a directory"],
      ["/proc", "the directory does not exist"],
    ] as const;
    for (const [folder, why] of cases) {
      const skip = [...SEED, "--id", "a", "--if-exists", "skip"];
      for (const args of [SEED, skip, ["clients", "rotate-secret", "a"], ["clients", "import"]]) {
        // What only a try can show is tried once it is known whether the client exists.
        if (folder === "/proc" && (args === skip || args[1] === "rotate-secret")) continue;
        const ended = await scenario.run([...args, "--rescue-dir", folder], { stdin: '{"client_id":"i"}' });
        assertFails(ended, 2, new RegExp(`^Error: Cannot use --rescue-dir "${folder}": ${why}$`));
      }
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("is never a link to somewhere else", async () => {
    await using scenario = await openScenario();
    const target = join(scenario.home, "target");
    mkdirSync(target);
    symlinkSync(join(target, "stolen"), join(scenario.home, "hydra-rescue-mine.json"));
    const { ended, secret } = await kept([], { HOME: scenario.home }, scenario.home);
    assert.ok(ended.stderr.includes("hydra-rescue-mine-"), describeRun(ended));
    assert.deepEqual(recoveryCopiesIn(target), []);
    assert.ok(secret);
  });
});

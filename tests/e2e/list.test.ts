/** `clients list`: pages, filters and memory. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type SandboxVersion, startSandbox } from "../../lib/sandbox/index.ts";
import { isTested, RUNS_EVERYTHING } from "../thorough.ts";
import { BINARY, type Ended, type Running, type RunOptions, start, startBinary } from "./binary.ts";
import { type FaultProxy, instead, openFaultProxy, type Plan } from "./fault-proxy.ts";
import { mostlyInThisProcess } from "./in-this-process.ts";
import { assertExit, assertFails, describeRun, openScenario, SLOW } from "./scenario.ts";

const VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26"] as const;

const program = mostlyInThisProcess(5);

/** How many clients one request of a whole list asks for. */
const PAGE = 200;

/** A server that has many clients, behind a proxy. */
interface Crowd extends AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly ids: readonly string[];
  start(args: readonly string[], options?: RunOptions): Running;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
}

async function openCrowd(as: SandboxVersion, seed: number, plan: Plan = () => undefined): Promise<Crowd> {
  const sandbox = await startSandbox({ as, listen: "127.0.0.1:0", seed });
  const proxy = await openFaultProxy(sandbox.url, plan);
  const api = ["--api", as.startsWith("1.") ? "v1" : "v2"];
  const startCompiled: Crowd["start"] = (args, options = {}) =>
    startBinary(args, { ...options, env: { HYDRA_ADMIN_URL: proxy.url, ...options.env } });
  const run = program({ url: proxy.url, home: "", run: (args, options) => startCompiled(args, options).ended });
  return {
    proxy,
    ids: sandbox.clients().map(({ client_id: id }) => String(id)),
    start: (args, options) => startCompiled([...args, ...api], options),
    run: (args, options) => run([...args, ...api], options),
    [Symbol.asyncDispose]: async () => {
      await proxy.close();
      await sandbox.close();
    },
  };
}

/** A plan that holds the n-th page back until it is let go. */
function holding(n: number): { readonly plan: Plan; readonly reached: Promise<void>; release(): void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let pages = 0;
  return {
    reached: reached.promise,
    release: released.resolve,
    plan: () => {
      if (++pages !== n) return undefined;
      return async (exchange) => {
        reached.resolve();
        await released.promise;
        exchange.reply(await exchange.pass());
      };
    },
  };
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

describe("clients list", () => {
  it("follows every page with both kinds of paging, on every version", SLOW, async () => {
    for (const as of VERSIONS) {
      for (const count of [0, 1, PAGE, 1_050]) {
        await using crowd = await openCrowd(as, count);
        const ended = await crowd.run(["clients", "list", "-q"]);
        assertExit(ended, 0);
        assert.equal(ended.stderr, "");
        assert.deepEqual(lines(ended.stdout), crowd.ids, `${as} with ${count}`);
        assert.equal(crowd.proxy.seen.length, Math.max(1, Math.ceil(count / PAGE)), `${as} with ${count}`);
      }
    }
  });

  it("writes lists of any length in every format", SLOW, async () => {
    for (const count of [0, 1, 250]) {
      await using crowd = await openCrowd("26", count);
      const run = async (format: string): Promise<string> => {
        const ended = await crowd.run(["clients", "list", "--format", format]);
        assertExit(ended, 0);
        return ended.stdout;
      };
      for (const format of ["json", "json-pretty"]) {
        const { items, ...rest } = JSON.parse(await run(format));
        assert.deepEqual(
          items.map((client: { client_id: string }) => client.client_id),
          crowd.ids,
        );
        assert.deepEqual(rest, { next_page_token: "", is_last_page: true });
      }
      assert.equal(lines(await run("ndjson")).length, count);
      assert.equal(lines(await run("text")).length, count + 2);
      // The heading, and the two rows about pages.
      assert.equal(lines(await run("table")).length, count + 3);
      assert.deepEqual(lines(await run("raw=items.#.client_id")).length > 0, count > 0);
    }
  });

  it("shows rows while the last page is still to come", SLOW, async () => {
    for (const as of ["1.8", "26"] as const) {
      const formats = ["text", "table", "json", "json-pretty", "ndjson", "yaml", "id", "env"];
      // Each format is written on one of the two versions, whose pages differ.
      for (const format of formats.filter((_, n) => isTested(n + Number(as === "26"), 2))) {
        const { plan, reached, release } = holding(3);
        await using crowd = await openCrowd(as, 2 * PAGE + 50, plan);
        await using running = crowd.start(["clients", "list", "--format", format]);
        await reached;
        // All rows of the previous pages are written, the last one among them.
        const before = await running.seen("stdout", crowd.ids[2 * PAGE - 1] ?? "none");
        assert.ok(!before.includes(crowd.ids[2 * PAGE] ?? "none"));
        assert.equal(crowd.proxy.seen.length, 3);
        release();
        const ended = await running.ended;
        assertExit(ended, 0);
        for (const id of crowd.ids) assert.ok(ended.stdout.includes(id));
      }
    }
  });

  it("needs little more memory for 30,000 clients than for 200", SLOW, async () => {
    async function peak(as: SandboxVersion, count: number): Promise<number> {
      const { plan, reached, release } = holding(Math.ceil(count / PAGE));
      await using crowd = await openCrowd(as, count, plan);
      await using running = crowd.start(["clients", "list"], { timeout: 55_000 });
      await reached;
      // What the program has held at most so far, in KiB, while it waits for the last page.
      const [, most = ""] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${running.pid}/status`, "latin1")) ?? [];
      release();
      const ended = await running.ended;
      assertExit(ended, 0);
      assert.equal(ended.stdout.split("\n").length, count + 3);
      return Number(most);
    }
    const few = await peak("26", PAGE + 1);
    const many = await peak("26", RUNS_EVERYTHING ? 100_000 : 30_000);
    assert.ok(few > 0);
    assert.ok(many - few <= 60 * 1024, `${many} KiB against ${few} KiB`);
  });

  it("requests the exact page of 1.x, and the pages that lead to it of 2.x", async () => {
    const parts = [
      { args: ["--limit", "3"], v1: ["limit=3&offset=0"], v2: ["page_size=3"], from: 0, count: 3, more: true },
      {
        args: ["--limit", "3", "--page", "4"],
        v1: ["limit=3&offset=9"],
        v2: ["page_size=13"],
        from: 9,
        count: 3,
        more: true,
      },
      {
        args: ["--limit", "5", "--page", "4"],
        v1: ["limit=5&offset=15"],
        v2: ["page_size=21"],
        from: 15,
        count: 5,
        more: false,
      },
      {
        args: ["--limit", "9", "--page", "3"],
        v1: ["limit=9&offset=18"],
        v2: ["page_size=28"],
        from: 18,
        count: 2,
        more: false,
      },
      {
        args: ["--limit", "5", "--page", "9"],
        v1: ["limit=5&offset=40"],
        v2: ["page_size=46"],
        from: 20,
        count: 0,
        more: false,
      },
      { args: ["--limit", "20"], v1: ["limit=20&offset=0"], v2: ["page_size=20"], from: 0, count: 20, more: false },
      { args: ["--limit", "900"], v1: ["limit=200&offset=0"], v2: ["page_size=200"], from: 0, count: 20, more: false },
    ];
    for (const as of ["1.8", "1.11", "2.1", "2.3", "26"] as const) {
      await using crowd = await openCrowd(as, 20);
      for (const { args, v1, v2, from, count, more } of parts) {
        const seen = crowd.proxy.seen.length;
        const ended = await crowd.run(["clients", "list", ...args, "--format", "json"]);
        assertExit(ended, 0);
        const { items, is_last_page: last } = JSON.parse(ended.stdout);
        assert.deepEqual(
          items.map((client: { client_id: string }) => client.client_id),
          crowd.ids.slice(from, from + count),
          `${as} ${args.join(" ")}`,
        );
        assert.equal(last, !more);
        assert.equal(ended.stderr, more ? `More clients exist; showing ${args[1]} (--limit)\n` : "");
        const asked = crowd.proxy.seen.slice(seen).map(({ target }) => target.replace(/^.*\?/, ""));
        assert.deepEqual(asked, as.startsWith("1.") ? v1 : v2, `${as} ${args.join(" ")}`);
      }
    }
  });

  it("filters by owner and name itself, unless the server can", SLOW, async () => {
    for (const as of VERSIONS) {
      await using scenario = await openScenario(as);
      const path = as.startsWith("1.") ? "/clients" : "/admin/clients";
      for (const [owner, name] of [
        ["a", "x"],
        ["b", "x"],
        ["a", "y"],
        ["a", "x"],
        ["", ""],
      ] as const) {
        const body = JSON.stringify({ owner, client_name: name, token_endpoint_auth_method: "none" });
        assert.equal((await fetch(`${scenario.sandbox.url}${path}`, { method: "POST", body })).status, 201);
      }
      const count = async (...args: readonly string[]): Promise<number> => {
        const ended = await program(scenario)(["clients", "list", "-q", ...args]);
        assertExit(ended, 0);
        return lines(ended.stdout).length;
      };
      assert.equal(await count("--owner", "a"), 3);
      assert.equal(await count("--name", "x"), 3);
      assert.equal(await count("--owner", "a", "--name", "x"), 2);
      assert.equal(await count("--owner", "A"), 0);
      assert.equal(await count("--owner", "a", "--limit", "2"), 2);
      assert.equal(await count("--owner", "a", "--limit", "2", "--page", "2"), 1);
      assert.equal(await count("--owner", "b", "--page-size", "50"), 1);
      const last = scenario.proxy.seen.at(-1)?.target ?? "";
      assert.equal(new URLSearchParams(last.slice(last.indexOf("?"))).get("owner"), "b");
    }
  });

  it("returns pages with the token of the next one, in both API versions", async () => {
    for (const as of ["1.8", "2.3", "26"] as const) {
      await using crowd = await openCrowd(as, 7);
      const found: string[] = [];
      let token: string | undefined;
      do {
        const more = token === undefined ? [] : ["--page-token", token];
        const ended = await crowd.run(["list", "clients", "--page-size", "3", "--format", "json", ...more]);
        assertExit(ended, 0);
        const page = JSON.parse(ended.stdout);
        found.push(...page.items.map((client: { client_id: string }) => client.client_id));
        token = page.next_page_token;
        assert.equal(ended.stderr, token === "" ? "" : `More clients exist: --page-token ${token}\n`);
      } while (token !== "");
      assert.deepEqual(found, crowd.ids);
      assert.equal(crowd.proxy.seen.length, 3);
    }
  });

  it("quotes the token of the next page for a shell", async () => {
    const link = '</admin/clients?page_token=x%3B%20touch%20y>; rel="next"';
    const page = instead({
      status: 200,
      headers: { "content-type": "application/json", link },
      body: '[{"client_id":"a"}]',
    });
    await using scenario = await openScenario("26", () => page);
    const ended = await scenario.run(["clients", "list", "-q", "--page-size", "1"]);
    assertExit(ended, 0);
    assert.equal(ended.stderr, "More clients exist: --page-token 'x; touch y'\n");
  });

  it("rejects contradictions and invalid values before it prompts", async () => {
    await using crowd = await openCrowd("1.8", 1);
    for (const [args, message] of [
      [["--limit", "3", "--page-size", "3"], /exclude/],
      [["--page", "2"], /--page needs --limit/],
      [["--limit", "0"], /--limit 0/],
      [["--limit", "3", "--page", "0"], /--page 0/],
      [["--page-size", "0"], /--page-size 0/],
      [["--limit", "-1"], /--limit/],
      [["--limit", "many"], /--limit/],
      [["--page-token", "nonsense"], /--page-token "nonsense" is not a page/],
      [["stray"], /Unexpected argument "stray"/],
    ] as const) {
      assertFails(await crowd.run(["clients", "list", ...args]), 2, message);
    }
    assert.equal(crowd.proxy.seen.length, 0);
  });

  it("ends with an error if a later page fails, its rows written and its JSON left open", async () => {
    for (const format of ["text", "ndjson", "json"]) {
      let pages = 0;
      const refuse = instead({ status: 403, body: "enough" });
      await using crowd = await openCrowd("26", 3 * PAGE, () => (++pages === 3 ? refuse : undefined));
      const ended = await crowd.run(["clients", "list", "--format", format]);
      assertExit(ended, 3);
      for (const id of crowd.ids.slice(0, 2 * PAGE)) assert.ok(ended.stdout.includes(id));
      assert.ok(!ended.stdout.includes(crowd.ids[2 * PAGE] ?? "none"));
      if (format === "json") assert.throws(() => JSON.parse(ended.stdout));
      assert.match(ended.stderr, /403/);
    }
  });

  it("ends quietly if the reader closes the pipe, and fetches no more pages", async () => {
    await using crowd = await openCrowd("26", 50 * PAGE);
    const script = '{ "$0" "$@"; echo "status $?" >&2; } | head -n 3';
    const env = { HYDRA_ADMIN_URL: crowd.proxy.url };
    const ended = await start("/bin/sh", ["-c", script, BINARY, "clients", "list"], { env }).ended;
    assert.equal(lines(ended.stdout).length, 3);
    assert.equal(ended.stderr, "status 0\n", describeRun(ended));
    assert.ok(crowd.proxy.seen.length < 50);
  });

  it("stops at a signal", async () => {
    const { plan, reached } = holding(2);
    await using crowd = await openCrowd("26", 2 * PAGE, plan);
    await using running = crowd.start(["clients", "list", "--format", "ndjson"]);
    await reached;
    await running.seen("stdout", crowd.ids[PAGE - 1] ?? "none");
    running.kill("SIGINT");
    const ended = await running.ended;
    assertExit(ended, 130);
    assert.equal(lines(ended.stdout).length, PAGE);
  });
});

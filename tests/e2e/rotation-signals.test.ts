/** Signals in the middle of a rotation: what they leave is undone, or named. */

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as v from "valibot";
import { asJson, type Json } from "../conformance/servers.ts";
import {
  type Ended,
  type Running,
  type RunningSandbox,
  runBinary,
  startBinary,
  temporaryFolder,
  withSandbox,
} from "./binary.ts";
import {
  type Exchange,
  type Fault,
  instead,
  openFaultProxy,
  type Plan,
  type Reply,
  stallAfter,
  stallBefore,
  swapped,
} from "./fault-proxy.ts";

const SET = "hydra.openid.id-token";

const TERMINATED = 128 + 15;

const Items = v.array(v.record(v.string(), v.unknown()));

async function storedKeys({ url }: Pick<RunningSandbox, "url">): Promise<readonly Json[]> {
  const response = await fetch(`${url}/admin/keys/${SET}`);
  return response.ok ? v.parse(Items, asJson(await response.json())["keys"]) : [];
}

async function storedClients({ url }: Pick<RunningSandbox, "url">): Promise<readonly Json[]> {
  return v.parse(Items, await (await fetch(`${url}/admin/clients`)).json());
}

function assertDone(ended: Ended): void {
  assert.equal(ended.status, 0, ended.stderr);
}

interface Interruption {
  /** The requests, one of which is met by the fault, and which of them. */
  readonly pattern: RegExp;
  readonly nth?: number;
  readonly fault: Fault;
  /** What meets the other requests. */
  readonly others?: Plan;
  readonly signal?: NodeJS.Signals;
}

/** Runs the program behind a proxy, and sends a signal once the fault has met its request. */
async function interruptedRun(
  sandbox: RunningSandbox,
  args: readonly string[],
  { pattern, nth = 1, fault, others, signal = "SIGTERM" }: Interruption,
): Promise<Ended> {
  const { promise: arrived, resolve } = Promise.withResolvers<void>();
  let matches = 0;
  const proxy = await openFaultProxy(sandbox.url, (exchange) => {
    if (!pattern.test(`${exchange.method} ${exchange.target}`) || ++matches !== nth) return others?.(exchange);
    return async (held) => {
      await fault(held);
      resolve();
    };
  });
  try {
    await using running: Running = startBinary([...args, "--endpoint", proxy.url]);
    await Promise.race([arrived, running.ended.then(({ stderr }) => assert.fail(`no such request: ${stderr}`))]);
    running.kill(signal);
    return await running.ended;
  } finally {
    await proxy.close();
  }
}

const PUT_KEY = /^PUT \S*\/keys\/[^/]+\/[^/]+$/;
const PUT_SET = /^PUT \S*\/keys\/[^/]+$/;
const POST_KEY = /^POST \S*\/keys\//;
const ACCEPT = /^PUT \S*\/login\/accept/;

/** A sandbox whose set has an older key, whose private half is in a file, and a newer one that signs. */
async function openRotated(folder: string) {
  const sandbox = await withSandbox("26");
  assertDone(await runBinary(["keys", "rotate", SET, "--kid", "older", "--endpoint", sandbox.url]));
  const [key] = await storedKeys(sandbox);
  const file = join(folder, "older.json");
  writeFileSync(file, JSON.stringify(key));
  assertDone(await runBinary(["keys", "rotate", SET, "--kid", "newer", "--endpoint", sandbox.url]));
  return { sandbox, file, before: await storedKeys(sandbox) };
}

const UNDONE =
  /^Error: Interrupted while key set "hydra\.openid\.id-token" was rotated; the change was undone, and key "newer" signs/m;

const UNCHANGED = /^Error: Interrupted; nothing was changed in key set "hydra\.openid\.id-token"$/m;

describe("going back to an earlier key, whose private half the server has,", () => {
  for (const [name, interruption] of [
    ["the change", { pattern: PUT_KEY, fault: stallAfter }],
    ["the login that proves it", { pattern: ACCEPT, nth: 2, fault: stallBefore }],
  ] as const)
    test(`is undone by a signal during ${name}`, async () => {
      using folder = temporaryFolder();
      const { sandbox, file, before } = await openRotated(folder.path);
      await using _ = sandbox;
      const args = ["keys", "rotate", SET, "--activate", "--key", file, "--public-url", sandbox.publicUrl];
      const ended = await interruptedRun(sandbox, args, interruption);
      assert.equal(ended.status, TERMINATED, ended.stderr);
      assert.match(ended.stderr, UNDONE);
      assert.deepEqual(await storedKeys(sandbox), before);
      assert.deepEqual(await storedClients(sandbox), []);
    });

  test("is reported as not undone if the server rejects that", async () => {
    using folder = temporaryFolder();
    const { sandbox, file } = await openRotated(folder.path);
    await using _ = sandbox;
    const ended = await interruptedRun(sandbox, ["keys", "rotate", SET, "--activate", "--key", file], {
      pattern: PUT_KEY,
      fault: stallAfter,
      others: ({ method, target }) =>
        PUT_SET.test(`${method} ${target}`) ? instead({ status: 400, body: "no" }) : undefined,
    });
    assert.equal(ended.status, TERMINATED, ended.stderr);
    assert.match(
      ended.stderr,
      /the change was not undone: .*server answered 400: no; key "older" signs\nHint: check the key set/,
    );
    assert.equal((await storedKeys(sandbox))[0]?.["kid"], "older");
  });
});

describe("a rotation in one step", () => {
  test("is undone by a signal while the server generates the key", async () => {
    using folder = temporaryFolder();
    const { sandbox, before } = await openRotated(folder.path);
    await using _ = sandbox;
    const ended = await interruptedRun(sandbox, ["keys", "rotate", SET], { pattern: POST_KEY, fault: stallAfter });
    assert.equal(ended.status, TERMINATED, ended.stderr);
    assert.match(ended.stderr, UNDONE);
    assert.match(ended.stderr, /; tokens that were signed meanwhile can't be verified$/m);
    assert.deepEqual(await storedKeys(sandbox), before);
  });

  test("says that the server may still generate the key, if it has not answered by then", async () => {
    using folder = temporaryFolder();
    const { sandbox, before } = await openRotated(folder.path);
    await using _ = sandbox;
    const ended = await interruptedRun(sandbox, ["keys", "rotate", SET], { pattern: POST_KEY, fault: stallBefore });
    assert.equal(ended.status, TERMINATED, ended.stderr);
    assert.match(ended.stderr, /was rotated; it is not changed, but the server may still carry out the request$/m);
    assert.deepEqual(await storedKeys(sandbox), before);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const)
    test(`changes nothing before that: ${signal}`, async () => {
      using folder = temporaryFolder();
      const { sandbox, before } = await openRotated(folder.path);
      await using _ = sandbox;
      for (const [pattern, proof] of [
        [/^GET \S*\/keys\//, []],
        [/^GET \S*\/clients\?/, ["--public-url", sandbox.publicUrl]],
        [/^POST \S*\/clients/, ["--public-url", sandbox.publicUrl]],
        [ACCEPT, ["--public-url", sandbox.publicUrl]],
      ] as const) {
        const args = ["keys", "rotate", SET, ...proof];
        const ended = await interruptedRun(sandbox, args, { pattern, fault: stallBefore, signal });
        assert.equal(ended.status, signal === "SIGTERM" ? TERMINATED : 128 + 2, ended.stderr);
        assert.match(ended.stderr, UNCHANGED, String(pattern));
        assert.deepEqual(await storedKeys(sandbox), before);
        assert.deepEqual(await storedClients(sandbox), []);
      }
    });
});

test("a publication that a signal interrupts is undone", async () => {
  using folder = temporaryFolder();
  const { sandbox, before } = await openRotated(folder.path);
  await using _ = sandbox;
  const out = join(folder.path, "next.json");
  const args = ["keys", "rotate", SET, "--publish", "--alg", "RS256", "--key-out", out];
  const ended = await interruptedRun(sandbox, args, { pattern: PUT_KEY, fault: stallAfter });
  assert.equal(ended.status, TERMINATED, ended.stderr);
  assert.match(ended.stderr, UNDONE);
  assert.deepEqual(await storedKeys(sandbox), before);
  assert.ok(!existsSync(out));
});

test("a published key never takes the place of one with the same ID", async () => {
  using folder = temporaryFolder();
  const { sandbox, before } = await openRotated(folder.path);
  await using _ = sandbox;
  const out = join(folder.path, "next.json");
  const args = ["keys", "rotate", SET, "--publish", "--kid", "newer", "--key-out", out, "--endpoint", sandbox.url];
  const ended = await runBinary(args);
  assert.equal(ended.status, 5, ended.stderr);
  assert.match(ended.stderr, /key set ".*" has a key with this ID/);
  assert.deepEqual(await storedKeys(sandbox), before);
});

/** A list of clients, all of which are a day old. */
function aged(reply: Reply & { readonly body: string }): Reply {
  const created_at = new Date(Date.now() - 86_400_000).toISOString();
  const clients = v.parse(Items, JSON.parse(reply.body)).map((client) => ({ ...client, created_at }));
  return { ...reply, body: JSON.stringify(clients) };
}

test("the temporary client of a killed rotation is named at once and deleted later, and no other client is", async () => {
  using folder = temporaryFolder();
  const { sandbox } = await openRotated(folder.path);
  await using _ = sandbox;
  const args = ["keys", "rotate", SET, "--public-url", sandbox.publicUrl];
  await interruptedRun(sandbox, args, { pattern: ACCEPT, fault: stallBefore, signal: "SIGKILL" });
  const [left = {}, ...more] = await storedClients(sandbox);
  assert.deepEqual(more, []);
  const id = String(left["client_id"]);
  const named = await runBinary([...args, "--endpoint", sandbox.url]);
  assertDone(named);
  assert.match(named.stderr, new RegExp(`client "${id}" is from another hydra keys rotate`));
  // Other people's: they only have the name in common, or have been changed.
  const others: readonly Json[] = [
    { client_name: left["client_name"] },
    { ...left, client_id: "changed", redirect_uris: ["https://app.example/callback"] },
    { ...left, client_id: "more-grants", grant_types: ["authorization_code", "refresh_token"] },
  ];
  for (const other of others) {
    const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(other) };
    assert.equal((await fetch(`${sandbox.url}/admin/clients`, request)).status, 201);
  }
  const isList = ({ method, target }: Exchange): boolean => /^GET \S*\/clients\?/.test(`${method} ${target}`);
  const proxy = await openFaultProxy(sandbox.url, (exchange) => (isList(exchange) ? swapped(aged) : undefined));
  try {
    const ended = await runBinary([...args, "--endpoint", proxy.url]);
    assertDone(ended);
    assert.match(ended.stderr, new RegExp(`Deleted client "${id}", which an earlier hydra keys rotate left`));
  } finally {
    await proxy.close();
  }
  const kept = await storedClients(sandbox);
  assert.equal(kept.length, others.length);
  assert.ok(kept.every((client) => client["client_id"] !== id));
});

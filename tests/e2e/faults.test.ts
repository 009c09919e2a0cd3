/** A create through connection failures and bad answers: one client, or a clear error. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import type { Ended } from "./binary.ts";
import {
  always,
  cutInside,
  dropAfter,
  dropBefore,
  type Exchange,
  type Fault,
  inOrder,
  instead,
  type Plan,
  type Reply,
  raw,
  stallAfter,
  stallBefore,
  stallInside,
  swapped,
} from "./fault-proxy.ts";
import {
  assertExit,
  assertFails,
  describeRun,
  isStored,
  openScenario,
  printed,
  type Scenario,
  SEED,
  SLOW,
} from "./scenario.ts";

/** The versions of which each finds its way in another manner, and which request of a create is the one that makes it. */
const VERSIONS: readonly (readonly [as: SandboxVersion, makes: (exchange: Exchange) => boolean])[] = [
  ["26", ({ method }) => method === "POST"],
  ["1.8", ({ method, target }) => method === "POST" && target === "/clients"],
  ["2.1", ({ method, body }) => method === "POST" && !body.includes('"client_id"')],
];

/** A plan for the requests that make a client: one fault after the other, or the last one for ever. */
function meets(makes: (exchange: Exchange) => boolean, faults: readonly Fault[], forever: boolean): Plan {
  const next = inOrder(...faults);
  const last = faults.at(-1);
  return (exchange) => (makes(exchange) ? (next(exchange) ?? (forever ? last : undefined)) : undefined);
}

function json(reply: Reply & { readonly body: string }, change: (client: Record<string, unknown>) => unknown): Reply {
  return { ...reply, body: JSON.stringify(change(JSON.parse(reply.body))) };
}

/**
 * What must be true after any fault: the one client with its stored secret was printed, or there is one clear error, and
 * the secret of a client that exists anyway is in a recovery copy.
 */
function settled(scenario: Scenario, ended: Ended): void {
  const clients = scenario.sandbox.clients();
  assert.ok(clients.length <= 1, `made twice: ${describeRun(ended)}`);
  if (ended.status === 0) {
    isStored(scenario, ended);
    return;
  }
  assertFails(ended, ended.status ?? -1, /^Error: Cannot create client: /);
  const rescued = scenario.recoveryCopies();
  assert.ok(rescued.length <= 1);
  for (const { record, mode, path } of rescued) {
    assert.equal(mode, 0o600);
    assert.equal(record.state, "unverified");
    assert.ok(ended.stderr.includes(path), describeRun(ended));
    assert.ok(!ended.stderr.includes(record.client_secret ?? ""), describeRun(ended));
  }
  for (const { client_id: id } of clients) {
    assert.equal(
      rescued[0]?.record.client_secret,
      scenario.sandbox.secretOf(String(id)),
      `lost: ${describeRun(ended)}`,
    );
  }
}

/** How a create ends: the exit code, how many requests that create a client were sent, and whether a secret is kept. */
interface Ending {
  readonly status: number;
  readonly sent: number;
  readonly kept: boolean;
  readonly says?: RegExp;
}

/** How a fault ends if the ID can be chosen, and if it cannot. */
interface Row {
  readonly name: string;
  readonly faults: readonly Fault[];
  /** The last fault meets every further request too. */
  readonly forever?: boolean;
  readonly args?: readonly string[];
  readonly chosen: Ending;
  readonly unchosen: Ending;
}

const MADE: Ending = { status: 0, sent: 1, kept: false };

const REPEATED: Ending = { status: 0, sent: 2, kept: false };

const HTML = { "content-type": "text/html; charset=utf-8" };

const JSON_TYPE = { "content-type": "application/json" };

const PAGE = "<!doctype html><html><body><h1>Bad gateway</h1></body></html>";

/** An ambiguous failure: repeated if that is safe; otherwise reported, with the secret kept. */
function ambiguous(status: number, says: RegExp): { chosen: Ending; unchosen: Ending } {
  return { chosen: REPEATED, unchosen: { status, sent: 1, kept: true, says } };
}

/** A response without meaning, to a request that was carried out: the client is found again if its ID is known. */
function unreadable(says: RegExp): { chosen: Ending; unchosen: Ending } {
  return { chosen: MADE, unchosen: { status: 1, sent: 1, kept: true, says } };
}

/** The same for every version. */
function everywhere(ending: Ending): { chosen: Ending; unchosen: Ending } {
  return { chosen: ending, unchosen: ending };
}

const CLOSED = /connection was closed before the response was complete/;

const FINAL: Ending = { status: 1, sent: 1, kept: false };

const ROWS: readonly Row[] = [
  { name: "the connection drops before the request goes through", faults: [dropBefore], ...ambiguous(6, CLOSED) },
  { name: "the connection drops after the request went through", faults: [dropAfter], ...ambiguous(6, CLOSED) },
  { name: "the connection drops inside the body", faults: [cutInside], ...ambiguous(6, CLOSED) },
  {
    name: "the connection drops three times, once after the request went through",
    faults: [dropBefore, dropAfter, dropBefore],
    chosen: { ...REPEATED, sent: 4 },
    unchosen: { status: 6, sent: 1, kept: true, says: CLOSED },
  },
  {
    name: "502 with a web page",
    faults: [instead({ status: 502, headers: HTML, body: PAGE })],
    ...ambiguous(6, /502/),
  },
  { name: "503 without a body", faults: [instead({ status: 503 })], ...ambiguous(6, /503/) },
  { name: "504 after the request went through", faults: [swapped(() => ({ status: 504 }))], ...ambiguous(6, /504/) },
  { name: "500 without words", faults: [instead({ status: 500 })], ...ambiguous(1, /500/) },
  {
    name: "500 without words, the request carried out",
    faults: [swapped(() => ({ status: 500, headers: HTML, body: PAGE }))],
    ...ambiguous(1, /500/),
  },
  {
    name: "500 without words, twice",
    faults: [instead({ status: 500 }), instead({ status: 500 })],
    chosen: { status: 1, sent: 2, kept: true, says: /500/ },
    unchosen: { status: 1, sent: 1, kept: true, says: /500/ },
  },
  {
    name: "500 with the server's own error, in the newer form",
    faults: [
      instead({ status: 500, headers: JSON_TYPE, body: '{"error":"error","error_description":"the disk is on fire"}' }),
    ],
    chosen: { ...FINAL, says: /500: the disk is on fire/ },
    unchosen: { status: 1, sent: 1, kept: true, says: /500: the disk is on fire.*may have been created anyway/ },
  },
  {
    name: "500 with the server's own error after the client was created",
    faults: [swapped(() => ({ status: 500, headers: JSON_TYPE, body: '{"error":"commit failed"}' }))],
    chosen: { ...MADE, says: /^Warning: server answered 500, but client .* was created$/m },
    unchosen: { status: 1, sent: 1, kept: true, says: /500: commit failed.*may have been created anyway/ },
  },
  {
    name: "500 with the server's own error, in the older form",
    faults: [
      instead({ status: 500, headers: JSON_TYPE, body: '{"error":{"code":500,"message":"the disk is on fire"}}' }),
    ],
    chosen: { ...FINAL, says: /500: the disk is on fire/ },
    unchosen: { status: 1, sent: 1, kept: true, says: /500: the disk is on fire.*may have been created anyway/ },
  },
  {
    name: "429 with a Retry-After",
    faults: [instead({ status: 429, headers: { "retry-after": "1" } })],
    ...everywhere(REPEATED),
  },
  {
    name: "429 with a Retry-After beyond the time",
    faults: [instead({ status: 429, headers: { "retry-after": "3600" } })],
    ...everywhere({ status: 6, sent: 1, kept: false, says: /429/ }),
  },
  { name: "429 without a Retry-After", faults: [instead({ status: 429 })], ...everywhere(REPEATED) },
  {
    name: "no answer, the request unread",
    faults: [stallBefore],
    forever: true,
    args: ["--fail-after", "5s"],
    ...everywhere({ status: 6, sent: 1, kept: true, says: /no complete response in time/ }),
  },
  {
    name: "no answer, the request carried out",
    faults: [stallAfter],
    args: ["--fail-after", "5s"],
    chosen: MADE,
    unchosen: { status: 6, sent: 1, kept: true, says: /no complete response in time/ },
  },
  {
    name: "no end of the body",
    faults: [stallInside],
    args: ["--fail-after", "5s"],
    chosen: MADE,
    unchosen: { status: 6, sent: 1, kept: true, says: /no complete response in time/ },
  },
  {
    name: "200 with a web page",
    faults: [instead({ status: 200, headers: HTML, body: PAGE })],
    ...everywhere({ status: 1, sent: 1, kept: true, says: /200 with a web page/ }),
  },
  {
    name: "201 with a web page, the request carried out",
    faults: [swapped((reply) => ({ ...reply, headers: HTML, body: PAGE }))],
    ...unreadable(/201 with a web page/),
  },
  {
    name: "200 in place of 201, the request carried out",
    faults: [swapped((reply) => ({ ...reply, status: 200 }))],
    ...unreadable(/200 with something else/),
  },
  {
    name: "204 without a body, the request carried out",
    faults: [swapped(() => ({ status: 204 }))],
    ...unreadable(/204/),
  },
  {
    name: "truncated JSON",
    faults: [swapped((reply) => ({ ...reply, body: reply.body.slice(0, -5) }))],
    ...unreadable(/201 with something else/),
  },
  {
    name: "a list in place of a client",
    faults: [swapped((reply) => json(reply, (client) => [client]))],
    ...unreadable(/201 with something else/),
  },
  {
    name: "an id of the wrong type",
    faults: [swapped((reply) => json(reply, (client) => ({ ...client, client_id: 7 })))],
    ...unreadable(/201 with something else/),
  },
  {
    name: "a secret of the wrong type",
    faults: [swapped((reply) => json(reply, (client) => ({ ...client, client_secret: { a: 1 } })))],
    ...unreadable(/201 with something else/),
  },
  {
    name: "other fields of wrong types",
    faults: [swapped((reply) => json(reply, (client) => ({ ...client, redirect_uris: 7, scope: [], created_at: {} })))],
    ...everywhere(MADE),
  },
  {
    name: "no secret in the answer",
    faults: [swapped((reply) => json(reply, ({ client_secret: _, ...client }) => client))],
    ...everywhere(MADE),
  },
  {
    name: "unknown fields, and control characters in a known one",
    faults: [swapped((reply) => json(reply, (client) => ({ ...client, client_name: "\u001b[2J\r\nx", new: [1] })))],
    ...everywhere(MADE),
  },
  {
    name: "a redirect",
    faults: [instead({ status: 307, headers: { location: "http://user:hush@hydra.invalid/x?token=hush" } })],
    ...everywhere({ ...FINAL, says: /redirects to "http:\/\/hydra\.invalid\/x/ }),
  },
  {
    name: "a redirect to nowhere",
    faults: [instead({ status: 302 })],
    ...everywhere({ ...FINAL, says: /302/ }),
  },
  {
    name: "303 after the request was carried out",
    faults: [swapped(() => ({ status: 303, headers: { location: "/elsewhere" } }))],
    chosen: MADE,
    unchosen: { status: 1, sent: 1, kept: true, says: /redirects to "\/elsewhere"/ },
  },
  {
    name: "garbage that is not HTTP",
    faults: [raw("SSH-2.0-OpenSSH_9.6\r\n\r\n")],
    ...everywhere({ status: 6, sent: 1, kept: true, says: /not HTTP/ }),
  },
  {
    name: "a broken header",
    faults: [raw("HTTP/1.1 201 Created\r\nno colon here\r\n\r\n{}")],
    ...everywhere({ status: 6, sent: 1, kept: true, says: /not HTTP/ }),
  },
  {
    name: "a body that is not in its encoding",
    faults: [swapped((reply) => ({ ...reply, headers: { ...JSON_TYPE, "content-encoding": "gzip" } }))],
    chosen: MADE,
    unchosen: { status: 6, sent: 1, kept: true, says: /does not match its Content-Encoding \(gzip\)/ },
  },
  {
    name: "a body without end in sight",
    faults: [instead({ status: 201, headers: JSON_TYPE, body: `{"client_id":"${"x".repeat(5 * 1024 * 1024)}"}` })],
    ...everywhere({ status: 6, sent: 1, kept: true, says: /larger than 4 MiB/ }),
  },
];

async function meet(row: Row, [as, makes]: (typeof VERSIONS)[number]): Promise<void> {
  const expected = as === "2.1" ? row.unchosen : row.chosen;
  await using scenario = await openScenario(as, meets(makes, row.faults, row.forever === true));
  const ended = await scenario.run([...SEED, ...(row.args ?? [])]);
  assertExit(ended, expected.status);
  settled(scenario, ended);
  assert.equal(scenario.proxy.seen.filter(makes).length, expected.sent, describeRun(ended));
  assert.equal(scenario.recoveryCopies().length, expected.kept ? 1 : 0, describeRun(ended));
  if (expected.says !== undefined) assert.match(ended.stderr, expected.says);
  assert.doesNotMatch(ended.stderr, /hush|\u001b/);
  if (expected.sent > 1) assert.match(ended.stderr, /^Warning: Cannot create client yet: .*retrying/);
  const bodies = scenario.proxy.seen.filter(makes).map(({ body }) => body);
  assert.equal(new Set(bodies).size, 1, "a repeat must be the same request");
}

for (const version of VERSIONS) {
  describe(`a create on ${version[0]}, met with`, () => {
    for (const row of ROWS.filter(({ args }) => args === undefined)) it(row.name, SLOW, () => meet(row, version));
  });
}

describe("a create without an answer", () => {
  // They wait at the same time, since each waits until its time is over.
  for (const row of ROWS.filter(({ args }) => args !== undefined)) {
    it(row.name, SLOW, async () => {
      await Promise.all(VERSIONS.map((version) => meet(row, version)));
    });
  }
});

describe("a create, when the server answers with", () => {
  it("another secret, prints the server's secret", SLOW, async () => {
    for (const [as, makes] of VERSIONS) {
      const own = "made-by-the-server-012345";
      const fault = swapped((reply) => json(reply, (client) => ({ ...client, client_secret: own })));
      await using scenario = await openScenario(as, meets(makes, [fault], false));
      const ended = await scenario.run(SEED);
      assertExit(ended, 0);
      assert.equal(printed(ended).secret, own);
      assert.match(ended.stderr, /^Warning: the server returned a different secret/);
    }
  });

  it("another client's ID, is not accepted", SLOW, async () => {
    const other: Fault = swapped((reply) => json(reply, (client) => ({ ...client, client_id: "someone-else" })));
    for (const as of ["26", "1.8"] as const) {
      await using scenario = await openScenario(as, inOrder(...(as === "26" ? [other] : [undefined, other])));
      isStored(scenario, await scenario.run(SEED));
    }
    await using scenario = await openScenario("26", inOrder(other));
    const ended = await scenario.run([...SEED, "--id", "mine"]);
    assertFails(ended, 1, /another client, "someone-else"/);
    assert.equal(scenario.recoveryCopies()[0]?.record.client_secret, scenario.sandbox.secretOf("mine"));
    assert.equal(scenario.recoveryCopies()[0]?.record.client_id, "mine");
  });

  it("a 500 with the server's own error, proves nothing about an ID that the user chose", SLOW, async () => {
    const broken: Reply = { status: 500, headers: JSON_TYPE, body: '{"error":"commit failed"}' };
    const unseen: Fault = (exchange) => exchange.reply({ status: 503 });
    const cases: readonly { plan: Plan; id: readonly string[]; kept: number }[] = [
      // The client exists, perhaps created by another run.
      { plan: inOrder(swapped(() => broken)), id: ["--id", "mine"], kept: 1 },
      // It is certainly not there.
      { plan: inOrder(instead(broken)), id: ["--id", "mine"], kept: 0 },
      // The look-up fails, so it may be there.
      { plan: ({ method }) => (method === "POST" ? swapped(() => broken) : unseen), id: [], kept: 1 },
    ];
    for (const { plan, id, kept } of cases) {
      await using scenario = await openScenario("26", plan);
      const ended = await scenario.run([...SEED, ...id]);
      assertFails(ended, 1, /500: commit failed/);
      assert.equal(scenario.recoveryCopies().length, kept, describeRun(ended));
      if (kept === 1) assert.equal(scenario.recoveryCopies()[0]?.record.state, "unverified");
    }
  });

  it("errors while its version is detected, still creates one client", SLOW, async () => {
    const faults: readonly Fault[] = [
      dropBefore,
      dropAfter,
      cutInside,
      instead({ status: 503 }),
      instead({ status: 500 }),
    ];
    for (const as of ["1.8", "2.1"] as const) {
      for (const fault of faults) {
        await using scenario = await openScenario(as, inOrder(fault));
        isStored(scenario, await scenario.run(SEED));
        assert.equal(scenario.proxy.posts().length, 3);
      }
    }
  });

  it("a conflict on a generated ID, recognizes the client as its own", async () => {
    // As a gateway does that repeats a request by itself.
    const twice: Fault = async ({ pass, reply }) => {
      await pass();
      reply(await pass());
    };
    await using scenario = await openScenario("26", inOrder(twice));
    isStored(scenario, await scenario.run(SEED));
  });

  it("errors until its deadline, reports the server's last answer", SLOW, async () => {
    const first = inOrder(
      instead({ status: 503, headers: JSON_TYPE, body: '{"error":"x","error_description":"warming up"}' }),
    );
    const later = always(dropBefore);
    await using scenario = await openScenario("26", (exchange) => first(exchange) ?? later(exchange));
    const ended = await scenario.run([...SEED, "--fail-after", "4s"]);
    settled(scenario, ended);
    assert.ok(scenario.proxy.posts().length > 1);
    assert.match(ended.stderr, /^Error: Cannot create client: server answered 503: warming up/m);
  });

  it("a status to retry, gives up after one attempt if the time is 0", async () => {
    for (const fault of [dropBefore, instead({ status: 503 }), instead({ status: 429 })]) {
      await using scenario = await openScenario("26", always(fault));
      const ended = await scenario.run([...SEED, "--fail-after", "0"]);
      settled(scenario, ended);
      assert.equal(scenario.proxy.posts().length, 1);
      assert.doesNotMatch(ended.stderr, /retrying/);
    }
  });
});

describe("a create with --id", () => {
  it("whose answer was lost shows a command for the shell", SLOW, async () => {
    await using scenario = await openScenario("26", always(dropBefore));
    const ended = await scenario.run([...SEED, "--id", "it's $mine", "--fail-after", "0"]);
    assertExit(ended, 6);
    assert.match(ended.stderr, /^Hint: .*hydra clients get 'it'\\''s \$mine'$/m);
  });

  it("whose answer was lost and which then gets a conflict, doesn't claim the client", SLOW, async () => {
    for (const as of ["26", "1.8"] as const) {
      await using scenario = await openScenario(as, inOrder(...(as === "26" ? [dropAfter] : [undefined, dropAfter])));
      const ended = await scenario.run([...SEED, "--id", "mine"]);
      settled(scenario, ended);
      assertFails(
        ended,
        5,
        /"mine" already exists; an earlier response was lost, so the client may be from this run; its secret is in/,
      );
      assert.match(ended.stderr, /^Hint: .*hydra clients get mine$/m);
      const [{ record, mode } = assert.fail("nothing is kept")] = scenario.recoveryCopies();
      assert.equal(record.state, "unverified");
      assert.equal(record.client_id, "mine");
      assert.equal(mode, 0o600);
      assert.equal(scenario.sandbox.clients().length, 1);
    }
  });

  it("that another client has, leaves that client unchanged after a lost answer too", async () => {
    await using scenario = await openScenario("26", inOrder(undefined, dropBefore));
    const first = await scenario.run([...SEED, "--id", "mine"]);
    const second = await scenario.run([...SEED, "--id", "mine", "-n", "second"]);
    assertFails(second, 5, /may be from this run/);
    assert.equal(scenario.sandbox.secretOf("mine"), printed(first).secret);
    assert.equal(scenario.sandbox.clients()[0]?.["client_name"], "my app");
    assert.equal(scenario.proxy.seen.filter(({ method }) => method !== "POST" && method !== "GET").length, 0);
    assert.notEqual(scenario.recoveryCopies()[0]?.record.client_secret, printed(first).secret);
  });

  it("keeps the secret encrypted if encryption was asked for", SLOW, async () => {
    const { openGpg } = await import("../adapters/gpg.ts");
    const gpg = openGpg();
    try {
      const key = gpg.exported(gpg.quick("alice@example.com", "future-default"));
      await using scenario = await openScenario("26", always(dropAfter));
      const pgp = ["--pgp-key", Buffer.from(key.binary).toString("base64")];
      const ended = await scenario.run([...SEED, "--id", "mine", "--fail-after", "0", ...pgp]);
      assertFails(ended, 6, /its encrypted secret is in/);
      const [{ record } = assert.fail("nothing is kept")] = scenario.recoveryCopies();
      assert.equal(record.client_secret, undefined);
      const secret = scenario.sandbox.secretOf("mine") ?? assert.fail("no client");
      assert.equal(gpg.decrypt(Buffer.from(record.client_secret_encrypted ?? "", "base64")), secret);
      assert.ok(!JSON.stringify(record).includes(secret) && !ended.stderr.includes(secret));
    } finally {
      gpg.close();
    }
  });
});

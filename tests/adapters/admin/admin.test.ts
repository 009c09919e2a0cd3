import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Admin, createAdmin } from "../../../lib/adapters/admin/admin.ts";
import type { AdminOptions } from "../../../lib/adapters/admin/admin-session.ts";
import { createHttp } from "../../../lib/adapters/http.ts";
import { collectTrustedCertificates, createRuntimeFetch } from "../../../lib/adapters/transport.ts";
import { NetworkFailure } from "../../../lib/core/network.ts";
import { Problem } from "../../../lib/core/problem.ts";
import { type Sandbox, type SandboxVersion, startSandbox } from "../../../lib/sandbox/index.ts";
import { FAMILIES } from "../../../lib/servers/index.ts";
import {
  always,
  dropAfter,
  dropBefore,
  type FaultProxy,
  inOrder,
  instead,
  openFaultProxy,
  type Plan,
  stallBefore,
} from "../../e2e/fault-proxy.ts";

/** An admin API behind a proxy, with a clock that only sleeping moves. */
interface Stage extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly proxy: FaultProxy;
  readonly admin: Admin;
  /** Each sleep so far, in milliseconds. */
  readonly slept: readonly number[];
  readonly warnings: readonly string[];
  /** Gives up what waits. */
  readonly control: AbortController;
}

async function stage(
  as: SandboxVersion,
  plan: Plan = () => undefined,
  more: Partial<AdminOptions> = {},
): Promise<Stage> {
  const sandbox = await startSandbox({ as, listen: "127.0.0.1:0" });
  const proxy = await openFaultProxy(sandbox.url, plan);
  const slept: number[] = [];
  const warnings: string[] = [];
  const control = new AbortController();
  let now = 0;
  const admin = createAdmin({
    http: createHttp({
      transport: createRuntimeFetch,
      headers: more.headers ?? {},
      authorities: () => collectTrustedCertificates([]),
      monotonic: () => performance.now(),
    }),
    base: proxy.url,
    endpoint: proxy.url,
    headers: {},
    detected: { family: undefined },
    failAfter: 60_000,
    monotonic: () => now,
    now: () => Date.now(),
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
      now += milliseconds;
    },
    random: (count) => new Uint8Array(count).fill(255),
    warn: (line) => warnings.push(line),
    signal: control.signal,
    ...more,
  });
  return {
    sandbox,
    proxy,
    admin,
    slept,
    warnings,
    control,
    [Symbol.asyncDispose]: async () => {
      await proxy.close();
      await sandbox.close();
    },
  };
}

async function problem(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error;
  }
  return assert.fail("it went well");
}

const ID = "3f7dbd6c-8f0e-4f0a-9a55-2f5d0d8c1d10";

const PAYLOAD = { client_id: ID, client_secret: "secret-0123456789", client_name: "x", redirect_uris: ["http://a/"] };

const VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26"] as const;

/** An admin API with one client in it, and the client's ID: not every version accepts a chosen one. */
async function withClient(as: SandboxVersion, plan?: Plan, more?: Partial<AdminOptions>): Promise<[Stage, string]> {
  let armed = false;
  const set = await stage(as, (exchange) => (armed ? plan?.(exchange) : undefined), more);
  const outcome = await set.admin.create(PAYLOAD, true);
  assert.ok(outcome.kind === "created");
  armed = true;
  return [set, outcome.record.client_id];
}

describe("the family of a server", () => {
  it("is detected with the first request, and remembered", async () => {
    for (const as of VERSIONS) {
      await using set = await stage(as);
      const old = as.startsWith("1.");
      assert.equal(await set.admin.find("nobody"), undefined);
      const first = set.proxy.seen.map(({ target }) => target);
      assert.deepEqual(first, old ? ["/admin/clients/nobody", "/clients/nobody"] : ["/admin/clients/nobody"], as);
      await set.admin.page({ size: 10 });
      assert.equal(set.proxy.seen.length, first.length + 1);
      assert.equal((await set.admin.family()).api, old ? "v1" : "v2");
      assert.equal(set.proxy.seen.length, first.length + 1);
    }
  });

  it("is detected with a list if no other response has revealed it", async () => {
    await using set = await stage("1.11");
    assert.equal((await set.admin.family()).api, "v1");
    assert.ok(set.proxy.seen.every(({ method }) => method === "GET"));
  });

  it("is not derived from a rejection by something in front of the server", async () => {
    await using set = await stage("1.8", ({ target }) =>
      target.startsWith("/admin") && set.proxy.seen.length === 1 ? instead({ status: 401 }) : undefined,
    );
    assert.equal((await problem(set.admin.get("x"))).exit, "unauthorised");
    assert.equal(await set.admin.find("x"), undefined);
    assert.equal(set.proxy.seen.at(-1)?.target, "/clients/x");
  });

  it("is the chosen one, and no other is tried", async () => {
    for (const family of FAMILIES) {
      await using right = await stage(family.api === "v1" ? "1.8" : "2.3", undefined, { detected: { family } });
      assert.equal((await right.admin.create(PAYLOAD, true)).kind, "created");
      await using wrong = await stage(family.api === "v1" ? "2.3" : "1.8", undefined, { detected: { family } });
      const outcome = await wrong.admin.create(PAYLOAD, true);
      assert.ok(outcome.kind === "refused" && outcome.problem instanceof Problem);
      // The server is an admin port: only the version is wrong.
      assert.doesNotMatch(outcome.problem.message, /not a Hydra admin port/);
      const other = family.api === "v1" ? "v2" : "v1";
      assert.match(outcome.problem.hint ?? "", new RegExp(`leave out --api ${family.api} .*, or set it to ${other}$`));
      assert.equal(wrong.sandbox.clients().length, 0);
      assert.deepEqual(right.proxy.posts().length, 1);
      // The redirect of a 2.x server says which version it is; the other path of a 1.x server is looked at.
      const looks = family.api === "v1" ? [] : ["/clients"];
      for (const [{ proxy }, more] of [
        [right, []],
        [wrong, looks],
      ] as const) {
        assert.deepEqual(
          proxy.seen.map(({ target }) => target),
          [family.paths.clients, ...more],
        );
      }
    }
  });

  it("is not that of a web page which a server sends for every other path", async () => {
    const page: Plan = ({ target }) =>
      instead(
        target.startsWith("/admin") ? { status: 404, body: "404 page not found" } : { status: 200, body: "<html>" },
      );
    await using set = await stage("26", page, { detected: { family: FAMILIES[0] } });
    assert.match((await problem(set.admin.page({ size: 1 }))).message, /not a Hydra admin port$/);
  });

  it("is unknown if neither path exists", async () => {
    await using set = await stage("26", () => instead({ status: 404, body: "404 page not found" }));
    const found = await problem(set.admin.page({ size: 1 }));
    assert.equal(found.code, "not-an-admin-api");
    assert.equal(found.exit, "failed");
    assert.match(found.message, /has no path \/admin\/clients nor \/clients: it is not a Hydra admin port/);
  });
});

describe("a request that fails", () => {
  it("is retried with growing pauses, and reported once", async () => {
    const faults = [dropBefore, ...Array.from({ length: 7 }, () => instead({ status: 503 }))];
    await using set = await stage("26", inOrder(...faults));
    const outcome = await set.admin.create(PAYLOAD, true);
    assert.equal(outcome.kind, "created");
    assert.deepEqual(set.slept, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    assert.equal(set.warnings.length, 1);
    assert.match(
      set.warnings[0] ?? "",
      /^Cannot create client yet: the connection was closed .*retrying for up to 1m0s$/,
    );
  });

  it("waits between half and all of the backoff, at random", async () => {
    for (const [byte, pause] of [
      [0, 100],
      [255, 200],
    ] as const) {
      const random = (count: number): Uint8Array => new Uint8Array(count).fill(byte);
      await using set = await stage("26", inOrder(dropBefore), { random });
      await set.admin.create(PAYLOAD, true);
      assert.deepEqual(set.slept, [pause]);
    }
  });

  it("waits as long as Retry-After says, in seconds or until a date", async () => {
    const now = Date.UTC(2030, 0, 1);
    const soon = new Date(now + 30_000).toUTCString();
    for (const [value, pause] of [
      ["7", 7000],
      ["0", 200],
      [soon, 30_000],
      ["Thu, 01 Jan 1970 00:00:00 GMT", 200],
      ["nonsense", 200],
      ["-1", 200],
    ] as const) {
      const fault = instead({ status: 429, headers: { "retry-after": value } });
      await using set = await stage("26", inOrder(fault), { now: () => now });
      assert.equal((await set.admin.create(PAYLOAD, true)).kind, "created");
      assert.deepEqual(set.slept, [pause], value);
    }
  });

  it("ends when the time is over, with the server's last response", async () => {
    const first = inOrder(instead({ status: 503, body: '{"error":"x","error_description":"warming up"}' }));
    const later = always(dropBefore);
    await using set = await stage("26", (exchange) => first(exchange) ?? later(exchange), { failAfter: 1000 });
    const outcome = await set.admin.create(PAYLOAD, true);
    assert.ok(outcome.kind === "unknown");
    assert.match(outcome.problem.message, /server answered 503: warming up \(tried for 1s\); /);
    assert.equal(outcome.problem.exit, "unreachable");
    assert.equal(
      set.slept.reduce((sum, pause) => sum + pause, 0),
      1000,
    );
  });

  it("starts no attempt without time for it", async () => {
    let tries = 0;
    const refused = new NetworkFailure("refused", "connection refused");
    // The pauses are 200 and 400 ms: of 640 ms, they leave 40.
    for (const [failAfter, expected] of [
      [640, 2],
      [700, 3],
    ] as const) {
      tries = 0;
      await using set = await stage("26", undefined, {
        failAfter,
        http: async () => {
          tries++;
          throw refused;
        },
      });
      const outcome = await set.admin.create(PAYLOAD, true);
      assert.ok(outcome.kind === "refused" && outcome.problem instanceof Problem);
      assert.match(outcome.problem.message, /connection refused \(tried for \d+ms\)$/);
      assert.equal(tries, expected);
      assert.equal(
        set.slept.reduce((sum, pause) => sum + pause, 0),
        failAfter,
      );
    }
  });

  it("isn't retried if the server asks for a longer pause than there is time, and says so", async () => {
    const fault = instead({ status: 429, headers: { "retry-after": "3661" } });
    await using set = await stage("26", always(fault));
    const outcome = await set.admin.create(PAYLOAD, true);
    assert.ok(outcome.kind === "refused" && outcome.problem instanceof Problem);
    assert.equal(outcome.problem.exit, "unreachable");
    assert.match(
      outcome.problem.message,
      /: server answered 429 \(it asks to wait 1h1m1s, longer than --fail-after allows\)$/,
    );
    assert.deepEqual(set.slept, []);
    assert.equal(set.proxy.posts().length, 1);
  });

  it("mentions the time only if another attempt could have helped", async () => {
    for (const status of [429, 502, 503, 504]) {
      await using set = await stage("26", () => instead({ status }), { failAfter: 1000 });
      const late = await problem(set.admin.get("x"));
      assert.match(late.message, new RegExp(`: server answered ${status} \\(tried for 1s\\)$`));
      assert.deepEqual([late.exit, late.status], ["unreachable", status]);
      await using single = await stage("26", () => instead({ status }), { failAfter: 0 });
      const only = await problem(single.admin.get("x"));
      assert.match(only.message, new RegExp(`: server answered ${status}$`));
      assert.equal(only.exit, "unreachable");
    }
    // The answer of a request that is never sent twice came in time.
    await using once = await stage("26", () => instead({ status: 502 }), {
      failAfter: 1000,
      detected: { family: FAMILIES[0] },
    });
    const rotated = await problem(once.admin.rotate("x"));
    assert.match(rotated.message, /server answered 502; /);
    assert.equal(rotated.exit, "unreachable");
  });

  it("never waits longer than a timer can", async () => {
    const fault = inOrder(instead({ status: 503, headers: { "retry-after": "3000000" } }));
    const hours = 2000 * 3_600_000;
    await using set = await stage("26", fault, { failAfter: hours });
    assert.equal((await set.admin.create(PAYLOAD, true)).kind, "created");
    assert.deepEqual(set.slept, [2 ** 31 - 1]);
  });

  it("is sent once if the time is 0", async () => {
    for (const fault of [dropBefore, instead({ status: 503 }), instead({ status: 429 }), instead({ status: 500 })]) {
      await using set = await stage("26", always(fault), { failAfter: 0 });
      assert.notEqual((await set.admin.create(PAYLOAD, true)).kind, "created");
      assert.equal(set.proxy.posts().length, 1);
      assert.deepEqual([set.slept, set.warnings], [[], []]);
    }
  });

  it("is sent again if the database rolled it back, and creates one client", async () => {
    const body =
      '{"error":{"code":400,"message":"Unable to serialize access due to a concurrent update in another session"}}';
    await using set = await stage("26", inOrder(instead({ status: 400, body })));
    assert.equal((await set.admin.create(PAYLOAD, true)).kind, "created");
    assert.equal(set.proxy.posts().length, 2);
    await using never = await stage("26", always(instead({ status: 400, body })), { failAfter: 2_000 });
    const refused = await never.admin.create(PAYLOAD, true);
    assert.ok(refused.kind === "refused" && refused.problem instanceof Problem);
    assert.equal(refused.problem.exit, "unreachable");
  });

  it("is final if repeating it can't help", async () => {
    for (const status of [400, 401, 403, 405, 409, 413, 422, 501, 302, 307]) {
      await using set = await stage("26", () => instead({ status }), { detected: { family: FAMILIES[0] } });
      await problem(set.admin.get("x"));
      assert.equal(set.proxy.seen.length, 1, String(status));
    }
    await using set = await stage("26", () => instead({ status: 500, body: '{"error":"server_error"}' }));
    assert.equal((await problem(set.admin.get("x"))).code, "server-error");
    assert.equal(set.proxy.seen.length, 1);
    await using odd = await stage("26", () => instead({ status: 500, body: "<html>" }));
    assert.equal((await problem(odd.admin.get("x"))).status, 500);
    assert.equal(odd.proxy.seen.length, 2);
  });

  it("shows the server's reason with control characters escaped and without credentials", async () => {
    const body = JSON.stringify({
      error: "e",
      error_description: `\u001b[2J no ${PAYLOAD.client_secret} for hush-hush`,
    });
    await using set = await stage("26", always(instead({ status: 400, body })), {
      headers: { authorization: "Bearer hush-hush" },
    });
    const outcome = await set.admin.create(PAYLOAD, true);
    assert.ok(outcome.kind === "refused" && outcome.problem instanceof Problem);
    assert.match(outcome.problem.message, /\\x1b\[2J no /);
    assert.doesNotMatch(outcome.problem.message, /\u001b|secret-0123456789|hush-hush/);
  });

  it("shows no credentials in a client ID, a URL or a reason, in any encoding", async () => {
    const secret = "s3cret/of=mine";
    const pair = "us:p4ss-word";
    const headers = { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
    const echoes = [secret, encodeURIComponent(secret), headers.authorization, pair, pair.slice(3)].flatMap((text) => [
      text,
      Buffer.from(text).toString("base64"),
      Buffer.from(text).toString("base64url"),
    ]);
    for (const echo of echoes) {
      for (const fault of [
        instead({ status: 201, body: JSON.stringify({ client_id: echo }) }),
        instead({ status: 200, body: JSON.stringify({ client_id: echo }) }),
        instead({ status: 307, headers: { location: `/x/${encodeURI(echo)}/y` } }),
        instead({ status: 400, body: JSON.stringify({ error: "e", error_description: `no ${echo} here` }) }),
      ]) {
        await using set = await stage("26", () => fault, { headers, detected: { family: FAMILIES[0] } });
        const payload = { ...PAYLOAD, client_secret: secret };
        const outcome = await set.admin.create(payload, false);
        assert.ok("problem" in outcome && outcome.problem instanceof Problem);
        const changed = await problem(set.admin.replace(ID, payload));
        for (const { message } of [outcome.problem, changed]) {
          assert.match(message, /\(redacted\)/);
          for (const hidden of echoes) assert.ok(!message.includes(hidden), `${hidden} in ${message}`);
        }
      }
    }
  });

  it("reports a redirect without a target, and a response that fits no request", async () => {
    for (const [status, message] of [
      [302, /: server answered 302, a redirect without a target$/],
      [304, /: server answered 304, which fits no request of this program$/],
    ] as const) {
      await using set = await stage("26", () => instead({ status }));
      const found = await problem(set.admin.get("x"));
      assert.match(found.message, message);
      assert.equal(found.status, status);
      assert.match(found.hint ?? "", /admin port/);
    }
  });

  it("ends with the reason of the signal", async () => {
    await using set = await stage("26", () => stallBefore);
    const asked = set.admin.get("x");
    while (set.proxy.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    set.control.abort(new Error("enough"));
    await assert.rejects(asked, /enough/);
    await assert.rejects(set.admin.get("x"), /enough/);
    assert.equal(set.proxy.seen.length, 1);
  });
});

describe("a create", () => {
  it("sends the payload once, and returns the record including unknown fields", async () => {
    await using set = await stage("26");
    const outcome = await set.admin.create(PAYLOAD, true);
    assert.ok(outcome.kind === "created");
    assert.equal(outcome.record.client_id, ID);
    assert.ok("registration_access_token" in outcome.record);
    assert.deepEqual(JSON.parse(set.proxy.posts()[0]?.body ?? ""), PAYLOAD);
    assert.equal(set.sandbox.secretOf(ID), PAYLOAD.client_secret);
  });

  it("warns of a field with an unexpected type once, and still delivers the credentials", async () => {
    const body = { client_id: ID, client_secret: "s3cret", scope: ["a"], contacts: null, later: { x: 1 } };
    const fault = instead({ status: 201, body: JSON.stringify(body) });
    await using set = await stage("26", () => fault);
    const outcome = await set.admin.create(PAYLOAD, true);
    assert.ok(outcome.kind === "created");
    assert.deepEqual(outcome.record, body);
    assert.deepEqual(set.warnings, [`the server returned client "${ID}" with an unexpected type of scope`]);
    await set.admin.get(ID);
    assert.equal(set.warnings.length, 1);
  });

  it("rejects a response whose client ID or secret has another type", async () => {
    for (const body of [{ client_id: 1 }, { client_id: "" }, { client_id: ID, client_secret: 1 }, []]) {
      await using set = await stage("26", () => instead({ status: 201, body: JSON.stringify(body) }));
      const outcome = await set.admin.create(PAYLOAD, false);
      assert.ok(outcome.kind === "unknown");
      assert.match(outcome.problem.message, /201 with something else instead of the created client/);
    }
  });

  it("finds its client by the generated ID after a lost response", async () => {
    for (const as of ["1.8", "1.11", "2.3", "26"] as const) {
      await using set = await stage(as, ({ method, target }) =>
        method === "POST" && (target === "/clients") === as.startsWith("1.") ? dropAfter : undefined,
      );
      const outcome = await set.admin.create(PAYLOAD, true);
      assert.ok(outcome.kind === "found", as);
      assert.equal(outcome.record.client_id, ID);
    }
  });

  it("doesn't take a client with the user's ID for its own after a lost response", async () => {
    await using set = await stage("26", inOrder(dropAfter));
    const outcome = await set.admin.create(PAYLOAD, false);
    assert.ok(outcome.kind === "unknown");
    assert.equal(outcome.problem.exit, "conflict");
    assert.equal(outcome.clientId, ID);
    assert.match(outcome.problem.message, /the client may be from this run$/);
    const strange = await (await stage("26", inOrder(dropAfter))).admin.create(
      { ...PAYLOAD, client_id: "a; 'b" },
      false,
    );
    assert.ok(strange.kind === "unknown");
    assert.ok(strange.problem.hint?.endsWith(": hydra clients get 'a; '\\''b'"), strange.problem.hint);
    const second = await set.admin.create(PAYLOAD, false);
    assert.ok(second.kind === "refused" && second.problem instanceof Problem);
    assert.equal(second.problem.exit, "conflict");
    assert.doesNotMatch(second.problem.message, /may be/);
  });

  it("omits the ID if the server rejects it, and then repeats nothing ambiguous", async () => {
    const body = ({ body: text }: { readonly body: string }): boolean => text.includes('"client_id"');
    await using set = await stage("2.1");
    const outcome = await set.admin.create(PAYLOAD, true);
    assert.ok(outcome.kind === "created");
    assert.notEqual(outcome.record.client_id, ID);
    assert.deepEqual(set.proxy.posts().map(body), [true, false]);
    await using lost = await stage("2.1", (exchange) => (body(exchange) ? undefined : dropAfter));
    const unknown = await lost.admin.create(PAYLOAD, true);
    assert.ok(unknown.kind === "unknown");
    assert.equal(unknown.clientId, undefined);
    assert.deepEqual(lost.proxy.posts().map(body), [true, false]);
    assert.match(unknown.problem.hint ?? "", /clients list/);
    const chosen = await set.admin.create(PAYLOAD, false);
    assert.ok(chosen.kind === "refused" && chosen.problem instanceof Problem);
    assert.equal(chosen.problem.code, "id-refused");
  });

  it("repeats a request that was certainly not received, even without a chosen ID", async () => {
    await using set = await stage("2.1", ({ method, body }) =>
      method === "POST" && !body.includes('"client_id"') && set.slept.length === 0
        ? instead({ status: 429 })
        : undefined,
    );
    assert.equal((await set.admin.create(PAYLOAD, true)).kind, "created");
    assert.equal(set.slept.length, 1);
  });

  it("that is interrupted before it was sent is not ambiguous", async () => {
    await using set = await stage("26");
    set.control.abort(new Error("enough"));
    assert.equal((await set.admin.create(PAYLOAD, true)).kind, "refused");
    assert.equal(set.proxy.seen.length, 0);
  });

  it("that is interrupted under way is looked up in spite of the signal", async () => {
    await using held = await stage("26", ({ method }) =>
      method === "POST"
        ? async ({ pass }) => {
            await pass();
            held.control.abort(new Error("enough"));
          }
        : undefined,
    );
    assert.equal((await held.admin.create(PAYLOAD, true)).kind, "found");
    await using none = await stage("26", ({ method }) =>
      method === "POST" ? () => none.control.abort(new Error("enough")) : undefined,
    );
    const outcome = await none.admin.create(PAYLOAD, true);
    assert.ok(outcome.kind === "unknown");
    assert.match(outcome.problem.message, /does not have the client now/);
  });
});

describe("an existing client", () => {
  it("is read, changed and deleted on each version", async () => {
    for (const as of VERSIONS) {
      const [set, id] = await withClient(as);
      await using _ = set;
      const before = await set.admin.get(id);
      assert.equal(before["client_name"], "x");
      const { update } = await set.admin.family();
      const after =
        update === "put"
          ? await set.admin.replace(id, { ...before, client_name: "y" })
          : await set.admin.patch(id, [{ op: "replace", path: "/client_name", value: "y" }]);
      assert.equal(after["client_name"], "y");
      assert.equal((await set.admin.get(id))["client_name"], "y");
      assert.equal(set.sandbox.secretOf(id), PAYLOAD.client_secret);
      const page = await set.admin.page({ size: 10 });
      assert.deepEqual(
        page.clients.map((client) => client.client_id),
        [id],
      );
      await set.admin.remove(id);
      assert.equal(await set.admin.find(id), undefined);
      // Not every version says that there was nothing to delete.
      for (const method of as === "26" ? ["GET", "DELETE"] : ["GET"]) {
        const gone = await problem(method === "GET" ? set.admin.get(id) : set.admin.remove(id));
        assert.deepEqual([gone.exit, gone.code, gone.status], ["notFound", "not-found", as === "1.8" ? 401 : 404]);
        const { paths } = await set.admin.family();
        assert.deepEqual(gone.request, { method, url: `${set.proxy.url}${paths.client(id)}` });
      }
    }
  });

  it("is patched with the media type of JSON Patch", async () => {
    const [set, id] = await withClient("26");
    await using _ = set;
    await set.admin.patch(id, [{ op: "replace", path: "/client_name", value: "y" }]);
    assert.equal(set.proxy.seen.at(-1)?.headers["content-type"], "application/json-patch+json");
  });

  it("that conflicts with something has no hint to choose another ID, which a change cannot do", async () => {
    await using set = await stage("26", () => instead({ status: 409 }));
    const { exit, hint } = await problem(set.admin.patch("a", []));
    assert.deepEqual([exit, hint], ["conflict", "remove what it conflicts with, then run the command again"]);
  });

  it("has every character of its ID escaped in the path", async () => {
    await using set = await stage("26");
    await set.admin.find("a/b ?#%é");
    assert.equal(set.proxy.seen[0]?.target, "/admin/clients/a%2Fb%20%3F%23%25%C3%A9");
  });

  it("is deleted once, also if a response is lost", async () => {
    let deletes = 0;
    const [set, id] = await withClient("26", ({ method }) =>
      method === "DELETE" && deletes++ === 0 ? dropAfter : undefined,
    );
    await using _ = set;
    await set.admin.remove(id);
    assert.equal(deletes, 2);
    assert.equal((await problem(set.admin.remove(id))).exit, "notFound");
  });

  it("is deleted only if the response confirms it, not by a web page", async () => {
    for (const [status, body] of [
      [204, ""],
      [200, ""],
      [202, " \n"],
      [200, "null"],
      [200, '{"client_id":"x"}'],
    ] as const) {
      await using set = await stage("26", () => instead({ status, body }));
      await set.admin.remove("x");
    }
    const page = instead({ status: 200, headers: { "content-type": "text/html" }, body: "<html>Sign in</html>" });
    await using set = await stage("26", () => page);
    const found = await problem(set.admin.remove("x"));
    assert.equal(
      found.message,
      'Cannot delete client "x": server answered 200 with a web page instead of a confirmation that the client is deleted',
    );
    assert.deepEqual([found.code, found.exit, found.ambiguous], ["unreadable-answer", "failed", true]);
  });

  it("may have null as its secret", async () => {
    const body = JSON.stringify([{ client_id: "a", client_secret: null }, { client_id: "b" }]);
    await using set = await stage("26", () => instead({ status: 200, body }));
    const { clients } = await set.admin.page({ size: 10 });
    assert.deepEqual(
      clients.map((client) => client.client_id),
      ["a", "b"],
    );
  });

  it("is reported as possibly changed if the response is lost", async () => {
    const [set, id] = await withClient("26", ({ method }) => (method === "PATCH" ? dropAfter : undefined), {
      failAfter: 0,
    });
    await using _ = set;
    const found = await problem(set.admin.patch(id, [{ op: "replace", path: "/client_name", value: "y" }]));
    assert.match(found.message, /the change may have been made anyway$/);
    assert.equal(found.ambiguous, true);
    assert.equal((await set.admin.get(id))["client_name"], "y");
  });

  it("isn't read from an unexpected response", async () => {
    for (const body of [
      "<html>",
      "[]",
      "{}",
      '{"client_id":7}',
      '{"client_id":"x","client_secret":7}',
      '{"client_id":""}',
      "",
      "null",
    ]) {
      await using set = await stage("26", () => instead({ status: 200, body }));
      assert.equal((await problem(set.admin.get("x"))).code, "unreadable-answer", body);
      const listed = body === "[]" ? [] : (await problem(set.admin.page({ size: 1 }))).code;
      assert.deepEqual(listed, body === "[]" ? [] : "unreadable-answer", body);
    }
  });
});

describe("the API with a deadline", () => {
  it("has its own time and signal, and reports no retries", async () => {
    await using set = await stage("26", ({ method }) => (method === "DELETE" ? instead({ status: 503 }) : undefined));
    await set.admin.create(PAYLOAD, true);
    set.control.abort(new Error("enough"));
    const later = set.admin.withDeadline(5000);
    assert.equal((await later.get(ID)).client_id, ID);
    assert.equal((await problem(later.remove(ID))).status, 503);
    assert.deepEqual(set.slept, [200, 400, 800, 1600]);
    assert.deepEqual(set.warnings, []);
    assert.ok(set.sandbox.secretOf(ID));
  });
});

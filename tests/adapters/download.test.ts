import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDownload } from "../../lib/adapters/download.ts";
import { type HttpRequest, NetworkFailure, type SendHttp } from "../../lib/core/network.ts";
import { Problem } from "../../lib/core/problem.ts";

/** What a URL returns: a body, or the URL that it redirects to. */
type Place = string | { readonly to: string | undefined; readonly status?: number } | NetworkFailure;

/** A web of places; an address that is none of them fails the test. */
function web(places: Readonly<Record<string, Place>>, remaining = 60_000) {
  const asked: HttpRequest[] = [];
  let now = 1000;
  const http: SendHttp = async (request) => {
    asked.push(request);
    now += 100;
    const place = places[request.url];
    if (place === undefined) assert.fail(`asked for ${request.url}`);
    if (place instanceof NetworkFailure) throw place;
    const body = typeof place === "string" ? place : "";
    const bytes = new TextEncoder().encode(body);
    const headers = new Headers(typeof place === "string" || place.to === undefined ? {} : { location: place.to });
    return { status: typeof place === "string" ? 200 : (place.status ?? 302), headers, bytes, text: body };
  };
  const control = new AbortController();
  const download = createDownload(
    http,
    () => remaining,
    control.signal,
    () => now,
  );
  return { asked, control, get: (url: string, plain = false) => download(url, { ...OPTIONS, allowPlainHttp: plain }) };
}

const OPTIONS = { what: "the key of --pgp-key-url", maxBytes: 1000 };

async function problem(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    assert.match(error.message, /^Cannot fetch the key of --pgp-key-url/);
    assert.ok(error.hint);
    return error;
  }
  return assert.fail("it came");
}

/** A chain of addresses, each leading to the next, the last one with the key. */
function chain(hops: number): Readonly<Record<string, Place>> {
  const places: Record<string, Place> = { [`https://a.example/${hops}`]: "key" };
  for (let n = 0; n < hops; n++) places[`https://a.example/${n}`] = { to: `/${n + 1}` };
  return places;
}

describe("a download", () => {
  it("returns the status, the bytes and the final URL", async () => {
    const { get, asked } = web({ "https://a.example/key?x=1": "the key" });
    const answer = await get("https://a.example/key?x=1");
    assert.deepEqual([answer.status, answer.url], [200, "https://a.example/key?x=1"]);
    assert.equal(new TextDecoder().decode(answer.bytes), "the key");
    const [request] = asked;
    assert.equal(request?.method, "GET");
    assert.equal(request?.maxBytes, 1000);
    assert.deepEqual(request?.headers, { accept: "*/*" });
    assert.deepEqual([request?.json, request?.form], [undefined, undefined]);
  });

  it("returns every status that isn't a redirect", async () => {
    for (const status of [204, 304, 400, 404, 500]) {
      const { get } = web({ "https://a.example/": { to: "https://b.example/", status } });
      assert.equal((await get("https://a.example/")).status, status);
    }
    const { get } = web({ "https://a.example/": { to: undefined, status: 302 } });
    assert.equal((await get("https://a.example/")).status, 302);
  });

  it("follows up to five redirects of every kind, also relative and to other hosts", async () => {
    const five = await web(chain(5)).get("https://a.example/0");
    assert.equal(five.url, "https://a.example/5");
    const six = await problem(web(chain(6)).get("https://a.example/0"));
    assert.deepEqual([six.code, six.exit], ["redirects", "unreachable"]);
    for (const status of [301, 302, 303, 307, 308]) {
      const { get } = web({
        "https://a.example/x/y": { to: "../z", status },
        "https://a.example/z": { to: "//b.example/k" },
        "https://b.example/k": "key",
      });
      assert.equal((await get("https://a.example/x/y")).url, "https://b.example/k");
    }
  });

  it("stops in a redirect loop", async () => {
    const { get, asked } = web({ "https://a.example/": { to: "https://a.example/" } });
    assert.equal((await problem(get("https://a.example/"))).code, "redirects");
    assert.equal(asked.length, 6);
  });

  it("never follows a redirect from https to http, not even to this machine or for a pinned key", async () => {
    for (const to of ["http://a.example/k", "http://127.0.0.1/k", "http://localhost/k"]) {
      const { get, asked } = web({ "https://a.example/": { to } });
      const found = await problem(get("https://a.example/", true));
      assert.deepEqual([found.code, found.exit], ["redirect-downgrade", "unreachable"]);
      assert.equal(asked.length, 1);
    }
  });

  it("accepts plain http only from this machine or for a known key, at each step", async () => {
    const { get, asked } = web({
      "http://127.0.0.1/k": { to: "http://b.example/k" },
      "http://b.example/k": "key",
      "http://localhost/k": "key",
      "http://[::1]/k": "key",
    });
    assert.equal((await problem(get("http://b.example/k"))).code, "plain-http");
    assert.equal(asked.length, 0);
    assert.equal((await get("http://localhost/k")).status, 200);
    assert.equal((await get("http://[::1]/k")).status, 200);
    assert.equal((await problem(get("http://127.0.0.1/k"))).code, "plain-http");
    assert.equal((await get("http://127.0.0.1/k", true)).url, "http://b.example/k");
  });

  it("rejects other protocols", async () => {
    for (const address of ["", "key.asc", "file:///etc/passwd", "ftp://a.example/k", "data:,x", "javascript:1"]) {
      const found = await problem(web({}).get(address, true));
      assert.deepEqual([found.code, found.exit], ["bad-address", "usage"]);
      const { get, asked } = web({ "http://127.0.0.1/": { to: address } });
      if (!address.includes(":")) continue;
      const led = await problem(get("http://127.0.0.1/", true));
      assert.deepEqual([led.code, led.exit], ["bad-address", "unreachable"]);
      assert.equal(asked.length, 1);
    }
    const { get } = web({ "https://a.example/": { to: "http://[broken" } });
    assert.equal((await problem(get("https://a.example/"))).code, "redirects");
  });

  it("has one time limit for all redirects", async () => {
    for (const [remaining, most] of [
      [60_000, 20_000],
      [5000, 5000],
    ] as const) {
      const { get, asked } = web(chain(3), remaining);
      await get("https://a.example/0");
      assert.deepEqual(
        asked.map(({ timeout }) => timeout),
        [most, most - 100, most - 200, most - 300],
      );
    }
  });

  it("reports a failure without the userinfo and query of the URL", async () => {
    const url = "https://user:hush@a.example/k?token=hush";
    for (const [kind, exit] of [
      ["refused", "unreachable"],
      ["timeout", "unreachable"],
      ["certificate", "unreachable"],
      ["too-large", "unreachable"],
    ] as const) {
      const { get } = web({ [url]: new NetworkFailure(kind, "that is why") });
      const found = await problem(get(url));
      assert.equal(found.exit, exit);
      assert.match(found.message, /from https:\/\/a\.example\/k\?…: that is why$/);
      assert.doesNotMatch(JSON.stringify(found) + found.message + String(found.hint), /hush/);
    }
  });

  it("passes its signal on", async () => {
    const { get, asked, control } = web({ "https://a.example/": "key" });
    await get("https://a.example/");
    control.abort();
    assert.equal(asked[0]?.signal?.aborted, true);
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fetchPgpKeyFromUrl } from "../../lib/adapters/pgp-key-url.ts";
import type { Download } from "../../lib/core/network.ts";
import { type KeyServer, openKeyServer, type Reply } from "./keyserver.ts";

describe("keys from URLs", () => {
  let server: KeyServer;
  let reply: Reply = { body: "" };

  before(async () => {
    server = await openKeyServer(() => reply);
  });

  after(() => server.close());

  it("returns the bytes as received, up to the largest size of a key", async () => {
    const body = Uint8Array.from({ length: 256 }, (_, i) => i);
    reply = { body };
    const { material, url } = await fetchPgpKeyFromUrl(`${server.url}/key.asc`, server.download, false);
    assert.deepEqual(Buffer.from(material), Buffer.from(body));
    assert.equal(url, `${server.url}/key.asc`);
    assert.deepEqual(server.asked.at(-1)?.options, {
      what: "the key of --pgp-key-url",
      maxBytes: 1_048_576,
      allowPlainHttp: false,
    });
  });

  it("accepts plain http only from this machine or for a pinned key", async () => {
    reply = { body: "key" };
    const before = server.asked.length;
    for (const address of ["http://example.org/k", "http://127.evil.example/k", "http://localhost.example.org/k"]) {
      await assert.rejects(fetchPgpKeyFromUrl(address, server.download, false), { code: "plain-http", exit: "usage" });
    }
    assert.equal(server.asked.length, before, "nothing was sent");
    await fetchPgpKeyFromUrl("http://example.org/k", server.download, true);
    assert.equal(server.asked.at(-1)?.options.allowPlainHttp, true);
    for (const address of [
      "http://localhost/k",
      "http://a.localhost/k",
      "http://[::1]/k",
      "http://127.1/k",
      "https://x.y/k",
    ]) {
      await fetchPgpKeyFromUrl(address, server.download, false);
    }
  });

  it("doesn't use a key after a redirect to plain http", async () => {
    const elsewhere: Download = async () => ({ status: 200, url: "http://example.org/k", bytes: new Uint8Array(1) });
    await assert.rejects(fetchPgpKeyFromUrl("https://example.org/k", elsewhere, false), { code: "plain-http" });
    assert.equal((await fetchPgpKeyFromUrl("https://example.org/k", elsewhere, true)).material.length, 1);
  });

  it("rejects an invalid URL, without its credentials in the message", async () => {
    for (const address of ["", "key.asc", "ftp://example.org/k", "file:///etc/passwd"]) {
      await assert.rejects(fetchPgpKeyFromUrl(address, server.download, true), { code: "bad-address", exit: "usage" });
    }
    await assert.rejects(
      fetchPgpKeyFromUrl("ftp://user:hunter2@example.org/k", server.download, true),
      (error: Error) => {
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });

  it("reports the status of a response without a key", async () => {
    for (const status of [204, 401, 403, 404, 410]) {
      reply = { status, body: "" };
      await assert.rejects(fetchPgpKeyFromUrl(`${server.url}/k`, server.download, false), {
        code: "key-url-status",
        exit: "noUsableKey",
        status,
        message: new RegExp(
          `^Cannot fetch the key of --pgp-key-url: http://127\\.0\\.0\\.1:\\d+/k answered ${status}$`,
        ),
      });
    }
    for (const status of [429, 500, 503]) {
      reply = { status, body: "-----BEGIN PGP PUBLIC KEY BLOCK-----" };
      await assert.rejects(fetchPgpKeyFromUrl(`${server.url}/k`, server.download, false), {
        exit: "unreachable",
        status,
      });
    }
  });

  it("detects a web page", async () => {
    for (const body of ["<!DOCTYPE html><html>", "\n <html lang=en>", "<head></head>"]) {
      reply = { body, type: "text/html" };
      await assert.rejects(fetchPgpKeyFromUrl(`${server.url}/k`, server.download, false), {
        code: "key-url-web-page",
        exit: "noUsableKey",
      });
    }
    reply = { body: "<html><pre>-----BEGIN PGP PUBLIC KEY BLOCK-----\n", type: "text/html" };
    assert.ok((await fetchPgpKeyFromUrl(`${server.url}/k`, server.download, false)).material.length > 0);
  });
});

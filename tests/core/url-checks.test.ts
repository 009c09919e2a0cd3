import assert from "node:assert/strict";
import { it } from "node:test";
import { looksLikeWebPage } from "../../lib/core/pgp/keyless-answer.ts";
import { isLoopbackHost } from "../../lib/core/url-checks.ts";

it("recognizes this machine in every spelling that a URL can have", () => {
  const here = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "api.localhost",
    "a.b.localhost",
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "0x7f.0.0.1",
    "2130706433",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
  ];
  for (const host of here) assert.ok(isLoopbackHost(new URL(`http://${host}:4445/`).hostname), host);
});

it("recognizes no other host as this machine, however it begins", () => {
  const elsewhere = [
    "127.evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "notlocalhost",
    "evil-localhost",
    "128.0.0.1",
    "12.7.0.0",
    "0.0.0.0",
    "10.127.0.1",
    "[::2]",
    "[::]",
    "[::ffff:10.0.0.1]",
    "example.org",
  ];
  for (const host of elsewhere) assert.ok(!isLoopbackHost(new URL(`http://${host}/`).hostname), host);
  for (const text of ["", "127.0.0.1 ", "127.0.0", "127.0.0.256", "127.0.0.1\n", "localhost\nx"]) {
    assert.ok(!isLoopbackHost(text), JSON.stringify(text));
  }
});

it("distinguishes a web page from a key", () => {
  for (const page of ["<!doctype html>", "\n\t<HTML>", "<?xml version='1.0'?><html>", "<body>"])
    assert.ok(looksLikeWebPage(page));
  for (const text of ["", "-----BEGIN PGP PUBLIC KEY BLOCK-----", "mQINBF", "see <html> below"])
    assert.ok(!looksLikeWebPage(text));
});

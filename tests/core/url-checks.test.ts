import assert from "node:assert/strict";
import { it } from "node:test";
import { looksLikeWebPage } from "../../lib/core/pgp/keyless-answer.ts";
import { endpointUrlProblems, isLoopbackHost, publicUrlProblems } from "../../lib/core/url-checks.ts";

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

const messages = (problems: readonly { readonly message: string }[]) => problems.map(({ message }) => message);

it("a public URL has a scheme and a host, perhaps a path, and nothing else", () => {
  for (const text of ["http://127.0.0.1:4444", "HTTPS://auth.example.com/hydra/", "http://[::1]:4444"])
    assert.deepEqual(publicUrlProblems("--public-url", text), [], text);
  for (const [text, reason] of [
    ["127.0.0.1:4444", "is not an http or https URL"],
    ["ftp://auth.example.com/", "is not an http or https URL"],
    ["", "is not an http or https URL"],
  ] as const)
    assert.deepEqual(messages(publicUrlProblems("--public-url", text)), [`--public-url "${text}" ${reason}`]);
  assert.match(
    messages(publicUrlProblems("--public-url", "http:127.0.0.1:4444"))[0] ?? "",
    /is not an http or https URL$/,
  );
  for (const [text, part] of [
    ["https://auth.example.com/?tenant=a", "query"],
    ["https://auth.example.com/#a", "fragment"],
    ["https://auth.example.com ", "space"],
  ] as const)
    assert.match(messages(publicUrlProblems("--public-url", text))[0] ?? "", new RegExp(` has a ${part}$`), text);
});

it("an endpoint may have a query, but no user and no fragment", () => {
  assert.deepEqual(endpointUrlProblems("--token-url", "https://auth.example.com/oauth2/token?tenant=a"), []);
  assert.deepEqual(messages(endpointUrlProblems("--token-url", "https://auth.example.com/token#a")), [
    '--token-url "https://auth.example.com/token?…" has a fragment',
  ]);
});

it("a password in a URL is not shown, and where the URL came from is", () => {
  const origin = "environment variable HYDRA_PUBLIC_URL";
  for (const problems of [publicUrlProblems, endpointUrlProblems]) {
    const [message] = messages(problems(origin, "https://me:hush@auth.example.com/"));
    assert.match(message ?? "", /^Environment variable HYDRA_PUBLIC_URL ".*auth\.example\.com\/?" has a user$/);
    assert.doesNotMatch(message ?? "", /hush/);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointUrlProblems, publicUrlProblems } from "../../../lib/core/flags/server-url-problems.ts";

const messages = (problems: readonly { readonly message: string }[]) => problems.map(({ message }) => message);

test("a public URL has a scheme and a host, perhaps a path, and nothing else", () => {
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

test("an endpoint may have a query, but no user and no fragment", () => {
  assert.deepEqual(endpointUrlProblems("--token-url", "https://auth.example.com/oauth2/token?tenant=a"), []);
  assert.deepEqual(messages(endpointUrlProblems("--token-url", "https://auth.example.com/token#a")), [
    '--token-url "https://auth.example.com/token?…" has a fragment',
  ]);
});

test("a password in a URL is not shown, and where the URL came from is", () => {
  const origin = "environment variable HYDRA_PUBLIC_URL";
  for (const problems of [publicUrlProblems, endpointUrlProblems]) {
    const [message] = messages(problems(origin, "https://me:hush@auth.example.com/"));
    assert.match(message ?? "", /^Environment variable HYDRA_PUBLIC_URL ".*auth\.example\.com\/?" has a user$/);
    assert.doesNotMatch(message ?? "", /hush/);
  }
});

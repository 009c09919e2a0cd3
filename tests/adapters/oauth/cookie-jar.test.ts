import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CookieJar } from "../../../lib/adapters/oauth/cookie-jar.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");

const PUBLIC = new URL("http://127.0.0.1:4444/oauth2/auth");

function jarWith(...lines: readonly string[]): CookieJar {
  const jar = new CookieJar(() => NOW);
  const headers = new Headers();
  for (const line of lines) headers.append("set-cookie", line);
  jar.keep(PUBLIC, headers);
  return jar;
}

function sent(jar: CookieJar, url: URL | string = PUBLIC): string {
  return jar.headersFor(new URL(url))["cookie"] ?? "";
}

describe("the cookies of a driven login", () => {
  test("are sent back, and replaced by later ones of the same name and path", () => {
    assert.equal(sent(jarWith("a=1; Path=/", "b=x=y; HttpOnly; Path=/", "a=2; Path=/")), "b=x=y; a=2");
    assert.deepEqual(jarWith().headersFor(PUBLIC), {});
  });

  test("are deleted where the server says so", () => {
    assert.equal(
      sent(jarWith("a=1; Path=/", "a=; Path=/; Max-Age=0", "b=1; Expires=Tue, 01 Jan 2030 00:00:00 GMT")),
      "",
    );
    assert.equal(sent(jarWith("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60")), "a=1");
  });

  test("are kept for their path", () => {
    const jar = jarWith("own=1", "all=1; Path=/", "other=1; Path=/oauth", "below=1; Path=/oauth2/auth/");
    assert.equal(sent(jar), "own=1; all=1");
    assert.equal(sent(jar, "http://127.0.0.1:4444/oauth2/auth/x"), "own=1; all=1; below=1");
    assert.equal(sent(jar, "http://127.0.0.1:4444/"), "all=1");
  });

  test("that are Secure are sent to this machine without TLS, and to no other", () => {
    const jar = jarWith("a=1; Path=/; Secure");
    assert.equal(sent(jar), "a=1");
    assert.equal(sent(jar, "https://hydra.example/"), "a=1");
    assert.equal(sent(jar, "http://hydra.example/"), "");
    assert.equal(jar.withholds(new URL("http://hydra.example/")), true);
    assert.equal(jar.withholds(PUBLIC), false);
  });

  test("are limited, each and together", () => {
    assert.equal(sent(jarWith(`a=${"x".repeat(4_096)}`, "=nameless", "valueless", "b=1")), "b=1");
    const many = Array.from({ length: 100 }, (_, i) => `c${i}=${"x".repeat(4_000)}`);
    assert.equal(sent(jarWith(...many)).split("; ").length, 4);
  });
});

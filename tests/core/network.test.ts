import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type FailureKind,
  findProxyForUrl,
  NetworkFailure,
  networkHint,
  type UsedProxy,
} from "../../lib/core/network.ts";

/** Addresses, the environment, and the proxy that is named. */
const PROXIES: readonly (readonly [
  address: string,
  environment: Readonly<Record<string, string>>,
  named: string | undefined,
])[] = [
  ["http://a.example", {}, undefined],
  ["http://a.example", { HTTP_PROXY: "http://p.example:3128" }, "HTTP_PROXY (http://p.example:3128/)"],
  ["http://a.example", { HTTP_PROXY: "p:3128", http_proxy: "q:1" }, "http_proxy (q:1)"],
  ["http://a.example", { HTTP_PROXY: "p:3128", http_proxy: "" }, "HTTP_PROXY (p:3128)"],
  ["http://a.example", { HTTPS_PROXY: "p:3128" }, undefined],
  ["https://a.example", { HTTPS_PROXY: "http://me:s3cret@p:3128" }, "HTTPS_PROXY (http://p:3128/)"],
  ["https://a.example", { HTTPS_PROXY: "me:s3cret@p:3128" }, "HTTPS_PROXY (p:3128)"],
  ["https://a.example", { HTTPS_PROXY: "http://me:s3cret@" }, "HTTPS_PROXY (http://)"],
  ["https://a.example", { ALL_PROXY: "p:1", HTTPS_PROXY: "q:2" }, "HTTPS_PROXY (q:2)"],
  ["https://a.example", { ALL_PROXY: "p:1" }, "ALL_PROXY (p:1)"],
  ["https://a.example", { HTTPS_PROXY: "p:1", NO_PROXY: "b.example, a.example" }, undefined],
  ["https://a.example", { HTTPS_PROXY: "p:1", NO_PROXY: ".example" }, undefined],
  ["https://a.example", { HTTPS_PROXY: "p:1", NO_PROXY: "A.EXAMPLE:443" }, undefined],
  ["https://a.example", { HTTPS_PROXY: "p:1", NO_PROXY: "*" }, undefined],
  ["https://ba.example", { HTTPS_PROXY: "p:1", NO_PROXY: "a.example," }, "HTTPS_PROXY (p:1)"],
  ["https://a.example:8443", { HTTPS_PROXY: "p:1", NO_PROXY: "a.example:443" }, "HTTPS_PROXY (p:1)"],
  ["https://a.example", { HTTPS_PROXY: "p:1", NO_PROXY: "a.example", no_proxy: "b" }, "HTTPS_PROXY (p:1)"],
  // As Bun 1.4 reads NO_PROXY.
  ...["*.example", "*.a.example", ".a.example:443", "x a.example", "x\ta.example y", "a.example.", ".example.:443"].map(
    (entry) => ["https://a.example", { HTTPS_PROXY: "p:1", NO_PROXY: entry }, undefined] as const,
  ),
  ...["*example", "*.", ".", "a*", "a.example:", "*:443", "*.example:1", ":443", "http://a.example"].map(
    (entry) => ["https://a.example", { HTTPS_PROXY: "p:1", NO_PROXY: entry }, "HTTPS_PROXY (p:1)"] as const,
  ),
  ["https://a.example.", { HTTPS_PROXY: "p:1", NO_PROXY: "*.example" }, undefined],
  ...["10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "10.1.2.3", "10.1.2.3:443"].map(
    (entry) => ["https://10.1.2.3", { HTTPS_PROXY: "p:1", NO_PROXY: entry }, undefined] as const,
  ),
  ...["11.0.0.0/8", "10.0.0.0/33", "10.1.2.3/8x", "10.*", "1.2.3", "*.2.3", "10.1.2.3:1"].map(
    (entry) => ["https://10.1.2.3", { HTTPS_PROXY: "p:1", NO_PROXY: entry }, "HTTPS_PROXY (p:1)"] as const,
  ),
  ...["fd00::1", "[fd00::1]", "[fd00::1]:443"].map(
    (entry) => ["https://[fd00::1]", { HTTPS_PROXY: "p:1", NO_PROXY: entry }, undefined] as const,
  ),
  ["https://[fd00::1]", { HTTPS_PROXY: "p:1", NO_PROXY: "[fd00::1]:1" }, "HTTPS_PROXY (p:1)"],
];

describe("findProxyForUrl() names the variable and its proxy, without credentials", () => {
  for (const [address, environment, named] of PROXIES) {
    test(`${address} with ${JSON.stringify(environment)}`, () => {
      const proxy = findProxyForUrl(new URL(address), (name) => environment[name]);
      assert.equal(proxy === undefined ? undefined : `${proxy.variable} (${proxy.shown})`, named);
    });
  }
});

test("the hint mentions a proxy if one is used and can be the reason", () => {
  const hint = (kind: FailureKind, via?: UsedProxy): string =>
    networkHint(new NetworkFailure(kind, "x", undefined, via), "check the address");
  const proxy = (variable: string, value: string): UsedProxy | undefined =>
    findProxyForUrl(new URL("https://a.example"), (name) => (name === variable ? value : undefined));
  assert.equal(hint("refused"), "check the address");
  assert.equal(hint("certificate", proxy("HTTPS_PROXY", "p:1")), "check the address");
  assert.equal(
    hint("unresolved", proxy("HTTPS_PROXY", "http://p:1")),
    "the request goes through the proxy of HTTPS_PROXY (http://p:1/): check it, or add the host to NO_PROXY",
  );
  assert.equal(
    hint("protocol", proxy("ALL_PROXY", "socks5://p:1")),
    "the request goes through the proxy of ALL_PROXY (socks5://p:1), which should be an http:// or https:// URL: check it, or add the host to NO_PROXY",
  );
  assert.equal(hint("handshake", proxy("HTTPS_PROXY", "http://p:1")), "check the address");
  assert.match(
    hint("handshake", proxy("HTTPS_PROXY", "HTTPS://p:1")),
    /^the request goes through the proxy of HTTPS_PROXY /,
  );
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chooseRedirect, type RedirectTarget, type RedirectWishes, withPort } from "../../lib/tokens/redirect-uri.ts";

const NOTHING: RedirectWishes = { redirect: undefined, port: undefined };

function target(uri: string, hosts: readonly string[], port: number, path: string): RedirectTarget {
  // A free port isn't known yet.
  return { uri, listen: { hosts, port, path, ...(port === 0 ? {} : { authority: new URL(uri).host }) } };
}

describe("the redirect URI", () => {
  test("is on a free port of 127.0.0.1 by default", () => {
    const expected = target("http://127.0.0.1/callback", ["127.0.0.1"], 0, "/callback");
    assert.deepEqual(chooseRedirect(NOTHING, undefined), expected);
    assert.deepEqual(chooseRedirect(NOTHING, []), expected);
    assert.deepEqual(chooseRedirect(NOTHING, ["https://app.example.com/cb", "not a URI"]), expected);
    assert.equal(withPort(expected.uri, 8080), "http://127.0.0.1:8080/callback");
  });

  test("is a registered one: 127.0.0.1, else [::1], else a fixed port of localhost", () => {
    const all = ["http://localhost:8080/l", "http://[::1]:1/six", "http://127.0.0.1:4446/four"];
    assert.deepEqual(chooseRedirect(NOTHING, all), target("http://127.0.0.1/four", ["127.0.0.1"], 0, "/four"));
    assert.deepEqual(chooseRedirect(NOTHING, all.slice(0, 2)), target("http://[::1]/six", ["::1"], 0, "/six"));
    const both = ["127.0.0.1", "::1"];
    assert.deepEqual(chooseRedirect(NOTHING, all.slice(0, 1)), target("http://localhost:8080/l", both, 8080, "/l"));
    assert.deepEqual(chooseRedirect(NOTHING, ["http://localhost/l"]), target("http://localhost/l", both, 80, "/l"));
  });

  test("has the port of --port, or is a registered localhost URI with that port", () => {
    const wishes = { ...NOTHING, port: 4446 };
    const default4446 = target("http://127.0.0.1:4446/callback", ["127.0.0.1"], 4446, "/callback");
    assert.deepEqual(chooseRedirect(wishes, undefined), default4446);
    assert.deepEqual(chooseRedirect(wishes, ["http://localhost:8080/l"]), default4446);
    const local = target("http://localhost:4446/l", ["127.0.0.1", "::1"], 4446, "/l");
    assert.deepEqual(chooseRedirect(wishes, ["http://localhost:4446/l"]), local);
    assert.deepEqual(chooseRedirect({ ...NOTHING, port: 0 }, undefined), chooseRedirect(NOTHING, undefined));
    assert.equal(chooseRedirect({ ...NOTHING, port: 80 }, undefined).listen?.port, 80);
  });

  test("is that of --redirect, with a free port only if that has none on a loopback address", () => {
    const wish = (redirect: string, port?: number): RedirectTarget => chooseRedirect({ redirect, port }, undefined);
    assert.deepEqual(wish("http://127.0.0.1:81/cb"), target("http://127.0.0.1:81/cb", ["127.0.0.1"], 81, "/cb"));
    assert.deepEqual(wish("http://127.0.0.1:80/cb"), target("http://127.0.0.1:80/cb", ["127.0.0.1"], 80, "/cb"));
    assert.deepEqual(wish("http://127.0.0.1/cb?x=1"), target("http://127.0.0.1/cb?x=1", ["127.0.0.1"], 0, "/cb"));
    assert.deepEqual(wish("http://127.0.0.1/cb", 82), target("http://127.0.0.1:82/cb", ["127.0.0.1"], 82, "/cb"));
    // A container or a proxy forwards another port.
    assert.deepEqual(wish("http://127.0.0.1:81/cb", 82), target("http://127.0.0.1:81/cb", ["127.0.0.1"], 82, "/cb"));
    assert.deepEqual(
      wish("https://app.example.com/cb", 82),
      target("https://app.example.com/cb", ["127.0.0.1"], 82, "/cb"),
    );
  });

  test("keeps its own port with --port 0 where servers accept no other one", () => {
    for (const redirect of ["http://localhost:8080/cb", "http://localhost/cb", "https://app.example.com/cb", "a:/cb"])
      assert.deepEqual(
        chooseRedirect({ redirect, port: 0 }, undefined),
        chooseRedirect({ redirect, port: undefined }, undefined),
      );
    const registered = ["http://localhost:8080/cb"];
    assert.deepEqual(chooseRedirect({ ...NOTHING, port: 0 }, registered), chooseRedirect(NOTHING, registered));
    const free = chooseRedirect({ redirect: "http://127.0.0.1:81/cb", port: 0 }, undefined);
    assert.equal(free.listen?.port, 0);
  });

  test("is not changed, except for the port", () => {
    for (const [uri, withPort8] of [
      ["http://127.0.0.1", "http://127.0.0.1:8"],
      ["http://127.0.0.1:4446?a=b", "http://127.0.0.1:8?a=b"],
      ["http://[::1]/%7Ea/../b?x=y:9", "http://[::1]:8/%7Ea/../b?x=y:9"],
      ["http://[::1]:12/", "http://[::1]:8/"],
    ] as const) {
      const chosen = chooseRedirect(NOTHING, [uri]);
      assert.equal(withPort(chosen.uri, 8), withPort8);
      assert.doesNotMatch(chosen.uri, /^http:..(?:127.0.0.1|\[::1\]):/);
    }
  });

  test("must be pasted if the browser cannot reach this program with it", () => {
    for (const redirect of [
      "https://app.example.com/cb",
      "https://127.0.0.1/cb",
      "com.example.app:/cb",
      "http://example.com/cb",
    ])
      assert.deepEqual(chooseRedirect({ redirect, port: undefined }, undefined), { uri: redirect, listen: undefined });
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isRegisteredRedirect } from "../../../lib/core/client/redirect-match.ts";

test("a redirect URI is registered if it is in the list, or differs only by the port of a loopback address", () => {
  const registered = [
    "http://127.0.0.1:4446/cb",
    "http://[::1]/cb?x=1",
    "http://localhost:1/cb",
    "https://127.0.0.1/s",
    "app:/cb",
  ];
  for (const uri of [...registered, "http://127.0.0.1:9/cb", "http://127.0.0.1/cb", "http://[::1]:7/cb?x=1"])
    assert.ok(isRegisteredRedirect(registered, uri), uri);
  for (const uri of [
    "http://127.0.0.1:4446/cb/",
    "http://127.0.0.2:4446/cb",
    "http://127.0.0.1.example/cb",
    "http://[::1]/cb",
    "http://localhost:2/cb",
    "https://127.0.0.1:1/s",
    "https://127.0.0.1:4446/cb",
    "app:/other",
    "",
  ])
    assert.ok(!isRegisteredRedirect(registered, uri), uri);
});

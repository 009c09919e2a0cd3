import assert from "node:assert/strict";
import { test } from "node:test";
import { redactJson } from "../../../lib/core/json/redact-json.ts";

const REDACTED = "(redacted)";

for (const [name, body, shown] of [
  [
    "a field at any depth",
    { metadata: { list: [{ client_secret: "s" }] } },
    { metadata: { list: [{ client_secret: REDACTED }] } },
  ],
  [
    "a private key",
    { jwks: { keys: [{ kty: "EC", x: "1", d: "s" }] } },
    { jwks: { keys: [{ kty: "EC", x: "1", d: REDACTED }] } },
  ],
  [
    "a step of a JSON Patch",
    [{ op: "replace", path: "/client_secret", value: "s" }],
    [{ op: "replace", path: "/client_secret", value: REDACTED }],
  ],
  [
    "a step about a member of an object",
    [
      { op: "add", path: "/metadata/client_secret", value: "s" },
      { op: "add", path: "/metadata/a~1b/registration_access_token", value: "s" },
      { op: "add", path: "/metadata/team", value: { client_secret: "s", name: "web" } },
    ],
    [
      { op: "add", path: "/metadata/client_secret", value: REDACTED },
      { op: "add", path: "/metadata/a~1b/registration_access_token", value: REDACTED },
      { op: "add", path: "/metadata/team", value: { client_secret: REDACTED, name: "web" } },
    ],
  ],
  [
    "nothing else",
    { path: "/client_secret", value: "v", secret: 1 },
    { path: "/client_secret", value: "v", secret: 1 },
  ],
] as const)
  test(`redactJson() replaces ${name}`, () => {
    assert.deepEqual(redactJson(body), shown);
  });

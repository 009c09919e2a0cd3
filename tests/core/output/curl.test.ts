import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isJsonObject, parseJsonExactly } from "../../../lib/core/json/json.ts";
import { redactJson } from "../../../lib/core/json/redact-json.ts";
import { type CurlConnection, curlLineWithoutSecrets } from "../../../lib/core/output/curl.ts";
import { CLIENT_CREDENTIAL_FIELDS, REDACTED } from "../../../lib/core/redact.ts";
import { randomRuns } from "../../thorough.ts";

/** The words that a real shell makes of a line. */
function shellWords(line: string): readonly string[] {
  const credentials = ["CLIENT_SECRET", "REGISTRATION_ACCESS_TOKEN", "HEADER_AUTHORIZATION"];
  const output = execFileSync(
    "/bin/sh",
    ["-c", `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }\n${line}`],
    { env: Object.fromEntries(credentials.map((name) => [name, REDACTED])) },
  );
  return output.toString().split("\0").slice(0, -1);
}

/** Every value at whatever depth is under one of these names, and every JSON Patch value at such a path. */
function* credentialsIn(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) for (const item of value) yield* credentialsIn(item);
  if (!isJsonObject(value)) return;
  const { op, path } = value;
  for (const [key, member] of Object.entries(value)) {
    const patched = key === "value" && typeof op === "string" && typeof path === "string";
    if (CLIENT_CREDENTIAL_FIELDS.includes(key) || (patched && CLIENT_CREDENTIAL_FIELDS.includes(String(path).slice(1))))
      yield member;
    else yield* credentialsIn(member);
  }
}

const key = fc.oneof(fc.constantFrom("client_secret", "registration_access_token", "a", "__proto__"), fc.string());

const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, ""),
    fc.string({ unit: "binary" }),
    fc.array(tie("json"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("json")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

describe("redactJson()", () => {
  it("replaces every credential, at any depth", () => {
    const body = {
      client_secret: "s",
      items: [{ registration_access_token: "t", client_id: "a" }],
      metadata: { client_secret: { even: "this" } },
    };
    assert.deepEqual(redactJson(body), {
      client_secret: REDACTED,
      items: [{ registration_access_token: REDACTED, client_id: "a" }],
      metadata: { client_secret: REDACTED },
    });
    const jwks = { keys: [{ kty: "EC", x: "public", d: "private" }] };
    assert.deepEqual(redactJson({ jwks }), { jwks: { keys: [{ kty: "EC", x: "public", d: REDACTED }] } });
    const steps = [
      { op: "add", path: "/client_secret", value: "s" },
      { op: "replace", path: "/client_name", value: "n" },
      { op: "remove", path: "/client_secret" },
    ];
    assert.deepEqual(redactJson(steps), [{ op: "add", path: "/client_secret", value: REDACTED }, steps[1], steps[2]]);
  });

  it("leaves no credential in any value, and changes nothing else", () => {
    fc.assert(
      fc.property(json, (value) => {
        for (const found of credentialsIn(redactJson(value))) assert.ok(found === REDACTED || found === undefined);
        if ([...credentialsIn(value)].length === 0) assert.deepEqual(redactJson(value), value);
      }),
      { numRuns: randomRuns(500) },
    );
  });
});

function readRecord(text: string): Readonly<Record<string, unknown>> {
  const value = parseJsonExactly(text);
  return isJsonObject(value) ? value : assert.fail(text);
}

const PLAIN: CurlConnection = { headers: {}, socket: undefined, skipVerify: false, caFile: undefined };

describe("curlLineWithoutSecrets()", () => {
  it("writes a line that can be pasted", () => {
    const url = "http://127.0.0.1:4445/admin/clients/my-app";
    assert.equal(curlLineWithoutSecrets({ method: "DELETE", url }, PLAIN), `curl --request DELETE ${url}`);
    const body = [{ op: "add", path: "/client_secret", value: "s" }];
    assert.equal(
      curlLineWithoutSecrets(
        { method: "PATCH", url, body },
        { ...PLAIN, headers: { "X-Key": "k", "X-Forwarded-Proto": "https" }, socket: "/a b" },
      ),
      `curl --request PATCH --unix-socket '/a b' --header 'X-Key: '"\${HEADER_X_KEY:?}" --header 'X-Forwarded-Proto: https' --header 'content-type: application/json-patch+json' --data-raw '[{"op":"add","path":"/client_secret","value":"'"\${CLIENT_SECRET:?}"'"}]' ${url}`,
    );
    assert.equal(
      curlLineWithoutSecrets({ method: "DELETE", url }, { ...PLAIN, skipVerify: true, caFile: "/ca.pem" }),
      `curl --request DELETE --insecure --cacert /ca.pem ${url}`,
    );
  });

  it("never confuses text with the placeholder of a credential", () => {
    const values = ["\ue000client_secret\ue000", `\${CLIENT_SECRET:?}`, "(redacted)", "\0CLIENT_SECRET\0"];
    const body = { client_name: values, client_secret: "s", ...Object.fromEntries(values.map((key) => [key, key])) };
    const url = "http://127.0.0.1:1";
    const [, , ...words] = shellWords(
      curlLineWithoutSecrets(
        { method: "POST", url: url + values[1], body },
        { ...PLAIN, headers: { "X-Forwarded-Proto": values[0] ?? "" } },
      ),
    );
    assert.deepEqual(words, [
      ...["--header", `X-Forwarded-Proto: ${values[0]}`, "--header", "content-type: application/json"],
      ...["--data-raw", JSON.stringify({ ...body, client_secret: REDACTED }), url + values[1]],
    ]);
  });

  it("keeps numbers exactly, and leaves out what JSON leaves out", () => {
    const body = { ...readRecord('{"n":12345678901234567890,"f":1.10,"list":[1e400]}'), gone: undefined };
    const words = shellWords(curlLineWithoutSecrets({ method: "POST", url: "http://a", body }, PLAIN));
    assert.equal(words[5], JSON.stringify(body));
    assert.match(words[5] ?? "", /12345678901234567890.*1e400/);
  });

  it("has a separate variable for every header, whatever its name", () => {
    const line = curlLineWithoutSecrets(
      { method: "DELETE", url: "http://a" },
      { ...PLAIN, headers: { "X.A": "s", Path: "s" } },
    );
    assert.match(line, /'X\.A: '"\$\{HEADER_X_A:\?\}" --header 'Path: '"\$\{HEADER_PATH:\?\}"/);
  });

  it("stops in a shell until its credentials are set", () => {
    const line = curlLineWithoutSecrets(
      { method: "POST", url: "http://127.0.0.1:1", body: { client_secret: "s" } },
      PLAIN,
    );
    const { status, stderr } = spawnSync("/bin/sh", ["-c", line], { env: {}, encoding: "utf8" });
    assert.notEqual(status, 0);
    assert.match(stderr, /CLIENT_SECRET/);
    assert.doesNotMatch(stderr, /refused|not found/);
  });

  it("passes exactly the intended words, whatever they contain", () => {
    fc.assert(
      fc.property(json, fc.constantFrom("POST", "PUT", "PATCH"), (value, method) => {
        const body = { hard: "'\"$(touch x)`\\\n\t\u0000\u001b☃", value };
        const url = "http://127.0.0.1:1/admin/clients/a%20b";
        const words = shellWords(
          curlLineWithoutSecrets({ method, url, body }, { ...PLAIN, headers: { Authorization: "s" } }),
        );
        const type = method === "PATCH" ? "application/json-patch+json" : "application/json";
        assert.deepEqual(words.slice(0, 7), [
          ...["--request", method, "--header", `Authorization: ${REDACTED}`, "--header", `content-type: ${type}`],
          "--data-raw",
        ]);
        assert.deepEqual(JSON.parse(words[7] ?? ""), JSON.parse(JSON.stringify(redactJson(body))));
        assert.deepEqual(words.slice(8), [url]);
      }),
      { numRuns: 100 },
    );
  });
});

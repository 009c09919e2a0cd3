/** The commands about tokens against servers that attack them. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type Asked, type RogueServer, rogueServer, sendJson } from "../adapters/oauth/support.ts";
import { BINARY, runBinary, start, temporaryFolder } from "./binary.ts";

const SECRET = "p.q-r_s~tuv.wxy-z_0123456789~AB";

const BASIC = ["--client-id", "my-own-app", "--auth-method", "basic"];

const PUBLIC = ["--client-id", "my-own-app", "--auth-method", "none"];

/** A server whose endpoints all answer with an error, which a function of the request describes. */
function echoServer(describeError: (asked: Asked) => string): Promise<RogueServer> {
  return rogueServer((asked, response, url) => {
    const endpoints = ["token", "revocation", "device_authorization"].map((name) => [`${name}_endpoint`, `${url}/x`]);
    if (asked.path.startsWith("/.well-known/"))
      sendJson(response, 200, { issuer: url, ...Object.fromEntries(endpoints) });
    else sendJson(response, 400, { error: "invalid_request", error_description: describeError(asked) });
  });
}

/** What a request contains, as it was sent. */
function sentIn({ headers, form }: Asked): string {
  return `${headers.authorization ?? ""} ${form}`;
}

/** The parts of a text that have 12 characters in common with what was sent, apart from names and public values. */
function leaksIn(text: string, sent: readonly string[]): readonly string[] {
  const found = sent.flatMap((value) =>
    Array.from({ length: Math.max(0, value.length - 11) }, (_, at) => value.slice(at, at + 12)),
  );
  return found.filter((piece) => text.includes(piece));
}

describe("a server that repeats a request in its error", () => {
  const folder = temporaryFolder();
  const key = join(folder.path, "key.pem");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
  after(() => folder[Symbol.dispose]());

  const commands: readonly (readonly string[])[] = [
    ["token", "client", ...BASIC],
    ["token", "client", "--client-id", "my-own-app", "--auth-method", "post"],
    ["token", "client", "--client-id", "my-own-app", "--client-key", key],
    ["token", "revoke", ...BASIC, "ory_at_0123456789abcdefghijklm"],
    ["token", "device", ...BASIC],
  ];
  const wholes: Readonly<Record<string, (asked: Asked) => string>> = {
    "as it is": sentIn,
    "cut before its end": (asked) => sentIn(asked).trim().slice(0, -6),
    "after so much text that the message is cut": (asked) => `${"x ".repeat(150)}${sentIn(asked)}`,
    "in base64": (asked) => Buffer.from(sentIn(asked)).toString("base64"),
  };
  for (const [how, describeError] of Object.entries(wholes)) {
    test(`${how} makes no command show a credential`, async () => {
      await using server = await echoServer(describeError);
      for (const args of commands) {
        const env = { HYDRA_PUBLIC_URL: server.url, ...(args.includes(key) ? {} : { OAUTH2_CLIENT_SECRET: SECRET }) };
        const { stdout, stderr, status } = await runBinary(args, { env });
        assert.equal(status, 1, stderr);
        assert.equal(stdout, "");
        assert.match(stderr, /\(redacted\)|…/);
        const { headers, form } = server.asked.at(-1) ?? assert.fail();
        const values = [SECRET, headers.authorization?.slice(6) ?? "", form.get("client_assertion") ?? ""];
        const encoded = values.map((value) => Buffer.from(value).toString("base64"));
        assert.deepEqual(
          leaksIn(stderr, [...values, ...encoded, form.get("token") ?? ""]),
          [],
          `${args.slice(0, 2)}: ${stderr}`,
        );
      }
    });
  }

  test("shows no short token, quoted or as the value of a name", async () => {
    await using server = await echoServer(({ form }) => `AAA is no word, but token=${form.get("token")}, "AAA" is`);
    const env = { HYDRA_PUBLIC_URL: server.url, OAUTH2_CLIENT_SECRET: SECRET };
    const { stderr } = await runBinary(["token", "revoke", ...BASIC, "AAA"], { env });
    assert.match(stderr, /: AAA is no word, but token=\(redacted\), "\(redacted\)" is \(invalid_request\)$/m);
  });

  test("suggests only authentication methods that exist", async () => {
    const text = `The OAuth 2.0 Client supports client authentication method 'secretsecret', but`;
    await using server = await rogueServer(({ path }, response, url) =>
      path.startsWith("/.well-known/")
        ? sendJson(response, 200, { issuer: url, token_endpoint: `${url}/token` })
        : sendJson(response, 401, { error: "invalid_client", error_description: text }),
    );
    const env = { HYDRA_PUBLIC_URL: server.url, OAUTH2_CLIENT_SECRET: "secretsecret" };
    const { stderr, status } = await runBinary(["token", "client", ...BASIC], { env });
    assert.equal(status, 3);
    assert.ok(!stderr.includes("secretsecret"), stderr);
  });
});

describe("standard output that is closed", () => {
  test("gets no token, so none is requested", async () => {
    await using server = await echoServer(() => "");
    for (const args of [
      ["token", "client", ...BASIC],
      ["token", "device", ...PUBLIC],
      ["token", "user", ...PUBLIC, "--no-open"],
    ]) {
      const env = { HYDRA_PUBLIC_URL: server.url, OAUTH2_CLIENT_SECRET: SECRET };
      const { status, stderr } = await start("sh", ["-c", '"$0" "$@" >&-', BINARY, ...args], { env }).ended;
      assert.match(
        stderr,
        /^Error: Cannot (?:log in|get a token): standard output is closed, so the token would be lost$/m,
      );
      assert.equal(status, 1);
    }
    assert.deepEqual(server.asked, []);
  });
});

/** A server whose token endpoint answers with 200 and this body. */
function tokenServer(body: string): Promise<RogueServer> {
  return rogueServer(({ path }, response, url) =>
    path.startsWith("/.well-known/")
      ? sendJson(response, 200, { issuer: url, token_endpoint: `${url}/token` })
      : response.writeHead(200, { "content-type": "application/json" }).end(body),
  );
}

describe("a token", () => {
  test("is not lost because of an impossible lifetime", async () => {
    for (const lifetime of ["1e300", "1e+300", "1e999", "-1", "null", '"soon"', '"NaN"', "[]", "{}", "1e11"]) {
      await using server = await tokenServer(`{"access_token":"at-1","token_type":"bearer","expires_in":${lifetime}}`);
      const env = { HYDRA_PUBLIC_URL: server.url, OAUTH2_CLIENT_SECRET: SECRET };
      const { stdout, stderr, status } = await runBinary(["token", "client", ...BASIC], { env });
      assert.equal(status, 0, stderr);
      assert.equal(stdout, "at-1\n");
      assert.match(stderr, /^Warning: the server's expires_in is ignored: no token can have such a lifetime$/m);
    }
    for (const lifetime of ["600", '"600"', "0"]) {
      await using server = await tokenServer(`{"access_token":"at-1","token_type":"bearer","expires_in":${lifetime}}`);
      const env = { HYDRA_PUBLIC_URL: server.url, OAUTH2_CLIENT_SECRET: SECRET };
      const usual = await runBinary(["token", "client", ...BASIC, "--format", "json"], { env });
      assert.match(usual.stdout, /"expires_at":\s*"2\d{3}-/);
      assert.equal(usual.stderr, "");
    }
  });

  test("whose times are no dates is shown with their numbers", async () => {
    await using server = await rogueServer((_, response) => sendJson(response, 200, { active: true, exp: 1e300 }));
    const args = ["introspect", "token", "-e", server.url, "-"];
    const shown = await runBinary(args, { stdin: "ory_at_x" });
    assert.match(shown.stdout, /^EXPIRY\t+1e\+300$/m, shown.stderr);
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const decoded = await runBinary(["token", "decode", "--format", "table", "-"], {
      stdin: `${encode({ alg: "RS256" })}.${encode({ exp: -1e300 })}.x`,
    });
    assert.match(decoded.stdout, /-1e\+300/, decoded.stderr);
  });
});

describe("a response that is not a token or an introspection", () => {
  test("is reported if it does not follow RFC 7662", async () => {
    for (const body of ["null", "[]", "", "{}", '{"active":"yes"}']) {
      await using server = await rogueServer((_, response) => response.writeHead(200).end(body));
      const { stdout, stderr, status } = await runBinary(["token", "introspect", "-e", server.url, "ory_at_x"]);
      assert.match(
        stderr,
        /^Error: Cannot introspect the token: the server answered 200 without an introspection answer$/m,
      );
      assert.deepEqual([status, stdout], [1, ""]);
    }
  });

  test("is reported if it is a redirect, which is not followed, without what was sent", async () => {
    await using server = await rogueServer(({ path, headers }, response, url) => {
      const location = `/moved/${encodeURIComponent(headers.authorization ?? "")}?${SECRET}`;
      if (path.startsWith("/.well-known/")) sendJson(response, 200, { issuer: url, token_endpoint: `${url}/token` });
      else response.writeHead(307, { location }).end();
    });
    const env = { HYDRA_PUBLIC_URL: server.url, OAUTH2_CLIENT_SECRET: SECRET };
    const { stderr, status } = await runBinary(["token", "client", ...BASIC], { env });
    const [, target = ""] =
      /^Error: Cannot get a token: \S+\/token redirects to "(\S+)", which is not followed$/m.exec(stderr) ?? [];
    assert.match(target, /^http:\/\/127\.0\.0\.1:\d+\/moved\/(?:Basic%20)?\(redacted\)\?…$/, stderr);
    assert.equal(status, 1);
    assert.equal(server.asked.length, 2);
  });

  test("is named if the token has a type that this program doesn't use", async () => {
    await using server = await tokenServer('{"access_token":"at-1","token_type":"mac"}');
    const env = { HYDRA_PUBLIC_URL: server.url, OAUTH2_CLIENT_SECRET: SECRET };
    const { stdout, stderr, status } = await runBinary(["token", "client", ...BASIC], { env });
    assert.match(stderr, /^Error: Cannot get a token: the server issued a token of the unsupported type "mac"$/m);
    assert.deepEqual([status, stdout], [1, ""]);
  });
});

describe("a client without the grant type of the command", () => {
  test("can't log in a user, and the message names the command that works or makes it work", async () => {
    const device = "urn:ietf:params:oauth:grant-type:device_code";
    for (const [command, grants, hint] of [
      [
        "user",
        ["client_credentials"],
        "with its grant type client_credentials: hydra token client --client-id my-own-app",
      ],
      ["user", [device], `with its grant type ${device}: hydra token device --client-id my-own-app`],
      ["user", ["implicit"], "hydra clients update my-own-app --add-grant-type authorization_code"],
      ["authorization-code", ["implicit"], "hydra update oauth2-client my-own-app --add-grant-type authorization_code"],
      [
        "device",
        ["authorization_code"],
        "with its grant type authorization_code: hydra token user --client-id my-own-app",
      ],
    ] as const) {
      await using server = await rogueServer(({ path }, response, url) =>
        sendJson(response, 200, {
          ...(path.startsWith("/admin/clients/") ? { client_id: "my-own-app", grant_types: grants } : { issuer: url }),
        }),
      );
      const env = { HYDRA_PUBLIC_URL: server.url, HYDRA_ADMIN_URL: server.url };
      const words = command === "authorization-code" ? ["perform", command] : ["token", command];
      const { stdout, stderr, status } = await runBinary([...words, ...PUBLIC], { env });
      const grant = command === "device" ? device : "authorization_code";
      assert.equal(
        stderr,
        `Error: Cannot log in: client "my-own-app" doesn't have the grant type ${grant}\nHint: ${hint}\n`,
      );
      assert.deepEqual([status, stdout], [1, ""]);
    }
  });
});

/** `--generate-key` and `--verify`. */

import assert from "node:assert/strict";
import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import * as v from "valibot";
import { FORMAT_USAGES } from "../../lib/core/output/formats.ts";
import { asJson, exchange } from "../conformance/servers.ts";
import { isTested } from "../thorough.ts";
import { BINARY, type Ended, runBinary, start, temporaryFolder } from "./binary.ts";
import { openReader, publicPart, type Reader } from "./delivered.ts";
import { inOrder, instead, swapped } from "./fault-proxy.ts";
import { mostlyInThisProcess } from "./in-this-process.ts";
import { assertExit, assertFails, describeRun, openScenario, type Scenario, SLOW } from "./scenario.ts";
import { openTokenServer } from "./token-server.ts";

const KEYED = [
  ...["clients", "create", "-g", "client_credentials", "-r", "token"],
  ...["--token-endpoint-auth-method", "private_key_jwt"],
];

const program = mostlyInThisProcess(5);

const ALGORITHMS = ["ES256", "RS256", "PS256"] as const;

const PublicKey = v.looseObject({ kty: v.string(), kid: v.string(), use: v.string(), alg: v.string() });

const KeySet = v.object({ keys: v.tuple([PublicKey]) });

let reader: Reader;

before(async () => {
  reader = await openReader();
});

/** The only key of a client, which must be public. */
function storedKey(scenario: Scenario, id: string): v.InferOutput<typeof PublicKey> {
  const client = scenario.sandbox.clients().find((one) => one["client_id"] === id) ?? assert.fail("no client");
  const [key] = v.parse(KeySet, client["jwks"]).keys;
  for (const part of ["d", "p", "q", "dp", "dq", "qi", "k"]) assert.ok(!(part in key), `${part} was sent`);
  return key;
}

/** Every form of a private key's private part that may turn up where it must not be. */
function privateParts(key: KeyObject): readonly string[] {
  const { d = "", p = "", q = "" } = key.export({ format: "jwk" });
  const der = key.export({ format: "der", type: "pkcs8" }).toString("base64");
  return [
    d,
    p,
    q,
    der.slice(-60),
    ...key.export({ format: "pem", type: "pkcs8" }).toString().split("\n").slice(2, -2),
  ].filter((text) => text.length > 20);
}

/** The thumbprint of a key (RFC 7638). */
function thumbprint(key: Readonly<Record<string, unknown>>): string {
  const members = key["kty"] === "EC" ? ["crv", "kty", "x", "y"] : ["e", "kty", "n"];
  const text = JSON.stringify(Object.fromEntries(members.map((name) => [name, key[name]])));
  return createHash("sha256").update(text).digest("base64url");
}

/** A private key from what `--key-out` wrote. */
function privateKey(text: string): KeyObject {
  const value: unknown = text.startsWith("{") ? JSON.parse(text) : undefined;
  return value === undefined ? createPrivateKey(text) : createPrivateKey({ key: asJson(value), format: "jwk" });
}

describe("--generate-key", () => {
  it(
    "makes a key that gets a token, in PEM, as a JSON Web Key and encrypted, on every family of servers",
    SLOW,
    async () => {
      let rsaRounds = 0;
      for (const [version, algorithms] of [
        ["26", ALGORITHMS],
        ["2.1", ["ES256"]],
        ["1.8", ["RS256"]],
      ] as const) {
        await using scenario = await openScenario(version);
        await using tokens = await openTokenServer(scenario.sandbox);
        using folder = temporaryFolder();
        for (const algorithm of algorithms) {
          if (algorithm !== "ES256") rsaRounds++;
          const forms = ["key.pem", "key.key", "key.json", "encrypted.pem"] as const;
          // An RSA key takes a third of a second. Every form meets one, and so does every algorithm and server.
          const isSlow = (n: number): boolean => algorithm !== "ES256" && !isTested(n + rsaRounds, 3);
          for (const form of forms.filter((_, n) => !isSlow(n))) {
            const file = join(folder.path, form);
            const encrypted = form === "encrypted.pem";
            const args = [...KEYED, "--generate-key", algorithm, "--key-out", file, "--format", "json", "-v"];
            const verify = ["--verify", "--public-url", tokens.url];
            const ended = await scenario.run([...args, ...verify, ...(encrypted ? ["--pgp-key", reader.key] : [])]);
            assertExit(ended, 0);
            const shown = asJson(JSON.parse(ended.stdout));
            const id = String(shown["client_id"]);
            assert.ok(ended.stderr.includes(`Verified: client "${id}" got a token\n`), describeRun(ended));
            const text = readFileSync(file, "utf8");
            assert.equal(statSync(file).mode & 0o7777, 0o600);
            const plain = encrypted ? await reader.read(text) : text;
            const key = privateKey(plain);
            const stored = storedKey(scenario, id);
            assert.deepEqual({ ...stored, ...publicPart(plain) }, stored);
            const { alg, use, kid } = stored;
            assert.deepEqual({ alg, use, kid }, { alg: algorithm, use: "sig", kid: thumbprint(stored) });
            if (form === "key.json")
              assert.deepEqual({ ...asJson(JSON.parse(text)), ...stored }, asJson(JSON.parse(text)));
            else assert.match(plain, /^-----BEGIN PRIVATE KEY-----\n/);
            const size = key.asymmetricKeyDetails;
            assert.ok(algorithm === "ES256" ? size?.namedCurve === "prime256v1" : (size?.modulusLength ?? 0) >= 3072);
            const client = scenario.sandbox.clients().find((one) => one["client_id"] === id);
            assert.equal(client?.["token_endpoint_auth_signing_alg"], algorithm);
            assert.equal(client?.["token_endpoint_auth_method"], "private_key_jwt");
            // The server generated a secret in addition to the key, which nobody asked for.
            const secret = scenario.sandbox.secretOf(id) ?? "";
            assert.notEqual(secret, "");
            for (const hidden of [secret, ...privateParts(key)]) {
              assert.ok(
                !`${ended.stdout}${ended.stderr}`.includes(hidden),
                `${hidden} is shown: ${describeRun(ended)}`,
              );
              if (encrypted) assert.ok(!text.includes(hidden));
              assert.ok(!scenario.proxy.seen.some(({ body }) => body.includes(hidden)), `${hidden} was sent`);
            }
            assert.deepEqual([readdirSync(folder.path), readdirSync(scenario.home)], [[form], []]);
            rmSync(file);
          }
        }
      }
    },
  );

  it("encrypts the key to the recipients only, in each format, and never shows the server's secret", SLOW, async () => {
    const tokens: string[] = [];
    await using scenario = await openScenario("26", ({ method }) =>
      method === "POST"
        ? swapped((reply) => {
            const token = `registration-${tokens.length}-hush`;
            tokens.push(token);
            return { ...reply, body: JSON.stringify({ ...JSON.parse(reply.body), registration_access_token: token }) };
          })
        : undefined,
    );
    const formats = FORMAT_USAGES.filter((format) => !format.includes("=") && format !== "pem");
    for (const [n, format] of [...formats, "raw=$", "jsonpath=$.client_secret"].entries()) {
      const id = `c${n}`;
      const args = [...KEYED, "--id", id, "--generate-key", "ES256", "--pgp-key", reader.key, "--format", format, "-v"];
      const ended = await program(scenario)(args);
      assertExit(ended, 0);
      const hidden = [scenario.sandbox.secretOf(id) ?? "", tokens[n] ?? assert.fail("no token")];
      for (const text of hidden)
        assert.ok(text !== "" && !`${ended.stdout}${ended.stderr}`.includes(text), describeRun(ended));
      // Markdown shows a plus sign, which is written as a character reference.
      const shown = ended.stdout.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
      const encoded = /wV4D[A-Za-z0-9+/]{100,}=*/.exec(shown)?.[0];
      const kept = scenario.recoveryCopies().find(({ record }) => record.client_id === id)?.record[
        "client_private_key_encrypted"
      ];
      assert.equal(
        encoded === undefined,
        /^(env|id|k8s-secret|jsonpath.*)$/.test(format),
        `${format}: ${describeRun(ended)}`,
      );
      // A format that leaves it out has it in a file, which is named.
      if (encoded === undefined)
        assert.match(ended.stderr, /omits the private key of client "c\d+"; its encrypted private key is in "/);
      else assert.equal(kept, undefined);
      const plain = await reader.read(String(encoded ?? kept));
      assert.deepEqual({ ...storedKey(scenario, id), ...publicPart(plain) }, storedKey(scenario, id));
      for (const part of privateParts(privateKey(plain))) assert.ok(!`${ended.stdout}${ended.stderr}`.includes(part));
    }
  });

  it("writes to a descriptor, and only the client to standard output", SLOW, async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    const out = join(folder.path, "key");
    const args = [...KEYED, "--id", "app", "--generate-key", "ES256", "--key-out", "fd:4"];
    const ended = await start("/bin/sh", ["-c", 'exec "$0" "$@" 4>"$OUT"', BINARY, ...args], {
      env: { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, OUT: out },
    }).ended;
    assertExit(ended, 0);
    assert.equal(ended.stdout, "OAuth 2.0 Client ID: app\n");
    const text = readFileSync(out, "utf8");
    assert.deepEqual({ ...storedKey(scenario, "app"), ...publicPart(text) }, storedKey(scenario, "app"));
  });

  it("is rejected before anything is created if it cannot be intended", SLOW, async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    const out = ["--key-out", at("key.pem")];
    writeFileSync(at("taken"), "mine");
    writeFileSync(at("secret"), "given-secret-0123456789");
    const es256 = [...KEYED, "--generate-key", "ES256"];
    const cases: readonly (readonly [args: readonly string[], message: RegExp, env?: Record<string, string>])[] = [
      [es256, /has no destination for the private key/],
      [[...KEYED, ...out], /--key-out has no key to write/],
      [[...KEYED, "--generate-key", "EdDSA", ...out], /--generate-key "EdDSA"/],
      [[...KEYED, "--generate-key", "none", ...out], /--generate-key "none"/],
      [["clients", "create", "--generate-key", "ES256", ...out], /for clients that authenticate with a key/],
      [[...es256, ...out, "--jwks", '{"keys":[]}'], /cannot be used together/],
      [[...es256, ...out, "--jwks-uri", "https://app.example.com/jwks"], /cannot be used together/],
      [[...es256, ...out, "--secret-file", at("secret")], /cannot be used together/],
      [
        [...es256, ...out],
        /HYDRA_CLIENT_SECRET cannot be used together/,
        { HYDRA_CLIENT_SECRET: "given-secret-0123456789" },
      ],
      [[...es256, ...out, "--token-endpoint-auth-signing-alg", "RS256"], /does not fit/],
      [[...es256, ...out, "--secret-out", at("secret.env")], /--secret-out has no secret to write/],
      [[...es256, ...out, "--if-exists", "update", "--id", "app"], /cannot update a client/],
      [[...es256, "--key-out", at("taken")], /--key-out "\S+" already exists/],
      [[...es256, "--key-out", at("missing/key.pem")], /the directory does not exist/],
      [[...es256, "--key-out", "fd:9"], /fd:9 is not open/],
      [[...es256, "--key-out", "-"], /neither a file nor an open descriptor/],
      [[...es256, ...out, "--verify"], /--verify needs --public-url or --token-endpoint/],
    ];
    for (const [args, message, env] of cases) {
      // The descriptors of this process are others.
      const run = args.includes("fd:9") ? scenario.run : program(scenario);
      const ended = await run(args, env === undefined ? {} : { env });
      assertExit(ended, 2);
      assert.match(ended.stderr, message);
      assert.equal(ended.stdout, "");
      assert.deepEqual(readdirSync(folder.path).sort(), ["secret", "taken"], describeRun(ended));
    }
    // What is only missing because of a wrong value is not reported too.
    assertFails(await scenario.run([...KEYED, "--generate-key", "es256", ...out]), 2, /"es256" is not one of ES256/);
    assert.equal(scenario.proxy.seen.length, 0);
    assert.deepEqual(scenario.recoveryCopies(), []);
    const bad = await scenario.run([...es256, ...out, "--pgp-key", "not a key"]);
    assertFails(bad, 7, /--pgp-key/);
    assert.deepEqual([scenario.proxy.seen.length, readdirSync(folder.path).sort()], [0, ["secret", "taken"]]);
  });

  it("leaves an existing client and its key unchanged under --if-exists skip", SLOW, async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    const run = (name: string): Promise<Ended> =>
      scenario.run([
        ...KEYED,
        "--id",
        "app",
        "--generate-key",
        "ES256",
        "--key-out",
        join(folder.path, name),
        "--if-exists",
        "skip",
      ]);
    assertExit(await run("a.pem"), 0);
    const key = storedKey(scenario, "app");
    const again = await run("b.pem");
    assertExit(again, 0);
    assert.match(again.stderr, /was skipped: nothing differs; no secret was delivered/);
    assert.deepEqual(storedKey(scenario, "app"), key);
    assert.deepEqual(readdirSync(folder.path), ["a.pem"]);
    const conflict = await scenario.run([
      ...KEYED,
      "--id",
      "app",
      "--generate-key",
      "ES256",
      "--key-out",
      join(folder.path, "c.pem"),
    ]);
    assertFails(conflict, 5, /client "app" already exists/);
    assert.deepEqual(readdirSync(folder.path), ["a.pem"]);
  });

  it("leaves a client that someone else created meanwhile unchanged under --if-exists skip", SLOW, async () => {
    let hidden = true;
    const absent = instead({
      status: 404,
      headers: { "content-type": "application/json" },
      body: '{"error":"Unable to locate the resource","error_description":""}',
    });
    await using scenario = await openScenario("26", ({ method, target }) => {
      const look = method === "GET" && target.endsWith("/app") && hidden;
      if (method === "POST") hidden = false;
      return look ? absent : undefined;
    });
    using folder = temporaryFolder();
    const made = await fetch(`${scenario.sandbox.url}/admin/clients`, { method: "POST", body: '{"client_id":"app"}' });
    assert.equal(made.status, 201);
    const out = ["--generate-key", "ES256", "--key-out", join(folder.path, "key.pem")];
    const ended = await scenario.run([...KEYED, "--id", "app", ...out, "--if-exists", "skip"]);
    assertExit(ended, 0);
    assert.equal(scenario.proxy.posts().length, 1);
    assert.match(ended.stderr, /was skipped/);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it("shows the request, and no key, under --dry-run", async () => {
    await using scenario = await openScenario();
    using folder = temporaryFolder();
    const ended = await scenario.run([
      ...KEYED,
      "--generate-key",
      "ES256",
      "--key-out",
      join(folder.path, "k.pem"),
      "--dry-run",
    ]);
    assertExit(ended, 0);
    assert.doesNotMatch(ended.stdout, /"d"/);
    assert.deepEqual([scenario.proxy.seen.length, readdirSync(folder.path)], [0, []]);
  });
});

describe("--verify", () => {
  it("tests a new secret and a new key at the public endpoints, and reports when they are rejected", SLOW, async () => {
    await using scenario = await openScenario();
    await using other = await openScenario();
    await using tokens = await openTokenServer(scenario.sandbox);
    await using strangers = await openTokenServer(other.sandbox);
    using folder = temporaryFolder();
    const client = ["clients", "create", "-g", "client_credentials", "-r", "token"];
    for (const method of ["client_secret_basic", "client_secret_post"]) {
      const args = [...client, "--token-endpoint-auth-method", method, "--verify"];
      const good = await scenario.run([...args, "--token-endpoint", `${tokens.url}/token`]);
      assertExit(good, 0);
      assert.match(good.stderr, /^Verified: client "\S+" got a token$/m);
      assert.equal(tokens.asked.at(-1)?.authorization === undefined, method === "client_secret_post");
      // Rejected credentials are reported and still delivered, because the client exists.
      const bad = await scenario.run([...args, "--id", method, "--public-url", strangers.url]);
      assertExit(bad, 1);
      assert.match(
        bad.stderr,
        /^Error: Cannot verify the credentials of client "\w+": the revocation endpoint answered 401 \(invalid_client\)$/m,
      );
      assert.ok(bad.stdout.includes(scenario.sandbox.secretOf(method) ?? "nothing"), describeRun(bad));
    }
    const keyed = [...KEYED, "--generate-key", "ES256", "--key-out", join(folder.path, "k.pem"), "--id", "keyed"];
    const bad = await scenario.run([...keyed, "--verify", "--public-url", strangers.url]);
    assertExit(bad, 1);
    assert.match(bad.stderr, /^Error: Cannot verify/m);
    const text = readFileSync(join(folder.path, "k.pem"), "utf8");
    assert.deepEqual({ ...storedKey(scenario, "keyed"), ...publicPart(text) }, storedKey(scenario, "keyed"));
  });

  it("tests a secret that --if-exists update sets, and finds the endpoint before that", SLOW, async () => {
    await using scenario = await openScenario();
    await using other = await openScenario();
    await using tokens = await openTokenServer(scenario.sandbox);
    await using strangers = await openTokenServer(other.sandbox);
    const update = async (secret: string, publicUrl: string): Promise<Ended> =>
      scenario.run(
        [
          ...["clients", "create", "--id", "app", "-g", "client_credentials", "--if-exists", "update"],
          ...["--verify", "--public-url", publicUrl],
        ],
        { env: { HYDRA_CLIENT_SECRET: secret } },
      );
    assertExit(await update("secret-number-1", tokens.url), 0);
    const good = await update("secret-number-2", tokens.url);
    assertExit(good, 0);
    assert.match(good.stderr, /^Client "app" already exists and was updated.*\nVerified: /m);
    const bad = await update("secret-number-3", strangers.url);
    assertExit(bad, 1);
    assert.match(bad.stderr, /^Error: Cannot verify the credentials of client "app"/m);
    assert.equal(scenario.sandbox.secretOf("app"), "secret-number-3");
    assertFails(await update("secret-number-4", "http://127.0.0.1:1"), 6, /Cannot find the token endpoint/);
    assert.equal(scenario.sandbox.secretOf("app"), "secret-number-3");
  });

  it("is refused or without effect for a client whose credentials the program does not have", SLOW, async () => {
    await using scenario = await openScenario();
    const verify = ["--verify", "--token-endpoint", "http://127.0.0.1:1/token"];
    const own = [...KEYED, "--jwks-uri", "https://app.example.com/jwks.json"];
    assertFails(await scenario.run([...own, ...verify]), 2, /--verify cannot check a client .* its own keys/);
    assert.equal(scenario.proxy.seen.length, 0);
    const open = ["clients", "create", "-c", "https://app.example.com/cb", "--token-endpoint-auth-method", "none"];
    const ended = await scenario.run([...open, ...verify]);
    assertExit(ended, 0);
    assert.match(ended.stderr, /^Warning: --verify checks nothing: a client with the auth method none has no secret$/m);
  });

  it("detects the endpoint before anything is created", SLOW, async () => {
    await using scenario = await openScenario();
    const create = ["clients", "create", "-g", "client_credentials", "--verify"];
    const cases: readonly (readonly [more: readonly string[], status: number, message: RegExp])[] = [
      [["--public-url", "http://127.0.0.1:1"], 6, /Cannot find the token endpoint/],
      [["--public-url", scenario.sandbox.url], 1, /without a discovery document/],
      [["--public-url", "ftp://me:hush@x"], 2, /is not an http or https URL/],
      [["--token-endpoint", "me:hush@x"], 2, /is not an http or https URL/],
      [["--token-endpoint", "ftp://me:hush@x/"], 2, /is not an http or https URL/],
    ];
    for (const [more, status, message] of cases) {
      const ended = await program(scenario)([...create, ...more]);
      assertFails(ended, status, message);
      assert.doesNotMatch(ended.stderr, /hush/);
    }
    assert.equal(scenario.proxy.seen.length, 0);
  });

  it("that is never answered, or interrupted by a signal, still delivers the credentials", SLOW, async () => {
    // Both runs ask once; only when both have asked is the second one known to wait for its answer.
    const asked = Promise.withResolvers<void>();
    let questions = 0;
    const silent = createServer(() => {
      questions++;
      if (questions === 2) asked.resolve();
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    try {
      await using scenario = await openScenario();
      const args = (id: string): readonly string[] => [
        ...["clients", "create", "-g", "client_credentials", "--id", id, "--fail-after", "5s"],
        ...["--verify", "--token-endpoint", `http://127.0.0.1:${address.port}/token`],
      ];
      const slow = scenario.run(args("slow"));
      await using running = scenario.start(args("signalled"));
      while (scenario.sandbox.secretOf("signalled") === undefined)
        await new Promise((resolve) => setTimeout(resolve, 5));
      await asked.promise;
      running.kill("SIGTERM");
      const signalled = await running.ended;
      assertExit(signalled, 143);
      assert.ok(signalled.stdout.includes(scenario.sandbox.secretOf("signalled") ?? "nothing"), describeRun(signalled));
      const ended = await slow;
      assertExit(ended, 1);
      assert.match(ended.stderr, /^Error: Cannot verify .*no complete response in time/m);
      assert.ok(ended.stdout.includes(scenario.sandbox.secretOf("slow") ?? "nothing"), describeRun(ended));
    } finally {
      silent.close();
      silent.closeAllConnections();
    }
  });

  it("follows the secret that the server answered", SLOW, async () => {
    await using scenario = await openScenario(
      "26",
      inOrder(async (exchange) => {
        const body = { ...JSON.parse(exchange.body), client_secret: "made-by-the-server-0123" };
        const answer = await fetch(`${scenario.sandbox.url}${exchange.target}`, {
          method: "POST",
          body: JSON.stringify(body),
        });
        exchange.reply({ status: answer.status, body: await answer.text() });
      }),
    );
    await using tokens = await openTokenServer(scenario.sandbox);
    const args = [
      "clients",
      "create",
      "-g",
      "client_credentials",
      "--id",
      "app",
      "--verify",
      "--public-url",
      tokens.url,
    ];
    const ended = await scenario.run(args);
    assertExit(ended, 0);
    assert.equal(scenario.sandbox.secretOf("app"), "made-by-the-server-0123");
    assert.ok(ended.stdout.includes("made-by-the-server-0123"));
    assert.match(ended.stderr, /^Verified: /m);
  });
});

/** Real servers: `ADMIN=PUBLIC`, separated by commas. */
const ENDPOINTS = (process.env["HYDRA_TEST_ENDPOINTS"] ?? "").split(",").flatMap((entry) => {
  const [admin, publicUrl] = entry.trim().split("=");
  return admin === undefined || publicUrl === undefined ? [] : [{ admin, publicUrl }];
});

for (const { admin, publicUrl } of ENDPOINTS) {
  describe(`a key on ${admin}`, () => {
    const made: string[] = [];

    it("gets a token with each algorithm and form", SLOW, async () => {
      using folder = temporaryFolder();
      for (const algorithm of ALGORITHMS) {
        for (const form of ["pem", "json"]) {
          const file = join(folder.path, `${algorithm}.${form}`);
          const verify = ["--verify", "--public-url", publicUrl, "--endpoint", admin];
          const ended = await runBinary([...KEYED, "--generate-key", algorithm, "--key-out", file, ...verify]);
          const [, id = ""] = /^OAuth 2\.0 Client ID: (\S+)\n$/.exec(ended.stdout) ?? [];
          made.push(id);
          assertExit(ended, 0);
          assert.ok(ended.stderr.includes(`Verified: client "${id}" got a token\n`), describeRun(ended));
          assert.equal(statSync(file).mode & 0o777, 0o600);
        }
      }
    });

    after(async () => {
      const path = (await exchange("GET", `${admin}/admin/clients`)).status === 200 ? "/admin/clients" : "/clients";
      for (const id of made) await exchange("DELETE", `${admin}${path}/${id}`);
    });
  });
}

/** `clients rotate-secret`. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as v from "valibot";
import type { SandboxVersion } from "../../lib/sandbox/index.ts";
import { temporaryFolder } from "./binary.ts";
import { inRecoveryCopies, inResult, openReader } from "./delivered.ts";
import {
  cutInside,
  dropAfter,
  dropBefore,
  type Exchange,
  type Fault,
  instead,
  stallAfter,
  swapped,
} from "./fault-proxy.ts";
import { assertExit, assertFails, describeRun, openScenario, printed, type Scenario, SLOW } from "./scenario.ts";
import { openTerminal } from "./terminal.ts";
import { openTokenServer } from "./token-server.ts";

const OLD = "old-secret-0123456789";

const GIVEN = "given-secret-0123456789";

const VERSIONS = ["1.8", "1.11", "2.1", "2.3", "26", "next"] as const;

const FULL = {
  client_name: "rotating ☃",
  client_secret: OLD,
  redirect_uris: ["https://app.example.com/cb"],
  grant_types: ["client_credentials", "authorization_code"],
  response_types: ["code", "token"],
  scope: "core foobar",
  audience: ["https://api.example.com"],
  owner: "team",
  logo_uri: "https://app.example.com/logo.png",
  post_logout_redirect_uris: ["https://app.example.com/bye"],
  metadata: { team: { name: "a", secret: "kept" } },
};

/** Registers a client without the program, and returns its ID. */
async function made({ sandbox }: Scenario, version: SandboxVersion, more: object = {}): Promise<string> {
  const path = version.startsWith("1.") ? "/clients" : "/admin/clients";
  const answer = await fetch(`${sandbox.url}${path}`, { method: "POST", body: JSON.stringify({ ...FULL, ...more }) });
  const body = v.parse(v.object({ client_id: v.string() }), await answer.json());
  assert.equal(answer.status, 201);
  return body.client_id;
}

/** A client as the server has it, but for the moment of its last change. */
function stored({ sandbox }: Scenario, id: string): unknown {
  const { updated_at: _, ...client } =
    sandbox.clients().find((one) => one["client_id"] === id) ?? assert.fail("no client");
  return client;
}

/** What was sent to change something. */
function changes({ proxy }: Scenario): readonly Exchange[] {
  return proxy.seen.filter(({ method }) => method !== "GET");
}

describe("clients rotate-secret", () => {
  it("sets a new secret and changes nothing else, in the way that each server supports", SLOW, async () => {
    for (const version of VERSIONS) {
      await using scenario = await openScenario(version);
      const id = await made(scenario, version);
      const before = stored(scenario, id);
      const ended = await scenario.run(["clients", "rotate-secret", id]);
      assertExit(ended, 0);
      const { secret } = printed(ended);
      assert.notEqual(secret, OLD);
      assert.deepEqual(scenario.sandbox.secretsOf(id), version === "next" ? [secret, OLD] : [secret], version);
      assert.deepEqual(stored(scenario, id), before, version);
      const sent = changes(scenario).map(({ method, target }) => `${method} ${target}`);
      const v1 = version.startsWith("1.");
      const rotation = `POST /admin/clients/${id}/secrets/rotate`;
      assert.deepEqual(
        sent,
        v1 ? [`PUT /clients/${id}`] : version === "next" ? [rotation] : [rotation, `PATCH /admin/clients/${id}`],
      );
      assert.match(
        ended.stderr,
        version === "next"
          ? new RegExp(
              `^Client "${id}" has a new secret; the old one works until it is dropped: hydra clients rotate-secret ${id} --drop-old-secrets$`,
              "m",
            )
          : /; the old one no longer works$/m,
      );
      assert.deepEqual(scenario.recoveryCopies(), []);
    }
  });

  it(
    "drops the old secrets with --drop-old-secrets where the server kept them, and says so where it kept none",
    SLOW,
    async () => {
      for (const version of VERSIONS) {
        await using scenario = await openScenario(version);
        const id = await made(scenario, version);
        assertExit(await scenario.run(["clients", "rotate-secret", id]), 0);
        assertExit(await scenario.run(["clients", "rotate-secret", id]), 0);
        const [newest = "", ...older] = scenario.sandbox.secretsOf(id);
        assert.equal(older.length > 0, version === "next");
        const before = stored(scenario, id);
        const ended = await scenario.run([
          "clients",
          "rotate-secret",
          id,
          "--drop-old-secrets",
          "--format",
          "json",
          "-v",
        ]);
        if (version === "next") {
          assertExit(ended, 0);
          assert.match(ended.stderr, new RegExp(`^Only the newest secret of client "${id}" works now$`, "m"));
        } else {
          assertExit(ended, 1);
          assert.equal(JSON.parse(ended.stderr.trim().split("\n").at(-1) ?? "").error, "no-overlap");
        }
        assert.deepEqual(scenario.sandbox.secretsOf(id), [newest]);
        assert.deepEqual(stored(scenario, id), before);
        for (const secret of [newest, ...older]) assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret));
      }
      await using scenario = await openScenario("next");
      const id = await made(scenario, "next");
      const both = await scenario.run(["clients", "rotate-secret", id, "--drop-old-secrets", "--secret-file", "-"], {
        stdin: GIVEN,
      });
      assertFails(both, 2, /--drop-old-secrets generates no secret/);
      assertFails(
        await scenario.run(["clients", "rotate-secret", "nobody", "--drop-old-secrets"]),
        4,
        /client "nobody" not found/,
      );
      assert.deepEqual(scenario.sandbox.secretsOf(id), [OLD]);
    },
  );

  it("sets a given secret, which no stream shows, even if the server could generate one", SLOW, async () => {
    for (const version of ["1.8", "26", "next"] as const) {
      await using scenario = await openScenario(version);
      const id = await made(scenario, version);
      const ended = await scenario.run(["clients", "rotate-secret", id, "--secret-file", "-", "-v"], { stdin: GIVEN });
      assertExit(ended, 0);
      assert.deepEqual(scenario.sandbox.secretsOf(id), [GIVEN]);
      assert.ok(!`${ended.stdout}${ended.stderr}`.includes(GIVEN));
      assert.ok(!changes(scenario).some(({ target }) => target.endsWith("/rotate")));
    }
  });

  it("encrypts the new secret to recipients, the server's own too", SLOW, async () => {
    const reader = await openReader();
    for (const version of ["1.8", "26", "next"] as const) {
      await using scenario = await openScenario(version);
      const id = await made(scenario, version);
      const ended = await scenario.run([
        "clients",
        "rotate-secret",
        id,
        "--pgp-key",
        reader.key,
        "--format",
        "json",
        "-v",
      ]);
      assertExit(ended, 0);
      const [delivered] = await inResult(ended.stdout, reader);
      const secret = scenario.sandbox.secretOf(id) ?? "";
      assert.equal(delivered?.secret, secret);
      assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret));
      assert.deepEqual(scenario.recoveryCopies(), []);
    }
  });

  it("with --verify tests the new secret without a token, or with one if requested", SLOW, async () => {
    for (const version of ["1.8", "26", "next"] as const) {
      await using scenario = await openScenario(version);
      await using tokens = await openTokenServer(scenario.sandbox);
      for (const method of ["client_secret_basic", "client_secret_post"]) {
        const id = await made(scenario, version, { token_endpoint_auth_method: method });
        const args = ["clients", "rotate-secret", id, "--verify"];
        tokens.asked.length = 0;
        const good = await scenario.run([...args, "--public-url", tokens.url]);
        assertExit(good, 0);
        const proven = `Verified: the revocation endpoint accepted the secret of client "${id}" and rejected a wrong one\n`;
        assert.ok(good.stderr.includes(proven), describeRun(good));
        assert.deepEqual(
          tokens.asked.map(({ target, status }) => [target, status]),
          [
            ["/.well-known/openid-configuration", 200],
            ["/token/revocation", 401],
            ["/token/revocation", 200],
          ],
        );
        const named = await scenario.run([...args, "--token-endpoint", `${tokens.url}/token`]);
        assertExit(named, 0);
        assert.ok(named.stderr.includes(`Verified: client "${id}" got a token\n`), describeRun(named));
        const bad = await scenario.run([...args, "--token-endpoint", `${tokens.url}/nothing`]);
        assertExit(bad, 1);
        assert.match(
          bad.stderr,
          /^Error: Cannot verify the credentials of client "\S+": the token endpoint answered 404/m,
        );
        assert.equal(printed(bad).secret, scenario.sandbox.secretOf(id));
        assert.deepEqual(scenario.recoveryCopies(), []);
      }
      const id = await made(scenario, version);
      const dead = await scenario.run([
        "clients",
        "rotate-secret",
        id,
        "--verify",
        "--public-url",
        "http://127.0.0.1:1",
      ]);
      assertFails(dead, 6, /Cannot find the token endpoint/);
      assert.deepEqual(scenario.sandbox.secretsOf(id), [OLD]);
    }
  });

  it("accepts only a real token, and no token endpoint on another host", SLOW, async () => {
    let document: unknown = {};
    const posts: string[] = [];
    const server = createServer((request, response) => {
      if (request.method === "POST") posts.push(request.url ?? "");
      const answers: Readonly<Record<string, string>> = {
        "/html": "<html>welcome</html>",
        "/empty": '{"access_token":""}',
        "/token": '{"access_token":"t","token_type":"bearer"}',
        "/.well-known/openid-configuration": JSON.stringify(document),
      };
      response.writeHead(200, { "content-type": "text/html" }).end(answers[request.url ?? ""] ?? "{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const url = `http://127.0.0.1:${address.port}`;
    try {
      await using scenario = await openScenario();
      const id = await made(scenario, "26");
      const args = ["clients", "rotate-secret", id, "--verify"];
      for (const path of ["/html", "/empty", "/other"]) {
        const ended = await scenario.run([...args, "--token-endpoint", `${url}${path}`]);
        assertExit(ended, 1);
        assert.match(ended.stderr, /^Error: Cannot verify .*: the token endpoint answered 200 without a token$/m);
        assert.equal(printed(ended).secret, scenario.sandbox.secretOf(id));
      }
      assertExit(await scenario.run([...args, "--token-endpoint", `${url}/token`]), 0);
      posts.length = 0;
      const secret = scenario.sandbox.secretOf(id);
      const create = ["clients", "create", "-g", "client_credentials", "--verify"];
      for (const endpoint of [
        `http://localhost:${address.port}/token`,
        "https://elsewhere.example/token",
        `ftp://127.0.0.1:${address.port}/token`,
        `http://127.0.0.1:${address.port + 1}/token`,
      ]) {
        document = { issuer: url, token_endpoint: endpoint };
        for (const line of [args, create]) {
          const ended = await scenario.run([...line, "--public-url", url]);
          assertFails(ended, 1, /^Error: Cannot find the token endpoint: .* points to another host, "[a-z]+:.*"/);
          assert.match(ended.stderr, /^Hint: .*--token-endpoint$/m);
        }
      }
      for (const bad of ["ftp://a.example", "a.example"])
        assertFails(
          await scenario.run([...create, "--public-url", bad]),
          2,
          /^Error: --public-url ".*" is not an http or https URL$/,
        );
      assert.deepEqual([scenario.sandbox.secretOf(id), scenario.sandbox.clients().length, posts], [secret, 1, []]);
      for (const revocation of [undefined, `http://localhost:${address.port}/revoke`]) {
        document = { token_endpoint: `${url}/token`, revocation_endpoint: revocation };
        const ended = await scenario.run([...create, "--public-url", url]);
        assertExit(ended, 0);
        assert.match(ended.stderr, /^Verified: client ".*" got a token$/m);
      }
      assert.deepEqual(posts, ["/token", "/token"]);
      // This one answers 200 to every secret.
      document = { token_endpoint: `${url}/token`, revocation_endpoint: `${url}/revoke` };
      const ended = await scenario.run([...create, "--public-url", url]);
      assertExit(ended, 1);
      assert.match(
        ended.stderr,
        /^Error: Cannot verify .* answered 200 to a wrong secret instead of 401, so it proves nothing$/m,
      );
      assert.match(ended.stderr, /^Hint: .*--token-endpoint$/m);
      assert.deepEqual(posts, ["/token", "/token", "/revoke"]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it("with --drop-old-secrets excludes every flag about a new secret", async () => {
    await using scenario = await openScenario("next");
    using folder = temporaryFolder();
    const id = await made(scenario, "next");
    for (const [flag, ...value] of [
      ["--secret-out", join(folder.path, "out")],
      ["--pgp-key", "x"],
      ["--keybase", "alice"],
      ["--pgp-fingerprint", "x"],
      ["--secret-length", "40"],
      ["--secret", GIVEN],
      ["--verify", "--token-endpoint", "http://127.0.0.1:1/"],
    ]) {
      const ended = await scenario.run(["clients", "rotate-secret", id, "--drop-old-secrets", flag ?? "", ...value]);
      assertExit(ended, 2);
      assert.match(
        ended.stderr,
        new RegExp(`^Error: --drop-old-secrets generates no secret, so it excludes ${flag}$`, "m"),
      );
    }
    assert.deepEqual([scenario.proxy.seen.length, scenario.sandbox.secretsOf(id)], [0, [OLD]]);
  });

  it("does not take the secret of a create from the environment, and neither does an update", async () => {
    await using scenario = await openScenario();
    const env = { HYDRA_CLIENT_SECRET: GIVEN };
    const id = await made(scenario, "26");
    const updated = await scenario.run(["clients", "update", id, "--name", "x"], { env });
    assertExit(updated, 0);
    assert.deepEqual(scenario.sandbox.secretsOf(id), [OLD]);
    assert.match(updated.stderr, /Secret of client ".*" unchanged/);
    const rotated = await scenario.run(["clients", "rotate-secret", id], { env });
    assertExit(rotated, 0);
    assert.notEqual(printed(rotated).secret, GIVEN);
    // A create that updates sends it, as another create does, and says where it is from.
    const create = ["clients", "create", "--id", id, "-g", "client_credentials", "--if-exists", "update"];
    const again = await scenario.run(create, { env });
    assertExit(again, 0);
    assert.deepEqual(scenario.sandbox.secretsOf(id), [GIVEN]);
    assert.match(again.stderr, /its secret is the one given by environment variable HYDRA_CLIENT_SECRET/);
  });

  it("checks recipients, target and recovery folder before it changes anything", SLOW, async () => {
    for (const version of ["1.8", "26", "next"] as const) {
      await using scenario = await openScenario(version);
      using folder = temporaryFolder();
      const id = await made(scenario, version);
      const cases: readonly (readonly [more: readonly string[], status: number])[] = [
        [["--pgp-key", "not a key"], 7],
        [["--pgp-key", `@${join(folder.path, "missing")}`], 2],
        [["--secret-out", join(folder.path, "missing/out")], 2],
        [["--secret-out", "fd:9"], 2],
        [["--rescue-dir", join(folder.path, "missing")], 2],
        [["--secret-length", "5"], 2],
        [["--verify"], 2],
      ];
      for (const [more, status] of cases) {
        assertExit(
          await scenario.run(["clients", "rotate-secret", id, "--secret-out", join(folder.path, "out"), ...more]),
          status,
        );
        assert.deepEqual(readdirSync(folder.path), []);
      }
      assert.deepEqual(changes(scenario), []);
      assert.deepEqual(scenario.sandbox.secretsOf(id), [OLD]);
      assert.deepEqual(scenario.recoveryCopies(), []);
    }
  });

  it("leaves clients without a secret unchanged, and reports unknown ones", SLOW, async () => {
    for (const version of ["1.8", "26", "next"] as const) {
      await using scenario = await openScenario(version);
      const open = await made(scenario, version, { token_endpoint_auth_method: "none", client_secret: "" });
      assertFails(await scenario.run(["clients", "rotate-secret", open]), 1, /it is a public client without a secret/);
      const jwks = { keys: [{ kty: "EC", crv: "P-256", use: "sig", kid: "k", alg: "ES256", x: X, y: Y }] };
      const keyed = await made(scenario, version, {
        token_endpoint_auth_method: "private_key_jwt",
        jwks,
        client_secret: "",
      });
      assertFails(await scenario.run(["clients", "rotate-secret", keyed]), 1, /it authenticates with its keys/);
      assertFails(await scenario.run(["clients", "rotate-secret", "nobody"]), 4, /client "nobody" not found/);
      assertFails(await scenario.run(["clients", "rotate-secret"]), 2, /Missing ID/);
      assert.deepEqual(changes(scenario), []);
    }
  });

  it("shows the request and sends nothing under --dry-run", async () => {
    await using scenario = await openScenario();
    const id = await made(scenario, "26");
    const ended = await scenario.run(["clients", "rotate-secret", id, "--dry-run", "--secret-file", "-"], {
      stdin: GIVEN,
    });
    assertExit(ended, 0);
    assert.match(ended.stdout, /client_secret/);
    assert.ok(!ended.stdout.includes(GIVEN));
    assert.deepEqual(changes(scenario), []);
  });
});

describe("a rotation that fails", () => {
  /** Meets the requests that rotate, in order. */
  function meeting(...faults: readonly (Fault | undefined)[]): (exchange: Exchange) => Fault | undefined {
    let next = 0;
    return ({ target, method }) => (method !== "GET" && target.endsWith("/rotate") ? faults[next++] : undefined);
  }

  it("by the server's own endpoint is never retried blindly, and reports which secret may work", SLOW, async () => {
    const doubtful: readonly Fault[] = [
      dropAfter,
      dropBefore,
      stallAfter,
      cutInside,
      swapped(() => ({ status: 502, body: "<html>" })),
      swapped(() => ({ status: 500, body: "" })),
      swapped(() => ({ status: 500, body: '{"error":"commit failed"}' })),
      swapped(() => ({ status: 200, body: "{" })),
      swapped((reply) => ({ ...reply, body: '{"client_id":"another","client_secret":"anothers-secret"}' })),
    ];
    const rotated = async (fault: Fault): Promise<void> => {
      await using scenario = await openScenario("next", meeting(fault, fault));
      using folder = temporaryFolder();
      const id = await made(scenario, "next");
      const out = ["--secret-out", join(folder.path, "out")];
      const ended = await scenario.run(["clients", "rotate-secret", id, "--fail-after", "5s", ...out]);
      assert.equal(ended.stdout, "");
      assert.ok([1, 6].includes(ended.status ?? 0), describeRun(ended));
      assert.match(
        ended.stderr,
        /^Error: .*the server may have added a secret that was not received, and the old one still works$/m,
      );
      assert.match(ended.stderr, /^Hint: .*drop all secrets but the newest: .*--drop-old-secrets$/m);
      assert.equal(changes(scenario).length, 1, describeRun(ended));
      assert.ok(scenario.sandbox.secretsOf(id).includes(OLD));
      assert.deepEqual([readdirSync(folder.path), scenario.recoveryCopies()], [[], []]);
    };
    await Promise.all(doubtful.map(rotated));
  });

  it("by the server's own endpoint is retried if it certainly didn't happen", SLOW, async () => {
    const busy = instead({ status: 429, headers: { "retry-after": "0" }, body: "" });
    await using scenario = await openScenario("next", meeting(busy, busy));
    const id = await made(scenario, "next");
    const ended = await scenario.run(["clients", "rotate-secret", id]);
    assertExit(ended, 0);
    assert.equal(changes(scenario).length, 3);
    assert.deepEqual(scenario.sandbox.secretsOf(id), [printed(ended).secret, OLD]);
  });

  it("by the server's own endpoint without a secret in the answer reports that the old one works", async () => {
    for (const secret of [undefined, ""]) {
      const empty = swapped((reply) => ({
        ...reply,
        body: JSON.stringify({ ...JSON.parse(reply.body), client_secret: secret }),
      }));
      await using scenario = await openScenario("next", meeting(empty));
      const id = await made(scenario, "next");
      const ended = await scenario.run(["clients", "rotate-secret", id]);
      assertFails(ended, 1, /the server's answer has no secret/);
      assert.ok(scenario.sandbox.secretsOf(id).includes(OLD));
    }
  });

  it("by an interruption reports what was interrupted", SLOW, async () => {
    for (const version of ["next", "26"] as const) {
      await using scenario = await openScenario(version, ({ method, target }) =>
        method === "PATCH" || (target.endsWith("/rotate") && version === "next") ? stallAfter : undefined,
      );
      const id = await made(scenario, version);
      await using running = scenario.start(["clients", "rotate-secret", id]);
      while (scenario.sandbox.secretsOf(id)[0] === OLD) await new Promise((resolve) => setTimeout(resolve, 10));
      running.kill("SIGTERM");
      const ended = await running.ended;
      assertExit(ended, 143);
      const action = version === "next" ? "rotate the secret of" : "update";
      assert.match(ended.stderr, new RegExp(`^Error: Cannot ${action} client "${id}": interrupted; `, "m"));
    }
  });

  it("by PATCH or PUT is retried with the same secret, which is saved if the outcome is unknown", SLOW, async () => {
    for (const version of ["26", "1.8"] as const) {
      const reader = await openReader();
      const change: (fault: Fault) => (exchange: Exchange) => Fault | undefined = (fault) => {
        let met = false;
        return ({ method }) => {
          if (method !== "PATCH" && method !== "PUT") return undefined;
          const first = !met;
          met = true;
          return first ? fault : undefined;
        };
      };
      await using scenario = await openScenario(version, change(dropAfter));
      const id = await made(scenario, version);
      const ended = await scenario.run(["clients", "rotate-secret", id]);
      assertExit(ended, 0);
      assert.deepEqual(scenario.sandbox.secretsOf(id), [printed(ended).secret]);
      const bodies = changes(scenario)
        .filter(({ method }) => method !== "POST")
        .map(({ body }) => body);
      assert.equal(bodies.length, 2);
      assert.equal(bodies[0], bodies[1]);

      await using silent = await openScenario(version, ({ method }) =>
        method === "PATCH" || method === "PUT" ? stallAfter : undefined,
      );
      const lost = await made(silent, version);
      const unknown = await silent.run(["clients", "rotate-secret", lost, "--fail-after", "4s"]);
      assertExit(unknown, 6);
      const [kept, ...others] = await inRecoveryCopies(silent.home, reader);
      assert.deepEqual(others, []);
      assert.equal(kept?.delivered?.secret, silent.sandbox.secretOf(lost));
      assert.equal(kept?.delivered?.state, "unverified");
      assert.ok(unknown.stderr.includes(kept?.path ?? "nothing"), describeRun(unknown));
      assert.match(unknown.stderr, /client "\S+" may have the new secret/);

      await using broken = await openScenario(
        version,
        change(swapped(() => ({ status: 500, body: '{"error":"commit failed"}' }))),
      );
      const changed = await made(broken, version);
      const doubtful = await broken.run(["clients", "rotate-secret", changed]);
      assertFails(doubtful, 1, /server answered 500: commit failed; the change may have been made anyway/);
      assert.match(doubtful.stderr, /client "\S+" may have the new secret/);
      const [rescued, ...more] = broken.recoveryCopies();
      assert.deepEqual(more, []);
      assert.equal(rescued?.record.client_secret, broken.sandbox.secretOf(changed));
      assert.equal(rescued?.record.state, "unverified");

      await using refusing = await openScenario(version, ({ method }) =>
        method === "PATCH" || method === "PUT"
          ? instead({ status: 400, body: '{"error":"invalid_request"}' })
          : undefined,
      );
      const refused = await made(refusing, version);
      assertFails(await refusing.run(["clients", "rotate-secret", refused]), 1, /server answered 400/);
      assert.deepEqual([refusing.sandbox.secretsOf(refused), refusing.recoveryCopies()], [[OLD], []]);
    }
  });

  it(
    "that cannot be delivered saves the secret that the server returned, not the one that was sent",
    SLOW,
    async () => {
      using folder = temporaryFolder();
      for (const command of [["rotate-secret"], ["update", "--secret-file", join(folder.path, "given")]]) {
        writeFileSync(join(folder.path, "given"), GIVEN);
        const own = "made-by-the-server-0123";
        await using scenario = await openScenario("26", (exchange) =>
          exchange.method === "PATCH"
            ? async () => {
                const body = exchange.body.replace(/("path":"\/client_secret","value":)"[^"]*"/, `$1"${own}"`);
                const { "content-length": _, connection: __, ...headers } = exchange.headers;
                const answer = await fetch(`${scenario.sandbox.url}${exchange.target}`, {
                  method: "PATCH",
                  headers,
                  body,
                });
                const text = await answer.text();
                const told = JSON.stringify({ ...JSON.parse(text), client_secret: own });
                exchange.reply({ status: answer.status, body: Buffer.from(told).toString("latin1") });
              }
            : undefined,
        );
        const id = await made(scenario, "26");
        const [name = "", ...more] = command;
        const shell = await scenario.run(["clients", name, id, ...more, "-q"]);
        assertExit(shell, 0);
        assert.equal(scenario.sandbox.secretOf(id), own);
        const [kept, ...others] = scenario.recoveryCopies();
        assert.deepEqual(others, []);
        assert.equal(kept?.record.client_secret, own);
        assert.deepEqual([kept?.record.state, kept?.record.reason], ["made", "this output format omits it"]);
        assert.ok(shell.stderr.includes(kept?.path ?? "nothing"), describeRun(shell));
        assert.match(readFileSync(kept?.path ?? "", "utf8"), new RegExp(own));
      }
    },
  );
});

/** A point on P-256, for a client that proves itself with a key which nobody has. */
const X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";

const Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

describe("clients rotate-secret on a terminal", () => {
  const CLIENT = { client_id: "app", client_secret: "a-secret-of-the-test-that-is-long" };

  async function filled(version: SandboxVersion): Promise<Scenario> {
    const scenario = await openScenario(version);
    const path = version.startsWith("1.") ? "/clients" : "/admin/clients";
    const body = JSON.stringify(CLIENT);
    assert.equal((await fetch(`${scenario.sandbox.url}${path}`, { method: "POST", body })).status, 201);
    return scenario;
  }

  function changes({ proxy }: Scenario): readonly string[] {
    return proxy.seen.map(({ method }) => method).filter((method) => method !== "GET");
  }

  it("asks, and rotates only after a yes", SLOW, async () => {
    await using scenario = await filled("26");
    const env = { HYDRA_ADMIN_URL: scenario.url };
    for (const [keys, status] of [
      [["n", "Enter"], 1],
      [["Enter"], 1],
      [["C-d"], 1],
      [["C-c"], 130],
      [["y", "Enter"], 0],
    ] as const) {
      await using terminal = await openTerminal(["clients", "rotate-secret", "app"], { env, columns: 200 });
      await terminal.seen(/^Rotate the secret of client "app"\? The old one stops working immediately, .*\[y\/N\]/m);
      assert.deepEqual(changes(scenario), []);
      assert.equal(scenario.sandbox.secretOf("app"), CLIENT.client_secret);
      terminal.type(...keys);
      assert.equal(await terminal.ended(), status, terminal.screen());
      if (status === 1) await terminal.seen(/^Error: The secret was not rotated\nHint: answer y, or use --yes$/m);
    }
    assert.notEqual(scenario.sandbox.secretOf("app"), CLIENT.client_secret);
  });

  it("changes only the secret of the client as it is after the answer", SLOW, async () => {
    for (const [change, status] of [
      [{ owner: "meanwhile" }, 0],
      [{ token_endpoint_auth_method: "none" }, 1],
    ] as const) {
      await using scenario = await filled("1.11");
      const env = { HYDRA_ADMIN_URL: scenario.url };
      await using terminal = await openTerminal(["clients", "rotate-secret", "app"], { env, columns: 200 });
      await terminal.seen(/\[y\/N\]/m);
      const body = JSON.stringify({ client_id: "app", ...change });
      assert.ok((await fetch(`${scenario.sandbox.url}/clients/app`, { method: "PUT", body })).ok);
      terminal.type("y", "Enter");
      assert.equal(await terminal.ended(), status, terminal.screen());
      const [client] = scenario.sandbox.clients();
      for (const [field, value] of Object.entries(change)) assert.equal(client?.[field], value);
      assert.equal(changes(scenario).length, status === 0 ? 1 : 0);
    }
  });

  it("asks before the old secrets are revoked", SLOW, async () => {
    await using scenario = await filled("next");
    const env = { HYDRA_ADMIN_URL: scenario.url };
    const args = ["rotate-secret", "oauth2-client", "app", "--drop-old-secrets"];
    await using terminal = await openTerminal(args, { env, columns: 200 });
    await terminal.seen(/^Revoke the old secrets of client "app"\? They stop working immediately\. \[y\/N\]/m);
    terminal.type("n", "Enter");
    assert.equal(await terminal.ended(), 1);
    assert.deepEqual(changes(scenario), []);
  });

  it("doesn't ask with --yes, with --dry-run, or if a stream is something else", SLOW, async () => {
    await using scenario = await filled("26");
    const env = { HYDRA_ADMIN_URL: scenario.url };
    for (const end of ["--yes", "-y", "--dry-run", "</dev/null", '2>"$HOME/errors"']) {
      const line = `"$HYDRA" clients rotate-secret app ${end}`;
      await using terminal = await openTerminal([], { env, line, columns: 200 });
      assert.equal(await terminal.ended(), 0, terminal.screen());
      assert.doesNotMatch(terminal.screen(), /\[y\/N\]/);
    }
    assert.equal(changes(scenario).filter((method) => method === "PATCH").length, 4);
  });

  it("asks nothing about a client that cannot be rotated", SLOW, async () => {
    await using scenario = await filled("26");
    const env = { HYDRA_ADMIN_URL: scenario.url };
    await using terminal = await openTerminal(["clients", "rotate-secret", "nosuch"], { env, columns: 200 });
    assert.equal(await terminal.ended(), 4);
    assert.doesNotMatch(terminal.screen(), /\[y\/N\]/);
  });
});

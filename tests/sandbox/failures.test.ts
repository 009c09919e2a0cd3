import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Problem } from "../../lib/core/problem.ts";
import { createHttpServer, stopServer } from "../../lib/sandbox/http-server.ts";
import { SANDBOX_VERSIONS, startSandbox } from "../../lib/sandbox/index.ts";
import { rawServer } from "./raw-login.ts";

const OFF_CURVE = { kty: "EC", crv: "P-256", alg: "ES256", use: "sig", kid: "k", x: "A".repeat(43), y: "A".repeat(43) };

const SHORT = { kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig", kid: "k", x: "AAAA" };

/** A private key whose parts have the right sizes and aren't a key. */
const NO_KEY = { kty: "RSA", alg: "RS256", use: "sig", kid: "k", n: "AQAB", e: "AQAB" };

for (const as of SANDBOX_VERSIONS) {
  describe(`a key that isn't one on Hydra ${as}`, () => {
    test("is refused", async () => {
      await using server = await rawServer(as);
      for (const [key, reason] of [
        [OFF_CURVE, /X\/Y are not on declared curve/],
        [{ ...OFF_CURVE, d: "A".repeat(43) }, /X\/Y are not on declared curve/],
        [SHORT, /invalid Ed key/],
      ] as const) {
        for (const [path, body] of [
          ["/keys/set", { keys: [key] }],
          ["/keys/hydra.openid.id-token/k", key],
        ] as const) {
          const answer = await server.admin("PUT", path, body);
          assert.equal(answer.status >= 400, true, JSON.stringify(answer));
          if (as !== "1.11" && as !== "2.1") assert.match(JSON.stringify(answer.body), reason);
        }
      }
      assert.notEqual((await server.loggedIn()).get("code"), null);
    });

    test("ends no connection where tokens are verified", async () => {
      await using server = await rawServer(as);
      const stored = await server.admin("PUT", "/keys/hydra.openid.id-token/public:k", { ...NO_KEY, kid: "public:k" });
      assert.equal(stored.status, 200);
      const hint = `${btoa('{"alg":"RS256","kid":"k"}')}.${btoa('{"iss":"x"}')}.AAAA`;
      const url = `${server.publicUrl}/oauth2/sessions/logout?id_token_hint=${encodeURIComponent(hint)}`;
      assert.equal((await fetch(url, { redirect: "manual" })).status, 302);
    });
  });
}

test("a key's body may have members of any name", async () => {
  await using server = await rawServer("26");
  const given = { kid: "k", alg: "RS256", use: "sig", fault: "a text" };
  assert.equal((await server.admin("POST", "/keys/set", given)).status, 201);
});

describe("the HTTP server of a sandbox", () => {
  async function withServer(
    answerTo: Parameters<typeof createHttpServer>[1],
    run: (port: number, statuses: readonly (number | undefined)[]) => Promise<void>,
  ): Promise<void> {
    const statuses: (number | undefined)[] = [];
    const server = createHttpServer(undefined, answerTo, (_, answer) => statuses.push(answer?.status));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    try {
      await run(address.port, statuses);
    } finally {
      await stopServer(server);
    }
  }

  test("answers 500 and logs it where its own code fails", () =>
    withServer(
      () => {
        throw new Error("a bug");
      },
      async (port, statuses) => {
        const answer = await fetch(`http://127.0.0.1:${port}/`);
        assert.equal(answer.status, 500);
        assert.ok(!(await answer.text()).includes("a bug"));
        assert.deepEqual(statuses, [500]);
      },
    ));

  test("answers a body that doesn't end, and logs it", () =>
    withServer(
      ({ body }) => ({ status: body === undefined ? 413 : 200, headers: {}, body: "" }),
      async (port, statuses) => {
        const answer = await new Promise<string>((resolve, reject) => {
          let text = "";
          const socket = connect(port, "127.0.0.1");
          const part = Buffer.alloc(1024 * 1024);
          const more = (): void => {
            while (!socket.destroyed && socket.write(part));
          };
          socket.on("drain", more);
          socket.setEncoding("utf8");
          socket.on("data", (received: string) => {
            text += received;
            socket.destroy();
          });
          socket.on("error", reject);
          socket.on("close", () => resolve(text));
          socket.write(`POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${1024 ** 3}\r\n\r\n`);
          more();
        });
        assert.match(answer, /^HTTP\/1\.1 413 /);
        assert.deepEqual(statuses, [413]);
      },
    ));
});

describe("a sandbox that can't listen", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "hydra-listen-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function reasonFor(listen: string): Promise<string> {
    const error: unknown = await startSandbox({ as: "26", listen }).then(
      () => assert.fail("it listens"),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof Problem, String(error));
    return error.message;
  }

  test("says why for a path that can't exist", async () => {
    const long = `unix://${join(folder, "x".repeat(300))}`;
    assert.match(await reasonFor(long), /^Cannot start the sandbox on "unix:.*": .*too long/i);
    assert.match(await reasonFor("unix:///dev/null/a.sock"), /^Cannot start the sandbox on ".*": .*not a directory/i);
  });

  // Root may ask every socket.
  if (process.getuid?.() !== 0)
    test("says why for a socket that it may not ask", async () => {
      const path = join(folder, "closed", "a.sock");
      mkdirSync(join(folder, "closed"));
      const server = createTcpServer();
      await new Promise<void>((resolve) => server.listen(path, resolve));
      chmodSync(path, 0o000);
      try {
        assert.match(await reasonFor(`unix://${path}`), /^Cannot start the sandbox on ".*": .*permission denied/i);
      } finally {
        server.close();
      }
    });

  test("listens on a loopback address for any name of localhost", async () => {
    const sandbox = await startSandbox({ as: "26", listen: "foo.localhost:0" });
    assert.match(sandbox.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    await sandbox.close();
  });
});

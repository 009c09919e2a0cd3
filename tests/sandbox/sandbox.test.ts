import assert from "node:assert/strict";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type RequestOptions, request } from "node:http";
import { request as tlsRequest } from "node:https";
import { createServer as createSocketServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Problem } from "../../lib/core/problem.ts";
import { SANDBOX_VERSIONS, type Sandbox, type SandboxOptions, startSandbox } from "../../lib/sandbox/index.ts";
import { issue } from "../e2e/tls.ts";
import { isRecord } from "./settled.ts";

const folder = mkdtempSync(join(tmpdir(), "sandbox-"));

after(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a sandbox for one test. */
async function using(options: Partial<SandboxOptions>, run: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0", ...options });
  try {
    await run(sandbox);
  } finally {
    await sandbox.close();
  }
}

interface Told {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly link: string;
}

async function call(sandbox: Sandbox, method: string, path: string, body?: unknown): Promise<Told> {
  const answer = await fetch(sandbox.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const value: unknown = text === "" ? {} : JSON.parse(text);
  return {
    status: answer.status,
    body: isRecord(value) ? value : { list: value },
    link: answer.headers.get("link") ?? "",
  };
}

function statusOf(send: typeof request, options: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = send({ ...options, agent: false, path: "/health/ready" }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end();
  });
}

function problem(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Problem && error.code === code;
}

describe("a request that a web page could send", () => {
  const socketPath = join(folder, "page.sock");

  test("is rejected if its Host is not this machine, over TCP", () =>
    using({}, async ({ url }) => {
      const { port } = new URL(url);
      const status = (host: string): Promise<number> =>
        statusOf(request, { host: "127.0.0.1", port, headers: { host } });
      for (const host of ["localhost", `localhost:${port}`, "LOCALHOST:1", "app.localhost", "127.0.0.1", "[::1]:80"]) {
        assert.equal(await status(host), 200, host);
      }
      for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "localhost.evil.example"]) {
        assert.equal(await status(host), 403, host);
      }
      for (const host of ["192.0.2.1", "[2001:db8::1]:80", "127.0.0.1@evil.example", "evil.example:x"]) {
        assert.equal(await status(host), 403, host);
      }
    }));

  test("is rejected if its Origin is another one", () =>
    using({}, async ({ url }) => {
      const { port, host } = new URL(url);
      const status = (origin: string): Promise<number> =>
        statusOf(request, { host: "127.0.0.1", port, headers: { host, origin } });
      assert.equal(await status(`http://${host}`), 200);
      const others = ["null", "", "https://evil.example", "http://127.0.0.1", `https://${host}`, `http://${host}/`];
      for (const origin of [...others, `http://localhost:${port}`]) assert.equal(await status(origin), 403, origin);
    }));

  test("has any Host on a unix socket, and no Origin", () =>
    using({ listen: `unix://${socketPath}` }, async () => {
      assert.equal(await statusOf(request, { socketPath, headers: { host: "hydra.example" } }), 200);
      const headers = { host: "hydra.example", origin: "http://hydra.example" };
      assert.equal(await statusOf(request, { socketPath, headers }), 403);
    }));

  test("changes nothing and reads nothing, whatever its content type", () =>
    using({}, async (sandbox) => {
      const from = (origin: string, type: string): Promise<Response> =>
        fetch(`${sandbox.url}/admin/clients`, {
          method: "POST",
          headers: { origin, "content-type": type },
          body: '{"client_id":"a"}',
        });
      const refused = await from("https://evil.example", "text/plain");
      assert.equal(refused.status, 403);
      assert.equal(refused.headers.get("access-control-allow-origin"), null);
      assert.equal(sandbox.clients().length, 0);
      assert.equal((await from(sandbox.url, "text/plain")).status, 201);
    }));
});

describe("startSandbox() listens", () => {
  test("on a free port, and says which", () =>
    using({}, async ({ url }) => {
      assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    }));

  test("on a unix socket, which is gone afterwards", async () => {
    const socketPath = join(folder, "a.sock");
    await using({ listen: `unix://${socketPath}` }, async ({ url }) => {
      assert.equal(url, `unix://${socketPath}`);
      assert.ok(existsSync(socketPath));
      assert.equal(await statusOf(request, { socketPath }), 200);
    });
    assert.ok(!existsSync(socketPath));
  });

  test("on a socket that a stopped process has left", async () => {
    const [made, left] = [join(folder, "made.sock"), join(folder, "left.sock")];
    const stopped = createSocketServer();
    await new Promise<void>((resolve) => stopped.listen(made, resolve));
    renameSync(made, left);
    await new Promise((resolve) => stopped.close(resolve));
    assert.ok(existsSync(left));
    await using({ listen: `unix://${left}` }, async () => {
      assert.equal(await statusOf(request, { socketPath: left }), 200);
    });
  });

  test("over TLS", async () => {
    const { key, cert } = issue({ name: "localhost", hosts: ["127.0.0.1"], authority: true });
    await using({ tls: { key, cert } }, async ({ url }) => {
      const { port, protocol } = new URL(url);
      assert.equal(protocol, "https:");
      const options = { hostname: "127.0.0.1", port, ca: cert };
      assert.equal(await statusOf(tlsRequest, options), 200);
    });
  });

  const six = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === "::1"),
  );
  for (const listen of ["localhost:0", ":0", ...(six ? ["[::1]:0"] : [])]) {
    test(`on ${listen}, which is this machine`, () =>
      using({ listen }, async ({ url }) => {
        const { hostname, port } = new URL(url);
        assert.equal(await statusOf(request, { hostname: hostname.replace(/^\[|\]$/g, ""), port }), 200);
      }));
  }
});

describe("startSandbox() rejects", () => {
  for (const listen of ["0.0.0.0:0", "[::]:0", "192.0.2.1:4445", "example.com:80", "127.example.org:1"]) {
    test(`${listen}, which others could reach`, async () => {
      await assert.rejects(startSandbox({ as: "26", listen }), problem("usage"));
    });
  }

  for (const listen of [
    "",
    "4445",
    "127.0.0.1",
    "127.0.0.1:x",
    "127.0.0.1:65536",
    "unix://a.sock",
    "http://127.0.0.1:1",
  ]) {
    test(`"${listen}", which is not an address`, async () => {
      await assert.rejects(startSandbox({ as: "26", listen }), problem("usage"));
    });
  }

  test("a port that is taken", () =>
    using({}, async ({ url }) => {
      const listen = new URL(url).host;
      await assert.rejects(startSandbox({ as: "26", listen }), problem("address-in-use"));
    }));

  test("a socket that another listens on, and leaves it unchanged", async () => {
    const listen = `unix://${join(folder, "b.sock")}`;
    await using({ listen }, async () => {
      await assert.rejects(startSandbox({ as: "26", listen }), problem("address-in-use"));
      assert.equal(await statusOf(request, { socketPath: join(folder, "b.sock") }), 200);
    });
  });

  test("a path with a file in it, and leaves it unchanged", async () => {
    const path = join(folder, "precious");
    writeFileSync(path, "text");
    await assert.rejects(startSandbox({ as: "26", listen: `unix://${path}` }), problem("usage"));
    assert.ok(existsSync(path));
  });

  test("a socket in a folder that is not there", async () => {
    const listen = `unix://${join(folder, "none", "a.sock")}`;
    await assert.rejects(startSandbox({ as: "26", listen }), problem("cannot-listen"));
  });
});

describe("close()", () => {
  test("frees the port", async () => {
    let host = "";
    await using({}, async ({ url }) => {
      host = new URL(url).host;
    });
    await using({ listen: host }, async ({ url }) => {
      assert.equal(new URL(url).host, host);
    });
  });

  test("ends connections that are kept open", async () => {
    const sandbox = await startSandbox({ as: "26", listen: "127.0.0.1:0" });
    const { port } = new URL(sandbox.url);
    const ended = new Promise<void>((resolve) => {
      const sent = request({ hostname: "127.0.0.1", port, path: "/health/ready", agent: false });
      sent.setHeader("connection", "keep-alive");
      sent.on("response", (answer) => {
        answer.resume();
        answer.socket.on("close", () => resolve());
        answer.on("end", () => void sandbox.close());
      });
      sent.end();
    });
    await ended;
  });
});

describe("the sandbox", () => {
  test("logs each request in one line, without its body", async () => {
    const lines: string[] = [];
    await using({ onRequest: (line) => lines.push(line) }, async (sandbox) => {
      await call(sandbox, "POST", "/admin/clients", { client_secret: "very-secret" });
      await call(sandbox, "GET", "/admin/clients?page_size=1");
    });
    assert.deepEqual(lines, ["POST /admin/clients 201", "GET /admin/clients?page_size=1 200"]);
  });

  test("accepts a body of up to 10 MiB", () =>
    using({}, async (sandbox) => {
      const large = await call(sandbox, "POST", "/admin/clients", { client_name: "x".repeat(10 * 1024 * 1024) });
      assert.equal(large.status, 413);
      const fitting = await call(sandbox, "POST", "/admin/clients", { client_name: "x".repeat(9 * 1024 * 1024) });
      assert.equal(fitting.status, 201);
    }));

  for (const as of SANDBOX_VERSIONS) {
    const path = as.startsWith("1.") ? "/clients" : "/admin/clients";

    test(`${as} gives secrets out when they are set, and keeps them where a test can look`, () =>
      using({ as }, async (sandbox) => {
        const made = await call(sandbox, "POST", path, { client_name: "a" });
        const id = String(made.body["client_id"]);
        assert.equal(sandbox.secretOf(id), made.body["client_secret"]);
        assert.match(String(made.body["client_secret"]), /^[A-Za-z0-9._~-]{26}$/);
        const kept = await call(sandbox, "PUT", `${path}/${id}`, { client_name: "b" });
        assert.equal(kept.body["client_secret"], undefined);
        assert.equal(sandbox.secretOf(id), made.body["client_secret"]);
        const set = await call(sandbox, "PUT", `${path}/${id}`, { client_secret: "another secret" });
        assert.equal(set.body["client_secret"], "another secret");
        assert.deepEqual(sandbox.secretsOf(id), ["another secret"]);
        const shown = JSON.stringify([sandbox.clients(), (await call(sandbox, "GET", path)).body]);
        assert.ok(!shown.includes("another secret"));
        await call(sandbox, "DELETE", `${path}/${id}`);
        assert.equal(sandbox.secretOf(id), undefined);
        assert.deepEqual(sandbox.secretsOf(id), []);
      }));

    test(`${as} lists each client once, in pages that follow each other`, () =>
      using({ as, seed: 1207 }, async (sandbox) => {
        const expected = new Set(sandbox.clients().map((client) => String(client["client_id"])));
        assert.equal(expected.size, 1207);
        const seen: string[] = [];
        for (let next: string | undefined = `${path}?limit=250&page_size=250`; next !== undefined; ) {
          const page = await call(sandbox, "GET", next);
          const list = page.body["list"];
          assert.ok(Array.isArray(list) && list.length > 0 && list.length <= 250);
          seen.push(...list.map((client: unknown) => (isRecord(client) ? String(client["client_id"]) : "")));
          next = /<([^>]*)>; rel="next"/.exec(page.link)?.[1];
        }
        assert.deepEqual(new Set(seen), expected);
        assert.equal(seen.length, 1207);
        const [first = "", second = ""] = seen;
        await call(sandbox, "DELETE", `${path}/${first}`);
        const rest = await call(sandbox, "GET", `${path}?limit=1&page_size=1`);
        const list = rest.body["list"];
        assert.ok(Array.isArray(list) && isRecord(list[0]));
        assert.equal(list[0]["client_id"], second);
      }));
  }

  test("puts U+FFFD in the place of half a surrogate pair, as Go's JSON does, and keeps metadata as it came", () =>
    using({}, async (sandbox) => {
      const half = "a\ud800";
      const made = await call(sandbox, "POST", "/admin/clients", {
        client_name: half,
        contacts: [half],
        metadata: { half },
      });
      const { client_name: name, contacts, metadata } = made.body;
      assert.deepEqual({ name, contacts, metadata }, { name: "a\ufffd", contacts: ["a\ufffd"], metadata: { half } });
    }));

  test("continues after the cursor's client is gone", () =>
    using({ seed: 5 }, async (sandbox) => {
      const ids = sandbox.clients().map((client) => String(client["client_id"]));
      const page = await call(sandbox, "GET", "/admin/clients?page_size=2");
      await call(sandbox, "DELETE", `/admin/clients/${ids[1]}`);
      const next = await call(sandbox, "GET", /<([^>]*)>; rel="next"/.exec(page.link)?.[1] ?? "");
      const list = next.body["list"];
      assert.ok(Array.isArray(list));
      assert.deepEqual(
        list.map((client: unknown) => (isRecord(client) ? client["client_id"] : undefined)),
        [ids[2], ids[3]],
      );
    }));
});

describe("rotation of the next server", () => {
  const path = "/admin/clients";

  test("makes a new secret and keeps the last five valid until they are dropped", () =>
    using({ as: "next" }, async (sandbox) => {
      const made = await call(sandbox, "POST", path, { client_name: "a", client_secret: "secret 0", owner: "me" });
      const id = String(made.body["client_id"]);
      const secrets = ["secret 0"];
      for (let turn = 0; turn < 7; turn++) {
        const rotated = await call(sandbox, "POST", `${path}/${id}/secrets/rotate`);
        assert.equal(rotated.status, 200);
        assert.equal(rotated.body["owner"], "me");
        assert.equal(rotated.body["registration_access_token"], undefined);
        secrets.unshift(String(rotated.body["client_secret"]));
        assert.deepEqual(sandbox.secretsOf(id), secrets.slice(0, 6));
      }
      const renamed = await call(sandbox, "PATCH", `${path}/${id}`, [
        { op: "replace", path: "/client_name", value: "b" },
      ]);
      assert.equal(renamed.body["client_secret"], undefined);
      assert.equal(sandbox.secretsOf(id).length, 6);
      const finished = await call(sandbox, "DELETE", `${path}/${id}/secrets/rotate`);
      assert.equal(finished.status, 200);
      assert.equal(finished.body["client_secret"], undefined);
      assert.deepEqual(sandbox.secretsOf(id), secrets.slice(0, 1));
    }));

  test("is undone by a secret that is set", () =>
    using({ as: "next" }, async (sandbox) => {
      const made = await call(sandbox, "POST", path, {});
      const id = String(made.body["client_id"]);
      await call(sandbox, "POST", `${path}/${id}/secrets/rotate`);
      const patch = [{ op: "replace", path: "/client_secret", value: "set by patch" }];
      const patched = await call(sandbox, "PATCH", `${path}/${id}`, patch);
      assert.equal(patched.body["client_secret"], "set by patch");
      assert.deepEqual(sandbox.secretsOf(id), ["set by patch"]);
      await call(sandbox, "POST", `${path}/${id}/secrets/rotate`);
      await call(sandbox, "PUT", `${path}/${id}`, { client_secret: "set by put" });
      assert.deepEqual(sandbox.secretsOf(id), ["set by put"]);
    }));

  for (const method of ["POST", "DELETE"]) {
    test(`${method} rejects a client that has no use for a secret, and one that is not there`, () =>
      using({ as: "next" }, async (sandbox) => {
        const made = await call(sandbox, "POST", path, { token_endpoint_auth_method: "none" });
        const refused = await call(sandbox, method, `${path}/${String(made.body["client_id"])}/secrets/rotate`);
        assert.equal(refused.status, 400);
        assert.equal(
          refused.body["error_description"],
          "The client is configured to use the 'none' authentication method, which does not support client secret rotation.",
        );
        const unknown = await call(sandbox, method, `${path}/nope/secrets/rotate`);
        assert.equal(unknown.status, 404);
      }));
  }

  for (const as of ["2.3", "26"] as const) {
    test(`is not there in ${as}`, () =>
      using({ as }, async (sandbox) => {
        const made = await call(sandbox, "POST", path, {});
        const answer = await fetch(`${sandbox.url}${path}/${String(made.body["client_id"])}/secrets/rotate`, {
          method: "POST",
        });
        assert.equal(answer.status, 404);
        assert.equal(sandbox.secretsOf(String(made.body["client_id"])).length, 1);
        await answer.body?.cancel();
      }));
  }
});

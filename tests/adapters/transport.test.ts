import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { rootCertificates } from "node:tls";
import {
  type ConnectionOptions,
  collectTrustedCertificates,
  createRuntimeFetch,
  extractCertificates,
} from "../../lib/adapters/transport.ts";
import { makeCertificates } from "../e2e/tls.ts";

/** Listens while a test works; the address is a port of loopback, or a socket. */
async function serving(server: Server, work: (port: number) => Promise<void>, socket?: string): Promise<void> {
  await new Promise<void>((resolve) => {
    if (socket === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(socket, resolve);
  });
  try {
    const address = server.address();
    await work(typeof address === "object" && address !== null ? address.port : 0);
  } finally {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

function get(connection: ConnectionOptions, url: string, init: RequestInit = {}): Promise<Response> {
  return createRuntimeFetch(connection)(url, { redirect: "manual", ...init });
}

const made = makeCertificates();

describe("a connection", () => {
  it("goes through a unix socket, with every header and the body", async () => {
    let seen: IncomingMessage | undefined;
    let body = "";
    const listener: RequestListener = (request, response) => {
      seen = request;
      request.on("data", (part) => {
        body += String(part);
      });
      request.on("end", () => response.writeHead(201, { "x-answer": "yes" }).end("made"));
    };
    const socket = join(tmpdir(), `hydra-transport-${crypto.randomUUID()}.sock`);
    await serving(
      createServer(listener),
      async () => {
        const headers = { authorization: "Bearer t", "content-type": "application/json", "x-url": "http://a:1" };
        const answer = await get({ socket, direct: true }, "http://localhost/admin/clients?a=b", {
          method: "POST",
          headers,
          body: '{"é":1}',
        });
        assert.equal(answer.status, 201);
        assert.equal(answer.headers.get("x-answer"), "yes");
        assert.equal(await answer.text(), "made");
        assert.equal(seen?.method, "POST");
        assert.equal(seen?.url, "/admin/clients?a=b");
        assert.equal(seen?.headers["authorization"], "Bearer t");
        assert.equal(seen?.headers["x-url"], "http://a:1");
        assert.equal(body, '{"é":1}');
      },
      socket,
    );
  });

  it("keeps every value of a repeated header", async () => {
    const server = createServer((_, response) => {
      response.setHeader("link", ["<a>; rel=first", "<b>; rel=next"]);
      response.end();
    });
    await serving(server, async (port) => {
      const answer = await get({}, `http://127.0.0.1:${port}/`);
      assert.equal(answer.headers.get("link"), "<a>; rel=first, <b>; rel=next");
    });
  });

  it("follows no redirect", async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    await serving(server, async (port) => {
      const answer = await get({}, `http://127.0.0.1:${port}/`, { method: "POST", body: "{}" });
      assert.equal(answer.status, 307);
      assert.equal(asked, 1);
    });
  });

  it("streams a body, and can cancel it", async () => {
    let closed = (): void => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const server = createServer((_, response) => {
      response.on("close", closed);
      response.on("error", () => {});
      response.write("the beginning");
    });
    await serving(server, async (port) => {
      const answer = await get({}, `http://127.0.0.1:${port}/`);
      const reader = answer.body?.getReader();
      const first = await reader?.read();
      assert.equal(new TextDecoder().decode(first?.value), "the beginning");
      await reader?.cancel();
      await gone;
    });
  });

  it("trusts exactly the given CAs", async () => {
    const server = createTlsServer({ key: made.good.key, cert: made.good.cert }, (_, response) => response.end("x"));
    await serving(server, async (port) => {
      for (const host of ["127.0.0.1", "localhost"]) {
        const url = `https://${host}:${port}/`;
        assert.equal(await (await get({ authorities: [made.authority.cert] }, url)).text(), "x");
        await assert.rejects(get({}, url));
        await assert.rejects(get({ authorities: [made.selfSigned.cert] }, url));
        assert.equal(await (await get({ skipVerify: true }, url)).text(), "x");
        await assert.rejects(get({ skipVerify: false }, url));
      }
    });
  });

  it("skips verification only for the connections that asked for it", async () => {
    const server = createTlsServer({ key: made.selfSigned.key, cert: made.selfSigned.cert }, (_, response) =>
      response.end("x"),
    );
    await serving(server, async (port) => {
      const url = `https://127.0.0.1:${port}/`;
      for (let n = 0; n < 3; n++) {
        assert.equal((await get({ skipVerify: true }, url)).status, 200);
        await assert.rejects(get({ authorities: await collectTrustedCertificates([]) }, url));
      }
    });
  });
});

describe("the certificates to trust", () => {
  it("are the bundled, the system's and the given ones, without duplicates", async () => {
    const all = await collectTrustedCertificates([made.authority.cert, made.authority.cert]);
    assert.ok(rootCertificates.length > 50);
    for (const certificate of rootCertificates) assert.ok(all.includes(certificate));
    assert.equal(all.filter((certificate) => certificate === made.authority.cert).length, 1);
    assert.equal(new Set(all).size, all.length);
  });

  it("are found in PEM text with anything between them", async () => {
    const text = `subject=a\r\n${made.good.cert}\n# comment\n${made.authority.cert.replaceAll("\n", "\r\n")}tail`;
    const { certificates, readable } = await extractCertificates(text);
    assert.equal(certificates.length, 2);
    assert.equal(readable, true);
    assert.equal(certificates[0], made.good.cert.trim());
  });

  it("are none in text without any, and an unreadable one is reported", async () => {
    assert.deepEqual(await extractCertificates(""), { certificates: [], readable: true });
    assert.deepEqual((await extractCertificates(made.good.key)).certificates, []);
    const broken = made.good.cert.replace(/^M.{20}/m, "A".repeat(20));
    assert.equal((await extractCertificates(made.authority.cert + broken)).readable, false);
  });
});

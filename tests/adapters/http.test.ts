import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { createHttp, type HttpOptions } from "../../lib/adapters/http.ts";
import { collectTrustedCertificates, createRuntimeFetch } from "../../lib/adapters/transport.ts";
import { parseJsonExactly } from "../../lib/core/json/json.ts";
import { type HttpRequest, NetworkFailure, type SendHttp } from "../../lib/core/network.ts";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { makeCertificates } from "../e2e/tls.ts";

const IN_BUN = "Bun" in globalThis;

/** An HTTP adapter with the runtime's own connections and the given trust. */
function door(more: Partial<HttpOptions> = {}): SendHttp {
  return createHttp({
    transport: createRuntimeFetch,
    authorities: () => collectTrustedCertificates([]),
    monotonic: () => performance.now(),
    ...more,
  });
}

async function failure(work: Promise<unknown>): Promise<NetworkFailure> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof NetworkFailure, String(error));
    return error;
  }
  return assert.fail("an answer came");
}

/** A server that does with each request what the test says. */
interface Server {
  readonly url: string;
  handle: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  /** How many connections were opened. */
  readonly connections: () => number;
  close(): Promise<void>;
}

async function openServer(): Promise<Server> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const http = createServer((request, response) => {
    const parts: Buffer[] = [];
    // A client that goes away is what some tests are about.
    request.on("error", () => {});
    response.on("error", () => {});
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => server.handle(request, response, Buffer.concat(parts).toString()));
  });
  http.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const server: Server = {
    url: `http://127.0.0.1:${address.port}`,
    handle: (_, response) => response.end(),
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
        for (const socket of sockets) socket.destroy();
      }),
  };
  return server;
}

/** A server that writes these bytes to anyone who connects, and what to do then. */
async function openRaw(bytes: string, end: boolean): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(bytes);
      if (end) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

describe("an HTTP request", () => {
  let server: Server;

  before(async () => {
    server = await openServer();
  });

  after(() => server.close());

  it("sends method, headers and body unchanged, and nothing else", async () => {
    let seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: string } | undefined;
    server.handle = ({ method = "", url = "", headers }, response, body) => {
      seen = { method, url, headers, body };
      response.end();
    };
    for (const method of ["POST", "PUT", "PATCH"] as const) {
      const headers = { authorization: "Bearer t", "x-url": "http://a:1" };
      await door()({ method, url: `${server.url}/a/b%2Fc?x=1%202`, headers, json: { name: "é\u{1f600}" } });
      assert.equal(seen?.method, method);
      assert.equal(seen?.url, "/a/b%2Fc?x=1%202");
      assert.equal(seen?.body, '{"name":"é\u{1f600}"}');
      assert.equal(seen?.headers["authorization"], "Bearer t");
      assert.equal(seen?.headers["x-url"], "http://a:1");
      assert.equal(seen?.headers["content-type"], "application/json");
    }
    for (const method of ["GET", "DELETE"] as const) {
      await door()({ method, url: server.url });
      assert.equal(seen?.body, "");
      assert.deepEqual([seen?.headers["authorization"], seen?.headers["cookie"]], [undefined, undefined]);
    }
  });

  it("sends every JSON value whole, whatever its members are called", async () => {
    let seen = "";
    server.handle = (_request, response, body) => {
      seen = body;
      response.end();
    };
    for (const text of [
      '{"buffer":"x"}',
      '{"constructor":"x"}',
      '{"toJSON":1}',
      "[{}]",
      '{"n":12345678901234567890}',
    ]) {
      await door()({ method: "POST", url: server.url, json: parseJsonExactly(text) });
      assert.equal(seen, text);
    }
  });

  it("sends a form, encoded, with its content type", async () => {
    let seen: (string | undefined)[] = [];
    server.handle = ({ headers }, response, body) => {
      seen = [headers["content-type"], body];
      response.end();
    };
    await door()({ method: "POST", url: server.url, form: { token: "a b&c=é" } });
    assert.deepEqual(seen, ["application/x-www-form-urlencoded", "token=a+b%26c%3D%C3%A9"]);
  });

  it("adds a query to the URL, which a URL parser reads back", async () => {
    let seen = "";
    server.handle = ({ url = "" }, response) => {
      seen = url;
      response.end();
    };
    const query = { page_token: "a+b/c=&d#?%", client_name: "é ü" };
    await door()({ method: "GET", url: `${server.url}/clients`, query });
    const url = new URL(seen, server.url);
    assert.equal(url.pathname, "/clients");
    assert.deepEqual(Object.fromEntries(url.searchParams), query);
  });

  it("sends its own headers with every request, and those of a request instead", async () => {
    let seen: IncomingMessage["headers"] = {};
    server.handle = ({ headers }, response) => {
      seen = headers;
      response.end();
    };
    const http = door({ headers: { authorization: "Bearer default", "x-key": "k" } });
    await http({ method: "GET", url: server.url });
    assert.deepEqual([seen["authorization"], seen["x-key"]], ["Bearer default", "k"]);
    await http({ method: "GET", url: server.url, headers: { Authorization: "Bearer own" } });
    assert.deepEqual([seen["authorization"], seen["x-key"]], ["Bearer own", "k"]);
  });

  it("returns every status as a response, including redirects, and sends one request", async () => {
    let asked = 0;
    let status = 200;
    server.handle = (_, response) => {
      asked++;
      response.writeHead(status, { location: "/elsewhere", "content-type": "text/plain", link: "<x>; rel=next" });
      response.end("the body é");
    };
    for (status of [200, 201, 301, 302, 307, 308, 400, 401, 404, 409, 429, 500, 502, 503]) {
      const answer = await door()({ method: "POST", url: server.url, json: {} });
      assert.equal(answer.status, status);
      assert.equal(answer.text, "the body é");
      assert.deepEqual(Buffer.from(answer.bytes), Buffer.from("the body é"));
      assert.equal(answer.headers.get("location"), "/elsewhere");
      assert.equal(answer.headers.get("link"), "<x>; rel=next");
    }
    assert.equal(asked, 14);
  });

  it("has an empty body for statuses without one", async () => {
    server.handle = (_, response) => response.writeHead(204).end();
    const answer = await door()({ method: "DELETE", url: server.url });
    assert.deepEqual([answer.status, answer.text, answer.bytes.length], [204, "", 0]);
  });

  it("never parses a body", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    server.handle = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(bytes);
    };
    const answer = await door()({ method: "GET", url: server.url });
    assert.deepEqual(Buffer.from(answer.bytes), Buffer.from(bytes));
  });

  it("joins a body that arrives in many chunks", async () => {
    const part = "x".repeat(100_000);
    server.handle = (_, response) => {
      for (let n = 0; n < 20; n++) response.write(part);
      response.end("end");
    };
    const answer = await door()({ method: "GET", url: server.url });
    assert.equal(answer.text, `${part.repeat(20)}end`);
  });

  it("rejects a body that is too long, with and without a stated length", async () => {
    for (const told of [true, false]) {
      server.handle = (_, response) => {
        if (told) response.setHeader("content-length", "5000");
        response.write("x".repeat(3000));
        response.end("x".repeat(2000));
      };
      const answer = await door()({ method: "GET", url: server.url, maxBytes: 5000 });
      assert.equal(answer.bytes.length, 5000);
      const refused = await failure(door()({ method: "GET", url: server.url, maxBytes: 4999 }));
      assert.equal(refused.kind, "too-large");
      assert.equal(refused.maybeSent, true);
    }
  });

  it("rejects a body that is longer than its stated length", async () => {
    const chunk = `2000\r\n${"x".repeat(0x2000)}\r\n`;
    for (const framing of [
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked", "Content-Length: 5"],
      ["Transfer-Encoding: gzip, chunked", "Content-Length: 0"],
    ]) {
      const raw = await openRaw(`HTTP/1.1 200 OK\r\n${framing.join("\r\n")}\r\n\r\n${chunk}0\r\n\r\n`, true);
      const refused = await failure(door()({ method: "GET", url: raw.url, maxBytes: 5000 }));
      // A runtime that rejects both headers together is right, too.
      assert.ok(refused.kind === "too-large" || (!IN_BUN && refused.kind === "protocol"), refused.kind);
      await raw.close();
    }
  });

  it("times out before the response and during the body", async () => {
    for (const inside of [false, true]) {
      server.handle = (_, response) => {
        if (inside) response.write("the beginning");
      };
      const late = await failure(door()({ method: "GET", url: server.url, timeout: 200 }));
      assert.equal(late.kind, "timeout");
      assert.equal(late.maybeSent, true);
    }
    const over = await failure(door()({ method: "GET", url: server.url, timeout: -5 }));
    assert.equal(over.kind, "timeout");
    // A timer for more than 24.8 days would end at once.
    const control = new AbortController();
    setTimeout(() => control.abort(new Error("long enough")), 100);
    const long = door()({ method: "GET", url: server.url, timeout: 2 ** 33, signal: control.signal });
    await assert.rejects(long, /long enough/);
  });

  it("ends with the reason of its signal before the request, before the response and during the body", async () => {
    const reason = new Error("that is enough");
    let asked = 0;
    let control = new AbortController();
    const ask = (): Promise<unknown> => door()({ method: "GET", url: server.url, signal: control.signal });
    control.abort(reason);
    await assert.rejects(ask(), reason);
    assert.equal(asked, 0);
    for (const inside of [false, true]) {
      control = new AbortController();
      server.handle = (_, response) => {
        asked++;
        if (inside) response.write("the beginning");
        setTimeout(() => control.abort(reason), 20);
      };
      await assert.rejects(ask(), reason);
    }
    assert.equal(asked, 2);
  });

  it("uses a new connection if it must not be sent twice", async () => {
    server.handle = (_, response) => response.end("x");
    const http = door();
    const opened = async (once: boolean): Promise<number> => {
      await http({ method: "GET", url: server.url });
      const first = server.connections();
      for (let n = 0; n < 3; n++) await http({ method: "POST", url: server.url, json: {}, once });
      return server.connections() - first;
    };
    assert.equal(await opened(true), 3);
  });

  it("traces requests and responses without credentials", async () => {
    server.handle = (_, response) => response.writeHead(201).end("12345");
    const lines: string[] = [];
    const http = door({ trace: (line) => lines.push(line) });
    const url = server.url.replace("http://", "http://user:hush@");
    const headers = { accept: "application/json", authorization: "Bearer hush", "x-key": "hush", cookie: "hush" };
    await http({ method: "POST", url: `${url}/clients?token=hush`, headers, json: { client_secret: "hush" } });
    await failure(http({ method: "GET", url: "http://user:hush@127.0.0.1:1/x" }));
    assert.match(lines[0] ?? "", /^> POST http:\/\/127\.0\.0\.1:\d+\/clients\?…$/);
    assert.ok(lines.includes("> accept: application/json"));
    assert.ok(lines.includes("> content-type: application/json"));
    assert.ok(lines.includes("> x-key: (redacted)"));
    assert.match(lines[6] ?? "", /^< 201 \(5 bytes, \d+ ms\)$/);
    assert.match(lines.at(-1) ?? "", /^< connection refused \(\d+ ms\)$/);
    assert.doesNotMatch(lines.join("\n"), /hush|user/);
  });
});

describe("a request without a response", () => {
  async function kindOf(request: Partial<HttpRequest> & { readonly url: string }, more?: Partial<HttpOptions>) {
    const { kind, maybeSent } = await failure(door(more)({ method: "GET", timeout: 10_000, ...request }));
    return [kind, maybeSent] as const;
  }

  it("knows whether the server may have received it", async () => {
    assert.deepEqual(await kindOf({ url: "http://127.0.0.1:1/" }), ["refused", false]);
    assert.deepEqual(await kindOf({ url: "http://nowhere.invalid/" }), ["unresolved", false]);
    const missing = { socket: "/nothing/there.sock" };
    assert.deepEqual(await kindOf({ url: "http://localhost/" }, missing), ["refused", false]);
  });

  it("says why the connection failed", async () => {
    const whole = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    const cases = [
      ["", true, "lost"],
      [`${whole}12345`, true, "lost"],
      ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc", true, "lost"],
      ["SSH-2.0-OpenSSH_9.6\r\n\r\n", true, "protocol"],
      ["<html>not http</html>\r\n\r\n", true, "protocol"],
      ["HTTP/1.1 201 X\r\nno colon\r\n\r\n", true, "protocol"],
      ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ", true, "protocol"],
      ["HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n{}", true, "protocol"],
      [`${whole}12345`, false, "timeout"],
      ["HTTP/1.1 200", false, "timeout"],
    ] as const;
    for (const [bytes, end, kind] of cases) {
      const raw = await openRaw(bytes, end);
      try {
        const timeout = end ? 10_000 : 200;
        assert.deepEqual(await kindOf({ url: raw.url, timeout }), [kind, true], JSON.stringify(bytes));
      } finally {
        await raw.close();
      }
    }
  });
});

describe("https", () => {
  const made = makeCertificates();
  let sandbox: Sandbox;

  async function serve(identity: { readonly key: string; readonly cert: string }): Promise<void> {
    sandbox = await startSandbox({
      as: "26",
      listen: "127.0.0.1:0",
      tls: { key: identity.key, cert: identity.cert },
    });
  }

  it("trusts the given CAs, which are loaded once and only for https", async () => {
    const plain = await openServer();
    await serve(made.good);
    try {
      let asked = 0;
      const authorities = (): Promise<string[]> => {
        asked++;
        return collectTrustedCertificates([made.authority.cert]);
      };
      const http = door({ authorities });
      await http({ method: "GET", url: plain.url });
      assert.equal(asked, 0);
      for (const url of [sandbox.url, sandbox.url.replace("127.0.0.1", "localhost")]) {
        assert.equal((await http({ method: "GET", url: `${url}/health/ready` })).status, 200);
      }
      assert.equal(asked, 1);
      const blind = door({ authorities, skipVerify: true });
      assert.equal((await blind({ method: "GET", url: `${sandbox.url}/health/ready` })).status, 200);
      assert.equal(asked, 1);
    } finally {
      await sandbox.close();
      await plain.close();
    }
  });

  it("says what is wrong with a certificate, and sends nothing", async () => {
    const trusting = { authorities: () => collectTrustedCertificates([made.authority.cert]) };
    const cases = [
      [made.good, {}, /authority is not trusted|not trusted/],
      [made.selfSigned, trusting, /not trusted/],
      [made.elsewhere, trusting, /another host name/],
      // Deno does not say of a certificate that its time is wrong.
      [made.expired, trusting, IN_BUN ? /has expired/ : /not trusted/],
      [made.early, trusting, IN_BUN ? /not valid yet/ : /not trusted/],
    ] as const;
    for (const [identity, more, message] of cases) {
      await serve(identity);
      try {
        const refused = await failure(door(more)({ method: "POST", url: `${sandbox.url}/admin/clients`, json: {} }));
        assert.equal(refused.kind, "certificate", refused.message);
        assert.equal(refused.maybeSent, false);
        assert.match(refused.message, message);
        assert.equal(sandbox.clients().length, 0);
      } finally {
        await sandbox.close();
      }
    }
  });

  it("says that a port doesn't speak TLS", async () => {
    const plain = await openServer();
    try {
      const refused = await failure(
        door()({ method: "GET", url: plain.url.replace("http", "https"), timeout: 10_000 }),
      );
      assert.deepEqual([refused.kind, refused.maybeSent], ["handshake", false], refused.message);
    } finally {
      await plain.close();
    }
  });
});

describe("an encoded body", () => {
  const ENCODERS: readonly (readonly [coding: string, encode: (text: string) => Uint8Array])[] = [
    ["gzip", gzipSync],
    ["X-Gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
    ["deflate, gzip", (text) => gzipSync(deflateSync(text))],
  ];

  it("is decompressed, although no request asks for compression", async () => {
    const server = await openServer();
    try {
      for (const [coding, encode] of ENCODERS) {
        server.handle = ({ headers }, response) => {
          assert.equal(headers["accept-encoding"], undefined);
          response.writeHead(200, { "content-encoding": coding }).end(encode("the body"));
        };
        assert.equal((await door()({ method: "GET", url: server.url })).text, "the body", coding);
      }
    } finally {
      await server.close();
    }
  });

  it("is rejected if it can't be decompressed, and its limit applies afterwards", async () => {
    const server = await openServer();
    try {
      for (const [coding] of ENCODERS) {
        server.handle = (_, response) => {
          response.writeHead(200, { "content-encoding": coding }).end("not encoded");
        };
        const asked = door()({ method: "GET", url: server.url });
        if (coding === "br" && !("Bun" in globalThis)) {
          // Deno's decoder takes anything for an empty text.
          assert.equal((await asked).text, "");
          continue;
        }
        const { kind, message } = await failure(asked);
        assert.equal(kind, "protocol", coding);
        assert.match(message, /does not match its Content-Encoding/);
      }
      server.handle = (_, response) => {
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("x".repeat(2_000_000)));
      };
      const bomb = await failure(door()({ method: "GET", url: server.url, maxBytes: 1_048_576 }));
      assert.equal(bomb.kind, "too-large");
    } finally {
      await server.close();
    }
  });
});

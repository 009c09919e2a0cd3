import { Buffer } from "node:buffer";
import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { JsonObject } from "../core/json.ts";
import { BODY_LIMIT } from "./limits.ts";
import { listenOn, parseListenAddress, urlOf } from "./listen.ts";
import { type Answer, errorAnswer } from "./response.ts";
import { createAdminApi } from "./routes.ts";
import { foreignSender } from "./sender.ts";
import type { SandboxVersion } from "./versions.ts";

/** How a sandbox is started. */
export interface SandboxOptions {
  /** The version that it emulates. */
  readonly as: SandboxVersion;
  /** `host:port` of this machine (port 0 for a free one) or `unix:///path`. */
  readonly listen: string;
  /** A private key and its certificate, PEM; plain http without them. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Receives one line for each request: method, target and status, without headers and body. */
  readonly onRequest?: (line: string) => void;
  /** How many clients to create at the start. */
  readonly seed?: number;
}

/** A sandbox that is listening. */
export interface Sandbox {
  /** Its URL: `http://`, `https://` or `unix://`. */
  readonly url: string;
  /** All clients as a read returns them, in the order of a list. */
  readonly clients: () => readonly JsonObject[];
  /** The current secret of a client, or undefined if the client doesn't exist. */
  readonly secretOf: (id: string) => string | undefined;
  /** Every secret that is valid for a client, the current one first. */
  readonly secretsOf: (id: string) => readonly string[];
  /** Stops listening, ends open connections and removes the socket. */
  readonly close: () => Promise<void>;
}

/** How much is read beyond the limit, so that a client that sends everything first sees the error; then the connection is closed. */
const BODY_PATIENCE = 8 * BODY_LIMIT;

/** A header value as bytes on the wire: UTF-8, with spaces for control characters, like Go. */
function headerText(value: string): string {
  return Buffer.from(value.replace(/[\u0000-\u0008\n-\u001f\u007f]/g, " ")).toString("latin1");
}

/** The body of a request, or undefined when it is larger than the limit. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    length += part.length;
    if (length <= BODY_LIMIT) parts.push(part);
    if (length > BODY_PATIENCE) request.destroy();
  }
  return length <= BODY_LIMIT ? Buffer.concat(parts).toString() : undefined;
}

/**
 * Starts an in-memory admin API on this machine.
 *
 * @throws {Problem} if it cannot listen on the address.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const address = parseListenAddress(options.listen);
  const api = createAdminApi(options.as);
  api.clients.seed(options.seed ?? 0);

  const scheme = options.tls === undefined ? "http" : "https";
  const entrance = "socket" in address ? "unix" : scheme;

  async function answerTo(request: IncomingMessage, method: string, target: string): Promise<Answer | undefined> {
    const body = await bodyOf(request);
    const { host, origin, accept = "" } = request.headers;
    const foreign = foreignSender({ host, origin }, entrance);
    if (foreign !== undefined)
      return errorAnswer(api.behaviour, { status: 403, error: "Forbidden", description: foreign });
    if (body === undefined)
      return errorAnswer(api.behaviour, {
        status: 413,
        error: "Request Entity Too Large",
        description: "The request body is larger than 10 MiB",
      });
    return api.answer({ method, target, accept, body });
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    const target = request.url ?? "/";
    const answer = await answerTo(request, method, target);
    options.onRequest?.(`${method} ${target} ${answer?.status ?? "closed"}`);
    if (answer === undefined) {
      request.socket.destroy();
      return;
    }
    const length = answer.status === 204 ? {} : { "content-length": Buffer.byteLength(answer.body) };
    const headers = Object.entries(answer.headers).map(([name, value]) => [name, headerText(value)] as const);
    response.writeHead(answer.status, { ...Object.fromEntries(headers), ...length });
    response.end(method === "HEAD" ? "" : answer.body);
  }

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    serve(request, response).catch(() => request.socket.destroy());
  }

  const server = options.tls === undefined ? createServer(onRequest) : createTlsServer(options.tls, onRequest);
  await listenOn(server, address, options.listen);

  return {
    url: urlOf(server, address, scheme),
    clients: () => api.clients.store.all().map(({ view }) => view),
    secretOf: (id) => api.clients.store.get(id)?.secrets[0],
    secretsOf: (id) => api.clients.store.get(id)?.secrets ?? [],
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      if ("socket" in address) rmSync(address.socket, { force: true });
    },
  };
}

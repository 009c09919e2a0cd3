import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { BODY_LIMIT } from "./limits.ts";
import { type Answer, plainAnswer } from "./response.ts";

/** A key and a certificate to serve https with, PEM. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
}

/** A request and its whole body, undefined if that is larger than the limit. */
export interface ReceivedRequest {
  readonly request: IncomingMessage;
  readonly method: string;
  readonly target: string;
  readonly body: string | undefined;
}

/** How much of a body beyond the limit is read, so that a client which sends before it reads gets the answer. */
const BODY_PATIENCE = 8 * BODY_LIMIT;

/** A header value as bytes on the wire: UTF-8, and spaces for line ends as Go has it. */
function encodeHeaderValue(value: string): string {
  return Buffer.from(value.replace(/[\u0000-\u0008\n-\u001f\u007f]/g, " ")).toString("latin1");
}

/** The body of a request; undefined if it is larger than the limit. What comes after that isn't read forever. */
function readLimitedBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (part: Buffer) => {
      length += part.length;
      if (length <= BODY_LIMIT) parts.push(part);
      if (length > BODY_PATIENCE) resolve(undefined);
      // Not as soon as there is an answer: closing a connection with unread data can take the answer with it.
      if (length > 2 * BODY_PATIENCE) request.socket.destroy();
    });
    request.once("end", () => resolve(length <= BODY_LIMIT ? Buffer.concat(parts).toString() : undefined));
    request.once("error", reject);
    request.once("close", () => reject(new Error("the client has hung up")));
  });
}

/** The answer to a request at which the sandbox itself fails. */
const FAILED = plainAnswer(500, "Internal Server Error\n");

/** Sends an answer, without its body if the request is a HEAD. */
function writeAnswer(response: ServerResponse, method: string, answer: Answer): void {
  const length = answer.status === 204 ? {} : { "content-length": Buffer.byteLength(answer.body) };
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, encodeHeaderValue(value)] as const);
  response.writeHead(answer.status, { ...Object.fromEntries(headers), ...length });
  response.end(method === "HEAD" ? "" : answer.body);
}

/** Creates a server that answers each request once its body is read, and closes the connection if there is no answer. */
export function createHttpServer(
  tls: ServerTls | undefined,
  answerTo: (received: ReceivedRequest) => Answer | undefined,
  onAnswer: (received: ReceivedRequest, answer: Answer | undefined) => void,
): Server {
  function tryToAnswer(received: ReceivedRequest): Answer | undefined {
    try {
      return answerTo(received);
    } catch {
      return FAILED;
    }
  }
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: target = "/" } = request;
    const received = { request, method, target, body: await readLimitedBody(request) };
    const answer = tryToAnswer(received);
    onAnswer(received, answer);
    if (answer === undefined) request.socket.destroy();
    else writeAnswer(response, method, answer);
  }
  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    serve(request, response).catch(() => request.socket.destroy());
  }
  return tls === undefined ? createServer(onRequest) : createTlsServer({ ...tls }, onRequest);
}

/** Stops a server and ends its open connections. */
export async function stopServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

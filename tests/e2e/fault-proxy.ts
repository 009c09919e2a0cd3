/** A proxy before the sandbox that drops, delays, cuts or replaces answers. */

import { request as askHttp } from "node:http";
import { createServer, type Socket } from "node:net";

/** An answer as it goes back over the wire. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request that came to the proxy, and what can be done about it. */
export interface Exchange {
  readonly method: string;
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly socket: Socket;
  /** Passes the request on to the server and returns its response. */
  pass(): Promise<Reply & { readonly body: string }>;
  /** Answers, with a right length and the end of the connection. */
  reply(reply: Reply): void;
}

/** What the proxy does with one request instead of handing it through. */
export type Fault = (exchange: Exchange) => Promise<void> | void;

/** A proxy in front of a server that spoils what its plan says. */
export interface FaultProxy {
  readonly url: string;
  /** Every request so far. */
  readonly seen: readonly Exchange[];
  /** The creates among them. */
  readonly posts: () => readonly Exchange[];
  /** Resolves once that many creates have come in. */
  arrived(posts: number): Promise<void>;
  close(): Promise<void>;
}

/** Which fault meets a request; undefined hands it through. */
export type Plan = (exchange: Exchange) => Fault | undefined;

/** Meets the creates one after the other; those after the last fault are handed through. */
export function inOrder(...faults: readonly (Fault | undefined)[]): Plan {
  let next = 0;
  return ({ method }) => (method === "POST" ? faults[next++] : undefined);
}

/** Meets every create with the same. */
export function always(fault: Fault): Plan {
  return ({ method }) => (method === "POST" ? fault : undefined);
}

/** Closes the connection, the request unread by the server. */
export const dropBefore: Fault = ({ socket }) => {
  socket.destroy();
};

/** Lets the request through and closes the connection in place of the answer. */
export const dropAfter: Fault = async ({ pass, socket }) => {
  await pass();
  socket.destroy();
};

/** Never answers, the request unread by the server. */
export const stallBefore: Fault = () => {};

/** Lets the request through and never answers. */
export const stallAfter: Fault = async ({ pass }) => {
  await pass();
};

/** Lets the request through, and stops in the middle of the answer's body. */
export const stallInside: Fault = async ({ pass, socket }) => {
  const { status, body } = await pass();
  socket.write(`${head(status, { "content-type": "application/json", "content-length": String(body.length) })}`);
  socket.write(body.slice(0, body.length / 2));
};

/** Lets the request through, and closes the connection in the middle of the answer's body. */
export const cutInside: Fault = async ({ pass, socket }) => {
  const { status, body } = await pass();
  socket.write(`${head(status, { "content-type": "application/json", "content-length": String(body.length) })}`);
  socket.end(body.slice(0, body.length / 2));
};

/** Answers in place of the server, which never sees the request. */
export function instead(reply: Reply): Fault {
  return (exchange) => exchange.reply(reply);
}

/** Lets the request through and gives another answer than the server's. */
export function swapped(change: (reply: Reply & { readonly body: string }) => Reply): Fault {
  return async (exchange) => exchange.reply(change(await exchange.pass()));
}

/** Writes these bytes in place of an answer, the request unread by the server. */
export function raw(bytes: string): Fault {
  return ({ socket }) => {
    socket.end(bytes);
  };
}

function head(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join("")}\r\n`;
}

/** The first whole request in what has come so far, or undefined while there is none. */
function parse(
  text: string,
): { method: string; target: string; headers: Record<string, string>; body: string } | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const [method = "", target = ""] = first.split(" ");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = text.slice(end + 4);
  return body.length < Number(headers["content-length"] ?? 0) ? undefined : { method, target, headers, body };
}

/**
 * Starts a proxy in front of an http server; each of its connections takes one request.
 *
 * @param socket the path of a unix socket to listen on, in place of a port of loopback.
 */
export async function openFaultProxy(server: string, plan: Plan, socket?: string): Promise<FaultProxy> {
  const seen: Exchange[] = [];
  const sockets = new Set<Socket>();
  const waiting: { posts: number; resolve: () => void }[] = [];
  const posts = (): Exchange[] => seen.filter(({ method }) => method === "POST");

  function pass(asked: { method: string; target: string; headers: Record<string, string>; body: string }) {
    // The sandbox takes no requests for a host other than its own.
    const { connection: _, host: __, ...headers } = asked.headers;
    return new Promise<Reply & { readonly body: string }>((resolve, reject) => {
      const outgoing = askHttp(
        `${server}${asked.target}`,
        { method: asked.method, headers, agent: false },
        async (answer) => {
          const parts: Buffer[] = [];
          for await (const part of answer) if (Buffer.isBuffer(part)) parts.push(part);
          const kept = Object.fromEntries(
            Object.entries(answer.headers).flatMap(([name, value]) =>
              typeof value === "string" && !/^(connection|keep-alive|transfer-encoding|content-length)$/.test(name)
                ? [[name, value] as const]
                : [],
            ),
          );
          resolve({ status: answer.statusCode ?? 0, headers: kept, body: Buffer.concat(parts).toString("latin1") });
        },
      );
      outgoing.on("error", reject);
      outgoing.end(Buffer.from(asked.body, "latin1"));
    });
  }

  function reply(socket: Socket, { status, headers = {}, body = "" }: Reply): void {
    const bytes = Buffer.from(body, "latin1");
    socket.write(head(status, { ...headers, "content-length": String(bytes.length), connection: "close" }));
    socket.end(bytes);
  }

  async function serve(socket: Socket, asked: NonNullable<ReturnType<typeof parse>>): Promise<void> {
    const exchange: Exchange = {
      ...asked,
      socket,
      pass: () => pass(asked),
      reply: (answer) => reply(socket, answer),
    };
    seen.push(exchange);
    const fault = plan(exchange);
    for (const waiter of waiting) if (posts().length >= waiter.posts) waiter.resolve();
    if (fault === undefined) exchange.reply(await exchange.pass());
    else await fault(exchange);
  }

  const listener = createServer((socket) => {
    sockets.add(socket);
    let text = "";
    let served = false;
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (part) => {
      text += String(part);
      const asked = served ? undefined : parse(text);
      if (asked === undefined) return;
      served = true;
      serve(socket, asked).catch(() => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => {
    if (socket === undefined) listener.listen(0, "127.0.0.1", resolve);
    else listener.listen(socket, resolve);
  });
  const address = listener.address();
  if (address === null) throw new Error("the proxy has no address");
  return {
    url: typeof address === "string" ? `unix://${address}` : `http://127.0.0.1:${address.port}`,
    seen,
    posts,
    arrived: (count) =>
      new Promise((resolve) => {
        if (posts().length >= count) resolve();
        else waiting.push({ posts: count, resolve });
      }),
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

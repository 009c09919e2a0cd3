/** A TCP server for tests of proxies and tunnels. */

import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";

/** A running TCP server; disposing of it breaks its connections off. */
export interface TcpServer extends AsyncDisposable {
  /** Its address as an `http` URL. */
  readonly url: string;
}

/** Starts a TCP server on a free port of an address of this machine. */
export async function openTcpServer(onSocket: (socket: Socket) => void, host = "127.0.0.1"): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    url: `http://${host}:${address.port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Connects a client to another server, until one of them ends. */
export function relay(client: Socket, upstream: Socket): void {
  client.on("error", () => upstream.destroy());
  upstream.on("error", () => client.destroy());
  // Not the other way round: the last bytes of an answer may still be on their way to the client.
  client.on("close", () => upstream.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
}

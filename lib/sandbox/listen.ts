import { lstatSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { errorCode, errorMessage, Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { isLoopbackHost } from "../core/url-checks.ts";

/** Where a sandbox listens. */
type ListenAddress = { readonly socket: string } | { readonly host: string; readonly port: number };

const HINT = "Listen on 127.0.0.1:4445, or on unix:///path/of/a.sock";

/**
 * Reads an address to listen on: `host:port` or `unix:///path`.
 *
 * @throws {Problem} for other text, and for a host other than this machine: the sandbox doesn't authenticate anyone, so
 * nobody else may reach it.
 */
export function parseLocalListenAddress(listen: string): ListenAddress {
  if (listen.startsWith("unix://")) {
    const socket = listen.slice("unix://".length);
    if (socket.startsWith("/")) return { socket };
    throw usageError(`Cannot start the sandbox on ${quote(listen)}: a socket needs an absolute path`, HINT);
  }
  const [, host, digits] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):(\d{1,5})$/.exec(listen) ?? [];
  const port = Number(digits);
  if (host === undefined || port > 65535) {
    throw usageError(`Cannot start the sandbox on ${quote(listen)}: it is neither HOST:PORT nor a socket`, HINT);
  }
  // Not every system resolves the names of localhost.
  const name = /^(?:(?:.*\.)?localhost)?$/i.test(host) ? "127.0.0.1" : host.replace(/^\[|\]$/g, "");
  if (!isLoopbackHost(name)) {
    throw usageError(`Cannot start the sandbox on ${quote(listen)}: only this machine may reach it`, HINT);
  }
  return { host: name, port };
}

/**
 * Whether something answers on a socket. Only a refused connection proves that nothing does.
 *
 * @throws the reason why that can't be determined.
 */
function isSocketAnswering(socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(socket);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error) => (errorCode(error) === "ECONNREFUSED" ? resolve(false) : reject(error)));
  });
}

/** The problem of an address that is in use, or that can't be listened on for another reason. */
function cannotListenProblem(listen: string, cause: unknown, isTaken = errorCode(cause) === "EADDRINUSE"): Problem {
  const reason = isTaken ? "the address is in use" : errorMessage(cause);
  return new Problem(`Cannot start the sandbox on ${quote(listen)}: ${reason}`, {
    code: isTaken ? "address-in-use" : "cannot-listen",
    hint: isTaken ? "Stop what listens there, or choose another address" : HINT,
    cause,
  });
}
/** Removes the socket of a process that has stopped; any other file is left alone. */
async function removeStaleSocket(socket: string, listen: string): Promise<void> {
  const there = lstatSync(socket, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw usageError(`Cannot start the sandbox on ${quote(listen)}: a file that isn't a socket exists there`, HINT);
  }
  if (await isSocketAnswering(socket)) throw cannotListenProblem(listen, undefined, true);
  rmSync(socket, { force: true });
}

/** Starts listening; resolves when the server is reachable, otherwise rejects with the reason. */
export async function listenOn(server: Server, address: ListenAddress, listen: string): Promise<void> {
  if ("socket" in address) {
    await removeStaleSocket(address.socket, listen).catch((error: unknown) => {
      throw error instanceof Problem ? error : cannotListenProblem(listen, error);
    });
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(cannotListenProblem(listen, error)));
    if ("socket" in address) server.listen(address.socket, resolve);
    else server.listen(address.port, address.host, resolve);
  });
}

/** The URL of a listening server. */
export function serverUrl(server: Server, address: ListenAddress, scheme: "http" | "https"): string {
  if ("socket" in address) return `unix://${address.socket}`;
  // Not the requested port, which is 0 for a free one.
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  return `${scheme}://${address.host.includes(":") ? `[${address.host}]` : address.host}:${port}`;
}

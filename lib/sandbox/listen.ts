import { lstatSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { errorCode, errorMessage, Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { isLoopback } from "../core/url.ts";

/** Where a sandbox listens. */
export type Place = { readonly socket: string } | { readonly host: string; readonly port: number };

const HINT = "Listen on 127.0.0.1:4445, or on unix:///path/of/a.sock";

/**
 * Reads an address to listen on: `host:port` or `unix:///path`.
 *
 * @throws {Problem} for text that is neither, and for a host that is not this machine: the sandbox asks nobody who they
 * are, so nobody else may reach it.
 */
export function parsePlace(listen: string): Place {
  if (listen.startsWith("unix://")) {
    const socket = listen.slice("unix://".length);
    if (socket.startsWith("/")) return { socket };
    throw usageError(`Cannot start the sandbox on ${quote(listen)}: a socket needs an absolute path`, HINT);
  }
  const [, host, digits] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):(\d{1,5})$/.exec(listen) ?? [];
  const port = Number(digits);
  if (host === undefined || port > 65535) {
    throw usageError(`Cannot start the sandbox on ${quote(listen)}: not a host with a port, nor a socket`, HINT);
  }
  const name = host === "" || host.toLowerCase() === "localhost" ? "127.0.0.1" : host.replace(/^\[|\]$/g, "");
  if (!isLoopback(name)) {
    throw usageError(`Cannot start the sandbox on ${quote(listen)}: only this machine may reach it`, HINT);
  }
  return { host: name, port };
}

/** Whether something answers on a socket. */
function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}

function inUse(listen: string, cause?: unknown): Problem {
  return new Problem(`Cannot start the sandbox on ${quote(listen)}: the address is in use`, {
    code: "address-in-use",
    exit: "failed",
    hint: "Stop what listens there, or choose another address",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Takes away a socket that a stopped process left behind; anything else in its place is not touched. */
async function clearSocket(socket: string, listen: string): Promise<void> {
  const there = lstatSync(socket, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw usageError(`Cannot start the sandbox on ${quote(listen)}: there is a file that is no socket`, HINT);
  }
  if (await answers(socket)) throw inUse(listen);
  rmSync(socket, { force: true });
}

/** Starts listening; it settles when the server can be reached, or with the reason why it cannot be. */
export async function listenOn(server: Server, place: Place, listen: string): Promise<void> {
  if ("socket" in place) await clearSocket(place.socket, listen);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      if (errorCode(error) === "EADDRINUSE") reject(inUse(listen, error));
      else {
        reject(
          new Problem(`Cannot start the sandbox on ${quote(listen)}: ${errorMessage(error)}`, {
            code: "cannot-listen",
            exit: "failed",
            hint: HINT,
            cause: error,
          }),
        );
      }
    });
    if ("socket" in place) server.listen(place.socket, resolve);
    else server.listen(place.port, place.host, resolve);
  });
}

/** The address under which a listening server is reached. */
export function urlOf(server: Server, place: Place, scheme: "http" | "https"): string {
  if ("socket" in place) return `unix://${place.socket}`;
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : place.port;
  return `${scheme}://${place.host.includes(":") ? `[${place.host}]` : place.host}:${port}`;
}

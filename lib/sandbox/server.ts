import { rmSync } from "node:fs";
import type { JsonObject } from "../core/json/json.ts";
import { usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { createAdminApi, DEFAULT_PUBLIC_URL } from "./admin-api.ts";
import { foreignSenderReason, type ListenerKind } from "./foreign-sender.ts";
import { createHttpServer, type ReceivedRequest, type ServerTls, stopServer } from "./http-server.ts";
import { listenOn, parseLocalListenAddress, serverUrl } from "./listen.ts";
import { createPublicSide, type PublicSide } from "./public/create-public-side.ts";
import { type RequestWithHeaders, splitTarget } from "./public/requests-and-pages.ts";
import { type Answer, errorAnswer } from "./response.ts";
import { BEHAVIOUR_BY_VERSION, type SandboxVersion } from "./versions.ts";

/** What a sandbox is started with. */
export interface SandboxOptions {
  /** The version that it answers as. */
  readonly as: SandboxVersion;
  /** `host:port` of this machine (port 0 for a free one) or `unix:///path`. */
  readonly listen: string;
  /** PEM of a private key and of its certificate; without them it speaks plain http. */
  readonly tls?: ServerTls;
  /** `host:port` of the public port, where tokens are issued; without it there is none. */
  readonly publicListen?: string;
  /** Login and consent application; without them built-in pages accept everything. */
  readonly loginUrl?: string;
  readonly consentUrl?: string;
  /** The clock, in milliseconds since 1970. */
  readonly now?: () => number;
  /** Called with one line for each request: method, target and status, no header and no body. */
  readonly onRequest?: (line: string) => void;
  /** How many clients to begin with. */
  readonly seed?: number;
}

/** A sandbox that is listening. */
export interface Sandbox {
  /** Its address: `http://`, `https://` or `unix://`. */
  readonly url: string;
  /** URL of the public port. */
  readonly publicUrl: string | undefined;
  /** All clients as a read shows them, in the order of a list. */
  readonly clients: () => readonly JsonObject[];
  /** The current secret of a client, or undefined if there is no such client. */
  readonly secretOf: (id: string) => string | undefined;
  /** Every secret that is valid for a client, the current one first. */
  readonly secretsOf: (id: string) => readonly string[];
  /** Stops listening, ends open connections and removes the socket. */
  readonly close: () => Promise<void>;
}

/** A request as the sandbox's endpoints read it, or the answer that it gets for where it comes from or its size. */
function readOrRejectRequest(
  { request, method, target, body }: ReceivedRequest,
  entrance: ListenerKind,
  as: SandboxVersion,
  isNavigation: boolean,
): RequestWithHeaders | Answer {
  const {
    host,
    origin,
    accept = "",
    authorization = "",
    cookie = "",
    "content-type": contentType = "",
  } = request.headers;
  const foreign = foreignSenderReason({ host, origin: isNavigation ? undefined : origin }, entrance);
  const behaviour = BEHAVIOUR_BY_VERSION[as];
  if (foreign !== undefined) return errorAnswer(behaviour, { status: 403, error: "Forbidden", description: foreign });
  if (body !== undefined) return { method, target, accept, authorization, cookie, contentType, body };
  const description = "The request body is larger than 10 MiB";
  return errorAnswer(behaviour, { status: 413, error: "Request Entity Too Large", description });
}

/** Listens on the public port if one is wanted. */
async function listenOnPublicPort(options: SandboxOptions, side: PublicSide) {
  const { publicListen, tls, as, onRequest } = options;
  if (publicListen === undefined) return { url: undefined, close: async () => {} };
  const address = parseLocalListenAddress(publicListen);
  if ("socket" in address) {
    throw usageError(
      `Cannot start the sandbox on ${quote(publicListen)}: browsers and clients can't reach a socket`,
      "Give the public port as 127.0.0.1:4444",
    );
  }
  const scheme = tls === undefined ? "http" : "https";
  const answerTo = (received: ReceivedRequest): Answer => {
    const request = readOrRejectRequest(received, scheme, as, side.isNavigable(splitTarget(received.target).path));
    return "status" in request ? request : side.answer(request);
  };
  // Without the query, which may hold codes and states.
  const log = ({ method, target }: ReceivedRequest, answer: Answer | undefined): void =>
    onRequest?.(`${method} ${splitTarget(target).path} ${answer?.status ?? "closed"}`);
  const server = createHttpServer(tls, answerTo, log);
  await listenOn(server, address, publicListen);
  return { url: serverUrl(server, address, scheme), close: () => stopServer(server) };
}

/**
 * Starts an in-memory Hydra on this machine: the admin API, and the public side if a port for it is given.
 *
 * @throws {Problem} if an address cannot be listened on.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { as, listen, tls, loginUrl, consentUrl, now = Date.now } = options;
  const address = parseLocalListenAddress(listen);
  let publicUrl = DEFAULT_PUBLIC_URL;
  const api = createAdminApi(as, {
    publicUrl: () => publicUrl,
    onClientRemoved: (id) => side.forgetClient(id),
  });
  api.clients.seed(options.seed ?? 0);
  const scheme = tls === undefined ? "http" : "https";
  const entrance = "socket" in address ? "unix" : scheme;

  const side = createPublicSide({
    as,
    client: (id) => api.clients.store.get(id),
    keys: api.keys,
    publicUrl: () => publicUrl,
    loginUrl,
    consentUrl,
    now,
  });

  const answerTo = (received: ReceivedRequest): Answer | undefined => {
    const request = readOrRejectRequest(received, entrance, as, false);
    return "status" in request ? request : (side.answerAdmin(request) ?? api.answer(request));
  };
  const server = createHttpServer(tls, answerTo, ({ method, target }, answer) =>
    options.onRequest?.(`${method} ${target} ${answer?.status ?? "closed"}`),
  );
  await listenOn(server, address, listen);
  const close = async (): Promise<void> => {
    await stopServer(server);
    if ("socket" in address) rmSync(address.socket, { force: true });
  };
  const port = await listenOnPublicPort(options, side).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  publicUrl = port.url ?? publicUrl;

  return {
    url: serverUrl(server, address, scheme),
    publicUrl: port.url,
    clients: () => api.clients.store.all().map(({ view }) => view),
    secretOf: (id) => api.clients.store.get(id)?.secrets[0],
    secretsOf: (id) => api.clients.store.get(id)?.secrets ?? [],
    close: async () => {
      await Promise.all([close(), port.close()]);
    },
  };
}

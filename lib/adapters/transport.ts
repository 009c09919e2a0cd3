import { closeSync, openSync } from "node:fs";
import type { IncomingMessage, RequestOptions } from "node:http";
import { errorCode } from "../core/problem.ts";

/** How to connect, in addition to what the URL says. */
export interface ConnectionOptions {
  /** Path of a unix socket to use instead of TCP. */
  readonly socket?: string | undefined;
  /** Certificates to trust, PEM; the bundled ones by default. Used only for https. */
  readonly authorities?: readonly string[] | undefined;
  /** Accept any certificate. */
  readonly skipVerify?: boolean;
  /** Ignore the proxies of the environment. */
  readonly direct?: boolean;
  /** Use a new connection: if the server just closed a reused one, the runtime sends the request again. */
  readonly once?: boolean;
}

/** Creates a fetch function for ofetch that connects in a certain way. */
export type FetchFactory = (connection: ConnectionOptions) => (input: string, init: RequestInit) => Promise<Response>;

/** The non-standard options of Bun's fetch. */
interface BunInit extends RequestInit {
  unix?: string;
  proxy?: false;
  tls?: { ca?: string[]; rejectUnauthorized: boolean };
  keepalive?: boolean;
  verbose?: boolean;
  decompress?: boolean;
}

/**
 * Whether the server's certificate is verified, and against which certificates. Always explicit: otherwise every runtime
 * follows NODE_TLS_REJECT_UNAUTHORIZED, which is often set on developer machines and in CI images.
 */
function tlsVerificationOptions(connection: ConnectionOptions): { ca?: string[]; rejectUnauthorized: boolean } {
  return {
    ...(connection.authorities === undefined ? {} : { ca: [...connection.authorities] }),
    rejectUnauthorized: connection.skipVerify !== true,
  };
}

/**
 * Bun's own fetch, which supports unix sockets, certificates per request and proxies. `verbose: false` overrides
 * BUN_CONFIG_VERBOSE_FETCH, which prints every header and body including credentials. Bun itself must not decompress: it
 * writes to standard error if it can't.
 */
const bunTransport: FetchFactory = (connection) => async (input, init) => {
  requireFreeDescriptors();
  const options: BunInit = { ...init, verbose: false, decompress: false, tls: tlsVerificationOptions(connection) };
  if (connection.socket !== undefined) options.unix = connection.socket;
  if (connection.direct === true) options.proxy = false;
  if (connection.once === true) options.keepalive = false;
  return fetch(input, options);
};

/** File descriptors that Bun's network thread needs to start, and one for a connection. */
const NETWORK_DESCRIPTORS = 2;

let descriptorsChecked = false;

/** Throws EMFILE if Bun's network thread could not start, which would end the process with advice about Bun. */
function requireFreeDescriptors(): void {
  if (descriptorsChecked || process.platform === "win32") return;
  const opened: number[] = [];
  try {
    for (let i = 0; i < NETWORK_DESCRIPTORS; i++) opened.push(openSync("/", "r"));
    descriptorsChecked = true;
  } catch (error) {
    // Only the limit on open files matters here.
    if (["EMFILE", "ENFILE"].includes(errorCode(error) ?? "")) throw error;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/**
 * A fetch over node:http and node:https, for runtimes whose own fetch silently ignores sockets and certificates (Deno).
 * It doesn't support proxies.
 */
const nodeTransport: FetchFactory = (connection) => async (input, init) => {
  const url = new URL(input);
  const isHttps = url.protocol === "https:";
  const { request } = isHttps ? await import("node:https") : await import("node:http");
  const options: RequestOptions & { ca?: string[]; rejectUnauthorized?: boolean } = {
    method: init.method ?? "GET",
    headers: Object.fromEntries(new Headers(init.headers)),
    ...(init.signal == null ? {} : { signal: init.signal }),
    socketPath: connection.socket,
    // On a reused connection, Deno ignores both timeouts and signals.
    agent: false,
    ...(isHttps ? tlsVerificationOptions(connection) : {}),
  };
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(url, options, resolve);
    outgoing.on("error", reject);
    outgoing.end(typeof init.body === "string" ? init.body : undefined);
  });
  return responseFrom(incoming);
};

/** A message of node:http as the response of a fetch. */
function responseFrom(incoming: IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const status = incoming.statusCode ?? 0;
  if (status === 204 || status === 205 || status === 304) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      incoming.on("data", (chunk: Uint8Array) => controller.enqueue(new Uint8Array(chunk)));
      incoming.on("end", () => controller.close());
      incoming.on("error", (error) => controller.error(error));
    },
    cancel() {
      incoming.destroy();
    },
  });
  return new Response(body, { status, headers });
}

/** The transport for the current runtime. */
export const createRuntimeFetch: FetchFactory = "Bun" in globalThis ? bunTransport : nodeTransport;

/** Whether that transport uses the proxies of the environment. */
export const RUNTIME_FETCH_USES_PROXIES = createRuntimeFetch === bunTransport;

/**
 * The certificates to trust for https: those bundled with the runtime, those of the system, and `extra`. Loaded only for
 * an https URL.
 */
export async function collectTrustedCertificates(extra: readonly string[]): Promise<string[]> {
  const tls = await import("node:tls");
  const system = tls.getCACertificates("system");
  return [...new Set([...tls.rootCertificates, ...system, ...extra])];
}

/** The certificates in PEM text, and whether all of them can be parsed. */
export async function extractCertificates(
  text: string,
): Promise<{ readonly certificates: readonly string[]; readonly readable: boolean }> {
  const { X509Certificate } = await import("node:crypto");
  const certificates = certificateBlocks(text);
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
    return { certificates, readable: true };
  } catch {
    return { certificates, readable: false };
  }
}

/** The certificate blocks in PEM text, each from BEGIN to the next END. */
function certificateBlocks(text: string): readonly string[] {
  const blocks: string[] = [];
  let start: number | undefined;
  for (const { 0: mark, 1: kind, index } of text.matchAll(/-----(BEGIN|END) (?:TRUSTED )?CERTIFICATE-----/g)) {
    if (kind === "BEGIN") start ??= index;
    else if (start !== undefined) {
      blocks.push(text.slice(start, index + mark.length));
      start = undefined;
    }
  }
  return blocks;
}

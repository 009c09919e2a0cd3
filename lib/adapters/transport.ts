import { closeSync, openSync } from "node:fs";
import type { IncomingMessage, RequestOptions } from "node:http";
import process from "node:process";
import { errorCode } from "../core/problem.ts";

/** How one connection is made, beside what the address says. */
export interface Wire {
  /** Path of a unix socket to go through instead of TCP. */
  readonly socket?: string;
  /** Certificates to trust, PEM; without it those that the runtime bundles. Used for https only. */
  readonly authorities?: readonly string[];
  /** Take any certificate. */
  readonly skipVerify?: boolean;
  /** Never go through a proxy of the environment. */
  readonly direct?: boolean;
  /** Do not reuse a connection: a reused one that the server just closed makes the runtime send a request again. */
  readonly once?: boolean;
}

/** A fetch that takes its wiring from a closure, to be handed to ofetch. */
export type Transport = (wire: Wire) => (input: string, init: RequestInit) => Promise<Response>;

/** The options that Bun's fetch knows beyond the standard. */
interface BunInit extends RequestInit {
  unix?: string;
  proxy?: false;
  tls?: { ca?: string[]; rejectUnauthorized: boolean };
  keepalive?: boolean;
  verbose?: boolean;
  decompress?: boolean;
}

/**
 * Whether and by which certificates a server is checked. Always explicit: left open, NODE_TLS_REJECT_UNAUTHORIZED decides
 * in every runtime, and it is often set on developer machines and CI images.
 */
function certificateCheck(wire: Wire): { ca?: string[]; rejectUnauthorized: boolean } {
  return {
    ...(wire.authorities === undefined ? {} : { ca: [...wire.authorities] }),
    rejectUnauthorized: wire.skipVerify !== true,
  };
}

/**
 * Bun's own fetch: it speaks unix sockets, takes certificates for each request and honours proxies. `verbose: false`
 * overrides BUN_CONFIG_VERBOSE_FETCH, which prints every header and body, credentials included. A body that cannot be
 * decompressed makes Bun write to standard error by itself, so it is left as it came.
 */
const bunTransport: Transport = (wire) => async (input, init) => {
  checkDescriptors();
  const options: BunInit = { ...init, verbose: false, decompress: false, tls: certificateCheck(wire) };
  if (wire.socket !== undefined) options.unix = wire.socket;
  if (wire.direct === true) options.proxy = false;
  if (wire.once === true) options.keepalive = false;
  return fetch(input, options);
};

/** Descriptors that Bun's network thread opens when it starts, and one for a connection. */
const NETWORK_DESCRIPTORS = 2;

let enoughDescriptors = false;

/** Throws EMFILE where Bun's network thread could not start: it would end the whole process, with advice about Bun. */
function checkDescriptors(): void {
  if (enoughDescriptors || process.platform === "win32") return;
  const opened: number[] = [];
  try {
    for (let i = 0; i < NETWORK_DESCRIPTORS; i++) opened.push(openSync("/", "r"));
    enoughDescriptors = true;
  } catch (error) {
    // Only the limit of open files matters here.
    if (["EMFILE", "ENFILE"].includes(errorCode(error) ?? "")) throw error;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/**
 * A fetch over node:http and node:https, for runtimes whose own fetch ignores sockets and certificates without a word
 * (Deno). It never goes through a proxy.
 */
const nodeTransport: Transport = (wire) => async (input, init) => {
  const url = new URL(input);
  const secure = url.protocol === "https:";
  const { request } = secure ? await import("node:https") : await import("node:http");
  const headers: Record<string, string> = {};
  new Headers(init.headers).forEach((value, name) => {
    headers[name] = value;
  });
  const options: RequestOptions & { ca?: string[]; rejectUnauthorized?: boolean } = {
    method: init.method ?? "GET",
    headers,
    ...(init.signal == null ? {} : { signal: init.signal }),
    ...(wire.socket === undefined ? {} : { socketPath: wire.socket }),
    // Deno ends no request over a connection that is used again: neither the time nor a signal would count.
    agent: false,
    ...(secure ? certificateCheck(wire) : {}),
  };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(url, options, resolve);
    outgoing.on("error", reject);
    outgoing.end(typeof init.body === "string" ? init.body : undefined);
  });
  const received = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct)) {
    for (const value of values ?? []) received.append(name, value);
  }
  const status = answer.statusCode ?? 0;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      answer.on("data", (chunk: Uint8Array) => controller.enqueue(new Uint8Array(chunk)));
      answer.on("end", () => controller.close());
      answer.on("error", (error) => controller.error(error));
    },
    cancel() {
      answer.destroy();
    },
  });
  const empty = status === 204 || status === 205 || status === 304;
  if (empty) answer.resume();
  return new Response(empty ? null : body, { status, headers: received });
};

/** The transport of the runtime at hand. */
export const transport: Transport = "Bun" in globalThis ? bunTransport : nodeTransport;

/** Whether that transport goes through the proxies of the environment. */
export const HONOURS_PROXIES = transport === bunTransport;

/**
 * The certificates that https trusts: those bundled with the runtime, those of the system, and the given ones on top.
 * Loaded only when an https address is asked.
 */
export async function trustedAuthorities(extra: readonly string[]): Promise<string[]> {
  const tls = await import("node:tls");
  const system = tls.getCACertificates("system");
  return [...new Set([...tls.rootCertificates, ...system, ...extra])];
}

/** The certificates in a PEM text, and whether each of them can be read. */
export async function certificatesIn(
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

/** The blocks of certificates in a PEM text, each from its BEGIN to the next END. */
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

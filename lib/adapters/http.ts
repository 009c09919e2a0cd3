import { type $Fetch, createFetch, type FetchContext } from "ofetch";
import {
  type CertificateFault,
  type HttpRequest,
  MAX_TIMER_MS,
  NetworkFailure,
  type SendHttp,
  type UsedProxy,
} from "../core/network.ts";
import { redactedHeaderLine, urlWithoutSecrets } from "../core/redact.ts";
import { escapeControls } from "../core/text.ts";
import { isLoopbackHost } from "../core/url-checks.ts";
import { readResponseBytes } from "./http/read-body.ts";
import type { ConnectionOptions, FetchFactory } from "./transport.ts";

/** What all requests of one {@link SendHttp} share. */
export interface HttpOptions {
  /** The unix socket to connect to. */
  readonly socket?: string | undefined;
  /** Headers to send with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly transport: FetchFactory;
  /** Certificates to trust, PEM. Called only for https. */
  readonly authorities: () => Promise<readonly string[]>;
  readonly skipVerify?: boolean;
  /** The proxy that the environment sets for a URL; undefined if there is none. */
  readonly proxyOf?: ((url: URL) => UsedProxy | undefined) | undefined;
  /** Names the environment variables for authorities that are set. */
  readonly caVariables?: () => readonly string[];
  /** Called with each request and response, without credentials. */
  readonly trace?: ((line: string) => void) | undefined;
  readonly monotonic: () => number;
}

/** Limit for the body of a response, unless the request sets another: 64 MiB. */
const MAX_BYTES = 64 * 1024 * 1024;

const TIMEOUT_SIGNAL = Symbol("timeout");

/** Creates the only access to the network: ofetch over the transport of the runtime. */
export function createHttp(options: HttpOptions): SendHttp {
  const senderTo = createSenderCache(options);
  return async (request) => {
    const url = new URL(request.url);
    const send = await senderTo(url, request.once === true);
    request.signal?.throwIfAborted();
    const deadline = startDeadline(request);
    const began = options.monotonic();
    const trace = (outcome: string, size = ""): void =>
      options.trace?.(`< ${outcome} (${size}${Math.round(options.monotonic() - began)} ms)`);
    try {
      const response = await send.raw(request.url, { ...toFetchOptions(request), signal: deadline.signal });
      const bytes = await readResponseBytes(response, request.maxBytes ?? MAX_BYTES, deadline.signal);
      trace(String(response.status), `${bytes.length} bytes, `);
      const { status, headers } = response;
      const via = mayBeSentByProxy(url, status) ? findProxyUnlessDirect(options, url) : undefined;
      return { status, headers, bytes, text: new TextDecoder().decode(bytes), via };
    } catch (error) {
      request.signal?.throwIfAborted();
      const basic = await toFailureWithProxy(error, deadline.signal, findProxyUnlessDirect(options, url));
      const failure = await withFetchedCertificateDetails(basic, options, url, deadline.signal);
      trace(failure.message);
      throw failure;
    } finally {
      deadline.end();
    }
  };
}

/** Whether a proxy may have sent a response itself: responses of https it only passes on. */
function mayBeSentByProxy({ protocol }: URL, status: number): boolean {
  return protocol === "http:" && (status === 403 || status >= 500);
}

/** The part of a request that ofetch turns into a body, a query and headers. */
function toFetchOptions({ method, headers, query, json, form }: HttpRequest) {
  const type = form === undefined ? "application/json" : "application/x-www-form-urlencoded";
  return {
    method,
    // Set here and not by ofetch, which does so after the request has been traced.
    headers: { ...(form === undefined && json === undefined ? {} : { "content-type": type }), ...headers },
    ...(query === undefined ? {} : { query }),
    ...(form === undefined ? {} : { body: form }),
    // Wrapped, because ofetch sends an object with a member "buffer" or "constructor" as "[object Object]".
    ...(json === undefined ? {} : { body: { toJSON: () => json } }),
  };
}

/** Creates the cache of senders by origin: lists and imports send thousands of requests to the same one. */
function createSenderCache(options: HttpOptions): (url: URL, once: boolean) => Promise<$Fetch> {
  const senders = new Map<string, Promise<$Fetch>>();
  let authorities: Promise<readonly string[]> | undefined;

  async function connectionTo(url: URL, once: boolean): Promise<ConnectionOptions> {
    const verified = url.protocol === "https:" && options.skipVerify !== true;
    if (verified) authorities ??= options.authorities();
    return {
      socket: options.socket,
      authorities: verified ? await authorities : undefined,
      skipVerify: options.skipVerify === true && url.protocol === "https:",
      direct: isDirect(options, url),
      once,
    };
  }

  return (url, once) => {
    const key = `${url.origin} ${once}`;
    const sender = senders.get(key) ?? connectionTo(url, once).then((connection) => createSender(options, connection));
    senders.set(key, sender);
    return sender;
  };
}

/** An ofetch that neither retries, follows redirects nor parses: statuses and bodies are left to the caller. */
function createSender(options: HttpOptions, connection: ConnectionOptions): $Fetch {
  const send = options.transport(connection);
  return createFetch({
    fetch: (input, init) => send(String(input), init ?? {}),
    defaults: {
      headers: { ...options.headers },
      redirect: "manual",
      responseType: "stream",
      ignoreResponseError: true,
      retry: false,
      onRequest: (context) => traceRequest(options, context),
      onResponse: async ({ request, response }) => {
        if (response.status !== 407 || findProxyUnlessDirect(options, new URL(String(request))) === undefined) return;
        const { proxyTunnelFailure } = await import("./http/network-failure.ts");
        throw proxyTunnelFailure(407);
      },
    },
  });
}

function traceRequest({ trace, socket }: HttpOptions, { request, options }: FetchContext): void {
  if (trace === undefined) return;
  const query = options.query === undefined ? "" : "?…";
  const via = socket === undefined ? "" : ` (through ${socket})`;
  trace(`> ${options.method} ${escapeControls(urlWithoutSecrets(String(request)))}${query}${via}`);
  for (const [name, value] of options.headers) trace(`> ${redactedHeaderLine(name, value)}`);
}

/** Whether a request never goes through a proxy. */
function isDirect({ socket }: HttpOptions, url: URL): boolean {
  return socket !== undefined || isLoopbackHost(url.hostname);
}

function findProxyUnlessDirect(options: HttpOptions, url: URL): UsedProxy | undefined {
  return isDirect(options, url) ? undefined : options.proxyOf?.(url);
}

/** A signal that aborts when the time of a request is up or the request is cancelled. */
function startDeadline({ timeout, signal }: HttpRequest): { readonly signal: AbortSignal; end(): void } {
  const control = new AbortController();
  const cancel = (): void => control.abort(signal?.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  const expire = (): void => control.abort(TIMEOUT_SIGNAL);
  const timer = timeout === undefined ? undefined : setTimeout(expire, Math.min(MAX_TIMER_MS, Math.max(1, timeout)));
  return {
    signal: control.signal,
    end() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    },
  };
}

async function toFailureWithProxy(
  error: unknown,
  deadline: AbortSignal,
  via: UsedProxy | undefined,
): Promise<NetworkFailure> {
  const failure = error instanceof NetworkFailure ? error : await toTimeoutOrNetworkFailure(error, deadline);
  const { kind, message, cause, certificate } = failure;
  return via === undefined ? failure : new NetworkFailure(kind, message, cause, via, certificate);
}

/** A failure with what the server's certificate says about itself. Behind a proxy, that would be another connection. */
async function withFetchedCertificateDetails(
  failure: NetworkFailure,
  options: HttpOptions,
  url: URL,
  deadline: AbortSignal,
): Promise<NetworkFailure> {
  const { certificate, kind, message, cause, via } = failure;
  if (certificate === undefined) return failure;
  const again = (text: string, fault: CertificateFault): NetworkFailure =>
    new NetworkFailure(kind, text, cause, via, fault);
  if (certificate.reason === "untrusted")
    return again(message, { ...certificate, caVariables: options.caVariables?.() ?? [] });
  if (via !== undefined || options.socket !== undefined) return failure;
  const { certificateDateFaultText, certificateHostsText, fetchPeerCertificate } = await import(
    "./http/peer-certificate.ts"
  );
  const peer = await fetchPeerCertificate(url, deadline);
  if (peer === undefined) return failure;
  const details =
    certificate.reason === "dates" ? certificateDateFaultText(peer, new Date()) : certificateHostsText(peer);
  if (details === "") return failure;
  const text = certificate.reason === "dates" ? details : `it is for ${details}, not ${url.hostname}`;
  return again(`${message}: ${text}`, certificate);
}

async function toTimeoutOrNetworkFailure(error: unknown, deadline: AbortSignal): Promise<NetworkFailure> {
  if (deadline.reason === TIMEOUT_SIGNAL) return new NetworkFailure("timeout", "no complete response in time");
  const { toNetworkFailure } = await import("./http/network-failure.ts");
  return toNetworkFailure(error);
}

import { type $Fetch, createFetch } from "ofetch";
import { type FailureKind, type Http, type HttpRequest, MAX_TIMER_MS, NetworkFailure } from "../core/network.ts";
import { errorCode, errorMessage } from "../core/problem.ts";
import { redactHeader, redactUrl } from "../core/redact.ts";
import { escapeControls } from "../core/text.ts";
import { isLoopback } from "../core/url.ts";
import type { Transport, Wire } from "./transport.ts";

/** What every exchange of one {@link Http} shares. */
export interface HttpOptions {
  /** The unix socket to go through. */
  readonly socket?: string;
  /** The runtime's way to make a connection. */
  readonly transport: Transport;
  /** Certificates to trust, PEM. Asked for only when the address is https. */
  readonly authorities: () => Promise<readonly string[]>;
  readonly skipVerify?: boolean;
  /** How messages call the proxy of the environment that an address is reached through; undefined where there is none. */
  readonly proxyOf?: (url: URL) => string | undefined;
  /** Told each request and answer, credentials already left out. */
  readonly trace?: (line: string) => void;
  readonly monotonic: () => number;
}

/** Limit of an answer's body where the caller names none: 64 MiB. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Bodies up to this many bytes are read whole: 1 MiB. */
const READ_WHOLE = 1024 * 1024;

const TIMEOUT = Symbol("timeout");

/** Makes the one door to the network: ofetch over the transport of the runtime. */
export function createHttp(options: HttpOptions): Http {
  let authorities: Promise<readonly string[]> | undefined;

  const senders = new Map<string, Promise<$Fetch>>();

  /** The sender for an origin, made once: a list or an import asks the same one thousands of times. */
  function senderTo(url: URL, once: boolean): Promise<$Fetch> {
    const key = `${url.origin} ${once}`;
    const known = senders.get(key);
    if (known !== undefined) return known;
    const made = wireTo(url, once).then((wire) => {
      const send = options.transport(wire);
      return createFetch({ fetch: (input, init) => send(String(input), init ?? {}) });
    });
    senders.set(key, made);
    return made;
  }

  async function wireTo(url: URL, once: boolean): Promise<Wire> {
    const secure = url.protocol === "https:" && options.skipVerify !== true;
    if (secure) authorities ??= options.authorities();
    return {
      ...(options.socket === undefined ? {} : { socket: options.socket }),
      ...(secure && authorities !== undefined ? { authorities: await authorities } : {}),
      skipVerify: options.skipVerify === true && url.protocol === "https:",
      direct: isDirect(url),
      once,
    };
  }

  function isDirect(url: URL): boolean {
    return options.socket !== undefined || isLoopback(url.hostname);
  }

  return async (request) => {
    const to = new URL(request.url);
    const proxy = (): string | undefined => (isDirect(to) ? undefined : options.proxyOf?.(to));
    const send = await senderTo(to, request.once === true);
    const control = new AbortController();
    const outside = request.signal;
    const stop = (): void => control.abort(outside?.reason);
    if (isAborted(outside)) throw outside?.reason;
    outside?.addEventListener("abort", stop, { once: true });
    const timer =
      request.timeout === undefined
        ? undefined
        : setTimeout(() => control.abort(TIMEOUT), Math.min(MAX_TIMER_MS, Math.max(1, request.timeout)));
    const began = options.monotonic();
    trace(options, request);
    try {
      const answer = await send.raw(request.url, {
        method: request.method,
        headers: request.headers ?? {},
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: "manual",
        responseType: "stream",
        ignoreResponseError: true,
        retry: false,
        signal: control.signal,
      });
      if (answer.status === 407 && proxy() !== undefined) throw tunnelFailure(407);
      const maxBytes = request.maxBytes ?? MAX_BYTES;
      const encoding = answer.headers.get("content-encoding");
      const bytes = await decompressed(await readBody(answer, maxBytes, control), encoding, maxBytes);
      options.trace?.(`< ${answer.status} (${bytes.length} bytes, ${Math.round(options.monotonic() - began)} ms)`);
      return { status: answer.status, headers: answer.headers, bytes, text: new TextDecoder().decode(bytes) };
    } catch (error) {
      if (isAborted(outside)) throw outside?.reason;
      const found =
        error instanceof NetworkFailure
          ? error
          : control.signal.reason === TIMEOUT
            ? new NetworkFailure("timeout", "no whole answer in time")
            : networkFailure(error);
      const via = proxy();
      const failure = via === undefined ? found : new NetworkFailure(found.kind, found.message, found.cause, via);
      options.trace?.(`< ${failure.message} (${Math.round(options.monotonic() - began)} ms)`);
      throw failure;
    } finally {
      clearTimeout(timer);
      outside?.removeEventListener("abort", stop);
    }
  };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function trace(options: HttpOptions, request: HttpRequest): void {
  if (options.trace === undefined) return;
  const through = options.socket === undefined ? "" : ` (through ${options.socket})`;
  options.trace(`> ${request.method} ${escapeControls(redactUrl(request.url))}${through}`);
  for (const [name, value] of Object.entries(request.headers ?? {})) options.trace(`> ${redactHeader(name, value)}`);
}

async function readBody(answer: Response, maxBytes: number, control: AbortController): Promise<Uint8Array> {
  const { body } = answer;
  if (body === null) return new Uint8Array();
  // The runtime does not always end a read when its request is aborted, so the abort is raced here too.
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(control.signal.reason);
    if (control.signal.aborted) stop();
    else control.signal.addEventListener("abort", stop, { once: true });
  });
  aborted.catch(() => {});
  const stated = Number(answer.headers.get("content-length") ?? Number.NaN);
  // A body whose length is stated and small is read in one go, which costs half of reading it piece by piece.
  if (stated <= Math.min(maxBytes, READ_WHOLE) && answer.headers.get("content-encoding") === null) {
    return new Uint8Array(await Promise.race([answer.arrayBuffer(), aborted]));
  }
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await Promise.race([reader.read(), aborted]);
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      reader.cancel().catch(() => {});
      throw tooLarge(maxBytes);
    }
    parts.push(value);
  }
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function tooLarge(maxBytes: number): NetworkFailure {
  return new NetworkFailure("too-large", `the answer is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB`);
}

/** The body without its content codings (RFC 9110, 8.4), which none is asked for; an unknown one is left for the reader of the body. */
async function decompressed(bytes: Uint8Array, encoding: string | null, maxBytes: number): Promise<Uint8Array> {
  if (encoding === null || bytes.length === 0) return bytes;
  const { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } = await import("node:zlib");
  const limit = { maxOutputLength: maxBytes };
  const decoders = new Map<string, (coded: Uint8Array) => Uint8Array>([
    ["gzip", (coded) => gunzipSync(coded, limit)],
    ["x-gzip", (coded) => gunzipSync(coded, limit)],
    ["deflate", (coded) => inflateSync(coded, limit)],
    ["br", (coded) => brotliDecompressSync(coded, limit)],
    ["zstd", (coded) => zstdDecompressSync(coded, limit)],
  ]);
  let plain = bytes;
  for (const coding of encoding.toLowerCase().split(",").reverse()) {
    try {
      plain = decoders.get(coding.trim())?.(plain) ?? plain;
    } catch (error) {
      if (errorCode(error) === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxBytes);
      throw new NetworkFailure(
        "protocol",
        `the answer is not what its Content-Encoding says (${coding.trim()})`,
        error,
      );
    }
  }
  return plain;
}

const KINDS = new Map<string, readonly [FailureKind, string]>([
  ["ECONNREFUSED", ["refused", "connection refused"]],
  ["ConnectionRefused", ["refused", "connection refused"]],
  ["FailedToOpenSocket", ["refused", "cannot open a connection"]],
  ["ENOENT", ["refused", "there is no such socket"]],
  ["EACCES", ["refused", "the socket may not be used: permission denied"]],
  ["ENOTSOCK", ["refused", "it is not a socket"]],
  ["EMFILE", ["exhausted", "this process may not open more files (ulimit -n)"]],
  ["ENFILE", ["exhausted", "no more files can be opened on this machine"]],
  ["EHOSTUNREACH", ["refused", "no route to the host"]],
  ["ENETUNREACH", ["refused", "the network is unreachable"]],
  ["EADDRNOTAVAIL", ["refused", "the address cannot be reached from here"]],
  ["ETIMEDOUT", ["lost", "the connection timed out"]],
  ["ENOTFOUND", ["unresolved", "the host name cannot be resolved"]],
  ["EAI_AGAIN", ["unresolved", "the host name cannot be resolved now"]],
  ["ECONNRESET", ["lost", "the connection was closed before a whole answer"]],
  ["ConnectionClosed", ["lost", "the connection was closed before a whole answer"]],
  ["EPIPE", ["lost", "the connection was closed before a whole answer"]],
  ["ECONNABORTED", ["lost", "the connection was closed before a whole answer"]],
  ["UND_ERR_SOCKET", ["lost", "the connection was closed before a whole answer"]],
  ["EPROTO", ["handshake", "the TLS handshake failed: this port may not speak TLS"]],
  ["ERR_SSL_WRONG_VERSION_NUMBER", ["handshake", "the TLS handshake failed: this port may not speak TLS"]],
  ["ERR_TLS_CERT_ALTNAME_INVALID", ["certificate", "the certificate is for another host name"]],
  ["CERT_HAS_EXPIRED", ["certificate", "the certificate has expired"]],
  ["CERT_NOT_YET_VALID", ["certificate", "the certificate is not valid yet"]],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", ["certificate", "the certificate is self-signed and not trusted"]],
  ["SELF_SIGNED_CERT_IN_CHAIN", ["certificate", "the certificate's authority is not trusted"]],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", ["certificate", "the certificate's authority is not trusted"]],
  ["UNABLE_TO_GET_ISSUER_CERT", ["certificate", "the certificate's authority is not trusted"]],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", ["certificate", "the certificate's authority is not trusted"]],
  ["CERT_SIGNATURE_FAILURE", ["certificate", "the certificate's signature is wrong"]],
  ["CERT_REVOKED", ["certificate", "the certificate is revoked"]],
  ["CERT_UNTRUSTED", ["certificate", "the certificate is not trusted"]],
  ["INVALID_CA", ["certificate", "the certificate's authority may not sign"]],
]);

/** Bodies that do not decode: the server has answered, and no repeat mends it. */
const UNREADABLE = /^(Malformed|InvalidHTTP|HPE_|Zlib|Z_|Brotli|Unsupported|InvalidMethod|HTTPHeaders)/;

/** The failure of a proxy that opens no way to the server; what a gateway says may pass, a refusal does not. */
function tunnelFailure(status: number | undefined, error?: unknown): NetworkFailure {
  const passing = status !== undefined && status >= 500;
  const said = status === 407 ? "wants credentials" : "refused the connection";
  const told = status === undefined ? "" : ` (status ${status})`;
  return new NetworkFailure(passing ? "refused" : "proxy", `the proxy ${said}${told}`, error);
}

function networkFailure(error: unknown): NetworkFailure {
  const code = errorCode(error) ?? "";
  if (code === "ERR_PROXY_TUNNEL") {
    const status = /: (\d{3})\b/.exec(deepest(error))?.[1];
    return tunnelFailure(status === undefined ? undefined : Number(status), error);
  }
  const known = KINDS.get(code);
  if (known !== undefined) return new NetworkFailure(known[0], known[1], error);
  const text = deepest(error);
  if (UNREADABLE.test(code) || /invalid HTTP|parse error|Parse Error|malformed/i.test(text)) {
    return new NetworkFailure("protocol", "the answer is not HTTP", error);
  }
  if (/certificate|self.signed|UnknownIssuer|CaUsedAsEndEntity|NotValidForName/i.test(text)) {
    return new NetworkFailure("certificate", `the certificate is not trusted: ${escapeControls(text)}`, error);
  }
  if (/refused/i.test(text)) return new NetworkFailure("refused", "connection refused", error);
  if (/InvalidContentType|received corrupt message|wrong version number|handshake/i.test(text)) {
    return new NetworkFailure("handshake", "the TLS handshake failed: this port may not speak TLS", error);
  }
  return new NetworkFailure("lost", `the connection failed${code === "" ? "" : ` (${code})`}`, error);
}

function deepest(error: unknown): string {
  let text = "";
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) text = errorMessage(at);
  return text;
}

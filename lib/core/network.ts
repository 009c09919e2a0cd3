import { Problem } from "./problem.ts";
import { urlWithoutSecrets } from "./redact.ts";
import { escapeControls, joinWords } from "./text.ts";

/** Query parameters, before they are encoded. */
export type QueryParameters = Readonly<Record<string, string>>;

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  /** Parameters to add to the URL. */
  readonly query?: QueryParameters | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** A body to send as JSON. */
  readonly json?: unknown;
  /** A body to send as an HTML form. */
  readonly form?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds that this attempt may take, including the response body. */
  readonly timeout?: number;
  /** Cancels the request. */
  readonly signal?: AbortSignal | undefined;
  /** The longest response body that is read, in bytes. */
  readonly maxBytes?: number | undefined;
  /** Use a new connection, so that the runtime never sends the request twice. */
  readonly once?: boolean;
  /** For a sender that retries: whether a repeat does no harm although the request was carried out; undefined for one attempt. */
  readonly repeatable?: boolean | undefined;
  /** Makes the form for a repeat: what proves who the client is may work only once. */
  readonly renewForm?: () => Promise<Readonly<Record<string, string>>>;
  /** The start of a message about the request: `Cannot get a token`. */
  readonly action?: string;
}

/** One response with its whole body. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** The proxy that may have sent this response itself, because it refuses the request or doesn't reach the server. */
  readonly via?: UsedProxy | undefined;
}

/**
 * Why there was no response: whether it shows that no byte of the request can have reached the server, and whether a proxy
 * can cause it.
 */
const FAILURES = {
  refused: { isUnsent: true, mayBeOfProxy: true },
  exhausted: { isUnsent: true, mayBeOfProxy: false },
  proxy: { isUnsent: true, mayBeOfProxy: true },
  unresolved: { isUnsent: true, mayBeOfProxy: true },
  lost: { isUnsent: false, mayBeOfProxy: true },
  certificate: { isUnsent: true, mayBeOfProxy: false },
  handshake: { isUnsent: true, mayBeOfProxy: false },
  protocol: { isUnsent: false, mayBeOfProxy: true },
  timeout: { isUnsent: false, mayBeOfProxy: true },
  "too-large": { isUnsent: false, mayBeOfProxy: false },
} as const;

export type FailureKind = keyof typeof FAILURES;

/** A proxy that requests go through. */
export interface UsedProxy {
  /** The environment variable that sets it. */
  readonly variable: string;
  /** Its URL without credentials, for messages. */
  readonly shown: string;
  /** `http` or `https`; undefined for a value that is no such URL. */
  readonly scheme: string | undefined;
}

/** A request without a complete response. */
export class NetworkFailure extends Error {
  override readonly name = "NetworkFailure";
  readonly kind: FailureKind;
  /** False only if the request certainly never reached the server. */
  readonly maybeSent: boolean;
  /** The proxy that the request went through. */
  readonly via: UsedProxy | undefined;
  /** What is wrong with the server's certificate, if more is known than that it was not accepted. */
  readonly certificate: CertificateFault | undefined;

  constructor(kind: FailureKind, message: string, cause?: unknown, via?: UsedProxy, certificate?: CertificateFault) {
    super(message, { cause });
    this.kind = kind;
    this.maybeSent = !FAILURES[kind].isUnsent;
    this.via = via;
    this.certificate = certificate;
  }
}

/** Why a certificate was not accepted. */
export interface CertificateFault {
  readonly reason: "other-host" | "dates" | "untrusted";
  /** The {@link CA_VARIABLES} that are set. */
  readonly caVariables?: readonly string[];
}

/** The environment variables in which other programs look for authorities. */
const UNREAD_CA_VARIABLES: readonly string[] = ["NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];

/** Those, and the ones in which this program looks for them. */
export const CA_VARIABLES: readonly string[] = ["SSL_CERT_FILE", "SSL_CERT_DIR", ...UNREAD_CA_VARIABLES];

/** What to do about the certificate of a server whose authority is not trusted, unless it is a download. */
export const TRUST_HINT = "trust the server's CA with --ca-file FILE or SSL_CERT_FILE=FILE";

const SKIP_HINT = "; --skip-tls-verify is for testing only";

/** The hint for a certificate: trusting an authority helps only if nothing else is wrong. */
function certificateHint({ reason, caVariables = [] }: CertificateFault, hint: string, skipHint: string): string {
  if (reason === "other-host")
    return `use a host name that the certificate is for, or a certificate for this one${skipHint}`;
  if (reason === "dates") return `renew the server's certificate, or correct the clock of this machine${skipHint}`;
  const unread = caVariables.filter((name) => UNREAD_CA_VARIABLES.includes(name));
  const read = caVariables.filter((name) => !unread.includes(name));
  const are = ({ length }: readonly string[]): string => (length === 1 ? "is" : "are");
  const parts = [
    hint,
    ...(read.length === 0 ? [] : [`${joinWords(read)} ${are(read)} set: check the certificates there`]),
    ...(unread.length === 0 ? [] : [`${joinWords(unread)} ${are(unread)} set but not read`]),
  ];
  return parts.join("; ");
}

/** The hint for a request without a response; a proxy on the way is the first thing to check. */
export function networkHint({ kind, via, certificate }: NetworkFailure, hint: string, skipHint = SKIP_HINT): string {
  if (certificate !== undefined) return certificateHint(certificate, hint, skipHint);
  if (via === undefined) return hint;
  const { scheme } = via;
  // HTTPS_PROXY often has an https URL although the proxy itself doesn't speak TLS.
  const mayBeOfProxy = FAILURES[kind].mayBeOfProxy || (kind === "handshake" && scheme === "https");
  if (!mayBeOfProxy) return hint;
  return proxyHint(via);
}

function proxyHint({ variable, shown, scheme }: UsedProxy): string {
  const remark = scheme === undefined ? ", which should be an http:// or https:// URL" : "";
  return `the request goes through the proxy of ${variable} (${shown})${remark}: check it, or add the host to NO_PROXY`;
}

/** The hint for a response that a proxy may have sent. */
export function answerHint({ via }: Pick<HttpAnswer, "via">, hint: string): string {
  return via === undefined ? hint : `${hint}; ${proxyHint(via)}`;
}

/** The longest delay of a timer (24.8 days); with a longer one it fires immediately. */
export const MAX_TIMER_MS = 2_147_483_647;

/** The environment variables for proxies, in the order in which the runtime reads them. */
const PROXY_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  "http:": ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
  "https:": ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
};

/** The number of an IPv4 address; undefined for anything else. */
function ipv4Number(text: string): number | undefined {
  const bytes = /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text) ? text.split(".").map(Number) : [];
  return bytes.length === 4 ? bytes.reduce((number, byte) => number * 256 + byte, 0) : undefined;
}

/** Whether an entry of NO_PROXY is for a host, as the runtime reads it: a name, those below it, an address or a range of them. */
function isProxyException(entry: string, host: string, port: string | undefined): boolean {
  if (entry === "*") return true;
  const address = ipv4Number(host);
  const [, first = "", bits] = /^([\d.]+)\/(\d{1,2})$/.exec(entry) ?? [];
  const start = ipv4Number(first);
  if (address !== undefined && start !== undefined) {
    const size = 2 ** (32 - Number(bits));
    return Math.floor(address / size) === Math.floor(start / size);
  }
  const [, only] = /^(?:[^:]*|\[.*\]):(\d+)$/.exec(entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const withoutPort = only === undefined ? entry : entry.slice(0, -only.length - 1);
  const name = withoutPort
    .replace(/^\*?\./, "")
    .replace(/\.$/, "")
    .replace(/^\[|\]$/g, "");
  return name !== "" && (name === host || (address === undefined && host.endsWith(`.${name}`)));
}

/** The proxy that the environment sets for requests to a URL; undefined if there is none. */
export function findProxyForUrl(url: URL, environment: (name: string) => string | undefined): UsedProxy | undefined {
  const isSet = (name: string): boolean => (environment(name) ?? "") !== "";
  const variable = PROXY_VARIABLES[url.protocol]?.find(isSet);
  if (variable === undefined) return undefined;
  const exceptions = environment(["no_proxy", "NO_PROXY"].find(isSet) ?? "") ?? "";
  const port = url.port === "" ? { "http:": "80", "https:": "443" }[url.protocol] : url.port;
  const host = url.hostname.replace(/\.$/, "").replace(/^\[|\]$/g, "");
  const bypassed = exceptions.split(/[\s,]+/).some((entry) => isProxyException(entry.toLowerCase(), host, port));
  if (bypassed) return undefined;
  const value = environment(variable) ?? "";
  const [, scheme] = /^(https?):\/\//i.exec(value) ?? [];
  return { variable, shown: escapeControls(urlWithoutSecrets(value)), scheme: scheme?.toLowerCase() };
}

/** Sends one request and reads the response, without retries or redirects and whatever the status is. */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer>;

/** The Problem for a download without a response, which always verifies certificates. */
export function unreachableProblem(action: string, url: string, failure: NetworkFailure, hint: string): Problem {
  return new Problem(`${action}: ${failure.message}`, {
    code: failure.kind === "timeout" ? "timeout" : failure.kind === "certificate" ? "certificate" : "unreachable",
    exit: "unreachable",
    hint: networkHint(failure, hint, ""),
    request: { method: "GET", url: urlWithoutSecrets(url) },
    cause: failure,
  });
}

/** How a public document (a key) may be fetched. */
export interface DownloadOptions {
  /** Its name in messages: `the key of --pgp-key-url`. */
  readonly what: string;
  readonly maxBytes: number;
  /** Accept plain http from other hosts: the caller verifies the document in another way. */
  readonly allowPlainHttp?: boolean;
}

/** Fetches a public document, following at most five redirects, without any credential. */
export type Download = (
  url: string,
  options: DownloadOptions,
) => Promise<{ readonly status: number; readonly url: string; readonly bytes: Uint8Array }>;

/** Milliseconds that a stalled reader gets after a signal before a secret counts as undelivered. */
export const STALLED_READER_GRACE_MS = 2_000;

/** Milliseconds beyond `--fail-after` for finding out what happened and for cleaning up. */
export const CLEANUP_AFTER_DEADLINE_MS = 5_000;

/** Makes a function that gives the milliseconds left for cleaning up: from its first call on, as many as the command has, but some at least. */
export function createCleanupTimeLeft(monotonic: () => number, remaining: () => number): () => number {
  let end: number | undefined;
  return () => {
    end ??= monotonic() + Math.max(CLEANUP_AFTER_DEADLINE_MS, remaining());
    return Math.max(1, end - monotonic());
  };
}

import { Problem } from "./problem.ts";
import { redactUrl } from "./redact.ts";
import { escapeControls } from "./text.ts";

/** One request, its address complete. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds that this one try may take, its body included. */
  readonly timeout?: number;
  /** Ends the request from outside. */
  readonly signal?: AbortSignal;
  /** The longest body that is read, in bytes. */
  readonly maxBytes?: number;
  /** Give the request a connection of its own, so that nobody below sends it twice. */
  readonly once?: boolean;
}

/** One answer, its body read to the end. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Why there was no answer. */
export type FailureKind =
  | "refused"
  | "exhausted"
  | "proxy"
  | "unresolved"
  | "lost"
  | "certificate"
  | "handshake"
  | "protocol"
  | "timeout"
  | "too-large";

/** Failures that come before any byte of a request can have reached the server. */
const UNSENT: ReadonlySet<FailureKind> = new Set([
  "refused",
  "exhausted",
  "proxy",
  "unresolved",
  "certificate",
  "handshake",
]);

/** A request that got no whole answer. */
export class NetworkFailure extends Error {
  override readonly name = "NetworkFailure";
  readonly kind: FailureKind;
  /** False only where the request certainly never reached the server. */
  readonly maybeSent: boolean;
  /** The proxy that the request went through, as {@link proxyOf} names it. */
  readonly via: string | undefined;

  constructor(kind: FailureKind, message: string, cause?: unknown, via?: string) {
    super(message, { cause });
    this.kind = kind;
    this.maybeSent = !UNSENT.has(kind);
    this.via = via;
  }
}

/** The failures that a proxy on the way can be the reason of. */
const OF_A_PROXY: ReadonlySet<FailureKind> = new Set(["refused", "proxy", "unresolved", "lost", "protocol", "timeout"]);

/** The hint for a request without an answer: where it went through a proxy, that comes first. */
export function networkHint({ kind, via }: NetworkFailure, otherwise: string): string {
  if (via === undefined || !OF_A_PROXY.has(kind)) return otherwise;
  return `the request goes through the proxy of ${via}: check that, or name the host in NO_PROXY to go around it`;
}

/** The longest time that a timer can be set to; a longer one ends at once (2^31 milliseconds and more, 24.8 days). */
export const MAX_TIMER_MS = 2_147_483_647;

/** The variables that name a proxy, in the order in which the runtime reads them. */
const PROXIES: Readonly<Record<string, readonly string[]>> = {
  "http:": ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
  "https:": ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
};

/** The variable that sends requests to an address through a proxy, with that proxy, or undefined where none does. */
export function proxyOf(url: URL, environment: (name: string) => string | undefined): string | undefined {
  const set = (name: string): boolean => (environment(name) ?? "") !== "";
  const variable = PROXIES[url.protocol]?.find(set);
  if (variable === undefined) return undefined;
  const except = environment(["no_proxy", "NO_PROXY"].find(set) ?? "") ?? "";
  const port = url.port === "" ? { "http:": "80", "https:": "443" }[url.protocol] : url.port;
  const around = except.split(",").some((entry) => {
    const name = entry.trim().replace(/^\./, "").toLowerCase();
    const isHere = name === url.hostname || name === `${url.hostname}:${port}`;
    return name === "*" || isHere || (name !== "" && url.hostname.endsWith(`.${name}`));
  });
  return around ? undefined : `${variable} (${escapeControls(redactUrl(environment(variable) ?? ""))})`;
}

/** One exchange, without retries, redirects or judgement of the status. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

/** The Problem that tells a person of a request without an answer. */
export function unreachable(action: string, url: string, failure: NetworkFailure, hint: string): Problem {
  return new Problem(`${action}: ${failure.message}`, {
    code: failure.kind === "timeout" ? "timeout" : failure.kind === "certificate" ? "certificate" : "unreachable",
    exit: "unreachable",
    hint: networkHint(failure, hint),
    request: { method: "GET", url: redactUrl(url) },
    cause: failure,
  });
}

/** What a public document (a key) may cost and how it may be fetched. */
export interface DownloadOptions {
  /** How messages call it: `the key of --pgp-key-url`. */
  readonly what: string;
  readonly maxBytes: number;
  /** Take plain http from elsewhere than this machine: the caller has another proof of what comes. */
  readonly allowPlainHttp?: boolean;
}

/** Fetches a public document, following at most five redirects, never with a credential. */
export type Download = (
  url: string,
  options: DownloadOptions,
) => Promise<{ readonly status: number; readonly url: string; readonly bytes: Uint8Array }>;

/** Milliseconds that a reader who stands still gets after a signal, before a secret is taken for undelivered. */
export const STALLED_READER_MS = 2_000;

/** Milliseconds that finding out and taking back may take beyond `--fail-after`. */
export const CLEANUP_MS = 5_000;

import { Problem } from "./problem.ts";
import { shownUrl } from "./secret.ts";

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
  | "unresolved"
  | "lost"
  | "certificate"
  | "handshake"
  | "protocol"
  | "timeout"
  | "too-large";

/** Failures that come before any byte of a request can have reached the server. */
const UNSENT: ReadonlySet<FailureKind> = new Set(["refused", "unresolved", "certificate", "handshake"]);

/** A request that got no whole answer. */
export class NetworkFailure extends Error {
  override readonly name = "NetworkFailure";
  readonly kind: FailureKind;
  /** False only where the request certainly never reached the server. */
  readonly maybeSent: boolean;

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.maybeSent = !UNSENT.has(kind);
  }
}

/** One exchange, without retries, redirects or judgement of the status. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

/** The Problem that tells a person of a request without an answer. */
export function unreachable(action: string, url: string, failure: NetworkFailure, hint: string): Problem {
  return new Problem(`${action}: ${failure.message}`, {
    code: failure.kind === "timeout" ? "timeout" : failure.kind === "certificate" ? "certificate" : "unreachable",
    exit: "unreachable",
    hint,
    request: { method: "GET", url: shownUrl(url) },
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

/** Milliseconds that finding out and taking back may take beyond `--fail-after`. */
export const GRACE = 5_000;

import { formatMilliseconds } from "../core/duration.ts";
import type { NetworkFailure } from "../core/network.ts";
import { hasErrorBody, isConcurrentUpdate, type ServerAnswer } from "./index.ts";

/** How long a command retries, and what that needs of its surroundings. */
export interface RetryLimitAndClock {
  /** Milliseconds that the command may take; 0 means one attempt. */
  readonly failAfter: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly random: (count: number) => Uint8Array;
  readonly warn: (line: string, kind?: "advice") => void;
  readonly signal: AbortSignal;
}

/** What came of one attempt to send a request. */
export type AttemptOutcome =
  | {
      readonly kind: "answered";
      readonly answer: ServerAnswer;
      /** Milliseconds that the server asks to wait (Retry-After). */
      readonly retryAfter: number;
    }
  | { readonly kind: "failed"; readonly failure: NetworkFailure; readonly answer?: undefined };

/** What a request may still spend after an attempt. */
export interface RetryState {
  /** Whether the command retries at all (`--fail-after 0` doesn't). */
  readonly retries: boolean;
  /** Milliseconds that are left of `--fail-after`. */
  readonly remaining: number;
  /** Milliseconds to wait before the next attempt, if the server doesn't ask for more. */
  readonly backoff: number;
  /** False if a repeat could do the work twice. */
  readonly repeatable: boolean;
  /** Whether this or an earlier attempt may have reached the server without its response coming back. */
  readonly ambiguous: boolean;
  /** How many 500s without an error body of the server there were so far. */
  readonly bare500s: number;
}

type RetryDecision =
  /** The outcome is final; `exceeds` says what there is no time for if another attempt could have helped. */
  | { readonly kind: "stop"; readonly exceeds: "attempt" | "pause" | undefined }
  /** Wait, then send again; without `again` the time is over after the wait. */
  | { readonly kind: "retry"; readonly wait: number; readonly again: boolean };

/** An attempt that is started with less time than this would be over first, and nobody would know what came of it. */
const MIN_ATTEMPT_MS = 50;

/** Whether to send a request again after an attempt. */
export function decideRetry(outcome: AttemptOutcome, budget: RetryState): RetryDecision {
  const { remaining } = budget;
  if (!budget.retries || !canRetryHelp(outcome, budget)) return { kind: "stop", exceeds: undefined };
  const requested = outcome.kind === "answered" ? outcome.retryAfter : 0;
  // Never less than our own backoff: a server that asks for 0 seconds would get requests without a break.
  const wait = Math.max(budget.backoff, requested);
  if (remaining <= 0 || (outcome.kind === "answered" && wait > remaining))
    return { kind: "stop", exceeds: requested > remaining ? "pause" : "attempt" };
  const again = wait + MIN_ATTEMPT_MS <= remaining;
  return { kind: "retry", wait: again ? wait : remaining, again };
}

/** Whether another attempt can end differently and cannot do harm. */
function canRetryHelp(outcome: AttemptOutcome, { repeatable, ambiguous, bare500s }: RetryState): boolean {
  if (outcome.kind === "answered") return isRetryable(outcome.answer, bare500s) && (repeatable || !ambiguous);
  const { kind } = outcome.failure;
  return kind === "refused" || kind === "unresolved" || (repeatable && (kind === "lost" || kind === "timeout"));
}

/** The statuses of a server that is overloaded, or whose gateway doesn't reach it. */
const BUSY_STATUSES: readonly number[] = [429, 502, 503, 504];

export function isBusyOrGatewayError({ status }: Pick<ServerAnswer, "status">): boolean {
  return BUSY_STATUSES.includes(status);
}

/** Whether another attempt can change this response; a 500 without an error body is tried twice. */
function isRetryable(answer: ServerAnswer, bare500s: number): boolean {
  if (answer.status === 500) return bare500s === 1 && is500WithoutErrorBody(answer);
  return isBusyOrGatewayError(answer) || isConcurrentUpdate(answer);
}

/** Whether a response is a 500 that doesn't say what went wrong. */
export function is500WithoutErrorBody(answer: ServerAnswer | undefined): boolean {
  return answer?.status === 500 && !hasErrorBody(answer);
}

/** Whether an attempt leaves open if the request was carried out. */
export function isAmbiguous(outcome: AttemptOutcome): boolean {
  if (outcome.kind === "failed") return outcome.failure.maybeSent;
  const { answer } = outcome;
  // Every response of a gateway, and 303, which follows a request that was carried out (RFC 9110, 15.4.4).
  return is500WithoutErrorBody(answer) || answer.status > 501 || answer.status === 303;
}

export function triedForText(milliseconds: number): string {
  return `tried for ${formatMilliseconds(milliseconds)}`;
}

/** Why an attempt was the last one although another could have helped, as messages put it. */
export function reasonToGiveUp(
  failAfter: number,
  outcome: AttemptOutcome,
  decision: RetryDecision,
): string | undefined {
  if (decision.kind === "stop" && decision.exceeds === undefined) return undefined;
  if (decision.kind === "stop" && decision.exceeds === "pause" && outcome.kind === "answered") {
    const pause = formatMilliseconds(Math.round(outcome.retryAfter / 1000) * 1000);
    return `it asks to wait ${pause}, longer than --fail-after allows`;
  }
  return triedForText(failAfter);
}

/** The least time that one of several attempts gets before the next one. */
const SHORTEST_ATTEMPT_MS = 5_000;

/** Milliseconds that one of several attempts may take. */
export function attemptTimeout(remaining: number): number {
  return Math.min(remaining, Math.max(SHORTEST_ATTEMPT_MS, remaining / 2));
}

/** What is said at the first retry; `name` is the server's. */
export function retryNotice(action: string, outcome: AttemptOutcome, name: string, left: number): string {
  const reason = outcome.kind === "failed" ? outcome.failure.message : `server answered ${outcome.answer.status}`;
  return `${action} yet: ${reason} (${name}); retrying for up to ${formatMilliseconds(Math.round(left / 100) * 100)}`;
}

/** Milliseconds before the next attempt after `attempts`: doubling from 0.2 s to 5 s, between half and all of it. */
export function backoffMilliseconds(attempts: number, random: (count: number) => Uint8Array): number {
  const longest = Math.min(5_000, 200 * 2 ** (attempts - 1));
  return longest * (0.5 + (random(1)[0] ?? 0) / 510);
}

/**
 * The milliseconds of a Retry-After header, which has seconds or a date (RFC 9110, 10.2.3); undefined if it is missing or
 * invalid.
 */
export function parseRetryAfterMilliseconds(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

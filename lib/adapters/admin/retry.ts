import { type Answer, hasOwnError } from "../../servers/index.ts";

/** Whether another try can change this answer. */
export function retryable(answer: Answer, bare500s: number): boolean {
  if (answer.status === 500) return bare500s === 1 && !hasOwnError(answer);
  return answer.status === 429 || answer.status === 502 || answer.status === 503 || answer.status === 504;
}

/**
 * Whether an answer leaves open that the request was carried out: any that a gateway gives, a 500 without words, and 303,
 * which follows a request that was carried out (RFC 9110, 15.4.4).
 */
export function mayHaveBeenProcessed(answer: Answer): boolean {
  if (answer.status === 500) return !hasOwnError(answer);
  return answer.status > 501 || answer.status === 303;
}

/** Milliseconds before try number `tries + 1`: doubling from 0.2 s to 5 s, between half and all of it. */
export function backoff(tries: number, random: (count: number) => Uint8Array): number {
  const full = Math.min(5_000, 200 * 2 ** (tries - 1));
  return full * (0.5 + (random(1)[0] ?? 0) / 510);
}

/** The Retry-After of RFC 9110, 10.2.3, as seconds or a date; in milliseconds. */
export function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

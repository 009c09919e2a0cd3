import { trimmedEnd } from "./text.ts";

/**
 * Milliseconds in each unit of a Go duration, as a factor and a power of ten; both micro signs are the same unit. The power
 * is applied to the digits, because 1.001 times 1000 is not 1001 in binary.
 */
const UNITS = new Map<string, readonly [factor: number, power: number]>([
  ["ns", [1, -6]],
  ["us", [1, -3]],
  ["µs", [1, -3]],
  ["μs", [1, -3]],
  ["ms", [1, 0]],
  ["s", [1, 3]],
  ["m", [6, 4]],
  ["h", [36, 5]],
]);

/** The longest duration that Go can hold, 2^63 - 1 nanoseconds, in milliseconds. */
const LONGEST = 9_223_372_036_854.775;

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Reads a duration as Go's `time.ParseDuration` does: `1m0s`, `300ms`, `1.5h`, `-2s`, a bare `0`.
 *
 * @returns milliseconds, or undefined for a text that is no duration or beyond what Go can hold.
 */
export function parseDuration(text: string): number | undefined {
  const negative = text.startsWith("-");
  const digits = negative || text.startsWith("+") ? text.slice(1) : text;
  if (digits === "0") return 0;
  if (digits === "") return undefined;
  let total = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < digits.length) {
    const part = PART.exec(digits);
    const unit = UNITS.get(part?.[2] ?? "");
    if (part === null || unit === undefined) return undefined;
    const [factor, power] = unit;
    total += Number(`${part[1]}e${power}`) * factor;
  }
  if (total > LONGEST) return undefined;
  return negative && total !== 0 ? -total : total;
}

/** Writes milliseconds the way Go prints a duration: `1m0s`, `1.5s`, `300ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  const sign = milliseconds < 0 ? "-" : "";
  const rest = Math.abs(milliseconds);
  if (rest < 1e-3) return `${sign}${trimmed(rest * 1e6, 0)}ns`;
  if (rest < 1) return `${sign}${trimmed(rest * 1000, 3)}µs`;
  if (rest < 1000) return `${sign}${trimmed(rest, 6)}ms`;
  const hours = Math.floor(rest / 3_600_000);
  const minutes = Math.floor((rest % 3_600_000) / 60_000);
  const seconds = (rest % 60_000) / 1000;
  const large = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : "";
  return `${sign}${large}${trimmed(seconds, 9)}s`;
}

function trimmed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return digits === 0 ? text : trimmedEnd(trimmedEnd(text, "0"), ".");
}

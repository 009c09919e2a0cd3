import { trimmedEnd } from "./text.ts";

/** Nanoseconds in each unit of a Go duration; both micro signs are the same unit. */
const UNITS = new Map<string, bigint>([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

const MILLION = 1_000_000n;

/** The longest duration that Go can hold, in nanoseconds. */
const LONGEST = 2n ** 63n - 1n;

/** The digits before and behind the point, of which one may lack, and the unit. */
const PART = /(?:(\d+)(?:\.(\d*))?|\.(\d+))(ns|us|µs|μs|ms|s|m|h)/y;

/** How many digits whole numbers within {@link LONGEST} have at most, and how many of a fraction are more than nothing. */
const DIGITS = 19;

/** The part of a nanosecond that a fraction leaves over is cut off, and the fraction is a 64-bit float, as in Go. */
function fractionOf(fraction: string, unit: bigint): bigint {
  const digits = fraction.slice(0, DIGITS);
  return BigInt(Math.trunc(Number(digits) * (Number(unit) / 10 ** digits.length)));
}

/**
 * Reads a duration as Go's `time.ParseDuration` does: `1m0s`, `300ms`, `1.5h`, `-2s`, a bare `0`.
 *
 * @returns nanoseconds, or undefined for a text that is no duration or beyond what Go can hold.
 */
export function parseNanoseconds(text: string): bigint | undefined {
  const negative = text.startsWith("-");
  const digits = negative || text.startsWith("+") ? text.slice(1) : text;
  if (digits === "0") return 0n;
  if (digits === "") return undefined;
  let total = 0n;
  PART.lastIndex = 0;
  while (PART.lastIndex < digits.length) {
    const [, whole = "", behind = "", alone = "", name = ""] = PART.exec(digits) ?? [];
    const unit = UNITS.get(name);
    // Reading a million digits as a bigint takes long.
    if (unit === undefined || whole.replace(/^0+/, "").length > DIGITS) return undefined;
    total += BigInt(whole) * unit + fractionOf(behind + alone, unit);
    if (total > LONGEST) return undefined;
  }
  return negative ? -total : total;
}

/** Reads a duration as {@link parseNanoseconds} does, in milliseconds. */
export function parseDuration(text: string): number | undefined {
  const nanoseconds = parseNanoseconds(text);
  // Apart, because a number cannot hold the nanoseconds of many days.
  return nanoseconds === undefined ? undefined : Number(nanoseconds / MILLION) + Number(nanoseconds % MILLION) / 1e6;
}

/** Writes nanoseconds the way Go prints a duration: `1m0s`, `1.5s`, `300ms`, `0s`. */
export function formatNanoseconds(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const sign = nanoseconds < 0n ? "-" : "";
  const rest = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (rest < 1_000n) return `${sign}${rest}ns`;
  if (rest < 1_000_000n) return `${sign}${decimal(rest, 3)}µs`;
  if (rest < 1_000_000_000n) return `${sign}${decimal(rest, 6)}ms`;
  const minutes = rest / 60_000_000_000n;
  const large = minutes >= 60n ? `${minutes / 60n}h${minutes % 60n}m` : minutes > 0n ? `${minutes}m` : "";
  return `${sign}${large}${decimal(rest % 60_000_000_000n, 9)}s`;
}

/** Writes milliseconds as {@link formatNanoseconds} does. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.trunc(milliseconds);
  return formatNanoseconds(BigInt(whole) * MILLION + BigInt(Math.round((milliseconds - whole) * 1e6)));
}

/** A whole number with its last digits behind the point, and without zeros at the end of those. */
function decimal(value: bigint, places: number): string {
  const digits = String(value).padStart(places + 1, "0");
  const fraction = trimmedEnd(digits.slice(-places), "0");
  return `${digits.slice(0, -places)}${fraction === "" ? "" : `.${fraction}`}`;
}

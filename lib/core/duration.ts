import { trimCharactersAtEnd } from "./text.ts";

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

/** Go's longest duration, in nanoseconds. */
const LONGEST = 2n ** 63n - 1n;

/** The digits before and after the point, one of which may be missing, and the unit. */
const DURATION_PART_PATTERN = /(?:(\d+)(?:\.(\d*))?|\.(\d+))(ns|us|µs|μs|ms|s|m|h)/y;

/** The most digits of a whole number within {@link LONGEST}, and the most of a fraction that make a difference. */
const DIGITS = 19;

/** The nanoseconds of the digits after a decimal point as Go computes them: as a 64-bit float, truncated. */
function nanosecondsOfFraction(fraction: string, unit: bigint): bigint {
  const digits = fraction.slice(0, DIGITS);
  return BigInt(Math.trunc(Number(digits) * (Number(unit) / 10 ** digits.length)));
}

/**
 * Parses a duration like Go's `time.ParseDuration`: `1m0s`, `300ms`, `1.5h`, `-2s`, `0`.
 *
 * @returns nanoseconds, or undefined for a text that isn't a duration or exceeds Go's range.
 */
export function parseNanoseconds(text: string): bigint | undefined {
  const negative = text.startsWith("-");
  const digits = negative || text.startsWith("+") ? text.slice(1) : text;
  if (digits === "0") return 0n;
  if (digits === "") return undefined;
  let total = 0n;
  DURATION_PART_PATTERN.lastIndex = 0;
  while (DURATION_PART_PATTERN.lastIndex < digits.length) {
    const [, whole = "", behind = "", alone = "", name = ""] = DURATION_PART_PATTERN.exec(digits) ?? [];
    const unit = UNITS.get(name);
    // Reading a million digits as a bigint takes long.
    if (unit === undefined || whole.replace(/^0+/, "").length > DIGITS) return undefined;
    total += BigInt(whole) * unit + nanosecondsOfFraction(behind + alone, unit);
    if (total > LONGEST) return undefined;
  }
  return negative ? -total : total;
}

/** Parses a duration like {@link parseNanoseconds}, in milliseconds. */
export function parseMilliseconds(text: string): number | undefined {
  const nanoseconds = parseNanoseconds(text);
  // Separately, because a number can't represent the nanoseconds of many days.
  return nanoseconds === undefined ? undefined : Number(nanoseconds / MILLION) + Number(nanoseconds % MILLION) / 1e6;
}

/** Formats nanoseconds like Go: `1m0s`, `1.5s`, `300ms`, `0s`. */
export function formatNanoseconds(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const sign = nanoseconds < 0n ? "-" : "";
  const rest = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (rest < 1_000n) return `${sign}${rest}ns`;
  if (rest < 1_000_000n) return `${sign}${insertDecimalPoint(rest, 3)}µs`;
  if (rest < 1_000_000_000n) return `${sign}${insertDecimalPoint(rest, 6)}ms`;
  const minutes = rest / 60_000_000_000n;
  const large = minutes >= 60n ? `${minutes / 60n}h${minutes % 60n}m` : minutes > 0n ? `${minutes}m` : "";
  return `${sign}${large}${insertDecimalPoint(rest % 60_000_000_000n, 9)}s`;
}

/** Formats milliseconds like {@link formatNanoseconds}. */
export function formatMilliseconds(milliseconds: number): string {
  const whole = Math.trunc(milliseconds);
  return formatNanoseconds(BigInt(whole) * MILLION + BigInt(Math.round((milliseconds - whole) * 1e6)));
}

/** Writes a whole number with its last digits after a decimal point, without trailing zeros. */
function insertDecimalPoint(value: bigint, places: number): string {
  const digits = String(value).padStart(places + 1, "0");
  const fraction = trimCharactersAtEnd(digits.slice(-places), "0");
  return `${digits.slice(0, -places)}${fraction === "" ? "" : `.${fraction}`}`;
}

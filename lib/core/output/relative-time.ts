/** Milliseconds of each unit, the longest first; months and years are those of the calendar on average. */
const UNITS = [
  { name: "year", short: "y", milliseconds: 31_556_952_000 },
  { name: "month", short: "mo", milliseconds: 2_629_746_000 },
  { name: "day", short: "d", milliseconds: 86_400_000 },
  { name: "hour", short: "h", milliseconds: 3_600_000 },
  { name: "minute", short: "m", milliseconds: 60_000 },
  { name: "second", short: "s", milliseconds: 1000 },
] as const;

/** Clocks of two machines differ by this much without anyone minding. */
const UNNOTICED_SKEW_MS = 60_000;

/** Go's zero time, in year 1, and the epoch: what servers answer for a time that they don't know. */
const LATEST_UNKNOWN = 0;

/** The milliseconds since a time of a server; undefined for text that is not a time, or that means none. */
function millisecondsSince(timestamp: string, now: number): number | undefined {
  const then = Date.parse(timestamp);
  if (Number.isNaN(then) || then <= LATEST_UNKNOWN) return undefined;
  const since = now - then;
  return since < 0 && since > -UNNOTICED_SKEW_MS ? 0 : since;
}

/** The largest unit that fits in a duration at least once, and how often; undefined for less than a second. */
function largestUnit(milliseconds: number) {
  const unit = UNITS.find((each) => milliseconds >= each.milliseconds);
  return unit === undefined ? undefined : { ...unit, count: Math.floor(milliseconds / unit.milliseconds) };
}

/**
 * A time of a server as a person would say it: `3 days ago`, `1 hour ago`, `just now`, `in 2 months`. Undefined for a
 * text that is not a time, and for the zero time. A time up to a minute ahead is a clock that runs fast, and is `just now`.
 */
export function relativeTime(timestamp: string, now: number): string | undefined {
  const since = millisecondsSince(timestamp, now);
  if (since === undefined) return undefined;
  const largest = largestUnit(Math.abs(since));
  if (largest === undefined) return "just now";
  const { name, count } = largest;
  const amount = `${count} ${name}${count === 1 ? "" : "s"}`;
  return since < 0 ? `in ${amount}` : `${amount} ago`;
}

/** The age of something in one short word for a column: `3d`, `5h`, `2mo`, `0s`; undefined as in {@link relativeTime}. */
export function shortAge(timestamp: string, now: number): string | undefined {
  const since = millisecondsSince(timestamp, now);
  if (since === undefined) return undefined;
  const largest = largestUnit(Math.abs(since));
  return largest === undefined ? "0s" : `${since < 0 ? "-" : ""}${largest.count}${largest.short}`;
}

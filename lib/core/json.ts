declare global {
  /** What TypeScript's library does not declare yet: the source text of numbers, and numbers written as their text. */
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
    rawJSON(text: string): object;
    isRawJSON(value: unknown): value is object;
  }
}

/** A text in which a number may stand that the runtime cannot hold; most texts have none and are read the fast way. */
const LONG_NUMBER = /\d[\d.]{15}|\d[eE][+-]?\d/;

/** Digits that every number of the runtime keeps. */
const KEPT_DIGITS = 15;

/**
 * Reads JSON as `JSON.parse` does, and throws as it does; a number that the runtime cannot hold, such as an id of 64 bits
 * in a client's metadata, keeps its text and is written back as it came.
 */
export function readJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) {
    const value: unknown = JSON.parse(text);
    return value;
  }
  return JSON.parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && !isKept(value, source) ? JSON.rawJSON(source) : value,
  );
}

function isKept(value: number, source: string): boolean {
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value);
  const digits = source
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "");
  return Number.isFinite(value) && (digits.length <= KEPT_DIGITS || String(value) === source);
}

/** A whole number of any size as a JSON value. */
export function wholeNumber(value: bigint): unknown {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : JSON.rawJSON(String(value));
}

/** The text of a number that {@link readJson} kept as it came; undefined for every other value. */
export function numberText(value: unknown): string | undefined {
  return JSON.isRawJSON(value) ? JSON.stringify(value) : undefined;
}

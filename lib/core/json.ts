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
const LONG_NUMBER = /(?:^|[:,[\s])-?\d(?:[\d.]{15}|[\d.]*[eE])/;

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
  return Number.isFinite(value) && canonical(source) === canonical(String(value));
}

/** A decimal number as its digits and their exponent, the same for all spellings of one value. */
function canonical(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  return short === "" ? "0" : `${sign}${short}e${Number(exponent) - fraction.length + digits.length - short.length}`;
}

/** A whole number of any size as a JSON value. */
export function wholeNumber(value: bigint): unknown {
  return readJson(String(value));
}

/** The text of a number that {@link readJson} kept as it came; undefined for every other value. */
export function numberText(value: unknown): string | undefined {
  return JSON.isRawJSON(value) ? JSON.stringify(value) : undefined;
}

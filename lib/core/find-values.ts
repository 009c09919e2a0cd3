/** Where something is in a text. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A text as bytes without percent-encoding, and where each byte comes from. */
interface DecodedText {
  /** One character for each byte of UTF-8. */
  readonly bytes: string;
  /** By position in `bytes`. */
  readonly ranges: readonly TextRange[];
}

const utf8 = new TextEncoder();

const HEX = /^[0-9A-Fa-f]+$/;

/**
 * Decodes a text until nothing in it is percent-encoded any more, however often it was encoded. A plus is a space, as in
 * forms (URL, 5.1). Each decoded byte may be the last digit of another one, so this reads from a stack, in linear time.
 */
function decodeText(text: string): DecodedText {
  const bytes: string[] = [];
  const ranges: TextRange[] = [];
  function decodeLast(): void {
    for (let at = bytes.length - 3; at >= 0 && bytes[at] === "%"; at = bytes.length - 3) {
      const digits = `${bytes[at + 1]}${bytes[at + 2]}`;
      if (!HEX.test(digits)) return;
      const range = { start: ranges[at]?.start ?? 0, end: ranges[at + 2]?.end ?? 0 };
      bytes.splice(at, 3, formByte(Number.parseInt(digits, 16)));
      ranges.splice(at, 3, range);
    }
  }
  let start = 0;
  for (const char of text) {
    const range = { start, end: start + char.length };
    start = range.end;
    for (const byte of utf8.encode(char)) {
      bytes.push(formByte(byte));
      ranges.push(range);
      decodeLast();
    }
  }
  return { bytes: bytes.join(""), ranges };
}

function formByte(byte: number): string {
  return byte === 0x2b ? " " : String.fromCharCode(byte);
}

/** Where `needle` is in `bytes`, without overlaps. */
function findAll({ bytes, ranges }: DecodedText, needle: string): readonly TextRange[] {
  const found: TextRange[] = [];
  if (needle === "") return found;
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length)) {
    const [first, last] = [ranges[at], ranges[at + needle.length - 1]];
    if (first !== undefined && last !== undefined) found.push({ start: first.start, end: last.end });
  }
  return found;
}

/** A text in which nothing is encoded. */
const PLAIN = /^[^%\u0080-\uffff]*$/;

/** What of a value is found in decoded text, whatever follows it there: digits would become one byte with a percent sign. */
function decodeValue(value: string): string {
  return PLAIN.test(value) ? value.replaceAll("+", " ") : decodeText(value).bytes.replace(/%[0-9A-Fa-f]?$/, "");
}

/** Where one value is; a percent sign before it takes its first characters if they are digits. */
function findValue(text: string, decoded: DecodedText, value: string): readonly TextRange[] {
  const bytes = decodeValue(value);
  const leads = [1, 2].map((length) => bytes.slice(0, length)).filter((lead) => HEX.test(lead));
  return [
    ...findAll(decoded, bytes),
    ...leads.flatMap((lead) =>
      findAll(decoded, bytes.slice(lead.length))
        .filter(({ start }) => start >= lead.length && text.startsWith(lead, start - lead.length))
        .map(({ start, end }) => ({ start: start - lead.length, end })),
    ),
  ];
}

/** Makes one range of those that overlap. */
function mergeRanges(ranges: readonly TextRange[]): readonly TextRange[] {
  const merged: TextRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || range.start >= last.end) merged.push(range);
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
  }
  return merged;
}

/**
 * Finds values of any number and length in a text in which any part of them may be percent-encoded, even twice, and a
 * space may be a plus. A regular expression of them would have a size limit.
 */
export function findValues(text: string, values: readonly string[]): readonly TextRange[] {
  if (text === "" || values.length === 0) return [];
  const decoded = decodeText(text);
  return mergeRanges([...new Set(values)].flatMap((value) => findValue(text, decoded, value)));
}

/** A text with something else in these ranges. */
export function replaceRanges(text: string, ranges: readonly TextRange[], replacement: string): string {
  let from = 0;
  const parts = ranges.map(({ start, end }) => {
    const before = text.slice(from, start);
    from = end;
    return before + replacement;
  });
  return parts.join("") + text.slice(from);
}

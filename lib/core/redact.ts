import { toHex } from "./bytes.ts";
import { quote, trimCharactersAtEnd } from "./text.ts";

/** Replaces a credential wherever a request is shown. */
export const REDACTED = "(redacted)";

/** Fields of a client that are credentials: shown only by commands that were asked to deliver them. */
export const CLIENT_CREDENTIAL_FIELDS: readonly string[] = ["client_secret", "registration_access_token"];

/** Headers whose values may be shown; any other value may be a credential. */
const PUBLIC_HEADERS = new Set(["accept", "content-type", "user-agent", "x-forwarded-proto", "content-length"]);

/** Whether the value of a header is never a credential. */
export function isHarmlessHeader(name: string): boolean {
  return PUBLIC_HEADERS.has(name.toLowerCase());
}

/**
 * The values of headers that may be credentials: also without the scheme of an Authorization header, and for Basic
 * credentials also the decoded pair and the password.
 */
export function secretsInHeaders(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers)
    .filter(([name]) => !PUBLIC_HEADERS.has(name.toLowerCase()))
    .flatMap(([, value]) => [value, value.replace(/^[A-Za-z]+ +/, ""), ...secretsInBasicCredentials(value)]);
}

/**
 * The pair and the password in Basic credentials, decoded as Latin-1 and as UTF-8 (RFC 7617); empty for any other
 * value.
 */
function secretsInBasicCredentials(value: string): readonly string[] {
  const encoded = /^basic +([A-Za-z0-9+/]+)=*$/i.exec(value)?.[1];
  if (encoded === undefined || encoded.length % 4 === 1) return [];
  const latin = atob(encoded);
  const pairs = [latin, new TextDecoder().decode(Uint8Array.from(latin, (char) => char.charCodeAt(0)))];
  return pairs.flatMap((pair) => (pair.includes(":") ? [pair, pair.slice(pair.indexOf(":") + 1)] : [pair]));
}

/** A header for a log. */
export function redactedHeaderLine(name: string, value: string): string {
  return `${name}: ${PUBLIC_HEADERS.has(name.toLowerCase()) ? value : REDACTED}`;
}

/** A URL without its userinfo, and without its query and fragment, which may contain credentials too. */
export function urlWithoutSecrets(text: string): string {
  // A parser adds missing slashes and removes spaces: nobody would see what is wrong.
  const url = /^[a-z][a-z0-9+.-]*:\/\/\S*$/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  // Without a host (the parser takes `user:pass@host` for an opaque path), everything up to the last @ may be a credential.
  if (url === undefined || url.host === "")
    return text.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)?.*@/is, "$1").replace(/[?#].*$/s, "");
  url.username = "";
  url.password = "";
  const hasMore = url.search !== "" || url.hash !== "";
  url.search = "";
  url.hash = "";
  return hasMore ? `${url.href}?…` : url.href;
}

/** A flag with its value in the same word, up to the value. */
const FLAG_BEFORE_VALUE_PATTERN = /^--[^=]*=|^-[A-Za-z](?=.)/s;

/** What may be a credential. Each pattern takes linear time. */
const MAYBE_CREDENTIAL: readonly RegExp[] = [
  // The userinfo of a URL without its scheme, and a query with values.
  /^[^:]*:.*@/s,
  /^[^?#]*[?#].*=/s,
  /(?:bearer|basic)[ +%]/i,
  /PRIVATE KEY/,
  // A token of Hydra, with or without its prefix, and a JSON Web Token.
  /\bory_[a-z]{2}_/,
  /[\w-]{40}\.[\w-]{40}/,
  /\beyJ[\w-]{8}/,
];

/** Whether a word has the name of a credential before a value. */
function namesCredential(text: string): boolean {
  const at = text.search(/secret|password|token/i);
  return at >= 0 && /[:=]/.test(text.slice(at));
}

/** What of a word of a command line a message may show: a part if it may hold a credential, undefined for nothing. */
export function visiblePart(word: string): { readonly text: string; readonly isWhole: boolean } | undefined {
  const name = FLAG_BEFORE_VALUE_PATTERN.exec(word)?.[0];
  if (name !== undefined) return { text: `${name}…`, isWhole: false };
  const isUrlWithMore = word.includes("://") && /[@?#]/.test(word);
  const text = isUrlWithMore ? urlWithoutSecrets(word) : word;
  if (namesCredential(text) || MAYBE_CREDENTIAL.some((pattern) => pattern.test(text))) return undefined;
  return { text, isWhole: !isUrlWithMore };
}

/** A word of a command line as messages show it: quoted, as far as it holds no credential. */
export function quoteVisiblePart(word: string, isSecret = false): string {
  const visible = isSecret ? undefined : visiblePart(word);
  return visible === undefined ? "(not shown)" : quote(visible.text);
}

/** Text from elsewhere without the credentials that it may repeat, in any encoding that is common on the web. */
export function redactValues(text: string, values: readonly string[]): string {
  const encodings = values.filter((value) => value.length >= MIN_REDACTED).flatMap(credentialEncodings);
  return replaceRanges(text, findAllValueRanges(text, encodings), REDACTED);
}

/** The characters of a server's text that are searched. Messages show a few hundred, and a page of an error can have megabytes. */
const LONGEST_SEARCHED = 1_000_000;

/**
 * Text of a server that got these credentials, without them: whole, in part, and in everything that looks like one. Of a
 * long text only the beginning is returned.
 */
export function redactServerText(whole: string, values: readonly string[]): string {
  const text = whole.slice(0, LONGEST_SEARCHED);
  // An Authorization header also contains the client ID, which a message may show; the credentials in it are values too.
  const pieces = values.filter(
    (value) => !values.some((other) => other !== value && other.length >= MIN_PIECE && value.endsWith(other)),
  );
  return redactPieces(redactShortValues(redactValues(text, values), values), pieces)
    .replace(AUTHORIZATION_VALUE_PATTERN, (match, scheme: string, value: string) =>
      PROSE_WORD_PATTERN.test(value) ? match : scheme + REDACTED,
    )
    .replace(JWT_PATTERN, REDACTED);
}

/** A value of an Authorization header. */
const AUTHORIZATION_VALUE_PATTERN = /\b((?:Basic|Bearer|DPoP)(?: |\+|%20)+)(\S+)/gi;

/** An ordinary word after the name of a scheme (`Basic authentication`), or a parameter of a challenge (`Basic realm=x`). */
const PROSE_WORD_PATTERN = /^(?:[a-z]|[A-Z][a-z]|\()[a-z]*\)?["'.,:;!?)]*$|^(?:realm|charset|scope|error\w*)=/;

/** A JSON Web Token, or the start of one that was cut. */
const JWT_PATTERN = /\beyJ[\w-]{8,}(?:\.[\w-]*)*/g;

/** A value as a form has it (URL, 5.1), and as Basic credentials have each of their parts (RFC 6749, 2.3.1). */
export function encodeFormValue(value: string): string {
  return new URLSearchParams([["", value]]).toString().slice(1);
}

/** What precedes a value that is quoted or assigned: a sign or a quotation mark. */
const BEFORE_ASSIGNED_VALUE_PATTERN = /[=:\x22\x27\x60] ?$/;

/** Replaces values that are too short to be found anywhere, where a text quotes them or assigns them to a name. */
function redactShortValues(text: string, values: readonly string[]): string {
  const short = values.filter((value) => value.length < MIN_REDACTED);
  const assigned = findAllValueRanges(text, short).filter(
    ({ start, end }) =>
      BEFORE_ASSIGNED_VALUE_PATTERN.test(text.slice(Math.max(start - 2, 0), start)) &&
      !/^[\w%]/.test(text.slice(end, end + 1)),
  );
  return replaceRanges(text, assigned, REDACTED);
}

/** Replaces what a text has in common with credentials, if it is long enough not to be an ordinary word. */
function redactPieces(text: string, values: readonly string[]): string {
  const known = findCommonPieces(
    text,
    values.flatMap((each) => [
      ...credentialEncodings(each),
      encodeURIComponent(each.toWellFormed()),
      encodeFormValue(each),
    ]),
  );
  let shown = "";
  let hiddenTo = 0;
  for (let at = 0; at < text.length; at++) {
    if (known.has(text.slice(at, at + MIN_PIECE))) {
      if (at >= hiddenTo) shown += REDACTED;
      hiddenTo = at + MIN_PIECE;
    }
    if (at >= hiddenTo) shown += text[at];
  }
  return shown;
}

/** The pieces of values that a text has too. Few pieces of a long value pass the first, cheap check. */
function findCommonPieces(text: string, values: readonly string[]): ReadonlySet<string> {
  const inText = new Set<string>();
  const mayBeInText = new Uint8Array(0x1_00_00);
  for (let at = 0; at + MIN_PIECE <= text.length; at++) {
    inText.add(text.slice(at, at + MIN_PIECE));
    mayBeInText[hashPiece(text, at)] = 1;
  }
  const common = new Set<string>();
  for (const value of values)
    for (let at = 0; at + MIN_PIECE <= value.length; at++) {
      const piece = mayBeInText[hashPiece(value, at)] === 1 ? value.slice(at, at + MIN_PIECE) : "";
      if (inText.has(piece)) common.add(piece);
    }
  return common;
}

function hashPiece(text: string, at: number): number {
  return (text.charCodeAt(at) * 961 + text.charCodeAt(at + 3) * 31 + text.charCodeAt(at + 7)) & 0xff_ff;
}

/** Anything shorter is not a credential and would match ordinary words. */
const MIN_REDACTED = 4;

/** Shorter pieces of base64 would match ordinary words. */
const MIN_PIECE = 8;

/**
 * A credential as it is, escaped for JSON and HTML, in hexadecimal, and in both alphabets of base64: whole, inside a longer
 * text, and percent-encoded first.
 */
function credentialEncodings(value: string): readonly string[] {
  const bytes = Array.from(utf8.encode(value), (byte) => String.fromCharCode(byte)).join("");
  const encoded = [bytes, percentEncodeBytes(bytes)].flatMap((text) => {
    const pieces = [0, 1, 2].map((before) => {
      const whole = btoa(" ".repeat(before) + text);
      return whole.slice(before === 0 ? 0 : 4, (before + text.length) % 3 === 0 ? undefined : -4);
    });
    return [trimCharactersAtEnd(btoa(text), "="), ...pieces.filter((piece) => piece.length >= MIN_PIECE)];
  });
  const urlSafe = encoded.map((piece) => piece.replaceAll("+", "-").replaceAll("/", "_"));
  const hex = toHex(utf8.encode(value));
  return [value, ...escapedForJsonAndHtml(value), hex, hex.toUpperCase(), ...encoded, ...urlSafe];
}

/** A value as encoders of JSON and HTML escape it: those of Go, in which Hydra and its proxies are written, and of others. */
function escapedForJsonAndHtml(value: string): readonly string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const named = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return [
    json,
    json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
    named.replaceAll('"', "&#34;").replaceAll("'", "&#39;"),
    named.replaceAll('"', "&quot;").replaceAll("'", "&#x27;"),
  ];
}

/** Percent-encodes bytes, except for the unreserved characters of RFC 3986. */
function percentEncodeBytes(bytes: string): string {
  return bytes.replace(
    /[^A-Za-z0-9._~-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}

/** Where something is in a text; the end is exclusive. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A text as bytes without percent-encoding, and where each byte comes from. */
interface PercentDecodedText {
  /** One character for each byte of UTF-8. */
  readonly bytes: string;
  /** By position in `bytes`. */
  readonly ranges: readonly TextRange[];
}

const HEX_PATTERN = /^[0-9A-Fa-f]+$/;

/**
 * Decodes a text until nothing in it is percent-encoded any more, however often it was encoded. A plus is a space, as in
 * forms (URL, 5.1). Each decoded byte may be the last digit of another one, so this reads from a stack, in linear time.
 */
function decodePercentEncodedText(text: string): PercentDecodedText {
  const bytes: string[] = [];
  const ranges: TextRange[] = [];
  function decodeLast(): void {
    for (let at = bytes.length - 3; at >= 0 && bytes[at] === "%"; at = bytes.length - 3) {
      const digits = `${bytes[at + 1]}${bytes[at + 2]}`;
      if (!HEX_PATTERN.test(digits)) return;
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

/** Where a needle is in decoded text, without overlaps. */
function findNeedleRanges({ bytes, ranges }: PercentDecodedText, needle: string): readonly TextRange[] {
  const found: TextRange[] = [];
  if (needle === "") return found;
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length)) {
    const [first, last] = [ranges[at], ranges[at + needle.length - 1]];
    if (first !== undefined && last !== undefined) found.push({ start: first.start, end: last.end });
  }
  return found;
}

/** A text in which nothing is encoded. */
const UNENCODED_TEXT_PATTERN = /^[^%\u0080-\uffff]*$/;

/** What of a value is found in decoded text, whatever follows it there: digits would become one byte with a percent sign. */
function decodeValueForSearch(value: string): string {
  return UNENCODED_TEXT_PATTERN.test(value)
    ? value.replaceAll("+", " ")
    : decodePercentEncodedText(value).bytes.replace(/%[0-9A-Fa-f]?$/, "");
}

/** Where one value is; a percent sign before it takes its first characters if they are digits. */
function findOneValueRanges(text: string, decoded: PercentDecodedText, value: string): readonly TextRange[] {
  const bytes = decodeValueForSearch(value);
  const leads = [1, 2].map((length) => bytes.slice(0, length)).filter((lead) => HEX_PATTERN.test(lead));
  return [
    ...findNeedleRanges(decoded, bytes),
    ...leads.flatMap((lead) =>
      findNeedleRanges(decoded, bytes.slice(lead.length))
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
function findAllValueRanges(text: string, values: readonly string[]): readonly TextRange[] {
  if (text === "" || values.length === 0) return [];
  const decoded = decodePercentEncodedText(text);
  return mergeRanges([...new Set(values)].flatMap((value) => findOneValueRanges(text, decoded, value)));
}

/** A text with something else in these ranges. */
function replaceRanges(text: string, ranges: readonly TextRange[], replacement: string): string {
  let from = 0;
  const parts = ranges.map(({ start, end }) => {
    const before = text.slice(from, start);
    from = end;
    return before + replacement;
  });
  return parts.join("") + text.slice(from);
}

const utf8 = new TextEncoder();

/** A record without its credentials, for every place that shows a client without being asked for them. */
export function withoutCredentialFields(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!CLIENT_CREDENTIAL_FIELDS.some((field) => Object.hasOwn(record, field))) return record;
  return Object.fromEntries(Object.entries(record).filter(([field]) => !CLIENT_CREDENTIAL_FIELDS.includes(field)));
}

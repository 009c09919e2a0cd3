import { binaryString, bytesOf } from "./bytes.ts";
import type { JsonObject } from "./json.ts";
import { trimmedEnd } from "./text.ts";

/** What stands in place of a credential wherever a request is shown. */
export const REDACTED = "(redacted)";

/** Fields of a client that are credentials: they are shown only where a command was asked to deliver them. */
export const CREDENTIAL_FIELDS: readonly string[] = ["client_secret", "registration_access_token"];

/** Header names whose values may be shown; any other value may be a credential. */
const OPEN_HEADERS = new Set(["accept", "content-type", "user-agent", "x-forwarded-proto", "content-length"]);

/** Whether a header is one whose value is never a credential. */
export function isOpenHeader(name: string): boolean {
  return OPEN_HEADERS.has(name.toLowerCase());
}

/**
 * The values of headers that may be credentials, those of an Authorization also without their scheme, and of Basic
 * credentials the pair and the password that they stand for.
 */
export function secretsIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers)
    .filter(([name]) => !OPEN_HEADERS.has(name.toLowerCase()))
    .flatMap(([, value]) => [value, value.replace(/^[A-Za-z]+ +/, ""), ...basicParts(value)]);
}

/** The pair and the password in Basic credentials, as bytes of Latin-1 and as UTF-8 (RFC 7617). */
function basicParts(value: string): readonly string[] {
  const encoded = /^basic +([A-Za-z0-9+/]+)=*$/i.exec(value)?.[1];
  if (encoded === undefined || encoded.length % 4 === 1) return [];
  const latin = atob(encoded);
  const pairs = [latin, new TextDecoder().decode(bytesOf(latin))];
  return pairs.flatMap((pair) => (pair.includes(":") ? [pair, pair.slice(pair.indexOf(":") + 1)] : [pair]));
}

/** A header as a log may show it. */
export function redactHeader(name: string, value: string): string {
  return `${name}: ${OPEN_HEADERS.has(name.toLowerCase()) ? value : REDACTED}`;
}

/** An address without its userinfo, and without its query and fragment, which may hold credentials too. */
export function redactUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // Without a host (`user:pass@host` is an opaque path to the parser) all up to the last @ may be a credential.
  if (url === undefined || url.host === "")
    return address.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)?.*@/is, "$1").replace(/[?#].*$/s, "");
  url.username = "";
  url.password = "";
  const more = url.search !== "" || url.hash !== "";
  url.search = "";
  url.hash = "";
  return more ? `${url.href}?…` : url.href;
}

/** A text of another's without the credentials that it may repeat, in any of the spellings that texts have on the web. */
export function redactValues(text: string, values: readonly string[]): string {
  const spelled = values
    .filter((value) => value.length >= MIN_REDACTED)
    .flatMap(spellings)
    .sort((a, b) => b.length - a.length);
  if (spelled.length === 0) return text;
  return text.replace(new RegExp([...new Set(spelled)].map(percentPattern).join("|"), "g"), REDACTED);
}

/** A shorter text is no credential, and would be found in ordinary words. */
const MIN_REDACTED = 4;

/** A shorter piece of base64 says too little, and would be found in ordinary words. */
const MIN_PIECE = 8;

/** A credential as it is, as JSON writes it, and in base64 of both alphabets: alone, as a part of more, and percent-encoded before. */
function spellings(value: string): readonly string[] {
  const bytes = binaryString(utf8.encode(value));
  const encoded = [bytes, percentEncoded(bytes)].flatMap((text) => {
    const pieces = [0, 1, 2].map((before) => {
      const whole = btoa(" ".repeat(before) + text);
      return whole.slice(before === 0 ? 0 : 4, (before + text.length) % 3 === 0 ? undefined : -4);
    });
    return [trimmedEnd(btoa(text), "="), ...pieces.filter((piece) => piece.length >= MIN_PIECE)];
  });
  const urlSafe = encoded.map((piece) => piece.replaceAll("+", "-").replaceAll("/", "_"));
  return [value, JSON.stringify(value).slice(1, -1), ...encoded, ...urlSafe];
}

/** Bytes percent-encoded but for the unreserved characters of RFC 3986. */
function percentEncoded(bytes: string): string {
  return bytes.replace(
    /[^A-Za-z0-9._~-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}

/** A pattern for a text of which any part may be percent-encoded, even twice, and a blank be written as a plus. */
function percentPattern(text: string): string {
  return Array.from(text, (char) => {
    const bytes = Array.from(utf8.encode(char), (byte) => {
      const hex = byte.toString(16).padStart(2, "0");
      return `%(?:25)*${hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)}`;
    });
    const plain = char.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
    return `(?:${plain}|${bytes.join("")}${char === " " ? "|\\+" : ""})`;
  }).join("");
}

const utf8 = new TextEncoder();

/** A record without its credentials, for every place that shows a client and was not asked for them. */
export function withoutCredentials(record: JsonObject): JsonObject {
  if (!CREDENTIAL_FIELDS.some((field) => Object.hasOwn(record, field))) return record;
  return Object.fromEntries(Object.entries(record).filter(([field]) => !CREDENTIAL_FIELDS.includes(field)));
}

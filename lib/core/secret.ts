/** The unreserved characters of RFC 3986: safe in URLs, in Basic credentials and in a shell without quotes. */
export const SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

/** Length of a generated secret: 26 characters of 66 are 157 bits. */
export const SECRET_LENGTH = 26;

/** The server refuses a shorter one. */
export const SECRET_SHORTEST = 6;

/** bcrypt, with which the server stores it, looks at no more bytes than these. */
export const SECRET_BCRYPT_BYTES = 72;

/**
 * Makes a client secret from unreserved characters, each equally likely.
 *
 * @param random gives that many random bytes; bytes beyond the last whole multiple of the alphabet are drawn again.
 */
export function generateSecret(random: (count: number) => Uint8Array, length = SECRET_LENGTH): string {
  const limit = 256 - (256 % SECRET_ALPHABET.length);
  let secret = "";
  while (secret.length < length) {
    for (const byte of random(length * 2)) {
      if (byte < limit && secret.length < length) secret += SECRET_ALPHABET[byte % SECRET_ALPHABET.length];
    }
  }
  return secret;
}

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

/** The values of headers that may be credentials, and the credentials of an Authorization without their scheme. */
export function hiddenValues(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers)
    .filter(([name]) => !OPEN_HEADERS.has(name.toLowerCase()))
    .flatMap(([, value]) => [value, value.replace(/^[A-Za-z]+ +/, "")]);
}

/** A header as a log may show it. */
export function shownHeader(name: string, value: string): string {
  return `${name}: ${OPEN_HEADERS.has(name.toLowerCase()) ? value : REDACTED}`;
}

/** An address without its userinfo, and without its query and fragment, which may hold credentials too. */
export function shownUrl(address: string): string {
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

/** A text of another's without the credentials that it may repeat, as they are and as JSON writes them. */
export function withoutValues(text: string, values: readonly string[]): string {
  return values
    .flatMap((value) => [value, JSON.stringify(value).slice(1, -1)])
    .filter((value) => value.length >= LEAST_HIDDEN)
    .sort((a, b) => b.length - a.length)
    .reduce((shown, value) => shown.replaceAll(value, REDACTED), text);
}

/** A shorter text is no credential, and would be found in ordinary words. */
const LEAST_HIDDEN = 4;

/** A record without its credentials, for every place that shows a client and was not asked for them. */
export function withoutCredentials(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!CREDENTIAL_FIELDS.some((field) => Object.hasOwn(record, field))) return record;
  return Object.fromEntries(Object.entries(record).filter(([field]) => !CREDENTIAL_FIELDS.includes(field)));
}

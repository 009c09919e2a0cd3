/** A text as an http or https URL; undefined for others. The slashes are required: a URL parser takes `http:host` as well. */
export function parseHttpUrl(text: string): URL | undefined {
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** Host names of this machine (RFC 6761 section 6.3). */
const LOCAL_NAME = /^(?:[a-z0-9-]+\.)*localhost\.?$/i;

/** An address of 127.0.0.0/8 as URL parsers return it. */
const LOOPBACK_V4 = /^127\.(?:\d{1,3})\.(?:\d{1,3})\.(?:\d{1,3})$/;

/**
 * Whether the host of a URL is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `::1`.
 *
 * `hostname` comes from a URL parser, which has normalized every notation of an IPv4 address to dotted decimal. A name
 * that only starts like an address (`127.example.org`) doesn't count.
 */
export function isLoopbackHost(hostname: string): boolean {
  if (hostname === "[::1]" || hostname === "::1") return true;
  if (LOCAL_NAME.test(hostname)) return true;
  return LOOPBACK_V4.test(hostname) && hostname.split(".").every((part) => Number(part) <= 255);
}

/**
 * Whether a key may be fetched from a URL: with https, or with http from this machine, or with http from anywhere if the
 * fingerprint of the key is known (`pinned`).
 */
export function mayFetchPgpKeyFrom(url: URL, pinned: boolean): boolean {
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && (pinned || isLoopbackHost(url.hostname));
}

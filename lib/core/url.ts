/** Hosts that are this machine by name (RFC 6761 section 6.3). */
const LOCAL_NAME = /^(?:[a-z0-9-]+\.)*localhost\.?$/i;

/** A dotted address of 127.0.0.0/8 in the form that URL parsers give back. */
const LOOPBACK_V4 = /^127\.(?:\d{1,3})\.(?:\d{1,3})\.(?:\d{1,3})$/;

/**
 * Whether a host name of a URL is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or `::1`.
 *
 * It takes `hostname` as the URL parser gives it, where every spelling of an IPv4 address is already in dotted form, so
 * a name that merely begins like an address (`127.example.org`) is not one.
 */
export function isLoopback(hostname: string): boolean {
  if (hostname === "[::1]" || hostname === "::1") return true;
  if (LOCAL_NAME.test(hostname)) return true;
  return LOOPBACK_V4.test(hostname) && hostname.split(".").every((part) => Number(part) <= 255);
}

/**
 * Whether a key may be fetched from an address: over https, or in the clear from this machine, or in the clear from
 * anywhere when its fingerprint is known.
 */
export function mayFetchKey(url: URL, pinned: boolean): boolean {
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && (pinned || isLoopback(url.hostname));
}

/** Whether text that should be data is a web page, as a portal, a proxy or an error page sends. */
export function isWebPage(text: string): boolean {
  return /^\s*(?:<!doctype\s+html|<html|<\?xml|<head|<body)/i.test(text.slice(0, 2048));
}

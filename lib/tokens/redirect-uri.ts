import type { ListenOptions } from "../adapters/callback-listener.ts";
import { allowsAnyPort } from "../core/client/redirect-match.ts";
import { usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { isLoopbackHost } from "../core/url-checks.ts";

/** Where the browser ends, and where the program listens for it. */
export interface RedirectTarget {
  /** The redirect URI; for a free port it has none yet. */
  readonly uri: string;
  /** Undefined if the program can't be reached under the URI, so that the URL has to be pasted. */
  readonly listen: ListenOptions | undefined;
}

/** What the command line says about the redirect. */
export interface RedirectWishes {
  readonly redirect: string | undefined;
  readonly port: number | undefined;
}

/** The redirect URI if nothing else is known. Servers accept every port on it (RFC 8252, 7.3). */
const DEFAULT_REDIRECT = "http://127.0.0.1/callback";

/** The loopback addresses of a host. A browser may try either address of the name. */
function loopbackAddressesOf(hostname: string): readonly string[] {
  if (hostname === "[::1]") return ["::1"];
  return allowsAnyPort(new URL(`http://${hostname}`)) ? [hostname] : ["127.0.0.1", "::1"];
}

/** The port in the text of a URI; the URL parser leaves out that of the scheme. */
function portIn(uri: string): number | undefined {
  const digits = /^[a-z]+:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(uri)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** How to listen for a redirect URI; a port in `port` is where it arrives in the end, whatever the URI says. */
function listenOptionsFor(uri: string, port: number | undefined): RedirectTarget["listen"] {
  const url = new URL(uri);
  const isOurs = url.protocol === "http:" && isLoopbackHost(url.hostname);
  if (!isOurs && port === undefined) return undefined;
  const hosts = isOurs ? loopbackAddressesOf(url.hostname) : ["127.0.0.1"];
  const own = portIn(uri) ?? (allowsAnyPort(url) ? 0 : 80);
  const isFree = own === 0 && isOurs;
  return { hosts, port: port ?? own, path: url.pathname, ...(isFree ? {} : { authority: url.host }) };
}

/** A URI with another port, or without one. The rest stays as it is written, because servers compare texts. */
export function withPort(uri: string, port: number | undefined): string {
  return uri.replace(/^([a-z]+:\/\/[^/?#]*?)(?::\d+)?(?=[/?#]|$)/i, (_, start: string) =>
    port === undefined ? start : `${start}:${port}`,
  );
}

/**
 * The registered URI that this program can listen on best: any port of an IP address, else a fixed port of localhost.
 * Hydra 1.8 rejects http on `[::1]`, so 127.0.0.1 comes first.
 */
function usableRedirect(registered: readonly string[], port: number | undefined): string | undefined {
  const ours = registered.filter((uri) => {
    const url = URL.canParse(uri) ? new URL(uri) : undefined;
    return url?.protocol === "http:" && isLoopbackHost(url.hostname);
  });
  const free =
    ours.find((uri) => new URL(uri).hostname === "127.0.0.1") ?? ours.find((uri) => allowsAnyPort(new URL(uri)));
  if (free !== undefined) return free;
  return ours.find((uri) => port === undefined || (portIn(uri) ?? 80) === port);
}

/**
 * Chooses the redirect URI and where to listen.
 *
 * @param registered the client's redirect URIs; undefined if the admin API wasn't asked.
 */
export function chooseRedirect(
  { redirect, port }: RedirectWishes,
  registered: readonly string[] | undefined,
): RedirectTarget {
  const ownOrGiven = port === 0 ? undefined : port;
  const uri = redirect ?? usableRedirect(registered ?? [], ownOrGiven) ?? DEFAULT_REDIRECT;
  const isAnyPort = allowsAnyPort(new URL(uri));
  if (!isAnyPort) return { uri, listen: listenOptionsFor(uri, ownOrGiven) };
  if (redirect !== undefined && portIn(redirect) !== undefined) return { uri, listen: listenOptionsFor(uri, port) };
  const free = withPort(uri, ownOrGiven);
  return { uri: free, listen: listenOptionsFor(free, port) };
}

export function requireValidRedirectFlag(redirect: string | undefined): void {
  if (redirect === undefined) return;
  const url = URL.canParse(redirect) ? new URL(redirect) : undefined;
  const isBare = url !== undefined && url.hash === "" && url.username === "" && url.password === "";
  if (isBare) return;
  throw usageError(
    `--redirect ${quote(redirect)} is not a redirect URI`,
    `give an absolute URI without a fragment, such as ${DEFAULT_REDIRECT}`,
    "bad-address",
  );
}

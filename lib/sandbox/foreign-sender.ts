import type { IncomingHttpHeaders } from "node:http";
import { isLoopbackHost } from "../core/url-checks.ts";

/** How a request came in. */
export type ListenerKind = "http" | "https" | "unix";

/**
 * Why a request may come from a web page of another site, or undefined if it can't. The sandbox asks for no
 * credentials, so a page that the user visits could change its clients, or read them by a name that it points at this
 * machine. A real server is protected by its network.
 *
 * @param headers its `Host` header, which only a client older than HTTP/1.1 leaves out, and its `Origin` header, which
 * browsers add to what a page sends.
 */
export function foreignSenderReason(
  { host, origin }: Pick<IncomingHttpHeaders, "host" | "origin">,
  entrance: ListenerKind,
): string | undefined {
  // Over TLS the certificate keeps a page from naming this machine as its own host.
  if (entrance === "http" && host !== undefined && !isLoopbackHost(hostHeaderWithoutPort(host)))
    return "The Host header doesn't name this machine";
  if (origin !== undefined && (entrance === "unix" || origin !== `${entrance}://${host ?? ""}`))
    return "The Origin header names another site";
  return undefined;
}

/** A `Host` header without its port. */
function hostHeaderWithoutPort(host: string): string {
  const colon = host.lastIndexOf(":");
  return colon >= 0 && /^\d*$/.test(host.slice(colon + 1)) ? host.slice(0, colon) : host;
}

import type { DetailedPeerCertificate } from "node:tls";
import { escapeControls, joinWords } from "../../core/text.ts";

/** What a certificate that was not accepted says about itself. */
interface PeerCertificate {
  /** The hosts that it is for. */
  readonly hosts: readonly string[];
  /** The certificate itself and its issuers, as far as the server sent them. */
  readonly chain: readonly { readonly name: string; readonly from: Date; readonly until: Date }[];
}

/** Milliseconds to wait for a certificate that is only shown in a message. */
const LOOK_MS = 3_000;

/** The hosts that a message names. */
const MOST_HOSTS = 5;

/** Certificates that a chain has at most; the last one is its own issuer. */
const LONGEST_CHAIN = 8;

/**
 * The certificate of a server, by a handshake of its own that sends no request: the runtime's fetch says only that it was
 * not accepted. Undefined if the server can't be reached in time, or once the deadline of the request is over.
 */
export async function fetchPeerCertificate(url: URL, deadline: AbortSignal): Promise<PeerCertificate | undefined> {
  const { connect } = await import("node:tls");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isAddress = /^[\d.]+$|:/.test(host);
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(url.port || 443),
      rejectUnauthorized: false,
      ...(isAddress ? {} : { servername: host }),
    });
    const finish = (found: PeerCertificate | undefined): void => {
      clearTimeout(timer);
      deadline.removeEventListener("abort", stop);
      socket.destroy();
      resolve(found);
    };
    const stop = (): void => finish(undefined);
    const timer = setTimeout(stop, LOOK_MS);
    if (deadline.aborted) stop();
    else deadline.addEventListener("abort", stop);
    socket.once("error", () => finish(undefined));
    socket.once("secureConnect", () => {
      try {
        finish(toPeerCertificate(socket.getPeerCertificate(true)));
      } catch {
        finish(undefined);
      }
    });
  });
}

function toPeerCertificate(certificate: DetailedPeerCertificate): PeerCertificate {
  const chain: PeerCertificate["chain"][number][] = [];
  const seen = new Set<string>();
  for (
    let at: DetailedPeerCertificate | undefined = certificate;
    at?.valid_to !== undefined && !seen.has(at.fingerprint256) && chain.length < LONGEST_CHAIN;
    at = at.issuerCertificate
  ) {
    seen.add(at.fingerprint256);
    chain.push({ name: nameOf(at), from: new Date(at.valid_from), until: new Date(at.valid_to) });
  }
  const names = (certificate.subjectaltname ?? "")
    .split(", ")
    .map((name) => /^(?:DNS|IP Address):"?([^"]+)"?$/.exec(name)?.[1])
    .filter((name) => name !== undefined);
  return { hosts: names.length > 0 ? names : [nameOf(certificate)].filter((name) => name !== ""), chain };
}

function nameOf({ subject }: DetailedPeerCertificate): string {
  const name: unknown = subject?.CN;
  return typeof name === "string" ? name : "";
}

/** The hosts of a certificate, for a message; empty if it names none. */
export function certificateHostsText({ hosts }: PeerCertificate): string {
  const shown = hosts.slice(0, MOST_HOSTS).map(escapeControls);
  const more = hosts.length - shown.length;
  return joinWords([...shown, ...(more > 0 ? [`${more} more`] : [])]);
}

/** When a certificate or one of its issuers expired or becomes valid, for a message; empty if all are valid. */
export function certificateDateFaultText({ chain }: PeerCertificate, now: Date): string {
  for (const [index, { name, from, until }] of chain.entries()) {
    const who = index === 0 ? "it" : `its issuer ${escapeControls(name)}`;
    if (until < now) return `${who} was valid until ${formatUtcDay(until)}`;
    if (from > now) return `${who} is valid from ${formatUtcDay(from)}`;
  }
  return "";
}

function formatUtcDay(date: Date): string {
  return date.toISOString().slice(0, 10);
}

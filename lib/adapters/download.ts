import { type Download, type Http, type HttpAnswer, NetworkFailure, unreachable } from "../core/network.ts";
import { Problem } from "../core/problem.ts";
import { redactUrl } from "../core/redact.ts";
import { escapeControls } from "../core/text.ts";
import { isLoopback } from "../core/url.ts";

const REDIRECTS = 5;

/** Milliseconds that one public document may take, its redirects included. */
const DOWNLOAD_TIME = 20_000;

/** Makes a {@link Download} over an {@link Http} that carries no credentials. */
export function createDownload(
  http: Http,
  remaining: () => number,
  signal: AbortSignal,
  monotonic: () => number,
): Download {
  return async (address, { what, maxBytes, allowPlainHttp }) => {
    const until = monotonic() + Math.min(DOWNLOAD_TIME, remaining());
    let url = address;
    for (let hop = 0; ; hop++) {
      if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
        throw new Problem(`Cannot fetch ${what}: "${escapeControls(redactUrl(url))}" is not an http or https address`, {
          code: "bad-address",
          exit: hop === 0 ? "usage" : "unreachable",
          hint: "write a whole address, such as https://example.com/key.asc",
        });
      }
      const at = new URL(url);
      if (at.protocol === "http:" && !isLoopback(at.hostname) && allowPlainHttp !== true) {
        throw new Problem(
          `Cannot fetch ${what}: ${escapeControls(redactUrl(url))} is plain http, where anyone on the way could swap it`,
          {
            code: "plain-http",
            exit: "usage",
            hint: "use https, or name the key's fingerprint with --pgp-fingerprint",
          },
        );
      }
      let answer: HttpAnswer;
      try {
        answer = await http({
          method: "GET",
          url,
          timeout: until - monotonic(),
          maxBytes,
          signal,
          headers: { accept: "*/*" },
        });
      } catch (error) {
        if (!(error instanceof NetworkFailure)) throw error;
        throw unreachable(
          `Cannot fetch ${what} from ${escapeControls(redactUrl(url))}`,
          url,
          error,
          error.kind === "certificate"
            ? "trust its authority with SSL_CERT_FILE=FILE: --ca-file is for the server of the clients alone"
            : "check the address and the network, then run the command again",
        );
      }
      const location = answer.headers.get("location");
      if (answer.status < 300 || answer.status > 399 || answer.status === 304 || location === null) {
        return { status: answer.status, url, bytes: answer.bytes };
      }
      if (hop === REDIRECTS || !URL.canParse(location, url)) {
        throw new Problem(
          `Cannot fetch ${what}: ${hop === REDIRECTS ? `more than ${REDIRECTS} redirects` : "a redirect to no address"}`,
          {
            code: "redirects",
            exit: "unreachable",
            hint: "give the address that the redirects end at",
          },
        );
      }
      const next = new URL(location, url);
      if (at.protocol === "https:" && next.protocol !== "https:") {
        throw new Problem(
          `Cannot fetch ${what}: ${escapeControls(redactUrl(url))} redirects from https to ${escapeControls(next.protocol.slice(0, -1))}`,
          {
            code: "redirect-downgrade",
            exit: "unreachable",
            hint: "give an address that stays on https",
          },
        );
      }
      url = next.href;
    }
  };
}

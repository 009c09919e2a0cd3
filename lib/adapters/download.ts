import {
  type Download,
  type DownloadOptions,
  type HttpAnswer,
  NetworkFailure,
  type SendHttp,
  unreachableProblem,
} from "../core/network.ts";
import { Problem, type ProblemCode } from "../core/problem.ts";
import { urlWithoutSecrets } from "../core/redact.ts";
import { escapeControls } from "../core/text.ts";
import { isLoopbackHost, parseHttpUrl } from "../core/url-checks.ts";

const MAX_REDIRECTS = 5;

/** Milliseconds that one public document may take, including redirects. */
const DOWNLOAD_MS = 20_000;

/** Creates a {@link Download} over an {@link SendHttp} that carries no credentials. */
export function createDownload(
  http: SendHttp,
  remaining: () => number,
  signal: AbortSignal,
  monotonic: () => number,
): Download {
  return async (start, options) => {
    const until = monotonic() + Math.min(DOWNLOAD_MS, remaining());
    let url = requireAllowedUrl(start, options, "usage");
    for (let redirects = 0; ; redirects++) {
      const answer = await requireDownloadAnswer(http, url, options, { timeout: until - monotonic(), signal });
      const location = answer.headers.get("location");
      if (!isRedirect(answer.status) || location === null)
        return { status: answer.status, url: url.href, bytes: answer.bytes };
      url = requireRedirectUrl(url, location, redirects, options);
    }
  };
}

/** 304 is part of caching, and does not redirect. */
function isRedirect(status: number): boolean {
  return status >= 300 && status <= 399 && status !== 304;
}

function urlForMessage(url: URL | string): string {
  return escapeControls(urlWithoutSecrets(String(url)));
}

/** The parsed URL, if it is one that documents may come from. */
function requireAllowedUrl(
  text: string,
  { what, allowPlainHttp }: DownloadOptions,
  exit: "usage" | "unreachable",
): URL {
  const url = parseHttpUrl(text);
  if (url === undefined) {
    throw new Problem(`Cannot fetch ${what}: "${urlForMessage(text)}" is not an http or https URL`, {
      code: "bad-address",
      exit,
      hint: "use a complete URL, such as https://example.com/key.asc",
    });
  }
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname) && allowPlainHttp !== true) {
    throw new Problem(
      `Cannot fetch ${what}: ${urlForMessage(url)} is plain http, so anyone on the network could replace it`,
      {
        code: "plain-http",
        exit: "usage",
        hint: "use https, or add the key's fingerprint with --pgp-fingerprint",
      },
    );
  }
  return url;
}

async function requireDownloadAnswer(
  http: SendHttp,
  url: URL,
  { what, maxBytes }: DownloadOptions,
  limits: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<HttpAnswer> {
  try {
    return await http({ method: "GET", url: url.href, maxBytes, headers: { accept: "*/*" }, ...limits });
  } catch (error) {
    if (!(error instanceof NetworkFailure)) throw error;
    const hint =
      error.kind === "certificate"
        ? "trust its CA with SSL_CERT_FILE=FILE: --ca-file is not used to fetch keys"
        : "check the URL and the network, then run the command again";
    throw unreachableProblem(`Cannot fetch ${what} from ${urlForMessage(url)}`, url.href, error, hint);
  }
}

/** The target of a redirect. */
function requireRedirectUrl(url: URL, location: string, redirects: number, options: DownloadOptions): URL {
  const problem = (reason: string, code: ProblemCode, hint: string): Problem =>
    new Problem(`Cannot fetch ${options.what}: ${reason}`, { code, exit: "unreachable", hint });
  if (redirects === MAX_REDIRECTS || !URL.canParse(location, url.href)) {
    const reason =
      redirects === MAX_REDIRECTS ? `more than ${MAX_REDIRECTS} redirects` : "a redirect without a valid URL";
    throw problem(reason, "redirects", "use the URL that the redirects end at");
  }
  const next = new URL(location, url);
  if (url.protocol === "https:" && next.protocol !== "https:") {
    const reason = `${urlForMessage(url)} redirects from https to ${escapeControls(next.protocol.slice(0, -1))}`;
    throw problem(reason, "redirect-downgrade", "use a URL that stays on https");
  }
  return requireAllowedUrl(next.href, options, "unreachable");
}

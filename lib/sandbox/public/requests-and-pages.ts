import { createHash } from "node:crypto";
import type { SandboxRequest } from "../admin-api.ts";
import { splitAtFirstCharacter } from "../go-url.ts";
import type { Answer } from "../response.ts";

/** A request with what the public side reads of its headers. */
export interface RequestWithHeaders extends SandboxRequest {
  readonly authorization: string;
  readonly cookie: string;
  readonly contentType: string;
}

/** The path of a request target, and its query. */
export function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const [path, query] = splitAtFirstCharacter(target, "?");
  return { path, query: new URLSearchParams(query) };
}

/** The fields of a form body; a body of another type has none. */
export function parseFormBody({ contentType, body }: RequestWithHeaders): URLSearchParams {
  return new URLSearchParams(/^application\/x-www-form-urlencoded\b/i.test(contentType) ? body : "");
}

/** The value of a cookie of a request, or undefined. */
export function findCookie({ cookie }: RequestWithHeaders, name: string): string | undefined {
  const found = cookie
    .split(";")
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

/** Text for a place in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Sends a browser to another page. */
export function redirectAnswer(location: string, cookie?: string): Answer {
  const body = `<a href="${escapeHtml(location)}">Found</a>.\n\n`;
  const headers = { location, "content-type": "text/html; charset=utf-8" };
  return { status: 302, headers: cookie === undefined ? headers : { ...headers, "set-cookie": cookie }, body };
}

const SUBMIT = "document.forms[0].submit()";

const SUBMIT_HASH = createHash("sha256").update(SUBMIT).digest("base64");

/** A page that posts parameters to a client (OAuth 2.0 Form Post Response Mode). It runs that one script and no other. */
export function formPostAnswer(action: string, params: URLSearchParams): Answer {
  const inputs = [...params].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}"/>`,
  );
  return {
    status: 200,
    headers: {
      "content-type": "text/html;charset=UTF-8",
      "cache-control": "no-store",
      pragma: "no-cache",
      "referrer-policy": "no-referrer",
      "content-security-policy": `default-src 'none'; script-src 'sha256-${SUBMIT_HASH}'; frame-ancestors 'none'; base-uri 'none'`,
    },
    body: `<html>\n<head><title>Submit This Form</title></head>\n<body><form method="post" action="${escapeHtml(action)}">${inputs.join("")}<noscript><button>Continue</button></noscript></form><script>${SUBMIT}</script></body>\n</html>`,
  };
}

/** A web page that loads nothing, and that nothing may show in a frame. */
export function pageAnswer(status: number, title: string, content: string, refresh?: string): Answer {
  const head = refresh === undefined ? "" : `<meta http-equiv="refresh" content="2;url=${escapeHtml(refresh)}">`;
  const style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em}.banner{background:#b45309;color:#fff;padding:1em;font-weight:bold}";
  const banner = `<p class="banner">Test server: this is hydra sandbox. It accepts every login without a password. Never use it for real users.</p>`;
  return {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    },
    body: `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">${head}<title>${escapeHtml(title)}</title><style>${style}</style></head><body>${banner}<h1>${escapeHtml(title)}</h1>${content}</body></html>\n`,
  };
}

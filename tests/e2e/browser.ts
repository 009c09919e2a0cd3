/** A browser that follows redirects and links that a page opens by itself, with cookies and without scripts. */

import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, request } from "node:http";

/** A page that was visited. */
export interface Visited {
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** More hops than any login has. */
const MOST_HOPS = 20;

/** One request on a connection of its own. */
export function visit(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  } = {},
): Promise<Visited> {
  const { method = "GET", headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ url, status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function unescapedHtml(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}

/** What a browser submits of a page with a form. */
export function submittedForm(page: string): { readonly action: string; readonly body: URLSearchParams } {
  const [, action = assert.fail(`no form: ${page}`)] = /<form method="post" action="([^"]*)">/.exec(page) ?? [];
  const inputs = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"\/>/g)];
  const fields = inputs.map(([, name = "", value = ""]): [string, string] => [
    unescapedHtml(name),
    unescapedHtml(value),
  ]);
  return { action: unescapedHtml(action), body: new URLSearchParams(fields) };
}

/** Where a page sends the browser. */
function nextOf({ url, status, headers, text }: Visited): string | undefined {
  if (status >= 300 && status < 400) return new URL(headers.location ?? "", url).href;
  const refresh = /<meta http-equiv="refresh" content="\d+;url=([^"]+)">/.exec(text)?.[1];
  return refresh === undefined ? undefined : unescapedHtml(refresh);
}

/**
 * Goes where a URL leads.
 *
 * @param isEnd whether a URL is not visited any more.
 * @returns the pages, and the URL at which the browser stopped, if it wasn't visited.
 */
export async function browse(
  start: string,
  isEnd: (url: URL) => boolean = () => false,
): Promise<{ readonly pages: readonly Visited[]; readonly end: string }> {
  const cookies = new Map<string, string>();
  const pages: Visited[] = [];
  let url: string | undefined = start;
  let end = start;
  while (url !== undefined && !isEnd(new URL(url))) {
    assert.ok(pages.length < MOST_HOPS, `the pages lead in circles: ${url}`);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const page = await visit(url, { headers: cookie === "" ? {} : { cookie } });
    pages.push(page);
    for (const line of page.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    url = nextOf(page);
    end = url ?? end;
  }
  return { pages, end };
}

/** A port that nothing listens on. The system gives the next free ports from all over its range, so hardly the same one. */
export async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}

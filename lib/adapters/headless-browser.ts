import { type HttpAnswer, NetworkFailure, type SendHttp } from "../core/network.ts";
import { Problem } from "../core/problem.ts";
import { redactUrl } from "../core/redact.ts";
import { quote } from "../core/text.ts";

/** A browser without a window, for one server: it keeps cookies and follows no redirect by itself. */
export interface Browser {
  /** Opens a URL of the server; returns where it redirects to. */
  open(url: string): Promise<URL>;
}

/** Creates a browser for the public side of a server. */
export function createBrowser(http: SendHttp, publicUrl: string, timeLeft: () => number): Browser {
  const cookies = new Map<string, string>();
  const { origin } = new URL(publicUrl);

  function keepCookies({ headers }: HttpAnswer): void {
    for (const cookie of headers.getSetCookie()) {
      const [pair = ""] = cookie.split(";");
      const equals = pair.indexOf("=");
      if (equals > 0) cookies.set(pair.slice(0, equals).trim(), pair.slice(equals + 1));
    }
  }

  async function get(url: string): Promise<HttpAnswer> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    try {
      return await http({
        method: "GET",
        url,
        headers: cookie === "" ? {} : { cookie },
        timeout: timeLeft(),
        once: true,
      });
    } catch (error) {
      if (!(error instanceof NetworkFailure)) throw error;
      throw new Problem(`Login failed: no answer from ${redactUrl(url)}: ${error.message}`, {
        code: error.kind === "timeout" ? "timeout" : "unreachable",
        exit: "unreachable",
        hint: "check the public URL",
        cause: error,
      });
    }
  }

  return {
    async open(url) {
      // Cookies go to the server only, wherever its answers lead.
      if (!URL.canParse(url) || new URL(url).origin !== origin)
        throw new Problem(`Login failed: the server continues at another origin, ${quote(redactUrl(url))}`, {
          code: "foreign-endpoint",
          exit: "failed",
          hint: "give the URL that the server has as its issuer as the public URL",
        });
      const answer = await get(url);
      keepCookies(answer);
      const location = answer.headers.get("location") ?? "";
      if (answer.status >= 300 && answer.status < 400 && URL.canParse(location, url)) return new URL(location, url);
      throw new Problem(`Login failed: the server answered ${answer.status} instead of a redirect`, {
        code: "unreadable-redirect",
        exit: "failed",
        status: answer.status,
        hint: "check the server's log",
      });
    },
  };
}

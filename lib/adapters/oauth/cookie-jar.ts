import { isLoopbackHost } from "../../core/url-checks.ts";

/** The longest cookie, name and value together, that browsers keep (RFC 6265bis, 5.6). */
const MAX_COOKIE_CHARACTERS = 4_096;

/** The most that all cookies together may take: common servers accept no larger headers. */
const MAX_JAR_CHARACTERS = 16_384;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly isSecure: boolean;
  readonly isExpired: boolean;
}

function attributesOf(parts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    parts.map((part) => {
      const at = part.indexOf("=");
      const [name, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
      return [name.trim().toLowerCase(), value.trim()] as const;
    }),
  );
}

/** The path of a cookie without one: the folder of the URL that set it (RFC 6265, 5.1.4). */
function defaultPath({ pathname }: URL): string {
  const end = pathname.lastIndexOf("/");
  return end <= 0 ? "/" : pathname.slice(0, end);
}

function isExpired(attributes: ReadonlyMap<string, string>, now: number): boolean {
  const maxAge = attributes.get("max-age");
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Number(maxAge) <= 0;
  const expires = Date.parse(attributes.get("expires") ?? "");
  return !Number.isNaN(expires) && expires <= now;
}

function parseCookie(line: string, url: URL, now: number): Cookie | undefined {
  const [pair = "", ...rest] = line.split(";");
  const at = pair.indexOf("=");
  const name = pair.slice(0, Math.max(0, at)).trim();
  const value = pair.slice(at + 1).trim();
  if (name === "" || name.length + value.length > MAX_COOKIE_CHARACTERS) return undefined;
  const attributes = attributesOf(rest);
  const path = attributes.get("path") ?? "";
  return {
    name,
    value,
    path: path.startsWith("/") ? path : defaultPath(url),
    isSecure: attributes.has("secure"),
    isExpired: isExpired(attributes, now),
  };
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/**
 * The cookies that one server has set (RFC 6265). Cookies marked Secure are also sent in plain text to this machine, where
 * nobody is in between; to other machines only with https, as browsers do.
 */
export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Keeps the cookies of an answer. */
  keep(url: URL, headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const cookie = parseCookie(line, url, this.#now());
      if (cookie === undefined) continue;
      const key = `${cookie.name};${cookie.path}`;
      this.#cookies.delete(key);
      if (!cookie.isExpired && this.#size() + sizeOf(cookie) <= MAX_JAR_CHARACTERS) this.#cookies.set(key, cookie);
    }
  }

  #size(): number {
    return [...this.#cookies.values()].reduce((sum, cookie) => sum + sizeOf(cookie), 0);
  }

  /** The header with the cookies for a URL of the server; without any, none. */
  headersFor(url: URL): Readonly<Record<string, string>> {
    const sent = [...this.#cookies.values()].filter(
      (cookie) => isBelow(url.pathname, cookie.path) && (!cookie.isSecure || maySendSecure(url)),
    );
    return sent.length === 0 ? {} : { cookie: sent.map(({ name, value }) => `${name}=${value}`).join("; ") };
  }

  /** Whether a cookie isn't sent to a URL because it is marked Secure. */
  withholds(url: URL): boolean {
    return !maySendSecure(url) && [...this.#cookies.values()].some(({ isSecure }) => isSecure);
  }
}

function sizeOf({ name, value }: Cookie): number {
  return name.length + value.length;
}

function maySendSecure({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || isLoopbackHost(hostname);
}

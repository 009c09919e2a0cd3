/** An address as Go's parser cuts it. */
export interface Address {
  readonly scheme: string;
  readonly user: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

const CONTROL = /[\u0000-\u001f\u007f]/;

const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s;

const STRAY_PERCENT = /%(?![0-9a-fA-F]{2})/;

const AUTHORITY = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/;

const HOST = /^(?:\[[0-9a-fA-F:.%]+\]|[^\s<>"\\^`{|}[\]]*)$/;

/**
 * Cuts an address as Go's `url.Parse` does, or undefined where that fails.
 *
 * @param request as `url.ParseRequestURI`: an absolute address or path, and no fragment of its own.
 */
export function parseAddress(text: string, request = false): Address | undefined {
  if (CONTROL.test(text)) return undefined;
  if (request && text === "") return undefined;
  const hash = request ? -1 : text.indexOf("#");
  const fragment = hash === -1 ? "" : text.slice(hash + 1);
  const whole = hash === -1 ? text : text.slice(0, hash);
  if (whole.startsWith(":")) return undefined;
  const [, scheme = "", afterScheme = whole] = SCHEME.exec(whole) ?? [];
  const mark = afterScheme.indexOf("?");
  const query = mark === -1 ? "" : afterScheme.slice(mark + 1);
  const rest = mark === -1 ? afterScheme : afterScheme.slice(0, mark);
  const parts = { scheme: scheme.toLowerCase(), user: "", hostname: "", port: "", path: rest, query, fragment };
  if (!rest.startsWith("/")) {
    if (scheme !== "") return { ...parts, path: "" };
    if (request) return undefined;
    return rest.split("/")[0]?.includes(":") === true || STRAY_PERCENT.test(rest) ? undefined : parts;
  }
  if (!rest.startsWith("//") || (scheme === "" && request)) return STRAY_PERCENT.test(rest) ? undefined : parts;
  const slash = rest.indexOf("/", 2);
  const authority = slash === -1 ? rest.slice(2) : rest.slice(2, slash);
  const path = slash === -1 ? "" : rest.slice(slash);
  const at = authority.lastIndexOf("@");
  const user = authority.slice(0, Math.max(0, at));
  const [matched, hostname = "", port = ""] = AUTHORITY.exec(authority.slice(at + 1)) ?? [];
  if (matched === undefined || !HOST.test(hostname) || STRAY_PERCENT.test(path)) return undefined;
  return { ...parts, user, hostname: hostname.replace(/^\[|\]$/g, ""), port, path };
}

/** Writes an address back without its path, its scheme in small letters. */
export function originOf(text: string, { scheme, path }: Address): string {
  return scheme + text.slice(scheme.length, path === "" ? undefined : -path.length);
}

/** A segment of a path as Go's `url.PathEscape` writes it. */
export function escapedSegment(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%(?:24|26|2B|3A|3D|40)/g, decodeURIComponent);
}

/** An escaped segment that was put into an address which escapes it again. */
export function escapedTwice(text: string): string {
  return escapedSegment(text).replaceAll("%", "%25");
}

/** Whether every percent sign of a path begins an escape (RFC 3986 section 2.1); Go refuses a request where one does not. */
export function isEscaped(path: string): boolean {
  return !STRAY_PERCENT.test(path);
}

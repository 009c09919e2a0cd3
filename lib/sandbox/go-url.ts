/** A URL split like Go's parser does. */
interface GoUrl {
  readonly scheme: string;
  readonly user: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

const CONTROL_CHARACTER_PATTERN = /[\u0000-\u001f\u007f]/;

const SCHEME_PATTERN = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s;

const STRAY_PERCENT_PATTERN = /%(?![0-9a-fA-F]{2})/;

const AUTHORITY_PATTERN = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/;

const HOST_PATTERN = /^(?:\[[0-9a-fA-F:.%]+\]|[^\s<>"\\^`{|}[\]]*)$/;

/** A text before and after the first occurrence of a separator. */
export function splitAtFirstCharacter(text: string, separator: string): readonly [before: string, after: string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Parses a URL like Go's `url.Parse`; undefined if that fails.
 *
 * @param request parse like `url.ParseRequestURI`: an absolute URL or path, and a `#` is part of it.
 */
export function parseGoUrl(text: string, request = false): GoUrl | undefined {
  if (CONTROL_CHARACTER_PATTERN.test(text) || (request && text === "")) return undefined;
  const [whole, fragment] = request ? [text, ""] : splitAtFirstCharacter(text, "#");
  if (whole.startsWith(":")) return undefined;
  const [, scheme = "", afterScheme = whole] = SCHEME_PATTERN.exec(whole) ?? [];
  const [path, query] = splitAtFirstCharacter(afterScheme, "?");
  const url: GoUrl = { scheme: scheme.toLowerCase(), user: "", hostname: "", port: "", path, query, fragment };
  if (!path.startsWith("/")) return opaqueOrRelativeUrl(url, request);
  if (path.startsWith("//") && (scheme !== "" || !request)) return splitAuthority(url);
  return STRAY_PERCENT_PATTERN.test(path) ? undefined : url;
}

/** An opaque URL such as `urn:x`, or a relative reference; undefined if Go's parser fails. */
function opaqueOrRelativeUrl(url: GoUrl, request: boolean): GoUrl | undefined {
  if (url.scheme !== "") return { ...url, path: "" };
  if (request || splitAtFirstCharacter(url.path, "/")[0].includes(":") || STRAY_PERCENT_PATTERN.test(url.path))
    return undefined;
  return url;
}

/** Splits `//user@host:port/path`; undefined if Go's parser fails. */
function splitAuthority(url: GoUrl): GoUrl | undefined {
  const slash = url.path.indexOf("/", 2);
  const authority = slash === -1 ? url.path.slice(2) : url.path.slice(2, slash);
  const path = slash === -1 ? "" : url.path.slice(slash);
  const at = authority.lastIndexOf("@");
  const user = authority.slice(0, Math.max(0, at));
  const [matched, hostname = "", port = ""] = AUTHORITY_PATTERN.exec(authority.slice(at + 1)) ?? [];
  if (matched === undefined || !HOST_PATTERN.test(hostname) || STRAY_PERCENT_PATTERN.test(path)) return undefined;
  return { ...url, user, hostname: hostname.replace(/^\[|\]$/g, ""), port, path };
}

/** A URL without its path, its scheme in lower case. */
export function urlWithoutPath(text: string, { scheme, path }: GoUrl): string {
  return scheme + text.slice(scheme.length, path === "" ? undefined : -path.length);
}

/** A path segment escaped like Go's `url.PathEscape`. */
export function escapePathSegment(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%(?:24|26|2B|3A|3D|40)/g, decodeURIComponent);
}

/** A path segment that a server escapes, and escapes again as a part of a URL. */
export function escapePathSegmentTwice(text: string): string {
  return escapePathSegment(text).replaceAll("%", "%25");
}

/** Whether every percent sign of a path begins an escape (RFC 3986 section 2.1); Go rejects other requests. */
export function hasValidEscapes(path: string): boolean {
  return !STRAY_PERCENT_PATTERN.test(path);
}

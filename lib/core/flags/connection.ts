import { capitalize, Problem, usageError } from "../problem.ts";
import { urlWithoutSecrets } from "../redact.ts";
import { escapeControls, quote, trimCharactersAtEnd } from "../text.ts";
import { parseHttpUrl } from "../url-checks.ts";
import {
  ACCESS_TOKEN,
  API,
  type ApiVersion,
  CA_FILE,
  ENDPOINT,
  FAIL_AFTER,
  FAKE_TLS_TERMINATION,
  HEADER,
  PUBLIC_URL,
  SKIP_TLS_VERIFY,
} from "./connection-flags.ts";
import type { FlagValues, ValueOrigin } from "./parsed-flag-values.ts";

/** How the admin API is reached, as the flags, the environment and the config file say together. */
export interface Connection {
  /** Where requests go, without a trailing slash. */
  readonly base: string;
  /** The path of the unix socket, for `unix:///path`. */
  readonly socket: string | undefined;
  readonly secure: boolean;
  /** What messages call it: the URL without credentials. */
  readonly shown: string;
  /** Where the endpoint came from. */
  readonly endpointOrigin: string;
  /** The credential that is sent and where it came from, for messages; undefined if none is. */
  readonly credential: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly failAfter: number;
  readonly api: "auto" | ApiVersion;
  readonly skipVerify: boolean;
  readonly caFile: string | undefined;
}

/** A connection, or what is wrong with its settings. */
export interface ConnectionReading {
  readonly connection: Connection | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

interface ParsedEndpoint extends Pick<Connection, "base" | "socket" | "secure" | "shown"> {
  /** The Authorization header of a user and a password in the URL. */
  readonly authorization: string | undefined;
  readonly cutAdmin: boolean;
}

/** Parses an endpoint, without the spaces that copying leaves around it; a problem names where it came from. */
function parseEndpointOrProblem(endpoint: string, origin: string): ParsedEndpoint | Problem {
  const text = endpoint.trim();
  if (text.startsWith("unix:")) return parseSocketEndpointOrProblem(text, origin);
  const url = parseHttpUrl(text);
  if (url === undefined) {
    const bare = /^(?:[\w.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)(?:\/[^?#@]*)?$/i.test(text);
    return usageError(
      `${capitalize(origin)} ${quote(urlWithoutSecrets(text))} is not a valid URL`,
      bare
        ? `put http:// or https:// in front: http://${escapeControls(text)}`
        : "write http://host:4445, https://host or unix:///path",
      "bad-endpoint",
    );
  }
  if (url.search !== "" || url.hash !== "") {
    return usageError(
      `${capitalize(origin)} ${quote(urlWithoutSecrets(`${url.origin}${url.pathname}`))} has a query or a fragment`,
      "leave out the ? or # and what follows; a credential goes into a header",
      "bad-endpoint",
    );
  }
  const path = trimCharactersAtEnd(url.pathname, "/");
  const kept = path.replace(/\/admin$/, "");
  const base = `${url.origin}${kept}`;
  return {
    base,
    socket: undefined,
    secure: url.protocol === "https:",
    shown: escapeControls(base),
    authorization: basicHeaderFromUserinfo(url),
    cutAdmin: kept !== path,
  };
}

function parseSocketEndpointOrProblem(text: string, origin: string): ParsedEndpoint | Problem {
  const path = text.replace(/^unix:(\/\/)?/, "");
  if (!path.startsWith("/") || path.includes("\0")) {
    return usageError(
      `${capitalize(origin)} ${quote(urlWithoutSecrets(text))} is not the path of a socket`,
      "write the whole path after unix://, such as unix:///var/run/hydra.sock",
      "bad-endpoint",
    );
  }
  return {
    base: "http://localhost",
    socket: path,
    secure: false,
    shown: `unix://${escapeControls(path)}`,
    authorization: undefined,
    cutAdmin: false,
  };
}

/** The Authorization header with the Basic credentials (RFC 7617) of a URL's userinfo. */
function basicHeaderFromUserinfo({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  return `Basic ${btoa(`${percentDecodeToBinaryString(username)}:${percentDecodeToBinaryString(password)}`)}`;
}

/** Percent-decodes a text to one character per UTF-8 byte, as `btoa` needs it; undecodable text stays as it is. */
function percentDecodeToBinaryString(text: string): string {
  try {
    return Array.from(new TextEncoder().encode(decodeURIComponent(text)), (byte) => String.fromCharCode(byte)).join("");
  } catch {
    return text;
  }
}

/** Headers that the program sets itself, or that would break the framing of a request. */
const OWN_HEADERS = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "content-type",
  "accept",
  "te",
  "upgrade",
  "expect",
  "trailer",
]);

function readHeaderFlags(values: FlagValues, problems: Problem[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of values.list(HEADER)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).trim();
    const value = line.slice(colon + 1).trim();
    const problem = findHeaderProblem(name, value, capitalize(values.origin(HEADER).name));
    if (problem !== undefined) {
      problems.push(problem);
      continue;
    }
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}${key === "cookie" ? ";" : ","} ${value}`);
  }
  return headers;
}

function findHeaderProblem(name: string, value: string, origin: string): Problem | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    return usageError(`${origin} has no header name before a colon`, "write it as 'Name: value'", "bad-header");
  if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value))
    return usageError(
      `${origin} ${quote(name)} has a character that is not allowed in a header`,
      "the value of a header is one line of Latin-1 text",
      "bad-header",
    );
  if (OWN_HEADERS.has(name.toLowerCase()))
    return usageError(`${origin} ${quote(name)} is set by this program`, "leave this header out", "bad-header");
  return undefined;
}

/** A bearer token read from a file. */
interface TokenFile {
  readonly text: string;
  /** What messages call the file. */
  readonly name: string;
}

interface BearerToken {
  /** Empty if no token is given. */
  readonly text: string;
  readonly origin: ValueOrigin;
}

function readBearerToken(values: FlagValues, file: TokenFile | undefined, problems: Problem[]): BearerToken {
  const text = (file?.text ?? values.text(ACCESS_TOKEN))?.trim() ?? "";
  const origin: ValueOrigin = file === undefined ? values.origin(ACCESS_TOKEN) : { from: "flag", name: file.name };
  if (file !== undefined && text === "") {
    problems.push(usageError(`There is no token in ${file.name}`, "write the token into it first", "no-token"));
  }
  if (file !== undefined && values.origin(ACCESS_TOKEN).from === "flag") {
    problems.push(
      usageError("--access-token and --access-token-file cannot be used together", "give one of the two", "two-tokens"),
    );
  }
  if (!/^[\u0021-\u007e]*$/.test(text)) {
    problems.push(
      usageError(
        `${capitalize(origin.name)} has a character that is not allowed in a bearer token`,
        "give only the token, on one line, without Bearer before it",
        "bad-token",
      ),
    );
  }
  return { text, origin };
}

/** A value for the Authorization header. */
interface AuthorizationValue {
  readonly value: string;
  readonly origin: ValueOrigin;
  readonly kind: "header" | "token" | "userinfo";
}

/** The values for the Authorization header, the one to send first: flag before environment before config file. */
function rankAuthorizationValues(
  values: FlagValues,
  header: string | undefined,
  token: BearerToken,
  userinfo: string | undefined,
): readonly AuthorizationValue[] {
  // The userinfo comes last, so that among values from one place an explicit credential wins.
  const all: readonly AuthorizationValue[] = [
    ...(header === undefined ? [] : [{ kind: "header" as const, origin: values.origin(HEADER), value: header }]),
    ...(token.text === "" ? [] : [{ kind: "token" as const, origin: token.origin, value: `Bearer ${token.text}` }]),
    ...(userinfo === undefined
      ? []
      : [{ kind: "userinfo" as const, origin: values.origin(ENDPOINT), value: userinfo }]),
  ];
  return all.toSorted((a, b) => RANK[a.origin.from] - RANK[b.origin.from]);
}

const RANK = { flag: 0, environment: 1, file: 2, default: 3 } as const;

/** Credentials in the config file are for the endpoint in the same file; sending them elsewhere would leak them. */
function findForeignCredentialsProblem(
  values: FlagValues,
  sent: readonly ValueOrigin[],
  endpoint: ParsedEndpoint,
  fileEndpoint: string | undefined,
): Problem | undefined {
  const filed = sent.find(({ from }) => from === "file");
  if (filed === undefined || values.origin(ENDPOINT).from === "file") return undefined;
  const read = fileEndpoint === undefined ? undefined : parseEndpointOrProblem(fileEndpoint, "");
  const own = read instanceof Problem ? undefined : read;
  if (own !== undefined && socketOrUrlOrigin(own) === socketOrUrlOrigin(endpoint)) return undefined;
  return usageError(
    `Credentials for another server: ${filed.name} belongs to ${own?.shown ?? "a file without an endpoint"}, and ${values.origin(ENDPOINT).name} is ${endpoint.shown}`,
    "put the endpoint into the same file, or give --access-token or --header for this server",
    "foreign-credentials",
  );
}

function socketOrUrlOrigin(endpoint: ParsedEndpoint): string {
  return endpoint.socket ?? new URL(endpoint.base).origin;
}

function endpointWarnings(
  values: FlagValues,
  { cutAdmin, secure }: ParsedEndpoint,
  side: ServerSide,
): readonly string[] {
  return [
    ...(cutAdmin ? [ignoredAdminPathText(values.origin(ENDPOINT).name, side)] : []),
    ...(secure && values.bool(SKIP_TLS_VERIFY)
      ? [
          `the server's certificate is not verified (${values.origin(SKIP_TLS_VERIFY).name}): anyone in between can read and change what is sent`,
        ]
      : []),
  ];
}

function ignoredAdminPathText(origin: string, side: ServerSide): string {
  const why = side === "admin" ? "the program adds it where the server needs it" : "it is not part of a public URL";
  return `/admin at the end of ${origin} is ignored: ${why}`;
}

/** The public URL of a command for the admin API, without a path that only that API has; undefined if none is set. */
export function readPublicUrlWithoutAdminPath(values: FlagValues, warn: (text: string) => void): string | undefined {
  const url = values.text(PUBLIC_URL);
  const path = /\/admin\/*$/;
  if (url === undefined || !path.test(url)) return url;
  warn(ignoredAdminPathText(values.origin(PUBLIC_URL).name, "public"));
  return url.replace(path, "");
}

/** Which side of a server a command calls. */
export type ServerSide = "admin" | "public";

function readEndpointFlagOrProblem(values: FlagValues, side: ServerSide): ParsedEndpoint | Problem {
  const text = (values.text(ENDPOINT) ?? "").trim();
  if (text !== "") return parseEndpointOrProblem(text, values.origin(ENDPOINT).name);
  if (side === "public")
    return usageError(
      "No endpoint: the public URL of the server is not known",
      "add --public-url http://127.0.0.1:4444 or set HYDRA_PUBLIC_URL; hydra sandbox starts a server for testing",
      "no-endpoint",
    );
  return usageError(
    "No endpoint: the URL of the admin API is not known",
    "add --endpoint http://127.0.0.1:4445 or set HYDRA_ADMIN_URL; hydra sandbox starts a server for testing",
    "no-endpoint",
  );
}

/**
 * Reads the connection from the settings. Credentials in the config file go only to the endpoint in that file (same
 * origin): with another endpoint they are a usage error that names both sources.
 */
export function readConnection(
  values: FlagValues,
  fileEndpoint: string | undefined,
  tokenFile?: TokenFile,
  side: ServerSide = "admin",
): ConnectionReading {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const read = readEndpointFlagOrProblem(values, side);
  const endpoint = read instanceof Problem ? undefined : read;
  if (read instanceof Problem) problems.push(read);
  const headers = readHeaderFlags(values, problems);
  const token = readBearerToken(values, tokenFile, problems);
  const headerOrigin = values.origin(HEADER);
  if (headers.has("authorization") && token.text !== "" && headerOrigin.from === token.origin.from) {
    problems.push(
      usageError(
        `${capitalize(token.origin.name)} and ${headerOrigin.name} both set Authorization`,
        "give one of the two",
        "two-authorizations",
      ),
    );
  }
  const [chosen, ...others] = rankAuthorizationValues(
    values,
    headers.get("authorization"),
    token,
    endpoint?.authorization,
  );
  if (chosen !== undefined) headers.set("authorization", chosen.value);
  if (others.some(({ kind, origin }) => kind === "userinfo" && origin.from === chosen?.origin.from)) {
    warnings.push(
      `the user and password in ${values.origin(ENDPOINT).name} are not sent, because ${chosen?.origin.name} sets Authorization`,
    );
  }
  if (values.bool(FAKE_TLS_TERMINATION)) headers.set("x-forwarded-proto", "https");
  if (endpoint === undefined) return { connection: undefined, problems, warnings };
  const sent = [...(chosen === undefined ? [] : [chosen.origin]), headerOrigin];
  const foreign = findForeignCredentialsProblem(values, sent, endpoint, fileEndpoint);
  if (foreign !== undefined) problems.push(foreign);
  warnings.push(...endpointWarnings(values, endpoint, side));
  if (problems.length > 0) return { connection: undefined, problems, warnings };
  return {
    connection: buildConnection(endpoint, headers, values, sentCredentialText(values, chosen)),
    problems,
    warnings,
  };
}

/** The credential that a server may reject, as messages call it. */
function sentCredentialText(values: FlagValues, chosen: AuthorizationValue | undefined): string | undefined {
  if (chosen === undefined) return values.isSet(HEADER) ? `the header of ${values.origin(HEADER).name}` : undefined;
  const what = { header: "the Authorization header", token: "the token", userinfo: "the user and password" };
  return `${what[chosen.kind]} of ${chosen.origin.name}`;
}

function buildConnection(
  endpoint: ParsedEndpoint,
  headers: ReadonlyMap<string, string>,
  values: FlagValues,
  credential: string | undefined,
): Connection {
  const { authorization: _, cutAdmin: __, ...reached } = endpoint;
  return {
    ...reached,
    endpointOrigin: values.origin(ENDPOINT).name,
    credential,
    headers: Object.fromEntries(headers),
    failAfter: values.number(FAIL_AFTER),
    api: values.text(API),
    skipVerify: values.bool(SKIP_TLS_VERIFY),
    // Also for http: the public side of the same server may be https.
    caFile: values.text(CA_FILE),
  };
}

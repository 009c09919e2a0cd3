import { capitalize, type Problem, usageError } from "../problem.ts";
import { redactUrl } from "../redact.ts";
import { escapeControls, quote, trimmedEnd } from "../text.ts";
import {
  ACCESS_TOKEN,
  API,
  type ApiName,
  CA_FILE,
  ENDPOINT,
  FAIL_AFTER,
  FAKE_TLS,
  HEADER,
  SKIP_TLS,
} from "./flag-table.ts";
import type { FlagValues, Origin } from "./parse.ts";

/** How the admin API is reached, as the flags, the environment and the config file say together. */
export interface Connection {
  /** Where requests go, without a trailing slash. */
  readonly base: string;
  /** The path of the unix socket, for `unix:///path`. */
  readonly socket: string | undefined;
  readonly secure: boolean;
  /** How messages call it: the address without credentials. */
  readonly shown: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly failAfter: number;
  readonly api: "auto" | ApiName;
  readonly skipVerify: boolean;
  readonly caFile: string | undefined;
}

/** A connection, or what is wrong with the settings for one. */
export interface ConnectionReading {
  readonly connection: Connection | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

interface Address {
  readonly base: string;
  readonly socket: string | undefined;
  readonly secure: boolean;
  readonly shown: string;
  readonly authorization: string | undefined;
  readonly cutAdmin: boolean;
}

/** Reads an endpoint, without the blanks that copying leaves around it; the problem names where it came from. */
function readAddress(endpoint: string, name: string): Address | Problem {
  const text = endpoint.trim();
  if (text.startsWith("unix:")) {
    const path = text.replace(/^unix:(\/\/)?/, "");
    if (!path.startsWith("/") || path.includes("\0")) {
      return usageError(
        `${capitalize(name)} ${quote(redactUrl(text))} names no socket`,
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
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) {
    const bare = /^(?:[\w.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)(?:\/[^?#@]*)?$/i.test(text);
    return usageError(
      `${capitalize(name)} ${quote(redactUrl(text))} is not an address`,
      bare
        ? `put http:// or https:// before it: http://${escapeControls(text)}`
        : "write http://host:4445, https://host or unix:///path",
      "bad-endpoint",
    );
  }
  if (url.search !== "" || url.hash !== "") {
    return usageError(
      `${capitalize(name)} ${quote(redactUrl(`${url.origin}${url.pathname}`))} has a query or a fragment behind it`,
      "leave out the ? or # and what follows; a credential goes into a header",
      "bad-endpoint",
    );
  }
  const { username, password } = url;
  const authorization =
    username === "" && password === "" ? undefined : `Basic ${btoa(`${decoded(username)}:${decoded(password)}`)}`;
  url.username = "";
  url.password = "";
  const path = trimmedEnd(url.pathname, "/");
  const kept = path.replace(/\/admin$/, "");
  const base = `${url.origin}${kept}`;
  return {
    base,
    socket: undefined,
    secure: url.protocol === "https:",
    shown: escapeControls(base),
    authorization,
    cutAdmin: kept !== path,
  };
}

/** Percent-decoded as Latin-1 safe bytes for Basic credentials (RFC 7617); undecodable text stays as it is. */
function decoded(text: string): string {
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

function readHeaders(values: FlagValues, problems: Problem[]): Map<string, string> {
  const headers = new Map<string, string>();
  const name = values.origin(HEADER).name;
  for (const line of values.list(HEADER)) {
    const colon = line.indexOf(":");
    const key = line.slice(0, Math.max(0, colon)).trim();
    const value = line.slice(colon + 1).trim();
    if (colon < 0 || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key)) {
      problems.push(
        usageError(`${capitalize(name)} has no header name before a colon`, "write it as 'Name: value'", "bad-header"),
      );
    } else if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)) {
      problems.push(
        usageError(
          `${capitalize(name)} ${quote(key)} has a value that no header may have`,
          "a header's value is one line of Latin-1 text",
          "bad-header",
        ),
      );
    } else if (OWN_HEADERS.has(key.toLowerCase())) {
      problems.push(
        usageError(`${capitalize(name)} ${quote(key)} is set by this program`, "leave this header out", "bad-header"),
      );
    } else {
      const lower = key.toLowerCase();
      const before = headers.get(lower);
      headers.set(lower, before === undefined ? value : `${before}, ${value}`);
    }
  }
  return headers;
}

/**
 * Makes the connection from the settings. Credentials that stand in the config file go only to the endpoint that stands
 * there too (same origin): with another endpoint they are a usage error that names both sources.
 */
export function readConnection(
  values: FlagValues,
  fileEndpoint: string | undefined,
  tokenFile?: { readonly text: string; readonly name: string },
): ConnectionReading {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const endpoint = (values.text(ENDPOINT) ?? "").trim();
  const from = values.origin(ENDPOINT).name;
  const read = endpoint === "" ? undefined : readAddress(endpoint, from);
  if (read === undefined) {
    problems.push(
      usageError(
        "No endpoint: the address of the admin API is not known",
        "add --endpoint http://127.0.0.1:4445 or set HYDRA_ADMIN_URL; hydra sandbox starts a server to try things on",
        "no-endpoint",
      ),
    );
  } else if (read instanceof Error) {
    problems.push(read);
  }
  const headers = readHeaders(values, problems);
  const address = read instanceof Error ? undefined : read;
  const token = (tokenFile?.text ?? values.text(ACCESS_TOKEN))?.trim() ?? "";
  const tokenFrom: Origin =
    tokenFile === undefined ? values.origin(ACCESS_TOKEN) : { from: "flag", name: tokenFile.name };
  if (tokenFile !== undefined && token === "") {
    problems.push(usageError(`There is no token in ${tokenFrom.name}`, "write the token into it first", "no-token"));
  }
  if (tokenFile !== undefined && values.origin(ACCESS_TOKEN).from === "flag") {
    problems.push(
      usageError("--access-token and --access-token-file exclude each other", "give one of the two", "two-tokens"),
    );
  }
  const headerFrom = values.origin(HEADER);
  if (!/^[\u0021-\u007e]*$/.test(token)) {
    problems.push(
      usageError(
        `${capitalize(tokenFrom.name)} has a character that no bearer token may have`,
        "give the token alone, on one line, without Bearer before it",
        "bad-token",
      ),
    );
  }
  if (headers.has("authorization") && token !== "" && headerFrom.from === tokenFrom.from) {
    problems.push(
      usageError(
        `${capitalize(tokenFrom.name)} and ${headerFrom.name} both set Authorization`,
        "give one of the two",
        "two-authorizations",
      ),
    );
  }
  const endpointFrom = values.origin(ENDPOINT);
  const header = headers.get("authorization");
  const basic = address?.authorization;
  // The userinfo stands last, so that of one place the credential that was given for itself counts.
  const [first, ...others] = [
    ...(header === undefined ? [] : [{ origin: headerFrom, value: header }]),
    ...(token === "" ? [] : [{ origin: tokenFrom, value: `Bearer ${token}` }]),
    ...(basic === undefined ? [] : [{ origin: endpointFrom, value: basic }]),
  ].sort((a, b) => RANK[a.origin.from] - RANK[b.origin.from]);
  if (first !== undefined) headers.set("authorization", first.value);
  if (others.some(({ origin, value }) => value === basic && origin.from === first?.origin.from)) {
    warnings.push(
      `the user and password in ${endpointFrom.name} are not sent, because ${first?.origin.name} sets Authorization`,
    );
  }
  if (values.bool(FAKE_TLS)) headers.set("x-forwarded-proto", "https");

  const sent = [...(first === undefined ? [] : [first.origin]), headerFrom];
  const filed = sent.find((origin) => origin.from === "file");
  if (filed !== undefined && address !== undefined && values.origin(ENDPOINT).from !== "file") {
    const own = fileEndpoint === undefined ? undefined : readAddress(fileEndpoint, "");
    if (own === undefined || own instanceof Error || place(own) !== place(address)) {
      problems.push(
        usageError(
          `Credentials for another server: ${filed.name} belongs to ${own === undefined || own instanceof Error ? "a file without an endpoint" : own.shown}, and ${from} is ${address.shown}`,
          "put the endpoint into the same file, or give --access-token or --header for this server",
          "foreign-credentials",
        ),
      );
    }
  }
  if (address?.cutAdmin === true)
    warnings.push(`/admin at the end of ${from} is left out: the program adds it where the server has it`);
  if (address?.secure === true && values.bool(SKIP_TLS)) {
    warnings.push(
      `the server's certificate is not verified (${values.origin(SKIP_TLS).name}): anyone on the way can read and change what is sent`,
    );
  }
  if (address === undefined || problems.length > 0) return { connection: undefined, problems, warnings };
  return {
    connection: {
      base: address.base,
      socket: address.socket,
      secure: address.secure,
      shown: address.shown,
      headers: Object.fromEntries(headers),
      failAfter: values.number(FAIL_AFTER),
      api: values.text(API),
      skipVerify: values.bool(SKIP_TLS),
      caFile: address.secure ? values.text(CA_FILE) : undefined,
    },
    problems,
    warnings,
  };
}

const RANK = { flag: 0, environment: 1, file: 2, default: 3 } as const;

function place(address: Address): string {
  return address.socket ?? new URL(address.base).origin;
}

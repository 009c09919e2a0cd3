import * as v from "valibot";
import { parseJsonOrUndefined } from "../../core/json/json.ts";
import { answerHint, type HttpAnswer, type SendHttp } from "../../core/network.ts";
import { Problem } from "../../core/problem.ts";
import { urlWithoutSecrets } from "../../core/redact.ts";
import { escapeControls, quote, trimCharactersAtEnd } from "../../core/text.ts";
import { requiresTls } from "../../servers/index.ts";
import { answersAsAdminPort, HEALTH_PATH, OPENID_CONFIGURATION_PATH } from "../../servers/port-checks.ts";
import { findUnfollowedRedirectProblem } from "./oauth-problems.ts";
import { sendWithoutLibrary } from "./send-oauth-requests.ts";

/** The endpoints of a server that this program uses. */
const ENDPOINTS = [
  "authorization_endpoint",
  "token_endpoint",
  "revocation_endpoint",
  "userinfo_endpoint",
  "device_authorization_endpoint",
  "end_session_endpoint",
  "jwks_uri",
] as const;

type EndpointName = (typeof ENDPOINTS)[number];

/** What a server says about itself (OpenID Connect Discovery, 3), checked. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly publicUrl: string;
  readonly endpoints: Readonly<Partial<Record<EndpointName, string>>>;
  /** Endpoints at another origin, to which nothing is sent. */
  readonly foreign: readonly EndpointName[];
  /** Whether redirects back to the client name the issuer (RFC 9207). */
  readonly issParameter: boolean;
  readonly idTokenAlgorithms: readonly string[];
  /** Seconds that the server's clock is ahead of this machine's, from the Date header; undefined without one. */
  readonly clockOffset: number | undefined;
}

interface DiscoveryOptions {
  readonly http: SendHttp;
  /** Where the public port is, without `/.well-known`. */
  readonly publicUrl: string;
  /** Where the public URL came from: `--public-url`, `environment variable HYDRA_PUBLIC_URL`. */
  readonly publicUrlOrigin?: string;
  /** Milliseconds for each request. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const DiscoveryDocument = v.object({
  ...v.entriesFromList(ENDPOINTS, v.fallback(v.optional(v.pipe(v.string(), v.url())), undefined)),
  issuer: v.pipe(v.string(), v.nonEmpty()),
  authorization_response_iss_parameter_supported: v.optional(v.boolean(), false),
  id_token_signing_alg_values_supported: v.optional(v.array(v.string()), ["RS256"]),
});

const STEP = { action: "Cannot read the server's discovery document", hidden: [] };

/** The public URL as hints call it: with the place to change it. */
function describePublicUrl({ publicUrlOrigin }: DiscoveryOptions): string {
  return publicUrlOrigin === undefined ? "the public URL" : `the public URL (${publicUrlOrigin})`;
}

function get(options: DiscoveryOptions, url: string, repeatable?: true): Promise<HttpAnswer> {
  const { http, timeout, signal } = options;
  const headers = { accept: "application/json" };
  const hint = `check ${describePublicUrl(options)}, and that the server is running`;
  return sendWithoutLibrary(http, STEP, { method: "GET", url, headers, timeout, signal, repeatable }, hint);
}

async function diagnoseMissingDocument(
  options: DiscoveryOptions,
  base: string,
  url: string,
  answer: HttpAnswer,
): Promise<Problem> {
  const { status } = answer;
  const redirect = findUnfollowedRedirectProblem(STEP, url, answer);
  if (redirect !== undefined) return redirect;
  if (requiresTls(answer)) {
    return new Problem(`${STEP.action}: ${new URL(url).origin} uses TLS: the server requires https`, {
      code: "https-required",
      status,
      hint: `use https in ${describePublicUrl(options)}, with --ca-file if its authority is your own`,
    });
  }
  const shown = escapeControls(urlWithoutSecrets(url));
  // Both ports say that they are alive.
  if (status === 404 && (await answersAsAdminPort(() => get(options, `${base}${HEALTH_PATH}`)))) {
    return new Problem(`${STEP.action}: ${shown} answered ${status}: this looks like Hydra's admin port`, {
      code: "admin-port",
      status,
      hint: `give the public port (4444 by default) as ${describePublicUrl(options)}`,
    });
  }
  return new Problem(`${STEP.action}: ${shown} answered ${status} without one`, {
    code: "no-discovery",
    status,
    hint: answerHint(answer, `check ${describePublicUrl(options)}`),
  });
}

/** The endpoints of a document, apart by whether they are at the server's own origin. */
function separateForeignEndpoints(
  document: Readonly<Partial<Record<EndpointName, string | undefined>>>,
  base: string,
): Pick<AuthorizationServer, "endpoints" | "foreign"> {
  const endpoints: Partial<Record<EndpointName, string>> = {};
  const foreign: EndpointName[] = [];
  const { origin } = new URL(base);
  for (const name of ENDPOINTS) {
    const value = document[name];
    if (value === undefined) continue;
    if (new URL(value).origin === origin) endpoints[name] = value;
    else foreign.push(name);
  }
  return { endpoints, foreign };
}

function clockOffset(answer: HttpAnswer, now: number): number | undefined {
  const date = Date.parse(answer.headers.get("date") ?? "");
  return Number.isNaN(date) ? undefined : Math.round((date - now) / 1000);
}

/**
 * Reads and checks the discovery document at a public URL. Its issuer must be that URL (OpenID Connect Discovery, 4.3),
 * apart from a slash at the end, and endpoints at another origin are left out: a secret only goes where the user said.
 *
 * @throws {Problem} for a server that can't be reached, has no document, or has that of another issuer.
 */
export async function discoverServer(options: DiscoveryOptions): Promise<AuthorizationServer> {
  const base = trimCharactersAtEnd(options.publicUrl, "/");
  const url = `${base}${OPENID_CONFIGURATION_PATH}`;
  const answer = await get(options, url, true);
  const read = v.safeParse(DiscoveryDocument, parseJsonOrUndefined(answer.text)?.value);
  if (answer.status !== 200 || !read.success) {
    throw await diagnoseMissingDocument(options, base, url, answer);
  }
  const { issuer } = read.output;
  if (trimCharactersAtEnd(issuer, "/") !== base) {
    throw new Problem(`${STEP.action}: its issuer is ${quote(urlWithoutSecrets(issuer))}`, {
      code: "issuer-mismatch",
      hint: `set ${describePublicUrl(options)} to the issuer if that is the server you mean; tokens of another issuer aren't accepted`,
    });
  }
  return {
    issuer,
    publicUrl: base,
    ...separateForeignEndpoints(read.output, base),
    issParameter: read.output.authorization_response_iss_parameter_supported,
    idTokenAlgorithms: read.output.id_token_signing_alg_values_supported,
    clockOffset: clockOffset(answer, options.now()),
  };
}

/** The same server with endpoints that the user chose, which may be at any origin. */
export function overrideEndpoints(
  server: AuthorizationServer,
  chosen: Readonly<Partial<Record<EndpointName, string>>>,
): AuthorizationServer {
  const foreign = server.foreign.filter((name) => chosen[name] === undefined);
  return { ...server, endpoints: { ...server.endpoints, ...chosen }, foreign };
}

/** The flags that give an endpoint at any origin. */
const ENDPOINT_FLAGS: Readonly<Partial<Record<EndpointName, string>>> = {
  authorization_endpoint: "--auth-url",
  token_endpoint: "--token-url",
  device_authorization_endpoint: "--device-auth-url",
};

function foreignHint(name: EndpointName): string {
  const flag = ENDPOINT_FLAGS[name];
  if (flag === undefined) return "use the public URL at whose origin the server's endpoints are";
  return `if it is the right one, give it with ${flag}`;
}

/** An endpoint that a step needs. */
export function requireEndpoint(server: AuthorizationServer, name: EndpointName, action: string): string {
  const url = server.endpoints[name];
  if (url !== undefined) return url;
  const isForeign = server.foreign.includes(name);
  const reason = isForeign ? `the server's ${name} is at another origin` : `the server has no ${name}`;
  throw new Problem(`${action}: ${reason}`, {
    code: isForeign ? "foreign-endpoint" : "missing-endpoint",
    hint: isForeign ? foreignHint(name) : "this version of the server doesn't support it",
  });
}

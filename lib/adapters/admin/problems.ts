import * as v from "valibot";
import { isJsonObject, type JsonObject, MAX_DEPTH, TOO_DEEP_CODE } from "../../core/json/json.ts";
import { PRIVATE_JWK_MEMBERS } from "../../core/jwk/jwk-members.ts";
import { answerHint, type NetworkFailure, networkHint, TRUST_HINT } from "../../core/network.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { type ExitName, Problem, type ProblemCode, withMessage } from "../../core/problem.ts";
import { redactServerText, secretsInHeaders, urlWithoutSecrets } from "../../core/redact.ts";
import { escapeControls, joinWords, quote } from "../../core/text.ts";
import {
  type ClassifiedError,
  type ClientWithUnreadFields,
  classifyErrorAnswer,
  findFamilyOfRedirect,
  parseJsonBody,
  requiresTls,
  type ServerAnswer,
  type ServerFamily,
} from "../../servers/index.ts";
import { type AttemptOutcome, isBusyOrGatewayError } from "../../servers/retry.ts";
import { isSignInRedirect, SIGN_IN_HINT } from "../../servers/sign-in-redirect.ts";
import type { AdminRequest, AdminResponse, AdminServerForMessages } from "./requests.ts";
import { isWebPage, pageTitle } from "./web-page.ts";

interface AdminProblemDetails {
  readonly code: ProblemCode;
  readonly exit?: ExitName;
  readonly hint: string;
  readonly status?: number;
  readonly cause?: unknown;
}

/** The endpoint as hints call it: with the place to change it. */
function describeEndpoint({ endpointOrigin }: AdminServerForMessages): string {
  return endpointOrigin === undefined ? "the endpoint" : `the endpoint (${endpointOrigin})`;
}

/** How a response is reported that no supported server sends. */
function unexpectedResponseDetails(server: AdminServerForMessages): AdminProblemDetails {
  return {
    code: "unreadable-answer",
    hint: `check that ${describeEndpoint(server)} is a Hydra admin port and not a proxy or another service`,
  };
}

const ERRORS: Readonly<Record<Exclude<ClassifiedError["kind"], "missing-route" | "moved">, AdminProblemDetails>> = {
  "not-found": { code: "not-found", exit: "notFound", hint: "list clients: hydra clients list" },
  conflict: {
    code: "conflict",
    exit: "conflict",
    hint: "remove what it conflicts with, then run the command again",
  },
  unauthorised: {
    code: "unauthorised",
    exit: "unauthorised",
    hint: "pass a token with --access-token or OAUTH2_ACCESS_TOKEN, or, if a proxy in front requires it, a header with --header",
  },
  "id-refused": { code: "id-refused", hint: "leave out --id" },
  invalid: {
    code: "invalid",
    hint: "fix the value that the server rejects, then run the command again",
  },
  busy: { code: "busy", exit: "unreachable", hint: "try again later, or raise --fail-after" },
  broken: { code: "server-error", hint: "check the server's log; -v shows each request" },
  refused: { code: "refused", hint: "-v shows each request" },
};

function errorDetails(server: AdminServerForMessages, kind: ClassifiedError["kind"]): AdminProblemDetails {
  if (kind === "missing-route")
    return {
      code: "missing-route",
      hint: `check that ${describeEndpoint(server)} is a Hydra admin port`,
    };
  if (kind === "moved") {
    const hint = `use the URL it redirects to as ${describeEndpoint(server)}, or set --api v1 or v2 if the API version was detected wrongly`;
    return { code: "redirect", hint };
  }
  return ERRORS[kind];
}

function networkFailureHint(server: AdminServerForMessages, kind: NetworkFailure["kind"]): string {
  const endpoint = describeEndpoint(server);
  const hints: Readonly<Record<NetworkFailure["kind"], string>> = {
    refused: `check that the server is running and that ${endpoint} points to its admin port`,
    exhausted: "close other programs or raise the limit, for example with ulimit -n",
    proxy: "check the proxy in the environment, or add the host to NO_PROXY",
    unresolved: `check the host name in ${endpoint}`,
    lost: `check http or https in ${endpoint}, then run the command again`,
    certificate: `${TRUST_HINT}, or use --skip-tls-verify for testing only`,
    handshake: `check http or https in ${endpoint}, and the port`,
    protocol: `check http or https in ${endpoint}, and the port`,
    timeout: "raise --fail-after, or check why the server is slow",
    "too-large": `check that ${endpoint} is a Hydra admin port`,
  };
  return hints[kind];
}

/** A problem with a request. */
function requestProblem(
  { base }: AdminServerForMessages,
  { action, method, path, query }: AdminRequest,
  family: ServerFamily,
  message: string,
  details: AdminProblemDetails,
): Problem {
  const url = escapeControls(urlWithoutSecrets(`${base}${path(family)}`));
  return new Problem(`${action}: ${message}`, {
    ...details,
    request: { method, url: query === undefined ? url : `${url}?…` },
  });
}

/** A problem with a response. */
export function responseProblemWithMessage(
  server: AdminServerForMessages,
  { request, family, answer }: AdminResponse,
  message: string,
  details: AdminProblemDetails,
): Problem {
  const hint = answerHint(answer, details.hint);
  return requestProblem(server, request, family, message, { ...details, hint, status: answer.status });
}

/** The problem that an error response means. */
export function errorResponseProblem(server: AdminServerForMessages, response: AdminResponse): Problem {
  const { request, answer, family, gaveUpBecause } = response;
  const error = classifyErrorAnswer(answer, family, request.target);
  if (error.kind === "moved" && (answer.status === 304 || answer.location === "")) {
    const what = answer.status === 304 ? "which fits no request of this program" : "a redirect without a target";
    return responseProblemWithMessage(
      server,
      response,
      `server answered ${answer.status}, ${what}`,
      unexpectedResponseDetails(server),
    );
  }
  if (requiresTls(answer)) return httpsRequiredProblem(server, response);
  // However often it was tried: a gateway that doesn't reach the server says nothing about what the server would have decided.
  const passing = isBusyOrGatewayError(answer) ? { exit: "unreachable" as const } : {};
  const details = { ...errorDetails(server, error.kind), ...passing, ...findSpecialHint(server, response, error) };
  const message = rejectionMessage(server, response, error);
  if (gaveUpBecause === undefined) return responseProblemWithMessage(server, response, message, details);
  const hint = error.kind === "busy" ? details.hint : "raise --fail-after, or check the server's log";
  return responseProblemWithMessage(server, response, `${message} (${gaveUpBecause})`, {
    ...details,
    exit: "unreachable",
    hint,
  });
}

function httpsRequiredProblem(server: AdminServerForMessages, response: AdminResponse): Problem {
  const https = server.endpoint.replace(/^http:/, "https:");
  return responseProblemWithMessage(server, response, `${server.endpoint} uses TLS: the server requires https`, {
    code: "https-required",
    hint: `use ${https} (with --ca-file, or for tests --skip-tls-verify)`,
  });
}

/** A hint for a rejection that says more than what is known about all of its kind. */
function findSpecialHint(
  server: AdminServerForMessages,
  response: AdminResponse,
  { kind, reason }: ClassifiedError,
): { readonly hint: string } | undefined {
  const { credential, endpoint } = server;
  const { status, text } = response.answer;
  if (kind === "moved" && isSignIn(server, response)) return { hint: SIGN_IN_HINT };
  const right = kind === "moved" ? findFamilyOfRedirect(response.answer) : undefined;
  if (right !== undefined && right !== response.family) return { hint: wrongApiHint(response.family.api, right.api) };
  if (kind === "unauthorised" && credential !== undefined) {
    const hint = status === 401 ? "it may have expired, or be for another server" : "it may lack a permission";
    return { hint: `check ${credential}: ${hint}` };
  }
  if (/over (?:insecure http|clear ?text)/i.test(reason ?? text.slice(0, 1024)))
    return {
      hint: `${endpoint} expects a proxy that terminates TLS: use its https URL, or add --fake-tls-termination`,
    };
  return undefined;
}

function isSignIn({ base }: AdminServerForMessages, { request, family, answer }: AdminResponse): boolean {
  return isSignInRedirect(`${base}${request.path(family)}`, answer.location);
}

function rejectionMessage(
  server: AdminServerForMessages,
  response: AdminResponse,
  { kind, reason }: ClassifiedError,
): string {
  const { request, answer } = response;
  const { status, location } = answer;
  if (kind === "moved") {
    const target = quote(urlWithoutSecrets(withoutSentSecrets(server, request, location)));
    if (isSignIn(server, response)) return `server redirects to a sign-in page, ${target} (status ${status})`;
    return `server redirects to ${target} (status ${status}), which is not followed`;
  }
  const says =
    reason === undefined
      ? isWebPage(answer)
        ? ` with ${describeWebPage(server, response)}`
        : ""
      : `: ${truncate(escapeControls(withoutSentSecrets(server, request, reason)))}`;
  const message = `server answered ${status}${says}`;
  return kind === "unauthorised" ? `${message}${rejectedCredentialSuffix(server, response)}` : message;
}

/** What was rejected, by what, and the words by which the operators of the server can look up why. */
function rejectedCredentialSuffix(server: AdminServerForMessages, { request, family, answer }: AdminResponse): string {
  const shown = (text: string): string => truncate(escapeControls(withoutSentSecrets(server, request, text)));
  const { authenticate = "" } = answer;
  const id = requestIdOf(answer);
  const parts = [
    `${request.method} ${escapeControls(urlWithoutSecrets(`${server.base}${request.path(family)}`))}`,
    ...(authenticate === "" ? [] : [`WWW-Authenticate: ${shown(authenticate)}`]),
    ...(id === "" ? [] : [`request ID ${shown(id)}`]),
  ];
  const what = server.credential === undefined ? "no credential was sent" : `${server.credential} was not accepted`;
  return `; ${what} (${parts.join("; ")})`;
}

const ErrorWithRequestId = v.object({ error: v.object({ request: v.string() }) });

/** The ID of a request in a header, or in the error body of Hydra. */
function requestIdOf({ requestId = "", text }: ServerAnswer): string {
  if (requestId !== "") return requestId;
  const body = v.safeParse(ErrorWithRequestId, parseJsonBody(text));
  return body.success ? body.output.error.request : "";
}

/** A web page as messages call it: by its title. */
function describeWebPage(server: AdminServerForMessages, { request, answer: { text } }: AdminResponse): string {
  const title = pageTitle(text);
  return title === "" ? "a web page" : `the web page ${quote(withoutSentSecrets(server, request, title))}`;
}

function truncate(text: string): string {
  return text.length > 400 ? `${text.slice(0, 399)}…` : text;
}

/** Text of the server for a message, without the credentials that were sent to it. */
function withoutSentSecrets({ headers }: AdminServerForMessages, { body }: AdminRequest, text: string): string {
  const parts: readonly unknown[] = Array.isArray(body) ? body : [body];
  const secrets = parts
    .filter(isJsonObject)
    .flatMap((part) => [
      part["path"] === "/client_secret" ? part["value"] : part["client_secret"],
      ...keySecrets(part),
    ]);
  return redactServerText(text, [
    ...secretsInHeaders(headers),
    ...secrets.filter((secret) => typeof secret === "string"),
  ]);
}

/** The private members of a key, or of the keys of a set. */
function keySecrets(body: JsonObject): readonly unknown[] {
  const keys: readonly unknown[] = Array.isArray(body["keys"]) ? body["keys"] : [body];
  return keys.filter(isJsonObject).flatMap((key) => PRIVATE_JWK_MEMBERS.map((name) => key[name]));
}

/** The problem of a response that isn't what was `expected`. */
export function unexpectedAnswerProblem(
  server: AdminServerForMessages,
  response: AdminResponse,
  expected: string,
  got?: string,
): Problem {
  const { status, text } = response.answer;
  const page = got === undefined && isWebPage(response.answer);
  const body = got ?? (page ? describeWebPage(server, response) : "something else");
  const message = `server answered ${status} with ${body} instead of ${expected}`;
  const asksToSignIn = page && /\b(?:sign|log)[ -]?in\b/i.test(pageTitle(text));
  return responseProblemWithMessage(server, response, message, {
    ...unexpectedResponseDetails(server),
    ...(asksToSignIn ? { hint: SIGN_IN_HINT } : {}),
  });
}

/** How {@link unexpectedAnswerProblem} describes a client with another ID than the requested one. */
export function wrongClientText(server: AdminServerForMessages, request: AdminRequest, id: string): string {
  return `another client, ${quote(withoutSentSecrets(server, request, id))},`;
}

export function noSuchClientProblem(server: AdminServerForMessages, response: AdminResponse, id: string): Problem {
  return responseProblemWithMessage(server, response, `client ${quote(id)} not found`, ERRORS["not-found"]);
}

/** The problem of a request without any response. */
export function noAnswerProblem(
  server: AdminServerForMessages,
  request: AdminRequest,
  family: ServerFamily,
  outcome: AttemptOutcome,
  gaveUpBecause: string | undefined,
): Problem {
  const failure = outcome.kind === "failed" ? outcome.failure : undefined;
  const { kind, message } = failure ?? { kind: "lost" as const, message: "the connection failed" };
  const reason = gaveUpBecause === undefined ? message : `${message} (${gaveUpBecause})`;
  const hint = networkFailureHint(server, kind);
  return requestProblem(server, request, family, `no answer from ${server.endpoint}: ${reason}`, {
    code: NETWORK_CODES.get(kind) ?? "unreachable",
    exit: "unreachable",
    hint: failure === undefined ? hint : networkHint(failure, hint),
    cause: failure,
  });
}

const NETWORK_CODES: ReadonlyMap<NetworkFailure["kind"], ProblemCode> = new Map<NetworkFailure["kind"], ProblemCode>([
  ["timeout", "timeout"],
  ["certificate", "certificate"],
  ["protocol", "not-http"],
]);

/** The problem of a server without the paths of any family. */
export function noAdminApiProblem(
  server: AdminServerForMessages,
  request: AdminRequest,
  families: readonly [ServerFamily, ...ServerFamily[]],
  isPublic: boolean,
): Problem {
  if (isPublic) return publicPortProblem(server, request, families[0]);
  const paths = families.map(({ paths: { clients } }) => clients).join(" nor ");
  const message = `${server.endpoint} has no ${families.length > 1 ? "path " : ""}${paths}: it is not a Hydra admin port`;
  return requestProblem(server, request, families.at(-1) ?? families[0], message, {
    code: "not-an-admin-api",
    status: 404,
    hint: "use the URL of the admin port (4445 by default, not the public 4444), without a path",
  });
}

/** The problem of a server of another API version than `--api` says. */
export function wrongApiProblem(
  server: AdminServerForMessages,
  request: AdminRequest,
  tried: ServerFamily,
  other: ServerFamily,
): Problem {
  const message = `${server.endpoint} has no ${tried.paths.clients}, but ${other.paths.clients}: it is a server of ${other.label}`;
  const hint = wrongApiHint(tried.api, other.api);
  return requestProblem(server, request, tried, message, { code: "missing-route", status: 404, hint });
}

function wrongApiHint(tried: string, right: string): string {
  return `leave out --api ${tried} (api in the config file), or set it to ${right}`;
}

/** The problem of Hydra's public port in place of its admin port. */
export function publicPortProblem(
  server: AdminServerForMessages,
  request: AdminRequest,
  family: ServerFamily,
): Problem {
  const origin = server.endpointOrigin === undefined ? "" : ` (${server.endpointOrigin})`;
  const message = `${server.endpoint}${origin} is the public port of Hydra, not a Hydra admin port`;
  return requestProblem(server, request, family, message, {
    code: "not-an-admin-api",
    status: 404,
    hint: `use the URL of the admin port, which is another one: 4445 by default${adminUrlSuggestion(server.endpoint)}`,
  });
}

/** The likely URL of the admin port, for a public port with the default number. */
function adminUrlSuggestion(endpoint: string): string {
  return /^https?:\/\/[^/]+:4444$/.test(endpoint) ? `, such as ${endpoint.replace(/4444$/, "4445")}` : "";
}

/** The problem of a client ID that the server's router cannot match. */
export function clientIdSlashProblem(
  server: AdminServerForMessages,
  request: AdminRequest,
  family: ServerFamily,
): Problem {
  const message = `${server.endpoint} does not support a slash in a client ID, or is not a Hydra admin port`;
  return requestProblem(server, request, family, message, {
    code: "slash-in-id",
    status: 404,
    hint: "Hydra up to 2.3 creates such a client and never finds it again; newer versions do",
  });
}

/** The problem of a key ID that the router of a server does not match. */
export function keyIdSlashProblem(
  server: AdminServerForMessages,
  {
    request,
    family,
    answer,
  }: Pick<AdminResponse, "request" | "family"> & { readonly answer: Pick<ServerAnswer, "status"> },
): Problem {
  return requestProblem(server, request, family, "this key ID can't be used in a URL with this server version", {
    code: "slash-in-id",
    status: answer.status,
    hint: "Hydra up to 2.3 finds no key with a slash in its ID; change the whole set with keys import --replace",
  });
}

/** Adds that a request may have been carried out. An interruption doesn't know which action it interrupted. */
export function withAmbiguityRemark(
  problem: Problem,
  { action }: AdminRequest,
  remark: string,
  hint?: string,
): Problem {
  const message = problem.code === "interrupted" ? `${action}: interrupted` : problem.message;
  return withMessage(problem, `${message}; ${remark}`, { ambiguous: true, hint: hint ?? problem.hint });
}

/** Names fields that are nested too deep. */
export function tooDeepFieldsText(fields: readonly string[]): string {
  return `${joinWords(fields.map(escapeControls))} nested more than ${MAX_DEPTH} levels deep`;
}

/** The problem of a client that can't be shown as a whole. */
export function tooDeepClientProblem(
  action: string,
  { record: { client_id: id }, unread }: ClientWithUnreadFields,
): Problem {
  return new Problem(`${action}: it has ${tooDeepFieldsText(unread)}`, {
    code: TOO_DEEP_CODE,
    hint: `hydra clients list -q shows its ID, and hydra clients delete ${quotedOperandAndFlagText(id)} deletes it`,
  });
}

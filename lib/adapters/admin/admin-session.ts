import { type HttpAnswer, type HttpRequest, MAX_TIMER_MS, NetworkFailure, type SendHttp } from "../../core/network.ts";
import {
  classifyErrorAnswer,
  FAMILIES,
  type FamilyDetection,
  parseJsonBody,
  possibleFamilies,
  type ServerAnswer,
  type ServerFamily,
} from "../../servers/index.ts";
import {
  type AttemptOutcome,
  attemptTimeout,
  backoffMilliseconds,
  decideRetry,
  is500WithoutErrorBody,
  isAmbiguous,
  parseRetryAfterMilliseconds,
  type RetryLimitAndClock,
  reasonToGiveUp,
  retryNotice,
} from "../../servers/retry.ts";
import type { AdminRequest, AdminResponse, AdminServerForMessages } from "./requests.ts";

/** Where and how to reach the admin API. */
export interface AdminOptions extends AdminServerForMessages, RetryLimitAndClock {
  readonly http: SendHttp;
  /** The only family to try, or none yet to detect it. */
  readonly detected: FamilyDetection;
  readonly monotonic: () => number;
  /** Whether retries are not reported. */
  readonly quiet?: boolean;
  /** Whether each request is sent only once although there is a time limit. */
  readonly once?: boolean;
  /** Shows that an answer is waited for, until the work ends. */
  readonly waiting?: <T>(work: () => Promise<T>) => Promise<T>;
}

/** What is known about the attempts of one request; it outlives an exception. */
export interface AttemptAmbiguity {
  /** An attempt may have reached the server without its response coming back. */
  ambiguous: boolean;
}

/** What all requests to one server share: the options, the fields reported so far, and the time left. */
export interface AdminSession {
  readonly options: AdminOptions;
  /** Fields with an unexpected type that the user has been warned of. */
  readonly reportedFields: Set<string>;
  readonly retries: boolean;
  /** Milliseconds that are left of `--fail-after`. */
  remaining(): number;
}

/** The time of the only attempt when there are no retries. */
const SINGLE_ATTEMPT_MS = 60_000;

/** The longest response about one client: 4 MiB. */
const CLIENT_BYTES = 4 * 1024 * 1024;

/** The headers in which servers and proxies send the ID of a request. */
const REQUEST_ID_HEADERS = ["x-request-id", "x-correlation-id", "x-amzn-requestid", "x-amzn-trace-id", "cf-ray"];

/** A path with a slash in a key ID. */
export const PATH_WITH_SLASH_IN_KEY_ID_PATTERN = /\/keys\/[^/]*\/[^/]*%2f/i;

/** Creates an {@link AdminSession}, whose time limit starts now. */
export function createAdminSession(options: AdminOptions): AdminSession {
  const began = options.monotonic();
  return {
    options,
    reportedFields: new Set(),
    retries: options.failAfter > 0 && options.once !== true,
    remaining: () =>
      options.failAfter === 0 ? SINGLE_ATTEMPT_MS : Math.max(0, options.failAfter - (options.monotonic() - began)),
  };
}

/** Sends a request until it has a final response, with the retries that can help. */
export async function sendWithRetries(
  session: AdminSession,
  request: AdminRequest,
  family: ServerFamily,
  history: AttemptAmbiguity,
): Promise<AdminResponse> {
  const { options, remaining, retries } = session;
  const { random } = options;
  let last: ServerAnswer | undefined;
  let bare500s = 0;
  for (let attempts = 1; ; attempts++) {
    const outcome = await sendAttempt(session, request, family, history);
    last = outcome.answer ?? last;
    if (is500WithoutErrorBody(outcome.answer)) bare500s++;
    const left = remaining();
    const budget = { remaining: left, backoff: backoffMilliseconds(attempts, random), retries, bare500s };
    const decision = decideRetry(outcome, { ...budget, ...history, repeatable: request.repeatable });
    if (decision.kind === "retry") {
      if (attempts === 1) warnOfRetry(options, request, outcome, left);
      await options.sleep(Math.min(MAX_TIMER_MS, decision.wait), options.signal);
      if (decision.again && remaining() > 0) continue;
    }
    const gaveUpBecause = reasonToGiveUp(options.failAfter, outcome, decision);
    if (last !== undefined) return { request, family, answer: last, gaveUpBecause };
    throw (await import("./problems.ts")).noAnswerProblem(options, request, family, outcome, gaveUpBecause);
  }
}

function warnOfRetry(options: AdminOptions, request: AdminRequest, outcome: AttemptOutcome, left: number): void {
  if (options.quiet === true) return;
  options.warn(retryNotice(request.action, outcome, options.endpoint, left), "advice");
}

/** Sends a request once. */
async function sendAttempt(
  session: AdminSession,
  request: AdminRequest,
  family: ServerFamily,
  history: AttemptAmbiguity,
): Promise<AttemptOutcome> {
  const { options, remaining } = session;
  const timeout = options.failAfter > 0 && request.repeatable ? attemptTimeout(remaining()) : remaining();
  // Before the attempt: a request that was never sent leaves no doubt.
  options.signal.throwIfAborted();
  const sent = toHttpRequest(options, request, family, timeout);
  try {
    const outcome = toAdminAttemptOutcome(options, await options.http(sent));
    if (isAmbiguous(outcome)) history.ambiguous = true;
    return outcome;
  } catch (error) {
    // Anything else is an interruption, and nobody knows whether the request reached the server.
    if (!(error instanceof NetworkFailure) || error.maybeSent) history.ambiguous = true;
    if (!(error instanceof NetworkFailure)) throw error;
    return { kind: "failed", failure: error };
  }
}

function toHttpRequest(
  { base, signal }: AdminOptions,
  request: AdminRequest,
  family: ServerFamily,
  timeout: number,
): HttpRequest {
  const { method, body, repeatable, target } = request;
  return {
    method,
    url: `${base}${request.path(family)}`,
    headers: {
      accept: "application/json",
      ...(method === "PATCH" ? { "content-type": "application/json-patch+json" } : {}),
    },
    query: request.query?.(family),
    json: body,
    maxBytes: target === "item" || method === "POST" ? CLIENT_BYTES : undefined,
    timeout,
    once: !repeatable,
    signal,
  };
}

function toAdminAttemptOutcome({ now }: AdminOptions, { status, headers, text, via }: HttpAnswer): AttemptOutcome {
  const answer = {
    status,
    contentType: headers.get("content-type") ?? "",
    link: headers.get("link") ?? "",
    location: headers.get("location") ?? "",
    authenticate: headers.get("www-authenticate") ?? "",
    requestId: REQUEST_ID_HEADERS.map((name) => headers.get(name)).find((id) => id !== null) ?? "",
    total: headers.get("x-total-count") ?? undefined,
    via,
    text,
  };
  return { kind: "answered", answer, retryAfter: parseRetryAfterMilliseconds(headers.get("retry-after"), now()) ?? 0 };
}

/** Does work that waits for the server, and shows that. */
export function withWaitIndicator<T>({ options: { waiting } }: AdminSession, work: () => Promise<T>): Promise<T> {
  return waiting === undefined ? work() : waiting(work);
}

/** Milliseconds that one look at another path of the server may take. */
const LOOK_MS = 5_000;

/** The status and the text of a path, requested once; undefined without an answer. */
async function probePath({ options, remaining }: AdminSession, path: string): Promise<HttpAnswer | undefined> {
  const timeout = Math.max(1, Math.min(LOOK_MS, remaining()));
  const { base, http, signal } = options;
  try {
    return await http({
      method: "GET",
      url: `${base}${path}`,
      headers: { accept: "application/json" },
      timeout,
      signal,
    });
  } catch (error) {
    if (error instanceof NetworkFailure) return undefined;
    throw error;
  }
}

/** The other family whose list of clients the server has; a server may have those of several, as Hydra 2.x does. */
async function findOtherFamilyWithClients(
  session: AdminSession,
  tried: ServerFamily,
  { target }: Pick<AdminRequest, "target">,
): Promise<ServerFamily | undefined> {
  const hasClients = async ({ paths }: ServerFamily): Promise<boolean> => {
    const answer = await probePath(session, paths.clients);
    return answer?.status === 200 && Array.isArray(parseJsonBody(answer.text));
  };
  // A request to the whole list has shown already that it isn't there.
  if (target === "item" && (await hasClients(tried))) return undefined;
  for (const family of FAMILIES) if (family !== tried && (await hasClients(family))) return family;
  return undefined;
}

/** Whether the server has an OpenID configuration. */
async function hasOpenIdConfiguration(session: AdminSession): Promise<boolean> {
  const { isOpenIdConfiguration, OPENID_CONFIGURATION_PATH } = await import("../../servers/port-checks.ts");
  const answer = await probePath(session, OPENID_CONFIGURATION_PATH);
  return answer !== undefined && isOpenIdConfiguration(answer);
}

/** Whether the server is certainly the public port of Hydra. */
export async function probePublicPort(session: AdminSession): Promise<boolean> {
  const { answersAsPublicPort } = await import("../../servers/port-checks.ts");
  return answersAsPublicPort((path) => probePath(session, path));
}

/** Sends a request to the known family of the server, or to each in turn until a path exists. */
export function sendDetectingFamily(
  session: AdminSession,
  request: AdminRequest,
  history: AttemptAmbiguity = { ambiguous: false },
): Promise<AdminResponse> {
  return withWaitIndicator(session, () => sendToFamiliesInTurn(session, request, history));
}

async function sendToFamiliesInTurn(
  session: AdminSession,
  request: AdminRequest,
  history: AttemptAmbiguity,
): Promise<AdminResponse> {
  const { detected } = session.options;
  const families = possibleFamilies(detected);
  let tried: ServerFamily = families[0];
  for (const family of families) {
    tried = family;
    const response = await sendWithRetries(session, request, family, history);
    const { answer } = response;
    const error = answer.status < 300 ? undefined : classifyErrorAnswer(answer, family, request.target).kind;
    if (error === "missing-route") continue;
    // A rejection by something in front of the server (a proxy's 401, a 502) says nothing about the server's family.
    if (error !== "unauthorised" && answer.status < 500) detected.family ??= family;
    return response;
  }
  // The router of Hydra up to 2.3 treats an escaped slash as a path separator.
  if (request.method !== "GET" && PATH_WITH_SLASH_IN_KEY_ID_PATTERN.test(request.path(tried)))
    throw (await import("./problems.ts")).keyIdSlashProblem(session.options, {
      request,
      family: tried,
      answer: { status: 404 },
    });
  const hasSlash = request.target === "item" && /\/clients\/[^/]*%2f/i.test(request.path(tried));
  if (hasSlash) throw (await import("./problems.ts")).clientIdSlashProblem(session.options, request, tried);
  const other = families.length > 1 ? undefined : await findOtherFamilyWithClients(session, tried, request);
  if (other !== undefined)
    throw (await import("./problems.ts")).wrongApiProblem(session.options, request, tried, other);
  const isPublic = families.length > 1 && (await hasOpenIdConfiguration(session));
  throw (await import("./problems.ts")).noAdminApiProblem(session.options, request, families, isPublic);
}

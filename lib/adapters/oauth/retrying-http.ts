import { type HttpAnswer, type HttpRequest, MAX_TIMER_MS, NetworkFailure, type SendHttp } from "../../core/network.ts";
import { urlWithoutSecrets } from "../../core/redact.ts";
import { escapeControls } from "../../core/text.ts";
import {
  type AttemptOutcome,
  attemptTimeout,
  backoffMilliseconds,
  decideRetry,
  is500WithoutErrorBody,
  isAmbiguous,
  isBusyOrGatewayError,
  parseRetryAfterMilliseconds,
  type RetryLimitAndClock,
  reasonToGiveUp,
  retryNotice,
} from "../../servers/retry.ts";
import { BusyServerError } from "./busy-server-error.ts";

/** How long and how often requests are repeated. */
interface RetryOptions extends RetryLimitAndClock {
  /** Milliseconds that are left of those that the command may take. */
  readonly remaining: () => number;
}

function toAnsweredOutcome(answer: HttpAnswer, now: number): AttemptOutcome {
  const { status, headers, text } = answer;
  const retryAfter = parseRetryAfterMilliseconds(headers.get("retry-after"), now) ?? 0;
  const contentType = headers.get("content-type") ?? "";
  return { kind: "answered", answer: { status, contentType, link: "", location: "", text }, retryAfter };
}

/** What came of one attempt, for the decision and for the caller. */
interface Attempt {
  readonly outcome: AttemptOutcome;
  readonly answer: HttpAnswer | undefined;
}

async function sendOnce(http: SendHttp, request: HttpRequest, now: () => number): Promise<Attempt> {
  try {
    const answer = await http(request);
    return { outcome: toAnsweredOutcome(answer, now()), answer };
  } catch (error) {
    if (!(error instanceof NetworkFailure)) throw error;
    return { outcome: { kind: "failed", failure: error }, answer: undefined };
  }
}

/** The answer of the last attempt; throws if there was none, or if the server was too busy for one. */
function requireNonBusyAnswer({ outcome, answer }: Attempt, because: string | undefined): HttpAnswer {
  if (answer !== undefined && !isBusyOrGatewayError(answer)) return answer;
  if (answer !== undefined) throw new BusyServerError(answer, because);
  if (outcome.kind === "answered") throw new TypeError("an attempt without an answer");
  const { kind, message, cause, via, certificate } = outcome.failure;
  if (because === undefined) throw outcome.failure;
  throw new NetworkFailure(kind, `${message} (${because})`, cause, via, certificate);
}

/** Sends a request until another attempt can't help or there is no time for one. */
async function sendWithRetries(
  http: SendHttp,
  options: RetryOptions,
  first: HttpRequest,
  repeatable: boolean,
): Promise<HttpAnswer> {
  const { failAfter, remaining, random, signal, sleep } = options;
  const state = { bare500s: 0, ambiguous: false, repeatable, retries: failAfter > 0 };
  let request = first;
  for (let attempts = 1; ; attempts++) {
    const timeout = state.retries && repeatable ? attemptTimeout(remaining()) : remaining();
    const attempt = await sendOnce(http, { ...request, timeout }, options.now);
    const { outcome } = attempt;
    state.ambiguous ||= isAmbiguous(outcome);
    state.bare500s += Number(is500WithoutErrorBody(outcome.answer));
    const left = remaining();
    const decision = decideRetry(outcome, {
      ...state,
      remaining: left,
      backoff: backoffMilliseconds(attempts, random),
    });
    if (decision.kind === "retry") {
      if (attempts === 1) warnOfRetry(options, request, outcome, left);
      await sleep(Math.min(MAX_TIMER_MS, decision.wait), signal);
      request = await renewRequestForm(request);
      if (decision.again && remaining() > 0) continue;
    }
    return requireNonBusyAnswer(attempt, reasonToGiveUp(failAfter, outcome, decision));
  }
}

function warnOfRetry({ warn }: RetryOptions, request: HttpRequest, outcome: AttemptOutcome, left: number): void {
  const name = escapeControls(urlWithoutSecrets(request.url));
  warn(retryNotice(request.action ?? "No answer", outcome, name, left), "advice");
}

async function renewRequestForm(request: HttpRequest): Promise<HttpRequest> {
  return request.renewForm === undefined ? request : { ...request, form: await request.renewForm() };
}

/**
 * Repeats the requests that say whether they may be repeated, like those to the admin API. A server that stays too busy is
 * reported as a {@link BusyServerError}.
 */
export function createRetryingHttp(http: SendHttp, options: RetryOptions): SendHttp {
  return (request) =>
    request.repeatable === undefined ? http(request) : sendWithRetries(http, options, request, request.repeatable);
}

import { type HttpAnswer, type HttpRequest, NetworkFailure, type SendHttp } from "../../core/network.ts";
import { secretsInHeaders } from "../../core/redact.ts";
import { BusyServerError } from "./busy-server-error.ts";
import { busyProblem, networkProblem, type OAuthErrorContext, toOAuthProblem } from "./oauth-problems.ts";
import { allowInsecureRequests, customFetch } from "./oauth4webapi.ts";
import { repeatOptionsFor } from "./repeatable-requests.ts";

/** What every request needs. */
export interface OAuthRequestOptions {
  readonly http: SendHttp;
  /** Milliseconds that the next request may take. */
  readonly timeLeft: () => number;
  readonly signal?: AbortSignal;
  /** What earlier answers contained that no message may show. */
  readonly received?: () => readonly string[];
}

const MAX_BYTES = 1_048_576;

/** Statuses whose answers have no body (Fetch, 2.2.3). */
const BODILESS = [101, 204, 205, 304];

interface LibraryRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** The options that the library takes with each request. */
export interface LibraryRequestOptions {
  readonly [customFetch]: (url: string, request: LibraryRequest) => Promise<Response>;
  readonly [allowInsecureRequests]: true;
}

/** Fields of a form that may be shown; any other value may be a credential. */
const PUBLIC_FIELDS = new Set([
  "audience",
  "client_assertion_type",
  "client_id",
  "grant_type",
  "redirect_uri",
  "scope",
  "token_type_hint",
]);

/** The credentials in a request, as they are sent. */
function secretsInRequest({ headers = {}, form = {} }: Pick<HttpRequest, "headers" | "form">): readonly string[] {
  const fields = Object.entries(form).filter(([name]) => !PUBLIC_FIELDS.has(name));
  return [...secretsInHeaders(headers), ...fields.map(([, value]) => value)];
}

/**
 * Runs a step of the library over the program's own network access, and turns whatever goes wrong into a problem. Each
 * request gets a connection of its own: a code or an assertion that a runtime sends twice is rejected as used. Also
 * returns the whole first answer: the library returns only what it understands of it.
 */
export async function runLibraryStep<T>(
  { http, timeLeft, signal, received = () => [] }: OAuthRequestOptions,
  step: OAuthErrorContext,
  work: (options: LibraryRequestOptions) => Promise<T>,
): Promise<{ readonly value: T; readonly answer: HttpAnswer }> {
  let url = "";
  let answer: HttpAnswer | undefined;
  let first: HttpAnswer | undefined;
  const sent = new Set<string>();
  const send = async (target: string, { method, headers, body }: LibraryRequest): Promise<Response> => {
    url = target;
    answer = undefined;
    const form = body instanceof URLSearchParams ? body : undefined;
    const content = {
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "content-type")),
      form: form === undefined ? undefined : Object.fromEntries(form),
    };
    const hide = (request: Parameters<typeof secretsInRequest>[0]): void => {
      for (const secret of secretsInRequest(request)) sent.add(secret);
    };
    hide(content);
    answer = await http({
      method: method === "POST" ? "POST" : "GET",
      url,
      ...content,
      ...repeatOptionsFor(method, form, (renewed) => hide({ form: renewed })),
      action: step.action,
      timeout: timeLeft(),
      maxBytes: MAX_BYTES,
      once: true,
      signal,
    });
    first ??= answer;
    const text = BODILESS.includes(answer.status) ? null : answer.text;
    return new Response(text, { status: answer.status, headers: answer.headers });
  };
  try {
    const value = await work({ [customFetch]: send, [allowInsecureRequests]: true });
    if (first === undefined) throw new TypeError("a step without a request");
    return { value, answer: first };
  } catch (error) {
    throw toOAuthProblem({ ...step, hidden: [...step.hidden, ...sent, ...received()] }, error, url, answer);
  }
}

/** The same for a request without the library. Without an answer, the hint says what to check. */
export async function sendWithoutLibrary(
  http: SendHttp,
  step: OAuthErrorContext,
  request: HttpRequest,
  hint?: string,
): Promise<HttpAnswer> {
  try {
    return await http({ maxBytes: MAX_BYTES, action: step.action, ...request });
  } catch (error) {
    if (error instanceof BusyServerError) throw busyProblem(step, request.url, error);
    throw error instanceof NetworkFailure ? networkProblem(step, request.url, error, hint) : error;
  }
}

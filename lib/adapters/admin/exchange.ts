import { formatDuration } from "../../core/duration.ts";
import { isJsonObject } from "../../core/json.ts";
import {
  type Http,
  type HttpAnswer,
  type HttpRequest,
  MAX_TIMER_MS,
  NetworkFailure,
  networkHint,
} from "../../core/network.ts";
import { Problem } from "../../core/problem.ts";
import { redactUrl, redactValues, secretsIn } from "../../core/redact.ts";
import { escapeControls, quote } from "../../core/text.ts";
import {
  type Answer,
  clientIn,
  FAMILIES,
  faultOf,
  hasOwnError,
  type ReadClient,
  type ServerFamily,
} from "../../servers/index.ts";
import { cut, type Details, FAULTS, HINTS, UNEXPECTED_RESPONSE } from "./problems.ts";
import { backoff, mayHaveBeenProcessed, retryAfter, retryable } from "./retry.ts";

/** Where and how the admin API is reached. */
export interface AdminOptions {
  readonly http: Http;
  /** The address that requests go to, without a trailing slash: `http://127.0.0.1:4445`. */
  readonly base: string;
  /** How messages call the server: the endpoint as the user gave it, and where it came from. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The only family to ask, or undefined to find out. */
  readonly family: ServerFamily | undefined;
  /** Milliseconds that the command may take; 0 means one try. */
  readonly failAfter: number;
  readonly monotonic: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly random: (count: number) => Uint8Array;
  readonly warn: (line: string) => void;
  /** Whether retries are not told. */
  readonly quiet?: boolean;
  readonly signal: AbortSignal;
}

/** The time of the only try when there are no retries. */
const SINGLE_ATTEMPT_MS = 60_000;

/** The most bytes of an answer about one client: 4 MiB. */
const CLIENT_BYTES = 4 * 1024 * 1024;

/** The least time that one of several tries gets before it is given up for a new one. */
const SHORTEST_ATTEMPT_MS = 5_000;

/** Milliseconds below which a try is not begun: its time would be over first, and nobody would know what came of it. */
const MIN_ATTEMPT_MS = 50;

export interface AdminRequest {
  readonly method: HttpRequest["method"];
  readonly path: (family: ServerFamily) => string;
  readonly body?: unknown;
  /** What the command was doing, for messages: `Cannot create client`. */
  readonly action: string;
  readonly target: "one client" | "the collection";
  /** False where a repeat could do it twice. */
  readonly repeatable: boolean;
}

/** The answer that a request ended with. */
interface AdminResponse {
  readonly answer: Answer;
  /** Why the tries ended with an answer that another try could have changed, as a message says it behind the answer. */
  readonly gaveUpBecause: string | undefined;
}

export interface RoutedResponse extends AdminResponse {
  readonly family: ServerFamily;
}

/** What is known of the tries of one request; it outlives an exception. */
export interface Trail {
  /** A try may have reached the server without its answer coming back. */
  ambiguous: boolean;
}

export function triedFor(milliseconds: number): string {
  return `tried for ${formatDuration(milliseconds)}`;
}

/** Requests to one server, and what their answers come to. */
interface Exchange {
  /** The family, once an answer has told it. */
  known: ServerFamily | undefined;
  /** Milliseconds that are left of `--fail-after`. */
  remaining(): number;
  /** One request until it has an answer that counts, over the retries that can help. */
  send(ask: AdminRequest, family: ServerFamily, trail: Trail): Promise<AdminResponse>;
  /** Asks with the family that is known, or with each in turn until a path exists. */
  answerTo(ask: AdminRequest, trail?: Trail): Promise<RoutedResponse>;
  /** The text of a successful answer; a Problem for any other. */
  okText(ask: AdminRequest, told: RoutedResponse): string;
  /** The client of an answer, which must be the one that was asked about. */
  client(ask: AdminRequest, told: RoutedResponse, id: string): ReadClient;
  problem(ask: AdminRequest, family: ServerFamily, message: string, details: Details): Problem;
  refusal(ask: AdminRequest, told: RoutedResponse): Problem;
  unreadable(ask: AdminRequest, told: RoutedResponse, what: string, got?: string): Problem;
  /** How a message names a client of another id than was asked for. */
  anotherClient(ask: AdminRequest, id: string): string;
}

export function createExchange(options: AdminOptions): Exchange {
  const { base, endpoint, monotonic } = options;
  const began = monotonic();
  let known = options.family;
  const remaining = (): number =>
    options.failAfter === 0 ? SINGLE_ATTEMPT_MS : Math.max(0, options.failAfter - (monotonic() - began));

  function url(ask: AdminRequest, family: ServerFamily): string {
    return `${base}${ask.path(family)}`;
  }

  function problem(ask: AdminRequest, family: ServerFamily, message: string, details: Details): Problem {
    return new Problem(`${ask.action}: ${message}`, {
      ...details,
      request: { method: ask.method, url: escapeControls(redactUrl(url(ask, family))) },
    });
  }

  const spent = (): string => triedFor(options.failAfter);

  /** One request until it has an answer that counts, over the retries that can help. */
  async function send(ask: AdminRequest, family: ServerFamily, trail: Trail): Promise<AdminResponse> {
    let lastAnswer: Answer | undefined;
    let bare500s = 0;
    for (let tries = 1; ; tries++) {
      let failure: NetworkFailure | undefined;
      let asked = 0;
      const left = remaining();
      // Before the try: a request that was never sent leaves no doubt.
      options.signal.throwIfAborted();
      try {
        const answer = await options.http({
          method: ask.method,
          url: url(ask, family),
          headers: {
            accept: "application/json",
            ...(ask.body === undefined
              ? {}
              : { "content-type": ask.method === "PATCH" ? "application/json-patch+json" : "application/json" }),
            ...options.headers,
          },
          ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
          timeout:
            options.failAfter === 0 || !ask.repeatable ? left : Math.min(left, Math.max(SHORTEST_ATTEMPT_MS, left / 2)),
          once: !ask.repeatable,
          ...(ask.target === "one client" || ask.method === "POST" ? { maxBytes: CLIENT_BYTES } : {}),
          signal: options.signal,
        });
        lastAnswer = readAnswer(answer);
        if (lastAnswer.status === 500 && !hasOwnError(lastAnswer)) bare500s++;
        const again = retryable(lastAnswer, bare500s);
        if (mayHaveBeenProcessed(lastAnswer)) trail.ambiguous = true;
        if (!again || (!ask.repeatable && trail.ambiguous)) return { answer: lastAnswer, gaveUpBecause: undefined };
        asked = retryAfter(answer.headers.get("retry-after"), options.now()) ?? 0;
      } catch (error) {
        if (!(error instanceof NetworkFailure)) {
          // An interruption: whether this try reached the server is not known.
          trail.ambiguous = true;
          throw error;
        }
        failure = error;
        if (failure.maybeSent) trail.ambiguous = true;
      }
      const helps =
        failure === undefined ||
        failure.kind === "refused" ||
        failure.kind === "unresolved" ||
        ((failure.kind === "lost" || failure.kind === "timeout") && ask.repeatable);
      const rest = remaining();
      // Never less than the pause of its own: a server that says 0, or nonsense, would be asked without a break.
      const wait = Math.max(backoff(tries, options.random), asked);
      const over = options.failAfter === 0 || rest <= 0 || (failure === undefined && wait > rest);
      if (!helps || over) {
        if (lastAnswer === undefined) throw noAnswer(ask, family, failure, helps && options.failAfter > 0);
        const pause = formatDuration(Math.round(asked / 1000) * 1000);
        const why = asked > rest ? `it asks for a pause of ${pause}, longer than --fail-after leaves` : spent();
        return { answer: lastAnswer, gaveUpBecause: helps && options.failAfter > 0 ? why : undefined };
      }
      if (tries === 1 && options.quiet !== true) {
        const what = failure?.message ?? `server answered ${lastAnswer?.status ?? 0}`;
        options.warn(
          `${ask.action} yet: ${what} (${endpoint}); trying again for ${formatDuration(Math.round(rest / 100) * 100)}`,
        );
      }
      const last = wait + MIN_ATTEMPT_MS > rest;
      await options.sleep(Math.min(MAX_TIMER_MS, last ? rest : wait), options.signal);
      if (last || remaining() <= 0) {
        if (lastAnswer !== undefined) return { answer: lastAnswer, gaveUpBecause: spent() };
        throw noAnswer(ask, family, failure, true);
      }
    }
  }

  function noAnswer(
    ask: AdminRequest,
    family: ServerFamily,
    failure: NetworkFailure | undefined,
    ranOut: boolean,
  ): Problem {
    const kind = failure?.kind ?? "lost";
    const reason = `${failure?.message ?? "the connection failed"}${ranOut ? ` (${spent()})` : ""}`;
    return problem(ask, family, `no answer from ${endpoint}: ${reason}`, {
      code:
        kind === "timeout"
          ? "timeout"
          : kind === "certificate"
            ? "certificate"
            : kind === "protocol"
              ? "not-http"
              : "unreachable",
      exit: "unreachable",
      hint: failure === undefined ? HINTS[kind] : networkHint(failure, HINTS[kind]),
      cause: failure,
    });
  }

  /** Asks with the family that is known, or with each in turn until a path exists. */
  async function answerTo(ask: AdminRequest, trail: Trail = { ambiguous: false }): Promise<RoutedResponse> {
    const families = known === undefined ? FAMILIES : [known];
    let told: RoutedResponse | undefined;
    for (const family of families) {
      const reply = await send(ask, family, trail);
      const { answer } = reply;
      const missing = answer.status >= 400 && faultOf(answer, family, ask.target).kind === "missing-route";
      if (!missing) {
        // A refusal at the door (a proxy's 401, a 502) says nothing about the family behind it.
        if (answer.status < 300 || faultOf(answer, family, ask.target).kind !== "unauthorised")
          known ??= answer.status < 500 ? family : undefined;
        return { ...reply, family };
      }
      told = { ...reply, family };
    }
    const at = families.map((family) => family.clients).join(" nor ");
    const family = told?.family ?? families[0];
    if (family === undefined) throw new TypeError("there is no server family");
    // The router of Hydra up to 2.3 takes an escaped slash for a part of the path.
    if (ask.target === "one client" && /\/clients\/[^/]*%2f/i.test(ask.path(family))) {
      throw problem(ask, family, `${endpoint} cannot be asked for an id with a slash, or is not a Hydra admin port`, {
        code: "slash-in-id",
        exit: "failed",
        status: 404,
        hint: "Hydra up to 2.3 makes such a client and never finds it again; newer ones do",
      });
    }
    throw problem(
      ask,
      family,
      `${endpoint} has no ${families.length > 1 ? "path " : ""}${at}: it is not a Hydra admin port`,
      {
        code: "not-an-admin-api",
        exit: "failed",
        status: 404,
        hint: "give the address of the admin port (4445 by default, not the public 4444), without a path behind it",
      },
    );
  }

  function refusal(ask: AdminRequest, told: RoutedResponse): Problem {
    const fault = faultOf(told.answer, told.family, ask.target);
    const { gaveUpBecause } = told;
    const { status, contentType, location } = told.answer;
    if (fault.kind === "moved" && (status === 304 || location === "")) {
      const what = status === 304 ? "which fits no request of this program" : "a redirect that points nowhere";
      return problem(ask, told.family, `server answered ${status}, ${what}`, { ...UNEXPECTED_RESPONSE, status });
    }
    const row = FAULTS[fault.kind];
    const said =
      fault.kind === "moved"
        ? `server redirects to ${quote(redactUrl(serverText(ask, location)))} (status ${status}), which is not followed`
        : fault.reason !== undefined
          ? `server answered ${status}: ${cut(escapeControls(serverText(ask, fault.reason)))}`
          : `server answered ${status}${/html/i.test(contentType) ? " with a web page" : ""}`;
    if (gaveUpBecause === undefined) return problem(ask, told.family, said, { ...row, status });
    const hint = fault.kind === "busy" ? row.hint : "raise --fail-after, or look into the server's log";
    return problem(ask, told.family, `${said} (${gaveUpBecause})`, { ...row, exit: "unreachable", hint, status });
  }

  /** A text of the server as a message may show it: without what was sent to it. */
  function serverText(ask: AdminRequest, text: string): string {
    return redactValues(text, credentialsIn(ask));
  }

  /** What was sent and must not come back in a message, whatever a server repeats in its errors. */
  function credentialsIn({ body }: AdminRequest): readonly string[] {
    const steps: readonly unknown[] = Array.isArray(body) ? body : [body];
    const secrets = steps
      .filter(isJsonObject)
      .map((step) => (step["path"] === "/client_secret" ? step["value"] : step["client_secret"]));
    return [...secretsIn(options.headers), ...secrets.filter((secret) => typeof secret === "string")];
  }

  function okText(ask: AdminRequest, told: RoutedResponse): string {
    const { status, text } = told.answer;
    if (status < 200 || status > 299) throw refusal(ask, told);
    return text;
  }

  function unreadable(ask: AdminRequest, told: RoutedResponse, what: string, got?: string): Problem {
    const body = got ?? (/html/i.test(told.answer.contentType) ? "a web page" : "something else");
    return problem(ask, told.family, `server answered ${told.answer.status} with ${body} instead of ${what}`, {
      ...UNEXPECTED_RESPONSE,
      status: told.answer.status,
    });
  }

  function anotherClient(ask: AdminRequest, id: string): string {
    return `another client, ${quote(serverText(ask, id))},`;
  }

  /** The client of an answer, which must be the one that was asked about. */
  function client(ask: AdminRequest, told: RoutedResponse, id: string): ReadClient {
    const read = clientIn(okText(ask, told));
    if (read === undefined) throw unreadable(ask, told, "a client");
    const { record } = read;
    // A database may take ids without regard to case, and then answers with the one that it has.
    if (record.client_id.toLowerCase() === id.toLowerCase()) return read;
    throw unreadable(ask, told, `client ${quote(id)}`, anotherClient(ask, record.client_id));
  }

  return {
    get known() {
      return known;
    },
    set known(family) {
      known = family;
    },
    ...{ remaining, send, answerTo, okText, client, problem, refusal, unreadable, anotherClient },
  };
}

function readAnswer(answer: HttpAnswer): Answer {
  return {
    status: answer.status,
    contentType: answer.headers.get("content-type") ?? "",
    link: answer.headers.get("link") ?? "",
    location: answer.headers.get("location") ?? "",
    text: answer.text,
  };
}

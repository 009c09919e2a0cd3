import * as v from "valibot";
import { isRecord } from "../core/client.ts";
import { formatDuration } from "../core/duration.ts";
import { MAX_DEPTH, TOO_DEEP_CODE } from "../core/json.ts";
import {
  GRACE,
  type Http,
  type HttpAnswer,
  type HttpRequest,
  LONGEST_TIMER,
  NetworkFailure,
  networkHint,
} from "../core/network.ts";
import { type ExitName, Problem, reworded } from "../core/problem.ts";
import { hiddenValues, shownUrl, withoutValues } from "../core/secret.ts";
import { shellQuoted } from "../core/shell.ts";
import { joined, printable, quoted } from "../core/text.ts";
import {
  type Answer,
  type ClientRecord,
  clientIn,
  clientsIn,
  FAMILIES,
  type Fault,
  faultOf,
  hasOwnError,
  isJson,
  jsonOf,
  type PageRequest,
  type ReadClient,
  type ServerFamily,
} from "../servers/index.ts";

export type { ClientRecord } from "../servers/index.ts";

/** How a create ended. */
export type CreateOutcome =
  /** The server answered this run's own POST with 201. */
  | { readonly kind: "created"; readonly record: ClientRecord }
  /** An answer was lost, and the client is there under the id that this run made up. */
  | { readonly kind: "found"; readonly record: ClientRecord }
  /** Nothing was made. */
  | { readonly kind: "refused"; readonly problem: unknown }
  /** A client may have been made by this run; its secret must be kept. */
  | { readonly kind: "unknown"; readonly problem: Problem; readonly clientId: string | undefined };

/** A page of a list. */
export interface Page {
  readonly clients: readonly ClientRecord[];
  /** Why some of them cannot be shown: only their ids, and what is not nested in them, can be relied on. */
  readonly unreadable: ReadonlyMap<ClientRecord, Problem>;
  readonly next: PageRequest | undefined;
}

/** One step of a JSON Patch (RFC 6902). */
export interface PatchStep {
  readonly op: "add" | "replace" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

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

/** An admin API of a Hydra, whichever family it is of. */
export interface Admin {
  /** The family, asked for by a harmless request when no answer has told it yet. */
  family(): Promise<ServerFamily>;
  /** Milliseconds that are left of `--fail-after`. */
  remaining(): number;
  create(payload: Readonly<Record<string, unknown>>, ownId: boolean): Promise<CreateOutcome>;
  /** The client, or undefined when there is none. */
  find(id: string): Promise<ClientRecord | undefined>;
  get(id: string): Promise<ClientRecord>;
  page(request: PageRequest): Promise<Page>;
  replace(id: string, payload: Readonly<Record<string, unknown>>): Promise<ClientRecord>;
  patch(id: string, steps: readonly PatchStep[]): Promise<ClientRecord>;
  remove(id: string): Promise<void>;
  /**
   * Lets the server make a new secret beside the old ones, which stay valid; undefined where it cannot. Sent once: a
   * repeat would make another secret.
   */
  rotate(id: string): Promise<ClientRecord | undefined>;
  /** Drops the secrets that {@link rotate} left valid; undefined where the server keeps none. */
  finishRotation(id: string): Promise<ClientRecord | undefined>;
  /** Resolves once the server says that it is ready. */
  ready(): Promise<void>;
  /** What the server says that its version is. */
  version(): Promise<string>;
  /** The same API with a time of its own; deaf to signals unless one is given, for finding out and taking back. */
  afterwards(milliseconds: number, signal?: AbortSignal): Admin;
}

/** The time of the only try when there are no retries. */
const SINGLE_TRY = 60_000;

/** The most bytes of an answer about one client: 4 MiB. */
const CLIENT_BYTES = 4 * 1024 * 1024;

/** The least time that one of several tries gets before it is given up for a new one. */
const SHORTEST_TRY = 5_000;

/** Milliseconds below which a try is not begun: its time would be over first, and nobody would know what came of it. */
const LEAST_TRY = 50;

interface Ask {
  readonly method: HttpRequest["method"];
  readonly path: (family: ServerFamily) => string;
  readonly body?: unknown;
  /** What the command was doing, for messages: `Cannot create client`. */
  readonly action: string;
  readonly names: "one client" | "the collection";
  /** False where a repeat could do it twice. */
  readonly repeatable: boolean;
}

/** The answer that a request ended with. */
interface Reply {
  readonly answer: Answer;
  /** Why the tries ended with an answer that another try could have changed, as a message says it behind the answer. */
  readonly late: string | undefined;
}

interface Told extends Reply {
  readonly family: ServerFamily;
}

/** What is known of the tries of one request; it outlives an exception. */
interface Trail {
  /** A try may have reached the server without its answer coming back. */
  doubtful: boolean;
}

function triedFor(milliseconds: number): string {
  return `tried for ${formatDuration(milliseconds)}`;
}

/** Requests to one server, and what their answers come to. */
interface Exchange {
  /** The family, once an answer has told it. */
  known: ServerFamily | undefined;
  /** Milliseconds that are left of `--fail-after`. */
  remaining(): number;
  /** One request until it has an answer that counts, over the retries that can help. */
  send(ask: Ask, family: ServerFamily, trail: Trail): Promise<Reply>;
  /** Asks with the family that is known, or with each in turn until a path exists. */
  answerTo(ask: Ask, trail?: Trail): Promise<Told>;
  /** The text of a successful answer; a Problem for any other. */
  okText(ask: Ask, told: Told): string;
  /** The client of an answer, which must be the one that was asked about. */
  client(ask: Ask, told: Told, id: string): ReadClient;
  problem(ask: Ask, family: ServerFamily, message: string, details: Details): Problem;
  refusal(ask: Ask, told: Told): Problem;
  unreadable(ask: Ask, told: Told, what: string, got?: string): Problem;
  /** How a message names a client of another id than was asked for. */
  anotherClient(ask: Ask, id: string): string;
}

function createExchange(options: AdminOptions): Exchange {
  const { base, endpoint, monotonic } = options;
  const began = monotonic();
  let known = options.family;
  const remaining = (): number =>
    options.failAfter === 0 ? SINGLE_TRY : Math.max(0, options.failAfter - (monotonic() - began));

  function url(ask: Ask, family: ServerFamily): string {
    return `${base}${ask.path(family)}`;
  }

  function problem(ask: Ask, family: ServerFamily, message: string, details: Details): Problem {
    return new Problem(`${ask.action}: ${message}`, {
      ...details,
      request: { method: ask.method, url: printable(shownUrl(url(ask, family))) },
    });
  }

  const spent = (): string => triedFor(options.failAfter);

  /** One request until it has an answer that counts, over the retries that can help. */
  async function send(ask: Ask, family: ServerFamily, trail: Trail): Promise<Reply> {
    let lastAnswer: Answer | undefined;
    let odd500 = 0;
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
          timeout: options.failAfter === 0 || !ask.repeatable ? left : Math.min(left, Math.max(SHORTEST_TRY, left / 2)),
          once: !ask.repeatable,
          ...(ask.names === "one client" || ask.method === "POST" ? { maxBytes: CLIENT_BYTES } : {}),
          signal: options.signal,
        });
        lastAnswer = readAnswer(answer);
        if (lastAnswer.status === 500 && !hasOwnError(lastAnswer)) odd500++;
        const again = retryable(lastAnswer, odd500);
        if (mayHavePassed(lastAnswer)) trail.doubtful = true;
        if (!again || (!ask.repeatable && trail.doubtful)) return { answer: lastAnswer, late: undefined };
        asked = retryAfter(answer.headers.get("retry-after"), options.now()) ?? 0;
      } catch (error) {
        if (!(error instanceof NetworkFailure)) {
          // An interruption: whether this try reached the server is not known.
          trail.doubtful = true;
          throw error;
        }
        failure = error;
        if (failure.maybeSent) trail.doubtful = true;
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
        return { answer: lastAnswer, late: helps && options.failAfter > 0 ? why : undefined };
      }
      if (tries === 1 && options.quiet !== true) {
        const what = failure?.message ?? `server answered ${lastAnswer?.status ?? 0}`;
        options.warn(
          `${ask.action} yet: ${what} (${endpoint}); trying again for ${formatDuration(Math.round(rest / 100) * 100)}`,
        );
      }
      const last = wait + LEAST_TRY > rest;
      await options.sleep(Math.min(LONGEST_TIMER, last ? rest : wait), options.signal);
      if (last || remaining() <= 0) {
        if (lastAnswer !== undefined) return { answer: lastAnswer, late: spent() };
        throw noAnswer(ask, family, failure, true);
      }
    }
  }

  function noAnswer(ask: Ask, family: ServerFamily, failure: NetworkFailure | undefined, ranOut: boolean): Problem {
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
  async function answerTo(ask: Ask, trail: Trail = { doubtful: false }): Promise<Told> {
    const families = known === undefined ? FAMILIES : [known];
    let told: Told | undefined;
    for (const family of families) {
      const reply = await send(ask, family, trail);
      const { answer } = reply;
      const missing = answer.status >= 400 && faultOf(answer, family, ask.names).kind === "missing-route";
      if (!missing) {
        // A refusal at the door (a proxy's 401, a 502) says nothing about the family behind it.
        if (answer.status < 300 || faultOf(answer, family, ask.names).kind !== "unauthorised")
          known ??= answer.status < 500 ? family : undefined;
        return { ...reply, family };
      }
      told = { ...reply, family };
    }
    const at = families.map((family) => family.clients).join(" nor ");
    const family = told?.family ?? families[0];
    if (family === undefined) throw new TypeError("there is no server family");
    // The router of Hydra up to 2.3 takes an escaped slash for a part of the path.
    if (ask.names === "one client" && /\/clients\/[^/]*%2f/i.test(ask.path(family))) {
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

  function refusal(ask: Ask, told: Told): Problem {
    const fault = faultOf(told.answer, told.family, ask.names);
    const { late } = told;
    const { status, contentType, location } = told.answer;
    if (fault.kind === "moved" && (status === 304 || location === "")) {
      const what = status === 304 ? "which fits no request of this program" : "a redirect that points nowhere";
      return problem(ask, told.family, `server answered ${status}, ${what}`, { ...ODD, status });
    }
    const row = FAULTS[fault.kind];
    const said =
      fault.kind === "moved"
        ? `server redirects to ${quoted(shownUrl(theirs(ask, location)))} (status ${status}), which is not followed`
        : fault.reason !== undefined
          ? `server answered ${status}: ${cut(printable(theirs(ask, fault.reason)))}`
          : `server answered ${status}${/html/i.test(contentType) ? " with a web page" : ""}`;
    if (late === undefined) return problem(ask, told.family, said, { ...row, status });
    const hint = fault.kind === "busy" ? row.hint : "raise --fail-after, or look into the server's log";
    return problem(ask, told.family, `${said} (${late})`, { ...row, exit: "unreachable", hint, status });
  }

  /** A text of the server as a message may show it: without what was sent to it. */
  function theirs(ask: Ask, text: string): string {
    return withoutValues(text, credentialsIn(ask));
  }

  /** What was sent and must not come back in a message, whatever a server repeats in its errors. */
  function credentialsIn({ body }: Ask): readonly string[] {
    const steps: readonly unknown[] = Array.isArray(body) ? body : [body];
    const secrets = steps
      .filter(isRecord)
      .map((step) => (step["path"] === "/client_secret" ? step["value"] : step["client_secret"]));
    return [...hiddenValues(options.headers), ...secrets.filter((secret) => typeof secret === "string")];
  }

  function okText(ask: Ask, told: Told): string {
    const { status, text } = told.answer;
    if (status < 200 || status > 299) throw refusal(ask, told);
    return text;
  }

  function unreadable(ask: Ask, told: Told, what: string, got?: string): Problem {
    const body = got ?? (/html/i.test(told.answer.contentType) ? "a web page" : "something else");
    return problem(ask, told.family, `server answered ${told.answer.status} with ${body} instead of ${what}`, {
      ...ODD,
      status: told.answer.status,
    });
  }

  function anotherClient(ask: Ask, id: string): string {
    return `another client, ${quoted(theirs(ask, id))},`;
  }

  /** The client of an answer, which must be the one that was asked about. */
  function client(ask: Ask, told: Told, id: string): ReadClient {
    const read = clientIn(okText(ask, told));
    if (read === undefined) throw unreadable(ask, told, "a client");
    const { record } = read;
    // A database may take ids without regard to case, and then answers with the one that it has.
    if (record.client_id.toLowerCase() === id.toLowerCase()) return read;
    throw unreadable(ask, told, `client ${quoted(id)}`, anotherClient(ask, record.client_id));
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

/** Makes the {@link Admin} API. */
export function createAdmin(options: AdminOptions): Admin {
  const exchange = createExchange(options);
  const { remaining, send, answerTo, okText, client, problem, refusal, unreadable, anotherClient } = exchange;

  const one = (id: string) => (family: ServerFamily) => `${family.clients}/${encodeURIComponent(id)}`;
  const all = (family: ServerFamily): string => family.clients;

  /** The client, or the problem that there is none. */
  async function lookUp(id: string): Promise<ReadClient | Problem> {
    const action = `Cannot get client ${quoted(id)}`;
    const ask: Ask = { method: "GET", path: one(id), action, names: "one client", repeatable: true };
    const told = await answerTo(ask);
    return isGone(told) ? notFound(ask, told, id) : client(ask, told, id);
  }

  function isGone({ answer, family }: Told): boolean {
    return answer.status >= 400 && faultOf(answer, family, "one client").kind === "not-found";
  }

  /** The problem of a client that is not there. */
  function notFound(ask: Ask, told: Told, id: string): Problem {
    const message = `there is no client with the id ${quoted(id)}`;
    return problem(ask, told.family, message, { ...FAULTS["not-found"], status: told.answer.status });
  }

  async function find(id: string): Promise<ClientRecord | undefined> {
    const found = await lookUp(id);
    return found instanceof Problem ? undefined : found.record;
  }

  /** The client that a successful change answered with; one that nests too deep was changed all the same. */
  function answered(ask: Ask, told: Told, id: string): ClientRecord {
    const read = client(ask, told, id);
    warnUnread(read);
    const { record } = read;
    return record;
  }

  /** Sends a change; a failure says whether the change may have been made all the same. */
  async function changed(ask: Ask, id: string): Promise<ClientRecord> {
    const trail: Trail = { doubtful: false };
    try {
      const told = await answerTo(ask, trail);
      if (told.answer.status < 300) trail.doubtful = true;
      return answered(ask, told, id);
    } catch (error) {
      if (!trail.doubtful || !(error instanceof Problem)) throw error;
      throw reworded(error, `${said(error, ask)}; the change may have been made all the same`, { doubtful: true });
    }
  }

  /** Says which fields of an answer to a write nest too deep to be shown; the write was a success all the same. */
  function warnUnread({ record, unread }: ReadClient): void {
    if (unread.length === 0) return;
    options.warn(
      `the server's answer about client ${quoted(record.client_id)} has ${deepFields(unread)}; it is shown as null`,
    );
  }

  async function rotation(
    id: string,
    method: "POST" | "DELETE",
    action: string,
    repeatable: boolean,
  ): Promise<ClientRecord | undefined> {
    const path = (family: ServerFamily): string => `${one(id)(family)}/secrets/rotate`;
    const ask: Ask = { method, path, action, names: "one client", repeatable };
    const family = exchange.known ?? (await admin.family());
    if (family.update !== "patch") return undefined;
    const trail: Trail = { doubtful: false };
    try {
      const told: Told = { ...(await send(ask, family, trail)), family };
      const { answer } = told;
      const fault = answer.status < 400 ? undefined : faultOf(answer, family, ask.names).kind;
      if (answer.status === 405 || fault === "missing-route") return undefined;
      if (fault === "not-found") throw notFound(ask, told, id);
      if (answer.status < 300) trail.doubtful = true;
      return answered(ask, told, id);
    } catch (error) {
      if (!trail.doubtful || !(error instanceof Problem)) throw error;
      throw reworded(error, `${said(error, ask)}; it may have been done all the same`, { doubtful: true });
    }
  }

  /** After a lost answer: is the client of this id there? Undefined when that cannot be found out in time. */
  async function look(id: string): Promise<ClientRecord | "none" | undefined> {
    try {
      return (await admin.afterwards(GRACE).find(id)) ?? "none";
    } catch {
      return undefined;
    }
  }

  async function create(payload: Readonly<Record<string, unknown>>, ownId: boolean): Promise<CreateOutcome> {
    const id = typeof payload["client_id"] === "string" ? payload["client_id"] : undefined;
    const ask: Ask = {
      method: "POST",
      path: all,
      body: payload,
      action: "Cannot create client",
      names: "the collection",
      repeatable: id !== undefined,
    };
    const trail: Trail = { doubtful: false };
    let told: Told;
    try {
      told = await answerTo(ask, trail);
    } catch (error) {
      return settle(error);
    }
    const { answer, family } = told;
    if (answer.status >= 200 && answer.status < 300) {
      const read = clientIn(answer.text);
      const other =
        read !== undefined && id !== undefined && read.record.client_id !== id ? read.record.client_id : undefined;
      if (read !== undefined && answer.status === 201 && other === undefined) {
        warnUnread(read);
        return { kind: "created", record: read.record };
      }
      trail.doubtful = true;
      const got = other === undefined ? undefined : anotherClient(ask, other);
      return settle(unreadable(ask, told, "the client that it made", got));
    }
    const fault = faultOf(answer, family, ask.names);
    if (fault.kind === "id-refused") {
      if (ownId) {
        const { client_id: _, ...rest } = payload;
        return create(rest, false);
      }
      return {
        kind: "refused",
        problem: problem(
          ask,
          family,
          `this server does not let a client's id be chosen${id === undefined ? "" : ` (--id ${quoted(id)})`}`,
          {
            code: "id-refused",
            exit: "failed",
            status: answer.status,
            hint: "Hydra 2.0 and 2.1 make the id themselves: leave out --id, or move the server to 2.2 or newer",
          },
        ),
      };
    }
    // Nobody else has the UUID that was made up here: something on the way has sent the request twice.
    if (fault.kind === "conflict" && ownId) trail.doubtful = true;
    if (answer.status === 500 && hasOwnError(answer)) return settleBroken(refusal(ask, told));
    return settle(fault.kind === "conflict" && id !== undefined ? conflict(ask, told, id) : refusal(ask, told));

    /** A 500 in the server's own words can follow the insert: a database may have committed and not said so. */
    async function settleBroken(error: Problem): Promise<CreateOutcome> {
      const found = id === undefined ? undefined : await look(id);
      if (found === "none") return trail.doubtful ? settle(error) : { kind: "refused", problem: error };
      if (found !== undefined && ownId) {
        options.warn(`server answered 500, and client ${quoted(found.client_id)} was created all the same`);
        return { kind: "found", record: found };
      }
      return { kind: "unknown", problem: doubt(error, false), clientId: id };
    }

    /** What a create that has no answer of its own came to. */
    async function settle(error: unknown): Promise<CreateOutcome> {
      if (!trail.doubtful) return { kind: "refused", problem: error };
      const found = id !== undefined && ownId ? await look(id) : undefined;
      if (found !== undefined && found !== "none") return { kind: "found", record: found };
      const reason =
        error instanceof Problem
          ? error
          : new Problem("Cannot create client: interrupted", { code: "interrupted", exit: "failed", cause: error });
      return { kind: "unknown", problem: doubt(reason, found === "none"), clientId: id };
    }

    function doubt(reason: Problem, absent: boolean): Problem {
      const which = id === undefined ? "look for the newest client of this name" : `look for client ${quoted(id)}`;
      const state = absent
        ? "the server does not have the client now, but the request may still arrive"
        : reason.code === "conflict"
          ? "an answer was lost before, so the client may be this run's"
          : "the client may have been made all the same";
      return reworded(reason, `${said(reason, ask)}; ${state}`, {
        hint: `${which} before you run this again: hydra clients ${id === undefined ? "list" : `get ${id}`}`,
        doubtful: true,
      });
    }
  }

  function conflict(ask: Ask, told: Told, id: string): Problem {
    return problem(ask, told.family, `there is a client with the id ${quoted(id)} already`, {
      code: "conflict",
      exit: "conflict",
      status: told.answer.status,
      hint: `choose another --id, or change that client: hydra clients update ${id}`,
    });
  }

  const admin: Admin = {
    async family() {
      if (exchange.known === undefined) {
        const ask: Ask = {
          method: "GET",
          path: (family) => `${family.clients}${family.pageQuery({ size: 1 })}`,
          action: "Cannot find out the server's version",
          names: "the collection",
          repeatable: true,
        };
        const told = await answerTo(ask);
        if (told.answer.status > 299) throw refusal(ask, told);
        exchange.known = told.family;
      }
      return exchange.known;
    },
    remaining,
    create,
    find,
    async get(id) {
      const found = await lookUp(id);
      if (found instanceof Problem) throw found;
      if (found.unread.length > 0) throw tooDeep(`Cannot get client ${quoted(id)}`, id, found.unread);
      return found.record;
    },
    async page(request) {
      const ask: Ask = {
        method: "GET",
        path: (family) => `${family.clients}${family.pageQuery(request)}`,
        action: "Cannot list clients",
        names: "the collection",
        repeatable: true,
      };
      const told = await answerTo(ask);
      const read = clientsIn(okText(ask, told));
      if (read === undefined) throw unreadable(ask, told, "a list of clients");
      const { records: clients, unread } = read;
      const problems = Array.from(unread, ([client, fields]) => {
        const { client_id: id } = client;
        return [client, tooDeep(`Cannot show client ${quoted(id)}`, id, fields)] as const;
      });
      return {
        clients,
        unreadable: new Map(problems),
        next: told.family.nextPage(request, told.answer, clients.length),
      };
    },
    async replace(id, payload) {
      return changed(
        {
          method: "PUT",
          path: one(id),
          body: payload,
          action: `Cannot update client ${quoted(id)}`,
          names: "one client",
          repeatable: true,
        },
        id,
      );
    },
    async patch(id, steps) {
      return changed(
        {
          method: "PATCH",
          path: one(id),
          body: steps,
          action: `Cannot update client ${quoted(id)}`,
          names: "one client",
          repeatable: true,
        },
        id,
      );
    },
    async remove(id) {
      const ask: Ask = {
        method: "DELETE",
        path: one(id),
        action: `Cannot delete client ${quoted(id)}`,
        names: "one client",
        repeatable: true,
      };
      const trail: Trail = { doubtful: false };
      try {
        const told = await answerTo(ask, trail);
        // A repeat after a lost answer finds nothing because the first one worked.
        if (isGone(told) && trail.doubtful) return;
        if (isGone(told)) throw notFound(ask, told, id);
        const { status, text } = told.answer;
        if (status < 200 || status > 299) throw refusal(ask, told);
        if (status === 204 || text.trim() === "" || isJson(text)) return;
        // A page that something before the server put up for it.
        trail.doubtful = true;
        throw unreadable(ask, told, "a word that the client is deleted");
      } catch (error) {
        if (!trail.doubtful || !(error instanceof Problem)) throw error;
        throw reworded(error, error.message, { doubtful: true });
      }
    },
    rotate: (id) => rotation(id, "POST", `Cannot rotate the secret of client ${quoted(id)}`, false),
    finishRotation: (id) => rotation(id, "DELETE", `Cannot drop the old secrets of client ${quoted(id)}`, true),
    async ready() {
      const ask: Ask = {
        method: "GET",
        path: () => "/health/ready",
        action: "Cannot wait for the server",
        names: "the collection",
        repeatable: true,
      };
      const [family] = FAMILIES;
      const late = (answer: Answer): Problem => {
        const problem = refusal(ask, { answer, family, late: undefined });
        const tried = options.failAfter === 0 ? "" : ` (${triedFor(options.failAfter)})`;
        const hint = "wait longer with --for, or look into the server's log";
        return reworded(problem, `${problem.message}${tried}`, { exit: "unreachable", hint });
      };
      for (let last: Answer | undefined; ; ) {
        const reply = await send(ask, family, { doubtful: false }).catch((error: unknown) => {
          // What the server said last tells more than that the time ran out then.
          if (last === undefined || remaining() > 0) throw error;
          throw late(last);
        });
        const { answer } = reply;
        if (answer.status === 200) return;
        // A server that is still starting may answer anything but the last word of a router.
        if (answer.status < 500) throw refusal(ask, { ...reply, family });
        if (options.failAfter === 0 || remaining() <= 0) throw late(answer);
        last = answer;
        await options.sleep(Math.min(500, remaining()), options.signal);
      }
    },
    async version() {
      const ask: Ask = {
        method: "GET",
        path: () => "/version",
        action: "Cannot get the server's version",
        names: "the collection",
        repeatable: true,
      };
      // Asked without finding out the family, which both families would answer here.
      const [family] = FAMILIES;
      const told = { ...(await send(ask, family, { doubtful: false })), family };
      const read = v.safeParse(v.looseObject({ version: v.string() }), jsonOf(okText(ask, told)));
      if (!read.success) throw unreadable(ask, told, "a version");
      return read.output.version;
    },
    afterwards(milliseconds, signal = new AbortController().signal) {
      return createAdmin({
        ...options,
        family: exchange.known,
        failAfter: milliseconds,
        signal,
        quiet: true,
      });
    },
  };
  return admin;
}

interface Details {
  readonly code: string;
  readonly exit: ExitName;
  readonly hint: string;
  readonly status?: number;
  readonly cause?: unknown;
}

function deepFields(fields: readonly string[]): string {
  return `${joined(fields.map(printable))} nested more than ${MAX_DEPTH} levels deep`;
}

function tooDeep(action: string, id: string, fields: readonly string[]): Problem {
  return new Problem(`${action}: it has ${deepFields(fields)}`, {
    code: TOO_DEEP_CODE,
    exit: "failed",
    hint: `hydra clients list -q shows its id, and hydra clients delete ${shellQuoted(id)} deletes it`,
  });
}

/** An answer that no server of either family gives. */
const ODD: Details = {
  code: "unreadable-answer",
  exit: "failed",
  hint: "check that the endpoint is a Hydra admin port and not a proxy or another service",
};

const FAULTS: Readonly<Record<Fault["kind"], Details>> = {
  "missing-route": { code: "missing-route", exit: "failed", hint: "check that the endpoint is a Hydra admin port" },
  "not-found": { code: "not-found", exit: "notFound", hint: "hydra clients list shows the clients that there are" },
  conflict: { code: "conflict", exit: "conflict", hint: "choose another --id" },
  unauthorised: {
    code: "unauthorised",
    exit: "unauthorised",
    hint: "give a token with --access-token or OAUTH2_ACCESS_TOKEN, or the header that the proxy before the server wants with --header",
  },
  "id-refused": { code: "id-refused", exit: "failed", hint: "leave out --id" },
  invalid: { code: "invalid", exit: "failed", hint: "change what the server names, then run the command again" },
  moved: {
    code: "redirect",
    exit: "failed",
    hint: "give the address that it points to as --endpoint, or --api v1 or v2 if the family was found out wrongly",
  },
  busy: { code: "busy", exit: "unreachable", hint: "wait a little, or raise --fail-after" },
  broken: { code: "server-error", exit: "failed", hint: "look into the server's log; -v shows each request" },
  refused: { code: "refused", exit: "failed", hint: "-v shows each request" },
};

const HINTS: Readonly<Record<NetworkFailure["kind"], string>> = {
  refused: "check that the server runs and that --endpoint or HYDRA_ADMIN_URL names its admin port",
  exhausted: "close other programs or raise the limit, with ulimit -n for example",
  proxy: "check the proxy of the environment, or name the host in NO_PROXY to go around it",
  unresolved: "check the host name in --endpoint or HYDRA_ADMIN_URL",
  lost: "check that the address speaks http or https as the endpoint says, then run the command again",
  certificate: "trust the server's authority with --ca-file FILE, or for a test use --skip-tls-verify",
  handshake: "check https against http in the endpoint, and the port",
  protocol: "check http against https in the endpoint, and the port",
  timeout: "raise --fail-after, or look why the server is slow",
  "too-large": "check that the endpoint is a Hydra admin port",
};

function readAnswer(answer: HttpAnswer): Answer {
  return {
    status: answer.status,
    contentType: answer.headers.get("content-type") ?? "",
    link: answer.headers.get("link") ?? "",
    location: answer.headers.get("location") ?? "",
    text: answer.text,
  };
}

/** Whether another try can change this answer. */
function retryable(answer: Answer, odd500: number): boolean {
  if (answer.status === 500) return odd500 === 1 && !hasOwnError(answer);
  return answer.status === 429 || answer.status === 502 || answer.status === 503 || answer.status === 504;
}

/**
 * Whether an answer leaves open that the request was carried out: any that a gateway gives, a 500 without words, and 303,
 * which follows a request that was carried out (RFC 9110, 15.4.4).
 */
function mayHavePassed(answer: Answer): boolean {
  if (answer.status === 500) return !hasOwnError(answer);
  return answer.status > 501 || answer.status === 303;
}

/** Milliseconds before try number `tries + 1`: doubling from 0.2 s to 5 s, between half and all of it. */
function backoff(tries: number, random: (count: number) => Uint8Array): number {
  const full = Math.min(5_000, 200 * 2 ** (tries - 1));
  return full * (0.5 + (random(1)[0] ?? 0) / 510);
}

/** The Retry-After of RFC 9110, 10.2.3, as seconds or a date; in milliseconds. */
function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The message of a problem; an interruption does not know what it interrupted. */
function said({ code, message }: Problem, { action }: Ask): string {
  return code === "interrupted" ? `${action}: interrupted` : message;
}

function cut(text: string): string {
  return text.length > 400 ? `${text.slice(0, 399)}…` : text;
}

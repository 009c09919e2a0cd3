import * as v from "valibot";
import type { ClientRecord } from "../../core/client/client.ts";
import type { JsonObject } from "../../core/json.ts";
import { CLEANUP_MS } from "../../core/network.ts";
import { Problem, withMessage } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import {
  type Answer,
  clientIn,
  clientsIn,
  FAMILIES,
  faultOf,
  hasOwnError,
  isJson,
  jsonOf,
  type PageRequest,
  type ReadClient,
  type ServerFamily,
} from "../../servers/index.ts";
import {
  type AdminOptions,
  type AdminRequest,
  createExchange,
  type RoutedResponse,
  type Trail,
  triedFor,
} from "./exchange.ts";
import { deepFields, FAULTS, messageOf, tooDeep } from "./problems.ts";

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

/** An admin API of a Hydra, whichever family it is of. */
export interface Admin {
  /** The family, asked for by a harmless request when no answer has told it yet. */
  family(): Promise<ServerFamily>;
  /** Milliseconds that are left of `--fail-after`. */
  remaining(): number;
  create(payload: JsonObject, ownId: boolean): Promise<CreateOutcome>;
  /** The client, or undefined when there is none. */
  find(id: string): Promise<ClientRecord | undefined>;
  get(id: string): Promise<ClientRecord>;
  page(request: PageRequest): Promise<Page>;
  replace(id: string, payload: JsonObject): Promise<ClientRecord>;
  patch(id: string, steps: readonly PatchStep[]): Promise<ClientRecord>;
  remove(id: string): Promise<void>;
  /**
   * Lets the server make a new secret beside the old ones, which stay valid; undefined where it cannot. Sent once: a
   * repeat would make another secret.
   */
  rotate(id: string): Promise<ClientRecord | undefined>;
  /** Drops the secrets that {@link rotate} left valid; undefined where the server keeps none. */
  dropOldSecrets(id: string): Promise<ClientRecord | undefined>;
  /** Resolves once the server says that it is ready. */
  ready(): Promise<void>;
  /** What the server says that its version is. */
  version(): Promise<string>;
  /** The same API with a time of its own; deaf to signals unless one is given, for finding out and taking back. */
  withDeadline(milliseconds: number, signal?: AbortSignal): Admin;
}

/** Makes the {@link Admin} API. */
export function createAdmin(options: AdminOptions): Admin {
  const exchange = createExchange(options);
  const { remaining, send, answerTo, okText, client, problem, refusal, unreadable, anotherClient } = exchange;

  const one = (id: string) => (family: ServerFamily) => `${family.clients}/${encodeURIComponent(id)}`;
  const all = (family: ServerFamily): string => family.clients;

  /** The client, or the problem that there is none. */
  async function lookUp(id: string): Promise<ReadClient | Problem> {
    const action = `Cannot get client ${quote(id)}`;
    const ask: AdminRequest = { method: "GET", path: one(id), action, target: "one client", repeatable: true };
    const told = await answerTo(ask);
    return isGone(told) ? notFound(ask, told, id) : client(ask, told, id);
  }

  function isGone({ answer, family }: RoutedResponse): boolean {
    return answer.status >= 400 && faultOf(answer, family, "one client").kind === "not-found";
  }

  /** The problem of a client that is not there. */
  function notFound(ask: AdminRequest, told: RoutedResponse, id: string): Problem {
    const message = `there is no client with the id ${quote(id)}`;
    return problem(ask, told.family, message, { ...FAULTS["not-found"], status: told.answer.status });
  }

  async function find(id: string): Promise<ClientRecord | undefined> {
    const found = await lookUp(id);
    return found instanceof Problem ? undefined : found.record;
  }

  /** The client that a successful change answered with; one that nests too deep was changed all the same. */
  function answered(ask: AdminRequest, told: RoutedResponse, id: string): ClientRecord {
    const read = client(ask, told, id);
    warnUnread(read);
    const { record } = read;
    return record;
  }

  /** Sends a change; a failure says whether the change may have been made all the same. */
  async function changed(ask: AdminRequest, id: string): Promise<ClientRecord> {
    const trail: Trail = { ambiguous: false };
    try {
      const told = await answerTo(ask, trail);
      if (told.answer.status < 300) trail.ambiguous = true;
      return answered(ask, told, id);
    } catch (error) {
      if (!trail.ambiguous || !(error instanceof Problem)) throw error;
      throw withMessage(error, `${messageOf(error, ask)}; the change may have been made all the same`, {
        ambiguous: true,
      });
    }
  }

  /** Says which fields of an answer to a write nest too deep to be shown; the write was a success all the same. */
  function warnUnread({ record, unread }: ReadClient): void {
    if (unread.length === 0) return;
    options.warn(
      `the server's answer about client ${quote(record.client_id)} has ${deepFields(unread)}; it is shown as null`,
    );
  }

  async function rotation(
    id: string,
    method: "POST" | "DELETE",
    action: string,
    repeatable: boolean,
  ): Promise<ClientRecord | undefined> {
    const path = (family: ServerFamily): string => `${one(id)(family)}/secrets/rotate`;
    const ask: AdminRequest = { method, path, action, target: "one client", repeatable };
    const family = exchange.known ?? (await admin.family());
    if (family.update !== "patch") return undefined;
    const trail: Trail = { ambiguous: false };
    try {
      const told: RoutedResponse = { ...(await send(ask, family, trail)), family };
      const { answer } = told;
      const fault = answer.status < 400 ? undefined : faultOf(answer, family, ask.target).kind;
      if (answer.status === 405 || fault === "missing-route") return undefined;
      if (fault === "not-found") throw notFound(ask, told, id);
      if (answer.status < 300) trail.ambiguous = true;
      return answered(ask, told, id);
    } catch (error) {
      if (!trail.ambiguous || !(error instanceof Problem)) throw error;
      throw withMessage(error, `${messageOf(error, ask)}; it may have been done all the same`, { ambiguous: true });
    }
  }

  /** After a lost answer: is the client of this id there? Undefined when that cannot be found out in time. */
  async function look(id: string): Promise<ClientRecord | "none" | undefined> {
    try {
      return (await admin.withDeadline(CLEANUP_MS).find(id)) ?? "none";
    } catch {
      return undefined;
    }
  }

  async function create(payload: JsonObject, ownId: boolean): Promise<CreateOutcome> {
    const id = typeof payload["client_id"] === "string" ? payload["client_id"] : undefined;
    const ask: AdminRequest = {
      method: "POST",
      path: all,
      body: payload,
      action: "Cannot create client",
      target: "the collection",
      repeatable: id !== undefined,
    };
    const trail: Trail = { ambiguous: false };
    let told: RoutedResponse;
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
      trail.ambiguous = true;
      const got = other === undefined ? undefined : anotherClient(ask, other);
      return settle(unreadable(ask, told, "the client that it made", got));
    }
    const fault = faultOf(answer, family, ask.target);
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
          `this server does not let a client's id be chosen${id === undefined ? "" : ` (--id ${quote(id)})`}`,
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
    if (fault.kind === "conflict" && ownId) trail.ambiguous = true;
    if (answer.status === 500 && hasOwnError(answer)) return settleBroken(refusal(ask, told));
    return settle(fault.kind === "conflict" && id !== undefined ? conflict(ask, told, id) : refusal(ask, told));

    /** A 500 in the server's own words can follow the insert: a database may have committed and not said so. */
    async function settleBroken(error: Problem): Promise<CreateOutcome> {
      const found = id === undefined ? undefined : await look(id);
      if (found === "none") return trail.ambiguous ? settle(error) : { kind: "refused", problem: error };
      if (found !== undefined && ownId) {
        options.warn(`server answered 500, and client ${quote(found.client_id)} was created all the same`);
        return { kind: "found", record: found };
      }
      return { kind: "unknown", problem: doubt(error, false), clientId: id };
    }

    /** What a create that has no answer of its own came to. */
    async function settle(error: unknown): Promise<CreateOutcome> {
      if (!trail.ambiguous) return { kind: "refused", problem: error };
      const found = id !== undefined && ownId ? await look(id) : undefined;
      if (found !== undefined && found !== "none") return { kind: "found", record: found };
      const reason =
        error instanceof Problem
          ? error
          : new Problem("Cannot create client: interrupted", { code: "interrupted", exit: "failed", cause: error });
      return { kind: "unknown", problem: doubt(reason, found === "none"), clientId: id };
    }

    function doubt(reason: Problem, absent: boolean): Problem {
      const which = id === undefined ? "look for the newest client of this name" : `look for client ${quote(id)}`;
      const state = absent
        ? "the server does not have the client now, but the request may still arrive"
        : reason.code === "conflict"
          ? "an answer was lost before, so the client may be this run's"
          : "the client may have been made all the same";
      return withMessage(reason, `${messageOf(reason, ask)}; ${state}`, {
        hint: `${which} before you run this again: hydra clients ${id === undefined ? "list" : `get ${id}`}`,
        ambiguous: true,
      });
    }
  }

  function conflict(ask: AdminRequest, told: RoutedResponse, id: string): Problem {
    return problem(ask, told.family, `there is a client with the id ${quote(id)} already`, {
      code: "conflict",
      exit: "conflict",
      status: told.answer.status,
      hint: `choose another --id, or change that client: hydra clients update ${id}`,
    });
  }

  const admin: Admin = {
    async family() {
      if (exchange.known === undefined) {
        const ask: AdminRequest = {
          method: "GET",
          path: (family) => `${family.clients}${family.pageQuery({ size: 1 })}`,
          action: "Cannot find out the server's version",
          target: "the collection",
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
      if (found.unread.length > 0) throw tooDeep(`Cannot get client ${quote(id)}`, id, found.unread);
      return found.record;
    },
    async page(request) {
      const ask: AdminRequest = {
        method: "GET",
        path: (family) => `${family.clients}${family.pageQuery(request)}`,
        action: "Cannot list clients",
        target: "the collection",
        repeatable: true,
      };
      const told = await answerTo(ask);
      const read = clientsIn(okText(ask, told));
      if (read === undefined) throw unreadable(ask, told, "a list of clients");
      const { records: clients, unread } = read;
      const problems = Array.from(unread, ([client, fields]) => {
        const { client_id: id } = client;
        return [client, tooDeep(`Cannot show client ${quote(id)}`, id, fields)] as const;
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
          action: `Cannot update client ${quote(id)}`,
          target: "one client",
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
          action: `Cannot update client ${quote(id)}`,
          target: "one client",
          repeatable: true,
        },
        id,
      );
    },
    async remove(id) {
      const ask: AdminRequest = {
        method: "DELETE",
        path: one(id),
        action: `Cannot delete client ${quote(id)}`,
        target: "one client",
        repeatable: true,
      };
      const trail: Trail = { ambiguous: false };
      try {
        const told = await answerTo(ask, trail);
        // A repeat after a lost answer finds nothing because the first one worked.
        if (isGone(told) && trail.ambiguous) return;
        if (isGone(told)) throw notFound(ask, told, id);
        const { status, text } = told.answer;
        if (status < 200 || status > 299) throw refusal(ask, told);
        if (status === 204 || text.trim() === "" || isJson(text)) return;
        // A page that something before the server put up for it.
        trail.ambiguous = true;
        throw unreadable(ask, told, "a word that the client is deleted");
      } catch (error) {
        if (!trail.ambiguous || !(error instanceof Problem)) throw error;
        throw withMessage(error, error.message, { ambiguous: true });
      }
    },
    rotate: (id) => rotation(id, "POST", `Cannot rotate the secret of client ${quote(id)}`, false),
    dropOldSecrets: (id) => rotation(id, "DELETE", `Cannot drop the old secrets of client ${quote(id)}`, true),
    async ready() {
      const ask: AdminRequest = {
        method: "GET",
        path: () => "/health/ready",
        action: "Cannot wait for the server",
        target: "the collection",
        repeatable: true,
      };
      const [family] = FAMILIES;
      const late = (answer: Answer): Problem => {
        const problem = refusal(ask, { answer, family, gaveUpBecause: undefined });
        const tried = options.failAfter === 0 ? "" : ` (${triedFor(options.failAfter)})`;
        const hint = "wait longer with --for, or look into the server's log";
        return withMessage(problem, `${problem.message}${tried}`, { exit: "unreachable", hint });
      };
      for (let last: Answer | undefined; ; ) {
        const reply = await send(ask, family, { ambiguous: false }).catch((error: unknown) => {
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
      const ask: AdminRequest = {
        method: "GET",
        path: () => "/version",
        action: "Cannot get the server's version",
        target: "the collection",
        repeatable: true,
      };
      // Asked without finding out the family, which both families would answer here.
      const [family] = FAMILIES;
      const told = { ...(await send(ask, family, { ambiguous: false })), family };
      const read = v.safeParse(v.looseObject({ version: v.string() }), jsonOf(okText(ask, told)));
      if (!read.success) throw unreadable(ask, told, "a version");
      return read.output.version;
    },
    withDeadline(milliseconds, signal = new AbortController().signal) {
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

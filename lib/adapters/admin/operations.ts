import * as v from "valibot";
import { Problem, withMessage } from "../../core/problem.ts";
import { escapeControls, joinWords, quote } from "../../core/text.ts";
import {
  type ClientRecord,
  classifyError,
  clientIn,
  clientsIn,
  FAMILIES,
  isJson,
  jsonOf,
  type PageRequest,
  type ReadClient,
  type ServerFamily,
  unexpectedTypes,
} from "../../servers/index.ts";
import {
  type AdminSession,
  type AttemptHistory,
  isPublicPort,
  sendDetectingFamily,
  sendWithRetries,
} from "./admin-session.ts";
import {
  type AdminRequest,
  type AdminResponse,
  ambiguousProblem,
  deepFieldsText,
  noSuchClientProblem,
  publicPortProblem,
  rejectionProblem,
  tooDeepProblem,
  unreadableAnswerProblem,
  wrongClientText,
} from "./problems.ts";

/** A page of a list. */
export interface ListPage {
  readonly clients: readonly ClientRecord[];
  /** Why some of them cannot be shown: only their IDs and the fields that aren't nested are reliable. */
  readonly unreadable: ReadonlyMap<ClientRecord, Problem>;
  readonly next: PageRequest | undefined;
  /** The number of clients on all pages, if the server sent it. */
  readonly total: number | undefined;
}

/** A request about one client. */
export function clientRequest(
  id: string,
  method: AdminRequest["method"],
  action: string,
  more: Pick<AdminRequest, "body"> & Partial<Pick<AdminRequest, "path" | "repeatable">> = {},
): AdminRequest {
  return { method, path: ({ paths }) => paths.client(id), action, target: "item", repeatable: true, ...more };
}

/** A request to read something other than one client. */
function readRequest(action: string, path: AdminRequest["path"], query?: AdminRequest["query"]): AdminRequest {
  const request = { method: "GET", path, action, target: "collection", repeatable: true } as const;
  return query === undefined ? request : { ...request, query };
}

/** The server's family, detected with a harmless request if no response has revealed it yet. */
export async function detectFamily(exchange: AdminSession): Promise<ServerFamily> {
  if (exchange.family !== undefined) return exchange.family;
  const action = "Cannot detect the server's API version";
  const query = (family: ServerFamily) => family.pageQuery({ size: 1 });
  const response = await sendDetectingFamily(
    exchange,
    readRequest(action, ({ paths }) => paths.clients, query),
  );
  if (response.answer.status > 299) throw rejectionProblem(exchange.options, response);
  exchange.family = response.family;
  return response.family;
}

/** The body of a successful response; throws the Problem of any other. */
function successText({ options }: AdminSession, response: AdminResponse): string {
  const { status, text } = response.answer;
  if (status < 200 || status > 299) throw rejectionProblem(options, response);
  return text;
}

/** The client in a successful response, which must be the requested one. */
function requestedClient(exchange: AdminSession, response: AdminResponse, id: string): ReadClient {
  const { options } = exchange;
  const client = clientIn(successText(exchange, response));
  if (client === undefined) throw unreadableAnswerProblem(options, response, "a client");
  const { client_id: received } = client.record;
  // A database may compare IDs case-insensitively and then returns the ID that it has.
  if (received.toLowerCase() !== id.toLowerCase())
    throw unreadableAnswerProblem(
      options,
      response,
      `client ${quote(id)}`,
      wrongClientText(options, response.request, received),
    );
  warnOfUnexpectedTypes(exchange, client.record);
  return client;
}

/** Warns, once per field, of types that this program doesn't expect: a newer server could return them. */
export function warnOfUnexpectedTypes({ options, reportedFields }: AdminSession, record: ClientRecord): void {
  const fields = unexpectedTypes(record).filter((field) => !reportedFields.has(field));
  if (fields.length === 0) return;
  for (const field of fields) reportedFields.add(field);
  const names = joinWords(fields.map(escapeControls));
  options.warn(`the server returned client ${quote(record.client_id)} with an unexpected type of ${names}`);
}

/** Warns of fields in the response to a write that are nested too deep to be shown; the write was a success anyway. */
export function warnOfTooDeepFields({ options }: AdminSession, { record, unread }: ReadClient): void {
  if (unread.length === 0) return;
  options.warn(
    `the server's answer about client ${quote(record.client_id)} has ${deepFieldsText(unread)}; it is shown as null`,
  );
}

/** The client, or the problem that it doesn't exist. */
export async function lookUpClient(exchange: AdminSession, id: string): Promise<ReadClient | Problem> {
  const response = await sendDetectingFamily(exchange, clientRequest(id, "GET", `Cannot get client ${quote(id)}`));
  return isGone(response)
    ? noSuchClientProblem(exchange.options, response, id)
    : requestedClient(exchange, response, id);
}

/** The client as a whole. */
export async function getClient(exchange: AdminSession, id: string): Promise<ClientRecord> {
  const found = await lookUpClient(exchange, id);
  if (found instanceof Problem) throw found;
  if (found.unread.length > 0) throw tooDeepProblem(`Cannot get client ${quote(id)}`, found);
  return found.record;
}

function isGone({ answer, family }: AdminResponse): boolean {
  return answer.status >= 400 && classifyError(answer, family, "item").kind === "not-found";
}

function totalIn({ total = "" }: AdminResponse["answer"]): number | undefined {
  return /^\d{1,9}$/.test(total) ? Number(total) : undefined;
}

/** One page of the list of clients. */
export async function getPage(exchange: AdminSession, page: PageRequest): Promise<ListPage> {
  const query = (family: ServerFamily) => family.pageQuery(page);
  const request = readRequest("Cannot list clients", ({ paths }) => paths.clients, query);
  const response = await sendDetectingFamily(exchange, request);
  const read = clientsIn(successText(exchange, response));
  if (read === undefined) throw unreadableAnswerProblem(exchange.options, response, "a list of clients");
  const problems = Array.from(
    read.unread,
    ([record, unread]) =>
      [record, tooDeepProblem(`Cannot show client ${quote(record.client_id)}`, { record, unread })] as const,
  );
  return {
    clients: read.records,
    unreadable: new Map(problems),
    next: response.family.nextPage(page, response.answer, read.records.length),
    total: totalIn(response.answer),
  };
}

/** Changes a client; a failure says whether the change may have been made anyway. */
export async function changeClient(exchange: AdminSession, id: string, request: AdminRequest): Promise<ClientRecord> {
  const trail: AttemptHistory = { ambiguous: false };
  try {
    return changedClient(exchange, await sendDetectingFamily(exchange, request, trail), id, trail);
  } catch (error) {
    if (!trail.ambiguous || !(error instanceof Problem)) throw error;
    throw ambiguousProblem(error, request, "the change may have been made anyway");
  }
}

/** The client in the response to a change. Whatever a successful response holds, the change was made. */
function changedClient(
  exchange: AdminSession,
  response: AdminResponse,
  id: string,
  trail: AttemptHistory,
): ClientRecord {
  if (response.answer.status < 300) trail.ambiguous = true;
  const client = requestedClient(exchange, response, id);
  warnOfTooDeepFields(exchange, client);
  return client.record;
}

/** Adds a secret (POST) or drops the older ones (DELETE); undefined if the server can't. */
export async function addOrDropSecrets(
  exchange: AdminSession,
  id: string,
  method: "POST" | "DELETE",
): Promise<ClientRecord | undefined> {
  const family = await detectFamily(exchange);
  if (!family.canRotate) return undefined;
  const action = method === "POST" ? "Cannot rotate the secret" : "Cannot drop the old secrets";
  const request = clientRequest(id, method, `${action} of client ${quote(id)}`, {
    path: ({ paths }) => paths.rotateSecret(id),
    // Another POST would create another secret.
    repeatable: method === "DELETE",
  });
  const trail: AttemptHistory = { ambiguous: false };
  try {
    const response = await sendWithRetries(exchange, request, family, trail);
    const { answer } = response;
    const error = answer.status < 400 ? undefined : classifyError(answer, family, "item").kind;
    if (answer.status === 405 || error === "missing-route") return undefined;
    if (error === "not-found") throw noSuchClientProblem(exchange.options, response, id);
    return changedClient(exchange, response, id, trail);
  } catch (error) {
    if (!trail.ambiguous || !(error instanceof Problem)) throw error;
    throw ambiguousProblem(error, request, "it may have been done anyway");
  }
}

/** Deletes a client. */
export async function deleteClient(exchange: AdminSession, id: string): Promise<void> {
  const request = clientRequest(id, "DELETE", `Cannot delete client ${quote(id)}`);
  const trail: AttemptHistory = { ambiguous: false };
  try {
    const response = await sendDetectingFamily(exchange, request, trail);
    if (isGone(response)) {
      // A repeat after a lost response finds nothing if the first attempt worked.
      if (trail.ambiguous) return;
      throw noSuchClientProblem(exchange.options, response, id);
    }
    const text = successText(exchange, response);
    if (response.answer.status === 204 || text.trim() === "" || isJson(text)) return;
    // A page of something in front of the server.
    trail.ambiguous = true;
    throw unreadableAnswerProblem(exchange.options, response, "a confirmation that the client is deleted");
  } catch (error) {
    if (!trail.ambiguous || !(error instanceof Problem)) throw error;
    throw withMessage(error, error.message, { ambiguous: true });
  }
}

/** The version that the server reports. */
export async function getServerVersion(exchange: AdminSession): Promise<string> {
  // Both families have this path, so the family need not be detected.
  const request = readRequest("Cannot get the server's version", () => "/version");
  const response = await sendWithRetries(exchange, request, FAMILIES[0], { ambiguous: false });
  if (response.answer.status === 404 && (await isPublicPort(exchange)))
    throw publicPortProblem(exchange.options, request, FAMILIES[0]);
  const body = v.safeParse(v.looseObject({ version: v.string() }), jsonOf(successText(exchange, response)));
  if (!body.success) throw unreadableAnswerProblem(exchange.options, response, "a version");
  return body.output.version;
}

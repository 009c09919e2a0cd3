import * as v from "valibot";
import type { ClientRecord } from "../../core/client/client.ts";
import { Problem, withMessage } from "../../core/problem.ts";
import { escapeControls, joinWords, quote } from "../../core/text.ts";
import {
  type ClientWithUnreadFields,
  classifyErrorAnswer,
  FAMILIES,
  fieldsWithUnexpectedTypes,
  isJsonText,
  type PageRequest,
  parseClient,
  parseClientList,
  parseJsonBody,
  type ServerFamily,
} from "../../servers/index.ts";
import {
  type AdminSession,
  type AttemptAmbiguity,
  probePublicPort,
  sendDetectingFamily,
  sendWithRetries,
} from "./admin-session.ts";
import type { AdminRequest, AdminResponse } from "./requests.ts";

/** A page of a list. */
export interface ClientPage {
  readonly clients: readonly ClientRecord[];
  /** Why some of them cannot be shown: only their IDs and the fields that aren't nested are reliable. */
  readonly unreadable: ReadonlyMap<ClientRecord, Problem>;
  readonly next: PageRequest | undefined;
  /** The number of clients on all pages, if the server sent it. */
  readonly total: number | undefined;
}

/** A request about one client, key set or key. */
export function itemRequest(
  method: AdminRequest["method"],
  path: AdminRequest["path"],
  action: string,
  more: Partial<Pick<AdminRequest, "body" | "repeatable">> = {},
): AdminRequest {
  return { method, path, action, target: "item", repeatable: true, ...more };
}

/** A request to read a collection, or something else that is not one client. */
function collectionRequest(action: string, path: AdminRequest["path"], query?: AdminRequest["query"]): AdminRequest {
  const request = { method: "GET", path, action, target: "collection", repeatable: true } as const;
  return query === undefined ? request : { ...request, query };
}

/** The server's family, detected with a harmless request if no response has revealed it yet. */
export async function detectFamily(session: AdminSession): Promise<ServerFamily> {
  const { detected } = session.options;
  if (detected.family !== undefined) return detected.family;
  const action = "Cannot detect the server's API version";
  const query = (family: ServerFamily) => family.pageQuery({ size: 1 });
  const response = await sendDetectingFamily(
    session,
    collectionRequest(action, ({ paths }) => paths.clients, query),
  );
  await requireSuccessText(session, response);
  detected.family = response.family;
  return response.family;
}

/** The body of a successful response; throws the Problem of any other. */
async function requireSuccessText({ options }: AdminSession, response: AdminResponse): Promise<string> {
  const { status, text } = response.answer;
  if (status < 200 || status > 299) throw (await import("./problems.ts")).errorResponseProblem(options, response);
  return text;
}

/** The client in a successful response, which must be the requested one. */
async function requireRequestedClient(
  session: AdminSession,
  response: AdminResponse,
  id: string,
): Promise<ClientWithUnreadFields> {
  const { options } = session;
  const client = parseClient(await requireSuccessText(session, response));
  if (client === undefined)
    throw (await import("./problems.ts")).unexpectedAnswerProblem(options, response, "a client");
  const { client_id: received } = client.record;
  // A database may compare IDs case-insensitively and then returns the ID that it has.
  if (received.toLowerCase() !== id.toLowerCase()) {
    const { unexpectedAnswerProblem, wrongClientText } = await import("./problems.ts");
    const got = wrongClientText(options, response.request, received);
    throw unexpectedAnswerProblem(options, response, `client ${quote(id)}`, got);
  }
  warnOfUnexpectedTypes(session, client.record);
  return client;
}

/** Warns, once per field, of types that this program doesn't expect: a newer server could return them. */
export function warnOfUnexpectedTypes({ options, reportedFields }: AdminSession, record: ClientRecord): void {
  const fields = fieldsWithUnexpectedTypes(record).filter((field) => !reportedFields.has(field));
  if (fields.length === 0) return;
  for (const field of fields) reportedFields.add(field);
  const names = joinWords(fields.map(escapeControls));
  options.warn(`the server returned client ${quote(record.client_id)} with an unexpected type of ${names}`);
}

/** Warns of fields in the response to a write that are nested too deep to be shown; the write was a success anyway. */
export async function warnOfFieldsShownAsNull(
  { options }: AdminSession,
  { record, unread }: ClientWithUnreadFields,
): Promise<void> {
  if (unread.length === 0) return;
  const { tooDeepFieldsText } = await import("./problems.ts");
  options.warn(
    `the server's answer about client ${quote(record.client_id)} has ${tooDeepFieldsText(unread)}; it is shown as null`,
  );
}

/** The client, or the problem that it doesn't exist. */
export async function getClientOrNotFoundProblem(
  session: AdminSession,
  id: string,
): Promise<ClientWithUnreadFields | Problem> {
  const request = itemRequest("GET", ({ paths }) => paths.client(id), `Cannot get client ${quote(id)}`);
  const response = await sendDetectingFamily(session, request);
  return isNotFoundResponse(response)
    ? (await import("./problems.ts")).noSuchClientProblem(session.options, response, id)
    : requireRequestedClient(session, response, id);
}

/** The client as a whole. */
export async function getClient(session: AdminSession, id: string): Promise<ClientRecord> {
  const found = await getClientOrNotFoundProblem(session, id);
  if (found instanceof Problem) throw found;
  if (found.unread.length > 0)
    throw (await import("./problems.ts")).tooDeepClientProblem(`Cannot get client ${quote(id)}`, found);
  return found.record;
}

/** Whether a response says that what it is about does not exist. */
export function isNotFoundResponse({ answer, family }: AdminResponse): boolean {
  return answer.status >= 400 && classifyErrorAnswer(answer, family, "item").kind === "not-found";
}

function totalIn({ total = "" }: AdminResponse["answer"]): number | undefined {
  return /^\d{1,9}$/.test(total) ? Number(total) : undefined;
}

/** Why clients of a list cannot be shown. */
async function unreadableClientProblems(
  found: ReadonlyMap<ClientRecord, readonly string[]>,
): Promise<ClientPage["unreadable"]> {
  if (found.size === 0) return new Map();
  const { tooDeepClientProblem } = await import("./problems.ts");
  return new Map(
    Array.from(found, ([record, unread]) => [
      record,
      tooDeepClientProblem(`Cannot show client ${quote(record.client_id)}`, { record, unread }),
    ]),
  );
}

/** One page of the list of clients. */
export async function getClientPage(session: AdminSession, page: PageRequest): Promise<ClientPage> {
  const query = (family: ServerFamily) => family.pageQuery(page);
  const request = collectionRequest("Cannot list clients", ({ paths }) => paths.clients, query);
  const response = await sendDetectingFamily(session, request);
  const read = parseClientList(await requireSuccessText(session, response));
  if (read === undefined)
    throw (await import("./problems.ts")).unexpectedAnswerProblem(session.options, response, "a list of clients");
  return {
    clients: read.records,
    unreadable: await unreadableClientProblems(read.unread),
    next: response.family.nextPage(page, response.answer, read.records.length),
    total: totalIn(response.answer),
  };
}

/** Changes a client; a failure says whether the change may have been made anyway. */
export async function putOrPatchClient(
  session: AdminSession,
  id: string,
  request: AdminRequest,
): Promise<ClientRecord> {
  const history: AttemptAmbiguity = { ambiguous: false };
  try {
    return await readChangedClient(session, await sendDetectingFamily(session, request, history), id, history);
  } catch (error) {
    if (!history.ambiguous || !(error instanceof Problem)) throw error;
    throw (await import("./problems.ts")).withAmbiguityRemark(error, request, "the change may have been made anyway");
  }
}

/**
 * Whether the change may have been made, going by the response. Whatever a successful response holds, the change
 * was made; after a 500 with the server's own error too, the database may have committed before something else failed.
 */
function mayHaveChanged({ answer: { status } }: AdminResponse): boolean {
  return status < 300 || status === 500;
}

/** The client in the response to a change. */
async function readChangedClient(
  session: AdminSession,
  response: AdminResponse,
  id: string,
  history: AttemptAmbiguity,
): Promise<ClientRecord> {
  if (mayHaveChanged(response)) history.ambiguous = true;
  const client = await requireRequestedClient(session, response, id);
  await warnOfFieldsShownAsNull(session, client);
  return client.record;
}

/** Adds a secret (POST) or drops the older ones (DELETE); undefined if the server can't. */
export async function addOrDropSecrets(
  session: AdminSession,
  id: string,
  method: "POST" | "DELETE",
): Promise<ClientRecord | undefined> {
  const family = await detectFamily(session);
  if (!family.canRotate) return undefined;
  const action = method === "POST" ? "Cannot rotate the secret" : "Cannot drop the old secrets";
  const request = itemRequest(method, ({ paths }) => paths.rotateSecret(id), `${action} of client ${quote(id)}`, {
    // Another POST would create another secret.
    repeatable: method === "DELETE",
  });
  const history: AttemptAmbiguity = { ambiguous: false };
  try {
    const response = await sendWithRetries(session, request, family, history);
    const { answer } = response;
    const error = answer.status < 400 ? undefined : classifyErrorAnswer(answer, family, "item").kind;
    if (answer.status === 405 || error === "missing-route") return undefined;
    if (error === "not-found") throw (await import("./problems.ts")).noSuchClientProblem(session.options, response, id);
    return await readChangedClient(session, response, id, history);
  } catch (error) {
    if (!history.ambiguous || !(error instanceof Problem)) throw error;
    throw (await import("./problems.ts")).withAmbiguityRemark(error, request, "it may have been done anyway");
  }
}

export async function deleteClient(session: AdminSession, id: string): Promise<void> {
  const request = itemRequest("DELETE", ({ paths }) => paths.client(id), `Cannot delete client ${quote(id)}`);
  const history: AttemptAmbiguity = { ambiguous: false };
  try {
    const response = await sendDetectingFamily(session, request, history);
    if (isNotFoundResponse(response)) {
      // A repeat after a lost response finds nothing if the first attempt worked.
      if (history.ambiguous) return;
      throw (await import("./problems.ts")).noSuchClientProblem(session.options, response, id);
    }
    if (response.answer.status === 500) history.ambiguous = true;
    const text = await requireSuccessText(session, response);
    if (response.answer.status === 204 || text.trim() === "" || isJsonText(text)) return;
    // A page of something in front of the server.
    history.ambiguous = true;
    throw (await import("./problems.ts")).unexpectedAnswerProblem(
      session.options,
      response,
      "a confirmation that the client is deleted",
    );
  } catch (error) {
    if (!history.ambiguous || !(error instanceof Problem)) throw error;
    throw withMessage(error, error.message, { ambiguous: true });
  }
}

/** The version that the server reports. */
export async function getServerVersion(session: AdminSession): Promise<string> {
  // Both families have this path, so the family need not be detected.
  const request = collectionRequest("Cannot get the server's version", () => "/version");
  const response = await sendWithRetries(session, request, FAMILIES[0], { ambiguous: false });
  if (response.answer.status === 404 && (await probePublicPort(session)))
    throw (await import("./problems.ts")).publicPortProblem(session.options, request, FAMILIES[0]);
  const body = v.safeParse(
    v.looseObject({ version: v.string() }),
    parseJsonBody(await requireSuccessText(session, response)),
  );
  if (!body.success)
    throw (await import("./problems.ts")).unexpectedAnswerProblem(session.options, response, "a version");
  return body.output.version;
}

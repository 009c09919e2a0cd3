import type { ClientRecord } from "../../core/client/client.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { Problem } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import { classifyErrorAnswer, hasErrorBody, parseClient } from "../../servers/index.ts";
import { type AdminSession, type AttemptAmbiguity, sendDetectingFamily } from "./admin-session.ts";
import { warnOfFieldsShownAsNull, warnOfUnexpectedTypes } from "./operations.ts";
import type { AdminRequest, AdminResponse } from "./requests.ts";

/** How a create ended. */
export type CreateOutcome =
  /** The server answered this run's own POST with 201. */
  | { readonly kind: "created"; readonly record: ClientRecord }
  /** A response was lost, and the client exists under the ID that this run generated. */
  | { readonly kind: "found"; readonly record: ClientRecord }
  /** Nothing was created. */
  | { readonly kind: "refused"; readonly problem: unknown }
  /** A client may have been created by this run; its secret must be kept. */
  | { readonly kind: "unknown"; readonly problem: Problem; readonly clientId: string | undefined };

type Payload = Readonly<Record<string, unknown>>;

/** A create under way. */
interface Creation {
  readonly session: AdminSession;
  readonly request: AdminRequest;
  /** The client ID that was sent. */
  readonly id: string | undefined;
  /** Whether this run generated the ID, so that a client with it can only be this run's. */
  readonly ownId: boolean;
  readonly history: AttemptAmbiguity;
  /** The client with an ID; "none" if it doesn't exist, undefined if that cannot be determined. */
  readonly look: (id: string) => Promise<ClientRecord | "none" | undefined>;
}

/** Creates a client with one POST, repeated only if the client ID makes that safe. */
export async function createClient(
  session: AdminSession,
  look: Creation["look"],
  payload: Payload,
  ownId: boolean,
): Promise<CreateOutcome> {
  const id = typeof payload["client_id"] === "string" ? payload["client_id"] : undefined;
  const request: AdminRequest = {
    method: "POST",
    path: ({ paths }) => paths.clients,
    body: payload,
    action: "Cannot create client",
    target: "collection",
    repeatable: id !== undefined,
  };
  const history: AttemptAmbiguity = { ambiguous: false };
  const creation: Creation = { session, request, id, ownId, history, look };
  let response: AdminResponse;
  try {
    response = await sendDetectingFamily(session, request, history);
  } catch (error) {
    return determineUncertainOutcome(creation, error);
  }
  const { status } = response.answer;
  if (status >= 200 && status < 300) return determineSuccessOutcome(creation, response);
  if (classifyErrorAnswer(response.answer, response.family, request.target).kind !== "id-refused")
    return determineErrorOutcome(creation, response);
  if (!ownId) return { kind: "refused", problem: await refusedIdProblem(creation, response) };
  const { client_id: _, ...withoutId } = payload;
  return createClient(session, look, withoutId, false);
}

/** The outcome of a successful response: created if it holds the client. */
async function determineSuccessOutcome(creation: Creation, response: AdminResponse): Promise<CreateOutcome> {
  const { session, request, id, history } = creation;
  const client = parseClient(response.answer.text);
  const received = client?.record.client_id;
  const isOther = received !== undefined && id !== undefined && received !== id;
  if (client !== undefined && response.answer.status === 201 && !isOther) {
    await warnOfFieldsShownAsNull(session, client);
    warnOfUnexpectedTypes(session, client.record);
    return { kind: "created", record: client.record };
  }
  history.ambiguous = true;
  const { unexpectedAnswerProblem, wrongClientText } = await import("./problems.ts");
  const got = isOther ? wrongClientText(session.options, request, received) : undefined;
  return determineUncertainOutcome(
    creation,
    unexpectedAnswerProblem(session.options, response, "the created client", got),
  );
}

/** The outcome of an error response. */
async function determineErrorOutcome(creation: Creation, response: AdminResponse): Promise<CreateOutcome> {
  const { session, request, id, ownId, history } = creation;
  const { kind } = classifyErrorAnswer(response.answer, response.family, request.target);
  // Nobody else has the UUID that this run generated: something on the way has sent the request twice.
  if (kind === "conflict" && ownId) history.ambiguous = true;
  // The server's own words, which would have to be searched for credentials, say no more than that.
  if (kind === "conflict" && id !== undefined)
    return determineUncertainOutcome(creation, await existingClientProblem(creation, response, id));
  const { errorResponseProblem } = await import("./problems.ts");
  const problem = errorResponseProblem(session.options, response);
  if (response.answer.status === 500 && hasErrorBody(response.answer))
    return determineServerErrorOutcome(creation, problem);
  return determineUncertainOutcome(creation, problem);
}

/** The outcome of a 500 with the server's own error: the database may have committed before something else failed. */
async function determineServerErrorOutcome(creation: Creation, problem: Problem): Promise<CreateOutcome> {
  const { session, id, ownId, history, look } = creation;
  const found = id === undefined ? undefined : await look(id);
  if (found === "none")
    return history.ambiguous ? determineUncertainOutcome(creation, problem) : { kind: "refused", problem };
  if (found !== undefined && ownId) {
    session.options.warn(`server answered 500, but client ${quote(found.client_id)} was created`);
    return { kind: "found", record: found };
  }
  return { kind: "unknown", problem: await ambiguousCreateProblem(creation, problem, false), clientId: id };
}

/** The outcome without a response that shows the client. */
async function determineUncertainOutcome(creation: Creation, error: unknown): Promise<CreateOutcome> {
  const { id, ownId, history, look } = creation;
  if (!history.ambiguous) return { kind: "refused", problem: error };
  const found = id !== undefined && ownId ? await look(id) : undefined;
  if (found !== undefined && found !== "none") return { kind: "found", record: found };
  const problem =
    error instanceof Problem
      ? error
      : new Problem("Cannot create client: interrupted", { code: "interrupted", cause: error });
  return { kind: "unknown", problem: await ambiguousCreateProblem(creation, problem, found === "none"), clientId: id };
}

/** A problem after which the client may exist. */
async function ambiguousCreateProblem(
  { request, id }: Creation,
  problem: Problem,
  isAbsent: boolean,
): Promise<Problem> {
  const which = id === undefined ? "look for the newest client with this name" : `look for client ${quote(id)}`;
  const { withAmbiguityRemark } = await import("./problems.ts");
  const command = id === undefined ? "list" : `get ${quotedOperandAndFlagText(id)}`;
  const hint = `${which} before you run this again: hydra clients ${command}`;
  return withAmbiguityRemark(problem, request, doubtRemark(problem, isAbsent), hint);
}

function doubtRemark({ code }: Problem, isAbsent: boolean): string {
  if (isAbsent) return "the server does not have the client now, but the request may still arrive";
  if (code === "conflict") return "an earlier response was lost, so the client may be from this run";
  return "the client may have been created anyway";
}

async function existingClientProblem({ session }: Creation, response: AdminResponse, id: string): Promise<Problem> {
  const { responseProblemWithMessage } = await import("./problems.ts");
  return responseProblemWithMessage(session.options, response, `client ${quote(id)} already exists`, {
    code: "conflict",
    exit: "conflict",
    hint: "--if-exists skip leaves that client as it is, --if-exists update changes it",
  });
}

async function refusedIdProblem({ session }: Creation, response: AdminResponse): Promise<Problem> {
  const { responseProblemWithMessage } = await import("./problems.ts");
  const { CHOSEN_ID_REFUSED } = await import("../../core/id-problems.ts");
  return responseProblemWithMessage(session.options, response, CHOSEN_ID_REFUSED.reason, CHOSEN_ID_REFUSED);
}

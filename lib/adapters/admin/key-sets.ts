import { parseJsonOrUndefined } from "../../core/json/json.ts";
import { type JsonWebKey, jsonWebKeysIn } from "../../core/jwk/json-web-key.ts";
import { hasKidOrPrefixedKid } from "../../core/jwk/key-pair-halves.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { Problem, withMessage } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import { classifyErrorAnswer, type ServerFamily } from "../../servers/index.ts";
import {
  type AdminSession,
  type AttemptAmbiguity,
  PATH_WITH_SLASH_IN_KEY_ID_PATTERN,
  sendDetectingFamily,
} from "./admin-session.ts";
import { detectFamily, isNotFoundResponse, itemRequest } from "./operations.ts";
import {
  errorResponseProblem,
  keyIdSlashProblem,
  responseProblemWithMessage,
  unexpectedAnswerProblem,
  withAmbiguityRemark,
} from "./problems.ts";
import type { AdminRequest, AdminResponse } from "./requests.ts";

/** What a generated key is asked for. */
interface KeyRequest {
  readonly kid: string;
  readonly alg: string;
  readonly use: string;
  /** Whether this program chose the ID, so that an existing key with it can only be this run's after a lost answer. */
  readonly isOwnId: boolean;
}

/** The JSON Web Key sets of a server, whose keys are in the order of their age, the newest first. */
export type KeySetsApi = ReturnType<typeof createKeySetsApi>;

const HINTS: ReadonlyMap<string, string> = new Map([
  ["not-found", "check the name of the set and the key ID"],
  ["conflict", "choose another key ID, or leave it out"],
  ["invalid", "see which algorithms each server generates: hydra help keys"],
]);

/** The problem of an answer, with a hint about keys instead of clients. */
function keyErrorResponseProblem({ options }: AdminSession, response: AdminResponse): Problem {
  const { request, family, answer } = response;
  if (answer.status < 400 && PATH_WITH_SLASH_IN_KEY_ID_PATTERN.test(request.path(family)))
    return keyIdSlashProblem(options, response);
  const problem = errorResponseProblem(options, response);
  const isAboutAlgorithms = request.method === "POST" || problem.code !== "invalid";
  const hint = isAboutAlgorithms ? HINTS.get(problem.code) : "check the key, and the name of the set";
  return hint === undefined ? problem : withMessage(problem, problem.message, { hint });
}

function noSuchSetProblem({ options }: AdminSession, response: AdminResponse, set: string): Problem {
  return responseProblemWithMessage(options, response, `key set ${quote(set)} not found`, {
    code: "not-found",
    exit: "notFound",
    hint: "check the name: servers have no list of key sets",
  });
}

/** Sends a request; a change that may have been made although it failed is reported as such. */
async function sendAddingAmbiguityRemark(
  session: AdminSession,
  what: AdminRequest,
  trail: AttemptAmbiguity,
): Promise<AdminResponse> {
  try {
    return await sendDetectingFamily(session, what, trail);
  } catch (error) {
    if (what.method === "GET" || !trail.ambiguous || !(error instanceof Problem)) throw error;
    throw withAmbiguityRemark(error, what, "the change may have been made anyway");
  }
}

/** The problem of a change that was rejected; an attempt before it whose answer was lost may have made it. */
function rejectedChangeProblem(
  session: AdminSession,
  response: AdminResponse,
  trail: AttemptAmbiguity,
  set: string,
): Problem {
  const problem = keyErrorResponseProblem(session, response);
  if (!trail.ambiguous) return problem;
  const remark = "an earlier attempt, whose response was lost, may have made the change";
  return withAmbiguityRemark(
    problem,
    response.request,
    remark,
    `look at the set first: hydra keys get ${quotedOperandAndFlagText(set)}`,
  );
}

async function sendChange(session: AdminSession, what: AdminRequest, set: string): Promise<AdminResponse> {
  const trail: AttemptAmbiguity = { ambiguous: false };
  const response = await sendAddingAmbiguityRemark(session, what, trail);
  if (response.answer.status > 299) throw rejectedChangeProblem(session, response, trail, set);
  return response;
}

function keysIn(session: AdminSession, response: AdminResponse): readonly JsonWebKey[] {
  const keys = jsonWebKeysIn(parseJsonOrUndefined(response.answer.text)?.value);
  if (keys === undefined) throw unexpectedAnswerProblem(session.options, response, "a JSON Web Key Set");
  return keys;
}

/** The keys in the answer to a change, among which must be those that were stored; of a pair, either half. */
function requireStoredKeys(
  session: AdminSession,
  response: AdminResponse,
  kids: readonly string[],
): readonly JsonWebKey[] {
  const keys = keysIn(session, response);
  if (keys.length === 0) throw unexpectedAnswerProblem(session.options, response, "a key", "an empty set");
  const missing = kids.find((kid) => !keys.some((key) => hasKidOrPrefixedKid(key, kid)));
  if (missing === undefined) return keys;
  throw unexpectedAnswerProblem(session.options, response, `key ${quote(missing)}`, "other keys");
}

async function requestKeySet(session: AdminSession, set: string): Promise<AdminResponse> {
  const read = itemRequest("GET", ({ paths }) => paths.keySet(set), `Cannot get key set ${quote(set)}`);
  const response = await sendAddingAmbiguityRemark(session, read, { ambiguous: false });
  if (response.answer.status > 299 && !isNotFoundResponse(response)) throw keyErrorResponseProblem(session, response);
  return response;
}

async function createKey(session: AdminSession, set: string, wanted: KeyRequest): Promise<readonly JsonWebKey[]> {
  const { kid, alg, use, isOwnId } = wanted;
  const action = `Cannot create a key in set ${quote(set)}`;
  const trail: AttemptAmbiguity = { ambiguous: false };
  const post = itemRequest("POST", ({ paths }) => paths.keySet(set), action, { body: { alg, kid, use } });
  const response = await sendAddingAmbiguityRemark(session, post, trail);
  const { answer, family } = response;
  const isConflict = answer.status > 299 && classifyErrorAnswer(answer, family, "item").kind === "conflict";
  // After a lost answer, a key with an ID that this run generated is this run's.
  if (isConflict && isOwnId && trail.ambiguous) {
    const stored = keysIn(session, await requestKeySet(session, set));
    const found = stored.filter((key) => [kid, `private:${kid}`, `public:${kid}`].includes(key.kid ?? ""));
    if (found.length > 0) return found;
  }
  if (answer.status > 299) {
    const problem = rejectedChangeProblem(session, response, trail, set);
    if (problem.code !== "invalid" || trail.ambiguous || alg === "RS256") throw problem;
    throw withMessage(problem, problem.message, { hint: `${problem.hint}; all of them generate --alg RS256` });
  }
  // An ID that nobody asked for may be another one: the result has that of the answer.
  return requireStoredKeys(session, response, isOwnId ? [] : [kid]);
}

/** Creates access to the key sets; nothing is sent yet. */
export function createKeySetsApi(session: AdminSession) {
  /** The keys of a set, or undefined if there is no such set. */
  const find = async (set: string): Promise<readonly JsonWebKey[] | undefined> => {
    const response = await requestKeySet(session, set);
    return isNotFoundResponse(response) ? undefined : keysIn(session, response);
  };
  const change = (set: string, method: "PUT" | "DELETE", path: AdminRequest["path"], body?: unknown) => {
    const verb = method === "PUT" ? "change" : "delete from";
    return sendChange(session, itemRequest(method, path, `Cannot ${verb} key set ${quote(set)}`, { body }), set);
  };
  return {
    /** How the server stores key pairs, detected by a harmless request. */
    family: async (set: string): Promise<ServerFamily> => {
      if (session.options.detected.family === undefined) await requestKeySet(session, set);
      return detectFamily(session);
    },
    find,
    get: async (set: string): Promise<readonly JsonWebKey[]> => {
      const response = await requestKeySet(session, set);
      if (isNotFoundResponse(response)) throw noSuchSetProblem(session, response, set);
      return keysIn(session, response);
    },
    /** Generates a key in a set, which is created if it doesn't exist. */
    create: (set: string, wanted: KeyRequest) => createKey(session, set, wanted),
    /** Replaces all keys of a set. */
    replace: async (set: string, keys: readonly JsonWebKey[]): Promise<void> => {
      const response = await change(set, "PUT", ({ paths }) => paths.keySet(set), { keys });
      const kids = keys.flatMap(({ kid }) => kid ?? []);
      if (keys.length > 0) requireStoredKeys(session, response, kids);
    },
    /** Adds or replaces one key, which becomes the newest. */
    put: async (set: string, key: JsonWebKey & { readonly kid: string }): Promise<void> => {
      requireStoredKeys(session, await change(set, "PUT", ({ paths }) => paths.key(set, key.kid), key), [key.kid]);
    },
    remove: async (set: string, kid?: string): Promise<void> => {
      await change(set, "DELETE", ({ paths }) => (kid === undefined ? paths.keySet(set) : paths.key(set, kid)));
    },
  };
}

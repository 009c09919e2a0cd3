import { getTextField } from "../../core/client/client.ts";
import { isJsonObject, isStringList, type JsonObject, parseJsonOrUndefined } from "../../core/json.ts";
import { secretsInHeaders } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import { type AdminCall, type AdminCallOptions, sendDetectingFamily } from "./admin-token-endpoints.ts";
import { unexpectedLoginAnswerProblem } from "./headless-browser.ts";
import { type OAuthStep, oauthProblem, parseOAuthError } from "./oauth-problems.ts";

/** What a server asks the login and consent application for. */
export const CHALLENGE_KINDS = ["device", "login", "consent"] as const;

/** A request of the server to the login and consent application. */
export interface Challenge {
  readonly name: (typeof CHALLENGE_KINDS)[number];
  readonly value: string;
}

/** Who logs in where. */
export interface ClientAndSubject {
  readonly clientId: string;
  readonly subject: string;
}

/** The part of the login and consent application that accepts, over the admin API. */
interface LoginApplication {
  /** Accepts a challenge and gives the URL at which the browser goes on. */
  readonly accept: (challenge: Challenge, userCode: string) => Promise<URL>;
}

/** The client that a request is for. */
function clientIdOf(request: JsonObject): string | undefined {
  const { client } = request;
  return isJsonObject(client) ? getTextField(client, "client_id") : undefined;
}

/**
 * Creates an application that logs exactly one user in at one client. A request for anything else is not accepted: it
 * belongs to someone else.
 */
export function createLoginApplication(
  options: AdminCallOptions,
  { clientId, subject }: ClientAndSubject,
  outer: OAuthStep,
): LoginApplication {
  const step: OAuthStep = {
    action: outer.action,
    get hidden() {
      return [...outer.hidden, ...secretsInHeaders(options.headers)];
    },
  };

  async function ask(
    { name, value }: Challenge,
    request: Pick<AdminCall, "method" | "path" | "json">,
  ): Promise<JsonObject> {
    const answer = await sendDetectingFamily(options, step, { ...request, query: { [`${name}_challenge`]: value } });
    if (answer === undefined)
      throw unexpectedLoginAnswerProblem(step, `the admin API doesn't know this ${name} request`);
    const body = parseJsonOrUndefined(answer.text)?.value;
    if (answer.status === 200 && isJsonObject(body)) return body;
    const error = parseOAuthError(answer.text);
    if (error !== undefined && answer.status !== 401 && answer.status !== 403)
      throw oauthProblem(step, error, answer.status);
    throw unexpectedLoginAnswerProblem(step, `the admin API answered ${answer.status} to the ${name} request`);
  }

  /** Reads a request and checks that it is our own. */
  async function readOwn(challenge: Challenge): Promise<JsonObject> {
    const request = await ask(challenge, { method: "GET", path: (paths) => paths.loginRequest(challenge.name) });
    if (clientIdOf(request) !== clientId)
      throw unexpectedLoginAnswerProblem(step, `the ${challenge.name} request is of another client`);
    const isOther = challenge.name === "consent" ? request["subject"] !== subject : request["skip"] === true;
    if (isOther) throw unexpectedLoginAnswerProblem(step, `the ${challenge.name} request is of another user`);
    return request;
  }

  async function acceptanceOf(challenge: Challenge, userCode: string): Promise<JsonObject> {
    if (challenge.name === "device") return { user_code: userCode };
    const request = await readOwn(challenge);
    if (challenge.name === "login") return { subject, remember: false };
    const { requested_scope: scopes, requested_access_token_audience: audience } = request;
    return {
      grant_scope: isStringList(scopes) ? scopes : [],
      grant_access_token_audience: isStringList(audience) ? audience : [],
      remember: false,
    };
  }

  return {
    async accept(challenge, userCode) {
      const json = await acceptanceOf(challenge, userCode);
      const { redirect_to: next } = await ask(challenge, {
        method: "PUT",
        path: (paths) => paths.acceptLoginRequest(challenge.name),
        json,
      });
      if (typeof next === "string" && URL.canParse(next)) return new URL(next);
      throw unexpectedLoginAnswerProblem(
        step,
        `the admin API accepted the ${challenge.name} request of client ${quote(clientId)} without a URL to go on at`,
      );
    },
  };
}

import * as v from "valibot";
import { isJsonObject, type JsonObject, parseJsonOrUndefined } from "../../core/json/json.ts";
import { secretsInHeaders } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import { parseOAuthError } from "../../servers/oauth-error.ts";
import { type AdminApiConnection, type AdminCall, callDetectingFamily } from "./admin-token-endpoints.ts";
import { type OAuthErrorContext, oauthProblem } from "./oauth-problems.ts";
import { unexpectedLoginAnswerProblem } from "./simulated-browser.ts";

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

const Texts = v.fallback(v.array(v.string()), []);

/** What a login or consent request says. What is missing or of another type belongs to nobody. */
const LoginOrConsentRequest = v.object({
  client: v.fallback(v.object({ client_id: v.optional(v.string()) }), {}),
  subject: v.fallback(v.optional(v.string()), undefined),
  skip: v.fallback(v.boolean(), false),
  requested_scope: Texts,
  requested_access_token_audience: Texts,
});

const Acceptance = v.object({ redirect_to: v.pipe(v.string(), v.url()) });

/**
 * Creates the part of a login and consent application that accepts, over the admin API: a function that accepts a challenge
 * and gives the URL at which the browser goes on. It logs exactly one user in at one client. A request for anything else is
 * not accepted: it belongs to someone else.
 */
export function createChallengeAcceptor(
  options: AdminApiConnection,
  { clientId, subject }: ClientAndSubject,
  outer: OAuthErrorContext,
): (challenge: Challenge, userCode: string) => Promise<URL> {
  const step: OAuthErrorContext = {
    action: outer.action,
    get hidden() {
      return [...outer.hidden, ...secretsInHeaders(options.headers)];
    },
  };

  async function ask(
    { name, value }: Challenge,
    request: Pick<AdminCall, "method" | "path" | "json">,
  ): Promise<JsonObject> {
    const answer = await callDetectingFamily(options, step, { ...request, query: { [`${name}_challenge`]: value } });
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
  async function readOwn(challenge: Challenge): Promise<v.InferOutput<typeof LoginOrConsentRequest>> {
    const answer = await ask(challenge, { method: "GET", path: (paths) => paths.loginRequest(challenge.name) });
    const request = v.parse(LoginOrConsentRequest, answer);
    if (request.client.client_id !== clientId)
      throw unexpectedLoginAnswerProblem(step, `the ${challenge.name} request belongs to a different client`);
    const isOther = challenge.name === "consent" ? request.subject !== subject : request.skip;
    if (isOther) throw unexpectedLoginAnswerProblem(step, `the ${challenge.name} request belongs to a different user`);
    return request;
  }

  async function acceptanceOf(challenge: Challenge, userCode: string): Promise<JsonObject> {
    if (challenge.name === "device") return { user_code: userCode };
    const request = await readOwn(challenge);
    if (challenge.name === "login") return { subject, remember: false };
    const { requested_scope: scopes, requested_access_token_audience: audience } = request;
    return { grant_scope: scopes, grant_access_token_audience: audience, remember: false };
  }

  return async (challenge, userCode) => {
    const json = await acceptanceOf(challenge, userCode);
    const answer = await ask(challenge, {
      method: "PUT",
      path: (paths) => paths.acceptLoginRequest(challenge.name),
      json,
    });
    const accepted = v.safeParse(Acceptance, answer);
    if (accepted.success) return new URL(accepted.output.redirect_to);
    throw unexpectedLoginAnswerProblem(
      step,
      `the admin API accepted the ${challenge.name} request of client ${quote(clientId)} without a URL to go on at`,
    );
  };
}

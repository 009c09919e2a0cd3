import * as v from "valibot";
import { type JsonObject, parseJsonOrUndefined } from "../../core/json/json.ts";
import { answerHint, type HttpAnswer, type HttpRequest, type SendHttp } from "../../core/network.ts";
import { Problem } from "../../core/problem.ts";
import { redactServerText, secretsInHeaders, urlWithoutSecrets } from "../../core/redact.ts";
import { escapeControls, quote, trimCharactersAtEnd } from "../../core/text.ts";
import {
  type FamilyDetection,
  findFamilyOfRedirect,
  possibleFamilies,
  type ServerFamily,
} from "../../servers/index.ts";
import { parseOAuthError } from "../../servers/oauth-error.ts";
import { answersAsPublicPort, isMissingPathStatus } from "../../servers/port-checks.ts";
import { isSignInRedirect, SIGN_IN_HINT } from "../../servers/sign-in-redirect.ts";
import { type OAuthErrorContext, oauthProblem } from "./oauth-problems.ts";
import { sendWithoutLibrary } from "./send-oauth-requests.ts";

/** How the admin API's endpoints for tokens are reached. */
export interface AdminApiConnection {
  readonly http: SendHttp;
  /** The admin API's URL without `/admin`. */
  readonly adminUrl: string;
  readonly detected: FamilyDetection;
  /** Headers of every request, for a proxy that wants credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeLeft: () => number;
  readonly signal?: AbortSignal;
}

/** What introspection says of a token (RFC 7662, 2.2), whole. */
interface Introspection {
  readonly active: boolean;
  readonly raw: JsonObject;
}

const IntrospectionBody = v.looseObject({ active: v.boolean() });

/** The admin API's endpoints for tokens. */
export type AdminTokenEndpoints = ReturnType<typeof createAdminTokenEndpoints>;

const UNREACHABLE_HINT = "check that the server is running, and that the endpoint is its admin port";

/** The parts of a request other than its path. */
type AdminPayload = Pick<HttpRequest, "method" | "query" | "form" | "json">;

export interface AdminCall extends AdminPayload {
  /** Undefined if servers of the family have no such endpoint. */
  readonly path: (paths: ServerFamily["paths"]) => string | undefined;
}

/** The problem of a redirect, which could take credentials and tokens anywhere. */
function findAdminRedirectProblem(
  { action, hidden }: OAuthErrorContext,
  url: string,
  { status, headers }: HttpAnswer,
): Problem | undefined {
  const location = headers.get("location") ?? "";
  if (status < 300 || status > 399 || location === "") return undefined;
  const target = quote(urlWithoutSecrets(redactServerText(location, hidden)));
  const more = { code: "redirect", status } as const;
  if (isSignInRedirect(url, location))
    return new Problem(`${action}: the server redirects to a sign-in page, ${target} (status ${status})`, {
      ...more,
      hint: SIGN_IN_HINT,
    });
  if (findFamilyOfRedirect({ location }) !== undefined) return undefined;
  return new Problem(`${action}: the server redirects to ${target} (status ${status}), which is not followed`, {
    ...more,
    hint: "use the URL that it redirects to as the endpoint",
  });
}

function buildAdminCallRequest(options: AdminApiConnection, payload: AdminPayload, path: string): HttpRequest {
  return {
    ...payload,
    url: `${trimCharactersAtEnd(options.adminUrl, "/")}${path}`,
    headers: { accept: "application/json", ...options.headers },
    timeout: options.timeLeft(),
    repeatable: true,
    signal: options.signal,
  };
}

/** Whether an answer may come from something in front of the server, and so says nothing about the server's family. */
function mayBeOfProxy({ status }: HttpAnswer): boolean {
  return status === 401 || status === 403 || status >= 500;
}

/** Sends a request to the known family of the server, or to each in turn until a path exists; undefined if none does. */
export async function callDetectingFamily(
  options: AdminApiConnection,
  step: OAuthErrorContext,
  { path: pathOf, ...payload }: AdminCall,
): Promise<HttpAnswer | undefined> {
  const { detected, http } = options;
  for (const family of possibleFamilies(detected)) {
    const path = pathOf(family.paths);
    if (path === undefined) continue;
    const request = buildAdminCallRequest(options, payload, path);
    const answer = await sendWithoutLibrary(http, step, request, UNREACHABLE_HINT);
    const problem = findAdminRedirectProblem(step, request.url, answer);
    if (problem !== undefined) throw problem;
    if (isMissingPathStatus(answer.status)) continue;
    if (!mayBeOfProxy(answer)) detected.family ??= family;
    return answer;
  }
  return undefined;
}

function notAdminPortProblem({ adminUrl, detected }: AdminApiConnection, { action }: OAuthErrorContext): Problem {
  const remark = detected.family === undefined ? "" : ", or leave out --api (api in the config file) if it is given";
  return new Problem(`${action}: ${escapeControls(urlWithoutSecrets(adminUrl))} isn't a Hydra admin port`, {
    code: "not-an-admin-api",
    status: 404,
    hint: `give the admin port (4445 by default, not the public 4444) as the endpoint${remark}`,
  });
}

function rejectedAdminCallProblem(
  step: OAuthErrorContext & { readonly expected?: string },
  answer: HttpAnswer,
): Problem {
  const { status, text } = answer;
  const error = parseOAuthError(text);
  const isGuarded = status === 401 || status === 403;
  if (error !== undefined && !isGuarded) return oauthProblem(step, error, status);
  const missing = status === 200 && step.expected !== undefined ? ` without ${step.expected}` : "";
  return new Problem(`${step.action}: the server answered ${status}${missing}`, {
    code: isGuarded ? "unauthorised" : "unreadable-answer",
    exit: isGuarded ? "unauthorised" : "failed",
    status,
    hint: answerHint(
      answer,
      isGuarded
        ? "pass the header or token that the proxy in front of the server accepts with --header or --access-token"
        : "check that the endpoint is a Hydra admin port and not a proxy or another service",
    ),
  });
}

function headerHidingErrorContext(
  { headers }: AdminApiConnection,
  action: string,
  hidden: readonly string[] = [],
): OAuthErrorContext {
  return { action, hidden: [...secretsInHeaders(headers), ...hidden] };
}

/** Creates access to the endpoints; nothing is sent yet. */
export function createAdminTokenEndpoints(options: AdminApiConnection) {
  return {
    /** Whether a token is active, and with all of these scopes if any are given. */
    async introspect(token: string, scopes: readonly string[] = []): Promise<Introspection> {
      const step = {
        ...headerHidingErrorContext(options, "Cannot introspect the token", [token]),
        expected: "an introspection answer",
      };
      const form = { token, ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }) };
      const answer = await callDetectingFamily(options, step, {
        method: "POST",
        path: ({ introspection }) => introspection,
        form,
      });
      if (answer === undefined) throw notAdminPortProblem(options, step);
      const raw = parseJsonOrUndefined(answer.text)?.value;
      if (answer.status !== 200 || !v.is(IntrospectionBody, raw)) throw rejectedAdminCallProblem(step, answer);
      return { active: raw.active, raw };
    },
    /** Deletes all access tokens of a client. Servers report success for an unknown client too. */
    async deleteTokens(clientId: string): Promise<void> {
      const step = headerHidingErrorContext(options, `Cannot delete the tokens of client ${quote(clientId)}`);
      const query = { client_id: clientId };
      const answer = await callDetectingFamily(options, step, {
        method: "DELETE",
        path: ({ tokens }) => tokens,
        query,
      });
      if (answer === undefined) throw notAdminPortProblem(options, step);
      if (answer.status !== 204) throw rejectedAdminCallProblem(step, answer);
    },
    /** Deletes expired tokens from the database; 1.x only. */
    async flush(notAfter?: string): Promise<void> {
      const step = headerHidingErrorContext(options, "Cannot flush expired tokens");
      const json = notAfter === undefined ? {} : { notAfter };
      const answer = await callDetectingFamily(options, step, { method: "POST", path: (paths) => paths.flush, json });
      const look = (path: string): Promise<HttpAnswer> =>
        sendWithoutLibrary(
          options.http,
          step,
          buildAdminCallRequest(options, { method: "GET" }, path),
          UNREACHABLE_HINT,
        );
      if (answer === undefined && (await answersAsPublicPort(look))) throw notAdminPortProblem(options, step);
      if (answer === undefined) {
        throw new Problem(`${step.action}: the server has no such endpoint`, {
          code: "no-flush",
          status: 404,
          hint: "from Hydra 2.0 on this is hydra janitor, run on the server",
        });
      }
      if (answer.status !== 204) throw rejectedAdminCallProblem(step, answer);
    },
  };
}

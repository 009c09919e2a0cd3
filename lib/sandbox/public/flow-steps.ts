import { createHash } from "node:crypto";
import type { Answer } from "../response.ts";
import {
  type AcceptedConsent,
  type AcceptedLogin,
  FLOW_LIFESPAN_SECONDS,
  type Flow,
  type FlowRefusal,
  type FlowStep,
  type FlowStepName,
  isRefusal,
} from "./flows.ts";
import { versionedError } from "./oauth-answers.ts";
import type { PublicContext } from "./public-context.ts";
import { findCookie, type RequestWithHeaders, redirectAnswer } from "./requests-and-pages.ts";
import type { Grant } from "./token-store.ts";

/** The name of the cookie that ties a step to a browser. */
function csrfCookieName({ traits }: PublicContext, step: FlowStepName, clientId: string): string {
  const { prefix, perClient } = traits.cookies;
  if (!perClient) return step === "login" ? `${prefix}authentication_csrf_insecure` : `${prefix}consent_csrf_insecure`;
  return `${prefix}${step}_csrf_dev_${createHash("sha256").update(clientId).digest().readUInt32BE(0)}`;
}

/** The Set-Cookie header that ties a step to a browser. */
function csrfSetCookieHeader(engine: PublicContext, step: FlowStepName, flow: Flow): string {
  const name = csrfCookieName(engine, step, flow.request.client.id);
  return `${name}=${flow[step].csrf}; Path=/; Max-Age=${FLOW_LIFESPAN_SECONDS}; HttpOnly; SameSite=Lax`;
}

/** The URL of the page that decides a step, with its challenge. */
function stepPageUrl(engine: PublicContext, step: FlowStepName, flow: Flow): string {
  const configured = step === "login" ? engine.loginUrl : engine.consentUrl;
  const base = configured ?? `${engine.publicUrl()}/oauth2/fallbacks/${step}`;
  const challenge = new URLSearchParams({ [`${step}_challenge`]: flow[step].challenge });
  return `${base}${base.includes("?") ? "&" : "?"}${challenge}`;
}

/** Sends the browser to the page that decides a step. */
export function stepRedirectAnswer(engine: PublicContext, step: FlowStepName, flow: Flow): Answer {
  return redirectAnswer(stepPageUrl(engine, step, flow), csrfSetCookieHeader(engine, step, flow));
}

/** What a login and a consent have led to. */
export interface FlowDecisions {
  readonly login: AcceptedLogin;
  readonly consent: AcceptedConsent;
}

/** The decisions of a flow; undefined unless both its login and its consent were accepted. */
export function findAcceptedDecisions({ login, consent }: Flow): FlowDecisions | undefined {
  const [loggedIn, consented] = [login.decision, consent.decision];
  if (loggedIn === undefined || consented === undefined) return undefined;
  if (isRefusal(loggedIn) || isRefusal(consented)) return undefined;
  return { login: loggedIn, consent: consented };
}

/** What a user granted in a flow. */
export function createGrantFromFlow(id: string, flow: Flow, done: FlowDecisions, nonce: string): Grant {
  const { login, consent } = done;
  const { scopes, audience, accessTokenClaims, idTokenClaims } = consent;
  return {
    id,
    clientId: flow.request.client.id,
    subject: login.subject,
    scopes,
    audience,
    user: {
      sessionId: flow.sessionId,
      nonce,
      acr: login.acr,
      authenticatedAt: login.at,
      requestedAt: flow.startedAt,
      accessTokenClaims,
      idTokenClaims,
    },
  };
}

/**
 * Marks a step as used and gives its decision, or the refusal if the browser isn't the one that began it or the step
 * was used before.
 */
function checkCsrfAndUseStep(
  engine: PublicContext,
  step: Pick<FlowStep<object>, "csrf" | "decision" | "isUsed">,
  name: FlowStepName,
  cookie: string | undefined,
): object {
  const declined = (error: "request_forbidden" | "access_denied", hint: string): FlowRefusal => {
    const { description } = versionedError(engine, error, hint).details;
    return { error, description: `${description} ${hint}` };
  };
  if (cookie === undefined) return declined("request_forbidden", "No CSRF value available in the session cookie.");
  if (cookie !== step.csrf)
    return declined(
      "request_forbidden",
      "The CSRF value from the token does not match the CSRF value from the data store.",
    );
  if (step.isUsed || step.decision === undefined)
    return declined("access_denied", `The ${name} verifier has already been used.`);
  step.isUsed = true;
  return step.decision;
}

/** The refusal if the step that a browser returns from was declined, otherwise undefined. The step counts as used then. */
export function useStepAndFindRefusal(
  engine: PublicContext,
  flow: Flow,
  name: FlowStepName,
  request: RequestWithHeaders,
): FlowRefusal | undefined {
  const cookie = findCookie(request, csrfCookieName(engine, name, flow.request.client.id));
  const decision = checkCsrfAndUseStep(engine, flow[name], name, cookie);
  return isRefusal(decision) ? decision : undefined;
}

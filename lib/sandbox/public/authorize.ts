import { createHash } from "node:crypto";
import { isLoopback } from "../../core/url.ts";
import type { Refusal } from "../error-bodies.ts";
import type { Answer } from "../response.ts";
import type { StoredClient } from "../store.ts";
import { allowsGrant, listField, words } from "./client-view.ts";
import { type Engine, rejected } from "./engine.ts";
import {
  type ConsentDecision,
  type Declined,
  type Flow,
  type FlowRequest,
  type Flows,
  isDeclined,
  type LoginDecision,
  type Step,
  type StepName,
} from "./flows.ts";
import { issueAccessToken, issueIdToken, newToken } from "./issue.ts";
import { audiencesIn, excessive } from "./permissions.ts";
import type { Grant, UserSession } from "./tokens.ts";
import { cookieOf, formOf, found, splitTarget, type WebRequest } from "./web.ts";

/** An authorization request (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1) on its way through login and consent. */
export interface AuthorizationRequest extends FlowRequest {
  readonly redirect: Redirect;
  readonly redirectUriRequested: boolean;
  readonly responseTypes: readonly string[];
  readonly nonce: string;
  readonly challenge: { readonly value: string; readonly method: string } | undefined;
}

/** Where and how an answer goes back to the client. */
interface Redirect {
  readonly uri: string;
  readonly state: string;
  readonly inFragment: boolean;
}

/** Seconds that an authorization code is valid for. */
const CODE_LIFESPAN = 600;

const CHECKED_LENGTH = 8;

/** What a login and a consent have led to. */
export interface Completed {
  readonly login: LoginDecision;
  readonly consent: ConsentDecision;
}

/** Whether a redirect URI is registered; the port of a loopback address is free (RFC 8252, 7.3). */
function isRegistered(registered: readonly string[], uri: string): boolean {
  if (registered.includes(uri)) return true;
  if (!URL.canParse(uri)) return false;
  const asked = new URL(uri);
  const isFree = (url: URL): boolean =>
    url.protocol === "http:" && isLoopback(url.hostname) && /^(?:127\.|\[::1\])/.test(url.hostname);
  return registered.some((each) => {
    if (!URL.canParse(each)) return false;
    const own = new URL(each);
    if (!isFree(own) || !isFree(asked) || own.hostname !== asked.hostname) return false;
    return own.pathname === asked.pathname && own.search === asked.search;
  });
}

function errorParams(engine: Engine, refusal: Refusal): URLSearchParams {
  const { error, description, hint } = refusal;
  if (engine.behaviour.errors === "verbose") {
    const params = new URLSearchParams({ error, error_description: description });
    if (hint === undefined) return params;
    params.set("error_description", `${description}\n\n${hint}`);
    params.set("error_hint", hint);
    return params;
  }
  const text = hint === undefined ? description : `${description} ${hint}`;
  return new URLSearchParams({ error, error_description: text.replaceAll('"', "'") });
}

/** An answer that goes back to the client through the browser. */
function toClient(engine: Engine, { uri, state, inFragment }: Redirect, params: URLSearchParams): Answer {
  if (state !== "") params.set("state", state);
  params.sort();
  const text =
    engine.traits.redirectStatus === 302 && !params.has("error")
      ? params.toString().replaceAll("+", "%20")
      : params.toString();
  const joint = inFragment ? "#" : uri.includes("?") ? "&" : "?";
  const headers = { location: `${uri}${joint}${text}`, "cache-control": "no-store", pragma: "no-cache" };
  return { status: engine.traits.redirectStatus, headers, body: "" };
}

function errorToClient(engine: Engine, redirect: Redirect, refusal: Refusal): Answer {
  return toClient(engine, redirect, errorParams(engine, refusal));
}

/** An error that must not go to the redirect URI, because that may be anyone's: the server's own page shows it. */
function errorPage(engine: Engine, refusal: Refusal): Answer {
  return found(`${engine.publicUrl()}/oauth2/fallbacks/error?${errorParams(engine, refusal)}`);
}

/** The cookie that ties a step to a browser. */
export function stepCookie({ traits }: Engine, step: StepName, clientId: string): string {
  const { prefix, perClient } = traits.cookies;
  if (!perClient) return step === "login" ? `${prefix}authentication_csrf_insecure` : `${prefix}consent_csrf_insecure`;
  return `${prefix}${step}_csrf_dev_${createHash("sha256").update(clientId).digest().readUInt32BE(0)}`;
}

function setCookie(engine: Engine, step: StepName, flow: Flow): string {
  const name = stepCookie(engine, step, flow.request.client.id);
  return `${name}=${flow[step].csrf}; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax`;
}

/** The URL of the page that decides a step, with its challenge. */
function pageOf(engine: Engine, step: StepName, flow: Flow): string {
  const configured = step === "login" ? engine.loginUrl : engine.consentUrl;
  const base = configured ?? `${engine.publicUrl()}/oauth2/fallbacks/${step}`;
  const challenge = new URLSearchParams({ [`${step}_challenge`]: flow[step].challenge });
  return `${base}${base.includes("?") ? "&" : "?"}${challenge}`;
}

/** Sends the browser to the page that decides a step. */
export function toStep(engine: Engine, step: StepName, flow: Flow): Answer {
  return found(pageOf(engine, step, flow), setCookie(engine, step, flow));
}

interface Addressed {
  readonly client: StoredClient;
  readonly redirect: Redirect;
  readonly redirectUriRequested: boolean;
}

/** The client and the redirect URI of a request, which must be right before any error may go there. */
function addressed(engine: Engine, params: URLSearchParams): Addressed | Refusal {
  const client = engine.client(params.get("client_id") ?? "");
  if (client === undefined) {
    return rejected(engine, "invalid_client", "The requested OAuth 2.0 Client does not exist.");
  }
  const registered = listField(client, "redirect_uris");
  const requested = params.get("redirect_uri") ?? "";
  const isOpenId = words(params.get("scope") ?? "").includes("openid");
  if (requested === "" && isOpenId && engine.traits.redirectUriRequired) {
    const hint = 'The "redirect_uri" parameter is required when using OpenID Connect 1.0.';
    return rejected(engine, "invalid_request", hint);
  }
  const only = registered.length === 1 ? registered[0] : undefined;
  const uri = requested === "" ? only : requested;
  if (uri === undefined || !(requested === "" || isRegistered(registered, requested))) {
    const hint = `The "redirect_uri" parameter does not match any of the OAuth 2.0 Client's pre-registered redirect urls.`;
    return rejected(engine, "invalid_request", hint);
  }
  const inFragment = /\b(?:token|id_token)\b/.test(params.get("response_type") ?? "");
  const redirect = { uri, state: params.get("state") ?? "", inFragment };
  return { client, redirect, redirectUriRequested: requested !== "" };
}

function allowsResponseType(client: StoredClient, responseTypes: readonly string[]): boolean {
  const wanted = responseTypes.toSorted().join(" ");
  return listField(client, "response_types").some((each) => words(each).toSorted().join(" ") === wanted);
}

/** Why an implicit request is wrong (OpenID Connect Core, 3.2.2.1), or undefined. */
function badImplicit(
  engine: Engine,
  client: StoredClient,
  types: readonly string[],
  nonce: string,
): Refusal | undefined {
  if (!types.includes("token") && !types.includes("id_token")) return undefined;
  if (!allowsGrant(client, "implicit")) {
    const hint = `The OAuth 2.0 Client is not allowed to use the authorization grant "implicit".`;
    return rejected(engine, "unauthorized_client", hint);
  }
  if (!types.includes("id_token") || nonce !== "") return undefined;
  const hint = 'Parameter "nonce" must be set when using the OpenID Connect Implicit Flow.';
  return rejected(engine, "invalid_request", hint);
}

/** Why a request is refused before a login, or undefined. */
function badRequest(engine: Engine, client: StoredClient, params: URLSearchParams): Refusal | undefined {
  const state = params.get("state") ?? "";
  if (state.length < CHECKED_LENGTH) {
    const hint = `Request parameter "state" must be at least be 8 characters long to ensure sufficient entropy.`;
    return rejected(engine, "invalid_state", hint);
  }
  const types = words(params.get("response_type") ?? "");
  if (types.length === 0 || !allowsResponseType(client, types)) {
    const hint = `The client is not allowed to request response_type "${params.get("response_type") ?? ""}".`;
    return rejected(engine, "unsupported_response_type", hint);
  }
  const method = params.get("code_challenge_method") ?? "";
  if (!["", "plain", "S256"].includes(method)) {
    const hint = "The code_challenge_method is not supported, use S256 instead.";
    return rejected(engine, "invalid_request", hint);
  }
  const implicit = badImplicit(engine, client, types, params.get("nonce") ?? "");
  const beyond = excessive(engine, client, words(params.get("scope") ?? ""), audiencesIn(params));
  if (implicit !== undefined || beyond !== undefined) return beyond ?? implicit;
  if (!words(params.get("prompt") ?? "").includes("none")) return undefined;
  const hint = `Prompt "none" was requested, but no existing login session was found.`;
  return rejected(engine, "login_required", engine.behaviour.errors === "verbose" ? undefined : hint);
}

/** The claims of a user in what a flow grants. */
function sessionOf<Request extends FlowRequest>(flow: Flow<Request>, done: Completed, nonce: string): UserSession {
  const { accessTokenClaims, idTokenClaims } = done.consent;
  return {
    sessionId: flow.sessionId,
    nonce,
    acr: done.login.acr,
    authenticatedAt: done.login.at,
    requestedAt: flow.startedAt,
    accessTokenClaims,
    idTokenClaims,
  };
}

/** What a user granted in a flow. */
export function grantOf<Request extends FlowRequest>(
  id: string,
  flow: Flow<Request>,
  done: Completed,
  nonce: string,
): Grant {
  const { client } = flow.request;
  const { scopes, audience } = done.consent;
  const user = sessionOf(flow, done, nonce);
  return { id, clientId: client.id, subject: done.login.subject, scopes, audience, user };
}

/** The codes and tokens that a completed flow sends to the client. */
function granted(engine: Engine, flow: Flow<AuthorizationRequest>, done: Completed): Answer {
  const { client, redirect, responseTypes, nonce, challenge, redirectUriRequested } = flow.request;
  const grant = grantOf(flow.login.challenge, flow, done, nonce);
  const params = new URLSearchParams();
  const bound: { code?: string; accessToken?: string; nonce: string } = { nonce };
  const by = "implicit" as const;
  if (responseTypes.includes("code")) {
    bound.code = newToken(engine, "code");
    const expiresAt = engine.now() + CODE_LIFESPAN;
    engine.tokens.addCode(bound.code, { grant, redirectUri: redirect.uri, redirectUriRequested, challenge, expiresAt });
    params.set("code", bound.code);
  }
  if (responseTypes.includes("token")) {
    const { value, expiresIn } = issueAccessToken(engine, { client, grant, by });
    bound.accessToken = value;
    for (const [name, text] of Object.entries({
      access_token: value,
      expires_in: `${expiresIn}`,
      token_type: "bearer",
    }))
      params.set(name, text);
  }
  if (responseTypes.includes("id_token") && grant.scopes.includes("openid"))
    params.set("id_token", issueIdToken(engine, { client, grant, by }, bound));
  if (responseTypes.includes("token") || !responseTypes.includes("id_token"))
    params.set("scope", grant.scopes.join(" "));
  return toClient(engine, redirect, params);
}

/** A decision that a verifier stands for, or the error that the flow ends with. */
export function decisionOf<Decision extends object>(
  engine: Engine,
  step: Step<Decision>,
  name: StepName,
  cookie: string | undefined,
): Decision | Declined {
  const declined = (error: "request_forbidden" | "access_denied", hint: string): Declined => {
    const refusal = rejected(engine, error, hint);
    return { error, description: `${refusal.description} ${hint}` };
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

/** The authorization endpoint. */
export function createAuthorization(
  engine: Engine,
  flows: Flows<AuthorizationRequest>,
): (request: WebRequest) => Answer {
  function begin(params: URLSearchParams, target: string): Answer {
    const to = addressed(engine, params);
    if ("status" in to) return errorPage(engine, to);
    const { client, redirect, redirectUriRequested } = to;
    const refusal = badRequest(engine, client, params);
    if (refusal !== undefined) return errorToClient(engine, redirect, refusal);
    const challenge = params.get("code_challenge") ?? "";
    const flow = flows.begin({
      client,
      redirect,
      redirectUriRequested,
      scopes: words(params.get("scope") ?? ""),
      audience: audiencesIn(params),
      url: `${engine.publicUrl()}${target}`,
      resumeUrl: `${engine.publicUrl()}/oauth2/auth`,
      params,
      responseTypes: words(params.get("response_type") ?? ""),
      nonce: params.get("nonce") ?? "",
      challenge:
        challenge === "" ? undefined : { value: challenge, method: params.get("code_challenge_method") || "plain" },
    });
    return toStep(engine, "login", flow);
  }

  function decided(name: StepName, flow: Flow<AuthorizationRequest>, request: WebRequest): Answer {
    const cookie = cookieOf(request, stepCookie(engine, name, flow.request.client.id));
    const decision =
      name === "login" ? decisionOf(engine, flow.login, name, cookie) : decisionOf(engine, flow.consent, name, cookie);
    if (isDeclined(decision)) {
      const params = new URLSearchParams({ error: decision.error, error_description: decision.description });
      return toClient(engine, flow.request.redirect, params);
    }
    if (name === "login") return toStep(engine, "consent", flow);
    const { decision: login } = flow.login;
    const { decision: consent } = flow.consent;
    if (login === undefined || isDeclined(login) || consent === undefined || isDeclined(consent)) {
      return errorToClient(engine, flow.request.redirect, rejected(engine, "access_denied"));
    }
    return granted(engine, flow, { login, consent });
  }

  return (request) => {
    const params = request.method === "POST" ? formOf(request) : splitTarget(request.target).query;
    for (const name of ["login", "consent"] as const) {
      const verifier = params.get(`${name}_verifier`);
      if (verifier === null) continue;
      const flow = flows.byVerifier(name, verifier);
      if (flow !== undefined) return decided(name, flow, request);
      return errorPage(
        engine,
        rejected(
          engine,
          "access_denied",
          `The ${name} verifier has already been used, has not been granted, or is invalid.`,
        ),
      );
    }
    return begin(params, request.target);
  };
}

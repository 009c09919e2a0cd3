import { isRegisteredRedirect } from "../../core/client/redirect-match.ts";
import { type ApiErrorDetails, detailsOrRethrow, errorMembers } from "../api-errors.ts";
import type { StoredClient } from "../client-store.ts";
import { parseGoUrl } from "../go-url.ts";
import { stringListMemberOrEmpty, stringMemberOrEmpty } from "../json-members.ts";
import type { Answer } from "../response.ts";
import { allowsGrant, splitWords } from "./client-settings.ts";
import {
  createGrantFromFlow,
  type FlowDecisions,
  findAcceptedDecisions,
  stepRedirectAnswer,
  useStepAndFindRefusal,
} from "./flow-steps.ts";
import type { Flow, FlowRequest, FlowStepName, FlowStore } from "./flows.ts";
import { issueAccessToken, issueIdToken, newOpaqueToken } from "./issue-tokens.ts";
import { versionedError } from "./oauth-answers.ts";
import { audiencesIn, requireAllowedScopesAndAudience } from "./permissions.ts";
import type { PublicContext } from "./public-context.ts";
import {
  formPostAnswer,
  parseFormBody,
  type RequestWithHeaders,
  redirectAnswer,
  splitTarget,
} from "./requests-and-pages.ts";

/** An authorization request (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1) on its way through login and consent. */
export interface AuthorizationFlowRequest extends FlowRequest {
  readonly redirect: ClientRedirect;
  readonly redirectUriRequested: boolean;
  readonly responseTypes: readonly string[];
  readonly nonce: string;
  /** The code challenge, of the method S256; empty without one. */
  readonly challenge: string;
}

/** Where and how an answer goes back to the client. */
interface ClientRedirect {
  readonly uri: string;
  readonly state: string;
  readonly mode: ResponseMode;
}

const RESPONSE_MODES = ["query", "fragment", "form_post"] as const;

/** How an answer reaches the client (OAuth 2.0 Multiple Response Type Encoding Practices, 2.1; Form Post Response Mode). */
type ResponseMode = (typeof RESPONSE_MODES)[number];

/** Seconds that an authorization code is valid for. */
const CODE_LIFESPAN_SECONDS = 600;

const CHECKED_LENGTH = 8;

/** The parameters of an error response (RFC 6749, 4.1.2.1). */
function errorResponseParams({ behaviour }: PublicContext, refusal: ApiErrorDetails): URLSearchParams {
  const members = errorMembers(behaviour, refusal);
  const shown = ["error", "error_description", "error_hint"].filter((name) => members[name] !== undefined);
  return new URLSearchParams(shown.map((name): [string, string] => [name, stringMemberOrEmpty(members, name)]));
}

/** An authorization response (RFC 6749, 4.1.2), which goes to the client through the browser. */
function authorizationResponseAnswer(
  engine: PublicContext,
  { uri, state, mode }: ClientRedirect,
  params: URLSearchParams,
): Answer {
  if (state !== "") params.set("state", state);
  params.sort();
  if (mode === "form_post") return formPostAnswer(uri, params);
  const text =
    engine.traits.redirectStatus === 302 && !params.has("error")
      ? params.toString().replaceAll("+", "%20")
      : params.toString();
  const joint = mode === "fragment" ? "#" : uri.includes("?") ? "&" : "?";
  const headers = { location: `${uri}${joint}${text}`, "cache-control": "no-store", pragma: "no-cache" };
  return { status: engine.traits.redirectStatus, headers, body: "" };
}

/** Answers with what is thrown as an authorization error response (RFC 6749, 4.1.2.1), through the browser. */
function answerOrErrorResponse(engine: PublicContext, redirect: ClientRedirect, answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    const params = errorResponseParams(engine, detailsOrRethrow(error));
    return authorizationResponseAnswer(engine, redirect, params);
  }
}

/** An error that must not go to the redirect URI, because that may be anyone's: the server's own page shows it. */
export function errorPageRedirectAnswer(engine: PublicContext, refusal: ApiErrorDetails): Answer {
  return redirectAnswer(`${engine.publicUrl()}/oauth2/fallbacks/error?${errorResponseParams(engine, refusal)}`);
}

/** How the answer to a request reaches the client. */
function chooseResponseMode(engine: PublicContext, params: URLSearchParams): ResponseMode {
  const byType = /\b(?:token|id_token)\b/.test(params.get("response_type") ?? "") ? "fragment" : "query";
  const asked = params.get("response_mode") ?? "";
  if (asked === "" || !engine.traits.readsResponseMode) return byType;
  const mode = RESPONSE_MODES.find((each) => each === asked);
  if (mode === undefined) {
    const hint = `Request with unsupported response_mode "${asked}".`;
    throw versionedError(engine, "unsupported_response_mode", hint);
  }
  // A query would show tokens to the client's server and its logs.
  return mode === "query" ? byType : mode;
}

/** The client of a request, and where its answer goes. */
type ClientAndRedirect = Pick<AuthorizationFlowRequest, "client" | "redirect" | "redirectUriRequested">;
/** The client and the redirect URI of a request, which must be right before any error may go there. */
function resolveClientAndRedirect(engine: PublicContext, params: URLSearchParams): ClientAndRedirect {
  const client = engine.client(params.get("client_id") ?? "");
  if (client === undefined) {
    throw versionedError(engine, "invalid_client", "The requested OAuth 2.0 Client does not exist.");
  }
  const registered = stringListMemberOrEmpty(client.view, "redirect_uris");
  const requested = params.get("redirect_uri") ?? "";
  const isOpenId = splitWords(params.get("scope") ?? "").includes("openid");
  if (requested === "" && isOpenId && engine.traits.redirectUriRequired) {
    const hint = 'The "redirect_uri" parameter is required when using OpenID Connect 1.0.';
    throw versionedError(engine, "invalid_request", hint);
  }
  const only = registered.length === 1 ? registered[0] : undefined;
  const uri = requested === "" ? only : requested;
  if (uri === undefined || !(requested === "" || isRegisteredRedirect(registered, requested))) {
    const hint = `The "redirect_uri" parameter does not match any of the OAuth 2.0 Client's pre-registered redirect urls.`;
    throw versionedError(engine, "invalid_request", hint);
  }
  const redirect = { uri, state: params.get("state") ?? "", mode: chooseResponseMode(engine, params) };
  return { client, redirect, redirectUriRequested: requested !== "" };
}

function allowsResponseType(client: StoredClient, responseTypes: readonly string[]): boolean {
  const wanted = responseTypes.toSorted().join(" ");
  return stringListMemberOrEmpty(client.view, "response_types").some(
    (each) => splitWords(each).toSorted().join(" ") === wanted,
  );
}

/** Throws if a request is an implicit one and wrong (OpenID Connect Core, 3.2.2.1). */
function requireValidImplicitFlow(
  engine: PublicContext,
  client: StoredClient,
  types: readonly string[],
  nonce: string,
): void {
  if (!types.includes("token") && !types.includes("id_token")) return;
  if (!allowsGrant(client, "implicit")) {
    const hint = `The OAuth 2.0 Client is not allowed to use the authorization grant "implicit".`;
    throw versionedError(engine, "unauthorized_client", hint);
  }
  if (!types.includes("id_token") || nonce !== "") return;
  const hint = 'Parameter "nonce" must be set when using the OpenID Connect Implicit Flow.';
  throw versionedError(engine, "invalid_request", hint);
}

function requireStateAndResponseType(engine: PublicContext, client: StoredClient, params: URLSearchParams): void {
  if ((params.get("state") ?? "").length < CHECKED_LENGTH) {
    const hint = `Request parameter "state" must be at least be 8 characters long to ensure sufficient entropy.`;
    throw versionedError(engine, "invalid_state", hint);
  }
  const responseType = params.get("response_type") ?? "";
  const types = splitWords(responseType);
  if (types.length > 0 && allowsResponseType(client, types)) return;
  const hint = `The client is not allowed to request response_type "${responseType}".`;
  throw versionedError(engine, "unsupported_response_type", hint);
}

/** Throws if a request must be answered without a login, of which there is none. */
function rejectPromptNone(engine: PublicContext, params: URLSearchParams): void {
  if (!splitWords(params.get("prompt") ?? "").includes("none")) return;
  const hint = `Prompt "none" was requested, but no existing login session was found.`;
  throw versionedError(engine, "login_required", engine.behaviour.errors === "verbose" ? undefined : hint);
}

/** Throws if a redirect URI is not secure enough for a code. Servers notice it after the login. */
function requireSecureRedirect(engine: PublicContext, { redirect, responseTypes }: AuthorizationFlowRequest): void {
  const { plainHttpHosts } = engine.traits;
  const { scheme, hostname } = parseGoUrl(redirect.uri) ?? { scheme: "", hostname: "" };
  const isSecure = scheme !== "http" || plainHttpHosts === undefined || plainHttpHosts.test(hostname);
  if (isSecure || !responseTypes.includes("code")) return;
  const hint =
    "Redirect URL is using an insecure protocol, http is only allowed for hosts with suffix `localhost`, for example: http://myapp.localhost/.";
  throw versionedError(engine, "invalid_request", hint);
}

/** Throws if the code challenge of a request is wrong (RFC 7636, 4.4.1). Servers notice it after the login too. */
function requireValidCodeChallenge(engine: PublicContext, request: AuthorizationFlowRequest): void {
  if (!request.responseTypes.includes("code") || request.challenge === "") return;
  const method = request.params.get("code_challenge_method") ?? "";
  if (method === "S256") return;
  const hint = ["", "plain"].includes(method)
    ? "Clients must use code_challenge_method=S256, plain is not allowed."
    : "The code_challenge_method is not supported, use S256 instead.";
  throw versionedError(engine, "invalid_request", hint);
}

/** Issues the code and tokens that a completed flow sends to the client. */
function issueCodeAndTokensAnswer(
  engine: PublicContext,
  flow: Flow<AuthorizationFlowRequest>,
  done: FlowDecisions,
): Answer {
  const { client, redirect, responseTypes, nonce, challenge, redirectUriRequested } = flow.request;
  const grant = createGrantFromFlow(flow.login.challenge, flow, done, nonce);
  const params = new URLSearchParams();
  const bound: { code?: string; accessToken?: string; nonce: string } = { nonce };
  const by = "implicit" as const;
  if (responseTypes.includes("code")) {
    bound.code = newOpaqueToken(engine, "code");
    const expiresAt = engine.now() + CODE_LIFESPAN_SECONDS;
    engine.tokens.addCode(bound.code, { grant, redirectUri: redirect.uri, redirectUriRequested, challenge, expiresAt });
    params.set("code", bound.code);
  }
  if (responseTypes.includes("token")) {
    const { value, expiresIn } = issueAccessToken(engine, { client, grant, by });
    bound.accessToken = value;
    params.set("access_token", value);
    params.set("expires_in", String(expiresIn));
    params.set("token_type", "bearer");
  }
  if (responseTypes.includes("id_token") && grant.scopes.includes("openid"))
    params.set("id_token", issueIdToken(engine, { client, grant, by }, bound));
  if (responseTypes.includes("token") || !responseTypes.includes("id_token"))
    params.set("scope", grant.scopes.join(" "));
  return authorizationResponseAnswer(engine, redirect, params);
}

/** The authorization endpoint. */
export function createAuthorizationEndpoint(
  engine: PublicContext,
  flows: FlowStore<AuthorizationFlowRequest>,
): (request: RequestWithHeaders) => Answer {
  function begin(params: URLSearchParams, target: string): Answer {
    const { client, redirect, redirectUriRequested } = resolveClientAndRedirect(engine, params);
    const scopes = splitWords(params.get("scope") ?? "");
    const audience = audiencesIn(params);
    const responseTypes = splitWords(params.get("response_type") ?? "");
    const nonce = params.get("nonce") ?? "";
    return answerOrErrorResponse(engine, redirect, () => {
      requireStateAndResponseType(engine, client, params);
      requireAllowedScopesAndAudience(engine, client, scopes, audience);
      requireValidImplicitFlow(engine, client, responseTypes, nonce);
      rejectPromptNone(engine, params);
      const flow = flows.begin({
        client,
        redirect,
        redirectUriRequested,
        scopes,
        audience,
        url: `${engine.publicUrl()}${target}`,
        resumeUrl: `${engine.publicUrl()}/oauth2/auth`,
        params,
        responseTypes,
        nonce,
        challenge: params.get("code_challenge") ?? "",
      });
      return stepRedirectAnswer(engine, "login", flow);
    });
  }

  function decided(name: FlowStepName, flow: Flow<AuthorizationFlowRequest>, request: RequestWithHeaders): Answer {
    const { redirect } = flow.request;
    const declined = useStepAndFindRefusal(engine, flow, name, request);
    if (declined !== undefined) {
      const params = new URLSearchParams({ error: declined.error, error_description: declined.description });
      return authorizationResponseAnswer(engine, redirect, params);
    }
    if (name === "login") return stepRedirectAnswer(engine, "consent", flow);
    return answerOrErrorResponse(engine, redirect, () => {
      const completed = findAcceptedDecisions(flow);
      if (completed === undefined) throw versionedError(engine, "access_denied");
      requireSecureRedirect(engine, flow.request);
      requireValidCodeChallenge(engine, flow.request);
      return issueCodeAndTokensAnswer(engine, flow, completed);
    });
  }

  function answer(request: RequestWithHeaders): Answer {
    const params = request.method === "POST" ? parseFormBody(request) : splitTarget(request.target).query;
    for (const name of ["login", "consent"] as const) {
      const verifier = params.get(`${name}_verifier`);
      if (verifier === null) continue;
      const flow = flows.byVerifier(name, verifier);
      if (flow !== undefined) return decided(name, flow, request);
      const hint = `The ${name} verifier has already been used, has not been granted, or is invalid.`;
      throw versionedError(engine, "access_denied", hint);
    }
    return begin(params, request.target);
  }

  return (request) => {
    try {
      return answer(request);
    } catch (error) {
      return errorPageRedirectAnswer(engine, detailsOrRethrow(error));
    }
  };
}

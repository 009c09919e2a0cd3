import type { JsonObject } from "../../core/json/json.ts";
import { detailsOrRethrow, noSuchResourceError } from "../api-errors.ts";
import { stringMemberOrEmpty } from "../json-members.ts";
import { type Answer, emptyAnswer, errorAnswer, jsonAnswer, withNoStore, wrongMethodAnswer } from "../response.ts";
import type { AuthorizationFlowRequest } from "./authorize.ts";
import { splitWords } from "./client-settings.ts";
import { parseObjectBody, readConsentDecision, readLoginDecision, readRefusal } from "./decisions.ts";
import type { DeviceFlowRequest, DeviceGrantService } from "./device-grant.ts";
import { type Flow, type FlowStepName, type FlowStore, isRefusal } from "./flows.ts";
import { oauthSuccessAnswer, requireFormBody, versionedError, withOAuthErrorAnswers } from "./oauth-answers.ts";
import { issuerOf, type PublicContext } from "./public-context.ts";
import { type RequestWithHeaders, splitTarget } from "./requests-and-pages.ts";
import type { Token } from "./token-store.ts";

/** What the admin side needs of the public side. */
export interface FlowStores {
  readonly authorizations: FlowStore<AuthorizationFlowRequest>;
  readonly deviceFlows: FlowStore<DeviceFlowRequest>;
  readonly devices: DeviceGrantService;
}

/** The flow of a challenge, whichever kind of flow it is. */
export function findAuthorizationOrDeviceFlow(
  { authorizations, deviceFlows }: FlowStores,
  step: FlowStepName,
  challenge: string,
): Flow | undefined {
  return authorizations.byChallenge(step, challenge) ?? deviceFlows.byChallenge(step, challenge);
}

type OAuthAdminRouteHandler = (request: RequestWithHeaders, query: URLSearchParams) => Answer;

type AdminRoute = readonly [path: string, method: string, endpoint: OAuthAdminRouteHandler];

const REQUESTS = "/oauth2/auth/requests";

/** The introspection response for an active token (RFC 7662, 2.2). */
function introspectionResponse(engine: PublicContext, { use, grant, issuedAt, expiresAt }: Token): JsonObject {
  const isFull = engine.traits.introspection === "full";
  const extra = grant.user?.accessTokenClaims ?? {};
  return {
    active: true,
    ...(grant.scopes.length === 0 ? {} : { scope: grant.scopes.join(" ") }),
    client_id: grant.clientId,
    sub: grant.subject,
    exp: Math.floor(expiresAt),
    iat: Math.floor(issuedAt),
    ...(isFull ? { nbf: Math.floor(issuedAt) } : {}),
    ...(isFull || grant.audience.length > 0 ? { aud: grant.audience } : {}),
    iss: issuerOf(engine),
    token_type: isFull ? "Bearer" : use,
    ...(isFull ? { token_use: use } : {}),
    ...(Object.keys(extra).length === 0 ? {} : { ext: extra }),
  };
}

/** The introspection endpoint (RFC 7662, 2). */
function createIntrospectionEndpoint(engine: PublicContext): OAuthAdminRouteHandler {
  return withOAuthErrorAnswers(engine, (request) => {
    const form = requireFormBody(engine, request);
    const token = engine.tokens.active(form.get("token") ?? "");
    const scopes = splitWords(form.get("scope") ?? "");
    const isActive = token !== undefined && scopes.every((scope) => token.grant.scopes.includes(scope));
    return isActive
      ? oauthSuccessAnswer(introspectionResponse(engine, token), {})
      : oauthSuccessAnswer({ active: false });
  });
}

/** The endpoint that ends the access tokens of a client. */
function createTokenDeletionEndpoint(engine: PublicContext): OAuthAdminRouteHandler {
  return (_, query) => {
    const id = query.get("client_id") ?? "";
    if (id === "") {
      const hint = `Query parameter "${engine.traits.missingClientName}" is not defined but it should have been.`;
      throw versionedError(engine, "invalid_request", hint);
    }
    engine.tokens.endAccessTokens(id);
    return emptyAnswer(204);
  };
}

/** The members of a login request as its application reads it. */
function loginRequestMembers({ traits }: PublicContext, flow: Flow): JsonObject {
  const { request, login, sessionId } = flow;
  const isNull = traits.consentRequest === "short" && request.audience.length === 0;
  return {
    challenge: login.challenge,
    requested_scope: request.scopes,
    requested_access_token_audience: isNull ? null : request.audience,
    skip: false,
    subject: "",
    oidc_context: {},
    client: request.client.view,
    request_url: request.url,
    session_id: sessionId,
  };
}

/** The members of a consent request as its application reads it. */
function consentRequestMembers({ traits }: PublicContext, flow: Flow): JsonObject {
  const { request, login, consent, sessionId } = flow;
  const { decision } = login;
  const isLoggedIn = decision !== undefined && !isRefusal(decision);
  const { subject, acr, amr, context } = isLoggedIn ? decision : { subject: "", acr: "", amr: [], context: null };
  return {
    challenge: consent.challenge,
    ...(traits.consentRequest === "identified" ? { consent_request_id: sessionId.replaceAll("-", "") } : {}),
    requested_scope: request.scopes,
    requested_access_token_audience: request.audience,
    skip: false,
    subject,
    oidc_context: {},
    client: request.client.view,
    request_url: request.url,
    login_challenge: login.challenge,
    login_session_id: sessionId,
    acr,
    ...(traits.consentRequest === "short" ? {} : { amr, context }),
  };
}

/** The endpoints of one step: read, accept and reject. */
function stepRoutes(engine: PublicContext, stores: FlowStores, name: FlowStepName): readonly AdminRoute[] {
  /** Runs an action on the flow of a challenge. */
  function withFlow(query: URLSearchParams, action: (flow: Flow) => Answer): Answer {
    const challenge = query.get(`${name}_challenge`) ?? query.get("challenge") ?? "";
    if (challenge === "") {
      const hint = `Query parameter "challenge" is not defined but should have been.`;
      throw versionedError(engine, "invalid_request", hint);
    }
    const flow = findAuthorizationOrDeviceFlow(stores, name, challenge);
    if (flow === undefined) throw noSuchResourceError(engine.behaviour);
    return action(flow);
  }

  const read: OAuthAdminRouteHandler = (_, query) =>
    withFlow(query, (flow) => {
      const { usedChallenge } = engine.traits;
      if (!flow[name].isUsed || usedChallenge === "served")
        return jsonAnswer(
          200,
          name === "login" ? loginRequestMembers(engine, flow) : consentRequestMembers(engine, flow),
        );
      if (usedChallenge === "gone") return jsonAnswer(410, { redirect_to: flow.request.url });
      const description = "Unable to process the requested resource because of conflict in the current state";
      return errorAnswer(engine.behaviour, { status: 409, error: "Conflict", description });
    });

  const accept: OAuthAdminRouteHandler = ({ body }, query) =>
    withFlow(query, (flow) => {
      const given = parseObjectBody(body);
      const redirect_to =
        name === "consent"
          ? flow.consent.decide(readConsentDecision(given))
          : flow.login.decide(readLoginDecision(engine, given));
      return jsonAnswer(200, { redirect_to });
    });

  const reject: OAuthAdminRouteHandler = ({ body }, query) =>
    withFlow(query, (flow) => jsonAnswer(200, { redirect_to: flow[name].decide(readRefusal(parseObjectBody(body))) }));
  return [
    [`${REQUESTS}/${name}`, "GET", read],
    [`${REQUESTS}/${name}/accept`, "PUT", accept],
    [`${REQUESTS}/${name}/reject`, "PUT", reject],
  ];
}

function deviceRoutes(engine: PublicContext, { devices }: FlowStores): readonly AdminRoute[] {
  if (!engine.traits.device) return [];
  const accept: OAuthAdminRouteHandler = ({ body }, query) => {
    const userCode = stringMemberOrEmpty(parseObjectBody(body), "user_code");
    const redirect_to = devices.acceptUserCode(query.get("device_challenge") ?? "", userCode);
    if (redirect_to === undefined) throw noSuchResourceError(engine.behaviour);
    return jsonAnswer(200, { redirect_to });
  };
  return [[`${REQUESTS}/device/accept`, "PUT", accept]];
}

/** The admin API's endpoints for tokens, logins and consents; undefined for a path that is none of them. */
export function createOAuthAdminRouter(
  engine: PublicContext,
  parts: FlowStores,
): (request: RequestWithHeaders) => Answer | undefined {
  const { prefix, unprefixed, uncached: kept, router } = engine.behaviour;
  // Expired tokens are inactive and go by themselves.
  const flush: OAuthAdminRouteHandler = () => emptyAnswer(204);
  const all: readonly AdminRoute[] = [
    ["/oauth2/introspect", "POST", createIntrospectionEndpoint(engine)],
    ["/oauth2/tokens", "DELETE", createTokenDeletionEndpoint(engine)],
    ...(engine.traits.flush ? [["/oauth2/flush", "POST", flush] satisfies AdminRoute] : []),
    ...stepRoutes(engine, parts, "login"),
    ...stepRoutes(engine, parts, "consent"),
    ...deviceRoutes(engine, parts),
  ];
  const routes = new Map(all.map((route) => [route[0], route]));

  function perform([, , endpoint]: AdminRoute, request: RequestWithHeaders, query: URLSearchParams): Answer {
    try {
      return endpoint(request, query);
    } catch (error) {
      return errorAnswer(engine.behaviour, detailsOrRethrow(error));
    }
  }

  function neverCached(answer: Answer, method: string): Answer {
    if ("cache-control" in answer.headers) return answer;
    return kept === "prefixed" || (kept === "reads" && method === "GET") ? withNoStore(answer) : answer;
  }

  return (request) => {
    const { path, query } = splitTarget(request.target);
    const isPrefixed = prefix !== "" && path.startsWith(`${prefix}/`);
    const route = routes.get(isPrefixed ? path.slice(prefix.length) : path);
    if (route === undefined) return undefined;
    if (prefix !== "" && !isPrefixed && unprefixed === "redirected") {
      return withNoStore(emptyAnswer(307, { location: `http://${prefix}${request.target}` }));
    }
    const [, method] = route;
    if (method === request.method) return neverCached(perform(route, request, query), method);
    if (router === "httprouter") return wrongMethodAnswer([method, "OPTIONS"].sort());
    return neverCached(wrongMethodAnswer([method]), request.method);
  };
}

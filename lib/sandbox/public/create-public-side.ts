import { unexpectedServerError } from "../api-errors.ts";
import type { KeyStore } from "../key-store.ts";
import { type Answer, emptyAnswer, jsonAnswer, noRouteAnswer, withNoStore, wrongMethodAnswer } from "../response.ts";
import { BEHAVIOUR_BY_VERSION, type SandboxVersion } from "../versions.ts";
import { type AuthorizationFlowRequest, createAuthorizationEndpoint } from "./authorize.ts";
import { autoAcceptingPagesByPath } from "./auto-accepting-pages.ts";
import { type DeviceFlowRequest, DeviceGrantService } from "./device-grant.ts";
import { discoveryDocument } from "./discovery-document.ts";
import { ExpiringMap } from "./expiring-map.ts";
import { createFlowStore } from "./flows.ts";
import { createLogoutEndpoint } from "./logout.ts";
import { createOAuthAdminRouter, type FlowStores } from "./oauth-admin-router.ts";
import { oauthErrorAnswer, versionedError } from "./oauth-answers.ts";
import { PUBLIC_BEHAVIOUR_BY_VERSION } from "./public-behaviours.ts";
import type { PublicContext } from "./public-context.ts";
import { type RequestWithHeaders, splitTarget } from "./requests-and-pages.ts";
import { createTokenSigner, NoSigningKeyError } from "./signing.ts";
import { createRevocationEndpoint, createTokenEndpoint } from "./token-and-revocation.ts";
import { createTokenStore } from "./token-store.ts";
import { createUserinfoEndpoint } from "./userinfo.ts";

/** What the public side of a sandbox is created with. */
interface PublicSideOptions extends Pick<PublicContext, "client" | "publicUrl" | "loginUrl" | "consentUrl"> {
  readonly as: SandboxVersion;
  readonly keys: KeyStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Answers a request on the public port. */
type PublicRouteHandler = (request: RequestWithHeaders) => Answer;

const NAVIGABLE_PATH_PATTERN = /^\/oauth2\/(?:auth|device\/verify|sessions\/logout|fallbacks\/[a-z/]+)$/;

function createPublicContext({ as, keys, now: milliseconds, ...shared }: PublicSideOptions): PublicContext {
  const behaviour = BEHAVIOUR_BY_VERSION[as];
  const traits = PUBLIC_BEHAVIOUR_BY_VERSION[as];
  const now = (): number => milliseconds() / 1000;
  return {
    ...shared,
    behaviour,
    traits,
    keys: createTokenSigner(keys, behaviour, traits.jwtAccessTokens, now),
    tokens: createTokenStore(now),
    assertionIds: new ExpiringMap({ now }),
    now,
  };
}

/** A handler, and the methods that it answers. */
type HandlerAndMethods = readonly [endpoint: PublicRouteHandler, ...methods: string[]];

/** The handlers of the public port and their methods, by path. */
function publicRoutesByPath(engine: PublicContext, parts: FlowStores): ReadonlyMap<string, HandlerAndMethods> {
  const { authorizations, devices } = parts;
  const healthy: PublicRouteHandler = () => jsonAnswer(200, { status: "ok" });
  return new Map<string, HandlerAndMethods>([
    ["/.well-known/openid-configuration", [() => jsonAnswer(200, discoveryDocument(engine)), "GET"]],
    ["/.well-known/jwks.json", [() => jsonAnswer(200, { keys: engine.keys.published() }), "GET"]],
    ["/health/ready", [healthy, "GET"]],
    ["/health/alive", [healthy, "GET"]],
    ["/oauth2/auth", [createAuthorizationEndpoint(engine, authorizations), "GET", "POST"]],
    ["/oauth2/token", [createTokenEndpoint(engine, devices), "POST"]],
    ["/oauth2/revoke", [createRevocationEndpoint(engine), "POST"]],
    ["/oauth2/sessions/logout", [createLogoutEndpoint(engine), "GET", "POST"]],
    ["/userinfo", [createUserinfoEndpoint(engine), "GET", "POST"]],
    ...[...autoAcceptingPagesByPath(engine, parts)].map(([path, show]): [string, HandlerAndMethods] => [
      path,
      [show, "GET"],
    ]),
    ...(engine.traits.device
      ? ([
          ["/oauth2/device/auth", [(request) => devices.authorize(request), "POST"]],
          ["/oauth2/device/verify", [(request) => devices.verify(request), "GET"]],
        ] satisfies [string, HandlerAndMethods][])
      : []),
  ]);
}

/** Whether a path is of the admin API, which a version answers in plain text, and lets caches keep. */
function isPlainTextAdminPath({ traits }: PublicContext, path: string): boolean {
  return traits.adminPaths === "plain" && path.startsWith("/admin/");
}

/**
 * How a path without a route is answered: the public port negotiates where the admin port of a version answers in plain
 * text.
 */
function chooseNoRouteAnswerKind(engine: PublicContext, path: string): PublicContext["behaviour"]["missing"] {
  const { behaviour } = engine;
  if (isPlainTextAdminPath(engine, path)) return "plain";
  return behaviour.missing === "plain" ? "negotiated" : behaviour.missing;
}

/**
 * Runs a handler that may need a signature; without a usable key, the error of a server, which does not name the
 * reason.
 */
function answerOrSigningKeyError(engine: PublicContext, answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    if (!(error instanceof NoSigningKeyError)) throw error;
    const { behaviour } = engine;
    const named = behaviour.keys.pairs;
    const refusal = named ? versionedError(engine, "invalid_grant") : unexpectedServerError(behaviour);
    return oauthErrorAnswer(behaviour, refusal.details);
  }
}

/** Answers a request on the public port with the handler of its path. */
function routePublicRequest(
  engine: PublicContext,
  routes: ReadonlyMap<string, HandlerAndMethods>,
  request: RequestWithHeaders,
): Answer {
  const { path } = splitTarget(request.target);
  const [endpoint, ...methods]: readonly [endpoint?: PublicRouteHandler, ...methods: string[]] = routes.get(path) ?? [];
  if (endpoint !== undefined && methods.includes(request.method === "HEAD" ? "GET" : request.method))
    return answerOrSigningKeyError(engine, () => endpoint(request));
  if (endpoint === undefined || engine.traits.wrongMethod === "missing") {
    return noRouteAnswer(chooseNoRouteAnswerKind(engine, path), request.accept);
  }
  const allowed = [...methods, "OPTIONS"].sort();
  return request.method === "OPTIONS" ? emptyAnswer(200, { allow: allowed.join(", ") }) : wrongMethodAnswer(allowed);
}

/** The OAuth 2.0 and OpenID Connect side of a sandbox. */
export type PublicSide = ReturnType<typeof createPublicSide>;

/** Creates the public side, without tokens. */
export function createPublicSide(options: PublicSideOptions) {
  const engine = createPublicContext(options);
  const deviceFlows = createFlowStore<DeviceFlowRequest>(engine);
  const parts = {
    authorizations: createFlowStore<AuthorizationFlowRequest>(engine),
    deviceFlows,
    devices: new DeviceGrantService(engine, deviceFlows),
  };
  const routes = publicRoutesByPath(engine, parts);
  return {
    /** Answers a request on the public port. */
    answer: (request: RequestWithHeaders): Answer => {
      const answer = routePublicRequest(engine, routes, request);
      const isKept =
        engine.behaviour.uncached === "none" ||
        request.method !== "GET" ||
        answer.status === 405 ||
        isPlainTextAdminPath(engine, splitTarget(request.target).path) ||
        "cache-control" in answer.headers;
      return isKept ? answer : withNoStore(answer);
    },
    /** Answers a request about tokens, logins and consents on the admin port; undefined for any other path. */
    answerAdmin: createOAuthAdminRouter(engine, parts),
    /** Forgets the tokens, codes and logins of a client that was deleted. */
    forgetClient: (id: string): void => {
      for (const part of [engine.tokens, parts.authorizations, parts.deviceFlows, parts.devices]) part.forgetClient(id);
    },
    /** Whether browsers open a path, so that other sites link to it. */
    isNavigable: (path: string): boolean => NAVIGABLE_PATH_PATTERN.test(path),
  };
}

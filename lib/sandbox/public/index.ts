import { unexpectedServerError } from "../api-errors.ts";
import type { KeyStore } from "../key-store.ts";
import { type Answer, emptyAnswer, jsonAnswer, noRouteAnswer, withNoStore, wrongMethodAnswer } from "../response.ts";
import { BEHAVIOUR_BY_VERSION, type SandboxVersion } from "../versions.ts";
import { type AuthorizationFlowRequest, createAuthorizationEndpoint } from "./authorize.ts";
import { builtinPagesByPath } from "./builtin-pages.ts";
import { type DeviceFlowRequest, DeviceGrant } from "./device-grant.ts";
import { discoveryDocument } from "./discovery-document.ts";
import { ExpiringMap } from "./expiring-map.ts";
import { createFlowStore } from "./flows.ts";
import { createLogoutEndpoint } from "./logout.ts";
import { createOAuthAdminRouter, type FlowStores } from "./oauth-admin-router.ts";
import { oauthErrorAnswer, versionedError } from "./oauth-answers.ts";
import { PUBLIC_BEHAVIOUR_BY_VERSION } from "./public-behaviours.ts";
import type { PublicContext } from "./public-context.ts";
import { createTokenSigner, NoSigningKeyError } from "./signing.ts";
import { createRevocationEndpoint, createTokenEndpoint } from "./token-and-revocation.ts";
import { createTokenStore } from "./token-store.ts";
import { createUserinfoEndpoint } from "./userinfo.ts";
import { type RequestWithHeaders, splitTarget } from "./web.ts";

/** What the public side of a sandbox is created with. */
interface PublicSideOptions extends Pick<PublicContext, "client" | "publicUrl" | "loginUrl" | "consentUrl"> {
  readonly as: SandboxVersion;
  readonly keys: KeyStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

type Endpoint = (request: RequestWithHeaders) => Answer;

const NAVIGABLE = /^\/oauth2\/(?:auth|device\/verify|sessions\/logout|fallbacks\/[a-z/]+)$/;

function createEngine({ as, keys, now: milliseconds, ...shared }: PublicSideOptions): PublicContext {
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

/** An endpoint, and the methods that it answers. */
type Route = readonly [endpoint: Endpoint, ...methods: string[]];

/** The endpoints of the public port by path. */
function routesOf(engine: PublicContext, parts: FlowStores): ReadonlyMap<string, Route> {
  const { authorizations, devices } = parts;
  const healthy: Endpoint = () => jsonAnswer(200, { status: "ok" });
  return new Map<string, Route>([
    ["/.well-known/openid-configuration", [() => jsonAnswer(200, discoveryDocument(engine)), "GET"]],
    ["/.well-known/jwks.json", [() => jsonAnswer(200, { keys: engine.keys.published() }), "GET"]],
    ["/health/ready", [healthy, "GET"]],
    ["/health/alive", [healthy, "GET"]],
    ["/oauth2/auth", [createAuthorizationEndpoint(engine, authorizations), "GET", "POST"]],
    ["/oauth2/token", [createTokenEndpoint(engine, devices), "POST"]],
    ["/oauth2/revoke", [createRevocationEndpoint(engine), "POST"]],
    ["/oauth2/sessions/logout", [createLogoutEndpoint(engine), "GET", "POST"]],
    ["/userinfo", [createUserinfoEndpoint(engine), "GET", "POST"]],
    ...[...builtinPagesByPath(engine, parts)].map(([path, show]): [string, Route] => [path, [show, "GET"]]),
    ...(engine.traits.device
      ? ([
          ["/oauth2/device/auth", [(request) => devices.authorize(request), "POST"]],
          ["/oauth2/device/verify", [(request) => devices.verify(request), "GET"]],
        ] satisfies [string, Route][])
      : []),
  ]);
}

/** Whether a path is of the admin API, which a version answers in plain text, and lets caches keep. */
function isPlainAdminPath({ traits }: PublicContext, path: string): boolean {
  return traits.adminPaths === "plain" && path.startsWith("/admin/");
}

/** The public port negotiates where the admin port of a version answers in plain text. */
function missingOn(engine: PublicContext, path: string): PublicContext["behaviour"]["missing"] {
  const { behaviour } = engine;
  if (isPlainAdminPath(engine, path)) return "plain";
  return behaviour.missing === "plain" ? "negotiated" : behaviour.missing;
}

/** An answer that may need a signature. A server without a usable key does not name the reason. */
function signed(engine: PublicContext, answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    if (!(error instanceof NoSigningKeyError)) throw error;
    const { behaviour } = engine;
    const isUnnamed = !behaviour.keys.pairs;
    return oauthErrorAnswer(
      behaviour,
      isUnnamed ? unexpectedServerError(behaviour) : versionedError(engine, "invalid_grant"),
    );
  }
}

function routed(engine: PublicContext, routes: ReadonlyMap<string, Route>, request: RequestWithHeaders): Answer {
  const { path } = splitTarget(request.target);
  const [endpoint, ...methods]: readonly [endpoint?: Endpoint, ...methods: string[]] = routes.get(path) ?? [];
  if (endpoint !== undefined && methods.includes(request.method === "HEAD" ? "GET" : request.method))
    return signed(engine, () => endpoint(request));
  if (endpoint === undefined || engine.traits.wrongMethod === "missing") {
    return noRouteAnswer(missingOn(engine, path), request.accept);
  }
  const allowed = [...methods, "OPTIONS"].sort();
  return request.method === "OPTIONS" ? emptyAnswer(200, { allow: allowed.join(", ") }) : wrongMethodAnswer(allowed);
}

/** The OAuth 2.0 and OpenID Connect side of a sandbox. */
export type PublicSide = ReturnType<typeof createPublicSide>;

/** Creates the public side, without tokens. */
export function createPublicSide(options: PublicSideOptions) {
  const engine = createEngine(options);
  const deviceFlows = createFlowStore<DeviceFlowRequest>(engine);
  const parts = {
    authorizations: createFlowStore<AuthorizationFlowRequest>(engine),
    deviceFlows,
    devices: new DeviceGrant(engine, deviceFlows),
  };
  const routes = routesOf(engine, parts);
  return {
    /** Answers a request on the public port. */
    answer: (request: RequestWithHeaders): Answer => {
      const answer = routed(engine, routes, request);
      const isKept =
        engine.behaviour.uncached === "none" ||
        request.method !== "GET" ||
        answer.status === 405 ||
        isPlainAdminPath(engine, splitTarget(request.target).path) ||
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
    isNavigable: (path: string): boolean => NAVIGABLE.test(path),
  };
}

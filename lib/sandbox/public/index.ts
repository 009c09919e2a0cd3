import { type Answer, empty, json, missing, uncached, wrongMethod } from "../response.ts";
import type { StoredClient } from "../store.ts";
import { BEHAVIOURS, type SandboxVersion } from "../versions.ts";
import { createAdminRoutes } from "./admin-routes.ts";
import { type AuthorizationRequest, createAuthorization } from "./authorize.ts";
import { createBuiltinPages } from "./builtin-pages.ts";
import { createDevices, type DeviceRequest } from "./device.ts";
import { discoveryDocument } from "./discovery.ts";
import type { Engine } from "./engine.ts";
import { createFlows } from "./flows.ts";
import { createSigningKeys } from "./signing.ts";
import { createRevocation, createTokenEndpoint } from "./token-endpoint.ts";
import { createTokenStore } from "./tokens.ts";
import { PUBLIC_TRAITS } from "./traits.ts";
import { createUserinfo } from "./userinfo.ts";
import { splitTarget, type WebRequest } from "./web.ts";

/** What the public side of a sandbox is created with. */
export interface PublicSideOptions {
  readonly as: SandboxVersion;
  readonly client: (id: string) => StoredClient | undefined;
  /** The public port's URL; asked when it is needed, because a free port is known only once it is taken. */
  readonly publicUrl: () => string;
  /** Login and consent application; without them built-in pages accept everything. */
  readonly loginUrl?: string;
  readonly consentUrl?: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The OAuth 2.0 and OpenID Connect side of a sandbox. */
export interface PublicSide {
  /** Answers a request on the public port. */
  readonly answer: (request: WebRequest) => Answer;
  /** Answers a request about tokens, logins and consents on the admin port; undefined for any other path. */
  readonly answerAdmin: (request: WebRequest) => Answer | undefined;
  /** Whether browsers open a path, so that other sites link to it. */
  readonly isNavigable: (path: string) => boolean;
}

type Endpoint = (request: WebRequest) => Answer;

const NAVIGABLE = /^\/oauth2\/(?:auth|device\/verify|fallbacks\/[a-z/]+)$/;

function createEngine(options: PublicSideOptions): Engine {
  const behaviour = BEHAVIOURS[options.as];
  const traits = PUBLIC_TRAITS[options.as];
  return {
    behaviour,
    traits,
    client: options.client,
    publicUrl: options.publicUrl,
    loginUrl: options.loginUrl,
    consentUrl: options.consentUrl,
    keys: createSigningKeys(traits.tokenPrefixes ? "" : "public:", traits.jwtAccessTokens),
    tokens: createTokenStore(),
    assertionIds: new Set(),
    now: () => options.now() / 1000,
  };
}

/** Creates the public side, without tokens. */
export function createPublicSide(options: PublicSideOptions): PublicSide {
  const engine = createEngine(options);
  const { behaviour, traits } = engine;
  const authorizations = createFlows<AuthorizationRequest>(engine);
  const deviceFlows = createFlows<DeviceRequest>(engine);
  const devices = createDevices(engine, deviceFlows);
  const parts = { authorizations, deviceFlows, devices };
  const authorize = createAuthorization(engine, authorizations);
  const userinfo = createUserinfo(engine);

  const routes = new Map<string, ReadonlyMap<string, Endpoint>>([
    ["/.well-known/openid-configuration", new Map([["GET", () => json(200, discoveryDocument(engine))]])],
    ["/.well-known/jwks.json", new Map([["GET", () => json(200, { keys: engine.keys.published() })]])],
    ["/health/ready", new Map([["GET", () => json(200, { status: "ok" })]])],
    ["/health/alive", new Map([["GET", () => json(200, { status: "ok" })]])],
    [
      "/oauth2/auth",
      new Map([
        ["GET", authorize],
        ["POST", authorize],
      ]),
    ],
    ["/oauth2/token", new Map([["POST", createTokenEndpoint(engine, devices)]])],
    ["/oauth2/revoke", new Map([["POST", createRevocation(engine)]])],
    [
      "/userinfo",
      new Map([
        ["GET", userinfo],
        ["POST", userinfo],
      ]),
    ],
    ...[...createBuiltinPages(engine, parts)].map(([path, show]) => [path, new Map([["GET", show]])] as const),
    ...(traits.device
      ? ([
          ["/oauth2/device/auth", new Map([["POST", devices.authorize]])],
          ["/oauth2/device/verify", new Map([["GET", devices.verify]])],
        ] as const)
      : []),
  ]);

  function routed(request: WebRequest): Answer {
    const { path } = splitTarget(request.target);
    const methods = routes.get(path);
    const endpoint = methods?.get(request.method === "HEAD" ? "GET" : request.method);
    if (endpoint !== undefined) return endpoint(request);
    if (methods === undefined || traits.wrongMethod === "missing") {
      const isAdmin = path.startsWith("/admin/");
      return missing(
        isAdmin && traits.adminPaths === "plain" ? "plain" : publicMissing(behaviour.missing),
        request.accept,
      );
    }
    const allowed = [...methods.keys(), "OPTIONS"].sort();
    return request.method === "OPTIONS" ? empty(200, { allow: allowed.join(", ") }) : wrongMethod(allowed);
  }

  return {
    answer: (request) => {
      const answer = routed(request);
      const isKept =
        behaviour.uncached === "none" ||
        request.method !== "GET" ||
        answer.status === 405 ||
        "cache-control" in answer.headers;
      return isKept ? answer : uncached(answer);
    },
    answerAdmin: createAdminRoutes(engine, parts),
    isNavigable: (path) => NAVIGABLE.test(path),
  };
}

/** The public port negotiates where the admin port of a version answers in plain text. */
function publicMissing(admin: Engine["behaviour"]["missing"]): Engine["behaviour"]["missing"] {
  return admin === "plain" ? "negotiated" : admin;
}

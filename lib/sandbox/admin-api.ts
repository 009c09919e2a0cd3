import { detailsOrRethrow } from "./api-errors.ts";
import { escapePathSegmentTwice, hasValidEscapes, splitAtFirstCharacter } from "./go-url.ts";
import { createKeyRoutes } from "./key-routes.ts";
import { KeyStore } from "./key-store.ts";
import { createClientPaginator } from "./pagination.ts";
import {
  type Answer,
  emptyAnswer,
  errorAnswer,
  goRedirectAnswer,
  jsonAnswer,
  noRouteAnswer,
  plainAnswer,
  withNoStore,
  wrongMethodAnswer,
} from "./response.ts";
import { SandboxClients } from "./sandbox-clients.ts";
import { BEHAVIOUR_BY_VERSION, type Behaviour, type SandboxVersion } from "./versions.ts";

/** The URL in answers of a sandbox without a public port: where a Hydra serves its own by default. */
export const DEFAULT_PUBLIC_URL = "http://127.0.0.1:4444";

/** A request with its body already read. */
export interface SandboxRequest {
  readonly method: string;
  /** Path and query as in the request line. */
  readonly target: string;
  readonly accept: string;
  readonly body: string;
}

/** A request that matches a route, with its query and the IDs in its path. */
interface RouteCall {
  readonly request: SandboxRequest;
  readonly query: URLSearchParams;
  readonly id: string;
  /** The second ID in the path: of a key in a set. */
  readonly kid: string;
}

/** Answers a request; undefined if the server closes the connection instead. */
type RouteHandler = (call: RouteCall) => Answer | undefined;

interface Route {
  readonly path: string;
  readonly methods: ReadonlyMap<string, RouteHandler>;
  /** Whether no cache may keep its answers. */
  readonly isUncached?: boolean;
}

/** The IDs in a path; empty if a route has none. */
type PathIds = Pick<RouteCall, "id" | "kid">;

interface MatchedRoute extends PathIds {
  readonly route: Route;
}

/** The IDs in a path that matches a route, or undefined if it doesn't match. */
function findPathIds(route: Route, segments: readonly string[]): PathIds | undefined {
  const wanted = route.path.split("/");
  if (wanted.length !== segments.length) return undefined;
  const ids = { id: "", kid: "" };
  for (const [at, part] of wanted.entries()) {
    const segment = segments[at] ?? "";
    if (part === "{id}" || part === "{kid}") {
      if (segment === "") return undefined;
      ids[part === "{id}" ? "id" : "kid"] = segment;
    } else if (part !== segment) return undefined;
  }
  return ids;
}

/** The first route that matches a path, with the IDs in the path, or undefined. */
function findMatchingRoute(routes: readonly Route[], segments: readonly string[]): MatchedRoute | undefined {
  for (const route of routes) {
    const ids = findPathIds(route, segments);
    if (ids !== undefined) return { route, ...ids };
  }
  return undefined;
}

/** A path without its escapes; invalid UTF-8 becomes a character that no ID contains. */
function unescapePath(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "\ufffd";
  }
}

/** The methods in a route's Allow header, with HEAD or OPTIONS if the router adds them. */
function allowHeaderMethods({ methods }: Route, { router }: Behaviour): readonly string[] {
  const own = [...methods.keys()];
  const added = router === "httprouter" ? ["OPTIONS"] : own.includes("GET") ? ["HEAD"] : [];
  return [...own, ...added].sort();
}

/** The routes whose answers never change. */
const FIXED_ROUTES: readonly Route[] = Object.entries({
  "/health/ready": { status: "ok" },
  "/health/alive": { status: "ok" },
  "/version": { version: "master" },
}).map(([path, value]) => ({ path, methods: new Map([["GET", () => jsonAnswer(200, value)]]) }));

function clientRoutes(clients: SandboxClients, behaviour: Behaviour): readonly Route[] {
  const paging = createClientPaginator(behaviour);
  const { prefix } = behaviour;
  function list({ query }: RouteCall): Answer | undefined {
    const page = paging(clients.store, { path: `${prefix}/clients`, query, filters: behaviour.filters });
    if (page === undefined) return undefined;
    return jsonAnswer(
      200,
      page.clients.map(({ view }) => view),
      page.headers,
    );
  }

  function create({ request }: RouteCall): Answer {
    const result = clients.create(request.body);
    const id = String(result["client_id"]);
    return jsonAnswer(201, result, {
      location: `${prefix}/clients/${behaviour.idEscapes === 0 ? id : escapePathSegmentTwice(id)}`,
    });
  }

  function remove({ id }: RouteCall): Answer {
    clients.remove(id);
    return emptyAnswer(204);
  }
  const one = new Map<string, RouteHandler>([
    ["GET", ({ id }) => jsonAnswer(200, clients.read(id))],
    ["PUT", ({ id, request }) => jsonAnswer(200, clients.replace(id, request.body))],
    ["DELETE", remove],
  ]);
  const dialect = behaviour.patch;
  if (dialect !== undefined) {
    one.set("PATCH", ({ id, request }) => jsonAnswer(200, clients.patch(id, request.body, dialect)));
  }

  const routes: Route[] = [
    {
      path: "/clients",
      methods: new Map<string, RouteHandler>([
        ["GET", list],
        ["POST", create],
      ]),
    },
    { path: "/clients/{id}", methods: one },
  ];
  if (behaviour.lifespans) {
    const set: RouteHandler = ({ id, request }) => jsonAnswer(200, clients.setLifespans(id, request.body));
    routes.push({ path: "/clients/{id}/lifespans", methods: new Map([["PUT", set]]) });
  }
  if (behaviour.rotation) {
    routes.push({
      path: "/clients/{id}/secrets/rotate",
      methods: new Map<string, RouteHandler>([
        ["POST", ({ id }) => jsonAnswer(200, clients.rotate(id))],
        ["DELETE", ({ id }) => jsonAnswer(200, clients.dropRotated(id))],
      ]),
    });
  }
  return routes;
}

/** The answer of a route to a method that it has; errors that its handler throws are answers too. */
function answerOfRoute({ methods, isUncached }: Route, method: string, call: RouteCall, behaviour: Behaviour) {
  let answer: Answer | undefined;
  try {
    answer = methods.get(method)?.(call);
  } catch (error) {
    answer = errorAnswer(behaviour, detailsOrRethrow(error));
  }
  return answer !== undefined && isUncached === true ? withNoStore(answer) : answer;
}

/** A path without repeated and trailing slashes. */
function removeSuperfluousSlashes(path: string): string {
  return path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}

/** All routes of a version: the fixed ones, its own under the prefix, and redirects to the prefix. */
function withPrefixAndRedirects(owned: readonly Route[], behaviour: Behaviour): readonly Route[] {
  const { prefix, unprefixed, uncached } = behaviour;
  const ownPrefix = unprefixed === "served" ? "" : prefix;
  const redirected = unprefixed === "redirected" ? owned : [];
  // With a URL that lacks its host, as the servers do.
  const toPrefix: RouteHandler = ({ request }) =>
    goRedirectAnswer(307, request.method, `http://${prefix}${request.target}`);
  return [
    ...FIXED_ROUTES,
    ...owned.map((route) => ({ ...route, path: `${ownPrefix}${route.path}`, isUncached: uncached === "prefixed" })),
    ...redirected.map(({ path, methods }) => ({
      path,
      methods: new Map([...methods.keys()].map((method) => [method, toPrefix])),
      isUncached: true,
    })),
  ];
}

/** What an admin API needs of the rest of a sandbox. */
interface AdminApiOptions {
  /** The public port's URL. */
  readonly publicUrl?: () => string;
  readonly onClientRemoved?: (id: string) => void;
}

/** Creates the admin API of a version in memory, without clients. */
export function createAdminApi(
  version: SandboxVersion,
  { publicUrl = () => DEFAULT_PUBLIC_URL, onClientRemoved = () => {} }: AdminApiOptions = {},
) {
  const behaviour = BEHAVIOUR_BY_VERSION[version];
  const clients = new SandboxClients(version, publicUrl, onClientRemoved);
  const keys = new KeyStore(behaviour);
  const owned = [...clientRoutes(clients, behaviour), ...createKeyRoutes({ behaviour, keys, publicUrl })];
  const routes = withPrefixAndRedirects(owned, behaviour);
  const { prefix, uncached: caching } = behaviour;

  function perform({ route, ...ids }: MatchedRoute, method: string, query: string, request: SandboxRequest) {
    return answerOfRoute(route, method, { request, query: new URLSearchParams(query), ...ids }, behaviour);
  }

  /** Splits a path before unescaping its segments, makes the prefix optional, and answers HEAD if there is a GET. */
  function byMux(request: SandboxRequest): Answer | undefined {
    const [whole, query] = splitAtFirstCharacter(request.target, "?");
    const tidy = removeSuperfluousSlashes(whole);
    const path = tidy === prefix || tidy.startsWith(`${prefix}/`) ? tidy.slice(prefix.length) : tidy;
    if (path === "" || path === "/") return noRouteAnswer("negotiated", request.accept);
    const matched = findMatchingRoute(routes, path.split("/").map(unescapePath));
    if (matched === undefined) return noRouteAnswer(behaviour.missing, request.accept);
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (matched.route.methods.has(method)) return perform(matched, method, query, request);
    return wrongMethodAnswer(allowHeaderMethods(matched.route, behaviour));
  }

  /** Unescapes a path before splitting it, and answers OPTIONS everywhere. */
  function byHttpRouter(request: SandboxRequest): Answer | undefined {
    const { method, target } = request;
    const [path, query] = splitAtFirstCharacter(target, "?");
    const matched = findMatchingRoute(routes, unescapePath(path).split("/"));
    if (matched === undefined) return toTidyPath(request);
    if (matched.route.methods.has(method)) return perform(matched, method, query, request);
    const allowed = allowHeaderMethods(matched.route, behaviour);
    return method === "OPTIONS" ? emptyAnswer(200, { allow: allowed.join(", ") }) : wrongMethodAnswer(allowed);
  }

  /** Redirects from a path with superfluous slashes to the one that exists. */
  function toTidyPath({ method, target, accept }: SandboxRequest): Answer {
    const [path, query] = splitAtFirstCharacter(target, "?");
    const meant = findMatchingRoute(routes, unescapePath(removeSuperfluousSlashes(path)).split("/"));
    if (meant === undefined || !meant.route.methods.has(method)) return noRouteAnswer(behaviour.missing, accept);
    const tidy = `${removeSuperfluousSlashes(path)}${query === "" ? "" : `?${query}`}`;
    return goRedirectAnswer(method === "GET" ? 301 : 307, method, tidy);
  }

  /** Answers a request; undefined if the server closes the connection instead. */
  function answer(request: SandboxRequest): Answer | undefined {
    if (!hasValidEscapes(splitAtFirstCharacter(request.target, "?")[0])) return plainAnswer(400, "400 Bad Request");
    const found = behaviour.router === "mux" ? byMux(request) : byHttpRouter(request);
    const isRead = caching === "reads" && request.method === "GET";
    return isRead && found !== undefined ? withNoStore(found) : found;
  }

  return { clients, keys, behaviour, answer };
}

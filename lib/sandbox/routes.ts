import { type Clients, createClients, isShown } from "./client-api.ts";
import { isRefusal, type Refusal } from "./error-bodies.ts";
import { pagingOf } from "./pagination.ts";
import { escapedTwice, isEscaped } from "./request-target.ts";
import { type Answer, empty, json, missing, plain, redirect, refused, uncached, wrongMethod } from "./response.ts";
import { BEHAVIOURS, type Behaviour, type SandboxVersion } from "./versions.ts";

/** A request with its body already read. */
export interface SandboxRequest {
  readonly method: string;
  /** Path and query as they stood in the request line. */
  readonly target: string;
  readonly accept: string;
  readonly body: string;
}

/** An admin API in memory: its clients, and its answer to a request, undefined where it hangs up instead. */
export interface AdminApi {
  readonly clients: Clients;
  readonly behaviour: Behaviour;
  readonly answer: (request: SandboxRequest) => Answer | undefined;
}

interface Call {
  readonly request: SandboxRequest;
  readonly query: URLSearchParams;
  readonly id: string;
}

type Endpoint = (call: Call) => Answer | undefined;

interface Route {
  readonly path: string;
  readonly methods: ReadonlyMap<string, Endpoint>;
}

interface Matched {
  readonly route: Route;
  readonly id: string;
}

/** The id in a path that fits a route with `{id}` in it, or undefined where it does not fit. */
function fit(route: Route, segments: readonly string[]): string | undefined {
  const wanted = route.path.split("/");
  if (wanted.length !== segments.length) return undefined;
  let id = "";
  for (const [at, part] of wanted.entries()) {
    const segment = segments[at] ?? "";
    if (part === "{id}") {
      if (segment === "") return undefined;
      id = segment;
    } else if (part !== segment) return undefined;
  }
  return id;
}

function match(routes: readonly Route[], segments: readonly string[]): Matched | undefined {
  for (const route of routes) {
    const id = fit(route, segments);
    if (id !== undefined) return { route, id };
  }
  return undefined;
}

/** A path without its escapes; bytes that are no UTF-8 become what no id holds. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "\ufffd";
  }
}

/** The methods that a route tells: with HEAD or OPTIONS where the router brings them by itself. */
function allowedOf({ methods }: Route, { router }: Behaviour): readonly string[] {
  const own = [...methods.keys()];
  const added = router === "httprouter" ? ["OPTIONS"] : own.includes("GET") ? ["HEAD"] : [];
  return [...own, ...added].sort();
}

function publicRoutes(): readonly Route[] {
  const get = (path: string, value: unknown): Route => ({ path, methods: new Map([["GET", () => json(200, value)]]) });
  return [
    get("/health/ready", { status: "ok" }),
    get("/health/alive", { status: "ok" }),
    get("/version", { version: "master" }),
  ];
}

function clientRoutes(clients: Clients, behaviour: Behaviour): readonly Route[] {
  const paging = pagingOf(behaviour);
  const { prefix } = behaviour;

  function told(result: ReturnType<Clients["read"]>): Answer {
    return isShown(result) ? json(200, result.client) : refused(behaviour, result);
  }
  function gone(refusal: Refusal | undefined): Answer {
    return refusal === undefined ? empty(204) : refused(behaviour, refusal);
  }
  function list({ query }: Call): Answer | undefined {
    const page = paging(clients.store, { path: `${prefix}/clients`, query, filters: behaviour.filters });
    if (page === undefined) return undefined;
    if (isRefusal(page)) return refused(behaviour, page);
    return json(
      200,
      page.clients.map(({ view }) => view),
      page.headers,
    );
  }
  function create({ request }: Call): Answer {
    const result = clients.create(request.body);
    if (!isShown(result)) return refused(behaviour, result);
    const id = String(result.client["client_id"]);
    return json(201, result.client, {
      location: `${prefix}/clients/${behaviour.idEscapes === 0 ? id : escapedTwice(id)}`,
    });
  }

  const one = new Map<string, Endpoint>([
    ["GET", ({ id }) => told(clients.read(id))],
    ["PUT", ({ id, request }) => told(clients.replace(id, request.body))],
    ["DELETE", ({ id }) => gone(clients.remove(id))],
  ]);
  const dialect = behaviour.patch;
  if (dialect !== undefined) {
    one.set("PATCH", ({ id, request }) => told(clients.patch(id, request.body, dialect)));
  }

  const routes: Route[] = [
    {
      path: "/clients",
      methods: new Map<string, Endpoint>([
        ["GET", list],
        ["POST", create],
      ]),
    },
    { path: "/clients/{id}", methods: one },
  ];
  if (behaviour.lifespans) {
    const set: Endpoint = ({ id, request }) => told(clients.setLifespans(id, request.body));
    routes.push({ path: "/clients/{id}/lifespans", methods: new Map([["PUT", set]]) });
  }
  if (behaviour.rotation) {
    routes.push({
      path: "/clients/{id}/secrets/rotate",
      methods: new Map<string, Endpoint>([
        ["POST", ({ id }) => told(clients.rotate(id))],
        ["DELETE", ({ id }) => told(clients.dropRotated(id))],
      ]),
    });
  }
  return routes;
}

/** A route with each of its endpoints changed. */
function wrapped({ path, methods }: Route, prefix: string, wrap: (endpoint: Endpoint) => Endpoint): Route {
  const changed = [...methods].map(([method, endpoint]) => [method, wrap(endpoint)] as const);
  return { path: `${prefix}${path}`, methods: new Map(changed) };
}

function neverCached(endpoint: Endpoint): Endpoint {
  return (call) => {
    const answer = endpoint(call);
    return answer === undefined ? undefined : uncached(answer);
  };
}

function pathAndQuery(target: string): readonly [string, string] {
  const mark = target.indexOf("?");
  return mark === -1 ? [target, ""] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** A path without doubled slashes and without one at its end. */
function tidied(path: string): string {
  return path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}

/** Makes the admin API of a version, without clients. */
export function createAdminApi(version: SandboxVersion): AdminApi {
  const behaviour = BEHAVIOURS[version];
  const clients = createClients(version);
  const owned = clientRoutes(clients, behaviour);
  const { prefix, unprefixed, uncached: kept } = behaviour;

  /** Sends to the prefix, with an address that lacks its host as the servers do. */
  const away: Endpoint = ({ request }) => redirect(307, request.method, `http://${prefix}${request.target}`);

  const same = (endpoint: Endpoint): Endpoint => endpoint;
  const routes = [
    ...publicRoutes(),
    ...owned.map((route) =>
      wrapped(route, unprefixed === "served" ? "" : prefix, kept === "prefixed" ? neverCached : same),
    ),
    ...(unprefixed === "redirected" ? owned.map((route) => wrapped(route, "", () => neverCached(away))) : []),
  ];

  function perform({ route, id }: Matched, method: string, query: string, request: SandboxRequest): Answer | undefined {
    const endpoint = route.methods.get(method);
    return endpoint?.({ request, query: new URLSearchParams(query), id });
  }

  /** Cuts a path before it unescapes its parts, takes the prefix or leaves it, and answers HEAD where there is a GET. */
  function byMux(request: SandboxRequest): Answer | undefined {
    const [whole, query] = pathAndQuery(request.target);
    const tidy = tidied(whole);
    const path = tidy === prefix || tidy.startsWith(`${prefix}/`) ? tidy.slice(prefix.length) : tidy;
    if (path === "" || path === "/") return missing("negotiated", request.accept);
    const matched = match(routes, path.split("/").map(decoded));
    if (matched === undefined) return missing(behaviour.missing, request.accept);
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (matched.route.methods.has(method)) return perform(matched, method, query, request);
    return wrongMethod(allowedOf(matched.route, behaviour));
  }

  /** Unescapes a path before it cuts it, redirects what is not tidy, and answers OPTIONS everywhere. */
  function byHttpRouter(request: SandboxRequest): Answer | undefined {
    const { method, target, accept } = request;
    const [path, query] = pathAndQuery(target);
    const matched = match(routes, decoded(path).split("/"));
    if (matched === undefined) {
      const meant = match(routes, decoded(tidied(path)).split("/"));
      if (meant === undefined || !meant.route.methods.has(method)) return missing(behaviour.missing, accept);
      const location = `${tidied(path)}${query === "" ? "" : `?${query}`}`;
      return redirect(method === "GET" ? 301 : 307, method, location);
    }
    if (matched.route.methods.has(method)) return perform(matched, method, query, request);
    const allowed = allowedOf(matched.route, behaviour);
    return method === "OPTIONS" ? empty(200, { allow: allowed.join(", ") }) : wrongMethod(allowed);
  }

  const routers = { mux: byMux, httprouter: byHttpRouter };
  return {
    clients,
    behaviour,
    answer: (request) => {
      if (!isEscaped(pathAndQuery(request.target)[0])) return plain(400, "400 Bad Request");
      const answer = routers[behaviour.router](request);
      const reading = kept === "reads" && request.method === "GET";
      return reading && answer !== undefined ? uncached(answer) : answer;
    },
  };
}

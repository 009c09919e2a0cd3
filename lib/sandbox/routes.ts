import { type Answer, empty, json, missing, redirect, refused, uncached, wrongMethod } from "./answer.ts";
import { type Clients, createClients, isShown } from "./clients.ts";
import { pagingOf } from "./pages.ts";
import { isRefusal, type Refusal } from "./refusals.ts";
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
  /** The path without its prefix, and the query. */
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

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
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
    return json(201, result.client, { location: `${prefix}/clients/${encodeURIComponent(id)}` });
  }

  const one = new Map<string, Endpoint>([
    ["GET", ({ id }) => told(clients.read(id))],
    ["PUT", ({ id, request }) => told(clients.replace(id, request.body))],
    ["DELETE", ({ id }) => gone(clients.remove(id))],
  ]);
  if (behaviour.patch !== "none") one.set("PATCH", ({ id, request }) => told(clients.patch(id, request.body)));

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

function pathAndQuery(target: string): readonly [string, string] {
  const mark = target.indexOf("?");
  return mark === -1 ? [target, ""] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** Makes the admin API of a version, without clients. */
export function createAdminApi(version: SandboxVersion): AdminApi {
  const behaviour = BEHAVIOURS[version];
  const clients = createClients(version);
  const open = publicRoutes();
  const owned = clientRoutes(clients, behaviour);
  const { prefix } = behaviour;

  /** The segments of a path: cut first and unescaped then by one router, the other way round by the other. */
  function segmentsOf(path: string): readonly string[] {
    return behaviour.router === "mux" ? path.split("/").map(decoded) : decoded(path).split("/");
  }

  function perform(routes: readonly Route[], path: string, query: string, request: SandboxRequest): Answer | undefined {
    const mux = behaviour.router === "mux";
    const slashed = path.length > 1 && path.endsWith("/");
    const matched = match(routes, segmentsOf(mux && slashed ? path.slice(0, -1) : path));
    if (matched === undefined) {
      const bare = slashed ? match(routes, segmentsOf(path.slice(0, -1))) : undefined;
      if (bare === undefined) return missing(behaviour, request.accept);
      const [whole] = pathAndQuery(request.target);
      const location = `${whole.slice(0, -1)}${query === "" ? "" : `?${query}`}`;
      return redirect(request.method === "GET" ? 301 : 308, request.method, location);
    }
    const { route, id } = matched;
    const method = mux && request.method === "HEAD" ? "GET" : request.method;
    const endpoint = route.methods.get(method);
    if (endpoint !== undefined) {
      const answer = endpoint({ request, query: new URLSearchParams(query), id });
      const owning = routes === owned && behaviour.uncached === "prefixed";
      return owning && answer !== undefined ? uncached(answer) : answer;
    }
    const allowed = allowedOf(route, behaviour);
    return request.method === "OPTIONS" && !mux ? empty(200, { allow: allowed.join(", ") }) : wrongMethod(allowed);
  }

  function routed(request: SandboxRequest): Answer | undefined {
    const [path, query] = pathAndQuery(request.target);
    if (prefix === "") return perform([...open, ...owned], path, query, request);
    if (path.startsWith(`${prefix}/`)) return perform(owned, path.slice(prefix.length), query, request);
    const bare = match(owned, segmentsOf(path));
    if (bare === undefined || behaviour.unprefixed === "missing") return perform(open, path, query, request);
    if (behaviour.unprefixed === "served") return perform(owned, path, query, request);
    return uncached(redirect(307, request.method, `http://${prefix}${request.target}`));
  }

  return {
    clients,
    behaviour,
    answer: (request) => {
      const answer = routed(request);
      const reading = behaviour.uncached === "reads" && request.method === "GET";
      return reading && answer !== undefined ? uncached(answer) : answer;
    },
  };
}

import { findClientIdProblem, findKeyIdProblem, findKeySetNameProblem } from "../core/id-problems.ts";
import type { QueryParameters } from "../core/network.ts";
import type { Problem } from "../core/problem.ts";
import type { AdminPaths } from "./family.ts";

/** A text as a segment of a path, the last line of defence against requests about a whole collection or set. */
function checkAndEncodePathSegment(text: string, findProblem: (text: string) => Problem | undefined): string {
  const problem = findProblem(text);
  if (problem !== undefined) throw problem;
  return encodeURIComponent(text);
}

/** The paths of the admin API, by that of its collection of clients. */
export function adminPathsFromClientsPath(clients: string): AdminPaths {
  const parent = clients.replace(/clients$/, "");
  const oauth = `${parent}oauth2`;
  const client = (id: string): string => `${clients}/${checkAndEncodePathSegment(id, findClientIdProblem)}`;
  const keySet = (set: string): string => `${parent}keys/${checkAndEncodePathSegment(set, findKeySetNameProblem)}`;
  return {
    clients,
    client,
    rotateSecret: (id) => `${client(id)}/secrets/rotate`,
    keySet,
    key: (set, kid) => `${keySet(set)}/${checkAndEncodePathSegment(kid, findKeyIdProblem)}`,
    introspection: `${oauth}/introspect`,
    tokens: `${oauth}/tokens`,
    flush: undefined,
    loginRequest: (kind) => `${oauth}/auth/requests/${kind}`,
    acceptLoginRequest: (kind) => `${oauth}/auth/requests/${kind}/accept`,
  };
}

/** Query parameters without those that are undefined. */
export function toQueryParameters(values: Readonly<Record<string, string | undefined>>): QueryParameters {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value.toWellFormed()]])),
  );
}

/** The query parameters of the link with a relation (RFC 8288); its host and path are ignored. */
export function findLinkQuery(relation: string, header: string): URLSearchParams | undefined {
  const wanted = new RegExp(`rel="?${relation}"?`);
  for (const link of header.split("<").slice(1)) {
    const end = link.indexOf(">");
    const parameters = link.slice(end + 1).trimStart();
    if (end < 0 || !parameters.startsWith(";") || !wanted.test(parameters)) continue;
    const target = link.slice(0, end);
    const question = target.indexOf("?");
    return new URLSearchParams(question < 0 ? "" : target.slice(question + 1));
  }
  return undefined;
}

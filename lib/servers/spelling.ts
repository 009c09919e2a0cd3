import type { QueryParameters } from "../core/network.ts";
import type { AdminPaths } from "./family.ts";

/** The paths of the admin API, by that of its collection of clients. */
export function adminPaths(clients: string): AdminPaths {
  const client = (id: string): string => `${clients}/${encodeURIComponent(id)}`;
  const keySet = (set: string): string => `${clients.replace(/clients$/, "keys")}/${encodeURIComponent(set)}`;
  return {
    clients,
    client,
    rotateSecret: (id) => `${client(id)}/secrets/rotate`,
    keySet,
    key: (set, kid) => `${keySet(set)}/${encodeURIComponent(kid)}`,
  };
}

/** Query parameters without those that are undefined. */
export function withoutUndefined(values: Readonly<Record<string, string | undefined>>): QueryParameters {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value.toWellFormed()]])),
  );
}

/** The query parameters of the link with a relation (RFC 8288); its host and path are ignored. */
export function findLink(relation: string, header: string): URLSearchParams | undefined {
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

import type { QueryParameters } from "../core/network.ts";
import type { PageRequest, ServerAnswer, ServerFamily } from "./family.ts";
import { adminPathsFromClients, findLinkQuery, toQueryParameters } from "./paths-and-queries.ts";

/** Ory Hydra 2.x and later: everything below `/admin`, updates by JSON Patch, page tokens. */
export const HYDRA_2: ServerFamily = {
  api: "v2",
  label: "Hydra 2.x",
  paths: adminPathsFromClients("/admin/clients"),
  update: "patch",
  paging: "token",
  canRotate: true,
  keyShape: "single",
  unknownFields: new Set(["password_grant_access_token_lifespan", "password_grant_refresh_token_lifespan"]),
  largestPage: 500,
  pageQuery(page: PageRequest): QueryParameters {
    return toQueryParameters({
      page_size: String(page.size),
      page_token: page.token,
      client_name: page.name,
      owner: page.owner,
    });
  },
  pageStart: (token) => (token === "" ? {} : { token }),
  nextPage(page: PageRequest, answer: ServerAnswer, count: number): PageRequest | undefined {
    // Hydra 2.0 to 2.3 link to a next page even if there are no clients.
    if (count === 0) return undefined;
    const token = findLinkQuery("next", answer.link)?.get("page_token");
    return token === null || token === undefined || token === "" ? undefined : { ...page, token };
  },
  isUnknownClient(answer: ServerAnswer): boolean {
    return answer.status === 404;
  },
};

import type { ServerFamily } from "./family.ts";
import { adminPathsFromClientsPath, findLinkQuery, toQueryParameters } from "./paths-and-queries.ts";

/** Ory Hydra 2.x and later: everything below `/admin`, updates by JSON Patch, page tokens. */
export const HYDRA_2: ServerFamily = {
  api: "v2",
  label: "Hydra 2.x",
  paths: adminPathsFromClientsPath("/admin/clients"),
  update: "patch",
  paging: "token",
  canRotate: true,
  keyShape: "single",
  unknownFields: new Set(["password_grant_access_token_lifespan", "password_grant_refresh_token_lifespan"]),
  largestPage: 500,
  pageQuery: ({ size, token, name, owner }) =>
    toQueryParameters({ page_size: String(size), page_token: token, client_name: name, owner }),
  pageStart: (token) => (token === "" ? {} : { token }),
  nextPage(page, answer, count) {
    // Hydra 2.0 to 2.3 link to a next page even if there are no clients.
    if (count === 0) return undefined;
    const token = findLinkQuery("next", answer.link)?.get("page_token");
    return token ? { ...page, token } : undefined;
  },
  isUnknownClient: ({ status }) => status === 404,
};

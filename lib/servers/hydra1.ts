import { findErrorText } from "./classify-error-answer.ts";
import type { ServerFamily } from "./family.ts";
import { adminPathsFromClientsPath, findLinkQuery, toQueryParameters } from "./paths-and-queries.ts";

/** Ory Hydra 1.x: no prefix, updates by GET and PUT (a PATCH is 405 on 1.8 and breaks the secret on 1.10), limit and offset. */
export const HYDRA_1: ServerFamily = {
  api: "v1",
  label: "Hydra 1.x",
  paths: { ...adminPathsFromClientsPath("/clients"), flush: "/oauth2/flush" },
  update: "put",
  paging: "offset",
  canRotate: false,
  keyShape: "pair",
  unknownFields: new Set([
    "skip_consent",
    "skip_logout_consent",
    "access_token_strategy",
    "device_authorization_grant_access_token_lifespan",
    "device_authorization_grant_id_token_lifespan",
    "device_authorization_grant_refresh_token_lifespan",
  ]),
  largestPage: 500,
  pageQuery: ({ size, offset = 0, name, owner }) =>
    toQueryParameters({ limit: String(size), offset: String(offset), client_name: name, owner }),
  pageStart: (token) => (/^\d*$/.test(token) ? { offset: Number(token) } : undefined),
  nextPage(page, answer, count) {
    // Servers link to a next page even if there are no clients, or none that match a filter.
    if (count === 0) return undefined;
    const offset = page.offset ?? 0;
    if (answer.link === "") return { ...page, offset: offset + count };
    const next = Number(findLinkQuery("next", answer.link)?.get("offset"));
    return next > offset ? { ...page, offset: next } : undefined;
  },
  // 1.8 answers 401 for an unknown client, with a message that it never sends for a rejected token.
  isUnknownClient: ({ status }, body) =>
    status === 404 || (status === 401 && /client does not exist/i.test(findErrorText(body) ?? "")),
};

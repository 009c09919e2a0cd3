import { linkTo, parametersOf } from "./classify-error.ts";
import type { Answer, PageRequest, ServerFamily } from "./family.ts";

/** Ory Hydra 2.x and later: everything below `/admin`, updates by JSON Patch, page tokens. */
export const HYDRA_2: ServerFamily = {
  api: "v2",
  label: "Hydra 2.x",
  clients: "/admin/clients",
  update: "patch",
  unknownFields: new Set(["password_grant_access_token_lifespan", "password_grant_refresh_token_lifespan"]),
  largestPage: 500,
  pageQuery(page: PageRequest): string {
    return parametersOf({
      page_size: String(page.size),
      page_token: page.token,
      client_name: page.name,
      owner: page.owner,
    });
  },
  nextPage(page: PageRequest, answer: Answer, count: number): PageRequest | undefined {
    // Hydra 2.0 to 2.3 link to next pages even where there is no client.
    if (count === 0) return undefined;
    const token = linkTo("next", answer.link)?.get("page_token");
    return token === null || token === undefined || token === "" ? undefined : { ...page, token };
  },
  isUnknownClient(answer: Answer): boolean {
    return answer.status === 404;
  },
};

import type { ClientPage } from "../../adapters/admin/admin.ts";
import type { Context } from "../../command.ts";
import { Problem } from "../../core/problem.ts";
import type { PageRequest } from "../../servers/index.ts";

/** The page size when all clients are read: larger pages save few requests and cost memory. */
export const ALL_CLIENTS_PAGE_SIZE = 200;

/** The pages from one on; each is fetched once the previous one has been used. */
export async function* readClientPages(
  { admin, host }: Pick<Context, "admin"> & Partial<Pick<Context, "host">>,
  start: PageRequest,
  hint = "list a single page with --page-size, and check proxies in front of the server",
): AsyncGenerator<ClientPage> {
  const seen = new Set<string>();
  for (let request: PageRequest | undefined = start; request !== undefined; ) {
    const page: ClientPage = await admin.page(request);
    yield page;
    request = page.next;
    const position = `${request?.token ?? ""} ${request?.offset ?? ""}`;
    if (request !== undefined && seen.has(position))
      throw new Problem("Cannot list clients: the server's pages repeat endlessly", {
        code: "endless-pages",
        hint,
      });
    if (seen.size === 1) host?.enableJit();
    seen.add(position);
  }
}

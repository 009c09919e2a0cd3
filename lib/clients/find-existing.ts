import type { Context } from "../command.ts";
import type { IfExists } from "../core/flags/flag-table.ts";
import type { JsonObject } from "../core/json.ts";
import { Problem } from "../core/problem.ts";
import type { ReadDraft } from "./draft.ts";
import { requestedId } from "./views.ts";

/** Whether the server rejected a create because a client with this ID exists. */
export function isConflict(problem: unknown): problem is Problem {
  return problem instanceof Problem && problem.exit === "conflict";
}

/** A client that the server has. */
export type ExistingClient = JsonObject & { readonly client_id: string };

/** The client with the ID of a create, looked up only if `--if-exists` needs it. */
export async function findForIfExists(
  context: Pick<Context, "admin">,
  { draft, ifExists }: { readonly draft: Pick<ReadDraft, "client">; readonly ifExists: IfExists },
): Promise<ExistingClient | undefined> {
  const id = requestedId(draft.client);
  return ifExists === "fail" || id === undefined ? undefined : context.admin.find(id);
}

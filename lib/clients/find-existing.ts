import type { Context } from "../command.ts";
import { type ClientRecord, requestedId } from "../core/client/client.ts";
import type { IfExists } from "../core/flags/shared-flags.ts";
import { Problem } from "../core/problem.ts";
import type { ReadDraft } from "./client-draft.ts";

/** Whether the server rejected a create because a client with this ID exists. */
export function isConflict(problem: unknown): problem is Problem {
  return problem instanceof Problem && problem.exit === "conflict";
}

/** The client with the ID of a create, looked up only if `--if-exists` needs it. */
export async function findForIfExists(
  context: Pick<Context, "admin">,
  { draft, ifExists }: { readonly draft: Pick<ReadDraft, "client">; readonly ifExists: IfExists },
): Promise<ClientRecord | undefined> {
  const id = requestedId(draft.client);
  return ifExists === "fail" || id === undefined ? undefined : context.admin.find(id);
}

import type { Context } from "../../command.ts";
import { type ClientDraft, getTextField } from "../../core/client/client.ts";
import type { LintFinding } from "../../core/client/rule-types.ts";
import { lintClient, lintFindingProblem } from "../../core/client/rules.ts";
import { Problem, resultOrProblem, withMessage } from "../../core/problem.ts";
import { isDryRun } from "../is-dry-run.ts";

/** The rule that needs the server: whether it finds a client whose ID has a slash. */
export const SLASH_RULE = "client-id-slash";

/** Which findings of the rules are reported before a request: not those that {@link rejectUnfindableIds} asks the server about. */
export function createOfflineFindingFilter({ values }: Pick<Context, "values">): (finding: LintFinding) => boolean {
  return isDryRun({ values }) ? () => true : ({ rule }) => rule !== SLASH_RULE;
}

/**
 * Rejects IDs with a slash, such as URLs, if the server would create the client and never find it again. Asks the server
 * for such a client, and only if there is one.
 */
export async function rejectUnfindableIds(
  { admin }: Pick<Context, "admin">,
  clients: readonly Pick<ClientDraft, "client" | "label">[],
): Promise<void> {
  const id = clients.map(({ client }) => getTextField(client, "client_id") ?? "").find((each) => each.includes("/"));
  if (id === undefined || (await canServerLookUpId(admin, id))) return;
  const found = clients.flatMap(({ client, label }) =>
    lintClient(client, label).filter(({ rule }) => rule === SLASH_RULE),
  );
  const [first, ...others] = found;
  if (first === undefined) return;
  // Not the message of the problem: it begins with a capital letter, and this one may begin with the name of a file.
  throw withMessage(lintFindingProblem(first), `${first.message}, which this server cannot look up`, {
    details: others.map(({ message }) => message),
  });
}

/** Whether the server has a path for this ID; whether it has the client doesn't matter. */
export async function canServerLookUpId(admin: Context["admin"], id: string): Promise<boolean> {
  // The family first, so that only the path of the client can be missing.
  await admin.family();
  const found = await resultOrProblem(() => admin.find(id));
  if (!(found instanceof Problem)) return true;
  if (found.code !== "slash-in-id") throw found;
  return false;
}

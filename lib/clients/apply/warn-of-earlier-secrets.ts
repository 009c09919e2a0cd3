import type { LeftoverRecoveryCopy, UnreadRecoveryFile } from "../../adapters/leftover-recovery-copies.ts";
import type { Context } from "../../command.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { fileNameOfIdOrKey } from "../../core/output/file-name.ts";
import type { StackPlanStep } from "../../core/state/plan.ts";
import { quote } from "../../core/text.ts";
import { draftLeftover, folderNamesText, leftoversOf, warnOfLeftovers } from "../secrets/leftover-secrets.ts";
import { readSecretPlaceKind } from "./secret-file-texts.ts";

/** Warns of secrets that a run which was killed has left in drafts and recovery copies. */
export async function warnOfEarlierRunSecrets(
  context: Pick<Context, "values" | "secretDrafts" | "warn">,
  steps: readonly StackPlanStep[],
  copies: readonly LeftoverRecoveryCopy[],
): Promise<void> {
  const target = context.values.text(SECRET_OUT);
  const drafts = target === undefined ? [] : await context.secretDrafts(target);
  if (drafts.length + copies.length === 0) return;
  const isFolder = readSecretPlaceKind(context) === "folder";
  const draftsOf = Map.groupBy(drafts, ({ name }) => name.replace(/\.(?:env|json|yaml)$/, ""));
  const copiesOfKey = Map.groupBy(copies, ({ key }) => key);
  const copiesOfId = Map.groupBy(copies, ({ clientId }) => clientId);
  const ofClients = steps.flatMap(({ key, clientId }) => {
    // A file in the folder for secrets belongs to a client in any of the formats.
    const own = isFolder ? (draftsOf.get(fileNameOfIdOrKey(key)) ?? []) : [];
    const ofId = clientId === undefined ? [] : (copiesOfId.get(clientId) ?? []);
    const paths = [...(copiesOfKey.get(key) ?? []), ...ofId].map(({ path }) => path);
    const found = leftoversOf(`a secret of client ${quote(key)}`, own, [...new Set(paths)]);
    return found.map((leftover) => ({ ...leftover, key }));
  });
  const isOnly = drafts.length === 1 && copies.length === 0;
  const shared = isFolder ? [] : drafts.map((draft) => draftLeftover("secrets", draft, isOnly));
  warnOfLeftovers(context, [...ofClients, ...shared]);
}

/** Warns of files that may hold secrets of earlier runs and were not read: one line for each reason. */
export function warnOfUnreadCopies({ warn }: Pick<Context, "warn">, unread: readonly UnreadRecoveryFile[]): void {
  for (const [reason, files] of Map.groupBy(unread, (file) => file.reason)) {
    const [first] = files;
    const ignored =
      first !== undefined && files.length === 1
        ? `recovery copy ${quote(first.path)} was ignored`
        : `${files.length} recovery copies in ${folderNamesText(files)} were ignored`;
    warn(`${ignored}: ${reason}`);
  }
}

import type { LeftoverRecoveryCopy, UnreadRecoveryFile } from "../../adapters/leftover-recovery-copies.ts";
import type { LeftoverDraft } from "../../adapters/secret-target.ts";
import type { Context } from "../../command.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { fileNameOfIdOrKey } from "../../core/output/file-name.ts";
import { partToDeleteText } from "../../core/recovery-record.ts";
import type { StackPlanStep } from "../../core/state/plan.ts";
import { joinWords, quote } from "../../core/text.ts";
import { readSecretPlaceKind } from "./secret-file-texts.ts";

/** How many leftovers are named one by one; the others are only counted. */
const MAX_SHOWN_LEFTOVERS = 5;

/** A secret that an earlier run left. */
interface Leftover {
  readonly path: string;
  readonly warning: string;
  /** The client that has it; undefined for a draft with the secrets of several. */
  readonly key?: string;
}

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
  warnOf(context, [...ofClients, ...shared]);
}

function leftoversOf(what: string, drafts: readonly LeftoverDraft[], copies: readonly string[]): readonly Leftover[] {
  const isOnly = drafts.length + copies.length === 1;
  return [
    ...drafts.map((draft) => draftLeftover(what, draft, isOnly)),
    ...copies.map((path) => ({
      path,
      warning: `${START} ${what} in ${quote(path)}; once you have it, delete ${partToDeleteText(path)}`,
    })),
  ];
}

const START = "an earlier run left";

/** @param isOnly whether no other draft or copy holds the same secrets. */
function draftLeftover(what: string, draft: LeftoverDraft, isOnly: boolean): Leftover {
  const { path, file, fileExists, isPadded } = draft;
  const place = `${START} ${what} in ${quote(path)}${isPadded ? " (before the NUL bytes at its end)" : ""}`;
  if (fileExists)
    return {
      path,
      warning: `${place}, and ${quote(file)} exists too; delete the draft once you know that the file works`,
    };
  const only = isOnly ? `, the only copy: ${quote(file)} does not exist` : "";
  return { path, warning: `${place}${only}; delete it once you have it` };
}

function warnOf({ warn }: Pick<Context, "warn">, leftovers: readonly Leftover[]): void {
  for (const { warning } of leftovers.slice(0, MAX_SHOWN_LEFTOVERS)) warn(warning);
  const rest = leftovers.slice(MAX_SHOWN_LEFTOVERS);
  if (rest.length === 0) return;
  const folders = folderNamesText(rest);
  const secrets = rest.length === 1 ? "1 more secret" : `${rest.length} more secrets`;
  const keys = [...new Set(rest.flatMap(({ key }) => key ?? []))];
  const clients =
    keys.length === 0 ? "" : `, of ${keys.length === 1 ? "client" : "clients"} ${joinWords(keys.map(quote))},`;
  warn(`earlier runs have left ${secrets}${clients} in ${folders}`);
}

function folderNamesText(files: readonly { readonly path: string }[]): string {
  const folders = new Set(files.map(({ path }) => path.replace(/[^/\\]*$/, "") || "."));
  return joinWords([...folders].map(quote));
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

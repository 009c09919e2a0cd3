import type { LeftoverRecoveryCopy } from "../../adapters/leftover-recovery-copies.ts";
import type { LeftoverDraft } from "../../adapters/secret-target.ts";
import type { Context } from "../../command.ts";
import { KEY_OUT, SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { fillTemplate } from "../../core/output/file-name.ts";
import { partToDeleteText } from "../../core/recovery-record.ts";
import { joinWords, quote } from "../../core/text.ts";
import { findEarlierCopies } from "./void-recovery-copies.ts";

/** How many leftovers are named one by one; the others are only counted. */
const MAX_SHOWN_LEFTOVERS = 5;

/** A secret that an earlier run left. */
export interface Leftover {
  readonly path: string;
  readonly warning: string;
  /** The client that has it; undefined for a draft with the secrets of several. */
  readonly key?: string;
}

/**
 * Finds what runs which were killed have left of clients: in recovery copies, and in drafts of `--secret-out` or `--key-out`,
 * which may be a template. The drafts are found once, for all clients.
 */
export async function findLeftoversByClientId(
  { values, secretDrafts }: Pick<Context, "values" | "secretDrafts">,
  copies: readonly LeftoverRecoveryCopy[],
): Promise<(id: string) => readonly Leftover[]> {
  const target = values.text(SECRET_OUT) ?? values.text(KEY_OUT) ?? "";
  const name = target.replace(/^.*[/\\]/s, "");
  const drafts = name === "" ? [] : await secretDrafts(target.slice(0, -name.length) || ".");
  const draftsByName = Map.groupBy(drafts, (draft) => draft.name);
  const copiesById = Map.groupBy(copies, ({ clientId }) => clientId);
  const what = values.isSet(KEY_OUT) ? "a private key" : "a secret";
  return (id) => {
    const paths = new Set((copiesById.get(id) ?? []).map(({ path }) => path));
    return leftoversOf(`${what} of client ${quote(id)}`, draftsByName.get(fillTemplate(name, id)) ?? [], [...paths]);
  };
}

/** Warns of what runs which were killed have left of a client that exists: this run delivers no secret of it. */
export async function warnOfLeftoversOfClient(
  context: Pick<Context, "values" | "secretDrafts" | "endpoint" | "openLeftovers" | "warn">,
  id: string,
): Promise<void> {
  const { copies } = await findEarlierCopies(context);
  const leftoversOfClient = await findLeftoversByClientId(context, copies);
  warnOfLeftovers(context, leftoversOfClient(id));
}

/** The secrets of one client in drafts and recovery copies. */
export function leftoversOf(
  what: string,
  drafts: readonly LeftoverDraft[],
  copies: readonly string[],
): readonly Leftover[] {
  const isOnly = drafts.length + copies.length === 1;
  return [
    ...drafts.map((draft) => draftLeftover(what, draft, isOnly)),
    ...copies.map((path) => ({
      path,
      warning: `${WARNING_START} ${what} in ${quote(path)}; once you have it, or if it is out of date, delete ${partToDeleteText(path)}`,
    })),
  ];
}

const WARNING_START = "an earlier run left";

/**
 * The secrets in a draft.
 *
 * @param isOnly whether no other draft or copy holds the same secrets.
 */
export function draftLeftover(what: string, draft: LeftoverDraft, isOnly: boolean): Leftover {
  const { path, file, fileExists, isPadded } = draft;
  const place = `${WARNING_START} ${what} in ${quote(path)}${isPadded ? " (before the NUL bytes at its end)" : ""}`;
  if (fileExists)
    return {
      path,
      warning: `${place}, and ${quote(file)} exists too; delete the draft once you know that the file works`,
    };
  const only = isOnly ? `, the only copy: ${quote(file)} does not exist` : "";
  return { path, warning: `${place}${only}; delete it once you have it` };
}

/** Warns of secrets that earlier runs have left; of many, most are only counted. */
export function warnOfLeftovers({ warn }: Pick<Context, "warn">, leftovers: readonly Leftover[]): void {
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

/** The folders of some files, for a message. */
export function folderNamesText(files: readonly { readonly path: string }[]): string {
  const folders = new Set(files.map(({ path }) => path.replace(/[^/\\]*$/, "") || "."));
  return joinWords([...folders].map(quote));
}

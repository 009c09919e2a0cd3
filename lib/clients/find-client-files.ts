import type { Context } from "../command.ts";
import { unreadableFileReason } from "../core/file-errors.ts";
import { type Problem, usageError } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";

type ListedFolder = NonNullable<Awaited<ReturnType<Context["host"]["listFolder"]>>>;

/** Whether a file of a folder may have clients, by its name. The files of kustomize may leave out their kind. */
function isClientFile(name: string): boolean {
  return /\.(?:json|ya?ml)$/i.test(name) && !/^kustomization\.ya?ml$/i.test(name);
}

/**
 * The files of clients in a folder and its subfolders, and the problems of what may be one but can't be read; undefined for
 * a path that isn't a folder.
 */
export async function findClientFilesInFolder(
  { host }: { readonly host: Pick<Context["host"], "listFolder"> },
  path: string,
  reader: string,
): Promise<{ readonly files: readonly string[]; readonly problems: readonly Problem[] } | undefined> {
  const listed = await host.listFolder(path, isClientFile);
  if (listed === undefined) return undefined;
  return { files: listed.files, problems: listed.unreadable.map((entry) => unreadableProblem(entry, reader)) };
}

/** A problem and not a note: a client in the entry would seem to be in no file, and could be pruned. */
function unreadableProblem({ path, why }: ListedFolder["unreadable"][number], reader: string): Problem {
  const [reason, hint] = unreadableEntryReasonAndHint(why);
  return usageError(`Cannot read ${quote(path)} for ${reader}: ${escapeControls(reason)}`, hint, "unreadable-file");
}

function unreadableEntryReasonAndHint(
  why: ListedFolder["unreadable"][number]["why"],
): readonly [reason: string, hint: string] {
  const rename = "rename it: only files of clients have names that end in .yaml, .yml or .json";
  switch (why) {
    case "dangling-link":
      return ["the symbolic link is broken", "correct the link, or remove it"];
    case "folder":
      return ["it is a directory", rename];
    case "special":
      return ["it is not a regular file", rename];
    default:
      return [unreadableFileReason(why), "check its permissions"];
  }
}

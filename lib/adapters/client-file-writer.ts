import { type FileHandle, link, lstat, mkdir, open, readFile, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { toHex } from "../core/bytes.ts";
import { unusableFolderReason } from "../core/file-errors.ts";
import { errorCode, Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** Files of clients that a command keeps up to date. */
export type ClientFileWriter = ReturnType<typeof createClientFileWriter>;

/** Files of clients in the file system. Text is UTF-8; `random` generates the names of temporary files. */
export function createClientFileWriter(random: (count: number) => Uint8Array, linkFile: typeof link = link) {
  return {
    kindOf: readPathKind,
    /**
     * Writes a whole file at once and keeps its permissions: readers see the old or the new text, even if the program is
     * killed; only without hard links, a new file is empty for a moment. A file that doesn't have the text `before` any more
     * isn't changed; `before` is undefined for a new file.
     */
    async write(path: string, before: string | undefined, text: string): Promise<void> {
      try {
        if (before === undefined) await mkdir(dirname(path), { recursive: true });
        // The file that a link leads to, so that the link stays.
        const target = before === undefined ? path : await realpath(path);
        const mode = before === undefined ? undefined : (await stat(target)).mode & 0o777;
        const draft = join(dirname(target), `.${shortenFileName(basename(target))}.${toHex(random(8))}`);
        try {
          await writeDraft(draft, text, mode);
          await (before === undefined
            ? publishNewClientFile(draft, target, linkFile)
            : replaceIfUnchanged(draft, target, before));
        } finally {
          await unlink(draft).catch(() => {});
        }
      } catch (error) {
        throw error instanceof Problem ? error : unwritableClientFileProblem(path, error);
      }
    },
  };
}

/** What is at a path; undefined if nothing is. */
async function readPathKind(path: string): Promise<"file" | "folder" | "other" | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw unreadableClientFileProblem(path, error);
  }
}

/** The beginning of a name, short enough for a temporary name with more around it: systems limit the bytes, not the characters. */
function shortenFileName(name: string): string {
  return Buffer.from(name).subarray(0, 200).toString();
}

async function writeDraft(draft: string, text: string, mode: number | undefined): Promise<void> {
  const file: FileHandle = await open(draft, "wx");
  try {
    if (mode !== undefined) await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What link(2) reports on a file system without hard links. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EMLINK"]);

/** Gives a finished file its name without overwriting another one, even on file systems without hard links. */
async function publishNewClientFile(draft: string, path: string, linkFile: typeof link): Promise<void> {
  try {
    await linkFile(draft, path);
  } catch (error) {
    if (!WITHOUT_LINKS.has(errorCode(error) ?? "")) throw error;
    await publishClientFileWithoutLinks(draft, path);
  }
}

/** An empty file claims the name, and the finished file replaces it. */
async function publishClientFileWithoutLinks(draft: string, path: string): Promise<void> {
  const claim = await open(path, "wx");
  try {
    const [ours, there] = await Promise.all([claim.stat(), lstat(path)]);
    if (ours.ino !== there.ino || ours.dev !== there.dev) throw changedFileProblem(path);
    await rename(draft, path).catch(async (error: unknown) => {
      await unlink(path);
      throw error;
    });
  } finally {
    await claim.close();
  }
}

/** Replaces a file that still has the text `before`. */
async function replaceIfUnchanged(draft: string, path: string, before: string): Promise<void> {
  const current = new TextDecoder().decode(await readFile(path));
  if (current !== before) throw changedFileProblem(path);
  await rename(draft, path);
}

function changedFileProblem(path: string): Problem {
  return new Problem(`Cannot write ${quote(path)}: another program changed it meanwhile`, {
    code: "file-not-written",
    hint: "run the command again",
  });
}

function unwritableClientFileProblem(path: string, error: unknown): Problem {
  if (errorCode(error) === "EEXIST") return changedFileProblem(path);
  return new Problem(`Cannot write ${quote(path)}: ${unusableFolderReason(error)}`, {
    code: "file-not-written",
    hint: "check the path and its permissions",
    cause: error,
  });
}

function unreadableClientFileProblem(path: string, error: unknown): Problem {
  return usageError(`Cannot read ${quote(path)}: ${unusableFolderReason(error)}`, "check the path", "unreadable-file");
}

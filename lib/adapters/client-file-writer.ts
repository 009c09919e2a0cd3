import { type FileHandle, link, lstat, mkdir, open, readFile, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { unusableFolderReason } from "../core/file-errors.ts";
import { errorCode, Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** Files of clients that a command keeps up to date. */
export interface ClientFileWriter {
  /** What is at a path; undefined if nothing is. */
  kindOf(path: string): Promise<"file" | "folder" | "other" | undefined>;
  /**
   * Writes a whole file at once and keeps its permissions. A file that doesn't have the text `before` any more isn't
   * changed; `before` is undefined for a new file.
   */
  write(path: string, before: string | undefined, text: string): Promise<void>;
}

/** Files of clients in the file system. Text is UTF-8; `random` makes the names of temporary files. */
export function createClientFileWriter(random: (count: number) => Uint8Array): ClientFileWriter {
  return {
    kindOf,
    write: (path, before, text) => writeFile(path, before, text, random),
  };
}

async function kindOf(path: string): ReturnType<ClientFileWriter["kindOf"]> {
  try {
    const found = await stat(path);
    return found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw unusable(path, error);
  }
}

/** Writes a whole file at once: readers see the old or the new text, also if the program is killed. */
async function writeFile(
  path: string,
  before: string | undefined,
  text: string,
  random: (count: number) => Uint8Array,
): Promise<void> {
  try {
    if (before === undefined) await mkdir(dirname(path), { recursive: true });
    // The file that a link leads to, so that the link stays.
    const target = before === undefined ? path : await realpath(path);
    const mode = before === undefined ? undefined : (await stat(target)).mode & 0o777;
    const tail = Array.from(random(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const draft = join(dirname(target), `.${basename(target).slice(0, 200)}.${tail}`);
    try {
      await writeDraft(draft, text, mode);
      await (before === undefined ? publishNew(draft, target) : replace(draft, target, before));
    } finally {
      await unlink(draft).catch(() => {});
    }
  } catch (error) {
    throw error instanceof Problem ? error : unwritable(path, error);
  }
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

async function publishNew(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (!WITHOUT_LINKS.has(errorCode(error) ?? "")) throw error;
    if (await exists(path)) throw changedMeanwhile(path);
    await rename(draft, path);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

async function replace(draft: string, path: string, before: string): Promise<void> {
  const current = new TextDecoder().decode(await readFile(path));
  if (current !== before) throw changedMeanwhile(path);
  await rename(draft, path);
}

function changedMeanwhile(path: string): Problem {
  return new Problem(`Cannot write ${quote(path)}: another program changed it meanwhile`, {
    code: "file-not-written",
    exit: "failed",
    hint: "run the command again",
  });
}

function unwritable(path: string, error: unknown): Problem {
  if (errorCode(error) === "EEXIST") return changedMeanwhile(path);
  return new Problem(`Cannot write ${quote(path)}: ${unusableFolderReason(error)}`, {
    code: "file-not-written",
    exit: "failed",
    hint: "check the path and its permissions",
    cause: error,
  });
}

function unusable(path: string, error: unknown): Problem {
  return usageError(`Cannot read ${quote(path)}: ${unusableFolderReason(error)}`, "check the path", "unreadable-file");
}

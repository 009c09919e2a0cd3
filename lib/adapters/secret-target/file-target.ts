import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from "node:fs";
import { type FileHandle, link, lstat, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isFolderUnwritableError, unreadableFileReason, unusableFolderReason } from "../../core/file-errors.ts";
import { errorCode, type Problem, usageError } from "../../core/problem.ts";
import { escapeControls, quote } from "../../core/text.ts";
import { draftNameOf } from "./drafts.ts";
import { type ExistingFileRule, MAX_SECRET_FILE_BYTES, type OpenSecretTarget, RESERVED_BYTES } from "./target.ts";
import { unwritableTargetProblem } from "./unwritable.ts";

/** Only a new file, never through a symbolic link. */
const EXCLUSIVE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** The files of open descriptors, such as those of a shell's process substitution. */
const DESCRIPTOR_FILE_PATTERN = /^\/dev\/(?:fd\/|std(?:in|out|err)$)/;

/** What is wrong with the path of a file, as far as that shows without creating it. */
export function findFileTargetProblem(
  path: string,
  flag: string,
  existing: ExistingFileRule = "is a problem",
): Problem | undefined {
  const name = `${flag} ${quote(path)}`;
  if (path === "" || path.endsWith("/"))
    return usageError(`${name} is not a file name`, "use the path of a new file", "bad-secret-out");
  if (path === "-" || path.startsWith("fd:") || DESCRIPTOR_FILE_PATTERN.test(path))
    return usageError(
      `${name} is neither a file nor an open descriptor`,
      "use fd:3 for a descriptor, or ./ before a file name",
      "bad-secret-out",
    );
  try {
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !(existing === "is extended" && there.isFile() && there.size <= MAX_SECRET_FILE_BYTES))
      return usageError(
        `${name} already exists and is not overwritten`,
        "use another name; the file may hold the only copy of its secrets",
        "secret-out-exists",
      );
    const folder = dirname(path);
    if (!statSync(folder).isDirectory()) return folderProblem(name, "its parent is not a directory");
    requireWritable(folder);
    return undefined;
  } catch (error) {
    return folderErrorProblem(name, error);
  }
}

function requireWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (isFolderUnwritableError(error)) throw error;
  }
}

function folderProblem(name: string, why: string): Problem {
  return usageError(
    `Cannot write ${name}: ${why}`,
    "use a file in a directory that exists and is writable",
    "bad-secret-out",
  );
}

function folderErrorProblem(name: string, error: unknown): Problem {
  // That of the draft is 18 bytes longer.
  if (errorCode(error) === "ENAMETOOLONG")
    return usageError(`Cannot write ${name}: its name is too long`, "use a shorter file name", "bad-secret-out");
  return folderProblem(name, unusableFolderReason(error));
}

/** A secret file that exists. */
interface SecretFile {
  /** Undefined if its bytes aren't UTF-8, so that they would not survive being written again as text. */
  readonly text: string | undefined;
  readonly status: Stats;
}

/** A file that is to be extended. */
interface PreviousFile extends SecretFile {
  readonly text: string;
}

/**
 * Reads a secret file; undefined if there is none, or if it is too large or something else than a file. Throws a usage
 * Problem if it can't be read, or is a link.
 */
export function readSecretFile(path: string): SecretFile | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const status = fstatSync(file);
      if (!status.isFile() || status.size > MAX_SECRET_FILE_BYTES) return undefined;
      return { text: decodeUtf8OrUndefined(readFileSync(file)), status };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    const reason = errorCode(error) === "ELOOP" ? "it is a symbolic link" : unreadableFileReason(error);
    throw usageError(
      `Cannot read ${quote(path)}: ${escapeControls(reason)}`,
      "use another file name, or make the file readable",
      "bad-secret-out",
    );
  }
}

function decodeUtf8OrUndefined(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Reads a file that is to be extended. */
function readPreviousFile(path: string, name: string): PreviousFile | undefined {
  const file = readSecretFile(path);
  if (file === undefined) return undefined;
  const { text, status } = file;
  if (text !== undefined) return { text, status };
  throw usageError(`${name} already exists, and is not UTF-8 text`, "use another file name", "secret-out-exists");
}

/** What a new file needs from outside. */
export interface FileTargetTools {
  readonly random: (count: number) => Uint8Array;
  /** Limits the access to an empty file, where mode 0600 doesn't. */
  readonly limitAccess?: ((path: string) => void) | undefined;
}

/**
 * Creates a folder, and those above it, for its owner only; one that exists stays as it is. A dry run only checks whether that
 * is possible.
 *
 * @returns whether the folder exists now.
 */
export function makeSecretFolder(path: string, flag: string, isDryRun = false): boolean {
  const name = `${flag} ${quote(path)}`;
  if (path === "" || path === "-" || path.includes("{id}"))
    throw usageError(
      `${name} is not a directory`,
      "name a directory, a file that ends in .yaml, .json or .env, or a descriptor such as fd:3",
      "bad-secret-out",
    );
  let above = path;
  try {
    if (!isDryRun) mkdirSync(path, { recursive: true, mode: 0o700 });
    while (!existsSync(above)) above = dirname(resolve(above));
    if (statSync(above).isDirectory()) {
      if (above !== path) requireWritable(above);
      return above === path;
    }
  } catch (error) {
    const isFile = errorCode(error) === "EEXIST" || errorCode(error) === "ENOTDIR";
    throw folderProblem(name, isFile ? "a file has its name" : unusableFolderReason(error));
  }
  throw folderProblem(name, "a file has its name");
}

/** Creates a draft in the same folder, which gets the name of the new file when it is committed. */
export async function openFileTarget(
  path: string,
  { random, limitAccess }: FileTargetTools,
  flag: string,
  existing?: ExistingFileRule,
): Promise<OpenSecretTarget> {
  const name = `${flag} ${quote(path)}`;
  const problem = findFileTargetProblem(path, flag, existing);
  if (problem !== undefined) throw problem;
  const previous = existing === "is extended" ? readPreviousFile(path, name) : undefined;
  const draft = join(dirname(path), draftNameOf(basename(path), random));
  const file = await open(draft, EXCLUSIVE, 0o600).catch((error: unknown) => {
    throw folderErrorProblem(name, error);
  });
  // Found while the file is open: its folder may be moved before the draft is discarded.
  let draftPath = draft;
  const close = async (): Promise<void> => {
    draftPath = currentPath(file.fd, draftPath);
    await file.close();
  };
  const discard = async (): Promise<void> => {
    await file.truncate(0).catch(() => {});
    await close().catch(() => {});
    await unlink(draftPath).catch(() => {});
  };
  try {
    await file.chmod(0o600);
    limitAccess?.(draft);
    await writeFromStart(file, new Uint8Array(RESERVED_BYTES + (previous?.status.size ?? 0)));
    await file.sync();
  } catch (error) {
    await discard();
    throw unwritableTargetProblem(name, error);
  }
  let isPublished = false;
  let isKept = false;
  const replaceContents = async (text: string): Promise<void> => {
    const bytes = new TextEncoder().encode(text);
    await writeFromStart(file, bytes);
    await file.truncate(bytes.length);
  };
  return {
    name: path,
    previous: previous?.text ?? "",
    draft: resolve(draft),
    get partlyWritten() {
      return isPublished;
    },
    async discard() {
      if (isKept) await file.close().catch(() => {});
      else await discard();
    },
    save: replaceContents,
    leaveDraft() {
      isKept = true;
    },
    async commit(text, finalPath = path) {
      await replaceContents(text);
      await file.sync();
      await close();
      if (previous === undefined) await publishNewSecretFile(draft, finalPath);
      else await replacePreviousIfUnchanged(draft, path, previous);
      await syncFolder(dirname(finalPath));
      isPublished = true;
    },
  };
}

/** The path of an open file, whose folder may have been moved. */
function currentPath(fd: number, path: string): string {
  try {
    const current = readlinkSync(`/proc/self/fd/${fd}`);
    return basename(current) === basename(path) ? current : path;
  } catch {
    return path;
  }
}

/** Writes all bytes to the start of a file; one write may take only a part of them, for example on a nearly full disk. */
async function writeFromStart(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
}

/**
 * Gives a finished file its name without overwriting another. On a file system without hard links, an empty file claims
 * the name first, and the finished file replaces it.
 */
async function publishNewSecretFile(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (code === "EEXIST") throw new Error(`another program has created ${quote(path)} meanwhile`, { cause: error });
    if (!WITHOUT_LINKS.has(code)) throw error;
    await publishSecretFileWithoutLinks(draft, path);
  }
  // The credentials have their final name now, so a leftover draft is not a failure.
  await unlink(draft).catch(() => {});
}

/** Replaces a file that the finished one contains, unless another program has changed it. */
async function replacePreviousIfUnchanged(draft: string, path: string, { status }: PreviousFile): Promise<void> {
  const there = await lstat(path);
  if (
    there.ino !== status.ino ||
    there.dev !== status.dev ||
    there.size !== status.size ||
    there.mtimeMs !== status.mtimeMs
  ) {
    await unlink(draft).catch(() => {});
    throw new Error(`another program has changed ${quote(path)} meanwhile`);
  }
  await rename(draft, path);
}

/** What link(2) reports on a file system without hard links. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EMLINK"]);

async function publishSecretFileWithoutLinks(draft: string, path: string): Promise<void> {
  const claim = await open(path, EXCLUSIVE, 0o600);
  try {
    const [ours, there] = await Promise.all([claim.stat(), lstat(path)]);
    if (ours.ino !== there.ino || ours.dev !== there.dev) throw new Error("another file took its name");
    await rename(draft, path).catch(async (error: unknown) => {
      await unlink(path);
      throw error;
    });
  } finally {
    await claim.close();
  }
}

/** Syncs a folder to the disk, so that a new file survives a power loss (fsync(2)). */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file itself is on the disk; Windows and some network file systems can't sync a folder.
  }
}

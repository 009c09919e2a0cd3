import { errorCode, errorMessage } from "./problem.ts";
import { escapeControls } from "./text.ts";

const FOLDER_REASONS: Readonly<Record<string, string>> = {
  ENOENT: "the directory does not exist",
  ENOTDIR: "not a directory",
  EACCES: "the directory is not writable",
  EROFS: "the directory is not writable",
  ENOSPC: "the disk is full",
};

/** Why a folder can't be used, for messages. */
export function unusableFolderReason(error: unknown): string {
  return FOLDER_REASONS[errorCode(error) ?? ""] ?? escapeControls(errorMessage(error));
}

/** Whether an access check proves that a folder isn't writable. Deno fails otherwise if it would have to ask for a permission. */
export function isFolderUnwritableError(error: unknown): boolean {
  const code = errorCode(error);
  return code === "EACCES" || code === "EROFS";
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "the file does not exist",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
  ENXIO: "it is a socket",
};

/** Why a file could not be read, for a message. */
export function unreadableFileReason(error: unknown): string {
  return REASONS[errorCode(error) ?? ""] ?? errorMessage(error);
}

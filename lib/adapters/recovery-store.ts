import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { toJson } from "../core/json.ts";
import { errorCode, errorMessage, type Problem, usageError } from "../core/problem.ts";
import { type RecoveryRecord, SaveFailure } from "../core/recovery-record.ts";
import { escapeControls, quote } from "../core/text.ts";

/** One saved record, in a file that outlives the process. */
export interface RecoveryCopy {
  readonly path: string;
  /** Whether the file is still there. */
  exists(): boolean;
  /** Replaces the record; where that fails it throws, and the file keeps the one before. */
  replace(record: RecoveryRecord): void;
  /** Removes the record: at once with its own file, else when the log is closed. */
  remove(): void;
}

/** One file for the records of many clients, a JSON object per line; the last line of a client counts. */
export interface RecoveryLog {
  readonly path: string;
  /** Adds a record. */
  save(record: RecoveryRecord): RecoveryCopy;
  /** Leaves only records that were not removed, and no file when there are none; nothing is saved after it. */
  close(): void;
}

/** The folders that recovery copies go to. Everything in it is synchronous: a signal can't come in between. */
export interface RecoveryStore {
  /** Makes sure that a file can be made, by making and removing one; gives its folder. */
  probe(): string | undefined;
  /** Saves a record in a new file, without waiting for the disk; undefined where no folder takes it. */
  save(record: RecoveryRecord): RecoveryCopy | undefined;
  /** Saves a record so that it survives a power loss; throws a {@link SaveFailure}. */
  saveDurably(record: RecoveryRecord, where: "preferred folders" | "any folder"): RecoveryCopy;
  /** Makes a file for many records; undefined where no folder takes it. */
  openLog(): RecoveryLog | undefined;
}

/** Where recovery copies may go. */
export interface RecoveryOptions {
  /** The only folder to use, and the flag or variable that names it. */
  readonly named?: { readonly folder: string; readonly from: string };
  /** Folders in order of preference. */
  readonly folders: readonly string[];
  readonly random: (count: number) => Uint8Array;
}

/** A new file only, never through a symbolic link. */
const EXCLUSIVE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** Goes on after a disk took a part of a text, and fails when it takes no more. */
function writeAll(file: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/** Makes a file with mode 0600, whatever the umask is; nothing of it stays where the text can't be written. */
function writeNew(path: string, text: string, durable: boolean): void {
  const file = openSync(path, EXCLUSIVE, 0o600);
  try {
    fchmodSync(file, 0o600);
    writeAll(file, text);
    if (durable) fsyncSync(file);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
  if (durable) syncFolder(dirname(path));
}

/** Puts a folder's list of names on the disk; file systems that can't do it for a folder are left to their own ways. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, constants.O_RDONLY);
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // The file itself is on the disk; Windows and some network file systems refuse this for a folder.
  }
}

/** Replaces a file in one step, so that a crash leaves either the old text or the new one. */
function replaceFile(path: string, text: string, durable: boolean): void {
  const next = `${path}.new`;
  writeNew(next, text, durable);
  renameSync(next, path);
  if (durable) syncFolder(dirname(path));
}

const pretty = (record: RecoveryRecord): string => `${toJson(record, 2)}\n`;

const line = (record: RecoveryRecord): string => `${toJson(record)}\n`;

function copyIn(path: string, durable: boolean): RecoveryCopy {
  return {
    path,
    exists: () => existsSync(path),
    replace: (record) => replaceFile(path, pretty(record), durable),
    remove: () => unlinkSync(path),
  };
}

function logIn(path: string): RecoveryLog {
  const file = openSync(path, constants.O_WRONLY | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0));
  const open = new Map<number, RecoveryRecord>();
  let entries = 0;
  function put(entry: number, record: RecoveryRecord): void {
    writeAll(file, line(record));
    open.set(entry, record);
  }
  return {
    path,
    save(record) {
      const entry = entries++;
      put(entry, record);
      return {
        path,
        exists: () => existsSync(path),
        replace: (changed) => put(entry, changed),
        remove: () => void open.delete(entry),
      };
    },
    close() {
      closeSync(file);
      if (open.size === 0) unlinkSync(path);
      else replaceFile(path, [...open.values()].map(line).join(""), false);
    },
  };
}

/** Why a folder that was named can't be used; a usage Problem. */
function unusable({ folder, from }: NonNullable<RecoveryOptions["named"]>, why: string): Problem {
  return usageError(
    `${from} ${quote(folder)} cannot be used: ${why}`,
    "name a folder that can be written, or leave it out",
    "bad-rescue-dir",
  );
}

function reason(error: unknown): string {
  const code = errorCode(error);
  if (code === "ENOENT") return "there is no such folder";
  if (code === "ENOTDIR") return "it is no folder";
  if (code === "EACCES" || code === "EROFS") return "it cannot be written";
  return code === "ENOSPC" ? "the disk is full" : escapeControls(errorMessage(error));
}

/** Makes the {@link RecoveryStore} of one command; nothing is written before it is asked to. */
export function createRecoveryStore(options: RecoveryOptions): RecoveryStore {
  const { named } = options;
  const preferred = named === undefined ? options.folders : [named.folder];
  const tail = (): string => Array.from(options.random(8), (byte) => byte.toString(16).padStart(2, "0")).join("");

  function fileFor(folder: string, id: string, ending: string): string {
    return resolve(folder, `hydra-rescue-${id.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80)}-${tail()}.${ending}`);
  }

  /** The first folder in which the work succeeds; the failure in the first one is what counts otherwise. */
  function inFirst<T>(folders: Iterable<string>, work: (folder: string) => T): T {
    let failure: SaveFailure | undefined;
    for (const folder of folders) {
      try {
        return work(folder);
      } catch (error) {
        failure ??= new SaveFailure(folder, error);
      }
    }
    throw failure ?? new SaveFailure("", new Error("there is no folder to try"));
  }

  /** The same, with a missing folder as an answer, and a usage Problem where the folder was named. */
  function inPreferred<T>(work: (folder: string) => T): T | undefined {
    if (named?.folder === "") throw unusable(named, "it names no folder");
    try {
      return inFirst(preferred, work);
    } catch (error) {
      if (!(error instanceof SaveFailure)) throw error;
      if (named !== undefined) throw unusable(named, reason(error.cause));
      return undefined;
    }
  }

  function saveIn(folder: string, record: RecoveryRecord, durable: boolean): RecoveryCopy {
    const path = fileFor(folder, record.client_id ?? "client", "json");
    writeNew(path, pretty(record), durable);
    return copyIn(path, durable);
  }

  return {
    probe: () =>
      inPreferred((folder) => {
        const path = join(folder, `.hydra-rescue-${tail()}`);
        writeNew(path, PROBE, false);
        unlinkSync(path);
        return folder;
      }),
    save: (record) => inPreferred((folder) => saveIn(folder, record, false)),
    saveDurably: (record, where) =>
      inFirst(where === "preferred folders" ? preferred : new Set([...preferred, ...options.folders]), (folder) =>
        saveIn(folder, record, true),
      ),
    openLog: () =>
      inPreferred((folder) => {
        const path = fileFor(folder, "import", "ndjson");
        writeNew(path, "", false);
        return logIn(path);
      }),
  };
}

/** More than a recovery copy needs, so that a disk without room for one is found before anything is changed. */
const PROBE = `${" ".repeat(16_384)}\n`;

/** Throws where the system says that a folder cannot be written; Deno may have to ask for rights to know, and then opening tells. */
function mayWrite(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EACCES" || code === "EROFS") throw error;
  }
}

/** What can be seen to be wrong with a folder that was named, without making a file in it. */
export function checkRecoveryFolder(named: NonNullable<RecoveryOptions["named"]>): Problem | undefined {
  try {
    if (named.folder === "") return unusable(named, "it names no folder");
    if (!statSync(named.folder).isDirectory()) return unusable(named, "it is no folder");
    mayWrite(named.folder);
    return undefined;
  } catch (error) {
    return unusable(named, reason(error));
  }
}

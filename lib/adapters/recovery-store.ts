import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { toHex } from "../core/bytes.ts";
import { isFolderUnwritableError, unusableFolderReason } from "../core/file-errors.ts";
import { toTerminalSafeJson } from "../core/json/json.ts";
import { errorCode, type Problem, usageError } from "../core/problem.ts";
import { RecordSaveFailure, type RecoveryRecord } from "../core/recovery-record.ts";
import { quote } from "../core/text.ts";

/** One saved record, in a file that survives the process. */
export interface RecoveryCopy {
  readonly path: string;
  /** Whether the file still exists. */
  exists(): boolean;
  /** Replaces the record; if that fails, it throws and the file keeps the old one. */
  replace(record: RecoveryRecord): void;
  /** Removes the record: with its own file, or from the log. */
  remove(): void;
}

/** Saves recovery copies. Everything in it is synchronous, so a signal can't interrupt it. */
export interface RecoveryStore {
  /** Creates and removes a file to make sure that it is possible; returns its folder. */
  probe(): string | undefined;
  /** Saves a record in a new file, without waiting for the disk; undefined if no folder is writable. */
  save(record: RecoveryRecord): RecoveryCopy | undefined;
  /** Saves a record so that it survives a power loss; throws a {@link RecordSaveFailure}. */
  saveDurably(record: RecoveryRecord, where: "preferred directories" | "any directory"): RecoveryCopy;
  /** Creates a file for many records; undefined if no folder is writable. */
  openSharedFile(): SharedRecoveryFile | undefined;
}

/** Where recovery copies may go. */
export interface RecoveryOptions {
  /** The only folder to use, and the flag or variable that it comes from. */
  readonly named?: { readonly folder: string; readonly from: string } | undefined;
  /** Folders in order of preference. */
  readonly folders: readonly string[];
  readonly random: (count: number) => Uint8Array;
  /** Limits the access to an empty file in the named folder, where mode 0600 doesn't. */
  readonly limitAccess?: ((path: string) => void) | undefined;
}

/** The folders where a run looks first, and where the next one finds what it has left. */
export function preferredFolders({ named, folders }: Pick<RecoveryOptions, "named" | "folders">): readonly string[] {
  return named === undefined ? folders : [named.folder];
}

/** Only a new file, never through a symbolic link. */
const EXCLUSIVE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** How a file is created. */
interface NewFileOptions {
  /** Whether it survives a power loss. */
  readonly durable: boolean;
  readonly limitAccess?: RecoveryOptions["limitAccess"];
}

/** Creates a file with mode 0600, whatever the umask is; removes it again if the text can't be written. */
function writeNew(path: string, text: string, { durable, limitAccess }: NewFileOptions): void {
  const file = openSync(path, EXCLUSIVE, 0o600);
  try {
    fchmodSync(file, 0o600);
    limitAccess?.(path);
    // Unlike a plain write, this continues after a partial write and fails if the disk is full.
    writeFileSync(file, text);
    if (durable) fsyncSync(file);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
  if (durable) syncFolder(dirname(path));
}

/** Syncs a folder to the disk, if the file system can. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, constants.O_RDONLY);
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // The file itself is on the disk; Windows and some network file systems can't sync a folder.
  }
}

/** Replaces a file atomically, so that a crash leaves either the old text or the new one. */
function replaceFile(path: string, text: string, options: NewFileOptions): void {
  const next = `${path}.new`;
  writeNew(next, text, options);
  renameSync(next, path);
  if (options.durable) syncFolder(dirname(path));
}

const formatRecordIndented = (record: RecoveryRecord): string => `${toTerminalSafeJson(record, 2)}\n`;

const formatRecordLine = (record: RecoveryRecord): string => `${toTerminalSafeJson(record)}\n`;

/** A part of a file, in bytes. */
interface Span {
  readonly start: number;
  readonly length: number;
}

/** A file of lines, written at positions and not appended to, because lines are also blanked where they are. */
function openLineFile(path: string) {
  const file = openSync(path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0));
  let end = 0;
  function writeAt(bytes: Uint8Array, start: number): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, start + done);
  }
  return {
    /** Adds a line; if that fails, nothing of it is left. */
    add(text: string): Span {
      const bytes = Buffer.from(text);
      try {
        writeAt(bytes, end);
      } catch (error) {
        // The next line must not continue one that was cut short.
        ftruncateSync(file, end);
        throw error;
      }
      const span = { start: end, length: bytes.length };
      end += bytes.length;
      return span;
    },
    /** Overwrites a line with spaces. */
    blank: ({ start, length }: Span): void => writeAt(Buffer.from(`${" ".repeat(length - 1)}\n`), start),
    close: (): void => closeSync(file),
  };
}

/** One file for the records of many clients, one JSON object per line; the last line of a client is its current record. */
export type SharedRecoveryFile = ReturnType<typeof openSharedFileAt>;

function openSharedFileAt(path: string, options: NewFileOptions) {
  let file = openLineFile(path);
  const current = new Map<number, RecoveryRecord>();
  const spans = new Map<number, readonly Span[]>();
  let entries = 0;
  /** Creates the file again if another run has delivered all that was in it, and removed it. */
  function ensureExists(): void {
    if (existsSync(path)) return;
    writeNew(path, "", options);
    file.close();
    file = openLineFile(path);
    spans.clear();
  }
  function put(entry: number, record: RecoveryRecord): void {
    ensureExists();
    spans.set(entry, [...(spans.get(entry) ?? []), file.add(formatRecordLine(record))]);
    current.set(entry, record);
  }
  return {
    path,
    /** Adds a record. */
    save(record: RecoveryRecord): RecoveryCopy {
      const entry = entries++;
      put(entry, record);
      return {
        path,
        exists: () => spans.has(entry) && existsSync(path),
        replace: (changed) => put(entry, changed),
        remove() {
          current.delete(entry);
          // Immediately: after a SIGKILL, the next run would deliver what is still in the file.
          for (const span of spans.get(entry) ?? []) file.blank(span);
        },
      };
    },
    /** Keeps only records that were not removed, and deletes the file if there are none. Nothing is saved afterwards. */
    close(): void {
      file.close();
      // The system may give the number of the descriptor to another file.
      spans.clear();
      try {
        if (current.size === 0) unlinkIfPresent(path);
        else replaceFile(path, [...current.values()].map(formatRecordLine).join(""), options);
      } catch (error) {
        // On a full disk the file stays as it is: it has these records, and the removed ones are blanked.
        if (!existsSync(path)) throw error;
      }
    },
  };
}

/** The usage Problem of a folder from a flag or variable. */
function unusableRecoveryFolderProblem({ folder, from }: NonNullable<RecoveryOptions["named"]>, why: string): Problem {
  return usageError(
    `Cannot use ${from} ${quote(folder)}: ${why}`,
    "use a writable directory, or omit it",
    "bad-rescue-dir",
  );
}

/** Creates the {@link RecoveryStore} of one command; nothing is written until one of its functions is called. */
export function createRecoveryStore(options: RecoveryOptions): RecoveryStore {
  const { named } = options;
  const preferred = preferredFolders(options);
  const randomName = (): string => toHex(options.random(8));

  function fileFor(folder: string, id: string, extension: string): string {
    return resolve(
      folder,
      `hydra-rescue-${id.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80)}-${randomName()}.${extension}`,
    );
  }

  /** Does the work in the first folder where it succeeds; throws the failure of the first one otherwise. */
  function inFirst<T>(folders: Iterable<string>, work: (folder: string) => T): T {
    let failure: RecordSaveFailure | undefined;
    for (const folder of folders) {
      try {
        return work(folder);
      } catch (error) {
        failure ??= new RecordSaveFailure(folder, error);
      }
    }
    throw failure ?? new RecordSaveFailure("", new Error("there is no directory"));
  }

  /** The same in the preferred folders: undefined if none is writable, a usage Problem if the user chose the folder. */
  function inPreferred<T>(work: (folder: string) => T): T | undefined {
    if (named?.folder === "") throw unusableRecoveryFolderProblem(named, "not a directory");
    try {
      return inFirst(preferred, work);
    } catch (error) {
      if (!(error instanceof RecordSaveFailure)) throw error;
      if (named !== undefined) throw unusableRecoveryFolderProblem(named, unusableFolderReason(error.cause));
      return undefined;
    }
  }

  function newFileOptions(folder: string, durable: boolean): NewFileOptions {
    return { durable, limitAccess: folder === named?.folder ? options.limitAccess : undefined };
  }

  function saveIn(folder: string, record: RecoveryRecord, durable: boolean): RecoveryCopy {
    const path = fileFor(folder, record.client_id ?? "client", "json");
    const created = newFileOptions(folder, durable);
    writeNew(path, formatRecordIndented(record), created);
    return {
      path,
      exists: () => existsSync(path),
      replace: (changed) => replaceFile(path, formatRecordIndented(changed), created),
      remove: () => unlinkSync(path),
    };
  }

  return {
    probe: () =>
      inPreferred((folder) => {
        const path = join(folder, `.hydra-rescue-${randomName()}`);
        writeNew(path, PROBE, { durable: false });
        unlinkSync(path);
        return folder;
      }),
    save: (record) => inPreferred((folder) => saveIn(folder, record, false)),
    saveDurably: (record, where) =>
      inFirst(where === "preferred directories" ? preferred : new Set([...preferred, ...options.folders]), (folder) =>
        saveIn(folder, record, true),
      ),
    openSharedFile: () =>
      inPreferred((folder) => {
        const path = fileFor(folder, "import", "ndjson");
        const created = newFileOptions(folder, false);
        writeNew(path, "", created);
        return openSharedFileAt(path, created);
      }),
  };
}

/** Another run removes a file whose secrets it has delivered. */
function unlinkIfPresent(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

/** Longer than a recovery copy, so that a full disk is noticed before anything is changed. */
const PROBE = `${" ".repeat(16_384)}\n`;

function requireWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (isFolderUnwritableError(error)) throw error;
  }
}

/** What is wrong with the user's folder, as far as that shows without creating a file. */
export function findNamedRecoveryFolderProblem(named: NonNullable<RecoveryOptions["named"]>): Problem | undefined {
  try {
    if (named.folder === "" || !statSync(named.folder).isDirectory())
      return unusableRecoveryFolderProblem(named, "not a directory");
    requireWritable(named.folder);
    return undefined;
  } catch (error) {
    return unusableRecoveryFolderProblem(named, unusableFolderReason(error));
  }
}

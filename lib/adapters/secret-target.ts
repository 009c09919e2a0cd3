import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  write,
  writeSync,
} from "node:fs";
import { type FileHandle, link, lstat, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { errorCode, errorMessage, type Problem, usageError } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";

/** A place for credentials that is open and has been proven writable. */
export interface SecretTarget {
  /** How messages call it. */
  readonly name: string;
  /** Writes the credentials: all of them, or nothing that could be taken for them. */
  commit(text: string): Promise<void>;
  /** Whether the credentials, or a part of them, may have left the process. */
  readonly partlyWritten: boolean;
  /** Gives the place up; nothing of it stays behind. */
  discard(): Promise<void>;
  /** The file that becomes the target when it is committed; undefined for a descriptor. */
  readonly draft: string | undefined;
  /** Puts a text into the draft, where it survives the process. */
  save(text: string): Promise<void>;
  /** Leaves the draft where it is, as the only copy of what it holds. */
  leaveDraft(): void;
}

/** Bytes that are reserved on the disk before anything is created; more than any credentials need. */
const RESERVED = 65_536;

const EXCLUSIVE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** How long the reader of a descriptor is waited for, and with what. */
export interface WriteTimeouts {
  /** Milliseconds from now after which a reader who takes nothing is given up, if no signal comes. */
  readonly longest: () => number;
  /** Milliseconds that it gets after a signal. */
  readonly afterSignal: number;
  readonly signal: AbortSignal;
  readonly monotonic: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Called when a write that is under way is given up, which holds the process until it is ended. */
  readonly abandoned: () => void;
}

/** The outside that targets need. */
export interface SecretTargetOptions {
  readonly random: (count: number) => Uint8Array;
  readonly timeouts: WriteTimeouts;
}

/** The targets of flags such as `--secret-out`: new files, and inherited descriptors as `fd:3`. */
export interface SecretTargets {
  /** What can be seen to be wrong with a target without opening it; to be asked before anything is sent. */
  check(target: string, flag: string): Problem | undefined;
  /** Opens a target; throws a usage Problem when it cannot be written, exists already, or is not there. */
  open(target: string, flag: string): Promise<SecretTarget>;
}

/** Makes the {@link SecretTargets} of one command. */
export function createSecretTargets(options: SecretTargetOptions): SecretTargets {
  /** The sockets that were there before anything was sent, which are none of the program's own. */
  const sockets = new Map<number, string>();
  const descriptorOf = (target: string): number | undefined => {
    const digits = /^fd:(\d+)$/.exec(target)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  return {
    check(target, flag) {
      const fd = descriptorOf(target);
      if (fd === undefined) return fileProblem(target, flag);
      const kind = kindOf(fd);
      if (kind?.startsWith("socket:")) sockets.set(fd, kind);
      return descriptorProblem(fd, flag, sockets);
    },
    async open(target, flag) {
      const fd = descriptorOf(target);
      if (fd === undefined) return fileTarget(target, options.random, flag);
      const problem = descriptorProblem(fd, flag, sockets);
      if (problem !== undefined) throw problem;
      reserveSpace(fd, `${flag} fd:${fd}`);
      return descriptorTarget(fd, options.timeouts);
    },
  };
}

function descriptorProblem(fd: number, flag: string, sockets: ReadonlyMap<number, string>): Problem | undefined {
  const name = `${flag} fd:${fd}`;
  if (fd < 3)
    return usageError(
      `${name} is a standard stream`,
      "open another descriptor for it: 3>FILE, and name fd:3",
      "bad-secret-out",
    );
  if (isInherited(fd, sockets)) return undefined;
  return usageError(`${name} is not open`, `open it in the shell: ${fd}>FILE`, "bad-secret-out");
}

/**
 * Writes behind what a file holds and takes it back, so that a full disk is found before it matters. A write at a place
 * leaves the position of the descriptor alone; one at the end of a file that is appended to goes to the same place.
 */
function reserveSpace(fd: number, name: string): void {
  if (!fstatSync(fd).isFile()) return;
  const { size } = fstatSync(fd);
  let reserved = 0;
  try {
    const bytes = new Uint8Array(RESERVED);
    while (reserved < RESERVED) reserved += writeSync(fd, bytes, reserved, RESERVED - reserved, size + reserved);
  } catch (error) {
    throw unwritable(name, error);
  } finally {
    // What another writer has put there meanwhile is not this program's to cut off.
    if (fstatSync(fd).size === size + reserved) ftruncateSync(fd, size);
  }
}

function unwritable(name: string, error: unknown): Problem {
  return usageError(
    `Cannot write ${name}: ${errorCode(error) === "ENOSPC" ? "the disk is full" : escapeControls(errorMessage(error))}`,
    "name a file on a disk with room",
    "bad-secret-out",
  );
}

function descriptorTarget(fd: number, patience: WriteTimeouts): SecretTarget {
  const name = `fd:${fd}`;
  let partlyWritten = false;
  return {
    name,
    get partlyWritten() {
      return partlyWritten;
    },
    async commit(text) {
      const still = stallTimer(patience, `the reader of ${name} stands still`);
      const bytes = new TextEncoder().encode(text);
      const own = withoutBlocking(fd);
      const take = own === undefined ? (at: number) => still.race(writeLater(fd, bytes, at)) : writeNow(own.fd, bytes);
      try {
        for (let at = 0; at < bytes.length; partlyWritten ||= at > 0) {
          try {
            at += await take(at);
          } catch (error) {
            if (error === still.reason) partlyWritten = true;
            if (errorCode(error) !== "EAGAIN") throw error;
            if (still.over()) throw still.reason;
            await patience.sleep(PIPE_RETRY_MS);
          }
        }
      } catch (error) {
        const reasons: Readonly<Record<string, string>> = {
          EPIPE: `the reader of ${name} is gone`,
          ENOSPC: `the disk behind ${name} is full`,
        };
        const reason = reasons[errorCode(error) ?? ""];
        throw reason === undefined ? error : new Error(reason, { cause: error });
      } finally {
        still.end();
        own?.close();
      }
    },
    discard: async () => {},
    draft: undefined,
    save: async () => {},
    leaveDraft: () => {},
  };
}

/** Milliseconds between two tries to write to a pipe that is full. */
const PIPE_RETRY_MS = 5;

const writeNow =
  (fd: number, bytes: Uint8Array) =>
  async (at: number): Promise<number> =>
    writeSync(fd, bytes, at);

function writeLater(fd: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, null, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/**
 * A descriptor of the same pipe, device or file whose writes do not wait, so that none is under way when a reader is given
 * up; undefined for what has none, such as a socket. A file is its own, since it has no reader, and another would not
 * share its position.
 */
function withoutBlocking(fd: number): { readonly fd: number; close(): void } | undefined {
  try {
    const at = fstatSync(fd);
    if (at.isFile()) return { fd, close: () => {} };
    if (!at.isFIFO() && !at.isCharacterDevice()) return undefined;
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return { fd: own, close: () => closeSync(own) };
  } catch {
    return undefined;
  }
}

/** Tells when a reader who takes nothing is to be given up: after a time, or some time after a signal. */
function stallTimer(
  patience: WriteTimeouts,
  message: string,
): {
  readonly reason: Error;
  over(): boolean;
  race(writing: Promise<number>): Promise<number>;
  end(): void;
} {
  const { signal, monotonic, afterSignal } = patience;
  const reason = new Error(message);
  let deadline = monotonic() + patience.longest();
  let ended = false;
  const hurry = (): void => {
    deadline = Math.min(deadline, monotonic() + afterSignal);
  };
  if (signal.aborted) hurry();
  else signal.addEventListener("abort", hurry, { once: true });
  const over = (): boolean => monotonic() >= deadline;
  let expiry: Promise<never> | undefined;
  const expired = async (): Promise<never> => {
    while (!over() && !ended) await patience.sleep(50);
    if (!ended) patience.abandoned();
    throw reason;
  };
  return {
    reason,
    over,
    race(writing) {
      expiry ??= expired();
      return Promise.race([writing, expiry]);
    },
    end() {
      ended = true;
      signal.removeEventListener("abort", hurry);
    },
  };
}

/** What the system says that a descriptor is; undefined where it does not say. */
function kindOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/**
 * Whether a descriptor came from the caller and takes writes. The runtime's own are marked to be closed at exec; Bun marks
 * all from 4 on as it starts, so there the kind has to tell: it opens neither a pipe nor a file to write for itself, and
 * no socket before something is sent.
 */
function isInherited(fd: number, sockets: ReadonlyMap<number, string>): boolean {
  try {
    fstatSync(fd);
    const flags = Number.parseInt(
      /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1] ?? "0",
      8,
    );
    if ((flags & 3) === 0) return false;
    if ((flags & 0o2000000) === 0) return true;
    const kind = readlinkSync(`/proc/self/fd/${fd}`);
    return fd > 3 && (/^(pipe:|\/(?!memfd:))/.test(kind) || sockets.get(fd) === kind);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") return false;
    try {
      fstatSync(fd);
      return true;
    } catch {
      return false;
    }
  }
}

/** What can be seen to be wrong with the path of a new file. */
function fileProblem(path: string, flag: string): Problem | undefined {
  const name = `${flag} ${quote(path)}`;
  if (path === "" || path.endsWith("/"))
    return usageError(`${name} names no file`, "write the path of a new file", "bad-secret-out");
  if (path === "-" || path.startsWith("fd:"))
    return usageError(
      `${name} is neither a file nor an open descriptor`,
      "write fd:3 for a descriptor, or ./ before the name of a file",
      "bad-secret-out",
    );
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
      return usageError(
        `${name} exists already, and is not overwritten`,
        "name a new file, or remove the old one",
        "secret-out-exists",
      );
    const folder = dirname(path);
    if (!statSync(folder).isDirectory()) return inNoFolder(name, "its folder is none");
    mayWrite(folder);
    return undefined;
  } catch (error) {
    return inNoFolder(name, folderReason(error));
  }
}

/** Throws where the system says that a folder cannot be written; Deno may have to ask for rights to know, and then opening tells. */
function mayWrite(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EACCES" || code === "EROFS") throw error;
  }
}

function folderReason(error: unknown): string {
  const code = errorCode(error);
  if (code === "ENOENT") return "there is no such folder";
  return code === "EACCES" || code === "EROFS" ? "the folder cannot be written" : escapeControls(errorMessage(error));
}

function inNoFolder(name: string, why: string): Problem {
  return usageError(`Cannot write ${name}: ${why}`, "name a file in a folder that can be written", "bad-secret-out");
}

async function fileTarget(path: string, random: (count: number) => Uint8Array, flag: string): Promise<SecretTarget> {
  const name = `${flag} ${quote(path)}`;
  const problem = fileProblem(path, flag);
  if (problem !== undefined) throw problem;
  const tail = Array.from(random(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const draft = join(dirname(path), `.${basename(path)}.${tail}`);
  let file: FileHandle;
  try {
    file = await open(draft, EXCLUSIVE, 0o600);
  } catch (error) {
    throw inNoFolder(name, folderReason(error));
  }
  const discard = async (): Promise<void> => {
    const at = whereIs(file.fd, draft);
    await file.truncate(0).catch(() => {});
    await file.close().catch(() => {});
    await unlink(at).catch(() => {});
  };
  try {
    await file.chmod(0o600);
    await fill(file, new Uint8Array(RESERVED));
    await file.sync();
  } catch (error) {
    await discard();
    throw unwritable(name, error);
  }
  let published = false;
  let left = false;
  const put = async (text: string): Promise<void> => {
    const bytes = new TextEncoder().encode(text);
    await fill(file, bytes);
    await file.truncate(bytes.length);
  };
  return {
    name: path,
    draft: resolve(draft),
    get partlyWritten() {
      return published;
    },
    async discard() {
      if (left) await file.close().catch(() => {});
      else await discard();
    },
    save: put,
    leaveDraft() {
      left = true;
    },
    async commit(text) {
      await put(text);
      await file.sync();
      await file.close();
      await publish(draft, path);
      published = true;
    },
  };
}

/** Where an open file is now: its folder may have been moved since. */
function whereIs(fd: number, path: string): string {
  try {
    const at = readlinkSync(`/proc/self/fd/${fd}`);
    return basename(at) === basename(path) ? at : path;
  } catch {
    return path;
  }
}

/** Writes all bytes from the start of a file; one write may take a part of them, as on a disk that is nearly full. */
async function fill(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
}

/**
 * Gives a finished file its name, never over another. Where a file system has no hard links, the name is claimed first
 * by an empty file, which the finished one then takes the place of.
 */
async function publish(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (errorCode(error) === "EEXIST") throw error;
    await replaceClaimed(draft, path);
  }
  // The credentials have their name now, so a second one is no failure of theirs.
  await unlink(draft).catch(() => {});
  await syncFolder(dirname(path));
}

async function replaceClaimed(draft: string, path: string): Promise<void> {
  const claim = await open(path, EXCLUSIVE, 0o600);
  try {
    const [ours, there] = await Promise.all([claim.stat(), lstat(path)]);
    if (ours.ino !== there.ino || ours.dev !== there.dev) throw new Error("another file has taken its name");
    await rename(draft, path);
  } finally {
    await claim.close();
  }
}

/** Puts a folder's list of names on the disk, so that a new file survives a power loss (fsync(2)). */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file itself is on the disk; Windows and some network file systems refuse this for a folder.
  }
}

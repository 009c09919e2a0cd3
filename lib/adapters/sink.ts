import { constants, fstatSync, readFileSync, readlinkSync, write } from "node:fs";
import { type FileHandle, link, lstat, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { reasonOf, systemCode, usage } from "../core/problem.ts";
import { printable, quoted } from "../core/text.ts";

/** A place for credentials that is open and has been proven writable. */
export interface Sink {
  /** How messages call it. */
  readonly name: string;
  /** Writes the credentials: all of them, or nothing that could be taken for them. */
  commit(text: string): Promise<void>;
  /** Gives the place up; nothing of it stays behind. */
  discard(): Promise<void>;
}

/** Bytes that are reserved on the disk before anything is created; more than any credentials need. */
const RESERVED = 65_536;

const EXCLUSIVE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/**
 * Opens the target of `--secret-out`: a new file, or an inherited descriptor as `fd:3`. Throws a usage Problem when it
 * cannot be written, exists already, or is not there.
 */
export function openSink(target: string, random: (count: number) => Uint8Array, flag: string): Promise<Sink> {
  const descriptor = /^fd:(\d+)$/.exec(target)?.[1];
  return descriptor === undefined
    ? fileSink(target, random, flag)
    : Promise.resolve(descriptorSink(Number(descriptor), flag));
}

function descriptorSink(fd: number, flag: string): Sink {
  const name = `${flag} fd:${fd}`;
  if (fd < 3)
    throw usage(
      `${name} is a standard stream`,
      "open another descriptor for it: 3>FILE, and name fd:3",
      "bad-secret-out",
    );
  if (!isInherited(fd)) throw usage(`${name} is not open`, `open it in the shell: ${fd}>FILE`, "bad-secret-out");
  return {
    name: `fd:${fd}`,
    commit: (text) => writeAll(fd, new TextEncoder().encode(text)),
    discard: async () => {},
  };
}

/**
 * Whether a descriptor came from the caller and takes writes. The runtime's own are marked to be closed at exec; Bun marks
 * all from 4 on as it starts, so there the kind has to tell: it opens neither a pipe nor a file to write for itself.
 */
function isInherited(fd: number): boolean {
  try {
    fstatSync(fd);
    const flags = Number.parseInt(
      /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1] ?? "0",
      8,
    );
    if ((flags & 3) === 0) return false;
    if ((flags & 0o2000000) === 0) return true;
    return fd > 3 && /^(pipe:|\/(?!memfd:))/.test(readlinkSync(`/proc/self/fd/${fd}`));
  } catch (error) {
    if (systemCode(error) !== "ENOENT") return false;
    try {
      fstatSync(fd);
      return true;
    } catch {
      return false;
    }
  }
}

async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += await new Promise<number>((resolve, reject) => {
      write(fd, bytes, at, bytes.length - at, null, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }
}

async function fileSink(path: string, random: (count: number) => Uint8Array, flag: string): Promise<Sink> {
  const name = `${flag} ${quoted(path)}`;
  const taken = (): Error =>
    usage(
      `${name} exists already, and is not overwritten`,
      "name a new file, or remove the old one",
      "secret-out-exists",
    );
  const tail = Array.from(random(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const draft = join(dirname(path), `.${basename(path)}.${tail}`);
  if (path === "" || path.endsWith("/"))
    throw usage(`${name} names no file`, "write the path of a new file", "bad-secret-out");
  if (path === "-" || path.startsWith("fd:"))
    throw usage(
      `${name} is neither a file nor an open descriptor`,
      "write fd:3 for a descriptor, or ./ before the name of a file",
      "bad-secret-out",
    );
  if (await exists(path)) throw taken();
  let file: FileHandle;
  try {
    file = await open(draft, EXCLUSIVE, 0o600);
  } catch (error) {
    const code = systemCode(error);
    const why =
      code === "ENOENT"
        ? "there is no such folder"
        : code === "EACCES" || code === "EROFS"
          ? "the folder cannot be written"
          : printable(reasonOf(error));
    throw usage(`Cannot write ${name}: ${why}`, "name a file in a folder that can be written", "bad-secret-out");
  }
  const discard = async (): Promise<void> => {
    await file.close().catch(() => {});
    await unlink(draft).catch(() => {});
  };
  try {
    await file.chmod(0o600);
    await fill(file, new Uint8Array(RESERVED));
    await file.sync();
  } catch (error) {
    await discard();
    throw usage(
      `Cannot write ${name}: ${systemCode(error) === "ENOSPC" ? "the disk is full" : printable(reasonOf(error))}`,
      "name a file on a disk with room",
      "bad-secret-out",
    );
  }
  return {
    name: path,
    discard,
    async commit(text) {
      try {
        const bytes = new TextEncoder().encode(text);
        await fill(file, bytes);
        await file.truncate(bytes.length);
        await file.sync();
        await file.close();
        await publish(draft, path);
      } catch (error) {
        await discard();
        throw error;
      }
    },
  };
}

/** Writes all bytes from the start of a file; one write may take a part of them, as on a disk that is nearly full. */
async function fill(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** Gives a finished file its name, never over another; where a file system has no hard links, by a rename. */
async function publish(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
    await unlink(draft);
  } catch (error) {
    if (systemCode(error) === "EEXIST" || (await exists(path))) throw error;
    await rename(draft, path);
  }
}

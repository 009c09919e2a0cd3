import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readlinkSync,
  write,
  writeSync,
} from "node:fs";
import { errorCode, type Problem, usageError } from "../../core/problem.ts";
import { type DescriptorStallTiming, type OpenSecretTarget, RESERVED_BYTES } from "./target.ts";
import { unwritableTargetProblem } from "./unwritable.ts";

/** Descriptors that the caller opened for this program, such as `3>FILE` in a shell. */
export function createDescriptorTargets(timeouts: DescriptorStallTiming) {
  /** The sockets that were open before the first request, and so aren't the program's own. */
  const sockets = new Map<number, string>();
  return {
    /** What is wrong with a descriptor; must be called before the first request, which may open sockets. */
    check(fd: number, flag: string): Problem | undefined {
      const kind = readDescriptorLink(fd);
      if (kind?.startsWith("socket:")) sockets.set(fd, kind);
      return findDescriptorProblem(fd, flag, sockets);
    },
    /** Opens a descriptor as a target; throws a usage Problem if it can't be written. */
    open(fd: number, flag: string): OpenSecretTarget {
      const problem = findDescriptorProblem(fd, flag, sockets);
      if (problem !== undefined) throw problem;
      requireDiskSpace(fd, `${flag} fd:${fd}`);
      return wrapDescriptorAsTarget(fd, timeouts);
    },
  };
}

function findDescriptorProblem(fd: number, flag: string, sockets: ReadonlyMap<number, string>): Problem | undefined {
  const name = `${flag} fd:${fd}`;
  if (fd < 3)
    return usageError(
      `${name} is a standard stream`,
      "use another descriptor: fd:3, opened with 3>FILE",
      "bad-secret-out",
    );
  if (isInherited(fd, sockets)) return undefined;
  return usageError(`${name} is not open`, `open it in the shell: ${fd}>FILE`, "bad-secret-out");
}

/**
 * Writes after the contents of a file and removes it again, so that a full disk is noticed in time. Writing at an offset
 * doesn't move the position of the descriptor; in append mode it goes to the end, which is the same place.
 */
function requireDiskSpace(fd: number, name: string): void {
  if (!fstatSync(fd).isFile()) return;
  const { size } = fstatSync(fd);
  let reserved = 0;
  try {
    const bytes = new Uint8Array(RESERVED_BYTES);
    while (reserved < RESERVED_BYTES)
      reserved += writeSync(fd, bytes, reserved, RESERVED_BYTES - reserved, size + reserved);
  } catch (error) {
    throw unwritableTargetProblem(name, error);
  } finally {
    // Don't truncate what another process has appended meanwhile.
    if (fstatSync(fd).size === size + reserved) ftruncateSync(fd, size);
  }
}

/** Milliseconds between two attempts to write to a pipe that is full. */
const PIPE_RETRY_MS = 5;

/** Milliseconds between two checks of a pending write. */
const STALL_CHECK_MS = 50;

/** The access mode among the flags of open(2). */
const ACCESS_MODE = 3;

/** O_CLOEXEC on Linux. */
const CLOSE_ON_EXEC = 0o2000000;

function wrapDescriptorAsTarget(fd: number, timeouts: DescriptorStallTiming): OpenSecretTarget {
  const name = `fd:${fd}`;
  let partlyWritten = false;
  return {
    name,
    get partlyWritten() {
      return partlyWritten;
    },
    async commit(text) {
      const timer = startStallTimer(timeouts, `the reader of ${name} stalled`);
      const bytes = new TextEncoder().encode(text);
      const twin = openNonBlockingTwin(fd);
      const writeFrom = async (offset: number): Promise<number> =>
        twin === undefined ? timer.race(writeAsync(fd, bytes, offset)) : writeSync(twin.fd, bytes, offset);
      try {
        for (let written = 0; written < bytes.length; partlyWritten ||= written > 0) {
          const offset = written;
          written += await retryWhileFull(() => writeFrom(offset), timer, timeouts.sleep);
        }
      } catch (error) {
        // A pending write may still be carried out.
        if (error === timer.reason && twin === undefined) partlyWritten = true;
        throw explainWriteFailure(error, name);
      } finally {
        timer.end();
        twin?.close();
      }
    },
    previous: "",
    discard: async () => {},
    draft: undefined,
    save: async () => {},
    leaveDraft: () => {},
  };
}

/** Writes once, waiting while the pipe is full. */
async function retryWhileFull(
  writeOnce: () => Promise<number>,
  timer: StallTimer,
  sleep: DescriptorStallTiming["sleep"],
): Promise<number> {
  for (;;) {
    try {
      return await writeOnce();
    } catch (error) {
      if (errorCode(error) !== "EAGAIN") throw error;
      if (timer.isOver()) throw timer.reason;
      await sleep(PIPE_RETRY_MS);
    }
  }
}

function writeAsync(fd: number, bytes: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, count) =>
      error === null ? resolve(count) : reject(error),
    );
  });
}

function explainWriteFailure(error: unknown, name: string): unknown {
  const code = errorCode(error);
  if (code === "EPIPE") return new Error(`the reader of ${name} is gone`, { cause: error });
  if (code === "ENOSPC") return new Error(`the disk of ${name} is full`, { cause: error });
  return error;
}

/**
 * A descriptor of the same pipe or device with non-blocking writes, so that none is pending when a reader is given up;
 * undefined if there is none, as for a socket. A file is used as it is: it has no reader, and another descriptor would have
 * a position of its own.
 */
function openNonBlockingTwin(fd: number): { readonly fd: number; close(): void } | undefined {
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) return { fd, close: () => {} };
    if (!stats.isFIFO() && !stats.isCharacterDevice()) return undefined;
    const twin = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return { fd: twin, close: () => closeSync(twin) };
  } catch {
    return undefined;
  }
}

type StallTimer = ReturnType<typeof startStallTimer>;

/** Decides when a stalled reader is given up: after a time limit, or some time after a signal. */
function startStallTimer(timeouts: DescriptorStallTiming, message: string) {
  const { signal, monotonic, afterSignal } = timeouts;
  const reason = new Error(message);
  let deadline = monotonic() + timeouts.longest();
  let ended = false;
  const shorten = (): void => {
    deadline = Math.min(deadline, monotonic() + afterSignal);
  };
  if (signal.aborted) shorten();
  else signal.addEventListener("abort", shorten, { once: true });
  const isOver = (): boolean => monotonic() >= deadline;
  let expired: Promise<never> | undefined;
  const expire = async (): Promise<never> => {
    while (!isOver() && !ended) await timeouts.sleep(STALL_CHECK_MS);
    if (!ended) timeouts.abandoned();
    throw reason;
  };
  return {
    reason,
    isOver,
    /** Rejects with the reason if the write is still pending when the time is up. */
    race(writing: Promise<number>): Promise<number> {
      expired ??= expire();
      return Promise.race([writing, expired]);
    },
    end(): void {
      ended = true;
      signal.removeEventListener("abort", shorten);
    },
  };
}

/** What the system says a descriptor is, such as `pipe:[123]`; undefined if it doesn't say. */
function readDescriptorLink(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/**
 * Whether a descriptor was inherited and is writable. The runtime's own descriptors have the close-on-exec flag. At its
 * start, Bun sets the flag on all descriptors from 4 on; there, the type decides: Bun itself opens no pipe and no file for
 * writing, and no socket before the first request.
 */
function isInherited(fd: number, sockets: ReadonlyMap<number, string>): boolean {
  if (!isOpen(fd)) return false;
  try {
    const flags = Number.parseInt(
      /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1] ?? "0",
      8,
    );
    if ((flags & ACCESS_MODE) === constants.O_RDONLY) return false;
    if ((flags & CLOSE_ON_EXEC) === 0) return true;
    const kind = readlinkSync(`/proc/self/fd/${fd}`);
    return fd > 3 && (/^(pipe:|\/(?!memfd:))/.test(kind) || sockets.get(fd) === kind);
  } catch (error) {
    // Without /proc, the program can't know more than that the descriptor is open.
    return errorCode(error) === "ENOENT" && isOpen(fd);
  }
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

import { constants, fstatSync, openSync, write, writeSync } from "node:fs";
import { concatBytes } from "../../core/bytes.ts";
import { ErrorWithUserMessage, errorCode, errorMessage } from "../../core/problem.ts";
import { isTerminal } from "./terminal.ts";

/** Where text goes: standard output or standard error. */
export interface Output {
  readonly isTerminal: boolean;
  /** Columns of the terminal, if there is one. */
  readonly columns: number | undefined;
  /** Resolves once the text has left the process; rejects with a {@link WriteFailure} if it can't. */
  write(text: string): Promise<void>;
}

/** Text that did not leave the process completely. */
export class WriteFailure extends ErrorWithUserMessage {
  override readonly name = "WriteFailure";
  /** How many of its bytes were written. */
  readonly written: number;

  constructor(cause: unknown, written: number) {
    super(writeFailureReason(cause), { cause });
    this.written = written;
  }
}

function writeFailureReason(cause: unknown): string {
  const code = errorCode(cause);
  if (code === "EPIPE") return "the reader of standard output is gone";
  if (code === "ENOSPC") return "the disk is full";
  if (code === "EBADF") return "standard output is closed";
  return errorMessage(cause);
}

/** Text that waits to be written, and the promise of its writer. */
interface QueuedText {
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (reason: WriteFailure) => void;
}

/** Writes to a descriptor in order; texts that come during a write are written together after it. */
export function createOutput(fd: 1 | 2): Output {
  const encoder = new TextEncoder();
  let queue: QueuedText[] = [];
  let busy = false;
  let failure: WriteFailure | undefined;
  let nonBlocking: { readonly fd: number | undefined } | undefined;
  let terminal: boolean | undefined;

  async function flush(): Promise<void> {
    busy = true;
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      nonBlocking ??= { fd: openNonBlockingDescriptor(fd) };
      // Text after a failed write would be in the wrong place.
      failure =
        failure === undefined ? await writeBatch(fd, batch, nonBlocking.fd) : new WriteFailure(failure.cause, 0);
      settleQueuedTexts(batch, failure);
    }
    busy = false;
  }

  return {
    get isTerminal(): boolean {
      terminal ??= isTerminal(fd);
      return terminal;
    },
    get columns(): number | undefined {
      return this.isTerminal ? (fd === 1 ? process.stdout : process.stderr).columns : undefined;
    },
    write(text: string): Promise<void> {
      return new Promise((resolve, reject) => {
        queue.push({ bytes: encoder.encode(text), resolve, reject });
        if (!busy) void flush();
      });
    },
  };
}

/** Writes texts together; returns the failure if not all of them were written. */
async function writeBatch(
  fd: number,
  batch: readonly QueuedText[],
  nonBlocking: number | undefined,
): Promise<WriteFailure | undefined> {
  try {
    await writeAll(fd, concatBytes(batch.map(({ bytes }) => bytes)), nonBlocking);
    return undefined;
  } catch (error) {
    return error instanceof WriteFailure ? error : new WriteFailure(error, 0);
  }
}

/** Settles the promise of each text: those that left the process before a failure are written. */
function settleQueuedTexts(batch: readonly QueuedText[], failure: WriteFailure | undefined): void {
  let written = failure?.written ?? Number.POSITIVE_INFINITY;
  for (const { bytes, resolve, reject } of batch) {
    if (failure === undefined || (bytes.length > 0 && written >= bytes.length)) resolve();
    else reject(new WriteFailure(failure.cause, Math.max(0, written)));
    written -= bytes.length;
  }
}

/** Milliseconds between two attempts to write to a non-blocking pipe that is full. */
const PIPE_RETRY_MS = 5;

/**
 * A descriptor for non-blocking writes, which avoid starting the runtime's thread pool: `fd` itself if its writes never
 * block, another descriptor of the same pipe, or undefined. While a write waits for a reader, signals must be handled.
 */
function openNonBlockingDescriptor(fd: number): number | undefined {
  try {
    const stats = fstatSync(fd);
    if (stats.isFile() || (stats.isCharacterDevice() && stats.rdev >>> 8 === 1)) return fd;
    // Opening a pipe again gives a descriptor with flags of its own, so other processes with this pipe aren't affected.
    const path = `/proc/self/fd/${fd}`;
    return "Bun" in globalThis && stats.isFIFO()
      ? openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Writes without blocking as far as possible, and the rest in the runtime's thread pool. */
async function writeAll(fd: number, bytes: Uint8Array, nonBlocking: number | undefined): Promise<void> {
  let written = 0;
  try {
    if (nonBlocking !== undefined) while (written < bytes.length) written += writeSync(nonBlocking, bytes, written);
  } catch (error) {
    if (errorCode(error) !== "EAGAIN") throw new WriteFailure(error, written);
  }
  while (written < bytes.length) {
    try {
      written += await writeSome(fd, bytes, written);
    } catch (error) {
      if (errorCode(error) !== "EAGAIN") throw new WriteFailure(error, written);
      await new Promise((resolve) => setTimeout(resolve, PIPE_RETRY_MS));
    }
  }
}

function writeSome(fd: number, bytes: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, count) =>
      error === null || error === undefined ? resolve(count) : reject(error),
    );
  });
}

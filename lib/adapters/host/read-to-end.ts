import { closeSync, constants, fstatSync, open, openSync, read, readSync, statSync } from "node:fs";
import { concatBytes } from "../../core/bytes.ts";
import { InputTooLarge } from "../../core/input-limits.ts";
import { errorCode } from "../../core/problem.ts";

/** The bytes of a file, with the permission bits and the owner of the same open file. */
export interface InputFile {
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly uid: number;
}

/** Files up to this many bytes are read without the runtime's thread pool. */
const SMALL_FILE = 65_536;

/** Bytes to read at a time. */
const BLOCK = 1_048_576;

/** Milliseconds between two attempts to read from a non-blocking pipe that is empty. */
const PIPE_RETRY_MS = 5;

/** Reads a file to its end; throws {@link InputTooLarge} once it is longer than `limit` bytes. */
export async function readFileToEnd(path: string, limit: number): Promise<InputFile> {
  // Without the thread pool: the config file, for example, usually doesn't exist.
  const regular = statSync(path).isFile();
  // Opening a FIFO waits for its writer, and signals must be handled meanwhile.
  const fd = regular ? openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) : await openAsync(path);
  try {
    const { mode, uid } = fstatSync(fd);
    return { bytes: await readDescriptorToEnd(fd, limit), mode: mode & 0o777, uid };
  } finally {
    closeSync(fd);
  }
}

function openAsync(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, "r", (error, fd) => (error === null || error === undefined ? resolve(fd) : reject(error)));
  });
}

/**
 * Reads a descriptor to its end; throws {@link InputTooLarge} once there are more than `limit` bytes.
 *
 * Devices, pipes, sockets and terminals are read like files. Waiting for input happens in the runtime's thread pool, so
 * that signals are handled meanwhile, and no more than the limit is kept in memory.
 */
export async function readDescriptorToEnd(fd: number, limit: number): Promise<Uint8Array> {
  const { size } = fstatSync(fd);
  const small = size > 0 && size < SMALL_FILE;
  const blocks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const block = new Uint8Array(
      Math.min(blocks.length === 0 ? Math.max(size + 1, SMALL_FILE) : BLOCK, limit + 1 - total),
    );
    const filled = await readUntilFull(fd, block, small);
    total += filled;
    if (total > limit) throw new InputTooLarge();
    blocks.push(block.subarray(0, filled));
    if (filled < block.length) return concatBytes(blocks);
  }
}

/** Reads until a block is full or the input ends; returns the number of bytes. */
async function readUntilFull(fd: number, block: Uint8Array, small: boolean): Promise<number> {
  let filled = 0;
  while (filled < block.length) {
    const rest = block.subarray(filled);
    const count = small ? readSync(fd, rest) : await readSome(fd, rest);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

async function readSome(fd: number, into: Uint8Array): Promise<number> {
  for (;;) {
    try {
      return await new Promise<number>((resolve, reject) => {
        read(fd, into, 0, into.length, null, (error, count) =>
          error === null || error === undefined ? resolve(count) : reject(error),
        );
      });
    } catch (error) {
      // Windows reports the end of a pipe as an error.
      if (errorCode(error) === "EOF") return 0;
      if (errorCode(error) !== "EAGAIN") throw error;
      await new Promise((resolve) => setTimeout(resolve, PIPE_RETRY_MS));
    }
  }
}

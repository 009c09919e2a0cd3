/** Named pipes whose reading end the test holds. */

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";

/** The reading end of a named pipe, which a test holds itself: it decides when it reads, and when it goes away. */
export interface FifoReader extends Disposable {
  /** Where a program writes to. */
  readonly path: string;
  /** Everything that was written up to now. */
  read(): string;
  /** Closes the end: from when this returns, a write fails with EPIPE. */
  close(): void;
}

/** Makes a named pipe in a folder, and opens its reading end. */
export function openFifo(folder: string): FifoReader {
  const path = join(folder, "fifo");
  execFileSync("mkfifo", [path]);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const parts: Buffer[] = [];
  let open = true;
  const close = (): void => {
    if (open) closeSync(descriptor);
    open = false;
  };
  return {
    path,
    read: () => {
      for (let part = readPart(descriptor); part !== undefined; part = readPart(descriptor)) parts.push(part);
      return Buffer.concat(parts).toString();
    },
    close,
    [Symbol.dispose]: close,
  };
}

/** The next bytes in a pipe; undefined where there are none now. */
function readPart(descriptor: number): Buffer | undefined {
  const buffer = Buffer.alloc(65_536);
  try {
    const count = readSync(descriptor, buffer);
    return count === 0 ? undefined : buffer.subarray(0, count);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined;
    throw error;
  }
}

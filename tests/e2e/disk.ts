/** A small disk that a test can fill. */

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./binary.ts";

/** A file system of its own, in memory and small. */
export interface Disk extends Disposable {
  readonly path: string;
  /** Takes all room that is left, but for so many bytes. */
  fill(left?: number): void;
  /** Makes it read-only. */
  freeze(): void;
}

function mount(...args: readonly string[]): void {
  const done = spawnSync(args[0] === "-u" ? "umount" : "mount", args[0] === "-u" ? args.slice(1) : args, {
    encoding: "utf8",
  });
  if (done.status !== 0) {
    const how = "which takes the rights of root, or unshare --map-root-user --mount before the tests";
    throw new Error(`cannot mount a small disk, ${how}: ${done.stderr}`);
  }
}

/** Mounts a file system of so many bytes; `noexec` if no program may run on it. */
export function openDisk(bytes: number, option: "exec" | "noexec" = "exec"): Disk {
  const folder = temporaryFolder();
  const path = join(folder.path, "disk");
  mkdirSync(path);
  mount("-t", "tmpfs", "-o", `size=${bytes},mode=0700,${option}`, "none", path);
  return {
    path,
    fill(left = 0) {
      const page = 4096;
      const { stdout } = spawnSync("stat", ["--file-system", "--format=%a %S", path], { encoding: "utf8" });
      const [blocks = 0, size = page] = stdout.split(" ").map(Number);
      writeFileSync(join(path, "ballast"), new Uint8Array(Math.max(0, blocks * size - left)));
    },
    // The mount and not the file system: what a user namespace mounted cannot be given its own options again.
    freeze: () => mount("-o", "remount,bind,ro", path),
    [Symbol.dispose]: () => {
      mount("-u", path);
      folder[Symbol.dispose]();
    },
  };
}

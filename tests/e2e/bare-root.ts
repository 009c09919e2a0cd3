/** A root file system of its own for the program, as a container image has, in new namespaces. */

import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  globSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { BINARY, type Running, start, temporaryFolder } from "./binary.ts";

/** How the program is started in a root of its own. */
export interface RootOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** User and group, that of the image if absent. */
  readonly user?: number;
  /** Whether nothing but /tmp can be written. */
  readonly readOnly?: boolean;
  /** Bytes that /tmp holds; there is no /tmp if absent. */
  readonly tmp?: number;
  /** Whether /proc is mounted, true if absent. */
  readonly proc?: boolean;
}

/** A root file system that holds what an image holds. */
export interface Root extends Disposable {
  readonly path: string;
  /** Starts the program in it, as PID 1 of a PID namespace of its own. */
  start(args: readonly string[], options?: RootOptions): Running;
  /** Sends a signal to the program itself. */
  signal(running: Running, name: NodeJS.Signals): void;
}

/** The program in a root. */
const PROGRAM = "/usr/local/bin/hydra";

/** The user of the image. */
export const NONROOT = 65532;

const SCRIPT = `
set -e
root=$1 user=$2 proc=$3 tmp=$4 mode=$5 enter=$6
shift 6
mount --bind "$root" "$root"
[ "$proc" = no ] || mount -t proc proc "$root/proc"
[ "$tmp" = no ] || mount -t tmpfs -o "size=$tmp,mode=1777" tmpfs "$root/tmp"
[ "$mode" = rw ] || mount -o remount,ro,bind "$root"
case $enter in
  root) exec chroot --userspec="$user:$user" "$root" "$@" ;;
  # Here only one user is known, so the program gets its id in a namespace inside of this one.
  user) exec unshare --user --map-user="$user" --map-group="$user" --root="$root" "$@" ;;
esac
`;

/**
 * Does what the tests need, of which a container or a careful kernel may forbid any part. A user who is root only in a namespace
 * may mount, but has no other users.
 */
const PROBE = "mount -t proc proc /proc && mount -t tmpfs tmpfs /tmp && mount --bind /usr /mnt";

const PROBE_USERS = `${PROBE} && chroot --userspec=${NONROOT}:${NONROOT} / true`;

/**
 * The ways to mount and to be the first process: as root, and for any other user in a namespace in which it is root, where
 * the kernel allows that.
 */
const WAYS = [
  { enter: "root", options: [], probe: PROBE_USERS },
  { enter: "user", options: ["--user", "--map-root-user"], probe: PROBE },
] as const;

let way: (typeof WAYS)[number] | undefined;

/** How namespaces can be created on this system: `unshare` with the options starts a program in some. */
export function namespaces(): (typeof WAYS)[number] {
  way ??= WAYS.find(({ options, probe }) => {
    const args = [...options, "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", probe];
    return spawnSync("unshare", args, { stdio: "ignore" }).status === 0;
  });
  if (way === undefined) {
    throw new Error(
      "This test starts the program in a root and a PID namespace of its own. It needs unshare of util-linux, and root with " +
        "CAP_SYS_ADMIN, or a kernel in which any user may make user namespaces and mount /proc in them: not so in most " +
        "containers, and on Ubuntu only after sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    );
  }
  return way;
}

/**
 * Puts files, by their path in the root, into a root of its own; one of them is `usr/local/bin/hydra`. An emulator, if given, is
 * the path in the root of a file that runs it.
 */
function openRoot(files: Readonly<Record<string, string>>, emulator?: string): Root {
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o755);
  for (const name of ["proc", "tmp"]) mkdirSync(join(folder.path, name));
  for (const [path, from] of Object.entries(files)) {
    const to = join(folder.path, path);
    mkdirSync(dirname(to), { recursive: true });
    try {
      linkSync(realpathSync(from), to);
    } catch {
      copyFileSync(from, to);
    }
  }
  return {
    path: folder.path,
    start(args, { env = {}, user = NONROOT, readOnly = false, tmp, proc = true } = {}) {
      const { enter, options } = namespaces();
      const settings = [
        String(user),
        proc ? "yes" : "no",
        tmp === undefined ? "no" : String(tmp),
        readOnly ? "ro" : "rw",
        enter,
        ...(emulator === undefined ? [] : [emulator]),
        PROGRAM,
      ];
      return start(
        "unshare",
        [
          ...options,
          ...["--mount", "--pid", "--fork", "--kill-child"],
          ...["sh", "-c", SCRIPT, "sh", folder.path, ...settings, ...args],
        ],
        { env: { HOME: undefined, TMPDIR: undefined, ...env } },
      );
    },
    signal(running, name) {
      const [child] = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, "latin1").trim().split(" ");
      const pid = Number(child);
      // Zero would be the group of the test itself.
      if (!(pid > 1)) throw new Error("the program has not started, or has ended");
      process.kill(pid, name);
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** The libraries that the loader finds for a program on this machine, by the path that the program looks them up under. */
function librariesOf(program: string): Readonly<Record<string, string>> {
  const listing = execFileSync("ldd", [program], { encoding: "utf8" });
  const found = [...listing.matchAll(/^\t(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => path ?? "");
  return Object.fromEntries(found.map((path) => [path.slice(1), path]));
}

/** A root like the image's: the program and the libraries of the package libc6, and no others. */
export function openGlibcRoot(): Root {
  const libraries = librariesOf(BINARY);
  const strange = Object.keys(libraries).filter(
    (path) => !/^(ld-linux-x86-64|ld-linux-aarch64|libc|libm|libdl|libpthread)\.so\.\d$/.test(basename(path)),
  );
  if (strange.length > 0) throw new Error(`the image does not have ${strange.join(", ")}`);
  return openRoot({ "usr/local/bin/hydra": BINARY, ...libraries });
}

/** A root with the files of a folder that is laid out as one. An emulator in it can run the program for another processor. */
export function copyRoot(folder: string, emulator?: string): Root {
  const files = globSync("**/*", { cwd: folder }).filter((path) => statSync(join(folder, path)).isFile());
  return openRoot(Object.fromEntries(files.map((path) => [path, join(folder, path)])), emulator);
}

/** Writes a file into a root, readable by all. */
export function place(root: Root, path: string, content: string): void {
  const to = join(root.path, path);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, content, { mode: 0o644 });
}

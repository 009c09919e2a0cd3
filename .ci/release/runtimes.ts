import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { TARGETS, type Target } from "./targets.ts";

/** A package that `package-lock.json` pins. */
export interface Pinned {
  readonly version: string;
  /** `sha512-` and the base64 of the hash of its archive (W3C Subresource Integrity). */
  readonly integrity: string;
}

const LOCKED = v.looseObject({
  version: v.optional(v.string()),
  integrity: v.optional(v.string()),
  dev: v.optional(v.boolean(), false),
  dependencies: v.optional(v.record(v.string(), v.string()), {}),
});

const LOCK = v.object({ packages: v.record(v.string(), LOCKED) });

/** The packages of a checkout's lockfile, by the folder that each is installed in. */
export function readLock(root: string): Readonly<Record<string, v.InferOutput<typeof LOCKED>>> {
  return v.parse(LOCK, JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))).packages;
}

/** What the lockfile of a checkout pins a package to. */
export function pinned(root: string, name: string): Pinned {
  const { version, integrity } = readLock(root)[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) throw new Error(`package-lock.json does not pin ${name}`);
  return { version, integrity };
}

/** The compiler: the `bun` of the checkout. */
export function compiler(root: string): string {
  const resolve = createRequire(join(root, "package.json")).resolve;
  return join(dirname(resolve("bun/package.json")), "bin", "bun.exe");
}

/** The target of this machine, or undefined where there is none; npm installs the runtime that fits, and no other. */
export function hostTarget(root: string): Target | undefined {
  const resolve = createRequire(createRequire(join(root, "package.json")).resolve("bun/package.json")).resolve;
  const system = process.platform === "win32" ? "windows" : process.platform;
  return TARGETS.find((target) => {
    if (!target.name.startsWith(`${system}-${process.arch}`)) return false;
    try {
      return resolve(`${target.runtime}/package.json`) !== "";
    } catch {
      return false;
    }
  });
}

/**
 * Writes the runtime of a target to a file, as the npm registry has it.
 *
 * The package is kept in `node_modules/.cache`; its hash is compared with the lockfile's at every use.
 */
export function writeRuntime(root: string, target: Target, to: string): void {
  const { version, integrity } = pinned(root, target.runtime);
  const cache = join(root, "node_modules", ".cache", "hydra-runtimes");
  const kept = join(cache, `${target.runtime.replace(/^@|\//g, "-").slice(1)}-${version}.tgz`);
  if (!existsSync(kept)) download(`${target.runtime}@${version}`, cache, kept);
  const archive = readFileSync(kept);
  if (`sha512-${createHash("sha512").update(archive).digest("base64")}` !== integrity) {
    rmSync(kept);
    throw new Error(`The package ${target.runtime}@${version} is not the one that package-lock.json pins`);
  }
  const inside = `package/bin/${target.executable === "hydra" ? "bun" : "bun.exe"}`;
  writeFileSync(to, fileOfTar(gunzipSync(archive), inside), { mode: 0o755 });
}

function download(spec: string, cache: string, kept: string): void {
  const folder = `${kept}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  try {
    // A relative path: on Windows a shell starts npm, and would split the path of a checkout at its spaces.
    execFileSync("npm", ["pack", "--silent", "--pack-destination", basename(folder), spec], {
      cwd: cache,
      stdio: ["ignore", "ignore", "inherit"],
      shell: process.platform === "win32",
    });
    const [packed] = globSync("*.tgz", { cwd: folder });
    if (packed === undefined) throw new Error(`npm pack brought no archive of ${spec}`);
    renameSync(join(folder, packed), kept);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The content of one file of a tar archive (ustar). */
function fileOfTar(tar: Buffer, path: string): Buffer {
  for (let at = 0; at + 512 <= tar.length; ) {
    const text = (from: number, length: number): string =>
      tar.toString("latin1", at + from, at + from + length).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12) || "0", 8);
    const body = at + 512;
    if (text(0, 100) === path) return tar.subarray(body, body + size);
    at = body + Math.ceil(size / 512) * 512;
  }
  throw new Error(`the archive does not hold ${path}`);
}

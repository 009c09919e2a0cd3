/** A platform that the program is built for. */
export interface Target {
  /** System, processor and, where it is not the usual one, C library. */
  readonly name: string;
  /** What `bun build --target` calls it. */
  readonly bun: string;
  /** The package of its runtime; `package-lock.json` holds the hash. */
  readonly runtime: string;
  readonly executable: "hydra" | "hydra.exe";
  readonly archive: "tar.gz" | "zip";
  /** Whether the compiled file needs a signature of its own: the runtime's names another program, or no longer fits. */
  readonly resign?: true;
  /** The processor and C library of the container images with this program, as the Dockerfiles name them. */
  readonly image?: string;
}

const unix = { executable: "hydra", archive: "tar.gz" } as const;

/**
 * Every target. The x64 runtimes are the ones that need nothing newer than SSE4.2: since 1.4 the packages named
 * `-baseline` hold the same bytes, but only the plain ones are dependencies of `bun` and so have a hash in the lockfile.
 */
export const TARGETS: readonly Target[] = [
  { name: "linux-x64", bun: "bun-linux-x64", runtime: "@oven/bun-linux-x64", ...unix, image: "amd64" },
  { name: "linux-arm64", bun: "bun-linux-arm64", runtime: "@oven/bun-linux-aarch64", ...unix, image: "arm64" },
  {
    name: "linux-x64-musl",
    bun: "bun-linux-x64-musl",
    runtime: "@oven/bun-linux-x64-musl",
    ...unix,
    image: "amd64-musl",
  },
  {
    name: "linux-arm64-musl",
    bun: "bun-linux-arm64-musl",
    runtime: "@oven/bun-linux-aarch64-musl",
    ...unix,
    image: "arm64-musl",
  },
  { name: "darwin-x64", bun: "bun-darwin-x64", runtime: "@oven/bun-darwin-x64", ...unix, resign: true },
  { name: "darwin-arm64", bun: "bun-darwin-arm64", runtime: "@oven/bun-darwin-aarch64", ...unix, resign: true },
  {
    name: "windows-x64",
    bun: "bun-windows-x64",
    runtime: "@oven/bun-windows-x64",
    executable: "hydra.exe",
    archive: "zip",
  },
];

/** The row of a name, or undefined. */
export function targetOf(name: string): Target | undefined {
  return TARGETS.find((target) => target.name === name);
}

import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { type Entry, tarGz } from "./archive.ts";
import { bare, definitions, type Stamp } from "./compile.ts";
import { compiler } from "./runtimes.ts";

/** The oldest Node that runs the bundle; a test runs it with that version. */
export const OLDEST_NODE = "22.18.0";

const MANIFEST = v.object({
  name: v.string(),
  description: v.string(),
  license: v.string(),
  repository: v.optional(v.object({ type: v.string(), url: v.string() })),
});

interface NodePackageOptions {
  readonly root: string;
  readonly stamp: Stamp;
  /** A folder for what is made on the way. */
  readonly scratch: string;
  /** What every archive holds next to the program. */
  readonly companions: readonly Entry[];
  readonly level: number;
}

/** The name of the npm package as `npm pack` would give it. */
export function nodePackageName(stamp: Pick<Stamp, "version">): string {
  return `hydra-clients-${stamp.version}.tgz`;
}

/** Packs the program as an npm package that runs under Node: one module for each part that loads on use. */
export function packForNode({ root, stamp, scratch, companions, level }: NodePackageOptions): Uint8Array {
  const modules = bundle(root, stamp, join(scratch, "node"));
  const texts = companions.filter(({ path }) => /^(?:README\.md|LICENSE|THIRD-PARTY\.md|man\/|licenses\/)/.test(path));
  const manuals = texts.flatMap(({ path }) => (path.startsWith("man/") ? [path] : [])).sort();
  const manifest = {
    ...v.parse(MANIFEST, JSON.parse(readFileSync(join(root, "package.json"), "utf8"))),
    version: stamp.version,
    type: "module",
    engines: { node: `>=${OLDEST_NODE}` },
    bin: { hydra: "hydra.js" },
    man: manuals,
  };
  const entries = [
    { path: "package.json", content: Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`) },
    ...modules,
    // Bun and its parts are not in this package.
    ...texts.filter(({ path }) => path !== "licenses/bun.txt"),
  ];
  return tarGz(
    entries.map((entry) => ({ ...entry, path: `package/${entry.path}` })),
    stamp.seconds,
    level,
  );
}

function bundle(root: string, stamp: Stamp, folder: string): readonly Entry[] {
  execFileSync(
    compiler(root),
    [
      ...["build", "cli.ts", "--target=node", "--format=esm", "--minify", "--splitting"],
      ...["--entry-naming=hydra.js", "--chunk-naming=lib/[hash].js"],
      ...definitions(stamp),
      `--outdir=${folder}`,
    ],
    { cwd: root, env: bare(folder), stdio: ["ignore", "ignore", "inherit"] },
  );
  return globSync("**/*.js", { cwd: folder }).map((file) => {
    const path = file.replaceAll("\\", "/");
    const content = readFileSync(join(folder, file));
    if (path !== "hydra.js") return { path, content };
    return { path, content: Buffer.concat([Buffer.from("#!/usr/bin/env node\n"), content]), executable: true };
  });
}

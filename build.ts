/**
 * Compiles the program: `bun build.ts` for this machine into `dist/hydra`; `--all`, or `--target NAME` once for each,
 * for others too, packed with what belongs to a release. `--packages` adds those for package managers, which needs nfpm.
 * `--out FOLDER` replaces `dist`, `--sizes` with `--all` writes the sizes into the documentation, and `--compression 1` saves the time
 * that the smallest archives take.
 *
 * The same commit gives the same bytes in any folder, on machines of the same kind.
 */

import { statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { SMALLEST } from "./.ci/release/archive.ts";
import { compile, prepare, scratchFolder } from "./.ci/release/compile.ts";
import { buildRelease, requireReplaceable } from "./.ci/release/release.ts";
import { hostTarget } from "./.ci/release/runtimes.ts";
import { sizePage, sizeTable } from "./.ci/release/sizes.ts";
import { TARGETS, type Target, targetOf } from "./.ci/release/targets.ts";

const root = import.meta.dirname;

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    target: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: join(root, "dist") },
    sizes: { type: "boolean", default: false },
    packages: { type: "boolean", default: false },
    compression: { type: "string", default: String(SMALLEST) },
  },
});

function wanted(): readonly Target[] {
  if (values.all) return TARGETS;
  return values.target.map((name) => {
    const target = targetOf(name);
    if (target === undefined) {
      throw new Error(`There is no target ${name}; the targets are ${TARGETS.map((known) => known.name).join(", ")}`);
    }
    return target;
  });
}

const targets = wanted();

if (values.packages && targets.length === 0) throw new Error("--packages needs --all or --target");

if (values.sizes && !values.all) throw new Error("--sizes needs --all: docs/sizes.md lists every target");

const out = resolve(values.out);

if (targets.length > 0 && out !== join(root, "dist")) requireReplaceable(out);

const host = hostTarget(root);

if (host === undefined) throw new Error(`No target is for ${process.platform} on ${process.arch}`);

using scratch = scratchFolder(out);

const prepared = prepare(root, scratch.path);

const { stamp } = prepared;

const program = join(out, host.executable);

compile(prepared, host, scratch.path, program);

const shown = relative(process.cwd(), program);

process.stdout.write(`${shown} ${stamp.version} (${(statSync(program).size / 1024 / 1024).toFixed(1)} MiB)\n`);

if (targets.length > 0) {
  const sizes = buildRelease({
    ...{ prepared, host, program, targets, out, scratch: scratch.path },
    level: Number(values.compression),
    withPackages: values.packages,
  });
  process.stdout.write(sizeTable(sizes));
  if (values.sizes) writeFileSync(join(root, "docs", "sizes.md"), sizePage(stamp.version, sizes));
}

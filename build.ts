/**
 * Compiles the program: `bun build.ts` for this machine into `dist/hydra`; `--all`, or `--target NAME` once for each,
 * for others too, packed with what belongs to a release. `--out FOLDER` replaces `dist`, `--sizes` writes the sizes
 * into the documentation, and `--compression 1` saves the time that the smallest archives take.
 *
 * The same commit gives the same bytes in any folder, on machines of the same kind.
 */

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { SMALLEST } from "./.ci/release/archive.ts";
import { compile, prepare, scratchFolder } from "./.ci/release/compile.ts";
import { shippedPackages } from "./.ci/release/licences.ts";
import { archiveName, companions, pack } from "./.ci/release/pack.ts";
import { hostTarget } from "./.ci/release/runtimes.ts";
import { billOfMaterials } from "./.ci/release/sbom.ts";
import { type Size, sizePage, sizeTable } from "./.ci/release/sizes.ts";
import { TARGETS, type Target, targetOf } from "./.ci/release/targets.ts";

const root = import.meta.dirname;

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    target: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: join(root, "dist") },
    sizes: { type: "boolean", default: false },
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

const out = resolve(values.out);

const host = hostTarget(root);

if (host === undefined) throw new Error(`No target is for ${process.platform} on ${process.arch}`);

using scratch = scratchFolder(out);

const prepared = prepare(root, scratch.path);

const { stamp } = prepared;

const program = join(out, host.executable);

compile(prepared, host, scratch.path, program);

const shown = relative(process.cwd(), program);

process.stdout.write(`${shown} ${stamp.version} (${(statSync(program).size / 1024 / 1024).toFixed(1)} MiB)\n`);

if (targets.length > 0) release();

/** Compiles and packs the targets that were asked for; the programs stay beside the archives, for images. */
function release(): void {
  const programs = join(out, "programs");
  const archives = join(out, "release");
  for (const folder of [programs, archives]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(archives, { recursive: true });
  const shipped = shippedPackages(root, prepared.inputs);
  const beside = companions(root, program, shipped);
  const sums: string[] = [];
  const write = (name: string, content: Uint8Array): void => {
    writeFileSync(join(archives, name), content);
    sums.push(`${createHash("sha256").update(content).digest("hex")}  ${name}\n`);
  };
  // The images hold the texts of the licences as the archives do.
  for (const { path, content } of beside.filter((entry) => entry.path.startsWith("licenses/"))) {
    mkdirSync(dirname(join(programs, path)), { recursive: true });
    writeFileSync(join(programs, path), content);
  }
  const sizes = targets.map((target): Size => {
    const made = join(programs, target.name, target.executable);
    if (target === host) {
      mkdirSync(join(programs, target.name), { recursive: true });
      copyFileSync(program, made);
    } else compile(prepared, target, scratch.path, made);
    const archive = pack({ stamp, target, program: made, companions: beside, level: Number(values.compression) });
    write(`${archiveName(target)}.${target.archive}`, archive);
    return { target, program: statSync(made).size, archive: archive.length };
  });
  write("hydra.cdx.json", Buffer.from(billOfMaterials(root, shipped)));
  writeFileSync(join(archives, "SHA256SUMS"), sums.join(""));
  process.stdout.write(sizeTable(sizes));
  if (values.sizes) writeFileSync(join(root, "docs", "sizes.md"), sizePage(stamp.version, sizes));
}

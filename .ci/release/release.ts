import { createHash } from "node:crypto";
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Entry } from "./archive.ts";
import { compile, type Prepared } from "./compile.ts";
import { homebrewFormula, installScripts, readDescription, scoopManifest } from "./installers.ts";
import { shippedPackages } from "./licences.ts";
import { nodePackageName, packForNode } from "./node-package.ts";
import { archiveName, companions, pack } from "./pack.ts";
import { repositoryPage } from "./repository.ts";
import { billOfMaterials } from "./sbom.ts";
import type { Size } from "./sizes.ts";
import { packageFile, packageKinds, packForSystem } from "./system-packages.ts";
import { TARGETS, type Target } from "./targets.ts";

interface ReleaseOptions {
  readonly prepared: Prepared;
  /** The target of this machine, and its compiled program. */
  readonly host: Target;
  readonly program: string;
  readonly targets: readonly Target[];
  readonly out: string;
  readonly scratch: string;
  /** How hard zlib compresses, 1 to 9. */
  readonly level: number;
  /** Whether to add the packages for package managers, which nfpm makes. */
  readonly withPackages: boolean;
}

/** The files of a release, with their checksums. */
interface ReleaseFolder {
  readonly path: string;
  readonly sums: Map<string, string>;
}

function addFile({ path, sums }: ReleaseFolder, name: string, content: Uint8Array): void {
  writeFileSync(join(path, name), content);
  sums.set(name, createHash("sha256").update(content).digest("hex"));
}

/** The folders that each build replaces. */
const REPLACED = ["programs", "images", "release"] as const;

/** Fails if a build would delete a folder that no earlier one wrote: only a build leaves these checksums. */
export function requireReplaceable(out: string): void {
  if (existsSync(join(out, "release/SHA256SUMS"))) return;
  const found = REPLACED.map((name) => join(out, name)).find((path) => existsSync(path));
  if (found !== undefined)
    throw new Error(`${found} is not from a build: remove it, or choose another folder with --out`);
}

/**
 * Compiles and packs targets for a release, and returns how big each is. The programs stay next to the archives, and again
 * under the names of container images.
 */
export function buildRelease(options: ReleaseOptions): readonly Size[] {
  const { prepared, targets, out, scratch, level } = options;
  const { root, stamp } = prepared;
  for (const folder of REPLACED) rmSync(join(out, folder), { recursive: true, force: true });
  const release: ReleaseFolder = { path: join(out, "release"), sums: new Map() };
  mkdirSync(release.path, { recursive: true });
  const shipped = shippedPackages(root, prepared.inputs);
  const added = companions(root, options.program, shipped);
  const sizes = targets.map((target): Size => {
    const program = placeProgram(options, target);
    const archive = pack({ stamp, target, program, companions: added, level });
    addFile(release, `${archiveName(target)}.${target.archive}`, archive);
    return { target, program: statSync(program).size, archive: archive.length };
  });
  placeLicenses(join(out, "images"), added);
  // The empty directory that the images have for recovery copies.
  mkdirSync(join(out, "images/rescue"));
  addFile(release, nodePackageName(stamp), packForNode({ root, stamp, scratch, companions: added, level }));
  if (options.withPackages) addSystemPackages(options, release, added);
  addInstallers(options, release);
  addFile(release, "hydra.cdx.json", Buffer.from(billOfMaterials(root, shipped)));
  const lines = [...release.sums].map(([name, sum]) => `${sum}  ${name}\n`);
  writeFileSync(join(release.path, "SHA256SUMS"), lines.join(""));
  return sizes;
}

/** Compiles the program of a target, and returns its path. */
function placeProgram({ prepared, host, program, out, scratch }: ReleaseOptions, target: Target): string {
  const path = join(out, "programs", target.name, target.executable);
  if (target === host) {
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(program, path);
  } else compile(prepared, target, scratch, path);
  if (target.image !== undefined) {
    const image = join(out, "images", target.image, "hydra");
    mkdirSync(dirname(image), { recursive: true });
    linkSync(path, image);
  }
  return path;
}

/** The images hold the texts of the licences as the archives do. */
function placeLicenses(folder: string, added: readonly Entry[]): void {
  for (const { path, content } of added.filter((entry) => entry.path.startsWith("licenses/"))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

function addSystemPackages(options: ReleaseOptions, release: ReleaseFolder, added: readonly Entry[]): void {
  const { root, stamp } = options.prepared;
  const [description, page] = [readDescription(root), repositoryPage(root)];
  for (const target of options.targets) {
    const program = join(options.out, "programs", target.name, target.executable);
    for (const kind of packageKinds(target)) {
      const file = packageFile(target, kind);
      const made = join(options.scratch, file);
      packForSystem(
        { stamp, target, program, companions: added, description, page, scratch: options.scratch },
        kind,
        made,
      );
      addFile(release, file, readFileSync(made));
    }
  }
}

/** The install scripts, and the files for Homebrew and Scoop, which need all archives and the URL of the repository. */
function addInstallers({ prepared, targets }: ReleaseOptions, release: ReleaseFolder): void {
  const { root, stamp } = prepared;
  const page = repositoryPage(root);
  const { version } = stamp;
  for (const { name, text } of installScripts(root, { page, version })) addFile(release, name, Buffer.from(text));
  if (page === undefined || targets.length < TARGETS.length) return;
  const sums = new Map(
    targets.map((target) => [target, release.sums.get(`${archiveName(target)}.${target.archive}`) ?? ""]),
  );
  const facts = { version, page, description: readDescription(root), sums };
  addFile(release, "hydra-clients.rb", Buffer.from(homebrewFormula(facts)));
  addFile(release, "hydra-clients.json", Buffer.from(scoopManifest(facts)));
}

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Entry, gzip } from "./archive.ts";
import { bare, type Stamp } from "./compile.ts";
import { archiveName } from "./pack.ts";
import type { Target } from "./targets.ts";

/** A kind of package: its file's ending, which is nfpm's name of it too. */
type PackageKind = "deb" | "rpm" | "apk";

/** `hydra` is the name of a package with another program in Debian, Fedora and Alpine, which has the same path. */
export const PACKAGE_NAME = "hydra-clients";

/** What the program is linked with. */
const DEPENDS: Readonly<Record<PackageKind, readonly string[]>> = {
  deb: ["libc6 (>= 2.17)"],
  rpm: ["glibc >= 2.17"],
  // What conflicts is a dependency with an exclamation mark there.
  apk: ["libstdc++", "!hydra"],
};

const MAINTAINER = `${PACKAGE_NAME} maintainers`;

/** The kinds of packages for a target. */
export function packageKinds(target: Target): readonly PackageKind[] {
  if (target.image === undefined) return [];
  return target.name.endsWith("-musl") ? ["apk"] : ["deb", "rpm"];
}

interface SystemPackageOptions {
  readonly stamp: Stamp;
  readonly target: Target;
  /** The path of the target's program. */
  readonly program: string;
  /** What every archive holds next to the program. */
  readonly companions: readonly Entry[];
  readonly description: string;
  /** The web page of the repository. */
  readonly page: string | undefined;
  /** A folder for what is made on the way. */
  readonly scratch: string;
}

/** Packs the program of a target for a package manager, with nfpm. */
export function packForSystem(options: SystemPackageOptions, kind: PackageKind, to: string): void {
  const { target, program, companions, stamp } = options;
  const folder = join(options.scratch, `${target.name}-${kind}`);
  const files = installedFiles(kind, companions, stamp);
  const contents = files.map(({ path, content }) => {
    const source = join(folder, path);
    mkdirSync(dirname(source), { recursive: true });
    writeFileSync(source, content);
    return { src: source, dst: path, file_info: fileInfo(stamp, 0o644) };
  });
  const config = {
    name: PACKAGE_NAME,
    arch: target.image?.replace("-musl", ""),
    platform: "linux",
    version: stamp.version,
    version_schema: "semver",
    release: "1",
    section: "admin",
    priority: "optional",
    maintainer: MAINTAINER,
    // Debian wants a longer text below the first line; Alpine takes one line only.
    description: kind === "deb" ? `${options.description}\n${DETAILS}` : options.description,
    ...(options.page === undefined ? {} : { homepage: options.page }),
    license: "Apache-2.0",
    mtime: timeOf(stamp),
    depends: DEPENDS[kind],
    conflicts: ["hydra"],
    // Without it, the name of this machine would be in the package.
    rpm: { buildhost: PACKAGE_NAME },
    contents: [{ src: program, dst: "/usr/bin/hydra", file_info: fileInfo(stamp, 0o755) }, ...contents],
  };
  const file = join(folder, "nfpm.json");
  writeFileSync(file, JSON.stringify(config));
  mkdirSync(dirname(to), { recursive: true });
  runNfpm(["package", `--config=${file}`, `--packager=${kind}`, `--target=${to}`], {
    ...bare(folder),
    SOURCE_DATE_EPOCH: String(stamp.seconds),
  });
}

function runNfpm(args: readonly string[], env: Readonly<Record<string, string>>): void {
  const { status, error } = spawnSync("nfpm", args, { env, stdio: ["ignore", "ignore", "inherit"] });
  if (error !== undefined) throw new Error("nfpm is not installed; .ci/tools/requirements.txt has its version");
  if (status !== 0) throw new Error(`nfpm failed with exit code ${status ?? "none"}`);
}

/** The file name of a package. */
export function packageFile(target: Target, kind: PackageKind): string {
  return `${archiveName(target)}.${kind}`;
}

function timeOf({ seconds }: Stamp): string {
  return new Date(seconds * 1000).toISOString();
}

function fileInfo(stamp: Stamp, mode: number): object {
  return { mode, mtime: timeOf(stamp), owner: "root", group: "root" };
}

/** Everything but the program, at its place on the system. */
function installedFiles(kind: PackageKind, companions: readonly Entry[], stamp: Stamp): readonly Entry[] {
  const documents = `/usr/share/doc/${PACKAGE_NAME}`;
  const places: Readonly<Record<string, string>> = {
    "completions/hydra.bash": "/usr/share/bash-completion/completions/hydra",
    "completions/_hydra": `/usr/share/zsh/${kind === "deb" ? "vendor-completions" : "site-functions"}/_hydra`,
    "completions/hydra.fish": "/usr/share/fish/vendor_completions.d/hydra.fish",
    "README.md": `${documents}/README.md`,
    "SECURITY.md": `${documents}/SECURITY.md`,
    "THIRD-PARTY.md": `${documents}/THIRD-PARTY.md`,
  };
  const shared = companions.flatMap(({ path, content }) => {
    const place = places[path];
    if (place !== undefined) return [{ path: place, content }];
    if (path.startsWith("man/")) return [{ path: `/usr/share/${path}.gz`, content: gzip(content) }];
    if (path.startsWith("licenses/")) return [{ path: `${documents}/licenses/${basename(path)}`, content }];
    if (path === "CHANGELOG.md") return [{ path: `${documents}/changelog.gz`, content: gzip(content) }];
    if (path === "LICENSE" && kind !== "deb") return [{ path: `${documents}/LICENSE`, content }];
    return [];
  });
  return kind === "deb" ? [...shared, ...debianFiles(documents, stamp)] : shared;
}

/** What Debian's policy asks for (section 12), and why its checker finds more than it should. */
function debianFiles(documents: string, stamp: Stamp): readonly Entry[] {
  const news = [
    `${PACKAGE_NAME} (${stamp.version}-1) stable; urgency=medium`,
    `  * Release ${stamp.version}; changelog.gz lists the changes.`,
    ` -- ${MAINTAINER} <>  ${new Date(stamp.seconds * 1000).toUTCString().replace("GMT", "+0000")}`,
  ];
  const copyright = COPYRIGHT.replace("YEAR", String(new Date(stamp.seconds * 1000).getUTCFullYear()));
  return [
    { path: `${documents}/changelog.Debian.gz`, content: gzip(Buffer.from(`${news.join("\n\n")}\n`)) },
    { path: `${documents}/copyright`, content: Buffer.from(copyright) },
    { path: `/usr/share/lintian/overrides/${PACKAGE_NAME}`, content: Buffer.from(OVERRIDES) },
  ];
}

const DETAILS = "It registers clients from containers, init jobs, pipelines or a terminal,\nand rotates their secrets.";

const COPYRIGHT = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${PACKAGE_NAME}

Files: *
Copyright: YEAR the authors of ${PACKAGE_NAME}
License: Apache-2.0
Comment: THIRD-PARTY.md lists the software in the program, and the folder licenses has the texts of its licenses.

License: Apache-2.0
 On Debian systems, the text is in /usr/share/common-licenses/Apache-2.0.
`;

const OVERRIDES = `# The project has no email address.
${PACKAGE_NAME}: malformed-contact
${PACKAGE_NAME}: bogus-mail-host-in-debian-changelog
# The package is not for Debian's own archive.
${PACKAGE_NAME}: initial-upload-closes-no-bugs
# The Bun runtime is linked as its project links it. Its code and the program's are one file, which strip would cut.
${PACKAGE_NAME}: embedded-library libjpeg [usr/bin/hydra]
${PACKAGE_NAME}: unstripped-binary-or-object [usr/bin/hydra]
${PACKAGE_NAME}: hardening-no-pie [usr/bin/hydra]
${PACKAGE_NAME}: hardening-no-relro [usr/bin/hydra]
`;

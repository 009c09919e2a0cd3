import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Entry, tarGz, zip } from "./archive.ts";
import { bunNotices } from "./bun-parts.ts";
import type { Stamp } from "./compile.ts";
import type { Shipped } from "./licences.ts";
import { pinned } from "./runtimes.ts";
import type { Target } from "./targets.ts";

/** Shells that `hydra completion` writes for, with the name of the file that each looks for. */
const COMPLETIONS = [
  ["bash", "hydra.bash"],
  ["zsh", "_hydra"],
  ["fish", "hydra.fish"],
  ["powershell", "hydra.ps1"],
] as const;

/** Files of the checkout that are in every archive, at the same place: the README, and what it and its pages link to. */
const DOCUMENTS = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md", "THIRD-PARTY.md"],
  ...["docs/*.{md,svg}", "docs/reference/*.md", "docs/schema/*.json"],
] as const;

/**
 * What every archive contains in addition to the program.
 *
 * @param program a compiled program that runs on this machine
 */
export function companions(root: string, program: string, shipped: readonly Shipped[]): readonly Entry[] {
  const read = (pattern: string, place: (file: string) => string): readonly Entry[] =>
    globSync(pattern, { cwd: root }).map((file) => ({
      path: place(file.replaceAll("\\", "/")),
      content: readFileSync(join(root, file)),
    }));
  return [
    ...DOCUMENTS.flatMap((pattern) => read(pattern, (file) => file)),
    ...read("docs/licenses/*.txt", (file) => `licenses/${basename(file)}`),
    ...[1, 5, 7].flatMap((section) =>
      read(`docs/man/**/*.${section}`, (file) => `man/man${section}/${basename(file)}`),
    ),
    { path: "licenses/bun.txt", content: Buffer.from(bunNotices(pinned(root, "bun").version)) },
    ...shipped.map(({ name, text }) => ({
      path: `licenses/${name.replace(/^@/, "").replace("/", "-")}.txt`,
      content: Buffer.from(text),
    })),
    ...COMPLETIONS.map(([shell, file]) => ({
      path: `completions/${file}`,
      content: execFileSync(program, ["completion", shell], { env: {} }),
    })),
  ];
}

/** The name of a target's archive without its ending, which is the folder inside of it too. */
export function archiveName(target: Target): string {
  return `hydra-${target.name}`;
}

/** How a target is packed. */
interface PackOptions {
  /** Every file has the time of the commit. */
  readonly stamp: Stamp;
  readonly target: Target;
  /** The path of the target's program. */
  readonly program: string;
  /** What every archive holds next to the program. */
  readonly companions: readonly Entry[];
  /** How hard zlib compresses, 1 to 9. */
  readonly level: number;
}

/** Packs the program of a target with what belongs to it. */
export function pack({ stamp, target, program, companions: added, level }: PackOptions): Uint8Array {
  const folder = archiveName(target);
  const entries = [{ path: target.executable, content: readFileSync(program), executable: true }, ...added].map(
    (entry) => ({ ...entry, path: `${folder}/${entry.path}` }),
  );
  return target.archive === "zip" ? zip(entries, stamp.seconds, level) : tarGz(entries, stamp.seconds, level);
}

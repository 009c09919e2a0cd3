import type { Target } from "./targets.ts";

/** How big the program of a target is. */
export interface Size {
  readonly target: Target;
  /** Bytes of the program. */
  readonly program: number;
  /** Bytes of the archive that it is downloaded in. */
  readonly archive: number;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** A Markdown table of sizes. */
export function sizeTable(sizes: readonly Size[]): string {
  const width = Math.max(...sizes.map(({ target }) => target.name.length));
  return [
    `| ${"Platform".padEnd(width)} | Download (MiB) | Program (MiB) |`,
    `|${"-".repeat(width + 2)}|---------------:|--------------:|`,
    ...sizes.map(
      ({ target, program, archive }) =>
        `| ${target.name.padEnd(width)} | ${mebibytes(archive).padStart(14)} | ${mebibytes(program).padStart(13)} |`,
    ),
    "",
  ].join("\n");
}

/** The page of the documentation that holds the table. */
export function sizePage(version: string, sizes: readonly Size[]): string {
  return [
    "# Sizes",
    "",
    `What a download of version ${version} weighs, and what it unpacks to; \`npm run build -- --all --sizes\` writes this page.`,
    "",
    sizeTable(sizes),
    "All but some megabytes of it is the JavaScript runtime, which makes the program need no other. Of a Linux program",
    "about a third is read at a start from a cold disk; see [install.md](install.md#size-and-start).",
    "",
  ].join("\n");
}

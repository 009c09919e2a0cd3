import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";

/** A package whose code is in the program. */
export interface Shipped {
  readonly name: string;
  readonly version: string;
  /** Its SPDX licence expression. */
  readonly licence: string;
  /** The text of its licence, with its copyright. */
  readonly text: string;
}

const MANIFEST = v.object({ name: v.string(), version: v.string(), license: v.string() });

/**
 * The packages that went into the program, by name.
 *
 * @param inputs the bundler's own list of the files that it put in, from the root
 */
export function shippedPackages(root: string, inputs: readonly string[]): readonly Shipped[] {
  const folders = inputs.flatMap((file) => {
    const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
    return folder === undefined ? [] : [folder];
  });
  return [...new Set(folders)].sort().map((folder) => readPackage(join(root, folder)));
}

function readPackage(folder: string): Shipped {
  const { name, version, license } = v.parse(MANIFEST, JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
  const files = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
  const [file] = files.sort();
  if (file === undefined) throw new Error(`The package ${name} has no file with its licence`);
  return { name, version, licence: current(license), text: readFileSync(join(folder, file), "utf8") };
}

/** A license by its current SPDX name: a plus after those of GNU became `-or-later`. */
function current(licence: string): string {
  return licence.replace(/^([AL]?GPL-[\d.]+)\+$/, "$1-or-later");
}

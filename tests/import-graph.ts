/** The imports of every module, from deno's parser. */

import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";

const ROOT = join(import.meta.dirname, "..");

/** One import of a module. */
export interface Import {
  /** A path from the root of the project, a package name, or a builtin such as `node:fs`. */
  readonly target: string;
  /** `type` leaves no trace at run time; `lazy` loads the module only when the line is reached. */
  readonly kind: "value" | "type" | "lazy";
}

const Location = v.object({ specifier: v.string() });

const ModuleInfo = v.object({
  modules: v.array(
    v.object({
      specifier: v.string(),
      dependencies: v.optional(
        v.array(
          v.object({
            specifier: v.string(),
            code: v.optional(Location),
            type: v.optional(Location),
            isDynamic: v.optional(v.boolean()),
          }),
        ),
        [],
      ),
    }),
  ),
});

/** The path of a file of the project; undefined for a builtin or a package. */
function projectPath(url: string, root: string): string | undefined {
  if (!url.startsWith("file:")) return undefined;
  const path = relative(root, fileURLToPath(url));
  return path.startsWith("..") || path.startsWith("node_modules") ? undefined : path;
}

/** Every module that an entry reaches, with its imports, as deno's parser finds them. */
export function importGraph(entry: string, root = ROOT): ReadonlyMap<string, readonly Import[]> {
  const deno = join(ROOT, "node_modules/.bin/deno");
  const { status, stdout, stderr } = spawnSync(deno, ["info", "--json", "--no-lock", entry], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`deno info failed: ${stderr}`);
  const { modules } = v.parse(ModuleInfo, JSON.parse(stdout));
  return new Map(
    modules.flatMap(({ specifier, dependencies }) => {
      const path = projectPath(specifier, root);
      if (path === undefined) return [];
      const imports = dependencies.map(({ specifier: written, code, type, isDynamic }): Import => {
        const target = projectPath(code?.specifier ?? type?.specifier ?? "", root) ?? written;
        return { target, kind: code === undefined ? "type" : isDynamic === true ? "lazy" : "value" };
      });
      return [[path, imports]];
    }),
  );
}

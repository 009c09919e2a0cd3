/**
 * Finds exports that nobody needs: those that no other module imports, and those that only tests import although their own
 * module doesn't use them either. With `--fix` it removes the `export` of the first kind.
 */

import { globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import process from "node:process";

const DECLARATION = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm;

const EXPORT_LIST = /^export (?:type )?\{([^}]*)\}/gm;

const NAMED_IMPORT = /^(?:import|export) (?:type )?\{([^}]*)\} from "(\.[^"]*)"/gm;

/** Imports of a whole module: the names that they use can be anywhere in the importing module. */
const WHOLE_IMPORT = /^import (?:type )?\* as \w+ from "(\.[^"]*)"|\bimport\(\s*"(\.[^"]*)"\s*\)/gm;

interface Module {
  readonly path: string;
  readonly code: string;
}

interface Unneeded {
  readonly path: string;
  readonly name: string;
  readonly problem: string;
  readonly isUnused: boolean;
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

/** The names before or after `as` in the braces of an import or export. */
function namesIn(list: string, side: "outer" | "inner"): readonly string[] {
  return list
    .split(",")
    .map(
      (item) =>
        item
          .trim()
          .replace(/^type /, "")
          .split(" as ")
          .at(side === "outer" ? -1 : 0) ?? "",
    )
    .filter((name) => name !== "");
}

function declaredIn({ code }: Module): readonly string[] {
  return [...code.matchAll(DECLARATION)].map(([, name = ""]) => name);
}

function passedOnBy({ code }: Module): readonly string[] {
  return [...code.matchAll(EXPORT_LIST)].flatMap(([, list = ""]) => namesIn(list, "outer"));
}

function occurrences(code: string, name: string): number {
  return [...code.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length;
}

/** The modules that import a name, by `PATH NAME`, and those that import a whole module, by its path. */
function importersIn(modules: readonly Module[]): ReadonlyMap<string, readonly Module[]> {
  const importers = new Map<string, Module[]>();
  for (const module of modules) {
    const add = (target: string, name = ""): void => {
      const key = `${normalize(join(dirname(module.path), target))}${name}`;
      importers.set(key, [...(importers.get(key) ?? []), module]);
    };
    for (const [, list = "", target = ""] of module.code.matchAll(NAMED_IMPORT))
      for (const name of namesIn(list, "inner")) add(target, ` ${name}`);
    for (const [, namespace, dynamic] of module.code.matchAll(WHOLE_IMPORT)) add(namespace ?? dynamic ?? "");
  }
  return importers;
}

function unneededExports(modules: readonly Module[]): readonly Unneeded[] {
  const importers = importersIn(modules);
  const usersOf = ({ path }: Module, name: string): readonly Module[] => [
    ...(importers.get(`${path} ${name}`) ?? []),
    ...(importers.get(path) ?? []).filter(({ code }) => occurrences(code, name) > 0),
  ];
  return modules
    .filter(({ path }) => !path.startsWith("tests/"))
    .flatMap((module) => {
      const { path } = module;
      const declared = declaredIn(module);
      const isOnlyTested = (name: string): boolean =>
        occurrences(module.code, name) === 1 && usersOf(module, name).every((user) => user.path.startsWith("tests/"));
      const unused = [...declared, ...passedOnBy(module)].filter((name) => usersOf(module, name).length === 0);
      const onlyTested = declared.filter((name) => !unused.includes(name) && isOnlyTested(name));
      return [
        ...unused.map((name) => ({ path, name, problem: "no other module imports it", isUnused: true })),
        ...onlyTested.map((name) => ({ path, name, problem: "only tests use it", isUnused: false })),
      ];
    });
}

function unexport({ path, name }: Unneeded): void {
  const pattern = new RegExp(`^export (?=(?:async )?(?:function\\*?|const|class|interface|type) ${name}\\b)`, "m");
  writeFileSync(path, readFileSync(path, "utf8").replace(pattern, ""));
}

const modules = globSync(["cli.ts", "build.ts", "lib/**/*.ts", ".ci/**/*.ts", "tests/**/*.ts"]).map((path) => ({
  path,
  code: withoutComments(readFileSync(path, "utf8")),
}));

const unneeded = unneededExports(modules);
for (const { path, name, problem } of unneeded) process.stdout.write(`${path}: ${name}: ${problem}\n`);
if (process.argv.includes("--fix")) for (const found of unneeded.filter(({ isUnused }) => isUnused)) unexport(found);
process.exitCode = unneeded.length === 0 ? 0 : 1;

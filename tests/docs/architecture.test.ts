import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");

const PAGE = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");

/** The modules that each module imports when it starts or later, without type imports. */
const IMPORTS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  ["cli.ts", ...globSync("lib/**/*.ts", { cwd: ROOT })].map((path) => {
    const source = readFileSync(join(ROOT, path), "utf8");
    const targets = [
      ...source.matchAll(/^(?:import|export)(?! type\b)[^;"]*?(?:from )?"(\.[^"]+)";/gm),
      ...source.matchAll(/(?<!typeof )\bimport\("(\.[^"]+)"\)/g),
    ].map(([, target = ""]) => relative(ROOT, join(ROOT, dirname(path), target)));
    return [path, new Set(targets)];
  }),
);

/** The row of the folder table that a module belongs to. */
function folderOf(path: string): string {
  return path.replace(/^lib\/(?:(command\.ts)|([^/]+)\/.*)$/, "$1$2");
}

/** The rows of the table under a heading, without its head. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const [, section = ""] = PAGE.split(`\n## ${heading}\n`);
  const lines = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| "));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function codeIn(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** The file of a node of the diagram, and the nodes that follow it. */
interface DiagramNode {
  path: string;
  readonly next: string[];
}

function diagram(): ReadonlyMap<string, DiagramNode> {
  const [, source = ""] = /```mermaid\n([\s\S]*?)```/.exec(PAGE) ?? [];
  const nodes = new Map<string, DiagramNode>();
  for (const line of source.trim().split("\n").slice(1)) {
    let before: DiagramNode | undefined;
    for (const step of line.trim().split(/ --(?: "[^"]*" --)?> /)) {
      const [, id = "", path] = /^(\w+)(?:\["([^"]+)"\])?$/.exec(step) ?? assert.fail(`not a node: ${step}`);
      const node = nodes.get(id) ?? { path: "", next: [] };
      if (path !== undefined) node.path = path;
      nodes.set(id, node);
      before?.next.push(id);
      before = node;
    }
  }
  return nodes;
}

describe("docs/architecture.md", () => {
  test("lists every folder of the program", () => {
    const listed = tableUnder("Folders").map(([name = ""]) => name.replace(/^`(?:lib\/)?|\/?`$/g, ""));
    assert.deepEqual(listed.toSorted(), [...new Set([...IMPORTS.keys()].map(folderOf))].sort());
  });

  test("lists what the modules of each folder import", () => {
    for (const [name = "", , imports = ""] of tableUnder("Folders")) {
      const folder = name.replace(/^`(?:lib\/)?|\/?`$/g, "");
      if (imports === "everything") continue;
      const real = new Set(
        [...IMPORTS].flatMap(([path, targets]) => (folderOf(path) === folder ? [...targets] : [])).map(folderOf),
      );
      real.delete(folder);
      assert.deepEqual(codeIn(imports).map(folderOf).toSorted(), [...real].sort(), folder);
    }
  });

  test("draws imports that exist, all of them reached from cli.ts", () => {
    const nodes = diagram();
    const reached = new Set<string>();
    const open = ["cli"];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      const { path, next } = nodes.get(id) ?? assert.fail(id);
      const targets = IMPORTS.get(path) ?? assert.fail(`${path} does not exist`);
      for (const other of next) {
        const target = nodes.get(other)?.path ?? "";
        assert.ok(targets.has(target), `${path} does not import ${target}`);
      }
      open.push(...next);
    }
    assert.deepEqual([...reached].sort(), [...nodes.keys()].sort());
    assert.ok(nodes.size > 10);
  });

  test("names files that exist, at least one for each guarantee", () => {
    for (const path of codeIn(PAGE).filter((code) => /^(?:lib|tests|\.ci)\//.test(code)))
      assert.ok(existsSync(join(ROOT, path)), path);
    const guarantees = tableUnder("Guarantees");
    assert.ok(guarantees.length >= 10);
    for (const [guarantee, files = ""] of guarantees) assert.ok(codeIn(files).length > 0, guarantee);
  });

  test("fits on one screen", () => assert.ok(PAGE.split("\n").length <= 70));
});

/**
 * The rules of the module structure: which folder may import which, what a start may load, and where code may touch the
 * world outside. Imports come from deno's parser, uses of globals from the linter's rules in biome.json.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, test } from "node:test";
import * as v from "valibot";
import { childrenByName, loadCommand } from "../lib/app/resolve-command.ts";
import { isLeaf } from "../lib/command.ts";
import { ROOT as COMMANDS } from "../lib/commands/index.ts";
import { TOPIC_NAMES } from "../lib/core/help/topic-names.ts";
import { TOPICS } from "../lib/core/help/topics.ts";
import { type Import, importGraph } from "./import-graph.ts";

const ROOT = join(import.meta.dirname, "..");

const BIN = join(ROOT, "node_modules/.bin");

const MODULES = importGraph("cli.ts");

interface Layer {
  /** The layers whose modules it may load. */
  readonly imports: readonly string[];
  /** The layers that it may name in types only. */
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
  /** Whether it may use builtins that reach outside the program. */
  readonly effects?: true;
}

const EVERY_LAYER = ["core", "servers", "sandbox", "adapters", "lib", "clients", "tokens", "keys", "commands", "app"];

/** The import table, by folder of lib; `lib` is lib/command.ts, `cli` is cli.ts. */
const LAYERS: Readonly<Record<string, Layer>> = {
  core: { imports: ["core"], packages: ["valibot"] },
  servers: { imports: ["core", "servers"], packages: ["valibot"] },
  sandbox: { imports: ["core", "sandbox"], effects: true },
  // An adapter imports only its own folder and one package: see the tests below.
  adapters: { imports: ["core", "servers", "adapters"], effects: true },
  lib: { imports: ["core"], types: ["adapters", "servers", "sandbox"], packages: ["citty"] },
  clients: { imports: ["core", "lib", "clients"], types: ["adapters", "servers"] },
  tokens: { imports: ["core", "lib", "tokens"], types: ["adapters"], packages: ["valibot"] },
  keys: { imports: ["core", "lib", "clients", "keys"], types: ["adapters", "servers"] },
  commands: {
    imports: ["core", "lib", "clients", "tokens", "keys", "commands"],
    types: ["adapters", "servers"],
    packages: ["citty"],
  },
  app: { imports: EVERY_LAYER, packages: ["citty"] },
  cli: { imports: ["app", "adapters"], effects: true },
};

/** Builtins that compute and touch nothing outside. */
const PURE_BUILTINS = ["node:util"];

/** Packages that any number of modules may share: they describe data and commands, and reach nothing outside. */
const SHARED_PACKAGES = ["valibot", "citty"];

const isModule = (target: string): boolean => target.endsWith(".ts");

const isBuiltin = (target: string): boolean => target.startsWith("node:");

function layerOf(path: string): string {
  const [top, folder = "", file] = path.split("/");
  return top !== "lib" ? "cli" : file === undefined ? "lib" : folder;
}

function rulesOf(path: string): Layer {
  const layer = LAYERS[layerOf(path)];
  assert.ok(layer !== undefined, `${path} is in no known layer`);
  return layer;
}

interface Edge extends Import {
  readonly from: string;
}

const EDGES: readonly Edge[] = [...MODULES].flatMap(([from, imports]) => imports.map((each) => ({ from, ...each })));

/** Fails with every import that breaks a rule, in one list. */
function assertNone(edges: readonly Edge[], rule: string): void {
  assert.deepEqual(
    edges.map(({ from, target }) => `${from} imports ${target}`),
    [],
    rule,
  );
}

describe("imports", () => {
  test("every file of lib is used, and every layer has one", () => {
    const files = globSync("lib/**/*.ts", { cwd: ROOT });
    assert.deepEqual(
      files.filter((file) => !MODULES.has(file)),
      [],
      "nothing imports these",
    );
    assert.deepEqual([...new Set([...MODULES.keys()].map(layerOf))].sort(), Object.keys(LAYERS).sort());
  });

  test("a module imports only the layers below it, types included", () => {
    const forbidden = EDGES.filter(({ from, target, kind }) => {
      if (!isModule(target)) return false;
      const { imports, types = [] } = rulesOf(from);
      const layer = layerOf(target);
      return !imports.includes(layer) && !(kind === "type" && types.includes(layer));
    });
    assertNone(forbidden, "see LAYERS");
  });

  test("an adapter imports no other adapter, except the modules of its own folder", () => {
    const forbidden = EDGES.filter(({ from, target, kind }) => {
      if (kind === "type" || layerOf(from) !== "adapters" || !target.startsWith("lib/adapters/")) return false;
      const own = dirname(from) === "lib/adapters" ? from.replace(/\.ts$/, "/") : `${dirname(from)}/`;
      return !target.startsWith(own);
    });
    assertNone(forbidden, "adapters are independent");
  });

  test("cli.ts imports the host and the app only", () => {
    const forbidden = EDGES.filter(
      ({ from, target }) =>
        from === "cli.ts" && target.startsWith("lib/adapters/") && target !== "lib/adapters/host.ts",
    );
    assertNone(forbidden, "cli.ts starts the program");
  });

  test("nothing imports cli.ts", () => {
    const importers = globSync(["build.ts", "lib/**/*.ts", "tests/**/*.ts", ".ci/**/*.ts"], { cwd: ROOT }).filter(
      (file) => /\bfrom "[./]*\/cli\.ts"/.test(readFileSync(join(ROOT, file), "utf8")),
    );
    assert.deepEqual(importers, []);
  });

  test("builtins that reach outside are used in adapters, the sandbox and cli.ts only", () => {
    const forbidden = EDGES.filter(
      ({ from, target, kind }) =>
        isBuiltin(target) && kind !== "type" && rulesOf(from).effects !== true && !PURE_BUILTINS.includes(target),
    );
    assertNone(forbidden, "effects belong in adapters");
  });

  test("a package that reaches outside has one adapter, and an adapter has one package", () => {
    const packages = EDGES.filter(({ target, kind }) => !isModule(target) && !isBuiltin(target) && kind !== "type");
    const misplaced = packages.filter(
      ({ from, target }) => layerOf(from) !== "adapters" && rulesOf(from).packages?.includes(target) !== true,
    );
    assertNone(misplaced, "see LAYERS");
    const ofAdapters = packages.filter(({ from }) => layerOf(from) === "adapters");
    const several = Object.entries(Object.groupBy(ofAdapters, ({ from }) => from)).filter(
      ([, used = []]) => new Set(used.map(({ target }) => target)).size > 1,
    );
    assert.deepEqual(several, [], "one package an adapter");
    const own = ofAdapters.filter(({ target }) => !SHARED_PACKAGES.includes(target));
    const byPackage = Object.groupBy(own, ({ target }) => target);
    assert.deepEqual(Object.keys(byPackage).sort(), ["jose", "json-p3", "oauth4webapi", "ofetch", "openpgp", "yaml"]);
    for (const [name, used = []] of Object.entries(byPackage))
      assert.equal(new Set(used.map(({ from }) => from)).size, 1, `${name} has several adapters`);
  });

  test("there is no import cycle, types included", () => {
    assert.deepEqual(cyclesIn(MODULES), []);
  });

  test("a base name means one thing; a verb may repeat under another noun of lib/commands", () => {
    const paths = [...MODULES.keys()].filter((path) => basename(path) !== "index.ts");
    const byName = Object.groupBy(paths, (path) => basename(path));
    const repeated = Object.values(byName).filter(
      (same = []) => same.length > 1 && !same.every((path) => /^lib\/commands\/[^/]+\/[^/]+$/.test(path)),
    );
    assert.deepEqual(repeated, []);
  });

  test("an exported name means one thing", () => {
    const declaration = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm;
    const declared = [...MODULES.keys()].flatMap((path) =>
      [...readFileSync(join(ROOT, path), "utf8").matchAll(declaration)].map(([, name = ""]) => ({ name, path })),
    );
    assert.ok(declared.length > 1_000);
    const repeated = [...Map.groupBy(declared, ({ name }) => name)].flatMap(([name, found]) => {
      const paths = new Set(found.map(({ path }) => path));
      return paths.size > 1 ? [`${name}: ${[...paths].join(", ")}`] : [];
    });
    assert.deepEqual(repeated, []);
  });

  test("lib/commands has one file per command, and each is in the tree", () => {
    const files = [...MODULES.keys()].filter(
      (path) => path.startsWith("lib/commands/") && basename(path) !== "index.ts",
    );
    const tree = MODULES.get("lib/commands/index.ts") ?? [];
    const loaded = new Set(tree.filter(({ kind }) => kind === "lazy").map(({ target }) => target));
    assert.deepEqual(
      files.filter((path) => !loaded.has(path)),
      [],
    );
    assert.deepEqual(
      [...loaded].filter((path) => !files.includes(path)),
      [],
    );
  });
});

/** What only code that knows the families of servers contains. */
const FAMILY_KNOWLEDGE: readonly (readonly [what: string, pattern: RegExp])[] = [
  [
    "a path of an admin API",
    /["'`](?:\/admin(?:["'`/$]|$)|\/(?:clients|keys|oauth2\/(?:introspect|tokens|flush|auth\/requests))\b)/,
  ],
  ["a comparison with a release", /[!=]==?\s*["'](?:1\.8|1\.11|2\.[0-3]|25|26|Hydra [12]\.x)["']/],
  ["a comparison with a family", /\b(?:api|family|label)\s*[!=]==?\s*["'](?:v\d|[12]\.x)["']/],
];

/** The places in code, not in comments, where such knowledge is. */
function familyKnowledgeIn(source: string): readonly string[] {
  const lines = source.split("\n").filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line));
  return lines.flatMap((line) =>
    FAMILY_KNOWLEDGE.filter(([, pattern]) => pattern.test(line)).map(([what]) => `${what}: ${line.trim()}`),
  );
}

describe("families of servers", () => {
  test("are known in lib/servers and lib/sandbox only; others ask for a capability", () => {
    const others = [...MODULES.keys()].filter(
      // The help explains what the families are.
      (path) => !["servers", "sandbox"].includes(layerOf(path)) && !path.startsWith("lib/core/help/"),
    );
    const found = others.flatMap((path) =>
      familyKnowledgeIn(readFileSync(join(ROOT, path), "utf8")).map((place) => `${path}: ${place}`),
    );
    assert.deepEqual(found, []);
  });

  test("are found in each way to spell them, and not in a comment or the syntax of a command line", () => {
    for (const line of [
      'const PREFIXES = ["/admin", ""];',
      "const url = `/admin/clients/`;",
      'send({ path: "/clients" });',
      "const path = `/oauth2/auth/requests/`;",
      'if (plan.release === "2.1") rename();',
      'return tier !== "26";',
      'if (family.api === "v1") rename();',
    ])
      assert.equal(familyKnowledgeIn(line).length, 1, line);
    for (const line of [
      "  // Hydra has /admin",
      '/** Without `/admin`, release === "2.1". */',
      'const name = syntax === "2.x" ? 1 : 2;',
      'return apiVersion === "v1";',
    ])
      assert.deepEqual(familyKnowledgeIn(line), [], line);
  });
});

/** The groups of modules that import each other in a circle. */
function cyclesIn(graph: ReadonlyMap<string, readonly Import[]>): readonly (readonly string[])[] {
  const reach = new Map([...graph.keys()].map((path) => [path, reachableFrom(graph, path)]));
  const inCycle = [...graph.keys()].filter((path) => reach.get(path)?.has(path));
  const groups = Object.groupBy(inCycle, (path) =>
    inCycle.filter((other) => reach.get(path)?.has(other) && reach.get(other)?.has(path)).join(" "),
  );
  return Object.values(groups).map((group = []) => group);
}

/** Every module that a chain of imports leads to; the module itself only where it is in a cycle. */
function reachableFrom(graph: ReadonlyMap<string, readonly Import[]>, start: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    for (const { target } of graph.get(path) ?? []) {
      if (!isModule(target) || reached.has(target)) continue;
      reached.add(target);
      open.push(target);
    }
  }
  return reached;
}

/** Everything that is loaded together with some modules, before their code asks for more. */
function loadedWith(...entries: readonly string[]): ReadonlySet<string> {
  const loaded = new Set<string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    for (const { target, kind } of MODULES.get(path) ?? []) if (kind === "value") open.push(target);
  }
  return loaded;
}

const LAZY_ADAPTERS = [
  "pgp",
  "yaml",
  "jsonpath",
  "keybase",
  "pgp-key-url",
  "wkd",
  "client-assertion-keys",
  "json-web-key-tools",
  "browser",
  "callback-listener",
];

/** What is slow to load, and most commands don't need. */
const LAZY = [
  ...["openpgp", "yaml", "json-p3", "jose", "oauth4webapi", "lib/adapters/oauth/index.ts"],
  ...LAZY_ADAPTERS.map((name) => `lib/adapters/${name}.ts`),
  ...["lib/sandbox/index.ts", "lib/sandbox/server.ts"],
];

/** What a plain create doesn't need: each module that loads adds about 20 µs to a start, and each function that runs as much. */
const LAZY_IN_CREATE = [
  ...[
    "draft/client-files",
    "draft/set-values",
    "draft/ask-client",
    "create/keep-or-update",
    "create/key-pair",
    "dry-run",
  ].map((name) => `lib/clients/${name}.ts`),
  ...[
    "core/client/build-maester-manifest",
    "core/client/kubernetes-object",
    "core/client/translate-manifests",
    "core/client/misnamed-fields",
    "core/help/foreign-command-words",
    "core/json/schemas",
    "core/pgp/recipient",
  ].map((name) => `lib/${name}.ts`),
  ...[
    "admin/problems",
    "admin/readiness",
    "download",
    "host/list-files-below",
    "host/stdin-prompter",
    "host/controlling-terminal-prompter",
    "http/network-failure",
  ].map((name) => `lib/adapters/${name}.ts`),
  "lib/app/recipients.ts",
];

/** How many modules a start and a plain create may load. Raise these only for a gain that is worth the time it costs. */
const MODULE_BUDGET = { start: 63, create: 112 };

function assertNotLoaded(loaded: ReadonlySet<string>, paths: readonly string[]): void {
  assert.deepEqual(
    paths.filter((path) => loaded.has(path)),
    [],
  );
}

describe("start-up", () => {
  test("topic names and summaries that help lists without loading them match the topics and commands", async () => {
    assert.deepEqual(
      TOPIC_NAMES,
      TOPICS.map(({ name }) => name),
    );
    const children = Object.entries(await childrenByName(COMMANDS));
    const listed = children.flatMap(([name, child]) =>
      typeof child === "function" && "summary" in child ? [{ name, child, summary: child.summary }] : [],
    );
    assert.ok(listed.length >= 7);
    for (const { name, child, summary } of listed) {
      const command = await loadCommand(child);
      assert.equal(isLeaf(command) ? command.spec.summary : "", summary, name);
    }
    // Every command that is not in a group is one of them, or the help of the program would load it.
    const leaves = children.filter(([, child]) => typeof child === "function");
    assert.equal(leaves.length, listed.length);
  });

  test("the program starts without the network, OpenPGP, the sandbox and the commands", () => {
    const loaded = loadedWith("cli.ts");
    assert.ok(loaded.has("lib/app/main.ts") && loaded.has("lib/commands/index.ts"));
    const network = ["ofetch", "lib/adapters/http.ts", "lib/adapters/admin/admin.ts"];
    assertNotLoaded(loaded, [
      ...LAZY,
      ...network,
      ...["lib/core/help/render-help.ts", "lib/app/context.ts", "lib/commands/clients/create.ts"],
    ]);
  });

  test("a create without encryption loads the network, but neither OpenPGP nor the sandbox", () => {
    const loaded = loadedWith("cli.ts", "lib/commands/clients/create.ts", "lib/app/context.ts");
    assert.ok(loaded.has("ofetch"));
    assertNotLoaded(loaded, [...LAZY, ...LAZY_IN_CREATE]);
  });

  test("a start and a create load no more modules than their budget", () => {
    const count = (...entries: readonly string[]): number => [...loadedWith(...entries)].filter(isModule).length;
    const start = count("cli.ts");
    const create = count("cli.ts", "lib/commands/clients/create.ts", "lib/app/context.ts");
    assert.ok(start <= MODULE_BUDGET.start, `a start loads ${start} modules`);
    assert.ok(create <= MODULE_BUDGET.create, `a create loads ${create} modules`);
  });

  test("what must load lazily exists under its name, and is imported", () => {
    assert.deepEqual(
      [...LAZY, ...LAZY_IN_CREATE].filter((path) => path.startsWith("lib/") && !MODULES.has(path)),
      [],
      "these names are no modules any more",
    );
    const imported = new Set(EDGES.map(({ target }) => target));
    assert.deepEqual(
      [...LAZY, ...LAZY_IN_CREATE].filter((path) => !imported.has(path)),
      [],
    );
  });
});

/** Rules of our own for the linter. */
const LINT_RULES = ".ci/lint";

const BiomeReport = v.object({
  diagnostics: v.array(v.object({ location: v.object({ start: v.object({ line: v.number() }) }) })),
});

/** The lines of a source at which the linter finds an error, were the source at this path of the project. */
function rejectedLines(path: string, lines: readonly string[]): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), "hydra-lint-"));
  try {
    copyFileSync(join(ROOT, "biome.json"), join(root, "biome.json"));
    cpSync(join(ROOT, LINT_RULES), join(root, LINT_RULES), { recursive: true });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), lines.join("\n"));
    const args = ["lint", "--reporter=json", "--max-diagnostics=none", path];
    const { stdout, stderr } = spawnSync(join(BIN, "biome"), args, { cwd: root, encoding: "utf8" });
    assert.match(stdout, /^\{/, stderr);
    const { diagnostics } = v.parse(BiomeReport, JSON.parse(stdout));
    const rejected = new Set(diagnostics.map(({ location }) => location.start.line));
    return lines.filter((_, index) => rejected.has(index + 1));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

describe("the linter rejects, as biome.json says,", () => {
  const EFFECTS = [
    "export const effect1 = process.env;",
    "export const effect2 = () => fetch(effect1);",
    "export const effect3 = typeof Deno;",
    "export const effect4 = Bun.version;",
    "export const effect5 = crypto.randomUUID();",
    "export const effect6 = Date.now();",
    "export const effect7 = [1].map(Date.now);",
  ];
  const IMPURE = [
    "export const impure1 = Math.random();",
    "export const impure2 = new Date();",
    "export const impure3 = performance.now();",
    "setTimeout(() => 1);",
    "setInterval(() => 1);",
    "setImmediate(() => 1);",
    "queueMicrotask(() => 1);",
  ];
  const FINE = [
    "export const fine1 = new Date(5);",
    "export const fine2 = (fetch, crypto) => fetch(crypto.process, { setTimeout: 1 });",
    "export const fine3 = { run: async () => ({ ...(await fine1) }), async later() { await fine2(); } };",
    "// process, fetch and Date.now()",
  ];
  const WAITS = ["export const wait1 = await Promise.resolve(1);", "if (wait1 === 1) await Promise.resolve(2);"];
  const rejected = (path: string): readonly string[] => rejectedLines(path, [...EFFECTS, ...IMPURE, ...WAITS, ...FINE]);

  for (const folder of ["core", "servers"])
    test(`effects, impure functions and top-level await in lib/${folder}`, () => {
      assert.deepEqual(rejected(`lib/${folder}/subject/example.ts`), [...EFFECTS, ...IMPURE, ...WAITS]);
    });

  for (const path of ["lib/command.ts", "lib/clients/example.ts", "lib/commands/pgp/example.ts", "lib/app/example.ts"])
    test(`effects and top-level await in ${path}`, () => {
      assert.deepEqual(rejected(path), [...EFFECTS, ...WAITS]);
    });

  test("a promise that nobody awaits, in lib and in tests", () => {
    const floating = "export function forget() { later(); }";
    const lines = ["async function later() {}", floating, "export const kept = async () => { await later(); };"];
    for (const path of ["lib/clients/example.ts", "tests/clients/example.ts"])
      assert.deepEqual(rejectedLines(path, lines), [floating], path);
  });

  test("texts for people that decide something, in lib but where they are data", () => {
    const deciding = [
      'export const text1 = (problem) => problem.message.includes("x");',
      'export const text2 = ({ hint }) => hint?.startsWith("x");',
      "export const text3 = (problem) => /x/.test(problem.message);",
      "export const text4 = (message) => /x/.exec(message);",
      'export const text5 = (column) => column.label === "X" || column.value;',
      'export const text6 = (column) => "X" !== column.label;',
      'export const text7 = (problem) => problem.hint.replace("x", "y");',
    ];
    const fine = [
      'export const fine1 = (problem) => problem.code === "x" && problem.hint === undefined;',
      'export const fine2 = (file) => file.text.replace("x", "y") + file.messages.includes("x");',
    ];
    const lines = [...deciding, ...fine];
    for (const path of ["lib/core/subject/example.ts", "lib/clients/example.ts", "lib/adapters/http/example.ts"])
      assert.deepEqual(rejectedLines(path, lines), deciding, path);
    for (const path of ["lib/sandbox/example.ts", "tests/clients/example.ts"])
      assert.deepEqual(rejectedLines(path, lines), [], path);
  });

  test("top-level await only in cli.ts, the adapters and the sandbox", () => {
    for (const path of ["cli.ts", "lib/adapters/example.ts", "lib/sandbox/example.ts"])
      assert.deepEqual(rejected(path), WAITS, path);
  });
});

test("deno's parser gives each kind of import, and none of a string or a comment", () => {
  const root = mkdtempSync(join(tmpdir(), "hydra-imports-"));
  try {
    const imports: readonly (readonly [line: string, kind: Import["kind"]])[] = [
      ['import { a } from "./a.ts";', "value"],
      ['import type { B } from "./b.ts";', "type"],
      ['import { type C } from "./c.ts";', "value"],
      ['export * from "./d.ts";', "value"],
      ['export type { E } from "./e.ts";', "type"],
      ['import "./f.ts";', "value"],
      ['export type G = typeof import("./g.ts");', "type"],
      ['export const h = () => import("./h.ts");', "lazy"],
    ];
    const rest = ["// import './x1.ts'", "export const s = \"import('./x2.ts')\";", "export type { B }; a();"];
    writeFileSync(join(root, "entry.ts"), [...imports.map(([line]) => line), ...rest].join("\n"));
    for (const name of "abcdefgh") writeFileSync(join(root, `${name}.ts`), "export {};");
    const found = importGraph("entry.ts", root).get("entry.ts") ?? [];
    assert.deepEqual(
      found.map(({ target, kind }) => [target, kind]),
      imports.map(([, kind], index) => [`${"abcdefgh"[index]}.ts`, kind]),
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test("a cycle is found, types included, and what only leads to it is left out", () => {
  const edge = (target: string, kind: Import["kind"] = "value"): Import => ({ target, kind });
  const graph = new Map([
    ["entry.ts", [edge("a.ts")]],
    ["a.ts", [edge("b.ts", "type"), edge("c.ts")]],
    ["b.ts", [edge("a.ts", "lazy")]],
    ["c.ts", []],
  ]);
  assert.deepEqual(cyclesIn(graph), [["a.ts", "b.ts"]]);
});

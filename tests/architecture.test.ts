import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, test } from "node:test";

const ROOT = join(import.meta.dirname, "..");

interface Token {
  readonly kind: "word" | "string" | "template" | "regex" | "mark";
  readonly text: string;
}

/** Words behind which a slash begins a regular expression, unlike behind a name. */
const BEFORE_VALUE = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "await",
  "throw",
  "yield",
  "else",
  "void",
  "delete",
]);

/** Splits TypeScript into tokens, comments and blanks left out; the text of strings is without quotes. */
function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  /** For each template that is open, how many braces are open inside its `${`. */
  const templates: number[] = [];
  let at = 0;

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }

  function template(): void {
    const text = take(/(?:\\[\s\S]|\$(?!\{)|[^\\`$])*/y) ?? "";
    tokens.push({ kind: "template", text });
    if (source.startsWith("${", at)) {
      at += 2;
      templates.push(0);
    } else {
      assert.equal(source[at], "`", "a template is not closed");
      at++;
    }
  }

  function slashIsRegex(): boolean {
    const last = tokens[tokens.length - 1];
    if (last === undefined) return true;
    if (last.kind === "word") return BEFORE_VALUE.has(last.text);
    return last.kind === "mark" && !/^[)\]}]$/.test(last.text);
  }

  while (at < source.length) {
    if (take(/\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y) !== undefined) continue;
    const string = take(/"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/y);
    if (string !== undefined) {
      tokens.push({ kind: "string", text: string.slice(1, -1) });
      continue;
    }
    const word = take(/[\p{L}\p{N}_$#]+/uy);
    if (word !== undefined) {
      tokens.push({ kind: "word", text: word });
      continue;
    }
    if (source[at] === "/" && slashIsRegex()) {
      const text = take(/\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y);
      assert.ok(text !== undefined, `a slash that begins nothing: ${source.slice(at, at + 40)}`);
      tokens.push({ kind: "regex", text });
      continue;
    }
    const mark = source[at] ?? "";
    at++;
    assert.ok(!`"'`.includes(mark), `a string is not closed: ${source.slice(at - 1, at + 40)}`);
    const open = templates.length - 1;
    if (mark === "`") {
      template();
    } else if (mark === "}" && templates[open] === 0) {
      templates.pop();
      template();
    } else {
      if (open >= 0 && mark === "{") templates[open] = (templates[open] ?? 0) + 1;
      if (open >= 0 && mark === "}") templates[open] = (templates[open] ?? 0) - 1;
      tokens.push({ kind: "mark", text: mark });
    }
  }
  assert.equal(templates.length, 0, "a template is not closed");
  return tokens;
}

interface Import {
  readonly target: string;
  /** `type` leaves nothing behind at run time; `later` is loaded only when the line is reached. */
  readonly how: "value" | "type" | "later";
}

/** What a module imports; `import { type A }` counts as a value, because it loads the module all the same. */
function importsOf(tokens: readonly Token[]): readonly Import[] {
  const found: Import[] = [];
  tokens.forEach(({ kind, text }, i) => {
    const next = tokens[i + 1];
    if (kind !== "word" || tokens[i - 1]?.text === ".") return;
    if (text === "import" && next?.text === "(") {
      const target = tokens[i + 2];
      assert.ok(target?.kind === "string", "an import of something that is not written out");
      found.push({ target: target.text, how: tokens[i - 1]?.text === "typeof" ? "type" : "later" });
    } else if (text === "import" && next?.kind === "string") {
      found.push({ target: next.text, how: "value" });
    } else if (text === "from" && next?.kind === "string") {
      const start = tokens.slice(0, i).findLastIndex(({ text: word }) => word === "import" || word === "export");
      const word = tokens[start + 1]?.text;
      found.push({ target: next.text, how: word === "type" && tokens[start + 2]?.text !== "from" ? "type" : "value" });
    }
  });
  return found;
}

test("the scan of this test sees what it must and nothing in strings, comments and expressions", () => {
  const source = [
    'import a, { b } from "./a.ts";',
    'import type { C } from "./c.ts";',
    'import { type D } from "./d.ts";',
    'import type from "./e.ts";',
    'export * from "./f.ts";',
    'export type { G } from "./g.ts";',
    'import "./h.ts";',
    '// import "./no1.ts"; fetch("x")',
    '/* import "./no2.ts" */ const s = "import(\'./no3.ts\') from \\"./no4.ts\\"";',
    'const t = `import "./no5.ts" %{`%{x.from} "./no6.ts"`} } %{await import("./i.ts")} process`;'.replaceAll("%", "$"),
    'const r = /from "[/]`\\/process/g.test(a / b / c) ? /[`\'"]/ : 1 / 2;',
    'type J = typeof import("./j.ts");',
    'const { k } = await import("./k.ts"); q.fetch(); ({ fetch: 1 }); console.log();',
  ].join("\n");
  const tokens = tokensOf(source);
  assert.deepEqual(
    importsOf(tokens).map(({ target, how }) => `${how} ${target}`),
    [
      "value ./a.ts",
      "type ./c.ts",
      "value ./d.ts",
      "value ./e.ts",
      "value ./f.ts",
      "type ./g.ts",
      "value ./h.ts",
      "later ./i.ts",
      "type ./j.ts",
      "later ./k.ts",
    ],
  );
  assert.deepEqual(outsideIn(tokens), ["console"]);
  assert.deepEqual(outsideIn(tokensOf("f(Date.now(), x ? fetch : y, Bun.z, new Date(1))")), [
    "Date.now",
    "fetch",
    "Bun",
  ]);
  assert.deepEqual(impureIn(tokensOf("Math.random(); new Date(); new Date(5); setTimeout(f); a.setTimeout()")), [
    "Math.random",
    "new Date()",
    "setTimeout",
  ]);
});

/** The globals that reach outside of the program. */
const OUTSIDE = new Set(["process", "Deno", "Bun", "fetch", "console", "crypto"]);

/** What makes a function give different answers for the same values. */
const IMPURE = new Set(["performance", "globalThis", "setTimeout", "setInterval", "setImmediate", "queueMicrotask"]);

/** Whether a word is used as a value, and is neither a member of something nor the name of one. */
function isUsed(tokens: readonly Token[], i: number): boolean {
  const before = tokens[i - 1]?.text;
  if (before === "." || before === "readonly" || before === "#") return false;
  const isKey = tokens[i + 1]?.text === ":" && (before === "{" || before === "," || before === "(" || before === ";");
  return !isKey;
}

function outsideIn(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap(({ kind, text }, i) => {
    if (kind !== "word" || !isUsed(tokens, i)) return [];
    if (text === "Date" && tokens[i + 1]?.text === "." && tokens[i + 2]?.text === "now") return ["Date.now"];
    return OUTSIDE.has(text) ? [text] : [];
  });
}

function impureIn(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap(({ kind, text }, i) => {
    if (kind !== "word" || !isUsed(tokens, i)) return [];
    const [first, second, third] = [tokens[i + 1]?.text, tokens[i + 2]?.text, tokens[i + 3]?.text];
    if (text === "Math" && first === "." && second === "random") return ["Math.random"];
    if (text === "new" && first === "Date" && (second !== "(" || third === ")")) return ["new Date()"];
    return IMPURE.has(text) ? [text] : [];
  });
}

interface Module {
  /** Path from the root of the project. */
  readonly path: string;
  /** The folder of lib that it is in; `lib` for those at its top, `cli` for the entry. */
  readonly layer: string;
  readonly tokens: readonly Token[];
  readonly imports: readonly Import[];
}

function moduleOf(path: string): Module {
  const tokens = tokensOf(readFileSync(join(ROOT, path), "utf8"));
  const [top, folder, file] = path.split("/");
  const layer = top !== "lib" ? "cli" : file === undefined ? "lib" : (folder ?? "");
  return { path, layer, tokens, imports: importsOf(tokens) };
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name))
    .sort();
}

const MODULES: ReadonlyMap<string, Module> = new Map(
  ["cli.ts", ...filesIn("lib")].map((path) => [path, moduleOf(path)]),
);

/** The path of a module of the project that an import names; undefined for a library or a builtin. */
function targetOf(from: Module, { target }: Import): string | undefined {
  return target.startsWith(".") ? relative(ROOT, join(ROOT, dirname(from.path), target)) : undefined;
}

function layerOf(path: string): string {
  const module = MODULES.get(path);
  assert.ok(module !== undefined, `${path} is imported and not there`);
  return module.layer;
}

const isBuiltin = (target: string): boolean => target.startsWith("node:");

/** Builtins that touch nothing outside. */
const FREE_BUILTINS = new Set(["node:util"]);

/** Whether a module of a layer may import, for its value, a module of another; libraries and builtins are looked at apart. */
const MAY: Readonly<Record<string, (from: Module, layer: string, path: string) => boolean>> = {
  core: (_, layer) => layer === "core",
  servers: (_, layer) => layer === "core" || layer === "servers",
  sandbox: (_, layer) => layer === "core" || layer === "servers" || layer === "sandbox",
  // An adapter has a folder of its own where it is too large for a file, and no other adapter.
  adapters: (from, layer, path) =>
    layer === "core" || layer === "servers" || path.startsWith(from.path.replace(/\.ts$|\/[^/]*$/, "/")),
  // What a command is: `lib/command.ts`.
  lib: (_, layer) => layer === "core",
  clients: (_, layer) => layer === "core" || layer === "clients" || layer === "lib",
  commands: (_, layer) => layer === "core" || layer === "clients" || layer === "lib" || layer === "commands",
  // What starts and what wires.
  app: (_, layer) => layer !== "cli",
  cli: (_, layer, path) => layer === "app" || path === "lib/adapters/host.ts",
};

/** The libraries that modules of a layer may import; an adapter has one of its own. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  core: ["valibot"],
  servers: ["valibot"],
  lib: ["citty"],
  commands: ["citty"],
};

describe("imports", () => {
  test("there are modules in every layer", () => {
    const layers = new Set([...MODULES.values()].map(({ layer }) => layer));
    assert.deepEqual([...layers].sort(), Object.keys(MAY).sort());
    assert.ok(MODULES.size > 40);
  });

  for (const module of MODULES.values()) {
    test(`${module.path} keeps to its layer`, () => {
      for (const each of module.imports) {
        const path = targetOf(module, each);
        if (path === undefined) continue;
        assert.match(path, /^(lib\/.*|cli)\.ts$/, `${path} lies outside`);
        const layer = layerOf(path);
        assert.notEqual(layer, "cli", "nothing imports cli.ts");
        if (each.how === "type") continue;
        assert.ok(MAY[module.layer]?.(module, layer, path), `${module.layer} may not import ${path}`);
      }
    });

    test(`${module.path} reaches outside only where it may`, () => {
      const free = ["adapters", "sandbox", "cli"].includes(module.layer);
      const builtins = module.imports
        .filter(({ target, how }) => isBuiltin(target) && how !== "type" && !FREE_BUILTINS.has(target))
        .map(({ target }) => target);
      if (!free) assert.deepEqual([...builtins, ...outsideIn(module.tokens)], []);
      if (module.layer === "core" || module.layer === "servers") assert.deepEqual(impureIn(module.tokens), []);
    });

    test(`${module.path} has the libraries that it may have`, () => {
      const libraries = new Set(
        module.imports
          .filter(({ target, how }) => !target.startsWith(".") && !isBuiltin(target) && how !== "type")
          .map(({ target }) => target),
      );
      if (module.layer === "adapters") assert.ok(libraries.size <= 1, [...libraries].join(", "));
      else for (const name of libraries) assert.ok(LIBRARIES[module.layer]?.includes(name), name);
    });
  }

  test("each outside library has one adapter alone", () => {
    const users = new Map<string, string[]>();
    for (const { path, imports } of MODULES.values()) {
      for (const { target, how } of imports) {
        if (target.startsWith(".") || isBuiltin(target) || how === "type" || ["valibot", "citty"].includes(target))
          continue;
        users.set(target, [...(users.get(target) ?? []), path]);
      }
    }
    assert.ok(users.has("openpgp") && users.has("ofetch") && users.has("yaml") && users.has("json-p3"));
    for (const [library, paths] of users) assert.equal(new Set(paths).size, 1, `${library}: ${paths.join(", ")}`);
  });

  test("nothing of the tests or the build imports the entry", () => {
    for (const path of ["build.ts", ...filesIn("tests")]) {
      const module = moduleOf(path);
      for (const each of module.imports) assert.notEqual(targetOf(module, each), "cli.ts", path);
    }
  });
});

/** Everything that is loaded with some modules, before any of their code asks for more. */
function loadedWith(...entries: readonly string[]): ReadonlySet<string> {
  const loaded = new Set<string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    const module = MODULES.get(path);
    if (module === undefined) continue;
    for (const each of module.imports) if (each.how === "value") open.push(targetOf(module, each) ?? each.target);
  }
  return loaded;
}

/** What is heavy, or has no business in a start. */
const LATE = [
  "openpgp",
  "yaml",
  "json-p3",
  "jose",
  "lib/adapters/pgp.ts",
  "lib/adapters/yaml.ts",
  "lib/adapters/jsonpath.ts",
  "lib/adapters/keybase.ts",
  "lib/adapters/key-url.ts",
  "lib/adapters/wkd.ts",
  "lib/sandbox/index.ts",
  "lib/sandbox/server.ts",
];

describe("start-up", () => {
  test("the program starts without the network, the keys, the sandbox and the commands", () => {
    const loaded = loadedWith("cli.ts");
    assert.ok(loaded.has("lib/app/main.ts") && loaded.has("lib/commands/index.ts"));
    const absent = [
      ...LATE,
      "ofetch",
      "lib/adapters/http.ts",
      "lib/adapters/admin/admin.ts",
      "lib/core/help/help.ts",
      "lib/app/context.ts",
      "lib/commands/clients/create.ts",
    ];
    for (const path of absent) assert.equal(loaded.has(path), false, path);
  });

  test("a create without encryption loads the network, and neither OpenPGP nor the sandbox", () => {
    const loaded = loadedWith("cli.ts", "lib/commands/clients/create.ts", "lib/app/context.ts");
    assert.ok(loaded.has("ofetch"));
    for (const path of LATE) assert.equal(loaded.has(path), false, path);
  });

  test("what must come late is somewhere asked for", () => {
    const later = new Set(
      [...MODULES.values()].flatMap((module) =>
        module.imports.filter(({ how }) => how === "later").map((each) => targetOf(module, each) ?? each.target),
      ),
    );
    for (const name of ["pgp", "yaml", "jsonpath", "keybase", "key-url", "wkd"]) {
      assert.ok(later.has(`lib/adapters/${name}.ts`), name);
    }
    assert.ok(later.has("lib/sandbox/index.ts"));
  });

  test("no module waits at its top, which the compiled program could not load", () => {
    for (const { path, tokens } of MODULES.values()) {
      let depth = 0;
      let within = false;
      tokens.forEach(({ kind, text }, i) => {
        if (kind === "mark" && text === "{") depth++;
        if (kind === "mark" && text === "}") depth--;
        if (depth > 0) return;
        if (kind === "mark" && (text === ";" || text === "}")) within = false;
        // An arrow without braces waits when it is called.
        if (kind === "word" && text === "async") within = true;
        const waits = kind === "word" && text === "await" && tokens[i - 1]?.text !== ".";
        assert.ok(!waits || within, `${path} waits at its top`);
      });
      assert.equal(depth, 0, `${path}: braces do not match`);
    }
  });
});

test("every command has its line in the tree", () => {
  const index = MODULES.get("lib/commands/index.ts");
  assert.ok(index !== undefined);
  const listed = new Set(index.imports.filter(({ how }) => how === "later").map((each) => targetOf(index, each)));
  const commands = [...MODULES.values()].filter(
    ({ layer, path, tokens }) =>
      layer === "commands" &&
      path !== "lib/command.ts" &&
      tokens.some(
        ({ kind, text }, i) =>
          kind === "word" && text === "command" && tokens[i + 1]?.text === "(" && tokens[i - 1]?.text === "=",
      ),
  );
  assert.ok(commands.length >= 5);
  for (const { path } of commands) assert.ok(listed.has(path), path);
  for (const path of listed)
    assert.ok(
      commands.some((command) => command.path === path),
      `${path} is no command`,
    );
});

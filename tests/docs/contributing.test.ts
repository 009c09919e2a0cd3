import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { type Sandbox, startSandbox } from "../../lib/sandbox/index.ts";
import { temporaryFolder } from "../e2e/binary.ts";
import { RUNS_EVERYTHING } from "../thorough.ts";

const ROOT = join(import.meta.dirname, "../..");

const LONG = { timeout: 240_000 };

const RECIPES = ["command", "field", "family"] as const;

type Recipe = (typeof RECIPES)[number];

/** A block of CONTRIBUTING.md that belongs to a recipe. */
interface Block {
  readonly kind: "ts" | "diff" | "sh";
  readonly recipe: string;
  readonly file: string;
  readonly text: string;
}

const BLOCKS = [
  ...readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8").matchAll(
    /^```(ts|diff|sh) recipe=(\S+)(?: file=(\S+))?\n([\s\S]*?)^```/gm,
  ),
].map(([, kind, recipe = "", file = "", text = ""]): Block => {
  assert.ok(kind === "ts" || kind === "diff" || kind === "sh");
  return { kind, recipe, file, text };
});

/** Applies a diff without positions to a file; the lines that it changes must occur exactly once. */
function patched(source: string, diff: string): string {
  const lines = diff.trimEnd().split("\n");
  const side = (marks: string): string =>
    lines
      .filter((line) => marks.includes(line[0] ?? ""))
      .map((line) => line.slice(1))
      .join("\n");
  const old = side(" -");
  assert.equal(source.split(old).length, 2, `occurs once: ${old}`);
  return source.replace(old, () => side(" +"));
}

/** A copy of the repository with the packages of this checkout and its source as `hydra` on the path. */
class Checkout implements Disposable {
  readonly #folder = temporaryFolder();
  readonly #server: Sandbox;

  constructor(server: Sandbox) {
    this.#server = server;
    for (const name of [
      "cli.ts",
      "build.ts",
      "lib",
      "tests",
      "docs",
      "CHANGELOG.md",
      ".ci",
      "package.json",
      "tsconfig.json",
      "biome.json",
    ])
      cpSync(join(ROOT, name), this.path(name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), this.path("node_modules"));
    writeFileSync(this.path("hydra"), `#!/bin/sh\nexec bun "${this.path("cli.ts")}" "$@"\n`);
    chmodSync(this.path("hydra"), 0o755);
  }

  path(name: string): string {
    return join(this.#folder.path, name);
  }

  async run(file: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(file, args, {
      cwd: this.#folder.path,
      env: {
        PATH: `${this.#folder.path}:${join(ROOT, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
        HOME: this.#folder.path,
        HYDRA_ADMIN_URL: this.#server.url,
        NO_COLOR: "1",
        // The compiler ends before it would pay to free memory.
        GOGC: "off",
      },
      maxBuffer: 64 * 1024 * 1024,
    }).catch((error: unknown) => {
      assert.ok(error instanceof Error && "stdout" in error && "stderr" in error);
      assert.fail(`${[file, ...args].join(" ")}\n${error.stdout}\n${error.stderr}`);
    });
    return stdout;
  }

  /** Follows recipes and checks the result as CI would. */
  async follow(recipes: readonly Recipe[]): Promise<void> {
    const blocks = BLOCKS.filter(({ recipe }) => recipes.some((one) => one === recipe));
    for (const { kind, file, text } of blocks) {
      if (kind === "sh") continue;
      const path = this.path(file);
      assert.equal(existsSync(path), kind === "diff", file);
      writeFileSync(path, kind === "ts" ? text : patched(readFileSync(path, "utf8"), text));
    }
    await this.run("tsc", "--project", ".");
    const changed = new Set(blocks.filter(({ kind }) => kind !== "sh").map(({ file }) => file));
    await this.run("biome", "check", "--colors=off", ...changed);
    await this.run("bun", ".ci/docs.ts");
    await this.run(
      "bun",
      "test",
      "--timeout=240000",
      // What the linter rejects doesn't depend on a recipe.
      "--test-name-pattern=^(?!the linter rejects)",
      "./tests/architecture.test.ts",
      "./tests/docs/architecture.test.ts",
    );
  }

  /** Runs the last lines of a recipe, and returns their output. */
  tryOut(recipe: Recipe): Promise<string> {
    const script = BLOCKS.findLast((block) => block.recipe === recipe && block.kind === "sh")?.text ?? "false";
    return this.run("bash", "-euo", "pipefail", "-c", script);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** What can be done once a recipe has been followed. */
const RESULTS: Readonly<Record<Recipe, (checkout: Checkout) => Promise<void>>> = {
  command: async (checkout) => {
    assert.equal(await checkout.tryOut("command"), "700\n");
    assert.match(await checkout.run("hydra", "clients", "--help"), /^ +count +Count the clients$/m);
    assert.equal(await checkout.run("hydra", "clients", "count"), "OAuth 2.0 Clients: 700\n");
    assert.match(readFileSync(checkout.path("docs/reference/clients-count.md"), "utf8"), /Count the clients/);
  },
  field: async (checkout) => {
    assert.match(await checkout.tryOut("field"), /^ +"software_id": "billing-agent"/m);
    assert.match(readFileSync(checkout.path("docs/reference/clients-update.md"), "utf8"), /--software-id/);
  },
  family: async (checkout) => {
    assert.match(await checkout.tryOut("family"), /\/admin\/v3\/clients\/app"/);
    // It is tried first, and the sandbox is still detected as an older family.
    assert.match(await checkout.run("hydra", "version", "--server"), /\(API v2\)$/m);
    assert.equal((await checkout.run("hydra", "clients", "list", "-q")).trimEnd().split("\n").length, 700);
  },
};

describe("the recipes of CONTRIBUTING.md", () => {
  let server: Sandbox;

  before(async () => {
    server = await startSandbox({ as: "26", listen: "127.0.0.1:0", seed: 700 });
  });
  after(() => server.close());

  it("cover a command, a field and a server family", () => {
    assert.deepEqual([...new Set(BLOCKS.map(({ recipe }) => recipe))], RECIPES);
  });

  // Together they are checked in a third of the time.
  for (const recipes of RUNS_EVERYTHING ? RECIPES.map((recipe) => [recipe]) : [RECIPES]) {
    it(`add a ${recipes.join(", a ")}`, LONG, async () => {
      using checkout = new Checkout(server);
      await checkout.follow(recipes);
      for (const recipe of recipes) await RESULTS[recipe](checkout);
    });
  }
});

/** What a release contains, and that a second build gives the same bytes. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import { BUN_PARTS } from "../../.ci/release/bun-parts.ts";
import { nodePackageName, OLDEST_NODE } from "../../.ci/release/node-package.ts";
import { repositoryPage } from "../../.ci/release/repository.ts";
import { compiler, hostTarget, pinned } from "../../.ci/release/runtimes.ts";
import { packageFile, packageKinds } from "../../.ci/release/system-packages.ts";
import { TARGETS, type Target } from "../../.ci/release/targets.ts";
import { readSignature } from "../release/macho-check.ts";
import { RUNS_EVERYTHING } from "../thorough.ts";
import { BINARY, runBinary, start } from "./binary.ts";
import { assertExit, printed } from "./scenario.ts";

const root = join(import.meta.dirname, "../..");

const SLOW = { timeout: 900_000 };

/**
 * A release that exists already, all targets of it, or none: then two targets are built here. The other one is none of this
 * machine's kind, and packed in the other format. With `TEST_ALL=1` they are built twice; otherwise the second build is the
 * program that all tests run.
 */
const GIVEN = process.env["TEST_RELEASE"];

const host = hostTarget(root);

assert.ok(host !== undefined);

const targets = GIVEN === undefined ? [host, ...TARGETS.filter(({ name }) => name === "windows-x64")] : TARGETS;

function git(...args: readonly string[]): string {
  return execFileSync("git", args, { cwd: root, encoding: "utf8" });
}

const commit = git("rev-parse", "HEAD").trim();

const date = git("show", "--no-patch", "--format=%cI", "HEAD").trim();

const { version } = v.parse(
  v.object({ version: v.string() }),
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")),
);

const seconds = Number(git("show", "--no-patch", "--format=%ct", "HEAD"));

/** Puts what is in this folder, changes that are not committed too, into a checkout elsewhere. */
function checkOut(to: string): void {
  execFileSync("git", ["clone", "--quiet", "--no-checkout", "--shared", root, to], { stdio: "inherit" });
  // Without an index all files would count as deleted, and the program would say that it is not from a commit.
  execFileSync("git", ["reset", "--quiet"], { cwd: to, stdio: "inherit" });
  for (const file of git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")) {
    if (file !== "" && existsSync(join(root, file))) cpSync(join(root, file), join(to, file));
  }
  const modules = join(root, "node_modules");
  mkdirSync(join(modules, ".cache"), { recursive: true });
  mkdirSync(join(to, "node_modules"));
  for (const name of readdirSync(modules)) {
    if (name === ".bin" || name === ".package-lock.json") continue;
    // What goes into the program has to be in the checkout itself; the compiler and other tools need not.
    if (name.startsWith("@") || ["bun", "deno", "typescript", ".cache"].includes(name)) {
      symlinkSync(join(modules, name), join(to, "node_modules", name));
    } else cpSync(join(modules, name), join(to, "node_modules", name), { recursive: true });
  }
}

async function build(folder: string, built: typeof targets, env: Readonly<Record<string, string>>): Promise<string> {
  const args = [...built.flatMap(({ name }) => ["--target", name]), "--compression", "1"];
  const ended = await start(compiler(root), ["build.ts", ...args], { cwd: folder, env, timeout: SLOW.timeout }).ended;
  assertExit(ended, 0);
  return ended.stdout;
}

describe("a release", () => {
  let scratch: string;
  let folder: string;
  let table = "";
  let other: string | undefined;
  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), "hydra-release-"));
    if (GIVEN !== undefined) {
      folder = resolve(root, GIVEN);
      return;
    }
    const one = join(scratch, "a/folder/further/down");
    checkOut(one);
    const builds = [
      build(one, targets, { TZ: "Pacific/Auckland", LANG: "de_DE.UTF-8", USER: "one", NODE_ENV: "development" }),
    ];
    folder = join(one, "dist/release");
    if (RUNS_EVERYTHING) {
      const two = join(scratch, "two");
      checkOut(two);
      builds.push(build(two, targets, { TZ: "America/St_Johns", LANG: "C", USER: "two", BUN_OPTIONS: "" }));
      other = join(two, "dist/release");
    }
    [table = ""] = await Promise.all(builds);
  }, SLOW);
  after(() => rmSync(scratch, { recursive: true, force: true }));

  const unpacked = (target: Target): string => {
    const to = join(scratch, "unpacked", target.name);
    if (!existsSync(to)) {
      mkdirSync(to, { recursive: true });
      const archive = join(folder, `hydra-${target.name}.${target.archive}`);
      if (target.archive === "zip") execFileSync("unzip", ["-q", archive, "-d", to]);
      else execFileSync("tar", ["-xzf", archive, "-C", to]);
    }
    assert.deepEqual(readdirSync(to), [`hydra-${target.name}`]);
    return join(to, `hydra-${target.name}`);
  };

  test("holds an archive of each target, what else installs the program, and the checksums of them all", () => {
    const names = [
      ...targets.map(({ name, archive }) => `hydra-${name}.${archive}`),
      nodePackageName({ version }),
      // Only a release that was given has been built with the tool that makes these.
      ...(GIVEN === undefined
        ? []
        : targets.flatMap((target) => packageKinds(target).map((kind) => packageFile(target, kind)))),
      ...["install.sh", "install.ps1"],
      ...(repositoryPage(root) === undefined || GIVEN === undefined ? [] : ["hydra-clients.rb", "hydra-clients.json"]),
      "hydra.cdx.json",
    ];
    assert.deepEqual(readdirSync(folder).sort(), ["SHA256SUMS", ...names].sort());
    const sums = names.map((name) => {
      const sum = createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex");
      return `${sum}  ${name}\n`;
    });
    assert.equal(readFileSync(join(folder, "SHA256SUMS"), "utf8"), sums.join(""));
  });

  if (GIVEN === undefined) {
    test("is identical if it is built in another folder, by another user", () => {
      const built = readFileSync(join(unpacked(host), host.executable));
      assert.ok(built.equals(readFileSync(BINARY)), `${BINARY} differs, which may be older: bun build.ts`);
      if (other === undefined) return;
      const again = other;
      const sums = readFileSync(join(folder, "SHA256SUMS"), "utf8");
      const names = readdirSync(again).filter((name) => name !== "SHA256SUMS");
      assert.ok(names.some((name) => name.startsWith(`hydra-${host.name}.`)));
      for (const name of names)
        assert.ok(readFileSync(join(folder, name)).equals(readFileSync(join(again, name))), `${name} differs`);
      for (const line of readFileSync(join(again, "SHA256SUMS"), "utf8").split("\n"))
        assert.ok(sums.includes(line), line);
    });

    test("is reported with its sizes", () => {
      for (const { name } of targets) {
        assert.match(table, new RegExp(`^\\| ${name} +\\| +\\d+\\.\\d \\| +\\d+\\.\\d \\|$`, "m"));
      }
    });
  }

  for (const target of targets) {
    test(`has the program for ${target.name} with all that belongs to it`, SLOW, () => {
      const at = unpacked(target);
      const files = readdirSync(at, { recursive: true, encoding: "utf8" })
        .filter((file) => statSync(join(at, file)).isFile())
        .sort();
      const pages = globSync("{man,docs/man}/**/*.[157]", { cwd: root }).map(
        (file) => `man/man${file.at(-1)}/${basename(file)}`,
      );
      assert.ok(pages.includes("man/man1/hydra.1"));
      const texts = readFileSync(join(root, "THIRD-PARTY.md"), "utf8").matchAll(/^\| (\S+) \| \d/gm);
      assert.deepEqual(
        files,
        [
          ...["hydra.bash", "_hydra", "hydra.fish", "hydra.ps1"].map((file) => `completions/${file}`),
          target.executable,
          ...["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "THIRD-PARTY.md"],
          ...globSync(["docs/*.md", "docs/*.svg", "docs/reference/*.md", "docs/schema/*.json"], { cwd: root }),
          ...globSync("docs/licenses/*.txt", { cwd: root }).map((file) => file.replace("docs/", "")),
          "licenses/bun.txt",
          ...[...texts].map(([, name]) => `licenses/${name}.txt`),
          ...pages,
        ].sort(),
      );
      for (const file of files) {
        const { mode, mtimeMs, size } = statSync(join(at, file));
        assert.equal((mode & 0o100) !== 0, file === target.executable, file);
        assert.equal(mtimeMs, seconds * 1000, file);
        assert.ok(size > 100, `${file} is empty`);
        if (existsSync(join(root, file)))
          assert.ok(readFileSync(join(at, file)).equals(readFileSync(join(root, file))));
      }
    });

    test(`has pages for ${target.name} whose links lead to existing files`, SLOW, () => {
      const at = unpacked(target);
      const pages = globSync("**/*.md", { cwd: at });
      assert.ok(pages.includes("README.md"));
      for (const page of pages) {
        const prose = readFileSync(join(at, page), "utf8").replace(/^```[\s\S]*?^```/gm, "");
        for (const [, link = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
          if (/^(?:https?:|mailto:|#)/.test(link)) continue;
          assert.ok(existsSync(join(at, dirname(page), link.replace(/#.*/, ""))), `${page}: ${link}`);
        }
      }
      // What the page on third parties names by its place in an archive is not a link.
      const named = readFileSync(join(at, "THIRD-PARTY.md"), "utf8").matchAll(/`(licenses\/[^`]+)`/g);
      for (const [, file = ""] of named) assert.ok(existsSync(join(at, file)), file);
    });

    test(`has a program of the right kind for ${target.name}, stamped and with no path of this machine`, () => {
      const program = readFileSync(join(unpacked(target), target.executable));
      assert.equal(kindOf(program), target.name);
      assert.ok(program.includes(commit));
      for (const path of [root, scratch]) assert.ok(!program.includes(path), `${path} is in the program`);
      if (target.name.startsWith("darwin")) {
        const { identifier, broken, whole } = readSignature(program);
        assert.deepEqual({ identifier, broken, whole }, { identifier: "hydra", broken: [], whole: true });
      }
    });
  }

  test("has an npm package with what the program was built from, which runs nothing when it is installed", () => {
    const to = join(scratch, "npm");
    mkdirSync(to);
    execFileSync("tar", ["-xzf", join(folder, nodePackageName({ version })), "-C", to]);
    const at = join(to, "package");
    const manifest: unknown = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
    const { man, ...about } = v.parse(v.looseObject({ man: v.array(v.string()) }), manifest);
    const { repository, ...rest } = about;
    assert.equal(repository === undefined, repositoryPage(root) === undefined);
    assert.deepEqual(rest, {
      name: "hydra-clients",
      description: "Manage OAuth 2.0 clients on an Ory Hydra server, with a single binary",
      license: "Apache-2.0",
      version,
      type: "module",
      engines: { node: `>=${OLDEST_NODE}` },
      bin: { hydra: "hydra.js" },
    });
    const pages = globSync("docs/man/**/*.[157]", { cwd: root }).map((file) => basename(file));
    assert.deepEqual(man.map((file) => basename(file)).sort(), pages.sort());
    for (const file of [...man, "README.md", "LICENSE", "THIRD-PARTY.md", "licenses/openpgp.txt"])
      assert.ok(existsSync(join(at, file)), file);
    assert.ok(!existsSync(join(at, "licenses/bun.txt")), "Bun is not in it");
    const modules = globSync("{hydra.js,lib/*.js}", { cwd: at });
    const text = modules.map((file) => readFileSync(join(at, file), "utf8")).join("\n");
    assert.ok(text.includes(commit));
    for (const path of [root, scratch]) assert.ok(!text.includes(path), `${path} is in the package`);
    assert.match(readFileSync(join(at, "hydra.js"), "utf8"), /^#!\/usr\/bin\/env node\nimport/);
    assert.ok(statSync(join(at, "hydra.js")).mode & 0o100);
  });

  test("has a program for this machine that is the one of the build and works", async () => {
    const program = join(unpacked(host), host.executable);
    const version = await start(program, ["version", "--format", "json"]).ended;
    assertExit(version, 0);
    const said = v.parse(v.looseObject({ commit: v.string(), date: v.string() }), JSON.parse(version.stdout));
    assert.deepEqual({ commit: said.commit.replace(/-dirty$/, ""), date: said.date }, { commit, date });
    await using sandbox = start(program, ["sandbox", "--listen", "127.0.0.1:0"]);
    const [, url = ""] = /^HYDRA_ADMIN_URL=(\S+)\n/.exec(await sandbox.seen("stdout", "\n")) ?? [];
    const env = { HYDRA_ADMIN_URL: url };
    printed(await start(program, ["clients", "create", "-c", "http://localhost/cb"], { env }).ended);
    assertExit(await runBinary(["clients", "list"], { env }), 0);
  });

  test("has a bill of materials of what is in the program, and of nothing that changes", () => {
    const text = readFileSync(join(folder, "hydra.cdx.json"), "utf8");
    const part = v.looseObject({
      "bom-ref": v.string(),
      type: v.string(),
      name: v.string(),
      version: v.optional(v.string()),
      hashes: v.optional(v.array(v.unknown())),
      licenses: v.optional(LICENCES),
    });
    const bom = v.parse(
      v.looseObject({
        bomFormat: v.literal("CycloneDX"),
        metadata: v.looseObject({
          component: v.looseObject({ "bom-ref": v.string(), name: v.string(), type: v.string() }),
        }),
        components: v.array(
          v.looseObject({
            ...part.entries,
            hashes: v.array(v.unknown()),
            licenses: LICENCES,
            components: v.optional(v.array(part), []),
          }),
        ),
        dependencies: v.array(v.object({ ref: v.string(), dependsOn: v.array(v.string()) })),
      }),
      JSON.parse(text),
    );
    assert.doesNotMatch(text, /serialNumber|timestamp/);
    const self = bom.metadata.component;
    assert.deepEqual({ name: self.name, type: self.type }, { name: "hydra-clients", type: "application" });
    const shipped = [
      ...readFileSync(join(root, "THIRD-PARTY.md"), "utf8").matchAll(/^\| (\S+) \| \d\S* \| (\S+) \|/gm),
    ];
    const listed = bom.components.map(({ name, licenses }) => `${name} ${licences(licenses)}`);
    const bun = "bun MIT AND LGPL-2.0-only AND LGPL-2.1-only";
    assert.deepEqual(listed, [...shipped.map(([, name, licence]) => `${name} ${licence}`), bun].sort());
    for (const { name, version } of bom.components) assert.equal(version, pinned(root, name).version, name);
    const inside = bom.components.find(({ name }) => name === "bun")?.components ?? [];
    assert.deepEqual(
      inside.map(({ name, licenses }) => [name, licences(licenses)]),
      [...TARGETS.map(({ runtime }) => [runtime, undefined]), ...BUN_PARTS.map(({ name, licence }) => [name, licence])],
    );
    assert.match(inside.find(({ name }) => name === "BoringSSL")?.version ?? "", /^[0-9a-f]{40}$/);
    const refs = [...bom.components, ...inside, self].map((one) => one["bom-ref"]);
    assert.equal(new Set(refs).size, refs.length);
    // Every package is there because something in the program needs it.
    const reached = new Set<string>();
    const visit = (ref: string): void => {
      if (reached.has(ref)) return;
      reached.add(ref);
      const entry = bom.dependencies.find((one) => one.ref === ref);
      assert.ok(entry !== undefined, ref);
      for (const next of entry.dependsOn) visit(next);
    };
    visit(self["bom-ref"]);
    assert.deepEqual([...reached].sort(), [self, ...bom.components].map((one) => one["bom-ref"]).sort());
  });
});

/** Licences as CycloneDX has them: one by its id, or an expression. */
const LICENCES = v.pipe(
  v.array(
    v.union([
      v.strictObject({ license: v.strictObject({ id: v.string() }) }),
      v.strictObject({ expression: v.string() }),
    ]),
  ),
  v.length(1),
);

function licences(some: v.InferOutput<typeof LICENCES> | undefined): string | undefined {
  const [one] = some ?? [];
  if (one === undefined) return undefined;
  return "license" in one ? one.license.id : one.expression;
}

/** What a program runs on, as its own first bytes and the libraries that it names say. */
function kindOf(program: Buffer): string | undefined {
  const cpu = (values: Readonly<Record<number, string>>, value: number): string => values[value] ?? "?";
  if (program.readUInt32BE(0) === 0x7f454c46) {
    const name = `linux-${cpu({ 62: "x64", 183: "arm64" }, program.readUInt16LE(18))}`;
    const loader = program.subarray(0, 1 << 20).includes("/ld-musl-") ? "-musl" : "";
    return `${name}${loader}`;
  }
  if (program.readUInt32LE(0) === 0xfeedfacf) {
    return `darwin-${cpu({ 16777223: "x64", 16777228: "arm64" }, program.readUInt32LE(4))}`;
  }
  if (program.toString("latin1", 0, 2) === "MZ") {
    const at = program.readUInt32LE(0x3c);
    return `windows-${cpu({ 34404: "x64" }, program.readUInt16LE(at + 4))}`;
  }
  return undefined;
}

/**
 * Generates the manual, `docs/man/`, `docs/reference/` and `docs/schema/`, from the program's own tables (`npm run docs`). A test fails
 * if the files are out of date.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import * as v from "valibot";
import { collectHelpContent } from "../lib/app/help-page.ts";
import { childrenByName, loadCommand } from "../lib/app/resolve-command.ts";
import { type Group, isGroup, isLeaf, type Leaf } from "../lib/command.ts";
import { ROOT } from "../lib/commands/index.ts";
import type { SyntaxVersion } from "../lib/core/flags/flag.ts";
import { TOPICS } from "../lib/core/help/topics.ts";
import { PROBLEM_CODES_BY_HEADING } from "../lib/core/problem-codes.ts";
import { CLIENT_SCHEMA_FILE, clientSchemaText } from "./docs/client-schema.ts";
import {
  type CommandPage,
  commandMarkdown,
  commandRoff,
  errorsMarkdown,
  indexMarkdown,
  manName,
  markdownName,
  topicManName,
  topicMarkdown,
  topicRoff,
} from "./docs/manual.ts";
import { newestRelease } from "./release/changelog.ts";

const root = join(import.meta.dirname, "..");

/** The date of the pages before the first release; after that, the date of the newest release in the changelog. */
const BEFORE_RELEASES = "2026-11-24";

const Manifest = v.object({ version: v.string() });

/** A command of the tree under one of its names. */
interface Named {
  readonly path: readonly string[];
  readonly syntax: SyntaxVersion;
  readonly command: Leaf | Group;
}

/** Every command and group of the tree by each of the names that help lists, parents first. */
export async function everyCommand(from: Named = { path: ["hydra"], syntax: "1.x", command: ROOT }): Promise<Named[]> {
  const found: Named[] = [from];
  const { command, path } = from;
  if (!isGroup(command)) return found;
  for (const [name, child] of Object.entries(await childrenByName(command))) {
    const loaded = await loadCommand(child);
    const syntax = isGroup(loaded) ? loaded.group.syntax : from.syntax;
    found.push(...(await everyCommand({ path: [...path, name], syntax, command: loaded })));
  }
  return found;
}

/** The pages related to a page: its parent, its children and the same command in the other syntax. */
function neighbours(named: Named, all: readonly Named[], other: Named | undefined): readonly string[] {
  const name = named.path.join(" ");
  const parent = named.path.slice(0, -1).join(" ");
  const near = all.filter(({ path }) => path.join(" ") === parent || path.slice(0, -1).join(" ") === name);
  const pages = [...near, ...(other === undefined ? [] : [other])].map(({ path }) => `${manName(path.join(" "))}(1)`);
  return name === "hydra" ? [...pages, ...TOPICS.map((topic) => `${topicManName(topic)}(7)`)] : pages;
}

async function commandPages(): Promise<readonly CommandPage[]> {
  const all = await everyCommand();
  return Promise.all(
    all.map(async (named) => {
      const { command, path } = named;
      const other = all.find((candidate) => candidate !== named && isLeaf(command) && candidate.command === command);
      return {
        ...(await collectHelpContent({ ...named, path })),
        otherPath: other?.path.join(" "),
        otherGrammar: other?.syntax,
        operandHelp: isLeaf(command) ? command.spec.operands?.help : undefined,
        seeAlso: neighbours(named, all, other),
      };
    }),
  );
}

/** The files of the manual, by their paths from the root of the project. */
export async function manual(): Promise<ReadonlyMap<string, string>> {
  const { version } = v.parse(Manifest, JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  const date = newestRelease(readFileSync(join(root, "CHANGELOG.md"), "utf8")) ?? BEFORE_RELEASES;
  const edition = { version, date };
  const pages = await commandPages();
  const leaves = pages.filter((page) => page.commands.length === 0);
  return new Map([
    ...pages.map((page) => [`docs/man/${manName(page.path)}.1`, commandRoff(page, edition)] as const),
    ...TOPICS.map((topic) => [`docs/man/${topicManName(topic)}.7`, topicRoff(topic, edition)] as const),
    ["docs/reference/README.md", indexMarkdown(leaves, TOPICS)] as const,
    ["docs/reference/errors.md", errorsMarkdown(PROBLEM_CODES_BY_HEADING)] as const,
    ...leaves.map((page) => [`docs/reference/${markdownName(page.path)}`, commandMarkdown(page)] as const),
    ...TOPICS.map((topic) => [`docs/reference/${topic.name}.md`, topicMarkdown(topic)] as const),
    [CLIENT_SCHEMA_FILE, clientSchemaText()] as const,
  ]);
}

/** The folders that hold nothing but the manual. */
const MANUAL_FOLDERS = ["docs/man", "docs/reference", "docs/schema"] as const;

/** The files in the folders of the manual. */
export function manualFiles(folder = root): readonly string[] {
  return MANUAL_FOLDERS.flatMap((name) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`)).sort();
}

async function write(): Promise<void> {
  const files = await manual();
  for (const folder of MANUAL_FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  for (const file of manualFiles()) if (!files.has(file)) rmSync(join(root, file));
  for (const [file, text] of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  process.stdout.write(`${files.size} pages written\n`);
}

if (import.meta.main) await write();

import type { CommandDef } from "citty";
import { type Group, isGroup, isLeaf, type Leaf } from "../command.ts";
import { ROOT } from "../commands/index.ts";
import { CONNECTION_FLAGS } from "../core/flags/connection-flags.ts";
import { type Flag, indexFlags, type SyntaxVersion } from "../core/flags/flag.ts";
import { NO_VALUE_SOURCES, parseFlagsWithFallbacks, redactOperand } from "../core/flags/parse.ts";
import { FORMAT, GENERAL_FLAGS, QUIET } from "../core/flags/shared-flags.ts";
import { splitFlagsBeforeCommand } from "../core/flags/split-command-line.ts";
import { usageError } from "../core/problem.ts";
import { suggestWord } from "../core/text.ts";
import { CombinedProblems } from "./combined-problems.ts";

/** The flags that may come before a subcommand. */
export const FLAGS_BEFORE_COMMAND: readonly Flag[] = [...CONNECTION_FLAGS, FORMAT, QUIET, ...GENERAL_FLAGS];

/** {@link FLAGS_BEFORE_COMMAND} by their names. */
export const FLAGS_BEFORE_COMMAND_BY_NAME = indexFlags(FLAGS_BEFORE_COMMAND);

/** The command of the tree that a command line names. */
export interface ResolvedCommand {
  /** The words that call it, the program's name first. */
  readonly path: readonly string[];
  readonly syntax: SyntaxVersion;
  readonly command: Leaf | Group;
  /** The words after the command, with the flags before it. */
  readonly words: readonly string[];
  /** The word after a group that names none of its commands. */
  readonly stray: string | undefined;
}

/** A {@link ResolvedCommand} that runs. */
export type ResolvedLeaf = ResolvedCommand & { readonly command: Leaf };

/** Whether a command line names a command that runs. */
export function isResolvedLeaf(called: ResolvedCommand): called is ResolvedLeaf {
  return isLeaf(called.command);
}

/** Resolves the words of a command line; an unknown command is a usage error. */
export async function resolveCommand(words: readonly string[]): Promise<ResolvedCommand> {
  const called = await followCommandWords(words);
  const { path, command, words: before, stray } = called;
  if (stray === undefined || isLeaf(command)) return called;
  const line = parseFlagsWithFallbacks([...before, stray], FLAGS_BEFORE_COMMAND, "", NO_VALUE_SOURCES);
  // A wrong flag explains why the word after it was read as a command.
  if (line.problems.length > 0) throw new CombinedProblems(line.problems);
  const parent = path.join(" ");
  const { isUnsupportedOryCommand } = await import("../core/help/foreign-command-words.ts");
  if (isUnsupportedOryCommand(path.slice(1), stray)) {
    throw usageError(
      `${parent} ${stray} belongs to Ory Hydra's own CLI`,
      "use the program that comes with the server; this one manages OAuth 2.0 clients",
      "unknown-command",
    );
  }
  // Anything else may be a credential, such as a token after `hydra introspect`.
  const isReadable = COMMAND_WORD_PATTERN.test(stray) || isWebUrl(stray);
  throw usageError(
    `Unknown command ${isReadable ? redactOperand(stray, line) : "(not shown)"} after ${parent}`,
    await unknownCommandHint(parent, command, stray),
    "unknown-command",
  );
}

/** What a command can be called. */
const COMMAND_WORD_PATTERN = /^[a-z][a-z0-9-]{0,40}$/i;

/** The hint for a URL in a place that has no argument. */
export const STRAY_URL_HINT = "write --endpoint URL";

/** Whether a word is the URL of a server. */
export function isWebUrl(word: string): boolean {
  return /^https?:\/\//i.test(word);
}

async function unknownCommandHint(parent: string, group: Group, stray: string): Promise<string> {
  if (isWebUrl(stray)) return STRAY_URL_HINT;
  const { commandForSynonym, maySuggestCommand } = await import("../core/help/foreign-command-words.ts");
  const known = commandForSynonym(stray);
  if (known !== undefined && CLIENT_GROUPS.has(parent)) return `did you mean hydra ${known}?`;
  const names = [...Object.keys(await childrenByName(group)), ...Object.keys(group.group.aliases)];
  const similar = names.filter((name) => maySuggestCommand(name, stray));
  const meant = suggestWord(stray, similar);
  return meant === undefined ? `${parent} --help lists the commands` : `did you mean ${parent} ${meant}?`;
}

/** The groups that the commands about clients follow. */
const CLIENT_GROUPS: ReadonlySet<string> = new Set(["hydra", "hydra clients", "hydra client"]);

/** A child of a group, loaded. */
export async function loadCommand(child: unknown): Promise<Leaf | Group> {
  const value: unknown = typeof child === "function" ? (await child()).default : child;
  if (typeof value === "object" && value !== null && (isLeaf(value) || isGroup(value))) return value;
  throw new TypeError("a command of the tree is neither a leaf nor a group");
}

/** The children of a group by name; only own names count. */
export async function childrenByName(group: CommandDef): Promise<Readonly<Record<string, unknown>>> {
  const { subCommands } = group;
  return { ...(typeof subCommands === "function" ? await subCommands() : await subCommands) };
}

/** Follows words from the root of the tree as far as they name commands. Only the commands on the way are loaded. */
export async function followCommandWords(words: readonly string[]): Promise<ResolvedCommand> {
  let command: Leaf | Group = ROOT;
  let syntax: SyntaxVersion = "1.x";
  let path: readonly string[] = ["hydra"];
  let before: readonly string[] = [];
  let rest = words;
  while (isGroup(command)) {
    const split = splitFlagsBeforeCommand(rest, FLAGS_BEFORE_COMMAND_BY_NAME);
    before = [...before, ...split.flags];
    if (split.command === undefined) return { path, syntax, command, words: before, stray: undefined };
    const child = await findChildByNameOrAlias(command, split.command);
    if (child === undefined) return { path, syntax, command, words: before, stray: split.command };
    command = await loadCommand(child);
    if (isGroup(command)) syntax = command.group.syntax;
    path = [...path, split.command];
    rest = split.rest;
  }
  if (isLeaf(command) && path.length === 2 && command.spec.nouns !== undefined) {
    const { flags, command: noun, rest: others } = splitFlagsBeforeCommand(rest, indexFlags(command.spec.flags));
    if (noun !== undefined && command.spec.nouns.includes(noun)) {
      path = [...path, noun];
      syntax = "2.x";
      rest = [...flags, ...others];
    }
  }
  return { path, syntax, command, words: [...before, ...rest], stray: undefined };
}

/** The child of a group with a name or an alias, not yet loaded. */
async function findChildByNameOrAlias(group: Group, name: string): Promise<unknown> {
  const children = await childrenByName(group);
  const { aliases } = group.group;
  const own = Object.hasOwn(aliases, name) && !Object.hasOwn(children, name) ? aliases[name] : name;
  return own !== undefined && Object.hasOwn(children, own) ? children[own] : undefined;
}

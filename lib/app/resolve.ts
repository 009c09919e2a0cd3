import type { CommandDef } from "citty";
import { type Group, isGroup, isLeaf, type Leaf } from "../command.ts";
import { ROOT } from "../commands/index.ts";
import { CONNECTION_FLAGS, FORMAT, GENERAL_FLAGS, QUIET } from "../core/flags/flag-table.ts";
import { type Flag, indexFlags, type Syntax, splitBeforeCommand } from "../core/flags/parse.ts";

/** The flags that may stand before a subcommand. */
export const PARENT_ROWS: readonly Flag[] = [...CONNECTION_FLAGS, FORMAT, QUIET, ...GENERAL_FLAGS];

const PARENT_FLAGS = indexFlags(PARENT_ROWS);

/** Where a command line leads to in the tree of commands. */
export interface ResolvedCommand {
  /** The words that call it, the program's name first. */
  readonly path: readonly string[];
  readonly grammar: Syntax;
  readonly command: Leaf | Group;
  /** The words after the command, with the flags that stood before it. */
  readonly words: readonly string[];
  /** The word behind a group that names none of its commands. */
  readonly stray: string | undefined;
}

/** A child of a group, loaded. */
export async function resolved(child: unknown): Promise<Leaf | Group> {
  const value: unknown = typeof child === "function" ? await child() : await child;
  if (isCommand(value)) return value;
  throw new TypeError("a command of the tree is neither leaf nor group");
}

function isCommand(value: unknown): value is Leaf | Group {
  return typeof value === "object" && value !== null && (isLeaf(value) || isGroup(value));
}

/** The children of a group by name; only own names count. */
export async function childrenOf(group: CommandDef): Promise<Readonly<Record<string, unknown>>> {
  const { subCommands } = group;
  return { ...(typeof subCommands === "function" ? await subCommands() : await subCommands) };
}

/** Follows the words of a command line from the root as far as they name commands; only what is on the way is loaded. */
export async function walk(words: readonly string[]): Promise<ResolvedCommand> {
  let at: Leaf | Group = ROOT;
  let grammar: Syntax = "1.x";
  let path: readonly string[] = ["hydra"];
  let before: readonly string[] = [];
  let rest = words;
  while (isGroup(at)) {
    const split = splitBeforeCommand(rest, PARENT_FLAGS);
    before = [...before, ...split.flags];
    const { command } = split;
    if (command === undefined) return { path, grammar, command: at, words: before, stray: undefined };
    const children = await childrenOf(at);
    const { aliases } = at.group;
    const name = Object.hasOwn(children, command)
      ? command
      : Object.hasOwn(aliases, command)
        ? aliases[command]
        : undefined;
    if (name === undefined) return { path, grammar, command: at, words: before, stray: command };
    at = await resolved(children[name]);
    if (isGroup(at)) grammar = at.group.grammar;
    path = [...path, command];
    rest = split.rest;
  }
  return { path, grammar, command: at, words: [...before, ...rest], stray: undefined };
}

import { type Group, isLeaf, type OperandSpec } from "../command.ts";
import { GENERAL_FLAGS, HELP } from "../core/flags/shared-flags.ts";
import type { HelpPage } from "../core/help/render-help.ts";
import { TOPIC_NAMES } from "../core/help/topic-names.ts";
import { childrenByName, loadCommand, type ResolvedCommand } from "./resolve-command.ts";

/** How operands are written in a usage line: `ID`, `ID…`, `[FILE]…`, `SET [KID]`. */
function operandsUsage(operands: OperandSpec | undefined): string {
  if (operands === undefined) return "";
  const { name, first, least, most } = operands;
  if (first !== undefined)
    return `${first} ${operandsUsage({ name, help: operands.help, least: least - 1, most: most - 1 })}`;
  return `${least > 0 ? name : `[${name}]`}${most > 1 ? "…" : ""}`;
}

/** The other names of commands, by the name that help lists. */
function aliasLines(aliases: Readonly<Record<string, string>>): readonly string[] {
  const named = Map.groupBy(Object.entries(aliases), ([, child]) => child);
  const texts = [...named].map(([child, entries]) => `${child} = ${entries.map(([alias]) => alias).join(", ")}`);
  return texts.length === 0 ? [] : [`Aliases: ${texts.join("; ")}.`];
}

/** The summary of a command in the list of its group; the command is loaded if the tree doesn't have its summary. */
async function loadCommandSummary(child: unknown): Promise<string> {
  if (typeof child === "function" && "summary" in child && typeof child.summary === "string") return child.summary;
  const found = await loadCommand(child);
  return isLeaf(found) ? found.spec.summary : found.group.summary;
}

/** The commands of a group that begin with some letters, with their summaries; no others are loaded. */
export async function listCommands(
  group: Group,
  beginning = "",
): Promise<readonly (readonly [name: string, summary: string])[]> {
  const children = Object.entries(await childrenByName(group)).filter(([name]) => name.startsWith(beginning));
  return Promise.all(children.map(async ([name, child]) => [name, await loadCommandSummary(child)] as const));
}

/** The help page of a place in the tree. */
export async function collectHelpContent({
  path,
  syntax,
  command,
}: Pick<ResolvedCommand, "path" | "syntax" | "command">): Promise<HelpPage> {
  const name = path.join(" ");
  if (isLeaf(command)) {
    const { spec } = command;
    return {
      path: name,
      summary: spec.summary,
      about: spec.about ?? [],
      operands: operandsUsage(spec.operands),
      grammar: syntax,
      flags: spec.flags,
      examples: spec.examples[syntax] ?? spec.examples["1.x"] ?? [],
      commands: [],
      more: [],
    };
  }
  const isRoot = path.length === 1;
  return {
    path: name,
    summary: command.group.summary,
    about: [],
    operands: "",
    grammar: syntax,
    flags: GENERAL_FLAGS.filter((flag) => flag === HELP),
    examples: isRoot
      ? [
          [
            'clients create -n "my app" -c http://localhost/cb -g authorization_code -r code -a core,foobar',
            "Register a client",
          ],
        ]
      : [],
    commands: await listCommands(command),
    more: [
      ...aliasLines(command.group.aliases),
      `Use ${name} COMMAND --help for details about a command.`,
      ...(isRoot ? [`Topics (hydra help TOPIC): ${TOPIC_NAMES.join(", ")}.`] : []),
    ],
  };
}

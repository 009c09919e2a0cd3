import type { Host } from "../adapters/host.ts";
import { isLeaf } from "../command.ts";
import { ROOT } from "../commands/index.ts";
import type { Flag } from "../core/flags/flag.ts";
import { NO_VALUE_SOURCES, parseFlagsWithFallbacks } from "../core/flags/parse.ts";
import { GENERAL_FLAGS, HELP } from "../core/flags/shared-flags.ts";
import { isUnsupportedOryCommand } from "../core/help/foreign-command-words.ts";
import { renderHelp } from "../core/help/render-help.ts";
import { TOPIC_NAMES } from "../core/help/topic-names.ts";
import { type ExitName, usageError } from "../core/problem.ts";
import { quoteVisiblePart } from "../core/redact.ts";
import { suggestWord } from "../core/text.ts";
import { CombinedProblems } from "./combined-problems.ts";
import { collectHelpContent } from "./help-page.ts";
import {
  childrenByName,
  FLAGS_BEFORE_COMMAND,
  followCommandWords,
  type ResolvedCommand,
  resolveCommand,
} from "./resolve-command.ts";
import { hasColor, helpWidth } from "./terminal-style.ts";
import { writeText } from "./write-result.ts";

type HelpHost = Pick<Host, "args" | "stdout" | "stderr" | "environment">;

/** Shows the help page of a command. */
export async function showHelpPage(host: HelpHost, called: ResolvedCommand): Promise<ExitName> {
  const style = { width: helpWidth(host), color: hasColor(host, host.stdout), all: asksForAllFlags(called) };
  await writeText(host, renderHelp(await collectHelpContent(called), style));
  return "done";
}

/** Whether `--help=all` asks for every flag. */
function asksForAllFlags({ command, words }: Pick<ResolvedCommand, "command" | "words">): boolean {
  const rows = isLeaf(command) ? command.spec.flags : GENERAL_FLAGS;
  return parseFlagsWithFallbacks(words, rows, "", NO_VALUE_SOURCES).values.text(HELP) === "all";
}

/** Shows the topic or the help page of the command that the words around `help` name. */
export async function showTopicOrHelpPage(host: HelpHost, words: readonly string[]): Promise<ExitName> {
  const called = await followCommandWords(words);
  if (isLeaf(called.command)) return checkFlagsAndShowHelpPage(host, called, called.command.spec.flags);
  const line = parseFlagsWithFallbacks(words, FLAGS_BEFORE_COMMAND, "", NO_VALUE_SOURCES);
  if (line.problems.length > 0) throw new CombinedProblems(line.problems);
  const { operands: names, values } = line;
  const [name] = names;
  // A topic may have the name of a group of commands; the words after it then name a command.
  const isCommand = names.length > 1 && Object.hasOwn(await childrenByName(ROOT), names[0] ?? "");
  if (name !== undefined && !isCommand && TOPIC_NAMES.includes(name)) return showTopic(host, name);
  if (name !== undefined && !isCommand) await rejectMisspelledTopic(name);
  return showHelpPage(host, await resolveCommand([...names, ...(values.text(HELP) === "all" ? ["--help=all"] : [])]));
}

/** Shows the help page of a command whose whole line may follow `help`: only a flag that it doesn't have is a mistake. */
async function checkFlagsAndShowHelpPage(
  host: HelpHost,
  called: ResolvedCommand,
  flags: readonly Flag[],
): Promise<ExitName> {
  const { problems } = parseFlagsWithFallbacks(called.words, flags, called.path.slice(1).join(" "), NO_VALUE_SOURCES);
  const unknown = problems.filter(({ code }) => code === "unknown-flag");
  if (unknown.length > 0) throw new CombinedProblems(unknown);
  return showHelpPage(host, called);
}

async function showTopic(host: HelpHost, name: string): Promise<ExitName> {
  const { TOPICS } = await import("../core/help/topics.ts");
  const { renderTopic } = await import("../core/help/render-topic.ts");
  const text = TOPICS.filter((topic) => topic.name === name).map((topic) =>
    renderTopic(topic, helpWidth(host), hasColor(host, host.stdout)),
  );
  await writeText(host, text.join(""));
  return "done";
}

/** A word that resembles a topic more than a command is an unknown topic; any other is left to the resolver. */
async function rejectMisspelledTopic(name: string): Promise<void> {
  if (isUnsupportedOryCommand([], name)) return;
  const meant = suggestWord(name, [...Object.keys(await childrenByName(ROOT)), ...TOPIC_NAMES]);
  if (meant === undefined || !TOPIC_NAMES.includes(meant)) return;
  throw usageError(`No help about ${quoteVisiblePart(name)}`, `did you mean hydra help ${meant}?`, "unknown-topic");
}

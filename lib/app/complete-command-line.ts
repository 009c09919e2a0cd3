import { type Group, isGroup, type Leaf } from "../command.ts";
import { ROOT } from "../commands/index.ts";
import { getTextField } from "../core/client/client.ts";
import {
  type CompletableCommand,
  type CompletionCandidates,
  completeFlagOrOperand,
  completeFlagValue,
  NO_CANDIDATES,
  parseWordsBeforeCursor,
  wordCandidates,
} from "../core/completion/candidates.ts";
import { formatCompletionReply, type WordToReplace } from "../core/completion/reply.ts";
import { parseShellName, type Shell } from "../core/completion/shells.ts";
import { removeQuotes, splitTypedLine } from "../core/completion/tokenize.ts";
import { ACCESS_TOKEN_FILE, CONNECTION_FLAGS, FAIL_AFTER } from "../core/flags/connection-flags.ts";
import { type Flag, indexFlags } from "../core/flags/flag.ts";
import { NO_VALUE_SOURCES, parseFlagsWithFallbacks } from "../core/flags/parse.ts";
import { CONFIG } from "../core/flags/shared-flags.ts";
import { splitFlagsBeforeCommand } from "../core/flags/split-command-line.ts";
import { TOPICS } from "../core/help/topics.ts";
import { isJsonObject, parseJsonOrUndefined } from "../core/json/json.ts";
import { terminalWidthOrDefault } from "../core/output/width.ts";
import { listCommands } from "./help-page.ts";
import { FLAGS_BEFORE_COMMAND, FLAGS_BEFORE_COMMAND_BY_NAME, followCommandWords } from "./resolve-command.ts";

/** What completion needs from outside. */
interface CompletionHost {
  environment(name: string): string | undefined;
  /** What another command line of this program writes to standard output, as far as it gets; its errors are not shown. */
  output(args: readonly string[]): Promise<string>;
}

/** Time that a server gets to list client IDs: more would feel as if Tab hung. */
const ID_TIME = "1s";

/** IDs to ask for: more than anyone reads, and few enough to arrive in time. */
const MOST_IDS = 1000;

/** The names that begin with what is typed; aliases count only if no name does. */
function completeNameOrAlias(
  rows: readonly (readonly [name: string, about: string])[],
  others: readonly string[],
  typed: string,
): CompletionCandidates {
  const found = rows.filter(([name]) => name.startsWith(typed));
  if (found.length > 0) return wordCandidates(found);
  return wordCandidates(others.filter((name) => name.startsWith(typed)).map((name) => [name, ""] as const));
}

async function completeCommandOrFlag(
  group: Group,
  words: readonly string[],
  typed: string,
): Promise<CompletionCandidates> {
  const { pending, ended } = parseWordsBeforeCursor(words, FLAGS_BEFORE_COMMAND_BY_NAME);
  if (ended) return NO_CANDIDATES;
  if (pending !== undefined) return completeFlagValue(pending, typed);
  if (typed.startsWith("-")) {
    const flags: CompletableCommand = { flags: FLAGS_BEFORE_COMMAND, syntax: group.group.syntax, operands: undefined };
    return completeFlagOrOperand(flags, words, typed);
  }
  const help = group === ROOT && words.length === 0 ? [["help", "Show help about a command or a topic"] as const] : [];
  return completeNameOrAlias([...(await listCommands(group, typed)), ...help], Object.keys(group.group.aliases), typed);
}

async function completeHelpOperand(words: readonly string[], typed: string): Promise<CompletionCandidates> {
  const { pending, operands } = parseWordsBeforeCursor(words, FLAGS_BEFORE_COMMAND_BY_NAME);
  if (pending !== undefined) return completeFlagValue(pending, typed);
  const { command: found, stray } = await followCommandWords(operands);
  if (!isGroup(found) || stray !== undefined) return NO_CANDIDATES;
  const topics = found === ROOT ? TOPICS.map((topic) => [topic.name, topic.title] as const) : [];
  return completeNameOrAlias(
    [...(await listCommands(found, typed)), ...topics],
    Object.keys(found.group.aliases),
    typed,
  );
}

/** The connection flags of a line, as words for another command line. */
function connectionFlagWords(leaf: Leaf, words: readonly string[]): readonly string[] | undefined {
  const { values } = parseFlagsWithFallbacks(words, leaf.spec.flags, "", NO_VALUE_SOURCES);
  // Standard input belongs to the person at the keyboard.
  if (values.text(ACCESS_TOKEN_FILE) === "-") return undefined;
  return [...CONNECTION_FLAGS, CONFIG].flatMap((flag: Flag): readonly string[] => {
    if (flag === FAIL_AFTER || !values.isSet(flag)) return [];
    if (flag.kind === "switch") return [`--${flag.name}=${values.bool(flag)}`];
    if (flag.kind === "each" || flag.kind === "list") return values.list(flag).map((text) => `--${flag.name}=${text}`);
    return flag.kind === "text" ? [`--${flag.name}=${values.text(flag) ?? ""}`] : [];
  });
}

/** The clients that the server lists in time, except those that are on the line already. */
async function completeClientId(
  leaf: Leaf,
  words: readonly string[],
  completion: CompletionCandidates,
  typed: string,
  outside: CompletionHost,
): Promise<CompletionCandidates> {
  const connection = outside.environment("HYDRA_COMPLETE_IDS") === "0" ? undefined : connectionFlagWords(leaf, words);
  if (connection === undefined) return NO_CANDIDATES;
  const list = ["clients", "list", "--format", "ndjson", "--limit", String(MOST_IDS), "--fail-after", ID_TIME];
  const text = await outside.output([...list, ...connection]);
  const before = parseWordsBeforeCursor(words, indexFlags(leaf.spec.flags));
  const there = new Set(before.operands);
  const rows = text.split("\n").flatMap((line) => {
    const parsed = parseJsonOrUndefined(line)?.value;
    const client = isJsonObject(parsed) ? parsed : {};
    const id = getTextField(client, "client_id");
    if (id === undefined || there.has(id) || !id.startsWith(typed)) return [];
    // It would be read as a flag.
    if (id.startsWith("-") && !before.ended) return [];
    return [[id, getTextField(client, "client_name") ?? ""] as const];
  });
  return { ...wordCandidates(rows), head: completion.head };
}

/** Letters after which a word is more likely a noun of the 2.x syntax than a file. */
const NOUN_LETTERS = 3;

/** The words of the 2.x syntax that may follow a command at the top of the tree, instead of its first operand. */
function matchingNouns({ spec }: Leaf, words: readonly string[], typed: string): readonly string[] {
  const { pending, ended, operands } = parseWordsBeforeCursor(words, indexFlags(spec.flags));
  if (pending !== undefined || ended || operands.length > 0 || typed.length < NOUN_LETTERS) return [];
  return spec.nouns?.filter((noun) => noun.startsWith(typed)) ?? [];
}

/** The candidates for the end of a command line of this program. */
export async function completeCommandLine(
  words: readonly string[],
  typed: string,
  outside: CompletionHost,
): Promise<CompletionCandidates> {
  const { flags: before, command: first, rest } = splitFlagsBeforeCommand(words, FLAGS_BEFORE_COMMAND_BY_NAME);
  if (first === "help") return completeHelpOperand([...before, ...rest], typed);
  const { path, command: found, syntax, words: after, stray } = await followCommandWords(words);
  if (isGroup(found)) return stray === undefined ? completeCommandOrFlag(found, after, typed) : NO_CANDIDATES;
  const { flags, operands } = found.spec;
  const nouns = path.length === 2 ? matchingNouns(found, after, typed) : [];
  if (nouns.length > 0) return wordCandidates(nouns.map((noun) => [noun, ""] as const));
  const completion = completeFlagOrOperand({ flags, syntax, operands }, after, typed);
  return completion.kind === "ids" ? completeClientId(found, after, completion, typed, outside) : completion;
}

/** The values of bash's COMP_TYPE for which it lists the candidates. */
const LISTING: ReadonlySet<string> = new Set(["?", "!", "@"].map((type) => String(type.charCodeAt(0))));

/** The words of a command line as a completion script passes them. */
function parseCompletionRequest(
  shell: Shell,
  passed: readonly string[],
): { readonly words: readonly string[] } & WordToReplace {
  if (shell === "bash" || shell === "powershell") {
    const [line = "", replaced, type = "", columns = ""] = passed;
    const { words, last } = splitTypedLine(line, shell === "bash" ? "\\" : "`");
    return {
      words: words.slice(1),
      typed: last,
      replaced,
      listWidth: LISTING.has(type) ? terminalWidthOrDefault(Number(columns)) : undefined,
    };
  }
  const raw = passed[passed.length - 1] ?? "";
  return { words: passed.slice(0, -1), typed: { raw, text: removeQuotes(raw), quote: "" } };
}

/** The reply to a completion script, from the shell and what its script passes. */
export async function createCompletionReply(args: readonly string[], outside: CompletionHost): Promise<string> {
  const [name, ...passed] = args;
  const shell = parseShellName(name);
  if (shell === undefined) return "";
  const { words, ...request } = parseCompletionRequest(shell, passed);
  return formatCompletionReply(shell, await completeCommandLine(words, request.typed.text, outside), request);
}

import { type Group, isGroup, isLeaf, type Leaf } from "../command.ts";
import { ROOT } from "../commands/index.ts";
import { isRecord, parseJson, textField } from "../core/client/client.ts";
import {
  type Completion,
  complete,
  completeValue,
  NOTHING_KNOWN,
  plainWords,
  readBefore,
  type Target,
} from "../core/completion/candidates.ts";
import { answerText, type Request } from "../core/completion/reply.ts";
import { type Shell, shellNamed } from "../core/completion/shells.ts";
import { typedLine, unquoted } from "../core/completion/tokenize.ts";
import { ACCESS_TOKEN_FILE, CONFIG, CONNECTION_FLAGS, FAIL_AFTER } from "../core/flags/flag-table.ts";
import { type Flag, indexFlags, parseFlags } from "../core/flags/parse.ts";
import { TOPICS } from "../core/help/topics.ts";
import { childrenOf, PARENT_ROWS, resolved, walk } from "./resolve.ts";

/** What completing reaches outside for. */
export interface CompletionEnv {
  environment(name: string): string | undefined;
  /** What another command line of this program writes to standard output, as far as it gets; its errors are not told. */
  output(args: readonly string[]): Promise<string>;
}

/** Time that a server gets to tell the ids of its clients: longer would feel as if Tab hung. */
const ID_TIME = "1s";

/** Ids that are asked for: more than anyone reads, and few enough to come in time. */
const MOST_IDS = 1000;

/** The commands of a group with their summaries. */
async function commandsOf(group: Group): Promise<readonly (readonly [name: string, summary: string])[]> {
  return Promise.all(
    Object.entries(await childrenOf(group)).map(async ([name, child]) => {
      const found = await resolved(child);
      return [name, isLeaf(found) ? found.spec.summary : found.group.summary] as const;
    }),
  );
}

/** What begins with what is typed; other names of commands count where no first name does. */
function named(
  rows: readonly (readonly [name: string, about: string])[],
  others: readonly string[],
  typed: string,
): Completion {
  const found = rows.filter(([name]) => name.startsWith(typed));
  if (found.length > 0) return plainWords(found);
  return plainWords(others.filter((name) => name.startsWith(typed)).map((name) => [name, ""] as const));
}

async function completeCommand(group: Group, words: readonly string[], typed: string): Promise<Completion> {
  const index = indexFlags(PARENT_ROWS);
  const last = words[words.length - 1];
  const pending = last === undefined ? undefined : readBefore(words, index).pending;
  if (pending !== undefined) return completeValue(pending, typed);
  if (typed.startsWith("-")) {
    const flags: Target = { flags: PARENT_ROWS, grammar: group.group.grammar, operands: undefined };
    return complete(flags, words, typed);
  }
  const help = group === ROOT && words.length === 0 ? [["help", "Show help for a command or topic"] as const] : [];
  return named([...(await commandsOf(group)), ...help], Object.keys(group.group.aliases), typed);
}

async function completeHelp(words: readonly string[], typed: string): Promise<Completion> {
  const { command: found, stray } = await walk(words);
  if (!isGroup(found) || stray !== undefined) return NOTHING_KNOWN;
  const topics = found === ROOT ? TOPICS.map((topic) => [topic.name, topic.title] as const) : [];
  return named([...(await commandsOf(found)), ...topics], Object.keys(found.group.aliases), typed);
}

/** The flags of a line that say how the server is reached, as words for another command line. */
function connectionWords(leaf: Leaf, words: readonly string[]): readonly string[] | undefined {
  const { values } = parseFlags(words, leaf.spec.flags, "", { environment: () => undefined, file: () => undefined });
  // Standard input belongs to the person at the keyboard.
  if (values.text(ACCESS_TOKEN_FILE) === "-") return undefined;
  return [...CONNECTION_FLAGS, CONFIG].flatMap((flag: Flag): readonly string[] => {
    if (flag === FAIL_AFTER || !values.isSet(flag)) return [];
    if (flag.kind === "switch") return [`--${flag.name}=${values.bool(flag)}`];
    if (flag.kind === "each" || flag.kind === "list") return values.list(flag).map((text) => `--${flag.name}=${text}`);
    return flag.kind === "text" ? [`--${flag.name}=${values.text(flag) ?? ""}`] : [];
  });
}

/** The clients that the server tells in time, save for those that the line has already. */
async function clientIds(
  leaf: Leaf,
  words: readonly string[],
  completion: Completion,
  typed: string,
  outside: CompletionEnv,
): Promise<Completion> {
  const connection = outside.environment("HYDRA_COMPLETE_IDS") === "0" ? undefined : connectionWords(leaf, words);
  if (connection === undefined) return NOTHING_KNOWN;
  const list = ["clients", "list", "--format", "ndjson", "--limit", String(MOST_IDS), "--fail-after", ID_TIME];
  const text = await outside.output([...list, ...connection]);
  const there = new Set(readBefore(words, indexFlags(leaf.spec.flags)).operands);
  const rows = text.split("\n").flatMap((line) => {
    const client = parseJson(line)?.value;
    const id = isRecord(client) ? textField(client, "client_id") : undefined;
    if (id === undefined || there.has(id) || !id.startsWith(typed)) return [];
    return [[id, isRecord(client) ? (textField(client, "client_name") ?? "") : ""] as const];
  });
  return { ...plainWords(rows), head: completion.head };
}

/** What could stand at the end of a command line of this program. */
export async function completionOf(
  words: readonly string[],
  typed: string,
  outside: CompletionEnv,
): Promise<Completion> {
  const [first, ...rest] = words;
  if (first === "help") return completeHelp(rest, typed);
  const { command: found, grammar, words: after, stray } = await walk(words);
  if (isGroup(found)) return stray === undefined ? completeCommand(found, after, typed) : NOTHING_KNOWN;
  const { flags, operands } = found.spec;
  const completion = complete({ flags, grammar, operands }, after, typed);
  return completion.kind === "ids" ? clientIds(found, after, completion, typed, outside) : completion;
}

/** The words of a command line as a script hands them over. */
function requested(shell: Shell, handed: readonly string[]): { readonly words: readonly string[] } & Request {
  if (shell === "bash" || shell === "powershell") {
    const [line = "", replaced] = handed;
    const { words, last } = typedLine(line, shell === "bash" ? "\\" : "`");
    return { words: words.slice(1), typed: last, ...(replaced === undefined ? {} : { replaced }) };
  }
  const raw = handed[handed.length - 1] ?? "";
  return { words: handed.slice(0, -1), typed: { raw, text: unquoted(raw), quote: "" } };
}

/** Answers a completion script: `SHELL` and what it hands over. */
export async function answer(args: readonly string[], outside: CompletionEnv): Promise<string> {
  const [name, ...handed] = args;
  const shell = shellNamed(name);
  if (shell === undefined) return "";
  const { words, ...request } = requested(shell, handed);
  return answerText(shell, await completionOf(words, request.typed.text, outside), request);
}

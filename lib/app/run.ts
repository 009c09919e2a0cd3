import type { Host, Output } from "../adapters/host.ts";
import { isGroup, isLeaf } from "../command.ts";
import { ROOT } from "../commands/index.ts";
import { FORMAT, GENERAL_FLAGS, HELP } from "../core/flags/flag-table.ts";
import { asksForHelp, describeWord, type ParsedLine, parseFlags } from "../core/flags/parse.ts";
import { type ExitName, type Problem, usageError } from "../core/problem.ts";
import { runtimeProblem } from "../core/runtime.ts";
import { suggest } from "../core/text.ts";
import { execute, jsonWanted, operandShown } from "./execute.ts";
import { Problems } from "./report.ts";
import { childrenOf, PARENT_ROWS, type ResolvedCommand, walk } from "./resolve.ts";
import type { Run } from "./run-state.ts";
import { writeText } from "./write-result.ts";

export async function resolve(words: readonly string[]): Promise<ResolvedCommand> {
  const place = await walk(words);
  const { path, command, words: before, stray } = place;
  if (stray === undefined || isLeaf(command)) return place;
  const line = parseFlags([...before, stray], PARENT_ROWS, "", NO_SOURCES);
  // A flag that is wrong explains why the word behind it was taken for a command.
  if (line.problems.length > 0) throw new Problems(line.problems);
  throw unknownCommand(path, stray, line, [
    ...Object.keys(await childrenOf(command)),
    ...Object.keys(command.group.aliases),
  ]);
}

function unknownCommand(path: readonly string[], word: string, line: ParsedLine, known: readonly string[]): Problem {
  const meant = suggest(word, known);
  const parent = path.join(" ");
  return usageError(
    `Unknown command ${operandShown(word, line)} after ${parent}`,
    meant === undefined ? `${parent} --help lists the commands` : `did you mean ${parent} ${meant}?`,
    "unknown-command",
  );
}

/** The first word of a completion script's question, which is no command for people. */
const COMPLETE = "__complete";

async function answerShell(run: Run): Promise<ExitName> {
  const { answer } = await import("./complete.ts");
  const { host } = run;
  const output = (args: readonly string[]): Promise<string> => captureStdout(run, args);
  await host.stdout.write(await answer(host.args.slice(1), { environment: host.environment, output }));
  return "done";
}

/** What another command line writes to standard output, as far as it gets; its errors are not told. */
async function captureStdout(run: Run, args: readonly string[]): Promise<string> {
  let text = "";
  const into = (write: Output["write"]): Output => ({ isTerminal: false, columns: undefined, write });
  const stdout = into(async (part) => {
    text += part;
  });
  const stderr = into(async () => {});
  await perform({ ...run, host: { ...run.host, args, stdout, stderr } }).catch(() => {});
  return text;
}

export async function perform(run: Run): Promise<ExitName> {
  const { host } = run;
  const unsafe = runtimeProblem(host.environment);
  if (unsafe !== undefined) throw unsafe;
  if (host.args[0] === COMPLETE) return answerShell(run);
  // Reading the words over all rows costs a start a part of its time, so it waits for a word that could matter.
  if (hasFlagLike(host.args, "format")) {
    run.json = jsonWanted(parseFlags(host.args, PARENT_ROWS, "", NO_SOURCES).values.text(FORMAT));
  }
  const [first, ...others] = host.args;
  const helps = first === "help";
  const wanted = helps ? others.filter((word) => !word.startsWith("-")) : host.args;
  const [about] = wanted;
  const shown = helps && about !== undefined ? await showTopic(host, about) : undefined;
  if (shown !== undefined) return shown;
  const called = await resolve(wanted);
  const { command, words } = called;
  const help =
    helps ||
    (hasFlagLike(words, "h") && asksForHelp(words, isGroup(command) ? [...GENERAL_FLAGS] : command.spec.flags, HELP));
  if (help) return showHelp(host, called);
  if (isGroup(command)) {
    if (called.path.length === 1 && words.length === 1 && words[0] === "--version") {
      return perform({ ...run, host: { ...host, args: ["version"] } });
    }
    if (called.path.length === 1 && words.length === 0) return showHelp(host, called);
    const { problems } = parseFlags(words, PARENT_ROWS, "", NO_SOURCES);
    if (problems.length > 0) throw new Problems(problems);
    throw usageError(
      `Missing command after ${called.path.join(" ")}`,
      `${called.path.join(" ")} --help lists the commands`,
      "missing-command",
    );
  }
  return execute(run, called, command);
}

/** Whether any word that is a flag has this in it. */
function hasFlagLike(words: readonly string[], text: string): boolean {
  return words.some((word) => word.startsWith("-") && word.includes(text));
}

export const NO_SOURCES = { environment: () => undefined, file: () => undefined };

async function showHelp(host: Host, called: ResolvedCommand): Promise<ExitName> {
  const { renderHelp } = await import("../core/help/help.ts");
  const { pageOf } = await import("./help-page.ts");
  await writeText(host, renderHelp(await pageOf(called), helpWidth(host), colorWanted(host, host.stdout)));
  return "done";
}

/** Shows the topic of the manual that a word behind `help` names; undefined where it names none. */
async function showTopic(host: Host, name: string): Promise<ExitName | undefined> {
  const { TOPICS } = await import("../core/help/topics.ts");
  const topic = TOPICS.find((known) => known.name === name);
  if (topic === undefined) {
    const names = TOPICS.map((known) => known.name);
    const meant = suggest(name, [...Object.keys(await childrenOf(ROOT)), ...names]);
    if (meant === undefined || !names.includes(meant)) return undefined;
    throw usageError(
      `There is no help about ${describeWord(name)}`,
      `did you mean hydra help ${meant}?`,
      "unknown-topic",
    );
  }
  const { topicText } = await import("../core/help/topic-text.ts");
  await writeText(host, topicText(topic, helpWidth(host), colorWanted(host, host.stdout)));
  return "done";
}

function helpWidth(host: Host): number {
  return Math.min(host.stdout.columns ?? host.stderr.columns ?? 80, 120);
}

export function colorWanted(host: Host, to: Output): boolean {
  return to.isTerminal && (host.environment("NO_COLOR") ?? "") === "" && host.environment("TERM") !== "dumb";
}

import type { Output } from "../adapters/host.ts";
import { isLeaf } from "../command.ts";
import { findUnsafeRuntimeProblem } from "../core/environment/unsafe-runtime-options.ts";
import { asksForHelp, NO_VALUE_SOURCES, parseFlagsWithFallbacks } from "../core/flags/parse.ts";
import { GENERAL_FLAGS, HELP } from "../core/flags/shared-flags.ts";
import { splitFlagsBeforeCommand } from "../core/flags/split-command-line.ts";
import { type ExitName, usageError } from "../core/problem.ts";
import { CombinedProblems } from "./combined-problems.ts";
import { executeCommand } from "./execute.ts";
import { areErrorsJson } from "./read-format.ts";
import {
  FLAGS_BEFORE_COMMAND,
  FLAGS_BEFORE_COMMAND_BY_NAME,
  isResolvedLeaf,
  type ResolvedCommand,
  resolveCommand,
} from "./resolve-command.ts";
import type { RunState } from "./run-state.ts";

/** The first word of a completion script's request, which is not a command for people. */
const COMPLETE = "__complete";

/** Runs one command line: a request of a completion script, help, or a command. */
export async function dispatchCommandLine(run: RunState): Promise<ExitName> {
  const { host } = run;
  const unsafe = findUnsafeRuntimeProblem(host.environment);
  if (unsafe !== undefined) throw unsafe;
  const [first, ...others] = host.args;
  if (first === COMPLETE) return answerCompletionRequest(run, others);
  try {
    const { flags, command: word, rest } = splitFlagsBeforeCommand(host.args, FLAGS_BEFORE_COMMAND_BY_NAME);
    if (word === "help") return await (await import("./show-help.ts")).showTopicOrHelpPage(host, [...flags, ...rest]);
    const called = await resolveCommand(host.args);
    const { command, words } = called;
    // Returned and not awaited: a command decides for itself how its errors are written.
    if (isResolvedLeaf(called) && !asksForHelp(words, called.command.spec.flags, HELP))
      return executeCommand(run, called);
    if (isLeaf(command) || asksForHelp(words, GENERAL_FLAGS, HELP))
      return await (await import("./show-help.ts")).showHelpPage(host, called);
    return await handleLineWithoutCommand(run, called);
  } catch (error) {
    // No command has read the flags, so whether the error is written as JSON is decided here.
    run.json = areErrorsJson(parseFlagsWithFallbacks(host.args, FLAGS_BEFORE_COMMAND, "", NO_VALUE_SOURCES).values);
    throw error;
  }
}

/**
 * Handles a command line without a command: by itself, a group shows its help, as in Hydra's own CLI; anything else is
 * an error.
 */
async function handleLineWithoutCommand(run: RunState, called: ResolvedCommand): Promise<ExitName> {
  const { path, words } = called;
  if (words.length === 0) return (await import("./show-help.ts")).showHelpPage(run.host, called);
  if (path.length === 1 && words.length === 1 && words[0] === "--version") {
    const version = await resolveCommand(["version"]);
    if (isResolvedLeaf(version)) return executeCommand(run, version);
  }
  const { problems } = parseFlagsWithFallbacks(words, FLAGS_BEFORE_COMMAND, "", NO_VALUE_SOURCES);
  if (problems.length > 0) throw new CombinedProblems(problems);
  const parent = path.join(" ");
  throw usageError(`Missing command after ${parent}`, `${parent} --help lists the commands`, "missing-command");
}

async function answerCompletionRequest(run: RunState, request: readonly string[]): Promise<ExitName> {
  const { createCompletionReply } = await import("./complete-command-line.ts");
  const { host } = run;
  const output = (args: readonly string[]): Promise<string> => runAndCaptureStdout(run, args);
  await host.stdout.write(await createCompletionReply(request, { environment: host.environment, output }));
  return "done";
}

/**
 * Runs another command line and returns what it writes to standard output, as far as it gets; its errors are not shown.
 */
async function runAndCaptureStdout(run: RunState, args: readonly string[]): Promise<string> {
  let text = "";
  const into = (write: Output["write"]): Output => ({ isTerminal: false, columns: undefined, write });
  const stdout = into(async (part) => {
    text += part;
  });
  const stderr = into(async () => {});
  await dispatchCommandLine({ ...run, host: { ...run.host, args, stdout, stderr } }).catch(() => {});
  return text;
}

import type { Host, Output } from "../adapters/host.ts";
import { readCredentialNamesAndMetadata } from "../clients/secrets/secret-out-text.ts";
import { type CheckedCommand, type CommandResult, type Context, runParsedLeaf } from "../command.ts";
import { canAskForMissingInput } from "../core/environment/interactive.ts";
import type { FlagValues } from "../core/flags/parsed-flag-values.ts";
import { FORMAT, NO_INPUT, NO_WARNINGS, QUIET, VERBOSE } from "../core/flags/shared-flags.ts";
import type { EmptySelectionDetector } from "../core/output/empty-selection-detector.ts";
import { type Format, isForPrograms } from "../core/output/formats.ts";
import { type ExitName, Problem, type ProblemCode, SIGINT } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { CombinedProblems } from "./combined-problems.ts";
import { createMessages } from "./messages.ts";
import { importFormatLibraries } from "./read-format.ts";
import type { ResolvedLeaf } from "./resolve-command.ts";
import type { RunState } from "./run-state.ts";
import { readSettings, type Settings } from "./settings.ts";
import { hasColor } from "./terminal-style.ts";
import { type RenderOptionsFactory, writeResult } from "./write-result.ts";

/** Runs one command: reads its settings, prepares it, stops with all that is wrong or does the work, writes the result. */
export async function executeCommand(run: RunState, called: ResolvedLeaf): Promise<ExitName> {
  const { host } = run;
  run.syntax = called.syntax;
  const { createContext, InputFiles } = await import("./context.ts");
  const input = new InputFiles(host);
  const read = await readSettings(run, called, input);
  const { values } = read.line;
  const format = read.format ?? { kind: "text" };
  let merged: boolean | undefined;
  const isMerged = (): boolean => {
    merged ??= programReadsBothStreams(host, values, format);
    return merged;
  };
  run.bar.isLeftOut = isMerged;
  const messages = createMessages(run, () => values.bool(NO_WARNINGS) || isMerged());
  const detail = values.bool(VERBOSE) ? messages.detail : (): void => {};
  host.onConsole(detail);
  for (const warning of read.warnings) messages.warn(warning);
  for (const warning of read.advice) messages.warn(warning, "advice");
  for (const key of read.unknownKeys) detail(`Config file: unknown key ${quote(key)} is ignored`);
  const misread = read.problems.some(({ code }) => MISREAD.has(code));
  // A line that was misread says nothing about the client that it seems to describe.
  const warn = misread ? (): void => {} : messages.warn;
  const contextOf = (settings: Settings, render: RenderOptionsFactory): Context =>
    createContext({
      ...settings,
      run,
      input,
      syntax: called.syntax,
      format,
      render,
      messages: { ...messages, detail, warn },
    });
  const settings = canAskForClientId(run, called, read)
    ? await askForMissingClientId(
        read,
        contextOf(read, await createRenderOptionsFactory(run, format, values, read.problems, undefined)),
      )
    : read;
  const { problems } = settings;
  const watch = problems.length === 0 && "query" in format ? await createEmptySelectionDetector(values) : undefined;
  const render = await createRenderOptionsFactory(run, format, values, problems, watch);
  const context = contextOf(settings, render);
  const result = await runParsedLeaf(called.command, {
    context,
    check: async (prepare) => {
      const command = await prepareOrCombineProblems(prepare, problems);
      const own = command.problems.filter(({ code }) => !misread || code !== "nothing-named");
      if (problems.length + own.length > 0) throw new CombinedProblems([...problems, ...own]);
      run.ending.signal.throwIfAborted();
      return command;
    },
  });
  const exit = await writeDirectlyOrThroughPager(run, context, result, render);
  const nothing = watch?.note();
  if (nothing !== undefined) messages.note(nothing);
  return exit;
}

/**
 * Whether a program that reads the result would read advice and progress too, because both streams are one, as in `2>&1` or
 * `docker exec -it`.
 */
function programReadsBothStreams(host: Pick<Host, "streamsAreOne">, values: FlagValues, format: Format): boolean {
  return (values.isSet(FORMAT) || values.bool(QUIET)) && isForPrograms(format) && host.streamsAreOne();
}

/** Whether only the client ID is missing, and someone can be asked for it. */
function canAskForClientId(
  { host }: Pick<RunState, "host">,
  { command: { spec } }: ResolvedLeaf,
  { problems, connection, line }: Pick<Settings, "problems" | "connection" | "line">,
): boolean {
  const [problem, ...others] = problems;
  if (problem?.code !== "missing-argument" || others.length > 0) return false;
  return (
    spec.operands?.name === "ID" && connection !== undefined && canAskForMissingInput(host, line.values.bool(NO_INPUT))
  );
}

/**
 * Asks the person for the missing client ID, and returns the settings with it; they stay as they are without an answer.
 */
async function askForMissingClientId(
  settings: Settings,
  context: Pick<Context, "admin" | "host" | "tell">,
): Promise<Settings> {
  const { askClientId } = await import("./ask-client-id.ts");
  const id = await askClientId(context);
  return id === undefined ? settings : { ...settings, problems: [], line: { ...settings.line, operands: [id] } };
}

/** Problems of a line of which one word was read as something else than was meant. */
const MISREAD: ReadonlySet<ProblemCode> = new Set<ProblemCode>(["unknown-flag", "missing-value", "stray-argument"]);

/** Lets a command read its input. An error that stops it is reported with everything else that is wrong. */
async function prepareOrCombineProblems(
  prepare: () => Promise<CheckedCommand> | CheckedCommand,
  problems: readonly Problem[],
): Promise<CheckedCommand> {
  try {
    return await prepare();
  } catch (error) {
    if (error instanceof Problem && error.exit === "usage") throw new CombinedProblems([...problems, error]);
    throw error;
  }
}

/** Watches whether the expression of the format selects anything. */
async function createEmptySelectionDetector(values: FlagValues): Promise<EmptySelectionDetector> {
  const { EmptySelectionDetector } = await import("../core/output/empty-selection-detector.ts");
  return new EmptySelectionDetector((values.text(FORMAT) ?? "").replace(/^[^=]*=/, ""));
}

/** How results are rendered. A line with problems has none, so libraries of the format are not loaded for it. */
async function createRenderOptionsFactory(
  { host }: Pick<RunState, "host">,
  format: Format,
  values: FlagValues,
  problems: readonly Problem[],
  watch: EmptySelectionDetector | undefined,
): Promise<RenderOptionsFactory> {
  const { isTerminal, columns } = host.stdout;
  const terminal = { isTerminal, columns, color: hasColor(host, host.stdout) };
  const loaded = problems.length > 0 ? {} : await importFormatLibraries(format);
  const { select } = loaded;
  const tools = watch === undefined || select === undefined ? loaded : { ...loaded, select: watch.watch(select) };
  const names = readCredentialNamesAndMetadata({ values });
  return (many, live) => ({ terminal, isList: many, tools, names, ...(live ? { settleAfter: 1 } : {}) });
}

/** The pager that a person has chosen for this terminal; with `--format` and `-q` the output may be read by a program. */
function findPagerCommand({ host, values }: Pick<Context, "host" | "values">): string | undefined {
  if (!host.stdout.isTerminal || values.isSet(FORMAT) || values.bool(QUIET)) return undefined;
  // An empty HYDRA_PAGER turns the other variable off.
  const command = (host.environment("HYDRA_PAGER") ?? host.environment("PAGER") ?? "").trim();
  return command === "" || command === "cat" ? undefined : command;
}

/** Writes a result through a pager; what comes after it on standard error waits until the person has left it. */
async function writeThroughPager(
  run: Pick<RunState, "ending" | "isPaging" | "endBySignal">,
  context: Pick<Context, "host" | "uninterruptible" | "warn">,
  result: CommandResult,
  writeTo: (stdout: Output, shown: CommandResult) => Promise<ExitName>,
  command: string,
): Promise<ExitName> {
  const { startPager } = await import("../adapters/pager.ts");
  let hasWarned = false;
  const pager = startPager(command, (text) => {
    if (!hasWarned)
      context.warn(`the pager ${quote(command)} cannot be started; set HYDRA_PAGER or PAGER to another one`);
    hasWarned = true;
    return context.host.stdout.write(text);
  });
  run.isPaging = true;
  const left = pager.ended.then(({ signal }) => {
    run.isPaging = false;
    // Ctrl-C reaches the pager and this program; a pager that it ends leaves nobody who could press it again.
    if (signal === "SIGINT") run.endBySignal(SIGINT);
  });
  // Other signals end the run, but not before the person has left the pager.
  return context.uninterruptible(async () => {
    const { exit = () => "done" as const, ...rest } = result;
    try {
      await writeTo({ ...context.host.stdout, write: pager.write }, rest);
    } finally {
      await pager.close();
      await left;
    }
    return exit();
  });
}

async function writeDirectlyOrThroughPager(
  run: RunState,
  context: Context,
  result: CommandResult,
  render: RenderOptionsFactory,
): Promise<ExitName> {
  const { host, signal, format, note } = context;
  const writeTo = (stdout: Output, shown: CommandResult): Promise<ExitName> =>
    writeResult({ host: { stdout, sleep: host.sleep }, signal, format, note }, shown, render);
  const pager = result.isPaged === true ? findPagerCommand(context) : undefined;
  if (pager !== undefined) return writeThroughPager(run, context, result, writeTo, pager);
  run.untilSignal = result.untilSignal === true;
  const written = (): Promise<ExitName> => writeTo(run.bar.replacedBy(host.stdout), result);
  const mustFinish = result.undelivered !== undefined || result.untilSignal === true;
  return mustFinish ? context.uninterruptible(written) : written();
}

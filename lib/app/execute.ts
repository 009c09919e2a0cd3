import { credentialNames } from "../clients/secret-file.ts";
import { type Context, type PreparedCommand, type Result, runLeaf } from "../command.ts";
import { NO_INPUT, VERBOSE } from "../core/flags/flag-table.ts";
import type { FlagValues } from "../core/flags/flag-values.ts";
import { canAsk } from "../core/interactive.ts";
import type { Format } from "../core/output/formats.ts";
import { type ExitName, Problem, type ProblemCode } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { Messages } from "./messages.ts";
import { loadTools } from "./read-format.ts";
import { Problems } from "./report.ts";
import type { ResolvedLeaf } from "./resolve.ts";
import type { Run } from "./run-state.ts";
import { readSettings, type Settings } from "./settings.ts";
import { wantsColor } from "./terminal-style.ts";
import { type Render, writeResult } from "./write-result.ts";

/** Runs one command: reads its settings, prepares it, stops with all that is wrong or does the work, writes the result. */
export async function execute(run: Run, called: ResolvedLeaf): Promise<ExitName> {
  const { host } = run;
  const messages = new Messages(run);
  const { createContext, InputFiles } = await import("./context.ts");
  const input = new InputFiles(host);
  const read = await readSettings(run, called, input);
  const detail = read.line.values.bool(VERBOSE) ? messages.note : (): void => {};
  host.onConsole(detail);
  for (const warning of read.warnings) messages.warn(warning);
  for (const key of read.unknownKeys) detail(`Config file: unknown key ${quote(key)} is ignored`);
  const format = read.format ?? { kind: "text" };
  const render = await rendering(run, format, read.line.values, read.problems);
  const misread = read.problems.some(({ code }) => MISREAD.has(code));
  const contextOf = ({ line, connection, problems }: Settings): Context =>
    createContext({
      run,
      input,
      syntax: called.syntax,
      line,
      format,
      render,
      connection,
      hasErrors: problems.length > 0,
      detail,
      messages,
      // A line that was misread says nothing about the client that it seems to describe.
      warn: misread ? () => {} : messages.warn,
    });
  const settings = mayAskId(run, called, read) ? await withAskedId(read, contextOf(read)) : read;
  const { problems } = settings;
  const context = contextOf(settings);
  const result = await runLeaf(called.command, {
    context,
    check: async (prepare) => {
      const command = await prepared(prepare, problems);
      const own = command.problems.filter(({ code }) => !misread || code !== "nothing-named");
      if (problems.length + own.length > 0) throw new Problems([...problems, ...own]);
      run.ending.signal.throwIfAborted();
      return command;
    },
  });
  return write(run, context, result, render);
}

/** Whether only the client ID is missing, and a person is there who can choose one. */
function mayAskId(
  { host }: Pick<Run, "host">,
  { command: { spec } }: ResolvedLeaf,
  { problems, connection, line }: Pick<Settings, "problems" | "connection" | "line">,
): boolean {
  const [problem, ...others] = problems;
  if (problem?.code !== "missing-argument" || others.length > 0) return false;
  return spec.operands?.name === "ID" && connection !== undefined && canAsk(host, line.values.bool(NO_INPUT));
}

/** Lets the person choose the missing client ID. */
async function withAskedId(settings: Settings, context: Context): Promise<Settings> {
  const { askId } = await import("./ask-id.ts");
  const id = await askId(context);
  return id === undefined ? settings : { ...settings, problems: [], line: { ...settings.line, operands: [id] } };
}

/** Problems of a line of which one word was read as something else than was meant. */
const MISREAD: ReadonlySet<ProblemCode> = new Set<ProblemCode>(["unknown-flag", "missing-value", "stray-argument"]);

/** Lets a command read its input. An error that stops it is reported with everything else that is wrong. */
async function prepared(
  prepare: () => Promise<PreparedCommand> | PreparedCommand,
  problems: readonly Problem[],
): Promise<PreparedCommand> {
  try {
    return await prepare();
  } catch (error) {
    if (error instanceof Problem && error.exit === "usage") throw new Problems([...problems, error]);
    throw error;
  }
}

/** How results are rendered. A line with problems has none, so libraries of the format are not loaded for it. */
async function rendering(
  { host }: Pick<Run, "host">,
  format: Format,
  values: FlagValues,
  problems: readonly Problem[],
): Promise<Render> {
  const { isTerminal, columns } = host.stdout;
  const terminal = { isTerminal, columns, color: wantsColor(host, host.stdout) };
  const tools = problems.length > 0 ? {} : await loadTools(format);
  const names = credentialNames({ values });
  return (many, live) => ({ terminal, isList: many, tools, names, ...(live ? { settleAfter: 1 } : {}) });
}

async function write(run: Run, context: Context, result: Result, render: Render): Promise<ExitName> {
  const { host, ending } = run;
  run.untilSignal = result.untilSignal === true;
  const written = (): Promise<ExitName> =>
    writeResult(
      { sleep: host.sleep, stdout: run.bar.replacedBy(host.stdout) },
      ending.signal,
      result.format ?? context.format,
      result,
      render,
      context.note,
    );
  const mustFinish = result.undelivered !== undefined || result.untilSignal === true;
  return mustFinish ? context.uninterruptible(written) : written();
}

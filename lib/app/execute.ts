import { credentialNames } from "../clients/secret-file.ts";
import { type Context, type PreparedCommand, type Result, runLeaf } from "../command.ts";
import { VERBOSE } from "../core/flags/flag-table.ts";
import type { FlagValues } from "../core/flags/flag-values.ts";
import type { Format } from "../core/output/formats.ts";
import { type ExitName, Problem, type ProblemCode } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { Messages } from "./messages.ts";
import { loadTools } from "./read-format.ts";
import { Problems } from "./report.ts";
import type { ResolvedLeaf } from "./resolve.ts";
import type { Run } from "./run-state.ts";
import { readSettings } from "./settings.ts";
import { wantsColor } from "./terminal-style.ts";
import { type Render, writeResult } from "./write-result.ts";

/** Runs one command: reads its settings, prepares it, stops with all that is wrong or does the work, writes the result. */
export async function execute(run: Run, called: ResolvedLeaf): Promise<ExitName> {
  const { host } = run;
  const messages = new Messages(run);
  const { createContext, InputFiles } = await import("./context.ts");
  const input = new InputFiles(host);
  const settings = await readSettings(run, called, input);
  const { problems, line } = settings;
  const detail = line.values.bool(VERBOSE) ? messages.note : (): void => {};
  host.onConsole(detail);
  for (const warning of settings.warnings) messages.warn(warning);
  for (const key of settings.unknownKeys) detail(`Config file: unknown key ${quote(key)} is ignored`);
  const format = settings.format ?? { kind: "text" };
  const render = await rendering(run, format, line.values, problems);
  const misread = problems.some(({ code }) => MISREAD.has(code));
  const context = createContext({
    run,
    input,
    syntax: called.syntax,
    line,
    format,
    render,
    connection: settings.connection,
    hasErrors: problems.length > 0,
    detail,
    messages,
    // A line that was misread says nothing about the client that it seems to describe.
    warn: misread ? () => {} : messages.warn,
  });
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

import { credentialNames } from "../clients/secret-file.ts";
import type { Context, Leaf, PreparedCommand, Spec } from "../command.ts";
import { DRY_RUN, ENDPOINT, FORMAT, QUIET, VERBOSE } from "../core/flags/flag-table.ts";
import { describeWord, type FlagValues, type ParsedLine, parseFlags } from "../core/flags/parse.ts";
import { type JsonObject, toJson } from "../core/json.ts";
import { recipientProblems } from "../core/keys/key-source.ts";
import { type Format, isJson, parseFormat, writesAll } from "../core/output/formats.ts";
import { createRenderer, toolsFor } from "../core/output/render.ts";
import { type ExitName, Problem, usageError } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";
import { Problems, problemsText } from "./report.ts";
import type { ResolvedCommand } from "./resolve.ts";
import { colorWanted, NO_SOURCES } from "./run.ts";
import type { Run } from "./run-state.ts";
import { caProblems, NO_CONFIG, readConfig, readServer } from "./settings.ts";
import { type Render, writeResult } from "./write-result.ts";

export async function execute(run: Run, called: ResolvedCommand, leaf: Leaf): Promise<ExitName> {
  const { host } = run;
  const { spec } = leaf;
  const name = called.path.slice(1).join(" ");
  const say =
    (prefix: string) =>
    (line: string): void => {
      host.stderr.write(`${run.bar.away()}${prefix}${escapeControls(line)}\n`).catch(() => {});
    };
  const warn = say("Warning: ");
  const { environment } = host;
  const bare = parseFlags(called.words, spec.flags, name, { environment, file: NO_SOURCES.file });
  run.json = bare.values.origin(FORMAT).from === "flag" && jsonWanted(bare.values.text(FORMAT));
  const config = await readConfig(host, bare.values, spec.server !== false || spec.flags.includes(FORMAT));
  const line =
    config === NO_CONFIG ? bare : parseFlags(called.words, spec.flags, name, { environment, file: config.file });
  const { values } = line;
  const problems: Problem[] = [...line.problems, ...operandProblems(leaf, called, line)];
  const format = readFormat(values, spec.format[called.grammar], problems);
  problems.push(...formatProblems(format, values, spec));
  // Only a format that was asked for speaks of a program as the reader; the default of a command does not.
  if (format !== undefined) run.json = (values.isSet(FORMAT) || config.file("format") !== undefined) && isJson(format);
  const reading =
    spec.server === true || (spec.server === "if-asked" && values.isSet(ENDPOINT))
      ? await readServer(host, values, config, problems)
      : undefined;
  problems.push(...recipientProblems(values), ...(reading?.problems ?? []));
  const detail = values.bool(VERBOSE) ? say("") : (): void => {};
  host.onConsole(detail);
  for (const warning of [...config.warnings(values), ...line.warnings, ...(reading?.warnings ?? [])]) warn(warning);
  for (const key of config.unknown) detail(`Config file: unknown key ${quote(key)} is ignored`);
  if (reading?.connection !== undefined) problems.push(...(await caProblems(host, reading.connection, values)));
  const needed = format ?? { kind: "text" };
  const tools = problems.length > 0 ? {} : await loadTools(needed);
  const terminal = {
    isTerminal: host.stdout.isTerminal,
    columns: host.stdout.columns,
    color: colorWanted(host, host.stdout),
  };
  const render: Render = (many, live) => ({
    terminal,
    isList: many,
    tools,
    names: credentialNames({ values }),
    ...(live ? { settleAfter: 1 } : {}),
  });
  const { connect } = await import("./context.ts");
  const outside = connect({
    host,
    values,
    connection: reading?.connection,
    warn,
    detail,
    signal: run.ending.signal,
    abandoned: () => {
      run.stuck = true;
    },
  });
  const context: Context = {
    host,
    grammar: called.grammar,
    values,
    operands: line.operands,
    format: needed,
    endpoint: reading?.connection?.shown ?? "",
    hasErrors: problems.length > 0,
    ...outside,
    get admin() {
      return outside.admin();
    },
    get connection() {
      if (reading?.connection === undefined) throw new TypeError("the command has no server");
      return reading.connection;
    },
    progress: run.bar.draw,
    fail: (problem) => {
      host.stderr.write(`${run.bar.away()}${problemsText(run, [problem])}`).catch(() => {});
    },
    // A line that was not understood is no ground to judge the client that it seems to describe.
    warn: problems.some(({ code }) => NOT_UNDERSTOOD.has(code)) ? () => {} : warn,
    note: say(""),
    detail,
    rendersText: (view, item, text) => {
      if (needed.kind === "id") return false;
      if (writesAll(needed)) return true;
      const written = (shown: JsonObject): string => {
        const renderer = createRenderer(needed, view, render(false, false));
        return renderer.item(shown) + renderer.end();
      };
      if ("query" in needed) {
        const found = written(item);
        return found.includes(text) || found.includes(toJson(text).slice(1, -1));
      }
      // The others write what their view names, each in its own encoding, so what they would write without it tells.
      return written(item) !== written(Object.fromEntries(Object.entries(item).filter(([, value]) => value !== text)));
    },
    uninterruptible: async (work) => {
      run.critical++;
      try {
        return await work();
      } finally {
        run.critical--;
      }
    },
    signal: run.ending.signal,
  };
  const start = await begin(spec, context, problems);
  const silent = problems.some(({ code }) => NOT_UNDERSTOOD.has(code));
  problems.push(...start.problems.filter(({ code }) => !silent || code !== "nothing-named"));
  if (problems.length > 0) throw new Problems(problems);
  run.ending.signal.throwIfAborted();
  const result = await start.run();
  run.stays = result.untilSignal === true;
  const written = (): Promise<ExitName> =>
    writeResult(host, run.ending.signal, result.format ?? needed, result, render, say(""));
  return result.undelivered === undefined && result.untilSignal !== true ? written() : context.uninterruptible(written);
}

/** Lets a command read its input; what it cannot go on without is told with all that is known to be wrong. */
async function begin(spec: Spec, context: Context, problems: readonly Problem[]): Promise<PreparedCommand> {
  try {
    return await spec.prepare(context);
  } catch (error) {
    if (error instanceof Problem && error.exit === "usage") throw new Problems([...problems, error]);
    throw error;
  }
}

/** The problem of a format about credentials for a command that has none, which would write something else as them. */
function formatProblems(format: Format | undefined, values: FlagValues, spec: Spec): readonly Problem[] {
  const kind = format?.kind;
  if (kind !== "env" && kind !== "k8s-secret") return [];
  const dry = values.isSet(DRY_RUN);
  if (!dry && (spec.credentials === "secrets" || (spec.credentials === "ids" && kind === "env"))) return [];
  const what = kind === "env" ? "client" : "secret";
  return [
    usageError(
      `Cannot use ${values.origin(FORMAT).name} ${kind} ${dry ? "with --dry-run" : "here"}: there is no ${what} to write`,
      kind === "env"
        ? "it is for commands that show, make or change clients"
        : "create, rotate-secret, update and import deliver secrets; choose another format here",
      "format-without-credentials",
    ),
  ];
}

/** Problems of a line of which a part stands for something else than was meant. */
const NOT_UNDERSTOOD: ReadonlySet<string> = new Set(["unknown-flag", "missing-value", "stray-argument"]);

export function jsonWanted(text: string | undefined): boolean {
  try {
    return text !== undefined && isJson(parseFormat(text));
  } catch {
    return false;
  }
}

function readFormat(values: FlagValues, fallback: string, problems: Problem[]): Format | undefined {
  const text = values.text(FORMAT);
  try {
    if (values.bool(QUIET)) {
      if (values.origin(FORMAT).from === "flag" && text !== "id") {
        throw usageError(
          `${values.origin(QUIET).name} and --format ${quote(text ?? "")} exclude each other`,
          "leave one of them out",
        );
      }
      return { kind: "id" };
    }
    // "default" is how the 2.x reference spells the grammar's own format.
    return parseFormat(text === undefined || text === "default" ? fallback : text, values.origin(FORMAT).name);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problems.push(error);
    return undefined;
  }
}

async function loadTools(format: Format): ReturnType<typeof toolsFor> {
  return toolsFor(format, {
    yaml: () => import("../adapters/yaml.ts").then(({ yamlWriter }) => yamlWriter()),
    jsonpath: (text) => import("../adapters/jsonpath.ts").then(({ compileJsonPath }) => compileJsonPath(text)),
  });
}

/** How a message shows a word that is no flag: not at all where it may be the rest of a credential. */
export function operandShown(word: string, line: ParsedLine): string {
  return line.maybeSecret.has(word) ? "(not shown)" : describeWord(word);
}

function operandProblems(leaf: Leaf, called: ResolvedCommand, line: ParsedLine): readonly Problem[] {
  const { operands: wanted } = leaf.spec;
  const { operands } = line;
  const path = called.path.join(" ");
  const most = wanted?.most ?? 0;
  const surplus = operands.slice(most);
  const problems = surplus.map((word) =>
    usageError(
      `Stray argument ${operandShown(word, line)}`,
      most === 0
        ? `${path} takes flags alone; quote a value that has blanks`
        : `${path} takes ${most === 1 ? "one" : `at most ${most}`} ${wanted?.name ?? ""}`,
      "stray-argument",
    ),
  );
  if (wanted !== undefined && operands.length < wanted.least) {
    problems.push(
      usageError(`Missing ${wanted.name} after ${path}`, `${path} --help shows how it is written`, "missing-argument"),
    );
  }
  return problems;
}

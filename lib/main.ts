import type { Host, Output } from "./adapters/host.ts";
import { type Context, isGroup, isLeaf, type Leaf, type Shown, type Spec, type Start } from "./commands/command.ts";
import { credentialNames } from "./commands/credentials.ts";
import { ROOT } from "./commands/index.ts";
import { childrenOf, PARENT_ROWS, type Place, walk } from "./commands/tree.ts";
import { asksForHelp, type FlagValues, type ParsedLine, parseFlags, shownWord } from "./core/flags.ts";
import { toJson } from "./core/json.ts";
import { recipientProblems } from "./core/keysource.ts";
import { createRenderer, type Format, isJson, parseFormat, toolsFor, writesAll } from "./core/output.ts";
import { BY_SIGNAL, EXIT, type ExitName, Problem, usage } from "./core/problem.ts";
import { DRY_RUN, ENDPOINT, FORMAT, GENERAL_FLAGS, HELP, QUIET, VERBOSE } from "./core/rows.ts";
import { runtimeProblem } from "./core/runtime.ts";
import { nearest, printable, quoted } from "./core/text.ts";
import { type ProgressBar, progressBar } from "./progress.ts";
import { caProblems, NO_CONFIG, readConfig, readServer } from "./settings.ts";
import { type Render, writeResult, writeText } from "./writing.ts";

/** Several things that are wrong at once, told together. */
class Problems extends Error {
  override readonly name = "Problems";
  readonly all: readonly Problem[];

  constructor(all: readonly Problem[]) {
    super(all.map((problem) => problem.message).join("; "));
    this.all = all;
  }
}

/** Milliseconds that text on its way gets at an end by a signal. */
const LAST_WORDS = 500;

/** Runs one command line to its end and gives the exit status; the one place that catches and writes. */
export async function main(host: Host): Promise<number> {
  const ending = new AbortController();
  let signalled: number | undefined;
  let over = false;
  host.onEnding((number) => {
    signalled ??= BY_SIGNAL + number;
    if (!ending.signal.aborted) ending.abort(new Problem("Interrupted", { code: "interrupted", exit: "failed" }));
    // Text that nobody reads may still be on its way then, and keeps the process.
    if (over) void leave(host, signalled);
  });
  const run: Run = { host, ending, critical: 0, json: false, stays: false, stuck: false, bar: progressBar(host) };
  let exit: number;
  try {
    exit = EXIT[await untilEnded(run, perform(run))];
    if (signalled !== undefined && !run.stays) exit = signalled;
  } catch (error) {
    exit = EXIT[await tell(run, error)];
    if (signalled !== undefined && !(error instanceof Problem && error.code === "undelivered")) exit = signalled;
  }
  over = true;
  // Nothing that still waits (for standard input, or for a reader that stands still) may hold the end up.
  if (signalled !== undefined || run.stuck) await leave(host, exit);
  return exit;
}

/** Ends the process, with a moment for what is still on its way. */
async function leave(host: Host, exit: number): Promise<void> {
  const written = Promise.allSettled([host.stdout.write(""), host.stderr.write("")]);
  await Promise.race([written, host.sleep(LAST_WORDS)]);
  host.exit(exit);
}

interface Run {
  readonly host: Host;
  readonly ending: AbortController;
  /** How many pieces of work are under way that must come to their own end. */
  critical: number;
  /** Whether a signal is the way in which the command ends. */
  stays: boolean;
  /** Whether something was given up that would hold the process. */
  stuck: boolean;
  /** Whether errors are told as JSON. */
  json: boolean;
  readonly bar: ProgressBar;
}

/** Gives up waiting for work at a signal, unless a client may be half made. */
function untilEnded<T>(run: Run, work: Promise<T>): Promise<T> {
  const { signal } = run.ending;
  return new Promise((resolve, reject) => {
    work.then(resolve, reject);
    const stop = (): void => {
      // Work that heard the signal itself gets a moment to end in its own words.
      setTimeout(() => {
        if (run.critical === 0) reject(signal.reason);
      }, 50);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

async function resolve(words: readonly string[]): Promise<Place> {
  const place = await walk(words);
  const { path, command, words: before, stray } = place;
  if (stray === undefined || isLeaf(command)) return place;
  const line = parseFlags([...before, stray], PARENT_ROWS, "", NOTHING);
  // A flag that is wrong explains why the word behind it was taken for a command.
  if (line.problems.length > 0) throw new Problems(line.problems);
  throw unknownCommand(path, stray, line, [
    ...Object.keys(await childrenOf(command)),
    ...Object.keys(command.group.aliases),
  ]);
}

function unknownCommand(path: readonly string[], word: string, line: ParsedLine, known: readonly string[]): Problem {
  const meant = nearest(word, known);
  const parent = path.join(" ");
  return usage(
    `Unknown command ${operandShown(word, line)} after ${parent}`,
    meant === undefined ? `${parent} --help lists the commands` : `did you mean ${parent} ${meant}?`,
    "unknown-command",
  );
}

/** The first word of a completion script's question, which is no command for people. */
const COMPLETE = "__complete";

async function answerShell(run: Run): Promise<ExitName> {
  const { answer } = await import("./commands/completion.ts");
  const { host } = run;
  const output = (args: readonly string[]): Promise<string> => captured(run, args);
  await host.stdout.write(await answer(host.args.slice(1), { environment: host.environment, output }));
  return "done";
}

/** What another command line writes to standard output, as far as it gets; its errors are not told. */
async function captured(run: Run, args: readonly string[]): Promise<string> {
  let text = "";
  const into = (write: Output["write"]): Output => ({ isTerminal: false, columns: undefined, write });
  const stdout = into(async (part) => {
    text += part;
  });
  const stderr = into(async () => {});
  await perform({ ...run, host: { ...run.host, args, stdout, stderr } }).catch(() => {});
  return text;
}

async function perform(run: Run): Promise<ExitName> {
  const { host } = run;
  const unsafe = runtimeProblem(host.environment);
  if (unsafe !== undefined) throw unsafe;
  if (host.args[0] === COMPLETE) return answerShell(run);
  // Reading the words over all rows costs a start a part of its time, so it waits for a word that could matter.
  if (mention(host.args, "format")) {
    run.json = jsonWanted(parseFlags(host.args, PARENT_ROWS, "", NOTHING).values.text(FORMAT));
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
    (mention(words, "h") && asksForHelp(words, isGroup(command) ? [...GENERAL_FLAGS] : command.spec.flags, HELP));
  if (help) return showHelp(host, called);
  if (isGroup(command)) {
    if (called.path.length === 1 && words.length === 1 && words[0] === "--version") {
      return perform({ ...run, host: { ...host, args: ["version"] } });
    }
    if (called.path.length === 1 && words.length === 0) return showHelp(host, called);
    const { problems } = parseFlags(words, PARENT_ROWS, "", NOTHING);
    if (problems.length > 0) throw new Problems(problems);
    throw usage(
      `Missing command after ${called.path.join(" ")}`,
      `${called.path.join(" ")} --help lists the commands`,
      "missing-command",
    );
  }
  return execute(run, called, command);
}

/** Whether any word that is a flag has this in it. */
function mention(words: readonly string[], text: string): boolean {
  return words.some((word) => word.startsWith("-") && word.includes(text));
}

const NOTHING = { environment: () => undefined, file: () => undefined };

async function showHelp(host: Host, called: Place): Promise<ExitName> {
  const { renderHelp } = await import("./core/help.ts");
  const { pageOf } = await import("./commands/pages.ts");
  await writeText(host, renderHelp(await pageOf(called), helpWidth(host), colorWanted(host, host.stdout)));
  return "done";
}

/** Shows the topic of the manual that a word behind `help` names; undefined where it names none. */
async function showTopic(host: Host, name: string): Promise<ExitName | undefined> {
  const { TOPICS } = await import("./core/topics.ts");
  const topic = TOPICS.find((known) => known.name === name);
  if (topic === undefined) {
    const names = TOPICS.map((known) => known.name);
    const meant = nearest(name, [...Object.keys(await childrenOf(ROOT)), ...names]);
    if (meant === undefined || !names.includes(meant)) return undefined;
    throw usage(`There is no help about ${shownWord(name)}`, `did you mean hydra help ${meant}?`, "unknown-topic");
  }
  const { topicText } = await import("./core/manual.ts");
  await writeText(host, topicText(topic, helpWidth(host), colorWanted(host, host.stdout)));
  return "done";
}

function helpWidth(host: Host): number {
  return Math.min(host.stdout.columns ?? host.stderr.columns ?? 80, 120);
}

function colorWanted(host: Host, to: Output): boolean {
  return to.isTerminal && (host.environment("NO_COLOR") ?? "") === "" && host.environment("TERM") !== "dumb";
}

async function execute(run: Run, called: Place, leaf: Leaf): Promise<ExitName> {
  const { host } = run;
  const { spec } = leaf;
  const name = called.path.slice(1).join(" ");
  const say =
    (prefix: string) =>
    (line: string): void => {
      host.stderr.write(`${run.bar.away()}${prefix}${printable(line)}\n`).catch(() => {});
    };
  const warn = say("Warning: ");
  const { environment } = host;
  const bare = parseFlags(called.words, spec.flags, name, { environment, file: NOTHING.file });
  run.json = bare.values.origin(FORMAT).from === "flag" && jsonWanted(bare.values.text(FORMAT));
  const config = await readConfig(host, bare.values, spec.server !== false || spec.flags.includes(FORMAT));
  const line =
    config === NO_CONFIG ? bare : parseFlags(called.words, spec.flags, name, { environment, file: config.file });
  const { values } = line;
  const problems: Problem[] = [...line.problems, ...operandProblems(leaf, called, line)];
  const format = readFormat(values, spec.format[called.grammar], problems);
  problems.push(...formatProblems(format, values, spec));
  // Only a format that was asked for speaks of a program as the reader; the default of a command does not.
  if (format !== undefined) run.json = (values.given(FORMAT) || config.file("format") !== undefined) && isJson(format);
  const reading =
    spec.server === true || (spec.server === "if-asked" && values.given(ENDPOINT))
      ? await readServer(host, values, config, problems)
      : undefined;
  problems.push(...recipientProblems(values), ...(reading?.problems ?? []));
  const detail = values.on(VERBOSE) ? say("") : (): void => {};
  host.onConsole(detail);
  for (const warning of [...config.warnings(values), ...line.warnings, ...(reading?.warnings ?? [])]) warn(warning);
  for (const key of config.unknown) detail(`Config file: unknown key ${quoted(key)} is ignored`);
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
    many,
    tools,
    names: credentialNames({ values }),
    ...(live ? { settleAfter: 1 } : {}),
  });
  const { connect } = await import("./wiring.ts");
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
    faulty: problems.length > 0,
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
      host.stderr.write(`${run.bar.away()}${told(run, [problem])}`).catch(() => {});
    },
    // A line that was not understood is no ground to judge the client that it seems to describe.
    warn: problems.some(({ code }) => NOT_UNDERSTOOD.has(code)) ? () => {} : warn,
    note: say(""),
    detail,
    shows: (view, item, text) => {
      if (needed.kind === "id") return false;
      if (writesAll(needed)) return true;
      const written = (shown: Shown): string => {
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
    critical: async (work) => {
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
  run.stays = result.stays === true;
  const written = (): Promise<ExitName> =>
    writeResult(host, run.ending.signal, result.format ?? needed, result, render, say(""));
  return result.undelivered === undefined && result.stays !== true ? written() : context.critical(written);
}

/** Lets a command read its input; what it cannot go on without is told with all that is known to be wrong. */
async function begin(spec: Spec, context: Context, problems: readonly Problem[]): Promise<Start> {
  try {
    return await spec.start(context);
  } catch (error) {
    if (error instanceof Problem && error.exit === "usage") throw new Problems([...problems, error]);
    throw error;
  }
}

/** The problem of a format about credentials for a command that has none, which would write something else as them. */
function formatProblems(format: Format | undefined, values: FlagValues, spec: Spec): readonly Problem[] {
  const kind = format?.kind;
  if (kind !== "env" && kind !== "k8s-secret") return [];
  const dry = values.given(DRY_RUN);
  if (!dry && (spec.credentials === "secrets" || (spec.credentials === "ids" && kind === "env"))) return [];
  const what = kind === "env" ? "client" : "secret";
  return [
    usage(
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

function jsonWanted(text: string | undefined): boolean {
  try {
    return text !== undefined && isJson(parseFormat(text));
  } catch {
    return false;
  }
}

function readFormat(values: FlagValues, fallback: string, problems: Problem[]): Format | undefined {
  const text = values.text(FORMAT);
  try {
    if (values.on(QUIET)) {
      if (values.origin(FORMAT).from === "flag" && text !== "id") {
        throw usage(
          `${values.origin(QUIET).name} and --format ${quoted(text ?? "")} exclude each other`,
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
    yaml: () => import("./adapters/yaml.ts").then(({ yamlWriter }) => yamlWriter()),
    jsonpath: (text) => import("./adapters/jsonpath.ts").then(({ compileJsonPath }) => compileJsonPath(text)),
  });
}

/** How a message shows a word that is no flag: not at all where it may be the rest of a credential. */
function operandShown(word: string, line: ParsedLine): string {
  return line.concealed.has(word) ? "(not shown)" : shownWord(word);
}

function operandProblems(leaf: Leaf, called: Place, line: ParsedLine): readonly Problem[] {
  const { operands: wanted } = leaf.spec;
  const { operands } = line;
  const path = called.path.join(" ");
  const most = wanted?.most ?? 0;
  const surplus = operands.slice(most);
  const problems = surplus.map((word) =>
    usage(
      `Stray argument ${operandShown(word, line)}`,
      most === 0
        ? `${path} takes flags alone; quote a value that has blanks`
        : `${path} takes ${most === 1 ? "one" : `at most ${most}`} ${wanted?.name ?? ""}`,
      "stray-argument",
    ),
  );
  if (wanted !== undefined && operands.length < wanted.least) {
    problems.push(
      usage(`Missing ${wanted.name} after ${path}`, `${path} --help shows how it is written`, "missing-argument"),
    );
  }
  return problems;
}

/** Tells what went wrong on stderr and gives the exit status for it. */
async function tell(run: Run, error: unknown): Promise<ExitName> {
  const all = error instanceof Problems ? error.all : [error instanceof Problem ? error : unexpected(run.host, error)];
  const text = told(run, all);
  const { host, ending } = run;
  const written = host.stderr.write(`${run.bar.away()}${text}`).catch(() => {});
  // A signal ends the wait for someone who does not read standard error.
  const hurried = new Promise<void>((resolve) => {
    const wait = (): void => {
      host.sleep(LAST_WORDS).then(resolve, resolve);
    };
    if (ending.signal.aborted) wait();
    else ending.signal.addEventListener("abort", wait, { once: true });
  });
  await Promise.race([written, hurried]);
  const [first] = all;
  return first?.exit ?? "failed";
}

function told(run: Run, all: readonly Problem[]): string {
  return run.json
    ? `${toJson(asJson(all))}\n`
    : all
        .flatMap(({ message, hint, also }) => [
          `Error: ${message}`,
          ...also.map((line) => `  ${line}`),
          ...(hint === undefined ? [] : [`Hint: ${hint}`]),
        ])
        .map((line) => `${printable(line)}\n`)
        .join("");
}

function asJson(all: readonly Problem[]): Record<string, unknown> {
  const [first, ...others] = all.map(({ code, message, hint, status, request, also }) => ({
    error: code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(status === undefined ? {} : { status }),
    ...(request === undefined ? {} : { request }),
    ...(also.length === 0 ? {} : { also }),
  }));
  return { ...first, ...(others.length === 0 ? {} : { more: others }) };
}

/** A fault of the program itself: told without a stack, which could hold anything; the trace is for `HYDRA_DEBUG`. */
function unexpected(host: Host, error: unknown): Problem {
  const kind = error instanceof Error ? error.name : typeof error;
  const trace =
    (host.environment("HYDRA_DEBUG") ?? "") !== "" && error instanceof Error ? `\n${error.stack ?? ""}` : "";
  return new Problem(`Unexpected failure (${kind})${trace}`, {
    code: "unexpected",
    exit: "failed",
    hint: "run it again with HYDRA_DEBUG=1 and report what it prints, after a look for secrets in it",
    cause: error,
  });
}

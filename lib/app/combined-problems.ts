import type { Host } from "../adapters/host.ts";
import { type Group, isGroup } from "../command.ts";
import { ROOT } from "../commands/index.ts";
import { toTerminalSafeJson } from "../core/json/json.ts";
import { adviceInSyntax, Problem, withMessage } from "../core/problem.ts";
import { escapeControls } from "../core/text.ts";
import type { RunState } from "./run-state.ts";
import { PLAIN_STYLE, type StreamStyle } from "./terminal-style.ts";

/** Several things that are wrong at once, reported together. */
export class CombinedProblems extends Error {
  override readonly name = "CombinedProblems";
  readonly all: readonly Problem[];

  constructor(all: readonly Problem[]) {
    super(all.map((problem) => problem.message).join("; "));
    this.all = all;
  }
}

/** Problems as standard error shows them: lines for a person, or one JSON object for a program. */
export function formatProblems(
  problems: readonly Problem[],
  { json, syntax }: Pick<RunState, "json" | "syntax">,
  style = PLAIN_STYLE,
): string {
  const all = problems.map((problem) =>
    problem.hint === undefined
      ? problem
      : withMessage(problem, problem.message, { hint: adviceInSyntax(problem.hint, syntax) }),
  );
  if (json) return `${toTerminalSafeJson(problemsAsJson(all))}\n`;
  const { paint, wrap } = style;
  return all
    .flatMap(({ message, hint, details }) => [
      `${paint("error", "Error:")} ${escapeControls(message)}`,
      ...details.map((line) => `  ${escapeControls(line)}`),
      ...(hint === undefined ? [] : [`${paint("note", "Hint:")} ${paintCommandsInHint(escapeControls(hint), style)}`]),
    ])
    .map((line) => `${wrap(line)}\n`)
    .join("");
}

/** The names of a group's commands and of those below it, with their aliases. */
function commandNames({ subCommands = {}, group: { aliases } }: Group): readonly string[] {
  const below = Object.entries(subCommands).flatMap(([name, child]) =>
    typeof child === "object" && isGroup(child) ? [name, ...commandNames(child)] : [name],
  );
  return [...below, ...Object.keys(aliases)];
}

/** A command line of this program up to its first value, and flags. */
function commandPattern(): RegExp {
  const names = [...new Set(commandNames(ROOT))].join("|");
  const command = `\\bhydra(?: (?:help [a-z-]+|(?:${names})(?![\\w-])))*(?: -{1,2}[a-z][a-z-]*)*`;
  return new RegExp(`${command}|(?<![\\w-])--[a-z][a-z-]*(?:=[\\w.-]+)?`, "g");
}

let pattern: RegExp | undefined;

/** Gives the commands in a hint their color. */
function paintCommandsInHint(hint: string, { paint }: StreamStyle): string {
  pattern ??= commandPattern();
  // biome-ignore lint/plugin: only its color depends on it
  return hint.replace(pattern, (command) => paint("command", command));
}

function problemsAsJson(all: readonly Problem[]): Record<string, unknown> {
  const [first, ...others] = all.map(({ code, message, hint, status, request, details }) => ({
    error: code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(status === undefined ? {} : { status }),
    ...(request === undefined ? {} : { request }),
    ...(details.length === 0 ? {} : { also: details }),
  }));
  return { ...first, ...(others.length === 0 ? {} : { more: others }) };
}

/** The problems of anything thrown; what is not a problem is a bug in the program. */
export function toProblems(error: unknown, { environment }: Pick<Host, "environment">): readonly Problem[] {
  if (error instanceof CombinedProblems) return error.all;
  return [
    error instanceof Problem ? error : unexpectedFailureProblem(error, (environment("HYDRA_DEBUG") ?? "") !== ""),
  ];
}

/** The problem of a bug in the program. A stack could contain anything, so it is shown only when asked for. */
function unexpectedFailureProblem(error: unknown, showStack: boolean): Problem {
  const kind = error instanceof Error ? error.name : typeof error;
  const stack = showStack && error instanceof Error ? `\n${error.stack ?? ""}` : "";
  return new Problem(`Unexpected failure (${kind})${stack}`, {
    code: "unexpected",
    hint: "run it again with HYDRA_DEBUG=1, check the output for secrets and report it",
    cause: error,
  });
}

import type { Context } from "../command.ts";
import { adviceInSyntax } from "../core/problem.ts";
import { escapeControls } from "../core/text.ts";
import { formatProblems } from "./combined-problems.ts";
import type { RunState } from "./run-state.ts";
import { stderrStyle } from "./terminal-style.ts";

/** What a command writes to standard error. */
export type ContextMessages = Pick<Context, "fail" | "warn" | "note" | "noteChange" | "tell" | "detail">;

/**
 * The messages of one command.
 *
 * @param isQuiet whether advice and notes are left out; asked only when there are some.
 */
export function createMessages(
  run: Pick<RunState, "host" | "bar" | "json" | "syntax">,
  isQuiet: () => boolean,
): ContextMessages {
  const style = stderrStyle(run.host);
  const { paint, wrap } = style;
  const write = (text: string): void => {
    run.host.stderr.write(`${run.bar.away()}${text}`).catch(() => {});
  };
  const detail = (line: string): void => write(`${paint("note", wrap(escapeControls(line)))}\n`);
  return {
    detail,
    tell(line, role) {
      const safe = escapeControls(line);
      write(`${role === undefined ? safe : paint(role, safe)}\n`);
    },
    note(line) {
      if (!isQuiet()) detail(adviceInSyntax(line, run.syntax));
    },
    noteChange(field, before, after) {
      if (isQuiet()) return;
      const sides = `${paint("removed", escapeControls(before))} → ${paint("added", escapeControls(after))}`;
      write(`${wrap(`${escapeControls(field)}: ${sides}`)}\n`);
    },
    warn(line, kind) {
      if (kind !== undefined && isQuiet()) return;
      write(`${wrap(`${paint("warning", "Warning:")} ${escapeControls(adviceInSyntax(line, run.syntax))}`)}\n`);
    },
    fail: (problem) => write(formatProblems([problem], run, style)),
  };
}

import type { TextRole } from "../core/output/colors.ts";
import type { Problem } from "../core/problem.ts";
import { escapeControls } from "../core/text.ts";
import { formatProblems } from "./combined-problems.ts";
import type { RunState } from "./run-state.ts";
import { type StreamStyle, stderrStyle } from "./terminal-style.ts";

/** What one command writes to standard error. */
export class Messages {
  readonly #run: Pick<RunState, "host" | "bar" | "json">;
  /** Whether advice and notes are left out; asked only when there are some. */
  readonly #isQuiet: () => boolean;

  readonly #style: StreamStyle;

  constructor(run: Pick<RunState, "host" | "bar" | "json">, isQuiet: () => boolean) {
    this.#run = run;
    this.#isQuiet = isQuiet;
    this.#style = stderrStyle(run.host);
  }

  /** A line that was asked for, as by `-v`. */
  readonly detail = (line: string): void => {
    const { paint, wrap } = this.#style;
    this.#write(`${paint("note", wrap(escapeControls(line)))}\n`);
  };

  /** A line of a dialogue with a person: never left out, and not broken, so that it can be copied. */
  readonly tell = (line: string, role?: TextRole): void => {
    const safe = escapeControls(line);
    this.#write(`${role === undefined ? safe : this.#style.paint(role, safe)}\n`);
  };

  readonly note = (line: string): void => {
    if (!this.#isQuiet()) this.detail(line);
  };

  readonly noteChange = (field: string, before: string, after: string): void => {
    if (this.#isQuiet()) return;
    const { paint, wrap } = this.#style;
    const sides = `${paint("removed", escapeControls(before))} → ${paint("added", escapeControls(after))}`;
    this.#write(`${wrap(`${escapeControls(field)}: ${sides}`)}\n`);
  };

  readonly warn = (line: string, kind?: "advice"): void => {
    if (kind !== undefined && this.#isQuiet()) return;
    const { paint, wrap } = this.#style;
    this.#write(`${wrap(`${paint("warning", "Warning:")} ${escapeControls(line)}`)}\n`);
  };

  /** Reports a failure that doesn't end the command. */
  readonly fail = (problem: Problem): void => this.#write(formatProblems([problem], this.#run.json, this.#style));

  #write(text: string): void {
    const { host, bar } = this.#run;
    host.stderr.write(`${bar.away()}${text}`).catch(() => {});
  }
}

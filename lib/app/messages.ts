import type { Problem } from "../core/problem.ts";
import { escapeControls } from "../core/text.ts";
import { problemsText } from "./report.ts";
import type { Run } from "./run-state.ts";

/** What one command writes to standard error. */
export class Messages {
  readonly #run: Pick<Run, "host" | "bar" | "json">;

  constructor(run: Pick<Run, "host" | "bar" | "json">) {
    this.#run = run;
  }

  readonly note = (line: string): void => this.#write(`${escapeControls(line)}\n`);

  readonly warn = (line: string): void => this.#write(`Warning: ${escapeControls(line)}\n`);

  /** Reports a failure that doesn't end the command. */
  readonly fail = (problem: Problem): void => this.#write(problemsText([problem], this.#run.json));

  #write(text: string): void {
    const { host, bar } = this.#run;
    host.stderr.write(`${bar.away()}${text}`).catch(() => {});
  }
}

import type { CheckedCommand, CommandResult } from "../command.ts";
import { collectProblem, type Problem } from "../core/problem.ts";

/** Reads the parts of a command line one after another, so that all usage errors are reported at once. */
export class InputProblemCollector {
  readonly problems: Problem[] = [];

  /** Reads one part; undefined if it has an error. */
  read<T>(part: () => Promise<T> | T): Promise<T | undefined> {
    return collectProblem(this.problems, part, "usage");
  }

  /** The command with the input that it can't do without; undefined if that has an error. */
  command<T>(input: T | undefined, run: (input: T) => Promise<CommandResult>): CheckedCommand {
    const { problems } = this;
    return { problems, run: () => (input === undefined ? Promise.reject(problems[0]) : run(input)) };
  }
}

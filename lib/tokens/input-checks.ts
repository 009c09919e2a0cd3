import type { CheckedCommand, Result } from "../command.ts";
import { Problem } from "../core/problem.ts";

/** Reads the parts of a command line one after another, so that all usage errors are reported at once. */
export class InputChecks {
  readonly problems: Problem[] = [];

  /** Reads one part; undefined where it has an error. */
  async read<T>(part: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await part();
    } catch (error) {
      if (!(error instanceof Problem) || error.exit !== "usage") throw error;
      this.problems.push(error);
      return undefined;
    }
  }

  /** The command with the input that it can't do without; undefined where that has an error. */
  command<T>(input: T | undefined, run: (input: T) => Promise<Result>): CheckedCommand {
    const { problems } = this;
    return { problems, run: () => (input === undefined ? Promise.reject(problems[0]) : run(input)) };
  }
}

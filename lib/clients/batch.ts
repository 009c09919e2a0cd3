import type { Context } from "../command.ts";
import { EXIT, type ExitName, Problem } from "../core/problem.ts";

/** Work on several things, of which one that fails does not stop the rest. */
export class Batch {
  readonly #context: Pick<Context, "fail" | "signal">;
  readonly #total: number;
  #failures: Problem[] = [];

  /** @param total how many things there are; with one, its own failure is the end of the command. */
  constructor(context: Pick<Context, "fail" | "signal">, total: number) {
    this.#context = context;
    this.#total = total;
  }

  get failures(): number {
    return this.#failures.length;
  }

  /** Does one thing; a failure is told on stderr and remembered, an interruption ends it all. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.#context.signal.aborted || this.#total === 1 || !(error instanceof Problem)) throw error;
      this.fail(error);
      return undefined;
    }
  }

  /** Tells and remembers a failure. */
  fail(problem: Problem): void {
    this.#failures.push(problem);
    this.#context.fail(problem);
  }

  /** The status that the command ends with: that of an only thing, or that some of many failed. */
  exit(): ExitName {
    const [first] = this.#failures;
    if (first === undefined) return "done";
    return this.#total === 1 && first.exit in EXIT ? first.exit : "someFailed";
  }
}

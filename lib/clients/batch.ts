import type { CommandResult, Context } from "../command.ts";
import { CONCURRENCY } from "../core/flags/shared-flags.ts";
import type { JsonObject } from "../core/json/json.ts";
import {
  EXIT_CODES,
  type ExitName,
  Problem,
  unwrittenResultProblem,
  usageErrorIf,
  withMessage,
} from "../core/problem.ts";
import { joinWords } from "../core/text.ts";

/** The problem of a `--concurrency` that no server could take. */
export function concurrencyFlagProblems({ values }: Pick<Context, "values">): readonly Problem[] {
  const concurrency = values.number(CONCURRENCY);
  const isWrong = concurrency < 1 || concurrency > 256;
  return usageErrorIf(
    isWrong,
    `--concurrency ${concurrency} is not from 1 to 256`,
    "8 suits most servers",
    "bad-value",
  );
}

/** After so many items in a row that found no server, the others would not find it either. */
const UNREACHABLE_ITEMS_BEFORE_STOP = 8;

/** Work on several items, in which a failure of one doesn't stop the others. */
export class BatchRun {
  readonly #context: Pick<Context, "fail" | "signal">;
  readonly #total: number;
  #failures: Problem[] = [];
  #unreachableInARow = 0;
  #attempts = 0;

  /** @param total the number of items; with a single one, its failure ends the command. */
  constructor(context: Pick<Context, "fail" | "signal">, total: number) {
    this.#context = context;
    this.#total = total;
  }

  get failures(): number {
    return this.#failures.length;
  }

  /** Whether the server could not be reached for so long that no more items should be started. */
  get isServerGone(): boolean {
    return this.#unreachableInARow >= UNREACHABLE_ITEMS_BEFORE_STOP;
  }

  /**
   * Works on items one after the other, and gives the results of those that succeed. Ends once the server is gone, since each
   * of the others would wait for the whole time limit too.
   */
  async *inOrder<Item, Done extends object>(
    { warn }: Pick<Context, "warn">,
    items: readonly Item[],
    work: (item: Item) => Promise<Done>,
  ): AsyncGenerator<Done> {
    for (const item of items) {
      if (this.isServerGone) {
        warn(`the server can't be reached, so ${this.#total - this.#attempts} of ${this.#total} were not started`);
        return;
      }
      const done = await this.attempt(() => work(item));
      if (done === undefined) continue;
      this.succeed();
      yield done;
    }
  }

  /** Counts an item that succeeded. */
  succeed(): void {
    this.#unreachableInARow = 0;
  }

  /** Works on one item. A failure is reported and counted; an interruption ends the whole batch. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.#attempts++;
    try {
      return await work();
    } catch (error) {
      if (this.#context.signal.aborted || this.#total === 1 || !(error instanceof Problem)) throw error;
      this.fail(error);
      return undefined;
    }
  }

  /** Reports and counts a failure. */
  fail(problem: Problem): void {
    this.#failures.push(problem);
    this.#unreachableInARow = problem.exit === "unreachable" ? this.#unreachableInARow + 1 : 0;
    this.#context.fail(problem);
  }

  /** The problem of deletions whose results could not be written; `gone` says what was deleted. */
  unwrittenDeletions(reason: unknown, gone: readonly string[]): Problem {
    const left = this.#total - this.#attempts;
    const done = `deleted anyway: ${joinWords(gone)}${left === 0 ? "" : `; not started: ${left}`}`;
    const hint =
      left === 0 ? "check where standard output goes" : "run it again for the rest, with a writable destination";
    const problem = unwrittenResultProblem(reason, done, hint);
    return this.#failures.length === 0 ? problem : withMessage(problem, problem.message, { exit: "someFailed" });
  }

  /** The exit code of the command: that of the only item, or "some of many failed". */
  exit(): ExitName {
    const [first] = this.#failures;
    if (first === undefined) return "done";
    return this.#total === 1 && first.exit in EXIT_CODES ? first.exit : "someFailed";
  }
}

/** How far an {@link OrderedPool} goes. */
interface PoolOptions {
  /** How many items are worked on at once. */
  readonly concurrency: number;
  /** Once aborted, no more items are started; those under way finish. */
  readonly signal: AbortSignal;
}

/** How many outcomes may wait for a slow item ahead of them, as a multiple of the concurrency. */
const READY_AHEAD_FACTOR = 4;

/** Works on items concurrently and yields the outcomes in the order of the items. Memory stays bounded. */
export class OrderedPool<Item, Outcome> implements AsyncIterable<Outcome> {
  readonly #items: readonly Item[];
  readonly #work: (item: Item) => Promise<Outcome>;
  readonly #options: PoolOptions;
  /** The work whose outcome hasn't been taken yet, finished or not. */
  readonly #pending: Promise<Outcome>[] = [];
  #next = 0;
  #active = 0;
  #stopped = false;

  constructor(items: readonly Item[], work: (item: Item) => Promise<Outcome>, options: PoolOptions) {
    this.#items = items;
    this.#work = work;
    this.#options = options;
  }

  /** How many items haven't been started. */
  get notStarted(): number {
    return this.#items.length - this.#next;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Outcome> {
    this.#startMore();
    for (let head = this.#pending.shift(); head !== undefined; head = this.#pending.shift()) {
      const outcome = await head;
      this.#startMore();
      yield outcome;
    }
  }

  /** Starts no more items and waits for those under way; returns the outcomes that nobody has taken. */
  stop(): Promise<readonly Outcome[]> {
    this.#stopped = true;
    return Promise.all(this.#pending);
  }

  #startMore(): void {
    while (this.#mayStart()) {
      const item = this.#items[this.#next++];
      if (item === undefined) return;
      this.#active++;
      const work = this.#work(item).finally(() => {
        this.#active--;
        this.#startMore();
      });
      // The code that takes the outcome gets the rejection; until then it must not count as unhandled.
      work.catch(() => {});
      this.#pending.push(work);
    }
  }

  #mayStart(): boolean {
    const { concurrency, signal } = this.#options;
    return (
      !this.#stopped &&
      !signal.aborted &&
      this.#next < this.#items.length &&
      this.#active < concurrency &&
      this.#pending.length < concurrency * READY_AHEAD_FACTOR
    );
  }
}

/** Works on all items, so many at once, whatever signals come; returns the outcomes in the order of the items. */
export async function mapConcurrently<Item, Outcome>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const pool = new OrderedPool(items, work, { concurrency, signal: new AbortController().signal });
  for await (const outcome of pool) outcomes.push(outcome);
  return outcomes;
}

/** The result of deletions one after the other, each reported at once; `describe` names an item whose report nobody saw. */
export function deletionResult(
  batch: BatchRun,
  result: Pick<CommandResult, "view" | "isList" | "items">,
  describe: (item: JsonObject) => string,
): CommandResult {
  return {
    ...result,
    exit: () => batch.exit(),
    unbuffered: true,
    undelivered: async (lost, reason) =>
      batch.unwrittenDeletions(
        reason,
        lost.map(({ item }) => describe(item)),
      ),
  };
}

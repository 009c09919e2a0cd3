import type { SharedRecoveryFile } from "../adapters/recovery-store.ts";
import type { CommandResult, Context, UnwrittenItem } from "../command.ts";
import { idOf } from "../core/client/client.ts";
import { CONCURRENCY } from "../core/flags/shared-flags.ts";
import type { JsonObject } from "../core/json/json.ts";
import { isInSelection, splitSelection } from "../core/output/formats.ts";
import { type ExitName, Problem, safeErrorReason, withMessage } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { createSharedCleanupAdminFactory } from "./admin-deadlines.ts";
import { BatchRun, mapConcurrently, type OrderedPool } from "./batch.ts";
import { firstLinesAndCount } from "./draft/client-files.ts";
import type { PendingDelivery } from "./secrets/credentials-to-deliver.ts";

/** What counting and recovering needs of the context. */
type ResultContext = Pick<Context, "values" | "fail" | "format" | "signal" | "note">;

/** How one of many clients ended. */
export interface ClientOutcome {
  readonly outcome: string;
  /** The result of this client. */
  readonly shown: JsonObject;
  readonly problem?: Problem;
  /** For a secret that the result delivers. */
  readonly delivery?: Pick<PendingDelivery, "delivered" | "hidden"> &
    Partial<Pick<PendingDelivery, "undelivered">> & { readonly secret: string };
}

/** The outcomes after which a client is as it was. */
const WITHOUT_CHANGE: ReadonlySet<string> = new Set(["unchanged", "skipped", "failed", "delivered"]);

/** What the results of a command with many clients are made of. */
interface BatchResultsInput<Outcome extends ClientOutcome> {
  /** How the summary begins. */
  readonly name: "Import" | "Apply";
  /** The outcomes in the order of the summary, and how it calls them. */
  readonly words: readonly (readonly [outcome: Outcome["outcome"], word: string])[];
  readonly pools: readonly Pick<OrderedPool<unknown, Outcome>, "stop" | "notStarted">[];
  readonly log: SharedRecoveryFile | undefined;
  /** How many clients there are. */
  readonly total: number;
  /** Called when standard output can't be written, once no more clients are worked on. */
  readonly settle?: () => Promise<void>;
}

/** The results of many clients: each is counted, then delivered or recovered, and all are summed up at the end. */
export class BatchResults<Outcome extends ClientOutcome> {
  readonly #context: ResultContext;
  readonly #work: BatchResultsInput<Outcome>;
  readonly #batch: BatchRun;
  readonly #counts = new Map<string, number>();
  /** The outcomes whose results haven't been written yet. */
  #selection: { readonly text: string; readonly parts: ReadonlySet<string> } | undefined;
  readonly #unwritten = new Map<JsonObject, Outcome>();

  constructor(context: ResultContext, work: BatchResultsInput<Outcome>) {
    this.#context = context;
    this.#work = work;
    this.#batch = new BatchRun(context, work.total);
  }

  get failures(): number {
    return this.#batch.failures;
  }

  /** Counts an outcome, and reports its problem. */
  count({ outcome, problem }: Outcome): void {
    this.addCount(outcome, 1);
    if (problem === undefined) this.#batch.succeed();
    else this.#batch.fail(problem);
    // Each of the others would wait for the whole time limit too.
    if (this.#batch.isServerGone) void this.#stop();
  }

  /** Counts clients that nothing is done with. */
  addCount(outcome: Outcome["outcome"], count: number): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + count);
  }

  /** Reports a problem of a client that was counted before. */
  fail(problem: Problem): void {
    this.#batch.fail(problem);
  }

  /** The result of an outcome, which is written next. */
  written(outcome: Outcome): JsonObject {
    this.#unwritten.set(outcome.shown, outcome);
    return outcome.shown;
  }

  /** The outcome of a result that is being written. */
  outcomeOf(item: JsonObject): Outcome | undefined {
    return this.#unwritten.get(item);
  }

  /** The command's result, which writes each of these results at once. */
  result(shown: Pick<CommandResult, "view" | "items" | "exit">): CommandResult {
    return {
      ...shown,
      isList: true,
      unbuffered: true,
      delivered: (item, text) => this.#delivered(item, text),
      undelivered: (lost, reason) => this.#undelivered(lost, reason),
    };
  }

  /** A result has been written; an expression may have selected other parts of the list than its secret. */
  #delivered(item: JsonObject, text: string): void {
    const delivery = this.#unwritten.get(item)?.delivery;
    if (delivery !== undefined && "query" in this.#context.format && !this.#isSelected(text, delivery.secret))
      delivery.hidden();
    else delivery?.delivered();
    this.#unwritten.delete(item);
  }

  /** Whether a selection contains a secret. All results of a list are in one selection, which is split once. */
  #isSelected(text: string, secret: string): boolean {
    if (this.#selection?.text !== text) this.#selection = { text, parts: splitSelection(text) };
    return isInSelection(this.#selection.parts, secret);
  }

  /** Reports the summary, once every result has been written, and returns the exit code. */
  finish(): ExitName {
    const { name, words, pools, log } = this.#work;
    log?.close();
    const counts = words.map(([outcome, word]) => [this.#counts.get(outcome) ?? 0, word] as const);
    const rest = pools.reduce((sum, { notStarted }) => sum + notStarted, 0);
    this.#context.note(batchSummaryText(name, [...counts, [rest, "not started"]]));
    return this.#batch.exit();
  }

  async #stop(): Promise<readonly Outcome[]> {
    return (await Promise.all(this.#work.pools.map((pool) => pool.stop()))).flat();
  }

  /** Standard output can't be written: recovers the secrets of the results that are lost, and of those to come. */
  async #undelivered(lostItems: readonly UnwrittenItem[], reason: unknown): Promise<Problem> {
    const late = await this.#stop();
    await this.#work.settle?.();
    // Nothing else reports these problems, and they may name files with a secret.
    for (const { problem } of late) if (problem !== undefined) this.#batch.fail(problem);
    const lost = [...lostItems.flatMap(({ item }) => this.#unwritten.get(item) ?? []), ...late];
    const partlyWritten = new Set(lostItems.filter((one) => one.partlyWritten).map(({ item }) => item));
    const recoveries = lost.flatMap(({ delivery, shown }) =>
      // The copy of an earlier run stays where it is.
      delivery?.undelivered === undefined ? [] : { recover: delivery.undelivered, shown },
    );
    const cleanup = createSharedCleanupAdminFactory();
    const recovered = await mapConcurrently(
      recoveries,
      this.#context.values.number(CONCURRENCY),
      ({ recover, shown }) => recover(reason, partlyWritten.has(shown), cleanup),
    );
    this.#work.log?.close();
    const changed = firstLinesAndCount(
      lost.flatMap(({ delivery, outcome, shown }) =>
        delivery === undefined && !WITHOUT_CHANGE.has(outcome) ? [`client ${quote(idOf(shown))} was ${outcome}`] : [],
      ),
    );
    const [first, ...others] = recovered;
    if (first !== undefined)
      return withMessage(first, first.message, { details: [...others.map(({ message }) => message), ...changed] });
    return new Problem(`Cannot write the result: ${safeErrorReason(reason)}`, {
      code: "unwritable",
      hint: "check where standard output goes",
      details: changed,
    });
  }
}

/** The summary of a command with many clients: `Import: 2 created, 1 failed`. */
export function batchSummaryText(
  name: BatchResultsInput<ClientOutcome>["name"],
  counts: readonly (readonly [count: number, word: string])[],
): string {
  const parts = counts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`]));
  return `${name}: ${parts.length === 0 ? "nothing to do" : parts.join(", ")}`;
}

/** The problem of a client that failed by a bug, which must not end the others. */
export function unexpectedProblem(action: string, error: unknown, hint: string): Problem {
  return new Problem(`${action}: ${safeErrorReason(error)}`, {
    code: "unexpected",
    hint,
    cause: error,
  });
}

/** The members of a client's result that describe its failure. */
export function failureMembers({ code, message, hint = "", status }: Problem): JsonObject {
  return { error: code, message, hint, ...(status === undefined ? {} : { status }) };
}

import type { SharedRecoveryFile } from "../../adapters/recovery-store.ts";
import type { CommandResult, Context } from "../../command.ts";
import { getTextField, idOf } from "../../core/client/client.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { toTerminalSafeJson } from "../../core/json/json.ts";
import { ENCRYPTED_SECRET_FIELD } from "../../core/output/credential-formats.ts";
import { writesEveryField } from "../../core/output/formats.ts";
import type { ResultView } from "../../core/output/render.ts";
import type { ExitName } from "../../core/problem.ts";
import type { StackPlanStep } from "../../core/state/plan.ts";
import type { OrderedPool } from "../batch.ts";
import { BatchResults } from "../batch-results.ts";
import { type ApplyOutcome, unchangedOutcome } from "./apply-client.ts";
import { type SecretPlace, stepSetsSecret } from "./secret-out-places.ts";

function textMemberOrEmpty(item: JsonObject, field: string): string {
  return getTextField(item, field) ?? "";
}

const OUTCOME_WORDS: Readonly<Record<string, string>> = {
  created: "Created",
  changed: "Changed",
  adopted: "Took over",
  deleted: "Deleted",
  unchanged: "Unchanged",
  delivered: "Delivered the secret of",
};

/** The columns that show what became of a client of an apply. */
export const APPLY_VIEW: ResultView<JsonObject> = {
  isAlwaysList: true,
  columns: [
    { label: "OUTCOME", value: (item) => textMemberOrEmpty(item, "outcome") },
    { label: "KEY", value: (item) => textMemberOrEmpty(item, "key"), whole: true },
    { label: "CLIENT ID", value: idOf, whole: true },
    { label: "FROM", value: (item) => textMemberOrEmpty(item, "from") },
    {
      label: "SECRET",
      value: (item) => textMemberOrEmpty(item, ENCRYPTED_SECRET_FIELD) || textMemberOrEmpty(item, "secret_file"),
      whole: true,
    },
  ],
  text(item) {
    const { key, fields, client } = item;
    const id = idOf(item);
    const name = key === id ? id : `${id} (${String(key)})`;
    const word = OUTCOME_WORDS[textMemberOrEmpty(item, "outcome")] ?? "Failed";
    const changed = Array.isArray(fields) && fields.length > 0 ? `: ${fields.join(", ")}` : "";
    const file = textMemberOrEmpty(item, "secret_file");
    const encrypted = textMemberOrEmpty(item, ENCRYPTED_SECRET_FIELD);
    return [
      `${word} OAuth 2.0 Client ${name}${changed}`,
      ...(file === "" ? [] : [`OAuth 2.0 Client Secret: in ${file}`]),
      ...(encrypted === "" ? [] : `OAuth 2.0 Encrypted Client Secret: ${encrypted}`.split("\n")),
      ...(client === undefined ? [] : [toTerminalSafeJson(client)]),
    ];
  },
  id: idOf,
};

/** The outcomes in the order of the summary, and how it calls them. */
const OUTCOMES = [
  ["delivered", "delivered from an earlier run"],
  ["created", "created"],
  ["changed", "changed"],
  ["adopted", "adopted"],
  ["deleted", "deleted"],
  ["unchanged", "unchanged"],
  ["failed", "failed"],
] as const;

/** What writing the results needs of the context. */
type ResultContext = Pick<Context, "values" | "fail" | "signal" | "progress" | "format" | "warn" | "note">;

/** What the results of an apply are made of. */
interface ApplyResultsInput {
  /** The secrets of earlier runs. */
  readonly delivered: readonly ApplyOutcome[];
  /** Creates and changes. */
  readonly writes: OrderedPool<StackPlanStep, ApplyOutcome>;
  /** Deletes, which begin only once everything else has succeeded. */
  readonly deletes: OrderedPool<StackPlanStep, ApplyOutcome>;
  readonly place: SecretPlace;
  readonly log: SharedRecoveryFile | undefined;
  readonly unchanged: readonly StackPlanStep[];
  /** How many clients are to be changed. */
  readonly total: number;
  /** How many clients the plan has, unchanged ones too. */
  readonly clients: number;
}

/** The results of an apply: written in order, secrets delivered or recovered, and summed up at the end. */
export class ApplyResults {
  readonly #context: ResultContext;
  readonly #work: ApplyResultsInput;
  readonly #results: BatchResults<ApplyOutcome>;
  /** The outcomes of clients whose secrets are written at the end, all into one file. */
  readonly #inSharedFile: ApplyOutcome["outcome"][] = [];
  #done = 0;
  #hasFinishedSecrets = false;

  constructor(context: ResultContext, work: ApplyResultsInput) {
    this.#context = context;
    this.#work = work;
    const { writes, deletes, log, clients: total } = work;
    const settle = (): Promise<void> => this.#finishSecrets();
    const pools = [writes, deletes];
    this.#results = new BatchResults(context, { name: "Apply", words: OUTCOMES, pools, log, total, settle });
  }

  /** The result of the command. */
  result(): CommandResult {
    return this.#results.result({ view: APPLY_VIEW, items: this.#items(), exit: () => this.#finish() });
  }

  async *#items(): AsyncGenerator<JsonObject> {
    const { delivered, writes, deletes, unchanged } = this.#work;
    this.#results.addCount("unchanged", unchanged.length);
    yield* this.#outcomesOf(delivered);
    if (writesEveryField(this.#context.format)) for (const step of unchanged) yield unchangedOutcome(step).shown;
    yield* this.#outcomesOf(writes);
    await this.#finishSecrets();
    if (this.#results.failures === 0 && writes.notStarted === 0) yield* this.#outcomesOf(deletes);
    this.#context.progress(0, 0);
  }

  async *#outcomesOf(outcomes: AsyncIterable<ApplyOutcome> | Iterable<ApplyOutcome>): AsyncGenerator<JsonObject> {
    const { progress, warn, format } = this.#context;
    for await (const outcome of outcomes) {
      const { step, notes = [] } = outcome;
      this.#results.count(outcome);
      const isWritten = outcome.outcome !== "failed" && outcome.outcome !== "delivered";
      if (this.#work.place.kind === "shared" && isWritten && stepSetsSecret(step))
        this.#inSharedFile.push(outcome.outcome);
      for (const note of notes) warn(`${step.key}: ${note}`);
      progress(this.#work.total, ++this.#done, this.#results.failures);
      if (outcome.outcome !== "failed" || writesEveryField(format)) yield this.#results.written(outcome);
    }
  }

  async #finishSecrets(): Promise<void> {
    if (this.#hasFinishedSecrets) return;
    this.#hasFinishedSecrets = true;
    const { place } = this.#work;
    const problems = await place.finish();
    for (const problem of problems) this.#results.fail(problem);
    // Nothing is in a file that could not be written, and clients that were created for it are deleted again.
    if (problems.length > 0)
      for (const outcome of this.#inSharedFile) {
        this.#results.addCount(outcome, -1);
        this.#results.addCount("failed", 1);
      }
    const note = place.note();
    if (note !== undefined) this.#context.note(note);
  }

  /** Reports the summary, once every result has been written, and returns the exit code. */
  #finish(): ExitName {
    const { deletes } = this.#work;
    if (deletes.notStarted > 0 && this.#results.failures > 0) {
      const clients = deletes.notStarted === 1 ? "1 client was" : `${deletes.notStarted} clients were`;
      this.#context.warn(`${clients} not deleted, because not everything else succeeded`);
    }
    return this.#results.finish();
  }
}

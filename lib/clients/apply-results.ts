import type { RecoveryLog } from "../adapters/recovery-store.ts";
import type { Context, UnwrittenItem } from "../command.ts";
import { getTextField, idOf } from "../core/client/client.ts";
import type { JsonObject } from "../core/json.ts";
import { toPrintableJson } from "../core/json.ts";
import { writesEveryField } from "../core/output/formats.ts";
import type { ResultView } from "../core/output/render.ts";
import { type ExitName, Problem, safeReason, withMessage } from "../core/problem.ts";
import type { Step } from "../core/state/plan.ts";
import { quote } from "../core/text.ts";
import { type ApplyOutcome, unchangedOutcome } from "./apply-client.ts";
import { BatchFailures, type OrderedPool } from "./batch.ts";
import type { SecretPlace } from "./secret-out-places.ts";
import { ENCRYPTED_SECRET_FIELD } from "./views.ts";

function textOf(item: JsonObject, field: string): string {
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

/** What became of a client of an apply. */
export const APPLY_VIEW: ResultView<JsonObject> = {
  columns: [
    { label: "OUTCOME", value: (item) => textOf(item, "outcome") },
    { label: "KEY", value: (item) => textOf(item, "key"), whole: true },
    { label: "CLIENT ID", value: idOf, whole: true },
    { label: "FROM", value: (item) => textOf(item, "from") },
    {
      label: "SECRET",
      value: (item) => textOf(item, ENCRYPTED_SECRET_FIELD) || textOf(item, "secret_file"),
      whole: true,
    },
  ],
  text(item) {
    const { key, fields, client } = item;
    const id = idOf(item);
    const name = key === id ? id : `${id} (${String(key)})`;
    const word = OUTCOME_WORDS[textOf(item, "outcome")] ?? "Failed";
    const changed = Array.isArray(fields) && fields.length > 0 ? `: ${fields.join(", ")}` : "";
    const file = textOf(item, "secret_file");
    const encrypted = textOf(item, ENCRYPTED_SECRET_FIELD);
    return [
      `${word} OAuth 2.0 Client ${name}${changed}`,
      ...(file === "" ? [] : [`OAuth 2.0 Client Secret: in ${file}`]),
      ...(encrypted === "" ? [] : `OAuth 2.0 Encrypted Client Secret: ${encrypted}`.split("\n")),
      ...(client === undefined ? [] : [toPrintableJson(client)]),
    ];
  },
  id: idOf,
};

/** The outcomes in the order of the summary. */
const OUTCOMES = ["delivered", "created", "changed", "adopted", "deleted", "unchanged", "failed"] as const;

/** What the summary counts, where it isn't clients. */
const COUNTED: Partial<Readonly<Record<ApplyOutcome["outcome"], string>>> = {
  delivered: "delivered from an earlier run",
};

/** What writing the results needs of the context. */
type ResultContext = Pick<Context, "fail" | "signal" | "progress" | "format" | "warn" | "note">;

/** What an apply works on. */
interface ApplyWork {
  /** The secrets of earlier runs. */
  readonly delivered: readonly ApplyOutcome[];
  /** Creates and changes. */
  readonly writes: OrderedPool<Step, ApplyOutcome>;
  /** Deletes, which begin only once everything else has succeeded. */
  readonly deletes: OrderedPool<Step, ApplyOutcome>;
  readonly place: SecretPlace;
  readonly log: RecoveryLog | undefined;
  readonly unchanged: readonly Step[];
  /** How many clients are to be changed. */
  readonly total: number;
  /** How many clients the plan has, unchanged ones too. */
  readonly clients: number;
}

/** The results of an apply: written in order, secrets delivered or recovered, and summed up at the end. */
export class ApplyResults {
  readonly #context: ResultContext;
  readonly #work: ApplyWork;
  readonly #batch: BatchFailures;
  readonly #counts = new Map<ApplyOutcome["outcome"], number>();
  #hasFinishedSecrets = false;
  /** The outcomes whose results haven't been written yet. */
  readonly #unwritten = new Map<JsonObject, ApplyOutcome>();

  constructor(context: ResultContext, work: ApplyWork) {
    this.#context = context;
    this.#work = work;
    this.#batch = new BatchFailures(context, work.clients);
  }

  async *items(): AsyncGenerator<JsonObject> {
    const { delivered, writes, deletes, unchanged } = this.#work;
    this.#counts.set("unchanged", unchanged.length);
    yield* this.#outcomesOf(delivered);
    if (writesEveryField(this.#context.format)) for (const step of unchanged) yield unchangedOutcome(step).shown;
    yield* this.#outcomesOf(writes);
    await this.#finishSecrets();
    if (this.#batch.failures === 0 && writes.notStarted === 0) yield* this.#outcomesOf(deletes);
    this.#context.progress(0, 0);
  }

  async *#outcomesOf(outcomes: AsyncIterable<ApplyOutcome> | Iterable<ApplyOutcome>): AsyncGenerator<JsonObject> {
    for await (const outcome of outcomes) {
      this.#count(outcome);
      const done = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
      this.#context.progress(this.#work.total, done - this.#work.unchanged.length, this.#batch.failures);
      if (outcome.outcome === "failed" && !writesEveryField(this.#context.format)) continue;
      this.#unwritten.set(outcome.shown, outcome);
      yield outcome.shown;
    }
  }

  #count({ outcome, problem, notes = [], step }: ApplyOutcome): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
    if (problem === undefined) this.#batch.succeed();
    else this.#batch.fail(problem);
    // Each of the others would wait for the whole time limit too.
    if (this.#batch.isServerGone) void this.#work.writes.stop();
    for (const note of notes) this.#context.warn(`${step.key}: ${note}`);
  }

  async #finishSecrets(): Promise<void> {
    if (this.#hasFinishedSecrets) return;
    this.#hasFinishedSecrets = true;
    const { place } = this.#work;
    for (const problem of await place.finish()) this.#batch.fail(problem);
    const note = place.note();
    if (note !== undefined) this.#context.note(note);
  }

  delivered(item: JsonObject): void {
    this.#unwritten.get(item)?.delivery?.delivered();
    this.#unwritten.delete(item);
  }

  /** Reports the summary, once every result has been written, and returns the exit code. */
  finish(): ExitName {
    const { writes, deletes, log } = this.#work;
    log?.close();
    const counts = OUTCOMES.flatMap((outcome) => {
      const count = this.#counts.get(outcome) ?? 0;
      return count === 0 ? [] : [`${count} ${COUNTED[outcome] ?? outcome}`];
    });
    if (deletes.notStarted > 0 && this.#batch.failures > 0) {
      const clients = deletes.notStarted === 1 ? "1 client was" : `${deletes.notStarted} clients were`;
      this.#context.warn(`${clients} not deleted, because not everything else succeeded`);
    }
    const rest = writes.notStarted + deletes.notStarted;
    const parts = rest > 0 ? [...counts, `${rest} not started`] : counts;
    this.#context.note(`Apply: ${parts.length === 0 ? "nothing to do" : parts.join(", ")}`);
    return this.#batch.exit();
  }

  /** Standard output can't be written: recovers the secrets of the results that are lost, and of those to come. */
  async undelivered(lostItems: readonly UnwrittenItem[], reason: unknown): Promise<Problem> {
    const late = [...(await this.#work.writes.stop()), ...(await this.#work.deletes.stop())];
    await this.#finishSecrets();
    // Nothing else reports these problems, and they may name files with a secret.
    for (const { problem } of late) if (problem !== undefined) this.#batch.fail(problem);
    const lost = [...lostItems.flatMap(({ item }) => this.#unwritten.get(item) ?? []), ...late];
    const partlyWritten = new Set(lostItems.filter((one) => one.partlyWritten).map(({ item }) => item));
    const recovered = await Promise.all(
      lost.flatMap(({ delivery, shown }) =>
        // The copy of an earlier run stays where it is.
        delivery?.undelivered === undefined ? [] : [delivery.undelivered(reason, partlyWritten.has(shown))],
      ),
    );
    this.#work.log?.close();
    const details = lost.flatMap(({ delivery, outcome, shown }) =>
      delivery === undefined && outcome !== "unchanged" && outcome !== "failed"
        ? [`client ${quote(idOf(shown))} was ${outcome}`]
        : [],
    );
    const [first, ...others] = recovered;
    if (first !== undefined)
      return withMessage(first, first.message, { details: [...others.map(({ message }) => message), ...details] });
    return new Problem(`Cannot write the result: ${safeReason(reason)}`, {
      code: "unwritable",
      exit: "failed",
      hint: "check where standard output goes",
      details,
    });
  }
}

import type { SharedRecoveryFile } from "../../adapters/recovery-store.ts";
import type { CommandResult, Context } from "../../command.ts";
import { idOf } from "../../core/client/client.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { FORMAT } from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { writesEveryField } from "../../core/output/formats.ts";
import { paintDiffLine, type ResultView } from "../../core/output/render.ts";
import { type ExitName, isConflict } from "../../core/problem.ts";
import type { OrderedPool } from "../batch.ts";
import { BatchResults } from "../batch-results.ts";
import type { ClientEntry } from "../draft/client-files.ts";
import { type Leftover, warnOfLeftovers } from "../secrets/leftover-secrets.ts";
import { changesAsDiffLines } from "../update/change-lines.ts";
import { UnkeptFieldsReport } from "../update/unkept-fields.ts";
import { IMPORT_VIEW } from "../views.ts";
import type { ImportOutcome } from "./import-client.ts";

/** The outcomes in the order of the summary. */
const OUTCOMES = ["created", "updated", "unchanged", "skipped", "failed"] as const;

/** The outcomes that changed something on the server. */
const CHANGED: ReadonlySet<string> = new Set(["created", "updated"]);

interface RunningImport {
  readonly pool: OrderedPool<ClientEntry, ImportOutcome>;
  readonly log: SharedRecoveryFile | undefined;
  readonly total: number;
  /** What earlier runs have left of a client. */
  readonly leftoversOf: (id: string) => readonly Leftover[];
}

/** What writing the results needs of the context. */
type ResultContext = Pick<Context, "host" | "values" | "fail" | "signal" | "progress" | "format" | "warn" | "note">;

/** Whether a client was found and this run has not set its secret, so that one of an earlier run may be the only one. */
function keepsEarlierSecret({ outcome, problem, changes = [] }: ImportOutcome): boolean {
  if (outcome === "created" || changes.some(({ field }) => field === "client_secret")) return false;
  return problem === undefined || isConflict(problem);
}

/** The results of an import: written in order, each delivered or recovered, and summed up at the end. */
export class ImportResults {
  readonly #context: ResultContext;
  readonly #state: RunningImport;
  readonly #results: BatchResults<ImportOutcome>;
  readonly #dropped = new UnkeptFieldsReport();
  readonly #leftovers: Leftover[] = [];
  #files = 0;

  constructor(context: ResultContext, state: RunningImport) {
    this.#context = context;
    this.#state = state;
    const { pool, log, total } = state;
    const words = OUTCOMES.map((outcome) => [outcome, outcome] as const);
    this.#results = new BatchResults(context, { name: "Import", words, pools: [pool], log, total });
  }

  /** The result of the command. */
  result(): CommandResult {
    return this.#results.result({ view: this.#view(), items: this.#items(), exit: () => this.#finish() });
  }

  async *#items(): AsyncGenerator<JsonObject> {
    let done = 0;
    for await (const outcome of this.#state.pool) {
      const { shown, entry, dropped = [] } = outcome;
      if ("secret_file" in shown) this.#files++;
      this.#dropped.record(entry.location, dropped);
      if (keepsEarlierSecret(outcome)) this.#leftovers.push(...this.#state.leftoversOf(idOf(entry.client)));
      this.#results.count(outcome);
      this.#context.progress(this.#state.total, ++done, this.#results.failures);
      if (this.#isWritten(outcome)) yield this.#results.written(outcome);
    }
    this.#context.progress(0, 0);
  }

  /** Whether the result of a client is written, not only counted or reported as a failure. */
  #isWritten({ outcome, problem, changes = [] }: ImportOutcome): boolean {
    const { format, note } = this.#context;
    if (problem !== undefined) return writesEveryField(format);
    if (!this.#isForPeople()) return true;
    // A table has no place for the changes of a client.
    if (format.kind === "table") for (const line of changesAsDiffLines(changes)) note(line);
    return CHANGED.has(outcome);
  }

  /** On a terminal, the text of an update shows what it changed. */
  #view(): ResultView<JsonObject> {
    if (!this.#isForPeople()) return IMPORT_VIEW;
    const changesOf = (item: JsonObject): readonly string[] =>
      changesAsDiffLines(this.#results.outcomeOf(item)?.changes ?? []);
    return {
      ...IMPORT_VIEW,
      paintLine: paintDiffLine,
      text: (item) => [...(IMPORT_VIEW.text?.(item) ?? []), ...changesOf(item)],
    };
  }

  /** Whether the results go to a person: what didn't change is only counted. */
  #isForPeople(): boolean {
    const { host, values, format } = this.#context;
    return host.stdout.isTerminal && !values.isSet(FORMAT) && (format.kind === "text" || format.kind === "table");
  }

  /** Reports the summary, once every result has been written, and returns the exit code. */
  #finish(): ExitName {
    this.#dropped.report(this.#context);
    this.#reportFiles();
    warnOfLeftovers(this.#context, this.#leftovers);
    return this.#results.finish();
  }

  #reportFiles(): void {
    const template = this.#context.values.text(SECRET_OUT);
    if (template === undefined || this.#files === 0) return;
    const clients = `${this.#files} client${this.#files === 1 ? "" : "s"}`;
    this.#context.note(`The credentials of ${clients} are in ${template}`);
  }
}

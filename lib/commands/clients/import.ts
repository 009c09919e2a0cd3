import type { RecoveryLog } from "../../adapters/recovery-store.ts";
import { createAdminWithDeadlineFactory } from "../../clients/admin-deadlines.ts";
import { BatchFailures, concurrencyFlagProblems, OrderedPool } from "../../clients/batch.ts";
import { diffLines } from "../../clients/change-lines.ts";
import {
  type ClientEntry,
  lintEntriesCollectErrors,
  MAX_SHOWN_PROBLEMS,
  readEntries,
} from "../../clients/client-files.ts";
import { dryRunImport } from "../../clients/dry-run-import.ts";
import { rejectUnfindableIds } from "../../clients/id-checks.ts";
import { type ImportOutcome, type ImportRun, importClient } from "../../clients/import-client.ts";
import { importSecretFileProblems } from "../../clients/import-secret-files.ts";
import { isDryRun } from "../../clients/is-dry-run.ts";
import { warnNoRecoveryFolder } from "../../clients/recovery.ts";
import { reportRecipients } from "../../clients/report-recipients.ts";
import { secretFlagProblems } from "../../clients/secret-checks.ts";
import { UnkeptFields } from "../../clients/unkept-fields.ts";
import { requireOpenOutput } from "../../clients/unwritten-result.ts";
import { IMPORT_VIEW } from "../../clients/views.ts";
import { findEarlierCopies } from "../../clients/withdraw-copies.ts";
import { type CheckedCommand, type Context, defineLeaf, type Result, type UnwrittenItem } from "../../command.ts";
import { getTextField, idOf, isPublic, requestedId } from "../../core/client/client.ts";
import { isSameValue } from "../../core/client/equality.ts";
import {
  CONCURRENCY,
  CREDENTIAL_OUTPUT_FLAGS,
  DRY_RUN,
  ENCRYPTION_FLAGS,
  FORMAT,
  IF_EXISTS,
  LENIENT_FIELD_NAMES,
  SECRET_LENGTH,
  SECRET_OUT,
  SERVER_COMMAND_FLAGS,
  STRICT,
} from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json.ts";
import { writesEveryField } from "../../core/output/formats.ts";
import { paintDiffLine, type ResultView } from "../../core/output/render.ts";
import { type ExitName, Problem, safeReason, withMessage } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";

/** From how many clients on it pays to compile the code of an import. */
const MANY = 100;

async function prepare(context: Context): Promise<CheckedCommand> {
  const problems: Problem[] = [];
  const entries = await readEntries(context, problems);
  problems.push(...lintEntriesCollectErrors(context, entries));
  const concurrency = context.values.number(CONCURRENCY);
  problems.push(
    ...concurrencyFlagProblems(context),
    ...(await secretFlagProblems(context, { checksFiles: "elsewhere" })),
    ...(await importSecretFileProblems(context, entries)),
  );
  return { problems, run: () => run(context, entries, concurrency) };
}

async function run(context: Context, entries: readonly ClientEntry[], concurrency: number): Promise<Result> {
  const adminOfEach = createAdminWithDeadlineFactory(context);
  if (isDryRun(context)) {
    if (entries.some(({ client }) => requestedId(client) !== undefined))
      await rejectUnsupportedFields(context, entries);
    const batch = new BatchFailures(context, entries.length);
    return dryRunImport(context, { entries, concurrency, batch, adminOfEach });
  }
  if (entries.length > MANY) context.host.enableJit();
  const recipients = await context.encryption.recipients(context.values);
  context.signal.throwIfAborted();
  const hasFiles = context.values.isSet(SECRET_OUT);
  if (!hasFiles) requireOpenOutput(context, "Cannot import clients", "the secret");
  reportRecipients(context, recipients);
  const earlier = await findEarlierCopies(context);
  // Opened before anything is sent: --rescue-dir may turn out to be unusable.
  const log = hasFiles ? undefined : openLog(context, entries);
  await closedOnFailure(log, () => rejectUnsupportedFields(context, entries));
  const job: ImportRun = {
    context,
    ifExists: context.values.text(IF_EXISTS),
    recipients,
    copies: log ?? (hasFiles ? "a file of its own" : "none"),
    earlier,
    admin: adminOfEach,
  };
  const pool = new OrderedPool(entries, (entry) => importClient(job, entry), { concurrency, signal: context.signal });
  const results = new ImportResults(context, { pool, log, total: entries.length });
  return {
    view: results.view,
    isList: true,
    items: results.items(),
    unbuffered: true,
    exit: () => results.finish(),
    delivered: (item) => results.delivered(item),
    undelivered: (lost, reason) => results.undelivered(lost, reason),
  };
}

/** Opens the file for the recovery copies of an import that generates secrets. */
function openLog(
  { recovery, warn }: Pick<Context, "recovery" | "warn">,
  entries: readonly ClientEntry[],
): RecoveryLog | undefined {
  const generates = entries.some(
    ({ client }) => !isPublic(client) && getTextField(client, "client_secret") === undefined,
  );
  if (!generates) return undefined;
  const log = recovery.openLog();
  if (log === undefined) warnNoRecoveryFolder({ warn });
  return log;
}

async function closedOnFailure(log: RecoveryLog | undefined, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log?.close();
    throw error;
  }
}

/** Rejects fields that the server's version doesn't know; empty ones are accepted, since exports have them. */
async function rejectUnsupportedFields(
  { admin }: Pick<Context, "admin">,
  entries: readonly ClientEntry[],
): Promise<void> {
  // Detected once here, so that the first clients don't each detect it.
  const family = await admin.family();
  const found = entries.flatMap(({ client, location }) =>
    Object.keys(client)
      .filter((field) => family.unknownFields.has(field) && !isSameValue(field, client[field], undefined))
      .map((field) => `${location}: ${family.label} has no field ${field}`),
  );
  const [first, ...others] = found;
  if (first === undefined) {
    const labelled = entries.map(({ client, location }) => ({
      client,
      label: (field: string) => `${location}: ${field}`,
    }));
    return rejectUnfindableIds({ admin }, labelled);
  }
  throw new Problem(first, {
    code: "field-unknown-to-server",
    exit: "usage",
    hint: "remove it for this server; no client was created",
    details: firstOf(others),
  });
}

/** The first lines of many, with the number of the others. */
function firstOf(lines: readonly string[]): readonly string[] {
  return lines.length <= MAX_SHOWN_PROBLEMS
    ? lines
    : [...lines.slice(0, MAX_SHOWN_PROBLEMS), `${lines.length - MAX_SHOWN_PROBLEMS} more`];
}

interface ImportState {
  readonly pool: OrderedPool<ClientEntry, ImportOutcome>;
  readonly log: RecoveryLog | undefined;
  readonly total: number;
}

/** What writing the results needs of the context. */
type ResultContext = Pick<Context, "host" | "values" | "fail" | "signal" | "progress" | "format" | "warn" | "note">;

/** The results of an import: written in order, each delivered or recovered, and summed up at the end. */
class ImportResults {
  readonly #context: ResultContext;
  readonly #state: ImportState;
  readonly #batch: BatchFailures;
  readonly #dropped = new UnkeptFields();
  #files = 0;
  readonly #counts = new Map<ImportOutcome["outcome"], number>();
  /** The outcomes whose results haven't been written yet. */
  readonly #unwritten = new Map<JsonObject, ImportOutcome>();

  constructor(context: ResultContext, state: ImportState) {
    this.#context = context;
    this.#state = state;
    this.#batch = new BatchFailures(context, state.total);
  }

  async *items(): AsyncGenerator<JsonObject> {
    let done = 0;
    for await (const outcome of this.#state.pool) {
      this.#count(outcome);
      this.#context.progress(this.#state.total, ++done, this.#batch.failures);
      if (!this.#isWritten(outcome)) continue;
      this.#unwritten.set(outcome.shown, outcome);
      yield outcome.shown;
    }
    this.#context.progress(0, 0);
  }

  #count({ outcome, shown, entry, dropped = [], problem }: ImportOutcome): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
    if ("secret_file" in shown) this.#files++;
    this.#dropped.record(entry.location, dropped);
    if (problem === undefined) this.#batch.succeed();
    else this.#batch.fail(problem);
    // Each of the others would wait for the whole time limit too.
    if (this.#batch.isServerGone) void this.#state.pool.stop();
  }

  /** Whether the result of a client is written, not only counted or reported as a failure. */
  #isWritten({ outcome, problem, changes = [] }: ImportOutcome): boolean {
    const { format, note } = this.#context;
    if (problem !== undefined) return writesEveryField(format);
    if (!this.#isForPeople()) return true;
    // A table has no place for the changes of a client.
    if (format.kind === "table") for (const line of diffLines(changes)) note(line);
    return CHANGED.has(outcome);
  }

  /** On a terminal, the text of an update shows what it changed. */
  get view(): ResultView<JsonObject> {
    if (!this.#isForPeople()) return IMPORT_VIEW;
    const changesOf = (item: JsonObject): readonly string[] => diffLines(this.#unwritten.get(item)?.changes ?? []);
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

  delivered(item: JsonObject): void {
    this.#unwritten.get(item)?.created?.delivered();
    this.#unwritten.delete(item);
  }

  /** Reports the summary, once every result has been written, and returns the exit code. */
  finish(): ExitName {
    const { pool, log } = this.#state;
    log?.close();
    this.#dropped.report(this.#context);
    const counts = OUTCOMES.flatMap((outcome) => {
      const count = this.#counts.get(outcome) ?? 0;
      return count === 0 ? [] : [`${count} ${outcome}`];
    });
    this.#reportFiles();
    const parts = pool.notStarted > 0 ? [...counts, `${pool.notStarted} not started`] : counts;
    this.#context.note(`Import: ${parts.length === 0 ? "nothing to do" : parts.join(", ")}`);
    return this.#batch.exit();
  }

  #reportFiles(): void {
    const template = this.#context.values.text(SECRET_OUT);
    if (template === undefined) return;
    const clients = `${this.#files} client${this.#files === 1 ? "" : "s"}`;
    this.#context.note(`The credentials of ${this.#files === 0 ? "no client" : clients} are in ${template}`);
  }

  /** Standard output can't be written: recovers the credentials of the results that are lost, and of those to come. */
  async undelivered(lostItems: readonly UnwrittenItem[], reason: unknown): Promise<Problem> {
    const late = await this.#state.pool.stop();
    // Nothing else reports these problems, and they may name files with a secret.
    for (const { problem } of late) if (problem !== undefined) this.#batch.fail(problem);
    const lost = [...lostItems.flatMap(({ item }) => this.#unwritten.get(item) ?? []), ...late];
    const partlyWritten = new Set(lostItems.filter((one) => one.partlyWritten).map(({ item }) => item));
    const recovered = await Promise.all(
      lost.flatMap(({ created, shown }) =>
        created?.delivery.mustDeliver === undefined ? [] : [created.undelivered(reason, partlyWritten.has(shown))],
      ),
    );
    this.#state.log?.close();
    const changed = firstOf(
      lost.flatMap(({ created, outcome, shown }) =>
        created?.delivery.mustDeliver === undefined && CHANGED.has(outcome)
          ? [`client ${quote(idOf(shown))} was ${outcome}`]
          : [],
      ),
    );
    const [first, ...others] = recovered;
    if (first !== undefined)
      return withMessage(first, first.message, { details: [...others.map(({ message }) => message), ...changed] });
    return new Problem(`Cannot write the result: ${safeReason(reason)}`, {
      code: "unwritable",
      exit: "failed",
      hint: "check where standard output goes",
      details: changed,
    });
  }
}

/** The outcomes in the order of the summary. */
const OUTCOMES = ["created", "updated", "unchanged", "skipped", "failed"] as const;

/** The outcomes that changed something on the server. */
const CHANGED: ReadonlySet<string> = new Set(["created", "updated"]);

/** `clients import` and `import oauth2-client`: registers many clients. */
export const importClients = defineLeaf({
  name: "import",
  summary: "Create clients from JSON, NDJSON or YAML files",
  about: [
    "Accepts an object, an array (also below clients or items), one object per line, YAML documents, the JSON output of list, or hydra-maester manifests (OAuth2Client, with the Secrets that they name); without a file it reads standard input. All clients are checked before the first one is sent.",
    "If a client fails, the others are still imported and the exit code is 8. Run an interrupted import again with --if-exists skip.",
    "With {id} in --secret-out, each client gets its own file or Kubernetes Secret, such as 'secrets/{id}.env'.",
    "--dry-run reads the clients that exist, shows what would be created, changed and left unchanged, and changes nothing.",
    "--fail-after limits the time for each client, not for the whole import.",
  ],
  operands: {
    name: "FILE",
    least: 0,
    most: Number.POSITIVE_INFINITY,
    help: "File with clients, or - for standard input",
  },
  flags: [
    IF_EXISTS,
    CONCURRENCY,
    STRICT,
    LENIENT_FIELD_NAMES,
    SECRET_LENGTH,
    ...CREDENTIAL_OUTPUT_FLAGS,
    ...ENCRYPTION_FLAGS,
    DRY_RUN,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["clients import clients.json", "All clients of a file"],
      [
        "clients import --if-exists skip --format ndjson < clients.ndjson >> secrets.ndjson",
        "The rest of an interrupted import",
      ],
      [
        "clients import clients.json --secret-out 'secrets/{id}.yaml' --namespace auth --label app=web --secret-name {id}-oauth",
        "A Kubernetes Secret for each client",
      ],
    ],
    "2.x": [["import oauth2-client clients.json --format json", "All clients of a file"]],
  },
  server: true,
  credentials: "secrets",
  format: { "1.x": "text", "2.x": "table" },
  prepare,
});

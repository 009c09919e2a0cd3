import type { Admin } from "../../adapters/admin/admin.ts";
import type { RecoveryLog } from "../../adapters/recovery-store.ts";
import { Batch } from "../../clients/batch.ts";
import { type ClientEntry, entryProblems, MOST_TOLD, payloadOf, readEntries } from "../../clients/client-files.ts";
import { safeReason, tellRecipients } from "../../clients/delivery.ts";
import { idIn } from "../../clients/draft.ts";
import { dryRun, isDryRun } from "../../clients/dry-run.ts";
import { refuseClosedOutput } from "../../clients/outlets.ts";
import { type CreatedClient, type Registration, register, warnWithoutCopy } from "../../clients/register.ts";
import { encryptedFormatProblems, NO_SECRET, prepareSecret } from "../../clients/secret-source.ts";
import { change } from "../../clients/send-change.ts";
import { createdView, ENCRYPTED, idOf } from "../../clients/views.ts";
import { type Context, command, type PreparedCommand, type Result, type Shown } from "../../command.ts";
import { type Client, isPublic, textField } from "../../core/client/client.ts";
import { changes, sameValue } from "../../core/client/equality.ts";
import { FIELD_NAMES } from "../../core/client/fields.ts";
import {
  DRY_RUN,
  FAIL_AFTER,
  RECIPIENT_FLAGS,
  RESCUE_DIR,
  SECRET_LENGTH,
  SERVER_COMMAND_FLAGS,
  STRICT,
} from "../../core/flags/flag-table.ts";
import type { IntFlag, TextFlag } from "../../core/flags/parse.ts";
import type { Recipient } from "../../core/keys/recipient.ts";
import { CLEANUP_MS } from "../../core/network.ts";
import { writesAll } from "../../core/output/formats.ts";
import type { View } from "../../core/output/render.ts";
import { Problem, usageError, withMessage } from "../../core/problem.ts";
import { withoutCredentials } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import type { ServerFamily } from "../../servers/index.ts";

const ON_CONFLICT: TextFlag = {
  kind: "text",
  name: "on-conflict",
  value: "WAY",
  default: "fail",
  choices: ["fail", "skip", "update"],
  group: "input",
  help: "What to do with a client whose id is there already",
};

const CONCURRENCY: IntFlag = {
  kind: "count",
  name: "concurrency",
  value: "N",
  default: 8,
  group: "input",
  help: "How many requests are under way at once",
};

/** How one client of the input ended. */
interface ImportOutcome {
  readonly outcome: "created" | "updated" | "unchanged" | "skipped" | "failed";
  readonly entry: ClientEntry;
  readonly shown: Shown;
  readonly problem?: Problem;
  /** For a client whose credentials are to be delivered. */
  readonly created?: CreatedClient;
}

async function prepare(context: Context): Promise<PreparedCommand> {
  const problems: Problem[] = [];
  const entries = await readEntries(context, problems);
  problems.push(...entryProblems(context, entries));
  const concurrency = context.values.number(CONCURRENCY) ?? 8;
  if (concurrency < 1 || concurrency > 256)
    problems.push(usageError(`--concurrency ${concurrency} is not from 1 to 256`, "8 suits most servers", "bad-value"));
  problems.push(...encryptedFormatProblems(context), ...(await context.outletProblems([])));
  return { problems, run: () => run(context, entries, concurrency) };
}

/** Refuses fields that no server of the family knows; what means nothing may stand there, as exports have it. */
function refuseFields(family: ServerFamily, entries: readonly ClientEntry[]): void {
  const found = entries.flatMap(({ client, location }) =>
    Object.keys(client)
      .filter((field) => family.unknownFields.has(field) && !sameValue(field, client[field], undefined))
      .map((field) => `${location}: ${family.label} has no field ${field}`),
  );
  const [first, ...others] = found;
  if (first === undefined) return;
  throw new Problem(first, {
    code: "field-unknown-to-server",
    exit: "usage",
    hint: "take it out for this server; no client was made",
    details: others.length < MOST_TOLD ? others : [...others.slice(0, MOST_TOLD), `${others.length - MOST_TOLD} more`],
  });
}

const SET_ELSEWHERE: ReadonlySet<string> = new Set(["client_id", "client_secret"]);

/** The fields that a server did not keep, each with how many clients lost it and one of them. */
class DroppedFields {
  readonly #places = new Map<string, { count: number; readonly place: string }>();

  record(entry: ClientEntry, sent: Client, record: Client): void {
    for (const [field, value] of Object.entries(sent)) {
      // What is no field at all was told before.
      if (SET_ELSEWHERE.has(field) || !FIELD_NAMES.includes(field)) continue;
      if (sameValue(field, record[field], value)) continue;
      const known = this.#places.get(field);
      if (known === undefined) this.#places.set(field, { count: 1, place: entry.location });
      else known.count++;
    }
  }

  report(context: Context): void {
    for (const [field, { count, place }] of this.#places)
      context.warn(
        `${field}: the server did not keep it as it was sent, of ${count === 1 ? place : `${count} clients, the first ${place}`}`,
      );
  }
}

/** From how many clients on an import repays that its code is compiled. */
const MANY = 100;

async function run(context: Context, entries: readonly ClientEntry[], concurrency: number): Promise<Result> {
  if (isDryRun(context)) {
    return dryRun(
      context,
      entries.map(({ client }) => {
        const { client_secret: given, ...fields } = payloadOf(client);
        const secret = isPublic(client) ? {} : { client_secret: given ?? "made here" };
        return {
          method: "POST",
          url: context.clientsPath,
          body: { ...fields, client_id: idIn(client) ?? context.host.uuid(), ...secret },
        };
      }),
    );
  }
  if (entries.length > MANY) context.host.enableJit();
  const recipients = await context.keys.recipients(context.values);
  context.signal.throwIfAborted();
  refuseClosedOutput(context, "Cannot import clients", "the secret");
  tellRecipients(context, recipients);
  // Requests that are under way at a signal may finish: they hear of it only when their time is over.
  const late = new AbortController();
  const deadline = (): void => {
    setTimeout(() => late.abort(context.signal.reason), CLEANUP_MS);
  };
  if (context.signal.aborted) deadline();
  else context.signal.addEventListener("abort", deadline, { once: true });
  const log = openLog(context, entries);
  try {
    // Asked once here, so that the first clients do not each find it out.
    refuseFields(await context.admin.family(), entries);
  } catch (error) {
    log?.close();
    throw error;
  }
  const failAfter = context.values.number(FAIL_AFTER) ?? 60_000;
  const dropped = new DroppedFields();
  const job: ImportRun = {
    context,
    recipients,
    copies: log ?? "none",
    dropped,
    admin: () => context.admin.withDeadline(failAfter, late.signal),
  };
  const counts = new Map<ImportOutcome["outcome"], number>();
  const many = new Batch(context, entries.length);
  const underWay: Promise<ImportOutcome>[] = [];
  const unheld = new Map<Shown, ImportOutcome>();
  let next = 0;
  let active = 0;
  let stopped = false;

  function launch(): void {
    while (
      !stopped &&
      !context.signal.aborted &&
      underWay.length < concurrency * 4 &&
      active < concurrency &&
      next < entries.length
    ) {
      const entry = entries[next++];
      if (entry === undefined) return;
      active++;
      const work = importOne(job, entry).finally(() => {
        active--;
        launch();
      });
      work.catch(() => {});
      underWay.push(work);
    }
  }

  async function* items(): AsyncGenerator<Shown> {
    launch();
    for (let head = underWay.shift(); head !== undefined; head = underWay.shift()) {
      const ended = await head;
      launch();
      counts.set(ended.outcome, (counts.get(ended.outcome) ?? 0) + 1);
      context.progress(
        entries.length,
        [...counts.values()].reduce((sum, count) => sum + count, 0),
      );
      if (ended.problem !== undefined) many.fail(ended.problem);
      if (ended.problem !== undefined && !writesAll(context.format)) continue;
      unheld.set(ended.shown, ended);
      yield ended.shown;
    }
    context.progress(0, 0);
  }

  return {
    view: IMPORT_VIEW,
    isList: true,
    items: items(),
    unbuffered: true,
    // Asked for when every result has been written, so that the summary stands below them.
    exit() {
      log?.close();
      dropped.report(context);
      summary(context, counts, entries.length - next);
      return many.exit();
    },
    delivered: (item) => {
      unheld.get(item)?.created?.delivered();
      unheld.delete(item);
    },
    async undelivered(held, reason) {
      stopped = true;
      const late = await Promise.all(underWay);
      // These may name files in which a secret was kept, and nothing else tells of them.
      for (const { problem } of late) if (problem !== undefined) many.fail(problem);
      const leaked = new Set(held.filter((lost) => lost.partlyWritten).map(({ item }) => item));
      const lost = [...held.flatMap(({ item }) => unheld.get(item) ?? []), ...late];
      const [first, ...others] = await Promise.all(
        lost.flatMap(({ created, shown }) =>
          created?.delivery.mustDeliver === undefined ? [] : [created.undelivered(reason, leaked.has(shown))],
        ),
      );
      log?.close();
      const told = lost.flatMap(({ created, outcome, shown }) =>
        created?.delivery.mustDeliver === undefined && CHANGED.has(outcome)
          ? [`client ${quote(idOf(shown))} was ${outcome}`]
          : [],
      );
      const rest = told.length <= MOST_TOLD ? told : [...told.slice(0, MOST_TOLD), `${told.length - MOST_TOLD} more`];
      if (first === undefined)
        return new Problem(`Cannot write the result: ${safeReason(reason)}`, {
          code: "unwritable",
          exit: "failed",
          hint: "check where standard output goes",
          details: rest,
        });
      return withMessage(first, first.message, { details: [...others.map(({ message }) => message), ...rest] });
    },
  };
}

/** Opens the file for the recovery copies of a run that generates secrets; without one it warns and goes on. */
function openLog(context: Context, entries: readonly ClientEntry[]): RecoveryLog | undefined {
  if (entries.every(({ client }) => isPublic(client) || textField(client, "client_secret") !== undefined))
    return undefined;
  const log = context.recovery.openLog();
  if (log === undefined) warnWithoutCopy(context);
  return log;
}

/** The outcomes after which a client is another than before. */
const CHANGED: ReadonlySet<string> = new Set(["created", "updated"]);

function summary(context: Context, counts: ReadonlyMap<string, number>, left: number): void {
  const parts = ["created", "updated", "unchanged", "skipped", "failed"].flatMap((outcome) => {
    const count = counts.get(outcome) ?? 0;
    return count === 0 ? [] : [`${count} ${outcome}`];
  });
  if (left > 0) parts.push(`${left} not begun`);
  context.note(`Import: ${parts.length === 0 ? "nothing to do" : parts.join(", ")}`);
}

interface ImportRun {
  readonly context: Context;
  readonly recipients: readonly Recipient[];
  readonly copies: RecoveryLog | "none";
  readonly dropped: DroppedFields;
  /** The admin API with the time of one client. */
  readonly admin: () => Admin;
}

async function importOne(job: ImportRun, entry: ClientEntry): Promise<ImportOutcome> {
  try {
    return await createOne(job, entry);
  } catch (error) {
    // A fault of the program itself in one client must not lose the secrets of the others.
    return failed(entry, error instanceof Problem ? error : unforeseen(error));
  }
}

function unforeseen(error: unknown): Problem {
  return new Problem(`Cannot import the client: ${safeReason(error)}`, {
    code: "unexpected",
    exit: "failed",
    hint: "look whether the client is there, then import it again with --on-conflict skip",
    cause: error,
  });
}

function failed(entry: ClientEntry, error: Problem): ImportOutcome {
  const problem = withMessage(error, `${entry.location}: ${error.message}`);
  const { code, message, hint, status } = problem;
  const id = textField(entry.client, "client_id");
  const shown = {
    ...(id === undefined ? {} : { client_id: id }),
    outcome: "failed",
    from: entry.file,
    error: { error: code, message, hint: hint ?? "", ...(status === undefined ? {} : { status }) },
  };
  return { outcome: "failed", entry, shown, problem };
}

async function createOne(
  { context, recipients, copies, dropped, admin }: ImportRun,
  entry: ClientEntry,
): Promise<ImportOutcome> {
  const client = payloadOf(entry.client);
  const id = textField(client, "client_id");
  const given = textField(client, "client_secret");
  const { client_secret: _, ...fields } = client;
  const registration: Registration = {
    payload: { ...fields, client_id: id ?? context.host.uuid() },
    ownId: id === undefined,
    prepared: isPublic(client) ? { ...NO_SECRET, recipients } : await prepareSecret(context, given, recipients),
    view: IMPORT_VIEW,
    more: { outcome: "created", from: entry.file },
  };
  const api = admin();
  const registered = await register(
    context,
    { admin: api, target: undefined, copies },
    registration,
    async (created) => {
      dropped.record(entry, fields, created.record);
      return createdEntry(context, entry, created);
    },
  );
  if (registered.kind === "delivered") return registered.result;
  const { problem } = registered;
  if (id === undefined || !(problem instanceof Problem) || problem.exit !== "conflict") throw problem;
  const wanted = { ...fields, ...(given === undefined ? {} : { client_secret: given }) };
  const ended = await conflicting(context, api, entry, wanted, id, problem);
  if (ended.outcome === "updated" || ended.outcome === "unchanged") dropped.record(entry, fields, ended.shown);
  return ended;
}

/** A client that was created, with its credentials where the output shows them. */
function createdEntry(context: Context, entry: ClientEntry, created: CreatedClient): ImportOutcome {
  const { shown, mustDeliver } = created.delivery;
  if (mustDeliver === undefined || context.rendersText(IMPORT_VIEW, shown, mustDeliver))
    return { outcome: "created", entry, shown, created };
  created.hidden();
  return { outcome: "created", entry, shown };
}

async function conflicting(
  context: Context,
  admin: Admin,
  entry: ClientEntry,
  wanted: Client,
  id: string,
  conflict: Problem,
): Promise<ImportOutcome> {
  const way = context.values.text(ON_CONFLICT);
  const outcomeOf = (outcome: ImportOutcome["outcome"], record: Shown = { client_id: id }): ImportOutcome => {
    return { outcome, entry, shown: { ...withoutCredentials(record), outcome, from: entry.file } };
  };
  if (way === "skip") return outcomeOf("skipped");
  if (way !== "update") throw conflict;
  const current = await admin.get(id);
  const secret = textField(wanted, "client_secret");
  const differing = [
    ...changes(current, wanted),
    ...(secret === undefined ? [] : [{ field: "client_secret", before: undefined, after: secret }]),
  ];
  if (differing.length === 0) return outcomeOf("unchanged", current);
  const record = await change(admin, id, current, differing);
  return outcomeOf("updated", record);
}

const WORDS: Readonly<Record<string, string>> = {
  created: "Imported",
  updated: "Updated",
  unchanged: "Unchanged",
  skipped: "Skipped",
};

const IMPORT_VIEW: View<Shown> = {
  ...createdView("given"),
  columns: [
    { label: "CLIENT ID", value: idOf, whole: true },
    {
      label: "CLIENT SECRET",
      value: (client) => textField(client, ENCRYPTED) ?? textField(client, "client_secret") ?? "",
      whole: true,
    },
    { label: "OUTCOME", value: (client) => textField(client, "outcome") ?? "" },
    { label: "FROM", value: (client) => textField(client, "from") ?? "" },
  ],
  text: (client) => {
    const secret = textField(client, ENCRYPTED) ?? textField(client, "client_secret");
    const word = WORDS[textField(client, "outcome") ?? ""] ?? "Imported";
    return [
      `${word} OAuth 2.0 Client ${idOf(client)}${secret === undefined ? "" : `:${secret}`} from: ${textField(client, "from") ?? ""}`,
    ];
  },
};

/** `clients import` and `import oauth2-client`: registers many clients. */
export const importClients = command({
  name: "import",
  summary: "Register clients from JSON, NDJSON or YAML files",
  about: [
    "Takes an object, an array, one object a line, YAML documents, or what a list wrote as JSON; without a file it reads standard input. Everything is looked at before the first client is sent.",
    "A client that fails does not stop the rest: the exit status is then 8. An import that was interrupted can be run again with --on-conflict skip.",
    "--fail-after bounds each client, not the whole import.",
  ],
  operands: {
    name: "FILE",
    least: 0,
    most: Number.POSITIVE_INFINITY,
    help: "A file with clients, or - for standard input",
  },
  flags: [
    ON_CONFLICT,
    CONCURRENCY,
    STRICT,
    SECRET_LENGTH,
    RESCUE_DIR,
    ...RECIPIENT_FLAGS,
    DRY_RUN,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["clients import clients.json", "All clients of a file"],
      [
        "clients import --on-conflict skip --format ndjson < clients.ndjson >> secrets.ndjson",
        "The rest of an import that was interrupted",
      ],
    ],
    "2.x": [["import oauth2-client clients.json --format json", "All clients of a file"]],
  },
  server: true,
  credentials: "secrets",
  format: { "1.x": "text", "2.x": "table" },
  prepare,
});

import type { SharedRecoveryFile } from "../../adapters/recovery-store.ts";
import { createAdminWithDeadlineFactory } from "../../clients/admin-deadlines.ts";
import { BatchRun, concurrencyFlagProblems, OrderedPool } from "../../clients/batch.ts";
import { findUnsupportedFieldTexts } from "../../clients/draft/client-draft.ts";
import {
  type ClientEntry,
  firstLinesAndCount,
  readClientEntries,
  warnAndReturnEntryErrors,
} from "../../clients/draft/client-files.ts";
import { rejectUnfindableIds } from "../../clients/draft/id-checks.ts";
import { dryRunImport } from "../../clients/import/dry-run-import.ts";
import { type ImportRun, importClient } from "../../clients/import/import-client.ts";
import { ImportResults } from "../../clients/import/import-results.ts";
import { importSecretFileProblems } from "../../clients/import/import-secret-files.ts";
import { isDryRun } from "../../clients/is-dry-run.ts";
import { findLeftoversByClientId } from "../../clients/secrets/leftover-secrets.ts";
import { warnNoRecoveryFolder } from "../../clients/secrets/recovery-copy-tracker.ts";
import { reportRecipients } from "../../clients/secrets/report-recipients.ts";
import { secretFlagProblems } from "../../clients/secrets/secret-checks.ts";
import { requireOpenOutput } from "../../clients/secrets/unwritten-result.ts";
import { findEarlierCopies } from "../../clients/secrets/void-recovery-copies.ts";
import { type CheckedCommand, type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { getTextField, isPublic, requestedId } from "../../core/client/client.ts";
import {
  CREDENTIAL_OUTPUT_FLAGS,
  ENCRYPTION_FLAGS,
  SECRET_LENGTH,
  SECRET_OUT,
} from "../../core/flags/credential-flags.ts";
import {
  CONCURRENCY,
  DRY_RUN,
  IF_EXISTS,
  LENIENT_FIELD_NAMES,
  SERVER_COMMAND_FLAGS,
  STRICT,
} from "../../core/flags/shared-flags.ts";
import { Problem } from "../../core/problem.ts";

/** From how many clients on it pays to compile the code of an import. */
const MANY = 100;

async function prepare(context: Context): Promise<CheckedCommand> {
  const problems: Problem[] = [];
  const entries = await readClientEntries(context, problems);
  problems.push(...warnAndReturnEntryErrors(context, entries));
  warnOfEntriesWithoutId(context, entries);
  const concurrency = context.values.number(CONCURRENCY);
  problems.push(
    ...concurrencyFlagProblems(context),
    ...(await secretFlagProblems(context, { checksFiles: "elsewhere" })),
    ...(await importSecretFileProblems(context, entries)),
  );
  return { problems, run: () => run(context, entries, concurrency) };
}

/** Warns of clients that `--if-exists` can't find, since every run generates another ID for them. */
function warnOfEntriesWithoutId(
  { values, warn }: Pick<Context, "values" | "warn">,
  entries: readonly ClientEntry[],
): void {
  const policy = values.text(IF_EXISTS);
  const [first, ...others] = entries.filter(({ client }) => requestedId(client) === undefined);
  if (policy === "fail" || first === undefined) return;
  const [which, them] =
    others.length === 0
      ? [`${first.location} has`, "it"]
      : [`${first.location} and ${others.length} more have`, "them"];
  warn(
    `${which} no client_id, so --if-exists ${policy} cannot find ${them}: every run creates ${them} again`,
    "advice",
  );
}

async function run(context: Context, entries: readonly ClientEntry[], concurrency: number): Promise<CommandResult> {
  const adminOfEach = createAdminWithDeadlineFactory(context);
  if (isDryRun(context)) {
    if (entries.some(({ client }) => requestedId(client) !== undefined))
      await rejectUnsupportedEntries(context, entries);
    const batch = new BatchRun(context, entries.length);
    return dryRunImport(context, { entries, concurrency, batch, adminOfEach });
  }
  if (entries.length > MANY) context.host.enableJit();
  const recipients = await context.encryption.recipients(context.values);
  context.signal.throwIfAborted();
  const hasFiles = context.values.isSet(SECRET_OUT);
  if (!hasFiles) requireOpenOutput(context, "Cannot import clients", "the secret");
  reportRecipients(context, recipients);
  const earlier = await findEarlierCopies(context);
  const leftoversOf = await findLeftoversByClientId(context, earlier.copies);
  // Opened before anything is sent: --rescue-dir may turn out to be unusable.
  const log = hasFiles ? undefined : openSharedRecoveryFile(context, entries);
  try {
    await rejectUnsupportedEntries(context, entries);
  } catch (error) {
    log?.close();
    throw error;
  }
  const job: ImportRun = {
    context,
    ifExists: context.values.text(IF_EXISTS),
    recipients,
    copies: log ?? (hasFiles ? "a file of its own" : "none"),
    earlier,
    admin: adminOfEach,
  };
  const pool = new OrderedPool(entries, (entry) => importClient(job, entry), { concurrency, signal: context.signal });
  return new ImportResults(context, { pool, log, total: entries.length, leftoversOf }).result();
}

/** Opens the file for the recovery copies of an import that generates secrets. */
function openSharedRecoveryFile(
  { recovery, warn }: Pick<Context, "recovery" | "warn">,
  entries: readonly ClientEntry[],
): SharedRecoveryFile | undefined {
  const generates = entries.some(
    ({ client }) => !isPublic(client) && getTextField(client, "client_secret") === undefined,
  );
  if (!generates) return undefined;
  const log = recovery.openSharedFile();
  if (log === undefined) warnNoRecoveryFolder({ warn });
  return log;
}

/** Rejects fields that the server's version doesn't know; empty ones are accepted, since exports have them. */
async function rejectUnsupportedEntries(
  context: Pick<Context, "admin" | "rareFields">,
  entries: readonly ClientEntry[],
): Promise<void> {
  // Detected once here, so that the first clients don't each detect it.
  await context.admin.family();
  const located = entries.map(({ client, location }) => ({ client, label: () => location }));
  const [first, ...others] = await findUnsupportedFieldTexts(context, located);
  if (first !== undefined)
    throw new Problem(first, {
      code: "field-unknown-to-server",
      exit: "usage",
      hint: "remove it for this server; no client was created",
      details: firstLinesAndCount(others),
    });
  const labelled = entries.map(({ client, location }) => ({
    client,
    label: (field: string) => `${location}: ${field}`,
  }));
  await rejectUnfindableIds(context, labelled);
}

/** `clients import` and `import oauth2-client`: registers many clients. */
export default defineLeaf({
  name: "import",
  summary: "Create clients from JSON, NDJSON or YAML files",
  about: [
    "Accepts an object, an array (also below clients or items), one object per line, YAML documents, the JSON output of list, or hydra-maester manifests (OAuth2Client, with the Secrets that they name); without a file it reads standard input. All clients are checked before the first one is sent.",
    "If a client fails, the others are still imported and the exit code is 8. Run an interrupted import again with --if-exists skip, which finds clients by their client_id.",
    "With {id} in --secret-out, each client gets its own file or Kubernetes Secret, such as 'secrets/{id}.env'.",
    "--dry-run reads the clients that exist, shows what would be created, changed and left unchanged, and changes nothing.",
    "--fail-after limits the time for each client, not for the whole import.",
  ],
  operands: {
    name: "FILE",
    completes: "file",
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
  prepare,
});

import type { Admin } from "../../adapters/admin/admin.ts";
import type { SharedRecoveryFile } from "../../adapters/recovery-store.ts";
import type { Context } from "../../command.ts";
import { getTextField, requestedId } from "../../core/client/client.ts";
import type { FieldChange } from "../../core/client/equality.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import type { IfExists } from "../../core/flags/shared-flags.ts";
import { CHOSEN_ID_REFUSED } from "../../core/id-problems.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { ENCRYPTED_SECRET_FIELD } from "../../core/output/credential-formats.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { isConflict, Problem, withMessage } from "../../core/problem.ts";
import { withoutCredentialFields } from "../../core/redact.ts";
import { type ClientOutcome, failureMembers, unexpectedProblem } from "../batch-results.ts";
import { readAgain, undeliveredHereText } from "../changed-meanwhile.ts";
import {
  type DeliveredOrRefused,
  type PreparedRegistration,
  prepareClientRegistration,
  type RegisterContext,
  registerAndDeliver,
} from "../create/register.ts";
import { type ClientEntry, clientPayload } from "../draft/client-files.ts";
import { type AcceptedSecret, deliverOrKeep, findUnknownSecretWarning } from "../secrets/change-secret.ts";
import type { PendingDelivery } from "../secrets/credentials-to-deliver.ts";
import { createRecoveryCopyTracker } from "../secrets/recovery-copy-tracker.ts";
import {
  encryptGivenOrGeneratedSecret,
  encryptSecretForNewClient,
  type PrepareContext,
} from "../secrets/secret-source.ts";
import { type EarlierRecoveryCopies, markCopiesVoidByClientId } from "../secrets/void-recovery-copies.ts";
import { warnOfLeavingStack } from "../update/leaving-stack.ts";
import { sendClientChanges } from "../update/send-change.ts";
import { findUnkeptKnownFields } from "../update/unkept-fields.ts";
import { IMPORT_VIEW } from "../views.ts";
import { compareEntryWithClient } from "./compare-entry.ts";
import { type ClientSecretFile, openClientSecretFile, openSecretFileOfUpdate } from "./import-secret-files.ts";

/** How one client of an import ended. */
export interface ImportOutcome extends ClientOutcome {
  readonly outcome: "created" | "updated" | "unchanged" | "skipped" | "failed";
  readonly entry: ClientEntry;
  /** The fields that the server didn't keep. */
  readonly dropped?: readonly string[];
  /** The fields that were updated, with both values. */
  readonly changes?: readonly FieldChange[];
}

/** What the clients of one import share. */
export interface ImportRun {
  readonly context: RegisterContext &
    PrepareContext &
    Pick<Context, "outputContainsValue" | "openTarget" | "readSecretFile">;
  readonly ifExists: IfExists;
  readonly recipients: readonly Recipient[];
  /** Where recovery copies go; with `--secret-out`, the draft of each file is the copy. */
  readonly copies: SharedRecoveryFile | "none" | "a file of its own";
  /** The recovery copies of earlier runs. */
  readonly earlier: EarlierRecoveryCopies;
  /** The admin API, with a deadline for one client. */
  readonly admin: () => Admin;
}

/** Imports one client. It never throws: a failure, even a bug, must not lose the secrets of the other clients. */
export async function importClient(job: ImportRun, entry: ClientEntry): Promise<ImportOutcome> {
  try {
    return await createOrHandleExisting(job, entry);
  } catch (error) {
    const hint = "check whether the client exists, then import it again with --if-exists skip";
    return failedImportOutcome(
      entry,
      error instanceof Problem ? error : unexpectedProblem("Cannot import the client", error, hint),
    );
  }
}

function failedImportOutcome(entry: ClientEntry, error: Problem): ImportOutcome {
  const problem = withMessage(error, `${entry.location}: ${error.message}`);
  const id = getTextField(entry.client, "client_id");
  const shown = {
    ...(id === undefined ? {} : { client_id: id }),
    outcome: "failed",
    from: entry.file,
    error: failureMembers(problem),
  };
  return { outcome: "failed", entry, shown, problem };
}

async function createOrHandleExisting(job: ImportRun, entry: ClientEntry): Promise<ImportOutcome> {
  const { context, recipients, ifExists } = job;
  const client = clientPayload(entry.client);
  const admin = job.admin();
  const id = requestedId(client);
  // The file of a client that exists may be from an earlier run, so it must not be opened for this one.
  if (context.values.isSet(SECRET_OUT) && ifExists !== "fail" && id !== undefined) {
    const current = await admin.find(id);
    if (current !== undefined) return skipOrUpdateExisting(job, admin, entry, { ...client, client_id: id }, current);
  }
  const registration = prepareClientRegistration(
    context,
    client,
    await encryptSecretForNewClient(context, client, recipients),
    {
      view: IMPORT_VIEW,
      more: { outcome: "created", from: entry.file },
    },
  );
  const registered = await createAndDeliverClient(job, admin, entry, registration);
  if (registered.kind === "delivered") return registered.result;
  if (id === undefined || ifExists === "fail") throw registered.problem;
  if (!isConflict(registered.problem)) {
    // A server that generates the IDs refuses every other one, even that of a client which exists.
    const found = isIdRefused(registered.problem) ? await admin.find(id) : undefined;
    if (found === undefined) throw registered.problem;
    return skipOrUpdateExisting(job, admin, entry, { ...client, client_id: id }, found);
  }
  // With --secret-out it was looked up before.
  const { plain, given } = registration.prepared;
  if (context.values.isSet(SECRET_OUT) && plain !== undefined && !given) context.warn(undeliveredHereText(id));
  return skipOrUpdateExisting(job, admin, entry, { ...client, client_id: id });
}

function isIdRefused(problem: unknown): boolean {
  return problem instanceof Problem && problem.code === CHOSEN_ID_REFUSED.code;
}

/** Creates a client and delivers its credentials: to its own file, or with the result. */
async function createAndDeliverClient(
  { context, copies, earlier }: ImportRun,
  admin: Admin,
  entry: ClientEntry,
  registration: PreparedRegistration,
): Promise<DeliveredOrRefused<ImportOutcome>> {
  const { payload, prepared } = registration;
  const file = prepared.plain === undefined ? undefined : await openClientSecretFile(context, payload.client_id);
  try {
    const targets = { admin, target: file?.target, copies };
    const registered = await registerAndDeliver<ImportOutcome>(context, targets, registration, async (created) => {
      // An earlier client had the same ID.
      markCopiesVoidByClientId(context, earlier, created.record.client_id);
      return {
        outcome: "created",
        entry,
        dropped: findUnkeptKnownFields(payload, created.record),
        ...(file === undefined
          ? showCredentialsOrKeepCopy(context, created)
          : { shown: await writeClientSecretFile(file, created) }),
      };
    });
    if (registered.kind === "refused") await file?.target?.discard();
    return registered;
  } catch (error) {
    await file?.target?.discard();
    throw error;
  }
}

/** Writes the file of a client; returns its result without the secret. */
async function writeClientSecretFile(
  file: ClientSecretFile,
  { delivery, delivered }: PendingDelivery,
): Promise<JsonObject> {
  const path = await file.write(delivery.credentials.id, delivery.secret);
  delivered();
  const { client_secret: _, [ENCRYPTED_SECRET_FIELD]: __, ...shown } = delivery.shown;
  return { ...shown, secret_file: path };
}

/** Shows the credentials with the result; if the output format omits them, keeps a recovery copy. */
function showCredentialsOrKeepCopy(
  { outputContainsValue }: Pick<Context, "outputContainsValue">,
  { delivery: { shown, mustDeliver }, delivered, hidden, undelivered }: PendingDelivery,
): Pick<ImportOutcome, "delivery" | "shown"> {
  if (mustDeliver === undefined) {
    delivered();
    return { shown };
  }
  if (outputContainsValue(IMPORT_VIEW, shown, mustDeliver))
    return { shown, delivery: { secret: mustDeliver, delivered, hidden, undelivered } };
  hidden();
  return { shown };
}

/** Skips or updates a client that exists, as `--if-exists` says. */
async function skipOrUpdateExisting(
  { context, ifExists, recipients, earlier }: ImportRun,
  admin: Admin,
  entry: ClientEntry,
  payload: JsonObject & { readonly client_id: string },
  found?: JsonObject,
): Promise<ImportOutcome> {
  const id = payload.client_id;
  const outcomeOf = (outcome: ImportOutcome["outcome"], record: JsonObject): ImportOutcome => {
    return { outcome, entry, shown: { ...withoutCredentialFields(record), outcome, from: entry.file } };
  };
  if (ifExists === "skip") return outcomeOf("skipped", { client_id: id });
  const current = found ?? (await readAgain(admin, id));
  const { wanted, secret, differing } = compareEntryWithClient(payload, current);
  if (differing.length === 0)
    return { ...outcomeOf("unchanged", current), dropped: findUnkeptKnownFields(wanted, current) };
  // A secret that was given is written to the file as for a new client.
  const prepared = secret === undefined ? undefined : await encryptGivenOrGeneratedSecret(context, secret, recipients);
  const file = prepared === undefined ? undefined : await openSecretFileOfUpdate(context, id, prepared);
  try {
    const record = await sendClientChanges(admin, id, current, differing);
    warnOfLeavingStack(context, id, current, { ...current, ...wanted });
    const warning = secret === undefined ? findUnknownSecretWarning(id, current, { ...current, ...wanted }) : undefined;
    if (secret !== undefined) markCopiesVoidByClientId(context, earlier, id);
    if (warning !== undefined) context.warn(warning);
    const updated = outcomeOf("updated", record);
    const answer = { ...record, outcome: "updated", from: entry.file };
    return {
      ...updated,
      ...(prepared === undefined ? {} : await deliverUpdatedSecret(context, { id, prepared, record: answer }, file)),
      changes: differing,
      dropped: findUnkeptKnownFields(wanted, record),
    };
  } catch (error) {
    await file?.target?.discard();
    throw error;
  }
}

/** Delivers the secret of an update: to its file, or the server's own with the result. */
function deliverUpdatedSecret(
  context: ImportRun["context"],
  { id, ...changed }: Omit<AcceptedSecret, "saved"> & { readonly id: string },
  file: ClientSecretFile | undefined,
): Promise<Pick<ImportOutcome, "delivery" | "shown">> {
  // A secret that was given needs no copy, unless it turns out that the server has another one.
  const saved = createRecoveryCopyTracker(context, undefined);
  return deliverOrKeep(context, id, { ...changed, saved }, async (pending) =>
    file === undefined
      ? showCredentialsOrKeepCopy(context, pending)
      : { shown: await writeClientSecretFile(file, pending) },
  );
}

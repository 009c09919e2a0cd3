import type { Admin } from "../adapters/admin/admin.ts";
import type { RecoveryLog } from "../adapters/recovery-store.ts";
import type { Context } from "../command.ts";
import { textField } from "../core/client/client.ts";
import { changes } from "../core/client/equality.ts";
import type { IfExists } from "../core/flags/flag-table.ts";
import type { JsonObject } from "../core/json.ts";
import type { Recipient } from "../core/keys/recipient.ts";
import { Problem, withMessage } from "../core/problem.ts";
import { withoutCredentials } from "../core/redact.ts";
import { type ClientEntry, payloadOf } from "./client-files.ts";
import { safeReason } from "./delivery.ts";
import { droppedKnownFields } from "./dropped-fields.ts";
import { isConflict } from "./existing-client.ts";
import { type CreatedClient, type RegisterContext, register, registrationOf } from "./register.ts";
import { type PrepareContext, prepareClientSecret } from "./secret-source.ts";
import { updateClient } from "./send-change.ts";
import { IMPORT_VIEW, requestedId } from "./views.ts";

/** How one client of an import ended. */
export interface ImportOutcome {
  readonly outcome: "created" | "updated" | "unchanged" | "skipped" | "failed";
  readonly entry: ClientEntry;
  /** The result of this client. */
  readonly shown: JsonObject;
  /** The fields that the server didn't keep. */
  readonly dropped?: readonly string[];
  readonly problem?: Problem;
  /** For a client whose credentials are to be delivered. */
  readonly created?: CreatedClient;
}

/** What the clients of one import share. */
export interface ImportJob {
  readonly context: RegisterContext & PrepareContext & Pick<Context, "rendersText">;
  readonly ifExists: IfExists;
  readonly recipients: readonly Recipient[];
  readonly copies: RecoveryLog | "none";
  /** The admin API, with a deadline for one client. */
  readonly admin: () => Admin;
}

/** Imports one client. It never throws: a failure, even a bug, must not lose the secrets of the other clients. */
export async function importClient(job: ImportJob, entry: ClientEntry): Promise<ImportOutcome> {
  try {
    return await createOrUpdate(job, entry);
  } catch (error) {
    return failed(entry, error instanceof Problem ? error : unexpected(error));
  }
}

function unexpected(error: unknown): Problem {
  return new Problem(`Cannot import the client: ${safeReason(error)}`, {
    code: "unexpected",
    exit: "failed",
    hint: "check whether the client exists, then import it again with --if-exists skip",
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

async function createOrUpdate(job: ImportJob, entry: ClientEntry): Promise<ImportOutcome> {
  const { context, recipients, copies } = job;
  const client = payloadOf(entry.client);
  const registration = registrationOf(context, client, await prepareClientSecret(context, client, recipients), {
    view: IMPORT_VIEW,
    more: { outcome: "created", from: entry.file },
  });
  const admin = job.admin();
  const registered = await register<ImportOutcome>(
    context,
    { admin, target: undefined, copies },
    registration,
    async (created) => {
      return {
        outcome: "created",
        entry,
        shown: created.delivery.shown,
        dropped: droppedKnownFields(registration.payload, created.record),
        ...shownCredentials(context, created),
      };
    },
  );
  if (registered.kind === "delivered") return registered.result;
  if (requestedId(client) === undefined || !isConflict(registered.problem)) throw registered.problem;
  return existing(job.ifExists, admin, entry, registration.payload, registered.problem);
}

/** The client whose credentials the output format shows; where it omits them, a recovery copy is kept. */
function shownCredentials(
  { rendersText }: Pick<Context, "rendersText">,
  created: CreatedClient,
): Pick<ImportOutcome, "created"> {
  const { shown, mustDeliver } = created.delivery;
  if (mustDeliver === undefined || rendersText(IMPORT_VIEW, shown, mustDeliver)) return { created };
  created.hidden();
  return {};
}

/** A client with this ID exists: it fails, is skipped or is updated, as `--if-exists` says. */
async function existing(
  ifExists: IfExists,
  admin: Admin,
  entry: ClientEntry,
  payload: JsonObject & { readonly client_id: string },
  conflict: Problem,
): Promise<ImportOutcome> {
  if (ifExists === "fail") throw conflict;
  const id = payload.client_id;
  const outcomeOf = (outcome: ImportOutcome["outcome"], record: JsonObject): ImportOutcome => {
    return { outcome, entry, shown: { ...withoutCredentials(record), outcome, from: entry.file } };
  };
  if (ifExists === "skip") return outcomeOf("skipped", { client_id: id });
  const current = await admin.get(id);
  const secret = textField(entry.client, "client_secret");
  const differing = [
    ...changes(current, payload),
    ...(secret === undefined ? [] : [{ field: "client_secret", before: undefined, after: secret }]),
  ];
  const record = differing.length === 0 ? current : await updateClient(admin, id, current, differing);
  const outcome = differing.length === 0 ? "unchanged" : "updated";
  return { ...outcomeOf(outcome, record), dropped: droppedKnownFields(payload, record) };
}

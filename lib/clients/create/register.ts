import type { Admin, CreateOutcome } from "../../adapters/admin/admin.ts";
import type { SharedRecoveryFile } from "../../adapters/recovery-store.ts";
import type { Context } from "../../command.ts";
import type { ClientRecord } from "../../core/client/client.ts";
import { findReturnedSecret, getTextField, requestedId } from "../../core/client/client.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { CLEANUP_AFTER_DEADLINE_MS } from "../../core/network.ts";
import type { ResultView } from "../../core/output/render.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { errorMessage, isExpectedError, Problem, safeErrorReason, withMessage } from "../../core/problem.ts";
import { type ClientInStack, partToDeleteText } from "../../core/recovery-record.ts";
import { escapeControls, quote } from "../../core/text.ts";
import type { CleanupAdminFactory } from "../admin-deadlines.ts";
import {
  credentialsToDeliverFromAnswer,
  type DeliveryContext,
  type PendingDelivery,
  rejectFormatOmittingSecret,
  UNDELIVERED_CODE,
} from "../secrets/credentials-to-deliver.ts";
import {
  buildRecoveryRecord,
  type ClientStatusForRecovery,
  createRecoveryCopyTracker,
  createSecretFileDraftTracker,
  type RecoveryCopyContext,
  type RecoveryCopyTracker,
  recoveryOutcomeText,
  statusBeforeCreate,
  warnNoRecoveryFolder,
} from "../secrets/recovery-copy-tracker.ts";
import { secretFileText } from "../secrets/secret-out-text.ts";
import { type PlainAndEncryptedSecret, type PreparedSecret, secretOrPrivateKeyNoun } from "../secrets/secret-source.ts";
import type { OptionalSecretTarget } from "../secrets/with-secret-target.ts";

/** One client that is ready to be created: everything that could fail before the request has been done. */
export interface PreparedRegistration {
  /** The body of the request (RFC 7591, 2), with the ID that the client will have, without its secret. */
  readonly payload: JsonObject & { readonly client_id: string };
  /** Whether the ID was generated here, so that a client with this ID can only be this run's. */
  readonly ownId: boolean;
  readonly prepared: PreparedSecret;
  /** How the result is written. */
  readonly view: ResultView<JsonObject>;
  /** Members of the result that are not the client's own. */
  readonly more?: JsonObject;
  /** For a client of a stack, whose secret a later run can deliver. */
  readonly owner?: ClientInStack;
}

/** How a registration ended, other than by a Problem that says what is left of the client and its secret. */
export type DeliveredOrRefused<T> =
  | { readonly kind: "delivered"; readonly result: T }
  /** The server created nothing. */
  | { readonly kind: "refused"; readonly problem: unknown };

/** A client that exists now, with the credentials that are to be delivered. */
export interface CreatedClientToDeliver extends PendingDelivery {
  /** The server's answer. */
  readonly record: ClientRecord;
}

/** Where a registration sends its request, and where its secret goes. */
interface RegistrationTargets extends OptionalSecretTarget {
  readonly admin: Admin;
  /** Where the recovery copy goes; `none` if it is known that no directory is writable. */
  readonly copies: "a file of its own" | "none" | SharedRecoveryFile;
}

/** What a registration needs of a command's context. */
export type RegisterContext = RecoveryCopyContext & DeliveryContext;

/** Prepares one client: with its ID chosen and its secret, or its private key, ready. Nothing is sent. */
export function prepareClientRegistration(
  { host }: Pick<Context, "host">,
  client: JsonObject,
  prepared: PreparedSecret,
  result: Pick<PreparedRegistration, "view" | "more" | "owner">,
): PreparedRegistration {
  const id = requestedId(client);
  const { client_secret: _, ...fields } = client;
  return { payload: { ...fields, client_id: id ?? host.uuid() }, ownId: id === undefined, prepared, ...result };
}

/**
 * Creates one prepared client: save → send → deliver → recover.
 *
 * A copy of the secret is saved before the request is sent, and removed once the secret is delivered or the server has
 * certainly created nothing. Whatever fails after the answer, the client is deleted again or its secret is kept.
 *
 * @param deliver delivers the credentials; whatever it throws counts as "not delivered".
 * @throws Problem if the client may exist: it says so, and names the file that holds the secret.
 */
export async function registerAndDeliver<T>(
  context: RegisterContext,
  targets: RegistrationTargets,
  registration: PreparedRegistration,
  deliver: (created: CreatedClientToDeliver) => Promise<T>,
): Promise<DeliveredOrRefused<T>> {
  const saved = await saveBeforeSend(context, targets, registration);
  rejectFormatOmittingSecret(context, registration, targets.target !== undefined || saved.path !== undefined);
  const outcome = await send(targets.admin, registration);
  switch (outcome.kind) {
    case "refused":
      saved.remove();
      return outcome;
    case "unknown":
      throw keepUnverifiedSecret(outcome, saved, registration);
    case "created":
    case "found": {
      const result = await deliverOrRecover(context, { targets, registration, saved, outcome }, deliver);
      return { kind: "delivered", result };
    }
  }
}

/** Saves a copy of a generated secret, so that nothing is lost if the process dies between the request and the delivery. */
async function saveBeforeSend(
  context: RegisterContext,
  { target, copies }: RegistrationTargets,
  { payload: { client_id: id }, prepared, owner }: PreparedRegistration,
): Promise<RecoveryCopyTracker> {
  // The client of a stack gets its place for the secret only once, so that one which was given counts too.
  if (prepared.plain === undefined || (prepared.given && owner === undefined) || copies === "none")
    return createRecoveryCopyTracker(context, undefined, { owner });
  const text = prepared.encrypted ?? prepared.plain;
  if (target?.draft !== undefined) {
    const { draft } = target;
    const write = (status: ClientStatusForRecovery, secret: PlainAndEncryptedSecret): Promise<void> =>
      target.save(secretFileText(context, status.id ?? "", secret));
    await write(statusBeforeCreate(id), prepared);
    return createSecretFileDraftTracker(context, { ...target, draft }, write, text);
  }
  const record = buildRecoveryRecord(context, statusBeforeCreate(id), prepared, owner);
  if (copies === "a file of its own") {
    const copy = context.recovery.save(record);
    if (copy === undefined) warnNoRecoveryFolder(context);
    return createRecoveryCopyTracker(context, copy, { text, owner });
  }
  try {
    return createRecoveryCopyTracker(context, copies.save(record), { text, owner });
  } catch (error) {
    context.warn(
      `no recovery copy of client ${quote(id)}: cannot write ${quote(copies.path)}: ${escapeControls(errorMessage(error))}`,
    );
    return createRecoveryCopyTracker(context, undefined, { owner });
  }
}

/** Sends the request. After a failure of the program itself the client may exist, and the problem says so. */
async function send(admin: Admin, { payload, ownId, prepared }: PreparedRegistration): Promise<CreateOutcome> {
  const { client_id: id } = payload;
  try {
    const secret = prepared.kind === "client_secret" ? { client_secret: prepared.plain } : {};
    return await admin.create({ ...payload, ...secret }, ownId);
  } catch (error) {
    const problem = new Problem(
      `Cannot create client: ${safeErrorReason(error)}; client ${quote(id)} may have been created anyway`,
      {
        code: "unexpected",
        hint: `check before you run this again: hydra clients get ${quotedOperandAndFlagText(id)}`,
        ambiguous: true,
        cause: error,
      },
    );
    return { kind: "unknown", problem, clientId: id };
  }
}

/** Keeps the secret of a client that may exist; returns the problem that says so. */
function keepUnverifiedSecret(
  { problem, clientId }: Extract<CreateOutcome, { kind: "unknown" }>,
  saved: RecoveryCopyTracker,
  { prepared }: PreparedRegistration,
): Problem {
  const kept = saved.keep({ id: clientId, state: "unverified", reason: problem.message }, prepared);
  return withMessage(problem, `${problem.message}${recoveryOutcomeText(kept)}`);
}

/** A registration that the server has answered: the client exists. */
interface AnsweredRegistration {
  readonly targets: RegistrationTargets;
  readonly registration: PreparedRegistration;
  readonly saved: RecoveryCopyTracker;
  readonly outcome: Extract<CreateOutcome, { kind: "created" | "found" }>;
}

async function deliverOrRecover<T>(
  context: RegisterContext,
  { targets, registration: { payload, prepared, more, owner }, saved, outcome }: AnsweredRegistration,
  deliver: (created: CreatedClientToDeliver) => Promise<T>,
): Promise<T> {
  const { record } = outcome;
  const { client_id: id } = record;
  let secret = secretFromAnswer(record, prepared);
  const undelivered: CreatedClientToDeliver["undelivered"] = (
    reason,
    partlyWritten,
    cleanup = adminWithCleanupDeadline,
  ) => {
    const mayDelete = outcome.kind === "created" && !partlyWritten;
    return deleteClientOrKeepSecret({
      admin: mayDelete ? cleanup(targets.admin) : undefined,
      id,
      secret,
      saved,
      reason,
    });
  };
  try {
    const delivery = await credentialsToDeliverFromAnswer(context, prepared, { ...record, ...more });
    ({ secret } = delivery);
    const isKnown = id === payload.client_id && owner === undefined;
    const updatedAt = getTextField(record, "updated_at");
    if (delivery.differs || (!isKnown && saved.path !== undefined))
      await saved.update({ id, state: "made", reason: "the secret is about to be delivered", updatedAt }, secret);
    const hidden = (): void => {
      const kept = saved.keep({ id, state: "made", reason: "the output format omits the secret" }, secret);
      context.warn(
        `this output format omits the ${secretOrPrivateKeyNoun(secret)} of client ${quote(id)}${recoveryOutcomeText(kept)}`,
      );
    };
    return await deliver({ record, delivery, delivered: () => saved.remove(), hidden, undelivered });
  } catch (error) {
    throw await undelivered(error, targets.target?.partlyWritten === true);
  }
}

/**
 * The secret that the client has, as far as the answer says without the checks of {@link credentialsToDeliverFromAnswer}.
 */
function secretFromAnswer(record: ClientRecord, prepared: PreparedSecret): PlainAndEncryptedSecret {
  const answered = findReturnedSecret(record);
  const differs = prepared.kind === "client_secret" && answered !== undefined && answered !== prepared.plain;
  if (!differs || prepared.plain === undefined) return prepared;
  // With recipients the server's secret can't be kept before it is encrypted, and the one that was sent is void.
  return { ...prepared, plain: prepared.recipients.length > 0 ? undefined : answered, encrypted: undefined };
}

/** The admin API with the time for taking one client back. */
const adminWithCleanupDeadline: CleanupAdminFactory = (admin) => admin.withDeadline(CLEANUP_AFTER_DEADLINE_MS);

interface UndeliveredClient {
  /**
   * What deletes the client. Undefined unless the server answered this run's own request with 201, nothing of the secret
   * has left the process, and there is time for it.
   */
  readonly admin: Admin | undefined;
  readonly id: string;
  readonly secret: PlainAndEncryptedSecret;
  readonly saved: RecoveryCopyTracker;
  readonly reason: unknown;
}

/** Deletes a client whose secret can't be delivered, if that is certain to be right; otherwise keeps the secret. */
async function deleteClientOrKeepSecret({ admin, id, secret, saved, reason }: UndeliveredClient): Promise<Problem> {
  const why = safeErrorReason(reason);
  const details = { code: UNDELIVERED_CODE, cause: reason } as const;
  const left = admin === undefined ? "made" : await deleteCreatedClient(admin, id);
  if (left === "gone") {
    saved.remove();
    return new Problem(`Cannot deliver the credentials: ${why}; client ${quote(id)} was deleted again`, {
      ...details,
      hint: isExpectedError(reason)
        ? "run the command again, with another destination if this one cannot be written"
        : "try another --format, and report this failure",
    });
  }
  // Where the client exists, or may exist, its secret must be kept.
  const kept = saved.keep({ id, state: left, reason: why }, secret);
  const was = left === "made" ? "was created" : "was created, and may have been deleted again";
  return new Problem(`Cannot deliver the credentials: ${why}; client ${quote(id)} ${was}${recoveryOutcomeText(kept)}`, {
    ...details,
    hint:
      kept.kind === "kept"
        ? `take the ${secretOrPrivateKeyNoun(secret)} from that file, then delete ${partToDeleteText(kept.path)}`
        : `delete the client: hydra clients delete ${quotedOperandAndFlagText(id)}`,
  });
}

/** Deletes a client that this run created; returns what is left of it. */
async function deleteCreatedClient(admin: Admin, id: string): Promise<"gone" | "made" | "unverified"> {
  try {
    await admin.remove(id);
    return "gone";
  } catch (error) {
    if (!(error instanceof Problem) || error.ambiguous) return "unverified";
    return error.exit === "notFound" ? "gone" : "made";
  }
}

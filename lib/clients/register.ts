import type { Admin, CreateOutcome } from "../adapters/admin/admin.ts";
import type { RecoveryLog } from "../adapters/recovery-store.ts";
import { type Context, type Result, single } from "../command.ts";
import { type ClientRecord, textField } from "../core/client/client.ts";
import type { JsonObject } from "../core/json.ts";
import { CLEANUP_MS } from "../core/network.ts";
import type { View } from "../core/output/render.ts";
import { errorMessage, Problem, withMessage } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";
import { type Delivery, deliveryOf, isExpectedError, refuseHidden, safeReason, UNDELIVERED } from "./delivery.ts";
import { type Outlets, reportClientOnWriteFailure, writeSecretFile } from "./outlets.ts";
import {
  beforeCreate,
  keptText,
  recordOf,
  type SavedSecret,
  type SecretStatus,
  savedIn,
  savedInDraft,
} from "./recovery.ts";
import { secretFileText } from "./secret-file.ts";
import type { PreparedSecret, SecretText } from "./secret-source.ts";

/** One client that is ready to be created: all that could fail before the request has been done. */
export interface Registration {
  /** The body of the request (RFC 7591, 2), with the ID and the secret that the client will have. */
  readonly payload: ClientRecord;
  /** Whether the ID was generated here, so that a client with this ID can only be this run's. */
  readonly ownId: boolean;
  readonly prepared: PreparedSecret;
  /** How the result is written. */
  readonly view: View<JsonObject>;
  /** Members of the result that are not the client's own. */
  readonly more?: JsonObject;
}

/** How a registration ended, other than by a Problem that says what is left of the client and its secret. */
export type Registered<T> =
  | { readonly kind: "delivered"; readonly result: T }
  /** The server created nothing. */
  | { readonly kind: "refused"; readonly problem: unknown };

/** A client that exists now, with the credentials that are to be delivered. */
export interface CreatedClient {
  /** The server's answer. */
  readonly record: ClientRecord;
  readonly delivery: Delivery;
  /** To be called once the credentials have been delivered: removes the recovery copy. */
  readonly delivered: () => void;
  /** To be called when the output format leaves the credentials out: keeps them in a file, and warns where they are. */
  readonly hidden: () => void;
  /** To be called when the credentials can't be delivered; gives the problem that says what became of them. */
  readonly undelivered: (reason: unknown, partlyWritten: boolean) => Promise<Problem>;
}

/** Where a registration sends its request, and where its secret goes. */
export interface RegistrationTargets extends Outlets {
  readonly admin: Admin;
  /** Where the recovery copy goes; `none` where it is known that no folder can be written. */
  readonly copies: "a file of its own" | "none" | RecoveryLog;
}

/**
 * Creates one client: save → send → deliver → recover.
 *
 * A copy of the secret is saved before the request is sent, and removed once the secret is delivered or the server has
 * certainly created nothing. Whatever fails after the answer, the client is deleted again, or its secret kept.
 *
 * @param deliver gives the credentials to whoever asked for them; what it throws counts as "not delivered".
 * @throws Problem where the client may exist: it says so, and names the file that holds the secret.
 */
export async function register<T>(
  context: Context,
  targets: RegistrationTargets,
  registration: Registration,
  deliver: (created: CreatedClient) => Promise<T>,
): Promise<Registered<T>> {
  const { prepared, view } = registration;
  const saved = await saveBeforeSend(context, targets, registration);
  refuseHidden(context, view, prepared, targets.target !== undefined || saved.path !== undefined);
  const outcome = await sendCreate(targets.admin, registration);
  if (outcome.kind === "refused") {
    saved.remove();
    return outcome;
  }
  if (outcome.kind === "unknown") throw unverified(outcome, saved, prepared);
  const result = await deliverOrRecover(context, { targets, registration, saved, outcome }, deliver);
  return { kind: "delivered", result };
}

/** Saves a copy of a generated secret, so that nothing is lost if the process dies between the request and the delivery. */
async function saveBeforeSend(
  context: Context,
  { target, copies }: RegistrationTargets,
  { payload, prepared }: Registration,
): Promise<SavedSecret> {
  if (prepared.plain === undefined || prepared.given || copies === "none") return savedIn(context, undefined);
  const text = prepared.encrypted ?? prepared.plain;
  if (target?.draft !== undefined) {
    const { draft } = target;
    const write = ({ id = "" }: SecretStatus, secret: SecretText): Promise<void> =>
      target.save(secretFileText(context, id, secret));
    await write(beforeCreate(payload.client_id), prepared);
    return savedInDraft(context, { ...target, draft }, write, text);
  }
  const record = recordOf(context, beforeCreate(payload.client_id), prepared);
  if (copies === "a file of its own") {
    const copy = context.recovery.save(record);
    if (copy === undefined) warnWithoutCopy(context);
    return savedIn(context, copy, text);
  }
  try {
    return savedIn(context, copies.save(record), text);
  } catch (error) {
    context.warn(
      `no recovery copy of client ${quote(payload.client_id)}: ${quote(copies.path)} cannot be written: ${escapeControls(errorMessage(error))}`,
    );
    return savedIn(context, undefined);
  }
}

/** Warns that a secret would be lost if the process were killed before it is delivered. */
export function warnWithoutCopy(context: Pick<Context, "warn">): void {
  context.warn("no folder can be written to keep the secret in if it cannot be handed over (--rescue-dir names one)");
}

/** Sends the request; a failure of the program itself leaves open whether the client exists, and says so. */
async function sendCreate(admin: Admin, { payload, ownId, prepared }: Registration): Promise<CreateOutcome> {
  const { client_id: id } = payload;
  try {
    return await admin.create(
      prepared.kind === "client_secret" ? { ...payload, client_secret: prepared.plain } : payload,
      ownId,
    );
  } catch (error) {
    const problem = new Problem(
      `Cannot create client: ${safeReason(error)}; client ${quote(id)} may have been made all the same`,
      {
        code: "unexpected",
        exit: "failed",
        hint: `look for it before you run this again: hydra clients get ${id}`,
        ambiguous: true,
        cause: error,
      },
    );
    return { kind: "unknown", problem, clientId: id };
  }
}

/** The problem of a client that may exist: its secret is kept. */
function unverified(
  { problem, clientId }: Extract<CreateOutcome, { kind: "unknown" }>,
  saved: SavedSecret,
  prepared: PreparedSecret,
): Problem {
  const kept = saved.keep({ id: clientId, state: "unverified", reason: problem.message }, prepared);
  return withMessage(problem, `${problem.message}${keptText(kept)}`);
}

/** What is known once the server has answered that the client exists. */
interface Answered {
  readonly targets: RegistrationTargets;
  readonly registration: Registration;
  readonly saved: SavedSecret;
  readonly outcome: Extract<CreateOutcome, { kind: "created" | "found" }>;
}

async function deliverOrRecover<T>(
  context: Context,
  { targets, registration, saved, outcome }: Answered,
  deliver: (created: CreatedClient) => Promise<T>,
): Promise<T> {
  const { prepared, more } = registration;
  const { client_id: id } = outcome.record;
  let secret = answeredSecret(outcome.record, prepared);
  const undelivered = (reason: unknown, partlyWritten: boolean): Promise<Problem> => {
    const certain = outcome.kind === "created" && !partlyWritten;
    return recover(context, { id, secret, saved, mayDelete: certain, reason });
  };
  try {
    const delivery = await deliveryOf(context, prepared, { ...outcome.record, ...more });
    ({ secret } = delivery);
    if (delivery.differs || (id !== registration.payload.client_id && saved.path !== undefined))
      await saved.update({ id, state: "made", reason: "the secret is about to be delivered" }, secret);
    const hidden = (): void => {
      const kept = saved.keep({ id, state: "made", reason: "the output format leaves the secret out" }, secret);
      const what = prepared.kind === "client_secret" ? "secret" : "private key";
      context.warn(`this output format leaves the ${what} of client ${quote(id)} out${keptText(kept)}`);
    };
    return await deliver({ record: outcome.record, delivery, delivered: () => saved.remove(), hidden, undelivered });
  } catch (error) {
    if (error instanceof Problem && error.code === UNDELIVERED) throw error;
    throw await undelivered(error, targets.target?.partlyWritten === true);
  }
}

/** The secret that the client has, as far as the answer alone tells. */
function answeredSecret(record: ClientRecord, prepared: PreparedSecret): SecretText {
  const answered = textField(record, "client_secret") ?? "";
  const differs = prepared.kind === "client_secret" && answered !== "" && answered !== prepared.plain;
  if (!differs || prepared.plain === undefined) return prepared;
  // With recipients a secret of the server's can't be kept before it is encrypted, and the one that was sent is void.
  return { ...prepared, plain: prepared.recipients.length > 0 ? undefined : answered, encrypted: undefined };
}

interface Undelivered {
  readonly id: string;
  readonly secret: SecretText;
  readonly saved: SavedSecret;
  /** Whether the server answered this run's own request with 201, and nothing of the secret has left the process. */
  readonly mayDelete: boolean;
  readonly reason: unknown;
}

/** Deletes a client whose secret can't be delivered, where that is certain to be right; otherwise keeps the secret. */
async function recover(context: Context, { id, secret, saved, mayDelete, reason }: Undelivered): Promise<Problem> {
  const why = safeReason(reason);
  const details = { code: UNDELIVERED, exit: "failed", cause: reason } as const;
  const left = mayDelete ? await takeBack(context, id) : "made";
  if (left === "gone") {
    saved.remove();
    return new Problem(`Cannot hand over the credentials: ${why}; client ${quote(id)} was deleted again`, {
      ...details,
      hint: isExpectedError(reason)
        ? "run the command again with a place that takes the result"
        : "try another --format, and report this failure",
    });
  }
  // Where the client stays, or may stay, its secret must too.
  const kept = saved.keep({ id, state: left, reason: why }, secret);
  const was = left === "made" ? "was created" : "was created, and may be deleted again";
  return new Problem(`Cannot hand over the credentials: ${why}; client ${quote(id)} ${was}${keptText(kept)}`, {
    ...details,
    hint:
      kept.kind === "kept"
        ? "take the secret from that file, then delete it"
        : `hydra clients delete ${id} removes the client`,
  });
}

/** Deletes a client that this run created; gives what is left of it then. */
async function takeBack(context: Context, id: string): Promise<"gone" | "made" | "unverified"> {
  try {
    await context.admin.withDeadline(CLEANUP_MS).remove(id);
    return "gone";
  } catch (error) {
    if (!(error instanceof Problem) || error.ambiguous) return "unverified";
    return error.exit === "notFound" ? "gone" : "made";
  }
}

/** Delivers the credentials of a new client: to the secret file, to standard output, or, where the format hides them, to a recovery copy. */
export async function deliverCreated(
  context: Context,
  { target }: Outlets,
  { view }: Registration,
  { delivery, delivered, hidden, undelivered }: CreatedClient,
): Promise<Result> {
  const { shown, mustDeliver } = delivery;
  const unwritten = reportClientOnWriteFailure(delivery.credentials.id, "created");
  if (target !== undefined) {
    const rest = await writeSecretFile(context, target, delivery);
    delivered();
    return single(view, rest, unwritten);
  }
  if (mustDeliver === undefined) return single(view, shown, unwritten);
  if (!context.rendersText(view, shown, mustDeliver)) {
    hidden();
    return single(view, shown, unwritten);
  }
  return single(view, shown, {
    delivered,
    undelivered: ([lost], reason) => undelivered(reason, lost?.partlyWritten !== false),
  });
}

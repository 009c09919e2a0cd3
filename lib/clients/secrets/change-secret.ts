import type { CommandResult, Context } from "../../command.ts";
import { getTextField, isPublic, usesSecret } from "../../core/client/client.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { ResultView } from "../../core/output/render.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { type ExitName, errorMessage, Problem, safeErrorReason } from "../../core/problem.ts";
import { type ClientInStack, RecordSaveFailure } from "../../core/recovery-record.ts";
import { escapeControls, quote } from "../../core/text.ts";
import {
  type CredentialsToDeliver,
  credentialsToDeliverFromAnswer,
  type DeliveryContext,
  NotEncryptedError,
  type PendingDelivery,
  UNDELIVERED_CODE,
} from "./credentials-to-deliver.ts";
import {
  buildRecoveryRecord,
  type ClientStatusForRecovery,
  createRecoveryCopyTracker,
  type RecoveryCopyContext,
  type RecoveryCopyTracker,
  type RecoveryOutcome,
  recoveryOutcomeText,
} from "./recovery-copy-tracker.ts";
import { reportRecipients } from "./report-recipients.ts";
import type { PreparedSecret } from "./secret-source.ts";
import { findEarlierCopies, markCopiesVoidByClientId } from "./void-recovery-copies.ts";
import {
  deliverCredentials,
  type OptionalSecretTarget,
  runWithSecretTarget,
  type SecretTargetContext,
} from "./with-secret-target.ts";

/** A client's new secret that the server has, and the recovery copy that holds it until it is delivered. */
export interface AcceptedSecret {
  readonly prepared: PreparedSecret;
  /** The server's answer, as the result shows it. */
  readonly record: JsonObject;
  readonly saved: RecoveryCopyTracker;
  /** For a client of a stack, whose secret a later run can deliver. */
  readonly owner?: ClientInStack | undefined;
}

/** How a new secret is delivered. */
interface SecretDeliveryOptions {
  readonly id: string;
  readonly view: ResultView<JsonObject>;
  /** Called before anything is written; if it throws, the secret is kept. */
  readonly before: (delivery: CredentialsToDeliver, record: JsonObject) => Promise<void> | void;
  readonly exit?: () => ExitName;
}

/** What changing a secret needs of a command's context. */
export type ChangeSecretContext = RecoveryCopyContext &
  DeliveryContext &
  SecretTargetContext &
  Pick<Context, "note" | "detail" | "openLeftovers">;

/** Sends a change that sets a secret. A copy is on the disk before the request, since it invalidates the old secret. */
export async function sendWithRecoveryCopy(
  context: RecoveryCopyContext,
  id: string,
  prepared: PreparedSecret,
  send: () => Promise<JsonObject>,
  owner?: ClientInStack,
): Promise<AcceptedSecret> {
  const saved = saveBeforeChange(context, id, prepared, owner);
  try {
    return { prepared, record: await send(), saved, owner };
  } catch (error) {
    if (error instanceof Problem && !error.ambiguous) saved.remove();
    else context.warn(`client ${quote(id)} may have the new secret, which is in ${quote(saved.path ?? "")}`);
    throw error;
  }
}

function saveBeforeChange(
  context: RecoveryCopyContext,
  id: string,
  prepared: PreparedSecret,
  owner: ClientInStack | undefined,
): RecoveryCopyTracker {
  const reason = "the request that sets this secret is about to be sent";
  try {
    const record = buildRecoveryRecord(context, { id, state: "unverified", reason }, prepared, owner);
    const copy = context.recovery.saveDurably(record, "preferred directories");
    return createRecoveryCopyTracker(context, copy, { text: prepared.encrypted ?? prepared.plain, owner });
  } catch (error) {
    const folder = error instanceof RecordSaveFailure ? error.folder : "";
    throw new Problem(
      `Cannot change the secret of client ${quote(id)}: cannot write a recovery copy to ${quote(folder)}: ${escapeControls(errorMessage(error))}`,
      { code: "no-rescue-place", hint: "name a directory with free space with --rescue-dir" },
    );
  }
}

/** Delivers a new secret. Whatever fails, the problem says which file holds the secret. */
export async function deliverChangedSecret(
  context: ChangeSecretContext,
  opened: OptionalSecretTarget,
  changed: AcceptedSecret,
  { id, view, before, exit = () => "done" }: SecretDeliveryOptions,
): Promise<CommandResult> {
  const { prepared, record } = changed;
  try {
    return await deliverOrKeep(context, id, changed, async (pending) => {
      reportRecipients(context, prepared.recipients);
      await before(pending.delivery, record);
      const client = { id, view, what: "updated" } as const;
      const result = await deliverCredentials(context, opened, client, pending);
      return { ...result, exit };
    });
  } finally {
    // Last: this reads files, and nothing may keep the new secret from its place.
    markCopiesVoidByClientId(context, await findEarlierCopies(context), id);
  }
}

/**
 * Does what delivers a new secret: the server's, if it answered with another one than was sent, which then is in the copy too.
 * Whatever fails, the problem says which file holds the secret.
 */
export async function deliverOrKeep<T>(
  context: DeliveryContext,
  id: string,
  { prepared, record, saved, owner }: AcceptedSecret,
  deliver: (pending: PendingDelivery) => Promise<T>,
): Promise<T> {
  let secret: CredentialsToDeliver["secret"] = prepared;
  const updatedAt = owner === undefined ? undefined : getTextField(record, "updated_at");
  const status: ClientStatusForRecovery = {
    id,
    state: "made",
    reason: "the secret is about to be delivered",
    updatedAt,
  };
  const keep = (why: unknown): RecoveryOutcome => saved.keep({ ...status, reason: safeErrorReason(why) }, secret);
  try {
    const delivery = await credentialsToDeliverFromAnswer(context, prepared, record);
    ({ secret } = delivery);
    if (delivery.differs || owner !== undefined) await saved.update(status, secret);
    return await deliver({
      delivery,
      delivered: () => saved.remove(),
      hidden: () => warnOfHiddenSecret(context, id, keep(HIDDEN_SECRET)),
      undelivered: async (reason) => undeliveredSecretProblem(id, keep(reason), reason),
    });
  } catch (error) {
    // The copy holds the secret that was sent, but the server has another one, which must not be kept as plain text.
    if (error instanceof NotEncryptedError) secret = { ...prepared, plain: undefined, encrypted: undefined };
    throw undeliveredSecretProblem(id, keep(error), error);
  }
}

/** Why a secret is kept that a format such as `id` omits. */
const HIDDEN_SECRET = new Error("this output format omits it");

/** Warns that the output format omits a new secret, which a recovery copy must hold then. */
function warnOfHiddenSecret({ warn }: Pick<Context, "warn">, id: string, kept: RecoveryOutcome): void {
  if (kept.kind !== "kept") throw HIDDEN_SECRET;
  warn(`this output format omits the secret of client ${quote(id)}${recoveryOutcomeText(kept)}`);
}

/** The problem of a secret that was changed and not delivered. */
function undeliveredSecretProblem(id: string, kept: RecoveryOutcome, reason: unknown): Problem {
  const where = kept.kind === "kept" ? `it is in ${quote(kept.path)}` : "it could not be saved and is lost";
  return new Problem(`Cannot deliver the new secret of client ${quote(id)}: ${safeErrorReason(reason)}; ${where}`, {
    code: UNDELIVERED_CODE,
    cause: reason,
    hint:
      kept.kind === "kept"
        ? "take it from that file, then delete it"
        : `set another one: hydra clients rotate-secret ${quotedOperandAndFlagText(id)}`,
  });
}

/** A change that sets a provided secret, and its delivery. */
interface SecretChange extends SecretDeliveryOptions {
  /** How messages about it begin: `Cannot update client "x"`. */
  readonly action: string;
  readonly prepared: PreparedSecret;
  readonly send: () => Promise<JsonObject>;
  /** False where the file of `--secret-out` has these credentials already; true by default. */
  readonly needsTarget?: boolean;
}

/** Sets a secret that the user provides, and delivers it where the flags say. */
export function setAndDeliverProvidedSecret(
  context: ChangeSecretContext & Pick<Context, "signal" | "uninterruptible">,
  change: SecretChange,
): Promise<CommandResult> {
  const { id, action, prepared, send, needsTarget: hasSecret = true } = change;
  return runWithSecretTarget(context, { action, needsRecoveryCopy: true, hasSecret }, async (opened) =>
    deliverChangedSecret(context, opened, await sendWithRecoveryCopy(context, id, prepared, send), change),
  );
}

/** The warning for a client that now authenticates with a secret that nobody has set, or may know; undefined for any other. */
export function findUnknownSecretWarning(id: string, current: JsonObject, wanted: JsonObject): string | undefined {
  if (usesSecret(current) || !usesSecret(wanted)) return undefined;
  const state = isPublic(current) ? "has no secret yet" : "used its keys so far, and no secret of it was delivered";
  return `client ${quote(id)} ${state}; generate one: hydra clients rotate-secret ${quotedOperandAndFlagText(id)}`;
}

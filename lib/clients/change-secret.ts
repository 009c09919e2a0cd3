import { type Context, type Result, single } from "../command.ts";
import type { JsonObject } from "../core/json.ts";
import type { View } from "../core/output/render.ts";
import { type ExitName, errorMessage, Problem } from "../core/problem.ts";
import { SaveFailure } from "../core/recovery-record.ts";
import { escapeControls, quote } from "../core/text.ts";
import { type Delivery, deliveryOf, NotEncrypted, safeReason, tellRecipients, UNDELIVERED } from "./delivery.ts";
import { type Outlets, reportClientOnWriteFailure, withOutlets, writeSecretFile } from "./outlets.ts";
import { type Kept, keptText, recordOf, type SavedSecret, savedIn } from "./recovery.ts";
import type { PreparedSecret } from "./secret-source.ts";

/** A client's new secret that the server has, and the recovery copy that holds it until it is delivered. */
export interface ChangedSecret {
  readonly prepared: PreparedSecret;
  /** The server's answer, as it is shown. */
  readonly record: JsonObject;
  readonly saved: SavedSecret;
}

/** How a new secret is delivered. */
export interface SecretDelivery {
  readonly id: string;
  readonly view: View<JsonObject>;
  /** Called before anything is written; what it throws does not lose the secret. */
  readonly before: (delivery: Delivery, record: JsonObject) => Promise<void> | void;
  readonly exit?: () => ExitName;
}

/** Sends a change that sets a secret: a copy is on the disk before the request, since the old secret dies with it. */
export async function sendWithCopy(
  context: Context,
  id: string,
  prepared: PreparedSecret,
  send: () => Promise<JsonObject>,
): Promise<ChangedSecret> {
  const saved = saveBeforeChange(context, id, prepared);
  try {
    return { prepared, record: await send(), saved };
  } catch (error) {
    if (error instanceof Problem && !error.ambiguous) saved.remove();
    else
      context.warn(
        `it is not known whether client ${quote(id)} has the new secret, which is in ${quote(saved.path ?? "")}`,
      );
    throw error;
  }
}

function saveBeforeChange(context: Context, id: string, prepared: PreparedSecret): SavedSecret {
  const reason = "the request that sets this secret is about to be sent";
  try {
    const record = recordOf(context, { id, state: "unverified", reason }, prepared);
    const copy = context.recovery.saveDurably(record, "preferred folders");
    return savedIn(context, copy, prepared.encrypted ?? prepared.plain);
  } catch (error) {
    const folder = error instanceof SaveFailure ? error.folder : "";
    throw new Problem(
      `Cannot change the secret of client ${quote(id)}: it cannot be kept in ${quote(folder)} until it is handed over: ${escapeControls(errorMessage(error))}`,
      { code: "no-rescue-place", exit: "failed", hint: "name a folder that has room with --rescue-dir" },
    );
  }
}

/** Delivers a new secret; whatever fails on the way, the message says in which file it is. */
export async function deliverChangedSecret(
  context: Context,
  { target }: Outlets,
  { prepared, record, saved }: ChangedSecret,
  { id, view, before, exit = () => "done" }: SecretDelivery,
): Promise<Result> {
  let secret: Delivery["secret"] = prepared;
  const status = { id, state: "made", reason: "the secret is about to be handed over" } as const;
  const undelivered = (reason: unknown): Problem => undeliveredChange(id, saved.keep(status, secret), reason);
  try {
    const delivery = await deliveryOf(context, prepared, record);
    ({ secret } = delivery);
    if (delivery.differs) await saved.update(status, secret);
    tellRecipients(context, prepared.recipients);
    await before(delivery, record);
    const { shown, mustDeliver } = delivery;
    if (target === undefined && mustDeliver !== undefined) {
      if (context.rendersText(view, shown, mustDeliver))
        return single(view, shown, {
          exit,
          delivered: () => saved.remove(),
          undelivered: async (_, why) => undelivered(why),
        });
      const kept = saved.keep(status, secret);
      if (kept.kind !== "kept") throw new Error("this output format leaves it out");
      context.warn(`this output format leaves the secret of client ${quote(id)} out${keptText(kept)}`);
      return single(view, shown, { exit, ...reportClientOnWriteFailure(id, "updated") });
    }
    const rest = target === undefined ? shown : await writeSecretFile(context, target, delivery);
    saved.remove();
    return single(view, rest, { exit, ...reportClientOnWriteFailure(id, "updated") });
  } catch (error) {
    if (error instanceof Problem && error.code === UNDELIVERED) throw error;
    // The copy holds the secret that was sent, and the server has another one, which can't be kept in the clear.
    if (error instanceof NotEncrypted) secret = { ...prepared, plain: undefined, encrypted: undefined };
    throw undelivered(error);
  }
}

/** The problem of a secret that was changed and not delivered. */
function undeliveredChange(id: string, kept: Kept, reason: unknown): Problem {
  const where = kept.kind === "kept" ? `is in ${quote(kept.path)}` : "could not be kept and is lost";
  return new Problem(`Cannot hand over the new secret of client ${quote(id)}: ${safeReason(reason)}; it ${where}`, {
    code: UNDELIVERED,
    exit: "failed",
    cause: reason,
    hint:
      kept.kind === "kept"
        ? "take it from that file, then delete it"
        : `hydra clients rotate-secret ${id} makes another one`,
  });
}

/** A change that sets a secret which was given, from its proof to its delivery. */
export interface SecretChange extends SecretDelivery {
  /** What is done, for messages: `Cannot update client "x"`. */
  readonly action: string;
  readonly prepared: PreparedSecret;
  readonly send: () => Promise<JsonObject>;
}

/** Sets a secret that was given and hands it over to where it was asked for. */
export function changeSecret(context: Context, change: SecretChange): Promise<Result> {
  const { id, action, prepared, send } = change;
  return withOutlets(context, { action, mustRescue: true }, async (outlets) =>
    deliverChangedSecret(context, outlets, await sendWithCopy(context, id, prepared, send), change),
  );
}

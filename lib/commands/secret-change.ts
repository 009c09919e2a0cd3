import type { RescuePlace } from "../adapters/rescue.ts";
import type { View } from "../core/output.ts";
import { type ExitName, Problem } from "../core/problem.ts";
import { quoted } from "../core/text.ts";
import { type Context, type Result, type Shown, single } from "./command.ts";
import {
  type Delivery,
  deliveryOf,
  dropKept,
  type Handover,
  handOver,
  keepAhead,
  keepAnswered,
  NotEncrypted,
  notHandedOver,
  type PreparedSecret,
  tellRecipients,
  UNDELIVERED,
  withHandover,
} from "./credentials.ts";
import { tellsUnwritten } from "./guard.ts";

/** A client's new secret that the server has, and the rescue file that holds it until it is delivered. */
export interface ChangedSecret {
  readonly prepared: PreparedSecret;
  /** The server's answer, as it is shown. */
  readonly record: Shown;
  /** Undefined where there could be no file. */
  readonly kept: string | undefined;
}

/** How a new secret is handed over. */
export interface SecretHandover {
  readonly id: string;
  readonly view: View<Shown>;
  /** Called before anything is written; what it throws does not lose the secret. */
  readonly before: (delivery: Delivery, record: Shown) => Promise<void> | void;
  readonly exit?: () => ExitName;
}

/** The place for a rescue file, which a handover that must have one has. */
export function placeOf({ place }: Handover): RescuePlace {
  if (place === undefined) throw new TypeError("a place for a rescue file was asked for and is missing");
  return place;
}

/** Sends a change that sets a secret: it is kept before the request, since the old one dies with it. */
export async function sendKept(
  context: Context,
  handover: Handover,
  id: string,
  prepared: PreparedSecret,
  send: () => Promise<Shown>,
): Promise<ChangedSecret> {
  const place = placeOf(handover);
  const kept = await keepAhead(context, place, id, prepared);
  try {
    return { prepared, record: await send(), kept };
  } catch (error) {
    if (error instanceof Problem && !error.doubtful) await dropKept(context, place, kept);
    else context.warn(`it is not known whether client ${quoted(id)} has the new secret, which is in ${quoted(kept)}`);
    throw error;
  }
}

/** Hands a new secret over; whatever fails on the way, the message says in which file it is. */
export async function handOverChanged(
  context: Context,
  handover: Handover,
  changed: ChangedSecret,
  { id, view, before, exit = () => "done" }: SecretHandover,
): Promise<Result> {
  const place = placeOf(handover);
  let file = changed.kept;
  const drop = async (): Promise<void> => {
    if (file !== undefined) await dropKept(context, place, file);
  };
  try {
    const delivery = await deliveryOf(context, changed.prepared, changed.record);
    const { secret: plain, encrypted } = delivery.credentials;
    if (delivery.differs)
      file = await keepAnswered(context, place, id, { plain, encrypted, kind: "client_secret" }, file);
    tellRecipients(context, changed.prepared.recipients);
    await before(delivery, changed.record);
    const hidden =
      handover.sink === undefined &&
      delivery.precious !== undefined &&
      !context.shows(view, delivery.shown, delivery.precious);
    if (hidden) {
      if (file === undefined) throw new Error("this output format leaves it out");
      context.warn(`this output format leaves the secret of client ${quoted(id)} out; it is in ${quoted(file)}`);
      return single(view, delivery.shown, { exit, ...tellsUnwritten(id, "updated") });
    }
    const { shown, precious } = await handOver(context, handover, delivery, () => true);
    if (precious !== undefined)
      return single(view, shown, {
        exit,
        delivered: drop,
        undelivered: async (_, why) => notHandedOver(id, file, why),
      });
    await drop();
    return single(view, shown, { exit, ...tellsUnwritten(id, "updated") });
  } catch (error) {
    if (error instanceof Problem && error.code === UNDELIVERED) throw error;
    if (error instanceof NotEncrypted) {
      // The file holds the secret that was sent, and the server has another one.
      await drop();
      file = undefined;
    }
    throw notHandedOver(id, file, error);
  }
}

/** A change that sets a secret which was given, from its proof to its delivery. */
export interface SecretChange extends SecretHandover {
  /** What is done, for messages: `Cannot update client "x"`. */
  readonly action: string;
  readonly prepared: PreparedSecret;
  readonly send: () => Promise<Shown>;
}

/** Sets a secret that was given and hands it over to where it was asked for. */
export function changeSecret(context: Context, change: SecretChange): Promise<Result> {
  const { id, action, prepared, send } = change;
  return withHandover(context, { action, mustRescue: true }, async (handover) =>
    handOverChanged(context, handover, await sendKept(context, handover, id, prepared, send), change),
  );
}

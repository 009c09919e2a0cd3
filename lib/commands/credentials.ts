import type { ClientRecord, CreateOutcome } from "../adapters/admin.ts";
import type { RescuePlace, RescueRecord } from "../adapters/rescue.ts";
import { type Client, isPublic, textField } from "../core/client.ts";
import { GRACE } from "../core/network.ts";
import { Problem, reasonOf } from "../core/problem.ts";
import {
  decryptLine,
  ENCRYPTED_FORMATS,
  type EncryptedFormat,
  type Recipient,
  recipientLine,
} from "../core/recipient.ts";
import { AUTH_METHOD, ENCRYPTED_FORMAT, SECRET } from "../core/rows.ts";
import { generateSecret, withoutCredentials } from "../core/secret.ts";
import { printable, quoted } from "../core/text.ts";
import type { Context, Shown } from "./command.ts";
import { ENCRYPTED, idOf } from "./views.ts";

/** A client's secret before the client exists: everything that could fail has been done. */
export interface PreparedSecret {
  /** What the server is sent; undefined for a public client. */
  readonly plain: string | undefined;
  /** Whether the user gave it, so that it is never shown. */
  readonly given: boolean;
  readonly encrypted: string | undefined;
  readonly recipients: readonly Recipient[];
}

/** What is wrong with the wishes for a secret, told before anything is sent. */
export function secretProblems(context: Context, client: Client, wantsRecipients: boolean): readonly Problem[] {
  if (!isPublic(client) || !wantsRecipients) return [];
  return [
    new Problem(
      `${context.values.origin(AUTH_METHOD).name} none makes a client without a secret, so there is nothing to encrypt`,
      {
        code: "public-client-recipient",
        exit: "usage",
        hint: "leave out the recipient, or choose another --token-endpoint-auth-method",
      },
    ),
  ];
}

function encryptedFormat(context: Context): EncryptedFormat {
  const form = context.values.text(ENCRYPTED_FORMAT);
  return ENCRYPTED_FORMATS.find((known) => known === form) ?? "base64";
}

/** Fetches recipients, makes or takes the secret, and encrypts it: all before the client is created. */
export async function prepareSecret(context: Context, client: Client): Promise<PreparedSecret> {
  const { values } = context;
  if (isPublic(client)) {
    if (values.given(SECRET))
      context.warn(`${values.origin(SECRET).name} is not sent: a client with the auth method none has no secret`);
    return { plain: undefined, given: false, encrypted: undefined, recipients: [] };
  }
  const recipients = await context.keys.recipients(values);
  const given = textField(client, "client_secret");
  const plain = given ?? generateSecret(context.host.random);
  return {
    plain,
    given: given !== undefined,
    recipients,
    encrypted:
      recipients.length === 0 ? undefined : await context.keys.encrypt(recipients, plain, encryptedFormat(context)),
  };
}

/** Tells on stderr who can read the encrypted secret, and how. */
export function tellRecipients(context: Context, recipients: readonly Recipient[]): void {
  if (recipients.length === 0) return;
  for (const recipient of recipients) {
    context.note(`Encrypted to ${recipientLine(recipient)}`);
    for (const skipped of recipient.skipped) {
      context.detail(`Not encrypted to subkey ${skipped.fingerprint} (${skipped.algorithm}): ${skipped.reason}`);
    }
  }
  context.note(`Decrypt with: ${decryptLine(encryptedFormat(context))}`);
}

/** The credentials of one client on their way to the person who asked. */
export interface Delivery {
  /** What is shown of the client. */
  readonly shown: Shown;
  /** The text whose loss would be the loss of the secret; undefined when there is nothing to lose. */
  readonly precious: string | undefined;
}

/**
 * What a create shows of its client: the secret that the server answered counts where it differs from the one sent; a
 * given one is left out; with recipients, every plain credential is.
 */
export async function deliveryOf(
  context: Context,
  prepared: PreparedSecret,
  record: ClientRecord | Shown,
): Promise<Delivery> {
  const answered = textField(record, "client_secret");
  const differs =
    answered !== undefined && answered !== "" && answered !== prepared.plain && prepared.plain !== undefined;
  if (differs) context.warn("the server answered with another secret than the one sent; the server's counts");
  const secret = differs ? answered : prepared.plain;
  if (secret === undefined) {
    const { client_secret: _, ...rest } = record;
    return { shown: rest, precious: undefined };
  }
  if (prepared.recipients.length > 0) {
    const encrypted = differs
      ? await context.keys.encrypt(prepared.recipients, secret, encryptedFormat(context))
      : prepared.encrypted;
    const recipients = prepared.recipients.map(({ fingerprint, userId }) => ({ fingerprint, user_id: userId ?? null }));
    return {
      shown: { ...withoutCredentials(record), [ENCRYPTED]: encrypted, client_secret_recipients: recipients },
      precious: encrypted,
    };
  }
  if (prepared.given && !differs) {
    const { client_secret: _, ...rest } = record;
    return { shown: rest, precious: undefined };
  }
  return { shown: { ...record, client_secret: secret }, precious: secret };
}

/** The problem of a run that has no place for a secret that cannot be handed over. */
export function noRescue(): Problem {
  return new Problem("Cannot keep the secret safe: no folder for a rescue file can be written", {
    code: "no-rescue-place",
    exit: "failed",
    hint: "name a folder that can be written with --rescue-dir",
  });
}

/** Keeps credentials in a rescue file; the answer says where, or that they are lost. */
export async function rescue(
  context: Context,
  place: RescuePlace | undefined,
  state: RescueRecord["state"],
  reason: string,
  endpoint: string,
  credentials: { readonly id: string | undefined; readonly prepared: PreparedSecret; readonly shown?: Shown },
): Promise<string> {
  const { id, prepared, shown } = credentials;
  const encrypted = textField(shown ?? {}, ENCRYPTED) ?? prepared.encrypted;
  const plain = textField(shown ?? {}, "client_secret") ?? prepared.plain;
  if (plain === undefined || (prepared.given && encrypted === undefined)) return "";
  if (place === undefined) return "; its secret could not be kept anywhere";
  try {
    const path = await place.keep({
      state,
      reason,
      time: new Date(context.host.now()).toISOString(),
      endpoint,
      ...(id === undefined ? {} : { client_id: id }),
      ...(encrypted === undefined ? { client_secret: plain } : { [ENCRYPTED]: encrypted }),
    });
    return `; its ${encrypted === undefined ? "" : "encrypted "}secret is in ${quoted(path)}`;
  } catch (error) {
    return `; its secret could not be kept in ${quoted(place.folder)}: ${printable(reasonOf(error))}`;
  }
}

/**
 * Deals with a client that was made and whose secret cannot be handed over: takes the client back where that is certain to
 * be right (this run's own 201, and nothing of the secret left the process), and keeps the secret otherwise.
 */
export async function recover(
  context: Context,
  place: RescuePlace | undefined,
  endpoint: string,
  made: {
    readonly outcome: CreateOutcome["kind"];
    readonly delivery: Delivery;
    readonly prepared: PreparedSecret;
    readonly leaked: boolean;
  },
  reason: unknown,
): Promise<Problem> {
  const id = idOf(made.delivery.shown);
  const why = printable(reasonOf(reason));
  if (made.outcome === "created" && !made.leaked && made.delivery.precious !== undefined) {
    try {
      await context.admin.afterwards(GRACE).remove(id);
      return new Problem(
        `Cannot write the result: ${why}; client ${quoted(id)} was deleted again, because nobody has its secret`,
        {
          code: "undelivered",
          exit: "failed",
          hint: "run the command again with a standard output that takes the result",
        },
      );
    } catch {
      // The client stays, so its secret must too.
    }
  }
  const kept = await rescue(context, place, "made", why, endpoint, {
    id,
    prepared: made.prepared,
    shown: made.delivery.shown,
  });
  return new Problem(`Cannot write the result: ${why}; client ${quoted(id)} was created${kept}`, {
    code: "undelivered",
    exit: "failed",
    hint: kept.includes(" is in ")
      ? "take the secret from that file, then delete it"
      : `hydra clients delete ${id} removes the client`,
  });
}

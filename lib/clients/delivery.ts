import type { Context } from "../command.ts";
import { type ClientRecord, textField } from "../core/client/client.ts";
import { KEY_OUT, SECRET_OUT } from "../core/flags/flag-table.ts";
import type { JsonObject } from "../core/json.ts";
import { decryptAdvice, type Recipient, recipientLine } from "../core/keys/recipient.ts";
import type { Credentials } from "../core/output/credential-files.ts";
import type { View } from "../core/output/render.ts";
import { errorCode, errorMessage, Problem, usageError } from "../core/problem.ts";
import { withoutCredentials } from "../core/redact.ts";
import { escapeControls } from "../core/text.ts";
import { encryptedFormat, type PreparedSecret, type SecretText } from "./secret-source.ts";
import { ENCRYPTED, ENCRYPTED_KEY, idOf } from "./views.ts";

/** Tells on stderr who can read the encrypted secret, and how. */
export function tellRecipients(context: Context, recipients: readonly Recipient[]): void {
  if (recipients.length === 0) return;
  for (const recipient of recipients) {
    context.note(`Encrypted to ${recipientLine(recipient)}`);
    for (const skipped of recipient.skipped) {
      context.detail(`Not encrypted to subkey ${skipped.fingerprint} (${skipped.algorithm}): ${skipped.reason}`);
    }
  }
  for (const line of decryptAdvice(recipients, encryptedFormat(context))) context.note(line);
}

/** The credentials of one client on their way to the person who asked. */
export interface Delivery {
  /** What is shown of the client. */
  readonly shown: JsonObject;
  /** The text whose loss would be the loss of the secret; undefined when there is nothing to lose. */
  readonly mustDeliver: string | undefined;
  /** What `--secret-out` writes: a given secret too. */
  readonly credentials: Credentials;
  /** The secret that the client has now. */
  readonly secret: SecretText;
  /** Whether the server answered with another secret than the one that was sent. */
  readonly differs: boolean;
}

/**
 * What is shown of a client: the secret that the server answered counts where it differs from the one sent; a given one is
 * left out; with recipients, every plain credential is.
 */
export async function deliveryOf(
  context: Context,
  prepared: PreparedSecret,
  record: ClientRecord | JsonObject,
): Promise<Delivery> {
  const { plain, recipients, kind } = prepared;
  const id = idOf(record);
  if (kind === "client_private_key") return keyDelivery(prepared, record);
  const answered = textField(record, "client_secret");
  const differs = answered !== undefined && answered !== "" && answered !== plain && plain !== undefined;
  if (differs) context.warn("the server answered with another secret than the one sent; the server's counts");
  const secret = differs ? answered : plain;
  if (secret === undefined) {
    // Where secrets are encrypted, no credential of a client without one is shown either.
    const shown = recipients.length > 0 ? withoutCredentials(record) : withoutSecret(record);
    return { shown, mustDeliver: undefined, credentials: { id }, secret: prepared, differs };
  }
  if (recipients.length > 0) {
    const encrypted = differs ? await encryptAnswered(context, recipients, secret) : prepared.encrypted;
    const named = recipients.map(({ fingerprint, userId }) => ({ fingerprint, user_id: userId ?? null }));
    const shown = { ...withoutCredentials(record), [ENCRYPTED]: encrypted, client_secret_recipients: named };
    return {
      shown,
      mustDeliver: encrypted,
      credentials: { id, encrypted },
      secret: { plain: secret, encrypted, kind },
      differs,
    };
  }
  const delivery = { credentials: { id, secret }, secret: { plain: secret, encrypted: undefined, kind }, differs };
  if (prepared.given && !differs) return { shown: withoutSecret(record), mustDeliver: undefined, ...delivery };
  const shown = answered === secret ? record : { ...record, client_secret: secret };
  return { shown, mustDeliver: secret, ...delivery };
}

/** A client that signs in with a key: a secret that the server made for it is of no use to anyone, and is not shown. */
function keyDelivery(prepared: PreparedSecret, record: JsonObject): Delivery {
  const { plain, encrypted } = prepared;
  const shown = withoutCredentials(record);
  return {
    shown: encrypted === undefined ? shown : { ...shown, [ENCRYPTED_KEY]: encrypted },
    mustDeliver: encrypted ?? plain,
    credentials: { id: idOf(record) },
    secret: prepared,
    differs: false,
  };
}

/** A secret of the server's that no recipient can get, and that must not be shown or kept in the clear. */
export class NotEncrypted extends Error {}

async function encryptAnswered(context: Context, recipients: readonly Recipient[], secret: string): Promise<string> {
  try {
    return await context.keys.encrypt(recipients, secret, encryptedFormat(context));
  } catch (error) {
    throw new NotEncrypted(`the secret that the server answered with cannot be encrypted: ${safeReason(error)}`, {
      cause: error,
    });
  }
}

/** Why something failed, in words that cannot hold a value: a fault of the program itself is told by its kind alone. */
export function safeReason(error: unknown): string {
  if (isExpectedError(error)) return escapeControls(errorMessage(error));
  return `unexpected failure (${error instanceof Error ? error.name : typeof error})`;
}

/** Whether an error has a message of this program or the system, and not of the runtime about a fault. */
export function isExpectedError(error: unknown): boolean {
  if (error instanceof Problem || errorCode(error) !== undefined) return true;
  return error instanceof Error && (error.name === "Error" || error.name === "WriteFailure");
}

/** A client without its secret; the same one where it has none. */
export function withoutSecret(record: JsonObject): JsonObject {
  if (!Object.hasOwn(record, "client_secret")) return record;
  const { client_secret: _, ...rest } = record;
  return rest;
}

/** Refuses a format that leaves a secret or a key out, unless there is a file that it can be kept in. */
export function refuseHidden(
  context: Context,
  view: View<JsonObject>,
  prepared: PreparedSecret,
  hasFile: boolean,
): void {
  const mustDeliver = prepared.encrypted ?? (prepared.given ? undefined : prepared.plain);
  if (mustDeliver === undefined || prepared.given || hasFile) return;
  const isKey = prepared.kind === "client_private_key";
  const field = prepared.encrypted === undefined ? prepared.kind : isKey ? ENCRYPTED_KEY : ENCRYPTED;
  if (context.rendersText(view, { client_id: "id", [field]: mustDeliver }, mustDeliver)) return;
  throw usageError(
    `This output format leaves the ${isKey ? "private key" : "secret"} out, and there is no folder to keep it in`,
    `choose another --format, or add --${isKey ? KEY_OUT.name : SECRET_OUT.name} or --rescue-dir`,
    "secret-not-shown",
  );
}

/** The code of a problem that says where a secret is that was not handed over, or what became of its client. */
export const UNDELIVERED = "undelivered";

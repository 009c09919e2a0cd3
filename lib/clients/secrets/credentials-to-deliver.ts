import type { Context } from "../../command.ts";
import { type ClientRecord, findReturnedSecret, getTextField, idOf } from "../../core/client/client.ts";
import { ENCRYPTED_FORMAT, KEY_OUT, SECRET_OUT } from "../../core/flags/credential-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { Credentials } from "../../core/output/credential-formats.ts";
import { ENCRYPTED_PRIVATE_KEY_FIELD, ENCRYPTED_SECRET_FIELD } from "../../core/output/credential-formats.ts";
import type { ResultView } from "../../core/output/render.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { type Problem, safeErrorReason, usageError } from "../../core/problem.ts";
import { withoutCredentialFields } from "../../core/redact.ts";
import type { CleanupAdminFactory } from "../admin-deadlines.ts";
import { type PlainAndEncryptedSecret, type PreparedSecret, secretOrPrivateKeyNoun } from "./secret-source.ts";

/** What a delivery needs of a command's context. */
export type DeliveryContext = Pick<Context, "values" | "encryption" | "warn" | "outputContainsValue">;

/** The credentials of one client on their way to the user. */
export interface CredentialsToDeliver {
  /** What the result shows of the client. */
  readonly shown: JsonObject;
  /** The secret as the result shows it, which must not be lost; undefined when it shows none. */
  readonly mustDeliver: string | undefined;
  /** What `--secret-out` writes: a provided secret too. */
  readonly credentials: Credentials;
  /** The secret that the client has now. */
  readonly secret: PlainAndEncryptedSecret;
  /** Whether the server answered with another secret than the one that was sent. */
  readonly differs: boolean;
}

/** New credentials that are to be delivered, and what to call once it is known what became of them. */
export interface PendingDelivery {
  readonly delivery: CredentialsToDeliver;
  /** To be called once the credentials have been delivered: removes the recovery copy. */
  readonly delivered: () => void;
  /** To be called when the output format omits the credentials: keeps a recovery copy, and warns with its path. */
  readonly hidden: () => void;
  /**
   * To be called when the credentials can't be delivered; returns the problem that says what became of them.
   *
   * @param cleanup the time limit that this client shares with others; without it, it has its own.
   */
  readonly undelivered: (reason: unknown, partlyWritten: boolean, cleanup?: CleanupAdminFactory) => Promise<Problem>;
}

/**
 * What is delivered of a client. If the server returned another secret than the one sent, the server's counts. A provided
 * secret is omitted from the result, unless it is echoed; with recipients or `--secret-out`, so is every other plain
 * credential, such as the registration access token.
 */
export async function credentialsToDeliverFromAnswer(
  context: DeliveryContext,
  prepared: PreparedSecret,
  answer: ClientRecord | JsonObject,
): Promise<CredentialsToDeliver> {
  const { plain, recipients, kind } = prepared;
  const id = idOf(answer);
  const record = withoutRegistrationTokenIfSecretOut(context, answer);
  if (kind === "client_private_key") return privateKeyToDeliver(prepared, record);
  const other = findOtherSecret(context, record, plain);
  const differs = other !== undefined;
  const secret = other ?? plain;
  if (secret === undefined) {
    // With encryption requested, no credential is shown, not even of a client without a secret.
    const shown = recipients.length > 0 ? withoutCredentialFields(record) : withoutCredential(record, "client_secret");
    return { shown, mustDeliver: undefined, credentials: { id }, secret: prepared, differs };
  }
  if (recipients.length > 0) {
    const encrypted = differs ? await encryptAnswered(context, recipients, secret) : prepared.encrypted;
    const named = recipients.map(({ fingerprint, userId }) => ({ fingerprint, user_id: userId ?? null }));
    const shown = {
      ...withoutCredentialFields(record),
      [ENCRYPTED_SECRET_FIELD]: encrypted,
      client_secret_recipients: named,
    };
    return {
      shown,
      mustDeliver: encrypted,
      credentials: { id, encrypted },
      secret: { plain: secret, encrypted, kind },
      differs,
    };
  }
  const delivery = { credentials: { id, secret }, secret: { plain: secret, encrypted: undefined, kind }, differs };
  const shown = { ...record, client_secret: secret };
  if (prepared.given && !differs)
    return {
      shown: prepared.echoed === true ? shown : withoutCredential(record, "client_secret"),
      mustDeliver: undefined,
      ...delivery,
    };
  return { shown, mustDeliver: secret, ...delivery };
}

/** The secret in the response if it is another than the one that was sent. */
function findOtherSecret(
  { warn }: Pick<Context, "warn">,
  record: JsonObject,
  sent: string | undefined,
): string | undefined {
  const answered = getTextField(record, "client_secret") ?? "";
  if (sent === undefined || answered === "" || answered === sent) return undefined;
  const other = findReturnedSecret(record);
  if (other === undefined) warn("the response only has a masked secret; the one that was sent is used");
  else warn("the server returned a different secret from the one sent; the server's secret is used");
  return other;
}

/**
 * What is delivered of a client that authenticates with a key: a secret that the server generated for it is of no use,
 * and is not shown.
 */
function privateKeyToDeliver(prepared: PreparedSecret, record: JsonObject): CredentialsToDeliver {
  const { plain, encrypted } = prepared;
  const shown = withoutCredentialFields(record);
  return {
    shown: encrypted === undefined ? shown : { ...shown, [ENCRYPTED_PRIVATE_KEY_FIELD]: encrypted },
    mustDeliver: encrypted ?? plain,
    credentials: { id: idOf(record) },
    secret: prepared,
    differs: false,
  };
}

/** The server's secret can't be encrypted, and must not be shown or saved as plain text. */
export class NotEncryptedError extends Error {}

async function encryptAnswered(
  context: Pick<Context, "values" | "encryption">,
  recipients: readonly Recipient[],
  secret: string,
): Promise<string> {
  try {
    return await context.encryption.encrypt(recipients, secret, context.values.text(ENCRYPTED_FORMAT));
  } catch (error) {
    throw new NotEncryptedError(`cannot encrypt the secret that the server returned: ${safeErrorReason(error)}`, {
      cause: error,
    });
  }
}

/** A client without its registration access token, if credentials go to a file and not to the output. */
function withoutRegistrationTokenIfSecretOut({ values }: Pick<Context, "values">, record: JsonObject): JsonObject {
  return values.isSet(SECRET_OUT) ? withoutCredential(record, "registration_access_token") : record;
}

/** A client without a credential; the same object if it has none. */
function withoutCredential(record: JsonObject, credential: "client_secret" | "registration_access_token"): JsonObject {
  if (!Object.hasOwn(record, credential)) return record;
  const { [credential]: _, ...rest } = record;
  return rest;
}

/** Rejects a format that omits a generated secret or key, unless there is a file to keep it in. */
export function rejectFormatOmittingSecret(
  context: Pick<Context, "outputContainsValue">,
  { view, prepared }: { readonly view: ResultView<JsonObject>; readonly prepared: PreparedSecret },
  hasFile: boolean,
): void {
  const mustDeliver = prepared.encrypted ?? prepared.plain;
  if (mustDeliver === undefined || prepared.given || hasFile) return;
  const isKey = prepared.kind === "client_private_key";
  const field =
    prepared.encrypted === undefined ? prepared.kind : isKey ? ENCRYPTED_PRIVATE_KEY_FIELD : ENCRYPTED_SECRET_FIELD;
  if (context.outputContainsValue(view, { client_id: "id", [field]: mustDeliver }, mustDeliver)) return;
  throw usageError(
    `This output format omits the ${secretOrPrivateKeyNoun(prepared)}, and no directory is writable for a recovery copy`,
    `choose another --format, or add --${isKey ? KEY_OUT.name : SECRET_OUT.name} or --rescue-dir`,
    "secret-not-shown",
  );
}

/** The code of a problem that says where an undelivered secret is, or what became of its client. */
export const UNDELIVERED_CODE = "undelivered";

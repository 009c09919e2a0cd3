import type { OpenSecretTarget } from "../../adapters/secret-target.ts";
import { type CommandResult, type Context, singleResult } from "../../command.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import type { TextFlag } from "../../core/flags/flag.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { ENCRYPTED_PRIVATE_KEY_FIELD, ENCRYPTED_SECRET_FIELD } from "../../core/output/credential-formats.ts";
import type { ResultView } from "../../core/output/render.ts";
import { Problem } from "../../core/problem.ts";
import { escapeControls, quote } from "../../core/text.ts";
import type { CredentialsToDeliver, PendingDelivery } from "./credentials-to-deliver.ts";
import { secretFileText } from "./secret-out-text.ts";
import { requireOpenOutput, unwrittenClientHandler } from "./unwritten-result.ts";

/** Where a secret goes other than to standard output; opened before anything is changed on the server. */
export interface OptionalSecretTarget {
  /** The target of `--secret-out` or `--key-out`. */
  readonly target: OpenSecretTarget | undefined;
}

/** How the target of a secret is opened. */
interface RunWithSecretTargetOptions {
  /** How messages about it begin: `Cannot create client`. */
  readonly action: string;
  /** Whether the change can't be undone, so that a directory for a recovery copy is required. */
  readonly needsRecoveryCopy: boolean;
  /** The flag that names the secret file; `--secret-out` by default. */
  readonly target?: TextFlag;
  /** Whether the client has a secret; true by default. Without one, only its ID is printed. */
  readonly hasSecret?: boolean;
}

/** What opening the target needs of a command's context. */
export type SecretTargetContext = Pick<Context, "host" | "openTarget" | "recovery">;

/** Opens the target of a secret and does the work, which signals don't interrupt; a failure leaves no partial file. */
export function runWithSecretTarget<T>(
  context: SecretTargetContext & Pick<Context, "signal" | "uninterruptible">,
  options: RunWithSecretTargetOptions,
  work: (opened: OptionalSecretTarget) => Promise<T>,
): Promise<T> {
  return context.uninterruptible(async () => {
    // After a signal nothing is opened, because the process may end before it is closed again.
    context.signal.throwIfAborted();
    const opened = await openSecretTarget(context, options);
    try {
      return await work(opened);
    } catch (error) {
      await opened.target?.discard();
      throw error;
    }
  });
}

async function openSecretTarget(
  context: SecretTargetContext,
  { action, needsRecoveryCopy, target: flag = SECRET_OUT, hasSecret = true }: RunWithSecretTargetOptions,
): Promise<OptionalSecretTarget> {
  const target = hasSecret ? await context.openTarget(flag) : undefined;
  try {
    if (target === undefined) requireOpenOutput(context, action, hasSecret ? "the secret" : "its ID", flag.name);
    if (needsRecoveryCopy && context.recovery.probe() === undefined) {
      throw new Problem(`${action}: no directory is writable for a recovery copy of the secret`, {
        code: "no-rescue-place",
        hint: "name a writable directory with --rescue-dir",
      });
    }
    return { target };
  } catch (error) {
    await target?.discard();
    throw error;
  }
}

/** Writes credentials to the secret file; returns what is left for standard output. Throws what the file throws. */
async function moveSecretToFile(
  context: Pick<Context, "values" | "warn" | "note">,
  target: OpenSecretTarget,
  delivery: CredentialsToDeliver,
): Promise<JsonObject> {
  const { shown, credentials, secret } = delivery;
  const { id } = credentials;
  if (secret.plain === undefined && secret.encrypted === undefined) {
    await target.discard();
    context.warn(`--secret-out is not written: client ${quote(id)} has no secret`);
    return shown;
  }
  await target.commit(secretFileText(context, id, secret));
  const name = escapeControls(target.name);
  context.note(
    secret.kind === "client_secret"
      ? `The credentials of client ${quote(id)} are in ${name}`
      : `The ${secret.encrypted === undefined ? "" : "encrypted "}private key of client ${quote(id)} (kid ${secret.keyId ?? ""}) is in ${name}`,
  );
  const { client_secret: _, [ENCRYPTED_SECRET_FIELD]: __, [ENCRYPTED_PRIVATE_KEY_FIELD]: ___, ...rest } = shown;
  return rest;
}

/** A client with new credentials, and how its result shows it. */
interface ClientAndResultView {
  readonly id: string;
  readonly view: ResultView<JsonObject>;
  readonly what: "created" | "updated";
}

/**
 * Delivers the new credentials of a client: to the secret file, to standard output, or, if the format omits them, to a
 * recovery copy.
 */
export async function deliverCredentials(
  context: Pick<Context, "values" | "warn" | "note" | "outputContainsValue">,
  { target }: OptionalSecretTarget,
  { id, view, what }: ClientAndResultView,
  { delivery, delivered, hidden, undelivered }: PendingDelivery,
): Promise<CommandResult> {
  const { shown, mustDeliver } = delivery;
  const unwritten = unwrittenClientHandler(id, what);
  if (target !== undefined || mustDeliver === undefined) {
    const rest = target === undefined ? shown : await moveSecretToFile(context, target, delivery);
    delivered();
    return singleResult(view, rest, unwritten);
  }
  if (!context.outputContainsValue(view, shown, mustDeliver)) {
    hidden();
    return singleResult(view, shown, unwritten);
  }
  return singleResult(view, shown, {
    delivered,
    undelivered: ([lost], reason) => undelivered(reason, lost?.partlyWritten !== false),
  });
}

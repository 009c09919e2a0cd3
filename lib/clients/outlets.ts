import type { SecretTarget } from "../adapters/secret-target.ts";
import type { Context, Result } from "../command.ts";
import { SECRET_OUT } from "../core/flags/flag-table.ts";
import type { TextFlag } from "../core/flags/parse.ts";
import type { JsonObject } from "../core/json.ts";
import { Problem } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";
import { type Delivery, safeReason } from "./delivery.ts";
import { secretFileText } from "./secret-file.ts";
import { ENCRYPTED, ENCRYPTED_KEY } from "./views.ts";

/** Where a secret goes other than to standard output; opened before the server is asked to change anything. */
export interface Outlets {
  /** The target of `--secret-out` or `--key-out`. */
  readonly target: SecretTarget | undefined;
}

/** What is about to be done with a secret. */
export interface OutletOptions {
  /** What messages call it: `Cannot create client`. */
  readonly action: string;
  /** Whether it can't be undone, so that there must be a folder for a recovery copy. */
  readonly mustRescue: boolean;
  /** The flag that names the secret file; `--secret-out` without it. */
  readonly target?: TextFlag;
  /** What standard output would get if there is no secret file. */
  readonly result?: "the secret" | "its id";
}

/** Opens the outlets of a secret and does the work to its own end; a failure leaves no half-written file behind. */
export function withOutlets<T>(
  context: Context,
  options: OutletOptions,
  work: (outlets: Outlets) => Promise<T>,
): Promise<T> {
  return context.uninterruptible(async () => {
    // After a signal nothing is opened, because the end may come before it is closed again.
    context.signal.throwIfAborted();
    const outlets = await openOutlets(context, options);
    try {
      return await work(outlets);
    } catch (error) {
      await outlets.target?.discard();
      throw error;
    }
  });
}

async function openOutlets(
  context: Context,
  { action, mustRescue, target: flag = SECRET_OUT, result = "the secret" }: OutletOptions,
): Promise<Outlets> {
  const target = result === "the secret" ? await context.openTarget(flag) : undefined;
  try {
    if (target === undefined) refuseClosedOutput(context, action, result);
    if (mustRescue && context.recovery.probe() === undefined) {
      throw new Problem(`${action}: there is no folder in which the secret could be kept until it is handed over`, {
        code: "no-rescue-place",
        exit: "failed",
        hint: "name a folder that can be written with --rescue-dir",
      });
    }
    return { target };
  } catch (error) {
    await target?.discard();
    throw error;
  }
}

/** Throws where standard output was closed before the start, so that nobody would get the result. */
export function refuseClosedOutput(context: Context, action: string, what: "the secret" | "its id"): void {
  if (!context.host.stdoutWasClosed()) return;
  throw new Problem(`${action}: standard output is closed, so nobody would get ${what}`, {
    code: "stdout-closed",
    exit: "failed",
    hint: `run the command with a standard output that takes the result${what === "its id" ? "" : ", or use --secret-out"}`,
  });
}

/** Writes credentials to the secret file; gives what is left for standard output. Throws what the file throws. */
export async function writeSecretFile(context: Context, sink: SecretTarget, delivery: Delivery): Promise<JsonObject> {
  const { shown, credentials, secret } = delivery;
  const { id } = credentials;
  if (secret.plain === undefined && secret.encrypted === undefined) {
    await sink.discard();
    context.warn(`--secret-out is not written: client ${quote(id)} has no secret to hand over`);
    return shown;
  }
  await sink.commit(secretFileText(context, id, secret));
  const name = escapeControls(sink.name);
  context.note(
    secret.kind === "client_secret"
      ? `The credentials of client ${quote(id)} are in ${name}`
      : `The ${secret.encrypted === undefined ? "" : "encrypted "}private key of client ${quote(id)} (kid ${secret.keyId ?? ""}) is in ${name}`,
  );
  const { client_secret: _, [ENCRYPTED]: __, [ENCRYPTED_KEY]: ___, ...rest } = shown;
  return rest;
}

/** What to do where standard output doesn't take the result of a client that was created or updated: name its ID. */
export function reportClientOnWriteFailure(id: string, what: "created" | "updated"): Pick<Result, "undelivered"> {
  return {
    undelivered: async (_, reason) =>
      new Problem(`Cannot write the result: ${safeReason(reason)}; client ${quote(id)} was ${what}`, {
        code: "unwritable",
        exit: "failed",
        hint: `hydra clients get ${id} shows it`,
        cause: reason,
      }),
  };
}

import type { RecoveryCopy } from "../../adapters/recovery-store.ts";
import type { OpenSecretTarget } from "../../adapters/secret-target.ts";
import type { Context } from "../../command.ts";
import { errorMessage } from "../../core/problem.ts";
import { type ClientInStack, RecordSaveFailure, type RecoveryRecord } from "../../core/recovery-record.ts";
import { escapeControls, quote } from "../../core/text.ts";
import { type PlainAndEncryptedSecret, secretOrPrivateKeyNoun } from "./secret-source.ts";

/** What recovery copies need of a command's context. */
export type RecoveryCopyContext = Pick<Context, "host" | "endpoint" | "warn" | "recovery">;

/** Warns that no directory is writable for a recovery copy: a secret would be lost if it could not be delivered. */
export function warnNoRecoveryFolder({ warn }: Pick<Context, "warn">): void {
  warn("no directory is writable for a recovery copy of the secret (--rescue-dir names one)");
}

/** What is known about the client of a saved secret. */
export interface ClientStatusForRecovery {
  readonly id: string | undefined;
  readonly state: RecoveryRecord["state"];
  readonly reason: string;
  /** When the server set the secret, as it says itself; known once it has answered. */
  readonly updatedAt?: string | undefined;
}

/** Where a secret is that was not delivered. */
export type RecoveryOutcome =
  | { readonly kind: "kept"; readonly path: string; readonly secret: PlainAndEncryptedSecret }
  | { readonly kind: "lost"; readonly reason: string; readonly secret: PlainAndEncryptedSecret }
  /** There is no secret. */
  | { readonly kind: "nothing" };

/** The recovery copy of a secret, from before the secret is sent until it is delivered; it would survive a crash. */
export interface RecoveryCopyTracker {
  /** The file with the copy, if there is one yet. */
  readonly path: string | undefined;
  /** Updates the copy with what the server answered; a failure is a warning. */
  update(status: ClientStatusForRecovery, secret: PlainAndEncryptedSecret): Promise<void>;
  /** Keeps a secret that was not delivered, in any writable directory. */
  keep(status: ClientStatusForRecovery, secret: PlainAndEncryptedSecret): RecoveryOutcome;
  /** Removes the copy: the secret was delivered, or never set. */
  remove(): void;
}

function encryptedOrPlainText(secret: PlainAndEncryptedSecret): string | undefined {
  return secret.encrypted ?? secret.plain;
}

/** The record of a recovery copy. */
export function buildRecoveryRecord(
  context: RecoveryCopyContext,
  { id, state, reason, updatedAt }: ClientStatusForRecovery,
  secret: PlainAndEncryptedSecret,
  owner?: ClientInStack,
): RecoveryRecord {
  return {
    state,
    reason,
    time: new Date(context.host.now()).toISOString(),
    endpoint: context.endpoint,
    ...(owner === undefined ? {} : { ...owner, delivery: "due" }),
    ...(updatedAt === undefined ? {} : { updated_at: updatedAt }),
    ...(id === undefined ? {} : { client_id: id }),
    ...(secret.encrypted === undefined
      ? { [secret.kind]: secret.plain ?? "" }
      : { [`${secret.kind}_encrypted`]: secret.encrypted }),
  };
}

/** The status before a create is sent. */
export function statusBeforeCreate(id: string): ClientStatusForRecovery {
  return { id, state: "unverified", reason: "the request that creates this client is about to be sent" };
}

/** A secret whose copy is in its own file or in an import's log; without a copy, one is created when it must be kept. */
export function createRecoveryCopyTracker(
  context: RecoveryCopyContext,
  first: RecoveryCopy | undefined,
  { text, owner }: { readonly text?: string | undefined; readonly owner?: ClientInStack | undefined } = {},
): RecoveryCopyTracker {
  let updatedAt: string | undefined;
  let copy = first;
  let saved = first === undefined ? undefined : text;
  function save(status: ClientStatusForRecovery, secret: PlainAndEncryptedSecret): string {
    updatedAt = status.updatedAt ?? updatedAt;
    const record = buildRecoveryRecord(context, { ...status, updatedAt }, secret, owner);
    if (copy === undefined) copy = context.recovery.saveDurably(record, "any directory");
    else copy = replaced(copy, record, saved === encryptedOrPlainText(secret));
    saved = encryptedOrPlainText(secret);
    return copy.path;
  }
  /** Replaces the record in its file or else in another directory; the old one is enough if it holds the same secret. */
  function replaced(old: RecoveryCopy, record: RecoveryRecord, same: boolean): RecoveryCopy {
    try {
      old.replace(record);
      return old;
    } catch {
      // Its directory is gone, or its disk is full.
    }
    try {
      const moved = context.recovery.saveDurably(record, "any directory");
      if (old.exists()) removeCopyOrWarn(context, old);
      return moved;
    } catch (error) {
      if (same && old.exists()) return old;
      throw error;
    }
  }
  return {
    get path() {
      return copy?.path;
    },
    async update(status, secret) {
      try {
        save(status, secret);
      } catch (error) {
        context.warn(unsavedCopyText(status.id, error));
      }
    },
    keep(status, secret) {
      if (encryptedOrPlainText(secret) === undefined) {
        this.remove();
        return { kind: "nothing" };
      }
      try {
        return { kind: "kept", path: save(status, secret), secret };
      } catch (error) {
        return { kind: "lost", reason: escapeControls(errorMessage(error)), secret };
      }
    },
    remove() {
      if (copy !== undefined) removeCopyOrWarn(context, copy);
      copy = undefined;
    },
  };
}

/** A secret whose copy is the draft of its secret file; the draft is gone once the file is written or discarded. */
export function createSecretFileDraftTracker(
  context: RecoveryCopyContext,
  target: OpenSecretTarget & { readonly draft: string },
  write: (status: ClientStatusForRecovery, secret: PlainAndEncryptedSecret) => Promise<void>,
  text: string | undefined,
): RecoveryCopyTracker {
  let saved = text;
  return {
    path: target.draft,
    async update(status, secret) {
      try {
        await write(status, secret);
        saved = encryptedOrPlainText(secret);
      } catch (error) {
        context.warn(unsavedCopyText(status.id, error));
      }
    },
    keep(status, secret) {
      const kept = createRecoveryCopyTracker(context, undefined).keep(status, secret);
      if (kept.kind !== "lost" || saved !== encryptedOrPlainText(secret)) return kept;
      target.leaveDraft();
      return { kind: "kept", path: target.draft, secret };
    },
    remove() {},
  };
}

function unsavedCopyText(id: string | undefined, error: unknown): string {
  const where = error instanceof RecordSaveFailure ? ` in ${quote(error.folder)} or elsewhere` : "";
  return `cannot write a recovery copy of the new secret of client ${quote(id ?? "")}${where}: ${errorMessage(error)}`;
}

function removeCopyOrWarn(context: Pick<Context, "warn">, copy: RecoveryCopy): void {
  try {
    copy.remove();
  } catch (error) {
    context.warn(`cannot remove ${quote(copy.path)}, which is no longer needed: ${errorMessage(error)}`);
  }
}

/** The end of a message about a secret that was not delivered. */
export function recoveryOutcomeText(kept: RecoveryOutcome): string {
  if (kept.kind === "nothing") return "";
  const noun = secretOrPrivateKeyNoun(kept.secret);
  if (kept.kind === "lost") return `; its ${noun} is lost, because no recovery copy could be written: ${kept.reason}`;
  return `; its ${kept.secret.encrypted === undefined ? "" : "encrypted "}${noun} is in ${quote(kept.path)}`;
}

import type { OpenSecretTarget } from "../../adapters/secret-target.ts";
import type { Context } from "../../command.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { CONCURRENCY } from "../../core/flags/shared-flags.ts";
import type { Problem } from "../../core/problem.ts";
import type { StackPlanStep } from "../../core/state/plan.ts";
import { escapeControls } from "../../core/text.ts";
import { type CleanupAdminFactory, createSharedCleanupAdminFactory } from "../admin-deadlines.ts";
import { mapConcurrently } from "../batch.ts";
import type { PlainAndEncryptedSecret } from "../secrets/secret-source.ts";
import {
  clientSecretPath,
  credentialsOf,
  type OwnedSecret,
  ownSecretFileText,
  readSecretPlaceKind,
  type SecretOwner,
  type SecretPlaceContext,
  type SecretPlaceKind,
  sharedSecretFileText,
} from "./secret-file-texts.ts";

type ValuesContext = Pick<Context, "values">;

/** A secret on its way to its place. */
interface PendingSecret extends OwnedSecret {
  /** To be called once it is in place. */
  readonly delivered: () => void;
  /** To be called when it can't get there; returns the problem that says what became of it. */
  readonly undelivered: (reason: unknown, partlyWritten: boolean, cleanup: CleanupAdminFactory) => Promise<Problem>;
}

/** How a plan describes the place of generated secrets; undefined if there is none. */
export function describeSecretDelivery({ values }: ValuesContext, recipients: number): string | undefined {
  const encrypted =
    recipients === 0 ? [] : [`encrypted to ${recipients} ${recipients === 1 ? "recipient" : "recipients"}`];
  const target = values.text(SECRET_OUT);
  const parts = [...encrypted, ...(target === undefined ? [] : [`written to ${target}`])];
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** Whether a step sets a secret. */
export function stepSetsSecret({ action, secret }: Pick<StackPlanStep, "action" | "secret">): boolean {
  return action !== "delete" && action !== "refused" && ["generated", "given", "mismatched"].includes(secret);
}

export function secretOwnerOfStep({ key, desired }: StackPlanStep): SecretOwner {
  return { key, object: desired?.secretObject };
}

/** The file of one client, open and not named yet. */
interface OwnFile {
  readonly target: OpenSecretTarget;
  readonly path: string;
  readonly text: (id: string, secret: PlainAndEncryptedSecret) => string;
}

/** The places of the secrets of a run. */
export class SecretPlace {
  readonly kind: SecretPlaceKind;
  readonly #context: SecretPlaceContext;
  readonly #shared: OpenSecretTarget | undefined;
  /** The clients in the order of the files, which is that of the entries too, whichever is created first. */
  readonly #order: ReadonlyMap<string, number>;
  readonly #pending: PendingSecret[] = [];
  #written = 0;

  private constructor(
    context: SecretPlaceContext,
    shared: OpenSecretTarget | undefined,
    owners: readonly SecretOwner[],
  ) {
    this.kind = readSecretPlaceKind(context);
    this.#context = context;
    this.#shared = shared;
    this.#order = new Map(owners.map(({ key }, at) => [key, at]));
  }

  /** Opens what must be open before anything is sent. */
  static async open(context: SecretPlaceContext, owners: readonly SecretOwner[]): Promise<SecretPlace> {
    const isShared = readSecretPlaceKind(context) === "shared" && owners.length > 0;
    return new SecretPlace(
      context,
      isShared ? await context.openTarget(SECRET_OUT, undefined, "is extended") : undefined,
      owners,
    );
  }

  /**
   * The target that a registration knows of.
   *
   * @param draftIsCopy whether the draft of a client's own file is the recovery copy, because there is no other folder for one.
   */
  targetOf(own: OwnFile | undefined, draftIsCopy: boolean): OpenSecretTarget | undefined {
    const target = own?.target ?? this.#shared;
    if (target === undefined || (own !== undefined && draftIsCopy)) return target;
    return {
      ...target,
      draft: undefined,
      get partlyWritten() {
        return target.partlyWritten;
      },
    };
  }

  /** Opens the file of a client, if each has its own. */
  async openOwn(owner: SecretOwner): Promise<OwnFile | undefined> {
    if (this.kind !== "folder") return undefined;
    const path = clientSecretPath(this.#context, owner.key);
    const target = await this.#context.openTarget(SECRET_OUT, path);
    if (target === undefined) return undefined;
    return { target, path, text: (id, secret) => ownSecretFileText(this.#context, owner, credentialsOf(id, secret)) };
  }

  /** Keeps a secret for the file that all clients share. */
  add(secret: PendingSecret): void {
    this.#pending.push(secret);
  }

  /** Writes the file that all clients share. Returns the problems of the secrets that could not be written. */
  async finish(): Promise<readonly Problem[]> {
    const target = this.#shared;
    if (target === undefined) return [];
    const place = ({ key }: SecretOwner): number => this.#order.get(key) ?? this.#order.size;
    const pending = this.#pending.splice(0).sort((a, b) => place(a) - place(b));
    if (pending.length === 0) {
      await target.discard();
      return [];
    }
    try {
      await target.commit(sharedSecretFileText(this.#context, target.previous, pending));
    } catch (error) {
      const { partlyWritten } = target;
      await target.discard();
      const concurrency = this.#context.values.number(CONCURRENCY);
      const cleanup = createSharedCleanupAdminFactory();
      return mapConcurrently(pending, concurrency, (each) => each.undelivered(error, partlyWritten, cleanup));
    }
    for (const { delivered } of pending) delivered();
    this.#written = pending.length;
    return [];
  }

  /** Writes the file of one client. */
  async writeOwn({ target, path, text }: OwnFile, id: string, secret: PlainAndEncryptedSecret): Promise<void> {
    await target.commit(text(id, secret), path);
    this.#written++;
  }

  /** Where the secrets are; undefined if none was written to a file. */
  note(): string | undefined {
    if (this.#written === 0) return undefined;
    const clients = this.#written === 1 ? "1 client" : `${this.#written} clients`;
    return `The credentials of ${clients} are in ${escapeControls(this.#context.values.text(SECRET_OUT) ?? "")}`;
  }
}

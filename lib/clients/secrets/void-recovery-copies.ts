import type {
  LeftoverCopyStore,
  LeftoverRecoveryCopy,
  UnreadRecoveryFile,
} from "../../adapters/leftover-recovery-copies.ts";
import type { Context } from "../../command.ts";
import { errorMessage } from "../../core/problem.ts";
import type { ClientInStack } from "../../core/recovery-record.ts";
import { escapeControls, quote } from "../../core/text.ts";

/** Marks a copy as void, so that no run delivers its secret; a failure is a warning. */
export function markRecoveryCopyVoid(
  { warn }: Pick<Context, "warn">,
  store: LeftoverCopyStore,
  copy: LeftoverRecoveryCopy,
): void {
  try {
    store.withdraw(copy);
  } catch (error) {
    warn(`cannot change ${quote(copy.path)}, whose secret is void: ${escapeControls(errorMessage(error))}`);
  }
}

/** The recovery copies of earlier runs, found once for all clients of a run. */
export interface EarlierRecoveryCopies {
  readonly store: LeftoverCopyStore;
  readonly copies: readonly LeftoverRecoveryCopy[];
  readonly unread: readonly UnreadRecoveryFile[];
  /** The copies whose secrets are due, by their client. */
  readonly dueByClientId: ReadonlyMap<string | undefined, readonly LeftoverRecoveryCopy[]>;
  /** The same by stack and key, see {@link ownerMapKey}. */
  readonly dueByOwner: ReadonlyMap<string | undefined, readonly LeftoverRecoveryCopy[]>;
}

/** The key of a client of a stack in a map. */
function ownerMapKey({ stack, key }: Pick<ClientInStack, "stack" | "key">): string {
  return JSON.stringify([stack, key]);
}

/** Finds the recovery copies of earlier runs for the clients of this server. */
export async function findEarlierCopies({
  endpoint,
  openLeftovers,
}: Pick<Context, "endpoint" | "openLeftovers">): Promise<EarlierRecoveryCopies> {
  const store = await openLeftovers();
  const { copies, unread } = store.find(endpoint);
  const due = copies.filter((copy) => copy.due !== undefined);
  return {
    store,
    copies,
    unread,
    dueByClientId: Map.groupBy(due, ({ clientId }) => clientId),
    dueByOwner: Map.groupBy(due, ({ due: owner }) => (owner === undefined ? undefined : ownerMapKey(owner))),
  };
}

/** Marks as void what runs of `apply` have left of a client that has got another secret, whatever stack it belongs to. */
export function markCopiesVoidByClientId(
  context: Pick<Context, "warn">,
  { store, dueByClientId }: EarlierRecoveryCopies,
  id: string,
): void {
  for (const copy of dueByClientId.get(id) ?? []) markRecoveryCopyVoid(context, store, copy);
}

/** The same by the stack and key of a client. */
export function markCopiesVoidByStackAndKey(
  context: Pick<Context, "warn">,
  { store, dueByOwner }: EarlierRecoveryCopies,
  owner: ClientInStack,
): void {
  for (const copy of dueByOwner.get(ownerMapKey(owner)) ?? []) markRecoveryCopyVoid(context, store, copy);
}

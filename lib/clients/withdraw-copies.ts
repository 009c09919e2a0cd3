import type { LeftoverRecoveryCopies, LeftoverRecoveryCopy } from "../adapters/leftover-recovery-copies.ts";
import type { Context } from "../command.ts";
import { errorMessage } from "../core/problem.ts";
import type { ClientInStack } from "../core/recovery-record.ts";
import { escapeControls, quote } from "../core/text.ts";

/** Keeps a copy, as a secret that no run is to deliver; a failure is a warning. */
export function withdrawCopy(
  { warn }: Pick<Context, "warn">,
  store: LeftoverRecoveryCopies,
  copy: LeftoverRecoveryCopy,
): void {
  try {
    store.withdraw(copy);
  } catch (error) {
    warn(`cannot change ${quote(copy.path)}, whose secret is void: ${escapeControls(errorMessage(error))}`);
  }
}

/** The recovery copies of earlier runs. */
export interface EarlierRecoveryCopies {
  readonly store: LeftoverRecoveryCopies;
  readonly copies: readonly LeftoverRecoveryCopy[];
}

/** Finds the recovery copies of earlier runs for the clients of this server. */
export async function findEarlierCopies({
  endpoint,
  openLeftovers,
}: Pick<Context, "endpoint" | "openLeftovers">): Promise<EarlierRecoveryCopies> {
  const store = await openLeftovers();
  return { store, copies: store.find(endpoint) };
}

function withdrawWhere(
  context: Pick<Context, "warn">,
  { store, copies }: EarlierRecoveryCopies,
  isVoid: (copy: LeftoverRecoveryCopy) => boolean,
): void {
  for (const copy of copies) if (copy.due !== undefined && isVoid(copy)) withdrawCopy(context, store, copy);
}

/** Withdraws what runs of `apply` have left of a client that has got another secret, whatever stack it belongs to. */
export function withdrawCopiesOfClient(
  context: Pick<Context, "warn">,
  earlier: EarlierRecoveryCopies,
  id: string,
): void {
  withdrawWhere(context, earlier, ({ clientId }) => clientId === id);
}

/** The same for a client of a stack. */
export function withdrawCopiesOfOwner(
  context: Pick<Context, "warn">,
  earlier: EarlierRecoveryCopies,
  owner: ClientInStack,
): void {
  withdrawWhere(context, earlier, ({ due, key }) => due?.stack === owner.stack && key === owner.key);
}

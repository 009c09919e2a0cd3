import type { LeftoverRecoveryCopies, LeftoverRecoveryCopy } from "../adapters/leftover-recovery-copies.ts";
import type { Context } from "../command.ts";
import { errorMessage } from "../core/problem.ts";
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

/** Withdraws what runs of `apply` have left of a client that has got another secret, whatever stack it belongs to. */
export function withdrawCopiesOfClient(
  context: Pick<Context, "warn">,
  { store, copies }: EarlierRecoveryCopies,
  id: string,
): void {
  for (const copy of copies) if (copy.due !== undefined && copy.clientId === id) withdrawCopy(context, store, copy);
}

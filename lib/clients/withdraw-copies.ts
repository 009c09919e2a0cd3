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

/** Withdraws what runs of `apply` have left of a client that has got another secret, whatever stack it belongs to. */
export async function withdrawCopiesOfClient(
  context: Pick<Context, "endpoint" | "openLeftovers" | "warn">,
  id: string,
): Promise<void> {
  const store = await context.openLeftovers();
  for (const copy of store.find(context.endpoint))
    if (copy.due !== undefined && copy.clientId === id) withdrawCopy(context, store, copy);
}

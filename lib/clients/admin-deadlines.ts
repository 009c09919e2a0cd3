import type { Admin } from "../adapters/admin/admin.ts";
import type { Context } from "../command.ts";
import { FAIL_AFTER } from "../core/flags/connection-flags.ts";
import { CLEANUP_AFTER_DEADLINE_MS } from "../core/network.ts";

/** A signal that follows another one after some time, in which requests that are under way can finish. */
export function createLateSignal(signal: AbortSignal): AbortSignal {
  const late = new AbortController();
  const startCleanup = (): void => {
    setTimeout(() => late.abort(signal.reason), CLEANUP_AFTER_DEADLINE_MS);
  };
  if (signal.aborted) startCleanup();
  else signal.addEventListener("abort", startCleanup, { once: true });
  return late.signal;
}

/** The admin API with a deadline for each client. After a signal, requests that are under way get some time to finish. */
export function createAdminWithDeadlineFactory(context: Pick<Context, "admin" | "signal" | "values">): () => Admin {
  const late = createLateSignal(context.signal);
  const failAfter = context.values.number(FAIL_AFTER);
  return () => context.admin.withDeadline(failAfter, late);
}

/** The admin API with the time of a whole command, from now on: what came before may have used up that of this one. */
export function adminWithFreshDeadline({ admin, values, signal }: Pick<Context, "admin" | "values" | "signal">): Admin {
  return admin.withDeadline(values.number(FAIL_AFTER), signal);
}

/** Gives the admin API for taking a client back; undefined once the time for all of them is over. */
export type CleanupAdminFactory = (admin: Admin) => Admin | undefined;

/** One time limit for taking back all clients of a run, which begins with the first: a limit for each would add up to hours. */
export function createSharedCleanupAdminFactory(): CleanupAdminFactory {
  let shared: Admin | undefined;
  return (admin) => {
    shared ??= admin.withDeadline(CLEANUP_AFTER_DEADLINE_MS);
    return shared.remaining() > 0 ? shared : undefined;
  };
}

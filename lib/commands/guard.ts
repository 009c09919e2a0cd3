import type { Admin, ClientRecord, CreateOutcome } from "../adapters/admin.ts";
import { textField } from "../core/client.ts";
import { Problem } from "../core/problem.ts";
import { quoted } from "../core/text.ts";
import type { Context, Result, Shown } from "./command.ts";
import { type Handover, type PreparedSecret, recover, UNDELIVERED, type Undelivered, whyOf } from "./credentials.ts";

/** What is known of a client that was made, whatever fails after that. */
export type Made = Omit<Undelivered, "leaked">;

/** A create whose failures, foreseen or not, all say what is known of the client. */
export async function sendCreate(
  admin: Admin,
  payload: Shown & { readonly client_id: string },
  ownId: boolean,
): Promise<CreateOutcome> {
  const { client_id: id } = payload;
  try {
    return await admin.create(payload, ownId);
  } catch (error) {
    const problem = new Problem(
      `Cannot create client: ${whyOf(error)}; client ${quoted(id)} may have been made all the same`,
      {
        code: "unexpected",
        exit: "failed",
        hint: `look for it before you run this again: hydra clients get ${id}`,
        doubtful: true,
        cause: error,
      },
    );
    return { kind: "unknown", problem, clientId: id };
  }
}

/**
 * Does what follows a create, and lets nothing that it throws end in a lost secret: the client is taken back, or its secret
 * kept.
 */
export async function guarded<T>(
  context: Context,
  { place, sink }: Handover,
  made: () => Made,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem && error.code === UNDELIVERED) throw error;
    throw await recover(context, place, { ...made(), leaked: sink?.leaked === true }, error);
  }
}

/** What is known of a client that was made, from the moment of the answer on. */
export function madeBy(outcome: Extract<CreateOutcome, { kind: "created" | "found" }>, prepared: PreparedSecret): Made {
  const { client_id: id, client_secret: answered = "" } = partsOf(outcome.record);
  const differs = answered !== "" && prepared.plain !== undefined && answered !== prepared.plain;
  // With recipients a secret of the server's is worth nothing before it is encrypted, and the one that was sent no more.
  const known = !differs
    ? prepared
    : { ...prepared, plain: prepared.recipients.length > 0 ? undefined : answered, encrypted: undefined };
  const delivery = { shown: { client_id: id }, precious: undefined, credentials: { id }, differs };
  return { certain: outcome.kind === "created", delivery, prepared: known };
}

function partsOf(record: ClientRecord): { readonly client_id: string; readonly client_secret: string | undefined } {
  return { client_id: record.client_id, client_secret: textField(record, "client_secret") };
}

/** What to do where standard output does not take the result of a client that was made or changed: tell its id. */
export function tellsUnwritten(id: string, what: "created" | "updated"): Pick<Result, "undelivered"> {
  return {
    undelivered: async (_, reason) =>
      new Problem(`Cannot write the result: ${whyOf(reason)}; client ${quoted(id)} was ${what}`, {
        code: "unwritable",
        exit: "failed",
        hint: `hydra clients get ${id} shows it`,
        cause: reason,
      }),
  };
}

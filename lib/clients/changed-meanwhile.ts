import type { Admin } from "../adapters/admin/admin.ts";
import type { ClientRecord } from "../core/client/client.ts";
import { quotedOperandAndFlagText } from "../core/output/shell-quote.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** Reads a client that existed a moment ago: what someone else has changed since then counts. */
export async function readAgain(admin: Admin, id: string): Promise<ClientRecord> {
  const current = await admin.find(id);
  if (current !== undefined) return current;
  throw new Problem(`Client ${quote(id)} was deleted by someone else meanwhile`, {
    code: "changed-meanwhile",
    exit: "notFound",
    hint: "run the command again to create it",
  });
}

/** Says of a client that was absent a moment ago and exists now that this run has no secret for it. */
export function undeliveredHereText(id: string): string {
  // A proxy that sends a request twice looks like someone else; then nobody has the secret.
  return `client ${quote(id)} was created by someone else meanwhile; its secret was not delivered here. If no other run has delivered it, set another one: hydra clients rotate-secret ${quotedOperandAndFlagText(id)}`;
}

import type { Admin } from "../adapters/admin/admin.ts";
import type { ClientRecord } from "../core/client/client.ts";
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

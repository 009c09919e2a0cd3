import type { Admin, ClientRecord } from "../adapters/admin.ts";
import type { Client } from "../core/client.ts";
import { type Change, type ChangeRequest, changeRequest } from "../core/merge.ts";

/** Sends one request that changes a client. */
export function sendChange(admin: Admin, id: string, request: ChangeRequest): Promise<ClientRecord> {
  return request.method === "PATCH" ? admin.patch(id, request.body) : admin.replace(id, request.body);
}

/** Makes the changes on a client, in the way of its server. */
export async function change(
  admin: Admin,
  id: string,
  current: Client,
  wanted: readonly Change[],
): Promise<ClientRecord> {
  const { update } = await admin.family();
  return sendChange(admin, id, changeRequest(update, current, wanted));
}

import type { Admin } from "../../adapters/admin/admin.ts";
import { createUpdateRequest, type PatchOrPutRequest } from "../../core/client/changes.ts";
import type { ClientRecord } from "../../core/client/client.ts";
import type { FieldChange } from "../../core/client/equality.ts";
import type { JsonObject } from "../../core/json/json.ts";

/** Sends one request that changes a client. An unrequested registration access token in the answer is dropped. */
export async function sendUpdateRequest(admin: Admin, id: string, request: PatchOrPutRequest): Promise<ClientRecord> {
  const sent = request.method === "PATCH" ? admin.patch(id, request.body) : admin.replace(id, request.body);
  const { registration_access_token: _, ...record } = await sent;
  return record;
}

/** Changes a client with the request that its server supports. */
export async function sendClientChanges(
  admin: Admin,
  id: string,
  current: JsonObject,
  wanted: readonly FieldChange[],
): Promise<ClientRecord> {
  const { update } = await admin.family();
  return sendUpdateRequest(admin, id, createUpdateRequest(update, current, wanted));
}

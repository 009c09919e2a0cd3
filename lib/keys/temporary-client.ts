import type { Context } from "../command.ts";
import { type ClientRecord, getTextField } from "../core/client/client.ts";
import { CLEANUP_AFTER_DEADLINE_MS } from "../core/network.ts";
import { quotedOperandAndFlagText } from "../core/output/shell-quote.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import type { PageRequest } from "../servers/index.ts";

type TemporaryClientContext = Pick<Context, "admin" | "host" | "warn">;

/** Never opened: the code is read from the redirect to it. */
export const TEMPORARY_REDIRECT_URI = "https://hydra-keys.invalid/callback";

/** What every temporary client has, and no other client. */
const TEMPORARY_CLIENT = {
  client_name: "hydra keys rotate (temporary)",
  redirect_uris: [TEMPORARY_REDIRECT_URI],
  grant_types: ["authorization_code"],
  response_types: ["code"],
  scope: "openid",
  token_endpoint_auth_method: "none",
};

/** Does something as a temporary client, which is deleted afterwards, also if the answer to its creation was lost. */
export async function withTemporaryClient<T>(
  { admin, host, warn }: TemporaryClientContext,
  work: (clientId: string) => Promise<T>,
): Promise<T> {
  const { unknownFields } = await admin.family();
  const strategy = unknownFields.has("access_token_strategy") ? {} : { access_token_strategy: "jwt" };
  let clientId = host.uuid();
  let isCreated = false;
  try {
    const outcome = await admin.create({ client_id: clientId, ...TEMPORARY_CLIENT, ...strategy }, true);
    if (outcome.kind !== "created" && outcome.kind !== "found") throw outcome.problem;
    isCreated = true;
    clientId = outcome.record.client_id;
    return await work(clientId);
  } finally {
    await admin
      .withDeadline(CLEANUP_AFTER_DEADLINE_MS)
      .remove(clientId)
      .catch((error: unknown) => {
        const isMissing = error instanceof Problem && error.code === "not-found";
        if (isCreated && !isMissing) warn(`the temporary client ${clientId} could not be deleted`);
      });
  }
}

/** Milliseconds after which no login of another run can still use a temporary client. */
const LONGEST_LOGIN_MS = 10 * 60_000;

/** Whether a client is one that this program created for a login, and that no one has changed. */
function isTemporary(client: ClientRecord): boolean {
  return Object.entries(TEMPORARY_CLIENT).every(
    ([name, value]) => JSON.stringify(client[name]) === JSON.stringify(value),
  );
}

async function findTemporaryClients({ admin }: Pick<Context, "admin">): Promise<readonly ClientRecord[]> {
  const { largestPage } = await admin.family();
  const found: ClientRecord[] = [];
  let request: PageRequest | undefined = { size: largestPage, name: TEMPORARY_CLIENT.client_name };
  while (request !== undefined) {
    // Some servers ignore the name.
    const { clients, next } = await admin.page(request);
    found.push(...clients.filter(isTemporary));
    request = next;
  }
  return found;
}

/** Deletes the temporary clients of runs that were killed; names those that a run may still use. */
export async function removeOldTemporaryClients(
  context: TemporaryClientContext & Pick<Context, "note" | "signal">,
): Promise<void> {
  const { admin, host, warn, note, signal } = context;
  try {
    for (const client of await findTemporaryClients(context)) {
      const { client_id: id } = client;
      const age = host.now() - Date.parse(getTextField(client, "created_at") ?? "");
      if (age > LONGEST_LOGIN_MS) {
        await admin.remove(id);
        note(`Deleted client ${quote(id)}, which an earlier hydra keys rotate left`);
      } else
        warn(
          `client ${quote(id)} is from another hydra keys rotate; if that was killed: hydra clients delete ${quotedOperandAndFlagText(id)}`,
        );
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof Problem)) throw error;
    warn(`cannot look for clients that an earlier hydra keys rotate left: ${error.message}`);
  }
}

import type { Context } from "../command.ts";
import { getTextField } from "../core/client/client.ts";

/** How many clients are offered. */
const OFFERED = 20;

/** Offers the first clients of the server by number; undefined where none was chosen. */
export async function askClientId({
  admin,
  host,
  tell,
}: Pick<Context, "admin" | "host" | "tell">): Promise<string | undefined> {
  const { clients, next } = await admin.page({ size: OFFERED });
  const offered = clients.slice(0, OFFERED);
  if (offered.length === 0) return undefined;
  const widest = Math.max(...offered.map(({ client_id: id }) => id.length));
  for (const [at, client] of offered.entries()) {
    const number = String(at + 1).padStart(String(offered.length).length);
    tell(`  ${number}) ${client.client_id.padEnd(widest)}  ${getTextField(client, "client_name") ?? ""}`.trimEnd());
  }
  if (next !== undefined) tell("  More clients exist; type the ID of another one");
  const answer = (await host.ask("Client (number or ID): ", false))?.trim() ?? "";
  if (answer === "") return undefined;
  return offered[Number(answer) - 1]?.client_id ?? answer;
}

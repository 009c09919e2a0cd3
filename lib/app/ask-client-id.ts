import type { Context } from "../command.ts";
import { getTextField } from "../core/client/client.ts";
import { displayWidth } from "../core/output/width.ts";
import { escapeControls } from "../core/text.ts";

/** How many clients are offered. */
const OFFERED = 20;

/** Offers the first clients of the server by number; undefined if none was chosen. */
export async function askClientId({
  admin,
  host,
  tell,
}: Pick<Context, "tell"> & {
  readonly admin: Pick<Context["admin"], "page">;
  readonly host: Pick<Context["host"], "ask">;
}): Promise<string | undefined> {
  const { clients, next } = await admin.page({ size: OFFERED });
  const offered = clients.slice(0, OFFERED);
  if (offered.length === 0) return undefined;
  const ids = offered.map(({ client_id: id }) => escapeControls(id));
  const widest = Math.max(...ids.map(displayWidth));
  for (const [at, client] of offered.entries()) {
    const number = String(at + 1).padStart(String(offered.length).length);
    const id = ids[at] ?? "";
    const gap = " ".repeat(widest - displayWidth(id) + 2);
    tell(`  ${number}) ${id}${gap}${getTextField(client, "client_name") ?? ""}`.trimEnd());
  }
  if (next !== undefined) tell("  More clients exist; type the ID of another one");
  const answer = (await host.ask("Client (number or ID): ", false))?.trim() ?? "";
  if (answer === "") return undefined;
  // An ID may look like a number.
  if (offered.some(({ client_id: id }) => id === answer)) return answer;
  const chosen = /^\d+$/.test(answer) ? offered[Number(answer) - 1] : undefined;
  return chosen?.client_id ?? answer;
}

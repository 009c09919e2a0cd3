import type { Context } from "../command.ts";
import type { ClientRecord } from "../core/client/client.ts";
import { getListField } from "../core/client/client.ts";
import { NO_INPUT } from "../core/flags/flag-table.ts";
import { canAsk } from "../core/interactive.ts";
import { shellQuoted } from "../core/output/shell-quote.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { type RedirectTarget, redirectToRegister } from "./redirect-uri.ts";

/** Milliseconds for the admin API where nobody asked for it by a flag: the login works without it. */
const OPTIONAL_LOOKUP_MS = 2_000;

/** The client at the admin API; undefined where no setting names one, or where it doesn't answer and no flag names it. */
export async function readRegisteredClient(
  { adminSide, signal, warn }: Pick<Context, "adminSide" | "signal" | "warn">,
  clientId: string,
): Promise<ClientRecord | undefined> {
  if (adminSide === undefined) return undefined;
  const { admin, isRequested } = adminSide;
  try {
    return await (isRequested ? admin : admin.withDeadline(OPTIONAL_LOOKUP_MS, signal)).get(clientId);
  } catch (error) {
    if (isRequested || !(error instanceof Problem) || signal.aborted) throw error;
    warn(`the client's settings at the admin API are not checked: ${error.message}`, "advice");
    return undefined;
  }
}

/** The command that registers a redirect URI. */
export function addCallbackCommand(clientId: string, uri: string): string {
  return `hydra clients update ${shellQuoted(clientId)} --add-callback ${shellQuoted(uri)}`;
}

function notRegistered(clientId: string, uri: string): Problem {
  return new Problem(`Cannot log in: ${quote(uri)} is not a redirect URI of client ${quote(clientId)}`, {
    code: "redirect-uri-unregistered",
    exit: "failed",
    hint: addCallbackCommand(clientId, uri),
  });
}

type AskingContext = Pick<Context, "host" | "values" | "adminSide" | "note">;

/**
 * Makes sure that the client has the redirect URI. A person on a terminal is asked whether to add it; it is never added
 * without a question.
 *
 * @throws {Problem} where it is missing and nobody agrees to add it.
 */
export async function ensureRegistered(
  { host, values, adminSide, note }: AskingContext,
  { client, target }: { readonly client: ClientRecord; readonly target: RedirectTarget },
  add: (uris: readonly string[]) => Promise<void>,
): Promise<void> {
  const registered = getListField(client, "redirect_uris");
  const missing = redirectToRegister(target, registered);
  if (missing === undefined) return;
  const id = client.client_id;
  const question = `${quote(missing)} is not a redirect URI of client ${quote(id)}. Add it at ${adminSide?.endpoint ?? ""}? [y/N] `;
  const isPerson = canAsk(host, values.bool(NO_INPUT));
  const answer = isPerson ? await host.ask(question, false) : undefined;
  if (!/^y(es)?$/i.test((answer ?? "").trim())) throw notRegistered(id, missing);
  await add([...registered, missing]);
  note(`Added ${missing} to the redirect URIs of client ${quote(id)}`);
}

import type { ClientLogin, Context } from "../command.ts";
import { type ClientRecord, getListField } from "../core/client/client.ts";
import { DEVICE_GRANT } from "../core/client/fields.ts";
import { isRegisteredRedirect } from "../core/client/redirect-match.ts";
import { canAskForMissingInput } from "../core/environment/interactive.ts";
import { FAIL_AFTER } from "../core/flags/connection-flags.ts";
import { NO_INPUT } from "../core/flags/shared-flags.ts";
import { commandWord } from "../core/output/shell-quote.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { listFieldAdditionCommandLine } from "./client-update-command-line.ts";

/** Milliseconds for the admin API if no flag names it: the login works without it. */
const OPTIONAL_LOOKUP_MS = 2_000;

/**
 * The client at the admin API; undefined if no setting names one, or if it doesn't answer and no flag names it.
 *
 * @throws {Problem} if there is no such client: a login would only end at an error page of the server.
 */
export async function readRegisteredClient(
  { pairedAdmin, signal, warn, values }: Pick<Context, "pairedAdmin" | "signal" | "warn" | "values">,
  clientId: string,
): Promise<ClientRecord | undefined> {
  if (pairedAdmin === undefined) return undefined;
  const { admin, endpoint, isRequested } = pairedAdmin;
  try {
    const once = values.number(FAIL_AFTER) === 0;
    return await (isRequested ? admin : admin.withDeadline(OPTIONAL_LOOKUP_MS, signal, once)).get(clientId);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.exit === "notFound") {
      throw new Problem(`Cannot log in: there is no client ${quote(clientId)} at ${endpoint}`, {
        code: "invalid-client",
        exit: "unauthorised",
        hint: `check the client ID, and that the admin API is the server's own: hydra clients list -q --endpoint ${commandWord(endpoint)}`,
      });
    }
    if (isRequested || signal.aborted) throw error;
    warn(`the client's settings at the admin API are not checked: ${error.message}`, "advice");
    return undefined;
  }
}

/** Commands that get a token in another way, by the grant type that a client needs for it. */
const COMMAND_BY_GRANT_TYPE: Readonly<Record<string, string>> = {
  client_credentials: "hydra token client",
  [DEVICE_GRANT]: "hydra token device",
  authorization_code: "hydra token user",
};

/**
 * Makes sure that a client may use a grant type, before a user logs in for nothing.
 *
 * @throws {Problem} with the command that the client can be used with instead.
 */
export function requireGrantType(
  { syntax }: Pick<Context, "syntax">,
  client: ClientRecord | undefined,
  grantType: string,
): void {
  if (client === undefined) return;
  const allowed = getListField(client, "grant_types");
  if (allowed.length === 0 || allowed.includes(grantType)) return;
  const id = client.client_id;
  const alternative = Object.keys(COMMAND_BY_GRANT_TYPE).find((other) => allowed.includes(other));
  throw new Problem(`Cannot log in: client ${quote(id)} doesn't have the grant type ${grantType}`, {
    code: "unauthorized-client",
    hint:
      alternative === undefined
        ? listFieldAdditionCommandLine({ id, syntax }, "grant_types", grantType)
        : `with its grant type ${alternative}: ${COMMAND_BY_GRANT_TYPE[alternative]} --client-id ${commandWord(id)}`,
  });
}

/** The command that logs in on another device; undefined for a client that is known not to have the grant type. */
export function findDeviceLoginCommandLine(
  client: ClientRecord | undefined,
  { clientId, authentication }: Pick<ClientLogin, "clientId" | "authentication">,
): string | undefined {
  if (client !== undefined && !getListField(client, "grant_types").includes(DEVICE_GRANT)) return undefined;
  const proofs = { none: "--auth-method none", private_key_jwt: "--client-key FILE" };
  const { method } = authentication;
  const proof = method === "none" || method === "private_key_jwt" ? proofs[method] : "--credentials FILE";
  return `hydra token device --client-id ${commandWord(clientId)} ${proof}`;
}

/**
 * Makes sure that the client has the redirect URI. A person on a terminal is asked whether to add it; it is never added
 * without a question.
 *
 * @throws {Problem} if it is missing and nobody agrees to add it.
 */
export async function requireRedirectOrOfferToAdd(
  { host, syntax, values, pairedAdmin, note }: Pick<Context, "host" | "syntax" | "values" | "pairedAdmin" | "note">,
  client: ClientRecord,
  uri: string,
  add: () => Promise<void>,
): Promise<void> {
  if (isRegisteredRedirect(getListField(client, "redirect_uris"), uri)) return;
  const id = client.client_id;
  const missing = `${quote(uri)} is not a redirect URI of client ${quote(id)}`;
  const question = `${missing}. Add it at ${pairedAdmin?.endpoint ?? ""}? [y/N] `;
  const isPerson = canAskForMissingInput(host, values.bool(NO_INPUT));
  const answer = isPerson ? await host.ask(question, false) : undefined;
  if (!/^y(es)?$/i.test((answer ?? "").trim()))
    throw new Problem(`Cannot log in: ${missing}`, {
      code: "redirect-uri-unregistered",
      hint: listFieldAdditionCommandLine({ id, syntax }, "redirect_uris", uri),
    });
  await add();
  note(`Added ${uri} to the redirect URIs of client ${quote(id)}`);
}

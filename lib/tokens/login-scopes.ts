import type { Context } from "../command.ts";
import { type ClientRecord, getTextField } from "../core/client/client.ts";
import { LOGIN_SCOPE } from "./login-flags.ts";

/**
 * The scopes of a login: those of `--scope`, else the default ones that the client may have as far as its settings are known.
 * A server rejects the whole login for one scope too many.
 */
export function chooseScopesAndNoteOmitted(
  { values, note }: Pick<Context, "values" | "note">,
  client: ClientRecord | undefined,
): readonly string[] {
  const scopes = values.list(LOGIN_SCOPE);
  const registered = getTextField(client ?? { client_id: "" }, "scope") ?? "";
  // A scope with a wildcard allows others, in a way that depends on the server's configuration.
  if (values.isSet(LOGIN_SCOPE) || registered === "" || registered.includes("*")) return scopes;
  const allowed = registered.split(" ");
  const missing = scopes.filter((scope) => !allowed.includes(scope));
  if (missing.length > 0) note(`Logging in without the scope ${missing.join(" ")}, which the client doesn't have`);
  return scopes.filter((scope) => allowed.includes(scope));
}

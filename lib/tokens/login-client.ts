import type { ClientLogin } from "../command.ts";
import { type ClientRecord, getTextField } from "../core/client/client.ts";
import { LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET } from "../core/flags/shared-flags.ts";
import type { InputProblemCollector } from "./input-problem-collector.ts";
import { readClientLogin } from "./read-credentials.ts";
import { readRegisteredClient } from "./registered-client.ts";
import { CLIENT_AUTH_METHOD, CLIENT_KEY, CLIENT_SECRET_FILE, CREDENTIALS } from "./token-flags.ts";

/** The client of a user's login: its credentials, and what the admin API knows about it. */
interface ResolvedLoginClient {
  readonly credentials: ClientLogin;
  /** Undefined if the admin API isn't known or doesn't answer. */
  readonly client: ClientRecord | undefined;
}

/** Reads a client, whose settings come before its credentials if those are missing. */
export type LoginClientResolver = () => Promise<ResolvedLoginClient>;

type UserLoginContext = Parameters<typeof readClientLogin>[0] & Parameters<typeof readRegisteredClient>[0];

/** The flags that say how the client authenticates. */
const SOURCES = [LOGIN_CLIENT_SECRET, CLIENT_SECRET_FILE, CREDENTIALS, CLIENT_KEY, CLIENT_AUTH_METHOD];

/**
 * Reads the credentials of the client. If there are none and the admin API can say whether the client needs any, they are
 * read only after that: a public client has no secret to ask for.
 */
export async function createLoginClientResolver(
  context: UserLoginContext,
  checks: InputProblemCollector,
): Promise<LoginClientResolver> {
  const { values, pairedAdmin } = context;
  const clientId = values.text(LOGIN_CLIENT_ID) ?? "";
  const namesCredentials = SOURCES.some((flag) => values.isSet(flag));
  const mayBePublic = clientId !== "" && pairedAdmin !== undefined && !namesCredentials;
  const given = mayBePublic ? undefined : await readClientLogin(context, checks);
  return async () => {
    const client = await readRegisteredClient(context, given?.clientId ?? clientId);
    if (given !== undefined) return { credentials: given, client };
    const isPublic = client !== undefined && getTextField(client, "token_endpoint_auth_method") === "none";
    const credentials: ClientLogin = isPublic
      ? { clientId, authentication: { method: "none" }, followsServer: false }
      : await readClientLogin(context, checks);
    return { credentials, client };
  };
}

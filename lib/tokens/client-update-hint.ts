import type { ClientLogin } from "../command.ts";
import type { SyntaxVersion } from "../core/flags/flag.ts";
import { Problem, withMessage } from "../core/problem.ts";
import { clientUpdateCommandLine, listFieldAdditionCommandLine } from "./client-update-command-line.ts";

/** What is asked of a server in the name of a client. */
interface RequestAsClient {
  readonly login: Pick<ClientLogin, "clientId" | "authentication">;
  readonly syntax: SyntaxVersion;
  readonly grantType: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
}

/** The requested values that a text of a server quotes; all of them if it quotes none. */
function quotedValues(requested: readonly string[], text: string): readonly string[] {
  const quoted = requested.filter((value) => text.includes(`"${value}"`) || text.includes(`'${value}'`));
  return quoted.length === 0 ? requested : quoted;
}

/**
 * How to update the client so that it may do what the server refused; undefined if no setting of the client is known
 * to help.
 */
function findClientUpdateHint({ code, serverText = "" }: Problem, request: RequestAsClient): string | undefined {
  const { login, syntax, grantType, scopes, audience } = request;
  const client = { id: login.clientId, syntax };
  switch (code) {
    case "invalid-scope": {
      const forbidden = quotedValues(scopes, serverText);
      if (forbidden.length === 0) return undefined;
      return `ask for fewer scopes, or allow them for the client: ${listFieldAdditionCommandLine(client, "scope", ...forbidden)}`;
    }
    case "unauthorized-client":
      return `allow the grant type for the client: ${listFieldAdditionCommandLine(client, "grant_types", grantType)}`;
    case "unsupported-response-type":
      return `allow the response type for the client: ${listFieldAdditionCommandLine(client, "response_types", "code")}`;
    case "invalid-request":
      if (audience.length === 0 || !/\baudience\b/i.test(serverText)) return undefined;
      return `allow the audience for the client: ${listFieldAdditionCommandLine(client, "audience", ...quotedValues(audience, serverText))}`;
    case "invalid-grant":
      if (login.authentication.method !== "none" || grantType !== "client_credentials") return undefined;
      return `give the client a secret: ${clientUpdateCommandLine(client, "--token-endpoint-auth-method", "client_secret_basic")}`;
    default:
      return undefined;
  }
}

/** Does something as a client. If the client may not do it, the problem has the command line that allows it. */
export async function runWithClientUpdateHint<T>(request: RequestAsClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const hint = error instanceof Problem ? findClientUpdateHint(error, request) : undefined;
    throw error instanceof Problem && hint !== undefined ? withMessage(error, error.message, { hint }) : error;
  }
}

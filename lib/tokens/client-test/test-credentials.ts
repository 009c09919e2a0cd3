import type { ClientAuthentication } from "../../adapters/oauth/index.ts";
import type { ClientLogin, Context } from "../../command.ts";
import { LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET } from "../../core/flags/shared-flags.ts";
import { isJsonObject } from "../../core/json/json.ts";
import { keysOfSet } from "../../core/jwk/json-web-key.ts";
import { usageError } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import { clientUpdateCommandLine } from "../client-update-command-line.ts";
import type { InputProblemCollector } from "../input-problem-collector.ts";
import { readClientLogin } from "../read-credentials.ts";
import { CLIENT_AUTH_METHOD, CLIENT_KEY, CLIENT_SECRET_FILE, CREDENTIALS } from "../token-flags.ts";
import type { TestedClient } from "./tested-client.ts";

type CredentialContext = Parameters<typeof readClientLogin>[0] & Pick<Context, "host">;

/** Whether the secret in the environment belongs to this client: if an ID is set with it, it may belong to another one. */
function hasSecretForClient({ values, host }: CredentialContext, id: string): boolean {
  if (!values.isSet(LOGIN_CLIENT_SECRET)) return false;
  if (values.origin(LOGIN_CLIENT_SECRET).from === "flag") return true;
  const other = (host.environment(LOGIN_CLIENT_ID.env?.[0] ?? "") ?? "").trim();
  return other === "" || other === id;
}

/** Reads the credentials of the client to test; undefined if there are none. */
export async function readTestCredentials(
  context: CredentialContext,
  id: string,
  checks: InputProblemCollector,
): Promise<ClientLogin | undefined> {
  const { values } = context;
  const isGiven =
    [CLIENT_SECRET_FILE, CREDENTIALS, CLIENT_KEY].some((flag) => values.isSet(flag)) ||
    values.text(CLIENT_AUTH_METHOD) !== "auto" ||
    hasSecretForClient(context, id);
  if (!isGiven) return undefined;
  // The ID in a credentials file counts for more than this one, so that a file of another client is noticed.
  const named = { texts: [id], origin: { from: "default", name: "ID" } } as const;
  const login = await readClientLogin({ ...context, values: values.with([[LOGIN_CLIENT_ID.name, named]]) }, checks);
  if (login.clientId === id) return login;
  throw usageError(
    `The credentials are of client ${quote(login.clientId)}, not of client ${quote(id)}`,
    "give the file that --secret-out wrote for this client",
    "bad-credentials",
  );
}

/** The key with what the client is registered with, if the key itself doesn't say it. */
function withRegisteredAlgorithmAndKid(
  { registered }: TestedClient,
  authentication: Extract<ClientAuthentication, { readonly method: "private_key_jwt" }>,
): ClientAuthentication {
  const { key } = authentication;
  const algorithm = registered["token_endpoint_auth_signing_alg"];
  const keys = keysOfSet(registered["jwks"]).filter(isJsonObject);
  const [only, ...others] = keys;
  const kid = key.text.trimStart().startsWith("-----") && others.length === 0 ? only?.["kid"] : undefined;
  return {
    method: "private_key_jwt",
    key: {
      ...key,
      ...(typeof algorithm === "string" && algorithm !== "" ? { algorithm } : {}),
      ...(typeof kid === "string" ? { kid } : {}),
    },
  };
}

/** How the client authenticates in the test: with the method that it is registered with, unless the command line sets one. */
export function chooseAuthentication(
  client: TestedClient,
  login: ClientLogin | undefined,
): ClientAuthentication | undefined {
  const authentication = login?.authentication;
  if (login?.followsServer !== false && client.isPublic) return { method: "none" };
  if (login === undefined || authentication === undefined) return undefined;
  if (authentication.method === "private_key_jwt") {
    if (client.authMethod === "private_key_jwt" || !login.followsServer)
      return withRegisteredAlgorithmAndKid(client, authentication);
    throw mismatchedCredentialsProblem(
      client,
      "add --credentials FILE or --client-secret-file FILE instead of --client-key",
    );
  }
  if (!login.followsServer || !("secret" in authentication)) return authentication;
  const { authMethod: method } = client;
  if (method === "client_secret_basic" || method === "client_secret_post") return { ...authentication, method };
  const hint =
    method === "private_key_jwt"
      ? "add --client-key FILE instead of a secret"
      : `Hydra doesn't support it: ${clientUpdateCommandLine(client, "--token-endpoint-auth-method", "client_secret_basic")}`;
  throw mismatchedCredentialsProblem(client, hint);
}

function mismatchedCredentialsProblem({ id, authMethod }: TestedClient, hint: string): Error {
  return usageError(`Client ${quote(id)} is registered with ${authMethod}`, hint, "bad-credentials");
}

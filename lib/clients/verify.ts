import type { ClientProof, ProofEndpoints, Proven } from "../adapters/token-endpoint.ts";
import type { Context } from "../command.ts";
import { textField } from "../core/client/client.ts";
import { PUBLIC_URL, TOKEN_ENDPOINT, VERIFY } from "../core/flags/flag-table.ts";
import type { JsonObject } from "../core/json.ts";
import { capitalize, Problem, usageError } from "../core/problem.ts";
import { redactUrl } from "../core/redact.ts";
import { quote } from "../core/text.ts";

/** What is wrong with the wish to verify, told before anything is sent. */
export function verifyProblems(context: Context): readonly Problem[] {
  const { values } = context;
  if (!values.bool(VERIFY)) {
    // The variable of the second may be there for other commands.
    return [TOKEN_ENDPOINT, PUBLIC_URL]
      .filter((flag) => values.origin(flag).from === "flag")
      .map((flag) =>
        usageError(
          `${values.origin(flag).name} is for --verify alone`,
          "add --verify, or leave it out",
          "without-verify",
        ),
      );
  }
  const endpoint = values.text(TOKEN_ENDPOINT);
  if (endpoint !== undefined && !(URL.canParse(endpoint) && /^https?:/i.test(endpoint))) {
    return [
      usageError(
        `--token-endpoint ${quote(redactUrl(endpoint))} is not an address`,
        "write http://host:4444/oauth2/token or https://…",
        "bad-address",
      ),
    ];
  }
  const publicUrl = values.text(PUBLIC_URL);
  if (endpoint === undefined && publicUrl !== undefined && !(URL.canParse(publicUrl) && /^https?:/i.test(publicUrl))) {
    return [
      usageError(
        `${capitalize(values.origin(PUBLIC_URL).name)} ${quote(redactUrl(publicUrl))} is not an address`,
        "write http://host:4444 or https://host",
        "bad-address",
      ),
    ];
  }
  if (endpoint !== undefined || publicUrl !== undefined) return [];
  return [
    usageError(
      "--verify needs --public-url or --token-endpoint",
      "add --public-url with the server's public address, or --token-endpoint to verify by getting a token",
      "no-token-endpoint",
    ),
  ];
}

/** The endpoints to verify at, found before anything is changed; undefined without `--verify`. */
export async function verifyEndpoint(context: Context): Promise<ProofEndpoints | undefined> {
  const { values } = context;
  if (!values.bool(VERIFY)) return undefined;
  const token = values.text(TOKEN_ENDPOINT);
  if (token !== undefined) return { token, revocation: undefined };
  return context.tokens.discover(values.text(PUBLIC_URL) ?? "");
}

/** What a proof shows about a client. */
const PROVEN: Readonly<Record<Proven, (client: string) => string>> = {
  secret: (client) => `the revocation endpoint accepted the secret of client ${client} and refused a wrong one`,
  token: (client) => `client ${client} got a token`,
  accepted: (client) => `the token endpoint accepted the credentials of client ${client}`,
};

/** How a client with this secret authenticates: by the method that it is registered with. */
export function secretProof(client: JsonObject, secret: string): ClientProof {
  const post = textField(client, "token_endpoint_auth_method") === "client_secret_post";
  return { way: post ? "client_secret_post" : "client_secret_basic", secret };
}

/**
 * Proves new credentials at the server's public endpoints and tells how it went; a failure is told and gives false, because
 * the credentials must be delivered all the same.
 */
export async function verify(
  context: Context,
  endpoints: ProofEndpoints | undefined,
  clientId: string,
  proof: ClientProof | undefined,
): Promise<boolean> {
  if (endpoints === undefined || proof === undefined) return true;
  try {
    const proven = await context.tokens.prove(endpoints, clientId, proof);
    context.note(`Verified: ${PROVEN[proven](quote(clientId))}`);
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    context.fail(error);
    return false;
  }
}

import type { CredentialsProofKind, CredentialsToProve, ProofEndpoints } from "../../adapters/prove-credentials.ts";
import type { Context } from "../../command.ts";
import { getTextField, isPublic, usesSecret } from "../../core/client/client.ts";
import { readPublicUrlWithoutAdminPath } from "../../core/flags/connection.ts";
import { PUBLIC_URL } from "../../core/flags/connection-flags.ts";
import { VERIFY_CREDENTIALS, VERIFY_TOKEN_ENDPOINT } from "../../core/flags/credential-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { Problem, resultOrProblem, usageError, usageErrorIf } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import { endpointUrlProblems, publicUrlProblems } from "../../core/url-checks.ts";

/** The problems of the flags about verifying, found before anything is sent. */
export function verifyFlagProblems({ values }: Pick<Context, "values">): readonly Problem[] {
  if (!values.bool(VERIFY_CREDENTIALS)) {
    // The environment variable of --public-url may be set for other commands.
    return [VERIFY_TOKEN_ENDPOINT, PUBLIC_URL]
      .map((flag) => values.origin(flag))
      .filter(({ from }) => from === "flag")
      .map(({ name }) => usageError(`${name} requires --verify`, "add --verify, or leave it out", "without-verify"));
  }
  const endpoint = values.text(VERIFY_TOKEN_ENDPOINT);
  if (endpoint !== undefined) return endpointUrlProblems("--token-endpoint", endpoint);
  const publicUrl = values.text(PUBLIC_URL);
  if (publicUrl !== undefined) return publicUrlProblems(values.origin(PUBLIC_URL).name, publicUrl);
  return [
    usageError(
      "--verify needs --public-url or --token-endpoint",
      "add --public-url with the server's public URL, or --token-endpoint to verify by getting a token",
      "no-token-endpoint",
    ),
  ];
}

/** The problem of `--verify` for a client that authenticates with keys which this run doesn't generate. */
export function ownKeysVerifyProblems({ values }: Pick<Context, "values">, client: JsonObject): readonly Problem[] {
  return usageErrorIf(
    values.bool(VERIFY_CREDENTIALS) && !isPublic(client) && !usesSecret(client),
    "--verify cannot check a client that authenticates with its own keys",
    "leave it out, and check the client afterwards: hydra clients test ID --client-key FILE",
    "verify-own-keys",
  );
}

/** The endpoints to verify at, found before anything is changed; undefined without `--verify`. */
export async function discoverVerifyEndpoints({
  values,
  credentialVerifier,
  warn,
}: Pick<Context, "values" | "credentialVerifier" | "warn">): Promise<ProofEndpoints | undefined> {
  if (!values.bool(VERIFY_CREDENTIALS)) return undefined;
  const token = values.text(VERIFY_TOKEN_ENDPOINT);
  if (token !== undefined) return { token, revocation: undefined, origin: values.origin(VERIFY_TOKEN_ENDPOINT).name };
  const publicUrl = readPublicUrlWithoutAdminPath(values, warn) ?? "";
  return credentialVerifier.discoverServer(publicUrl, values.origin(PUBLIC_URL).name);
}

/** What a successful check shows about a client. */
const PROOF_TEXTS: Readonly<Record<CredentialsProofKind, (client: string) => string>> = {
  secret: (client) => `the revocation endpoint accepted the secret of client ${client} and rejected a wrong one`,
  token: (client) => `client ${client} got a token`,
  accepted: (client) => `the token endpoint accepted the credentials of client ${client}`,
};

/** How a client with this secret authenticates: by the method that it is registered with. */
export function secretWithAuthMethod(client: JsonObject, secret: string): CredentialsToProve {
  const post = getTextField(client, "token_endpoint_auth_method") === "client_secret_post";
  return { way: post ? "client_secret_post" : "client_secret_basic", secret };
}

/**
 * Checks new credentials at the server's public endpoints and reports the result. A failure returns false instead of
 * throwing, because the credentials must be delivered in any case.
 */
export async function tryVerifyCredentials(
  context: Pick<Context, "credentialVerifier" | "note" | "fail">,
  endpoints: ProofEndpoints | undefined,
  clientId: string,
  proof: CredentialsToProve | undefined,
): Promise<boolean> {
  if (endpoints === undefined || proof === undefined) return true;
  const problem = await verifyAndReturnProblem(context, endpoints, clientId, proof);
  if (problem !== undefined) context.fail(problem);
  return problem === undefined;
}

/**
 * Verifies like {@link tryVerifyCredentials}, but returns the failure as a problem that is not reported; undefined for
 * credentials that the server accepts.
 */
export async function verifyAndReturnProblem(
  { credentialVerifier, note }: Pick<Context, "credentialVerifier" | "note">,
  endpoints: ProofEndpoints,
  clientId: string,
  proof: CredentialsToProve,
): Promise<Problem | undefined> {
  const proven = await resultOrProblem(() => credentialVerifier.prove(endpoints, clientId, proof));
  if (proven instanceof Problem) return proven;
  note(`Verified: ${PROOF_TEXTS[proven](quote(clientId))}`);
  return undefined;
}

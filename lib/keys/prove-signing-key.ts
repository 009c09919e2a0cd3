import type { Context } from "../command.ts";
import { keyIdOfToken } from "../core/jwk/json-web-token.ts";
import { ACCESS_TOKEN_SET } from "./signing-state.ts";
import { TEMPORARY_REDIRECT_URI, withTemporaryClient } from "./temporary-client.ts";

export type SigningProofContext = Pick<Context, "admin" | "openFlows" | "host" | "warn" | "signal">;

/** A token of a fresh login, and the ID of the key that it names. */
export interface SignedLogin {
  readonly token: string;
  readonly kid: string;
}

/** Milliseconds that one request of a login may take: a proof may take longer than the rest of the command's time. */
const REQUEST_MS = 15_000;

/** Logs a user in as a client, with the login and the consent accepted over the admin API. */
async function logIn({ openFlows, signal }: SigningProofContext, publicUrl: string, clientId: string) {
  const flow = await openFlows(publicUrl);
  const limits = { timeLeft: () => REQUEST_MS, signal };
  const client = flow.connect(await flow.discover(limits), limits, clientId, { method: "none" });
  const pending = await client.beginAuthorization({ redirectUri: TEMPORARY_REDIRECT_URI, scopes: ["openid"] });
  const login = { url: pending.url, redirectUri: TEMPORARY_REDIRECT_URI, clientId, subject: "hydra-keys-rotate" };
  const { redirected } = await flow.login(limits, login);
  // Checks the signature of the ID token with the keys that the server publishes.
  return client.exchangeCode(pending, redirected);
}

/**
 * Logs in with a temporary client, which is deleted afterwards: which key signs the tokens of a set?
 * Undefined if the server has no JSON Web Token for the set, such as with opaque access tokens.
 *
 * @throws {Problem} if the login fails.
 */
export async function logInAndGetSigner(
  context: SigningProofContext,
  publicUrl: string,
  set: string,
): Promise<SignedLogin | undefined> {
  return withTemporaryClient(context, async (clientId) => {
    const { idToken = "", accessToken } = await logIn(context, publicUrl, clientId);
    const token = set === ACCESS_TOKEN_SET ? accessToken : idToken;
    const kid = keyIdOfToken(token);
    return kid === undefined ? undefined : { token, kid };
  });
}

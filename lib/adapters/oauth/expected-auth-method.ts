import { Problem } from "../../core/problem.ts";
import type { ClientAuthentication } from "./authentication.ts";
import { ExpectedAuthMethodError } from "./oauth-problems.ts";

/** The other way to send a secret, if that is what the server asks for. */
function otherMethod(authentication: ClientAuthentication, error: unknown): ClientAuthentication | undefined {
  if (!(error instanceof Problem && error.cause instanceof ExpectedAuthMethodError) || !("secret" in authentication))
    return undefined;
  const { method } = error.cause;
  if (method !== "client_secret_basic" && method !== "client_secret_post") return undefined;
  return method === authentication.method ? undefined : { method, secret: authentication.secret };
}

/**
 * Does something with a client's secret, and once more if the server says that it expects the other method for it. The
 * problem is then that of the expected method, unless the server asks for yet another one.
 */
export async function retryWithExpectedAuthMethod<T>(
  authentication: ClientAuthentication,
  attempt: (authentication: ClientAuthentication) => Promise<T>,
): Promise<T> {
  try {
    return await attempt(authentication);
  } catch (first) {
    const other = otherMethod(authentication, first);
    if (other === undefined) throw first;
    return attempt(other).catch((second: unknown) => {
      throw second instanceof Problem && second.cause instanceof ExpectedAuthMethodError ? first : second;
    });
  }
}

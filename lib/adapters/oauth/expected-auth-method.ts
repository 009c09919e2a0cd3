import { Problem, withMessage } from "../../core/problem.ts";
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
 * Names the other method for a secret in the problem of a server that rejects credentials without a reason, as all do at
 * the revocation endpoint. Anything else is returned unchanged.
 */
export function withOtherSecretMethod({ method }: Pick<ClientAuthentication, "method">, error: unknown): unknown {
  const isSecret = method === "client_secret_basic" || method === "client_secret_post";
  if (!isSecret || !(error instanceof Problem) || error.code !== "invalid-client") return error;
  const other = method === "client_secret_basic" ? "client_secret_post" : "client_secret_basic";
  return withMessage(error, error.message, { cause: error.cause ?? new ExpectedAuthMethodError(other) });
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

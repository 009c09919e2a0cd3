import { Problem, withMessage } from "../../core/problem.ts";
import type { ClientAuthentication } from "./authentication.ts";
import { ServerExpectsAlgorithmError, ServerExpectsAuthMethodError } from "./oauth-problems.ts";

/** The other way to send a secret or to sign with a key, if that is what the server asks for. */
function findExpectedAuthentication(
  authentication: ClientAuthentication,
  error: unknown,
): ClientAuthentication | undefined {
  const expected = error instanceof Problem ? error.cause : undefined;
  if (authentication.method === "private_key_jwt" && expected instanceof ServerExpectsAlgorithmError)
    return { ...authentication, key: { ...authentication.key, algorithm: expected.algorithm } };
  if (!(expected instanceof ServerExpectsAuthMethodError) || !("secret" in authentication)) return undefined;
  const { method } = expected;
  if (method !== "client_secret_basic" && method !== "client_secret_post") return undefined;
  return method === authentication.method ? undefined : { method, secret: authentication.secret };
}

/** The other way for a server that doesn't name it: a key in PEM doesn't say for which RSA algorithm it is. */
const OTHERS: Readonly<Record<ClientAuthentication["method"], Error | undefined>> = {
  client_secret_basic: new ServerExpectsAuthMethodError("client_secret_post"),
  client_secret_post: new ServerExpectsAuthMethodError("client_secret_basic"),
  private_key_jwt: new ServerExpectsAlgorithmError("PS256"),
  none: undefined,
};

/**
 * Names the other way to authenticate in the problem of a server that rejects credentials without a reason, as all do at
 * the revocation endpoint. Anything else is returned unchanged.
 */
export function withGuessedAuthMethod({ method }: Pick<ClientAuthentication, "method">, error: unknown): unknown {
  if (!(error instanceof Problem) || error.code !== "invalid-client") return error;
  return withMessage(error, error.message, { cause: error.cause ?? OTHERS[method] });
}

/** Whether the first of two problems says more: the second way was only a guess, or doesn't work for the client either. */
function isFirstMoreInformative({ cause: expected }: Problem, second: unknown): boolean {
  if (!(second instanceof Problem) || second.code === "interrupted") return false;
  const { cause, exit } = second;
  const isGuess = Object.values(OTHERS).some((other) => other === expected);
  return (
    isGuess ||
    cause instanceof ServerExpectsAuthMethodError ||
    cause instanceof ServerExpectsAlgorithmError ||
    exit === "usage"
  );
}

/**
 * Does something with a client's credentials, and once more if the server says that it expects the other method for a
 * secret, or another algorithm for a key. The problem is then that of the second attempt, unless the first one says more.
 */
export async function retryWithExpectedAuthMethod<T>(
  authentication: ClientAuthentication,
  attempt: (authentication: ClientAuthentication) => Promise<T>,
): Promise<T> {
  try {
    return await attempt(authentication);
  } catch (first) {
    const other = findExpectedAuthentication(authentication, first);
    if (other === undefined || !(first instanceof Problem)) throw first;
    return attempt(other).catch((second: unknown) => {
      throw isFirstMoreInformative(first, second) ? first : second;
    });
  }
}

import { Problem } from "../../core/problem.ts";
import type { PendingAuthorization } from "./authorization.ts";
import { type AuthorizationServer, requireEndpoint } from "./discovery.ts";
import { oauthProblem } from "./oauth-problems.ts";
import { generateRandomNonce, generateRandomState } from "./oauth4webapi.ts";

/** What is asked for in an implicit flow (RFC 6749, 4.2; OpenID Connect Core, 3.2). */
interface ImplicitRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  /** `token`, `id_token` or both. */
  readonly responseType: string;
  readonly scopes: readonly string[];
}

/** An implicit flow that has begun. */
type PendingImplicitFlow = Pick<PendingAuthorization, "url" | "state" | "nonce">;
/** What came in the fragment of the redirect; nothing of it is verified but its state. */
interface ImplicitAnswer {
  readonly accessToken: string | undefined;
  readonly idToken: string | undefined;
  /** Seconds. */
  readonly expiresIn: number | undefined;
}

const ACTION = "Login failed";

/** Prepares an implicit flow: the URL for the browser, with state and nonce. */
export function beginImplicitFlow(server: AuthorizationServer, request: ImplicitRequest): PendingImplicitFlow {
  const url = new URL(requireEndpoint(server, "authorization_endpoint", ACTION));
  const [state, nonce] = [generateRandomState(), generateRandomNonce()];
  const parameters = {
    client_id: request.clientId,
    response_type: request.responseType,
    redirect_uri: request.redirectUri,
    ...(request.scopes.length === 0 ? {} : { scope: request.scopes.join(" ") }),
    state,
    nonce,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, state, nonce };
}

/** Reads the answer in the fragment of a redirect to the client. */
export function readUnverifiedImplicitAnswer(
  { state, nonce }: PendingImplicitFlow,
  redirected: string,
): ImplicitAnswer {
  const { hash, search } = new URL(redirected);
  const answer = new URLSearchParams(hash === "" ? search : hash.slice(1));
  const states = answer.getAll("state");
  if (states.length !== 1 || states[0] !== state) {
    throw new Problem(`${ACTION}: the state doesn't match, so the answer belongs to another login`, {
      code: "state-mismatch",
      hint: "check that nothing in front of the server changes its redirects",
    });
  }
  const error = answer.get("error");
  if (error !== null) {
    const description = answer.get("error_description") ?? undefined;
    throw oauthProblem({ action: ACTION, hidden: [state, nonce] }, { error, description });
  }
  const expiresIn = answer.get("expires_in");
  return {
    accessToken: answer.get("access_token") ?? undefined,
    idToken: answer.get("id_token") ?? undefined,
    expiresIn: expiresIn === null || !/^\d{1,10}$/.test(expiresIn) ? undefined : Number(expiresIn),
  };
}

import { stringListMemberOrEmpty } from "../json-members.ts";
import type { Answer } from "../response.ts";
import { errorPageRedirectAnswer } from "./authorize.ts";
import { versionedError } from "./oauth-answers.ts";
import { issuerOf, type PublicContext } from "./public-context.ts";
import { parseFormBody, type RequestWithHeaders, redirectAnswer, splitTarget } from "./requests-and-pages.ts";

const REDIRECT_PARAMETER = "post_logout_redirect_uri";

/** The page that a browser without another place to go ends at. */
const DONE = "/oauth2/fallbacks/logout/callback";

/** The client that an ID token was issued to, even if it has expired; undefined if the sandbox didn't issue it. */
function findClientOfIdTokenHint(engine: PublicContext, hint: string): ReturnType<PublicContext["client"]> {
  const claims = engine.keys.verify("id-token", hint);
  if (claims === undefined || claims["iss"] !== issuerOf(engine)) return undefined;
  const { aud } = claims;
  return engine.client(String(Array.isArray(aud) ? aud[0] : aud));
}

/** Why a request with a place to go to is wrong, or undefined. */
function findLogoutRequestFault(engine: PublicContext, hint: string, uri: string): string | undefined {
  const end = engine.behaviour.errors === "verbose" ? "" : ".";
  const failed = `Logout failed because query parameter ${REDIRECT_PARAMETER} is`;
  if (hint === "") return uri === "" ? undefined : `${failed} set but id_token_hint is missing${end}`;
  const client = findClientOfIdTokenHint(engine, hint);
  if (client === undefined) return "The id_token_hint is not an ID token of this server";
  if (uri === "" || stringListMemberOrEmpty(client.view, "post_logout_redirect_uris").includes(uri)) return undefined;
  // The servers' own words.
  return `${failed} not a whitelisted as a ${REDIRECT_PARAMETER} for the client${end}`;
}

/** A registered URL, as it was registered, with a state; not everything that is registered is a URL for a browser. */
function withState(uri: string, state: string): string {
  return state === "" ? uri : `${uri}${uri.includes("?") ? "&" : "?"}${new URLSearchParams({ state })}`;
}

/**
 * The end session endpoint (OpenID Connect RP-Initiated Logout 1.0). The sandbox remembers no login, so that there is no
 * session to end, and nobody is asked.
 */
export function createLogoutEndpoint(engine: PublicContext): (request: RequestWithHeaders) => Answer {
  return (request) => {
    const params = request.method === "POST" ? parseFormBody(request) : splitTarget(request.target).query;
    const uri = params.get(REDIRECT_PARAMETER) ?? "";
    const rejection = findLogoutRequestFault(engine, params.get("id_token_hint") ?? "", uri);
    if (rejection !== undefined)
      return errorPageRedirectAnswer(engine, versionedError(engine, "invalid_request", rejection).details);
    if (uri === "") return redirectAnswer(`${engine.publicUrl()}${DONE}`);
    return redirectAnswer(withState(uri, params.get("state") ?? ""));
  };
}

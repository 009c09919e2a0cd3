import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../core/json/json.ts";
import { errorMembers } from "../api-errors.ts";
import { stringMemberOrEmpty, withSortedMembers } from "../json-members.ts";
import { type Answer, jsonAnswer } from "../response.ts";
import { claimsAboutUser } from "./issue-tokens.ts";
import { versionedError } from "./oauth-answers.ts";
import type { PublicContext } from "./public-context.ts";
import { parseFormBody, type RequestWithHeaders } from "./requests-and-pages.ts";
import type { Grant } from "./token-store.ts";

const HINT = "Check that you provided valid credentials in the right format.";

/** The answer to a request without a valid access token (RFC 6750, 3). */
function unauthorizedAnswer(engine: PublicContext): Answer {
  const refusal = { ...versionedError(engine, "request_unauthorized", HINT).details, debug: ": not_found" };
  const { error, description } = refusal;
  const challenge =
    engine.behaviour.errors === "verbose"
      ? `error=${error},error_description=${description},error_hint=${HINT}`
      : `Bearer error="${error}",error_description="${description} ${HINT}"`;
  const headers = { "content-type": "application/json", "www-authenticate": challenge };
  return { status: 401, headers, body: `${JSON.stringify(errorMembers(engine.behaviour, refusal))}\n` };
}

/** The claims of a userinfo answer. */
function userinfoClaims(engine: PublicContext, grant: Grant): JsonObject {
  if (engine.traits.userinfo === "full") return claimsAboutUser(engine, grant);
  const { user } = grant;
  if (user === undefined) return { sub: "" };
  return { ...user.idTokenClaims, sid: user.sessionId, sub: grant.subject };
}

/** The userinfo endpoint (OpenID Connect Core, 5.3). */
export function createUserinfoEndpoint(engine: PublicContext): (request: RequestWithHeaders) => Answer {
  return (request) => {
    const bearer = /^bearer +(\S+)$/i.exec(request.authorization)?.[1];
    const token = engine.tokens.active(bearer ?? parseFormBody(request).get("access_token") ?? "");
    if (token === undefined || token.use !== "access_token") return unauthorizedAnswer(engine);
    const { grant } = token;
    const claims = userinfoClaims(engine, grant);
    const client = engine.client(grant.clientId);
    if (client === undefined || stringMemberOrEmpty(client.view, "userinfo_signed_response_alg") !== "RS256")
      return jsonAnswer(200, withSortedMembers(claims));
    const body = engine.keys.sign("id-token", { ...claimsAboutUser(engine, grant), ...claims, jti: randomUUID() });
    return { status: 200, headers: { "content-type": "application/jwt" }, body };
  };
}

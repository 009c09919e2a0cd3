import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../core/json/json.ts";
import type { StoredClient } from "../client-store.ts";
import { stringMemberOrEmpty } from "../json-members.ts";
import { allowsGrant, type LifespanGrantName, lifespanSecondsOf } from "./client-settings.ts";
import { issuerOf, type PublicContext } from "./public-context.ts";
import { tokenOrCodeHash } from "./signing.ts";
import { type Grant, randomTokenWithPrefix, type TokenUse } from "./token-store.ts";

/** Scopes that ask for a refresh token. */
const OFFLINE = ["offline", "offline_access"];

/** The client and the grant that tokens are issued for, and how it got the grant. */
interface TokenIssueInput {
  readonly client: StoredClient;
  readonly grant: Grant;
  readonly by: LifespanGrantName;
}

const PREFIXES: Readonly<Record<TokenUse | "code", string>> = {
  access_token: "ory_at_",
  refresh_token: "ory_rt_",
  code: "ory_ac_",
};

/** A new opaque token of a kind, with the prefix of the version. */
export function newOpaqueToken({ traits }: PublicContext, kind: TokenUse | "code"): string {
  return randomTokenWithPrefix(traits.tokenPrefixes ? PREFIXES[kind] : "");
}

/** An access token, opaque or a JSON Web Token (RFC 9068 in the form that Hydra has), and its remaining seconds. */
export function issueAccessToken(
  engine: PublicContext,
  { client, grant, by }: TokenIssueInput,
): { value: string; expiresIn: number } {
  const issuedAt = engine.now();
  const expiresIn = lifespanSecondsOf(client, by, "access");
  const expiresAt = issuedAt + expiresIn;
  const isJwt = engine.traits.jwtAccessTokens && stringMemberOrEmpty(client.view, "access_token_strategy") === "jwt";
  const value = isJwt
    ? engine.keys.sign(
        "access-token",
        {
          aud: grant.audience,
          client_id: client.id,
          exp: Math.floor(expiresAt),
          ext: grant.user?.accessTokenClaims ?? {},
          iat: Math.floor(issuedAt),
          iss: issuerOf(engine),
          jti: randomUUID(),
          nbf: Math.floor(issuedAt),
          scp: grant.scopes,
          sub: grant.subject,
        },
        grant.id,
      )
    : newOpaqueToken(engine, "access_token");
  engine.tokens.add({ value, use: "access_token", grant, issuedAt, expiresAt });
  return { value, expiresIn: Math.floor(expiresIn) };
}

function issueRefreshToken(engine: PublicContext, { client, grant, by }: TokenIssueInput): string {
  const value = newOpaqueToken(engine, "refresh_token");
  const issuedAt = engine.now();
  const expiresAt = issuedAt + lifespanSecondsOf(client, by, "refresh");
  engine.tokens.add({ value, use: "refresh_token", grant, issuedAt, expiresAt });
  return value;
}

/** The claims about the user that an ID token and userinfo share. */
export function claimsAboutUser(engine: PublicContext, { clientId, subject, user }: Grant): JsonObject {
  return {
    ...user?.idTokenClaims,
    aud: [clientId],
    ...(user === undefined
      ? {}
      : { auth_time: user.authenticatedAt, rat: user.requestedAt, ...(user.acr === "" ? {} : { acr: user.acr }) }),
    iat: Math.floor(engine.now()),
    iss: issuerOf(engine),
    ...(user === undefined ? {} : { sub: subject }),
  };
}

/** What an ID token is bound to. */
interface IdTokenBindings {
  readonly accessToken?: string;
  readonly code?: string;
  readonly nonce: string;
}

/** A signed ID token (OpenID Connect Core, 2). */
export function issueIdToken(
  engine: PublicContext,
  { client, grant, by }: TokenIssueInput,
  bound: IdTokenBindings,
): string {
  return engine.keys.sign(
    "id-token",
    {
      ...claimsAboutUser(engine, grant),
      exp: Math.floor(engine.now() + lifespanSecondsOf(client, by, "id")),
      jti: randomUUID(),
      nonce: bound.nonce === "" && engine.traits.refreshKeepsNonce ? undefined : bound.nonce,
      at_hash: bound.accessToken && tokenOrCodeHash(bound.accessToken),
      c_hash: bound.code && tokenOrCodeHash(bound.code),
      sid: grant.user?.sessionId ?? "",
    },
    grant.id,
  );
}

/** Whether a grant comes with a refresh token. */
function needsRefreshToken({ client, grant, by }: TokenIssueInput): boolean {
  if (by === "refresh_token") return true;
  return grant.scopes.some((scope) => OFFLINE.includes(scope)) && allowsGrant(client, "refresh_token");
}

/** The tokens that a grant is answered with at the token endpoint, in the order of the servers. */
export function issueTokens(engine: PublicContext, issue: TokenIssueInput): JsonObject {
  const { grant, by } = issue;
  const { value, expiresIn } = issueAccessToken(engine, issue);
  const isOpenId = grant.user !== undefined && grant.scopes.includes("openid");
  const nonce = by !== "refresh_token" || engine.traits.refreshKeepsNonce ? (grant.user?.nonce ?? "") : "";
  return {
    access_token: value,
    expires_in: expiresIn,
    ...(isOpenId ? { id_token: issueIdToken(engine, issue, { accessToken: value, nonce }) } : {}),
    ...(grant.user !== undefined && needsRefreshToken(issue)
      ? { refresh_token: issueRefreshToken(engine, issue) }
      : {}),
    scope: grant.scopes.join(" "),
    token_type: "bearer",
  };
}

import { randomBytes } from "node:crypto";
import type { JsonObject } from "../../core/json/json.ts";
import { ExpiringMap } from "./expiring-map.ts";

/** What the user or the client was granted: everything that its tokens carry. */
export interface Grant {
  readonly id: string;
  readonly clientId: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  /** Undefined if no user was involved. */
  readonly user: GrantUser | undefined;
}

/** The part of a grant that comes from the login and consent application. */
interface GrantUser {
  readonly sessionId: string;
  readonly nonce: string;
  readonly acr: string;
  /** Seconds since 1970. */
  readonly authenticatedAt: number;
  readonly requestedAt: number;
  readonly accessTokenClaims: JsonObject;
  readonly idTokenClaims: JsonObject;
}

export type TokenUse = "access_token" | "refresh_token";

export interface Token {
  readonly value: string;
  readonly use: TokenUse;
  readonly grant: Grant;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** An authorization code with what it will be exchanged for. */
export interface AuthorizationCode {
  readonly grant: Grant;
  readonly redirectUri: string;
  /** Whether the authorization request had the redirect URI in it, so that the exchange must repeat it. */
  readonly redirectUriRequested: boolean;
  /** The code challenge, of the method S256; empty without one. */
  readonly challenge: string;
  readonly expiresAt: number;
}

/** An opaque token: a random part, and another one in place of a signature. */
export function randomTokenWithPrefix(prefix: string): string {
  return `${prefix}${randomBytes(32).toString("base64url")}.${randomBytes(32).toString("base64url")}`;
}

/** Values by a key that several of them share. */
class ValuesByKey {
  readonly #values = new Map<string, Set<string>>();

  add(key: string, value: string): void {
    const values = this.#values.get(key) ?? new Set();
    this.#values.set(key, values.add(value));
  }

  remove(key: string, value: string): void {
    const values = this.#values.get(key);
    values?.delete(value);
    if (values?.size === 0) this.#values.delete(key);
  }

  of(key: string): readonly string[] {
    return [...(this.#values.get(key) ?? [])];
  }
}

/** How many tokens are kept, of all clients. */
const TOKEN_LIMIT = 100_000;

/** The tokens and codes of a sandbox. */
export type TokenStore = ReturnType<typeof createTokenStore>;

/** Creates an empty store; `now` is in seconds since 1970. */
export function createTokenStore(now: () => number) {
  const byGrant = new ValuesByKey();
  const byClient = new ValuesByKey();
  const tokens = new ExpiringMap<Token>({
    now,
    limit: TOKEN_LIMIT,
    onGone: ({ value, grant }) => {
      byGrant.remove(grant.id, value);
      byClient.remove(grant.clientId, value);
    },
  });
  const usedRefreshTokens = new ExpiringMap<Grant>({ now });
  const codes = new ExpiringMap<AuthorizationCode>({ now });
  const usedCodes = new ExpiringMap<Grant>({ now });

  return {
    add: (token: Token): void => {
      const { value, grant, expiresAt } = token;
      tokens.set(value, token, expiresAt);
      byGrant.add(grant.id, value);
      byClient.add(grant.clientId, value);
    },
    /** A token that is neither revoked nor expired. */
    active: (value: string): Token | undefined => {
      const token = tokens.get(value);
      return token !== undefined && token.expiresAt > now() ? token : undefined;
    },
    /** The grant of a refresh token that was exchanged or revoked before. */
    usedRefresh: (value: string): Grant | undefined => usedRefreshTokens.get(value),
    /** Ends all tokens of a grant; its refresh tokens are remembered, because using one again is an attack. */
    endGrant: (id: string): void => {
      for (const value of byGrant.of(id)) {
        const token = tokens.get(value);
        if (token?.use === "refresh_token") usedRefreshTokens.set(value, token.grant, token.expiresAt);
        tokens.delete(value);
      }
    },
    /** Ends the access tokens of a client; its refresh tokens go on. */
    endAccessTokens: (clientId: string): void => {
      for (const value of byClient.of(clientId)) if (tokens.get(value)?.use === "access_token") tokens.delete(value);
    },
    /** Forgets everything of a client that was deleted. */
    forgetClient: (clientId: string): void => {
      for (const value of byClient.of(clientId)) tokens.delete(value);
      codes.deleteWhere(({ grant }) => grant.clientId === clientId);
      for (const used of [usedRefreshTokens, usedCodes]) used.deleteWhere((grant) => grant.clientId === clientId);
    },
    addCode: (value: string, code: AuthorizationCode): void => codes.set(value, code, code.expiresAt),
    code: (value: string): AuthorizationCode | undefined => codes.get(value),
    /** Marks a code as used. */
    useCode: (value: string): void => {
      const code = codes.get(value);
      if (code === undefined) return;
      codes.delete(value);
      usedCodes.set(value, code.grant, code.expiresAt);
    },
    /** The grant of a code that was used before. */
    usedCode: (value: string): Grant | undefined => usedCodes.get(value),
  };
}

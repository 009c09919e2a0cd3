import { randomBytes } from "node:crypto";
import type { JsonObject } from "../../core/json.ts";

/** What the user or the client was granted: everything that its tokens carry. */
export interface Grant {
  readonly id: string;
  readonly clientId: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  /** Undefined where no user was involved. */
  readonly user: UserSession | undefined;
}

/** The part of a grant that comes from the login and consent application. */
export interface UserSession {
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

/** The tokens and codes of a sandbox. */
export interface TokenStore {
  readonly add: (token: Token) => void;
  /** A token that is neither revoked nor expired. */
  readonly active: (value: string, now: number) => Token | undefined;
  /** The grant of a refresh token that was exchanged or revoked before. */
  readonly usedRefresh: (value: string) => Grant | undefined;
  /** Ends all tokens of a grant; its refresh tokens are remembered, because using one again is an attack. */
  readonly endGrant: (id: string) => void;
  readonly endClient: (clientId: string) => void;
  readonly removeExpired: (before: number) => void;
  readonly addCode: (value: string, code: AuthorizationCode) => void;
  readonly code: (value: string) => AuthorizationCode | undefined;
  /** Marks a code as used. */
  readonly useCode: (value: string) => void;
  /** The grant of a code that was used before. */
  readonly usedCode: (value: string) => Grant | undefined;
}

/** An opaque token: a random part, and another one in place of a signature. */
export function randomTokenWithPrefix(prefix: string): string {
  return `${prefix}${randomBytes(32).toString("base64url")}.${randomBytes(32).toString("base64url")}`;
}

/** Creates an empty store. */
export function createTokenStore(): TokenStore {
  const tokens = new Map<string, Token>();
  const used = new Map<string, Grant>();
  const codes = new Map<string, AuthorizationCode>();
  const usedCodes = new Map<string, Grant>();

  function remove(matches: (token: Token) => boolean): void {
    for (const [value, token] of tokens) if (matches(token)) tokens.delete(value);
  }

  return {
    add: (token) => {
      tokens.set(token.value, token);
    },
    active: (value, now) => {
      const token = tokens.get(value);
      return token !== undefined && token.expiresAt > now ? token : undefined;
    },
    usedRefresh: (value) => used.get(value),
    endGrant: (id) => {
      for (const { value, use, grant } of tokens.values()) {
        if (use === "refresh_token" && grant.id === id) used.set(value, grant);
      }
      remove(({ grant }) => grant.id === id);
    },
    endClient: (clientId) => remove(({ grant }) => grant.clientId === clientId),
    removeExpired: (before) => remove(({ expiresAt }) => expiresAt <= before),
    addCode: (value, code) => {
      codes.set(value, code);
    },
    code: (value) => codes.get(value),
    useCode: (value) => {
      const code = codes.get(value);
      if (code === undefined) return;
      codes.delete(value);
      usedCodes.set(value, code.grant);
    },
    usedCode: (value) => usedCodes.get(value),
  };
}

export { type AdminTokens, createAdminTokens } from "./admin-tokens.ts";

export type { ClientAuthentication } from "./authentication.ts";

export { type AuthorizationServer, discover, withEndpoints } from "./discovery.ts";

export { withExpectedMethod } from "./expected-method.ts";

export { createOAuthClient, type OAuthClient } from "./oauth-client.ts";

export type { Tokens } from "./token-requests.ts";

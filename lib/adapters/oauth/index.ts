export { type AdminTokens, type AdminTokensOptions, createAdminTokens, type Introspection } from "./admin-tokens.ts";

export type { ClientAuthentication, ClientKey } from "./authentication.ts";

export type { AuthorizationRequest, PendingAuthorization } from "./authorization.ts";
export type { PendingDevice, Polled, PollOptions } from "./device-flow.ts";
export {
  type AuthorizationServer,
  type DiscoveryOptions,
  discover,
  type EndpointName,
  withEndpoints,
} from "./discovery.ts";
export { type Driven, type DriverOptions, driveLogin } from "./driver.ts";
export { createOAuthClient, type OAuthClient } from "./oauth-client.ts";

export type { OAuthClientOptions, TokenRequest, Tokens } from "./token-requests.ts";

export { type AdminTokenEndpoints, createAdminTokenEndpoints } from "./admin-token-endpoints.ts";
export type { ClientAuthentication } from "./authentication.ts";
export type { PendingAuthorization } from "./authorization.ts";
export type { PendingDeviceFlow } from "./device-flow.ts";
export {
  type AuthorizationServer,
  discoverServer,
  overrideEndpoints,
} from "./discovery.ts";
export { retryWithExpectedAuthMethod } from "./expected-auth-method.ts";
export {
  createFlowDriver,
  type FlowDriver,
  type RequestTimeLimits,
} from "./flow-driver.ts";
export { createOAuthClient, type OAuthClient } from "./oauth-client.ts";
export { createRetryingHttp } from "./retrying-http.ts";
export { createSecretRecorder } from "./secret-recorder.ts";

export type { TokenSet } from "./token-requests.ts";

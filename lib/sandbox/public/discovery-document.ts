import { DEVICE_GRANT } from "../../core/client/fields.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { issuerOf, type PublicContext } from "./public-context.ts";

/** The discovery document (OpenID Connect Discovery, 3), its members in the order of the servers. */
export function discoveryDocument(engine: PublicContext): JsonObject {
  const { traits } = engine;
  const alg = engine.keys.idTokenAlgorithm();
  const at = (path: string): string => `${engine.publicUrl()}${path}`;
  const { id_token_signed_response_alg, userinfo_signed_response_alg: _, ...later } = traits.discovery;
  const signed = { id_token_signed_response_alg: [alg], userinfo_signed_response_alg: [alg] };
  return {
    issuer: issuerOf(engine),
    authorization_endpoint: at("/oauth2/auth"),
    ...(traits.device ? { device_authorization_endpoint: at("/oauth2/device/auth") } : {}),
    token_endpoint: at("/oauth2/token"),
    jwks_uri: at("/.well-known/jwks.json"),
    subject_types_supported: ["public"],
    response_types_supported: ["code", "code id_token", "id_token", "token id_token", "token", "token id_token code"],
    claims_supported: ["sub"],
    grant_types_supported: [
      "authorization_code",
      "implicit",
      "client_credentials",
      "refresh_token",
      ...(traits.device ? [DEVICE_GRANT] : []),
    ],
    response_modes_supported: traits.responseModes,
    userinfo_endpoint: at("/userinfo"),
    scopes_supported: ["offline_access", "offline", "openid"],
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic", "private_key_jwt", "none"],
    userinfo_signing_alg_values_supported: ["none", alg],
    id_token_signing_alg_values_supported: [alg],
    ...(id_token_signed_response_alg === undefined ? {} : signed),
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    require_request_uri_registration: true,
    claims_parameter_supported: false,
    revocation_endpoint: at("/oauth2/revoke"),
    backchannel_logout_supported: false,
    backchannel_logout_session_supported: false,
    frontchannel_logout_supported: false,
    frontchannel_logout_session_supported: false,
    end_session_endpoint: at("/oauth2/sessions/logout"),
    ...later,
  };
}

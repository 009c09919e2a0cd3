import { suggestWord } from "../text.ts";
import { FIELD_NAMES } from "./fields.ts";

/** What a key of a client in a file is. */
type FieldNameClass =
  /** A field of a client. */
  | { readonly kind: "field" }
  /** A registered name that Hydra has no field for. */
  | { readonly kind: "registered" }
  /** A field, spelled wrongly. */
  | { readonly kind: "misspelled"; readonly field: string }
  /** A name that other programs use; the hint says what to write instead. */
  | { readonly kind: "wrong-name"; readonly hint: string }
  /** Nothing that is known or near. */
  | { readonly kind: "unknown" };

/**
 * The names of the IANA registry "OAuth Dynamic Client Registration Metadata" that are not fields of Hydra, and those of
 * OpenID Connect Relying Party Metadata Choices. They are right names, however near one is to a field.
 */
const REGISTERED: ReadonlySet<string> = new Set([
  ...registeredAlgorithmNames(),
  // RFC 7591
  "client_id_issued_at",
  "software_id",
  "software_statement",
  "software_version",
  // OpenID Connect Dynamic Client Registration
  "application_type",
  "default_acr_values",
  "default_max_age",
  "initiate_login_uri",
  "request_object_encryption_alg",
  "request_object_encryption_enc",
  "require_auth_time",
  "response_modes",
  // UMA 2.0
  "claims_redirect_uris",
  // RFC 8705, mutual TLS
  "tls_client_auth_san_dns",
  "tls_client_auth_san_email",
  "tls_client_auth_san_ip",
  "tls_client_auth_san_uri",
  "tls_client_auth_subject_dn",
  "tls_client_certificate_bound_access_tokens",
  "use_mtls_endpoint_aliases",
  // RFC 9101, 9126, 9396 and 9449
  "authorization_details_types",
  "dpop_bound_access_tokens",
  "require_pushed_authorization_requests",
  "require_signed_request_object",
  // CIBA
  "backchannel_authentication_request_signing_alg",
  "backchannel_client_notification_endpoint",
  "backchannel_token_delivery_mode",
  "backchannel_user_code_parameter",
  // OpenID Federation and OpenID for Verifiable Presentations
  "client_registration_types",
  "description",
  "display_name",
  "encrypted_response_enc_values_supported",
  "information_uri",
  "keywords",
  "organization_name",
  "organization_uri",
  "signed_jwks_uri",
  "vp_formats",
  "vp_formats_supported",
  // OpenID Connect Relying Party Metadata Choices
  "acr_values_supported",
  "backchannel_authentication_request_signing_alg_values_supported",
  "subject_types_supported",
  "token_endpoint_auth_methods_supported",
  "token_endpoint_auth_signing_alg_values_supported",
]);

/** The names of the algorithms of what servers sign and encrypt, without the one that is a field of Hydra. */
function registeredAlgorithmNames(): readonly string[] {
  const answers = ["id_token", "userinfo", "introspection", "authorization", "nfv_token"];
  const choices = ["id_token", "userinfo", "introspection", "authorization", "request_object"];
  return [
    ...answers.flatMap((name) =>
      ["encrypted_response_alg", "encrypted_response_enc", "signed_response_alg"].map((end) => `${name}_${end}`),
    ),
    ...choices.flatMap((name) =>
      ["encryption_alg", "encryption_enc", "signing_alg"].map((end) => `${name}_${end}_values_supported`),
    ),
  ].filter((name) => !FIELD_NAMES.includes(name));
}
/** Names that people and other programs use for a field, in the form of {@link snakeCase}. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  client_id: ["id", "app_id", "application_id", "client_identifier"],
  client_name: ["name", "app_name", "application_name"],
  client_secret: ["secret", "app_secret", "application_secret", "client_password"],
  scope: [
    "scopes",
    "scope_array",
    "allowed_scope",
    "allowed_scopes",
    "client_scopes",
    "default_scopes",
    "granted_scope",
    "granted_scopes",
    "requested_scopes",
    "optional_scopes",
  ],
  redirect_uris: [
    "redirect",
    "redirects",
    "redirect_url",
    "redirect_urls",
    "redirection_uri",
    "redirection_uris",
    "callback",
    "callbacks",
    "callback_url",
    "callback_urls",
    "callback_uri",
    "callback_uris",
    "reply_urls",
    "allowed_callbacks",
    "allowed_callback_urls",
    "allowed_redirect_uris",
    "allowed_redirect_urls",
    "registered_redirect_uri",
    "web_server_redirect_uri",
    "valid_redirect_uris",
  ],
  grant_types: ["grant", "grants", "allowed_grants", "allowed_grant_types", "authorized_grant_types"],
  response_types: ["allowed_response_types"],
  audience: ["aud", "audiences", "allowed_audience", "allowed_audiences", "whitelisted_audience"],
  token_endpoint_auth_method: [
    "auth_method",
    "auth_methods",
    "authentication_method",
    "client_auth_method",
    "client_authentication_method",
    "client_authentication_methods",
    "client_authenticator_type",
    "token_endpoint_authentication_method",
  ],
  post_logout_redirect_uris: [
    "allowed_logout_urls",
    "logout_uris",
    "logout_urls",
    "post_logout_callback",
    "post_logout_callbacks",
    "post_logout_redirect",
    "post_logout_redirects",
    "signout_uris",
  ],
  allowed_cors_origins: ["allowed_origin", "allowed_origins", "cors_origins", "web_origins"],
  jwks: ["jwk", "public_key", "public_keys", "json_web_keys"],
  jwks_uri: ["jwk_uri", "jwk_url", "jwks_endpoint"],
  logo_uri: ["logo", "icon_uri", "icon_url"],
  client_uri: ["homepage", "homepage_url", "website", "website_url"],
  policy_uri: ["privacy_policy", "privacy_policy_uri", "privacy_policy_url", "privacy_uri", "privacy_url"],
  tos_uri: ["terms_of_service", "terms_of_service_uri", "terms_of_service_url", "terms_uri", "terms_url", "tos"],
  sector_identifier_uri: ["sector_uri"],
  access_token_strategy: ["access_token_format", "access_token_type", "token_format"],
  skip_consent: ["auto_approve", "autoapprove", "first_party", "implicit_consent", "is_first_party"],
  contacts: ["contact", "contact_email", "contact_emails"],
  backchannel_logout_uri: ["backchannel_logout_callback", "back_channel_logout_uri"],
  frontchannel_logout_uri: ["frontchannel_logout_callback", "front_channel_logout_uri"],
};

/** Names of which no field is a synonym: the hint says what to write instead. */
const WITH_HINTS: readonly (readonly [names: readonly string[], hint: string])[] = [
  [
    ["public", "is_public", "public_client", "client_type", "confidential", "is_confidential"],
    "token_endpoint_auth_method none makes a client public, any other method makes it confidential",
  ],
  [
    [
      "pkce",
      "enforce_pkce",
      "pkce_enforced",
      "pkce_required",
      "require_pkce",
      "code_challenge_method",
      "code_challenge_methods",
    ],
    "PKCE is a setting of the server (oauth2.pkce), not of a client",
  ],
  [
    [
      "access_token_lifespan",
      "access_token_lifetime",
      "access_token_ttl",
      "access_token_validity",
      "access_token_validity_seconds",
      "id_token_lifespan",
      "id_token_lifetime",
      "id_token_ttl",
      "lifespan",
      "lifespans",
      "refresh_token_lifespan",
      "refresh_token_lifetime",
      "refresh_token_ttl",
      "refresh_token_validity",
      "refresh_token_validity_seconds",
      "token_lifespan",
      "token_lifespans",
      "token_lifetime",
      "token_ttl",
    ],
    "lifespans are set for each grant, such as authorization_code_grant_access_token_lifespan or client_credentials_grant_access_token_lifespan",
  ],
];

/** The hints by each wrong name. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(OTHER_NAMES).flatMap(([field, names]) => names.map((name) => [name, `write ${field}`] as const)),
  ...WITH_HINTS.flatMap(([names, hint]) => names.map((name) => [name, hint] as const)),
]);

/** A key in the form of the fields' names: `redirectURIs`, `redirect-uris` and `Redirect Uris` are `redirect_uris`. */
function snakeCase(key: string): string {
  return key
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[-:. ]/g, "_");
}

/** Whether two words are the same but for a typing error. */
function isNear(word: string, other: string): boolean {
  return word === other || suggestWord(word, [other]) !== undefined;
}

/**
 * Whether a key is a field, spelled wrongly. Looks word by word, because in long names another word makes another field
 * while few letters of the whole differ: `id_token_signed_response_alg` is not `userinfo_signed_response_alg`.
 */
function isMisspellingOf(key: string, field: string): boolean {
  if (key.replaceAll("_", "") === field.replaceAll("_", "")) return true;
  const words = key.split("_", 12);
  const others = field.split("_");
  const begins = words.every((word, i) => word === others[i]);
  // The beginning of a long name: `token_endpoint_auth`, `post_logout_redirect`.
  if (begins && words.length > 1 && words.length < others.length) return key.length / field.length >= 0.6;
  return words.length === others.length && words.every((word, i) => isNear(word, others[i] ?? ""));
}

/** The known field that a misspelled key means. */
function findIntendedField(key: string): string | undefined {
  const near = FIELD_NAMES.filter((field) => isMisspellingOf(key, field));
  return near.length < 2 ? near[0] : (suggestWord(key, near) ?? near[0]);
}

/** Classifies a key of a client: a known field, a registered extension, a mistake with the field that was meant, or unknown. */
export function classifyFieldName(key: string): FieldNameClass {
  if (FIELD_NAMES.includes(key)) return { kind: "field" };
  if (REGISTERED.has(key)) return { kind: "registered" };
  const name = snakeCase(key);
  const hint = HINTS.get(name);
  if (hint !== undefined) return { kind: "wrong-name", hint };
  // A registered name in another spelling does not count as misspelled either.
  if (REGISTERED.has(name)) return { kind: "registered" };
  const field = findIntendedField(name);
  return field === undefined ? { kind: "unknown" } : { kind: "misspelled", field };
}

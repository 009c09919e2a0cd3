import type { Flag, ListFlag, TextFlag } from "../flags/flag.ts";

/** How the value of a flag becomes the value of a field. */
export type FieldShape =
  /** A string. */
  | "text"
  /** A list of strings. */
  | "list"
  /** One string of words separated by spaces (RFC 6749, 3.3). */
  | "space-separated"
  /** true or false. */
  | "boolean"
  /** Any JSON, in the flag's value. */
  | "json"
  /** JSON, given as the flag's value or in a file. */
  | "json-or-file"
  /** A Go duration, as written. */
  | "duration";

/** One field of an OAuth 2.0 client, with the flag that sets it. */
export interface ClientField {
  /** Its name in JSON (RFC 7591, section 2, or Hydra's own). */
  readonly name: string;
  readonly shape: FieldShape;
  readonly flag: Flag;
  /** The name of one item of a list, for the flags `--add-…` and `--remove-…`. */
  readonly singular?: string;
}

function text(name: string, flagName: string, help: string, more: Partial<TextFlag> = {}): ClientField {
  return { name, shape: "text", flag: { kind: "text", name: flagName, value: "TEXT", group: "client", help, ...more } };
}

function url(name: string, flagName: string, help: string): ClientField {
  return text(name, flagName, help, { value: "URL" });
}

function list(
  name: string,
  flagName: string,
  singular: string,
  help: string,
  more: Partial<ListFlag> = {},
): ClientField {
  return {
    name,
    shape: "list",
    singular,
    flag: { kind: "list", name: flagName, value: "LIST", group: "client", help, ...more },
  };
}

function toggle(name: string, flagName: string, help: string): ClientField {
  return { name, shape: "boolean", flag: { kind: "switch", name: flagName, group: "client", help } };
}

const LIFESPANS = [
  ["authorization_code_grant", ["access", "id", "refresh"]],
  ["refresh_token_grant", ["access", "id", "refresh"]],
  ["implicit_grant", ["access", "id"]],
  ["client_credentials_grant", ["access"]],
  ["jwt_bearer_grant", ["access"]],
  ["password_grant", ["access", "refresh"]],
  ["device_authorization_grant", ["access", "id", "refresh"]],
] as const;

/** Every lifespan field; its flag has the same name with dashes. */
const LIFESPAN_FIELDS: readonly ClientField[] = LIFESPANS.flatMap(([grant, tokens]) =>
  tokens.map((token): ClientField => {
    const name = `${grant}_${token}_token_lifespan`;
    const help = `Lifetime of ${token === "id" ? "ID" : token} tokens from the ${grant.replace("jwt", "JWT").replaceAll("_", " ")}, such as 1h30m`;
    return { ...text(name, name.replaceAll("_", "-"), help, { value: "DURATION" }), shape: "duration" };
  }),
);

/** The grant type of logins on devices without a browser (RFC 8628). */
export const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** The grant types that the servers know, for completion; others are accepted too. */
export const GRANT_TYPES = [
  "authorization_code",
  "refresh_token",
  "implicit",
  "client_credentials",
  DEVICE_GRANT,
  "urn:ietf:params:oauth:grant-type:jwt-bearer",
];

/** The authentication methods of the token endpoint (RFC 7591, section 2). */
export const AUTH_METHODS: readonly string[] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/** The flag of the client ID, which only create accepts. */
export const ID_FLAG: TextFlag = {
  kind: "text",
  name: "id",
  value: "ID",
  group: "client",
  help: "Client ID (default: a generated UUID)",
  nonEmpty: true,
};

/** Every client field that a flag can set, in the order of the help. A new field is one row here. */
export const CLIENT_FIELDS: readonly ClientField[] = [
  text("client_name", "name", "Client name, shown to users who log in", { short: "n" }),
  list("redirect_uris", "callbacks", "callback", "Allowed redirect URIs", { v2: "redirect-uri", short: "c" }),
  list("grant_types", "grant-types", "grant-type", "Allowed grant types", {
    v2: "grant-type",
    short: "g",
    default: ["authorization_code"],
  }),
  list("response_types", "response-types", "response-type", "Allowed response types", {
    v2: "response-type",
    short: "r",
    default: ["code"],
  }),
  { ...list("scope", "scope", "scope", "Allowed scopes", { short: "a" }), shape: "space-separated" },
  list("audience", "audience", "audience", "Allowed token audiences"),
  text(
    "token_endpoint_auth_method",
    "token-endpoint-auth-method",
    "Token endpoint authentication; none = public client without a secret",
    { value: "METHOD", default: "client_secret_basic", choices: AUTH_METHODS },
  ),
  text(
    "token_endpoint_auth_signing_alg",
    "token-endpoint-auth-signing-alg",
    "Signing algorithm of client assertions, for private_key_jwt",
    { value: "ALG" },
  ),
  text(
    "subject_type",
    "subject-type",
    "Subject identifiers: public = same for all clients, pairwise = different for each",
    {
      value: "TYPE",
      default: "public",
      choices: ["public", "pairwise"],
    },
  ),
  url(
    "sector_identifier_uri",
    "sector-identifier-uri",
    "URL of a JSON list of redirect URIs that share pairwise subjects",
  ),
  list(
    "post_logout_redirect_uris",
    "post-logout-callbacks",
    "post-logout-callback",
    "Allowed redirect URIs after logout",
    {
      v2: "post-logout-callback",
    },
  ),
  list(
    "allowed_cors_origins",
    "allowed-cors-origins",
    "allowed-cors-origin",
    "CORS origins that may call the token endpoint",
    {
      v2: "allowed-cors-origin",
    },
  ),
  url("client_uri", "client-uri", "URL of the client's home page"),
  url("logo_uri", "logo-uri", "URL of the client's logo"),
  url("policy_uri", "policy-uri", "URL of the client's privacy policy"),
  url("tos_uri", "tos-uri", "URL of the client's terms of service"),
  text("owner", "owner", "Owner of the client"),
  list("contacts", "contact", "contact", "Email addresses of the people responsible for the client", {
    aliases: ["contacts"],
  }),
  url("jwks_uri", "jwks-uri", "URL of the client's public keys (JSON Web Key Set)"),
  {
    ...text("jwks", "jwks", "Public keys of the client (JSON Web Key Set), as JSON or a file", {
      value: "FILE|JSON",
      completes: "file",
    }),
    shape: "json-or-file",
  },
  list("request_uris", "request-uri", "request-uri", "URLs that request objects may be fetched from", {
    aliases: ["request-uris"],
  }),
  text("request_object_signing_alg", "request-object-signing-alg", "Required signing algorithm of request objects", {
    value: "ALG",
  }),
  text("userinfo_signed_response_alg", "userinfo-signed-response-alg", "Signing algorithm of userinfo responses", {
    value: "ALG",
  }),
  url(
    "frontchannel_logout_uri",
    "frontchannel-logout-callback",
    "URL that the browser loads when a session ends (front-channel logout)",
  ),
  toggle(
    "frontchannel_logout_session_required",
    "frontchannel-logout-session-required",
    "Include iss and sid in front-channel logout requests",
  ),
  url(
    "backchannel_logout_uri",
    "backchannel-logout-callback",
    "URL that the server calls when a session ends (back-channel logout)",
  ),
  toggle(
    "backchannel_logout_session_required",
    "backchannel-logout-session-required",
    "Include sid in back-channel logout requests",
  ),
  { ...text("metadata", "metadata", "Arbitrary JSON stored with the client", { value: "JSON" }), shape: "json" },
  toggle("skip_consent", "skip-consent", "Skip the consent screen, for first-party clients"),
  toggle("skip_logout_consent", "skip-logout-consent", "Skip the logout confirmation"),
  text("access_token_strategy", "access-token-strategy", "Type of access tokens; default: the server's setting", {
    value: "TYPE",
    choices: ["opaque", "jwt", ""],
  }),
  ...LIFESPAN_FIELDS,
];

/** The flags that set the fields of a client. */
export const FIELD_FLAGS: readonly Flag[] = CLIENT_FIELDS.map((field) => field.flag);

/** Every client field that a flag can set, by its name in JSON. */
export const FIELD_BY_NAME: ReadonlyMap<string, ClientField> = new Map(
  CLIENT_FIELDS.map((field) => [field.name, field]),
);

/** Whether a field has several values without an order: a list, or words in a text. */
export function hasUnorderedValues(name: string): boolean {
  const shape = FIELD_BY_NAME.get(name)?.shape;
  return shape === "list" || shape === "space-separated";
}

/** Fields that a server sets itself; an exported client contains them. */
export const CREDENTIAL_AND_SERVER_FIELDS: readonly string[] = [
  "client_id",
  "client_secret",
  "client_secret_expires_at",
  "created_at",
  "updated_at",
  "registration_access_token",
  "registration_client_uri",
];

/** Every field name of a client in JSON. */
export const FIELD_NAMES: readonly string[] = [
  ...CREDENTIAL_AND_SERVER_FIELDS,
  ...CLIENT_FIELDS.map((field) => field.name),
];

/** Flags with another default in the 2.x syntax, by name. */
export const V2_SYNTAX_FLAG_DEFAULTS: ReadonlyMap<string, string> = new Map([["request-object-signing-alg", "RS256"]]);

import type { BoolFlag, Flag, ListFlag, TextFlag } from "../flags/parse.ts";

/** How the value of a flag becomes the value of a field. */
type FieldShape =
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
  /** JSON in the flag's value or in a file that it names. */
  | "json-or-file"
  /** A Go duration, as written. */
  | "duration";

/** One field of an OAuth 2.0 client, with the flag that sets it. */
export interface Field {
  /** Its name in JSON (RFC 7591, section 2, or Hydra's own). */
  readonly name: string;
  readonly shape: FieldShape;
  readonly flag: Flag;
  /** The name of one item of a list, for the flags `--add-…` and `--remove-…`. */
  readonly singular?: string;
}

function text(name: string, flagName: string, help: string, more: Partial<TextFlag> = {}): Field {
  return { name, shape: "text", flag: { kind: "text", name: flagName, value: "TEXT", group: "client", help, ...more } };
}

function address(name: string, flagName: string, help: string): Field {
  return text(name, flagName, help, { value: "URL" });
}

function list(name: string, flagName: string, singular: string, help: string, more: Partial<ListFlag> = {}): Field {
  return {
    name,
    shape: "list",
    singular,
    flag: { kind: "list", name: flagName, value: "LIST", group: "client", help, ...more },
  };
}

function toggle(name: string, flagName: string, help: string, more: Partial<BoolFlag> = {}): Field {
  return { name, shape: "boolean", flag: { kind: "switch", name: flagName, group: "client", help, ...more } };
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

/** Every lifespan field; a flag has the field's name with dashes. */
const LIFESPAN_FIELDS: readonly Field[] = LIFESPANS.flatMap(([grant, tokens]) =>
  tokens.map((token): Field => {
    const name = `${grant}_${token}_token_lifespan`;
    return {
      name,
      shape: "duration",
      flag: {
        kind: "text",
        name: name.replaceAll("_", "-"),
        value: "DURATION",
        group: "client",
        help: `How long ${token === "id" ? "an ID" : token === "access" ? "an access" : "a refresh"} token of the ${grant.replace(/_grant$/, "").replaceAll("_", " ")} grant lives, such as 1h30m`,
      },
    };
  }),
);

/** The grant types that the servers know, for completion; others are accepted too. */
export const GRANT_TYPES = [
  "authorization_code",
  "refresh_token",
  "implicit",
  "client_credentials",
  "urn:ietf:params:oauth:grant-type:device_code",
  "urn:ietf:params:oauth:grant-type:jwt-bearer",
];

/** The authentication methods of the token endpoint (RFC 7591, section 2). */
const AUTH_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/** The flag of the client ID, which only create accepts. */
export const ID: TextFlag = {
  kind: "text",
  name: "id",
  value: "ID",
  group: "client",
  help: "The client's id; without it a UUID is made up here",
};

/** The flag of the client name. */
export const NAME: TextFlag = {
  kind: "text",
  name: "name",
  short: "n",
  value: "TEXT",
  group: "client",
  help: "The client's name, shown to people who sign in",
};

/** The flag of the redirect URIs. */
export const CALLBACKS: ListFlag = {
  kind: "list",
  name: "callbacks",
  v2: "redirect-uri",
  short: "c",
  value: "LIST",
  group: "client",
  help: "Addresses that a sign-in may return to (redirect URIs)",
};

/** The flag of the authentication method, which decides whether a client has a secret. */
export const AUTH_METHOD: TextFlag = {
  kind: "text",
  name: "token-endpoint-auth-method",
  value: "METHOD",
  group: "client",
  default: "client_secret_basic",
  choices: AUTH_METHODS,
  help: "How the client proves itself at the token endpoint; none makes it a public client without a secret",
};

/** Every field of a client that a flag can set, in the order of the help. A new field is one row here. */
export const FIELDS: readonly Field[] = [
  { name: "client_name", shape: "text", flag: NAME },
  { name: "redirect_uris", shape: "list", singular: "callback", flag: CALLBACKS },
  list("grant_types", "grant-types", "grant-type", "Grant types that the client may use", {
    v2: "grant-type",
    short: "g",
    default: ["authorization_code"],
  }),
  list("response_types", "response-types", "response-type", "Response types that the client may ask for", {
    v2: "response-type",
    short: "r",
    default: ["code"],
  }),
  {
    name: "scope",
    shape: "space-separated",
    singular: "scope",
    flag: {
      kind: "list",
      name: "scope",
      short: "a",
      value: "LIST",
      group: "client",
      help: "Scopes that the client may ask for",
    },
  },
  list("audience", "audience", "audience", "Audiences that the client may ask tokens for"),
  { name: "token_endpoint_auth_method", shape: "text", flag: AUTH_METHOD },
  text(
    "token_endpoint_auth_signing_alg",
    "token-endpoint-auth-signing-alg",
    "Algorithm that the client signs its assertions with, for private_key_jwt",
    { value: "ALG" },
  ),
  text(
    "subject_type",
    "subject-type",
    "Whether every client sees the same subject (public) or each its own (pairwise)",
    {
      value: "TYPE",
      default: "public",
      choices: ["public", "pairwise"],
    },
  ),
  address(
    "sector_identifier_uri",
    "sector-identifier-uri",
    "Address of the list of redirect URIs that share pairwise subjects",
  ),
  list(
    "post_logout_redirect_uris",
    "post-logout-callbacks",
    "post-logout-callback",
    "Addresses that a sign-out may return to",
    {
      v2: "post-logout-callback",
    },
  ),
  list(
    "allowed_cors_origins",
    "allowed-cors-origins",
    "allowed-cors-origin",
    "Origins whose pages may call the token endpoint",
    {
      v2: "allowed-cors-origin",
    },
  ),
  address("client_uri", "client-uri", "Address of a page about the client"),
  address("logo_uri", "logo-uri", "Address of the client's logo"),
  address("policy_uri", "policy-uri", "Address of the client's privacy policy"),
  address("tos_uri", "tos-uri", "Address of the client's terms of service"),
  text("owner", "owner", "Who owns the client"),
  list("contacts", "contact", "contact", "Addresses of the people who answer for the client", {
    aliases: ["contacts"],
  }),
  address("jwks_uri", "jwks-uri", "Address of the client's public keys (JSON Web Key Set)"),
  {
    name: "jwks",
    shape: "json-or-file",
    flag: {
      kind: "text",
      name: "jwks",
      value: "FILE|JSON",
      group: "client",
      help: "The client's public keys, as JSON or in a file",
    },
  },
  list("request_uris", "request-uri", "request-uri", "Addresses that request objects may be fetched from", {
    aliases: ["request-uris"],
  }),
  text(
    "request_object_signing_alg",
    "request-object-signing-alg",
    "Algorithm that request objects must be signed with",
    { value: "ALG" },
  ),
  text(
    "userinfo_signed_response_alg",
    "userinfo-signed-response-alg",
    "Algorithm that answers of the userinfo endpoint are signed with",
    { value: "ALG" },
  ),
  address(
    "frontchannel_logout_uri",
    "frontchannel-logout-callback",
    "Address that a browser calls when a session ends",
  ),
  toggle(
    "frontchannel_logout_session_required",
    "frontchannel-logout-session-required",
    "Tell the issuer and the session id at a front-channel logout",
  ),
  address("backchannel_logout_uri", "backchannel-logout-callback", "Address that the server calls when a session ends"),
  toggle(
    "backchannel_logout_session_required",
    "backchannel-logout-session-required",
    "Tell the session id at a back-channel logout",
  ),
  {
    name: "metadata",
    shape: "json",
    flag: {
      kind: "text",
      name: "metadata",
      value: "JSON",
      group: "client",
      help: "Data of your own, kept with the client",
    },
  },
  toggle("skip_consent", "skip-consent", "Do not ask people for consent (first-party clients)"),
  toggle("skip_logout_consent", "skip-logout-consent", "Do not ask people before a sign-out"),
  text(
    "access_token_strategy",
    "access-token-strategy",
    "The kind of access tokens: opaque or jwt; without it the server's own",
    {
      value: "KIND",
      choices: ["opaque", "jwt", ""],
    },
  ),
  ...LIFESPAN_FIELDS,
];

/** A flag that adds values to a list field or removes them. */
interface ListEdit {
  readonly field: Field;
  readonly way: "add" | "remove";
  readonly flag: ListFlag;
}

/** The flags that edit list fields in an update: `--add-callback`, `--remove-scope`. */
export const LIST_EDITS: readonly ListEdit[] = FIELDS.flatMap((field) =>
  (["add", "remove"] as const).flatMap((way): ListEdit[] => {
    if (field.singular === undefined) return [];
    const name = `${way}-${field.singular}`;
    const v2 = field.flag.v2 === undefined || field.flag.v2 === field.singular ? {} : { v2: `${way}-${field.flag.v2}` };
    const help = way === "add" ? `Add to ${field.name}, keeping what is there` : `Take out of ${field.name}`;
    return [{ field, way, flag: { kind: "list", name, ...v2, value: "LIST", group: "input", help } }];
  }),
);

/** Fields that a server sets itself; an exported client contains them. */
export const SERVER_FIELDS: readonly string[] = [
  "client_id",
  "client_secret",
  "client_secret_expires_at",
  "created_at",
  "updated_at",
  "registration_access_token",
  "registration_client_uri",
];

/** Every name that a client may have in JSON. */
export const FIELD_NAMES: readonly string[] = [...SERVER_FIELDS, ...FIELDS.map((field) => field.name)];

/** Flags with another default in the 2.x syntax, by name. */
export const V2_DEFAULTS: ReadonlyMap<string, string> = new Map([["request-object-signing-alg", "RS256"]]);

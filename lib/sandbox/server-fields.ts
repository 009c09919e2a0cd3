import { SANDBOX_VERSIONS, type SandboxVersion } from "./versions.ts";

export type FieldKind = "text" | "list" | "boolean" | "choice" | "integer" | "raw" | "keys" | "time" | "duration";

export interface ServerField {
  readonly name: string;
  readonly kind: FieldKind;
  /** Omitted from responses while it is empty. */
  readonly optional?: true;
}

interface FieldRow extends ServerField {
  readonly from?: SandboxVersion;
  readonly until?: SandboxVersion;
}

/** The rows of the token lifespans of a grant. */
function lifespanRows(grant: string, tokens: readonly string[], versions: Omit<FieldRow, "name" | "kind">) {
  return tokens.map(
    (token) => ({ name: `${grant}_grant_${token}_token_lifespan`, kind: "duration", ...versions }) as const,
  );
}
/** Every field, in the order of the servers' responses. */
const ROWS: readonly FieldRow[] = [
  { name: "client_id", kind: "text" },
  { name: "client_name", kind: "text" },
  { name: "client_secret", kind: "text", optional: true },
  { name: "redirect_uris", kind: "list" },
  { name: "grant_types", kind: "list" },
  { name: "response_types", kind: "list" },
  { name: "scope", kind: "text" },
  { name: "audience", kind: "list" },
  { name: "owner", kind: "text" },
  { name: "policy_uri", kind: "text" },
  { name: "allowed_cors_origins", kind: "list" },
  { name: "tos_uri", kind: "text" },
  { name: "client_uri", kind: "text" },
  { name: "logo_uri", kind: "text" },
  { name: "contacts", kind: "list" },
  { name: "client_secret_expires_at", kind: "integer" },
  { name: "subject_type", kind: "text" },
  { name: "sector_identifier_uri", kind: "text", optional: true },
  { name: "jwks_uri", kind: "text", optional: true },
  { name: "jwks", kind: "keys", optional: true },
  { name: "token_endpoint_auth_method", kind: "text", optional: true },
  { name: "token_endpoint_auth_signing_alg", kind: "text", optional: true },
  { name: "request_uris", kind: "list", optional: true },
  { name: "request_object_signing_alg", kind: "text", optional: true },
  { name: "userinfo_signed_response_alg", kind: "text", optional: true },
  { name: "created_at", kind: "time" },
  { name: "updated_at", kind: "time" },
  { name: "frontchannel_logout_uri", kind: "text", optional: true },
  { name: "frontchannel_logout_session_required", kind: "boolean", optional: true },
  { name: "post_logout_redirect_uris", kind: "list", optional: true },
  { name: "backchannel_logout_uri", kind: "text", optional: true },
  { name: "backchannel_logout_session_required", kind: "boolean", optional: true },
  { name: "metadata", kind: "raw", optional: true },
  { name: "registration_access_token", kind: "text", optional: true, from: "1.11" },
  { name: "registration_client_uri", kind: "text", optional: true, from: "1.11" },
  { name: "access_token_strategy", kind: "text", optional: true, from: "2.1" },
  { name: "skip_consent", kind: "boolean", from: "2.1" },
  { name: "skip_logout_consent", kind: "choice", from: "2.3" },
  ...lifespanRows("authorization_code", ["access", "id", "refresh"], { from: "1.11" }),
  ...lifespanRows("client_credentials", ["access"], { from: "1.11" }),
  ...lifespanRows("implicit", ["access", "id"], { from: "1.11" }),
  ...lifespanRows("jwt_bearer", ["access"], { from: "1.11" }),
  ...lifespanRows("password", ["access", "refresh"], { from: "1.11", until: "1.11" }),
  ...lifespanRows("refresh_token", ["id", "access", "refresh"], { from: "1.11" }),
  ...lifespanRows("device_authorization", ["id", "access", "refresh"], { from: "26" }),
];

/** The fields of a version, in the order of its responses. */
export function fieldsOfVersion(version: SandboxVersion): readonly ServerField[] {
  const at = SANDBOX_VERSIONS.indexOf(version);
  return ROWS.filter(
    ({ from, until }) =>
      (from === undefined || SANDBOX_VERSIONS.indexOf(from) <= at) &&
      (until === undefined || at <= SANDBOX_VERSIONS.indexOf(until)),
  );
}

/** The value of an unset field, by its kind; undefined means absent. */
export const ZERO_VALUES: Readonly<Record<FieldKind, unknown>> = {
  text: "",
  list: null,
  boolean: false,
  choice: null,
  integer: 0,
  raw: undefined,
  keys: undefined,
  time: "0001-01-01T00:00:00Z",
  duration: null,
};

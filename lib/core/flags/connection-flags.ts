import type { BoolFlag, ChoiceFlag, DurationFlag, Flag, RepeatFlag, TextFlag, WithDefault } from "./flag.ts";

export const ENDPOINT: TextFlag = {
  kind: "text",
  name: "endpoint",
  short: "e",
  value: "URL",
  group: "connection",
  env: ["HYDRA_ADMIN_URL", "ORY_SDK_URL", "HYDRA_URL"],
  file: "endpoint",
  help: "Admin API URL: http://…, https://… or unix:///path",
};

export const ACCESS_TOKEN: TextFlag = {
  kind: "text",
  name: "access-token",
  value: "TOKEN",
  group: "connection",
  env: ["OAUTH2_ACCESS_TOKEN"],
  file: "access_token",
  secret: true,
  help: "Bearer token for the admin API",
};

export const HEADER: RepeatFlag = {
  kind: "each",
  name: "header",
  aliases: ["http-header"],
  short: "H",
  value: "'NAME: VALUE'",
  group: "connection",
  file: "headers",
  secret: true,
  help: "HTTP header for every admin API request; repeatable",
};

export const FAIL_AFTER: WithDefault<DurationFlag> = {
  kind: "duration",
  name: "fail-after",
  value: "DURATION",
  group: "connection",
  file: "fail_after",
  default: 60_000,
  zero: "a single try",
  help: "Time limit, including retries; 0 = try once",
};

export const FAKE_TLS_TERMINATION: BoolFlag = {
  kind: "switch",
  name: "fake-tls-termination",
  group: "connection",
  file: "fake_tls_termination",
  help: "Send X-Forwarded-Proto: https, like a TLS-terminating proxy",
};

export const SKIP_TLS_VERIFY: BoolFlag = {
  kind: "switch",
  name: "skip-tls-verify",
  group: "connection",
  file: "skip_tls_verify",
  help: "Accept any server certificate; for testing only",
};

export const CA_FILE: TextFlag = {
  kind: "text",
  name: "ca-file",
  value: "FILE",
  completes: "file",
  group: "connection",
  file: "ca_file",
  help: "Additional CA certificates (PEM) for the server; not used to fetch keys",
};

/** The API versions that `--api` accepts; `lib/servers/` has one server family for each. */
const API_VERSIONS = ["v1", "v2"] as const;

export type ApiVersion = (typeof API_VERSIONS)[number];

export const API: WithDefault<ChoiceFlag<"auto" | ApiVersion>> = {
  kind: "text",
  name: "api",
  value: "VERSION",
  group: "connection",
  file: "api",
  default: "auto",
  choices: ["auto", ...API_VERSIONS],
  help: "Hydra API version; auto detects it",
};

export const ACCESS_TOKEN_FILE: TextFlag = {
  kind: "text",
  name: "access-token-file",
  value: "FILE",
  completes: "file",
  group: "connection",
  help: "Read the bearer token from a file (- for stdin)",
};

/** Flags for the connection to the server. */
export const CONNECTION_FLAGS: readonly Flag[] = [
  ENDPOINT,
  ACCESS_TOKEN,
  ACCESS_TOKEN_FILE,
  HEADER,
  FAIL_AFTER,
  FAKE_TLS_TERMINATION,
  SKIP_TLS_VERIFY,
  CA_FILE,
  API,
];

export const PUBLIC_URL: TextFlag = {
  kind: "text",
  name: "public-url",
  value: "URL",
  group: "secret",
  env: ["HYDRA_PUBLIC_URL"],
  file: "public_url",
  help: "Public URL of the server; --verify finds the endpoints there",
};

/**
 * The URL of the server for commands that call its public side. It has the name of the admin API's flag, as in Hydra's own
 * CLI.
 */
export const PUBLIC_COMMAND_ENDPOINT: TextFlag = {
  ...ENDPOINT,
  aliases: [PUBLIC_URL.name],
  env: ["HYDRA_PUBLIC_URL", "HYDRA_URL", "ORY_SDK_URL"],
  file: "public_url",
  help: "Public URL of the server",
};

/** The URL of the admin API for commands that call the public side of a server. */
export const PAIRED_ADMIN_URL: TextFlag = {
  kind: "text",
  name: "admin-url",
  value: "URL",
  group: "connection",
  env: ["HYDRA_ADMIN_URL"],
  file: "endpoint",
  help: "Admin API URL, to read the client's redirect URIs and auth method",
};

import { AUTH_METHOD_FLAG, CLIENT_FIELDS, ID_FLAG } from "../client/fields.ts";
import { GENERATED_KEY_ALGORITHMS, type GeneratedKeyAlgorithm } from "../jwk/assertion-algorithms.ts";
import { COLOR_CHOICES, type ColorChoice } from "../output/colors.ts";
import { FORMAT_CHOICES } from "../output/formats.ts";
import { ENCRYPTED_FORMATS, type EncryptedFormat } from "../pgp/encrypted-format.ts";
import { DEFAULT_SECRET_LENGTH as SECRET_DEFAULT_LENGTH } from "../secret.ts";
import type {
  BoolFlag,
  ChoiceFlag,
  DurationFlag,
  Flag,
  IntFlag,
  ListFlag,
  RepeatFlag,
  TextFlag,
  WithDefault,
} from "./flag.ts";

export { AUTH_METHOD_FLAG, ID_FLAG };

/** Every command has this flag. */
export const HELP: TextFlag = {
  kind: "text",
  name: "help",
  short: "h",
  value: "all",
  implicitValue: "true",
  group: "general",
  help: "Show this help; all: describe every flag",
};

export const VERBOSE: BoolFlag = {
  kind: "switch",
  name: "verbose",
  short: "v",
  group: "general",
  help: "Log requests and their timings to stderr, without credentials",
};

export const NO_WARNINGS: BoolFlag = {
  kind: "switch",
  name: "no-warnings",
  group: "general",
  env: ["HYDRA_NO_WARNINGS"],
  help: "Omit advice and notes on stderr; errors and what may be lost are still reported",
};

export const CONFIG: TextFlag = {
  kind: "text",
  name: "config",
  value: "FILE",
  group: "general",
  help: "Config file (default: $HOME/.hydra.yaml; hydra help config)",
};

export const COLOR: WithDefault<ChoiceFlag<ColorChoice>> = {
  kind: "text",
  name: "color",
  value: "WHEN",
  group: "general",
  default: "auto",
  choices: COLOR_CHOICES,
  help: "Use colors; auto: on terminals, unless the environment says otherwise",
};

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
  group: "connection",
  file: "ca_file",
  help: "Additional CA certificates (PEM) for the admin API; not used to fetch keys",
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

export const FORMAT: TextFlag = {
  kind: "text",
  name: "format",
  value: "FORMAT",
  group: "output",
  file: "format",
  help: `Output format: ${FORMAT_CHOICES.join(", ")}`,
};

export const QUIET: BoolFlag = {
  kind: "switch",
  name: "quiet",
  short: "q",
  group: "output",
  help: "Print only IDs, same as --format id",
};

export const SECRET: TextFlag = {
  kind: "text",
  name: "secret",
  value: "SECRET",
  group: "secret",
  secret: true,
  env: ["HYDRA_CLIENT_SECRET"],
  help: "Client secret; generated if not given. Visible to other users of the machine: prefer --secret-file",
};

/**
 * The same for an existing client. It has no environment variable: one that is set for `create` must not change the
 * secret of every client that is updated.
 */
const NEW_SECRET: TextFlag = {
  kind: "text",
  name: SECRET.name,
  value: "SECRET",
  group: "secret",
  secret: true,
  help: "New client secret. Visible to other users of the machine: prefer --secret-file",
};

export const SECRET_FILE: TextFlag = {
  kind: "text",
  name: "secret-file",
  value: "FILE",
  group: "secret",
  help: "Read the client secret from a file (- for stdin); one trailing line break is removed",
};

export const SECRET_PROMPT: BoolFlag = {
  kind: "switch",
  name: "secret-prompt",
  group: "secret",
  help: "Prompt for the client secret, without showing it",
};

export const SECRET_LENGTH: WithDefault<IntFlag> = {
  kind: "count",
  name: "secret-length",
  value: "N",
  group: "secret",
  default: SECRET_DEFAULT_LENGTH,
  help: "Length of the generated secret, 26 to 72 characters",
};

export const SECRET_OUT: TextFlag = {
  kind: "text",
  name: "secret-out",
  value: "FILE|fd:N",
  group: "secret",
  help: "Write the credentials to a new file (mode 0600) or an open descriptor, and keep the secret out of the output",
};

export const SECRET_FORMAT: ChoiceFlag<"dotenv" | "json" | "k8s"> = {
  kind: "text",
  name: "secret-format",
  value: "FORMAT",
  choices: ["dotenv", "json", "k8s"],
  group: "secret",
  help: "Format of --secret-out; default: from the extension (.json, .yaml), otherwise dotenv",
};

export const ID_FIELD: TextFlag = {
  kind: "text",
  name: "id-field",
  aliases: ["id-key"],
  value: "NAME",
  group: "secret",
  help: "Name of the client ID in dotenv, env and Kubernetes output (default: CLIENT_ID)",
};

export const SECRET_FIELD: TextFlag = {
  kind: "text",
  name: "secret-field",
  aliases: ["secret-key"],
  value: "NAME",
  group: "secret",
  help: "Name of the secret in dotenv, env and Kubernetes output (default: CLIENT_SECRET, or CLIENT_SECRET_ENCRYPTED)",
};

export const KUBERNETES_SECRET_NAMESPACE: TextFlag = {
  kind: "text",
  name: "namespace",
  value: "NAME",
  group: "secret",
  nonEmpty: true,
  help: "Namespace of Kubernetes Secrets",
};

export const KUBERNETES_SECRET_LABEL: RepeatFlag = {
  kind: "each",
  name: "label",
  value: "KEY=VALUE",
  group: "secret",
  nonEmpty: true,
  help: "Label of Kubernetes Secrets; repeatable",
};

export const KUBERNETES_SECRET_NAME: TextFlag = {
  kind: "text",
  name: "secret-name",
  value: "NAME",
  group: "secret",
  nonEmpty: true,
  help: "Name of Kubernetes Secrets, such as {id}-oauth (default: {id}, the client ID)",
};

export const ACCESS_TOKEN_FILE: TextFlag = {
  kind: "text",
  name: "access-token-file",
  value: "FILE",
  group: "connection",
  help: "Read the bearer token from a file (- for stdin)",
};

export const PGP_KEY: RepeatFlag = {
  kind: "each",
  name: "pgp-key",
  value: "KEY",
  group: "encryption",
  nonEmpty: true,
  help: "Encrypt the secret to this OpenPGP public key: base64, ASCII armor, @FILE or github:USER",
};

export const PGP_KEY_URL: RepeatFlag = {
  kind: "each",
  name: "pgp-key-url",
  value: "URL",
  group: "encryption",
  nonEmpty: true,
  help: "Encrypt the secret to the OpenPGP public key at this URL, or wkd:user@host, github:USER",
};

export const KEYBASE: ListFlag = {
  kind: "list",
  name: "keybase",
  value: "NAME",
  group: "encryption",
  nonEmpty: true,
  help: "Encrypt the secret to the OpenPGP public key of a Keybase user",
};

export const PGP_FINGERPRINT: ListFlag = {
  kind: "list",
  name: "pgp-fingerprint",
  value: "FINGERPRINT",
  group: "encryption",
  nonEmpty: true,
  help: "Required key fingerprint; with several keys, one for each",
};

export const REQUIRE_PIN: BoolFlag = {
  kind: "switch",
  name: "require-pin",
  group: "encryption",
  file: "require_pin",
  help: "Require --pgp-fingerprint for fetched keys (URL, wkd:, GitHub, Keybase)",
};

export const ENCRYPTED_FORMAT: WithDefault<ChoiceFlag<EncryptedFormat>> = {
  kind: "text",
  name: "encrypted-format",
  value: "FORMAT",
  group: "encryption",
  default: "base64",
  choices: ENCRYPTED_FORMATS,
  help: "Encoding of the encrypted secret; base64-armor is what Hydra 2.x prints",
};

export const RESCUE_DIR: TextFlag = {
  kind: "text",
  name: "rescue-dir",
  value: "DIR",
  group: "secret",
  help: "Directory for recovery copies of secrets (default: see hydra help secrets)",
};

export const STRICT: BoolFlag = {
  kind: "switch",
  name: "strict",
  group: "input",
  help: "Treat warnings about the client as errors",
};

export const LENIENT_FIELD_NAMES: BoolFlag = {
  kind: "switch",
  name: "lenient",
  group: "input",
  help: "Accept misspelled and misnamed fields instead of rejecting them",
};

export const CLIENT_FILE: TextFlag = {
  kind: "text",
  name: "file",
  value: "FILE",
  group: "input",
  help: "Read the client from a JSON or YAML file (- for stdin); flags override it",
};

export const SET: RepeatFlag = {
  kind: "each",
  name: "set",
  value: "PATH=JSON",
  group: "input",
  help: "Set any field by path, such as metadata.team='\"x\"'; repeatable",
};

export const DRY_RUN: ChoiceFlag<"json" | "curl"> = {
  kind: "text",
  name: "dry-run",
  value: "json|curl",
  implicitValue: "json",
  choices: ["json", "curl"],
  group: "output",
  help: "Print the request without secrets, and change nothing",
};

/** What to do with a client that exists already. */
export type IfExists = "fail" | "skip" | "update";

export const IF_EXISTS: WithDefault<ChoiceFlag<IfExists>> = {
  kind: "text",
  name: "if-exists",
  aliases: ["on-conflict"],
  value: "POLICY",
  default: "fail",
  choices: ["fail", "skip", "update"],
  group: "input",
  help: "What to do if a client with this ID exists",
};

export const CONCURRENCY: WithDefault<IntFlag> = {
  kind: "count",
  name: "concurrency",
  value: "N",
  default: 8,
  group: "input",
  help: "Number of concurrent requests",
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

/** Flags that every command has. */
export const GENERAL_FLAGS: readonly Flag[] = [CONFIG, COLOR, VERBOSE, NO_WARNINGS, HELP];

/** Flags for encryption. */
export const ENCRYPTION_FLAGS: readonly Flag[] = [
  PGP_KEY,
  PGP_KEY_URL,
  KEYBASE,
  PGP_FINGERPRINT,
  REQUIRE_PIN,
  ENCRYPTED_FORMAT,
];

/** Flags that set the fields of a client. */
export const FIELD_FLAGS: readonly Flag[] = CLIENT_FIELDS.map((field) => field.flag);

export const LIMIT: IntFlag = {
  kind: "count",
  name: "limit",
  value: "N",
  group: "input",
  help: "Maximum number of clients",
};

/** Flags for the secret of a new client. */
export const NEW_CLIENT_SECRET_FLAGS: readonly Flag[] = [SECRET, SECRET_FILE, SECRET_PROMPT];

/** Flags for a new secret of an existing client. */
export const EXISTING_CLIENT_SECRET_FLAGS: readonly Flag[] = [NEW_SECRET, SECRET_FILE, SECRET_PROMPT];

/** Flags that decide where credentials are written. */
export const CREDENTIAL_OUTPUT_FLAGS: readonly Flag[] = [
  SECRET_OUT,
  SECRET_FORMAT,
  ID_FIELD,
  SECRET_FIELD,
  KUBERNETES_SECRET_NAMESPACE,
  KUBERNETES_SECRET_LABEL,
  KUBERNETES_SECRET_NAME,
  RESCUE_DIR,
];

export const VERIFY_CREDENTIALS: BoolFlag = {
  kind: "switch",
  name: "verify",
  group: "secret",
  help: "Check that the server accepts the new credentials",
};

export const VERIFY_TOKEN_ENDPOINT: TextFlag = {
  kind: "text",
  name: "token-endpoint",
  value: "URL",
  group: "secret",
  help: "Token endpoint for --verify, which then requests a token",
};

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
  kind: "text",
  name: ENDPOINT.name,
  aliases: [PUBLIC_URL.name],
  short: "e",
  value: "URL",
  group: "connection",
  env: ["HYDRA_PUBLIC_URL", "HYDRA_URL", "ORY_SDK_URL"],
  file: "public_url",
  help: "Public URL of the server (also --public-url)",
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

export const LOGIN_CLIENT_ID: TextFlag = {
  kind: "text",
  name: "client-id",
  value: "ID",
  group: "secret",
  env: ["OAUTH2_CLIENT_ID"],
  help: "ID of the client to get or revoke tokens as",
};

export const LOGIN_CLIENT_SECRET: TextFlag = {
  kind: "text",
  name: "client-secret",
  value: "SECRET",
  group: "secret",
  secret: true,
  env: ["OAUTH2_CLIENT_SECRET"],
  help: "Secret of that client. Visible to other users of the machine: prefer --client-secret-file",
};

export const GENERATE_KEY: ChoiceFlag<GeneratedKeyAlgorithm> = {
  kind: "text",
  name: "generate-key",
  value: "ALG",
  choices: GENERATED_KEY_ALGORITHMS,
  group: "secret",
  help: "Generate a key pair for private_key_jwt and register the public key",
};

export const KEY_OUT: TextFlag = {
  kind: "text",
  name: "key-out",
  value: "FILE|fd:N",
  group: "secret",
  help: "Write the private key of --generate-key to a new file (mode 0600): PEM for .pem and .key, otherwise a JSON Web Key",
};

/** Flags that check new credentials. */
export const VERIFY_FLAGS: readonly Flag[] = [VERIFY_CREDENTIALS, VERIFY_TOKEN_ENDPOINT, PUBLIC_URL];

export const NO_INPUT: BoolFlag = {
  kind: "switch",
  name: "no-input",
  group: "general",
  help: "Never ask; continue as without a terminal",
};

/** The last flags of every command that calls a server. */
export const SERVER_COMMAND_FLAGS: readonly Flag[] = [FORMAT, QUIET, ...CONNECTION_FLAGS, NO_INPUT, ...GENERAL_FLAGS];

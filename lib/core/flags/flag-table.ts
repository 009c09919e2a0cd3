import { AUTH_METHOD, CALLBACKS, FIELDS, ID, NAME } from "../client/fields.ts";
import { KEY_ALGORITHMS } from "../client/jwk.ts";
import { ENCRYPTED_FORMATS } from "../keys/recipient.ts";
import { FORMATS } from "../output/formats.ts";
import { SECRET_LENGTH as SECRET_DEFAULT_LENGTH } from "../secret.ts";
import type { BoolFlag, DurationFlag, Flag, IntFlag, ListFlag, RepeatFlag, TextFlag } from "./parse.ts";

export { AUTH_METHOD, CALLBACKS, ID, NAME };

/** Every command has this. */
export const HELP: BoolFlag = { kind: "switch", name: "help", short: "h", group: "general", help: "Show this help" };

export const VERBOSE: BoolFlag = {
  kind: "switch",
  name: "verbose",
  short: "v",
  group: "general",
  help: "Tell each request and its time on stderr, credentials left out",
};

export const CONFIG: TextFlag = {
  kind: "text",
  name: "config",
  value: "FILE",
  group: "general",
  help: "Config file in YAML; without it $HOME/.hydra.yaml, if it is there",
};

export const ENDPOINT: TextFlag = {
  kind: "text",
  name: "endpoint",
  short: "e",
  value: "URL",
  group: "connection",
  env: ["HYDRA_ADMIN_URL", "ORY_SDK_URL"],
  file: "endpoint",
  help: "Address of the admin API: http://…, https://… or unix:///path",
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
  help: "Header to send with each request to the admin API; may be repeated",
};

export const FAIL_AFTER: DurationFlag = {
  kind: "duration",
  name: "fail-after",
  value: "DURATION",
  group: "connection",
  file: "fail_after",
  default: 60_000,
  help: "How long the whole command may take, retries included; 0 is a single try",
};

export const FAKE_TLS: BoolFlag = {
  kind: "switch",
  name: "fake-tls-termination",
  group: "connection",
  file: "fake_tls_termination",
  help: "Send X-Forwarded-Proto: https, as a proxy that ends TLS would",
};

export const SKIP_TLS: BoolFlag = {
  kind: "switch",
  name: "skip-tls-verify",
  group: "connection",
  file: "skip_tls_verify",
  help: "Take any certificate of the server: for tests alone",
};

export const CA_FILE: TextFlag = {
  kind: "text",
  name: "ca-file",
  value: "FILE",
  group: "connection",
  file: "ca_file",
  help: "Certificates to trust beside the bundled and the system's, PEM; not for addresses of keys",
};

/** What `--api` can choose: the names of the server families, each of which has a row in `lib/servers/`. */
export const API_NAMES = ["v1", "v2"] as const;

export type ApiName = (typeof API_NAMES)[number];

export const API: TextFlag = {
  kind: "text",
  name: "api",
  value: "FAMILY",
  group: "connection",
  file: "api",
  default: "auto",
  choices: ["auto", ...API_NAMES],
  help: "The server's family; auto finds it out",
};

export const FORMAT: TextFlag = {
  kind: "text",
  name: "format",
  value: "FORMAT",
  group: "output",
  file: "format",
  help: `How results are written: ${FORMATS.join(", ")}`,
};

export const QUIET: BoolFlag = {
  kind: "switch",
  name: "quiet",
  short: "q",
  group: "output",
  help: "Write ids alone, as --format id",
};

export const SECRET: TextFlag = {
  kind: "text",
  name: "secret",
  value: "SECRET",
  group: "secret",
  secret: true,
  env: ["HYDRA_CLIENT_SECRET"],
  help: "The client's secret; without it one is made here. On a command line others can see it: better --secret-file",
};

/**
 * The same for a client that is there already. It reads no variable: one that is set for a create must not change the
 * secret of every client that is updated.
 */
export const NEW_SECRET: TextFlag = {
  kind: "text",
  name: SECRET.name,
  value: "SECRET",
  group: "secret",
  secret: true,
  help: "The client's new secret. On a command line others can see it: better --secret-file",
};

export const SECRET_FILE: TextFlag = {
  kind: "text",
  name: "secret-file",
  value: "FILE",
  group: "secret",
  help: "Take the client's secret from this file (- is stdin); one line break at its end is left out",
};

export const SECRET_PROMPT: BoolFlag = {
  kind: "switch",
  name: "secret-prompt",
  group: "secret",
  help: "Ask for the client's secret on the terminal, unseen",
};

export const SECRET_LENGTH: IntFlag = {
  kind: "count",
  name: "secret-length",
  value: "N",
  group: "secret",
  default: SECRET_DEFAULT_LENGTH,
  help: "How many characters a secret that is made here has, from 26 to 72",
};

export const SECRET_OUT: TextFlag = {
  kind: "text",
  name: "secret-out",
  value: "FILE|fd:N",
  group: "secret",
  help: "Write the credentials to a new file (mode 0600) or an open descriptor; results then leave the secret out",
};

export const SECRET_FORMAT: TextFlag = {
  kind: "text",
  name: "secret-format",
  value: "FORM",
  choices: ["dotenv", "json", "k8s"],
  group: "secret",
  help: "What --secret-out writes; without it by the file's ending (.env, .json, .yaml), else dotenv",
};

export const ID_KEY: TextFlag = {
  kind: "text",
  name: "id-key",
  value: "NAME",
  group: "secret",
  help: "Name of the id in dotenv, env and Kubernetes output (CLIENT_ID)",
};

export const SECRET_KEY: TextFlag = {
  kind: "text",
  name: "secret-key",
  value: "NAME",
  group: "secret",
  help: "Name of the secret in dotenv, env and Kubernetes output (CLIENT_SECRET, or CLIENT_SECRET_ENCRYPTED)",
};

export const ACCESS_TOKEN_FILE: TextFlag = {
  kind: "text",
  name: "access-token-file",
  value: "FILE",
  group: "connection",
  help: "Take the bearer token from this file (- is stdin)",
};

export const PGP_KEY: RepeatFlag = {
  kind: "each",
  name: "pgp-key",
  value: "KEY",
  group: "encryption",
  nonEmpty: true,
  help: "Encrypt the secret to this OpenPGP public key: base64, armored text or @FILE",
};

export const PGP_KEY_URL: RepeatFlag = {
  kind: "each",
  name: "pgp-key-url",
  value: "URL",
  group: "encryption",
  nonEmpty: true,
  help: "Encrypt the secret to the OpenPGP public key at this address, or wkd:user@host",
};

export const KEYBASE: ListFlag = {
  kind: "list",
  name: "keybase",
  value: "NAME",
  group: "encryption",
  nonEmpty: true,
  help: "Encrypt the secret to the OpenPGP public key of this Keybase user",
};

export const PGP_FINGERPRINT: ListFlag = {
  kind: "list",
  name: "pgp-fingerprint",
  value: "FINGERPRINT",
  group: "encryption",
  nonEmpty: true,
  help: "The fingerprint that a key must have; with several keys, one for each",
};

export const REQUIRE_PIN: BoolFlag = {
  kind: "switch",
  name: "require-pin",
  group: "encryption",
  file: "require_pin",
  help: "Refuse to encrypt to a fetched key (URL, wkd:, Keybase) without --pgp-fingerprint",
};

export const ENCRYPTED_FORMAT: TextFlag = {
  kind: "text",
  name: "encrypted-format",
  value: "FORM",
  group: "encryption",
  default: "base64",
  choices: ENCRYPTED_FORMATS,
  help: "How the encrypted secret is written: base64 of the binary message, armor, or base64 of the armored one",
};

export const RESCUE_DIR: TextFlag = {
  kind: "text",
  name: "rescue-dir",
  value: "FOLDER",
  group: "secret",
  help: "Where a secret that cannot be handed over is kept; without it XDG_STATE_HOME, HOME, this folder or TMPDIR",
};

export const STRICT: BoolFlag = {
  kind: "switch",
  name: "strict",
  group: "input",
  help: "Treat warnings about the client as errors",
};

export const FILE: TextFlag = {
  kind: "text",
  name: "file",
  value: "FILE",
  group: "input",
  help: "Take the client from a JSON or YAML file (- is stdin); flags override it",
};

export const SET: RepeatFlag = {
  kind: "each",
  name: "set",
  value: "PATH=JSON",
  group: "input",
  help: "Set any field by its path, such as metadata.team='\"x\"'; may be repeated",
};

export const DRY_RUN: TextFlag = {
  kind: "text",
  name: "dry-run",
  value: "json|curl",
  implicitValue: "json",
  choices: ["json", "curl"],
  group: "output",
  help: "Show the request that would be sent, without secrets, and send nothing",
};

export const IF_EXISTS: TextFlag = {
  kind: "text",
  name: "if-exists",
  value: "WAY",
  default: "fail",
  choices: ["fail", "skip", "update"],
  group: "input",
  help: "What to do when there is a client of this --id already",
};

/** The flags that choose and reach the server. */
export const CONNECTION_FLAGS: readonly Flag[] = [
  ENDPOINT,
  ACCESS_TOKEN,
  ACCESS_TOKEN_FILE,
  HEADER,
  FAIL_AFTER,
  FAKE_TLS,
  SKIP_TLS,
  CA_FILE,
  API,
];

/** The flags that every command has. */
export const GENERAL_FLAGS: readonly Flag[] = [CONFIG, VERBOSE, HELP];

/** The flags that choose recipients. */
export const RECIPIENT_FLAGS: readonly Flag[] = [
  PGP_KEY,
  PGP_KEY_URL,
  KEYBASE,
  PGP_FINGERPRINT,
  REQUIRE_PIN,
  ENCRYPTED_FORMAT,
];

/** The flags that set a client's fields. */
export const FIELD_FLAGS: readonly Flag[] = FIELDS.map((field) => field.flag);

export const LIMIT: IntFlag = {
  kind: "count",
  name: "limit",
  value: "N",
  group: "input",
  help: "At most this many clients",
};

/** The flags that say where a client's secret comes from. */
export const SECRET_IN_FLAGS: readonly Flag[] = [SECRET, SECRET_FILE, SECRET_PROMPT];

/** The flags that say where the new secret of a client comes from that is there already. */
export const NEW_SECRET_FLAGS: readonly Flag[] = [NEW_SECRET, SECRET_FILE, SECRET_PROMPT];

/** The flags that say where credentials go. */
export const SECRET_OUT_FLAGS: readonly Flag[] = [SECRET_OUT, SECRET_FORMAT, ID_KEY, SECRET_KEY, RESCUE_DIR];

export const VERIFY: BoolFlag = {
  kind: "switch",
  name: "verify",
  group: "secret",
  help: "Check that the server accepts the new credentials",
};

export const TOKEN_ENDPOINT: TextFlag = {
  kind: "text",
  name: "token-endpoint",
  value: "URL",
  group: "secret",
  help: "Token endpoint for --verify, which then checks by getting a token",
};

export const PUBLIC_URL: TextFlag = {
  kind: "text",
  name: "public-url",
  value: "URL",
  group: "secret",
  env: ["HYDRA_PUBLIC_URL"],
  help: "Public URL of the server, where --verify finds its endpoints",
};

export const GENERATE_KEY: TextFlag = {
  kind: "text",
  name: "generate-key",
  value: "ALG",
  choices: KEY_ALGORITHMS,
  group: "secret",
  help: "Make a key pair for private_key_jwt here and register its public part",
};

export const KEY_OUT: TextFlag = {
  kind: "text",
  name: "key-out",
  value: "FILE|fd:N",
  group: "secret",
  help: "Write the private key of --generate-key to a new file (mode 0600): PEM for .pem or .key, else a JSON Web Key",
};

/** The flags that prove new credentials. */
export const VERIFY_FLAGS: readonly Flag[] = [VERIFY, TOKEN_ENDPOINT, PUBLIC_URL];

/** The flags that every command with a server ends with. */
export const SERVER_COMMAND_FLAGS: readonly Flag[] = [FORMAT, QUIET, ...CONNECTION_FLAGS, ...GENERAL_FLAGS];

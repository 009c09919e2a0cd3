import { GENERATED_KEY_ALGORITHMS, type GeneratedKeyAlgorithm } from "../jwk/assertion-algorithms.ts";
import { ENCRYPTED_FORMATS, type EncryptedFormat } from "../pgp/encrypted-format.ts";
import { DEFAULT_SECRET_LENGTH as SECRET_DEFAULT_LENGTH } from "../secret.ts";
import { PUBLIC_URL } from "./connection-flags.ts";
import type { BoolFlag, ChoiceFlag, Flag, IntFlag, ListFlag, RepeatFlag, TextFlag, WithDefault } from "./flag.ts";

export const SECRET: TextFlag = {
  kind: "text",
  name: "secret",
  value: "SECRET",
  group: "secret",
  secret: true,
  env: ["HYDRA_CLIENT_SECRET"],
  help: "Client secret; generated if not given. Visible to other users of the machine: prefer --secret-file",
};

const { env: _, ...SECRET_WITHOUT_VARIABLE } = SECRET;

/**
 * The same for an existing client. It has no environment variable: one that is set for `create` must not change the
 * secret of every client that is updated.
 */
const NEW_SECRET: TextFlag = {
  ...SECRET_WITHOUT_VARIABLE,
  help: "New client secret. Visible to other users of the machine: prefer --secret-file",
  nonEmpty: true,
};

export const SECRET_FILE: TextFlag = {
  kind: "text",
  name: "secret-file",
  value: "FILE",
  completes: "file",
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
  completes: "file",
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

export const PGP_KEY: RepeatFlag = {
  kind: "each",
  name: "pgp-key",
  value: "KEY",
  completes: "pgp-key",
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
  completes: "folder",
  group: "secret",
  help: "Directory for recovery copies of secrets (default: see hydra help secrets)",
};

/** Flags for encryption. */
export const ENCRYPTION_FLAGS: readonly Flag[] = [
  PGP_KEY,
  PGP_KEY_URL,
  KEYBASE,
  PGP_FINGERPRINT,
  REQUIRE_PIN,
  ENCRYPTED_FORMAT,
];

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
  completes: "file",
  group: "secret",
  help: "Write the private key of --generate-key to a new file (mode 0600): PEM for .pem and .key, otherwise a JSON Web Key",
};

/** Flags that check new credentials. */
export const VERIFY_FLAGS: readonly Flag[] = [VERIFY_CREDENTIALS, VERIFY_TOKEN_ENDPOINT, PUBLIC_URL];

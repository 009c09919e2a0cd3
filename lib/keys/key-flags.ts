import { confirmationFlag } from "../clients/confirm.ts";
import { PUBLIC_URL } from "../core/flags/connection-flags.ts";
import {
  ENCRYPTED_FORMAT,
  KEYBASE,
  PGP_FINGERPRINT,
  PGP_KEY,
  PGP_KEY_URL,
  REQUIRE_PIN,
} from "../core/flags/credential-flags.ts";
import type { BoolFlag, ChoiceFlag, Flag, TextFlag, WithDefault } from "../core/flags/flag.ts";
import type { EncryptedFormat } from "../core/pgp/encrypted-format.ts";

export const KID: TextFlag = {
  kind: "text",
  name: "kid",
  value: "KID",
  group: "input",
  nonEmpty: true,
  help: "Key ID",
};

/** The algorithms that at least one version of Hydra generates keys for. */
const GENERATED_ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "HS256", "HS512"],
] as const;

export type ServerGeneratedAlgorithm = (typeof GENERATED_ALGORITHMS)[number];

export const GENERATE_ALG: WithDefault<ChoiceFlag<ServerGeneratedAlgorithm>> = {
  kind: "text",
  name: "alg",
  short: "a",
  value: "ALG",
  group: "input",
  default: "RS256",
  choices: GENERATED_ALGORITHMS,
  help: "Algorithm of the key; which ones exist depends on the server (hydra help keys)",
};

/** The algorithm of keys that exist: any that a key can have. */
export const IMPORT_ALG: TextFlag = {
  kind: "text",
  name: "alg",
  short: "a",
  value: "ALG",
  group: "input",
  nonEmpty: true,
  help: 'Algorithm for keys without "alg" (default: from the key type); must match the key',
};

export const REPLACE: BoolFlag = {
  kind: "switch",
  name: "replace",
  group: "input",
  help: "Replace all keys of the set, such as with a backup",
};

export const USE: WithDefault<ChoiceFlag<"sig" | "enc">> = {
  kind: "text",
  name: "use",
  short: "u",
  value: "USE",
  group: "input",
  default: "sig",
  choices: ["sig", "enc"],
  help: "Intended use of the key: signatures or encryption",
};

export const PUBLIC: BoolFlag = {
  kind: "switch",
  name: "public",
  group: "output",
  help: "Print only public keys (the default)",
};

export const PRIVATE: BoolFlag = {
  kind: "switch",
  name: "private",
  group: "output",
  help: "Print the private keys too",
};

/** Where `get` writes keys. */
export const KEYS_OUT: TextFlag = {
  kind: "text",
  name: "out",
  value: "FILE|fd:N",
  completes: "file",
  group: "secret",
  help: "Write the keys to a new file (mode 0600) or an open descriptor: PEM for .pem and .key, otherwise JSON",
};

/** Where a new private key is written. */
export const PRIVATE_KEY_OUT: TextFlag = {
  ...KEYS_OUT,
  name: "key-out",
  aliases: ["out"],
  help: "Write the private key to a new file (mode 0600) or an open descriptor: PEM for .pem and .key, otherwise JSON",
};

export const PASSPHRASE_FILE: TextFlag = {
  kind: "text",
  name: "passphrase-file",
  value: "FILE",
  completes: "file",
  group: "input",
  help: "Read the passphrase of encrypted keys from a file (- for stdin); one trailing line break is removed",
};

/** Armor by default: what `gpg --decrypt` reads as it is. */
export const KEYS_ENCRYPTED_FORMAT: WithDefault<ChoiceFlag<EncryptedFormat>> = {
  ...ENCRYPTED_FORMAT,
  default: "armor",
  help: "Encoding of the encrypted keys",
};

/** Flags that encrypt private keys. */
export const KEY_ENCRYPTION_FLAGS: readonly Flag[] = [
  {
    ...PGP_KEY,
    help: "Encrypt the private keys to this OpenPGP public key: base64, ASCII armor, @FILE or github:USER",
  },
  {
    ...PGP_KEY_URL,
    help: "Encrypt the private keys to the OpenPGP public key at this URL, or wkd:user@host, github:USER",
  },
  { ...KEYBASE, help: "Encrypt the private keys to the OpenPGP public key of a Keybase user" },
  PGP_FINGERPRINT,
  REQUIRE_PIN,
  KEYS_ENCRYPTED_FORMAT,
];

/** Continues even if a change would stop or break logins, and answers every question. */
export const KEYS_YES: BoolFlag = confirmationFlag(
  "Answer yes to all questions, and continue even if logins would break",
);

/** The public URL, at which a login proves the state of the keys. */
export const PROOF_URL: TextFlag = {
  ...PUBLIC_URL,
  group: "connection",
  help: "Public URL of the server; a login of a temporary client there proves each step",
};

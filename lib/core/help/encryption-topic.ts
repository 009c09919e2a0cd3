import { ENCRYPTED_FORMATS, type EncryptedFormat } from "../pgp/encrypted-format.ts";
import { decryptTextCommand } from "../pgp/recipient.ts";
import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

const FORM_MEANINGS: Readonly<Record<EncryptedFormat, string>> = {
  base64: "base64 of the binary message, on one line (the default)",
  armor: "ASCII armor, over several lines",
  "base64-armor": "base64 of the armored message, on one line, as Hydra's 2.x CLI prints it",
};

export const ENCRYPTION_TOPIC: Topic = {
  name: "encryption",
  title: "Encrypting secrets",
  parts: [
    textPart(
      "Often, the person who creates a client should not see its secret, and logs keep printed output. With a recipient, only the",
      "encrypted secret is printed. No plain secret and no other credential from the server's response appears anywhere.",
    ),
    headingPart("Recipients"),
    termsPart(
      [
        "--pgp-key KEY",
        "A public key: base64 (of the binary or the armored key), ASCII armor, `@FILE`, `-` for standard input, `wkd:user@host`, `github:USER` or `keybase:NAME`",
      ],
      [
        "--pgp-key-url URL",
        "The key at a URL; `wkd:user@host` for a Web Key Directory, `github:USER` for the key of a GitHub account",
      ],
      [
        "--keybase NAME",
        "The OpenPGP key of a Keybase user; `keybase:NAME` and `@NAME` are accepted too. Separate several names with commas",
      ],
      [
        "--pgp-fingerprint FINGERPRINT",
        "The full fingerprint that a key must have. If you give any, every key must match one of them",
      ],
      [
        "--require-pin",
        "Reject a key that is fetched (URL, `wkd:`, GitHub or Keybase) without `--pgp-fingerprint`. Also `require_pin: true` in the config file",
      ],
    ),
    textPart(
      "These flags can be repeated and combined. The secret is encrypted once, and every recipient can decrypt the same message.",
    ),
    headingPart("Before anything is created"),
    textPart(
      "All keys are fetched and validated, and the secret is encrypted, before the client is created. If a key is expired, revoked, weak,",
      "self-signed only with SHA-1, private, for signatures only or damaged, the command exits with 7 and nothing is created. The message",
      "names the key and how to fix it. The newest usable subkey is used; `-v` shows why others were rejected.",
      "`hydra pgp inspect KEY` shows the result of these checks.",
    ),
    textPart(
      "Keys are fetched over https, or over http from this machine. From another machine, http requires `--pgp-fingerprint`. At most",
      "five redirects are followed, never from https to http, and a key over 1 MiB is an error. Credentials of the admin API are not sent, and",
      "`--ca-file` does not apply. To trust your own certificate authority for keys, set `SSL_CERT_FILE`.",
    ),
    headingPart("The encrypted secret"),
    textPart("Where it is depends on the output format:"),
    termsPart(
      ["text", "After `OAuth 2.0 Encrypted Client Secret:`"],
      ["json, yaml", "`client_secret_encrypted`, with the recipients in `client_secret_recipients`"],
      ["env, k8s-secret", "`CLIENT_SECRET_ENCRYPTED`"],
    ),
    textPart("`--encrypted-format` sets its encoding:"),
    termsPart(...ENCRYPTED_FORMATS.map((form) => [form, FORM_MEANINGS[form]] as const)),
    textPart("Standard error shows the fingerprint of each key that was used, and the command that decrypts:"),
    codeLinesPart(decryptTextCommand("base64")),
    textPart(
      "GnuPG does not support version 6 keys (RFC 9580). For these, the message shows a tool that does, such as rsop.",
    ),
    textPart(
      "A secret that you give, for example with `--secret-file`, is encrypted in the same way. A client without a secret",
      "(`--token-endpoint-auth-method none`) has nothing to encrypt, so a recipient is a usage error.",
    ),
  ],
};

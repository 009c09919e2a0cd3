import { SECRET_LENGTH } from "../flags/credential-flags.ts";
import { DEFAULT_SECRET_LENGTH, MAX_BCRYPT_BYTES, MIN_SECRET_LENGTH } from "../secret.ts";
import { codeLinesPart, headingPart, type Topic, termsPart, textPart } from "./topic-parts.ts";

export const SECRETS_TOPIC: Topic = {
  name: "secrets",
  title: "Secrets: input, output and recovery",
  parts: [
    textPart(
      `By default, the program generates a secret of ${DEFAULT_SECRET_LENGTH} characters that need no escaping anywhere, and prints it once.`,
      `\`--${SECRET_LENGTH.name}\` sets the length, up to ${MAX_BCRYPT_BYTES}.`,
      "Hydra never returns a secret later. A client with `--token-endpoint-auth-method none` has no secret.",
    ),
    headingPart("Input"),
    termsPart(
      ["--secret-file FILE", "From a file, or from standard input with `-`. One trailing line break is removed"],
      ["HYDRA_CLIENT_SECRET", "From the environment, only for `create`"],
      ["--secret-prompt", "Typed twice on the terminal, without showing it"],
      ["--secret SECRET", "From the command line, with a warning, because other users can see it"],
    ),
    textPart(
      `A secret of fewer than ${MIN_SECRET_LENGTH} characters is rejected. More than ${MAX_BCRYPT_BYTES} bytes, or characters that need escaping, cause a warning.`,
      "A secret that you give is not printed, except one from `--secret` or `--file` in the 2.x syntax, as Hydra's own CLI does. `--access-token-file` reads the token for the admin API in the same way.",
    ),
    headingPart("Output"),
    termsPart(
      ["(default)", "Printed once, in the result on standard output"],
      [
        "--secret-out FILE",
        "Written to a new file with mode 0600, completely or not at all. The file must not exist, except for `apply`, which adds to one that it wrote",
      ],
      ["--secret-out 'secrets/{id}.env'", "For `import`: a file for each client"],
      ["--secret-out fd:3", "Written to a file descriptor that the caller opened"],
      ["--pgp-key, --keybase …", "Encrypted: see `hydra help encryption`"],
    ),
    textPart(
      "`--secret-format` sets the format of the file (`dotenv`, `json` or `k8s`). The default depends on the extension: `.json`, `.yaml`",
      "or `.yml`, otherwise dotenv. `--id-field` and `--secret-field` set the variable names. The file is opened before the client is",
      "created: if it cannot be written, nothing is created. The result on standard output does not contain the secret.",
      "In a Kubernetes Secret, `--namespace`, `--label` and `--secret-name` set the metadata, also with `--format k8s-secret`. In",
      "`--secret-name` and in the file names of an import, `{id}` is the client ID. In a file name, characters other than",
      "letters, digits, `_`, `-` and dots are percent-encoded. Two IDs with the same file name, or names that differ only in case, are an error.",
      "If nothing reads the descriptor, writing stops five seconds after `--fail-after`, or two seconds after a signal.",
    ),
    headingPart("Recovery copies"),
    textPart(
      "Before a client is created, its generated secret is saved to a recovery copy: a new file with mode 0600, encrypted if there are",
      "recipients. The copy is removed when the secret has been delivered, or when it is certain that the server created nothing. So the secret",
      "survives signals (including SIGKILL), crashes, a closed or full standard output, and a response that never arrives.",
    ),
    termsPart(
      ["hydra-rescue-ID-….json", "Copy for one client"],
      [
        "hydra-rescue-import-….ndjson",
        "Copies for an import, one client per line. If a client has several lines, the last one is valid",
      ],
      [".FILE.…", "With `--secret-out FILE`: the draft in the same directory, which is then renamed to FILE"],
    ),
    textPart(
      "If a secret cannot be delivered, the client is deleted again, but only if the server confirmed this request and no part of the",
      "secret has been written. Otherwise the copy stays and the message shows its path. If a run was killed, the next `create` or `import`",
      "that finds the client shows the path. Read the secret from it, then delete the file, or in an `.ndjson` file only the line of the client.",
      "There is no copy for a public client or in a dry run, and none of a secret that you gave, unless it is unknown whether the client was created.",
    ),
    textPart(
      "Copies are saved in `--rescue-dir`, or in the first writable directory of `XDG_STATE_HOME`, `HOME`, the working directory and",
      "`TMPDIR`; on Windows, of `LOCALAPPDATA`, `USERPROFILE` and `TEMP`. If none is writable, `create` continues with a warning and `rotate-secret` is refused. An unusable `--rescue-dir` is a",
      "usage error. A copy is lost with its directory: in a container, use a mounted volume. The copy of a rotation is",
      "synced to disk before the request, so it also survives a power failure. The copies of `create` and `import` may not.",
    ),
    headingPart("Rotation"),
    codeLinesPart("hydra clients rotate-secret my-app --secret-out my-app.env"),
    textPart(
      "Rotation changes only the secret. The new secret is saved to a recovery copy before it is sent, and the copy is removed when it has",
      "been delivered. If the server supports rotation, both secrets work until `--drop-old-secrets`. Otherwise the old one stops working",
      "immediately, and a message says so.",
    ),
    textPart(
      "`--verify --public-url URL` checks the new secret at the server's revocation endpoint, which issues no token. It first checks that",
      "the endpoint rejects a wrong secret. `--token-endpoint` checks the secret by requesting a token. Keys (private_key_jwt) and servers",
      "without a revocation endpoint are always checked in this way. Endpoints that the server at `--public-url` announces must have the",
      "same origin.",
    ),
    headingPart("Keys instead of secrets"),
    codeLinesPart(
      "hydra clients create --token-endpoint-auth-method private_key_jwt --generate-key ES256 --key-out app.pem -g client_credentials",
    ),
    textPart(
      "The program generates the key pair. The private key is only written to the file, or encrypted to the recipients: then it is",
      "`client_private_key_encrypted` in JSON and YAML, and `env` and `k8s-secret` omit it.",
    ),
  ],
};

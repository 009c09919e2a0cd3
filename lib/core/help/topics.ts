import { RULE_INFOS, SERVER_REACTION_BY_SEVERITY } from "../client/rules.ts";
import { CONFIG_KEYS } from "../flags/config-file.ts";
import type { Flag } from "../flags/flag.ts";
import {
  ACCESS_TOKEN,
  CONNECTION_FLAGS,
  ENDPOINT,
  FORMAT,
  LOGIN_CLIENT_ID,
  LOGIN_CLIENT_SECRET,
  NO_WARNINGS,
  PUBLIC_URL,
  REQUIRE_PIN,
  SECRET,
  SECRET_LENGTH as SECRET_LENGTH_FLAG,
} from "../flags/shared-flags.ts";
import { STACK } from "../flags/state-flags.ts";
import { DEFAULT_INPUT_LIMIT_AND_HINT, formatSize, inputLimitAndHintFor } from "../input-limits.ts";
import type { FormatKind } from "../output/formats.ts";
import { ENCRYPTED_FORMATS, type EncryptedFormat } from "../pgp/encrypted-format.ts";
import { decryptTextCommand } from "../pgp/recipient.ts";
import { EXIT_CODES, type ExitName, SIGNAL_EXIT_BASE } from "../problem.ts";
import { DEFAULT_SECRET_LENGTH, MAX_BCRYPT_BYTES, MIN_SECRET_LENGTH } from "../secret.ts";
import { joinWords } from "../text.ts";
import { JWK_TOPIC } from "./jwk-topic.ts";
import { STATE_TOPIC } from "./state-topic.ts";
import { TOKENS_TOPIC } from "./tokens-topic.ts";
import { headingPart, linesPart, rowsPart, type Topic, textPart } from "./topic-parts.ts";

export type { Topic, TopicPart } from "./topic-parts.ts";

/** Every output format: how it is typed, and what it is. */
export const FORMAT_MEANINGS: Readonly<Record<FormatKind, readonly [term: string, meaning: string]>> = {
  text: ["text", "Lines of text with the labels of Hydra's 1.x CLI; a list is a table with borders"],
  table: ["table", "Columns, as in Hydra's 2.x CLI: one client as name and value, several as rows"],
  json: ["json", "JSON on one line"],
  "json-pretty": ["json-pretty", "Indented JSON"],
  yaml: ["yaml", "YAML"],
  tsv: ["tsv", "A table with a tab between fields; tabs, line breaks and backslashes in a field are escaped"],
  csv: ["csv", "A table of comma-separated values (RFC 4180)"],
  markdown: ["markdown", "A table in Markdown; of `diff`, a report for a pull request"],
  ndjson: ["ndjson", "One JSON object per line, streamed"],
  env: ["env", "`CLIENT_ID=…` and `CLIENT_SECRET=…`, quoted for a POSIX shell, with an empty line between clients"],
  id: ["id", "Only the client ID, one per line; same as `-q`"],
  "k8s-secret": ["k8s-secret", "A Kubernetes Secret manifest with the credentials, with `---` between clients"],
  pem: ["pem", "Keys in PEM: SPKI for public ones, PKCS #8 for private ones"],
  jsonpath: [
    "jsonpath=EXPR",
    "The value that an expression selects, as JSON: RFC 9535 if it starts with `$`, otherwise a dotted path such as `items.0.client_id`",
  ],
  jsonpointer: ["jsonpointer=PTR", "The value that a JSON Pointer (RFC 6901) selects, as JSON, such as `/client_id`"],
  raw: ["raw=EXPR", "Like `jsonpath`, but strings are not quoted, one value per line: for scripts"],
};

const FORMATS_TOPIC: Topic = {
  name: "formats",
  title: "Output formats",
  parts: [
    textPart(
      "`--format` sets the output format. The default depends on the command syntax: `text` for `hydra clients …`, `table` for",
      "`hydra create oauth2-client` and the other 2.x commands, and `json-pretty` for `hydra clients get`.",
      "`--format default` selects that default, and `quiet` is another name for `id`. `--quiet` wins over `--format`. `auto` is the same, but `list` on a terminal",
      "shows a short table for people: one line per client, as `hydra clients list` does without `--format`.",
    ),
    rowsPart(...Object.values(FORMAT_MEANINGS)),
    headingPart("Standard output and standard error"),
    textPart(
      "Standard output contains only the result. Warnings, notes, progress, prompts and errors go to standard error.",
      "Control characters in server data are escaped in formats for people. The `raw` format prints them unchanged, except on a terminal.",
    ),
    textPart(
      "If the format does not include the secret of a new client, such as `id`, the secret is saved to a file and the path is printed",
      "on standard error (`hydra help secrets`).",
    ),
    headingPart("Advice in scripts"),
    textPart(
      "If standard output and standard error are the same stream (`2>&1`, or the terminal of `docker exec -it`), and `--format` selects",
      "a format for programs, advice and notes are left out, so the output can be parsed:",
    ),
    linesPart("docker exec -it hydra hydra clients list --format json | jq '.items[].client_id'"),
    textPart(
      "`--no-warnings` or `HYDRA_NO_WARNINGS=1` leaves them out everywhere. Errors are always reported, and so are fields that the server",
      "did not keep, the paths of recovery copies, certificates that are not verified and config files that others can change.",
      "Without `-t`, `docker exec` keeps the streams apart, so `2>/dev/null` works too.",
    ),
    headingPart("Tables"),
    textPart(
      "In a pipe, `table` has the columns of Hydra's own 2.x CLI, aligned with tabs. A list ends with the rows `NEXT PAGE TOKEN` and",
      "`IS LAST PAGE`. The column `CLIENT SECRET` is empty unless a secret is delivered.",
    ),
    headingPart("Credentials for other programs"),
    textPart(
      "The `env` format works for all commands that print clients, `k8s-secret` only for commands that deliver a secret: `create`,",
      "`rotate-secret`, `update` and `import`.",
      "If a client's secret is not delivered (the client was skipped, or its secret was given or written elsewhere), `k8s-secret` writes",
      "no manifest and reports that on standard error: a manifest without the secret would remove it from the cluster. For a client",
      "without a secret, the manifest contains only the ID.",
    ),
    headingPart("Lists"),
    textPart(
      "As `json` or `yaml`, a list is an object with `items`, `next_page_token` and `is_last_page`. A `jsonpath` starts at this object:",
      "`--format 'raw=$.items[*].client_id'`. In a dotted path, `#` selects every element (`items.#.client_id`). At the end of a path",
      "it is the number of elements (`items.#`).",
      "Several clients from `get`, `delete` or `import` are an array.",
    ),
    textPart(
      "A client with fields nested more than 500 levels deep is reported as an error, and the exit code is 8. The other clients are",
      "printed. `-q` still lists its ID, and `hydra clients delete` deletes it.",
    ),
    headingPart("Client files"),
    textPart(
      "`--file` and `hydra clients import` read JSON and YAML. A file is read as JSON if its text begins with `{` or `[`, unless its",
      "name ends in `.yaml` or `.yml`. JSON may have comments (`// …` and `/* … */`). Trailing commas and duplicate keys are errors,",
      "reported with their line and column.",
      "A client may be 1 MiB large and nest 500 levels deep, whether it comes from a file or from flags.",
    ),
    headingPart("Errors as JSON"),
    textPart(
      "If a flag or the config file selects a JSON format, errors on standard error are also JSON, one object per line:",
    ),
    linesPart('{"error":"not-found","message":"Cannot get client …","hint":"hydra clients list shows …","status":404}'),
    rowsPart(
      ["error", "Stable name of the error"],
      ["message, hint", "What failed, and what to do next"],
      ["status, request", "HTTP status, and `method` and `url` of the request, if a server was called"],
      ["also", "More lines about the same error"],
      ["more", "Further errors of the same command line"],
    ),
    headingPart("Examples"),
    linesPart(
      "hydra clients get my-app --format raw=redirect_uris.0",
      "hydra clients list --format 'raw=$.items[*].client_id'",
      'eval "$(hydra clients create -n job -g client_credentials --format env)"',
      "hydra clients create -n job -g client_credentials --format k8s-secret | kubectl apply -f -",
    ),
  ],
};

const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  done: "Success",
  failed: "The server rejected the request, `--verify` failed, or another error occurred",
  usage:
    "Usage error: the command line, the environment, the config file or a client file is invalid. Nothing was changed",
  unauthorised:
    "Not authorized: the server, or a proxy in front of it, requires another token or header, or the credentials of a client were rejected",
  notFound: "The client, the key or the key set was not found, or with `--active` the token is inactive",
  conflict: "A client or a key with this ID already exists",
  unreachable:
    "The server or a key server is unreachable, its certificate is not trusted, or the time limit was reached, also after answers such as 503",
  noUsableKey: "No usable encryption key. Nothing was created or changed",
  someFailed: "Some of several clients failed. Each failure is reported on standard error",
  differs: "`diff --exit-code`: the files and the server differ",
};

const EXIT_TOPIC: Topic = {
  name: "exit-codes",
  title: "Exit codes",
  parts: [
    rowsPart(
      ...Object.entries(EXIT_CODES).map(
        ([name, status]) =>
          [String(status), Object.entries(EXIT_MEANINGS).find(([known]) => known === name)?.[1] ?? name] as const,
      ),
      [
        `${SIGNAL_EXIT_BASE}+N`,
        "Ended by signal N: 129 for SIGHUP, 130 for SIGINT (Ctrl-C), 131 for SIGQUIT, 143 for SIGTERM",
      ],
    ),
    textPart(
      "With several clients on one command line, the exit code is 8 if some of them failed. With one client, the exit code is that of its failure.",
      "If a command line has several errors, all are reported and the first one sets the exit code.",
    ),
    textPart(
      "If a reader closes the pipe (`hydra clients list | head`), a command that only reads ends quietly, with the exit code that it",
      "would have anyway. If a secret cannot be delivered, the exit code is 1, and the message says where the secret is; a token that nobody",
      "got is revoked. If any other result of a command that creates, updates, deletes or revokes something cannot be written, the exit",
      "code is also 1, and the message says what was done.",
    ),
    headingPart("In a script"),
    linesPart(
      "hydra clients get my-app -q || case $? in",
      "  4) hydra clients create --id my-app -g client_credentials ;;",
      '  *) exit "$?" ;;',
      "esac",
    ),
    textPart("`hydra clients create --if-exists skip --id my-app` does the same in one step."),
  ],
};

/** The flags that read environment variables. */
const ENV_FLAGS: readonly Flag[] = [
  ENDPOINT,
  ACCESS_TOKEN,
  SECRET,
  PUBLIC_URL,
  LOGIN_CLIENT_ID,
  LOGIN_CLIENT_SECRET,
  STACK,
  NO_WARNINGS,
];

/** Variables that no flag reads. */
const OTHER_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ["HYDRA_VAR_NAME", "Value of the variable `NAME` in client files (`hydra help state`)"],
  [
    "HYDRA_GITHUB_URL",
    "Base URL of GitHub for `github:USER`, such as that of a GitHub Enterprise Server (default: `https://github.com`)",
  ],
  ["HYDRA_KEYBASE_URL", "Base URL of the Keybase API, for a mirror (default: `https://keybase.io`)"],
  ["HYDRA_COMPLETE_IDS", "`0` disables requests for client IDs during shell completion (`hydra help completion`)"],
  [
    "HYDRA_DEBUG",
    "Any value adds a stack trace to the message of an unexpected error. Check it for secrets before sharing it",
  ],
];

const SYSTEM_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ["HOME", "Directory of `.hydra.yaml`, and of recovery copies"],
  [
    "XDG_CONFIG_HOME",
    "On Linux, directory of `hydra/config.yaml`, which is used without `.hydra.yaml` (default: `$HOME/.config`)",
  ],
  ["XDG_STATE_HOME", "First directory for recovery copies, before `HOME`"],
  ["TMPDIR", "Last directory for recovery copies, after the working directory (default: `/tmp`)"],
  ["USERPROFILE", "On Windows, directory of `.hydra.yaml`, instead of `HOME`"],
  ["LOCALAPPDATA", "On Windows, directory of `hydra\\config.yaml`, and the first directory for recovery copies"],
  ["TEMP", "On Windows, last directory for recovery copies, after `USERPROFILE`"],
  ["SystemRoot", "On Windows, directory of `icacls` and `whoami`, which limit the access to files with secrets"],
  ["NO_COLOR", "Any value disables colors, like `--color never`. Results in a pipe or a file never have any"],
  [
    "FORCE_COLOR, CLICOLOR_FORCE",
    "Any value but `0` and `false` colors messages and help in a pipe or a file too; `FORCE_COLOR=0` disables colors",
  ],
  [
    "CI",
    "Any value but `0` and `false`: `hydra` never asks, as with `--no-input`. A missing value is an error, and changes are made without confirmation, as without a terminal. `TERM=dumb` only disables questions for missing values",
  ],
  [
    "PAGER, HYDRA_PAGER",
    "Program that shows long results of `list` and `show` on a terminal, such as `less`. Without these variables, and with `--format` or `-q`, there is none; an empty `HYDRA_PAGER` turns `PAGER` off",
  ],
  ["CLICOLOR, TERM", "No colors on a terminal if `CLICOLOR` is `0` or `TERM` is `dumb`"],
  [
    "HTTP_PROXY, HTTPS_PROXY, NO_PROXY",
    "Proxy settings, in upper or lower case. Loopback addresses and unix sockets never use a proxy",
  ],
  [
    "SSL_CERT_FILE",
    "Additional trusted certificates, for all connections. `NODE_EXTRA_CA_CERTS`, `CURL_CA_BUNDLE`, `REQUESTS_CA_BUNDLE` and `NODE_TLS_REJECT_UNAUTHORIZED` have no effect; the hint of a certificate error names those that are set",
  ],
  [
    "BUN_INSPECT, BUN_OPTIONS",
    "The program refuses to start if `BUN_INSPECT` is set, if `BUN_OPTIONS` comes with `BUN_INSPECT_PRELOAD`, or if it loads code (preload, require, import, config), opens a debugger (inspect) or saves the heap (heap-prof)",
  ],
  [
    "BUN_BE_BUN",
    "Turns the program into Bun itself before any of its own code runs. Never let untrusted users set it (`SECURITY.md`)",
  ],
];

const ENVIRONMENT_TOPIC: Topic = {
  name: "environment",
  title: "Environment variables",
  parts: [
    textPart(
      "Flags override environment variables, and environment variables override the config file. Empty variables are ignored.",
      "Help shows the names of variables, never their values.",
    ),
    rowsPart(
      ...ENV_FLAGS.flatMap((flag) =>
        (flag.env ?? []).map(
          (name, at) =>
            [
              name,
              `${flag.help.split(". ")[0] ?? ""} (\`--${flag.name}\`)${at === 0 ? "" : `. Used if ${joinWords(flag.env?.slice(0, at) ?? [])} ${at === 1 ? "is" : "are"} not set`}`,
            ] as const,
        ),
      ),
      ...OTHER_VARIABLES,
    ),
    textPart("Only `create` reads `HYDRA_CLIENT_SECRET`. `update` and `rotate-secret` take a secret only from a flag."),
    textPart("`export` reads `HYDRA_STACK` only if nothing else selects clients."),
    textPart("`HYDRA_VAR_` and a name is the value of a variable in files of clients, if `--var` does not give it."),
    textPart(
      "To `token client`, `user`, `device` and `revoke`, `HYDRA_URL` and `ORY_SDK_URL` are the public URL. They use them if",
      "`HYDRA_PUBLIC_URL` is not set. `token delete` reads `OAUTH2_CLIENT_ID` if the command line names no client.",
    ),
    headingPart("System variables"),
    rowsPart(...SYSTEM_VARIABLES),
    textPart("A `.env` file in the working directory is not read."),
  ],
};

const FORM_MEANINGS: Readonly<Record<EncryptedFormat, string>> = {
  base64: "base64 of the binary message, on one line (the default)",
  armor: "ASCII armor, over several lines",
  "base64-armor": "base64 of the armored message, on one line, as Hydra's 2.x CLI prints it",
};

const ENCRYPTION_TOPIC: Topic = {
  name: "encryption",
  title: "Encrypting secrets",
  parts: [
    textPart(
      "The person who creates a client often should not see its secret, and logs keep printed output. With a recipient, only the",
      "encrypted secret is printed. No plain secret and no other credential from the server's answer appears anywhere.",
    ),
    headingPart("Recipients"),
    rowsPart(
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
      "names the key and the solution. The newest usable subkey is used; `-v` shows why others were rejected.",
      "`hydra pgp inspect KEY` shows the result of these checks.",
    ),
    textPart(
      "Keys are fetched over https, or over http from this machine. From another machine, http requires `--pgp-fingerprint`. At most",
      "five redirects are followed, never from https to http, and at most 1 MiB is read. Credentials of the admin API are not sent, and",
      "`--ca-file` does not apply. To trust your own certificate authority for keys, set `SSL_CERT_FILE`.",
    ),
    headingPart("The encrypted secret"),
    textPart("Its place depends on the output format:"),
    rowsPart(
      ["text", "After `OAuth 2.0 Encrypted Client Secret:`"],
      ["json, yaml", "`client_secret_encrypted`, with the recipients in `client_secret_recipients`"],
      ["env, k8s-secret", "`CLIENT_SECRET_ENCRYPTED`"],
    ),
    textPart("`--encrypted-format` sets its encoding:"),
    rowsPart(...ENCRYPTED_FORMATS.map((form) => [form, FORM_MEANINGS[form]] as const)),
    textPart("Standard error shows the fingerprint of each key that was used, and the command that decrypts:"),
    linesPart(decryptTextCommand("base64")),
    textPart(
      "GnuPG does not support version 6 keys (RFC 9580). For these, the message shows a tool that does, such as rsop.",
    ),
    textPart(
      "A secret that you give, for example with `--secret-file`, is encrypted in the same way. A client without a secret",
      "(`--token-endpoint-auth-method none`) has nothing to encrypt, so a recipient is a usage error.",
    ),
  ],
};

const SERVERS_TOPIC: Topic = {
  name: "servers",
  title: "Supported servers",
  parts: [
    textPart(
      "The program is tested with Hydra 1.8 to 26.x. It detects the API version with the first request: if a 2.x path does not exist,",
      "the server is 1.x. `--api v1` and `--api v2` disable detection. The version that a server reports is not used.",
    ),
    headingPart("The endpoint"),
    textPart(
      "Set the URL of the admin API with `--endpoint`, `HYDRA_ADMIN_URL`, `ORY_SDK_URL`, `HYDRA_URL` or `endpoint` in the config file. Its port is",
      "4445 by default; 4444 is the public port. An endpoint is required: the sandbox is never used by default.",
    ),
    rowsPart(
      ["http://host:4445", "Plain HTTP"],
      ["https://host", "TLS, with the bundled and the system's certificate authorities, and those of `--ca-file`"],
      ["unix:///path", "A unix socket, with the same headers and retries"],
    ),
    textPart(
      "A path in the URL is kept, except a trailing `/admin`, which the program adds itself if the server needs it. `user:password@` in",
      "the URL is sent as Basic credentials, with the same precedence as `--access-token`: from a flag or a variable, it overrides the",
      "credentials of the config file. Redirects of the admin API are never followed; the error shows their target.",
    ),
    headingPart("Differences between versions"),
    rowsPart(
      [
        "Updates",
        "PATCH on 2.x. On 1.x, GET and then PUT without the secret, which keeps it; PATCH is rejected there or breaks the secret",
      ],
      [
        "Client IDs",
        "Hydra 2.0 and 2.1 reject `--id`. The program sends no ID there, and does not retry a create that may have succeeded",
      ],
      ["Unknown clients", "Hydra 1.8 answers 401 for an unknown client; it is still reported as not found"],
      ["Lists", "All pages are fetched. `--owner` and `--name` also work if the server ignores them"],
      [
        "Fields",
        "A field that no server of this API version supports is an error before anything is changed. A field that this server ignores causes a warning, and updates do not send it",
      ],
      [
        "Rotation",
        "If the server supports rotation, the old secret works until `--drop-old-secrets`. Otherwise it stops working immediately",
      ],
    ),
    headingPart("What counts as a difference"),
    textPart(
      "`update`, `create --if-exists update` and `import --if-exists update` write only if a value differs, so a second run writes",
      "nothing. On Hydra 26, each write also invalidates the client's registration access token. These are not differences:",
    ),
    rowsPart(
      ["No value", 'Absent, `null`, `""`, `[]`, `{}` and `false`'],
      [
        "Defaults",
        "No value and the server's default: `authorization_code`, `code`, `public`, `client_secret_basic`, `none`",
      ],
      ["Lists", "Order and duplicates, also in `scope` and within one response type"],
      ["Origins", "A trailing slash, and the case of the scheme"],
      ["Lifespans", "Spelling (`60m` and `1h`). But `0s` and no lifespan are different"],
      ["Keys", "Their order, and members that the servers ignore"],
      ["Metadata", "The order of the members of an object"],
    ),
    textPart(
      "A missing or empty scope is not compared, because the server sets its own default. `update --unset scope` requests that default",
      "every time. A secret that you give is written every time, because the server never returns it for comparison.",
    ),
    headingPart("Retries"),
    textPart(
      "Failed and broken connections, 429, 502, 503 and 504 are retried with increasing delays until `--fail-after` (1m0s) has passed,",
      "and so are requests that the server's database rolled back because of another one at the same time.",
      "`Retry-After` is respected. Then the command exits with 6 and shows the server's last answer. `--fail-after 0`",
      "means a single attempt.",
      "The first failure is reported immediately.",
    ),
    textPart(
      "Retrying a create is safe: the program generates the client ID, so a client that exists after a lost answer was created by this run.",
      "With `--id` that isn't certain: the client is then reported as a conflict, and the secret stays in its recovery copy.",
      "A 500 without an error message from Hydra is retried once. A 500 with one, other statuses, certificate errors and answers that are",
      "not HTTP are not retried.",
    ),
    headingPart("Waiting for the server"),
    linesPart("hydra wait --for 2m"),
    headingPart("Testing without a server"),
    linesPart("hydra sandbox --as 1.11 --listen 127.0.0.1:4445"),
    textPart(
      "The sandbox behaves like that version of Hydra, and keeps its clients only in memory. It answers 403 to requests that a web page",
      "could send: those with a `Host` that isn't this machine (except on a unix socket), and those with an `Origin` of another site.",
    ),
  ],
};

/** Example values for the keys of the config file. */
const CONFIG_EXAMPLES: Readonly<Record<string, string>> = {
  endpoint: "https://admin.example.com",
  public_url: "https://auth.example.com",
  access_token: "…",
  headers: '["X-Tenant: a"]',
  fail_after: "30s",
  api: "v2",
  ca_file: "/etc/ssl/private-ca.pem",
  skip_tls_verify: "false",
  fake_tls_termination: "false",
  format: "json",
  require_pin: "true",
};

/** The flag that a key of the config file sets. */
function configFlag(key: string): Flag | undefined {
  return [...CONNECTION_FLAGS, PUBLIC_URL, FORMAT, REQUIRE_PIN].find((flag) => flag.file === key);
}

const CONFIG_TOPIC: Topic = {
  name: "config",
  title: "Config file",
  parts: [
    textPart(
      "A YAML file, or JSON with or without comments. The path is that of `--config`, or the first of these that exists:",
      "`$HOME/.hydra.yaml` and, on Linux, `$XDG_CONFIG_HOME/hydra/config.yaml` (`~/.config/hydra/config.yaml`). On Windows:",
      "`%USERPROFILE%\\.hydra.yaml` and `%LOCALAPPDATA%\\hydra\\config.yaml`.",
      "A file given with `--config` must exist.",
      "Precedence: flag, environment variable, config file, default. Errors name the source of a value.",
    ),
    rowsPart(
      ...CONFIG_KEYS.map((key) => {
        const flag = configFlag(key);
        return [key, `${flag?.help ?? ""} (\`--${flag?.name ?? key}\`)`] as const;
      }),
    ),
    linesPart(...CONFIG_KEYS.map((key) => `${key}: ${CONFIG_EXAMPLES[key] ?? "…"}`)),
    textPart(
      "`headers` is a list of `Name: value`, or a map from names to values. Unknown keys are ignored, because they may belong to the",
      "server; `-v` lists them.",
    ),
    headingPart("Credentials"),
    textPart(
      "`access_token` and `headers` are only sent to the `endpoint` of the same file (same scheme, host and port). If a flag or a variable",
      "sets another endpoint, the command exits with 2 and names both sources.",
      "If other users can read a file with credentials, there is a warning.",
    ),
    headingPart("Permissions"),
    textPart(
      "A default config file is rejected (exit code 2) if it belongs to anyone but you or root, or if every user can write to it, because it",
      "decides where your credentials go. If its group can write to it, there is a warning. A file given with `--config` is always used,",
      "with a warning in these cases. On Windows, nothing is checked: keep the file in your profile, where only you can write.",
      `At most ${formatSize(DEFAULT_INPUT_LIMIT_AND_HINT.bytes)} of a config file is read.`,
    ),
  ],
};

const SECRETS_TOPIC: Topic = {
  name: "secrets",
  title: "Secrets: input, output and recovery",
  parts: [
    textPart(
      `By default, the program generates a secret of ${DEFAULT_SECRET_LENGTH} characters that need no escaping anywhere, and prints it once.`,
      `\`--${SECRET_LENGTH_FLAG.name}\` sets the length, up to ${MAX_BCRYPT_BYTES}.`,
      "Hydra never returns a secret later. A client with `--token-endpoint-auth-method none` has no secret.",
    ),
    headingPart("Input"),
    rowsPart(
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
    rowsPart(
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
      "created: if it cannot be written, nothing is created. The result on standard output then does not contain the secret.",
      "In a Kubernetes Secret, `--namespace`, `--label` and `--secret-name` set the metadata, also with `--format k8s-secret`. In",
      "`--secret-name` and in the file names of an import, `{id}` is the client ID. In a file name, characters other than",
      "letters, digits, `_`, `-` and dots are percent-encoded. Two IDs with the same file name, also where case is ignored, are an error.",
      "If nothing reads the descriptor, writing stops five seconds after `--fail-after`, or two seconds after a signal.",
    ),
    headingPart("Recovery copies"),
    textPart(
      "Before a client is created, its generated secret is saved to a recovery copy: a new file with mode 0600, encrypted if there are",
      "recipients. The copy is removed when the secret has been delivered, or when the server has certainly created nothing. So the secret",
      "survives signals (including SIGKILL), crashes, a closed or full standard output, and an answer that never arrives.",
    ),
    rowsPart(
      ["hydra-rescue-ID-….json", "Copy for one client"],
      [
        "hydra-rescue-import-….ndjson",
        "Copies for an import, one client per line. If a client has several lines, the last one is valid",
      ],
      [".FILE.…", "With `--secret-out FILE`: the draft in the same directory, which is then renamed to FILE"],
    ),
    textPart(
      "If a secret cannot be delivered, the client is deleted again, but only if the server confirmed this request and no part of the",
      "secret has been written. Otherwise the copy stays and the message shows its path. Read the secret from it, then delete the file.",
      "There is no copy for a public client, for a secret that you gave, or in a dry run.",
    ),
    textPart(
      "Copies are saved in `--rescue-dir`, or in the first writable directory of `XDG_STATE_HOME`, `HOME`, the working directory and",
      "`TMPDIR`; on Windows, of `LOCALAPPDATA`, `USERPROFILE` and `TEMP`. If none is writable, `create` continues with a warning and `rotate-secret` is refused. An unusable `--rescue-dir` is a",
      "usage error. A copy helps only as long as its directory exists: in a container, use a mounted volume. The copy of a rotation is",
      "synced to disk before the request, so it also survives a power failure. Those of `create` and `import` may not.",
    ),
    headingPart("Rotation"),
    linesPart("hydra clients rotate-secret my-app --secret-out my-app.env"),
    textPart(
      "Rotation changes only the secret. The new secret is saved to a recovery copy before it is sent, and the copy is removed when it has",
      "been delivered. If the server supports rotation, both secrets work until `--drop-old-secrets`. Otherwise the old one stops working",
      "immediately, and a message says so.",
    ),
    textPart(
      "`--verify --public-url URL` checks the new secret at the server's revocation endpoint, which issues no token. It first checks that",
      "the endpoint rejects a wrong secret. `--token-endpoint` checks the secret by requesting a token. Keys (private_key_jwt) and servers",
      "without a revocation endpoint are also checked in this way. Endpoints that the server at `--public-url` announces must have the",
      "same origin.",
    ),
    headingPart("Keys instead of secrets"),
    linesPart(
      "hydra clients create --token-endpoint-auth-method private_key_jwt --generate-key ES256 --key-out app.pem -g client_credentials",
    ),
    textPart(
      "The program generates the key pair. The private key is only written to the file, or encrypted to the recipients.",
    ),
  ],
};

const RULES_TOPIC: Topic = {
  name: "rules",
  title: "Client validation",
  parts: [
    textPart(
      "A client is checked before anything is sent, and all problems are reported at once. Each rule has a stable name. JSON errors",
      "have it in `error`, and warnings show it in brackets.",
    ),
    headingPart("Errors"),
    textPart("The client could not be used. Every server rejects it, unless the rule says otherwise:"),
    rowsPart(...ruleRows("error")),
    headingPart("Warnings"),
    textPart(
      "Often a mistake, but every server accepts it, unless the rule says otherwise. `--strict` turns warnings into errors:",
    ),
    rowsPart(...ruleRows("warning")),
    headingPart("Input limits"),
    textPart(
      "Input over its limit is a usage error, whether it comes from a file, a pipe, a terminal or a device. The limits:",
      `${formatSize(inputLimitAndHintFor("--secret-file").bytes)} for \`--secret-file\`, ${formatSize(inputLimitAndHintFor("--access-token-file").bytes)} for \`--access-token-file\`,`,
      `${formatSize(inputLimitAndHintFor("import").bytes)} for all files of one \`hydra clients import\`, \`diff\` or \`apply\` together and for the IDs of \`hydra clients delete -\`, and`,
      `${formatSize(DEFAULT_INPUT_LIMIT_AND_HINT.bytes)} for each other file: \`--file\`, \`--jwks\`, \`--pgp-key @FILE\`, \`--ca-file\`, \`hydra pgp inspect\` and the config file.`,
    ),
  ],
};

function ruleRows(severity: "error" | "warning"): readonly (readonly [string, string])[] {
  return RULE_INFOS.filter((rule) => rule.severity === severity).map(({ name, hint, servers }) => [
    name,
    servers === SERVER_REACTION_BY_SEVERITY[severity] ? hint : `${hint} (${servers})`,
  ]);
}

/** Every topic, in the order in which they are listed. */
export const TOPICS: readonly Topic[] = [
  FORMATS_TOPIC,
  EXIT_TOPIC,
  ENVIRONMENT_TOPIC,
  CONFIG_TOPIC,
  SERVERS_TOPIC,
  SECRETS_TOPIC,
  ENCRYPTION_TOPIC,
  TOKENS_TOPIC,
  JWK_TOPIC,
  RULES_TOPIC,
  STATE_TOPIC,
];

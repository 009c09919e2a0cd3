import { RULE_NAMES } from "../client/rules.ts";
import { CONFIG_KEYS } from "../flags/config-file.ts";
import {
  ACCESS_TOKEN,
  CONNECTION_FLAGS,
  ENDPOINT,
  FORMAT,
  PUBLIC_URL,
  REQUIRE_PIN,
  SECRET,
  SECRET_LENGTH as SECRET_LENGTH_FLAG,
} from "../flags/flag-table.ts";
import type { Flag } from "../flags/parse.ts";
import { INPUT_LIMIT, limitOf, sizeText } from "../input-limits.ts";
import { decryptLine, ENCRYPTED_FORMATS, type EncryptedFormat } from "../keys/recipient.ts";
import type { FormatKind } from "../output/formats.ts";
import { BY_SIGNAL, EXIT, type ExitName } from "../problem.ts";
import { SECRET_BCRYPT_BYTES, SECRET_LENGTH, SECRET_SHORTEST } from "../secret.ts";

/** A piece of a topic; in all of its texts, back-quoted words are what a person types or sees. */
export type TopicPart =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  /** Terms with what they mean. */
  | { readonly kind: "rows"; readonly rows: readonly (readonly [term: string, meaning: string])[] }
  /** Lines as they are typed or read. */
  | { readonly kind: "lines"; readonly lines: readonly string[] };

/** A page of the manual that is about no single command. */
export interface Topic {
  /** What follows `hydra help`. */
  readonly name: string;
  /** One line, as a heading. */
  readonly title: string;
  readonly parts: readonly TopicPart[];
}

function heading(text: string): TopicPart {
  return { kind: "heading", text };
}

function text(...sentences: readonly string[]): TopicPart {
  return { kind: "text", text: sentences.join(" ") };
}

function rows(...found: readonly (readonly [term: string, meaning: string])[]): TopicPart {
  return { kind: "rows", rows: found };
}

function lines(...found: readonly string[]): TopicPart {
  return { kind: "lines", lines: found };
}

/** What each output format is, as it is typed and in words. */
export const FORMAT_MEANINGS: Readonly<Record<FormatKind, readonly [term: string, meaning: string]>> = {
  text: ["text", "Lines for people, with the labels of Hydra's 1.x command; a list is a table with borders"],
  table: ["table", "Columns for people, as Hydra's 2.x command has them: one client downwards, many as rows"],
  json: ["json", "JSON on one line"],
  "json-pretty": ["json-pretty", "JSON over several lines, indented"],
  yaml: ["yaml", "YAML"],
  ndjson: ["ndjson", "One JSON object a line, each written as soon as it is known"],
  env: ["env", "`CLIENT_ID=…` and `CLIENT_SECRET=…`, quoted for a POSIX shell; an empty line stands between clients"],
  id: ["id", "The id alone, one a line; `-q` is short for it"],
  "k8s-secret": [
    "k8s-secret",
    "The manifest of a Kubernetes Secret with what is delivered; `---` stands between clients",
  ],
  jsonpath: [
    "jsonpath=EXPR",
    "What an expression selects, as JSON: RFC 9535 where it begins with `$`, else a dotted path such as `items.0.client_id`",
  ],
  jsonpointer: ["jsonpointer=PTR", "What a JSON Pointer selects (RFC 6901), as JSON, such as `/client_id`"],
  raw: ["raw=EXPR", "As `jsonpath`, with texts bare instead of quoted, one value a line: for scripts"],
};

const FORMATS_TOPIC: Topic = {
  name: "formats",
  title: "How results are written",
  parts: [
    text(
      "`--format` chooses how a result is written. Without it the grammar has its own: `text` for `hydra clients …`,",
      "`table` for `hydra create oauth2-client` and its kind, `json-pretty` for `hydra clients get`.",
      "`--format default` asks for just that, and `quiet` is another name of `id`.",
    ),
    rows(...Object.values(FORMAT_MEANINGS)),
    heading("Standard output and standard error"),
    text(
      "Standard output has the result and nothing else. Warnings, notes, progress, questions and errors go to standard error.",
      "Control characters in what a server sends are made harmless wherever people read; `raw` is exact except on a terminal.",
    ),
    text(
      "A format that leaves the secret of a new client out, such as `id`, makes the program keep it in a file and say which",
      "(`hydra help secrets`).",
    ),
    heading("Credentials for programs"),
    text(
      "`env` is for commands about clients, `k8s-secret` for those that deliver a secret: `create`, `rotate-secret`, `update` and `import`.",
      "Of a client whose secret is not delivered (it was skipped, given or written elsewhere) `k8s-secret` writes nothing and standard",
      "error says so: a manifest without the secret would take it out of the cluster. A client that has none is written with its id alone.",
    ),
    heading("Lists"),
    text(
      "A list as `json` or `yaml` is an object: `items` has the clients, `next_page_token` and `is_last_page` follow. A `jsonpath`",
      "starts from there: `--format 'raw=$.items[*].client_id'`. In a dotted path `#` stands for every element (`items.#.client_id`),",
      "or for their number where it is the end (`items.#`).",
      "Several clients of `get`, `delete` or `import` are an array.",
    ),
    text(
      "A client with fields nested more than 500 levels deep is reported as an error, and the exit code is 8. The other clients are",
      "printed. `-q` still lists its ID, and `hydra clients delete` deletes it.",
    ),
    heading("Client files"),
    text(
      "`--file` and `hydra clients import` read JSON and YAML. A file is read as JSON if its text begins with `{` or `[`, unless its",
      "name ends in `.yaml` or `.yml`. JSON may have comments (`// …` and `/* … */`). Trailing commas and duplicate keys are errors,",
      "reported with their line and column.",
      "A client may be 1 MiB large and nest 500 levels deep, whether it comes from a file or from flags.",
    ),
    heading("Errors as JSON"),
    text(
      "Where a JSON format is asked for by the flag or the config file, errors on standard error are JSON too, one object a line:",
    ),
    lines('{"error":"not-found","message":"Cannot get client …","hint":"hydra clients list shows …","status":404}'),
    text(
      "`error` is a stable name, `hint` the next thing to do. `status` is the server's, and `request` has `method` and `url`,",
      "where a server was asked. `also` has lines that belong to the error, `more` further errors of the same command line.",
    ),
    heading("Examples"),
    lines(
      "hydra clients get my-app --format raw=redirect_uris.0",
      "hydra clients list --format 'raw=$.items[*].client_id'",
      'eval "$(hydra clients create -n job -g client_credentials --format env)"',
      "hydra clients create -n job -g client_credentials --format k8s-secret | kubectl apply -f -",
    ),
  ],
};

const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  done: "Done",
  failed: "The server refused, a proof with `--verify` failed, or anything else went wrong",
  usage: "Wrong usage: of the command line, the environment, the config file or a file of clients. Nothing was changed",
  unauthorised: "Not authorised: the server, or a proxy before it, wants another token or header",
  notFound: "There is no such client",
  conflict: "There is a client of this id already",
  unreachable:
    "The server could not be reached, its certificate is not trusted, or time ran out, also over answers such as 503; a key server too",
  noUsableKey: "A secret cannot be encrypted: no usable key. Nothing was created or changed",
  someFailed: "Some of many failed; each failure is told on standard error",
};

const EXIT_TOPIC: Topic = {
  name: "exit-codes",
  title: "What the exit status says",
  parts: [
    rows(
      ...Object.entries(EXIT).map(
        ([name, status]) =>
          [String(status), Object.entries(EXIT_MEANINGS).find(([known]) => known === name)?.[1] ?? name] as const,
      ),
      [
        `${BY_SIGNAL}+N`,
        "Ended by signal N: 130 for SIGINT (Ctrl-C), 131 for SIGQUIT, 143 for SIGTERM, 129 for SIGHUP",
      ],
    ),
    text(
      "With several clients on one command line, 8 says that some failed; with one alone, the status is that of its failure.",
      "When several things are wrong with a command line, all are told at once and the first gives the status.",
    ),
    text(
      "A reader that closes the pipe (`hydra clients list | head`) ends a reading command with 0. A secret that could not be handed",
      "over ends with 1, whatever the reason, and the message says where it is; so does any other result of a command that makes,",
      "changes or deletes clients, and the message names them.",
    ),
    heading("In a pipeline"),
    lines(
      "hydra clients get my-app -q || case $? in",
      "  4) hydra clients create --id my-app -g client_credentials ;;",
      '  *) exit "$?" ;;',
      "esac",
    ),
    text("`hydra clients create --if-exists skip --id my-app` does the same in one step."),
  ],
};

/** The flags that read environment variables. */
const ENV_FLAGS: readonly Flag[] = [ENDPOINT, ACCESS_TOKEN, SECRET, PUBLIC_URL];

/** Variables that no flag row reads. */
const OTHER_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ["HYDRA_KEYBASE_URL", "Base address of the Keybase lookup, for a mirror; `https://keybase.io` without it"],
  ["HYDRA_COMPLETE_IDS", "`0` keeps shell completion from asking the server for client ids (`hydra help completion`)"],
  [
    "HYDRA_DEBUG",
    "Any value adds the stack to the message of an unexpected failure; look for secrets before you pass it on",
  ],
];

const SYSTEM_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ["HOME", "Where `.hydra.yaml` is looked for, and a place for recovery copies"],
  ["XDG_STATE_HOME", "The first place for recovery copies, before `HOME`"],
  ["TMPDIR", "The last place for recovery copies, after the working directory; `/tmp` without it"],
  ["NO_COLOR", "Any value turns colours off; they are used on a terminal alone, and not where `TERM` is `dumb`"],
  [
    "HTTP_PROXY, HTTPS_PROXY, NO_PROXY",
    "Proxies for the network, in capital or small letters. Loopback and unix sockets never go through one",
  ],
  [
    "SSL_CERT_FILE",
    "Certificates of the system, trusted beside the bundled ones; those of `NODE_EXTRA_CA_CERTS` are not trusted, and `NODE_TLS_REJECT_UNAUTHORIZED` has no effect",
  ],
  [
    "BUN_INSPECT, BUN_OPTIONS",
    "The program refuses to start with `BUN_INSPECT`, and with a `BUN_OPTIONS` that loads code (preload, require, import, config), opens a debugger (inspect) or saves the heap (heap-prof)",
  ],
  [
    "BUN_BE_BUN",
    "It turns the program into Bun itself, before any of its own code runs: never let others set it (`SECURITY.md`)",
  ],
];

const ENVIRONMENT_TOPIC: Topic = {
  name: "environment",
  title: "Environment variables",
  parts: [
    text(
      "A flag counts before its variable, and the variable before the config file. An empty variable is as good as none.",
      "Help shows the names of variables and never their values.",
    ),
    rows(
      ...ENV_FLAGS.flatMap((flag) =>
        (flag.env ?? []).map(
          (name, at) =>
            [
              name,
              `For \`--${flag.name}\`: ${flag.help.split(". ")[0] ?? ""}${at === 0 ? "" : `. Read where ${flag.env?.[0] ?? ""} is not set`}`,
            ] as const,
        ),
      ),
      ...OTHER_VARIABLES,
    ),
    text("`HYDRA_CLIENT_SECRET` counts for a create alone: an update and a rotation take a secret from a flag."),
    heading("Variables of the system"),
    rows(...SYSTEM_VARIABLES),
    text("A `.env` file in the working folder is not read."),
  ],
};

const FORM_MEANINGS: Readonly<Record<EncryptedFormat, string>> = {
  base64: "base64 of the binary message, on one line (the default)",
  armor: "ASCII armor, over several lines",
  "base64-armor": "base64 of the armored message, on one line, as Hydra's 2.x command writes it",
};

const ENCRYPTION_TOPIC: Topic = {
  name: "encryption",
  title: "Encrypting a secret to the people who need it",
  parts: [
    text(
      "Whoever runs a create is often not the one who needs the secret, and logs keep what is printed. With a recipient, only the",
      "encrypted secret leaves the program: no plain secret and no other credential of the answer appears anywhere.",
    ),
    heading("Recipients"),
    rows(
      [
        "--pgp-key KEY",
        "A public key: base64 of the binary or the armored key, armored text, `@FILE`, `-` for standard input, or `wkd:user@host`",
      ],
      ["--pgp-key-url URL", "The key at an address, or `wkd:user@host` for a Web Key Directory"],
      ["--keybase NAME", "The OpenPGP key of a Keybase user; several names with commas"],
      [
        "--pgp-fingerprint FINGERPRINT",
        "The full fingerprint that a key must have; with any, every key needs one of them",
      ],
      [
        "--require-pin",
        "Refuse a key that is fetched (by URL, `wkd:` or Keybase) without `--pgp-fingerprint`; `require_pin: true` in the config file",
      ],
    ),
    text("They repeat and mix. There is one message, and every recipient can read it."),
    heading("Before anything is created"),
    text(
      "Every key is fetched and judged, and the secret is encrypted, before the client is created. A key that is expired, revoked, weak,",
      "self-signed over SHA-1 only, private, for signatures alone or broken ends the command with status 7, its message names the key and the way out, and nothing was",
      "created. The newest subkey that can be used is taken; `-v` names the others and why not. `hydra pgp inspect KEY` shows the judgement.",
    ),
    text(
      "Keys are fetched over https, or over http from this machine; over http from elsewhere only with `--pgp-fingerprint`. At most",
      "five redirects are followed, none from https to http, and 1 MiB is read. No credential of the admin API is sent, and its `--ca-file`",
      "does not count: an authority of your own is trusted for keys by `SSL_CERT_FILE`.",
    ),
    heading("The encrypted secret"),
    text(
      "It stands behind `OAuth 2.0 Encrypted Client Secret:` in text, in `client_secret_encrypted` of JSON and YAML beside",
      "`client_secret_recipients`, and in `CLIENT_SECRET_ENCRYPTED` of `env` and `k8s-secret`. `--encrypted-format` chooses its form:",
    ),
    rows(...ENCRYPTED_FORMATS.map((form) => [form, FORM_MEANINGS[form]] as const)),
    text("Standard error tells each fingerprint that was encrypted to, and the line that decrypts:"),
    lines(decryptLine("base64")),
    text("GnuPG cannot use keys of version 6 (RFC 9580). For those the line names a tool that can, such as rsop."),
    text(
      "A secret that you give, with `--secret-file` for example, is encrypted as one that is made here. A client without a secret",
      "(`--token-endpoint-auth-method none`) has nothing to encrypt, so a recipient for it is wrong usage.",
    ),
  ],
};

const SERVERS_TOPIC: Topic = {
  name: "servers",
  title: "Which servers, and how they are reached",
  parts: [
    text(
      "The program is tested with Hydra 1.8 to 26.x. Which family answers is found out by the first request: a path of 2.x that",
      "does not exist means 1.x. `--api v1` and `--api v2` skip the question, and the version that a server states is not looked at.",
    ),
    heading("The endpoint"),
    text(
      "`--endpoint`, `HYDRA_ADMIN_URL`, `ORY_SDK_URL` or `endpoint` of the config file name the admin port, 4445 by default and not the",
      "public 4444:",
    ),
    rows(
      ["http://host:4445", "Plain HTTP"],
      ["https://host", "TLS, with the bundled and the system's authorities, and those of `--ca-file` on top"],
      ["unix:///path", "A unix socket; it carries every header and retries as the others do"],
    ),
    text(
      "A path in the address is kept, save for `/admin` at its end, which the program adds where the server has it. `user:password@` in",
      "it becomes Basic credentials, which count as `--access-token` does: from a flag or a variable before those of the config file.",
      "Redirects of the admin API are never followed; the error says where they point.",
      "Without an endpoint there is an error: the sandbox is never used silently.",
    ),
    heading("What differs by version"),
    rows(
      [
        "Updates",
        "2.x by PATCH. 1.x by GET and PUT without the secret, which keeps it: a PATCH there is refused or breaks the secret",
      ],
      [
        "Chosen ids",
        "Hydra 2.0 and 2.1 refuse `--id`; the program leaves its own id out there, and does not repeat a create that may have worked",
      ],
      ["Unknown clients", "Hydra 1.8 answers 401 for a client that is not there; it is told as not found all the same"],
      [
        "Lists",
        "All pages are fetched in either family's way; `--owner` and `--name` also work where the server ignores them",
      ],
      [
        "Fields",
        "A field that no server of the family knows is refused by name before anything is changed; one that this server does not keep brings a warning, and an update does not send it",
      ],
      [
        "Rotation",
        "Where the server has one of its own, the old secret works until `--drop-old-secrets`; elsewhere it stops at once",
      ],
    ),
    heading("What counts as a difference"),
    text(
      "`update`, `create --if-exists update` and `import --if-exists update` write only if a value differs, so a second run writes",
      "nothing. On Hydra 26 each write also ends the client's registration access token. These are not differences:",
    ),
    rows(
      ["No value", 'absent, `null`, `""`, `[]`, `{}` and `false`'],
      [
        "Defaults",
        "no value and what the server puts there: `authorization_code`, `code`, `public`, `client_secret_basic`, `none`",
      ],
      ["Lists", "order and duplicates, also in `scope` and within one response type"],
      ["Origins", "a slash at the end, and the case of the scheme"],
      ["Lifespans", "spelling (`60m` and `1h`); `0s` and no lifespan are different"],
      ["Keys", "their order, and members that the servers drop"],
      ["Metadata", "the order of the members of an object"],
    ),
    text(
      "A scope that is left out or empty is not compared: the server has its own default. `update --unset scope` asks for that each time.",
      "A secret that is given is written each time, because no server returns it.",
    ),
    heading("Retries"),
    text(
      "No connection, a connection that breaks, 429, 502, 503 and 504 are tried again with growing pauses, a `Retry-After` kept, until",
      "`--fail-after` (1m0s) is over, which ends with status 6 and the server's last answer; `0` is a single try. A create is repeated safely: its id is chosen here, so a client that is there",
      "after a lost answer is this run's own. A 500 without an error of the server's own is tried twice; one with it, other statuses,",
      "certificate errors and answers that are not HTTP are final. The first failure is told at once.",
    ),
    heading("Before the server is up"),
    lines("hydra wait --for 2m"),
    heading("To try things on"),
    lines("hydra sandbox --as 1.11 --listen 127.0.0.1:4445"),
    text(
      "It answers as that version does, keeps everything in memory and forgets it at its end. It rejects what a web page could send with",
      "status 403: a `Host` that isn't this machine (except on a unix socket), and an `Origin` of another site.",
    ),
  ],
};

/** The value that shows how a key of the config file is written, by the kind of its flag. */
const CONFIG_EXAMPLES: Readonly<Record<string, string>> = {
  endpoint: "https://admin.example.com",
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

/** The flag that a key of the config file stands for. */
function configFlag(key: string): Flag | undefined {
  return [...CONNECTION_FLAGS, FORMAT, REQUIRE_PIN].find((flag) => flag.file === key);
}

const CONFIG_TOPIC: Topic = {
  name: "config",
  title: "The config file",
  parts: [
    text(
      "YAML, at the path of `--config`, else at `$HOME/.hydra.yaml` where there is one. A file that `--config` names must be there.",
      "It may also be JSON, which may have comments.",
      "Each setting counts in this order: flag, environment variable, config file, default. Errors say which of them a value came from.",
    ),
    rows(
      ...CONFIG_KEYS.map((key) => {
        const flag = configFlag(key);
        return [key, `As \`--${flag?.name ?? key}\`: ${flag?.help ?? ""}`] as const;
      }),
    ),
    lines(...CONFIG_KEYS.map((key) => `${key}: ${CONFIG_EXAMPLES[key] ?? "…"}`)),
    text(
      "`headers` is a list of `Name: value`, or names with their values. Keys that the program does not know may belong to the server",
      "and are ignored; `-v` names them.",
    ),
    heading("Credentials in it"),
    text(
      "`access_token` and `headers` go to the file's own `endpoint` alone (same scheme, host and port). With another endpoint from a flag",
      "or a variable the command ends with status 2 and names both places.",
      "A file that holds credentials and that others can read gets a warning.",
    ),
    heading("Who can write it"),
    text(
      "`$HOME/.hydra.yaml` is rejected with status 2 if it belongs to anyone but you or root, or if every user can write it: it would decide",
      "where your credentials go. If its group can write it, there is a warning. A file that you name with `--config` is used in any case, with a warning.",
      `At most ${sizeText(INPUT_LIMIT.bytes)} of a config file is read.`,
    ),
  ],
};

const SECRETS_TOPIC: Topic = {
  name: "secrets",
  title: "Where secrets come from, where they go, and how none is lost",
  parts: [
    text(
      `A secret is made here, from ${SECRET_LENGTH} characters that need no encoding anywhere (\`--${SECRET_LENGTH_FLAG.name}\`, up to ${SECRET_BCRYPT_BYTES}), and shown once.`,
      "No server gives it back later. A client with `--token-endpoint-auth-method none` has none.",
    ),
    heading("In"),
    rows(
      ["--secret-file FILE", "From a file, or from standard input with `-`; one line break at the end is left out"],
      ["HYDRA_CLIENT_SECRET", "From the environment, for a create alone"],
      ["--secret-prompt", "Typed on the terminal, unseen, twice"],
      ["--secret SECRET", "From the command line, where others can see it: it works, with a warning"],
    ),
    text(
      `Fewer than ${SECRET_SHORTEST} characters are refused; more than ${SECRET_BCRYPT_BYTES} bytes, and characters that need encoding, are warned about.`,
      "A secret that you give is not printed again. `--access-token-file` does the same for the token of the admin API.",
    ),
    heading("Out"),
    rows(
      ["(nothing)", "The secret is in the result on standard output, once"],
      ["--secret-out FILE", "Into a new file with mode 0600, whole or not at all; it must not be there yet"],
      ["--secret-out fd:3", "To a descriptor that the caller opened"],
      ["--pgp-key, --keybase …", "Encrypted: `hydra help encryption`"],
    ),
    text(
      "The file is written as `--secret-format` says (`dotenv`, `json`, `k8s`), else by its ending: `.json`, `.yaml` and `.yml`, else dotenv.",
      "`--id-field` and `--secret-field` name the variables. The target is opened before the client is created: where it cannot be",
      "written, nothing is created. Standard output then has the result without the secret. A reader of a descriptor who takes nothing",
      "is given up five seconds after `--fail-after`, or two after a signal.",
    ),
    heading("Recovery copies"),
    text(
      "Before a client is created, its generated secret is saved to a recovery copy: a new file with mode 0600, encrypted if you named",
      "recipients. The copy is removed once the secret is delivered, or once the server has certainly created nothing. So a secret survives",
      "signals (SIGKILL too), a crash, a closed or full standard output, and an answer that never came.",
    ),
    rows(
      ["hydra-rescue-ID-….json", "The copy of one client"],
      [
        "hydra-rescue-import-….ndjson",
        "The copies of an import, one client per line; the last line of a client counts",
      ],
      [".FILE.…", "With `--secret-out FILE`: the draft in the same folder, which becomes FILE"],
    ),
    text(
      "If a secret can't be delivered, the client is deleted again, provided that the server confirmed this very request and nothing of the",
      "secret has left the process. Otherwise the copy stays and the message names it. Take the secret from it, then delete the file.",
      "There is no copy for a public client, for a secret that you gave, or in a dry run.",
    ),
    text(
      "Copies go to `--rescue-dir`, else to `XDG_STATE_HOME`, `HOME`, the working directory or `TMPDIR`, whichever can be written first.",
      "Without any, creating warns and goes on, and rotating is refused; an unusable `--rescue-dir` is a usage error.",
      "A copy helps only as long as its folder outlives the process: in a container, name a mounted volume. The copy of a rotation is",
      "synced to disk before the request and survives a power loss too; those of create and import may not.",
    ),
    heading("Rotation"),
    lines("hydra clients rotate-secret my-app --secret-out my-app.env"),
    text(
      "The new secret is in a recovery copy from before it is sent until it is delivered, and nothing else of the client changes. Where the",
      "server has its own rotation, both secrets work until `--drop-old-secrets`; elsewhere the message says that the old one stopped working.",
      "`--verify --public-url URL` checks the new secret at the server's revocation endpoint, which issues no token. It first checks that a",
      "wrong secret is rejected there. `--token-endpoint` checks by getting a token, and so do keys (private_key_jwt) and servers that state no",
      "revocation endpoint. An endpoint that the server at `--public-url` states must be of the same origin.",
    ),
    heading("Without a secret"),
    lines(
      "hydra clients create --token-endpoint-auth-method private_key_jwt --generate-key ES256 --key-out app.pem -g client_credentials",
    ),
    text(
      "The key pair is made here; the private key is in the file, or encrypted to the recipients, and nowhere else.",
    ),
  ],
};

const RULES_TOPIC: Topic = {
  name: "rules",
  title: "What is checked of a client before it is sent",
  parts: [
    text(
      "All that is wrong with a client is told at once, before anything is sent. Each rule has a stable name: it is `error` of an error as",
      "JSON, and stands in brackets behind a warning.",
    ),
    heading("Errors: the server would refuse it"),
    rows(...ruleRows("error")),
    heading("Warnings: legal, and often regretted"),
    rows(...ruleRows("warning")),
    text("`--strict` makes the warnings errors."),
    heading("Input limits"),
    text(
      "Input beyond its limit is a usage error, in a file, a pipe, a terminal or a device. The limits:",
      `${sizeText(limitOf("--secret-file").bytes)} for \`--secret-file\`, ${sizeText(limitOf("--access-token-file").bytes)} for \`--access-token-file\`,`,
      `${sizeText(limitOf("import").bytes)} for all files of one \`hydra clients import\` together and for the IDs of \`hydra clients delete -\`, and`,
      `${sizeText(INPUT_LIMIT.bytes)} for each other file: \`--file\`, \`--jwks\`, \`--pgp-key @FILE\`, \`--ca-file\`, \`hydra pgp inspect\` and the config file.`,
    ),
  ],
};

function ruleRows(severity: "error" | "warning"): readonly (readonly [string, string])[] {
  return RULE_NAMES.filter((rule) => rule.severity === severity).map(({ name, hint }) => [name, hint]);
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
  RULES_TOPIC,
];

import { FORMAT_USAGES } from "../output/formats.ts";
import type { FlagIndex, OperandNames } from "./flag.ts";

/** What to write instead of a flag that other tools have. */
interface MisnamedFlagHint {
  /** The hint is only right for a command that has this flag. */
  readonly flag?: string;
  /** The hint is only right for a command with this word. */
  readonly command?: string;
  readonly hint: string;
}

const PUBLIC_CLIENT_HINT: MisnamedFlagHint = {
  flag: "token-endpoint-auth-method",
  hint: "write --token-endpoint-auth-method none for a public client",
};

const PKCE_HINT: MisnamedFlagHint = {
  hint: "PKCE is a setting of the server (oauth2.pkce), not of a client",
};

const ORY_NETWORK_HINT: MisnamedFlagHint = {
  hint: "this flag belongs to Ory's CLI for Ory Network; use --endpoint and --access-token",
};

function suggestFlag(flag: string): MisnamedFlagHint {
  return { flag, hint: `did you mean --${flag}?` };
}

const LIFESPANS_HINT: MisnamedFlagHint = {
  flag: "authorization-code-grant-access-token-lifespan",
  hint: "each grant has its own lifespans, such as --authorization-code-grant-access-token-lifespan",
};

/**
 * Names without dashes, as people write them, and what is meant. A function, because few command lines have a mistake and
 * a table would cost every start.
 */
function createMisnamedFlagTable(): readonly (readonly [names: readonly string[], meant: MisnamedFlagHint])[] {
  return [
    [["public", "is-public", "public-client"], PUBLIC_CLIENT_HINT],
    [["pkce", "pkce-enforced", "enforce-pkce", "require-pkce", "pkce-required", "use-pkce"], PKCE_HINT],
    [
      ["allowed-scopes", "allowed-scope", "granted-scopes", "default-scopes", "allowed-oauth-scopes"],
      suggestFlag("scope"),
    ],
    [["client-id", "app-id"], suggestFlag("id")],
    [["default-key-id", "key-id", "jwk-id"], suggestFlag("kid")],
    [["client-name", "display-name", "app-name"], suggestFlag("name")],
    [["client-secret", "password"], suggestFlag("secret-file")],
    [["secret", "secret-file", "password"], suggestFlag("client-secret-file")],
    [
      ["secret", "secret-file", "client-secret"],
      { flag: "if-exists", command: "import", hint: "write each secret as client_secret of its client in the file" },
    ],
    [["auth-method", "token-auth-method", "client-auth-method", "auth"], suggestFlag("token-endpoint-auth-method")],
    [
      ["allowed-redirect-uris", "redirect-url", "redirect-urls", "reply-url", "reply-urls"],
      suggestFlag("redirect-uri"),
    ],
    [["allowed-grant-types", "flow", "flows"], suggestFlag("grant-type")],
    [["logout-uri", "logout-uris", "logout-url", "allowed-logout-urls"], suggestFlag("post-logout-callback")],
    [
      ["access-token-lifespan", "access-token-ttl", "token-lifespan", "refresh-token-lifespan", "token-ttl", "ttl"],
      LIFESPANS_HINT,
    ],
    [
      ["url", "admin-url", "hydra-url", "hydra-admin-url", "host", "server", "address", "admin-endpoint"],
      suggestFlag("endpoint"),
    ],
    [["token", "bearer", "bearer-token", "api-key"], suggestFlag("access-token")],
    [["insecure", "tls-skip-verify", "insecure-skip-tls-verify", "no-verify-ssl", "k"], suggestFlag("skip-tls-verify")],
    [["cacert", "ca-cert", "ca-certificate", "cafile"], suggestFlag("ca-file")],
    [["timeout", "retry", "retries", "max-time"], suggestFlag("fail-after")],
    [["force", "y", "assume-yes", "auto-approve"], suggestFlag("yes")],
    // For other commands -f is a file in other tools.
    [["f"], { ...suggestFlag("yes"), command: "delete" }],
    [["filename", "from-file", "f"], suggestFlag("file")],
    [["output", "o"], suggestFlag("out")],
    [
      ["output", "out", "o"],
      { flag: "secret-out", hint: "--format chooses the output format, --secret-out writes the credentials to a file" },
    ],
    [["output", "out", "o", "output-format"], suggestFlag("format")],
    [["overwrite", "upsert", "skip-existing", "if-not-exists"], suggestFlag("if-exists")],
    [["debug", "trace"], suggestFlag("verbose")],
    [["silent", "no-warning", "no-warn"], suggestFlag("no-warnings")],
    [["project", "workspace", "organization"], ORY_NETWORK_HINT],
    [["version"], { hint: "write: hydra version" }],
  ];
}

function normalizeFlagName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** The hint for a flag that doesn't exist but that people write; undefined if the command lacks what is meant. */
export function findHintForUnknownFlag(name: string, index: FlagIndex, command: string): string | undefined {
  const typed = normalizeFlagName(name);
  const words = command.split(" ");
  const fits = ({ flag, command: only }: MisnamedFlagHint): boolean =>
    (flag === undefined || index.long.has(flag)) && (only === undefined || words.includes(only));
  return createMisnamedFlagTable().find(([names, meant]) => names.includes(typed) && fits(meant))?.[1].hint;
}

/** What the operands of commands are, and the flags that other tools have for them, without dashes. */
const OPERAND_FLAGS: ReadonlyMap<string, readonly [what: string, ...flags: readonly string[]]> = new Map([
  ["FILE", ["file", "filename", "from-file", "file", "f"]],
  ["TOKEN", ["token", "token"]],
  ["ID", ["client ID", "id", "client-id"]],
  ["SET", ["key set", "set", "set-id"]],
  ["KID", ["key ID", "kid", "key-id", "default-key-id", "jwk-id"]],
]);

/** The hint for a flag that doesn't exist because its value is an operand of the command; undefined for any other flag. */
export function findHintToUseOperand(
  name: string,
  command: string,
  wanted: OperandNames | undefined,
): string | undefined {
  if (wanted === undefined || command === "") return undefined;
  const names = wanted.first === undefined ? [wanted.name] : [wanted.first, wanted.name];
  const typed = normalizeFlagName(name);
  for (const operand of names) {
    const [what, ...flags] = OPERAND_FLAGS.get(operand) ?? [];
    if (flags.includes(typed)) return `give the ${what} without a flag: hydra ${command} ${names.join(" ")}`;
  }
  return undefined;
}

/** The formats by the names that `-o` has in other tools. */
const FORMAT_NAMES: ReadonlyMap<string, string> = new Map([
  ["wide", "table"],
  ["name", "id"],
  ["pretty", "json-pretty"],
  ["jsonl", "ndjson"],
  ["yml", "yaml"],
]);

function findOutputFormat(name: string): string | undefined {
  // kubectl writes an expression in braces, and prints its strings without quotes.
  const [, path] = /^jsonpath=\{(\.[^{}]+)\}$/.exec(name) ?? [];
  const format = path === undefined ? (FORMAT_NAMES.get(name.toLowerCase()) ?? name) : `raw=$${path}`;
  const [kind = ""] = format.split("=", 1);
  return FORMAT_USAGES.some((known) => known.split("=", 1)[0] === kind) ? format : undefined;
}

/** A format that is written as in other tools: `-o json`, `-ojson`, `--output=json` or `--json`. */
export interface ForeignFormatFlag {
  readonly format: string;
  /** How many words of the command line it takes. */
  readonly words: 1 | 2;
}

/** Reads a format that is written as in other tools; undefined for any other word. */
export function readForeignFormatFlag(word: string, next: string | undefined): ForeignFormatFlag | undefined {
  const [, own] = /^--(json|yaml|json-pretty|ndjson|table)(?:=true)?$/.exec(word) ?? [];
  if (own !== undefined) return { format: own, words: 1 };
  const [, attached] = /^(?:-o=?|--output=|--out=|--output-format=)(.+)$/s.exec(word) ?? [];
  if (attached !== undefined) {
    const format = findOutputFormat(attached);
    return format === undefined ? undefined : { format, words: 1 };
  }
  if (next === undefined || !["-o", "--output", "--out", "--output-format"].includes(word)) return undefined;
  const format = findOutputFormat(next);
  return format === undefined ? undefined : { format, words: 2 };
}

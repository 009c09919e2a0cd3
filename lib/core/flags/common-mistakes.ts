import { FORMATS } from "../output/formats.ts";
import type { FlagIndex } from "./flag.ts";

/** What to write instead of a flag that other tools have. */
interface Meant {
  /** The hint is only right for a command that has this flag. */
  readonly flag?: string;
  readonly hint: string;
}

const PUBLIC: Meant = {
  flag: "token-endpoint-auth-method",
  hint: "write --token-endpoint-auth-method none for a public client",
};

const PKCE: Meant = {
  hint: "PKCE is a setting of the server (oauth2.pkce), not of a client",
};

const ORY_NETWORK: Meant = {
  hint: "this flag belongs to Ory's CLI for Ory Network; use --endpoint and --access-token",
};

function use(flag: string): Meant {
  return { flag, hint: `did you mean --${flag}?` };
}

const LIFESPANS: Meant = {
  flag: "authorization-code-grant-access-token-lifespan",
  hint: "each grant has its own lifespans, such as --authorization-code-grant-access-token-lifespan",
};

/** Names without dashes, as people write them, and with what is meant. */
const MEANT: readonly (readonly [name: string, meant: Meant])[] = [
  ...["public", "is-public", "public-client"].map((name) => [name, PUBLIC] as const),
  ...["pkce", "pkce-enforced", "enforce-pkce", "require-pkce", "pkce-required", "use-pkce"].map(
    (name) => [name, PKCE] as const,
  ),
  ...["allowed-scopes", "allowed-scope", "granted-scopes", "default-scopes", "allowed-oauth-scopes"].map(
    (name) => [name, use("scope")] as const,
  ),
  ...["client-id", "app-id"].map((name) => [name, use("id")] as const),
  ...["client-name", "display-name", "app-name"].map((name) => [name, use("name")] as const),
  ...["client-secret", "password"].map((name) => [name, use("secret-file")] as const),
  ...["auth-method", "token-auth-method", "client-auth-method", "auth"].map(
    (name) => [name, use("token-endpoint-auth-method")] as const,
  ),
  ...["allowed-redirect-uris", "redirect-url", "redirect-urls", "reply-url", "reply-urls"].map(
    (name) => [name, use("redirect-uri")] as const,
  ),
  ...["allowed-grant-types", "flow", "flows"].map((name) => [name, use("grant-type")] as const),
  ...["logout-uri", "logout-uris", "logout-url", "allowed-logout-urls"].map(
    (name) => [name, use("post-logout-callback")] as const,
  ),
  ...["access-token-lifespan", "access-token-ttl", "token-lifespan", "refresh-token-lifespan", "token-ttl", "ttl"].map(
    (name) => [name, LIFESPANS] as const,
  ),
  ...["url", "admin-url", "hydra-url", "hydra-admin-url", "host", "server", "address", "admin-endpoint"].map(
    (name) => [name, use("endpoint")] as const,
  ),
  ...["token", "bearer", "bearer-token", "api-key"].map((name) => [name, use("access-token")] as const),
  ...["insecure", "tls-skip-verify", "insecure-skip-tls-verify", "no-verify-ssl", "k"].map(
    (name) => [name, use("skip-tls-verify")] as const,
  ),
  ...["cacert", "ca-cert", "ca-certificate", "cafile"].map((name) => [name, use("ca-file")] as const),
  ...["timeout", "retry", "retries", "max-time"].map((name) => [name, use("fail-after")] as const),
  ...["force", "f", "y", "assume-yes", "auto-approve"].map((name) => [name, use("yes")] as const),
  ...["filename", "from-file", "f"].map((name) => [name, use("file")] as const),
  ...["output", "out", "o"].map(
    (name) =>
      [
        name,
        {
          flag: "secret-out",
          hint: "--format chooses the output format, --secret-out writes the credentials to a file",
        },
      ] as const,
  ),
  ...["output", "out", "o", "output-format"].map((name) => [name, use("format")] as const),
  ...["overwrite", "upsert", "skip-existing", "if-not-exists"].map((name) => [name, use("if-exists")] as const),
  ...["debug", "trace"].map((name) => [name, use("verbose")] as const),
  ...["silent", "no-warning", "no-warn"].map((name) => [name, use("no-warnings")] as const),
  ...["project", "workspace", "organization"].map((name) => [name, ORY_NETWORK] as const),
];

/** The hint for a flag that doesn't exist but that people write; undefined where the command lacks what is meant. */
export function hintForFlag(name: string, index: FlagIndex): string | undefined {
  const typed = name.toLowerCase().replaceAll("_", "-");
  const fits = ({ flag }: Meant): boolean => flag === undefined || index.long.has(flag);
  return MEANT.find(([known, meant]) => known === typed && fits(meant))?.[1].hint;
}

/** The formats by the names that `-o` has in other tools. */
const FORMAT_NAMES: ReadonlyMap<string, string> = new Map([
  ["wide", "table"],
  ["name", "id"],
  ["pretty", "json-pretty"],
  ["jsonl", "ndjson"],
  ["yml", "yaml"],
]);

function formatNamed(name: string): string | undefined {
  const format = FORMAT_NAMES.get(name.toLowerCase()) ?? name;
  const [kind = ""] = format.split("=", 1);
  return FORMATS.some((known) => known.split("=", 1)[0] === kind) ? format : undefined;
}

/** A format that is written as in other tools: `-o json`, `-ojson`, `--output=json` or `--json`. */
export interface ForeignFormat {
  readonly format: string;
  /** How many words of the command line it takes. */
  readonly words: 1 | 2;
}

/** Reads a format that is written as in other tools. */
export function readForeignFormat(word: string, next: string | undefined): ForeignFormat | undefined {
  const [, own] = /^--(json|yaml|json-pretty|ndjson|table)(?:=true)?$/.exec(word) ?? [];
  if (own !== undefined) return { format: own, words: 1 };
  const [, attached] = /^(?:-o=?|--output=|--out=|--output-format=)(.+)$/s.exec(word) ?? [];
  if (attached !== undefined) {
    const format = formatNamed(attached);
    return format === undefined ? undefined : { format, words: 1 };
  }
  if (next === undefined || !["-o", "--output", "--out", "--output-format"].includes(word)) return undefined;
  const format = formatNamed(next);
  return format === undefined ? undefined : { format, words: 2 };
}

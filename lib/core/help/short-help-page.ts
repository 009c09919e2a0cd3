import type { Flag } from "../flags/flag.ts";

/** The most flags that a page describes one by one; a page with more describes the common ones and names the others. */
const MANY_FLAGS = 40;

/** The flags that most people need, by name; a text replaces the longer one of `--help=all`. */
const COMMON_FLAGS: ReadonlyMap<string, string | undefined> = new Map<string, string | undefined>([
  ["id", undefined],
  ["name", "Client name, shown at login"],
  ["callbacks", undefined],
  ["grant-types", "Grant types (default: authorization_code)"],
  ["response-types", "Response types (default: code)"],
  ["scope", undefined],
  ["audience", undefined],
  [
    "token-endpoint-auth-method",
    "client_secret_basic (default), client_secret_post, private_key_jwt, or none: a public client",
  ],
  ["post-logout-callbacks", undefined],
  ["owner", undefined],
  ["metadata", undefined],
  ["skip-consent", "Skip the consent screen"],
  ["add-callback", "Add redirect URIs"],
  ["add-scope", "Add scopes"],
  ["unset", undefined],
  ["secret", "Client secret; better: --secret-file"],
  ["secret-file", "Read the secret from a file (- for stdin)"],
  ["secret-out", "Write the credentials to a new file"],
  ["generate-key", "Generate a key pair for private_key_jwt"],
  ["verify", "Check that the new credentials work"],
  ["pgp-key", "Encrypt the secret to this OpenPGP key"],
  ["keybase", "Encrypt the secret to a Keybase user's key"],
  ["file", "Read the client from JSON or YAML"],
  ["set", "Set any field: metadata.team='\"x\"'"],
  ["if-exists", "If the ID exists: fail, skip or update"],
  ["stack", undefined],
  ["prune", undefined],
  ["adopt", undefined],
  ["merge", "Compare only the fields that a file has"],
  ["yes", undefined],
  ["dry-run", "Print the request, change nothing"],
  ["format", "text, json, yaml … (hydra help formats)"],
  ["quiet", "Print only IDs"],
  ["endpoint", "Admin API URL (or HYDRA_ADMIN_URL)"],
  ["verbose", "Log requests to stderr"],
  ["help", undefined],
]);

/** Whether a page has too many flags to describe each of them. */
export function needsShortPage(flags: readonly Flag[]): boolean {
  return flags.length > MANY_FLAGS;
}

/** Whether a flag is described on the short page of a command with many flags. */
export function isOnShortPage({ name }: Flag): boolean {
  return COMMON_FLAGS.has(name);
}

/** What the short page says about a flag. */
export function briefHelp(flag: Flag): string {
  const text = flag.brief === undefined ? COMMON_FLAGS.get(flag.name) : flag.brief;
  if (text === undefined) return flag.help;
  // The row of a command without a default, such as update, must not claim one.
  return "default" in flag ? text : text.replace(/ \(default[^)]*\)/, "");
}

/** Whether a flag is one of the many lifespans. */
export function isLifespanFlag({ name }: Flag): boolean {
  return LIFESPAN_FLAG_NAME_PATTERN.test(name);
}

/** The flags of which there are many by one pattern: the lifespans by grant and token, the edits of lists by field. */
const LIFESPAN_FLAG_NAME_PATTERN = /^(.+)-grant-(.+)-token-lifespan$/;
const LIST_EDIT_FLAG_NAME_PATTERN = /^(?:add|remove)-(.+)$/;

function joinDistinctWords(words: readonly string[]): string {
  return [...new Set(words)].join(", ");
}

/** The pattern of the lifespans among some names; empty if there are none. */
function lifespanFlagPattern(names: readonly string[]): string {
  const parts = names.flatMap((name) => {
    const [, grant, token] = LIFESPAN_FLAG_NAME_PATTERN.exec(name) ?? [];
    return grant === undefined || token === undefined ? [] : [{ grant, token }];
  });
  const grants = joinDistinctWords(parts.map(({ grant }) => grant));
  const tokens = joinDistinctWords(parts.map(({ token }) => token));
  return parts.length === 0 ? "" : `--GRANT-grant-TOKEN-token-lifespan (GRANT: ${grants}; TOKEN: ${tokens})`;
}

function listEditFlagPattern(names: readonly string[]): string {
  const fields = names.flatMap((name) => LIST_EDIT_FLAG_NAME_PATTERN.exec(name)?.[1] ?? []);
  return fields.length === 0 ? "" : `--add-FIELD --remove-FIELD (FIELD: ${joinDistinctWords(fields)})`;
}

/** The names of flags in a few words: those that follow a pattern are written once. */
export function condenseFlagNames(names: readonly string[]): string {
  const single = names
    .filter((name) => !LIFESPAN_FLAG_NAME_PATTERN.test(name) && !LIST_EDIT_FLAG_NAME_PATTERN.test(name))
    .map((name) => `--${name}`);
  return [...single, lifespanFlagPattern(names), listEditFlagPattern(names)].filter((text) => text !== "").join(" ");
}

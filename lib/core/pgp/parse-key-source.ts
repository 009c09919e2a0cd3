import { type Problem, usageError } from "../problem.ts";
import { quote, trimCharactersAtEnd } from "../text.ts";
import { keybaseNameProblem, splitMailAddress } from "./key-address-checks.ts";

/** Where a key comes from, as a word names it. */
export type KeySource =
  | { readonly kind: "keybase"; readonly name: string }
  | { readonly kind: "github"; readonly user: string }
  | { readonly kind: "wkd"; readonly address: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "stdin" }
  /** The key itself: armor or base64. */
  | { readonly kind: "material"; readonly text: string };

/** The name of a Keybase user in any spelling: `ann`, `@ann` as Keybase writes it, `keybase:ann` as Vault and Terraform do. */
export function keybaseUserName(text: string): string {
  const name = text.trim().replace(/^keybase:(?:\/\/)?/i, "");
  const profile = /^https?:\/\/(?:www\.)?keybase\.io\/([^/?#]+)\/?$/i.exec(name)?.[1];
  return profile ?? name.replace(/^@/, "");
}

/**
 * Takes apart a word of `--pgp-key` or `pgp inspect`: `keybase:NAME`, `github:USER`, `wkd:ADDRESS`, an http or https URL,
 * `@FILE`, `-`, or the key itself. The name behind a prefix isn't checked; {@link keySourceProblem} does that.
 */
export function parseKeySource(word: string): KeySource {
  if (word === "-") return { kind: "stdin" };
  if (word.startsWith("@")) return { kind: "file", path: word.slice(1) };
  if (/^https?:\/\//i.test(word)) return { kind: "url", url: word };
  const [prefix = "", scheme = ""] = /^(keybase|github|wkd):/i.exec(word) ?? [];
  const rest = word.slice(prefix.length);
  switch (scheme.toLowerCase()) {
    case "keybase":
      return { kind: "keybase", name: keybaseUserName(rest) };
    case "github":
      return { kind: "github", user: rest.replace(/^(?:\/\/|@)/, "") };
    case "wkd":
      return { kind: "wkd", address: rest };
    default:
      return { kind: "material", text: word };
  }
}

/** Whether a service looks the key up by a name. */
export function isLookedUpByName(
  source: KeySource,
): source is Extract<KeySource, { kind: "keybase" | "github" | "wkd" }> {
  return source.kind === "keybase" || source.kind === "github" || source.kind === "wkd";
}

/** What is wrong with the name in a key source, or undefined; `flag` is where it was given. */
export function keySourceProblem(source: KeySource, flag: string): Problem | undefined {
  switch (source.kind) {
    case "keybase":
      return keybaseNameProblem(source.name, flag);
    case "github":
      return githubUserProblem(source.user, flag);
    case "wkd": {
      const parts = splitMailAddress(source.address);
      return parts instanceof Error ? parts : undefined;
    }
    default:
      return undefined;
  }
}

/** GitHub's rule for user names; older names may also end in a dash or have two of them. */
function githubUserProblem(user: string, flag: string): Problem | undefined {
  if (/^[A-Za-z\d][A-Za-z\d-]{0,38}$/.test(user)) return undefined;
  return usageError(
    `Invalid ${flag} github:${quote(user)}: not a GitHub user name`,
    "write the name as in the URL of the profile, such as github:octocat",
    "github-user",
  );
}

/** Where GitHub serves keys, unless another base URL is set. */
export const GITHUB_URL = "https://github.com";

/** The URL of the OpenPGP keys of a GitHub user below a base URL, which may have a path. */
export function githubKeyUrl(user: string, base = GITHUB_URL): string {
  return `${trimCharactersAtEnd(base, "/")}/${encodeURIComponent(user)}.gpg`;
}

/** What sites answer with status 200 for a user without a key, in place of one, and what it means. */
const ABSENT: readonly (readonly [says: RegExp, meaning: string])[] = [
  // GitHub, Gitea and Forgejo: a header of an armored block with nothing in it.
  [/\bhasn't uploaded any GPG keys\b/i, "this user has no OpenPGP key there"],
  [
    /\bcouldn't be exported and need to be reuploaded\b/i,
    "the site can't export this user's key until it is uploaded again",
  ],
  [/^\s*SELF-SIGNED PUBLIC KEY NOT FOUND\b/i, "this user has no OpenPGP key there"],
  [/^\s*(?:error:\s*)?no (?:keys?|results?) found\b/i, "the key server has no such key"],
  [/^\s*(?:404\b[^\n]*\b)?not found\.?\s*$/i, "there is nothing at this URL"],
];

/** The most that such an answer is long; a key is not searched for words. */
const ANSWER_LENGTH = 4096;

/**
 * What the text of a site says where it has no key to give, although it answered with success; undefined for a text that
 * may be a key. GitHub's `USER.gpg` is an armored block with a note and no key; GitLab's is empty.
 */
export function keylessAnswerReason(text: string): string | undefined {
  if (text.length > ANSWER_LENGTH) return undefined;
  if (text.trim() === "") return "the answer is empty: this user has no OpenPGP key there";
  // GitHub also adds its note to a block that has the keys it could export.
  if (hasKeyData(text)) return undefined;
  return ABSENT.find(([says]) => says.test(text))?.[1];
}

/** Whether a text has a line that only the base64 of a key has. */
function hasKeyData(text: string): boolean {
  return text.split("\n").some((line) => /^[A-Za-z0-9+/]{40,}={0,2}$/.test(line.trim()));
}

/** A header of armor (RFC 9580, section 6.2.2), `Version: GnuPG v2` or one of a later program. */
const HEADER = /^[A-Za-z][A-Za-z-]*:(?: |$)/;

/** The lines around armor, cut as they may be when text is copied. */
const MARKER = /^-{2,}\s*(?:BEGIN|END) PGP [A-Z ]*-*$/;

/** A checksum (RFC 9580, section 6.1.1): four digits after an equals sign. */
const CHECKSUM = /^=[A-Za-z0-9+/]{4}$/;

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * The base64 of armor that lost its BEGIN and END lines: without headers, checksum, and what is left of those lines. Line
 * breaks may have become spaces or `\n` in letters. Undefined for a text that is something else, also for whole armor.
 */
export function armorBodyWithoutMarkers(text: string): string | undefined {
  const lines = text
    .replace(/\\r|\r/g, "")
    .replaceAll("\\n", "\n")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !MARKER.test(line) && !HEADER.test(line));
  const words = lines.flatMap((line) => line.split(/\s+/));
  const body = words.filter((word) => !CHECKSUM.test(word));
  if (body.length === 0 || words.slice(0, -1).some((word) => CHECKSUM.test(word))) return undefined;
  const joined = withoutGluedChecksum(body.join(""));
  return BASE64.test(joined) ? joined : undefined;
}

/** Base64 without a checksum that lost the line break before it: what comes before is whole, a multiple of four digits. */
function withoutGluedChecksum(text: string): string {
  const rest = text.slice(0, -5);
  return CHECKSUM.test(text.slice(-5)) && rest.length % 4 === 0 ? rest : text;
}

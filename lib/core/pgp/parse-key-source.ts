import { type Problem, usageError } from "../problem.ts";
import { quote, trimCharactersAtEnd } from "../text.ts";
import { findKeybaseNameProblem, type KeyFlagOrArgument, splitMailAddressOrProblem } from "./key-address-checks.ts";

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
export function normalizeKeybaseName(text: string): string {
  const name = text.trim().replace(/^keybase:(?:\/\/)?/i, "");
  const profile = /^https?:\/\/(?:www\.)?keybase\.io\/([^/?#]+)\/?$/i.exec(name)?.[1];
  return profile ?? name.replace(/^@/, "");
}

/**
 * Takes apart a word of `--pgp-key` or `pgp inspect`: `keybase:NAME`, `github:USER`, `wkd:ADDRESS`, an http or https URL,
 * `@FILE`, `-`, or the key itself. The name after a prefix isn't checked; {@link findKeyOwnerNameProblem} does that.
 */
export function parseKeySource(word: string): KeySource {
  if (word === "-") return { kind: "stdin" };
  if (word.startsWith("@")) return { kind: "file", path: word.slice(1) };
  if (/^https?:\/\//i.test(word)) return { kind: "url", url: word };
  const [prefix = "", scheme = ""] = /^(keybase|github|wkd):/i.exec(word) ?? [];
  const rest = word.slice(prefix.length);
  switch (scheme.toLowerCase()) {
    case "keybase":
      return { kind: "keybase", name: normalizeKeybaseName(rest) };
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

/** What is wrong with the name in a key source, or undefined. */
export function findKeyOwnerNameProblem(source: KeySource, origin: KeyFlagOrArgument): Problem | undefined {
  switch (source.kind) {
    case "keybase":
      return findKeybaseNameProblem(source.name, origin);
    case "github":
      return findGithubNameProblem(source.user, origin);
    case "wkd": {
      const parts = splitMailAddressOrProblem(source.address);
      return parts instanceof Error ? parts : undefined;
    }
    default:
      return undefined;
  }
}

/** GitHub's rule for user names; older names may also end in a dash or have two of them. */
function findGithubNameProblem(user: string, { name }: KeyFlagOrArgument): Problem | undefined {
  if (/^[A-Za-z\d][A-Za-z\d-]{0,38}$/.test(user)) return undefined;
  return usageError(
    `Invalid ${name} github:${quote(user)}: not a GitHub user name`,
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
